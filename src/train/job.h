/* train/job.h: one whole training as `soma train` does it: splits, folds, the kept model, its test, and the run folder.
 */
#ifndef TRAIN_JOB_H
#define TRAIN_JOB_H

#include "train/compare.h"
#include "train/json.h"
#include "train/run_folder.h"
#include "train/trainer.h"

enum { JOB_MAX_FOLDS = 1000 };

typedef struct train_job {
    const soma_context *context;
    const soma_dataset *set;
    const soma_dataset *val_set, *test_set; /* files of their own; NULL: a fraction */
    double val_fraction, test_fraction;     /* 0: none is held back */
    int folds;                              /* 0: no cross-validation */
    const char *net;                        /* NULL: chosen by the data */
    soma_init init;
    bool init_given, allow_symmetric;
    int64_t epochs, batch, patience; /* 0: not given */
    const char *augment;             /* a list, see data/augment.h; NULL: not given */
    bool optimizer_given;
    soma_optimizer optimizer;
    double learning_rate, l1, l2, clip; /* negative: not given */
    bool find_rate;                     /* by a range test */
    bool schedule_given;
    soma_schedule schedule; /* plateau: a negative patience is chosen */
    bool schedule_new;      /* given anew on resuming */
    int64_t accumulate;     /* 0: 1 */
    double average;         /* decay of averaged weights; 0: none; negative: not given */
    bool balance;
    target_transform transform;
    double checkpoint_minutes; /* between checkpoints within an epoch */
    monitor monitor;
    uint64_t seed;
    int threads;
    soma_backend backend;
    soma_precision precision;
    soma_algorithm algorithm;
    const soma_tuning *tuning; /* may be NULL */
    int64_t memory;            /* the most that a training step may take; 0: any */
    const volatile int *stop;
    run_folder *folder;            /* made by the caller */
    const char *split_folder;      /* where the kept model's parts are written as tables; NULL: nowhere */
    bool replace_parts;            /* those that are there already */
    const safetensors_pair *extra; /* what else the checkpoint remembers */
    size_t extra_count;
    const checkpoint *resume; /* go on from there; may be NULL */
    /* Hooks; each may be NULL. */
    void *user;
    void (*on_begin)(void *user, const train_request *request, int fold, const char *note);
    double (*on_step)(void *user, const train_state *state, int64_t rows); /* as train_request's */
    void (*on_note)(void *user, int fold, const char *sentence);
    /* `json` is the epoch object on a line of its own. */
    void (*on_epoch)(void *user, const soma_epoch *epoch, int fold, const char *json);
} train_job;

typedef struct job_result {
    soma_model *model; /* NULL when the run ended before there was one; the caller destroys it */
    train_end end;
    int64_t best_epoch, epochs;
    double data_share; /* of the seconds of training the kept model: steps waiting for data */
    bool tested, crossed;
    double test_loss, test_metric; /* accuracy or rmse */
    double cv_loss, cv_loss_sd, cv_metric, cv_metric_sd;
    comparison compared; /* tables whose network has a hidden layer: on the test part, else on the validation part */
} job_result;

/* Whether the network fits the data; nothing is trained or written. */
int job_check(const train_job *job, soma_error *error);
int job_run(const train_job *job, job_result *result, soma_error *error);
/* The last object of `train --json`. */
void job_result_json(const train_job *job, const job_result *result, json_text *j);

#endif
