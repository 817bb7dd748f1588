/* Fuzzing of tables: any bytes are read without a crash, once to be learnt from, once by what was learnt, once by a
 * fixed schema. A refusal must be one sentence; a feature is finite or missing, and all of a row with a reason are. */
#include "data/table.h"

#include <math.h>
#include <stdlib.h>

static void check_error(const soma_error *error) {
    if (error->code == SOMA_OK || !error->message[0] || strchr(error->message, '\n')) abort();
}

static void check_rows(const soma_dataset *set) {
    size_t features = set->schema.columns_count;
    for (int64_t row = 0; row < set->rows; row++) {
        bool bad = set->row_errors && set->row_errors[row];
        for (size_t i = 0; i < features; i++) {
            float x = set->features[(size_t)row * features + i];
            if (isinf(x) || (bad && !isnan(x))) abort();
        }
        if (set->classes && (set->classes[row] < 0 || (size_t)set->classes[row] >= set->schema.classes_count)) abort();
    }
}

static soma_dataset *load(const uint8_t *bytes, size_t size, data_options options) {
    soma_error error = {0};
    soma_dataset *set = table_load(NULL, "fuzz.csv", bytes, size, &options, &error);
    if (set)
        check_rows(set);
    else
        check_error(&error);
    return set;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char *colours[] = {"blue", "red"}, *classes[] = {"1", "2.5", "x"};
    table_column columns[] = {
        {.name = "a", .kind = COLUMN_NUMERIC},
        {.name = "b", .kind = COLUMN_CATEGORY, .categories = colours, .categories_count = 2, .position = 2}};
    table_schema schema = {.header = size % 2,
                           .columns = columns,
                           .columns_count = 2,
                           .target_name = "t",
                           .target_position = 1,
                           .file_columns = 3,
                           .classify = true,
                           .classes = classes,
                           .classes_count = 3};
    const char *const keep[] = {"b", NULL};
    soma_dataset *learnt = load(bytes, size, (data_options){.task = (task_choice)(size % 3)});
    if (learnt) {
        soma_dataset *again = load(bytes, size, (data_options){.schema = &learnt->schema, .predict = true});
        /* Rows without a target teach nothing, but they can be predicted. */
        if (again && learnt->schema.header && again->rows < learnt->rows) abort();
        soma_dataset_destroy(again);
    }
    soma_dataset_destroy(learnt);
    soma_dataset_destroy(load(bytes, size, (data_options){.schema = &schema}));
    soma_dataset_destroy(load(bytes, size, (data_options){.schema = &schema, .predict = true, .keep = keep}));
    return 0;
}
