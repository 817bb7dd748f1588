/* train/snapshot.c: copies of weights: the best epoch's, and those from which a run goes back to find where a value
 * stopped being finite. Bytes are copied, so that going back gives the same bits. */
#include "train/snapshot.h"

#include <math.h>

size_t variable_bytes(const soma_store *store, const variable *v) {
    return v->count * (store->float64 ? sizeof(double) : sizeof(float));
}

bool snapshot_take(snapshot *s, const soma_store *store, size_t count) {
    if (count > store->count) count = store->count;
    if (s->capacity < count) {
        void **grown = mem_resize(s->context, s->data, s->capacity, count, sizeof *grown);
        if (!grown) return false;
        s->data = grown;
        for (; s->capacity < count; s->capacity++) s->data[s->capacity] = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const variable *v = store->variables[i];
        if (!s->data[i] && !(s->data[i] = mem_alloc(s->context, variable_bytes(store, v)))) return false;
        memcpy(s->data[i], v->data, variable_bytes(store, v));
    }
    s->count = count;
    return true;
}

void snapshot_restore(const snapshot *s, soma_store *store) {
    store->version++;
    for (size_t i = 0; i < s->count && i < store->count; i++)
        memcpy(store->variables[i]->data, s->data[i], variable_bytes(store, store->variables[i]));
}

void snapshot_clear(snapshot *s) {
    for (size_t i = 0; i < s->capacity; i++) mem_free(s->context, s->data[i]);
    mem_free(s->context, s->data);
    *s = (snapshot){.context = s->context};
}

bool store_finite(const soma_store *store) {
    for (size_t i = 0; i < store->count; i++) {
        const variable *v = store->variables[i];
        for (size_t k = 0; k < v->count; k++)
            if (!isfinite(store->float64 ? ((const double *)v->data)[k] : (double)((const float *)v->data)[k]))
                return false;
    }
    return true;
}
