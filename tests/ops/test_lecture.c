/* tests/ops/test_lecture.c: the worked examples of the lecture, number by number: convolution, stride, max pooling,
 * output sizes, and the graph of CS231n with every value and every gradient. */
#include "ops/attributes.h"
#include "support/gradient_check.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static soma_value image(soma_graph *g, int64_t height, int64_t width, const float *data) {
    return soma_constant(g, soma_shape4(1, 1, height, width), data);
}

static void expect(soma_value v, const double *expected, size_t count) {
    double values[64];
    evaluate(v, NULL, 0, values, count);
    for (size_t i = 0; i < count; i++)
        if (fabs(values[i] - expected[i]) > 1e-12)
            fail_msg("element %zu is %g, expected %g", i, values[i], expected[i]);
}

static void convolution_of_the_lecture(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = image(g, 4, 5, (const float[]){2, 1, 3, 1, 2, 3, 4, 2, 0, 1, 2, 0, 1, 2, 3, 1, 3, 2, 4, 0});
    soma_value k = image(g, 3, 3, (const float[]){2, -1, -1, -1, 0, 0, -1, 0, 2});
    soma_value y = soma_convolution(x, k, (soma_window){.stride = {1, 1}}, 1);
    soma_shape s = soma_value_shape(y);
    assert_int_equal(s.dims[2], 2);
    assert_int_equal(s.dims[3], 3);
    expect(y, (const double[]){-3, -2, 6, 1, 11, 0}, 6);
    soma_graph_destroy(g);
}

static void strided_convolution_of_the_lecture(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = image(g, 6, 6, (const float[]){4, 9, 2, 5, 8, 3, 5, 6, 2, 4, 0, 3, 2, 4, 5, 4, 5, 2,
                                                  5, 6, 5, 4, 7, 8, 5, 7, 7, 9, 2, 1, 5, 8, 5, 3, 8, 4});
    soma_value k = image(g, 3, 3, (const float[]){1, 0, -1, 1, 0, -1, 1, 0, -1});
    expect(soma_convolution(x, k, (soma_window){.stride = {2, 2}}, 0), (const double[]){2, -4, -5, 3}, 4);
    soma_graph_destroy(g);
}

static void max_pooling_of_the_lecture(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = image(g, 4, 4, (const float[]){1, 1, 2, 4, 5, 6, 7, 8, 3, 2, 1, 0, 1, 2, 3, 4});
    expect(soma_max_pool(x, (soma_window){.kernel = {2, 2}, .stride = {2, 2}}), (const double[]){6, 8, 3, 4}, 4);
    soma_graph_destroy(g);
}

static void output_sizes_follow_the_formula(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    for (int64_t n = 5; n < 12; n++)
        for (int64_t f = 1; f < 6; f++)
            for (int64_t p = 0; p < 3; p++)
                for (int64_t s = 1; s < 4; s++) {
                    soma_value x = soma_expand(soma_scalar(g, 0), soma_shape4(SOMA_BATCH, 1, n, n));
                    soma_value w = soma_expand(soma_scalar(g, 0), soma_shape4(1, 1, f, f));
                    soma_window v = {.stride = {s, s}, .before = {p, p}, .after = {p, p}};
                    soma_shape y = soma_value_shape(soma_convolution(x, w, v, 1));
                    assert_int_equal(y.dims[2], (n + 2 * p - f) / s + 1);
                    assert_int_equal(y.dims[3], (n + 2 * p - f) / s + 1);
                    assert_int_equal(y.dims[0], SOMA_BATCH);
                }
    assert_int_equal(soma_graph_error(g)->code, 0);
    soma_graph_destroy(g);
}

/* y = 1 / (1 + exp(-(w0 x0 + w1 x1 + w2))) */
static void every_value_and_gradient_of_the_worked_graph(void **state) {
    (void)state;
    enum { W0, X0, W1, X1, W2, FIRST, SECOND, SUM, Z, NEGATED, EXPONENTIAL, DENOMINATOR, Y, ALL };
    static const double start[] = {2, -1, -3, -2, -3};
    static const double values[ALL] = {2, -1, -3, -2, -3, -2, 6, 4, 1, -1, 0.37, 1.37, 0.73};
    static const double gradients[ALL] = {-0.20, 0.39, -0.39, -0.59, 0.20,  0.20, 0.20,
                                          0.20,  0.20, -0.20, -0.53, -0.53, 1.00};
    soma_graph *g = soma_graph_create();
    soma_value v[ALL], d[ALL];
    for (int i = W0; i <= W2; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        v[i] = soma_input_scalar(g, name, start[i]);
    }
    v[FIRST] = soma_mul(v[W0], v[X0]);
    v[SECOND] = soma_mul(v[W1], v[X1]);
    v[SUM] = soma_add(v[FIRST], v[SECOND]);
    v[Z] = soma_add(v[SUM], v[W2]);
    v[NEGATED] = soma_neg(v[Z]);
    v[EXPONENTIAL] = soma_exp(v[NEGATED]);
    v[DENOMINATOR] = soma_add(v[EXPONENTIAL], soma_scalar(g, 1));
    v[Y] = soma_reciprocal(v[DENOMINATOR]);
    /* Asked for one by one and all at once: the inner values must not cut the way to the outer ones. */
    for (int at_once = 0; at_once < 2; at_once++) {
        if (at_once) assert_int_equal(soma_gradient(v[Y], v, ALL, d), 0);
        for (int i = 0; i < ALL; i++) {
            double value, gradient;
            if (!at_once) assert_int_equal(soma_gradient(v[Y], &v[i], 1, &d[i]), 0);
            evaluate(v[i], NULL, 0, &value, 1);
            evaluate(d[i], NULL, 0, &gradient, 1);
            if (fabs(value - values[i]) > 0.005) fail_msg("value %d is %g, expected %g", i, value, values[i]);
            if (fabs(gradient - gradients[i]) > 0.005)
                fail_msg("gradient %d is %g, expected %g", i, gradient, gradients[i]);
        }
    }
    soma_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution_of_the_lecture),
        cmocka_unit_test(strided_convolution_of_the_lecture),
        cmocka_unit_test(max_pooling_of_the_lecture),
        cmocka_unit_test(output_sizes_follow_the_formula),
        cmocka_unit_test(every_value_and_gradient_of_the_worked_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
