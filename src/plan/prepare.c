/* plan/prepare.c: a plan's steps at one batch: concrete shapes, addresses, strides, each thread's share. It is done
 * when the batch or an address changes, not at every step. */
#include "plan/run.h"

void *run_address(const soma_run *run, int32_t value) {
    const soma_plan *plan = run->plan;
    const plan_value *root = plan_root(plan, value);
    switch (root->place) {
    case PLACE_ARENA:
        return run->arena + (root->narrow ? plan->stretches[plan->steps[root->first].stretch].offset : 0) +
               root->offset + (size_t)plan->values[value].before * plan_float_size(plan);
    case PLACE_VARIABLE:
        return root->variable->data;
    case PLACE_INPUT:
        return (void *)run->inputs[root->offset].bound;
    case PLACE_CONSTANT:
        return (void *)root->constant;
    case PLACE_SCALAR:
        return (char *)run->scalar_slots + root->offset * plan_float_size(plan);
    case PLACE_THREAD:
    case PLACE_NONE:
        break;
    }
    return NULL;
}

/* The same for what is done at once. */
static void *address(const soma_run *run, int32_t value, const work *w) {
    const soma_plan *plan = run->plan;
    const plan_value *root = plan_root(plan, value);
    char *data = run_address(run, value);
    if (!w->apart || !data || !plan_has_samples(&plan->values[value])) return data;
    if (root->narrow) return data + (size_t)w->thread * plan->stretches[plan->steps[root->first].stretch].bytes;
    return data + (size_t)(w->sample * shape_elements(&root->type->shape, 1)) * plan_value_size(plan, root);
}

/* Values that the host computes: in order, so that inputs come before users. */
static void compute_scalars(soma_run *run, int64_t batch) {
    const soma_plan *plan = run->plan;
    for (size_t s = 0; s < plan->scalars_count; s++) {
        const node *n = plan_value_node(plan, plan->scalars[s]);
        double x[3] = {0, 0, 0}, value = 0;
        if (n->op == &op_scalar) {
            value = ((const scalar_attributes *)n->attributes)->value;
        } else if (n->op == &op_input) {
            value = run->scalar_values[s];
        } else if (n->op->flags & OP_SHAPE) {
            tensor in[OP_MAX_INPUTS], out = {&value, SOMA_FLOAT, soma_shape0()};
            for (int i = 0; i < n->inputs_count; i++) {
                const tensor_type *t = plan->values[plan_value_of(plan, n->inputs[i])].type;
                in[i] = (tensor){NULL, t->dtype, shape_resolve(&t->shape, batch)};
            }
            op_call c = {.op = n->op,
                         .attributes = n->attributes,
                         .inputs = n->inputs_count,
                         .outputs = 1,
                         .in = in,
                         .out = &out,
                         .batch = batch};
            n->op->reference(&c);
        } else {
            for (int i = 0; i < n->inputs_count && i < 3; i++)
                x[i] = run->scalar_values[plan->values[plan_value_of(plan, n->inputs[i])].offset];
            value = n->op->scalar(x, ((const elementwise_attributes *)n->attributes)->parameter);
        }
        run->scalar_values[s] = value;
        if (plan->reference)
            ((double *)run->scalar_slots)[s] = value;
        else
            ((float *)run->scalar_slots)[s] = (float)value;
    }
}

/* ---- Element-wise steps
 * ------------------------------------------------------------------------------------------------- */

typedef struct loops {
    int rank, operands;
    int64_t extent[SOMA_MAX_RANK];
    int64_t stride[EW_MAX_INPUTS + EW_MAX_OUTPUTS][SOMA_MAX_RANK];
    char *base[EW_MAX_INPUTS + EW_MAX_OUTPUTS];
} loops;

static void operand_strides(const soma_shape *operand, int rank, int64_t *stride) {
    int64_t pitch = 1;
    for (int o = 0; o < rank; o++) stride[o] = 0;
    for (int d = operand->rank - 1, o = rank - 1; d >= 0; d--, o--) {
        stride[o] = operand->dims[d] == 1 ? 0 : pitch;
        pitch *= operand->dims[d];
    }
}

/* Leaves out extents of 1 and joins dimensions that every operand walks as one. */
static void collapse(loops *l) {
    int rank = 0;
    for (int d = 0; d < l->rank; d++) {
        bool joins = rank > 0;
        if (l->extent[d] == 1) continue;
        for (int k = 0; k < l->operands && joins; k++) joins = l->stride[k][rank - 1] == l->stride[k][d] * l->extent[d];
        int to = joins ? rank - 1 : rank++;
        l->extent[to] = joins ? l->extent[to] * l->extent[d] : l->extent[d];
        for (int k = 0; k < l->operands; k++) l->stride[k][to] = l->stride[k][d];
    }
    l->rank = rank;
}

/* Takes [first, end) of dimension 0. */
static void narrow(loops *l, int64_t first, int64_t end, size_t size) {
    for (int k = 0; k < l->operands; k++) l->base[k] += (ptrdiff_t)size * first * l->stride[k][0];
    l->extent[0] = end - first;
}

static void fill_job(const loops *l, elementwise_job *job) {
    int inner = l->rank;
    job->operands = l->operands;
    job->columns = inner > 0 ? l->extent[inner - 1] : 1;
    job->rows = inner > 1 ? l->extent[inner - 2] : 1;
    job->outer = inner > 2 ? inner - 2 : 0;
    for (int d = 0; d < job->outer; d++) job->extent[d] = l->extent[d];
    for (int k = 0; k < l->operands; k++) {
        job->operand[k].data = (float *)(void *)l->base[k];
        job->operand[k].column = inner > 0 ? l->stride[k][inner - 1] : 0;
        job->operand[k].row = inner > 1 ? l->stride[k][inner - 2] : 0;
        for (int d = 0; d < job->outer; d++) job->stride[k][d] = l->stride[k][d];
    }
}

void run_prepare_job(const soma_run *run, int32_t step_number, const work *w, elementwise_job *job) {
    const soma_plan *plan = run->plan;
    const step *s = &plan->steps[step_number];
    soma_shape shape = shape_resolve(&s->shape, w->samples);
    loops l = {.rank = shape.rank, .operands = s->program->inputs + s->program->outputs};
    int64_t first = 0, end = 0;
    for (int d = 0; d < shape.rank; d++) l.extent[d] = shape.dims[d];
    for (int k = 0; k < l.operands; k++) {
        soma_shape t = shape_resolve(&plan->values[s->operand[k]].type->shape, w->samples);
        operand_strides(&t, shape.rank, l.stride[k]);
        l.base[k] = address(run, s->operand[k], w);
    }
    if (w->apart) {
        collapse(&l);
    } else if (s->partition == PARTITION_BATCH && run->threads > 1) {
        int64_t each = w->samples > 0 ? shape.dims[0] / w->samples : 1;
        partition_range(w->samples, w->thread, run->threads, &first, &end);
        narrow(&l, first * each, end * each, sizeof(float));
        collapse(&l);
    } else {
        collapse(&l);
        if (s->partition == PARTITION_FREE && run->threads > 1 && l.rank > 0) {
            /* One long dimension is cut at whole cache lines. */
            int64_t unit = l.rank == 1 ? 64 : 1, units = (l.extent[0] + unit - 1) / unit;
            partition_range(units, w->thread, run->threads, &first, &end);
            narrow(&l, first * unit, end * unit < l.extent[0] ? end * unit : l.extent[0], sizeof(float));
        } else if (w->thread > 0) {
            l.rank = 1;
            l.extent[0] = 0;
        }
    }
    fill_job(&l, job);
}

/* ---- Kernel steps
 * --------------------------------------------------------------------------------------------------------- */

/* Whether a value is too large to be met in a cache by the step that reads it. */
static bool is_past_caches(const soma_plan *plan, int32_t value, int64_t batch) {
    enum { CACHES = 16 << 20 };
    const plan_value *v = &plan->values[value];
    return shape_elements(&v->type->shape, batch) > CACHES / (int64_t)sizeof(float);
}

void run_prepare_call(const soma_run *run, int32_t step_number, const work *w, kernel_call *c, epilogue *e) {
    const soma_plan *plan = run->plan;
    const step *s = &plan->steps[step_number];
    const node *n = s->anchor;
    plan_shape_call(plan, s->anchor, w->samples, c);
    c->partition = w->apart ? PARTITION_SERIAL : s->partition;
    for (int i = 0; i < c->inputs && i < (int)COUNT_OF(c->in); i++)
        c->in[i].data = address(run, plan_value_of(plan, n->inputs[i]), w);
    for (int o = 0; o < c->outputs; o++) c->out[o].data = address(run, plan->first_value[n->number - 1] + o, w);
    c->threads = c->partition == PARTITION_SERIAL ? 1 : run->threads;
    c->scratch_stride = plan->scratch_stride;
    c->scratch = run->scratch + (w->apart ? (size_t)w->thread * plan->scratch_stride : 0);
    c->past = is_past_caches(plan, plan->first_value[n->number - 1], w->samples);
    c->kept = s->kept ? run->arena + s->kept_offset : NULL;
    c->onednn_step = s->onednn;
    c->onednn_run = run->steps[step_number].onednn;
    if (!s->program) return;
    c->out[0].data = NULL;
    c->epilogue = e;
    e->program = s->program;
    for (int k = 1; k < s->program->inputs + s->program->outputs; k++) {
        int64_t strides[3] = {0, 0, 0};
        soma_shape operand = plan->values[s->operand[k]].type->shape;
        plan_epilogue_strides(&operand, &s->shape, s->kernel->epilogue_columns, w->samples, strides);
        if (plan->values[s->operand[k]].part) { /* its samples are those of the whole apart */
            soma_shape whole = plan_root(plan, s->operand[k])->type->shape;
            strides[0] = whole.dims[1] * whole.dims[2] * whole.dims[3];
        }
        e->operand[k].data = address(run, s->operand[k], w);
        e->operand[k].matrix = strides[0];
        e->operand[k].row = strides[1];
        e->operand[k].column = strides[2];
        e->operand[k].past = is_past_caches(plan, s->operand[k], w->samples);
    }
}

/* Narrows [N, C, H, W] to channels of one sample. */
static void narrow_tensor(tensor *t, int64_t sample, int64_t channel, int64_t channels) {
    const int64_t plane = t->shape.dims[2] * t->shape.dims[3];
    if (t->data) t->data = (float *)t->data + (sample * t->shape.dims[1] + channel) * plane;
    t->shape.dims[0] = 1;
    t->shape.dims[1] = channels;
}

/* The channels of a thread that lie between the two steps of a pair. */
static float *between(const soma_run *run, int thread) {
    return (float *)(void *)(run->scratch + (size_t)thread * run->plan->scratch_stride + run->plan->scratch_kernels);
}

void run_prepare_part(const soma_run *run, int32_t step_number, const kernel_call *whole, int64_t sample,
                      int64_t channel, int64_t channels, int thread, part_call *part) {
    const soma_plan *plan = run->plan;
    const step *s = &plan->steps[step_number];
    const bool first = s->channels > 0;
    kernel_call *c = &part->call;
    *c = *whole;
    c->batch = c->threads = 1;
    c->partition = PARTITION_SERIAL;
    c->scratch = run->scratch + (size_t)thread * plan->scratch_stride;
    narrow_tensor(&c->out[0], sample, channel, channels);
    if (first)
        narrow_tensor(&c->in[0], sample, 0, c->in[0].shape.dims[1]);
    else
        narrow_tensor(&c->in[0], 0, 0, channels);
    if (c->inputs > 1) { /* a convolution's weights */
        const int64_t each = shape_elements(&c->in[1].shape, 1) / c->in[1].shape.dims[0];
        c->in[1].data = (float *)c->in[1].data + channel * each;
        c->in[1].shape.dims[0] = channels;
    }
    if (first && !c->epilogue) c->out[0].data = between(run, thread);
    if (!first) {
        part->window = *(const window_attributes *)c->attributes;
        if (c->inputs > 1) part->window.groups = channels;
        c->attributes = &part->window;
        c->in[0].data = between(run, thread);
    }
    if (!c->epilogue) return;
    const int operands = s->program->inputs + s->program->outputs;
    part->epilogue.program = s->program;
    for (int k = 1; k < operands; k++) {
        part->epilogue.operand[k] = c->epilogue->operand[k];
        part->epilogue.operand[k].data +=
            sample * part->epilogue.operand[k].matrix + channel * part->epilogue.operand[k].row;
    }
    if (first) part->epilogue.operand[operands - 1].data = between(run, thread);
    c->epilogue = &part->epilogue;
}

void run_prepare(soma_run *run, int64_t batch) {
    const soma_plan *plan = run->plan;
    work all = {.samples = batch};
    compute_scalars(run, batch);
    for (int32_t i = 0; i < plan->steps_count; i++) {
        prepared *p = &run->steps[i];
        if (plan->steps[i].stretch >= 0) continue;
        if (plan->steps[i].kind != STEP_ELEMENTWISE) run_prepare_call(run, i, &all, &p->call, &p->epilogue);
        for (all.thread = 0; plan->steps[i].kind == STEP_ELEMENTWISE && all.thread < run->threads; all.thread++)
            run_prepare_job(run, i, &all, &p->jobs[all.thread]);
    }
    run->batch = batch;
    run->stale = run->scalars_stale = false;
}

/* Steps read a scalar where it lies, so that nothing else changes with it. */
void run_scalars(soma_run *run) {
    compute_scalars(run, run->batch);
    run->scalars_stale = false;
}
