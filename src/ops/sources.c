/* ops/sources.c: what a graph starts from (inputs, scalars, constants, variables) and its only effect, assign. They
 * compute nothing: the plan gives them memory. */
#include "base/random.h"
#include "graph/graph.h"

static void infer_input(op_infer *i) { i->out[0] = ((const input_attributes *)i->attributes)->type; }
static void infer_scalar(op_infer *i) { i->out[0] = (tensor_type){SOMA_FLOAT, soma_shape0()}; }
static void infer_constant(op_infer *i) { i->out[0] = ((const constant_attributes *)i->attributes)->type; }
static void infer_variable(op_infer *i) {
    i->out[0] = (tensor_type){SOMA_FLOAT, ((const variable_attributes *)i->attributes)->shape};
}

static void infer_assign(op_infer *i) {
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (graph_node(i->graph, i->node->inputs[0].node)->op != &op_variable) {
        infer_fail(i, "the target is not a variable");
    } else if (!shape_equal(&i->in[0].shape, &i->in[1].shape) || i->in[1].dtype != SOMA_FLOAT) {
        infer_fail(i, "the variable has shape %s but the value has %s", shape_text(&i->in[0].shape, a),
                   shape_text(&i->in[1].shape, b));
    } else {
        i->out[0] = i->in[1];
    }
}

static void reference_assign(const op_call *c) {
    size_t bytes = (size_t)shape_elements(&c->out[0].shape, 1) * sizeof(double);
    if (bytes) memmove(c->out[0].data, c->in[1].data, bytes);
}

static void gradient_assign(op_gradient *c) { c->din[1] = c->dout[0]; }

const soma_op op_input = {.name = "input",
                          .outputs = 1,
                          .flags = OP_SOURCE,
                          .attributes_size = sizeof(input_attributes),
                          .shape_at = 1 + offsetof(input_attributes, type.shape),
                          .infer = infer_input};
const soma_op op_scalar = {.name = "scalar",
                           .outputs = 1,
                           .flags = OP_SOURCE,
                           .attributes_size = sizeof(scalar_attributes),
                           .infer = infer_scalar};
const soma_op op_constant = {.name = "constant",
                             .outputs = 1,
                             .flags = OP_SOURCE,
                             .attributes_size = sizeof(constant_attributes),
                             .infer = infer_constant};
const soma_op op_variable = {.name = "variable",
                             .outputs = 1,
                             .flags = OP_SOURCE,
                             .attributes_size = sizeof(variable_attributes),
                             .infer = infer_variable};
/* Inputs: the variable, its next value. The output is the next value. */
const soma_op op_assign = {.name = "assign",
                           .inputs_min = 2,
                           .inputs_max = 2,
                           .outputs = 1,
                           .flags = OP_EFFECT,
                           .infer = infer_assign,
                           .gradient = gradient_assign,
                           .reference = reference_assign};

static bool shape_valid(soma_graph *graph, const char *what, const char *name, const soma_shape *shape, bool batch) {
    char text[SHAPE_TEXT];
    int batches = 0;
    if (!graph || graph->error.code) return false;
    if (shape->rank < 0 || shape->rank > SOMA_MAX_RANK) {
        graph_fail(graph, "%s '%s': a shape has 0 to %d dimensions, not %d", what, name, SOMA_MAX_RANK, shape->rank);
        return false;
    }
    for (int i = 0; i < shape->rank; i++) batches += shape->dims[i] < 0;
    if (batches > (batch ? 1 : 0) || shape_elements(shape, 1) < 0) {
        graph_fail(graph, "%s '%s': %s is not a shape it can have", what, name, shape_text(shape, text));
        return false;
    }
    return true;
}

static soma_value add_input(soma_graph *graph, const char *name, const input_attributes *a) {
    soma_value none = {graph, 0, 0};
    if (!graph) return none;
    if (!name || !*name) return graph_fail(graph, "input: a name is needed");
    if (!shape_valid(graph, "input", name, &a->type.shape, true)) return none;
    if (graph_find(graph, &op_input, name).node)
        return graph_fail(graph, "input '%s': there is one of this name", name);
    return soma_name(graph_add(graph, &op_input, a, NULL, 0), name);
}

soma_value soma_input(soma_graph *graph, const char *name, soma_shape shape) {
    input_attributes a;
    memset(&a, 0, sizeof a);
    a.type.shape = shape;
    return add_input(graph, name, &a);
}

soma_value soma_input_int64(soma_graph *graph, const char *name, soma_shape shape) {
    input_attributes a;
    memset(&a, 0, sizeof a);
    a.type.shape = shape;
    a.type.dtype = SOMA_INT64;
    return add_input(graph, name, &a);
}

soma_value soma_input_scalar(soma_graph *graph, const char *name, double value) {
    input_attributes a;
    memset(&a, 0, sizeof a);
    a.scalar = true;
    a.value = value;
    return add_input(graph, name, &a);
}

soma_value soma_scalar(soma_graph *graph, double value) {
    scalar_attributes a = {value};
    return graph_add(graph, &op_scalar, &a, NULL, 0);
}

static soma_value add_constant(soma_graph *graph, soma_shape shape, soma_dtype dtype, const void *data, size_t size) {
    soma_value none = {graph, 0, 0};
    constant_attributes a;
    memset(&a, 0, sizeof a);
    if (!shape_valid(graph, "constant", "", &shape, false)) return none;
    size_t bytes;
    if (!size_multiply((size_t)shape_elements(&shape, 1), size, &bytes)) return error_memory(&graph->error), none;
    void *copy = graph_alloc(graph, bytes + 1);
    if (!copy) return none;
    if (bytes) memcpy(copy, data, bytes);
    a.type.dtype = dtype;
    a.type.shape.rank = shape.rank;
    memcpy(a.type.shape.dims, shape.dims, (size_t)shape.rank * sizeof shape.dims[0]);
    a.hash = hash_bytes(data, bytes, HASH_START);
    soma_value v = graph_add(graph, &op_constant, &a, NULL, 0);
    node *n = (node *)value_node(v);
    if (n) n->data = copy;
    return v;
}

soma_value soma_constant(soma_graph *graph, soma_shape shape, const float *data) {
    return add_constant(graph, shape, SOMA_FLOAT, data, sizeof *data);
}

soma_value soma_constant_int64(soma_graph *graph, soma_shape shape, const int64_t *data) {
    return add_constant(graph, shape, SOMA_INT64, data, sizeof *data);
}

soma_value soma_variable(soma_graph *graph, const char *name, soma_shape shape, soma_init init, bool trainable) {
    soma_value none = {graph, 0, 0};
    variable_attributes a;
    memset(&a, 0, sizeof a);
    if (!graph) return none;
    if (!name || !*name) return graph_fail(graph, "variable: a name is needed");
    if (!shape_valid(graph, "variable", name, &shape, false)) return none;
    soma_value known = graph_find(graph, &op_variable, name);
    if (known.node) {
        soma_shape has = soma_value_shape(known);
        char x[SHAPE_TEXT], y[SHAPE_TEXT];
        return shape_equal(&has, &shape) ? known
                                         : graph_fail(graph, "variable '%s': asked for as %s but it is %s", name,
                                                      shape_text(&shape, x), shape_text(&has, y));
    }
    a.shape = shape;
    a.init = init;
    a.trainable = trainable;
    return soma_name(graph_add(graph, &op_variable, &a, NULL, 0), name);
}

soma_value soma_assign(soma_value variable, soma_value value) { return graph_add2(&op_assign, NULL, variable, value); }
