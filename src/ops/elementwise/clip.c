/* ops/elementwise/clip.c: x held between two bounds, p0 and p1. The gradient flows where x was left as it is, the
 * bounds included; a NaN stays one. */
#ifdef KERNEL_ISA
#include "backend/portable/isa/formula.h"
FORMULA1(clip, v_min(p1, v_max(p0, x)))
#else
#include "ops/elementwise.h"

#include <stdio.h>

static double scalar_clip(const double *x, const double *p) { return x[0] < p[0] ? p[0] : x[0] > p[1] ? p[1] : x[0]; }
static void gradient_clip(op_gradient *c) { gradient_slope(c, soma_equal(c->in[0], c->out[0])); }
static soma_value decompose_clip(soma_graph *g, const node *n, const soma_value *in) {
    const double *p = parameters_of(n);
    return soma_min2(soma_max2(in[0], soma_scalar(g, p[0])), soma_scalar(g, p[1]));
}
static void describe_clip(const void *attributes, char *text, size_t size) {
    const elementwise_attributes *a = attributes;
    snprintf(text, size, "%g to %g", a->parameter[0], a->parameter[1]);
}

const soma_op op_clip = {.name = "clip",
                         ELEMENTWISE(1),
                         .flags = OP_ELEMENTWISE,
                         .scalar = scalar_clip,
                         .gradient = gradient_clip,
                         .decompose = decompose_clip,
                         .describe = describe_clip};

soma_value soma_clip(soma_value x, double low, double high) {
    if (!(low <= high)) return graph_fail(x.graph, "clip: the bounds %g and %g leave nothing between them", low, high);
    return elementwise1(&op_clip, x, low, high);
}
#endif
