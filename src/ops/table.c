/* ops/table.c: all ops, from table.h, and how one is found by its name. */
#include "graph/graph.h"

const soma_op *const op_table[] = {
#define ELEMENTWISE_OP(name) &op_##name,
#define OP(name)             &op_##name,
#include "ops/table.h"
#undef ELEMENTWISE_OP
#undef OP
    NULL};

const soma_op *op_find(const char *name) {
    for (const soma_op *const *op = op_table; name && *op; op++)
        if (!strcmp((*op)->name, name)) return *op;
    return NULL;
}

soma_value soma_activation(const char *name, soma_value x) {
    const soma_op *op = op_find(name);
    if (op && op->flags & OP_ACTIVATION) return elementwise1(op, x, op->defaults[0], op->defaults[1]);
    const char *candidates[COUNT_OF(op_table)];
    size_t count = 0;
    for (const soma_op *const *known = op_table; *known; known++)
        if ((*known)->flags & OP_ACTIVATION) candidates[count++] = (*known)->name;
    candidates[count] = NULL;
    const char *near = name ? suggest(name, candidates) : NULL;
    if (near) return graph_fail(x.graph, "activation: there is no '%s'; is '%s' meant?", name, near);
    return graph_fail(x.graph, "activation: there is no '%s'", name ? name : "");
}
