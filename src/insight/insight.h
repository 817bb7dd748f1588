/* insight/insight.h: what the files of this room share. */
#ifndef INSIGHT_INSIGHT_H
#define INSIGHT_INSIGHT_H

#include "graph/graph.h"

#include <soma/insight.h>

/* The node of the convolution or product inside a layer's value (its weights are input 1), and in *bias, if not NULL,
 * what is added to it, or a value without a node. NULL when the value is neither. */
const node *layer_product(soma_value value, soma_value *bias);
/* The twin of a value in a copy of its graph. */
soma_value twin_of(soma_value value, soma_graph *copy);
/* A plan of `outputs` by those of the options that make sense inside this room, and a run of it. */
int open_plan(const soma_value *outputs, size_t count, soma_plan_options options, soma_plan **plan, soma_run **run,
              soma_error *error);
/* Statistics of doubles. */
soma_statistics statistics_of(const double *values, size_t count, soma_bins bins);

#endif
