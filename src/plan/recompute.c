/* plan/recompute.c: values of the forward pass that are made again in the backward pass instead of being kept for it,
 * so that a training step fits a memory budget. Nodes are copied with their attributes, a random node's stream among
 * them, and kernels are chosen by shapes: what is made again has the same bits. Assigns are never repeated.
 *
 * Level 1 makes again what is cheap (all but products and convolutions) from values that the backward pass reads
 * anyway. Level k > 1 cuts the forward pass into parts of about the same size, keeps what crosses from part to part,
 * and makes everything else again (Chen, Xu, Zhang and Guestrin 2016, "Training Deep Nets with Sublinear Memory Cost").
 */
#include "plan/plan.h"

typedef struct recompute {
    const soma_plan *plan;
    const soma_graph *from;
    soma_graph *to;
    int32_t loss;          /* nodes with a larger number are the backward pass */
    bool *again;           /* by node number - 1 of `from` */
    int32_t *first, *copy; /* its node in `to`, and that of the backward pass, or 0 */
    int32_t copies;
} recompute;

static bool has_batch(const node *n, int output) { return shape_has_batch(&n->outputs[output].shape); }

static bool is_cheap(const node *n) {
    return n->op != &op_matmul && n->op != &op_convolution && n->op != &op_convolution_backward_data &&
           n->op != &op_convolution_backward_weights;
}

/* Nodes of the forward pass that hold a part of the batch and may be copied. */
static bool may_repeat(const recompute *r, const node *n) {
    return n->number < r->loss && !(n->op->flags & (OP_SOURCE | OP_EFFECT | OP_SHAPE)) && has_batch(n, 0);
}

/* Marks nodes that a node of the backward pass reads, through aliases too. */
static void mark_read(const recompute *r, bool *read) {
    for (size_t i = r->from->count; i-- > 0;) {
        const node *n = r->from->nodes[i];
        for (int k = 0; k < n->inputs_count; k++)
            if (n->number > r->loss || (n->op->flags & OP_ALIAS && read[i])) read[n->inputs[k].node - 1] = true;
    }
}

/* Level 1. A value is at hand in the backward pass if it is kept for it or can be made from such values. */
static void choose_cheap(recompute *r, const bool *read, bool *at_hand) {
    for (size_t i = 0; i < r->from->count; i++) {
        const node *n = r->from->nodes[i];
        bool inputs = true;
        for (int k = 0; k < n->inputs_count; k++) inputs &= at_hand[n->inputs[k].node - 1];
        r->again[i] = may_repeat(r, n) && is_cheap(n) && inputs;
        at_hand[i] = r->again[i] || read[i] || n->op->flags & OP_SOURCE || !has_batch(n, 0);
    }
}

/* Level 2 and above: all but what nodes of a later part read. */
static void choose_parts(recompute *r, int parts, int32_t *part) {
    double total = 0, before = 0;
    for (int32_t i = 0; i < r->loss; i++)
        if (may_repeat(r, r->from->nodes[i]))
            total += (double)shape_elements(&r->from->nodes[i]->outputs[0].shape, r->plan->options.max_batch);
    for (int32_t i = 0; i < r->loss; i++) {
        const node *n = r->from->nodes[i];
        if (may_repeat(r, n)) before += (double)shape_elements(&n->outputs[0].shape, r->plan->options.max_batch);
        part[i] = total > 0 ? (int32_t)(before / total * parts * (1 - 1e-9)) : 0;
        r->again[i] = may_repeat(r, n) && part[i] < parts - 1; /* the last part's values are read again at once */
    }
    for (int32_t i = r->loss; i-- > 0;) { /* an alias keeps what it names */
        const node *n = r->from->nodes[i];
        for (int k = 0; k < n->inputs_count; k++) {
            int32_t in = n->inputs[k].node - 1;
            if (part[in] < part[i] || (n->op->flags & OP_ALIAS && !r->again[i])) r->again[in] = false;
        }
    }
}

/* ---- The copy of the graph --------------------------------------------------------------------------------------- */

static int32_t copy_in(recompute *r, const node *n, bool backward);

/* What a node reads in the new graph. Values without the batch are small and always kept. */
static soma_value input_of(recompute *r, node_ref v, bool backward) {
    const node *n = graph_node(r->from, v.node);
    if (!backward || !r->again[v.node - 1] || !has_batch(n, v.output))
        return (soma_value){r->to, r->first[v.node - 1], v.output};
    int32_t *copy = &r->copy[v.node - 1];
    if (!*copy) {
        *copy = copy_in(r, n, true);
        r->copies += !(n->op->flags & OP_ALIAS);
    }
    return (soma_value){r->to, *copy, v.output};
}

static int32_t copy_in(recompute *r, const node *n, bool backward) {
    soma_value in[OP_MAX_INPUTS];
    for (int k = 0; k < n->inputs_count; k++) in[k] = input_of(r, n->inputs[k], backward);
    return plan_copy_node(r->to, n, n->attributes, in).node;
}

static bool copy_graph(recompute *r) {
    for (size_t i = 0; i < r->from->count && !r->to->error.code; i++) {
        const node *n = r->from->nodes[i];
        r->first[i] = copy_in(r, n, n->number > r->loss);
    }
    return !r->to->error.code;
}

int plan_recompute(soma_plan *plan, int level, soma_value loss, soma_value *map, size_t map_count, soma_error *error) {
    const soma_context *c = plan->context;
    const size_t count = plan->graph->count;
    recompute r = {.plan = plan, .from = plan->graph, .loss = loss.node};
    bool *read = mem_zeros(c, count + 1, sizeof *read), *at_hand = mem_zeros(c, count + 1, sizeof *at_hand);
    int32_t *part = mem_zeros(c, count + 1, sizeof *part);
    r.again = mem_zeros(c, count + 1, sizeof *r.again);
    r.first = mem_zeros(c, count + 1, sizeof *r.first);
    r.copy = mem_zeros(c, count + 1, sizeof *r.copy);
    r.to = soma_graph_create_in(c);
    int code = read && at_hand && part && r.again && r.first && r.copy && r.to ? SOMA_OK : error_memory(error);
    if (code == SOMA_OK) {
        mark_read(&r, read);
        if (level == 1)
            choose_cheap(&r, read, at_hand);
        else
            choose_parts(&r, level, part);
        if (!copy_graph(&r)) code = error_set(error, r.to->error.code, "%s", r.to->error.message);
    }
    if (code == SOMA_OK) {
        for (size_t i = 0; i < map_count; i++)
            if (map[i].node) map[i] = (soma_value){r.to, r.first[map[i].node - 1], map[i].output};
        soma_graph_destroy(plan->graph);
        plan->graph = r.to;
        plan->remade = r.copies;
        plan->forward = r.copies ? r.first[loss.node - 1] : 0;
    } else {
        soma_graph_destroy(r.to);
    }
    mem_free(c, read);
    mem_free(c, at_hand);
    mem_free(c, part);
    mem_free(c, r.again);
    mem_free(c, r.first);
    mem_free(c, r.copy);
    return code;
}
