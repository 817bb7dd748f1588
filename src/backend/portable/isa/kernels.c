/* isa/kernels.c: the table of this instruction set's kernels. An op that is not here runs through its decomposition or
 * its reference kernel. */
#include "backend/portable/isa/kernels.h"

#define ENTRY(name)   .op = &op_##name, .partition = KERNEL(name##_partition), .run = KERNEL(name##_run)
#define SCRATCH(name) .scratch = KERNEL(name##_scratch)

extern const kernel KERNEL(kernels)[];
const kernel KERNEL(kernels)[] = {
    {ENTRY(matmul), SCRATCH(matmul), .epilogue = true, .epilogue_columns = 1},
    {.op = NULL},
};
