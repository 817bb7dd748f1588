/* protobuf/pb_decode.h: reading; see pb.h. */
#ifndef PROTOBUF_PB_DECODE_H
#define PROTOBUF_PB_DECODE_H

#include "pb.h"

/* `callback` gives the next `count` bytes; `to` may be NULL to skip them. */
struct pb_istream_s {
    bool (*callback)(pb_istream_t *stream, pb_byte_t *to, size_t count);
    void *state;
    size_t bytes_left;
};

/* clang-format's versions differ about macros of braces. */
// clang-format off
#define PB_ISTREAM_EMPTY {NULL, NULL, 0}
// clang-format on

pb_istream_t pb_istream_from_buffer(const pb_byte_t *bytes, size_t size);
bool pb_read(pb_istream_t *stream, pb_byte_t *to, size_t count);
bool pb_decode(pb_istream_t *stream, const pb_msgdesc_t *fields, void *message);
bool pb_decode_varint(pb_istream_t *stream, uint64_t *value);
bool pb_decode_fixed32(pb_istream_t *stream, void *value);

#endif
