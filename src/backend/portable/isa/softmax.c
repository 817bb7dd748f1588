/* isa/softmax.c: softmax and its logarithm along any axis. The largest element is taken away first, so that nothing
 * overflows. Along the last axis vectors lie along it; along another one they lie along the elements behind it, each
 * lane a softmax of its own. */
#include "backend/portable/isa/kernels.h"
#include "backend/portable/isa/shuffle.h"
#include "backend/portable/isa/vmath.h"
#include "ops/attributes.h"

#include <math.h>

/* One row of n contiguous elements. */
SIMD void softmax_row(const bool logarithm, const float *x, int64_t n, float *to) {
    vf low = v_set1(-INFINITY), largest = low, sum = v_zero();
    int64_t whole = n / VW * VW;
    size_t rest = (size_t)(n - whole);
    vm in_rest = m_first(rest);
    vf end = v_select(in_rest, v_load_partial(x + whole, rest), low);
    for (int64_t i = 0; i < whole; i += VW) largest = v_max(v_load(x + i), largest);
    largest = v_set1(v_hmax(v_max(end, largest)));
    for (int64_t i = 0; i < whole; i += VW) {
        vf e = v_exp(v_load(x + i) - largest);
        if (!logarithm) v_store(to + i, e);
        sum += e;
    }
    vf e = v_exp(end - largest);
    sum += v_select(in_rest, e, v_zero());
    vf total = v_set1(v_sum_one(sum));
    if (logarithm) {
        vf shift = v_log(total);
        for (int64_t i = 0; i < whole; i += VW) v_store(to + i, (v_load(x + i) - largest) - shift);
        v_store_partial(to + whole, (end - largest) - shift, rest);
    } else {
        for (int64_t i = 0; i < whole; i += VW) v_store(to + i, v_load(to + i) / total);
        v_store_partial(to + whole, e / total, rest);
    }
}

/* `lanes` neighbouring columns of n elements, `stride` apart. */
SIMD void softmax_columns(const bool logarithm, const float *x, int64_t n, int64_t stride, size_t lanes, float *to) {
    vf largest = v_set1(-INFINITY), sum = v_zero();
    for (int64_t i = 0; i < n; i++) largest = v_max(v_load_partial(x + i * stride, lanes), largest);
    for (int64_t i = 0; i < n; i++) {
        vf e = v_exp(v_load_partial(x + i * stride, lanes) - largest);
        if (!logarithm) v_store_partial(to + i * stride, e, lanes);
        sum += e;
    }
    vf shift = logarithm ? v_log(sum) : sum;
    for (int64_t i = 0; i < n; i++) {
        vf y = logarithm ? (v_load_partial(x + i * stride, lanes) - largest) - shift
                         : v_load_partial(to + i * stride, lanes) / sum;
        v_store_partial(to + i * stride, y, lanes);
    }
}

SIMD void run(const bool logarithm, const kernel_call *call, int thread) {
    const soma_shape *s = &call->in[0].shape;
    int axis = ((const axis_attributes *)call->attributes)->axis;
    int64_t n = s->dims[axis], inner = 1, outer = 1, first, end;
    for (int d = 0; d < axis; d++) outer *= s->dims[d];
    for (int d = axis + 1; d < s->rank; d++) inner *= s->dims[d];
    int64_t units = (inner + VW - 1) / VW; /* of one outer index */
    kernel_range(call, thread, outer * units, &first, &end);
    for (int64_t u = first; u < end && n > 0; u++) {
        int64_t at = u / units * n * inner + u % units * VW, lanes = inner - u % units * VW;
        const float *x = (const float *)call->in[0].data + at;
        float *to = (float *)call->out[0].data + at;
        if (inner == 1) {
            softmax_row(logarithm, x, n, to);
        } else {
            softmax_columns(logarithm, x, n, inner, (size_t)(lanes < VW ? lanes : VW), to);
        }
    }
}

/* An exponential counts as much as some ten moves. */
partition KERNEL(softmax_partition)(const kernel_call *call) {
    int axis = ((const axis_attributes *)call->attributes)->axis;
    return kernel_split(call, 10 * shape_elements(&call->in[0].shape, 1), axis > 0);
}
void KERNEL(softmax_run)(const kernel_call *call, int thread) { run(false, call, thread); }
void KERNEL(log_softmax_run)(const kernel_call *call, int thread) { run(true, call, thread); }
