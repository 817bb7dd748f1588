/* train/find_rate.c: the learning-rate range test on the training's own rows: steps on weights that are put back. */
#include "train/loop.h"
#include "train/lr_range.h"

#include <stdio.h>

/* Rates for the range test: steps on a copy of the weights, which are put back. Its batches are those of epochs 0, -1,
 * … and its positions in the random streams lie far behind all of training. */
static int test_rates(trainer *t, lr_range *range, soma_error *error) {
    const train_request *r = t->request;
    const uint64_t far = (uint64_t)1 << 62;
    int64_t steps = loop_epoch_steps(t, true);
    step_result result;
    double rate;
    for (int64_t i = 0; (rate = lr_range_next(range)) > 0; i++) {
        int64_t first = i % steps * r->batch;
        if (!first) loop_begin_rows(t, -(i / steps), 0);
        int code = loop_run_batch(t, &t->update, first, far + (uint64_t)i, rate, &result, error);
        if (code) return code;
        lr_range_add(range, result.loss);
        if ((t->interrupted = loop_stop_wanted(t))) break;
    }
    return SOMA_OK;
}

int loop_find_rate(trainer *t, soma_error *error) {
    const train_request *r = t->request;
    snapshot before = {.context = t->context};
    lr_range range = {0};
    char text[160];
    int code = snapshot_take(&before, t->model->store, t->model->store->count) ? SOMA_OK : error_memory(error);
    if (!code) code = test_rates(t, &range, error);
    if (!code) snapshot_restore(&before, t->model->store);
    snapshot_clear(&before);
    double found = lr_range_result(&range);
    if (code || t->interrupted) return code; /* the rate stays unknown, so that a resumed run tests again */
    t->state.pace.rate = found > 0 ? found : r->optimizer.learning_rate;
    snprintf(text, sizeof text, "--lr auto: %s %.3g (a range test of %d steps)",
             found > 0 ? "the learning rate is" : "no rate made the loss smaller; it stays", t->state.pace.rate,
             range.step);
    if (r->on_note) r->on_note(r->user, text);
    return SOMA_OK;
}
