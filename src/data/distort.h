/* data/distort.h: one change to one picture, by exact parameters; data/augment.c draws them at random.
 *
 * A picture is float [C, H, W], 0..255, and is changed in place; `scratch` has room for as many elements. */
#ifndef DATA_DISTORT_H
#define DATA_DISTORT_H

#include "base/base.h"

typedef struct picture_view {
    float *data; /* [C, H, W] */
    size_t channels, height, width;
} picture_view;

/* What stands where nothing was. */
typedef enum distort_fill { FILL_EDGE, FILL_BLACK } distort_fill;

/* Moves the picture `down` and `right`. */
void distort_shift(picture_view p, int64_t down, int64_t right, distort_fill fill, float *scratch);
/* Turns it about its middle, by bilinear interpolation; a positive angle turns right towards down. Edges go on. */
void distort_rotate(picture_view p, double radians, float *scratch);
void distort_flip(picture_view p);      /* left and right */
void distort_flip_rows(picture_view p); /* top and bottom */
/* In this order: all values times `brightness`; distances from the mean of all times `contrast`; distances of three
 * channels (red, green, blue) from their grey times `saturation`. What leaves 0..255 is cut off at the end. */
void distort_colour(picture_view p, double brightness, double contrast, double saturation);
/* A square of side `side` around (y, x), as far as it lies in the picture, becomes its channel's mean. */
void distort_cutout(picture_view p, int64_t y, int64_t x, int64_t side);

#endif
