/* plan/stretch.c: stretches of steps that a few samples walk together.
 *
 * A step at a time, a large batch goes through memory between any two steps. Where samples do not depend on each other
 * a thread can take a few of its own through many steps instead: what lies between these steps then stays in its cache
 * and takes no more memory than these few need. The weights are read again for every few samples, so a step belongs to
 * a stretch only where they are smaller than what a sample brings along.
 *
 * Results do not change: such steps make each sample's numbers in the same order however many are done at once. */
#include "plan/plan.h"

enum {
    WORTH = 2 << 20,   /* bytes of all samples that need not go through memory */
    CACHE = 512 << 10, /* bytes that a step's samples may take together */
    TRANSFORMED = 4    /* a fast algorithm makes its transforms of weights anew each time, which are larger */
};

static size_t sample_bytes(const soma_plan *plan, const plan_value *v) {
    return (size_t)shape_elements(&v->type->shape, 1) * plan_value_size(plan, v);
}

typedef struct step_size {
    const soma_plan *plan;
    size_t samples, weights; /* bytes of a sample; of what is no sample's */
    bool regular;            /* the batch is the first dimension or none of each value */
} step_size;

static void add_value(void *user, int32_t value, bool writes) {
    step_size *z = user;
    const plan_value *v = &z->plan->values[value];
    size_t bytes = sample_bytes(z->plan, v);
    if (plan_has_samples(v))
        z->samples += bytes;
    else
        z->weights += bytes;
    if (!plan_has_samples(v) && (writes || shape_has_batch(&v->type->shape))) z->regular = false;
}

static bool belongs(const soma_plan *plan, const step *s, size_t *bytes) {
    step_size z = {.plan = plan, .regular = true};
    if (!s->apart) return false;
    plan_step_touches(plan, s, add_value, &z);
    if (s->kernel && s->kernel->algorithm) z.weights *= TRANSFORMED;
    if (z.samples > *bytes) *bytes = z.samples;
    return z.regular && z.weights <= z.samples;
}

/* Whether every value that shares a root's memory has samples. */
static bool all_samples(const soma_plan *plan, int32_t root) {
    for (int32_t v = 0; v < plan->values_count; v++)
        if (plan->values[v].root == root && !plan_has_samples(&plan->values[v])) return false;
    return true;
}

/* Marks what only these steps know; returns its bytes for the largest batch. */
static size_t mark(soma_plan *plan, const stretch *t, bool narrow) {
    size_t bytes = 0;
    for (int32_t v = 0; v < plan->values_count; v++) {
        plan_value *x = &plan->values[v];
        if (x->place != PLACE_ARENA || x->root != v || x->kept) continue;
        if (x->first < t->first || x->last >= t->end || x->last < 0 || !all_samples(plan, v)) continue;
        x->narrow = narrow;
        bytes += sample_bytes(plan, x) * (size_t)plan->options.max_batch;
    }
    return bytes;
}

/* What lives longer must do so from the first step to the last: every few samples go through all steps. */
static void lengthen(soma_plan *plan, const stretch *t) {
    for (int32_t v = 0; v < plan->values_count; v++) {
        plan_value *x = &plan->values[v];
        if (x->place != PLACE_ARENA || x->root != v || x->narrow) continue;
        if (x->first > t->first && x->first < t->end) x->first = t->first;
        if (x->last >= t->first && x->last < t->end) x->last = t->end - 1;
    }
}

static void try_stretch(soma_plan *plan, int32_t first, int32_t end, size_t most) {
    stretch t = {first, end, 1, 0, 0};
    if (end - first < 2 || mark(plan, &t, false) < WORTH) return;
    while ((size_t)(2 * t.samples) * most <= CACHE && 2 * t.samples * plan->threads <= plan->options.max_batch)
        t.samples *= 2;
    mark(plan, &t, true);
    lengthen(plan, &t);
    for (int32_t i = first; i < end; i++) plan->steps[i].stretch = plan->stretches_count;
    plan->stretches[plan->stretches_count++] = t;
}

int plan_stretch(soma_plan *plan, soma_error *error) {
    int32_t first = 0;
    size_t most = 0;
    plan->stretches = mem_array(plan->context, (size_t)plan->steps_count + 1, sizeof *plan->stretches);
    if (!plan->stretches) return error_memory(error);
    for (int32_t i = 0; i < plan->steps_count; i++) plan->steps[i].stretch = -1;
    if (plan->options.max_batch < 2 || plan->reference || plan->unfused) return SOMA_OK;
    for (int32_t i = 0, end; i <= plan->steps_count; i = end) {
        const step *s = &plan->steps[i];
        end = i < plan->steps_count && s->channels ? i + 2 : i + 1; /* pairs stay together */
        if (i < plan->steps_count && belongs(plan, s, &most) && belongs(plan, &plan->steps[end - 1], &most)) continue;
        try_stretch(plan, first, i, most);
        first = end;
        most = 0;
    }
    return SOMA_OK;
}
