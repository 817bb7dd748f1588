/* isa/kernels.c: the table of this instruction set's kernels. An op that is not here runs through its decomposition or
 * its reference kernel; of several kernels for an op the first that accepts a step runs it. */
#include "backend/portable/isa/kernels.h"

#define ENTRY(name)       .op = &op_##name, .partition = KERNEL(name##_partition), .run = KERNEL(name##_run)
#define LIKE(name, other) .op = &op_##name, .partition = KERNEL(other##_partition), .run = KERNEL(name##_run)
#define CASE(name, way)                                                                                                \
    .op = &op_##name, .accepts = KERNEL(way##_accepts), .partition = KERNEL(way##_partition),                          \
    .scratch = KERNEL(way##_scratch), .run = KERNEL(way##_run)
#define FAST(name)        .algorithm = #name
#define SCRATCH(name)     .scratch = KERNEL(name##_scratch)
#define EPILOGUE(columns) .epilogue = true, .epilogue_columns = columns
#define APART             .apart = true
#define CHANNELWISE       .apart = true, .channelwise = true
#define KEEPS(name)       .kept = KERNEL(name##_kept), .keep = KERNEL(name##_keep)

extern const kernel KERNEL(kernels)[];
const kernel KERNEL(kernels)[] = {
    {ENTRY(matmul), SCRATCH(matmul), EPILOGUE(1)},
    {CASE(convolution, winograd), FAST(winograd), EPILOGUE(2), APART, KEEPS(winograd)},
    {CASE(convolution_backward_data, winograd_backward_data), FAST(winograd), EPILOGUE(2)},
    {CASE(convolution_backward_weights, winograd_backward_weights), FAST(winograd), EPILOGUE(3)},
    {CASE(convolution, depthwise), EPILOGUE(2), CHANNELWISE},
    {CASE(convolution_backward_data, depthwise_backward_data), EPILOGUE(2)},
    {CASE(convolution_backward_data, pointwise_backward_data), EPILOGUE(2)},
    {CASE(convolution_backward_weights, depthwise_backward_weights), EPILOGUE(3)},
    {ENTRY(convolution), SCRATCH(convolution), EPILOGUE(2), APART},
    {ENTRY(convolution_backward_data), SCRATCH(convolution_backward_data), EPILOGUE(2)},
    {ENTRY(convolution_backward_weights), SCRATCH(convolution_backward_weights), EPILOGUE(3)},
    {ENTRY(max_pool), SCRATCH(max_pool), EPILOGUE(2), CHANNELWISE},
    {LIKE(max_pool_backward, max_pool), SCRATCH(max_pool_backward), EPILOGUE(2)},
    {LIKE(max_pool_take, max_pool), SCRATCH(max_pool), EPILOGUE(2)},
    {LIKE(average_pool, max_pool), SCRATCH(max_pool), EPILOGUE(2), CHANNELWISE},
    {LIKE(average_pool_backward, max_pool), SCRATCH(average_pool_backward), EPILOGUE(2)},
    {ENTRY(upsample), APART},
    {LIKE(upsample_backward, upsample)},
    {ENTRY(lrn), APART},
    {LIKE(lrn_backward, lrn), SCRATCH(lrn_backward)},
    {ENTRY(batch_norm), SCRATCH(batch_norm), EPILOGUE(2)},
    {LIKE(batch_norm_backward, batch_norm), SCRATCH(batch_norm), EPILOGUE(2)},
    {ENTRY(reduce_sum), SCRATCH(reduce_sum), EPILOGUE(1)},
    {LIKE(reduce_max, reduce_sum), SCRATCH(reduce_sum), EPILOGUE(1)},
    {LIKE(reduce_min, reduce_sum), SCRATCH(reduce_sum), EPILOGUE(1)},
    {ENTRY(argmax)},
    {ENTRY(softmax)},
    {LIKE(log_softmax, softmax)},
    {ENTRY(cross_entropy), APART},
    {LIKE(cross_entropy_backward, cross_entropy), APART},
    {ENTRY(transpose)},
    {ENTRY(expand)},
    {ENTRY(slice)},
    {ENTRY(pad)},
    {ENTRY(concat), .accepts = KERNEL(concat_accepts)},
    {ENTRY(gather)},
    {ENTRY(scatter_add)},
    {ENTRY(one_hot)},
    {ENTRY(random_uniform)},
    {.op = NULL},
};
