/* data/loader.h: batches of a data set in the order of an epoch, gathered and augmented ahead of their use by threads
 * of the loader's own. A table's rows, which are only copied, are gathered when they are asked for; so is everything
 * with one thread, in a build without threads, and where the context brings its own. Order and bits are the same either
 * way.
 */
#ifndef DATA_LOADER_H
#define DATA_LOADER_H

#include "data/augment.h"
#include "data/data.h"

typedef struct loader loader;

typedef struct loader_options {
    const soma_context *context;
    const soma_dataset *set;
    size_t rows;                 /* the largest order */
    int64_t batch;               /* rows of a batch */
    int threads;                 /* that prepare batches; below 2: none, batches are prepared in place */
    const augmentation *augment; /* NULL: nothing is changed; kept by the caller */
    uint64_t seed;               /* of augmentation */
} loader_options;

/* What was made of rows [first, first + rows) of the order. It belongs to the loader and stays until the next call. */
typedef struct loader_batch {
    int64_t rows;
    float *x;         /* [rows, sample…] */
    int64_t *classes; /* [rows], where the set has them; a copy of the first stands behind the last */
    float *targets;   /* likewise */
    double share;     /* of each picture's own target where pictures are mixed, the rest is the next one's; else 1 */
} loader_batch;

loader *loader_create(loader_options options, soma_error *error);
void loader_destroy(loader *l);

/* Begins an epoch of `count` rows, in this order (which is copied), with the batch that begins at row `first`, a
 * multiple of the batch's size. Batches of an epoch before it are dropped. */
void loader_begin(loader *l, const int64_t *order, size_t count, int64_t epoch, int64_t first);
/* The batch that begins at row `first` of the order. Going on from batch to batch finds them prepared; going anywhere
 * else is allowed. What went wrong while a batch was prepared comes out here. */
int loader_get(loader *l, int64_t first, loader_batch *batch, soma_error *error);
/* Seconds that loader_get has taken so far. */
double loader_waited(const loader *l);
/* Threads that prepare batches; 0: they are prepared in place. */
int loader_threads(const loader *l);

#endif
