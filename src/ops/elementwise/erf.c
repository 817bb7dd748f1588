/* ops/elementwise/erf.c: the error function, erf' = 2 / sqrt(pi) exp(-x^2). */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(erf, v_erf(x))
#else
#include "ops/elementwise.h"

static double scalar_erf(const double *x, const double *p) { return (void)p, erf(x[0]); }
static void gradient_erf(op_gradient *c) {
    gradient_slope(c, times(soma_exp(soma_neg(soma_square(c->in[0]))), 1.1283791670955125739)); /* 2 / sqrt(pi) */
}

const soma_op op_erf = {.name = "erf",
                        .onnx = "Erf",
                        ELEMENTWISE(1),
                        .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO,
                        .scalar = scalar_erf,
                        .gradient = gradient_erf};

soma_value soma_erf(soma_value x) { return elementwise1(&op_erf, x, 0, 0); }
#endif
