/* ops/elementwise/leaky_relu.c: x where it is positive, p0 times x elsewhere (Maas et al. 2013). */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(leaky_relu, v_select(v_le(x, v_zero()), v_mul(p0, x), x))
#else
#include "ops/elementwise.h"

#include <stdio.h>

static double scalar_leaky_relu(const double *x, const double *p) { return x[0] <= 0 ? p[0] * x[0] : x[0]; }
static void gradient_leaky_relu(op_gradient *c) {
    soma_value one = soma_scalar(c->graph, 1), alpha = soma_scalar(c->graph, parameters_of(c->node)[0]);
    gradient_slope(c, soma_select(soma_greater(c->in[0], soma_scalar(c->graph, 0)), one, alpha));
}
static soma_value decompose_leaky_relu(soma_graph *g, const node *n, const soma_value *in) {
    soma_value zero = soma_scalar(g, 0);
    return soma_add(soma_max2(in[0], zero), times(soma_min2(in[0], zero), parameters_of(n)[0]));
}
static void describe_leaky_relu(const void *attributes, char *text, size_t size) {
    snprintf(text, size, "alpha %g", ((const elementwise_attributes *)attributes)->parameter[0]);
}

const soma_op op_leaky_relu = {.name = "leaky_relu",
                               ELEMENTWISE(1),
                               .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO | OP_ACTIVATION,
                               .scalar = scalar_leaky_relu,
                               .defaults = {0.01},
                               .gradient = gradient_leaky_relu,
                               .decompose = decompose_leaky_relu,
                               .describe = describe_leaky_relu};

soma_value soma_leaky_relu(soma_value x, double alpha) { return elementwise1(&op_leaky_relu, x, alpha, 0); }
#endif
