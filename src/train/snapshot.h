/* train/snapshot.h: a copy of the first variables of a store, bit by bit. */
#ifndef TRAIN_SNAPSHOT_H
#define TRAIN_SNAPSHOT_H

#include "plan/store.h"

typedef struct snapshot {
    const soma_context *context;
    size_t count; /* of variables; 0: nothing has been taken yet */
    size_t capacity;
    void **data; /* in the store's order and element type */
} snapshot;

/* Copies the first `count` variables of the store; memory of an earlier copy is used again. */
bool snapshot_take(snapshot *s, const soma_store *store, size_t count);
void snapshot_restore(const snapshot *s, soma_store *store);
void snapshot_clear(snapshot *s);

size_t variable_bytes(const soma_store *store, const variable *v);
/* Whether every element of every variable is finite. */
bool store_finite(const soma_store *store);

#endif
