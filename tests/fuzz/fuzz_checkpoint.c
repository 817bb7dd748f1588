/* Fuzzing of checkpoints: any bytes as checkpoint.safetensors are opened and restored into a small store, or refused in
 * one sentence. The file is one in memory. */
#include "plan/store.h"
#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void check(const soma_error *error) {
    if (error->code == SOMA_OK || !error->message[0] || strchr(error->message, '\n')) abort();
}

static void restore(const checkpoint *c) {
    soma_error error = {0};
    snapshot best = {0};
    soma_graph *g = soma_graph_create();
    soma_value y = soma_dense(soma_input(g, "x", soma_shape2(SOMA_BATCH, 2)), 4);
    soma_store *store = soma_store_create((soma_store_options){0}, &error);
    soma_plan *plan = soma_plan_infer(&y, 1, (soma_plan_options){.store = store}, &error);
    if (plan && checkpoint_restore(c, store, store->count, &best, &error)) check(&error);
    snapshot_clear(&best);
    soma_plan_destroy(plan);
    soma_store_destroy(store);
    soma_graph_destroy(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char path[64];
    int descriptor = memfd_create("checkpoint", 0);
    if (descriptor < 0 || write(descriptor, bytes, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    soma_error error = {0};
    checkpoint c;
    if (checkpoint_open(path, NULL, NULL, &c, &error)) {
        check(&error);
    } else {
        restore(&c);
        checkpoint_close(&c);
    }
    close(descriptor);
    return 0;
}
