/* format/onnx_encode.c: the lists of onnx_export.h as protobuf, by nanopb's encoder with callbacks. Protobuf puts a
 * message's length before it, so each message is walked once to count and once to write; counting skips the tensors'
 * bytes, and nothing is ever held in memory but the piece being written. */
#include "format/onnx_export.h"

#if defined(SOMA_HAVE_ONNX)

#include "format/onnx.pb.h"

#include <pb_encode.h>
#include <stdio.h>

enum { IR_VERSION = 8, OPSET = 17, CHUNK = 1024 };

static pb_callback_t with(bool (*encode)(pb_ostream_t *, const pb_field_t *, void *const *), const void *argument) {
    pb_callback_t c = {.funcs.encode = encode, .arg = (void *)(uintptr_t)argument};
    return c;
}

static bool encode_bytes(pb_ostream_t *stream, const pb_field_t *field, const void *bytes, size_t size) {
    return pb_encode_tag_for_field(stream, field) && pb_encode_string(stream, bytes, size);
}

static bool encode_string(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const char *text = *argument;
    return encode_bytes(stream, field, text, strlen(text));
}

static pb_callback_t string(const char *text) {
    return text && *text ? with(encode_string, text) : (pb_callback_t){.arg = NULL};
}

static bool encode_message(pb_ostream_t *stream, const pb_field_t *field, const pb_msgdesc_t *type,
                           const void *message) {
    return pb_encode_tag_for_field(stream, field) && pb_encode_submessage(stream, type, message);
}

/* ---- Tensors ----------------------------------------------------------------------------------------------------- */

static bool encode_dims(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_tensor *t = *argument;
    for (int i = 0; i < t->rank; i++)
        if (!pb_encode_tag_for_field(stream, field) || !pb_encode_varint(stream, (uint64_t)t->dims[i])) return false;
    return true;
}

static bool encode_doubles(pb_ostream_t *stream, const double *from, size_t count) {
    float piece[CHUNK];
    if (!stream->callback) return pb_write(stream, NULL, count * sizeof(float));
    while (count) {
        size_t n = count < CHUNK ? count : CHUNK;
        for (size_t i = 0; i < n; i++) piece[i] = (float)from[i];
        if (!pb_write(stream, (const pb_byte_t *)piece, n * sizeof *piece)) return false;
        from += n;
        count -= n;
    }
    return true;
}

static bool encode_raw(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_tensor *t = *argument;
    size_t bytes = t->count * (t->type == ONNX_INT64 ? sizeof(int64_t) : sizeof(float));
    if (!t->doubles) return encode_bytes(stream, field, t->data, bytes);
    return pb_encode_tag_for_field(stream, field) && pb_encode_varint(stream, bytes) &&
           encode_doubles(stream, t->data, t->count);
}

static bool encode_tensor(pb_ostream_t *stream, const pb_field_t *field, const out_tensor *t) {
    onnx_TensorProto p = onnx_TensorProto_init_zero;
    p.dims = with(encode_dims, t);
    p.has_data_type = true;
    p.data_type = t->type;
    p.name = string(t->name);
    p.raw_data = with(encode_raw, t);
    return encode_message(stream, field, onnx_TensorProto_fields, &p);
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

static bool encode_ints(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_attribute *a = *argument;
    for (size_t i = 0; i < a->ints_count; i++)
        if (!pb_encode_tag_for_field(stream, field) || !pb_encode_varint(stream, (uint64_t)a->ints[i])) return false;
    return true;
}

static bool encode_attribute_tensor(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_attribute *a = *argument;
    return encode_tensor(stream, field, a->t);
}

static bool encode_attributes(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_node *n = *argument;
    for (size_t i = 0; i < n->attributes_count; i++) {
        const out_attribute *a = &n->attributes[i];
        onnx_AttributeProto p = onnx_AttributeProto_init_zero;
        p.name = string(a->name);
        p.has_type = true;
        p.type = a->type;
        p.has_f = a->type == ONNX_AT_FLOAT;
        p.f = a->f;
        p.has_i = a->type == ONNX_AT_INT;
        p.i = a->i;
        if (a->type == ONNX_AT_STRING) p.s = string(a->s);
        if (a->type == ONNX_AT_INTS) p.ints = with(encode_ints, a);
        if (a->type == ONNX_AT_TENSOR) p.t = with(encode_attribute_tensor, a);
        if (!encode_message(stream, field, onnx_AttributeProto_fields, &p)) return false;
    }
    return true;
}

static bool encode_inputs(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_node *n = *argument;
    for (size_t i = 0; i < n->inputs_count; i++)
        if (!encode_bytes(stream, field, n->inputs[i], strlen(n->inputs[i]))) return false;
    return true;
}

static bool encode_nodes(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_model *m = *argument;
    for (size_t i = 0; i < m->nodes_count; i++) {
        const out_node *n = m->nodes[i];
        onnx_NodeProto p = onnx_NodeProto_init_zero;
        p.input = with(encode_inputs, n);
        p.output = string(n->output);
        p.name = string(n->output);
        p.op_type = string(n->op);
        p.attribute = with(encode_attributes, n);
        if (!encode_message(stream, field, onnx_NodeProto_fields, &p)) return false;
    }
    return true;
}

/* ---- The graph --------------------------------------------------------------------------------------------------- */

static bool encode_initializers(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_model *m = *argument;
    for (size_t i = 0; i < m->initializers_count; i++)
        if (!encode_tensor(stream, field, &m->initializers[i])) return false;
    return true;
}

/* The batch is "N", twice the batch "2N". */
static bool encode_value_dims(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const soma_shape *s = *argument;
    for (int i = 0; i < s->rank; i++) {
        char symbol[24] = "N";
        onnx_DimensionProto p = onnx_DimensionProto_init_zero;
        if (s->dims[i] < -1) snprintf(symbol, sizeof symbol, "%lldN", (long long)-s->dims[i]);
        if (s->dims[i] < 0) p.dim_param = string(symbol);
        p.has_dim_value = s->dims[i] >= 0;
        p.dim_value = s->dims[i];
        if (!encode_message(stream, field, onnx_DimensionProto_fields, &p)) return false;
    }
    return true;
}

static bool encode_value_shape(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    onnx_TensorShapeProto p = onnx_TensorShapeProto_init_zero;
    p.dim = with(encode_value_dims, *argument);
    return encode_message(stream, field, onnx_TensorShapeProto_fields, &p);
}

static bool encode_tensor_type(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const tensor_type *t = *argument;
    onnx_TensorTypeProto p = onnx_TensorTypeProto_init_zero;
    p.has_elem_type = true;
    p.elem_type = t->dtype == SOMA_INT64 ? ONNX_INT64 : ONNX_FLOAT;
    p.shape = with(encode_value_shape, &t->shape);
    return encode_message(stream, field, onnx_TensorTypeProto_fields, &p);
}

static bool encode_type(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    onnx_TypeProto p = onnx_TypeProto_init_zero;
    p.tensor_type = with(encode_tensor_type, *argument);
    return encode_message(stream, field, onnx_TypeProto_fields, &p);
}

static bool encode_values(pb_ostream_t *stream, const pb_field_t *field, const out_value *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        onnx_ValueInfoProto p = onnx_ValueInfoProto_init_zero;
        p.name = string(values[i].name);
        p.type = with(encode_type, &values[i].type);
        if (!encode_message(stream, field, onnx_ValueInfoProto_fields, &p)) return false;
    }
    return true;
}

static bool encode_graph_inputs(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_model *m = *argument;
    return encode_values(stream, field, m->inputs, m->inputs_count);
}

static bool encode_graph_outputs(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_model *m = *argument;
    return encode_values(stream, field, m->outputs, m->outputs_count);
}

static bool encode_graph(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_model *m = *argument;
    onnx_GraphProto p = onnx_GraphProto_init_zero;
    p.node = with(encode_nodes, m);
    p.name = string("soma");
    p.initializer = with(encode_initializers, m);
    p.input = with(encode_graph_inputs, m);
    p.output = with(encode_graph_outputs, m);
    return encode_message(stream, field, onnx_GraphProto_fields, &p);
}

static bool encode_opset(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    (void)argument;
    onnx_OperatorSetIdProto p = onnx_OperatorSetIdProto_init_zero;
    p.has_version = true;
    p.version = OPSET;
    return encode_message(stream, field, onnx_OperatorSetIdProto_fields, &p);
}

static bool encode_metadata(pb_ostream_t *stream, const pb_field_t *field, void *const *argument) {
    const out_model *m = *argument;
    for (size_t i = 0; i < m->metadata_count; i++) {
        onnx_StringStringEntryProto p = onnx_StringStringEntryProto_init_zero;
        p.key = string(m->metadata[i].key);
        p.value = string(m->metadata[i].value);
        if (!encode_message(stream, field, onnx_StringStringEntryProto_fields, &p)) return false;
    }
    return true;
}

static bool to_sink(pb_ostream_t *stream, const pb_byte_t *bytes, size_t size) {
    const out_sink *sink = stream->state;
    return sink->write(sink->user, bytes, size) == SOMA_OK;
}

int onnx_encode(const out_model *model, out_sink sink, soma_error *error) {
    onnx_ModelProto p = onnx_ModelProto_init_zero;
    pb_ostream_t stream = {.callback = to_sink, .state = &sink, .max_size = SIZE_MAX};
    p.has_ir_version = true;
    p.ir_version = IR_VERSION;
    p.producer_name = string("soma");
    p.producer_version = string(soma_version());
    p.graph = with(encode_graph, model);
    p.opset_import = with(encode_opset, model);
    p.metadata_props = with(encode_metadata, model);
    return pb_encode(&stream, onnx_ModelProto_fields, &p)
               ? SOMA_OK
               : error_set(error, SOMA_ERROR_IO, "the model could not be encoded as ONNX");
}

#endif
