/* ops/elementwise/rounding.c: down, up, and to the nearest integer (halves to the even one). They are flat wherever
 * they have a slope, so nothing flows back through them. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(floor, v_floor(x))
FORMULA1(ceil, v_ceil(x))
FORMULA1(round, v_round(x))
#else
#include "ops/elementwise.h"

static double scalar_floor(const double *x, const double *p) { return (void)p, floor(x[0]); }
static double scalar_ceil(const double *x, const double *p) { return (void)p, ceil(x[0]); }
/* nearbyint would depend on the caller's rounding mode. */
static double scalar_round(const double *x, const double *p) {
    double r = round(x[0]);
    return (void)p, fabs(x[0] - trunc(x[0])) == 0.5 ? 2 * round(x[0] / 2) : r;
}

const soma_op op_floor = {
    .name = "floor", .onnx = "Floor", ELEMENTWISE(1), .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO, .scalar = scalar_floor};
const soma_op op_ceil = {
    .name = "ceil", .onnx = "Ceil", ELEMENTWISE(1), .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO, .scalar = scalar_ceil};
const soma_op op_round = {
    .name = "round", .onnx = "Round", ELEMENTWISE(1), .flags = OP_ELEMENTWISE | OP_KEEPS_ZERO, .scalar = scalar_round};

soma_value soma_floor(soma_value x) { return elementwise1(&op_floor, x, 0, 0); }
soma_value soma_ceil(soma_value x) { return elementwise1(&op_ceil, x, 0, 0); }
soma_value soma_round(soma_value x) { return elementwise1(&op_round, x, 0, 0); }
#endif
