/* Reductions, argmax, softmax and cross-entropy against the float64 reference, at every level. */
#include "kernel_check.h"

static soma_shape random_shape(random_stream *r, int rank, int64_t limit) {
    soma_shape s = {rank, {0}};
    for (int d = 0; d < rank; d++) s.dims[d] = check_extent(r, limit);
    return s;
}

static void check_reductions(soma_shape x, uint32_t axes, random_stream *r) {
    reduce_attributes a;
    memset(&a, 0, sizeof a);
    a.axes = axes;
    a.keep = random_below(r, 2);
    check_case c = {.op = &op_reduce_sum,
                    .attributes = &a,
                    .inputs = 1,
                    .in = {x},
                    .batch = axes & 1 ? -1 : x.dims[0],
                    .product = true,
                    .tolerance = 1e-6};
    check(&c, r);
    c.product = false;
    c.op = &op_reduce_max;
    check(&c, r);
    c.op = &op_reduce_min;
    check(&c, r);
}

static void reductions_over_any_axes_are_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(1, 4);
    for (int i = 0; i < 300; i++) {
        int rank = 1 + (int)random_below(&r, 5);
        soma_shape x = random_shape(&r, rank, rank < 3 ? 200 : 12);
        check_reductions(x, 1 + (uint32_t)random_below(&r, (1u << rank) - 1), &r);
    }
}

static void bias_gradients_are_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(2, 4);
    const int64_t samples[] = {1, 2, 31, 32, 63, 64, 65, 256, 300};
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        check_reductions(soma_shape2(samples[i], 64), SOMA_AXIS(0), &r);
        check_reductions(soma_shape2(samples[i], 500), SOMA_AXIS(0), &r);
        check_reductions(soma_shape2(samples[i], 1), SOMA_AXIS(0), &r);
        check_reductions(soma_shape4(samples[i], 5, 8, 8), SOMA_AXIS(0) | SOMA_AXIS(2) | SOMA_AXIS(3), &r);
    }
    check_reductions(soma_shape4(40, 20, 24, 24), SOMA_AXIS(0) | SOMA_AXIS(2) | SOMA_AXIS(3), &r);
    check_reductions(soma_shape2(700, 64), SOMA_AXIS(0), &r);
    check_reductions(soma_shape2(64, 700), SOMA_AXIS(1), &r);
}

static double positive(random_stream *r) { return random_uniform(r); }

static void long_sums_stay_accurate(void **state) {
    (void)state;
    random_stream r = random_open(3, 4);
    reduce_attributes a;
    memset(&a, 0, sizeof a);
    a.axes = 1;
    check_case c = {.op = &op_reduce_sum,
                    .attributes = &a,
                    .inputs = 1,
                    .batch = -1,
                    .product = true,
                    .tolerance = 1e-6,
                    .value = positive};
    c.in[0] = soma_shape1(1000003);
    check(&c, &r);
    c.in[0] = soma_shape2(100003, 9);
    check(&c, &r);
    c.in[0] = soma_shape2(9, 100003);
    check(&c, &r);
    a.axes = 2;
    check(&c, &r);
}

static void empty_reductions_give_the_neutral_element(void **state) {
    (void)state;
    random_stream r = random_open(4, 4);
    check_reductions(soma_shape2(0, 5), SOMA_AXIS(0), &r);
    check_reductions(soma_shape2(0, 5), SOMA_AXIS(1), &r);
    check_reductions(soma_shape2(0, 5), SOMA_AXIS(0) | SOMA_AXIS(1), &r);
    check_reductions(soma_shape3(4, 0, 3), SOMA_AXIS(1), &r);
}

static double some_nan(random_stream *r) { return random_below(r, 30) ? random_normal(r) : NAN; }
static double few_values(random_stream *r) {
    uint64_t k = random_below(r, 60);
    return k == 0 ? NAN : k == 1 ? -INFINITY : (double)(k % 4);
}

static void nan_spreads_through_reductions(void **state) {
    (void)state;
    random_stream r = random_open(5, 4);
    const soma_op *const ops[] = {&op_reduce_sum, &op_reduce_max, &op_reduce_min};
    for (int i = 0; i < 60; i++) {
        reduce_attributes a;
        memset(&a, 0, sizeof a);
        soma_shape x = random_shape(&r, 3, 20);
        a.axes = 1 + (uint32_t)random_below(&r, 7);
        check_case c = {.op = ops[i % 3],
                        .attributes = &a,
                        .inputs = 1,
                        .in = {x},
                        .batch = -1,
                        .tolerance = 1e-4,
                        .value = some_nan};
        reduce_attributes plain = a;
        c.attributes = &plain;
        check_data in = check_random(&c, 0, &r), out[OP_MAX_OUTPUTS];
        check_infer(&c, out);
        check_reference(&c, &in, out, false);
        for (const isa *const *level = isa_all(); *level; level++) {
            void *got[1] = {check_block(out[0].count, sizeof(float))};
            const kernel *k = (*level)->kernels;
            while (k->op != c.op) k++;
            assert_true(check_run(&c, *level, k, &in, got, out, NULL, 1, -1));
            for (size_t e = 0; e < out[0].count; e++) {
                assert_int_equal(isnan(((float *)got[0])[e]) != 0, isnan(out[0].exact[e]) != 0);
            }
            free(got[0]);
        }
        check_free(&in);
        check_free(&out[0]);
    }
}

static void check_axis(const soma_op *op, soma_shape x, int axis, double (*value)(random_stream *), random_stream *r) {
    axis_attributes a;
    memset(&a, 0, sizeof a);
    a.axis = axis;
    check_case c = {.op = op,
                    .attributes = &a,
                    .inputs = 1,
                    .in = {x},
                    .batch = axis == 0 ? -1 : x.dims[0],
                    .tolerance = 3e-6,
                    .value = value};
    check(&c, r);
}

static void argmax_finds_the_first_maximum(void **state) {
    (void)state;
    random_stream r = random_open(6, 4);
    for (int i = 0; i < 100; i++) {
        int rank = 1 + (int)random_below(&r, 3);
        soma_shape x = random_shape(&r, rank, 30);
        check_axis(&op_argmax, x, (int)random_below(&r, (uint64_t)rank), i % 2 ? few_values : NULL, &r);
    }
}

static double wide(random_stream *r) { return 40 * random_normal(r); }

static void softmax_along_any_axis_is_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(7, 4);
    for (int i = 0; i < 150; i++) {
        int rank = 1 + (int)random_below(&r, 4), axis = (int)random_below(&r, (uint64_t)rank);
        soma_shape x = random_shape(&r, rank, rank < 3 ? 100 : 9);
        check_axis(&op_softmax, x, axis, i % 2 ? wide : NULL, &r);
        check_axis(&op_log_softmax, x, axis, i % 2 ? wide : NULL, &r);
    }
    check_axis(&op_softmax, soma_shape2(64, 10), 1, NULL, &r);
    check_axis(&op_log_softmax, soma_shape2(3000, 10), 1, NULL, &r);
    check_axis(&op_softmax, soma_shape2(3000, 17), 1, NULL, &r);
    check_axis(&op_softmax, soma_shape2(0, 10), 1, NULL, &r);
    check_axis(&op_log_softmax, soma_shape2(5, 8), 1, some_nan, &r);
}

/* One class more than there are: such rows have neither loss nor gradient. */
static void check_entropy(int64_t rows, int64_t classes, double (*value)(random_stream *), random_stream *r) {
    const soma_shape x = soma_shape2(rows, classes), n = soma_shape1(rows);
    check_case c = {.op = &op_cross_entropy,
                    .inputs = 2,
                    .in = {x, n},
                    .integers = {false, true},
                    .limit = classes + 1,
                    .batch = rows,
                    .tolerance = 3e-6,
                    .value = value};
    check(&c, r);
    c.op = &op_cross_entropy_backward;
    c.tolerance = 2e-5; /* dy, up to 100, times what is left of 1 */
    c.inputs = 3;
    c.in[1] = x, c.in[2] = n;
    c.integers[1] = false, c.integers[2] = true;
    for (int one = 0; one < 2; one++) {
        c.in[0] = one ? soma_shape0() : n;
        check(&c, r);
    }
}

static void cross_entropy_is_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(8, 4);
    for (int i = 0; i < 60; i++) check_entropy(check_extent(&r, 60), check_extent(&r, 40), i % 2 ? wide : NULL, &r);
    check_entropy(3000, 10, NULL, &r);
    check_entropy(3000, 17, NULL, &r);
    check_entropy(4, 1000, NULL, &r);
    check_entropy(0, 3, NULL, &r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reductions_over_any_axes_are_near_the_reference),
        cmocka_unit_test(bias_gradients_are_near_the_reference),
        cmocka_unit_test(long_sums_stay_accurate),
        cmocka_unit_test(empty_reductions_give_the_neutral_element),
        cmocka_unit_test(nan_spreads_through_reductions),
        cmocka_unit_test(argmax_finds_the_first_maximum),
        cmocka_unit_test(softmax_along_any_axis_is_near_the_reference),
        cmocka_unit_test(cross_entropy_is_near_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
