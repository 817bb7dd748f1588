/* Feature visualisation: the activation rises, equal seeds give equal bits, regularisers do what they say. */
#include "insight_check.h"

enum { SIDE = 12, PIXELS = 3 * SIDE * SIDE };

typedef struct net {
    soma_graph *graph;
    soma_store *store;
    soma_value x, dense;
    soma_layer conv;
} net;

static net build(void) {
    soma_error error = {0};
    net n = {.graph = soma_graph_create(), .store = new_store(false, 5)};
    n.x = soma_input(n.graph, "x", soma_shape4(SOMA_BATCH, 3, SIDE, SIDE));
    soma_conv2d_options padded = {.padding = 1};
    soma_value y = soma_max_pool2d(soma_tanh(soma_conv2d(n.x, 4, soma_kernel(3, 3), padded)), 2, 2);
    n.dense = soma_dense(y, 6);
    soma_graph_layer(n.graph, "conv2d1", &n.conv, &error);
    assert_no_error(&error);
    return n;
}

static void close(net *n) {
    soma_graph_destroy(n->graph);
    soma_store_destroy(n->store);
}

static soma_feature *open(const net *n, soma_value value, soma_unit unit, soma_feature_options options) {
    soma_error error = {0};
    options.plan.store = n->store;
    soma_feature *f = soma_feature_create(n->x, value, unit, options, &error);
    assert_no_error(&error);
    return f;
}

static void the_activation_rises(void **state) {
    (void)state;
    net n = build();
    const struct {
        soma_value value;
        soma_unit unit;
    } cases[] = {{n.conv.output, soma_unit_channel(2)},
                 {n.conv.output, soma_unit_at(1, 3, 4)},
                 {n.conv.output, soma_unit_all()},
                 {n.conv.value, soma_unit_channel(0)},
                 {n.dense, soma_unit_channel(5)}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        soma_error error = {0};
        soma_feature *f = open(&n, cases[k].value, cases[k].unit, (soma_feature_options){.rate = 0.05});
        double before, middle, after;
        soma_feature_step(f, 0, &before, &error);
        soma_feature_step(f, 10, &middle, &error);
        soma_feature_step(f, 40, &after, &error);
        assert_no_error(&error);
        assert_true(middle > before + 0.01 && (after > middle || after > 0.999)); /* tanh ends at 1 */
        soma_feature_destroy(f);
    }
    close(&n);
}

/* The activation is that of the picture which is handed out. */
static void the_activation_is_the_pictures(void **state) {
    (void)state;
    soma_error error = {0};
    net n = build();
    soma_feature *f = open(&n, n.dense, soma_unit_channel(1), (soma_feature_options){.jitter = 2});
    double told, wide[PIXELS], answers[6];
    float picture[PIXELS];
    soma_feature_step(f, 5, &told, &error);
    soma_feature_get(f, picture, PIXELS, &error);
    assert_no_error(&error);
    soma_plan *plan = soma_plan_infer(&n.dense, 1, SOMA_OPTIONS(soma_plan_options){.store = n.store}, &error);
    soma_run *run = soma_run_create(plan, &error);
    for (int i = 0; i < PIXELS; i++) wide[i] = (double)picture[i];
    const feed feeds[] = {{n.x, wide, 1}};
    step(run, feeds, 1);
    soma_run_get_double(run, n.dense, answers, 6, &error);
    assert_near(told, answers[1], 1e-6);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_feature_destroy(f);
    close(&n);
}

static soma_feature_options all_options(uint64_t seed) {
    return (soma_feature_options){
        .low = 0, .high = 255, .decay = 0.01, .jitter = 3, .blur = 0.6, .blur_every = 2, .seed = seed};
}

static void equal_seeds_give_equal_bits_however_steps_are_taken(void **state) {
    (void)state;
    net n = build();
    float pictures[4][PIXELS];
    for (int k = 0; k < 4; k++) { /* at once; step by step with a look between; on other threads; another seed */
        soma_error error = {0};
        soma_feature_options options = all_options(k == 3 ? 8 : 7);
        options.plan.threads = k == 2 ? 3 : 1;
        soma_feature *f = open(&n, n.conv.output, soma_unit_channel(1), options);
        for (int i = 0; i < (k == 1 ? 12 : 1); i++) {
            double activation;
            soma_feature_step(f, k == 1 ? 1 : 12, &activation, &error);
        }
        soma_feature_get(f, pictures[k], PIXELS, &error);
        assert_no_error(&error);
        soma_feature_destroy(f);
    }
    assert_memory_equal(pictures[0], pictures[1], sizeof pictures[0]);
    assert_memory_equal(pictures[0], pictures[2], sizeof pictures[0]);
    assert_memory_not_equal(pictures[0], pictures[3], sizeof pictures[0]);
    for (int i = 0; i < PIXELS; i++) assert_true(pictures[0][i] >= 0 && pictures[0][i] <= 255);
    close(&n);
}

/* A step has the length that was asked for; where nothing depends on the input, decay and blur are all that moves it.
 */
static void steps_have_the_length_asked_for(void **state) {
    (void)state;
    soma_error error = {0};
    net n = build();
    float start[PIXELS], picture[PIXELS];
    fill(start, PIXELS, 3);
    soma_feature *f =
        open(&n, n.conv.value, soma_unit_all(), (soma_feature_options){.rate = 0.25, .start = start, .jitter = 5});
    soma_feature_step(f, 1, NULL, &error);
    soma_feature_get(f, picture, PIXELS, &error);
    double squares = 0;
    for (int i = 0; i < PIXELS; i++)
        squares += ((double)picture[i] - (double)start[i]) * ((double)picture[i] - (double)start[i]);
    assert_near(sqrt(squares / (double)PIXELS), 0.25, 1e-4);
    soma_feature_destroy(f);
    const float weight[6 * 4 * (SIDE / 2) * (SIDE / 2)] = {0};
    soma_value flat = soma_mul(n.dense, soma_scalar(n.graph, 0));
    f = open(&n, flat, soma_unit_all(), (soma_feature_options){.start = start, .decay = 0.5});
    soma_store_set(n.store, "dense1.weight", weight, sizeof weight / sizeof weight[0], &error);
    soma_feature_step(f, 2, NULL, &error);
    soma_feature_get(f, picture, PIXELS, &error);
    assert_no_error(&error);
    for (int i = 0; i < PIXELS; i++) assert_near((double)picture[i], (double)start[i] / 4, 1e-6);
    soma_feature_destroy(f);
    f = open(&n, flat, soma_unit_all(), (soma_feature_options){.start = start, .blur = 2});
    double rough[2] = {0, 0};
    soma_feature_step(f, 1, NULL, &error);
    soma_feature_get(f, picture, PIXELS, &error);
    for (int i = 1; i < SIDE; i++) {
        rough[0] += fabs((double)start[i] - (double)start[i - 1]);
        rough[1] += fabs((double)picture[i] - (double)picture[i - 1]);
    }
    assert_true(rough[1] < rough[0] / 4);
    soma_feature_destroy(f);
    close(&n);
}

static void flat_inputs_work_too(void **state) {
    (void)state;
    soma_error error = {0};
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 5)), y = soma_dense(x, 3);
    soma_feature *f = soma_feature_create(x, y, soma_unit_channel(2), (soma_feature_options){0}, &error);
    double before, after;
    float row[5];
    soma_feature_step(f, 0, &before, &error);
    soma_feature_step(f, 5, &after, &error);
    soma_feature_get(f, row, 5, &error);
    assert_no_error(&error);
    assert_true(after > before);
    soma_feature_destroy(f);
    soma_graph_destroy(g);
}

static void refuse(const net *n, soma_value value, soma_unit unit, soma_feature_options options, const char *sentence) {
    soma_error error = {0};
    assert_null(soma_feature_create(n->x, value, unit, options, &error));
    assert_refused(&error, sentence);
}

static void mistakes_are_told(void **state) {
    (void)state;
    net n = build(), other = build();
    const soma_feature_options none = {0};
    soma_value y = n.conv.output;
    refuse(&n, other.dense, soma_unit_all(), none, "feature: input and layer are not values of one graph");
    refuse(&n, y, soma_unit_channel(4), none, "feature: there is no channel 4, the layer has 4");
    refuse(&n, y, soma_unit_at(0, 12, 0), none, "feature: there is no row 12, the layer has 12");
    refuse(&n, n.dense, soma_unit_channel(-2), none, "feature: there is no unit -2, the layer has 6");
    refuse(&n, n.dense, soma_unit_at(0, 0, 0), none, "feature: the layer is [N, 6] and has no rows and columns");
    refuse(&n, y, soma_unit_all(), (soma_feature_options){.low = 3, .high = 1}, "feature: the bounds are 3 and 1");
    refuse(&n, y, soma_unit_all(), (soma_feature_options){.decay = 1}, "feature: the decay is 1, expected");
    refuse(&n, y, soma_unit_all(), (soma_feature_options){.rate = NAN}, "feature: rate");
    refuse(&n, y, soma_unit_all(), (soma_feature_options){.jitter = -1}, "feature: jitter -1");
    soma_error error = {0};
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 5));
    assert_null(soma_feature_create(x, soma_dense(x, 2), soma_unit_all(), (soma_feature_options){.jitter = 1}, &error));
    assert_refused(&error, "feature: jitter and blur are for pictures [N, C, H, W], not [N, 5]");
    error = (soma_error){0};
    soma_feature *f = open(&n, y, soma_unit_all(), none);
    float picture[4];
    soma_feature_get(f, picture, 4, &error);
    assert_refused(&error, "feature: the picture has 432 elements, not 4");
    soma_feature_destroy(f);
    soma_feature_destroy(NULL);
    soma_graph_destroy(g);
    close(&n);
    close(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_activation_rises),
        cmocka_unit_test(the_activation_is_the_pictures),
        cmocka_unit_test(equal_seeds_give_equal_bits_however_steps_are_taken),
        cmocka_unit_test(steps_have_the_length_asked_for),
        cmocka_unit_test(flat_inputs_work_too),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
