/* ops/slice.c: every step-th element of a part of one axis. The gradient puts them back where they were: by padding
 * where the part is contiguous, else by adding at a list of places. */
#include "graph/graph.h"
#include "ops/attributes.h"
#include "ops/strided.h"

#include <stdio.h>

static int64_t slice_extent(const slice_attributes *a) {
    return a->stop > a->start ? (a->stop - a->start - 1) / a->step + 1 : 0;
}

static void infer_slice(op_infer *i) {
    const slice_attributes *a = i->attributes;
    soma_shape s = i->in[0].shape;
    char text[SHAPE_TEXT];
    shape_text(&s, text);
    if (a->axis < 0 || a->axis >= s.rank)
        infer_fail(i, "axis %d is outside the shape %s", a->axis, text);
    else if (s.dims[a->axis] < 0)
        infer_fail(i, "axis %d of %s is the batch, which can't be cut", a->axis, text);
    else if (a->step < 1)
        infer_fail(i, "the step is %lld, expected 1 or more", (long long)a->step);
    else if (a->start < 0 || a->stop < a->start || a->stop > s.dims[a->axis])
        infer_fail(i, "elements %lld up to %lld are not inside axis %d of %s", (long long)a->start, (long long)a->stop,
                   a->axis, text);
    else {
        s.dims[a->axis] = slice_extent(a);
        i->out[0] = (tensor_type){i->in[0].dtype, s};
    }
}

static void gradient_slice(op_gradient *c) {
    const slice_attributes *a = c->attributes;
    soma_shape s = soma_value_shape(c->in[0]);
    int64_t extent = s.dims[a->axis], count = slice_extent(a);
    if (a->step == 1 || count <= 1) {
        int64_t before[SOMA_MAX_RANK] = {0}, after[SOMA_MAX_RANK] = {0};
        before[a->axis] = a->start;
        after[a->axis] = extent - a->start - count;
        c->din[0] = soma_pad(c->dout[0], before, after, 0);
        return;
    }
    int64_t *places = mem_array(c->graph->context, (size_t)count, sizeof *places);
    if (!places) {
        error_memory(&c->graph->error);
        return;
    }
    for (int64_t k = 0; k < count; k++) places[k] = a->start + k * a->step;
    c->din[0] =
        soma_scatter_add(c->dout[0], soma_constant_int64(c->graph, soma_shape1(count), places), a->axis, extent);
    mem_free(c->graph->context, places);
}

static void reference_slice(const op_call *c) {
    const slice_attributes *a = c->attributes;
    int64_t to[SOMA_MAX_RANK], from[SOMA_MAX_RANK];
    strides_of(&c->out[0].shape, to);
    strides_of(&c->in[0].shape, from);
    const char *first = (const char *)c->in[0].data + a->start * from[a->axis] * 8;
    from[a->axis] *= a->step;
    strided_copy(&c->out[0].shape, c->out[0].data, to, first, from);
}

static void describe_slice(const void *attributes, char *text, size_t size) {
    const slice_attributes *a = attributes;
    snprintf(text, size, "axis %d from %lld below %lld by %lld", a->axis, (long long)a->start, (long long)a->stop,
             (long long)a->step);
}

const soma_op op_slice = {.name = "slice",
                          .inputs_min = 1,
                          .inputs_max = 1,
                          .outputs = 1,
                          .attributes_size = sizeof(slice_attributes),
                          .infer = infer_slice,
                          .gradient = gradient_slice,
                          .reference = reference_slice,
                          .describe = describe_slice};

soma_value soma_slice(soma_value x, int axis, int64_t start, int64_t stop, int64_t step) {
    slice_attributes a;
    soma_shape s = soma_value_shape(x);
    memset(&a, 0, sizeof a);
    a.axis = axis < 0 ? axis + s.rank : axis;
    a.start = start;
    a.stop = stop;
    a.step = step;
    bool all = value_ok(x) && a.axis >= 0 && a.axis < s.rank && start == 0 && stop == s.dims[a.axis] && step == 1;
    return all ? x : graph_add1(&op_slice, &a, x);
}
