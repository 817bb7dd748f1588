/* Training beyond plain steps: groups of batches, averaged weights, weighted classes, schedules, and going on from a
 * file with all of them. */
#include "base/base.h"
#include "nn/minimize.h"

#include <soma/soma.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROWS = 100, WEIGHTS = 16 };

/* Two groups of points that overlap, three times as many of one as of the other. */
static void points(float *x, float *y) {
    unsigned state = 7;
    for (int i = 0; i < ROWS; i++) {
        y[i] = i % 4 == 0;
        for (int k = 0; k < 2; k++) {
            state = state * 1664525u + 1013904223u;
            x[2 * i + k] = (float)(state >> 8) / 16777216.0f + (y[i] > 0 ? 0.4f : 0);
        }
    }
}

/* The first layer's weights after a training of "dense 8 tanh". */
static soma_model *trained(soma_fit_options o, float weights[WEIGHTS]) {
    float x[2 * ROWS], y[ROWS];
    soma_error error = {0};
    points(x, y);
    soma_model *m = soma_model_create("dense 8 tanh", soma_shape1(2), SOMA_CLASSIFY, &error);
    if (!m || soma_model_fit(m, x, y, ROWS, o, &error)) fail_msg("%s", error.message);
    assert_int_equal(soma_model_parameter_get(m, "dense1.weight", weights, WEIGHTS, &error), SOMA_OK);
    return m;
}

static void train(soma_fit_options o, float weights[WEIGHTS]) { soma_model_destroy(trained(o, weights)); }

static double distance(const float *a, const float *b) {
    double most = 0;
    for (int i = 0; i < WEIGHTS; i++) most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

/* 100 rows in batches of 8: groups of 4 make updates of 32, 32, 32 and 4 rows, as batches of 32 do. */
static void gathered_batches_equal_one_large_batch(void **state) {
    (void)state;
    soma_optimizer optimizers[] = {soma_sgd(0.1), soma_adam(0.01), soma_momentum(0.05, 0.9)};
    optimizers[2].clip = 0.1;
    optimizers[2].weight_decay = 0.1;
    for (size_t i = 0; i < COUNT_OF(optimizers) * 2; i++) {
        float large[WEIGHTS], gathered[WEIGHTS], alone[WEIGHTS];
        soma_fit_options o = {.epochs = 3,
                              .batch = 32,
                              .balance = i % 2 == 1,
                              .optimizer = optimizers[i / 2],
                              .schedule = soma_schedule_cosine(0),
                              .backend = SOMA_BACKEND_REFERENCE};
        train(o, large);
        o.batch = 8;
        train(o, alone);
        o.accumulate = 4;
        train(o, gathered);
        assert_true(distance(large, gathered) < 1e-6);
        assert_true(distance(large, alone) > 1e-4);
        float fast[WEIGHTS];
        o.backend = SOMA_BACKEND_PORTABLE;
        train(o, fast);
        assert_true(distance(large, fast) < 1e-4);
    }
}

/* AveragedModel(Linear(1, 1, bias=False), multi_avg_fn=get_ema_multi_avg_fn(0.75)) from weight 1, SGD(0.25) on (w -
 * 3)²: after each step update_parameters; the weights were 2, 2.5, 2.75, 2.875 and the averages those below. */
static void averages_are_pytorchs(void **state) {
    (void)state;
    static const double expected[] = {2, 2.125, 2.28125, 2.4296875};
    soma_error error = {0};
    soma_graph *g = soma_graph_create();
    soma_init one = {.kind = SOMA_INIT_CONSTANT, .value = 1};
    soma_value w = soma_variable(g, "w", soma_shape1(1), one, true);
    soma_value loss = soma_mean(soma_square(soma_sub(w, soma_scalar(g, 3))));
    minimize_inputs in;
    size_t count;
    assert_int_equal(minimize_with(loss, soma_sgd(0.25), (minimize_request){MINIMIZE_WHOLE, true}, &in), SOMA_OK);
    const soma_value *effects = soma_graph_effects(g, &count);
    soma_plan *plan = soma_plan_create(&loss, 1, effects, count, (soma_plan_options){0}, &error);
    soma_run *run = plan ? soma_run_create(plan, &error) : NULL;
    if (!run) fail_msg("%s", error.message);
    for (int i = 0; i < 4; i++) {
        float value;
        assert_int_equal(soma_run_set_scalar(run, in.fresh, i ? 0.25 : 1, &error), SOMA_OK);
        assert_int_equal(soma_run_step(run, &error), SOMA_OK);
        assert_int_equal(soma_store_get(soma_plan_store(plan), "w.average", &value, 1, &error), SOMA_OK);
        assert_true(fabs((double)value - expected[i]) < 1e-6);
    }
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_graph_destroy(g);
}

/* One update an epoch: after two the average is w1 + (1 - 0.8) (w2 - w1). */
static void the_model_holds_the_average(void **state) {
    (void)state;
    float first[WEIGHTS], second[WEIGHTS], average[WEIGHTS];
    soma_fit_options o = {.epochs = 1, .batch = ROWS, .optimizer = soma_sgd(0.5)};
    train(o, first);
    o.epochs = 2;
    train(o, second);
    o.average = 0.8;
    train(o, average);
    for (int i = 0; i < WEIGHTS; i++)
        assert_true(fabs((double)average[i] - (0.8 * (double)first[i] + 0.2 * (double)second[i])) < 1e-6);
    assert_true(distance(first, second) > 1e-3);
}

static double recall_of_the_few(bool balance) {
    float x[2 * ROWS], y[ROWS], answers[2 * ROWS], weights[WEIGHTS];
    soma_error error = {0};
    soma_model *m = trained(
        (soma_fit_options){.epochs = 60, .batch = 10, .optimizer = soma_adam(0.01), .balance = balance}, weights);
    points(x, y);
    assert_int_equal(soma_model_predict(m, x, ROWS, answers, 2 * ROWS, &error), SOMA_OK);
    int found = 0;
    for (int i = 0; i < ROWS; i += 4) found += answers[2 * i + 1] > 0.5f;
    soma_model_destroy(m);
    return found / 25.0;
}

static void balance_finds_more_of_the_smaller_class(void **state) {
    (void)state;
    assert_true(recall_of_the_few(true) >= recall_of_the_few(false) + 0.1);
}

static int keep_rates(void *user, const soma_epoch *epoch) {
    ((double *)user)[epoch->epoch - 1] = epoch->learning_rate;
    return 0;
}

/* 10 updates an epoch; what an epoch reports is the rate of its last. */
static void epochs_report_the_rate_of_their_last_step(void **state) {
    (void)state;
    float weights[WEIGHTS];
    double rates[4];
    soma_fit_options o = {.epochs = 4,
                          .batch = 10,
                          .optimizer = soma_sgd(0.1),
                          .schedule = soma_schedule_onecycle(0.2),
                          .on_epoch = keep_rates,
                          .user = rates};
    train(o, weights);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(rates[i] - soma_schedule_rate(o.schedule, 0.1, 10 * i + 9, 10, 4)) < 1e-15);
    o.batch = 5;
    o.accumulate = 2;
    train(o, weights);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(rates[i] - soma_schedule_rate(o.schedule, 0.1, 10 * i + 9, 10, 4)) < 1e-15);
}

typedef struct interruption {
    int after;
} interruption;

static int stop_after(void *user, const soma_epoch *epoch) {
    const interruption *i = user;
    return i->after && epoch->epoch >= i->after;
}

static void a_training_that_goes_on_has_the_same_bits(void **state) {
    (void)state;
    char path[] = "/tmp/soma-training-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    soma_schedule schedules[] = {soma_schedule_onecycle(0.05), soma_schedule_plateau(0.5, 0), soma_schedule_cosine(0)};
    schedules[1].cooldown = 1;
    schedules[2].warmup = 2;
    for (size_t i = 0; i < COUNT_OF(schedules); i++) {
        float straight[WEIGHTS], resumed[WEIGHTS];
        interruption stop = {.after = 4};
        soma_fit_options o = {.epochs = 9,
                              .batch = 7,
                              .validation = 0.2,
                              .patience = -1,
                              .optimizer = soma_adam(0.01),
                              .schedule = schedules[i],
                              .accumulate = 3,
                              .average = 0.9,
                              .balance = true};
        train(o, straight);
        o.checkpoint = path;
        o.on_epoch = stop_after;
        o.user = &stop;
        train(o, resumed);
        assert_true(distance(straight, resumed) > 0);
        o.resume = true;
        o.on_epoch = NULL;
        train(o, resumed);
        assert_memory_equal(straight, resumed, sizeof straight);
    }
    float x[2 * ROWS], y[ROWS];
    points(x, y);
    soma_error error = {0};
    soma_model *m = soma_model_create("dense 8 tanh", soma_shape1(2), SOMA_CLASSIFY, &error);
    soma_fit_options longer = {.epochs = 12,
                               .batch = 7,
                               .validation = 0.2,
                               .optimizer = soma_adam(0.01),
                               .schedule = soma_schedule_cosine(0),
                               .accumulate = 3,
                               .average = 0.9,
                               .balance = true,
                               .checkpoint = path,
                               .resume = true};
    assert_int_equal(soma_model_fit(m, x, y, ROWS, longer, &error), SOMA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "laid out for 9 epochs"));
    soma_model_destroy(m);
    unlink(path);
}

static void options_out_of_range_are_refused(void **state) {
    (void)state;
    float x[2 * ROWS], y[ROWS];
    points(x, y);
    soma_fit_options wrong[] = {{.accumulate = -1}, {.average = 1}, {.average = NAN}, {.schedule = {.warmup = -1}}};
    for (size_t i = 0; i < COUNT_OF(wrong) + 1; i++) {
        soma_error error = {0};
        bool number = i == COUNT_OF(wrong);
        soma_fit_options balance = {.balance = true};
        soma_model *m =
            soma_model_create("dense 2 tanh", soma_shape1(2), number ? SOMA_REGRESS : SOMA_CLASSIFY, &error);
        assert_int_equal(soma_model_fit(m, x, y, ROWS, number ? balance : wrong[i], &error), SOMA_ERROR_ARGUMENT);
        soma_model_destroy(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gathered_batches_equal_one_large_batch),
        cmocka_unit_test(averages_are_pytorchs),
        cmocka_unit_test(the_model_holds_the_average),
        cmocka_unit_test(balance_finds_more_of_the_smaller_class),
        cmocka_unit_test(epochs_report_the_rate_of_their_last_step),
        cmocka_unit_test(a_training_that_goes_on_has_the_same_bits),
        cmocka_unit_test(options_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
