/* Fuzzing of the JSON that a saved model carries: any text is read into a model of two columns and three classes, which
 * writes it again, or is refused in one sentence. */
#include "train/model.h"

#include <stdlib.h>

static void read_into(const char *text, soma_task task, int64_t outputs) {
    soma_error error = {0};
    soma_model *m = soma_model_create(NULL, soma_shape1(2), task, &error);
    if (!m) return;
    m->outputs = outputs;
    if (model_read_metadata(m, text, "fuzz.onnx", &error)) {
        if (error.code == SOMA_OK || !error.message[0] || strchr(error.message, '\n')) abort();
    } else {
        char *again = model_metadata(m);
        if (!again) abort();
        mem_free(NULL, again);
    }
    soma_model_destroy(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char *text = calloc(size + 1, 1);
    if (!text) return 0;
    if (size) memcpy(text, bytes, size);
    read_into(text, SOMA_CLASSIFY, 3);
    read_into(text, SOMA_REGRESS, 1);
    free(text);
    return 0;
}
