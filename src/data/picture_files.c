/* data/picture_files.c: pictures decoded when they are first wanted. Where the whole set fits into a quarter of the
 * machine's memory, decoded bytes are kept: threads may want the same picture at the same time, so each decodes into
 * memory of its own, and the first one done copies it into its place and says so (a state a row: empty, being filled,
 * filled). Without room every use decodes anew, which gives the same bytes. */
#include "data/picture_files.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EMPTY, FILLING, FILLED };
enum { HEAD_BYTES = 16384 };
static const int64_t file_bytes_max = INT64_C(1) << 28;

struct picture_files {
    const soma_context *context;
    char **paths;
    size_t count, capacity;
    picture_rule rule;
    size_t elements; /* of a sample */
    bool keep_failures;
    uint8_t *cache; /* NULL: nothing is kept */
    _Atomic uint8_t *states;
    _Atomic(char *) *failures;
};

picture_files *picture_files_create(const soma_context *context) {
    picture_files *files = mem_zeros(context, 1, sizeof *files);
    if (files) files->context = context;
    return files;
}

void picture_files_destroy(picture_files *files) {
    if (!files) return;
    for (size_t i = 0; i < files->count; i++) {
        mem_free(files->context, files->paths[i]);
        if (files->failures) mem_free(files->context, atomic_load(&files->failures[i]));
    }
    mem_free(files->context, files->paths);
    mem_free(files->context, files->cache);
    mem_free(files->context, files->states);
    mem_free(files->context, files->failures);
    mem_free(files->context, files);
}

int picture_files_add(picture_files *files, const char *path, soma_error *error) {
    if (!mem_reserve(files->context, &files->paths, files->count, &files->capacity, sizeof *files->paths) ||
        !(files->paths[files->count] = mem_string(files->context, path)))
        return error_memory(error);
    files->count++;
    return SOMA_OK;
}

size_t picture_files_count(const picture_files *files) { return files->count; }
const char *picture_files_path(const picture_files *files, int64_t row) { return files->paths[row]; }

const char *picture_files_failure(const picture_files *files, int64_t row) {
    return files->failures ? atomic_load(&files->failures[row]) : NULL;
}

static bool fits_in_memory(uint64_t bytes) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 && bytes / (uint64_t)page < (uint64_t)pages / 4;
}

int picture_files_open(picture_files *files, picture_rule rule, bool keep_failures, soma_error *error) {
    soma_shape sample = soma_shape3(rule.channels, rule.height, rule.width);
    int64_t elements = shape_elements(&sample, 1);
    size_t all;
    files->rule = rule;
    files->keep_failures = keep_failures;
    if (elements < 1 || !size_multiply((size_t)elements, files->count, &all))
        return error_set(error, SOMA_ERROR_INPUT, "the pictures are too large to be kept in one piece");
    files->elements = (size_t)elements;
    files->states = mem_zeros(files->context, files->count, sizeof *files->states);
    files->failures = mem_zeros(files->context, files->count, sizeof *files->failures);
    if (!files->states || !files->failures) return error_memory(error);
    if (fits_in_memory(all)) files->cache = mem_alloc(files->context, all);
    return SOMA_OK;
}

/* ---- Files ----------------------------------------------------------------------------------------------------- */

/* Up to `most` bytes of a regular file; *whole is its full size. */
static int read_file(const soma_context *context, const char *path, int64_t most, uint8_t **bytes, size_t *size,
                     int64_t *whole, soma_error *error) {
    struct stat info;
    FILE *file = NULL;
    int code = SOMA_OK;
    *bytes = NULL;
    if (stat(path, &info) != 0)
        return error_set(error, SOMA_ERROR_INPUT, "%s: can't be opened: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return error_set(error, SOMA_ERROR_INPUT, "%s: is no file; expected a PNG or JPEG file", path);
    *whole = info.st_size;
    if (*whole > file_bytes_max)
        return error_set(error, SOMA_ERROR_INPUT, "%s: has %lld bytes; expected a picture of at most %lld", path,
                         (long long)*whole, (long long)file_bytes_max);
    if (!(file = fopen(path, "rb")))
        return error_set(error, SOMA_ERROR_INPUT, "%s: can't be opened: %s", path, strerror(errno));
    size_t wanted = (size_t)(*whole < most ? *whole : most);
    if (!(*bytes = mem_alloc(context, wanted))) {
        code = error_memory(error);
    } else {
        *size = fread(*bytes, 1, wanted, file);
        if (ferror(file)) code = error_set(error, SOMA_ERROR_IO, "%s: reading failed: %s", path, strerror(errno));
    }
    fclose(file);
    if (code) {
        mem_free(context, *bytes);
        *bytes = NULL;
    }
    return code;
}

int picture_file_head(const soma_context *context, const char *path, image *head, uint64_t *hash, soma_error *error) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    int64_t whole = 0;
    soma_error cut = {0};
    int code = read_file(context, path, HEAD_BYTES, &bytes, &size, &whole, error);
    if (code) return code;
    *hash = hash_bytes(bytes, size, *hash);
    *hash = hash_bytes(&whole, sizeof whole, *hash);
    code = image_head(context, bytes, size, path, head, &cut);
    mem_free(context, bytes);
    if (!code) return code;
    if (whole <= HEAD_BYTES || code == SOMA_ERROR_MEMORY) return error_set(error, code, "%s", cut.message);
    /* a header with much beside it: thumbnails, profiles */
    code = read_file(context, path, file_bytes_max, &bytes, &size, &whole, error);
    if (code) return code;
    code = image_head(context, bytes, size, path, head, error);
    mem_free(context, bytes);
    return code;
}

/* ---- Samples --------------------------------------------------------------------------------------------------- */

static int decode(const picture_files *files, int64_t row, uint8_t *to, soma_error *error) {
    const char *path = files->paths[row];
    const picture_rule *rule = &files->rule;
    uint8_t *bytes = NULL;
    size_t size = 0;
    int64_t whole;
    image picture = {0};
    int code = read_file(files->context, path, file_bytes_max, &bytes, &size, &whole, error);
    if (code) return code;
    code = image_decode(files->context, bytes, size, path, &picture, error);
    mem_free(files->context, bytes);
    if (!code) code = image_fit(files->context, &picture, rule->channels, rule->height, rule->width, to, error);
    image_clear(files->context, &picture);
    return code;
}

/* Notes why a row can't be read; the first thread's words stay. */
static int keep_failure(picture_files *files, int64_t row, const soma_error *failure, soma_error *error) {
    char *text = mem_string(files->context, failure->message), *none = NULL;
    if (!text) return error_memory(error);
    if (!atomic_compare_exchange_strong(&files->failures[row], &none, text)) mem_free(files->context, text);
    return SOMA_OK;
}

static void publish(picture_files *files, int64_t row, const uint8_t *bytes) {
    uint8_t empty = EMPTY;
    if (!files->cache || !atomic_compare_exchange_strong(&files->states[row], &empty, FILLING)) return;
    memcpy(files->cache + (size_t)row * files->elements, bytes, files->elements);
    atomic_store_explicit(&files->states[row], FILLED, memory_order_release);
}

static void to_floats(const uint8_t *bytes, size_t count, float *to) {
    for (size_t i = 0; i < count; i++) to[i] = (float)bytes[i];
}

int picture_files_get(picture_files *files, int64_t row, float *to, soma_error *error) {
    if (atomic_load_explicit(&files->states[row], memory_order_acquire) == FILLED) {
        to_floats(files->cache + (size_t)row * files->elements, files->elements, to);
        return SOMA_OK;
    }
    soma_error failure = {0};
    uint8_t *bytes = mem_alloc(files->context, files->elements);
    if (!bytes) return error_memory(error);
    int code = decode(files, row, bytes, &failure);
    if (!code) {
        publish(files, row, bytes);
        to_floats(bytes, files->elements, to);
    } else if (files->keep_failures && code != SOMA_ERROR_MEMORY) {
        memset(to, 0, files->elements * sizeof *to);
        code = keep_failure(files, row, &failure, error);
    } else {
        error_set(error, code, "%s", failure.message);
    }
    mem_free(files->context, bytes);
    return code;
}
