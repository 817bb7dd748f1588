/* train/defaults.h: what training does where nothing is said; docs/defaults.md tells it to users, with measurements. */
#ifndef TRAIN_DEFAULTS_H
#define TRAIN_DEFAULTS_H

#include "base/base.h"

#include <soma/nn.h>

enum { DEFAULT_TEXT = 128 };

typedef struct defaults {
    int64_t batch, epochs, patience;
    soma_optimizer optimizer;
    soma_schedule schedule; /* where something is held back to see a plateau by */
} defaults;

/* For `rows` samples to train on. */
defaults defaults_choose(soma_shape sample, int64_t rows);
/* The learning rate, and the other settings, of an optimizer whose kind alone was given. */
soma_optimizer defaults_optimizer(soma_optimizer_kind kind, double learning_rate);

/* What happens to pictures that train, as a list of data/augment.h: "none" for tables and for many of them. */
const char *default_augmentation(soma_shape sample, int64_t rows);
/* The decay of averaged weights with so many updates an epoch; 0: they are not averaged. */
double default_average(soma_shape sample, int64_t updates);

/* The network where none is given, without its output layer, in `chosen`. */
const char *default_network(soma_shape sample, int64_t rows, char chosen[DEFAULT_TEXT]);

#endif
