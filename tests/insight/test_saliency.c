/* Saliency against its formula and against central differences, its map, and its mistakes. */
#include "insight_check.h"

enum { ROWS = 3, FEATURES = 4, HIDDEN = 5, CLASSES = 3 };

typedef struct weights {
    float w1[HIDDEN * FEATURES], b1[HIDDEN], w2[CLASSES * HIDDEN], b2[CLASSES];
} weights;

/* tanh, then softmax: d score_c / dx = W2_c diag(1 - h^2) W1; of the probability p_c: p_c (that - sum p_k that_k). */
static void formula(const weights *w, const float *x, int c, double score[FEATURES], double probability[FEATURES]) {
    double h[HIDDEN], z[CLASSES], d[CLASSES][FEATURES], sum = 0;
    for (int j = 0; j < HIDDEN; j++) {
        double s = (double)w->b1[j];
        for (int i = 0; i < FEATURES; i++) s += (double)w->w1[j * FEATURES + i] * (double)x[i];
        h[j] = tanh(s);
    }
    for (int k = 0; k < CLASSES; k++) {
        z[k] = (double)w->b2[k];
        for (int j = 0; j < HIDDEN; j++) z[k] += (double)w->w2[k * HIDDEN + j] * h[j];
        sum += exp(z[k]);
        for (int i = 0; i < FEATURES; i++) {
            d[k][i] = 0;
            for (int j = 0; j < HIDDEN; j++)
                d[k][i] += (double)w->w2[k * HIDDEN + j] * (1 - h[j] * h[j]) * (double)w->w1[j * FEATURES + i];
        }
    }
    for (int i = 0; i < FEATURES; i++) {
        double mean = 0;
        for (int k = 0; k < CLASSES; k++) mean += exp(z[k]) / sum * d[k][i];
        score[i] = d[c][i];
        probability[i] = exp(z[c]) / sum * (d[c][i] - mean);
    }
}

static void saliency_follows_the_formula_on_a_small_net(void **state) {
    (void)state;
    soma_error error = {0};
    soma_store *store = new_store(false, 2);
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, FEATURES));
    soma_value scores = soma_dense(soma_tanh(soma_dense(x, HIDDEN)), CLASSES), p = soma_softmax(scores, 1);
    soma_plan_options options = {.max_batch = ROWS, .store = store};
    soma_saliency *of_score = soma_saliency_create(scores, x, options, &error);
    soma_saliency *of_probability = soma_saliency_create(p, x, options, &error);
    assert_no_error(&error);
    soma_graph_destroy(g); /* they live without it */
    weights w;
    fill((float *)&w, sizeof w / sizeof(float), 7);
    soma_store_set(store, "dense1.weight", w.w1, HIDDEN * FEATURES, &error);
    soma_store_set(store, "dense1.bias", w.b1, HIDDEN, &error);
    soma_store_set(store, "dense2.weight", w.w2, CLASSES * HIDDEN, &error);
    soma_store_set(store, "dense2.bias", w.b2, CLASSES, &error);
    float data[ROWS * FEATURES], gradient[ROWS * FEATURES], of_p[ROWS * FEATURES];
    fill(data, ROWS * FEATURES, 8);
    const int64_t classes[ROWS] = {2, 0, 1};
    soma_saliency_get(of_score, data, classes, ROWS, gradient, ROWS * FEATURES, &error);
    soma_saliency_get(of_probability, data, classes, ROWS, of_p, ROWS * FEATURES, &error);
    assert_no_error(&error);
    for (int n = 0; n < ROWS; n++) {
        double score[FEATURES], probability[FEATURES];
        formula(&w, data + n * FEATURES, (int)classes[n], score, probability);
        for (int i = 0; i < FEATURES; i++) {
            assert_near((double)gradient[n * FEATURES + i], score[i], 1e-5);
            assert_near((double)of_p[n * FEATURES + i], probability[i], 1e-5);
        }
    }
    soma_saliency_destroy(of_score);
    soma_saliency_destroy(of_probability);
    soma_store_destroy(store);
}

enum { SIDE = 6, PIXELS = 2 * SIDE * SIDE };

static soma_value convnet(soma_graph *g, soma_value *x) {
    *x = soma_input(g, "x", soma_shape4(SOMA_BATCH, 2, SIDE, SIDE));
    soma_value y = soma_tanh(soma_conv2d(*x, 3, soma_kernel(3, 3), SOMA_OPTIONS(soma_conv2d_options){.padding = 1}));
    return soma_softmax(soma_dense(soma_avg_pool2d(y, 2, 2), CLASSES), 1);
}

static void saliency_agrees_with_central_differences_in_double(void **state) {
    (void)state;
    soma_error error = {0};
    soma_store *store = new_store(true, 3);
    soma_graph *g = soma_graph_create();
    soma_value x, p = convnet(g, &x);
    soma_plan_options options = {.max_batch = 2, .store = store, .backend = SOMA_BACKEND_REFERENCE};
    soma_saliency *s = soma_saliency_create(p, x, options, &error);
    float data[2 * PIXELS], gradient[2 * PIXELS];
    double wide[2 * PIXELS], up[2 * CLASSES], down[2 * CLASSES];
    fill(data, 2 * PIXELS, 4);
    for (int i = 0; i < 2 * PIXELS; i++) wide[i] = (double)data[i];
    const int64_t classes[] = {1, 2};
    soma_saliency_get(s, data, classes, 2, gradient, 2 * PIXELS, &error);
    assert_no_error(&error);
    const double h = 1e-5;
    for (int i = 0; i < 2 * PIXELS; i++) {
        const feed feeds[] = {{x, wide, 2}};
        double at = wide[i];
        wide[i] = at + h;
        evaluate(p, feeds, 1, store, up, 2 * CLASSES);
        wide[i] = at - h;
        evaluate(p, feeds, 1, store, down, 2 * CLASSES);
        wide[i] = at;
        int n = i / PIXELS, c = n * CLASSES + (int)classes[n];
        assert_near((double)gradient[i], (up[c] - down[c]) / (2 * h), 1e-7);
    }
    soma_saliency_destroy(s);
    soma_graph_destroy(g);
    soma_store_destroy(store);
}

static void a_map_holds_the_largest_magnitude_over_channels(void **state) {
    (void)state;
    soma_error error = {0};
    const float gradients[] = {1, -5, 0, 2, /**/ -3, 4, 0, 1, /**/ 7, 7, 7, 7, /**/ -8, 0, 0, 0};
    const float expected[] = {3, 5, 0, 2, 8, 7, 7, 7};
    float map[8];
    assert_int_equal(soma_saliency_map(gradients, soma_shape3(2, 2, 2), 2, map, 8, &error), SOMA_OK);
    for (int i = 0; i < 8; i++) assert_true(map[i] == expected[i]);
    soma_saliency_map(gradients, soma_shape1(4), 2, map, 8, &error);
    assert_refused(&error, "saliency: a map is of samples [C, H, W], not [4]");
    error = (soma_error){0};
    soma_saliency_map(gradients, soma_shape3(2, 2, 2), 2, map, 7, &error);
    assert_refused(&error, "saliency: maps of 2 rows have 4 elements each, not 7 in all");
}

static void a_loaded_model_shows_what_the_trained_one_does(void **state) {
    (void)state;
    enum { SAMPLES = 12, AREA = 36 };
    soma_error error = {0};
    float x[SAMPLES * AREA], y[SAMPLES], gradient[2][SAMPLES * AREA];
    int64_t classes[SAMPLES];
    fill(x, SAMPLES * AREA, 3);
    for (int i = 0; i < SAMPLES; i++) y[i] = (float)(classes[i] = i % 2);
    soma_model *m =
        trained_on("conv 3 3x3 bn relu, maxpool 2, dense 1", soma_shape3(1, 6, 6), SOMA_CLASSIFY, x, y, SAMPLES);
    soma_model *models[] = {m, through_file(m)};
    for (int k = 0; k < 2 && models[k]; k++) {
        soma_network *network = soma_network_create(models[k], false, &error);
        soma_plan_options options = soma_network_options(network);
        options.max_batch = SAMPLES;
        soma_saliency *s =
            soma_saliency_create(soma_network_scores(network), soma_network_input(network), options, &error);
        soma_network_destroy(network);
        soma_saliency_get(s, x, classes, SAMPLES, gradient[k], SAMPLES * AREA, &error);
        assert_no_error(&error);
        soma_saliency_destroy(s);
    }
    double norm = 0;
    for (int i = 0; i < SAMPLES * AREA; i++) {
        norm += fabs((double)gradient[0][i]);
        if (models[1]) assert_near((double)gradient[1][i], (double)gradient[0][i], 1e-4);
    }
    assert_true(norm > 0);
    soma_model_destroy(models[1]);
    soma_model_destroy(m);
}

static void mistakes_are_told(void **state) {
    (void)state;
    soma_error error = {0};
    soma_graph *g = soma_graph_create(), *other = soma_graph_create();
    soma_value x, p = convnet(g, &x), y, q = convnet(other, &y);
    soma_plan_options options = {.max_batch = 2};
    assert_null(soma_saliency_create(p, y, options, &error));
    assert_refused(&error, "saliency: scores and input are not values of one graph");
    error = (soma_error){0};
    assert_null(soma_saliency_create(q, q, options, &error));
    assert_refused(&error, "saliency: the input is not a float input");
    error = (soma_error){0};
    assert_null(soma_saliency_create(x, x, options, &error));
    assert_refused(&error, "saliency: the scores are [N, 2, 6, 6], expected floats of [N, classes]");
    error = (soma_error){0};
    soma_saliency *s = soma_saliency_create(p, x, options, &error);
    float data[3 * PIXELS] = {0}, gradient[3 * PIXELS];
    int64_t classes[] = {0, CLASSES, 0};
    soma_saliency_get(s, data, classes, 2, gradient, 2 * PIXELS, &error);
    assert_refused(&error, "saliency: there is no class 3, the scores are of 0 to 2");
    error = (soma_error){0};
    soma_saliency_get(s, data, classes, 1, gradient, PIXELS - 1, &error);
    assert_refused(&error, "saliency: the gradient of 1 rows has 72 elements, not 71");
    error = (soma_error){0};
    classes[1] = 0;
    soma_saliency_get(s, data, classes, 3, gradient, 3 * PIXELS, &error);
    assert_refused(&error, "3 rows, but the plan is made for");
    assert_int_equal(soma_graph_error(g)->code, SOMA_OK); /* nothing was added to it */
    soma_saliency_destroy(s);
    soma_saliency_destroy(NULL);
    soma_graph_destroy(g);
    soma_graph_destroy(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saliency_follows_the_formula_on_a_small_net),
        cmocka_unit_test(saliency_agrees_with_central_differences_in_double),
        cmocka_unit_test(a_map_holds_the_largest_magnitude_over_channels),
        cmocka_unit_test(a_loaded_model_shows_what_the_trained_one_does),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
