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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macro_f1_is_the_mean_over_classes_that_occur),
        cmocka_unit_test(errors_of_numbers),
        cmocka_unit_test(r2_does_not_cancel_far_from_zero),
        cmocka_unit_test(a_batch_counts_by_its_rows),
        cmocka_unit_test(argmax_takes_the_first_of_equals_and_never_nan),
        cmocka_unit_test(spread_divides_by_n_minus_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
