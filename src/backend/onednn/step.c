/* backend/onednn/step.c: steps and their runs: jobs are made with the plan, what a thread needs to execute them with
 * the run. */
#include "backend/onednn/steps.h"

#include <math.h>

#define ENTRY(name)                                                                                                    \
    .partition = onednn_##name##_partition, .scratch = onednn_##name##_scratch, .run = onednn_##name##_run
const kernel onednn_kernels[] = {
    {.op = &op_convolution, ENTRY(convolution), .epilogue = true, .epilogue_columns = 2},
    {.op = &op_convolution_backward_data, ENTRY(convolution), .epilogue = true, .epilogue_columns = 2},
    {.op = &op_convolution_backward_weights, ENTRY(weights), .epilogue = true, .epilogue_columns = 3},
    {.op = &op_matmul, ENTRY(matmul), .epilogue = true, .epilogue_columns = 1},
    {.op = NULL}};

bool onednn_as_is(const onednn_work *work, int k, int64_t count, int64_t stride) {
    const onednn_side *s = &work->shape.in[k];
    const bool apart = s->items > 1 && stride * (int64_t)sizeof(float) * s->items != (int64_t)s->bytes;
    return s->direct && count == s->items && !apart;
}

const void *onednn_operand(const onednn_step *step, onednn_seat *seat, const onednn_work *work, int k, int64_t count,
                           const float *from, int64_t stride, void *room) {
    if (onednn_as_is(work, k, count, stride)) return from;
    return step->module->convert(seat, k, count, from, stride, room) ? room : NULL;
}

void onednn_fail(float *to, int64_t count) {
    for (int64_t i = 0; i < count; i++) to[i] = NAN;
}

/* `units` of `each` rows (the last may have fewer, `limit` in all) as at most step->parts_count parts. */
bool onednn_make_parts(onednn_step *step, int64_t units, int64_t each, int64_t limit) {
    const int64_t wanted = step->parts_count < units ? step->parts_count : units;
    const int64_t share = wanted > 0 ? (units + wanted - 1) / wanted : 1;
    step->parts_count = 0;
    step->parts = mem_zeros(step->context, (size_t)(wanted > 0 ? wanted : 1), sizeof *step->parts);
    if (!step->parts) return false;
    for (int64_t u = 0; u < units; u += share) {
        onednn_part *p = &step->parts[step->parts_count++];
        p->first = u * each;
        p->count = onednn_smaller(share * each, limit - p->first);
        p->job = p->count == step->parts[0].count ? 0 : 1;
    }
    return step->parts_count > 0;
}

/* The jobs of the two kinds of parts, and places for kept weights. */
static bool make_work(onednn_step *step, bool constant) {
    for (int i = 0; i < 2; i++) {
        onednn_work *w = &step->work[i];
        if (i > step->parts[step->parts_count - 1].job) break;
        w->job = step->module->create(&w->request, &w->shape);
        if (!w->job) return false;
    }
    for (int i = 0; constant && i < step->parts_count && step->whole.kind != ONEDNN_BACKWARD_WEIGHTS; i++) {
        const onednn_side *s = &step->work[step->parts[i].job].shape.in[1];
        step->parts[i].kept = step->kept;
        if (!s->direct) step->kept += (s->bytes + 63) / 64 * 64;
    }
    return true;
}

onednn_step *onednn_step_create(const onednn_module *module, const soma_op *op, const kernel_call *call, bool bf16,
                                bool constant, const soma_context *context) {
    const kernel *k = onednn_kernels;
    while (k->op && k->op != op) k++;
    onednn_step *step = k->op ? mem_zeros(context, 1, sizeof *step) : NULL;
    if (!step) return NULL;
    step->context = context;
    step->module = module;
    step->kernel = k;
    step->whole.bf16 = bf16;
    step->whole.any = constant;
    step->whole.kind = op == &op_convolution                 ? ONEDNN_FORWARD
                       : op == &op_convolution_backward_data ? ONEDNN_BACKWARD_DATA
                       : op == &op_matmul                    ? ONEDNN_MATMUL
                                                             : ONEDNN_BACKWARD_WEIGHTS;
    bool cut = op == &op_matmul ? onednn_cut_matmul(step, call) : onednn_cut_convolution(step, call);
    if (cut && make_work(step, constant)) return step;
    onednn_step_destroy(step);
    return NULL;
}

void onednn_step_destroy(onednn_step *step) {
    if (!step) return;
    for (int i = 0; i < 2; i++)
        if (step->work[i].job) step->module->destroy(step->work[i].job);
    mem_free(step->context, step->parts);
    mem_free(step->context, step);
}

const kernel *onednn_step_kernel(const onednn_step *step) { return step->kernel; }
bool onednn_step_bf16(const onednn_step *step) { return step->whole.bf16; }
size_t onednn_step_kept(const onednn_step *step) { return step->kept; }

int onednn_step_reorders(const onednn_step *step) {
    const onednn_shape *s = &step->work[0].shape;
    return !s->in[0].direct + !s->in[1].direct + !s->out.direct;
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

onednn_run *onednn_run_create(const onednn_step *step, int threads) {
    onednn_run *run = mem_zeros(step->context, 1, sizeof *run);
    if (!run) return NULL;
    run->step = step;
    run->threads = threads;
    run->seats = mem_zeros(step->context, (size_t)threads * 2, sizeof(onednn_seat *));
    run->kept = mem_alloc(step->context, step->kept);
    bool ok = run->seats && run->kept;
    for (int t = 0; ok && t < threads * 2; t++)
        if (step->work[t % 2].job) ok = (run->seats[t] = step->module->sit(step->work[t % 2].job)) != NULL;
    if (ok) return run;
    onednn_run_destroy(run);
    return NULL;
}

void onednn_run_destroy(onednn_run *run) {
    if (!run) return;
    for (int t = 0; run->seats && t < run->threads * 2; t++) run->step->module->leave(run->seats[t]);
    mem_free(run->step->context, (void *)run->seats);
    mem_free(run->step->context, run->kept);
    mem_free(run->step->context, run);
}

/* Where a part's weights begin in the plain tensor. */
static int64_t weights_offset(const onednn_step *step, const onednn_part *p) {
    const onednn_request *w = &step->whole;
    if (w->kind == ONEDNN_MATMUL) return p->first * w->b_stride[1];
    if (w->kind == ONEDNN_BACKWARD_DATA && w->groups == 1) return p->first * w->kernel[0] * w->kernel[1];
    return p->first * w->filter_stride * (w->groups > 1 ? w->filters / w->groups : 1);
}

const void *onednn_weights(const kernel_call *call, int thread, const onednn_part *p, void *room) {
    const onednn_step *step = call->onednn_step;
    const onednn_run *run = call->onednn_run;
    const float *from = (const float *)call->in[1].data + weights_offset(step, p);
    if (step->kept && !step->work[p->job].shape.in[1].direct) return run->kept + p->kept;
    return onednn_operand(step, run->seats[2 * thread + p->job], &step->work[p->job], 1, 1, from, 0, room);
}

void onednn_run_keep(onednn_run *run, const float *weights) {
    const onednn_step *step = run->step;
    if (!step->kept) return;
    int before = step->module->begin();
    for (int i = 0; i < step->parts_count; i++) {
        const onednn_part *p = &step->parts[i];
        const onednn_side *s = &step->work[p->job].shape.in[1];
        if (s->direct) continue;
        char *to = run->kept + p->kept;
        if (!step->module->convert(run->seats[p->job], 1, 1, weights + weights_offset(step, p), 0, to))
            memset(to, 0xff, s->bytes); /* NaN in both types */
    }
    step->module->end(before);
}
