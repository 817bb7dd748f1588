/* ops/elementwise/power.c: powers: x to the y, square, square root, 1 / sqrt and 1 / x. The gradients of the roots are
 * told by the output, which is at hand: sqrt' = 1 / (2 y), rsqrt' = -y^3 / 2, reciprocal' = -y^2. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA2(pow, v_pow(x, y))
FORMULA1(square, v_mul(x, x))
FORMULA1(sqrt, v_sqrt(x))
FORMULA1(rsqrt, v_rsqrt(x))
FORMULA1(reciprocal, v_div(v_set1(1), x))
#else
#include "ops/elementwise.h"

static const double one = 1;

static double scalar_pow(const double *x, const double *p) { return (void)p, pow(x[0], x[1]); }
static double scalar_square(const double *x, const double *p) { return (void)p, x[0] * x[0]; }
static double scalar_sqrt(const double *x, const double *p) { return (void)p, sqrt(x[0]); }
static double scalar_rsqrt(const double *x, const double *p) { return (void)p, 1 / sqrt(x[0]); }
static double scalar_reciprocal(const double *x, const double *p) { return (void)p, 1 / x[0]; }

/* d(a^b) = b a^(b-1) da + a^b log(a) db. Where b is 0 the first is 0 and where a is 0 the second, whatever the other
 * factor becomes there. */
static void gradient_pow(op_gradient *c) {
    soma_value a = c->in[0], b = c->in[1], zero = soma_scalar(c->graph, 0);
    double exponent;
    if (c->wanted[0]) {
        soma_value slope;
        if (value_scalar(b, &exponent))
            slope = exponent == 0 ? zero : times(soma_pow(a, soma_scalar(c->graph, exponent - 1)), exponent);
        else
            slope = soma_select(b, soma_mul(b, soma_pow(a, plus(b, -1))), zero);
        c->din[0] = gradient_unbroadcast(soma_mul(c->dout[0], slope), a);
    }
    if (c->wanted[1]) {
        soma_value slope = soma_select(a, soma_mul(c->out[0], soma_log(a)), zero);
        c->din[1] = gradient_unbroadcast(soma_mul(c->dout[0], slope), b);
    }
}

static void gradient_square(op_gradient *c) { gradient_slope(c, times(c->in[0], 2)); }
static void gradient_sqrt(op_gradient *c) { c->din[0] = soma_div(times(c->dout[0], 0.5), c->out[0]); }
static void gradient_rsqrt(op_gradient *c) {
    gradient_slope(c, soma_mul(soma_square(c->out[0]), times(c->out[0], -0.5)));
}
static void gradient_reciprocal(op_gradient *c) { gradient_slope(c, soma_neg(soma_square(c->out[0]))); }

static soma_value decompose_square(soma_graph *g, const node *n, const soma_value *in) {
    return (void)g, (void)n, soma_mul(in[0], in[0]);
}
static soma_value decompose_rsqrt(soma_graph *g, const node *n, const soma_value *in) {
    return (void)g, (void)n, soma_reciprocal(soma_sqrt(in[0]));
}

const soma_op op_pow = {.name = "pow",
                        .onnx = "Pow",
                        ELEMENTWISE(2),
                        .flags = OP_ELEMENTWISE,
                        .scalar = scalar_pow,
                        .identity = &one,
                        .gradient = gradient_pow};
const soma_op op_square = {.name = "square",
                           ELEMENTWISE(1),
                           .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO,
                           .scalar = scalar_square,
                           .gradient = gradient_square,
                           .decompose = decompose_square};
const soma_op op_sqrt = {.name = "sqrt",
                         .onnx = "Sqrt",
                         ELEMENTWISE(1),
                         .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO,
                         .scalar = scalar_sqrt,
                         .gradient = gradient_sqrt};
const soma_op op_rsqrt = {.name = "rsqrt",
                          ELEMENTWISE(1),
                          .flags = OP_ELEMENTWISE,
                          .scalar = scalar_rsqrt,
                          .gradient = gradient_rsqrt,
                          .decompose = decompose_rsqrt};
const soma_op op_reciprocal = {.name = "reciprocal",
                               .onnx = "Reciprocal",
                               ELEMENTWISE(1),
                               .flags = OP_ELEMENTWISE,
                               .scalar = scalar_reciprocal,
                               .gradient = gradient_reciprocal};

soma_value soma_pow(soma_value a, soma_value b) {
    double exponent;
    if (value_scalar(b, &exponent) && exponent == 2 && a.graph == b.graph) return soma_square(a);
    return elementwise2(&op_pow, a, b);
}
soma_value soma_square(soma_value x) { return elementwise1(&op_square, x, 0, 0); }
soma_value soma_sqrt(soma_value x) { return elementwise1(&op_sqrt, x, 0, 0); }
soma_value soma_rsqrt(soma_value x) { return elementwise1(&op_rsqrt, x, 0, 0); }
soma_value soma_reciprocal(soma_value x) { return elementwise1(&op_reciprocal, x, 0, 0); }
#endif
