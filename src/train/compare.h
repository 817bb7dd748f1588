/* train/compare.h: is the network worth it? What it answers on rows held back, beside what the simplest models do. */
#ifndef TRAIN_COMPARE_H
#define TRAIN_COMPARE_H

#include "train/trainer.h"

/* Accuracy or RMSE on the same rows. */
typedef struct comparison {
    bool done;
    int64_t rows;
    double network, linear, simplest; /* simplest: always the most frequent class, or the mean */
    double gain,
        gain_error;   /* of the network over the linear model: mean of the rows' differences, its standard error */
    int64_t majority; /* the class */
} comparison;

/* Trains one linear layer as the request says (its rows, its stopping), silently, and measures the network and it on
 * `count` rows of `set`. */
int compare_models(soma_model *network, const train_request *request, const soma_dataset *set, const int64_t *rows,
                   size_t count, comparison *result, soma_error *error);

/* Of a skewed target: TARGET_LOG where one linear layer that learns its logarithm answers the request's validation rows
 * better, in RMSE, than one that learns the target; else TARGET_PLAIN. */
int compare_transforms(const soma_model *network, const train_request *request, target_transform *transform,
                       soma_error *error);

/* Whether the network is better than the linear model by more than a standard error. */
bool comparison_worth_it(const comparison *c);

#endif
