/* What the tests of src/nn share: values of a graph on the reference backend, in double. */
#ifndef NN_CHECK_H
#define NN_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the headers above first */
#include <soma/soma.h>

#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* An input of a graph and what it gets. */
typedef struct feed {
    soma_value input;
    const void *data; /* double or int64_t */
    int64_t rows;
} feed;

static inline void assert_no_error(const soma_error *error) {
    if (error->code) fail_msg("%s", error->message);
}

static inline void assert_near(double actual, double expected, double tolerance) {
    if (!(fabs(actual - expected) <= tolerance * (1 + fabs(expected))))
        fail_msg("got %.17g, expected %.17g", actual, expected);
}

/* Sets the inputs and runs a step. */
static inline void step(soma_run *run, const feed *feeds, size_t count) {
    soma_error error = {0};
    for (size_t i = 0; i < count; i++)
        if (soma_value_dtype(feeds[i].input) == SOMA_INT64)
            soma_run_set(run, feeds[i].input, feeds[i].data, feeds[i].rows, &error);
        else
            soma_run_set_double(run, feeds[i].input, feeds[i].data, feeds[i].rows, &error);
    soma_run_step(run, &error);
    assert_no_error(&error);
}

/* One value of a graph, computed on the variables of `store` (NULL: initial ones). */
static inline void evaluate(soma_value value, const feed *feeds, size_t feeds_count, soma_store *store, double *out,
                            size_t count) {
    soma_error error = {0};
    soma_plan_options options = {.max_batch = 64, .backend = SOMA_BACKEND_REFERENCE, .store = store};
    soma_plan *plan = soma_plan_infer(&value, 1, options, &error);
    assert_no_error(&error);
    soma_run *run = soma_run_create(plan, &error);
    assert_no_error(&error);
    step(run, feeds, feeds_count);
    soma_run_get_double(run, value, out, count, &error);
    assert_no_error(&error);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
}

#endif
