/* data/schema.c: what the columns of a table mean, learnt from the file that trains.
 *
 * One pass over the file gathers the distinct texts of the columns that are not numeric and of the target. What the
 * features become is decided in columns.c. The target's texts become classes if the task is classification, which
 * --task says or which follows from the target: texts and truth values (0 and 1) are classes; whole numbers are if
 * there are at most 20 distinct ones with 10 rows each on average; other numbers are predicted as numbers. Classes that
 * are numbers come first, by value, and two spellings of one value are one class, called as the file first writes it.
 */
#include "data/number.h"
#include "data/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLASSES = 10000 };                          /* the most of a target */
enum { WHOLE_CLASSES = 20, ROWS_OF_A_CLASS = 10 }; /* when whole numbers are classes */

/* ---- Schemas --------------------------------------------------------------------------------------------------- */

static void texts_clear(const soma_context *context, char **texts, size_t count) {
    for (size_t i = 0; texts && i < count; i++) mem_free(context, texts[i]);
    mem_free(context, texts);
}

void column_clear(const soma_context *context, table_column *column) {
    mem_free(context, column->name);
    texts_clear(context, column->categories, column->categories_count);
    *column = (table_column){.kind = COLUMN_NUMERIC};
}

void schema_clear(const soma_context *context, table_schema *schema) {
    for (size_t c = 0; schema->columns && c < schema->columns_count; c++) column_clear(context, &schema->columns[c]);
    mem_free(context, schema->columns);
    mem_free(context, schema->target_name);
    texts_clear(context, schema->classes, schema->classes_count);
    *schema = (table_schema){.header = false};
}

/* Copies texts; *copied counts those that are there when memory runs out. */
static bool texts_copy(const soma_context *context, char *const *from, size_t count, char ***to, size_t *copied) {
    *copied = 0;
    if (!from) return true;
    if (!(*to = mem_zeros(context, count, sizeof **to))) return false;
    for (; *copied < count; ++*copied)
        if (!((*to)[*copied] = mem_string(context, from[*copied]))) return false;
    return true;
}

static bool columns_copy(const soma_context *context, const table_schema *from, table_schema *to) {
    if (!from->columns) return true;
    if (!(to->columns = mem_zeros(context, from->columns_count, sizeof *to->columns))) return false;
    to->columns_count = from->columns_count;
    for (size_t i = 0; i < from->columns_count; i++) {
        const table_column *a = &from->columns[i];
        table_column *b = &to->columns[i];
        b->kind = a->kind;
        b->position = a->position;
        b->pooled = a->pooled;
        b->lenient = a->lenient;
        b->date = a->date;
        if (!(b->name = mem_string(context, a->name))) return false;
        if (!texts_copy(context, a->categories, a->categories_count, &b->categories, &b->categories_count))
            return false;
    }
    return true;
}

bool schema_copy(const soma_context *context, const table_schema *from, table_schema *to) {
    *to = (table_schema){.header = from->header,
                         .target_position = from->target_position,
                         .file_columns = from->file_columns,
                         .style = from->style,
                         .classify = from->classify,
                         .pictures = from->pictures};
    bool copied = (!from->target_name || (to->target_name = mem_string(context, from->target_name))) &&
                  texts_copy(context, from->classes, from->classes_count, &to->classes, &to->classes_count) &&
                  columns_copy(context, from, to);
    if (!copied) schema_clear(context, to);
    return copied;
}

/* ---- Names and roles ------------------------------------------------------------------------------------------- */

static int check_distinct(const table_file *file, soma_error *error) {
    name_set names = {.context = file->context};
    int code = SOMA_OK;
    for (size_t c = 0; code == SOMA_OK && c < file->width; c++) {
        const char *name = file->columns[c].name;
        char excerpt[CSV_EXCERPT];
        size_t number;
        if (!names_add(&names, name, strlen(name), &number))
            code = error_memory(error);
        else if (number != c)
            code = error_set(
                error, SOMA_ERROR_INPUT,
                "%s: line %lld, column %zu: the name '%s' stands in column %zu too; expected distinct names",
                file->name, (long long)file->first_line, c + 1, csv_excerpt(name, strlen(name), excerpt), number + 1);
    }
    names_clear(&names);
    return code;
}

/* The target is the last column or the one named; what is not ignored of the rest is a feature. */
static int give_roles(table_file *file, table_schema *schema, soma_error *error) {
    const data_options *options = file->options;
    char label[TABLE_LABEL];
    size_t target = options->target ? table_find(file, options->target, "--target", error) : file->width - 1;
    if (target == SIZE_MAX) return SOMA_ERROR_INPUT;
    for (size_t c = 0; c < file->width; c++) file->columns[c].role = c == target ? ROLE_TARGET : ROLE_FEATURE;
    for (const char *const *name = options->ignore; name && *name; name++) {
        size_t ignored = table_find(file, *name, "--ignore", error);
        if (ignored == SIZE_MAX) return SOMA_ERROR_INPUT;
        if (ignored == target)
            return error_set(error, SOMA_ERROR_INPUT, "%s: --ignore: %s is the target; --target names another",
                             file->name, table_label(file, target, label));
        file->columns[ignored].role = ROLE_NONE;
    }
    schema->header = file->header;
    schema->target_position = target;
    schema->file_columns = file->width;
    schema->target_name = mem_string(file->context, file->columns[target].name);
    return schema->target_name ? SOMA_OK : error_memory(error);
}

/* ---- Distinct texts -------------------------------------------------------------------------------------------- */

static bool gather_cell(const table_file *file, const csv_cell *cell, column_texts *texts) {
    const char *text;
    size_t length;
    double value;
    const file_column *at = &file->columns[cell->column];
    csv_trim(cell, &text, &length);
    if (cell->problem || number_missing(text, length)) return true;
    if (at->role == ROLE_TARGET) /* too many for classes: said if it matters */
        return texts->set.count > CLASSES || texts_add(texts, text, length);
    if (!table_numeric(&at->tally)) return texts_add(texts, text, length);
    if (columns_codes(&at->tally)) return texts_add(texts, text, length);
    if (!number_read(text, length, file->style, &value)) return true;
    texts_add_number(texts, value);
    return !columns_identifier(at->name) || names_add(&texts->set, text, length, NULL);
}

/* What the cells of the target and of the features hold. */
static int gather_texts(const table_file *file, column_texts *texts, soma_error *error) {
    csv_reader reader;
    csv_cell cell;
    int got, code = SOMA_OK;
    int64_t row = 0;
    csv_open(&reader, file->context, file->bytes, file->size, file->delimiter);
    while (code == SOMA_OK && (got = csv_next(&reader, &cell)) != 0) {
        bool read = cell.column < file->width && !(file->header && row == 0);
        if (got < 0 ||
            (read && file->columns[cell.column].role != ROLE_NONE && !gather_cell(file, &cell, &texts[cell.column])))
            code = error_memory(error);
        row += cell.last;
    }
    csv_close(&reader);
    return code;
}

/* ---- Classes and the task -------------------------------------------------------------------------------------- */

/* A distinct text of the target. */
typedef struct target_text {
    char *text;
    bool number;
    double value;
    size_t order; /* in which it came up */
} target_text;

static int by_value_or_bytes(const void *a, const void *b) {
    const target_text *x = a, *y = b;
    if (x->number != y->number) return x->number ? -1 : 1;
    if (!x->number) return strcmp(x->text, y->text);
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Sorts the texts, drops further spellings of a value and, from a numeric target, texts that are no numbers, which are
 * refused later. Returns how many are left. */
static size_t sort_classes(const name_set *set, number_style style, target_text *classes, bool numeric) {
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        target_text t = {.text = set->names[i], .order = i};
        t.number = number_read(t.text, strlen(t.text), style, &t.value);
        if (t.number || !numeric) classes[count++] = t;
    }
    if (count) qsort(classes, count, sizeof *classes, by_value_or_bytes);
    for (size_t i = 0; i < count; i++)
        if (!kept || !classes[i].number || classes[i].value != classes[kept - 1].value) classes[kept++] = classes[i];
    return kept;
}

/* Whether numbers are classes by themselves. */
static bool numbers_are_classes(const target_text *classes, size_t count, int64_t rows) {
    if (count == 2 && classes[0].value == 0 && classes[1].value == 1) return true;
    if (count > WHOLE_CLASSES || rows / ROWS_OF_A_CLASS < (int64_t)count) return false;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(classes[i].value) || classes[i].value != floor(classes[i].value)) return false;
    return true;
}

/* Says what was chosen and how to choose otherwise. */
static int say_task(const table_file *file, const table_schema *schema, bool numeric, size_t count, char **note,
                    soma_error *error) {
    char text[256], name[CSV_EXCERPT];
    csv_excerpt(schema->target_name, strlen(schema->target_name), name);
    if (schema->classify && numeric)
        snprintf(text, sizeof text,
                 "the target '%s' has %zu distinct whole numbers, taken as classes; --task regress "
                 "predicts a number",
                 name, count);
    else if (schema->classify)
        snprintf(text, sizeof text, "the target '%s' is text: %zu classes", name, count);
    else
        snprintf(text, sizeof text,
                 "the target '%s' is a number to be predicted; --task classify takes its values as "
                 "classes",
                 name);
    *note = mem_string(file->context, text);
    return *note ? SOMA_OK : error_memory(error);
}

static int take_classes(const table_file *file, const target_text *classes, size_t count, bool numeric,
                        table_schema *schema, soma_error *error) {
    char name[CSV_EXCERPT];
    csv_excerpt(schema->target_name, strlen(schema->target_name), name);
    if (count > CLASSES)
        return error_set(error, SOMA_ERROR_INPUT,
                         "%s: column %s: the target has more than %d different values, too many for "
                         "classes%s",
                         file->name, name, CLASSES, numeric ? "; --task regress predicts a number" : "");
    if (!(schema->classes = mem_zeros(file->context, count, sizeof *schema->classes))) return error_memory(error);
    for (; schema->classes_count < count; schema->classes_count++) {
        char *text = mem_string(file->context, classes[schema->classes_count].text);
        if (!text) return error_memory(error);
        schema->classes[schema->classes_count] = text;
    }
    return SOMA_OK;
}

static int choose_task(const table_file *file, const name_set *set, table_schema *schema, char **note,
                       soma_error *error) {
    const column_tally *tally = &file->columns[schema->target_position].tally;
    task_choice task = file->options->task;
    bool numeric = table_numeric(tally) && (task != TASK_CLASSIFY || tally->texts == 0);
    target_text *classes = mem_array(file->context, set->count, sizeof *classes);
    if (!classes) return error_memory(error);
    size_t count = sort_classes(set, file->style, classes, numeric);
    schema->classify = task == TASK_CLASSIFY ||
                       (task == TASK_AUTO && (!numeric || numbers_are_classes(classes, count, tally->numbers)));
    int code = schema->classify ? take_classes(file, classes, count, numeric, schema, error) : SOMA_OK;
    mem_free(file->context, classes);
    if (code == SOMA_OK && task == TASK_AUTO) code = say_task(file, schema, numeric, count, note, error);
    return code;
}

int table_learn(table_file *file, table_schema *schema, char **note, char **summary, soma_error *error) {
    column_texts *texts = NULL;
    int code = check_distinct(file, error);
    if (code == SOMA_OK) code = give_roles(file, schema, error);
    if (code != SOMA_OK) return code;
    schema->style = file->style;
    if (!(texts = mem_zeros(file->context, file->width, sizeof *texts))) return error_memory(error);
    for (size_t c = 0; c < file->width; c++) texts[c].set.context = file->context;
    code = gather_texts(file, texts, error);
    if (code == SOMA_OK) code = columns_decide(file, texts, schema, error);
    if (code == SOMA_OK) code = choose_task(file, &texts[schema->target_position].set, schema, note, error);
    if (code == SOMA_OK && !(*summary = columns_describe(file, schema, texts))) code = error_memory(error);
    texts_clear_all(file->context, texts, file->width);
    return code;
}
