/* protobuf/protobuf.c: protobuf's wire format (https://protobuf.dev/programming-guides/encoding) behind nanopb's
 * functions. A message is a sequence of keys (field number and wire type) and values; a value of variable size has its
 * length before it and is read from a stream that ends with it, so that a damaged file can't lead further. */
#include "pb_decode.h"
#include "pb_encode.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5, VARINT_BYTES = 10 };

static uint32_t wire_type(pb_type type) {
    switch (type) {
    case PB_TYPE_FLOAT:
        return WIRE_32;
    case PB_TYPE_DOUBLE:
        return WIRE_64;
    case PB_TYPE_BYTES:
        return WIRE_BYTES;
    default:
        return WIRE_VARINT;
    }
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static bool from_buffer(pb_istream_t *stream, pb_byte_t *to, size_t count) {
    const pb_byte_t *at = stream->state;
    if (to) memcpy(to, at, count);
    stream->state = (void *)(uintptr_t)(at + count);
    return true;
}

pb_istream_t pb_istream_from_buffer(const pb_byte_t *bytes, size_t size) {
    return (pb_istream_t){.callback = from_buffer, .state = (void *)(uintptr_t)bytes, .bytes_left = size};
}

bool pb_read(pb_istream_t *stream, pb_byte_t *to, size_t count) {
    if (count > stream->bytes_left || !stream->callback(stream, to, count)) return false;
    stream->bytes_left -= count;
    return true;
}

/* Copies the bytes of a varint as they are; 0: there is none. */
static size_t read_varint(pb_istream_t *stream, pb_byte_t bytes[VARINT_BYTES]) {
    for (size_t i = 0; i < VARINT_BYTES; i++) {
        if (!pb_read(stream, &bytes[i], 1)) return 0;
        if (!(bytes[i] & 0x80)) return i + 1;
    }
    return 0;
}

bool pb_decode_varint(pb_istream_t *stream, uint64_t *value) {
    pb_byte_t bytes[VARINT_BYTES];
    size_t count = read_varint(stream, bytes);
    *value = 0;
    for (size_t i = 0; i < count; i++) *value |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
    return count && (count < VARINT_BYTES || bytes[VARINT_BYTES - 1] <= 1);
}

bool pb_decode_fixed32(pb_istream_t *stream, void *value) { return pb_read(stream, value, 4); }

static bool skip(pb_istream_t *stream, uint32_t wire) {
    uint64_t size;
    switch (wire) {
    case WIRE_VARINT:
        return pb_decode_varint(stream, &size);
    case WIRE_64:
        return pb_read(stream, NULL, 8);
    case WIRE_BYTES:
        return pb_decode_varint(stream, &size) && size <= stream->bytes_left && pb_read(stream, NULL, (size_t)size);
    case WIRE_32:
        return pb_read(stream, NULL, 4);
    default:
        return false;
    }
}

/* Bytes: the callback is called until it has read them all, or leaves some, which are skipped. */
static bool decode_bytes(pb_istream_t *stream, const pb_field_t *field, pb_callback_t *callback) {
    uint64_t size;
    if (!pb_decode_varint(stream, &size) || size > stream->bytes_left) return false;
    pb_istream_t part = *stream;
    part.bytes_left = (size_t)size;
    size_t before;
    do {
        before = part.bytes_left;
        if (!callback->funcs.decode(&part, field, &callback->arg)) return false;
    } while (part.bytes_left && part.bytes_left < before);
    if (!pb_read(&part, NULL, part.bytes_left)) return false;
    stream->state = part.state;
    stream->bytes_left -= (size_t)size;
    return true;
}

/* A single number comes in a small stream of its own. */
static bool decode_number(pb_istream_t *stream, const pb_field_t *field, uint32_t wire, pb_callback_t *callback) {
    pb_byte_t bytes[VARINT_BYTES];
    size_t count = wire == WIRE_32 ? 4 : wire == WIRE_64 ? 8 : 0;
    if (!count && wire != WIRE_VARINT) return false;
    if (count ? !pb_read(stream, bytes, count) : !(count = read_varint(stream, bytes))) return false;
    pb_istream_t part = pb_istream_from_buffer(bytes, count);
    return callback->funcs.decode(&part, field, &callback->arg);
}

static bool decode_scalar(pb_istream_t *stream, const pb_field_t *field, uint32_t wire, void *value) {
    uint64_t number;
    if (wire != wire_type(field->type)) return false;
    if (field->type == PB_TYPE_FLOAT) return pb_decode_fixed32(stream, value);
    if (!pb_decode_varint(stream, &number)) return false;
    if (field->type == PB_TYPE_INT32)
        *(int32_t *)value = (int32_t)number;
    else
        *(int64_t *)value = (int64_t)number;
    return true;
}

static bool decode_field(pb_istream_t *stream, const pb_field_t *field, uint32_t wire, char *message) {
    if (!field->callback) {
        *(bool *)(message + field->has_offset) = true;
        return decode_scalar(stream, field, wire, message + field->offset);
    }
    pb_callback_t *callback = (pb_callback_t *)(void *)(message + field->offset);
    if (!callback->funcs.decode) return skip(stream, wire);
    return wire == WIRE_BYTES ? decode_bytes(stream, field, callback) : decode_number(stream, field, wire, callback);
}

bool pb_decode(pb_istream_t *stream, const pb_msgdesc_t *fields, void *message) {
    while (stream->bytes_left) {
        uint64_t key;
        const pb_field_t *field = NULL;
        if (!pb_decode_varint(stream, &key) || key >> 3 == 0 || key >> 32) return false;
        for (size_t i = 0; i < fields->count && !field; i++)
            if (fields->fields[i].tag == key >> 3) field = &fields->fields[i];
        uint32_t wire = (uint32_t)key & 7;
        if (field ? !decode_field(stream, field, wire, message) : !skip(stream, wire)) return false;
    }
    return true;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

bool pb_write(pb_ostream_t *stream, const pb_byte_t *bytes, size_t count) {
    if (count > stream->max_size - stream->bytes_written) return false;
    if (stream->callback && !stream->callback(stream, bytes, count)) return false;
    stream->bytes_written += count;
    return true;
}

bool pb_encode_varint(pb_ostream_t *stream, uint64_t value) {
    pb_byte_t bytes[VARINT_BYTES];
    size_t count = 0;
    for (; value > 0x7f; value >>= 7) bytes[count++] = (pb_byte_t)(value | 0x80);
    bytes[count++] = (pb_byte_t)value;
    return pb_write(stream, bytes, count);
}

bool pb_encode_tag_for_field(pb_ostream_t *stream, const pb_field_t *field) {
    return pb_encode_varint(stream, (uint64_t)field->tag << 3 | wire_type(field->type));
}

bool pb_encode_string(pb_ostream_t *stream, const pb_byte_t *bytes, size_t size) {
    return pb_encode_varint(stream, size) && pb_write(stream, bytes, size);
}

static bool encode_scalar(pb_ostream_t *stream, const pb_field_t *field, const void *value) {
    if (!pb_encode_tag_for_field(stream, field)) return false;
    if (field->type == PB_TYPE_FLOAT) return pb_write(stream, value, 4);
    int64_t number = field->type == PB_TYPE_INT32 ? *(const int32_t *)value : *(const int64_t *)value;
    return pb_encode_varint(stream, (uint64_t)number);
}

bool pb_encode(pb_ostream_t *stream, const pb_msgdesc_t *fields, const void *message) {
    const char *at = message;
    for (size_t i = 0; i < fields->count; i++) {
        const pb_field_t *field = &fields->fields[i];
        if (!field->callback) {
            if (*(const bool *)(at + field->has_offset) && !encode_scalar(stream, field, at + field->offset))
                return false;
            continue;
        }
        const pb_callback_t *callback = (const pb_callback_t *)(const void *)(at + field->offset);
        if (callback->funcs.encode && !callback->funcs.encode(stream, field, &callback->arg)) return false;
    }
    return true;
}

bool pb_encode_submessage(pb_ostream_t *stream, const pb_msgdesc_t *fields, const void *message) {
    pb_ostream_t counting = {.max_size = SIZE_MAX};
    if (!pb_encode(&counting, fields, message) || !pb_encode_varint(stream, counting.bytes_written)) return false;
    if (stream->callback) return pb_encode(stream, fields, message);
    return pb_write(stream, NULL, counting.bytes_written);
}
