/* ops/reshape.c: the same elements under another shape, and elements repeated by broadcasting. A reshape costs nothing:
 * its output is the input's memory. Shapes that hold the batch must agree in how many elements there are for each of
 * its samples. */
#include "graph/graph.h"
#include "ops/attributes.h"
#include "ops/strided.h"

/* ---- reshape ----------------------------------------------------------------------------------------------------- */

static void infer_reshape(op_infer *i) {
    const shape_attributes *a = i->attributes;
    const soma_shape *from = &i->in[0].shape, *to = &a->shape;
    char x[SHAPE_TEXT], y[SHAPE_TEXT];
    int64_t n = shape_elements(from, 1), m = shape_elements(to, 1);
    if (m < 0)
        infer_fail(i, "the shape %s has too many elements", shape_text(to, y));
    else if (n != m || shape_has_batch(from) != shape_has_batch(to))
        infer_fail(i, "%s can't become %s: they differ in the number of elements", shape_text(from, x),
                   shape_text(to, y));
    else
        i->out[0] = (tensor_type){i->in[0].dtype, *to};
}

static void gradient_reshape(op_gradient *c) { c->din[0] = soma_reshape(c->dout[0], soma_value_shape(c->in[0])); }

static void reference_reshape(const op_call *c) {
    size_t n = (size_t)shape_elements(&c->out[0].shape, 1);
    if (n && c->out[0].data != c->in[0].data) memmove(c->out[0].data, c->in[0].data, n * sizeof(double));
}

const soma_op op_reshape = {.name = "reshape",
                            .inputs_min = 1,
                            .inputs_max = 1,
                            .outputs = 1,
                            .flags = OP_ALIAS,
                            .attributes_size = sizeof(shape_attributes),
                            .shape_at = 1 + offsetof(shape_attributes, shape),
                            .infer = infer_reshape,
                            .gradient = gradient_reshape,
                            .reference = reference_reshape};

/* Attributes that hold nothing behind the shape's rank; false when the rank is not one. */
static bool shape_taken(soma_graph *g, const char *what, const soma_shape *shape, shape_attributes *a) {
    memset(a, 0, sizeof *a);
    if (shape->rank < 0 || shape->rank > SOMA_MAX_RANK) {
        graph_fail(g, "%s: a shape has 0 to %d dimensions, not %d", what, SOMA_MAX_RANK, shape->rank);
        return false;
    }
    a->shape.rank = shape->rank;
    for (int d = 0; d < shape->rank; d++) {
        a->shape.dims[d] = shape->dims[d];
        if (shape->dims[d] != INT64_MIN) continue; /* has no absolute value */
        graph_fail(g, "%s: a dimension of the shape is out of range", what);
        return false;
    }
    return true;
}

soma_value soma_reshape(soma_value x, soma_shape shape) {
    shape_attributes a;
    soma_shape s = soma_value_shape(x);
    if (!shape_taken(x.graph, "reshape", &shape, &a)) return (soma_value){x.graph, 0, 0};
    if (value_ok(x) && shape_equal(&s, &shape)) return x;
    /* A reshape of a reshape starts from the first one's input. */
    const node *n = value_node(x);
    if (n && n->op == &op_reshape && !n->name) return soma_reshape(graph_value(x.graph, n->inputs[0]), shape);
    return graph_add1(&op_reshape, &a, x);
}

soma_value soma_flatten(soma_value x) {
    soma_shape s = soma_value_shape(x);
    if (!value_ok(x)) return soma_reshape(x, s);
    if (s.rank < 1) return graph_fail(x.graph, "flatten: the input is a scalar, expected a first dimension");
    soma_shape rest = shape_of(s.rank - 1, s.dims + 1);
    if (shape_has_batch(&rest))
        return graph_fail(x.graph, "flatten: only the first dimension of the input may be the batch");
    return soma_reshape(x, soma_shape2(s.dims[0], shape_elements(&rest, 1)));
}

/* ---- expand ------------------------------------------------------------------------------------------------------ */

static void infer_expand(op_infer *i) {
    const shape_attributes *a = i->attributes;
    const soma_shape *from = &i->in[0].shape, *to = &a->shape;
    char x[SHAPE_TEXT], y[SHAPE_TEXT];
    soma_shape both;
    if (shape_elements(to, 1) < 0)
        infer_fail(i, "the shape %s has too many elements", shape_text(to, y));
    else if (!shape_broadcast(from, to, &both) || !shape_equal(&both, to))
        infer_fail(i, "%s does not broadcast to %s", shape_text(from, x), shape_text(to, y));
    else
        i->out[0] = (tensor_type){i->in[0].dtype, *to};
}

static void gradient_expand(op_gradient *c) { c->din[0] = gradient_unbroadcast(c->dout[0], c->in[0]); }

static void reference_expand(const op_call *c) {
    int64_t to[SOMA_MAX_RANK], from[SOMA_MAX_RANK];
    strides_of(&c->out[0].shape, to);
    strides_broadcast(&c->in[0].shape, &c->out[0].shape, from);
    strided_copy(&c->out[0].shape, c->out[0].data, to, c->in[0].data, from);
}

const soma_op op_expand = {.name = "expand",
                           .inputs_min = 1,
                           .inputs_max = 1,
                           .outputs = 1,
                           .flags = OP_BROADCAST,
                           .attributes_size = sizeof(shape_attributes),
                           .shape_at = 1 + offsetof(shape_attributes, shape),
                           .infer = infer_expand,
                           .gradient = gradient_expand,
                           .reference = reference_expand};

soma_value soma_expand(soma_value x, soma_shape shape) {
    shape_attributes a;
    soma_shape s = soma_value_shape(x);
    if (!shape_taken(x.graph, "expand", &shape, &a)) return (soma_value){x.graph, 0, 0};
    if (value_ok(x) && shape_equal(&s, &shape)) return x;
    return graph_add1(&op_expand, &a, x);
}
