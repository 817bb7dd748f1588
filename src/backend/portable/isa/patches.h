/* isa/patches.h: convolutions seen as products: images with their padding, and the panels of patches cut from them.
 *
 * Row q = (c, k, l) of the patches of an image and column p = (y, x): the element that place p of the output meets at
 * kernel position (k, l) of channel c, image[c][y stride + k dilation][x stride + l dilation] of the padded image. The
 * whole matrix of patches never exists: panels of it do, in a thread's scratch. */
#ifndef ISA_PATCHES_H
#define ISA_PATCHES_H

#include "backend/portable/isa/gemm.h"
#include "backend/portable/isa/sorted.h"
#include "ops/attributes.h"

#define patches_open  KERNEL(patches_open)
#define patches_sort  KERNEL(patches_sort)
#define patches_pad   KERNEL(patches_pad)
#define patches_panel KERNEL(patches_panel)
#define patches_rows  KERNEL(patches_rows)
#define patches_add   KERNEL(patches_add)

/* Sizes of one convolution; "group" means one of its groups. */
typedef struct patches {
    int64_t samples, groups;
    int64_t channels, filters; /* of a group */
    int64_t height, width;     /* of x */
    int64_t kernel[2], stride[2], dilation[2], before[2];
    int64_t out[2], places, depth;  /* depth: rows of the patches, channels * kernel area; places: columns */
    int64_t padded[2], plane, area; /* padded height and width, elements of such a channel; height * width */
    bool identical;                 /* the padded image is the image */
    bool plain;                     /* and the patches are the image: kernel 1x1, stride 1 */
    bool sorts;                     /* the padded image is a sorted copy */
    sorted sorted;
} patches;

enum { PATCHES_SLACK = 32 }; /* floats behind a padded image or a panel that copies may touch */

/* Floats rounded up to whole cache lines. */
static inline size_t whole_lines(int64_t floats) { return (size_t)(floats + 15) / 16 * 16; }

void patches_open(patches *p, const window_attributes *a, const soma_shape *x, const soma_shape *w,
                  const soma_shape *y);

/* Lets the padded image be a sorted copy, if that helps: where windows overlap that stand some columns apart, each
 * element is moved to its neighbours once instead of in each patch. For patches_pad and patches_panel alone. */
void patches_sort(patches *p, const window_attributes *a);

/* Rows [row, end) of `count` padded channels `to` of those at `from`; the copy has all rows, the others are left. */
void patches_pad(const patches *p, int64_t count, int64_t row, int64_t end, const float *from, float *to);

/* to[(q - row) * GEMM_COLUMNS + i] is element (q, place + i) for rows [row, row_end) and `count` <= GEMM_COLUMNS
 * places, of a padded image with PATCHES_SLACK behind it; so has `to`. Anything may stand in columns beyond. */
void patches_panel(const patches *p, const float *image, int64_t row, int64_t row_end, int64_t place, int64_t count,
                   float *to);

/* The transpose of the same: to[(i - place) * GEMM_COLUMNS + q - row] for places [place, place_end) and `count` rows.
 */
void patches_rows(const patches *p, const float *image, int64_t row, int64_t count, int64_t place, int64_t place_end,
                  float *to);

/* Adds the panel from[(q - row) * stride + i] back to the padded image: the adjoint of patches_panel. */
void patches_add(const patches *p, float *image, int64_t row, int64_t row_end, int64_t place, int64_t count,
                 const float *from, int64_t stride);

#endif
