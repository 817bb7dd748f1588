/* wasm/looking.c: what happens inside a network: its layers' outputs, its gradients, and its loss as a landscape over
 * two of its parameters. */
#include "graph/graph.h"
#include "network.h"

/* ---- Layers ------------------------------------------------------------------------------------------------------ */

int network_look(network *n, const float *x, size_t rows, soma_error *error) {
    soma_value keep[LAYERS_MAX];
    for (size_t i = 0; i < n->layers_count; i++) keep[i] = n->layers[i].output;
    soma_plan_options options = {
        .max_batch = (int64_t)rows, .store = n->store, .threads = 1, .keep = keep, .keep_count = n->layers_count};
    if (n->look.rows < (int64_t)rows && part_make(&n->look, &n->infer.answer, 1, options, error)) return error->code;
    return soma_run_set(n->look.run, n->infer.x, x, (int64_t)rows, error) || soma_run_step(n->look.run, error)
               ? error->code
               : SOMA_OK;
}

size_t network_layers(const network *n) { return n->layers_count; }
const char *network_layer_text(const network *n, size_t layer) { return n->layers[layer].text; }

int network_layer_shape(const network *n, size_t layer, int32_t *dims) {
    soma_shape shape = soma_value_shape(n->layers[layer].output);
    for (int i = 1; i < shape.rank; i++) dims[i - 1] = (int32_t)shape.dims[i];
    return shape.rank - 1;
}

int network_layer_get(network *n, size_t layer, float *values, size_t count, soma_error *error) {
    return soma_run_get(n->look.run, n->layers[layer].output, values, count, error);
}

/* ---- Gradients --------------------------------------------------------------------------------------------------- */

/* Adds the gradients to the graph of answers when they are first asked for. */
static int make_slopes(network *n, size_t rows, soma_error *error) {
    size_t count = 0;
    soma_value *outputs = mem_array(NULL, n->parameters + 1, sizeof *outputs);
    soma_value *variables = mem_array(NULL, n->parameters + 1, sizeof *variables);
    int code = outputs && variables ? SOMA_OK : error_memory(error);
    if (!code && !n->slopes) {
        n->slopes = mem_zeros(NULL, n->parameters + 1, sizeof *n->slopes);
        if (!n->slopes) code = error_memory(error);
        for (size_t i = 0; !code && i < n->parameters; i++) {
            const char *name = soma_store_name(n->store, i);
            if (soma_store_trainable(n->store, name))
                variables[count++] = graph_find(n->infer.graph, &op_variable, name);
        }
        if (!code && soma_gradient(n->infer.loss, variables, (int)count, outputs))
            code = error_set(error, SOMA_ERROR_INTERNAL, "%s", soma_graph_error(n->infer.graph)->message);
        count = 0;
        for (size_t i = 0; !code && i < n->parameters; i++)
            if (soma_store_trainable(n->store, soma_store_name(n->store, i))) n->slopes[i] = outputs[count++];
    }
    count = 0;
    if (!code) outputs[count++] = n->infer.loss;
    for (size_t i = 0; !code && i < n->parameters; i++)
        if (n->slopes[i].node) outputs[count++] = n->slopes[i];
    soma_plan_options options = {.max_batch = (int64_t)rows, .store = n->store, .threads = 1};
    if (!code) code = part_make(&n->slope, outputs, count, options, error);
    mem_free(NULL, outputs);
    mem_free(NULL, variables);
    return code;
}

int network_differentiate(network *n, const float *x, const float *targets, size_t rows, double *loss,
                          soma_error *error) {
    if (n->slope.rows < (int64_t)rows && make_slopes(n, rows, error)) return error->code;
    void *converted = mem_array(NULL, rows, n->target_size);
    if (!converted) return error_memory(error);
    targets_convert(n, targets, rows, converted);
    if (!soma_run_set(n->slope.run, n->infer.x, x, (int64_t)rows, error) &&
        !soma_run_set(n->slope.run, n->infer.target, converted, (int64_t)rows, error))
        soma_run_step(n->slope.run, error);
    mem_free(NULL, converted);
    return error->code ? error->code : soma_run_get_double(n->slope.run, n->infer.loss, loss, 1, error);
}

int network_gradient_get(network *n, const char *name, float *values, size_t count, soma_error *error) {
    for (size_t i = 0; n->slopes && i < n->parameters; i++)
        if (!strcmp(soma_store_name(n->store, i), name) && n->slopes[i].node)
            return soma_run_get(n->slope.run, n->slopes[i], values, count, error);
    return error_set(error, SOMA_ERROR_ARGUMENT, "there is no gradient of '%s'", name);
}

/* ---- The loss over two parameters -------------------------------------------------------------------------------- */

/* One element of a parameter, and all of it, to put back. */
typedef struct knob {
    const char *name;
    float *values, before;
    size_t count, index;
} knob;

static int knob_open(const network *n, knob *k, soma_error *error) {
    int32_t dims[SOMA_MAX_RANK];
    int rank = network_parameter_shape(n, k->name, dims);
    if (rank < 0) return error_set(error, SOMA_ERROR_ARGUMENT, "there is no parameter '%s'", k->name);
    k->count = 1;
    for (int i = 0; i < rank; i++) k->count *= (size_t)dims[i];
    if (k->index >= k->count) return error_set(error, SOMA_ERROR_ARGUMENT, "'%s' has no such element", k->name);
    k->values = mem_array(NULL, k->count, sizeof *k->values);
    if (!k->values) return error_memory(error);
    if (soma_store_get(n->store, k->name, k->values, k->count, error)) return error->code;
    k->before = k->values[k->index];
    return SOMA_OK;
}

/* Both knobs may be elements of one parameter: the other one's present value is read before it is written. */
static int knob_turn(network *n, knob *k, double value, soma_error *error) {
    if (soma_store_get(n->store, k->name, k->values, k->count, error)) return error->code;
    k->values[k->index] = (float)value;
    return soma_store_set(n->store, k->name, k->values, k->count, error);
}

int network_surface(network *n, const char *first, size_t first_index, const char *second, size_t second_index,
                    const double *range, size_t steps, float *out, soma_error *error) {
    knob a = {.name = first, .index = first_index}, b = {.name = second, .index = second_index};
    double last = steps > 1 ? (double)(steps - 1) : 1, measured[2];
    if (!knob_open(n, &a, error) && !knob_open(n, &b, error)) {
        for (size_t i = 0; i < steps && !error->code; i++) {
            knob_turn(n, &b, range[2] + (range[3] - range[2]) * (double)i / last, error);
            for (size_t k = 0; k < steps && !error->code; k++) {
                if (knob_turn(n, &a, range[0] + (range[1] - range[0]) * (double)k / last, error) ||
                    network_measure(n, 0, measured, error))
                    break;
                out[i * steps + k] = (float)measured[0];
            }
        }
        soma_error later = {0}; /* the values are put back in any case */
        knob_turn(n, &a, (double)a.before, &later);
        knob_turn(n, &b, (double)b.before, &later);
    }
    mem_free(NULL, a.values);
    mem_free(NULL, b.values);
    return error->code;
}
