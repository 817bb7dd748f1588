/* isa/reduce.c: sums, largest and smallest elements over any set of axes.
 *
 * Neighbouring axes of the same fate are merged first, so that what remains alternates between kept and reduced ones.
 * If the last one is reduced, its runs are contiguous and each is reduced along vectors; if it is kept, whole rows are
 * combined, vectors lying along it. Long sums are cut into blocks of BLOCK whose sums are added up, which keeps them
 * accurate; where a sum is cut depends on shapes alone. Split among threads by what is kept. */
#include "backend/portable/isa/kernels.h"
#include "backend/portable/isa/shuffle.h"
#include "ops/attributes.h"

#include <math.h>

enum { BLOCK = 256, CHUNK = 512, LINE = 4 }; /* LINE: vectors of outputs that are reduced at a time */
enum { SUM, MAX, MIN };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

typedef struct merged_axis {
    int64_t extent, stride;
} merged_axis;

typedef struct reduction {
    int kept, reduced;
    merged_axis keep[SOMA_MAX_RANK], reduce[SOMA_MAX_RANK]; /* innermost first */
    int64_t outputs, count;                                 /* of outputs; of elements that make one */
} reduction;

static void add_axis(merged_axis *list, int *count, int64_t extent, int64_t stride) {
    if (extent == 1) return;
    if (*count > 0 && list[*count - 1].extent * list[*count - 1].stride == stride) {
        list[*count - 1].extent *= extent;
    } else {
        list[(*count)++] = (merged_axis){extent, stride};
    }
}

static void open(const kernel_call *call, reduction *r) {
    const reduce_attributes *a = call->attributes;
    const soma_shape *s = &call->in[0].shape;
    int64_t stride = 1;
    r->kept = r->reduced = 0;
    r->outputs = r->count = 1;
    for (int d = s->rank - 1; d >= 0; d--) {
        bool reduced = a->axes & SOMA_AXIS(d);
        *(reduced ? &r->count : &r->outputs) *= s->dims[d];
        add_axis(reduced ? r->reduce : r->keep, reduced ? &r->reduced : &r->kept, s->dims[d], stride);
        stride *= s->dims[d];
    }
    if (r->reduced == 0) r->reduce[r->reduced++] = (merged_axis){1, stride};
}

SIMD vf combine(const int kind, vf a, vf b) {
    return kind == SUM ? a + b : kind == MAX ? v_max_nan(a, b) : v_min_nan(a, b);
}
SIMD float combine_one(const int kind, float a, float b) {
    if (kind == SUM) return a + b;
    if (isnan(a) || isnan(b)) return isnan(a) ? a : b;
    return kind == MAX ? (a > b ? a : b) : (a < b ? a : b);
}
SIMD float neutral(const int kind) { return kind == SUM ? 0 : kind == MAX ? -INFINITY : INFINITY; }
SIMD float across(const int kind, vf x) { return kind == SUM ? v_sum_one(x) : kind == MAX ? v_hmax(x) : v_hmin(x); }

/* A contiguous run. */
SIMD float reduce_run(const int kind, const float *x, int64_t n) {
    vf start = v_set1(neutral(kind)), total = start;
    for (int64_t first = 0; first < n; first += BLOCK * 4 * VW) {
        int64_t end = smaller(n, first + BLOCK * 4 * VW), i = first;
        vf a = start, b = start, c = start, d = start;
        for (; i + 4 * VW <= end; i += 4 * VW) {
            a = combine(kind, a, v_load(x + i));
            b = combine(kind, b, v_load(x + i + VW));
            c = combine(kind, c, v_load(x + i + 2 * VW));
            d = combine(kind, d, v_load(x + i + 3 * VW));
        }
        for (; i + VW <= end; i += VW) a = combine(kind, a, v_load(x + i));
        if (i < end) {
            size_t rest = (size_t)(end - i);
            b = combine(kind, b, v_select(m_first(rest), v_load_partial(x + i, rest), start));
        }
        total = combine(kind, total, combine(kind, combine(kind, a, b), combine(kind, c, d)));
    }
    return across(kind, total);
}

/* Steps an index over axes `from` .. `count` - 1 and returns the offset's change; *done when it comes round. */
static int64_t step(const merged_axis *list, int from, int count, int64_t *index, bool *done) {
    int64_t change = 0;
    for (int d = from; d < count; d++) {
        change += list[d].stride;
        if (++index[d] < list[d].extent) return change;
        change -= list[d].extent * list[d].stride;
        index[d] = 0;
    }
    *done = true;
    return change;
}

/* One output whose innermost axis is reduced. */
SIMD float reduce_one(const int kind, const reduction *r, const float *x) {
    int64_t index[SOMA_MAX_RANK] = {0}, blocks = 0;
    float total = neutral(kind), block = total;
    bool done = false;
    while (!done) {
        block = combine_one(kind, block, reduce_run(kind, x, r->reduce[0].extent));
        if (++blocks % BLOCK == 0) {
            total = combine_one(kind, total, block);
            block = neutral(kind);
        }
        x += step(r->reduce, 1, r->reduced, index, &done);
    }
    return combine_one(kind, total, block);
}

/* `count` <= LINE * VW neighbouring outputs whose innermost axis is kept; `vectors` of them. */
SIMD void reduce_line(const int kind, const int vectors, const reduction *r, const float *x, size_t last, float *to) {
    int64_t index[SOMA_MAX_RANK] = {0};
    vf total[LINE], block[LINE], start = v_set1(neutral(kind));
    bool done = false;
    UNROLL
    for (int v = 0; v < vectors; v++) total[v] = start;
    while (!done) {
        UNROLL
        for (int v = 0; v < vectors; v++) block[v] = start;
        for (int64_t n = 0; n < BLOCK && !done;) {
            /* A straight run along the innermost reduced axis. */
            const float *at = x;
            int64_t run = smaller(BLOCK - n, r->reduce[0].extent - index[0]), stride = r->reduce[0].stride;
            for (int64_t k = 0; k < run; k++, at += stride) {
                UNROLL
                for (int v = 0; v < vectors - 1; v++) block[v] = combine(kind, block[v], v_load(at + v * VW));
                const float *end = at + (vectors - 1) * VW;
                vf y = last == VW ? v_load(end) : v_load_partial(end, last);
                block[vectors - 1] = combine(kind, block[vectors - 1], y);
            }
            n += run;
            index[0] += run - 1;
            x += (run - 1) * stride;
            x += step(r->reduce, 0, r->reduced, index, &done);
        }
        UNROLL
        for (int v = 0; v < vectors; v++) total[v] = combine(kind, total[v], block[v]);
    }
    UNROLL
    for (int v = 0; v < vectors - 1; v++) v_store(to + v * VW, total[v]);
    v_store_partial(to + (vectors - 1) * VW, total[vectors - 1], last);
}

SIMD void reduce_lines(const int kind, const reduction *r, const float *x, int64_t count, float *to) {
    for (; count >= LINE * VW; count -= LINE * VW, x += LINE * VW, to += LINE * VW) {
        reduce_line(kind, LINE, r, x, VW, to);
    }
    if (count == 0) return;
    size_t last = (size_t)(count - 1) % VW + 1;
    switch ((count + VW - 1) / VW) {
    case 1:
        reduce_line(kind, 1, r, x, last, to);
        break;
    case 2:
        reduce_line(kind, 2, r, x, last, to);
        break;
    case 3:
        reduce_line(kind, 3, r, x, last, to);
        break;
    default:
        reduce_line(kind, 4, r, x, last, to);
    }
}

/* Where output `index` starts in the input. */
static int64_t place(const reduction *r, int64_t index) {
    int64_t at = 0;
    for (int d = 0; d < r->kept; d++) {
        at += index % r->keep[d].extent * r->keep[d].stride;
        index /= r->keep[d].extent;
    }
    return at;
}

/* Outputs [first, end). */
SIMD void reduce_range(const int kind, const reduction *r, const float *x, int64_t first, int64_t end, float *to) {
    if (r->count == 0) {
        for (int64_t i = first; i < end; i++) to[i - first] = neutral(kind);
    } else if (r->reduce[0].stride == 1) {
        for (int64_t i = first; i < end; i++) to[i - first] = reduce_one(kind, r, x + place(r, i));
    } else {
        for (int64_t i = first; i < end;) {
            int64_t run = smaller(r->keep[0].extent - i % r->keep[0].extent, end - i);
            reduce_lines(kind, r, x + place(r, i), run, to + i - first);
            i += run;
        }
    }
}

static void reduce_sum(const reduction *r, const float *x, int64_t first, int64_t end, float *to) {
    reduce_range(SUM, r, x, first, end, to);
}
static void reduce_max(const reduction *r, const float *x, int64_t first, int64_t end, float *to) {
    reduce_range(MAX, r, x, first, end, to);
}
static void reduce_min(const reduction *r, const float *x, int64_t first, int64_t end, float *to) {
    reduce_range(MIN, r, x, first, end, to);
}

static void run(const kernel_call *call, int thread,
                void (*body)(const reduction *, const float *, int64_t, int64_t, float *)) {
    reduction r;
    const soma_shape *s = &call->out[0].shape;
    char *scratch = call->scratch + (size_t)thread * call->scratch_stride;
    int64_t first, end;
    open(call, &r);
    kernel_range(call, thread, r.outputs, &first, &end);
    if (!call->epilogue) {
        body(&r, call->in[0].data, first, end, (float *)call->out[0].data + first);
        return;
    }
    int64_t columns = s->rank > 0 ? s->dims[s->rank - 1] : 1, rows = s->rank > 1 ? s->dims[s->rank - 2] : 1;
    float *tile = (float *)(void *)scratch;
    for (; first < end; first += CHUNK) {
        int64_t stop = smaller(first + CHUNK, end);
        body(&r, call->in[0].data, first, stop, tile);
        kernel_finish(call, tile, rows, columns, first, stop, scratch + CHUNK * sizeof(float));
    }
}

partition KERNEL(reduce_sum_partition)(const kernel_call *call) {
    reduction r;
    open(call, &r);
    if (r.outputs < call->threads) return PARTITION_SERIAL;
    return kernel_split(call, r.outputs * r.count,
                        !(((const reduce_attributes *)call->attributes)->axes & SOMA_AXIS(0)));
}
size_t KERNEL(reduce_sum_scratch)(const kernel_call *call) {
    return call->epilogue ? epilogue_scratch(call->epilogue) + CHUNK * sizeof(float) : 0;
}
void KERNEL(reduce_sum_run)(const kernel_call *call, int thread) { run(call, thread, reduce_sum); }
void KERNEL(reduce_max_run)(const kernel_call *call, int thread) { run(call, thread, reduce_max); }
void KERNEL(reduce_min_run)(const kernel_call *call, int thread) { run(call, thread, reduce_min); }

partition KERNEL(argmax_partition)(const kernel_call *call) {
    int axis = ((const axis_attributes *)call->attributes)->axis;
    return kernel_split(call, shape_elements(&call->in[0].shape, 1), axis > 0);
}

/* The first of the largest elements; a NaN is larger than everything. */
void KERNEL(argmax_run)(const kernel_call *call, int thread) {
    const soma_shape *s = &call->in[0].shape;
    int axis = ((const axis_attributes *)call->attributes)->axis;
    int64_t n = s->dims[axis], inner = 1, outer = 1, first, end, *to = call->out[0].data;
    for (int d = 0; d < axis; d++) outer *= s->dims[d];
    for (int d = axis + 1; d < s->rank; d++) inner *= s->dims[d];
    kernel_range(call, thread, outer * inner, &first, &end);
    for (int64_t i = first; i < end; i++) {
        const float *x = (const float *)call->in[0].data + i / inner * n * inner + i % inner;
        float largest = x[0];
        int64_t best = 0;
        for (int64_t k = 1; k < n && !isnan(largest); k++) {
            if (!(x[k * inner] <= largest)) {
                largest = x[k * inner];
                best = k;
            }
        }
        to[i] = best;
    }
}
