/* train/trainer.h: the training loop: epochs, validation, early stopping, checkpoints, and finding a value that stopped
 * being finite. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "data/augment.h"
#include "train/checkpoint.h"
#include "train/model.h"

/* What decides which epoch is the best; all zero: the loss on what is held back. */
typedef struct monitor {
    measure_id measure;
    bool training; /* as it runs while the epoch trains: loss, accuracy or rmse; else on what is held back */
} monitor;

typedef struct train_request {
    const soma_dataset *set;
    const int64_t *rows; /* of the set, to train on */
    size_t rows_count;
    const soma_dataset *val; /* to stop by; val_count 0: none, and the last epoch is the best */
    const int64_t *val_rows;
    size_t val_count;
    const augmentation *augment; /* of what trains; NULL: none */
    int64_t epochs, batch;
    int64_t patience; /* 0: training is not stopped early */
    monitor monitor;
    soma_optimizer optimizer;
    soma_schedule schedule;
    bool schedule_new;          /* given anew to a training that goes on */
    bool find_rate;             /* the rate is found by a range test first */
    int64_t accumulate;         /* batches whose mean gradient makes an update; 0: 1 */
    double average;             /* decay of the averaged weights, which are measured and kept; 0: none */
    target_transform transform; /* of a target of numbers */
    bool balance;               /* classes are weighted to count the same */
    uint64_t seed;
    int threads;
    soma_backend backend;
    soma_precision precision;
    soma_algorithm algorithm;
    const soma_tuning *tuning; /* may be NULL */
    int64_t memory;            /* the most that a training step may take; 0: any */
    const volatile int *stop;  /* may be NULL */
    const checkpoint *resume;  /* go on from there; may be NULL */
    /* Hooks; each may be NULL. */
    void *user;
    int (*on_epoch)(void *user, const soma_epoch *epoch, soma_error *error); /* not 0: training ends */
    /* Gives the seconds for which it held the training up on purpose: they count for nothing. */
    double (*on_step)(void *user, const train_state *state, int64_t rows_total);
    void (*on_note)(void *user, const char *sentence);
    bool (*save_due)(void *user); /* whether the state is to be kept within an epoch too */
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
