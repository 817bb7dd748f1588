/* train/pace.c: the learning rate as training goes on. Where a schedule is a function of the position nothing is
 * remembered; the plateau is PyTorch's ReduceLROnPlateau with a relative threshold, told the monitored number after
 * each epoch. */
#include "train/pace.h"

#include <math.h>

double pace_rate(const soma_schedule *schedule, const pace *p, int64_t step, int64_t steps_per_epoch) {
    double rate = p->plateau_rate > 0 && schedule->kind == SOMA_SCHEDULE_PLATEAU ? p->plateau_rate : p->rate;
    return soma_schedule_rate(*schedule, rate, step, steps_per_epoch, p->epochs);
}

void pace_measured(const soma_schedule *s, pace *p, double value, bool larger_is_better) {
    static const double smallest_fall = 1e-8; /* PyTorch's eps: a smaller one is not made */
    if (s->kind != SOMA_SCHEDULE_PLATEAU) return;
    double wanted = p->plateau_best * (larger_is_better ? 1 + s->threshold : 1 - s->threshold);
    bool better = !p->measured || (larger_is_better ? value > wanted : value < wanted);
    p->bad = better ? 0 : p->bad + 1;
    if (better && !isnan(value)) {
        p->plateau_best = value;
        p->measured++;
    }
    if (p->cooled > 0) {
        p->cooled--;
        p->bad = 0;
    }
    if (p->bad <= s->patience) return;
    double old = p->plateau_rate > 0 ? p->plateau_rate : p->rate, next = fmax(old * s->factor, s->min);
    if (old - next > smallest_fall) p->plateau_rate = next;
    p->cooled = s->cooldown;
    p->bad = 0;
}

int pace_check_epochs(const soma_schedule *schedule, const pace *p, int64_t epochs, soma_error *error) {
    if (!soma_schedule_needs_end(*schedule) || p->epochs == epochs) return SOMA_OK;
    return error_set(
        error, SOMA_ERROR_ARGUMENT,
        "--epochs %lld: the run's schedule was laid out for %lld epochs and its rates depend on that; give "
        "--schedule too to lay it out anew",
        (long long)epochs, (long long)p->epochs);
}

int pace_check_schedule(const soma_schedule *s, soma_error *error) {
    const struct {
        bool asked;
        const char *name;
        double value, low, high;
    } fields[] = {{true, "warmup", s->warmup, 0, 1e9},
                  {true, "warmup_steps", (double)s->warmup_steps, 0, 1e15},
                  {true, "min", s->min, 0, 1e38},
                  {s->kind == SOMA_SCHEDULE_STEP, "size", s->size, 0, 1e9},
                  {s->kind == SOMA_SCHEDULE_STEP, "gamma", s->gamma, 1e-30, 1},
                  {s->kind == SOMA_SCHEDULE_ONECYCLE, "max", s->max, 0, 1e38},
                  {s->kind == SOMA_SCHEDULE_ONECYCLE, "pct_start", s->pct_start, 0, 1},
                  {s->kind == SOMA_SCHEDULE_ONECYCLE, "div_factor", s->div_factor, 1, 1e30},
                  {s->kind == SOMA_SCHEDULE_ONECYCLE, "final_div_factor", s->final_div_factor, 1, 1e30},
                  {s->kind == SOMA_SCHEDULE_PLATEAU, "factor", s->factor, 1e-30, 1 - 1e-9},
                  {s->kind == SOMA_SCHEDULE_PLATEAU, "threshold", s->threshold, 0, 1},
                  {s->kind == SOMA_SCHEDULE_PLATEAU, "patience", (double)s->patience, 0, 1e9},
                  {s->kind == SOMA_SCHEDULE_PLATEAU, "cooldown", (double)s->cooldown, 0, 1e9}};
    if ((unsigned)s->kind > SOMA_SCHEDULE_PLATEAU)
        return error_set(error, SOMA_ERROR_ARGUMENT, "schedule: kind %d does not exist", (int)s->kind);
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (fields[i].asked && !(fields[i].value >= fields[i].low && fields[i].value <= fields[i].high))
            return error_set(error, SOMA_ERROR_ARGUMENT, "schedule: %s is %g, expected %g to %g", fields[i].name,
                             fields[i].value, fields[i].low, fields[i].high);
    return SOMA_OK;
}
