/* Stretches: a large batch that goes through many steps a few samples at a time gives the bits of one sample alone,
 * with values that live inside, begin, end or pass by, with any number of threads, and takes less memory. */
#include <soma/nn.h>
#include <soma/plan.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SAMPLES = 14, SIDE = 48, IMAGE = 3 * SIDE * SIDE, CHANNELS = 12, HALF = SIDE / 2, ANSWERS = 20 };
enum { INNER = CHANNELS * SIDE * SIDE };

typedef struct network {
    soma_graph *graph;
    soma_value in, early, inner, out;
} network;

/* Convolutions of every kind, a sum over a distance, a concatenation, pooling, element-wise steps; `early` is used
 * inside and read behind the stretch, too. */
static network make(void) {
    network n = {.graph = soma_graph_create()};
    n.in = soma_input(n.graph, "x", soma_shape4(SOMA_BATCH, 3, SIDE, SIDE));
    const soma_conv2d_options padded = {.padding = 1}, apart = {.padding = 1, .groups = CHANNELS};
    soma_value x = soma_relu(soma_conv2d(n.in, CHANNELS, soma_kernel(3, 3), padded));
    soma_value y = soma_relu(soma_conv2d(x, CHANNELS, soma_kernel(3, 3), apart));
    n.inner = soma_add(soma_conv2d(y, CHANNELS, soma_kernel(1, 1), SOMA_OPTIONS(soma_conv2d_options){0}), x);
    x = soma_max_pool2d(soma_tanh(n.inner), 2, 2);
    soma_value parts[] = {soma_conv2d(x, 8, soma_kernel(1, 1), SOMA_OPTIONS(soma_conv2d_options){0}),
                          soma_relu(soma_conv2d(x, CHANNELS, soma_kernel(3, 3), padded))};
    x = soma_concat(parts, 2, 1);
    n.early = soma_sigmoid(x);
    x = soma_lrn(soma_mul(n.early, x), 5, 1e-4, 0.75, 2);
    n.out = soma_reduce_mean(soma_add(soma_softplus(x), n.early), SOMA_AXIS(2) | SOMA_AXIS(3), false);
    return n;
}

static void collect(void *user, const char *text) {
    const size_t size = 16000, used = strlen(user);
    snprintf((char *)user + used, size - used, "%s", text);
}

/* The answers to `rows` samples and, if asked for, the inner values. */
static void run(const network *n, soma_store *store, int64_t max_batch, int threads, int64_t rows, const float *x,
                float *answers, float *inner, char *says, int64_t *bytes) {
    soma_error e = {0};
    const soma_plan_options o = {.max_batch = max_batch,
                                 .threads = threads,
                                 .store = store,
                                 .backend = SOMA_BACKEND_PORTABLE,
                                 .keep = inner ? &n->inner : NULL,
                                 .keep_count = inner ? 1 : 0};
    soma_plan *plan = soma_plan_infer(&n->out, 1, o, &e);
    soma_run *r = soma_run_create(plan, &e);
    if (!r) fail_msg("%s", e.message);
    if (says) *says = 0, soma_plan_print(plan, collect, says);
    if (bytes) *bytes = (int64_t)soma_plan_get_info(plan).arena_bytes;
    for (int repeat = 0; repeat < 2; repeat++) {
        assert_int_equal(soma_run_bind(r, n->in, x, rows, &e), SOMA_OK);
        assert_int_equal(soma_run_step(r, &e), SOMA_OK);
    }
    assert_int_equal(soma_run_get(r, n->out, answers, (size_t)(rows * ANSWERS), &e), SOMA_OK);
    if (inner) assert_int_equal(soma_run_get(r, n->inner, inner, (size_t)(rows * INNER), &e), SOMA_OK);
    soma_run_destroy(r);
    soma_plan_destroy(plan);
}

static void many_samples_give_the_bits_of_each_alone(void **state) {
    (void)state;
    static float x[SAMPLES * IMAGE], want[SAMPLES * ANSWERS], got[SAMPLES * ANSWERS], inner[SAMPLES * INNER],
        want_inner[SAMPLES * INNER];
    static char says[16000];
    soma_error e = {0};
    network n = make();
    soma_store *store = soma_store_create((soma_store_options){0}, &e);
    int64_t alone, together;
    for (size_t i = 0; i < SAMPLES * IMAGE; i++) x[i] = (float)((i * 7919) % 1009) / 500.0f - 1.0f;
    for (int64_t s = 0; s < SAMPLES; s++) {
        run(&n, store, 1, 1, 1, x + s * IMAGE, want + s * ANSWERS, want_inner + s * INNER, says, &alone);
        assert_null(strstr(says, "at a time"));
    }
    for (int threads = 1; threads <= 3; threads++) {
        for (int64_t rows = 1; rows <= SAMPLES; rows += rows < 3 ? 1 : 11) {
            run(&n, store, SAMPLES, threads, rows, x, got, NULL, says, &together);
            assert_non_null(strstr(says, "at a time"));
            assert_memory_equal(got, want, (size_t)(rows * ANSWERS) * sizeof *got);
            assert_true(together < 3 * threads * alone);
            run(&n, store, SAMPLES, threads, rows, x, got, inner, says, NULL);
            assert_non_null(strstr(says, "at a time"));
            assert_memory_equal(got, want, (size_t)(rows * ANSWERS) * sizeof *got);
            assert_memory_equal(inner, want_inner, (size_t)(rows * INNER) * sizeof *inner);
        }
    }
    soma_store_destroy(store);
    soma_graph_destroy(n.graph);
}

/* Threads that the system refuses, for want of room for their stacks, are done without. */
static void fewer_threads_than_asked_for_do_as_well(void **state) {
    (void)state;
    static float x[SAMPLES * IMAGE], want[SAMPLES * ANSWERS], got[SAMPLES * ANSWERS];
    soma_error e = {0};
    pthread_attr_t usual, huge;
    network n = make();
    soma_store *store = soma_store_create((soma_store_options){0}, &e);
    for (size_t i = 0; i < SAMPLES * IMAGE; i++) x[i] = (float)((i * 7919) % 1009) / 500.0f - 1.0f;
    assert_int_equal(pthread_getattr_default_np(&usual), 0);
    assert_int_equal(pthread_getattr_default_np(&huge), 0);
    assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << 46), 0);
    for (int64_t rows = 1; rows <= SAMPLES; rows += 13) {
        run(&n, store, rows, 1, rows, x, want, NULL, NULL, NULL);
        assert_int_equal(pthread_setattr_default_np(&huge), 0);
        run(&n, store, rows, 3, rows, x, got, NULL, NULL, NULL);
        assert_int_equal(pthread_setattr_default_np(&usual), 0);
        assert_memory_equal(got, want, (size_t)(rows * ANSWERS) * sizeof *got);
    }
    pthread_attr_destroy(&usual);
    pthread_attr_destroy(&huge);
    soma_store_destroy(store);
    soma_graph_destroy(n.graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_samples_give_the_bits_of_each_alone),
                                       cmocka_unit_test(fewer_threads_than_asked_for_do_as_well)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
