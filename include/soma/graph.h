/* soma/graph.h: computations as graphs of nodes, and their gradients, which are graphs too.
 *
 * A graph is built by calls that each add a node and return a soma_value: a handle on one output of one node. Shapes
 * are inferred as the graph grows. Building never crashes: the first mistake sticks to the graph as a sentence, later
 * calls pass through, and soma_graph_error (or the plan made from the graph) shows it. Nothing is computed until a plan
 * made from the graph runs (soma/plan.h). Broadcasting follows NumPy. */
#ifndef SOMA_GRAPH_H
#define SOMA_GRAPH_H

#include <soma/base.h>

SOMA_BEGIN_C

typedef struct soma_graph soma_graph;

/* One output of one node. node 0: the call that should have made it failed; graph NULL: belongs to no graph. */
typedef struct soma_value {
    soma_graph *graph SOMA_ZERO;
    int32_t node SOMA_ZERO;
    int32_t output SOMA_ZERO;
} soma_value;

/* An empty graph in the default context or in one of the caller's; NULL when memory is out. */
SOMA_API soma_graph *soma_graph_create(void);
SOMA_API soma_graph *soma_graph_create_in(const soma_context *context);
SOMA_API void soma_graph_destroy(soma_graph *graph);

/* The first mistake made while building; code SOMA_OK when there is none. Valid as long as the graph. */
SOMA_API const soma_error *soma_graph_error(const soma_graph *graph);

/* Whether layers that differ in training (dropout, batch normalisation) are built for training; a new graph is not. */
SOMA_API void soma_graph_set_training(soma_graph *graph, bool training);

/* The inferred shape and type of a value; the shape of a failed value has rank 0. */
SOMA_API soma_shape soma_value_shape(soma_value value);
SOMA_API soma_dtype soma_value_dtype(soma_value value);

/* Names the value's node for messages, plans and exported files; returns the value. Inputs and variables keep the name
 * that they were made with. */
SOMA_API soma_value soma_name(soma_value value, const char *name);

/* ---- Sources ----------------------------------------------------------------------------------------------------- */

/* An input that the caller sets before each run; a dimension may be SOMA_BATCH. Names are unique in a graph. */
SOMA_API soma_value soma_input(soma_graph *graph, const char *name, soma_shape shape);
SOMA_API soma_value soma_input_int64(soma_graph *graph, const char *name, soma_shape shape);
/* A scalar input that keeps `value` until soma_run_set_scalar gives another: a learning rate, a temperature. */
SOMA_API soma_value soma_input_scalar(soma_graph *graph, const char *name, double value);
SOMA_API soma_value soma_scalar(soma_graph *graph, double value);
/* A tensor of constants, copied from `data`. */
SOMA_API soma_value soma_constant(soma_graph *graph, soma_shape shape, const float *data);
SOMA_API soma_value soma_constant_int64(soma_graph *graph, soma_shape shape, const int64_t *data);

/* How a variable starts. d is the input size of the layer (fan_in), e the output size (fan_out). */
typedef enum soma_init_kind {
    SOMA_INIT_CONSTANT = 0,   /* every element is `value` */
    SOMA_INIT_NORMAL,         /* normal, standard deviation `value`, or 1/sqrt(d) when value is 0 */
    SOMA_INIT_UNIFORM,        /* uniform in (-value, value) */
    SOMA_INIT_XAVIER_UNIFORM, /* uniform, bound sqrt(6 / (d + e)); Glorot and Bengio 2010 */
    SOMA_INIT_XAVIER_NORMAL,  /* normal, standard deviation sqrt(2 / (d + e)) */
    SOMA_INIT_HE,             /* normal, standard deviation sqrt(2 / d); He et al. 2015 */
    SOMA_INIT_ORTHOGONAL      /* rows or columns orthonormal; Saxe et al. 2013 */
} soma_init_kind;

typedef struct soma_init {
    soma_init_kind kind SOMA_ZERO;
    double value SOMA_ZERO;
    int64_t fan_in SOMA_ZERO;  /* 0: product of all dimensions of the variable but the first */
    int64_t fan_out SOMA_ZERO; /* 0: first dimension times the kernel's area */
} soma_init;

/* A tensor that lives in a store and is found there by name (soma/plan.h); the store fills it by `init` when it meets
 * the name for the first time. Two graphs that use the same names share the tensors when their plans share a store.
 * `trainable` variables are what optimizers update. Asking for a name twice gives the same node. */
SOMA_API soma_value soma_variable(soma_graph *graph, const char *name, soma_shape shape, soma_init init,
                                  bool trainable);
/* After the run the variable holds `value`; every other reader in the same run sees what it held before. */
SOMA_API soma_value soma_assign(soma_value variable, soma_value value);

/* ---- Element-wise ------------------------------------------------------------------------------------------------ */

SOMA_API soma_value soma_add(soma_value a, soma_value b);
SOMA_API soma_value soma_sub(soma_value a, soma_value b);
SOMA_API soma_value soma_mul(soma_value a, soma_value b);
SOMA_API soma_value soma_div(soma_value a, soma_value b);
SOMA_API soma_value soma_pow(soma_value a, soma_value b);
SOMA_API soma_value soma_max2(soma_value a, soma_value b);
SOMA_API soma_value soma_min2(soma_value a, soma_value b);
/* Comparisons give 1 or 0. */
SOMA_API soma_value soma_equal(soma_value a, soma_value b);
SOMA_API soma_value soma_less(soma_value a, soma_value b);
SOMA_API soma_value soma_less_equal(soma_value a, soma_value b);
SOMA_API soma_value soma_greater(soma_value a, soma_value b);
SOMA_API soma_value soma_greater_equal(soma_value a, soma_value b);
/* a where the condition is not 0, b elsewhere. */
SOMA_API soma_value soma_select(soma_value condition, soma_value a, soma_value b);

SOMA_API soma_value soma_neg(soma_value x);
SOMA_API soma_value soma_abs(soma_value x);
SOMA_API soma_value soma_sign(soma_value x);
SOMA_API soma_value soma_square(soma_value x);
SOMA_API soma_value soma_sqrt(soma_value x);
SOMA_API soma_value soma_rsqrt(soma_value x);
/* x / (sqrt(s) + epsilon), s >= 0: the step of adaptive optimizers; within 2 ULP. */
SOMA_API soma_value soma_divide_root(soma_value x, soma_value s, soma_value epsilon);
SOMA_API soma_value soma_reciprocal(soma_value x);
SOMA_API soma_value soma_exp(soma_value x);
SOMA_API soma_value soma_expm1(soma_value x);
SOMA_API soma_value soma_log(soma_value x);
SOMA_API soma_value soma_log1p(soma_value x);
SOMA_API soma_value soma_sin(soma_value x);
SOMA_API soma_value soma_cos(soma_value x);
SOMA_API soma_value soma_sinh(soma_value x);
SOMA_API soma_value soma_cosh(soma_value x);
SOMA_API soma_value soma_erf(soma_value x);
SOMA_API soma_value soma_floor(soma_value x);
SOMA_API soma_value soma_ceil(soma_value x);
SOMA_API soma_value soma_round(soma_value x); /* to even */
SOMA_API soma_value soma_is_nan(soma_value x);
SOMA_API soma_value soma_clip(soma_value x, double low, double high);

/* Activations. */
SOMA_API soma_value soma_sigmoid(soma_value x); /* 1 / (1 + exp(-x)) */
SOMA_API soma_value soma_tanh(soma_value x);
SOMA_API soma_value soma_relu(soma_value x);                     /* max(0, x) */
SOMA_API soma_value soma_relu6(soma_value x);                    /* min(6, max(0, x)) */
SOMA_API soma_value soma_leaky_relu(soma_value x, double alpha); /* x >= 0 ? x : alpha x; 0.01 is PyTorch's default */
SOMA_API soma_value soma_elu(soma_value x, double alpha);        /* x >= 0 ? x : alpha (exp(x) - 1) */
SOMA_API soma_value soma_gelu(soma_value x);                     /* x Phi(x), exact by erf */
SOMA_API soma_value soma_silu(soma_value x);                     /* x sigmoid(x) */
SOMA_API soma_value soma_softplus(soma_value x);                 /* log(1 + exp(x)) */
SOMA_API soma_value soma_hard_sigmoid(soma_value x);             /* clip(x / 6 + 1/2, 0, 1), PyTorch's */

/* The activation of that name with its usual parameters: "tanh", "leaky_relu". */
SOMA_API soma_value soma_activation(const char *name, soma_value x);

/* ---- Products, reductions ------------------------------------------------------------------------------------------
 */

/* Matrix product over the last two dimensions, the others broadcast: [.., M, K] x [.., K, N] -> [.., M, N]. */
SOMA_API soma_value soma_matmul(soma_value a, soma_value b);
/* The same with a or b transposed in their last two dimensions. */
SOMA_API soma_value soma_gemm(soma_value a, soma_value b, bool transpose_a, bool transpose_b);

/* Sets of axes for reductions: SOMA_AXIS(0) | SOMA_AXIS(2). */
#define SOMA_AXIS(i)  (1u << (i))
#define SOMA_ALL_AXES 0u

/* Over every element, giving a scalar. */
SOMA_API soma_value soma_sum(soma_value x);
SOMA_API soma_value soma_mean(soma_value x);
/* Over a set of axes; `keep` leaves them as extents of 1. */
SOMA_API soma_value soma_reduce_sum(soma_value x, uint32_t axes, bool keep);
SOMA_API soma_value soma_reduce_mean(soma_value x, uint32_t axes, bool keep);
SOMA_API soma_value soma_reduce_max(soma_value x, uint32_t axes, bool keep);
SOMA_API soma_value soma_reduce_min(soma_value x, uint32_t axes, bool keep);
/* Index of the first largest element along an axis, int64. */
SOMA_API soma_value soma_argmax(soma_value x, int axis, bool keep);
/* The number of elements along a set of axes as a float scalar, the batch's extent included. */
SOMA_API soma_value soma_extent(soma_value x, uint32_t axes);

/* softmax_i(x) = exp(x_i) / sum_j exp(x_j) along an axis, computed without overflow; and its logarithm. */
SOMA_API soma_value soma_softmax(soma_value x, int axis);
SOMA_API soma_value soma_log_softmax(soma_value x, int axis);

/* ---- Shape ---------------------------------------------------------------------------------------------------------
 */

SOMA_API soma_value soma_reshape(soma_value x, soma_shape shape);
/* [N, …] -> [N, everything else]. */
SOMA_API soma_value soma_flatten(soma_value x);
/* Broadcasts to a shape. */
SOMA_API soma_value soma_expand(soma_value x, soma_shape shape);
/* Output axis i is input axis permutation[i]. */
SOMA_API soma_value soma_transpose(soma_value x, const int *permutation);
SOMA_API soma_value soma_concat(const soma_value *values, int count, int axis);
/* Elements start, start + step, … below stop along an axis; step is at least 1. */
SOMA_API soma_value soma_slice(soma_value x, int axis, int64_t start, int64_t stop, int64_t step);
/* before[i] and after[i] elements of `value` around axis i; the arrays have the rank of x. */
SOMA_API soma_value soma_pad(soma_value x, const int64_t *before, const int64_t *after, double value);
/* Slices of x along an axis picked by int64 indices: the axis is replaced by the shape of the indices. */
SOMA_API soma_value soma_gather(soma_value x, soma_value indices, int axis);
/* The adjoint of gather: zeros with `extent` along the axis, to which the updates are added at the indices. */
SOMA_API soma_value soma_scatter_add(soma_value updates, soma_value indices, int axis, int64_t extent);
/* int64 [..] -> float [.., depth]: 1 at the index, 0 elsewhere; an index outside gives a row of zeros. */
SOMA_API soma_value soma_one_hot(soma_value indices, int64_t depth);

/* ---- Windows -------------------------------------------------------------------------------------------------------
 */

/* A window sliding over [N, C, H, W]. Y = floor((X + before + after - dilation (K - 1) - 1) / stride) + 1. */
typedef struct soma_window {
    int64_t kernel[2] SOMA_ZERO;   /* height, width */
    int64_t stride[2] SOMA_ZERO;   /* 0: 1 */
    int64_t dilation[2] SOMA_ZERO; /* 0: 1 */
    int64_t before[2] SOMA_ZERO;   /* padding above and to the left */
    int64_t after[2] SOMA_ZERO;    /* padding below and to the right */
    bool ceil_mode SOMA_ZERO;      /* pooling: round the output size up; the last window starts inside the input */
    bool count_padding SOMA_ZERO;  /* average pooling: padding counts in the mean */
} soma_window;

/* Cross-correlation of x [N, C, H, W] with w [O, C / groups, KH, KW] -> [N, O, YH, YW]. groups 0 is 1; the window's
 * kernel may be left zero: it is w's. */
SOMA_API soma_value soma_convolution(soma_value x, soma_value w, soma_window window, int64_t groups);
/* Its adjoints: with respect to x, whose height and width must be told, and with respect to w. */
SOMA_API soma_value soma_convolution_backward_data(soma_value dy, soma_value w, soma_window window, int64_t groups,
                                                   int64_t height, int64_t width);
SOMA_API soma_value soma_convolution_backward_weights(soma_value x, soma_value dy, soma_window window, int64_t groups);
SOMA_API soma_value soma_max_pool(soma_value x, soma_window window);
SOMA_API soma_value soma_average_pool(soma_value x, soma_window window);
/* Mean over height and width: [N, C, H, W] -> [N, C, 1, 1]. */
SOMA_API soma_value soma_global_average_pool(soma_value x);
/* Each element of [N, C, H, W] repeated: [N, C, H height_factor, W width_factor]. */
SOMA_API soma_value soma_upsample(soma_value x, int64_t height_factor, int64_t width_factor);
/* [N, C, H, W] -> [N, C, height, width] by linear interpolation along both axes between the centres of pixels, edges
 * continued: PyTorch's interpolate without align_corners and antialias. */
SOMA_API soma_value soma_resize_bilinear(soma_value x, int64_t height, int64_t width);
/* Local response normalisation of [N, C, …] across channels: x / (bias + alpha / size * the sum of x^2 over `size`
 * channels around)^beta, (size - 1) / 2 of them before; the division by size is ONNX's, Caffe's and PyTorch's. Usual
 * are 5, 1e-4, 0.75, 1. Krizhevsky, Sutskever and Hinton 2012. */
SOMA_API soma_value soma_lrn(soma_value x, int64_t size, double alpha, double beta, double bias);

/* ---- Random --------------------------------------------------------------------------------------------------------
 */

/* Uniform numbers in [0, 1), new ones at each step of a run. Each such node is a stream of its own. */
SOMA_API soma_value soma_random_uniform(soma_graph *graph, soma_shape shape);

/* ---- Gradients ------------------------------------------------------------------------------------------------------
 */

/* The gradients of a scalar with respect to `count` values, as values of the same graph (so that they can be
 * differentiated again). A value on which y does not depend gets zeros of its shape. Returns the graph's error code. */
SOMA_API int soma_gradient(soma_value y, const soma_value *x, int count, soma_value *gradients);

SOMA_END_C
#endif
