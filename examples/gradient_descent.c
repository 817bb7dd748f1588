/* Gradient descent on a loss that can be drawn: one neuron without bias, y = w0 x0 + w1 x1, fitted to six points by the
 * mean squared error. CSV on standard output: what, w0, w1, loss; "surface" on a grid, then the steps of each
 * optimizer from (-1.5, 1.4). The second input is three times as large as the first, so the surface is a long valley.
 */
#include <soma/soma.h>

#include <stdio.h>

enum { POINTS = 6, STEPS = 60, GRID = 41 };

int main(void) {
    const struct {
        const char *name;
        soma_optimizer optimizer;
    } ways[] = {{"sgd", soma_sgd(0.18)}, {"momentum", soma_momentum(0.02, 0.8)}, {"adam", soma_adam(0.15)}};
    const float x[POINTS][2] = {{1, 1}, {-1, 2}, {0, -3}, {1, -1}, {-1, -2}, {0, 3}};
    const float w_best[2] = {1, -0.5F}, start[2] = {-1.5F, 1.4F};
    float t[POINTS], loss = 0;
    for (int i = 0; i < POINTS; i++) t[i] = w_best[0] * x[i][0] + w_best[1] * x[i][1];

    soma_error err = {0};
    printf("what,w0,w1,loss\n");
    for (int way = -1; way < (int)(sizeof ways / sizeof ways[0]); way++) {
        soma_graph *g = soma_graph_create();
        soma_value w = soma_variable(g, "w", soma_shape2(1, 2), SOMA_OPTIONS(soma_init){.value = 0}, true);
        soma_value y = soma_gemm(soma_constant(g, soma_shape2(POINTS, 2), x[0]), w, false, true);
        soma_value mse = soma_mse_loss(y, soma_constant(g, soma_shape2(POINTS, 1), t));
        const soma_plan_options options = {.threads = 1};
        soma_plan *p = way < 0 ? soma_plan_infer(&mse, 1, options, &err)
                               : soma_plan_train(mse, ways[way].optimizer, options, &err);
        soma_run *r = soma_run_create(p, &err);
        soma_store *store = soma_plan_store(p);
        float now[2] = {start[0], start[1]};
        soma_store_set(store, "w", now, 2, &err);
        for (int i = 0; i < (way < 0 ? GRID * GRID : STEPS) && !err.code; i++) {
            if (way < 0) { /* any weights: only look */
                now[0] = -2.0F + 4.0F * (float)(i % GRID) / (GRID - 1);
                now[1] = -2.0F + 4.0F * (float)(i / GRID) / (GRID - 1);
                soma_store_set(store, "w", now, 2, &err);
            } else {
                soma_store_get(store, "w", now, 2, &err);
            }
            soma_run_step(r, &err);
            soma_run_get(r, mse, &loss, 1, &err); /* at `now`; a training step then moves w */
            if (err.code) break;
            printf("%s,%.4f,%.4f,%.5f\n", way < 0 ? "surface" : ways[way].name, (double)now[0], (double)now[1],
                   (double)loss);
        }
        soma_run_destroy(r);
        soma_plan_destroy(p);
        soma_graph_destroy(g);
    }
    if (err.code) fprintf(stderr, "%s\n", err.message);
    return err.code != 0;
}
