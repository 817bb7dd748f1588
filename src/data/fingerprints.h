/* data/fingerprints.h: which rows a model has seen. A run folder keeps a number for each row that trained or that chose
 * the epoch, so that an evaluation can say how many of its rows are among them. */
#ifndef DATA_FINGERPRINTS_H
#define DATA_FINGERPRINTS_H

#include "data/data.h"

/* Rows of a set. */
typedef struct row_part {
    const soma_dataset *set;
    const int64_t *rows;
    size_t count;
} row_part;

/* Writes the fingerprints of all parts as a .npy array of int64, ascending. A table's row is known by its features as
 * they are read and its target, a picture by its pixels, one in a file by the file's first bytes and its size. */
int fingerprints_write(const char *path, const soma_context *context, const row_part *parts, size_t count,
                       soma_error *error);
/* How many of the set's rows are among them; *seen is -1 where there is no such file. */
int fingerprints_count(const char *path, const soma_dataset *set, int64_t *seen, soma_error *error);

#endif
