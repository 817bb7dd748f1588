/* isa/depthwise.c: convolution of each channel with a kernel of its own (as many groups as channels and filters), in
 * all three directions: a plane at a time, windows along vectors. With y[i, j] = sum of w[k, l] x[k, l; i, j] over the
 * kernel, where x[k, l; i, j] is what place (i, j) meets there,
 *
 *   forward           runs along y and adds up the kernel's positions
 *   backward data     runs along x, one remainder of columns after another, and adds up the places that meet it
 *   backward weights  runs along y for all samples, with a vector of sums for each position, whose lanes are added at
 *                     the end
 *
 * Split among threads by planes; the weights' gradients by channels. */
#include "backend/portable/isa/sorted.h"

enum { FEW = 4, POSITIONS = 64, CHANNELS = 16 };

typedef struct depthwise {
    sorted x;
    int64_t samples, channels;
    int64_t height, width; /* of y */
    int64_t area;          /* of the kernel */
    int64_t shift, line;   /* of the copy of dy: columns of zeros before a row; floats of a row */
    size_t gradient;       /* floats of the copy of dy */
    float *copy, *other, *tile;
} depthwise;

static bool open(const kernel_call *call, const soma_shape *x, const soma_shape *w, const soma_shape *y, depthwise *d) {
    const window_attributes *a = call->attributes;
    if (a->groups != w->dims[0] || w->dims[1] != 1 || x->dims[1] != a->groups) return false;
    *d = (depthwise){.samples = x->dims[0], .channels = x->dims[1], .height = y->dims[2], .width = y->dims[3]};
    d->area = w->dims[2] * w->dims[3];
    if (d->width < FEW || d->area > POSITIONS) return false;
    sorted_open(&d->x, &a->window, x->dims + 2, y->dims + 2);
    d->shift = (w->dims[3] - 1) * a->window.dilation[1] / a->window.stride[1];
    d->line = d->shift + d->width + d->x.line; /* a row of x may be read to its end */
    d->gradient = (size_t)(d->height * d->line);
    return true;
}

/* ---- Forward ----------------------------------------------------------------------------------------------------- */

enum { USUAL = 9 }; /* positions of a 3 x 3 kernel, whose loop is unrolled */

SIMD void forward_add(const int rows, const int vectors, float weight, const float *from, int64_t down, vf *sum) {
    const vf factor = v_set1(weight);
    UNROLL
    for (int n = 0; n < rows * vectors; n++)
        sum[n] = v_fma(factor, v_load(from + n / vectors * down + n % vectors * VW), sum[n]);
}

/* Outputs [j, j + vectors VW) of rows [i, i + rows); `area` is 0 where it is not constant. Several rows together hide
 * the time that an addition takes, and read each weight once. */
SIMD void forward_part(const int area, const int rows, const int vectors, const depthwise *d, const int64_t *offset,
                       const float *w, int64_t i, int64_t j, float *to) {
    const int64_t down = d->x.window.stride[0] * d->x.window.stride[1] * d->x.line;
    const float *at = d->copy + i * down + j;
    vf sum[8];
    UNROLL
    for (int n = 0; n < rows * vectors; n++) sum[n] = v_zero();
    if (area) {
        UNROLL
        for (int p = 0; p < area; p++) forward_add(rows, vectors, w[p], at + offset[p], down, sum);
    } else {
        for (int64_t p = 0; p < d->area; p++) forward_add(rows, vectors, w[p], at + offset[p], down, sum);
    }
    to += i * d->width + j;
    UNROLL
    for (int n = 0; n < rows * vectors; n++) {
        int64_t left = d->width - j - n % vectors * VW;
        v_store_partial(to + n / vectors * d->width + n % vectors * VW, sum[n], left < VW ? (size_t)left : VW);
    }
}

SIMD void forward_rows(const int area, const int rows, const depthwise *d, const int64_t *offset, const float *w,
                       int64_t i, float *to) {
    int64_t j = 0;
    for (; d->width - j > VW; j += 2 * VW) forward_part(area, rows, 2, d, offset, w, i, j, to);
    if (j < d->width) forward_part(area, rows, 1, d, offset, w, i, j, to);
}

static void forward(const depthwise *d, const float *x, const float *w, float *to) {
    enum { ROWS = 4 };
    int64_t offset[POSITIONS], p = 0;
    for (int64_t k = 0; k < d->x.window.kernel[0]; k++)
        for (int64_t l = 0; l < d->x.window.kernel[1]; l++) offset[p++] = sorted_place(&d->x, 0, k, l);
    sorted_fill(&d->x, x, 0, d->copy);
    if (d->area == USUAL && d->height >= ROWS) { /* the last rows may be done twice */
        for (int64_t i = 0; i < d->height; i += ROWS)
            forward_rows(USUAL, ROWS, d, offset, w, i + ROWS <= d->height ? i : d->height - ROWS, to);
    } else {
        for (int64_t i = 0; i < d->height; i++) forward_rows(0, 1, d, offset, w, i, to);
    }
}

/* ---- Backward to the data ---------------------------------------------------------------------------------------- */

/* The rows of dy that meet row r of the sorted gradient of x, by the kernel's rows: how many there are. */
static int meeting_rows(const depthwise *d, int64_t r, const float **row, int64_t *first_weight) {
    const soma_window *v = &d->x.window;
    int count = 0;
    for (int64_t k = 0; k < v->kernel[0]; k++) {
        int64_t above = r - k * v->dilation[0], i = v->stride[0] == 1 ? above : above / v->stride[0];
        if (above < 0 || i * v->stride[0] != above || i >= d->height) continue;
        first_weight[count] = k * v->kernel[1];
        row[count++] = d->other + i * d->line + d->shift;
    }
    return count;
}

/* Columns [t, t + 2 VW) of a row. */
SIMD void backward_part(const int taps, const float *const *from, const float *weight, int64_t t, vf sum[2]) {
    sum[0] = sum[1] = v_zero();
    for (int n = 0; n < taps; n++) {
        vf x = v_set1(weight[n]);
        sum[0] = v_fma(x, v_load(from[n] + t), sum[0]);
        sum[1] = v_fma(x, v_load(from[n] + t + VW), sum[1]);
    }
}

static void backward(const depthwise *d, const float *dy, const float *w, float *to) {
    const soma_window *v = &d->x.window;
    const int64_t remainders = v->stride[1], columns = d->x.line - VW;
    int64_t remainder[POSITIONS], back[POSITIONS]; /* of the kernel's columns */
    for (int64_t l = 0; l < v->kernel[1]; l++) {
        remainder[l] = l * v->dilation[1] % remainders;
        back[l] = l * v->dilation[1] / remainders;
    }
    for (int64_t i = 0; i < d->height; i++) /* the zeros around stay */
        memcpy(d->other + i * d->line + d->shift, dy + i * d->width, (size_t)d->width * sizeof *dy);
    for (int64_t r = 0; r < d->x.rows; r++) {
        const float *row[POSITIONS], *from[POSITIONS];
        int64_t first_weight[POSITIONS];
        const int rows = meeting_rows(d, r, row, first_weight);
        for (int64_t q = 0; q < remainders; q++) {
            float weight[POSITIONS], *line = d->copy + (r * remainders + q) * d->x.line;
            int taps = 0;
            for (int k = 0; k < rows; k++) {
                for (int64_t l = 0; l < v->kernel[1]; l++) {
                    if (remainder[l] != q) continue;
                    weight[taps] = w[first_weight[k] + l];
                    from[taps++] = row[k] - back[l];
                }
            }
            for (int64_t t = 0; t < columns; t += 2 * VW) { /* a vector beyond, at most: the line is that much longer */
                vf sum[2];
                backward_part(taps, from, weight, t, sum);
                int64_t left = d->x.line - t;
                v_store_partial(line + t, sum[0], left < VW ? (size_t)left : VW);
                if (left > VW) v_store_partial(line + t + VW, sum[1], left < 2 * VW ? (size_t)(left - VW) : VW);
            }
        }
    }
    sorted_back(&d->x, d->copy, to);
}

/* ---- Backward to the weights ------------------------------------------------------------------------------------- */

/* Adds a sample's part to the sums of positions [first, first + count), count <= 16. */
SIMD void weigh_part(const int count, const depthwise *d, const float *dy, const int64_t *offset, vf *sums) {
    vf sum[16];
    UNROLL
    for (int n = 0; n < count; n++) sum[n] = sums[n];
    const int64_t down = d->x.window.stride[0] * d->x.window.stride[1] * d->x.line;
    for (int64_t i = 0; i < d->height; i++) {
        const float *row = d->copy + i * down;
        for (int64_t j = 0; j < d->width; j += VW) {
            int64_t left = d->width - j;
            vf y = v_load_partial(dy + i * d->width + j, left < VW ? (size_t)left : VW);
            UNROLL
            for (int n = 0; n < count; n++) sum[n] = v_fma(y, v_load(row + offset[n] + j), sum[n]);
        }
    }
    UNROLL
    for (int n = 0; n < count; n++) sums[n] = sum[n];
}

static void weigh(const kernel_call *call, const depthwise *d, int64_t channel, float *to) {
    const soma_window *v = &d->x.window;
    int64_t offset[POSITIONS], plane = d->x.height * d->x.width, places = d->height * d->width, p = 0;
    vf sums[POSITIONS];
    for (int64_t k = 0; k < v->kernel[0]; k++)
        for (int64_t l = 0; l < v->kernel[1]; l++) offset[p++] = sorted_place(&d->x, 0, k, l);
    for (p = 0; p < d->area; p++) sums[p] = v_zero();
    for (int64_t n = 0; n < d->samples; n++) {
        const float *dy = (const float *)call->in[1].data + (n * d->channels + channel) * places;
        sorted_fill(&d->x, (const float *)call->in[0].data + (n * d->channels + channel) * plane, 0, d->copy);
        for (p = 0; p + 9 <= d->area; p += 9) weigh_part(9, d, dy, offset + p, sums + p);
        for (; p < d->area; p++) weigh_part(1, d, dy, offset + p, sums + p);
    }
    for (p = 0; p < d->area; p++) to[p] = v_hsum(sums[p]);
}

/* ---- Kernels ----------------------------------------------------------------------------------------------------- */

typedef void (*plane_body)(const depthwise *d, const float *from, const float *w, float *to);

static size_t tile_floats(const kernel_call *call, const depthwise *d, bool weights) {
    if (!call->epilogue) return 0;
    return (size_t)((weights ? CHANNELS * d->area : kernel_planes(call) * kernel_area(&call->out[0])) + 15) / 16 * 16;
}

static size_t scratch(const kernel_call *call, const depthwise *d, bool weights) {
    return epilogue_scratch(call->epilogue) +
           (tile_floats(call, d, weights) + d->x.floats + d->gradient) * sizeof(float);
}

/* The thread's copies, zero: what stands behind their lines must be numbers. */
static char *take_scratch(const kernel_call *call, int thread, depthwise *d, bool weights) {
    char *own = call->scratch + (size_t)thread * call->scratch_stride;
    d->tile = (float *)(void *)(own + epilogue_scratch(call->epilogue));
    d->copy = d->tile + tile_floats(call, d, weights);
    d->other = d->copy + d->x.floats;
    memset(d->copy, 0, (d->x.floats + d->gradient) * sizeof *d->copy);
    return own;
}

static void run(const kernel_call *call, int thread, depthwise *d, plane_body body) {
    char *own = take_scratch(call, thread, d, false);
    int64_t in = kernel_area(&call->in[0]), out = kernel_area(&call->out[0]), block = 1, first, end;
    kernel_range(call, thread, d->samples * d->channels, &first, &end);
    if (call->epilogue) block = kernel_planes(call);
    for (int64_t plane = first; plane < end; plane += block) {
        int64_t now = end - plane < block ? end - plane : block;
        float *to = call->epilogue ? d->tile : (float *)call->out[0].data + plane * out;
        for (int64_t i = plane; i < plane + now; i++)
            body(d, (const float *)call->in[0].data + i * in,
                 (const float *)call->in[1].data + i % d->channels * d->area, to + (i - plane) * out);
        if (call->epilogue) kernel_finish(call, d->tile, d->channels, out, plane * out, (plane + now) * out, own);
    }
}

static bool open_forward(const kernel_call *call, depthwise *d) {
    return open(call, &call->in[0].shape, &call->in[1].shape, &call->out[0].shape, d);
}
static bool open_backward(const kernel_call *call, depthwise *d) {
    return open(call, &call->out[0].shape, &call->in[1].shape, &call->in[0].shape, d);
}
static bool open_weights(const kernel_call *call, depthwise *d) {
    return open(call, &call->in[0].shape, &call->out[0].shape, &call->in[1].shape, d);
}

bool KERNEL(depthwise_accepts)(const kernel_call *call) {
    depthwise d;
    return open_forward(call, &d);
}
partition KERNEL(depthwise_partition)(const kernel_call *call) {
    return kernel_split(call, shape_elements(&call->in[0].shape, 1) + shape_elements(&call->out[0].shape, 1), true);
}
size_t KERNEL(depthwise_scratch)(const kernel_call *call) {
    depthwise d;
    open_forward(call, &d);
    return scratch(call, &d, false);
}
void KERNEL(depthwise_run)(const kernel_call *call, int thread) {
    depthwise d;
    open_forward(call, &d);
    run(call, thread, &d, forward);
}

bool KERNEL(depthwise_backward_data_accepts)(const kernel_call *call) {
    depthwise d;
    return open_backward(call, &d);
}
partition KERNEL(depthwise_backward_data_partition)(const kernel_call *call) {
    return KERNEL(depthwise_partition)(call);
}
size_t KERNEL(depthwise_backward_data_scratch)(const kernel_call *call) {
    depthwise d;
    open_backward(call, &d);
    return scratch(call, &d, false);
}
void KERNEL(depthwise_backward_data_run)(const kernel_call *call, int thread) {
    depthwise d;
    open_backward(call, &d);
    run(call, thread, &d, backward);
}

bool KERNEL(depthwise_backward_weights_accepts)(const kernel_call *call) {
    depthwise d;
    return open_weights(call, &d);
}
partition KERNEL(depthwise_backward_weights_partition)(const kernel_call *call) {
    return shape_elements(&call->in[0].shape, 1) < KERNEL_TINY_ELEMENTS ? PARTITION_SERIAL : PARTITION_FREE;
}
size_t KERNEL(depthwise_backward_weights_scratch)(const kernel_call *call) {
    depthwise d;
    open_weights(call, &d);
    return scratch(call, &d, true);
}
void KERNEL(depthwise_backward_weights_run)(const kernel_call *call, int thread) {
    depthwise d;
    int64_t channel = 0, end;
    open_weights(call, &d);
    char *own = take_scratch(call, thread, &d, true);
    kernel_range(call, thread, d.channels, &channel, &end);
    for (; channel < end; channel += CHANNELS) {
        int64_t now = end - channel < CHANNELS ? end - channel : CHANNELS;
        float *to = call->epilogue ? d.tile : (float *)call->out[0].data + channel * d.area;
        for (int64_t c = 0; c < now; c++) weigh(call, &d, channel + c, to + c * d.area);
        if (call->epilogue) epilogue_apply(call->epilogue, call->isa, d.tile, d.area, 0, channel, 0, now, d.area, own);
    }
}
