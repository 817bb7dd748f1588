/* isa/winograd_weights.c: the adjoint of Winograd's convolution with respect to the weights.
 *
 * For a group of planes at a time: the windows of a block of tiles and the output's gradients of its tiles are
 * transformed and multiplied, a product for each of the p^2 numbers, [filters, tiles] times [tiles, planes], which are
 * added up over the blocks in order; at the end the sums are transformed back to kernels. Split among threads by
 * planes, or by filters where there are too few of them; never by samples. */
#include "backend/portable/isa/winograd.h"

enum { GROUP = 128 }; /* planes, at most */

typedef struct layout {
    winograd g;
    int64_t width, groups; /* planes done together */
    int64_t window_layer, line, layer, sum_layer;
    size_t pixels, windows, gradients, sums, kernels, tile;
} layout;

static bool open(const kernel_call *call, layout *l) {
    if (!winograd_open(&l->g, call->attributes, &call->in[0].shape, &call->out[0].shape, &call->in[1].shape, false))
        return false;
    const winograd *g = &l->g;
    const int64_t m = g->form->tile, halo = g->form->kernel - 1, area = g->form->kernel * g->form->kernel;
    l->groups = (g->planes + GROUP - 1) / GROUP;
    if (l->groups % call->threads) l->groups = winograd_up(l->groups, call->threads);
    l->width = winograd_up((g->planes + l->groups - 1) / l->groups, VW);
    l->line = winograd_lines(winograd_up(g->filters, VW));
    l->layer = winograd_lines(g->most * l->line);
    l->window_layer = winograd_lines(g->most * l->width);
    l->sum_layer = winograd_lines(g->filters * l->width);
    l->pixels = (size_t)((g->block * m + halo) * (g->tiles[1] * m + halo) * VW);
    l->windows = (size_t)(g->square * l->window_layer);
    l->gradients = (size_t)(g->square * l->layer);
    l->sums = (size_t)(g->square * l->sum_layer);
    l->kernels = (size_t)((area + VW) * VW);
    if (l->windows + l->gradients + l->sums > WINOGRAD_ROOM) return false;
    l->tile = call->epilogue ? (size_t)winograd_lines(l->width * area) : 0;
    return true;
}

typedef struct job {
    const kernel_call *call;
    const layout *l;
    char *scratch;
    int64_t filter, filter_end, plane, width;
    float *pixels, *windows, *gradients, *sums, *kernels, *tile;
} job;

/* The windows of `part`, or the gradients of its tiles, from the image's planes [plane, plane_end). */
static void transform_part(const job *j, winograd_part part, bool windows, int64_t plane, int64_t plane_end,
                           float *to) {
    const winograd *g = &j->l->g;
    const int64_t m = g->form->tile, halo = windows ? g->form->kernel - 1 : 0, width = g->tiles[1] * m + halo;
    const int64_t line = windows ? j->l->width : j->l->line, layer = windows ? j->l->window_layer : j->l->layer;
    const int64_t *size = windows ? g->size : g->out, planes = windows ? g->planes : g->filters;
    const winograd_matrix *matrix = windows ? &g->form->input : &g->form->output_back;
    const float *image = (const float *)j->call->in[windows ? 0 : 1].data + part.sample * planes * size[0] * size[1];
    for (int64_t first = plane; plane < plane_end; plane += VW) {
        float *at = to + plane - first;
        winograd_windows(image, size, plane, planes, part.first * m - (windows ? g->before[0] : 0),
                         windows ? -g->before[1] : 0, part.count * m + halo, width, j->pixels);
        for (int64_t y = 0; y < part.count; y++)
            for (int64_t x = 0; x < g->tiles[1]; x++, at += line)
                winograd_apply(matrix, j->pixels + (y * m * width + x * m) * VW, width * VW, VW, at, g->points * layer,
                               layer);
    }
}

static void add_block(const job *j, int64_t row, int64_t row_end) {
    const layout *l = j->l;
    const int64_t tiles = (row_end - row) * l->g.tiles[1];
    int64_t tile = 0;
    for (int64_t r = row; r < row_end;) {
        winograd_part part = winograd_rows(&l->g, r, row_end);
        transform_part(j, part, true, j->plane, j->plane + j->width, j->windows + tile * l->width);
        transform_part(j, part, false, j->filter, j->filter_end, j->gradients + tile * l->line);
        tile += part.count * l->g.tiles[1];
        r += part.count;
    }
    for (int64_t s = 0; s < l->g.square; s++)
        for (int64_t i = 0; i < j->width; i += GEMM_COLUMNS)
            gemm_panel(j->filter_end - j->filter, winograd_smaller(GEMM_COLUMNS, j->width - i), tiles,
                       j->gradients + s * l->layer, 1, l->line, j->windows + s * l->window_layer + i, l->width, true,
                       j->sums + s * l->sum_layer + i, l->width, row > 0);
}

static void transform_back(const job *j) {
    const layout *l = j->l;
    const winograd *g = &l->g;
    const kernel_call *call = j->call;
    const int64_t area = g->form->kernel * g->form->kernel, columns = j->width * area;
    for (int64_t k = j->filter; k < j->filter_end; k++) {
        float *out = (float *)call->out[0].data + (k * g->planes + j->plane) * area;
        if (call->epilogue) out = j->tile;
        for (int64_t i = 0; i < j->width; i += VW) {
            winograd_apply(&g->form->filter_back, j->sums + (k - j->filter) * l->width + i, g->points * l->sum_layer,
                           l->sum_layer, j->kernels, g->form->kernel * VW, VW);
            winograd_planes(j->kernels, area, 1, area, winograd_smaller(VW, j->width - i), out + i * area, area);
        }
        if (call->epilogue)
            epilogue_apply(call->epilogue, call->isa, out, columns, 0, k, j->plane * area, 1, columns, j->scratch);
    }
}

bool KERNEL(winograd_backward_weights_accepts)(const kernel_call *call) {
    layout l;
    return open(call, &l);
}

partition KERNEL(winograd_backward_weights_partition)(const kernel_call *call) {
    (void)call;
    return PARTITION_FREE;
}

size_t KERNEL(winograd_backward_weights_scratch)(const kernel_call *call) {
    layout l;
    open(call, &l);
    return epilogue_scratch(call->epilogue) +
           (l.pixels + l.windows + l.gradients + l.sums + l.kernels + l.tile) * sizeof(float);
}

void KERNEL(winograd_backward_weights_run)(const kernel_call *call, int thread) {
    layout l;
    open(call, &l);
    char *own = call->scratch + (size_t)thread * call->scratch_stride;
    job j = {call, &l, own, .filter_end = l.g.filters};
    j.pixels = (float *)(void *)(own + epilogue_scratch(call->epilogue));
    j.windows = j.pixels + l.pixels;
    j.gradients = j.windows + l.windows;
    j.sums = j.gradients + l.gradients;
    j.kernels = j.sums + l.sums;
    j.tile = j.kernels + l.kernels;
    int64_t rows = l.g.samples * l.g.tiles[0], group = 0, group_end = l.groups;
    if (call->partition == PARTITION_SERIAL) {
        if (thread > 0) return;
    } else if (l.width * l.groups - l.g.planes < l.width / 2) {
        partition_range(l.groups, thread, call->threads, &group, &group_end);
    } else {
        partition_range(l.g.filters, thread, call->threads, &j.filter, &j.filter_end);
    }
    for (; group < group_end && j.filter < j.filter_end; group++) {
        j.plane = group * l.width;
        j.width = winograd_smaller(l.width, l.g.planes - j.plane);
        if (j.width <= 0) break;
        if (rows == 0) memset(j.sums, 0, l.sums * sizeof *j.sums);
        for (int64_t row = 0; row < rows; row += l.g.block) add_block(&j, row, winograd_smaller(row + l.g.block, rows));
        transform_back(&j);
    }
}
