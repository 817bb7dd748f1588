/* backend/onednn/convolution.c: convolution and its adjoints in jobs.
 *
 * Forward and backward to the data a job is one sample: what oneDNN needs of a thread's samples besides, the weights,
 * is ready before them. With fewer samples than threads a sample's output channels are cut into parts. The weights'
 * gradient is cut by filters, each part summed over all samples, some at a time: missing ones of the last are zero. */
#include "backend/onednn/steps.h"
#include "ops/attributes.h"

enum { BLOCK = 16, PIECE = 8 << 20 }; /* channels that oneDNN's layouts hold together; bytes of the samples of a job */

static void open(onednn_request *r, const window_attributes *a, const soma_shape *x, const soma_shape *w,
                 const soma_shape *y) {
    r->samples = x->dims[0];
    r->groups = a->groups;
    r->channels = x->dims[1];
    r->filters = w->dims[0];
    r->filter_stride = w->dims[1] * w->dims[2] * w->dims[3];
    for (int d = 0; d < 2; d++) {
        r->size[d] = x->dims[2 + d];
        r->places[d] = y->dims[2 + d];
        r->kernel[d] = w->dims[2 + d];
        r->stride[d] = a->window.stride[d];
        r->dilation[d] = a->window.dilation[d];
        r->before[d] = a->window.before[d];
        r->after[d] = a->window.after[d];
    }
}

/* Rows of the output that are cut into parts. */
static int64_t rows_of(const onednn_request *r) { return r->kind == ONEDNN_BACKWARD_DATA ? r->channels : r->filters; }

/* The request of a part of `count` rows, or groups. */
static onednn_request part_request(const onednn_request *whole, int64_t count, int64_t samples) {
    onednn_request r = *whole;
    r.samples = samples;
    if (r.groups > 1) {
        r.channels = r.channels / r.groups * count;
        r.filters = r.filters / r.groups * count;
        r.groups = count;
    } else if (r.kind == ONEDNN_BACKWARD_DATA) {
        r.channels = count;
    } else {
        r.filters = count;
    }
    return r;
}

bool onednn_cut_convolution(onednn_step *step, const kernel_call *call) {
    onednn_request *r = &step->whole;
    const soma_shape *a = &call->in[0].shape, *b = &call->in[1].shape, *c = &call->out[0].shape;
    const bool weights = r->kind == ONEDNN_BACKWARD_WEIGHTS, data = r->kind == ONEDNN_BACKWARD_DATA;
    open(r, call->attributes, data ? c : a, weights ? c : b, data ? a : weights ? b : c);
    if (r->before[0] < 0 || r->before[1] < 0 || r->after[0] < 0 || r->after[1] < 0) return false;
    for (int d = 0; d < 2; d++)
        if (r->size[d] < 1 || r->places[d] < 1) return false;
    int64_t samples = 1;
    if (weights && r->samples > 1) {
        int64_t x = r->channels * r->size[0] * r->size[1], y = r->filters * r->places[0] * r->places[1];
        int64_t most = PIECE / ((x > y ? x : y) * (int64_t)sizeof(float));
        int64_t pieces = most > 0 ? (r->samples + most - 1) / most : r->samples;
        samples = (r->samples + pieces - 1) / pieces;
    }
    step->parts_count = weights || r->samples < call->threads ? call->threads : 1;
    const int64_t rows = r->groups > 1 ? r->groups : rows_of(r), unit = r->groups > 1 ? 1 : BLOCK;
    if (!onednn_make_parts(step, (rows + unit - 1) / unit, unit, rows)) return false;
    for (int i = 0; i < step->parts_count; i++)
        step->work[step->parts[i].job].request = part_request(r, step->parts[i].count, samples);
    return true;
}

/* ---- Forward, and backward to the data --------------------------------------------------------------------------- */

typedef struct rooms {
    char *program, *pad;
    void *in, *weights, *out;
    float *tile, *sum;
} rooms;

/* Rows and columns of a part's result as the epilogue sees them. */
static int64_t part_rows(const onednn_step *step, const onednn_part *p) {
    return step->whole.groups > 1 ? p->count * (rows_of(&step->whole) / step->whole.groups) : p->count;
}
static int64_t part_first(const onednn_step *step, const onednn_part *p) {
    return step->whole.groups > 1 ? p->first * (rows_of(&step->whole) / step->whole.groups) : p->first;
}

static size_t lay_out(const kernel_call *call, char *at, rooms *r) {
    const onednn_step *step = call->onednn_step;
    const bool weights = step->whole.kind == ONEDNN_BACKWARD_WEIGHTS;
    size_t size[2] = {0, 0}, out = 0, pad = 0, plain = 0;
    const soma_shape *s = &call->out[0].shape;
    const int64_t columns = s->dims[2] * s->dims[3] * (weights ? s->dims[1] : 1);
    for (int i = 0; i < 2 && step->work[i].job; i++) {
        const onednn_shape *shape = &step->work[i].shape;
        for (int k = 0; k < 2; k++) size[k] = onednn_larger(size[k], shape->in[k].bytes);
        if (weights || !shape->out.direct) out = onednn_larger(out, shape->out.bytes);
        pad = onednn_larger(pad, shape->pad);
    }
    for (int i = 0; call->epilogue && i < step->parts_count; i++)
        plain = onednn_larger(plain, (size_t)(part_rows(step, &step->parts[i]) * columns) * sizeof(float));
    onednn_scratch take = {at, 0};
    r->program = onednn_take(&take, call->epilogue ? ew_scratch(call->epilogue->program) : 0);
    r->in = onednn_take(&take, size[0]);
    r->weights = onednn_take(&take, step->kept ? 0 : size[1]);
    r->out = onednn_take(&take, out);
    r->sum = onednn_take(&take, weights ? out : 0);
    r->tile = onednn_take(&take, plain);
    r->pad = onednn_take(&take, pad);
    return take.used;
}

partition onednn_convolution_partition(const kernel_call *call) {
    return call->batch >= call->threads ? PARTITION_BATCH : PARTITION_FREE;
}

size_t onednn_convolution_scratch(const kernel_call *call) {
    rooms r;
    return lay_out(call, NULL, &r);
}

static void run_sample(const kernel_call *call, int thread, const rooms *r, const onednn_part *p, int64_t sample,
                       const void *weights) {
    const onednn_step *step = call->onednn_step;
    const onednn_work *work = &step->work[p->job];
    onednn_seat *seat = call->onednn_run->seats[2 * thread + p->job];
    const soma_shape *in = &call->in[0].shape, *out = &call->out[0].shape;
    const int64_t area = in->dims[2] * in->dims[3], places = out->dims[2] * out->dims[3];
    const int64_t rows = part_rows(step, p), first = part_first(step, p);
    const int64_t skip = step->whole.groups > 1 ? p->first * (in->dims[1] / step->whole.groups) : 0;
    const float *from = (const float *)call->in[0].data + (sample * in->dims[1] + skip) * area;
    float *to = call->epilogue ? r->tile : (float *)call->out[0].data + (sample * out->dims[1] + first) * places;
    const void *image = weights ? onednn_operand(step, seat, work, 0, 1, from, 0, r->in) : NULL;
    void *result = work->shape.out.direct ? to : r->out;
    bool ok = image && step->module->execute(seat, image, weights, result, r->pad);
    if (ok && result != to) ok = step->module->deliver(seat, result, to);
    if (!ok) onednn_fail(to, rows * places);
    if (call->epilogue)
        epilogue_apply(call->epilogue, call->isa, to, places, sample, first, 0, rows, places, r->program);
}

void onednn_convolution_run(const kernel_call *call, int thread) {
    const onednn_step *step = call->onednn_step;
    const int64_t samples = call->out[0].shape.dims[0], parts = step->parts_count;
    int64_t first = 0, end = samples, unit = 0, unit_end = samples * parts;
    rooms r;
    if (call->partition == PARTITION_SERIAL && thread > 0) return;
    if (call->partition == PARTITION_BATCH) partition_range(samples, thread, call->threads, &first, &end);
    if (call->partition == PARTITION_FREE) partition_range(samples * parts, thread, call->threads, &unit, &unit_end);
    lay_out(call, call->scratch + (size_t)thread * call->scratch_stride, &r);
    int before = step->module->begin();
    for (int64_t i = 0; i < parts && samples > 0; i++) {
        const int64_t from = first > unit - i * samples ? first : unit - i * samples;
        const int64_t to = onednn_smaller(end, unit_end - i * samples);
        if (from >= to) continue;
        const void *weights = onednn_weights(call, thread, &step->parts[i], r.weights);
        for (int64_t n = from; n < to; n++) run_sample(call, thread, &r, &step->parts[i], n, weights);
    }
    step->module->end(before);
}

/* ---- Backward to the weights ------------------------------------------------------------------------------------- */

partition onednn_weights_partition(const kernel_call *call) {
    return call->onednn_step->parts_count > 1 ? PARTITION_FREE : PARTITION_SERIAL;
}

size_t onednn_weights_scratch(const kernel_call *call) {
    rooms r;
    return lay_out(call, NULL, &r);
}

/* The gradient of a part from samples [n, n + count), into `out`. */
static bool run_piece(const kernel_call *call, int thread, const rooms *r, const onednn_part *p, int64_t n,
                      int64_t count, void *out) {
    const onednn_step *step = call->onednn_step;
    const onednn_work *work = &step->work[p->job];
    onednn_seat *seat = call->onednn_run->seats[2 * thread + p->job];
    const onednn_request *w = &step->whole;
    const int64_t area = w->size[0] * w->size[1], places = w->places[0] * w->places[1];
    const int64_t skip = w->groups > 1 ? p->first * (w->channels / w->groups) : 0;
    const float *x = (const float *)call->in[0].data + (n * w->channels + skip) * area;
    const float *dy = (const float *)call->in[1].data + (n * w->filters + part_first(step, p)) * places;
    const void *a = onednn_operand(step, seat, work, 0, count, x, w->channels * area, r->in);
    const void *b = a ? onednn_operand(step, seat, work, 1, count, dy, w->filters * places, r->weights) : NULL;
    return b && step->module->execute(seat, a, b, out, r->pad);
}

static void run_part(const kernel_call *call, int thread, const rooms *r, const onednn_part *p) {
    const onednn_step *step = call->onednn_step;
    const onednn_work *work = &step->work[p->job];
    const soma_shape *s = &call->out[0].shape;
    const int64_t depth = s->dims[1] * s->dims[2] * s->dims[3], rows = part_rows(step, p), first = part_first(step, p);
    const int64_t samples = call->in[0].shape.dims[0], each = work->request.samples;
    float *sum = r->sum, *to = call->epilogue ? r->tile : (float *)call->out[0].data + first * depth;
    bool ok = true;
    if (samples == 0) memset(sum, 0, work->shape.out.bytes);
    for (int64_t n = 0; n < samples && ok; n += each) {
        ok = run_piece(call, thread, r, p, n, onednn_smaller(each, samples - n), n ? r->out : sum);
        for (size_t i = 0; n && i < work->shape.out.bytes / sizeof *sum; i++) sum[i] += ((const float *)r->out)[i];
    }
    if (ok && work->shape.out.direct)
        memcpy(to, sum, (size_t)(rows * depth) * sizeof *to);
    else if (ok)
        ok = step->module->deliver(call->onednn_run->seats[2 * thread + p->job], sum, to);
    if (!ok) onednn_fail(to, rows * depth);
    if (call->epilogue) epilogue_apply(call->epilogue, call->isa, to, depth, 0, first, 0, rows, depth, r->program);
}

void onednn_weights_run(const kernel_call *call, int thread) {
    const onednn_step *step = call->onednn_step;
    int64_t first = 0, end = step->parts_count;
    rooms r;
    if (call->partition == PARTITION_SERIAL && thread > 0) return;
    if (call->partition != PARTITION_SERIAL) partition_range(end, thread, call->threads, &first, &end);
    lay_out(call, call->scratch + (size_t)thread * call->scratch_stride, &r);
    int before = step->module->begin();
    for (; first < end; first++) run_part(call, thread, &r, &step->parts[first]);
    step->module->end(before);
}
