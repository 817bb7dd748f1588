/* tests/backend/kernel_check.h: one driver for all kernel tests. A case is an op, its attributes and the shapes of its
 * inputs. It is run at every level that this processor has, by 1, 2 and 3 threads (one after the other: a kernel only
 * knows its thread's number) and under every partition that it may meet; every result must be near the op's own float64
 * reference, and the same bits for every number of threads. Inputs and outputs lie in blocks of their exact size, so
 * that a sanitizer sees an access beyond them. */
#ifndef TESTS_KERNEL_CHECK_H
#define TESTS_KERNEL_CHECK_H

#include "backend/portable/portable.h"
#include "base/random.h"
#include "ops/attributes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CHECK_INPUTS = 8 };

typedef struct check_case {
    const soma_op *op;
    const void *attributes;
    int inputs;
    soma_shape in[CHECK_INPUTS];
    bool integers[CHECK_INPUTS]; /* the input holds int64 below `limit` */
    int64_t limit;
    int64_t batch; /* 0 samples included; -1: no dimension is the batch */
    bool product;  /* tolerance * (the reference of absolute values), else tolerance * max(1, |value|) */
    double tolerance;
    double (*value)(random_stream *); /* NULL: normal */
    op_random random;
} check_case;

typedef struct check_data {
    soma_dtype dtype;
    soma_shape shape;
    size_t count;
    float *single;
    double *exact, *magnitude; /* as the reference sees it; absolute values */
    int64_t *integer;
} check_data;

static size_t check_count(const soma_shape *s) { return (size_t)shape_elements(s, 1); }

static void *check_block(size_t count, size_t size) {
    void *p = malloc(count * size > 0 ? count * size : 1);
    assert_non_null(p);
    return p;
}

static check_data check_random(const check_case *c, int k, random_stream *r) {
    check_data d = {c->integers[k] ? SOMA_INT64 : SOMA_FLOAT, c->in[k], check_count(&c->in[k]), NULL, NULL, NULL, NULL};
    if (c->integers[k]) {
        d.integer = check_block(d.count, sizeof(int64_t));
        for (size_t i = 0; i < d.count; i++) d.integer[i] = (int64_t)random_below(r, (uint64_t)c->limit);
        return d;
    }
    d.single = check_block(d.count, sizeof(float));
    d.exact = check_block(d.count, sizeof(double));
    d.magnitude = check_block(d.count, sizeof(double));
    for (size_t i = 0; i < d.count; i++) {
        d.single[i] = (float)(c->value ? c->value(r) : random_normal(r));
        d.exact[i] = d.single[i];
        d.magnitude[i] = fabs(d.exact[i]);
    }
    return d;
}

static void check_free(check_data *d) { free(d->single), free(d->exact), free(d->magnitude), free(d->integer); }

/* The reference's outputs; `magnitudes`: of the inputs' absolute values, into .magnitude. */
static void check_reference(const check_case *c, const check_data *in, check_data *out, bool magnitudes) {
    tensor ti[CHECK_INPUTS], to[OP_MAX_OUTPUTS];
    for (int k = 0; k < c->inputs; k++) {
        void *data = in[k].integer ? (void *)in[k].integer : magnitudes ? in[k].magnitude : in[k].exact;
        ti[k] = (tensor){data, in[k].dtype, in[k].shape};
    }
    for (int k = 0; k < c->op->outputs; k++) {
        void *data = out[k].integer ? (void *)out[k].integer : magnitudes ? out[k].magnitude : out[k].exact;
        to[k] = (tensor){data, out[k].dtype, out[k].shape};
    }
    op_call call = {c->op, c->attributes, c->inputs, c->op->outputs, ti, to, c->random, c->batch < 0 ? 1 : c->batch};
    c->op->reference(&call);
}

static void check_infer(const check_case *c, check_data *out) {
    tensor_type in[CHECK_INPUTS], types[OP_MAX_OUTPUTS];
    for (int k = 0; k < c->inputs; k++) in[k] = (tensor_type){c->integers[k] ? SOMA_INT64 : SOMA_FLOAT, c->in[k]};
    memset(types, 0, sizeof types);
    op_infer i = {.attributes = c->attributes, .inputs = c->inputs, .in = in, .out = types};
    c->op->infer(&i);
    assert_false(i.failed);
    for (int k = 0; k < c->op->outputs; k++) {
        out[k] = (check_data){types[k].dtype, types[k].shape, check_count(&types[k].shape), NULL, NULL, NULL, NULL};
        if (types[k].dtype == SOMA_INT64) {
            out[k].integer = check_block(out[k].count, sizeof(int64_t));
        } else {
            out[k].single = check_block(out[k].count, sizeof(float));
            out[k].exact = check_block(out[k].count, sizeof(double));
            out[k].magnitude = check_block(out[k].count, sizeof(double));
        }
    }
}

/* Runs every thread in turn; false if the kernel does not accept the call. */
static bool check_run(const check_case *c, const isa *level, const kernel *k, const check_data *in,
                      void *const *out_data, const check_data *out, const epilogue *e, int threads, int wanted) {
    kernel_call call = {.attributes = c->attributes,
                        .inputs = c->inputs,
                        .outputs = c->op->outputs,
                        .epilogue = e,
                        .past = threads > 1, /* which must change nothing */
                        .batch = c->batch < 0 ? 1 : c->batch,
                        .threads = threads,
                        .random = c->random,
                        .isa = level};
    for (int i = 0; i < c->inputs; i++) {
        call.in[i] = (tensor){in[i].integer ? (void *)in[i].integer : (void *)in[i].single, in[i].dtype, in[i].shape};
    }
    for (int i = 0; i < c->op->outputs; i++) {
        call.out[i] = (tensor){e && i == 0 ? NULL : out_data[i], out[i].dtype, out[i].shape};
    }
    if (k->accepts && !k->accepts(&call)) return false;
    call.partition = k->partition ? k->partition(&call) : PARTITION_SERIAL;
    if (wanted >= 0 && call.partition != PARTITION_SERIAL) call.partition = (partition)wanted;
    size_t bytes = k->scratch ? k->scratch(&call) : 0;
    call.scratch_stride = (bytes + 63) / 64 * 64;
    void *kept = k->kept && threads > 1 ? check_block(k->kept(&call), 1) : NULL; /* which changes no bits */
    if (kept) k->keep(&call, kept);
    call.kept = kept;
    for (int t = 0; t < threads; t++) {
        /* Each thread has a block of its own, so that reaching beyond it is seen. */
        char *block = aligned_alloc(64, call.scratch_stride + 64);
        assert_non_null(block);
        memset(block, 0xff, call.scratch_stride + 64);
        call.scratch = block - (size_t)t * call.scratch_stride;
        k->run(&call, t);
        for (size_t i = call.scratch_stride; i < call.scratch_stride + 64; i++) assert_true(block[i] == (char)0xff);
        free(block);
    }
    free(kept);
    return true;
}

static const char *check_text(const check_case *c, char *text, size_t size) {
    int used = snprintf(text, size, "%s", c->op->name);
    for (int k = 0; k < c->inputs && used > 0 && (size_t)used < size; k++) {
        char shape[SHAPE_TEXT];
        used += snprintf(text + used, size - (size_t)used, " %s", shape_text(&c->in[k], shape));
    }
    return text;
}

/* A fast algorithm is accurate in the norm: what it adds up is larger than what comes out. */
static void check_norm(const check_case *c, const char *level, const char *algorithm, const check_data *out,
                       const float *got) {
    char text[400];
    double error = 0, size = 0;
    for (size_t i = 0; i < out->count; i++) {
        error += ((double)got[i] - out->exact[i]) * ((double)got[i] - out->exact[i]);
        size += out->exact[i] * out->exact[i];
    }
    if (!(error <= 1e-8 * size))
        fail_msg("%s at %s by %s: off by %.3g of %.3g in the norm", check_text(c, text, sizeof text), level, algorithm,
                 sqrt(error), sqrt(size));
}

static void check_near(const check_case *c, const char *level, const check_data *out, const float *got) {
    char text[400];
    for (size_t i = 0; i < out->count; i++) {
        double want = out->exact[i], scale = c->product ? out->magnitude[i] : fmax(1, fabs(want));
        bool same = (isnan(want) && isnan(got[i])) || want == (double)got[i];
        if (!same && !(fabs((double)got[i] - want) <= c->tolerance * scale + 1e-37)) {
            fail_msg("%s at %s: element %zu of %zu is %.9g, the reference says %.9g (scale %.3g)",
                     check_text(c, text, sizeof text), level, i, out->count, (double)got[i], want, scale);
        }
    }
}

/* relu(v * p + q) with p of the output's shape and q by row, then v itself; against the kernel's plain result. */
static void check_epilogue(const check_case *c, const isa *level, const kernel *k, const check_data *in,
                           const check_data *out, const float *plain, random_stream *r) {
    const soma_shape *s = &out[0].shape;
    int64_t columns = 1, rows = 1;
    for (int d = s->rank - k->epilogue_columns; d < s->rank; d++) columns *= s->dims[d];
    if (s->rank > k->epilogue_columns) rows = s->dims[s->rank - k->epilogue_columns - 1];
    size_t n = out[0].count;
    float *p = check_block(n, 4), *q = check_block((size_t)rows, 4), *first = check_block(n, 4),
          *copy = check_block(n, 4);
    for (size_t i = 0; i < n; i++) p[i] = (float)random_normal(r);
    for (int64_t i = 0; i < rows; i++) q[i] = (float)random_normal(r);
    ew_program program = {.inputs = 3, .length = 3, .outputs = 2};
    program.code[0] = (ew_instruction){.op = &op_mul, .source = {0, 1, 0}};
    program.code[1] = (ew_instruction){.op = &op_add, .source = {3, 2, 3}};
    program.code[2] = (ew_instruction){.op = &op_relu, .source = {4, 4, 4}};
    program.output[0] = 5;
    program.output[1] = 0;
    ew_prepare(&program);
    epilogue e = {.program = &program};
    e.operand[1].data = p, e.operand[3].data = first, e.operand[4].data = copy;
    for (int i = 1; i <= 4; i++) {
        e.operand[i].past = i > 2;
        e.operand[i].matrix = rows * columns, e.operand[i].row = columns, e.operand[i].column = 1;
    }
    e.operand[2].data = q, e.operand[2].matrix = 0, e.operand[2].row = 1, e.operand[2].column = 0;
    for (int threads = 1; threads <= 3; threads++) {
        for (int wanted = -1; wanted <= PARTITION_FREE; wanted++) {
            if (wanted == PARTITION_SERIAL || (wanted == PARTITION_BATCH && c->batch < 0)) continue;
            void *others[OP_MAX_OUTPUTS] = {NULL}; /* all outputs but the first */
            for (int i = 1; i < c->op->outputs; i++) others[i] = check_block(out[i].count, sizeof(int64_t));
            for (size_t i = 0; i < n; i++) first[i] = copy[i] = NAN;
            check_run(c, level, k, in, others, out, &e, threads, wanted);
            for (int i = 1; i < c->op->outputs; i++) free(others[i]);
            for (size_t i = 0; i < n; i++) {
                float value = plain[i] * p[i] + q[i / (size_t)columns % (size_t)rows];
                if (value < 0) value = 0;
                bool same = value == first[i] || (isnan(value) && isnan(first[i]));
                same |= fabsf(first[i] - value) <= 1e-5f * fmaxf(1, fabsf(plain[i] * p[i]));
                if (memcmp(&copy[i], &plain[i], sizeof(float)) != 0 || !same) {
                    char text[400];
                    fail_msg("%s at %s, %d threads, partition %d: epilogue's element %zu of %zu is %.9g (from %.9g), "
                             "expected %.9g (from %.9g)",
                             check_text(c, text, sizeof text), level->name, threads, wanted, i, n, (double)first[i],
                             (double)copy[i], (double)value, (double)plain[i]);
                }
            }
        }
    }
    free(p), free(q), free(first), free(copy);
}

/* One kernel of one level: its results, their bits under every split, its epilogue. False if it refuses the case. */
static bool check_kernel(const check_case *c, const isa *level, const kernel *k, const check_data *in,
                         const check_data *out, random_stream *r) {
    void *first[OP_MAX_OUTPUTS] = {NULL}, *next[OP_MAX_OUTPUTS] = {NULL};
    size_t bytes[OP_MAX_OUTPUTS];
    char text[400];
    for (int i = 0; i < c->op->outputs; i++) {
        bytes[i] = out[i].count * (out[i].integer ? sizeof(int64_t) : sizeof(float));
        first[i] = check_block(bytes[i], 1);
        next[i] = check_block(bytes[i], 1);
        memset(first[i], 0xff, bytes[i]);
    }
    bool accepted = check_run(c, level, k, in, first, out, NULL, 1, -1);
    for (int i = 0; accepted && i < c->op->outputs; i++) {
        if (out[i].integer)
            assert_memory_equal(first[i], out[i].integer, bytes[i]);
        else if (k->algorithm)
            check_norm(c, level->name, k->algorithm, &out[i], first[i]);
        else
            check_near(c, level->name, &out[i], first[i]);
    }
    for (int threads = 2; accepted && threads <= 3; threads++) {
        for (int wanted = -1; wanted <= PARTITION_FREE; wanted++) {
            if (wanted == PARTITION_SERIAL || (wanted == PARTITION_BATCH && c->batch < 0)) continue;
            for (int i = 0; i < c->op->outputs; i++) memset(next[i], 0xff, bytes[i]);
            check_run(c, level, k, in, next, out, NULL, threads, wanted);
            for (int i = 0; i < c->op->outputs; i++) {
                if (bytes[i] && memcmp(first[i], next[i], bytes[i])) {
                    fail_msg("%s at %s: other bits with %d threads, partition %d", check_text(c, text, sizeof text),
                             level->name, threads, wanted);
                }
            }
        }
    }
    if (accepted && k->epilogue && out[0].single && out[0].shape.rank >= k->epilogue_columns)
        check_epilogue(c, level, k, in, out, first[0], r);
    for (int i = 0; i < c->op->outputs; i++) free(first[i]), free(next[i]);
    return accepted;
}

/* The whole check of one case: all kernels of its op at all levels. Gives the number of results that came of
 * algorithms other than the direct one. */
static inline int check(const check_case *c, random_stream *r) {
    check_data in[CHECK_INPUTS], out[OP_MAX_OUTPUTS];
    int fast = 0;
    for (int k = 0; k < c->inputs; k++) in[k] = check_random(c, k, r);
    check_infer(c, out);
    check_reference(c, in, out, false);
    if (c->product) check_reference(c, in, out, true);
    for (const isa *const *level = isa_all(); *level; level++) {
        assert_true(isa_has_kernel(*level, c->op));
        for (const kernel *k = (*level)->kernels; k->op; k++)
            if (k->op == c->op && check_kernel(c, *level, k, in, out, r) && k->algorithm) fast++;
    }
    for (int k = 0; k < c->inputs; k++) check_free(&in[k]);
    for (int k = 0; k < c->op->outputs; k++) check_free(&out[k]);
    return fast;
}

/* 1 .. limit, small numbers and 1 more often than large ones. */
static inline int64_t check_extent(random_stream *r, int64_t limit) {
    switch (random_below(r, 4)) {
    case 0:
        return 1 + (int64_t)random_below(r, (uint64_t)(limit < 4 ? limit : 4));
    case 1:
        return 1 + (int64_t)random_below(r, (uint64_t)(limit < 20 ? limit : 20));
    default:
        return 1 + (int64_t)random_below(r, (uint64_t)limit);
    }
}

#endif
