/* isa/arrange.c: ops that only move elements: transpose, expand, slice, pad, concat. Each is one copy between two
 * arrays of strides. Axes that lie one behind the other on both sides are merged first; then runs that are contiguous
 * on both sides are copied whole, and planes that change places are transposed by vectors. Elements are floats or
 * int64. */
#include "backend/portable/isa/gemm.h"
#include "backend/portable/isa/kernels.h"
#include "ops/attributes.h"

typedef struct move {
    int rank;
    int64_t extent[SOMA_MAX_RANK], to[SOMA_MAX_RANK], from[SOMA_MAX_RANK]; /* strides in elements, outermost first */
    char *target;
    const char *source;
    size_t size; /* of an element */
} move;

static size_t element_size(const tensor *t) { return t->dtype == SOMA_INT64 ? sizeof(int64_t) : sizeof(float); }

/* Strides of a tensor in C order. */
static void strides_in_order(const soma_shape *s, int64_t strides[SOMA_MAX_RANK]) {
    int64_t step = 1;
    for (int d = s->rank - 1; d >= 0; d--) {
        strides[d] = step;
        step *= s->dims[d];
    }
}

/* A copy of the whole of `shape`, strides still to be changed. */
static void open(move *m, const soma_shape *shape, const tensor *to, const tensor *from) {
    m->rank = shape->rank;
    memcpy(m->extent, shape->dims, sizeof m->extent);
    strides_in_order(&to->shape, m->to);
    strides_in_order(&from->shape, m->from);
    m->target = to->data;
    m->source = from->data;
    m->size = element_size(to);
}

static void merge(move *m) {
    int rank = 0;
    for (int d = 0; d < m->rank; d++) {
        if (m->extent[d] == 1) continue;
        if (rank > 0 && m->to[rank - 1] == m->to[d] * m->extent[d] && m->from[rank - 1] == m->from[d] * m->extent[d]) {
            m->extent[rank - 1] *= m->extent[d];
        } else {
            m->extent[rank++] = m->extent[d];
        }
        m->to[rank - 1] = m->to[d];
        m->from[rank - 1] = m->from[d];
    }
    m->rank = rank;
}

#define COPY(type)                                                                                                     \
    static void copy_##type(type *to, int64_t to_step, const type *from, int64_t from_step, int64_t n) {               \
        if (to_step == 1 && from_step == 0) {                                                                          \
            type value = *from;                                                                                        \
            for (int64_t i = 0; i < n; i++) to[i] = value;                                                             \
        } else if (to_step == 1) {                                                                                     \
            for (int64_t i = 0; i < n; i++) to[i] = from[i * from_step];                                               \
        } else {                                                                                                       \
            for (int64_t i = 0; i < n; i++) to[i * to_step] = from[i * from_step];                                     \
        }                                                                                                              \
    }
COPY(float)
COPY(int64_t)

/* The innermost axis. */
static void copy_run(const move *m, char *to, const char *from) {
    int d = m->rank - 1;
    int64_t n = d < 0 ? 1 : m->extent[d], to_step = d < 0 ? 1 : m->to[d], from_step = d < 0 ? 1 : m->from[d];
    if (to_step == 1 && from_step == 1) {
        memcpy(to, from, (size_t)n * m->size);
    } else if (m->size == sizeof(float)) {
        copy_float((float *)(void *)to, to_step, (const float *)(const void *)from, from_step, n);
    } else {
        copy_int64_t((int64_t *)(void *)to, to_step, (const int64_t *)(const void *)from, from_step, n);
    }
}

/* Whether the two innermost axes change places. */
static bool transposes(const move *m) {
    int d = m->rank - 1;
    return m->rank >= 2 && m->size == sizeof(float) && m->to[d] == 1 && m->from[d - 1] == 1 && m->from[d] > 1;
}

static void copy_axis(const move *m, int axis, char *to, const char *from) {
    if (axis >= m->rank - 1) {
        copy_run(m, to, from);
        return;
    }
    if (axis == m->rank - 2 && transposes(m)) {
        gemm_transpose(m->extent[axis + 1], m->extent[axis], (const float *)(const void *)from, m->from[axis + 1],
                       (float *)(void *)to, m->to[axis]);
        return;
    }
    for (int64_t i = 0; i < m->extent[axis]; i++) {
        copy_axis(m, axis + 1, to, from);
        to += m->to[axis] * (int64_t)m->size;
        from += m->from[axis] * (int64_t)m->size;
    }
}

/* The thread's part of a copy, cut along its first axis. */
static void run(const kernel_call *call, int thread, move *m) {
    int64_t first = 0, end = 1;
    for (int d = 0; d < m->rank; d++) {
        if (m->extent[d] == 0) return;
    }
    if (m->rank == 0) {
        if (thread > 0) return;
    } else {
        kernel_range(call, thread, m->extent[0], &first, &end);
        m->extent[0] = end - first;
        m->target += first * m->to[0] * (int64_t)m->size;
        m->source += first * m->from[0] * (int64_t)m->size;
    }
    if (end == first) return;
    merge(m);
    copy_axis(m, 0, m->target, m->source);
}

partition KERNEL(transpose_partition)(const kernel_call *call) {
    const transpose_attributes *a = call->attributes;
    return kernel_split(call, shape_elements(&call->out[0].shape, 1), a->permutation[0] == 0);
}
void KERNEL(transpose_run)(const kernel_call *call, int thread) {
    const transpose_attributes *a = call->attributes;
    move m;
    int64_t strides[SOMA_MAX_RANK];
    open(&m, &call->out[0].shape, &call->out[0], &call->in[0]);
    memcpy(strides, m.from, sizeof strides);
    for (int d = 0; d < m.rank; d++) m.from[d] = strides[a->permutation[d]];
    run(call, thread, &m);
}

partition KERNEL(expand_partition)(const kernel_call *call) {
    return kernel_split(call, shape_elements(&call->out[0].shape, 1), true);
}
void KERNEL(expand_run)(const kernel_call *call, int thread) {
    const soma_shape *in = &call->in[0].shape;
    move m;
    int64_t strides[SOMA_MAX_RANK];
    open(&m, &call->out[0].shape, &call->out[0], &call->in[0]);
    memcpy(strides, m.from, sizeof strides);
    for (int d = 0; d < m.rank; d++) {
        int k = d - (m.rank - in->rank);
        m.from[d] = k < 0 || in->dims[k] == 1 ? 0 : strides[k];
    }
    run(call, thread, &m);
}

partition KERNEL(slice_partition)(const kernel_call *call) {
    return kernel_split(call, shape_elements(&call->out[0].shape, 1), true);
}
void KERNEL(slice_run)(const kernel_call *call, int thread) {
    const slice_attributes *a = call->attributes;
    move m;
    open(&m, &call->out[0].shape, &call->out[0], &call->in[0]);
    m.source += a->start * m.from[a->axis] * (int64_t)m.size;
    m.from[a->axis] *= a->step;
    run(call, thread, &m);
}

/* Padding along the first axis is cut among threads in another way than its copy: then one thread does both. */
partition KERNEL(pad_partition)(const kernel_call *call) {
    const pad_attributes *a = call->attributes;
    bool whole = call->out[0].shape.rank == 0 || a->before[0] != 0 || a->after[0] != 0;
    return whole ? PARTITION_SERIAL : kernel_split(call, shape_elements(&call->out[0].shape, 1), true);
}
void KERNEL(pad_run)(const kernel_call *call, int thread) {
    const pad_attributes *a = call->attributes;
    const soma_shape *s = &call->out[0].shape;
    int64_t first = 0, end = 1, row;
    move m;
    open(&m, &call->in[0].shape, &call->out[0], &call->in[0]);
    row = s->rank > 0 ? m.to[0] : 1;
    if (s->rank > 0) kernel_range(call, thread, s->dims[0], &first, &end);
    float *to = call->out[0].data, value = (float)a->value;
    for (int64_t i = first * row; i < end * row && (s->rank > 0 || thread == 0); i++) to[i] = value;
    for (int d = 0; d < s->rank; d++) m.target += a->before[d] * m.to[d] * (int64_t)m.size;
    run(call, thread, &m);
}

bool KERNEL(concat_accepts)(const kernel_call *call) { return call->inputs <= (int)COUNT_OF(call->in); }
partition KERNEL(concat_partition)(const kernel_call *call) {
    const axis_attributes *a = call->attributes;
    return a->axis == 0 ? PARTITION_SERIAL : kernel_split(call, shape_elements(&call->out[0].shape, 1), true);
}
void KERNEL(concat_run)(const kernel_call *call, int thread) {
    const axis_attributes *a = call->attributes;
    int64_t at = 0;
    for (int k = 0; k < call->inputs; k++) {
        move m;
        open(&m, &call->in[k].shape, &call->out[0], &call->in[k]);
        m.target += at * m.to[a->axis] * (int64_t)m.size;
        run(call, thread, &m);
        at += call->in[k].shape.dims[a->axis];
    }
}
