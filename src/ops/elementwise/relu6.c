/* ops/elementwise/relu6.c: x held between 0 and 6, the rectifier of MobileNets (Sandler et al. 2018). The gradient
 * flows strictly between the two, PyTorch's. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(relu6, v_min(v_set1(6), v_max(v_zero(), x)))
#else
#include "ops/elementwise.h"

static double scalar_relu6(const double *x, const double *p) { return (void)p, x[0] < 0 ? 0 : x[0] > 6 ? 6 : x[0]; }
/* In two factors, each of which joins what comes from above: their product alone would be computed on the way forwards
 * and kept. */
static void gradient_relu6(op_gradient *c) {
    soma_value y = c->out[0], d = soma_mul(c->dout[0], soma_greater(y, soma_scalar(c->graph, 0)));
    c->din[0] = soma_mul(d, soma_less(y, soma_scalar(c->graph, 6)));
}
static soma_value decompose_relu6(soma_graph *g, const node *n, const soma_value *in) {
    return (void)g, (void)n, soma_clip(in[0], 0, 6);
}

const soma_op op_relu6 = {.name = "relu6",
                          ELEMENTWISE(1),
                          .flags = OP_ELEMENTWISE | OP_ACTIVATION | OP_KEEPS_ZERO,
                          .scalar = scalar_relu6,
                          .gradient = gradient_relu6,
                          .decompose = decompose_relu6};

soma_value soma_relu6(soma_value x) { return elementwise1(&op_relu6, x, 0, 0); }
#endif
