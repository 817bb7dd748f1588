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
    if (!fits(i, &i->in[1], 2, i->inputs - 2)) return;
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

/* Whether a factor is what a rectifier's gradient has: greater(y, 0) or less(y, 6) of y = relu(n) or relu6(n), n the
 * normalised value. Of n itself the same holds then. */
static bool is_gate(soma_value factor, const node *normalised, batch_norm_attributes *a) {
    const node *gate = value_node(factor);
    double bound;
    if (gate->op != &op_greater && gate->op != &op_less) return false;
    const node *y = graph_node(factor.graph, gate->inputs[0].node);
    if ((y->op != &op_relu && y->op != &op_relu6) || y->inputs[0].node != normalised->number || y->inputs[0].output)
        return false;
    if (!value_scalar(graph_value(factor.graph, gate->inputs[1]), &bound)) return false;
    if (gate->op == &op_greater && bound == 0)
        a->low = 0;
    else if (gate->op == &op_less && bound == 6 && y->op == &op_relu6)
        a->high = 6;
    else
        return false;
    return true;
}

/* A rectifier that follows the normalisation lets dy through by the sign of its result: x says as much, so that the
 * result need not be read. */
static soma_value simplify_backward(soma_graph *g, const node *n, const soma_value *in) {
    batch_norm_attributes a = *(const batch_norm_attributes *)n->attributes;
    const soma_value nothing = {g, 0, 0};
    const node *normalised = value_node(in[3]);
    soma_value dy = in[0];
    bool changed = false;
    if (n->inputs_count == 5) {
        a.low = -INFINITY;
        a.high = INFINITY;
    }
    if (normalised->op != &op_batch_norm || in[3].output != 1 || in[4].node != in[3].node || in[4].output != 2)
        return nothing;
    for (bool found = true; found;) {
        const node *product = value_node(dy);
        found = false;
        for (int k = 0; product->op == &op_mul && k < 2 && !found; k++) {
            const soma_value other = graph_value(g, product->inputs[1 - k]);
            found = is_gate(graph_value(g, product->inputs[k]), normalised, &a);
            if (found) dy = other;
        }
        changed = changed || found;
    }
    soma_shape s = soma_value_shape(dy);
    if (!changed || !shape_equal(&s, &n->outputs[0].shape)) return nothing;
    const soma_value all[] = {dy, in[1], in[2], in[3], in[4], graph_value(g, normalised->inputs[2])};
    return graph_add(g, &op_batch_norm_backward, &a, all, 6);
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
    if (c->inputs == 6) {
        soma_value y = soma_add(soma_mul(normal, spread(weight, x)), spread(c->in[5], x));
        soma_value above = soma_greater(y, soma_scalar(g, a->low)), below = soma_less(y, soma_scalar(g, a->high));
        dy = soma_mul(dy, soma_mul(above, below));
    }
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

/* The sum over a channel of a - from, or of its square. */
static double channel_sum(const planes *p, int64_t channel, const double *a, double from, bool squared) {
    double sum = 0;
    for (int64_t n = 0; n < p->samples; n++)
        for (int64_t i = 0; i < p->area; i++) {
            double d = a[(n * p->channels + channel) * p->area + i] - from;
            sum += squared ? d * d : d;
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
        mean[c] = channel_sum(&p, c, x, 0, false) / count;
        variance[c] = channel_sum(&p, c, x, mean[c], true) / count;
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
        double inverse = 1 / sqrt(variance[c] + a->epsilon), scale = weight[c] / sqrt(variance[c] + a->epsilon);
        dbias[c] = dweight[c] = 0;
        for (int pass = 0; pass < 2; pass++) /* the sums, then what is made of them */
            for (int64_t n = 0; n < p.samples; n++)
                for (int64_t i = 0; i < p.area; i++) {
                    int64_t at = (n * p.channels + c) * p.area + i;
                    double normal = (x[at] - mean[c]) * inverse, above = dy[at];
                    if (call->inputs == 6) {
                        double y = (x[at] - mean[c]) * scale + ((const double *)call->in[5].data)[c];
                        if (!(y > a->low && y < a->high)) above = 0;
                    }
                    if (pass == 0) {
                        dbias[c] += above;
                        dweight[c] += above * normal;
                    } else {
                        dx[at] = weight[c] * inverse * (above - dbias[c] / count - normal * dweight[c] / count);
                    }
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
                                        .inputs_max = 6,
                                        .outputs = 3,
                                        .attributes_size = sizeof(batch_norm_attributes),
                                        .infer = infer_backward,
                                        .gradient = gradient_backward,
                                        .simplify = simplify_backward,
                                        .reference = reference_backward,
                                        .describe = describe};
