/* format/safetensors.c: the safetensors format, https://github.com/huggingface/safetensors, "Format".
 *
 * A file is 8 bytes with the size of the header, a JSON header and the tensors' bytes one after another. It was made so
 * that nothing in it can run or surprise: tensors may not overlap, leave holes or reach out of the file. The reader
 * checks all of that before it hands out a pointer; the writer streams through file_writer, so that a checkpoint is
 * there as a whole or not at all. Only the four element types that soma writes are known. */
#include "format/safetensors.h"

#include "format/file.h"

#if defined(SOMA_HAVE_JSON)

#include <jansson.h>
#include <stdlib.h>

enum { PREFIX_BYTES = 8, ALIGNMENT = 64, HEADER_LIMIT = 100000000 };

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {[SAFETENSORS_F32] = {"F32", 4},
              [SAFETENSORS_F64] = {"F64", 8},
              [SAFETENSORS_I64] = {"I64", 8},
              [SAFETENSORS_U8] = {"U8", 1}};

/* Bytes of a tensor; false when they can't be counted. */
static bool tensor_bytes(const safetensors_tensor *t, size_t *bytes) {
    for (int i = 0; i < t->shape.rank; i++)
        if (t->shape.dims[i] < 0) return false;
    int64_t n = shape_elements(&t->shape, 1);
    return n >= 0 && size_multiply((size_t)n, dtypes[t->dtype].size, bytes);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* The header's object; NULL when memory is out or a string is not UTF-8. */
static json_t *header_build(const safetensors_tensor *tensors, size_t count, const safetensors_pair *metadata,
                            size_t metadata_count) {
    json_t *header = json_object();
    size_t begin = 0, bytes = 0;
    if (metadata_count) {
        json_t *pairs = json_object();
        if (json_object_set_new(header, "__metadata__", pairs)) goto failed;
        for (size_t i = 0; i < metadata_count; i++)
            if (json_object_set_new(pairs, metadata[i].key, json_string(metadata[i].value))) goto failed;
    }
    for (size_t i = 0; i < count; i++) {
        json_t *shape = json_array(), *entry;
        for (int d = 0; d < tensors[i].shape.rank; d++)
            if (json_array_append_new(shape, json_integer(tensors[i].shape.dims[d]))) {
                json_decref(shape);
                goto failed;
            }
        if (!tensor_bytes(&tensors[i], &bytes)) bytes = 0; /* refused before */
        size_t end = begin + bytes;
        entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtypes[tensors[i].dtype].name, "shape", shape,
                          "data_offsets", (json_int_t)begin, (json_int_t)end);
        if (json_object_set_new(header, tensors[i].name, entry)) goto failed;
        begin = end;
    }
    return header;
failed:
    json_decref(header);
    return NULL;
}

/* JSON text as it comes out of jansson, whose own json_dumps doesn't notice every allocation that fails. */
typedef struct header_text {
    const soma_context *context;
    char *text;
    size_t length, capacity;
    bool failed;
} header_text;

static int header_add(const char *piece, size_t size, void *user) {
    header_text *t = user;
    if (t->failed) return -1;
    if (t->capacity - t->length <= size) {
        size_t wanted = (t->length + size + 64) * 2;
        char *grown = mem_resize(t->context, t->text, t->length, wanted, 1);
        if ((t->failed = !grown)) return -1;
        t->text = grown;
        t->capacity = wanted;
    }
    memcpy(t->text + t->length, piece, size);
    t->length += size;
    return 0;
}

static bool not_utf8(const char *text) {
    json_t *plain = json_string(""), *same = json_string(text);
    bool refused = plain && !same;
    json_decref(plain);
    json_decref(same);
    return refused;
}

/* Why there is no header. */
static int header_refused(const char *path, const safetensors_tensor *tensors, size_t count,
                          const safetensors_pair *metadata, size_t metadata_count, soma_error *error) {
    bool refused = false;
    for (size_t i = 0; i < count; i++) refused |= not_utf8(tensors[i].name);
    for (size_t i = 0; i < metadata_count; i++) refused |= not_utf8(metadata[i].key) || not_utf8(metadata[i].value);
    return refused ? error_set(error, SOMA_ERROR_ARGUMENT, "cannot write '%s': a name or a metadata value is not UTF-8",
                               path)
                   : error_memory(error);
}

/* Size, header and the blanks that align what follows. */
static int header_write(file_writer *w, const char *text, size_t length, soma_error *error) {
    static const char blanks[ALIGNMENT + 1] = "                                                                ";
    size_t padding = (ALIGNMENT - (PREFIX_BYTES + length) % ALIGNMENT) % ALIGNMENT;
    uint64_t size = length + padding;
    unsigned char prefix[PREFIX_BYTES];
    for (int i = 0; i < PREFIX_BYTES; i++) prefix[i] = (unsigned char)(size >> (8 * i));
    int code = file_write(w, prefix, sizeof prefix, error);
    if (!code) code = file_write(w, text, length, error);
    if (!code) code = file_write(w, blanks, padding, error);
    return code;
}

int safetensors_write(const char *path, const safetensors_tensor *tensors, size_t count,
                      const safetensors_pair *metadata, size_t metadata_count, const soma_context *context,
                      soma_error *error) {
    size_t bytes, total = 0;
    for (size_t i = 0; i < count; i++)
        if (!tensor_bytes(&tensors[i], &bytes) || !size_add(total, bytes, &total) || total > INT64_MAX)
            return error_set(error, SOMA_ERROR_ARGUMENT,
                             "cannot write '%s': tensor '%s' has no size that can be written", path, tensors[i].name);
    int code = SOMA_ERROR_IO;
    json_t *header = header_build(tensors, count, metadata, metadata_count);
    if (!header) return header_refused(path, tensors, count, metadata, metadata_count, error);
    header_text t = {.context = context};
    bool written = json_dump_callback(header, header_add, &t, JSON_COMPACT) == 0 && !t.failed;
    size_t entries = json_object_size(header);
    file_writer *w = NULL;
    json_decref(header);
    if (!written) {
        code = error_memory(error);
        goto done;
    }
    if (entries != count + (metadata_count != 0)) {
        code = error_set(error, SOMA_ERROR_ARGUMENT, "cannot write '%s': two tensors have the same name", path);
        goto done;
    }
    if (!(w = file_create(path, context, error))) goto done;
    code = header_write(w, t.text, t.length, error);
    for (size_t i = 0; i < count && !code; i++)
        if (tensor_bytes(&tensors[i], &bytes)) code = file_write(w, tensors[i].data, bytes, error);
    if (code)
        file_abort(w);
    else
        code = file_commit(w, error);
done:
    mem_free(context, t.text);
    return code;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

struct safetensors {
    const soma_context *context;
    file_view view;
    json_t *header;
    const json_t *metadata;
    safetensors_tensor *tensors;
    size_t count;
};

typedef struct reading {
    safetensors *file;
    const char *path;
    const unsigned char *data; /* the tensors' bytes */
    size_t size;
    soma_error *error;
} reading;

static int refuse(const reading *r, const char *name, const char *what) {
    return error_set(r->error, SOMA_ERROR_INPUT, "cannot read '%s': tensor '%.100s' %s", r->path, name, what);
}

/* One entry of the header into *t; its place in the data must fit its shape. */
static int read_entry(const reading *r, const char *name, const json_t *entry, safetensors_tensor *t) {
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    size_t d = 0, bytes;
    if (!dtype || !json_is_array(shape) || json_array_size(offsets) != 2 || !json_is_integer(first) ||
        !json_is_integer(last))
        return refuse(r, name, "has no dtype, shape and data_offsets as the format asks for");
    while (d < COUNT_OF(dtypes) && strcmp(dtype, dtypes[d].name) != 0) d++;
    if (d == COUNT_OF(dtypes)) return refuse(r, name, "has a type that is not F32, F64, I64 or U8");
    if (json_array_size(shape) > SOMA_MAX_RANK) return refuse(r, name, "has more than 8 dimensions");
    t->name = name;
    t->dtype = (safetensors_dtype)d;
    t->shape.rank = (int32_t)json_array_size(shape);
    for (int i = 0; i < t->shape.rank; i++) {
        const json_t *dim = json_array_get(shape, (size_t)i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return refuse(r, name, "has a dimension that is no size");
        t->shape.dims[i] = json_integer_value(dim);
    }
    json_int_t begin = json_integer_value(first), end = json_integer_value(last);
    if (begin < 0 || end < begin || (uint64_t)end > r->size) return refuse(r, name, "reaches out of the file");
    if (!tensor_bytes(t, &bytes) || bytes != (size_t)(end - begin))
        return refuse(r, name, "has a shape that does not fit its data_offsets");
    t->data = r->data + begin;
    t->size = bytes;
    return SOMA_OK;
}

static int by_place(const void *a, const void *b) {
    const safetensors_tensor *x = *(const safetensors_tensor *const *)a, *y = *(const safetensors_tensor *const *)b;
    if (x->data != y->data) return (const char *)x->data < (const char *)y->data ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

/* No overlaps, no holes: in the order of their places each tensor begins where the one before ended. */
static int check_places(const reading *r) {
    const safetensors *f = r->file;
    const unsigned char *end = r->data;
    int code = SOMA_OK;
    const safetensors_tensor **order = mem_array(f->context, f->count, sizeof *order);
    if (!order) return error_memory(r->error);
    for (size_t i = 0; i < f->count; i++) order[i] = &f->tensors[i];
    qsort(order, f->count, sizeof *order, by_place);
    for (size_t i = 0; i < f->count && !code; i++) {
        if (order[i]->data != end) code = refuse(r, order[i]->name, "does not begin where the one before it ends");
        end = (const unsigned char *)order[i]->data + order[i]->size;
    }
    if (!code && end != r->data + r->size)
        code = error_set(r->error, SOMA_ERROR_INPUT, "cannot read '%s': there are %zu bytes behind its last tensor",
                         r->path, (size_t)(r->data + r->size - end));
    mem_free(f->context, order);
    return code;
}

static int read_header(reading *r) {
    safetensors *f = r->file;
    json_error_t where;
    uint64_t size = 0;
    const char *path = r->path, *name;
    json_t *entry;
    if (f->view.size < PREFIX_BYTES)
        return error_set(r->error, SOMA_ERROR_INPUT, "cannot read '%s': it is too short for a safetensors file", path);
    for (int i = 0; i < PREFIX_BYTES; i++) size |= (uint64_t)f->view.data[i] << (8 * i);
    if (size > f->view.size - PREFIX_BYTES || size > HEADER_LIMIT)
        return error_set(r->error, SOMA_ERROR_INPUT, "cannot read '%s': it is cut short or no safetensors file", path);
    f->header = json_loadb((const char *)f->view.data + PREFIX_BYTES, (size_t)size, JSON_REJECT_DUPLICATES, &where);
    if (!f->header && json_error_code(&where) == json_error_out_of_memory) return error_memory(r->error);
    if (!f->header)
        return error_set(r->error, SOMA_ERROR_INPUT, "cannot read '%s': the header is not JSON: line %d, column %d: %s",
                         path, where.line, where.column, where.text);
    if (!json_is_object(f->header))
        return error_set(r->error, SOMA_ERROR_INPUT, "cannot read '%s': the header is not a JSON object", path);
    r->data = f->view.data + PREFIX_BYTES + size;
    r->size = f->view.size - PREFIX_BYTES - (size_t)size;
    f->tensors = mem_zeros(f->context, json_object_size(f->header), sizeof *f->tensors);
    if (!f->tensors) return error_memory(r->error);
    json_object_foreach(f->header, name, entry) {
        if (strcmp(name, "__metadata__") == 0) {
            f->metadata = entry;
        } else {
            int code = read_entry(r, name, entry, &f->tensors[f->count]);
            if (code) return code;
            f->count++;
        }
    }
    return check_places(r);
}

static safetensors *open_view(file_view view, const char *name, const soma_context *context, soma_error *error) {
    safetensors *f = mem_zeros(context, 1, sizeof *f);
    if (!f) {
        file_unmap(&view);
        return error_memory(error), NULL;
    }
    f->context = context;
    f->view = view;
    reading r = {f, name, NULL, 0, error};
    if (read_header(&r)) {
        safetensors_close(f);
        return NULL;
    }
    return f;
}

safetensors *safetensors_open(const char *path, const soma_context *context, soma_error *error) {
    file_view view;
    return file_map(path, &view, error) ? NULL : open_view(view, path, context, error);
}

safetensors *safetensors_open_memory(const void *bytes, size_t size, const char *name, const soma_context *context,
                                     soma_error *error) {
    file_view view = {bytes, size, NULL};
    return open_view(view, name, context, error);
}

void safetensors_close(safetensors *file) {
    if (!file) return;
    json_decref(file->header);
    mem_free(file->context, file->tensors);
    file_unmap(&file->view);
    mem_free(file->context, file);
}

size_t safetensors_count(const safetensors *file) { return file->count; }

const safetensors_tensor *safetensors_at(const safetensors *file, size_t index) {
    return index < file->count ? &file->tensors[index] : NULL;
}

const safetensors_tensor *safetensors_find(const safetensors *file, const char *name) {
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
    return NULL;
}

const char *safetensors_metadata(const safetensors *file, const char *key) {
    return json_string_value(json_object_get(file->metadata, key));
}

#else /* without jansson */

static int absent(const char *path, soma_error *error) {
    return error_set(error, SOMA_ERROR_ARGUMENT,
                     "cannot use '%s': this build of soma has no safetensors (it was built without jansson)", path);
}

int safetensors_write(const char *path, const safetensors_tensor *tensors, size_t count,
                      const safetensors_pair *metadata, size_t metadata_count, const soma_context *context,
                      soma_error *error) {
    (void)tensors, (void)count, (void)metadata, (void)metadata_count, (void)context;
    return absent(path, error);
}

safetensors *safetensors_open(const char *path, const soma_context *context, soma_error *error) {
    (void)context;
    return absent(path, error), NULL;
}

safetensors *safetensors_open_memory(const void *bytes, size_t size, const char *name, const soma_context *context,
                                     soma_error *error) {
    (void)bytes, (void)size, (void)context;
    return absent(name, error), NULL;
}

void safetensors_close(safetensors *file) { (void)file; }
size_t safetensors_count(const safetensors *file) { return (void)file, 0; }
const safetensors_tensor *safetensors_at(const safetensors *file, size_t index) {
    return (void)file, (void)index, NULL;
}
const safetensors_tensor *safetensors_find(const safetensors *file, const char *name) {
    return (void)file, (void)name, NULL;
}
const char *safetensors_metadata(const safetensors *file, const char *key) { return (void)file, (void)key, NULL; }

#endif
