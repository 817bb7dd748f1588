/* data/idx.c: pictures and labels in IDX files (Y. LeCun, "The MNIST database"): two zero bytes, the type of the
 * elements (8: bytes), the number of dimensions, each dimension as a big-endian 32-bit number, then the elements in C
 * order. Pictures have three dimensions (count, rows, columns), labels one.
 *
 * The header's counts are a claim of the file's: they are held against the number of bytes that can follow before any
 * memory is taken for them, and the file has to end where they say. Labels are found beside the pictures by the usual
 * names (train-images-idx3-ubyte.gz has train-labels-idx1-ubyte.gz). Classes are the distinct labels in order of value,
 * named by their digits; a later file's labels are told by these names. */
#include "data/idx.h"

#include "data/number.h"
#include "data/source.h"

#include <stdio.h>

enum { TYPE_BYTES = 8, LABEL_VALUES = 256, LABEL_DIGITS = 16 };

static uint32_t big_endian(const uint8_t *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

/* A sentence about a header that is not what was asked for. */
static int wrong_header(const uint8_t *magic, size_t got, const char *name, int rank, soma_error *error) {
    const char *wanted = rank == IDX_PICTURES ? "IDX pictures" : "IDX labels";
    if (got < 4 || magic[0] || magic[1])
        return error_set(error, SOMA_ERROR_INPUT,
                         "%s: is no IDX file; expected %s, which begin with the bytes 0 0 8 %d", name, wanted, rank);
    if (magic[2] != TYPE_BYTES)
        return error_set(error, SOMA_ERROR_INPUT, "%s: holds elements of IDX type 0x%02x; expected bytes, type 0x08",
                         name, magic[2]);
    if (magic[3] == IDX_LABELS)
        return error_set(error, SOMA_ERROR_INPUT, "%s: holds IDX labels; expected %s", name, wanted);
    if (magic[3] == IDX_PICTURES)
        return error_set(error, SOMA_ERROR_INPUT, "%s: holds IDX pictures; expected %s", name, wanted);
    return error_set(error, SOMA_ERROR_INPUT, "%s: has %d dimensions; expected %d, as %s have", name, magic[3], rank,
                     wanted);
}

/* Reads the dimensions and gives their product, which the file's size has to allow. */
static bool read_header(source *s, const char *name, int rank, idx_array *array, size_t *elements, soma_error *error) {
    uint8_t magic[4], dim[4];
    size_t got, count = 1;
    if (!source_read(s, magic, sizeof magic, &got, error)) return false;
    if (got < 4 || magic[0] || magic[1] || magic[2] != TYPE_BYTES || magic[3] != rank) {
        wrong_header(magic, got, name, rank, error);
        return false;
    }
    bool fits = true;
    for (int i = 0; i < rank; i++) {
        if (!source_read(s, dim, sizeof dim, &got, error)) return false;
        if (got < sizeof dim) {
            error_set(error, SOMA_ERROR_INPUT, "%s: ends within its header of %d bytes", name, 4 + 4 * rank);
            return false;
        }
        array->dims[i] = big_endian(dim);
        fits = fits && size_multiply(count, array->dims[i], &count);
    }
    array->rank = rank;
    *elements = count;
    if (fits && count <= source_at_most(s)) return true;
    if (rank == IDX_PICTURES)
        error_set(error, SOMA_ERROR_INPUT,
                  "%s: the header says %u pictures of %u x %u, more than the file has room for", name, array->dims[0],
                  array->dims[1], array->dims[2]);
    else
        error_set(error, SOMA_ERROR_INPUT, "%s: the header says %u labels, more than the file has room for", name,
                  array->dims[0]);
    return false;
}

bool idx_read(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, int rank,
              idx_array *array, soma_error *error) {
    size_t elements = 0, got = 0;
    uint8_t beyond;
    bool done = false;
    *array = (idx_array){.rank = 0};
    source *s = source_open(context, bytes, size, name, error);
    if (!s || !read_header(s, name, rank, array, &elements, error)) goto end;
    if (!(array->data = mem_alloc(context, elements))) {
        error_memory(error);
        goto end;
    }
    if (!source_read(s, array->data, elements, &got, error)) goto end;
    if (got < elements) {
        error_set(error, SOMA_ERROR_INPUT, "%s: ends after %zu of the %zu bytes that its header says", name, got,
                  elements);
        goto end;
    }
    if (!source_read(s, &beyond, 1, &got, error)) goto end;
    if (got)
        error_set(error, SOMA_ERROR_INPUT, "%s: goes on behind the %zu bytes that its header says", name, elements);
    else
        done = true;
end:
    source_close(s);
    if (!done) {
        mem_free(context, array->data);
        array->data = NULL;
    }
    return done;
}

bool idx_is(const uint8_t *bytes, size_t size) {
    return source_is_gzip(bytes, size) || (size >= 4 && !bytes[0] && !bytes[1] && bytes[2] && bytes[3]);
}

/* ---- Labels ---------------------------------------------------------------------------------------------------- */

/* Replaces a word within the last part of a path, in a buffer that is large enough for words of equal length. */
static bool replace_word(char *path, const char *word, const char *other) {
    char *slash = strrchr(path, '/'), *found = NULL;
    for (char *at = slash ? slash : path; (at = strstr(at, word)); at++) found = at;
    if (!found) return false;
    while (*other) *found++ = *other++;
    return true;
}

/* The usual name of the labels that belong to a file of pictures: with or without .gz, whichever is there. NULL when
 * there is none; *memory tells whether memory was out. */
static char *labels_beside(const soma_context *context, const char *path, bool *memory) {
    static const char packed[] = ".gz";
    size_t length = strlen(path), size;
    char *name = size_add(length, sizeof packed, &size) ? mem_alloc(context, size) : NULL;
    *memory = name == NULL;
    if (!name) return NULL;
    memcpy(name, path, length + 1);
    if (replace_word(name, "images", "labels")) {
        replace_word(name, "idx3", "idx1");
        if (source_exists(name)) return name;
        if (length > 3 && strcmp(name + length - 3, packed) == 0)
            name[length - 3] = 0;
        else
            memcpy(name + length, packed, sizeof packed);
        if (source_exists(name)) return name;
    }
    mem_free(context, name);
    return NULL;
}

static bool read_labels(soma_dataset *set, const char *path, idx_array *labels, soma_error *error) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (!source_load(set->context, path, &bytes, &size, error)) return false;
    bool read = idx_read(set->context, bytes, size, source_name(path), IDX_LABELS, labels, error);
    mem_free(set->context, bytes);
    if (read && labels->dims[0] != (uint64_t)set->rows) {
        error_set(error, SOMA_ERROR_INPUT, "%s: holds %u labels for the %lld pictures of %s", source_name(path),
                  labels->dims[0], (long long)set->rows, set->path);
        return false;
    }
    return read;
}

/* How label v is called: by the name that is known for it, or by its digits. */
static const char *label_name(const char *const *names, int v, char digits[LABEL_DIGITS]) {
    int known = 0;
    while (names && known <= v && names[known]) known++;
    snprintf(digits, LABEL_DIGITS, "%d", v);
    return known > v ? names[v] : digits;
}

/* The classes of a set that is learnt from: its distinct labels by value. */
static bool learn_classes(soma_dataset *set, const idx_array *labels, const char *const *names, soma_error *error) {
    bool present[LABEL_VALUES] = {false};
    size_t count = 0;
    for (size_t i = 0; i < labels->dims[0]; i++) present[labels->data[i]] = true;
    for (int v = 0; v < LABEL_VALUES; v++) count += present[v];
    table_schema *schema = &set->schema;
    if (!(schema->classes = mem_zeros(set->context, count, sizeof *schema->classes))) return error_memory(error), false;
    for (int v = 0; v < LABEL_VALUES; v++) {
        char digits[LABEL_DIGITS];
        if (!present[v]) continue;
        const char *name = label_name(names, v, digits);
        if (!(schema->classes[schema->classes_count] = mem_string(set->context, name)))
            return error_memory(error), false;
        schema->classes_count++;
    }
    if (count >= 2) return true;
    error_set(error, SOMA_ERROR_INPUT, "%s: all labels are %s; at least two classes are needed", set->path,
              schema->classes[0]);
    return false;
}

/* The class of each label: by its name; where all classes are words, and labels only numbers, by its place. */
static void index_labels(const table_schema *schema, const char *const *names, int64_t index[LABEL_VALUES]) {
    bool words = !names;
    double number;
    for (size_t c = 0; c < schema->classes_count; c++)
        words = words && !number_parse(schema->classes[c], strlen(schema->classes[c]), &number);
    for (int v = 0; v < LABEL_VALUES; v++) {
        char digits[LABEL_DIGITS];
        const char *name = label_name(names, v, digits);
        index[v] = words && (size_t)v < schema->classes_count ? v : -1;
        for (size_t c = 0; c < schema->classes_count; c++)
            if (strcmp(schema->classes[c], name) == 0) index[v] = (int64_t)c;
    }
}

/* Turns labels into class indices. */
static bool take_classes(soma_dataset *set, const idx_array *labels, const char *const *names, const char *path,
                         soma_error *error) {
    int64_t index[LABEL_VALUES];
    index_labels(&set->schema, names, index);
    if (!(set->classes = mem_array(set->context, (size_t)set->rows, sizeof *set->classes)))
        return error_memory(error), false;
    for (int64_t i = 0; i < set->rows; i++) {
        set->classes[i] = index[labels->data[i]];
        if (set->classes[i] >= 0) continue;
        error_set(error, SOMA_ERROR_INPUT,
                  "%s: the label %d of picture %lld is none of the %zu classes of the training set", source_name(path),
                  labels->data[i], (long long)i + 1, set->schema.classes_count);
        return false;
    }
    return true;
}

static bool take_targets(soma_dataset *set, const idx_array *labels, soma_error *error) {
    if (!(set->targets = mem_array(set->context, (size_t)set->rows, sizeof *set->targets)))
        return error_memory(error), false;
    for (int64_t i = 0; i < set->rows; i++) set->targets[i] = (float)labels->data[i];
    return true;
}

static bool add_labels(soma_dataset *set, const data_options *options, soma_error *error) {
    bool memory = false, done = false;
    idx_array labels = {.rank = 0};
    char *found = options->labels ? NULL : labels_beside(set->context, set->path, &memory);
    const char *path = options->labels ? options->labels : found;
    if (!path) {
        if (memory)
            error_memory(error);
        else
            error_set(error, SOMA_ERROR_INPUT,
                      "%s: no labels by the usual name stand beside it; --labels FILE names them", set->path);
        return false;
    }
    if (!read_labels(set, path, &labels, error)) goto end;
    set->fingerprint = hash_bytes(labels.data, labels.dims[0], set->fingerprint);
    if (!options->schema) {
        set->schema.classify = options->task != TASK_REGRESS;
        if (set->schema.classify && !learn_classes(set, &labels, options->class_names, error)) goto end;
    }
    done = set->schema.classify ? take_classes(set, &labels, options->class_names, path, error)
                                : take_targets(set, &labels, error);
end:
    mem_free(set->context, labels.data);
    mem_free(set->context, found);
    return done;
}

/* ---- Pictures -------------------------------------------------------------------------------------------------- */

soma_dataset *idx_load(const soma_context *context, const char *path, const uint8_t *bytes, size_t size,
                       const data_options *options, soma_error *error) {
    const char *name = source_name(path);
    idx_array pictures = {.rank = 0};
    if (data_check_pictures(options, name, error)) return NULL;
    soma_dataset *set = mem_zeros(context, 1, sizeof *set);
    if (!set) {
        error_memory(error);
        return NULL;
    }
    set->context = set->kept_texts.context = context;
    if (!idx_read(context, bytes, size, name, IDX_PICTURES, &pictures, error)) goto failed;
    set->pictures = pictures.data;
    set->rows = pictures.dims[0];
    set->sample = soma_shape3(1, pictures.dims[1], pictures.dims[2]);
    set->fingerprint = hash_bytes(pictures.dims, sizeof pictures.dims, HASH_START);
    if (!pictures.dims[0] || !pictures.dims[1] || !pictures.dims[2]) {
        error_set(error, SOMA_ERROR_INPUT, "%s: holds %u pictures of %u x %u; expected at least one with a pixel", name,
                  pictures.dims[0], pictures.dims[1], pictures.dims[2]);
        goto failed;
    }
    set->fingerprint =
        hash_bytes(set->pictures, (size_t)shape_elements(&set->sample, 1) * (size_t)set->rows, set->fingerprint);
    if (!(set->path = mem_string(context, name)) ||
        (options->schema && !schema_copy(context, options->schema, &set->schema))) {
        error_memory(error);
        goto failed;
    }
    if (options->predict || add_labels(set, options, error)) return set;
failed:
    soma_dataset_destroy(set);
    return NULL;
}
