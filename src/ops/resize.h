/* ops/resize.h: resampling of one axis by a constant matrix, for resize.c and the reader of ONNX's Resize. */
#ifndef OPS_RESIZE_H
#define OPS_RESIZE_H

#include "base/base.h"

#include <soma/graph.h>

/* Writes into `row` (zeros, one for each of `from` elements) what output element i of `size` takes of each. */
typedef void (*resize_weights)(const void *user, int64_t i, int64_t size, int64_t from, float *row);
/* x with its last axis or the one before it resampled to `size` elements. */
soma_value resize_by_matrix(soma_value x, int axis, int64_t size, resize_weights weights, const void *user);
/* Adds linear interpolation at a place between elements to a row; beyond the edges their values go on. */
void resize_linear_at(double place, int64_t from, float *row);

#endif
