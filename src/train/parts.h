/* train/parts.h: the rows of a training as files: what trained, what chose the epoch and what tested. */
#ifndef TRAIN_PARTS_H
#define TRAIN_PARTS_H

#include "data/fingerprints.h"

/* Refuses a set that is no table, and a folder in which a part stands already unless it may be replaced. */
int parts_check(const soma_dataset *set, const char *folder, bool replace, soma_error *error);
/* Makes the folder and writes train.csv, val.csv and test.csv into it; a part that is a file of its own (of another
 * set) or empty is left out. */
int parts_write(const soma_dataset *set, const char *folder, row_part train, row_part val, row_part test,
                soma_error *error);

#endif
