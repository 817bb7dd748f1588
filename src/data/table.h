/* data/table.h: a table while it is read. The steps: survey (what kinds of cells stand where), header, then either
 * learning a schema from the file or matching its columns to a given one, then filling the data set. */
#ifndef DATA_TABLE_H
#define DATA_TABLE_H

#include "data/csv.h"
#include "data/data.h"
#include "data/number.h"

/* What a cell is by its text alone. */
typedef enum cell_kind { CELL_MISSING, CELL_NUMBER, CELL_TEXT } cell_kind;

/* How many cells of each kind a column has below the first row. */
typedef struct column_tally {
    int64_t numbers, texts, missing;
    int64_t absent;                  /* of the texts: words such as unknown, which in a column of numbers mean none */
    int64_t by_style[NUMBER_STYLES]; /* numbers, read in each style */
    int64_t dates[DATE_FORMATS];
    int64_t zero_led; /* whole numbers such as 007 */
    size_t shortest, longest;
} column_tally;

typedef enum column_role { ROLE_NONE, ROLE_FEATURE, ROLE_TARGET } column_role;

typedef struct file_column {
    char *name;           /* for messages and matching; owned */
    cell_kind first_kind; /* of the cell in the first row */
    column_tally first;   /* the same, counted */
    column_tally tally;
    column_role role;
    size_t feature;       /* index in the schema's columns for ROLE_FEATURE */
    const char *left_out; /* why it is no feature; NULL otherwise */
} file_column;

typedef struct table_file {
    const soma_context *context;
    const char *name; /* of the file, for messages */
    const char *bytes;
    size_t size;
    char delimiter;
    number_style style;
    const data_options *options;
    size_t width; /* cells of the first row, and of every readable one */
    file_column *columns;
    int64_t rows;       /* the header included */
    int64_t first_line; /* of the first row */
    bool header;
    bool named;                     /* columns have names of their own, from the header or the schema */
    char *unused;                   /* names of columns that the schema does not know; NULL when there are none */
    int64_t without_target, unseen; /* rows, and cells with a text that the schema does not know */
} table_file;

/* Counts rows and kinds of cells; the first row's cells become the names of the columns. */
int table_survey(table_file *file, soma_error *error);
/* Decides whether the first row is a header and names the columns. */
int table_header(table_file *file, soma_error *error);
/* Whether numbers stand in nine cells of ten that are neither missing nor a word for it. */
bool table_numeric(const column_tally *tally);
/* The format in which nine cells of ten are dates, or DATE_NONE. */
date_format table_dates(const column_tally *tally);
/* The number of the column of a name, or SIZE_MAX and a sentence that begins with `what`; in a file without a header
 * the name may be the column's number. */
size_t table_find(const table_file *file, const char *name, const char *what, soma_error *error);
/* "column NAME", or "column 3" in a file without names and beyond the last column. */
enum { TABLE_LABEL = 96 };
const char *table_label(const table_file *file, size_t column, char label[TABLE_LABEL]);
void table_close(table_file *file);

/* Decides what each feature's column becomes (number, category, date, nothing) from its cells, and fills the schema's
 * columns. `sets` holds the distinct texts of the columns that are not numeric. */
typedef struct column_texts {
    name_set set;
    int64_t *counts; /* of each text, by its number */
    size_t capacity;
    double words;           /* in all cells together */
    bool whole, ascending;  /* numeric columns: whole numbers; each one more than the one before */
    double first, previous; /* the first number and the one before */
    double least, most;
    int64_t seen;
} column_texts;
bool texts_add(column_texts *texts, const char *text, size_t length);
void texts_add_number(column_texts *texts, double value);
/* Whether a column's name says that it numbers rows or things: id, patient_id, CustomerID. */
bool columns_identifier(const char *name);
/* Whether a column of whole numbers holds codes: all of one width, some with a zero in front. */
bool columns_codes(const column_tally *tally);
void column_clear(const soma_context *context, table_column *column);
void texts_clear_all(const soma_context *context, column_texts *texts, size_t count);
int columns_decide(table_file *file, const column_texts *texts, table_schema *schema, soma_error *error);
/* What each column became, a line each, runs of the same in one; NULL when memory is out. */
char *columns_describe(const table_file *file, const table_schema *schema, const column_texts *texts);

/* Learns roles, kinds, categories and classes from the file into `schema`, which is cleared by the caller, on failure
 * too. A sentence about the choice of the task goes to *note and what each column became to *summary, both freed by the
 * caller. */
int table_learn(table_file *file, table_schema *schema, char **note, char **summary, soma_error *error);
/* Gives the file's columns the roles that `schema` knows, by name or by position. */
int table_match(table_file *file, const table_schema *schema, soma_error *error);

/* The classes of a schema, to look cells up: by text first, then by value. */
typedef struct class_index {
    name_set names;
    double *values; /* of the classes that are numbers, which come first and ascend */
    size_t numbers;
} class_index;
bool class_index_build(const soma_context *context, const table_schema *schema, class_index *index);
int64_t class_index_find(const class_index *index, const char *text, size_t length); /* -1: none of them */
void class_index_clear(const soma_context *context, class_index *index);

/* Fills the data set, which has its schema, from the file, whose columns have their roles. */
int table_fill(table_file *file, soma_dataset *set, soma_error *error);

/* Makes a data set of a CSV text. */
soma_dataset *table_load(const soma_context *context, const char *path, const uint8_t *bytes, size_t size,
                         const data_options *options, soma_error *error);

#endif
