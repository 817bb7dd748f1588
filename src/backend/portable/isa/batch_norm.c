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

/* Planes are added up in parts that stay in the first-level cache: float sums of a part, double ones of a channel. */
enum { PART = 4096, SUMS = 4 };

SIMD float lanes_sum(const vf *sum) { return v_hsum((sum[0] + sum[1]) + (sum[2] + sum[3])); }

/* The sum of x. */
static float part_sum(const float *x, int64_t n) {
    vf sum[SUMS] = {v_zero(), v_zero(), v_zero(), v_zero()};
    int64_t i = 0;
    for (; i + SUMS * VW <= n; i += SUMS * VW) {
        UNROLL
        for (int v = 0; v < SUMS; v++) sum[v] += v_load(x + i + v * VW);
    }
    for (; i < n; i += VW) sum[0] += v_load_partial(x + i, n - i < VW ? (size_t)(n - i) : VW);
    return lanes_sum(sum);
}

/* The sum of (x - middle)^2. */
static float part_squares(const float *x, float middle, int64_t n) {
    vf sum[SUMS] = {v_zero(), v_zero(), v_zero(), v_zero()};
    const vf from = v_set1(middle);
    int64_t i = 0;
    for (; i + SUMS * VW <= n; i += SUMS * VW) {
        UNROLL
        for (int v = 0; v < SUMS; v++) {
            vf d = v_load(x + i + v * VW) - from;
            sum[v] = v_fma(d, d, sum[v]);
        }
    }
    for (; i < n; i += VW) {
        size_t rest = n - i < VW ? (size_t)(n - i) : VW;
        vf d = v_select(m_first(rest), v_load_partial(x + i, rest) - from, v_zero());
        sum[0] = v_fma(d, d, sum[0]);
    }
    return lanes_sum(sum);
}

/* What a clip of y after the normalisation lets through: where low < y < high, with y = (x - middle) scale + shift as
 * it was computed. */
typedef struct gate {
    float middle, scale, shift, low, high;
} gate;

/* dy where the gate is open, given x - middle; without a gate all of it. */
SIMD vf through(const bool gated, const gate *g, vf d, vf dy) {
    if (!gated) return dy;
    vf y = v_fma(d, v_set1(g->scale), v_set1(g->shift));
    return v_select(m_and(v_gt(y, v_set1(g->low)), v_lt(y, v_set1(g->high))), dy, v_zero());
}

/* The sums of dy and of dy (x - middle). */
SIMD void part_products(const bool gated, const gate *g, const float *dy, const float *x, int64_t n, float out[2]) {
    vf sum[SUMS] = {v_zero(), v_zero(), v_zero(), v_zero()}, products[SUMS] = {v_zero(), v_zero(), v_zero(), v_zero()};
    const vf from = v_set1(g->middle);
    int64_t i = 0;
    for (; i + SUMS * VW <= n; i += SUMS * VW) {
        UNROLL
        for (int v = 0; v < SUMS; v++) {
            vf d = v_load(x + i + v * VW) - from, y = through(gated, g, d, v_load(dy + i + v * VW));
            sum[v] += y;
            products[v] = v_fma(y, d, products[v]);
        }
    }
    for (; i < n; i += VW) { /* where nothing is loaded dy is 0 */
        size_t rest = n - i < VW ? (size_t)(n - i) : VW;
        vf d = v_load_partial(x + i, rest) - from, y = through(gated, g, d, v_load_partial(dy + i, rest));
        sum[0] += y;
        products[0] = v_fma(y, d, products[0]);
    }
    out[0] = lanes_sum(sum);
    out[1] = lanes_sum(products);
}

/* Mean and variance of a channel in one pass: those of the parts are put together as Chan, Golub and LeVeque do
 * (1983, "Algorithms for Computing the Sample Variance"). */
static void channel_moments(const norm *b, int64_t channel, const float *x, double *mean, double *variance) {
    double count = 0, squares = 0;
    *mean = 0;
    for (int64_t n = 0; n < b->samples; n++) {
        const float *plane = x + (n * b->channels + channel) * b->area;
        for (int64_t i = 0; i < b->area; i += PART) {
            int64_t now = b->area - i < PART ? b->area - i : PART;
            double middle = (double)part_sum(plane + i, now) / (double)now, off = middle - *mean,
                   all = count + (double)now;
            squares += (double)part_squares(plane + i, (float)middle, now) + off * off * count * (double)now / all;
            *mean += off * (double)now / all;
            count = all;
        }
    }
    *variance = squares / b->count;
}

/* The sums of dy and of dy (x - middle) of a channel. */
SIMD void channel_products(const bool gated, const gate *g, const norm *b, int64_t channel, const float *dy,
                           const float *x, double sums[2]) {
    sums[0] = sums[1] = 0;
    for (int64_t n = 0; n < b->samples; n++) {
        const int64_t at = (n * b->channels + channel) * b->area;
        for (int64_t i = 0; i < b->area; i += PART) {
            float part[2];
            part_products(gated, g, dy + at + i, x + at + i, b->area - i < PART ? b->area - i : PART, part);
            sums[0] += (double)part[0];
            sums[1] += (double)part[1];
        }
    }
}

/* ---- What becomes of a channel ----------------------------------------------------------------------------------- */

/* out = (x - middle) scale + shift, plus slope dy in the adjoint. */
typedef struct line {
    const float *x, *dy;
    float middle, scale, shift, slope;
    gate gate;
} line;

typedef enum direction { FORWARD, BACKWARD, BACKWARD_GATED } direction;

SIMD void fill(const direction way, const line *l, int64_t at, int64_t n, bool past, float *to) {
    const vf middle = v_set1(l->middle), scale = v_set1(l->scale), shift = v_set1(l->shift), slope = v_set1(l->slope);
    for (int64_t i = 0; i < n; i += VW) {
        size_t rest = n - i < VW ? (size_t)(n - i) : VW;
        vf d = v_load_partial(l->x + at + i, rest) - middle, add = shift;
        if (way != FORWARD)
            add =
                v_fma(through(way == BACKWARD_GATED, &l->gate, d, v_load_partial(l->dy + at + i, rest)), slope, shift);
        vf y = v_fma(d, scale, add);
        if (past && rest == VW)
            v_store_past(to + i, y);
        else
            v_store_partial(to + i, y, rest);
    }
}

SIMD void fill_channel(const direction way, const norm *b, int64_t channel, const line *l) {
    for (int64_t n = 0; n < b->samples; n++) {
        int64_t at = (n * b->channels + channel) * b->area;
        if (!b->tile) {
            float *to = (float *)b->call->out[0].data + at;
            fill(way, l, at, b->area, b->call->past && is_aligned(to), to);
            continue;
        }
        for (int64_t i = 0; i < b->area; i += TILE) {
            int64_t now = b->area - i < TILE ? b->area - i : TILE;
            fill(way, l, at + i, now, false, b->tile);
            kernel_finish(b->call, b->tile, b->rows, b->columns, at + i, at + i + now, b->scratch);
        }
    }
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

enum { SUM, SQUARES, PRODUCTS };

/* What an element adds: a; (a - from)^2; and with b, a (b - from). */
SIMD vf term(const int kind, vf a, vf b, vf from) {
    vf d = (kind == PRODUCTS ? b : a) - from;
    return kind == SUM ? a : kind == SQUARES ? d * d : a * d;
}

/* The gates of neighbouring channels. */
typedef struct row_gate {
    float middle[VW], scale[VW], shift[VW];
    vf low, high;
} row_gate;

/* dy where the gates are open; g may be NULL. */
SIMD vf rows_through(const row_gate *g, vf x, vf dy) {
    if (!g) return dy;
    vf y = v_fma(x - v_load(g->middle), v_load(g->scale), v_load(g->shift));
    return v_select(m_and(v_gt(y, g->low), v_lt(y, g->high)), dy, v_zero());
}

/* Sums of `lanes` neighbouring channels of [N, C]; `from` has a number for each; a gate is for x, by y. */
SIMD void rows_sum(const int kind, const norm *b, int64_t channel, size_t lanes, const float *x, const float *y,
                   vf from, const row_gate *g, double *sums) {
    float part[VW];
    for (size_t k = 0; k < VW; k++) sums[k] = 0;
    for (int64_t n = 0; n < b->samples;) {
        vf sum = v_zero();
        for (int64_t end = b->samples - n < ROWS ? b->samples : n + ROWS; n < end; n++) {
            int64_t at = n * b->channels + channel;
            vf other = y ? v_load_partial(y + at, lanes) : from;
            sum += term(kind, rows_through(g, other, v_load_partial(x + at, lanes)), other, from);
        }
        v_store(part, sum);
        for (size_t k = 0; k < lanes; k++) sums[k] += (double)part[k];
    }
}

typedef struct row_line {
    const float *x, *dy;
    float middle[VW], scale[VW], shift[VW], slope[VW];
    const row_gate *gate;
} row_line;

SIMD void fill_rows(const bool backward, const norm *b, int64_t channel, size_t lanes, const row_line *l) {
    const vf middle = v_load(l->middle), scale = v_load(l->scale), shift = v_load(l->shift), slope = v_load(l->slope);
    for (int64_t n = 0; n < b->samples; n++) {
        int64_t at = n * b->channels + channel;
        vf x = v_load_partial(l->x + at, lanes), add = shift;
        if (backward) add = v_fma(rows_through(l->gate, x, v_load_partial(l->dy + at, lanes)), slope, shift);
        vf value = v_fma(x - middle, scale, add);
        v_store_partial(b->tile ? b->tile : (float *)b->call->out[0].data + at, value, lanes);
        if (b->tile) kernel_finish(b->call, b->tile, b->rows, b->columns, at, at + (int64_t)lanes, b->scratch);
    }
}

/* ---- Kernels ----------------------------------------------------------------------------------------------------- */

/* The factor of x - mean, from the numbers as they are stored, so that the adjoint finds the very same. */
static float scale_of(const norm *b, float weight, float variance) {
    return (float)((double)weight / sqrt((double)variance + b->epsilon));
}

/* y = (x - mean) scale + bias of one channel, whose sums are known. */
static line forward_line(const norm *b, int64_t c, double mean, double variance) {
    const float *weight = b->call->in[1].data, *bias = b->call->in[2].data;
    line l = {.x = b->call->in[0].data, .middle = (float)mean, .shift = bias[c]};
    l.scale = scale_of(b, weight[c], (float)variance);
    ((float *)b->call->out[1].data)[c] = (float)mean;
    ((float *)b->call->out[2].data)[c] = (float)variance;
    return l;
}

/* The clip that follows the normalisation, where the step has one: what forward_line made of the same numbers. */
static bool is_gated(const norm *b) { return b->call->inputs == 6; }
static gate gate_of(const norm *b, int64_t c) {
    const batch_norm_attributes *a = b->call->attributes;
    const float *weight = b->call->in[2].data, *mean = b->call->in[3].data, *variance = b->call->in[4].data;
    gate g = {.middle = mean[c]};
    if (!is_gated(b)) return g;
    g.scale = scale_of(b, weight[c], variance[c]);
    g.shift = ((const float *)b->call->in[5].data)[c];
    g.low = (float)a->low;
    g.high = (float)a->high;
    return g;
}

/* dx = slope (dy - sum of dy / count) - (x - mean) scale, and the gradients of weight and bias. */
static line backward_line(const norm *b, int64_t c, double sum, double products) {
    const float *weight = b->call->in[2].data, *mean = b->call->in[3].data, *variance = b->call->in[4].data;
    line l = {.dy = b->call->in[0].data, .x = b->call->in[1].data, .middle = mean[c], .gate = gate_of(b, c)};
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
    rows_sum(SUM, b, channel, lanes, x, NULL, v_zero(), NULL, mean);
    for (size_t k = 0; k < lanes; k++) r.middle[k] = (float)(mean[k] /= b->count);
    rows_sum(SQUARES, b, channel, lanes, x, NULL, v_load(r.middle), NULL, variance);
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
    row_gate g = {.low = v_zero(), .high = v_zero()};
    for (size_t k = 0; k < lanes && is_gated(b); k++) {
        const gate one = gate_of(b, channel + (int64_t)k);
        g.middle[k] = one.middle;
        g.scale[k] = one.scale;
        g.shift[k] = one.shift;
        g.low = v_set1(one.low);
        g.high = v_set1(one.high);
        r.gate = &g;
    }
    rows_sum(SUM, b, channel, lanes, dy, r.gate ? x : NULL, v_zero(), r.gate, sum);
    rows_sum(PRODUCTS, b, channel, lanes, dy, x, v_load_partial(mean + channel, lanes), r.gate, products);
    for (size_t k = 0; k < lanes; k++) {
        line l = backward_line(b, channel + (int64_t)k, sum[k], products[k]);
        put(&r, k, &l);
    }
    fill_rows(true, b, channel, lanes, &r);
}

static void forward_planes(const norm *b, int64_t c) {
    const float *x = b->call->in[0].data;
    double mean, variance;
    channel_moments(b, c, x, &mean, &variance);
    line l = forward_line(b, c, mean, variance);
    fill_channel(FORWARD, b, c, &l);
}

SIMD void backward_channel(const direction way, const norm *b, int64_t c) {
    const gate g = gate_of(b, c);
    double sums[2];
    channel_products(way == BACKWARD_GATED, &g, b, c, b->call->in[0].data, b->call->in[1].data, sums);
    line l = backward_line(b, c, sums[0], sums[1]);
    fill_channel(way, b, c, &l);
}

static void backward_planes(const norm *b, int64_t c) {
    if (is_gated(b))
        backward_channel(BACKWARD_GATED, b, c);
    else
        backward_channel(BACKWARD, b, c);
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
