/* isa/fused.h: the chains of element-wise ops that are frequent enough to be compiled, a line each. No include guard:
 * the file is expanded by portable/program.c to what ew_prepare compares programs with, and by isa/fused.c, for every
 * instruction set, to one loop that keeps everything in registers.
 *
 * RECIPE(name, inputs, outputs, still, down, across, code, results): values 0 .. are the inputs, then come the
 * instructions, OP1(value, op, source), OP2(value, op, source, source) or OP3; then OUT(output, value). `still`, `down`
 * and `across` are sets of inputs (bit k for input k) that usually are one number for all elements, such as a learning
 * rate, one for each row, such as the bias of a channel, or one row for all rows, such as the bias of a dense layer:
 * there are loops that make use of it. A program equals a recipe when its ops, sources and outputs do; the parameters
 * of ops are read from the program when it runs. */

/* y = relu(x + bias), and other activations */
RECIPE(bias, 2, 1, 0, 0x2, 2, OP2(2, add, 0, 1), OUT(0, 2))
RECIPE(bias_relu, 2, 1, 0, 0x2, 2, OP2(2, add, 0, 1) OP1(3, relu, 2), OUT(0, 3))
RECIPE(bias_tanh, 2, 1, 0, 0x2, 2, OP2(2, add, 0, 1) OP1(3, tanh, 2), OUT(0, 3))
RECIPE(bias_sigmoid, 2, 1, 0, 0x2, 2, OP2(2, add, 0, 1) OP1(3, sigmoid, 2), OUT(0, 3))

/* y = relu(x) and relu6(x), after a batch normalisation as it trains */
RECIPE(relu, 1, 1, 0, 0, 0, OP1(1, relu, 0), OUT(0, 1))
RECIPE(relu6, 1, 1, 0, 0, 0, OP1(1, relu6, 0), OUT(0, 1))

/* batch normalisation as it is used, y = x scale + shift, after a convolution: alone, with ReLU, with a residual sum,
 * with both; inputs x, scale, shift, the other summand */
RECIPE(scale_shift, 3, 1, 0, 0x6, 0, OP2(3, mul, 0, 1) OP2(4, add, 3, 2), OUT(0, 4))
RECIPE(scale_shift_relu, 3, 1, 0, 0x6, 0, OP2(3, mul, 0, 1) OP2(4, add, 3, 2) OP1(5, relu, 4), OUT(0, 5))
RECIPE(scale_shift_relu6, 3, 1, 0, 0x6, 0, OP2(3, mul, 0, 1) OP2(4, add, 3, 2) OP1(5, relu6, 4), OUT(0, 5))
RECIPE(scale_shift_add, 4, 1, 0, 0x6, 0, OP2(4, mul, 0, 1) OP2(5, add, 4, 2) OP2(6, add, 5, 3), OUT(0, 6))
RECIPE(scale_shift_add_relu, 4, 1, 0, 0x6, 0, OP2(4, mul, 0, 1) OP2(5, add, 4, 2) OP2(6, add, 5, 3) OP1(7, relu, 6),
       OUT(0, 7))

/* dx = dy (y > 0), with y and the 0 as the other inputs */
RECIPE(relu_backward, 3, 1, 0x4, 0, 0, OP2(3, greater, 1, 2) OP2(4, mul, 0, 3), OUT(0, 4))

/* dx = dy (y > 0) (y < 6), with y, the 0 and the 6 as the other inputs */
RECIPE(relu6_backward, 4, 1, 0xc, 0, 0, OP2(4, greater, 1, 2) OP2(5, mul, 0, 4) OP2(6, less, 1, 3) OP2(7, mul, 5, 6),
       OUT(0, 7))

/* dx = dy (1 - y^2) of tanh, with y and the 1 as the other inputs; dx = dy y (1 - y) of sigmoid, with 1 and y */
RECIPE(tanh_backward, 3, 1, 0x4, 0, 0, OP1(3, square, 1) OP2(4, sub, 2, 3) OP2(5, mul, 0, 4), OUT(0, 5))
RECIPE(sigmoid_backward, 3, 1, 0x2, 0, 0, OP2(3, sub, 1, 2) OP2(4, mul, 2, 3) OP2(5, mul, 0, 4), OUT(0, 5))

/* Optimizers' updates, as soma_minimize writes them; g is the gradient. */

/* w' = w - lr g; inputs g, lr, w */
RECIPE(sgd, 3, 1, 0x2, 0, 0, OP2(3, mul, 1, 0) OP2(4, sub, 2, 3), OUT(0, 4))

/* v' = mu v + g, w' = w - lr v'; inputs g, v, mu, lr, w */
RECIPE(momentum, 5, 2, 0xc, 0, 0, OP2(5, mul, 1, 2) OP2(6, add, 5, 0) OP2(7, mul, 3, 6) OP2(8, sub, 4, 7),
       OUT(0, 6) OUT(1, 8))

/* Both with a penalty, that is d w added to g; inputs g, w, d, then lr, or v, mu, lr */
RECIPE(sgd_decay, 4, 1, 0xc, 0, 0, OP2(4, mul, 1, 2) OP2(5, add, 0, 4) OP2(6, mul, 3, 5) OP2(7, sub, 1, 6), OUT(0, 7))
RECIPE(momentum_decay, 6, 2, 0x34, 0, 0,
       OP2(6, mul, 1, 2) OP2(7, add, 0, 6) OP2(8, mul, 3, 4) OP2(9, add, 8, 7) OP2(10, mul, 5, 9) OP2(11, sub, 1, 10),
       OUT(0, 9) OUT(1, 11))

/* v' = mu v + g, w' = w - lr (g + mu v'); inputs g, v, mu, lr, w */
RECIPE(nesterov, 5, 2, 0xc, 0, 0,
       OP2(5, mul, 1, 2) OP2(6, add, 5, 0) OP2(7, mul, 6, 2) OP2(8, add, 0, 7) OP2(9, mul, 3, 8) OP2(10, sub, 4, 9),
       OUT(0, 6) OUT(1, 10))

/* s' = alpha s + (1 - alpha) g^2, w' = w - lr g / (sqrt(s') + eps); inputs g, 1 - alpha, s, alpha, lr, eps, w */
RECIPE(rmsprop, 7, 2, 0x3a, 0, 0,
       OP1(7, square, 0) OP2(8, mul, 7, 1) OP2(9, mul, 2, 3) OP2(10, add, 9, 8) OP2(11, mul, 4, 0)
           OP3(12, divide_root, 11, 10, 5) OP2(13, sub, 6, 12),
       OUT(0, 10) OUT(1, 13))

/* m' = b1 m + (1 - b1) g, v' = b2 v + (1 - b2) g^2, w' = w - step m' / (sqrt(v') + eps), the corrections of bias being
 * in step and eps; inputs g, 1 - b1, m, b1, 1 - b2, v, b2, step, eps, w */
RECIPE(adam, 10, 3, 0x1da, 0, 0,
       OP2(10, mul, 0, 1) OP2(11, mul, 2, 3) OP2(12, add, 11, 10) OP1(13, square, 0) OP2(14, mul, 13, 4)
           OP2(15, mul, 5, 6) OP2(16, add, 15, 14) OP2(17, mul, 7, 12) OP3(18, divide_root, 17, 16, 8)
               OP2(19, sub, 9, 18),
       OUT(0, 12) OUT(1, 16) OUT(2, 19))

/* adam with w shrunk first; inputs g, 1 - b1, m, b1, 1 - b2, v, b2, w, shrink, step, eps */
RECIPE(adamw, 11, 3, 0x75a, 0, 0,
       OP2(11, mul, 0, 1) OP2(12, mul, 2, 3) OP2(13, add, 12, 11) OP1(14, square, 0) OP2(15, mul, 14, 4)
           OP2(16, mul, 5, 6) OP2(17, add, 16, 15) OP2(18, mul, 7, 8) OP2(19, mul, 9, 13)
               OP3(20, divide_root, 19, 17, 10) OP2(21, sub, 18, 20),
       OUT(0, 13) OUT(1, 17) OUT(2, 21))

/* s' = s + g^2, w' = w - lr g / (sqrt(s') + eps); inputs g, s, lr, eps, w */
RECIPE(adagrad, 5, 2, 0xc, 0, 0,
       OP1(5, square, 0) OP2(6, add, 1, 5) OP2(7, mul, 2, 0) OP3(8, divide_root, 7, 6, 3) OP2(9, sub, 4, 8),
       OUT(0, 6) OUT(1, 9))

/* The same for one sample, where the gradient of a weight is a product d x of two vectors; d, x take g's place. */
RECIPE(sgd_outer, 4, 1, 0x4, 0x1, 2, OP2(4, mul, 0, 1) OP2(5, mul, 2, 4) OP2(6, sub, 3, 5), OUT(0, 6))
RECIPE(momentum_outer, 6, 2, 0x18, 0x1, 2,
       OP2(6, mul, 0, 1) OP2(7, mul, 2, 3) OP2(8, add, 7, 6) OP2(9, mul, 4, 8) OP2(10, sub, 5, 9), OUT(0, 8) OUT(1, 10))
RECIPE(rmsprop_outer, 8, 2, 0x74, 0x1, 2,
       OP2(8, mul, 0, 1) OP1(9, square, 8) OP2(10, mul, 9, 2) OP2(11, mul, 3, 4) OP2(12, add, 11, 10) OP2(13, mul, 5, 8)
           OP3(14, divide_root, 13, 12, 6) OP2(15, sub, 7, 14),
       OUT(0, 12) OUT(1, 15))
RECIPE(adam_outer, 11, 3, 0x3b4, 0x1, 2,
       OP2(11, mul, 0, 1) OP2(12, mul, 11, 2) OP2(13, mul, 3, 4) OP2(14, add, 13, 12) OP1(15, square, 11)
           OP2(16, mul, 15, 5) OP2(17, mul, 6, 7) OP2(18, add, 17, 16) OP2(19, mul, 8, 14)
               OP3(20, divide_root, 19, 18, 9) OP2(21, sub, 10, 20),
       OUT(0, 14) OUT(1, 18) OUT(2, 21))
