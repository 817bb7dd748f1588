/* ops/elementwise/divide_root.c: x / (sqrt(s) + e), the step of RMSProp, Adam and Adagrad, s >= 0 and e > 0. An op of
 * its own because it is most of a small network's update: where the processor has a good estimate of 1 / sqrt(s), the
 * root is taken from it with one step of Newton's iteration, which is about 1 ULP off, instead of by the slow exact
 * instruction. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA3(divide_root, v_div(x, v_add(v_sqrt_estimated(y), z)))
#else
#include "ops/elementwise.h"

static double scalar_divide_root(const double *x, const double *p) { return (void)p, x[0] / (sqrt(x[1]) + x[2]); }

static soma_value decompose_divide_root(soma_graph *g, const node *n, const soma_value *in) {
    return (void)g, (void)n, soma_div(in[0], soma_add(soma_sqrt(in[1]), in[2]));
}

const soma_op op_divide_root = {.name = "divide_root",
                                ELEMENTWISE(3),
                                .flags = OP_ELEMENTWISE,
                                .scalar = scalar_divide_root,
                                .decompose = decompose_divide_root};

soma_value soma_divide_root(soma_value x, soma_value s, soma_value epsilon) {
    elementwise_attributes none = {{0, 0}};
    return graph_add3(&op_divide_root, &none, x, s, epsilon);
}
#endif
