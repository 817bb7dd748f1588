/* A loss of one's own and a loop of one's own: log cosh(prediction - target), which is square for small errors and
 * straight for large ones, written as a formula. Its gradient and the optimizer's update become part of the same plan.
 */
#include <soma/soma.h>

#include <math.h>
#include <stdio.h>

enum { BATCH = 32, STEPS = 2000 };

/* The next numbers of a small generator, uniform in (-1, 1), and what the network shall learn from them. */
static void next_batch(uint32_t *state, float x[BATCH][4], float t[BATCH]) {
    for (int i = 0; i < BATCH; i++) {
        for (int j = 0; j < 4; j++) {
            *state = *state * 1664525U + 1013904223U;
            x[i][j] = (float)(*state >> 8) / 8388608.0F - 1.0F;
        }
        t[i] = sinf(3.0F * x[i][0]) + x[i][1] * x[i][2] - x[i][3];
    }
}

int main(void) {
    soma_error err = {0};
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape2(SOMA_BATCH, 4));
    soma_value t = soma_input(g, "t", soma_shape2(SOMA_BATCH, 1));
    soma_value out = soma_dense(soma_tanh(soma_dense(in, 64)), 1);
    soma_value loss = soma_mean(soma_log(soma_cosh(soma_sub(out, t))));
    soma_plan *p = soma_plan_train(loss, soma_adam(3e-3), SOMA_OPTIONS(soma_plan_options){.max_batch = BATCH}, &err);
    soma_run *r = soma_run_create(p, &err);

    uint32_t state = 1;
    float xb[BATCH][4], tb[BATCH], value = 0.0F;
    for (int step = 1; step <= STEPS; step++) {
        next_batch(&state, xb, tb);
        soma_run_set(r, in, xb, BATCH, &err);
        soma_run_set(r, t, tb, BATCH, &err);
        if (soma_run_step(r, &err)) break;
        soma_run_get(r, loss, &value, 1, &err);
        if (step % 500 == 0) printf("step %4d  loss %.5f\n", step, (double)value);
    }
    if (err.code) fprintf(stderr, "%s\n", err.message);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
    return err.code || !(value < 0.02F);
}
