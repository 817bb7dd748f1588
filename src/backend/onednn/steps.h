/* backend/onednn/steps.h: what the files of this folder share. */
#ifndef ONEDNN_STEPS_H
#define ONEDNN_STEPS_H

#include "backend/onednn/onednn.h"
#include "base/base.h"

/* A part of a convolution's output: its rows (channels of the output, or filters of the weights) or, where there are
 * several groups, whole groups. A part of a product: columns. */
typedef struct onednn_part {
    int64_t first, count;
    int job;
    size_t kept; /* where its kept weights begin */
} onednn_part;

typedef struct onednn_work {
    onednn_request request;
    onednn_job *job;
    onednn_shape shape;
} onednn_work;

struct onednn_step {
    const soma_context *context;
    const onednn_module *module;
    const kernel *kernel;
    onednn_request whole; /* of the largest batch */
    onednn_part *parts;
    int parts_count;
    onednn_work work[2]; /* jobs of full parts and of the last one; the second may be absent */
    int64_t rows;        /* of a product's job */
    int64_t block;       /* a product: jobs whose rows are made ready together */
    size_t kept;         /* bytes of kept weights; 0: none */
};

struct onednn_run {
    const onednn_step *step;
    int threads;
    onednn_seat **seats; /* [thread][job] */
    char *kept;
};

/* A thread's scratch, handed out in pieces of whole cache lines. */
typedef struct onednn_scratch {
    char *at;
    size_t used;
} onednn_scratch;
static inline void *onednn_take(onednn_scratch *s, size_t bytes) {
    void *taken = s->at ? s->at + s->used : NULL;
    s->used += (bytes + 63) / 64 * 64;
    return taken;
}
static inline size_t onednn_larger(size_t a, size_t b) { return a > b ? a : b; }
static inline int64_t onednn_smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* Whether a job takes the caller's `count` items, `stride` floats apart, where they lie. */
bool onednn_as_is(const onednn_work *work, int k, int64_t count, int64_t stride);
/* An operand as a job wants it: the caller's floats where they do, else converted into `room`. NULL: it failed. */
const void *onednn_operand(const onednn_step *step, onednn_seat *seat, const onednn_work *work, int k, int64_t count,
                           const float *from, int64_t stride, void *room);
/* The weights of a part, or b's columns: kept ones, the caller's, or those converted into `room`. NULL: it failed. */
const void *onednn_weights(const kernel_call *call, int thread, const onednn_part *p, void *room);
/* What a failure of oneDNN leaves: NaN, which training notices. */
void onednn_fail(float *to, int64_t count);

/* Fill parts, work, rows and block of a step whose `whole` is set; false when it can't be done. */
bool onednn_cut_convolution(onednn_step *step, const kernel_call *call);
bool onednn_cut_matmul(onednn_step *step, const kernel_call *call);
bool onednn_make_parts(onednn_step *step, int64_t units, int64_t each, int64_t limit);

extern const kernel onednn_kernels[];
#define ONEDNN_KERNEL(name)                                                                                            \
    partition onednn_##name##_partition(const kernel_call *call);                                                      \
    size_t onednn_##name##_scratch(const kernel_call *call);                                                           \
    void onednn_##name##_run(const kernel_call *call, int thread);
ONEDNN_KERNEL(convolution)
ONEDNN_KERNEL(weights)
ONEDNN_KERNEL(matmul)

#endif
