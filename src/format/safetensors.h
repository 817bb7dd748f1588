/* format/safetensors.h: named tensors and string metadata in the safetensors format: 8 bytes little-endian size of a
 * JSON header, the header {"name": {"dtype", "shape", "data_offsets"}, …, "__metadata__": {…}}, then the tensors'
 * bytes.
 *
 * Built without jansson (SOMA_HAVE_JSON not defined) writing and reading fail with a sentence that says so. */
#ifndef FORMAT_SAFETENSORS_H
#define FORMAT_SAFETENSORS_H

#include <soma/base.h>

typedef enum safetensors_dtype { SAFETENSORS_F32, SAFETENSORS_F64, SAFETENSORS_I64, SAFETENSORS_U8 } safetensors_dtype;

typedef struct safetensors_tensor {
    const char *name;
    safetensors_dtype dtype;
    soma_shape shape;
    const void *data; /* when read: inside the mapped file, as aligned as the file has it (copy with memcpy) */
    size_t size;      /* in bytes; filled by the reader, not looked at by the writer */
} safetensors_tensor;

typedef struct safetensors_pair {
    const char *key, *value;
} safetensors_pair;

/* Writes the file as a whole or not at all. Tensors lie in the order given, the first one aligned to 64 bytes. */
int safetensors_write(const char *path, const safetensors_tensor *tensors, size_t count,
                      const safetensors_pair *metadata, size_t metadata_count, const soma_context *context,
                      soma_error *error);

typedef struct safetensors safetensors;

/* NULL and a sentence when the file can't be read or is not what the format asks for. */
safetensors *safetensors_open(const char *path, const soma_context *context, soma_error *error);
/* From memory that must stay until safetensors_close; `name` stands for the path in messages. */
safetensors *safetensors_open_memory(const void *bytes, size_t size, const char *name, const soma_context *context,
                                     soma_error *error);
void safetensors_close(safetensors *file);

/* The tensors in the order of the header; pointers are borrowed. _find gives NULL when there is none of the name. */
size_t safetensors_count(const safetensors *file);
const safetensors_tensor *safetensors_at(const safetensors *file, size_t index);
const safetensors_tensor *safetensors_find(const safetensors *file, const char *name);
/* The metadata value of a key, or NULL. */
const char *safetensors_metadata(const safetensors *file, const char *key);

#endif
