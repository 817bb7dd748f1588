/* train/not_finite.c: when a loss or a weight is no longer finite, the trainer goes back to the state at the epoch's
 * start, repeats the steps with the same bits up to the one that fails, and runs that one on a plan that checks every
 * node's output. */
#include "graph/graph.h"
#include "train/loop.h"

#include <math.h>

/* Nodes that read a layer's variable get the layer's name, so that a person knows where to look. */
static void name_nodes(soma_graph *g) {
    for (size_t i = 0; i < g->count; i++) {
        for (int k = 0; !g->nodes[i]->name && k < g->nodes[i]->inputs_count; k++) {
            const node *source = graph_node(g, g->nodes[i]->inputs[k].node);
            if (source->op != &op_variable) continue;
            char *name = graph_string(g, source->name), *dot = name ? strchr(name, '.') : NULL;
            if (dot) *dot = 0;
            g->nodes[i]->name = name;
        }
    }
}

/* Runs the step at the state's position on a plan that checks every node; fails at the node, if one is to blame. */
static int run_checked(trainer *t, soma_error *error) {
    size_t effects;
    const stepper *s = loop_closes_group(t) ? &t->update : &t->gather;
    const soma_value *updates = soma_graph_effects(s->network.graph, &effects);
    soma_plan_options options = {.max_batch = t->request->batch,
                                 .store = t->model->store,
                                 .threads = 1,
                                 .backend = t->request->backend,
                                 .algorithm = t->request->algorithm,
                                 .check_finite = true};
    stepper checked = {.network = s->network, .inputs = s->inputs};
    step_result result;
    name_nodes(s->network.graph);
    soma_value outputs[2] = {s->network.loss, s->network.raw};
    checked.plan = soma_plan_create(outputs, 2, updates, effects, options, error);
    checked.run = checked.plan ? soma_run_create(checked.plan, error) : NULL;
    t->rate = t->request->optimizer.learning_rate; /* as in every new run */
    int code = SOMA_ERROR_MEMORY;
    if (checked.run)
        code = loop_run_batch(t, &checked, t->state.step * t->request->batch, t->state.steps, loop_present_rate(t),
                              &result, error);
    soma_run_destroy(checked.run);
    soma_plan_destroy(checked.plan);
    return code;
}

/* The weights are put back to what they were at the safe state. */
int loop_explain_not_finite(trainer *t, int64_t failed_step, soma_error *error) {
    soma_store *store = t->model->store;
    snapshot before = {.context = t->context};
    soma_error found = {0};
    double loss = 0;
    int code = SOMA_OK;
    snapshot_restore(&t->safe, store);
    t->state = t->safe_state;
    for (bool finite = true; finite && t->state.step < failed_step && !code;) {
        train_state position = t->state;
        if (!snapshot_take(&before, store, store->count)) {
            code = error_memory(error);
            break;
        }
        code = loop_take_step(t, &loss, error);
        finite = isfinite(loss) && store_finite(store);
        if (finite && t->state.step < failed_step) continue;
        snapshot_restore(&before, store);
        t->state = position;
        if (!code) run_checked(t, &found);
        break;
    }
    long long epoch = (long long)t->state.epoch + 1, step = (long long)t->state.step + 1;
    snapshot_restore(&t->safe, store);
    snapshot_clear(&before);
    if (code) return code;
    return error_set(error, SOMA_ERROR_NUMERIC, "epoch %lld, step %lld: %s; a smaller learning rate may help", epoch,
                     step,
                     found.code ? found.message : "the loss or an update is not finite, though each node's output is");
}
