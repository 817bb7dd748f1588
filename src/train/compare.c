/* train/compare.c: the network beside one linear layer (logistic regression, or linear regression) and the answer that
 * needs no features at all, row by row on the same rows, so that the difference has a standard error. */
#include "train/compare.h"

#include "train/defaults.h"

#include <math.h>
#include <stdio.h>

enum { LINEAR_EPOCHS = 100 };

/* Each row's loss: 1 for a wrong class, or the squared error. */
static int row_losses(soma_model *m, const soma_dataset *set, const int64_t *rows, size_t count, double *losses,
                      soma_error *error) {
    size_t values;
    float *answers =
        size_multiply(count, (size_t)m->outputs, &values) ? mem_array(m->context, values, sizeof *answers) : NULL;
    if (!answers) return error_memory(error);
    int code = model_answer(m, set, rows, count, answers, error);
    for (size_t i = 0; i < count && !code; i++) {
        const float *a = answers + i * (size_t)m->outputs;
        double miss = set->targets ? (double)a[0] - (double)set->targets[rows[i]] : 0;
        losses[i] = set->targets ? miss * miss : metrics_argmax(a, m->outputs) != set->classes[rows[i]];
    }
    mem_free(m->context, answers);
    return code;
}

/* Accuracy or RMSE from the rows' losses. */
static double summary(const double *losses, size_t count, bool classify) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += losses[i];
    return classify ? 1 - sum / (double)count : sqrt(sum / (double)count);
}

static int train_linear(const soma_model *network, const train_request *request, target_transform transform,
                        soma_model **linear, bool *whole, soma_error *error) {
    char text[48];
    bool classify = network->task == SOMA_CLASSIFY;
    train_request r = *request;
    train_end end;
    train_state state;
    snprintf(text, sizeof text, "dense %lld", (long long)(network->sigmoid ? 1 : network->outputs));
    *linear = soma_model_create_in(network->context, text, network->sample, network->task, error);
    if (!*linear) return error && error->code ? error->code : SOMA_ERROR_MEMORY;
    int code = model_take_schema(*linear, &network->schema, error);
    if (!code) code = model_resolve(*linear, classify ? network->outputs : 1, (int64_t)r.rows_count, NULL, 0, error);
    if (code) return code;
    /* As plain `soma train` would, whatever the network was asked to do. */
    defaults d = defaults_choose(network->sample, (int64_t)r.rows_count);
    r.optimizer = soma_adamw(d.optimizer.learning_rate);
    r.schedule = (soma_schedule){0};
    r.epochs = LINEAR_EPOCHS;
    r.find_rate = r.schedule_new = false;
    r.batch = d.batch < (int64_t)r.rows_count ? d.batch : (int64_t)r.rows_count;
    r.patience = d.patience;
    r.accumulate = 0;
    r.transform = transform;
    r.average = 0;
    r.augment = NULL;
    r.resume = NULL;
    r.user = NULL;
    r.on_epoch = NULL;
    r.on_step = NULL;
    r.on_note = NULL;
    r.save_due = NULL;
    r.save = NULL;
    code = train_model(*linear, &r, &end, &state, error);
    *whole = !code && end != TRAIN_SIGNAL;
    return code;
}

/* What is answered without features, learnt from the rows that train. */
static int simplest_losses(const train_request *r, int64_t classes, const soma_dataset *set, const int64_t *rows,
                           size_t count, double *losses, int64_t *majority, soma_error *error) {
    double mean = 0;
    *majority = 0;
    if (r->set->targets) {
        for (size_t i = 0; i < r->rows_count; i++) mean += (double)r->set->targets[r->rows[i]];
        mean /= (double)r->rows_count;
    } else {
        int64_t *counts = mem_zeros(set->context, (size_t)classes, sizeof *counts);
        if (!counts) return error_memory(error);
        for (size_t i = 0; i < r->rows_count; i++) counts[r->set->classes[r->rows[i]]]++;
        for (int64_t c = 1; c < classes; c++)
            if (counts[c] > counts[*majority]) *majority = c;
        mem_free(set->context, counts);
    }
    for (size_t i = 0; i < count; i++) {
        double miss = set->targets ? mean - (double)set->targets[rows[i]] : 0;
        losses[i] = set->targets ? miss * miss : set->classes[rows[i]] != *majority;
    }
    return SOMA_OK;
}

/* Mean and standard error of what the network gains a row, in the loss's units. */
static void gain_of(const double *network, const double *linear, size_t count, comparison *c) {
    double sum = 0, squares = 0, n = (double)count;
    for (size_t i = 0; i < count; i++) sum += linear[i] - network[i];
    c->gain = sum / n;
    for (size_t i = 0; i < count; i++) {
        double d = linear[i] - network[i] - c->gain;
        squares += d * d;
    }
    c->gain_error = count > 1 ? sqrt(squares / (n - 1) / n) : INFINITY;
}

int compare_models(soma_model *network, const train_request *request, const soma_dataset *set, const int64_t *rows,
                   size_t count, comparison *result, soma_error *error) {
    const soma_context *context = network->context;
    soma_model *linear = NULL;
    bool classify = network->task == SOMA_CLASSIFY, whole = false;
    double *a = mem_array(context, count, sizeof *a), *b = mem_array(context, count, sizeof *b);
    *result = (comparison){.rows = (int64_t)count};
    int code = a && b ? train_linear(network, request, TARGET_PLAIN, &linear, &whole, error) : error_memory(error);
    if (!code) code = row_losses(network, set, rows, count, a, error);
    if (!code) code = row_losses(linear, set, rows, count, b, error);
    if (!code) {
        result->network = summary(a, count, classify);
        result->linear = summary(b, count, classify);
        gain_of(a, b, count, result);
        code = simplest_losses(request, network->outputs, set, rows, count, b, &result->majority, error);
        result->simplest = summary(b, count, classify);
    }
    result->done = !code && whole;
    soma_model_destroy(linear);
    mem_free(context, a);
    mem_free(context, b);
    return code;
}

int compare_transforms(const soma_model *network, const train_request *request, target_transform *transform,
                       soma_error *error) {
    static const double clearly = 0.9; /* on the whole, learning the number itself gives the smaller RMSE */
    static const target_transform candidates[] = {TARGET_PLAIN, TARGET_LOG};
    size_t count = request->val_count;
    comparison c = {0};
    bool whole = true;
    int code = SOMA_OK;
    *transform = TARGET_PLAIN;
    if (!count || !preprocess_is_skewed(request->set, request->rows, request->rows_count)) return SOMA_OK;
    double *losses[2] = {mem_array(network->context, count, sizeof **losses),
                         mem_array(network->context, count, sizeof **losses)};
    if (!losses[0] || !losses[1]) code = error_memory(error);
    for (int i = 0; i < 2 && !code && whole; i++) {
        soma_model *linear = NULL;
        code = train_linear(network, request, candidates[i], &linear, &whole, error);
        if (!code) code = row_losses(linear, request->val, request->val_rows, count, losses[i], error);
        soma_model_destroy(linear);
    }
    if (!code && whole) {
        gain_of(losses[1], losses[0], count, &c);
        bool less = summary(losses[1], count, false) < clearly * summary(losses[0], count, false);
        if (less && c.gain > c.gain_error) *transform = TARGET_LOG;
    }
    mem_free(network->context, losses[0]);
    mem_free(network->context, losses[1]);
    return code;
}

bool comparison_worth_it(const comparison *c) { return c->gain > c->gain_error; }
