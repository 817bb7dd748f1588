/* isa/depthwise.c: convolution of each channel with a kernel of its own (as many groups as channels and filters), in
 * all three directions: a plane at a time, windows along vectors. With y[i, j] = sum of w[k, l] x[k, l; i, j] over the
 * kernel, where x[k, l; i, j] is what place (i, j) meets there,
 *
 *   forward           runs along y and adds up the kernel's positions
 *   backward data     is the same with the kernel turned round; where windows stand apart it runs along x, the columns
 *                     of each remainder apart, and adds up the places that meet it
 *   backward weights  runs along y for all samples, with a vector of sums for each position, whose lanes are added at
 *                     the end
 *
 * The usual kernel (depthwise_usual.c) does without copies of the planes.
 *
 * Split among threads by samples, rows or planes; the weights' gradients by channels. */
#include "backend/portable/isa/depthwise.h"

#include "backend/portable/isa/sorted.h"

enum { FEW = 4, POSITIONS = 64, CHANNELS = 16 };

typedef struct depthwise {
    sorted x;
    int64_t samples, channels;
    int64_t height, width; /* of y */
    int64_t row, row_end;  /* of the output, which are done */
    int64_t area;          /* of the kernel */
    int64_t shift, line;   /* of a copy of dy: columns of zeros before a row; floats of a row */
    size_t floats;         /* of the copy */
    float *copy, *tile;
    affine plane; /* the epilogue of the plane that is done, if `finishes` */
    bool finishes;
    usual_edges edges_room;
    const usual_edges *edges;
} depthwise;

static bool is_usual(const soma_window *v) {
    bool usual = v->stride[0] == v->stride[1] && v->stride[0] <= 2;
    for (int k = 0; k < 2; k++) usual = usual && v->kernel[k] == 3 && v->dilation[k] == 1 && v->before[k] == 1;
    return usual;
}

static bool open(const soma_window *window, const soma_shape *x, const soma_shape *w, const soma_shape *y,
                 depthwise *d) {
    if (w->dims[1] != 1 || x->dims[1] != w->dims[0]) return false;
    *d = (depthwise){.samples = x->dims[0], .channels = x->dims[1], .height = y->dims[2], .width = y->dims[3]};
    d->area = w->dims[2] * w->dims[3];
    if (d->width < FEW || d->area > POSITIONS) return false;
    sorted_open(&d->x, window, x->dims + 2, y->dims + 2);
    d->floats = is_usual(window) ? 0 : d->x.floats;
    if (is_usual(window) && window->stride[0] == 1 && d->x.width == d->width && d->x.height == d->height)
        d->edges = depthwise_usual_edges(d->width, &d->edges_room);
    return true;
}

/* ---- Forward ----------------------------------------------------------------------------------------------------- */

/* Outputs [j, j + VW) of a row. */
static void forward_part(const depthwise *d, const int64_t *offset, const float *w, int64_t i, int64_t j, float *to) {
    const float *at = d->copy + i * d->x.window.stride[0] * d->x.window.stride[1] * d->x.line + j;
    int64_t left = d->width - j;
    vf sum = v_zero();
    for (int64_t p = 0; p < d->area; p++) sum = v_fma(v_set1(w[p]), v_load(at + offset[p]), sum);
    v_store_partial(to + (i - d->row) * d->width + j, sum, left < VW ? (size_t)left : VW);
}

static void forward(const depthwise *d, const float *x, const float *w, float *to) {
    int64_t offset[POSITIONS], p = 0;
    for (int64_t k = 0; k < d->x.window.kernel[0]; k++)
        for (int64_t l = 0; l < d->x.window.kernel[1]; l++) offset[p++] = sorted_place(&d->x, 0, k, l);
    sorted_fill(&d->x, x, 0, d->copy);
    for (int64_t i = d->row; i < d->row_end; i++)
        for (int64_t j = 0; j < d->width; j += VW) forward_part(d, offset, w, i, j, to);
}

static usual_plane usual(const depthwise *d) {
    return (usual_plane){.height = d->x.height,
                         .width = d->x.width,
                         .out_height = d->height,
                         .out_width = d->width,
                         .stride = d->x.window.stride[0],
                         .row = d->row,
                         .row_end = d->row_end,
                         .finish = d->finishes ? &d->plane : NULL,
                         .edges = d->edges};
}

static void forward_usual(const depthwise *d, const float *x, const float *w, float *to) {
    const usual_plane p = usual(d);
    depthwise_usual(&p, x, w, to);
}

/* ---- Backward to the data ---------------------------------------------------------------------------------------- */

/* With windows side by side the gradient is a convolution of dy with the kernel turned round. */
static bool turns(const soma_window *v) {
    bool side_by_side = v->stride[0] == 1 && v->stride[1] == 1;
    return side_by_side && v->before[0] <= (v->kernel[0] - 1) * v->dilation[0] &&
           v->before[1] <= (v->kernel[1] - 1) * v->dilation[1];
}

static void backward_turned(const depthwise *d, const float *dy, const float *w, float *to) {
    float turned[POSITIONS];
    for (int64_t p = 0; p < d->area; p++) turned[p] = w[d->area - 1 - p];
    if (is_usual(&d->x.window))
        forward_usual(d, dy, turned, to);
    else
        forward(d, dy, turned, to);
}

/* The rows of dy that meet row i of x, by the kernel's rows: how many there are. */
static int meeting_rows(const depthwise *d, int64_t i, const float **row, int64_t *first_weight) {
    const soma_window *v = &d->x.window;
    int count = 0;
    for (int64_t k = 0; k < v->kernel[0]; k++) {
        int64_t above = i + v->before[0] - k * v->dilation[0], y = above / v->stride[0];
        if (above < 0 || y * v->stride[0] != above || y >= d->height) continue;
        first_weight[count] = k * v->kernel[1];
        row[count++] = d->copy + y * d->line + d->shift;
    }
    return count;
}

/* What the columns of one remainder modulo the stride add up in a row of x: weight from[t] for column number t. */
typedef struct taps {
    int count;
    float weight[POSITIONS];
    const float *from[POSITIONS];
} taps;

static void take_taps(const depthwise *d, int64_t remainder, int rows, const float *const *row,
                      const int64_t *first_weight, const float *w, taps *to) {
    const soma_window *v = &d->x.window;
    const int64_t stride = v->stride[1];
    to->count = 0;
    for (int k = 0; k < rows; k++) {
        for (int64_t l = 0; l < v->kernel[1]; l++) {
            int64_t ahead = remainder + v->before[1] - l * v->dilation[1];
            if (ahead % stride) continue;
            to->weight[to->count] = w[first_weight[k] + l];
            to->from[to->count++] = row[k] + ahead / stride;
        }
    }
}

SIMD void add_taps(const int vectors, const taps *p, int64_t t, vf *sum) {
    UNROLL
    for (int i = 0; i < vectors; i++) sum[i] = v_zero();
    for (int n = 0; n < p->count; n++) {
        const vf weight = v_set1(p->weight[n]);
        const float *from = p->from[n] + t;
        UNROLL
        for (int i = 0; i < vectors; i++) sum[i] = v_fma(weight, v_load(from + i * VW), sum[i]);
    }
}

/* Columns number [t, t + vectors VW) of both remainders, `left` columns of x to its end. */
SIMD void pairs_part(const int vectors, const taps *p, int64_t t, int64_t left, float *to) {
    vf even[4], odd[4];
    add_taps(vectors, &p[0], t, even);
    add_taps(vectors, &p[1], t, odd);
    UNROLL
    for (int i = 0; i < vectors; i++, left -= 2 * VW)
        if (left > 0) store_pairs(to + 2 * i * VW, left < 2 * VW ? (size_t)left : 2 * VW, even[i], odd[i]);
}

/* Columns of one remainder, `stride` apart. */
SIMD void lone_part(const taps *p, int64_t stride, int64_t t, int64_t left, float *to) {
    vf sum;
    float lanes[VW];
    add_taps(1, p, t, &sum);
    v_store(lanes, sum);
    for (int64_t i = 0; i < VW && i * stride < left; i++) to[i * stride] = lanes[i];
}

/* Windows that stand apart: each remainder of x's columns modulo the stride meets its own part of the kernel. */
static void backward_apart(const depthwise *d, const float *dy, const float *w, float *to) {
    const int64_t stride = d->x.window.stride[1], width = d->x.width;
    for (int64_t i = 0; i < d->height; i++) /* the zeros around stay */
        memcpy(d->copy + i * d->line + d->shift, dy + i * d->width, (size_t)d->width * sizeof *dy);
    for (int64_t i = d->row; i < d->row_end; i++, to += width) {
        const float *row[POSITIONS];
        int64_t first_weight[POSITIONS], t = 0;
        const int rows = meeting_rows(d, i, row, first_weight);
        taps p[2];
        if (stride == 2) {
            take_taps(d, 0, rows, row, first_weight, w, &p[0]);
            take_taps(d, 1, rows, row, first_weight, w, &p[1]);
            for (; width - 2 * t > 4 * VW; t += 4 * VW) pairs_part(4, p, t, width - 2 * t, to + 2 * t);
            for (; 2 * t < width; t += VW) pairs_part(1, p, t, width - 2 * t, to + 2 * t);
            continue;
        }
        for (int64_t q = 0; q < stride; q++) {
            take_taps(d, q, rows, row, first_weight, w, p);
            for (t = 0; q + t * stride < width; t += VW)
                lone_part(p, stride, t, width - q - t * stride, to + q + t * stride);
        }
    }
}

static void backward_usual(const depthwise *d, const float *dy, const float *w, float *to) {
    const usual_plane p = usual(d);
    depthwise_usual_back(&p, dy, w, to);
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

/* The usual kernel's, of neighbouring channels at once: a sample's planes of these follow each other in memory, and
 * small planes apart would be too short for the processor to read ahead. */
static void weigh_usual(const kernel_call *call, const depthwise *d, int64_t channel, int64_t count, float *to) {
    const usual_plane p = usual(d);
    const int64_t plane = d->x.height * d->x.width, places = d->height * d->width;
    vf sums[CHANNELS][9];
    for (int64_t c = 0; c < count; c++)
        for (int k = 0; k < 9; k++) sums[c][k] = v_zero();
    for (int64_t n = 0; n < d->samples; n++) {
        const int64_t first = n * d->channels + channel;
        const float *x = (const float *)call->in[0].data + first * plane;
        const float *dy = (const float *)call->in[1].data + first * places;
        for (int64_t c = 0; c < count; c++, x += plane, dy += places) depthwise_usual_weigh(&p, x, dy, sums[c]);
    }
    for (int64_t c = 0; c < count; c++)
        for (int k = 0; k < 9; k++) to[9 * c + k] = v_hsum(sums[c][k]);
}

/* ---- Kernels ----------------------------------------------------------------------------------------------------- */

typedef void (*plane_body)(const depthwise *d, const float *from, const float *w, float *to);

static size_t tile_floats(const kernel_call *call, const depthwise *d, bool weights) {
    if (!call->epilogue) return 0;
    return (size_t)((weights ? CHANNELS * d->area : kernel_planes(call) * kernel_area(&call->out[0])) + 15) / 16 * 16;
}

static size_t scratch(const kernel_call *call, const depthwise *d, bool weights) {
    return epilogue_scratch(call->epilogue) + (tile_floats(call, d, weights) + d->floats) * sizeof(float);
}

/* The thread's copy, zero: what stands behind its lines must be numbers. */
static char *take_scratch(const kernel_call *call, int thread, depthwise *d, bool weights) {
    char *own = call->scratch + (size_t)thread * call->scratch_stride;
    d->tile = (float *)(void *)(own + epilogue_scratch(call->epilogue));
    d->copy = d->tile + tile_floats(call, d, weights);
    memset(d->copy, 0, d->floats * sizeof *d->copy);
    return own;
}

/* `finishes`: the body puts its results through an affine epilogue itself. */
static void run(const kernel_call *call, int thread, depthwise *d, plane_body body, bool finishes) {
    char *own = take_scratch(call, thread, d, false);
    const int64_t in = kernel_area(&call->in[0]), out = kernel_area(&call->out[0]), width = call->out[0].shape.dims[3];
    int64_t plane = 0, end = d->samples * d->channels, block = call->epilogue ? kernel_planes(call) : 1;
    d->row_end = out / width;
    if (kernel_by_rows(call))
        partition_range(d->row_end, thread, call->threads, &d->row, &d->row_end);
    else
        kernel_range(call, thread, end, &plane, &end);
    const int64_t first = d->row * width, places = (d->row_end - d->row) * width;
    for (int64_t now; plane < end; plane += now) {
        int64_t channel = plane % d->channels; /* an epilogue sees a sample at a time */
        now = d->channels - channel < block ? d->channels - channel : block;
        if (now > end - plane) now = end - plane;
        float *to = call->epilogue ? d->tile : (float *)call->out[0].data + plane * out + first;
        affine *a = &d->plane;
        d->finishes = finishes && kernel_affine(call, plane / d->channels, channel, first, a) && !a->other;
        for (int64_t i = 0; i < now; i++) {
            body(d, (const float *)call->in[0].data + (plane + i) * in,
                 (const float *)call->in[1].data + (channel + i) * d->area, d->finishes ? a->out : to + i * places);
            if (!d->finishes) continue;
            a->scale += a->scale_row;
            a->shift += a->shift_row;
            a->out += a->out_row;
        }
        if (call->epilogue && !d->finishes)
            epilogue_apply(call->epilogue, call->isa, d->tile, places, plane / d->channels, channel, first, now, places,
                           own);
    }
}

static bool is_depthwise(const kernel_call *call) {
    return ((const window_attributes *)call->attributes)->groups == call->in[1].shape.dims[0];
}
static bool open_forward(const kernel_call *call, depthwise *d) {
    const soma_window *v = &((const window_attributes *)call->attributes)->window;
    return is_depthwise(call) && open(v, &call->in[0].shape, &call->in[1].shape, &call->out[0].shape, d);
}
static bool open_backward(const kernel_call *call, depthwise *d) {
    const soma_shape *dy = &call->in[0].shape, *w = &call->in[1].shape, *x = &call->out[0].shape;
    soma_window v = ((const window_attributes *)call->attributes)->window;
    if (!is_depthwise(call)) return false;
    if (turns(&v)) {
        for (int k = 0; k < 2; k++) v.before[k] = (v.kernel[k] - 1) * v.dilation[k] - v.before[k];
        return open(&v, dy, w, x, d);
    }
    if (!open(&v, x, w, dy, d)) return false;
    d->shift = (v.kernel[1] - 1) * v.dilation[1] / v.stride[1];
    int64_t met = (d->x.width + v.before[1]) / v.stride[1] + 1; /* a column of x may lie beyond all windows */
    d->line = d->shift + (met > d->width ? met : d->width) + 4 * VW;
    d->floats = (size_t)(d->height * d->line);
    return true;
}
static bool open_weights(const kernel_call *call, depthwise *d) {
    const window_attributes *a = call->attributes;
    return a->groups == call->out[0].shape.dims[0] &&
           open(&a->window, &call->in[0].shape, &call->out[0].shape, &call->in[1].shape, d);
}

bool KERNEL(depthwise_accepts)(const kernel_call *call) {
    depthwise d = {0};
    return open_forward(call, &d);
}
partition KERNEL(depthwise_partition)(const kernel_call *call) {
    return kernel_split(call, shape_elements(&call->in[0].shape, 1) + shape_elements(&call->out[0].shape, 1), true);
}
size_t KERNEL(depthwise_scratch)(const kernel_call *call) {
    depthwise d = {0};
    open_forward(call, &d);
    return scratch(call, &d, false);
}
void KERNEL(depthwise_run)(const kernel_call *call, int thread) {
    depthwise d = {0};
    open_forward(call, &d);
    const bool usual = is_usual(&d.x.window);
    run(call, thread, &d, usual ? forward_usual : forward, usual);
}

bool KERNEL(depthwise_backward_data_accepts)(const kernel_call *call) {
    depthwise d = {0};
    return open_backward(call, &d);
}
partition KERNEL(depthwise_backward_data_partition)(const kernel_call *call) {
    return KERNEL(depthwise_partition)(call);
}
size_t KERNEL(depthwise_backward_data_scratch)(const kernel_call *call) {
    depthwise d = {0};
    open_backward(call, &d);
    return scratch(call, &d, false);
}
void KERNEL(depthwise_backward_data_run)(const kernel_call *call, int thread) {
    depthwise d = {0};
    open_backward(call, &d);
    const soma_window *v = &d.x.window;
    run(call, thread, &d, turns(v) ? backward_turned : is_usual(v) ? backward_usual : backward_apart, false);
}

bool KERNEL(depthwise_backward_weights_accepts)(const kernel_call *call) {
    depthwise d = {0};
    return open_weights(call, &d);
}
partition KERNEL(depthwise_backward_weights_partition)(const kernel_call *call) {
    return shape_elements(&call->in[0].shape, 1) < KERNEL_TINY_ELEMENTS ? PARTITION_SERIAL : PARTITION_FREE;
}
size_t KERNEL(depthwise_backward_weights_scratch)(const kernel_call *call) {
    depthwise d = {0};
    open_weights(call, &d);
    return scratch(call, &d, true);
}
void KERNEL(depthwise_backward_weights_run)(const kernel_call *call, int thread) {
    depthwise d = {0};
    int64_t channel = 0, end;
    open_weights(call, &d);
    char *own = take_scratch(call, thread, &d, true);
    kernel_range(call, thread, d.channels, &channel, &end);
    for (; channel < end; channel += CHANNELS) {
        int64_t now = end - channel < CHANNELS ? end - channel : CHANNELS;
        float *to = call->epilogue ? d.tile : (float *)call->out[0].data + channel * d.area;
        if (is_usual(&d.x.window))
            weigh_usual(call, &d, channel, now, to);
        else
            for (int64_t c = 0; c < now; c++) weigh(call, &d, channel + c, to + c * d.area);
        if (call->epilogue) epilogue_apply(call->epilogue, call->isa, d.tile, d.area, 0, channel, 0, now, d.area, own);
    }
}
