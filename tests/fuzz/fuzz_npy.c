/* Fuzzing of .npy files: any bytes are read without a crash, and what was read can be converted. */
#include "data/npy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    soma_error error = {0};
    npy_array array;
    if (!npy_read(NULL, bytes, size, "fuzz", &array, &error)) {
        if (error.code == SOMA_OK || array.data) abort();
        return 0;
    }
    mem_free(NULL, npy_floats(NULL, &array, NULL));
    mem_free(NULL, npy_int64s(NULL, &array, "fuzz", NULL));
    npy_clear(NULL, &array);
    return 0;
}
