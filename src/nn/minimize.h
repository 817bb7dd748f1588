/* nn/minimize.h: what the trainer asks of an optimizer beyond soma_minimize: gradients gathered over several batches,
 * and averaged weights. */
#ifndef NN_MINIMIZE_H
#define NN_MINIMIZE_H

#include <soma/nn.h>

typedef enum minimize_part {
    MINIMIZE_WHOLE = 0, /* an update from each batch's gradient */
    MINIMIZE_GATHER,    /* adds the batch's gradient to what was gathered; nothing is updated */
    MINIMIZE_CLOSE      /* adds it, and updates with the mean */
} minimize_part;

typedef struct minimize_request {
    minimize_part part;
    bool average; /* keeps "<variable>.average", the exponential moving average of the weights */
} minimize_request;

/* Scalar inputs; those that the request doesn't need are without a node. With a of the variable "<variable>.gathered"
 * and g the batch's gradient: a' = keep a + weight g; the update takes a' share. */
typedef struct minimize_inputs {
    soma_value rate;
    soma_value keep;   /* 0 for the first batch of a group, else 1 */
    soma_value weight; /* of the batch */
    soma_value share;  /* 1 / the sum of the group's weights */
    soma_value fresh;  /* how much of the new weights goes into the average: 1 makes it equal to them */
} minimize_inputs;

/* soma_minimize with a request. */
int minimize_with(soma_value loss, soma_optimizer optimizer, minimize_request request, minimize_inputs *inputs);

#endif
