/* Layers: their names and variables, and what they compute in training and in inference. */
#include "graph/graph.h"
#include "nn_check.h"

#include <stdlib.h>

static const soma_conv2d_options plain_conv;
static const soma_batch_norm_options plain_norm;

static void set(soma_store *store, const char *name, const float *values, size_t count) {
    soma_error error = {0};
    soma_store_set(store, name, values, count, &error);
    assert_no_error(&error);
}

/* A plan of one value, so that its store can be filled before it runs. */
typedef struct machine {
    soma_plan *plan;
    soma_run *run;
    soma_value value;
} machine;

static machine assemble(soma_value value, soma_store *store) {
    soma_error error = {0};
    machine m = {.value = value};
    soma_plan_options o = {.max_batch = 256, .backend = SOMA_BACKEND_REFERENCE, .store = store};
    m.plan = soma_plan_infer(&value, 1, o, &error);
    assert_no_error(&error);
    m.run = soma_run_create(m.plan, &error);
    assert_no_error(&error);
    return m;
}

static void compute(const machine *m, const feed *feeds, size_t feeds_count, double *out, size_t count) {
    soma_error error = {0};
    step(m->run, feeds, feeds_count);
    soma_run_get_double(m->run, m->value, out, count, &error);
    assert_no_error(&error);
}

static void dismantle(machine *m) {
    soma_run_destroy(m->run);
    soma_plan_destroy(m->plan);
}

static void dense_is_x_times_w_transposed_plus_b(void **state) {
    (void)state;
    const double x[6] = {1, 2, 3, -1, 0, 0.5};
    const float w[6] = {1, 0, -1, 0.5f, 2, 0}, b[2] = {0.25f, -1};
    const double expected[4] = {-2 + 0.25, 4.5 - 1, -1.5 + 0.25, -0.5 - 1};
    double out[4];
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape2(SOMA_BATCH, 3));
    machine m = assemble(soma_dense(in, 2), NULL);
    set(soma_plan_store(m.plan), "dense1.weight", w, 6);
    set(soma_plan_store(m.plan), "dense1.bias", b, 2);
    compute(&m, &(feed){in, x, 2}, 1, out, 4);
    for (int i = 0; i < 4; i++) assert_near(out[i], expected[i], 1e-15);
    dismantle(&m);
    soma_graph_destroy(g);
}

static void dense_flattens_pictures(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value y = soma_dense(soma_input(g, "x", soma_shape4(SOMA_BATCH, 3, 4, 5)), 7);
    soma_shape expected = soma_shape2(SOMA_BATCH, 7), s = soma_value_shape(y);
    soma_shape w = soma_value_shape(graph_find(g, &op_variable, "dense1.weight"));
    assert_true(shape_equal(&s, &expected));
    assert_int_equal(w.dims[1], 60);
    soma_graph_destroy(g);
}

/* The lecture's convolution, with a bias. */
static void conv2d_is_cross_correlation_plus_bias(void **state) {
    (void)state;
    const double x[20] = {2, 1, 3, 1, 2, 3, 4, 2, 0, 1, 2, 0, 1, 2, 3, 1, 3, 2, 4, 0};
    const float k[9] = {2, -1, -1, -1, 0, 0, -1, 0, 2}, b[1] = {0.5f};
    const double expected[6] = {-2.5, -1.5, 6.5, 1.5, 11.5, 0.5};
    double out[6];
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, 1, 4, 5));
    machine m = assemble(soma_conv2d(in, 1, soma_kernel(3, 3), plain_conv), NULL);
    set(soma_plan_store(m.plan), "conv2d1.weight", k, 9);
    set(soma_plan_store(m.plan), "conv2d1.bias", b, 1);
    compute(&m, &(feed){in, x, 1}, 1, out, 6);
    for (int i = 0; i < 6; i++) assert_near(out[i], expected[i], 1e-15);
    dismantle(&m);
    soma_graph_destroy(g);
}

static void same_padding_gives_size_over_stride_rounded_up(void **state) {
    (void)state;
    for (int64_t size = 1; size <= 12; size++)
        for (int64_t kernel = 1; kernel <= 5; kernel++)
            for (int64_t stride = 1; stride <= 3; stride++)
                for (int64_t dilation = 1; dilation <= 2; dilation++) {
                    soma_graph *g = soma_graph_create();
                    soma_conv2d_options o = {.stride = stride, .dilation = dilation, .same = true};
                    soma_value x = soma_input(g, "x", soma_shape4(SOMA_BATCH, 2, size, size + 1));
                    soma_shape s = soma_value_shape(soma_conv2d(x, 4, soma_kernel(kernel, kernel), o));
                    assert_int_equal(soma_graph_error(g)->code, SOMA_OK);
                    assert_int_equal(s.dims[2], (size + stride - 1) / stride);
                    assert_int_equal(s.dims[3], (size + 1 + stride - 1) / stride);
                    soma_graph_destroy(g);
                }
}

static void pools_take_their_size_as_stride(void **state) {
    (void)state;
    const double x[16] = {1, 1, 2, 4, 5, 6, 7, 8, 3, 2, 1, 0, 1, 2, 3, 4};
    const double largest[4] = {6, 8, 3, 4}, means[4] = {13.0 / 4, 21.0 / 4, 2, 2};
    double out[4];
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, 1, 4, 4));
    evaluate(soma_max_pool2d(in, 2, 0), &(feed){in, x, 1}, 1, NULL, out, 4);
    for (int i = 0; i < 4; i++) assert_near(out[i], largest[i], 0);
    evaluate(soma_avg_pool2d(in, 2, 2), &(feed){in, x, 1}, 1, NULL, out, 4);
    for (int i = 0; i < 4; i++) assert_near(out[i], means[i], 1e-15);
    soma_graph_destroy(g);
}

/* What torch.nn.functional.conv_transpose2d gives. */
static void transposed_convolution_spreads_each_element(void **state) {
    (void)state;
    const double x[4] = {1, 2, 3, -1};
    const float k[9] = {1, 2, 3, 0, 1, 0, -1, 0, 2}, b[1] = {0.5f};
    const double plain[25] = {1, 2, 5, 4, 6, 0, 1, 0, 2, 0, 2, 6, 8, -2, 1, 0, 3, 0, -1, 0, -3, 0, 7, 0, -2};
    double out[36];
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, 1, 2, 2));
    soma_conv_transpose2d_options o = {.stride = 2};
    machine m = assemble(soma_conv_transpose2d(in, 1, soma_kernel(3, 3), o), NULL);
    set(soma_plan_store(m.plan), "convt2d1.weight", k, 9);
    set(soma_plan_store(m.plan), "convt2d1.bias", b, 1);
    compute(&m, &(feed){in, x, 1}, 1, out, 25);
    for (int i = 0; i < 25; i++) assert_near(out[i], plain[i] + 0.5, 1e-15);
    dismantle(&m);
    o = (soma_conv_transpose2d_options){.stride = 2, .padding = 1, .output_padding = 1};
    m = assemble(soma_conv_transpose2d(in, 1, soma_kernel(3, 3), o), NULL);
    set(soma_plan_store(m.plan), "convt2d2.weight", k, 9);
    set(soma_plan_store(m.plan), "convt2d2.bias", b, 1);
    compute(&m, &(feed){in, x, 1}, 1, out, 16);
    for (int i = 0; i < 16; i++) assert_near(out[i], plain[(i / 4 + 1) * 5 + i % 4 + 1] + 0.5, 1e-15);
    dismantle(&m);
    o = (soma_conv_transpose2d_options){.stride = 3, .same = true, .groups = 1};
    soma_shape s = soma_value_shape(soma_conv_transpose2d(in, 4, soma_kernel(4, 2), o));
    assert_int_equal(s.dims[2], 6);
    assert_int_equal(s.dims[3], 6);
    assert_int_equal(soma_graph_error(g)->code, SOMA_OK);
    o = (soma_conv_transpose2d_options){.padding = 2};
    soma_conv_transpose2d(in, 1, soma_kernel(3, 3), o);
    assert_string_equal(soma_graph_error(g)->message, "convt2d 'convt2d4': padding 2 leaves nothing of the output");
    soma_graph_destroy(g);
}

/* Each part of a sample that shares its statistics has mean 0 and variance 1 / (1 + epsilon / variance). */
static void norms_take_each_samples_own_statistics(void **state) {
    (void)state;
    enum { SAMPLES = 2, CHANNELS = 4, AREA = 6, EACH = CHANNELS * AREA };
    double x[SAMPLES * EACH], out[SAMPLES * EACH];
    for (int i = 0; i < SAMPLES * EACH; i++) x[i] = sin(i * 1.7) * (1 + i % 5) + i / 20;
    for (int kind = 0; kind < 3; kind++) {
        soma_graph *g = soma_graph_create();
        soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, CHANNELS, 2, 3));
        soma_norm_options o = {0};
        soma_value y = kind == 0   ? soma_layer_norm(in, o)
                       : kind == 1 ? soma_instance_norm(in, o)
                                   : soma_group_norm(in, 2, o);
        int part = kind == 0 ? EACH : kind == 1 ? AREA : EACH / 2, weights = kind == 0 ? EACH : CHANNELS;
        float weight[EACH], bias[EACH];
        for (int i = 0; i < weights; i++) weight[i] = 0.5f + (float)i, bias[i] = (float)i - 3;
        machine m = assemble(y, NULL);
        set(soma_plan_store(m.plan),
            kind == 0   ? "ln1.weight"
            : kind == 1 ? "in1.weight"
                        : "gn1.weight",
            weight, (size_t)weights);
        set(soma_plan_store(m.plan),
            kind == 0   ? "ln1.bias"
            : kind == 1 ? "in1.bias"
                        : "gn1.bias",
            bias, (size_t)weights);
        compute(&m, &(feed){in, x, SAMPLES}, 1, out, SAMPLES * EACH);
        for (int first = 0; first < SAMPLES * EACH; first += part) {
            double mean = 0, variance = 0;
            for (int i = first; i < first + part; i++) mean += x[i] / part;
            for (int i = first; i < first + part; i++) variance += (x[i] - mean) * (x[i] - mean) / part;
            for (int i = first; i < first + part; i++) {
                int w = kind == 0 ? i % EACH : i % EACH / AREA;
                double unit = (x[i] - mean) / sqrt(variance + 1e-5);
                assert_near(out[i], unit * (double)weight[w] + (double)bias[w], 1e-12);
            }
        }
        dismantle(&m);
        soma_graph_destroy(g);
    }
    soma_graph *g = soma_graph_create();
    soma_group_norm(soma_input(g, "x", soma_shape4(SOMA_BATCH, 4, 2, 2)), 3, (soma_norm_options){0});
    assert_string_equal(soma_graph_error(g)->message, "gn 'gn1': 3 groups do not divide the 4 channels");
    soma_graph_destroy(g);
}

/* ---- Names ----------------------------------------------------------------------------------------------------------
 */

static soma_value network(soma_graph *g, soma_value *x) {
    *x = soma_input(g, "x", soma_shape4(SOMA_BATCH, 1, 8, 8));
    soma_value h = soma_batch_norm(soma_conv2d(*x, 3, soma_kernel(3, 3), plain_conv), plain_norm);
    h = soma_dropout(soma_relu(soma_conv2d(h, 2, soma_kernel(3, 3), plain_conv)), 0.5);
    return soma_dense(soma_tanh(soma_dense(h, 6)), 2);
}

static void two_builds_share_names_and_shapes(void **state) {
    (void)state;
    const char *expected[] = {"conv2d1.weight",   "conv2d1.bias",    "bn1.weight",     "bn1.bias",
                              "bn1.running_mean", "bn1.running_var", "conv2d2.weight", "conv2d2.bias",
                              "dense1.weight",    "dense1.bias",     "dense2.weight",  "dense2.bias"};
    soma_graph *train = soma_graph_create(), *infer = soma_graph_create();
    soma_value x;
    soma_graph_set_training(train, true);
    network(train, &x);
    network(infer, &x);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        soma_value a = graph_find(train, &op_variable, expected[i]), b = graph_find(infer, &op_variable, expected[i]);
        soma_shape s = soma_value_shape(a), t = soma_value_shape(b);
        if (!a.node || !b.node || !shape_equal(&s, &t)) fail_msg("'%s' is not shared", expected[i]);
    }
    soma_graph_destroy(train);
    soma_graph_destroy(infer);
}

static void an_inference_graph_sees_what_training_learnt(void **state) {
    (void)state;
    soma_error error = {0};
    soma_graph *train = soma_graph_create(), *infer = soma_graph_create();
    soma_store *store = soma_store_create((soma_store_options){.seed = 5, .float64 = true}, &error);
    double x[2 * 64], t[4] = {1, -1, 0.5, 2}, before[4], after[4];
    for (int i = 0; i < 128; i++) x[i] = sin(i * 1.7);
    soma_value in, answer = network(infer, &in), train_in, target;
    feed question = {in, x, 2};
    evaluate(answer, &question, 1, store, before, 4);
    soma_graph_set_training(train, true);
    soma_value y = network(train, &train_in);
    target = soma_input(train, "t", soma_shape2(SOMA_BATCH, 2));
    soma_plan_options o = {.max_batch = 2, .store = store, .backend = SOMA_BACKEND_REFERENCE};
    soma_plan *plan = soma_plan_train(soma_mse_loss(y, target), soma_sgd(0.05), o, &error);
    assert_no_error(&error);
    soma_run *run = soma_run_create(plan, &error);
    feed lesson[2] = {{train_in, x, 2}, {target, t, 2}};
    for (int i = 0; i < 200; i++) step(run, lesson, 2);
    evaluate(answer, &question, 1, store, after, 4);
    double far = 0, near = 0;
    for (int i = 0; i < 4; i++) far += fabs(before[i] - t[i]), near += fabs(after[i] - t[i]);
    assert_true(near < 0.7 * far);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_store_destroy(store);
    soma_graph_destroy(train);
    soma_graph_destroy(infer);
}

/* ---- Dropout --------------------------------------------------------------------------------------------------------
 */

enum { DROPPED = 4000 };

static void dropout_zeroes_and_scales_in_training_only(void **state) {
    (void)state;
    double x[DROPPED], out[2][DROPPED];
    int zeros = 0, changed = 0;
    for (int i = 0; i < DROPPED; i++) x[i] = i + 1;
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape2(SOMA_BATCH, DROPPED));
    soma_value same = soma_dropout(in, 0.3);
    assert_true(same.node == in.node);
    soma_graph_set_training(g, true);
    machine m = assemble(soma_dropout(in, 0.3), NULL);
    for (int t = 0; t < 2; t++) compute(&m, &(feed){in, x, 1}, 1, out[t], DROPPED);
    for (int i = 0; i < DROPPED; i++) {
        if (out[0][i] != 0) assert_near(out[0][i], x[i] / 0.7, 1e-14);
        zeros += out[0][i] == 0;
        changed += (out[0][i] == 0) != (out[1][i] == 0);
    }
    assert_true(abs(zeros - 1200) < 150);   /* 5 standard deviations of 29 */
    assert_true(abs(changed - 1680) < 155); /* 2 p (1 - p) of them: each step draws anew */
    dismantle(&m);
    soma_graph_destroy(g);
}

static void dropout_passes_gradients_where_it_kept(void **state) {
    (void)state;
    double x[100], both[200];
    for (int i = 0; i < 100; i++) x[i] = 1;
    soma_graph *g = soma_graph_create();
    soma_graph_set_training(g, true);
    soma_value in = soma_input(g, "x", soma_shape2(SOMA_BATCH, 100)), y = soma_dropout(in, 0.5), dx;
    soma_gradient(soma_sum(y), &in, 1, &dx);
    soma_value together[2] = {y, dx};
    evaluate(soma_concat(together, 2, 1), &(feed){in, x, 1}, 1, NULL, both, 200);
    for (int i = 0; i < 100; i++) assert_near(both[i], both[100 + i], 0);
    soma_graph_destroy(g);
}

/* ---- Batch normalisation
 * --------------------------------------------------------------------------------------------- */

enum { ROWS = 5, CHANNELS = 2, AREA = 6, ALL = ROWS * CHANNELS * AREA };

static void make_pictures(double *x) {
    for (int i = 0; i < ALL; i++) x[i] = 3 * sin(i * 2.3) + i / AREA % CHANNELS * 10;
}

/* Mean and biased variance of a channel. */
static void statistics(const double *x, int channel, double *mean, double *variance) {
    *mean = *variance = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int n = 0; n < ROWS; n++)
            for (int i = 0; i < AREA; i++) {
                double v = x[(n * CHANNELS + channel) * AREA + i];
                if (pass == 0)
                    *mean += v / (ROWS * AREA);
                else
                    *variance += (v - *mean) * (v - *mean) / (ROWS * AREA);
            }
}

static void batch_norm_normalises_by_the_batch_in_training(void **state) {
    (void)state;
    double x[ALL], y[ALL];
    const float weight[2] = {2, -0.5f}, bias[2] = {1, 3};
    make_pictures(x);
    soma_graph *g = soma_graph_create();
    soma_graph_set_training(g, true);
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, CHANNELS, 2, 3));
    machine m = assemble(soma_batch_norm(in, plain_norm), NULL);
    set(soma_plan_store(m.plan), "bn1.weight", weight, 2);
    set(soma_plan_store(m.plan), "bn1.bias", bias, 2);
    compute(&m, &(feed){in, x, ROWS}, 1, y, ALL);
    for (int c = 0; c < CHANNELS; c++) {
        double mean, variance;
        statistics(x, c, &mean, &variance);
        for (int n = 0; n < ROWS; n++)
            for (int i = 0; i < AREA; i++) {
                int at = (n * CHANNELS + c) * AREA + i;
                double expected = (x[at] - mean) / sqrt(variance + 1e-5) * (double)weight[c] + (double)bias[c];
                assert_near(y[at], expected, 1e-12);
            }
    }
    dismantle(&m);
    soma_graph_destroy(g);
}

static void batch_norm_remembers_unbiased_statistics_for_inference(void **state) {
    (void)state;
    soma_error error = {0};
    double x[ALL], y[ALL], mean[2] = {0, 0}, variance[2] = {1, 1};
    make_pictures(x);
    soma_graph *g = soma_graph_create(), *h = soma_graph_create();
    soma_graph_set_training(g, true);
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, CHANNELS, 2, 3));
    soma_value loss = soma_sum(soma_batch_norm(in, plain_norm));
    soma_plan_options o = {.max_batch = ROWS, .backend = SOMA_BACKEND_REFERENCE};
    soma_plan *plan = soma_plan_train(loss, soma_sgd(0), o, &error);
    assert_no_error(&error);
    soma_run *run = soma_run_create(plan, &error);
    for (int t = 0; t < 3; t++) {
        step(run, &(feed){in, x, ROWS}, 1);
        for (int c = 0; c < CHANNELS; c++) {
            double batch_mean, batch_variance;
            statistics(x, c, &batch_mean, &batch_variance);
            mean[c] = 0.9 * mean[c] + 0.1 * batch_mean;
            variance[c] = 0.9 * variance[c] + 0.1 * batch_variance * (ROWS * AREA) / (ROWS * AREA - 1.0);
        }
    }
    soma_value question = soma_input(h, "x", soma_shape4(SOMA_BATCH, CHANNELS, 2, 3));
    evaluate(soma_batch_norm(question, plain_norm), &(feed){question, x, ROWS}, 1, soma_plan_store(plan), y, ALL);
    for (int i = 0; i < ALL; i++) {
        int c = i / AREA % CHANNELS;
        assert_near(y[i], (x[i] - mean[c]) / sqrt(variance[c] + 1e-5), 1e-12);
    }
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_graph_destroy(g);
    soma_graph_destroy(h);
}

static void batch_norm_differentiates_through_its_statistics(void **state) {
    (void)state;
    double x[8] = {0.3, -1, 2, 0.7, 1.1, 0.2, -0.4, 1.9}, d[8];
    const float weigh[8] = {1, -2, 0.5f, 3, -1, 0.25f, 2, 1};
    soma_graph *g = soma_graph_create();
    soma_graph_set_training(g, true);
    soma_value in = soma_input(g, "x", soma_shape2(4, 2)), dx;
    soma_value loss = soma_sum(soma_mul(soma_batch_norm(in, plain_norm), soma_constant(g, soma_shape2(4, 2), weigh)));
    assert_int_equal(soma_gradient(loss, &in, 1, &dx), SOMA_OK);
    evaluate(dx, &(feed){in, x, 4}, 1, NULL, d, 8);
    for (int i = 0; i < 8; i++) {
        double h = 1e-5, kept = x[i], up, down;
        x[i] = kept + h;
        evaluate(loss, &(feed){in, x, 4}, 1, NULL, &up, 1);
        x[i] = kept - h;
        evaluate(loss, &(feed){in, x, 4}, 1, NULL, &down, 1);
        x[i] = kept;
        assert_near(d[i], (up - down) / (2 * h), 1e-7);
    }
    soma_graph_destroy(g);
}

/* ---- Mistakes -------------------------------------------------------------------------------------------------------
 */

static void mistakes_name_layer_and_shape(void **state) {
    (void)state;
    for (int c = 0; c < 6; c++) {
        const char *expected = "";
        soma_graph *g = soma_graph_create();
        soma_value table = soma_input(g, "a", soma_shape2(SOMA_BATCH, 4));
        soma_value picture = soma_input(g, "b", soma_shape4(SOMA_BATCH, 3, 8, 8));
        switch (c) {
        case 0:
            soma_conv2d(table, 2, soma_kernel(3, 3), plain_conv);
            expected = "conv2d 'conv2d1': the input has shape [N, 4], expected [N, C, H, W]";
            break;
        case 1:
            soma_conv2d(picture, 4, soma_kernel(3, 3), (soma_conv2d_options){.groups = 2});
            expected = "conv2d 'conv2d1': 2 groups do not divide both the input's 3 channels and the 4 filters";
            break;
        case 2:
            soma_dense(soma_dense(table, 3), 0);
            expected = "dense 'dense2': the number of units is 0, at least 1 is needed";
            break;
        case 3:
            soma_dropout(table, 1);
            expected = "dropout: the probability is 1, expected 0 or more and less than 1";
            break;
        case 4:
            soma_batch_norm(soma_input(g, "c", soma_shape1(SOMA_BATCH)), plain_norm);
            expected = "bn 'bn1': the input has shape [N], expected [N, C, …]";
            break;
        default:
            soma_dense(soma_input(g, "c", soma_shape1(SOMA_BATCH)), 2);
            expected = "dense 'dense1': the input has shape [N], expected [N, features]";
        }
        assert_string_equal(soma_graph_error(g)->message, expected);
        soma_graph_destroy(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_is_x_times_w_transposed_plus_b),
        cmocka_unit_test(dense_flattens_pictures),
        cmocka_unit_test(conv2d_is_cross_correlation_plus_bias),
        cmocka_unit_test(same_padding_gives_size_over_stride_rounded_up),
        cmocka_unit_test(transposed_convolution_spreads_each_element),
        cmocka_unit_test(norms_take_each_samples_own_statistics),
        cmocka_unit_test(pools_take_their_size_as_stride),
        cmocka_unit_test(two_builds_share_names_and_shapes),
        cmocka_unit_test(an_inference_graph_sees_what_training_learnt),
        cmocka_unit_test(dropout_zeroes_and_scales_in_training_only),
        cmocka_unit_test(dropout_passes_gradients_where_it_kept),
        cmocka_unit_test(batch_norm_normalises_by_the_batch_in_training),
        cmocka_unit_test(batch_norm_remembers_unbiased_statistics_for_inference),
        cmocka_unit_test(batch_norm_differentiates_through_its_statistics),
        cmocka_unit_test(mistakes_name_layer_and_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
