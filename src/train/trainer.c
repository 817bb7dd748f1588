/* train/trainer.c: the training loop. Each epoch visits the rows in an order that depends on seed and epoch alone, in
 * batches, the last one short; then the rows held back are measured. Position, sums and weights together are the state:
 * a run that goes on from a checkpoint computes the same bits as one that was never interrupted. With groups of batches
 * a step adds to the gathered gradient, and the last one of a group updates the weights. */
#include "base/parallel.h"
#include "plan/plan.h"
#include "train/average.h"
#include "train/balance.h"
#include "train/loop.h"

#include <math.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- Setting up ------------------------------------------------------------------------------------------------ */

static int new_store(soma_model *m, const train_request *r, soma_error *error) {
    model_forget_plan(m);
    onnx_model_destroy(m->imported);
    m->imported = NULL;
    soma_store_destroy(m->store);
    soma_store_options options = {
        .seed = r->seed, .float64 = r->backend == SOMA_BACKEND_REFERENCE, .context = m->context};
    m->store = soma_store_create(options, error);
    m->threads = r->threads;
    m->backend = r->backend;
    m->precision = r->precision;
    m->algorithm = r->algorithm;
    return m->store ? SOMA_OK : SOMA_ERROR_MEMORY;
}

static int weigh_classes(trainer *t, soma_error *error) {
    const train_request *r = t->request;
    size_t classes = (size_t)t->model->outputs;
    if (!r->balance || t->model->task != SOMA_CLASSIFY) return SOMA_OK;
    t->class_weights = mem_array(t->context, classes, sizeof *t->class_weights);
    if (!t->class_weights) return error_memory(error);
    balance_weights(r->set, r->rows, r->rows_count, t->class_weights, classes);
    t->model->class_weights = t->class_weights;
    return SOMA_OK;
}

/* Whether a step's answers are looked at; else its loss says everything. */
static bool reads_answers(const soma_model *m) { return m->task == SOMA_CLASSIFY || m->preprocess.target_log; }

/* The step's network with the optimizer's part, as a plan. */
static int compile_step(trainer *t, minimize_part part, stepper *s, soma_error *error) {
    const train_request *r = t->request;
    soma_model *m = t->model;
    soma_plan_options options = {.store = m->store,
                                 .threads = r->threads,
                                 .backend = r->backend,
                                 .max_batch = r->batch,
                                 .memory = r->memory,
                                 .precision = r->precision,
                                 .algorithm = r->algorithm,
                                 .tuning = r->tuning};
    size_t effects;
    int code = network_build(m, true, true, &s->network, error);
    if (code) return code;
    code = minimize_with(s->network.loss, r->optimizer, (minimize_request){part, r->average > 0}, &s->inputs);
    if (code) {
        const soma_error *mistake = soma_graph_error(s->network.graph);
        return error_set(error, mistake->code, "%s", mistake->message);
    }
    const soma_value *updates = soma_graph_effects(s->network.graph, &effects);
    soma_value outputs[2] = {s->network.loss, s->network.raw};
    s->plan = soma_plan_create(outputs, reads_answers(m) ? 2 : 1, updates, effects, options, error);
    if (s->plan && r->on_note) {
        char text[160];
        plan_memory_text(s->plan, text, sizeof text);
        if (*text) r->on_note(r->user, text);
        if (*s->plan->note) r->on_note(r->user, s->plan->note);
    }
    s->run = s->plan ? soma_run_create(s->plan, error) : NULL;
    return s->run ? SOMA_OK : error && error->code ? error->code : SOMA_ERROR_INTERNAL;
}

/* The plan that measures comes first, so that the store's first variables are the model's own. */
static int compile(trainer *t, soma_error *error) {
    const train_request *r = t->request;
    soma_model *m = t->model;
    soma_plan_options options = {.store = m->store,
                                 .threads = r->threads,
                                 .backend = r->backend,
                                 .precision = r->precision,
                                 .algorithm = r->algorithm,
                                 .tuning = r->tuning};
    int code = network_build(m, false, true, &t->measure, error);
    if (code) return code;
    soma_value outputs[2] = {t->measure.loss, t->measure.raw};
    options.max_batch = t->measure_batch = answer_batch(m, r->val_count ? (int64_t)r->val_count : 1);
    t->measure_plan = soma_plan_infer(outputs, 2, options, error);
    if (!t->measure_plan) return error && error->code ? error->code : SOMA_ERROR_INTERNAL;
    m->variables = soma_store_count(m->store);
    bool groups = r->accumulate > 1;
    code = compile_step(t, groups ? MINIMIZE_CLOSE : MINIMIZE_WHOLE, &t->update, error);
    if (!code && groups) code = compile_step(t, MINIMIZE_GATHER, &t->gather, error);
    if (code) return code;
    t->rate = r->optimizer.learning_rate;
    t->measure_run = soma_run_create(t->measure_plan, error);
    return t->measure_run ? SOMA_OK : error && error->code ? error->code : SOMA_ERROR_INTERNAL;
}

static int apply_presets(soma_model *m, soma_error *error) {
    for (size_t i = 0; i < m->presets_count; i++) {
        const preset *p = &m->presets[i];
        const variable *v = store_find(m->store, p->name);
        if (!v) return error_set(error, SOMA_ERROR_ARGUMENT, "the network has no parameter '%s'", p->name);
        int code = p->values ? soma_store_set(m->store, p->name, p->values, p->count, error) : SOMA_OK;
        if (code) return code;
    }
    return SOMA_OK;
}

static bool allocate(trainer *t) {
    const train_request *r = t->request;
    size_t largest = (size_t)(r->batch > t->measure_batch ? r->batch : t->measure_batch), answers;
    if (!size_multiply(largest, (size_t)t->model->outputs, &answers)) return false;
    t->order = mem_array(t->context, r->rows_count, sizeof *t->order);
    t->y = mem_array(t->context, largest + 1, sizeof *t->y);
    t->answers = mem_array(t->context, answers, sizeof *t->answers);
    return t->order && t->y && t->answers;
}

static int open_loaders(trainer *t, soma_error *error) {
    const train_request *r = t->request;
    loader_options o = {.context = t->context,
                        .set = r->set,
                        .rows = r->rows_count,
                        .batch = r->batch,
                        .threads = r->threads > 0 ? r->threads : processors_available(),
                        .augment = r->augment,
                        .seed = r->seed};
    t->rows = loader_create(o, error);
    if (!t->rows) return SOMA_ERROR_MEMORY;
    if (!r->val_count) return SOMA_OK;
    o.set = r->val;
    o.rows = r->val_count;
    o.batch = t->measure_batch;
    o.augment = NULL;
    t->held_back = loader_create(o, error);
    return t->held_back ? SOMA_OK : SOMA_ERROR_MEMORY;
}

/* ---- Steps ----------------------------------------------------------------------------------------------------- */

/* The batch that begins at row `first` of the loader's order. */
static int load_batch(trainer *t, soma_run *run, const network *n, loader *from, int64_t first, int64_t *count,
                      soma_error *error) {
    bool classes = t->model->task == SOMA_CLASSIFY, whole = soma_value_dtype(n->target) == SOMA_INT64;
    const preprocess *p = &t->model->preprocess;
    loader_batch b;
    int code = loader_get(from, first, &b, error);
    if (code) return code;
    *count = b.rows;
    t->classes = b.classes;
    for (int64_t i = 0; i <= b.rows && !whole; i++) /* one more: the last picture may be mixed with the first */
        t->y[i] = classes ? (float)b.classes[i] : (float)preprocess_target(p, (double)b.targets[i]);
    code = soma_run_bind(run, n->x, b.x, b.rows, error);
    if (!code) code = soma_run_bind(run, n->target, whole ? (const void *)b.classes : t->y, b.rows, error);
    if (code || !n->next_target.node) return code;
    code = soma_run_bind(run, n->next_target, whole ? (const void *)(b.classes + 1) : t->y + 1, b.rows, error);
    return code ? code : soma_run_set_scalar(run, n->share, b.share, error);
}

/* The mean loss of the rows just run and how many of them are classified rightly, or how far off the answers are. */
static int read_batch(trainer *t, soma_run *run, const network *n, int64_t count, step_result *result,
                      soma_error *error) {
    const soma_model *m = t->model;
    const preprocess *p = &m->preprocess;
    int64_t width = m->sigmoid ? 1 : m->outputs;
    float value = 0;
    int code = soma_run_get(run, n->loss, &value, 1, error);
    result->loss = (double)value;
    result->right = 0;
    result->squares = 0;
    if (code || !reads_answers(m)) return code;
    code = soma_run_get(run, n->raw, t->answers, (size_t)(count * width), error);
    for (int64_t i = 0; i < count && !code; i++) {
        const float *a = t->answers + i * width;
        if (m->task == SOMA_CLASSIFY) {
            result->right += (m->sigmoid ? a[0] > 0.5f : metrics_argmax(a, width)) == t->classes[i];
        } else {
            double miss = preprocess_answer(p, (double)a[0]) - preprocess_answer(p, (double)t->y[i]);
            result->squares += miss * miss;
        }
    }
    return code;
}

/* Accuracy or RMSE from sums over `rows`. */
static double metric_of(const soma_model *m, double loss, int64_t right, double squares, int64_t rows) {
    if (m->task == SOMA_CLASSIFY) return (double)right / (double)rows;
    return m->preprocess.target_log ? sqrt(squares / (double)rows) : sqrt(loss) * m->preprocess.target_deviation;
}

int64_t loop_batch_rows(const trainer *t) {
    int64_t left = (int64_t)t->request->rows_count - t->state.step * t->request->batch;
    return left < t->request->batch ? left : t->request->batch;
}

/* What the batch just loaded counts: its rows, or the sum of their classes' weights. */
static double batch_weight(const trainer *t, int64_t count) {
    double sum = 0;
    if (!t->class_weights) return (double)count;
    for (int64_t i = 0; i < count; i++) sum += (double)t->class_weights[t->classes[i]];
    return sum;
}

/* Steps of an epoch; `taken` leaves out a last one that batch normalisation forbids. */
int64_t loop_epoch_steps(const trainer *t, bool taken) {
    int64_t rows = (int64_t)t->request->rows_count, batch = t->request->batch;
    bool skipped = taken && t->single_rows_fail && rows % batch == 1;
    return (rows + batch - 1) / batch - skipped;
}

static int64_t group_size(const trainer *t) { return t->request->accumulate > 1 ? t->request->accumulate : 1; }

/* Whether the step at the state's position ends its group, so that the weights are updated. */
bool loop_closes_group(const trainer *t) {
    return (t->state.step + 1) % group_size(t) == 0 || t->state.step + 1 == loop_epoch_steps(t, true);
}

double loop_present_rate(const trainer *t) {
    int64_t each = (loop_epoch_steps(t, true) + group_size(t) - 1) / group_size(t);
    return pace_rate(&t->request->schedule, &t->state.pace, t->state.updates, each);
}

/* The numbers that a step is told beside its batch. */
static int set_scalars(const trainer *t, soma_run *run, const minimize_inputs *in, double rate, double weight,
                       soma_error *error) {
    double gathered = t->state.gathered;
    const struct {
        soma_value input;
        double value;
    } scalars[] = {{in->keep, gathered > 0 ? 1 : 0},
                   {in->weight, weight},
                   {in->share, 1 / (gathered + weight)},
                   {in->fresh, t->state.updates ? 1 - t->request->average : 1}};
    int code = SOMA_OK;
    if (in->rate.node && rate != t->rate) code = soma_run_set_scalar(run, in->rate, rate, error);
    for (size_t i = 0; i < COUNT_OF(scalars) && !code; i++)
        if (scalars[i].input.node) code = soma_run_set_scalar(run, scalars[i].input, scalars[i].value, error);
    return code;
}

void loop_begin_rows(trainer *t, int64_t epoch, int64_t first) {
    const train_request *r = t->request;
    data_epoch_order(r->rows, r->rows_count, r->seed, epoch, t->order);
    loader_begin(t->rows, t->order, r->rows_count, epoch, first);
}

/* A step at a position of the random streams. */
int loop_run_batch(trainer *t, stepper *s, int64_t first, uint64_t position, double rate, step_result *result,
                   soma_error *error) {
    int64_t count;
    int code = load_batch(t, s->run, &s->network, t->rows, first, &count, error);
    if (code) return code;
    result->weight = batch_weight(t, count);
    code = set_scalars(t, s->run, &s->inputs, rate, result->weight, error);
    if (!code && s->inputs.rate.node) t->rate = rate;
    soma_run_seed(s->run, t->request->seed, position);
    if (!code) code = soma_run_step(s->run, error);
    return code ? code : read_batch(t, s->run, &s->network, count, result, error);
}

/* One step at the state's position, which moves on. */
int loop_take_step(trainer *t, double *loss, soma_error *error) {
    train_state *at = &t->state;
    int64_t count = loop_batch_rows(t);
    *loss = 0;
    if (count > 1 || !t->single_rows_fail) {
        bool closes = loop_closes_group(t);
        step_result result;
        int code = loop_run_batch(t, closes ? &t->update : &t->gather, at->step * t->request->batch, at->steps,
                                  closes ? loop_present_rate(t) : t->rate, &result, error);
        if (code) return code;
        *loss = result.loss;
        at->loss += result.loss * result.weight;
        at->weight += result.weight;
        at->right += result.right;
        at->squares += result.squares;
        at->rows += count;
        at->gathered = closes ? 0 : at->gathered + result.weight;
        at->updates += closes;
    }
    at->step++;
    at->steps++;
    return SOMA_OK;
}

/* Notes the answers of a batch just measured, for what is monitored. */
static int note_answers(trainer *t, int64_t count, soma_error *error) {
    const soma_model *m = t->model;
    const preprocess *p = &m->preprocess;
    if (m->task == SOMA_REGRESS) {
        int code = soma_run_get(t->measure_run, t->measure.raw, t->answers, (size_t)count, error);
        for (int64_t i = 0; i < count && !code; i++)
            metrics_add_number(&t->measured, preprocess_answer(p, (double)t->y[i]),
                               preprocess_answer(p, (double)t->answers[i]));
        return code;
    }
    for (int64_t i = 0; i < count; i++) {
        float pair[2] = {1 - t->answers[i], t->answers[i]};
        metrics_add_probabilities(&t->measured, t->classes[i], m->sigmoid ? pair : t->answers + i * m->outputs);
    }
    return SOMA_OK;
}

static int measure_held_back(trainer *t, double *loss, double *metric, soma_error *error) {
    const train_request *r = t->request;
    double sum = 0, weights = 0, squares = 0;
    int64_t hits = 0, total = (int64_t)r->val_count, classes = t->model->task == SOMA_CLASSIFY ? t->model->outputs : 0;
    bool more = r->monitor.measure > MEASURE_ACCURACY && !r->monitor.training && total;
    *loss = *metric = NAN;
    metrics_clear(t->context, &t->measured);
    if (more && (!metrics_create(t->context, classes, &t->measured) ||
                 (measures[r->monitor.measure].ranked && !metrics_keep(t->context, &t->measured, total))))
        return error_memory(error);
    if (total) loader_begin(t->held_back, r->val_rows, r->val_count, 0, 0);
    for (int64_t first = 0; first < total; first += t->measure_batch) {
        int64_t n;
        step_result result;
        int code = load_batch(t, t->measure_run, &t->measure, t->held_back, first, &n, error);
        if (!code) code = soma_run_step(t->measure_run, error);
        if (!code) code = read_batch(t, t->measure_run, &t->measure, n, &result, error);
        if (!code && more) code = note_answers(t, n, error);
        if (code) return code;
        sum += result.loss * batch_weight(t, n);
        weights += batch_weight(t, n);
        hits += result.right;
        squares += result.squares;
    }
    if (!total) return SOMA_OK;
    *loss = sum / weights;
    *metric = metric_of(t->model, *loss, hits, squares, total);
    return more && !metrics_rank(t->context, &t->measured) ? error_memory(error) : SOMA_OK;
}

/* ---- Epochs ---------------------------------------------------------------------------------------------------- */

bool loop_stop_wanted(const trainer *t) { return t->request->stop && *t->request->stop; }

/* The number that decides, and whether a larger one is better. Without anything held back the loss tells a plateau. */
static double monitored(const trainer *t, const soma_epoch *e, bool *larger) {
    monitor m = t->request->monitor;
    bool training = m.training || !t->request->val_count;
    *larger = measures[m.measure].larger;
    if (m.measure == MEASURE_LOSS) return training ? e->loss : e->val_loss;
    if (m.measure == MEASURE_ACCURACY || m.measure == MEASURE_RMSE) return training ? e->metric : e->val_metric;
    return measures[m.measure].value(&t->measured);
}

static bool is_better(const trainer *t, double value, bool larger) {
    if (!t->request->val_count) return true;
    if (isnan(value)) return false;
    if (!t->state.best_epoch) return true;
    return larger ? value > t->state.best_value : value < t->state.best_value;
}

/* Moves the state behind an epoch that has been measured. */
static void close_epoch(trainer *t, soma_epoch *e) {
    train_state *s = &t->state;
    bool larger;
    s->epoch++;
    e->monitored = monitored(t, e, &larger);
    e->best = is_better(t, e->monitored, larger);
    pace_measured(&t->request->schedule, &s->pace, e->monitored, larger);
    if (e->best) {
        s->best_epoch = s->epoch;
        s->best_value = e->monitored;
        s->best_loss = e->val_loss;
        s->worse = 0;
    } else {
        s->worse++;
    }
    s->step = s->right = s->rows = 0;
    s->loss = s->weight = s->squares = 0;
}

static int save(trainer *t, bool final, soma_error *error) {
    const train_request *r = t->request;
    return r->save ? r->save(r->user, &t->state, t->model->store, &t->best, final, error) : SOMA_OK;
}

/* The steps of one epoch from the state's position on. */
static int run_steps(trainer *t, bool *stopped, soma_error *error) {
    const train_request *r = t->request;
    int64_t steps = loop_epoch_steps(t, false);
    loop_begin_rows(t, t->state.epoch + 1, t->state.step * r->batch);
    while (t->state.step < steps) {
        double loss;
        int code = loop_take_step(t, &loss, error);
        if (code) return code;
        if (!isfinite(loss) || (t->state.step == steps && !store_finite(t->model->store)))
            return loop_explain_not_finite(t, t->state.step, error);
        if (r->on_step) t->held += r->on_step(r->user, &t->state, (int64_t)r->rows_count);
        if ((*stopped = loop_stop_wanted(t)) && t->state.step < steps) return SOMA_OK;
        if (r->save_due && t->state.step < steps && r->save_due(r->user) && (code = save(t, false, error))) return code;
    }
    return SOMA_OK;
}

/* Measures the epoch and moves the state behind it, with the averaged weights in the place of the others where there
 * are any. */
static int measure_epoch(trainer *t, soma_epoch *e, soma_error *error) {
    bool averaged = t->request->average > 0 && t->state.updates;
    if (averaged) average_swap(t->model->store, t->model->variables);
    int code = measure_held_back(t, &e->val_loss, &e->val_metric, error);
    if (!code) close_epoch(t, e);
    if (!code && e->best && !snapshot_take(&t->best, t->model->store, t->model->variables)) code = error_memory(error);
    if (averaged) average_swap(t->model->store, t->model->variables);
    if (code) return code;
    if (!snapshot_take(&t->safe, t->model->store, t->model->store->count)) return error_memory(error);
    t->safe_state = t->state;
    return SOMA_OK;
}

static int run_epoch(trainer *t, train_end *end, bool *ended, soma_error *error) {
    const train_request *r = t->request;
    double begin = now();
    int64_t rows_before = t->state.rows;
    bool stopped = false;
    t->held = 0;
    int code = run_steps(t, &stopped, error);
    double trained = now() - begin - t->held;
    t->trained += trained;
    if (code) return code;
    if (stopped && t->state.step * r->batch < (int64_t)r->rows_count) {
        *end = TRAIN_SIGNAL;
        *ended = true;
        return SOMA_OK;
    }
    soma_epoch e = {.epoch = t->state.epoch + 1, .loss = t->state.loss / t->state.weight, .learning_rate = t->rate};
    e.metric = metric_of(t->model, e.loss, t->state.right, t->state.squares, t->state.rows);
    e.samples_per_second = (double)(t->state.rows - rows_before) / (trained > 1e-9 ? trained : 1e-9);
    code = measure_epoch(t, &e, error);
    e.seconds = now() - begin - t->held;
    if (code) return code;
    int wish = r->on_epoch ? r->on_epoch(r->user, &e, error) : 0;
    if (error && error->code) return error->code;
    *ended = true;
    if (stopped || loop_stop_wanted(t))
        *end = TRAIN_SIGNAL;
    else if (wish)
        *end = TRAIN_CALLBACK;
    else if (r->val_count && r->patience && t->state.worse >= r->patience)
        *end = TRAIN_PATIENCE;
    else
        *ended = false;
    return *ended ? SOMA_OK : save(t, false, error);
}

static int resume(trainer *t, soma_error *error) {
    const train_request *r = t->request;
    int code = checkpoint_restore(r->resume, t->model->store, t->model->variables, &t->best, error);
    if (code) return code;
    t->state = r->resume->state;
    if (!r->schedule_new) code = pace_check_epochs(&r->schedule, &t->state.pace, r->epochs, error);
    if (code) return code;
    int64_t steps = loop_epoch_steps(t, false);
    if (t->state.step < steps && (!(t->state.gathered > 0) || r->accumulate > 1)) return SOMA_OK;
    return error_set(error, SOMA_ERROR_INPUT, "%s: the checkpoint stands at step %lld of an epoch of %lld",
                     r->resume->path, (long long)t->state.step, (long long)steps);
}

static int run_epochs(trainer *t, train_end *end, soma_error *error) {
    const train_request *r = t->request;
    bool ended = r->val_count && r->patience && t->state.worse >= r->patience;
    int code = SOMA_OK;
    *end = ended ? TRAIN_PATIENCE : TRAIN_EPOCHS;
    if (t->interrupted) {
        *end = TRAIN_SIGNAL;
        ended = true;
    }
    if (!r->resume) code = save(t, false, error);
    while (!code && !ended && t->state.epoch < r->epochs) code = run_epoch(t, end, &ended, error);
    if (!code) code = save(t, true, error);
    return code;
}

/* The rate that training begins with, and the epochs for which its schedule is laid out. */
static int begin_pace(trainer *t, soma_error *error) {
    const train_request *r = t->request;
    pace *p = &t->state.pace;
    bool known = r->resume && r->find_rate && p->rate > 0;
    p->epochs = r->epochs;
    if (known) return SOMA_OK;
    if (r->find_rate) return loop_find_rate(t, error);
    p->rate = r->optimizer.learning_rate;
    return SOMA_OK;
}

static void clear_stepper(stepper *s) {
    soma_run_destroy(s->run);
    soma_plan_destroy(s->plan);
    network_clear(&s->network);
}

static void clear(trainer *t) {
    loader_destroy(t->rows);
    loader_destroy(t->held_back);
    soma_run_destroy(t->measure_run);
    soma_plan_destroy(t->measure_plan);
    clear_stepper(&t->update);
    clear_stepper(&t->gather);
    network_clear(&t->measure);
    snapshot_clear(&t->safe);
    snapshot_clear(&t->best);
    mem_free(t->context, t->order);
    mem_free(t->context, t->y);
    mem_free(t->context, t->answers);
    metrics_clear(t->context, &t->measured);
    t->model->class_weights = NULL;
    mem_free(t->context, t->class_weights);
}

int train_model(soma_model *m, const train_request *request, train_end *end, train_state *state, soma_error *error) {
    trainer t = {.model = m, .request = request, .context = m->context};
    t.safe.context = t.best.context = m->context;
    t.state.best_value = t.state.best_loss = 0;
    preprocess_clear(&m->preprocess);
    m->mixed = request->augment && request->augment->mixup > 0;
    int code = preprocess_learn(m->context, request->set, request->rows, request->rows_count, request->transform,
                                &m->preprocess, error);
    if (!code) code = new_store(m, request, error);
    if (!code) code = train_check_norms(m, request->batch, (int64_t)request->rows_count, &t.single_rows_fail, error);
    if (!code) code = weigh_classes(&t, error);
    if (!code) code = compile(&t, error);
    if (!code) code = apply_presets(m, error);
    if (!code && !allocate(&t)) code = error_memory(error);
    if (!code) code = open_loaders(&t, error);
    if (!code && request->resume) code = resume(&t, error);
    if (!code && !snapshot_take(&t.safe, m->store, m->store->count)) code = error_memory(error);
    if (!code) code = begin_pace(&t, error);
    t.safe_state = t.state;
    if (!code) code = run_epochs(&t, end, error);
    if (t.best.count) snapshot_restore(&t.best, m->store);
    m->best_epoch = t.state.best_epoch;
    m->epochs = t.state.epoch;
    m->data_share = t.trained > 0 ? loader_waited(t.rows) / t.trained : 0;
    m->mixed = false;
    *state = t.state;
    clear(&t);
    return code;
}
