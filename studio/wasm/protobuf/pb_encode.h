/* protobuf/pb_encode.h: writing; see pb.h. */
#ifndef PROTOBUF_PB_ENCODE_H
#define PROTOBUF_PB_ENCODE_H

#include "pb.h"

/* Without a callback the stream counts what would be written. */
struct pb_ostream_s {
    bool (*callback)(pb_ostream_t *stream, const pb_byte_t *bytes, size_t count);
    void *state;
    size_t max_size, bytes_written;
};

bool pb_write(pb_ostream_t *stream, const pb_byte_t *bytes, size_t count);
bool pb_encode(pb_ostream_t *stream, const pb_msgdesc_t *fields, const void *message);
bool pb_encode_varint(pb_ostream_t *stream, uint64_t value);
bool pb_encode_tag_for_field(pb_ostream_t *stream, const pb_field_t *field);
bool pb_encode_string(pb_ostream_t *stream, const pb_byte_t *bytes, size_t size);
bool pb_encode_submessage(pb_ostream_t *stream, const pb_msgdesc_t *fields, const void *message);

#endif
