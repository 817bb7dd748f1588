/* graph/graph.h: the inside of a graph: nodes in the order in which they were built (so that inputs stand before
 * users). Node numbers start at 1: number 0 is "no node". */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include "graph/op.h"

typedef struct node_ref {
    int32_t node, output;
} node_ref;

struct node {
    const soma_op *op;
    const char *name; /* NULL until someone gives one */
    int32_t number, inputs_count;
    const node_ref *inputs;
    tensor_type *outputs;
    const void *attributes; /* op->attributes_size bytes, padding zero */
    const void *data;       /* of a constant: float or int64_t elements */
};

/* Attributes of the sources. */
typedef struct scalar_attributes {
    double value;
} scalar_attributes;
typedef struct input_attributes {
    tensor_type type;
    bool scalar; /* keeps `value` until it is set */
    double value;
} input_attributes;
typedef struct variable_attributes {
    soma_shape shape;
    soma_init init;
    bool trainable;
} variable_attributes;
typedef struct constant_attributes {
    tensor_type type;
    uint64_t hash; /* of the data, so that equal constants are found */
} constant_attributes;
typedef struct random_attributes {
    soma_shape shape;
    uint64_t stream;
} random_attributes;

typedef struct arena_block arena_block;
struct soma_graph {
    const soma_context *context;
    node **nodes; /* nodes[0] is node number 1 */
    size_t count, capacity;
    arena_block *blocks;
    soma_error error;
    bool training;
    uint64_t streams; /* random nodes made so far */
    soma_value *effects;
    size_t effects_count, effects_capacity;
    struct {
        char kind[28];
        int made;
    } layers[32]; /* how many layers of a kind have been named */
    int layer_kinds;
    const char *layer_name; /* what the next layer is to be called; NULL: by its kind and a number */
};

/* Adds a node and infers its outputs. Returns output 0; on failure the value without a node. Inputs that failed make
 * the call fail quietly. `attributes` may be NULL when the op has none. */
soma_value graph_add(soma_graph *graph, const soma_op *op, const void *attributes, const soma_value *inputs, int count);
soma_value graph_add1(const soma_op *op, const void *attributes, soma_value a);
soma_value graph_add2(const soma_op *op, const void *attributes, soma_value a, soma_value b);
soma_value graph_add3(const soma_op *op, const void *attributes, soma_value a, soma_value b, soma_value c);
/* Notes the first mistake and returns the graph's value without a node. */
soma_value graph_fail(soma_graph *graph, const char *format, ...) BASE_PRINTF(2, 3);
/* Memory that lives as long as the graph, zeroed; NULL sets the graph's error. */
void *graph_alloc(soma_graph *graph, size_t size);
char *graph_string(soma_graph *graph, const char *text);

const node *graph_node(const soma_graph *graph, int32_t number);
const node *value_node(soma_value v);        /* NULL for a failed value */
const tensor_type *value_type(soma_value v); /* NULL for a failed value */
bool value_ok(soma_value v);
soma_value value_output(soma_value v, int output);
/* Output 0 of node `number`, or the value a ref stands for. */
soma_value graph_value(soma_graph *graph, node_ref r);
/* If v is a scalar constant, its value. */
bool value_scalar(soma_value v, double *value);
/* "conv2d 'conv2d1'", for messages; returns `text`. */
const char *node_text(const node *n, char *text, size_t size);
/* The variable or input of a name, or a value without a node. */
soma_value graph_find(soma_graph *graph, const soma_op *op, const char *name);
/* A name for the next layer of a kind: graph->layer_name, which is taken by this, or "dense1", "dense2", … */
const char *graph_layer_name(soma_graph *graph, const char *kind);
/* Whether a node has the name or is a variable of a layer of that name. */
bool graph_has_layer(const soma_graph *graph, const char *name);

/* A graph of its own with the same nodes under the same numbers, so that a value's twin has its node and output;
 * effects are not copied. NULL and a sentence on failure, or when a mistake sticks to the graph. */
soma_graph *graph_copy(const soma_graph *from, soma_error *error);

/* Zeros or ones of the shape of v. */
soma_value zeros_like(soma_value v);
soma_value ones_like(soma_value v);

#endif
