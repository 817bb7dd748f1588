/* wasm/training.c: training on rows that stay in memory: a plan that computes a batch's loss and gradients and updates
 * the weights, run as often as the caller asks. The order of an epoch's rows is a function of seed and epoch alone, so
 * that the same settings give the same weights at every step. */
#include "network.h"

#include <math.h>

enum { MEASURE_ROWS = 1024 };

void targets_convert(const network *n, const float *from, size_t rows, void *to) {
    if (n->meaning != SPEC_SOFTMAX) {
        memcpy(to, from, rows * n->target_size);
        return;
    }
    int64_t *classes = to;
    for (size_t i = 0; i < rows; i++) classes[i] = (int64_t)from[i];
}

static int copy_order(network *n, size_t rows, soma_error *error) {
    mem_free(NULL, n->order);
    n->order = mem_array(NULL, rows, sizeof *n->order);
    if (!n->order) return error_memory(error);
    return SOMA_OK;
}

int network_set_data(network *n, int set, const float *x, const float *targets, size_t rows, soma_error *error) {
    rows_set *s = &n->sets[set];
    mem_free(NULL, s->x);
    mem_free(NULL, s->targets);
    *s = (rows_set){.rows = rows};
    s->x = mem_array(NULL, rows, n->sample_size * sizeof *s->x);
    s->targets = mem_array(NULL, rows, n->target_size);
    if (!s->x || !s->targets || (set == 0 && copy_order(n, rows, error))) return s->rows = 0, error_memory(error);
    memcpy(s->x, x, rows * n->sample_size * sizeof *s->x);
    targets_convert(n, targets, rows, s->targets);
    if (set == 0) n->at = n->epoch = n->steps = 0;
    return SOMA_OK;
}

int network_set_training(network *n, size_t batch, const double *optimizer, soma_error *error) {
    part_clear(&n->trainer);
    built_clear(&n->training);
    if (network_build(n, true, &n->training, error)) return error->code;
    soma_plan_options options = {.max_batch = (int64_t)batch, .store = n->store, .threads = 1};
    n->trainer.plan = soma_plan_train(n->training.loss, optimizer_of(optimizer), options, error);
    n->trainer.run = n->trainer.plan ? soma_run_create(n->trainer.plan, error) : NULL;
    mem_free(NULL, n->batch_x);
    mem_free(NULL, n->batch_targets);
    n->batch_x = mem_array(NULL, batch, n->sample_size * sizeof *n->batch_x);
    n->batch_targets = mem_array(NULL, batch, n->target_size);
    n->batch = batch;
    if (n->trainer.run && !(n->batch_x && n->batch_targets)) error_memory(error);
    if (!error->code) soma_run_seed(n->trainer.run, n->seed, n->steps);
    if (error->code) part_clear(&n->trainer);
    return error->code;
}

int network_set_rate(network *n, double rate, soma_error *error) {
    return soma_run_set_scalar(n->trainer.run, soma_plan_learning_rate(n->trainer.plan), rate, error);
}

int network_set_schedule(network *n, int kind, double rate, double epochs, soma_error *error) {
    const soma_schedule schedules[] = {[SOMA_SCHEDULE_CONSTANT] = {.kind = SOMA_SCHEDULE_CONSTANT},
                                       [SOMA_SCHEDULE_STEP] = soma_schedule_step(0, 0.1),
                                       [SOMA_SCHEDULE_COSINE] = soma_schedule_cosine(0),
                                       [SOMA_SCHEDULE_ONECYCLE] = soma_schedule_onecycle(0)};
    if (kind < 0 || kind >= (int)COUNT_OF(schedules) || epochs < 1)
        return error_set(error, SOMA_ERROR_ARGUMENT, "there is no such schedule");
    n->schedule = schedules[kind];
    n->rate = rate;
    n->epochs = (int64_t)epochs;
    return n->schedule.kind ? SOMA_OK : network_set_rate(n, rate, error);
}

/* The rate of the step to come. */
static int follow_schedule(network *n, soma_error *error) {
    int64_t each = (int64_t)network_steps_per_epoch(n), last = each * n->epochs - 1;
    int64_t step = (int64_t)n->steps < last ? (int64_t)n->steps : last;
    return network_set_rate(n, soma_schedule_rate(n->schedule, n->rate, step, each, n->epochs), error);
}

static void begin_epoch(network *n) {
    size_t rows = n->sets[0].rows;
    random_stream r = random_open(n->seed, hash_bytes("epoch", 5, HASH_START) + n->epoch);
    for (size_t i = 0; i < rows; i++) n->order[i] = (int64_t)i;
    random_shuffle(&r, n->order, rows);
    n->loss_sum = 0;
}

/* The rows order[at …] side by side. */
static void gather(network *n, size_t count) {
    const rows_set *s = &n->sets[0];
    size_t x_bytes = n->sample_size * sizeof(float);
    for (size_t i = 0; i < count; i++) {
        size_t row = (size_t)n->order[n->at + i];
        memcpy((char *)n->batch_x + i * x_bytes, (const char *)s->x + row * x_bytes, x_bytes);
        memcpy(n->batch_targets + i * n->target_size, (const char *)s->targets + row * n->target_size, n->target_size);
    }
}

static int take_step(network *n, soma_error *error) {
    soma_run *run = n->trainer.run;
    size_t left = n->sets[0].rows - n->at, count = left < n->batch ? left : n->batch;
    if (n->at == 0) begin_epoch(n);
    gather(n, count);
    if (n->schedule.kind && follow_schedule(n, error)) return error->code;
    if (soma_run_bind(run, n->training.x, n->batch_x, (int64_t)count, error) ||
        soma_run_bind(run, n->training.target, n->batch_targets, (int64_t)count, error) || soma_run_step(run, error))
        return error->code;
    const float *loss = soma_run_peek(run, n->training.loss);
    if (!loss || !isfinite(*loss))
        return error_set(error, SOMA_ERROR_NUMERIC, "step %zu: the loss is no finite number any more", n->steps + 1);
    n->loss_sum += (double)*loss * (double)count;
    n->steps++;
    n->at += count;
    if (n->at == n->sets[0].rows) {
        n->epoch_loss = n->loss_sum / (double)n->at;
        n->epoch++;
        n->at = 0;
    }
    return SOMA_OK;
}

int network_train(network *n, size_t steps, soma_error *error) {
    if (!n->trainer.run || !n->sets[0].rows)
        return error_set(error, SOMA_ERROR_ARGUMENT, "train: there are no rows or no optimizer yet");
    for (size_t i = 0; i < steps; i++)
        if (take_step(n, error)) return error->code;
    return SOMA_OK;
}

double network_steps(const network *n) { return (double)n->steps; }
double network_epoch_loss(const network *n) { return n->epoch_loss; }
double network_running_loss(const network *n) { return n->at ? n->loss_sum / (double)n->at : n->epoch_loss; }
size_t network_steps_per_epoch(const network *n) { return n->batch ? (n->sets[0].rows + n->batch - 1) / n->batch : 0; }

/* ---- Measures ---------------------------------------------------------------------------------------------------- */

static size_t count_right(const network *n, const float *answers, const void *targets, size_t rows) {
    size_t right = 0, width = (size_t)n->outputs;
    for (size_t i = 0; i < rows; i++) {
        const float *a = answers + i * width;
        size_t best = 0;
        for (size_t k = 1; k < width; k++)
            if (a[k] > a[best]) best = k;
        if (n->meaning == SPEC_SIGMOID)
            right += (a[0] >= 0.5f) == (((const float *)targets)[i * width] >= 0.5f);
        else
            right += best == (size_t)((const int64_t *)targets)[i];
    }
    return right;
}

int network_examine(network *n, int set, double *measured, float *answers, soma_error *error) {
    const rows_set *s = &n->sets[set];
    soma_value outputs[2] = {n->infer.answer, n->infer.loss};
    soma_plan_options options = {.max_batch = MEASURE_ROWS, .store = n->store, .threads = 1};
    if (!n->measure.run && part_make(&n->measure, outputs, 2, options, error)) return error->code;
    double loss = 0;
    size_t right = 0;
    for (size_t at = 0, count; at < s->rows; at += count) {
        count = s->rows - at < MEASURE_ROWS ? s->rows - at : MEASURE_ROWS;
        const char *targets = (const char *)s->targets + at * n->target_size;
        if (soma_run_bind(n->measure.run, n->infer.x, s->x + at * n->sample_size, (int64_t)count, error) ||
            soma_run_bind(n->measure.run, n->infer.target, targets, (int64_t)count, error) ||
            soma_run_step(n->measure.run, error))
            return error->code;
        loss += (double)count * (double)*(const float *)soma_run_peek(n->measure.run, n->infer.loss);
        const float *given = soma_run_peek(n->measure.run, n->infer.answer);
        size_t width = (size_t)n->outputs;
        if (n->meaning != SPEC_LINEAR) right += count_right(n, given, targets, count);
        if (answers) memcpy(answers + at * width, given, count * width * sizeof *answers);
    }
    measured[0] = s->rows ? loss / (double)s->rows : NAN;
    measured[1] = n->meaning != SPEC_LINEAR && s->rows ? (double)right / (double)s->rows : NAN;
    return SOMA_OK;
}

int network_measure(network *n, int set, double *measured, soma_error *error) {
    return network_examine(n, set, measured, NULL, error);
}
