/* plan/store.h: the inside of a store: variables found by name. A variable never moves once it is there. */
#ifndef PLAN_STORE_H
#define PLAN_STORE_H

#include "base/base.h"

#include <soma/plan.h>

typedef struct variable {
    char *name;
    uint64_t hash;
    soma_shape shape;
    bool trainable;
    size_t count;
    void *data; /* float, or double in a float64 store */
} variable;

struct soma_store {
    const soma_context *context;
    uint64_t seed;
    bool float64;
    variable **variables;
    size_t count, capacity;
    uint64_t version; /* from 1; another whenever a variable may have changed */
};

variable *store_find(const soma_store *store, const char *name);
/* The variable of a name; made and filled by `init` when the store meets the name for the first time. NULL and a
 * sentence when it is there with another shape or memory is out. */
variable *store_bind(soma_store *store, const char *name, const soma_shape *shape, soma_init init, bool trainable,
                     soma_error *error);

#endif
