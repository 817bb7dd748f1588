/* nn/init.h: initial values of variables. */
#ifndef NN_INIT_H
#define NN_INIT_H

#include "base/base.h"

#include <soma/graph.h>

/* Fills a variable of `shape` (no batch in it) with its initial values. They are a function of init, shape, seed and
 * name alone: the numbers come from the Philox stream (seed, hash of the name). Returns SOMA_OK, or SOMA_ERROR_ARGUMENT
 * for a shape, kind or value that can't be. */
int init_fill(const soma_shape *shape, soma_init init, uint64_t seed, const char *name, double *values);

/* The input and output sizes that `init` assumes for a shape where they are not given. */
void init_fans(const soma_shape *shape, const soma_init *init, double *fan_in, double *fan_out);

#endif
