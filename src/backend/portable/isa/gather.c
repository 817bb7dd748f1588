/* isa/gather.c: slices picked by indices, their adjoint, and rows with a single one. An index of -extent .. -1 counts
 * from the end; any other index outside reads zeros and adds nowhere. */
#include "backend/portable/isa/kernels.h"
#include "ops/attributes.h"

/* [outer, extent, inner] and [outer, picked, inner]. */
typedef struct picking {
    int64_t outer, extent, inner, picked;
    const int64_t *indices;
} picking;

/* `whole` is the tensor that has the extent along the axis. */
static picking open(const kernel_call *call, const tensor *whole) {
    int axis = ((const axis_attributes *)call->attributes)->axis;
    const tensor *indices = &call->in[1];
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

/* Along the first axis samples could read one another's slices, unless what is picked from has no batch. */
partition KERNEL(gather_partition)(const kernel_call *call) {
    const soma_shape *s = &call->in[0].shape;
    bool own = ((const axis_attributes *)call->attributes)->axis > 0 || s->dims[0] != call->batch;
    return kernel_split(call, shape_elements(&call->out[0].shape, 1), own);
}

void KERNEL(gather_run)(const kernel_call *call, int thread) {
    picking p = open(call, &call->in[0]);
    size_t row = (size_t)p.inner * (call->in[0].dtype == SOMA_INT64 ? sizeof(int64_t) : sizeof(float));
    const char *x = call->in[0].data;
    char *y = call->out[0].data;
    int64_t first, end;
    kernel_range(call, thread, p.outer * p.picked, &first, &end);
    for (int64_t i = first; i < end && row > 0; i++) {
        int64_t at = place(&p, i % p.picked);
        if (at >= 0) {
            memcpy(y + (size_t)i * row, x + (size_t)(i / p.picked * p.extent + at) * row, row);
        } else {
            memset(y + (size_t)i * row, 0, row);
        }
    }
}

partition KERNEL(scatter_add_partition)(const kernel_call *call) {
    return kernel_split(call, shape_elements(&call->in[0].shape, 1),
                        ((const axis_attributes *)call->attributes)->axis > 0);
}

/* Every element is summed in the order of the indices, so threads may only share out what is outside or inside of the
 * axis. */
void KERNEL(scatter_add_run)(const kernel_call *call, int thread) {
    picking p = open(call, &call->out[0]);
    const float *u = call->in[0].data;
    float *y = call->out[0].data;
    int64_t first = 0, end = p.outer, from = 0, to = p.inner;
    if (call->partition == PARTITION_FREE && p.outer < call->threads) {
        partition_range(p.inner, thread, call->threads, &from, &to);
    } else {
        kernel_range(call, thread, p.outer, &first, &end);
    }
    for (int64_t o = first; o < end; o++) {
        for (int64_t k = 0; k < p.extent; k++) {
            float *row = y + (o * p.extent + k) * p.inner;
            for (int64_t i = from; i < to; i++) row[i] = 0;
        }
        for (int64_t k = 0; k < p.picked; k++) {
            int64_t at = place(&p, k);
            const float *source = u + (o * p.picked + k) * p.inner;
            float *row = y + (o * p.extent + at) * p.inner;
            for (int64_t i = from; i < to && at >= 0; i++) row[i] += source[i];
        }
    }
}

partition KERNEL(one_hot_partition)(const kernel_call *call) {
    return kernel_split(call, shape_elements(&call->out[0].shape, 1), true);
}
void KERNEL(one_hot_run)(const kernel_call *call, int thread) {
    int64_t depth = ((const one_hot_attributes *)call->attributes)->depth, first, end;
    const int64_t *k = call->in[0].data;
    float *y = call->out[0].data;
    kernel_range(call, thread, shape_elements(&call->in[0].shape, 1), &first, &end);
    for (int64_t i = first; i < end; i++) {
        for (int64_t d = 0; d < depth; d++) y[i * depth + d] = 0;
        if (k[i] >= 0 && k[i] < depth) y[i * depth + k[i]] = 1;
    }
}
