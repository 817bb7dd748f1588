/* ops/elementwise/sigmoid.c: the logistic function 1 / (1 + exp(-x)). Its logarithms, which a cross-entropy takes, are
 * softplus of the input: log y = -softplus(-x), log(1 - y) = -softplus(x), exact where y itself is 0 or 1. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(sigmoid, v_sigmoid(x))
#else
#include "ops/elementwise.h"

static double scalar_sigmoid(const double *x, const double *p) { return (void)p, 1 / (1 + exp(-x[0])); }
/* y' = y (1 - y) */
static void gradient_sigmoid(op_gradient *c) {
    gradient_slope(c, soma_mul(c->out[0], soma_sub(soma_scalar(c->graph, 1), c->out[0])));
}
static soma_value log_of_sigmoid(soma_graph *g, const node *n) {
    return soma_neg(soma_softplus(soma_neg(graph_value(g, n->inputs[0]))));
}
static soma_value log_one_minus_sigmoid(soma_graph *g, const node *n) {
    return soma_neg(soma_softplus(graph_value(g, n->inputs[0])));
}
static soma_value logit_of_sigmoid(soma_graph *g, const node *n) { return graph_value(g, n->inputs[0]); }

const soma_op op_sigmoid = {.name = "sigmoid",
                            .onnx = "Sigmoid",
                            ELEMENTWISE(1),
                            .flags = OP_ELEMENTWISE | OP_ACTIVATION,
                            .scalar = scalar_sigmoid,
                            .gradient = gradient_sigmoid,
                            .log_of = log_of_sigmoid,
                            .log_one_minus = log_one_minus_sigmoid,
                            .logit_of = logit_of_sigmoid};

soma_value soma_sigmoid(soma_value x) { return elementwise1(&op_sigmoid, x, 0, 0); }
#endif
