/* Reductions and softmax of the portable backend against their float64 references, over random shapes and axes. */
#include "kernel_check.h"

static soma_shape random_shape(random_stream *r, int64_t *batch) {
    static const int64_t sizes[] = {1, 2, 3, 5, 10, 16, 17, 33, 64, 67};
    soma_shape s = {1 + (int32_t)random_below(r, 4), {0}};
    for (int d = 0; d < s.rank; d++) s.dims[d] = sizes[random_below(r, s.rank > 2 ? 6 : COUNT_OF(sizes))];
    if (random_below(r, 12) == 0) s.dims[0] = 0;
    *batch = random_below(r, 2) ? s.dims[0] : -1;
    return s;
}

static void reductions_are_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(1, 1);
    const soma_op *const ops[] = {&op_reduce_sum, &op_reduce_max, &op_reduce_min};
    for (int k = 0; k < 300; k++) {
        reduce_attributes a;
        memset(&a, 0, sizeof a);
        check_case c = {.op = ops[k % 3], .attributes = &a, .inputs = 1, .product = k % 3 == 0, .tolerance = 1e-6};
        c.in[0] = random_shape(&r, &c.batch);
        a.keep = random_below(&r, 2);
        a.axes = 1 + (uint32_t)random_below(&r, (1u << c.in[0].rank) - 1);
        check(&c, &r);
    }
}

static void long_sums_stay_accurate(void **state) {
    (void)state;
    random_stream r = random_open(2, 1);
    const soma_shape shapes[] = {soma_shape1(100003), soma_shape2(5000, 37), soma_shape2(3, 40001),
                                 soma_shape4(64, 3, 24, 24)};
    const uint32_t axes[] = {1, 1, 2, 13};
    for (size_t k = 0; k < COUNT_OF(shapes); k++) {
        reduce_attributes a;
        memset(&a, 0, sizeof a);
        a.axes = axes[k];
        check_case c = {
            .op = &op_reduce_sum, .attributes = &a, .inputs = 1, .batch = -1, .product = true, .tolerance = 1e-6};
        c.in[0] = shapes[k];
        check(&c, &r);
    }
}

static double wide(random_stream *r) { return 40 * random_normal(r); }

static void softmax_is_near_the_reference_along_any_axis(void **state) {
    (void)state;
    random_stream r = random_open(3, 1);
    for (int k = 0; k < 200; k++) {
        axis_attributes a;
        memset(&a, 0, sizeof a);
        check_case c = {.op = k % 2 ? &op_softmax : &op_log_softmax, .attributes = &a, .inputs = 1, .tolerance = 2e-5};
        c.in[0] = random_shape(&r, &c.batch);
        a.axis = (int32_t)random_below(&r, (uint64_t)c.in[0].rank);
        if (k % 4 < 2) c.value = wide;
        check(&c, &r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reductions_are_near_the_reference),
        cmocka_unit_test(long_sums_stay_accurate),
        cmocka_unit_test(softmax_is_near_the_reference_along_any_axis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
