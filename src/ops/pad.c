/* ops/pad.c: elements of one value around a tensor. The gradient cuts them off. */
#include "graph/graph.h"
#include "ops/attributes.h"
#include "ops/strided.h"

#include <stdio.h>

static void infer_pad(op_infer *i) {
    const pad_attributes *a = i->attributes;
    soma_shape s = i->in[0].shape;
    char text[SHAPE_TEXT];
    shape_text(&s, text);
    if (i->in[0].dtype != SOMA_FLOAT) {
        infer_fail(i, "the input holds int64, expected float");
        return;
    }
    for (int d = 0; d < s.rank; d++) {
        if (a->before[d] == 0 && a->after[d] == 0) continue;
        if (s.dims[d] < 0) {
            infer_fail(i, "axis %d of %s is the batch, which can't be padded", d, text);
            return;
        }
        if (a->before[d] < 0 || a->after[d] < 0 || __builtin_add_overflow(s.dims[d], a->before[d], &s.dims[d]) ||
            __builtin_add_overflow(s.dims[d], a->after[d], &s.dims[d])) {
            infer_fail(i, "axis %d of %s can't be padded by %lld and %lld", d, text, (long long)a->before[d],
                       (long long)a->after[d]);
            return;
        }
    }
    if (shape_elements(&s, 1) < 0)
        infer_fail(i, "the output has too many elements");
    else
        i->out[0] = (tensor_type){SOMA_FLOAT, s};
}

static void gradient_pad(op_gradient *c) {
    const pad_attributes *a = c->attributes;
    soma_shape s = soma_value_shape(c->in[0]);
    soma_value d = c->dout[0];
    for (int axis = 0; axis < s.rank; axis++)
        if (a->before[axis] || a->after[axis])
            d = soma_slice(d, axis, a->before[axis], a->before[axis] + s.dims[axis], 1);
    c->din[0] = d;
}

static void reference_pad(const op_call *c) {
    const pad_attributes *a = c->attributes;
    double *out = c->out[0].data;
    int64_t to[SOMA_MAX_RANK], from[SOMA_MAX_RANK], n = shape_elements(&c->out[0].shape, 1), first = 0;
    for (int64_t k = 0; k < n; k++) out[k] = a->value;
    strides_of(&c->out[0].shape, to);
    strides_of(&c->in[0].shape, from);
    for (int d = 0; d < c->in[0].shape.rank; d++) first += a->before[d] * to[d];
    if (shape_elements(&c->in[0].shape, 1) > 0) strided_copy(&c->in[0].shape, out + first, to, c->in[0].data, from);
}

const soma_op op_pad = {.name = "pad",
                        .inputs_min = 1,
                        .inputs_max = 1,
                        .outputs = 1,
                        .attributes_size = sizeof(pad_attributes),
                        .infer = infer_pad,
                        .gradient = gradient_pad,
                        .reference = reference_pad};

soma_value soma_pad(soma_value x, const int64_t *before, const int64_t *after, double value) {
    pad_attributes a;
    bool grows = !value_ok(x);
    memset(&a, 0, sizeof a);
    a.value = value;
    for (int d = 0; d < soma_value_shape(x).rank; d++) {
        a.before[d] = before[d];
        a.after[d] = after[d];
        grows |= before[d] || after[d];
    }
    return grows ? graph_add1(&op_pad, &a, x) : x;
}
