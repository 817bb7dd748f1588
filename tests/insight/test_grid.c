/* Answers over a plane: the same as asking for each point. */
#include "insight_check.h"

enum { COLUMNS = 7, LINES = 5, POINTS = COLUMNS * LINES, ROWS = 40 };

static const soma_grid plane = {.left = -2, .right = 5, .top = 3, .bottom = -2, .columns = COLUMNS, .rows = LINES};

/* The centres: the first stands half a pixel inside the upper left corner. */
static void centres(float *points) {
    for (int i = 0; i < POINTS; i++) {
        points[2 * i] = (float)(-1.5 + i % COLUMNS);
        points[2 * i + 1] = (float)(2.5 - i / COLUMNS);
    }
}

static void a_runs_grid_holds_the_answer_at_each_centre(void **state) {
    (void)state;
    for (int64_t batch = 1; batch <= 64; batch *= 8) { /* one by one; in several batches, a short last one; at once */
        soma_error error = {0};
        soma_graph *g = soma_graph_create();
        soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 2)), y = soma_dense(x, 3);
        soma_plan *plan = soma_plan_infer(&y, 1, SOMA_OPTIONS(soma_plan_options){.max_batch = batch}, &error);
        soma_run *run = soma_run_create(plan, &error);
        float w[6], points[2 * POINTS], answers[3 * POINTS];
        soma_store_get(soma_plan_store(plan), "dense1.weight", w, 6, &error);
        centres(points);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(soma_run_grid(run, x, y, plane, answers, 3 * POINTS, &error), SOMA_OK);
            for (int i = 0; i < 3 * POINTS; i++) {
                const float *p = points + 2 * (i / 3), *row = w + 2 * (i % 3);
                assert_near((double)answers[i], (double)row[0] * (double)p[0] + (double)row[1] * (double)p[1], 1e-5);
            }
        }
        soma_run_destroy(run);
        soma_plan_destroy(plan);
        soma_graph_destroy(g);
    }
}

static void a_models_grid_is_what_it_predicts(void **state) {
    (void)state;
    soma_error error = {0};
    float x[2 * ROWS], y[ROWS], points[2 * POINTS], expected[2 * POINTS], answers[2 * POINTS];
    fill(x, 2 * ROWS, 6);
    for (int i = 0; i < ROWS; i++) y[i] = (float)(x[2 * i] * x[2 * i + 1] > 0);
    soma_model *m = trained_on("dense 8 tanh, dense 1", soma_shape1(2), SOMA_CLASSIFY, x, y, ROWS);
    centres(points);
    soma_model_predict(m, points, POINTS, expected, 2 * POINTS, &error);
    soma_model_grid(m, plane, answers, 2 * POINTS, &error);
    assert_no_error(&error);
    assert_memory_equal(answers, expected, sizeof answers);
    soma_model_grid(m, plane, answers, POINTS, &error);
    assert_refused(&error, "grid: 7 x 5 points of 2 answers each were asked for, but there is room for 35");
    soma_model_destroy(m);
}

static void mistakes_are_told(void **state) {
    (void)state;
    soma_error error = {0};
    float answers[POINTS];
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 2)), z = soma_input(g, "z", soma_shape2(SOMA_BATCH, 3));
    soma_value y = soma_dense(x, 1), loss = soma_mean(soma_square(y));
    soma_plan *plan = soma_plan_infer(&y, 1, SOMA_OPTIONS(soma_plan_options){.max_batch = 8}, &error);
    soma_run *run = soma_run_create(plan, &error);
    soma_run_grid(run, z, y, plane, answers, POINTS, &error);
    assert_refused(&error, "grid: the input is [N, 3], expected [N, 2]");
    error = (soma_error){0};
    soma_run_grid(run, x, loss, plane, answers, POINTS, &error);
    assert_refused(&error, "grid: the output is");
    error = (soma_error){0};
    soma_run_grid(run, x, y, (soma_grid){.right = 1, .bottom = 1}, answers, POINTS, &error);
    assert_refused(&error, "grid: 0 columns and 0 rows, expected 1 or more of each");
    error = (soma_error){0};
    soma_run_grid(run, x, y, (soma_grid){.right = INFINITY, .bottom = 1, .columns = 1, .rows = 1}, answers, 1, &error);
    assert_refused(&error, "grid: a corner of the plane is not finite");
    error = (soma_error){0};
    soma_plan *training = soma_plan_train(loss, soma_sgd(0.1), SOMA_OPTIONS(soma_plan_options){.max_batch = 8}, &error);
    soma_run *trains = soma_run_create(training, &error);
    soma_run_grid(trains, x, y, plane, answers, POINTS, &error);
    assert_refused(&error, "grid: a step of the run's plan would train");
    error = (soma_error){0};
    soma_model *m = soma_model_create("dense 3", soma_shape1(3), SOMA_CLASSIFY, &error);
    soma_model_grid(m, plane, answers, POINTS, &error);
    assert_refused(&error, "grid: a sample of the model is [3], expected two features");
    error = (soma_error){0};
    soma_model_destroy(m);
    m = soma_model_create("dense 3", soma_shape1(2), SOMA_CLASSIFY, &error);
    soma_model_grid(m, plane, answers, POINTS, &error);
    assert_refused(&error, "grid: the model has not been trained yet");
    soma_model_destroy(m);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_run_destroy(trains);
    soma_plan_destroy(training);
    soma_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_runs_grid_holds_the_answer_at_each_centre),
        cmocka_unit_test(a_models_grid_is_what_it_predicts),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
