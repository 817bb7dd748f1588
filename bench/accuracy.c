/* bench/accuracy.c: what fast convolution algorithms cost in accuracy, layer by layer.
 *
 *   bench/accuracy NET CxHxW PICTURE…     e.g. bench/accuracy alexnet 3x227x227 cat.jpg
 *
 * One training step (forward, backward) of a network with fresh weights on pictures. A line for each convolution and
 * each of its adjoints: the relative error in the norm, by the direct algorithm and by the chosen one, against the
 * float64 reference on the very numbers that the step met. */
#include "data/image.h"
#include "graph/graph.h"
#include "nn/zoo.h"
#include "plan/plan.h"

#include <soma/soma.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 256, DIRECT = 0, CHOSEN = 1 };

typedef struct experiment {
    soma_graph *graph;
    soma_value x, target, loss, rate;
    const node *layers[MOST];
    size_t count;
    int64_t batch;
    float *pictures;
    int64_t *classes;
    double error[MOST][2];
    const char *algorithm[MOST];
} experiment;

static void stop_on(const soma_error *error) {
    if (!error->code) return;
    fprintf(stderr, "accuracy: %s\n", error->message);
    exit(1);
}

static void *take(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size);
    if (!p) exit(1);
    return p;
}

static void read_picture(const char *path, const soma_shape *sample, float *to) {
    soma_error error = {0};
    FILE *file = fopen(path, "rb");
    size_t most = (size_t)1 << 26, n = (size_t)shape_elements(sample, 1);
    uint8_t *bytes = take(most, 1), *pixels = take(n, 1);
    image picture = {0};
    size_t size = file ? fread(bytes, 1, most, file) : 0;
    if (file) fclose(file);
    if (image_decode(NULL, bytes, size, path, &picture, &error) == SOMA_OK)
        image_fit(NULL, &picture, sample->dims[0], sample->dims[1], sample->dims[2], pixels, &error);
    stop_on(&error);
    for (size_t i = 0; i < n; i++) to[i] = ((float)pixels[i] - 118) / 60;
    image_clear(NULL, &picture);
    free(bytes), free(pixels);
}

static void build(experiment *e, const char *net, const soma_shape *sample) {
    soma_error error = {0};
    soma_shape shape = soma_shape4(SOMA_BATCH, sample->dims[0], sample->dims[1], sample->dims[2]);
    spec *s = spec_open(NULL, net, &error);
    stop_on(&error);
    e->graph = soma_graph_create();
    soma_graph_set_training(e->graph, true);
    e->x = soma_input(e->graph, "x", shape);
    e->loss = spec_loss(s, spec_build(s, e->x, NULL), NULL, "t", &e->target);
    soma_minimize(e->loss, soma_sgd(1e-3), &e->rate);
    stop_on(soma_graph_error(e->graph));
    for (size_t i = 0; i < e->graph->count && e->count < MOST; i++) {
        const soma_op *op = e->graph->nodes[i]->op;
        if (op == &op_convolution || op == &op_convolution_backward_data || op == &op_convolution_backward_weights)
            e->layers[e->count++] = e->graph->nodes[i];
    }
    spec_destroy(s);
}

/* A value of the last step in double. */
static tensor fetch(soma_run *run, soma_value value) {
    soma_error error = {0};
    tensor t = {.dtype = SOMA_FLOAT, .shape = soma_run_shape(run, value)};
    size_t n = (size_t)shape_elements(&t.shape, 1);
    t.data = take(n, sizeof(double));
    soma_run_get_double(run, value, t.data, n, &error);
    stop_on(&error);
    return t;
}

static double distance(const double *a, const double *b, size_t n) {
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        error += (a[i] - b[i]) * (a[i] - b[i]);
        size += b[i] * b[i];
    }
    return size > 0 ? sqrt(error / size) : 0;
}

/* The error of a layer's result against the reference on the same inputs. */
static double error_of(const experiment *e, soma_run *run, const node *n) {
    tensor in[2], got = fetch(run, (soma_value){e->graph, n->number, 0}), exact = got;
    size_t count = (size_t)shape_elements(&got.shape, 1);
    for (int i = 0; i < 2; i++) in[i] = fetch(run, (soma_value){e->graph, n->inputs[i].node, n->inputs[i].output});
    exact.data = take(count, sizeof(double));
    op_call call = {.op = n->op, .attributes = n->attributes, .inputs = 2, .outputs = 1, .in = in, .out = &exact};
    n->op->reference(&call);
    double error = distance(got.data, exact.data, count);
    free(in[0].data), free(in[1].data), free(got.data), free(exact.data);
    return error;
}

static const char *algorithm_of(const soma_plan *plan, soma_value value) {
    for (size_t k = 0; k < plan->targets_count; k++)
        for (int32_t i = 0; plan->targets[k].user.node == value.node && i < plan->steps_count; i++)
            if (plan->steps[i].anchor == plan_value_node(plan, plan->targets[k].value))
                return plan->steps[i].kernel ? plan->steps[i].kernel->algorithm : NULL;
    return NULL;
}

/* A step by one of the algorithms, on variables that start equal. */
static void measure(experiment *e, int which) {
    soma_error error = {0};
    size_t effects, kept = 0;
    soma_value *keep = take(3 * e->count, sizeof *keep);
    for (size_t i = 0; i < e->count; i++) {
        const node *n = e->layers[i];
        keep[kept++] = (soma_value){e->graph, n->number, 0};
        for (int k = 0; k < 2; k++) keep[kept++] = (soma_value){e->graph, n->inputs[k].node, n->inputs[k].output};
    }
    const soma_value *updates = soma_graph_effects(e->graph, &effects);
    soma_plan_options o = {.max_batch = e->batch, .seed = 1, .keep = keep, .keep_count = kept};
    if (which == DIRECT) o.algorithm = SOMA_ALGORITHM_DIRECT;
    soma_plan *plan = soma_plan_create(&e->loss, 1, updates, effects, o, &error);
    soma_run *run = plan ? soma_run_create(plan, &error) : NULL;
    stop_on(&error);
    soma_run_set(run, e->x, e->pictures, e->batch, &error);
    soma_run_set(run, e->target, e->classes, e->batch, &error);
    soma_run_set_scalar(run, e->rate, 0, &error); /* weights are read after the step: they must not change in it */
    soma_run_step(run, &error);
    stop_on(&error);
    for (size_t i = 0; i < e->count; i++) {
        e->error[i][which] = error_of(e, run, e->layers[i]);
        if (which == CHOSEN) e->algorithm[i] = algorithm_of(plan, keep[3 * i]);
    }
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    free(keep);
}

static void report(const experiment *e) {
    double worst = 0;
    printf("%-34s %-22s %10s %10s\n", "", "", "direct", "chosen");
    for (size_t i = 0; i < e->count; i++) {
        const node *n = e->layers[i];
        soma_shape s = shape_resolve(&n->outputs[0].shape, e->batch);
        char text[SHAPE_TEXT];
        if (e->error[i][CHOSEN] > worst) worst = e->error[i][CHOSEN];
        printf("%-34s %-22s %10.1e %10.1e  %s\n", n->op->name, shape_text(&s, text), e->error[i][DIRECT],
               e->error[i][CHOSEN], e->algorithm[i] ? e->algorithm[i] : "");
    }
    printf("largest: %.1e\n", worst);
}

int main(int argc, char **argv) {
    experiment e = {.batch = argc - 3};
    long long c, h, w;
    if (argc < 4 || sscanf(argv[2], "%lldx%lldx%lld", &c, &h, &w) != 3 || c < 1 || h < 1 || w < 1) {
        fprintf(stderr, "accuracy: NET CxHxW PICTURE…\n");
        return 2;
    }
    soma_shape sample = soma_shape3(c, h, w);
    size_t n = (size_t)shape_elements(&sample, 1);
    e.pictures = take((size_t)e.batch * n, sizeof *e.pictures);
    e.classes = take((size_t)e.batch, sizeof *e.classes);
    for (int64_t i = 0; i < e.batch; i++) read_picture(argv[3 + i], &sample, e.pictures + (size_t)i * n);
    build(&e, argv[1], &sample);
    measure(&e, DIRECT);
    measure(&e, CHOSEN);
    report(&e);
    soma_graph_destroy(e.graph);
    free(e.pictures), free(e.classes);
    return 0;
}
