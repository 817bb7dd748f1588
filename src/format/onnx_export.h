/* format/onnx_export.h: the model that is to be written, as lists of nodes and tensors, and what export rules use to
 * add to them. Everything lives in the memory of one scratch graph and ends with it. */
#ifndef FORMAT_ONNX_EXPORT_H
#define FORMAT_ONNX_EXPORT_H

#include "format/onnx.h"
#include "format/onnx_file.h"
#include "graph/graph.h"

/* A tensor with its data where they lie already. */
typedef struct out_tensor {
    const char *name; /* NULL: none (a constant's) */
    int type;         /* ONNX_FLOAT or ONNX_INT64 */
    int rank;
    const int64_t *dims;
    size_t count;
    const void *data; /* float, double (written as float) or int64_t */
    bool doubles;
} out_tensor;

typedef struct out_attribute {
    const char *name;
    int type;      /* ONNX_AT_… */
    const char *s; /* constant */
    float f;
    int64_t i;
    const int64_t *ints;
    size_t ints_count;
    const out_tensor *t;
} out_attribute;

enum { OUT_ATTRIBUTES = 8 };
typedef struct out_node {
    const char *op, *output;
    const char **inputs;
    size_t inputs_count, attributes_count;
    out_attribute attributes[OUT_ATTRIBUTES];
} out_node;

/* A graph input or output. */
typedef struct out_value {
    const char *name;
    tensor_type type;
} out_value;

typedef struct out_model {
    out_node **nodes;
    out_tensor *initializers;
    out_value *inputs, *outputs;
    size_t nodes_count, nodes_capacity, initializers_count, initializers_capacity, inputs_count, outputs_count;
    const onnx_pair *metadata;
    size_t metadata_count;
} out_model;

/* Streams the model; `write` gets the bytes in order. */
typedef struct out_sink {
    int (*write)(void *user, const void *bytes, size_t size);
    void *user;
} out_sink;
int onnx_encode(const out_model *model, out_sink sink, soma_error *error);

/* ---- For export rules -------------------------------------------------------------------------------------------- */

typedef struct export_frame export_frame;
typedef struct exporter {
    const onnx_export *model;
    soma_error *error;
    soma_graph *memory; /* the scratch graph whose memory everything has */
    out_model out;
    export_frame *frame;          /* the graph at work: the caller's, or a decomposition */
    export_frame *decompositions; /* all that were made */
    out_node nowhere;             /* takes attributes after memory was out */
    const char **taken;           /* names in use: a hash table */
    size_t taken_count, taken_size;
    size_t counter;
    bool failed;
} exporter;

typedef struct export_rule {
    const char *op;
    void (*write)(exporter *, const node *);
} export_rule;
extern const export_rule export_rules[]; /* ends with a NULL op */

/* A group of nodes that is written as one operator: found at its last node. */
typedef struct export_match {
    void (*write)(exporter *, const node *, const struct export_match *);
    node_ref inputs[5]; /* the values that it needs, in the rule's order */
    int inputs_count;
    double epsilon;
    uint32_t axes;
    bool keep, transpose_a, transpose_b;
    const node *inner;
} export_match;
/* Whether a group ends at this node. `uses` says how often the graph uses each node's value. */
bool export_match_find(const soma_graph *graph, const node *n, const int *uses, export_match *match);

/* A graph being written, with the names of its values. */
struct export_frame {
    export_frame *outer, *next; /* next: in the list of decompositions */
    soma_graph *graph;
    const char **names; /* OP_MAX_OUTPUTS for each node; NULL: not written yet */
    bool *needed;
    int *uses;
    export_match *matches; /* for each node; write is NULL when it stands for itself */
};

void export_fail(exporter *e, const char *format, ...) BASE_PRINTF(2, 3);
void export_no_memory(exporter *e);
/* Zeroed memory that lives as long as the exporter; NULL after a failure. */
void *export_reserve(exporter *e, size_t count, size_t size);
/* Names in use. export_take keeps a name that is new; false when memory is out. */
bool export_is_taken(const exporter *e, const char *name);
bool export_take(exporter *e, const char *name);
/* Where the name of a value stands; NULL there: it has none yet. */
const char **export_place(const export_frame *f, node_ref r);
const tensor_type *export_type(const exporter *e, node_ref r);
/* The name of a value that has been written already. */
const char *export_name(exporter *e, node_ref r);
const char *export_input(exporter *e, const node *n, int i);
/* The name that the node's value gets. */
const char *export_output(exporter *e, const node *n);
/* A name for a value in between. */
const char *export_fresh(exporter *e);
/* Adds a node that computes `output` (NULL: a fresh name); gives the output's name. Attributes go to *node_made, which
 * may be NULL. */
const char *export_node(exporter *e, const char *op, const char *output, out_node **node_made, int inputs, ...);
/* A node with the inputs and the output of the graph's node. */
void export_same_inputs(exporter *e, const char *op, const node *n, out_node **node_made);
void export_int(out_node *n, const char *name, int64_t value);
void export_real(out_node *n, const char *name, double value);
void export_text(out_node *n, const char *name, const char *value); /* `value` stays */
void export_ints(exporter *e, out_node *n, const char *name, const int64_t *values, int count);
/* Constant nodes; each gives the name of its value. The first: of data that stay where they are. */
const char *export_constant(exporter *e, const char *output, int type, const soma_shape *shape, const void *data);
const char *export_scalar(exporter *e, double value);
const char *export_floats(exporter *e, const double *values, int count);    /* one dimension */
const char *export_integers(exporter *e, const int64_t *values, int count); /* the same */
/* A shape as a value: constant, or computed from an input's when the batch is among its dimensions. */
const char *export_shape(exporter *e, const soma_shape *shape);

/* A Conv of a convolution node's window; `bias` [O] may be NULL. (onnx_ops.c) */
void export_convolution(exporter *e, const node *n, const char *output, const char *x, const char *w, const char *bias);
/* The same of a convolution's backward-data as ConvTranspose. */
void export_conv_transpose(exporter *e, const node *n, const char *output, const char *x, const char *w,
                           const char *bias);

#endif
