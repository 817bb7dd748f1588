/* plan/rebuild.c: the first pass. It copies the nodes that the targets need into a graph of the plan's own, in order,
 * and simplifies on the way: scalars and small constants are computed now, x * 1 and the like vanish, an element-wise
 * node reads what was broadcast for it before the broadcast, and a node that equals an earlier one (same op, attributes
 * and inputs) becomes that one. Ops for which the backend has no kernel are replaced by their decomposition; since that
 * may bring nodes to be simplified or decomposed again, the pass repeats until nothing is decomposed. */
#include "base/random.h"
#include "plan/plan.h"

enum { MAX_ROUNDS = 8, FOLD_LIMIT = 1 << 16 };

typedef struct rebuild {
    soma_plan *plan;
    const soma_graph *from;
    soma_graph *to;
    soma_value *map;
    bool *needed;
    int32_t *table; /* open addressing: node numbers of `to`, 0 empty */
    size_t table_size;
    bool single;  /* this round only copies, with a batch of 1 */
    bool changed; /* nodes were written that another round may simplify */
} rebuild;

static soma_value *mapped(soma_value *map, int32_t number, int output) {
    return &map[(size_t)(number - 1) * OP_MAX_OUTPUTS + (size_t)output];
}

static void mark_needed(rebuild *r, const soma_value *targets, size_t count) {
    for (size_t i = 0; i < count; i++) r->needed[targets[i].node - 1] = true;
    for (size_t n = r->from->count; n-- > 0;)
        if (r->needed[n])
            for (int k = 0; k < r->from->nodes[n]->inputs_count; k++)
                r->needed[r->from->nodes[n]->inputs[k].node - 1] = true;
}

/* ---- Folding -------------------------------------------------------------------------------------------------------
 */

static bool fold_scalars(rebuild *r, const node *n, const soma_value *in, soma_value *out) {
    double x[3] = {0, 0, 0};
    if (!(n->op->flags & OP_ELEMENTWISE) || n->inputs_count > 3) return false;
    for (int i = 0; i < n->inputs_count; i++)
        if (!value_scalar(in[i], &x[i])) return false;
    *out = soma_scalar(r->to, n->op->scalar(x, ((const elementwise_attributes *)n->attributes)->parameter));
    return true;
}

/* A value that depends on shapes alone, all of them known. */
static bool fold_shape(rebuild *r, const node *n, const soma_value *in, soma_value *out) {
    tensor inputs[OP_MAX_INPUTS], result;
    double value = 0;
    if (!(n->op->flags & OP_SHAPE) || n->outputs[0].shape.rank != 0) return false;
    for (int i = 0; i < n->inputs_count; i++) {
        const tensor_type *t = value_type(in[i]);
        const node *owner = value_node(in[i]);
        if (!owner || shape_has_batch(&n->outputs[0].shape)) return false;
        if (shape_has_batch(&t->shape)) return false;
        inputs[i] = (tensor){NULL, t->dtype, t->shape};
    }
    result = (tensor){&value, SOMA_FLOAT, soma_shape0()};
    op_call call = {.op = n->op,
                    .attributes = n->attributes,
                    .inputs = n->inputs_count,
                    .outputs = 1,
                    .in = inputs,
                    .out = &result,
                    .batch = 1};
    n->op->reference(&call);
    *out = soma_scalar(r->to, value);
    return true;
}

/* Any other op whose inputs are small constants: run its reference kernel once. */
static bool fold_constants(rebuild *r, const node *n, const soma_value *in, soma_value *out) {
    tensor inputs[OP_MAX_INPUTS], result;
    double *wide[OP_MAX_INPUTS] = {NULL}, *answer = NULL;
    float *narrow = NULL;
    bool done = false;
    int64_t count = shape_elements(&n->outputs[0].shape, 1);
    if (n->op->flags & (OP_RANDOM | OP_EFFECT | OP_SOURCE) || !n->op->reference || n->op->outputs != 1) return false;
    if (n->inputs_count == 0 || count < 0 || count > FOLD_LIMIT || shape_has_batch(&n->outputs[0].shape)) return false;
    for (int i = 0; i < n->inputs_count; i++) {
        const node *owner = value_node(in[i]);
        double unused;
        if (owner->op != &op_constant && !value_scalar(in[i], &unused)) return false;
        if (shape_elements(&owner->outputs[0].shape, 1) > FOLD_LIMIT) return false;
    }
    const soma_context *c = r->plan->context;
    for (int i = 0; i < n->inputs_count; i++) {
        const node *owner = value_node(in[i]);
        size_t elements = (size_t)shape_elements(&owner->outputs[0].shape, 1);
        inputs[i] = (tensor){(void *)owner->data, owner->outputs[0].dtype, owner->outputs[0].shape};
        if (owner->outputs[0].dtype != SOMA_FLOAT) continue;
        if (!(wide[i] = mem_array(c, elements, sizeof(double)))) goto done;
        if (!value_scalar(in[i], wide[i]))
            for (size_t k = 0; k < elements; k++) wide[i][k] = ((const float *)owner->data)[k];
        inputs[i].data = wide[i];
    }
    answer = mem_array(c, (size_t)count, sizeof(double));
    narrow = mem_array(c, (size_t)count, sizeof(float));
    if (!answer || !narrow) goto done;
    result = (tensor){answer, n->outputs[0].dtype, n->outputs[0].shape};
    op_call call = {.op = n->op,
                    .attributes = n->attributes,
                    .inputs = n->inputs_count,
                    .outputs = 1,
                    .in = inputs,
                    .out = &result,
                    .batch = 1};
    n->op->reference(&call);
    if (n->outputs[0].dtype == SOMA_INT64) {
        *out = soma_constant_int64(r->to, n->outputs[0].shape, (const int64_t *)result.data);
    } else {
        for (int64_t k = 0; k < count; k++) narrow[k] = (float)answer[k];
        *out = soma_constant(r->to, n->outputs[0].shape, narrow);
    }
    done = true;
done:
    for (int i = 0; i < n->inputs_count; i++) mem_free(c, wide[i]);
    mem_free(c, answer);
    mem_free(c, narrow);
    return done;
}

/* ---- Simplification ------------------------------------------------------------------------------------------------
 */

/* op(x, identity) is x, when the shape stays. */
static bool drop_identity(const node *n, const soma_value *in, soma_value *out) {
    if (!n->op->identity || n->inputs_count != 2) return false;
    for (int side = 1; side >= 0; side--) {
        double value;
        soma_shape s = soma_value_shape(in[1 - side]);
        if (side == 0 && !(n->op->flags & OP_COMMUTATIVE)) return false;
        if (value_scalar(in[side], &value) && value == *n->op->identity && shape_equal(&s, &n->outputs[0].shape)) {
            *out = in[1 - side];
            return true;
        }
    }
    return false;
}

/* An alias or broadcast that changes nothing. */
static bool simplify(rebuild *r, const node *n, const soma_value *in, soma_value *out) {
    soma_value v = {0};
    if (!n->op->simplify) return false;
    v = n->op->simplify(r->to, n, in);
    if (!v.node) return false;
    *out = v;
    return r->changed = true;
}

static bool drop_same_shape(const node *n, const soma_value *in, soma_value *out) {
    if (!(n->op->flags & (OP_ALIAS | OP_BROADCAST))) return false;
    soma_shape s = soma_value_shape(in[0]);
    if (!shape_equal(&s, &n->outputs[0].shape)) return false;
    *out = in[0];
    return true;
}

/* Reads inputs before their broadcast, where the output's shape stays what it is. */
static void bypass_broadcasts(const node *n, soma_value *in) {
    if (!(n->op->flags & OP_ELEMENTWISE)) return;
    for (int i = 0; i < n->inputs_count; i++) {
        const node *b = value_node(in[i]);
        if (!(b->op->flags & OP_BROADCAST)) continue;
        soma_value before = graph_value(in[i].graph, b->inputs[0]);
        soma_shape s = soma_value_shape(before);
        bool fits = true;
        for (int k = 0; k < n->inputs_count && fits; k++) {
            soma_shape t = soma_value_shape(in[k]);
            fits = k == i || shape_broadcast(&s, &t, &s);
        }
        if (fits && shape_equal(&s, &n->outputs[0].shape)) in[i] = before;
    }
}

/* ---- Common subexpressions ------------------------------------------------------------------------------------------
 */

static uint64_t node_hash(const soma_op *op, const void *attributes, const soma_value *in, int count,
                          const char *name) {
    uint64_t h = hash_bytes(&op, sizeof op, HASH_START);
    h = hash_bytes(attributes, op->attributes_size, h);
    for (int i = 0; i < count; i++) {
        h = hash_bytes(&in[i].node, sizeof in[i].node, h);
        h = hash_bytes(&in[i].output, sizeof in[i].output, h);
    }
    return name && op->flags & OP_SOURCE ? hash_bytes(name, strlen(name), h) : h;
}

static bool node_same(const node *a, const node *b, const soma_value *in) {
    if (a->op != b->op || a->inputs_count != b->inputs_count) return false;
    if (a->op->attributes_size && memcmp(a->attributes, b->attributes, a->op->attributes_size) != 0) return false;
    for (int i = 0; i < a->inputs_count; i++)
        if (a->inputs[i].node != in[i].node || a->inputs[i].output != in[i].output) return false;
    if (a->op == &op_constant)
        return !memcmp(a->data, b->data,
                       (size_t)shape_elements(&a->outputs[0].shape, 1) *
                           (a->outputs[0].dtype == SOMA_INT64 ? sizeof(int64_t) : sizeof(float)));
    if (a->op == &op_input || a->op == &op_variable) return a->name && b->name && !strcmp(a->name, b->name);
    return true;
}

/* The slot of the table where the node stands or would stand. */
static int32_t *find_same(rebuild *r, const node *n, const soma_value *in) {
    size_t at = (size_t)node_hash(n->op, n->attributes, in, n->inputs_count, n->name) & (r->table_size - 1);
    for (; r->table[at]; at = (at + 1) & (r->table_size - 1))
        if (node_same(graph_node(r->to, r->table[at]), n, in)) break;
    return &r->table[at];
}

/* ---- The pass -------------------------------------------------------------------------------------------------------
 */

/* In a plan for one row the batch is 1 like any other extent. */
static void set_single(const soma_op *op, void *attributes) {
    soma_shape *s = (soma_shape *)(void *)((char *)attributes + op->shape_at - 1);
    for (int d = 0; op->shape_at && d < s->rank; d++)
        if (s->dims[d] < 0) s->dims[d] = -s->dims[d];
}

soma_value plan_copy_node(soma_graph *to, const node *n, const void *attributes, const soma_value *in) {
    soma_value v = graph_add(to, n->op, attributes, in, n->inputs_count);
    node *copy = (node *)value_node(v);
    if (!copy) return v;
    if (n->name) copy->name = graph_string(to, n->name);
    if (n->op == &op_constant) {
        size_t bytes = (size_t)shape_elements(&n->outputs[0].shape, 1) *
                       (n->outputs[0].dtype == SOMA_INT64 ? sizeof(int64_t) : sizeof(float));
        void *data = graph_alloc(to, bytes + 1);
        if (data && bytes) memcpy(data, n->data, bytes);
        copy->data = data;
    }
    return v;
}

static soma_value copy_node(rebuild *r, const node *n, const soma_value *in) {
    const void *attributes = n->attributes;
    if (r->single && n->op->shape_at) {
        void *changed = graph_alloc(r->to, n->op->attributes_size);
        if (!changed) return (soma_value){r->to, 0, 0};
        set_single(n->op, memcpy(changed, attributes, n->op->attributes_size));
        attributes = changed;
    }
    return plan_copy_node(r->to, n, attributes, in);
}

static bool has_kernel(const soma_plan *plan, const node *n) {
    if (plan->reference) return n->op->reference || n->op->flags & (OP_SOURCE | OP_ALIAS);
    return n->op->flags & (OP_ELEMENTWISE | OP_ALIAS | OP_SOURCE | OP_EFFECT | OP_SHAPE) ||
           isa_has_kernel(plan->isa, n->op);
}

static void rebuild_node(rebuild *r, const node *n) {
    soma_value in[OP_MAX_INPUTS] = {{0}}, out = {r->to, 0, 0};
    for (int i = 0; i < n->inputs_count; i++) in[i] = *mapped(r->map, n->inputs[i].node, n->inputs[i].output);
    const bool simplifies = !r->plan->unfused && !r->single;
    if (simplifies) bypass_broadcasts(n, in);
    bool done =
        simplifies && (fold_scalars(r, n, in, &out) || fold_shape(r, n, in, &out) || drop_identity(n, in, &out) ||
                       drop_same_shape(n, in, &out) || fold_constants(r, n, in, &out) || simplify(r, n, in, &out));
    if (!done && !r->single && !has_kernel(r->plan, n) && n->op->decompose) {
        out = n->op->decompose(r->to, n, in);
        r->changed = true;
        done = true;
    }
    if (!done) {
        bool mergeable = !(n->op->flags & (OP_RANDOM | OP_EFFECT)) && (simplifies || n->op->flags & OP_SOURCE);
        int32_t *same = mergeable ? find_same(r, n, in) : NULL;
        if (same && *same) {
            out.node = *same;
        } else {
            out = copy_node(r, n, in);
            if (same) *same = out.node;
        }
    }
    for (int o = 0; o < n->op->outputs; o++) {
        *mapped(r->map, n->number, o) = out;
        if (o) mapped(r->map, n->number, o)->output = o;
    }
}

/* One round from `from` into a fresh graph. */
static int rebuild_round(rebuild *r, const soma_value *targets, size_t count) {
    const soma_context *c = r->plan->context;
    r->table_size = 64;
    while (r->table_size < 4 * (r->from->count + 16)) r->table_size *= 2;
    r->table = mem_zeros(c, r->table_size, sizeof *r->table);
    r->needed = mem_zeros(c, r->from->count + 1, sizeof *r->needed);
    r->to = soma_graph_create_in(c);
    r->changed = r->single;
    bool ok = r->table && r->needed && r->to;
    if (ok) {
        mark_needed(r, targets, count);
        for (size_t n = 0; n < r->from->count && !r->to->error.code; n++)
            if (r->needed[n]) rebuild_node(r, r->from->nodes[n]);
    }
    mem_free(c, r->table);
    mem_free(c, r->needed);
    return ok ? SOMA_OK : SOMA_ERROR_MEMORY;
}

int plan_rebuild(soma_plan *plan, const soma_graph *user, const soma_value *targets, size_t count, soma_value *map,
                 soma_error *error) {
    rebuild r = {.plan = plan, .from = user};
    int code = SOMA_OK;
    soma_value *current = mem_array(plan->context, count + 1, sizeof *current);
    soma_value *round_map = NULL;
    if (!current) return error_memory(error);
    memcpy(current, targets, count * sizeof *current);
    r.single = plan->single;
    for (int round = 0; round < MAX_ROUNDS && code == SOMA_OK; round++, r.single = false) {
        r.to = NULL; /* until the round has made one: what stands here at the end is the plan's */
        r.map = round_map = mem_zeros(plan->context, (r.from->count + 1) * OP_MAX_OUTPUTS, sizeof *round_map);
        code = round_map ? rebuild_round(&r, current, count) : SOMA_ERROR_MEMORY;
        if (code == SOMA_OK && r.to->error.code) code = error_set(error, r.to->error.code, "%s", r.to->error.message);
        if (code == SOMA_OK) {
            for (size_t i = 0; i < count; i++) current[i] = *mapped(round_map, current[i].node, current[i].output);
            for (size_t i = 0; i < user->count * OP_MAX_OUTPUTS; i++) {
                if (round == 0)
                    map[i] = round_map[i];
                else if (map[i].node)
                    map[i] = *mapped(round_map, map[i].node, map[i].output);
            }
        }
        mem_free(plan->context, round_map);
        if (r.from != user) soma_graph_destroy((soma_graph *)r.from);
        r.from = r.to;
        if (!r.changed && round > 0) break;
    }
    mem_free(plan->context, current);
    plan->graph = r.to;
    if (code == SOMA_ERROR_MEMORY) error_memory(error);
    return code;
}
