/* ops/max_pool.c: the largest element of each window, and the two ops its derivatives need. max_pool_backward(x, dy)
 * adds each dy to zeros at the place of its window's maximum; max_pool_take(x, v) reads v at those places. They are
 * linear in dy and v and each other's adjoint, so gradients of any order stay among the three. The place is found again
 * from x: that is cheaper than to keep it. It is the first maximum in scan order, and a NaN is larger than everything.
 */
#include "graph/graph.h"
#include "ops/window.h"

#include <math.h>

/* Every window must hold an element of the input: an all-padding window would have no maximum. */
static bool windows_hold_elements(op_infer *i, const soma_window *w, const int64_t size[2], const int64_t places[2]) {
    for (int d = 0; d < 2; d++) {
        int64_t reach = w->dilation[d] * (w->kernel[d] - 1), last = (places[d] - 1) * w->stride[d] - w->before[d];
        bool holds = w->before[d] <= reach && last < size[d];
        /* A window that starts in the padding steps over an input shorter than its dilation, perhaps. */
        for (int64_t start = -w->before[d]; holds && size[d] < w->dilation[d] && start < 0 && start <= last;
             start += w->stride[d]) {
            int64_t steps = (-start + w->dilation[d] - 1) / w->dilation[d];
            holds = steps < w->kernel[d] && start + steps * w->dilation[d] < size[d];
        }
        if (holds) continue;
        infer_fail(
            i, "some windows hold nothing but padding: %lld before and %lld after a %s of %lld for a window of %lld",
            (long long)w->before[d], (long long)w->after[d], d ? "width" : "height", (long long)size[d],
            (long long)w->kernel[d]);
        return false;
    }
    return true;
}

/* The shape of the pooled input 0. */
static bool pooled(op_infer *i, soma_shape *out) {
    const window_attributes *a = i->attributes;
    const soma_shape *x = &i->in[0].shape;
    int64_t places[2];
    if (!window_image(i, 0, "the input") || !window_check(i, &a->window)) return false;
    if (!window_output(i, &a->window, x->dims[2], x->dims[3], places)) return false;
    if (!windows_hold_elements(i, &a->window, x->dims + 2, places)) return false;
    *out = soma_shape4(x->dims[0], x->dims[1], places[0], places[1]);
    if (shape_elements(out, 1) < 0) infer_fail(i, "the output has too many elements");
    return !i->failed;
}

static bool second_is(op_infer *i, const soma_shape *expected) {
    char has[SHAPE_TEXT], wants[SHAPE_TEXT];
    if (i->in[1].dtype == SOMA_FLOAT && shape_equal(&i->in[1].shape, expected)) return true;
    infer_fail(i, "the second input has the shape %s, expected float %s", shape_text(&i->in[1].shape, has),
               shape_text(expected, wants));
    return false;
}

static void infer_pool(op_infer *i) {
    soma_shape y;
    if (pooled(i, &y)) i->out[0] = (tensor_type){SOMA_FLOAT, y};
}
static void infer_backward(op_infer *i) {
    soma_shape y;
    if (pooled(i, &y) && second_is(i, &y)) i->out[0] = i->in[0];
}
static void infer_take(op_infer *i) {
    soma_shape y;
    if (pooled(i, &y) && second_is(i, &i->in[0].shape)) i->out[0] = (tensor_type){SOMA_FLOAT, y};
}

static void gradient_pool(op_gradient *c) {
    c->din[0] = graph_add2(&op_max_pool_backward, c->attributes, c->in[0], c->dout[0]);
}
static void gradient_backward(op_gradient *c) {
    if (c->wanted[1]) c->din[1] = graph_add2(&op_max_pool_take, c->attributes, c->in[0], c->dout[0]);
}
static void gradient_take(op_gradient *c) {
    if (c->wanted[1]) c->din[1] = graph_add2(&op_max_pool_backward, c->attributes, c->in[0], c->dout[0]);
}

/* Index in the plane [height, width] of the maximum of the window at (p, q). */
static int64_t maximum(const double *plane, const soma_window *w, int64_t height, int64_t width, int64_t p, int64_t q) {
    int64_t best = -1;
    for (int64_t k = 0; k < w->kernel[0]; k++)
        for (int64_t l = 0; l < w->kernel[1]; l++) {
            int64_t row = p * w->stride[0] - w->before[0] + k * w->dilation[0];
            int64_t column = q * w->stride[1] - w->before[1] + l * w->dilation[1];
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            int64_t at = row * width + column;
            if (best < 0 || plane[at] > plane[best] || (isnan(plane[at]) && !isnan(plane[best]))) best = at;
        }
    return best;
}

/* Calls visit for every window: where its maximum stands in x, and which element of the output it is. */
static void each_window(const op_call *c, const soma_shape *y, void (*visit)(const op_call *, int64_t, int64_t)) {
    const window_attributes *a = c->attributes;
    const int64_t *x = c->in[0].shape.dims;
    int64_t at = 0;
    for (int64_t plane = 0; plane < x[0] * x[1]; plane++)
        for (int64_t p = 0; p < y->dims[2]; p++)
            for (int64_t q = 0; q < y->dims[3]; q++) {
                int64_t first = plane * x[2] * x[3];
                const double *data = (const double *)c->in[0].data + first;
                visit(c, first + maximum(data, &a->window, x[2], x[3], p, q), at++);
            }
}

static void visit_pool(const op_call *c, int64_t from, int64_t to) {
    ((double *)c->out[0].data)[to] = ((const double *)c->in[0].data)[from];
}
static void visit_backward(const op_call *c, int64_t from, int64_t to) {
    ((double *)c->out[0].data)[from] += ((const double *)c->in[1].data)[to];
}
static void visit_take(const op_call *c, int64_t from, int64_t to) {
    ((double *)c->out[0].data)[to] = ((const double *)c->in[1].data)[from];
}
static void reference_pool(const op_call *c) { each_window(c, &c->out[0].shape, visit_pool); }
static void reference_take(const op_call *c) { each_window(c, &c->out[0].shape, visit_take); }
static void reference_backward(const op_call *c) {
    int64_t n = shape_elements(&c->out[0].shape, 1);
    for (int64_t i = 0; i < n; i++) ((double *)c->out[0].data)[i] = 0;
    each_window(c, &c->in[1].shape, visit_backward);
}

const soma_op op_max_pool = {.name = "max_pool",
                             .inputs_min = 1,
                             .inputs_max = 1,
                             .outputs = 1,
                             .attributes_size = sizeof(window_attributes),
                             .infer = infer_pool,
                             .gradient = gradient_pool,
                             .reference = reference_pool,
                             .describe = window_describe};
const soma_op op_max_pool_backward = {.name = "max_pool_backward",
                                      .inputs_min = 2,
                                      .inputs_max = 2,
                                      .outputs = 1,
                                      .attributes_size = sizeof(window_attributes),
                                      .infer = infer_backward,
                                      .gradient = gradient_backward,
                                      .reference = reference_backward,
                                      .describe = window_describe};
const soma_op op_max_pool_take = {.name = "max_pool_take",
                                  .inputs_min = 2,
                                  .inputs_max = 2,
                                  .outputs = 1,
                                  .attributes_size = sizeof(window_attributes),
                                  .infer = infer_take,
                                  .gradient = gradient_take,
                                  .reference = reference_take,
                                  .describe = window_describe};

soma_value soma_max_pool(soma_value x, soma_window window) {
    window_attributes a;
    window_take(&a, &window, true);
    a.window.count_padding = false;
    return graph_add1(&op_max_pool, &a, x);
}
