/* plan/store.c: variables by name. Initial values are drawn from the seed and the variable's name alone, so that they
 * do not depend on the order in which plans meet the variables. */
#include "plan/store.h"

#include "base/random.h"
#include "nn/init.h"

soma_store *soma_store_create(soma_store_options options, soma_error *error) {
    soma_store *store = mem_zeros(options.context, 1, sizeof *store);
    if (!store) {
        error_memory(error);
        return NULL;
    }
    store->context = options.context;
    store->seed = options.seed;
    store->float64 = options.float64;
    store->version = 1;
    return store;
}

static void variable_destroy(const soma_context *context, variable *v) {
    if (!v) return;
    mem_free(context, v->name);
    mem_free(context, v->data);
    mem_free(context, v);
}

void soma_store_destroy(soma_store *store) {
    if (!store) return;
    for (size_t i = 0; i < store->count; i++) variable_destroy(store->context, store->variables[i]);
    mem_free(store->context, store->variables);
    mem_free(store->context, store);
}

variable *store_find(const soma_store *store, const char *name) {
    uint64_t hash = hash_bytes(name, strlen(name), HASH_START);
    for (size_t i = 0; i < store->count; i++)
        if (store->variables[i]->hash == hash && !strcmp(store->variables[i]->name, name)) return store->variables[i];
    return NULL;
}

static bool fill(const soma_store *store, variable *v, soma_init init) {
    if (init.kind ==
        SOMA_INIT_CONSTANT) { /* as for all the weights of a model that is being read: no room for doubles */
        for (size_t i = 0; i < v->count; i++) {
            if (store->float64)
                ((double *)v->data)[i] = init.value;
            else
                ((float *)v->data)[i] = (float)init.value;
        }
        return true;
    }
    double *values = mem_array(store->context, v->count, sizeof *values);
    bool ok = values && init_fill(&v->shape, init, store->seed, v->name, values) == SOMA_OK;
    for (size_t i = 0; ok && i < v->count; i++) {
        if (store->float64)
            ((double *)v->data)[i] = values[i];
        else
            ((float *)v->data)[i] = (float)values[i];
    }
    mem_free(store->context, values);
    return ok;
}

variable *store_bind(soma_store *store, const char *name, const soma_shape *shape, soma_init init, bool trainable,
                     soma_error *error) {
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    variable *v = store_find(store, name);
    if (v) {
        if (shape_equal(&v->shape, shape)) return v;
        error_set(error, SOMA_ERROR_ARGUMENT, "variable '%s': the store holds it as %s but the graph asks for %s", name,
                  shape_text(&v->shape, a), shape_text(shape, b));
        return NULL;
    }
    int64_t count = shape_elements(shape, 1);
    v = mem_zeros(store->context, 1, sizeof *v);
    if (!v || count < 0) goto out_of_memory;
    v->name = mem_string(store->context, name);
    v->hash = hash_bytes(name, strlen(name), HASH_START);
    v->shape = *shape;
    v->trainable = trainable;
    v->count = (size_t)count;
    v->data = mem_array(store->context, v->count, store->float64 ? sizeof(double) : sizeof(float));
    if (!v->name || !v->data || !fill(store, v, init) ||
        !mem_reserve(store->context, &store->variables, store->count, &store->capacity, sizeof(variable *)))
        goto out_of_memory;
    return store->variables[store->count++] = v;
out_of_memory:
    variable_destroy(store->context, v);
    error_set(error, SOMA_ERROR_MEMORY, "variable '%s' %s: memory is out", name, shape_text(shape, a));
    return NULL;
}

size_t soma_store_count(const soma_store *store) { return store ? store->count : 0; }

const char *soma_store_name(const soma_store *store, size_t index) {
    return store && index < store->count ? store->variables[index]->name : NULL;
}

soma_shape soma_store_shape(const soma_store *store, const char *name) {
    const variable *v = store ? store_find(store, name) : NULL;
    return v ? v->shape : soma_shape0();
}

bool soma_store_trainable(const soma_store *store, const char *name) {
    const variable *v = store ? store_find(store, name) : NULL;
    return v && v->trainable;
}

static variable *checked(const soma_store *store, const char *name, size_t count, soma_error *error) {
    variable *v = store && name ? store_find(store, name) : NULL;
    if (!store) {
        error_set(error, SOMA_ERROR_ARGUMENT, "store: there is none");
    } else if (!v) {
        error_set(error, SOMA_ERROR_ARGUMENT, "store: there is no variable '%s'", name ? name : "(null)");
    } else if (v->count != count) {
        error_set(error, SOMA_ERROR_ARGUMENT, "variable '%s': has %zu elements, not %zu", name, v->count, count);
        v = NULL;
    }
    return v;
}

int soma_store_get(const soma_store *store, const char *name, float *values, size_t count, soma_error *error) {
    const variable *v = checked(store, name, count, error);
    if (!v) return SOMA_ERROR_ARGUMENT;
    for (size_t i = 0; i < count; i++)
        values[i] = store->float64 ? (float)((const double *)v->data)[i] : ((const float *)v->data)[i];
    return SOMA_OK;
}

int soma_store_set(soma_store *store, const char *name, const float *values, size_t count, soma_error *error) {
    variable *v = checked(store, name, count, error);
    if (!v) return SOMA_ERROR_ARGUMENT;
    for (size_t i = 0; i < count; i++) {
        if (store->float64)
            ((double *)v->data)[i] = values[i];
        else
            ((float *)v->data)[i] = values[i];
    }
    store->version++;
    return SOMA_OK;
}
