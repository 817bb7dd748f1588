/* format/onnx_tensor.c: the elements of a TensorProto as numbers. A tensor's data are either `raw_data` (little-endian,
 * as in memory) or one of five packed fields of numbers, chosen by the element type; small integers and halves travel
 * as varints of int32_data. Sizes are compared with the shape before anything is read. */
#include "format/file.h"
#include "format/onnx_file.h"

#if defined(SOMA_HAVE_ONNX)

#include "format/onnx.pb.h"

#include <math.h>
#include <pb_decode.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "ONNX files hold little-endian numbers; this processor needs byte swaps that soma doesn't have"
#endif

typedef struct element_type {
    const char *name;
    size_t size;
    bool real, integer;
    int packed_tag;
} element_type;

static const element_type types[] = {
    [ONNX_FLOAT] = {"float", 4, true, false, onnx_TensorProto_float_data_tag},
    [ONNX_UINT8] = {"uint8", 1, false, true, onnx_TensorProto_int32_data_tag},
    [ONNX_INT8] = {"int8", 1, false, true, onnx_TensorProto_int32_data_tag},
    [ONNX_UINT16] = {"uint16", 2, false, true, onnx_TensorProto_int32_data_tag},
    [ONNX_INT16] = {"int16", 2, false, true, onnx_TensorProto_int32_data_tag},
    [ONNX_INT32] = {"int32", 4, false, true, onnx_TensorProto_int32_data_tag},
    [ONNX_INT64] = {"int64", 8, false, true, onnx_TensorProto_int64_data_tag},
    [ONNX_STRING] = {"string", 0, false, false, 0},
    [ONNX_BOOL] = {"bool", 1, false, false, onnx_TensorProto_int32_data_tag},
    [ONNX_FLOAT16] = {"float16", 2, true, false, onnx_TensorProto_int32_data_tag},
    [ONNX_DOUBLE] = {"double", 8, true, false, onnx_TensorProto_double_data_tag},
    [ONNX_UINT32] = {"uint32", 4, false, true, onnx_TensorProto_uint64_data_tag},
    [ONNX_UINT64] = {"uint64", 8, false, true, onnx_TensorProto_uint64_data_tag},
    [14] = {"complex64", 0, false, false, 0},
    [15] = {"complex128", 0, false, false, 0},
    [ONNX_BFLOAT16] = {"bfloat16", 2, true, false, onnx_TensorProto_int32_data_tag},
};

static const element_type *type_of(int type) { return type < 1 || type >= (int)COUNT_OF(types) ? NULL : &types[type]; }

bool onnx_type_real(int type) { return type_of(type) && type_of(type)->real; }
bool onnx_type_integer(int type) { return type_of(type) && type_of(type)->integer; }
const char *onnx_type_name(int type) { return type_of(type) ? type_of(type)->name : "an unknown type"; }

bool span_is(span s, const char *text) { return s.size == strlen(text) && (!s.size || !memcmp(s.text, text, s.size)); }
bool span_equal(span a, span b) { return a.size == b.size && (!a.size || !memcmp(a.text, b.text, a.size)); }

/* The number of varints in a packed field: each ends with a byte below 128. */
static size_t varints(span s) {
    size_t n = 0;
    for (size_t i = 0; i < s.size; i++) n += (unsigned char)s.text[i] < 128;
    return n;
}

int blob_check(const blob *b, const char *path, soma_error *error) {
    const element_type *type = type_of(b->type);
    const char *what = NULL;
    size_t bytes, has = 0;
    if (!type || !type->size) {
        return error_set(error, SOMA_ERROR_INPUT, "cannot read '%s': tensor '%.*s' holds %s, which is not supported",
                         path, (int)b->name.size, b->name.text ? b->name.text : "", onnx_type_name(b->type));
    } else if (b->unreadable) {
        what = "has a shape or data that soma does not read (at most 8 dimensions, packed data in one part)";
    } else if (b->raw.text || b->external) {
        if (!size_multiply(b->elements, type->size, &bytes) || bytes != b->raw.size)
            what = "has a shape that does not fit its data";
    } else {
        if (b->packed.size && b->packed_tag != type->packed_tag) what = "has its data in a field of another type";
        if (b->packed.size)
            has = type->packed_tag == onnx_TensorProto_float_data_tag    ? b->packed.size / 4
                  : type->packed_tag == onnx_TensorProto_double_data_tag ? b->packed.size / 8
                                                                         : varints(b->packed);
        if (has != b->elements) what = "has a shape that does not fit its data";
    }
    if (!what) return SOMA_OK;
    return error_set(error, SOMA_ERROR_INPUT, "cannot read '%s': tensor '%.*s' %s", path, (int)b->name.size,
                     b->name.text ? b->name.text : "", what);
}

/* IEEE half to float: the exponent is rebased by a multiplication, which also makes subnormals right. */
static float half_to_float(uint32_t h) {
    uint32_t bits = (h & 0x7fffu) << 13, sign = (h & 0x8000u) << 16;
    float f;
    if ((h & 0x7c00u) == 0x7c00u) {
        bits |= 0x7f800000u;
        memcpy(&f, &bits, sizeof f);
    } else {
        memcpy(&f, &bits, sizeof f);
        f *= 0x1p112f;
    }
    memcpy(&bits, &f, sizeof bits);
    bits |= sign;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* One number, as real and as integer, of whichever it is. */
typedef struct number {
    double real;
    int64_t whole;
} number;

static number number_real(double real) {
    number n = {real, real >= -9.2e18 && real <= 9.2e18 ? (int64_t)real : 0};
    return n;
}

static number number_whole(int64_t whole) {
    number n = {(double)whole, whole};
    return n;
}

/* A number from the low bits of a word of the type. */
static number number_of_bits(int type, uint64_t bits) {
    uint32_t low = (uint32_t)bits;
    float f;
    double d;
    switch (type) {
    case ONNX_FLOAT:
        memcpy(&f, &low, sizeof f);
        return number_real(f);
    case ONNX_DOUBLE:
        memcpy(&d, &bits, sizeof d);
        return number_real(d);
    case ONNX_FLOAT16:
        return number_real(half_to_float(low & 0xffffu));
    case ONNX_BFLOAT16:
        low <<= 16;
        memcpy(&f, &low, sizeof f);
        return number_real(f);
    case ONNX_BOOL:
        return number_whole((bits & 0xff) != 0);
    case ONNX_UINT8:
        return number_whole((uint8_t)bits);
    case ONNX_INT8:
        return number_whole((int8_t)bits);
    case ONNX_UINT16:
        return number_whole((uint16_t)bits);
    case ONNX_INT16:
        return number_whole((int16_t)bits);
    case ONNX_INT32:
        return number_whole((int32_t)low);
    case ONNX_UINT32:
        return number_whole((int64_t)low);
    default:
        return number_whole((int64_t)bits);
    }
}

/* A reader of the numbers one after another. */
typedef struct numbers {
    const blob *b;
    size_t size; /* bytes of a number in raw data or a fixed field; 0: varints */
    const char *at;
    pb_istream_t varints;
} numbers;

static numbers numbers_of(const blob *b) {
    numbers n = {b, type_of(b->type)->size, b->raw.text, PB_ISTREAM_EMPTY};
    if (b->raw.text || b->external) return n;
    n.at = b->packed.text;
    if (b->type != ONNX_FLOAT && b->type != ONNX_DOUBLE) {
        n.size = 0;
        n.varints = pb_istream_from_buffer((const pb_byte_t *)b->packed.text, b->packed.size);
    }
    return n;
}

static number numbers_next(numbers *n) {
    uint64_t bits = 0;
    if (n->size) {
        memcpy(&bits, n->at, n->size);
        n->at += n->size;
    } else if (!pb_decode_varint(&n->varints, &bits)) {
        bits = 0; /* a varint longer than ten bytes: the count of them was right, the value can't be */
    }
    return number_of_bits(n->b->type, bits);
}

static const span *floats_of(const blob *b) { return b->raw.text ? &b->raw : &b->packed; }

void blob_floats_once(const blob *b, float *out) {
    enum { PIECE = 1 << 20 };
    for (size_t at = 0; b->type == ONNX_FLOAT && at < b->elements; at += PIECE) {
        size_t bytes = (b->elements - at < PIECE ? b->elements - at : PIECE) * sizeof *out;
        const char *from = (const char *)floats_of(b)->text + at * sizeof *out;
        memcpy(out + at, from, bytes);
        file_release(from, bytes);
    }
    if (b->type != ONNX_FLOAT) blob_floats(b, out);
}

void blob_floats(const blob *b, float *out) {
    if (b->type == ONNX_FLOAT) {
        if (b->elements) memcpy(out, floats_of(b)->text, b->elements * sizeof *out);
        return;
    }
    numbers n = numbers_of(b);
    for (size_t i = 0; i < b->elements; i++) out[i] = (float)numbers_next(&n).real;
}

void blob_doubles(const blob *b, double *out) {
    numbers n = numbers_of(b);
    for (size_t i = 0; i < b->elements; i++) out[i] = numbers_next(&n).real;
}

void blob_integers(const blob *b, int64_t *out) {
    numbers n = numbers_of(b);
    for (size_t i = 0; i < b->elements; i++) out[i] = numbers_next(&n).whole;
}

#endif
