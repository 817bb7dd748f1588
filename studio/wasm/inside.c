/* wasm/inside.c: a network, or a model from a file, opened for looking inside with soma/insight.h: what each layer read
 * and computed for a sample, one number of a map taken apart, saliency, statistics of values and gradients, and
 * pictures that excite a unit. It reads the weights as they are at each call. Where layers are listed they are those
 * that have weights, as soma_graph_layers finds them; the layers of a specification, pooling among them, are
 * looking.c's. */
#include "graph/graph.h"
#include "network.h"

#include <soma/insight.h>

#include <math.h>

struct inside {
    soma_store *store;
    soma_value input, answer, scores;
    soma_layer *layers;
    size_t count;
    float *sample; /* what was looked at last, one row */
    size_t sample_size, scores_size, answer_size;
    part look;
    soma_saliency *saliency;
    size_t saliency_rows;
};

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static size_t elements_of(soma_value v) {
    soma_shape shape = soma_value_shape(v);
    size_t count = 1;
    for (int i = 1; i < shape.rank; i++) count *= (size_t)shape.dims[i];
    return count;
}

/* What stands before a last softmax or sigmoid: logits. */
static soma_value scores_of(soma_value answer) {
    const node *last = graph_node(answer.graph, answer.node);
    if (last->op->logit_of) return last->op->logit_of(answer.graph, last);
    return last->op->log_of ? graph_value(answer.graph, last->inputs[0]) : answer;
}

static int prepare(inside *in, soma_value input, soma_value answer, soma_store *store, soma_error *error) {
    in->input = input;
    in->answer = answer;
    in->scores = scores_of(answer);
    in->store = store;
    in->sample_size = elements_of(input);
    in->scores_size = elements_of(in->scores);
    in->answer_size = elements_of(answer);
    in->count = soma_graph_layers(input.graph, NULL, 0);
    in->layers = mem_zeros(NULL, in->count + 1, sizeof *in->layers);
    in->sample = mem_zeros(NULL, in->sample_size + 1, sizeof *in->sample);
    if (!in->layers || !in->sample) return error_memory(error);
    soma_graph_layers(input.graph, in->layers, in->count);
    return SOMA_OK;
}

static inside *opened(soma_value input, soma_value answer, soma_store *store, soma_error *error) {
    inside *in = mem_zeros(NULL, 1, sizeof *in);
    if (!in) return error_memory(error), NULL;
    if (!prepare(in, input, answer, store, error)) return in;
    inside_destroy(in);
    return NULL;
}

inside *inside_of_network(const network *n, soma_error *error) {
    return opened(n->infer.x, n->infer.answer, n->store, error);
}

inside *inside_of_model(const model *m, soma_error *error) {
    soma_value input, answer;
    soma_store *store = model_open(m, &input, &answer);
    if (store) return opened(input, answer, store, error);
    error_set(error, SOMA_ERROR_ARGUMENT, "only a model of one input of floats and one output can be looked into");
    return NULL;
}

void inside_destroy(inside *in) {
    if (!in) return;
    part_clear(&in->look);
    soma_saliency_destroy(in->saliency);
    mem_free(NULL, in->layers);
    mem_free(NULL, in->sample);
    mem_free(NULL, in);
}

size_t inside_layers(const inside *in) { return in->count; }
const char *inside_layer_name(const inside *in, size_t layer) { return in->layers[layer].name; }

static int put_sample(soma_value v, int32_t *dims) {
    soma_shape shape = soma_value_shape(v);
    for (int i = 1; i < shape.rank; i++) dims[i - 1] = (int32_t)shape.dims[i];
    return shape.rank - 1;
}

int inside_layer_shape(const inside *in, size_t layer, int which, int32_t *dims) {
    const soma_layer *l = &in->layers[layer];
    soma_value v = which == INSIDE_INPUT ? l->input : which == INSIDE_VALUE ? l->value : l->output;
    return v.node ? put_sample(v, dims) : -1;
}

int inside_sample_shape(const inside *in, int32_t *dims) { return put_sample(in->input, dims); }
size_t inside_scores_count(const inside *in) { return in->scores_size; }

/* ---- One sample -------------------------------------------------------------------------------------------------- */

static int make_look(inside *in, soma_error *error) {
    size_t kept = 0;
    soma_value outputs[2] = {in->answer, in->scores};
    soma_value *keep = mem_array(NULL, 3 * in->count + 1, sizeof *keep);
    if (!keep) return error_memory(error);
    for (size_t i = 0; i < in->count; i++) {
        const soma_layer *l = &in->layers[i];
        keep[kept++] = l->value;
        keep[kept++] = l->output;
        if (l->input.node && l->input.node != in->input.node) keep[kept++] = l->input;
    }
    soma_plan_options options = {.max_batch = 1, .store = in->store, .threads = 1, .keep = keep, .keep_count = kept};
    part_make(&in->look, outputs, COUNT_OF(outputs), options, error);
    mem_free(NULL, keep);
    return error->code;
}

int inside_look(inside *in, const float *x, soma_error *error) {
    if (!in->look.run && make_look(in, error)) return error->code;
    memcpy(in->sample, x, in->sample_size * sizeof *x);
    return soma_run_set(in->look.run, in->input, x, 1, error) || soma_run_step(in->look.run, error) ? error->code
                                                                                                    : SOMA_OK;
}

int inside_get(inside *in, size_t layer, int which, float *values, size_t count, soma_error *error) {
    const soma_layer *l = &in->layers[layer];
    soma_value v = which == INSIDE_INPUT ? l->input : which == INSIDE_VALUE ? l->value : l->output;
    if (!in->look.run || !v.node) return error_set(error, SOMA_ERROR_ARGUMENT, "no sample was looked at yet");
    if (v.node != in->input.node) return soma_run_get(in->look.run, v, values, count, error);
    memcpy(values, in->sample, count * sizeof *values);
    return SOMA_OK;
}

int inside_scores(inside *in, float *scores, double *powers, float *answers, soma_error *error) {
    if (!in->look.run) return error_set(error, SOMA_ERROR_ARGUMENT, "no sample was looked at yet");
    if (soma_run_get(in->look.run, in->scores, scores, in->scores_size, error) ||
        soma_run_get(in->look.run, in->answer, answers, in->answer_size, error))
        return error->code;
    powers[in->scores_size] = 0;
    for (size_t i = 0; i < in->scores_size; i++) {
        powers[i] = exp((double)scores[i]);
        powers[in->scores_size] += powers[i];
    }
    return SOMA_OK;
}

int inside_pixel(inside *in, size_t layer, const int32_t *place, double *products, size_t count, double *pixel,
                 soma_error *error) {
    soma_layer l = in->layers[layer];
    size_t read = l.input.node ? elements_of(l.input) : 0;
    float *input = mem_array(NULL, read + 1, sizeof *input);
    soma_product *taken = mem_array(NULL, count + 1, sizeof *taken);
    soma_pixel p = {0};
    if (!input || !taken) {
        error_memory(error);
        goto end;
    }
    if (inside_get(in, layer, INSIDE_INPUT, input, read, error) ||
        soma_layer_pixel(l, in->store, input, soma_unit_at(place[0], place[1], place[2]), count ? taken : NULL, count,
                         &p, error))
        goto end;
    for (size_t i = 0; i < count; i++) {
        products[3 * i] = taken[i].input;
        products[3 * i + 1] = taken[i].weight;
        products[3 * i + 2] = taken[i].product;
    }
end:
    mem_free(NULL, input);
    mem_free(NULL, taken);
    const double numbers[PIXEL_NUMBERS] = {
        (double)p.channels, (double)p.height, (double)p.width, (double)p.first, (double)p.row, (double)p.column,
        (double)p.down,     (double)p.right,  p.sum,           p.bias,          p.value,       p.output};
    memcpy(pixel, numbers, sizeof numbers);
    return error->code;
}

/* ---- Saliency ---------------------------------------------------------------------------------------------------- */

int inside_saliency(inside *in, const float *x, const int32_t *classes, size_t rows, float *gradients,
                    soma_error *error) {
    if (in->saliency_rows < rows) {
        soma_plan_options options = {.max_batch = (int64_t)rows, .store = in->store, .threads = 1};
        soma_saliency_destroy(in->saliency);
        in->saliency_rows = 0;
        in->saliency = soma_saliency_create(in->scores, in->input, options, error);
        if (!in->saliency) return error->code;
        in->saliency_rows = rows;
    }
    int64_t *wide = mem_array(NULL, rows, sizeof *wide);
    if (!wide) return error_memory(error);
    for (size_t i = 0; i < rows; i++) wide[i] = classes[i];
    soma_saliency_get(in->saliency, x, wide, (int64_t)rows, gradients, rows * in->sample_size, error);
    mem_free(NULL, wide);
    return error->code;
}

/* ---- Feature visualisation --------------------------------------------------------------------------------------- */

soma_feature *inside_feature(inside *in, size_t layer, int channel, const double *s, soma_error *error) {
    soma_feature_options options = {.plan = {.store = in->store, .threads = 1},
                                    .low = s[FEATURE_LOW],
                                    .high = s[FEATURE_HIGH],
                                    .rate = s[FEATURE_RATE],
                                    .noise = s[FEATURE_NOISE],
                                    .decay = s[FEATURE_DECAY],
                                    .jitter = (int64_t)s[FEATURE_JITTER],
                                    .blur = s[FEATURE_BLUR],
                                    .blur_every = (int64_t)s[FEATURE_BLUR_EVERY],
                                    .seed = (uint64_t)s[FEATURE_SEED]};
    return soma_feature_create(in->input, in->layers[layer].value, soma_unit_channel(channel), options, error);
}

void feature_destroy(soma_feature *f) { soma_feature_destroy(f); }

int feature_step(soma_feature *f, size_t steps, double *activation, soma_error *error) {
    return soma_feature_step(f, (int64_t)steps, activation, error);
}

int feature_get(const soma_feature *f, float *picture, size_t count, soma_error *error) {
    return soma_feature_get(f, picture, count, error);
}
