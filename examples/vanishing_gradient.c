/* How much of the gradient reaches the first layers: for five deep networks with fresh weights, the norm of the
 * gradient of the loss by each hidden layer's weights. CSV on standard output: layer, then a column a network. */
#include <soma/soma.h>

#include <stdio.h>

enum { LAYERS = 12, WIDTH = 32, ROWS = 500 };

typedef struct network {
    const char *name, *activation;
    soma_init_kind init;
    bool residual; /* h + f(Wh + b) instead of f(Wh + b) */
} network;

/* The norms of one network's gradients, layer by layer. */
static int measure(network net, const float *x, const int64_t *t, float norms[LAYERS], soma_error *err) {
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape2(SOMA_BATCH, 2)), h = in, weights[LAYERS], gradients[LAYERS];
    soma_value target = soma_input_int64(g, "t", soma_shape1(SOMA_BATCH));
    const soma_dense_options how = {.init_given = true, .init = {.kind = net.init}};
    for (int i = 0; i < LAYERS; i++) {
        soma_value f = soma_activation(net.activation, soma_dense_with(h, WIDTH, how));
        h = net.residual && i > 0 ? soma_add(h, f) : f;
        char name[32];
        snprintf(name, sizeof name, "dense%d.weight", i + 1);
        weights[i] = soma_variable(g, name, soma_shape2(WIDTH, i ? WIDTH : 2), how.init, true);
    }
    soma_value loss = soma_softmax_cross_entropy(soma_dense(h, 2), target, SOMA_OPTIONS(soma_cross_entropy_options){0});
    soma_gradient(loss, weights, LAYERS, gradients);
    for (int i = 0; i < LAYERS; i++) gradients[i] = soma_sqrt(soma_sum(soma_square(gradients[i])));

    soma_plan *p = soma_plan_infer(gradients, LAYERS, SOMA_OPTIONS(soma_plan_options){.max_batch = ROWS}, err);
    soma_run *r = soma_run_create(p, err);
    soma_run_set(r, in, x, ROWS, err);
    soma_run_set(r, target, t, ROWS, err);
    soma_run_step(r, err);
    for (int i = 0; i < LAYERS; i++) soma_run_get(r, gradients[i], &norms[i], 1, err);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
    return err->code;
}

int main(void) {
    const network nets[] = {{"sigmoid", "sigmoid", SOMA_INIT_XAVIER_UNIFORM, false},
                            {"sigmoid residual", "sigmoid", SOMA_INIT_XAVIER_UNIFORM, true},
                            {"tanh", "tanh", SOMA_INIT_XAVIER_UNIFORM, false},
                            {"tanh residual", "tanh", SOMA_INIT_XAVIER_UNIFORM, true},
                            {"relu", "relu", SOMA_INIT_HE, false}};
    enum { NETS = sizeof nets / sizeof nets[0] };
    static float x[ROWS * 2], y[ROWS], norms[NETS][LAYERS];
    static int64_t t[ROWS];
    soma_error err = {0};
    soma_dataset *set = soma_dataset_load("spiral", SOMA_OPTIONS(soma_dataset_options){.target = "class"}, &err);
    soma_dataset_get(set, 0, ROWS, x, y, &err);
    for (int i = 0; i < ROWS; i++) t[i] = (int64_t)y[i];
    for (int i = 0; i < NETS; i++) measure(nets[i], x, t, norms[i], &err);
    printf("layer");
    for (int i = 0; i < NETS; i++) printf(",%s", nets[i].name);
    for (int layer = 0; layer < LAYERS && !err.code; layer++) {
        printf("\n%d", layer + 1);
        for (int i = 0; i < NETS; i++) printf(",%.2e", (double)norms[i][layer]);
    }
    printf("\n");
    if (err.code) fprintf(stderr, "%s\n", err.message);
    soma_dataset_destroy(set);
    return err.code != 0;
}
