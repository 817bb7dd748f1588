/* plan/run.c: executing a plan. One region of threads a step of the run; inside it each thread walks all steps, does
 * its share of each and waits at the barriers that the plan has placed. Nothing is allocated here: soma_run_create
 * makes room for the largest batch. */
#include "plan/run.h"

#include "base/float_mode.h"

#include <math.h>
#include <time.h>

static void release(soma_run *run) {
    const soma_context *c = run->plan->context;
    team_destroy(run->team);
    for (size_t i = 0; run->inputs && i < run->plan->inputs_count; i++) mem_free(c, run->inputs[i].own);
    for (int32_t i = 0; run->steps && i < run->plan->steps_count; i++) {
        mem_free(c, run->steps[i].jobs);
        onednn_run_destroy(run->steps[i].onednn);
    }
    mem_free(c, run->inputs);
    mem_free(c, run->steps);
    mem_free(c, run->arena);
    mem_free(c, run->scratch);
    mem_free(c, run->reference_scratch);
    mem_free(c, run->scalar_values);
    mem_free(c, run->scalar_slots);
    mem_free(c, run->seconds);
    mem_free(c, run);
}

static bool make_inputs(soma_run *run) {
    const soma_plan *plan = run->plan;
    run->inputs = mem_zeros(plan->context, plan->inputs_count + 1, sizeof *run->inputs);
    if (!run->inputs) return false;
    for (size_t i = 0; i < plan->inputs_count; i++) {
        const plan_value *v = &plan->values[plan->inputs[i].value];
        int64_t count = shape_elements(&v->type->shape, plan->options.max_batch);
        run->inputs[i].rows = -1;
        run->inputs[i].own = count < 0 ? NULL : mem_array(plan->context, (size_t)count, plan_value_size(plan, v));
        if (!run->inputs[i].own) return false;
        run->inputs[i].bound = run->inputs[i].own;
    }
    for (size_t s = 0; s < plan->scalars_count; s++) {
        const node *n = plan_value_node(plan, plan->scalars[s]);
        if (n->op == &op_input) run->scalar_values[s] = ((const input_attributes *)n->attributes)->value;
    }
    return true;
}

soma_run *soma_run_create(const soma_plan *plan, soma_error *error) {
    if (!plan) {
        error_set(error, SOMA_ERROR_ARGUMENT, "run: there is no plan");
        return NULL;
    }
    const soma_context *c = plan->context;
    soma_run *run = mem_zeros(c, 1, sizeof *run);
    if (!run) goto out_of_memory;
    run->plan = plan;
    run->batch = -1;
    run->seed = plan->options.seed;
    run->team = team_create(c, plan->threads);
    run->threads = run->team && team_size(run->team) < plan->threads ? team_size(run->team) : plan->threads;
    run->arena = mem_zeros(c, plan->arena_bytes + 1, 1);
    run->scratch = mem_array(c, plan->scratch_stride + 1, (size_t)plan->threads);
    run->reference_scratch = mem_alloc(c, plan->reference_scratch);
    run->scalar_values = mem_zeros(c, plan->scalars_count + 1, sizeof(double));
    run->scalar_slots = mem_zeros(c, plan->scalars_count + 1, sizeof(double));
    run->steps = mem_zeros(c, (size_t)plan->steps_count + 1, sizeof *run->steps);
    if (!run->team || !run->arena || !run->scratch || !run->reference_scratch || !run->scalar_values ||
        !run->scalar_slots || !run->steps || !make_inputs(run))
        goto out_of_memory;
    for (int32_t i = 0; i < plan->steps_count; i++) {
        const step *s = &plan->steps[i];
        if (s->kind == STEP_ELEMENTWISE &&
            !(run->steps[i].jobs = mem_zeros(c, (size_t)plan->threads, sizeof(elementwise_job))))
            goto out_of_memory;
        if (s->onednn && !(run->steps[i].onednn = onednn_run_create(s->onednn, run->threads))) goto out_of_memory;
    }
    return run;
out_of_memory:
    if (run) release(run);
    error_memory(error);
    return NULL;
}

void soma_run_destroy(soma_run *run) {
    if (run) release(run);
}

/* ---- Inputs
 * ------------------------------------------------------------------------------------------------------------- */

static const plan_target *find_target(const soma_plan *plan, soma_value v) {
    for (size_t i = plan->targets_count; i-- > 0;)
        if (plan->targets[i].user.node == v.node && plan->targets[i].user.output == v.output &&
            plan->targets[i].user.graph == v.graph)
            return &plan->targets[i];
    return NULL;
}

/* The input slot of a value, or NULL. An input that the plan does not need has none and may be set all the same. */
static int find_input(soma_run *run, soma_value input, int64_t rows, run_input **found, const plan_value **value,
                      soma_error *error) {
    *found = NULL;
    if (!run) return error_set(error, SOMA_ERROR_ARGUMENT, "run: there is none");
    const node *n = input.graph == run->plan->user_graph ? value_node(input) : NULL;
    if (!n || n->op != &op_input)
        return error_set(error, SOMA_ERROR_ARGUMENT, "run: the value to set is not an input of the plan's graph");
    const plan_target *t = find_target(run->plan, input);
    if (!t) return SOMA_OK;
    *value = &run->plan->values[t->value];
    if ((*value)->place == PLACE_SCALAR) {
        *found = NULL;
        return error_set(error, SOMA_ERROR_ARGUMENT, "input '%s': is a scalar, set by soma_run_set_scalar", n->name);
    }
    if (shape_has_batch(&n->outputs[0].shape) && (rows < run->plan->single || rows > run->plan->options.max_batch))
        return error_set(error, SOMA_ERROR_ARGUMENT, "input '%s': %lld rows, but the plan is made for %d to %lld",
                         n->name, (long long)rows, (int)run->plan->single, (long long)run->plan->options.max_batch);
    *found = &run->inputs[(*value)->offset];
    return SOMA_OK;
}

static void set_rows(soma_run *run, run_input *slot, const plan_value *v, int64_t rows, const void *bound) {
    slot->rows = shape_has_batch(&v->type->shape) ? rows : 0; /* an input without a batch has one size */
    if (slot->bound != bound) run->stale = true;
    slot->bound = bound;
    slot->narrow = NULL;
}

int soma_run_set(soma_run *run, soma_value input, const void *data, int64_t rows, soma_error *error) {
    run_input *slot;
    const plan_value *v;
    int code = find_input(run, input, rows, &slot, &v, error);
    if (code != SOMA_OK || !slot) return code;
    size_t count = (size_t)shape_elements(&v->type->shape, rows > 0 ? rows : 0);
    if (!shape_has_batch(&v->type->shape)) count = (size_t)shape_elements(&v->type->shape, 1);
    if (run->plan->reference && v->type->dtype == SOMA_FLOAT) {
        for (size_t i = 0; i < count; i++) ((double *)slot->own)[i] = ((const float *)data)[i];
    } else if (count) {
        memcpy(slot->own, data, count * plan_value_size(run->plan, v));
    }
    set_rows(run, slot, v, rows, slot->own);
    return SOMA_OK;
}

int soma_run_bind(soma_run *run, soma_value input, const void *data, int64_t rows, soma_error *error) {
    run_input *slot;
    const plan_value *v;
    int code = find_input(run, input, rows, &slot, &v, error);
    if (code != SOMA_OK || !slot) return code;
    const bool widened = run->plan->reference && v->type->dtype == SOMA_FLOAT;
    set_rows(run, slot, v, rows, widened ? slot->own : data);
    slot->narrow = widened ? data : NULL;
    return SOMA_OK;
}

int soma_run_set_double(soma_run *run, soma_value input, const double *data, int64_t rows, soma_error *error) {
    run_input *slot;
    const plan_value *v;
    int code = find_input(run, input, rows, &slot, &v, error);
    if (code != SOMA_OK || !slot) return code;
    if (v->type->dtype != SOMA_FLOAT) return error_set(error, SOMA_ERROR_ARGUMENT, "run: the input holds int64");
    size_t count = (size_t)shape_elements(&v->type->shape, rows > 0 ? rows : 0);
    for (size_t i = 0; i < count; i++) {
        if (run->plan->reference)
            ((double *)slot->own)[i] = data[i];
        else
            ((float *)slot->own)[i] = (float)data[i];
    }
    set_rows(run, slot, v, rows, slot->own);
    return SOMA_OK;
}

int soma_run_set_scalar(soma_run *run, soma_value input, double value, soma_error *error) {
    if (!run) return error_set(error, SOMA_ERROR_ARGUMENT, "run: there is none");
    const node *n = input.graph == run->plan->user_graph ? value_node(input) : NULL;
    if (!n || n->op != &op_input || !((const input_attributes *)n->attributes)->scalar)
        return error_set(error, SOMA_ERROR_ARGUMENT, "run: the value to set is not a scalar input of the plan's graph");
    const plan_target *t = find_target(run->plan, input);
    if (!t) return SOMA_OK;
    size_t slot = run->plan->values[t->value].offset;
    if (run->scalar_values[slot] != value) run->scalars_stale = true;
    run->scalar_values[slot] = value;
    return SOMA_OK;
}

/* ---- Steps
 * ----------------------------------------------------------------------------------------------------------------- */

static void run_job(const soma_run *run, const step *s, const elementwise_job *job, int thread) {
    char *scratch = run->scratch + (size_t)thread * run->plan->scratch_stride;
    ew_operand at[EW_MAX_INPUTS + EW_MAX_OUTPUTS];
    int64_t index[SOMA_MAX_RANK] = {0};
    if (job->rows <= 0 || job->columns <= 0) return;
    if (job->outer == 0) {
        run->plan->isa->program(s->program, job->operand, job->rows, job->columns, scratch);
        return;
    }
    for (int d = 0; d < job->outer; d++)
        if (job->extent[d] <= 0) return;
    memcpy(at, job->operand, (size_t)job->operands * sizeof *at);
    for (;;) {
        run->plan->isa->program(s->program, at, job->rows, job->columns, scratch);
        int d = job->outer - 1;
        for (; d >= 0; d--) {
            for (int k = 0; k < job->operands; k++) at[k].data += job->stride[k][d];
            if (++index[d] < job->extent[d]) break;
            for (int k = 0; k < job->operands; k++) at[k].data -= job->stride[k][d] * job->extent[d];
            index[d] = 0;
        }
        if (d < 0) return;
    }
}

static void run_step(soma_run *run, int32_t i, int thread) {
    const step *s = &run->plan->steps[i];
    prepared *p = &run->steps[i];
    if (s->kind == STEP_ELEMENTWISE) {
        run_job(run, s, &p->jobs[thread], thread);
        return;
    }
    if (s->partition == PARTITION_SERIAL && thread > 0) return;
    if (s->kind == STEP_KERNEL)
        s->kernel->run(&p->call, thread);
    else
        reference_step(run, s, &p->call);
}

/* Some samples of one thread through a step of a stretch. */
static void run_apart(const soma_run *run, int32_t i, const work *w) {
    const step *s = &run->plan->steps[i];
    if (s->kind == STEP_ELEMENTWISE) {
        elementwise_job job;
        run_prepare_job(run, i, w, &job);
        run_job(run, s, &job, w->thread);
        return;
    }
    kernel_call call;
    epilogue e;
    run_prepare_call(run, i, w, &call, &e);
    s->kernel->run(&call, 0);
}

static double seconds_now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Adds the time since *before, which becomes now. */
static void lap(double *seconds, double *before) {
    const double now = seconds_now();
    *seconds += now - *before;
    *before = now;
}

/* Channels [at, end), counted through the samples of two calls, through both steps of a pair; adds the steps' times to
 * `seconds` if that is not NULL. */
static void walk_pair(const soma_run *run, int32_t i, const kernel_call calls[2], int64_t at, int64_t end, int thread,
                      double *seconds) {
    const step *s = &run->plan->steps[i];
    const int64_t all = s->shape.dims[1];
    double before = seconds ? seconds_now() : 0;
    while (at < end) {
        const int64_t channel = at % all, left = all - channel < end - at ? all - channel : end - at;
        const int64_t pieces = (left + s->channels - 1) / s->channels, now = (left + pieces - 1) / pieces;
        for (int32_t k = 0; k < 2; k++) {
            part_call part;
            run_prepare_part(run, i + k, &calls[k], at / all, channel, now, thread, &part);
            s[k].kernel->run(&part.call, 0);
            if (seconds) lap(&seconds[i + k], &before);
        }
        at += now;
    }
}

/* A thread's part of a pair: of the samples, or of the channels of all of them. */
static void run_pair(const soma_run *run, int32_t i, int thread, double *seconds) {
    enum { UNIT = 8 }; /* channels that are not cut */
    const step *s = &run->plan->steps[i];
    const int64_t all = s->shape.dims[1], units = (all + UNIT - 1) / UNIT;
    const kernel_call calls[2] = {run->steps[i].call, run->steps[i + 1].call};
    const int64_t samples = calls[0].out[0].shape.dims[0], each = run->batch ? samples / run->batch * all : 0;
    int64_t first = 0, end = thread ? 0 : samples * all;
    if (s->partition == PARTITION_BATCH) {
        partition_range(run->batch, thread, run->threads, &first, &end);
        first *= each;
        end *= each;
    } else if (s->partition == PARTITION_FREE) {
        int64_t unit[2];
        partition_range(samples * units, thread, run->threads, &unit[0], &unit[1]);
        first = unit[0] / units * all + unit[0] % units * UNIT;
        end = unit[1] / units * all + unit[1] % units * UNIT;
    }
    walk_pair(run, i, calls, first, end, thread, seconds);
}

static bool all_finite(const soma_run *run, int32_t value) {
    const plan_value *v = &run->plan->values[value];
    const void *data = run_address(run, value);
    int64_t n = shape_elements(&v->type->shape, run->batch);
    if (!data || v->type->dtype != SOMA_FLOAT) return true;
    for (int64_t k = 0; k < n; k++)
        if (!isfinite(run->plan->reference ? ((const double *)data)[k] : (double)((const float *)data)[k]))
            return false;
    return true;
}

static bool step_finite(const soma_run *run, const step *s) {
    bool ok = true;
    for (int o = 0; s->program && o < s->program->outputs; o++)
        ok &= all_finite(run, s->operand[s->program->inputs + o]);
    for (int o = 0; !s->program && o < s->anchor->op->outputs; o++)
        ok &= all_finite(run, plan_value_of(run->plan, (node_ref){s->anchor->number, o}));
    return ok;
}

/* Some samples of one thread through a pair of a stretch. */
static void pair_apart(const soma_run *run, int32_t i, const work *w, double *seconds) {
    kernel_call calls[2];
    epilogue e[2];
    for (int32_t k = 0; k < 2; k++) run_prepare_call(run, i + k, w, &calls[k], &e[k]);
    const soma_shape *made = &calls[0].out[0].shape;
    walk_pair(run, i, calls, 0, made->dims[0] * made->dims[1], w->thread, seconds);
}

/* A thread's samples through a stretch, a few at a time; adds each step's time to `seconds` if that is not NULL. */
static void walk_stretch(const soma_run *run, const stretch *t, int thread, double *seconds) {
    int64_t first, end;
    double before = seconds ? seconds_now() : 0;
    partition_range(run->batch, thread, run->threads, &first, &end);
    for (; first < end; first += t->samples) {
        const work w = {first, end - first < t->samples ? end - first : t->samples, thread, true};
        for (int32_t i = t->first; i < t->end; i++) {
            if (run->plan->steps[i].channels) {
                pair_apart(run, i++, &w, seconds);
                if (seconds) before = seconds_now();
                continue;
            }
            run_apart(run, i, &w);
            if (seconds) lap(&seconds[i], &before);
        }
    }
}

static void walk_steps(soma_run *run, int thread) {
    const soma_plan *plan = run->plan;
    const bool barriers = run->threads > 1, timed = run->seconds && thread == 0;
    double before = timed ? seconds_now() : 0;
    for (int32_t i = 0; i < plan->steps_count; i++) {
        if (barriers && plan->steps[i].barrier) team_barrier(run->team);
        if (plan->steps[i].stretch >= 0) {
            const stretch *t = &plan->stretches[plan->steps[i].stretch];
            walk_stretch(run, t, thread, timed ? run->seconds : NULL);
            i = t->end - 1;
            if (timed) before = seconds_now();
            continue;
        }
        if (plan->steps[i].channels) {
            run_pair(run, i++, thread, timed ? run->seconds : NULL);
            if (timed) before = seconds_now();
            continue;
        }
        if (!(run->fresh && plan->steps[i].still)) run_step(run, i, thread);
        if (timed) lap(&run->seconds[i], &before);
        if (plan->options.check_finite && !step_finite(run, &plan->steps[i])) {
            run->failed_step = i;
            return;
        }
    }
}

static void region(void *argument, int thread) {
    soma_run *run = argument;
    if (run->plan->reference) {
        walk_steps(run, thread);
        return;
    }
    float_mode before = float_mode_flush();
    walk_steps(run, thread);
    float_mode_restore(before);
}

/* The batch of this step: the rows on which all inputs agree. */
static int agree_on_rows(const soma_run *run, int64_t *batch, soma_error *error) {
    const soma_plan *plan = run->plan;
    const char *first = NULL;
    *batch = 1;
    for (size_t i = 0; i < plan->inputs_count; i++) {
        const char *name = plan->inputs[i].node->name;
        if (run->inputs[i].rows < 0) return error_set(error, SOMA_ERROR_ARGUMENT, "run: input '%s' is not set", name);
        if (!shape_has_batch(&plan->values[plan->inputs[i].value].type->shape)) continue;
        if (first && run->inputs[i].rows != *batch)
            return error_set(error, SOMA_ERROR_ARGUMENT, "run: input '%s' has %lld rows but '%s' has %lld", name,
                             (long long)run->inputs[i].rows, first, (long long)*batch);
        first = name;
        *batch = run->inputs[i].rows;
    }
    if (plan->effects && *batch == 0)
        return error_set(error, SOMA_ERROR_ARGUMENT, "run: a training step needs at least one row");
    return SOMA_OK;
}

/* What follows from weights alone is made anew when a variable has changed, weights arranged for their kernels among
 * it. */
static void keep_weights(soma_run *run) {
    const soma_plan *plan = run->plan;
    run->fresh = run->kept == plan->store->version;
    if (run->fresh) return;
    for (int32_t i = 0; i < plan->steps_count; i++) {
        const step *s = &plan->steps[i];
        if (!run->steps[i].onednn && !s->kept) continue;
        void *weights = run_address(run, plan_value_of(plan, s->anchor->inputs[1]));
        if (run->steps[i].onednn) {
            onednn_run_keep(run->steps[i].onednn, weights);
            continue;
        }
        kernel_call call;
        plan_shape_call(plan, s->anchor, run->batch, &call);
        call.in[1].data = weights;
        s->kernel->keep(&call, run->arena + s->kept_offset);
    }
    run->kept = plan->store->version;
}

static void widen_inputs(soma_run *run) {
    for (size_t i = 0; i < run->plan->inputs_count; i++) {
        const run_input *slot = &run->inputs[i];
        const soma_shape *shape = &run->plan->values[run->plan->inputs[i].value].type->shape;
        double *to = slot->own;
        for (int64_t k = slot->narrow ? shape_elements(shape, slot->rows) : 0; k-- > 0;) to[k] = slot->narrow[k];
    }
}

static void position_random(soma_run *run) {
    for (int32_t i = 0; i < run->plan->steps_count; i++) {
        const node *n = run->plan->steps[i].anchor;
        if (!n || !(n->op->flags & OP_RANDOM)) continue;
        run->steps[i].call.random =
            (op_random){run->seed, ((const random_attributes *)n->attributes)->stream, run->position};
    }
}

static int name_failure(const soma_run *run, soma_error *error) {
    const step *s = &run->plan->steps[run->failed_step];
    const node *n = s->anchor ? s->anchor : run->plan->groups[s->group].members[0];
    char text[160];
    return error_set(error, SOMA_ERROR_NUMERIC, "%s gives a value that is not finite", node_text(n, text, sizeof text));
}

int soma_run_step(soma_run *run, soma_error *error) {
    int64_t batch;
    if (!run) return error_set(error, SOMA_ERROR_ARGUMENT, "run: there is none");
    int code = agree_on_rows(run, &batch, error);
    if (code != SOMA_OK) return code;
    if (batch != run->batch || run->stale) run_prepare(run, batch);
    if (run->scalars_stale) run_scalars(run);
    position_random(run);
    keep_weights(run);
    if (run->plan->reference) widen_inputs(run);
    run->failed_step = -1;
    run->position++;
    run->last_batch = batch;
    team_run(run->team, run->threads, region, run);
    run->profiled += run->seconds != NULL;
    if (run->plan->effects) run->plan->store->version++;
    return run->failed_step < 0 ? SOMA_OK : name_failure(run, error);
}

/* ---- Results
 * ------------------------------------------------------------------------------------------------------------------ */

const void *soma_run_peek(const soma_run *run, soma_value value) {
    const plan_target *t = run && !run->plan->reference ? find_target(run->plan, value) : NULL;
    return t ? run_address(run, t->value) : NULL;
}

soma_shape soma_run_shape(const soma_run *run, soma_value value) {
    const plan_target *t = run ? find_target(run->plan, value) : NULL;
    return t ? shape_resolve(&run->plan->values[t->value].type->shape, run->last_batch) : soma_shape0();
}

static int find_result(const soma_run *run, soma_value value, size_t count, const plan_target **t, soma_error *error) {
    if (!run) return error_set(error, SOMA_ERROR_ARGUMENT, "run: there is none");
    *t = find_target(run->plan, value);
    if (!*t || !run_address(run, (*t)->value))
        return error_set(error, SOMA_ERROR_ARGUMENT, "run: the plan neither outputs nor keeps the value asked for");
    int64_t has = shape_elements(&run->plan->values[(*t)->value].type->shape, run->last_batch);
    if (has != (int64_t)count)
        return error_set(error, SOMA_ERROR_ARGUMENT, "run: the value has %lld elements, not %zu", (long long)has,
                         count);
    return SOMA_OK;
}

int soma_run_get(soma_run *run, soma_value value, void *data, size_t count, soma_error *error) {
    const plan_target *t = NULL;
    int code = find_result(run, value, count, &t, error);
    if (code != SOMA_OK || !t) return code;
    const plan_value *v = &run->plan->values[t->value];
    const void *from = run_address(run, t->value);
    if (run->plan->reference && v->type->dtype == SOMA_FLOAT) {
        for (size_t i = 0; i < count; i++) ((float *)data)[i] = (float)((const double *)from)[i];
    } else if (count) {
        memcpy(data, from, count * plan_value_size(run->plan, v));
    }
    return SOMA_OK;
}

int soma_run_get_double(soma_run *run, soma_value value, double *data, size_t count, soma_error *error) {
    const plan_target *t = NULL;
    int code = find_result(run, value, count, &t, error);
    if (code != SOMA_OK || !t) return code;
    const void *from = run_address(run, t->value);
    if (run->plan->values[t->value].type->dtype != SOMA_FLOAT)
        return error_set(error, SOMA_ERROR_ARGUMENT, "run: the value holds int64");
    for (size_t i = 0; i < count; i++)
        data[i] = run->plan->reference ? ((const double *)from)[i] : (double)((const float *)from)[i];
    return SOMA_OK;
}

void soma_run_seed(soma_run *run, uint64_t seed, uint64_t position) {
    if (!run) return;
    run->seed = seed;
    run->position = position;
}

int soma_run_profile(soma_run *run, bool on, soma_error *error) {
    if (!run) return error_set(error, SOMA_ERROR_ARGUMENT, "run: there is none");
    mem_free(run->plan->context, run->seconds);
    run->profiled = 0;
    run->seconds = on ? mem_zeros(run->plan->context, (size_t)run->plan->steps_count + 1, sizeof *run->seconds) : NULL;
    return on && !run->seconds ? error_memory(error) : SOMA_OK;
}

uint64_t soma_run_steps(const soma_run *run) { return run ? run->position : 0; }
