/* Fuzzing of .npz and .npy as data, and of CIFAR-10's binaries: any bytes make a set that can be read from, or are
 * refused in one sentence. */
#include "data/arrays.h"
#include "data/cifar.h"

#include <math.h>
#include <stdlib.h>

static void check(soma_dataset *set, const soma_error *error) {
    enum { VALUES = 1 << 16 };
    if (!set && (error->code == SOMA_OK || !error->message[0] || strchr(error->message, '\n'))) abort();
    int64_t elements = set ? shape_elements(&set->sample, 1) : VALUES + 1;
    for (int64_t row = 0; elements <= VALUES && row < set->rows && row < 100; row++) {
        static float x[VALUES];
        int64_t class = 0;
        float target = 0;
        if (data_gather(set, &row, 1, x, &class, &target, NULL)) abort();
        if (set->classes && (class < 0 || class >= (int64_t)set->schema.classes_count)) abort();
        for (int64_t i = 0; i < elements; i++)
            if (!isfinite(x[i])) abort();
    }
    soma_dataset_destroy(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    for (int predict = 0; predict < 2; predict++) {
        data_options options = {.predict = predict};
        soma_error array = {0}, batch = {0};
        check(arrays_load(NULL, "fuzz", bytes, size, &options, &array), &array);
        check(cifar_load(NULL, "nowhere/fuzz.bin", bytes, size, &options, &batch), &batch);
    }
    return 0;
}
