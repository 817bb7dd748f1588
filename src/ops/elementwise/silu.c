/* ops/elementwise/silu.c: x sigmoid(x) (Elfwing et al. 2018). With s = sigmoid(x) the slope is s + y (1 - s). */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(silu, v_mul(x, v_sigmoid(x)))
#else
#include "ops/elementwise.h"

static double scalar_silu(const double *x, const double *p) { return (void)p, x[0] / (1 + exp(-x[0])); }
static void gradient_silu(op_gradient *c) {
    soma_value s = soma_sigmoid(c->in[0]), rest = soma_sub(soma_scalar(c->graph, 1), s);
    gradient_slope(c, soma_add(s, soma_mul(c->out[0], rest)));
}
static soma_value decompose_silu(soma_graph *g, const node *n, const soma_value *in) {
    return (void)g, (void)n, soma_mul(in[0], soma_sigmoid(in[0]));
}

const soma_op op_silu = {.name = "silu",
                         ELEMENTWISE(1),
                         .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO | OP_ACTIVATION,
                         .scalar = scalar_silu,
                         .gradient = gradient_silu,
                         .decompose = decompose_silu};

soma_value soma_silu(soma_value x) { return elementwise1(&op_silu, x, 0, 0); }
#endif
