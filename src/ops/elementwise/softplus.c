/* ops/elementwise/softplus.c: log(1 + exp(x)), computed as max(0, x) + log(1 + exp(-|x|)), which never overflows. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(softplus, v_add(v_max(v_zero(), x), v_log1p(v_exp(v_neg(v_abs(x))))))
#else
#include "ops/elementwise.h"

static double scalar_softplus(const double *x, const double *p) {
    return (void)p, (x[0] <= 0 ? 0 : x[0]) + log1p(exp(-fabs(x[0])));
}
static void gradient_softplus(op_gradient *c) { gradient_slope(c, soma_sigmoid(c->in[0])); }

const soma_op op_softplus = {.name = "softplus",
                             .onnx = "Softplus",
                             ELEMENTWISE(1),
                             .flags = OP_ELEMENTWISE | OP_ACTIVATION,
                             .scalar = scalar_softplus,
                             .gradient = gradient_softplus};

soma_value soma_softplus(soma_value x) { return elementwise1(&op_softplus, x, 0, 0); }
#endif
