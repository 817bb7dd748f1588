/* train/checkpoint.h: checkpoint.safetensors: everything that going on with a training needs. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "format/safetensors.h"
#include "train/pace.h"
#include "train/snapshot.h"

/* Where a training stands. */
typedef struct train_state {
    int64_t epoch;                /* epochs finished */
    int64_t step;                 /* steps taken in the epoch that follows them */
    uint64_t steps;               /* steps taken in all: the position in the random streams */
    int64_t updates;              /* of the weights, in all: fewer than steps when gradients are gathered */
    double gathered;              /* weight of the batches gathered since the last update */
    double loss, weight;          /* sums over the unfinished epoch */
    int64_t right, rows;          /* and counts */
    double squares;               /* of errors in the target's unit, where that is not the one of training */
    int64_t best_epoch;           /* 0: none yet */
    double best_value, best_loss; /* of the monitored number */
    int64_t worse;                /* epochs since the best one */
    pace pace;
} train_state;

/* Writes `path`; the file that was there becomes `previous` (NULL: it is replaced). Tensors are "last.<variable>" for
 * all of the store and "best.<variable>" for the snapshot; `extra` are further pairs of metadata. */
int checkpoint_write(const char *path, const char *previous, const train_state *state, const soma_store *store,
                     const snapshot *best, const safetensors_pair *extra, size_t extra_count,
                     const soma_context *context, soma_error *error);

typedef struct checkpoint {
    safetensors *file;
    const char *path; /* as it was given to checkpoint_open; borrowed, for messages */
    train_state state;
    soma_error newer; /* why the newer of two files is not the one that was opened; else without a code */
} checkpoint;

/* Opens `path`, or `previous` (may be NULL) when what is in it can't be used. */
int checkpoint_open(const char *path, const char *previous, const soma_context *context, checkpoint *c,
                    soma_error *error);
/* Fills the variables of a store and the snapshot of its first `count` ones. */
int checkpoint_restore(const checkpoint *c, soma_store *store, size_t count, snapshot *best, soma_error *error);
const char *checkpoint_text(const checkpoint *c, const char *key); /* of `extra`; NULL when there is none */
void checkpoint_close(checkpoint *c);

#endif
