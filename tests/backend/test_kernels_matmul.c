/* Products of matrices against the float64 reference, at every level. */
#include "kernel_check.h"

static check_case product(bool ta, bool tb, int64_t m, int64_t n, int64_t k, matmul_attributes *a) {
    *a = (matmul_attributes){ta, tb};
    return (check_case){.op = &op_matmul,
                        .attributes = a,
                        .inputs = 2,
                        .in = {ta ? soma_shape2(k, m) : soma_shape2(m, k), tb ? soma_shape2(n, k) : soma_shape2(k, n)},
                        .batch = ta ? -1 : m,
                        .product = true,
                        .tolerance = 1e-5};
}

static void check_all_transposes(int64_t m, int64_t n, int64_t k, random_stream *r) {
    for (int t = 0; t < 4; t++) {
        matmul_attributes a;
        check_case c = product(t & 1, t & 2, m, n, k, &a);
        check(&c, r);
    }
}

static void products_of_any_shape_are_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(1, 1);
    for (int i = 0; i < 150; i++) {
        int64_t m = check_extent(&r, 90), n = check_extent(&r, 150), k = check_extent(&r, 100);
        check_all_transposes(m, n, k, &r);
    }
}

static void vectors_and_outer_products_are_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(2, 1);
    const int64_t sizes[] = {1, 2, 15, 16, 17, 30, 64, 65, 300};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        for (size_t j = 0; j < COUNT_OF(sizes); j++) {
            check_all_transposes(1, sizes[i], sizes[j], &r);
            check_all_transposes(sizes[i], 1, sizes[j], &r);
            check_all_transposes(sizes[i], sizes[j], 1, &r);
        }
    }
}

static void long_sums_stay_accurate(void **state) {
    (void)state;
    random_stream r = random_open(3, 1);
    check_all_transposes(5, 7, 5000, &r);
    check_all_transposes(33, 70, 1030, &r);
    check_all_transposes(70, 130, 513, &r);
    check_all_transposes(1, 1, 20000, &r);
}

static void empty_products_are_empty_or_zero(void **state) {
    (void)state;
    random_stream r = random_open(4, 1);
    check_all_transposes(0, 5, 3, &r);
    check_all_transposes(4, 0, 3, &r);
    check_all_transposes(3, 20, 0, &r);
    check_all_transposes(1, 5, 0, &r);
    check_all_transposes(5, 1, 0, &r);
}

static void leading_dimensions_broadcast(void **state) {
    (void)state;
    random_stream r = random_open(5, 1);
    for (int i = 0; i < 60; i++) {
        matmul_attributes a;
        int64_t m = check_extent(&r, 20), n = check_extent(&r, 40), k = check_extent(&r, 30), b = check_extent(&r, 4);
        check_case c = product(i & 1, i & 2, m, n, k, &a);
        int64_t d = check_extent(&r, 3);
        const int64_t *x = c.in[0].dims, *y = c.in[1].dims;
        c.batch = -1;
        switch (random_below(&r, 4)) {
        case 0:
            c.in[0] = soma_shape3(b, x[0], x[1]), c.in[1] = soma_shape3(b, y[0], y[1]);
            c.batch = b;
            break;
        case 1:
            c.in[1] = soma_shape3(b, y[0], y[1]);
            break;
        case 2:
            c.in[0] = soma_shape4(b, 1, x[0], x[1]), c.in[1] = soma_shape3(d, y[0], y[1]);
            break;
        default:
            c.in[0] = soma_shape3(d, x[0], x[1]), c.in[1] = soma_shape4(b, d, y[0], y[1]);
        }
        check(&c, &r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_any_shape_are_near_the_reference),
        cmocka_unit_test(vectors_and_outer_products_are_near_the_reference),
        cmocka_unit_test(long_sums_stay_accurate),
        cmocka_unit_test(empty_products_are_empty_or_zero),
        cmocka_unit_test(leading_dimensions_broadcast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
