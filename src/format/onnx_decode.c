/* format/onnx_decode.c: protobuf into the structs of onnx_file.h, by nanopb's decoder with callbacks. Nothing of
 * variable size is copied: a callback notes where in the mapped file a string or a tensor lies and skips it. The schema
 * has no recursion (a graph inside an attribute stays bytes), so nesting can't be deep; counts have limits because a
 * few bytes of file become a struct of some hundred. */
#include "format/onnx_file.h"

#if defined(SOMA_HAVE_ONNX)

#include "format/file.h"
#include "format/onnx.pb.h"

#include <limits.h>
#include <pb_decode.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODES_LIMIT = 1 << 18, LISTS_LIMIT = 1 << 16, NUMBERS_LIMIT = 1 << 24 };

/* The state of the stream: where it stands, and what every callback needs. */
typedef struct decoder {
    const char *at;
    onnx_file *file;
    const soma_context *context;
    const char *path;
    soma_error *error;
} decoder;

static decoder *decoder_of(const pb_istream_t *stream) { return stream->state; }

static bool read_memory(pb_istream_t *stream, pb_byte_t *to, size_t count) {
    decoder *d = decoder_of(stream);
    if (to && count) memcpy(to, d->at, count);
    if (count) d->at += count; /* memory without a byte may have no address */
    return true;
}

/* nanopb hands single numbers of a repeated field in a small stream of its own; everything else comes from ours. */
static bool from_file(const pb_istream_t *stream) { return stream->callback == read_memory; }

static bool refuse(decoder *d, const char *what) {
    error_set(d->error, SOMA_ERROR_INPUT, "cannot read '%s': %s", d->path, what);
    return false;
}

static bool out_of_memory(decoder *d) {
    error_memory(d->error);
    return false;
}

static bool decode_span(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    if (!from_file(stream)) return false;
    *(span *)*target = (span){decoder_of(stream)->at, stream->bytes_left};
    return pb_read(stream, NULL, stream->bytes_left);
}

static pb_callback_t to_span(span *target) { return (pb_callback_t){.funcs.decode = decode_span, .arg = target}; }

static bool decode_flag(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    *(bool *)*target = true;
    return pb_read(stream, NULL, stream->bytes_left);
}

static bool decode_count(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    ++*(size_t *)*target;
    return pb_read(stream, NULL, stream->bytes_left);
}

/* Room for one more in a growing list of at most `limit`; the new element is zero. Needs a decoder `d` at hand. */
#define GROW(list, count, capacity, limit)                                                                             \
    ((count) >= (limit) ? refuse(d, "it has more of " #list " than soma reads")                                        \
     : !mem_reserve(d->context, &(list), (count), &(capacity), sizeof *(list))                                         \
         ? out_of_memory(d)                                                                                            \
         : (memset(&(list)[count], 0, sizeof *(list)), true))

/* ---- Tensors ----------------------------------------------------------------------------------------------------- */

static bool decode_dims(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    blob *b = *target;
    while (stream->bytes_left) {
        uint64_t dim;
        if (!pb_decode_varint(stream, &dim)) return false;
        if (b->shape.rank >= SOMA_MAX_RANK || dim > INT64_MAX) {
            b->unreadable = true;
            continue;
        }
        b->shape.dims[b->shape.rank++] = (int64_t)dim;
    }
    return true;
}

static bool decode_packed(pb_istream_t *stream, const pb_field_t *field, void **target) {
    blob *b = *target;
    if (!from_file(stream) || b->packed.size) { /* single numbers, or the field in two parts: legal, never written */
        b->unreadable = true;
        return pb_read(stream, NULL, stream->bytes_left);
    }
    b->packed = (span){decoder_of(stream)->at, stream->bytes_left};
    b->packed_tag = field->tag;
    return pb_read(stream, NULL, stream->bytes_left);
}

/* Digits of a span; false when it is no number. */
static bool span_number(span s, uint64_t *number) {
    *number = 0;
    for (size_t i = 0; i < s.size; i++) {
        if (s.text[i] < '0' || s.text[i] > '9' || *number > (UINT64_MAX - 9) / 10) return false;
        *number = *number * 10 + (uint64_t)(s.text[i] - '0');
    }
    return s.size > 0;
}

static bool decode_external(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    blob *b = *target;
    span key = {0}, value = {0};
    onnx_StringStringEntryProto entry = onnx_StringStringEntryProto_init_zero;
    entry.key = to_span(&key);
    entry.value = to_span(&value);
    if (!from_file(stream) || !pb_decode(stream, onnx_StringStringEntryProto_fields, &entry)) return false;
    if (span_is(key, "location")) b->location = value;
    if (span_is(key, "offset")) b->unreadable |= !span_number(value, &b->offset);
    if (span_is(key, "length")) b->unreadable |= !span_number(value, &b->length), b->length_given = true;
    return true;
}

static bool decode_blob(pb_istream_t *stream, blob *b) {
    onnx_TensorProto t = onnx_TensorProto_init_zero;
    pb_callback_t packed = {.funcs.decode = decode_packed, .arg = b};
    memset(b, 0, sizeof *b);
    t.dims = (pb_callback_t){.funcs.decode = decode_dims, .arg = b};
    t.float_data = t.int32_data = t.int64_data = t.double_data = t.uint64_data = packed;
    t.name = to_span(&b->name);
    t.raw_data = to_span(&b->raw);
    t.external_data = (pb_callback_t){.funcs.decode = decode_external, .arg = b};
    if (!from_file(stream) || !pb_decode(stream, onnx_TensorProto_fields, &t)) return false;
    b->type = t.has_data_type ? t.data_type : 0;
    b->external = t.has_data_location && t.data_location == 1;
    int64_t elements = shape_elements(&b->shape, 1);
    if (elements < 0) b->unreadable = true;
    b->elements = elements < 0 ? 0 : (size_t)elements;
    return true;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

static bool decode_attribute_tensor(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    attribute *a = *target;
    decoder *d = decoder_of(stream);
    if (!from_file(stream)) return false;
    if (!a->t && !(a->t = mem_zeros(d->context, 1, sizeof *a->t))) return out_of_memory(d);
    return decode_blob(stream, a->t);
}

/* The numbers of one field, packed or not. A number by itself comes in nanopb's stream, which holds no decoder; the
 * message's stream is found through the wrapper. */
typedef struct numbers {
    decoder *d;
    attribute *a;
} numbers;

static bool decode_floats(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    const numbers *n = *target;
    decoder *d = n->d;
    attribute *a = n->a;
    while (stream->bytes_left) {
        if (!GROW(a->floats, a->floats_count, a->floats_capacity, NUMBERS_LIMIT)) return false;
        if (!pb_decode_fixed32(stream, &a->floats[a->floats_count])) return false;
        a->floats_count++;
    }
    return true;
}

static bool decode_ints(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    const numbers *n = *target;
    decoder *d = n->d;
    attribute *a = n->a;
    while (stream->bytes_left) {
        uint64_t number;
        if (!GROW(a->ints, a->ints_count, a->ints_capacity, NUMBERS_LIMIT)) return false;
        if (!pb_decode_varint(stream, &number)) return false;
        a->ints[a->ints_count++] = (int64_t)number;
    }
    return true;
}

static bool decode_attribute(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    onnx_node *node = *target;
    decoder *d = decoder_of(stream);
    if (!from_file(stream) || !GROW(node->attributes, node->attributes_count, node->attributes_capacity, LISTS_LIMIT))
        return false;
    attribute *a = &node->attributes[node->attributes_count++];
    numbers n = {d, a};
    onnx_AttributeProto p = onnx_AttributeProto_init_zero;
    p.name = to_span(&a->name);
    p.s = to_span(&a->s);
    p.t = (pb_callback_t){.funcs.decode = decode_attribute_tensor, .arg = a};
    p.g = (pb_callback_t){.funcs.decode = decode_flag, .arg = &a->has_graph};
    p.floats = (pb_callback_t){.funcs.decode = decode_floats, .arg = &n};
    p.ints = (pb_callback_t){.funcs.decode = decode_ints, .arg = &n};
    p.strings = (pb_callback_t){.funcs.decode = decode_count, .arg = &a->strings_count};
    if (!pb_decode(stream, onnx_AttributeProto_fields, &p)) return false;
    a->type = p.has_type ? p.type : 0;
    a->has_f = p.has_f;
    a->f = p.f;
    a->has_i = p.has_i;
    a->i = p.i;
    a->has_s = a->s.text != NULL;
    return true;
}

static bool decode_input(pb_istream_t *stream, const pb_field_t *field, void **target) {
    onnx_node *node = *target;
    decoder *d = decoder_of(stream);
    if (!from_file(stream) || !GROW(node->inputs, node->inputs_count, node->inputs_capacity, LISTS_LIMIT)) return false;
    void *place = &node->inputs[node->inputs_count++];
    return decode_span(stream, field, &place);
}

static bool decode_output(pb_istream_t *stream, const pb_field_t *field, void **target) {
    onnx_node *node = *target;
    decoder *d = decoder_of(stream);
    if (!from_file(stream) || !GROW(node->outputs, node->outputs_count, node->outputs_capacity, LISTS_LIMIT))
        return false;
    void *place = &node->outputs[node->outputs_count++];
    return decode_span(stream, field, &place);
}

static bool decode_node(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    onnx_file *f = *target;
    decoder *d = decoder_of(stream);
    if (!from_file(stream) || !GROW(f->nodes, f->nodes_count, f->nodes_capacity, NODES_LIMIT)) return false;
    onnx_node *node = &f->nodes[f->nodes_count++];
    onnx_NodeProto p = onnx_NodeProto_init_zero;
    p.input = (pb_callback_t){.funcs.decode = decode_input, .arg = node};
    p.output = (pb_callback_t){.funcs.decode = decode_output, .arg = node};
    p.attribute = (pb_callback_t){.funcs.decode = decode_attribute, .arg = node};
    p.name = to_span(&node->name);
    p.op_type = to_span(&node->op);
    p.domain = to_span(&node->domain);
    return pb_decode(stream, onnx_NodeProto_fields, &p);
}

/* ---- The graph --------------------------------------------------------------------------------------------------- */

static bool decode_initializer(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    onnx_file *f = *target;
    decoder *d = decoder_of(stream);
    if (!from_file(stream) || !GROW(f->initializers, f->initializers_count, f->initializers_capacity, NODES_LIMIT))
        return false;
    return decode_blob(stream, &f->initializers[f->initializers_count++]);
}

static bool decode_dim(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    value_info *v = *target;
    span name = {0};
    onnx_DimensionProto p = onnx_DimensionProto_init_zero;
    p.dim_param = to_span(&name);
    if (!from_file(stream) || !pb_decode(stream, onnx_DimensionProto_fields, &p)) return false;
    if (v->rank < SOMA_MAX_RANK) v->dims[v->rank] = p.has_dim_value ? p.dim_value : -1;
    v->rank++;
    if (p.has_dim_value && p.dim_value < 0) return refuse(decoder_of(stream), "a dimension is negative");
    return v->rank < LISTS_LIMIT;
}

static bool decode_shape(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    value_info *v = *target;
    onnx_TensorShapeProto p = onnx_TensorShapeProto_init_zero;
    p.dim = (pb_callback_t){.funcs.decode = decode_dim, .arg = v};
    v->shape_given = true;
    return from_file(stream) && pb_decode(stream, onnx_TensorShapeProto_fields, &p);
}

static bool decode_tensor_type(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    value_info *v = *target;
    onnx_TensorTypeProto p = onnx_TensorTypeProto_init_zero;
    p.shape = (pb_callback_t){.funcs.decode = decode_shape, .arg = v};
    if (!from_file(stream) || !pb_decode(stream, onnx_TensorTypeProto_fields, &p)) return false;
    v->type = p.has_elem_type ? p.elem_type : 0;
    return true;
}

static bool decode_type(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    onnx_TypeProto p = onnx_TypeProto_init_zero;
    p.tensor_type = (pb_callback_t){.funcs.decode = decode_tensor_type, .arg = *target};
    return from_file(stream) && pb_decode(stream, onnx_TypeProto_fields, &p);
}

static bool decode_value_info(pb_istream_t *stream, value_info *v) {
    onnx_ValueInfoProto p = onnx_ValueInfoProto_init_zero;
    p.name = to_span(&v->name);
    p.type = (pb_callback_t){.funcs.decode = decode_type, .arg = v};
    return from_file(stream) && pb_decode(stream, onnx_ValueInfoProto_fields, &p);
}

static bool decode_graph_input(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    onnx_file *f = *target;
    decoder *d = decoder_of(stream);
    if (!from_file(stream) || !GROW(f->inputs, f->inputs_count, f->inputs_capacity, NODES_LIMIT)) return false;
    return decode_value_info(stream, &f->inputs[f->inputs_count++]);
}

static bool decode_graph_output(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    onnx_file *f = *target;
    decoder *d = decoder_of(stream);
    if (!from_file(stream) || !GROW(f->outputs, f->outputs_count, f->outputs_capacity, LISTS_LIMIT)) return false;
    return decode_value_info(stream, &f->outputs[f->outputs_count++]);
}

static bool decode_graph(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    onnx_file *f = *target;
    onnx_GraphProto p = onnx_GraphProto_init_zero;
    p.node = (pb_callback_t){.funcs.decode = decode_node, .arg = f};
    p.initializer = (pb_callback_t){.funcs.decode = decode_initializer, .arg = f};
    p.input = (pb_callback_t){.funcs.decode = decode_graph_input, .arg = f};
    p.output = (pb_callback_t){.funcs.decode = decode_graph_output, .arg = f};
    p.sparse_initializer = (pb_callback_t){.funcs.decode = decode_count, .arg = &f->sparse_count};
    if (!from_file(stream)) return false;
    if (f->has_graph) return refuse(decoder_of(stream), "it has two graphs");
    f->has_graph = true;
    return pb_decode(stream, onnx_GraphProto_fields, &p);
}

static bool decode_opset(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    onnx_file *f = *target;
    span domain = {0};
    onnx_OperatorSetIdProto p = onnx_OperatorSetIdProto_init_zero;
    p.domain = to_span(&domain);
    if (!from_file(stream) || !pb_decode(stream, onnx_OperatorSetIdProto_fields, &p)) return false;
    if (domain.size == 0 || span_is(domain, "ai.onnx")) f->opset = p.version;
    return true;
}

static bool decode_metadata(pb_istream_t *stream, const pb_field_t *field, void **target) {
    (void)field;
    onnx_file *f = *target;
    decoder *d = decoder_of(stream);
    onnx_StringStringEntryProto p = onnx_StringStringEntryProto_init_zero;
    if (!from_file(stream) || !GROW(f->metadata, f->metadata_count, f->metadata_capacity, LISTS_LIMIT)) return false;
    p.key = to_span(&f->metadata[f->metadata_count].key);
    p.value = to_span(&f->metadata[f->metadata_count].value);
    f->metadata_count++;
    return pb_decode(stream, onnx_StringStringEntryProto_fields, &p);
}

static bool decode_model(decoder *d, size_t size) {
    onnx_file *f = d->file;
    onnx_ModelProto p = onnx_ModelProto_init_zero;
    pb_istream_t stream = {.callback = read_memory, .state = d, .bytes_left = size};
    p.producer_name = to_span(&f->producer);
    p.graph = (pb_callback_t){.funcs.decode = decode_graph, .arg = f};
    p.opset_import = (pb_callback_t){.funcs.decode = decode_opset, .arg = f};
    p.metadata_props = (pb_callback_t){.funcs.decode = decode_metadata, .arg = f};
    if (!pb_decode(&stream, onnx_ModelProto_fields, &p))
        return refuse(d, "it is damaged or no ONNX file (its protobuf encoding ends early or is wrong)");
    f->ir_version = p.has_ir_version ? p.ir_version : 0;
    if (!f->has_graph) return refuse(d, "it is no ONNX model: there is no graph in it");
    if (f->sparse_count) return refuse(d, "sparse initializers are not supported");
    return true;
}

/* ---- External data ----------------------------------------------------------------------------------------------- */

struct onnx_external {
    onnx_external *next;
    span location;
    file_view view;
};

/* The file beside the model that `location` names, mapped once. What it resolves to must lie below the model's folder.
 */
static const file_view *external_map(decoder *d, span location) {
    char path[PATH_MAX], folder[PATH_MAX], real_folder[PATH_MAX], real_path[PATH_MAX];
    for (onnx_external *e = d->file->external; e; e = e->next)
        if (span_equal(e->location, location)) return &e->view;
    const char *slash = strrchr(d->path, '/');
    size_t length = slash ? (size_t)(slash - d->path) + 1 : 0;
    if (!location.size || location.text[0] == '/' || memchr(location.text, 0, location.size) ||
        length + location.size + 3 > PATH_MAX) {
        refuse(d, "the place of its external data is no relative path");
        return NULL;
    }
    snprintf(folder, sizeof folder, "%.*s.", (int)length, d->path);
    snprintf(path, sizeof path, "%.*s%.*s", (int)length, d->path, (int)location.size, location.text);
    if (!realpath(folder, real_folder) || !realpath(path, real_path)) {
        error_set(d->error, SOMA_ERROR_INPUT, "cannot read '%s': its external data '%s' can't be found", d->path, path);
        return NULL;
    }
    size_t inside = strlen(real_folder);
    if (strncmp(real_path, real_folder, inside) != 0 || (real_path[inside] != '/' && inside > 1)) {
        refuse(d, "its external data lie outside the model's folder");
        return NULL;
    }
    onnx_external *e = mem_zeros(d->context, 1, sizeof *e);
    if (!e) return out_of_memory(d), NULL;
    if (file_map(real_path, &e->view, d->error)) {
        mem_free(d->context, e);
        return NULL;
    }
    e->location = location;
    e->next = d->file->external;
    d->file->external = e;
    return &e->view;
}

static bool external_resolve(decoder *d, blob *b, bool mapped) {
    if (!b->external || b->unreadable) return true;
    if (!mapped) return refuse(d, "external data can't be read with a model in memory");
    const file_view *view = external_map(d, b->location);
    if (!view) return false;
    if (b->offset > view->size) return refuse(d, "its external data are cut short");
    uint64_t length = b->length_given ? b->length : view->size - b->offset;
    if (length > view->size - b->offset) return refuse(d, "its external data are cut short");
    b->raw = (span){(const char *)view->data + b->offset, (size_t)length};
    return true;
}

static bool external_resolve_all(decoder *d, bool mapped) {
    onnx_file *f = d->file;
    for (size_t i = 0; i < f->initializers_count; i++)
        if (!external_resolve(d, &f->initializers[i], mapped)) return false;
    for (size_t i = 0; i < f->nodes_count; i++)
        for (size_t k = 0; k < f->nodes[i].attributes_count; k++)
            if (f->nodes[i].attributes[k].t && !external_resolve(d, f->nodes[i].attributes[k].t, mapped)) return false;
    return true;
}

/* ---- Opening and closing ----------------------------------------------------------------------------------------- */

onnx_file *onnx_file_open(const void *bytes, size_t size, const char *path, bool mapped, const soma_context *context,
                          soma_error *error) {
    onnx_file *f = mem_zeros(context, 1, sizeof *f);
    if (!f) return error_memory(error), NULL;
    f->context = context;
    f->path = path;
    f->mapped = mapped;
    decoder d = {bytes, f, context, path, error};
    if (decode_model(&d, size) && external_resolve_all(&d, mapped)) return f;
    onnx_file_close(f);
    return NULL;
}

static void node_free(const soma_context *context, onnx_node *node) {
    for (size_t i = 0; i < node->attributes_count; i++) {
        mem_free(context, node->attributes[i].t);
        mem_free(context, node->attributes[i].floats);
        mem_free(context, node->attributes[i].ints);
    }
    mem_free(context, node->attributes);
    mem_free(context, node->inputs);
    mem_free(context, node->outputs);
}

void onnx_file_close(onnx_file *file) {
    if (!file) return;
    const soma_context *context = file->context;
    for (size_t i = 0; i < file->nodes_count; i++) node_free(context, &file->nodes[i]);
    for (onnx_external *e = file->external, *next; e; e = next) {
        next = e->next;
        file_unmap(&e->view);
        mem_free(context, e);
    }
    mem_free(context, file->nodes);
    mem_free(context, file->initializers);
    mem_free(context, file->inputs);
    mem_free(context, file->outputs);
    mem_free(context, file->metadata);
    mem_free(context, file);
}

int blob_decode(const void *bytes, size_t size, const char *path, const soma_context *context, blob *b,
                soma_error *error) {
    decoder d = {bytes, NULL, context, path, error};
    pb_istream_t stream = {.callback = read_memory, .state = &d, .bytes_left = size};
    if (!decode_blob(&stream, b))
        return error_set(error, SOMA_ERROR_INPUT, "cannot read '%s': it is no TensorProto", path);
    return blob_check(b, path, error);
}

#endif
