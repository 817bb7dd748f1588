/* cli/train.c: `soma train`: options and data become a training job; what happens is told as JSON lines, or to people.
 */
#include "commands.h"
#include "control.h"
#include "data/known.h"
#include "nn/zoo.h"
#include "progress.h"
#include "settings.h"
#include "terminal.h"
#include "train/balance.h"
#include "train/events.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    TARGET,
    IGNORE,
    TASK,
    LABELS,
    DELIMITER,
    NO_HEADER,
    NET,
    INIT,
    ALLOW_SYMMETRIC,
    EPOCHS,
    BATCH,
    OPT,
    LR,
    SCHEDULE,
    L1,
    L2,
    CLIP,
    AUGMENT,
    ACCUMULATE,
    EMA,
    BALANCE,
    TARGET_TRANSFORM,
    VAL,
    TEST,
    SAVE_SPLIT,
    FOLDS,
    PATIENCE,
    MONITOR,
    SEED,
    THREADS,
    BACKEND,
    PRECISION,
    ALGORITHM,
    TUNING,
    MEMORY,
    OUT,
    OVERWRITE,
    RESUME,
    CHECKPOINT_MINUTES,
    JSON,
    ROWS
};

static const char *const task_names[] = {"auto", "classify", "regress", NULL};
static const char *const transform_names[] = {"none", "log", "auto", NULL}; /* in target_transform's order */
static const char *const init_names[] = {"xavier", "xavier_normal", "he", "normal", "orthogonal", "constant", NULL};
static const char *const monitor_names[] = {"val_loss",
                                            "val_accuracy",
                                            "val_macro_f1",
                                            "val_auc",
                                            "val_average_precision",
                                            "val_top5",
                                            "val_calibration_error",
                                            "val_rmse",
                                            "val_mae",
                                            "val_r2",
                                            "loss",
                                            "accuracy",
                                            "rmse",
                                            NULL};

static const option_row rows[] = {
    [TARGET] = {"target", OPTION_TEXT, "COL", "the column to predict; else the last one", .expected = "a column's name",
                .group = "Data"},
    [IGNORE] = {"ignore", OPTION_TEXT, "COL,…", "columns to leave out", .expected = "columns' names"},
    [TASK] = {"task", OPTION_CHOICE, "TASK", "what the target is; auto decides by its values", task_names,
              .expected = "auto, classify or regress"},
    [LABELS] = {"labels", OPTION_TEXT, "FILE", "labels of a .npy array or of IDX pictures, found by the usual names",
                .expected = "a file's name"},
    [DELIMITER] = {"delimiter", OPTION_TEXT, "C", "the sign between cells, or tab; else found out",
                   .expected = "one character or tab"},
    [NO_HEADER] = {.name = "no-header", .kind = OPTION_FLAG, .help = "the first row is data"},
    [NET] = {"net", OPTION_TEXT, "SPEC|NAME",
             "the network: layers separated by commas (see above), or a name: linear, logistic, mlp, lenet, alexnet, "
             "vgg16, googlenet, resnet18, resnet50, squeezenet, mobilenet_v2; else chosen by the data",
             .expected = "a network, as \"dense 64 relu\" or lenet", .group = "Network"},
    [INIT] = {"init", OPTION_CHOICE, "INIT", "initial weights; else he before relu and its like, xavier elsewhere",
              init_names, .expected = "a way to fill weights"},
    [ALLOW_SYMMETRIC] = {.name = "allow-symmetric",
                         .kind = OPTION_FLAG,
                         .help = "accept constant hidden weights, which can't become different"},
    [EPOCHS] = {"epochs", OPTION_WHOLE, "N", "passes over the data, at most", NULL, 1, 1e9,
                .expected = "a whole number from 1", .group = "Training"},
    [BATCH] = {"batch", OPTION_WHOLE, "N", "samples a step; else chosen by the data", NULL, 1, 1e7,
               .expected = "a whole number from 1"},
    [OPT] = {"opt", OPTION_SETTINGS, "OPT[:key=value,…]",
             "the optimizer; else adamw. Settings are PyTorch's: lr, weight_decay, momentum, nesterov, alpha, beta1, "
             "beta2, eps",
             optimizer_names, .expected = "an optimizer"},
    [LR] = {"lr", OPTION_NUMBER, "X|auto",
            "the learning rate; else by optimizer and data; auto finds it by a range test of 100 steps", NULL, 0, 1e38,
            .above_low = true, .expected = "a number above 0, or auto", .word = "auto"},
    [SCHEDULE] =
        {"schedule", OPTION_SETTINGS, "S[:key=value,…]",
         "how the learning rate changes, as in PyTorch. step: size (epochs), gamma; cosine: min; onecycle: max, "
         "pct_start, div_factor, final_div_factor; plateau: factor, patience, threshold, cooldown, min; all: "
         "warmup (epochs; below 1 a share of the training), warmup_steps",
         schedule_names, .expected = "a schedule"},
    [L1] = {"l1", OPTION_NUMBER, "X", "penalty on the sum of absolute weights", NULL, 0, 1e38,
            .expected = "a number from 0"},
    [L2] = {"l2", OPTION_NUMBER, "X", "weight decay, PyTorch's weight_decay", NULL, 0, 1e38,
            .expected = "a number from 0"},
    [CLIP] = {"clip", OPTION_NUMBER, "X", "largest norm of the whole gradient", NULL, 0, 1e38, .above_low = true,
              .expected = "a number above 0"},
    [AUGMENT] = {"augment", OPTION_TEXT, "LIST",
                 "random changes to the pictures that train (see above), or none; else chosen by the data",
                 .expected = "a list, as \"shift 2, flip\""},
    [ACCUMULATE] = {"accumulate", OPTION_WHOLE, "N",
                    "batches whose mean gradient makes one update, as one batch N times as large would", NULL, 1, 1e6,
                    .expected = "a whole number from 1 to 1000000"},
    [EMA] = {"ema", OPTION_NUMBER, "X",
             "measure, keep and save an exponential moving average of the weights with this decay, as 0.999; 0: none",
             NULL, 0, 1 - 1e-12, .expected = "a number from 0 and below 1"},
    [BALANCE] = {.name = "balance",
                 .kind = OPTION_FLAG,
                 .help = "weight classes so that each counts the same, however many rows it has"},
    [TARGET_TRANSFORM] = {"target-transform", OPTION_CHOICE, "T",
                          "for a target of numbers: learn its logarithm; auto does so where it is skewed",
                          transform_names, .expected = "none, log or auto"},
    [VAL] = {"val", OPTION_SHARE, "FRACTION|FILE", "held back to stop by; else 0.2; 0 trains on everything", NULL, 0, 1,
             .expected = "a fraction from 0 and below 1, or a file", .group = "Measuring and stopping"},
    [TEST] = {"test", OPTION_SHARE, "FRACTION|FILE", "measured once at the end, never seen before", NULL, 0, 1,
              .above_low = true, .expected = "a fraction between 0 and 1, or a file"},
    [SAVE_SPLIT] = {"save-split", OPTION_TEXT, "DIR",
                    "write the rows that train, that stop the training and that test as DIR/train.csv, val.csv and "
                    "test.csv",
                    .expected = "a folder's name"},
    [FOLDS] = {"folds", OPTION_WHOLE, "K", "train and test K times first: cross-validation", NULL, 2, JOB_MAX_FOLDS,
               .expected = "a whole number from 2 to 1000"},
    [PATIENCE] = {"patience", OPTION_WHOLE, "N", "stop after N epochs without a better one; else 20, for pictures 4",
                  NULL, 1, 1e9, .expected = "a whole number from 1"},
    [MONITOR] = {"monitor", OPTION_CHOICE, "METRIC", "what decides which epoch is best", monitor_names,
                 .expected = "a metric"},
    [SEED] = {"seed", OPTION_WHOLE, "N", "of everything random; the same seed gives the same model; 0 if not given",
              NULL, 0, 9e18, .expected = "a whole number from 0", .group = "Running"},
    [THREADS] = {"threads", OPTION_WHOLE, "N", "at most so many threads; else the processors available", NULL, 1, 1024,
                 .expected = "a whole number from 1 to 1024"},
    [BACKEND] = BACKEND_ROW,
    [PRECISION] = PRECISION_ROW,
    [ALGORITHM] = ALGORITHM_ROW,
    [TUNING] = TUNING_ROW,
    [MEMORY] = {"memory", OPTION_SIZE, "SIZE",
                "the most memory of a training step, as 2G or 700M: values of the forward pass are made again instead "
                "of being kept, to the same bits; else all are kept",
                .expected = "bytes, as 2G, 700M or 512K"},
    [OUT] = {"out", OPTION_TEXT, "DIR", "the run folder; else runs/<time>", .expected = "a folder's name"},
    [OVERWRITE] = {.name = "overwrite", .kind = OPTION_FLAG, .help = "replace a run that the folder holds"},
    [RESUME] = {"resume", OPTION_TEXT, "DIR",
                "go on with a run; only --epochs (the total), --patience, --schedule, --threads, --memory and --json "
                "may be given",
                .expected = "a run folder"},
    [CHECKPOINT_MINUTES] = {"checkpoint-minutes", OPTION_NUMBER, "X",
                            "write a checkpoint within an epoch too when the last is X minutes old; else 10; 0: only "
                            "between epochs",
                            NULL, 0, 1e6, .expected = "a number from 0"},
    [JSON] = {.name = "json",
              .kind = OPTION_FLAG,
              .help = "an object a line on standard output: one for each epoch, then the result"},
    [ROWS] = {0},
};

static const option_alias aliases[] = {{"batch-size", "batch"}, {"optimizer", "opt"}, {"weight-decay", "l2"}, {0}};

/* Everything of one call. */
typedef struct call {
    command_line line;
    option_value *values;
    bool json;
    soma_dataset *set, *val, *test;
    run_folder folder;
    checkpoint resume;
    char *paths[5]; /* full names of data, labels, val, test and tuning files */
    soma_tuning *tuning;
    safetensors_pair extra[ROWS + 8];
    char keys[ROWS][48];
    char fingerprint[24];
    size_t extra_count;
    const char *data;
    progress progress;
    control control;
    bool told, own_test; /* own_test: the test part that a known set brings */
    bool schedule_new;   /* given to a run that is resumed */
    char head_note[256], balance_note[256];
    train_job job;
} call;

/* ---- What is told while it runs -------------------------------------------------------------------------------- */

/* Notes wait until work has begun, so that a refusal stays one line. */
static void tell_notes(call *c) {
    if (c->told) return;
    c->told = true;
    progress_clear(&c->progress);
    if (c->resume.newer.code)
        fprintf(stderr, "soma: %s; going on from the checkpoint before it\n", c->resume.newer.message);
    if (c->set->note) fprintf(stderr, "soma: %s\n", c->set->note);
    const soma_dataset *const parts[] = {c->val, c->test};
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (parts[i] && parts[i]->note) fprintf(stderr, "soma: %s: %s\n", parts[i]->path, parts[i]->note);
    if (*c->head_note) fprintf(stderr, "soma: %s\n", c->head_note);
    if (*c->balance_note) fprintf(stderr, "soma: %s\n", c->balance_note);
    if (!c->json && c->set->summary) fprintf(stderr, "soma: the columns of %s:\n%s", c->data, c->set->summary);
    if (c->own_test && c->test)
        fprintf(stderr, "soma: tested at the end on the %lld rows that %s brings for it (--test changes that)\n",
                (long long)c->test->rows, c->data);
    if (!c->json) fprintf(stderr, "soma: training on %lld rows into %s\n", (long long)c->set->rows, c->folder.path);
}

static void on_begin(void *user, const train_request *r, int fold, const char *note) {
    call *c = user;
    snprintf(c->head_note, sizeof c->head_note, "%s", note);
    progress_begin(&c->progress, fold, c->job.folds, r->epochs, c->set->schema.classify ? "accuracy" : "rmse");
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Waits between two steps until it is told to go on or to stop; the seconds that took. */
static double pause_here(call *c) {
    double begin = now();
    control_word word = CONTROL_NONE;
    progress_clear(&c->progress);
    fprintf(stderr, "soma: paused from outside\n");
    events_state(&c->folder, "paused");
    while (word != CONTROL_RESUME && word != CONTROL_STOP && !signals_stop) word = control_wait(&c->control, 200);
    if (word == CONTROL_STOP) signals_stop = SIGTERM;
    if (signals_stop) return now() - begin;
    fprintf(stderr, "soma: going on\n");
    events_state(&c->folder, "training");
    return now() - begin;
}

static double on_step(void *user, const train_state *state, int64_t rows_total) {
    call *c = user;
    tell_notes(c);
    progress_step(&c->progress, state, rows_total);
    control_word word = control_take(&c->control);
    if (word == CONTROL_STOP) signals_stop = SIGTERM;
    return word == CONTROL_PAUSE && !signals_stop ? pause_here(c) : 0;
}

static void on_note(void *user, int fold, const char *sentence) {
    call *c = user;
    tell_notes(c);
    progress_clear(&c->progress);
    if (fold)
        fprintf(stderr, "soma: fold %d: %s\n", fold, sentence);
    else
        fprintf(stderr, "soma: %s\n", sentence);
}

static void on_epoch(void *user, const soma_epoch *epoch, int fold, const char *json) {
    call *c = user;
    (void)fold;
    if (c->json) {
        progress_clear(&c->progress);
        fputs(json, stdout);
        fflush(stdout);
        output_closed();
    }
    progress_epoch(&c->progress, epoch);
}

/* The network beside simpler answers on the same rows, and whether it is worth it. */
static void print_comparison(const call *c, const job_result *r) {
    const comparison *k = &r->compared;
    const table_schema *schema = &c->set->schema;
    char always[64] = "the mean of all rows";
    if (!k->done) return;
    if (schema->classify) snprintf(always, sizeof always, "always '%.40s'", schema->classes[k->majority]);
    printf("on the %lld rows %s, %s: this network %.4g, one linear layer %.4g, %s %.4g\n", (long long)k->rows,
           r->tested ? "of the test" : "held back (which also chose the epoch)", schema->classify ? "accuracy" : "rmse",
           k->network, k->linear, always, k->simplest);
    if (!comparison_worth_it(k))
        printf("the network is not clearly better than the linear layer: consider --net %s, which is simpler\n",
               schema->classify ? "logistic" : "linear");
}

static void print_summary(const call *c, const job_result *r) {
    static const char *const reasons[] = {[TRAIN_EPOCHS] = "all epochs done",
                                          [TRAIN_PATIENCE] = "no better epoch came",
                                          [TRAIN_SIGNAL] = "interrupted",
                                          [TRAIN_CALLBACK] = "ended"};
    const char *metric = c->set->schema.classify ? "accuracy" : "rmse";
    if (r->crossed)
        printf("%d folds: %s %.4f (standard deviation %.4f), loss %.4f\n", c->job.folds, metric, r->cv_metric,
               r->cv_metric_sd, r->cv_loss);
    printf("best epoch %lld of %lld (%s)\n", (long long)r->best_epoch, (long long)r->epochs, reasons[r->end]);
    if (r->tested) printf("test: %s %.4f, loss %.4f\n", metric, r->test_metric, r->test_loss);
    print_comparison(c, r);
    if (r->epochs && c->set->sample.rank > 1)
        printf("steps waited for data: %.1f %% of the time\n", 100 * r->data_share);
    if (r->model) printf("model: %s\n", c->folder.model);
}

/* ---- Options --------------------------------------------------------------------------------------------------- */

static int usage(soma_error *error, const char *sentence) {
    return error_set(error, SOMA_ERROR_ARGUMENT, "%s", sentence);
}

/* What may not stand together. */
static int check_together(const call *c, soma_error *error) {
    const option_value *v = c->values;
    static const int with_resume[] = {EPOCHS, PATIENCE, SCHEDULE, THREADS, MEMORY, JSON, RESUME};
    for (int i = 0; v[RESUME].given && i < ROWS; i++) {
        bool allowed = false;
        for (size_t k = 0; k < COUNT_OF(with_resume); k++) allowed |= with_resume[k] == i;
        if (v[i].given && !allowed)
            return error_set(
                error, SOMA_ERROR_ARGUMENT,
                "--resume takes every option from the checkpoint; --%s can't be given with it (only --epochs, "
                "--patience, --schedule, --threads and --json)",
                rows[i].name);
    }
    if (c->line.positional_count > 1)
        return error_set(error, SOMA_ERROR_ARGUMENT, "train takes one DATA; '%s' is one too many",
                         c->line.positional[1]);
    if (!c->line.positional_count && !v[RESUME].given)
        return usage(error,
                     "train needs DATA: a .csv file, a folder of pictures, a known set or another data set (soma "
                     "train --help)");
    return SOMA_OK;
}

/* Options of the run that is resumed, parsed as if they had been given now. */
static int take_resumed(call *c, soma_error *error) {
    const char *dir = c->values[RESUME].text;
    int code = run_folder_name(NULL, dir, &c->folder, error);
    if (!code && !run_folder_used(&c->folder))
        code = error_set(error, SOMA_ERROR_ARGUMENT, "--resume %s: there is no run", dir);
    if (!code) code = checkpoint_open(c->folder.checkpoint, c->folder.previous, NULL, &c->resume, error);
    for (int i = 0; i < ROWS && !code; i++) {
        char key[48];
        snprintf(key, sizeof key, "soma.option.%s", rows[i].name);
        const char *text = checkpoint_text(&c->resume, key);
        if (!text || c->values[i].given) continue;
        if (!options_take(&command_train, &rows[i], text, &c->values[i])) return SOMA_ERROR_STOPPED;
    }
    if (code) return code;
    c->data = c->line.positional_count ? c->line.positional[0] : checkpoint_text(&c->resume, "soma.data");
    if (!c->data || (!c->line.positional_count && !strcmp(c->data, "-")))
        return usage(error, "the run's data came from standard input; DATA must be given to go on");
    return SOMA_OK;
}

/* The full name, so that a run can be resumed from another folder. */
static const char *full_path(call *c, int slot, const char *path) {
    free(c->paths[slot]);
    c->paths[slot] = strcmp(path, "-") != 0 ? realpath(path, NULL) : NULL;
    return c->paths[slot] ? c->paths[slot] : path;
}

/* What the checkpoint remembers of this call. */
static void remember(call *c) {
    static const int not_kept[] = {OUT, OVERWRITE, RESUME, JSON, THREADS, MEMORY};
    size_t n = 0;
    for (int i = 0; i < ROWS; i++) {
        bool kept = c->values[i].given;
        for (size_t k = 0; k < COUNT_OF(not_kept); k++) kept &= not_kept[k] != i;
        if (!kept) continue;
        const char *text = c->values[i].text;
        if (i == LABELS) text = full_path(c, 1, text);
        if (i == VAL && c->values[i].is_file) text = full_path(c, 2, text);
        if (i == TEST && c->values[i].is_file) text = full_path(c, 3, text);
        if (i == TUNING) text = full_path(c, 4, text);
        snprintf(c->keys[i], sizeof c->keys[i], "soma.option.%s", rows[i].name);
        c->extra[n++] = (safetensors_pair){c->keys[i], text};
    }
    snprintf(c->fingerprint, sizeof c->fingerprint, "%016llx", (unsigned long long)c->set->fingerprint);
    c->extra[n++] = (safetensors_pair){"soma.data", full_path(c, 0, c->data)};
    c->extra[n++] = (safetensors_pair){"soma.fingerprint", c->fingerprint};
    c->extra_count = n;
}

/* "a,b" as a list that ends in NULL; the caller frees both. */
static const char **split_names(const char *text, char **copy) {
    size_t n = 1;
    for (const char *at = text; *at; at++) n += *at == ',';
    const char **names = calloc(n + 1, sizeof *names);
    *copy = strdup(text);
    if (!names || !*copy) {
        free(names);
        return NULL;
    }
    char *rest = *copy;
    n = 0;
    for (char *name; (name = strsep(&rest, ","));)
        if (*name) names[n++] = name;
    return names;
}

/* The sign between cells: one character of ASCII that can't be part of a cell's text otherwise. */
static int delimiter_of(const option_value *v, char *sign, soma_error *error) {
    *sign = 0;
    if (!v->given) return SOMA_OK;
    bool tab = !strcmp(v->text, "tab") || !strcmp(v->text, "\\t");
    *sign = tab ? '\t' : v->text[0];
    bool one = tab || (v->text[1] == 0 && (unsigned char)v->text[0] < 0x80);
    if (one && !strchr("\"\r\n", *sign)) return SOMA_OK;
    return error_set(error, SOMA_ERROR_ARGUMENT, "--delimiter takes one character or tab, not '%s'", v->text);
}

static int load_data(call *c, soma_error *error) {
    option_value *v = c->values;
    char *copy = NULL;
    const char **ignored = v[IGNORE].given ? split_names(v[IGNORE].text, &copy) : NULL;
    data_options o = {.target = v[TARGET].text,
                      .keep_text = v[SAVE_SPLIT].given,
                      .ignore = ignored,
                      .labels = v[LABELS].text,
                      .no_header = v[NO_HEADER].given};
    if (v[TASK].given)
        o.task = !strcmp(v[TASK].text, "classify")  ? TASK_CLASSIFY
                 : !strcmp(v[TASK].text, "regress") ? TASK_REGRESS
                                                    : TASK_AUTO;
    const zoo_net *net = v[NET].given ? zoo_find(v[NET].text) : NULL;
    if (net && net->sample.rank == 3) { /* pictures that differ in size become what the network was made for */
        o.picture_height = net->sample.dims[1];
        o.picture_width = net->sample.dims[2];
    }
    int code = delimiter_of(&v[DELIMITER], &o.delimiter, error);
    c->set = code ? NULL : data_load(NULL, c->data, o, error);
    data_options more = {.schema = c->set ? &c->set->schema : NULL, .delimiter = o.delimiter};
    if (c->set && v[VAL].given && v[VAL].is_file) c->val = data_load(NULL, v[VAL].text, more, error);
    if (c->set && v[TEST].given && v[TEST].is_file) c->test = data_load(NULL, v[TEST].text, more, error);
    known_choice known;
    if (c->set && !v[TEST].given && !known_find(c->data, &known, error) && known_has_test(&known)) {
        c->test = data_load(NULL, c->data, more, error);
        c->own_test = c->test != NULL;
    }
    free(ignored);
    free(copy);
    return error->code;
}

static soma_init init_of(const option_value *value) {
    static const soma_init inits[] = {{.kind = SOMA_INIT_XAVIER_UNIFORM},
                                      {.kind = SOMA_INIT_XAVIER_NORMAL},
                                      {.kind = SOMA_INIT_HE},
                                      {.kind = SOMA_INIT_NORMAL},
                                      {.kind = SOMA_INIT_ORTHOGONAL},
                                      {.kind = SOMA_INIT_CONSTANT, .value = 0.1}};
    size_t i = 0;
    while (value->given && strcmp(init_names[i], value->text) != 0) i++;
    return inits[i];
}

static target_transform transform_of(const option_value *value) {
    if (!value->given) return TARGET_AUTO;
    target_transform transform = TARGET_PLAIN;
    while (transform < TARGET_AUTO && strcmp(transform_names[transform], value->text) != 0) transform++;
    return transform;
}

static int refuse_monitor(const char *text, bool classify, soma_error *error) {
    char list[256] = "";
    for (const char *const *name = monitor_names; *name; name++) {
        const char *bare = !strncmp(*name, "val_", 4) ? *name + 4 : *name;
        for (size_t i = 0; i < MEASURES; i++) {
            size_t at = strlen(list);
            if (!strcmp(measures[i].name, bare) && (classify ? measures[i].classes : measures[i].numbers))
                snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", *name);
        }
    }
    return error_set(error, SOMA_ERROR_ARGUMENT, "--monitor %s: the target is %s, for which there are %s", text,
                     classify ? "a class" : "a number", list);
}

/* The monitor, checked against task and validation. */
static int monitor_of(const call *c, monitor *m, soma_error *error) {
    const option_value *v = &c->values[MONITOR];
    const char *text = v->given ? v->text : "val_loss";
    bool val = !strncmp(text, "val_", 4), has_val = c->val || c->job.val_fraction > 0;
    bool classify = c->set->schema.classify;
    const char *name = val ? text + 4 : text;
    *m = (monitor){.training = !val};
    while (strcmp(measures[m->measure].name, name) != 0) m->measure++;
    if (classify ? !measures[m->measure].classes : !measures[m->measure].numbers)
        return refuse_monitor(text, classify, error);
    if (m->measure == MEASURE_TOP5 && c->set->schema.classes_count <= 5)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "--monitor %s: it is always 1 with %zu classes, more than 5 needed", text,
                         c->set->schema.classes_count);
    if (v->given && val && !has_val)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "--monitor %s: with --val 0 there is nothing held back to measure it on", text);
    return SOMA_OK;
}

/* Optimizer and schedule with their settings, and whether options say one thing twice. */
static int read_settings(call *c, soma_error *error) {
    const option_value *v = c->values;
    train_job *j = &c->job;
    optimizer_choice choice = {.lr_given = false};
    int code = v[OPT].given ? optimizer_read(v[OPT].text, &choice, error) : SOMA_OK;
    if (!code && v[SCHEDULE].given) code = schedule_read(v[SCHEDULE].text, &j->schedule, error);
    if (code) return code;
    if (v[LR].given && choice.lr_given)
        return error_set(error, SOMA_ERROR_ARGUMENT, "--lr %s and the lr of --opt %s are two learning rates; give one",
                         v[LR].text, v[OPT].text);
    if (v[L2].given && choice.weight_decay_given)
        return error_set(error, SOMA_ERROR_ARGUMENT, "--l2 %s and the weight_decay of --opt %s are the same; give one",
                         v[L2].text, v[OPT].text);
    if (j->schedule.max > 0 && (v[LR].given || choice.lr_given) && !c->schedule_new)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "--schedule %s: max takes the place of the learning rate that %s says; give one",
                         v[SCHEDULE].text, v[LR].given ? "--lr" : "--opt");
    j->schedule_given = v[SCHEDULE].given;
    j->optimizer_given = v[OPT].given;
    j->optimizer = choice.optimizer;
    return SOMA_OK;
}

static int fill_job(call *c, soma_error *error) {
    option_value *v = c->values;
    train_job *j = &c->job;
    *j = (train_job){.set = c->set,
                     .val_set = c->val,
                     .test_set = c->test,
                     .val_fraction = c->val         ? 0
                                     : v[VAL].given ? v[VAL].number
                                                    : 0.2,
                     .test_fraction = c->test || !v[TEST].given ? 0 : v[TEST].number,
                     .folds = (int)v[FOLDS].whole,
                     .net = v[NET].text,
                     .init = init_of(&v[INIT]),
                     .init_given = v[INIT].given,
                     .allow_symmetric = v[ALLOW_SYMMETRIC].given,
                     .epochs = v[EPOCHS].whole,
                     .batch = v[BATCH].whole,
                     .patience = v[PATIENCE].whole,
                     .augment = v[AUGMENT].text,
                     .learning_rate = v[LR].given && !v[LR].is_word ? v[LR].number : -1,
                     .find_rate = v[LR].given && v[LR].is_word,
                     .schedule_new = c->schedule_new,
                     .accumulate = v[ACCUMULATE].whole,
                     .average = v[EMA].given ? v[EMA].number : -1,
                     .balance = v[BALANCE].given,
                     .transform = transform_of(&v[TARGET_TRANSFORM]),
                     .checkpoint_minutes = v[CHECKPOINT_MINUTES].given ? v[CHECKPOINT_MINUTES].number : 10,
                     .l1 = v[L1].given ? v[L1].number : -1,
                     .l2 = v[L2].given ? v[L2].number : -1,
                     .clip = v[CLIP].given ? v[CLIP].number : -1,
                     .seed = (uint64_t)v[SEED].whole,
                     .threads = threads_of(&v[THREADS]),
                     .backend = backend_of(&v[BACKEND]),
                     .precision = precision_of(&v[PRECISION]),
                     .algorithm = algorithm_of(&v[ALGORITHM]),
                     .tuning = c->tuning,
                     .memory = v[MEMORY].whole,
                     .stop = &signals_stop,
                     .folder = &c->folder,
                     .split_folder = v[SAVE_SPLIT].text,
                     .replace_parts = v[OVERWRITE].given,
                     .extra = c->extra,
                     .extra_count = c->extra_count,
                     .resume = c->resume.file ? &c->resume : NULL,
                     .user = c,
                     .on_begin = on_begin,
                     .on_step = on_step,
                     .on_note = on_note,
                     .on_epoch = on_epoch};
    if (j->balance && !c->set->schema.classify)
        return usage(error, "--balance weights classes, but the target is a number");
    balance_describe(c->set, j->balance, c->balance_note, sizeof c->balance_note);
    int code = read_settings(c, error);
    return code ? code : monitor_of(c, &j->monitor, error);
}

/* Two trainings in one folder would overwrite each other's files. */
static int refuse_twice(const run_folder *folder, soma_error *error) {
    if (!control_alive(folder->path)) return SOMA_OK;
    return error_set(error, SOMA_ERROR_ARGUMENT, "%s: a training is going on in this folder; stop it first",
                     folder->path);
}

/* Everything that can be wrong with the call, before anything is written. */
static int prepare(call *c, soma_error *error) {
    int code = check_together(c, error);
    c->schedule_new = c->values[RESUME].given && c->values[SCHEDULE].given;
    if (!code && c->values[RESUME].given) code = take_resumed(c, error);
    if (!code) code = tuning_of(&c->values[TUNING], &c->tuning, error);
    if (code) return code;
    if (!c->data) c->data = c->line.positional[0];
    code = load_data(c, error);
    if (code) return code == SOMA_ERROR_IO ? (error->code = SOMA_ERROR_INPUT) : code;
    remember(c);
    const char *known = c->resume.file ? checkpoint_text(&c->resume, "soma.fingerprint") : NULL;
    if (known && strcmp(known, c->fingerprint) != 0)
        return error_set(error, SOMA_ERROR_INPUT, "%s: these are not the data that the run was trained on", c->data);
    code = fill_job(c, error);
    if (!code) code = job_check(&c->job, error);
    if (!code && c->resume.file) code = refuse_twice(&c->folder, error);
    if (code || c->resume.file) return code;
    if (!c->values[OUT].given) return run_folder_create_new(NULL, &c->folder, error);
    code = run_folder_name(NULL, c->values[OUT].text, &c->folder, error);
    if (!code && c->values[OVERWRITE].given) code = refuse_twice(&c->folder, error);
    return code ? code : run_folder_create(&c->folder, c->values[OVERWRITE].given, error);
}

static void say_how_to_go_on(const call *c) {
    complain("soma: stopped and saved; go on with: soma train --resume %s", c->folder.path);
}

static int work(call *c) {
    soma_error error = {0};
    job_result result;
    json_text j = {0};
    signals_catch();
    control_open(&c->control, c->folder.path);
    progress_open(&c->progress, !c->json);
    int code = job_run(&c->job, &result, &error), status = STATUS_OK;
    progress_clear(&c->progress);
    control_close(&c->control);
    if (code) {
        status = fail_with(&error, false);
    } else {
        tell_notes(c);
        if (c->json) {
            job_result_json(&c->job, &result, &j);
            status = print_answer(&j, status);
        } else {
            print_summary(c, &result);
        }
        if (result.end == TRAIN_SIGNAL) {
            say_how_to_go_on(c);
            status = 128 + signals_stop;
        }
    }
    json_text_clear(&j);
    soma_model_destroy(result.model);
    return finish_output(status);
}

static int run(const command_line *line) {
    soma_error error = {0};
    call *c = calloc(1, sizeof *c);
    if (!c) {
        complain("soma: memory is out");
        return STATUS_FAILED;
    }
    c->line = *line;
    c->values = c->line.values;
    c->json = c->values[JSON].given;
    c->folder.metrics_file = c->folder.events_file = -1;
    c->control.socket = -1;
    int code = prepare(c, &error);
    int status = code == SOMA_ERROR_STOPPED ? STATUS_USAGE : code ? fail_with(&error, false) : work(c);
    checkpoint_close(&c->resume);
    if (status) run_folder_drop_empty(&c->folder);
    run_folder_clear(&c->folder);
    soma_dataset_destroy(c->set);
    soma_dataset_destroy(c->val);
    soma_dataset_destroy(c->test);
    soma_tuning_destroy(c->tuning);
    for (size_t i = 0; i < COUNT_OF(c->paths); i++) free(c->paths[i]);
    free(c);
    return status;
}

const command command_train = {
    .name = "train",
    .arguments = "DATA [options]",
    .summary = "train a network on a table or on pictures; writes a run folder",
    .description =
        "Trains a network on DATA and writes a run folder with model.onnx (the best epoch, preprocessing included), "
        "checkpoint.safetensors (to go on from) and metrics.jsonl (a line an epoch). DATA is a .csv file (- for "
        "standard "
        "input), a folder with one sub-folder of PNG or JPEG pictures for each class, a .npz or .npy array, a CIFAR-10 "
        "binary, an IDX images file, plain or .gz, or the name of a known set: moons, spiral, circles, xor, blobs, "
        "random, "
        "iris, wine, breast_cancer, digits, diabetes, mnist, fashion-mnist (soma data tells what they are). Without "
        "options a fifth of the rows is held back, training stops "
        "when "
        "the loss on it no longer falls, and the last column is the target.\n\n"
        "SPEC is layers separated by commas: dense N, conv N KxK, convt N KxK, maxpool K, avgpool K|global, upsample "
        "K, "
        "dropout P, bn, ln, in, gn GROUPS, lrn, flatten, residual(SPEC), concat(SPEC | SPEC), identity, activations "
        "(relu, tanh, sigmoid, gelu, …); after its sizes s2 is a stride, p1 or same padding, d2 dilation, g8 groups; "
        "then a norm (bn, ln, in, gn GROUPS), then an activation. \"stem: conv 8 3x3\" names a layer. The output layer "
        "that the data need is appended when SPEC doesn't end in it.\n\n"
        "--augment's LIST, applied in its order: shift N (pixels, each way; edges go on), crop N (a black border of N "
        "pixels, then a random part), rotate DEGREES, flip, vflip, colour S (brightness, contrast, saturation), cutout "
        "N "
        "(a square), mixup A (of two pictures, by Beta(A, A)).",
    .options = rows,
    .aliases = aliases,
    .examples = "  soma train iris.csv\n"
                "  soma train wine.csv --folds 5 --seed 1\n"
                "  soma train houses.csv --target price --ignore id --net \"dense 64 relu, dropout 0.2\"\n"
                "  soma train spiral --net \"dense 32 tanh, dense 32 tanh\" --l2 0.01 --test spiral:seed=1\n"
                "  soma train train-images-idx3-ubyte.gz --net lenet --epochs 10 --test t10k-images-idx3-ubyte.gz\n"
                "  soma train flowers --test more-flowers\n"
                "  soma train iris.csv --opt momentum --lr 0.01 --batch 16 --out runs/first\n"
                "  soma train --resume runs/first --epochs 400\n",
    .run = run};
