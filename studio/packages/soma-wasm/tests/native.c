/* tests/native.c: what the native library computes, for the tests of the package to compare with: one line a result,
 * its name and its numbers. The networks are built by the public interface, the data come from the library's points. */
#include "data/generate.h"

#include <soma/soma.h>

#include <stdio.h>

enum { ROWS = 60, STEPS = 20 };

static float x[2 * ROWS], t[ROWS];

typedef struct net {
    soma_graph *graph;
    soma_value x, t, hidden, answer, loss;
} net;

static net build(void) {
    net n = {.graph = soma_graph_create()};
    n.x = soma_input(n.graph, "x", soma_shape2(SOMA_BATCH, 2));
    n.t = soma_input(n.graph, "t", soma_shape2(SOMA_BATCH, 1));
    n.hidden = soma_tanh(soma_dense(n.x, 8));
    n.answer = soma_sigmoid(soma_dense(soma_tanh(soma_dense(n.hidden, 8)), 1));
    n.loss = soma_binary_cross_entropy(n.answer, n.t);
    return n;
}

static void print(const char *name, const float *values, size_t count) {
    printf("%s", name);
    for (size_t i = 0; i < count; i++) printf(" %.9g", (double)values[i]);
    printf("\n");
}

static void print_parameter(const soma_store *store, const char *prefix, const char *name, soma_error *error) {
    float values[64];
    char line[64];
    soma_shape shape = soma_store_shape(store, name);
    size_t count = 1;
    for (int i = 0; i < shape.rank; i++) count *= (size_t)shape.dims[i];
    snprintf(line, sizeof line, "%s.%s", prefix, name);
    if (!soma_store_get(store, name, values, count, error)) print(line, values, count);
}

static const char *const parameters[] = {"dense1.weight", "dense1.bias",   "dense2.weight",
                                         "dense2.bias",   "dense3.weight", "dense3.bias"};
static const int sizes[] = {16, 8, 64, 8, 8, 1};

/* Gradients and a layer's values before any step; then steps on all rows by one optimizer. */
static void inside(soma_store *store, soma_error *error) {
    net n = build();
    soma_value outputs[9], variables[6];
    float values[ROWS * 8];
    for (int i = 0; i < 6; i++) {
        soma_shape shape = soma_store_shape(store, parameters[i]);
        variables[i] = soma_variable(n.graph, parameters[i], shape, SOMA_OPTIONS(soma_init){.value = 0}, true);
    }
    soma_gradient(n.loss, variables, 6, outputs);
    outputs[6] = n.loss, outputs[7] = n.hidden, outputs[8] = n.answer;
    soma_plan *plan =
        soma_plan_infer(outputs, 9, SOMA_OPTIONS(soma_plan_options){.max_batch = ROWS, .store = store}, error);
    soma_run *run = soma_run_create(plan, error);
    soma_run_set(run, n.x, x, ROWS, error);
    soma_run_set(run, n.t, t, ROWS, error);
    soma_run_step(run, error);
    for (int i = 0; i < 6 && !error->code; i++) {
        char line[64];
        snprintf(line, sizeof line, "gradient.%s", parameters[i]);
        if (!soma_run_get(run, outputs[i], values, (size_t)sizes[i], error)) print(line, values, (size_t)sizes[i]);
    }
    if (!soma_run_get(run, n.hidden, values, ROWS * 8, error)) print("hidden", values, ROWS * 8);
    if (!soma_run_get(run, n.answer, values, ROWS, error)) print("answer", values, ROWS);
    if (!soma_run_get(run, n.loss, values, 1, error)) print("loss", values, 1);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_graph_destroy(n.graph);
}

static void train(const char *name, soma_optimizer optimizer, soma_error *error) {
    soma_store *store = soma_store_create(SOMA_OPTIONS(soma_store_options){.seed = 7}, error);
    net n = build();
    soma_plan *plan =
        soma_plan_train(n.loss, optimizer, SOMA_OPTIONS(soma_plan_options){.max_batch = ROWS, .store = store}, error);
    soma_run *run = soma_run_create(plan, error);
    float losses[STEPS] = {0};
    if (optimizer.kind == SOMA_SGD) {
        for (int i = 0; i < 6; i++) print_parameter(store, "start", parameters[i], error);
        inside(store, error);
    }
    soma_run_set(run, n.x, x, ROWS, error);
    soma_run_set(run, n.t, t, ROWS, error);
    for (int i = 0; i < STEPS && !soma_run_step(run, error); i++) soma_run_get(run, n.loss, &losses[i], 1, error);
    char line[64];
    snprintf(line, sizeof line, "%s.losses", name);
    print(line, losses, STEPS);
    for (int i = 0; i < 6; i++) print_parameter(store, name, parameters[i], error);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_graph_destroy(n.graph);
    soma_store_destroy(store);
}

int main(void) {
    soma_error error = {0};
    points_options points = points_defaults(POINTS_SPIRAL);
    for (int i = 0; i < ROWS; i++) {
        points_point p = points_at(&points, i);
        x[2 * i] = (float)p.x, x[2 * i + 1] = (float)p.y, t[i] = (float)p.label;
    }
    print("points", x, sizeof x / sizeof *x);
    soma_optimizer l1 = soma_sgd(0.1);
    l1.l1 = 0.001, l1.weight_decay = 0.01;
    train("sgd", l1, &error);
    train("momentum", soma_momentum(0.05, 0.9), &error);
    train("nesterov", soma_nesterov(0.05, 0.9), &error);
    train("rmsprop", soma_rmsprop(0.01), &error);
    train("adam", soma_adam(0.01), &error);
    train("adamw", soma_adamw(0.01), &error);
    train("adagrad", soma_adagrad(0.05), &error);
    if (error.code) fprintf(stderr, "%s\n", error.message);
    return error.code != 0;
}
