/* data/data.h: data sets in memory: rows of features and targets, and what they mean.
 *
 * A dataset is either a table (sample shape [F], float features in the file's column order without target and ignored
 * columns, categories as codes) or pictures (sample shape [C, H, W], 0..255): bytes in memory, files that are decoded
 * when they are wanted, or floats as an array has them. */
#ifndef DATA_DATA_H
#define DATA_DATA_H

#include "base/base.h"
#include "base/random.h"
#include "data/date.h"
#include "data/names.h"
#include "data/number.h"

#include <soma/data.h>

typedef enum column_kind {
    COLUMN_NUMERIC,
    COLUMN_CATEGORY,
    COLUMN_DATE /* days since 1970-01-01, times of day as fractions */
} column_kind;

typedef struct table_column {
    char *name; /* "column 3" when the file has no header */
    column_kind kind;
    char **categories; /* names in order of code: sorted by bytes; NULL for numbers and dates */
    size_t categories_count;
    bool pooled;      /* the code behind the last category stands for every other text */
    bool lenient;     /* a column of numbers in which texts stand for missing values */
    date_format date; /* of COLUMN_DATE */
    size_t position;  /* in the training file, from 0; for files without a header */
} table_column;

/* The sample that pictures of any size and colour are made into (image_fit); all 0: pictures are not read. */
typedef struct picture_rule {
    int64_t channels, height, width;
} picture_rule;

typedef struct picture_files picture_files; /* data/picture_files.h */

/* What the columns of a table mean; it is learnt from the file that trains and travels with the model, which reads
 * later files by it. */
typedef struct table_schema {
    bool header; /* later files match by name; without a header by position */
    size_t columns_count;
    table_column *columns;  /* features in the order of the model's input */
    char *target_name;      /* NULL for pictures */
    size_t target_position; /* in the training file, from 0; for files without a header */
    size_t file_columns;    /* of the training file, target and ignored ones included; 0 for pictures */
    number_style style;     /* of its numbers */
    bool classify;
    char **classes; /* names in order of index: numbers by value, other texts by bytes; NULL for regression */
    size_t classes_count;
    picture_rule pictures; /* for later pictures in files */
} table_schema;

struct soma_dataset {
    const soma_context *context;
    char *path; /* for messages */
    int64_t rows;
    soma_shape sample;    /* [F] or [C, H, W] */
    float *features;      /* tables and arrays of floats: rows x sample; else NULL */
    uint8_t *pictures;    /* pictures in memory: rows x C x H x W; else NULL */
    picture_files *files; /* pictures in files of their own; else NULL */
    int64_t *classes;     /* class index of each row; NULL for regression or without targets */
    float *targets;       /* regression target of each row; NULL for classification or without targets */
    table_schema schema;
    uint64_t fingerprint; /* of the content: resuming asks for the same */
    uint8_t *text;        /* a table's own bytes, where options.keep_text asked for them */
    size_t text_size;
    char delimiter; /* between its cells */
    /* When read to be predicted: rows that could not be read (their features are NaN) and why; NULL when all could. */
    char **row_errors;
    char *note;     /* for people, about choices made (the task and the option that changes it, columns that are left
                     * out, the sign between cells); NULL when there is nothing to say */
    char *summary;  /* tables that are learnt from: what each column became, a line each; else NULL */
    int64_t *lines; /* tables: the line on which each row begins, from 1; NULL for pictures */
    char **kept;    /* rows x kept_count cells of the columns in data_options.keep, as they stand in the file */
    size_t kept_count;
    name_set kept_texts; /* owns what `kept` points to */
};

typedef enum task_choice { TASK_AUTO, TASK_CLASSIFY, TASK_REGRESS } task_choice;

typedef struct data_options {
    const char *target;             /* column name; NULL: the last column */
    const char *const *ignore;      /* column names, ends in NULL; may be NULL */
    const char *labels;             /* of IDX pictures or of a .npy array; NULL: IDX's found by the usual names */
    const char *const *class_names; /* of IDX labels 0, 1, …, ends in NULL; NULL: the labels' digits */
    task_choice task;
    bool no_header;
    char delimiter;             /* between cells; 0: found out */
    const table_schema *schema; /* read by this schema (eval, predict, --test FILE) instead of learning one */
    bool predict;            /* targets may be missing and are not read; unreadable rows become row_errors instead of an
                              * error, each of the form "FILE: line N, column NAME: …" */
    const char *const *keep; /* tables: columns whose raw cells are wanted, ends in NULL; may be NULL */
    bool keep_text;          /* tables: for table_write_rows */
    int64_t picture_height, picture_width; /* wanted for pictures that differ in size; 0: chosen by their sizes */
} data_options;

/* Reads a .csv ("-": standard input), an IDX images file (.gz too), a .npy or .npz file, a CIFAR-10 binary (by its
 * name) or folder, a folder of pictures, or a known set (data/known.h) by its name where there is no file of that name;
 * files are told by content rather than by name. NULL and a sentence (SOMA_ERROR_INPUT or _IO) on failure.
 * soma_dataset_destroy ends it. */
soma_dataset *data_load(const soma_context *context, const char *path, data_options options, soma_error *error);
/* Pictures in files, one at least, to be predicted: options.schema and .predict are given. Nothing is read yet. */
soma_dataset *data_load_pictures(const soma_context *context, const char *const *paths, size_t count,
                                 data_options options, soma_error *error);
/* Whether a file begins like a PNG or JPEG picture. */
bool data_is_picture(const char *path);
/* Refuses options and models that are for tables; a code. */
int data_check_pictures(const data_options *options, const char *name, soma_error *error);

/* The file of a row, for pictures in files; else NULL. */
const char *data_row_file(const soma_dataset *set, int64_t row);
/* Why a row could not be read to be predicted; NULL when it could. Pictures in files must have been gathered before. */
const char *data_row_error(const soma_dataset *set, int64_t row);

/* Deep copy and release of a schema. */
bool schema_copy(const soma_context *context, const table_schema *from, table_schema *to);
void schema_clear(const soma_context *context, table_schema *schema);

/* Splits. `rows` (count of them, any subset) is divided into a held-back part of about `fraction` and the rest,
 * stratified by class when the set has classes: each class gives its rounded share, at least one row where it has two.
 * Both parts are in shuffled order. Parts are written to `held` and `kept`, which have room for `count`. */
bool split_fraction(const soma_dataset *set, const int64_t *rows, size_t count, double fraction, uint64_t seed,
                    int64_t *held, size_t *held_count, int64_t *kept, size_t *kept_count);
/* fold_of[i] in 0..folds-1 for each of `count` rows, stratified and shuffled. */
bool split_folds(const soma_dataset *set, const int64_t *rows, size_t count, int folds, uint64_t seed, int *fold_of);

/* The order of rows in an epoch: a shuffle of `count` rows that depends on seed and epoch only, so that a run that goes
 * on later replays it. */
void data_epoch_order(const int64_t *rows, size_t count, uint64_t seed, int64_t epoch, int64_t *order);

/* Writes rows of a table that was read with keep_text to a file, as they stand in the text and in its order, below its
 * header if it has one. */
int table_write_rows(const soma_dataset *set, const int64_t *rows, size_t count, const char *path, soma_error *error);

/* Copies rows into a batch: features or pictures as floats (0..255), classes and targets where not NULL. Several
 * threads may gather from one set. Fails only where pictures stand in files, of which one can't be read. */
int data_gather(const soma_dataset *set, const int64_t *rows, size_t count, float *x, int64_t *classes, float *targets,
                soma_error *error);

#endif
