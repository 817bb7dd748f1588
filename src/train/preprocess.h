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

typedef struct preprocess {
    const soma_context *context;
    soma_shape sample;    /* as the data have it: [F] or [C, H, W] */
    feature_list numbers; /* (x - a) * b: mean and 1 / standard deviation; a channel of pictures each; missing is 0 */
    feature_list missing; /* 1 where the cell is NaN */
    feature_list levels;  /* 1 where the cell is a */
    feature_list waves;   /* sin and cos of (x - a) * b: the parts of dates that come again */
    double target_mean, target_deviation; /* regression: training units = (f(target) - mean) / deviation */
    bool target_log;                      /* f is log(target + shift), else the target itself */
    double target_shift;
} preprocess;

/* Learns from `count` rows of the set. Sums are taken in the rows' order of the set, so that the result does not depend
 * on how they were shuffled. Of pictures in files at most 2,000, evenly spaced, are decoded. */
int preprocess_learn(const soma_context *context, const soma_dataset *set, const int64_t *rows, size_t count,
                     preprocess *p, soma_error *error);
void preprocess_clear(preprocess *p);

/* [N, sample…] -> [N, features] or [N, C, H, W], by constants inside the graph. */
soma_value preprocess_build(const preprocess *p, soma_value x);

/* A target in training units, and an answer of the network in the target's. */
double preprocess_target(const preprocess *p, double target);
double preprocess_answer(const preprocess *p, double raw);
/* The latter as graph, [N, 1] -> [N, 1]. */
soma_value preprocess_build_answer(const preprocess *p, soma_value raw);

#endif
