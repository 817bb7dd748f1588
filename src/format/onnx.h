/* format/onnx.h: models as ONNX files, opset 17 and IR 8 when written.
 *
 * onnx_write walks an inference graph back from its outputs and writes every node as standard ONNX operators. Variables
 * become initializers of the same name; scalars and constants become Constant nodes, so that the elements of the
 * initializers are the parameters (and batch normalisation's running values). The batch is the symbolic dimension "N".
 * The same graph and weights give the same bytes: a file holds no time, path, seed or thread count.
 *
 * onnx_read makes a graph through soma's public builders and fills a store. Floating-point initializers with at least
 * one dimension become variables (trainable, except batch normalisation's running values), so that a model that was
 * read can be trained further; all other initializers and Constant nodes become constants. Floats of any width are read
 * as float, integers of any width as int64, booleans as float 0 or 1. A symbolic first dimension is SOMA_BATCH; a fixed
 * batch stays fixed. Everything in the file is checked before it is used, and what can't be read is refused by one
 * sentence that names node and operator.
 *
 * Built without nanopb (SOMA_HAVE_ONNX not defined) both functions fail with a sentence that says so. */
#ifndef FORMAT_ONNX_H
#define FORMAT_ONNX_H

#include <soma/graph.h>
#include <soma/plan.h>

/* A value under the name that it has in the file. */
typedef struct onnx_value {
    const char *name;
    soma_value value;
} onnx_value;

/* One entry of the model's metadata_props. */
typedef struct onnx_pair {
    const char *key, *value;
} onnx_pair;

/* What onnx_write writes; everything is borrowed for the time of the call. */
typedef struct onnx_export {
    const onnx_value *inputs; /* nodes of soma_input; those that no output depends on are declared all the same */
    size_t inputs_count;
    const onnx_value *outputs; /* at least one, all of one graph */
    size_t outputs_count;
    const soma_store *store;   /* values of the variables; may be NULL when the graph has none */
    const onnx_pair *metadata; /* in the order in which they are written */
    size_t metadata_count;
} onnx_export;

/* Writes the file as a whole or not at all: a failure leaves the old file as it was. Returns SOMA_OK or a code. */
int onnx_write(const onnx_export *model, const char *path, soma_error *error);
/* The same into memory of the context; the caller ends *bytes with mem_free(context, …). */
int onnx_write_memory(const onnx_export *model, const soma_context *context, unsigned char **bytes, size_t *size,
                      soma_error *error);

/* A node of the file, for people who look at the network. Of an output that is no value of the graph (integers known
 * while reading, data of the file) the value has no node. */
typedef struct onnx_step {
    const char *op, *name, *attributes; /* attributes: "kernel_shape 3 3, strides 2 2" */
    const char *const *inputs;          /* "" for one that is left out */
    size_t inputs_count;
    const onnx_value *outputs;
    size_t outputs_count;
} onnx_step;

/* A model that was read; ended by onnx_model_destroy, which destroys the graph too unless `graph` was set to NULL. The
 * strings live as long as the graph. */
typedef struct onnx_model {
    const soma_context *context;
    soma_graph *graph;
    onnx_value *inputs; /* the inputs that the caller must set: the file's without those that have initializers */
    size_t inputs_count;
    onnx_value *outputs;
    size_t outputs_count;
    onnx_pair *metadata;
    size_t metadata_count;
    int64_t opset, ir_version;
    const char *producer;   /* producer_name of the file, "" when it has none */
    int *input_types;       /* ONNX element types as the file declares them: 1 float, 7 int64, 9 bool, … */
    int *output_types;      /* 0 where the file leaves them open */
    int64_t parameters;     /* see onnx_parameters */
    const onnx_step *nodes; /* as in the file; they live as long as the graph */
    size_t nodes_count;
} onnx_model;

/* Reads a model; the store receives the variables' values (those that it holds already under the same name and shape
 * are overwritten) and may serve plans of the graph at once. NULL and a sentence on failure; the store may then hold
 * some of the variables. `context` may be NULL. */
onnx_model *onnx_read(const char *path, const soma_context *context, soma_store *store, soma_error *error);
/* The same from memory, which is not needed after the call. `name` stands for the path in messages; external data are
 * refused. */
onnx_model *onnx_read_memory(const void *bytes, size_t size, const char *name, const soma_context *context,
                             soma_store *store, soma_error *error);
void onnx_model_destroy(onnx_model *model);

/* The value of a metadata key, or NULL. */
const char *onnx_metadata(const onnx_model *model, const char *key);
/* An input or output by name; a value without a node when there is none. */
soma_value onnx_input(const onnx_model *model, const char *name);
soma_value onnx_output(const onnx_model *model, const char *name);
/* Elements of all initializers except batch normalisation's running mean and variance. */
int64_t onnx_parameters(const onnx_model *model);

/* One tensor of a .pb file (a serialized TensorProto) as floats or int64s, for `soma run` and the conformance tests. */
typedef struct onnx_tensor {
    char *name;       /* "" when it has none */
    int type;         /* ONNX element type of the file */
    soma_dtype dtype; /* how `data` holds it */
    soma_shape shape;
    void *data; /* float or int64_t */
} onnx_tensor;
int onnx_tensor_read(const char *path, const soma_context *context, onnx_tensor *tensor, soma_error *error);
void onnx_tensor_free(const soma_context *context, onnx_tensor *tensor);

#endif
