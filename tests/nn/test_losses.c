/* Losses against values worked out by hand or by the formula written plainly, and at the ends of the number line. */
#include "nn_check.h"

enum { N = 3, C = 4 };
static const double logits[N * C] = {1.0, 2.0, -0.5, 0.25, 0.0, 0.0, 3.0, -1.0, -2.0, 1.5, 0.5, 0.75};
static const int64_t classes[N] = {1, 2, 0};
static const float class_weights[C] = {0.5f, 2.0f, 1.0f, 4.0f};

typedef soma_value pair_loss(soma_value prediction, soma_value target);

static soma_value huber2(soma_value p, soma_value t) { return soma_huber_loss(p, t, 2); }

/* The loss of two arrays [rows, 2], and its gradient with respect to the first. */
static double pair(pair_loss *loss, const double *p, const double *t, int64_t rows, double *gradient) {
    soma_graph *g = soma_graph_create();
    soma_shape shape = soma_shape2(SOMA_BATCH, 2);
    soma_value x = soma_input(g, "p", shape), y = soma_input(g, "t", shape), value = loss(x, y), dx;
    feed feeds[2] = {{x, p, rows}, {y, t, rows}};
    double out;
    evaluate(value, feeds, 2, NULL, &out, 1);
    if (gradient) {
        assert_int_equal(soma_gradient(value, &x, 1, &dx), SOMA_OK);
        evaluate(dx, feeds, 2, NULL, gradient, (size_t)rows * 2);
    }
    soma_graph_destroy(g);
    return out;
}

static void errors_of_numbers_are_means_over_all_elements(void **state) {
    (void)state;
    const double p[4] = {1, 2, 3, -4}, t[4] = {1.5, 2, 0, 4}; /* e = -0.5, 0, 3, -8 */
    double d[4];
    assert_near(pair(soma_mse_loss, p, t, 2, d), (0.25 + 0 + 9 + 64) / 4, 1e-15);
    assert_near(d[2], 2 * 3.0 / 4, 1e-15);
    assert_near(pair(soma_mae_loss, p, t, 2, d), (0.5 + 0 + 3 + 8) / 4, 1e-15);
    assert_near(d[3], -0.25, 1e-15);
    /* 0.125, 0, 2 (3 - 1), 2 (8 - 1) */
    assert_near(pair(huber2, p, t, 2, d), (0.125 + 0 + 4 + 14) / 4, 1e-15);
    assert_near(d[0], -0.5 / 4, 1e-15);
    assert_near(d[2], 2.0 / 4, 1e-15);
    assert_near(d[3], -2.0 / 4, 1e-15);
}

static void hinge_counts_scores_inside_the_margin(void **state) {
    (void)state;
    const double s[4] = {2, 0.5, -3, 0.25}, t[4] = {1, 1, -1, -1}; /* 1 - ts = -1, 0.5, -2, 1.25 */
    double d[4];
    assert_near(pair(soma_hinge_loss, s, t, 2, d), (0.5 + 1.25) / 4, 1e-15);
    assert_near(d[0], 0, 0);
    assert_near(d[1], -0.25, 1e-15);
    assert_near(d[3], 0.25, 1e-15);
}

static void a_mean_does_not_depend_on_the_rows_planned_for(void **state) {
    (void)state;
    const double p[4] = {1, 2, 3, 4}, t[4] = {0};
    assert_near(pair(soma_mse_loss, p, t, 1, NULL), 2.5, 1e-15);
    assert_near(pair(soma_mse_loss, p, t, 2, NULL), 7.5, 1e-15);
}

/* ---- Cross-entropy --------------------------------------------------------------------------------------------------
 */

/* PyTorch's definition, loop by loop. */
static double cross_entropy_of(const double *z, const float *weights, double smoothing) {
    double total = 0, divisor = 0;
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int c = 0; c < C; c++) sum += exp(z[i * C + c]);
        for (int c = 0; c < C; c++) {
            double target = (c == classes[i] ? 1 - smoothing : 0) + smoothing / (double)C;
            total -= target * (weights ? (double)weights[c] : 1) * (z[i * C + c] - log(sum));
        }
        divisor += weights ? (double)weights[classes[i]] : 1;
    }
    return total / divisor;
}

static double cross_entropy(bool from_probabilities, const double *z, soma_cross_entropy_options options, double *d) {
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, C)), dx;
    soma_value t = soma_input_int64(g, "t", soma_shape1(SOMA_BATCH));
    soma_value loss = from_probabilities ? soma_cross_entropy(soma_softmax(x, 1), t, options)
                                         : soma_softmax_cross_entropy(x, t, options);
    feed feeds[2] = {{x, z, N}, {t, classes, N}};
    double out;
    evaluate(loss, feeds, 2, NULL, &out, 1);
    assert_int_equal(soma_gradient(loss, &x, 1, &dx), SOMA_OK);
    evaluate(dx, feeds, 2, NULL, d, N * C);
    soma_graph_destroy(g);
    return out;
}

static void cross_entropy_weighs_and_smooths_as_defined(void **state) {
    (void)state;
    for (int weighted = 0; weighted < 2; weighted++)
        for (int smooth = 0; smooth < 3; smooth++)
            for (int form = 0; form < 2; form++) {
                const float *weights = weighted ? class_weights : NULL;
                double d[N * C], smoothing = 0.25 * smooth;
                soma_cross_entropy_options o = {.class_weights = weights, .label_smoothing = smoothing};
                assert_near(cross_entropy(form, logits, o, d), cross_entropy_of(logits, weights, smoothing), 1e-14);
                for (int i = 0; i < N * C; i++) {
                    double moved[N * C], h = 1e-5, up, down;
                    memcpy(moved, logits, sizeof moved);
                    moved[i] = logits[i] + h;
                    up = cross_entropy_of(moved, weights, smoothing);
                    moved[i] = logits[i] - h;
                    down = cross_entropy_of(moved, weights, smoothing);
                    assert_near(d[i], (up - down) / (2 * h), 1e-9);
                }
            }
}

static void cross_entropy_by_hand(void **state) {
    (void)state;
    double d[N * C], even[N * C] = {0};
    assert_near(cross_entropy(false, even, (soma_cross_entropy_options){0}, d), log(4), 1e-15);
    assert_near(d[1], (0.25 - 1) / 3, 1e-15); /* (softmax - one hot) / N */
    assert_near(d[0], 0.25 / 3, 1e-15);
}

static void cross_entropy_survives_saturated_probabilities(void **state) {
    (void)state;
    const double far[N * C] = {5000, -5000, 0, 0, 0, 0, 5000, 0, -5000, 0, 0, 0};
    for (int form = 0; form < 2; form++) {
        double d[N * C];
        assert_near(cross_entropy(form, far, (soma_cross_entropy_options){0}, d), (10000 + 0 + 5000 + log(3)) / 3,
                    1e-14);
        assert_near(d[0], 1.0 / 3, 1e-14);
        assert_near(d[1], -1.0 / 3, 1e-14);
    }
}

/* Probabilities that no op with a stable logarithm made. */
static void cross_entropy_takes_any_probabilities(void **state) {
    (void)state;
    const double p[N * C] = {0.1, 0.6, 0.2, 0.1, 0.25, 0.25, 0.5, 0, 0, 1, 0, 0};
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, C));
    soma_value t = soma_input_int64(g, "t", soma_shape1(SOMA_BATCH));
    feed two[2] = {{x, p, 2}, {t, classes, 2}}, three[2] = {{x, p, 3}, {t, classes, 3}};
    soma_value loss = soma_cross_entropy(x, t, (soma_cross_entropy_options){0});
    double out;
    evaluate(loss, two, 2, NULL, &out, 1);
    assert_near(out, -(log(0.6) + log(0.5)) / 2, 1e-14);
    evaluate(loss, three, 2, NULL, &out, 1);
    assert_true(isfinite(out) && out > 25);
    soma_graph_destroy(g);
}

/* ---- Binary cross-entropy -------------------------------------------------------------------------------------------
 */

static soma_value of_sigmoid(soma_value z, soma_value t) { return soma_binary_cross_entropy(soma_sigmoid(z), t); }

static void binary_cross_entropy_by_formula(void **state) {
    (void)state;
    const double z[4] = {0, 1.5, -2, 0.75}, t[4] = {1, 0, 1, 0.25};
    double d[4], expected = 0, p[4];
    for (int i = 0; i < 4; i++) {
        p[i] = 1 / (1 + exp(-z[i]));
        expected -= (t[i] * log(p[i]) + (1 - t[i]) * log(1 - p[i])) / 4;
    }
    assert_near(pair(of_sigmoid, z, t, 2, d), expected, 1e-14);
    for (int i = 0; i < 4; i++) assert_near(d[i], (p[i] - t[i]) / 4, 1e-14);
    assert_near(pair(soma_binary_cross_entropy, p, t, 2, d), expected, 1e-14);
    for (int i = 0; i < 4; i++) assert_near(d[i], (p[i] - t[i]) / (p[i] * (1 - p[i])) / 4, 1e-12);
}

static void binary_cross_entropy_survives_saturated_probabilities(void **state) {
    (void)state;
    const double z[4] = {800, -800, 800, -800}, t[4] = {1, 0, 0, 1}, p[4] = {1, 0, 0, 1};
    double d[4];
    assert_near(pair(of_sigmoid, z, t, 2, d), 400, 1e-14);
    assert_near(d[0], 0, 1e-14);
    assert_near(d[2], 0.25, 1e-14);
    assert_near(d[3], -0.25, 1e-14);
    assert_near(pair(soma_binary_cross_entropy, p, p, 2, NULL), 0, 1e-14);
    const double wrong[4] = {0, 1, 1, 0};
    double loss = pair(soma_binary_cross_entropy, p, wrong, 2, NULL);
    assert_true(isfinite(loss) && loss > 20);
}

/* binary_cross_entropy(p, t, weight=w[t]) * 4 / sum(w[t]), as cross_entropy weighs; smoothing moves targets to 0.1,
 * 0.9. */
static const float two_weights[2] = {0.5F, 2};
static soma_value weighted(soma_value p, soma_value t) {
    return soma_binary_cross_entropy_with(p, t, (soma_cross_entropy_options){.class_weights = two_weights});
}
static soma_value smoothed(soma_value p, soma_value t) {
    return soma_binary_cross_entropy_with(p, t, (soma_cross_entropy_options){.label_smoothing = 0.2});
}

static void binary_cross_entropy_weighs_and_smooths(void **state) {
    (void)state;
    const double p[4] = {0.5, 0.25, 0.9, 0.125}, t[4] = {1, 0, 1, 0};
    double sum = 0, weights = 0, smooth = 0, d[4];
    for (int i = 0; i < 4; i++) {
        double w = (double)two_weights[(int)t[i]], s = t[i] > 0 ? 0.9 : 0.1;
        sum -= w * log(t[i] > 0 ? p[i] : 1 - p[i]);
        weights += w;
        smooth -= (s * log(p[i]) + (1 - s) * log(1 - p[i])) / 4;
    }
    assert_near(pair(weighted, p, t, 2, d), sum / weights, 1e-14);
    assert_near(d[0], -2 / (0.5 * weights), 1e-12);
    assert_near(d[1], 0.5 / (0.75 * weights), 1e-12);
    assert_near(pair(smoothed, p, t, 2, NULL), smooth, 1e-14);
}

/* ---- Mistakes -------------------------------------------------------------------------------------------------------
 */

static void assert_sentence(soma_graph *g, const char *sentence) {
    assert_string_equal(soma_graph_error(g)->message, sentence);
    soma_graph_destroy(g);
}

static void shapes_that_would_broadcast_are_refused(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_mse_loss(soma_input(g, "p", soma_shape2(SOMA_BATCH, 1)), soma_input(g, "t", soma_shape1(SOMA_BATCH)));
    assert_sentence(g, "mse_loss: the prediction has shape [N, 1] but the target [N]");
    g = soma_graph_create();
    soma_softmax_cross_entropy(soma_input(g, "p", soma_shape2(SOMA_BATCH, 3)),
                               soma_input(g, "t", soma_shape1(SOMA_BATCH)), (soma_cross_entropy_options){0});
    assert_sentence(g, "softmax_cross_entropy: expected a prediction [N, classes] and int64 class indices [N], not "
                       "[N, 3] and float [N]");
}

static void options_out_of_range_are_refused(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "p", soma_shape2(SOMA_BATCH, 3)),
               t = soma_input_int64(g, "t", soma_shape1(SOMA_BATCH));
    soma_cross_entropy(x, t, (soma_cross_entropy_options){.label_smoothing = 1.5});
    assert_sentence(g, "cross_entropy: the label smoothing is 1.5, expected 0 to 1");
    g = soma_graph_create();
    x = soma_input(g, "p", soma_shape2(SOMA_BATCH, 3));
    soma_huber_loss(x, x, 0);
    assert_sentence(g, "huber_loss: delta is 0, expected more than 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_of_numbers_are_means_over_all_elements),
        cmocka_unit_test(hinge_counts_scores_inside_the_margin),
        cmocka_unit_test(a_mean_does_not_depend_on_the_rows_planned_for),
        cmocka_unit_test(cross_entropy_weighs_and_smooths_as_defined),
        cmocka_unit_test(cross_entropy_by_hand),
        cmocka_unit_test(cross_entropy_survives_saturated_probabilities),
        cmocka_unit_test(cross_entropy_takes_any_probabilities),
        cmocka_unit_test(binary_cross_entropy_by_formula),
        cmocka_unit_test(binary_cross_entropy_survives_saturated_probabilities),
        cmocka_unit_test(binary_cross_entropy_weighs_and_smooths),
        cmocka_unit_test(shapes_that_would_broadcast_are_refused),
        cmocka_unit_test(options_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
