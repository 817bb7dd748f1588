/* train/defaults.c: the network, optimizer, batch and length of training where nothing is said, from the shape of a
 * sample and the number of rows. The choices were made on the tables and digits of data/; docs/defaults.md has the
 * measurements. */
#include "train/defaults.h"

#include <stdio.h>

enum { SMALLEST_PICTURE = 20, FEW_ROWS = 1000, MANY_ROWS = 5000, MANY_PICTURES = 20000 };

static bool is_picture(soma_shape sample) {
    return sample.rank == 3 && sample.dims[1] >= SMALLEST_PICTURE && sample.dims[2] >= SMALLEST_PICTURE;
}

const char *default_network(soma_shape sample, int64_t rows, char chosen[DEFAULT_TEXT]) {
    const char *table = rows < FEW_ROWS    ? "dense 64 relu"
                        : rows < MANY_ROWS ? "dense 128 relu"
                                           : "dense 128 relu, dense 64 relu";
    snprintf(chosen, DEFAULT_TEXT, "%s",
             is_picture(sample) ? "conv 20 5x5 relu, maxpool 2, conv 50 5x5 relu, maxpool 2, dense 500 relu" : table);
    return chosen;
}

/* Few pictures gain much; with many, LeNet learns less of what is turned and shifted than of what is not. */
const char *default_augmentation(soma_shape sample, int64_t rows) {
    return is_picture(sample) && rows < MANY_PICTURES ? "shift 2, rotate 10" : "none";
}

/* An average that looks back over a quarter of an epoch: the rate is constant, and this calms the last updates as a
 * falling rate would, without knowing how long training is; the starting weights fade within the first epoch. Few
 * updates are too few to average. */
double default_average(soma_shape sample, int64_t updates) {
    const double longest = 0.999;
    if (!is_picture(sample) || updates < 20) return 0;
    double decay = 1 - 4 / (double)updates;
    return decay < longest ? decay : longest;
}

soma_optimizer defaults_optimizer(soma_optimizer_kind kind, double learning_rate) {
    bool given = learning_rate > 0;
    switch (kind) {
    case SOMA_MOMENTUM:
        return soma_momentum(given ? learning_rate : 0.01, 0.9);
    case SOMA_NESTEROV:
        return soma_nesterov(given ? learning_rate : 0.01, 0.9);
    case SOMA_RMSPROP:
        return soma_rmsprop(given ? learning_rate : 1e-3);
    case SOMA_ADAM:
        return soma_adam(given ? learning_rate : 1e-3);
    case SOMA_ADAMW:
        return soma_adamw(given ? learning_rate : 1e-3);
    case SOMA_ADAGRAD:
        return soma_adagrad(given ? learning_rate : 0.01);
    default:
        return soma_sgd(given ? learning_rate : 0.01);
    }
}

/* Few rows want a strong decay, many none: it shrinks as the rows grow. */
static double decay_for(int64_t rows, double times, double most) {
    double decay = times / (double)(rows > 0 ? rows : 1);
    return decay < most ? decay : most;
}

defaults defaults_choose(soma_shape sample, int64_t rows) {
    defaults d = {.batch = 32, .epochs = 200, .patience = 20};
    d.optimizer = soma_adamw(rows < FEW_ROWS ? 5e-3 : rows < MANY_ROWS ? 2e-3 : 1e-3);
    d.optimizer.weight_decay = rows < FEW_ROWS ? decay_for(rows, 100, 1) : decay_for(rows, 250, 1);
    if (rows < FEW_ROWS) d.batch = 16;
    if (rows >= MANY_ROWS) {
        d.batch = 64;
        d.schedule = soma_schedule_plateau(0.3, 6);
    }
    if (is_picture(sample)) {
        d.optimizer.learning_rate = 1e-3;
        d.optimizer.weight_decay = decay_for(rows, 12000, 2);
        d.schedule = (soma_schedule){0};
        d.batch = 64;
        d.epochs = 15;
        d.patience = 4;
    }
    return d;
}
