/* nn/spec_build.c: tree to graph, and the listing of `soma show`. The listing is taken from the graph itself: a layer's
 * parameters and work are those of the nodes that building it added, so that it can't disagree with what runs. */
#include "nn/spec_tree.h"
#include "ops/attributes.h"

#include <stdio.h>

/* A layer's mistake, told with its place in the text. What a branch says already has one. */
static void place_error(soma_graph *g, const spec_layer *l) {
    soma_error told = {g->error.code, ""};
    if (told.code != SOMA_ERROR_ARGUMENT || !strncmp(g->error.message, "net: ", 5)) return;
    if (l->position)
        snprintf(told.message, sizeof told.message, "net: '%s' at character %d: %.400s",
                 l->activation ? l->activation : l->kind->name, l->position, g->error.message);
    else
        snprintf(told.message, sizeof told.message, "net: the output layer: %.400s", g->error.message);
    g->error = told;
}

/* A name goes to the layer's variables, or to the value of a layer that has none of its own. */
static soma_value build_named(const spec_layer *l, soma_value x, const spec_place *place) {
    soma_graph *g = x.graph;
    if (!*l->name) return l->kind->build(l, x, place);
    if (graph_has_layer(g, l->name)) return graph_fail(g, "another layer or input is called '%s'", l->name);
    int32_t before = (int32_t)g->count;
    g->layer_name = l->branches_count ? NULL : l->name;
    soma_value y = l->kind->build(l, x, place);
    g->layer_name = NULL;
    return value_ok(y) && y.node > before && !value_node(y)->name ? soma_name(y, l->name) : y;
}

static soma_value build_layers(const spec_list *list, soma_value x, const spec_options *options, int depth,
                               const spec_after *outer) {
    const spec_layer *end = list->layers + list->count;
    const soma_value begun = {x.graph, 0, 0};
    char text[96] = "";
    for (size_t i = 0; i < list->count && value_ok(x); i++) {
        const spec_layer *l = &list->layers[i];
        spec_place place = {options, {list, i + 1, outer}, depth};
        if (options->trace && !l->suffix) {
            spec_layer_text(l, end, text, sizeof text);
            options->trace(options->user, text, depth, begun);
        }
        x = build_named(l, x, &place);
        if (!value_ok(x)) {
            place_error(x.graph, l);
        } else if (options->trace && (i + 1 == list->count || !l[1].suffix)) {
            while (l->suffix) l--;
            spec_layer_text(l, end, text, sizeof text);
            options->trace(options->user, text, depth, x);
        }
    }
    return x;
}

soma_value spec_build_list(const spec_list *list, soma_value x, const spec_place *place) {
    return build_layers(list, x, place->options, place->depth + 1, &place->after);
}

soma_value spec_build(const spec *s, soma_value x, const spec_options *options) {
    const spec_options plain = {0};
    if (!x.graph || x.graph->error.code) return (soma_value){x.graph, 0, 0};
    return build_layers(&s->list, x, options ? options : &plain, 0, NULL);
}

/* ---- Listing
 * --------------------------------------------------------------------------------------------------------- */

typedef struct listing {
    const soma_context *context;
    spec_row *rows;
    size_t count, capacity;
    const soma_graph *graph;
    size_t open[64]; /* rows begun and not ended, outermost first */
    size_t opened;
    size_t counted; /* nodes already added to a row */
    bool failed;
} listing;

static double node_flops(const soma_graph *g, const node *n) {
    tensor in[OP_MAX_INPUTS], out[OP_MAX_OUTPUTS];
    if (!n->op->flops) return 0;
    for (int i = 0; i < n->inputs_count; i++) {
        const tensor_type *t = &graph_node(g, n->inputs[i].node)->outputs[n->inputs[i].output];
        in[i] = (tensor){NULL, t->dtype, shape_resolve(&t->shape, 1)};
    }
    for (int o = 0; o < n->op->outputs; o++)
        out[o] = (tensor){NULL, n->outputs[o].dtype, shape_resolve(&n->outputs[o].shape, 1)};
    op_call call = {.op = n->op,
                    .attributes = n->attributes,
                    .inputs = n->inputs_count,
                    .outputs = n->op->outputs,
                    .in = in,
                    .out = out,
                    .batch = 1};
    return n->op->flops(&call);
}

static bool has_window(const node *n) {
    return n->op == &op_convolution || n->op == &op_max_pool || n->op == &op_average_pool;
}

/* What the row's main node reads and how: the sizes from which its output follows. */
static void note_sizes(const soma_graph *g, const node *n, spec_row *row) {
    if (!has_window(n) && n->op != &op_matmul) return;
    row->input = graph_node(g, n->inputs[0].node)->outputs[n->inputs[0].output].shape;
    if (has_window(n)) row->window = ((const window_attributes *)n->attributes)->window;
}

/* Gives the nodes made since the last call to the innermost open row. */
static void count_nodes(listing *l) {
    for (; l->counted < l->graph->count; l->counted++) {
        const node *n = l->graph->nodes[l->counted];
        if (!l->opened) continue;
        spec_row *row = &l->rows[l->open[l->opened - 1]];
        row->flops += node_flops(l->graph, n);
        note_sizes(l->graph, n, row);
        if (n->op == &op_variable && ((const variable_attributes *)n->attributes)->trainable)
            row->parameters += shape_elements(&n->outputs[0].shape, 1);
    }
}

static void list_layer(void *user, const char *text, int depth, soma_value output) {
    listing *l = user;
    if (l->failed) return;
    count_nodes(l);
    if (output.node) {
        l->rows[l->open[--l->opened]].output = soma_value_shape(output);
        return;
    }
    l->failed =
        l->opened == COUNT_OF(l->open) || !mem_reserve(l->context, &l->rows, l->count, &l->capacity, sizeof *l->rows);
    if (l->failed) return;
    spec_row row = {.depth = depth};
    snprintf(row.text, sizeof row.text, "%s", text);
    l->open[l->opened++] = l->count;
    l->rows[l->count++] = row;
}

int spec_describe(const spec *s, soma_shape sample, spec_row **rows, size_t *count, soma_error *error) {
    listing l = {.context = s->context};
    soma_graph *g = soma_graph_create_in(s->context);
    soma_shape shape = {sample.rank + 1, {SOMA_BATCH}};
    int code = SOMA_OK;
    *rows = NULL;
    *count = 0;
    if (!g) return error_memory(error);
    if (sample.rank < 1 || sample.rank >= SOMA_MAX_RANK) {
        code = error_set(error, SOMA_ERROR_ARGUMENT, "net: a sample has 1 to %d dimensions", SOMA_MAX_RANK - 1);
        goto done;
    }
    memcpy(shape.dims + 1, sample.dims, (size_t)sample.rank * sizeof sample.dims[0]);
    l.graph = g;
    spec_options options = {.trace = list_layer, .user = &l};
    spec_build(s, soma_input(g, "x", shape), &options);
    if (g->error.code) code = error_set(error, g->error.code, "%s", g->error.message);
    if (!code && l.failed) code = error_memory(error);
    if (!code) {
        *rows = l.rows;
        *count = l.count;
        l.rows = NULL;
    }
done:
    mem_free(s->context, l.rows);
    soma_graph_destroy(g);
    return code;
}
