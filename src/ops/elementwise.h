/* ops/elementwise.h: what the files of ops/elementwise share. Such a file is compiled twice: once as it is, for the
 * descriptor, and once per instruction set with KERNEL_ISA defined, for the formula in simd.h's words. */
#ifndef OPS_ELEMENTWISE_H
#define OPS_ELEMENTWISE_H

#include "graph/graph.h"

#include <math.h>

/* The fields of a descriptor that all element-wise ops have alike. */
#define ELEMENTWISE(arity)                                                                                             \
    .inputs_min = (arity), .inputs_max = (arity), .outputs = 1, .attributes_size = sizeof(elementwise_attributes),     \
    .infer = elementwise_infer, .reference = elementwise_reference

/* x + c, x * c: a constant takes part as a scalar of the graph. */
static inline soma_value plus(soma_value x, double c) { return soma_add(x, soma_scalar(x.graph, c)); }
static inline soma_value times(soma_value x, double c) { return soma_mul(x, soma_scalar(x.graph, c)); }

/* In gradient rules: the gradient of a single input is the output's times `slope`. */
static inline void gradient_slope(op_gradient *c, soma_value slope) { c->din[0] = soma_mul(c->dout[0], slope); }

/* The parameters of a node. */
static inline const double *parameters_of(const node *n) {
    return ((const elementwise_attributes *)n->attributes)->parameter;
}

#endif
