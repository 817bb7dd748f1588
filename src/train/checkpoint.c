/* train/checkpoint.c: the state of a training as a safetensors file. Tensors hold the bits of the store; counts and
 * sums are texts in the metadata, doubles with 17 digits, so that a training that goes on computes what an
 * uninterrupted one does. The file is read back as untrusted: every tensor must have the name, type and shape that the
 * store asks for. */
#include "train/checkpoint.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT = 32, NAME_LIMIT = 256 };

#define VERSION_KEY "soma.checkpoint"
#define VERSION     "2"

/* The fields of a state by key: one table writes and reads them. */
typedef struct field {
    const char *key;
    size_t offset;
    bool real;
} field;

static const field fields[] = {
    {"soma.epoch", offsetof(train_state, epoch), false},
    {"soma.step", offsetof(train_state, step), false},
    {"soma.steps", offsetof(train_state, steps), false},
    {"soma.right", offsetof(train_state, right), false},
    {"soma.rows", offsetof(train_state, rows), false},
    {"soma.best_epoch", offsetof(train_state, best_epoch), false},
    {"soma.worse", offsetof(train_state, worse), false},
    {"soma.loss", offsetof(train_state, loss), true},
    {"soma.best_value", offsetof(train_state, best_value), true},
    {"soma.best_loss", offsetof(train_state, best_loss), true},
    {"soma.weight", offsetof(train_state, weight), true},
    {"soma.squares", offsetof(train_state, squares), true},
    {"soma.updates", offsetof(train_state, updates), false},
    {"soma.gathered", offsetof(train_state, gathered), true},
    {"soma.rate", offsetof(train_state, pace.rate), true},
    {"soma.planned_epochs", offsetof(train_state, pace.epochs), false},
    {"soma.plateau.rate", offsetof(train_state, pace.plateau_rate), true},
    {"soma.plateau.best", offsetof(train_state, pace.plateau_best), true},
    {"soma.plateau.measured", offsetof(train_state, pace.measured), false},
    {"soma.plateau.bad", offsetof(train_state, pace.bad), false},
    {"soma.plateau.cooled", offsetof(train_state, pace.cooled), false},
};

static void field_text(const train_state *state, const field *f, char text[TEXT]) {
    const char *at = (const char *)state + f->offset;
    if (f->real)
        snprintf(text, TEXT, "%a", *(const double *)(const void *)at);
    else
        snprintf(text, TEXT, "%lld", (long long)*(const int64_t *)(const void *)at);
}

static bool field_parse(const char *text, const field *f, train_state *state) {
    char *end, *at = (char *)state + f->offset;
    errno = 0;
    if (f->real)
        *(double *)(void *)at = strtod(text, &end);
    else
        *(int64_t *)(void *)at = strtoll(text, &end, 10);
    return end != text && !*end && !errno && (f->real || *(const int64_t *)(const void *)at >= 0);
}

/* A link keeps the old file under its second name while the new one takes its place; without links a rename does. */
static void keep_previous(const char *path, const char *previous) {
    if (!previous || access(path, F_OK)) return;
    unlink(previous);
    if (link(path, previous)) rename(path, previous);
}

int checkpoint_write(const char *path, const char *previous, const train_state *state, const soma_store *store,
                     const snapshot *best, const safetensors_pair *extra, size_t extra_count,
                     const soma_context *context, soma_error *error) {
    size_t tensors_count = store->count + best->count, pairs_count = COUNT_OF(fields) + 1 + extra_count;
    safetensors_tensor *tensors = mem_zeros(context, tensors_count, sizeof *tensors);
    safetensors_pair *pairs = mem_zeros(context, pairs_count, sizeof *pairs);
    char(*names)[NAME_LIMIT] = mem_array(context, tensors_count, sizeof *names);
    char texts[COUNT_OF(fields)][TEXT];
    int code = SOMA_OK;
    if (!tensors || !pairs || !names) {
        code = error_memory(error);
        goto done;
    }
    for (size_t i = 0; i < tensors_count; i++) {
        bool last = i < store->count;
        const variable *v = store->variables[last ? i : i - store->count];
        snprintf(names[i], sizeof names[i], "%s.%s", last ? "last" : "best", v->name);
        tensors[i] = (safetensors_tensor){.name = names[i],
                                          .dtype = store->float64 ? SAFETENSORS_F64 : SAFETENSORS_F32,
                                          .shape = v->shape,
                                          .data = last ? v->data : best->data[i - store->count]};
    }
    pairs[0] = (safetensors_pair){VERSION_KEY, VERSION};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        field_text(state, &fields[i], texts[i]);
        pairs[1 + i] = (safetensors_pair){fields[i].key, texts[i]};
    }
    for (size_t i = 0; i < extra_count; i++) pairs[1 + COUNT_OF(fields) + i] = extra[i];
    keep_previous(path, previous);
    code = safetensors_write(path, tensors, tensors_count, pairs, pairs_count, context, error);
done:
    mem_free(context, names);
    mem_free(context, pairs);
    mem_free(context, tensors);
    return code;
}

static int open_one(const char *path, const soma_context *context, checkpoint *c, soma_error *error) {
    *c = (checkpoint){.path = path};
    c->file = safetensors_open(path, context, error);
    if (!c->file) return error->code;
    const char *version = safetensors_metadata(c->file, VERSION_KEY);
    if (!version || strcmp(version, VERSION) != 0) {
        checkpoint_close(c);
        return error_set(error, SOMA_ERROR_INPUT, "%s: %s", path,
                         version ? "the checkpoint has another version than " VERSION ", which this soma reads"
                                 : "it is no checkpoint of soma");
    }
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const char *text = safetensors_metadata(c->file, fields[i].key);
        if (text && field_parse(text, &fields[i], &c->state)) continue;
        checkpoint_close(c);
        return error_set(error, SOMA_ERROR_INPUT, "%s: the checkpoint's %s is not a number from 0", path,
                         fields[i].key);
    }
    return SOMA_OK;
}

int checkpoint_open(const char *path, const char *previous, const soma_context *context, checkpoint *c,
                    soma_error *error) {
    soma_error first = {0}, second = {0};
    int code = open_one(path, context, c, &first);
    if (code == SOMA_ERROR_INPUT && previous && !open_one(previous, context, c, &second)) {
        c->newer = first;
        return SOMA_OK;
    }
    return code ? error_set(error, first.code, "%s", first.message) : SOMA_OK;
}

const char *checkpoint_text(const checkpoint *c, const char *key) { return safetensors_metadata(c->file, key); }

static int copy_tensor(const checkpoint *c, const soma_store *store, const variable *v, const char *kind, void *to,
                       soma_error *error) {
    char name[NAME_LIMIT];
    snprintf(name, sizeof name, "%s.%s", kind, v->name);
    const safetensors_tensor *t = safetensors_find(c->file, name);
    if (!t || !shape_equal(&t->shape, &v->shape) || t->size != variable_bytes(store, v) ||
        t->dtype != (store->float64 ? SAFETENSORS_F64 : SAFETENSORS_F32))
        return error_set(error, SOMA_ERROR_INPUT,
                         "%s: the checkpoint has no tensor '%s' of the shape that the network has", c->path, name);
    memcpy(to, t->data, t->size);
    return SOMA_OK;
}

int checkpoint_restore(const checkpoint *c, soma_store *store, size_t count, snapshot *best, soma_error *error) {
    int code = SOMA_OK;
    if (c->state.best_epoch > 0 && !snapshot_take(best, store, count)) return error_memory(error);
    store->version++;
    for (size_t i = 0; i < store->count && !code; i++) {
        variable *v = store->variables[i];
        code = copy_tensor(c, store, v, "last", v->data, error);
        if (!code && c->state.best_epoch > 0 && i < best->count)
            code = copy_tensor(c, store, v, "best", best->data[i], error);
    }
    return code;
}

void checkpoint_close(checkpoint *c) {
    safetensors_close(c->file);
    c->file = NULL;
}
