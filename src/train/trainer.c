/* train/trainer.c: the training loop. Each epoch visits the rows in an order that depends on seed and epoch alone, in
 * batches, the last one short; then the rows held back are measured. Position, sums and weights together are the state:
 * a run that goes on from a checkpoint computes the same bits as one that was never interrupted.
 *
 * When a loss or a weight is no longer finite, the trainer goes back to the state at the epoch's start, repeats the
 * steps with the same bits up to the one that fails, and runs that one on a plan that checks every node's output. */
#include "train/trainer.h"

#include "graph/graph.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

typedef struct trainer {
    soma_model *model;
    const train_request *request;
    const soma_context *context;
    network train, measure; /* training graph with the update; inference graph with the loss */
    soma_plan *plan, *measure_plan;
    soma_run *run, *measure_run;
    int64_t elements, measure_batch;
    int64_t *order, *classes;
    float *x, *y, *answers;
    train_state state;
    train_state safe_state; /* of `safe` */
    snapshot safe, best;
    bool single_rows_fail; /* batch normalisation would see one value a channel in a batch of one row */
} trainer;

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
    return m->store ? SOMA_OK : SOMA_ERROR_MEMORY;
}

/* A plan that measures comes first, so that the store's first variables are the model's own. */
static int compile(trainer *t, soma_error *error) {
    const train_request *r = t->request;
    soma_model *m = t->model;
    soma_plan_options options = {.store = m->store, .threads = r->threads, .backend = r->backend};
    int code = network_build(m, false, true, &t->measure, error);
    if (!code) code = network_build(m, true, true, &t->train, error);
    if (code) return code;
    size_t layers, effects;
    soma_graph_effects(t->train.graph, &layers);
    soma_value outputs[2] = {t->measure.loss, t->measure.raw};
    options.max_batch = t->measure_batch = answer_batch(m, r->val_count ? (int64_t)r->val_count : 1);
    t->measure_plan = soma_plan_infer(outputs, 2, options, error);
    if (!t->measure_plan) return error && error->code ? error->code : SOMA_ERROR_INTERNAL;
    m->variables = soma_store_count(m->store);
    code = soma_minimize(t->train.loss, r->optimizer, NULL);
    if (code) {
        const soma_error *mistake = soma_graph_error(t->train.graph);
        return error_set(error, mistake->code, "%s", mistake->message);
    }
    const soma_value *updates = soma_graph_effects(t->train.graph, &effects);
    outputs[0] = t->train.loss;
    outputs[1] = t->train.raw;
    options.max_batch = r->batch;
    t->plan = soma_plan_create(outputs, m->task == SOMA_CLASSIFY ? 2 : 1, updates, effects, options, error);
    t->run = t->plan ? soma_run_create(t->plan, error) : NULL;
    t->measure_run = t->run ? soma_run_create(t->measure_plan, error) : NULL;
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
    size_t largest = (size_t)(r->batch > t->measure_batch ? r->batch : t->measure_batch), values, answers;
    t->elements = shape_elements(&t->model->sample, 1);
    if (!size_multiply(largest, (size_t)t->elements, &values) ||
        !size_multiply(largest, (size_t)t->model->outputs, &answers))
        return false;
    t->order = mem_array(t->context, r->rows_count, sizeof *t->order);
    t->x = mem_array(t->context, values, sizeof *t->x);
    t->y = mem_array(t->context, largest, sizeof *t->y);
    t->classes = mem_array(t->context, largest, sizeof *t->classes);
    t->answers = mem_array(t->context, answers, sizeof *t->answers);
    return t->order && t->x && t->y && t->classes && t->answers;
}

/* Notes layers with bn whose input has one value a channel and row. */
static void watch_norms(void *user, const char *text, int depth, soma_value output) {
    bool *found = user;
    (void)depth;
    soma_shape s = soma_value_shape(output);
    if (!output.node || (s.rank == 4 && s.dims[2] * s.dims[3] > 1)) return;
    for (const char *at = text; (at = strstr(at, "bn")); at += 2)
        *found |= (at == text || at[-1] == ' ') && (!at[2] || at[2] == ' ');
}

int train_check_norms(const soma_model *m, int64_t batch, int64_t rows, bool *single_rows_fail, soma_error *error) {
    bool found = false;
    soma_graph *g = soma_graph_create_in(m->context);
    if (!g) return error_memory(error);
    soma_shape shape = {m->sample.rank + 1, {SOMA_BATCH}};
    for (int i = 0; i < m->sample.rank; i++) shape.dims[i + 1] = m->sample.dims[i];
    spec_options options = {.trace = watch_norms, .user = &found};
    spec_build(m->spec, preprocess_build(&m->preprocess, soma_input(g, "x", shape)), &options);
    soma_graph_destroy(g);
    if (single_rows_fail) *single_rows_fail = found;
    if (found && (batch == 1 || rows == 1))
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "batch normalisation needs more than one row a step: --batch %lld is too small",
                         (long long)batch);
    return SOMA_OK;
}

/* ---- Steps ----------------------------------------------------------------------------------------------------- */

static int load_batch(trainer *t, soma_run *run, const network *n, const soma_dataset *set, const int64_t *rows,
                      int64_t count, soma_error *error) {
    bool classes = t->model->task == SOMA_CLASSIFY, whole = soma_value_dtype(n->target) == SOMA_INT64;
    int code = data_gather(set, rows, (size_t)count, t->x, classes ? t->classes : NULL, classes ? NULL : t->y, error);
    if (code) return code;
    const preprocess *p = &t->model->preprocess;
    for (int64_t i = 0; i < count && !whole; i++)
        t->y[i] = classes ? (float)t->classes[i] : (float)(((double)t->y[i] - p->target_mean) / p->target_deviation);
    code = soma_run_bind(run, n->x, t->x, count, error);
    if (!code) code = soma_run_bind(run, n->target, whole ? (const void *)t->classes : t->y, count, error);
    return code;
}

/* The mean loss of the rows just run and how many of them are classified rightly. */
static int read_batch(trainer *t, soma_run *run, const network *n, int64_t count, double *loss, int64_t *right,
                      soma_error *error) {
    const soma_model *m = t->model;
    int64_t width = m->sigmoid ? 1 : m->outputs;
    float value = 0;
    int code = soma_run_get(run, n->loss, &value, 1, error);
    *loss = (double)value;
    *right = 0;
    if (code || m->task != SOMA_CLASSIFY) return code;
    code = soma_run_get(run, n->raw, t->answers, (size_t)(count * width), error);
    for (int64_t i = 0; i < count && !code; i++) {
        const float *a = t->answers + i * width;
        *right += (m->sigmoid ? a[0] > 0.5f : metrics_argmax(a, width)) == t->classes[i];
    }
    return code;
}

static int64_t batch_rows(const trainer *t) {
    int64_t left = (int64_t)t->request->rows_count - t->state.step * t->request->batch;
    return left < t->request->batch ? left : t->request->batch;
}

/* One step at the state's position, which moves on. */
static int take_step(trainer *t, double *loss, soma_error *error) {
    int64_t count = batch_rows(t), right;
    *loss = 0;
    if (count > 1 || !t->single_rows_fail) {
        const int64_t *rows = t->order + t->state.step * t->request->batch;
        int code = load_batch(t, t->run, &t->train, t->request->set, rows, count, error);
        if (code) return code;
        soma_run_seed(t->run, t->request->seed, t->state.steps);
        code = soma_run_step(t->run, error);
        if (!code) code = read_batch(t, t->run, &t->train, count, loss, &right, error);
        if (code) return code;
        t->state.loss += *loss * (double)count;
        t->state.right += right;
        t->state.rows += count;
    }
    t->state.step++;
    t->state.steps++;
    return SOMA_OK;
}

static int measure_held_back(trainer *t, double *loss, double *metric, soma_error *error) {
    const train_request *r = t->request;
    double sum = 0;
    int64_t hits = 0, total = (int64_t)r->val_count;
    *loss = *metric = NAN;
    for (int64_t first = 0; first < total; first += t->measure_batch) {
        int64_t n = total - first < t->measure_batch ? total - first : t->measure_batch, right;
        double mean;
        int code = load_batch(t, t->measure_run, &t->measure, r->val, r->val_rows + first, n, error);
        if (!code) code = soma_run_step(t->measure_run, error);
        if (!code) code = read_batch(t, t->measure_run, &t->measure, n, &mean, &right, error);
        if (code) return code;
        sum += mean * (double)n;
        hits += right;
    }
    if (!total) return SOMA_OK;
    *loss = sum / (double)total;
    *metric = t->model->task == SOMA_CLASSIFY ? (double)hits / (double)total
                                              : sqrt(*loss) * t->model->preprocess.target_deviation;
    return SOMA_OK;
}

/* ---- Not finite ------------------------------------------------------------------------------------------------ */

/* Nodes that read a layer's variable get the layer's name, so that a person knows where to look. */
static void name_nodes(soma_graph *g) {
    for (size_t i = 0; i < g->count; i++) {
        for (int k = 0; !g->nodes[i]->name && k < g->nodes[i]->inputs_count; k++) {
            const node *source = graph_node(g, g->nodes[i]->inputs[k].node);
            if (source->op != &op_variable) continue;
            char *name = graph_string(g, source->name), *dot = name ? strchr(name, '.') : NULL;
            if (dot) *dot = 0;
            g->nodes[i]->name = name;
        }
    }
}

/* Runs the step at the state's position on a plan that checks every node; fails at the node, if one is to blame. */
static int run_checked(trainer *t, soma_error *error) {
    size_t effects;
    const soma_value *updates = soma_graph_effects(t->train.graph, &effects);
    soma_plan_options options = {.max_batch = t->request->batch,
                                 .store = t->model->store,
                                 .threads = 1,
                                 .backend = t->request->backend,
                                 .check_finite = true};
    int64_t count = batch_rows(t);
    const int64_t *rows = t->order + t->state.step * t->request->batch;
    name_nodes(t->train.graph);
    soma_plan *plan = soma_plan_create(&t->train.loss, 1, updates, effects, options, error);
    soma_run *run = plan ? soma_run_create(plan, error) : NULL;
    int code = run ? load_batch(t, run, &t->train, t->request->set, rows, count, error) : SOMA_ERROR_MEMORY;
    if (!code) {
        soma_run_seed(run, t->request->seed, t->state.steps);
        code = soma_run_step(run, error);
    }
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    return code;
}

/* Finds where a value stopped being finite, from the last safe state on, and says so. The weights are put back to what
 * they were before the step that failed. */
static int explain_not_finite(trainer *t, int64_t failed_step, soma_error *error) {
    soma_store *store = t->model->store;
    snapshot before = {.context = t->context};
    soma_error found = {0};
    double loss = 0;
    int code = SOMA_OK;
    snapshot_restore(&t->safe, store);
    t->state = t->safe_state;
    for (bool finite = true; finite && t->state.step < failed_step && !code;) {
        train_state position = t->state;
        if (!snapshot_take(&before, store, store->count)) {
            code = error_memory(error);
            break;
        }
        code = take_step(t, &loss, error);
        finite = isfinite(loss) && store_finite(store);
        if (finite && t->state.step < failed_step) continue;
        snapshot_restore(&before, store);
        t->state = position;
        if (!code) run_checked(t, &found);
        break;
    }
    long long epoch = (long long)t->state.epoch + 1, step = (long long)t->state.step + 1;
    snapshot_restore(&t->safe, store);
    snapshot_clear(&before);
    if (code) return code;
    return error_set(error, SOMA_ERROR_NUMERIC, "epoch %lld, step %lld: %s; a smaller learning rate may help", epoch,
                     step,
                     found.code ? found.message : "the loss or an update is not finite, though each node's output is");
}

/* ---- Epochs ---------------------------------------------------------------------------------------------------- */

static bool stop_wanted(const trainer *t) { return t->request->stop && *t->request->stop; }

static bool is_better(const trainer *t, const soma_epoch *e, double *value) {
    const train_request *r = t->request;
    bool val = r->val_count > 0, larger = false;
    *value = e->val_loss;
    if (!val) return true;
    if (r->monitor == MONITOR_LOSS) *value = e->loss;
    if (r->monitor == MONITOR_METRIC || r->monitor == MONITOR_VAL_METRIC) {
        *value = r->monitor == MONITOR_METRIC ? e->metric : e->val_metric;
        larger = t->model->task == SOMA_CLASSIFY;
    }
    if (isnan(*value)) return false;
    if (!t->state.best_epoch) return true;
    return larger ? *value > t->state.best_value : *value < t->state.best_value;
}

/* Moves the state behind an epoch that has been measured. */
static int close_epoch(trainer *t, soma_epoch *e, soma_error *error) {
    double value;
    train_state *s = &t->state;
    s->epoch++;
    e->best = is_better(t, e, &value);
    if (e->best) {
        s->best_epoch = s->epoch;
        s->best_value = value;
        s->best_loss = e->val_loss;
        s->worse = 0;
    } else {
        s->worse++;
    }
    s->step = s->right = s->rows = 0;
    s->loss = 0;
    if (e->best && !snapshot_take(&t->best, t->model->store, t->model->variables)) return error_memory(error);
    if (!snapshot_take(&t->safe, t->model->store, t->model->store->count)) return error_memory(error);
    t->safe_state = *s;
    return SOMA_OK;
}

static int save(trainer *t, bool final, soma_error *error) {
    const train_request *r = t->request;
    return r->save ? r->save(r->user, &t->state, t->model->store, &t->best, final, error) : SOMA_OK;
}

/* The steps of one epoch from the state's position on. */
static int run_steps(trainer *t, bool *stopped, soma_error *error) {
    const train_request *r = t->request;
    int64_t steps = ((int64_t)r->rows_count + r->batch - 1) / r->batch;
    data_epoch_order(r->rows, r->rows_count, r->seed, t->state.epoch + 1, t->order);
    while (t->state.step < steps) {
        double loss;
        int code = take_step(t, &loss, error);
        if (code) return code;
        if (!isfinite(loss) || (t->state.step == steps && !store_finite(t->model->store)))
            return explain_not_finite(t, t->state.step, error);
        if (r->on_step) r->on_step(r->user, &t->state, (int64_t)r->rows_count);
        if ((*stopped = stop_wanted(t)) && t->state.step < steps) return SOMA_OK;
    }
    return SOMA_OK;
}

static int run_epoch(trainer *t, train_end *end, bool *ended, soma_error *error) {
    const train_request *r = t->request;
    double begin = now();
    int64_t rows_before = t->state.rows;
    bool stopped = false;
    int code = run_steps(t, &stopped, error);
    if (code) return code;
    if (stopped && t->state.step * r->batch < (int64_t)r->rows_count) {
        *end = TRAIN_SIGNAL;
        *ended = true;
        return SOMA_OK;
    }
    double rows = (double)t->state.rows, trained = now() - begin;
    soma_epoch e = {
        .epoch = t->state.epoch + 1, .loss = t->state.loss / rows, .learning_rate = r->optimizer.learning_rate};
    e.metric = t->model->task == SOMA_CLASSIFY ? (double)t->state.right / rows
                                               : sqrt(e.loss) * t->model->preprocess.target_deviation;
    e.samples_per_second = (double)(t->state.rows - rows_before) / (trained > 1e-9 ? trained : 1e-9);
    code = measure_held_back(t, &e.val_loss, &e.val_metric, error);
    if (!code) code = close_epoch(t, &e, error);
    e.seconds = now() - begin;
    if (code) return code;
    int wish = r->on_epoch ? r->on_epoch(r->user, &e, error) : 0;
    if (error && error->code) return error->code;
    *ended = true;
    if (stopped || stop_wanted(t))
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
    int64_t steps = ((int64_t)r->rows_count + r->batch - 1) / r->batch;
    if (t->state.step < steps) return SOMA_OK;
    return error_set(error, SOMA_ERROR_INPUT, "the checkpoint stands at step %lld of an epoch of %lld",
                     (long long)t->state.step, (long long)steps);
}

static int run_epochs(trainer *t, train_end *end, soma_error *error) {
    const train_request *r = t->request;
    bool ended = r->val_count && r->patience && t->state.worse >= r->patience;
    int code = SOMA_OK;
    *end = ended ? TRAIN_PATIENCE : TRAIN_EPOCHS;
    if (!r->resume) code = save(t, false, error);
    while (!code && !ended && t->state.epoch < r->epochs) code = run_epoch(t, end, &ended, error);
    if (!code) code = save(t, true, error);
    return code;
}

static void clear(trainer *t) {
    soma_run_destroy(t->measure_run);
    soma_run_destroy(t->run);
    soma_plan_destroy(t->measure_plan);
    soma_plan_destroy(t->plan);
    network_clear(&t->train);
    network_clear(&t->measure);
    snapshot_clear(&t->safe);
    snapshot_clear(&t->best);
    mem_free(t->context, t->order);
    mem_free(t->context, t->classes);
    mem_free(t->context, t->x);
    mem_free(t->context, t->y);
    mem_free(t->context, t->answers);
}

int train_model(soma_model *m, const train_request *request, train_end *end, train_state *state, soma_error *error) {
    trainer t = {.model = m, .request = request, .context = m->context};
    t.safe.context = t.best.context = m->context;
    t.state.best_value = t.state.best_loss = 0;
    preprocess_clear(&m->preprocess);
    int code = preprocess_learn(m->context, request->set, request->rows, request->rows_count, &m->preprocess, error);
    if (!code) code = new_store(m, request, error);
    if (!code) code = train_check_norms(m, request->batch, (int64_t)request->rows_count, &t.single_rows_fail, error);
    if (!code) code = compile(&t, error);
    if (!code) code = apply_presets(m, error);
    if (!code && !allocate(&t)) code = error_memory(error);
    if (!code && request->resume) code = resume(&t, error);
    if (!code && !snapshot_take(&t.safe, m->store, m->store->count)) code = error_memory(error);
    t.safe_state = t.state;
    if (!code) code = run_epochs(&t, end, error);
    if (t.best.count) snapshot_restore(&t.best, m->store);
    m->best_epoch = t.state.best_epoch;
    m->epochs = t.state.epoch;
    *state = t.state;
    clear(&t);
    return code;
}
