/* Each optimizer against its definition written plainly in double, on a small loss with a known gradient:
 * L = mean_i c_i (w_i - t_i)², so dL/dw_i = 2 c_i (w_i - t_i) / SIZE, for two variables w and u. */
#include "nn_check.h"

enum { SIZE = 3, STEPS = 6 };
static const double targets[2][SIZE] = {{1, -2, 0.5}, {0.25, 3, -1}}, curvature[SIZE] = {1, 4, 0.5};
static const float start[2][SIZE] = {{0.5f, 0.25f, -1}, {0, 2, 0.125f}};
static const float curvature_f[SIZE] = {1, 4, 0.5f};

/* ---- Definitions (PyTorch's documentation) --------------------------------------------------------------------------
 */

typedef struct plain {
    double w[2][SIZE], m[2][SIZE], v[2][SIZE];
    int t;
} plain;

static double rule(const soma_optimizer *o, plain *s, double *w, double g, double *m, double *v) {
    double lr = o->learning_rate;
    if (o->kind != SOMA_ADAMW) g += o->weight_decay * *w;
    if (o->l1 != 0) g += o->l1 * (*w > 0 ? 1 : *w < 0 ? -1 : 0);
    switch (o->kind) {
    case SOMA_MOMENTUM:
        *m = o->momentum * *m + g;
        return *w - lr * *m;
    case SOMA_NESTEROV:
        *m = o->momentum * *m + g;
        return *w - lr * (g + o->momentum * *m);
    case SOMA_RMSPROP:
        *v = o->alpha * *v + (1 - o->alpha) * g * g;
        return *w - lr * g / (sqrt(*v) + o->epsilon);
    case SOMA_ADAGRAD:
        *v += g * g;
        return *w - lr * g / (sqrt(*v) + o->epsilon);
    case SOMA_ADAM:
    case SOMA_ADAMW: {
        if (o->kind == SOMA_ADAMW) *w -= lr * o->weight_decay * *w;
        *m = o->beta1 * *m + (1 - o->beta1) * g;
        *v = o->beta2 * *v + (1 - o->beta2) * g * g;
        double m_hat = *m / (1 - pow(o->beta1, s->t)), v_hat = *v / (1 - pow(o->beta2, s->t));
        return *w - lr * m_hat / (sqrt(v_hat) + o->epsilon);
    }
    default:
        return *w - lr * g;
    }
}

static void plain_step(const soma_optimizer *o, plain *s) {
    double g[2][SIZE], norm = 0;
    s->t++;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < SIZE; i++) {
            g[k][i] = 2 * curvature[i] * (s->w[k][i] - targets[k][i]) / (double)SIZE;
            norm += g[k][i] * g[k][i];
        }
    double factor = o->clip > 0 ? fmin(1, o->clip / (sqrt(norm) + 1e-6)) : 1;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < SIZE; i++) s->w[k][i] = rule(o, s, &s->w[k][i], g[k][i] * factor, &s->m[k][i], &s->v[k][i]);
}

/* ---- soma
 * ------------------------------------------------------------------------------------------------------------ */

typedef struct problem {
    soma_graph *graph;
    soma_value loss, w[2];
} problem;

static problem make_problem(void) {
    problem p = {.graph = soma_graph_create()};
    soma_shape shape = soma_shape1(SIZE);
    const char *names[2] = {"w", "u"};
    p.loss = soma_scalar(p.graph, 0);
    for (int k = 0; k < 2; k++) {
        float target[SIZE];
        for (int i = 0; i < SIZE; i++) target[i] = (float)targets[k][i];
        p.w[k] = soma_variable(p.graph, names[k], shape, (soma_init){0}, true);
        soma_value e = soma_square(soma_sub(p.w[k], soma_constant(p.graph, shape, target)));
        p.loss = soma_add(p.loss, soma_mean(soma_mul(soma_constant(p.graph, shape, curvature_f), e)));
    }
    return p;
}

static void set_start(soma_store *store) {
    soma_error error = {0};
    soma_store_set(store, "w", start[0], SIZE, &error);
    soma_store_set(store, "u", start[1], SIZE, &error);
    assert_no_error(&error);
}

/* Variables in double: what an inference plan of the same store reads. */
static void read_variables(const problem *p, soma_store *store, double values[2][SIZE]) {
    for (int k = 0; k < 2; k++) evaluate(p->w[k], NULL, 0, store, values[k], SIZE);
}

static soma_plan *train_plan(problem *p, soma_optimizer o) {
    soma_error error = {0};
    soma_plan *plan = soma_plan_train(p->loss, o, (soma_plan_options){.backend = SOMA_BACKEND_REFERENCE}, &error);
    assert_no_error(&error);
    set_start(soma_plan_store(plan));
    return plan;
}

static void assert_follows_definition(soma_optimizer o) {
    problem p = make_problem();
    soma_error error = {0};
    soma_plan *plan = train_plan(&p, o);
    soma_run *run = soma_run_create(plan, &error);
    plain s = {.t = 0};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < SIZE; i++) s.w[k][i] = (double)start[k][i];
    for (int t = 0; t < STEPS; t++) {
        double values[2][SIZE];
        if (t == STEPS / 2) {
            o.learning_rate /= 3; /* the rate is an input, not baked in */
            soma_run_set_scalar(run, soma_plan_learning_rate(plan), o.learning_rate, &error);
        }
        step(run, NULL, 0);
        plain_step(&o, &s);
        read_variables(&p, soma_plan_store(plan), values);
        for (int k = 0; k < 2; k++)
            for (int i = 0; i < SIZE; i++) assert_near(values[k][i], s.w[k][i], 1e-12);
    }
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_graph_destroy(p.graph);
}

/* Plain, then with everything that changes the gradient. */
static void assert_follows_definition_in_all_forms(soma_optimizer o) {
    assert_follows_definition(o);
    o.weight_decay = 0.1;
    assert_follows_definition(o);
    o.l1 = 0.05;
    assert_follows_definition(o);
    o.clip = 0.5;
    assert_follows_definition(o);
    o.clip = 1000;
    assert_follows_definition(o);
}

static void sgd_follows_its_definition(void **state) {
    (void)state;
    assert_follows_definition_in_all_forms(soma_sgd(0.1));
}
static void momentum_follows_its_definition(void **state) {
    (void)state;
    assert_follows_definition_in_all_forms(soma_momentum(0.05, 0.9));
}
static void nesterov_follows_its_definition(void **state) {
    (void)state;
    assert_follows_definition_in_all_forms(soma_nesterov(0.05, 0.9));
}
static void rmsprop_follows_its_definition(void **state) {
    (void)state;
    assert_follows_definition_in_all_forms(soma_rmsprop(0.01));
}
static void adagrad_follows_its_definition(void **state) {
    (void)state;
    assert_follows_definition_in_all_forms(soma_adagrad(0.1));
}
static void adam_follows_its_definition(void **state) {
    (void)state;
    assert_follows_definition_in_all_forms(soma_adam(0.01));
    soma_optimizer o = soma_adam(0.01);
    o.beta1 = 0;
    assert_follows_definition(o);
}
static void adamw_follows_its_definition(void **state) {
    (void)state;
    assert_follows_definition_in_all_forms(soma_adamw(0.01));
}

static void state_is_named_after_its_variable(void **state) {
    (void)state;
    const struct {
        soma_optimizer o;
        const char *names[3];
    } cases[] = {
        {soma_momentum(0.1, 0.9), {"w.momentum"}},
        {soma_rmsprop(0.1), {"w.square_average"}},
        {soma_adam(0.1), {"w.exp_avg", "u.exp_avg_sq", "optimizer.step"}},
        {soma_adagrad(0.1), {"u.sum"}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        problem p = make_problem();
        soma_plan *plan = train_plan(&p, cases[c].o);
        soma_store *store = soma_plan_store(plan);
        for (int i = 0; i < 3 && cases[c].names[i]; i++) {
            bool found = false;
            for (size_t k = 0; k < soma_store_count(store); k++)
                found |= !strcmp(soma_store_name(store, k), cases[c].names[i]);
            if (!found) fail_msg("no variable '%s'", cases[c].names[i]);
            assert_false(soma_store_trainable(store, cases[c].names[i]));
        }
        soma_plan_destroy(plan);
        soma_graph_destroy(p.graph);
    }
}

static void only_trainable_variables_of_the_loss_move(void **state) {
    (void)state;
    soma_error error = {0};
    soma_graph *g = soma_graph_create();
    soma_shape one = soma_shape1(1);
    soma_init half = {SOMA_INIT_CONSTANT, 0.5, 0, 0};
    soma_value a = soma_variable(g, "a", one, half, true), fixed = soma_variable(g, "fixed", one, half, false);
    soma_value other = soma_variable(g, "other", one, half, true);
    soma_value loss = soma_mean(soma_mul(a, fixed));
    soma_value both = soma_sum(soma_mul(other, a));
    soma_plan *plan =
        soma_plan_train(loss, soma_sgd(1), (soma_plan_options){.backend = SOMA_BACKEND_REFERENCE}, &error);
    assert_no_error(&error);
    soma_run *run = soma_run_create(plan, &error);
    step(run, NULL, 0);
    double out;
    evaluate(a, NULL, 0, soma_plan_store(plan), &out, 1);
    assert_near(out, 0, 1e-15);
    evaluate(fixed, NULL, 0, soma_plan_store(plan), &out, 1);
    assert_near(out, 0.5, 0);
    evaluate(both, NULL, 0, soma_plan_store(plan), &out, 1);
    assert_near(out, 0, 1e-15);
    evaluate(other, NULL, 0, soma_plan_store(plan), &out, 1);
    assert_near(out, 0.5, 0);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_graph_destroy(g);
}

/* Sign descent with a count of its steps kept as state. */
static soma_value sign_descent(void *user, soma_value variable, soma_value gradient, soma_value rate) {
    int *calls = user;
    char name[32];
    snprintf(name, sizeof name, "count%d", (*calls)++);
    soma_value count = soma_variable(variable.graph, name, soma_shape0(), (soma_init){0}, false);
    soma_value next = soma_assign(count, soma_add(count, soma_scalar(variable.graph, 1)));
    return soma_sub(variable, soma_mul(soma_mul(rate, next), soma_sign(gradient)));
}

static void an_optimizer_of_ones_own_keeps_state(void **state) {
    (void)state;
    problem p = make_problem();
    soma_error error = {0};
    int calls = 0;
    soma_plan *plan = train_plan(
        &p, (soma_optimizer){.kind = SOMA_CUSTOM, .learning_rate = 0.01, .update = sign_descent, .user = &calls});
    soma_run *run = soma_run_create(plan, &error);
    for (int t = 0; t < 3; t++) step(run, NULL, 0);
    double values[2][SIZE];
    read_variables(&p, soma_plan_store(plan), values);
    assert_int_equal(calls, 2);
    for (int k = 0; k < 2; k++) /* 0.01 (1 + 2 + 3) towards the target */
        for (int i = 0; i < SIZE; i++)
            assert_near(values[k][i], (double)start[k][i] + ((double)start[k][i] < targets[k][i] ? 0.06 : -0.06),
                        1e-12);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_graph_destroy(p.graph);
}

static soma_value lost(void *user, soma_value variable, soma_value gradient, soma_value rate) {
    (void)user, (void)variable, (void)gradient, (void)rate;
    return (soma_value){0};
}

static void mistakes_are_told_in_a_sentence(void **state) {
    (void)state;
    const struct {
        soma_optimizer o;
        const char *sentence;
    } cases[] = {
        {{.kind = SOMA_SGD, .learning_rate = -1},
         "minimize: the optimizer's learning rate is -1, expected 0 or more and finite"},
        {{.kind = SOMA_ADAM, .beta1 = 1}, "minimize: the optimizer's beta1 is 1, expected 0 or more and less than 1"},
        {{.kind = SOMA_CUSTOM}, "minimize: a custom optimizer needs its update function"},
        {{.kind = SOMA_CUSTOM, .update = lost},
         "minimize: the optimizer's update gave no value of the graph for variable 'u'"},
        {{.kind = (soma_optimizer_kind)99}, "minimize: optimizer kind 99 does not exist"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        problem p = make_problem();
        assert_int_equal(soma_minimize(p.loss, cases[c].o, NULL), SOMA_ERROR_ARGUMENT);
        assert_string_equal(soma_graph_error(p.graph)->message, cases[c].sentence);
        soma_graph_destroy(p.graph);
    }
    soma_graph *g = soma_graph_create();
    assert_int_equal(soma_minimize(soma_scalar(g, 1), soma_sgd(1), NULL), SOMA_ERROR_ARGUMENT);
    assert_string_equal(soma_graph_error(g)->message, "minimize: the loss depends on no trainable variable");
    soma_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_follows_its_definition),
        cmocka_unit_test(momentum_follows_its_definition),
        cmocka_unit_test(nesterov_follows_its_definition),
        cmocka_unit_test(rmsprop_follows_its_definition),
        cmocka_unit_test(adagrad_follows_its_definition),
        cmocka_unit_test(adam_follows_its_definition),
        cmocka_unit_test(adamw_follows_its_definition),
        cmocka_unit_test(state_is_named_after_its_variable),
        cmocka_unit_test(only_trainable_variables_of_the_loss_move),
        cmocka_unit_test(an_optimizer_of_ones_own_keeps_state),
        cmocka_unit_test(mistakes_are_told_in_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
