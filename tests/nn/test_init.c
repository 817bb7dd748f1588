/* Initial values: their distributions, bounds and streams. */
#include "nn/init.h"
#include "nn_check.h"

#include <stdlib.h>

enum { ROWS = 200, COLUMNS = 300, COUNT = ROWS * COLUMNS };

static double values[COUNT];

static void fill(soma_shape shape, soma_init_kind kind, double value) {
    assert_int_equal(init_fill(&shape, (soma_init){.kind = kind, .value = value}, 7, "layer.weight", values), SOMA_OK);
}

typedef struct moments {
    double mean, deviation, low, high, kurtosis;
} moments;

static moments measure(void) {
    moments m = {0, 0, INFINITY, -INFINITY, 0};
    for (int i = 0; i < COUNT; i++) {
        m.mean += values[i] / (double)COUNT;
        if (values[i] < m.low) m.low = values[i];
        if (values[i] > m.high) m.high = values[i];
    }
    double second = 0, fourth = 0;
    for (int i = 0; i < COUNT; i++) {
        double d = values[i] - m.mean;
        second += d * d / (double)COUNT;
        fourth += d * d * d * d / (double)COUNT;
    }
    m.deviation = sqrt(second);
    m.kurtosis = fourth / (second * second);
    return m;
}

/* 60,000 draws: the mean is within 5 of its standard errors, the deviation within 2 %, and the fourth moment tells a
 * normal (3) from a uniform (1.8) distribution. */
static void assert_distribution(double deviation, double kurtosis) {
    moments m = measure();
    if (fabs(m.mean) > 5 * deviation / sqrt(COUNT)) fail_msg("mean %g", m.mean);
    assert_near(m.deviation / deviation, 1, 0.01);
    assert_near(m.kurtosis, kurtosis, 0.03);
}

static void normal_kinds_have_their_deviation(void **state) {
    (void)state;
    soma_shape shape = soma_shape2(ROWS, COLUMNS);
    fill(shape, SOMA_INIT_NORMAL, 0);
    assert_distribution(1 / sqrt(COLUMNS), 3);
    fill(shape, SOMA_INIT_NORMAL, 0.3);
    assert_distribution(0.3, 3);
    fill(shape, SOMA_INIT_XAVIER_NORMAL, 0);
    assert_distribution(sqrt(2.0 / (ROWS + COLUMNS)), 3);
    fill(shape, SOMA_INIT_HE, 0);
    assert_distribution(sqrt(2.0 / (double)COLUMNS), 3);
}

static void uniform_kinds_fill_their_interval(void **state) {
    (void)state;
    const struct {
        soma_init_kind kind;
        double value, bound;
    } cases[] = {{SOMA_INIT_UNIFORM, 0.7, 0.7}, {SOMA_INIT_XAVIER_UNIFORM, 0, sqrt(6.0 / (ROWS + COLUMNS))}};
    for (int i = 0; i < 2; i++) {
        fill(soma_shape2(ROWS, COLUMNS), cases[i].kind, cases[i].value);
        assert_distribution(cases[i].bound / sqrt(3), 1.8);
        moments m = measure();
        assert_true(m.low > -cases[i].bound && m.low < -0.999 * cases[i].bound);
        assert_true(m.high < cases[i].bound && m.high > 0.999 * cases[i].bound);
    }
}

static void fans_of_a_kernel_count_its_area(void **state) {
    (void)state;
    double in, out;
    soma_shape kernel = soma_shape4(20, 3, 5, 4);
    init_fans(&kernel, &(soma_init){0}, &in, &out);
    assert_near(in, 60, 0);
    assert_near(out, 400, 0);
    init_fans(&kernel, &(soma_init){.fan_in = 9, .fan_out = 11}, &in, &out);
    assert_near(in, 9, 0);
    assert_near(out, 11, 0);
}

/* The smaller side of the matrix (first dimension by all others) is orthonormal. */
static void assert_orthonormal(soma_shape shape, double gain) {
    fill(shape, SOMA_INIT_ORTHOGONAL, gain == 1 ? 0 : gain);
    int64_t rows = shape.dims[0], columns = shape_elements(&shape, 1) / rows;
    int64_t vectors = rows < columns ? rows : columns, length = rows < columns ? columns : rows;
    for (int64_t a = 0; a < vectors; a++)
        for (int64_t b = 0; b < vectors; b++) {
            double dot = 0;
            for (int64_t j = 0; j < length; j++)
                dot += rows <= columns ? values[a * columns + j] * values[b * columns + j]
                                       : values[j * columns + a] * values[j * columns + b];
            assert_near(dot, a == b ? gain * gain : 0, 1e-13);
        }
}

static void orthogonal_rows_or_columns_are_orthonormal(void **state) {
    (void)state;
    assert_orthonormal(soma_shape2(20, 50), 1);
    assert_orthonormal(soma_shape2(50, 20), 1);
    assert_orthonormal(soma_shape2(64, 64), 1);
    assert_orthonormal(soma_shape4(8, 3, 3, 3), 1);
    assert_orthonormal(soma_shape1(10), 1);
    assert_orthonormal(soma_shape2(1, 10), 1.5);
}

static void values_are_a_function_of_seed_and_name(void **state) {
    (void)state;
    double a[64], b[64];
    soma_shape shape = soma_shape2(8, 8);
    soma_init he = {.kind = SOMA_INIT_HE};
    init_fill(&shape, he, 3, "dense1.weight", a);
    init_fill(&shape, he, 3, "dense1.weight", b);
    assert_memory_equal(a, b, sizeof a);
    init_fill(&shape, he, 3, "dense2.weight", b);
    for (int i = 0; i < 64; i++) assert_true(a[i] != b[i]);
    init_fill(&shape, he, 4, "dense1.weight", b);
    for (int i = 0; i < 64; i++) assert_true(a[i] != b[i]);
}

static void constants_scalars_and_empty_tensors_are_filled(void **state) {
    (void)state;
    soma_shape scalar = soma_shape0(), empty = soma_shape2(0, 5);
    fill(soma_shape2(3, 4), SOMA_INIT_CONSTANT, -2.5);
    for (int i = 0; i < 12; i++) assert_near(values[i], -2.5, 0);
    for (int kind = SOMA_INIT_CONSTANT; kind <= SOMA_INIT_ORTHOGONAL; kind++) {
        values[0] = NAN, values[1] = 99;
        fill(scalar, (soma_init_kind)kind, 0.5);
        assert_true(isfinite(values[0]));
        fill(empty, (soma_init_kind)kind, 0.5);
        assert_near(values[1], 99, 0);
    }
}

static void what_can_not_be_is_refused(void **state) {
    (void)state;
    soma_shape batch = soma_shape2(SOMA_BATCH, 3), plain = soma_shape1(2);
    soma_init kind = {.kind = (soma_init_kind)77}, infinite = {.kind = SOMA_INIT_NORMAL, .value = INFINITY};
    assert_int_equal(init_fill(&batch, (soma_init){0}, 0, "w", values), SOMA_ERROR_ARGUMENT);
    assert_int_equal(init_fill(&plain, kind, 0, "w", values), SOMA_ERROR_ARGUMENT);
    assert_int_equal(init_fill(&plain, infinite, 0, "w", values), SOMA_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_kinds_have_their_deviation),
        cmocka_unit_test(uniform_kinds_fill_their_interval),
        cmocka_unit_test(fans_of_a_kernel_count_its_area),
        cmocka_unit_test(orthogonal_rows_or_columns_are_orthonormal),
        cmocka_unit_test(values_are_a_function_of_seed_and_name),
        cmocka_unit_test(constants_scalars_and_empty_tensors_are_filled),
        cmocka_unit_test(what_can_not_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
