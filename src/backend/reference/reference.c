/* backend/reference/reference.c: the naive float64 backend. On a float64 plan a step is one call of the op's reference
 * kernel on the plan's own doubles. The same kernels serve float plans for ops that have no fast kernel: inputs are
 * widened, the kernel runs, the results are rounded. */
#include "plan/run.h"

static bool is_float(const tensor *t) { return t->dtype == SOMA_FLOAT; }

static void *take(char **at, const tensor *t) {
    void *memory = *at;
    size_t bytes = (size_t)shape_elements(&t->shape, 1) * sizeof(double);
    *at += (bytes + 63) & ~(size_t)63;
    return memory;
}

void reference_step(const soma_run *run, const step *s, const kernel_call *call) {
    const bool narrow = !run->plan->reference;
    const node *n = s->anchor;
    tensor in[OP_MAX_INPUTS], out[OP_MAX_OUTPUTS];
    char *at = run->reference_scratch;
    for (int i = 0; i < n->inputs_count; i++) {
        const tensor_type *t = run->plan->values[plan_value_of(run->plan, n->inputs[i])].type;
        in[i] = (tensor){run_address(run, plan_value_of(run->plan, n->inputs[i])), t->dtype,
                         shape_resolve(&t->shape, call->batch)};
        if (!narrow || !is_float(&in[i])) continue;
        const float *from = in[i].data;
        double *to = in[i].data = take(&at, &in[i]);
        for (int64_t k = shape_elements(&in[i].shape, 1); k-- > 0;) to[k] = from[k];
    }
    for (int o = 0; o < n->op->outputs; o++) {
        out[o] = (tensor){run_address(run, run->plan->first_value[n->number - 1] + o), n->outputs[o].dtype,
                          shape_resolve(&n->outputs[o].shape, call->batch)};
        if (narrow && is_float(&out[o])) out[o].data = take(&at, &out[o]);
    }
    op_call c = {.op = n->op,
                 .attributes = n->attributes,
                 .inputs = n->inputs_count,
                 .outputs = n->op->outputs,
                 .in = in,
                 .out = out,
                 .random = call->random,
                 .batch = call->batch};
    n->op->reference(&c);
    if (n->op->flags & OP_EFFECT) { /* an assign's output is the next value, which also goes into the variable */
        size_t bytes = (size_t)shape_elements(&out[0].shape, 1) * sizeof(double);
        if (bytes) memcpy(run_address(run, run->plan->first_value[n->inputs[0].node - 1]), out[0].data, bytes);
    }
    for (int o = 0; narrow && o < n->op->outputs; o++) {
        if (!is_float(&out[o])) continue;
        const double *from = out[o].data;
        float *to = run_address(run, run->plan->first_value[n->number - 1] + o);
        for (int64_t k = shape_elements(&out[o].shape, 1); k-- > 0;) to[k] = (float)from[k];
    }
}
