/* ops/elementwise.c: what all element-wise ops share: NumPy's broadcasting as shape rule, and the reference kernel that
 * calls an op's scalar formula for every element. */
#include "graph/graph.h"

void elementwise_infer(op_infer *i) {
    soma_shape s = i->in[0].shape;
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    for (int k = 0; k < i->inputs; k++) {
        if (i->in[k].dtype != SOMA_FLOAT) {
            infer_fail(i, "input %d holds int64, expected float", k + 1);
            return;
        }
        if (!shape_broadcast(&s, &i->in[k].shape, &s)) {
            infer_fail(i, "shapes %s and %s do not broadcast", shape_text(&s, a), shape_text(&i->in[k].shape, b));
            return;
        }
    }
    i->out[0] = (tensor_type){SOMA_FLOAT, s};
}

void elementwise_reference(const op_call *c) {
    const soma_shape *s = &c->out[0].shape;
    const elementwise_attributes *a = c->attributes;
    int64_t n = shape_elements(s, 1), index[SOMA_MAX_RANK] = {0}, stride[3][SOMA_MAX_RANK] = {{0}}, at[3] = {0};
    double *out = c->out[0].data;
    for (int k = 0; k < c->inputs; k++) {
        const soma_shape *t = &c->in[k].shape;
        int64_t step = 1;
        for (int d = t->rank - 1; d >= 0; d--) {
            stride[k][d + s->rank - t->rank] = t->dims[d] == 1 ? 0 : step;
            step *= t->dims[d];
        }
    }
    for (int64_t i = 0; i < n; i++) {
        double x[3] = {0, 0, 0};
        for (int k = 0; k < c->inputs; k++) x[k] = ((const double *)c->in[k].data)[at[k]];
        out[i] = c->op->scalar(x, a->parameter);
        for (int d = s->rank - 1; d >= 0; d--) {
            index[d]++;
            for (int k = 0; k < c->inputs; k++) at[k] += stride[k][d];
            if (index[d] < s->dims[d]) break;
            for (int k = 0; k < c->inputs; k++) at[k] -= stride[k][d] * s->dims[d];
            index[d] = 0;
        }
    }
}

soma_value elementwise1(const soma_op *op, soma_value x, double p0, double p1) {
    elementwise_attributes a = {{p0, p1}};
    return graph_add1(op, &a, x);
}

soma_value elementwise2(const soma_op *op, soma_value a, soma_value b) {
    elementwise_attributes none = {{0, 0}};
    return graph_add2(op, &none, a, b);
}
