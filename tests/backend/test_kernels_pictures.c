/* Upsampling, response normalisation and their adjoints against the float64 reference, at every level. */
#include "kernel_check.h"

static int64_t up_to(random_stream *r, int64_t limit) { return 1 + (int64_t)random_below(r, (uint64_t)limit); }

static void upsampling_repeats_and_sums(void **state) {
    (void)state;
    random_stream r = random_open(1, 9);
    for (int i = 0; i < 60; i++) {
        upsample_attributes a = {{up_to(&r, 4), up_to(&r, 4)}};
        soma_shape x = soma_shape4(i ? up_to(&r, 3) : 0, up_to(&r, 5), up_to(&r, 9), up_to(&r, 40));
        check_case c = {.op = &op_upsample, .attributes = &a, .inputs = 1, .in = {x}, .batch = x.dims[0]};
        check(&c, &r);
        c.op = &op_upsample_backward;
        c.in[0].dims[2] *= a.factor[0], c.in[0].dims[3] *= a.factor[1];
        c.product = true;
        c.tolerance = 1e-6;
        check(&c, &r);
    }
}

static void response_normalisation_is_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(2, 9);
    for (int i = 0; i < 60; i++) {
        lrn_attributes a = {up_to(&r, 9), i % 3 ? 1e-4 : 0.5, i % 2 ? 0.75 : 1.3, i % 5 ? 1 : 2.5};
        soma_shape x = soma_shape4(i ? up_to(&r, 3) : 0, up_to(&r, 12), up_to(&r, 9), up_to(&r, 9));
        if (i % 7 == 0) x.rank = 2;
        check_case c = {.op = &op_lrn, .attributes = &a, .inputs = 1, .in = {x}, .batch = x.dims[0], .tolerance = 3e-6};
        check(&c, &r);
        c.op = &op_lrn_backward;
        c.inputs = 2;
        c.in[1] = x;
        c.tolerance = 1e-5;
        check(&c, &r);
    }
}

/* A variance is one of the inputs. */
static double positive(random_stream *r) { return 0.25 + fabs(random_normal(r)); }

static void batch_normalisation_is_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(3, 9);
    for (int i = 0; i < 60; i++) {
        batch_norm_attributes a = {.epsilon = i % 3 ? 1e-5 : 0.5};
        soma_shape x = soma_shape4(2 + up_to(&r, 4), up_to(&r, 40), up_to(&r, 12), up_to(&r, i % 4 ? 9 : 70));
        if (i % 5 == 0) x.rank = 2, x.dims[0] = 60 + i;
        if (i % 7 == 0) x.rank = 3;
        if (i == 59) x = soma_shape4(1, 2, 150, 150);
        soma_shape c = soma_shape1(x.dims[1]);
        check_case k = {
            .op = &op_batch_norm, .attributes = &a, .inputs = 3, .in = {x, c, c}, .batch = -1, .tolerance = 1e-5};
        check(&k, &r);
        k.op = &op_batch_norm_backward;
        k.inputs = 5;
        k.in[1] = x;
        k.in[2] = k.in[3] = k.in[4] = c;
        k.value = positive;
        k.tolerance = 3e-5;
        check(&k, &r);
        a.low = 0.5; /* behind a clip */
        a.high = i % 2 ? 2 : INFINITY;
        k.inputs = 6;
        k.in[5] = c;
        check(&k, &r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upsampling_repeats_and_sums),
        cmocka_unit_test(response_normalisation_is_near_the_reference),
        cmocka_unit_test(batch_normalisation_is_near_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
