/* data/idx.h: files in the IDX format of the MNIST sets. */
#ifndef DATA_IDX_H
#define DATA_IDX_H

#include "data/data.h"

/* An IDX file of bytes: counts from its header and what they count. */
typedef struct idx_array {
    int rank;
    uint32_t dims[3];
    uint8_t *data; /* the product of dims, freed with mem_free */
} idx_array;

enum { IDX_LABELS = 1, IDX_PICTURES = 3 }; /* the ranks that have a meaning */

/* Reads a whole file, plain or gzip, that must hold bytes in `rank` dimensions. False and a sentence on failure. */
bool idx_read(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, int rank,
              idx_array *array, soma_error *error);

/* Whether a file begins like IDX, or like gzip, which nothing else is read from. */
bool idx_is(const uint8_t *bytes, size_t size);

/* Makes a data set of the pictures in `bytes`, which came from `path`, and the labels beside it. */
soma_dataset *idx_load(const soma_context *context, const char *path, const uint8_t *bytes, size_t size,
                       const data_options *options, soma_error *error);

#endif
