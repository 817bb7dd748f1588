/* nn/spec_head.c: how a network ends. A task needs an output layer of a certain width and activation: softmax over the
 * classes, a sigmoid for two, a plain sum for a number (docs/tutorial.md, chapter 3). A text that ends in it is taken
 * as it is; a text that stops at the last hidden layer gets it appended. */
#include "nn/spec_tree.h"

#include <stdio.h>

/* The end of a network: its last dense where only an activation may follow it. */
typedef struct ending {
    spec_layer *dense; /* NULL: it ends in something else */
    const char *activation;
} ending;

static ending find_ending(const spec *s) {
    ending e = {NULL, NULL};
    size_t i = s->list.count;
    if (i && s->list.layers[i - 1].activation) e.activation = s->list.layers[--i].activation;
    if (i && s->list.layers[i - 1].kind == &layer_dense) e.dense = &s->list.layers[i - 1];
    return e;
}

static const char *activation_of(spec_output output) {
    return output == SPEC_SIGMOID ? op_sigmoid.name : output == SPEC_SOFTMAX ? op_softmax.name : NULL;
}

/* The head that a dense of this width would be. */
static spec_output output_for(bool classify, int64_t width) {
    return !classify ? SPEC_LINEAR : width == 1 ? SPEC_SIGMOID : SPEC_SOFTMAX;
}

int64_t spec_given_outputs(const spec *s, bool classify) {
    ending e = find_ending(s);
    if (!e.dense || (e.activation && e.activation != activation_of(output_for(classify, e.dense->units)))) return 0;
    return classify && e.dense->units == 1 ? 2 : e.dense->units;
}

static bool append_activation(spec *s, const char *activation) {
    spec_layer suffix = {.kind = &layer_activation, .suffix = true, .activation = activation};
    return !activation || spec_append(s->context, &s->list, &suffix);
}

int spec_resolve_head(spec *s, bool classify, int64_t outputs, spec_head *head, soma_error *error) {
    ending e = find_ending(s);
    int64_t usual = classify && outputs == 2 ? 1 : outputs;
    if (outputs < (classify ? 2 : 1))
        return error_set(error, SOMA_ERROR_ARGUMENT, "net: there are %lld %s, at least %d needed", (long long)outputs,
                         classify ? "classes" : "outputs", classify ? 2 : 1);
    bool fits = e.dense && (e.dense->units == usual || e.dense->units == outputs);
    if (e.dense && !e.activation && !fits)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "net: the last layer 'dense %lld' gives %lld outputs but the task has %lld %s; make it "
                         "'dense %lld', or give it an activation to have the output layer added",
                         (long long)e.dense->units, (long long)e.dense->units, (long long)outputs,
                         classify       ? "classes"
                         : outputs == 1 ? "number to predict"
                                        : "numbers to predict",
                         (long long)usual);
    int64_t width = fits ? e.dense->units : usual;
    bool taken = fits && (!e.activation || e.activation == activation_of(output_for(classify, width)));
    if (!taken) width = usual;
    *head = (spec_head){.output = output_for(classify, width), .width = width, .outputs = outputs, .appended = !taken};
    const char *activation = activation_of(head->output);
    snprintf(head->text, sizeof head->text, "dense %lld%s%s", (long long)width, activation ? " " : "",
             activation ? activation : "");
    spec_layer dense = {.kind = &layer_dense, .units = width};
    bool done = taken || spec_append(s->context, &s->list, &dense);
    if (done && !(taken && e.activation)) done = append_activation(s, activation);
    return done ? SOMA_OK : error_memory(error);
}

spec_output spec_meaning(const spec *s) {
    ending e = find_ending(s);
    if (s->list.count && s->list.layers[s->list.count - 1].activation == op_sigmoid.name) return SPEC_SIGMOID;
    return e.dense && !e.activation && e.dense->units == 1 ? SPEC_LINEAR : SPEC_SOFTMAX;
}

soma_value spec_loss(const spec *s, soma_value output, const float *class_weights, const char *name,
                     soma_value *target) {
    soma_graph *g = output.graph;
    spec_output meaning = spec_meaning(s);
    const soma_cross_entropy_options options = {.class_weights = class_weights};
    if (!g || !value_ok(output)) return *target = (soma_value){g, 0, 0};
    if (meaning != SPEC_SOFTMAX) {
        *target = soma_input(g, name, soma_value_shape(output));
        if (meaning != SPEC_SIGMOID) return soma_mse_loss(output, *target);
        return class_weights ? soma_binary_cross_entropy_with(output, *target, options)
                             : soma_binary_cross_entropy(output, *target);
    }
    bool probabilities = s->list.count && s->list.layers[s->list.count - 1].activation == op_softmax.name;
    if (soma_value_shape(output).rank > 2 && !probabilities) output = soma_flatten(output);
    *target = soma_input_int64(g, name, soma_shape1(SOMA_BATCH));
    return probabilities ? soma_cross_entropy(output, *target, options)
                         : soma_softmax_cross_entropy(output, *target, options);
}

static int count_weights(const spec_list *list) {
    int count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const spec_layer *l = &list->layers[i];
        count += (l->kind->flags & LAYER_WEIGHTS) != 0;
        for (size_t b = 0; b < l->branches_count; b++) count += count_weights(&l->branches[b]);
    }
    return count;
}

bool spec_has_hidden(const spec *s) { return count_weights(&s->list) > 1; }
