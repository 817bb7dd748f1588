/* isa/kernels.h: the functions that make up the backend's table of kernels (kernels.c). */
#ifndef ISA_KERNELS_H
#define ISA_KERNELS_H

#include "backend/portable/isa/simd.h"
#include "backend/portable/portable.h"

/* Operations below which a step is not worth a second thread; elements, where hardly more is done than moving them. */
#define KERNEL_TINY          50e3
#define KERNEL_TINY_ELEMENTS 32768

/* The part [*first, *end) of `units` that thread `thread` does; under PARTITION_BATCH every sample has equally many. */
static inline void kernel_range(const kernel_call *call, int thread, int64_t units, int64_t *first, int64_t *end) {
    if (call->partition == PARTITION_SERIAL) {
        *first = 0;
        *end = thread == 0 ? units : 0;
    } else if (call->partition == PARTITION_BATCH) {
        int64_t each = call->batch > 0 ? units / call->batch : 0;
        partition_range(call->batch, thread, call->threads, first, end);
        *first *= each;
        *end *= each;
    } else {
        partition_range(units, thread, call->threads, first, end);
    }
}

/* Whether threads share out a picture's rows, each of them the same rows from step to step, so that it finds most of
 * what it reads in its own caches: what another processor wrote may come from far. In small pictures most cache lines
 * lie near the rows where two threads meet, and go to and fro between them. */
static inline bool kernel_by_rows(const kernel_call *call) {
    enum { FEWEST = 15 }; /* a thread */
    return call->partition == PARTITION_FREE && call->out[0].shape.dims[2] >= FEWEST * call->threads;
}

/* The split of a step with an output that has the batch first, or not, and `tiny`: not worth a second thread. Between
 * steps that are split by samples stands no barrier, so even tiny ones are. */
static inline partition kernel_choose(const kernel_call *call, bool by_sample, bool tiny) {
    const soma_shape *s = &call->out[0].shape;
    if (by_sample && s->rank > 0 && s->dims[0] == call->batch && (tiny || call->batch >= call->threads)) {
        return PARTITION_BATCH;
    }
    return tiny ? PARTITION_SERIAL : PARTITION_FREE;
}

/* The same for a step that does little with each element. */
static inline partition kernel_split(const kernel_call *call, int64_t elements, bool by_sample) {
    return kernel_choose(call, by_sample, elements < KERNEL_TINY_ELEMENTS);
}

/* Elements [first, end) in C order of an output [.., rows, columns], lying at `tile`, through the epilogue. */
static inline void kernel_finish(const kernel_call *call, float *tile, int64_t rows, int64_t columns, int64_t first,
                                 int64_t end, char *scratch) {
    while (first < end) {
        int64_t row = first / columns, j = first % columns, i = row % rows, count = 1, width = columns - j;
        if (j == 0 && end - first >= columns) {
            count = (end - first) / columns < rows - i ? (end - first) / columns : rows - i;
        } else if (width > end - first) {
            width = end - first;
        }
        epilogue_apply(call->epilogue, call->isa, tile, width, row / rows, i, j, count, width, scratch);
        tile += count * width;
        first += count * width;
    }
}

/* Elements of a plane of [N, C, height, width]; planes of the output that go through the epilogue together, at most a
 * sample's. */
static inline int64_t kernel_area(const tensor *t) { return t->shape.dims[2] * t->shape.dims[3]; }
static inline int64_t kernel_planes(const kernel_call *call) {
    const int64_t tile = 4096, channels = call->out[0].shape.dims[1], fit = tile / kernel_area(&call->out[0]);
    return fit < 1 ? 1 : fit < channels ? fit : channels;
}

/* Whether the epilogue of a call can be applied to registers; where size counts, there is no code for it. */
static inline bool kernel_affine(const kernel_call *call, int64_t matrix, int64_t i, int64_t j, affine *to) {
    return !KERNEL_SMALL && call->epilogue && epilogue_affine(call->epilogue, matrix, i, j, to);
}
SIMD vf affine_clamp(const affine *a, vf x) { return v_min(v_set1(a->high), v_max(v_set1(a->low), x)); }

/* Bytes that the epilogue's own scratch takes at the front of a thread's, a multiple of 64. */
static inline size_t epilogue_scratch(const epilogue *e) { return e ? (ew_scratch(e->program) + 63) / 64 * 64 : 0; }

#define KERNEL_FUNCTIONS(op)                                                                                           \
    partition KERNEL(op##_partition)(const kernel_call *call);                                                         \
    size_t KERNEL(op##_scratch)(const kernel_call *call);                                                              \
    void KERNEL(op##_run)(const kernel_call *call, int thread);

KERNEL_FUNCTIONS(matmul)
KERNEL_FUNCTIONS(convolution)
KERNEL_FUNCTIONS(convolution_backward_data)
KERNEL_FUNCTIONS(convolution_backward_weights)
KERNEL_FUNCTIONS(winograd)
bool KERNEL(winograd_accepts)(const kernel_call *call);
size_t KERNEL(winograd_kept)(const kernel_call *call);
void KERNEL(winograd_keep)(const kernel_call *call, void *to);
KERNEL_FUNCTIONS(winograd_backward_data)
bool KERNEL(winograd_backward_data_accepts)(const kernel_call *call);
KERNEL_FUNCTIONS(winograd_backward_weights)
bool KERNEL(winograd_backward_weights_accepts)(const kernel_call *call);
KERNEL_FUNCTIONS(pointwise_backward_data)
bool KERNEL(pointwise_backward_data_accepts)(const kernel_call *call);
KERNEL_FUNCTIONS(depthwise)
bool KERNEL(depthwise_accepts)(const kernel_call *call);
KERNEL_FUNCTIONS(depthwise_backward_data)
bool KERNEL(depthwise_backward_data_accepts)(const kernel_call *call);
KERNEL_FUNCTIONS(depthwise_backward_weights)
bool KERNEL(depthwise_backward_weights_accepts)(const kernel_call *call);
KERNEL_FUNCTIONS(max_pool)
KERNEL_FUNCTIONS(max_pool_backward)
KERNEL_FUNCTIONS(max_pool_take)
KERNEL_FUNCTIONS(average_pool)
KERNEL_FUNCTIONS(average_pool_backward)
KERNEL_FUNCTIONS(upsample)
KERNEL_FUNCTIONS(upsample_backward)
KERNEL_FUNCTIONS(lrn)
KERNEL_FUNCTIONS(lrn_backward)
KERNEL_FUNCTIONS(batch_norm)
KERNEL_FUNCTIONS(batch_norm_backward)
KERNEL_FUNCTIONS(reduce_sum)
KERNEL_FUNCTIONS(reduce_max)
KERNEL_FUNCTIONS(reduce_min)
KERNEL_FUNCTIONS(argmax)
KERNEL_FUNCTIONS(softmax)
KERNEL_FUNCTIONS(log_softmax)
KERNEL_FUNCTIONS(cross_entropy)
KERNEL_FUNCTIONS(cross_entropy_backward)
KERNEL_FUNCTIONS(transpose)
KERNEL_FUNCTIONS(expand)
KERNEL_FUNCTIONS(slice)
KERNEL_FUNCTIONS(pad)
KERNEL_FUNCTIONS(concat)
bool KERNEL(concat_accepts)(const kernel_call *call);
KERNEL_FUNCTIONS(gather)
KERNEL_FUNCTIONS(scatter_add)
KERNEL_FUNCTIONS(one_hot)
KERNEL_FUNCTIONS(random_uniform)

#endif
