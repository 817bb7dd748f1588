/* onednn/module/compat.h: oneDNN 2 and 3 under one face. Version 3 has opaque memory descriptors and makes primitive
 * descriptors without a description of the operation in between; the rest of the C API is the same. */
#ifndef ONEDNN_COMPAT_H
#define ONEDNN_COMPAT_H

#include "backend/onednn/module.h"

#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t compat_layout; /* borrowed */
typedef dnnl_memory_desc_t compat_own;          /* made by compat_describe */
#else
typedef const dnnl_memory_desc_t *compat_layout;
typedef dnnl_memory_desc_t *compat_own;
#endif

enum { COMPAT_RANK = 5 }; /* of the largest layout: weights with groups */

/* A layout of floats or bfloat16s by strides in elements; without strides the one that a primitive likes best. NULL:
 * memory is out, or oneDNN refuses. */
compat_own compat_describe(int rank, const int64_t *dims, bool bf16, const int64_t *strides);
void compat_forget(compat_own layout);
/* The layout of the first item along the first dimension of `dims`, within another; NULL as above. */
compat_own compat_item(compat_layout whole, int rank, const int64_t *dims);
/* The distance between items along the first dimension, in elements; 0 when there is no such distance. */
int64_t compat_distance(compat_layout layout);

/* The primitive descriptor of what is requested, given the three operands' layouts in the order of module.h. */
dnnl_status_t compat_convolution(dnnl_primitive_desc_t *made, dnnl_engine_t engine, const onednn_request *r,
                                 dnnl_primitive_attr_t attributes, compat_layout x, compat_layout w, compat_layout y,
                                 const_dnnl_primitive_desc_t forward);
dnnl_status_t compat_matmul(dnnl_primitive_desc_t *made, dnnl_engine_t engine, dnnl_primitive_attr_t attributes,
                            compat_layout a, compat_layout b, compat_layout c);

#endif
