/* ops/elementwise/relu.c: max(0, x). The slope at 0 is taken as 0; a NaN stays one. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(relu, v_max(v_zero(), x))
#else
#include "ops/elementwise.h"

static double scalar_relu(const double *x, const double *p) { return (void)p, x[0] <= 0 ? 0 : x[0]; }
/* By the output, so that the input need not be kept. */
static void gradient_relu(op_gradient *c) { gradient_slope(c, soma_greater(c->out[0], soma_scalar(c->graph, 0))); }

const soma_op op_relu = {.name = "relu",
                         .onnx = "Relu",
                         ELEMENTWISE(1),
                         .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO | OP_ACTIVATION,
                         .scalar = scalar_relu,
                         .gradient = gradient_relu};

soma_value soma_relu(soma_value x) { return elementwise1(&op_relu, x, 0, 0); }
#endif
