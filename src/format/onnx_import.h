/* format/onnx_import.h: what import rules see: one node of the file with its inputs and attributes, and where its
 * outputs go. A rule builds the node's meaning from soma's public builders. Its first failure is kept as a sentence
 * that names the node and its operator; after it every call passes through. */
#ifndef FORMAT_ONNX_IMPORT_H
#define FORMAT_ONNX_IMPORT_H

#include "format/onnx.h"
#include "format/onnx_file.h"

/* An integer that is known while the model is read; part of a shape may be a multiple of the batch. */
typedef struct known_item {
    int64_t value, batch; /* value + batch * N; at most one of them is not 0 when it matters */
} known_item;

/* A small tensor of such integers, of rank 0 or more. */
typedef struct known {
    soma_shape shape;
    size_t count;
    known_item *items;
} known;

/* What a name of the file stands for. */
typedef struct slot {
    span name;
    int type;
    const blob *data; /* of the file, not yet or also a value */
    bool is_initializer, is_running;
    const known *known;
    soma_value value; /* node 0 until made */
} slot;

typedef struct importer {
    const soma_context *context;
    soma_error *error;
    const onnx_file *file;
    soma_graph *graph;
    soma_store *store;
    onnx_model *model;
    slot *slots;
    size_t slots_count, slots_capacity;
    size_t *table; /* hash table of slot numbers + 1 */
    size_t table_size;
    size_t known_total;
    soma_value batch; /* an input with the batch among its dimensions, once there is one */
    int batch_axis;
    const onnx_node *node; /* at work */
    size_t node_index;
    bool failed;
} importer;

typedef struct import_rule {
    const char *op;
    void (*build)(importer *);
} import_rule;

/* The rules of each file; the lists end with a NULL op. */
extern const import_rule import_math[], import_shape[], import_layers[], import_resize[];

/* Failures: "cannot read 'model.onnx': node 'fc' (Gemm): …"; unsupported adds " is not supported". */
void import_fail(importer *m, const char *format, ...) BASE_PRINTF(2, 3);
void import_unsupported(importer *m, const char *format, ...) BASE_PRINTF(2, 3);

void import_no_memory(importer *m);
/* A mistake in the graph becomes the import's. */
void import_check(importer *m);

slot *slot_find(const importer *m, span name);
slot *slot_add(importer *m, span name);        /* NULL after a failure: the name is taken or can't be used */
soma_value slot_value(importer *m, slot *s);   /* makes the value when it is not there yet */
const char *slot_name(importer *m, span name); /* as a string that lives with the graph */

/* ---- Inputs ------------------------------------------------------------------------------------------------------ */

bool import_has(const importer *m, size_t input);
size_t import_count(const importer *m); /* inputs, empty names at the end left out */
/* Input as a value of the graph; fails when it is missing. */
soma_value import_value(importer *m, size_t input);
/* The same, which must be a float (or truth) value; integers computed while running are not supported. */
soma_value import_float(importer *m, size_t input);
/* As import_value for batch normalisation's running values: variables that optimizers leave alone. */
soma_value import_running(importer *m, size_t input);
int import_type(importer *m, size_t input);
/* The integers of an input that is known already; NULL when it isn't (no failure). */
const known *import_known(importer *m, size_t input);
/* The same, when the operator can't do without: fails with a sentence. */
const known *import_need_known(importer *m, size_t input, const char *what);
/* Known integers without multiples of the batch, at most `limit`; their number, or -1 after a failure. */
int import_integers(importer *m, size_t input, const char *what, int64_t *out, int limit);
/* A number known already, of a tensor with one element, of any type. */
bool import_number(importer *m, size_t input, double *number);

/* The same of several numbers, at most `limit`: how many, or -1. A multiple of the batch is NaN. */
int import_numbers(importer *m, size_t input, double *numbers, int limit);

/* ---- Attributes -------------------------------------------------------------------------------------------------- */

const attribute *import_attribute(const importer *m, const char *name);
int64_t import_int(const importer *m, const char *name, int64_t otherwise);
double import_real(const importer *m, const char *name, double otherwise);
/* The numbers of a list, at most `limit`; 0 when it isn't there, -1 after a failure. */
int import_ints(importer *m, const char *name, int64_t *out, int limit);
/* Whether the attribute is a string of this text. */
bool import_is(const importer *m, const char *name, const char *text);
/* A list given by input `input` since some opset and by an attribute before it. */
int import_list(importer *m, size_t input, const char *name, int64_t *out, int limit);
/* An axis, negative ones counted from the end; -1 after a failure. */
int import_axis(importer *m, int64_t axis, int rank);
/* A set of axes for reductions of a value of this rank. */
uint32_t import_axes(importer *m, const int64_t *axes, int count, int rank);

/* ---- Outputs ----------------------------------------------------------------------------------------------------- */

size_t import_outputs(const importer *m);
bool import_wants(const importer *m, size_t output);
void import_set(importer *m, size_t output, soma_value value, int type);
/* The output is a float value. */
void import_result(importer *m, soma_value value);
/* Room for `count` known integers of a shape, or NULL after a failure; and the output that they become. */
known *known_make(importer *m, soma_shape shape);
void import_set_known(importer *m, size_t output, known *k, int type);
/* The output is data of the file. */
void import_set_blob(importer *m, size_t output, const blob *b);

/* Keeps in the model what the file's nodes were, when all have been read. (onnx_nodes.c) */
void import_note_nodes(importer *m);

/* Evaluates the node when it is integer arithmetic over known inputs; false when it isn't. (onnx_known.c) */
bool import_evaluate(importer *m);

/* ---- Small builders ---------------------------------------------------------------------------------------------- */

soma_value import_scalar(importer *m, double value);
/* The product of dimensions from..to - 1; negative when the batch is among them; 0 when it does not fit. */
int64_t dims_product(const soma_shape *s, int from, int to);
soma_value import_reshape(importer *m, soma_value x, int rank, const int64_t *dims);

#endif
