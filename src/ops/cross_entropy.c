/* ops/cross_entropy.c: the cross-entropy of softmax(x), x [N, C], against a class for each row: log sum_j exp(x_j) -
 * x_class; its adjoint is dy (softmax(x) - one_hot(class)). One op each, since what they are made of, a softmax, rows
 * with a single one, a product, a sum, walks over all elements every time, and for a few classes costs more than the
 * exponentials. A class that does not exist has no loss and no gradient, as with one_hot. */
#include "graph/graph.h"

#include <math.h>

static bool fits(op_infer *i, const tensor_type *x, const tensor_type *classes) {
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    bool ok = x->dtype == SOMA_FLOAT && x->shape.rank == 2 && x->shape.dims[1] > 0 && classes->dtype == SOMA_INT64 &&
              classes->shape.rank == 1 && classes->shape.dims[0] == x->shape.dims[0];
    if (!ok)
        infer_fail(i, "expected float [N, classes] and int64 [N], not %s and %s", shape_text(&x->shape, a),
                   shape_text(&classes->shape, b));
    return ok;
}

static void infer_forward(op_infer *i) {
    if (fits(i, &i->in[0], &i->in[1])) i->out[0] = (tensor_type){SOMA_FLOAT, i->in[1].shape};
}

static void infer_backward(op_infer *i) {
    const soma_shape *dy = &i->in[0].shape;
    if (!fits(i, &i->in[1], &i->in[2])) return;
    if (i->in[0].dtype != SOMA_FLOAT || (dy->rank && !shape_equal(dy, &i->in[2].shape)))
        infer_fail(i, "the losses' gradient must be a number, or one for each row");
    else
        i->out[0] = i->in[1];
}

/* ---- Gradients --------------------------------------------------------------------------------------------------- */

static void gradient_forward(op_gradient *c) {
    c->din[0] = graph_add3(&op_cross_entropy_backward, NULL, c->dout[0], c->in[0], c->in[1]);
}

static soma_value hot(soma_value x, soma_value classes) { return soma_one_hot(classes, soma_value_shape(x).dims[1]); }

static soma_value decompose_forward(soma_graph *g, const node *n, const soma_value *in) {
    soma_value picked = soma_mul(hot(in[0], in[1]), soma_log_softmax(in[0], 1));
    return (void)g, (void)n, soma_neg(soma_reduce_sum(picked, SOMA_AXIS(1), false));
}

/* With t = one_hot(class), whose rows sum up to 0 where there is no such class: dy (softmax(x) sum(t) - t). */
static soma_value decompose_backward(soma_graph *g, const node *n, const soma_value *in) {
    soma_value t = hot(in[1], in[2]), dy = in[0], there = soma_reduce_sum(t, SOMA_AXIS(1), true);
    (void)g, (void)n;
    if (soma_value_shape(dy).rank) dy = soma_reshape(dy, soma_value_shape(there));
    return soma_mul(dy, soma_sub(soma_mul(soma_softmax(in[1], 1), there), t));
}

/* One number is not repeated for every row: a mean's gradient. */
static soma_value simplify_backward(soma_graph *g, const node *n, const soma_value *in) {
    const node *from = value_node(in[0]);
    soma_value dy = in[0], none = {g, 0, 0};
    while (from && soma_value_shape(dy).rank && from->op->flags & (OP_BROADCAST | OP_ALIAS)) {
        dy = graph_value(g, from->inputs[0]);
        from = value_node(dy);
    }
    if (!soma_value_shape(in[0]).rank || !from || soma_value_shape(dy).rank) return none;
    return graph_add3(n->op, NULL, dy, in[1], in[2]);
}

/* ---- Reference --------------------------------------------------------------------------------------------------- */

/* The largest of a row's n > 0 elements and the logarithm of the sum of exponentials, the largest taken away. */
static double log_sum(const double *x, int64_t n, double *largest) {
    *largest = x[0];
    for (int64_t k = 1; k < n; k++) *largest = fmax(*largest, x[k]);
    double sum = exp(x[0] - *largest);
    for (int64_t k = 1; k < n; k++) sum += exp(x[k] - *largest);
    return log(sum);
}

static void reference_forward(const op_call *c) {
    const int64_t rows = c->in[0].shape.dims[0], n = c->in[0].shape.dims[1], *classes = c->in[1].data;
    for (int64_t i = 0; i < rows; i++) {
        const double *x = (const double *)c->in[0].data + i * n;
        double largest, sum = log_sum(x, n, &largest);
        bool known = classes[i] >= 0 && classes[i] < n;
        ((double *)c->out[0].data)[i] = known ? sum - (x[classes[i]] - largest) : 0;
    }
}

static void reference_backward(const op_call *c) {
    const int64_t rows = c->in[1].shape.dims[0], n = c->in[1].shape.dims[1], *classes = c->in[2].data;
    for (int64_t i = 0; i < rows; i++) {
        const double *x = (const double *)c->in[1].data + i * n;
        const double dy = ((const double *)c->in[0].data)[c->in[0].shape.rank ? i : 0];
        double largest, sum = log_sum(x, n, &largest), *to = (double *)c->out[0].data + i * n;
        bool known = classes[i] >= 0 && classes[i] < n;
        for (int64_t k = 0; k < n; k++) to[k] = known ? dy * (exp(x[k] - largest - sum) - (k == classes[i])) : 0;
    }
}

const soma_op op_cross_entropy = {.name = "cross_entropy",
                                  .inputs_min = 2,
                                  .inputs_max = 2,
                                  .outputs = 1,
                                  .infer = infer_forward,
                                  .gradient = gradient_forward,
                                  .decompose = decompose_forward,
                                  .reference = reference_forward};
const soma_op op_cross_entropy_backward = {.name = "cross_entropy_backward",
                                           .inputs_min = 3,
                                           .inputs_max = 3,
                                           .outputs = 1,
                                           .infer = infer_backward,
                                           .decompose = decompose_backward,
                                           .simplify = simplify_backward,
                                           .reference = reference_backward};
