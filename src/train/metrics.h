/* train/metrics.h: how well answers fit the truth, summed up in double over any number of batches. */
#ifndef TRAIN_METRICS_H
#define TRAIN_METRICS_H

#include "base/base.h"

typedef struct metrics {
    int64_t rows, classes; /* classes 0: regression */
    int64_t *confusion;    /* [classes, classes], row: the true class, column: the answer */
    double loss;           /* sum over the rows */
    double squared, absolute;
    double target_mean, target_squares; /* running mean of the targets, sum of squared deviations from it */
} metrics;

bool metrics_create(const soma_context *context, int64_t classes, metrics *m);
void metrics_clear(const soma_context *context, metrics *m);

/* Index of the largest of `count` scores, the first of equals; NaN never wins against a number. */
int64_t metrics_argmax(const float *scores, int64_t count);
void metrics_add_class(metrics *m, int64_t truth, int64_t answer);
void metrics_add_number(metrics *m, double truth, double answer);
/* The mean loss of a batch. */
void metrics_add_loss(metrics *m, double mean, int64_t rows);

/* NaN where there are no rows or the task has no such number. */
double metrics_loss(const metrics *m);
double metrics_accuracy(const metrics *m);
/* Unweighted mean of F1 = 2 TP / (2 TP + FP + FN) over the classes that occur in truth or answers (scikit-learn's macro
 * average with zero_division 0). */
double metrics_macro_f1(const metrics *m);
double metrics_rmse(const metrics *m);
double metrics_mae(const metrics *m);
double metrics_r2(const metrics *m); /* 1 - sum of squared errors / sum of squared deviations from the mean */

/* Mean and standard deviation (n - 1) of a few numbers; the deviation of fewer than two is NaN. */
void mean_and_deviation(const double *values, size_t count, double *mean, double *deviation);

#endif
