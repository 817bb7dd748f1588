/* isa/convolution_data.c: the adjoint of convolution with respect to its input: the weights transposed, [depth,
 * filters], times the output's gradient, [filters, places], gives the gradients of the patches, which are added up
 * where they were cut from. A few channels of one sample at a time, so that both the product and the image that it is
 * added to stay in the first-level cache. What an element receives is added in the order of places and kernel
 * positions. Split among threads by samples, or by blocks of channels when there are fewer samples. */
#include "backend/portable/isa/kernels.h"
#include "backend/portable/isa/patches.h"

enum { PLACES = 64, ROWS = 64 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

typedef struct layout {
    patches p;
    int64_t block, blocks;    /* channels of a block, blocks of a group */
    size_t image, tile, left; /* floats of the scratch's parts */
} layout;

static void open(const kernel_call *call, layout *l) {
    patches_open(&l->p, call->attributes, &call->out[0].shape, &call->in[1].shape, &call->in[0].shape);
    const patches *p = &l->p;
    int64_t area = p->kernel[0] * p->kernel[1];
    l->block = area < ROWS ? ROWS / area : 1;
    if (l->block > p->channels) l->block = p->channels;
    l->blocks = (p->channels + l->block - 1) / l->block;
    l->image = whole_lines(l->block * p->plane);
    l->tile = whole_lines(l->block * area * PLACES);
    /* Weights of a block that lie too far apart are packed. */
    l->left = p->filters * p->depth > 1 << 16 ? (size_t)(l->block * area * smaller(p->filters, GEMM_DEPTH)) : 0;
}

partition KERNEL(convolution_backward_data_partition)(const kernel_call *call) {
    layout l;
    open(call, &l);
    const patches *p = &l.p;
    double flops = 2.0 * (double)p->samples * (double)p->places * (double)(p->groups * p->filters) * (double)p->depth;
    return kernel_choose(call, true, flops < KERNEL_TINY);
}

size_t KERNEL(convolution_backward_data_scratch)(const kernel_call *call) {
    layout l;
    open(call, &l);
    return epilogue_scratch(call->epilogue) + sizeof(float) * (l.image + l.tile + l.left);
}

/* tile[rows, count] = the weights' rows q .. q + rows, transposed, times places [place, place + count) of dy. */
static void multiply(const layout *l, const float *w, int64_t rows, const float *dy, int64_t place, int64_t count,
                     float *tile, float *left) {
    const patches *p = &l->p;
    for (int64_t k = 0; k < p->filters; k += GEMM_DEPTH) {
        int64_t depth = smaller(GEMM_DEPTH, p->filters - k), a_step = p->depth;
        const float *a = w + k * p->depth;
        if (l->left) {
            for (int64_t i = 0; i < depth; i++) memcpy(left + i * rows, a + i * a_step, (size_t)rows * sizeof *a);
            a = left;
            a_step = rows;
        }
        for (int64_t i = 0; i < count; i += GEMM_COLUMNS) {
            gemm_panel(rows, smaller(GEMM_COLUMNS, count - i), depth, a, 1, a_step, dy + k * p->places + place + i,
                       p->places, false, tile + i, PLACES, k > 0);
        }
    }
}

/* Channels of a padded image without the padding, in place or elsewhere. */
static void unpad(const patches *p, int64_t channels, const float *from, float *to) {
    for (int64_t c = 0; c < channels; c++) {
        const float *inside = from + c * p->plane + p->before[0] * p->padded[1] + p->before[1];
        for (int64_t y = 0; y < p->height; y++) {
            memmove(to + c * p->area + y * p->width, inside + y * p->padded[1], (size_t)p->width * sizeof *to);
        }
    }
}

/* A block of channels of one sample. */
static void run_block(const kernel_call *call, const layout *l, int64_t sample, int64_t group, int64_t channel,
                      char *scratch) {
    const patches *p = &l->p;
    int64_t channels = smaller(l->block, p->channels - channel), area = p->kernel[0] * p->kernel[1];
    int64_t row = group * p->channels + channel;
    const float *dy = (const float *)call->in[0].data + (sample * p->groups + group) * p->filters * p->places;
    const float *w = (const float *)call->in[1].data + group * p->filters * p->depth + channel * area;
    float *image = (float *)(void *)(scratch + epilogue_scratch(call->epilogue));
    float *tile = image + l->image, *left = tile + l->tile, *out = NULL;
    if (!call->epilogue) out = (float *)call->out[0].data + (sample * p->groups * p->channels + row) * p->area;
    if (out && p->identical) image = out;
    memset(image, 0, (size_t)(channels * p->plane) * sizeof *image);
    for (int64_t place = 0; place < p->places; place += PLACES) {
        int64_t count = smaller(PLACES, p->places - place);
        multiply(l, w, channels * area, dy, place, count, tile, left);
        patches_add(p, image, 0, channels * area, place, count, tile, PLACES);
    }
    if (!p->identical) unpad(p, channels, image, out ? out : image);
    if (!out) epilogue_apply(call->epilogue, call->isa, image, p->area, sample, row, 0, channels, p->area, scratch);
}

void KERNEL(convolution_backward_data_run)(const kernel_call *call, int thread) {
    layout l;
    open(call, &l);
    char *scratch = call->scratch + (size_t)thread * call->scratch_stride;
    int64_t blocks = l.p.groups * l.blocks, first = 0, end = l.p.samples * blocks;
    if (call->partition == PARTITION_SERIAL) {
        if (thread > 0) return;
    } else if (call->partition == PARTITION_BATCH) {
        partition_range(l.p.samples, thread, call->threads, &first, &end);
        first *= blocks;
        end *= blocks;
    } else {
        partition_range(end, thread, call->threads, &first, &end);
    }
    for (int64_t unit = first; unit < end; unit++) {
        int64_t block = unit % blocks;
        run_block(call, &l, unit / blocks, block / l.blocks, block % l.blocks * l.block, scratch);
    }
}
