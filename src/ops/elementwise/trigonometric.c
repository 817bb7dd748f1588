/* ops/elementwise/trigonometric.c: sine and cosine. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(sin, v_sin(x))
FORMULA1(cos, v_cos(x))
#else
#include "ops/elementwise.h"

static double scalar_sin(const double *x, const double *p) { return (void)p, sin(x[0]); }
static double scalar_cos(const double *x, const double *p) { return (void)p, cos(x[0]); }
static void gradient_sin(op_gradient *c) { gradient_slope(c, soma_cos(c->in[0])); }
static void gradient_cos(op_gradient *c) { gradient_slope(c, soma_neg(soma_sin(c->in[0]))); }

const soma_op op_sin = {.name = "sin",
                        .onnx = "Sin",
                        ELEMENTWISE(1),
                        .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO,
                        .scalar = scalar_sin,
                        .gradient = gradient_sin};
const soma_op op_cos = {.name = "cos",
                        .onnx = "Cos",
                        ELEMENTWISE(1),
                        .flags = OP_ELEMENTWISE,
                        .scalar = scalar_cos,
                        .gradient = gradient_cos};

soma_value soma_sin(soma_value x) { return elementwise1(&op_sin, x, 0, 0); }
soma_value soma_cos(soma_value x) { return elementwise1(&op_cos, x, 0, 0); }
#endif
