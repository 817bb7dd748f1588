/* Fuzz target: any bytes as a safetensors file. Build with clang -fsanitize=fuzzer,address,undefined. */
#include "format/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    soma_error error = {0};
    volatile unsigned char last = 0; /* so that every byte is touched */
    safetensors *f = safetensors_open_memory(data, size, "fuzz", NULL, &error);
    for (size_t i = 0; f && i < safetensors_count(f); i++) {
        const safetensors_tensor *t = safetensors_at(f, i);
        for (size_t k = 0; k < t->size; k++) last = ((const unsigned char *)t->data)[k];
    }
    safetensors_close(f);
    (void)last;
    return 0;
}
