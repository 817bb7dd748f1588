/* What decides the learning rate as training goes on: the plateau against PyTorch, the range test on losses of known
 * shape, class weights against scikit-learn's formula. */
#include "train/balance.h"
#include "train/lr_range.h"
#include "train/pace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void near(double a, double b) {
    if (!(fabs(a - b) <= 1e-14 * (1 + fabs(b)))) fail_msg("%.17g is not %.17g", a, b);
}

/* ReduceLROnPlateau(SGD(p, 0.1), factor=.5, patience=1, cooldown=1, min_lr=0.02): s.step(v), then the rate. */
static void a_plateau_falls_as_pytorchs(void **state) {
    (void)state;
    static const double values[] = {1, .9, .9, .89995, .9, .9, .9, .9, .9, .5, .6, .6, .6, .6, .6};
    static const double rates[] = {0.1,   0.1,   0.1,   0.05, 0.05, 0.05, 0.025, 0.025,
                                   0.025, 0.025, 0.025, 0.02, 0.02, 0.02, 0.02};
    soma_schedule s = soma_schedule_plateau(0.5, 1);
    s.cooldown = 1;
    s.min = 0.02;
    pace p = {.rate = 0.1, .epochs = 15};
    near(pace_rate(&s, &p, 0, 10), 0.1);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        pace_measured(&s, &p, values[i], false);
        near(pace_rate(&s, &p, 10 * (int64_t)i + 10, 10), rates[i]);
    }
}

/* ReduceLROnPlateau(SGD(p, 0.1), mode="max", factor=.1, patience=2) */
static void larger_may_be_better(void **state) {
    (void)state;
    static const double values[] = {.5, .6, .6, .60005, .6, .7, .6, .6, .6, .6};
    soma_schedule s = soma_schedule_plateau(0.1, 2);
    pace p = {.rate = 0.1, .epochs = 10};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        pace_measured(&s, &p, values[i], true);
        near(pace_rate(&s, &p, (int64_t)i, 1), i < 4 ? 0.1 : i < 8 ? 0.01 : 0.001);
    }
}

static void a_number_that_is_none_is_no_better(void **state) {
    (void)state;
    soma_schedule s = soma_schedule_plateau(0.5, 0);
    pace p = {.rate = 1, .epochs = 10};
    pace_measured(&s, &p, 2, false);
    pace_measured(&s, &p, NAN, false);
    near(pace_rate(&s, &p, 2, 1), 0.5);
    pace_measured(&s, &p, 1, false);
    near(pace_rate(&s, &p, 3, 1), 0.5);
}

static void a_longer_training_needs_a_new_schedule(void **state) {
    (void)state;
    soma_error error = {0};
    soma_schedule constant = {0}, cosine = soma_schedule_cosine(0);
    pace p = {.rate = 1, .epochs = 10};
    assert_int_equal(pace_check_epochs(&constant, &p, 20, &error), SOMA_OK);
    assert_int_equal(pace_check_epochs(&cosine, &p, 10, &error), SOMA_OK);
    assert_int_equal(pace_check_epochs(&cosine, &p, 20, &error), SOMA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "--schedule"));
}

static void settings_out_of_range_are_refused(void **state) {
    (void)state;
    soma_schedule wrong[] = {soma_schedule_step(1, 2),        soma_schedule_plateau(1, 3),
                             soma_schedule_plateau(0.1, -1),  soma_schedule_cosine(NAN),
                             {.kind = (soma_schedule_kind)9}, {.warmup = -1},
                             {.kind = SOMA_SCHEDULE_ONECYCLE}};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        soma_error error = {0};
        assert_int_equal(pace_check_schedule(&wrong[i], &error), SOMA_ERROR_ARGUMENT);
    }
    soma_schedule right = soma_schedule_onecycle(0);
    assert_int_equal(pace_check_schedule(&right, NULL), SOMA_OK);
}

/* A loss that stays, falls where the rate nears `good`, and explodes beyond `bad`. */
static double tested(double good, double bad, int *steps) {
    lr_range r = {0};
    double rate;
    while ((rate = lr_range_next(&r)) > 0)
        lr_range_add(&r, rate > bad ? INFINITY : 1 / (1 + (rate / good) * (rate / good)) + (rate / bad) * (rate / bad));
    *steps = r.step;
    return lr_range_result(&r);
}

static void the_range_test_finds_a_tenth_of_the_best_rate(void **state) {
    (void)state;
    int steps;
    double low = tested(1e-4, 1e-2, &steps), high = tested(1e-2, 1, &steps);
    /* The smallest loss is at sqrt(good bad), 1e-3 and 1e-1; smoothing finds it late by a few steps of 1.18 each. */
    assert_true(low > 0.9e-4 && low < 6e-4);
    assert_true(high > 90 * low && high < 110 * low);
    assert_true(steps < LR_RANGE_STEPS);
}

static void the_range_test_may_find_nothing(void **state) {
    (void)state;
    lr_range r = {0};
    assert_true(fabs(lr_range_next(&r) - 1e-6) < 1e-18);
    for (double loss = 1; lr_range_next(&r) > 0; loss += 0.01) lr_range_add(&r, loss);
    near(lr_range_result(&r), 0);
    lr_range broken = {0};
    lr_range_add(&broken, NAN);
    near(lr_range_next(&broken), 0);
    near(lr_range_result(&broken), 0);
}

static void weights_balance_the_classes(void **state) {
    (void)state;
    /* compute_class_weight("balanced", classes=[0, 1, 2], y=[0, 0, 0, 0, 1, 2, 2, 2]): 2/3, 8/3, 8/9 */
    static int64_t classes[] = {0, 0, 0, 0, 1, 2, 2, 2, 1, 1, 1};
    soma_dataset set = {.rows = 11, .classes = classes};
    static const int64_t rows[] = {7, 6, 5, 4, 3, 2, 1, 0};
    float w[4];
    balance_weights(&set, rows, 8, w, 4);
    static const double expected[] = {2.0 / 3, 8.0 / 3, 8.0 / 9, 1};
    for (int c = 0; c < 4; c++) assert_true(fabs((double)w[c] - expected[c]) < 1e-6);
}

static void imbalance_is_told(void **state) {
    (void)state;
    char *names[] = {"no", "yes"}, text[256];
    static int64_t classes[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    soma_dataset set = {
        .rows = 10, .classes = classes, .schema = {.classify = true, .classes = names, .classes_count = 2}};
    balance_describe(&set, false, text, sizeof text);
    assert_string_equal(text,
                        "2 classes, from 'yes' with 10 % of the rows to 'no' with 90 %; --balance would let each count "
                        "the same");
    set.rows = 2; /* of one class alone */
    set.classes = classes + 8;
    balance_describe(&set, false, text, sizeof text);
    assert_string_equal(text, "");
    balance_describe(&set, true, text, sizeof text);
    assert_non_null(strstr(text, "--balance lets"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plateau_falls_as_pytorchs),
        cmocka_unit_test(larger_may_be_better),
        cmocka_unit_test(a_number_that_is_none_is_no_better),
        cmocka_unit_test(a_longer_training_needs_a_new_schedule),
        cmocka_unit_test(settings_out_of_range_are_refused),
        cmocka_unit_test(the_range_test_finds_a_tenth_of_the_best_rate),
        cmocka_unit_test(the_range_test_may_find_nothing),
        cmocka_unit_test(weights_balance_the_classes),
        cmocka_unit_test(imbalance_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
