/* wasm/network.c: a network made from a specification: its graph for answers, its parameters, its file. */
#include "network.h"

#include "graph/graph.h"

#include <math.h>

enum { ANSWER_ROWS = 1024 }; /* rows asked at once: what they need stays in the processor's cache */

static void note_layer(void *user, const char *text, int depth, soma_value output) {
    network *n = user;
    if (depth || !output.node || n->layers_count == LAYERS_MAX) return;
    layer *l = &n->layers[n->layers_count++];
    l->output = output;
    memcpy(l->text, text, strnlen(text, sizeof l->text - 1));
}

int network_build(network *n, bool training, built *to, soma_error *error) {
    soma_graph *g = to->graph = soma_graph_create();
    if (!g) return error_memory(error);
    spec_options options = n->options;
    if (to == &n->infer) {
        options.trace = note_layer;
        options.user = n;
    }
    soma_shape shape = {n->sample.rank + 1, {SOMA_BATCH}};
    for (int i = 0; i < n->sample.rank; i++) shape.dims[i + 1] = n->sample.dims[i];
    soma_graph_set_training(g, training);
    to->x = soma_input(g, "x", shape);
    soma_value x = n->divisor > 1 ? soma_mul(to->x, soma_scalar(g, 1 / n->divisor)) : to->x;
    to->answer = spec_build(n->spec, features_build(x, n->features), &options);
    to->loss = spec_loss(n->spec, to->answer, NULL, "t", &to->target);
    const soma_error *mistake = soma_graph_error(g);
    if (!mistake->code) return SOMA_OK;
    error_set(error, mistake->code, "%s", mistake->message);
    built_clear(to);
    return error->code;
}

void built_clear(built *b) {
    soma_graph_destroy(b->graph);
    *b = (built){0};
}

static int resolve(network *n, const double *s, soma_error *error) {
    spec_head head;
    soma_task task = (soma_task)s[NETWORK_TASK];
    if (s[NETWORK_TASK] > 0 &&
        spec_resolve_head(n->spec, task == SOMA_CLASSIFY, (int64_t)s[NETWORK_OUTPUTS], &head, error))
        return error->code;
    n->meaning = spec_meaning(n->spec);
    n->text = spec_text(n->spec);
    return n->text ? SOMA_OK : error_memory(error);
}

static int prepare(network *n, const double *s, soma_error *error) {
    n->seed = (uint64_t)s[NETWORK_SEED];
    n->features = (uint32_t)s[NETWORK_FEATURES];
    if (!isnan(s[NETWORK_INIT])) {
        n->options.init_given = true;
        n->options.init = (soma_init){.kind = (soma_init_kind)s[NETWORK_INIT], .value = s[NETWORK_INIT_VALUE]};
    }
    if (resolve(n, s, error) || network_build(n, false, &n->infer, error)) return error->code;
    soma_shape out = soma_value_shape(n->infer.answer);
    n->outputs = 1;
    for (int i = 1; i < out.rank; i++) n->outputs *= out.dims[i];
    n->sample_size = 1;
    for (int i = 0; i < n->sample.rank; i++) n->sample_size *= (size_t)n->sample.dims[i];
    n->target_size = n->meaning == SPEC_SOFTMAX ? sizeof(int64_t) : (size_t)n->outputs * sizeof(float);
    n->store = soma_store_create(SOMA_OPTIONS(soma_store_options){.seed = n->seed}, error);
    if (!n->store) return error->code;
    soma_plan_options plan = {.max_batch = ANSWER_ROWS, .store = n->store, .threads = 1};
    if (part_make(&n->answer, &n->infer.answer, 1, plan, error)) return error->code;
    n->parameters = soma_store_count(n->store);
    n->epoch_loss = NAN;
    return SOMA_OK;
}

network *network_create(const char *text, const int32_t *sample, int rank, const double *settings, soma_error *error) {
    network *n = mem_zeros(NULL, 1, sizeof *n);
    if (!n) return error_memory(error), NULL;
    n->sample.rank = rank;
    for (int i = 0; i < rank; i++) n->sample.dims[i] = sample[i];
    n->spec = spec_parse(NULL, text, error);
    if (n->spec && !prepare(n, settings, error)) return n;
    network_destroy(n);
    return NULL;
}

void network_destroy(network *n) {
    if (!n) return;
    part *const parts[] = {&n->answer, &n->measure, &n->look, &n->slope, &n->tap, &n->trainer};
    for (size_t i = 0; i < COUNT_OF(parts); i++) part_clear(parts[i]);
    soma_taps_destroy(n->taps);
    mem_free(NULL, n->tapped);
    built_clear(&n->infer);
    built_clear(&n->training);
    soma_store_destroy(n->store);
    spec_destroy(n->spec);
    for (size_t i = 0; i < SETS; i++) {
        mem_free(NULL, n->sets[i].x);
        mem_free(NULL, n->sets[i].targets);
    }
    mem_free(NULL, n->slopes);
    mem_free(NULL, n->order);
    mem_free(NULL, n->batch_x);
    mem_free(NULL, n->batch_targets);
    mem_free(NULL, n->text);
    mem_free(NULL, n);
}

const char *network_text(const network *n) { return n->text; }
int network_outputs(const network *n) { return (int)n->outputs; }
int network_meaning(const network *n) { return (int)n->meaning; }

/* ---- Parameters -------------------------------------------------------------------------------------------------- */

size_t network_parameters(const network *n) { return n->parameters; }
const char *network_parameter_name(const network *n, size_t index) { return soma_store_name(n->store, index); }

int network_parameter_shape(const network *n, const char *name, int32_t *dims) {
    for (size_t i = 0; i < n->parameters; i++) {
        if (strcmp(soma_store_name(n->store, i), name) != 0) continue;
        soma_shape shape = soma_store_shape(n->store, name);
        for (int d = 0; d < shape.rank; d++) dims[d] = (int32_t)shape.dims[d];
        return shape.rank;
    }
    return -1;
}

int network_parameter_get(const network *n, const char *name, float *values, size_t count, soma_error *error) {
    return soma_store_get(n->store, name, values, count, error);
}

int network_parameter_set(network *n, const char *name, const float *values, size_t count, soma_error *error) {
    return soma_store_set(n->store, name, values, count, error);
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

int network_predict(network *n, const float *x, size_t rows, float *out, soma_error *error) {
    for (size_t done = 0; done < rows;) {
        size_t count = rows - done < ANSWER_ROWS ? rows - done : ANSWER_ROWS, elements = count * (size_t)n->outputs;
        if (soma_run_bind(n->answer.run, n->infer.x, x + done * n->sample_size, (int64_t)count, error) ||
            soma_run_step(n->answer.run, error) ||
            soma_run_get(n->answer.run, n->infer.answer, out + done * (size_t)n->outputs, elements, error))
            return error->code;
        done += count;
    }
    return SOMA_OK;
}
