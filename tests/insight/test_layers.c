/* Layers by name, in graphs, in models and in models from files; and a model's network opened. */
#include "insight_check.h"

enum { ROWS = 24, PIXELS = 64 };

static const char spec[] = "conv 4 3x3 bn relu, maxpool 2, dense 8 tanh, dense 3";

static void pictures(float *x, float *y) {
    fill(x, ROWS * PIXELS, 1);
    for (int i = 0; i < ROWS; i++) y[i] = (float)(i % 3);
}

static void check_layers(const soma_network *network) {
    soma_layer layers[8] = {{0}};
    soma_error error = {0};
    const char *names[] = {"conv2d1", "bn1", "dense1", "dense2"};
    assert_int_equal(soma_graph_layers(soma_network_graph(network), layers, 8), 4);
    assert_int_equal(soma_graph_layers(soma_network_graph(network), NULL, 0), 4);
    for (int i = 0; i < 4; i++) {
        soma_layer one;
        assert_string_equal(layers[i].name, names[i]);
        assert_int_equal(soma_graph_layer(soma_network_graph(network), names[i], &one, &error), SOMA_OK);
        assert_int_equal(one.value.node, layers[i].value.node);
        bool activated =
            i == 1 || i == 2; /* behind the convolution stands the normalisation, behind the head softmax */
        assert_true((layers[i].output.node != layers[i].value.node) == activated);
        assert_true((layers[i].input.node != 0) == (i != 1));
    }
    soma_shape in = soma_value_shape(layers[0].input), out = soma_value_shape(layers[2].output);
    assert_true(in.rank == 4 && in.dims[1] == 1 && in.dims[2] == 8 && out.rank == 2 && out.dims[1] == 8);
}

static void layers_are_found_by_name_also_in_a_file(void **state) {
    (void)state;
    soma_error error = {0};
    float x[ROWS * PIXELS], y[ROWS];
    pictures(x, y);
    soma_model *m = trained_on(spec, soma_shape3(1, 8, 8), SOMA_CLASSIFY, x, y, ROWS), *again = through_file(m);
    for (int k = 0; k < 2; k++) {
        soma_model *one = k ? again : m;
        if (!one) continue;
        soma_network *network = soma_network_create(one, false, &error);
        assert_no_error(&error);
        check_layers(network);
        soma_layer layer;
        soma_graph_layer(soma_network_graph(network), "conv2d2", &layer, &error);
        assert_refused(&error, "layer: there is none called 'conv2d2'; was 'conv2d1' meant?");
        error = (soma_error){0};
        soma_network_destroy(network);
    }
    soma_model_destroy(again);
    soma_model_destroy(m);
}

static void a_name_given_by_hand_is_found(void **state) {
    (void)state;
    soma_error error = {0};
    soma_layer layer;
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 3));
    soma_graph_layer(g, "twice", &layer, &error);
    assert_refused(&error, "no value of the graph has a name");
    error = (soma_error){0};
    soma_value twice = soma_name(soma_add(x, x), "twice"), y = soma_silu(twice);
    assert_int_equal(soma_graph_layers(g, &layer, 1), 0); /* it has no weights */
    assert_int_equal(soma_graph_layer(g, "twice", &layer, &error), SOMA_OK);
    assert_true(layer.value.node == twice.node && layer.output.node == y.node && !layer.input.node);
    assert_int_equal(soma_graph_layer(g, "x", &layer, &error), SOMA_ERROR_ARGUMENT); /* an input is no layer */
    soma_graph_destroy(g);
}

/* The loss of a model's network over all rows. */
static double loss_of(const soma_model *m, bool training, const float *x, const float *y, int64_t rows) {
    soma_error error = {0};
    soma_network *network = soma_network_create(m, training, &error);
    assert_no_error(&error);
    soma_plan_options options = soma_network_options(network);
    options.max_batch = rows;
    soma_value loss = soma_network_loss(network);
    soma_plan *plan = soma_plan_infer(&loss, 1, options, &error);
    soma_run *run = soma_run_create(plan, &error);
    double value = 0;
    soma_network_set(network, run, x, y, rows, &error);
    soma_run_step(run, &error);
    soma_run_get_double(run, loss, &value, 1, &error);
    assert_no_error(&error);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_network_destroy(network);
    return value;
}

static void an_opened_network_has_the_loss_of_its_model(void **state) {
    (void)state;
    float x[ROWS * 3], y[ROWS];
    fill(x, ROWS * 3, 5);
    for (int kind = 0; kind < 3; kind++) { /* softmax, sigmoid, a number */
        soma_error error = {0};
        for (int i = 0; i < ROWS; i++)
            y[i] = kind == 0 ? (float)(i % 3) : kind == 1 ? (float)(x[3 * i] > 0) : 7 * x[3 * i];
        soma_task task = kind == 2 ? SOMA_REGRESS : SOMA_CLASSIFY;
        soma_model *m =
            trained_on(kind == 1 ? "dense 6 relu, dense 1" : "dense 6 relu", soma_shape1(3), task, x, y, ROWS);
        soma_evaluation e;
        soma_model_evaluate(m, x, y, ROWS, &e, &error);
        assert_no_error(&error);
        assert_near(loss_of(m, false, x, y, ROWS), e.loss, 1e-5);
        assert_near(loss_of(m, true, x, y, ROWS), e.loss, 1e-5); /* nothing in it differs in training */
        soma_model *again = through_file(m);
        if (again) {
            soma_model_evaluate(again, x, y, ROWS, &e, &error);
            assert_no_error(&error);
            assert_near(loss_of(again, false, x, y, ROWS), kind == 2 ? e.rmse * e.rmse : e.loss, 1e-5);
            assert_null(soma_network_create(again, true, &error));
            assert_refused(&error, "network: the model was loaded, and its file holds no network that trains");
        }
        soma_model_destroy(again);
        soma_model_destroy(m);
    }
}

typedef struct watcher {
    soma_model *model;
    const float *x, *y;
    double losses[4];
    int epochs;
} watcher;

static int watch(void *user, const soma_epoch *epoch) {
    watcher *w = user;
    (void)epoch;
    w->losses[w->epochs++] = loss_of(w->model, true, w->x, w->y, ROWS);
    return 0;
}

static void a_network_opened_between_epochs_leaves_the_training_as_it_is(void **state) {
    (void)state;
    float x[ROWS * PIXELS], y[ROWS], answers[2][ROWS * 3];
    pictures(x, y);
    for (int watched = 0; watched < 2; watched++) {
        soma_error error = {0};
        soma_model *m = soma_model_create(spec, soma_shape3(1, 8, 8), SOMA_CLASSIFY, &error);
        watcher w = {.model = m, .x = x, .y = y};
        soma_fit_options options = {.epochs = 4, .batch = 8, .optimizer = soma_adam(0.01), .threads = 1};
        if (watched) options.on_epoch = watch;
        options.user = &w;
        soma_model_fit(m, x, y, ROWS, options, &error);
        soma_model_predict(m, x, ROWS, answers[watched], ROWS * 3, &error);
        assert_no_error(&error);
        if (watched) assert_true(w.epochs == 4 && w.losses[3] < w.losses[0]);
        soma_model_destroy(m);
    }
    assert_memory_equal(answers[0], answers[1], sizeof answers[0]);
}

/* Scores become probabilities: by softmax, or, of two classes by one sigmoid, by it. */
static void scores_are_what_becomes_probabilities(void **state) {
    (void)state;
    float x[ROWS * 3], y[ROWS];
    fill(x, ROWS * 3, 6);
    for (int binary = 0; binary < 2; binary++) {
        for (int i = 0; i < ROWS; i++) y[i] = binary ? (float)(x[3 * i] > 0) : (float)(i % 3);
        soma_model *m =
            trained_on(binary ? "dense 6 relu, dense 1" : "dense 6 relu", soma_shape1(3), SOMA_CLASSIFY, x, y, ROWS);
        soma_model *again = through_file(m);
        int classes = binary ? 2 : 3;
        for (int k = 0; k < 2; k++) {
            soma_error error = {0};
            soma_model *one = k ? again : m;
            float scores[ROWS * 3], answers[ROWS * 3];
            if (!one) continue;
            soma_network *network = soma_network_create(one, false, &error);
            soma_plan_options options = soma_network_options(network);
            options.max_batch = ROWS;
            soma_value out[] = {soma_network_scores(network), soma_network_answer(network)};
            soma_plan *plan = soma_plan_infer(out, 2, options, &error);
            soma_run *run = soma_run_create(plan, &error);
            soma_network_set(network, run, x, NULL, ROWS, &error);
            soma_run_step(run, &error);
            soma_run_get(run, out[0], scores, (size_t)(ROWS * classes), &error);
            soma_run_get(run, out[1], answers, (size_t)(ROWS * classes), &error);
            assert_no_error(&error);
            for (int i = 0; i < ROWS; i++) {
                double sum = 0;
                for (int c = 0; c < classes; c++) sum += exp((double)scores[i * classes + c]);
                for (int c = 0; c < classes; c++) {
                    double s = exp((double)scores[i * classes + c]);
                    assert_near((double)answers[i * classes + c], binary ? s / (1 + s) : s / sum, 1e-5);
                }
            }
            soma_run_destroy(run);
            soma_plan_destroy(plan);
            soma_network_destroy(network);
        }
        soma_model_destroy(again);
        soma_model_destroy(m);
    }
}

static void a_model_without_weights_is_refused(void **state) {
    (void)state;
    soma_error error = {0};
    soma_model *m = soma_model_create("dense 3", soma_shape1(2), SOMA_CLASSIFY, &error);
    assert_null(soma_network_create(m, false, &error));
    assert_refused(&error, "network: the model has not been trained yet");
    soma_network_destroy(NULL);
    soma_model_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_are_found_by_name_also_in_a_file),
        cmocka_unit_test(a_name_given_by_hand_is_found),
        cmocka_unit_test(an_opened_network_has_the_loss_of_its_model),
        cmocka_unit_test(a_network_opened_between_epochs_leaves_the_training_as_it_is),
        cmocka_unit_test(scores_are_what_becomes_probabilities),
        cmocka_unit_test(a_model_without_weights_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
