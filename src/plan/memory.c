/* plan/memory.c: places for values in one arena, and barriers.
 *
 * A value that some step stores lives from that step to its last reader. Places are given in step order, first fit; an
 * element-wise step's output takes over the place of an input that dies there. A plan so small that its values fit into
 * the cache together gives each a place of its own, since reuse would only cost barriers. What follows from weights
 * alone, such as the scales of a batch normalisation that is used, keeps its place from run to run, and the steps that
 * make it are passed by until a variable changes. What lies between the steps of a pair has no place here. */
#include "plan/plan.h"

enum { ALIGNMENT = 64 };
static const size_t share_above = 512 * 1024;

static size_t aligned(size_t bytes) { return (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1); }

static size_t value_bytes(const soma_plan *plan, const plan_value *v) {
    int64_t batch = v->narrow ? plan->stretches[plan->steps[v->first].stretch].samples : plan->options.max_batch;
    int64_t n = shape_elements(&v->type->shape, batch);
    return n < 0 ? SIZE_MAX / 4 : (size_t)n * plan_value_size(plan, v);
}

/* ---- What a step touches
 * ---------------------------------------------------------------------------------------------- */

void plan_step_touches(const soma_plan *plan, const step *s, plan_touch *each, void *user) {
    if (s->anchor) {
        for (int i = 0; i < s->anchor->inputs_count; i++)
            if (!(s->anchor->op->flags & OP_SHAPE)) each(user, plan_value_of(plan, s->anchor->inputs[i]), false);
        for (int o = s->program ? 1 : 0; o < s->anchor->op->outputs; o++) /* a program takes the first */
            each(user, plan->first_value[s->anchor->number - 1] + o, true);
    }
    if (!s->program) return;
    for (int i = s->anchor ? 1 : 0; i < s->program->inputs; i++) each(user, s->operand[i], false);
    for (int o = 0; o < s->program->outputs; o++) each(user, s->operand[s->program->inputs + o], true);
}

typedef struct lifetimes {
    soma_plan *plan;
    int32_t step;
} lifetimes;

static void live(void *user, int32_t value, bool writes) {
    lifetimes *l = user;
    plan_value *root = &l->plan->values[l->plan->values[value].root];
    if (writes && root->place == PLACE_NONE) {
        root->place = PLACE_ARENA;
        root->first = l->step;
    }
    if (root->place == PLACE_ARENA && root->last < l->step) root->last = l->step;
}

/* ---- What follows from weights alone ------------------------------------------------------------------------------
 */

typedef struct weighing {
    const soma_plan *plan;
    bool *still; /* by value */
    bool all;    /* so far, of what a step reads and writes */
} weighing;

static void weigh(void *user, int32_t value, bool writes) {
    weighing *w = user;
    const plan_value *v = &w->plan->values[value], *root = plan_root(w->plan, value);
    double number;
    if (writes)
        w->all = w->all && root->place == PLACE_ARENA && !shape_has_batch(&v->type->shape);
    else if (root->place == PLACE_SCALAR)
        w->all =
            w->all && value_scalar((soma_value){w->plan->graph, plan_value_node(w->plan, value)->number, 0}, &number);
    else
        w->all = w->all && (root->place == PLACE_VARIABLE || root->place == PLACE_CONSTANT ||
                            (root->place == PLACE_ARENA && w->still[v->root]));
}

static void mark_still(void *user, int32_t value, bool writes) {
    weighing *w = user;
    if (writes) w->still[w->plan->values[value].root] = true;
}

/* Marks the steps of a plan that writes no variable, and lets what they make live for good. */
static int keep_still(soma_plan *plan, soma_error *error) {
    if (plan->effects || plan->reference || plan->unfused) return SOMA_OK;
    weighing w = {.plan = plan, .still = mem_zeros(plan->context, (size_t)plan->values_count + 1, sizeof(bool))};
    if (!w.still) return error_memory(error);
    for (int32_t i = 0; i < plan->steps_count; i++) {
        step *s = &plan->steps[i];
        w.all = !(s->anchor && s->anchor->op->flags & (OP_RANDOM | OP_SHAPE));
        plan_step_touches(plan, s, weigh, &w);
        s->still = w.all;
        if (s->still) plan_step_touches(plan, s, mark_still, &w);
    }
    for (int32_t v = 0; v < plan->values_count; v++)
        if (w.still[v]) {
            plan->values[v].first = 0;
            plan->values[v].last = plan->steps_count;
        }
    mem_free(plan->context, w.still);
    return SOMA_OK;
}

/* Weights that a plan does not change are arranged once as the kernels want them. */
static void keep_arranged(soma_plan *plan) {
    for (int32_t i = 0; i < plan->steps_count && !plan->effects && !plan->unfused; i++) {
        step *s = &plan->steps[i];
        if (s->kind != STEP_KERNEL || !s->kernel->kept) continue;
        const place_kind place = plan_root(plan, plan_value_of(plan, s->anchor->inputs[1]))->place;
        if (place != PLACE_VARIABLE && place != PLACE_CONSTANT) continue;
        kernel_call call;
        plan_shape_call(plan, s->anchor, plan->options.max_batch, &call);
        s->kept = s->kernel->kept(&call);
    }
}

/* The steps of a pair run together: while the second makes its values, the first still reads its own. */
static void lengthen_pairs(soma_plan *plan) {
    for (int32_t v = 0; v < plan->values_count; v++) {
        plan_value *x = &plan->values[v];
        if (x->place == PLACE_ARENA && x->root == v && x->first > 0 && plan->steps[x->first - 1].channels) x->first--;
    }
}

/* ---- Places
 * ------------------------------------------------------------------------------------------------------------ */

typedef struct block {
    size_t offset, size;
    int32_t last;
} block;

typedef struct placer {
    soma_plan *plan;
    block *blocks; /* in use, by offset */
    size_t count;
    size_t bytes; /* up to the end of the furthest one so far */
    bool share;
} placer;

/* A place for `size` bytes that are in use up to step `last`. */
static size_t take_place(placer *p, size_t size, int32_t last) {
    size_t offset = 0, at = 0;
    if (!p->share) {
        offset = p->bytes;
        p->bytes += size;
        return offset;
    }
    for (; at < p->count && p->blocks[at].offset - offset < size; at++)
        offset = p->blocks[at].offset + p->blocks[at].size;
    memmove(&p->blocks[at + 1], &p->blocks[at], (p->count - at) * sizeof *p->blocks);
    p->blocks[at] = (block){offset, size, last};
    p->count++;
    if (offset + size > p->bytes) p->bytes = offset + size;
    return offset;
}

/* Takes over the place of an input of the same shape that dies in this step. */
static bool place_over_input(placer *p, const step *s, plan_value *v, int32_t now) {
    soma_plan *plan = p->plan;
    if (!p->share || !s->program || v->kept) return false;
    for (int i = s->anchor ? 1 : 0; i < s->program->inputs; i++) {
        const plan_value *in = &plan->values[s->operand[i]];
        plan_value *root = &plan->values[in->root];
        if (root->place != PLACE_ARENA || root->last != now || root->first == now || root->kept) continue;
        if (root->narrow != v->narrow) continue;
        if (!shape_equal(&in->type->shape, &v->type->shape) || !shape_equal(&in->type->shape, &s->shape)) continue;
        bool anchored = false; /* an anchor reads its inputs as a whole */
        for (int k = 0; s->anchor && k < s->anchor->inputs_count; k++)
            anchored |= plan->values[plan_value_of(plan, s->anchor->inputs[k])].root == in->root;
        bool repeated = false; /* read under another shape, too */
        for (int k = s->anchor ? 1 : 0; k < s->program->inputs; k++)
            repeated |= k != i && plan->values[s->operand[k]].root == in->root;
        if (anchored || repeated) continue;
        for (size_t b = 0; b < p->count; b++)
            if (p->blocks[b].offset == root->offset) {
                p->blocks[b].last = v->last;
                v->offset = root->offset;
                root->last = now - 1; /* nobody else may take it over */
                return true;
            }
    }
    return false;
}

static void free_dead(placer *p, int32_t now) {
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->blocks[i].last > now) p->blocks[kept++] = p->blocks[i];
    p->count = kept;
}

/* ---- Barriers
 * ----------------------------------------------------------------------------------------------------------- */

typedef struct access {
    const void *space; /* the arena (NULL), a variable */
    size_t begin, end;
    int32_t root;
    bool writes, local; /* local: split by samples, this thread's own part only */
    partition split;
} access;

typedef struct accesses {
    const soma_plan *plan;
    const step *step;
    access *items;
    size_t count, from; /* those of the present step start at `from` */
    bool conflict;
} accesses;

/* Adds an access and says whether it must wait for those since the last barrier. */
static void add_access(accesses *a, access x) {
    for (size_t i = 0; i < a->from; i++) {
        const access *y = &a->items[i];
        if (x.space != y->space || x.begin >= y->end || y->begin >= x.end || !(x.writes || y->writes)) continue;
        if (x.split == PARTITION_SERIAL && y->split == PARTITION_SERIAL) continue;
        if (x.local && y->local && x.root == y->root) continue;
        a->conflict = true;
    }
    a->items[a->count++] = x;
}

static void note_access(void *user, int32_t value, bool writes) {
    accesses *a = user;
    const plan_value *v = &a->plan->values[value], *root = &a->plan->values[v->root];
    access x = {NULL, 0, 0, v->root, writes, false, a->step->partition};
    if (root->narrow) return; /* note_stretch notes them all */
    if (root->place == PLACE_ARENA) {
        x.begin = root->offset;
        x.end = root->offset + value_bytes(a->plan, root);
    } else if (root->place == PLACE_VARIABLE) {
        x.space = root->variable;
        x.end = 1;
    } else {
        return;
    }
    x.local = x.split == PARTITION_BATCH && plan_has_samples(v);
    add_access(a, x);
}

/* The threads' parts of a stretch, as if they were one value that its first step makes. */
static void note_stretch(accesses *a, const stretch *t) {
    access x = {NULL, t->offset, t->offset + t->bytes * (size_t)a->plan->threads, -1, true, false, PARTITION_FREE};
    add_access(a, x);
}
static int place_barriers(soma_plan *plan, soma_error *error) {
    size_t most = 0;
    for (int32_t i = 0; i < plan->steps_count; i++)
        most += (size_t)(plan->steps[i].anchor ? plan->steps[i].anchor->inputs_count + OP_MAX_OUTPUTS : 0) +
                EW_MAX_INPUTS + EW_MAX_OUTPUTS + 1;
    accesses a = {.plan = plan, .items = mem_array(plan->context, most + 1, sizeof(access))};
    if (!a.items) return error_memory(error);
    for (int32_t i = 0, end; i < plan->steps_count && plan->threads > 1; i = end) {
        const stretch *t = plan->steps[i].stretch < 0 ? NULL : &plan->stretches[plan->steps[i].stretch];
        a.from = a.count;
        a.conflict = false;
        if (t) note_stretch(&a, t);
        end = t ? t->end : plan->steps[i].channels ? i + 2 : i + 1; /* none stands within what runs as one */
        for (a.step = &plan->steps[i]; a.step < plan->steps + end; a.step++)
            plan_step_touches(plan, a.step, note_access, &a);
        if (!a.conflict) continue;
        plan->steps[i].barrier = true;
        memmove(a.items, a.items + a.from, (a.count - a.from) * sizeof *a.items);
        a.count -= a.from;
    }
    mem_free(plan->context, a.items);
    return SOMA_OK;
}

/* Places for the values that step i is the first to make: narrow ones in a thread's part of a stretch, or the others.
 * A value that lives through a whole stretch takes over nothing: every few samples still read all inputs. */
static void place_values(placer *p, int32_t i, bool narrow) {
    soma_plan *plan = p->plan;
    for (int32_t v = 0; v < plan->values_count; v++) {
        plan_value *x = &plan->values[v];
        if (x->place != PLACE_ARENA || x->first != i || x->root != v || x->narrow != narrow) continue;
        if ((narrow || plan->steps[i].stretch < 0) && place_over_input(p, &plan->steps[i], x, i)) continue;
        x->offset = take_place(p, aligned(value_bytes(plan, x)), x->last);
    }
    if (p->share) free_dead(p, i);
}

/* The threads' parts of a stretch, and the places of what lies in them. */
static void place_stretch(placer *p, stretch *t, block *blocks) {
    placer inner = {.plan = p->plan, .blocks = blocks, .share = true};
    for (int32_t i = t->first; i < t->end; i++) place_values(&inner, i, true);
    t->bytes = aligned(inner.bytes);
    t->offset = take_place(p, t->bytes * (size_t)p->plan->threads, t->end - 1);
}

int plan_place(soma_plan *plan, soma_error *error) {
    placer p = {.plan = plan};
    size_t total = 0, most = (size_t)plan->values_count + 2 * (size_t)plan->steps_count + 1;
    for (int32_t i = 0; i < plan->steps_count; i++) {
        lifetimes l = {plan, i};
        plan_step_touches(plan, &plan->steps[i], live, &l);
    }
    for (int32_t v = 0; v < plan->values_count; v++)
        if (plan->values[v].place == PLACE_ARENA && plan->values[v].kept) plan->values[v].last = plan->steps_count;
    lengthen_pairs(plan);
    keep_arranged(plan);
    if (keep_still(plan, error) != SOMA_OK || plan_stretch(plan, error) != SOMA_OK) return error->code;
    for (int32_t v = 0; v < plan->values_count; v++) {
        const plan_value *x = &plan->values[v];
        if (x->place != PLACE_ARENA) continue;
        if (!size_add(total, aligned(value_bytes(plan, x)), &total) || total > SIZE_MAX / 8)
            return error_set(error, SOMA_ERROR_MEMORY, "plan: its values do not fit into memory");
    }
    for (int32_t i = 0; i < plan->steps_count; i++)
        if (!size_add(total, aligned(plan->steps[i].kept), &total) || total > SIZE_MAX / 8)
            return error_set(error, SOMA_ERROR_MEMORY, "plan: its values do not fit into memory");
    p.share = (total > share_above || plan->stretches_count) && !plan->unfused;
    p.blocks = mem_array(plan->context, 2 * most, sizeof *p.blocks);
    if (!p.blocks) return error_memory(error);
    for (int32_t i = 0; i < plan->steps_count; i++)
        if (plan->steps[i].kept)
            plan->steps[i].kept_offset = take_place(&p, aligned(plan->steps[i].kept), plan->steps_count);
    for (int32_t i = 0; i < plan->steps_count; i++) {
        const int32_t t = plan->steps[i].stretch;
        if (t >= 0 && plan->stretches[t].first == i) place_stretch(&p, &plan->stretches[t], p.blocks + most);
        place_values(&p, i, false);
    }
    plan->arena_bytes = p.bytes;
    mem_free(plan->context, p.blocks);
    return place_barriers(plan, error);
}
