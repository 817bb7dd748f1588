/* train/fit.c: training on the caller's arrays: options become a request for the trainer, a part of the rows is held
 * back, and the state is kept in a file if one is named. */
#include "train/defaults.h"
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>

typedef struct fit {
    soma_model *model;
    const soma_fit_options *options;
} fit;

static int tell(void *user, const soma_epoch *epoch, soma_error *error) {
    const fit *f = user;
    (void)error;
    return f->options->on_epoch ? f->options->on_epoch(f->options->user, epoch) : 0;
}

static int keep(void *user, const train_state *state, const soma_store *store, const snapshot *best, bool final,
                soma_error *error) {
    const fit *f = user;
    (void) final;
    return checkpoint_write(f->options->checkpoint, NULL, state, store, best, NULL, 0, f->model->context, error);
}

static int check_options(const soma_model *m, const soma_fit_options *o, soma_error *error) {
    if (o->epochs < 0 || o->batch < 0 || o->threads < 0)
        return error_set(error, SOMA_ERROR_ARGUMENT, "fit: epochs, batch and threads are not negative");
    if (!(o->validation >= 0 && o->validation < 1))
        return error_set(error, SOMA_ERROR_ARGUMENT, "fit: validation is %g, expected a fraction from 0 and below 1",
                         o->validation);
    if (o->accumulate < 0 || !(o->average >= 0 && o->average < 1))
        return error_set(error, SOMA_ERROR_ARGUMENT, "fit: accumulate is not negative, average from 0 and below 1");
    if (o->balance && m->task != SOMA_CLASSIFY)
        return error_set(error, SOMA_ERROR_ARGUMENT, "fit: balance weights classes, but the model predicts a number");
    if (pace_check_schedule(&o->schedule, error)) return SOMA_ERROR_ARGUMENT;
    if (o->resume && !o->checkpoint)
        return error_set(error, SOMA_ERROR_ARGUMENT, "fit: resume needs the checkpoint's name");
    if (m->imported && !m->spec_text)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "fit: the model was loaded, and its file does not say its network");
    return SOMA_OK;
}

static int64_t outputs_of(const soma_model *m, const soma_dataset *set) {
    int64_t outputs = m->task == SOMA_REGRESS ? 1 : (int64_t)set->schema.classes_count;
    if (m->task == SOMA_CLASSIFY && outputs < 2) outputs = 2;
    int64_t given = m->spec ? spec_given_outputs(m->spec, m->task == SOMA_CLASSIFY) : 0;
    return given > outputs ? given : outputs;
}

/* Classes are called by their numbers until names are given. */
static int name_classes(soma_model *m, soma_error *error) {
    if (m->task != SOMA_CLASSIFY || (int64_t)m->schema.classes_count == m->outputs) return SOMA_OK;
    size_t n = (size_t)m->outputs;
    char(*texts)[24] = mem_array(m->context, n, sizeof *texts);
    const char **names = mem_array(m->context, n, sizeof *names);
    int code;
    for (size_t i = 0; texts && names && i < n; i++) {
        snprintf(texts[i], sizeof texts[i], "%zu", i);
        names[i] = texts[i];
    }
    code = texts && names ? soma_model_set_class_names(m, names, m->outputs, error) : error_memory(error);
    mem_free(m->context, names);
    mem_free(m->context, texts);
    return code;
}

/* The options as a request; zeros get their meaning. */
static train_request request_of(const soma_model *m, const soma_fit_options *o, int64_t rows) {
    defaults d = defaults_choose(m->sample, rows);
    train_request r = {.epochs = o->epochs ? o->epochs : d.epochs,
                       .batch = o->batch ? o->batch : d.batch,
                       .patience = o->patience ? (o->patience < 0 ? 0 : o->patience) : 20,
                       .optimizer = o->optimizer.learning_rate != 0 || o->optimizer.update ? o->optimizer : d.optimizer,
                       .schedule = o->schedule,
                       .accumulate = o->accumulate,
                       .average = o->average,
                       .balance = o->balance,
                       .seed = o->seed,
                       .threads = o->threads,
                       .backend = o->backend,
                       .precision = o->precision,
                       .algorithm = o->algorithm,
                       .tuning = o->tuning,
                       .memory = o->memory,
                       .stop = o->stop,
                       .on_epoch = tell};
    if (o->checkpoint) r.save = keep;
    return r;
}

int soma_model_fit(soma_model *m, const float *x, const float *y, int64_t rows, soma_fit_options options,
                   soma_error *error) {
    if (!m || !y || rows < 1)
        return error_set(error, SOMA_ERROR_ARGUMENT, "fit: model, x, y and at least one row are needed");
    soma_dataset set = {0};
    checkpoint from = {0};
    fit f = {m, &options};
    train_end end;
    train_state state;
    size_t n = (size_t)rows, held = 0, kept = n;
    int64_t *classes = mem_array(m->context, n, sizeof *classes), *all = mem_array(m->context, n, sizeof *all);
    int64_t *train_rows = mem_array(m->context, n, sizeof *all), *val_rows = mem_array(m->context, n, sizeof *all);
    int code;
    if (!classes || !all || !train_rows || !val_rows) {
        code = error_memory(error);
        goto done;
    }
    code = check_options(m, &options, error);
    if (!code) code = set_of_arrays(m, x, y, rows, classes, &set, error);
    if (code) goto done;
    code = model_resolve(m, outputs_of(m, &set), rows, NULL, 0, error);
    if (!code && options.init_given && options.init.kind == SOMA_INIT_CONSTANT && !options.allow_symmetric &&
        spec_has_hidden(m->spec))
        code =
            error_set(error, SOMA_ERROR_ARGUMENT, "fit: %s (allow_symmetric trains it all the same)", symmetric_reason);
    if (!code) code = name_classes(m, error);
    if (code) goto done;
    for (int64_t i = 0; i < rows; i++) all[i] = train_rows[i] = i;
    if (options.validation > 0 &&
        !split_fraction(&set, all, n, options.validation, options.seed, val_rows, &held, train_rows, &kept))
        code = error_memory(error);
    if (!code && !kept) code = error_set(error, SOMA_ERROR_ARGUMENT, "fit: no row is left to train on");
    if (!code && options.resume) code = checkpoint_open(options.checkpoint, NULL, m->context, &from, error);
    if (code) goto done;
    m->init = options.init;
    m->init_given = options.init_given;
    train_request r = request_of(m, &options, rows);
    if (r.batch > (int64_t)kept) r.batch = (int64_t)kept;
    r.set = r.val = &set;
    r.rows = train_rows;
    r.rows_count = kept;
    r.val_rows = val_rows;
    r.val_count = held;
    r.user = &f;
    r.resume = from.file ? &from : NULL;
    code = train_model(m, &r, &end, &state, error);
done:
    checkpoint_close(&from);
    mem_free(m->context, classes);
    mem_free(m->context, all);
    mem_free(m->context, train_rows);
    mem_free(m->context, val_rows);
    return code;
}
