/* wasm/taps.c: what passes through a network's layers: taps on the graph of answers, so that looking takes no step. */
#include "network.h"

static int find_layers(network *n, soma_error *error) {
    n->taps_count = soma_graph_layers(n->infer.graph, NULL, 0);
    n->tapped = mem_zeros(NULL, n->taps_count + 1, sizeof *n->tapped);
    if (!n->tapped) return error_memory(error);
    soma_graph_layers(n->infer.graph, n->tapped, n->taps_count);
    return SOMA_OK;
}

/* Taps and their plan are made when they are first asked for, and again for more rows or other bins. */
static int make_taps(network *n, size_t rows, soma_bins bins, soma_error *error) {
    bool same = n->taps && n->taps_bins.low == bins.low && n->taps_bins.high == bins.high;
    if (same && n->tap.rows >= (int64_t)rows) return SOMA_OK;
    if (!n->tapped && find_layers(n, error)) return error->code;
    part_clear(&n->tap);
    if (!same) {
        soma_taps_destroy(n->taps);
        n->taps_bins = bins;
        n->taps = soma_taps_create(n->infer.loss, n->tapped, n->taps_count, (soma_taps_options){.values = bins}, error);
    }
    if (!n->taps) return error->code;
    soma_plan_options plan = {.max_batch = (int64_t)rows, .store = n->store, .threads = 1};
    plan.keep = soma_taps_keep(n->taps, &plan.keep_count);
    return part_make(&n->tap, &n->infer.loss, 1, plan, error);
}

int network_tap(network *n, const float *x, const float *targets, size_t rows, const double *bins, soma_error *error) {
    soma_bins values = {0};
    if (bins[0] < bins[1]) values = (soma_bins){.low = bins[0], .high = bins[1]};
    if (make_taps(n, rows, values, error)) return error->code;
    void *converted = mem_array(NULL, rows, n->target_size);
    if (!converted) return error_memory(error);
    targets_convert(n, targets, rows, converted);
    if (!soma_run_set(n->tap.run, n->infer.x, x, (int64_t)rows, error) &&
        !soma_run_set(n->tap.run, n->infer.target, converted, (int64_t)rows, error))
        soma_run_step(n->tap.run, error);
    mem_free(NULL, converted);
    return error->code;
}

size_t network_taps(const network *n) { return n->taps_count; }
const char *network_tap_name(const network *n, size_t tap) { return n->tapped[tap].name; }

static void write_statistics(const soma_statistics *s, double *numbers) {
    numbers[STATISTIC_COUNT] = (double)s->count;
    numbers[STATISTIC_NOT_FINITE] = (double)s->not_finite;
    numbers[STATISTIC_MIN] = s->min;
    numbers[STATISTIC_MAX] = s->max;
    numbers[STATISTIC_MEAN] = s->mean;
    numbers[STATISTIC_DEVIATION] = s->deviation;
    numbers[STATISTIC_NORM] = s->norm;
    numbers[STATISTIC_ZEROS] = s->zeros;
    numbers[STATISTIC_LOW] = s->bins.low;
    numbers[STATISTIC_HIGH] = s->bins.high;
    for (size_t i = 0; i < SOMA_BINS; i++) numbers[STATISTIC_HISTOGRAM + i] = (double)s->histogram[i];
}

int network_tap_get(network *n, size_t tap, double *numbers, soma_error *error) {
    soma_tap t;
    if (soma_taps_read(n->taps, n->tap.run, tap, &t, error)) return error->code;
    write_statistics(&t.values, numbers + TAP_VALUES);
    write_statistics(&t.gradients, numbers + TAP_GRADIENTS);
    numbers[TAP_SATURATED] = t.saturated;
    numbers[TAP_DEAD] = t.dead;
    return SOMA_OK;
}
