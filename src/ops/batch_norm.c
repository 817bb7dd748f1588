/* ops/batch_norm.c: batch normalisation as it trains (Ioffe and Szegedy 2015): each channel of x [N, C, …] made to mean
 * 0 and variance 1 over the batch and all places, then scaled and shifted. One op, with its adjoint another, since a
 * kernel that holds a channel in the cache reads memory once where a mean, a variance and a product read it each. */
#include "graph/graph.h"
#include "ops/attributes.h"

#include <math.h>
#include <stdio.h>

static bool is_channels(const tensor_type *t, int64_t channels) {
    return t->dtype == SOMA_FLOAT && t->shape.rank == 1 && t->shape.dims[0] == channels;
}

/* Checks x and `vectors` inputs of a number for each channel, from input `first` on. */
static bool fits(op_infer *i, const tensor_type *x, int first, int vectors) {
    char text[SHAPE_TEXT];
    const soma_shape *s = &x->shape;
    const batch_norm_attributes *a = i->attributes;
    bool ok = s->rank >= 2 && x->dtype == SOMA_FLOAT;
    for (int d = 1; ok && d < s->rank; d++) ok = s->dims[d] > 0;
    if (!ok) {
        infer_fail(i, "the input has the shape %s, expected float [N, channels, …]", shape_text(s, text));
        return false;
    }
    for (int k = first; k < first + vectors; k++) {
        if (is_channels(&i->in[k], s->dims[1])) continue;
        infer_fail(i, "input %d has the shape %s, expected a float for each of %lld channels", k + 1,
                   shape_text(&i->in[k].shape, text), (long long)s->dims[1]);
        return false;
    }
    if (!(a->epsilon > 0 && isfinite(a->epsilon))) infer_fail(i, "epsilon %g must be positive", a->epsilon);
    return !i->failed;
}

static void infer_forward(op_infer *i) {
    if (!fits(i, &i->in[0], 1, 2)) return;
    i->out[0] = i->in[0];
    i->out[1] = i->out[2] = i->in[1];
}

static void infer_backward(op_infer *i) {
    if (!fits(i, &i->in[1], 2, 3)) return;
    if (i->in[0].dtype != SOMA_FLOAT || !shape_equal(&i->in[0].shape, &i->in[1].shape)) {
        infer_fail(i, "the input and the output's gradient differ in shape");
        return;
    }
    i->out[0] = i->in[1];
    i->out[1] = i->out[2] = i->in[2];
}

/* ---- Gradients --------------------------------------------------------------------------------------------------- */

static uint32_t all_but_channels(const soma_shape *s) { return ((1u << s->rank) - 1) & ~SOMA_AXIS(1); }

/* v [C] as [C, 1, …], which broadcasts over x. */
static soma_value spread(soma_value v, soma_value x) {
    soma_shape s = soma_value_shape(x), to = soma_shape1(s.dims[1]);
    for (int d = 2; d < s.rank; d++) to.dims[to.rank++] = 1;
    return soma_reshape(v, to);
}

static soma_value plus(soma_value a, soma_value b) { return a.node ? soma_add(a, b) : b; }

static void gradient_forward(op_gradient *c) {
    soma_value x = c->in[0], dx = {c->graph, 0, 0};
    soma_shape s = soma_value_shape(x);
    soma_value count = soma_extent(x, all_but_channels(&s));
    if (c->dout[0].node) {
        const soma_value in[] = {c->dout[0], x, c->in[1], c->out[1], c->out[2]};
        dx = graph_add(c->graph, &op_batch_norm_backward, c->attributes, in, 5);
        c->din[1] = (soma_value){c->graph, dx.node, 1};
        c->din[2] = (soma_value){c->graph, dx.node, 2};
    }
    if (c->dout[1].node) dx = plus(dx, soma_expand(spread(soma_div(c->dout[1], count), x), s));
    if (c->dout[2].node) {
        soma_value factor = soma_div(soma_mul(c->dout[2], soma_scalar(c->graph, 2)), count);
        dx = plus(dx, soma_mul(soma_sub(x, spread(c->out[1], x)), spread(factor, x)));
    }
    c->din[0] = dx;
}

/* Through the formulas of the three outputs, written with other ops. */
static void gradient_backward(op_gradient *c) {
    const batch_norm_attributes *a = c->attributes;
    soma_graph *g = c->graph;
    soma_value dy = c->in[0], x = c->in[1], weight = c->in[2], total = {g, 0, 0};
    soma_shape s = soma_value_shape(x);
    uint32_t axes = all_but_channels(&s);
    soma_value inverse = spread(soma_rsqrt(soma_add(c->in[4], soma_scalar(g, a->epsilon))), x);
    soma_value normal = soma_mul(soma_sub(x, spread(c->in[3], x)), inverse);
    soma_value along = soma_mul(normal, soma_reduce_mean(soma_mul(dy, normal), axes, true));
    soma_value centred = soma_sub(soma_sub(dy, soma_reduce_mean(dy, axes, true)), along);
    const soma_value out[] = {soma_mul(centred, soma_mul(spread(weight, x), inverse)),
                              soma_reduce_sum(soma_mul(dy, normal), axes, false), soma_reduce_sum(dy, axes, false)};
    for (int o = 0; o < 3; o++)
        if (c->dout[o].node) total = plus(total, soma_sum(soma_mul(out[o], c->dout[o])));
    if (total.node) gradient_through(c, total, soma_scalar(g, 1));
}

/* ---- Reference --------------------------------------------------------------------------------------------------- */

typedef struct planes {
    int64_t samples, channels, area;
} planes;

static planes planes_of(const soma_shape *s) {
    planes p = {s->dims[0], s->dims[1], 1};
    for (int d = 2; d < s->rank; d++) p.area *= s->dims[d];
    return p;
}

/* The sum over a channel of (a - from) times b, or of a - from where b is NULL. */
static double channel_sum(const planes *p, int64_t channel, const double *a, double from, const double *b,
                          double b_from) {
    double sum = 0;
    for (int64_t n = 0; n < p->samples; n++)
        for (int64_t i = 0; i < p->area; i++) {
            int64_t at = (n * p->channels + channel) * p->area + i;
            sum += (a[at] - from) * (b ? b[at] - b_from : 1);
        }
    return sum;
}

static void reference_forward(const op_call *call) {
    const batch_norm_attributes *a = call->attributes;
    const planes p = planes_of(&call->in[0].shape);
    const double *x = call->in[0].data, *weight = call->in[1].data, *bias = call->in[2].data;
    double *y = call->out[0].data, *mean = call->out[1].data, *variance = call->out[2].data;
    double count = (double)(p.samples * p.area);
    for (int64_t c = 0; c < p.channels; c++) {
        mean[c] = channel_sum(&p, c, x, 0, NULL, 0) / count;
        variance[c] = channel_sum(&p, c, x, mean[c], x, mean[c]) / count;
        double scale = weight[c] / sqrt(variance[c] + a->epsilon);
        for (int64_t n = 0; n < p.samples; n++)
            for (int64_t i = 0; i < p.area; i++) {
                int64_t at = (n * p.channels + c) * p.area + i;
                y[at] = (x[at] - mean[c]) * scale + bias[c];
            }
    }
}

static void reference_backward(const op_call *call) {
    const batch_norm_attributes *a = call->attributes;
    const planes p = planes_of(&call->in[0].shape);
    const double *dy = call->in[0].data, *x = call->in[1].data, *weight = call->in[2].data;
    const double *mean = call->in[3].data, *variance = call->in[4].data;
    double *dx = call->out[0].data, *dweight = call->out[1].data, *dbias = call->out[2].data;
    double count = (double)(p.samples * p.area);
    for (int64_t c = 0; c < p.channels; c++) {
        double inverse = 1 / sqrt(variance[c] + a->epsilon);
        dbias[c] = channel_sum(&p, c, dy, 0, NULL, 0);
        dweight[c] = channel_sum(&p, c, dy, 0, x, mean[c]) * inverse;
        for (int64_t n = 0; n < p.samples; n++)
            for (int64_t i = 0; i < p.area; i++) {
                int64_t at = (n * p.channels + c) * p.area + i;
                double normal = (x[at] - mean[c]) * inverse;
                dx[at] = weight[c] * inverse * (dy[at] - dbias[c] / count - normal * dweight[c] / count);
            }
    }
}

static void describe(const void *attributes, char *text, size_t size) {
    snprintf(text, size, "epsilon %g", ((const batch_norm_attributes *)attributes)->epsilon);
}

const soma_op op_batch_norm = {.name = "batch_norm",
                               .inputs_min = 3,
                               .inputs_max = 3,
                               .outputs = 3,
                               .attributes_size = sizeof(batch_norm_attributes),
                               .infer = infer_forward,
                               .gradient = gradient_forward,
                               .reference = reference_forward,
                               .describe = describe};
const soma_op op_batch_norm_backward = {.name = "batch_norm_backward",
                                        .inputs_min = 5,
                                        .inputs_max = 5,
                                        .outputs = 3,
                                        .attributes_size = sizeof(batch_norm_attributes),
                                        .infer = infer_backward,
                                        .gradient = gradient_backward,
                                        .reference = reference_backward,
                                        .describe = describe};
