/* ops/average_pool.c: the mean of each window, and its adjoint, which spreads each value over its window. What a
 * window's sum is divided by is the number of its elements that lie inside the input, or with count_padding inside the
 * padded input; what ceil_mode lets hang over the padding counts in neither, as in PyTorch. */
#include "graph/graph.h"
#include "ops/window.h"

static void infer_pool(op_infer *i) {
    const window_attributes *a = i->attributes;
    const soma_shape *x = &i->in[0].shape;
    int64_t places[2];
    if (!window_image(i, 0, "the input") || !window_check(i, &a->window)) return;
    if (!window_output(i, &a->window, x->dims[2], x->dims[3], places)) return;
    soma_shape y = soma_shape4(x->dims[0], x->dims[1], places[0], places[1]);
    if (shape_elements(&y, 1) < 0)
        infer_fail(i, "the output has too many elements");
    else
        i->out[0] = (tensor_type){SOMA_FLOAT, y};
}

static void infer_backward(op_infer *i) {
    const window_attributes *a = i->attributes;
    const soma_shape *y = &i->in[0].shape;
    char text[SHAPE_TEXT];
    int64_t places[2];
    if (!window_image(i, 0, "the output's gradient") || !window_check(i, &a->window)) return;
    if (!window_output(i, &a->window, a->height, a->width, places)) return;
    soma_shape x = soma_shape4(y->dims[0], y->dims[1], a->height, a->width);
    if (y->dims[2] != places[0] || y->dims[3] != places[1])
        infer_fail(i, "the output's gradient has the shape %s, expected [N, channels, %lld, %lld]", shape_text(y, text),
                   (long long)places[0], (long long)places[1]);
    else if (shape_elements(&x, 1) < 0)
        infer_fail(i, "the output has too many elements");
    else
        i->out[0] = (tensor_type){SOMA_FLOAT, x};
}

static void gradient_pool(op_gradient *c) {
    window_attributes a = *(const window_attributes *)c->attributes;
    soma_shape x = soma_value_shape(c->in[0]);
    a.height = x.dims[2];
    a.width = x.dims[3];
    c->din[0] = graph_add1(&op_average_pool_backward, &a, c->dout[0]);
}
static void gradient_backward(op_gradient *c) {
    c->din[0] = soma_average_pool(c->dout[0], ((const window_attributes *)c->attributes)->window);
}

/* The elements of a window along one axis: counted ones, and the first and the end of those inside the input. */
typedef struct span {
    int64_t counted, start, first, end, dilation;
} span;

static span span_of(const soma_window *w, int axis, int64_t size, int64_t place) {
    span s = {0, place * w->stride[axis] - w->before[axis], w->kernel[axis], 0, w->dilation[axis]};
    for (int64_t k = 0; k < w->kernel[axis]; k++) {
        int64_t at = s.start + k * s.dilation;
        bool inside = at >= 0 && at < size;
        s.counted += inside || (w->count_padding && at < size + w->after[axis]);
        if (inside && k < s.first) s.first = k;
        if (inside) s.end = k + 1;
    }
    return s;
}

/* For every window: into y the mean of x, or into x the share of y. */
static void pool(const window_attributes *a, const tensor *image, const tensor *means, bool backward) {
    const int64_t *xs = image->shape.dims, *ys = means->shape.dims;
    double *x = image->data, *y = means->data;
    for (int64_t plane = 0; plane < xs[0] * xs[1]; plane++, x += xs[2] * xs[3])
        for (int64_t p = 0; p < ys[2]; p++)
            for (int64_t q = 0; q < ys[3]; q++, y++) {
                span rows = span_of(&a->window, 0, xs[2], p), columns = span_of(&a->window, 1, xs[3], q);
                double count = (double)rows.counted * (double)columns.counted, sum = 0;
                for (int64_t k = rows.first; k < rows.end; k++)
                    for (int64_t l = columns.first; l < columns.end; l++) {
                        double *at =
                            &x[(rows.start + k * rows.dilation) * xs[3] + columns.start + l * columns.dilation];
                        if (backward)
                            *at += *y / count;
                        else
                            sum += *at;
                    }
                if (!backward) *y = count > 0 ? sum / count : 0;
            }
}

static void reference_pool(const op_call *c) { pool(c->attributes, &c->in[0], &c->out[0], false); }
static void reference_backward(const op_call *c) {
    int64_t n = shape_elements(&c->out[0].shape, 1);
    for (int64_t i = 0; i < n; i++) ((double *)c->out[0].data)[i] = 0;
    pool(c->attributes, &c->out[0], &c->in[0], true);
}

const soma_op op_average_pool = {.name = "average_pool",
                                 .inputs_min = 1,
                                 .inputs_max = 1,
                                 .outputs = 1,
                                 .attributes_size = sizeof(window_attributes),
                                 .infer = infer_pool,
                                 .gradient = gradient_pool,
                                 .reference = reference_pool,
                                 .describe = window_describe};
const soma_op op_average_pool_backward = {.name = "average_pool_backward",
                                          .inputs_min = 1,
                                          .inputs_max = 1,
                                          .outputs = 1,
                                          .attributes_size = sizeof(window_attributes),
                                          .infer = infer_backward,
                                          .gradient = gradient_backward,
                                          .reference = reference_backward,
                                          .describe = window_describe};

soma_value soma_average_pool(soma_value x, soma_window window) {
    window_attributes a;
    window_take(&a, &window, true);
    return graph_add1(&op_average_pool, &a, x);
}

soma_value soma_global_average_pool(soma_value x) {
    soma_shape s = soma_value_shape(x);
    char text[SHAPE_TEXT];
    if (value_ok(x) && s.rank != 4)
        return graph_fail(x.graph,
                          "global_average_pool: the input has the shape %s, expected [N, channels, height, width]",
                          shape_text(&s, text));
    return soma_reduce_mean(x, SOMA_AXIS(2) | SOMA_AXIS(3), true);
}
