/* plan/fuse.c: which nodes run together. A group is an anchor (a product, a convolution, a reduction, or nothing)
 * followed by element-wise nodes over one index space; it becomes one step, and values used only inside it never reach
 * memory.
 *
 * Nodes are taken in graph order. An element-wise node joins the group of one of its inputs, an anchored group first,
 * if the shapes are the same and the graph of groups stays free of cycles: nothing that the node needs besides the
 * group may depend on the group. An assign depends on every other reader of its variable, so an optimizer's update
 * joins the product that makes the weight's gradient exactly when no later step reads the weight or the gradient. Other
 * element-wise groups of the same shape that feed the node are merged in too. */
#include "plan/plan.h"

typedef struct fuser {
    soma_plan *plan;
    int32_t *group_of; /* by node number - 1; -1: none */
    int32_t *visited;  /* by node number - 1: stamp of the last search */
    int32_t stamp;
    int32_t *stack;
    soma_error *error;
} fuser;

static bool computes(const soma_plan *plan, const node *n) {
    return !(n->op->flags & (OP_SOURCE | OP_ALIAS)) && !plan_is_scalar(plan, n);
}

static bool elementwise(const node *n) {
    return n->op->flags & (OP_ELEMENTWISE | OP_BROADCAST | OP_EFFECT) && n->outputs[0].dtype == SOMA_FLOAT;
}

/* ---- Does anything in a start set depend on a group? ----------------------------------------------------------------
 */

/* Scalars that the host computes are there before any step, whatever shapes they were made from. */
static void push(fuser *f, int32_t *top, int32_t number) {
    if (f->visited[number - 1] == f->stamp) return;
    if (f->plan->values[f->plan->first_value[number - 1]].place == PLACE_SCALAR) return;
    f->visited[number - 1] = f->stamp;
    f->stack[(*top)++] = number;
}

/* Pushes what a node must wait for: its inputs and, for an assign, the other readers of the variable. `skip` and
 * `skip2` are groups whose nodes are not pushed. */
static void push_needs(fuser *f, int32_t *top, const node *n, int32_t skip, int32_t skip2) {
    for (int i = 0; i < n->inputs_count; i++) {
        int32_t g = f->group_of[n->inputs[i].node - 1];
        if (g < 0 || (g != skip && g != skip2)) push(f, top, n->inputs[i].node);
    }
    if (!(n->op->flags & OP_EFFECT)) return;
    const int32_t target = f->plan->first_value[n->inputs[0].node - 1];
    for (size_t k = 0; k < f->plan->graph->count; k++) {
        const node *reader = f->plan->graph->nodes[k];
        int32_t g = f->group_of[k];
        if (reader == n || reader->op->flags & (OP_ALIAS | OP_SHAPE)) continue;
        if (g >= 0 && (g == skip || g == skip2)) continue;
        for (int i = 0; i < reader->inputs_count; i++)
            if (f->plan->values[plan_value_of(f->plan, reader->inputs[i])].root == target) push(f, top, reader->number);
    }
}

static void push_group_needs(fuser *f, int32_t *top, const group *g, int32_t skip, int32_t skip2) {
    if (g->anchor) push_needs(f, top, g->anchor, skip, skip2);
    for (int i = 0; i < g->count; i++) push_needs(f, top, g->members[i], skip, skip2);
}

/* Follows the pushed nodes backwards; true when a node of `target` is reached. */
static bool search(fuser *f, int32_t top, int32_t target) {
    while (top > 0) {
        int32_t number = f->stack[--top], g = f->group_of[number - 1];
        if (g == target) return true;
        if (g < 0)
            push_needs(f, &top, graph_node(f->plan->graph, number), -1, -1);
        else
            push_group_needs(f, &top, &f->plan->groups[g], g, g);
    }
    return false;
}

static bool node_depends(fuser *f, const node *n, int32_t target) {
    int32_t top = 0;
    f->stamp++;
    push_needs(f, &top, n, target, target);
    return search(f, top, target);
}

/* Whether group a, but for what it gets from b directly, depends on b. */
static bool group_depends(fuser *f, int32_t a, int32_t b) {
    int32_t top = 0;
    f->stamp++;
    push_group_needs(f, &top, &f->plan->groups[a], a, b);
    return search(f, top, b);
}

/* ---- Limits
 * ----------------------------------------------------------------------------------------------------------- */

static bool inside(const fuser *f, int32_t number, int32_t g) { return f->group_of[number - 1] == g; }

/* Whether all nodes of group g fit into one program and, for an anchored one, whether every operand can be addressed.
 */
static bool fits(const fuser *f, int32_t g) {
    const group *p = &f->plan->groups[g];
    node_ref seen[EW_MAX_INPUTS];
    int inputs = p->anchor ? 1 : 0, code = 0;
    for (int m = 0; m < p->count; m++) {
        const node *n = p->members[m];
        code += (n->op->flags & OP_ELEMENTWISE) != 0;
        for (int i = n->op->flags & OP_EFFECT ? 1 : 0; i < n->inputs_count; i++) {
            bool known = inside(f, n->inputs[i].node, g);
            for (int k = p->anchor ? 1 : 0; k < inputs && !known; k++)
                known = seen[k].node == n->inputs[i].node && seen[k].output == n->inputs[i].output;
            if (known) continue;
            if (inputs == EW_MAX_INPUTS) return false;
            seen[inputs++] = n->inputs[i];
            if (p->anchor) {
                int64_t strides[3];
                soma_shape s = graph_node(f->plan->graph, n->inputs[i].node)->outputs[n->inputs[i].output].shape;
                if (!plan_epilogue_strides(&s, &p->shape, p->kernel->epilogue_columns, f->plan->options.max_batch,
                                           strides))
                    return false;
            }
        }
    }
    return code <= EW_MAX_CODE;
}

/* Whether node n of group g must be stored: somebody outside reads it. While nodes are being placed, `placed` of them
 * have been; those still to come are taken to join if they could. */
static bool stored(const fuser *f, const node *n, int32_t g, size_t placed) {
    const soma_plan *plan = f->plan;
    if (n->op->flags & OP_EFFECT || plan->values[plan->first_value[n->number - 1]].kept) return true;
    for (size_t u = (size_t)n->number; u < plan->graph->count; u++) {
        const node *user = plan->graph->nodes[u];
        if (user->op->flags & OP_SHAPE || f->group_of[u] == g) continue;
        if (u >= placed && elementwise(user) && shape_equal(&user->outputs[0].shape, &n->outputs[0].shape)) continue;
        for (int i = 0; i < user->inputs_count; i++)
            if (user->inputs[i].node == n->number) return true;
    }
    return false;
}

static int stores(const fuser *f, int32_t g, size_t placed) {
    const group *p = &f->plan->groups[g];
    int count = p->anchor && stored(f, p->anchor, g, placed);
    for (int m = 0; m < p->count; m++) count += stored(f, p->members[m], g, placed);
    return count;
}

/* ---- Joining
 * ----------------------------------------------------------------------------------------------------------- */

static bool add_member(fuser *f, int32_t g, const node *n) {
    group *p = &f->plan->groups[g];
    if (p->count == p->capacity) {
        int wanted = p->capacity ? 2 * p->capacity : 4;
        const node **grown = mem_resize(f->plan->context, p->members, (size_t)p->count, (size_t)wanted, sizeof *grown);
        if (!grown) return error_memory(f->error), false;
        p->members = grown;
        p->capacity = wanted;
    }
    int at = p->count++;
    for (; at > 0 && p->members[at - 1]->number > n->number; at--) p->members[at] = p->members[at - 1];
    p->members[at] = n;
    f->group_of[n->number - 1] = g;
    return true;
}

static void remove_member(fuser *f, int32_t g, const node *n) {
    group *p = &f->plan->groups[g];
    int at = 0;
    while (p->members[at] != n) at++;
    for (p->count--; at < p->count; at++) p->members[at] = p->members[at + 1];
    f->group_of[n->number - 1] = -1;
}

static bool anchor_reads(const soma_plan *plan, const node *anchor, const node *variable_node) {
    for (int i = 0; anchor && i < anchor->inputs_count; i++)
        if (plan->values[plan_value_of(plan, anchor->inputs[i])].root == plan->first_value[variable_node->number - 1])
            return true;
    return false;
}

/* Whether a node belongs to another pass than a group: what is made again must not be made in the forward pass. */
static bool other_pass(const fuser *f, int32_t number, const group *p) {
    const node *first = p->anchor ? p->anchor : p->count ? p->members[0] : NULL;
    return f->plan->forward && first && (number > f->plan->forward) != (first->number > f->plan->forward);
}

static bool try_join(fuser *f, const node *n, int32_t g) {
    group *p = &f->plan->groups[g];
    if (other_pass(f, n->number, p)) return false;
    if (!shape_equal(&p->shape, &n->outputs[0].shape)) return false;
    if (p->anchor && (!p->kernel || !p->kernel->epilogue)) return false;
    if (n->op->flags & OP_EFFECT && anchor_reads(f->plan, p->anchor, graph_node(f->plan->graph, n->inputs[0].node)))
        return false;
    if (node_depends(f, n, g) || !add_member(f, g, n)) return false;
    if (fits(f, g) && stores(f, g, (size_t)n->number) <= EW_MAX_OUTPUTS) return true;
    remove_member(f, g, n);
    return false;
}

/* Merges the plain group b into a. */
static void try_merge(fuser *f, int32_t a, int32_t b, size_t placed) {
    group *p = &f->plan->groups[a], *q = &f->plan->groups[b];
    if (a == b || q->anchor || q->dead || !shape_equal(&p->shape, &q->shape)) return;
    if (q->count && other_pass(f, q->members[0]->number, p)) return;
    for (int i = 0; p->anchor && i < p->anchor->inputs_count; i++) /* what the anchor reads must be there before it */
        if (inside(f, p->anchor->inputs[i].node, b)) return;
    for (int i = 0; i < q->count; i++)
        if (q->members[i]->op->flags & OP_EFFECT &&
            anchor_reads(f->plan, p->anchor, graph_node(f->plan->graph, q->members[i]->inputs[0].node)))
            return;
    if (group_depends(f, a, b) || group_depends(f, b, a)) return;
    const int count = q->count;
    int moved = 0;
    for (; moved < count && add_member(f, a, q->members[moved]); moved++) {}
    if (moved == count && fits(f, a) && stores(f, a, placed) <= EW_MAX_OUTPUTS) {
        f->plan->groups[b].dead = true;
        return;
    }
    for (int i = 0; i < moved; i++) {
        remove_member(f, a, q->members[i]);
        f->group_of[q->members[i]->number - 1] = b;
    }
}

static int32_t new_group(fuser *f, const node *anchor, const soma_shape *shape) {
    soma_plan *plan = f->plan;
    if (!mem_reserve(plan->context, &plan->groups, (size_t)plan->groups_count, &plan->groups_capacity, sizeof(group))) {
        error_memory(f->error);
        return -1;
    }
    group *g = &plan->groups[plan->groups_count];
    *g = (group){.anchor = anchor, .shape = *shape};
    if (anchor && !plan->reference) plan_choose_kernel(plan, g);
    if (anchor) f->group_of[anchor->number - 1] = plan->groups_count;
    return plan->groups_count++;
}

static void place_node(fuser *f, const node *n) {
    soma_plan *plan = f->plan;
    if (!computes(plan, n)) return;
    if (!elementwise(n) || plan->reference) {
        new_group(f, n, &n->outputs[0].shape);
        return;
    }
    int32_t joined = -1;
    for (int anchored = 1; anchored >= 0 && joined < 0 && !plan->unfused; anchored--)
        for (int i = 0; i < n->inputs_count && joined < 0; i++) {
            int32_t g = f->group_of[n->inputs[i].node - 1];
            if (g >= 0 && !plan->groups[g].anchor == !anchored && try_join(f, n, g)) joined = g;
        }
    if (joined < 0) {
        joined = new_group(f, NULL, &n->outputs[0].shape);
        if (joined >= 0) add_member(f, joined, n);
        return;
    }
    for (int i = 0; i < n->inputs_count; i++) {
        int32_t g = f->group_of[n->inputs[i].node - 1];
        if (g >= 0 && g != joined) try_merge(f, joined, g, (size_t)n->number);
    }
}

/* ---- Afterthoughts
 * ------------------------------------------------------------------------------------------------------ */

/* The only group besides g whose members read n, or -1 when there are several or none. */
static int32_t only_reader(const fuser *f, const node *n, int32_t g) {
    int32_t reader = -1;
    for (size_t u = (size_t)n->number; u < f->plan->graph->count; u++)
        for (int i = 0; i < f->plan->graph->nodes[u]->inputs_count; i++) {
            if (f->plan->graph->nodes[u]->inputs[i].node != n->number) continue;
            int32_t h = f->group_of[u];
            if (h < 0 || h == g || (reader >= 0 && h != reader)) return -1;
            if (f->plan->groups[h].anchor == f->plan->graph->nodes[u]) return -1; /* it reads from memory */
            reader = h;
        }
    return reader;
}

enum { CHAIN = 4 };

/* Whether all that read a node are among these. */
static bool only_for(const fuser *f, const node *n, const node *const *readers, int count) {
    if (f->plan->values[f->plan->first_value[n->number - 1]].kept) return false;
    for (size_t u = (size_t)n->number; u < f->plan->graph->count; u++) {
        const node *user = f->plan->graph->nodes[u];
        bool known = false;
        for (int k = 0; k < count; k++) known |= readers[k] == user;
        for (int i = 0; i < user->inputs_count && !known; i++)
            if (user->inputs[i].node == n->number) return false;
    }
    return true;
}

/* Appends a node of group g and those that only it needs; false if it needs others that would not be in memory. */
static bool gather_chain(const fuser *f, const node *n, int32_t g, const node **chain, int *count) {
    if (*count == CHAIN || !(n->op->flags & OP_ELEMENTWISE) || f->plan->groups[g].anchor == n) return false;
    chain[(*count)++] = n;
    for (int i = 0; i < n->inputs_count; i++) {
        const node *in = graph_node(f->plan->graph, n->inputs[i].node);
        bool there = f->group_of[in->number - 1] != g || stored(f, in, g, f->plan->graph->count);
        for (int k = 0; k < *count; k++) there |= chain[k] == in;
        if (there) continue;
        if (!only_for(f, in, chain, *count) || !gather_chain(f, in, g, chain, count)) return false;
    }
    return true;
}

/* Moves a node whose value only one later group of the same shape reads into that group, with those that it alone
 * needs, if what they need is in memory anyway: the slope of an activation is made again where the gradient passes
 * instead of being stored by the forward pass. */
static void sink(fuser *f, const node *n) {
    int32_t g = f->group_of[n->number - 1], h;
    const size_t all = f->plan->graph->count;
    const node *chain[CHAIN];
    int count = 0, moved = 0;
    if (g < 0 || !(n->op->flags & OP_ELEMENTWISE) || f->plan->groups[g].anchor == n) return;
    if (f->plan->values[f->plan->first_value[n->number - 1]].kept || (h = only_reader(f, n, g)) < 0) return;
    const group *to = &f->plan->groups[h];
    if (!shape_equal(&to->shape, &n->outputs[0].shape) || (to->anchor && (!to->kernel || !to->kernel->epilogue)))
        return;
    if (!gather_chain(f, n, g, chain, &count)) return;
    for (int k = 0; k < count; k++) remove_member(f, g, chain[k]);
    while (moved < count && add_member(f, h, chain[moved])) moved++;
    if (moved == count && fits(f, h) && stores(f, h, all) <= EW_MAX_OUTPUTS) return;
    while (moved > 0) remove_member(f, h, chain[--moved]);
    for (int k = 0; k < count; k++) add_member(f, g, chain[k]);
}

/* Groups that store more than a program can: the last members become groups of their own. */
static void split(fuser *f, int32_t g) {
    while (f->plan->groups[g].count > 1 && stores(f, g, f->plan->graph->count) > EW_MAX_OUTPUTS) {
        const node *last = f->plan->groups[g].members[f->plan->groups[g].count - 1];
        remove_member(f, g, last);
        int32_t own = new_group(f, NULL, &last->outputs[0].shape);
        if (own < 0 || !add_member(f, own, last)) return;
    }
}

static void afterthoughts(fuser *f) {
    for (size_t i = f->plan->graph->count; i-- > 0 && !f->plan->unfused;) sink(f, f->plan->graph->nodes[i]);
    for (int32_t g = 0, count = f->plan->groups_count; g < count; g++) {
        group *p = &f->plan->groups[g];
        if (!p->dead && !p->anchor && p->count == 0) p->dead = true;
        if (!p->dead) split(f, g);
    }
}

int plan_fuse(soma_plan *plan, soma_error *error) {
    size_t nodes = plan->graph->count;
    fuser f = {.plan = plan, .error = error};
    int code = SOMA_OK;
    f.group_of = mem_array(plan->context, nodes + 1, sizeof *f.group_of);
    f.visited = mem_zeros(plan->context, nodes + 1, sizeof *f.visited);
    f.stack = mem_array(plan->context, nodes + 1, sizeof *f.stack);
    if (!f.group_of || !f.visited || !f.stack) {
        code = error_memory(error);
        goto done;
    }
    for (size_t i = 0; i < nodes; i++) f.group_of[i] = -1;
    for (size_t i = 0; i < nodes; i++) {
        place_node(&f, plan->graph->nodes[i]);
        plan->nodes_count += computes(plan, plan->graph->nodes[i]);
    }
    afterthoughts(&f);
    if (error->code) code = error->code;
    for (size_t i = 0; i < nodes; i++)
        for (int o = 0; o < plan->graph->nodes[i]->op->outputs; o++)
            plan->values[plan->first_value[i] + o].group = f.group_of[i];
done:
    mem_free(plan->context, f.group_of);
    mem_free(plan->context, f.visited);
    mem_free(plan->context, f.stack);
    return code;
}
