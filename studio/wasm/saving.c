/* wasm/saving.c: a trained network as an ONNX file that soma's command takes: the metadata that it reads
 * (train/model_file.c) call the columns x1, x2, … and the classes 0, 1, … */
#include "format/onnx.h"
#include "network.h"
#include "train/json.h"

#include <stdio.h>

static void write_classes(json_text *j, const network *n, int64_t classes) {
    char name[24];
    json_put_bool(j, "sigmoid", n->meaning == SPEC_SIGMOID);
    json_put_open(j, "classes", '[');
    for (int64_t i = 0; i < classes; i++) {
        snprintf(name, sizeof name, "%lld", (long long)i);
        json_put_string(j, NULL, name);
    }
    json_put_close(j, ']');
}

/* Rows of numbers come from a table with the target behind them. */
static void write_columns(json_text *j, const network *n) {
    char name[24];
    json_put_bool(j, "header", true);
    json_put_string(j, "target", "y");
    json_put_integer(j, "target_position", (int64_t)n->sample_size);
    json_put_integer(j, "file_columns", (int64_t)n->sample_size + 1);
    json_put_open(j, "columns", '[');
    for (size_t i = 0; i < n->sample_size; i++) {
        snprintf(name, sizeof name, "x%zu", i + 1);
        json_put_open(j, NULL, '{');
        json_put_string(j, "name", name);
        json_put_integer(j, "position", (int64_t)i);
        json_put_close(j, '}');
    }
    json_put_close(j, ']');
}

static void write_metadata(json_text *j, const network *n, int64_t answers) {
    json_put_open(j, NULL, '{');
    json_put_integer(j, "version", 1);
    json_put_string(j, "task", n->meaning == SPEC_LINEAR ? "regress" : "classify");
    if (!n->features) json_put_string(j, "spec", n->text);
    if (n->meaning == SPEC_LINEAR) {
        json_put_number(j, "target_mean", 0);
        json_put_number(j, "target_deviation", 1);
    } else {
        write_classes(j, n, answers);
    }
    if (n->sample.rank == 1) write_columns(j, n);
    json_put_close(j, '}');
}

/* A single sigmoid is saved as the pair [1 - s, s]: a column a class, as soma's other models have. */
void *network_save(network *n, double divisor, uint32_t *size, soma_error *error) {
    built whole = {0};
    unsigned char *bytes = NULL;
    size_t length = 0;
    n->divisor = divisor;
    int code = network_build(n, false, &whole, error);
    n->divisor = 1;
    if (code) return NULL;
    soma_value answer = whole.answer;
    if (n->meaning == SPEC_SIGMOID && n->outputs == 1) {
        soma_value pair[2] = {soma_sub(soma_scalar(whole.graph, 1), answer), answer};
        answer = soma_concat(pair, 2, 1);
    }
    onnx_value input = {"x", whole.x}, output = {n->meaning == SPEC_LINEAR ? "prediction" : "probabilities", answer};
    json_text metadata = {.context = NULL};
    write_metadata(&metadata, n, soma_value_shape(answer).dims[1]);
    onnx_pair pair = {"soma.model", json_text_get(&metadata)};
    onnx_export file = {.inputs = &input,
                        .inputs_count = 1,
                        .outputs = &output,
                        .outputs_count = 1,
                        .store = n->store,
                        .metadata = &pair,
                        .metadata_count = 1};
    if (!pair.value)
        error_memory(error);
    else
        onnx_write_memory(&file, NULL, &bytes, &length, error);
    json_text_clear(&metadata);
    built_clear(&whole);
    *size = (uint32_t)length;
    return bytes;
}
