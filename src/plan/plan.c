/* plan/plan.c: making a plan: the passes in order, and what a plan can be asked. */
#include "plan/plan.h"

#include <soma/nn.h>

#include <stdio.h>

const node *plan_value_node(const soma_plan *plan, int32_t value) {
    size_t low = 0, high = plan->graph->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (plan->first_value[middle] <= value)
            low = middle;
        else
            high = middle;
    }
    return plan->graph->nodes[low];
}

/* A scalar made of shapes, scalar constants and scalar inputs alone: the host computes it, in double. */
bool plan_is_scalar(const soma_plan *plan, const node *n) {
    if (n->op == &op_scalar) return true;
    if (n->op == &op_input) return ((const input_attributes *)n->attributes)->scalar;
    if (n->outputs[0].shape.rank != 0 || n->outputs[0].dtype != SOMA_FLOAT) return false;
    if (n->op->flags & OP_SHAPE) return true;
    if (!(n->op->flags & OP_ELEMENTWISE)) return false;
    for (int i = 0; i < n->inputs_count; i++)
        if (!plan_is_scalar(plan, graph_node(plan->graph, n->inputs[i].node))) return false;
    return true;
}

void plan_shape_call(const soma_plan *plan, const node *n, int64_t batch, kernel_call *call) {
    memset(call, 0, sizeof *call);
    call->attributes = n->attributes;
    call->inputs = n->inputs_count;
    call->outputs = n->op->outputs;
    call->batch = batch;
    call->threads = plan->threads;
    call->isa = plan->isa;
    for (int i = 0; i < n->inputs_count && i < (int)COUNT_OF(call->in); i++) {
        const tensor_type *t = plan->values[plan_value_of(plan, n->inputs[i])].type;
        call->in[i] = (tensor){NULL, t->dtype, shape_resolve(&t->shape, batch)};
    }
    for (int o = 0; o < n->op->outputs; o++)
        call->out[o] = (tensor){NULL, n->outputs[o].dtype, shape_resolve(&n->outputs[o].shape, batch)};
}

bool plan_epilogue_strides(const soma_shape *operand, const soma_shape *out, int columns, int64_t batch,
                           int64_t strides[3]) {
    int64_t stride[SOMA_MAX_RANK] = {0}, pitch = 1;
    int rank = out->rank, first_column = rank - (columns > 0 ? columns : 1);
    if (rank == 0) first_column = 0; /* a single number is one row of one column */
    if (first_column < 0) return false;
    for (int d = operand->rank - 1, o = rank - 1; d >= 0; d--, o--) {
        int64_t extent = shape_dim(operand, d, batch);
        stride[o] = extent == 1 ? 0 : pitch;
        pitch *= extent;
    }
    /* Dimensions [from, to) of each part must act as one. */
    const int from[3] = {0, first_column > 0 ? first_column - 1 : 0, first_column};
    const int to[3] = {from[1], first_column, rank};
    for (int part = 0; part < 3; part++) {
        int64_t inner = -1, span = 1;
        strides[part] = 0;
        for (int d = to[part] - 1; d >= from[part]; d--) {
            int64_t extent = shape_dim(out, d, batch);
            if (extent == 1) continue;
            if (inner < 0)
                strides[part] = inner = stride[d];
            else if (stride[d] != inner * span)
                return false;
            span *= extent;
        }
    }
    return strides[2] == 0 || strides[2] == 1;
}

/* ---- Creation
 * ------------------------------------------------------------------------------------------------------------- */

static int choose_backend(soma_plan *plan, soma_error *error) {
    plan->reference = plan->options.backend == SOMA_BACKEND_REFERENCE;
    plan->isa = isa_best();
    if ((unsigned)plan->options.backend > SOMA_BACKEND_ONEDNN)
        return error_set(error, SOMA_ERROR_ARGUMENT, "plan: there is no backend number %d", (int)plan->options.backend);
    if (plan->options.store && plan->options.store->float64 != plan->reference)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "plan: the reference backend needs a float64 store and the others a float one");
    plan->threads = plan->options.threads > 0 ? plan->options.threads : processors_available();
    plan->unfused = plan->options.unfused || plan->options.check_finite || plan->reference;
    plan->single = plan->effects && plan->options.max_batch == 1 && !plan->unfused;
    return plan_choose_module(plan, error);
}

static int bind_store(soma_plan *plan, soma_error *error) {
    plan->store = plan->options.store;
    if (plan->store) return SOMA_OK;
    plan->store = soma_store_create(
        (soma_store_options){.seed = plan->options.seed, .float64 = plan->reference, .context = plan->context}, error);
    plan->owns_store = true;
    return plan->store ? SOMA_OK : SOMA_ERROR_MEMORY;
}

static int number_values(soma_plan *plan, soma_error *error) {
    size_t nodes = plan->graph->count;
    int32_t count = 0;
    plan->first_value = mem_array(plan->context, nodes + 1, sizeof *plan->first_value);
    if (!plan->first_value) return error_memory(error);
    for (size_t i = 0; i < nodes; i++) {
        plan->first_value[i] = count;
        count += plan->graph->nodes[i]->op->outputs;
    }
    plan->values_count = count;
    plan->values = mem_zeros(plan->context, (size_t)count + 1, sizeof *plan->values);
    plan->scalars = mem_zeros(plan->context, nodes + 1, sizeof *plan->scalars);
    plan->inputs = mem_zeros(plan->context, nodes + 1, sizeof *plan->inputs);
    if (!plan->values || !plan->scalars || !plan->inputs) return error_memory(error);
    for (size_t i = 0; i < nodes; i++) {
        const node *n = plan->graph->nodes[i];
        for (int o = 0; o < n->op->outputs; o++) {
            int32_t v = plan->first_value[i] + o;
            plan_value *x = &plan->values[v];
            x->type = &n->outputs[o];
            x->root = n->op->flags & OP_ALIAS ? plan->values[plan_value_of(plan, n->inputs[0])].root : v;
            x->group = -1;
            x->first = x->last = -1;
            if (plan_is_scalar(plan, n)) {
                x->place = PLACE_SCALAR;
                x->offset = plan->scalars_count;
                plan->scalars[plan->scalars_count++] = v;
            } else if (n->op == &op_input) {
                x->place = PLACE_INPUT;
                x->offset = plan->inputs_count;
                plan->inputs[plan->inputs_count++] = (plan_input){.node = n, .value = v};
            } else if (n->op == &op_constant) {
                x->place = PLACE_CONSTANT;
                x->constant = n->data;
            } else if (n->op == &op_variable) {
                const variable_attributes *a = n->attributes;
                x->place = PLACE_VARIABLE;
                x->variable = store_bind(plan->store, n->name, &a->shape, a->init, a->trainable, error);
                if (!x->variable) return error && error->code ? error->code : SOMA_ERROR_MEMORY;
            }
        }
    }
    return SOMA_OK;
}

/* Constants of a float64 plan are widened once. */
static int widen_constants(soma_plan *plan, soma_error *error) {
    for (int32_t v = 0; plan->reference && v < plan->values_count; v++) {
        plan_value *x = &plan->values[v];
        if (x->place != PLACE_CONSTANT || x->type->dtype != SOMA_FLOAT) continue;
        size_t count = (size_t)shape_elements(&x->type->shape, 1);
        double *wide = graph_alloc(plan->graph, (count + 1) * sizeof *wide);
        if (!wide) return error_memory(error);
        for (size_t i = 0; i < count; i++) wide[i] = ((const float *)x->constant)[i];
        x->constant = wide;
    }
    return SOMA_OK;
}

static int add_target(soma_plan *plan, soma_value user, soma_value own, bool keep, soma_error *error) {
    if (!mem_reserve(plan->context, &plan->targets, plan->targets_count, &plan->targets_capacity, sizeof(plan_target)))
        return error_memory(error);
    int32_t v = plan->first_value[own.node - 1] + own.output;
    plan->targets[plan->targets_count++] = (plan_target){user, v};
    if (keep) plan->values[v].kept = plan->values[plan->values[v].root].kept = true;
    return SOMA_OK;
}

/* Scratch of the most demanding step, for a thread, and behind it the place between the steps of pairs; and scratch for
 * float steps that fall back on a reference kernel. */
static void measure_scratch(soma_plan *plan) {
    size_t between = 0;
    for (int32_t i = 0; i < plan->steps_count; i++) {
        const step *s = &plan->steps[i];
        size_t bytes = s->program ? (ew_scratch(s->program) + 63) & ~(size_t)63 : 0;
        if (s->kind == STEP_KERNEL && s->kernel->scratch) {
            kernel_call call;
            plan_shape_call(plan, s->anchor, plan->options.max_batch, &call);
            call.onednn_step = s->onednn;
            epilogue e = {.program = s->program};
            if (s->program) call.epilogue = &e;
            bytes += (s->kernel->scratch(&call) + 63) & ~(size_t)63;
        }
        if (bytes > plan->scratch_kernels) plan->scratch_kernels = bytes;
        const int64_t floats = s->channels ? s->channels * s->shape.dims[2] * s->shape.dims[3] : 0;
        const size_t now = ((size_t)floats * sizeof(float) + 127) & ~(size_t)63; /* copies read beyond */
        if (floats && now > between) between = now;
        if (s->kind != STEP_REFERENCE || plan->reference) continue;
        size_t total = 0;
        for (int k = 0; k < s->anchor->inputs_count + s->anchor->op->outputs; k++) {
            int32_t v = k < s->anchor->inputs_count
                            ? plan_value_of(plan, s->anchor->inputs[k])
                            : plan->first_value[s->anchor->number - 1] + k - s->anchor->inputs_count;
            total +=
                (size_t)shape_elements(&plan->values[v].type->shape, plan->options.max_batch) * sizeof(double) + 64;
        }
        if (total > plan->reference_scratch) plan->reference_scratch = total;
    }
    plan->scratch_stride = plan->scratch_kernels + between;
}

static int check_targets(const soma_graph *g, const soma_value *values, size_t count, const char *what,
                         soma_error *error) {
    for (size_t i = 0; i < count; i++)
        if (values[i].graph != g || !value_type(values[i]))
            return error_set(error, SOMA_ERROR_ARGUMENT, "plan: %s %zu is not a value of the graph", what, i + 1);
    return SOMA_OK;
}

/* `level`: how much is made again to save memory (recompute.c). */
static int compile(soma_plan *plan, const soma_graph *user, const soma_value *all, size_t outputs, size_t count,
                   int level, soma_error *error) {
    soma_value *map = mem_zeros(plan->context, (user->count + 1) * OP_MAX_OUTPUTS, sizeof *map);
    int code = map ? SOMA_OK : error_memory(error);
    if (code == SOMA_OK) code = choose_backend(plan, error);
    if (code == SOMA_OK) code = bind_store(plan, error);
    if (code == SOMA_OK) code = plan_rebuild(plan, user, all, count, map, error);
    if (code == SOMA_OK && level > 0) {
        soma_value loss = map[(size_t)(all[0].node - 1) * OP_MAX_OUTPUTS + (size_t)all[0].output];
        code = plan_recompute(plan, level, loss, map, user->count * OP_MAX_OUTPUTS, error);
    }
    if (code == SOMA_OK) code = number_values(plan, error);
    if (code == SOMA_OK) code = widen_constants(plan, error);
    for (size_t i = 0; i < user->count && code == SOMA_OK; i++) { /* inputs: targets that are not kept */
        const node *n = user->nodes[i];
        if (n->op != &op_input) continue;
        soma_value own = map[i * OP_MAX_OUTPUTS], theirs = {(soma_graph *)user, n->number, 0};
        if (!own.node) continue;
        code = add_target(plan, theirs, own, false, error);
        for (size_t k = 0; k < plan->inputs_count; k++)
            if (plan->inputs[k].node->number == own.node) plan->inputs[k].user = theirs;
    }
    for (size_t i = 0; i < outputs && code == SOMA_OK; i++)
        code = add_target(plan, all[i], map[(size_t)(all[i].node - 1) * OP_MAX_OUTPUTS + (size_t)all[i].output], true,
                          error);
    if (code == SOMA_OK) code = plan_fuse(plan, error);
    if (code == SOMA_OK) code = plan_schedule(plan, error);
    if (code == SOMA_OK) plan_join(plan);
    if (code == SOMA_OK) plan_pair(plan);
    if (code == SOMA_OK) code = plan_place(plan, error);
    if (code == SOMA_OK) measure_scratch(plan);
    mem_free(plan->context, map);
    return code;
}

static soma_plan *make(const soma_value *all, size_t kept, size_t effects, soma_plan_options options, int level,
                       soma_error *error) {
    const soma_graph *g = all[0].graph;
    soma_plan *plan = mem_zeros(g->context, 1, sizeof *plan);
    if (!plan) return error_memory(error), NULL;
    plan->context = g->context;
    plan->options = options;
    plan->options.keep = NULL;
    plan->user_graph = g;
    plan->effects = effects > 0;
    if (compile(plan, g, all, kept, kept + effects, level, error) == SOMA_OK) return plan;
    soma_plan_destroy(plan);
    return NULL;
}

/* The plan that makes the least again of those that fit the memory budget. */
static soma_plan *make_fitting(const soma_value *all, size_t kept, size_t effects, soma_plan_options options,
                               soma_error *error) {
    static const int levels[] = {0, 1, 2, 4, 8, 16};
    const bool can_save = options.memory > 0 && effects > 0 && kept > 0 && !options.unfused && !options.check_finite &&
                          options.backend != SOMA_BACKEND_REFERENCE;
    int64_t least = INT64_MAX;
    double flops = 0;
    for (size_t i = 0; i < (can_save ? COUNT_OF(levels) : 1); i++) {
        soma_plan *plan = make(all, kept, effects, options, levels[i], error);
        if (!plan) return NULL;
        if (i == 0) flops = plan->flops;
        plan->flops_kept = flops;
        int64_t bytes = soma_plan_get_info(plan).memory_bytes;
        if (options.memory <= 0 || bytes <= options.memory) return plan;
        if (bytes < least) least = bytes;
        soma_plan_destroy(plan);
    }
    error_set(error, SOMA_ERROR_MEMORY, "plan: the memory budget is %lld bytes, but the least that suffices is %lld",
              (long long)options.memory, (long long)least);
    return NULL;
}

soma_plan *soma_plan_create(const soma_value *outputs, size_t count, const soma_value *effects, size_t effects_count,
                            soma_plan_options options, soma_error *error) {
    soma_error local = {0};
    soma_error *e = error ? error : &local;
    soma_graph *g = count ? outputs[0].graph : effects_count ? effects[0].graph : NULL;
    if (e->code) return NULL;
    if (!g || soma_graph_error(g)->code) {
        error_set(e, soma_graph_error(g)->code, "%s", soma_graph_error(g)->message);
        return NULL;
    }
    if (check_targets(g, outputs, count, "output", e) || check_targets(g, effects, effects_count, "effect", e) ||
        check_targets(g, options.keep, options.keep_count, "kept value", e))
        return NULL;
    if (options.max_batch < 1) options.max_batch = 1;
    soma_value *all = mem_array(g->context, count + options.keep_count + effects_count + 1, sizeof *all);
    if (!all) return error_memory(e), NULL;
    if (count) memcpy(all, outputs, count * sizeof *all);
    if (options.keep_count) memcpy(all + count, options.keep, options.keep_count * sizeof *all);
    if (effects_count) memcpy(all + count + options.keep_count, effects, effects_count * sizeof *all);
    soma_plan *plan = make_fitting(all, count + options.keep_count, effects_count, options, e);
    mem_free(g->context, all);
    return plan;
}

soma_plan *soma_plan_infer(const soma_value *outputs, size_t count, soma_plan_options options, soma_error *error) {
    return soma_plan_create(outputs, count, NULL, 0, options, error);
}

soma_plan *soma_plan_train(soma_value loss, soma_optimizer optimizer, soma_plan_options options, soma_error *error) {
    soma_value rate = {0};
    size_t count;
    soma_minimize(loss, optimizer, &rate);
    const soma_value *effects = soma_graph_effects(loss.graph, &count);
    soma_plan *plan = soma_plan_create(&loss, 1, effects, count, options, error);
    if (plan) plan->learning_rate = rate;
    return plan;
}

void soma_plan_destroy(soma_plan *plan) {
    if (!plan) return;
    for (int32_t i = 0; i < plan->steps_count; i++) mem_free(plan->context, plan->steps[i].program);
    for (int32_t i = 0; i < plan->groups_count; i++) {
        mem_free(plan->context, plan->groups[i].members);
        onednn_step_destroy(plan->groups[i].onednn);
    }
    mem_free(plan->context, plan->steps);
    mem_free(plan->context, plan->stretches);
    mem_free(plan->context, plan->groups);
    mem_free(plan->context, plan->values);
    mem_free(plan->context, plan->first_value);
    mem_free(plan->context, plan->scalars);
    mem_free(plan->context, plan->inputs);
    mem_free(plan->context, plan->targets);
    soma_graph_destroy(plan->graph);
    if (plan->owns_store) soma_store_destroy(plan->store);
    mem_free(plan->context, plan);
}

/* ---- Questions
 * -------------------------------------------------------------------------------------------------------------- */

soma_store *soma_plan_store(const soma_plan *plan) { return plan ? plan->store : NULL; }

soma_value soma_plan_learning_rate(const soma_plan *plan) {
    soma_value none = {0};
    return plan ? plan->learning_rate : none;
}

soma_plan_info soma_plan_get_info(const soma_plan *plan) {
    soma_plan_info info = {0};
    if (!plan) return info;
    info.steps = plan->steps_count;
    info.nodes = plan->nodes_count;
    info.arena_bytes =
        (int64_t)(plan->arena_bytes + plan->scratch_stride * (size_t)plan->threads + plan->reference_scratch);
    info.flops = plan->flops;
    info.backend = plan->reference ? "reference" : "portable";
    info.precision = plan->reference ? "f64" : "f32";
    info.note = plan->note;
    for (int32_t i = 0; i < plan->steps_count; i++) {
        const onednn_step *s = plan->steps[i].onednn;
        if (!s) continue;
        info.backend = "onednn";
        info.reorders += onednn_step_reorders(s);
        info.arena_bytes += (int64_t)onednn_step_kept(s);
        if (onednn_step_bf16(s)) info.precision = "bf16";
    }
    info.memory_bytes = info.arena_bytes;
    for (int32_t v = 0; v < plan->values_count; v++) {
        const plan_value *x = &plan->values[v];
        if (x->place == PLACE_VARIABLE) {
            int64_t bytes = (int64_t)(x->variable->count * plan_float_size(plan));
            info.memory_bytes += bytes;
            if (x->variable->trainable) info.parameter_bytes += bytes;
        } else if (x->place == PLACE_INPUT) {
            info.memory_bytes +=
                shape_elements(&x->type->shape, plan->options.max_batch) * (int64_t)plan_value_size(plan, x);
        }
    }
    info.remade = plan->remade;
    info.extra_flops = plan->flops - plan->flops_kept;
    return info;
}
