/* ops/concat.c: tensors one after another along an axis. The gradient cuts them apart again. */
#include "graph/graph.h"
#include "ops/attributes.h"
#include "ops/strided.h"

#include <stdio.h>

static void infer_concat(op_infer *i) {
    const axis_attributes *a = i->attributes;
    soma_shape out = i->in[0].shape;
    char x[SHAPE_TEXT], y[SHAPE_TEXT];
    if (a->axis < 0 || a->axis >= out.rank) {
        infer_fail(i, "axis %d is outside the shape %s", a->axis, shape_text(&out, x));
        return;
    }
    int64_t extent = 0;
    for (int k = 0; k < i->inputs; k++) {
        soma_shape s = i->in[k].shape;
        bool fits = s.rank == out.rank && i->in[k].dtype == i->in[0].dtype;
        for (int d = 0; fits && d < s.rank; d++) fits = d == a->axis || s.dims[d] == out.dims[d];
        if (!fits) {
            infer_fail(i, "input %d of shape %s and input 1 of shape %s do not match outside axis %d", k + 1,
                       shape_text(&s, y), shape_text(&i->in[0].shape, x), a->axis);
            return;
        }
        if (s.dims[a->axis] < 0) {
            infer_fail(i, "axis %d of %s is the batch, along which nothing can be joined", a->axis, shape_text(&s, y));
            return;
        }
        if (__builtin_add_overflow(extent, s.dims[a->axis], &extent)) {
            infer_fail(i, "axis %d becomes too long", a->axis);
            return;
        }
    }
    out.dims[a->axis] = extent;
    if (shape_elements(&out, 1) < 0)
        infer_fail(i, "the output has too many elements");
    else
        i->out[0] = (tensor_type){i->in[0].dtype, out};
}

static void gradient_concat(op_gradient *c) {
    int axis = ((const axis_attributes *)c->attributes)->axis;
    int64_t at = 0;
    for (int k = 0; k < c->inputs; k++) {
        int64_t extent = soma_value_shape(c->in[k]).dims[axis];
        if (c->wanted[k]) c->din[k] = soma_slice(c->dout[0], axis, at, at + extent, 1);
        at += extent;
    }
}

static void reference_concat(const op_call *c) {
    int axis = ((const axis_attributes *)c->attributes)->axis;
    int64_t to[SOMA_MAX_RANK], from[SOMA_MAX_RANK], at = 0;
    strides_of(&c->out[0].shape, to);
    for (int k = 0; k < c->inputs; k++) {
        strides_of(&c->in[k].shape, from);
        strided_copy(&c->in[k].shape, (char *)c->out[0].data + at * to[axis] * 8, to, c->in[k].data, from);
        at += c->in[k].shape.dims[axis];
    }
}

static void describe_concat(const void *attributes, char *text, size_t size) {
    snprintf(text, size, "axis %d", ((const axis_attributes *)attributes)->axis);
}

const soma_op op_concat = {.name = "concat",
                           .inputs_min = 1,
                           .inputs_max = OP_MAX_INPUTS,
                           .outputs = 1,
                           .attributes_size = sizeof(axis_attributes),
                           .infer = infer_concat,
                           .gradient = gradient_concat,
                           .reference = reference_concat,
                           .describe = describe_concat};

soma_value soma_concat(const soma_value *values, int count, int axis) {
    soma_value none = {NULL, 0, 0};
    if (count < 1) return none;
    axis_attributes a;
    memset(&a, 0, sizeof a);
    a.axis = axis < 0 ? axis + soma_value_shape(values[0]).rank : axis;
    return graph_add(values[0].graph, &op_concat, &a, values, count);
}
