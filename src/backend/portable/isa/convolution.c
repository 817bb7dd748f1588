/* isa/convolution.c: convolution as a product, weights [filters, depth] times patches [depth, places], for each sample.
 *
 * A strip of PLACES columns at a time: its patches are copied into panels in the thread's scratch, a block of the depth
 * after another, and multiplied by the weights of some filters after others, which are read where they lie; then these
 * go through the epilogue. With a 1x1 kernel and stride 1 the image itself is the matrix of patches. Every element is
 * summed in the order of depth, in blocks of GEMM_DEPTH. Split among threads by samples, or when there are fewer of
 * them by rows of the output, or by filters where weights are larger than pictures.
 *
 * The adjoint with respect to the input is of the same kind where the kernel is 1x1 and the stride 1: the weights
 * transposed times the output's gradient. */
#include "backend/portable/isa/kernels.h"
#include "backend/portable/isa/patches.h"

enum { PLACES = 64, FILTERS = 48 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

typedef struct strip {
    const patches *p;
    const kernel_call *call;
    const float *weights;         /* [groups * filters, depth] */
    float *panel, *tile, *column; /* `column`: patches of the single place, where one is left */
    char *scratch;
    int64_t filter, filter_end; /* of each group */
    int64_t first, end;         /* places */
} strip;

static void open(const kernel_call *call, patches *p) {
    patches_open(p, call->attributes, &call->in[0].shape, &call->in[1].shape, &call->out[0].shape);
    patches_sort(p, call->attributes);
}

/* The adjoint as a convolution from the output's gradient to the input's. */
static void open_adjoint(const kernel_call *call, patches *p) {
    patches_open(p, call->attributes, &call->out[0].shape, &call->in[1].shape, &call->in[0].shape);
    int64_t filters = p->channels;
    p->channels = p->depth = p->filters;
    p->filters = filters;
}

/* Whether a picture is one strip that leaves a vector to a single place, as 7 x 7 does: the last pictures of many
 * networks. That place is summed along the depth. */
static bool leaves_one(const patches *p) { return p->places > VW && p->places <= PLACES && p->places % VW == 1; }

/* The depth of which all patches of a strip are at hand at once: where they need no copies, the whole. */
static int64_t deep(const patches *p) { return p->plain ? p->depth : smaller(GEMM_DEPTH, p->depth); }

/* Asks for the places of a strip in all channels, which may lie in another processor's cache. */
static void fetch(const patches *p, const float *image, int64_t place, int64_t count) {
    for (int64_t k = 0; k < p->depth; k++) {
        const char *at = (const char *)(image + k * p->plane + place), *end = at + count * (int64_t)sizeof *image;
        for (; at < end; at += 64) __builtin_prefetch(at, 0, 2);
        __builtin_prefetch(end - 1, 0, 2);
    }
}

/* Rows [k, k + depth) of the patches of a strip, which are all at hand, times some filters' weights `w`, into (or added
 * to) `c`; the last of all through `finish`, if there is one. */
static void multiply(const strip *s, const float *image, const float *w, int64_t filters, int64_t k, int64_t depth,
                     int64_t place, int64_t count, float *c, int64_t ldc, const affine *finish) {
    const patches *p = s->p;
    const int64_t ldb = p->plain ? p->plane : GEMM_COLUMNS;
    for (int64_t end = k + depth; k < end; k += GEMM_DEPTH) {
        const int64_t now = smaller(GEMM_DEPTH, end - k);
        for (int64_t i = 0; i < count; i += GEMM_COLUMNS) {
            const int64_t columns = smaller(GEMM_COLUMNS, count - i);
            const float *b = p->plain ? image + k * p->plane + place + i : s->panel + i * deep(p);
            gemm_panel_weights(filters, columns, now, w + k, p->depth, b, ldb, !p->plain, c + i, ldc, k > 0,
                               k + now == p->depth ? finish : NULL, i);
        }
    }
}

/* The patches of place `place` of a strip at depths [k, k + depth), one behind another. */
static void gather_column(const strip *s, const float *image, int64_t k, int64_t depth, int64_t place) {
    const patches *p = s->p;
    const int64_t panel = place / GEMM_COLUMNS * GEMM_COLUMNS, step = p->plain ? p->plane : GEMM_COLUMNS;
    const float *from = p->plain ? image + k * p->plane + place : s->panel + panel * deep(p) + place - panel;
    for (int64_t i = 0; i < depth; i++) s->column[i] = from[i * step];
}

/* The place of `column` as multiply() does the others. */
static void multiply_column(const strip *s, const float *w, int64_t filters, int64_t k, int64_t depth, float *c,
                            int64_t ldc) {
    float sums[FILTERS];
    gemm_dot(filters, 1, depth, w + k, s->p->depth, s->column, 0, sums, 1);
    for (int64_t i = 0; i < filters; i++) c[i * ldc] = k > 0 ? c[i * ldc] + sums[i] : sums[i];
}

/* A column of results, `ldc` apart, through the epilogue: column `column` of `finish`. */
static void finish_column(const affine *finish, int64_t rows, const float *c, int64_t ldc, int64_t column) {
    for (int64_t i = 0; i < rows; i++) {
        float y = c[i * ldc] * finish->scale[i * finish->scale_row] + finish->shift[i * finish->shift_row];
        if (finish->other) y += finish->other[i * finish->other_row + column];
        y = y < finish->low ? finish->low : y;
        finish->out[i * finish->out_row + column] = y > finish->high ? finish->high : y;
    }
}

/* Places [place, place + count) of the thread's filters of one group of one sample: some filters at a time, so that
 * their weights come from afar once for the whole strip, and their sums go through the epilogue while they are near. */
static void run_strip(const strip *s, int64_t sample, int64_t group, const float *image, int64_t place, int64_t count) {
    const patches *p = s->p;
    const kernel_call *call = s->call;
    const int64_t first = group * p->filters + s->filter, filters = s->filter_end - s->filter, step = deep(p);
    const float *weights = s->weights + first * p->depth;
    const bool one = leaves_one(p);
    const int64_t whole = one ? count - 1 : count, ldc = call->epilogue ? count : p->places;
    float *out = s->tile;
    if (!call->epilogue)
        out = (float *)call->out[0].data + (sample * p->groups * p->filters + first) * p->places + place;
    if (p->plain && call->partition == PARTITION_FREE && call->threads > 1) {
        if (place == s->first) fetch(p, image, place, count);
        if (place + count < s->end) fetch(p, image, place + count, smaller(PLACES, s->end - place - count));
    }
    for (int64_t k = 0; k < p->depth; k += step) {
        const int64_t depth = smaller(step, p->depth - k);
        for (int64_t i = 0; i < count && !p->plain; i += GEMM_COLUMNS)
            patches_panel(p, image, k, k + depth, place + i, smaller(GEMM_COLUMNS, count - i), s->panel + i * deep(p));
        if (one) gather_column(s, image, k, depth, whole);
        for (int64_t f = 0; f < filters; f += FILTERS) {
            const int64_t now = smaller(FILTERS, filters - f);
            const float *w = weights + f * p->depth;
            float *c = call->epilogue && step == p->depth ? out : out + f * ldc;
            affine finish;
            const bool direct = kernel_affine(call, sample, first + f, place, &finish);
            multiply(s, image, w, now, k, depth, place, whole, c, ldc, direct ? &finish : NULL);
            if (one) multiply_column(s, w, now, k, depth, c + whole, ldc);
            if (k + depth < p->depth) continue;
            if (direct && one)
                finish_column(&finish, now, c + whole, ldc, whole);
            else if (call->epilogue && !direct)
                epilogue_apply(call->epilogue, call->isa, c, ldc, sample, first + f, place, now, count, s->scratch);
        }
    }
}

static partition choose(const kernel_call *call, const patches *p) {
    double flops = 2.0 * (double)p->samples * (double)p->places * (double)(p->groups * p->filters) * (double)p->depth;
    return kernel_choose(call, true, flops < KERNEL_TINY);
}

static size_t image_floats(const patches *p) {
    return p->plain ? 0 : whole_lines(p->groups * p->channels * p->plane + PATCHES_SLACK);
}
static size_t panel_floats(const patches *p) { return p->plain ? 0 : whole_lines(PLACES * deep(p) + PATCHES_SLACK); }
static size_t column_floats(const patches *p) { return leaves_one(p) ? whole_lines(deep(p)) : 0; }
static size_t tile_floats(const patches *p) {
    return (size_t)((deep(p) == p->depth ? smaller(FILTERS, p->filters) : p->filters) * PLACES);
}
static size_t scratch(const kernel_call *call, const patches *p) {
    size_t floats = image_floats(p) + panel_floats(p) + column_floats(p) + (call->epilogue ? tile_floats(p) : 0);
    return epilogue_scratch(call->epilogue) + floats * sizeof(float);
}

/* The samples, rows of the output and filters of each group that a thread does. */
typedef struct share {
    int64_t sample, sample_end, row, row_end, filter, filter_end;
} share;

static share share_of(const kernel_call *call, const patches *p, int thread) {
    share s = {0, p->samples, 0, p->out[0], 0, p->filters};
    if (call->partition == PARTITION_SERIAL) {
        if (thread > 0) s.sample_end = 0;
    } else if (call->partition == PARTITION_BATCH) {
        partition_range(p->samples, thread, call->threads, &s.sample, &s.sample_end);
    } else if (kernel_by_rows(call) && p->places > PLACES &&
               p->filters * p->depth <= p->channels * p->area + p->filters * p->places) {
        partition_range(p->out[0], thread, call->threads, &s.row, &s.row_end);
    } else { /* weights larger than pictures are better read once */
        partition_range(p->filters, thread, call->threads, &s.filter, &s.filter_end);
    }
    return s;
}

static void run(const kernel_call *call, const patches *p, const float *weights, int thread) {
    char *own = call->scratch + (size_t)thread * call->scratch_stride;
    float *padded = (float *)(void *)(own + epilogue_scratch(call->epilogue));
    float *panel = padded + image_floats(p), *column = panel + panel_floats(p), *tile = column + column_floats(p);
    const share part = share_of(call, p, thread);
    const bool large = p->groups * p->channels * p->area >= PATCHES_SLACK;
    const int64_t first = part.row * p->out[1], end = part.filter < part.filter_end ? part.row_end * p->out[1] : 0;
    const strip s = {p, call, weights, panel, tile, column, own, part.filter, part.filter_end, first, end};
    for (int64_t sample = part.sample; sample < part.sample_end && first < end; sample++) {
        const float *x = (const float *)call->in[0].data + sample * p->groups * p->channels * p->area;
        /* Copies may read a little beyond an image, so the last one needs slack behind it. */
        if (!p->plain && !(p->identical && sample + 1 < part.sample_end && large)) {
            const int64_t reach = (p->kernel[0] - 1) * p->dilation[0] + 1;
            patches_pad(p, p->groups * p->channels, part.row * p->stride[0], (part.row_end - 1) * p->stride[0] + reach,
                        x, padded);
            x = padded;
        }
        for (int64_t place = first; place < end; place += PLACES)
            for (int64_t g = 0; g < p->groups; g++)
                run_strip(&s, sample, g, x + g * p->channels * p->plane, place, smaller(PLACES, end - place));
    }
}

/* ---- Kernels ----------------------------------------------------------------------------------------------------- */

partition KERNEL(convolution_partition)(const kernel_call *call) {
    patches p;
    open(call, &p);
    return choose(call, &p);
}
size_t KERNEL(convolution_scratch)(const kernel_call *call) {
    patches p;
    open(call, &p);
    return scratch(call, &p);
}
void KERNEL(convolution_run)(const kernel_call *call, int thread) {
    patches p;
    open(call, &p);
    run(call, &p, call->in[1].data, thread);
}

/* The weights transposed are each thread's own. */
static size_t transposed_floats(const patches *p) { return whole_lines(p->groups * p->filters * p->depth); }

bool KERNEL(pointwise_backward_data_accepts)(const kernel_call *call) {
    patches p;
    open_adjoint(call, &p);
    return p.plain;
}
partition KERNEL(pointwise_backward_data_partition)(const kernel_call *call) {
    patches p;
    open_adjoint(call, &p);
    return choose(call, &p);
}
size_t KERNEL(pointwise_backward_data_scratch)(const kernel_call *call) {
    patches p;
    open_adjoint(call, &p);
    return scratch(call, &p) + transposed_floats(&p) * sizeof(float);
}
void KERNEL(pointwise_backward_data_run)(const kernel_call *call, int thread) {
    patches p;
    open_adjoint(call, &p);
    const float *w = call->in[1].data;
    float *transposed = (float *)(void *)(call->scratch + (size_t)thread * call->scratch_stride + scratch(call, &p));
    for (int64_t g = 0; g < p.groups; g++) {
        int64_t at = g * p.filters * p.depth;
        gemm_transpose(p.depth, p.filters, w + at, p.filters, transposed + at, p.depth);
    }
    run(call, &p, transposed, thread);
}
