/* Statistics of numbers, and what taps see of a network in training. */
#include "insight_check.h"

enum { ROWS = 5, FEATURES = 3, HIDDEN = 4 };

static void statistics_follow_their_formulas(void **state) {
    (void)state;
    const float values[] = {-1, 0, 0, 3, NAN, 2, INFINITY, -4};
    soma_statistics s = soma_statistics_of(values, 8, SOMA_OPTIONS(soma_bins){.low = -2, .high = 2});
    assert_true(s.count == 8 && s.not_finite == 2 && s.min == -4 && s.max == 3 && s.mean == 0);
    assert_near(s.norm, sqrt(30), 1e-12);
    assert_near(s.deviation, sqrt(5), 1e-12);
    assert_near(s.zeros, 1.0 / 3, 1e-12);
    int64_t total = 0;
    for (int i = 0; i < SOMA_BINS; i++) total += s.histogram[i];
    /* An eighth each: outer values are counted in the outer bins. */
    assert_true(total == 6 && s.histogram[0] == 1 && s.histogram[8] == 1 && s.histogram[16] == 2);
    assert_true(s.histogram[SOMA_BINS - 1] == 2);
}

static void bins_that_are_not_given_cover_the_values(void **state) {
    (void)state;
    const float values[] = {1, 2, 3, 5}, decades[] = {0, 1e-13f, -1, 1e9f};
    soma_statistics s = soma_statistics_of(values, 4, (soma_bins){0});
    assert_true(s.bins.low == 1 && s.bins.high == 5 && s.histogram[0] == 1 && s.histogram[8] == 1);
    assert_true(s.histogram[16] == 1 && s.histogram[SOMA_BINS - 1] == 1);
    s = soma_statistics_of(decades, 4, SOMA_OPTIONS(soma_bins){.logarithmic = true});
    assert_true(s.bins.low == -14 && s.bins.high == 2);
    assert_true(s.histogram[2] + s.histogram[1] == 1 && s.histogram[28] == 1 && s.histogram[SOMA_BINS - 1] == 1);
    s = soma_statistics_of(NULL, 0, (soma_bins){0});
    assert_true(s.count == 0 && isnan(s.mean) && isnan(s.min));
}

/* x -> dense tanh, with a nudge before the tanh, -> dense -> mean squared error. */
typedef struct net {
    soma_graph *graph;
    soma_value x, nudge, target, loss;
    soma_layer layers[3];
} net;

static net build(void) {
    net n = {.graph = soma_graph_create()};
    soma_error error = {0};
    n.x = soma_input(n.graph, "x", soma_shape2(SOMA_BATCH, FEATURES));
    n.nudge = soma_input(n.graph, "nudge", soma_shape2(SOMA_BATCH, HIDDEN));
    n.target = soma_input(n.graph, "t", soma_shape2(SOMA_BATCH, 2));
    soma_value nudged = soma_name(soma_add(soma_dense(n.x, HIDDEN), n.nudge), "nudged");
    n.loss = soma_mse_loss(soma_dense(soma_tanh(nudged), 2), n.target);
    const char *names[] = {"dense1", "nudged", "dense2"};
    for (int i = 0; i < 3; i++) soma_graph_layer(n.graph, names[i], &n.layers[i], &error);
    assert_no_error(&error);
    return n;
}

typedef struct numbers {
    double x[ROWS * FEATURES], nudge[ROWS * HIDDEN], target[ROWS * 2];
} numbers;

static numbers some_numbers(void) {
    numbers d = {0};
    float values[ROWS * (FEATURES + 2)];
    fill(values, ROWS * (FEATURES + 2), 2);
    for (int i = 0; i < ROWS * FEATURES; i++) d.x[i] = (double)values[i] * 2;
    for (int i = 0; i < ROWS * 2; i++) d.target[i] = (double)values[ROWS * FEATURES + i];
    return d;
}

static double loss_at(const net *n, soma_store *store, const numbers *d) {
    const feed feeds[] = {{n->x, d->x, ROWS}, {n->nudge, d->nudge, ROWS}, {n->target, d->target, ROWS}};
    double loss;
    evaluate(n->loss, feeds, 3, store, &loss, 1);
    return loss;
}

static void gradients_agree_with_central_differences(void **state) {
    (void)state;
    soma_error error = {0};
    soma_store *store = new_store(true, 4);
    net n = build();
    numbers d = some_numbers();
    double expected[ROWS * HIDDEN], found[ROWS * HIDDEN], norm = 0, mean = 0;
    const double h = 1e-5;
    for (int i = 0; i < ROWS * HIDDEN; i++) {
        numbers up = d, down = d;
        up.nudge[i] += h;
        down.nudge[i] -= h;
        expected[i] = (loss_at(&n, store, &up) - loss_at(&n, store, &down)) / (2 * h);
        norm += expected[i] * expected[i];
        mean += expected[i] / (ROWS * HIDDEN);
    }
    soma_taps *taps = soma_taps_create(n.loss, n.layers, 3, (soma_taps_options){0}, &error);
    assert_no_error(&error);
    size_t count;
    const soma_value *keep = soma_taps_keep(taps, &count);
    soma_plan_options options = {
        .max_batch = ROWS, .store = store, .backend = SOMA_BACKEND_REFERENCE, .keep = keep, .keep_count = count};
    soma_plan *plan = soma_plan_train(n.loss, soma_sgd(0.1), options, &error);
    soma_run *run = soma_run_create(plan, &error);
    assert_no_error(&error);
    const feed feeds[] = {{n.x, d.x, ROWS}, {n.nudge, d.nudge, ROWS}, {n.target, d.target, ROWS}};
    step(run, feeds, 3);
    soma_tap tap;
    soma_taps_read(taps, run, 1, &tap, &error);
    assert_no_error(&error);
    assert_string_equal(tap.name, "nudged");
    assert_near(tap.gradients.norm, sqrt(norm), 1e-7);
    assert_near(tap.gradients.mean, mean, 1e-7);
    assert_true(tap.gradients.bins.logarithmic && !tap.values.bins.logarithmic);
    /* Each of them: the gradient is the layer's second value kept; dense1's own is the same, it is nudged by nothing.
     */
    for (size_t k = 0; k < count; k++) {
        soma_run_get_double(run, keep[k], found, ROWS * HIDDEN, &error);
        bool same = true;
        for (int i = 0; i < ROWS * HIDDEN && !error.code; i++) same &= fabs(found[i] - expected[i]) < 1e-8;
        if (!error.code && same) break;
        error = (soma_error){0};
        assert_true(k + 1 < count);
    }
    soma_tap first;
    soma_taps_read(taps, run, 0, &first, &error);
    assert_near(first.gradients.norm, tap.gradients.norm, 1e-12);
    assert_true(isnan(first.saturated) && tap.values.max <= 1 && tap.values.min >= -1 && tap.saturated == 0);
    soma_taps_destroy(taps);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_graph_destroy(n.graph);
    soma_store_destroy(store);
}

static void taps_leave_a_training_as_it_is(void **state) {
    (void)state;
    float weights[2][HIDDEN * FEATURES];
    for (int tapped = 0; tapped < 2; tapped++) {
        soma_error error = {0};
        soma_store *store = new_store(false, 4);
        net n = build();
        numbers d = some_numbers();
        soma_taps *taps = tapped ? soma_taps_create(n.loss, n.layers, 3, (soma_taps_options){0}, &error) : NULL;
        size_t count;
        const soma_value *keep = soma_taps_keep(taps, &count);
        soma_plan_options options = {
            .max_batch = ROWS, .store = store, .backend = SOMA_BACKEND_PORTABLE, .keep = keep, .keep_count = count};
        soma_plan *plan = soma_plan_train(n.loss, soma_adam(0.05), options, &error);
        soma_run *run = soma_run_create(plan, &error);
        assert_no_error(&error);
        const feed feeds[] = {{n.x, d.x, ROWS}, {n.nudge, d.nudge, ROWS}, {n.target, d.target, ROWS}};
        for (int i = 0; i < 20; i++) step(run, feeds, 3);
        for (size_t i = 0; i < 3 && tapped; i++) {
            soma_tap tap;
            assert_int_equal(soma_taps_read(taps, run, i, &tap, &error), SOMA_OK);
            assert_true(tap.values.count > 0 && tap.gradients.not_finite == 0 && tap.gradients.norm > 0);
        }
        soma_store_get(store, "dense1.weight", weights[tapped], HIDDEN * FEATURES, &error);
        assert_no_error(&error);
        soma_taps_destroy(taps);
        soma_run_destroy(run);
        soma_plan_destroy(plan);
        soma_graph_destroy(n.graph);
        soma_store_destroy(store);
    }
    for (int i = 0; i < HIDDEN * FEATURES; i++) assert_near((double)weights[1][i], (double)weights[0][i], 1e-5);
}

/* Channels of [N, 3, 2, 2]: one always off, one always on, one off for negative inputs. */
static void dead_and_saturated_units_are_counted(void **state) {
    (void)state;
    soma_error error = {0};
    soma_store *store = new_store(false, 1);
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape4(SOMA_BATCH, 1, 2, 2));
    soma_value y = soma_relu(soma_conv2d(x, 3, soma_kernel(1, 1), (soma_conv2d_options){0})), loss = soma_mean(y);
    soma_layer layer;
    soma_graph_layer(g, "conv2d1", &layer, &error);
    soma_taps *taps = soma_taps_create(loss, &layer, 1, (soma_taps_options){0}, &error);
    size_t count;
    const soma_value *keep = soma_taps_keep(taps, &count);
    soma_plan *plan = soma_plan_infer(
        &loss, 1, SOMA_OPTIONS(soma_plan_options){.max_batch = 2, .store = store, .keep = keep, .keep_count = count},
        &error);
    const float weight[] = {1, 1, 1}, bias[] = {-100, 100, 0}, data[] = {-1, 1, 2, 3, -2, -3, 4, 5};
    soma_store_set(store, "conv2d1.weight", weight, 3, &error);
    soma_store_set(store, "conv2d1.bias", bias, 3, &error);
    soma_run *run = soma_run_create(plan, &error);
    soma_run_set(run, x, data, 2, &error);
    soma_run_step(run, &error);
    soma_tap tap;
    soma_taps_read(taps, run, 0, &tap, &error);
    assert_no_error(&error);
    assert_near(tap.dead, 1.0 / 3, 1e-12);
    assert_near(tap.saturated, 11.0 / 24, 1e-12);
    assert_near(tap.values.zeros, 11.0 / 24, 1e-12);
    assert_near(tap.gradients.max, 1.0 / 24, 1e-6);
    soma_taps_read(taps, run, 1, &tap, &error);
    assert_refused(&error, "taps: there is no layer number 1, the first of 1 is 0");
    soma_taps_destroy(taps);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_graph_destroy(g);
    soma_store_destroy(store);
}

/* Sigmoids one after another let less and less through; with a way around each, the first layer still learns. */
static void a_vanishing_gradient_is_seen_layer_by_layer(void **state) {
    (void)state;
    double first[2];
    for (int residual = 0; residual < 2; residual++) {
        soma_error error = {0};
        soma_graph *g = soma_graph_create();
        soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 8)), h = x;
        for (int i = 0; i < 10; i++) {
            soma_value y = soma_sigmoid(soma_dense(h, 8));
            h = residual ? soma_add(y, h) : y;
        }
        soma_value loss = soma_mean(soma_square(h));
        soma_layer layers[10];
        assert_int_equal(soma_graph_layers(g, layers, 10), 10);
        soma_taps *taps = soma_taps_create(loss, layers, 10, (soma_taps_options){0}, &error);
        size_t count;
        const soma_value *keep = soma_taps_keep(taps, &count);
        soma_plan *plan = soma_plan_infer(
            &loss, 1, SOMA_OPTIONS(soma_plan_options){.max_batch = ROWS, .keep = keep, .keep_count = count}, &error);
        soma_run *run = soma_run_create(plan, &error);
        float data[ROWS * 8];
        fill(data, ROWS * 8, 9);
        soma_run_set(run, x, data, ROWS, &error);
        soma_run_step(run, &error);
        soma_tap low, high;
        soma_taps_read(taps, run, 0, &low, &error);
        soma_taps_read(taps, run, 9, &high, &error);
        assert_no_error(&error);
        first[residual] = low.gradients.norm / high.gradients.norm;
        soma_taps_destroy(taps);
        soma_run_destroy(run);
        soma_plan_destroy(plan);
        soma_graph_destroy(g);
    }
    assert_true(first[0] < 1e-3 && first[1] > 0.1);
}

static void mistakes_are_told(void **state) {
    (void)state;
    soma_error error = {0};
    net n = build(), other = build();
    soma_taps_options plain = {0};
    assert_null(soma_taps_create(n.loss, other.layers, 3, plain, &error));
    assert_refused(&error, "taps: layer 1 is not one of the loss's graph");
    error = (soma_error){0};
    assert_null(soma_taps_create(n.layers[0].value, n.layers, 3, plain, &error));
    assert_refused(&error, "taps: the loss is not a scalar");
    error = (soma_error){0};
    assert_null(soma_taps_create(n.loss, n.layers, 0, plain, &error));
    assert_refused(&error, "taps: at least one layer");
    error = (soma_error){0};
    soma_taps *taps = soma_taps_create(n.loss, n.layers, 3, plain, &error);
    soma_plan *plan = soma_plan_infer(&n.loss, 1, SOMA_OPTIONS(soma_plan_options){.max_batch = ROWS}, &error);
    soma_run *run = soma_run_create(plan, &error);
    numbers d = some_numbers();
    const feed feeds[] = {{n.x, d.x, ROWS}, {n.nudge, d.nudge, ROWS}, {n.target, d.target, ROWS}};
    step(run, feeds, 3);
    soma_tap tap;
    soma_taps_read(taps, run, 0, &tap, &error);
    assert_refused(&error, "neither outputs nor keeps");
    soma_taps_destroy(taps);
    soma_taps_destroy(NULL);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_graph_destroy(n.graph);
    soma_graph_destroy(other.graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_follow_their_formulas),
        cmocka_unit_test(bins_that_are_not_given_cover_the_values),
        cmocka_unit_test(gradients_agree_with_central_differences),
        cmocka_unit_test(taps_leave_a_training_as_it_is),
        cmocka_unit_test(dead_and_saturated_units_are_counted),
        cmocka_unit_test(a_vanishing_gradient_is_seen_layer_by_layer),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
