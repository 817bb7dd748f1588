/* ops/elementwise/hyperbolic.c: sinh and cosh. In float they are put together from exp(|x| / 2), whose square overflows
 * only where the result does; near 0 sinh comes from expm1: with e = expm1(|x|), sinh |x| = (e + e / (e + 1)) / 2. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
SIMD vf cosh_of(vf x) {
    vf root = v_exp(v_mul(v_abs(x), v_set1(0.5f))), half = v_mul(root, v_set1(0.5f));
    return v_fma(half, root, v_div(v_set1(0.5f), v_mul(root, root)));
}
SIMD vf sinh_of(vf x) {
    vf size = v_abs(x), e = v_expm1(size), root = v_exp(v_mul(size, v_set1(0.5f)));
    vf near = v_mul(v_set1(0.5f), v_add(e, v_div(e, v_add(e, v_set1(1)))));
    vf far = v_mul(v_mul(root, v_set1(0.5f)), root);
    return v_copysign(v_select(v_lt(v_set1(20), size), far, near), x);
}
FORMULA1(sinh, sinh_of(x))
FORMULA1(cosh, cosh_of(x))
#else
#include "ops/elementwise.h"

static double scalar_sinh(const double *x, const double *p) { return (void)p, sinh(x[0]); }
static double scalar_cosh(const double *x, const double *p) { return (void)p, cosh(x[0]); }
static void gradient_sinh(op_gradient *c) { gradient_slope(c, soma_cosh(c->in[0])); }
static void gradient_cosh(op_gradient *c) { gradient_slope(c, soma_sinh(c->in[0])); }

const soma_op op_sinh = {.name = "sinh",
                         .onnx = "Sinh",
                         ELEMENTWISE(1),
                         .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO,
                         .scalar = scalar_sinh,
                         .gradient = gradient_sinh};
const soma_op op_cosh = {.name = "cosh",
                         .onnx = "Cosh",
                         ELEMENTWISE(1),
                         .flags = OP_ELEMENTWISE,
                         .scalar = scalar_cosh,
                         .gradient = gradient_cosh};

soma_value soma_sinh(soma_value x) { return elementwise1(&op_sinh, x, 0, 0); }
soma_value soma_cosh(soma_value x) { return elementwise1(&op_cosh, x, 0, 0); }
#endif
