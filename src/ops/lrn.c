/* ops/lrn.c: local response normalisation across channels (Krizhevsky, Sutskever and Hinton 2012, section 3.3) by the
 * definition that ONNX, Caffe and PyTorch share, in which alpha is divided by the size: y = x s^-beta with s = bias +
 * alpha / size * the sum of x^2 over `size` channels around, (size - 1) / 2 of them before. Its adjoint is an op of its
 * own: dx = dy s^-beta - 2 alpha beta / size * x * the sum of dy x s^(-beta - 1) over the channels in whose windows x's
 * lies; derivatives of that one go through its decomposition, in which a sum along channels is an average over windows
 * of `size` rows. */
#include "graph/graph.h"
#include "ops/attributes.h"

#include <math.h>
#include <stdio.h>

enum { LARGEST_SIZE = 1 << 20 };

static bool image(op_infer *i) {
    const soma_shape *s = &i->in[0].shape;
    char text[SHAPE_TEXT];
    bool fits = s->rank >= 2 && i->in[0].dtype == SOMA_FLOAT;
    for (int d = 1; fits && d < s->rank; d++) fits = s->dims[d] > 0;
    if (!fits) infer_fail(i, "the input has the shape %s, expected float [N, channels, …]", shape_text(s, text));
    return fits;
}

static void infer_lrn(op_infer *i) {
    const lrn_attributes *a = i->attributes;
    if (!image(i)) return;
    if (a->size < 1 || a->size > LARGEST_SIZE || !isfinite(a->alpha) || !isfinite(a->beta) || !isfinite(a->bias))
        infer_fail(i, "size %lld, alpha %g, beta %g and bias %g make no normalisation", (long long)a->size, a->alpha,
                   a->beta, a->bias);
    else
        i->out[0] = i->in[0];
}

static void infer_backward(op_infer *i) {
    infer_lrn(i);
    if (!i->failed && (i->in[1].dtype != SOMA_FLOAT || !shape_equal(&i->in[0].shape, &i->in[1].shape)))
        infer_fail(i, "the input and the output's gradient differ in shape");
}

static void gradient_lrn(op_gradient *c) {
    c->din[0] = graph_add2(&op_lrn_backward, c->attributes, c->in[0], c->dout[0]);
}

/* 1 / size times the sum over a window of channels. */
static soma_value channel_mean(soma_value x, int64_t before, int64_t after) {
    soma_shape s = soma_value_shape(x);
    int64_t rest = 1;
    for (int d = 2; d < s.rank; d++) rest *= s.dims[d];
    soma_window w = {
        .kernel = {before + 1 + after, 1}, .before = {before, 0}, .after = {after, 0}, .count_padding = true};
    return soma_reshape(soma_average_pool(soma_reshape(x, soma_shape4(s.dims[0], 1, s.dims[1], rest)), w), s);
}

static soma_value times(soma_value x, double factor) { return soma_mul(x, soma_scalar(x.graph, factor)); }

/* The base s of the power. */
static soma_value base_of(soma_value x, const lrn_attributes *a) {
    int64_t before = (a->size - 1) / 2;
    soma_value mean = channel_mean(soma_square(x), before, a->size - 1 - before);
    return soma_add(times(mean, a->alpha), soma_scalar(x.graph, a->bias));
}

static soma_value decompose_backward(soma_graph *g, const node *n, const soma_value *in) {
    const lrn_attributes *a = n->attributes;
    int64_t before = (a->size - 1) / 2;
    soma_value s = base_of(in[0], a), scaled = soma_mul(in[1], soma_pow(s, soma_scalar(g, -a->beta)));
    soma_value spread = channel_mean(soma_div(soma_mul(scaled, in[0]), s), a->size - 1 - before, before);
    return soma_sub(scaled, times(soma_mul(in[0], spread), 2 * a->alpha * a->beta));
}

/* ---- Reference ----------------------------------------------------------------------------------------------------
 */

typedef struct planes {
    int64_t samples, channels, rest;
} planes;

static planes planes_of(const soma_shape *s) {
    planes p = {s->dims[0], s->dims[1], 1};
    for (int d = 2; d < s->rank; d++) p.rest *= s->dims[d];
    return p;
}

/* The sum of x[c - before .. c + after]^2, or of x itself, of one pixel. */
static double window_sum(const double *x, const planes *p, int64_t c, int64_t before, int64_t after, bool squares) {
    double sum = 0;
    for (int64_t k = c - before < 0 ? 0 : c - before; k <= c + after && k < p->channels; k++) {
        double v = x[k * p->rest];
        sum += squares ? v * v : v;
    }
    return sum;
}

static double base_at(const double *x, const planes *p, int64_t c, const lrn_attributes *a) {
    int64_t before = (a->size - 1) / 2;
    return a->bias + a->alpha / (double)a->size * window_sum(x, p, c, before, a->size - 1 - before, true);
}

static void reference_lrn(const op_call *call) {
    const lrn_attributes *a = call->attributes;
    planes p = planes_of(&call->in[0].shape);
    for (int64_t n = 0; n < p.samples; n++)
        for (int64_t i = 0; i < p.rest; i++) {
            const double *x = (const double *)call->in[0].data + n * p.channels * p.rest + i;
            double *y = (double *)call->out[0].data + n * p.channels * p.rest + i;
            for (int64_t c = 0; c < p.channels; c++)
                y[c * p.rest] = x[c * p.rest] * pow(base_at(x, &p, c, a), -a->beta);
        }
}

static void reference_backward(const op_call *call) {
    const lrn_attributes *a = call->attributes;
    planes p = planes_of(&call->in[0].shape);
    int64_t before = (a->size - 1) / 2, after = a->size - 1 - before;
    for (int64_t n = 0; n < p.samples; n++)
        for (int64_t i = 0; i < p.rest; i++) {
            int64_t at = n * p.channels * p.rest + i;
            const double *x = (const double *)call->in[0].data + at, *dy = (const double *)call->in[1].data + at;
            double *dx = (double *)call->out[0].data + at;
            for (int64_t c = 0; c < p.channels; c++) {
                double sum = 0, power = pow(base_at(x, &p, c, a), -a->beta);
                for (int64_t k = c - after < 0 ? 0 : c - after; k <= c + before && k < p.channels; k++)
                    sum += dy[k * p.rest] * x[k * p.rest] * pow(base_at(x, &p, k, a), -a->beta - 1);
                dx[c * p.rest] =
                    dy[c * p.rest] * power - 2 * a->alpha * a->beta / (double)a->size * x[c * p.rest] * sum;
            }
        }
}

static void describe_lrn(const void *attributes, char *text, size_t size) {
    const lrn_attributes *a = attributes;
    snprintf(text, size, "%lld channels, alpha %g, beta %g, bias %g", (long long)a->size, a->alpha, a->beta, a->bias);
}

const soma_op op_lrn = {.name = "lrn",
                        .inputs_min = 1,
                        .inputs_max = 1,
                        .outputs = 1,
                        .attributes_size = sizeof(lrn_attributes),
                        .infer = infer_lrn,
                        .gradient = gradient_lrn,
                        .reference = reference_lrn,
                        .describe = describe_lrn};
const soma_op op_lrn_backward = {.name = "lrn_backward",
                                 .inputs_min = 2,
                                 .inputs_max = 2,
                                 .outputs = 1,
                                 .attributes_size = sizeof(lrn_attributes),
                                 .infer = infer_backward,
                                 .decompose = decompose_backward,
                                 .reference = reference_backward,
                                 .describe = describe_lrn};

soma_value soma_lrn(soma_value x, int64_t size, double alpha, double beta, double bias) {
    lrn_attributes a;
    memset(&a, 0, sizeof a);
    a.size = size;
    a.alpha = alpha;
    a.beta = beta;
    a.bias = bias;
    return graph_add1(&op_lrn, &a, x);
}
