/* isa/pool.c: pooling over windows, and what its derivatives need, a plane (one channel of one sample) at a time.
 *
 * The window that most small networks use, 2x2 with stride 2, runs along vectors: even and odd columns are separated by
 * shuffles. Other windows run along vectors on a copy of the plane that has its padding and, with a stride of s, the
 * columns sorted by their remainder modulo s: there the same element of neighbouring windows stands side by side. A few
 * windows in a row take the plain way, one by one. The maximum of a window is its first one in scan order, a NaN being
 * larger than everything; where it stands is found again from x, as src/ops/max_pool.c says. Split among threads by
 * planes. */
#include "backend/portable/isa/kernels.h"
#include "ops/attributes.h"

#include <math.h>

enum { TILE_FLOATS = 4096, FEW = 4 };

typedef struct pool {
    const soma_window *window;
    int64_t height, width, out_height, out_width; /* of x, of the pooled y */
    bool pairs;                                   /* 2x2, stride 2, all windows inside */
    int64_t rows, line;                           /* of the sorted copy: rows, floats of a remainder's columns; or 0 */
    float *copy, *other, *counts;                 /* of x (or its gradient), of `second`; see count_columns */
} pool;

/* Pools, spreads or takes one plane: x has height x width elements, y the pooled size. `from` and `to` are those of
 * max_pool: x, y; max_pool_backward: (x, dy), dx; max_pool_take: (x, v), y; average_pool: x, y; its backward: dy, dx.
 */
typedef void (*plane_body)(const pool *p, const float *x, const float *second, float *to);

static int64_t reach(const soma_window *w, int d, int64_t places) {
    return (places - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1;
}

static void open(const kernel_call *call, const soma_shape *x, const soma_shape *y, pool *p) {
    const soma_window *w = &((const window_attributes *)call->attributes)->window;
    *p = (pool){.window = w, x->dims[2], x->dims[3], y->dims[2], y->dims[3], true};
    for (int d = 0; d < 2; d++) {
        p->pairs &= w->kernel[d] == 2 && w->stride[d] == 2 && w->dilation[d] == 1 && w->before[d] == 0;
        p->pairs &= 2 * y->dims[2 + d] <= x->dims[2 + d];
    }
    if (p->pairs || p->out_width < FEW) return;
    p->rows = reach(w, 0, p->out_height);
    p->line = (reach(w, 1, p->out_width) + w->stride[1] - 1) / w->stride[1] + VW;
}

static size_t copy_floats(const pool *p) { return (size_t)(p->rows * p->window->stride[1] * p->line); }

/* ---- Windows ----------------------------------------------------------------------------------------------------- */

/* Along one axis: where a window starts, and which of its elements lie inside. */
typedef struct span {
    int64_t start, first, end;
} span;

static int64_t least_step(int64_t distance, int64_t dilation) {
    if (distance <= 0) return 0;
    return dilation == 1 ? distance : (distance + dilation - 1) / dilation;
}

static span span_of(const soma_window *w, int d, int64_t size, int64_t place) {
    span s = {place * w->stride[d] - w->before[d], 0, 0};
    s.first = least_step(-s.start, w->dilation[d]);
    s.end = least_step(size - s.start, w->dilation[d]);
    if (s.end > w->kernel[d]) s.end = w->kernel[d];
    return s;
}

/* Elements that an average counts. */
static int64_t counted(const soma_window *w, int d, int64_t size, const span *s) {
    if (!w->count_padding) return s->end > s->first ? s->end - s->first : 0;
    int64_t n = least_step(size + w->after[d] - s->start, w->dilation[d]);
    return n < w->kernel[d] ? n : w->kernel[d];
}

/* Index of the maximum. */
static int64_t maximum(const pool *p, const float *x, const span *rows, const span *columns) {
    const int64_t down = p->window->dilation[0] * p->width, right = p->window->dilation[1];
    int64_t at = rows->start * p->width + columns->start, best = at + rows->first * down + columns->first * right;
    float largest = x[best];
    for (int64_t k = rows->first; k < rows->end; k++) {
        for (int64_t l = columns->first; l < columns->end; l++) {
            int64_t i = at + k * down + l * right;
            if (!(x[i] <= largest) && !isnan(largest)) {
                largest = x[i];
                best = i;
            }
        }
    }
    return best;
}

enum { POOL, SPREAD, TAKE };

SIMD void each_window(const int what, const pool *p, const float *x, const float *second, float *to) {
    if (what == SPREAD) memset(to, 0, (size_t)(p->height * p->width) * sizeof *to);
    for (int64_t i = 0; i < p->out_height; i++) {
        span rows = span_of(p->window, 0, p->height, i);
        for (int64_t j = 0; j < p->out_width; j++) {
            span columns = span_of(p->window, 1, p->width, j);
            int64_t best = maximum(p, x, &rows, &columns);
            if (what == POOL) *to++ = x[best];
            if (what == TAKE) *to++ = second[best];
            if (what == SPREAD) to[best] += *second++;
        }
    }
}

/* ---- 2x2 with stride 2 ------------------------------------------------------------------------------------------- */

#if VW == 16
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD  1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define LOW  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VW == 8
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD  1, 3, 5, 7, 9, 11, 13, 15
#define LOW  0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define EVEN 0, 2, 4, 6
#define ODD  1, 3, 5, 7
#define LOW  0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#endif

/* 2 n floats as n even and n odd ones, n <= VW. */
SIMD void load_pairs(const float *x, size_t n, vf *even, vf *odd) {
    vf a, b = v_zero();
    if (n == VW) {
        a = v_load(x);
        b = v_load(x + VW);
    } else {
        a = v_load_partial(x, 2 * n < VW ? 2 * n : VW);
        if (2 * n > VW) b = v_load_partial(x + VW, 2 * n - VW);
    }
    *even = __builtin_shufflevector(a, b, EVEN);
    *odd = __builtin_shufflevector(a, b, ODD);
}

SIMD void store_pairs(float *x, size_t n, vf even, vf odd) {
    vf a = __builtin_shufflevector(even, odd, LOW), b = __builtin_shufflevector(even, odd, HIGH);
    if (n == VW) {
        v_store(x, a);
        v_store(x + VW, b);
    } else {
        v_store_partial(x, a, 2 * n < VW ? 2 * n : VW);
        if (2 * n > VW) v_store_partial(x + VW, b, 2 * n - VW);
    }
}

/* The largest of four; false if one of them is NaN (or a sum of them is), and then nothing is said. */
SIMD bool largest_of(const vf x[4], vf *largest) {
    *largest = v_max(v_max(x[0], x[1]), v_max(x[2], x[3]));
    return !m_any(v_isnan((x[0] + x[1]) + (x[2] + x[3])));
}

/* The same with NaN: the first of them, lane by lane, is the largest; *won says which of the four it is. */
static void largest_with_nan(const vf x[4], vf *largest, vm won[3]) {
    *largest = v_max_nan(v_max_nan(x[0], x[1]), v_max_nan(x[2], x[3]));
    for (int i = 0; i < 3; i++) won[i] = m_or(v_isnan(x[i]), v_eq(x[i], *largest));
}

/* `n` <= VW windows side by side: the four elements of each, and whether each of the first three is the largest. The
 * first that is has won, and the fourth if none of them is. */
SIMD vf compare(const pool *p, const float *x, size_t n, vf a[4], vm won[3]) {
    vf largest;
    load_pairs(x, n, &a[0], &a[1]);
    load_pairs(x + p->width, n, &a[2], &a[3]);
    if (largest_of(a, &largest)) {
        for (int i = 0; i < 3; i++) won[i] = v_eq(a[i], largest);
    } else {
        largest_with_nan(a, &largest, won);
    }
    return largest;
}

SIMD void pair_row(const int what, const pool *p, const float *x, const float *second, float *to, size_t n) {
    vf a[4], b[4];
    vm won[3];
    vf largest = compare(p, x, n, a, won);
    if (what == POOL) {
        v_store_partial(to, largest, n);
    } else if (what == TAKE) {
        load_pairs(second, n, &b[0], &b[1]);
        load_pairs(second + p->width, n, &b[2], &b[3]);
        v_store_partial(to, v_select(won[0], b[0], v_select(won[1], b[1], v_select(won[2], b[2], b[3]))), n);
    } else {
        vf d = v_load_partial(second, n);
        for (int i = 0; i < 3; i++) {
            b[i] = v_select(won[i], d, v_zero());
            d = v_select(won[i], v_zero(), d);
        }
        store_pairs(to, n, b[0], b[1]);
        store_pairs(to + p->width, n, b[2], d);
    }
}

SIMD void each_pair(const int what, const pool *p, const float *x, const float *second, float *to) {
    if (what == SPREAD && (p->width > 2 * p->out_width || p->height > 2 * p->out_height)) {
        memset(to, 0, (size_t)(p->height * p->width) * sizeof *to);
    }
    for (int64_t i = 0; i < p->out_height; i++) {
        for (int64_t j = 0; j < p->out_width; j += VW) {
            size_t n = (size_t)(p->out_width - j < VW ? p->out_width - j : VW);
            int64_t large = 2 * i * p->width + 2 * j, small = i * p->out_width + j;
            const float *other = what == POOL ? NULL : second + (what == TAKE ? large : small);
            pair_row(what, p, x + large, other, to + (what == SPREAD ? large : small), n);
        }
    }
}

/* ---- Sorted copies ----------------------------------------------------------------------------------------------- */

/* Column c of the plane is column c + before of the copy: number (c + before) / stride of remainder (c + before) %
 * stride. */
static void sort_row(const pool *p, const float *x, float *to) {
    const int64_t stride = p->window->stride[1], before = p->window->before[1];
    int64_t wanted = reach(p->window, 1, p->out_width) - before, c = 0;
    if (wanted > p->width) wanted = p->width;
    if (stride == 1) {
        if (wanted > 0) memcpy(to + before, x, (size_t)wanted * sizeof *to);
        return;
    }
    if (stride == 2) {
        float *even = to + (before % 2) * p->line + before / 2,
              *odd = to + ((before + 1) % 2) * p->line + (before + 1) / 2;
        for (; c + 2 * VW <= wanted; c += 2 * VW) {
            vf a, b;
            load_pairs(x + c, VW, &a, &b);
            v_store(even + c / 2, a);
            v_store(odd + c / 2, b);
        }
    }
    for (const int64_t end = c + stride; c < end; c++) {
        float *line = to + (c + before) % stride * p->line + (c + before) / stride;
        for (int64_t k = c; k < wanted; k += stride) *line++ = x[k];
    }
}

/* The copy of a whole plane, with `fill` as padding; anything may stand behind each line. */
static void sort_plane(const pool *p, const float *x, float fill, float *to) {
    const soma_window *w = p->window;
    const int64_t row = w->stride[1] * p->line, before = w->before[0];
    const bool padded = w->before[1] > 0 || reach(w, 1, p->out_width) > p->width;
    for (int64_t i = 0; i < p->rows; i++, to += row) {
        const bool inside = i >= before && i - before < p->height;
        for (int64_t j = 0; j < row && (padded || !inside); j++) to[j] = fill;
        if (inside) sort_row(p, x + (i - before) * p->width, to);
    }
}

/* The reverse, without the padding. */
static void unsort_plane(const pool *p, const float *from, float *x) {
    const int64_t stride = p->window->stride[1], row = stride * p->line, before = p->window->before[1];
    int64_t wanted = reach(p->window, 1, p->out_width) - before;
    if (wanted > p->width) wanted = p->width;
    for (int64_t i = 0; i < p->height; i++, x += p->width) {
        int64_t at = i + p->window->before[0], c = 0;
        const float *line = from + at * row;
        if (at >= p->rows || wanted < 0) {
            memset(x, 0, (size_t)p->width * sizeof *x);
            continue;
        }
        if (stride == 1) {
            memcpy(x, line + before, (size_t)wanted * sizeof *x);
            c = wanted;
        } else if (stride == 2) {
            const float *even = line + (before % 2) * p->line + before / 2,
                        *odd = line + ((before + 1) % 2) * p->line + (before + 1) / 2;
            for (; c + 2 * VW <= wanted; c += 2 * VW) store_pairs(x + c, VW, v_load(even + c / 2), v_load(odd + c / 2));
        }
        for (const int64_t end = c + stride; c < end; c++) {
            const float *from_line = line + (c + before) % stride * p->line + (c + before) / stride;
            for (int64_t k = c; k < wanted; k += stride) x[k] = *from_line++;
        }
        for (c = wanted; c < p->width; c++) x[c] = 0;
    }
}

/* Where element (k, l) of window (i, 0) stands in a copy; that of window (i, j) is j further on. */
static int64_t sorted_place(const pool *p, int64_t i, int64_t k, int64_t l) {
    const soma_window *w = p->window;
    int64_t column = l * w->dilation[1];
    return ((i * w->stride[0] + k * w->dilation[0]) * w->stride[1] + column % w->stride[1]) * p->line +
           column / w->stride[1];
}

SIMD vf largest_sorted(const pool *p, int64_t i, int64_t j) {
    vf largest = v_set1(-INFINITY);
    for (int64_t k = 0; k < p->window->kernel[0]; k++)
        for (int64_t l = 0; l < p->window->kernel[1]; l++)
            largest = v_max_nan(v_load(p->copy + sorted_place(p, i, k, l) + j), largest);
    return largest;
}

/* For windows (i, j) and those beside it: gives `d` to the first of each window's largest elements, or takes theirs. */
SIMD vf settle(const int what, const pool *p, int64_t i, int64_t j, vf largest, vf d) {
    vf taken = v_zero();
    vm open = v_eq(v_zero(), v_zero());
    for (int64_t k = 0; k < p->window->kernel[0]; k++) {
        for (int64_t l = 0; l < p->window->kernel[1]; l++) {
            int64_t at = sorted_place(p, i, k, l) + j;
            vf x = v_load(p->copy + at), other = v_load(p->other + at);
            vm won = m_and(open, m_or(v_isnan(x), v_eq(x, largest)));
            open = m_and(open, m_not(won));
            if (what == TAKE)
                taken = v_select(won, other, taken);
            else
                v_store(p->other + at, other + v_select(won, d, v_zero()));
        }
    }
    return taken;
}

SIMD void each_sorted(const int what, const pool *p, const float *x, const float *second, float *to) {
    sort_plane(p, x, -INFINITY, p->copy);
    if (what == TAKE) sort_plane(p, second, 0, p->other);
    if (what == SPREAD) memset(p->other, 0, copy_floats(p) * sizeof *p->other);
    for (int64_t i = 0; i < p->out_height; i++) {
        for (int64_t j = 0; j < p->out_width; j += VW) {
            size_t n = (size_t)(p->out_width - j < VW ? p->out_width - j : VW);
            int64_t small = i * p->out_width + j;
            vf largest = largest_sorted(p, i, j);
            if (what == SPREAD)
                settle(what, p, i, j, largest, v_load_partial(second + small, n));
            else if (what == TAKE)
                v_store_partial(to + small, settle(what, p, i, j, largest, v_zero()), n);
            else
                v_store_partial(to + small, largest, n);
        }
    }
    if (what == SPREAD) unsort_plane(p, p->other, to);
}

/* ---- Averages ---------------------------------------------------------------------------------------------------- */

/* Elements that windows (., j) count in a row, for each j. */
static void count_columns(const pool *p) {
    for (int64_t j = 0; j < p->out_width; j++) {
        span columns = span_of(p->window, 1, p->width, j);
        p->counts[j] = (float)counted(p->window, 1, p->width, &columns);
    }
}

static void average_sorted(const pool *p, const float *x, float *to) {
    const soma_window *w = p->window;
    sort_plane(p, x, 0, p->copy);
    for (int64_t i = 0; i < p->out_height; i++) {
        span rows = span_of(w, 0, p->height, i);
        for (int64_t j = 0; j < p->out_width; j += VW) {
            size_t n = (size_t)(p->out_width - j < VW ? p->out_width - j : VW);
            vf sum = v_zero();
            for (int64_t k = 0; k < w->kernel[0]; k++)
                for (int64_t l = 0; l < w->kernel[1]; l++) sum += v_load(p->copy + sorted_place(p, i, k, l) + j);
            vf count = v_set1((float)counted(w, 0, p->height, &rows)) * v_load_partial(p->counts + j, n);
            v_store_partial(to + i * p->out_width + j, v_select(v_gt(count, v_zero()), sum / count, v_zero()), n);
        }
    }
}

static void spread_sorted(const pool *p, const float *dy, float *to) {
    const soma_window *w = p->window;
    memset(p->copy, 0, copy_floats(p) * sizeof *p->copy);
    for (int64_t i = 0; i < p->out_height; i++) {
        span rows = span_of(w, 0, p->height, i);
        for (int64_t j = 0; j < p->out_width; j += VW) {
            size_t n = (size_t)(p->out_width - j < VW ? p->out_width - j : VW);
            vf count = v_set1((float)counted(w, 0, p->height, &rows)) * v_load_partial(p->counts + j, n);
            vf share = v_select(v_gt(count, v_zero()), v_load_partial(dy + i * p->out_width + j, n) / count, v_zero());
            for (int64_t k = 0; k < w->kernel[0]; k++) {
                for (int64_t l = 0; l < w->kernel[1]; l++) {
                    float *at = p->copy + sorted_place(p, i, k, l) + j;
                    v_store(at, v_load(at) + share);
                }
            }
        }
    }
    unsort_plane(p, p->copy, to);
}

static void average(const pool *p, const float *x, const float *second, float *to) {
    const soma_window *w = p->window;
    (void)second;
    if (p->line) {
        average_sorted(p, x, to);
        return;
    }
    for (int64_t i = 0; i < p->out_height; i++) {
        span rows = span_of(w, 0, p->height, i);
        for (int64_t j = 0; j < p->out_width; j++) {
            span columns = span_of(w, 1, p->width, j);
            int64_t count = counted(w, 0, p->height, &rows) * counted(w, 1, p->width, &columns);
            float sum = 0;
            for (int64_t k = rows.first; k < rows.end; k++) {
                const float *row = x + (rows.start + k * w->dilation[0]) * p->width + columns.start;
                float part = 0;
                for (int64_t l = columns.first; l < columns.end; l++) part += row[l * w->dilation[1]];
                sum += part;
            }
            *to++ = count > 0 ? sum / (float)count : 0;
        }
    }
}

static void spread(const pool *p, const float *dy, const float *second, float *to) {
    const soma_window *w = p->window;
    (void)second;
    if (p->line) {
        spread_sorted(p, dy, to);
        return;
    }
    memset(to, 0, (size_t)(p->height * p->width) * sizeof *to);
    for (int64_t i = 0; i < p->out_height; i++) {
        span rows = span_of(w, 0, p->height, i);
        for (int64_t j = 0; j < p->out_width; j++) {
            span columns = span_of(w, 1, p->width, j);
            int64_t count = counted(w, 0, p->height, &rows) * counted(w, 1, p->width, &columns);
            float share = *dy++ / (float)count;
            for (int64_t k = rows.first; k < rows.end; k++) {
                float *row = to + (rows.start + k * w->dilation[0]) * p->width + columns.start;
                for (int64_t l = columns.first; l < columns.end; l++) row[l * w->dilation[1]] += share;
            }
        }
    }
}

/* ---- Kernels ----------------------------------------------------------------------------------------------------- */

static void max_pool(const pool *p, const float *x, const float *second, float *to) {
    if (p->pairs) {
        each_pair(POOL, p, x, second, to);
    } else if (p->line) {
        each_sorted(POOL, p, x, second, to);
    } else {
        each_window(POOL, p, x, second, to);
    }
}
static void max_spread(const pool *p, const float *x, const float *second, float *to) {
    if (p->pairs) {
        each_pair(SPREAD, p, x, second, to);
    } else if (p->line) {
        each_sorted(SPREAD, p, x, second, to);
    } else {
        each_window(SPREAD, p, x, second, to);
    }
}
static void max_take(const pool *p, const float *x, const float *second, float *to) {
    if (p->pairs) {
        each_pair(TAKE, p, x, second, to);
    } else if (p->line) {
        each_sorted(TAKE, p, x, second, to);
    } else {
        each_window(TAKE, p, x, second, to);
    }
}

static int64_t area(const tensor *t) { return t->shape.dims[2] * t->shape.dims[3]; }

/* Planes that go through the epilogue at a time, at most a sample's. */
static int64_t planes_at_a_time(const kernel_call *call) {
    int64_t channels = call->out[0].shape.dims[1], fit = TILE_FLOATS / area(&call->out[0]);
    return fit < 1 ? 1 : fit < channels ? fit : channels;
}

static size_t tile_floats(const kernel_call *call) {
    return call->epilogue ? (size_t)(planes_at_a_time(call) * area(&call->out[0]) + 15) / 16 * 16 : 0;
}

static void run(const kernel_call *call, int thread, const soma_shape *x, const soma_shape *y, plane_body body) {
    pool p;
    int64_t channels = x->dims[1], in = area(&call->in[0]), out = area(&call->out[0]), first, end;
    int64_t other = call->inputs > 1 ? area(&call->in[1]) : 0, block = 1;
    const float *from = call->in[0].data, *second = call->inputs > 1 ? call->in[1].data : NULL;
    char *scratch = call->scratch + (size_t)thread * call->scratch_stride;
    float *tile = (float *)(void *)(scratch + epilogue_scratch(call->epilogue));
    open(call, x, y, &p);
    p.copy = tile + tile_floats(call);
    p.other = p.copy + copy_floats(&p);
    p.counts = p.other + copy_floats(&p);
    if (p.line) count_columns(&p);
    kernel_range(call, thread, x->dims[0] * channels, &first, &end);
    if (call->epilogue) block = planes_at_a_time(call);
    for (int64_t plane = first; plane < end; plane += block) {
        int64_t now = end - plane < block ? end - plane : block;
        float *to = call->epilogue ? tile : (float *)call->out[0].data + plane * out;
        for (int64_t i = 0; i < now; i++) {
            body(&p, from + (plane + i) * in, second ? second + (plane + i) * other : NULL, to + i * out);
        }
        if (call->epilogue) kernel_finish(call, tile, channels, out, plane * out, (plane + now) * out, scratch);
    }
}

partition KERNEL(max_pool_partition)(const kernel_call *call) {
    return kernel_split(call, shape_elements(&call->in[0].shape, 1) + shape_elements(&call->out[0].shape, 1), true);
}
static size_t scratch(const kernel_call *call, const soma_shape *x, const soma_shape *y) {
    pool p;
    open(call, x, y, &p);
    size_t sorted = p.line ? 2 * copy_floats(&p) + (size_t)p.out_width : 0;
    return epilogue_scratch(call->epilogue) + (tile_floats(call) + sorted) * sizeof(float);
}
size_t KERNEL(max_pool_scratch)(const kernel_call *call) {
    return scratch(call, &call->in[0].shape, &call->out[0].shape);
}
size_t KERNEL(max_pool_backward_scratch)(const kernel_call *call) {
    return scratch(call, &call->in[0].shape, &call->in[1].shape);
}
size_t KERNEL(average_pool_backward_scratch)(const kernel_call *call) {
    return scratch(call, &call->out[0].shape, &call->in[0].shape);
}
void KERNEL(max_pool_run)(const kernel_call *call, int thread) {
    run(call, thread, &call->in[0].shape, &call->out[0].shape, max_pool);
}
void KERNEL(max_pool_backward_run)(const kernel_call *call, int thread) {
    run(call, thread, &call->in[0].shape, &call->in[1].shape, max_spread);
}
void KERNEL(max_pool_take_run)(const kernel_call *call, int thread) {
    run(call, thread, &call->in[0].shape, &call->out[0].shape, max_take);
}
void KERNEL(average_pool_run)(const kernel_call *call, int thread) {
    run(call, thread, &call->in[0].shape, &call->out[0].shape, average);
}
void KERNEL(average_pool_backward_run)(const kernel_call *call, int thread) {
    run(call, thread, &call->out[0].shape, &call->in[0].shape, spread);
}
