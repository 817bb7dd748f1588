/* ops/elementwise/tanh.c: the hyperbolic tangent, tanh' = 1 - y^2. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(tanh, v_tanh(x))
#else
#include "ops/elementwise.h"

static double scalar_tanh(const double *x, const double *p) { return (void)p, tanh(x[0]); }
static void gradient_tanh(op_gradient *c) {
    gradient_slope(c, soma_sub(soma_scalar(c->graph, 1), soma_square(c->out[0])));
}

const soma_op op_tanh = {.name = "tanh",
                         .onnx = "Tanh",
                         ELEMENTWISE(1),
                         .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO | OP_ACTIVATION,
                         .scalar = scalar_tanh,
                         .gradient = gradient_tanh};

soma_value soma_tanh(soma_value x) { return elementwise1(&op_tanh, x, 0, 0); }
#endif
