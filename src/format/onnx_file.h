/* format/onnx_file.h: an ONNX file as plain structs whose strings and tensors still lie in the mapped file.
 *
 * onnx_file_open checks what can be checked without knowing any operator: wire format, counts, ranks, products of
 * dimensions against the bytes that are there, the place of external data. */
#ifndef FORMAT_ONNX_FILE_H
#define FORMAT_ONNX_FILE_H

#include "base/base.h"

/* ONNX's element types. */
enum {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_UINT16 = 4,
    ONNX_INT16 = 5,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_STRING = 8,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_UINT32 = 12,
    ONNX_UINT64 = 13,
    ONNX_BFLOAT16 = 16
};
bool onnx_type_real(int type);    /* a floating-point type */
bool onnx_type_integer(int type); /* an integer type, bool not included */
const char *onnx_type_name(int type);

/* ONNX's attribute types. */
enum {
    ONNX_AT_FLOAT = 1,
    ONNX_AT_INT = 2,
    ONNX_AT_STRING = 3,
    ONNX_AT_TENSOR = 4,
    ONNX_AT_FLOATS = 6,
    ONNX_AT_INTS = 7
};

/* Bytes inside the file. */
typedef struct span {
    const char *text;
    size_t size;
} span;
bool span_is(span s, const char *text);
bool span_equal(span a, span b);

/* A TensorProto. */
typedef struct blob {
    span name;
    int type;
    soma_shape shape;
    size_t elements;
    span raw, packed; /* its data: raw, or a packed field of numbers, or neither when it has no elements */
    int packed_tag;   /* which field `packed` is */
    bool external, unreadable;
    span location;
    uint64_t offset, length;
    bool length_given;
} blob;

typedef struct attribute {
    span name, s;
    int type; /* 0 when the file leaves it open */
    float f;
    int64_t i;
    bool has_f, has_i, has_s, has_graph;
    blob *t;
    float *floats;
    int64_t *ints;
    size_t floats_count, floats_capacity, ints_count, ints_capacity, strings_count;
} attribute;

typedef struct onnx_node {
    span name, op, domain;
    span *inputs, *outputs;
    attribute *attributes;
    size_t inputs_count, inputs_capacity, outputs_count, outputs_capacity, attributes_count, attributes_capacity;
} onnx_node;

/* A graph input or output. Dimensions that are not numbers are -1. */
typedef struct value_info {
    span name;
    int type; /* 0: not a tensor, or open */
    bool shape_given;
    int rank;
    int64_t dims[SOMA_MAX_RANK];
} value_info;

typedef struct metadata_entry {
    span key, value;
} metadata_entry;

typedef struct onnx_external onnx_external;
typedef struct onnx_file {
    const soma_context *context;
    const char *path;
    int64_t ir_version, opset;
    span producer;
    bool has_graph;
    bool mapped; /* the bytes are a file's, not the caller's memory */
    onnx_node *nodes;
    blob *initializers;
    value_info *inputs, *outputs;
    metadata_entry *metadata;
    size_t nodes_count, nodes_capacity, initializers_count, initializers_capacity, inputs_count, inputs_capacity,
        outputs_count, outputs_capacity, metadata_count, metadata_capacity, sparse_count;
    onnx_external *external; /* mapped files of external data */
} onnx_file;

/* Decodes; `mapped`: the bytes are a mapped file, beside which external data may lie. They must stay. NULL on failure.
 */
onnx_file *onnx_file_open(const void *bytes, size_t size, const char *path, bool mapped, const soma_context *context,
                          soma_error *error);
void onnx_file_close(onnx_file *file);

/* Decodes one serialized TensorProto. */
int blob_decode(const void *bytes, size_t size, const char *path, const soma_context *context, blob *b,
                soma_error *error);
/* Makes sure that the tensor's type can be read and that its bytes are all there. `what` names it in messages. */
int blob_check(const blob *b, const char *path, soma_error *error);
/* Elements as numbers; the blob has passed blob_check and the array has room for b->elements. */
void blob_floats(const blob *b, float *out);
/* As blob_floats, from a mapped file: what has been read doesn't stay in memory beside its copy. */
void blob_floats_once(const blob *b, float *out);
void blob_doubles(const blob *b, double *out);
void blob_integers(const blob *b, int64_t *out); /* floats are cut towards zero, out of range becomes 0 */

#endif
