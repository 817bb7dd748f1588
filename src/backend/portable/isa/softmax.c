/* isa/softmax.c: softmax and its logarithm along any axis, the cross-entropy of its results and the adjoint of that.
 * The largest element is taken away first, so that nothing overflows. Along the last axis vectors lie along it, or
 * where it is short across it, each lane a row of its own; along another one they lie along the elements behind it,
 * each lane a softmax of its own. */
#include "backend/portable/isa/kernels.h"
#include "backend/portable/isa/shuffle.h"
#include "backend/portable/isa/vmath.h"
#include "ops/attributes.h"

#include <math.h>

enum { FEW = 16 }; /* elements of a row up to which several rows are taken at once */

/* ---- Rows of a few elements, a lane each ------------------------------------------------------------------------- */

typedef struct few_rows {
    const float *row[VW]; /* lanes beyond the rows repeat the last one */
    vf z[FEW];            /* elements, less the largest of their row */
    vf sum;               /* of their exponentials */
} few_rows;

static void few_open(few_rows *f, const float *x, int64_t n, size_t lanes) {
    vf largest = v_set1(-INFINITY);
    UNROLL
    for (size_t l = 0; l < VW; l++) f->row[l] = x + (int64_t)(l < lanes ? l : lanes - 1) * n;
    for (int64_t k = 0; k < n; k++) {
        vf z = v_zero();
        UNROLL
        for (size_t l = 0; l < VW; l++) z[l] = f->row[l][k];
        f->z[k] = z;
        largest = v_max(z, largest);
    }
    for (int64_t k = 0; k < n; k++) f->z[k] -= largest;
}

/* Leaves the exponentials in `e`, which may be the elements themselves. */
static void few_exponentials(few_rows *f, int64_t n, vf *e) {
    f->sum = v_zero();
    for (int64_t k = 0; k < n; k++) {
        e[k] = v_exp(f->z[k]);
        f->sum += e[k];
    }
}

SIMD void few_scatter(float *to, int64_t n, int64_t k, vf value, size_t lanes) {
    if (lanes == VW) {
        UNROLL
        for (int64_t l = 0; l < VW; l++) to[l * n + k] = value[l];
        return;
    }
    float out[VW];
    v_store(out, value);
    for (size_t l = 0; l < lanes; l++) to[(int64_t)l * n + k] = out[l];
}

static void softmax_few(bool logarithm, const float *x, int64_t n, size_t lanes, float *to) {
    few_rows f;
    vf e[FEW];
    few_open(&f, x, n, lanes);
    few_exponentials(&f, n, e);
    vf shift = logarithm ? v_log(f.sum) : f.sum;
    for (int64_t k = 0; k < n; k++) few_scatter(to, n, k, logarithm ? f.z[k] - shift : e[k] / shift, lanes);
}

/* ---- One row of n contiguous elements ---------------------------------------------------------------------------- */

/* The largest element. */
static float row_largest(const float *x, int64_t n) {
    int64_t whole = n / VW * VW;
    size_t rest = (size_t)(n - whole);
    vf low = v_set1(-INFINITY), largest = low;
    vf end = v_select(m_first(rest), v_load_partial(x + whole, rest), low);
    for (int64_t i = 0; i < whole; i += VW) largest = v_max(v_load(x + i), largest);
    return v_hmax(v_max(end, largest));
}

/* The sum of exp(x - largest); the exponentials themselves go to `to` if that is not NULL. */
static vf row_exponentials(const float *x, int64_t n, vf largest, float *to) {
    int64_t whole = n / VW * VW;
    size_t rest = (size_t)(n - whole);
    vf sum = v_zero();
    for (int64_t i = 0; i < whole; i += VW) {
        vf e = v_exp(v_load(x + i) - largest);
        if (to) v_store(to + i, e);
        sum += e;
    }
    vf e = v_exp(v_load_partial(x + whole, rest) - largest);
    if (to) v_store_partial(to + whole, e, rest);
    sum += v_select(m_first(rest), e, v_zero());
    return v_set1(v_sum_one(sum));
}

SIMD void softmax_row(const bool logarithm, const float *x, int64_t n, float *to) {
    vf largest = v_set1(row_largest(x, n)), total = row_exponentials(x, n, largest, logarithm ? NULL : to);
    vf shift = logarithm ? v_log(total) : total;
    int64_t i = 0;
    for (; i + VW <= n; i += VW)
        v_store(to + i, logarithm ? (v_load(x + i) - largest) - shift : v_load(to + i) / total);
    if (i == n) return;
    size_t rest = (size_t)(n - i);
    vf y = logarithm ? (v_load_partial(x + i, rest) - largest) - shift : v_load_partial(to + i, rest) / total;
    v_store_partial(to + i, y, rest);
}

/* ---- Along another axis ------------------------------------------------------------------------------------------ */

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
    const float *x = call->in[0].data;
    float *to = call->out[0].data;
    for (int d = 0; d < axis; d++) outer *= s->dims[d];
    for (int d = axis + 1; d < s->rank; d++) inner *= s->dims[d];
    int64_t units = (inner + VW - 1) / VW; /* of one outer index */
    kernel_range(call, thread, outer * units, &first, &end);
    for (int64_t u = first, step = 1; u < end && n > 0; u += step) {
        int64_t at = u / units * n * inner + u % units * VW, lanes = inner - u % units * VW;
        if (inner > 1) {
            softmax_columns(logarithm, x + at, n, inner, (size_t)(lanes < VW ? lanes : VW), to + at);
        } else if (n <= FEW) {
            step = end - u < VW ? end - u : VW;
            softmax_few(logarithm, x + at, n, (size_t)step, to + at);
        } else {
            softmax_row(logarithm, x + at, n, to + at);
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

/* ---- Cross-entropy ----------------------------------------------------------------------------------------------- */

/* Rows of logits and the class of each; a class that does not exist has no loss and no gradient. */
typedef struct entropy {
    const float *logits;
    const int64_t *classes;
    int64_t n;
} entropy;

static entropy open_entropy(const kernel_call *call, int logits, int64_t *rows) {
    const soma_shape *s = &call->in[logits].shape;
    *rows = s->dims[0];
    return (entropy){call->in[logits].data, call->in[logits + 1].data, s->dims[1]};
}
SIMD bool is_class(const entropy *e, int64_t row) { return e->classes[row] >= 0 && e->classes[row] < e->n; }

/* log sum_j exp(x_j) - x_class of the rows from `row` on. */
SIMD void entropy_few(const entropy *e, int64_t row, size_t lanes, float *to) {
    few_rows f;
    float picked[VW] = {0}, out[VW];
    few_open(&f, e->logits + row * e->n, e->n, lanes);
    for (size_t l = 0; l < lanes; l++)
        if (is_class(e, row + (int64_t)l)) picked[l] = f.z[e->classes[row + (int64_t)l]][l];
    few_exponentials(&f, e->n, f.z);
    v_store(out, v_log(f.sum) - v_load(picked));
    for (size_t l = 0; l < lanes; l++) to[l] = is_class(e, row + (int64_t)l) ? out[l] : 0;
}

SIMD void entropy_row(const entropy *e, int64_t row, float *to) {
    const float *x = e->logits + row * e->n;
    vf largest = v_set1(row_largest(x, e->n)), shift = v_log(row_exponentials(x, e->n, largest, NULL));
    *to = is_class(e, row) ? shift[0] - (x[e->classes[row]] - largest[0]) : 0;
}

/* dy (softmax(x) - one_hot(class)). */
SIMD void entropy_back_few(const entropy *e, int64_t row, size_t lanes, const float *dy, int64_t dy_step, float *to) {
    few_rows f;
    float d[VW] = {0};
    int32_t which[VW] = {0};
    few_open(&f, e->logits + row * e->n, e->n, lanes);
    few_exponentials(&f, e->n, f.z);
    for (size_t l = 0; l < lanes; l++) {
        if (!is_class(e, row + (int64_t)l)) continue;
        d[l] = dy[(int64_t)l * dy_step];
        which[l] = (int32_t)e->classes[row + (int64_t)l];
    }
    const vi class = vi_load(which);
    const vf scale = v_load(d);
    for (int64_t k = 0; k < e->n; k++) {
        vf hot = v_select(vi_eq(class, vi_set1((int32_t)k)), v_set1(1), v_zero());
        few_scatter(to, e->n, k, (f.z[k] / f.sum - hot) * scale, lanes);
    }
}

SIMD void entropy_back_row(const entropy *e, int64_t row, float dy, float *to) {
    const float *x = e->logits + row * e->n;
    const vf total = row_exponentials(x, e->n, v_set1(row_largest(x, e->n)), to);
    const vf scale = v_set1(is_class(e, row) ? dy : 0);
    const float at = is_class(e, row) ? (to[e->classes[row]] / total[0] - 1) * dy : 0;
    int64_t i = 0;
    for (; i + VW <= e->n; i += VW) v_store(to + i, v_load(to + i) / total * scale);
    const size_t rest = (size_t)(e->n - i);
    if (rest) v_store_partial(to + i, v_load_partial(to + i, rest) / total * scale, rest);
    if (is_class(e, row)) to[e->classes[row]] = at;
}

partition KERNEL(cross_entropy_partition)(const kernel_call *call) {
    const tensor *logits = &call->in[call->inputs - 2];
    return kernel_split(call, 10 * shape_elements(&logits->shape, 1), true);
}

void KERNEL(cross_entropy_run)(const kernel_call *call, int thread) {
    int64_t rows, first, end;
    const entropy e = open_entropy(call, 0, &rows);
    float *to = call->out[0].data;
    kernel_range(call, thread, rows, &first, &end);
    for (int64_t i = first; i < end; i += VW) {
        int64_t lanes = end - i < VW ? end - i : VW;
        if (e.n <= FEW) entropy_few(&e, i, (size_t)lanes, to + i);
        for (int64_t l = 0; l < lanes && e.n > FEW; l++) entropy_row(&e, i + l, to + i + l);
    }
}

void KERNEL(cross_entropy_backward_run)(const kernel_call *call, int thread) {
    int64_t rows, first, end;
    const entropy e = open_entropy(call, 1, &rows);
    const float *dy = call->in[0].data;
    const int64_t dy_step = call->in[0].shape.rank; /* one number stands for all rows */
    float *to = call->out[0].data;
    kernel_range(call, thread, rows, &first, &end);
    for (int64_t i = first; i < end; i += VW) {
        int64_t lanes = end - i < VW ? end - i : VW;
        if (e.n <= FEW) entropy_back_few(&e, i, (size_t)lanes, dy + i * dy_step, dy_step, to + i * e.n);
        for (int64_t l = i; l < i + lanes && e.n > FEW; l++) entropy_back_row(&e, l, dy[l * dy_step], to + l * e.n);
    }
}
