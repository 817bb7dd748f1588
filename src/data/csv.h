/* data/csv.h: the cells of a comma-separated text, one after the other, each with its place. */
#ifndef DATA_CSV_H
#define DATA_CSV_H

#include "base/base.h"

enum { CSV_CELL_BYTES = 1 << 20, CSV_COLUMNS = 1 << 20 }; /* the most that a cell and a row may have */

typedef struct csv_cell {
    const char *text; /* unquoted; without a final zero, valid until the next call */
    size_t length;
    size_t begin;  /* where it begins in the text, its quote included */
    int64_t line;  /* on which the cell begins, from 1 */
    size_t column; /* in its row, from 0 */
    bool quoted;
    bool last;           /* of its row */
    const char *problem; /* why the cell can't be read, a part of a sentence; NULL when it can */
} csv_cell;

typedef struct csv_reader {
    const soma_context *context;
    const char *bytes;
    size_t size, at;
    char delimiter;
    int64_t line;
    size_t column;
    char *scratch; /* a quoted cell whose doubled quotes are halved */
    size_t scratch_size;
    unsigned char kinds[256]; /* of bytes: what ends an unquoted cell, what no plain text has */
} csv_reader;

/* Begins at the first byte (behind a byte order mark) of a text that stays in place while it is read. */
void csv_open(csv_reader *reader, const soma_context *context, const void *bytes, size_t size, char delimiter);
/* The next cell: 1, or 0 at the end, or -1 when memory is out. Lines that are empty or blank are passed over. After a
 * cell that can't be read, reading goes on with the next one or the next line. */
int csv_next(csv_reader *reader, csv_cell *cell);
void csv_close(csv_reader *reader);

/* A cell's text without the blanks around it, which count only between quotes. */
void csv_trim(const csv_cell *cell, const char **text, size_t *length);

/* The sign between cells: the first of comma, semicolon, tab and bar that divides each of the first rows into the same
 * number of cells, two or more; else a comma. 0 when memory is out. */
char csv_delimiter(const soma_context *context, const void *bytes, size_t size);

/* A short printable form of a text, cut at whole characters, for messages; returns `buffer`. */
enum { CSV_EXCERPT = 64 };
const char *csv_excerpt(const char *text, size_t length, char buffer[CSV_EXCERPT]);

#endif
