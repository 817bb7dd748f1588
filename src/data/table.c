/* data/table.c: makes a data set of a CSV text: the steps of table.h one after the other, then a last pass that turns
 * each cell into a feature, a class or a target.
 *
 * Here single bad cells are named: one sentence with line, column, what stands there and what was expected. A file to
 * be learnt from or compared with is refused at its first bad cell; in a file to be predicted the sentence is kept for
 * the row, whose features are then NaN, and the other rows are read. A row with too few or too many cells is named as
 * such rather than by the cells that this moved into wrong columns. */
#include "data/table.h"

#include "data/number.h"
#include "data/source.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

typedef struct filling {
    const table_file *file;
    soma_dataset *set;
    name_set *categories; /* of each feature, numbered by code */
    class_index classes;
    size_t *keep;          /* file columns whose cells are kept */
    int64_t row;           /* of the data set */
    int64_t without, line; /* rows without a target, which are left out; the line of the first */
    bool no_target;        /* this row */
    int64_t unseen;        /* cells with a text that training did not see */
    soma_error problem;    /* the first of this row */
} filling;

/* ---- Cells ----------------------------------------------------------------------------------------------------- */

/* Keeps "FILE: line N, column NAME: …" as the row's problem. */
static void BASE_PRINTF(3, 4) cell_problem(filling *f, const csv_cell *cell, const char *format, ...) {
    char label[TABLE_LABEL], what[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    error_set(&f->problem, SOMA_ERROR_INPUT, "%s: line %lld, %s: %s", f->file->name, (long long)cell->line,
              table_label(f->file, cell->column, label), what);
}

static float not_a_number(filling *f, const csv_cell *cell, const char *text, size_t length, const char *expected) {
    char excerpt[CSV_EXCERPT];
    cell_problem(f, cell, "'%s' is not %s", csv_excerpt(text, length, excerpt), expected);
    return NAN;
}

static float number_cell(filling *f, const csv_cell *cell, const char *text, size_t length, const char *expected) {
    double value = 0;
    char excerpt[CSV_EXCERPT];
    if (!number_read(text, length, f->file->style, &value)) return not_a_number(f, cell, text, length, expected);
    if (fabs(value) <= (double)FLT_MAX) return (float)value;
    cell_problem(f, cell, "'%s' is beyond the numbers that soma reads, expected one between -3.4e38 and 3.4e38",
                 csv_excerpt(text, length, excerpt));
    return NAN;
}

static const char like_the_rest[] = "a number, expected one as in the rest of the column";

static float numeric_cell(filling *f, const csv_cell *cell, const table_column *column, const char *text,
                          size_t length) {
    double value;
    if (number_missing(text, length) || number_absent(text, length)) return NAN;
    if (column->lenient && !number_read(text, length, f->file->style, &value)) return NAN;
    return number_cell(f, cell, text, length, like_the_rest);
}

static float date_cell(filling *f, const csv_cell *cell, const table_column *column, const char *text, size_t length) {
    char expected[96];
    double days;
    if (number_missing(text, length) || number_absent(text, length)) return NAN;
    if (date_parse(text, length, column->date, &days)) return (float)days;
    snprintf(expected, sizeof expected, "a date, expected one as %s like the rest of the column",
             date_format_name(column->date));
    return not_a_number(f, cell, text, length, expected);
}

/* A row without a target can't be learnt from nor compared with. */
static void miss_target(filling *f, const csv_cell *cell) {
    if (!f->without++) f->line = cell->line;
    f->no_target = true;
}

static float target_cell(filling *f, const csv_cell *cell, const char *text, size_t length) {
    bool forced = f->file->options->task == TASK_REGRESS;
    if (!number_missing(text, length))
        return number_cell(f, cell, text, length, forced ? "a number, which --task regress needs" : like_the_rest);
    miss_target(f, cell);
    return NAN;
}

/* The first texts of a list: "blue, green, red and 4 more". */
enum { LIST_TEXT = 160 };
static const char *list_texts(char *const *texts, size_t count, char list[LIST_TEXT]) {
    size_t at = 0, i = 0;
    for (list[0] = 0; i < count && at + 24 < LIST_TEXT - 48; i++) {
        char excerpt[CSV_EXCERPT];
        csv_excerpt(texts[i], strlen(texts[i]), excerpt);
        if (at + strlen(excerpt) + 2 > LIST_TEXT - 48) break;
        at += (size_t)snprintf(list + at, LIST_TEXT - at, "%s%s", i ? ", " : "", excerpt);
    }
    if (i < count) snprintf(list + at, LIST_TEXT - at, "%s%zu%s", i ? " and " : "", count - i, i ? " more" : " values");
    return list;
}

/* The code of a text; what training did not see counts among the rare ones, or is no category at all (-1). */
static float category_cell(filling *f, const table_column *column, const name_set *codes, const char *text,
                           size_t length) {
    if (number_missing(text, length)) return NAN;
    size_t code = names_find(codes, text, length);
    if (code != NAMES_NONE) return (float)code;
    f->unseen += !column->pooled;
    return column->pooled ? (float)column->categories_count : -1.0f;
}

static int64_t class_cell(filling *f, const csv_cell *cell, const char *text, size_t length) {
    const table_schema *schema = &f->set->schema;
    char excerpt[CSV_EXCERPT], list[LIST_TEXT];
    double value;
    if (number_missing(text, length)) {
        miss_target(f, cell);
        return -1;
    }
    int64_t found = class_index_find(&f->classes, text, length);
    if (found >= 0) return found;
    csv_excerpt(text, length, excerpt);
    if (f->classes.numbers == schema->classes_count && !number_parse(text, length, &value))
        cell_problem(f, cell, "'%s' is not a number, expected one as in the rest of the column", excerpt);
    else
        cell_problem(f, cell, "'%s' is none of the classes of the training set (%s)", excerpt,
                     list_texts(schema->classes, schema->classes_count, list));
    return -1;
}

/* Keeps the cell as it stands in the file for every --keep of its column. */
static bool keep_cell(filling *f, const csv_cell *cell) {
    size_t number, length = cell->length;
    const char *zero = memchr(cell->text, 0, length);
    if (zero) length = (size_t)(zero - cell->text);
    for (size_t j = 0; j < f->set->kept_count; j++) {
        if (f->keep[j] != cell->column) continue;
        if (!names_add(&f->set->kept_texts, cell->text, length, &number)) return false;
        f->set->kept[(size_t)f->row * f->set->kept_count + j] = f->set->kept_texts.names[number];
    }
    return true;
}

static bool fill_cell(filling *f, const csv_cell *cell) {
    soma_dataset *set = f->set;
    const char *text;
    size_t length, features = set->schema.columns_count;
    if (cell->column == 0) set->lines[f->row] = cell->line;
    if (cell->column >= f->file->width) return true;
    const file_column *at = &f->file->columns[cell->column];
    csv_trim(cell, &text, &length);
    if (cell->problem && (at->role != ROLE_NONE || !f->file->options->predict)) {
        cell_problem(f, cell, "%s", cell->problem);
    } else if (at->role == ROLE_FEATURE) {
        const table_column *column = &set->schema.columns[at->feature];
        float *to = &set->features[(size_t)f->row * features + at->feature];
        *to = column->kind == COLUMN_NUMERIC ? numeric_cell(f, cell, column, text, length)
              : column->kind == COLUMN_DATE  ? date_cell(f, cell, column, text, length)
                                             : category_cell(f, column, &f->categories[at->feature], text, length);
    } else if (at->role == ROLE_TARGET && set->classes) {
        set->classes[f->row] = class_cell(f, cell, text, length);
    } else if (at->role == ROLE_TARGET) {
        set->targets[f->row] = target_cell(f, cell, text, length);
    }
    return keep_cell(f, cell);
}

/* ---- Rows ------------------------------------------------------------------------------------------------------ */

static void check_width(filling *f, const csv_cell *last) {
    size_t cells = last->column + 1, width = f->file->width;
    csv_cell place = *last;
    if (cells == width) return;
    if (!last->problem) f->problem.code = SOMA_OK; /* the cause comes before what it led to */
    place.column = cells < width ? cells : width;
    if (cells < width)
        cell_problem(f, &place, "there is no such cell, the row has %zu and the first row %zu", cells, width);
    else
        cell_problem(f, &place, "a cell too many, the row has %zu and the first row %zu", cells, width);
}

/* What becomes of a row with a problem: the end of reading, or a row without features. */
static int bad_row(filling *f, soma_error *error) {
    soma_dataset *set = f->set;
    size_t features = set->schema.columns_count;
    if (!f->file->options->predict) return error_set(error, f->problem.code, "%s", f->problem.message);
    if (!set->row_errors) set->row_errors = mem_zeros(set->context, (size_t)set->rows, sizeof *set->row_errors);
    if (!set->row_errors) return error_memory(error);
    if (!(set->row_errors[f->row] = mem_string(set->context, f->problem.message))) return error_memory(error);
    for (size_t i = 0; i < features; i++) set->features[(size_t)f->row * features + i] = NAN;
    return SOMA_OK;
}

static int fill_rows(filling *f, soma_error *error) {
    const table_file *file = f->file;
    csv_reader reader;
    csv_cell cell;
    int got, code = SOMA_OK;
    bool header = file->header;
    csv_open(&reader, file->context, file->bytes, file->size, file->delimiter);
    while (code == SOMA_OK && (got = csv_next(&reader, &cell)) != 0) {
        if (got < 0 || (!header && !fill_cell(f, &cell))) code = error_memory(error);
        if (code != SOMA_OK || !cell.last) continue;
        if (header) {
            header = false;
            continue;
        }
        check_width(f, &cell);
        if (f->problem.code != SOMA_OK) code = bad_row(f, error);
        f->problem.code = SOMA_OK;
        f->row += !f->no_target;
        f->no_target = false;
    }
    csv_close(&reader);
    f->set->rows = f->row;
    if (code == SOMA_OK && f->without && !f->row)
        code = error_set(error, SOMA_ERROR_INPUT, "%s: line %lld: the target is missing, as in every other row",
                         file->name, (long long)f->line);
    return code;
}

/* ---- Room ------------------------------------------------------------------------------------------------------ */

static int find_kept(filling *f, soma_error *error) {
    soma_dataset *set = f->set;
    const char *const *names = f->file->options->keep;
    size_t count = 0, cells;
    while (names && names[count]) count++;
    if (!count) return SOMA_OK;
    if (!(f->keep = mem_array(set->context, count, sizeof *f->keep))) return error_memory(error);
    for (size_t j = 0; j < count; j++)
        if ((f->keep[j] = table_find(f->file, names[j], "--keep", error)) == SIZE_MAX) return SOMA_ERROR_INPUT;
    if (!size_multiply(count, (size_t)set->rows, &cells) ||
        !(set->kept = mem_array(set->context, cells, sizeof *set->kept)) || !names_add(&set->kept_texts, "", 0, NULL))
        return error_memory(error);
    for (size_t i = 0; i < cells; i++) set->kept[i] = set->kept_texts.names[0];
    set->kept_count = count;
    return SOMA_OK;
}

static bool index_categories(filling *f) {
    const table_schema *schema = &f->set->schema;
    if (!(f->categories = mem_zeros(f->set->context, schema->columns_count, sizeof *f->categories))) return false;
    for (size_t i = 0; i < schema->columns_count; i++) f->categories[i].context = f->set->context;
    for (size_t i = 0; i < schema->columns_count; i++)
        for (size_t k = 0; k < schema->columns[i].categories_count; k++) {
            const char *text = schema->columns[i].categories[k];
            if (!names_add(&f->categories[i], text, strlen(text), NULL)) return false;
        }
    return true;
}

static bool make_room(filling *f) {
    soma_dataset *set = f->set;
    size_t rows = (size_t)set->rows, cells;
    if (!size_multiply(rows, set->schema.columns_count, &cells)) return false;
    if (!(set->features = mem_zeros(set->context, cells, sizeof *set->features))) return false;
    if (!(set->lines = mem_zeros(set->context, rows, sizeof *set->lines))) return false;
    if (!f->file->options->predict && set->schema.classify)
        set->classes = mem_zeros(set->context, rows, sizeof *set->classes);
    else if (!f->file->options->predict)
        set->targets = mem_zeros(set->context, rows, sizeof *set->targets);
    if (!f->file->options->predict && !set->classes && !set->targets) return false;
    return index_categories(f) && class_index_build(set->context, &set->schema, &f->classes);
}

int table_fill(table_file *file, soma_dataset *set, soma_error *error) {
    filling f = {.file = file, .set = set, .classes = {.names = {.context = set->context}}};
    set->rows = file->rows - file->header;
    set->sample = soma_shape1((int64_t)set->schema.columns_count);
    int code = make_room(&f) ? find_kept(&f, error) : error_memory(error);
    if (code == SOMA_OK) code = fill_rows(&f, error);
    file->without_target = f.without;
    file->unseen = f.unseen;
    for (size_t i = 0; f.categories && i < set->schema.columns_count; i++) names_clear(&f.categories[i]);
    mem_free(set->context, f.categories);
    mem_free(set->context, f.keep);
    class_index_clear(set->context, &f.classes);
    return code;
}

/* ---- The whole ------------------------------------------------------------------------------------------------- */

static int check_options(const data_options *options, const char *name, const uint8_t *bytes, size_t size,
                         soma_error *error) {
    enum { LOOK = 4096 };
    if (size >= 2 && ((bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] == 0xFE && bytes[1] == 0xFF)))
        return error_set(error, SOMA_ERROR_INPUT, "%s: is UTF-16 text; expected a table in UTF-8", name);
    if (size && memchr(bytes, 0, size < LOOK ? size : LOOK))
        return error_set(error, SOMA_ERROR_INPUT,
                         "%s: is no CSV table, nor an array, pictures or another file that soma reads", name);
    if (options->schema && !options->schema->columns_count)
        return error_set(error, SOMA_ERROR_INPUT, "%s: is a table, but the model reads pictures", name);
    if (options->labels)
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s: is a table; --labels is for IDX pictures", name);
    if (options->predict && !options->schema)
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s: to predict a table its schema must be known", name);
    return SOMA_OK;
}

/* Joins what is to be said about choices. */
static int make_note(const table_file *file, const char *task, char **note, soma_error *error) {
    enum { PART = 160, PARTS = 6 };
    const char *unused = file->unused ? file->unused : "";
    char text[PARTS][PART] = {""}, missing[32];
    if (file->delimiter != ',')
        snprintf(text[0], PART, "cells are divided by %s",
                 file->delimiter == '\t'  ? "tabs"
                 : file->delimiter == ';' ? "semicolons"
                 : file->delimiter == '|' ? "bars"
                                          : "the sign given");
    if (file->style != NUMBERS_POINT && !file->options->schema)
        snprintf(text[1], PART, "numbers are written as %s",
                 file->style == NUMBERS_COMMA ? "1.234,5: with a decimal comma" : "1,234.5: with commas for thousands");
    snprintf(missing, sizeof missing, "%lld", (long long)file->without_target);
    if (file->without_target)
        snprintf(text[2], PART, "%s row%s without a target %s left out", missing, file->without_target > 1 ? "s" : "",
                 file->without_target > 1 ? "are" : "is");
    if (file->unseen)
        snprintf(text[3], PART, "%lld cell%s a text that training did not see", (long long)file->unseen,
                 file->unseen > 1 ? "s hold" : " holds");
    const char *parts[PARTS + 2] = {task, NULL, text[0], text[1], text[2], text[3]};
    size_t size = strlen(unused) + (task ? strlen(task) : 0) + sizeof text + 64, at = 0;
    char *joined = mem_alloc(file->context, size);
    if (!joined) return error_memory(error);
    joined[0] = 0;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (i == 1 && *unused)
            at += (size_t)snprintf(joined + at, size - at, "%scolumns that the model does not know are left out: %s",
                                   at ? "; " : "", unused);
        else if (parts[i] && *parts[i])
            at += (size_t)snprintf(joined + at, size - at, "%s%s", at ? "; " : "", parts[i]);
    }
    if (at)
        *note = joined;
    else
        mem_free(file->context, joined);
    return SOMA_OK;
}

/* A target that never changes is named last: a cell that can't be read may be the reason. */
static int check_classes(const table_file *file, const table_schema *schema, soma_error *error) {
    char label[TABLE_LABEL], only[CSV_EXCERPT];
    if (!schema->classify || schema->classes_count > 1) return SOMA_OK;
    return error_set(error, SOMA_ERROR_INPUT, "%s: %s: the target is '%s' in every row; expected at least two classes",
                     file->name, table_label(file, schema->target_position, label),
                     csv_excerpt(schema->classes[0], strlen(schema->classes[0]), only));
}

static int read_table(table_file *file, soma_dataset *set, soma_error *error) {
    char *task = NULL;
    int code = table_survey(file, error);
    if (code == SOMA_OK) code = table_header(file, error);
    if (code == SOMA_OK && file->options->schema) {
        code = table_match(file, file->options->schema, error);
        if (code == SOMA_OK && !schema_copy(file->context, file->options->schema, &set->schema))
            code = error_memory(error);
    } else if (code == SOMA_OK) {
        code = table_learn(file, &set->schema, &task, &set->summary, error);
    }
    if (code == SOMA_OK) code = table_fill(file, set, error);
    if (code == SOMA_OK && !file->options->schema) code = check_classes(file, &set->schema, error);
    if (code == SOMA_OK) code = make_note(file, task, &set->note, error);
    mem_free(file->context, task);
    return code;
}

static int keep_text(soma_dataset *set, const uint8_t *bytes, size_t size, soma_error *error) {
    set->text = mem_array(set->context, size, 1);
    if (!set->text) return error_memory(error);
    memcpy(set->text, bytes, size);
    set->text_size = size;
    return SOMA_OK;
}

soma_dataset *table_load(const soma_context *context, const char *path, const uint8_t *bytes, size_t size,
                         const data_options *options, soma_error *error) {
    table_file file = {.context = context, .bytes = (const char *)bytes, .size = size, .options = options};
    file.name = source_name(path);
    int code = check_options(options, file.name, bytes, size, error);
    if (code != SOMA_OK) return NULL;
    soma_dataset *set = mem_zeros(context, 1, sizeof *set);
    if (!set) {
        error_memory(error);
        return NULL;
    }
    set->context = set->kept_texts.context = context;
    set->path = mem_string(context, file.name);
    code = set->path ? read_table(&file, set, error) : error_memory(error);
    set->fingerprint = hash_bytes(bytes, size, HASH_START);
    set->delimiter = file.delimiter;
    if (!code && options->keep_text) code = keep_text(set, bytes, size, error);
    table_close(&file);
    if (code == SOMA_OK) return set;
    soma_dataset_destroy(set);
    return NULL;
}
