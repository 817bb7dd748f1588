/* train/average.h: averaged weights, "<variable>.average" in the store, in the place of those that train. */
#ifndef TRAIN_AVERAGE_H
#define TRAIN_AVERAGE_H

#include "plan/store.h"

/* Exchanges the first `count` variables with their averages, where they have one; a second call takes that back. */
void average_swap(soma_store *store, size_t count);

#endif
