/* insight/statistics.c: what a set of numbers looks like: moments, extremes and a histogram, in two passes over the
 * elements in their order, in double. Elements that are not finite are counted and left out, so that one of them does
 * not hide the others. */
#include "insight/insight.h"

#include <math.h>

/* Elements of either width. */
typedef struct elements {
    const float *narrow;
    const double *wide;
    size_t count;
} elements;

static double at(const elements *e, size_t i) { return e->wide ? e->wide[i] : (double)e->narrow[i]; }

/* Gradients below 1e-14 do nothing in float32; those above 100 have exploded. */
static const soma_bins decades = {-14, 2, true};

static void count_in_bins(const elements *e, soma_statistics *s) {
    double scale = s->bins.high > s->bins.low ? SOMA_BINS / (s->bins.high - s->bins.low) : 0;
    for (size_t i = 0; i < e->count; i++) {
        double x = at(e, i);
        if (!isfinite(x) || (s->bins.logarithmic && x == 0)) continue;
        double place = ((s->bins.logarithmic ? log10(fabs(x)) : x) - s->bins.low) * scale;
        s->histogram[place >= SOMA_BINS ? SOMA_BINS - 1 : place > 0 ? (int)place : 0]++;
    }
}

static soma_statistics measure(const elements *e, soma_bins bins) {
    soma_statistics s = {.count = (int64_t)e->count,
                         .min = NAN,
                         .max = NAN,
                         .mean = NAN,
                         .deviation = NAN,
                         .norm = NAN,
                         .zeros = NAN,
                         .bins = bins};
    double sum = 0, squares = 0, around = 0;
    size_t finite = 0, zeros = 0;
    for (size_t i = 0; i < e->count; i++) {
        double x = at(e, i);
        if (!isfinite(x)) continue;
        if (!finite || x < s.min) s.min = x;
        if (!finite || x > s.max) s.max = x;
        sum += x;
        squares += x * x;
        zeros += x == 0;
        finite++;
    }
    s.not_finite = (int64_t)(e->count - finite);
    if (finite) {
        s.mean = sum / (double)finite;
        s.norm = sqrt(squares);
        s.zeros = (double)zeros / (double)finite;
        for (size_t i = 0; i < e->count; i++)
            if (isfinite(at(e, i))) around += (at(e, i) - s.mean) * (at(e, i) - s.mean);
        s.deviation = sqrt(around / (double)finite);
    }
    bool given = bins.low < bins.high;
    if (!given && bins.logarithmic) s.bins = decades;
    if (!given && !bins.logarithmic) s.bins = (soma_bins){finite ? s.min : 0, finite ? s.max : 0, false};
    count_in_bins(e, &s);
    return s;
}

soma_statistics statistics_of(const double *values, size_t count, soma_bins bins) {
    elements e = {.wide = values, .count = count};
    return measure(&e, bins);
}

soma_statistics soma_statistics_of(const float *values, size_t count, soma_bins bins) {
    elements e = {.narrow = values, .count = values ? count : 0};
    return measure(&e, bins);
}
