/* plan/choose.c: which kernel computes a node: a portable one, or oneDNN's.
 *
 * In float the portable kernels stay, unless oneDNN is asked for: where a convolution can be done with fewer
 * multiplications (Winograd) they are ahead by more than the difference of direct algorithms, and products are as fast.
 * In bfloat16 an instruction multiplies twice as many numbers, and weights take half the memory; it pays where a step
 * has enough work for each number that is converted. The constants are those of a processor with AVX512_BF16; no time
 * is measured, so that a plan depends on shapes and instruction set alone, and on a tuning where one is given. */
#include "ops/attributes.h"
#include "plan/tuning.h"

#include <stdio.h>

#define ONEDNN_NAME "onednn"

static const double flops_a_number = 32; /* that bfloat16 must save the time of, for each number converted */
static const double least_flops = 1e6;   /* below, calls take too much of a step's time */

int plan_choose_module(soma_plan *plan, soma_error *error) {
    const soma_plan_options *o = &plan->options;
    const bool asked = o->backend == SOMA_BACKEND_ONEDNN, bf16 = o->precision == SOMA_PRECISION_BF16;
    char why[160] = "";
    if ((unsigned)o->precision > SOMA_PRECISION_BF16)
        return error_set(error, SOMA_ERROR_ARGUMENT, "plan: there is no precision number %d", (int)o->precision);
    if (bf16 && !asked && o->backend != SOMA_BACKEND_AUTO)
        return error_set(error, SOMA_ERROR_ARGUMENT, "bf16 is computed by oneDNN; the %s backend has float only",
                         plan->reference ? "reference" : "portable");
    const bool able = onednn_processor_has_bf16(), free = o->backend == SOMA_BACKEND_AUTO;
    const bool tuned = free && (o->candidate > 0 || (o->tuning && tuning_names(o->tuning, ONEDNN_NAME)));
    if (o->candidate < 0)
        return error_set(error, SOMA_ERROR_ARGUMENT, "plan: candidate %d, expected 0 or more", o->candidate);
    if (!asked && !tuned && !(bf16 && able)) {
        if (bf16)
            snprintf(plan->note, sizeof plan->note, "this processor has no instructions for bf16; f32 runs instead");
        return SOMA_OK;
    }
    plan->onednn = onednn_load(why, sizeof why);
    plan->bf16 = bf16 && able && plan->onednn && plan->onednn->bf16();
    if (!plan->onednn) {
        /* Whoever tries candidates finds none of oneDNN's. */
        if (asked || o->candidate == 0)
            snprintf(plan->note, sizeof plan->note, "oneDNN can't be used, so portable kernels run in f32: %s", why);
    } else if (bf16 && !able) {
        snprintf(plan->note, sizeof plan->note, "this processor has no instructions for bf16; f32 runs instead");
    } else if (bf16 && !plan->bf16) {
        snprintf(plan->note, sizeof plan->note, "%s does not use bf16 here; f32 runs instead", plan->onednn->name);
    }
    if (!asked && !tuned && !plan->bf16) plan->onednn = NULL;
    return SOMA_OK;
}

/* The contents of jobs have fixed extents: only whole rows and samples may come and go with the batch. */
static bool sums_over_batch(const soma_plan *plan, const node *n) {
    const soma_shape *a = &plan->values[plan_value_of(plan, n->inputs[0])].type->shape;
    const soma_shape *b = &plan->values[plan_value_of(plan, n->inputs[1])].type->shape;
    if (n->op != &op_matmul) return false;
    const matmul_attributes *t = n->attributes;
    return shape_has_batch(b) || a->dims[a->rank - 1] < 0 || (t->transpose_a && shape_has_batch(a));
}

static bool is_constant(const soma_plan *plan, const node *n) {
    place_kind place = plan_root(plan, plan_value_of(plan, n->inputs[1]))->place;
    return !plan->effects && (place == PLACE_VARIABLE || place == PLACE_CONSTANT);
}

static double elements(const tensor *t) { return (double)shape_elements(&t->shape, 1); }

/* Whether bfloat16 is faster than the portable kernel. */
static bool pays(const node *n, const kernel_call *call, const kernel *portable, bool constant) {
    op_call c = {.op = n->op,
                 .attributes = n->attributes,
                 .inputs = call->inputs,
                 .outputs = call->outputs,
                 .in = (tensor *)call->in,
                 .out = (tensor *)call->out,
                 .batch = call->batch};
    const double flops = n->op->flops ? n->op->flops(&c) : 0;
    if (portable && portable->algorithm) return false; /* a fast algorithm */
    if (n->op != &op_matmul && ((const window_attributes *)n->attributes)->groups > 1) return false;
    const double numbers = elements(&call->in[0]) + elements(&call->out[0]) + (constant ? 0 : elements(&call->in[1]));
    return flops >= least_flops && flops >= flops_a_number * numbers;
}

/* ---- Candidates -------------------------------------------------------------------------------------------------- */

/* A kernel that can compute an anchor. */
typedef struct candidate {
    const char *name;
    const kernel *kernel; /* NULL: oneDNN's */
    bool bf16;
} candidate;

enum { MOST = 8 };

static bool is_tunable(const node *n) {
    return n->op == &op_matmul || n->op == &op_convolution || n->op == &op_convolution_backward_data ||
           n->op == &op_convolution_backward_weights;
}

static const char *onednn_name(bool bf16) { return bf16 ? ONEDNN_NAME " bf16" : ONEDNN_NAME " f32"; }
static const char *portable_name(const kernel *k) { return k->algorithm ? k->algorithm : "direct"; }

/* All of them: portable ones in the order in which they are preferred, then oneDNN's. */
static int find_candidates(const soma_plan *plan, const node *n, const kernel_call *call, candidate list[MOST]) {
    const bool direct = plan->options.algorithm == SOMA_ALGORITHM_DIRECT;
    int count = 0;
    for (const kernel *k = isa_kernel(plan->isa, n->op, call, direct); k && count < MOST - 2;
         k = isa_next_kernel(k, call, direct))
        list[count++] = (candidate){portable_name(k), k, false};
    if (!plan->onednn || !is_tunable(n) || n->inputs_count < 2 || sums_over_batch(plan, n)) return count;
    list[count++] = (candidate){onednn_name(false), NULL, false};
    if (plan->bf16) list[count++] = (candidate){onednn_name(true), NULL, true};
    return count;
}

/* The one that the tuning names for this step; NULL: none, or it can't run here. */
static const candidate *tuned(const soma_plan *plan, const node *n, const kernel_call *call, const candidate *list,
                              int count) {
    char key[TUNING_KEY];
    tuning_key(plan, n, call, is_constant(plan, n), key);
    const char *name = tuning_fastest(plan->options.tuning, key);
    for (int i = 0; name && i < count; i++)
        if (!strcmp(list[i].name, name)) return &list[i];
    return NULL;
}

/* The one that the cost model takes. */
static const candidate *modelled(const soma_plan *plan, const node *n, const kernel_call *call, const candidate *list,
                                 int count) {
    const bool asked = plan->options.backend == SOMA_BACKEND_ONEDNN;
    const candidate *last = count ? &list[count - 1] : NULL;
    if (last && !last->kernel && (asked || (last->bf16 && pays(n, call, list[0].kernel, is_constant(plan, n)))))
        return last;
    return last && list[0].kernel ? list : NULL;
}

void plan_choose_kernel(const soma_plan *plan, group *g) {
    kernel_call call;
    candidate list[MOST];
    const candidate *c = NULL;
    const node *n = g->anchor;
    plan_shape_call(plan, n, plan->options.max_batch, &call);
    const int count = find_candidates(plan, n, &call, list), wanted = plan->options.candidate;
    g->candidate = is_tunable(n) && wanted > 0 && wanted <= count && count > 1;
    if (g->candidate)
        c = &list[wanted - 1];
    else if (is_tunable(n) && plan->options.tuning)
        c = tuned(plan, n, &call, list, count);
    if (!c) c = modelled(plan, n, &call, list, count);
    if (c && !c->kernel)
        g->onednn = onednn_step_create(plan->onednn, n->op, &call, c->bf16, is_constant(plan, n), plan->context);
    if (g->onednn)
        g->kernel = onednn_step_kernel(g->onednn);
    else if (c)
        g->kernel = c->kernel ? c->kernel : list[0].kernel;
}

const char *plan_tunable(const soma_plan *plan, const step *s, char key[TUNING_KEY]) {
    kernel_call call;
    candidate list[MOST];
    if (!is_tunable(s->anchor) || !s->kernel) return NULL;
    plan_shape_call(plan, s->anchor, plan->options.max_batch, &call);
    if (find_candidates(plan, s->anchor, &call, list) < 2) return NULL;
    tuning_key(plan, s->anchor, &call, is_constant(plan, s->anchor), key);
    return s->onednn ? onednn_name(onednn_step_bf16(s->onednn)) : portable_name(s->kernel);
}
