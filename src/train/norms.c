/* train/norms.c: whether batch normalisation can train: its variance needs more than one value a channel. */
#include "graph/graph.h"
#include "train/trainer.h"

/* Notes layers with bn whose input has one value a channel and row. */
static void watch_norms(void *user, const char *text, int depth, soma_value output) {
    bool *found = user;
    (void)depth;
    soma_shape s = soma_value_shape(output);
    if (!output.node || (s.rank == 4 && s.dims[2] * s.dims[3] > 1)) return;
    for (const char *at = text; (at = strstr(at, "bn")); at += 2)
        *found |= (at == text || at[-1] == ' ') && (!at[2] || at[2] == ' ');
}

int train_check_norms(const soma_model *m, int64_t batch, int64_t rows, bool *single_rows_fail, soma_error *error) {
    bool found = false;
    soma_graph *g = soma_graph_create_in(m->context);
    if (!g) return error_memory(error);
    soma_shape shape = {m->sample.rank + 1, {SOMA_BATCH}};
    for (int i = 0; i < m->sample.rank; i++) shape.dims[i + 1] = m->sample.dims[i];
    spec_options options = {.trace = watch_norms, .user = &found};
    spec_build(m->spec, preprocess_build(&m->preprocess, soma_input(g, "x", shape)), &options);
    soma_graph_destroy(g);
    if (single_rows_fail) *single_rows_fail = found;
    if (found && (batch == 1 || rows == 1))
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "batch normalisation needs more than one row a step: --batch %lld is too small",
                         (long long)batch);
    return SOMA_OK;
}
