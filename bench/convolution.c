/* bench/convolution.c: speed of the portable backend's convolutions on one thread, in all three directions.
 *
 *   bench/convolution [MILLISECONDS]     time for each measurement, 200 when not given
 *
 * A line for each geometry: GFLOP/s forward, backward to the data, backward to the weights, by the direct algorithm
 * and, where there is one, by the algorithm that is chosen instead; all in the direct one's count, at the level that
 * SOMA_ISA chooses. */
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
    {"AlexNet conv1", 4, 3, 227, 96, 11, 4, 0},         {"AlexNet conv2", 8, 96, 27, 256, 5, 1, 2},
    {"AlexNet conv3", 16, 256, 13, 384, 3, 1, 1},       {"AlexNet conv4", 16, 384, 13, 384, 3, 1, 1},
    {"AlexNet conv5", 16, 384, 13, 256, 3, 1, 1},       {"LeNet conv1", 64, 1, 28, 20, 5, 1, 0},
    {"LeNet conv2", 64, 20, 12, 50, 5, 1, 0},           {"CIFAR 3x3, 16", 32, 16, 32, 16, 3, 1, 1},
    {"ResNet 3x3, 64", 4, 64, 56, 64, 3, 1, 1},         {"ResNet 3x3, 128", 8, 128, 28, 128, 3, 1, 1},
    {"ResNet 3x3, 256", 8, 256, 14, 256, 3, 1, 1},      {"ResNet 3x3, 512", 4, 512, 7, 512, 3, 1, 1},
    {"ResNet 1x1, 256 to 64", 4, 256, 56, 64, 1, 1, 0}, {"ResNet 7x7 stride 2", 4, 3, 224, 64, 7, 2, 3},
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

/* Best seconds of a call over `limit` seconds; 0 where nothing but the direct algorithm is there. */
static double best(const soma_op *op, const window_attributes *a, tensor first, tensor second, tensor out, bool direct,
                   double limit) {
    kernel_call call = {.attributes = a,
                        .inputs = 2,
                        .outputs = 1,
                        .in = {first, second},
                        .out = {out},
                        .batch = 1,
                        .threads = 1,
                        .isa = isa_best()};
    const kernel *k = isa_kernel(isa_best(), op, &call, direct);
    if (!direct && !k->algorithm) return 0;
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
        for (int direct = 1; direct >= 0; direct--) {
            double forward = best(&op_convolution, &a, x, weights, y, direct, limit),
                   data = best(&op_convolution_backward_data, &a, y, weights, x, direct, limit),
                   kernel = best(&op_convolution_backward_weights, &a, x, y, weights, direct, limit);
            if (forward + data + kernel <= 0) continue;
            printf("%-24s", direct ? g->what : "  fast");
            printf(" %10.1f", forward > 0 ? flops / forward : 0);
            printf(" %10.1f", data > 0 ? flops / data : 0);
            printf(" %10.1f\n", kernel > 0 ? flops / kernel : 0);
        }
        free(x.data), free(weights.data), free(y.data);
    }
    return 0;
}
