/* isa/convolution_weights.c: the adjoint of convolution with respect to its weights: the output's gradient, [filters,
 * places], times the patches transposed, [places, depth], summed over the samples.
 *
 * A strip of COLUMNS of the result, a few channels of the weights, stays in a small buffer while all samples pass: the
 * strip's patches are copied, a block of places after another, the gradient is read where it lies. Each block is summed
 * apart and then added, in the order of samples and places. Split among threads by strips, or by filters where there
 * are too few of them; never by samples. */
#include "backend/portable/isa/kernels.h"
#include "backend/portable/isa/patches.h"

enum { COLUMNS = 64 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void open(const kernel_call *call, patches *p) {
    patches_open(p, call->attributes, &call->in[0].shape, &call->out[0].shape, &call->in[1].shape);
}

partition KERNEL(convolution_backward_weights_partition)(const kernel_call *call) {
    patches p;
    open(call, &p);
    double flops = 2.0 * (double)p.samples * (double)p.places * (double)(p.groups * p.filters) * (double)p.depth;
    return flops < KERNEL_TINY ? PARTITION_SERIAL : PARTITION_FREE;
}

/* Channels that `columns` columns may touch. */
static int64_t strip_channels(const patches *p) {
    return smaller(p->channels, COLUMNS / (p->kernel[0] * p->kernel[1]) + 2);
}
static size_t image_floats(const patches *p) { return whole_lines(strip_channels(p) * p->plane + PATCHES_SLACK); }
static size_t panel_floats(const patches *p) {
    return whole_lines(GEMM_COLUMNS * smaller(GEMM_DEPTH, p->places) + PATCHES_SLACK);
}

size_t KERNEL(convolution_backward_weights_scratch)(const kernel_call *call) {
    patches p;
    open(call, &p);
    size_t floats = image_floats(&p) + panel_floats(&p) + (size_t)(p.filters * COLUMNS);
    return epilogue_scratch(call->epilogue) + floats * sizeof(float);
}

typedef struct strip {
    const kernel_call *call;
    const patches *p;
    int64_t group, row, row_end, column, columns; /* filters of the group, columns of the weights */
    float *padded, *panel, *sum;
} strip;

/* One sample's contribution. */
static void add_sample(const strip *s, int64_t sample) {
    const patches *p = s->p;
    int64_t area = p->kernel[0] * p->kernel[1], channel = s->column / area;
    int64_t channels = (s->column + s->columns - 1) / area - channel + 1;
    const float *x = s->call->in[0].data, *dy = s->call->in[1].data;
    x += ((sample * p->groups + s->group) * p->channels + channel) * p->area;
    dy += ((sample * p->groups + s->group) * p->filters + s->row) * p->places;
    bool large = p->groups * p->channels * p->area >= PATCHES_SLACK;
    if (!p->plain && !(p->identical && sample + 1 < p->samples && large)) {
        patches_pad(p, channels, 0, p->padded[0], x, s->padded);
        x = s->padded;
    }
    for (int64_t place = 0; place < p->places; place += GEMM_DEPTH) {
        int64_t depth = smaller(GEMM_DEPTH, p->places - place);
        for (int64_t j = 0; j < s->columns; j += GEMM_COLUMNS) {
            int64_t columns = smaller(GEMM_COLUMNS, s->columns - j);
            patches_rows(p, x, s->column - channel * area + j, columns, place, place + depth, s->panel);
            gemm_panel(s->row_end - s->row, columns, depth, dy + place, p->places, 1, s->panel, GEMM_COLUMNS, true,
                       s->sum + j, s->columns, sample > 0 || place > 0);
        }
    }
}

static void run_strip(const strip *s, char *scratch) {
    const patches *p = s->p;
    const kernel_call *call = s->call;
    int64_t rows = s->row_end - s->row, first = s->group * p->filters + s->row;
    if (p->samples == 0) memset(s->sum, 0, (size_t)(rows * s->columns) * sizeof *s->sum);
    for (int64_t n = 0; n < p->samples; n++) add_sample(s, n);
    if (call->epilogue) {
        epilogue_apply(call->epilogue, call->isa, s->sum, s->columns, 0, first, s->column, rows, s->columns, scratch);
        return;
    }
    float *out = (float *)call->out[0].data + first * p->depth + s->column;
    for (int64_t i = 0; i < rows; i++) {
        memcpy(out + i * p->depth, s->sum + i * s->columns, (size_t)s->columns * sizeof *out);
    }
}

void KERNEL(convolution_backward_weights_run)(const kernel_call *call, int thread) {
    patches p;
    open(call, &p);
    char *scratch = call->scratch + (size_t)thread * call->scratch_stride;
    float *padded = (float *)(void *)(scratch + epilogue_scratch(call->epilogue));
    int64_t strips = (p.depth + COLUMNS - 1) / COLUMNS, first = 0, end = p.groups * strips;
    strip s = {.call = call, .p = &p, .row_end = p.filters, .padded = padded};
    s.panel = padded + image_floats(&p);
    s.sum = s.panel + panel_floats(&p);
    if (call->partition == PARTITION_SERIAL) {
        if (thread > 0) return;
    } else if (end % call->threads == 0 || end >= 4 * call->threads) {
        partition_range(end, thread, call->threads, &first, &end);
    } else {
        partition_range(p.filters, thread, call->threads, &s.row, &s.row_end);
    }
    for (int64_t unit = first; unit < end && s.row < s.row_end; unit++) {
        s.group = unit / strips;
        s.column = unit % strips * COLUMNS;
        s.columns = smaller(COLUMNS, p.depth - s.column);
        run_strip(&s, scratch);
    }
}
