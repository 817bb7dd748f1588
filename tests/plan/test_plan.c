/* Plans and runs: what the passes may not change (values, bits, the order of effects) and what they promise (no
 * allocation from the second step on, any smaller batch, kept values, errors that name the node). */
#include <soma/nn.h>

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 24, FEATURES = 5, CLASSES = 3 };

typedef struct net {
    soma_graph *graph;
    soma_value x, classes, hidden, probabilities, loss;
} net;

/* [convolution, pooling,] dense, batch normalisation, dropout, dense, softmax. */
static net build(const soma_context *context, bool pictures) {
    net n = {.graph = soma_graph_create_in(context)};
    soma_graph_set_training(n.graph, true);
    n.x = soma_input(n.graph, "x", pictures ? soma_shape4(SOMA_BATCH, 2, 8, 8) : soma_shape2(SOMA_BATCH, FEATURES));
    n.classes = soma_input_int64(n.graph, "classes", soma_shape1(SOMA_BATCH));
    soma_value h = n.x;
    if (pictures) {
        h = soma_relu(soma_conv2d(h, 6, soma_kernel(3, 3), SOMA_OPTIONS(soma_conv2d_options){.padding = 1}));
        h = soma_flatten(soma_max_pool2d(h, 2, 2));
    }
    h = soma_relu(soma_batch_norm(soma_dense_with(h, 16, SOMA_OPTIONS(soma_dense_options){.no_bias = true}),
                                  SOMA_OPTIONS(soma_batch_norm_options){.epsilon = 1e-5}));
    n.hidden = h;
    h = soma_dense(soma_dropout(soma_tanh(soma_dense(h, 70)), 0.25), CLASSES);
    n.probabilities = soma_softmax(h, 1);
    n.loss = soma_cross_entropy(n.probabilities, n.classes,
                                SOMA_OPTIONS(soma_cross_entropy_options){.label_smoothing = 0.1});
    return n;
}

static void fill(float *x, size_t count, int64_t *classes, unsigned step) {
    for (size_t i = 0; i < count; i++) x[i] = (float)((i * 37 + step * 11) % 29) / 14.0f - 1.0f;
    for (size_t i = 0; i < ROWS; i++) classes[i] = (int64_t)((i + step) % CLASSES);
}

static soma_optimizer optimizer_of(int kind) {
    switch (kind) {
    case 0:
        return soma_sgd(0.05);
    case 1:
        return soma_momentum(0.05, 0.9);
    case 2:
        return soma_nesterov(0.05, 0.9);
    case 3:
        return soma_rmsprop(0.003);
    case 4:
        return soma_adam(0.01);
    case 5:
        return soma_adamw(0.01);
    default:
        return soma_adagrad(0.02);
    }
}

/* Trains some steps, the last on a short batch; returns all parameters one after the other and their number. */
static size_t train(soma_plan_options options, int kind, bool pictures, double *parameters, double *losses) {
    soma_error e = {0};
    net n = build(NULL, pictures);
    soma_optimizer o = optimizer_of(kind);
    o.weight_decay = 0.01;
    options.max_batch = ROWS;
    options.seed = 5;
    soma_plan *p = soma_plan_train(n.loss, o, options, &e);
    assert_string_equal(e.message, "");
    soma_run *r = soma_run_create(p, &e);
    const size_t width = pictures ? 128 : FEATURES;
    float *x = malloc(ROWS * width * sizeof *x);
    int64_t classes[ROWS];
    for (unsigned s = 0; s < 5; s++) {
        int64_t rows = s == 4 ? 7 : ROWS;
        fill(x, ROWS * width, classes, s);
        soma_run_set(r, n.x, x, rows, &e);
        soma_run_set(r, n.classes, classes, rows, &e);
        assert_int_equal(soma_run_step(r, &e), SOMA_OK);
        soma_run_get_double(r, n.loss, &losses[s], 1, &e);
    }
    assert_string_equal(e.message, "");
    size_t count = 0;
    const soma_store *store = soma_plan_store(p);
    for (size_t i = 0; i < soma_store_count(store); i++) {
        const char *name = soma_store_name(store, i);
        soma_shape shape = soma_store_shape(store, name);
        size_t elements = 1;
        for (int d = 0; d < shape.rank; d++) elements *= (size_t)shape.dims[d];
        float *values = malloc(elements * sizeof *values);
        soma_store_get(store, name, values, elements, &e);
        for (size_t k = 0; k < elements; k++) parameters[count++] = values[k];
        free(values);
    }
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(n.graph);
    free(x);
    return count;
}

enum { MOST = 40000 };
static double first_parameters[MOST], second_parameters[MOST];

/* The portable backend, fused or not, follows the float64 reference. (Optimizers that divide by a root of squares
 * magnify rounding where a gradient is nearly zero, so the comparison is in the norm.) */
static void training_follows_the_reference(void **state) {
    (void)state;
    for (int pictures = 0; pictures < 2; pictures++)
        for (int kind = 0; kind < 7; kind++)
            for (int unfused = 0; unfused < 2; unfused++) {
                double a[5], b[5], distance = 0, norm = 0;
                soma_plan_options reference = {.backend = SOMA_BACKEND_REFERENCE}, portable = {.unfused = unfused};
                size_t count = train(reference, kind, pictures, first_parameters, a);
                assert_int_equal(train(portable, kind, pictures, second_parameters, b), count);
                for (int s = 0; s < 5; s++) assert_true(fabs(a[s] - b[s]) <= 2e-4 * fabs(a[s]));
                for (size_t i = 0; i < count; i++) {
                    distance += pow(first_parameters[i] - second_parameters[i], 2);
                    norm += pow(first_parameters[i], 2);
                }
                assert_true(sqrt(distance) <= 2e-3 * sqrt(norm));
            }
}

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    for (int pictures = 0; pictures < 2; pictures++)
        for (int kind = 0; kind < 7; kind += 2)
            for (int threads = 2; threads <= 3; threads++) {
                double a[5], b[5];
                size_t count =
                    train(SOMA_OPTIONS(soma_plan_options){.threads = 1}, kind, pictures, first_parameters, a);
                train(SOMA_OPTIONS(soma_plan_options){.threads = threads}, kind, pictures, second_parameters, b);
                assert_memory_equal(a, b, sizeof a);
                assert_memory_equal(first_parameters, second_parameters, count * sizeof(double));
            }
}

typedef struct counter {
    long allocations, live;
} counter;

static void *counted_allocate(void *user, size_t size) {
    counter *c = user;
    c->allocations++;
    c->live++;
    return aligned_alloc(64, size);
}

static void counted_release(void *user, void *memory) {
    ((counter *)user)->live--;
    free(memory);
}

static void nothing_is_allocated_from_the_second_step_on(void **state) {
    (void)state;
    counter c = {0, 0};
    soma_error e = {0};
    soma_context *context = soma_context_create(
        SOMA_OPTIONS(soma_context_options){.allocate = counted_allocate, .release = counted_release, .user = &c}, &e);
    for (int pictures = 0; pictures < 2; pictures++) {
        net n = build(context, pictures);
        soma_plan *p = soma_plan_train(n.loss, soma_adam(1e-3), SOMA_OPTIONS(soma_plan_options){.max_batch = ROWS}, &e);
        soma_run *r = soma_run_create(p, &e);
        static float x[ROWS * 128];
        int64_t classes[ROWS];
        long after_first = 0;
        for (unsigned s = 0; s < 6; s++) {
            int64_t rows = s % 2 ? 5 : ROWS;
            fill(x, ROWS * 128, classes, s);
            soma_run_set(r, n.x, x, rows, &e);
            soma_run_set(r, n.classes, classes, rows, &e);
            assert_int_equal(soma_run_step(r, &e), SOMA_OK);
            if (s == 0) after_first = c.allocations;
        }
        assert_true(after_first > 0);
        assert_int_equal(c.allocations, after_first);
        soma_run_destroy(r);
        soma_plan_destroy(p);
        soma_graph_destroy(n.graph);
    }
    assert_int_equal(c.live, 0);
    soma_context_destroy(context);
}

static void a_plan_runs_any_smaller_batch(void **state) {
    (void)state;
    soma_error e = {0};
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, FEATURES));
    soma_value y = soma_softmax(soma_dense(soma_relu(soma_dense(x, 33)), CLASSES), 1), m = soma_mean(y);
    const soma_value outputs[] = {y, m};
    soma_plan *p = soma_plan_infer(outputs, 2,
                                   SOMA_OPTIONS(soma_plan_options){.max_batch = ROWS, .keep = &x, .keep_count = 1}, &e);
    soma_run *r = soma_run_create(p, &e);
    float data[ROWS * FEATURES], whole[ROWS * CLASSES], part[ROWS * CLASSES], mean;
    int64_t unused[ROWS];
    fill(data, ROWS * FEATURES, unused, 1);
    soma_run_set(r, x, data, ROWS, &e);
    soma_run_step(r, &e);
    soma_run_get(r, y, whole, ROWS * CLASSES, &e);
    for (int64_t rows = 0; rows <= ROWS; rows += 1) {
        soma_run_bind(r, x, data, rows, &e);
        assert_int_equal(soma_run_step(r, &e), SOMA_OK);
        assert_int_equal(soma_run_get(r, y, part, (size_t)rows * CLASSES, &e), SOMA_OK);
        for (int64_t i = 0; i < rows * CLASSES; i++) assert_true(fabsf(part[i] - whole[i]) < 1e-6f);
        soma_run_get(r, m, &mean, 1, &e);
        if (rows) assert_true(fabsf(mean - 1.0f / (float)CLASSES) < 1e-6f);
    }
    assert_int_equal(soma_run_set(r, x, data, ROWS + 1, &e), SOMA_ERROR_ARGUMENT);
    assert_non_null(strstr(e.message, "25 rows, but the plan is made for 0 to 24"));
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
}

static void bound_arrays_are_read_at_each_step(void **state) {
    (void)state;
    for (int backend = SOMA_BACKEND_PORTABLE; backend <= SOMA_BACKEND_REFERENCE; backend++) {
        soma_error e = {0};
        soma_graph *g = soma_graph_create();
        soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 2)), c = soma_input(g, "c", soma_shape1(2));
        soma_value y = soma_mul(x, c);
        soma_plan *p = soma_plan_infer(
            &y, 1, SOMA_OPTIONS(soma_plan_options){.max_batch = 3, .backend = (soma_backend)backend}, &e);
        soma_run *r = soma_run_create(p, &e);
        float data[6], factors[2] = {1, 2}, out[6];
        soma_run_bind(r, x, data, 3, &e);
        soma_run_bind(r, c, factors, 0, &e);
        for (int s = 0; s < 3; s++) {
            for (int i = 0; i < 6; i++) data[i] = (float)(i + s);
            factors[0] = (float)s;
            assert_int_equal(soma_run_step(r, &e), SOMA_OK);
            assert_int_equal(soma_run_get(r, y, out, 6, &e), SOMA_OK);
            for (int i = 0; i < 6; i++) assert_true(out[i] == data[i] * factors[i % 2]);
        }
        soma_run_destroy(r);
        soma_plan_destroy(p);
        soma_graph_destroy(g);
    }
}

static void every_reader_of_a_variable_sees_what_it_held_before(void **state) {
    (void)state;
    for (int backend = SOMA_BACKEND_PORTABLE; backend <= SOMA_BACKEND_REFERENCE; backend++) {
        soma_error e = {0};
        soma_graph *g = soma_graph_create();
        soma_init zero = {SOMA_INIT_CONSTANT, 0, 0, 0};
        soma_value v = soma_variable(g, "v", soma_shape1(3), zero, false),
                   w = soma_variable(g, "w", soma_shape1(3), zero, false);
        soma_value one = soma_add(v, soma_scalar(g, 1));
        /* w takes v's old value, v its successor; the sum is of old values, read through another shape too. */
        const soma_value effects[] = {soma_assign(v, one), soma_assign(w, v)};
        soma_value old = soma_sum(soma_add(soma_reshape(v, soma_shape2(3, 1)), soma_reshape(w, soma_shape2(3, 1))));
        soma_plan *p = soma_plan_create(&old, 1, effects, 2,
                                        SOMA_OPTIONS(soma_plan_options){.backend = (soma_backend)backend}, &e);
        assert_string_equal(e.message, "");
        soma_run *r = soma_run_create(p, &e);
        for (int s = 0; s < 4; s++) {
            float sum, values[3];
            assert_int_equal(soma_run_step(r, &e), SOMA_OK);
            soma_run_get(r, old, &sum, 1, &e);
            assert_true(sum == (float)(s ? 3 * s + 3 * (s - 1) : 0));
            soma_store_get(soma_plan_store(p), "v", values, 3, &e);
            assert_true(values[2] == (float)(s + 1));
            soma_store_get(soma_plan_store(p), "w", values, 3, &e);
            assert_true(values[0] == (float)s);
        }
        soma_run_destroy(r);
        soma_plan_destroy(p);
        soma_graph_destroy(g);
    }
}

static void kept_values_can_be_read(void **state) {
    (void)state;
    soma_error e = {0};
    net n = build(NULL, false);
    const soma_value keep[] = {n.hidden, n.probabilities};
    soma_plan *p = soma_plan_train(
        n.loss, soma_sgd(0.1), SOMA_OPTIONS(soma_plan_options){.max_batch = ROWS, .keep = keep, .keep_count = 2}, &e);
    soma_run *r = soma_run_create(p, &e);
    float x[ROWS * FEATURES], hidden[ROWS * 16], probabilities[ROWS * CLASSES];
    int64_t classes[ROWS];
    fill(x, ROWS * FEATURES, classes, 0);
    soma_run_set(r, n.x, x, ROWS, &e);
    soma_run_set(r, n.classes, classes, ROWS, &e);
    soma_run_step(r, &e);
    assert_int_equal(soma_run_get(r, n.hidden, hidden, ROWS * 16, &e), SOMA_OK);
    assert_int_equal(soma_run_get(r, n.probabilities, probabilities, ROWS * CLASSES, &e), SOMA_OK);
    double loss = 0, value;
    for (int i = 0; i < ROWS; i++) {
        double sum = 0, row = 0;
        for (int c = 0; c < CLASSES; c++) {
            double q = (c == classes[i] ? 0.9 : 0) + 0.1 / (double)CLASSES;
            sum += probabilities[i * CLASSES + c];
            row -= q * log(probabilities[i * CLASSES + c]);
        }
        assert_true(fabs(sum - 1) < 1e-6);
        loss += row / (double)ROWS;
    }
    soma_run_get_double(r, n.loss, &value, 1, &e);
    assert_true(fabs(loss - value) < 1e-5);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(n.graph);
}

/* One layer that a fast algorithm suits, by either algorithm, and by the reference; and what the plan and its profile
 * say about it. */
enum { WIDE = 32, SIDE = 12, IMAGE = WIDE * SIDE * SIDE };

static void collect(void *user, const char *text) { strncat(user, text, 2000 - strlen(user)); }

static void collect_all(void *user, const char *text) { strncat(user, text, 19000 - strlen(user)); }

static void run_convolution(soma_plan_options o, const float *x, float *y, char *printed) {
    soma_error e = {0};
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, WIDE, SIDE, SIDE));
    soma_value out = soma_conv2d(in, WIDE, soma_kernel(3, 3), SOMA_OPTIONS(soma_conv2d_options){.padding = 1});
    o.max_batch = 2;
    soma_plan *p = soma_plan_infer(&out, 1, o, &e);
    soma_run *r = soma_run_create(p, &e);
    assert_non_null(r);
    soma_plan_print(p, collect, printed);
    soma_run_print_profile(r, collect, printed); /* nothing yet */
    assert_int_equal(soma_run_profile(r, true, &e), SOMA_OK);
    soma_run_set(r, in, x, 2, &e);
    assert_int_equal(soma_run_step(r, &e), SOMA_OK);
    soma_run_print_profile(r, collect, printed);
    assert_int_equal(soma_run_profile(r, false, &e), SOMA_OK);
    assert_int_equal(soma_run_get(r, out, y, 2 * (size_t)IMAGE, &e), SOMA_OK);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
}

/* A classifier's training step: the slope of an activation is made where the gradient passes, a bias is updated by the
 * step that sums up its gradient, and all that is element-wise is compiled. */
static void a_small_classifier_trains_in_few_compiled_steps(void **state) {
    (void)state;
    const char *const compiled[] = {"bias_tanh", "tanh_backward", "momentum_decay"};
    static char text[20000];
    soma_error e = {0};
    soma_optimizer optimizer = soma_momentum(0.1, 0.9);
    optimizer.weight_decay = 0.001;
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 2));
    soma_value classes = soma_input_int64(g, "classes", soma_shape1(SOMA_BATCH));
    soma_value h = soma_dense(soma_tanh(soma_dense(soma_tanh(soma_dense(x, 6)), 2)), 2);
    soma_value loss = soma_softmax_cross_entropy(h, classes, (soma_cross_entropy_options){0});
    soma_plan *p = soma_plan_train(loss, optimizer, (soma_plan_options){.max_batch = 10}, &e);
    assert_string_equal(e.message, "");
    assert_int_equal(soma_plan_get_info(p).steps, 14);
    text[0] = 0;
    soma_plan_print(p, collect_all, text);
    for (size_t i = 0; i < sizeof compiled / sizeof *compiled; i++) assert_non_null(strstr(text, compiled[i]));
    soma_plan_destroy(p);
    soma_graph_destroy(g);
}

static double distance(const float *a, const float *b, size_t count) {
    double error = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        error += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return sqrt(error / size);
}

static void a_fast_algorithm_can_be_switched_off(void **state) {
    (void)state;
    static float x[2 * IMAGE], fast[2 * IMAGE], direct[2 * IMAGE], exact[2 * IMAGE];
    char says_fast[2001] = "", says_direct[2001] = "", ignored[2001] = "";
    for (size_t i = 0; i < 2 * (size_t)IMAGE; i++) x[i] = (float)((i * 37) % 29) / 14.0f - 1.0f;
    run_convolution((soma_plan_options){0}, x, fast, says_fast);
    run_convolution((soma_plan_options){.algorithm = SOMA_ALGORITHM_DIRECT}, x, direct, says_direct);
    run_convolution((soma_plan_options){.backend = SOMA_BACKEND_REFERENCE}, x, exact, ignored);
    assert_non_null(strstr(says_fast, "winograd"));
    assert_null(strstr(says_direct, "winograd"));
    assert_non_null(strstr(says_fast, "GFLOP/s"));
    assert_true(distance(fast, exact, 2 * (size_t)IMAGE) < 1e-4);
    assert_true(distance(direct, exact, 2 * (size_t)IMAGE) < 1e-6);
    assert_true(memcmp(fast, direct, sizeof fast) != 0);
}

static void a_value_that_is_not_finite_is_named(void **state) {
    (void)state;
    soma_error e = {0};
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape1(SOMA_BATCH));
    soma_value y = soma_exp(soma_name(soma_log(soma_sub(x, soma_scalar(g, 1))), "gap"));
    soma_plan *p = soma_plan_infer(&y, 1, SOMA_OPTIONS(soma_plan_options){.max_batch = 2, .check_finite = true}, &e);
    soma_run *r = soma_run_create(p, &e);
    const float good[2] = {2, 3}, bad[2] = {2, 0};
    soma_run_set(r, x, good, 2, &e);
    assert_int_equal(soma_run_step(r, &e), SOMA_OK);
    soma_run_set(r, x, bad, 2, &e);
    assert_int_equal(soma_run_step(r, &e), SOMA_ERROR_NUMERIC);
    assert_non_null(strstr(e.message, "log 'gap'"));
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
}

static void random_streams_replay(void **state) {
    (void)state;
    soma_error e = {0};
    soma_graph *g = soma_graph_create();
    soma_value a = soma_random_uniform(g, soma_shape1(100)), b = soma_random_uniform(g, soma_shape1(100));
    const soma_value outputs[] = {a, b};
    soma_plan *p = soma_plan_infer(outputs, 2, SOMA_OPTIONS(soma_plan_options){.seed = 3}, &e);
    soma_run *r = soma_run_create(p, &e);
    float x[3][100], y[100];
    soma_run_step(r, &e);
    soma_run_get(r, a, x[0], 100, &e);
    soma_run_get(r, b, y, 100, &e);
    assert_memory_not_equal(x[0], y, sizeof y); /* each node is a stream of its own */
    soma_run_step(r, &e);
    soma_run_get(r, a, x[1], 100, &e);
    assert_memory_not_equal(x[0], x[1], sizeof y);
    soma_run_seed(r, 3, 0);
    soma_run_step(r, &e);
    soma_run_get(r, a, x[2], 100, &e);
    assert_memory_equal(x[0], x[2], sizeof y);
    for (int i = 0; i < 100; i++) assert_true(y[i] >= 0 && y[i] < 1);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
}

static void mistakes_are_sentences(void **state) {
    (void)state;
    soma_error e = {0};
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 3));
    soma_value wrong = soma_add(x, soma_input(g, "z", soma_shape2(SOMA_BATCH, 4)));
    assert_null(soma_plan_infer(&wrong, 1, SOMA_OPTIONS(soma_plan_options){.max_batch = 2}, &e));
    assert_non_null(strstr(e.message, "[N, 3]"));
    assert_non_null(strstr(e.message, "[N, 4]"));
    assert_null(soma_run_create(NULL, &e));
    soma_graph_destroy(g);

    soma_error f = {0};
    g = soma_graph_create();
    x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 3));
    soma_value y = soma_relu(x);
    soma_plan *p = soma_plan_infer(&y, 1, SOMA_OPTIONS(soma_plan_options){.max_batch = 2}, &f);
    soma_run *r = soma_run_create(p, &f);
    assert_int_equal(soma_run_step(r, &f), SOMA_ERROR_ARGUMENT);
    assert_string_equal(f.message, "run: input 'x' is not set");
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
}

typedef struct host_thread {
    pthread_t thread;
    void (*body)(void *argument, int index);
    void *argument;
    int index;
} host_thread;

static void *host_body(void *argument) {
    host_thread *t = argument;
    t->body(t->argument, t->index);
    return NULL;
}

static void host_parallel(void *user, int threads, void (*body)(void *argument, int index), void *argument) {
    host_thread t[8];
    ++*(int *)user;
    for (int i = 1; i < threads; i++) {
        t[i] = (host_thread){.body = body, .argument = argument, .index = i};
        assert_int_equal(pthread_create(&t[i].thread, NULL, host_body, &t[i]), 0);
    }
    body(argument, 0);
    for (int i = 1; i < threads; i++) pthread_join(t[i].thread, NULL);
}

static void the_host_may_bring_its_threads(void **state) {
    (void)state;
    soma_error e = {0};
    int regions = 0;
    soma_context *context =
        soma_context_create(SOMA_OPTIONS(soma_context_options){.parallel = host_parallel, .user = &regions}, &e);
    soma_graph *g = soma_graph_create_in(context);
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 64));
    soma_value y = soma_dense(soma_relu(soma_dense(x, 128)), 64);
    soma_plan *p = soma_plan_infer(&y, 1, SOMA_OPTIONS(soma_plan_options){.max_batch = 64, .threads = 2}, &e);
    soma_run *r = soma_run_create(p, &e);
    static float data[64 * 64], out[64 * 64];
    soma_run_set(r, x, data, 64, &e);
    assert_int_equal(soma_run_step(r, &e), SOMA_OK);
    assert_int_equal(soma_run_get(r, y, out, 64 * 64, &e), SOMA_OK);
    assert_int_equal(regions, 1);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
    soma_context_destroy(context);
}

/* ---- Concatenation --------------------------------------------------------------------------------------------------
 */

/* Three branches side by side, of which the last also goes elsewhere if `shared`. */
static soma_value build_branches(soma_value x, bool shared) {
    soma_value a = soma_relu(soma_conv2d(x, 5, soma_kernel(1, 1), SOMA_OPTIONS(soma_conv2d_options){.padding = 0}));
    soma_value b = soma_relu(soma_conv2d(x, 16, soma_kernel(3, 3), SOMA_OPTIONS(soma_conv2d_options){.padding = 1}));
    soma_value c = soma_relu(soma_conv2d(b, 7, soma_kernel(3, 3), SOMA_OPTIONS(soma_conv2d_options){.padding = 1}));
    soma_value d = soma_relu(soma_conv2d(x, 3, soma_kernel(5, 5), SOMA_OPTIONS(soma_conv2d_options){.padding = 2}));
    soma_value y = soma_concat((soma_value[]){a, c, d}, 3, 1);
    y = soma_relu(soma_conv2d(y, 4, soma_kernel(3, 3), SOMA_OPTIONS(soma_conv2d_options){.padding = 1}));
    return shared ? soma_add(y, soma_reduce_sum(d, SOMA_AXIS(1), true)) : y;
}

static void count_joined(void *user, const char *text) { *(int *)user += strstr(text, "into concat") != NULL; }

static void parts_of_a_concatenation_are_written_in_place(void **state) {
    (void)state;
    enum { PIXELS = 13 * 9, LARGEST = 5, INPUT = 8 * PIXELS };
    static float x[LARGEST * INPUT], y[2][LARGEST * 4 * PIXELS];
    for (int i = 0; i < LARGEST * INPUT; i++) x[i] = (float)(i * 37 % 29) / 14.0f - 1.0f;
    for (int shared = 0; shared < 2; shared++) {
        for (int threads = 1; threads <= 2; threads++) {
            for (int64_t rows = 1; rows <= LARGEST; rows += 2) {
                for (int unfused = 0; unfused < 2; unfused++) {
                    soma_error e = {0};
                    int joined = 0;
                    soma_graph *g = soma_graph_create();
                    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, 8, 13, 9));
                    soma_value out = build_branches(in, shared);
                    soma_plan_options options = {.max_batch = LARGEST, .threads = threads, .unfused = unfused};
                    soma_plan *p = soma_plan_infer(&out, 1, options, &e);
                    soma_run *r = soma_run_create(p, &e);
                    assert_string_equal(e.message, "");
                    soma_plan_print(p, count_joined, &joined);
                    assert_int_equal(joined, shared || unfused ? 0 : 3);
                    assert_int_equal(soma_run_set(r, in, x, rows, &e), SOMA_OK);
                    assert_int_equal(soma_run_step(r, &e), SOMA_OK);
                    assert_int_equal(soma_run_get(r, out, y[unfused], (size_t)rows * 4 * PIXELS, &e), SOMA_OK);
                    soma_run_destroy(r);
                    soma_plan_destroy(p);
                    soma_graph_destroy(g);
                }
                assert_memory_equal(y[0], y[1], (size_t)rows * 4 * PIXELS * sizeof(float));
            }
        }
    }
}

/* ---- A memory budget ------------------------------------------------------------------------------------------------
 */

enum { DEEP_ROWS = 8, DEEP_SIDE = 40, DEEP_INPUT = 3 * DEEP_SIDE * DEEP_SIDE };

/* Convolutions, batch normalisation, a residual sum, pooling, response normalisation, dropout. */
static soma_value build_deep(soma_value x, soma_value classes) {
    soma_conv2d_options same = {.padding = 1};
    soma_batch_norm_options usual = {.epsilon = 1e-5};
    for (int i = 0; i < 4; i++) {
        soma_value y = soma_relu(soma_batch_norm(soma_conv2d(x, 16, soma_kernel(3, 3), same), usual));
        y = soma_batch_norm(soma_conv2d(y, 16, soma_kernel(3, 3), same), usual);
        x = soma_relu(i ? soma_add(x, y) : y);
        if (i == 1) x = soma_dropout(soma_lrn(soma_max_pool2d(x, 2, 2), 5, 1e-4, 0.75, 1), 0.2);
    }
    return soma_cross_entropy(soma_softmax(soma_dense(soma_flatten(x), CLASSES), 1), classes,
                              (soma_cross_entropy_options){0});
}

/* Three steps; the weights afterwards and the losses into `numbers`, whose count is returned; 0 if there is no plan. */
static size_t train_deep(soma_plan_options options, float *numbers, soma_plan_info *info, soma_error *e) {
    static float x[DEEP_ROWS * DEEP_INPUT];
    int64_t classes[DEEP_ROWS];
    size_t count = 0;
    soma_graph *g = soma_graph_create();
    soma_graph_set_training(g, true);
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, 3, DEEP_SIDE, DEEP_SIDE));
    soma_value labels = soma_input_int64(g, "classes", soma_shape1(SOMA_BATCH));
    soma_value loss = build_deep(in, labels);
    options.max_batch = DEEP_ROWS;
    soma_plan *p = soma_plan_train(loss, soma_momentum(0.01, 0.9), options, e);
    soma_run *r = p ? soma_run_create(p, e) : NULL;
    for (unsigned step = 0; r && step < 3; step++) {
        for (int i = 0; i < DEEP_ROWS * DEEP_INPUT; i++) x[i] = (float)((unsigned)i * 37 % (29 + step)) / 14.0f - 1.0f;
        for (int i = 0; i < DEEP_ROWS; i++) classes[i] = (i + (int)step) % CLASSES;
        assert_int_equal(soma_run_set(r, in, x, DEEP_ROWS, e), SOMA_OK);
        assert_int_equal(soma_run_set(r, labels, classes, DEEP_ROWS, e), SOMA_OK);
        assert_int_equal(soma_run_step(r, e), SOMA_OK);
        assert_int_equal(soma_run_get(r, loss, &numbers[count++], 1, e), SOMA_OK);
    }
    const soma_store *store = soma_plan_store(p);
    for (size_t i = 0; r && i < soma_store_count(store); i++) {
        soma_shape s = soma_store_shape(store, soma_store_name(store, i));
        size_t n = 1;
        for (int d = 0; d < s.rank; d++) n *= (size_t)s.dims[d];
        assert_int_equal(soma_store_get(store, soma_store_name(store, i), numbers + count, n, e), SOMA_OK);
        count += n;
    }
    if (p) *info = soma_plan_get_info(p);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
    return count;
}

static void a_memory_budget_changes_no_bit(void **state) {
    (void)state;
    enum { NUMBERS = 100000 };
    static float kept[NUMBERS], again[NUMBERS];
    soma_error e = {0};
    soma_plan_info full, info;
    size_t count = train_deep((soma_plan_options){.seed = 3, .threads = 2}, kept, &full, &e);
    assert_string_equal(e.message, "");
    assert_true(count > 1000 && count < NUMBERS && full.remade == 0 && full.extra_flops == 0);
    assert_int_equal(train_deep((soma_plan_options){.seed = 3, .threads = 2, .memory = 1000}, again, &info, &e), 0);
    const char *number = strstr(e.message, "the least that suffices is ");
    assert_non_null(number);
    const int64_t least = strtoll(number + strlen("the least that suffices is "), NULL, 10);
    assert_true(least > 1000 && least < full.memory_bytes * 9 / 10);
    int levels = 0;
    for (int64_t budget = full.memory_bytes - 1; budget >= least; budget -= (full.memory_bytes - least) / 5) {
        for (int threads = 1; threads <= 2; threads++) {
            e = (soma_error){0};
            soma_plan_options options = {.seed = 3, .memory = budget, .threads = threads};
            assert_int_equal(train_deep(options, again, &info, &e), count);
            assert_string_equal(e.message, "");
            assert_true(info.memory_bytes <= budget && (threads == 1 || info.remade > 0)); /* one needs less */
            assert_memory_equal(kept, again, count * sizeof *kept);
            levels |= info.extra_flops > 0 ? 2 : 1;
        }
    }
    assert_int_equal(levels, 3); /* cheap values only, and convolutions too */
    assert_int_equal(
        train_deep((soma_plan_options){.seed = 3, .threads = 2, .memory = full.memory_bytes}, again, &info, &e), count);
    assert_int_equal(info.remade, 0);
}

/* The scales of a batch normalisation that is used are made once; they follow its variables all the same. */
static void scales_follow_the_variables(void **state) {
    (void)state;
    enum { UNITS = 600 };
    soma_error e = {0};
    static float x[2 * UNITS], before[2 * UNITS], again[2 * UNITS], after[2 * UNITS], values[UNITS];
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape2(SOMA_BATCH, UNITS));
    soma_value out = soma_batch_norm(in, SOMA_OPTIONS(soma_batch_norm_options){.epsilon = 1e-5});
    soma_plan *p = soma_plan_infer(&out, 1, SOMA_OPTIONS(soma_plan_options){.max_batch = 2}, &e);
    soma_run *r = soma_run_create(p, &e);
    assert_string_equal(e.message, "");
    for (int i = 0; i < 2 * UNITS; i++) x[i] = (float)(i % 13) - 6;
    assert_int_equal(soma_run_set(r, in, x, 2, &e), SOMA_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(soma_run_step(r, &e), SOMA_OK);
        assert_int_equal(soma_run_get(r, out, i ? again : before, 2 * UNITS, &e), SOMA_OK);
    }
    assert_memory_equal(before, again, sizeof before);
    soma_store *store = soma_plan_store(p);
    for (int i = 0; i < UNITS; i++) values[i] = 4;
    assert_int_equal(soma_store_set(store, "bn1.running_var", values, UNITS, &e), SOMA_OK);
    assert_int_equal(soma_run_step(r, &e), SOMA_OK);
    assert_int_equal(soma_run_get(r, out, after, 2 * UNITS, &e), SOMA_OK);
    for (int i = 0; i < 2 * UNITS; i++) assert_true(fabsf(after[i] - before[i] / 2) < 1e-4f);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
}

/* Weights are arranged for their kernels once, and anew when they change. */
static void arranged_weights_follow_the_variables(void **state) {
    (void)state;
    enum { CHANNELS = 48, EDGE = 16, NUMBERS = CHANNELS * EDGE * EDGE, WEIGHTS = CHANNELS * CHANNELS * 9 };
    static float x[NUMBERS], before[NUMBERS], again[NUMBERS], after[NUMBERS], values[WEIGHTS];
    static char says[2001];
    soma_error e = {0};
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, CHANNELS, EDGE, EDGE));
    const soma_conv2d_options options = {.padding = 1, .no_bias = true};
    soma_value out = soma_conv2d(in, CHANNELS, soma_kernel(3, 3), options);
    soma_plan *p = soma_plan_infer(&out, 1, SOMA_OPTIONS(soma_plan_options){.backend = SOMA_BACKEND_PORTABLE}, &e);
    soma_run *r = soma_run_create(p, &e);
    assert_string_equal(e.message, "");
    soma_plan_print(p, collect, says);
    assert_non_null(strstr(says, "winograd, weights kept"));
    for (int i = 0; i < NUMBERS; i++) x[i] = (float)(i % 13) - 6;
    assert_int_equal(soma_run_set(r, in, x, 1, &e), SOMA_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(soma_run_step(r, &e), SOMA_OK);
        assert_int_equal(soma_run_get(r, out, i ? again : before, NUMBERS, &e), SOMA_OK);
    }
    assert_memory_equal(before, again, sizeof before);
    soma_store *store = soma_plan_store(p);
    assert_int_equal(soma_store_get(store, "conv2d1.weight", values, WEIGHTS, &e), SOMA_OK);
    for (int i = 0; i < WEIGHTS; i++) values[i] *= 2;
    assert_int_equal(soma_store_set(store, "conv2d1.weight", values, WEIGHTS, &e), SOMA_OK);
    assert_int_equal(soma_run_step(r, &e), SOMA_OK);
    assert_int_equal(soma_run_get(r, out, after, NUMBERS, &e), SOMA_OK);
    for (int i = 0; i < NUMBERS; i++) assert_true(after[i] == 2 * before[i]);
    soma_run_destroy(r);
    soma_plan_destroy(p);
    soma_graph_destroy(g);
}

/* ---- Results that leave the registers finished ---------------------------------------------------------------------
 */

/* Each way in which convolutions end: with batch normalisation as it is used or a bias, bounds above and below, a
 * residual sum; deeper than a chain of sums, and in pictures of 7 x 7, whose last place is summed apart. */
static soma_value build_endings(soma_value x) {
    soma_conv2d_options plain = {.no_bias = true}, each = {.no_bias = true, .padding = 1, .groups = 40};
    soma_conv2d_options padded = {.no_bias = true, .padding = 1};
    soma_batch_norm_options usual = {.epsilon = 1e-5};
    soma_value y = soma_relu6(soma_batch_norm(soma_conv2d(x, 40, soma_kernel(1, 1), plain), usual));
    y = soma_relu6(soma_batch_norm(soma_conv2d(y, 40, soma_kernel(3, 3), each), usual));
    x = soma_add(soma_batch_norm(soma_conv2d(y, 6, soma_kernel(1, 1), plain), usual), x);
    y = soma_relu(soma_conv2d(x, 600, soma_kernel(1, 1), SOMA_OPTIONS(soma_conv2d_options){.padding = 0}));
    x = soma_relu(soma_add(soma_batch_norm(soma_conv2d(y, 6, soma_kernel(1, 1), plain), usual), x));
    x = soma_relu(soma_add(soma_batch_norm(soma_conv2d(y, 6, soma_kernel(3, 3), padded), usual), x));
    y = soma_relu(soma_batch_norm(soma_conv2d(x, 40, soma_kernel(5, 3), plain), usual));
    each.stride = 2;
    y = soma_batch_norm(soma_conv2d(y, 40, soma_kernel(3, 3), each), usual);
    return soma_conv2d(y, 7, soma_kernel(1, 1), SOMA_OPTIONS(soma_conv2d_options){.padding = 0});
}

static void results_are_finished_to_the_same_bits(void **state) {
    (void)state;
    enum { CHANNELS = 6, WIDEST = 33, LARGEST = 2 * CHANNELS * WIDEST * WIDEST };
    static const char *const levels[] = {"baseline", "avx2", "avx512"};
    static const int64_t sides[] = {7, 14, WIDEST};
    static float x[LARGEST], y[2][LARGEST], values[6 * 600 * 9];
    for (int i = 0; i < LARGEST; i++) x[i] = (float)(i * 37 % 29) / 7.0f - 2.0f;
    for (int trial = 0; trial < 18; trial++) {
        const int64_t side = sides[trial / 6];
        size_t count = 0;
        setenv("SOMA_ISA", levels[trial % 3], 1);
        for (int unfused = 0; unfused < 2; unfused++) {
            soma_error e = {0};
            soma_graph *g = soma_graph_create();
            soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, CHANNELS, side, side)), out = build_endings(in);
            soma_plan_options options = {.max_batch = 2, .threads = 1 + trial / 3 % 2, .unfused = unfused};
            options.backend = SOMA_BACKEND_PORTABLE;
            soma_plan *p = soma_plan_infer(&out, 1, options, &e);
            soma_run *r = soma_run_create(p, &e);
            assert_string_equal(e.message, "");
            soma_store *store = soma_plan_store(p);
            for (size_t v = 0; v < soma_store_count(store); v++) {
                const char *name = soma_store_name(store, v);
                const soma_shape s = soma_store_shape(store, name);
                int64_t n = 1;
                for (int d = 0; d < s.rank; d++) n *= s.dims[d];
                bool weights = strstr(name, "weight") && !strstr(name, "bn");
                for (int64_t i = 0; i < n; i++)
                    values[i] = (float)((i + (int64_t)v) * 31 % 17) / 16 + (weights ? -0.5f : 0.3f);
                assert_int_equal(soma_store_set(store, name, values, (size_t)n, &e), SOMA_OK);
            }
            assert_int_equal(soma_run_set(r, in, x, 2, &e), SOMA_OK);
            assert_int_equal(soma_run_step(r, &e), SOMA_OK);
            count = 2 * 7 * (size_t)((side - 5) / 2 + 1) * (size_t)((side - 3) / 2 + 1);
            assert_int_equal(soma_run_get(r, out, y[unfused], count, &e), SOMA_OK);
            soma_run_destroy(r);
            soma_plan_destroy(p);
            soma_graph_destroy(g);
        }
        assert_memory_equal(y[0], y[1], count * sizeof(float));
    }
    unsetenv("SOMA_ISA");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_follows_the_reference),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(nothing_is_allocated_from_the_second_step_on),
        cmocka_unit_test(a_plan_runs_any_smaller_batch),
        cmocka_unit_test(bound_arrays_are_read_at_each_step),
        cmocka_unit_test(every_reader_of_a_variable_sees_what_it_held_before),
        cmocka_unit_test(kept_values_can_be_read),
        cmocka_unit_test(a_small_classifier_trains_in_few_compiled_steps),
        cmocka_unit_test(a_fast_algorithm_can_be_switched_off),
        cmocka_unit_test(a_value_that_is_not_finite_is_named),
        cmocka_unit_test(random_streams_replay),
        cmocka_unit_test(mistakes_are_sentences),
        cmocka_unit_test(the_host_may_bring_its_threads),
        cmocka_unit_test(parts_of_a_concatenation_are_written_in_place),
        cmocka_unit_test(a_memory_budget_changes_no_bit),
        cmocka_unit_test(scales_follow_the_variables),
        cmocka_unit_test(arranged_weights_follow_the_variables),
        cmocka_unit_test(results_are_finished_to_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
