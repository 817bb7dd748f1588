/* graph/copy.c: a graph like another, node for node, for who wants to add to it and leave the original as it is. */
#include "graph/graph.h"

static bool copy_data(soma_graph *to, soma_value v, const node *n) {
    if (!n->data) return true;
    const tensor_type *t = &n->outputs[0];
    size_t bytes = (size_t)shape_elements(&t->shape, 1) * (t->dtype == SOMA_INT64 ? sizeof(int64_t) : sizeof(float));
    void *data = graph_alloc(to, bytes + 1);
    if (!data) return false;
    if (bytes) memcpy(data, n->data, bytes);
    ((node *)value_node(v))->data = data;
    return true;
}

soma_graph *graph_copy(const soma_graph *from, soma_error *error) {
    const soma_error *mistake = soma_graph_error(from);
    if (mistake->code) {
        error_set(error, mistake->code, "%s", mistake->message);
        return NULL;
    }
    soma_graph *to = soma_graph_create_in(from->context);
    if (!to) {
        error_memory(error);
        return NULL;
    }
    to->training = from->training;
    for (size_t i = 0; i < from->count && !to->error.code; i++) {
        const node *n = from->nodes[i];
        soma_value in[OP_MAX_INPUTS];
        for (int k = 0; k < n->inputs_count; k++) in[k] = graph_value(to, n->inputs[k]);
        soma_value v = graph_add(to, n->op, n->attributes, in, n->inputs_count);
        if (value_ok(v) && copy_data(to, v, n)) soma_name(v, n->name);
    }
    to->streams = from->streams; /* random nodes to come draw from streams of their own */
    if (!to->error.code) return to;
    error_set(error, to->error.code, "%s", to->error.message);
    soma_graph_destroy(to);
    return NULL;
}
