/* isa/kernels.c: the table of this instruction set's kernels. An op that is not here runs through its decomposition or
 * its reference kernel. */
#include "backend/portable/isa/kernels.h"

#define ENTRY(name)   .op = &op_##name, .partition = KERNEL(name##_partition), .run = KERNEL(name##_run)
#define SCRATCH(name) .scratch = KERNEL(name##_scratch)

extern const kernel KERNEL(kernels)[];
const kernel KERNEL(kernels)[] = {
    {ENTRY(matmul), SCRATCH(matmul), .epilogue = true, .epilogue_columns = 1},
    {ENTRY(convolution), SCRATCH(convolution), .epilogue = true, .epilogue_columns = 2},
    {ENTRY(convolution_backward_data), SCRATCH(convolution_backward_data), .epilogue = true, .epilogue_columns = 2},
    {ENTRY(convolution_backward_weights), SCRATCH(convolution_backward_weights), .epilogue = true,
     .epilogue_columns = 3},
    {ENTRY(reduce_sum)},
    {ENTRY(reduce_max)},
    {ENTRY(reduce_min)},
    {ENTRY(softmax)},
    {ENTRY(log_softmax)},
    {.op = NULL},
};
