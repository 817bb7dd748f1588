/* ops/elementwise/compare.c: comparisons, which give 1 or 0 (0 where an operand is NaN) and have no gradient, and the
 * choice between two values by a condition. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
#define TRUTH(mask) v_select(mask, v_set1(1), v_zero())
FORMULA2(equal, TRUTH(v_eq(x, y)))
FORMULA2(less, TRUTH(v_lt(x, y)))
FORMULA2(less_equal, TRUTH(v_le(x, y)))
FORMULA2(greater, TRUTH(v_gt(x, y)))
FORMULA2(greater_equal, TRUTH(v_ge(x, y)))
FORMULA1(is_nan, TRUTH(v_isnan(x)))
FORMULA3(select, v_select(v_eq(x, v_zero()), z, y))
#else
#include "ops/elementwise.h"

static double scalar_equal(const double *x, const double *p) { return (void)p, x[0] == x[1]; }
static double scalar_less(const double *x, const double *p) { return (void)p, x[0] < x[1]; }
static double scalar_less_equal(const double *x, const double *p) { return (void)p, x[0] <= x[1]; }
static double scalar_greater(const double *x, const double *p) { return (void)p, x[0] > x[1]; }
static double scalar_greater_equal(const double *x, const double *p) { return (void)p, x[0] >= x[1]; }
static double scalar_is_nan(const double *x, const double *p) { return (void)p, isnan(x[0]) ? 1 : 0; }
static double scalar_select(const double *x, const double *p) { return (void)p, x[0] != 0 ? x[1] : x[2]; }

static void gradient_select(op_gradient *c) {
    soma_value zero = soma_scalar(c->graph, 0);
    if (c->wanted[1]) c->din[1] = gradient_unbroadcast(soma_select(c->in[0], c->dout[0], zero), c->in[1]);
    if (c->wanted[2]) c->din[2] = gradient_unbroadcast(soma_select(c->in[0], zero, c->dout[0]), c->in[2]);
}

const soma_op op_equal = {
    .name = "equal", ELEMENTWISE(2), .flags = OP_ELEMENTWISE | OP_COMMUTATIVE, .scalar = scalar_equal};
const soma_op op_less = {
    .name = "less", ELEMENTWISE(2), .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO, .scalar = scalar_less};
const soma_op op_less_equal = {
    .name = "less_equal", ELEMENTWISE(2), .flags = OP_ELEMENTWISE, .scalar = scalar_less_equal};
const soma_op op_greater = {
    .name = "greater", ELEMENTWISE(2), .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO, .scalar = scalar_greater};
const soma_op op_greater_equal = {
    .name = "greater_equal", ELEMENTWISE(2), .flags = OP_ELEMENTWISE, .scalar = scalar_greater_equal};
const soma_op op_is_nan = {
    .name = "is_nan", ELEMENTWISE(1), .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO, .scalar = scalar_is_nan};
const soma_op op_select = {.name = "select",
                           ELEMENTWISE(3),
                           .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO,
                           .scalar = scalar_select,
                           .gradient = gradient_select};

soma_value soma_equal(soma_value a, soma_value b) { return elementwise2(&op_equal, a, b); }
soma_value soma_less(soma_value a, soma_value b) { return elementwise2(&op_less, a, b); }
soma_value soma_less_equal(soma_value a, soma_value b) { return elementwise2(&op_less_equal, a, b); }
soma_value soma_greater(soma_value a, soma_value b) { return elementwise2(&op_greater, a, b); }
soma_value soma_greater_equal(soma_value a, soma_value b) { return elementwise2(&op_greater_equal, a, b); }
soma_value soma_is_nan(soma_value x) { return elementwise1(&op_is_nan, x, 0, 0); }
soma_value soma_select(soma_value condition, soma_value a, soma_value b) {
    elementwise_attributes none = {{0, 0}};
    return graph_add3(&op_select, &none, condition, a, b);
}
#endif
