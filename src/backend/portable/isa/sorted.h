/* isa/sorted.h: a copy of a plane on which windows run along vectors: with its padding, and, where windows stand s
 * columns apart, its columns sorted by their remainder modulo s. In it the same element of neighbouring windows stands
 * side by side. */
#ifndef ISA_SORTED_H
#define ISA_SORTED_H

#include "backend/portable/isa/kernels.h"
#include "backend/portable/isa/pairs.h"
#include "ops/attributes.h"

#define sorted_open KERNEL(sorted_open)
#define sorted_fill KERNEL(sorted_fill)
#define sorted_rows KERNEL(sorted_rows)
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
/* Rows [row, end) of it, the padding above counted. */
void sorted_rows(const sorted *p, const float *x, float fill, int64_t row, int64_t end, float *to);

/* The reverse, without the padding; columns and rows that no window touches become 0. */
void sorted_back(const sorted *p, const float *from, float *x);

/* Where element (k, l) of window (i, 0) stands in a copy; that of window (i, j) is j further on. */
static inline int64_t sorted_place(const sorted *p, int64_t i, int64_t k, int64_t l) {
    const soma_window *w = &p->window;
    int64_t column = l * w->dilation[1];
    return ((i * w->stride[0] + k * w->dilation[0]) * w->stride[1] + column % w->stride[1]) * p->line +
           column / w->stride[1];
}

#endif
