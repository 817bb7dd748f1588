/* Accuracy, macro F1, rmse, mae, R²: against numbers worked out by hand and by scikit-learn's definitions. */
#include "train/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void near(double a, double b) {
    if (!(fabs(a - b) <= 1e-12 * (1 + fabs(b)))) fail_msg("%.17g is not %.17g", a, b);
}

static metrics of_classes(const int64_t pairs[][2], size_t count, int64_t classes) {
    metrics m;
    assert_true(metrics_create(NULL, classes, &m));
    for (size_t i = 0; i < count; i++) metrics_add_class(&m, pairs[i][0], pairs[i][1]);
    return m;
}

static void macro_f1_is_the_mean_over_classes_that_occur(void **state) {
    (void)state;
    /* f1_score([0, 0, 1, 1, 2], [0, 1, 1, 1, 0], average="macro"): F1 1/2, 4/5, 0; class 3 occurs nowhere. */
    static const int64_t pairs[][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 1}, {2, 0}};
    metrics m = of_classes(pairs, COUNT_OF(pairs), 4);
    near(metrics_accuracy(&m), 3.0 / 5);
    near(metrics_macro_f1(&m), (0.5 + 0.8 + 0) / 3);
    assert_int_equal(m.confusion[2 * 4 + 0], 1);
    assert_true(isnan(metrics_rmse(&m)));
    metrics_clear(NULL, &m);
}

static void errors_of_numbers(void **state) {
    (void)state;
    /* sklearn.metrics on [3, -0.5, 2, 7], [2.5, 0, 2, 8]: MSE 0.375, MAE 0.5, R² 0.9486081370449679. */
    static const double truth[] = {3, -0.5, 2, 7}, answer[] = {2.5, 0, 2, 8};
    metrics m;
    assert_true(metrics_create(NULL, 0, &m));
    for (size_t i = 0; i < 4; i++) metrics_add_number(&m, truth[i], answer[i]);
    near(metrics_rmse(&m), sqrt(0.375));
    near(metrics_mae(&m), 0.5);
    near(metrics_r2(&m), 0.9486081370449679);
    assert_true(isnan(metrics_accuracy(&m)));
    metrics_clear(NULL, &m);
}

static void r2_does_not_cancel_far_from_zero(void **state) {
    (void)state;
    metrics m;
    assert_true(metrics_create(NULL, 0, &m));
    for (int i = 0; i < 1000; i++) metrics_add_number(&m, 1e9 + i % 10, 1e9 + i % 10 + 1);
    assert_true(fabs(metrics_r2(&m) - (1 - 1000.0 / 8250.0)) < 1e-7);
    metrics_clear(NULL, &m);
}

static void a_batch_counts_by_its_rows(void **state) {
    (void)state;
    metrics m = {.rows = 5};
    metrics_add_loss(&m, 1.0, 4);
    metrics_add_loss(&m, 6.0, 1);
    near(metrics_loss(&m), 2);
    metrics none = {0};
    assert_true(isnan(metrics_loss(&none)));
}

static void argmax_takes_the_first_of_equals_and_never_nan(void **state) {
    (void)state;
    assert_int_equal(metrics_argmax((float[]){1, 3, 3}, 3), 1);
    assert_int_equal(metrics_argmax((float[]){NAN, -1, -2}, 3), 1);
    assert_int_equal(metrics_argmax((float[]){5, NAN}, 2), 0);
}

static void spread_divides_by_n_minus_1(void **state) {
    (void)state;
    double mean, sd;
    mean_and_deviation((double[]){1, 2, 3, 4}, 4, &mean, &sd);
    near(mean, 2.5);
    near(sd, sqrt(5.0 / 3));
    mean_and_deviation((double[]){7}, 1, &mean, &sd);
    near(mean, 7);
    assert_true(isnan(sd));
}

/* ---- Probabilities, against scikit-learn 1.9 --------------------------------------------------------------------- */

static const float probabilities[8][3] = {{.5F, .2F, .3F}, {.1F, .7F, .2F}, {.25F, .25F, .5F}, {.4F, .35F, .25F},
                                          {.2F, .2F, .6F}, {.3F, .4F, .3F}, {.6F, .2F, .2F},   {.1F, .3F, .6F}};
static const int64_t truths[8] = {0, 1, 2, 1, 0, 2, 0, 2};

static metrics of_probabilities(void) {
    metrics m;
    assert_true(metrics_create(NULL, 3, &m));
    assert_true(metrics_keep(NULL, &m, 8));
    for (size_t i = 0; i < 8; i++) metrics_add_probabilities(&m, truths[i], probabilities[i]);
    assert_true(isnan(metrics_auc(&m)));
    assert_true(metrics_rank(NULL, &m));
    return m;
}

static void curves_of_three_classes(void **state) {
    (void)state;
    /* roc_auc_score(y, P, multi_class="ovr"); average_precision_score(np.eye(3)[y], P, average="macro") */
    metrics m = of_probabilities();
    near(metrics_auc(&m), 0.8388888888888889);
    near(metrics_average_precision(&m), 0.7518518518518519);
    metrics_clear(NULL, &m);
}

static void curves_of_two_classes_are_the_seconds(void **state) {
    (void)state;
    /* roc_auc_score(y == 1, P[:, 1]), average_precision_score(y == 1, P[:, 1]) with ties among the scores */
    metrics m;
    assert_true(metrics_create(NULL, 2, &m));
    assert_true(metrics_keep(NULL, &m, 8));
    for (size_t i = 0; i < 8; i++) {
        float pair[2] = {1 - probabilities[i][1], probabilities[i][1]};
        metrics_add_probabilities(&m, truths[i] == 1, pair);
    }
    assert_true(metrics_rank(NULL, &m));
    near(metrics_auc(&m), 0.9166666666666667);
    near(metrics_average_precision(&m), 0.8333333333333333);
    metrics_clear(NULL, &m);
}

static void curves_need_both_kinds_of_rows(void **state) {
    (void)state;
    metrics m;
    assert_true(metrics_create(NULL, 2, &m));
    assert_true(metrics_keep(NULL, &m, 2));
    for (size_t i = 0; i < 2; i++) metrics_add_probabilities(&m, 1, (const float[]){0.5F, 0.5F});
    assert_true(metrics_rank(NULL, &m));
    assert_true(isnan(metrics_auc(&m)) && isnan(metrics_average_precision(&m)));
    metrics_clear(NULL, &m);
}

static void each_class_is_measured(void **state) {
    (void)state;
    /* precision_recall_fscore_support(y, P.argmax(1)): [2/3, 1/2, 2/3] for all three, support [3, 2, 3] */
    metrics m = of_probabilities();
    for (int64_t c = 0; c < 3; c++) {
        class_measures one = metrics_class(&m, c);
        near(one.precision, c == 1 ? 0.5 : 2.0 / 3);
        near(one.recall, c == 1 ? 0.5 : 2.0 / 3);
        near(one.f1, c == 1 ? 0.5 : 2.0 / 3);
        assert_int_equal(one.support, c == 1 ? 2 : 3);
    }
    metrics_clear(NULL, &m);
    /* The three differ where answers are unequal: class 0 is said 3 times, rightly 1 of 2 times (zero for class 2). */
    static const int64_t pairs[][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}, {2, 0}};
    m = of_classes(pairs, COUNT_OF(pairs), 3);
    near(metrics_class(&m, 0).precision, 1.0 / 3);
    near(metrics_class(&m, 0).recall, 0.5);
    near(metrics_class(&m, 0).f1, 0.4);
    near(metrics_class(&m, 2).precision, 0);
    metrics_clear(NULL, &m);
}

static void calibration_compares_confidence_with_success(void **state) {
    (void)state;
    /* By the definition in numpy: for each bin (b/15, (b+1)/15] of P.max(1), m.mean() * |conf[m].mean() - ok[m].mean()|
     * gave 0.2874999940395355; P is float32. */
    metrics m = of_probabilities();
    near(metrics_calibration_error(&m), 0.2874999940395355);
    metrics_clear(NULL, &m);
}

static void five_likeliest(void **state) {
    (void)state;
    /* S = [[(7 * i + 3 * j) % 11 / 11 for j in range(7)] for i in range(20)], t = [(5 * i + i // 3) % 7 for i in
     * range(20)] top_k_accuracy_score(t, S, k=5): 0.7 */
    metrics m;
    assert_true(metrics_create(NULL, 7, &m));
    for (int i = 0; i < 20; i++) {
        float scores[7];
        for (int j = 0; j < 7; j++) scores[j] = (float)((7 * i + 3 * j) % 11) / 11;
        metrics_add_probabilities(&m, (5 * i + i / 3) % 7, scores);
    }
    near(metrics_top5(&m), 0.7);
    metrics_clear(NULL, &m);
}

static void measures_know_their_direction(void **state) {
    (void)state;
    for (size_t i = 0; i < MEASURES; i++) {
        const measure_kind *k = &measures[i];
        bool error = i == MEASURE_LOSS || i == MEASURE_CALIBRATION_ERROR || i == MEASURE_RMSE || i == MEASURE_MAE;
        assert_true(k->larger == !error && (k->classes || k->numbers) && k->value);
        assert_true(k->ranked == (i == MEASURE_AUC || i == MEASURE_AVERAGE_PRECISION));
    }
    assert_string_equal(measures[MEASURE_R2].name, "r2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macro_f1_is_the_mean_over_classes_that_occur),
        cmocka_unit_test(errors_of_numbers),
        cmocka_unit_test(r2_does_not_cancel_far_from_zero),
        cmocka_unit_test(a_batch_counts_by_its_rows),
        cmocka_unit_test(argmax_takes_the_first_of_equals_and_never_nan),
        cmocka_unit_test(spread_divides_by_n_minus_1),
        cmocka_unit_test(curves_of_three_classes),
        cmocka_unit_test(curves_of_two_classes_are_the_seconds),
        cmocka_unit_test(curves_need_both_kinds_of_rows),
        cmocka_unit_test(each_class_is_measured),
        cmocka_unit_test(calibration_compares_confidence_with_success),
        cmocka_unit_test(five_likeliest),
        cmocka_unit_test(measures_know_their_direction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
