/* bench/convolution.c: speed of the portable backend's convolutions on one thread, in all three directions.
 *
 *   bench/convolution [MILLISECONDS]     time for each measurement, 200 when not given
 *
 * A line for each geometry: GFLOP/s forward, backward to the data, backward to the weights, in direct convolution's
 * count, at the level that SOMA_ISA chooses. */
#include "backend/portable/portable.h"
#include "ops/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct geometry {
    const char *what;
    int samples, channels, size, filters, kernel, stride, padding;
} geometry;

static const geometry geometries[] = {
    {"LeNet conv1", 64, 1, 28, 20, 5, 1, 0},         {"LeNet conv2", 64, 20, 12, 50, 5, 1, 0},
    {"CIFAR 3x3, 16", 32, 16, 32, 16, 3, 1, 1},      {"ResNet 3x3, 64", 4, 64, 56, 64, 3, 1, 1},
    {"ResNet 3x3, 512", 4, 512, 7, 512, 3, 1, 1},    {"ResNet 1x1, 256 to 64", 4, 256, 56, 64, 1, 1, 0},
    {"ResNet 7x7 stride 2", 4, 3, 224, 64, 7, 2, 3},
};

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static tensor numbers(soma_shape shape) {
    size_t count = (size_t)shape_elements(&shape, 1);
    float *x = aligned_alloc(64, (count * sizeof *x + 63) / 64 * 64 + 64);
    for (size_t i = 0; x && i < count; i++) x[i] = (float)((i * 7919) % 1000) / 1000 - 0.5f;
    return (tensor){x, SOMA_FLOAT, shape};
}

/* Best seconds of a call over `limit` seconds. */
static double best(const soma_op *op, const window_attributes *a, tensor first, tensor second, tensor out,
                   double limit) {
    const kernel *k = isa_kernel(isa_best(), op);
    kernel_call call = {.attributes = a,
                        .inputs = 2,
                        .outputs = 1,
                        .in = {first, second},
                        .out = {out},
                        .batch = 1,
                        .threads = 1,
                        .isa = isa_best()};
    call.scratch_stride = (k->scratch(&call) + 63) / 64 * 64 + 64;
    call.scratch = aligned_alloc(64, call.scratch_stride);
    double start = seconds(), fastest = 1e9;
    while (call.scratch && seconds() - start < limit) {
        double t = seconds();
        k->run(&call, 0);
        t = seconds() - t;
        if (t < fastest) fastest = t;
    }
    free(call.scratch);
    return fastest;
}

int main(int argc, char **argv) {
    double limit = argc > 1 ? atof(argv[1]) * 1e-3 : 0.2;
    printf("%-24s %10s %10s %10s   GFLOP/s\n", isa_best()->name, "forward", "data", "weights");
    for (size_t i = 0; i < sizeof geometries / sizeof *geometries; i++) {
        const geometry *g = &geometries[i];
        window_attributes a;
        soma_window w = {.kernel = {g->kernel, g->kernel},
                         .stride = {g->stride, g->stride},
                         .before = {g->padding, g->padding},
                         .after = {g->padding, g->padding}};
        window_take(&a, &w, false);
        a.groups = 1;
        a.height = a.width = g->size;
        int64_t places = window_places(&a.window, 0, g->size);
        tensor x = numbers(soma_shape4(g->samples, g->channels, g->size, g->size));
        tensor weights = numbers(soma_shape4(g->filters, g->channels, g->kernel, g->kernel));
        tensor y = numbers(soma_shape4(g->samples, g->filters, places, places));
        if (!x.data || !weights.data || !y.data) return 1;
        double flops = 2e-9 * g->kernel * g->kernel * g->channels * (double)shape_elements(&y.shape, 1);
        printf("%-24s %10.1f", g->what, flops / best(&op_convolution, &a, x, weights, y, limit));
        printf(" %10.1f", flops / best(&op_convolution_backward_data, &a, y, weights, x, limit));
        printf(" %10.1f\n", flops / best(&op_convolution_backward_weights, &a, x, y, weights, limit));
        free(x.data), free(weights.data), free(y.data);
    }
    return 0;
}
