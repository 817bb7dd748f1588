/* wasm/summary.c: soma_statistics_of for the caller. */
#include "binding.h"

void summary_get(const float *values, size_t count, double *summary) {
    soma_statistics s = soma_statistics_of(values, count, SOMA_OPTIONS(soma_bins){.low = 0});
    const double all[] = {(double)s.count, (double)s.not_finite, s.min,      s.max, s.mean, s.deviation, s.norm,
                          s.zeros,         s.bins.low,           s.bins.high};
    memcpy(summary, all, sizeof all);
    for (size_t i = 0; i < SOMA_BINS; i++) summary[COUNT_OF(all) + i] = (double)s.histogram[i];
}
