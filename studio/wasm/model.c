/* wasm/model.c: an ONNX file in memory, run as it is. */
#include "binding.h"
#include "format/onnx.h"

struct model {
    onnx_model *file;
    soma_store *store;
    part part;
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

size_t model_inputs(const model *m) { return m->file->inputs_count; }
size_t model_outputs(const model *m) { return m->file->outputs_count; }
double model_parameters(const model *m) { return (double)m->file->parameters; }

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

/* The plan is made for the largest batch met so far. */
static int prepare(model *m, size_t rows, soma_error *error) {
    if (m->part.rows >= (int64_t)rows) return SOMA_OK;
    size_t count = m->file->outputs_count;
    soma_value *outputs = mem_array(NULL, count, sizeof *outputs);
    if (!outputs) return error_memory(error);
    for (size_t i = 0; i < count; i++) outputs[i] = m->file->outputs[i].value;
    soma_plan_options options = {.max_batch = (int64_t)rows, .store = m->store, .threads = 1};
    part_make(&m->part, outputs, count, options, error);
    mem_free(NULL, outputs);
    return error->code;
}

int model_set(model *m, size_t input, const float *values, size_t rows, soma_error *error) {
    if (prepare(m, rows, error)) return error->code;
    return soma_run_set(m->part.run, m->file->inputs[input].value, values, (int64_t)rows, error);
}

int model_run(model *m, size_t rows, soma_error *error) {
    return prepare(m, rows, error) ? error->code : soma_run_step(m->part.run, error);
}

int model_output_shape(const model *m, size_t output, int32_t *dims) {
    soma_shape shape = soma_run_shape(m->part.run, m->file->outputs[output].value);
    return put_shape(&shape, dims);
}

int model_output_get(model *m, size_t output, float *values, size_t count, soma_error *error) {
    soma_value v = m->file->outputs[output].value;
    if (soma_value_dtype(v) == SOMA_FLOAT) return soma_run_get(m->part.run, v, values, count, error);
    const int64_t *whole = soma_run_peek(m->part.run, v);
    if (!whole) return error_set(error, SOMA_ERROR_ARGUMENT, "the output can't be read");
    for (size_t i = 0; i < count; i++) values[i] = (float)whole[i];
    return SOMA_OK;
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
