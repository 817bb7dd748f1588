/* data/labels.c: targets from arrays. Classes are the distinct whole numbers in order, named by their digits; a later
 * array's numbers are told by these names. Numbers are sorted once, each distinct one gets its class, and each row
 * looks up its own. */
#include "data/labels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLASSES_AT_MOST = 20, ROWS_A_CLASS = 10, DIGITS = 24 };

/* The distinct values of an array, in order, and the class of each. */
typedef struct distinct {
    int64_t *values, *classes;
    size_t count;
} distinct;

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool find_distinct(const soma_context *context, const int64_t *whole, size_t count, distinct *d) {
    d->values = mem_array(context, count, sizeof *d->values);
    d->classes = mem_array(context, count, sizeof *d->classes);
    if (!d->values || !d->classes) return false;
    memcpy(d->values, whole, count * sizeof *whole);
    qsort(d->values, count, sizeof *whole, by_value);
    for (size_t i = 0; i < count; i++)
        if (!i || d->values[i] != d->values[d->count - 1]) d->values[d->count++] = d->values[i];
    return true;
}

static int learn_classes(soma_dataset *set, distinct *d, const char *name, soma_error *error) {
    table_schema *schema = &set->schema;
    if (d->count < 2)
        return error_set(error, SOMA_ERROR_INPUT, "%s: all labels are %lld; at least two classes are needed", name,
                         (long long)d->values[0]);
    if (!(schema->classes = mem_zeros(set->context, d->count, sizeof *schema->classes))) return error_memory(error);
    for (size_t i = 0; i < d->count; i++) {
        char digits[DIGITS];
        snprintf(digits, sizeof digits, "%lld", (long long)d->values[i]);
        if (!(schema->classes[i] = mem_string(set->context, digits))) return error_memory(error);
        schema->classes_count++;
        d->classes[i] = (int64_t)i;
    }
    return SOMA_OK;
}

static int find_classes(const soma_dataset *set, distinct *d, const char *name, soma_error *error) {
    const table_schema *schema = &set->schema;
    for (size_t i = 0; i < d->count; i++) {
        char digits[DIGITS];
        snprintf(digits, sizeof digits, "%lld", (long long)d->values[i]);
        size_t c = 0;
        while (c < schema->classes_count && strcmp(schema->classes[c], digits) != 0) c++;
        if (c == schema->classes_count)
            return error_set(error, SOMA_ERROR_INPUT, "%s: the label %s is none of the %zu classes of the training set",
                             name, digits, c);
        d->classes[i] = (int64_t)c;
    }
    return SOMA_OK;
}

static int take_classes(soma_dataset *set, const int64_t *whole, distinct *d, bool learn, const char *name,
                        soma_error *error) {
    int code = learn ? learn_classes(set, d, name, error) : find_classes(set, d, name, error);
    if (code) return code;
    if (!(set->classes = mem_array(set->context, (size_t)set->rows, sizeof *set->classes))) return error_memory(error);
    for (int64_t i = 0; i < set->rows; i++) {
        const int64_t *at = bsearch(&whole[i], d->values, d->count, sizeof *whole, by_value);
        set->classes[i] = at ? d->classes[at - d->values] : 0;
    }
    return SOMA_OK;
}

static int take_targets(soma_dataset *set, const npy_array *labels, const char *name, soma_error *error) {
    if (!(set->targets = npy_floats(set->context, labels, error))) return SOMA_ERROR_MEMORY;
    for (int64_t i = 0; i < set->rows; i++)
        if (!isfinite(set->targets[i]))
            return error_set(error, SOMA_ERROR_INPUT, "%s: element %lld is not a finite number", name, (long long)i);
    return SOMA_OK;
}

/* Whether the numbers of a set that is learnt from are classes. */
static bool are_classes(const soma_dataset *set, const npy_array *labels, size_t distinct_count, task_choice task) {
    if (task != TASK_AUTO) return task == TASK_CLASSIFY;
    if (set->sample.rank == 3 || labels->type == NPY_BOOL) return true;
    return distinct_count <= CLASSES_AT_MOST && labels->count >= ROWS_A_CLASS * distinct_count;
}

static int take_whole(soma_dataset *set, const npy_array *labels, const int64_t *whole, const data_options *options,
                      const char *name, soma_error *error) {
    distinct d = {0};
    bool learn = !options->schema;
    int code = SOMA_OK;
    if (!find_distinct(set->context, whole, labels->count, &d)) code = error_memory(error);
    if (!code && learn) set->schema.classify = are_classes(set, labels, d.count, options->task);
    if (!code)
        code = set->schema.classify ? take_classes(set, whole, &d, learn, name, error)
                                    : take_targets(set, labels, name, error);
    mem_free(set->context, d.values);
    mem_free(set->context, d.classes);
    return code;
}

int labels_take(soma_dataset *set, const npy_array *labels, const data_options *options, const char *name,
                soma_error *error) {
    const soma_shape *s = &labels->shape;
    char text[SHAPE_TEXT];
    soma_error not_whole = {0};
    bool column = s->rank == 1 || (s->rank == 2 && s->dims[1] == 1);
    if (!column || s->dims[0] != set->rows)
        return error_set(error, SOMA_ERROR_INPUT, "%s: the labels have the shape %s; expected [%lld]", name,
                         shape_text(s, text), (long long)set->rows);
    set->fingerprint = hash_bytes(labels->data, labels->count * npy_size(labels->type), set->fingerprint);
    int64_t *whole = npy_int64s(set->context, labels, name, &not_whole);
    if (!whole && not_whole.code == SOMA_ERROR_MEMORY) return error_memory(error);
    if (whole) {
        int code = take_whole(set, labels, whole, options, name, error);
        mem_free(set->context, whole);
        return code;
    }
    if (options->schema ? set->schema.classify : options->task == TASK_CLASSIFY)
        return error_set(error, SOMA_ERROR_INPUT, "%s for classes", not_whole.message);
    return take_targets(set, labels, name, error);
}
