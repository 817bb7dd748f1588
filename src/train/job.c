/* train/job.c: a training from data to model.onnx. The test part is split off first and only measured at the end; with
 * folds each is trained and tested in turn, then the model that is kept is trained on everything but the test part. The
 * checkpoint says in which fold a run stands, so that it goes on from there. */
#include "train/job.h"

#include "train/defaults.h"
#include "train/events.h"
#include "train/parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Streams of the seed, so that splits don't repeat one another's choices. */
enum { TEST_STREAM = 1, FOLD_STREAM = 2, VALIDATION_STREAM = 3 };
/* Short epochs would spend their time on syncing files: a checkpoint is written at most once a second (more often only
 * if
 * --checkpoint-minutes says so), and at the end. */
static const double checkpoint_seconds = 1.0;

typedef struct work {
    const train_job *job;
    const soma_context *context;
    int fold; /* 0: the model that is kept */
    int64_t *rows, *test_rows, *fold_train, *fold_test, *train_rows, *val_rows;
    size_t rows_count, test_count;
    int *fold_of;
    double fold_loss[JOB_MAX_FOLDS], fold_metric[JOB_MAX_FOLDS];
    int folds_done;
    train_request request; /* of the last training */
    soma_model *model;     /* that is being trained */
    events events;
    bool told;        /* events.jsonl knows that it has begun */
    double last_save; /* time of the last checkpoint; negative: none yet */
    json_text line;
} work;

static uint64_t stream_seed(uint64_t seed, unsigned stream) { return seed * 4 + stream; }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const char *const ends[] = {
    [TRAIN_EPOCHS] = "epochs", [TRAIN_PATIENCE] = "patience", [TRAIN_SIGNAL] = "signal", [TRAIN_CALLBACK] = "callback"};

static bool classifies(const train_job *job) { return job->set->schema.classify; }
static const char *metric_name(const train_job *job) { return classifies(job) ? "accuracy" : "rmse"; }

/* ---- Hooks of the trainer -------------------------------------------------------------------------------------- */

/* Whether an epoch object shows the number that is monitored only because it is. */
static bool monitor_is_extra(monitor m) {
    return !m.training && m.measure != MEASURE_LOSS && m.measure != MEASURE_ACCURACY && m.measure != MEASURE_RMSE;
}

static void epoch_json(const work *w, const soma_epoch *e, json_text *j) {
    char val[32];
    const char *metric = metric_name(w->job);
    snprintf(val, sizeof val, "val_%s", metric);
    json_text_reset(j);
    json_put_open(j, NULL, '{');
    if (w->job->folds) json_put_integer(j, "fold", w->fold);
    json_put_integer(j, "epoch", e->epoch);
    json_put_number(j, "loss", e->loss);
    json_put_number(j, metric, e->metric);
    if (w->job->val_set || w->job->val_fraction > 0) {
        json_put_number(j, "val_loss", e->val_loss);
        json_put_number(j, val, e->val_metric);
        if (monitor_is_extra(w->job->monitor)) {
            snprintf(val, sizeof val, "val_%s", measures[w->job->monitor.measure].name);
            json_put_number(j, val, e->monitored);
        }
    }
    json_put_number(j, "lr", e->learning_rate);
    json_put_number(j, "seconds", e->seconds);
    json_put_number(j, "samples_per_s", e->samples_per_second);
    json_put_close(j, '}');
    json_put_line(j);
}

static int on_epoch(void *user, const soma_epoch *e, soma_error *error) {
    work *w = user;
    epoch_json(w, e, &w->line);
    const char *text = json_text_get(&w->line);
    if (!text) return error_memory(error);
    int code = run_folder_metrics(w->job->folder, text, error);
    if (!code) events_epoch(&w->events, w->model, &w->request, e->epoch);
    if (!code && w->job->on_epoch) w->job->on_epoch(w->job->user, e, w->fold, text);
    return code;
}

/* Not before there is a checkpoint: until then the folder is not this run's. */
static void tell_begin(work *w, int64_t epoch) {
    if (!w->told) events_begin(&w->events, w->model, &w->request, w->fold, w->job->folds, epoch);
    w->told = true;
}

static void on_note(void *user, const char *sentence) {
    work *w = user;
    if (w->told) events_tell(&w->events, "note", "text", sentence);
    if (w->job->on_note) w->job->on_note(w->job->user, w->fold, sentence);
}

static bool save_due(void *user) {
    const work *w = user;
    return now() - w->last_save >= 60 * w->job->checkpoint_minutes;
}

static double on_step(void *user, const train_state *state, int64_t rows) {
    work *w = user;
    events_step(&w->events, state, rows);
    return w->job->on_step ? w->job->on_step(w->job->user, state, rows) : 0;
}

/* The caller's pairs, the fold, and the results of the folds before it. */
static int save(void *user, const train_state *state, const soma_store *store, const snapshot *best, bool final,
                soma_error *error) {
    enum { KEY = 40, VALUE = 32 };
    work *w = user;
    double asked = 60 * w->job->checkpoint_minutes,
           least = asked > 0 ? fmin(asked, checkpoint_seconds) : checkpoint_seconds;
    if (!final && w->last_save >= 0 && now() - w->last_save < least) return SOMA_OK;
    size_t folds = (size_t)w->folds_done, count = w->job->extra_count + 1 + 2 * folds;
    safetensors_pair *pairs = mem_array(w->context, count, sizeof *pairs);
    char(*keys)[KEY] = mem_array(w->context, 2 * folds, sizeof *keys), fold[VALUE];
    char(*values)[VALUE] = mem_array(w->context, 2 * folds, sizeof *values);
    int code;
    if (!pairs || !keys || !values) {
        code = error_memory(error);
    } else {
        for (size_t i = 0; i < w->job->extra_count; i++) pairs[i] = w->job->extra[i];
        snprintf(fold, sizeof fold, "%d", w->fold);
        pairs[w->job->extra_count] = (safetensors_pair){"soma.fold", fold};
        for (size_t i = 0; i < 2 * folds; i++) {
            snprintf(keys[i], KEY, "soma.fold.%zu.%s", i / 2 + 1, i % 2 ? "metric" : "loss");
            snprintf(values[i], VALUE, "%a", i % 2 ? w->fold_metric[i / 2] : w->fold_loss[i / 2]);
            pairs[w->job->extra_count + 1 + i] = (safetensors_pair){keys[i], values[i]};
        }
        code = checkpoint_write(w->job->folder->checkpoint, w->job->folder->previous, state, store, best, pairs, count,
                                w->context, error);
        if (!code) run_folder_begun(w->job->folder);
        if (!code) tell_begin(w, state->epoch);
    }
    w->last_save = now();
    mem_free(w->context, pairs);
    mem_free(w->context, keys);
    mem_free(w->context, values);
    return code;
}

/* ---- One training ---------------------------------------------------------------------------------------------- */

static soma_optimizer optimizer_of(const train_job *job, const defaults *d) {
    soma_optimizer o = job->optimizer_given ? job->optimizer : d->optimizer;
    if (job->learning_rate > 0) o.learning_rate = job->learning_rate;
    if (job->l1 >= 0) o.l1 = job->l1;
    if (job->l2 >= 0) o.weight_decay = job->l2;
    if (job->clip >= 0) o.clip = job->clip;
    return o;
}

/* What was asked for, else what suits the data, unless an optimizer was named: then nothing is added to it. A plateau
 * waits for PyTorch's 10 epochs, but at most for half as many as would end the training. */
static soma_schedule schedule_of(const train_job *job, const defaults *d, int64_t patience) {
    enum { USUAL = 10 };
    bool held_back = job->val_set || job->val_fraction > 0;
    soma_schedule s = job->schedule_given || job->optimizer_given || !held_back ? job->schedule : d->schedule;
    if (s.kind == SOMA_SCHEDULE_PLATEAU && s.patience < 0) s.patience = patience / 2 < USUAL ? patience / 2 : USUAL;
    return s;
}

/* The rows that train and those that stop it, out of `rows`. */
static int split_validation(work *w, const int64_t *rows, size_t count, train_request *r, soma_error *error) {
    const train_job *job = w->job;
    size_t held = 0, kept = count;
    r->val = job->val_set ? job->val_set : job->set;
    if (job->val_set) {
        held = (size_t)job->val_set->rows;
        for (size_t i = 0; i < held; i++) w->val_rows[i] = (int64_t)i;
        memcpy(w->train_rows, rows, count * sizeof *rows);
    } else if (job->val_fraction > 0) {
        if (!split_fraction(job->set, rows, count, job->val_fraction, stream_seed(job->seed, VALIDATION_STREAM),
                            w->val_rows, &held, w->train_rows, &kept))
            return error_memory(error);
        if (!held || !kept)
            return error_set(error, SOMA_ERROR_INPUT,
                             "%zu rows are too few to hold back a part for validation; --val 0 trains on all of them",
                             count);
    } else {
        memcpy(w->train_rows, rows, count * sizeof *rows);
    }
    if (!kept) return error_set(error, SOMA_ERROR_INPUT, "no rows are left to train on");
    r->set = job->set;
    r->rows = w->train_rows;
    r->rows_count = kept;
    r->val_rows = w->val_rows;
    r->val_count = held;
    return SOMA_OK;
}

static int make_model(const work *w, size_t rows, char *note, size_t note_size, soma_model **model, soma_error *error) {
    const train_job *job = w->job;
    bool classify = classifies(job);
    soma_model *m = *model =
        soma_model_create_in(w->context, job->net, job->set->sample, classify ? SOMA_CLASSIFY : SOMA_REGRESS, error);
    if (!m) return error && error->code ? error->code : SOMA_ERROR_MEMORY;
    m->init = job->init;
    m->init_given = job->init_given;
    int code = model_take_schema(m, &job->set->schema, error);
    if (!code)
        code = model_resolve(m, classify ? (int64_t)job->set->schema.classes_count : 1, (int64_t)rows, note, note_size,
                             error);
    if (!code && job->init_given && job->init.kind == SOMA_INIT_CONSTANT && !job->allow_symmetric &&
        spec_has_hidden(m->spec))
        code = error_set(error, SOMA_ERROR_ARGUMENT, "--init constant: %s; --allow-symmetric trains it all the same",
                         symmetric_reason);
    return code;
}

/* What was asked for, else what suits the data. */
static int augmentation_of(const train_job *job, int64_t rows, augmentation *a, soma_error *error) {
    const char *text = job->augment ? job->augment : default_augmentation(job->set->sample, rows);
    int code = augment_parse(text, a, error);
    return code ? code : augment_check(a, job->set->sample, error);
}

/* The parts of the model that is kept. */
static row_part train_part(const work *w) { return (row_part){w->request.set, w->request.rows, w->request.rows_count}; }
static row_part val_part(const work *w) {
    return (row_part){w->request.val, w->request.val_rows, w->request.val_count};
}

static int save_parts(const work *w, soma_error *error) {
    const train_job *job = w->job;
    if (!job->split_folder || w->fold || job->resume) return SOMA_OK;
    row_part test = {job->set, w->test_rows, w->test_count};
    return parts_write(job->set, job->split_folder, train_part(w), val_part(w), test, error);
}

/* Trains a model on a part of `rows`. */
static int train_one(work *w, const int64_t *rows, size_t count, const checkpoint *resume, soma_model **model,
                     train_end *end, train_state *state, soma_error *error) {
    const train_job *job = w->job;
    char note[256];
    augmentation augment;
    train_request r = {.augment = &augment,
                       .monitor = job->monitor,
                       .find_rate = job->find_rate,
                       .schedule_new = job->schedule_new,
                       .accumulate = job->accumulate,
                       .balance = job->balance,
                       .transform = job->transform,
                       .seed = job->seed,
                       .threads = job->threads,
                       .backend = job->backend,
                       .precision = job->precision,
                       .algorithm = job->algorithm,
                       .tuning = job->tuning,
                       .memory = job->memory,
                       .stop = job->stop,
                       .resume = resume,
                       .user = w,
                       .on_epoch = on_epoch,
                       .on_step = on_step,
                       .on_note = on_note,
                       .save_due = job->checkpoint_minutes > 0 ? save_due : NULL,
                       .save = save};
    int code = make_model(w, count, note, sizeof note, model, error);
    if (!code) code = split_validation(w, rows, count, &r, error);
    if (!code) code = augmentation_of(job, (int64_t)r.rows_count, &augment, error);
    if (code) return code;
    defaults d = defaults_choose(job->set->sample, (int64_t)r.rows_count);
    r.epochs = job->epochs ? job->epochs : d.epochs;
    r.batch = job->batch ? job->batch : d.batch;
    if (r.batch > (int64_t)r.rows_count) r.batch = (int64_t)r.rows_count;
    r.patience = job->patience ? job->patience : d.patience;
    r.optimizer = optimizer_of(job, &d);
    r.schedule = schedule_of(job, &d, r.patience);
    int64_t step = r.batch * (job->accumulate > 1 ? job->accumulate : 1);
    r.average = job->average >= 0 ? job->average : default_average(job->set->sample, (int64_t)r.rows_count / step);
    bool choice = job->transform == TARGET_AUTO;
    if (choice) code = compare_transforms(*model, &r, &r.transform, error);
    if (code) return code;
    if (job->on_begin) job->on_begin(job->user, &r, w->fold, note);
    if (choice && r.transform == TARGET_LOG)
        on_note(w, "the target is skewed: its logarithm is learnt (--target-transform none: the number itself)");
    w->request = r;
    w->model = *model;
    w->last_save = -1;
    w->told = false;
    if ((code = save_parts(w, error))) return code;
    if (resume) tell_begin(w, resume->state.epoch);
    code = train_model(*model, &r, end, state, error);
    if (!code && *end != TRAIN_SIGNAL) events_best(&w->events, *model, &r, state->best_epoch);
    events_leave(&w->events);
    return code;
}

static int measure_rows(soma_model *m, const soma_dataset *set, const int64_t *rows, size_t count, double *loss,
                        double *metric, soma_error *error) {
    metrics measured;
    bool classify = m->task == SOMA_CLASSIFY;
    if (!metrics_create(m->context, classify ? m->outputs : 0, &measured)) return error_memory(error);
    int code = model_measure(m, set, rows, count, &measured, error);
    *loss = metrics_loss(&measured);
    *metric = classify ? metrics_accuracy(&measured) : metrics_rmse(&measured);
    metrics_clear(m->context, &measured);
    return code;
}

/* ---- Folds ----------------------------------------------------------------------------------------------------- */

static int run_fold(work *w, int fold, const checkpoint *resume, train_end *end, soma_error *error) {
    size_t train = 0, test = 0;
    train_state state;
    soma_model *m = NULL;
    w->fold = fold;
    for (size_t i = 0; i < w->rows_count; i++) {
        if (w->fold_of[i] == fold - 1)
            w->fold_test[test++] = w->rows[i];
        else
            w->fold_train[train++] = w->rows[i];
    }
    int code = train_one(w, w->fold_train, train, resume, &m, end, &state, error);
    if (!code && *end != TRAIN_SIGNAL) {
        code =
            measure_rows(m, w->job->set, w->fold_test, test, &w->fold_loss[fold - 1], &w->fold_metric[fold - 1], error);
        w->folds_done = fold;
    }
    soma_model_destroy(m);
    return code;
}

/* What the checkpoint knows of the folds: in which one it stands, and the results of those before. */
static int resume_folds(work *w, int *first, soma_error *error) {
    const checkpoint *c = w->job->resume;
    const char *text = c ? checkpoint_text(c, "soma.fold") : NULL;
    long fold = text ? strtol(text, NULL, 10) : 0;
    *first = 1;
    if (!c) return SOMA_OK;
    if (fold < 0 || fold > w->job->folds)
        return error_set(error, SOMA_ERROR_INPUT, "%s: the checkpoint stands in fold %ld of %d", c->path, fold,
                         w->job->folds);
    *first = fold ? (int)fold : w->job->folds + 1;
    for (int k = 1; k < *first; k++) {
        char key[48];
        const char *value[2];
        for (int i = 0; i < 2; i++) {
            snprintf(key, sizeof key, "soma.fold.%d.%s", k, i ? "metric" : "loss");
            value[i] = checkpoint_text(c, key);
        }
        if (!value[0] || !value[1])
            return error_set(error, SOMA_ERROR_INPUT, "%s: the checkpoint lacks the result of fold %d", c->path, k);
        w->fold_loss[k - 1] = strtod(value[0], NULL);
        w->fold_metric[k - 1] = strtod(value[1], NULL);
    }
    w->folds_done = *first - 1;
    return SOMA_OK;
}

static int run_folds(work *w, job_result *result, soma_error *error) {
    const train_job *job = w->job;
    int first;
    if ((size_t)job->folds > w->rows_count)
        return error_set(error, SOMA_ERROR_ARGUMENT, "--folds %d: there are only %zu rows", job->folds, w->rows_count);
    int code = resume_folds(w, &first, error);
    if (!code &&
        !split_folds(job->set, w->rows, w->rows_count, job->folds, stream_seed(job->seed, FOLD_STREAM), w->fold_of))
        code = error_memory(error);
    for (int fold = first; fold <= job->folds && !code; fold++) {
        bool here = job->resume && fold == first;
        code = run_fold(w, fold, here ? job->resume : NULL, &result->end, error);
        if (!code && result->end == TRAIN_SIGNAL) return SOMA_OK;
    }
    if (code) return code;
    result->crossed = true;
    mean_and_deviation(w->fold_loss, (size_t)job->folds, &result->cv_loss, &result->cv_loss_sd);
    mean_and_deviation(w->fold_metric, (size_t)job->folds, &result->cv_metric, &result->cv_metric_sd);
    return SOMA_OK;
}

/* ---- The whole ------------------------------------------------------------------------------------------------- */

static int test_kept(const work *w, job_result *r, soma_error *error) {
    const train_job *job = w->job;
    r->tested = job->test_set || w->test_count;
    if (!r->tested) return SOMA_OK;
    return job->test_set
               ? measure_rows(r->model, job->test_set, NULL, (size_t)job->test_set->rows, &r->test_loss,
                              &r->test_metric, error)
               : measure_rows(r->model, job->set, w->test_rows, w->test_count, &r->test_loss, &r->test_metric, error);
}

/* On a table a network must show that it is worth more than one linear layer. */
static int compare_kept(work *w, job_result *r, soma_error *error) {
    const train_job *job = w->job;
    const soma_dataset *set = job->test_set ? job->test_set : w->test_count ? job->set : w->request.val;
    const int64_t *rows = w->test_count ? w->test_rows : w->request.val_rows;
    size_t count = w->test_count ? w->test_count : w->request.val_count;
    int64_t *all = NULL;
    if (job->set->sample.rank != 1 || !spec_has_hidden(r->model->spec)) return SOMA_OK;
    if (job->test_set) {
        count = (size_t)set->rows;
        if (!(all = mem_array(w->context, count, sizeof *all))) return error_memory(error);
        for (size_t i = 0; i < count; i++) all[i] = (int64_t)i;
    }
    int code =
        count ? compare_models(r->model, &w->request, set, all ? all : rows, count, &r->compared, error) : SOMA_OK;
    mem_free(w->context, all);
    return code;
}

/* The model, and which rows it has seen. */
static int save_model(const work *w, const soma_model *m, soma_error *error) {
    const row_part seen[] = {train_part(w), val_part(w)};
    int code = fingerprints_write(w->job->folder->rows, w->context, seen, COUNT_OF(seen), error);
    return code ? code : soma_model_save(m, w->job->folder->model, error);
}

static int run_kept(work *w, job_result *result, soma_error *error) {
    const train_job *job = w->job;
    const checkpoint *c = job->resume;
    const char *fold = c ? checkpoint_text(c, "soma.fold") : NULL;
    train_state state = {0};
    soma_error failure = {0};
    w->fold = 0;
    bool here = c && (!fold || !strtol(fold, NULL, 10));
    int code = train_one(w, w->rows, w->rows_count, here ? c : NULL, &result->model, &result->end, &state, &failure);
    result->best_epoch = state.best_epoch;
    result->epochs = state.epoch;
    /* A run that stopped being finite keeps the best of what it had. */
    if (!code || (code == SOMA_ERROR_NUMERIC && state.best_epoch))
        if (save_model(w, result->model, &failure) && !code) code = failure.code;
    if (code) return error_set(error, code, "%s", failure.message);
    result->data_share = result->model->data_share;
    if (result->end == TRAIN_SIGNAL) return SOMA_OK;
    code = test_kept(w, result, error);
    return code ? code : compare_kept(w, result, error);
}

static int split_test(work *w, soma_error *error) {
    const train_job *job = w->job;
    size_t n = (size_t)job->set->rows,
           most = job->val_set && (size_t)job->val_set->rows > n ? (size_t)job->val_set->rows : n;
    int64_t *all = mem_array(w->context, n, sizeof *all);
    int64_t **arrays[] = {&w->rows, &w->test_rows, &w->fold_train, &w->fold_test, &w->train_rows, &w->val_rows};
    bool ok = all != NULL;
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        ok &= (*arrays[i] = mem_array(w->context, most, sizeof(int64_t))) != NULL;
    w->fold_of = mem_array(w->context, n, sizeof *w->fold_of);
    ok &= w->fold_of != NULL;
    if (ok) {
        for (size_t i = 0; i < n; i++) all[i] = w->rows[i] = (int64_t)i;
        w->rows_count = n;
        if (job->test_fraction > 0)
            ok = split_fraction(job->set, all, n, job->test_fraction, stream_seed(job->seed, TEST_STREAM), w->test_rows,
                                &w->test_count, w->rows, &w->rows_count);
    }
    mem_free(w->context, all);
    if (!ok) return error_memory(error);
    if (!w->rows_count || (job->test_fraction > 0 && !w->test_count))
        return error_set(error, SOMA_ERROR_INPUT, "%zu rows are too few to hold back a test part", n);
    return SOMA_OK;
}

/* The number behind `prefix`, with which the text begins; *rest is what follows it. */
static bool field_after(const char *text, const char *prefix, const char **rest, long *number) {
    size_t n = strlen(prefix);
    char *end;
    if (strncmp(text, prefix, n) != 0) return false;
    *number = strtol(text + n, &end, 10);
    *rest = end;
    return end != text + n;
}

/* On resuming, lines of metrics.jsonl that the checkpoint doesn't know are dropped. */
static bool is_later(void *user, const char *line) {
    const train_job *job = user;
    const char *text = checkpoint_text(job->resume, "soma.fold");
    long fold = text ? strtol(text, NULL, 10) : 0, line_fold = 0;
    if (job->folds && !field_after(line, "{\"fold\": ", &line, &line_fold)) return true;
    long epoch;
    if (!field_after(line, job->folds ? ", \"epoch\": " : "{\"epoch\": ", &line, &epoch)) return true;
    if (!fold) fold = job->folds + 1;
    if (!line_fold) line_fold = job->folds + 1;
    return line_fold != fold ? line_fold > fold : epoch > job->resume->state.epoch;
}

int job_check(const train_job *job, soma_error *error) {
    work w = {.job = job, .context = job->context};
    network n = {0};
    soma_model *m = NULL;
    augmentation augment;
    int code = augmentation_of(job, job->set->rows, &augment, error);
    if (!code) code = make_model(&w, (size_t)job->set->rows, NULL, 0, &m, error);
    if (!code && job->split_folder && !job->resume)
        code = parts_check(job->set, job->split_folder, job->replace_parts, error);
    if (!code) code = preprocess_check_transform(job->set, job->transform, error);
    if (!code) code = preprocess_learn(job->context, job->set, NULL, 0, job->transform, &m->preprocess, error);
    if (!code) code = network_build(m, true, true, &n, error);
    defaults d = defaults_choose(job->set->sample, job->set->rows);
    if (!code) code = train_check_norms(m, job->batch ? job->batch : d.batch, job->set->rows, NULL, error);
    soma_schedule schedule = schedule_of(job, &d, job->patience ? job->patience : d.patience);
    if (!code) code = pace_check_schedule(&schedule, error);
    if (!code && job->resume && job->epochs && !job->schedule_new)
        code = pace_check_epochs(&job->schedule, &job->resume->state.pace, job->epochs, error);
    network_clear(&n);
    soma_model_destroy(m);
    return code;
}

/* The last event: how the run ended. */
static void tell_end(work *w, const job_result *result, int code, const soma_error *error) {
    json_text *j = events_open(&w->events, "end");
    json_put_string(j, "stopped", code ? "failed" : ends[result->end]);
    json_put_integer(j, "best_epoch", result->best_epoch);
    json_put_integer(j, "epochs", result->epochs);
    if (code) json_put_string(j, "message", error->message);
    if (result->tested) {
        json_put_number(j, "test_loss", result->test_loss);
        json_put_number(j, classifies(w->job) ? "test_accuracy" : "test_rmse", result->test_metric);
    }
    events_close(&w->events);
}

int job_run(const train_job *job, job_result *result, soma_error *error) {
    work *w = mem_zeros(job->context, 1, sizeof *w);
    *result = (job_result){.test_loss = NAN, .test_metric = NAN};
    if (!w) return error_memory(error);
    w->job = job;
    w->context = w->line.context = job->context;
    w->events = (events){.context = job->context, .folder = job->folder};
    int code = split_test(w, error);
    if (!code) run_folder_tidy(job->folder);
    if (!code && job->resume) code = run_folder_drop_metrics(job->folder, is_later, (void *)job, error);
    if (!code && job->folds) code = run_folds(w, result, error);
    if (!code && result->end != TRAIN_SIGNAL) code = run_kept(w, result, error);
    if (job->folder->events_file >= 0) tell_end(w, result, code, error);
    events_clear(&w->events);
    int64_t *arrays[] = {w->rows, w->test_rows, w->fold_train, w->fold_test, w->train_rows, w->val_rows};
    for (size_t i = 0; i < COUNT_OF(arrays); i++) mem_free(job->context, arrays[i]);
    mem_free(job->context, w->fold_of);
    json_text_clear(&w->line);
    mem_free(job->context, w);
    return code;
}

static void put_pair(json_text *j, const char *prefix, const char *name, const char *suffix, double value) {
    char key[48];
    snprintf(key, sizeof key, "%s_%s%s", prefix, name, suffix);
    json_put_number(j, key, value);
}

void job_result_json(const train_job *job, const job_result *r, json_text *j) {
    const char *metric = metric_name(job);
    json_text_reset(j);
    json_put_open(j, NULL, '{');
    json_put_bool(j, "done", true);
    json_put_integer(j, "best_epoch", r->best_epoch);
    json_put_string(j, "stopped", ends[r->end]);
    json_put_open(j, "files", '{');
    json_put_string(j, "model", r->model ? job->folder->model : NULL);
    json_put_string(j, "checkpoint", job->folder->checkpoint);
    json_put_string(j, "metrics", job->folder->metrics);
    json_put_close(j, '}');
    json_put_number(j, "data_share", r->data_share);
    if (r->tested) {
        json_put_number(j, "test_loss", r->test_loss);
        put_pair(j, "test", metric, "", r->test_metric);
    }
    if (r->crossed) {
        json_put_number(j, "cv_loss", r->cv_loss);
        json_put_number(j, "cv_loss_sd", r->cv_loss_sd);
        put_pair(j, "cv", metric, "", r->cv_metric);
        put_pair(j, "cv", metric, "_sd", r->cv_metric_sd);
    }
    if (r->compared.done) {
        const comparison *c = &r->compared;
        json_put_open(j, "compared", '{');
        json_put_string(j, "part", r->tested ? "test" : "val");
        json_put_integer(j, "rows", c->rows);
        json_put_number(j, "network", c->network);
        json_put_number(j, "linear", c->linear);
        json_put_number(j, classifies(job) ? "majority" : "mean", c->simplest);
        json_put_bool(j, "worth_it", comparison_worth_it(c));
        json_put_close(j, '}');
    }
    json_put_close(j, '}');
    json_put_line(j);
}
