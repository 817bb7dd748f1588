/* oneDNN's steps against the float64 reference: every direction, transposed operands, groups, dilation, channel counts
 * that are no multiple of a block, kept weights, every split among threads, batches smaller than the plan's largest. */
#include "backend/onednn/onednn.h"
#include "kernel_check.h"
#include "ops/window.h"

static const onednn_module *module;

/* A number is off by 2^-8 of its size at most when it is rounded to bfloat16, so a product by 2^-7. */
enum { FLOAT, BF16 };
static const double tolerances[] = {1e-5, 8e-3};

typedef struct trial {
    int threads, split; /* split: -1 the step's own */
    bool bf16, constant, program;
    int64_t batch; /* of `most` */
} trial;

static kernel_call shapes_of(const check_case *c, const check_data *in, const check_data *out, int threads) {
    kernel_call call = {.attributes = c->attributes,
                        .inputs = c->inputs,
                        .outputs = 1,
                        .batch = c->batch,
                        .threads = threads,
                        .isa = isa_best()};
    for (int i = 0; i < c->inputs; i++) call.in[i] = (tensor){in[i].single, SOMA_FLOAT, in[i].shape};
    call.out[0] = (tensor){NULL, SOMA_FLOAT, out->shape};
    return call;
}

/* The first samples of a case. */
static void take(const check_case *c, int64_t batch, check_case *some, check_data *in, check_data *out) {
    *some = *c;
    some->batch = batch;
    for (int k = 0; k < c->inputs; k++)
        if (batch < c->batch && (k == 0 || c->op == &op_convolution_backward_weights)) some->in[k].dims[0] = batch;
    for (int k = 0; k < c->inputs; k++) {
        in[k].shape = some->in[k];
        in[k].count = check_count(&some->in[k]);
    }
    check_infer(some, out);
    check_reference(some, in, out, true);
    check_reference(some, in, out, false);
}

static void run_trial(const check_case *most, const kernel_call *largest, const check_case *c, const check_data *in,
                      check_data *out, const trial *t) {
    static const ew_program copy = {.inputs = 1, .outputs = 1, .compiled = -1};
    ew_program program = copy;
    char text[400], name[80];
    int64_t columns = 1;
    onednn_step *step = onednn_step_create(module, c->op, largest, t->bf16, t->constant, NULL);
    if (!step) fail_msg("%s: oneDNN has no step for it", check_text(most, text, sizeof text));
    onednn_run *run = onednn_run_create(step, t->threads);
    assert_non_null(run);
    onednn_run_keep(run, in[1].single);
    const kernel *k = onednn_step_kernel(step);
    kernel_call call = shapes_of(c, in, out, t->threads), plan = *largest;
    ew_prepare(&program);
    epilogue e = {.program = &program};
    for (int d = 0; d < k->epilogue_columns; d++) columns *= out->shape.dims[out->shape.rank - 1 - d];
    const int64_t rows = out->shape.dims[out->shape.rank - 1 - k->epilogue_columns];
    e.operand[1].data = out->single;
    e.operand[1].matrix = rows * columns, e.operand[1].row = columns, e.operand[1].column = 1;
    if (t->program)
        call.epilogue = plan.epilogue = &e;
    else
        call.out[0].data = out->single;
    call.onednn_step = plan.onednn_step = step;
    call.onednn_run = run;
    call.partition = k->partition(&plan);
    if (t->split >= 0 && call.partition != PARTITION_SERIAL) call.partition = (partition)t->split;
    for (size_t i = 0; i < out->count; i++) out->single[i] = NAN;
    call.scratch_stride = (k->scratch(&plan) + 63) / 64 * 64;
    for (int thread = 0; thread < t->threads; thread++) {
        char *block = aligned_alloc(64, call.scratch_stride + 64);
        assert_non_null(block);
        memset(block, 0xff, call.scratch_stride + 64);
        call.scratch = block - (size_t)thread * call.scratch_stride;
        k->run(&call, thread);
        for (size_t i = call.scratch_stride; i < call.scratch_stride + 64; i++) assert_true(block[i] == (char)0xff);
        free(block);
    }
    snprintf(name, sizeof name, "%s%s, %d threads, split %d, %d of %d samples%s", t->bf16 ? "bf16" : "f32",
             t->constant ? ", kept" : "", t->threads, (int)call.partition, (int)c->batch, (int)most->batch,
             t->program ? ", epilogue" : "");
    check_case judged = *c;
    judged.tolerance = tolerances[t->bf16 ? BF16 : FLOAT];
    check_near(&judged, name, out, out->single);
    onednn_run_destroy(run);
    onednn_step_destroy(step);
}

/* A case in all ways in which a plan may run it. */
static void check_onednn(const check_case *c, bool leads, random_stream *r) {
    check_data in[CHECK_INPUTS], out[OP_MAX_OUTPUTS], full[OP_MAX_OUTPUTS];
    for (int k = 0; k < c->inputs; k++) in[k] = check_random(c, k, r);
    check_infer(c, full);
    for (int threads = 1; threads <= 3; threads++) {
        for (int64_t batch = c->batch; batch >= 0; batch = batch > 1 ? 1 : batch - 1) {
            check_case some;
            kernel_call largest = shapes_of(c, in, full, threads);
            for (int k = 0; k < c->inputs; k++) largest.in[k].shape = c->in[k];
            if (batch < c->batch && !leads) break;
            take(c, batch, &some, in, out);
            for (int way = 0; way < 16; way++) {
                trial t = {threads, (way & 3) - 1, (way & 4) != 0, (way & 8) != 0, (way & 1) != 0, batch};
                if (t.split == PARTITION_SERIAL || (t.bf16 && !onednn_processor_has_bf16())) continue;
                if (t.split == PARTITION_BATCH && !leads) continue;
                if (c->op == &op_convolution_backward_weights && (t.constant || t.split == PARTITION_BATCH)) continue;
                run_trial(c, &largest, &some, in, &out[0], &t);
            }
            check_free(&out[0]);
        }
    }
    for (int k = 0; k < c->inputs; k++) check_free(&in[k]);
    check_free(&full[0]);
}

static int64_t up_to(random_stream *r, int64_t limit) { return 1 + (int64_t)random_below(r, (uint64_t)limit); }

static window_attributes window(int64_t height, int64_t width) {
    window_attributes a;
    soma_window w = {.kernel = {height, width}};
    window_take(&a, &w, false);
    a.groups = 1;
    return a;
}

static void check_directions(int64_t samples, int64_t channels, int64_t filters, int64_t height, int64_t width,
                             const window_attributes *a, random_stream *r) {
    window_attributes b = *a;
    int64_t y = window_places(&a->window, 0, height), x = window_places(&a->window, 1, width);
    if (y < 1 || x < 1) return;
    soma_shape in = soma_shape4(samples, channels, height, width), out = soma_shape4(samples, filters, y, x);
    soma_shape w = soma_shape4(filters, channels / a->groups, a->window.kernel[0], a->window.kernel[1]);
    b.height = height;
    b.width = width;
    check_case c = {
        .op = &op_convolution, .attributes = a, .inputs = 2, .in = {in, w}, .batch = samples, .product = true};
    check_onednn(&c, true, r);
    c.op = &op_convolution_backward_data;
    c.attributes = &b;
    c.in[0] = out;
    check_onednn(&c, true, r);
    c.op = &op_convolution_backward_weights;
    c.attributes = a;
    c.in[0] = in;
    c.in[1] = out;
    check_onednn(&c, true, r);
}

static void convolutions_of_any_geometry_are_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(1, 2);
    for (int i = 0; i < 24; i++) {
        window_attributes a = window(up_to(&r, 5), up_to(&r, 5));
        for (int d = 0; d < 2; d++) {
            a.window.stride[d] = up_to(&r, 3);
            a.window.dilation[d] = up_to(&r, 2);
            a.window.before[d] = up_to(&r, 3) - 1;
            a.window.after[d] = up_to(&r, 3) - 1;
        }
        a.groups = random_below(&r, 3) ? 1 : up_to(&r, 5);
        check_directions(up_to(&r, 4), a.groups * up_to(&r, 9), a.groups * up_to(&r, 20), up_to(&r, 11), up_to(&r, 14),
                         &a, &r);
    }
}

static void lenet_alexnet_and_depthwise_are_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(2, 2);
    window_attributes a = window(5, 5);
    check_directions(3, 1, 20, 16, 16, &a, &r);
    check_directions(2, 20, 50, 12, 12, &a, &r);
    a = window(1, 1);
    check_directions(3, 70, 33, 5, 7, &a, &r);
    a = window(3, 3);
    a.groups = 40;
    check_directions(2, 40, 40, 6, 6, &a, &r);
    a = window(11, 11);
    a.window.stride[0] = a.window.stride[1] = 4;
    check_directions(2, 3, 96, 35, 35, &a, &r);
}

static void products_of_any_shape_are_near_the_reference(void **state) {
    (void)state;
    random_stream r = random_open(3, 1);
    for (int i = 0; i < 40; i++) {
        int64_t m = check_extent(&r, 150), n = check_extent(&r, 300), k = check_extent(&r, 200);
        for (int way = 0; way < 4; way++) {
            bool ta = way & 1, tb = way & 2;
            matmul_attributes a = {ta, tb};
            check_case c = {
                .op = &op_matmul,
                .attributes = &a,
                .inputs = 2,
                .in = {ta ? soma_shape2(k, m) : soma_shape2(m, k), tb ? soma_shape2(n, k) : soma_shape2(k, n)},
                .batch = ta ? 1 : m,
                .product = true};
            check_onednn(&c, !ta, &r);
        }
    }
}

int main(void) {
    char why[256];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_of_any_geometry_are_near_the_reference),
        cmocka_unit_test(lenet_alexnet_and_depthwise_are_near_the_reference),
        cmocka_unit_test(products_of_any_shape_are_near_the_reference),
    };
    module = onednn_load(why, sizeof why);
    if (!module) {
        printf("skipped: %s\n", why);
        return 77;
    }
    printf("%s\n", module->name);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
