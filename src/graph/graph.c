/* graph/graph.c: building. A graph owns its nodes in blocks of memory that end with it. Every call that adds a node
 * goes through graph_add: it checks the inputs, copies the attributes and asks the op's shape rule. The first mistake
 * is kept as a sentence that names the node and the op; from then on every call returns a value without a node. */
#include "graph/graph.h"

#include <soma/nn.h>

#include <stdio.h>

enum { BLOCK_BYTES = 16384 };

struct arena_block {
    arena_block *next;
    size_t used, size;
};

soma_graph *soma_graph_create_in(const soma_context *context) {
    soma_graph *g = mem_zeros(context, 1, sizeof *g);
    if (g) g->context = context;
    return g;
}

soma_graph *soma_graph_create(void) { return soma_graph_create_in(NULL); }

void soma_graph_destroy(soma_graph *graph) {
    if (!graph) return;
    for (arena_block *b = graph->blocks, *next; b; b = next) {
        next = b->next;
        mem_free(graph->context, b);
    }
    mem_free(graph->context, graph->nodes);
    mem_free(graph->context, graph->effects);
    mem_free(graph->context, graph);
}

const soma_error *soma_graph_error(const soma_graph *graph) {
    static const soma_error no_graph = {SOMA_ERROR_MEMORY, "the graph could not be created"};
    return graph ? &graph->error : &no_graph;
}

void soma_graph_set_training(soma_graph *graph, bool training) {
    if (graph) graph->training = training;
}

void *graph_alloc(soma_graph *graph, size_t size) {
    const size_t header = (sizeof(arena_block) + 63) & ~(size_t)63;
    size_t rounded = (size + 15) & ~(size_t)15;
    arena_block *b = graph->blocks;
    if (rounded < size) goto out_of_memory;
    if (!b || b->size - b->used < rounded) {
        size_t wanted = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES, bytes;
        if (!size_add(wanted, header, &bytes) || !(b = mem_alloc(graph->context, bytes))) goto out_of_memory;
        b->next = graph->blocks;
        b->used = 0;
        b->size = wanted;
        graph->blocks = b;
    }
    void *memory = (char *)b + header + b->used;
    b->used += rounded;
    return memset(memory, 0, rounded);
out_of_memory:
    error_memory(&graph->error);
    return NULL;
}

char *graph_string(soma_graph *graph, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = graph_alloc(graph, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

soma_value graph_fail(soma_graph *graph, const char *format, ...) {
    soma_value none = {graph, 0, 0};
    if (!graph) return none;
    va_list arguments;
    va_start(arguments, format);
    error_set_v(&graph->error, SOMA_ERROR_ARGUMENT, format, arguments);
    va_end(arguments);
    return none;
}

const node *graph_node(const soma_graph *graph, int32_t number) {
    return graph && number > 0 && (size_t)number <= graph->count ? graph->nodes[number - 1] : NULL;
}

const node *value_node(soma_value v) { return graph_node(v.graph, v.node); }

bool value_ok(soma_value v) { return value_node(v) != NULL; }

const tensor_type *value_type(soma_value v) {
    const node *n = value_node(v);
    return n && v.output >= 0 && v.output < n->op->outputs ? &n->outputs[v.output] : NULL;
}

soma_value value_output(soma_value v, int output) {
    if (v.node) v.output = output;
    return v;
}

soma_value graph_value(soma_graph *graph, node_ref r) {
    soma_value v = {graph, r.node, r.output};
    return v;
}

soma_shape soma_value_shape(soma_value value) {
    const tensor_type *t = value_type(value);
    return t ? t->shape : soma_shape0();
}

soma_dtype soma_value_dtype(soma_value value) {
    const tensor_type *t = value_type(value);
    return t ? t->dtype : SOMA_FLOAT;
}

soma_value soma_name(soma_value value, const char *name) {
    node *n = (node *)value_node(value);
    bool named = n && n->op->flags & OP_SOURCE && n->name; /* inputs and variables are found by the name they have */
    if (n && name && !named) n->name = graph_string(value.graph, name);
    return value;
}

bool value_scalar(soma_value v, double *value) {
    const node *n = value_node(v);
    if (!n || n->op != &op_scalar) return false;
    *value = ((const scalar_attributes *)n->attributes)->value;
    return true;
}

const char *node_text(const node *n, char *text, size_t size) {
    if (n->name)
        snprintf(text, size, "%s '%s'", n->op->name, n->name);
    else
        snprintf(text, size, "%s (node %d)", n->op->name, n->number);
    return text;
}

void infer_fail(op_infer *i, const char *format, ...) {
    char where[160], what[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    i->failed = true;
    graph_fail(i->graph, "%s: %s", node_text(i->node, where, sizeof where), what);
}

soma_value graph_add(soma_graph *graph, const soma_op *op, const void *attributes, const soma_value *inputs,
                     int count) {
    soma_value none = {graph, 0, 0};
    tensor_type in[OP_MAX_INPUTS];
    if (!graph || graph->error.code) return none;
    if (count < op->inputs_min || count > op->inputs_max)
        return graph_fail(graph, "%s: has %d inputs but takes %d to %d", op->name, count, op->inputs_min,
                          op->inputs_max);
    for (int i = 0; i < count; i++) {
        const tensor_type *t = value_type(inputs[i]);
        if (!inputs[i].graph) return graph_fail(graph, "%s: input %d belongs to no graph", op->name, i + 1);
        if (inputs[i].graph != graph)
            return graph_fail(graph, "%s: input %d belongs to another graph", op->name, i + 1);
        if (!t) return graph_fail(graph, "%s: input %d is not a value of this graph", op->name, i + 1);
        in[i] = *t;
    }
    node *n = graph_alloc(graph, sizeof *n);
    node_ref *refs = graph_alloc(graph, (size_t)(count + 1) * sizeof *refs);
    tensor_type *out = graph_alloc(graph, (size_t)op->outputs * sizeof *out);
    void *copy = graph_alloc(graph, op->attributes_size + 1);
    if (!n || !refs || !out || !copy) return none;
    if (!mem_reserve(graph->context, &graph->nodes, graph->count, &graph->capacity, sizeof(node *)))
        return error_memory(&graph->error), none;
    if (op->attributes_size && attributes) memcpy(copy, attributes, op->attributes_size);
    for (int i = 0; i < count; i++) refs[i] = (node_ref){inputs[i].node, inputs[i].output};
    *n = (node){.op = op,
                .number = (int32_t)graph->count + 1,
                .inputs_count = count,
                .inputs = refs,
                .outputs = out,
                .attributes = copy};
    op_infer rule = {graph, n, copy, count, in, out, false};
    op->infer(&rule);
    if (rule.failed || graph->error.code) return none;
    for (int o = 0; o < op->outputs; o++)
        for (int a = 0, batches = 0; a < out[o].shape.rank; a++) {
            batches += out[o].shape.dims[a] < 0;
            if (batches > 1) return infer_fail(&rule, "a shape can hold the batch in one dimension only"), none;
        }
    graph->nodes[graph->count++] = n;
    soma_value v = {graph, n->number, 0};
    return v;
}

soma_value graph_add1(const soma_op *op, const void *attributes, soma_value a) {
    return graph_add(a.graph, op, attributes, &a, 1);
}

soma_value graph_add2(const soma_op *op, const void *attributes, soma_value a, soma_value b) {
    soma_value in[2] = {a, b};
    return graph_add(a.graph ? a.graph : b.graph, op, attributes, in, 2);
}

soma_value graph_add3(const soma_op *op, const void *attributes, soma_value a, soma_value b, soma_value c) {
    soma_value in[3] = {a, b, c};
    return graph_add(a.graph ? a.graph : b.graph ? b.graph : c.graph, op, attributes, in, 3);
}

soma_value graph_find(soma_graph *graph, const soma_op *op, const char *name) {
    soma_value v = {graph, 0, 0};
    for (size_t i = 0; graph && i < graph->count; i++)
        if (graph->nodes[i]->op == op && graph->nodes[i]->name && !strcmp(graph->nodes[i]->name, name))
            v.node = graph->nodes[i]->number;
    return v;
}

bool graph_has_layer(const soma_graph *graph, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < graph->count; i++) {
        const char *other = graph->nodes[i]->name;
        if (other && !strncmp(other, name, length) && (!other[length] || other[length] == '.')) return true;
    }
    return false;
}

const char *graph_layer_name(soma_graph *graph, const char *kind) {
    const char *given = graph->layer_name;
    graph->layer_name = NULL;
    if (given) {
        const char *kept = graph_string(graph, given);
        return kept ? kept : "";
    }
    int k = 0;
    while (k < graph->layer_kinds && strcmp(graph->layers[k].kind, kind)) k++;
    if (k == (int)COUNT_OF(graph->layers)) {
        graph_fail(graph, "%s: more than %d kinds of layers in one graph", kind, k);
        return "";
    }
    if (k == graph->layer_kinds) {
        graph->layer_kinds++;
        snprintf(graph->layers[k].kind, sizeof graph->layers[k].kind, "%s", kind);
    }
    char name[48];
    do { /* a layer may have been given the name by hand */
        snprintf(name, sizeof name, "%s%d", kind, ++graph->layers[k].made);
    } while (graph_has_layer(graph, name));
    const char *kept = graph_string(graph, name);
    return kept ? kept : "";
}

void soma_graph_add_effect(soma_value assign) {
    soma_graph *g = assign.graph;
    if (!g || !value_ok(assign)) return;
    if (!mem_reserve(g->context, &g->effects, g->effects_count, &g->effects_capacity, sizeof(soma_value)))
        error_memory(&g->error);
    else
        g->effects[g->effects_count++] = assign;
}

const soma_value *soma_graph_effects(const soma_graph *graph, size_t *count) {
    *count = graph ? graph->effects_count : 0;
    return graph ? graph->effects : NULL;
}

soma_value zeros_like(soma_value v) { return soma_expand(soma_scalar(v.graph, 0), soma_value_shape(v)); }
soma_value ones_like(soma_value v) { return soma_expand(soma_scalar(v.graph, 1), soma_value_shape(v)); }
