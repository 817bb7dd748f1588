/* isa/kernels.h: the functions that make up the backend's table of kernels (kernels.c). */
#ifndef ISA_KERNELS_H
#define ISA_KERNELS_H

#include "backend/portable/isa/simd.h"
#include "backend/portable/portable.h"

/* Operations below which a step is not worth a second thread. */
#define KERNEL_TINY 50e3

#define KERNEL_FUNCTIONS(op)                                                                                           \
    partition KERNEL(op##_partition)(const kernel_call *call);                                                         \
    size_t KERNEL(op##_scratch)(const kernel_call *call);                                                              \
    void KERNEL(op##_run)(const kernel_call *call, int thread);

KERNEL_FUNCTIONS(matmul)
KERNEL_FUNCTIONS(convolution)
KERNEL_FUNCTIONS(convolution_backward_data)
KERNEL_FUNCTIONS(convolution_backward_weights)

#endif
