/* train/loop.h: the inside of the training loop, for what goes round it in other ways: finding the learning rate, and
 * finding where a value stopped being finite. */
#ifndef TRAIN_LOOP_H
#define TRAIN_LOOP_H

#include "data/loader.h"
#include "nn/minimize.h"
#include "train/trainer.h"

/* A plan that takes a training step, and what it is told. */
typedef struct stepper {
    network network;
    minimize_inputs inputs;
    soma_plan *plan;
    soma_run *run;
} stepper;

typedef struct trainer {
    soma_model *model;
    const train_request *request;
    const soma_context *context;
    stepper update, gather; /* gather: adds a batch's gradient to the others' of its group; only where those are many */
    network measure;        /* inference graph with the loss */
    soma_plan *measure_plan;
    soma_run *measure_run;
    double rate; /* that the update's run holds */
    float *class_weights;
    metrics measured; /* where more than the loss, the accuracy or rmse is monitored */
    int64_t measure_batch;
    loader *rows, *held_back; /* what trains, and what is measured */
    int64_t *order;
    const int64_t *classes; /* of the batch that is loaded */
    float *y, *answers;
    double trained; /* seconds */
    double held;    /* seconds of this epoch in which nothing was done on purpose */
    train_state state;
    train_state safe_state; /* of `safe` */
    snapshot safe, best;
    bool interrupted;      /* before the first step */
    bool single_rows_fail; /* batch normalisation would see one value a channel in a batch of one row */
} trainer;

/* Steps of an epoch; `taken` leaves out a last one that batch normalisation forbids. */
int64_t loop_epoch_steps(const trainer *t, bool taken);
/* Rows of the step at the state's position. */
int64_t loop_batch_rows(const trainer *t);
/* Whether that step ends its group, so that the weights are updated; and the learning rate if so. */
bool loop_closes_group(const trainer *t);
double loop_present_rate(const trainer *t);
bool loop_stop_wanted(const trainer *t);

/* What a step gave. */
typedef struct step_result {
    double loss, weight; /* the mean over the batch, and what the batch counts */
    int64_t right;
    double squares; /* of errors in the target's unit, where its logarithm is learnt */
} step_result;
/* Lays out the rows of an epoch, to be loaded from the batch of row `first` on. */
void loop_begin_rows(trainer *t, int64_t epoch, int64_t first);
/* A step with the batch of row `first` at a position of the random streams. */
int loop_run_batch(trainer *t, stepper *s, int64_t first, uint64_t position, double rate, step_result *result,
                   soma_error *error);
/* One step at the state's position, which moves on. */
int loop_take_step(trainer *t, double *loss, soma_error *error);

/* find_rate.c: a range test on a copy of the weights; the rate goes into the state. */
int loop_find_rate(trainer *t, soma_error *error);
/* not_finite.c: finds where a value stopped being finite, from the last safe state on, and says so. */
int loop_explain_not_finite(trainer *t, int64_t failed_step, soma_error *error);

#endif
