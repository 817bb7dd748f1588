/* data/arrays.c: data sets from NumPy's files. A .npz is a zip archive of .npy members; the usual names say which of
 * them are samples and which targets. What was taken is said in the set's note, since an array does not tell what it
 * means: bytes of three or four dimensions are pictures, numbers of two are a table, in which nan is a missing
 * value. */
#include "data/arrays.h"

#include "data/labels.h"
#include "data/source.h"
#include "data/zip.h"

#include <math.h>
#include <stdio.h>

enum { NAME = 64, NOTE = 400 };

typedef struct name_pair {
    const char *x, *y;
} name_pair;

static const name_pair train_names[] = {{"x_train", "y_train"},
                                        {"X_train", "y_train"},
                                        {"train_images", "train_labels"},
                                        {"x", "y"},
                                        {"X", "y"},
                                        {NULL, NULL}};
static const name_pair test_names[] = {
    {"x_test", "y_test"}, {"X_test", "y_test"}, {"test_images", "test_labels"}, {NULL, NULL}};

/* What a set is made of. */
typedef struct parts {
    npy_array x, y;
    bool has_y;
    char x_name[NAME], y_name[NAME]; /* for messages: "digits.npz: x_train" comes from the path and this */
    const char *other;               /* the test part that stays unread */
} parts;

bool arrays_is(const uint8_t *bytes, size_t size) {
    return zip_is(bytes, size) || (size >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0);
}

/* ---- The members of a .npz ------------------------------------------------------------------------------------- */

static bool member_is(const zip_member *m, const char *name) {
    static const char ending[] = ".npy";
    size_t length = strlen(name);
    return m->name_length == length + sizeof ending - 1 && memcmp(m->name, name, length) == 0 &&
           memcmp(m->name + length, ending, sizeof ending - 1) == 0;
}

/* Looks a member up by its name without the ending. */
static int find_member(const uint8_t *bytes, size_t size, const char *file, const char *name, zip_walk *walk,
                       zip_member *member, bool *found, soma_error *error) {
    int code = zip_begin(bytes, size, file, walk, error);
    for (*found = true; !code && *found;) {
        code = zip_next(walk, member, found, error);
        if (!code && *found && member_is(member, name)) return SOMA_OK;
    }
    *found = false;
    return code;
}

static int read_member(const soma_context *context, const uint8_t *bytes, size_t size, const char *file,
                       const char *name, npy_array *array, bool *found, soma_error *error) {
    zip_walk walk;
    zip_member member = {0};
    uint8_t *inner = NULL;
    size_t inner_size = 0;
    char title[512];
    *array = (npy_array){.data = NULL};
    int code = find_member(bytes, size, file, name, &walk, &member, found, error);
    if (code || !*found) return code;
    code = zip_read(context, &walk, &member, &inner, &inner_size, error);
    snprintf(title, sizeof title, "%s: %s", file, name);
    if (!code && !npy_read(context, inner, inner_size, title, array, error))
        code = error && error->code ? error->code : SOMA_ERROR_INPUT;
    mem_free(context, inner);
    return code;
}

/* The first pair of names whose samples are there; NULL when none is. */
static int find_pair(const uint8_t *bytes, size_t size, const char *file, const name_pair *names,
                     const name_pair **pair, soma_error *error) {
    zip_walk walk;
    zip_member member;
    bool found = false;
    int code = SOMA_OK;
    for (*pair = names; !code && (*pair)->x; (*pair)++) {
        code = find_member(bytes, size, file, (*pair)->x, &walk, &member, &found, error);
        if (found) return code;
    }
    *pair = NULL;
    return code;
}

static int refuse_names(const uint8_t *bytes, size_t size, const char *file, soma_error *error) {
    char names[200] = "";
    zip_walk walk;
    zip_member m;
    bool found = true;
    int code = zip_begin(bytes, size, file, &walk, error);
    while (!code && found) {
        code = zip_next(&walk, &m, &found, error);
        size_t used = strlen(names);
        if (!code && found && used < 120)
            snprintf(names + used, sizeof names - used, "%s%.*s", used ? ", " : "",
                     m.name_length < 40 ? (int)m.name_length : 40, m.name);
    }
    if (code) return code;
    return error_set(error, SOMA_ERROR_INPUT, "%s: holds %s; expected the arrays x_train and y_train, or x and y", file,
                     *names ? names : "nothing");
}

static int load_npz(const soma_context *context, const char *file, const uint8_t *bytes, size_t size,
                    const data_options *options, parts *p, soma_error *error) {
    const name_pair *train = NULL, *test = NULL;
    bool found = false;
    int code = find_pair(bytes, size, file, train_names, &train, error);
    if (!code) code = find_pair(bytes, size, file, test_names, &test, error);
    if (code) return code;
    const name_pair *taken = (options->schema && test) || !train ? test : train;
    if (!taken) return refuse_names(bytes, size, file, error);
    if (options->labels)
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s: holds its labels as %s; --labels can't be given with it",
                         file, taken->y);
    p->other = taken == train && test ? test->x : NULL;
    snprintf(p->x_name, NAME, "%s", taken->x);
    snprintf(p->y_name, NAME, "%s", taken->y);
    code = read_member(context, bytes, size, file, taken->x, &p->x, &found, error);
    if (code || options->predict) return code;
    code = read_member(context, bytes, size, file, taken->y, &p->y, &p->has_y, error);
    if (!code && !p->has_y)
        code = error_set(error, SOMA_ERROR_INPUT, "%s: holds the array %s but not %s, its labels", file, taken->x,
                         taken->y);
    return code;
}

static int load_npy(const soma_context *context, const char *file, const uint8_t *bytes, size_t size,
                    const data_options *options, parts *p, soma_error *error) {
    if (!npy_read(context, bytes, size, file, &p->x, error)) return SOMA_ERROR_INPUT;
    if (options->predict) return SOMA_OK;
    if (!options->labels)
        return error_set(error, SOMA_ERROR_INPUT, "%s: an array without labels; --labels FILE.npy names them", file);
    snprintf(p->y_name, NAME, "--labels");
    p->has_y = npy_load(context, options->labels, &p->y, error);
    return p->has_y ? SOMA_OK : error && error->code ? error->code : SOMA_ERROR_INPUT;
}

/* ---- Samples --------------------------------------------------------------------------------------------------- */

static bool is_depth(int64_t n) { return n == 1 || n == 3; }

/* The sample's shape, and whether channels are last in the file. */
static int shape_samples(soma_dataset *set, const npy_array *x, bool *channels_last, soma_error *error) {
    const int64_t *d = x->shape.dims;
    char text[SHAPE_TEXT];
    *channels_last = false;
    set->rows = x->shape.rank ? d[0] : 0;
    if (x->shape.rank == 2) {
        set->sample = soma_shape1(d[1]);
    } else if (x->shape.rank == 3) {
        set->sample = soma_shape3(1, d[1], d[2]);
    } else if (x->shape.rank == 4 && is_depth(d[3])) {
        set->sample = soma_shape3(d[3], d[1], d[2]);
        *channels_last = true;
    } else if (x->shape.rank == 4 && is_depth(d[1])) {
        set->sample = soma_shape3(d[1], d[2], d[3]);
    } else {
        return error_set(error, SOMA_ERROR_INPUT,
                         "%s: an array of the shape %s; expected a table [N, F] or pictures [N, H, W], [N, H, W, C] or "
                         "[N, C, H, W] with C = 1 or 3",
                         set->path, shape_text(&x->shape, text));
    }
    if (x->count) return SOMA_OK;
    return error_set(error, SOMA_ERROR_INPUT, "%s: an array of the shape %s holds nothing", set->path,
                     shape_text(&x->shape, text));
}

/* [N, H, W, C] -> [N, C, H, W] for elements of `size` bytes. */
static void channels_first(const soma_dataset *set, const uint8_t *from, uint8_t *to, size_t size) {
    int64_t channels = set->sample.dims[0], pixels = set->sample.dims[1] * set->sample.dims[2];
    for (int64_t row = 0; row < set->rows; row++, from += (size_t)(channels * pixels) * size)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t i = 0; i < pixels; i++, to += size) memcpy(to, from + (size_t)(i * channels + c) * size, size);
}

static int check_finite(const soma_dataset *set, size_t count, soma_error *error) {
    size_t width = set->rows > 0 ? count / (size_t)set->rows : 0;
    for (size_t i = 0; width && i < count; i++)
        if (isinf(set->features[i]) || (isnan(set->features[i]) && set->sample.rank == 3))
            return error_set(error, SOMA_ERROR_INPUT, "%s: row %zu, element %zu is %s; expected finite numbers",
                             set->path, i / width, i % width, isnan(set->features[i]) ? "nan" : "infinite");
    return SOMA_OK;
}

/* Takes the samples out of the array. */
static int take_samples(soma_dataset *set, npy_array *x, soma_error *error) {
    bool last, bytes = x->type == NPY_UINT8 && x->shape.rank > 2;
    int code = shape_samples(set, x, &last, error);
    if (code) return code;
    set->fingerprint = hash_bytes(x->shape.dims, sizeof x->shape.dims, HASH_START);
    set->fingerprint = hash_bytes(x->data, x->count * npy_size(x->type), set->fingerprint);
    if (bytes) {
        set->pictures = x->data;
        x->data = NULL;
    } else if (!(set->features = npy_floats(set->context, x, error))) {
        return SOMA_ERROR_MEMORY;
    }
    if (!bytes) code = check_finite(set, x->count, error);
    if (code || !last || set->sample.dims[0] == 1) return code;
    size_t size = bytes ? 1 : sizeof(float);
    uint8_t *turned = mem_array(set->context, x->count, size);
    if (!turned) return error_memory(error);
    channels_first(set, bytes ? set->pictures : (const uint8_t *)set->features, turned, size);
    mem_free(set->context, bytes ? (void *)set->pictures : set->features);
    if (bytes)
        set->pictures = turned;
    else
        set->features = (float *)(void *)turned;
    return SOMA_OK;
}

/* ---- The set --------------------------------------------------------------------------------------------------- */

static int check_options(const soma_dataset *set, const data_options *options, soma_error *error) {
    if (set->sample.rank == 3) return data_check_pictures(options, set->path, error);
    if (options->target || (options->ignore && options->ignore[0]) || (options->keep && options->keep[0]))
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "%s: an array has no columns with names; --target, --ignore and --keep are for .csv files",
                         set->path);
    return SOMA_OK;
}

/* "x_train: uint8 [60000, 28, 28] as 60000 pictures 1 x 28 x 28, …" */
static int write_note(soma_dataset *set, const parts *p, const npy_array *x, soma_error *error) {
    char text[SHAPE_TEXT], kind[96], rest[96] = "", targets[48] = "";
    if (!(set->note = mem_alloc(set->context, NOTE))) return error_memory(error);
    if (set->sample.rank == 3)
        snprintf(kind, sizeof kind, "pictures of %lld x %lld x %lld", (long long)set->sample.dims[0],
                 (long long)set->sample.dims[1], (long long)set->sample.dims[2]);
    else
        snprintf(kind, sizeof kind, "rows of %lld numbers", (long long)set->sample.dims[0]);
    if (p->has_y && set->classes)
        snprintf(targets, sizeof targets, ", %s as %zu classes", p->y_name, set->schema.classes_count);
    else if (p->has_y)
        snprintf(targets, sizeof targets, ", %s as numbers (--task classify changes that)", p->y_name);
    if (p->other) snprintf(rest, sizeof rest, "; %s is left for --test or eval", p->other);
    snprintf(set->note, NOTE, "%s%s%s %s as %lld %s%s%s", p->x_name, *p->x_name ? ": " : "", npy_name(x->type),
             shape_text(&x->shape, text), (long long)set->rows, kind, targets, rest);
    return SOMA_OK;
}

static int fill(soma_dataset *set, parts *p, const data_options *options, soma_error *error) {
    char name[512];
    npy_array kind = {.type = p->x.type, .shape = p->x.shape};
    int code = take_samples(set, &p->x, error);
    if (!code) code = check_options(set, options, error);
    bool file = options->labels && !options->predict;
    if (file)
        snprintf(name, sizeof name, "%s", options->labels);
    else
        snprintf(name, sizeof name, "%s: %s", set->path, p->y_name);
    if (!code && p->has_y) code = labels_take(set, &p->y, options, name, error);
    return code ? code : write_note(set, p, &kind, error);
}

soma_dataset *arrays_load(const soma_context *context, const char *path, const uint8_t *bytes, size_t size,
                          const data_options *options, soma_error *error) {
    const char *file = source_name(path);
    parts p = {.has_y = false};
    soma_dataset *set = mem_zeros(context, 1, sizeof *set);
    if (!set) {
        error_memory(error);
        return NULL;
    }
    set->context = set->kept_texts.context = context;
    int code = SOMA_OK;
    if (!(set->path = mem_string(context, file)) ||
        (options->schema && !schema_copy(context, options->schema, &set->schema)))
        code = error_memory(error);
    if (!code)
        code = zip_is(bytes, size) ? load_npz(context, file, bytes, size, options, &p, error)
                                   : load_npy(context, file, bytes, size, options, &p, error);
    if (!code) code = fill(set, &p, options, error);
    npy_clear(context, &p.x);
    npy_clear(context, &p.y);
    if (!code) return set;
    soma_dataset_destroy(set);
    return NULL;
}
