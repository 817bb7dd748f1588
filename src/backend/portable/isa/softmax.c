/* isa/softmax.c: softmax and its logarithm along an axis. The largest element is taken away first, so that no
 * exponential overflows. The tensor is seen as [outer, n, inner]; with inner 1 a row is contiguous and vectors run
 * along it, otherwise they run across inner, a line of n elements in each lane. */
#include "backend/portable/isa/kernels.h"
#include "backend/portable/isa/vmath.h"
#include "ops/attributes.h"

#include <math.h>

typedef struct lines {
    int64_t outer, n, inner;
} lines;

static lines open(const kernel_call *call) {
    const soma_shape *s = &call->in[0].shape;
    const axis_attributes *a = call->attributes;
    lines l = {1, s->dims[a->axis], 1};
    for (int d = 0; d < a->axis; d++) l.outer *= s->dims[d];
    for (int d = a->axis + 1; d < s->rank; d++) l.inner *= s->dims[d];
    return l;
}

SIMD vf load(const float *p, size_t n, float rest) {
    return n == VW ? v_load(p) : v_select(m_first(n), v_load_partial(p, n), v_set1(rest));
}
SIMD void store(float *p, vf x, size_t n) {
    if (n == VW)
        v_store(p, x);
    else
        v_store_partial(p, x, n);
}
static inline size_t take(int64_t left) { return left < VW ? (size_t)left : VW; }

SIMD void row(const float *x, float *y, int64_t n, bool logarithm) {
    vf best = v_set1(-INFINITY), sum = v_zero();
    for (int64_t i = 0; i < n; i += VW) best = v_max_nan(best, load(x + i, take(n - i), -INFINITY));
    float lanes[VW], top = -INFINITY;
    v_store(lanes, best);
    for (int k = 0; k < VW; k++) top = isnan(top) || top > lanes[k] ? top : lanes[k];
    for (int64_t i = 0; i < n; i += VW) {
        vf e = v_exp(v_sub(load(x + i, take(n - i), -INFINITY), v_set1(top)));
        sum = v_add(sum, e);
        if (!logarithm) store(y + i, e, take(n - i));
    }
    float total = v_hsum(sum);
    vf scale = v_set1(logarithm ? top + logf(total) : 1.0f / total);
    for (int64_t i = 0; i < n; i += VW) {
        size_t k = take(n - i);
        store(y + i, logarithm ? v_sub(load(x + i, k, 0), scale) : v_mul(load(y + i, k, 0), scale), k);
    }
}

/* `count` lines side by side, their elements `pitch` apart. */
SIMD void column(const float *x, float *y, int64_t n, int64_t pitch, size_t count, bool logarithm) {
    vf best = v_set1(-INFINITY), sum = v_zero();
    for (int64_t i = 0; i < n; i++) best = v_max_nan(best, load(x + i * pitch, count, 0));
    for (int64_t i = 0; i < n; i++) {
        vf e = v_exp(v_sub(load(x + i * pitch, count, 0), best));
        sum = v_add(sum, e);
        if (!logarithm) store(y + i * pitch, e, count);
    }
    vf scale = logarithm ? v_add(best, v_log(sum)) : v_div(v_set1(1), sum);
    for (int64_t i = 0; i < n; i++) {
        const float *from = logarithm ? x : y;
        vf v = load(from + i * pitch, count, 0);
        store(y + i * pitch, logarithm ? v_sub(v, scale) : v_mul(v, scale), count);
    }
}

SIMD void run(const kernel_call *call, int thread, bool logarithm) {
    lines l = open(call);
    int64_t first = 0, end = l.outer;
    if (call->partition == PARTITION_SERIAL) {
        if (thread > 0) return;
    } else if (call->partition == PARTITION_BATCH) {
        int64_t each = call->batch > 0 ? l.outer / call->batch : 0;
        partition_range(call->batch, thread, call->threads, &first, &end);
        first *= each, end *= each;
    } else {
        partition_range(l.outer, thread, call->threads, &first, &end);
    }
    for (int64_t o = first; o < end; o++) {
        const float *x = (const float *)call->in[0].data + o * l.n * l.inner;
        float *y = (float *)call->out[0].data + o * l.n * l.inner;
        if (l.inner == 1)
            row(x, y, l.n, logarithm);
        else
            for (int64_t j = 0; j < l.inner; j += VW) column(x + j, y + j, l.n, l.inner, take(l.inner - j), logarithm);
    }
}

static partition split(const kernel_call *call) {
    const axis_attributes *a = call->attributes;
    if (a->axis > 0 && call->in[0].shape.dims[0] == call->batch) return PARTITION_BATCH;
    return (double)shape_elements(&call->in[0].shape, 1) * 20 < KERNEL_TINY ? PARTITION_SERIAL : PARTITION_FREE;
}

partition KERNEL(softmax_partition)(const kernel_call *call) { return split(call); }
partition KERNEL(log_softmax_partition)(const kernel_call *call) { return split(call); }
void KERNEL(softmax_run)(const kernel_call *call, int thread) { run(call, thread, false); }
void KERNEL(log_softmax_run)(const kernel_call *call, int thread) { run(call, thread, true); }
