/* data/labels.h: an array of numbers as the targets of a set. */
#ifndef DATA_LABELS_H
#define DATA_LABELS_H

#include "data/data.h"
#include "data/npy.h"

/* Gives the set, whose rows and sample are known, its classes or targets. What they are is said by the set's schema
 * when options.schema is given, else by options.task, else by the values: whole numbers are classes for pictures, and
 * for tables if there are at most 20 distinct ones with 10 rows each on average. `name` is for messages. */
int labels_take(soma_dataset *set, const npy_array *labels, const data_options *options, const char *name,
                soma_error *error);

#endif
