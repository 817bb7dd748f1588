/* train/lr_range.h: the learning-rate range test: which rate training should begin with. */
#ifndef TRAIN_LR_RANGE_H
#define TRAIN_LR_RANGE_H

#include "base/base.h"

enum { LR_RANGE_STEPS = 100 };

typedef struct lr_range {
    int step;
    double average;   /* of the losses, weighted towards the last ones */
    double least, at; /* the smallest smoothed loss, and its rate */
    double first;     /* the first loss */
    bool ended;
} lr_range;

/* The rate of the next step; 0 when the test has ended. */
double lr_range_next(const lr_range *r);
/* The loss of that step. */
void lr_range_add(lr_range *r, double loss);
/* The rate found; 0 when no rate made the loss smaller. */
double lr_range_result(const lr_range *r);

#endif
