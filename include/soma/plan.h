/* soma/plan.h: making a graph run: stores, plans and runs.
 *
 * A store holds the variables. A plan is what a graph compiles to: an immutable list of steps for a largest batch that
 * runs any smaller one too. A run is one execution context of a plan: it holds the working memory and the position in
 * the random streams, and serves one thread at a time. Any number of runs may share a plan, and a store nobody writes.
 * From its second step on a run allocates nothing. */
#ifndef SOMA_PLAN_H
#define SOMA_PLAN_H

#include <soma/graph.h>

SOMA_BEGIN_C

/* ---- Stores --------------------------------------------------------------------------------------------------------
 */

typedef struct soma_store soma_store;

typedef struct soma_store_options {
    uint64_t seed SOMA_ZERO; /* what initial values are drawn from, together with each variable's name */
    bool float64 SOMA_ZERO;  /* variables in double, for plans on the reference backend */
    const soma_context *context SOMA_ZERO;
} soma_store_options;

SOMA_API soma_store *soma_store_create(soma_store_options options, soma_error *error);
SOMA_API void soma_store_destroy(soma_store *store);

/* The variables in the order in which plans met them. The name is borrowed and stays valid with the store. */
SOMA_API size_t soma_store_count(const soma_store *store);
SOMA_API const char *soma_store_name(const soma_store *store, size_t index);
SOMA_API soma_shape soma_store_shape(const soma_store *store, const char *name);
SOMA_API bool soma_store_trainable(const soma_store *store, const char *name);
/* Copies a whole variable out or in; `count` is its number of elements. */
SOMA_API int soma_store_get(const soma_store *store, const char *name, float *values, size_t count, soma_error *error);
SOMA_API int soma_store_set(soma_store *store, const char *name, const float *values, size_t count, soma_error *error);

/* ---- Plans ---------------------------------------------------------------------------------------------------------
 */

typedef struct soma_plan soma_plan;

typedef enum soma_backend {
    SOMA_BACKEND_AUTO = 0,
    SOMA_BACKEND_PORTABLE,
    SOMA_BACKEND_REFERENCE, /* naive, float64: runs any plan, slowly */
    SOMA_BACKEND_ONEDNN     /* oneDNN for convolutions and products, portable kernels for the rest, and for all
                               where soma's module for oneDNN is not found (soma_plan_info.note says so) */
} soma_backend;

/* What operands of convolutions and products are rounded to. Sums, results and variables are float in any case. */
typedef enum soma_precision {
    SOMA_PRECISION_F32 = 0,
    /* bfloat16 where that is faster: by oneDNN, on processors with instructions for it. On others and without soma's
     * module for oneDNN float is used (soma_plan_info.note says so). */
    SOMA_PRECISION_BF16
} soma_precision;

/* How convolutions are computed. */
typedef enum soma_algorithm {
    SOMA_ALGORITHM_AUTO = 0, /* with fewer multiplications where a layer's shape suits (Winograd) */
    SOMA_ALGORITHM_DIRECT    /* by their definition: the most accurate */
} soma_algorithm;

/* Measured times of kernels, step by step; see soma_tuning_measure. */
typedef struct soma_tuning soma_tuning;

typedef struct soma_plan_options {
    int64_t max_batch SOMA_ZERO; /* the largest batch; not given: 1 */
    soma_store *store SOMA_ZERO; /* not given: the plan makes and owns one */
    uint64_t seed SOMA_ZERO;     /* for the store that the plan makes */
    int threads SOMA_ZERO;       /* the most threads a run uses; not given: the processors available */
    soma_backend backend SOMA_ZERO;
    soma_precision precision SOMA_ZERO;
    const soma_value *keep SOMA_ZERO; /* inner values that soma_run_get must be able to read after a step */
    size_t keep_count SOMA_ZERO;
    bool unfused SOMA_ZERO; /* a step a node, nothing shared in memory: to look inside */
    soma_algorithm algorithm SOMA_ZERO;
    /* The most bytes that the plan's memory may have: variables, inputs and working memory. A training plan then makes
     * values of the forward pass again in the backward pass instead of keeping them, to the same bits (gradient
     * checkpointing), as few as suffice. Not given: no limit; all is kept. */
    int64_t memory SOMA_ZERO;
    /* Where it names a step's op, shapes, precision and instruction set, its fastest kernel computes the step instead
     * of the one that a cost model takes. Needed while the plan is made only. */
    const soma_tuning *tuning SOMA_ZERO;
    int candidate SOMA_ZERO;     /* n > 0: the n-th kernel of each step that has so many, to measure them */
    bool check_finite SOMA_ZERO; /* implies unfused; a step fails at the first node whose output is not finite */
} soma_plan_options;

struct soma_optimizer; /* soma/nn.h */

/* A plan that computes `count` values (and the assigns they were given with, none). NULL and a sentence on failure. */
SOMA_API soma_plan *soma_plan_infer(const soma_value *outputs, size_t count, soma_plan_options options,
                                    soma_error *error);
/* A plan whose step computes a scalar loss and its gradients and updates every trainable variable that the loss depends
 * on. The optimizer's nodes are added to the loss's graph. */
SOMA_API soma_plan *soma_plan_train(soma_value loss, struct soma_optimizer optimizer, soma_plan_options options,
                                    soma_error *error);
/* The general form: computes `outputs` and performs `effects` (values of soma_assign). */
SOMA_API soma_plan *soma_plan_create(const soma_value *outputs, size_t count, const soma_value *effects,
                                     size_t effects_count, soma_plan_options options, soma_error *error);
SOMA_API void soma_plan_destroy(soma_plan *plan);
SOMA_API soma_store *soma_plan_store(const soma_plan *plan);

typedef struct soma_plan_info {
    int64_t steps, nodes; /* steps of the plan; graph nodes they stand for */
    int64_t arena_bytes, parameter_bytes;
    int64_t memory_bytes; /* variables, inputs and working memory */
    int64_t remade;       /* values that are made again to fit the memory budget, and what that costs */
    double extra_flops;
    double flops;          /* for the largest batch; 2 x multiply-adds of products and convolutions */
    const char *backend;   /* that computes: "portable", "onednn" if that computes at least one step, "reference" */
    const char *precision; /* "f32", "bf16" if at least one step multiplies so, "f64" */
    const char *note;      /* why something that was asked for isn't done, "" if all is; valid as long as the plan */
    int64_t reorders;      /* of tensors into oneDNN's layouts and back, in each run */
} soma_plan_info;
SOMA_API soma_plan_info soma_plan_get_info(const soma_plan *plan);
/* The plan as text for people: steps, fusions, FLOPs, bytes, memory. `write` gets pieces of it. */
SOMA_API void soma_plan_print(const soma_plan *plan, void (*write)(void *user, const char *text), void *user);

/* ---- Runs ----------------------------------------------------------------------------------------------------------
 */

typedef struct soma_run soma_run;

/* The plan must outlive the run. */
SOMA_API soma_run *soma_run_create(const soma_plan *plan, soma_error *error);
SOMA_API void soma_run_destroy(soma_run *run);

/* Sets an input for the next step: `rows` is its extent in the batch dimension (any number for an input without one;
 * then it is ignored). All inputs of a step must agree in rows. float or int64_t by the input's type. The data are
 * copied; see soma_run_bind for inputs that are read where they lie. */
SOMA_API int soma_run_set(soma_run *run, soma_value input, const void *data, int64_t rows, soma_error *error);
/* As soma_run_set, but the array is read in place during each step until another is set or bound. */
SOMA_API int soma_run_bind(soma_run *run, soma_value input, const void *data, int64_t rows, soma_error *error);
SOMA_API int soma_run_set_scalar(soma_run *run, soma_value input, double value, soma_error *error);
/* As soma_run_set for a float input, from doubles: nothing is rounded on the reference backend. */
SOMA_API int soma_run_set_double(soma_run *run, soma_value input, const double *data, int64_t rows, soma_error *error);

/* Runs the plan once on the rows set; without any batch input, once. */
SOMA_API int soma_run_step(soma_run *run, soma_error *error);

/* Copies out a value that the plan computes as output or keeps; `count` elements are expected, in the value's type. */
SOMA_API int soma_run_get(soma_run *run, soma_value value, void *data, size_t count, soma_error *error);
SOMA_API int soma_run_get_double(soma_run *run, soma_value value, double *data, size_t count, soma_error *error);
/* Borrows it in place (float or int64_t); NULL on the reference backend or when the plan does not hold it. */
SOMA_API const void *soma_run_peek(const soma_run *run, soma_value value);
/* Its shape with the rows of the last step. */
SOMA_API soma_shape soma_run_shape(const soma_run *run, soma_value value);

/* The position in the random streams: seed and number of steps taken. Streams depend on nothing else. */
SOMA_API void soma_run_seed(soma_run *run, uint64_t seed, uint64_t position);
SOMA_API uint64_t soma_run_steps(const soma_run *run);

/* Measures each of the plan's steps from now on, or no longer; what was measured before is forgotten. */
SOMA_API int soma_run_profile(soma_run *run, bool on, soma_error *error);
/* What was measured as text for people: the plan's steps with their mean time on the first thread (waiting at a barrier
 * before the step included), its share, and the speed of products and convolutions by the direct algorithm's count. */
SOMA_API void soma_run_print_profile(const soma_run *run, void (*write)(void *user, const char *text), void *user);

/* ---- Tuning --------------------------------------------------------------------------------------------------------
 */

/* An empty one, or that of a file. NULL and a sentence on failure. */
SOMA_API soma_tuning *soma_tuning_create(const soma_context *context, soma_error *error);
SOMA_API soma_tuning *soma_tuning_load(const char *path, const soma_context *context, soma_error *error);
SOMA_API void soma_tuning_destroy(soma_tuning *tuning);
/* Written whole or not at all. */
SOMA_API int soma_tuning_save(const soma_tuning *tuning, const char *path, soma_error *error);
/* Notes the times of a run's steps that several kernels could compute; the run must have been profiled
 * (soma_run_profile). *tried: how many ran the kernel that soma_plan_options.candidate asked for. To tune, make and run
 * plans with candidate 1, 2, … until *tried is 0. */
SOMA_API int soma_tuning_measure(soma_tuning *tuning, const soma_run *run, int64_t *tried, soma_error *error);

SOMA_END_C

#endif
