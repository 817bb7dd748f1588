/* isa/batch_norm.c: batch normalisation as it trains and its adjoint (src/ops/batch_norm.c has the formulas), a channel
 * at a time: its sums first, then what is made of it while it still is in a cache. Pictures have their channels in
 * planes, along which vectors lie; of rows [N, C] a vector of channels is done at a time. Planes are added up in
 * double, and each channel is one thread's, so that nothing depends on the number of threads. Split among threads by
 * channels. */
#include "backend/portable/isa/kernels.h"
#include "backend/portable/isa/shuffle.h"
#include "ops/attributes.h"

#include <math.h>

enum { TILE = 2048, ROWS = 64 }; /* elements that go through the epilogue together; rows added up in float */

typedef struct norm {
    const kernel_call *call;
    int64_t samples, channels, area;
    double count, epsilon;
    int64_t rows, columns; /* as the epilogue sees the output */
    float *tile;           /* NULL: without an epilogue */
    char *scratch;         /* the epilogue's */
} norm;

static norm open(const kernel_call *call, int thread) {
    const soma_shape *s = &call->out[0].shape;
    norm b = {.call = call, .samples = s->dims[0], .channels = s->dims[1], .area = 1};
    for (int d = 2; d < s->rank; d++) b.area *= s->dims[d];
    b.count = (double)(b.samples * b.area);
    b.epsilon = ((const batch_norm_attributes *)call->attributes)->epsilon;
    if (!call->epilogue) return b;
    b.rows = s->rank > 2 ? s->dims[s->rank - 3] : 1;
    b.columns = s->dims[s->rank - 2] * s->dims[s->rank - 1];
    b.scratch = call->scratch + (size_t)thread * call->scratch_stride;
    b.tile = (float *)(void *)(b.scratch + epilogue_scratch(call->epilogue));
    return b;
}

/* ---- Sums of planes ---------------------------------------------------------------------------------------------- */

enum { SUM, SQUARES, PRODUCTS };

/* What an element adds: a; (a - from)^2; and with b, a (b - from). */
SIMD vf term(const int kind, vf a, vf b, vf from) {
    vf d = (kind == PRODUCTS ? b : a) - from;
    return kind == SUM ? a : kind == SQUARES ? d * d : a * d;
}

SIMD float plane_sum(const int kind, const float *a, const float *b, float from, int64_t n) {
    vf sum[4] = {v_zero(), v_zero(), v_zero(), v_zero()}, middle = v_set1(from);
    int64_t i = 0;
    for (; i + 4 * VW <= n; i += 4 * VW) {
        UNROLL
        for (int v = 0; v < 4; v++)
            sum[v] += term(kind, v_load(a + i + v * VW), kind == PRODUCTS ? v_load(b + i + v * VW) : middle, middle);
    }
    for (; i < n; i += VW) {
        size_t rest = n - i < VW ? (size_t)(n - i) : VW;
        vf x = v_load_partial(a + i, rest), y = kind == PRODUCTS ? v_load_partial(b + i, rest) : middle;
        sum[0] += v_select(m_first(rest), term(kind, x, y, middle), v_zero());
    }
    return v_hsum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* Sums over long planes are cut, so that floats never add up more than PART elements. */
enum { PART = 1 << 14 };
SIMD double channel_sum(const int kind, const norm *b, int64_t channel, const float *x, const float *y, float from) {
    double sum = 0;
    for (int64_t n = 0; n < b->samples; n++) {
        int64_t at = (n * b->channels + channel) * b->area;
        for (int64_t i = 0; i < b->area; i += PART)
            sum += (double)plane_sum(kind, x + at + i, kind == PRODUCTS ? y + at + i : x, from,
                                     b->area - i < PART ? b->area - i : PART);
    }
    return sum;
}

/* ---- What becomes of a channel ----------------------------------------------------------------------------------- */

/* out = (x - middle) scale + shift, plus slope dy in the adjoint. */
typedef struct line {
    const float *x, *dy;
    float middle, scale, shift, slope;
} line;

SIMD void fill(const bool backward, const line *l, int64_t at, int64_t n, float *to) {
    const vf middle = v_set1(l->middle), scale = v_set1(l->scale), shift = v_set1(l->shift), slope = v_set1(l->slope);
    for (int64_t i = 0; i < n; i += VW) {
        size_t rest = n - i < VW ? (size_t)(n - i) : VW;
        vf add = backward ? v_fma(v_load_partial(l->dy + at + i, rest), slope, shift) : shift;
        v_store_partial(to + i, v_fma(v_load_partial(l->x + at + i, rest) - middle, scale, add), rest);
    }
}

SIMD void fill_channel(const bool backward, const norm *b, int64_t channel, const line *l) {
    for (int64_t n = 0; n < b->samples; n++) {
        int64_t at = (n * b->channels + channel) * b->area;
        if (!b->tile) {
            fill(backward, l, at, b->area, (float *)b->call->out[0].data + at);
            continue;
        }
        for (int64_t i = 0; i < b->area; i += TILE) {
            int64_t now = b->area - i < TILE ? b->area - i : TILE;
            fill(backward, l, at + i, now, b->tile);
            kernel_finish(b->call, b->tile, b->rows, b->columns, at + i, at + i + now, b->scratch);
        }
    }
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

/* Sums of `lanes` neighbouring channels of [N, C], as channel_sum; `from` has a number for each. */
SIMD void rows_sum(const int kind, const norm *b, int64_t channel, size_t lanes, const float *x, const float *y,
                   vf from, double *sums) {
    float part[VW];
    for (size_t k = 0; k < VW; k++) sums[k] = 0;
    for (int64_t n = 0; n < b->samples;) {
        vf sum = v_zero();
        for (int64_t end = b->samples - n < ROWS ? b->samples : n + ROWS; n < end; n++) {
            int64_t at = n * b->channels + channel;
            vf other = kind == PRODUCTS ? v_load_partial(y + at, lanes) : from;
            sum += term(kind, v_load_partial(x + at, lanes), other, from);
        }
        v_store(part, sum);
        for (size_t k = 0; k < lanes; k++) sums[k] += (double)part[k];
    }
}

typedef struct row_line {
    const float *x, *dy;
    float middle[VW], scale[VW], shift[VW], slope[VW];
} row_line;

SIMD void fill_rows(const bool backward, const norm *b, int64_t channel, size_t lanes, const row_line *l) {
    const vf middle = v_load(l->middle), scale = v_load(l->scale), shift = v_load(l->shift), slope = v_load(l->slope);
    for (int64_t n = 0; n < b->samples; n++) {
        int64_t at = n * b->channels + channel;
        vf add = backward ? v_fma(v_load_partial(l->dy + at, lanes), slope, shift) : shift;
        vf value = v_fma(v_load_partial(l->x + at, lanes) - middle, scale, add);
        v_store_partial(b->tile ? b->tile : (float *)b->call->out[0].data + at, value, lanes);
        if (b->tile) kernel_finish(b->call, b->tile, b->rows, b->columns, at, at + (int64_t)lanes, b->scratch);
    }
}

/* ---- Kernels ----------------------------------------------------------------------------------------------------- */

/* y = (x - mean) scale + bias of one channel, whose sums are known. */
static line forward_line(const norm *b, int64_t c, double mean, double variance) {
    const float *weight = b->call->in[1].data, *bias = b->call->in[2].data;
    line l = {.x = b->call->in[0].data, .middle = (float)mean, .shift = bias[c]};
    l.scale = (float)((double)weight[c] / sqrt(variance + b->epsilon));
    ((float *)b->call->out[1].data)[c] = (float)mean;
    ((float *)b->call->out[2].data)[c] = (float)variance;
    return l;
}

/* dx = slope (dy - sum of dy / count) - (x - mean) scale, and the gradients of weight and bias. */
static line backward_line(const norm *b, int64_t c, double sum, double products) {
    const float *weight = b->call->in[2].data, *mean = b->call->in[3].data, *variance = b->call->in[4].data;
    line l = {.dy = b->call->in[0].data, .x = b->call->in[1].data, .middle = mean[c]};
    double inverse = 1 / sqrt((double)variance[c] + b->epsilon), slope = (double)weight[c] * inverse;
    l.slope = (float)slope;
    l.shift = (float)(-slope * sum / b->count);
    l.scale = (float)(-slope * inverse * inverse * products / b->count);
    ((float *)b->call->out[1].data)[c] = (float)(products * inverse);
    ((float *)b->call->out[2].data)[c] = (float)sum;
    return l;
}

static void put(row_line *r, size_t k, const line *l) {
    r->x = l->x;
    r->dy = l->dy;
    r->middle[k] = l->middle;
    r->scale[k] = l->scale;
    r->shift[k] = l->shift;
    r->slope[k] = l->slope;
}

static void forward_rows(const norm *b, int64_t channel, size_t lanes) {
    const float *x = b->call->in[0].data;
    double mean[VW], variance[VW];
    row_line r = {0};
    rows_sum(SUM, b, channel, lanes, x, NULL, v_zero(), mean);
    for (size_t k = 0; k < lanes; k++) r.middle[k] = (float)(mean[k] /= b->count);
    rows_sum(SQUARES, b, channel, lanes, x, NULL, v_load(r.middle), variance);
    for (size_t k = 0; k < lanes; k++) {
        line l = forward_line(b, channel + (int64_t)k, mean[k], variance[k] / b->count);
        put(&r, k, &l);
    }
    fill_rows(false, b, channel, lanes, &r);
}

static void backward_rows(const norm *b, int64_t channel, size_t lanes) {
    const float *dy = b->call->in[0].data, *x = b->call->in[1].data, *mean = b->call->in[3].data;
    double sum[VW], products[VW];
    row_line r = {0};
    rows_sum(SUM, b, channel, lanes, dy, NULL, v_zero(), sum);
    rows_sum(PRODUCTS, b, channel, lanes, dy, x, v_load_partial(mean + channel, lanes), products);
    for (size_t k = 0; k < lanes; k++) {
        line l = backward_line(b, channel + (int64_t)k, sum[k], products[k]);
        put(&r, k, &l);
    }
    fill_rows(true, b, channel, lanes, &r);
}

static void forward_planes(const norm *b, int64_t c) {
    const float *x = b->call->in[0].data;
    double mean = channel_sum(SUM, b, c, x, NULL, 0) / b->count;
    line l = forward_line(b, c, mean, channel_sum(SQUARES, b, c, x, NULL, (float)mean) / b->count);
    fill_channel(false, b, c, &l);
}

static void backward_planes(const norm *b, int64_t c) {
    const float *dy = b->call->in[0].data, *x = b->call->in[1].data, *mean = b->call->in[3].data;
    double sum = channel_sum(SUM, b, c, dy, NULL, 0), products = channel_sum(PRODUCTS, b, c, dy, x, mean[c]);
    line l = backward_line(b, c, sum, products);
    fill_channel(true, b, c, &l);
}

static void run(const kernel_call *call, int thread, void (*planes)(const norm *, int64_t),
                void (*rows)(const norm *, int64_t, size_t)) {
    const norm b = open(call, thread);
    int64_t width = b.area > 1 ? 1 : VW, first, end;
    kernel_range(call, thread, (b.channels + width - 1) / width, &first, &end);
    for (int64_t c = first * width; first < end; first++, c += width) {
        if (b.area > 1)
            planes(&b, c);
        else
            rows(&b, c, b.channels - c < VW ? (size_t)(b.channels - c) : VW);
    }
}

partition KERNEL(batch_norm_partition)(const kernel_call *call) {
    return kernel_split(call, shape_elements(&call->out[0].shape, 1), false);
}
size_t KERNEL(batch_norm_scratch)(const kernel_call *call) {
    return call->epilogue ? epilogue_scratch(call->epilogue) + TILE * sizeof(float) : 0;
}
void KERNEL(batch_norm_run)(const kernel_call *call, int thread) { run(call, thread, forward_planes, forward_rows); }
void KERNEL(batch_norm_backward_run)(const kernel_call *call, int thread) {
    run(call, thread, backward_planes, backward_rows);
}
