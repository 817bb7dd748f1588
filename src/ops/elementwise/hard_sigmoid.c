/* ops/elementwise/hard_sigmoid.c: x / 6 + 1/2 held between 0 and 1, PyTorch's. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(hard_sigmoid, v_min(v_set1(1), v_max(v_zero(), v_fma(x, v_set1(1.0f / 6), v_set1(0.5f)))))
#else
#include "ops/elementwise.h"

static double scalar_hard_sigmoid(const double *x, const double *p) {
    double y = x[0] / 6 + 0.5;
    return (void)p, y < 0 ? 0 : y > 1 ? 1 : y;
}
static void gradient_hard_sigmoid(op_gradient *c) {
    gradient_slope(c, times(soma_less(soma_abs(c->in[0]), soma_scalar(c->graph, 3)), 1.0 / 6));
}
static soma_value decompose_hard_sigmoid(soma_graph *g, const node *n, const soma_value *in) {
    return (void)g, (void)n, soma_clip(plus(times(in[0], 1.0 / 6), 0.5), 0, 1);
}

const soma_op op_hard_sigmoid = {.name = "hard_sigmoid",
                                 ELEMENTWISE(1),
                                 .flags = OP_ELEMENTWISE | OP_ACTIVATION,
                                 .scalar = scalar_hard_sigmoid,
                                 .gradient = gradient_hard_sigmoid,
                                 .decompose = decompose_hard_sigmoid};

soma_value soma_hard_sigmoid(soma_value x) { return elementwise1(&op_hard_sigmoid, x, 0, 0); }
#endif
