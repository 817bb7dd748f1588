/* train/metrics.h: how well answers fit the truth, summed up in double over any number of batches. */
#ifndef TRAIN_METRICS_H
#define TRAIN_METRICS_H

#include "base/base.h"

enum { CALIBRATION_BINS = 15 };

typedef struct metrics {
    int64_t rows, classes; /* classes 0: regression */
    int64_t *confusion;    /* [classes, classes], row: the true class, column: the answer */
    int64_t top5;          /* rows whose class is among the five likeliest */
    struct {
        int64_t rows, right;
        double confidence; /* sum */
    } bins[CALIBRATION_BINS];
    float *scores; /* [room, classes], kept for the curves; NULL: not asked for */
    int64_t *truths;
    int64_t room, kept;
    double auc, average_precision; /* NaN until metrics_rank */
    double loss;                   /* sum over the rows */
    double squared, absolute;
    double target_mean, target_squares; /* running mean of the targets, sum of squared deviations from it */
} metrics;

bool metrics_create(const soma_context *context, int64_t classes, metrics *m);
void metrics_clear(const soma_context *context, metrics *m);

/* Index of the largest of `count` scores, the first of equals; NaN never wins against a number. */
int64_t metrics_argmax(const float *scores, int64_t count);
void metrics_add_class(metrics *m, int64_t truth, int64_t answer);
/* Keeps room for the probabilities of `rows` rows, of which AUC and average precision are made. False when memory is
 * out; so many that they would take more than a quarter of a GB are not kept, and those two stay NaN. */
bool metrics_keep(const soma_context *context, metrics *m, int64_t rows);
/* The same as metrics_add_class for the likeliest of `probabilities`, with everything that is made of them. */
void metrics_add_probabilities(metrics *m, int64_t truth, const float *probabilities);
/* Makes AUC and average precision of what was kept. False when memory is out. */
bool metrics_rank(const soma_context *context, metrics *m);
void metrics_add_number(metrics *m, double truth, double answer);
/* The mean loss of a batch. */
void metrics_add_loss(metrics *m, double mean, int64_t rows);

/* NaN where there are no rows or the task has no such number. */
double metrics_loss(const metrics *m);
double metrics_accuracy(const metrics *m);
/* Unweighted mean of F1 = 2 TP / (2 TP + FP + FN) over the classes that occur in truth or answers (scikit-learn's macro
 * average with zero_division 0). */
double metrics_macro_f1(const metrics *m);
/* Area under the ROC curve and average precision, scikit-learn's: of two classes the second's; of more the mean over
 * one class against the rest, classes left out that all rows have or none. */
double metrics_auc(const metrics *m);
double metrics_average_precision(const metrics *m);
double metrics_top5(const metrics *m);
/* Expected calibration error over 15 equal bins of the answer's probability: the mean distance between how sure the
 * answers are and how often they are right (Guo et al. 2017). */
double metrics_calibration_error(const metrics *m);

/* How well one class is told; 0 where nothing was counted (scikit-learn's zero_division 0). */
typedef struct class_measures {
    double precision, recall, f1;
    int64_t support; /* rows that have the class */
} class_measures;
class_measures metrics_class(const metrics *m, int64_t c);

double metrics_rmse(const metrics *m);
double metrics_mae(const metrics *m);
double metrics_r2(const metrics *m); /* 1 - sum of squared errors / sum of squared deviations from the mean */

/* ---- By name ------------------------------------------------------------------------------------------------------
 */

typedef enum measure_id {
    MEASURE_LOSS,
    MEASURE_ACCURACY,
    MEASURE_MACRO_F1,
    MEASURE_AUC,
    MEASURE_AVERAGE_PRECISION,
    MEASURE_TOP5,
    MEASURE_CALIBRATION_ERROR,
    MEASURE_RMSE,
    MEASURE_MAE,
    MEASURE_R2,
    MEASURES
} measure_id;

typedef struct measure_kind {
    const char *name;
    bool classes, numbers; /* the tasks that have it */
    bool larger;           /* is better */
    bool ranked;           /* needs metrics_keep and metrics_rank */
    double (*value)(const metrics *m);
} measure_kind;
extern const measure_kind measures[MEASURES];

/* Mean and standard deviation (n - 1) of a few numbers; the deviation of fewer than two is NaN. */
void mean_and_deviation(const double *values, size_t count, double *mean, double *deviation);

#endif
