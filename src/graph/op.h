/* graph/op.h: what an op is: one descriptor, one file of src/ops, one line of src/ops/table.h.
 *
 * Everything that other rooms need to know about an op is a field here; nothing asks "which op is this?". */
#ifndef GRAPH_OP_H
#define GRAPH_OP_H

#include "base/base.h"

#include <soma/graph.h>

typedef struct soma_op soma_op;
typedef struct node node;

enum { OP_MAX_INPUTS = 64, OP_MAX_OUTPUTS = 4, OP_MAX_PARAMETERS = 4 };

typedef struct tensor_type {
    soma_dtype dtype;
    soma_shape shape; /* dimensions may be negative: multiples of the batch */
} tensor_type;

/* A tensor while a step runs: its shape is concrete. float data are double on the reference backend. */
typedef struct tensor {
    void *data;
    soma_dtype dtype;
    soma_shape shape;
} tensor;

enum {
    OP_ELEMENTWISE = 1 << 0, /* out[i] depends on element i of the (broadcast) inputs alone; `scalar` is its formula */
    OP_ALIAS = 1 << 1,       /* the output is input 0's bytes under another shape */
    OP_RANDOM = 1 << 2,      /* draws from its own stream: never merged, never folded */
    OP_EFFECT = 1 << 3,      /* assign */
    OP_SOURCE = 1 << 4,      /* input, scalar, constant, variable: computes nothing */
    OP_COMMUTATIVE = 1 << 5,
    OP_KEEPS_ZERO = 1 << 6, /* element-wise, and zeros in give zeros out */
    OP_SHAPE = 1 << 7,      /* the value depends on the inputs' shapes alone: computed when the batch is known */
    OP_BROADCAST = 1 << 8,  /* the output is input 0 repeated: element-wise users may read input 0 instead */
    OP_ACTIVATION = 1 << 9  /* one input, and a layer name in spec strings */
};

/* Shape rule: sees the inputs' types, fills the outputs'. On a mistake calls infer_fail and returns. */
typedef struct op_infer {
    soma_graph *graph;
    const node *node; /* attributes and input values may be read (graph_constant) */
    const void *attributes;
    int inputs;
    const tensor_type *in;
    tensor_type *out;
    bool failed;
} op_infer;
void infer_fail(op_infer *i, const char *format, ...) BASE_PRINTF(2, 3);

/* Gradient rule: emits nodes that compute din[k] for the inputs that are wanted, from dout. A dout whose node is 0
 * means that nothing flows back into that output; a din left alone means that nothing flows back into that input. */
typedef struct op_gradient {
    soma_graph *graph;
    const node *node;
    const void *attributes;
    int inputs, outputs;
    const soma_value *in, *out, *dout;
    const bool *wanted;
    soma_value *din;
} op_gradient;

/* Where a random node stands in its stream. */
typedef struct op_random {
    uint64_t seed, stream, step;
} op_random;

/* Reference kernel: naive loops in double over concrete shapes. Outputs are not initialised. */
typedef struct op_call {
    const soma_op *op;
    const void *attributes;
    int inputs, outputs;
    const tensor *in;
    tensor *out;
    op_random random;
    int64_t batch;
} op_call;

struct soma_op {
    const char *name;
    const char *onnx; /* the ONNX op of the same meaning and inputs, without attributes; NULL: format/onnx has a rule or
                         the decomposition is written */
    int inputs_min, inputs_max, outputs;
    uint32_t flags;
    size_t attributes_size;
    void (*infer)(op_infer *);
    void (*gradient)(op_gradient *); /* NULL: through `decompose`, or not differentiable */
    soma_value (*decompose)(soma_graph *, const node *, const soma_value *inputs); /* the same value from other ops */
    void (*reference)(const op_call *);
    double (*scalar)(const double *x, const double *parameters);       /* element-wise ops */
    double (*flops)(const op_call *);                                  /* NULL: none worth counting */
    void (*describe)(const void *attributes, char *text, size_t size); /* "stride 2, padding 1", for people */
    /* Of an output y [N, C] that is a probability of each class: -log y of the rows' classes [N]; a value without a
     * node or NULL: none. */
    soma_value (*entropy_of)(soma_graph *, const node *, soma_value classes);
    /* log(y), log(1 - y) and log(y / (1 - y)) of this op's output y in a stable form; NULL: none. */
    soma_value (*log_of)(soma_graph *, const node *);
    soma_value (*log_one_minus)(soma_graph *, const node *);
    soma_value (*logit_of)(soma_graph *, const node *);
    /* The same value from fewer or cheaper nodes where the shapes allow it, or a value without a node; NULL: none. */
    soma_value (*simplify)(soma_graph *, const node *, const soma_value *inputs);
    int shape_at; /* 1 + the offset of a soma_shape among the attributes that may hold the batch; 0: there is none */
    double defaults[2];     /* parameters of an activation that is called by its name alone */
    const double *identity; /* op(x, *identity) is x (two inputs; commutative ops: on either side); or NULL */
};

/* Attributes of every element-wise op. */
typedef struct elementwise_attributes {
    double parameter[2];
} elementwise_attributes;

/* Element-wise shape rule (NumPy's broadcasting) and reference kernel, for descriptors. */
void elementwise_infer(op_infer *);
void elementwise_reference(const op_call *);
/* Calls an element-wise op. */
soma_value elementwise1(const soma_op *op, soma_value x, double p0, double p1);
soma_value elementwise2(const soma_op *op, soma_value a, soma_value b);

/* Broadcast of two shapes into *out; false when they don't fit. */
bool shape_broadcast(const soma_shape *a, const soma_shape *b, soma_shape *out);
/* dy summed over the axes along which x was broadcast to dy's shape. */
soma_value gradient_unbroadcast(soma_value dy, soma_value x);

/* For gradient rules: fills din with the gradients of sum(seed * y), where y is written with ordinary ops over the
 * inputs, taken to be independent of one another. */
void gradient_through(op_gradient *c, soma_value y, soma_value seed);

/* The ops, by name ("conv…" in src/ops/table.h). */
#define ELEMENTWISE_OP(name) extern const soma_op op_##name;
#define OP(name)             extern const soma_op op_##name;
#include "ops/table.h"
#undef ELEMENTWISE_OP
#undef OP

/* All ops; the list ends in NULL. */
extern const soma_op *const op_table[];
const soma_op *op_find(const char *name);

#endif
