/* tests/backend/convolution_check.h: convolutions of one geometry, forward and backward, for the driver of kernel
 * tests. */
#ifndef TESTS_CONVOLUTION_CHECK_H
#define TESTS_CONVOLUTION_CHECK_H

#include "kernel_check.h"
#include "ops/window.h"

static inline int64_t up_to(random_stream *r, int64_t limit) { return 1 + (int64_t)random_below(r, (uint64_t)limit); }

/* All three directions of one geometry. Gives the number of results of fast algorithms. */
static inline int check_directions(int64_t samples, int64_t channels, int64_t filters, int64_t height, int64_t width,
                                   const window_attributes *a, random_stream *r) {
    window_attributes b = *a;
    int64_t y = window_places(&a->window, 0, height), x = window_places(&a->window, 1, width);
    if (y < 1 || x < 1) return 0;
    soma_shape in = soma_shape4(samples, channels, height, width), out = soma_shape4(samples, filters, y, x);
    soma_shape w = soma_shape4(filters, channels / a->groups, a->window.kernel[0], a->window.kernel[1]);
    b.height = height;
    b.width = width;
    check_case c = {.op = &op_convolution,
                    .attributes = a,
                    .inputs = 2,
                    .in = {in, w},
                    .batch = samples,
                    .product = true,
                    .tolerance = 1e-5};
    int fast = check(&c, r);
    c.op = &op_convolution_backward_data;
    c.attributes = &b;
    c.in[0] = out;
    fast += check(&c, r);
    c.op = &op_convolution_backward_weights;
    c.attributes = a;
    c.in[0] = in;
    c.in[1] = out;
    c.batch = -1;
    return fast + check(&c, r);
}

static inline window_attributes window(int64_t kernel_height, int64_t kernel_width) {
    window_attributes a;
    soma_window w = {.kernel = {kernel_height, kernel_width}};
    window_take(&a, &w, false);
    a.groups = 1;
    return a;
}

#endif
