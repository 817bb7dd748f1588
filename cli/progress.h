/* cli/progress.h: the progress of a training for people, on standard error. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "train/job.h"

typedef struct progress {
    bool bar;   /* standard error is a terminal */
    bool lines; /* epochs are told as lines, at most one a second */
    bool drawn;
    double begin, last_draw, last_line;
    int fold, folds;
    int64_t epochs, done_epochs, rows_before; /* rows trained before this start */
    const char *metric;
    bool has_val;
    double val_loss;
} progress;

void progress_open(progress *p, bool lines);
void progress_begin(progress *p, int fold, int folds, int64_t epochs, const char *metric);
void progress_step(progress *p, const train_state *state, int64_t rows);
void progress_epoch(progress *p, const soma_epoch *epoch);
void progress_clear(progress *p); /* takes the bar away, before anything else is printed */

#endif
