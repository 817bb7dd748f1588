/* isa/winograd.c: Winograd's convolution forward, and backward to the data, which is the same with kernels turned
 * round.
 *
 * A block of some rows of tiles at a time: all its windows are transformed; then, for some filters after another, the
 * filters' transforms are made of some planes after another, multiplied by the windows' (a product for each of the p^2
 * numbers) and added up, and the sums transformed back. So transformed filters never go through memory: making them
 * anew for each block costs a few operations for each of the block's tiles. Every number is summed in the order of
 * planes, in parts of WINOGRAD_DEPTH.
 *
 * Split among threads by samples, or by filters or rows of tiles where there are fewer samples. */
#include "backend/portable/isa/winograd.h"

enum { AHEAD = 8 };                                           /* planes of kept kernels that are called for ahead */
enum { FILTER_LAYER = WINOGRAD_DEPTH * WINOGRAD_WIDTH + 16 }; /* a number's filters; an odd number of lines */

/* How a call is cut, and where a thread's scratch has what, in floats. */
typedef struct layout {
    winograd g;
    bool back;
    int64_t width, panels; /* filters done at a time */
    int64_t line, layer;   /* of windows: a tile's planes, a number's tiles */
    int64_t sum_layer;     /* of sums: a number's tiles */
    size_t pixels, windows, kernels, filters, sums, tile;
} layout;

static bool open(const kernel_call *call, bool back, layout *l) {
    const soma_shape *image = &call->in[0].shape, *out = &call->out[0].shape;
    if (!winograd_open(&l->g, call->attributes, back ? out : image, &call->in[1].shape, back ? image : out, back))
        return false;
    const winograd *g = &l->g;
    int64_t pixels_in =
                (g->block * g->form->tile + g->form->kernel - 1) * (g->tiles[1] * g->form->tile + g->form->kernel - 1),
            pixels_out = g->block * g->form->tile * g->tiles[1] * g->form->tile + VW;
    l->back = back;
    l->panels = (g->filters + WINOGRAD_WIDTH - 1) / WINOGRAD_WIDTH;
    l->width = winograd_up((g->filters + l->panels - 1) / l->panels, VW);
    l->line = winograd_lines(winograd_up(g->planes, VW));
    l->layer = winograd_lines(g->most * l->line);
    l->sum_layer = winograd_lines(g->most * WINOGRAD_WIDTH);
    l->pixels = (size_t)((pixels_in > pixels_out ? pixels_in : pixels_out) * VW);
    l->windows = (size_t)(g->square * l->layer);
    l->kernels = (size_t)(g->form->kernel * g->form->kernel) * WINOGRAD_DEPTH * WINOGRAD_WIDTH;
    l->filters = (size_t)(g->square * FILTER_LAYER);
    l->sums = (size_t)(g->square * l->sum_layer);
    if (l->windows > WINOGRAD_ROOM) return false;
    l->tile = call->epilogue ? (size_t)winograd_lines(VW * g->block * g->form->tile * g->out[1]) : 0;
    return true;
}

typedef struct job {
    const kernel_call *call;
    const layout *l;
    char *scratch;
    float *pixels, *windows, *kernels, *filters, *sums, *tile;
} job;

/* All windows of the rows of tiles [row, row_end). */
static void transform_windows(const job *j, int64_t row, int64_t row_end) {
    const winograd *g = &j->l->g;
    const int64_t m = g->form->tile, halo = g->form->kernel - 1, width = g->tiles[1] * m + halo;
    float *to = j->windows;
    while (row < row_end) {
        winograd_part part = winograd_rows(g, row, row_end);
        const float *image = (const float *)j->call->in[0].data + part.sample * g->planes * g->size[0] * g->size[1];
        for (int64_t plane = 0; plane < g->planes; plane += VW) {
            float *at = to + plane;
            winograd_windows(image, g->size, plane, g->planes, part.first * m - g->before[0], -g->before[1],
                             part.count * m + halo, width, j->pixels);
            for (int64_t y = 0; y < part.count; y++)
                for (int64_t x = 0; x < g->tiles[1]; x++, at += j->l->line)
                    winograd_apply(&g->form->input, j->pixels + (y * m * width + x * m) * VW, width * VW, VW, at,
                                   g->points * j->l->layer, j->l->layer);
        }
        to += part.count * g->tiles[1] * j->l->line;
        row += part.count;
    }
}

/* The transforms of the kernels between planes [plane, plane + depth) and filters [filter, filter + width). */
static void transform_filters(const job *j, int64_t plane, int64_t depth, int64_t filter, int64_t width) {
    const winograd *g = &j->l->g;
    const int64_t r = g->form->kernel, area = r * r, layer = FILTER_LAYER;
    const float *w = j->call->in[1].data, *from = j->kernels;
    int64_t line = r * WINOGRAD_WIDTH, column = WINOGRAD_WIDTH;
    if (j->call->kept) {
        from = (const float *)j->call->kept + (filter / j->l->width * g->planes + plane) * area * WINOGRAD_WIDTH;
    } else if (!j->l->back) {
        gemm_transpose(width, depth * area, w + (filter * g->planes + plane) * area, g->planes * area, j->kernels,
                       WINOGRAD_WIDTH);
    } else { /* weights are [planes, filters, ..] here; the last element comes first */
        for (int64_t k = 0; k < depth; k++)
            gemm_transpose(width, area, w + ((plane + k) * g->filters + filter) * area, area,
                           j->kernels + k * area * WINOGRAD_WIDTH, WINOGRAD_WIDTH);
        from += (area - 1) * WINOGRAD_WIDTH;
        line = -line;
        column = -column;
    }
    for (int64_t k = 0; k < depth; k++) {
        const float *later = from + (k + AHEAD) * area * WINOGRAD_WIDTH;
        for (int64_t q = 0; q < area * WINOGRAD_WIDTH && j->call->kept; q += 16) __builtin_prefetch(later + q, 0, 3);
        for (int64_t i = 0; i < width; i += VW)
            winograd_apply(&g->form->filter, from + k * area * WINOGRAD_WIDTH + i, line, column,
                           j->filters + k * WINOGRAD_WIDTH + i, g->points * layer, layer);
    }
}

static void multiply(const job *j, int64_t tiles, int64_t filter, int64_t width) {
    const layout *l = j->l;
    for (int64_t plane = 0; plane < l->g.planes; plane += WINOGRAD_DEPTH) {
        int64_t depth = winograd_smaller(WINOGRAD_DEPTH, l->g.planes - plane);
        transform_filters(j, plane, depth, filter, width);
        for (int64_t s = 0; s < l->g.square; s++)
            for (int64_t i = 0; i < width; i += GEMM_COLUMNS)
                gemm_panel(tiles, winograd_smaller(GEMM_COLUMNS, width - i), depth, j->windows + s * l->layer + plane,
                           l->line, 1, j->filters + s * FILTER_LAYER + i, WINOGRAD_WIDTH, true,
                           j->sums + s * l->sum_layer + i, WINOGRAD_WIDTH, plane > 0);
    }
}

/* The sums of `count` <= VW filters of some rows of tiles of one image, from j->sums + from, into the output. */
static void transform_back(const job *j, winograd_part part, int64_t filter, int64_t count, const float *from) {
    const winograd *g = &j->l->g;
    const kernel_call *call = j->call;
    const int64_t m = g->form->tile, stride = g->tiles[1] * m, top = part.first * m, places = g->out[0] * g->out[1];
    const int64_t height = winograd_smaller(part.count * m, g->out[0] - top), first = top * g->out[1];
    for (int64_t y = 0; y < part.count; y++)
        for (int64_t x = 0; x < g->tiles[1]; x++, from += WINOGRAD_WIDTH)
            winograd_apply(&g->form->output, from, g->points * j->l->sum_layer, j->l->sum_layer,
                           j->pixels + (y * m * stride + x * m) * VW, stride * VW, VW);
    if (!call->epilogue) {
        float *out = (float *)call->out[0].data + (part.sample * g->filters + filter) * places + first;
        winograd_planes(j->pixels, stride, height, g->out[1], count, out, places);
        return;
    }
    int64_t size = height * g->out[1];
    winograd_planes(j->pixels, stride, height, g->out[1], count, j->tile, size);
    epilogue_apply(call->epilogue, call->isa, j->tile, size, part.sample, filter, first, count, size, j->scratch);
}

/* Rows of tiles [row, row_end) and filters [filter, filter_end). */
static void run_block(const job *j, int64_t row, int64_t row_end, int64_t filter, int64_t filter_end) {
    const winograd *g = &j->l->g;
    transform_windows(j, row, row_end);
    for (; filter < filter_end; filter += j->l->width) {
        int64_t width = winograd_smaller(j->l->width, filter_end - filter), tile = 0;
        multiply(j, (row_end - row) * g->tiles[1], filter, width);
        for (int64_t r = row; r < row_end;) {
            winograd_part part = winograd_rows(g, r, row_end);
            for (int64_t i = 0; i < width; i += VW)
                transform_back(j, part, filter + i, winograd_smaller(VW, width - i),
                               j->sums + tile * WINOGRAD_WIDTH + i);
            tile += part.count * g->tiles[1];
            r += part.count;
        }
    }
}

static size_t scratch(const kernel_call *call, bool back) {
    layout l;
    open(call, back, &l);
    return epilogue_scratch(call->epilogue) +
           (l.pixels + l.windows + l.kernels + l.filters + l.sums + l.tile) * sizeof(float);
}

static void run(const kernel_call *call, int thread, bool back) {
    layout l;
    open(call, back, &l);
    char *own = call->scratch + (size_t)thread * call->scratch_stride;
    job j = {call, &l, own, .pixels = (float *)(void *)(own + epilogue_scratch(call->epilogue))};
    j.windows = j.pixels + l.pixels;
    j.kernels = j.windows + l.windows;
    j.filters = j.kernels + l.kernels;
    j.sums = j.filters + l.filters;
    j.tile = j.sums + l.sums;
    int64_t rows = l.g.samples * l.g.tiles[0], row = 0, row_end = rows, panel = 0, panel_end = l.panels;
    if (call->partition == PARTITION_SERIAL) {
        if (thread > 0) return;
    } else if (call->partition == PARTITION_BATCH) {
        partition_range(l.g.samples, thread, call->threads, &row, &row_end);
        row *= l.g.tiles[0];
        row_end *= l.g.tiles[0];
    } else if (l.panels >= call->threads && l.g.filters > rows * l.g.tiles[1]) {
        /* Each transforms all windows: fewer than the filters that each would transform if it took some rows. */
        partition_range(l.panels, thread, call->threads, &panel, &panel_end);
    } else {
        partition_range(rows, thread, call->threads, &row, &row_end);
    }
    int64_t filter = panel * l.width, filter_end = winograd_smaller(panel_end * l.width, l.g.filters);
    for (; row < row_end && filter < filter_end; row += l.g.block)
        run_block(&j, row, winograd_smaller(row + l.g.block, row_end), filter, filter_end);
}

/* Whether fewer multiplications are left when the filters' transforms, which are made for each block of tiles, count
 * too: for a few tiles they are not worth it. */
static bool pays(const kernel_call *call, bool back) {
    layout l;
    const double filter = 8; /* what making a number of a filter and keeping it costs, in multiply-adds of vectors */
    if (!open(call, back, &l)) return false;
    const winograd *g = &l.g;
    const int64_t rows = g->samples * g->tiles[0], blocks = (rows + g->block - 1) / g->block;
    double numbers = (double)(g->square * g->planes * g->filters);
    double direct = (double)(g->samples * g->out[0] * g->out[1]) * (double)(g->planes * g->filters) *
                    (double)(g->form->kernel * g->form->kernel);
    return rows == 0 || numbers * ((double)(rows * g->tiles[1]) + filter * (double)blocks) < 0.8 * direct;
}

/* Kernels as transform_filters wants them: of the filters done at a time, one such set after another. */
size_t KERNEL(winograd_kept)(const kernel_call *call) {
    layout l;
    if (!open(call, false, &l)) return 0;
    return (size_t)(l.panels * WINOGRAD_WIDTH) * (size_t)shape_elements(&call->in[1].shape, 1) / (size_t)l.g.filters *
           sizeof(float);
}
void KERNEL(winograd_keep)(const kernel_call *call, void *to) {
    layout l;
    float *set = to;
    open(call, false, &l);
    const int64_t each = l.g.planes * l.g.form->kernel * l.g.form->kernel;
    for (int64_t filter = 0; filter < l.g.filters; filter += l.width, set += each * WINOGRAD_WIDTH)
        gemm_transpose(winograd_smaller(l.width, l.g.filters - filter), each,
                       (const float *)call->in[1].data + filter * each, each, set, WINOGRAD_WIDTH);
}

bool KERNEL(winograd_accepts)(const kernel_call *call) { return pays(call, false); }
partition KERNEL(winograd_partition)(const kernel_call *call) { return kernel_choose(call, true, false); }
size_t KERNEL(winograd_scratch)(const kernel_call *call) { return scratch(call, false); }
void KERNEL(winograd_run)(const kernel_call *call, int thread) { run(call, thread, false); }

bool KERNEL(winograd_backward_data_accepts)(const kernel_call *call) { return pays(call, true); }
partition KERNEL(winograd_backward_data_partition)(const kernel_call *call) { return kernel_choose(call, true, false); }
size_t KERNEL(winograd_backward_data_scratch)(const kernel_call *call) { return scratch(call, true); }
void KERNEL(winograd_backward_data_run)(const kernel_call *call, int thread) { run(call, thread, true); }
