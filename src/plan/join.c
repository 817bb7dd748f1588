/* plan/join.c: concatenations without a step of their own: where every part is the output of a convolution's or
 * pooling's epilogue that nobody else reads, the epilogue writes it into the whole, whose samples lie further apart. */
#include "ops/attributes.h"
#include "plan/plan.h"

/* The step whose epilogue writes a value, if it may write it into a whole of the same height and width. */
static const step *writer_of(const soma_plan *plan, int32_t value) {
    for (int32_t i = 0; i < plan->steps_count; i++) {
        const step *s = &plan->steps[i];
        if (s->kind != STEP_KERNEL || !s->program || s->kernel->epilogue_columns != 2) continue;
        for (int o = 0; o < s->program->outputs; o++)
            if (s->operand[s->program->inputs + o] == value)
                return shape_equal(&s->shape, &plan->values[value].type->shape) ? s : NULL;
    }
    return NULL;
}

static int readers_of(const soma_plan *plan, node_ref r) {
    int count = 0;
    for (size_t n = (size_t)r.node; n < plan->graph->count; n++) {
        const node *user = plan->graph->nodes[n];
        for (int i = 0; i < user->inputs_count; i++)
            count += user->inputs[i].node == r.node && user->inputs[i].output == r.output;
    }
    return count;
}

static bool can_join(const soma_plan *plan, const step *s) {
    if (s->kind != STEP_KERNEL || s->anchor->op != &op_concat || s->shape.rank != 4) return false;
    if (((const axis_attributes *)s->anchor->attributes)->axis != 1) return false;
    for (int i = 0; i < s->anchor->inputs_count; i++) {
        const int32_t v = plan_value_of(plan, s->anchor->inputs[i]);
        const plan_value *x = &plan->values[v];
        if (x->root != v || x->place != PLACE_NONE || x->kept || x->type->dtype != SOMA_FLOAT) return false;
        if (readers_of(plan, s->anchor->inputs[i]) != 1 || !writer_of(plan, v)) return false;
    }
    return true;
}

static void join(soma_plan *plan, const step *s) {
    int64_t before = 0;
    for (int i = 0; i < s->anchor->inputs_count; i++) {
        plan_value *x = &plan->values[plan_value_of(plan, s->anchor->inputs[i])];
        const soma_shape *shape = &x->type->shape;
        x->root = plan->first_value[s->anchor->number - 1];
        x->part = true;
        x->before = before;
        before += shape->dims[1] * shape->dims[2] * shape->dims[3];
    }
}

void plan_join(soma_plan *plan) {
    for (int32_t i = 0; i < plan->steps_count && !plan->unfused; i++) {
        if (!can_join(plan, &plan->steps[i])) continue;
        join(plan, &plan->steps[i]);
        plan->steps_count--;
        memmove(&plan->steps[i], &plan->steps[i + 1], (size_t)(plan->steps_count - i) * sizeof *plan->steps);
        i--;
    }
}
