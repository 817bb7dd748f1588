/* ops/attributes.h: the attributes of the ops that are not element-wise, as their nodes hold them; shared by the ops
 * and by the kernels of the backends. What a caller may leave out (strides, negative axes) is filled in before a node
 * is made, so that a kernel finds every field resolved. Attributes are compared as bytes: clear a struct before filling
 * it. Attributes of sources and random nodes are in graph/graph.h. */
#ifndef OPS_ATTRIBUTES_H
#define OPS_ATTRIBUTES_H

#include <soma/graph.h>

/* matmul(a [.., M, K], b [.., K, N]) -> [.., M, N]; a transposed operand is stored [.., K, M] or [.., N, K]. Leading
 * dimensions broadcast; both operands have at least two dimensions. */
typedef struct matmul_attributes {
    bool transpose_a, transpose_b;
} matmul_attributes;

/* reduce_sum, reduce_max, reduce_min(x): over the axes whose bits are set (never 0: "all" is written out). The maximum
 * and the minimum of values of which one is NaN is NaN; of no values -inf and inf. */
typedef struct reduce_attributes {
    uint32_t axes;
    bool keep;
} reduce_attributes;

/* argmax(x), int64, `keep` as above; softmax(x), log_softmax(x); concat(x, …); gather(x, indices), for which `extent`
 * is 0; scatter_add(updates, indices), for which it is the output's size along the axis. axis is 0 .. rank - 1 of x
 * (gather) or of the output (scatter_add). Indices -extent .. -1 count from the end; any other index outside reads
 * zeros (gather) or is dropped (scatter_add). In argmax a NaN counts as the largest. */
typedef struct axis_attributes {
    int32_t axis;
    bool keep;
    int64_t extent;
} axis_attributes;

/* extent(x): the number of elements along the axes (never 0) as a float scalar. */
typedef struct extent_attributes {
    uint32_t axes;
} extent_attributes;

/* reshape(x) and expand(x): the shape of the output; may hold one dimension of the batch. */
typedef struct shape_attributes {
    soma_shape shape;
} shape_attributes;

/* transpose(x): output axis i is input axis permutation[i]. */
typedef struct transpose_attributes {
    int32_t permutation[SOMA_MAX_RANK];
} transpose_attributes;

/* slice(x): elements start, start + step, … below stop; 0 <= start <= stop <= extent, step >= 1. */
typedef struct slice_attributes {
    int32_t axis;
    int64_t start, stop, step;
} slice_attributes;

typedef struct pad_attributes {
    int64_t before[SOMA_MAX_RANK], after[SOMA_MAX_RANK];
    double value;
} pad_attributes;

/* one_hot(indices int64) -> [.., depth]; an index outside 0 .. depth - 1 gives a row of zeros. */
typedef struct one_hot_attributes {
    int64_t depth;
} one_hot_attributes;

/* Windows over [N, C, H, W]: kernel, stride and dilation are filled in.
 *   convolution(x, w [O, C / groups, KH, KW])         -> [N, O, YH, YW]
 *   convolution_backward_data(dy, w)                   -> [N, C, height, width]
 *   convolution_backward_weights(x, dy)                -> [O, C / groups, KH, KW]
 *   max_pool(x)                                        -> [N, C, YH, YW]; padding never wins; the first NaN in a window
 * does max_pool_backward(x, dy)                           -> like x: each dy added where the (first) maximum stood
 *   max_pool_take(x, v like x)                         -> like max_pool(x): v where x has its (first) maximum
 *   average_pool(x)                                    -> [N, C, YH, YW]: the sum divided by the number of the window's
 *     elements inside the input, with count_padding inside the padded input (ceil_mode's overhang never counts)
 *   average_pool_backward(dy)                          -> [N, C, height, width]
 * groups is 1 or more for convolutions and 0 for pooling; height and width are 0 where they are not named above. */
typedef struct window_attributes {
    soma_window window;
    int64_t groups, height, width;
} window_attributes;

/* upsample(x [N, C, H, W]) -> [N, C, H factor, W factor], each element repeated; upsample_backward(dy) -> [N, C, H, W],
 * the sum of each block. */
typedef struct upsample_attributes {
    int64_t factor[2];
} upsample_attributes;

/* lrn(x [N, C, …]) and lrn_backward(x, dy): like x. */
typedef struct lrn_attributes {
    int64_t size;
    double alpha, beta, bias;
} lrn_attributes;

/* batch_norm(x [N, C, …], weight [C], bias [C]) -> y like x, mean [C], variance [C]: of the batch, the variance divided
 * by the number of elements; batch_norm_backward(dy, x, weight, mean, variance) -> dx, dweight, dbias. With
 * the bias as a sixth input, dy is what comes down to y clipped: it counts where low < y < high, y being computed again
 * from x, which is read in any case. */
typedef struct batch_norm_attributes {
    double epsilon;
    double low, high; /* of batch_norm_backward with six inputs */
} batch_norm_attributes;

#endif
