/* wasm/binding.c: memory and errors for the caller, and what the other files share. */
#include "binding.h"

#include <math.h>
#include <stdlib.h>

const char *soma_text_version(void) { return soma_version(); }

/* Of the library's allocator, so that either side may end what the other made. */
void *memory_take(size_t size) { return mem_alloc(NULL, size); }
void memory_give(void *memory) { mem_free(NULL, memory); }

soma_error *error_create(void) { return mem_zeros(NULL, 1, sizeof(soma_error)); }
void error_clear(soma_error *error) { *error = (soma_error){0}; }
const char *error_message(const soma_error *error) { return error->message; }

void part_clear(part *p) {
    soma_run_destroy(p->run);
    soma_plan_destroy(p->plan);
    *p = (part){0};
}

int part_make(part *p, const soma_value *outputs, size_t count, soma_plan_options options, soma_error *error) {
    part_clear(p);
    p->rows = options.max_batch;
    p->plan = soma_plan_infer(outputs, count, options, error);
    p->run = p->plan ? soma_run_create(p->plan, error) : NULL;
    if (p->run) return SOMA_OK;
    part_clear(p);
    return error->code;
}

static void take(double *field, double given) {
    if (!isnan(given)) *field = given;
}

soma_optimizer optimizer_of(const double *s) {
    static soma_optimizer (*const makers[])(double) = {[SOMA_SGD] = soma_sgd,
                                                       [SOMA_RMSPROP] = soma_rmsprop,
                                                       [SOMA_ADAM] = soma_adam,
                                                       [SOMA_ADAMW] = soma_adamw,
                                                       [SOMA_ADAGRAD] = soma_adagrad};
    size_t kind = (size_t)s[OPTIMIZER_KIND];
    double rate = s[OPTIMIZER_RATE];
    soma_optimizer o = kind == SOMA_MOMENTUM     ? soma_momentum(rate, 0.9)
                       : kind == SOMA_NESTEROV   ? soma_nesterov(rate, 0.9)
                       : kind < COUNT_OF(makers) ? makers[kind](rate)
                                                 : soma_sgd(rate);
    take(&o.momentum, s[OPTIMIZER_MOMENTUM]);
    take(&o.alpha, s[OPTIMIZER_ALPHA]);
    take(&o.beta1, s[OPTIMIZER_BETA1]);
    take(&o.beta2, s[OPTIMIZER_BETA2]);
    take(&o.epsilon, s[OPTIMIZER_EPSILON]);
    take(&o.weight_decay, s[OPTIMIZER_L2]);
    take(&o.l1, s[OPTIMIZER_L1]);
    take(&o.clip, s[OPTIMIZER_CLIP]);
    return o;
}
