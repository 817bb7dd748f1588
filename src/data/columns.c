/* data/columns.c: what each column of a table becomes, decided from its cells.
 *
 * Numbers in nine cells of ten make a column of numbers, dates in nine of ten one of dates, anything else is text, and
 * texts become categories: the frequent ones by name, rare ones pooled. A column in which half of the cells are numbers
 * and the others are a few words ("unknown", "n/a") is one of numbers with missing values. Whole numbers of one width
 * that begin with zeros (007) are codes and so categories.
 *
 * In a table of some rows, columns that can't help a network on other rows are left out and named: without any value,
 * texts that are the same everywhere, row numbers, identifiers and free text, of which nearly every row has its own. */
#include "data/table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    JUDGED_ROWS = 20,   /* fewer say too little to leave a column out */
    MOST_LEVELS = 100,  /* of a category, not counting the pool */
    RARE_ROWS = 4,      /* a level of fewer rows is rare, … */
    RARE_SHARE = 1000,  /* … and one of less than a thousandth of all */
    MIXED_WORDS = 5,    /* words among numbers */
    FREE_TEXT_WORDS = 3 /* a cell, on average */
};

/* ---- Texts of a column ----------------------------------------------------------------------------------------- */

bool texts_add(column_texts *texts, const char *text, size_t length) {
    size_t number, before = texts->set.count;
    if (!names_add(&texts->set, text, length, &number)) return false;
    if (!mem_reserve(texts->set.context, &texts->counts, number, &texts->capacity, sizeof *texts->counts)) return false;
    if (number == before) texts->counts[number] = 0;
    texts->counts[number]++;
    texts->seen++;
    bool inside = false;
    for (size_t i = 0; i < length; i++) {
        bool blank = text[i] == ' ' || text[i] == '\n' || text[i] == '\t';
        texts->words += !blank && !inside;
        inside = !blank;
    }
    return true;
}

void texts_add_number(column_texts *texts, double value) {
    bool whole = value >= -9e15 && value <= 9e15 && (double)(int64_t)value == value;
    if (!texts->seen) {
        texts->first = texts->least = texts->most = value;
        texts->whole = texts->ascending = whole;
    } else {
        texts->whole &= whole;
        texts->ascending &= value == texts->previous + 1;
        if (value < texts->least) texts->least = value;
        if (value > texts->most) texts->most = value;
    }
    texts->previous = value;
    texts->seen++;
}

void texts_clear_all(const soma_context *context, column_texts *texts, size_t count) {
    for (size_t c = 0; texts && c < count; c++) {
        names_clear(&texts[c].set);
        mem_free(context, texts[c].counts);
    }
    mem_free(context, texts);
}

static const char identifier[] = "an identifier: nearly every row has its own";

/* ---- Leaving out ----------------------------------------------------------------------------------------------- */

/* Whether a name says that the column numbers the rows or things: id, ID, patient_id, CustomerID. */
static bool word_ends(const char *name, const char *word) {
    size_t length = strlen(name), n = strlen(word);
    while (length && name[length - 1] == '.') length--; /* No. */
    if (length < n || strncasecmp(name + length - n, word, n) != 0) return false;
    const char *begin = name + length - n;
    return begin == name || strchr("_ .-", begin[-1]) ||
           (isupper((unsigned char)*begin) && islower((unsigned char)begin[-1]));
}

bool columns_identifier(const char *name) {
    static const char *const words[] = {"id", "nr", "no", "number", "nummer", "index", "idx", "key"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (word_ends(name, words[i])) return true;
    return false;
}

/* Fewer rows than this make a level rare. */
static int64_t rare_below(int64_t rows) { return rows / RARE_SHARE > RARE_ROWS ? rows / RARE_SHARE : RARE_ROWS; }

static const char *reason_numbers(const column_texts *texts, int64_t rows) {
    if (!texts->seen) return "empty";
    bool all = texts->seen == rows, from_start = texts->first >= 0 && texts->first <= 1;
    return texts->whole && texts->ascending && all && from_start ? "a row number" : NULL;
}

static const char *reason_texts(const file_column *column, const column_texts *texts, int64_t rows) {
    int64_t distinct = (int64_t)texts->set.count, frequent = 0;
    if (!texts->seen) return "empty";
    if (distinct == 1 && !column->tally.missing) return "the same in every row";
    for (size_t i = 0; i < texts->set.count; i++)
        if (texts->counts[i] >= rare_below(rows)) frequent += texts->counts[i];
    if (distinct * 2 <= texts->seen || distinct <= JUDGED_ROWS || frequent * 10 >= texts->seen) return NULL;
    return texts->words >= (double)(FREE_TEXT_WORDS * texts->seen) ? "free text" : identifier;
}

/* ---- Kinds ----------------------------------------------------------------------------------------------------- */

/* Half of the cells are numbers and the rest a few words that come again. */
static bool is_mixed(const table_file *file, const column_tally *tally, const column_texts *texts) {
    size_t words = 0;
    double value;
    if (tally->numbers < JUDGED_ROWS || tally->numbers < tally->texts) return false;
    for (size_t i = 0; i < texts->set.count && words <= MIXED_WORDS; i++)
        words += !number_read(texts->set.names[i], strlen(texts->set.names[i]), file->style, &value);
    return words <= MIXED_WORDS && (int64_t)(texts->set.count - words) > JUDGED_ROWS / 2;
}

bool columns_codes(const column_tally *tally) {
    return tally->zero_led > 0 && tally->shortest == tally->longest && tally->longest > 1 && !tally->texts;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static int downwards(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The smallest count of a level that keeps its name. */
static int least_count(const soma_context *context, const column_texts *texts, int64_t rows, int64_t *least) {
    size_t n = texts->set.count;
    *least = n > 2 && rows >= JUDGED_ROWS ? rare_below(rows) : 1;
    if (n <= MOST_LEVELS) return SOMA_OK;
    int64_t *sorted = mem_array(context, n, sizeof *sorted);
    if (!sorted) return SOMA_ERROR_MEMORY;
    memcpy(sorted, texts->counts, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, downwards);
    if (sorted[MOST_LEVELS] + 1 > *least) *least = sorted[MOST_LEVELS] + 1;
    mem_free(context, sorted);
    return SOMA_OK;
}

/* The frequent texts, sorted by bytes, become categories; the others the pool behind them. */
static int take_levels(const table_file *file, const column_texts *texts, int64_t rows, table_column *to,
                       soma_error *error) {
    int64_t least;
    size_t count = 0;
    if (least_count(file->context, texts, rows, &least)) return error_memory(error);
    if (!(to->categories = mem_zeros(file->context, texts->set.count, sizeof *to->categories)))
        return error_memory(error);
    for (size_t i = 0; i < texts->set.count; i++) {
        if (texts->counts[i] < least) continue;
        if (!(to->categories[count] = mem_string(file->context, texts->set.names[i]))) return error_memory(error);
        to->categories_count = ++count;
    }
    to->pooled = count < texts->set.count;
    qsort(to->categories, count, sizeof *to->categories, by_bytes);
    return SOMA_OK;
}

static int decide(table_file *file, file_column *column, const column_texts *texts, table_column *to,
                  soma_error *error) {
    int64_t rows = file->rows - file->header;
    const column_tally *tally = &column->tally;
    bool judged = rows >= JUDGED_ROWS;
    to->date = table_dates(tally);
    if (to->date != DATE_NONE) {
        to->kind = COLUMN_DATE;
        return SOMA_OK;
    }
    if (table_numeric(tally) && !columns_codes(tally)) {
        to->kind = COLUMN_NUMERIC;
        if (judged) column->left_out = reason_numbers(texts, rows);
        return SOMA_OK;
    }
    if (is_mixed(file, tally, texts)) {
        to->kind = COLUMN_NUMERIC;
        to->lenient = true;
        return SOMA_OK;
    }
    to->kind = COLUMN_CATEGORY;
    if (judged) column->left_out = reason_texts(column, texts, rows);
    if (column->left_out || !texts->seen) return SOMA_OK;
    int code = take_levels(file, texts, rows, to, error);
    if (code == SOMA_OK && judged && !to->categories_count) column->left_out = "texts that hardly ever come twice";
    return code;
}

/* Whole numbers under the name of an identifier of which each row has its own. */
static bool numbers_things(const table_file *file, const file_column *column, const column_texts *texts) {
    return file->rows - file->header >= JUDGED_ROWS && columns_identifier(column->name) && texts->whole &&
           texts->most - texts->least >= (double)texts->seen - 1 && texts->set.count * 10 >= (size_t)texts->seen * 9;
}

/* Decides each feature's column; with `keep` numbers are left out for no reason. */
static int decide_all(table_file *file, const column_texts *texts, bool keep, table_schema *schema, soma_error *error) {
    if (!(schema->columns = mem_zeros(file->context, file->width, sizeof *schema->columns))) return error_memory(error);
    for (size_t c = 0; c < file->width; c++) {
        file_column *from = &file->columns[c];
        if (from->role != ROLE_FEATURE) continue;
        table_column *to = &schema->columns[schema->columns_count];
        int code = decide(file, from, &texts[c], to, error);
        if (code == SOMA_OK && to->kind == COLUMN_NUMERIC && !from->left_out && numbers_things(file, from, &texts[c]))
            from->left_out = identifier;
        if (keep && to->kind == COLUMN_NUMERIC) from->left_out = NULL;
        to->position = c;
        from->feature = schema->columns_count++;
        if (code == SOMA_OK && !(to->name = mem_string(file->context, from->name))) code = error_memory(error);
        if (code != SOMA_OK) return code;
        if (!from->left_out) continue;
        schema->columns_count--;
        column_clear(file->context, to);
    }
    return SOMA_OK;
}

int columns_decide(table_file *file, const column_texts *texts, table_schema *schema, soma_error *error) {
    const file_column *last = NULL;
    int code = decide_all(file, texts, false, schema, error);
    if (code == SOMA_OK && !schema->columns_count) {
        mem_free(file->context, schema->columns);
        schema->columns = NULL;
        code = decide_all(file, texts, true, schema, error);
    }
    for (size_t c = 0; c < file->width; c++) {
        if (!file->columns[c].left_out) continue;
        last = &file->columns[c];
        file->columns[c].role = ROLE_NONE;
    }
    if (code != SOMA_OK || schema->columns_count) return code;
    char name[CSV_EXCERPT];
    if (last)
        return error_set(error, SOMA_ERROR_INPUT,
                         "%s: no column can teach anything about the target '%s': column %s is left out as %s; "
                         "expected at least one feature",
                         file->name, schema->target_name, csv_excerpt(last->name, strlen(last->name), name),
                         last->left_out);
    return error_set(error, SOMA_ERROR_INPUT, "%s: has no column beside the target '%s'; expected at least one feature",
                     file->name, schema->target_name);
}

/* ---- Telling --------------------------------------------------------------------------------------------------- */

enum { DESCRIPTION = 160, SHOWN_LEVELS = 4 };

static void describe_levels(const table_column *column, char *text, size_t size) {
    char excerpt[CSV_EXCERPT];
    size_t at = 0, shown = 0;
    for (; shown < column->categories_count && shown < SHOWN_LEVELS && at < size / 2; shown++) {
        const char *name = column->categories[shown];
        at += (size_t)snprintf(text + at, size - at, "%s%s", shown ? ", " : "",
                               csv_excerpt(name, strlen(name) < 24 ? strlen(name) : 24, excerpt));
    }
    if (shown < column->categories_count) snprintf(text + at, size - at, ", …");
}

static void describe(const table_file *file, size_t c, const table_schema *schema, const column_texts *texts,
                     char text[DESCRIPTION]) {
    const file_column *from = &file->columns[c];
    size_t at = 0;
    if (from->left_out) {
        snprintf(text, DESCRIPTION, "left out: %s", from->left_out);
        return;
    }
    const table_column *column = &schema->columns[from->feature];
    char levels[DESCRIPTION / 2] = "";
    if (column->kind == COLUMN_NUMERIC) {
        bool constant = texts[c].seen && texts[c].least >= texts[c].most && !column->lenient;
        at += (size_t)snprintf(text, DESCRIPTION, "numbers%s", constant ? ", the same in every row: of no use" : "");
    } else if (column->kind == COLUMN_DATE) {
        at += (size_t)snprintf(text, DESCRIPTION, "dates (%s)", date_format_name(column->date));
    } else {
        describe_levels(column, levels, sizeof levels);
        at += (size_t)snprintf(text, DESCRIPTION, "%zu categories (%s)", column->categories_count, levels);
        if (column->pooled)
            at += (size_t)snprintf(text + at, DESCRIPTION - at, ", %zu rare ones pooled",
                                   texts[c].set.count - column->categories_count);
    }
    int64_t missing = from->tally.missing;
    if (column->kind == COLUMN_NUMERIC) missing += column->lenient ? from->tally.texts : from->tally.absent;
    if (missing && at < DESCRIPTION) snprintf(text + at, DESCRIPTION - at, ", %lld missing", (long long)missing);
}

/* A text that grows; false once memory is out. */
typedef struct lines {
    const soma_context *context;
    char *text;
    size_t length, capacity;
} lines;

static bool add_line(lines *l, const char *first, const char *last, size_t count, const char *description) {
    char a[CSV_EXCERPT], b[CSV_EXCERPT], name[2 * CSV_EXCERPT + 8], line[DESCRIPTION + sizeof name + 32];
    csv_excerpt(first, strlen(first), a);
    csv_excerpt(last, strlen(last), b);
    snprintf(name, sizeof name, count > 1 ? "%s … %s" : "%s", a, b);
    int pad = 24;
    for (const char *at = name; *at; at++) pad -= ((unsigned char)*at & 0xC0) != 0x80;
    if (count > 1)
        snprintf(line, sizeof line, "  %s%*s %zu columns: %s\n", name, pad > 0 ? pad : 0, "", count, description);
    else
        snprintf(line, sizeof line, "  %s%*s %s\n", name, pad > 0 ? pad : 0, "", description);
    size_t size = strlen(line);
    while (l->capacity < l->length + size + 1) {
        size_t wanted = l->capacity ? l->capacity * 2 : 1024;
        char *grown = mem_resize(l->context, l->text, l->capacity, wanted, 1);
        if (!grown) return false;
        l->text = grown;
        l->capacity = wanted;
    }
    memcpy(l->text + l->length, line, size + 1);
    l->length += size;
    return true;
}

char *columns_describe(const table_file *file, const table_schema *schema, const column_texts *texts) {
    lines l = {.context = file->context};
    char before[DESCRIPTION] = "", text[DESCRIPTION];
    const char *first = NULL, *last = NULL;
    size_t count = 0;
    bool ok = true;
    for (size_t c = 0; ok && c <= file->width; c++) {
        const file_column *from = c < file->width ? &file->columns[c] : NULL;
        if (from && from->role != ROLE_FEATURE && !from->left_out) continue;
        if (from) describe(file, c, schema, texts, text);
        if (count && (!from || strcmp(text, before) != 0)) {
            ok = add_line(&l, first, last, count, before);
            count = 0;
        }
        if (!from) break;
        if (!count) first = from->name;
        last = from->name;
        memcpy(before, text, sizeof before);
        count++;
    }
    if (!ok) mem_free(file->context, l.text);
    return ok ? l.text : NULL;
}
