/* data/cifar.c: the binary version of CIFAR-10 (A. Krizhevsky, "Learning multiple layers of features from tiny images",
 * 2009): records of a label 0..9 and 3 x 32 x 32 bytes, red, green and blue planes; no header, so that a file's length
 * must be a multiple of the record's. Files may be packed with gzip. */
#include "data/cifar.h"

#include "data/folder.h"
#include "data/source.h"

#include <stdio.h>

enum { CLASSES = 10, SIDE = 32, PIXELS = 3 * SIDE * SIDE, RECORD = 1 + PIXELS, BATCHES = 9 };

static bool ends_in(const char *text, const char *ending) {
    size_t length = strlen(text), n = strlen(ending);
    return length > n && strcmp(text + length - n, ending) == 0;
}

bool cifar_is(const char *path) { return ends_in(path, ".bin") || ends_in(path, ".bin.gz"); }

/* The path of data_batch_<number>.bin or .bin.gz in a folder (number 0: of test_batch); NULL when there is none or
 * memory is out. */
static char *batch_path(const soma_context *context, const char *folder, int number) {
    static const char *const endings[] = {".bin", ".bin.gz"};
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        char name[32];
        if (number)
            snprintf(name, sizeof name, "data_batch_%d%s", number, endings[i]);
        else
            snprintf(name, sizeof name, "test_batch%s", endings[i]);
        char *path = folder_join(context, folder, name);
        if (path && source_exists(path)) return path;
        mem_free(context, path);
    }
    return NULL;
}

bool cifar_is_folder(const soma_context *context, const char *path) {
    for (int number = 0; number <= 1; number++) {
        char *found = batch_path(context, path, number);
        mem_free(context, found);
        if (found) return true;
    }
    return false;
}

/* ---- Class names ----------------------------------------------------------------------------------------------- */

/* One name a line; ten of them, or nothing is taken. */
static bool take_names(const soma_context *context, const char *text, size_t size, char **names) {
    size_t count = 0;
    for (size_t at = 0; at < size;) {
        const char *line = text + at, *end = memchr(line, '\n', size - at);
        size_t whole = end ? (size_t)(end - line) : size - at, length = whole;
        while (length && (line[length - 1] == '\r' || line[length - 1] == ' ')) length--;
        at += whole + 1;
        if (!length) continue;
        if (count == CLASSES || !(names[count] = mem_zeros(context, length + 1, 1))) return false;
        memcpy(names[count++], line, length);
    }
    return count == CLASSES;
}

static void drop_names(const soma_context *context, char **names) {
    for (int i = 0; i < CLASSES; i++) {
        mem_free(context, names[i]);
        names[i] = NULL;
    }
}

/* What the ten labels are called; *named says whether the names' file was there and whole. */
static int read_names(const soma_context *context, const char *folder, char **names, bool *named, soma_error *error) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    soma_error absent = {0};
    char *path = folder_join(context, folder, "batches.meta.txt");
    if (!path) return error_memory(error);
    bool there = source_exists(path) && source_load(context, path, &bytes, &size, &absent);
    mem_free(context, path);
    if (absent.code == SOMA_ERROR_MEMORY) return error_memory(error);
    *named = there && take_names(context, (const char *)bytes, size, names);
    mem_free(context, bytes);
    if (*named) return SOMA_OK;
    drop_names(context, names);
    for (int i = 0; i < CLASSES; i++) {
        char digit[2] = {(char)('0' + i), 0};
        if (!(names[i] = mem_string(context, digit))) return error_memory(error);
    }
    return SOMA_OK;
}

/* Which class of the set each label is: by its name, or, without names, by its place among ten. */
static int map_labels(soma_dataset *set, char **names, bool named, const data_options *options, int64_t *class_of,
                      soma_error *error) {
    table_schema *schema = &set->schema;
    if (!options->schema) {
        if (!(schema->classes = mem_zeros(set->context, CLASSES, sizeof *schema->classes))) return error_memory(error);
        for (int i = 0; i < CLASSES; i++) {
            schema->classes[i] = names[i];
            names[i] = NULL;
            class_of[i] = i;
        }
        schema->classes_count = CLASSES;
        return SOMA_OK;
    }
    for (int i = 0; i < CLASSES; i++) {
        class_of[i] = !named && schema->classes_count == CLASSES ? i : -1;
        for (size_t c = 0; c < schema->classes_count; c++)
            if (strcmp(schema->classes[c], names[i]) == 0) class_of[i] = (int64_t)c;
        if (class_of[i] < 0)
            return error_set(error, SOMA_ERROR_INPUT, "%s: the class %s is none of the %zu of the training set",
                             set->path, names[i], schema->classes_count);
    }
    return SOMA_OK;
}

static int take_classes(soma_dataset *set, const char *folder, const data_options *options, int64_t *class_of,
                        soma_error *error) {
    char *names[CLASSES] = {NULL};
    bool named = false;
    int code = read_names(set->context, folder, names, &named, error);
    if (!code) code = map_labels(set, names, named, options, class_of, error);
    drop_names(set->context, names);
    return code;
}

/* ---- Records --------------------------------------------------------------------------------------------------- */

/* A set that grows by a file after the other. */
typedef struct records {
    soma_dataset *set;
    size_t pictures_capacity, classes_capacity; /* in rows */
    int64_t class_of[CLASSES];
    bool labelled;
} records;

static int add_record(records *r, const uint8_t *record, const char *name, int64_t number, soma_error *error) {
    soma_dataset *set = r->set;
    size_t row = (size_t)set->rows;
    if (record[0] >= CLASSES)
        return error_set(error, SOMA_ERROR_INPUT, "%s: record %lld has the label %d; expected 0 to 9, as CIFAR-10 has",
                         name, (long long)number, record[0]);
    if (!mem_reserve(set->context, &set->pictures, row, &r->pictures_capacity, PIXELS)) return error_memory(error);
    memcpy(set->pictures + row * PIXELS, record + 1, PIXELS);
    if (r->labelled) {
        if (!mem_reserve(set->context, &set->classes, row, &r->classes_capacity, sizeof *set->classes))
            return error_memory(error);
        set->classes[row] = r->class_of[record[0]];
    }
    set->fingerprint = hash_bytes(record, RECORD, set->fingerprint);
    set->rows++;
    return SOMA_OK;
}

static int add_records(records *r, const uint8_t *bytes, size_t size, const char *name, soma_error *error) {
    uint8_t record[RECORD];
    size_t got = RECORD;
    source *s = source_open(r->set->context, bytes, size, name, error);
    int code = s ? SOMA_OK : SOMA_ERROR_INPUT;
    for (int64_t number = 1; !code; number++) {
        if (!source_read(s, record, RECORD, &got, error)) code = SOMA_ERROR_INPUT;
        if (code || !got) break;
        code = got == RECORD ? add_record(r, record, name, number, error)
                             : error_set(error, SOMA_ERROR_INPUT,
                                         "%s: ends within record %lld; expected CIFAR-10's records of %d bytes", name,
                                         (long long)number, RECORD);
    }
    source_close(s);
    return code;
}

static int add_file(records *r, const char *path, soma_error *error) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (!source_load(r->set->context, path, &bytes, &size, error)) return SOMA_ERROR_INPUT;
    int code = add_records(r, bytes, size, path, error);
    mem_free(r->set->context, bytes);
    return code;
}

/* ---- The set --------------------------------------------------------------------------------------------------- */

static int open_set(const soma_context *context, const char *path, const char *folder, const data_options *options,
                    records *r, soma_error *error) {
    *r = (records){.labelled = !options->predict};
    int code = data_check_pictures(options, path, error);
    if (!code && (options->labels || options->task == TASK_REGRESS))
        code =
            error_set(error, SOMA_ERROR_ARGUMENT,
                      "%s: CIFAR-10 has classes and its labels within; --labels and --task regress do not fit", path);
    if (code) return code;
    if (!(r->set = mem_zeros(context, 1, sizeof *r->set))) return error_memory(error);
    r->set->context = r->set->kept_texts.context = context;
    r->set->sample = soma_shape3(3, SIDE, SIDE);
    r->set->fingerprint = HASH_START;
    if (!(r->set->path = mem_string(context, path)) ||
        (options->schema && !schema_copy(context, options->schema, &r->set->schema)))
        return error_memory(error);
    if (!options->schema) r->set->schema.classify = true;
    if (!options->predict && !r->set->schema.classify)
        return error_set(error, SOMA_ERROR_INPUT, "%s: holds classes, but the model answers with a number", path);
    return r->labelled ? take_classes(r->set, folder, options, r->class_of, error) : SOMA_OK;
}

static soma_dataset *close_set(records *r, int code, soma_error *error) {
    if (!code && !r->set->rows) code = error_set(error, SOMA_ERROR_INPUT, "%s: holds no pictures", r->set->path);
    if (!code) return r->set;
    soma_dataset_destroy(r->set);
    return NULL;
}

soma_dataset *cifar_load(const soma_context *context, const char *path, const uint8_t *bytes, size_t size,
                         const data_options *options, soma_error *error) {
    records r;
    const char *slash = strrchr(path, '/');
    char *folder = mem_string(context, slash ? path : ".");
    if (!folder) {
        error_memory(error);
        return NULL;
    }
    if (slash) folder[slash - path + 1] = 0;
    int code = open_set(context, path, folder, options, &r, error);
    if (!code) code = add_records(&r, bytes, size, path, error);
    mem_free(context, folder);
    return close_set(&r, code, error);
}

soma_dataset *cifar_load_folder(const soma_context *context, const char *path, const data_options *options,
                                soma_error *error) {
    static const char note[] = "CIFAR-10: the data_batch files; test_batch is left for --test or eval";
    records r;
    char *test = batch_path(context, path, 0), *first = batch_path(context, path, 1);
    bool take_test = test && (options->schema || !first);
    int code = open_set(context, path, path, options, &r, error);
    if (!code && take_test) code = add_file(&r, test, error);
    for (int number = 1; !code && !take_test && number <= BATCHES; number++) {
        char *batch = batch_path(context, path, number);
        if (batch) code = add_file(&r, batch, error);
        mem_free(context, batch);
    }
    if (!code && !take_test && test && !(r.set->note = mem_string(context, note))) code = error_memory(error);
    mem_free(context, test);
    mem_free(context, first);
    return close_set(&r, code, error);
}
