/* ops/softmax.c: softmax_i(x) = exp(x_i) / sum_j exp(x_j) along an axis, and its logarithm. The largest x_j is taken
 * away first, so that nothing overflows. With y = softmax(x): dx = y (dy - sum(dy y)); with y = log softmax(x): dx = dy
 * - exp(y) sum(dy). */
#include "graph/graph.h"
#include "ops/attributes.h"

#include <math.h>
#include <stdio.h>

static void infer_softmax(op_infer *i) {
    const axis_attributes *a = i->attributes;
    const soma_shape *s = &i->in[0].shape;
    char text[SHAPE_TEXT];
    if (i->in[0].dtype != SOMA_FLOAT)
        infer_fail(i, "the input holds int64, expected float");
    else if (a->axis < 0 || a->axis >= s->rank)
        infer_fail(i, "axis %d is outside the shape %s", a->axis, shape_text(s, text));
    else
        i->out[0] = i->in[0];
}

static void reference(const op_call *c, bool logarithm) {
    const axis_attributes *a = c->attributes;
    const soma_shape *s = &c->in[0].shape;
    int64_t n = s->dims[a->axis], inner = 1, outer = 1;
    for (int d = 0; d < a->axis; d++) outer *= s->dims[d];
    for (int d = a->axis + 1; d < s->rank; d++) inner *= s->dims[d];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            const double *x = (const double *)c->in[0].data + o * n * inner + i;
            double *y = (double *)c->out[0].data + o * n * inner + i, largest = -INFINITY, sum = 0;
            for (int64_t k = 0; k < n; k++) largest = fmax(largest, x[k * inner]);
            for (int64_t k = 0; k < n; k++) sum += exp(x[k * inner] - largest);
            for (int64_t k = 0; k < n; k++) {
                double shifted = x[k * inner] - largest;
                y[k * inner] = logarithm ? shifted - log(sum) : exp(shifted) / sum;
            }
        }
}
static void reference_softmax(const op_call *c) { reference(c, false); }
static void reference_log_softmax(const op_call *c) { reference(c, true); }

static soma_value sum_along(op_gradient *c, soma_value v) {
    return soma_reduce_sum(v, SOMA_AXIS(((const axis_attributes *)c->attributes)->axis), true);
}
static void gradient_softmax(op_gradient *c) {
    soma_value y = c->out[0], d = c->dout[0];
    c->din[0] = soma_mul(y, soma_sub(d, sum_along(c, soma_mul(d, y))));
}
static void gradient_log_softmax(op_gradient *c) {
    soma_value y = c->out[0], d = c->dout[0];
    c->din[0] = soma_sub(d, soma_mul(soma_exp(y), sum_along(c, d)));
}

static soma_value log_of_softmax(soma_graph *g, const node *n) {
    return soma_log_softmax(graph_value(g, n->inputs[0]), ((const axis_attributes *)n->attributes)->axis);
}

static soma_value entropy_of_softmax(soma_graph *g, const node *n, soma_value classes) {
    const soma_value in[] = {graph_value(g, n->inputs[0]), classes};
    if (((const axis_attributes *)n->attributes)->axis != 1) return (soma_value){g, 0, 0};
    return graph_add(g, &op_cross_entropy, NULL, in, 2);
}

static void describe_axis(const void *attributes, char *text, size_t size) {
    snprintf(text, size, "axis %d", ((const axis_attributes *)attributes)->axis);
}

const soma_op op_softmax = {.name = "softmax",
                            .inputs_min = 1,
                            .inputs_max = 1,
                            .outputs = 1,
                            .attributes_size = sizeof(axis_attributes),
                            .infer = infer_softmax,
                            .gradient = gradient_softmax,
                            .reference = reference_softmax,
                            .describe = describe_axis,
                            .entropy_of = entropy_of_softmax,
                            .log_of = log_of_softmax};
const soma_op op_log_softmax = {.name = "log_softmax",
                                .inputs_min = 1,
                                .inputs_max = 1,
                                .outputs = 1,
                                .attributes_size = sizeof(axis_attributes),
                                .infer = infer_softmax,
                                .gradient = gradient_log_softmax,
                                .reference = reference_log_softmax,
                                .describe = describe_axis};

static soma_value add_softmax(const soma_op *op, soma_value x, int axis) {
    axis_attributes a;
    memset(&a, 0, sizeof a);
    a.axis = axis < 0 ? axis + soma_value_shape(x).rank : axis;
    return graph_add1(op, &a, x);
}
soma_value soma_softmax(soma_value x, int axis) { return add_softmax(&op_softmax, x, axis); }
soma_value soma_log_softmax(soma_value x, int axis) { return add_softmax(&op_log_softmax, x, axis); }
