/* Pooling and its derivatives against the float64 reference, at every level: ties and NaN included. */
#include "kernel_check.h"
#include "ops/window.h"

static int64_t up_to(random_stream *r, int64_t limit) { return 1 + (int64_t)random_below(r, (uint64_t)limit); }

/* Few values, so that windows hold equal maxima; some NaN. */
static double small_or_nan(random_stream *r) {
    uint64_t k = random_below(r, 40);
    return k == 0 ? NAN : (double)(k % 5) - 2;
}

static void check_max(const window_attributes *a, soma_shape x, soma_shape y, random_stream *r) {
    check_case c = {.op = &op_max_pool, .attributes = a, .inputs = 1, .in = {x}, .batch = x.dims[0], .tolerance = 1e-6};
    check(&c, r);
    c.inputs = 2;
    c.op = &op_max_pool_backward;
    c.in[1] = y;
    check(&c, r);
    c.op = &op_max_pool_take;
    c.in[1] = x;
    check(&c, r);
    /* NaN in x only: the other input is multiplied by nothing. */
    c.value = small_or_nan;
    c.inputs = 1;
    c.op = &op_max_pool;
    check(&c, r);
    c.inputs = 2;
    c.op = &op_max_pool_backward;
    c.in[1] = y;
    check(&c, r);
    c.op = &op_max_pool_take;
    c.in[1] = x;
    check(&c, r);
}

static void check_average(const window_attributes *a, soma_shape x, soma_shape y, random_stream *r) {
    window_attributes b = *a;
    b.height = x.dims[2];
    b.width = x.dims[3];
    check_case c = {.op = &op_average_pool,
                    .attributes = a,
                    .inputs = 1,
                    .in = {x},
                    .batch = x.dims[0],
                    .product = true,
                    .tolerance = 1e-5};
    check(&c, r);
    c.op = &op_average_pool_backward;
    c.attributes = &b;
    c.in[0] = y;
    check(&c, r);
}

/* Whether max pooling has a maximum in every window. */
static bool holds_elements(const soma_window *w, int64_t height, int64_t width) {
    const int64_t size[2] = {height, width};
    for (int d = 0; d < 2; d++) {
        for (int64_t p = 0; p < window_places(w, d, size[d]); p++) {
            bool any = false;
            for (int64_t k = 0; k < w->kernel[d]; k++) {
                int64_t at = p * w->stride[d] - w->before[d] + k * w->dilation[d];
                any |= at >= 0 && at < size[d];
            }
            if (!any) return false;
        }
    }
    return true;
}

static void check_window(const soma_window *w, int64_t samples, int64_t channels, int64_t height, int64_t width,
                         random_stream *r) {
    window_attributes a;
    window_take(&a, w, true);
    int64_t p = window_places(&a.window, 0, height), q = window_places(&a.window, 1, width);
    if (p < 1 || q < 1) return;
    soma_shape x = soma_shape4(samples, channels, height, width), y = soma_shape4(samples, channels, p, q);
    check_average(&a, x, y, r);
    a.window.count_padding = false;
    if (holds_elements(&a.window, height, width)) check_max(&a, x, y, r);
}

static void pooling_by_pairs_is_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(1, 3);
    const soma_window w = {.kernel = {2, 2}, .stride = {2, 2}};
    for (int64_t width = 2; width <= 70; width += 1 + width / 10) {
        check_window(&w, 2, up_to(&r, 3), 1 + up_to(&r, 8), width, &r);
    }
    check_window(&w, 3, 20, 24, 24, &r);
}

static void pooling_over_any_window_is_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(2, 3);
    for (int i = 0; i < 200; i++) {
        soma_window w = {.ceil_mode = random_below(&r, 2), .count_padding = random_below(&r, 2)};
        for (int d = 0; d < 2; d++) {
            w.kernel[d] = up_to(&r, 4);
            w.stride[d] = up_to(&r, 3);
            w.dilation[d] = up_to(&r, 2);
            w.before[d] = up_to(&r, 3) - 1;
            w.after[d] = up_to(&r, 3) - 1;
        }
        check_window(&w, up_to(&r, 3), up_to(&r, 4), up_to(&r, 12), up_to(&r, 20), &r);
    }
}

/* Threads share out the rows of large pictures. */
static void large_pictures_are_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(13, 2);
    for (int64_t width = 30; width <= 70; width += 5) {
        soma_window w = {.kernel = {3, 3}, .stride = {2, 2}, .before = {width % 2, width / 5 % 2}, .after = {1, 1}};
        check_window(&w, 1, 2, 95, width, &r);
        w = (soma_window){.kernel = {2, 2}, .stride = {2, 2}};
        check_window(&w, 1, 2, 95, width, &r);
        w = (soma_window){.kernel = {2, 5}, .stride = {1, 1}, .before = {1, 2}, .after = {1, 2}};
        check_window(&w, 1, 2, 50, width, &r);
    }
    soma_window w = {.kernel = {3, 2}, .stride = {2, 9}}; /* a few windows in a row */
    check_window(&w, 1, 2, 95, 25, &r);
}

static void an_empty_batch_is_empty(void **state) {
    (void)state;
    random_stream r = random_open(3, 3);
    const soma_window w = {.kernel = {2, 2}, .stride = {2, 2}};
    check_window(&w, 0, 3, 8, 8, &r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pooling_by_pairs_is_near_the_reference),
        cmocka_unit_test(pooling_over_any_window_is_near_the_reference),
        cmocka_unit_test(large_pictures_are_near_the_reference),
        cmocka_unit_test(an_empty_batch_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
