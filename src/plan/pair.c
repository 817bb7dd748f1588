/* plan/pair.c: pairs of steps that a thread walks for a few channels at a time.
 *
 * Where a 1x1 convolution is followed by a step that keeps channels apart, as the expansion of an inverted residual is
 * by its depthwise convolution (Sandler et al. 2018, arXiv:1801.04381), a thread can make some channels of the first
 * and at once the same channels of the second. What lies between them, the largest values of such networks, stays in
 * that thread's cache, takes no more memory than these channels need, and no thread waits for another in between. The
 * first step's input is read again for every few channels, which is cheap where its patches need no copies.
 *
 * Results do not change: either step makes a channel's numbers in the same order however many are done at once. */
#include "ops/attributes.h"
#include "plan/plan.h"

enum {
    CACHE = 256 << 10, /* bytes between the steps that stay near, */
    LIMIT = 448 << 10, /* and may if they are of the fewest channels */
    FEWEST = 8,        /* channels that are worth the reading of the first step's input */
    MOST = 48          /* from which more bring nothing */
};

/* Whether a step is a convolution from places to the same places. */
static bool is_pointwise(const step *s) {
    if (s->anchor->op != &op_convolution || s->kernel->algorithm) return false;
    const window_attributes *a = s->anchor->attributes;
    const soma_window *w = &a->window;
    return a->groups == 1 && w->kernel[0] == 1 && w->kernel[1] == 1 && w->stride[0] == 1 && w->stride[1] == 1 &&
           !w->before[0] && !w->before[1] && !w->after[0] && !w->after[1];
}

static bool may_pair(const soma_plan *plan, const step *s) {
    if (s->kind != STEP_KERNEL || s->onednn || !s->kernel->apart || s->shape.rank != 4) return false;
    for (int d = 1; d < 4; d++)
        if (s->shape.dims[d] < 1) return false; /* the batch, where a transpose has put it */
    return s->partition != PARTITION_SERIAL || plan->threads == 1;
}

typedef struct use {
    int32_t value;
    int reads, writes;
} use;

static void count_use(void *user, int32_t value, bool writes) {
    use *u = user;
    if (value != u->value) return;
    u->reads += !writes;
    u->writes += writes;
}

/* The value that the step makes, if it is the only one; or -1. */
static int32_t only_output(const soma_plan *plan, const step *s) {
    if (!s->program) return s->anchor->op->outputs == 1 ? plan->first_value[s->anchor->number - 1] : -1;
    return s->program->outputs == 1 ? s->operand[s->program->inputs] : -1;
}

/* Whether nothing but the first step writes a value, and nothing but the second reads it, once. */
static bool is_between(const soma_plan *plan, int32_t first, int32_t value) {
    const plan_value *v = &plan->values[value];
    if (v->root != value || v->kept || v->part || !shape_equal(&v->type->shape, &plan->steps[first].shape))
        return false;
    for (int32_t other = 0; other < plan->values_count; other++)
        if (other != value && plan->values[other].root == value) return false;
    for (int32_t i = 0; i < plan->steps_count; i++) {
        use u = {.value = value};
        plan_step_touches(plan, &plan->steps[i], count_use, &u);
        if (u.writes != (i == first) || u.reads != (i == first + 1)) return false;
    }
    return true;
}

static int64_t channels_of(const step *s) {
    const int64_t plane = s->shape.dims[2] * s->shape.dims[3] * (int64_t)sizeof(float), fit = CACHE / plane;
    const int64_t all = s->shape.dims[1], some = fit < FEWEST ? FEWEST : fit < MOST ? fit : MOST;
    if (plane > LIMIT / some) return 0;
    return some < all ? some : all;
}

void plan_pair(soma_plan *plan) {
    if (plan->reference || plan->unfused || plan->options.check_finite) return;
    for (int32_t i = 0; i + 1 < plan->steps_count; i++) {
        step *s = &plan->steps[i];
        const step *next = s + 1;
        if (!may_pair(plan, s) || !may_pair(plan, next) || s->partition != next->partition) continue;
        if (!is_pointwise(s) || !next->kernel->channelwise) continue;
        const int32_t value = only_output(plan, s);
        if (value < 0 || value != plan_value_of(plan, next->anchor->inputs[0]) || !is_between(plan, i, value)) continue;
        s->channels = channels_of(s);
        if (!s->channels) continue;
        plan->values[value].place = PLACE_THREAD;
        i++; /* the next belongs to this pair */
    }
}
