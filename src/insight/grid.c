/* insight/grid.c: a network's answers at the centres of pixels that cover a plane, for pictures of decision regions.
 * The points go through a run that is there already, in its largest batches, so that drawing after each epoch compiles
 * nothing. */
#include "insight/insight.h"
#include "plan/run.h"
#include "train/model.h"

#include <math.h>

static int check(soma_grid g, int64_t outputs, const float *answers, size_t count, soma_error *error) {
    size_t points, all;
    if (!isfinite(g.left) || !isfinite(g.right) || !isfinite(g.top) || !isfinite(g.bottom))
        return error_set(error, SOMA_ERROR_ARGUMENT, "grid: a corner of the plane is not finite");
    if (g.columns < 1 || g.rows < 1 || g.columns > INT32_MAX || g.rows > INT32_MAX || !answers)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "grid: %lld columns and %lld rows, expected 1 or more of each and a place for the answers",
                         (long long)g.columns, (long long)g.rows);
    if (outputs < 1 || !size_multiply((size_t)g.columns, (size_t)g.rows, &points) ||
        !size_multiply(points, (size_t)outputs, &all) || all != count)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "grid: %lld x %lld points of %lld answers each were asked for, but there is room for %zu",
                         (long long)g.columns, (long long)g.rows, (long long)outputs, count);
    return SOMA_OK;
}

/* Points first .. first + count - 1, row by row. */
static void points_of(soma_grid g, int64_t first, int64_t count, float *points) {
    double width = (g.right - g.left) / (double)g.columns, height = (g.bottom - g.top) / (double)g.rows;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = (first + i) / g.columns, column = (first + i) % g.columns;
        points[2 * i] = (float)(g.left + ((double)column + 0.5) * width);
        points[2 * i + 1] = (float)(g.top + ((double)row + 0.5) * height);
    }
}

int soma_run_grid(soma_run *run, soma_value input, soma_value output, soma_grid grid, float *answers, size_t count,
                  soma_error *error) {
    char text[SHAPE_TEXT];
    soma_shape x = soma_value_shape(input), y = soma_value_shape(output), pair = soma_shape2(SOMA_BATCH, 2);
    if (!run) return error_set(error, SOMA_ERROR_ARGUMENT, "grid: there is no run");
    if (run->plan->effects) return error_set(error, SOMA_ERROR_ARGUMENT, "grid: a step of the run's plan would train");
    if (!shape_equal(&x, &pair))
        return error_set(error, SOMA_ERROR_ARGUMENT, "grid: the input is %s, expected [N, 2]", shape_text(&x, text));
    if (y.rank != 2 || y.dims[0] != SOMA_BATCH)
        return error_set(error, SOMA_ERROR_ARGUMENT, "grid: the output is %s, expected [N, outputs]",
                         shape_text(&y, text));
    int code = check(grid, y.dims[1], answers, count, error);
    if (code) return code;
    const soma_context *c = run->plan->context;
    int64_t all = grid.columns * grid.rows,
            batch = run->plan->options.max_batch < all ? run->plan->options.max_batch : all;
    float *points = mem_array(c, (size_t)batch, 2 * sizeof *points);
    if (!points) return error_memory(error);
    for (int64_t first = 0; first < all && !code; first += batch) {
        int64_t n = all - first < batch ? all - first : batch;
        points_of(grid, first, n, points);
        code = soma_run_set(run, input, points, n, error);
        if (!code) code = soma_run_step(run, error);
        if (!code) code = soma_run_get(run, output, answers + first * y.dims[1], (size_t)(n * y.dims[1]), error);
    }
    mem_free(c, points);
    return code;
}

int soma_model_grid(soma_model *model, soma_grid grid, float *answers, size_t count, soma_error *error) {
    char text[SHAPE_TEXT];
    soma_shape sample = soma_model_sample(model), pair = soma_shape1(2);
    if (!model) return error_set(error, SOMA_ERROR_ARGUMENT, "grid: there is no model");
    if (!shape_equal(&sample, &pair))
        return error_set(error, SOMA_ERROR_ARGUMENT, "grid: a sample of the model is %s, expected two features",
                         shape_text(&sample, text));
    if (!soma_model_outputs(model))
        return error_set(error, SOMA_ERROR_ARGUMENT, "grid: the model has not been trained yet");
    int code = check(grid, soma_model_outputs(model), answers, count, error);
    if (code) return code;
    int64_t all = grid.columns * grid.rows;
    float *points = mem_array(model->context, (size_t)all, 2 * sizeof *points);
    if (!points) return error_memory(error);
    points_of(grid, 0, all, points);
    code = soma_model_predict(model, points, all, answers, count, error);
    mem_free(model->context, points);
    return code;
}
