/* data/survey.c: the first look at a table: how wide it is, what kinds of cells its columns hold, whether its first row
 * is a header. Nothing is judged here but what makes the whole file unreadable; single bad cells are named when the
 * data set is filled, by which time the columns have names.
 *
 * The rule: the first row is a header if it has a text where the column is numeric otherwise, or if all its cells are
 * texts and distinct. A column is numeric if nine in ten of its cells that are not missing are numbers. A later file,
 * read by a schema, has a header if its first row knows the schema's names.
 *
 * Numbers are counted in every style at once (1234.5, 1.234,5, 1,234.5); the file is then read in the one in which most
 * columns are numeric, the plain one first. */
#include "data/number.h"
#include "data/table.h"

#include <stdio.h>

/* Whether a text could be a date: it has a digit and one of the signs that dates have. */
static bool like_date(const char *text, size_t length) {
    bool digit = false, sign = false;
    for (size_t i = 0; i < length; i++) {
        digit |= text[i] >= '0' && text[i] <= '9';
        sign |= strchr("-/.: ", text[i]) != NULL;
    }
    return digit && sign && length <= 40;
}

static void count_number(column_tally *tally, const char *text, size_t length) {
    tally->by_style[NUMBERS_POINT]++;
    bool point = memchr(text, '.', length) != NULL;
    double value;
    tally->by_style[NUMBERS_COMMA] += !point || number_read(text, length, NUMBERS_COMMA, &value);
    tally->by_style[NUMBERS_GROUPED]++;
    tally->zero_led += length > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9' && !point;
}

static void count_text(column_tally *tally, const char *text, size_t length) {
    double value;
    tally->texts++;
    tally->absent += number_absent(text, length);
    for (int style = 0; style < NUMBER_STYLES; style++) /* with a sign, in another style */
        tally->by_style[style] += number_read(text, length, (number_style)style, &value);
    for (int f = DATE_ISO; f < DATE_FORMATS && like_date(text, length); f++)
        tally->dates[f] += date_parse(text, length, (date_format)f, &value);
}

/* Counts a cell by its text, numbers as if written with a point. */
static void count_cell(column_tally *tally, const csv_cell *cell) {
    const char *text;
    size_t length;
    double value;
    csv_trim(cell, &text, &length);
    if (number_missing(text, length)) {
        tally->missing++;
        return;
    }
    if (!tally->shortest || length < tally->shortest) tally->shortest = length;
    if (length > tally->longest) tally->longest = length;
    if (number_parse(text, length, &value)) {
        tally->numbers++;
        count_number(tally, text, length);
    } else {
        count_text(tally, text, length);
    }
}

static void add_tally(column_tally *to, const column_tally *from) {
    to->numbers += from->numbers;
    to->texts += from->texts;
    to->missing += from->missing;
    to->absent += from->absent;
    to->zero_led += from->zero_led;
    for (int i = 0; i < NUMBER_STYLES; i++) to->by_style[i] += from->by_style[i];
    for (int i = 0; i < DATE_FORMATS; i++) to->dates[i] += from->dates[i];
    if (from->shortest && (!to->shortest || from->shortest < to->shortest)) to->shortest = from->shortest;
    if (from->longest > to->longest) to->longest = from->longest;
}

static char *copy_text(const soma_context *context, const csv_cell *cell) {
    const char *text;
    size_t length;
    csv_trim(cell, &text, &length);
    char *copy = mem_alloc(context, length + 1);
    if (!copy) return NULL;
    if (length) memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

static int first_row_cell(table_file *file, const csv_cell *cell, size_t *capacity, soma_error *error) {
    const char *problem = cell->column >= CSV_COLUMNS ? "a row of more than 1048576 cells" : cell->problem;
    if (problem)
        return error_set(error, SOMA_ERROR_INPUT, "%s: line %lld, column %zu: %s", file->name, (long long)cell->line,
                         cell->column + 1, problem);
    if (!mem_reserve(file->context, &file->columns, file->width, capacity, sizeof *file->columns))
        return error_memory(error);
    file_column *column = &file->columns[file->width];
    *column = (file_column){.name = copy_text(file->context, cell)};
    if (!column->name) return error_memory(error);
    count_cell(&column->first, cell);
    if (file->width++ == 0) file->first_line = cell->line;
    return SOMA_OK;
}

/* Whether a column is one of numbers when they are read in a style. */
static bool numeric_in(const column_tally *tally, number_style style) {
    int64_t texts = tally->numbers + tally->texts - tally->absent - tally->by_style[style];
    return tally->by_style[style] > 0 && tally->by_style[style] / 9 >= texts;
}

/* Counts as numbers what is one in the style. */
static void read_in(column_tally *tally, number_style style) {
    int64_t cells = tally->numbers + tally->texts;
    tally->numbers = tally->by_style[style];
    tally->texts = cells - tally->numbers;
}

/* The style in which most columns are numbers, and of those most cells; the schema's first, then the plain one, and
 * commas between thousands rather than before decimals where a comma divides the cells. Counts then mean that style. */
static void choose_style(table_file *file) {
    const table_schema *schema = file->options->schema;
    const bool commas = file->delimiter == ',';
    const number_style order[] = {NUMBERS_POINT, commas ? NUMBERS_GROUPED : NUMBERS_COMMA,
                                  commas ? NUMBERS_COMMA : NUMBERS_GROUPED};
    int64_t columns[NUMBER_STYLES] = {0}, cells[NUMBER_STYLES] = {0};
    for (size_t c = 0; c < file->width; c++) {
        const column_tally *t = file->rows == 1 ? &file->columns[c].first : &file->columns[c].tally;
        for (int s = 0; s < NUMBER_STYLES; s++) {
            if (!numeric_in(t, (number_style)s) || table_dates(t) != DATE_NONE) continue;
            columns[s]++;
            cells[s] += t->by_style[s];
        }
    }
    file->style = schema ? schema->style : order[0];
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        number_style s = order[i];
        bool cells_decide = !schema && columns[s] == columns[file->style] && cells[s] > cells[file->style];
        if (columns[s] > columns[file->style] || cells_decide) file->style = s;
    }
    for (size_t c = 0; c < file->width; c++) {
        file_column *column = &file->columns[c];
        read_in(&column->tally, file->style);
        read_in(&column->first, file->style);
        column->first_kind = column->first.numbers ? CELL_NUMBER : column->first.texts ? CELL_TEXT : CELL_MISSING;
    }
}

int table_survey(table_file *file, soma_error *error) {
    csv_reader reader;
    csv_cell cell;
    size_t capacity = 0;
    int got, code = SOMA_OK;
    file->delimiter =
        file->options->delimiter ? file->options->delimiter : csv_delimiter(file->context, file->bytes, file->size);
    if (!file->delimiter) return error_memory(error);
    csv_open(&reader, file->context, file->bytes, file->size, file->delimiter);
    while (code == SOMA_OK && (got = csv_next(&reader, &cell)) != 0) {
        if (got < 0)
            code = error_memory(error);
        else if (file->rows == 0)
            code = first_row_cell(file, &cell, &capacity, error);
        else if (cell.column < file->width)
            count_cell(&file->columns[cell.column].tally, &cell);
        file->rows += code == SOMA_OK && cell.last;
    }
    csv_close(&reader);
    if (code == SOMA_OK && file->rows == 0)
        code = error_set(error, SOMA_ERROR_INPUT, "%s: is empty; expected a table with a header and rows", file->name);
    if (code == SOMA_OK) choose_style(file);
    return code;
}

bool table_numeric(const column_tally *tally) {
    return tally->numbers > 0 && tally->numbers / 9 >= tally->texts - tally->absent; /* n >= 9 t, without overflow */
}

date_format table_dates(const column_tally *tally) {
    int best = DATE_NONE;
    for (int f = DATE_ISO; f < DATE_FORMATS; f++)
        if (tally->dates[f] > (best ? tally->dates[best] : 0)) best = f;
    int64_t others = tally->numbers + tally->texts - (best ? tally->dates[best] : 0);
    return best && tally->dates[best] / 9 >= others ? (date_format)best : DATE_NONE;
}

/* A date on top of a column of dates is no name. */
static bool is_date(const file_column *column) {
    date_format format = table_dates(&column->tally);
    return format != DATE_NONE && column->first.dates[format];
}

/* All cells of the first row are texts and distinct. *memory is false when memory was out. */
static bool all_texts_distinct(const table_file *file, bool *memory) {
    name_set names = {.context = file->context};
    bool distinct = true;
    for (size_t c = 0; distinct && c < file->width; c++) {
        const char *name = file->columns[c].name;
        bool text = file->columns[c].first_kind == CELL_TEXT && !is_date(&file->columns[c]);
        *memory = !text || names_add(&names, name, strlen(name), NULL);
        distinct = *memory && text && names.count == c + 1;
    }
    names_clear(&names);
    return distinct;
}

static bool looks_like_header(const table_file *file, bool *memory) {
    for (size_t c = 0; c < file->width; c++) {
        const file_column *column = &file->columns[c];
        bool other = table_numeric(&column->tally) || table_dates(&column->tally) != DATE_NONE;
        if (column->first_kind == CELL_TEXT && other && !is_date(column)) return true;
    }
    return all_texts_distinct(file, memory);
}

/* A later file of a model whose columns have names: the first row holds a text that is one of them, or all of them. One
 * without any known name that would pass for a header elsewhere is still one, so that missing columns can be named. */
static bool knows_names(const table_file *file, const table_schema *schema, bool *memory) {
    name_set names = {.context = file->context};
    size_t known = 0;
    bool text = false;
    for (size_t c = 0; *memory && c < file->width; c++)
        *memory = names_add(&names, file->columns[c].name, strlen(file->columns[c].name), NULL);
    for (size_t i = 0; *memory && i < schema->columns_count; i++) {
        const char *name = schema->columns[i].name;
        double value;
        if (names_find(&names, name, strlen(name)) == NAMES_NONE) continue;
        known++;
        text |= !number_parse(name, strlen(name), &value);
    }
    names_clear(&names);
    return *memory && (text || (known > 0 && known == schema->columns_count) || looks_like_header(file, memory));
}

/* A later file of a model whose columns have no names has a header only if no cell of its first row is a number. */
static bool has_no_number(const table_file *file) {
    bool numbers_below = false;
    for (size_t c = 0; c < file->width; c++) {
        if (file->columns[c].first_kind == CELL_NUMBER) return false;
        numbers_below |= file->columns[c].first_kind == CELL_TEXT && file->columns[c].tally.numbers > 0;
    }
    return numbers_below;
}

/* Without a header, and for cells of it that are empty, a column is called by its number. */
static int name_columns(table_file *file, soma_error *error) {
    for (size_t c = 0; c < file->width; c++) {
        file_column *column = &file->columns[c];
        if (!file->header) add_tally(&column->tally, &column->first);
        if (file->header && column->name[0]) continue;
        char text[48];
        snprintf(text, sizeof text, "column %zu", c + 1);
        char *name = mem_string(file->context, text);
        if (!name) return error_memory(error);
        mem_free(file->context, column->name);
        column->name = name;
    }
    return SOMA_OK;
}

int table_header(table_file *file, soma_error *error) {
    const table_schema *schema = file->options->schema;
    bool memory = true;
    if (file->options->no_header)
        file->header = false;
    else if (!schema)
        file->header = looks_like_header(file, &memory);
    else if (schema->header)
        file->header = knows_names(file, schema, &memory);
    else
        file->header = has_no_number(file);
    if (!memory) return error_memory(error);
    file->named = file->header;
    if (file->header && file->rows == 1)
        return error_set(error, SOMA_ERROR_INPUT, "%s: holds a header and no rows", file->name);
    return name_columns(file, error);
}

static bool column_by_number(const table_file *file, const char *name, size_t *column) {
    double number;
    if (file->header || !number_parse(name, strlen(name), &number)) return false;
    if (!(number >= 1 && number <= (double)file->width) || number != (double)(size_t)number) return false;
    *column = (size_t)number - 1;
    return true;
}

static int unknown_column(const table_file *file, const char *name, const char *what, soma_error *error) {
    char wrong[CSV_EXCERPT], right[CSV_EXCERPT];
    const char **names = mem_zeros(file->context, file->width + 1, sizeof *names);
    if (!names) return error_memory(error);
    for (size_t c = 0; c < file->width; c++) names[c] = file->columns[c].name;
    const char *near = suggest(name, names), *first = names[0], *last = names[file->width - 1];
    mem_free(file->context, names);
    csv_excerpt(name, strlen(name), wrong);
    if (near)
        return error_set(error, SOMA_ERROR_INPUT, "%s: %s: there is no column '%s'; did you mean '%s'?", file->name,
                         what, wrong, csv_excerpt(near, strlen(near), right));
    char from[CSV_EXCERPT];
    return error_set(error, SOMA_ERROR_INPUT, "%s: %s: there is no column '%s'; the %zu columns are '%s' to '%s'",
                     file->name, what, wrong, file->width, csv_excerpt(first, strlen(first), from),
                     csv_excerpt(last, strlen(last), right));
}

size_t table_find(const table_file *file, const char *name, const char *what, soma_error *error) {
    size_t column;
    for (size_t c = 0; c < file->width; c++)
        if (strcmp(file->columns[c].name, name) == 0) return c;
    if (column_by_number(file, name, &column)) return column;
    unknown_column(file, name, what, error);
    return SIZE_MAX;
}

const char *table_label(const table_file *file, size_t column, char label[TABLE_LABEL]) {
    char excerpt[CSV_EXCERPT];
    if (column < file->width && file->named) {
        const char *name = file->columns[column].name;
        csv_excerpt(name, strlen(name), excerpt);
        bool numbered = strncmp(name, "column ", 7) == 0;
        snprintf(label, TABLE_LABEL, "%s%s", numbered ? "" : "column ", excerpt);
    } else {
        snprintf(label, TABLE_LABEL, "column %zu", column + 1);
    }
    return label;
}

void table_close(table_file *file) {
    for (size_t c = 0; c < file->width; c++) mem_free(file->context, file->columns[c].name);
    mem_free(file->context, file->columns);
    mem_free(file->context, file->unused);
    file->columns = NULL;
    file->unused = NULL;
    file->width = 0;
}
