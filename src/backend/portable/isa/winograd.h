/* isa/winograd.h: convolution with fewer multiplications: Winograd's minimal filtering (Winograd 1980; for networks
 * Lavin and Gray 2016, arXiv:1509.09308).
 *
 * The output is cut into tiles of m x m places. A tile needs a window of p x p elements of the input, p = m + r - 1 for
 * a kernel of r x r. Window and kernel are transformed to p x p numbers each, multiplied number by number and summed
 * over the channels (p x p matrix products, in which all the work lies), and transformed back: p^2 multiplications
 * instead of m^2 r^2. With * for the product of numbers at the same place, and C for the sum over channels,
 *
 *   forward           y  = A' (sum_C (G w G') * (B' x B)) A
 *   backward data     the same with the roles of x and y exchanged and the kernel turned round
 *   backward weights  dw = G' (sum_tiles (B' x B) * (A dy A')) G, the adjoint of the first
 *
 * B' (p x p), G (p x r) and A' (m x p) come from p - 1 points and infinity by Cook's and Toom's construction. */
#ifndef ISA_WINOGRAD_H
#define ISA_WINOGRAD_H

#include "backend/portable/isa/gemm.h"
#include "ops/attributes.h"

#define winograd_open    KERNEL(winograd_open)
#define winograd_apply   KERNEL(winograd_apply)
#define winograd_rows    KERNEL(winograd_rows)
#define winograd_windows KERNEL(winograd_windows)
#define winograd_planes  KERNEL(winograd_planes)

enum {
    WINOGRAD_POINTS = 8,  /* p at most */
    WINOGRAD_TILES = 144, /* tiles of a block, about */
    /* Filters whose transforms are made at a time, and planes of them: as many as fit the second-level cache of
     * processors that have this width of vectors, 1 MB or 512 KB, beside a block's windows. */
    WINOGRAD_WIDTH = VW == 16 ? 32 : 16,
    WINOGRAD_DEPTH = VW == 16 ? 64 : 128,
    /* Floats of transformed tiles, at most; for wider pictures there is the direct algorithm. */
    WINOGRAD_ROOM = 1 << 26
};

/* Multiplies by a constant matrix: rows vectors, to_step apart, from columns vectors, step apart. */
typedef struct winograd_matrix {
    int rows, columns;
    void (*multiply)(const float *from, int64_t step, float *to, int64_t to_step);
} winograd_matrix;

/* F(m x m, r x r). */
typedef struct winograd_form {
    int tile, kernel;
    winograd_matrix input, filter, output;    /* B', G, A' */
    winograd_matrix filter_back, output_back; /* G', A */
} winograd_form;

/* One convolution. `planes` are the channels of the input, over which is summed, `filters` those of the output. */
typedef struct winograd {
    const winograd_form *form;
    int64_t samples, planes, filters;
    int64_t size[2], out[2], before[2]; /* height and width of input and output; padding */
    int64_t tiles[2];                   /* of an image */
    int64_t points, square;             /* p and p^2 */
    int64_t block;                      /* rows of tiles that are done together */
    int64_t most;                       /* tiles in them */
} winograd;

/* The form that suits a convolution with kernels w that makes y of x, or `back` x of y: false if there is none, or
 * the direct algorithm takes less. The batch does not matter. */
bool winograd_open(winograd *g, const window_attributes *a, const soma_shape *x, const soma_shape *w,
                   const soma_shape *y, bool back);

/* to = M from M' on vectors: element (i, j) of `from` at from[i * row + j * column], of `to` likewise. */
void winograd_apply(const winograd_matrix *m, const float *from, int64_t row, int64_t column, float *to, int64_t to_row,
                    int64_t to_column);

/* Rows of tiles [row, row_end), counted through the images, belong to one image or several: the next part that
 * lies in one image. */
typedef struct winograd_part {
    int64_t sample, first, count; /* rows of tiles */
} winograd_part;
winograd_part winograd_rows(const winograd *g, int64_t row, int64_t row_end);

/* The planes [plane, plane + VW) of an image, of which there are `count` in all, as pixels of VW floats: rows `top` ..
 * top + height and columns `left` .. left + width, zero outside the image. */
void winograd_windows(const float *image, const int64_t size[2], int64_t plane, int64_t count, int64_t top,
                      int64_t left, int64_t height, int64_t width, float *to);

/* The reverse: pixels of VW floats, rows of them `stride` apart, as `count` <= VW planes of height x width that lie
 * `ld` floats apart. Reads up to VW pixels beyond the last. */
void winograd_planes(const float *from, int64_t stride, int64_t height, int64_t width, int64_t count, float *to,
                     int64_t ld);

static inline int64_t winograd_smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t winograd_up(int64_t a, int64_t unit) { return (a + unit - 1) / unit * unit; }
/* Floats rounded up to an odd number of cache lines: distances by powers of two would crowd few sets of the cache. */
static inline int64_t winograd_lines(int64_t floats) { return ((floats + 15) / 16 | 1) * 16; }

#endif
