/* ops/convolution.c: convolution (cross-correlation, as everywhere in this field) and its two adjoints. With x [N, C,
 * H, W], w [O, C / groups, KH, KW] and y [N, O, YH, YW] all three are one sum over the same triples of elements, y[n,
 * o, p, q] * x[n, c, p stride - before + k dilation, ..] * w[o, c, k, l], that leaves out another of its factors:
 * convolution(x, w) gives y, backward_data(y, w) gives x, backward_weights(x, y) gives w. So each one's gradient
 * consists of the two others. */
#include "graph/graph.h"
#include "ops/window.h"

#include <stdio.h>

/* ---- Shapes ------------------------------------------------------------------------------------------------------ */

/* Whether input k, the weights, suits `channels` on the side of x (or of y: its filters). */
static bool weights_fit(op_infer *i, const window_attributes *a) {
    const soma_shape *w = &i->in[1].shape;
    if (!window_image(i, 1, "the second input") || !window_check(i, &a->window)) return false;
    if (w->dims[0] < 1 || a->groups < 1 || w->dims[0] % a->groups)
        infer_fail(i, "%lld filters can't be split into %lld groups", (long long)w->dims[0], (long long)a->groups);
    else if (w->dims[2] != a->window.kernel[0] || w->dims[3] != a->window.kernel[1])
        infer_fail(i, "the weights are %lldx%lld but the window is %lldx%lld", (long long)w->dims[2],
                   (long long)w->dims[3], (long long)a->window.kernel[0], (long long)a->window.kernel[1]);
    else if (w->dims[1] > INT64_MAX / a->groups)
        infer_fail(i, "there are too many channels");
    return !i->failed;
}

static void set_output(op_infer *i, soma_shape s) {
    if (shape_elements(&s, 1) < 0)
        infer_fail(i, "the output has too many elements");
    else
        i->out[0] = (tensor_type){SOMA_FLOAT, s};
}

static void infer_convolution(op_infer *i) {
    const window_attributes *a = i->attributes;
    const soma_shape *x = &i->in[0].shape, *w = &i->in[1].shape;
    int64_t places[2];
    if (!window_image(i, 0, "the input") || !weights_fit(i, a)) return;
    int64_t expected = w->dims[1] * a->groups;
    if (x->dims[1] != expected)
        infer_fail(i, "the input has %lld channels but the weights expect %lld", (long long)x->dims[1],
                   (long long)expected);
    else if (window_output(i, &a->window, x->dims[2], x->dims[3], places))
        set_output(i, soma_shape4(x->dims[0], w->dims[0], places[0], places[1]));
}

static bool gradient_fits(op_infer *i, const soma_shape *dy, int64_t filters, const int64_t places[2]) {
    char text[SHAPE_TEXT];
    if (dy->dims[1] == filters && dy->dims[2] == places[0] && dy->dims[3] == places[1]) return true;
    infer_fail(i, "the output's gradient has the shape %s, expected [N, %lld, %lld, %lld]", shape_text(dy, text),
               (long long)filters, (long long)places[0], (long long)places[1]);
    return false;
}

static void infer_backward_data(op_infer *i) {
    const window_attributes *a = i->attributes;
    const soma_shape *dy = &i->in[0].shape, *w = &i->in[1].shape;
    int64_t places[2];
    if (!window_image(i, 0, "the output's gradient") || !weights_fit(i, a)) return;
    if (!window_output(i, &a->window, a->height, a->width, places)) return;
    if (!gradient_fits(i, dy, w->dims[0], places)) return;
    set_output(i, soma_shape4(dy->dims[0], w->dims[1] * a->groups, a->height, a->width));
}

static void infer_backward_weights(op_infer *i) {
    const window_attributes *a = i->attributes;
    const soma_shape *x = &i->in[0].shape, *dy = &i->in[1].shape;
    int64_t places[2];
    if (!window_image(i, 0, "the input") || !window_image(i, 1, "the output's gradient")) return;
    if (!window_check(i, &a->window)) return;
    if (a->groups < 1 || x->dims[1] % a->groups || dy->dims[1] % a->groups) {
        infer_fail(i, "%lld channels and %lld filters can't be split into %lld groups", (long long)x->dims[1],
                   (long long)dy->dims[1], (long long)a->groups);
        return;
    }
    if (x->dims[0] != dy->dims[0]) {
        char xt[SHAPE_TEXT], dt[SHAPE_TEXT];
        infer_fail(i, "the input %s and the output's gradient %s differ in the batch", shape_text(x, xt),
                   shape_text(dy, dt));
        return;
    }
    if (!window_output(i, &a->window, x->dims[2], x->dims[3], places)) return;
    if (!gradient_fits(i, dy, dy->dims[1], places)) return;
    set_output(i, soma_shape4(dy->dims[1], x->dims[1] / a->groups, a->window.kernel[0], a->window.kernel[1]));
}

/* ---- Gradients --------------------------------------------------------------------------------------------------- */

static soma_value backward_data_like(op_gradient *c, soma_value dy, soma_value w, soma_value x) {
    const window_attributes *a = c->attributes;
    soma_shape s = soma_value_shape(x);
    return soma_convolution_backward_data(dy, w, a->window, a->groups, s.dims[2], s.dims[3]);
}

static void gradient_convolution(op_gradient *c) {
    const window_attributes *a = c->attributes;
    soma_value x = c->in[0], w = c->in[1], d = c->dout[0];
    if (c->wanted[0]) c->din[0] = backward_data_like(c, d, w, x);
    if (c->wanted[1]) c->din[1] = soma_convolution_backward_weights(x, d, a->window, a->groups);
}

static void gradient_backward_data(op_gradient *c) {
    const window_attributes *a = c->attributes;
    soma_value y = c->in[0], w = c->in[1], d = c->dout[0];
    if (c->wanted[0]) c->din[0] = soma_convolution(d, w, a->window, a->groups);
    if (c->wanted[1]) c->din[1] = soma_convolution_backward_weights(d, y, a->window, a->groups);
}

static void gradient_backward_weights(op_gradient *c) {
    const window_attributes *a = c->attributes;
    soma_value x = c->in[0], y = c->in[1], d = c->dout[0];
    if (c->wanted[0]) c->din[0] = backward_data_like(c, y, d, x);
    if (c->wanted[1]) c->din[1] = soma_convolution(x, d, a->window, a->groups);
}

/* ---- Reference --------------------------------------------------------------------------------------------------- */

typedef struct triple {
    const window_attributes *a;
    const tensor *x, *w, *y;
    tensor *out; /* which of the three is summed up */
} triple;

/* All triples of one sample and one filter. */
static void sum_filter(const triple *t, int64_t n, int64_t o) {
    const soma_window *v = &t->a->window;
    const int64_t *xs = t->x->shape.dims, *ws = t->w->shape.dims, *ys = t->y->shape.dims;
    int64_t channels = ws[1], first = o / (ys[1] / t->a->groups) * channels;
    double *x = t->x->data, *w = t->w->data, *y = t->y->data;
    for (int64_t p = 0; p < ys[2]; p++)
        for (int64_t q = 0; q < ys[3]; q++)
            for (int64_t c = 0; c < channels; c++)
                for (int64_t k = 0; k < ws[2]; k++)
                    for (int64_t l = 0; l < ws[3]; l++) {
                        int64_t row = p * v->stride[0] - v->before[0] + k * v->dilation[0];
                        int64_t column = q * v->stride[1] - v->before[1] + l * v->dilation[1];
                        if (row < 0 || row >= xs[2] || column < 0 || column >= xs[3]) continue;
                        int64_t at_x = ((n * xs[1] + first + c) * xs[2] + row) * xs[3] + column;
                        int64_t at_w = ((o * channels + c) * ws[2] + k) * ws[3] + l;
                        int64_t at_y = ((n * ys[1] + o) * ys[2] + p) * ys[3] + q;
                        if (t->out == t->y)
                            y[at_y] += x[at_x] * w[at_w];
                        else if (t->out == t->x)
                            x[at_x] += y[at_y] * w[at_w];
                        else
                            w[at_w] += x[at_x] * y[at_y];
                    }
}

static void sum_triples(const triple *t) {
    int64_t n = shape_elements(&t->out->shape, 1);
    for (int64_t i = 0; i < n; i++) ((double *)t->out->data)[i] = 0;
    for (int64_t sample = 0; sample < t->y->shape.dims[0]; sample++)
        for (int64_t filter = 0; filter < t->y->shape.dims[1]; filter++) sum_filter(t, sample, filter);
}

static void reference_convolution(const op_call *c) {
    sum_triples(&(triple){c->attributes, &c->in[0], &c->in[1], &c->out[0], &c->out[0]});
}
static void reference_backward_data(const op_call *c) {
    sum_triples(&(triple){c->attributes, &c->out[0], &c->in[1], &c->in[0], &c->out[0]});
}
static void reference_backward_weights(const op_call *c) {
    sum_triples(&(triple){c->attributes, &c->in[0], &c->out[0], &c->in[1], &c->out[0]});
}

/* Two for each triple, padding counted as elements. */
static double flops_of(const soma_shape *w, const soma_shape *y) {
    return 2.0 * (double)shape_elements(y, 1) * (double)w->dims[1] * (double)w->dims[2] * (double)w->dims[3];
}
static double flops_convolution(const op_call *c) { return flops_of(&c->in[1].shape, &c->out[0].shape); }
static double flops_backward_data(const op_call *c) { return flops_of(&c->in[1].shape, &c->in[0].shape); }
static double flops_backward_weights(const op_call *c) { return flops_of(&c->out[0].shape, &c->in[1].shape); }

const soma_op op_convolution = {.name = "convolution",
                                .inputs_min = 2,
                                .inputs_max = 2,
                                .outputs = 1,
                                .attributes_size = sizeof(window_attributes),
                                .infer = infer_convolution,
                                .gradient = gradient_convolution,
                                .reference = reference_convolution,
                                .flops = flops_convolution,
                                .describe = window_describe};
const soma_op op_convolution_backward_data = {.name = "convolution_backward_data",
                                              .inputs_min = 2,
                                              .inputs_max = 2,
                                              .outputs = 1,
                                              .attributes_size = sizeof(window_attributes),
                                              .infer = infer_backward_data,
                                              .gradient = gradient_backward_data,
                                              .reference = reference_backward_data,
                                              .flops = flops_backward_data,
                                              .describe = window_describe};
const soma_op op_convolution_backward_weights = {.name = "convolution_backward_weights",
                                                 .inputs_min = 2,
                                                 .inputs_max = 2,
                                                 .outputs = 1,
                                                 .attributes_size = sizeof(window_attributes),
                                                 .infer = infer_backward_weights,
                                                 .gradient = gradient_backward_weights,
                                                 .reference = reference_backward_weights,
                                                 .flops = flops_backward_weights,
                                                 .describe = window_describe};

/* ---- Building ---------------------------------------------------------------------------------------------------- */

static window_attributes attributes_of(soma_value weights, const soma_window *window, int64_t groups) {
    window_attributes a;
    soma_shape w = soma_value_shape(weights);
    window_take(&a, window, false);
    for (int d = 0; d < 2; d++)
        if (a.window.kernel[d] == 0 && w.rank == 4) a.window.kernel[d] = w.dims[2 + d];
    a.groups = groups ? groups : 1;
    return a;
}

soma_value soma_convolution(soma_value x, soma_value w, soma_window window, int64_t groups) {
    window_attributes a = attributes_of(w, &window, groups);
    return graph_add2(&op_convolution, &a, x, w);
}

soma_value soma_convolution_backward_data(soma_value dy, soma_value w, soma_window window, int64_t groups,
                                          int64_t height, int64_t width) {
    window_attributes a = attributes_of(w, &window, groups);
    a.height = height;
    a.width = width;
    return graph_add2(&op_convolution_backward_data, &a, dy, w);
}

soma_value soma_convolution_backward_weights(soma_value x, soma_value dy, soma_window window, int64_t groups) {
    window_attributes a;
    window_take(&a, &window, false);
    a.groups = groups ? groups : 1;
    return graph_add2(&op_convolution_backward_weights, &a, x, dy);
}
