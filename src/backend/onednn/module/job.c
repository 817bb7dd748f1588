/* onednn/module/job.c: jobs: a primitive of oneDNN, the layouts that it chose for its operands, and the reorders from
 * and to plain floats.
 *
 * All threads are soma's: each executes its own jobs, so oneDNN must not start others. Debian builds it on OpenMP,
 * whose number of threads belongs to the thread that asks: begin() makes it one and end() gives the host's own back.
 * Working memory comes from the caller (scratchpad_mode_user). */
#include "backend/onednn/module/compat.h"

#include <stdlib.h>
#include <string.h>

enum { A, B, OUT, SIDES };

/* An operand or the result. Items lie along the first dimension; where there are several they are also converted one by
 * one, since a caller may have fewer of them. */
typedef struct side {
    int rank;
    int64_t dims[COMPAT_RANK], strides[COMPAT_RANK]; /* as plain floats */
    compat_own plain, plain_one, own_one;
    compat_layout own; /* borrowed of the primitive descriptor */
    dnnl_primitive_t reorder, reorder_one;
    int argument;
    bool several;
    size_t bytes, item;
} side;

struct onednn_job {
    dnnl_engine_t engine;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    side side[SIDES];
    compat_layout pad;
};

struct onednn_seat {
    const onednn_job *job;
    dnnl_stream_t stream;
    dnnl_memory_t own[SIDES], plain[SIDES], own_one[SIDES], plain_one[SIDES], pad;
};

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

/* Of the OpenMP library that oneDNN brings with it, if it does. */
__attribute__((weak)) void omp_set_num_threads(int threads);
__attribute__((weak)) int omp_get_max_threads(void);

static int begin(void) {
    int before = omp_get_max_threads && omp_set_num_threads ? omp_get_max_threads() : 0;
    if (before > 1) omp_set_num_threads(1);
    return before;
}

static void end(int before) {
    if (before > 1) omp_set_num_threads(before);
}

/* ---- Making a job ------------------------------------------------------------------------------------------------ */

static void side_shape(side *s, int argument, bool several, int rank, const int64_t *dims, const int64_t *strides) {
    int64_t pitch = 1;
    s->argument = argument;
    s->several = several && dims[0] > 1;
    s->rank = rank;
    for (int d = rank - 1; d >= 0; d--) {
        s->dims[d] = dims[d];
        s->strides[d] = strides ? strides[d] : pitch;
        pitch *= dims[d];
    }
}

static void convolution_sides(onednn_job *job, const onednn_request *r) {
    const bool data = r->kind == ONEDNN_BACKWARD_DATA, weights = r->kind == ONEDNN_BACKWARD_WEIGHTS;
    const int64_t x[] = {r->samples, r->channels, r->size[0], r->size[1]};
    const int64_t y[] = {r->samples, r->filters, r->places[0], r->places[1]};
    const int64_t w[] = {r->groups, r->filters / r->groups, r->channels / r->groups, r->kernel[0], r->kernel[1]};
    const int skip = r->groups == 1; /* weights have a dimension for groups only where there are several */
    side *image = &job->side[data ? OUT : A], *kernel = &job->side[weights ? OUT : B],
         *output = &job->side[data      ? A
                              : weights ? B
                                        : OUT];
    side_shape(image, data ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, !data, 4, x, NULL);
    const int64_t area = r->kernel[0] * r->kernel[1];
    const int64_t apart[] = {w[1] * r->filter_stride, r->filter_stride, area, r->kernel[1], 1};
    side_shape(kernel, weights ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, false, 5 - skip, w + skip, apart + skip);
    side_shape(output, data || weights ? DNNL_ARG_DIFF_DST : DNNL_ARG_DST, data || weights, 4, y, NULL);
}

static bool convolution_create(onednn_job *job, const onednn_request *r, dnnl_primitive_attr_t attributes) {
    convolution_sides(job, r);
    compat_own any[SIDES], result = NULL;
    dnnl_primitive_desc_t forward = NULL;
    const int x = r->kind == ONEDNN_BACKWARD_DATA ? OUT : A, w = r->kind == ONEDNN_BACKWARD_WEIGHTS ? OUT : B;
    const int y = A + B + OUT - x - w;
    bool ok = true;
    for (int k = 0; k < SIDES; k++) {
        any[k] = compat_describe(job->side[k].rank, job->side[k].dims, r->bf16, NULL);
        ok = ok && any[k];
    }
    /* A backward primitive asks for the forward one that it belongs to. */
    if (ok && r->kind != ONEDNN_FORWARD) {
        onednn_request hint = *r;
        hint.kind = ONEDNN_FORWARD;
        ok = compat_convolution(&forward, job->engine, &hint, attributes, any[x], any[w], any[y], NULL) == dnnl_success;
    }
    if (ok) ok = (result = compat_describe(job->side[OUT].rank, job->side[OUT].dims, false, NULL)) != NULL;
    if (ok) {
        compat_layout in[SIDES] = {any[A], any[B], result};
        ok = compat_convolution(&job->description, job->engine, r, attributes, in[x], in[w], in[y], forward) ==
             dnnl_success;
    }
    if (forward) dnnl_primitive_desc_destroy(forward);
    for (int k = 0; k < SIDES; k++) compat_forget(any[k]);
    compat_forget(result);
    return ok;
}

static bool matmul_create(onednn_job *job, const onednn_request *r, dnnl_primitive_attr_t attributes) {
    const int64_t a[] = {r->rows, r->depth}, b[] = {r->depth, r->columns}, c[] = {r->rows, r->columns};
    side_shape(&job->side[A], DNNL_ARG_SRC, true, 2, a, r->a_stride);
    side_shape(&job->side[B], DNNL_ARG_WEIGHTS, false, 2, b, r->b_stride);
    side_shape(&job->side[OUT], DNNL_ARG_DST, false, 2, c, NULL);
    const int64_t dense[] = {r->depth, 1};
    compat_own in = compat_describe(2, a, r->bf16, dense);
    /* What is converted anyway becomes dense, in the order in which it is read. */
    const bool transposed = r->b_stride[0] == 1;
    const int64_t close[] = {transposed ? 1 : r->columns, transposed ? r->depth : 1};
    compat_own weights = compat_describe(2, b, r->bf16, r->any ? NULL : r->bf16 ? close : r->b_stride);
    compat_own out = compat_describe(2, c, false, job->side[OUT].strides);
    bool ok = in && weights && out &&
              compat_matmul(&job->description, job->engine, attributes, in, weights, out) == dnnl_success;
    compat_forget(in);
    compat_forget(weights);
    compat_forget(out);
    return ok;
}

static bool reorder_create(const onednn_job *job, compat_layout from, compat_layout to,
                           dnnl_primitive_attr_t attributes, dnnl_primitive_t *made) {
    dnnl_primitive_desc_t d = NULL;
    bool ok = dnnl_reorder_primitive_desc_create(&d, from, job->engine, to, job->engine, attributes) == dnnl_success &&
              dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(d, dnnl_query_scratchpad_md, 0)) == 0 &&
              dnnl_primitive_create(made, d) == dnnl_success;
    if (d) dnnl_primitive_desc_destroy(d);
    return ok;
}

static bool side_open(const onednn_job *job, int k, dnnl_primitive_attr_t attributes, side *s) {
    s->own = dnnl_primitive_desc_query_md(job->description, dnnl_query_exec_arg_md, s->argument);
    s->plain = compat_describe(s->rank, s->dims, false, s->strides);
    if (!s->own || !s->plain) return false;
    s->bytes = dnnl_memory_desc_get_size(s->own);
    if (!s->several) {
        if (dnnl_memory_desc_equal(s->plain, s->own)) return true;
        return k == OUT ? reorder_create(job, s->own, s->plain, attributes, &s->reorder)
                        : reorder_create(job, s->plain, s->own, attributes, &s->reorder);
    }
    /* Items must lie one after the other. */
    s->item = s->bytes / (size_t)s->dims[0];
    size_t size = dnnl_memory_desc_get_size(s->own) / (size_t)(compat_distance(s->own) * s->dims[0]);
    if (compat_distance(s->own) <= 0 || (size != 2 && size != 4) ||
        (size_t)(compat_distance(s->own) * s->dims[0]) * size != s->bytes)
        return false;
    s->plain_one = compat_item(s->plain, s->rank, s->dims);
    s->own_one = compat_item(s->own, s->rank, s->dims);
    return s->plain_one && s->own_one && reorder_create(job, s->plain, s->own, attributes, &s->reorder) &&
           reorder_create(job, s->plain_one, s->own_one, attributes, &s->reorder_one);
}

static void destroy(onednn_job *job) {
    if (!job) return;
    for (int k = 0; k < SIDES; k++) {
        side *s = &job->side[k];
        if (s->reorder) dnnl_primitive_destroy(s->reorder);
        if (s->reorder_one) dnnl_primitive_destroy(s->reorder_one);
        compat_forget(s->plain);
        compat_forget(s->plain_one);
        compat_forget(s->own_one);
    }
    if (job->primitive) dnnl_primitive_destroy(job->primitive);
    if (job->description) dnnl_primitive_desc_destroy(job->description);
    if (job->engine) dnnl_engine_destroy(job->engine);
    free(job);
}

static bool open(onednn_job *job, const onednn_request *r, onednn_shape *shape) {
    dnnl_primitive_attr_t attributes = NULL;
    bool ok = dnnl_engine_create(&job->engine, dnnl_cpu, 0) == dnnl_success &&
              dnnl_primitive_attr_create(&attributes) == dnnl_success &&
              dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) == dnnl_success;
    ok = ok && (r->kind == ONEDNN_MATMUL ? matmul_create(job, r, attributes) : convolution_create(job, r, attributes));
    for (int k = 0; k < SIDES && ok; k++) ok = side_open(job, k, attributes, &job->side[k]);
    ok = ok && dnnl_primitive_create(&job->primitive, job->description) == dnnl_success;
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    if (!ok) return false;
    job->pad = dnnl_primitive_desc_query_md(job->description, dnnl_query_scratchpad_md, 0);
    for (int k = 0; k < SIDES; k++) {
        const side *s = &job->side[k];
        onednn_side *to = k == OUT ? &shape->out : &shape->in[k];
        *to = (onednn_side){dnnl_memory_desc_equal(s->plain, s->own), s->several ? s->dims[0] : 1, s->bytes};
    }
    shape->pad = job->pad ? dnnl_memory_desc_get_size(job->pad) : 0;
    return true;
}

static onednn_job *create(const onednn_request *request, onednn_shape *shape) {
    onednn_job *job = calloc(1, sizeof *job);
    if (!job) return NULL;
    int before = begin();
    bool ok = open(job, request, shape);
    end(before);
    if (ok) return job;
    destroy(job);
    return NULL;
}

/* ---- Seats ------------------------------------------------------------------------------------------------------- */

static void leave(onednn_seat *seat) {
    if (!seat) return;
    for (int k = 0; k < SIDES; k++) {
        dnnl_memory_t all[] = {seat->own[k], seat->plain[k], seat->own_one[k], seat->plain_one[k]};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            if (all[i]) dnnl_memory_destroy(all[i]);
    }
    if (seat->pad) dnnl_memory_destroy(seat->pad);
    if (seat->stream) dnnl_stream_destroy(seat->stream);
    free(seat);
}

/* A place for data that is named later. */
static bool place(const onednn_job *job, compat_layout layout, dnnl_memory_t *made) {
    return !layout || dnnl_memory_create(made, layout, job->engine, DNNL_MEMORY_NONE) == dnnl_success;
}

static onednn_seat *sit(const onednn_job *job) {
    onednn_seat *seat = calloc(1, sizeof *seat);
    if (!seat) return NULL;
    seat->job = job;
    bool ok = dnnl_stream_create(&seat->stream, job->engine, dnnl_stream_default_flags) == dnnl_success;
    for (int k = 0; k < SIDES && ok; k++) {
        const side *s = &job->side[k];
        ok = place(job, s->own, &seat->own[k]) && place(job, s->plain, &seat->plain[k]) &&
             place(job, s->own_one, &seat->own_one[k]) && place(job, s->plain_one, &seat->plain_one[k]);
    }
    if (ok) ok = place(job, job->pad, &seat->pad);
    if (ok) return seat;
    leave(seat);
    return NULL;
}

static bool reorder(const onednn_seat *seat, dnnl_primitive_t primitive, dnnl_memory_t from, const void *source,
                    dnnl_memory_t to, void *target) {
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    return dnnl_memory_set_data_handle(from, (void *)source) == dnnl_success &&
           dnnl_memory_set_data_handle(to, target) == dnnl_success &&
           dnnl_primitive_execute(primitive, seat->stream, 2, arguments) == dnnl_success;
}

static bool convert(onednn_seat *seat, int k, int64_t count, const float *from, int64_t stride, void *to) {
    const side *s = &seat->job->side[k];
    if (!s->several || (count == s->dims[0] && stride == s->strides[0]))
        return reorder(seat, s->reorder, seat->plain[k], from, seat->own[k], to);
    for (int64_t i = 0; i < count; i++)
        if (!reorder(seat, s->reorder_one, seat->plain_one[k], from + i * stride, seat->own_one[k],
                     (char *)to + (size_t)i * s->item))
            return false;
    memset((char *)to + (size_t)count * s->item, 0, (size_t)(s->dims[0] - count) * s->item);
    return true;
}

static bool execute(onednn_seat *seat, const void *a, const void *b, void *out, void *pad) {
    const onednn_job *job = seat->job;
    const void *data[SIDES] = {a, b, out};
    dnnl_exec_arg_t arguments[SIDES + 1];
    int count = 0;
    for (int k = 0; k < SIDES; k++) {
        if (dnnl_memory_set_data_handle(seat->own[k], (void *)data[k]) != dnnl_success) return false;
        arguments[count++] = (dnnl_exec_arg_t){job->side[k].argument, seat->own[k]};
    }
    if (seat->pad) {
        if (dnnl_memory_set_data_handle(seat->pad, pad) != dnnl_success) return false;
        arguments[count++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, seat->pad};
    }
    return dnnl_primitive_execute(job->primitive, seat->stream, count, arguments) == dnnl_success;
}

static bool deliver(onednn_seat *seat, const void *out, float *to) {
    return reorder(seat, seat->job->side[OUT].reorder, seat->own[OUT], out, seat->plain[OUT], to);
}

/* ---- The module -------------------------------------------------------------------------------------------------- */

static bool bf16(void) {
    return ((unsigned)dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

#define TEXT(x)   #x
#define NUMBER(x) TEXT(x)

extern const onednn_module soma_onednn_module;
__attribute__((visibility("default"))) const onednn_module soma_onednn_module = {
    .interface = ONEDNN_INTERFACE,
    .name = "oneDNN " NUMBER(DNNL_VERSION_MAJOR) "." NUMBER(DNNL_VERSION_MINOR) "." NUMBER(DNNL_VERSION_PATCH),
    .bf16 = bf16,
    .create = create,
    .destroy = destroy,
    .sit = sit,
    .leave = leave,
    .begin = begin,
    .end = end,
    .convert = convert,
    .execute = execute,
    .deliver = deliver};
