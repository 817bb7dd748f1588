/* cli/bench.c: `soma bench`: how fast a network runs or trains. Random data are made once and bound, so that a step is
 * the plan's own work. Short steps are timed in blocks, because reading the clock would be a part of them. */
#include "base/parallel.h"
#include "base/random.h"
#include "plan/plan.h"
#include "settings.h"
#include "subject.h"
#include "terminal.h"
#include "train/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { NET, INPUT, MODE, BATCH, OPT, THREADS, BACKEND, PRECISION, ALGORITHM, TUNING, TUNE, MEMORY, STEPS, JSON, ROWS };

static const char *const mode_names[] = {"infer", "train", NULL};

static const option_row rows[] = {
    [NET] = {"net", OPTION_TEXT, "SPEC|NAME", "a network instead of NAME or MODEL",
             .expected = "a network, as \"dense 64 relu\""},
    [INPUT] = {"input", OPTION_TEXT, "SHAPE", "the shape of one sample: 30 or 1x28x28",
               .expected = "a shape like 1x28x28"},
    [MODE] = {"mode", OPTION_CHOICE, "MODE", "inference, or whole training steps", mode_names,
              .expected = "infer or train"},
    [BATCH] = {"batch", OPTION_WHOLE, "N", "samples a step; else 1", NULL, 1, 1e6, .expected = "a whole number from 1"},
    [OPT] = {"opt", OPTION_SETTINGS, "OPT", "the optimizer that trains; else momentum at 0.01", optimizer_names,
             .expected = "an optimizer"},
    [THREADS] = {"threads", OPTION_WHOLE, "N", "at most so many threads; else the processors available", NULL, 1, 1024,
                 .expected = "a whole number from 1 to 1024"},
    [BACKEND] = BACKEND_ROW,
    [PRECISION] = PRECISION_ROW,
    [ALGORITHM] = ALGORITHM_ROW,
    [TUNING] = TUNING_ROW,
    [TUNE] = {.name = "tune",
              .kind = OPTION_FLAG,
              .help = "measure the kernels of each step first, some seconds each, and add them to --tuning FILE"},
    [MEMORY] = {"memory", OPTION_SIZE, "SIZE",
                "the most memory of a training step, as 2G or 700M: values of the forward pass are made again instead "
                "of being kept, to the same bits; else all are kept",
                .expected = "bytes, as 2G, 700M or 512K"},
    [STEPS] = {.name = "steps", .kind = OPTION_FLAG, .help = "also the time of each step of the plan"},
    [JSON] = {.name = "json", .kind = OPTION_FLAG, .help = "one object on standard output"},
    [ROWS] = {0}};

typedef struct bench {
    subject s;
    bool train;
    int64_t batch;
    int threads;
    soma_value loss, target;
    soma_tuning *tuning; /* NULL: none was named */
    soma_plan *plan;
    soma_run *run;
    float *x, *y;
    int64_t *classes;
    double p50, p90, p99; /* seconds a step */
} bench;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The loss that training minimises; of a model file by its answer. */
static void add_loss(bench *b) {
    soma_cross_entropy_options plain = {0};
    soma_value out = b->s.output;
    if (!b->s.model) {
        b->loss = spec_loss(b->s.spec, out, NULL, "t", &b->target);
    } else if (b->s.model->task == SOMA_CLASSIFY) {
        b->target = soma_input_int64(out.graph, "soma.target", soma_shape1(SOMA_BATCH));
        b->loss = soma_cross_entropy(out, b->target, plain);
    } else {
        b->target = soma_input(out.graph, "soma.target", soma_value_shape(out));
        b->loss = soma_mse_loss(out, b->target);
    }
}

/* A status; after a failure all has been said. */
static int open_subject(bench *b, const command_line *line) {
    const option_value *v = line->values;
    return subject_open(line, &v[NET], &v[INPUT], b->train ? SUBJECT_TRAIN : SUBJECT_RUN, &b->s);
}

/* A training plan adds its nodes to the graph, so each plan is made of a subject of its own. */
static void release(bench *b) {
    soma_run_destroy(b->run);
    soma_plan_destroy(b->plan);
    subject_close(&b->s);
    b->run = NULL;
    b->plan = NULL;
    b->s = (subject){0};
}

/* The plan and its run; with the `candidate`-th kernels, if it is not 0. */
static int compile(bench *b, const option_value *v, int candidate, soma_error *error) {
    soma_plan_options o = {.max_batch = b->batch,
                           .store = b->s.model ? b->s.model->store : NULL,
                           .threads = b->threads,
                           .backend = backend_of(&v[BACKEND]),
                           .precision = precision_of(&v[PRECISION]),
                           .algorithm = algorithm_of(&v[ALGORITHM]),
                           .tuning = b->tuning,
                           .candidate = candidate,
                           .memory = v[MEMORY].whole,
                           .seed = 1};
    if (b->train) {
        optimizer_choice choice = {.optimizer = soma_momentum(0.01, 0.9)};
        int code = v[OPT].given ? optimizer_read(v[OPT].text, &choice, error) : SOMA_OK;
        if (code) return code;
        add_loss(b);
        b->plan = soma_plan_train(b->loss, choice.optimizer, o, error);
    } else {
        b->plan = soma_plan_infer(&b->s.output, 1, o, error);
    }
    b->run = b->plan ? soma_run_create(b->plan, error) : NULL;
    return b->run ? SOMA_OK : error->code ? error->code : SOMA_ERROR_INTERNAL;
}

/* Random inputs, and targets of the loss's kind. */
static int make_data(bench *b, soma_error *error) {
    random_stream r = random_open(1, 0);
    soma_shape in = soma_value_shape(b->s.x), out = soma_value_shape(b->s.output);
    int64_t n = shape_elements(&in, b->batch), targets = shape_elements(&out, b->batch),
            classes = out.dims[out.rank - 1];
    b->x = mem_array(NULL, (size_t)n, sizeof *b->x);
    b->y = mem_array(NULL, (size_t)targets, sizeof *b->y);
    b->classes = mem_array(NULL, (size_t)b->batch, sizeof *b->classes);
    if (n < 0 || targets < 0 || !b->x || !b->y || !b->classes) return error_memory(error);
    for (int64_t i = 0; i < n; i++) b->x[i] = (float)random_uniform(&r);
    for (int64_t i = 0; i < targets; i++) b->y[i] = (float)random_below(&r, 2);
    for (int64_t i = 0; i < b->batch; i++)
        b->classes[i] = (int64_t)random_below(&r, (uint64_t)(classes > 0 ? classes : 1));
    return SOMA_OK;
}

static int bind_data(bench *b, soma_error *error) {
    int code = soma_run_bind(b->run, b->s.x, b->x, b->batch, error);
    if (!code && b->train) {
        bool whole = soma_value_dtype(b->target) == SOMA_INT64;
        code = soma_run_bind(b->run, b->target, whole ? (const void *)b->classes : b->y, b->batch, error);
    }
    return code;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Runs blocks of steps for some seconds; times are seconds a step. */
static int run_blocks(bench *b, int64_t block, double seconds, double *times, size_t most, size_t *count,
                      soma_error *error) {
    double end = now() + seconds;
    *count = 0;
    do {
        double begin = now();
        for (int64_t i = 0; i < block; i++) {
            int code = soma_run_step(b->run, error);
            if (code) return code;
        }
        double after = now();
        times[(*count)++] = (after - begin) / (double)block;
        if (after >= end && *count >= 3) break;
    } while (*count < most);
    return SOMA_OK;
}

static int measure(bench *b, soma_error *error) {
    enum { MOST = 200000 };
    const double short_step = 50e-6, block_time = 200e-6;
    double *times = mem_array(NULL, MOST, sizeof *times);
    size_t count;
    if (!times) return error_memory(error);
    int code = run_blocks(b, 1, 0.5, times, MOST, &count, error);
    if (!code) {
        qsort(times, count, sizeof *times, compare);
        double step = times[count / 2];
        int64_t block = step < short_step ? (int64_t)(block_time / (step > 1e-8 ? step : 1e-8)) + 1 : 1;
        code = run_blocks(b, block, 2.0, times, MOST, &count, error);
    }
    if (!code) {
        qsort(times, count, sizeof *times, compare);
        b->p50 = times[count / 2];
        b->p90 = times[count * 9 / 10];
        b->p99 = times[count * 99 / 100];
    }
    mem_free(NULL, times);
    return code;
}

static int print_json(const bench *b) {
    soma_plan_info info = soma_plan_get_info(b->plan);
    struct rusage usage;
    json_text j = {0};
    getrusage(RUSAGE_SELF, &usage);
    json_put_open(&j, NULL, '{');
    json_put_string(&j, "name", b->s.name);
    json_put_string(&j, "mode", b->train ? "train" : "infer");
    json_put_integer(&j, "batch", b->batch);
    json_put_integer(&j, "threads", b->threads);
    json_put_string(&j, "backend", info.backend);
    json_put_integer(&j, "plan_bytes", info.memory_bytes);
    json_put_integer(&j, "remade_values", info.remade);
    json_put_string(&j, "precision", info.precision);
    json_put_number(&j, "samples_per_s", (double)b->batch / b->p50);
    json_put_open(&j, "latency_ms", '{');
    json_put_number(&j, "p50", b->p50 * 1e3);
    json_put_number(&j, "p90", b->p90 * 1e3);
    json_put_number(&j, "p99", b->p99 * 1e3);
    json_put_close(&j, '}');
    json_put_number(&j, "gflops", info.flops / b->p50 / 1e9);
    json_put_number(&j, "peak_rss_mb", (double)usage.ru_maxrss * 1024 / 1e6);
    json_put_close(&j, '}');
    json_put_line(&j);
    int status = print_answer(&j, STATUS_OK);
    json_text_clear(&j);
    return status;
}

static void print_people(const bench *b) {
    soma_plan_info info = soma_plan_get_info(b->plan);
    printf("%s, %s, batch %lld, %d thread%s, %s%s: %.0f samples/s, %.4f ms a step (90 %%: %.4f, 99 %%: %.4f), %.1f "
           "GFLOP/s\n",
           b->s.name, b->train ? "training" : "inference", (long long)b->batch, b->threads, b->threads > 1 ? "s" : "",
           info.backend, strcmp(info.precision, "bf16") != 0 ? "" : " bf16", (double)b->batch / b->p50, b->p50 * 1e3,
           b->p90 * 1e3, b->p99 * 1e3, info.flops / b->p50 / 1e9);
    char memory[160];
    plan_memory_text(b->plan, memory, sizeof memory);
    if (*memory) printf("%s\n", memory);
}

static void write_text(void *user, const char *text) { fputs(text, user); }

static int measure_steps(bench *b, double seconds, soma_error *error) {
    int code = soma_run_profile(b->run, true, error);
    double end = now() + seconds;
    for (int steps = 0; !code && (steps < 3 || now() < end); steps++) code = soma_run_step(b->run, error);
    return code;
}

/* Measures each kernel of each step into the tuning, and writes it. */
static int tune(bench *b, const command_line *line, soma_error *error) {
    const option_value *v = line->values;
    int64_t tried = 1, kernels = 0;
    int code = SOMA_OK;
    for (int k = 1; !code && tried; k++) {
        code = compile(b, v, k, error);
        if (!code) code = bind_data(b, error);
        if (!code) code = measure_steps(b, 0, error); /* the first steps touch memory anew */
        /* Several times, of which the shortest counts: something else may take the processor for a while. */
        for (int round = 0; round < 4 && !code; round++) {
            code = measure_steps(b, 0.4, error);
            if (!code) code = soma_tuning_measure(b->tuning, b->run, &tried, error);
        }
        kernels += tried;
        release(b);
        if (!code && open_subject(b, line)) return SOMA_ERROR_INPUT;
    }
    if (!code) code = soma_tuning_save(b->tuning, v[TUNING].text, error);
    if (!code) fprintf(stderr, "soma: %lld kernels measured into %s\n", (long long)kernels, v[TUNING].text);
    return code;
}

static int open_tuning(bench *b, const option_value *v, soma_error *error) {
    if (!v[TUNE].given || access(v[TUNING].text, F_OK) == 0) return tuning_of(&v[TUNING], &b->tuning, error);
    b->tuning = soma_tuning_create(NULL, error);
    return b->tuning ? SOMA_OK : error->code;
}

static int run(const command_line *line) {
    soma_error error = {0};
    bench b = {0};
    const option_value *v = line->values;
    b.train = v[MODE].given && !strcmp(v[MODE].text, "train");
    b.batch = v[BATCH].given ? v[BATCH].whole : 1;
    b.threads = v[THREADS].given ? (int)v[THREADS].whole : processors_available();
    if (v[TUNE].given && !v[TUNING].given) {
        complain("soma bench: --tune needs --tuning FILE, where it writes what it measured");
        return STATUS_USAGE;
    }
    int status = open_subject(&b, line);
    if (status) return status;
    int code = make_data(&b, &error);
    if (!code) code = open_tuning(&b, v, &error);
    if (!code && v[TUNE].given) code = tune(&b, line, &error);
    if (!code) code = compile(&b, v, 0, &error);
    if (!code) tell_plan_note(b.plan);
    if (!code) code = bind_data(&b, &error);
    if (!code) code = measure(&b, &error);
    if (!code && v[STEPS].given) code = measure_steps(&b, 2, &error);
    if (code)
        status = fail_with(&error, false);
    else if (v[JSON].given)
        status = print_json(&b);
    else
        print_people(&b);
    if (!code && v[STEPS].given) soma_run_print_profile(b.run, write_text, v[JSON].given ? stderr : stdout);
    release(&b);
    soma_tuning_destroy(b.tuning);
    mem_free(NULL, b.x);
    mem_free(NULL, b.y);
    mem_free(NULL, b.classes);
    return finish_output(status);
}

const command command_bench = {
    .name = "bench",
    .arguments = "NAME|MODEL|--net SPEC [options]",
    .summary = "measure speed: samples a second, latency, GFLOP/s",
    .description =
        "Runs steps of a network on random data for about two seconds and prints the median. By default inference at "
        "batch 1; --mode train runs whole training steps (forward, gradient, update), whose loss follows from the last "
        "layer: a sigmoid means binary cross-entropy, one plain output mean squared error, anything else softmax "
        "cross-entropy.",
    .options = rows,
    .examples =
        "  soma bench lenet --mode train --batch 64 --threads 2\n"
        "  soma bench runs/latest --batch 32 --json\n"
        "  soma bench alexnet --batch 16 --steps\n"
        "  soma bench --net \"dense 64 relu, dense 64 relu, dense 1 sigmoid\" --input 30 --mode train --opt rmsprop\n",
    .run = run};
