/* train/lr_range.c: the learning-rate range test (Smith 2017). The rate grows by a constant factor from step to step,
 * from far too small to far too large; the smoothed loss first stays, then falls, then rises. A tenth of the rate at
 * which it is smallest is large enough to learn fast and well below where training breaks. The test ends early when the
 * loss has grown to several times its smallest. */
#include "train/lr_range.h"

#include <math.h>

static const double first_rate = 1e-6, last_rate = 10, smoothing = 0.9, grown = 4, share = 0.1;
/* The smallest loss is looked for once the average has seen a few. */
enum { SETTLED = 5 };

double lr_range_next(const lr_range *r) {
    if (r->ended || r->step >= LR_RANGE_STEPS) return 0;
    return first_rate * pow(last_rate / first_rate, (double)r->step / (LR_RANGE_STEPS - 1));
}

void lr_range_add(lr_range *r, double loss) {
    double rate = lr_range_next(r);
    r->step++;
    if (!isfinite(loss)) {
        r->ended = true;
        return;
    }
    r->average = smoothing * r->average + (1 - smoothing) * loss;
    double smooth = r->average / (1 - pow(smoothing, r->step));
    if (r->step == SETTLED) r->first = smooth;
    if (r->step >= SETTLED && (!(r->at > 0) || smooth < r->least)) {
        r->least = smooth;
        r->at = rate;
    }
    r->ended = r->step > SETTLED && smooth > grown * r->least;
}

double lr_range_result(const lr_range *r) { return r->at > 0 && r->least < r->first ? share * r->at : 0; }
