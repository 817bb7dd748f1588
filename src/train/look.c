/* train/look.c: what passes through a network at one moment of its training. A few rows go through the network as it
 * trains, with taps on every layer (insight/taps.c): how large the gradients are that reach it, and how many of its
 * units are saturated. Beside that the pictures that are small enough to be written at any time: the filters of a first
 * convolution, and the answers over the plane where samples are points. The plan is the look's own and only reads the
 * store, so the training computes the same bits with it and without. */
#include "train/look.h"

#include "data/loader.h"
#include "insight/insight.h"

#include <math.h>

enum {
    ROWS_TABLE = 256,
    ROWS_PICTURES = 32,
    LAYERS_MOST = 256,
    FILTERS = 32,
    FILTER_SIDE = 16,
    PLANE = 32,
    POINTS = 128
};
/* What the look's plan may take beside the training: little networks fit many times over. */
static const int64_t memory_most = (int64_t)64 << 20;

struct look {
    const soma_model *model;
    const soma_context *context;
    soma_network *network, *answering; /* answering: for the plane; else NULL */
    soma_layer *layers;
    size_t layers_count;
    soma_taps *taps;
    soma_plan *plan, *plane_plan;
    soma_run *run, *plane_run;
    int64_t rows;
    float *x, *y;
    soma_grid grid;
};

/* The rows in the middle of as many equal parts, so that rows sorted by class show all classes. */
static int take_rows(look *l, const train_request *r, soma_error *error) {
    const soma_model *m = l->model;
    size_t rows = (size_t)l->rows, count;
    int64_t elements = shape_elements(&m->sample, 1);
    loader_batch b;
    if (elements < 1 || !size_multiply(rows, (size_t)elements, &count)) return error_memory(error);
    int64_t *order = mem_array(l->context, rows, sizeof *order);
    l->x = mem_array(l->context, count, sizeof *l->x);
    l->y = mem_array(l->context, rows, sizeof *l->y);
    loader *from =
        loader_create((loader_options){.context = l->context, .set = r->set, .rows = rows, .batch = l->rows}, error);
    int code = order && l->x && l->y && from ? SOMA_OK : error_memory(error);
    if (!code) {
        for (size_t i = 0; i < rows; i++) order[i] = r->rows[(2 * i + 1) * r->rows_count / (2 * rows)];
        loader_begin(from, order, rows, 0, 0);
        code = loader_get(from, 0, &b, error);
    }
    if (!code) {
        memcpy(l->x, b.x, count * sizeof *l->x);
        for (size_t i = 0; i < rows; i++) l->y[i] = m->task == SOMA_CLASSIFY ? (float)b.classes[i] : b.targets[i];
    }
    loader_destroy(from);
    mem_free(l->context, order);
    return code;
}

static int find_layers(look *l, soma_error *error) {
    soma_graph *g = soma_network_graph(l->network);
    l->layers_count = soma_graph_layers(g, NULL, 0);
    if (!l->layers_count || l->layers_count > LAYERS_MOST)
        return error_set(error, SOMA_ERROR_ARGUMENT, "look: %zu layers", l->layers_count);
    l->layers = mem_array(l->context, l->layers_count, sizeof *l->layers);
    if (!l->layers) return error_memory(error);
    l->layers_count = soma_graph_layers(g, l->layers, l->layers_count);
    return SOMA_OK;
}

/* A plan of as many rows as fit the memory. */
static int compile(look *l, soma_error *error) {
    soma_value loss = soma_network_loss(l->network);
    soma_plan_options options = soma_network_options(l->network);
    for (;; l->rows /= 2) {
        options.keep = soma_taps_keep(l->taps, &options.keep_count);
        options.max_batch = l->rows;
        l->plan = soma_plan_infer(&loss, 1, options, error);
        if (!l->plan) return error && error->code ? error->code : SOMA_ERROR_INTERNAL;
        if (soma_plan_get_info(l->plan).arena_bytes <= memory_most) break;
        soma_plan_destroy(l->plan);
        l->plan = NULL;
        if (l->rows < 4) return error_set(error, SOMA_ERROR_MEMORY, "look: the network is too large");
    }
    l->run = soma_run_create(l->plan, error);
    return l->run ? SOMA_OK : error && error->code ? error->code : SOMA_ERROR_INTERNAL;
}

static bool are_points(const soma_model *m) { return m->sample.rank == 1 && m->sample.dims[0] == 2; }

/* The range of one feature, and a tenth of it on both sides. */
static void range_of(const look *l, int feature, double *low, double *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t i = 0; i < l->rows; i++) {
        double x = (double)l->x[2 * i + feature];
        if (x < *low) *low = x;
        if (x > *high) *high = x;
    }
    double around = 0.1 * (*high - *low) + 1e-6;
    *low -= around;
    *high += around;
}

static int open_plane(look *l, soma_error *error) {
    if (!are_points(l->model)) return SOMA_OK;
    l->grid = (soma_grid){.columns = PLANE, .rows = PLANE};
    range_of(l, 0, &l->grid.left, &l->grid.right);
    range_of(l, 1, &l->grid.bottom, &l->grid.top);
    if (!isfinite(l->grid.left + l->grid.right + l->grid.top + l->grid.bottom)) return SOMA_OK;
    l->answering = soma_network_create(l->model, false, error);
    if (!l->answering) return error && error->code ? error->code : SOMA_ERROR_INTERNAL;
    soma_value answer = soma_network_answer(l->answering);
    soma_plan_options options = soma_network_options(l->answering);
    options.max_batch = PLANE * PLANE;
    return open_plan(&answer, 1, options, &l->plane_plan, &l->plane_run, error);
}

look *look_create(soma_model *m, const train_request *r, soma_error *error) {
    look *l = mem_zeros(m->context, 1, sizeof *l);
    int64_t most = m->sample.rank == 1 ? ROWS_TABLE : ROWS_PICTURES;
    int code = SOMA_OK;
    if (!l) {
        error_memory(error);
        return NULL;
    }
    l->model = m;
    l->context = m->context;
    l->rows = (int64_t)r->rows_count < most ? (int64_t)r->rows_count : most;
    l->network = soma_network_create(m, true, error);
    if (!l->network) code = error && error->code ? error->code : SOMA_ERROR_INTERNAL;
    if (!code) code = find_layers(l, error);
    if (!code) {
        l->taps =
            soma_taps_create(soma_network_loss(l->network), l->layers, l->layers_count, (soma_taps_options){0}, error);
        code = l->taps ? SOMA_OK : error && error->code ? error->code : SOMA_ERROR_INTERNAL;
    }
    if (!code) code = compile(l, error);
    if (!code) code = take_rows(l, r, error);
    if (!code) code = open_plane(l, error);
    if (!code) return l;
    look_destroy(l);
    return NULL;
}

void look_destroy(look *l) {
    if (!l) return;
    soma_run_destroy(l->run);
    soma_run_destroy(l->plane_run);
    soma_plan_destroy(l->plan);
    soma_plan_destroy(l->plane_plan);
    soma_taps_destroy(l->taps);
    soma_network_destroy(l->network);
    soma_network_destroy(l->answering);
    mem_free(l->context, l->layers);
    mem_free(l->context, l->x);
    mem_free(l->context, l->y);
    mem_free(l->context, l);
}

/* ---- Layers ---------------------------------------------------------------------------------------------------- */

static double root_mean_square(const soma_statistics *s) {
    return s->norm / sqrt((double)(s->count > s->not_finite ? s->count - s->not_finite : 1));
}

static int put_layers(look *l, json_text *j, soma_error *error) {
    json_put_open(j, "layers", '[');
    for (size_t i = 0; i < l->layers_count; i++) {
        soma_tap tap;
        int code = soma_taps_read(l->taps, l->run, i, &tap, error);
        if (code) return code;
        json_put_open(j, NULL, '{');
        json_put_string(j, "name", tap.name);
        json_put_float(j, "value_mean", (float)tap.values.mean);
        json_put_float(j, "value_deviation", (float)tap.values.deviation);
        json_put_float(j, "gradient_norm", (float)tap.gradients.norm);
        json_put_float(j, "gradient_rms", (float)root_mean_square(&tap.gradients));
        json_put_float(j, "saturated", (float)tap.saturated);
        json_put_float(j, "dead", (float)tap.dead);
        json_put_close(j, '}');
    }
    json_put_close(j, ']');
    return SOMA_OK;
}

/* ---- Pictures -------------------------------------------------------------------------------------------------- */

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Bytes in base64 (RFC 4648), since JSON holds text. */
static int put_bytes(json_text *j, const char *key, const uint8_t *bytes, size_t count, const soma_context *context,
                     soma_error *error) {
    char *text = mem_array(context, count / 3 * 4 + 5, 1);
    size_t n = 0;
    if (!text) return error_memory(error);
    for (size_t i = 0; i < count; i += 3) {
        unsigned word = (unsigned)bytes[i] << 16;
        if (i + 1 < count) word |= (unsigned)bytes[i + 1] << 8;
        if (i + 2 < count) word |= bytes[i + 2];
        text[n++] = digits64[word >> 18];
        text[n++] = digits64[word >> 12 & 63];
        text[n++] = '=';
        text[n++] = '=';
        if (i + 1 < count) text[n - 2] = digits64[word >> 6 & 63];
        if (i + 2 < count) text[n - 1] = digits64[word & 63];
    }
    text[n] = 0;
    json_put_string(j, key, text);
    mem_free(context, text);
    return SOMA_OK;
}

/* Numbers as bytes: 0 for the smallest, 255 for the largest; those are put beside. */
static int put_scaled(json_text *j, const float *values, size_t count, const soma_context *context, soma_error *error) {
    uint8_t *bytes = mem_array(context, count, 1);
    double low = INFINITY, high = -INFINITY;
    if (!bytes) return error_memory(error);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) continue;
        if ((double)values[i] < low) low = (double)values[i];
        if ((double)values[i] > high) high = (double)values[i];
    }
    for (size_t i = 0; i < count; i++) {
        double share = high > low && isfinite(values[i]) ? ((double)values[i] - low) / (high - low) : 0.5;
        bytes[i] = (uint8_t)(255 * share + 0.5);
    }
    json_put_float(j, "low", (float)low);
    json_put_float(j, "high", (float)high);
    int code = put_bytes(j, "bytes", bytes, count, context, error);
    mem_free(context, bytes);
    return code;
}

/* The filters of a first convolution over grey or colour pictures, where they are large enough to be looked at. */
static int put_filters(look *l, json_text *j, soma_error *error) {
    const node *product = layer_product(l->layers[0].value, NULL);
    const node *weight = product ? graph_node(soma_network_graph(l->network), product->inputs[1].node) : NULL;
    if (!weight || weight->op != &op_variable || l->model->sample.rank != 3) return SOMA_OK;
    const soma_shape s = soma_store_shape(l->model->store, weight->name);
    if (s.rank != 4 || (s.dims[1] != 1 && s.dims[1] != 3) || s.dims[2] < 3 || s.dims[3] < 3 ||
        s.dims[2] > FILTER_SIDE || s.dims[3] > FILTER_SIDE)
        return SOMA_OK;
    size_t each = (size_t)(s.dims[1] * s.dims[2] * s.dims[3]), all = each * (size_t)s.dims[0];
    int64_t shown = s.dims[0] < FILTERS ? s.dims[0] : FILTERS;
    float *values = mem_array(l->context, all, sizeof *values);
    int code = values ? soma_store_get(l->model->store, weight->name, values, all, error) : error_memory(error);
    if (!code) {
        json_put_open(j, NULL, '{');
        json_put_string(j, "kind", "filters");
        json_put_string(j, "layer", l->layers[0].name);
        json_put_integer(j, "count", shown);
        json_put_integer(j, "of", s.dims[0]);
        json_put_integer(j, "channels", s.dims[1]);
        json_put_integer(j, "height", s.dims[2]);
        json_put_integer(j, "width", s.dims[3]);
        code = put_scaled(j, values, each * (size_t)shown, l->context, error);
        json_put_close(j, '}');
    }
    mem_free(l->context, values);
    return code;
}

/* Classes: the likeliest of each point and its probability; a number: its value. The first row is the top one. */
static int put_plane(look *l, json_text *j, soma_error *error) {
    size_t outputs = (size_t)l->model->outputs, points = (size_t)PLANE * PLANE;
    bool classes = l->model->task == SOMA_CLASSIFY;
    if (!l->plane_run || outputs > 255) return SOMA_OK;
    float *answers = mem_array(l->context, points * outputs, sizeof *answers);
    uint8_t *winners = mem_array(l->context, points, 1);
    int code = answers && winners ? SOMA_OK : error_memory(error);
    if (!code)
        code = soma_run_grid(l->plane_run, soma_network_input(l->answering), soma_network_answer(l->answering), l->grid,
                             answers, points * outputs, error);
    if (!code) {
        json_put_open(j, NULL, '{');
        json_put_string(j, "kind", "plane");
        json_put_integer(j, "columns", PLANE);
        json_put_integer(j, "rows", PLANE);
        json_put_float(j, "left", (float)l->grid.left);
        json_put_float(j, "right", (float)l->grid.right);
        json_put_float(j, "top", (float)l->grid.top);
        json_put_float(j, "bottom", (float)l->grid.bottom);
        for (size_t i = 0; i < points && classes; i++) {
            size_t best = (size_t)metrics_argmax(answers + i * outputs, (int64_t)outputs);
            winners[i] = (uint8_t)best;
            answers[i] = answers[i * outputs + best];
        }
        if (classes) code = put_bytes(j, "classes", winners, points, l->context, error);
        if (!code) code = put_scaled(j, answers, points, l->context, error);
        json_put_close(j, '}');
    }
    mem_free(l->context, answers);
    mem_free(l->context, winners);
    return code;
}

bool look_points(const look *l, json_text *j) {
    if (!l->plane_run) return false;
    json_put_open(j, "points", '[');
    for (int64_t i = 0; i < l->rows && i < POINTS; i++) {
        json_put_open(j, NULL, '[');
        json_put_float(j, NULL, l->x[2 * i]);
        json_put_float(j, NULL, l->x[2 * i + 1]);
        json_put_float(j, NULL, l->y[i]);
        json_put_close(j, ']');
    }
    json_put_close(j, ']');
    return true;
}

int look_take(look *l, uint64_t seed, json_text *j, soma_error *error) {
    float loss = 0;
    int code = soma_network_set(l->network, l->run, l->x, l->y, l->rows, error);
    soma_run_seed(l->run, seed, 0);
    if (!code) code = soma_run_step(l->run, error);
    if (!code) code = soma_run_get(l->run, soma_network_loss(l->network), &loss, 1, error);
    if (code) return code;
    json_put_integer(j, "rows", l->rows);
    json_put_float(j, "loss", loss);
    code = put_layers(l, j, error);
    if (code) return code;
    json_put_open(j, "pictures", '[');
    code = put_filters(l, j, error);
    if (!code) code = put_plane(l, j, error);
    json_put_close(j, ']');
    return code;
}
