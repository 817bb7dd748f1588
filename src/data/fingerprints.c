/* data/fingerprints.c: see fingerprints.h. Two different rows share one of 2^64 numbers so rarely that nobody need
 * mind; two equal rows do so always, and then one of them has been seen. */
#include "data/fingerprints.h"

#include "data/npy.h"
#include "data/picture_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int fingerprint(const soma_dataset *set, int64_t row, int64_t *to, soma_error *error) {
    size_t elements = (size_t)shape_elements(&set->sample, 1), at = (size_t)row * elements;
    uint64_t hash = HASH_START;
    image head;
    int code = SOMA_OK;
    if (set->files)
        code = picture_file_head(set->context, data_row_file(set, row), &head, &hash, error);
    else if (set->features)
        hash = hash_bytes(set->features + at, elements * sizeof *set->features, hash);
    else
        hash = hash_bytes(set->pictures + at, elements, hash);
    if (set->classes) hash = hash_bytes(&set->classes[row], sizeof *set->classes, hash);
    if (set->targets) hash = hash_bytes(&set->targets[row], sizeof *set->targets, hash);
    memcpy(to, &hash, sizeof *to);
    return code;
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int fingerprints_write(const char *path, const soma_context *context, const row_part *parts, size_t count,
                       soma_error *error) {
    size_t rows = 0, at = 0;
    int code = SOMA_OK;
    for (size_t i = 0; i < count; i++) rows += parts[i].count;
    int64_t *all = mem_array(context, rows, sizeof *all);
    if (!all) return error_memory(error);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < parts[i].count && !code; k++)
            code = fingerprint(parts[i].set, parts[i].rows[k], &all[at++], error);
    soma_shape shape = soma_shape1((int64_t)rows);
    if (!code) qsort(all, rows, sizeof *all, compare);
    if (!code && !npy_write(path, NPY_INT64, &shape, all, error)) code = error ? error->code : SOMA_ERROR_IO;
    mem_free(context, all);
    return code;
}

int fingerprints_count(const char *path, const soma_dataset *set, int64_t *seen, soma_error *error) {
    npy_array known = {0};
    int code = SOMA_OK;
    *seen = -1;
    if (access(path, F_OK)) return SOMA_OK;
    if (!npy_load(set->context, path, &known, error)) return error ? error->code : SOMA_ERROR_INPUT;
    if (known.type != NPY_INT64 || known.shape.rank != 1)
        code = error_set(error, SOMA_ERROR_INPUT, "%s: these are not the fingerprints that soma train writes", path);
    int64_t found = 0;
    for (int64_t row = 0; row < set->rows && !code; row++) {
        int64_t one;
        code = fingerprint(set, row, &one, error);
        found += !code && bsearch(&one, known.data, known.count, sizeof one, compare) != NULL;
    }
    if (!code) *seen = found;
    npy_clear(set->context, &known);
    return code;
}
