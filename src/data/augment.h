/* data/augment.h: random changes to the pictures that train: a list such as "shift 2, rotate 10, flip", and its use.
 *
 * What a picture becomes depends on seed, epoch and the row's number in its data set alone: never on the batch, the
 * worker or what was drawn before, so that any part of a training can be repeated. */
#ifndef DATA_AUGMENT_H
#define DATA_AUGMENT_H

#include "base/base.h"

typedef enum augment_kind {
    AUGMENT_SHIFT,  /* up to N pixels each way; edges go on */
    AUGMENT_CROP,   /* a black border of N pixels, then a random part of the old size */
    AUGMENT_ROTATE, /* up to so many degrees each way */
    AUGMENT_FLIP,   /* left and right, every other time */
    AUGMENT_VFLIP,  /* top and bottom */
    AUGMENT_COLOUR, /* brightness, contrast, saturation times 1 - S .. 1 + S */
    AUGMENT_CUTOUT, /* a square of side N becomes its channel's mean (DeVries and Taylor 2017) */
    AUGMENT_MIXUP,  /* of two pictures and their targets, the share by Beta(A, A) (Zhang et al. 2018) */
    AUGMENT_KINDS
} augment_kind;

typedef struct augment_step {
    augment_kind kind;
    double size;
} augment_step;

typedef struct augmentation {
    augment_step steps[AUGMENT_KINDS]; /* in the order in which they are applied; each kind at most once */
    size_t count;
    double mixup; /* A; 0: pictures are not mixed */
} augmentation;

/* Items separated by commas, a name and maybe a size each; "none" is the empty list. */
int augment_parse(const char *text, augmentation *a, soma_error *error);
/* Whether pictures [C, H, W] can be changed so. */
int augment_check(const augmentation *a, soma_shape sample, soma_error *error);
bool augment_is_none(const augmentation *a);

/* Changes the picture of a row, float [C, H, W]; `scratch` has room for one. Mixing is not part of it. */
void augment_apply(const augmentation *a, soma_shape sample, uint64_t seed, int64_t epoch, int64_t row, float *picture,
                   float *scratch);
/* Mixes each of `count` pictures [count, elements] with the one after it, the last with the first: x_i becomes
 * share x_i + (1 - share) x_(i+1). Returns the share, 0.5 to 1, one for the batch, whose first row is `row`; 1 where
 * nothing is mixed. `scratch` has room for one picture. */
double augment_mix(const augmentation *a, size_t elements, uint64_t seed, int64_t epoch, int64_t row, float *x,
                   size_t count, float *scratch);

#endif
