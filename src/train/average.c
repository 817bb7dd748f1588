/* train/average.c: measuring and keeping averaged weights. The averages move with each update, as part of its graph
 * (nn/minimize.h); plans know the variables by their place in memory, so contents are exchanged around a measurement.
 * What has no average (running statistics, frozen weights) stays, as in PyTorch's AveragedModel. */
#include "train/average.h"

#include "train/snapshot.h"

#include <stdio.h>

static void swap_bytes(char *a, char *b, size_t size) {
    char buffer[4096];
    for (size_t at = 0; at < size; at += sizeof buffer) {
        size_t n = size - at < sizeof buffer ? size - at : sizeof buffer;
        memcpy(buffer, a + at, n);
        memcpy(a + at, b + at, n);
        memcpy(b + at, buffer, n);
    }
}

void average_swap(soma_store *store, size_t count) {
    char name[256];
    store->version++;
    for (size_t i = 0; i < count && i < store->count; i++) {
        const variable *v = store->variables[i];
        if (snprintf(name, sizeof name, "%s.average", v->name) >= (int)sizeof name) continue;
        const variable *average = store_find(store, name);
        if (average && average->count == v->count) swap_bytes(v->data, average->data, variable_bytes(store, v));
    }
}
