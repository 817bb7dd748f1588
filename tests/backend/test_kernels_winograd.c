/* Winograd's algorithms for convolution and its two adjoints against the float64 reference, at every level. */
#include "convolution_check.h"

/* Sizes for which Winograd's forms pay, each of them, with tiles that stick out, planes and filters that are no
 * multiple of a vector, more of them than are done at a time, and more tiles than a block holds. */
static void fast_algorithms_are_near_the_reference(void **state) {
    (void)state;
    static const struct {
        int samples, channels, filters, height, width, kernel, padding;
    } cases[] = {{2, 32, 48, 8, 8, 3, 1},   {1, 48, 32, 10, 15, 3, 1},  {3, 33, 70, 12, 6, 3, 1},
                 {1, 64, 64, 14, 14, 3, 1}, {2, 32, 40, 9, 9, 5, 2},    {1, 40, 33, 8, 24, 5, 2},
                 {1, 150, 35, 7, 5, 3, 1},  {1, 32, 150, 13, 13, 3, 1}, {1, 32, 32, 10, 70, 3, 0},
                 {3, 32, 32, 26, 27, 3, 2}, {1, 40, 40, 12, 12, 5, 0},  {0, 48, 48, 12, 12, 3, 1}};
    random_stream r = random_open(7, 2);
    int levels = 0;
    for (const isa *const *level = isa_all(); *level; level++) levels++;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        window_attributes a = window(cases[i].kernel, cases[i].kernel);
        for (int d = 0; d < 2; d++) a.window.before[d] = a.window.after[d] = cases[i].padding;
        int fast = check_directions(cases[i].samples, cases[i].channels, cases[i].filters, cases[i].height,
                                    cases[i].width, &a, &r);
        assert_true(fast >= levels);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_algorithms_are_near_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
