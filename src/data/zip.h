/* data/zip.h: members of a zip archive in memory (PKWARE's APPNOTE): stored and deflated ones, up to 4 GiB. */
#ifndef DATA_ZIP_H
#define DATA_ZIP_H

#include "base/base.h"

/* A member as the archive's directory describes it; nothing is checked but that its name lies within the bytes. */
typedef struct zip_member {
    const char *name; /* not ended by a zero */
    size_t name_length;
    uint32_t packed, unpacked, crc, offset;
    unsigned flags, method;
} zip_member;

/* A walk through the directory. */
typedef struct zip_walk {
    const uint8_t *bytes;
    size_t size, at, left; /* left: members that are still to come */
    const char *name;
} zip_walk;

bool zip_is(const uint8_t *bytes, size_t size);
int zip_begin(const uint8_t *bytes, size_t size, const char *name, zip_walk *walk, soma_error *error);
/* The next member; *found is false at the end. */
int zip_next(zip_walk *walk, zip_member *member, bool *found, soma_error *error);
/* A member's bytes, freed with mem_free; length and checksum are as the directory says. */
int zip_read(const soma_context *context, const zip_walk *walk, const zip_member *member, uint8_t **bytes, size_t *size,
             soma_error *error);

#endif
