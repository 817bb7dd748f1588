/* train/preprocess.h: what a model does to its input before the network sees it, learnt from the rows that train. */
#ifndef TRAIN_PREPROCESS_H
#define TRAIN_PREPROCESS_H

#include "data/data.h"

#include <soma/graph.h>

typedef struct preprocess {
    const soma_context *context;
    soma_shape sample;                    /* as the data have it: [F] or [C, H, W] */
    int64_t channels;                     /* of `mean` and `scale`: numeric columns, or channels of pictures */
    int64_t *numeric;                     /* tables: column of each numeric feature */
    float *mean, *scale;                  /* feature = (x - mean) * scale, scale = 1 / standard deviation */
    int64_t one_hot;                      /* tables: features made from categories, one a level */
    int64_t *column, *code;               /* the column that each of them reads and the code that makes it 1 */
    double target_mean, target_deviation; /* regression: training units = (target - mean) / deviation */
} preprocess;

/* Learns from `count` rows of the set. Sums are taken in the rows' order of the set, so that the result does not depend
 * on how they were shuffled. */
int preprocess_learn(const soma_context *context, const soma_dataset *set, const int64_t *rows, size_t count,
                     preprocess *p, soma_error *error);
void preprocess_clear(preprocess *p);

/* [N, sample…] -> [N, features] or [N, C, H, W], by constants inside the graph. */
soma_value preprocess_build(const preprocess *p, soma_value x);

#endif
