/* ops/table.h: the table of ops. To add one, write its file in src/ops and add its line here.
 * ELEMENTWISE_OP: the file also holds a formula in simd.h's words, compiled for every instruction set. */

/* sources.c */
OP(input)
OP(scalar)
OP(constant)
OP(variable)
OP(assign)

/* elementwise/arithmetic.c */
ELEMENTWISE_OP(add)
ELEMENTWISE_OP(sub)
ELEMENTWISE_OP(mul)
ELEMENTWISE_OP(div)
ELEMENTWISE_OP(max2)
ELEMENTWISE_OP(min2)
/* elementwise/compare.c */
ELEMENTWISE_OP(equal)
ELEMENTWISE_OP(less)
ELEMENTWISE_OP(less_equal)
ELEMENTWISE_OP(greater)
ELEMENTWISE_OP(greater_equal)
ELEMENTWISE_OP(select)
ELEMENTWISE_OP(is_nan)
/* elementwise/sign.c */
ELEMENTWISE_OP(neg)
ELEMENTWISE_OP(abs)
ELEMENTWISE_OP(sign)
/* elementwise/power.c */
ELEMENTWISE_OP(pow)
ELEMENTWISE_OP(square)
ELEMENTWISE_OP(sqrt)
ELEMENTWISE_OP(divide_root)
ELEMENTWISE_OP(rsqrt)
ELEMENTWISE_OP(reciprocal)
/* elementwise/exponential.c */
ELEMENTWISE_OP(exp)
ELEMENTWISE_OP(expm1)
ELEMENTWISE_OP(log)
ELEMENTWISE_OP(log1p)
/* elementwise/trigonometric.c */
ELEMENTWISE_OP(sin)
ELEMENTWISE_OP(cos)
/* elementwise/hyperbolic.c */
ELEMENTWISE_OP(sinh)
ELEMENTWISE_OP(cosh)
/* elementwise/rounding.c */
ELEMENTWISE_OP(floor)
ELEMENTWISE_OP(ceil)
ELEMENTWISE_OP(round)
/* one file each */
ELEMENTWISE_OP(erf)
ELEMENTWISE_OP(clip)
ELEMENTWISE_OP(sigmoid)
ELEMENTWISE_OP(tanh)
ELEMENTWISE_OP(relu)
ELEMENTWISE_OP(relu6)
ELEMENTWISE_OP(leaky_relu)
ELEMENTWISE_OP(elu)
ELEMENTWISE_OP(gelu)
ELEMENTWISE_OP(silu)
ELEMENTWISE_OP(softplus)
ELEMENTWISE_OP(hard_sigmoid)

OP(matmul)
/* reduce.c */
OP(reduce_sum)
OP(reduce_max)
OP(reduce_min)
OP(argmax)
OP(extent)
/* softmax.c */
OP(softmax)
OP(log_softmax)
/* cross_entropy.c */
OP(cross_entropy)
OP(cross_entropy_backward)
/* reshape.c */
OP(reshape)
OP(expand)
/* one file each */
OP(transpose)
OP(concat)
OP(slice)
OP(pad)
/* gather.c */
OP(gather)
OP(scatter_add)
OP(one_hot)
/* convolution.c */
OP(convolution)
OP(convolution_backward_data)
OP(convolution_backward_weights)
/* max_pool.c */
OP(max_pool)
OP(max_pool_backward)
OP(max_pool_take)
/* average_pool.c */
OP(average_pool)
OP(average_pool_backward)
/* upsample.c */
OP(upsample)
OP(upsample_backward)
/* lrn.c */
OP(lrn)
OP(lrn_backward)
/* batch_norm.c */
OP(batch_norm)
OP(batch_norm_backward)
/* random_uniform.c */
OP(random_uniform)
