/* data/source.h: the bytes of a file in memory, and reading them through gzip where they are packed. */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include "base/base.h"

/* All bytes of a file or, for "-", of standard input; *bytes is freed with mem_free, NULL for a failure (a sentence).
 */
bool source_load(const soma_context *context, const char *path, uint8_t **bytes, size_t *size, soma_error *error);
/* Whether a file is there and can be opened. */
bool source_exists(const char *path);
/* How messages call a path: "-" is "standard input". */
const char *source_name(const char *path);

/* A reader of bytes in memory, which stay in place; gzip is told by its first bytes. */
typedef struct source source;

source *source_open(const soma_context *context, const uint8_t *bytes, size_t size, const char *name,
                    soma_error *error);
void source_close(source *s);
bool source_is_gzip(const uint8_t *bytes, size_t size);
/* Copies up to `wanted` bytes; fewer come only at the end. False when the file is broken or memory is out. */
bool source_read(source *s, void *to, size_t wanted, size_t *got, soma_error *error);
/* No more bytes than this can come: exact for plain bytes, what deflate can pack at the most for gzip. */
uint64_t source_at_most(const source *s);

#endif
