/* wasm/model.c: an ONNX file in memory, run as it is and looked into: its nodes as the file has them, any value between
 * two of them, and its weights. */
#include "binding.h"
#include "format/onnx.h"

struct model {
    onnx_model *file;
    soma_store *store;
    part part;
    soma_value inner; /* a value between nodes that is computed too; without a node: none is wanted */
};

model *model_load(const void *bytes, size_t size, soma_error *error) {
    model *m = mem_zeros(NULL, 1, sizeof *m);
    if (!m) return error_memory(error), NULL;
    m->store = soma_store_create(SOMA_OPTIONS(soma_store_options){.seed = 0}, error);
    if (m->store) m->file = onnx_read_memory(bytes, size, "the model", NULL, m->store, error);
    if (m->file) return m;
    model_destroy(m);
    return NULL;
}

void model_destroy(model *m) {
    if (!m) return;
    part_clear(&m->part);
    onnx_model_destroy(m->file);
    soma_store_destroy(m->store);
    mem_free(NULL, m);
}

/* ---- What it says of itself ---------------------------------------------------------------------------------------
 */

size_t model_inputs(const model *m) { return m->file->inputs_count; }
size_t model_outputs(const model *m) { return m->file->outputs_count; }
double model_parameters(const model *m) { return (double)m->file->parameters; }
int model_opset(const model *m) { return (int)m->file->opset; }
const char *model_producer(const model *m) { return m->file->producer; }

const char *model_metadata(const model *m, const char *key) {
    const char *value = onnx_metadata(m->file, key);
    return value ? value : "";
}

static const onnx_value *value_at(const model *m, int output, size_t index) {
    return output ? &m->file->outputs[index] : &m->file->inputs[index];
}

static int put_shape(const soma_shape *shape, int32_t *dims) {
    for (int i = 0; i < shape->rank; i++) dims[i] = (int32_t)shape->dims[i];
    return shape->rank;
}

const char *model_value_name(const model *m, int output, size_t index) { return value_at(m, output, index)->name; }

int model_value_shape(const model *m, int output, size_t index, int32_t *dims) {
    soma_shape shape = soma_value_shape(value_at(m, output, index)->value);
    return put_shape(&shape, dims);
}

/* ---- Its nodes ----------------------------------------------------------------------------------------------------
 */

size_t model_nodes(const model *m) { return m->file->nodes_count; }

const char *model_node_text(const model *m, size_t node, int what) {
    const onnx_step *n = &m->file->nodes[node];
    return what == 0 ? n->op : what == 1 ? n->name : n->attributes;
}

size_t model_node_ends(const model *m, size_t node, int output) {
    const onnx_step *n = &m->file->nodes[node];
    return output ? n->outputs_count : n->inputs_count;
}

const char *model_node_end(const model *m, size_t node, int output, size_t index) {
    const onnx_step *n = &m->file->nodes[node];
    return output ? n->outputs[index].name : n->inputs[index];
}

int model_node_shape(const model *m, size_t node, size_t output, int32_t *dims) {
    soma_value v = m->file->nodes[node].outputs[output].value;
    if (!v.node) return -1;
    soma_shape shape = soma_value_shape(v);
    return put_shape(&shape, dims);
}

/* ---- Its weights --------------------------------------------------------------------------------------------------
 */

size_t model_weights(const model *m) { return soma_store_count(m->store); }
const char *model_weight_name(const model *m, size_t index) { return soma_store_name(m->store, index); }

int model_weight_shape(const model *m, size_t index, int32_t *dims) {
    soma_shape shape = soma_store_shape(m->store, soma_store_name(m->store, index));
    return put_shape(&shape, dims);
}

int model_weight_get(const model *m, size_t index, float *values, size_t count, soma_error *error) {
    return soma_store_get(m->store, soma_store_name(m->store, index), values, count, error);
}

/* ---- Running ------------------------------------------------------------------------------------------------------
 */

/* The plan is made for the largest batch met so far, and anew for another inner value. */
static int prepare(model *m, size_t rows, soma_error *error) {
    if (m->part.rows >= (int64_t)rows) return SOMA_OK;
    size_t count = m->file->outputs_count;
    soma_value *outputs = mem_array(NULL, count + 1, sizeof *outputs);
    if (!outputs) return error_memory(error);
    for (size_t i = 0; i < count; i++) outputs[i] = m->file->outputs[i].value;
    if (m->inner.node) outputs[count++] = m->inner;
    soma_plan_options options = {.max_batch = (int64_t)rows, .store = m->store, .threads = 1};
    part_make(&m->part, outputs, count, options, error);
    mem_free(NULL, outputs);
    return error->code;
}

void model_choose(model *m, int node, size_t output) {
    m->inner = (soma_value){.node = 0};
    if (node >= 0) m->inner = m->file->nodes[node].outputs[output].value;
    part_clear(&m->part);
}

/* Inputs of whole numbers are given as floats too. */
static int set_whole(model *m, soma_value input, const float *values, size_t rows, soma_error *error) {
    soma_shape shape = soma_value_shape(input);
    size_t count = 1;
    for (int i = 0; i < shape.rank; i++)
        count *= shape.dims[i] < 0 ? (size_t)-shape.dims[i] * rows : (size_t)shape.dims[i];
    int64_t *whole = mem_array(NULL, count, sizeof *whole);
    if (!whole) return error_memory(error);
    for (size_t i = 0; i < count; i++) whole[i] = (int64_t)values[i];
    soma_run_set(m->part.run, input, whole, (int64_t)rows, error);
    mem_free(NULL, whole);
    return error->code;
}

int model_set(model *m, size_t input, const float *values, size_t rows, soma_error *error) {
    if (prepare(m, rows, error)) return error->code;
    soma_value v = m->file->inputs[input].value;
    if (soma_value_dtype(v) != SOMA_FLOAT) return set_whole(m, v, values, rows, error);
    return soma_run_set(m->part.run, v, values, (int64_t)rows, error);
}

int model_run(model *m, size_t rows, soma_error *error) {
    return prepare(m, rows, error) ? error->code : soma_run_step(m->part.run, error);
}

static int get(const model *m, soma_value v, float *values, size_t count, soma_error *error) {
    if (soma_value_dtype(v) == SOMA_FLOAT) return soma_run_get(m->part.run, v, values, count, error);
    const int64_t *whole = soma_run_peek(m->part.run, v);
    if (!whole) return error_set(error, SOMA_ERROR_ARGUMENT, "the value can't be read");
    for (size_t i = 0; i < count; i++) values[i] = (float)whole[i];
    return SOMA_OK;
}

/* An output by its index, or the inner value for -1. */
static soma_value result(const model *m, int output) { return output < 0 ? m->inner : m->file->outputs[output].value; }

int model_output_shape(const model *m, int output, int32_t *dims) {
    soma_shape shape = soma_run_shape(m->part.run, result(m, output));
    return put_shape(&shape, dims);
}

int model_output_get(model *m, int output, float *values, size_t count, soma_error *error) {
    return get(m, result(m, output), values, count, error);
}

/* ---- For looking inside ------------------------------------------------------------------------------------------ */

soma_store *model_open(const model *m, soma_value *input, soma_value *answer) {
    const onnx_model *f = m->file;
    if (f->inputs_count != 1 || f->outputs_count != 1) return NULL;
    *input = f->inputs[0].value;
    *answer = f->outputs[0].value;
    bool floats = soma_value_dtype(*input) == SOMA_FLOAT && soma_value_dtype(*answer) == SOMA_FLOAT;
    return floats && soma_value_shape(*input).rank > 1 && soma_value_shape(*answer).rank > 1 ? m->store : NULL;
}
