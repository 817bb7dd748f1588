/* Fuzzing of IDX files, plain and packed: any bytes are read without a crash or a large allocation. */
#include "data/idx.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const int ranks[] = {IDX_PICTURES, IDX_LABELS};
    for (size_t i = 0; i < COUNT_OF(ranks); i++) {
        soma_error error = {0};
        idx_array array;
        if (idx_read(NULL, bytes, size, "fuzz", ranks[i], &array, &error))
            mem_free(NULL, array.data);
        else if (error.code == SOMA_OK || array.data)
            abort();
    }
    soma_error error = {0};
    data_options options = {.predict = true};
    soma_dataset *set = idx_load(NULL, "fuzz", bytes, size, &options, &error);
    if (!set && error.code == SOMA_OK) abort();
    soma_dataset_destroy(set);
    return 0;
}
