/* ops/gather.c: picking slices by index, its adjoint, and indices as rows of zeros with a single one. gather and
 * scatter_add are each other's gradient. An index of -extent .. -1 counts from the end; any other index outside reads
 * zeros and adds nowhere, so that both stay adjoint (and memory stays safe) whatever the indices are. */
#include "graph/graph.h"
#include "ops/attributes.h"

#include <stdio.h>

/* ---- gather and scatter_add -------------------------------------------------------------------------------------- */

/* [outer, extent, inner] is picked by [picked] indices to [outer, picked, inner]. */
static void infer_gather(op_infer *i) {
    const axis_attributes *a = i->attributes;
    const soma_shape *x = &i->in[0].shape, *k = &i->in[1].shape;
    char xt[SHAPE_TEXT], kt[SHAPE_TEXT];
    shape_text(x, xt), shape_text(k, kt);
    soma_shape out = {0, {0}};
    if (i->in[1].dtype != SOMA_INT64) {
        infer_fail(i, "the indices hold float, expected int64");
        return;
    }
    if (a->axis < 0 || a->axis >= x->rank) {
        infer_fail(i, "axis %d is outside the shape %s", a->axis, xt);
        return;
    }
    if (x->rank - 1 + k->rank > SOMA_MAX_RANK) {
        infer_fail(i, "%s picked by indices %s has more than %d dimensions", xt, kt, SOMA_MAX_RANK);
        return;
    }
    for (int d = 0; d < a->axis; d++) out.dims[out.rank++] = x->dims[d];
    for (int d = 0; d < k->rank; d++) out.dims[out.rank++] = k->dims[d];
    for (int d = a->axis + 1; d < x->rank; d++) out.dims[out.rank++] = x->dims[d];
    if (shape_elements(&out, 1) < 0)
        infer_fail(i, "the output has too many elements");
    else
        i->out[0] = (tensor_type){i->in[0].dtype, out};
}

static void infer_scatter(op_infer *i) {
    const axis_attributes *a = i->attributes;
    const soma_shape *u = &i->in[0].shape, *k = &i->in[1].shape;
    char ut[SHAPE_TEXT], kt[SHAPE_TEXT];
    shape_text(u, ut), shape_text(k, kt);
    int rank = u->rank - k->rank + 1;
    soma_shape out = {0, {0}};
    bool fits = rank >= 1 && a->axis >= 0 && a->axis < rank && a->extent > INT64_MIN;
    for (int d = 0; fits && d < k->rank; d++) fits = u->dims[a->axis + d] == k->dims[d];
    if (i->in[0].dtype != SOMA_FLOAT || i->in[1].dtype != SOMA_INT64) {
        infer_fail(i, "expected float updates and int64 indices");
        return;
    }
    if (!fits) {
        infer_fail(i, "updates of shape %s do not hold indices of shape %s at axis %d", ut, kt, a->axis);
        return;
    }
    for (int d = 0; d < a->axis; d++) out.dims[out.rank++] = u->dims[d];
    out.dims[out.rank++] = a->extent;
    for (int d = a->axis + k->rank; d < u->rank; d++) out.dims[out.rank++] = u->dims[d];
    if (out.rank > SOMA_MAX_RANK || shape_elements(&out, 1) < 0)
        infer_fail(i, "the output is too large");
    else
        i->out[0] = (tensor_type){SOMA_FLOAT, out};
}

static void gradient_gather(op_gradient *c) {
    int axis = ((const axis_attributes *)c->attributes)->axis;
    c->din[0] = soma_scatter_add(c->dout[0], c->in[1], axis, soma_value_shape(c->in[0]).dims[axis]);
}
static void gradient_scatter(op_gradient *c) {
    c->din[0] = soma_gather(c->dout[0], c->in[1], ((const axis_attributes *)c->attributes)->axis);
}

typedef struct picking {
    int64_t outer, extent, inner, picked;
    const int64_t *indices;
} picking;

/* `whole` is the tensor that has the extent along the axis. */
static picking picking_of(const tensor *whole, const tensor *indices, int axis) {
    picking p = {1, whole->shape.dims[axis], 1, shape_elements(&indices->shape, 1), indices->data};
    for (int d = 0; d < axis; d++) p.outer *= whole->shape.dims[d];
    for (int d = axis + 1; d < whole->shape.rank; d++) p.inner *= whole->shape.dims[d];
    return p;
}

/* The place that index k means, or -1. */
static int64_t place(const picking *p, int64_t k) {
    int64_t at = p->indices[k];
    if (at < 0 && at >= -p->extent) at += p->extent;
    return at >= 0 && at < p->extent ? at : -1;
}

static void reference_gather(const op_call *c) {
    picking p = picking_of(&c->in[0], &c->in[1], ((const axis_attributes *)c->attributes)->axis);
    const char *x = c->in[0].data;
    char *y = c->out[0].data;
    size_t row = (size_t)p.inner * 8; /* double or int64: all zero bits are 0 in both */
    for (int64_t o = 0; o < p.outer; o++)
        for (int64_t k = 0; k < p.picked; k++) {
            int64_t at = place(&p, k);
            char *to = y + (size_t)(o * p.picked + k) * row;
            if (row && at >= 0)
                memcpy(to, x + (size_t)(o * p.extent + at) * row, row);
            else if (row)
                memset(to, 0, row);
        }
}

static void reference_scatter(const op_call *c) {
    picking p = picking_of(&c->out[0], &c->in[1], ((const axis_attributes *)c->attributes)->axis);
    const double *u = c->in[0].data;
    double *y = c->out[0].data;
    for (int64_t k = 0; k < p.outer * p.extent * p.inner; k++) y[k] = 0;
    for (int64_t o = 0; o < p.outer; o++)
        for (int64_t k = 0; k < p.picked; k++) {
            int64_t at = place(&p, k);
            if (at < 0) continue;
            for (int64_t n = 0; n < p.inner; n++)
                y[(o * p.extent + at) * p.inner + n] += u[(o * p.picked + k) * p.inner + n];
        }
}

static void describe_axis(const void *attributes, char *text, size_t size) {
    snprintf(text, size, "axis %d", ((const axis_attributes *)attributes)->axis);
}

const soma_op op_gather = {.name = "gather",
                           .inputs_min = 2,
                           .inputs_max = 2,
                           .outputs = 1,
                           .attributes_size = sizeof(axis_attributes),
                           .infer = infer_gather,
                           .gradient = gradient_gather,
                           .reference = reference_gather,
                           .describe = describe_axis};
const soma_op op_scatter_add = {.name = "scatter_add",
                                .inputs_min = 2,
                                .inputs_max = 2,
                                .outputs = 1,
                                .attributes_size = sizeof(axis_attributes),
                                .infer = infer_scatter,
                                .gradient = gradient_scatter,
                                .reference = reference_scatter,
                                .describe = describe_axis};

soma_value soma_gather(soma_value x, soma_value indices, int axis) {
    axis_attributes a;
    memset(&a, 0, sizeof a);
    a.axis = axis < 0 ? axis + soma_value_shape(x).rank : axis;
    return graph_add2(&op_gather, &a, x, indices);
}

soma_value soma_scatter_add(soma_value updates, soma_value indices, int axis, int64_t extent) {
    axis_attributes a;
    memset(&a, 0, sizeof a);
    a.axis = axis < 0 ? axis + soma_value_shape(updates).rank - soma_value_shape(indices).rank + 1 : axis;
    a.extent = extent;
    return graph_add2(&op_scatter_add, &a, updates, indices);
}

/* ---- one_hot ----------------------------------------------------------------------------------------------------- */

static void infer_one_hot(op_infer *i) {
    const one_hot_attributes *a = i->attributes;
    soma_shape s = i->in[0].shape;
    if (i->in[0].dtype != SOMA_INT64) {
        infer_fail(i, "the indices hold float, expected int64");
    } else if (a->depth < 1 || s.rank == SOMA_MAX_RANK) {
        infer_fail(i, "depth %lld of indices with %d dimensions: expected at least 1 and fewer than %d dimensions",
                   (long long)a->depth, s.rank, SOMA_MAX_RANK);
    } else {
        s.dims[s.rank++] = a->depth;
        if (shape_elements(&s, 1) < 0)
            infer_fail(i, "the output has too many elements");
        else
            i->out[0] = (tensor_type){SOMA_FLOAT, s};
    }
}

static void reference_one_hot(const op_call *c) {
    int64_t depth = ((const one_hot_attributes *)c->attributes)->depth, n = shape_elements(&c->in[0].shape, 1);
    const int64_t *k = c->in[0].data;
    double *y = c->out[0].data;
    for (int64_t i = 0; i < n; i++)
        for (int64_t d = 0; d < depth; d++) y[i * depth + d] = k[i] == d;
}

const soma_op op_one_hot = {.name = "one_hot",
                            .inputs_min = 1,
                            .inputs_max = 1,
                            .outputs = 1,
                            .attributes_size = sizeof(one_hot_attributes),
                            .infer = infer_one_hot,
                            .reference = reference_one_hot};

soma_value soma_one_hot(soma_value indices, int64_t depth) {
    one_hot_attributes a = {depth};
    return graph_add1(&op_one_hot, &a, indices);
}
