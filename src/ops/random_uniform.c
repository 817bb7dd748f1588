/* ops/random_uniform.c: uniform numbers in [0, 1) for dropout and noise. Element i of a node's output is a function of
 * (seed, stream, step, i) alone, by the counter-based generator of base/random.h: any backend, any number of threads
 * and a step that is repeated draw the same numbers. Each node has a stream of its own. */
#include "graph/graph.h"
#include "ops/random.h"

static void infer_random(op_infer *i) {
    i->out[0] = (tensor_type){SOMA_FLOAT, ((const random_attributes *)i->attributes)->shape};
}

float random_element(const op_random *where, uint64_t index) {
    uint32_t words[4];
    random_block(where, index / 4, words);
    return random_unit(words[index % 4]);
}

static void reference_random(const op_call *c) {
    op_random where = c->random;
    where.stream = ((const random_attributes *)c->attributes)->stream;
    int64_t n = shape_elements(&c->out[0].shape, 1);
    double *y = c->out[0].data;
    for (int64_t i = 0; i < n; i++) y[i] = (double)random_element(&where, (uint64_t)i);
}

const soma_op op_random_uniform = {.name = "random_uniform",
                                   .outputs = 1,
                                   .flags = OP_RANDOM,
                                   .attributes_size = sizeof(random_attributes),
                                   .shape_at = 1 + offsetof(random_attributes, shape),
                                   .infer = infer_random,
                                   .reference = reference_random};

soma_value soma_random_uniform(soma_graph *graph, soma_shape shape) {
    random_attributes a;
    char text[SHAPE_TEXT];
    soma_value none = {graph, 0, 0};
    if (!graph || graph->error.code) return none;
    memset(&a, 0, sizeof a);
    if (shape.rank < 0 || shape.rank > SOMA_MAX_RANK)
        return graph_fail(graph, "random_uniform: a shape has 0 to %d dimensions, not %d", SOMA_MAX_RANK, shape.rank);
    for (int d = 0; d < shape.rank; d++)
        if (shape.dims[d] == INT64_MIN) return graph_fail(graph, "random_uniform: a dimension is out of range");
    if (shape_elements(&shape, 1) < 0)
        return graph_fail(graph, "random_uniform: the shape %s has too many elements", shape_text(&shape, text));
    a.shape.rank = shape.rank;
    for (int d = 0; d < shape.rank; d++) a.shape.dims[d] = shape.dims[d];
    a.stream = ++graph->streams;
    return graph_add(graph, &op_random_uniform, &a, NULL, 0);
}
