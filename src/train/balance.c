/* train/balance.c: classes of unequal size. Weighted by n / (k n_c), every class has the same share of the loss; the
 * mean weight of a row is 1, so that a learning rate means what it did. */
#include "train/balance.h"

#include <stdio.h>

void balance_weights(const soma_dataset *set, const int64_t *rows, size_t rows_count, float *weights, size_t classes) {
    size_t present = 0;
    for (size_t c = 0; c < classes; c++) weights[c] = 0;
    for (size_t i = 0; i < rows_count; i++) {
        int64_t c = set->classes[rows ? rows[i] : (int64_t)i];
        if (c >= 0 && (size_t)c < classes) weights[c]++;
    }
    for (size_t c = 0; c < classes; c++) present += weights[c] > 0;
    for (size_t c = 0; c < classes; c++)
        weights[c] = weights[c] > 0 ? (float)((double)rows_count / ((double)present * (double)weights[c])) : 1;
}

void balance_describe(const soma_dataset *set, bool balanced, char *text, size_t size) {
    enum { WORTH_SAYING = 3 };
    size_t classes = set->classes ? set->schema.classes_count : 0, smallest = 0, largest = 0;
    int64_t *counts = mem_zeros(set->context, classes, sizeof *counts);
    *text = 0;
    for (int64_t i = 0; counts && classes && i < set->rows; i++)
        if (set->classes[i] >= 0 && (size_t)set->classes[i] < classes) counts[set->classes[i]]++;
    for (size_t c = 0; counts && c < classes; c++) {
        if (counts[c] && (counts[c] < counts[smallest] || !counts[smallest])) smallest = c;
        if (counts[c] > counts[largest]) largest = c;
    }
    if (counts && classes && (balanced || counts[largest] >= WORTH_SAYING * counts[smallest]))
        snprintf(text, size, "%zu classes, from '%s' with %.2g %% of the rows to '%s' with %.2g %%; %s", classes,
                 set->schema.classes[smallest], 100 * (double)counts[smallest] / (double)set->rows,
                 set->schema.classes[largest], 100 * (double)counts[largest] / (double)set->rows,
                 balanced ? "--balance lets each count the same" : "--balance would let each count the same");
    mem_free(set->context, counts);
}
