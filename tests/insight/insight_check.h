/* What the tests of src/insight share: numbers to feed, and short ways to a plan, a run and a trained model. */
#ifndef INSIGHT_CHECK_H
#define INSIGHT_CHECK_H

#include "nn/nn_check.h"

/* Numbers in (-1, 1) that depend on `seed` alone. */
static inline void fill(float *x, size_t count, unsigned seed) {
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1;
    }
}

static inline soma_store *new_store(bool float64, uint64_t seed) {
    soma_error error = {0};
    soma_store *store = soma_store_create((soma_store_options){.seed = seed, .float64 = float64}, &error);
    assert_no_error(&error);
    return store;
}

/* A failed call's code and a piece of its sentence. */
static inline void assert_refused(const soma_error *error, const char *piece) {
    if (error->code != SOMA_ERROR_ARGUMENT || !strstr(error->message, piece) || strchr(error->message, '\n'))
        fail_msg("code %d: \"%s\", expected \"…%s…\"", error->code, error->message, piece);
}

/* A model trained for some epochs on `rows` samples of noise whose class is the sign of the first number. */
static inline soma_model *trained_on(const char *spec, soma_shape sample, soma_task task, const float *x,
                                     const float *y, int64_t rows) {
    soma_error error = {0};
    soma_model *m = soma_model_create(spec, sample, task, &error);
    soma_fit_options options = {.epochs = 3, .batch = 8, .optimizer = soma_adam(0.01), .seed = 3, .threads = 1};
    soma_model_fit(m, x, y, rows, options, &error);
    assert_no_error(&error);
    return m;
}

/* Saved and loaded; NULL where this build reads no ONNX. */
static inline soma_model *through_file(soma_model *m) {
    soma_error error = {0};
    size_t size;
    void *bytes = soma_model_save_memory(m, &size, &error);
    soma_model *again = bytes ? soma_model_load_memory(bytes, size, &error) : NULL;
    soma_model_release(m, bytes);
    return again;
}

#endif
