/* protobuf/pb.h: what nanopb's generated code and src/format need of nanopb, for a target for which no distribution
 * compiles it. The names are nanopb's; the tables made from its field lists are plain structs, and there is only what
 * soma's schema has: optional scalars of types int32, int64 and float, and callbacks for everything else. */
#ifndef PROTOBUF_PB_H
#define PROTOBUF_PB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PB_PROTO_HEADER_VERSION           40
#define PB_STATIC_ASSERT(condition, name) _Static_assert(condition, #name);

typedef uint8_t pb_byte_t;
typedef struct pb_istream_s pb_istream_t;
typedef struct pb_ostream_s pb_ostream_t;

typedef enum pb_type { PB_TYPE_INT32, PB_TYPE_INT64, PB_TYPE_FLOAT, PB_TYPE_DOUBLE, PB_TYPE_BYTES } pb_type;
#define PB_TYPE_UINT64  PB_TYPE_INT64
#define PB_TYPE_STRING  PB_TYPE_BYTES
#define PB_TYPE_MESSAGE PB_TYPE_BYTES

typedef struct pb_field {
    uint16_t tag;
    pb_type type;
    bool callback;
    size_t offset, has_offset; /* of the value, and of its has_… (no callback) */
} pb_field_t;

typedef struct pb_msgdesc {
    const pb_field_t *fields;
    size_t count;
} pb_msgdesc_t;

/* The decoder may move `arg`, the encoder not. */
typedef struct pb_callback {
    union {
        bool (*decode)(pb_istream_t *stream, const pb_field_t *field, void **arg);
        bool (*encode)(pb_ostream_t *stream, const pb_field_t *field, void *const *arg);
    } funcs;
    void *arg;
} pb_callback_t;

#define PB_CALLBACK_STATIC                false
#define PB_CALLBACK_CALLBACK              true
#define PB_HAS_STATIC(structname, name)   offsetof(structname, has_##name)
#define PB_HAS_CALLBACK(structname, name) 0
#define PB_FIELD(structname, allocation, repetition, type, name, tag)                                                  \
    {tag, PB_TYPE_##type, PB_CALLBACK_##allocation, offsetof(structname, name), PB_HAS_##allocation(structname, name)},
#define PB_BIND(message, structname, width)                                                                            \
    static const pb_field_t message##_list[] = {message##_FIELDLIST(PB_FIELD, structname)};                            \
    const pb_msgdesc_t message##_msg = {message##_list, sizeof message##_list / sizeof *message##_list};

#endif
