/* Every allocation of looking inside fails once: each time there is an error and nothing is lost or freed twice (the
 * allocator counts; a sanitizer sees the rest). */
#include "insight_check.h"
#include "support/purse.h"

#include <stdlib.h>

enum { TRIES = 20000, SIDE = 6, PIXELS = SIDE * SIDE, ROWS = 8 };

/* What one try looks at: a model of pictures, its network opened. */
typedef struct subject {
    soma_model *model;
    soma_network *network;
    soma_layer conv;
    const float *x;
} subject;

static int saliency(subject *s, soma_error *error) {
    float gradient[PIXELS];
    const int64_t class_index = 1;
    soma_plan_options options = soma_network_options(s->network);
    soma_saliency *one =
        soma_saliency_create(soma_network_scores(s->network), soma_network_input(s->network), options, error);
    int code = one ? soma_saliency_get(one, s->x, &class_index, 1, gradient, PIXELS, error) : error->code;
    soma_saliency_destroy(one);
    return code;
}

static int feature(subject *s, soma_error *error) {
    soma_feature_options options = {.plan = soma_network_options(s->network), .jitter = 1, .blur = 1};
    double activation;
    soma_feature *f =
        soma_feature_create(soma_network_input(s->network), s->conv.output, soma_unit_channel(0), options, error);
    int code = f ? soma_feature_step(f, 1, &activation, error) : error->code;
    soma_feature_destroy(f);
    return code;
}

static int taps(subject *s, soma_error *error) {
    soma_network *network = soma_network_create(s->model, false, error); /* anew: a graph keeps its first mistake */
    if (!network) return error->code;
    soma_layer layers[2];
    soma_tap tap;
    size_t found = soma_graph_layers(soma_network_graph(network), layers, 2), count;
    soma_value loss = soma_network_loss(network);
    soma_taps *t = soma_taps_create(loss, layers, found, (soma_taps_options){0}, error);
    soma_plan_options options = soma_network_options(network);
    options.keep = soma_taps_keep(t, &count);
    options.keep_count = count;
    soma_plan *plan = t ? soma_plan_infer(&loss, 1, options, error) : NULL;
    soma_run *run = plan ? soma_run_create(plan, error) : NULL;
    const float y = 1;
    int code = run ? soma_network_set(network, run, s->x, &y, 1, error) : error->code;
    if (!code) code = soma_run_step(run, error);
    if (!code) code = soma_taps_read(t, run, 0, &tap, error);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_taps_destroy(t);
    soma_network_destroy(network);
    return code;
}

static void every_failing_allocation_is_an_error(void **state) {
    (void)state;
    int (*const looks[])(subject *, soma_error *) = {saliency, feature, taps};
    soma_error error = {0};
    purse p = {-1, 0};
    soma_context *context = purse_context(&p);
    float x[ROWS * PIXELS], y[ROWS];
    fill(x, ROWS * PIXELS, 1);
    for (int i = 0; i < ROWS; i++) y[i] = (float)(i % 2);
    subject s = {.x = x};
    s.model =
        soma_model_create_in(context, "conv 2 3x3 relu, dense 2", soma_shape3(1, SIDE, SIDE), SOMA_CLASSIFY, &error);
    soma_model_fit(s.model, x, y, ROWS, (soma_fit_options){.epochs = 1, .threads = 1}, &error);
    s.network = soma_network_create(s.model, false, &error);
    assert_no_error(&error);
    soma_graph_layer(soma_network_graph(s.network), "conv2d1", &s.conv, &error);
    assert_no_error(&error);
    for (size_t k = 0; k < sizeof looks / sizeof looks[0]; k++) {
        long before = p.alive, n = 0;
        int code = -1;
        for (; n < TRIES && code; n++) {
            error = (soma_error){0};
            p.left = n;
            code = looks[k](&s, &error);
            p.left = -1;
            if (code != error.code || (code && code != SOMA_ERROR_MEMORY))
                fail_msg("look %zu, allocation %ld: code %d, error %d \"%s\"", k, n, code, error.code, error.message);
            assert_int_equal(p.alive, before);
        }
        assert_true(n > 10 && n < TRIES);
    }
    soma_network_destroy(s.network);
    soma_model_destroy(s.model);
    assert_int_equal(p.alive, 0);
    soma_context_destroy(context);
}

static void a_grid_without_memory_is_an_error(void **state) {
    (void)state;
    soma_error error = {0};
    purse p = {-1, 0};
    soma_context *context = purse_context(&p);
    soma_graph *g = soma_graph_create_in(context);
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 2)), out = soma_dense(x, 1);
    soma_plan *plan = soma_plan_infer(&out, 1, (soma_plan_options){.max_batch = 4, .threads = 1}, &error);
    soma_run *run = soma_run_create(plan, &error);
    assert_no_error(&error);
    const soma_grid grid = {.right = 1, .bottom = 1, .columns = 3, .rows = 3};
    float answers[9];
    p.left = 0;
    assert_int_equal(soma_run_grid(run, x, out, grid, answers, 9, &error), SOMA_ERROR_MEMORY);
    p.left = -1;
    error = (soma_error){0};
    assert_int_equal(soma_run_grid(run, x, out, grid, answers, 9, &error), SOMA_OK);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    soma_graph_destroy(g);
    assert_int_equal(p.alive, 0);
    soma_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failing_allocation_is_an_error),
        cmocka_unit_test(a_grid_without_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
