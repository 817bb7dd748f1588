/* ops/reduce.c: sum, largest and smallest element over a set of axes, the place of the largest, and the number of
 * elements that an axis has. A mean is a sum divided by that number, which the plan knows as soon as it knows the
 * batch. The gradient of a sum repeats; the gradient of a maximum goes to the largest elements, in equal shares, as in
 * PyTorch's amax. */
#include "graph/graph.h"
#include "ops/attributes.h"

#include <math.h>
#include <stdio.h>

/* The shape that is left. */
static soma_shape reduced(const soma_shape *s, uint32_t axes, bool keep) {
    soma_shape out = {0, {0}};
    for (int d = 0; d < s->rank; d++)
        if (!(axes & SOMA_AXIS(d)))
            out.dims[out.rank++] = s->dims[d];
        else if (keep)
            out.dims[out.rank++] = 1;
    return out;
}

static void infer_reduce(op_infer *i) {
    const reduce_attributes *a = i->attributes;
    const soma_shape *s = &i->in[0].shape;
    char text[SHAPE_TEXT];
    if (i->in[0].dtype != SOMA_FLOAT) {
        infer_fail(i, "the input holds int64, expected float");
        return;
    }
    if (s->rank < 32 && a->axes >> s->rank) {
        infer_fail(i, "an axis of the set 0x%x is outside the shape %s", a->axes, shape_text(s, text));
        return;
    }
    i->out[0] = (tensor_type){SOMA_FLOAT, reduced(s, a->axes, a->keep)};
}

/* For input element `index`, the place of its group in the output. */
static int64_t group_of(const soma_shape *s, uint32_t axes, int64_t index) {
    int64_t result = 0, step = 1;
    for (int d = s->rank - 1; d >= 0; d--) {
        int64_t at = index % s->dims[d];
        index /= s->dims[d];
        if (axes & SOMA_AXIS(d)) continue;
        result += at * step;
        step *= s->dims[d];
    }
    return result;
}

static double sum_of(double a, double b) { return a + b; }
static double max_of(double a, double b) { return isnan(a) || a >= b ? a : b; }
static double min_of(double a, double b) { return isnan(a) || a <= b ? a : b; }

static void reduce(const op_call *c, double start, double (*combine)(double, double)) {
    const reduce_attributes *a = c->attributes;
    const soma_shape *s = &c->in[0].shape;
    const double *x = c->in[0].data;
    double *y = c->out[0].data;
    int64_t n = shape_elements(s, 1), groups = shape_elements(&c->out[0].shape, 1);
    for (int64_t g = 0; g < groups; g++) y[g] = start;
    for (int64_t i = 0; i < n; i++) {
        int64_t g = group_of(s, a->axes, i);
        y[g] = combine(y[g], x[i]);
    }
}
static void reference_sum(const op_call *c) { reduce(c, 0, sum_of); }
static void reference_max(const op_call *c) { reduce(c, -INFINITY, max_of); }
static void reference_min(const op_call *c) { reduce(c, INFINITY, min_of); }

/* v, an output of the reduction, with its axes back as extents of 1. */
static soma_value with_axes(soma_value v, soma_value x, uint32_t axes) {
    soma_shape s = soma_value_shape(x);
    return soma_reshape(v, reduced(&s, axes, true));
}

static void gradient_sum(op_gradient *c) {
    const reduce_attributes *a = c->attributes;
    c->din[0] = soma_expand(with_axes(c->dout[0], c->in[0], a->axes), soma_value_shape(c->in[0]));
}

static void gradient_best(op_gradient *c) {
    const reduce_attributes *a = c->attributes;
    soma_value best = with_axes(c->out[0], c->in[0], a->axes), d = with_axes(c->dout[0], c->in[0], a->axes);
    soma_value is_best = soma_equal(c->in[0], best);
    c->din[0] = soma_mul(is_best, soma_div(d, soma_reduce_sum(is_best, a->axes, true)));
}

/* Over axes of one element there is nothing to reduce. */
static soma_value simplify_reduce(soma_graph *g, const node *n, const soma_value *in) {
    const reduce_attributes *a = n->attributes;
    soma_value none = {g, 0, 0};
    soma_shape s = soma_value_shape(in[0]);
    for (int d = 0; d < s.rank; d++)
        if (a->axes & SOMA_AXIS(d) && s.dims[d] != 1) return none;
    return soma_reshape(in[0], reduced(&s, a->axes, a->keep));
}

static void describe_reduce(const void *attributes, char *text, size_t size) {
    const reduce_attributes *a = attributes;
    size_t at = 0;
    for (int d = 0; d < SOMA_MAX_RANK; d++)
        if (a->axes & SOMA_AXIS(d) && at < size)
            at += (size_t)snprintf(text + at, size - at, "%s%d", at ? ", " : "over axes ", d);
}

const soma_op op_reduce_sum = {.name = "reduce_sum",
                               .inputs_min = 1,
                               .inputs_max = 1,
                               .outputs = 1,
                               .attributes_size = sizeof(reduce_attributes),
                               .infer = infer_reduce,
                               .gradient = gradient_sum,
                               .reference = reference_sum,
                               .simplify = simplify_reduce,
                               .describe = describe_reduce};
const soma_op op_reduce_max = {.name = "reduce_max",
                               .inputs_min = 1,
                               .inputs_max = 1,
                               .outputs = 1,
                               .attributes_size = sizeof(reduce_attributes),
                               .infer = infer_reduce,
                               .gradient = gradient_best,
                               .reference = reference_max,
                               .simplify = simplify_reduce,
                               .describe = describe_reduce};
const soma_op op_reduce_min = {.name = "reduce_min",
                               .inputs_min = 1,
                               .inputs_max = 1,
                               .outputs = 1,
                               .attributes_size = sizeof(reduce_attributes),
                               .infer = infer_reduce,
                               .gradient = gradient_best,
                               .reference = reference_min,
                               .simplify = simplify_reduce,
                               .describe = describe_reduce};

/* 0 stands for all axes; axes whose extents are 1 need no arithmetic. */
static soma_value add_reduce(const soma_op *op, soma_value x, uint32_t axes, bool keep) {
    soma_shape s = soma_value_shape(x);
    bool all_ones = true;
    if (axes == SOMA_ALL_AXES) axes = SOMA_AXIS(s.rank) - 1;
    for (int d = 0; d < s.rank; d++) all_ones &= !(axes & SOMA_AXIS(d)) || s.dims[d] == 1;
    if (value_ok(x) && all_ones && !(axes >> s.rank) && soma_value_dtype(x) == SOMA_FLOAT)
        return soma_reshape(x, reduced(&s, axes, keep));
    reduce_attributes a;
    memset(&a, 0, sizeof a);
    a.axes = axes;
    a.keep = keep;
    return graph_add1(op, &a, x);
}

soma_value soma_reduce_sum(soma_value x, uint32_t axes, bool keep) { return add_reduce(&op_reduce_sum, x, axes, keep); }
soma_value soma_reduce_max(soma_value x, uint32_t axes, bool keep) { return add_reduce(&op_reduce_max, x, axes, keep); }
soma_value soma_reduce_min(soma_value x, uint32_t axes, bool keep) { return add_reduce(&op_reduce_min, x, axes, keep); }
soma_value soma_reduce_mean(soma_value x, uint32_t axes, bool keep) {
    return soma_div(soma_reduce_sum(x, axes, keep), soma_extent(x, axes));
}
soma_value soma_sum(soma_value x) { return soma_reduce_sum(x, SOMA_ALL_AXES, false); }
soma_value soma_mean(soma_value x) { return soma_reduce_mean(x, SOMA_ALL_AXES, false); }

/* ---- argmax ------------------------------------------------------------------------------------------------------ */

static void infer_argmax(op_infer *i) {
    const axis_attributes *a = i->attributes;
    const soma_shape *s = &i->in[0].shape;
    char text[SHAPE_TEXT];
    if (i->in[0].dtype != SOMA_FLOAT)
        infer_fail(i, "the input holds int64, expected float");
    else if (a->axis < 0 || a->axis >= s->rank)
        infer_fail(i, "axis %d is outside the shape %s", a->axis, shape_text(s, text));
    else if (s->dims[a->axis] == 0)
        infer_fail(i, "axis %d of %s has no elements", a->axis, shape_text(s, text));
    else
        i->out[0] = (tensor_type){SOMA_INT64, reduced(s, SOMA_AXIS(a->axis), a->keep)};
}

static void reference_argmax(const op_call *c) {
    const axis_attributes *a = c->attributes;
    const soma_shape *s = &c->in[0].shape;
    const double *x = c->in[0].data;
    int64_t *y = c->out[0].data, n = s->dims[a->axis], inner = 1, outer = 1;
    for (int d = 0; d < a->axis; d++) outer *= s->dims[d];
    for (int d = a->axis + 1; d < s->rank; d++) inner *= s->dims[d];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            const double *row = x + o * n * inner + i;
            int64_t best = 0;
            for (int64_t k = 1; k < n; k++)
                if (!isnan(row[best * inner]) && !(row[k * inner] <= row[best * inner])) best = k;
            y[o * inner + i] = best;
        }
}

static void describe_argmax(const void *attributes, char *text, size_t size) {
    snprintf(text, size, "axis %d", ((const axis_attributes *)attributes)->axis);
}

const soma_op op_argmax = {.name = "argmax",
                           .inputs_min = 1,
                           .inputs_max = 1,
                           .outputs = 1,
                           .attributes_size = sizeof(axis_attributes),
                           .infer = infer_argmax,
                           .reference = reference_argmax,
                           .describe = describe_argmax};

soma_value soma_argmax(soma_value x, int axis, bool keep) {
    axis_attributes a;
    memset(&a, 0, sizeof a);
    a.axis = axis < 0 ? axis + soma_value_shape(x).rank : axis;
    a.keep = keep;
    return graph_add1(&op_argmax, &a, x);
}

/* ---- extent ------------------------------------------------------------------------------------------------------ */

static void infer_extent(op_infer *i) {
    const extent_attributes *a = i->attributes;
    char text[SHAPE_TEXT];
    if (a->axes >> i->in[0].shape.rank)
        infer_fail(i, "an axis of the set 0x%x is outside the shape %s", a->axes, shape_text(&i->in[0].shape, text));
    else
        i->out[0] = (tensor_type){SOMA_FLOAT, soma_shape0()};
}

static void reference_extent(const op_call *c) {
    const extent_attributes *a = c->attributes;
    double n = 1;
    for (int d = 0; d < c->in[0].shape.rank; d++)
        if (a->axes & SOMA_AXIS(d)) n *= (double)c->in[0].shape.dims[d];
    *(double *)c->out[0].data = n;
}

const soma_op op_extent = {.name = "extent",
                           .inputs_min = 1,
                           .inputs_max = 1,
                           .outputs = 1,
                           .flags = OP_SHAPE,
                           .attributes_size = sizeof(extent_attributes),
                           .infer = infer_extent,
                           .reference = reference_extent};

soma_value soma_extent(soma_value x, uint32_t axes) {
    soma_shape s = soma_value_shape(x);
    if (axes == SOMA_ALL_AXES) axes = SOMA_AXIS(s.rank) - 1;
    bool batch = false;
    double n = 1;
    for (int d = 0; d < s.rank; d++)
        if (axes & SOMA_AXIS(d)) {
            batch |= s.dims[d] < 0;
            n *= (double)s.dims[d];
        }
    if (value_ok(x) && !batch && !(axes >> s.rank)) return soma_scalar(x.graph, n);
    extent_attributes a = {axes};
    return graph_add1(&op_extent, &a, x);
}
