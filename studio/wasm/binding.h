/* wasm/binding.h: the functions that soma.wasm exports, and what their files share. The package's TypeScript is their
 * only caller: it knows that a pointer is an offset into the module's memory, and checks types, so that here no
 * argument is missing.
 *
 * Conventions: objects are ended by their _destroy, which takes NULL. A function that can fail returns NULL or a code
 * other than 0 and leaves a sentence in `error`. Settings travel as an array of doubles, in the order of the enums
 * below, in which NaN means "not given". Strings end in 0. */
#ifndef WASM_BINDING_H
#define WASM_BINDING_H

#include "nn/spec.h"

#include <soma/insight.h>
#include <soma/soma.h>

#if defined(__wasm__)
#define EXPORT(name) __attribute__((export_name(#name), used)) name
#else
#define EXPORT(name) name
#endif

/* ---- Memory and errors: binding.c -------------------------------------------------------------------------------- */

const char *EXPORT(soma_text_version)(void);
void *EXPORT(memory_take)(size_t size); /* NULL: memory is out */
void EXPORT(memory_give)(void *memory);
soma_error *EXPORT(error_create)(void);
void EXPORT(error_clear)(soma_error *error);
const char *EXPORT(error_message)(const soma_error *error);

/* One compiled use of a graph: a plan with its run, made for batches up to `rows`. */
typedef struct part {
    soma_plan *plan;
    soma_run *run;
    int64_t rows;
} part;
void part_clear(part *p);
int part_make(part *p, const soma_value *outputs, size_t count, soma_plan_options options, soma_error *error);

/* ---- Settings ---------------------------------------------------------------------------------------------------- */

enum {                 /* of an optimizer */
       OPTIMIZER_KIND, /* soma_optimizer_kind */
       OPTIMIZER_RATE,
       OPTIMIZER_MOMENTUM,
       OPTIMIZER_ALPHA,
       OPTIMIZER_BETA1,
       OPTIMIZER_BETA2,
       OPTIMIZER_EPSILON,
       OPTIMIZER_L2,
       OPTIMIZER_L1,
       OPTIMIZER_CLIP,
       OPTIMIZER_SETTINGS
};
soma_optimizer optimizer_of(const double *settings);

enum {                  /* of a network */
       NETWORK_TASK,    /* 0: the specification is complete; else a soma_task, for which it gets its head */
       NETWORK_OUTPUTS, /* classes or numbers, where there is a task */
       NETWORK_SEED,
       NETWORK_INIT, /* soma_init_kind for all weights; NaN: each layer's own */
       NETWORK_INIT_VALUE,
       NETWORK_FEATURES, /* bits of features.c, for samples [2]; 0: the sample as it is */
       NETWORK_SETTINGS
};

/* ---- Networks: network.c, training.c, looking.c, taps.c ---------------------------------------------------------- */

typedef struct network network;

/* `sample` holds the `rank` dimensions of a sample. */
network *EXPORT(network_create)(const char *text, const int32_t *sample, int rank, const double *settings,
                                soma_error *error);
void EXPORT(network_destroy)(network *n);
/* The complete specification; valid as long as the network. */
const char *EXPORT(network_text)(const network *n);
int EXPORT(network_outputs)(const network *n);
/* 0 a number, 1 one sigmoid, 2 a probability for each class. */
int EXPORT(network_meaning)(const network *n);
size_t EXPORT(network_parameters)(const network *n);
const char *EXPORT(network_parameter_name)(const network *n, size_t index);
/* Fills `dims` (SOMA_MAX_RANK of them) and returns the rank; -1: there is none of that name. */
int EXPORT(network_parameter_shape)(const network *n, const char *name, int32_t *dims);
int EXPORT(network_parameter_get)(const network *n, const char *name, float *values, size_t count, soma_error *error);
int EXPORT(network_parameter_set)(network *n, const char *name, const float *values, size_t count, soma_error *error);
/* The answers of `rows` samples; `out` has rows * outputs elements. */
int EXPORT(network_predict)(network *n, const float *x, size_t rows, float *out, soma_error *error);
/* The network as an ONNX file, ended by memory_give; its input is divided by a number: 255 for one that was trained on
 * pictures of 0 .. 1, so that the file takes bytes, as the command gives them. */
void *EXPORT(network_save)(network *n, double divisor, uint32_t *size, soma_error *error);

/* The rows to train on (set 0) and to test on (set 1), copied: targets are class numbers, or the numbers to predict. */
int EXPORT(network_set_data)(network *n, int set, const float *x, const float *targets, size_t rows, soma_error *error);
/* How to train from now on: batches of that size, an optimizer that starts anew. */
int EXPORT(network_set_training)(network *n, size_t batch, const double *optimizer, soma_error *error);
int EXPORT(network_set_rate)(network *n, double rate, soma_error *error);
/* How the rate changes from now on, by the number of steps taken: a soma_schedule_kind over a training of so many
 * epochs, after which the rate stays. 0: it is constant. */
int EXPORT(network_set_schedule)(network *n, int kind, double rate, double epochs, soma_error *error);
/* Takes steps, each on the next batch of rows, which are shuffled anew for each epoch. */
int EXPORT(network_train)(network *n, size_t steps, soma_error *error);
double EXPORT(network_steps)(const network *n);
/* The mean loss over the epoch that ended last; NaN before. */
double EXPORT(network_epoch_loss)(const network *n);
/* The same over the epoch that runs, as far as it has come. */
double EXPORT(network_running_loss)(const network *n);
size_t EXPORT(network_steps_per_epoch)(const network *n);
/* Loss and, for classes, share of right answers (else NaN) on a set: measured[0] and [1]. */
int EXPORT(network_measure)(network *n, int set, double *measured, soma_error *error);
/* The same, with the answers, rows * outputs. */
int EXPORT(network_examine)(network *n, int set, double *measured, float *answers, soma_error *error);

/* The outputs of the layers for `rows` samples, to be read by network_layer_get. */
int EXPORT(network_look)(network *n, const float *x, size_t rows, soma_error *error);
size_t EXPORT(network_layers)(const network *n);
const char *EXPORT(network_layer_text)(const network *n, size_t layer);
int EXPORT(network_layer_shape)(const network *n, size_t layer, int32_t *dims); /* of a sample; returns the rank */
int EXPORT(network_layer_get)(network *n, size_t layer, float *values, size_t count, soma_error *error);
/* The gradients of the loss over `rows` samples, to be read by name. *loss gets the loss. */
int EXPORT(network_differentiate)(network *n, const float *x, const float *targets, size_t rows, double *loss,
                                  soma_error *error);
int EXPORT(network_gradient_get)(network *n, const char *name, float *values, size_t count, soma_error *error);

/* What passes through the layers with weights for `rows` samples, without a training step (soma/insight.h's taps).
 * `bins` are low and high of the histograms of values; NaN: from the smallest to the largest. */
int EXPORT(network_tap)(network *n, const float *x, const float *targets, size_t rows, const double *bins,
                        soma_error *error);
size_t EXPORT(network_taps)(const network *n);
const char *EXPORT(network_tap_name)(const network *n, size_t tap);

enum { /* of values or gradients: */
       STATISTIC_COUNT,
       STATISTIC_NOT_FINITE,
       STATISTIC_MIN,
       STATISTIC_MAX,
       STATISTIC_MEAN,
       STATISTIC_DEVIATION,
       STATISTIC_NORM,
       STATISTIC_ZEROS,
       STATISTIC_LOW,
       STATISTIC_HIGH,
       STATISTIC_HISTOGRAM, /* SOMA_BINS of them */
       STATISTIC_NUMBERS = STATISTIC_HISTOGRAM + SOMA_BINS
};
enum { /* of a tap: */
       TAP_VALUES,
       TAP_GRADIENTS = STATISTIC_NUMBERS,
       TAP_SATURATED = 2 * STATISTIC_NUMBERS,
       TAP_DEAD,
       TAP_NUMBERS
};
int EXPORT(network_tap_get)(network *n, size_t tap, double *numbers, soma_error *error);
/* The loss on set 0 over a grid of two parameters' elements, row by row of the second: `range` holds low and high of
 * the first and of the second; `out` has steps * steps elements. */
int EXPORT(network_surface)(network *n, const char *first, size_t first_index, const char *second, size_t second_index,
                            const double *range, size_t steps, float *out, soma_error *error);

/* ---- Descriptions: description.c --------------------------------------------------------------------------------- */

typedef struct description description;

/* A network's layers and their sizes, told without its weights: `text` is a specification or a known network's name,
 * for which a rank of 0 means its usual sample. Row 0 is the first layer. */
description *EXPORT(description_create)(const char *text, const int32_t *sample, int rank, soma_error *error);
void EXPORT(description_destroy)(description *d);
const char *EXPORT(description_text)(const description *d); /* the specification */
int EXPORT(description_sample)(const description *d, int32_t *dims);
size_t EXPORT(description_rows)(const description *d);
const char *EXPORT(description_row_text)(const description *d, size_t row);
/* The shape, of a sample, of what a row's convolution, pooling or product reads (0; rank 0 where it has none) or of
 * its output (1). */
int EXPORT(description_row_shape)(const description *d, size_t row, int output, int32_t *dims);

enum { /* of a row: */
       ROW_DEPTH,
       ROW_PARAMETERS,
       ROW_FLOPS, /* of a sample, forward; 2 for a multiply-add */
       ROW_PARAMETER_BYTES,
       ROW_OUTPUT_BYTES,  /* of a sample */
       ROW_KERNEL_HEIGHT, /* 0: it has no window */
       ROW_KERNEL_WIDTH,
       ROW_STRIDE,
       ROW_PADDING,
       ROW_NUMBERS
};
void EXPORT(description_row_numbers)(const description *d, size_t row, double *numbers);

/* ---- Point sets: points.c ---------------------------------------------------------------------------------------- */

/* Sets of soma's generators, by number: moons, spiral, circles, xor, blobs, random. `xy` has 2 * count elements. */
void EXPORT(points_make)(int shape, size_t count, double noise, double seed, float *xy, float *labels);

/* ---- Models from files: model.c, table.c, picture.c, summary.c -------------------------------------------------
 */

typedef struct model model;

model *EXPORT(model_load)(const void *bytes, size_t size, soma_error *error);
void EXPORT(model_destroy)(model *m);
size_t EXPORT(model_inputs)(const model *m);
size_t EXPORT(model_outputs)(const model *m);
double EXPORT(model_parameters)(const model *m);
int EXPORT(model_opset)(const model *m);
const char *EXPORT(model_producer)(const model *m);
/* "" where the file has no such key. */
const char *EXPORT(model_metadata)(const model *m, const char *key);
/* Input or output `index`; `output` 1 for outputs. The shape's batch is -1; the return value is the rank. */
const char *EXPORT(model_value_name)(const model *m, int output, size_t index);
int EXPORT(model_value_shape)(const model *m, int output, size_t index, int32_t *dims);
/* Nodes as the file has them: text 0 is the operator, 1 the name, 2 the attributes; ends are the names of inputs
 * (output 0) and outputs (output 1). A shape of -1 dimensions: the output is no value that can be looked at. */
size_t EXPORT(model_nodes)(const model *m);
const char *EXPORT(model_node_text)(const model *m, size_t node, int what);
size_t EXPORT(model_node_ends)(const model *m, size_t node, int output);
const char *EXPORT(model_node_end)(const model *m, size_t node, int output, size_t index);
int EXPORT(model_node_shape)(const model *m, size_t node, size_t output, int32_t *dims);
size_t EXPORT(model_weights)(const model *m);
const char *EXPORT(model_weight_name)(const model *m, size_t index);
int EXPORT(model_weight_shape)(const model *m, size_t index, int32_t *dims);
int EXPORT(model_weight_get)(const model *m, size_t index, float *values, size_t count, soma_error *error);
/* Which inner value the runs to come compute too: an output of a node; node -1: none. */
void EXPORT(model_choose)(model *m, int node, size_t output);
int EXPORT(model_set)(model *m, size_t input, const float *values, size_t rows, soma_error *error);
int EXPORT(model_run)(model *m, size_t rows, soma_error *error);
/* The shape of an output after a run (dims, rank returned) and its values; output -1 is the inner value. */
int EXPORT(model_output_shape)(const model *m, int output, int32_t *dims);
int EXPORT(model_output_get)(model *m, int output, float *values, size_t count, soma_error *error);

/* count, not finite, min, max, mean, deviation, norm, share of zeros, and the low and high ends of the histogram, then
 * its SOMA_BINS bins. */
void EXPORT(summary_get)(const float *values, size_t count, double *summary);

typedef struct table table;

/* A CSV text for a model to answer. The model's columns: `numbers` header, style, target's position, columns of the
 * training file, columns, then for each position, kind, pooled, lenient and for categories their count; `texts` target,
 * then for each name, a date's format or its categories, each ended by 0. */
table *EXPORT(table_read)(const char *name, const void *bytes, size_t size, const double *numbers, const char *texts,
                          soma_error *error);
void EXPORT(table_destroy)(table *t);
size_t EXPORT(table_rows)(const table *t);
const float *EXPORT(table_features)(const table *t);
/* "" where there is nothing to say. */
const char *EXPORT(table_note)(const table *t);
const char *EXPORT(table_row_error)(const table *t, size_t row);

/* Pixels of four bytes as a sample: (byte * scaling[0] - scaling[1 + c]) / scaling[4 + c]. `sample` holds channels,
 * height and width; they follow each other in this order or, with `last`, with the channels at the end. */
int EXPORT(picture_fit)(const uint8_t *rgba, size_t height, size_t width, const int32_t *sample, int last,
                        const double *scaling, float *out, soma_error *error);

/* ---- Looking inside: inside.c ------------------------------------------------------------------------------------ */

/* What a model of one float input and one output is opened by, the store that holds its weights; NULL of others. */
soma_store *model_open(const model *m, soma_value *input, soma_value *answer);

typedef struct inside inside;

enum { /* what of a layer */
       INSIDE_INPUT,
       INSIDE_VALUE, /* before the activation */
       INSIDE_OUTPUT
};
enum {                 /* of a pixel taken apart */
       PIXEL_CHANNELS, /* of the kernel, as the next two */
       PIXEL_HEIGHT,
       PIXEL_WIDTH,
       PIXEL_FIRST, /* the input's channel that the first product reads */
       PIXEL_ROW,   /* of the input under the window's first element */
       PIXEL_COLUMN,
       PIXEL_DOWN, /* dilation */
       PIXEL_RIGHT,
       PIXEL_SUM,
       PIXEL_BIAS,
       PIXEL_VALUE,  /* sum + bias */
       PIXEL_OUTPUT, /* after the activation */
       PIXEL_NUMBERS
};
enum { /* of feature visualisation, as soma_feature_options */
       FEATURE_LOW,
       FEATURE_HIGH,
       FEATURE_RATE,
       FEATURE_NOISE,
       FEATURE_DECAY,
       FEATURE_JITTER,
       FEATURE_BLUR,
       FEATURE_BLUR_EVERY,
       FEATURE_SEED,
       FEATURE_SETTINGS
};

/* Both borrow what they open, which must live longer. */
inside *EXPORT(inside_of_network)(const network *n, soma_error *error);
inside *EXPORT(inside_of_model)(const model *m, soma_error *error);
void EXPORT(inside_destroy)(inside *in);
int EXPORT(inside_sample_shape)(const inside *in, int32_t *dims);
size_t EXPORT(inside_scores_count)(const inside *in);
/* The layers that have weights. A shape is a sample's; -1: the layer has no input of that kind. */
size_t EXPORT(inside_layers)(const inside *in);
const char *EXPORT(inside_layer_name)(const inside *in, size_t layer);
int EXPORT(inside_layer_shape)(const inside *in, size_t layer, int which, int32_t *dims);
/* Computes one sample, whose values the next three read. */
int EXPORT(inside_look)(inside *in, const float *x, soma_error *error);
int EXPORT(inside_get)(inside *in, size_t layer, int which, float *values, size_t count, soma_error *error);
/* What stands before the last softmax or sigmoid, the exponents of it with their sum behind them, and the answers. */
int EXPORT(inside_scores)(inside *in, float *scores, double *powers, float *answers, soma_error *error);
/* One number of a convolution's map; `place` is channel, row and column. `products` gets input, weight and product for
 * each of `count` elements of the kernel (0: none), `pixel` PIXEL_NUMBERS numbers. */
int EXPORT(inside_pixel)(inside *in, size_t layer, const int32_t *place, double *products, size_t count, double *pixel,
                         soma_error *error);
/* The gradient of a class's score by each sample. */
int EXPORT(inside_saliency)(inside *in, const float *x, const int32_t *classes, size_t rows, float *gradients,
                            soma_error *error);
/* A picture that excites a unit or channel of a layer, before its activation. */
soma_feature *EXPORT(inside_feature)(inside *in, size_t layer, int channel, const double *settings, soma_error *error);
void EXPORT(feature_destroy)(soma_feature *f);
int EXPORT(feature_step)(soma_feature *f, size_t steps, double *activation, soma_error *error);
int EXPORT(feature_get)(const soma_feature *f, float *picture, size_t count, soma_error *error);

/* ---- Drawings: digit.c ------------------------------------------------------------------------------------------- */

/* A drawing [height, width] of numbers from 0 to 1 as a picture [28, 28] like MNIST's; 0: it is empty. */
int EXPORT(digit_fit)(const float *ink, size_t height, size_t width, float *out);

/* ---- Formulas: formula.c, formula_graph.c, landscape.c ----------------------------------------------------------- */

/* Where a formula's names come from: the value of a name that is met for the first time. */
typedef soma_value (*formula_resolver)(void *user, soma_graph *graph, const char *name);
soma_value formula_parse(soma_graph *graph, const char *text, formula_resolver resolve, void *user, soma_error *error);

typedef struct formula formula;

formula *EXPORT(formula_create)(const char *text, soma_error *error);
void EXPORT(formula_destroy)(formula *f);
size_t EXPORT(formula_nodes)(const formula *f);
const char *EXPORT(formula_node_op)(const formula *f, size_t node);   /* "mul"; "input"; "scalar" */
const char *EXPORT(formula_node_name)(const formula *f, size_t node); /* of an input; else "" */
/* The numbers of the nodes that it reads; returns how many. */
int EXPORT(formula_node_inputs)(const formula *f, size_t node, int32_t *inputs);
int EXPORT(formula_set)(formula *f, size_t node, double value, soma_error *error);
/* Computes all: the values and the last node's derivatives by every node, one for each node. */
int EXPORT(formula_run)(formula *f, double *values, double *gradients, soma_error *error);

typedef struct landscape landscape;

/* A function of the variables x and y, given as a formula, on which an optimizer walks from a place. */
landscape *EXPORT(landscape_create)(const char *text, const double *optimizer, double x, double y, soma_error *error);
void EXPORT(landscape_destroy)(landscape *l);
/* Takes steps; path gets x, y and the height before each step: 3 * steps numbers. */
int EXPORT(landscape_walk)(landscape *l, size_t steps, double *path, soma_error *error);
/* The function on a grid, row by row of y. */
int EXPORT(landscape_heights)(landscape *l, const double *range, size_t steps, float *out, soma_error *error);

/* ---- Windows over a picture: slide.c ----------------------------------------------------------------------------- */

enum {
    SLIDE_CONVOLUTION,
    SLIDE_MAX,     /* pooling */
    SLIDE_AVERAGE, /* pooling; padding doesn't count */
    SLIDE_SIMPLE,  /* relu of the convolution */
    SLIDE_ENERGY,  /* root of the sum of the filters' squares */
    SLIDE_POOLED   /* the largest of SLIDE_SIMPLE over SLIDE_POOL places each way */
};
enum { /* of a slide */
       SLIDE_KIND,
       SLIDE_HEIGHT, /* of the picture */
       SLIDE_WIDTH,
       SLIDE_FILTERS,
       SLIDE_KERNEL_HEIGHT,
       SLIDE_KERNEL_WIDTH,
       SLIDE_STRIDE,
       SLIDE_PADDING,
       SLIDE_DILATION,
       SLIDE_POOL,
       SLIDE_SETTINGS
};
enum { /* of Gabor's kernels: pixels, degrees from lying lines against the clock, degrees */
       GABOR_WAVELENGTH,
       GABOR_ORIENTATION,
       GABOR_PHASE
};

typedef struct slide slide;

/* NULL and a sentence when the window fits nowhere. */
slide *EXPORT(slide_create)(const int32_t *settings, soma_error *error);
void EXPORT(slide_destroy)(slide *s);
/* Of the output, [filters, height, width]; returns the rank. */
int EXPORT(slide_shape)(const slide *s, int32_t *dims);
/* Pooling reads no kernels. */
int EXPORT(slide_run)(slide *s, const float *x, const float *kernels, float *y, soma_error *error);
/* Takes a number of the first filter's convolution apart: input, weight and product for each element of the kernel,
 * then their sum. */
int EXPORT(slide_products)(slide *s, const float *x, const float *kernels, int row, int column, double *out,
                           soma_error *error);
/* The height and width of Gabor's kernels, and the kernels: one, and one a quarter of a wave further. */
int EXPORT(gabor_size)(double wavelength);
int EXPORT(gabor_kernels)(const double *settings, float *out, soma_error *error);

#endif
