/* cli/progress.c: a bar with loss, samples a second and time left, redrawn at most ten times a second and only on a
 * terminal; elsewhere a line for an epoch, at most one a second, so that a log of a fast training stays short. */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_open(progress *p, bool lines) {
    const char *terminal = getenv("TERM");
    *p = (progress){.lines = lines, .rows_before = -1};
    p->bar = isatty(STDERR_FILENO) && (!terminal || strcmp(terminal, "dumb") != 0);
}

void progress_begin(progress *p, int fold, int folds, int64_t epochs, const char *metric) {
    p->fold = fold;
    p->folds = folds;
    p->epochs = epochs;
    p->metric = metric;
    p->begin = p->last_line = now();
    p->rows_before = -1;
    p->val_loss = NAN;
}

void progress_clear(progress *p) {
    if (p->drawn) fputs("\r\x1b[K", stderr);
    p->drawn = false;
}

static void print_fold(const progress *p) {
    if (p->folds && p->fold)
        fprintf(stderr, "fold %d/%d  ", p->fold, p->folds);
    else if (p->folds)
        fprintf(stderr, "all rows  ");
}

void progress_step(progress *p, const train_state *state, int64_t rows) {
    enum { WIDTH = 24 };
    int64_t trained = state->epoch * rows + state->rows, all = p->epochs * rows;
    double time = now();
    if (!p->bar) return;
    if (p->rows_before < 0) {
        p->rows_before = trained;
        p->begin = time;
        return;
    }
    if (time - p->last_draw < 0.1) return;
    p->last_draw = time;
    double rate = (double)(trained - p->rows_before) / (time - p->begin);
    double left = rate > 0 ? (double)(all - trained) / rate : 0;
    int filled = (int)((double)WIDTH * (double)state->rows / (double)rows);
    char bar[WIDTH + 1];
    for (int i = 0; i < WIDTH; i++) bar[i] = i < filled ? '=' : i == filled ? '>' : ' ';
    bar[WIDTH] = 0;
    fputc('\r', stderr);
    print_fold(p);
    fprintf(stderr, "epoch %lld/%lld [%s] loss %.4f", (long long)state->epoch + 1, (long long)p->epochs, bar,
            state->weight > 0 ? state->loss / state->weight : 0);
    if (!isnan(p->val_loss)) fprintf(stderr, "  val_loss %.4f", p->val_loss);
    fprintf(stderr, "  %.0f samples/s  %d:%02d left\x1b[K", rate, (int)(left / 60), (int)left % 60);
    fflush(stderr);
    p->drawn = true;
}

void progress_epoch(progress *p, const soma_epoch *e) {
    double time = now();
    p->val_loss = e->val_loss;
    if (!p->lines || (time - p->last_line < 1 && e->epoch < p->epochs)) return;
    p->last_line = time;
    progress_clear(p);
    print_fold(p);
    fprintf(stderr, "epoch %lld/%lld  loss %.4f  %s %.4g", (long long)e->epoch, (long long)p->epochs, e->loss,
            p->metric, e->metric);
    if (!isnan(e->val_loss)) fprintf(stderr, "  val_loss %.4f  val_%s %.4g", e->val_loss, p->metric, e->val_metric);
    fprintf(stderr, "  %.0f samples/s\n", e->samples_per_second);
}
