/* nn/schedules.c: how the learning rate changes from one update to the next. A schedule is a function of the position
 * alone, so that a training that goes on from a checkpoint finds the same rate; only the plateau looks at what was
 * measured, and its state is the trainer's. t is the update, T the number of updates, both counted behind the warm-up,
 * r the optimizer's rate; formulas are PyTorch's, with an update where it usually has an epoch: step      r
 * gamma^floor(epoch / size) cosine    min + (r - min) (1 + cos(pi t / T)) / 2 Loshchilov and Hutter 2017 onecycle  from
 * max / div_factor to max until t = pct_start T - 1, then down to max / (div_factor final_div_factor) at T - 1, both
 * ways along half a cosine; the momentum stays               Smith and Topin 2018 warm-up   rises by equal steps, r0 (t
 * + 1) / W, to the rate r0 with which the schedule begins */
#include "base/base.h"

#include <soma/nn.h>

#include <math.h>

static const double pi = 3.14159265358979323846;

soma_schedule soma_schedule_step(double size, double gamma) {
    soma_schedule s = {.kind = SOMA_SCHEDULE_STEP, .size = size, .gamma = gamma};
    return s;
}

soma_schedule soma_schedule_cosine(double min) {
    soma_schedule s = {.kind = SOMA_SCHEDULE_COSINE, .min = min};
    return s;
}

soma_schedule soma_schedule_onecycle(double max) {
    soma_schedule s = {
        .kind = SOMA_SCHEDULE_ONECYCLE, .max = max, .pct_start = 0.3, .div_factor = 25, .final_div_factor = 1e4};
    return s;
}

soma_schedule soma_schedule_plateau(double factor, int64_t patience) {
    soma_schedule s = {.kind = SOMA_SCHEDULE_PLATEAU, .factor = factor, .threshold = 1e-4, .patience = patience};
    return s;
}

/* From a to b along half a cosine, as `share` goes from 0 to 1. */
static double along_cosine(double a, double b, double share) { return b + (a - b) / 2 * (1 + cos(pi * share)); }

/* The share of the way from `begin` to `end` at t; a way without length lies behind. */
static double share_of_way(double t, double begin, double end) { return end > begin ? (t - begin) / (end - begin) : 1; }

static double onecycle(const soma_schedule *s, double rate, double t, double total) {
    double max = s->max > 0 ? s->max : rate, first = max / s->div_factor, last = first / s->final_div_factor;
    double top = s->pct_start * total - 1;
    return t <= top ? along_cosine(first, max, share_of_way(t, 0, top))
                    : along_cosine(max, last, share_of_way(t, top, total - 1));
}

/* Updates of the warm-up. */
static double warmup_length(const soma_schedule *s, double steps_per_epoch, double total) {
    if (!(s->warmup > 0)) return (double)s->warmup_steps;
    return floor(s->warmup * (s->warmup < 1 ? total : steps_per_epoch) + 0.5);
}

double soma_schedule_rate(soma_schedule s, double rate, int64_t step, int64_t steps_per_epoch, int64_t epochs) {
    double each = (double)steps_per_epoch, total = each * (double)epochs;
    double warm = warmup_length(&s, each, total), t = (double)step - warm;
    if (t < 0) {
        s.warmup = 0;
        s.warmup_steps = 0;
        return soma_schedule_rate(s, rate, 0, steps_per_epoch, epochs) * ((double)step + 1) / warm;
    }
    double size = s.size > 0 ? s.size : ceil((double)epochs / 3);
    switch (s.kind) {
    case SOMA_SCHEDULE_STEP:
        return rate * pow(s.gamma, floor(floor(t / each) / size));
    case SOMA_SCHEDULE_COSINE:
        return s.min + (rate - s.min) * (1 + cos(pi * share_of_way(t, 0, total - warm))) / 2;
    case SOMA_SCHEDULE_ONECYCLE:
        return onecycle(&s, rate, t, total - warm);
    case SOMA_SCHEDULE_CONSTANT:
    case SOMA_SCHEDULE_PLATEAU:
        break;
    }
    return rate;
}

bool soma_schedule_needs_end(soma_schedule s) {
    return s.kind == SOMA_SCHEDULE_COSINE || s.kind == SOMA_SCHEDULE_ONECYCLE ||
           (s.kind == SOMA_SCHEDULE_STEP && !(s.size > 0)) || (s.warmup > 0 && s.warmup < 1);
}
