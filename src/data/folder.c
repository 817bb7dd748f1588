/* data/folder.c: folders of pictures. Each sub-folder is a class and bears its name; classes are sorted by the bytes of
 * their names, the pictures of a class likewise, so that rows have the same order on every machine. Only headers are
 * read here. Pictures that all have the same size keep it; otherwise each is fitted (image_fit) into a square whose
 * side is the largest multiple of 8 up to 64 that half of the pictures fill. The set is grey if all pictures are.
 *
 * The size becomes part of the schema and travels with the model: later pictures are fitted into it too. */
#include "data/folder.h"

#include "data/picture_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { KEPT_SIDE_MAX = 256 };

typedef enum entry_kind { ENTRY_FILE, ENTRY_FOLDER, ENTRY_NONE } entry_kind;

static entry_kind kind_of(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) return ENTRY_NONE;
    return S_ISDIR(info.st_mode) ? ENTRY_FOLDER : ENTRY_FILE;
}

bool folder_is(const char *path) { return kind_of(path) == ENTRY_FOLDER; }

/* ---- Listing --------------------------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

void folder_list_clear(const soma_context *context, folder_list *list) {
    for (size_t i = 0; i < list->count; i++) mem_free(context, list->names[i]);
    mem_free(context, list->names);
    *list = (folder_list){.names = NULL};
}

int folder_list_read(const soma_context *context, const char *path, folder_list *list, soma_error *error) {
    *list = (folder_list){.names = NULL};
    int code = SOMA_OK;
    DIR *folder = opendir(path);
    if (!folder) return error_set(error, SOMA_ERROR_INPUT, "%s: the folder can't be opened: %s", path, strerror(errno));
    for (const struct dirent *entry; !code && (errno = 0, entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        if (!mem_reserve(context, &list->names, list->count, &list->capacity, sizeof *list->names) ||
            !(list->names[list->count] = mem_string(context, entry->d_name)))
            code = error_memory(error);
        else
            list->count++;
    }
    if (!code && errno)
        code = error_set(error, SOMA_ERROR_IO, "%s: reading the folder failed: %s", path, strerror(errno));
    closedir(folder);
    if (list->count) qsort(list->names, list->count, sizeof *list->names, by_bytes);
    if (code) folder_list_clear(context, list);
    return code;
}

char *folder_join(const soma_context *context, const char *folder, const char *name) {
    size_t length = strlen(folder), size = length + strlen(name) + 2;
    char *path = mem_alloc(context, size);
    bool slash = length && folder[length - 1] == '/';
    if (path) snprintf(path, size, "%s%s%s", folder, slash ? "" : "/", name);
    return path;
}

/* ---- What a folder holds --------------------------------------------------------------------------------------- */

/* A folder that is being read. */
typedef struct folder_scan {
    const soma_context *context;
    const data_options *options;
    soma_dataset *set;
    const char *path;
    size_t capacity;       /* of set->classes */
    size_t folders, files; /* at the top */
    char *stray;           /* the first file at the top */
    int64_t *shorter;      /* side of each picture */
    image least, most;     /* sizes, each for itself */
    bool coloured;
} folder_scan;

static int add_picture(folder_scan *s, const char *path, int64_t class, soma_error *error) {
    soma_dataset *set = s->set;
    size_t row = picture_files_count(set->files);
    if (!mem_reserve(s->context, &set->classes, row, &s->capacity, sizeof *set->classes)) return error_memory(error);
    set->classes[row] = class;
    return picture_files_add(set->files, path, error);
}

/* The pictures of one class. */
static int scan_class(folder_scan *s, const char *path, int64_t class, soma_error *error) {
    folder_list list;
    size_t before = picture_files_count(s->set->files);
    int code = folder_list_read(s->context, path, &list, error);
    for (size_t i = 0; !code && i < list.count; i++) {
        char *inner = folder_join(s->context, path, list.names[i]);
        if (!inner)
            code = error_memory(error);
        else if (kind_of(inner) == ENTRY_FOLDER && !s->options->predict)
            code = error_set(error, SOMA_ERROR_INPUT,
                             "%s: is a folder within a class's folder; expected FOLDER/CLASS/PICTURE (if %s holds the "
                             "classes, give it as DATA)",
                             inner, path);
        else if (kind_of(inner) != ENTRY_FOLDER)
            code = add_picture(s, inner, class, error);
        mem_free(s->context, inner);
    }
    folder_list_clear(s->context, &list);
    if (!code && !s->options->schema && picture_files_count(s->set->files) == before)
        code = error_set(error, SOMA_ERROR_INPUT, "%s: the class has no pictures", path);
    return code;
}

/* The index of a class by its name: learnt here, or the model's. */
static int class_of(const folder_scan *s, const char *name, int64_t *class, soma_error *error) {
    table_schema *schema = &s->set->schema;
    if (!s->options->schema) {
        if (!(schema->classes[schema->classes_count] = mem_string(s->context, name))) return error_memory(error);
        *class = (int64_t)schema->classes_count++;
        return SOMA_OK;
    }
    for (size_t i = 0; i < schema->classes_count; i++)
        if (strcmp(schema->classes[i], name) == 0) {
            *class = (int64_t)i;
            return SOMA_OK;
        }
    return error_set(error, SOMA_ERROR_INPUT, "%s/%s: is none of the %zu classes of the training set", s->path, name,
                     schema->classes_count);
}

static int scan_entry(folder_scan *s, const char *name, soma_error *error) {
    char *inner = folder_join(s->context, s->path, name);
    int64_t class = 0;
    if (!inner) return error_memory(error);
    int code = SOMA_OK;
    if (kind_of(inner) == ENTRY_FOLDER) {
        s->folders++;
        if (!s->options->predict) code = class_of(s, name, &class, error);
        if (!code) code = scan_class(s, inner, class, error);
    } else if (s->options->predict) {
        code = add_picture(s, inner, 0, error);
    } else {
        s->files++;
        if (!s->stray && !(s->stray = mem_string(s->context, name))) code = error_memory(error);
    }
    mem_free(s->context, inner);
    return code;
}

static int check_scan(const folder_scan *s, soma_error *error) {
    const table_schema *schema = &s->set->schema;
    if (!s->options->predict && !s->folders)
        return error_set(error, SOMA_ERROR_INPUT,
                         "%s: holds no sub-folders; expected one for each class, with PNG or JPEG files in it",
                         s->path);
    if (!s->options->predict && s->files)
        return error_set(error, SOMA_ERROR_INPUT,
                         "%s/%s: stands beside the classes' folders; expected every picture in the folder of its class "
                         "and nothing else",
                         s->path, s->stray);
    if (!s->options->schema && schema->classes_count < 2)
        return error_set(error, SOMA_ERROR_INPUT, "%s: holds one class, %s; at least two are needed", s->path,
                         schema->classes[0]);
    if (!picture_files_count(s->set->files))
        return error_set(error, SOMA_ERROR_INPUT, "%s: holds no pictures", s->path);
    return SOMA_OK;
}

static int scan(folder_scan *s, soma_error *error) {
    folder_list list;
    int code = folder_list_read(s->context, s->path, &list, error);
    if (!code && !s->options->schema) {
        s->set->schema.classify = true;
        if (!(s->set->schema.classes = mem_zeros(s->context, list.count, sizeof(char *)))) code = error_memory(error);
    }
    for (size_t i = 0; !code && i < list.count; i++) code = scan_entry(s, list.names[i], error);
    folder_list_clear(s->context, &list);
    return code ? code : check_scan(s, error);
}

/* ---- Sizes ----------------------------------------------------------------------------------------------------- */

static void widen(image *least, image *most, const image *head, bool first) {
    if (first || head->height < least->height) least->height = head->height;
    if (first || head->width < least->width) least->width = head->width;
    if (first || head->height > most->height) most->height = head->height;
    if (first || head->width > most->width) most->width = head->width;
}

static int read_heads(folder_scan *s, soma_error *error) {
    soma_dataset *set = s->set;
    if (!(s->shorter = mem_array(s->context, (size_t)set->rows, sizeof *s->shorter))) return error_memory(error);
    for (int64_t row = 0; row < set->rows; row++) {
        image head;
        const char *path = picture_files_path(set->files, row);
        int code = picture_file_head(s->context, path, &head, &set->fingerprint, error);
        if (code) return code;
        set->fingerprint = hash_bytes(&set->classes[row], sizeof set->classes[row], set->fingerprint);
        s->shorter[row] = head.height < head.width ? head.height : head.width;
        s->coloured |= head.channels == 3;
        widen(&s->least, &s->most, &head, row == 0);
    }
    return SOMA_OK;
}

/* The largest multiple of 8 up to 64 that at least half of the pictures fill. */
static int64_t square_side(const folder_scan *s) {
    enum { STEP = 8, MOST = 64 };
    for (int64_t side = MOST; side > STEP; side -= STEP) {
        int64_t filled = 0;
        for (int64_t row = 0; row < s->set->rows; row++) filled += s->shorter[row] >= side;
        if (2 * filled >= s->set->rows) return side;
    }
    return STEP;
}

/* What the pictures become, and a sentence about it. */
static int choose_rule(folder_scan *s, soma_error *error) {
    enum { NOTE = 400 };
    picture_rule *rule = &s->set->schema.pictures;
    const data_options *o = s->options;
    bool same = s->least.height == s->most.height && s->least.width == s->most.width;
    bool kept = same && s->most.height <= KEPT_SIDE_MAX && s->most.width <= KEPT_SIDE_MAX;
    const char *colour = s->coloured ? "in colour" : "in grey";
    size_t classes = s->set->schema.classes_count;
    char sizes[96];
    rule->channels = s->coloured ? 3 : 1;
    rule->height = kept ? s->most.height : o->picture_height ? o->picture_height : square_side(s);
    rule->width = kept ? s->most.width : o->picture_height ? o->picture_width : rule->height;
    if (!(s->set->note = mem_alloc(s->context, NOTE))) return error_memory(error);
    if (same)
        snprintf(sizes, sizeof sizes, "of %lld x %lld", (long long)s->most.height, (long long)s->most.width);
    else
        snprintf(sizes, sizeof sizes, "of %lld to %lld x %lld to %lld", (long long)s->least.height,
                 (long long)s->most.height, (long long)s->least.width, (long long)s->most.width);
    if (kept)
        snprintf(s->set->note, NOTE, "%zu classes; pictures %s (height x width), %s", classes, sizes, colour);
    else
        snprintf(s->set->note, NOTE,
                 "%zu classes; pictures %s (height x width): each is scaled to cover %lld x %lld and its middle taken, "
                 "%s",
                 classes, sizes, (long long)rule->height, (long long)rule->width, colour);
    return SOMA_OK;
}

/* ---- The set --------------------------------------------------------------------------------------------------- */

static soma_dataset *new_set(const soma_context *context, const char *path, const data_options *options,
                             soma_error *error) {
    soma_dataset *set = mem_zeros(context, 1, sizeof *set);
    if (!set) {
        error_memory(error);
        return NULL;
    }
    set->context = set->kept_texts.context = context;
    set->fingerprint = HASH_START;
    if ((set->path = mem_string(context, path)) && (set->files = picture_files_create(context)) &&
        (!options->schema || schema_copy(context, options->schema, &set->schema)))
        return set;
    error_memory(error);
    soma_dataset_destroy(set);
    return NULL;
}

/* Once the files are known and, for a set that is learnt from, the rule. */
static int finish(soma_dataset *set, const data_options *options, soma_error *error) {
    picture_rule rule = set->schema.pictures;
    if (!rule.channels) return error_set(error, SOMA_ERROR_INPUT, "%s: the model does not read pictures", set->path);
    if (!options->predict && !set->schema.classify)
        return error_set(error, SOMA_ERROR_INPUT, "%s: holds classes, but the model answers with a number", set->path);
    set->rows = (int64_t)picture_files_count(set->files);
    set->sample = soma_shape3(rule.channels, rule.height, rule.width);
    set->fingerprint = hash_bytes(set->sample.dims, sizeof set->sample.dims, set->fingerprint);
    return picture_files_open(set->files, rule, options->predict, error);
}

static int check_labels(const data_options *options, const char *path, soma_error *error) {
    if (options->labels && !options->predict)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "%s: the names of its sub-folders are the labels; --labels can't be given with it", path);
    if (options->task == TASK_REGRESS)
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s: its sub-folders are classes; --task regress does not fit",
                         path);
    return data_check_pictures(options, path, error);
}

soma_dataset *folder_load(const soma_context *context, const char *path, const data_options *options,
                          soma_error *error) {
    if (check_labels(options, path, error)) return NULL;
    soma_dataset *set = new_set(context, path, options, error);
    if (!set) return NULL;
    folder_scan s = {.context = context, .options = options, .set = set, .path = path};
    int code = scan(&s, error);
    set->rows = (int64_t)picture_files_count(set->files);
    if (!code && !options->predict) code = read_heads(&s, error);
    if (!code && !options->schema) code = choose_rule(&s, error);
    if (!code) code = finish(set, options, error);
    mem_free(context, s.stray);
    mem_free(context, s.shorter);
    if (options->predict) {
        mem_free(context, set->classes);
        set->classes = NULL;
    }
    if (!code) return set;
    soma_dataset_destroy(set);
    return NULL;
}

soma_dataset *data_load_pictures(const soma_context *context, const char *const *paths, size_t count,
                                 data_options options, soma_error *error) {
    if (data_check_pictures(&options, paths[0], error)) return NULL;
    soma_dataset *set = new_set(context, paths[0], &options, error);
    int code = set ? SOMA_OK : SOMA_ERROR_MEMORY;
    for (size_t i = 0; !code && i < count; i++) code = picture_files_add(set->files, paths[i], error);
    if (!code) code = finish(set, &options, error);
    if (!code) return set;
    soma_dataset_destroy(set);
    return NULL;
}
