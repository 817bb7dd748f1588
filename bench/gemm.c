/* bench/gemm.c: speed of the portable backend's matrix products on one thread, beside OpenBLAS where that can be
 * loaded.
 *
 *   bench/gemm [MILLISECONDS]     time for each measurement, 200 when not given
 *
 * A line for each product: what is multiplied (T: stored transposed), GFLOP/s of soma at the level that SOMA_ISA
 * chooses, OpenBLAS's, their ratio. OPENBLAS_NUM_THREADS=1 makes the comparison fair. */
#include "backend/portable/portable.h"
#include "ops/attributes.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef void (*sgemm_function)(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
                               const float *b, int ldb, float beta, float *c, int ldc);

typedef struct shape {
    const char *what;
    bool ta, tb;
    int m, n, k;
} shape;

static const shape shapes[] = {
    {"square", false, false, 1024, 1024, 1024},
    {"square, right transposed", false, true, 1024, 1024, 1024},
    {"square, left transposed", true, false, 1024, 1024, 1024},
    {"LeNet dense, forward", false, true, 64, 500, 800},
    {"LeNet dense, forward, half", false, true, 32, 500, 800},
    {"LeNet dense, backward data", false, false, 64, 800, 500},
    {"LeNet dense, weights", true, false, 500, 800, 64},
    {"LeNet head, forward", false, true, 64, 10, 500},
    {"LeNet head, backward data", false, false, 64, 500, 10},
    {"LeNet head, weights", true, false, 10, 500, 64},
    {"conv2 as product, forward", false, false, 50, 64, 500},
    {"small layer, forward, 256", false, true, 256, 64, 64},
    {"small layer, backward data, 256", false, false, 256, 64, 64},
    {"small layer, weights, 256", true, false, 64, 64, 256},
    {"small layer, forward, 32", false, true, 32, 64, 64},
    {"small layer, weights, 32", true, false, 64, 64, 32},
    {"small layer, forward, 1", false, true, 1, 64, 64},
    {"small layer, backward data, 1", false, false, 1, 64, 64},
    {"small layer, weights, 1", true, false, 64, 64, 1},
    {"first layer, forward, 1", false, true, 1, 64, 30},
    {"first layer, forward, 32", false, true, 32, 64, 30},
    {"last layer, forward, 32", false, true, 32, 1, 64},
    {"last layer, forward, 1", false, true, 1, 1, 64},
};

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *numbers(size_t count) {
    float *x = aligned_alloc(64, (count * sizeof *x + 63) / 64 * 64 + 64);
    for (size_t i = 0; x && i < count; i++) x[i] = (float)((i * 7919) % 1000) / 1000 - 0.5f;
    return x;
}

/* Best seconds a call, over `limit` seconds. */
static double best(void (*body)(void *), void *argument, double limit) {
    double start = seconds(), fastest = 1e9;
    long calls = 1;
    while (seconds() - start < limit) {
        double t = seconds();
        for (long i = 0; i < calls; i++) body(argument);
        t = seconds() - t;
        if (t < 1e-4) {
            calls *= 2;
        } else if (t / (double)calls < fastest) {
            fastest = t / (double)calls;
        }
    }
    return fastest;
}

typedef struct job {
    const shape *s;
    const kernel *kernel;
    kernel_call call;
    sgemm_function sgemm;
    float *a, *b, *c;
} job;

static void run_soma(void *argument) {
    job *j = argument;
    j->kernel->run(&j->call, 0);
}

static void run_blas(void *argument) {
    const job *j = argument;
    const shape *s = j->s;
    j->sgemm(101, s->ta ? 112 : 111, s->tb ? 112 : 111, s->m, s->n, s->k, 1, j->a, s->ta ? s->m : s->k, j->b,
             s->tb ? s->k : s->n, 0, j->c, s->n);
}

int main(int argc, char **argv) {
    double limit = argc > 1 ? atof(argv[1]) * 1e-3 : 0.2;
    void *library = dlopen("libopenblas.so.0", RTLD_NOW);
    sgemm_function sgemm = NULL;
    if (library) *(void **)&sgemm = dlsym(library, "cblas_sgemm");
    const isa *level = isa_best();
    printf("%-34s %5s %5s %5s %10s %10s %7s\n", level->name, "M", "N", "K", "soma", "OpenBLAS", "ratio");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape *s = &shapes[i];
        matmul_attributes t = {s->ta, s->tb};
        job j = {.s = s, .sgemm = sgemm};
        j.a = numbers((size_t)(s->m * s->k));
        j.b = numbers((size_t)(s->k * s->n));
        j.c = numbers((size_t)(s->m * s->n));
        j.call = (kernel_call){.attributes = &t, .inputs = 2, .outputs = 1, .batch = 1, .threads = 1, .isa = level};
        j.call.in[0] = (tensor){j.a, SOMA_FLOAT, s->ta ? soma_shape2(s->k, s->m) : soma_shape2(s->m, s->k)};
        j.call.in[1] = (tensor){j.b, SOMA_FLOAT, s->tb ? soma_shape2(s->n, s->k) : soma_shape2(s->k, s->n)};
        j.call.out[0] = (tensor){j.c, SOMA_FLOAT, soma_shape2(s->m, s->n)};
        j.kernel = isa_kernel(level, &op_matmul, &j.call, true);
        j.call.scratch_stride = (j.kernel->scratch(&j.call) + 63) / 64 * 64;
        j.call.scratch = aligned_alloc(64, j.call.scratch_stride + 64);
        if (!j.a || !j.b || !j.c || !j.call.scratch) return 1;
        double flops = 2.0 * s->m * s->n * s->k, soma = flops / best(run_soma, &j, limit) * 1e-9;
        printf("%-34s %5d %5d %5d %10.1f", s->what, s->m, s->n, s->k, soma);
        if (sgemm) {
            double blas = flops / best(run_blas, &j, limit) * 1e-9;
            printf(" %10.1f %7.2f", blas, soma / blas);
        }
        printf("\n");
        free(j.a), free(j.b), free(j.c), free(j.call.scratch);
    }
    if (library) dlclose(library);
    return 0;
}
