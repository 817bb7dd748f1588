/* isa/fused.c: the compiled programs of fused.h: each recipe becomes one loop over the elements in which every value is
 * a register. The formulas are those of the op files, included here for their inline functions alone.
 *
 * An operand that stands still along a row is put into a vector of its own once a row and read from there with a step
 * of 0, so that one loop serves all kinds of operands. */
#define FORMULA_INLINE
#include "backend/portable/isa/program.h"

#if !KERNEL_COMPACT
#include "ops/elementwise/arithmetic.c"
#include "ops/elementwise/compare.c"
#include "ops/elementwise/divide_root.c"
#include "ops/elementwise/exponential.c"
#include "ops/elementwise/hard_sigmoid.c"
#include "ops/elementwise/leaky_relu.c"
#include "ops/elementwise/power.c"
#include "ops/elementwise/relu.c"
#include "ops/elementwise/relu6.c"
#include "ops/elementwise/sigmoid.c"
#include "ops/elementwise/sign.c"
#include "ops/elementwise/tanh.c"

/* Which operands a loop takes to be one number for all elements, one for each row, or one row for all; constants of
 * the loop. */
typedef struct fused_kinds {
    int still, down, across;
} fused_kinds;
enum { ANY = -1 }; /* as `still`: nothing is known, every operand is read with its step */

/* The operands along one row: element j of operand k stands at at[k][j & step[k]], or is number[k] everywhere. */
typedef struct fused_row {
    const ew_instruction *code;
    float *at[EW_MAX_INPUTS + EW_MAX_OUTPUTS];
    size_t step[EW_MAX_INPUTS];
    vf number[EW_MAX_INPUTS];
    bool past[EW_MAX_INPUTS + EW_MAX_OUTPUTS]; /* outputs that are written past the caches */
} fused_row;

SIMD vf fused_load(const fused_row *row, const fused_kinds kinds, int k, size_t j, size_t n) {
    if (kinds.still != ANY && (kinds.still | kinds.down) >> k & 1) return row->number[k];
    const float *p = row->at[k] + (kinds.still == ANY ? j & row->step[k] : j);
    return n == VW ? v_load(p) : v_load_partial(p, n);
}
SIMD void fused_store(const fused_row *row, int k, size_t j, size_t n, vf value) {
    if (n == VW && row->past[k])
        v_store_past(row->at[k] + j, value);
    else if (n == VW)
        v_store(row->at[k] + j, value);
    else
        v_store_partial(row->at[k] + j, value, n);
}

/* Computes elements j .. j + n - 1 of a row; n is the constant VW but at the row's end. */
typedef void fused_body(const fused_row *row, const fused_kinds kinds, size_t j, size_t n);

/* The loop around a body, inlined with it and constant kinds into functions of its own. */
SIMD void fused_loop(const ew_program *program, const ew_operand *operands, int64_t rows, int64_t columns,
                     const int inputs, const int outputs, const fused_kinds kinds, fused_body *body) {
    fused_row row;
    float lines[EW_MAX_INPUTS][VW];
    size_t width = (size_t)columns;
    row.code = program->code;
    UNROLL
    for (int k = 0; k < inputs + outputs; k++) row.at[k] = operands[k].data;
    UNROLL
    for (int k = 0; k < inputs; k++) {
        if (kinds.still == ANY)
            row.step[k] = operands[k].column ? SIZE_MAX : 0;
        else if (kinds.still >> k & 1)
            row.number[k] = v_set1(*row.at[k]);
    }
    for (int64_t i = 0; i < rows; i++) {
        UNROLL
        for (int k = 0; k < inputs; k++) {
            if (kinds.still != ANY && kinds.down >> k & 1)
                row.number[k] = v_set1(operands[k].data[i * operands[k].row]);
            if (kinds.still == ANY && !row.step[k]) {
                v_store(lines[k], v_set1(operands[k].data[i * operands[k].row]));
                row.at[k] = lines[k];
            }
        }
        UNROLL
        for (int k = inputs; k < inputs + outputs; k++) row.past[k] = operands[k].past && is_aligned(row.at[k]);
        size_t j = 0;
        for (; j + VW <= width; j += VW) body(&row, kinds, j, VW);
        if (j < width) body(&row, kinds, j, width - j);
        UNROLL
        for (int k = 0; k < inputs + outputs; k++) row.at[k] += operands[k].row;
    }
}

enum { FLAT_LIMIT = 512 }; /* columns */

/* The same for rows that are no multiple of a vector but follow each other in memory: the elements are taken as one
 * row, so that no vector is partial but the last. A vector may reach into the next row; operands that are a row for all
 * rows are repeated for that, and of those that are a number for each row two are blended. */
SIMD void fused_flat(const ew_program *program, const ew_operand *operands, int64_t rows, int64_t columns,
                     const int inputs, const int outputs, const fused_kinds kinds, fused_body *body) {
    fused_row row;
    float repeated[EW_MAX_INPUTS][FLAT_LIMIT + VW];
    const size_t width = (size_t)columns, total = (size_t)(rows * columns);
    row.code = program->code;
    UNROLL
    for (int k = 0; k < inputs + outputs; k++) {
        row.at[k] = operands[k].data;
        row.past[k] = false;
    }
    UNROLL
    for (int k = 0; k < inputs; k++) {
        if (kinds.still >> k & 1) row.number[k] = v_set1(*row.at[k]);
        if (!((kinds.across & ~kinds.down) >> k & 1)) continue;
        memcpy(repeated[k], row.at[k], width * sizeof(float));
        memcpy(repeated[k] + width, row.at[k], VW * sizeof(float));
    }
    size_t off = 0;
    int64_t i = 0;
    for (size_t j = 0; j < total; j += VW) {
        const size_t here = width - off < VW ? width - off : VW;
        UNROLL
        for (int k = 0; k < inputs; k++) {
            const float *number = operands[k].data + i * operands[k].row;
            if ((kinds.across & ~kinds.down) >> k & 1) row.at[k] = repeated[k] + (ptrdiff_t)off - (ptrdiff_t)j;
            if (!(kinds.down >> k & 1)) continue;
            row.number[k] = v_set1(*number);
            if (here < VW && i + 1 < rows)
                row.number[k] = v_select(m_first(here), row.number[k], v_set1(number[operands[k].row]));
        }
        if (total - j >= VW)
            body(&row, kinds, j, VW);
        else
            body(&row, kinds, j, total - j);
        off += VW;
        if (off >= width) off -= width, i++;
    }
}

#if !KERNEL_SMALL
static bool is_flat(const ew_operand *operands, int count, int64_t columns, fused_kinds kinds) {
    if (columns < VW || columns % VW == 0 || columns > FLAT_LIMIT) return false;
    for (int k = 0; k < count; k++) {
        if ((kinds.still | kinds.down) >> k & 1) continue;
        if (operands[k].row != (kinds.across >> k & 1 ? 0 : columns)) return false;
    }
    return true;
}

/* Whether the operands are of these kinds. */
static bool are_of(const ew_operand *operands, int inputs, int still, int down) {
    for (int k = 0; k < inputs; k++)
        if ((operands[k].column == 0) != ((still | down) >> k & 1) || (still >> k & 1 && operands[k].row)) return false;
    return true;
}
#endif

#define LOAD(k)  const vf v##k = fused_load(row, kinds, k, j, n);
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

#define PARAMETER(value, i)  v_set1(row->code[-INPUTS + (value)].parameter[i])
#define OP1(value, op, a)    OP3(value, op, a, a, a)
#define OP2(value, op, a, b) OP3(value, op, a, b, a)
#define OP3(value, op, a, b, c)                                                                                        \
    const vf v##value = formula_##op(v##a, v##b, v##c, PARAMETER(value, 0), PARAMETER(value, 1));
#define OUT(output, value) fused_store(row, INPUTS + output, j, n, v##value);

#if KERNEL_SMALL /* one loop for all kinds of operands, where size counts more than speed */
#define RECIPE(name, inputs, outputs, still, down, across, code, results)                                              \
    SIMD void body_##name(const fused_row *row, const fused_kinds kinds, size_t j, size_t n) {                         \
        enum { INPUTS = inputs };                                                                                      \
        LOADS_##inputs code results                                                                                    \
    }                                                                                                                  \
    static void fused_##name(const ew_program *program, const ew_operand *operands, int64_t rows, int64_t columns) {   \
        static const fused_kinds any = {ANY, 0, 0};                                                                    \
        fused_loop(program, operands, rows, columns, inputs, outputs, any, body_##name);                               \
    }
#else
#define RECIPE(name, inputs, outputs, still, down, across, code, results)                                              \
    SIMD void body_##name(const fused_row *row, const fused_kinds kinds, size_t j, size_t n) {                         \
        enum { INPUTS = inputs };                                                                                      \
        LOADS_##inputs code results                                                                                    \
    }                                                                                                                  \
    static void fused_##name(const ew_program *program, const ew_operand *operands, int64_t rows, int64_t columns) {   \
        static const fused_kinds flat = {still, (down) & ~(across), across}, by_row = {still, down, 0};                \
        static const fused_kinds by_element = {still, 0, 0}, any = {ANY, 0, 0};                                        \
        if (across && are_of(operands, inputs, still, (down) & ~(across)) &&                                           \
            is_flat(operands, inputs + outputs, columns, flat))                                                        \
            fused_flat(program, operands, rows, columns, inputs, outputs, flat, body_##name);                          \
        else if (down && are_of(operands, inputs, still, down))                                                        \
            fused_loop(program, operands, rows, columns, inputs, outputs, by_row, body_##name);                        \
        else if ((!(down) || (across)) && are_of(operands, inputs, still, 0))                                          \
            fused_loop(program, operands, rows, columns, inputs, outputs, by_element, body_##name);                    \
        else                                                                                                           \
            fused_loop(program, operands, rows, columns, inputs, outputs, any, body_##name);                           \
    }
#endif
#include "backend/portable/isa/fused.h"
#undef RECIPE

ew_fused_function *const KERNEL(ew_fused)[] = {
#define RECIPE(name, inputs, outputs, still, down, across, code, results) fused_##name,
#include "backend/portable/isa/fused.h"
};
#endif
