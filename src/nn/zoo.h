/* nn/zoo.h: known networks by name, as spec strings. */
#ifndef NN_ZOO_H
#define NN_ZOO_H

#include "nn/spec.h"

typedef struct zoo_net {
    const char *name;
    const char *about;  /* a sentence with the source */
    const char *body;   /* all but the output layer; NULL: nothing */
    spec_output output; /* of the complete network by default */
    soma_shape sample;  /* default shape of one sample */
    int64_t width;      /* default units of the output layer */
    bool classifier;    /* has no meaning for regression */
} zoo_net;

/* The networks; the list ends in one without a name.
 *   linear    one neuron without activation a number: linear regression
 *   logistic  one neuron with a sigmoid: logistic regression (Cox 1958); softmax for more than two classes
 *   mlp       two hidden layers of 64 with ReLU: 30-64-64-1
 *   lenet     LeCun et al., "Gradient-based learning applied to document recognition", 1998, in the form 20-50-500 with
 *             ReLU and max pooling; 431,080 parameters on 1x28x28 with 10 classes
 *   alexnet   Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks",
 * 2012, one tower, without response normalisation; 62,378,344 parameters on 3x227x227 with 1000 classes */
extern const zoo_net zoo_nets[];
/* NULL: none of that name. */
const zoo_net *zoo_find(const char *name);

/* A complete network from a name or a SPEC, as `show` and `bench` take it: a name gets its default head. */
spec *spec_open(const soma_context *context, const char *text, soma_error *error);
/* The network for a task (see spec_resolve_head): a name takes its outputs from the task, which is not `appended`. */
spec *spec_open_for(const soma_context *context, const char *text, bool classify, int64_t outputs, spec_head *head,
                    soma_error *error);

#endif
