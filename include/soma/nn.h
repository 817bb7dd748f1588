/* soma/nn.h: layers, losses and optimizers as builders of graphs.
 *
 * A layer makes its variables in the graph of its input, named after the layer: dense1.weight, dense1.bias,
 * conv2d1.weight. Building the same layers in the same order in another graph gives the same names, which is how a
 * training graph and an inference graph share parameters. */
#ifndef SOMA_NN_H
#define SOMA_NN_H

#include <soma/plan.h>

SOMA_BEGIN_C

/* ---- Layers --------------------------------------------------------------------------------------------------------
 */

typedef struct soma_dense_options {
    bool no_bias SOMA_ZERO;
    bool init_given
        SOMA_ZERO; /* `init` counts; otherwise He before ReLU-like activations is not guessed: Xavier uniform */
    soma_init init SOMA_ZERO;
} soma_dense_options;

/* y = x W^T + b: [N, d] -> [N, units]; more dimensions than two are flattened first. W is [units, d], PyTorch's. */
SOMA_API soma_value soma_dense(soma_value x, int64_t units);
SOMA_API soma_value soma_dense_with(soma_value x, int64_t units, soma_dense_options options);

typedef struct soma_kernel_size {
    int64_t height, width;
} soma_kernel_size;
static inline soma_kernel_size soma_kernel(int64_t height, int64_t width) {
    soma_kernel_size k = {height, width};
    return k;
}

typedef struct soma_conv2d_options {
    int64_t stride SOMA_ZERO;   /* not given: 1 */
    int64_t padding SOMA_ZERO;  /* on all four sides */
    int64_t dilation SOMA_ZERO; /* not given: 1 */
    int64_t groups SOMA_ZERO;   /* not given: 1 */
    bool same SOMA_ZERO; /* padding so that the output has ceil(size / stride); odd padding goes below and right */
    bool no_bias SOMA_ZERO;
    bool init_given SOMA_ZERO;
    soma_init init SOMA_ZERO;
} soma_conv2d_options;

/* Convolution with bias: [N, C, H, W] -> [N, filters, Y, X]; weights [filters, C / groups, height, width]. */
SOMA_API soma_value soma_conv2d(soma_value x, int64_t filters, soma_kernel_size kernel, soma_conv2d_options options);

typedef struct soma_conv_transpose2d_options {
    int64_t stride SOMA_ZERO;         /* not given: 1 */
    int64_t padding SOMA_ZERO;        /* taken away from all four sides of the output */
    int64_t output_padding SOMA_ZERO; /* added below and to the right; less than the stride */
    int64_t dilation SOMA_ZERO;       /* not given: 1 */
    int64_t groups SOMA_ZERO;         /* not given: 1 */
    bool same SOMA_ZERO;              /* the output has size * stride, whatever the kernel */
    bool no_bias SOMA_ZERO;
    bool init_given SOMA_ZERO;
    soma_init init SOMA_ZERO;
} soma_conv_transpose2d_options;

/* Transposed convolution with bias, the adjoint of a convolution used forwards (PyTorch's ConvTranspose2d): [N, C, H,
 * W]
 * -> [N, filters, Y, X] with Y = (H - 1) stride - 2 padding + dilation (height - 1) + 1 + output_padding; weights [C,
 * filters / groups, height, width]. Variables are named convt2d1. Zeiler, Krishnan, Taylor and Fergus 2010. */
SOMA_API soma_value soma_conv_transpose2d(soma_value x, int64_t filters, soma_kernel_size kernel,
                                          soma_conv_transpose2d_options options);
SOMA_API soma_value soma_max_pool2d(soma_value x, int64_t size, int64_t stride);
SOMA_API soma_value soma_avg_pool2d(soma_value x, int64_t size, int64_t stride);
/* In training zeroes elements with the probability and scales the others by 1 / (1 - probability); else the identity.
 */
SOMA_API soma_value soma_dropout(soma_value x, double probability);

typedef struct soma_batch_norm_options {
    double epsilon SOMA_ZERO;  /* not given: 1e-5 */
    double momentum SOMA_ZERO; /* not given: 0.1, PyTorch's meaning: running = (1 - m) running + m batch */
} soma_batch_norm_options;
/* Over [N, C, …]: each channel by the batch's mean and biased variance in training, by the running values otherwise. In
 * training the running values are assigned (unbiased variance); plans made by soma_plan_train perform that. Ioffe and
 * Szegedy 2015. */
SOMA_API soma_value soma_batch_norm(soma_value x, soma_batch_norm_options options);

typedef struct soma_norm_options {
    double epsilon SOMA_ZERO; /* not given: 1e-5 */
} soma_norm_options;
/* Normalisation of each sample by its own mean and biased variance, the same in training and afterwards, then a learnt
 * scale and shift: of [N, …] over everything but the batch, with a weight and a bias for each element of a sample
 * (PyTorch's LayerNorm of x's shape without N; Ba, Kiros and Hinton 2016) ... */
SOMA_API soma_value soma_layer_norm(soma_value x, soma_norm_options options);
/* ... of [N, C, …] over each channel, with a weight and a bias for each channel (PyTorch's InstanceNorm with affine;
 * Ulyanov, Vedaldi and Lempitsky 2016) ... */
SOMA_API soma_value soma_instance_norm(soma_value x, soma_norm_options options);
/* ... or over each of `groups` groups of neighbouring channels, with a weight and a bias for each channel (PyTorch's
 * GroupNorm; Wu and He 2018). Variables are named ln1, in1 and gn1. */
SOMA_API soma_value soma_group_norm(soma_value x, int64_t groups, soma_norm_options options);

/* ---- Losses: means over the batch
 * ------------------------------------------------------------------------------------ */

SOMA_API soma_value soma_mse_loss(soma_value prediction, soma_value target); /* mean (p - t)^2 */
SOMA_API soma_value soma_mae_loss(soma_value prediction, soma_value target); /* mean |p - t| */
SOMA_API soma_value soma_huber_loss(soma_value prediction, soma_value target, double delta);
SOMA_API soma_value soma_hinge_loss(soma_value score, soma_value target); /* targets -1 and 1 */

typedef struct soma_cross_entropy_options {
    const float *class_weights SOMA_ZERO; /* one for each class, copied; the mean is weighted by them as in PyTorch */
    double label_smoothing SOMA_ZERO;
} soma_cross_entropy_options;
/* Cross-entropy of probabilities [N, classes], such as a softmax gives, against class indices int64 [N]. When the
 * probabilities are a softmax's or a sigmoid's output the stable form of its input is used. */
SOMA_API soma_value soma_cross_entropy(soma_value probabilities, soma_value classes,
                                       soma_cross_entropy_options options);
/* The same from logits: log softmax inside. */
SOMA_API soma_value soma_softmax_cross_entropy(soma_value logits, soma_value classes,
                                               soma_cross_entropy_options options);
/* -[t log p + (1 - t) log(1 - p)], p in [0, 1] of the shape of t. */
SOMA_API soma_value soma_binary_cross_entropy(soma_value probability, soma_value target);
/* The same with the mean weighted by two class weights, and with smoothed targets. */
SOMA_API soma_value soma_binary_cross_entropy_with(soma_value probability, soma_value target,
                                                   soma_cross_entropy_options options);

/* ---- Optimizers
 * ------------------------------------------------------------------------------------------------------ */

typedef enum soma_optimizer_kind {
    SOMA_SGD = 0, /* plain gradient descent: full batch, mini-batch or one example is a matter of the batch */
    SOMA_MOMENTUM,
    SOMA_NESTEROV,
    SOMA_RMSPROP,
    SOMA_ADAM,
    SOMA_ADAMW,
    SOMA_ADAGRAD,
    SOMA_CUSTOM
} soma_optimizer_kind;

/* PyTorch's definitions; constructors below give PyTorch's defaults. */
typedef struct soma_optimizer {
    soma_optimizer_kind kind SOMA_ZERO;
    double learning_rate SOMA_ZERO;
    double momentum SOMA_ZERO; /* momentum, nesterov */
    double alpha SOMA_ZERO;    /* rmsprop: decay of the mean square */
    double beta1 SOMA_ZERO;    /* adam, adamw */
    double beta2 SOMA_ZERO;
    double epsilon SOMA_ZERO;
    double weight_decay SOMA_ZERO; /* adamw: decoupled; the others: added to the gradient */
    double l1 SOMA_ZERO;           /* adds l1 sign(w) to the gradient */
    double clip SOMA_ZERO;         /* largest global norm of all gradients; 0: no clipping */
    /* SOMA_CUSTOM: returns the variable's next value; may make state with soma_variable and soma_assign. */
    soma_value (*update)(void *user, soma_value variable, soma_value gradient, soma_value learning_rate) SOMA_ZERO;
    void *user SOMA_ZERO;
} soma_optimizer;

SOMA_API soma_optimizer soma_sgd(double learning_rate);
SOMA_API soma_optimizer soma_momentum(double learning_rate, double momentum);
SOMA_API soma_optimizer soma_nesterov(double learning_rate, double momentum);
SOMA_API soma_optimizer soma_rmsprop(double learning_rate);
SOMA_API soma_optimizer soma_adam(double learning_rate);
SOMA_API soma_optimizer soma_adamw(double learning_rate);
SOMA_API soma_optimizer soma_adagrad(double learning_rate);

/* Adds gradients and update of every trainable variable that the loss depends on. The effects (soma_assign values,
 * those of layers in training included) are stored by the graph and performed by a plan that is given them;
 * soma_plan_train does both. `learning_rate`, when not NULL, receives the scalar input. Returns the graph's error code.
 */
SOMA_API int soma_minimize(soma_value loss, soma_optimizer optimizer, soma_value *learning_rate);
/* The effects noted in the graph so far; borrowed. */
SOMA_API const soma_value *soma_graph_effects(const soma_graph *graph, size_t *count);
/* Notes an assign as an effect of training. */
SOMA_API void soma_graph_add_effect(soma_value assign);
/* The scalar input "learning_rate" of a plan made by soma_plan_train. */
SOMA_API soma_value soma_plan_learning_rate(const soma_plan *plan);

/* ---- Schedules: how the learning rate changes ----------------------------------------------------------------------
 */

typedef enum soma_schedule_kind {
    SOMA_SCHEDULE_CONSTANT = 0,
    SOMA_SCHEDULE_STEP,
    SOMA_SCHEDULE_COSINE,
    SOMA_SCHEDULE_ONECYCLE,
    SOMA_SCHEDULE_PLATEAU
} soma_schedule_kind;

/* PyTorch's definitions (StepLR, CosineAnnealingLR, OneCycleLR with cosine annealing, ReduceLROnPlateau), a position
 * being an update rather than an epoch; an all-zero struct is the constant rate, constructors below give PyTorch's
 * defaults. With a warm-up the rate rises linearly over it to what the schedule begins with (PyTorch's LinearLR from 1
 * / its length on), and the schedule itself fills the rest of the training (SequentialLR). */
typedef struct soma_schedule {
    soma_schedule_kind kind SOMA_ZERO;
    double size SOMA_ZERO;             /* step: epochs from one step down to the next; 0: a third of the training */
    double gamma SOMA_ZERO;            /* step: what the rate is multiplied with */
    double max SOMA_ZERO;              /* onecycle: the largest rate; 0: the optimizer's */
    double pct_start SOMA_ZERO;        /* onecycle: share of the training in which the rate rises */
    double div_factor SOMA_ZERO;       /* onecycle: max / the first rate */
    double final_div_factor SOMA_ZERO; /* onecycle: the first rate / the last */
    double factor SOMA_ZERO;           /* plateau: what the rate is multiplied with */
    double threshold SOMA_ZERO;        /* plateau: the share by which a number must be better to count as better */
    int64_t patience SOMA_ZERO;        /* plateau: epochs that may be no better before the rate falls */
    int64_t cooldown SOMA_ZERO;        /* plateau: epochs after a fall that are not counted */
    double min SOMA_ZERO;              /* cosine, plateau: the smallest rate */
    double warmup SOMA_ZERO;           /* epochs; below 1: share of the training */
    int64_t warmup_steps SOMA_ZERO;    /* the same in updates; counts where `warmup` is 0 */
} soma_schedule;

SOMA_API soma_schedule soma_schedule_step(double size, double gamma);
SOMA_API soma_schedule soma_schedule_cosine(double min);
SOMA_API soma_schedule soma_schedule_onecycle(double max);
SOMA_API soma_schedule soma_schedule_plateau(double factor, int64_t patience);
/* The rate of update `step` (from 0) in a training of `epochs` epochs with `steps_per_epoch` updates each; `rate` is
 * the optimizer's. Of a plateau, whose falls depend on what is measured, the caller gives the present rate. */
SOMA_API double soma_schedule_rate(soma_schedule schedule, double rate, int64_t step, int64_t steps_per_epoch,
                                   int64_t epochs);
/* Whether the rates depend on the number of epochs, so that a training can't simply be made longer. */
SOMA_API bool soma_schedule_needs_end(soma_schedule schedule);

SOMA_END_C
#endif
