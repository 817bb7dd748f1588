/* data/match.c: finds the columns that a model knows in a later file. With a header they are matched by name, in any
 * order; columns that the model does not know are left out and listed for a note. Without one they are matched by
 * position: the file has all columns of the training file, or all but the target, or only the model's features. */
#include "data/number.h"
#include "data/table.h"

#include <stdio.h>

/* ---- Classes --------------------------------------------------------------------------------------------------- */

bool class_index_build(const soma_context *context, const table_schema *schema, class_index *index) {
    *index = (class_index){.names = {.context = context}};
    if (!(index->values = mem_array(context, schema->classes_count, sizeof *index->values))) return false;
    bool leading = true;
    for (size_t i = 0; i < schema->classes_count; i++) {
        const char *name = schema->classes[i];
        size_t number;
        if (!names_add(&index->names, name, strlen(name), &number) || number != i) return false;
        leading = leading && number_parse(name, strlen(name), &index->values[i]) &&
                  (i == 0 || index->values[i] > index->values[i - 1]);
        index->numbers += leading;
    }
    return true;
}

int64_t class_index_find(const class_index *index, const char *text, size_t length) {
    double value;
    size_t number = names_find(&index->names, text, length);
    if (number != NAMES_NONE) return (int64_t)number;
    if (!index->numbers || !number_parse(text, length, &value)) return -1;
    size_t low = 0, high = index->numbers;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->values[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < index->numbers && index->values[low] == value ? (int64_t)low : -1;
}

void class_index_clear(const soma_context *context, class_index *index) {
    names_clear(&index->names);
    mem_free(context, index->values);
    index->values = NULL;
}

/* ---- By name --------------------------------------------------------------------------------------------------- */

/* The only column of a name; SIZE_MAX for none, or a sentence when there are two. */
static int find_one(const table_file *file, const name_set *names, const size_t *columns, const bool *twice,
                    const char *name, size_t *found, soma_error *error) {
    char excerpt[CSV_EXCERPT];
    size_t number = names_find(names, name, strlen(name));
    *found = number == NAMES_NONE ? SIZE_MAX : columns[number];
    if (number == NAMES_NONE || !twice[number]) return SOMA_OK;
    return error_set(error, SOMA_ERROR_INPUT, "%s: line %lld: two columns are called '%s'; expected distinct names",
                     file->name, (long long)file->first_line, csv_excerpt(name, strlen(name), excerpt));
}

static int missing_column(const table_file *file, const char *name, bool target, soma_error *error) {
    char excerpt[CSV_EXCERPT];
    return error_set(error, SOMA_ERROR_INPUT, "%s: line %lld: there is no column '%s', which the model %s", file->name,
                     (long long)file->first_line, csv_excerpt(name, strlen(name), excerpt),
                     target ? "predicts and is compared with" : "reads");
}

/* Gives roles by the names that `names` holds; columns[] and twice[] go with their numbers. */
static int roles_by_name(table_file *file, const table_schema *schema, const name_set *names, const size_t *columns,
                         const bool *twice, soma_error *error) {
    size_t found;
    for (size_t i = 0; i < schema->columns_count; i++) {
        int code = find_one(file, names, columns, twice, schema->columns[i].name, &found, error);
        if (code != SOMA_OK) return code;
        if (found == SIZE_MAX) return missing_column(file, schema->columns[i].name, false, error);
        file->columns[found].role = ROLE_FEATURE;
        file->columns[found].feature = i;
    }
    if (!schema->target_name || file->options->predict) return SOMA_OK;
    int code = find_one(file, names, columns, twice, schema->target_name, &found, error);
    if (code != SOMA_OK) return code;
    if (found == SIZE_MAX) return missing_column(file, schema->target_name, true, error);
    file->columns[found].role = ROLE_TARGET;
    return SOMA_OK;
}

/* Lists the columns that nobody wants: "a, b, c and 4 more". */
static int list_unused(table_file *file, const table_schema *schema, soma_error *error) {
    enum { LISTED = 4 };
    char text[LISTED * (CSV_EXCERPT + 4) + 48] = "", excerpt[CSV_EXCERPT];
    size_t count = 0, at = 0;
    for (size_t c = 0; c < file->width; c++) {
        const char *name = file->columns[c].name;
        if (file->columns[c].role != ROLE_NONE || (schema->target_name && strcmp(name, schema->target_name) == 0))
            continue;
        if (count++ < LISTED)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s'%s'", at ? ", " : "",
                                   csv_excerpt(name, strlen(name), excerpt));
    }
    if (!count) return SOMA_OK;
    if (count > LISTED) snprintf(text + at, sizeof text - at, " and %zu more", count - LISTED);
    file->unused = mem_string(file->context, text);
    return file->unused ? SOMA_OK : error_memory(error);
}

static int match_names(table_file *file, const table_schema *schema, soma_error *error) {
    const soma_context *context = file->context;
    name_set names = {.context = context};
    size_t *columns = mem_array(context, file->width, sizeof *columns), number;
    bool *twice = mem_zeros(context, file->width, sizeof *twice);
    int code = SOMA_OK;
    if (!columns || !twice) {
        code = error_memory(error);
        goto end;
    }
    for (size_t c = 0; code == SOMA_OK && c < file->width; c++) {
        size_t before = names.count;
        if (!names_add(&names, file->columns[c].name, strlen(file->columns[c].name), &number)) {
            code = error_memory(error);
        } else if (number < before) {
            twice[number] = true;
        } else {
            columns[number] = c;
        }
    }
    if (code == SOMA_OK) code = roles_by_name(file, schema, &names, columns, twice, error);
    if (code == SOMA_OK) code = list_unused(file, schema, error);
end:
    names_clear(&names);
    mem_free(context, columns);
    mem_free(context, twice);
    return code;
}

/* ---- By position ----------------------------------------------------------------------------------------------- */

/* Gives column c a role, and its name where the model has names. */
static int place(table_file *file, const table_schema *schema, size_t c, column_role role, size_t feature,
                 soma_error *error) {
    file_column *at = &file->columns[c];
    at->role = role == ROLE_TARGET && file->options->predict ? ROLE_NONE : role;
    at->feature = feature;
    const char *name = role == ROLE_TARGET ? schema->target_name : schema->columns[feature].name;
    if (file->header || !schema->header || !name) return SOMA_OK;
    char *copy = mem_string(file->context, name);
    if (!copy) return error_memory(error);
    mem_free(file->context, at->name);
    at->name = copy;
    return SOMA_OK;
}

static int wrong_width(const table_file *file, const table_schema *schema, soma_error *error) {
    return error_set(error, SOMA_ERROR_INPUT,
                     "%s: has %zu columns and no header that the model knows; expected %zu as in the "
                     "training file%s",
                     file->name, file->width, schema->file_columns,
                     file->options->predict ? ", with or without the target" : "");
}

static int match_positions(table_file *file, const table_schema *schema, soma_error *error) {
    size_t all = schema->file_columns ? schema->file_columns : schema->columns_count + 1;
    bool predict = file->options->predict, whole = file->width == all, rest = predict && file->width + 1 == all;
    if (!whole && !rest && !(predict && file->width == schema->columns_count)) return wrong_width(file, schema, error);
    int code = SOMA_OK;
    for (size_t i = 0; code == SOMA_OK && i < schema->columns_count; i++) {
        size_t position = schema->columns[i].position;
        if (rest && position > schema->target_position) position--;
        if (!whole && !rest) position = i;
        if (position >= file->width) return wrong_width(file, schema, error);
        code = place(file, schema, position, ROLE_FEATURE, i, error);
    }
    if (code == SOMA_OK && whole && schema->target_name && schema->target_position < file->width)
        code = place(file, schema, schema->target_position, ROLE_TARGET, 0, error);
    file->named = file->header || schema->header;
    return code;
}

int table_match(table_file *file, const table_schema *schema, soma_error *error) {
    for (size_t c = 0; c < file->width; c++) file->columns[c].role = ROLE_NONE;
    return file->header && schema->header ? match_names(file, schema, error) : match_positions(file, schema, error);
}
