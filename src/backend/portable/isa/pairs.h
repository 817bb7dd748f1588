/* isa/pairs.h: lanes of even and of odd numbers, apart and together. */
#ifndef ISA_PAIRS_H
#define ISA_PAIRS_H

#include "backend/portable/isa/simd.h"

#if VW == 16
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD  1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define LOW  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VW == 8
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD  1, 3, 5, 7, 9, 11, 13, 15
#define LOW  0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define EVEN 0, 2, 4, 6
#define ODD  1, 3, 5, 7
#define LOW  0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#endif

SIMD vf v_even(vf a, vf b) { return __builtin_shufflevector(a, b, EVEN); }

/* 2 VW floats as VW even and VW odd ones. */
SIMD_LONG void split_pairs(vf a, vf b, vf *even, vf *odd) {
    *even = __builtin_shufflevector(a, b, EVEN);
    *odd = __builtin_shufflevector(a, b, ODD);
}

/* 2 n floats as n even and n odd ones, n <= VW. */
SIMD_LONG void load_pairs(const float *x, size_t n, vf *even, vf *odd) {
    vf a, b = v_zero();
    if (n == VW) {
        a = v_load(x);
        b = v_load(x + VW);
    } else {
        a = v_load_partial(x, 2 * n < VW ? 2 * n : VW);
        if (2 * n > VW) b = v_load_partial(x + VW, 2 * n - VW);
    }
    split_pairs(a, b, even, odd);
}

/* The first n floats, n <= 2 VW, of the even and odd ones by turns. */
SIMD_LONG void store_pairs(float *x, size_t n, vf even, vf odd) {
    vf a = __builtin_shufflevector(even, odd, LOW), b = __builtin_shufflevector(even, odd, HIGH);
    if (n == 2 * VW) {
        v_store(x, a);
        v_store(x + VW, b);
    } else {
        v_store_partial(x, a, n < VW ? n : VW);
        if (n > VW) v_store_partial(x + VW, b, n - VW);
    }
}

#undef EVEN
#undef ODD
#undef LOW
#undef HIGH

#endif
