/* wasm/formula_graph.c: a formula's graph to look at: every node's value, and the derivative of the last by it. It runs
 * unfused on the reference backend, in double precision: each node of the picture is a step. */
#include "binding.h"
#include "graph/graph.h"

enum { NODES_MAX = 256 };

struct formula {
    soma_graph *graph;
    size_t count;                 /* nodes of the formula; those of the gradients come after them */
    soma_value slopes[NODES_MAX]; /* one a node */
    part part;
};

static soma_value make_input(void *user, soma_graph *graph, const char *name) {
    (void)user;
    return soma_input_scalar(graph, name, 1);
}

static soma_value node_value(const formula *f, size_t node) { return (soma_value){f->graph, (int32_t)node + 1, 0}; }

/* A formula is read from left to right, so the value that it stands for is its graph's last node, unless it is a name
 * alone that stood there before: then there is one node. */
static int build(formula *f, const char *text, soma_error *error) {
    soma_value result = formula_parse(f->graph, text, make_input, NULL, error);
    if (error->code) return error->code;
    f->count = f->graph->count;
    if (f->count > NODES_MAX) return error_set(error, SOMA_ERROR_ARGUMENT, "the formula has too many nodes");
    soma_value outputs[2 * NODES_MAX];
    for (size_t i = 0; i < f->count; i++) outputs[i] = node_value(f, i);
    if (soma_gradient(result, outputs, (int)f->count, f->slopes))
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s", soma_graph_error(f->graph)->message);
    memcpy(outputs + f->count, f->slopes, f->count * sizeof *outputs);
    soma_plan_options options = {
        .max_batch = 1, .threads = 1, .backend = SOMA_BACKEND_REFERENCE, .unfused = true, .seed = 0};
    return part_make(&f->part, outputs, 2 * f->count, options, error);
}

formula *formula_create(const char *text, soma_error *error) {
    formula *f = mem_zeros(NULL, 1, sizeof *f);
    if (!f) return error_memory(error), NULL;
    f->graph = soma_graph_create();
    if (!f->graph) error_memory(error);
    if (f->graph && !build(f, text, error)) return f;
    formula_destroy(f);
    return NULL;
}

void formula_destroy(formula *f) {
    if (!f) return;
    part_clear(&f->part);
    soma_graph_destroy(f->graph);
    mem_free(NULL, f);
}

size_t formula_nodes(const formula *f) { return f->count; }

static const node *node_at(const formula *f, size_t number) { return graph_node(f->graph, (int32_t)number + 1); }

const char *formula_node_op(const formula *f, size_t node) { return node_at(f, node)->op->name; }

const char *formula_node_name(const formula *f, size_t node) {
    const char *name = node_at(f, node)->name;
    return name ? name : "";
}

int formula_node_inputs(const formula *f, size_t number, int32_t *inputs) {
    const node *n = node_at(f, number);
    for (int i = 0; i < n->inputs_count; i++) inputs[i] = n->inputs[i].node - 1;
    return n->inputs_count;
}

int formula_set(formula *f, size_t node, double value, soma_error *error) {
    return soma_run_set_scalar(f->part.run, node_value(f, node), value, error);
}

int formula_run(formula *f, double *values, double *gradients, soma_error *error) {
    soma_run_step(f->part.run, error);
    for (size_t i = 0; i < f->count && !error->code; i++)
        if (!soma_run_get_double(f->part.run, node_value(f, i), &values[i], 1, error))
            soma_run_get_double(f->part.run, f->slopes[i], &gradients[i], 1, error);
    return error->code;
}
