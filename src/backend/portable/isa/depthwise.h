/* isa/depthwise.h: the usual depthwise convolution: a 3 x 3 kernel, one row and column of padding in front, stride 1 or
 * 2 both ways. */
#ifndef ISA_DEPTHWISE_H
#define ISA_DEPTHWISE_H

#include "backend/portable/isa/kernels.h"

#define depthwise_usual       KERNEL(depthwise_usual)
#define depthwise_usual_back  KERNEL(depthwise_usual_back)
#define depthwise_usual_edges KERNEL(depthwise_usual_edges)
#define depthwise_usual_weigh KERNEL(depthwise_usual_weigh)

/* Which lanes of a vector that begins in a column have a neighbour to the left and to the right, by that column. */
enum { EDGES_WIDTH = 128 };
typedef struct usual_edges {
    uint16_t left[EDGES_WIDTH], right[EDGES_WIDTH];
} usual_edges;

typedef struct usual_plane {
    int64_t height, width, out_height, out_width;
    int64_t stride;
    int64_t row, row_end; /* of what is computed, which are done */
    const affine *finish; /* NULL, or what becomes of y before it is stored: its first scale and shift, its bounds */
    const usual_edges *edges; /* of this width, or NULL */
} usual_plane;

/* The edges of planes `width` wide, if this instruction set makes use of them. */
const usual_edges *depthwise_usual_edges(int64_t width, usual_edges *room);

/* One plane, x [height, width] with w [3, 3] to rows of [out_height, out_width], of which `to` is the first; behind its
 * last row and column x is 0. */
void depthwise_usual(const usual_plane *p, const float *x, const float *w, float *to);

/* The gradient of x [height, width] at stride 2, of which rows [row, row_end) are done, given dy [out_height,
 * out_width]. */
void depthwise_usual_back(const usual_plane *p, const float *dy, const float *w, float *to);

/* Adds a plane's part of the kernel's gradient, given x and dy: lanes of sums for each of its nine weights. */
void depthwise_usual_weigh(const usual_plane *p, const float *x, const float *dy, vf sums[9]);

#endif
