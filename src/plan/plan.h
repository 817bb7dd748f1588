/* plan/plan.h: the inside of a plan, and the passes that make it, in order:
 *
 *   rebuild.c   copies what is needed of the caller's graph into a graph of the plan: dead code stays behind, constants
 *               fold, equal nodes become one, ops without a fast kernel are decomposed
 *   recompute.c makes values of the forward pass again in the backward pass, where a memory budget asks for it
 *   choose.c    says which kernel computes a node; tuning.c holds times that it may go by
 *   fuse.c      gathers element-wise nodes into programs, on their own or as epilogues of products and convolutions
 *   schedule.c  puts the steps in order, says how each is split among threads and where barriers stand
 *   join.c      lets the parts of a concatenation be written where they belong
 *   pair.c      finds pairs of steps that a thread may walk for a few channels at a time
 *   stretch.c   finds steps that a few samples may walk together while all they need stays in a cache
 *   memory.c    gives values their places in one arena by the times they live
 * After that the plan is immutable; run.c executes it. */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "backend/onednn/onednn.h"
#include "backend/portable/portable.h"
#include "base/parallel.h"
#include "graph/graph.h"
#include "plan/store.h"

typedef enum place_kind {
    PLACE_NONE = 0, /* computed inside a program, or not at all */
    PLACE_ARENA,
    PLACE_THREAD, /* between the two steps of a pair: in each thread's scratch, behind what kernels take of it */
    PLACE_VARIABLE,
    PLACE_INPUT,
    PLACE_CONSTANT,
    PLACE_SCALAR /* a slot of the run that is filled when the batch or a scalar input changes */
} place_kind;

typedef struct plan_value {
    const tensor_type *type;
    int32_t root;       /* the value whose memory this one shares (itself, but for aliases) */
    place_kind place;   /* of a root */
    size_t offset;      /* PLACE_ARENA: bytes; PLACE_INPUT: number of the input; PLACE_SCALAR: number of the slot */
    variable *variable; /* PLACE_VARIABLE */
    const void *constant;
    bool part;           /* of its root, which is a concatenation of [N, C, H, W] along C */
    int64_t before;      /* of a part: elements of each sample of the root before it */
    int32_t group;       /* that computes it, or -1 */
    bool kept;           /* must exist after a step: outputs, keep */
    int32_t first, last; /* steps between which its memory is in use; last -1: never */
    bool narrow;         /* of a root: it lives within a stretch only; offset counts from each thread's part of that */
} plan_value;

/* A set of nodes that run together: an anchor (product, convolution, reduction, …; or none) followed by element-wise
 * nodes over its output's index space. */
typedef struct group {
    const node *anchor;
    const kernel *kernel; /* of the anchor; NULL: reference kernel, or no anchor */
    onednn_step *onednn;  /* owned; NULL: the kernel is not oneDNN's */
    bool candidate;       /* the kernel is the one that soma_plan_options.candidate asked for */
    const node **members; /* element-wise nodes in graph order */
    int count, capacity;
    soma_shape shape; /* index space */
    bool dead;        /* merged into another */
} group;

typedef enum step_kind { STEP_KERNEL, STEP_ELEMENTWISE, STEP_REFERENCE } step_kind;

typedef struct step {
    step_kind kind;
    const node *anchor;
    const kernel *kernel;
    const onednn_step *onednn; /* its group's */
    ew_program *program;       /* NULL: none */
    /* Memory of the program's inputs, then outputs, as value numbers (roots are looked up later, so that broadcasting
     * follows the value's own shape). An assign's output is the variable's value. */
    int32_t operand[EW_MAX_INPUTS + EW_MAX_OUTPUTS];
    soma_shape shape; /* of the program's index space */
    int32_t group;
    int nodes; /* graph nodes that it stands for */
    partition partition;
    bool barrier;             /* before it */
    bool still;               /* follows from weights alone: what it made is good until a variable changes */
    bool apart;               /* what becomes of a sample depends on nothing but this sample */
    int32_t stretch;          /* that it belongs to, or -1 */
    int64_t channels;         /* not 0: a thread walks this step and the next together, so many channels at a time */
    size_t kept, kept_offset; /* bytes in the arena of what its kernel keeps of the weights, and where */
    double flops;
} step;

/* Consecutive steps that each thread walks for a few of its samples at a time, all of the steps before the next
 * samples. Values that only these steps know are as large as that few samples need, and each thread has its own. */
typedef struct stretch {
    int32_t first, end;   /* steps */
    int64_t samples;      /* at a time */
    size_t offset, bytes; /* in the arena; of one thread's part */
} stretch;

typedef struct plan_target {
    soma_value user; /* in the caller's graph */
    int32_t value;   /* in the plan */
} plan_target;

typedef struct plan_input {
    const node *node;
    soma_value user;
    int32_t value;
} plan_input;

struct soma_plan {
    const soma_context *context;
    soma_plan_options options;
    const isa *isa;
    const onednn_module *onednn; /* NULL: not wanted, or not there */
    char note[200];              /* why something asked for isn't done; "": nothing */
    bool bf16;
    bool reference; /* float64 on reference kernels */
    bool unfused;
    bool single;       /* made for training steps of one row: its graph has no batch dimension */
    soma_graph *graph; /* the plan's own */
    const soma_graph *user_graph;
    int32_t *first_value; /* by node number - 1: number of its output 0 */
    plan_value *values;
    int32_t values_count;
    group *groups;
    int32_t groups_count;
    size_t groups_capacity;
    step *steps;
    int32_t steps_count;
    stretch *stretches;
    int32_t stretches_count;
    /* Values whose numbers the caller may use: inputs, outputs, keep. */
    plan_target *targets;
    size_t targets_count, targets_capacity;
    plan_input *inputs;
    size_t inputs_count;
    int32_t *scalars; /* values computed when the batch is known, in order; slot i */
    size_t scalars_count;
    size_t arena_bytes;
    size_t scratch_stride;    /* a thread */
    size_t scratch_kernels;   /* of that; the rest is the place of what lies between the steps of a pair */
    size_t reference_scratch; /* bytes for float steps on reference kernels */
    int threads;
    soma_store *store;
    bool owns_store;
    bool effects;             /* the plan writes variables */
    soma_value learning_rate; /* of the caller's graph */
    double flops, flops_kept; /* flops_kept: if nothing were made again */
    int32_t remade;           /* values that are made again to fit the memory budget */
    int32_t forward;          /* with such values: nodes up to this number are the forward pass; else 0 */
    int32_t nodes_count;      /* of the plan's graph that compute something */
};

static inline size_t plan_float_size(const soma_plan *plan) { return plan->reference ? sizeof(double) : sizeof(float); }
static inline size_t plan_value_size(const soma_plan *plan, const plan_value *v) {
    return v->type->dtype == SOMA_INT64 ? sizeof(int64_t) : plan_float_size(plan);
}
static inline int32_t plan_value_of(const soma_plan *plan, node_ref r) {
    return plan->first_value[r.node - 1] + r.output;
}
static inline const plan_value *plan_root(const soma_plan *plan, int32_t value) {
    return &plan->values[plan->values[value].root];
}
/* Whether a value has samples, which lie one behind another. */
static inline bool plan_has_samples(const plan_value *v) {
    return v->type->shape.rank > 0 && v->type->shape.dims[0] < 0;
}
/* Calls `each` for every value that a step reads or writes in memory. */
typedef void plan_touch(void *user, int32_t value, bool writes);
void plan_step_touches(const soma_plan *plan, const step *s, plan_touch *each, void *user);
/* The node that a value number belongs to. */
const node *plan_value_node(const soma_plan *plan, int32_t value);
/* Whether a node is computed by the host when the batch is known. */
bool plan_is_scalar(const soma_plan *plan, const node *n);
/* Strides (matrix, row, column) with which an epilogue over `out`, seen as [matrices, rows, columns] with the last
 * `columns` dimensions as columns, reads an operand of a shape that broadcasts to it; false when three strides can't
 * say. */
bool plan_epilogue_strides(const soma_shape *operand, const soma_shape *out, int columns, int64_t batch,
                           int64_t strides[3]);
/* A kernel call of a node with the shapes of a batch of `batch`; data pointers are NULL. */
void plan_shape_call(const soma_plan *plan, const node *n, int64_t batch, kernel_call *call);

/* A node in another graph of plans, with its name and data. */
soma_value plan_copy_node(soma_graph *to, const node *n, const void *attributes, const soma_value *in);

/* "memory: 412 of 500 MiB, 23 values made again, 8 % more arithmetic"; nothing for a plan without a budget. */
void plan_memory_text(const soma_plan *plan, char *text, size_t size);

/* The passes. Each returns SOMA_OK or a code with a sentence in `error`. `map` gives, for every output of the caller's
 * nodes
 * ((number - 1) * OP_MAX_OUTPUTS + output), the value of the plan's graph. */
int plan_rebuild(soma_plan *plan, const soma_graph *user, const soma_value *targets, size_t count, soma_value *map,
                 soma_error *error);
int plan_recompute(soma_plan *plan, int level, soma_value loss, soma_value *map, size_t map_count, soma_error *error);
/* Loads oneDNN where the options ask for it. */
int plan_choose_module(soma_plan *plan, soma_error *error);
/* Sets the kernel of a group's anchor, and oneDNN's step if it is oneDNN's. */
void plan_choose_kernel(const soma_plan *plan, group *g);
int plan_fuse(soma_plan *plan, soma_error *error);
int plan_schedule(soma_plan *plan, soma_error *error);
void plan_join(soma_plan *plan);
void plan_pair(soma_plan *plan);
int plan_stretch(soma_plan *plan, soma_error *error);
int plan_place(soma_plan *plan, soma_error *error);

#endif
