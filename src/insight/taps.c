/* insight/taps.c: what passes through layers while a network trains: their outputs, and the gradient that comes back.
 * Three values a layer, all of them nodes that the training plan computes and keeps: the output, the gradient of the
 * loss with respect to the value before the activation, and the activation's slope there. The slope is the gradient of
 * the sum of the outputs, since an element-wise function's output depends on its own element alone; so no activation
 * needs to be known here to say where it is saturated. Glorot and Bengio 2010. */
#include "insight/insight.h"

#include <math.h>

/* Below this slope an element hardly learns: tanh beyond 0.995, sigmoid outside 0.0101 .. 0.9899, ReLU that is off. */
static const double flat = 0.01;

typedef struct tapped {
    soma_layer layer;
    soma_value gradient;
    soma_value slope; /* without a node: no activation */
} tapped;

struct soma_taps {
    const soma_context *context;
    soma_taps_options options;
    tapped *layers;
    size_t count;
    soma_value *keep;
    size_t keep_count;
    double *values; /* work space of a read */
    size_t capacity;
};

static bool same(soma_value a, soma_value b) { return a.node == b.node && a.output == b.output; }

static int check(soma_value loss, const soma_layer *layers, size_t count, soma_error *error) {
    const soma_error *mistake = soma_graph_error(loss.graph);
    if (mistake->code) return error_set(error, mistake->code, "%s", mistake->message);
    if (!value_ok(loss) || soma_value_shape(loss).rank != 0)
        return error_set(error, SOMA_ERROR_ARGUMENT, "taps: the loss is not a scalar of a graph");
    if (!layers || !count || count > INT32_MAX)
        return error_set(error, SOMA_ERROR_ARGUMENT, "taps: at least one layer is needed");
    for (size_t i = 0; i < count; i++)
        if (layers[i].value.graph != loss.graph || layers[i].output.graph != loss.graph || !value_ok(layers[i].value) ||
            !value_ok(layers[i].output) || soma_value_dtype(layers[i].value) != SOMA_FLOAT)
            return error_set(error, SOMA_ERROR_ARGUMENT, "taps: layer %zu is not one of the loss's graph", i + 1);
    return SOMA_OK;
}

static int add_nodes(soma_taps *t, soma_value loss, soma_error *error) {
    soma_value *values = mem_array(t->context, t->count, sizeof *values);
    soma_value *gradients = mem_array(t->context, t->count, sizeof *gradients);
    int code = values && gradients ? SOMA_OK : error_memory(error);
    if (code) goto done;
    for (size_t i = 0; i < t->count; i++) values[i] = t->layers[i].layer.value;
    code = soma_gradient(loss, values, (int)t->count, gradients);
    for (size_t i = 0; i < t->count && !code; i++) {
        tapped *l = &t->layers[i];
        l->gradient = gradients[i];
        t->keep[t->keep_count++] = l->layer.output;
        t->keep[t->keep_count++] = l->gradient;
        if (same(l->layer.output, l->layer.value)) continue;
        code = soma_gradient(soma_sum(l->layer.output), &l->layer.value, 1, &l->slope);
        t->keep[t->keep_count++] = l->slope;
    }
    if (code) code = error_set(error, code, "%s", soma_graph_error(loss.graph)->message);
done:
    mem_free(t->context, values);
    mem_free(t->context, gradients);
    return code;
}

soma_taps *soma_taps_create(soma_value loss, const soma_layer *layers, size_t count, soma_taps_options options,
                            soma_error *error) {
    if (check(loss, layers, count, error)) return NULL;
    const soma_context *c = loss.graph->context;
    soma_taps *t = mem_zeros(c, 1, sizeof *t);
    if (!t) {
        error_memory(error);
        return NULL;
    }
    t->context = c;
    t->options = options;
    t->count = count;
    if (!(options.gradients.low < options.gradients.high)) t->options.gradients.logarithmic = true;
    t->layers = mem_zeros(c, count, sizeof *t->layers);
    t->keep = mem_array(c, 3 * count, sizeof *t->keep);
    if (!t->layers || !t->keep) {
        error_memory(error);
        goto failed;
    }
    for (size_t i = 0; i < count; i++) t->layers[i].layer = layers[i];
    if (!add_nodes(t, loss, error)) return t;
failed:
    soma_taps_destroy(t);
    return NULL;
}

void soma_taps_destroy(soma_taps *t) {
    if (!t) return;
    mem_free(t->context, t->layers);
    mem_free(t->context, t->keep);
    mem_free(t->context, t->values);
    mem_free(t->context, t);
}

const soma_value *soma_taps_keep(const soma_taps *t, size_t *count) {
    if (count) *count = t ? t->keep_count : 0;
    return t ? t->keep : NULL;
}

/* The value of the last step in the work space. */
static int fetch(soma_taps *t, soma_run *run, soma_value value, soma_shape *shape, soma_error *error) {
    *shape = soma_run_shape(run, value);
    int64_t count = shape_elements(shape, 1);
    if (count < 0) return error_memory(error);
    if ((size_t)count > t->capacity || !t->values) {
        mem_free(t->context, t->values);
        t->capacity = 0;
        t->values = mem_array(t->context, (size_t)count + 1, sizeof *t->values);
        if (!t->values) return error_memory(error);
        t->capacity = (size_t)count;
    }
    return soma_run_get_double(run, value, t->values, (size_t)count, error);
}

/* [N, units] or [N, C, …] of slopes: the share of flat elements, and of units that are flat throughout. */
static void judge_slopes(const double *slopes, const soma_shape *shape, soma_tap *tap) {
    int64_t samples = shape->rank > 1 ? shape->dims[0] : 1, all = shape_elements(shape, 1), saturated = 0, dead = 0;
    int64_t units = shape->rank > 1 ? shape->dims[1] : all, area = samples && units ? all / samples / units : 0;
    if (!all) return;
    for (int64_t u = 0; u < units; u++) {
        int64_t here = 0;
        for (int64_t n = 0; n < samples; n++)
            for (int64_t i = 0; i < area; i++) here += fabs(slopes[(n * units + u) * area + i]) < flat;
        saturated += here;
        dead += here == samples * area;
    }
    tap->saturated = (double)saturated / (double)all;
    tap->dead = (double)dead / (double)units;
}

int soma_taps_read(soma_taps *t, soma_run *run, size_t index, soma_tap *tap, soma_error *error) {
    soma_shape shape;
    if (!t || !run || !tap)
        return error_set(error, SOMA_ERROR_ARGUMENT, "taps: taps, run or the place for the result are missing");
    if (index >= t->count)
        return error_set(error, SOMA_ERROR_ARGUMENT, "taps: there is no layer number %zu, the first of %zu is 0", index,
                         t->count);
    const tapped *l = &t->layers[index];
    soma_tap result = {.name = l->layer.name, .saturated = NAN, .dead = NAN};
    int code = fetch(t, run, l->layer.output, &shape, error);
    if (code) return code;
    result.values = statistics_of(t->values, (size_t)shape_elements(&shape, 1), t->options.values);
    code = fetch(t, run, l->gradient, &shape, error);
    if (code) return code;
    result.gradients = statistics_of(t->values, (size_t)shape_elements(&shape, 1), t->options.gradients);
    if (l->slope.node) {
        code = fetch(t, run, l->slope, &shape, error);
        if (code) return code;
        judge_slopes(t->values, &shape, &result);
    }
    *tap = result;
    return SOMA_OK;
}
