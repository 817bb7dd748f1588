/* isa/lrn.c: local response normalisation across channels and its adjoint (src/ops/lrn.c has the formulas). Vectors lie
 * along the pixels of a plane, so that a window over channels is a few loads; each pixel's channels are summed in their
 * order. Split among threads by vectors of pixels. */
#include "backend/portable/isa/kernels.h"
#include "backend/portable/isa/vmath.h"
#include "ops/attributes.h"

typedef struct lrn {
    int64_t channels, rest, before, after;
    float alpha, beta, bias; /* alpha: already divided by the size */
} lrn;

static lrn open(const kernel_call *call) {
    const lrn_attributes *a = call->attributes;
    const soma_shape *s = &call->in[0].shape;
    lrn l = {.channels = s->dims[1], .rest = 1, .before = (a->size - 1) / 2};
    for (int d = 2; d < s->rank; d++) l.rest *= s->dims[d];
    l.after = a->size - 1 - l.before;
    l.alpha = (float)(a->alpha / (double)a->size);
    l.beta = (float)a->beta;
    l.bias = (float)a->bias;
    return l;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* s of channel c, for `lanes` pixels. */
SIMD vf base(const lrn *l, const float *x, int64_t c, size_t lanes) {
    vf sum = v_zero();
    int64_t end = least(c + l->after, l->channels - 1);
    for (int64_t k = most(c - l->before, 0); k <= end; k++) {
        vf v = v_load_partial(x + k * l->rest, lanes);
        sum = v_fma(v, v, sum);
    }
    return v_fma(v_set1(l->alpha), sum, v_set1(l->bias));
}

/* s^-beta, s > 0; the usual 3/4 by two square roots. */
SIMD vf power(const lrn *l, vf s) {
    if (l->beta == 0.75f) {
        vf root = v_rsqrt(s);
        return root * v_sqrt(root);
    }
    return v_exp(v_set1(-l->beta) * v_log(s));
}

/* The vectors of pixels of all samples, [*first, *end) of them for this thread. */
static int64_t share(const kernel_call *call, const lrn *l, int thread, int64_t *first, int64_t *end) {
    int64_t each = (l->rest + VW - 1) / VW;
    kernel_range(call, thread, call->in[0].shape.dims[0] * each, first, end);
    return each;
}

static int64_t place(const lrn *l, int64_t each, int64_t unit, size_t *lanes) {
    int64_t pixel = unit % each * VW;
    *lanes = (size_t)least(l->rest - pixel, VW);
    return unit / each * l->channels * l->rest + pixel;
}

/* A power counts as much as some ten moves. */
partition KERNEL(lrn_partition)(const kernel_call *call) {
    return kernel_split(call, 20 * shape_elements(&call->in[0].shape, 1), true);
}

void KERNEL(lrn_run)(const kernel_call *call, int thread) {
    const lrn l = open(call);
    int64_t first, end, each = share(call, &l, thread, &first, &end);
    for (int64_t unit = first; unit < end; unit++) {
        size_t lanes;
        int64_t at = place(&l, each, unit, &lanes);
        const float *x = (const float *)call->in[0].data + at;
        float *y = (float *)call->out[0].data + at;
        for (int64_t c = 0; c < l.channels; c++) {
            vf v = v_load_partial(x + c * l.rest, lanes);
            v_store_partial(y + c * l.rest, v * power(&l, base(&l, x, c, lanes)), lanes);
        }
    }
}

/* dy x s^(-beta - 1) of each channel of a vector of pixels. */
size_t KERNEL(lrn_backward_scratch)(const kernel_call *call) {
    return (size_t)call->in[0].shape.dims[1] * VW * sizeof(float);
}

void KERNEL(lrn_backward_run)(const kernel_call *call, int thread) {
    const lrn l = open(call);
    float *terms = (float *)(call->scratch + (size_t)thread * call->scratch_stride);
    int64_t first, end, each = share(call, &l, thread, &first, &end);
    for (int64_t unit = first; unit < end; unit++) {
        size_t lanes;
        int64_t at = place(&l, each, unit, &lanes);
        const float *x = (const float *)call->in[0].data + at, *dy = (const float *)call->in[1].data + at;
        float *dx = (float *)call->out[0].data + at;
        for (int64_t c = 0; c < l.channels; c++) {
            vf s = base(&l, x, c, lanes), scaled = v_load_partial(dy + c * l.rest, lanes) * power(&l, s);
            v_store_partial(dx + c * l.rest, scaled, lanes);
            v_store(terms + c * VW, scaled * v_load_partial(x + c * l.rest, lanes) / s);
        }
        for (int64_t c = 0; c < l.channels; c++) {
            vf sum = v_zero();
            int64_t last = least(c + l.before, l.channels - 1);
            for (int64_t k = most(c - l.after, 0); k <= last; k++) sum += v_load(terms + k * VW);
            vf factor = v_set1(2 * l.alpha * l.beta) * v_load_partial(x + c * l.rest, lanes);
            v_store_partial(dx + c * l.rest, v_fnma(factor, sum, v_load_partial(dx + c * l.rest, lanes)), lanes);
        }
    }
}
