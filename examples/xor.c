/* Exclusive or, which no single neuron can do: a hidden layer of four makes it possible. Two plans, one for training
 * and one for answers, share the weights because they share a store. */
#include <soma/soma.h>

#include <stdio.h>

/* The same network in either graph: the names of its variables are the same too. */
static soma_value network(soma_value x) { return soma_sigmoid(soma_dense(soma_tanh(soma_dense(x, 4)), 1)); }

int main(void) {
    const float x[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, t[4] = {0, 1, 1, 0};
    float y[4] = {0};
    soma_error err = {0};
    soma_store *store = soma_store_create(SOMA_OPTIONS(soma_store_options){.seed = 2}, &err);
    const soma_plan_options options = {.max_batch = 4, .store = store};

    soma_graph *training = soma_graph_create(), *answering = soma_graph_create();
    soma_value in = soma_input(training, "x", soma_shape2(SOMA_BATCH, 2));
    soma_value target = soma_input(training, "t", soma_shape2(SOMA_BATCH, 1));
    soma_value loss = soma_binary_cross_entropy(network(in), target);
    soma_plan *train = soma_plan_train(loss, soma_adam(0.05), options, &err);
    soma_run *teacher = soma_run_create(train, &err);
    soma_run_set(teacher, in, x, 4, &err);
    soma_run_set(teacher, target, t, 4, &err);
    for (int step = 0; step < 1000 && !err.code; step++) soma_run_step(teacher, &err);

    soma_value question = soma_input(answering, "x", soma_shape2(SOMA_BATCH, 2)), answer = network(question);
    soma_plan *infer = soma_plan_create(&answer, 1, NULL, 0, options, &err);
    soma_run *run = soma_run_create(infer, &err);
    soma_run_set(run, question, x, 4, &err);
    soma_run_step(run, &err);
    soma_run_get(run, answer, y, 4, &err);

    int wrong = 0;
    if (err.code) fprintf(stderr, "%s\n", err.message);
    for (int i = 0; i < 4 && !err.code; i++) {
        printf("%.0f xor %.0f = %.3f\n", (double)x[i][0], (double)x[i][1], (double)y[i]);
        wrong += (y[i] > 0.5F) != (t[i] > 0.5F);
    }
    soma_run_destroy(run);
    soma_run_destroy(teacher);
    soma_plan_destroy(infer);
    soma_plan_destroy(train);
    soma_graph_destroy(answering);
    soma_graph_destroy(training);
    soma_store_destroy(store);
    return err.code || wrong;
}
