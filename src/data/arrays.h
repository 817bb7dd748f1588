/* data/arrays.h: NumPy's files as data sets. */
#ifndef DATA_ARRAYS_H
#define DATA_ARRAYS_H

#include "data/data.h"

/* Whether a file begins like .npy or like a zip archive, which .npz is. */
bool arrays_is(const uint8_t *bytes, size_t size);
/* A table from [N, F]; pictures from [N, H, W], [N, H, W, C] or [N, C, H, W] with C = 1 or 3. The targets of a .npy
 * come from options.labels, another .npy; those of a .npz from the array beside. Of a .npz with a training and a test
 * part the former is learnt from and the latter read later (options.schema). */
soma_dataset *arrays_load(const soma_context *context, const char *path, const uint8_t *bytes, size_t size,
                          const data_options *options, soma_error *error);

#endif
