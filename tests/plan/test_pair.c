/* Pairs: a 1x1 convolution and a step that keeps channels apart, walked for a few channels at a time, give the bits of
 * the two apart, whatever becomes of their results, for any batch and any number of threads. */
#include <soma/nn.h>
#include <soma/plan.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SAMPLES = 5, CHANNELS = 6, SIDE = 18, IMAGE = CHANNELS * SIDE * SIDE, WIDE = 101, MOST = WIDE * SIDE * SIDE };

/* `between` lies between the steps: a plan that keeps it has no pair. */
typedef struct network {
    soma_graph *graph;
    soma_value in, between, out;
} network;

static soma_value pointwise(soma_value x, int64_t filters) {
    return soma_conv2d(x, filters, soma_kernel(1, 1), SOMA_OPTIONS(soma_conv2d_options){.no_bias = true});
}

static soma_value depthwise(soma_value x, int64_t channels, int64_t stride) {
    const soma_conv2d_options o = {.padding = 1, .stride = stride, .groups = channels, .no_bias = true};
    return soma_conv2d(x, channels, soma_kernel(3, 3), o);
}

static soma_value norm(soma_value x) { return soma_batch_norm(x, SOMA_OPTIONS(soma_batch_norm_options){0}); }

enum { PLAIN, FINISHED, ADDED, JOINED, MAXIMA, MEANS, TWICE, ALIKE, AGAIN, KINDS };

static network make(int kind, bool training) {
    network n = {.graph = soma_graph_create()};
    soma_graph_set_training(n.graph, training);
    n.in = soma_input(n.graph, "x", soma_shape4(SOMA_BATCH, CHANNELS, SIDE, SIDE));
    switch (kind) {
    case PLAIN: /* nothing behind either */
        n.between = pointwise(n.in, WIDE);
        n.out = depthwise(n.between, WIDE, 1);
        break;
    case FINISHED:
        n.between = soma_relu6(norm(pointwise(n.in, WIDE)));
        n.out = soma_relu6(norm(depthwise(n.between, WIDE, 2)));
        break;
    case ADDED: { /* what is added is as large as the result and made before */
        soma_value other = soma_tanh(pointwise(n.in, WIDE));
        n.between = soma_sigmoid(soma_add(pointwise(n.in, WIDE), other));
        n.out = soma_add(depthwise(n.between, WIDE, 1), other);
        break;
    }
    case JOINED: {
        soma_value parts[2] = {soma_relu(pointwise(n.in, 7)), {0}};
        n.between = soma_relu(pointwise(n.in, WIDE));
        parts[1] = soma_relu(depthwise(n.between, WIDE, 1));
        n.out = soma_concat(parts, 2, 1);
        break;
    }
    case MAXIMA:
        n.between = soma_relu(pointwise(n.in, WIDE));
        n.out = soma_max_pool2d(n.between, 3, 2);
        break;
    case MEANS:
        n.between = pointwise(n.in, WIDE);
        n.out = soma_tanh(soma_avg_pool2d(n.between, 2, 2));
        break;
    case ALIKE:   /* the result would fit where the input was, which the first step reads last, */
    case AGAIN: { /* or the second, too */
        soma_value x = soma_relu(soma_conv2d(n.in, WIDE, soma_kernel(3, 3), SOMA_OPTIONS(soma_conv2d_options){0}));
        n.between = soma_relu(pointwise(x, WIDE));
        x = kind == ALIKE ? depthwise(n.between, WIDE, 1) : soma_add(depthwise(n.between, WIDE, 1), x);
        n.out = soma_relu(x);
        break;
    }
    default: /* one behind another, and what the first reads is read again behind both */
        n.between = soma_relu(pointwise(n.in, WIDE));
        n.out = soma_add(pointwise(depthwise(n.between, WIDE, 1), CHANNELS), n.in);
        n.between = soma_relu(pointwise(n.out, WIDE));
        n.out = soma_relu(depthwise(n.between, WIDE, 1));
        break;
    }
    return n;
}

static void collect(void *user, const char *text) {
    const size_t size = 8000, used = strlen(user);
    snprintf((char *)user + used, size - used, "%s", text);
}

/* The results for `rows` samples, in `out`; returns their number. */
static size_t run(const network *n, soma_store *store, int64_t max_batch, int threads, int64_t rows, bool apart,
                  const float *x, float *out, char *says) {
    soma_error e = {0};
    const soma_plan_options o = {.max_batch = max_batch,
                                 .threads = threads,
                                 .store = store,
                                 .backend = SOMA_BACKEND_PORTABLE,
                                 .keep = apart ? &n->between : NULL,
                                 .keep_count = apart};
    soma_plan *plan = soma_plan_infer(&n->out, 1, o, &e);
    soma_run *r = soma_run_create(plan, &e);
    if (!r) fail_msg("%s", e.message);
    *says = 0;
    soma_plan_print(plan, collect, says);
    for (int repeat = 0; repeat < 2; repeat++) {
        assert_int_equal(soma_run_bind(r, n->in, x, rows, &e), SOMA_OK);
        assert_int_equal(soma_run_step(r, &e), SOMA_OK);
    }
    const soma_shape shape = soma_run_shape(r, n->out);
    const size_t count = (size_t)(shape.dims[0] * shape.dims[1] * shape.dims[2] * shape.dims[3]);
    assert_int_equal(soma_run_get(r, n->out, out, count, &e), SOMA_OK);
    soma_run_destroy(r);
    soma_plan_destroy(plan);
    return count;
}

static void a_few_channels_at_a_time_give_the_bits_of_all(void **state) {
    (void)state;
    static float x[SAMPLES * IMAGE], want[SAMPLES * 2 * MOST], got[SAMPLES * 2 * MOST];
    static char says[8000];
    for (size_t i = 0; i < SAMPLES * IMAGE; i++) x[i] = (float)((i * 7919) % 1009) / 250.0f - 2.0f;
    for (int kind = 0; kind < KINDS; kind++) {
        network n = make(kind, false);
        soma_store *store = soma_store_create((soma_store_options){0}, NULL);
        for (int64_t rows = 1; rows <= SAMPLES; rows += 2) {
            const size_t count = run(&n, store, rows, 1, rows, true, x, want, says);
            if (kind != TWICE) assert_null(strstr(says, "with the next"));
            for (int threads = 1; threads <= 3; threads++) {
                memset(got, 0, count * sizeof *got);
                assert_int_equal(run(&n, store, rows, threads, rows, false, x, got, says), count);
                if (!strstr(says, "with the next, 48 channels at a time"))
                    fail_msg("kind %d has no pair:\n%s", kind, says);
                assert_memory_equal(got, want, count * sizeof *got);
                memset(got, 0, count * sizeof *got);
                run(&n, store, SAMPLES, threads, rows, false, x, got, says); /* made for more than are there */
                assert_memory_equal(got, want, count * sizeof *got);
            }
        }
        soma_store_destroy(store);
        soma_graph_destroy(n.graph);
    }
}

/* Samples may be fixed in the graph, so that they are not the batch, or several to a row of it. */
static void any_number_of_samples_will_do(void **state) {
    (void)state;
    static const int64_t samples[] = {3, 2 * SOMA_BATCH};
    static float x[SAMPLES * IMAGE], want[4 * MOST], got[4 * MOST];
    static char says[8000];
    for (size_t i = 0; i < SAMPLES * IMAGE; i++) x[i] = (float)((i * 7919) % 1009) / 250.0f - 2.0f;
    for (int kind = 0; kind < 2; kind++) {
        network n = {.graph = soma_graph_create()};
        n.in = soma_input(n.graph, "x", soma_shape4(samples[kind], CHANNELS, SIDE, SIDE));
        n.between = soma_relu(pointwise(n.in, WIDE));
        n.out = soma_relu(depthwise(n.between, WIDE, 1));
        soma_store *store = soma_store_create((soma_store_options){0}, NULL);
        const int64_t rows = kind ? 2 : 1;
        const size_t count = run(&n, store, rows, 1, rows, true, x, want, says);
        assert_int_equal(count, (kind ? 4 : 3) * MOST);
        for (int threads = 1; threads <= 3; threads++) {
            memset(got, 0, sizeof got);
            assert_int_equal(run(&n, store, rows, threads, rows, false, x, got, says), count);
            assert_non_null(strstr(says, "with the next"));
            assert_memory_equal(got, want, count * sizeof *got);
        }
        soma_store_destroy(store);
        soma_graph_destroy(n.graph);
    }
}

/* Where the value between is needed by the backward pass there are none. */
static void training_keeps_what_lies_between(void **state) {
    (void)state;
    static char says[8000];
    soma_error e = {0};
    network n = make(PLAIN, true);
    const soma_plan_options o = {.max_batch = 2, .threads = 2, .backend = SOMA_BACKEND_PORTABLE};
    soma_plan *plan =
        soma_plan_train(soma_reduce_mean(soma_mul(n.out, n.out), SOMA_ALL_AXES, false), soma_sgd(0.1), o, &e);
    if (!plan) fail_msg("%s", e.message);
    *says = 0;
    soma_plan_print(plan, collect, says);
    assert_null(strstr(says, "with the next"));
    soma_plan_destroy(plan);
    soma_graph_destroy(n.graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_few_channels_at_a_time_give_the_bits_of_all),
                                       cmocka_unit_test(any_number_of_samples_will_do),
                                       cmocka_unit_test(training_keeps_what_lies_between)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
