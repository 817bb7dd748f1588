/* Fuzz target: any bytes as an ONNX model. Build with clang -fsanitize=fuzzer,address,undefined. */
#include "format/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    soma_error error = {0};
    soma_store *store = soma_store_create((soma_store_options){0}, &error);
    onnx_model *model = onnx_read_memory(data, size, "fuzz", NULL, store, &error);
    onnx_model_destroy(model);
    soma_store_destroy(store);
    return 0;
}
