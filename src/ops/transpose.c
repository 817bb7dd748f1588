/* ops/transpose.c: axes in another order. The gradient is the transpose back. */
#include "graph/graph.h"
#include "ops/attributes.h"
#include "ops/strided.h"

#include <stdio.h>

static void infer_transpose(op_infer *i) {
    const transpose_attributes *a = i->attributes;
    const soma_shape *s = &i->in[0].shape;
    char text[SHAPE_TEXT];
    uint32_t seen = 0;
    soma_shape out = {s->rank, {0}};
    for (int d = 0; d < s->rank; d++) {
        int from = a->permutation[d];
        if (from < 0 || from >= s->rank || seen & SOMA_AXIS(from)) {
            infer_fail(i, "the permutation does not name each axis of %s once", shape_text(s, text));
            return;
        }
        seen |= SOMA_AXIS(from);
        out.dims[d] = s->dims[from];
    }
    i->out[0] = (tensor_type){i->in[0].dtype, out};
}

static void gradient_transpose(op_gradient *c) {
    const transpose_attributes *a = c->attributes;
    int back[SOMA_MAX_RANK] = {0}, rank = soma_value_shape(c->in[0]).rank;
    for (int d = 0; d < rank; d++) back[a->permutation[d]] = d;
    c->din[0] = soma_transpose(c->dout[0], back);
}

static void reference_transpose(const op_call *c) {
    const transpose_attributes *a = c->attributes;
    int64_t to[SOMA_MAX_RANK], in[SOMA_MAX_RANK], from[SOMA_MAX_RANK] = {0};
    strides_of(&c->out[0].shape, to);
    strides_of(&c->in[0].shape, in);
    for (int d = 0; d < c->out[0].shape.rank; d++) from[d] = in[a->permutation[d]];
    strided_copy(&c->out[0].shape, c->out[0].data, to, c->in[0].data, from);
}

const soma_op op_transpose = {.name = "transpose",
                              .inputs_min = 1,
                              .inputs_max = 1,
                              .outputs = 1,
                              .attributes_size = sizeof(transpose_attributes),
                              .infer = infer_transpose,
                              .gradient = gradient_transpose,
                              .reference = reference_transpose};

soma_value soma_transpose(soma_value x, const int *permutation) {
    transpose_attributes a;
    int rank = soma_value_shape(x).rank;
    bool moves = !value_ok(x);
    memset(&a, 0, sizeof a);
    for (int d = 0; d < rank; d++) {
        a.permutation[d] = permutation[d];
        moves |= permutation[d] != d;
    }
    return moves ? graph_add1(&op_transpose, &a, x) : x;
}
