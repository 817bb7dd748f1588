/* plan/schedule.c: from groups to steps in order, how each step is split among threads, and where barriers stand.
 *
 * A step waits for the groups that make its inputs and, when it assigns a variable, for all that read it. Among the
 * steps that are ready, a plan that is small (a barrier costs as much as a step) takes one that needs no barrier; a
 * large plan takes the first in graph order, which keeps gradients near their use. Two steps need no barrier between
 * them when both are split by samples, so that each thread meets its own data only, or when both run on thread 0. */
#include "plan/plan.h"

/* Work below which a plan runs on one thread, in FLOPs (an element-wise operation on one element counts 4), and below
 * which the order is chosen to save barriers. A region with a barrier costs about half a microsecond. */
static const double one_thread_below = 4e5, small_below = 5e7;

typedef struct scheduler {
    soma_plan *plan;
    bool *depends;           /* groups_count x groups_count: [g][h], g waits for h; NULL entries false */
    int32_t *waiting;        /* by group: groups not yet scheduled that it waits for */
    bool *scheduled, *since; /* since: scheduled after the last barrier */
    partition *split;
} scheduler;

static bool *edge(scheduler *s, int32_t g, int32_t h) {
    return &s->depends[(size_t)g * (size_t)s->plan->groups_count + (size_t)h];
}

static void needs(scheduler *s, int32_t g, const node *n) {
    const soma_plan *plan = s->plan;
    for (int i = 0; i < n->inputs_count; i++) {
        int32_t h = plan_root(plan, plan_value_of(plan, n->inputs[i]))->group;
        if (h >= 0 && h != g) *edge(s, g, h) = true;
    }
    if (!(n->op->flags & OP_EFFECT)) return;
    int32_t target = plan->first_value[n->inputs[0].node - 1];
    for (size_t k = 0; k < plan->graph->count; k++) {
        const node *reader = plan->graph->nodes[k];
        int32_t h = plan->values[plan->first_value[k]].group;
        if (reader == n || h < 0 || h == g) continue;
        for (int i = 0; i < reader->inputs_count; i++)
            if (plan->values[plan_value_of(plan, reader->inputs[i])].root == target) *edge(s, g, h) = true;
    }
}

/* ---- Programs
 * ----------------------------------------------------------------------------------------------------------- */

static bool value_stored(const soma_plan *plan, int32_t g, const node *n, int output) {
    int32_t v = plan->first_value[n->number - 1] + output;
    if (plan->values[v].kept) return true;
    for (size_t u = (size_t)n->number; u < plan->graph->count; u++) {
        const node *user = plan->graph->nodes[u];
        if (user->op->flags & OP_SHAPE || plan->values[plan->first_value[u]].group == g) continue;
        for (int i = 0; i < user->inputs_count; i++)
            if (user->inputs[i].node == n->number && user->inputs[i].output == output) return true;
    }
    return false;
}

typedef struct writer {
    const soma_plan *plan;
    const group *group;
    int32_t index; /* of the group */
    ew_program *program;
    int32_t *operand;
    int16_t *number; /* by node number - 1: value number in the program of output 0; -1: none */
} writer;

static int16_t source(writer *w, node_ref r) {
    ew_program *p = w->program;
    int32_t v = plan_value_of(w->plan, r);
    if (w->plan->values[v].group == w->index && w->number[r.node - 1] >= 0) return w->number[r.node - 1];
    for (int i = w->group->anchor ? 1 : 0; i < p->inputs; i++)
        if (w->operand[i] == v) return (int16_t)i;
    w->operand[p->inputs] = v;
    return (int16_t)p->inputs++;
}

static void store(writer *w, int16_t number, int32_t value) {
    ew_program *p = w->program;
    w->operand[p->inputs + p->outputs] = value;
    p->output[p->outputs++] = number;
}

/* Writes the group's program: inputs are numbered in order of first use, then the members in graph order. */
static void write_program(writer *w) {
    ew_program *p = w->program;
    const group *g = w->group;
    p->inputs = g->anchor ? 1 : 0;
    if (g->anchor) {
        w->operand[0] = w->plan->first_value[g->anchor->number - 1];
        w->number[g->anchor->number - 1] = 0;
    }
    for (int m = 0; m < g->count; m++) /* the inputs first, since instructions are numbered after them */
        for (int i = g->members[m]->op->flags & OP_EFFECT ? 1 : 0; i < g->members[m]->inputs_count; i++) {
            node_ref r = g->members[m]->inputs[i];
            if (w->plan->values[plan_value_of(w->plan, r)].group != w->index) source(w, r);
        }
    for (int m = 0; m < g->count; m++) {
        const node *n = g->members[m];
        if (!(n->op->flags & OP_ELEMENTWISE)) { /* assign: its value; broadcast: what it repeats */
            w->number[n->number - 1] = source(w, n->inputs[n->op->flags & OP_EFFECT ? 1 : 0]);
            continue;
        }
        ew_instruction *c = &p->code[p->length];
        const elementwise_attributes *a = n->attributes;
        c->op = n->op;
        c->parameter[0] = (float)a->parameter[0];
        c->parameter[1] = (float)a->parameter[1];
        for (int i = 0; i < 3; i++) c->source[i] = source(w, n->inputs[i < n->inputs_count ? i : 0]);
        w->number[n->number - 1] = (int16_t)(p->inputs + p->length++);
    }
    if (g->anchor && value_stored(w->plan, w->index, g->anchor, 0))
        store(w, 0, w->plan->first_value[g->anchor->number - 1]);
    for (int m = 0; m < g->count; m++) {
        const node *n = g->members[m];
        if (n->op->flags & OP_EFFECT) store(w, w->number[n->number - 1], w->plan->first_value[n->inputs[0].node - 1]);
        if (value_stored(w->plan, w->index, n, 0))
            store(w, w->number[n->number - 1], w->plan->first_value[n->number - 1]);
    }
    ew_prepare(p);
}

/* ---- Steps
 * ------------------------------------------------------------------------------------------------------------------ */

static double node_flops(const soma_plan *plan, const node *n) {
    tensor in[OP_MAX_INPUTS], out[OP_MAX_OUTPUTS];
    if (!n->op->flops) return 0;
    for (int i = 0; i < n->inputs_count; i++) {
        const tensor_type *t = plan->values[plan_value_of(plan, n->inputs[i])].type;
        in[i] = (tensor){NULL, t->dtype, shape_resolve(&t->shape, plan->options.max_batch)};
    }
    for (int o = 0; o < n->op->outputs; o++)
        out[o] = (tensor){NULL, n->outputs[o].dtype, shape_resolve(&n->outputs[o].shape, plan->options.max_batch)};
    op_call c = {.op = n->op,
                 .attributes = n->attributes,
                 .inputs = n->inputs_count,
                 .outputs = n->op->outputs,
                 .in = in,
                 .out = out,
                 .batch = plan->options.max_batch};
    return n->op->flops(&c);
}

static double group_work(const soma_plan *plan, const group *g) {
    double elements = (double)shape_elements(&g->shape, plan->options.max_batch);
    return (g->anchor ? node_flops(plan, g->anchor) + elements : 0) +
           4.0 * elements * (g->count ? 1 + 0.5 * g->count : 0);
}

static partition choose_partition(const soma_plan *plan, const step *s, const group *g) {
    if (plan->threads == 1) return PARTITION_SERIAL;
    if (s->kind == STEP_REFERENCE) return PARTITION_SERIAL;
    if (s->kind == STEP_KERNEL) {
        kernel_call call;
        plan_shape_call(plan, s->anchor, plan->options.max_batch, &call);
        call.onednn_step = s->onednn;
        const soma_shape *out = &s->anchor->outputs[0].shape;
        partition split = s->kernel->partition ? s->kernel->partition(&call) : PARTITION_SERIAL;
        /* Kernels see numbers only: a weight whose first extent happens to be that of the batch is not split by
         * samples. */
        return split == PARTITION_BATCH && (out->rank == 0 || out->dims[0] >= 0) ? PARTITION_FREE : split;
    }
    if (g->shape.rank > 0 && g->shape.dims[0] < 0) return PARTITION_BATCH;
    return shape_elements(&g->shape, plan->options.max_batch) >= 8192 ? PARTITION_FREE : PARTITION_SERIAL;
}

/* Whether a step may be done for any of its samples apart, with the same bits. */
static bool is_apart(const soma_plan *plan, const step *s, const group *g) {
    if (s->onednn || s->kind == STEP_REFERENCE || g->shape.rank == 0 || g->shape.dims[0] >= 0) return false;
    for (int m = 0; m < g->count; m++)
        if (g->members[m]->op->flags & OP_EFFECT) return false;
    return s->kind == STEP_ELEMENTWISE || (s->kernel->apart && !plan->options.check_finite);
}

static int make_step(soma_plan *plan, int32_t index, step *s, soma_error *error) {
    const group *g = &plan->groups[index];
    memset(s, 0, sizeof *s);
    s->anchor = g->anchor;
    s->group = index;
    s->shape = g->shape;
    s->nodes = g->count + (g->anchor != NULL);
    s->flops = g->anchor ? node_flops(plan, g->anchor) : 0;
    s->kernel = g->kernel;
    s->onednn = g->onednn;
    s->kind = !g->anchor ? STEP_ELEMENTWISE : g->kernel ? STEP_KERNEL : STEP_REFERENCE;
    if (g->count) {
        writer w = {plan, g, index, mem_zeros(plan->context, 1, sizeof(ew_program)), s->operand, NULL};
        w.number = mem_array(plan->context, plan->graph->count + 1, sizeof *w.number);
        s->program = w.program;
        if (!w.program || !w.number) {
            mem_free(plan->context, w.number);
            return error_memory(error);
        }
        for (size_t i = 0; i < plan->graph->count; i++) w.number[i] = -1;
        write_program(&w);
        mem_free(plan->context, w.number);
    }
    s->partition = choose_partition(plan, s, g);
    s->apart = is_apart(plan, s, g) && (plan->threads == 1 || s->partition == PARTITION_BATCH);
    plan->flops += s->flops;
    return SOMA_OK;
}

/* ---- Order
 * -------------------------------------------------------------------------------------------------------------------
 */

static bool together(partition a, partition b) { return a == b && a != PARTITION_FREE; }

/* Whether group g may run after those scheduled since the last barrier without another one. */
static bool needs_barrier(scheduler *s, int32_t g) {
    for (int32_t h = 0; h < s->plan->groups_count; h++)
        if (s->since[h] && *edge(s, g, h) && !together(s->split[g], s->split[h])) return true;
    return false;
}

static int32_t choose(scheduler *s, bool save_barriers) {
    int32_t first = -1;
    for (int32_t g = 0; g < s->plan->groups_count; g++) {
        if (s->scheduled[g] || s->plan->groups[g].dead || s->waiting[g]) continue;
        if (!save_barriers || !needs_barrier(s, g)) return g;
        if (first < 0) first = g;
    }
    if (first >= 0) memset(s->since, 0, (size_t)s->plan->groups_count * sizeof *s->since);
    return first;
}

static void put(scheduler *s, const step *by_group, int32_t g) {
    soma_plan *plan = s->plan;
    plan->steps[plan->steps_count++] = by_group[g];
    s->scheduled[g] = s->since[g] = true;
    for (int32_t h = 0; h < plan->groups_count; h++)
        if (*edge(s, h, g)) s->waiting[h]--;
}

/* Steps of one thread that wait for nothing, such as those that make scales of a batch normalisation's variables, come
 * first: where they are used each would cost a barrier, or end a stretch. */
static void order(scheduler *s, const step *by_group, bool save_barriers) {
    const soma_plan *plan = s->plan;
    int32_t g;
    for (g = 0; g < plan->groups_count && (plan->threads > 1 || !plan->effects); g++)
        if (!plan->groups[g].dead && s->waiting[g] == 0 && s->split[g] == PARTITION_SERIAL && !by_group[g].apart)
            put(s, by_group, g);
    while ((g = choose(s, save_barriers)) >= 0) put(s, by_group, g);
}

int plan_schedule(soma_plan *plan, soma_error *error) {
    const soma_context *c = plan->context;
    size_t n = (size_t)plan->groups_count + 1;
    scheduler s = {.plan = plan};
    step *by_group = mem_zeros(c, n, sizeof *by_group);
    int code = SOMA_OK, alive = 0;
    double work = 0;
    s.depends = mem_zeros(c, n * n, sizeof *s.depends);
    s.waiting = mem_zeros(c, n, sizeof *s.waiting);
    s.scheduled = mem_zeros(c, n, sizeof *s.scheduled);
    s.since = mem_zeros(c, n, sizeof *s.since);
    s.split = mem_zeros(c, n, sizeof *s.split);
    plan->steps = mem_zeros(c, n, sizeof *plan->steps);
    if (!by_group || !s.depends || !s.waiting || !s.scheduled || !s.since || !s.split || !plan->steps) {
        code = error_memory(error);
        goto done;
    }
    for (int32_t g = 0; g < plan->groups_count; g++)
        if (!plan->groups[g].dead) work += group_work(plan, &plan->groups[g]), alive++;
    if (work < one_thread_below || plan->reference || plan->options.check_finite) plan->threads = 1;
    for (int32_t g = 0; g < plan->groups_count && code == SOMA_OK; g++) {
        const group *p = &plan->groups[g];
        if (p->dead) continue;
        if (p->anchor) needs(&s, g, p->anchor);
        for (int i = 0; i < p->count; i++) needs(&s, g, p->members[i]);
        for (int32_t h = 0; h < plan->groups_count; h++) s.waiting[g] += *edge(&s, g, h);
        code = make_step(plan, g, &by_group[g], error);
        s.split[g] = by_group[g].partition;
    }
    if (code == SOMA_OK) order(&s, by_group, plan->threads > 1 && work < small_below);
    if (code == SOMA_OK && plan->steps_count != alive)
        code = error_set(error, SOMA_ERROR_INTERNAL, "plan: steps wait for one another in a circle");
done:
    if (code != SOMA_OK && by_group && plan->steps_count == 0)
        for (int32_t g = 0; g < plan->groups_count; g++) mem_free(c, by_group[g].program);
    mem_free(c, by_group);
    mem_free(c, s.depends);
    mem_free(c, s.waiting);
    mem_free(c, s.scheduled);
    mem_free(c, s.since);
    mem_free(c, s.split);
    return code;
}
