/* train/metrics.c: accuracy, macro F1 and the confusion matrix; rmse, mae and R². Counts are integers and sums are
 * doubles; the variance of the targets uses Welford's running form, which does not cancel. */
#include "train/metrics.h"

#include <math.h>

bool metrics_create(const soma_context *context, int64_t classes, metrics *m) {
    *m = (metrics){.classes = classes};
    size_t cells;
    if (!classes) return true;
    if (!size_multiply((size_t)classes, (size_t)classes, &cells)) return false;
    m->confusion = mem_zeros(context, cells, sizeof *m->confusion);
    return m->confusion != NULL;
}

void metrics_clear(const soma_context *context, metrics *m) {
    mem_free(context, m->confusion);
    *m = (metrics){0};
}

int64_t metrics_argmax(const float *scores, int64_t count) {
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (scores[i] > scores[best] || (isnan(scores[best]) && !isnan(scores[i]))) best = i;
    return best;
}

void metrics_add_class(metrics *m, int64_t truth, int64_t answer) {
    m->rows++;
    if (truth >= 0 && truth < m->classes && answer >= 0 && answer < m->classes)
        m->confusion[truth * m->classes + answer]++;
}

void metrics_add_number(metrics *m, double truth, double answer) {
    double error = answer - truth, before = truth - m->target_mean;
    m->rows++;
    m->squared += error * error;
    m->absolute += fabs(error);
    m->target_mean += before / (double)m->rows;
    m->target_squares += before * (truth - m->target_mean);
}

void metrics_add_loss(metrics *m, double mean, int64_t rows) { m->loss += mean * (double)rows; }

static double over_rows(const metrics *m, double sum) { return m->rows ? sum / (double)m->rows : NAN; }

double metrics_loss(const metrics *m) { return over_rows(m, m->loss); }

double metrics_accuracy(const metrics *m) {
    int64_t right = 0;
    if (!m->classes) return NAN;
    for (int64_t c = 0; c < m->classes; c++) right += m->confusion[c * m->classes + c];
    return over_rows(m, (double)right);
}

double metrics_macro_f1(const metrics *m) {
    double sum = 0;
    int64_t present = 0;
    for (int64_t c = 0; c < m->classes; c++) {
        int64_t true_rows = 0, answers = 0;
        for (int64_t k = 0; k < m->classes; k++) {
            true_rows += m->confusion[c * m->classes + k];
            answers += m->confusion[k * m->classes + c];
        }
        if (!(true_rows + answers)) continue;
        present++;
        sum += 2.0 * (double)m->confusion[c * m->classes + c] / (double)(true_rows + answers);
    }
    return present ? sum / (double)present : NAN;
}

double metrics_rmse(const metrics *m) { return m->classes ? NAN : sqrt(over_rows(m, m->squared)); }
double metrics_mae(const metrics *m) { return m->classes ? NAN : over_rows(m, m->absolute); }

double metrics_r2(const metrics *m) {
    return m->classes || !(m->target_squares > 0) ? NAN : 1 - m->squared / m->target_squares;
}

void mean_and_deviation(const double *values, size_t count, double *mean, double *deviation) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) sum += values[i];
    *mean = count ? sum / (double)count : NAN;
    for (size_t i = 0; i < count; i++) squares += (values[i] - *mean) * (values[i] - *mean);
    *deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : NAN;
}
