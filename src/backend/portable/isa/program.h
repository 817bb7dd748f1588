/* isa/program.h: what the files that run element-wise programs tell each other; a set for each instruction set. */
#ifndef ISA_PROGRAM_H
#define ISA_PROGRAM_H

#include "backend/portable/isa/formula.h"
#include "backend/portable/portable.h"

/* table.c: the functions of the element-wise ops, in the order of ops/table.h. */
extern ew_function *const KERNEL(ew_functions)[];

/* program.c */
void KERNEL(ew_run)(const ew_program *program, const ew_operand *operands, int64_t rows, int64_t columns,
                    char *scratch);

/* A compact level runs all programs an instruction at a time: to the same bits, more slowly. */
#ifndef KERNEL_COMPACT
#define KERNEL_COMPACT 0
#endif

/* fused.c: the compiled programs, in the order of fused.h. */
typedef void ew_fused_function(const ew_program *program, const ew_operand *operands, int64_t rows, int64_t columns);
extern ew_fused_function *const KERNEL(ew_fused)[];

#endif
