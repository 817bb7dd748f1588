/* ops/elementwise/arithmetic.c: sum, difference, product, quotient, larger and smaller of two, with broadcasting. What
 * was broadcast is summed in the gradient. Where both are equal, max2 and min2 send half of the gradient to either, as
 * PyTorch's maximum does; a NaN in either is the result. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA2(add, v_add(x, y))
FORMULA2(sub, v_sub(x, y))
FORMULA2(mul, v_mul(x, y))
FORMULA2(div, v_div(x, y))
FORMULA2(max2, v_max_nan(x, y))
FORMULA2(min2, v_min_nan(x, y))
#else
#include "ops/elementwise.h"

static const double zero = 0, one = 1;

static double scalar_add(const double *x, const double *p) { return (void)p, x[0] + x[1]; }
static double scalar_sub(const double *x, const double *p) { return (void)p, x[0] - x[1]; }
static double scalar_mul(const double *x, const double *p) { return (void)p, x[0] * x[1]; }
static double scalar_div(const double *x, const double *p) { return (void)p, x[0] / x[1]; }
static double scalar_max2(const double *x, const double *p) {
    return (void)p, isnan(x[0]) || x[0] > x[1] ? x[0] : x[1];
}
static double scalar_min2(const double *x, const double *p) {
    return (void)p, isnan(x[0]) || x[0] < x[1] ? x[0] : x[1];
}

/* Hands `gradient`, of the output's shape, to input k. */
static void flow(op_gradient *c, int k, soma_value gradient) { c->din[k] = gradient_unbroadcast(gradient, c->in[k]); }

static void gradient_add(op_gradient *c) {
    if (c->wanted[0]) flow(c, 0, c->dout[0]);
    if (c->wanted[1]) flow(c, 1, c->dout[0]);
}

static void gradient_sub(op_gradient *c) {
    if (c->wanted[0]) flow(c, 0, c->dout[0]);
    if (c->wanted[1]) flow(c, 1, soma_neg(c->dout[0]));
}

static void gradient_mul(op_gradient *c) {
    if (c->wanted[0]) flow(c, 0, soma_mul(c->dout[0], c->in[1]));
    if (c->wanted[1]) flow(c, 1, soma_mul(c->dout[0], c->in[0]));
}

/* d(a/b) = da/b - (a/b) db/b */
static void gradient_div(op_gradient *c) {
    soma_value share = soma_div(c->dout[0], c->in[1]);
    if (c->wanted[0]) flow(c, 0, share);
    if (c->wanted[1]) flow(c, 1, soma_neg(soma_mul(share, c->out[0])));
}

/* The one that wins takes all; of two equal ones each takes half. */
static void gradient_winner(op_gradient *c, soma_value (*wins)(soma_value, soma_value)) {
    for (int k = 0; k < 2; k++) {
        if (!c->wanted[k]) continue;
        soma_value mine = c->in[k], other = c->in[1 - k];
        soma_value half = times(soma_equal(mine, other), 0.5);
        flow(c, k, soma_mul(c->dout[0], soma_add(wins(mine, other), half)));
    }
}
static void gradient_max2(op_gradient *c) { gradient_winner(c, soma_greater); }
static void gradient_min2(op_gradient *c) { gradient_winner(c, soma_less); }

const soma_op op_add = {.name = "add",
                        .onnx = "Add",
                        ELEMENTWISE(2),
                        .flags = OP_ELEMENTWISE | OP_COMMUTATIVE | OP_KEEPS_ZERO,
                        .scalar = scalar_add,
                        .identity = &zero,
                        .gradient = gradient_add};
const soma_op op_sub = {.name = "sub",
                        .onnx = "Sub",
                        ELEMENTWISE(2),
                        .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO,
                        .scalar = scalar_sub,
                        .identity = &zero,
                        .gradient = gradient_sub};
const soma_op op_mul = {.name = "mul",
                        .onnx = "Mul",
                        ELEMENTWISE(2),
                        .flags = OP_ELEMENTWISE | OP_COMMUTATIVE | OP_KEEPS_ZERO,
                        .scalar = scalar_mul,
                        .identity = &one,
                        .gradient = gradient_mul};
const soma_op op_div = {.name = "div",
                        .onnx = "Div",
                        ELEMENTWISE(2),
                        .flags = OP_ELEMENTWISE,
                        .scalar = scalar_div,
                        .identity = &one,
                        .gradient = gradient_div};
const soma_op op_max2 = {.name = "max2",
                         .onnx = "Max",
                         ELEMENTWISE(2),
                         .flags = OP_ELEMENTWISE | OP_COMMUTATIVE | OP_KEEPS_ZERO,
                         .scalar = scalar_max2,
                         .gradient = gradient_max2};
const soma_op op_min2 = {.name = "min2",
                         .onnx = "Min",
                         ELEMENTWISE(2),
                         .flags = OP_ELEMENTWISE | OP_COMMUTATIVE | OP_KEEPS_ZERO,
                         .scalar = scalar_min2,
                         .gradient = gradient_min2};

soma_value soma_add(soma_value a, soma_value b) { return elementwise2(&op_add, a, b); }
soma_value soma_sub(soma_value a, soma_value b) { return elementwise2(&op_sub, a, b); }
soma_value soma_mul(soma_value a, soma_value b) { return elementwise2(&op_mul, a, b); }
soma_value soma_div(soma_value a, soma_value b) { return elementwise2(&op_div, a, b); }
soma_value soma_max2(soma_value a, soma_value b) { return elementwise2(&op_max2, a, b); }
soma_value soma_min2(soma_value a, soma_value b) { return elementwise2(&op_min2, a, b); }
#endif
