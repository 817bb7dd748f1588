/* tests/ops/test_values.c: what the ops that are not element-wise compute: worked examples, PyTorch's rules for windows
 * at the border, NaN, indices outside, empty batches, and the numbers of random nodes. */
#include "ops/attributes.h"
#include "ops/random.h"
#include "support/gradient_check.h"

#include <soma/plan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SHAPE(...) shape_of((int)COUNT_OF(((int64_t[]){__VA_ARGS__})), (int64_t[]){__VA_ARGS__})
enum { N = SOMA_BATCH };

static void expect(soma_value v, soma_shape shape, const double *expected) {
    soma_shape s = soma_value_shape(v);
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (soma_graph_error(v.graph)->code) fail_msg("%s", soma_graph_error(v.graph)->message);
    if (!shape_equal(&s, &shape)) fail_msg("shape %s, expected %s", shape_text(&s, a), shape_text(&shape, b));
    size_t count = (size_t)shape_elements(&shape, 1);
    double *values = calloc(count + 1, sizeof *values);
    assert_non_null(values);
    evaluate(v, NULL, 0, values, count);
    for (size_t i = 0; i < count; i++)
        if (!(fabs(values[i] - expected[i]) <= 1e-6) && values[i] != expected[i] &&
            !(isnan(values[i]) && isnan(expected[i])))
            fail_msg("element %zu is %g, expected %g", i, values[i], expected[i]);
    free(values);
}
#define EXPECT(v, shape, ...) expect(v, shape, (const double[]){__VA_ARGS__})

/* 1, 2, 3, … of a shape. */
static soma_value counting(soma_graph *g, soma_shape s) {
    size_t count = (size_t)shape_elements(&s, 1);
    float *data = calloc(count + 1, sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++) data[i] = (float)(i + 1);
    soma_value v = soma_constant(g, s, data);
    free(data);
    return v;
}

static void shape_ops_move_the_right_elements(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = counting(g, SHAPE(2, 3));
    EXPECT(soma_transpose(x, (const int[]){1, 0}), SHAPE(3, 2), 1, 4, 2, 5, 3, 6);
    EXPECT(soma_reshape(x, SHAPE(3, 2)), SHAPE(3, 2), 1, 2, 3, 4, 5, 6);
    EXPECT(soma_expand(soma_reshape(soma_slice(x, 0, 0, 1, 1), SHAPE(3, 1)), SHAPE(3, 2)), SHAPE(3, 2), 1, 1, 2, 2, 3,
           3);
    EXPECT(soma_concat((soma_value[]){x, soma_slice(x, 1, 0, 3, 2)}, 2, -1), SHAPE(2, 5), 1, 2, 3, 1, 3, 4, 5, 6, 4, 6);
    EXPECT(soma_pad(x, (int64_t[]){1, 0}, (int64_t[]){0, 1}, -1), SHAPE(3, 4), -1, -1, -1, -1, 1, 2, 3, -1, 4, 5, 6,
           -1);
    EXPECT(soma_slice(x, 1, 1, 1, 1), SHAPE(2, 0), 0);
    soma_value i = soma_constant_int64(g, SHAPE(4), (const int64_t[]){2, -3, 3, -4});
    EXPECT(soma_gather(x, i, 1), SHAPE(2, 4), 3, 1, 0, 0, 6, 4, 0, 0);
    soma_value u = counting(g, SHAPE(2, 4));
    EXPECT(soma_scatter_add(u, i, 1, 3), SHAPE(2, 3), 2, 0, 1, 6, 0, 5);
    soma_value k = soma_constant_int64(g, SHAPE(3), (const int64_t[]){1, -1, 2});
    EXPECT(soma_one_hot(k, 2), SHAPE(3, 2), 0, 1, 0, 0, 0, 0);
    EXPECT(soma_reshape(soma_gather(k, soma_constant_int64(g, SHAPE(1), (const int64_t[]){2}), 0), soma_shape0()),
           soma_shape0(), 2);
    soma_graph_destroy(g);
}

static void shapes_with_the_batch_are_understood(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", SHAPE(N, 3, 4));
    const struct {
        soma_value v;
        soma_shape shape;
    } cases[] = {
        {soma_flatten(x), SHAPE(N, 12)},
        {soma_reshape(x, SHAPE(-3, 4)), SHAPE(-3, 4)},
        {soma_reshape(x, SHAPE(2, -6)), SHAPE(2, -6)},
        {soma_transpose(x, (const int[]){1, 2, 0}), SHAPE(3, 4, N)},
        {soma_reduce_sum(x, SOMA_AXIS(0), true), SHAPE(1, 3, 4)},
        {soma_reduce_sum(x, SOMA_AXIS(1) | SOMA_AXIS(2), false), SHAPE(N)},
        {soma_matmul(x, counting(g, SHAPE(4, 5))), SHAPE(N, 3, 5)},
        {soma_gemm(soma_flatten(x), soma_flatten(x), true, false), SHAPE(12, 12)},
        {soma_gather(x, soma_input_int64(g, "i", SHAPE(2)), 0), SHAPE(2, 3, 4)},
        {soma_one_hot(soma_input_int64(g, "k", SHAPE(N)), 7), SHAPE(N, 7)},
        {soma_add(x, soma_expand(soma_scalar(g, 1), SHAPE(N, 1, 1))), SHAPE(N, 3, 4)},
        {soma_argmax(x, -1, false), SHAPE(N, 3)},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        soma_shape s = soma_value_shape(cases[i].v);
        char text[SHAPE_TEXT];
        assert_int_equal(soma_graph_error(g)->code, 0);
        if (!shape_equal(&s, &cases[i].shape)) fail_msg("case %zu has the shape %s", i, shape_text(&s, text));
    }
    soma_graph_destroy(g);
}

static void reductions_of_the_last_short_batch_and_of_an_empty_one(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_error e = {0};
    soma_value x = soma_input(g, "x", SHAPE(N, 2)), outputs[4];
    outputs[0] = soma_mean(x);
    outputs[1] = soma_sum(x);
    outputs[2] = soma_extent(x, SOMA_ALL_AXES);
    outputs[3] = soma_reduce_max(x, SOMA_ALL_AXES, false);
    soma_plan_options options = {.max_batch = 4, .backend = SOMA_BACKEND_REFERENCE, .threads = 1};
    soma_plan *p = soma_plan_infer(outputs, 4, options, &e);
    soma_run *r = soma_run_create(p, &e);
    const double data[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const double expected[5][4] = {
        {NAN, 0, 0, -INFINITY}, {1.5, 3, 2, 2}, {2.5, 10, 4, 4}, {3.5, 21, 6, 6}, {4.5, 36, 8, 8}};
    const int64_t rows[] = {4, 1, 3, 0, 2, 4};
    for (size_t k = 0; k < COUNT_OF(rows); k++) {
        soma_run_set_double(r, x, data, rows[k], &e);
        soma_run_step(r, &e);
        for (int o = 0; o < 4; o++) {
            double v = 0, want = expected[rows[k]][o];
            soma_run_get_double(r, outputs[o], &v, 1, &e);
            if (e.code) fail_msg("%s", e.message);
            assert_true(v == want || (isnan(v) && isnan(want)));
        }
    }
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
}

static void extents_without_the_batch_are_constants(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", SHAPE(N, 3, 4));
    double v;
    assert_true(value_scalar(soma_extent(x, SOMA_AXIS(1) | SOMA_AXIS(2)), &v) && v == 12);
    assert_false(value_scalar(soma_extent(x, SOMA_AXIS(0)), &v));
    soma_graph_destroy(g);
}

static void nan_is_never_swallowed(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = soma_constant(g, SHAPE(1, 1, 2, 4), (const float[]){1, NAN, 3, 4, 2, 0, 9, -1});
    EXPECT(soma_max_pool(x, (soma_window){.kernel = {2, 2}, .stride = {2, 2}}), SHAPE(1, 1, 1, 2), NAN, 9);
    EXPECT(soma_average_pool(x, (soma_window){.kernel = {2, 2}, .stride = {2, 2}}), SHAPE(1, 1, 1, 2), NAN, 3.75);
    soma_value rows = soma_reshape(x, SHAPE(2, 4));
    EXPECT(soma_reduce_max(rows, SOMA_AXIS(1), false), SHAPE(2), NAN, 9);
    EXPECT(soma_reduce_min(rows, SOMA_AXIS(1), false), SHAPE(2), NAN, -1);
    EXPECT(soma_argmax(rows, 1, false), SHAPE(2), 1, 2);
    EXPECT(soma_softmax(rows, 0), SHAPE(2, 4), 0.268941421, NAN, 0.002472623, 0.993307149, 0.731058579, NAN,
           0.997527377, 0.006692851);
    EXPECT(soma_relu(rows), SHAPE(2, 4), 1, NAN, 3, 4, 2, 0, 9, 0);
    EXPECT(soma_clip(rows, 0, 3), SHAPE(2, 4), 1, NAN, 3, 3, 2, 0, 3, 0);
    EXPECT(soma_max2(rows, soma_scalar(g, NAN)), SHAPE(2, 4), NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN);
    soma_graph_destroy(g);
}

static void the_first_of_equal_maxima_takes_the_gradient(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = soma_constant(g, SHAPE(1, 1, 2, 3), (const float[]){7, 7, 7, 7, 7, 7}), d;
    assert_int_equal(soma_gradient(soma_sum(soma_max_pool(x, (soma_window){.kernel = {2, 2}})), &x, 1, &d), 0);
    EXPECT(d, SHAPE(1, 1, 2, 3), 1, 1, 0, 0, 0, 0);
    soma_value row = soma_constant(g, SHAPE(4), (const float[]){1, 5, 5, 2});
    EXPECT(soma_argmax(row, 0, true), SHAPE(1), 1);
    assert_int_equal(soma_gradient(soma_reduce_max(row, SOMA_ALL_AXES, false), &row, 1, &d), 0);
    EXPECT(d, SHAPE(4), 0, 0.5, 0.5, 0);
    soma_graph_destroy(g);
}

/* Worked by hand from PyTorch's rules for x = 1 .. 16 in 4 x 4. */
static void pooling_at_the_border_follows_pytorch(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = counting(g, SHAPE(1, 1, 4, 4));
    EXPECT(soma_max_pool(x, (soma_window){.kernel = {3, 3}, .stride = {2, 2}}), SHAPE(1, 1, 1, 1), 11);
    EXPECT(soma_max_pool(x, (soma_window){.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true}), SHAPE(1, 1, 2, 2),
           11, 12, 15, 16);
    EXPECT(soma_max_pool(soma_neg(x),
                         (soma_window){.kernel = {3, 3}, .stride = {2, 2}, .before = {1, 1}, .after = {1, 1}}),
           SHAPE(1, 1, 2, 2), -1, -2, -5, -6);
    soma_window around = {.kernel = {3, 3}, .stride = {2, 2}, .before = {1, 1}, .after = {1, 1}};
    EXPECT(soma_average_pool(x, around), SHAPE(1, 1, 2, 2), 14.0 / 4, 30.0 / 6, 57.0 / 6, 99.0 / 9);
    around.count_padding = true;
    EXPECT(soma_average_pool(x, around), SHAPE(1, 1, 2, 2), 14.0 / 9, 30.0 / 9, 57.0 / 9, 99.0 / 9);
    /* In ceil_mode the third window starts at 3: one row inside, one of padding, one that hangs over and never counts.
     */
    around.ceil_mode = true;
    EXPECT(soma_average_pool(x, around), SHAPE(1, 1, 3, 3), 14.0 / 9, 30.0 / 9, 12.0 / 6, 57.0 / 9, 99.0 / 9, 36.0 / 6,
           27.0 / 6, 45.0 / 6, 16.0 / 4);
    /* A window that would start in the padding after the input is left out. */
    EXPECT(soma_max_pool(
               soma_slice(soma_slice(x, 2, 0, 1, 1), 3, 0, 3, 1),
               (soma_window){.kernel = {1, 2}, .stride = {1, 2}, .before = {0, 1}, .after = {0, 1}, .ceil_mode = true}),
           SHAPE(1, 1, 1, 2), 1, 3);
    EXPECT(soma_global_average_pool(x), SHAPE(1, 1, 1, 1), 8.5);
    soma_graph_destroy(g);
}

static void asymmetric_padding_dilation_and_groups_of_convolutions(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = counting(g, SHAPE(1, 1, 3, 3)),
               ones = soma_constant(g, SHAPE(1, 1, 2, 2), (const float[]){1, 1, 1, 1});
    EXPECT(soma_convolution(x, ones, (soma_window){.before = {1, 0}, .after = {0, 1}}, 1), SHAPE(1, 1, 3, 3), 3, 5, 3,
           12, 16, 9, 24, 28, 15);
    EXPECT(soma_convolution(x, ones, (soma_window){.dilation = {2, 2}}, 1), SHAPE(1, 1, 1, 1), 20);
    soma_value two = counting(g, SHAPE(1, 2, 1, 2)),
               each = soma_constant(g, SHAPE(2, 1, 1, 1), (const float[]){10, 100});
    EXPECT(soma_convolution(two, each, (soma_window){.stride = {1, 1}}, 2), SHAPE(1, 2, 1, 2), 10, 20, 300, 400);
    soma_graph_destroy(g);
}

static void softmax_does_not_overflow(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = soma_constant(g, SHAPE(3), (const float[]){1000, 1000, -1000});
    EXPECT(soma_softmax(x, 0), SHAPE(3), 0.5, 0.5, 0);
    EXPECT(soma_log_softmax(x, 0), SHAPE(3), -log(2), -log(2), -2000 - log(2));
    soma_graph_destroy(g);
}

static void flops_count_two_for_each_multiply_add(void **state) {
    (void)state;
    const matmul_attributes none = {false, true};
    tensor in[2] = {{NULL, SOMA_FLOAT, SHAPE(64, 500)}, {NULL, SOMA_FLOAT, SHAPE(10, 500)}};
    tensor out = {NULL, SOMA_FLOAT, SHAPE(64, 10)};
    assert_true(op_matmul.flops(&(op_call){.attributes = &none, .in = in, .out = &out}) == 2.0 * 64 * 500 * 10);
    tensor x = {NULL, SOMA_FLOAT, SHAPE(2, 6, 12, 12)}, w = {NULL, SOMA_FLOAT, SHAPE(10, 3, 5, 5)};
    tensor y = {NULL, SOMA_FLOAT, SHAPE(2, 10, 8, 8)};
    const double expected = 2.0 * 2 * 10 * 8 * 8 * 3 * 5 * 5;
    assert_true(op_convolution.flops(&(op_call){.in = (tensor[]){x, w}, .out = &y}) == expected);
    assert_true(op_convolution_backward_data.flops(&(op_call){.in = (tensor[]){y, w}, .out = &x}) == expected);
    assert_true(op_convolution_backward_weights.flops(&(op_call){.in = (tensor[]){x, y}, .out = &w}) == expected);
}

static void random_numbers_depend_on_seed_stream_step_and_index_alone(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_error e = {0};
    soma_value x = soma_input(g, "x", SHAPE(N, 5)), outputs[2];
    outputs[0] = soma_add(soma_random_uniform(g, SHAPE(N, 5)), soma_mul(x, soma_scalar(g, 0)));
    outputs[1] = soma_random_uniform(g, SHAPE(7));
    soma_plan_options options = {.max_batch = 8, .backend = SOMA_BACKEND_REFERENCE, .threads = 1};
    soma_plan *p = soma_plan_infer(outputs, 2, options, &e);
    soma_run *r = soma_run_create(p, &e);
    static const double zeros[40];
    double first[40], again[40], other[7];
    soma_run_seed(r, 42, 5);
    soma_run_set_double(r, x, zeros, 8, &e);
    soma_run_step(r, &e);
    soma_run_get_double(r, outputs[0], first, 40, &e);
    soma_run_get_double(r, outputs[1], other, 7, &e);
    for (size_t i = 0; i < 40; i++) assert_true(first[i] == (double)random_element(&(op_random){42, 1, 5}, i));
    for (size_t i = 0; i < 7; i++) assert_true(other[i] == (double)random_element(&(op_random){42, 2, 5}, i));
    soma_run_step(r, &e);
    soma_run_get_double(r, outputs[0], again, 40, &e);
    assert_memory_not_equal(first, again, sizeof first);
    soma_run_seed(r, 42, 5); /* a smaller batch sees the beginning of the same numbers */
    soma_run_set_double(r, x, zeros, 3, &e);
    soma_run_step(r, &e);
    soma_run_get_double(r, outputs[0], again, 15, &e);
    assert_memory_equal(first, again, 15 * sizeof first[0]);
    if (e.code) fail_msg("%s", e.message);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
}

static void random_numbers_are_uniform(void **state) {
    (void)state;
    enum { COUNT = 100000, BINS = 20 };
    int bins[BINS] = {0};
    for (uint64_t i = 0; i < COUNT; i++) {
        float u = random_element(&(op_random){3, 1, 1}, i);
        assert_true(u >= 0 && u < 1);
        bins[(int)(u * (float)BINS)]++;
    }
    const double mean = (double)COUNT / (double)BINS;
    double chi2 = 0;
    for (int b = 0; b < BINS; b++) chi2 += pow(bins[b] - mean, 2) / mean;
    assert_true(chi2 < 50); /* 19 degrees of freedom: above 50 once in 7000 seeds */
}

static void every_op_of_the_table_is_complete(void **state) {
    (void)state;
    for (const soma_op *const *op = op_table; *op; op++) {
        assert_ptr_equal(op_find((*op)->name), *op);
        assert_non_null((*op)->infer);
        assert_true((*op)->outputs >= 1 && (*op)->outputs <= OP_MAX_OUTPUTS);
        if (!((*op)->flags & OP_SOURCE)) assert_non_null((*op)->reference);
        if ((*op)->flags & OP_ELEMENTWISE) assert_non_null((*op)->scalar);
        if ((*op)->flags & OP_ELEMENTWISE) assert_int_equal((*op)->attributes_size, sizeof(elementwise_attributes));
        if ((*op)->flags & OP_ACTIVATION) assert_int_equal((*op)->inputs_max, 1);
    }
    assert_null(op_find("no such op"));
}

/* ---- Pictures -----------------------------------------------------------------------------------------------------
 */

static void upsampling_repeats_elements(void **state) {
    (void)state;
    const double x[4] = {1, 2, 3, 4};
    const double expected[12] = {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4};
    double y[24];
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", SHAPE(1, 1, 2, 2));
    evaluate(soma_upsample(in, 1, 3), &(evaluation_input){in, x, 1}, 1, y, 12);
    for (int i = 0; i < 12; i++) assert_true(y[i] == expected[i]);
    evaluate(soma_upsample(in, 2, 3), &(evaluation_input){in, x, 1}, 1, y, 24);
    for (int i = 0; i < 24; i++) assert_true(y[i] == expected[i / 12 * 6 + i % 6]);
    soma_upsample(in, 0, 1);
    assert_string_equal(soma_graph_error(g)->message,
                        "upsample (node 4): the factor along the height is 0, expected 1 to 32768");
    soma_graph_destroy(g);
}

/* ONNX's test_resize_upsample_scales_linear, and a half of it. */
static void bilinear_resizing_weighs_the_nearest_four(void **state) {
    (void)state;
    const double x[4] = {1, 2, 3, 4};
    const double twice[16] = {1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4};
    double y[16];
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", SHAPE(1, 1, 2, 2));
    evaluate(soma_resize_bilinear(in, 4, 4), &(evaluation_input){in, x, 1}, 1, y, 16);
    for (int i = 0; i < 16; i++) assert_true(fabs(y[i] - twice[i]) < 1e-12);
    evaluate(soma_resize_bilinear(in, 1, 1), &(evaluation_input){in, x, 1}, 1, y, 1);
    assert_true(fabs(y[0] - 2.5) < 1e-12);
    soma_graph_destroy(g);
}

/* One pixel, four channels, three of which are in a window. */
static void response_normalisation_divides_alpha_by_the_size(void **state) {
    (void)state;
    const double x[4] = {1, -2, 3, 0.5};
    double y[4];
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", SHAPE(1, 4, 1, 1));
    evaluate(soma_lrn(in, 3, 0.6, 0.75, 2), &(evaluation_input){in, x, 1}, 1, y, 4);
    for (int c = 0; c < 4; c++) {
        double sum = 0;
        for (int k = c - 1; k <= c + 1; k++)
            if (k >= 0 && k < 4) sum += x[k] * x[k];
        assert_true(fabs(y[c] - x[c] / pow(2 + 0.2 * sum, 0.75)) < 1e-12);
    }
    soma_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape_ops_move_the_right_elements),
        cmocka_unit_test(shapes_with_the_batch_are_understood),
        cmocka_unit_test(reductions_of_the_last_short_batch_and_of_an_empty_one),
        cmocka_unit_test(extents_without_the_batch_are_constants),
        cmocka_unit_test(nan_is_never_swallowed),
        cmocka_unit_test(the_first_of_equal_maxima_takes_the_gradient),
        cmocka_unit_test(pooling_at_the_border_follows_pytorch),
        cmocka_unit_test(asymmetric_padding_dilation_and_groups_of_convolutions),
        cmocka_unit_test(softmax_does_not_overflow),
        cmocka_unit_test(flops_count_two_for_each_multiply_add),
        cmocka_unit_test(random_numbers_depend_on_seed_stream_step_and_index_alone),
        cmocka_unit_test(random_numbers_are_uniform),
        cmocka_unit_test(every_op_of_the_table_is_complete),
        cmocka_unit_test(upsampling_repeats_elements),
        cmocka_unit_test(bilinear_resizing_weighs_the_nearest_four),
        cmocka_unit_test(response_normalisation_divides_alpha_by_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
