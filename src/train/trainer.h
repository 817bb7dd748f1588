/* train/trainer.h: the training loop: epochs, validation, early stopping, checkpoints, and finding a value that stopped
 * being finite. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "train/checkpoint.h"
#include "train/model.h"

/* What decides which epoch is the best. */
typedef enum monitor {
    MONITOR_VAL_LOSS,
    MONITOR_VAL_METRIC, /* val_accuracy or val_rmse */
    MONITOR_LOSS,
    MONITOR_METRIC
} monitor;

typedef struct train_request {
    const soma_dataset *set;
    const int64_t *rows; /* of the set, to train on */
    size_t rows_count;
    const soma_dataset *val; /* to stop by; val_count 0: none, and the last epoch is the best */
    const int64_t *val_rows;
    size_t val_count;
    int64_t epochs, batch;
    int64_t patience; /* 0: training is not stopped early */
    monitor monitor;
    soma_optimizer optimizer;
    uint64_t seed;
    int threads;
    soma_backend backend;
    const volatile int *stop; /* may be NULL */
    const checkpoint *resume; /* go on from there; may be NULL */
    /* Hooks; each may be NULL. */
    void *user;
    int (*on_epoch)(void *user, const soma_epoch *epoch, soma_error *error); /* not 0: training ends */
    void (*on_step)(void *user, const train_state *state, int64_t rows_total);
    /* Keeps the state; `final` when training ends with it. */
    int (*save)(void *user, const train_state *state, const soma_store *store, const snapshot *best, bool final,
                soma_error *error);
} train_request;

typedef enum train_end { TRAIN_EPOCHS, TRAIN_PATIENCE, TRAIN_SIGNAL, TRAIN_CALLBACK } train_end;

/* Refuses batches of one row where batch normalisation would see one value a channel; *single_rows_fail (may be NULL)
 * says whether it would. The model's preprocessing must be learnt. */
int train_check_norms(const soma_model *m, int64_t batch, int64_t rows, bool *single_rows_fail, soma_error *error);

/* Trains the model, whose head is resolved and whose preprocessing is learnt here from the rows. At the end the model's
 * store holds the best weights. */
int train_model(soma_model *m, const train_request *request, train_end *end, train_state *state, soma_error *error);

#endif
