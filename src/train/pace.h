/* train/pace.h: the learning rate as training goes on: a schedule, and what it remembers. */
#ifndef TRAIN_PACE_H
#define TRAIN_PACE_H

#include "base/base.h"

#include <soma/nn.h>

/* Kept in checkpoints. */
typedef struct pace {
    double rate;                   /* the optimizer's, or what the range test found */
    int64_t epochs;                /* for which the schedule was laid out */
    double plateau_rate;           /* present rate of a plateau; 0: still the optimizer's */
    double plateau_best;           /* of the monitored number, after `measured` epochs */
    int64_t measured, bad, cooled; /* epochs: all, without a better one, left to cool down */
} pace;

/* The rate of update `step`. */
double pace_rate(const soma_schedule *schedule, const pace *p, int64_t step, int64_t steps_per_epoch);
/* An epoch's monitored number; a plateau may let the rate fall. */
void pace_measured(const soma_schedule *schedule, pace *p, double value, bool larger_is_better);
/* Whether a training with this schedule may go on to `epochs` epochs. */
int pace_check_epochs(const soma_schedule *schedule, const pace *p, int64_t epochs, soma_error *error);
/* Whether the settings are in range. */
int pace_check_schedule(const soma_schedule *schedule, soma_error *error);

#endif
