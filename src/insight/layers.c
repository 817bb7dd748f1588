/* insight/layers.c: a network's inner values by name. A layer is a value with a name that reads variables of its own:
 * on the way from them to it no other name stands. So layers of soma/nn.h are found, those of a specification string
 * and those of a file alike, and no list of layers needs to be kept. Its activation is the next node, if that is one;
 * what its convolution or product reads is found behind it. */
#include "insight/insight.h"

soma_value twin_of(soma_value value, soma_graph *copy) { return (soma_value){copy, value.node, value.output}; }

int open_plan(const soma_value *outputs, size_t count, soma_plan_options options, soma_plan **plan, soma_run **run,
              soma_error *error) {
    soma_error own = {0};
    soma_error *e = error ? error : &own;
    options.keep = NULL;
    options.keep_count = 0;
    *plan = soma_plan_infer(outputs, count, options, e);
    *run = *plan ? soma_run_create(*plan, e) : NULL;
    return *run ? SOMA_OK : e->code ? e->code : SOMA_ERROR_INTERNAL;
}

static bool is_product(const node *n) { return n && (n->op == &op_convolution || n->op == &op_matmul); }

const node *layer_product(soma_value value, soma_value *bias) {
    const node *n = value_node(value);
    if (bias) *bias = (soma_value){value.graph, 0, 0};
    if (is_product(n)) return n;
    if (!n || n->op != &op_add) return NULL;
    for (int k = 0; k < 2; k++) {
        const node *inner = graph_node(value.graph, n->inputs[k].node);
        if (!is_product(inner)) continue;
        if (bias) *bias = graph_value(value.graph, n->inputs[1 - k]);
        return inner;
    }
    return NULL;
}

/* The value behind the activation that reads it first, or the value itself. */
static soma_value activated(soma_value value) {
    const soma_graph *g = value.graph;
    for (size_t i = (size_t)value.node; i < g->count; i++) {
        const node *n = g->nodes[i];
        bool reads = false;
        for (int k = 0; k < n->inputs_count; k++)
            reads |= n->inputs[k].node == value.node && n->inputs[k].output == value.output;
        if (!reads) continue;
        return n->op->flags & OP_ACTIVATION && n->inputs_count == 1 ? (soma_value){value.graph, n->number, 0} : value;
    }
    return value;
}

static soma_layer layer_of(soma_graph *g, const node *n) {
    soma_layer layer = {.name = n->name, .value = {g, n->number, 0}, .input = {g, 0, 0}};
    const node *product = layer_product(layer.value, NULL);
    if (product) layer.input = graph_value(g, product->inputs[0]);
    layer.output = activated(layer.value);
    return layer;
}

static bool is_named(const node *n) { return n->name && !(n->op->flags & (OP_SOURCE | OP_EFFECT)); }

size_t soma_graph_layers(soma_graph *g, soma_layer *layers, size_t capacity) {
    size_t count = 0;
    if (!g) return 0;
    bool *weighted = mem_zeros(g->context, g->count + 1, sizeof *weighted);
    if (!weighted) error_memory(&g->error);
    for (size_t i = 0; weighted && i < g->count; i++) {
        const node *n = g->nodes[i];
        for (int k = 0; k < n->inputs_count; k++) {
            const node *read = graph_node(g, n->inputs[k].node);
            weighted[i] |= read->op == &op_variable || (!is_named(read) && weighted[read->number - 1]);
        }
        if (!weighted[i] || !is_named(n) || n->outputs[0].shape.rank < 2) continue;
        if (count < capacity) layers[count] = layer_of(g, n);
        count++;
    }
    mem_free(g->context, weighted);
    return count;
}

int soma_graph_layer(soma_graph *g, const char *name, soma_layer *layer, soma_error *error) {
    if (!g || !name || !layer)
        return error_set(error, SOMA_ERROR_ARGUMENT, "layer: graph, name or the place for the layer are missing");
    for (size_t i = 0; i < g->count; i++) {
        const node *n = g->nodes[i];
        if (!is_named(n) || strcmp(n->name, name) != 0) continue;
        *layer = layer_of(g, n);
        return SOMA_OK;
    }
    const char **names = mem_zeros(g->context, g->count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; names && i < g->count; i++)
        if (is_named(g->nodes[i])) names[count++] = g->nodes[i]->name;
    const char *meant = names ? suggest(name, names) : NULL;
    int code = meant ? error_set(error, SOMA_ERROR_ARGUMENT,
                                 "layer: there is none called '%.100s'; was '%.100s' meant?", name, meant)
                     : error_set(error, SOMA_ERROR_ARGUMENT, "layer: there is none called '%.100s'%s%.100s%s", name,
                                 count ? ", the first is '" : ", and no value of the graph has a name",
                                 count ? names[0] : "", count ? "'" : "");
    mem_free(g->context, names);
    return code;
}
