/* wasm/table.c: a CSV table as a model's input, read by the same code as the command reads it. The model's schema comes
 * from its metadata, which the caller has taken apart: numbers and texts in the order of their use. */
#include "data/table.h"

#include "binding.h"
#include "data/data.h"

struct table {
    soma_dataset *set;
};

/* The numbers and texts still to be used. */
typedef struct given {
    const double *numbers;
    const char *texts;
    soma_error *error;
} given;

static size_t take_number(given *g) { return (size_t)*g->numbers++; }

static char *take_text(given *g) {
    char *copy = mem_string(NULL, g->texts);
    if (!copy) error_memory(g->error);
    g->texts += strlen(g->texts) + 1;
    return copy;
}

static void take_column(given *g, table_column *c) {
    c->name = take_text(g);
    c->position = take_number(g);
    c->kind = (column_kind)take_number(g);
    c->pooled = take_number(g) != 0;
    c->lenient = take_number(g) != 0;
    if (c->kind == COLUMN_DATE) {
        char *format = take_text(g);
        c->date = format ? date_format_of(format) : DATE_NONE;
        if (c->date == DATE_NONE)
            error_set(g->error, SOMA_ERROR_ARGUMENT, "a column's dates are written in no known way");
        mem_free(NULL, format);
    }
    if (c->kind != COLUMN_CATEGORY) return;
    size_t count = take_number(g);
    c->categories = mem_zeros(NULL, count, sizeof *c->categories);
    if (!c->categories) error_memory(g->error);
    if (!c->categories) return;
    for (; c->categories_count < count; c->categories_count++) c->categories[c->categories_count] = take_text(g);
}

static int take_schema(given *g, table_schema *s) {
    s->header = take_number(g) != 0;
    size_t style = take_number(g);
    s->target_position = take_number(g);
    s->file_columns = take_number(g);
    if (*g->texts)
        s->target_name = take_text(g);
    else
        g->texts++;
    size_t count = take_number(g);
    if (style >= NUMBER_STYLES) return error_set(g->error, SOMA_ERROR_ARGUMENT, "numbers are written in no known way");
    s->style = (number_style)style;
    s->columns = mem_zeros(NULL, count, sizeof *s->columns);
    if (!s->columns) return error_memory(g->error);
    while (s->columns_count < count && !g->error->code) take_column(g, &s->columns[s->columns_count++]);
    return g->error->code;
}

table *table_read(const char *name, const void *bytes, size_t size, const double *numbers, const char *texts,
                  soma_error *error) {
    given g = {.numbers = numbers, .texts = texts, .error = error};
    table_schema schema = {.header = false};
    table *t = mem_zeros(NULL, 1, sizeof *t);
    if (!t) return error_memory(error), NULL;
    data_options options = {.schema = &schema, .predict = true};
    if (!take_schema(&g, &schema)) t->set = table_load(NULL, name, bytes, size, &options, error);
    schema_clear(NULL, &schema);
    if (t->set) return t;
    mem_free(NULL, t);
    return NULL;
}

void table_destroy(table *t) {
    if (!t) return;
    soma_dataset_destroy(t->set);
    mem_free(NULL, t);
}

size_t table_rows(const table *t) { return (size_t)t->set->rows; }
const float *table_features(const table *t) { return t->set->features; }

const char *table_note(const table *t) { return t->set->note ? t->set->note : ""; }

const char *table_row_error(const table *t, size_t row) {
    const char *problem = data_row_error(t->set, (int64_t)row);
    return problem ? problem : "";
}
