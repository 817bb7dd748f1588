/* nn/spec.h: networks as text: "conv 20 5x5 relu, maxpool 2, dense 500 relu, dense 10".
 *
 *   net    = layer { "," layer }
 *   layer  = [NAME:] dense N | conv N KxK | convt N KxK | maxpool K | avgpool K|global | upsample K | dropout P
 *          | bn | ln | in | gn N | lrn | flatten | identity | an activation
 *          | residual(net) | residual(net | net) | concat(net | net …)
 *   after its sizes, in any order: s2 stride, p1 or same padding, d2 dilation, g8 groups (conv, convt), ceil (pooling);
 *   then bn, ln, in or gn N; then an activation. A dense or conv directly followed by bn has no bias.
 * Variables are named after their layer, which is called by its kind and a number (conv2d1.weight) or by NAME.
 *
 * Text is parsed to a checked tree; a mistake gives one sentence with its place in the text. The tree builds graphs:
 * the same variables' names each time. */
#ifndef NN_SPEC_H
#define NN_SPEC_H

#include "base/base.h"

#include <soma/nn.h>

typedef struct spec spec;

/* NULL and a sentence when the text is no network. */
spec *spec_parse(const soma_context *context, const char *text, soma_error *error);
void spec_destroy(spec *s);
/* The network as text that parses to the same tree; the caller ends it with mem_free(context, …). NULL: memory is out.
 */
char *spec_text(const spec *s);
/* Layers with weights before the last such layer, which a constant initial value would leave symmetric for ever. */
bool spec_has_hidden(const spec *s);

/* ---- Heads ---------------------------------------------------------------------------------------------------------
 */

typedef enum spec_output {
    SPEC_LINEAR,  /* a number: mean squared error */
    SPEC_SIGMOID, /* the probability of the second of two classes: binary cross-entropy */
    SPEC_SOFTMAX  /* a probability for each class: cross-entropy */
} spec_output;

/* The output layer, which a task needs. */
typedef struct spec_head {
    spec_output output;
    int64_t width;   /* units of the last dense */
    int64_t outputs; /* classes, or numbers predicted */
    bool appended;   /* it was not in the text */
    char text[48];   /* "dense 3 softmax" */
} spec_head;

/* Makes the network end in the head that the task needs: `outputs` classes (2 or more), or numbers (1 or more) for
 * regression. If the last layer is a dense of the right width without activation or with the head's own, it becomes the
 * head; a last dense without activation and with another width is an error; otherwise the head is appended. Two classes
 * take one sigmoid or two softmax outputs. */
int spec_resolve_head(spec *s, bool classify, int64_t outputs, spec_head *head, soma_error *error);

/* The classes, or numbers, that the network's own head is for (a `dense 1` for classes: 2); 0 when the text doesn't end
 * in a head, so that one would be appended. */
int64_t spec_given_outputs(const spec *s, bool classify);

/* What the last layer of a complete network means for a loss: a final sigmoid binary cross-entropy, one plain output
 * mean squared error, anything else softmax cross-entropy. */
spec_output spec_meaning(const spec *s);
/* That loss, of classes weighted by `class_weights` (may be NULL); the target is added as the input `name` (float of
 * the output's shape, or int64 [N]) and given in *target. */
soma_value spec_loss(const spec *s, soma_value output, const float *class_weights, const char *name,
                     soma_value *target);

/* ---- Building -------------------------------------------------------------------------------------------------------
 */

typedef struct spec_options {
    bool init_given; /* `init` counts for all weights; otherwise He before ReLU-like activations, Xavier uniform
                        elsewhere */
    soma_init init;
    /* Told each layer, suffixes included, as it is built: at its begin (an output without a node) and at its end.
     * `text` is the layer without its branches ("conv 20 5x5 relu", "residual"); depth 0 is the network itself,
     * branches lie deeper. May be NULL. */
    void (*trace)(void *user, const char *text, int depth, soma_value output);
    void *user;
} spec_options;

/* Adds the network to x's graph and returns its output; options may be NULL. x is [N, F] or [N, C, H, W]. A layer that
 * doesn't fit its input leaves a sentence with its place in the graph. */
soma_value spec_build(const spec *s, soma_value x, const spec_options *options);

/* ---- Listing
 * --------------------------------------------------------------------------------------------------------- */

/* A line of `soma show`. Parameters and flops of a residual or concat are its own, without its branches'. */
typedef struct spec_row {
    char text[96];
    int depth;
    soma_shape input;   /* what its convolution, pooling or product reads; rank 0: it has none */
    soma_shape output;  /* dims[0] is the batch */
    soma_window window; /* of its convolution or pooling; a kernel of 0: it has none */
    int64_t parameters; /* trainable elements */
    double flops;       /* of one sample, forward; 2 for a multiply-add */
} spec_row;

/* The layers for a sample of this shape ([F] or [C, H, W]). The rows are ended with mem_free(context, …). */
int spec_describe(const spec *s, soma_shape sample, spec_row **rows, size_t *count, soma_error *error);

#endif
