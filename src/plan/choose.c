/* plan/choose.c: which kernel computes a node: a portable one, or oneDNN's.
 *
 * In float the portable kernels stay, unless oneDNN is asked for: where a convolution can be done with fewer
 * multiplications (Winograd) they are ahead by more than the difference of direct algorithms, and products are as fast.
 * In bfloat16 an instruction multiplies twice as many numbers, and weights take half the memory; it pays where a step
 * has enough work for each number that is converted. The constants are those of a processor with AVX512_BF16; no time
 * is measured, so that a plan depends on shapes and instruction set alone. */
#include "ops/attributes.h"
#include "plan/plan.h"

#include <stdio.h>

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
    const bool able = onednn_processor_has_bf16();
    if (!asked && !(bf16 && able)) {
        if (bf16)
            snprintf(plan->note, sizeof plan->note, "this processor has no instructions for bf16; f32 runs instead");
        return SOMA_OK;
    }
    plan->onednn = onednn_load(why, sizeof why);
    plan->bf16 = bf16 && able && plan->onednn && plan->onednn->bf16();
    if (!plan->onednn)
        snprintf(plan->note, sizeof plan->note, "oneDNN can't be used, so portable kernels run in f32: %s", why);
    else if (bf16 && !able)
        snprintf(plan->note, sizeof plan->note, "this processor has no instructions for bf16; f32 runs instead");
    else if (bf16 && !plan->bf16)
        snprintf(plan->note, sizeof plan->note, "%s does not use bf16 here; f32 runs instead", plan->onednn->name);
    if (!asked && !plan->bf16) plan->onednn = NULL;
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

const kernel *plan_choose_kernel(const soma_plan *plan, const node *anchor, onednn_step **own) {
    kernel_call call;
    plan_shape_call(plan, anchor, plan->options.max_batch, &call);
    const kernel *portable = isa_kernel(plan->isa, anchor->op, &call, plan->options.algorithm == SOMA_ALGORITHM_DIRECT);
    *own = NULL;
    if (!plan->onednn || anchor->inputs_count < 2 || sums_over_batch(plan, anchor)) return portable;
    if (anchor->op != &op_matmul && anchor->op != &op_convolution && anchor->op != &op_convolution_backward_data &&
        anchor->op != &op_convolution_backward_weights)
        return portable;
    const bool constant = is_constant(plan, anchor);
    if (plan->options.backend == SOMA_BACKEND_ONEDNN || pays(anchor, &call, portable, constant))
        *own = onednn_step_create(plan->onednn, anchor->op, &call, plan->bf16, constant, plan->context);
    return *own ? onednn_step_kernel(*own) : portable;
}
