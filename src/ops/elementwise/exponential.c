/* ops/elementwise/exponential.c: exp and log, and the forms of them that stay exact near 0 and 1. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(exp, v_exp(x))
FORMULA1(expm1, v_expm1(x))
FORMULA1(log, v_log(x))
FORMULA1(log1p, v_log1p(x))
#else
#include "ops/elementwise.h"

static double scalar_exp(const double *x, const double *p) { return (void)p, exp(x[0]); }
static double scalar_expm1(const double *x, const double *p) { return (void)p, expm1(x[0]); }
static double scalar_log(const double *x, const double *p) { return (void)p, log(x[0]); }
static double scalar_log1p(const double *x, const double *p) { return (void)p, log1p(x[0]); }

static void gradient_exp(op_gradient *c) { gradient_slope(c, c->out[0]); }
static void gradient_expm1(op_gradient *c) { gradient_slope(c, plus(c->out[0], 1)); }
static void gradient_log(op_gradient *c) { c->din[0] = soma_div(c->dout[0], c->in[0]); }
static void gradient_log1p(op_gradient *c) { c->din[0] = soma_div(c->dout[0], plus(c->in[0], 1)); }

static soma_value decompose_expm1(soma_graph *g, const node *n, const soma_value *in) {
    return (void)g, (void)n, plus(soma_exp(in[0]), -1);
}
static soma_value decompose_log1p(soma_graph *g, const node *n, const soma_value *in) {
    return (void)g, (void)n, soma_log(plus(in[0], 1));
}

const soma_op op_exp = {.name = "exp",
                        .onnx = "Exp",
                        ELEMENTWISE(1),
                        .flags = OP_ELEMENTWISE,
                        .scalar = scalar_exp,
                        .gradient = gradient_exp};
const soma_op op_expm1 = {.name = "expm1",
                          ELEMENTWISE(1),
                          .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO,
                          .scalar = scalar_expm1,
                          .gradient = gradient_expm1,
                          .decompose = decompose_expm1};
const soma_op op_log = {.name = "log",
                        .onnx = "Log",
                        ELEMENTWISE(1),
                        .flags = OP_ELEMENTWISE,
                        .scalar = scalar_log,
                        .gradient = gradient_log};
const soma_op op_log1p = {.name = "log1p",
                          ELEMENTWISE(1),
                          .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO,
                          .scalar = scalar_log1p,
                          .gradient = gradient_log1p,
                          .decompose = decompose_log1p};

soma_value soma_exp(soma_value x) { return elementwise1(&op_exp, x, 0, 0); }
soma_value soma_expm1(soma_value x) { return elementwise1(&op_expm1, x, 0, 0); }
soma_value soma_log(soma_value x) { return elementwise1(&op_log, x, 0, 0); }
soma_value soma_log1p(soma_value x) { return elementwise1(&op_log1p, x, 0, 0); }
#endif
