/* zip_make.c: zip (PKWARE's APPNOTE) and .npy (NEP 1) as their writers write them. */
#include "zip_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef SOMA_HAVE_ZLIB
#include <zlib.h>
#endif

static uint8_t *put(uint8_t *at, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++) *at++ = (uint8_t)(value >> 8 * i);
    return at;
}

static uint32_t checksum(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++) crc = crc & 1 ? 0xEDB88320 ^ crc >> 1 : crc >> 1;
    }
    return ~crc;
}

/* Version, flags, method, time and date, checksum, sizes, length of the name, none of extra fields. */
static uint8_t *put_common(uint8_t *at, bool packed, uint32_t crc, size_t stored, size_t size, size_t name) {
    at = put(at, 20, 2);
    at = put(at, 0, 2);
    at = put(at, packed ? 8 : 0, 2);
    at = put(at, 0, 4);
    at = put(at, crc, 4);
    at = put(at, (uint32_t)stored, 4);
    at = put(at, (uint32_t)size, 4);
    at = put(at, (uint32_t)name, 2);
    return put(at, 0, 2);
}

static bool deflate_bytes(const void *bytes, size_t size, uint8_t *to, size_t *stored) {
#ifdef SOMA_HAVE_ZLIB
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)size};
    if (deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    stream.next_out = to;
    stream.avail_out = 32768;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) abort();
    *stored = stream.total_out;
    deflateEnd(&stream);
    return true;
#else
    (void)bytes, (void)size, (void)to, (void)stored;
    return false;
#endif
}

bool zip_add(zip_made *zip, const char *name, const void *bytes, size_t size, bool packed) {
    static uint8_t room[32768];
    size_t stored = size, length = strlen(name);
    const void *from = bytes;
    if (packed && !deflate_bytes(bytes, size, room, &stored)) return false;
    if (packed) from = room;
    if (zip->size + stored + length + 64 > sizeof zip->bytes) abort();
    uint32_t crc = checksum(bytes, size), offset = (uint32_t)zip->size;
    uint8_t *at = zip->bytes + zip->size;
    at = put(at, 0x04034B50, 4);
    at = put_common(at, packed, crc, stored, size, length);
    memcpy(at, name, length);
    memcpy(at + length, from, stored);
    zip->size = (size_t)(at + length + stored - zip->bytes);
    zip->last = zip->directory_size;
    at = zip->directory + zip->directory_size;
    at = put(at, 0x02014B50, 4);
    at = put(at, 20, 2);
    at = put_common(at, packed, crc, stored, size, length);
    at = put(put(at, 0, 4), 0, 2); /* comment, part, kind */
    at = put(put(at, 0, 4), offset, 4);
    memcpy(at, name, length);
    zip->directory_size = (size_t)(at + length - zip->directory);
    zip->members++;
    return true;
}

void zip_close(zip_made *zip) {
    uint32_t begin = (uint32_t)zip->size;
    memcpy(zip->bytes + zip->size, zip->directory, zip->directory_size);
    uint8_t *at = zip->bytes + zip->size + zip->directory_size;
    at = put(at, 0x06054B50, 4);
    at = put(at, 0, 4);
    at = put(put(at, (uint32_t)zip->members, 2), (uint32_t)zip->members, 2);
    at = put(at, (uint32_t)zip->directory_size, 4);
    at = put(put(at, begin, 4), 0, 2);
    zip->size = (size_t)(at - zip->bytes);
}

size_t npy_compose(uint8_t *bytes, const char *descr, const char *shape, const void *data, size_t size) {
    int length =
        snprintf((char *)bytes + 10, 256, "{'descr': '%s', 'fortran_order': False, 'shape': %s}", descr, shape);
    memcpy(bytes, "\x93NUMPY\1\0", 8);
    put(bytes + 8, (uint32_t)length, 2);
    memcpy(bytes + 10 + length, data, size);
    return 10 + (size_t)length + size;
}
