/* isa/formula.h: from an element-wise op's formula to the function that runs it.
 *
 * FORMULA2(add, v_add(x, y)) in an op's file makes formula_add, an inline function of vectors, and ew_add_avx512 (and
 * so on), which applies it to n elements. x, y and z are the inputs, p0 and p1 the op's parameters. The number says how
 * many inputs the op has; missing ones are not read. isa/fused.c defines FORMULA_INLINE before it includes the op
 * files: it wants the inline functions alone, so that a compiled program has the very same text as the interpreter. */
#ifndef ISA_FORMULA_H
#define ISA_FORMULA_H

#include "backend/portable/isa/vmath.h"

/* n elements of x (, y, z) to out, which may be one of them; `parameters` are two. */
typedef void ew_function(float *out, const float *x, const float *y, const float *z, const float *parameters, size_t n);

#define FORMULA_VECTORS(name, expression)                                                                              \
    SIMD vf formula_##name(vf x, vf y, vf z, vf p0, vf p1) {                                                           \
        (void)y, (void)z, (void)p0, (void)p1;                                                                          \
        return expression;                                                                                             \
    }

#ifdef FORMULA_INLINE
#define FORMULA1(name, expression) FORMULA_VECTORS(name, expression)
#define FORMULA2(name, expression) FORMULA_VECTORS(name, expression)
#define FORMULA3(name, expression) FORMULA_VECTORS(name, expression)
#else

#define FORMULA_FUNCTION(name, load_y, load_z, part_y, part_z)                                                         \
    ew_function KERNEL(ew_##name);                                                                                     \
    void KERNEL(ew_##name)(float *out, const float *x, const float *y, const float *z, const float *parameters,        \
                           size_t n) {                                                                                 \
        vf p0 = v_set1(parameters[0]), p1 = v_set1(parameters[1]);                                                     \
        size_t i = 0;                                                                                                  \
        (void)y, (void)z;                                                                                              \
        for (; i + VW <= n; i += VW) v_store(out + i, formula_##name(v_load(x + i), load_y, load_z, p0, p1));          \
        if (i == n) return;                                                                                            \
        v_store_partial(out + i, formula_##name(v_load_partial(x + i, n - i), part_y, part_z, p0, p1), n - i);         \
    }

#define FORMULA1(name, expression)                                                                                     \
    FORMULA_VECTORS(name, expression)                                                                                  \
    FORMULA_FUNCTION(name, v_zero(), v_zero(), v_zero(), v_zero())
#define FORMULA2(name, expression)                                                                                     \
    FORMULA_VECTORS(name, expression)                                                                                  \
    FORMULA_FUNCTION(name, v_load(y + i), v_zero(), v_load_partial(y + i, n - i), v_zero())
#define FORMULA3(name, expression)                                                                                     \
    FORMULA_VECTORS(name, expression)                                                                                  \
    FORMULA_FUNCTION(name, v_load(y + i), v_load(z + i), v_load_partial(y + i, n - i), v_load_partial(z + i, n - i))

#endif
#endif
