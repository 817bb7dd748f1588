/* train/preprocess.h: what a model does to its input before the network sees it, learnt from the rows that train. */
#ifndef TRAIN_PREPROCESS_H
#define TRAIN_PREPROCESS_H

#include "data/data.h"

#include <soma/graph.h>

/* Features of one kind made from columns of a table (or channels of pictures): each reads its column and has two
 * numbers whose meaning depends on the kind. */
typedef struct feature_list {
    int64_t count;
    int64_t *column;
    float *a, *b;
} feature_list;

/* What a regression's network learns: the target, or its logarithm where the target is skewed. */
typedef enum target_transform { TARGET_PLAIN, TARGET_LOG, TARGET_AUTO } target_transform;

typedef struct preprocess {
    const soma_context *context;
    soma_shape sample;    /* as the data have it: [F] or [C, H, W] */
    feature_list numbers; /* (x - a) * b: mean and 1 / standard deviation; a channel of pictures each. Of a table's
                           * columns missing is 0, and what is far out is cut off */
    double far_out;       /* deviations */
    feature_list missing; /* 1 where the cell is NaN */
    feature_list levels;  /* 1 where the cell is a */
    feature_list waves;   /* sin and cos of (x - a) * b: the parts of dates that come again */
    double target_mean, target_deviation; /* regression: training units = (f(target) - mean) / deviation */
    bool target_log;                      /* f is log(target + shift), else the target itself */
    double target_low, target_high;       /* of what exp takes: hardly beyond the targets that train */
    double target_shift;                  /* above 0 only where a target of the rows that train is 0 */
} preprocess;

/* Learns from `count` rows of the set; of a target of numbers by `transform`, whose TARGET_AUTO is TARGET_PLAIN here.
 * Sums are taken in the rows' order of the set, so that the result does not depend
 * on how they were shuffled. Of pictures in files at most 2,000, evenly spaced, are decoded. */
int preprocess_learn(const soma_context *context, const soma_dataset *set, const int64_t *rows, size_t count,
                     target_transform transform, preprocess *p, soma_error *error);
void preprocess_clear(preprocess *p);

/* [N, sample…] -> [N, features] or [N, C, H, W], by constants inside the graph. */
soma_value preprocess_build(const preprocess *p, soma_value x);

/* Refuses a logarithm of a class or of a negative number. */
int preprocess_check_transform(const soma_dataset *set, target_transform transform, soma_error *error);
/* Whether the logarithm of the target might be easier to learn: no number is negative, and few are far above the rest.
 */
bool preprocess_is_skewed(const soma_dataset *set, const int64_t *rows, size_t count);

/* A target in training units, and an answer of the network in the target's. */
double preprocess_target(const preprocess *p, double target);
double preprocess_answer(const preprocess *p, double raw);
/* The latter as graph, [N, 1] -> [N, 1]. */
soma_value preprocess_build_answer(const preprocess *p, soma_value raw);

#endif
