/* wasm/network.h: the inside of a network, which network.c builds, training.c trains and looking.c and taps.c look
 * into. */
#ifndef WASM_NETWORK_H
#define WASM_NETWORK_H

#include "base/random.h"
#include "binding.h"

enum { LAYERS_MAX = 64, SETS = 2 };

/* A network in a graph. */
typedef struct built {
    soma_graph *graph;
    soma_value x, answer, target, loss;
} built;

/* Rows that stay in memory: targets in the type of the loss's input, float [rows, outputs] or int64 [rows]. */
typedef struct rows_set {
    float *x;
    void *targets;
    size_t rows;
} rows_set;

typedef struct layer {
    soma_value output;
    char text[96];
} layer;

struct network {
    spec *spec;
    spec_output meaning;
    spec_options options;
    char *text;
    soma_shape sample;
    size_t sample_size, target_size; /* elements of x, bytes of a row's target */
    uint32_t features;
    double divisor; /* of the input, while a file is written: above 1 */
    uint64_t seed;
    int64_t outputs;
    soma_store *store;
    size_t parameters; /* the first variables of the store; the others belong to the optimizer */
    built infer;       /* for answers, measures, gradients and the layers' outputs */
    layer layers[LAYERS_MAX];
    size_t layers_count;
    part answer, measure, look, slope, tap;
    soma_value *slopes; /* gradients of the parameters, those that are not trained without a node */
    soma_taps *taps;    /* of the layers `tapped` of infer's graph */
    soma_layer *tapped;
    size_t taps_count;
    soma_bins taps_bins;
    rows_set sets[SETS];
    built training; /* graph with the optimizer's update; remade when training changes */
    part trainer;
    soma_schedule schedule;
    double rate;             /* with which the schedule begins */
    int64_t epochs;          /* that the schedule lasts */
    size_t batch, steps, at; /* `at`: the next row of the epoch */
    uint64_t epoch;
    int64_t *order; /* rows, shuffled for the epoch */
    float *batch_x;
    char *batch_targets;
    double loss_sum, epoch_loss;
};

/* The points' features of features.c, or x itself for 0. */
soma_value features_build(soma_value x, uint32_t features);
/* Builds the network; its layers are noted in n->layers for the graph of answers. */
int network_build(network *n, bool training, built *to, soma_error *error);
void built_clear(built *b);
/* Targets as the loss wants them. */
void targets_convert(const network *n, const float *from, size_t rows, void *to);

#endif
