/* train/events.h: events.jsonl, by which a training can be watched from outside: an object a line, `event` says of what
 * kind. begin: a network begins to be trained, or goes on (epoch, epochs, rows, …; lines before it about later epochs
 * no longer hold). step: how far the present epoch is, at most once a second. look: gradient flow by layer and small
 * pictures, at the end of an epoch. state: it pauses or trains. note, end. What an epoch gave stands in metrics.jsonl.
 */
#ifndef TRAIN_EVENTS_H
#define TRAIN_EVENTS_H

#include "train/look.h"
#include "train/run_folder.h"

/* All zero, but for context and folder, at the beginning. */
typedef struct events {
    const soma_context *context;
    run_folder *folder;
    json_text line;
    int fold;
    double begun, last_step, last_look, look_cost; /* seconds of the monotonic clock; what a look takes */
    bool looked, look_failed;
    look *look;
} events;

/* A line with one text. */
void events_tell(events *e, const char *event, const char *key, const char *text);
/* A line from beside the training: "paused" or "training". Nothing where no training has begun. */
void events_state(run_folder *folder, const char *state);
/* The object that is being written, to be ended by events_close, which writes it. */
json_text *events_open(events *e, const char *event);
void events_close(events *e);

void events_begin(events *e, const soma_model *m, const train_request *r, int fold, int folds, int64_t epoch);
void events_step(events *e, const train_state *state, int64_t rows);
/* At the end of an epoch: looks inside if it is time. A look may cost one per cent of the training, and looks become
 * rarer as it goes on, so that the file stays small. */
void events_epoch(events *e, soma_model *m, const train_request *r, int64_t epoch);
/* At the end of the training, when the model has its best weights: what they are like. */
void events_best(events *e, soma_model *m, const train_request *r, int64_t epoch);
/* To be called before the model goes. */
void events_leave(events *e);
void events_clear(events *e);

#endif
