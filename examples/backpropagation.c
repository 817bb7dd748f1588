/* Forward and backward through a graph of elementary nodes: y = 1 / (1 + exp(-(w0 x0 + w1 x1 + w2))), one neuron with a
 * sigmoid taken apart (the worked graph of Stanford's course CS231n). Prints the value of every node and the gradient
 * of y by it. */
#include <soma/soma.h>

#include <stdio.h>

enum { NODES = 13 };

typedef struct labelled {
    const char *formula;
    soma_value value;
} labelled;

int main(void) {
    soma_error err = {0};
    soma_graph *g = soma_graph_create();
    soma_value w0 = soma_input_scalar(g, "w0", 2.0), x0 = soma_input_scalar(g, "x0", -1.0);
    soma_value w1 = soma_input_scalar(g, "w1", -3.0), x1 = soma_input_scalar(g, "x1", -2.0);
    soma_value w2 = soma_input_scalar(g, "w2", -3.0);
    soma_value a = soma_mul(w0, x0), b = soma_mul(w1, x1);
    soma_value c = soma_add(a, b), z = soma_add(c, w2);
    soma_value n = soma_neg(z), e = soma_exp(n);
    soma_value d = soma_add(e, soma_scalar(g, 1.0)), y = soma_reciprocal(d);

    const labelled nodes[NODES] = {{"w0", w0},     {"x0", x0},         {"w1", w1}, {"x1", x1}, {"w2", w2},
                                   {"w0 x0", a},   {"w1 x1", b},       {"sum", c}, {"z", z},   {"-z", n},
                                   {"exp(-z)", e}, {"1 + exp(-z)", d}, {"y", y}};
    soma_value all[2 * NODES], gradients[NODES]; /* the nodes, then the gradients: both are values of the graph */
    for (int i = 0; i < NODES; i++) all[i] = nodes[i].value;
    soma_gradient(y, all, NODES, gradients);
    for (int i = 0; i < NODES; i++) all[NODES + i] = gradients[i];

    soma_plan *p = soma_plan_infer(all, 2 * NODES, SOMA_OPTIONS(soma_plan_options){.threads = 1}, &err);
    soma_run *r = soma_run_create(p, &err);
    soma_run_step(r, &err);
    printf("%-12s %6s %9s\n", "node", "value", "gradient");
    for (int i = 0; i < NODES && !err.code; i++) {
        float value = 0.0F, gradient = 0.0F;
        soma_run_get(r, all[i], &value, 1, &err);
        soma_run_get(r, all[NODES + i], &gradient, 1, &err);
        if (!err.code) printf("%-12s %6.2f %9.2f\n", nodes[i].formula, (double)value, (double)gradient);
    }
    if (err.code) fprintf(stderr, "%s\n", err.message);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
    return err.code != 0;
}
