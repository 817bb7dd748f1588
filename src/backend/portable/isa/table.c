/* isa/table.c: what one instruction set offers: the functions of the element-wise ops, the interpreter of programs and
 * the other kernels, under the name isa_avx512, isa_neon, … that portable/dispatch.c chooses from. */
#include "backend/portable/isa/program.h"

#define OP(name)
#define ELEMENTWISE_OP(name) ew_function KERNEL(ew_##name);
#include "ops/table.h"
#undef ELEMENTWISE_OP

ew_function *const KERNEL(ew_functions)[] = {
#define ELEMENTWISE_OP(name) KERNEL(ew_##name),
#include "ops/table.h"
#undef ELEMENTWISE_OP
};
#undef OP

extern const kernel KERNEL(kernels)[]; /* kernels.c */
extern const isa KERNEL(isa);
const isa KERNEL(isa) = {KERNEL_NAME, VW, KERNEL(ew_run), KERNEL(kernels)};
