/* ops/elementwise/elu.c: x where it is positive, p0 (exp(x) - 1) elsewhere (Clevert et al. 2016). There the slope is
 * p0 exp(x), which is the output plus p0. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(elu, v_select(v_le(x, v_zero()), v_mul(p0, v_expm1(x)), x))
#else
#include "ops/elementwise.h"

#include <stdio.h>

static double scalar_elu(const double *x, const double *p) { return x[0] <= 0 ? p[0] * expm1(x[0]) : x[0]; }
static void gradient_elu(op_gradient *c) {
    soma_value positive = soma_greater(c->in[0], soma_scalar(c->graph, 0));
    gradient_slope(c, soma_select(positive, soma_scalar(c->graph, 1), plus(c->out[0], parameters_of(c->node)[0])));
}
/* max(x, 0) + alpha (exp(min(x, 0)) - 1) */
static soma_value decompose_elu(soma_graph *g, const node *n, const soma_value *in) {
    soma_value zero = soma_scalar(g, 0), below = plus(soma_exp(soma_min2(in[0], zero)), -1);
    return soma_add(soma_max2(in[0], zero), times(below, parameters_of(n)[0]));
}
static void describe_elu(const void *attributes, char *text, size_t size) {
    snprintf(text, size, "alpha %g", ((const elementwise_attributes *)attributes)->parameter[0]);
}

const soma_op op_elu = {.name = "elu",
                        ELEMENTWISE(1),
                        .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO | OP_ACTIVATION,
                        .scalar = scalar_elu,
                        .defaults = {1},
                        .gradient = gradient_elu,
                        .decompose = decompose_elu,
                        .describe = describe_elu};

soma_value soma_elu(soma_value x, double alpha) { return elementwise1(&op_elu, x, alpha, 0); }
#endif
