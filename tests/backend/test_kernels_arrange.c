/* Ops that move elements, and random numbers: exactly what the float64 reference gives, at every level. */
#include "graph/graph.h"
#include "kernel_check.h"

static soma_shape random_shape(random_stream *r, int rank, int64_t limit) {
    soma_shape s = {rank, {0}};
    for (int d = 0; d < rank; d++) s.dims[d] = check_extent(r, limit);
    return s;
}

static check_case case_of(const soma_op *op, const void *attributes, soma_shape x, bool integers) {
    check_case c = {.op = op, .attributes = attributes, .inputs = 1, .in = {x}, .limit = 1000, .batch = -1};
    c.integers[0] = integers;
    return c;
}

static void transposes_move_every_element(void **state) {
    (void)state;
    random_stream r = random_open(1, 5);
    for (int i = 0; i < 200; i++) {
        int rank = 1 + (int)random_below(&r, 5);
        transpose_attributes a;
        memset(&a, 0, sizeof a);
        for (int d = 0; d < rank; d++) a.permutation[d] = d;
        for (int d = rank - 1; d > 0; d--) {
            int k = (int)random_below(&r, (uint64_t)d + 1);
            int32_t swap = a.permutation[d];
            a.permutation[d] = a.permutation[k];
            a.permutation[k] = swap;
        }
        soma_shape x = random_shape(&r, rank, rank < 3 ? 250 : 14);
        check_case c = case_of(&op_transpose, &a, x, i % 4 == 0);
        if (a.permutation[0] == 0) c.batch = x.dims[0];
        check(&c, &r);
    }
}

static void expanding_repeats(void **state) {
    (void)state;
    random_stream r = random_open(2, 5);
    for (int i = 0; i < 100; i++) {
        int rank = 1 + (int)random_below(&r, 4), fewer = (int)random_below(&r, (uint64_t)rank + 1);
        shape_attributes a;
        memset(&a, 0, sizeof a);
        a.shape = random_shape(&r, rank, rank < 3 ? 250 : 14);
        soma_shape x = shape_of(rank - fewer, a.shape.dims + fewer);
        for (int d = 0; d < x.rank; d++) x.dims[d] = random_below(&r, 2) ? 1 : x.dims[d];
        check_case c = case_of(&op_expand, &a, x, i % 4 == 0);
        check(&c, &r);
    }
}

static void slices_take_every_step(void **state) {
    (void)state;
    random_stream r = random_open(3, 5);
    for (int i = 0; i < 150; i++) {
        int rank = 1 + (int)random_below(&r, 4);
        slice_attributes a;
        memset(&a, 0, sizeof a);
        soma_shape x = random_shape(&r, rank, rank < 3 ? 250 : 14);
        a.axis = (int32_t)random_below(&r, (uint64_t)rank);
        a.start = (int64_t)random_below(&r, (uint64_t)x.dims[a.axis] + 1);
        a.stop = a.start + (int64_t)random_below(&r, (uint64_t)(x.dims[a.axis] - a.start) + 1);
        a.step = 1 + (int64_t)random_below(&r, 3);
        check_case c = case_of(&op_slice, &a, x, i % 4 == 0);
        if (a.axis > 0) c.batch = x.dims[0];
        check(&c, &r);
    }
}

static void padding_surrounds(void **state) {
    (void)state;
    random_stream r = random_open(4, 5);
    for (int i = 0; i < 150; i++) {
        int rank = (int)random_below(&r, 5);
        pad_attributes a;
        memset(&a, 0, sizeof a);
        soma_shape x = random_shape(&r, rank, rank < 3 ? 250 : 14);
        for (int d = 0; d < rank; d++) {
            a.before[d] = (int64_t)random_below(&r, 3);
            a.after[d] = (int64_t)random_below(&r, 3);
        }
        if (i % 2) a.before[0] = a.after[0] = 0;
        a.value = i % 3 ? 0 : -1.5;
        check_case c = case_of(&op_pad, &a, x, false);
        if (rank > 0 && i % 2) c.batch = x.dims[0];
        check(&c, &r);
    }
    pad_attributes none;
    memset(&none, 0, sizeof none);
    check_case c = case_of(&op_pad, &none, soma_shape2(0, 5), false);
    c.batch = 0;
    check(&c, &r);
}

static void joining_keeps_the_order(void **state) {
    (void)state;
    random_stream r = random_open(5, 5);
    for (int i = 0; i < 100; i++) {
        int rank = 1 + (int)random_below(&r, 4);
        axis_attributes a;
        memset(&a, 0, sizeof a);
        a.axis = (int32_t)random_below(&r, (uint64_t)rank);
        check_case c = case_of(&op_concat, &a, random_shape(&r, rank, rank < 3 ? 150 : 12), false);
        c.inputs = 1 + (int)random_below(&r, 8);
        for (int k = 0; k < c.inputs; k++) {
            if (k > 0) c.in[k] = c.in[0], c.in[k].dims[a.axis] = check_extent(&r, 20);
            c.integers[k] = i % 4 == 0;
        }
        if (a.axis > 0) c.batch = c.in[0].dims[0];
        check(&c, &r);
    }
}

static void picking_and_adding_follow_the_indices(void **state) {
    (void)state;
    random_stream r = random_open(6, 5);
    for (int i = 0; i < 150; i++) {
        int rank = 1 + (int)random_below(&r, 3), picks = (int)random_below(&r, 3);
        axis_attributes a;
        memset(&a, 0, sizeof a);
        a.axis = (int32_t)random_below(&r, (uint64_t)rank);
        soma_shape x = random_shape(&r, rank, 60), k = random_shape(&r, picks, 30), u = {0, {0}};
        for (int d = 0; d < a.axis; d++) u.dims[u.rank++] = x.dims[d];
        for (int d = 0; d < picks; d++) u.dims[u.rank++] = k.dims[d];
        for (int d = a.axis + 1; d < rank; d++) u.dims[u.rank++] = x.dims[d];
        check_case c = case_of(&op_gather, &a, x, i % 4 == 0);
        c.inputs = 2;
        c.in[1] = k;
        c.integers[1] = true;
        c.limit = x.dims[a.axis] + 2; /* some are outside */
        if (a.axis > 0) c.batch = x.dims[0];
        check(&c, &r);
        axis_attributes b = a;
        b.extent = x.dims[a.axis];
        c.op = &op_scatter_add;
        c.attributes = &b;
        c.integers[0] = false;
        c.in[0] = u;
        c.product = true;
        c.tolerance = 1e-5;
        check(&c, &r);
    }
}

static void one_hot_rows_hold_a_single_one(void **state) {
    (void)state;
    random_stream r = random_open(7, 5);
    for (int i = 0; i < 30; i++) {
        one_hot_attributes a = {check_extent(&r, 40)};
        check_case c = case_of(&op_one_hot, &a, random_shape(&r, (int)random_below(&r, 3), 1000 / (1 + a.depth)), true);
        c.limit = a.depth + 2;
        if (c.in[0].rank > 0) c.batch = c.in[0].dims[0];
        check(&c, &r);
    }
}

static void random_numbers_are_the_reference_s(void **state) {
    (void)state;
    random_stream r = random_open(8, 5);
    for (int i = 0; i < 40; i++) {
        random_attributes a;
        memset(&a, 0, sizeof a);
        a.shape = random_shape(&r, 2, 120);
        a.stream = random_u32(&r);
        check_case c = {.op = &op_random_uniform,
                        .attributes = &a,
                        .batch = a.shape.dims[0],
                        .random = {random_u32(&r) * 0x100000001ull, 0, random_u32(&r) * 0x10001ull}};
        check(&c, &r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transposes_move_every_element),  cmocka_unit_test(expanding_repeats),
        cmocka_unit_test(slices_take_every_step),         cmocka_unit_test(padding_surrounds),
        cmocka_unit_test(joining_keeps_the_order),        cmocka_unit_test(picking_and_adding_follow_the_indices),
        cmocka_unit_test(one_hot_rows_hold_a_single_one), cmocka_unit_test(random_numbers_are_the_reference_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
