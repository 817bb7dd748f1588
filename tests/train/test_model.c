/* A model from its creation to its file: fit, early stopping, answers, parameters, saving and loading. */
#include <soma/soma.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 120 };

/* Three groups of points around (0, 0), (4, 0), (0, 4), far from the origin in units of their own. */
static void points(float *x, float *y) {
    unsigned state = 1;
    for (int i = 0; i < ROWS; i++) {
        float noise[2];
        for (int k = 0; k < 2; k++) {
            state = state * 1664525u + 1013904223u;
            noise[k] = (float)(state >> 8) / 16777216.0f - 0.5f;
        }
        int c = i % 3;
        x[2 * i] = 1000 + 100 * ((c == 1 ? 4.0f : 0) + noise[0]);
        x[2 * i + 1] = (c == 2 ? 4.0f : 0) + noise[1];
        y[i] = (float)c;
    }
}

static soma_model *trained(soma_fit_options o, const char *spec, soma_error *error) {
    float x[2 * ROWS], y[ROWS];
    points(x, y);
    soma_model *m = soma_model_create(spec, soma_shape1(2), SOMA_CLASSIFY, error);
    if (m && soma_model_fit(m, x, y, ROWS, o, error)) {
        soma_model_destroy(m);
        return NULL;
    }
    return m;
}

static void a_model_learns_and_survives_its_file(void **state) {
    (void)state;
    soma_error error = {0};
    float x[2 * ROWS], y[ROWS], before[3 * ROWS], after[3 * ROWS];
    points(x, y);
    soma_model *m = trained((soma_fit_options){.epochs = 60, .validation = 0.2, .optimizer = soma_adam(0.01)},
                            "dense 8 relu", &error);
    if (!m) fail_msg("%s", error.message);
    soma_evaluation e;
    assert_int_equal(soma_model_evaluate(m, x, y, ROWS, &e, &error), SOMA_OK);
    assert_true(e.accuracy == 1 && e.macro_f1 == 1 && e.loss < 0.2 && isnan(e.rmse));
    assert_int_equal(soma_model_outputs(m), 3);
    assert_string_equal(soma_model_class_name(m, 2), "2");
    assert_null(soma_model_class_name(m, 3));
    assert_int_equal(soma_model_set_class_names(m, (const char *const[]){"a", "b", "c"}, 3, &error), SOMA_OK);
    assert_int_equal(soma_model_predict(m, x, ROWS, before, 3 * ROWS, &error), SOMA_OK);
    size_t size;
    void *bytes = soma_model_save_memory(m, &size, &error);
    if (!bytes) fail_msg("%s", error.message);
    soma_model *again = soma_model_load_memory(bytes, size, &error);
    if (!again) fail_msg("%s", error.message);
    assert_string_equal(soma_model_class_name(again, 1), "b");
    assert_int_equal(soma_model_predict(again, x, ROWS, after, 3 * ROWS, &error), SOMA_OK);
    for (int i = 0; i < 3 * ROWS; i++) assert_true(fabsf(before[i] - after[i]) < 1e-6f);
    size_t second;
    void *copy = soma_model_save_memory(again, &second, &error);
    if (!copy) fail_msg("%s", error.message);
    soma_model *third = soma_model_load_memory(copy, second, &error);
    if (!third) fail_msg("%s", error.message);
    assert_int_equal(soma_model_predict(third, x, ROWS, after, 3 * ROWS, &error), SOMA_OK);
    for (int i = 0; i < 3 * ROWS; i++) assert_true(fabsf(before[i] - after[i]) < 1e-6f);
    soma_model_release(m, bytes);
    soma_model_release(again, copy);
    soma_model_destroy(third);
    soma_model_destroy(again);
    soma_model_destroy(m);
}

typedef struct history {
    soma_epoch epochs[300];
    int count, stop_after;
} history;

static int record(void *user, const soma_epoch *epoch) {
    history *h = user;
    h->epochs[h->count++] = *epoch;
    return h->stop_after && h->count >= h->stop_after;
}

/* Labels that carry no information: the validation loss soon rises. */
static void early_stopping_restores_the_best_weights(void **state) {
    (void)state;
    soma_error error = {0};
    float x[2 * ROWS], y[ROWS];
    static history h;
    h = (history){.count = 0};
    points(x, y);
    for (int i = 0; i < ROWS; i++) y[i] = (float)((i * 7 / 3) % 2);
    soma_model *m = soma_model_create("dense 32 relu", soma_shape1(2), SOMA_CLASSIFY, &error);
    soma_fit_options o = {
        .epochs = 300, .validation = 0.25, .patience = 5, .optimizer = soma_adam(0.05), .on_epoch = record, .user = &h};
    if (soma_model_fit(m, x, y, ROWS, o, &error)) fail_msg("%s", error.message);
    int best = (int)soma_model_best_epoch(m);
    assert_true(h.count < 300);
    assert_int_equal(h.count, best + 5);
    assert_int_equal(soma_model_epochs(m), h.count);
    for (int i = 0; i < h.count; i++) assert_true(h.epochs[i].val_loss >= h.epochs[best - 1].val_loss);
    assert_true(h.epochs[best - 1].best && !h.epochs[best].best);
    /* Training exactly to the best epoch gives the same weights. */
    soma_model *other = soma_model_create("dense 32 relu", soma_shape1(2), SOMA_CLASSIFY, &error);
    o.epochs = best;
    o.on_epoch = NULL;
    if (soma_model_fit(other, x, y, ROWS, o, &error)) fail_msg("%s", error.message);
    float a[64], b[64];
    assert_int_equal(soma_model_parameter_get(m, "dense1.weight", a, 64, &error), SOMA_OK);
    assert_int_equal(soma_model_parameter_get(other, "dense1.weight", b, 64, &error), SOMA_OK);
    assert_memory_equal(a, b, sizeof a);
    soma_model_destroy(other);
    soma_model_destroy(m);
}

static void a_callback_and_a_flag_end_training(void **state) {
    (void)state;
    soma_error error = {0};
    static history h;
    h = (history){.stop_after = 3};
    soma_model *m = trained((soma_fit_options){.epochs = 50, .on_epoch = record, .user = &h}, "dense 4 relu", &error);
    if (!m) fail_msg("%s", error.message);
    assert_int_equal(h.count, 3);
    soma_model_destroy(m);
    volatile int stop = 1;
    m = trained((soma_fit_options){.epochs = 50, .stop = &stop}, "dense 4 relu", &error);
    if (!m) fail_msg("%s", error.message);
    assert_int_equal(soma_model_epochs(m), 0);
    soma_model_destroy(m);
}

static void a_regression_answers_in_the_units_of_its_target(void **state) {
    (void)state;
    soma_error error = {0};
    float x[200], y[200], answer[200];
    for (int i = 0; i < 200; i++) {
        x[i] = (float)i;
        y[i] = 50000 + 300 * (float)i;
    }
    soma_model *m = soma_model_create("linear", soma_shape1(1), SOMA_REGRESS, &error);
    if (!m || soma_model_fit(m, x, y, 200, (soma_fit_options){.epochs = 100, .optimizer = soma_adam(0.05)}, &error))
        fail_msg("%s", error.message);
    soma_evaluation e;
    assert_int_equal(soma_model_evaluate(m, x, y, 200, &e, &error), SOMA_OK);
    assert_true(e.rmse < 200 && e.r2 > 0.999 && isnan(e.accuracy));
    assert_int_equal(soma_model_predict(m, x, 200, answer, 200, &error), SOMA_OK);
    assert_true(fabsf(answer[100] - y[100]) < 500);
    assert_int_equal(soma_model_predict(m, x, 200, answer, 199, &error), SOMA_ERROR_ARGUMENT);
    soma_model_destroy(m);
}

static void parameters_are_set_and_frozen_by_name(void **state) {
    (void)state;
    soma_error error = {0};
    float x[2 * ROWS], y[ROWS], weights[16], got[16];
    points(x, y);
    for (int i = 0; i < 16; i++) weights[i] = 0.01f * (float)(i + 1);
    soma_model *m = soma_model_create("dense 8 tanh", soma_shape1(2), SOMA_CLASSIFY, &error);
    assert_int_equal(soma_model_parameters(m), 0);
    assert_int_equal(soma_model_parameter_set(m, "dense1.weight", weights, 16, &error), SOMA_OK);
    assert_int_equal(soma_model_parameter_freeze(m, "dense1.weight", true, &error), SOMA_OK);
    if (soma_model_fit(m, x, y, ROWS, (soma_fit_options){.epochs = 5}, &error)) fail_msg("%s", error.message);
    assert_int_equal(soma_model_parameters(m), 4);
    assert_string_equal(soma_model_parameter_name(m, 0), "dense1.weight");
    assert_int_equal(soma_model_parameter_shape(m, "dense1.weight").dims[0], 8);
    assert_int_equal(soma_model_parameter_get(m, "dense1.weight", got, 16, &error), SOMA_OK);
    assert_memory_equal(got, weights, sizeof got);
    assert_int_equal(soma_model_parameter_get(m, "dense9.weight", got, 16, &error), SOMA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "dense9.weight"));
    error = (soma_error){0};
    assert_int_equal(soma_model_parameter_set(m, "dense1.weight", weights, 15, &error), SOMA_ERROR_ARGUMENT);
    /* A change by name changes the answers. */
    float before[3], after[3];
    error = (soma_error){0};
    assert_int_equal(soma_model_predict(m, x, 1, before, 3, &error), SOMA_OK);
    assert_int_equal(soma_model_parameter_set(m, "dense2.bias", (float[]){9, 0, 0}, 3, &error), SOMA_OK);
    assert_int_equal(soma_model_predict(m, x, 1, after, 3, &error), SOMA_OK);
    assert_true(after[0] > 0.9f && fabsf(after[0] - before[0]) > 1e-6f);
    soma_model_destroy(m);
    m = soma_model_create("dense 8 tanh", soma_shape1(2), SOMA_CLASSIFY, &error);
    assert_int_equal(soma_model_parameter_set(m, "dense7.bias", weights, 1, &error), SOMA_OK);
    assert_int_equal(soma_model_fit(m, x, y, ROWS, (soma_fit_options){.epochs = 1}, &error), SOMA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "dense7.bias"));
    soma_model_destroy(m);
}

static void a_resumed_fit_equals_an_uninterrupted_one(void **state) {
    (void)state;
    soma_error error = {0};
    char path[] = "/tmp/soma-fit-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    float a[16], b[16];
    soma_fit_options o = {.epochs = 6, .validation = 0.2, .seed = 3, .patience = -1};
    soma_model *whole = trained(o, "dense 8 relu, dropout 0.2", &error);
    o.checkpoint = path;
    o.epochs = 2;
    soma_model *part = trained(o, "dense 8 relu, dropout 0.2", &error);
    soma_model_destroy(part);
    o.epochs = 6;
    o.resume = true;
    part = trained(o, "dense 8 relu, dropout 0.2", &error);
    if (!whole || !part) fail_msg("%s", error.message);
    assert_int_equal(soma_model_parameter_get(whole, "dense1.weight", a, 16, &error), SOMA_OK);
    assert_int_equal(soma_model_parameter_get(part, "dense1.weight", b, 16, &error), SOMA_OK);
    assert_memory_equal(a, b, sizeof a);
    soma_model_destroy(whole);
    soma_model_destroy(part);
    remove(path);
}

static void what_is_not_finite_is_found_and_named(void **state) {
    (void)state;
    soma_error error = {0};
    soma_model *m = trained((soma_fit_options){.epochs = 5, .optimizer = soma_sgd(1e30)}, "dense 8 relu", &error);
    assert_null(m);
    assert_int_equal(error.code, SOMA_ERROR_NUMERIC);
    assert_non_null(strstr(error.message, "step"));
    assert_non_null(strstr(error.message, "not finite"));
}

static void wrong_calls_are_refused(void **state) {
    (void)state;
    soma_error error = {0};
    float x[2 * ROWS], y[ROWS], out[3 * ROWS];
    points(x, y);
    assert_null(soma_model_create("denes 8", soma_shape1(2), SOMA_CLASSIFY, &error));
    assert_non_null(strstr(error.message, "dense"));
    error = (soma_error){0};
    assert_null(soma_model_create("dense 8", soma_shape2(2, 2), SOMA_CLASSIFY, &error));
    error = (soma_error){0};
    soma_model *m = soma_model_create("dense 8 relu, dense 2", soma_shape1(2), SOMA_CLASSIFY, &error);
    assert_int_equal(soma_model_predict(m, x, 1, out, 3, &error), SOMA_ERROR_ARGUMENT);
    error = (soma_error){0};
    assert_int_equal(soma_model_fit(m, x, y, ROWS, (soma_fit_options){.epochs = 1}, &error), SOMA_ERROR_ARGUMENT);
    assert_true(strstr(error.message, "2") && strstr(error.message, "3"));
    error = (soma_error){0};
    y[5] = 0.5f;
    assert_int_equal(soma_model_fit(m, x, y, ROWS, (soma_fit_options){.epochs = 1}, &error), SOMA_ERROR_INPUT);
    assert_non_null(strstr(error.message, "y[5]"));
    error = (soma_error){0};
    assert_int_equal(soma_model_fit(m, x, y, ROWS, (soma_fit_options){.validation = 1}, &error), SOMA_ERROR_ARGUMENT);
    soma_model_destroy(m);
    soma_model_destroy(NULL);
    error = (soma_error){0};
    assert_null(soma_model_load("tests/train/no-such-file.onnx", &error));
    assert_null(soma_model_load_memory("nonsense", 8, &(soma_error){0}));
    soma_fit_options constant = {.epochs = 1, .init_given = true, .init = {.value = 0.1}};
    error = (soma_error){0};
    assert_null(trained(constant, "dense 4 relu", &error));
    assert_int_equal(error.code, SOMA_ERROR_ARGUMENT);
    constant.allow_symmetric = true;
    error = (soma_error){0};
    m = trained(constant, "dense 4 relu", &error);
    assert_non_null(m);
    soma_model_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_learns_and_survives_its_file),
        cmocka_unit_test(early_stopping_restores_the_best_weights),
        cmocka_unit_test(a_callback_and_a_flag_end_training),
        cmocka_unit_test(a_regression_answers_in_the_units_of_its_target),
        cmocka_unit_test(parameters_are_set_and_frozen_by_name),
        cmocka_unit_test(a_resumed_fit_equals_an_uninterrupted_one),
        cmocka_unit_test(what_is_not_finite_is_found_and_named),
        cmocka_unit_test(wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
