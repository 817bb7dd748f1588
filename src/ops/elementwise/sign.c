/* ops/elementwise/sign.c: negation, absolute value and sign. The slope of |x| at 0 is taken as 0. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
SIMD vf sign_of(vf x) { return v_select(v_lt(v_zero(), v_abs(x)), v_copysign(v_set1(1), x), x); }
FORMULA1(neg, v_neg(x))
FORMULA1(abs, v_abs(x))
FORMULA1(sign, sign_of(x))
#else
#include "ops/elementwise.h"

static double scalar_neg(const double *x, const double *p) { return (void)p, -x[0]; }
static double scalar_abs(const double *x, const double *p) { return (void)p, fabs(x[0]); }
static double scalar_sign(const double *x, const double *p) {
    return (void)p, x[0] > 0 ? 1 : x[0] < 0 ? -1 : x[0]; /* 0 and NaN stay what they are */
}

static void gradient_neg(op_gradient *c) { c->din[0] = soma_neg(c->dout[0]); }
static void gradient_abs(op_gradient *c) { gradient_slope(c, soma_sign(c->in[0])); }

const soma_op op_neg = {.name = "neg",
                        .onnx = "Neg",
                        ELEMENTWISE(1),
                        .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO,
                        .scalar = scalar_neg,
                        .gradient = gradient_neg};
const soma_op op_abs = {.name = "abs",
                        .onnx = "Abs",
                        ELEMENTWISE(1),
                        .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO,
                        .scalar = scalar_abs,
                        .gradient = gradient_abs};
const soma_op op_sign = {
    .name = "sign", .onnx = "Sign", ELEMENTWISE(1), .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO, .scalar = scalar_sign};

soma_value soma_neg(soma_value x) { return elementwise1(&op_neg, x, 0, 0); }
soma_value soma_abs(soma_value x) { return elementwise1(&op_abs, x, 0, 0); }
soma_value soma_sign(soma_value x) { return elementwise1(&op_sign, x, 0, 0); }
#endif
