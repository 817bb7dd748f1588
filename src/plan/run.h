/* plan/run.h: the inside of a run. */
#ifndef PLAN_RUN_H
#define PLAN_RUN_H

#include "ops/attributes.h"
#include "plan/plan.h"

/* An element-wise step for one thread: the outer dimensions are walked, the two innermost go to the program. */
typedef struct elementwise_job {
    ew_operand operand[EW_MAX_INPUTS + EW_MAX_OUTPUTS];
    int64_t stride[EW_MAX_INPUTS + EW_MAX_OUTPUTS][SOMA_MAX_RANK]; /* of the outer dimensions */
    int64_t extent[SOMA_MAX_RANK];
    int outer; /* number of outer dimensions */
    int64_t rows, columns;
    int operands;
} elementwise_job;

/* A step with everything that its kernel needs at the present batch. */
typedef struct prepared {
    kernel_call call;
    epilogue epilogue;
    elementwise_job *jobs; /* one a thread */
    onednn_run *onednn;    /* NULL: not oneDNN's */
} prepared;

typedef struct run_input {
    void *own;           /* room for the largest batch, in the plan's element type */
    const void *bound;   /* what the next step reads: own, or the caller's */
    const float *narrow; /* float64 plans: floats bound by the caller, widened into own before each step; or NULL */
    int64_t rows;        /* -1: not set */
    double scalar;
} run_input;

struct soma_run {
    const soma_plan *plan;
    team *team;
    int threads; /* of the plan's, as many as the system gives */
    char *arena, *scratch, *reference_scratch;
    double *scalar_values;
    void *scalar_slots; /* float or double, by slot, each in a cache line's share of its own type */
    run_input *inputs;
    prepared *steps;
    int64_t batch; /* for which the steps are prepared; -1: none */
    int64_t last_batch;
    uint64_t kept;      /* version of the store that what follows from weights alone was made from; 0: none was */
    bool fresh;         /* that is so in this step: steps that make it are passed by */
    bool stale;         /* pointers changed since */
    bool scalars_stale; /* only numbers that the host computes from did */
    uint64_t seed, position;
    double *seconds;  /* by step, summed while the run is profiled; or NULL */
    int64_t profiled; /* runs summed */
    int failed_step;  /* first whose output was not finite, with check_finite; -1 */
};

/* What is done at once of a step: all samples, split among the threads; or with `apart` some of one thread's. */
typedef struct work {
    int64_t sample, samples;
    int thread;
    bool apart;
} work;

/* A kernel's call, or an element-wise step's job for one thread. */
void run_prepare_call(const soma_run *run, int32_t step, const work *w, kernel_call *call, epilogue *e);
void run_prepare_job(const soma_run *run, int32_t step, const work *w, elementwise_job *job);
/* A part of the call of a pair's first or second step, and what it refers to. */
typedef struct part_call {
    kernel_call call;
    epilogue epilogue;
    window_attributes window;
} part_call;
/* Of the whole call `channels` channels from `channel` on, of one of its samples, for one thread. */
void run_prepare_part(const soma_run *run, int32_t step, const kernel_call *whole, int64_t sample, int64_t channel,
                      int64_t channels, int thread, part_call *part);
/* Fills run->steps for a batch; the steps of stretches are prepared as they run. */
void run_prepare(soma_run *run, int64_t batch);
/* Computes the host's scalars anew for the batch that the steps are prepared for. */
void run_scalars(soma_run *run);
/* Where a value lies, NULL if nowhere. */
void *run_address(const soma_run *run, int32_t value);
/* Runs a step whose op has no fast kernel, or any step of a float64 plan. */
void reference_step(const soma_run *run, const step *s, const kernel_call *call);

#endif
