/* ops/table.h: the table of ops. To add one, write its file in src/ops and add its line here.
 * ELEMENTWISE_OP: the file also holds a formula in simd.h's words, compiled for every instruction set. */

/* sources.c */
OP(input)
OP(scalar)
OP(constant)
OP(variable)
OP(assign)
