/* data/table_rows.c: some rows of a table as a file of their own. Records are copied byte by byte, so that whatever
 * read the whole file reads its parts alike. */
#include "data/csv.h"
#include "data/data.h"
#include "format/file.h"

/* A row of the text. */
typedef struct record {
    const char *begin;
    size_t size;
    int64_t line; /* on which it begins */
} record;

/* The record at the reader's place: 1, or 0 at the end, or -1 when memory is out. */
static int next_record(csv_reader *r, record *next) {
    csv_cell cell;
    int got = csv_next(r, &cell);
    if (got <= 0) return got;
    *next = (record){r->bytes + cell.begin, 0, cell.line};
    while (!cell.last && got > 0) got = csv_next(r, &cell);
    next->size = (size_t)(r->bytes + r->at - next->begin);
    return got < 0 ? -1 : 1;
}

/* The last row of a text may end without a line break. */
static int copy_record(file_writer *to, const record *one, soma_error *error) {
    char end = one->begin[one->size - 1];
    int code = file_write(to, one->begin, one->size, error);
    return code || end == '\n' || end == '\r' ? code : file_write(to, "\n", 1, error);
}

static int copy_rows(const soma_dataset *set, const bool *wanted, file_writer *to, soma_error *error) {
    csv_reader r;
    record one;
    int64_t row = 0;
    int code = SOMA_OK, got;
    csv_open(&r, set->context, set->text, set->text_size, set->delimiter);
    for (bool header = set->schema.header; !code && (got = next_record(&r, &one)) != 0; header = false) {
        if (got < 0) {
            code = error_memory(error);
        } else if (header) {
            code = copy_record(to, &one, error);
        } else if (row < set->rows && one.line == set->lines[row]) { /* others had no target */
            if (wanted[row]) code = copy_record(to, &one, error);
            row++;
        }
    }
    csv_close(&r);
    return code;
}

int table_write_rows(const soma_dataset *set, const int64_t *rows, size_t count, const char *path, soma_error *error) {
    if (!set->text)
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s: there is no table whose rows could be written", path);
    bool *wanted = mem_zeros(set->context, (size_t)set->rows, sizeof *wanted);
    if (!wanted) return error_memory(error);
    for (size_t i = 0; i < count; i++) wanted[rows[i]] = true;
    file_writer *to = file_create(path, set->context, error);
    int code = to ? copy_rows(set, wanted, to, error) : error ? error->code : SOMA_ERROR_IO;
    mem_free(set->context, wanted);
    if (!code) return file_commit(to, error);
    file_abort(to);
    return code;
}
