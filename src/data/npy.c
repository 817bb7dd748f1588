/* data/npy.c: NumPy's .npy format (NEP 1): the bytes 93 NUMPY, a version, the length of a header, the header (a Python
 * dictionary literal with the keys descr, fortran_order and shape), then the elements.
 *
 * Only the literals that NumPy writes for plain numbers are understood; the header is read by a small scanner that
 * takes the three keys in any order and refuses everything else, objects above all. Counts are held against the bytes
 * that are there before memory is taken. */
#include "data/npy.h"

#include "data/source.h"

#include <errno.h>
#include <stdio.h>

enum { PREFIX = 10, HEADER_BYTES = 65536 };

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

static const struct {
    const char *name, *code; /* the code of descr without its byte order */
    size_t size;
} types[NPY_TYPES] = {
    [NPY_FLOAT32] = {"float32", "f4", 4}, [NPY_FLOAT64] = {"float64", "f8", 8}, [NPY_INT8] = {"int8", "i1", 1},
    [NPY_INT16] = {"int16", "i2", 2},     [NPY_INT32] = {"int32", "i4", 4},     [NPY_INT64] = {"int64", "i8", 8},
    [NPY_UINT8] = {"uint8", "u1", 1},     [NPY_UINT16] = {"uint16", "u2", 2},   [NPY_UINT32] = {"uint32", "u4", 4},
    [NPY_BOOL] = {"bool", "b1", 1},
};

size_t npy_size(npy_type type) { return types[type].size; }
const char *npy_name(npy_type type) { return types[type].name; }

void npy_clear(const soma_context *context, npy_array *array) {
    mem_free(context, array->data);
    *array = (npy_array){.data = NULL};
}

static bool little_endian(void) {
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

/* ---- The header ------------------------------------------------------------------------------------------------ */

typedef struct header_scan {
    const char *at, *end;
    npy_type type;
    bool swapped, fortran;
    soma_shape shape;
    bool has_type, has_order, has_shape;
} header_scan;

static void skip_blanks(header_scan *h) {
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\n' || *h->at == '\t')) h->at++;
}

static bool take(header_scan *h, char c) {
    skip_blanks(h);
    if (h->at == h->end || *h->at != c) return false;
    h->at++;
    return true;
}

static bool take_text(header_scan *h, const char *word) {
    size_t length = strlen(word);
    skip_blanks(h);
    if ((size_t)(h->end - h->at) < length || memcmp(h->at, word, length) != 0) return false;
    h->at += length;
    return true;
}

/* 'text' or "text" without escapes, copied. */
static bool take_quoted(header_scan *h, char *text, size_t size) {
    skip_blanks(h);
    if (h->at == h->end || (*h->at != '\'' && *h->at != '"')) return false;
    char quote = *h->at++;
    const char *close = memchr(h->at, quote, (size_t)(h->end - h->at));
    size_t length = close ? (size_t)(close - h->at) : size;
    if (length >= size) return false;
    memcpy(text, h->at, length);
    text[length] = 0;
    h->at = close + 1;
    return true;
}

static bool take_type(header_scan *h) {
    char code[16];
    if (!take_quoted(h, code, sizeof code) || !code[0]) return false;
    for (int t = 0; t < NPY_TYPES; t++) {
        if (strcmp(code + 1, types[t].code) != 0) continue;
        h->type = (npy_type)t;
        h->swapped = types[t].size > 1 && code[0] == (little_endian() ? '>' : '<');
        return h->has_type =
                   code[0] == '<' || code[0] == '>' || code[0] == '=' || (code[0] == '|' && types[t].size == 1);
    }
    return false;
}

static bool take_order(header_scan *h) {
    h->fortran = take_text(h, "True");
    return h->has_order = h->fortran || take_text(h, "False");
}

static bool take_shape(header_scan *h) {
    if (!take(h, '(')) return false;
    h->shape = soma_shape0();
    while (!take(h, ')')) {
        int64_t dim = 0;
        const char *first = h->at;
        for (; h->at < h->end && *h->at >= '0' && *h->at <= '9'; h->at++)
            if (__builtin_mul_overflow(dim, (int64_t)10, &dim) ||
                __builtin_add_overflow(dim, (int64_t)(*h->at - '0'), &dim))
                return false;
        if (h->at == first || h->shape.rank == SOMA_MAX_RANK) return false;
        h->shape.dims[h->shape.rank++] = dim;
        if (!take(h, ',')) {
            if (!take(h, ')')) return false;
            break;
        }
    }
    return h->has_shape = true;
}

/* NULL, or what is wrong with the header. */
static const char *scan_header(header_scan *h) {
    char key[32];
    if (!take(h, '{')) return "the header is no dictionary";
    while (!take(h, '}')) {
        if (!take_quoted(h, key, sizeof key) || !take(h, ':')) return "the header is damaged";
        if (strcmp(key, "descr") == 0) {
            if (!take_type(h))
                return "the element type is not one of float32, float64, int8 to int64, uint8 to uint32 and bool";
        } else if (strcmp(key, "fortran_order") == 0) {
            if (!take_order(h)) return "fortran_order is neither True nor False";
        } else if (strcmp(key, "shape") == 0) {
            if (!take_shape(h)) return "the shape is not a tuple of at most 8 dimensions";
        } else {
            return "the header has an unknown key";
        }
        if (!take(h, ',')) {
            if (!take(h, '}')) return "the header is damaged";
            break;
        }
    }
    skip_blanks(h);
    if (h->at != h->end) return "the header is damaged";
    return h->has_type && h->has_order && h->has_shape ? NULL : "the header lacks descr, fortran_order or shape";
}

/* ---- Elements -------------------------------------------------------------------------------------------------- */

static void swap_bytes(uint8_t *data, size_t count, size_t size) {
    for (size_t i = 0; i < count; i++, data += size)
        for (size_t low = 0, high = size - 1; low < high; low++, high--) {
            uint8_t kept = data[low];
            data[low] = data[high];
            data[high] = kept;
        }
}

/* Copies elements whose first dimension runs fastest into C order: a counter of positions steps through C order, and
 * the place in the source moves with it. */
static void from_fortran(const uint8_t *from, uint8_t *to, size_t count, size_t size, const soma_shape *shape) {
    int64_t position[SOMA_MAX_RANK] = {0}, stride[SOMA_MAX_RANK];
    size_t source_index = 0;
    if (!count) return;
    for (int axis = 0; axis < shape->rank; axis++) stride[axis] = axis ? stride[axis - 1] * shape->dims[axis - 1] : 1;
    for (size_t i = 0; i < count; i++) {
        memcpy(to + i * size, from + source_index * size, size);
        for (int axis = shape->rank; axis-- > 0;) {
            source_index += (size_t)stride[axis];
            if (++position[axis] < shape->dims[axis]) break;
            source_index -= (size_t)(stride[axis] * shape->dims[axis]);
            position[axis] = 0;
        }
    }
}

/* Finds the header within the bytes; NULL or what is wrong. */
static const char *find_header(const uint8_t *bytes, size_t size, header_scan *h) {
    if (size < PREFIX || memcmp(bytes, magic, sizeof magic) != 0) return "is no .npy file";
    size_t length = bytes[8] | (size_t)bytes[9] << 8, begin = PREFIX;
    if (bytes[6] < 1 || bytes[6] > 3) return "has a .npy version other than 1, 2 and 3";
    if (bytes[6] > 1) {
        begin += 2;
        if (size < begin) return "ends within its header";
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    }
    if (length > HEADER_BYTES) return "has a header of more than 65536 bytes";
    if (size - begin < length) return "ends within its header";
    *h = (header_scan){.at = (const char *)bytes + begin, .end = (const char *)bytes + begin + length};
    return NULL;
}

bool npy_read(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, npy_array *array,
              soma_error *error) {
    header_scan h;
    *array = (npy_array){.data = NULL};
    const char *problem = find_header(bytes, size, &h);
    const uint8_t *elements = problem ? NULL : (const uint8_t *)h.end;
    if (!problem) problem = scan_header(&h);
    if (problem) {
        error_set(error, SOMA_ERROR_INPUT, "%s: %s", name, problem);
        return false;
    }
    size_t left = size - (size_t)(elements - bytes), count = 1, needed = 0;
    bool fits = true, empty = false;
    for (int i = 0; i < h.shape.rank; i++) empty = empty || h.shape.dims[i] == 0;
    for (int i = 0; i < h.shape.rank && !empty; i++)
        fits = fits && size_multiply(count, (size_t)h.shape.dims[i], &count);
    if (empty) count = 0;
    fits = fits && size_multiply(count, npy_size(h.type), &needed);
    if (!fits || needed != left) {
        char text[SHAPE_TEXT];
        error_set(error, SOMA_ERROR_INPUT,
                  "%s: the shape %s of %s does not go with the %zu bytes that follow the header", name,
                  shape_text(&h.shape, text), npy_name(h.type), left);
        return false;
    }
    uint8_t *data = mem_alloc(context, needed);
    if (!data) {
        error_memory(error);
        return false;
    }
    if (h.fortran && h.shape.rank > 1)
        from_fortran(elements, data, count, npy_size(h.type), &h.shape);
    else if (needed)
        memcpy(data, elements, needed);
    if (h.swapped) swap_bytes(data, count, npy_size(h.type));
    *array = (npy_array){.type = h.type, .shape = h.shape, .count = count, .data = data};
    return true;
}

bool npy_load(const soma_context *context, const char *path, npy_array *array, soma_error *error) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    *array = (npy_array){.data = NULL};
    if (!source_load(context, path, &bytes, &size, error)) return false;
    bool read = npy_read(context, bytes, size, source_name(path), array, error);
    mem_free(context, bytes);
    return read;
}

/* ---- Conversions ----------------------------------------------------------------------------------------------- */

#define ELEMENT_CASE(type_name, c_type)                                                                                \
    case type_name: {                                                                                                  \
        c_type v;                                                                                                      \
        memcpy(&v, (const uint8_t *)array->data + i * sizeof v, sizeof v);                                             \
        return (double)v;                                                                                              \
    }

static double element(const npy_array *array, size_t i) {
    switch (array->type) {
        ELEMENT_CASE(NPY_FLOAT32, float)
        ELEMENT_CASE(NPY_FLOAT64, double)
        ELEMENT_CASE(NPY_INT8, int8_t)
        ELEMENT_CASE(NPY_INT16, int16_t)
        ELEMENT_CASE(NPY_INT32, int32_t)
        ELEMENT_CASE(NPY_INT64, int64_t)
        ELEMENT_CASE(NPY_UINT8, uint8_t)
        ELEMENT_CASE(NPY_UINT16, uint16_t)
        ELEMENT_CASE(NPY_UINT32, uint32_t)
    default:
        return ((const uint8_t *)array->data)[i] != 0;
    }
}

/* To the nearest float; a double beyond float's range becomes infinite. */
static float to_float(double v) {
    const double beyond = 3.4028235677973366e38; /* halfway between the largest float and 2^128 */
    if (v >= beyond) return __builtin_inff();
    if (v <= -beyond) return -__builtin_inff();
    return (float)v;
}

float *npy_floats(const soma_context *context, const npy_array *array, soma_error *error) {
    float *floats = mem_array(context, array->count, sizeof *floats);
    if (!floats) {
        error_memory(error);
        return NULL;
    }
    for (size_t i = 0; i < array->count; i++) floats[i] = to_float(element(array, i));
    return floats;
}

int64_t *npy_int64s(const soma_context *context, const npy_array *array, const char *name, soma_error *error) {
    int64_t *whole = mem_array(context, array->count, sizeof *whole);
    if (!whole) {
        error_memory(error);
        return NULL;
    }
    if (array->type == NPY_INT64) {
        if (array->count) memcpy(whole, array->data, array->count * sizeof *whole);
        return whole;
    }
    for (size_t i = 0; i < array->count; i++) {
        double v = element(array, i);
        if (!(v >= -9223372036854775808.0 && v < 9223372036854775808.0) || (double)(int64_t)v != v) {
            error_set(error, SOMA_ERROR_INPUT, "%s: element %zu is %g; expected whole numbers", name, i, v);
            mem_free(context, whole);
            return NULL;
        }
        whole[i] = (int64_t)v;
    }
    return whole;
}

/* ---- Writing --------------------------------------------------------------------------------------------------- */

/* The prefix and the header, padded with blanks to a multiple of 64 bytes; their size. */
static size_t format_header(npy_type type, const soma_shape *shape, char *text, size_t size) {
    const char *code = types[type].code;
    char order = types[type].size == 1 ? '|' : little_endian() ? '<' : '>';
    size_t at = PREFIX;
    at += (size_t)snprintf(text + at, size - at, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", order, code);
    for (int i = 0; i < shape->rank; i++)
        at += (size_t)snprintf(text + at, size - at, i ? " %lld," : "%lld,", (long long)shape->dims[i]);
    if (shape->rank > 1) at--; /* only a tuple of one ends in a comma */
    at += (size_t)snprintf(text + at, size - at, "), }");
    while ((at + 1) % 64) text[at++] = ' ';
    text[at++] = '\n';
    memcpy(text, magic, sizeof magic);
    text[6] = 1, text[7] = 0; /* version 1.0 */
    text[8] = (char)((at - PREFIX) & 0xFF);
    text[9] = (char)((at - PREFIX) >> 8);
    return at;
}

bool npy_write(const char *path, npy_type type, const soma_shape *shape, const void *data, soma_error *error) {
    char header[512];
    int64_t count = shape_elements(shape, 1);
    size_t bytes, length = format_header(type, shape, header, sizeof header);
    if (count < 0 || shape_has_batch(shape) || !size_multiply((size_t)count, npy_size(type), &bytes)) {
        error_set(error, SOMA_ERROR_ARGUMENT, "%s: the shape to be written is open or too large", path);
        return false;
    }
    FILE *file = fopen(path, "wb");
    bool written =
        file && fwrite(header, 1, length, file) == length && (!bytes || fwrite(data, 1, bytes, file) == bytes);
    int why = errno;
    if (file && fclose(file) != 0 && written) {
        why = errno;
        written = false;
    }
    if (!written) error_set(error, SOMA_ERROR_IO, "%s: can't be written: %s", path, strerror(why));
    return written;
}
