/* soma/insight.h: what happens inside a network: layers by name, statistics of values and gradients, saliency, pictures
 * of what a unit looks for, one pixel of a convolution taken apart, and answers over a plane.
 *
 * Everything here works on a graph and a store (soma/graph.h, soma/plan.h). A model gives both through soma_network
 * (soma/model.h): its graph, input, scores and loss, and soma_network_options for the plans below. Gradients are built
 * by soma_gradient. Saliency and feature visualisation do so in a copy of the graph, so that the caller's stays as it
 * is and may end before them; taps add their nodes to the caller's, since its training plan must compute them. The
 * store must outlive what reads it. Nothing here is random but by a seed, and nothing reads a file. */
#ifndef SOMA_INSIGHT_H
#define SOMA_INSIGHT_H

#include <soma/model.h>

SOMA_BEGIN_C

/* ---- Layers --------------------------------------------------------------------------------------------------------
 */

/* A value with a name: what a layer of soma/nn.h computes ("conv2d1"), what soma_name named, or what a file named. */
typedef struct soma_layer {
    const char *name SOMA_ZERO;  /* valid as long as the graph */
    soma_value input SOMA_ZERO;  /* what its convolution or product reads; of other layers without a node */
    soma_value value SOMA_ZERO;  /* [N, units] or [N, C, H, W] */
    soma_value output SOMA_ZERO; /* the same after the activation that follows it, `value` itself where none does */
} soma_layer;

/* The layers that have weights, in the order in which they compute: writes the first `capacity` of them and returns how
 * many there are (`layers` may be NULL when capacity is 0); 0 and the graph's error when memory is out. Batch
 * normalisation is a layer of its own. */
SOMA_API size_t soma_graph_layers(soma_graph *graph, soma_layer *layers, size_t capacity);
/* Any value by its name, weights or not; of several with one name the first. SOMA_ERROR_ARGUMENT and a sentence, with
 * the name that may have been meant, if there is none. */
SOMA_API int soma_graph_layer(soma_graph *graph, const char *name, soma_layer *layer, soma_error *error);

/* ---- Statistics ----------------------------------------------------------------------------------------------------
 */

#define SOMA_BINS 32

/* What the bins of a histogram cover: SOMA_BINS bins of equal width from `low` to `high`; what lies outside is counted
 * in the first or last one. Logarithmic: the same of log10 |x|, zeros left out. Not given: from the smallest to the
 * largest of the values; logarithmic: from -14 to 2, two bins a decade. Bins that are given are the same at every step,
 * so that pictures of a training compare. */
typedef struct soma_bins {
    double low SOMA_ZERO, high SOMA_ZERO;
    bool logarithmic SOMA_ZERO;
} soma_bins;

typedef struct soma_statistics {
    int64_t count SOMA_ZERO;      /* all elements */
    int64_t not_finite SOMA_ZERO; /* those that are NaN or infinite, which all below leaves out */
    double min SOMA_ZERO, max SOMA_ZERO, mean SOMA_ZERO; /* NaN when no element is finite */
    double deviation SOMA_ZERO;                          /* standard, of the elements themselves (divided by n) */
    double norm SOMA_ZERO;                               /* Euclidean */
    double zeros SOMA_ZERO;                              /* share of elements that are 0 */
    soma_bins bins SOMA_ZERO;                            /* with `low` and `high` filled in */
    int64_t histogram[SOMA_BINS] SOMA_ZERO;
} soma_statistics;

/* The statistics of `count` numbers, summed in their order in double. */
SOMA_API soma_statistics soma_statistics_of(const float *values, size_t count, soma_bins bins);

/* ---- Taps: values and gradients of layers while a network trains ---------------------------------------------------
 */

typedef struct soma_taps soma_taps;

typedef struct soma_taps_options {
    soma_bins values SOMA_ZERO;
    soma_bins gradients SOMA_ZERO; /* not given: logarithmic, since gradients vanish and explode by decades */
} soma_taps_options;

/* What passes through one layer in a step. */
typedef struct soma_tap {
    const char *name SOMA_ZERO;          /* the layer's; valid as long as the graph */
    soma_statistics values SOMA_ZERO;    /* of its output, after the activation */
    soma_statistics gradients SOMA_ZERO; /* of the loss with respect to its value, before the activation: what reaches
                                          * the weights */
    /* Of layers with an activation, else NaN. A unit is a feature of [N, units] or a channel of [N, C, H, W]. */
    double saturated SOMA_ZERO; /* share of elements at which the activation's slope is below 0.01 in magnitude: a tanh
                                 * beyond 0.995, a ReLU that is off */
    double dead SOMA_ZERO;      /* share of units that are saturated everywhere, in each sample of the batch */
} soma_tap;

/* Taps on layers of the loss's graph: adds to it the gradients of the scalar `loss` and the activations' slopes (an
 * optimizer's equal nodes are computed once). Make it before the plan, which must keep the values of soma_taps_keep:
 *     soma_plan_train(loss, optimizer, SOMA_OPTIONS(soma_plan_options){.keep = values, .keep_count = count}, &error)
 * A plan of the loss alone (soma_plan_infer) shows the same without training. Destroy it before the graph. NULL and a
 * sentence when a layer is of another graph. Histograms of activations and back-propagated gradients by layer: Glorot
 * and Bengio 2010. */
SOMA_API soma_taps *soma_taps_create(soma_value loss, const soma_layer *layers, size_t count, soma_taps_options options,
                                     soma_error *error);
SOMA_API void soma_taps_destroy(soma_taps *taps);
/* What a plan must keep; borrowed, valid as long as the taps. */
SOMA_API const soma_value *soma_taps_keep(const soma_taps *taps, size_t *count);
/* What passed through layer `index` (in the order of `layers`) in the run's last step. Allocates only while steps have
 * more elements than those before. SOMA_ERROR_ARGUMENT when the run's plan does not keep what it should. */
SOMA_API int soma_taps_read(soma_taps *taps, soma_run *run, size_t index, soma_tap *tap, soma_error *error);

/* ---- Saliency ------------------------------------------------------------------------------------------------------
 */

typedef struct soma_saliency soma_saliency;

/* The gradient of a class's score with respect to the input: how much each pixel would change the score. `scores` is
 * [N, classes]: logits (soma_network_scores), as in the paper, or probabilities; `input` is [N, …], both of one graph.
 * Of `options` store, max_batch, threads and backend count. NULL and a sentence on failure. Simonyan, Vedaldi and
 * Zisserman 2013, section 3. */
SOMA_API soma_saliency *soma_saliency_create(soma_value scores, soma_value input, soma_plan_options options,
                                             soma_error *error);
SOMA_API void soma_saliency_destroy(soma_saliency *saliency);
/* For `rows` samples x [rows, …] and a class for each: gradients of the shape of x; `count` is their number of
 * elements. SOMA_ERROR_ARGUMENT for a class that there is not. */
SOMA_API int soma_saliency_get(soma_saliency *saliency, const float *x, const int64_t *classes, int64_t rows,
                               float *gradients, size_t count, soma_error *error);
/* The paper's picture of it: gradients [rows, C, H, W] of samples [C, H, W] -> [rows, H, W], the largest magnitude over
 * the channels; `count` is the number of elements of `map`. */
SOMA_API int soma_saliency_map(const float *gradients, soma_shape sample, int64_t rows, float *map, size_t count,
                               soma_error *error);

/* ---- Feature visualisation -----------------------------------------------------------------------------------------
 */

/* Elements of one sample of a layer [N, units] or [N, C, H, W]; -1: all along that axis. */
typedef struct soma_unit {
    int64_t channel, row, column; /* the unit of a dense layer is its channel */
} soma_unit;
static inline soma_unit soma_unit_all(void) {
    soma_unit u = {-1, -1, -1};
    return u;
}
static inline soma_unit soma_unit_channel(int64_t channel) {
    soma_unit u = {channel, -1, -1};
    return u;
}
static inline soma_unit soma_unit_at(int64_t channel, int64_t row, int64_t column) {
    soma_unit u = {channel, row, column};
    return u;
}

typedef struct soma_feature soma_feature;

/* The picture begins as noise around its centre, the middle of the bounds or 0 without bounds. */
typedef struct soma_feature_options {
    soma_plan_options plan SOMA_ZERO; /* store, threads and backend count */
    double low SOMA_ZERO;             /* bounds of each element: 0 and 255 for pictures as models take them; ... */
    double high SOMA_ZERO;            /* ... both 0: none */
    double rate SOMA_ZERO;            /* the root mean square of a step; not given: a fiftieth of high - low, or 0.1 */
    double noise SOMA_ZERO;           /* standard deviation of the beginning; not given: the rate */
    const float *start SOMA_ZERO;     /* one sample to begin with, copied; not given: noise */
    double decay SOMA_ZERO;           /* L2: the share by which each step draws the picture to its centre, below 1 */
    int64_t jitter SOMA_ZERO;         /* before each step the picture is shifted by up to so many pixels, edges meeting,
                                       * and back afterwards */
    double blur SOMA_ZERO;            /* standard deviation, in pixels, of a Gaussian blur ... */
    int64_t blur_every SOMA_ZERO;     /* ... after every so many steps; not given: 1 */
    uint64_t seed SOMA_ZERO;          /* of noise and jitter: equal seeds give equal bits */
} soma_feature_options;

/* Makes an input that raises the mean activation of a unit, channel or whole layer `value`: gradient ascent with the
 * gradient divided by its root mean square. `input` is [N, …] of the same graph; jitter and blur need [N, C, H, W]. A
 * class is visualised by its score (soma_network_scores). NULL and a sentence on failure. Erhan et al. 2009; Simonyan,
 * Vedaldi and Zisserman 2013, section 2 (decay); Mordvintsev, Olah and Tyka 2015 (normalised gradient, jitter);
 * Yosinski et al. 2015 (blur). */
SOMA_API soma_feature *soma_feature_create(soma_value input, soma_value value, soma_unit unit,
                                           soma_feature_options options, soma_error *error);
SOMA_API void soma_feature_destroy(soma_feature *feature);
/* Takes `steps` more steps; `activation`, when not NULL, receives the mean activation of the picture as it then is.
 * Where the activation does not depend on the input the picture stays as decay and blur leave it. SOMA_ERROR_NUMERIC
 * when the gradient is not finite. */
SOMA_API int soma_feature_step(soma_feature *feature, int64_t steps, double *activation, soma_error *error);
/* Copies the picture out, one sample; `count` is its number of elements. */
SOMA_API int soma_feature_get(const soma_feature *feature, float *picture, size_t count, soma_error *error);

/* ---- One pixel of a convolution ------------------------------------------------------------------------------------
 */

/* One element of the window, times one of the kernel. */
typedef struct soma_product {
    double input SOMA_ZERO; /* 0 in the padding */
    double weight SOMA_ZERO;
    double product SOMA_ZERO;
} soma_product;

typedef struct soma_pixel {
    int64_t channels SOMA_ZERO, height SOMA_ZERO, width SOMA_ZERO; /* of the kernel: there are as many products */
    int64_t first SOMA_ZERO; /* the input's channel that the first of them reads: not 0 in later groups */
    int64_t row SOMA_ZERO, column SOMA_ZERO; /* of the input under the window's first element; may lie in the padding */
    int64_t down SOMA_ZERO, right SOMA_ZERO; /* from one element of the window to the next: the dilation */
    double sum SOMA_ZERO;                    /* of the products */
    double bias SOMA_ZERO;                   /* 0 where there is none */
    double value SOMA_ZERO;                  /* sum + bias */
    double output SOMA_ZERO;                 /* after the layer's activation */
} soma_pixel;

/* Takes apart element `unit` (all three given) of a convolution layer for one sample. `input` holds what the layer read
 * for it, [C, H, W]: values of layer.input, which a plan can keep; the weights are the store's. `products` gets
 * channels * height * width elements in the kernel's order, and `count` must be that; NULL with a count of 0 gives the
 * pixel alone. Computed in double. SOMA_ERROR_ARGUMENT when the layer is no convolution or has no such element. */
SOMA_API int soma_layer_pixel(soma_layer layer, const soma_store *store, const float *input, soma_unit unit,
                              soma_product *products, size_t count, soma_pixel *pixel, soma_error *error);

/* ---- Answers over a plane ------------------------------------------------------------------------------------------
 */

/* The centres of columns x rows pixels that cover the plane from (left, top) to (right, bottom). */
typedef struct soma_grid {
    double left SOMA_ZERO, right SOMA_ZERO; /* of the first feature */
    double top SOMA_ZERO, bottom SOMA_ZERO; /* of the second */
    int64_t columns SOMA_ZERO, rows SOMA_ZERO;
} soma_grid;

/* `output` [N, outputs] for each point: `answers` gets [rows, columns, outputs], `count` elements. `input` is [N, 2],
 * and the run's plan computes the output and trains nothing. The points go through the run in its largest batches. */
SOMA_API int soma_run_grid(soma_run *run, soma_value input, soma_value output, soma_grid grid, float *answers,
                           size_t count, soma_error *error);
/* The same of a model of two features, as soma_model_predict answers. */
SOMA_API int soma_model_grid(soma_model *model, soma_grid grid, float *answers, size_t count, soma_error *error);

SOMA_END_C
#endif
