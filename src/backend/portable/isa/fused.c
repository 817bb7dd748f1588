/* isa/fused.c: the compiled programs of fused.h: each recipe becomes one loop over the elements in which every value is
 * a register. The formulas are those of the op files, included here for their inline functions alone.
 *
 * An operand that stands still along a row is put into a vector of its own once a row and read from there with a step
 * of 0, so that one loop serves all kinds of operands. */
#define FORMULA_INLINE
#include "backend/portable/isa/program.h"
#include "ops/elementwise/arithmetic.c"
#include "ops/elementwise/clip.c"
#include "ops/elementwise/compare.c"
#include "ops/elementwise/divide_root.c"
#include "ops/elementwise/exponential.c"
#include "ops/elementwise/hard_sigmoid.c"
#include "ops/elementwise/leaky_relu.c"
#include "ops/elementwise/power.c"
#include "ops/elementwise/relu.c"
#include "ops/elementwise/sigmoid.c"
#include "ops/elementwise/sign.c"
#include "ops/elementwise/tanh.c"

/* The operands along one row: element j of operand k stands at at[k][j & step[k]], or everywhere is still[k] when bit k
 * of the loop's constant set is 1. */
typedef struct fused_row {
    const ew_instruction *code;
    float *at[EW_MAX_INPUTS + EW_MAX_OUTPUTS];
    size_t step[EW_MAX_INPUTS];
    vf still[EW_MAX_INPUTS];
} fused_row;

enum { ANY = -1 }; /* no constant set: every operand is read with its step */

SIMD vf fused_load(const fused_row *row, const int still, int k, size_t j, size_t n) {
    if (still != ANY && still >> k & 1) return row->still[k];
    const float *p = row->at[k] + (still == ANY ? j & row->step[k] : j);
    return n == VW ? v_load(p) : v_load_partial(p, n);
}
SIMD void fused_store(const fused_row *row, int k, size_t j, size_t n, vf value) {
    if (n == VW)
        v_store(row->at[k] + j, value);
    else
        v_store_partial(row->at[k] + j, value, n);
}

/* Computes elements j .. j + n - 1 of a row; n is the constant VW but at the row's end. */
typedef void fused_body(const fused_row *row, const int still, size_t j, size_t n);

/* The loop around a body, inlined with it and a constant `still` into functions of its own. */
SIMD void fused_loop(const ew_program *program, const ew_operand *operands, int64_t rows, int64_t columns,
                     const int inputs, const int outputs, const int still, fused_body *body) {
    fused_row row;
    float lines[EW_MAX_INPUTS][VW];
    size_t width = (size_t)columns;
    row.code = program->code;
    for (int k = 0; k < inputs; k++) row.step[k] = operands[k].column ? SIZE_MAX : 0;
    for (int64_t i = 0; i < rows; i++) {
        UNROLL
        for (int k = 0; k < inputs + outputs; k++) {
            row.at[k] = operands[k].data + i * operands[k].row;
            if (k >= inputs) continue;
            if (still != ANY && still >> k & 1) {
                row.still[k] = v_set1(*row.at[k]);
            } else if (still == ANY && !row.step[k]) {
                v_store(lines[k], v_set1(*row.at[k]));
                row.at[k] = lines[k];
            }
        }
        size_t j = 0;
        for (; j + VW <= width; j += VW) body(&row, still, j, VW);
        if (j < width) body(&row, still, j, width - j);
    }
}

/* Whether exactly the operands of the set do not change along a row. */
static bool stand_still(const ew_operand *operands, int inputs, int still) {
    for (int k = 0; k < inputs; k++)
        if ((operands[k].column == 0) != (still >> k & 1)) return false;
    return true;
}

#define LOAD(k)  const vf v##k = fused_load(row, still, k, j, n);
#define LOADS_1  LOAD(0)
#define LOADS_2  LOADS_1 LOAD(1)
#define LOADS_3  LOADS_2 LOAD(2)
#define LOADS_4  LOADS_3 LOAD(3)
#define LOADS_5  LOADS_4 LOAD(4)
#define LOADS_6  LOADS_5 LOAD(5)
#define LOADS_7  LOADS_6 LOAD(6)
#define LOADS_8  LOADS_7 LOAD(7)
#define LOADS_9  LOADS_8 LOAD(8)
#define LOADS_10 LOADS_9 LOAD(9)
#define LOADS_11 LOADS_10 LOAD(10)
#define LOADS_12 LOADS_11 LOAD(11)
#define LOADS_13 LOADS_12 LOAD(12)
#define LOADS_14 LOADS_13 LOAD(13)
#define LOADS_15 LOADS_14 LOAD(14)
#define LOADS_16 LOADS_15 LOAD(15)

#define PARAMETER(value, i)  v_set1(row->code[(value)-INPUTS].parameter[i])
#define OP1(value, op, a)    OP3(value, op, a, a, a)
#define OP2(value, op, a, b) OP3(value, op, a, b, a)
#define OP3(value, op, a, b, c)                                                                                        \
    const vf v##value = formula_##op(v##a, v##b, v##c, PARAMETER(value, 0), PARAMETER(value, 1));
#define OUT(output, value) fused_store(row, INPUTS + output, j, n, v##value);

#define RECIPE(name, inputs, outputs, still_, code, results)                                                           \
    SIMD void body_##name(const fused_row *row, const int still, size_t j, size_t n) {                                 \
        enum { INPUTS = inputs };                                                                                      \
        LOADS_##inputs code results                                                                                    \
    }                                                                                                                  \
    static void fused_##name(const ew_program *program, const ew_operand *operands, int64_t rows, int64_t columns) {   \
        if (stand_still(operands, inputs, still_))                                                                     \
            fused_loop(program, operands, rows, columns, inputs, outputs, still_, body_##name);                        \
        else                                                                                                           \
            fused_loop(program, operands, rows, columns, inputs, outputs, ANY, body_##name);                           \
    }
#include "backend/portable/isa/fused.h"
#undef RECIPE

ew_fused_function *const KERNEL(ew_fused)[] = {
#define RECIPE(name, inputs, outputs, still, code, results) fused_##name,
#include "backend/portable/isa/fused.h"
};
