/* train/inside.c: a model opened for looking inside: its network in a graph of its own, over the model's weights. A
 * model that was trained here is built again from its specification; of one that was loaded the graph is copied. What
 * the caller adds (gradients, taps) so never reaches the graph that answers. */
#include "graph/graph.h"
#include "train/model.h"

struct soma_network {
    const soma_model *model;
    network network;
    soma_value scores;
};

/* A loaded network. Its answers are in the user's terms, and so is the loss of a regression. */
static int copy_imported(const soma_model *m, network *n, soma_error *error) {
    const network *from = &m->network;
    *n = (network){.graph = graph_copy(from->graph, error)};
    if (!n->graph) return error && error->code ? error->code : SOMA_ERROR_MEMORY;
    n->x = (soma_value){n->graph, from->x.node, from->x.output};
    n->answer = n->raw = (soma_value){n->graph, from->answer.node, from->answer.output};
    if (from->loss.node) { /* it was measured before */
        n->target = (soma_value){n->graph, from->target.node, from->target.output};
        n->loss = (soma_value){n->graph, from->loss.node, from->loss.output};
    } else {
        network_add_loss(m, n);
    }
    if (!n->graph->error.code) return SOMA_OK;
    int code = error_set(error, n->graph->error.code, "%s", n->graph->error.message);
    network_clear(n);
    return code;
}

/* What stands before the softmax, or before the sigmoid of a pair [1 - s, s]. */
static soma_value find_scores(const soma_model *m, const network *n) {
    const node *last = value_node(n->answer);
    if (m->task != SOMA_CLASSIFY) return n->answer;
    if (m->sigmoid && last->inputs_count == 2) {
        const node *s = graph_node(n->graph, last->inputs[1].node);
        if (!s->op->logit_of) return n->answer;
        soma_value odds = s->op->logit_of(n->graph, s), pair[2] = {soma_neg(odds), odds};
        return soma_concat(pair, 2, 1);
    }
    bool softmax = last->op->log_of && !last->op->logit_of;
    return softmax ? graph_value(n->graph, last->inputs[0]) : n->answer;
}

soma_network *soma_network_create(const soma_model *m, bool training, soma_error *error) {
    if (!m || !m->store) {
        error_set(error, SOMA_ERROR_ARGUMENT,
                  m ? "network: the model has not been trained yet" : "network: there is no model");
        return NULL;
    }
    if (training && m->imported) {
        error_set(error, SOMA_ERROR_ARGUMENT,
                  "network: the model was loaded, and its file holds no network that trains");
        return NULL;
    }
    soma_network *opened = mem_zeros(m->context, 1, sizeof *opened);
    if (!opened) {
        error_memory(error);
        return NULL;
    }
    soma_model plain = *m; /* one target, also while it trains on mixed pictures */
    plain.mixed = false;
    opened->model = m;
    if (m->imported ? copy_imported(m, &opened->network, error)
                    : network_build(&plain, training, true, &opened->network, error)) {
        mem_free(m->context, opened);
        return NULL;
    }
    opened->scores = find_scores(m, &opened->network);
    return opened;
}

void soma_network_destroy(soma_network *n) {
    if (!n) return;
    const soma_context *c = n->network.graph->context;
    network_clear(&n->network);
    mem_free(c, n);
}

static const soma_value nothing = {NULL, 0, 0};

soma_graph *soma_network_graph(const soma_network *n) { return n ? n->network.graph : NULL; }
soma_value soma_network_input(const soma_network *n) { return n ? n->network.x : nothing; }
soma_value soma_network_answer(const soma_network *n) { return n ? n->network.answer : nothing; }
soma_value soma_network_scores(const soma_network *n) { return n ? n->scores : nothing; }
soma_value soma_network_loss(const soma_network *n) { return n ? n->network.loss : nothing; }

soma_plan_options soma_network_options(const soma_network *n) {
    soma_plan_options options = {0};
    if (!n) return options;
    options.store = n->model->store;
    options.threads = n->model->threads;
    options.backend = n->model->backend;
    options.algorithm = n->model->algorithm;
    return options;
}

/* Targets as the loss takes them: class indices, or floats: the second class's probability, or a number in the units of
 * the loss. */
static int set_targets(const soma_network *n, soma_run *run, const float *y, const int64_t *classes, int64_t rows,
                       soma_error *error) {
    const soma_model *m = n->model;
    soma_value target = n->network.target;
    if (soma_value_dtype(target) == SOMA_INT64) return soma_run_set(run, target, classes, rows, error);
    float *units = mem_array(m->context, (size_t)rows, sizeof *units);
    if (!units) return error_memory(error);
    for (int64_t i = 0; i < rows; i++)
        units[i] =
            m->task == SOMA_REGRESS && !m->imported ? (float)preprocess_target(&m->preprocess, (double)y[i]) : y[i];
    int code = soma_run_set(run, target, units, rows, error);
    mem_free(m->context, units);
    return code;
}

int soma_network_set(const soma_network *n, soma_run *run, const float *x, const float *y, int64_t rows,
                     soma_error *error) {
    if (!n || !run) return error_set(error, SOMA_ERROR_ARGUMENT, "network: network or run are missing");
    const soma_model *m = n->model;
    soma_dataset set = {0};
    int64_t *classes = mem_array(m->context, rows > 0 ? (size_t)rows : 0, sizeof *classes);
    if (!classes) return error_memory(error);
    int code = set_of_arrays(m, x, y, rows, classes, &set, error);
    if (!code) code = soma_run_set(run, n->network.x, x, rows, error);
    if (!code && y) code = set_targets(n, run, y, classes, rows, error);
    mem_free(m->context, classes);
    return code;
}
