/* ops/strided.h: copying between tensors whose elements lie at strides: what the reference kernels of expand,
 * transpose, slice, pad and concat are. Elements are eight bytes there, double or int64. */
#ifndef OPS_STRIDED_H
#define OPS_STRIDED_H

#include "base/base.h"

/* Strides, in elements, of a tensor in C order. */
void strides_of(const soma_shape *shape, int64_t strides[SOMA_MAX_RANK]);
/* Strides with which a tensor of shape `from` is read at every place of `to`, to which it broadcasts. */
void strides_broadcast(const soma_shape *from, const soma_shape *to, int64_t strides[SOMA_MAX_RANK]);
/* out[sum of index * out_strides] = in[sum of index * in_strides] for every index of the shape. */
void strided_copy(const soma_shape *shape, void *out, const int64_t *out_strides, const void *in,
                  const int64_t *in_strides);

#endif
