/* data/dataset.c: data sets as a whole: loading a file whose kind its first bytes tell, and what any set answers. */
#include "data/data.h"
#include "data/idx.h"
#include "data/known.h"
#include "data/source.h"
#include "data/table.h"

soma_dataset *data_load(const soma_context *context, const char *path, data_options options, soma_error *error) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    known_choice known;
    if (known_find(path, &known, error)) return NULL;
    if (known.set) return known_load(context, &known, options, error);
    if (!source_load(context, path, &bytes, &size, error)) return NULL;
    soma_dataset *set = idx_is(bytes, size) ? idx_load(context, path, bytes, size, &options, error)
                                            : table_load(context, path, bytes, size, &options, error);
    mem_free(context, bytes);
    return set;
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
    mem_free(context, dataset->classes);
    mem_free(context, dataset->targets);
    mem_free(context, dataset->note);
    mem_free(context, dataset->summary);
    mem_free(context, dataset->lines);
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

/* One sample as floats. */
static void copy_sample(const soma_dataset *set, int64_t row, size_t elements, float *to) {
    if (set->features) {
        memcpy(to, set->features + (size_t)row * elements, elements * sizeof *to);
        return;
    }
    const uint8_t *from = set->pictures + (size_t)row * elements;
    for (size_t i = 0; i < elements; i++) to[i] = (float)from[i];
}

void data_gather(const soma_dataset *set, const int64_t *rows, size_t count, float *x, int64_t *classes,
                 float *targets) {
    size_t elements = (size_t)shape_elements(&set->sample, 1);
    for (size_t i = 0; x && i < count; i++) copy_sample(set, rows[i], elements, x + i * elements);
    for (size_t i = 0; classes && set->classes && i < count; i++) classes[i] = set->classes[rows[i]];
    for (size_t i = 0; targets && set->targets && i < count; i++) targets[i] = set->targets[rows[i]];
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
    for (int64_t i = 0; x && i < count; i++) copy_sample(dataset, first + i, elements, x + (size_t)i * elements);
    for (int64_t i = 0; y && i < count; i++)
        y[i] = dataset->classes ? (float)dataset->classes[first + i] : dataset->targets[first + i];
    return SOMA_OK;
}
