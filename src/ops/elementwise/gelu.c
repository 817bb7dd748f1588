/* ops/elementwise/gelu.c: x Phi(x), Phi the normal distribution function (Hendrycks and Gimpel 2016), exact by erf:
 * Phi(x) = (1 + erf(x / sqrt 2)) / 2. The slope is Phi(x) + x phi(x), phi(x) = exp(-x^2 / 2) / sqrt(2 pi). */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(gelu, v_mul(v_mul(x, v_set1(0.5f)), v_add(v_set1(1), v_erf(v_mul(x, v_set1(0.70710678f))))))
#else
#include "ops/elementwise.h"

#define SQRT_HALF      0.70710678118654752440
#define ONE_SQRT_TWOPI 0.39894228040143267794

static double scalar_gelu(const double *x, const double *p) { return (void)p, x[0] * 0.5 * erfc(-x[0] * SQRT_HALF); }

static soma_value distribution(soma_value x) { return times(plus(soma_erf(times(x, SQRT_HALF)), 1), 0.5); }

static void gradient_gelu(op_gradient *c) {
    soma_value x = c->in[0], density = times(soma_exp(times(soma_square(x), -0.5)), ONE_SQRT_TWOPI);
    gradient_slope(c, soma_add(distribution(x), soma_mul(x, density)));
}
static soma_value decompose_gelu(soma_graph *g, const node *n, const soma_value *in) {
    return (void)g, (void)n, soma_mul(in[0], distribution(in[0]));
}

const soma_op op_gelu = {.name = "gelu",
                         ELEMENTWISE(1),
                         .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO | OP_ACTIVATION,
                         .scalar = scalar_gelu,
                         .gradient = gradient_gelu,
                         .decompose = decompose_gelu};

soma_value soma_gelu(soma_value x) { return elementwise1(&op_gelu, x, 0, 0); }
#endif
