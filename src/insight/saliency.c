/* insight/saliency.c: the gradient of a class's score with respect to the input (Simonyan, Vedaldi and Zisserman 2013,
 * "Deep Inside Convolutional Networks"). Samples do not mix in a network that answers, so the gradient of the sum of
 * one score a sample, picked by the input "soma.class", is the gradient of each sample's own; one plan serves every
 * class. */
#include "insight/insight.h"

#include <math.h>

struct soma_saliency {
    const soma_context *context;
    soma_graph *graph;
    soma_plan *plan;
    soma_run *run;
    soma_value input, chosen, gradient;
    int64_t classes;
};

static int check(soma_value scores, soma_value input, soma_error *error) {
    char text[SHAPE_TEXT];
    soma_shape shape = soma_value_shape(scores);
    if (!scores.graph || scores.graph != input.graph || !value_ok(scores) || !value_ok(input))
        return error_set(error, SOMA_ERROR_ARGUMENT, "saliency: scores and input are not values of one graph");
    if (value_node(input)->op != &op_input || soma_value_dtype(input) != SOMA_FLOAT || soma_value_shape(input).rank < 1)
        return error_set(error, SOMA_ERROR_ARGUMENT, "saliency: the input is not a float input [N, …] of the graph");
    if (shape.rank != 2 || soma_value_dtype(scores) != SOMA_FLOAT)
        return error_set(error, SOMA_ERROR_ARGUMENT, "saliency: the scores are %s, expected floats of [N, classes]",
                         shape_text(&shape, text));
    return SOMA_OK;
}

soma_saliency *soma_saliency_create(soma_value scores, soma_value input, soma_plan_options options, soma_error *error) {
    if (check(scores, input, error)) return NULL;
    const soma_context *c = scores.graph->context;
    soma_saliency *s = mem_zeros(c, 1, sizeof *s);
    if (!s) {
        error_memory(error);
        return NULL;
    }
    s->context = c;
    s->classes = soma_value_shape(scores).dims[1];
    s->graph = graph_copy(scores.graph, error);
    if (!s->graph) goto failed;
    soma_value of = twin_of(scores, s->graph);
    s->input = twin_of(input, s->graph);
    s->chosen = soma_input_int64(s->graph, "soma.class", soma_shape1(soma_value_shape(scores).dims[0]));
    soma_value sum = soma_sum(soma_mul(of, soma_one_hot(s->chosen, s->classes)));
    if (soma_gradient(sum, &s->input, 1, &s->gradient)) {
        error_set(error, s->graph->error.code, "saliency: %s", s->graph->error.message);
        goto failed;
    }
    if (!open_plan(&s->gradient, 1, options, &s->plan, &s->run, error)) return s;
failed:
    soma_saliency_destroy(s);
    return NULL;
}

void soma_saliency_destroy(soma_saliency *s) {
    if (!s) return;
    soma_run_destroy(s->run);
    soma_plan_destroy(s->plan);
    soma_graph_destroy(s->graph);
    mem_free(s->context, s);
}

int soma_saliency_get(soma_saliency *s, const float *x, const int64_t *classes, int64_t rows, float *gradients,
                      size_t count, soma_error *error) {
    if (!s || !x || !classes || !gradients || rows < 1)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "saliency: rows, their classes or the place for gradients are missing");
    soma_shape shape = soma_value_shape(s->input);
    int64_t wanted = shape_elements(&shape, rows);
    if (wanted < 0 || (uint64_t)wanted != count)
        return error_set(error, SOMA_ERROR_ARGUMENT, "saliency: the gradient of %lld rows has %lld elements, not %zu",
                         (long long)rows, (long long)wanted, count);
    for (int64_t i = 0; i < rows; i++)
        if (classes[i] < 0 || classes[i] >= s->classes)
            return error_set(error, SOMA_ERROR_ARGUMENT,
                             "saliency: there is no class %lld, the scores are of 0 to %lld", (long long)classes[i],
                             (long long)s->classes - 1);
    int code = soma_run_set(s->run, s->input, x, rows, error);
    if (!code) code = soma_run_set(s->run, s->chosen, classes, rows, error);
    if (!code) code = soma_run_step(s->run, error);
    return code ? code : soma_run_get(s->run, s->gradient, gradients, count, error);
}

int soma_saliency_map(const float *gradients, soma_shape sample, int64_t rows, float *map, size_t count,
                      soma_error *error) {
    char text[SHAPE_TEXT];
    int64_t all = shape_elements(&sample, 1);
    if (!gradients || !map || rows < 1)
        return error_set(error, SOMA_ERROR_ARGUMENT, "saliency: gradients or the place for their map are missing");
    if (sample.rank != 3 || all < 1 || shape_has_batch(&sample))
        return error_set(error, SOMA_ERROR_ARGUMENT, "saliency: a map is of samples [C, H, W], not %s",
                         shape_text(&sample, text));
    int64_t area = all / sample.dims[0];
    if (count % (uint64_t)area || count / (uint64_t)area != (uint64_t)rows)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "saliency: maps of %lld rows have %lld elements each, not %zu in all", (long long)rows,
                         (long long)area, count);
    for (int64_t n = 0; n < rows; n++)
        for (int64_t i = 0; i < area; i++) {
            float most = 0;
            for (int64_t c = 0; c < sample.dims[0]; c++) most = fmaxf(most, fabsf(gradients[n * all + c * area + i]));
            map[n * area + i] = most;
        }
    return SOMA_OK;
}
