/* zip_make.h: zip archives and .npy arrays in memory, written byte by byte for tests. */
#ifndef SUPPORT_ZIP_MAKE_H
#define SUPPORT_ZIP_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An archive of up to 8 members; begin with {0}. */
typedef struct zip_made {
    uint8_t bytes[65536];
    size_t size;
    uint8_t directory[4096];
    size_t directory_size;
    size_t members, last; /* where the last member's entry begins in the directory */
} zip_made;

/* Adds a member; `packed`: by deflate, where soma is built with zlib (else false, and nothing is added). */
bool zip_add(zip_made *zip, const char *name, const void *bytes, size_t size, bool packed);
/* Writes the directory behind the members. */
void zip_close(zip_made *zip);

/* A version 1.0 .npy file of `size` bytes of elements: its whole size. */
size_t npy_compose(uint8_t *bytes, const char *descr, const char *shape, const void *data, size_t size);

#endif
