/* train/metrics.c: accuracy, macro F1 and the confusion matrix, what probabilities are worth (top 5, calibration);
 * rmse, mae and R². Counts are integers and sums are doubles; the variance of the targets uses Welford's running form,
 * which does not cancel. What needs all rows in order of their scores is in curves.c. */
#include "train/metrics.h"

#include <math.h>

bool metrics_create(const soma_context *context, int64_t classes, metrics *m) {
    *m = (metrics){.classes = classes, .auc = NAN, .average_precision = NAN};
    size_t cells;
    if (!classes) return true;
    if (!size_multiply((size_t)classes, (size_t)classes, &cells)) return false;
    m->confusion = mem_zeros(context, cells, sizeof *m->confusion);
    return m->confusion != NULL;
}

void metrics_clear(const soma_context *context, metrics *m) {
    mem_free(context, m->confusion);
    mem_free(context, m->scores);
    mem_free(context, m->truths);
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

/* Whether fewer than five scores are larger than the true class's; of equal ones the first counts as larger, as an
 * answer takes the first. */
static bool among_five(const float *scores, int64_t classes, int64_t truth) {
    float own = scores[truth];
    int larger = 0;
    for (int64_t c = 0; c < classes && larger < 5; c++) larger += c < truth ? scores[c] >= own : scores[c] > own;
    return larger < 5 && !isnan(own);
}

void metrics_add_probabilities(metrics *m, int64_t truth, const float *probabilities) {
    int64_t answer = metrics_argmax(probabilities, m->classes);
    double confidence = (double)probabilities[answer];
    metrics_add_class(m, truth, answer);
    if (truth < 0 || truth >= m->classes) return;
    m->top5 += among_five(probabilities, m->classes, truth);
    if (confidence >= 0 && confidence <= 1.001) {
        int bin = (int)ceil(confidence * (double)CALIBRATION_BINS) - 1;
        bin = bin < 0 ? 0 : bin >= CALIBRATION_BINS ? CALIBRATION_BINS - 1 : bin;
        m->bins[bin].rows++;
        m->bins[bin].right += answer == truth;
        m->bins[bin].confidence += confidence;
    }
    if (m->kept < m->room) {
        memcpy(m->scores + m->kept * m->classes, probabilities, (size_t)m->classes * sizeof *m->scores);
        m->truths[m->kept++] = truth;
    }
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

static double ratio(int64_t part, int64_t whole) { return whole ? (double)part / (double)whole : 0; }

/* Rows that have the class, answers that say it, and both. */
static void count_class(const metrics *m, int64_t c, int64_t *have, int64_t *said, int64_t *both) {
    *have = *said = 0;
    for (int64_t k = 0; k < m->classes; k++) {
        *have += m->confusion[c * m->classes + k];
        *said += m->confusion[k * m->classes + c];
    }
    *both = m->confusion[c * m->classes + c];
}

class_measures metrics_class(const metrics *m, int64_t c) {
    int64_t have, said, both;
    count_class(m, c, &have, &said, &both);
    return (class_measures){.precision = ratio(both, said),
                            .recall = ratio(both, have),
                            .f1 = ratio(2 * both, have + said),
                            .support = have};
}

double metrics_macro_f1(const metrics *m) {
    double sum = 0;
    int64_t present = 0;
    for (int64_t c = 0; c < m->classes; c++) {
        int64_t have, said, both;
        count_class(m, c, &have, &said, &both);
        if (!(have + said)) continue;
        present++;
        sum += 2.0 * (double)both / (double)(have + said);
    }
    return present ? sum / (double)present : NAN;
}

double metrics_top5(const metrics *m) { return m->classes ? over_rows(m, (double)m->top5) : NAN; }
double metrics_auc(const metrics *m) { return m->auc; }
double metrics_average_precision(const metrics *m) { return m->average_precision; }

double metrics_calibration_error(const metrics *m) {
    double sum = 0;
    for (int b = 0; b < CALIBRATION_BINS; b++) sum += fabs(m->bins[b].confidence - (double)m->bins[b].right);
    return m->classes ? over_rows(m, sum) : NAN;
}

double metrics_rmse(const metrics *m) { return m->classes ? NAN : sqrt(over_rows(m, m->squared)); }
double metrics_mae(const metrics *m) { return m->classes ? NAN : over_rows(m, m->absolute); }

double metrics_r2(const metrics *m) {
    return m->classes || !(m->target_squares > 0) ? NAN : 1 - m->squared / m->target_squares;
}

const measure_kind measures[MEASURES] = {
    [MEASURE_LOSS] = {"loss", true, true, false, false, metrics_loss},
    [MEASURE_ACCURACY] = {"accuracy", true, false, true, false, metrics_accuracy},
    [MEASURE_MACRO_F1] = {"macro_f1", true, false, true, false, metrics_macro_f1},
    [MEASURE_AUC] = {"auc", true, false, true, true, metrics_auc},
    [MEASURE_AVERAGE_PRECISION] = {"average_precision", true, false, true, true, metrics_average_precision},
    [MEASURE_TOP5] = {"top5", true, false, true, false, metrics_top5},
    [MEASURE_CALIBRATION_ERROR] = {"calibration_error", true, false, false, false, metrics_calibration_error},
    [MEASURE_RMSE] = {"rmse", false, true, false, false, metrics_rmse},
    [MEASURE_MAE] = {"mae", false, true, false, false, metrics_mae},
    [MEASURE_R2] = {"r2", false, true, true, false, metrics_r2},
};

void mean_and_deviation(const double *values, size_t count, double *mean, double *deviation) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) sum += values[i];
    *mean = count ? sum / (double)count : NAN;
    for (size_t i = 0; i < count; i++) squares += (values[i] - *mean) * (values[i] - *mean);
    *deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : NAN;
}
