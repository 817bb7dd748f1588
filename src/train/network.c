/* train/network.c: a model's network as a graph: preprocessing, the layers of its specification, and the answer in the
 * user's terms, all of which is saved; and for training and measuring, the loss. A sigmoid's answer is the pair
 * [1 - s, s], so that every classifier has a column a class. Losses are taken from what the specification gives, whose
 * logarithms are stable, in training units. */
#include "graph/graph.h"
#include "nn/zoo.h"
#include "train/defaults.h"
#include "train/model.h"

#include <stdio.h>

const char symmetric_reason[] =
    "hidden weights that all start with one constant get equal gradients and stay equal, so that a layer acts as one "
    "neuron";

/* The network named or chosen, parsed; and its head. */
int model_resolve(soma_model *m, int64_t outputs, int64_t rows, char *note, size_t note_size, soma_error *error) {
    bool classify = m->task == SOMA_CLASSIFY;
    char chosen[DEFAULT_TEXT];
    if (note && note_size) *note = 0;
    spec_destroy(m->spec);
    m->spec = NULL;
    const char *text = m->spec_text ? m->spec_text : default_network(m->sample, rows, chosen);
    m->spec = spec_open_for(m->context, text, classify, outputs, &m->head, error);
    if (!m->spec) return error && error->code ? error->code : SOMA_ERROR_ARGUMENT;
    m->outputs = classify ? m->head.outputs : 1;
    m->sigmoid = m->head.output == SPEC_SIGMOID;
    if (note && m->head.appended && m->spec_text)
        snprintf(note, note_size, "the network gets the output layer \"%s\"", m->head.text);
    return SOMA_OK;
}

/* [N, 1] -> [N, 2] */
static soma_value both_classes(soma_value sigmoid) {
    soma_value pair[2] = {soma_sub(soma_scalar(sigmoid.graph, 1), sigmoid), sigmoid};
    return soma_concat(pair, 2, 1);
}

/* Frozen variables are left out of what an optimizer updates. */
static void freeze(const soma_model *m, soma_graph *g) {
    for (size_t i = 0; i < m->presets_count; i++) {
        soma_value v = graph_find(g, &op_variable, m->presets[i].name);
        const node *n = m->presets[i].frozen ? value_node(v) : NULL;
        if (n) ((variable_attributes *)n->attributes)->trainable = false;
    }
}

/* Pictures mixed by mixup are as much of one target as of the other: share L(t) + (1 - share) L(next), which for
 * cross-entropy is the loss of a target of probabilities. */
static void mix_losses(const soma_model *m, network *n) {
    soma_value other = spec_loss(m->spec, n->raw, m->class_weights, "t_next", &n->next_target);
    n->share = soma_input_scalar(n->graph, "mix_share", 1);
    soma_value rest = soma_sub(soma_scalar(n->graph, 1), n->share);
    n->loss = soma_add(soma_mul(n->loss, n->share), soma_mul(other, rest));
}

int network_build(const soma_model *m, bool training, bool with_loss, network *n, soma_error *error) {
    *n = (network){0};
    soma_graph *g = n->graph = soma_graph_create_in(m->context);
    if (!g) return error_memory(error);
    soma_graph_set_training(g, training);
    soma_shape shape = {m->sample.rank + 1, {SOMA_BATCH}};
    for (int i = 0; i < m->sample.rank; i++) shape.dims[i + 1] = m->sample.dims[i];
    spec_options options = {.init_given = m->init_given, .init = m->init};
    n->x = soma_input(g, "x", shape);
    n->raw = spec_build(m->spec, preprocess_build(&m->preprocess, n->x), &options);
    if (m->task == SOMA_REGRESS)
        n->answer = preprocess_build_answer(&m->preprocess, n->raw);
    else
        n->answer = m->sigmoid ? both_classes(n->raw) : n->raw;
    if (with_loss) n->loss = spec_loss(m->spec, n->raw, m->class_weights, "t", &n->target);
    if (with_loss && training && m->mixed) mix_losses(m, n);
    freeze(m, g);
    const soma_error *mistake = soma_graph_error(g);
    if (!mistake->code && value_ok(n->answer) && (!with_loss || value_ok(n->loss))) return SOMA_OK;
    int code = mistake->code ? error_set(error, mistake->code, "%s", mistake->message)
                             : error_set(error, SOMA_ERROR_INTERNAL, "the network could not be built");
    network_clear(n);
    return code;
}

/* The pair [1 - s, s] of a sigmoid would lose what a stable logarithm needs, so s itself is looked up behind it. */
void network_add_loss(const soma_model *m, network *n) {
    const node *pair = m->sigmoid ? value_node(n->answer) : NULL;
    soma_value sigmoid = {n->graph, 0, 0};
    if (pair && pair->inputs_count == 2) sigmoid = graph_value(n->graph, pair->inputs[1]);
    const node *inner = value_node(sigmoid);
    soma_shape column = soma_shape2(SOMA_BATCH, 1), has = soma_value_shape(sigmoid);
    if (m->task == SOMA_REGRESS) {
        n->target = soma_input(n->graph, "soma.target", soma_value_shape(n->answer));
        n->loss = soma_mse_loss(n->answer, n->target);
    } else if (inner && inner->op->logit_of && shape_equal(&has, &column)) {
        n->target = soma_input(n->graph, "soma.target", column);
        n->loss = soma_binary_cross_entropy(sigmoid, n->target);
    } else {
        soma_cross_entropy_options plain = {0};
        n->target = soma_input_int64(n->graph, "soma.target", soma_shape1(SOMA_BATCH));
        n->loss = soma_cross_entropy(n->answer, n->target, plain);
    }
}

void network_clear(network *n) {
    soma_graph_destroy(n->graph);
    *n = (network){0};
}
