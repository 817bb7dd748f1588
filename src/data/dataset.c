/* data/dataset.c: data sets as a whole: loading a file whose kind its first bytes tell, and what any set answers. */
#include "data/arrays.h"
#include "data/cifar.h"
#include "data/data.h"
#include "data/folder.h"
#include "data/idx.h"
#include "data/known.h"
#include "data/picture_files.h"
#include "data/source.h"
#include "data/table.h"

#include <stdio.h>

typedef soma_dataset *file_loader(const soma_context *context, const char *path, const uint8_t *bytes, size_t size,
                                  const data_options *options, soma_error *error);

static soma_dataset *refuse_picture(const soma_context *context, const char *path, const uint8_t *bytes, size_t size,
                                    const data_options *options, soma_error *error) {
    (void)context, (void)bytes, (void)size, (void)options;
    error_set(error, SOMA_ERROR_INPUT, "%s: is a single picture; expected a folder with one sub-folder for each class",
              source_name(path));
    return NULL;
}

/* A file that calls itself an array and is none would be read as a table, and refused with words that say nothing. */
static soma_dataset *refuse_array(const soma_context *context, const char *path, const uint8_t *bytes, size_t size,
                                  const data_options *options, soma_error *error) {
    (void)context, (void)bytes, (void)size, (void)options;
    error_set(error, SOMA_ERROR_INPUT, "%s: is no NumPy file, though its name says so; expected .npy or .npz data",
              path);
    return NULL;
}

static bool named_as_array(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot && (!strcmp(dot, ".npy") || !strcmp(dot, ".npz"));
}

static file_loader *loader_of(const char *path, const uint8_t *bytes, size_t size) {
    if (cifar_is(path)) return cifar_load;
    if (arrays_is(bytes, size)) return arrays_load;
    if (image_format_of(bytes, size) != IMAGE_OTHER) return refuse_picture;
    if (idx_is(bytes, size)) return idx_load;
    return named_as_array(path) ? refuse_array : table_load;
}

soma_dataset *data_load(const soma_context *context, const char *path, data_options options, soma_error *error) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    known_choice known;
    if (known_find(path, &known, error)) return NULL;
    if (known.set) return known_load(context, &known, options, error);
    if (strcmp(path, "-") != 0 && folder_is(path))
        return cifar_is_folder(context, path) ? cifar_load_folder(context, path, &options, error)
                                              : folder_load(context, path, &options, error);
    if (!source_load(context, path, &bytes, &size, error)) return NULL;
    soma_dataset *set = loader_of(path, bytes, size)(context, path, bytes, size, &options, error);
    mem_free(context, bytes);
    return set;
}

bool data_is_picture(const char *path) {
    uint8_t begin[8];
    FILE *file = folder_is(path) ? NULL : fopen(path, "rb");
    size_t size = file ? fread(begin, 1, sizeof begin, file) : 0;
    if (file) fclose(file);
    return image_format_of(begin, size) != IMAGE_OTHER;
}

int data_check_pictures(const data_options *options, const char *name, soma_error *error) {
    if (options->target || (options->ignore && options->ignore[0]))
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s: holds pictures; --target and --ignore are for tables", name);
    if (options->keep && options->keep[0])
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s: holds pictures; --keep is for tables", name);
    if (options->schema && options->schema->columns_count)
        return error_set(error, SOMA_ERROR_INPUT, "%s: holds pictures, but the model reads a table with the column %s",
                         name, options->schema->columns[0].name);
    return SOMA_OK;
}

soma_dataset *soma_dataset_load(const char *path, soma_dataset_options options, soma_error *error) {
    if (!path) {
        error_set(error, SOMA_ERROR_ARGUMENT, "dataset: a path is expected");
        return NULL;
    }
    return data_load(options.context, path, (data_options){.target = options.target, .labels = options.labels}, error);
}

void soma_dataset_destroy(soma_dataset *dataset) {
    if (!dataset) return;
    const soma_context *context = dataset->context;
    for (int64_t i = 0; dataset->row_errors && i < dataset->rows; i++) mem_free(context, dataset->row_errors[i]);
    mem_free(context, dataset->row_errors);
    mem_free(context, dataset->path);
    mem_free(context, dataset->features);
    mem_free(context, dataset->pictures);
    picture_files_destroy(dataset->files);
    mem_free(context, dataset->classes);
    mem_free(context, dataset->targets);
    mem_free(context, dataset->note);
    mem_free(context, dataset->summary);
    mem_free(context, dataset->lines);
    mem_free(context, dataset->text);
    mem_free(context, dataset->kept);
    names_clear(&dataset->kept_texts);
    schema_clear(context, &dataset->schema);
    mem_free(context, dataset);
}

int64_t soma_dataset_rows(const soma_dataset *dataset) { return dataset ? dataset->rows : 0; }

soma_shape soma_dataset_shape(const soma_dataset *dataset) { return dataset ? dataset->sample : soma_shape0(); }

int64_t soma_dataset_classes(const soma_dataset *dataset) {
    return dataset && dataset->schema.classify ? (int64_t)dataset->schema.classes_count : 0;
}

const char *soma_dataset_class_name(const soma_dataset *dataset, int64_t index) {
    return index >= 0 && index < soma_dataset_classes(dataset) ? dataset->schema.classes[index] : NULL;
}

const char *data_row_file(const soma_dataset *set, int64_t row) {
    return set->files ? picture_files_path(set->files, row) : NULL;
}

const char *data_row_error(const soma_dataset *set, int64_t row) {
    if (set->files) return picture_files_failure(set->files, row);
    return set->row_errors ? set->row_errors[row] : NULL;
}

/* One sample as floats. */
static int copy_sample(const soma_dataset *set, int64_t row, size_t elements, float *to, soma_error *error) {
    if (set->files) return picture_files_get(set->files, row, to, error);
    if (set->features) {
        memcpy(to, set->features + (size_t)row * elements, elements * sizeof *to);
        return SOMA_OK;
    }
    const uint8_t *from = set->pictures + (size_t)row * elements;
    for (size_t i = 0; i < elements; i++) to[i] = (float)from[i];
    return SOMA_OK;
}

int data_gather(const soma_dataset *set, const int64_t *rows, size_t count, float *x, int64_t *classes, float *targets,
                soma_error *error) {
    size_t elements = (size_t)shape_elements(&set->sample, 1);
    int code = SOMA_OK;
    for (size_t i = 0; x && i < count && !code; i++)
        code = copy_sample(set, rows[i], elements, x + i * elements, error);
    for (size_t i = 0; classes && set->classes && i < count; i++) classes[i] = set->classes[rows[i]];
    for (size_t i = 0; targets && set->targets && i < count; i++) targets[i] = set->targets[rows[i]];
    return code;
}

int soma_dataset_get(const soma_dataset *dataset, int64_t first, int64_t count, float *x, float *y, soma_error *error) {
    if (!dataset) return error_set(error, SOMA_ERROR_ARGUMENT, "dataset: there is none to get rows from");
    if (first < 0 || count < 0 || first > dataset->rows || count > dataset->rows - first)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "dataset: %lld rows from row %lld are asked for, but there are %lld", (long long)count,
                         (long long)first, (long long)dataset->rows);
    if (y && !dataset->classes && !dataset->targets)
        return error_set(error, SOMA_ERROR_ARGUMENT, "dataset: it was read without targets");
    size_t elements = (size_t)shape_elements(&dataset->sample, 1);
    for (int64_t i = 0; x && i < count; i++) {
        int code = copy_sample(dataset, first + i, elements, x + (size_t)i * elements, error);
        if (code) return code;
    }
    for (int64_t i = 0; y && i < count; i++)
        y[i] = dataset->classes ? (float)dataset->classes[first + i] : dataset->targets[first + i];
    return SOMA_OK;
}
