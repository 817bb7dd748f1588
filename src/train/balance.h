/* train/balance.h: class weights that let each class count the same. */
#ifndef TRAIN_BALANCE_H
#define TRAIN_BALANCE_H

#include "data/data.h"

/* n / (k n_c) for class c with n_c of the n rows, k the number of classes that occur (scikit-learn's "balanced"); 1 for
 * a class without rows. */
void balance_weights(const soma_dataset *set, const int64_t *rows, size_t rows_count, float *weights, size_t classes);
/* A sentence about how unequal the classes are, in `text`; empty when the largest has less than 3 times the rows of the
 * smallest and `balanced` is false. */
void balance_describe(const soma_dataset *set, bool balanced, char *text, size_t size);

#endif
