/* Convolution and its two adjoints against the float64 reference, at every level. */
#include "convolution_check.h"

static void convolutions_of_any_geometry_are_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(1, 2);
    for (int i = 0; i < 120; i++) {
        window_attributes a = window(up_to(&r, 5), up_to(&r, 5));
        for (int d = 0; d < 2; d++) {
            a.window.stride[d] = up_to(&r, 3);
            a.window.dilation[d] = up_to(&r, 2);
            a.window.before[d] = up_to(&r, 3) - 1;
            a.window.after[d] = up_to(&r, 3) - 1;
        }
        a.groups = random_below(&r, 3) ? 1 : up_to(&r, 3);
        int64_t channels = a.groups * up_to(&r, 4), filters = a.groups * up_to(&r, 9);
        check_directions(up_to(&r, 4), channels, filters, up_to(&r, 14), up_to(&r, 24), &a, &r);
    }
}

static void stride_one_of_any_width_is_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(2, 2);
    for (int64_t width = 1; width <= 40; width += 1 + width / 12) {
        window_attributes a = window(up_to(&r, 3), up_to(&r, width < 7 ? width : 7));
        check_directions(2, up_to(&r, 3), up_to(&r, 12), 3 + up_to(&r, 9), width, &a, &r);
        a.window.before[0] = a.window.after[0] = a.window.before[1] = a.window.after[1] = 1;
        check_directions(3, up_to(&r, 3), up_to(&r, 12), 3 + up_to(&r, 9), width, &a, &r);
    }
}

static void pointwise_and_depthwise_are_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(3, 2);
    for (int i = 0; i < 12; i++) {
        window_attributes a = window(1, 1);
        check_directions(up_to(&r, 3), up_to(&r, 40), up_to(&r, 40), up_to(&r, 9), up_to(&r, 12), &a, &r);
        a = window(3, 3);
        a.groups = up_to(&r, 9);
        check_directions(up_to(&r, 3), a.groups, a.groups * up_to(&r, 2), 2 + up_to(&r, 9), 2 + up_to(&r, 19), &a, &r);
    }
}

static void depthwise_of_any_geometry_is_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(8, 2);
    for (int i = 0; i < 60; i++) {
        window_attributes a = window(up_to(&r, 5), up_to(&r, 5));
        for (int d = 0; d < 2; d++) {
            a.window.stride[d] = up_to(&r, 4);
            a.window.dilation[d] = up_to(&r, 2);
            a.window.before[d] = up_to(&r, 6) - 1;
            a.window.after[d] = up_to(&r, 3) - 1;
        }
        a.groups = up_to(&r, 9);
        check_directions(up_to(&r, 3), a.groups, a.groups, 5 + up_to(&r, 9), 7 + up_to(&r, 150), &a, &r);
    }
}

/* A 3 x 3 kernel with padding, stride 1 or 2, at every width around whole vectors. */
static void usual_depthwise_is_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(9, 2);
    for (int64_t width = 3; width <= 68; width += 1 + width / 20) {
        for (int stride = 1; stride <= 2; stride++) {
            window_attributes a = window(3, 3);
            for (int d = 0; d < 2; d++) {
                a.window.stride[d] = stride;
                a.window.before[d] = 1;
                a.window.after[d] = up_to(&r, 4) - 1;
            }
            a.groups = up_to(&r, 5);
            check_directions(up_to(&r, 2), a.groups, a.groups, up_to(&r, 13), width, &a, &r);
        }
    }
    for (int64_t width = 126; width <= 130; width++) { /* so many rows are shared out by threads */
        window_attributes a = window(3, 3);
        for (int d = 0; d < 2; d++) a.window.before[d] = a.window.after[d] = 1;
        a.groups = 2;
        check_directions(1, a.groups, a.groups, 50, width, &a, &r);
    }
}

static void deep_convolutions_stay_accurate(void **state) {
    (void)state;
    random_stream r = random_open(4, 2);
    window_attributes a = window(3, 3);
    a.window.before[0] = a.window.after[0] = a.window.before[1] = a.window.after[1] = 1;
    check_directions(2, 60, 130, 6, 7, &a, &r);
    check_directions(2, 60, 50, 7, 7, &a, &r);
    a = window(1, 1);
    check_directions(1, 600, 20, 5, 5, &a, &r);
    check_directions(1, 20, 600, 5, 5, &a, &r);
    check_directions(2, 300, 37, 7, 7, &a, &r);
    check_directions(1, 5, 100, 5, 13, &a, &r);
    a = window(2, 9);
    check_directions(1, 1, 3, 30, 70, &a, &r);
}

static void lenet_is_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(5, 2);
    window_attributes a = window(5, 5);
    check_directions(3, 1, 20, 28, 28, &a, &r);
    check_directions(3, 20, 50, 12, 12, &a, &r);
}

static void an_empty_batch_is_empty_or_zero(void **state) {
    (void)state;
    random_stream r = random_open(6, 2);
    window_attributes a = window(3, 3);
    check_directions(0, 3, 4, 6, 6, &a, &r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_of_any_geometry_are_near_the_reference),
        cmocka_unit_test(stride_one_of_any_width_is_near_the_reference),
        cmocka_unit_test(pointwise_and_depthwise_are_near_the_reference),
        cmocka_unit_test(depthwise_of_any_geometry_is_near_the_reference),
        cmocka_unit_test(usual_depthwise_is_near_the_reference),
        cmocka_unit_test(deep_convolutions_stay_accurate),
        cmocka_unit_test(lenet_is_near_the_reference),
        cmocka_unit_test(an_empty_batch_is_empty_or_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
