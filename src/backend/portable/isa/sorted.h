/* isa/sorted.h: a copy of a plane on which windows run along vectors: with its padding, and, where windows stand s
 * columns apart, its columns sorted by their remainder modulo s. In it the same element of neighbouring windows stands
 * side by side. */
#ifndef ISA_SORTED_H
#define ISA_SORTED_H

#include "backend/portable/isa/kernels.h"
#include "ops/attributes.h"

#define sorted_open KERNEL(sorted_open)
#define sorted_fill KERNEL(sorted_fill)
#define sorted_back KERNEL(sorted_back)

typedef struct sorted {
    soma_window window;
    int64_t height, width; /* of the plane */
    int64_t rows, reach;   /* rows and columns that the windows touch, the padding included */
    int64_t line;          /* floats of one remainder's columns, at least a vector more than windows need */
    size_t floats;         /* of a copy */
} sorted;

/* plane and places: height and width, and how many windows there are down and along. */
void sorted_open(sorted *p, const soma_window *window, const int64_t plane[2], const int64_t places[2]);

/* The copy of a plane, with `fill` as padding; what stood behind each line is left. */
void sorted_fill(const sorted *p, const float *x, float fill, float *to);

/* The reverse, without the padding; columns and rows that no window touches become 0. */
void sorted_back(const sorted *p, const float *from, float *x);

/* Where element (k, l) of window (i, 0) stands in a copy; that of window (i, j) is j further on. */
static inline int64_t sorted_place(const sorted *p, int64_t i, int64_t k, int64_t l) {
    const soma_window *w = &p->window;
    int64_t column = l * w->dilation[1];
    return ((i * w->stride[0] + k * w->dilation[0]) * w->stride[1] + column % w->stride[1]) * p->line +
           column / w->stride[1];
}

/* ---- Even and odd columns ---------------------------------------------------------------------------------------- */

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

/* 2 n floats as n even and n odd ones, n <= VW. */
SIMD void load_pairs(const float *x, size_t n, vf *even, vf *odd) {
    vf a, b = v_zero();
    if (n == VW) {
        a = v_load(x);
        b = v_load(x + VW);
    } else {
        a = v_load_partial(x, 2 * n < VW ? 2 * n : VW);
        if (2 * n > VW) b = v_load_partial(x + VW, 2 * n - VW);
    }
    *even = __builtin_shufflevector(a, b, EVEN);
    *odd = __builtin_shufflevector(a, b, ODD);
}

SIMD void store_pairs(float *x, size_t n, vf even, vf odd) {
    vf a = __builtin_shufflevector(even, odd, LOW), b = __builtin_shufflevector(even, odd, HIGH);
    if (n == VW) {
        v_store(x, a);
        v_store(x + VW, b);
    } else {
        v_store_partial(x, a, 2 * n < VW ? 2 * n : VW);
        if (2 * n > VW) v_store_partial(x + VW, b, 2 * n - VW);
    }
}

#undef EVEN
#undef ODD
#undef LOW
#undef HIGH

#endif
