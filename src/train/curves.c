/* train/curves.c: what is made of all rows in order of their scores. Rows with equal scores are one point of a curve,
 * so that the order among them doesn't matter: AUC is the chance that a row of the class scores higher than one of the
 * others, ties counting half (Mann and Whitney); average precision is sum (R_n - R_(n-1)) P_n over the points. */
#include "train/metrics.h"

#include <math.h>
#include <stdlib.h>

/* As many numbers as may be kept: a quarter of a GB. */
static const size_t scores_most = (size_t)1 << 26;

bool metrics_keep(const soma_context *context, metrics *m, int64_t rows) {
    size_t values;
    if (m->classes < 1 || rows < 1 || m->scores) return true;
    if (!size_multiply((size_t)rows, (size_t)m->classes, &values) || values > scores_most) return true;
    m->scores = mem_array(context, values, sizeof *m->scores);
    m->truths = mem_array(context, (size_t)rows, sizeof *m->truths);
    m->room = m->scores && m->truths ? rows : 0;
    return m->room > 0;
}

typedef struct scored {
    float score;
    bool positive;
} scored;

static int higher_first(const void *a, const void *b) {
    float x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x < y) - (x > y);
}

/* The curves of one class against the rest; false when all rows have it or none. */
static bool rank_class(const metrics *m, int64_t c, scored *rows, double *auc, double *precision) {
    int64_t positives = 0, true_rows = 0, false_rows = 0;
    *auc = *precision = 0;
    for (int64_t i = 0; i < m->kept; i++) {
        rows[i] = (scored){m->scores[i * m->classes + c], m->truths[i] == c};
        if (isnan(rows[i].score)) return false;
        positives += rows[i].positive;
    }
    if (!positives || positives == m->kept) return false;
    qsort(rows, (size_t)m->kept, sizeof *rows, higher_first);
    for (int64_t i = 0; i < m->kept;) {
        int64_t true_here = 0, false_here = 0, first = i;
        for (; i < m->kept && rows[i].score == rows[first].score; i++) {
            true_here += rows[i].positive;
            false_here += !rows[i].positive;
        }
        *auc += (double)false_here * ((double)true_rows + 0.5 * (double)true_here);
        true_rows += true_here;
        false_rows += false_here;
        *precision += (double)true_here * (double)true_rows / (double)(true_rows + false_rows);
    }
    *auc /= (double)positives * (double)(m->kept - positives);
    *precision /= (double)positives;
    return true;
}

bool metrics_rank(const soma_context *context, metrics *m) {
    m->auc = m->average_precision = NAN;
    if (!m->kept) return true;
    scored *rows = mem_array(context, (size_t)m->kept, sizeof *rows);
    if (!rows) return false;
    double auc = 0, precision = 0;
    int64_t counted = 0;
    for (int64_t c = m->classes == 2 ? 1 : 0; c < m->classes; c++) {
        double one, other;
        if (!rank_class(m, c, rows, &one, &other)) continue;
        auc += one;
        precision += other;
        counted++;
    }
    mem_free(context, rows);
    if (counted) m->auc = auc / (double)counted;
    if (counted) m->average_precision = precision / (double)counted;
    return true;
}
