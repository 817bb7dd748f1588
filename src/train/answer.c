/* train/answer.c: asking a model. The answer network is compiled when it is first wanted, for the rows asked for up to
 * a batch that keeps memory small, and kept. Measuring adds the loss to it and compares in double. */
#include "graph/graph.h"
#include "train/model.h"

#include <math.h>
#include <stdio.h>

enum { TABLE_BATCH = 1024, PICTURE_BATCH = 64 };

int64_t answer_batch(const soma_model *m, int64_t rows) {
    int64_t most = m->sample.rank == 1 ? TABLE_BATCH : PICTURE_BATCH;
    return rows < 1 ? 1 : rows < most ? rows : most;
}

/* The plan for `rows` at once. A regression's loss is made of its answers and needs no node. */
static int prepare(soma_model *m, int64_t rows, bool loss, soma_error *error) {
    loss &= m->task == SOMA_CLASSIFY;
    if (!m->store) return error_set(error, SOMA_ERROR_ARGUMENT, "the model has not been trained yet");
    if (m->run && m->plan_rows >= rows && (m->plan_loss || !loss)) return SOMA_OK;
    loss |= m->plan_loss && m->plan;
    model_forget_plan(m);
    int code = SOMA_OK;
    if (!m->imported) {
        code = network_build(m, false, loss, &m->network, error);
    } else if (loss && !m->network.loss.node) {
        network_add_loss(m, &m->network);
        const soma_error *mistake = soma_graph_error(m->network.graph);
        code = mistake->code ? error_set(error, mistake->code, "%s", mistake->message) : SOMA_OK;
    }
    if (code) return code;
    soma_value outputs[2] = {m->network.answer, m->network.loss};
    soma_plan_options options = {.max_batch = rows,
                                 .store = m->store,
                                 .threads = m->threads,
                                 .backend = m->backend,
                                 .precision = m->precision,
                                 .algorithm = m->algorithm};
    m->plan = soma_plan_infer(outputs, loss ? 2 : 1, options, error);
    m->run = m->plan ? soma_run_create(m->plan, error) : NULL;
    if (!m->run) {
        model_forget_plan(m);
        return error && error->code ? error->code : SOMA_ERROR_INTERNAL;
    }
    m->plan_rows = rows;
    m->plan_loss = loss;
    return SOMA_OK;
}

/* Work space of a walk over rows in batches. */
typedef struct walk {
    int64_t batch, elements;
    int64_t *numbers, *classes;
    float *x, *y, *answers;
} walk;

static bool walk_open(const soma_model *m, int64_t rows, walk *w) {
    w->batch = answer_batch(m, rows);
    w->elements = shape_elements(&m->sample, 1);
    size_t n = (size_t)w->batch, values, answers;
    *w = (walk){.batch = w->batch, .elements = w->elements};
    if (!size_multiply(n, (size_t)w->elements, &values) || !size_multiply(n, (size_t)m->outputs, &answers))
        return false;
    w->numbers = mem_array(m->context, n, sizeof *w->numbers);
    w->classes = mem_zeros(m->context, n, sizeof *w->classes);
    w->x = mem_array(m->context, values, sizeof *w->x);
    w->y = mem_zeros(m->context, n, sizeof *w->y);
    w->answers = mem_array(m->context, answers, sizeof *w->answers);
    return w->numbers && w->classes && w->x && w->y && w->answers;
}

static void walk_close(const soma_model *m, walk *w) {
    mem_free(m->context, w->numbers);
    mem_free(m->context, w->classes);
    mem_free(m->context, w->x);
    mem_free(m->context, w->y);
    mem_free(m->context, w->answers);
}

/* Gathers the next rows (those numbered `rows`, or all in order for NULL) and asks for them. */
static int walk_step(soma_model *m, walk *w, const soma_dataset *set, const int64_t *rows, int64_t first, int64_t count,
                     bool truth, float *answers, soma_error *error) {
    const int64_t *numbers = rows ? rows + first : w->numbers;
    for (int64_t i = 0; !rows && i < count; i++) w->numbers[i] = first + i;
    int code = data_gather(set, numbers, (size_t)count, w->x, truth && set->classes ? w->classes : NULL,
                           truth && set->targets ? w->y : NULL, error);
    if (!code) code = soma_run_bind(m->run, m->network.x, w->x, count, error);
    if (!code && m->plan_loss) {
        bool one = soma_value_dtype(m->network.target) == SOMA_FLOAT;
        for (int64_t i = 0; one && i < count; i++) w->y[i] = (float)w->classes[i];
        code = soma_run_set(m->run, m->network.target, one ? (const void *)w->y : w->classes, count, error);
    }
    if (!code) code = soma_run_step(m->run, error);
    if (!code) code = soma_run_get(m->run, m->network.answer, answers, (size_t)(count * m->outputs), error);
    return code;
}

int model_answer(soma_model *m, const soma_dataset *set, const int64_t *rows, size_t count, float *answers,
                 soma_error *error) {
    walk w = {0};
    int64_t total = (int64_t)count;
    int code = prepare(m, answer_batch(m, total), false, error);
    if (code || !total) return code;
    if (!walk_open(m, total, &w)) {
        walk_close(m, &w);
        return error_memory(error);
    }
    for (int64_t first = 0; first < total && !code; first += w.batch) {
        int64_t n = total - first < w.batch ? total - first : w.batch;
        code = walk_step(m, &w, set, rows, first, n, false, answers + first * m->outputs, error);
    }
    walk_close(m, &w);
    return code;
}

static void compare(const soma_model *m, const walk *w, const soma_dataset *set, int64_t count, metrics *measured) {
    const preprocess *p = &m->preprocess;
    for (int64_t i = 0; i < count; i++) {
        const float *answer = w->answers + i * m->outputs;
        if (m->task == SOMA_CLASSIFY) {
            metrics_add_probabilities(measured, w->classes[i], answer);
        } else if (set->targets) {
            double error = preprocess_target(p, (double)answer[0]) - preprocess_target(p, (double)w->y[i]);
            metrics_add_number(measured, (double)w->y[i], (double)answer[0]);
            metrics_add_loss(measured, error * error, 1);
        }
    }
}

int model_measure(soma_model *m, const soma_dataset *set, const int64_t *rows, size_t count, metrics *measured,
                  soma_error *error) {
    walk w = {0};
    int64_t total = (int64_t)count;
    bool classify = m->task == SOMA_CLASSIFY;
    if (classify ? !set->classes : !set->targets)
        return error_set(error, SOMA_ERROR_INPUT, "%s: there is no truth to compare with",
                         set->path ? set->path : "data");
    int code = prepare(m, answer_batch(m, total), true, error);
    if (code || !total) return code;
    if (!walk_open(m, total, &w)) {
        walk_close(m, &w);
        return error_memory(error);
    }
    if (classify && !metrics_keep(m->context, measured, total)) code = error_memory(error);
    for (int64_t first = 0; first < total && !code; first += w.batch) {
        int64_t n = total - first < w.batch ? total - first : w.batch;
        float loss = 0;
        code = walk_step(m, &w, set, rows, first, n, true, w.answers, error);
        if (!code && classify) {
            code = soma_run_get(m->run, m->network.loss, &loss, 1, error);
            metrics_add_loss(measured, (double)loss, n);
        }
        if (!code) compare(m, &w, set, n, measured);
    }
    if (!code && classify && !metrics_rank(m->context, measured)) code = error_memory(error);
    walk_close(m, &w);
    return code;
}

/* ---- The caller's arrays --------------------------------------------------------------------------------------- */

int set_of_arrays(const soma_model *m, const float *x, const float *y, int64_t rows, int64_t *classes,
                  soma_dataset *set, soma_error *error) {
    if (!x || rows < 1) return error_set(error, SOMA_ERROR_ARGUMENT, "there are no rows");
    *set = (soma_dataset){.context = m->context, .rows = rows, .sample = m->sample, .features = (float *)x};
    if (!y) return SOMA_OK;
    if (m->task == SOMA_REGRESS) {
        set->targets = (float *)y;
        for (int64_t i = 0; i < rows; i++)
            if (!isfinite(y[i]))
                return error_set(error, SOMA_ERROR_INPUT, "y[%lld] is not a finite number", (long long)i);
        return SOMA_OK;
    }
    for (int64_t i = 0; i < rows; i++) {
        if (!(y[i] >= 0 && y[i] < 1e6f) || floorf(y[i]) != y[i] || (m->store && y[i] >= (float)m->outputs))
            return error_set(error, SOMA_ERROR_INPUT, "y[%lld] is %g, expected a class's index 0, 1, …", (long long)i,
                             (double)y[i]);
        classes[i] = (int64_t)y[i];
        if (classes[i] >= (int64_t)set->schema.classes_count) set->schema.classes_count = (size_t)classes[i] + 1;
    }
    set->classes = classes;
    set->schema.classify = true;
    return SOMA_OK;
}

int soma_model_predict(soma_model *m, const float *x, int64_t rows, float *out, size_t count, soma_error *error) {
    soma_dataset set = {0};
    if (!m || !out)
        return error_set(error, SOMA_ERROR_ARGUMENT, "predict: the model or the place for answers is missing");
    int code = set_of_arrays(m, x, NULL, rows, NULL, &set, error);
    size_t wanted;
    if (code) return code;
    if (m->store && (!size_multiply((size_t)rows, (size_t)m->outputs, &wanted) || wanted != count))
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "predict: %lld rows of %lld answers each were asked for, but there is room for %zu",
                         (long long)rows, (long long)m->outputs, count);
    return model_answer(m, &set, NULL, (size_t)rows, out, error);
}

int soma_model_evaluate(soma_model *m, const float *x, const float *y, int64_t rows, soma_evaluation *evaluation,
                        soma_error *error) {
    soma_dataset set = {0};
    metrics measured = {0};
    if (!m || !y || !evaluation || !m->store)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "evaluate: a trained model, truth and a place for the result are needed");
    int64_t *classes = mem_array(m->context, rows > 0 ? (size_t)rows : 0, sizeof *classes);
    if (!classes) return error_memory(error);
    int code = set_of_arrays(m, x, y, rows, classes, &set, error);
    if (!code && !metrics_create(m->context, m->task == SOMA_CLASSIFY ? m->outputs : 0, &measured))
        code = error_memory(error);
    if (!code) code = model_measure(m, &set, NULL, (size_t)rows, &measured, error);
    if (!code)
        *evaluation = (soma_evaluation){.loss = metrics_loss(&measured),
                                        .accuracy = metrics_accuracy(&measured),
                                        .macro_f1 = metrics_macro_f1(&measured),
                                        .auc = metrics_auc(&measured),
                                        .average_precision = metrics_average_precision(&measured),
                                        .top5 = metrics_top5(&measured),
                                        .calibration_error = metrics_calibration_error(&measured),
                                        .rmse = metrics_rmse(&measured),
                                        .mae = metrics_mae(&measured),
                                        .r2 = metrics_r2(&measured)};
    metrics_clear(m->context, &measured);
    mem_free(m->context, classes);
    return code;
}
