/* train/events.c: the lines of events.jsonl. All of it is a service to onlookers: when memory is out or the disk is
 * full the training goes on without it. */
#include "train/events.h"

#include <math.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds since 1970, to the millisecond. */
static double wall_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-3 * floor(1e-6 * (double)t.tv_nsec);
}

json_text *events_open(events *e, const char *event) {
    e->line.context = e->context;
    json_text_reset(&e->line);
    json_put_open(&e->line, NULL, '{');
    json_put_string(&e->line, "event", event);
    json_put_number(&e->line, "time", wall_clock());
    return &e->line;
}

void events_close(events *e) {
    json_put_close(&e->line, '}');
    json_put_line(&e->line);
    const char *text = json_text_get(&e->line);
    if (text)
        run_folder_event(e->folder, text);
    else
        json_text_clear(&e->line); /* another line may have memory again */
}

void events_tell(events *e, const char *event, const char *key, const char *text) {
    json_put_string(events_open(e, event), key, text);
    events_close(e);
}

void events_state(run_folder *folder, const char *state) {
    events e = {.context = folder->context, .folder = folder};
    if (folder->events_file >= 0) events_tell(&e, "state", "state", state);
    events_clear(&e);
}

void events_begin(events *e, const soma_model *m, const train_request *r, int fold, int folds, int64_t epoch) {
    bool classify = m->task == SOMA_CLASSIFY;
    json_text *j = events_open(e, "begin");
    e->fold = fold;
    e->begun = e->last_look = now();
    e->last_step = e->look_cost = 0;
    e->looked = e->look_failed = false;
    json_put_integer(j, "fold", fold);
    json_put_integer(j, "folds", folds);
    json_put_integer(j, "epoch", epoch);
    json_put_integer(j, "epochs", r->epochs);
    json_put_integer(j, "rows", (int64_t)r->rows_count);
    json_put_integer(j, "val_rows", (int64_t)r->val_count);
    json_put_integer(j, "batch", r->batch);
    json_put_string(j, "metric", classify ? "accuracy" : "rmse");
    json_put_open(j, "classes", '[');
    for (size_t i = 0; classify && i < m->schema.classes_count; i++) json_put_string(j, NULL, m->schema.classes[i]);
    json_put_close(j, ']');
    events_close(e);
}

void events_step(events *e, const train_state *state, int64_t rows) {
    double time = now();
    if (time - e->last_step < 1) return;
    e->last_step = time;
    json_text *j = events_open(e, "step");
    json_put_integer(j, "fold", e->fold);
    json_put_integer(j, "epoch", state->epoch + 1);
    json_put_integer(j, "rows", state->rows);
    json_put_integer(j, "of", rows);
    json_put_float(j, "loss", state->weight > 0 ? (float)(state->loss / state->weight) : NAN);
    events_close(e);
}

/* Whether the next look is due. */
static bool is_time(const events *e, double time) {
    double least = fmax(1, fmax(100 * e->look_cost, (time - e->begun) / 200));
    return !e->looked || time - e->last_look >= least;
}

static void tell_points(events *e) {
    json_text *j = events_open(e, "points");
    if (look_points(e->look, j)) events_close(e);
}

static void look_inside(events *e, soma_model *m, const train_request *r, int64_t epoch, bool best) {
    soma_error error = {0};
    if (!e->look) {
        e->look = look_create(m, r, &error);
        if (e->look) tell_points(e);
    }
    double time = now();
    json_text *j = events_open(e, "look");
    json_put_integer(j, "epoch", epoch);
    json_put_bool(j, "best", best);
    e->look_failed = !e->look || look_take(e->look, r->seed, j, &error);
    if (!e->look_failed) events_close(e);
    e->last_look = now();
    double cost = e->last_look - time; /* the least of them: others were held up by something else */
    e->look_cost = e->looked ? fmin(e->look_cost, cost) : cost;
    e->looked = true;
}

static bool may_look(const events *e) { return !e->fold && !e->look_failed && !e->folder->events_failed; }

void events_epoch(events *e, soma_model *m, const train_request *r, int64_t epoch) {
    if (may_look(e) && is_time(e, now())) look_inside(e, m, r, epoch, false);
}

void events_best(events *e, soma_model *m, const train_request *r, int64_t epoch) {
    if (may_look(e) && e->look) look_inside(e, m, r, epoch, true);
}

void events_leave(events *e) {
    look_destroy(e->look);
    e->look = NULL;
}

void events_clear(events *e) {
    events_leave(e);
    json_text_clear(&e->line);
}
