/* A rectifier right behind a batch normalisation: its gradient is taken up by the normalisation's adjoint, which knows
 * from the input what the rectifier let through; where something comes between them, it is not. */
#include <soma/nn.h>
#include <soma/plan.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 6, CLASSES = 3, SIDE = 7, INPUT = 2 * SIDE * SIDE, STEPS = 3 };

typedef enum behind { RELU, RELU6, LEAKY, SUM } behind;

static soma_value build(soma_value x, soma_value classes, behind what) {
    soma_conv2d_options same = {.padding = 1, .no_bias = true};
    soma_value first = soma_conv2d(x, 5, soma_kernel(3, 3), same);
    soma_value y = soma_batch_norm(first, (soma_batch_norm_options){.epsilon = 1e-5});
    if (what == RELU) y = soma_relu(y);
    if (what == RELU6) y = soma_relu6(soma_mul(y, soma_scalar(y.graph, 1)));
    if (what == LEAKY) y = soma_leaky_relu(y, 0.1);
    if (what == SUM) y = soma_relu(soma_add(y, first));
    soma_value h = soma_dense_with(soma_flatten(y), 8, (soma_dense_options){.no_bias = true});
    h = soma_batch_norm(h, (soma_batch_norm_options){.epsilon = 1e-5});
    h = what == RELU6 ? soma_relu6(h) : soma_relu(h);
    return soma_cross_entropy(soma_softmax(soma_dense(h, CLASSES), 1), classes, (soma_cross_entropy_options){0});
}

static void count_gates(void *user, const char *text) {
    *(int *)user += (strstr(text, "greater") != NULL) + (strstr(text, "less") != NULL);
}

/* The losses of some steps; returns how many steps of the plan compute what a rectifier lets through. */
static int train(soma_backend backend, behind what, double *losses) {
    soma_error e = {0};
    static float data[ROWS * INPUT];
    int64_t classes[ROWS];
    int gates = 0;
    soma_graph *g = soma_graph_create();
    soma_graph_set_training(g, true);
    soma_value x = soma_input(g, "x", soma_shape4(SOMA_BATCH, 2, SIDE, SIDE));
    soma_value labels = soma_input_int64(g, "classes", soma_shape1(SOMA_BATCH));
    soma_value loss = build(x, labels, what);
    soma_plan_options options = {.max_batch = ROWS, .seed = 4, .backend = backend};
    soma_plan *p = soma_plan_train(loss, soma_momentum(0.1, 0.9), options, &e);
    soma_run *r = soma_run_create(p, &e);
    assert_string_equal(e.message, "");
    for (unsigned step = 0; step < STEPS; step++) {
        for (int i = 0; i < ROWS * INPUT; i++) data[i] = (float)((unsigned)i * 37 % (29 + step)) / 14.0f - 1.0f;
        for (int i = 0; i < ROWS; i++) classes[i] = (i + (int)step) % CLASSES;
        assert_int_equal(soma_run_set(r, x, data, ROWS, &e), SOMA_OK);
        assert_int_equal(soma_run_set(r, labels, classes, ROWS, &e), SOMA_OK);
        assert_int_equal(soma_run_step(r, &e), SOMA_OK);
        assert_int_equal(soma_run_get_double(r, loss, &losses[step], 1, &e), SOMA_OK);
    }
    soma_plan_print(p, count_gates, &gates);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
    return gates;
}

static void the_adjoint_knows_what_passed(void **state) {
    (void)state;
    for (behind what = RELU; what <= SUM; what++) {
        double losses[STEPS], expected[STEPS];
        int gates = train(SOMA_BACKEND_PORTABLE, what, losses);
        train(SOMA_BACKEND_REFERENCE, what, expected);
        for (int i = 0; i < STEPS; i++) assert_true(losses[i] - expected[i] < 2e-5 && expected[i] - losses[i] < 2e-5);
        if (what == RELU || what == RELU6)
            assert_int_equal(gates, 0);
        else
            assert_true(gates > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_adjoint_knows_what_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
