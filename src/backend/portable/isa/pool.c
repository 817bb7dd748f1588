/* isa/pool.c: pooling over windows, and what its derivatives need, a plane (one channel of one sample) at a time.
 *
 * The window that most small networks use, 2x2 with stride 2, runs along vectors: even and odd columns are separated by
 * shuffles. Other windows run along vectors on a copy of the plane that has its padding and, with a stride of s, the
 * columns sorted by their remainder modulo s: there the same element of neighbouring windows stands side by side. A few
 * windows in a row take the plain way, one by one. The maximum of a window is its first one in scan order, a NaN being
 * larger than everything; where it stands is found again from x, as src/ops/max_pool.c says. Split among threads by
 * planes, large pictures' maxima by rows. */
#include "backend/portable/isa/sorted.h"

#include <math.h>

enum { FEW = 4 }; /* windows in a row that are worth a sorted copy */

typedef struct pool {
    const soma_window *window;
    int64_t height, width, out_height, out_width; /* of x, of the pooled y */
    bool pairs;                                   /* 2x2, stride 2, all windows inside */
    bool along;                                   /* windows along vectors, on sorted copies */
    int64_t row, row_end;                         /* of y, which are done; max_pool alone does some */
    sorted sorted;
    sorted line;                  /* of one row, as high as a window */
    float *copy, *other, *counts; /* of x (or its gradient), of `second`; see count_columns */
} pool;

/* Pools, spreads or takes one plane: x has height x width elements, y the pooled size. `from` and `to` are those of
 * max_pool: x, y; max_pool_backward: (x, dy), dx; max_pool_take: (x, v), y; average_pool: x, y; its backward: dy, dx.
 */
typedef void (*plane_body)(const pool *p, const float *x, const float *second, float *to);

static void open(const kernel_call *call, const soma_shape *x, const soma_shape *y, pool *p) {
    const soma_window *w = &((const window_attributes *)call->attributes)->window;
    *p = (pool){.window = w, x->dims[2], x->dims[3], y->dims[2], y->dims[3], true};
    for (int d = 0; d < 2; d++) {
        p->pairs &= w->kernel[d] == 2 && w->stride[d] == 2 && w->dilation[d] == 1 && w->before[d] == 0;
        p->pairs &= 2 * y->dims[2 + d] <= x->dims[2 + d];
    }
    p->along = !p->pairs && p->out_width >= FEW;
    if (!p->along) return;
    sorted_open(&p->sorted, w, x->dims + 2, y->dims + 2);
    soma_window flat = *w;
    flat.kernel[0] = flat.stride[0] = flat.dilation[0] = 1;
    flat.before[0] = 0;
    sorted_open(&p->line, &flat, (int64_t[]){1, p->width}, (int64_t[]){1, p->out_width});
}

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
    for (int64_t i = p->row; i < p->row_end; i++) {
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
        store_pairs(to, 2 * n, b[0], b[1]);
        store_pairs(to + p->width, 2 * n, b[2], d);
    }
}

SIMD void each_pair(const int what, const pool *p, const float *x, const float *second, float *to) {
    if (what == SPREAD && (p->width > 2 * p->out_width || p->height > 2 * p->out_height)) {
        memset(to, 0, (size_t)(p->height * p->width) * sizeof *to);
    }
    for (int64_t i = p->row; i < p->row_end; i++) {
        for (int64_t j = 0; j < p->out_width; j += VW) {
            size_t n = (size_t)(p->out_width - j < VW ? p->out_width - j : VW);
            int64_t large = 2 * i * p->width + 2 * j, small = (i - p->row) * p->out_width + j;
            const float *other = what == POOL ? NULL : second + (what == TAKE ? large : small);
            pair_row(what, p, x + large, other, to + (what == SPREAD ? large : small), n);
        }
    }
}

/* ---- Windows along vectors --------------------------------------------------------------------------------------- */

SIMD vf largest_sorted(const pool *p, int64_t i, int64_t j) {
    vf largest = v_set1(-INFINITY);
    for (int64_t k = 0; k < p->window->kernel[0]; k++)
        for (int64_t l = 0; l < p->window->kernel[1]; l++)
            largest = v_max_nan(v_load(p->copy + sorted_place(&p->sorted, i, k, l) + j), largest);
    return largest;
}

/* The largest of `count` numbers below each other, `step` apart, for `width` of them side by side. */
SIMD void largest_down(int64_t count, const float *x, int64_t step, int64_t width, float *to) {
    int64_t c = 0;
    for (; c + VW <= width; c += VW) {
        vf largest = v_load(x + c);
        UNROLL
        for (int64_t k = 1; k < count; k++) largest = v_max_nan(v_load(x + k * step + c), largest);
        v_store(to + c, largest);
    }
    if (c == width) return;
    const size_t n = (size_t)(width - c);
    vf largest = v_load_partial(x + c, n);
    for (int64_t k = 1; k < count; k++) largest = v_max_nan(v_load_partial(x + k * step + c, n), largest);
    v_store_partial(to + c, largest, n);
}

/* The largest of each window of a padded row. */
static void largest_along(const pool *p, const float *row, float *to) {
    const soma_window *w = p->window;
    const bool threes = w->kernel[1] == 3 && w->stride[1] == 2 && w->dilation[1] == 1;
    if (!threes && w->stride[1] > 1) sorted_fill(&p->line, row + w->before[1], -INFINITY, p->copy);
    for (int64_t j = 0; j < p->out_width; j += VW) {
        const size_t n = (size_t)(p->out_width - j < VW ? p->out_width - j : VW);
        vf largest, middle, last, none;
        if (threes) {
            load_pairs(row + 2 * j, n, &largest, &middle);
            load_pairs(row + 2 * j + 2, n, &last, &none);
            largest = v_max_nan(last, v_max_nan(middle, largest));
        } else {
            const float *from = w->stride[1] > 1 ? p->copy : row;
            largest = v_set1(-INFINITY);
            for (int64_t l = 0; l < w->kernel[1]; l++)
                largest = v_max_nan(v_load(from + sorted_place(&p->line, 0, 0, l) + j), largest);
        }
        v_store_partial(to + j, largest, n);
    }
}

/* The maximum alone: of the rows that windows span first, then along the row that is left. */
static void largest_rows(const pool *p, const float *x, float *to) {
    const soma_window *w = p->window;
    const int64_t before = w->before[1], reach = p->line.reach - before, step = w->dilation[0] * p->width;
    const int64_t wanted = reach < 0 ? 0 : reach < p->width ? reach : p->width;
    float *row = p->other;
    for (int64_t c = 0; c <= p->line.reach; c++) row[c] = -INFINITY;
    for (int64_t i = p->row; i < p->row_end; i++, to += p->out_width) {
        const span rows = span_of(w, 0, p->height, i);
        const float *first = x + (rows.start + rows.first * w->dilation[0]) * p->width;
        if (rows.end - rows.first == 3)
            largest_down(3, first, step, wanted, row + before);
        else if (rows.end > rows.first)
            largest_down(rows.end - rows.first, first, step, wanted, row + before);
        else
            for (int64_t c = 0; c < wanted; c++) row[before + c] = -INFINITY;
        largest_along(p, row, to);
    }
}

/* For windows (i, j) and those beside it: gives `d` to the first of each window's largest elements, or takes theirs. */
SIMD vf settle(const int what, const pool *p, int64_t i, int64_t j, vf largest, vf d) {
    vf taken = v_zero();
    vm open = v_eq(v_zero(), v_zero());
    for (int64_t k = 0; k < p->window->kernel[0]; k++) {
        for (int64_t l = 0; l < p->window->kernel[1]; l++) {
            int64_t at = sorted_place(&p->sorted, i, k, l) + j;
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
    sorted_fill(&p->sorted, x, -INFINITY, p->copy);
    if (what == TAKE) sorted_fill(&p->sorted, second, 0, p->other);
    if (what == SPREAD) memset(p->other, 0, p->sorted.floats * sizeof *p->other);
    for (int64_t i = 0; i < p->out_height; i++) {
        for (int64_t j = 0; j < p->out_width; j += VW) {
            size_t n = (size_t)(p->out_width - j < VW ? p->out_width - j : VW);
            int64_t small = i * p->out_width + j;
            vf largest = largest_sorted(p, i, j);
            if (what == SPREAD)
                settle(what, p, i, j, largest, v_load_partial(second + small, n));
            else
                v_store_partial(to + small, settle(what, p, i, j, largest, v_zero()), n);
        }
    }
    if (what == SPREAD) sorted_back(&p->sorted, p->other, to);
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
    sorted_fill(&p->sorted, x, 0, p->copy);
    for (int64_t i = 0; i < p->out_height; i++) {
        span rows = span_of(w, 0, p->height, i);
        for (int64_t j = 0; j < p->out_width; j += VW) {
            size_t n = (size_t)(p->out_width - j < VW ? p->out_width - j : VW);
            vf sum = v_zero();
            for (int64_t k = 0; k < w->kernel[0]; k++)
                for (int64_t l = 0; l < w->kernel[1]; l++)
                    sum += v_load(p->copy + sorted_place(&p->sorted, i, k, l) + j);
            vf count = v_set1((float)counted(w, 0, p->height, &rows)) * v_load_partial(p->counts + j, n);
            v_store_partial(to + i * p->out_width + j, v_select(v_gt(count, v_zero()), sum / count, v_zero()), n);
        }
    }
}

static void spread_sorted(const pool *p, const float *dy, float *to) {
    const soma_window *w = p->window;
    memset(p->copy, 0, p->sorted.floats * sizeof *p->copy);
    for (int64_t i = 0; i < p->out_height; i++) {
        span rows = span_of(w, 0, p->height, i);
        for (int64_t j = 0; j < p->out_width; j += VW) {
            size_t n = (size_t)(p->out_width - j < VW ? p->out_width - j : VW);
            vf count = v_set1((float)counted(w, 0, p->height, &rows)) * v_load_partial(p->counts + j, n);
            vf share = v_select(v_gt(count, v_zero()), v_load_partial(dy + i * p->out_width + j, n) / count, v_zero());
            for (int64_t k = 0; k < w->kernel[0]; k++) {
                for (int64_t l = 0; l < w->kernel[1]; l++) {
                    float *at = p->copy + sorted_place(&p->sorted, i, k, l) + j;
                    v_store(at, v_load(at) + share);
                }
            }
        }
    }
    sorted_back(&p->sorted, p->copy, to);
}

static void average(const pool *p, const float *x, const float *second, float *to) {
    const soma_window *w = p->window;
    (void)second;
    if (p->along) {
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
    if (p->along) {
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
    } else if (p->along) {
        largest_rows(p, x, to);
    } else {
        each_window(POOL, p, x, second, to);
    }
}
static void max_spread(const pool *p, const float *x, const float *second, float *to) {
    if (p->pairs) {
        each_pair(SPREAD, p, x, second, to);
    } else if (p->along) {
        each_sorted(SPREAD, p, x, second, to);
    } else {
        each_window(SPREAD, p, x, second, to);
    }
}
static void max_take(const pool *p, const float *x, const float *second, float *to) {
    if (p->pairs) {
        each_pair(TAKE, p, x, second, to);
    } else if (p->along) {
        each_sorted(TAKE, p, x, second, to);
    } else {
        each_window(TAKE, p, x, second, to);
    }
}

static size_t tile_floats(const kernel_call *call) {
    return call->epilogue ? (size_t)(kernel_planes(call) * kernel_area(&call->out[0]) + 15) / 16 * 16 : 0;
}

static void run(const kernel_call *call, int thread, const soma_shape *x, const soma_shape *y, plane_body body) {
    pool p;
    int64_t channels = x->dims[1], in = kernel_area(&call->in[0]), out = kernel_area(&call->out[0]), first, end;
    int64_t other = call->inputs > 1 ? kernel_area(&call->in[1]) : 0, block = 1;
    const float *from = call->in[0].data, *second = call->inputs > 1 ? call->in[1].data : NULL;
    char *scratch = call->scratch + (size_t)thread * call->scratch_stride;
    float *tile = (float *)(void *)(scratch + epilogue_scratch(call->epilogue));
    open(call, x, y, &p);
    p.copy = tile + tile_floats(call);
    p.other = p.copy + p.sorted.floats;
    p.counts = p.other + p.sorted.floats;
    if (p.along) count_columns(&p);
    p.row_end = p.out_height;
    if (body == max_pool && !call->epilogue && kernel_by_rows(call)) {
        partition_range(p.out_height, thread, call->threads, &p.row, &p.row_end);
        first = 0;
        end = x->dims[0] * channels;
    } else {
        kernel_range(call, thread, x->dims[0] * channels, &first, &end);
    }
    if (call->epilogue) block = kernel_planes(call);
    for (int64_t plane = first; plane < end; plane += block) {
        int64_t now = end - plane < block ? end - plane : block;
        float *to = call->epilogue ? tile : (float *)call->out[0].data + plane * out + p.row * p.out_width;
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
    size_t sorted = p.along ? 2 * p.sorted.floats + (size_t)p.out_width : 0;
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
