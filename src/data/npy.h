/* data/npy.h: arrays in NumPy's .npy format: what `soma run` reads and writes. */
#ifndef DATA_NPY_H
#define DATA_NPY_H

#include "base/base.h"

typedef enum npy_type {
    NPY_FLOAT32,
    NPY_FLOAT64,
    NPY_INT8,
    NPY_INT16,
    NPY_INT32,
    NPY_INT64,
    NPY_UINT8,
    NPY_UINT16,
    NPY_UINT32,
    NPY_BOOL,
    NPY_TYPES
} npy_type;

/* An array in memory: C order, the machine's own byte order. */
typedef struct npy_array {
    npy_type type;
    soma_shape shape;
    size_t count; /* the product of the shape's dimensions, 1 for rank 0 */
    void *data;   /* freed by npy_clear */
} npy_array;

/* Reads an array from a file or from a file's bytes; `name` is for messages. Both byte orders, C and Fortran order and
 * the format's versions 1 to 3 are read. False and a sentence on failure. */
bool npy_load(const soma_context *context, const char *path, npy_array *array, soma_error *error);
bool npy_read(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, npy_array *array,
              soma_error *error);
void npy_clear(const soma_context *context, npy_array *array);

size_t npy_size(npy_type type);      /* bytes of one element */
const char *npy_name(npy_type type); /* "float32" */

/* Copies of the elements as float (rounded) or int64 (false and a sentence if one is no whole number in range), freed
 * with mem_free. */
float *npy_floats(const soma_context *context, const npy_array *array, soma_error *error);
int64_t *npy_int64s(const soma_context *context, const npy_array *array, const char *name, soma_error *error);

/* Writes `data` (C order) to a file, version 1.0, little endian. False and a sentence on failure. */
bool npy_write(const char *path, npy_type type, const soma_shape *shape, const void *data, soma_error *error);

#endif
