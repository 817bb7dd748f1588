/* Graphs with every op that has a form in ONNX are written, read back and run on the reference backend beside the
 * original: the same numbers must come out, and where soma writes a standard layer it must be read as that layer.
 *
 * Called with a folder, the program writes every case there instead, as NUMBER.onnx, NUMBER.input (float) and
 * NUMBER.output (double): test_onnx_runtime.py gives them to another runtime. */
#include "base/base.h"
#include "base/random.h"
#include "format/file.h"
#include "format/onnx.h"

#include <soma/nn.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the three above first */
#include <cmocka.h>

enum { BATCH = 3, LARGEST = 4096 };

/* ---- The cases: each builds one value from an input -------------------------------------------------------------- */

typedef struct build_case {
    const char *name;
    soma_shape input;
    soma_value (*build)(soma_value x);
    double lowest; /* inputs are spread over lowest .. lowest + 4 */
} build_case;

static soma_value c(soma_value x, double value) { return soma_scalar(x.graph, value); }

#define UNARY(name)                                                                                                    \
    static soma_value build_##name(soma_value x) { return soma_##name(x); }
UNARY(neg)
UNARY(abs)
UNARY(sign)
UNARY(square)
UNARY(sqrt)
UNARY(rsqrt)
UNARY(reciprocal)
UNARY(exp)
UNARY(expm1)
UNARY(log)
UNARY(log1p)
UNARY(sin)
UNARY(cos)
UNARY(sinh)
UNARY(cosh)
UNARY(erf)
UNARY(floor)
UNARY(ceil)
UNARY(round)
UNARY(is_nan)
UNARY(sigmoid)
UNARY(tanh)
UNARY(relu)
UNARY(relu6)
UNARY(gelu)
UNARY(silu)
UNARY(softplus)
UNARY(hard_sigmoid)
UNARY(flatten)
UNARY(sum)
UNARY(mean)
UNARY(global_average_pool)

static soma_value other(soma_value x) { return soma_add(soma_mul(x, c(x, -0.5)), c(x, 0.75)); }

#define BINARY(name)                                                                                                   \
    static soma_value build_##name(soma_value x) { return soma_##name(x, other(x)); }
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(max2)
BINARY(min2)
BINARY(equal)
BINARY(less)
BINARY(less_equal)
BINARY(greater)
BINARY(greater_equal)

static soma_value build_pow(soma_value x) { return soma_pow(x, c(x, 1.5)); }
static soma_value build_select(soma_value x) { return soma_select(soma_greater(x, c(x, 0)), x, other(x)); }
static soma_value build_clip(soma_value x) { return soma_clip(x, -0.5, 0.5); }
static soma_value build_leaky_relu(soma_value x) { return soma_leaky_relu(x, 0.1); }
static soma_value build_elu(soma_value x) { return soma_elu(x, 1.5); }

static soma_value weights(soma_value x, const char *name, soma_shape shape) {
    soma_init init = {.kind = SOMA_INIT_NORMAL, .value = 0.5};
    return soma_variable(x.graph, name, shape, init, true);
}

static soma_value build_matmul(soma_value x) { return soma_matmul(x, weights(x, "w", soma_shape2(6, 4))); }
static soma_value build_gemm(soma_value x) { return soma_gemm(x, weights(x, "w", soma_shape2(4, 6)), false, true); }
static soma_value build_gemm_bias(soma_value x) {
    return soma_add(weights(x, "b", soma_shape1(4)), soma_gemm(x, weights(x, "w", soma_shape2(4, 6)), false, true));
}
static soma_value build_gemm_shared(soma_value x) {
    soma_value y = soma_gemm(x, weights(x, "w", soma_shape2(4, 6)), false, true);
    return soma_mul(soma_add(y, weights(x, "b", soma_shape1(4))), y);
}
static soma_value build_gemm_3d(soma_value x) {
    return soma_gemm(x, weights(x, "w", soma_shape3(5, 3, 4)), true, true);
}
static soma_value build_reduce_sum(soma_value x) { return soma_reduce_sum(x, SOMA_AXIS(1), false); }
static soma_value build_reduce_mean(soma_value x) { return soma_reduce_mean(x, SOMA_AXIS(1) | SOMA_AXIS(2), true); }
static soma_value build_reduce_max(soma_value x) { return soma_reduce_max(x, SOMA_AXIS(2), true); }
static soma_value build_reduce_min(soma_value x) { return soma_reduce_min(x, SOMA_AXIS(1), false); }
static soma_value build_extent(soma_value x) { return soma_mul(x, soma_extent(x, SOMA_AXIS(0) | SOMA_AXIS(1))); }
static soma_value build_extent_fixed(soma_value x) { return soma_mul(x, soma_extent(x, SOMA_AXIS(1))); }
static soma_value build_argmax(soma_value x) { return soma_argmax(x, 1, false); }
static soma_value build_one_hot(soma_value x) { return soma_one_hot(soma_argmax(x, 1, false), 4); }
static soma_value build_softmax(soma_value x) { return soma_softmax(x, 1); }
static soma_value build_softmax_inner(soma_value x) { return soma_softmax(x, 1); }
static soma_value build_log_softmax(soma_value x) { return soma_log_softmax(x, -1); }
static soma_value build_reshape(soma_value x) { return soma_reshape(x, soma_shape3(SOMA_BATCH, 3, 2)); }
static soma_value build_reshape_mix(soma_value x) { return soma_reshape(x, soma_shape2(2 * SOMA_BATCH, 3)); }
static soma_value build_expand(soma_value x) {
    return soma_mul(x, soma_expand(weights(x, "w", soma_shape2(1, 6)), soma_shape3(2, SOMA_BATCH, 6)));
}
static soma_value build_expand_own(soma_value x) { return soma_expand(x, soma_shape3(2, SOMA_BATCH, 6)); }
static soma_value build_transpose(soma_value x) {
    const int permutation[3] = {2, 0, 1};
    return soma_transpose(x, permutation);
}
static soma_value build_concat(soma_value x) {
    const soma_value parts[3] = {x, other(x), x};
    return soma_concat(parts, 3, 1);
}
static soma_value build_slice(soma_value x) { return soma_slice(x, 1, 1, 6, 2); }
static soma_value build_pad(soma_value x) {
    const int64_t before[3] = {0, 1, 0}, after[3] = {0, 0, 2};
    return soma_pad(x, before, after, 0.25);
}
static soma_value build_gather(soma_value x) {
    const int64_t indices[4] = {3, 0, 0, 5};
    return soma_gather(x, soma_constant_int64(x.graph, soma_shape2(2, 2), indices), 1);
}
static soma_value build_constant(soma_value x) {
    const float numbers[6] = {1, -2, 3, -4, 5.5f, 6};
    return soma_add(x, soma_constant(x.graph, soma_shape2(1, 6), numbers));
}
static soma_value build_scalar_input(soma_value x) {
    return soma_mul(x, soma_input_scalar(x.graph, "temperature", 2.5));
}
static soma_value build_convolution(soma_value x) {
    soma_window w = {.stride = {2, 1}, .dilation = {1, 2}, .before = {1, 0}, .after = {2, 1}};
    return soma_convolution(x, weights(x, "w", soma_shape4(6, 2, 3, 2)), w, 2);
}
static soma_value build_convolution_bias(soma_value x) {
    soma_window w = {.before = {1, 1}, .after = {1, 1}};
    soma_value y = soma_convolution(x, weights(x, "w", soma_shape4(5, 4, 3, 3)), w, 1);
    return soma_add(y, soma_reshape(weights(x, "b", soma_shape1(5)), soma_shape3(5, 1, 1)));
}
static soma_value build_transposed_convolution(soma_value x) {
    soma_window w = {.kernel = {3, 3}, .stride = {2, 2}, .before = {1, 1}, .after = {1, 1}};
    return soma_convolution_backward_data(x, weights(x, "w", soma_shape4(4, 3, 3, 3)), w, 1, 12, 13);
}
static soma_value build_max_pool(soma_value x) {
    soma_window w = {.kernel = {3, 2}, .stride = {2, 2}, .before = {1, 0}, .after = {1, 1}};
    return soma_max_pool(x, w);
}
static soma_value build_max_pool_ceil(soma_value x) {
    soma_window w = {.kernel = {2, 2}, .stride = {2, 2}, .ceil_mode = true};
    return soma_max_pool(x, w);
}
static soma_value build_average_pool(soma_value x) {
    soma_window w = {.kernel = {3, 3}, .stride = {2, 2}, .before = {1, 1}, .after = {1, 1}};
    return soma_average_pool(x, w);
}
static soma_value build_average_pool_padding(soma_value x) {
    soma_window w = {.kernel = {3, 3}, .before = {1, 1}, .after = {1, 1}, .count_padding = true};
    return soma_average_pool(x, w);
}
static soma_value build_batch_norm(soma_value x) {
    return soma_batch_norm(x, (soma_batch_norm_options){.epsilon = 1e-3});
}
static soma_value build_transposed_layer(soma_value x) {
    soma_conv_transpose2d_options o = {.stride = 2, .padding = 1, .output_padding = 1, .groups = 2, .dilation = 2};
    return soma_conv_transpose2d(x, 6, soma_kernel(3, 2), o);
}
static soma_value build_upsample(soma_value x) { return soma_upsample(x, 3, 2); }
static soma_value build_bilinear(soma_value x) { return soma_resize_bilinear(x, 3, 11); }
static soma_value build_lrn(soma_value x) { return soma_lrn(x, 3, 0.5, 0.75, 2); }
static soma_value build_lrn_power(soma_value x) { return soma_lrn(x, 5, 0.5, 0.6, 1); }
static soma_value build_layer_norm(soma_value x) { return soma_layer_norm(x, (soma_norm_options){.epsilon = 1e-3}); }
static soma_value build_instance_norm(soma_value x) { return soma_instance_norm(x, (soma_norm_options){0}); }
static soma_value build_group_norm(soma_value x) { return soma_group_norm(x, 2, (soma_norm_options){0}); }
static soma_value build_average_pool_ceil(soma_value x) {
    soma_window w = {.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true};
    return soma_average_pool(x, w);
}
static soma_value build_average_pool_ceil_padding(soma_value x) {
    soma_window w = {.kernel = {3, 3},
                     .stride = {2, 2},
                     .before = {1, 1},
                     .after = {1, 1},
                     .ceil_mode = true,
                     .count_padding = true};
    return soma_average_pool(x, w);
}
static soma_value build_max_pool_dilated(soma_value x) {
    soma_window w = {
        .kernel = {3, 2}, .stride = {2, 1}, .dilation = {1, 3}, .before = {1, 1}, .after = {1, 1}, .ceil_mode = true};
    return soma_max_pool(x, w);
}
static soma_value build_max_pool_beyond(soma_value x) {
    soma_window w = {.kernel = {7, 3}, .stride = {2, 2}, .ceil_mode = true};
    return soma_max_pool(x, w);
}
static soma_value build_average_pool_beyond(soma_value x) {
    soma_window w = {.kernel = {7, 9}, .stride = {3, 3}, .ceil_mode = true};
    return soma_average_pool(x, w);
}
static soma_value build_depthwise(soma_value x) {
    soma_window w = {.stride = {2, 2}, .before = {1, 1}, .after = {1, 1}};
    return soma_convolution(x, weights(x, "w", soma_shape4(8, 1, 3, 3)), w, 4);
}
static soma_value build_layers(soma_value x) {
    x = soma_relu(soma_conv2d(x, 6, soma_kernel(3, 3), (soma_conv2d_options){.padding = 1}));
    x = soma_relu(soma_batch_norm(soma_max_pool2d(x, 2, 2), (soma_batch_norm_options){0}));
    return soma_softmax(soma_dense(soma_tanh(soma_dense(soma_dropout(x, 0.5), 7)), 3), 1);
}

// clang-format off: its versions differ about braces in macros
#define ROWS                                                                                                           \
    {                                                                                                                  \
        2, { SOMA_BATCH, 6 }                                                                                           \
    }
#define PLANES                                                                                                         \
    {                                                                                                                  \
        3, { SOMA_BATCH, 4, 5 }                                                                                        \
    }
#define IMAGES                                                                                                         \
    {                                                                                                                  \
        4, { SOMA_BATCH, 4, 6, 7 }                                                                                     \
    }
// clang-format on

static const build_case cases[] = {
    {"neg", ROWS, build_neg, -2},
    {"abs", ROWS, build_abs, -2},
    {"sign", ROWS, build_sign, -2},
    {"square", ROWS, build_square, -2},
    {"sqrt", ROWS, build_sqrt, 0},
    {"rsqrt", ROWS, build_rsqrt, 0.5},
    {"reciprocal", ROWS, build_reciprocal, 0.5},
    {"exp", ROWS, build_exp, -2},
    {"expm1", ROWS, build_expm1, -2},
    {"log", ROWS, build_log, 0.5},
    {"log1p", ROWS, build_log1p, 0.5},
    {"sin", ROWS, build_sin, -2},
    {"cos", ROWS, build_cos, -2},
    {"sinh", ROWS, build_sinh, -2},
    {"cosh", ROWS, build_cosh, -2},
    {"erf", ROWS, build_erf, -2},
    {"floor", ROWS, build_floor, -2},
    {"ceil", ROWS, build_ceil, -2},
    {"round", ROWS, build_round, -2},
    {"is_nan", ROWS, build_is_nan, -2},
    {"sigmoid", ROWS, build_sigmoid, -2},
    {"tanh", ROWS, build_tanh, -2},
    {"relu", ROWS, build_relu, -2},
    {"gelu", ROWS, build_gelu, -2},
    {"silu", ROWS, build_silu, -2},
    {"softplus", ROWS, build_softplus, -2},
    {"hard_sigmoid", ROWS, build_hard_sigmoid, -2},
    {"leaky_relu", ROWS, build_leaky_relu, -2},
    {"elu", ROWS, build_elu, -2},
    {"add", ROWS, build_add, -2},
    {"sub", ROWS, build_sub, -2},
    {"mul", ROWS, build_mul, -2},
    {"div", ROWS, build_div, 2},
    {"pow", ROWS, build_pow, 0.5},
    {"max2", ROWS, build_max2, -2},
    {"min2", ROWS, build_min2, -2},
    {"equal", ROWS, build_equal, -2},
    {"less", ROWS, build_less, -2},
    {"less_equal", ROWS, build_less_equal, -2},
    {"greater", ROWS, build_greater, -2},
    {"greater_equal", ROWS, build_greater_equal, -2},
    {"select", ROWS, build_select, -2},
    {"clip", ROWS, build_clip, -2},
    {"flatten", IMAGES, build_flatten, -2},
    {"matmul", ROWS, build_matmul, -2},
    {"gemm", ROWS, build_gemm, -2},
    {"gemm with bias", ROWS, build_gemm_bias, -2},
    {"gemm whose product is used again", ROWS, build_gemm_shared, -2},
    {"gemm of stacks", {3, {5, 4, 6}}, build_gemm_3d, -2},
    {"sum over everything", ROWS, build_sum, -2},
    {"mean over everything", ROWS, build_mean, -2},
    {"reduce_sum", PLANES, build_reduce_sum, -2},
    {"reduce_mean", PLANES, build_reduce_mean, -2},
    {"reduce_max", PLANES, build_reduce_max, -2},
    {"reduce_min", PLANES, build_reduce_min, -2},
    {"extent with the batch", ROWS, build_extent, -2},
    {"extent", ROWS, build_extent_fixed, -2},
    {"argmax", ROWS, build_argmax, -2},
    {"one_hot", ROWS, build_one_hot, -2},
    {"softmax", ROWS, build_softmax, -2},
    {"softmax over an inner axis", PLANES, build_softmax_inner, -2},
    {"log_softmax", ROWS, build_log_softmax, -2},
    {"reshape", ROWS, build_reshape, -2},
    {"reshape of the batch", ROWS, build_reshape_mix, -2},
    {"expand to the batch", ROWS, build_expand, -2},
    {"expand of the batch", ROWS, build_expand_own, -2},
    {"transpose", PLANES, build_transpose, -2},
    {"concat", ROWS, build_concat, -2},
    {"slice", ROWS, build_slice, -2},
    {"pad", PLANES, build_pad, -2},
    {"gather", ROWS, build_gather, -2},
    {"constant", ROWS, build_constant, -2},
    {"scalar input", ROWS, build_scalar_input, -2},
    {"convolution", IMAGES, build_convolution, -2},
    {"convolution with bias", IMAGES, build_convolution_bias, -2},
    {"transposed convolution", IMAGES, build_transposed_convolution, -2},
    {"max_pool", IMAGES, build_max_pool, -2},
    {"max_pool rounding up", IMAGES, build_max_pool_ceil, -2},
    {"average_pool", IMAGES, build_average_pool, -2},
    {"average_pool counting padding", IMAGES, build_average_pool_padding, -2},
    {"global_average_pool", IMAGES, build_global_average_pool, -2},
    {"batch_norm", IMAGES, build_batch_norm, -2},
    {"batch_norm of rows", ROWS, build_batch_norm, -2},
    {"average_pool rounding up", IMAGES, build_average_pool_ceil, -2},
    {"average_pool rounding up and counting padding", IMAGES, build_average_pool_ceil_padding, -2},
    {"max_pool dilated, rounding up", IMAGES, build_max_pool_dilated, -2},
    {"max_pool of a window larger than the input", IMAGES, build_max_pool_beyond, -2},
    {"average_pool of a window larger than the input", IMAGES, build_average_pool_beyond, -2},
    {"depthwise convolution", IMAGES, build_depthwise, -2},
    {"transposed convolution with bias", IMAGES, build_transposed_layer, -2},
    {"upsample", IMAGES, build_upsample, -2},
    {"resize_bilinear", IMAGES, build_bilinear, -2},
    {"lrn", IMAGES, build_lrn, -2},
    {"lrn of another power", IMAGES, build_lrn_power, -2},
    {"relu6", ROWS, build_relu6, 4},
    {"layer_norm", IMAGES, build_layer_norm, -2},
    {"layer_norm of rows", ROWS, build_layer_norm, -2},
    {"instance_norm", IMAGES, build_instance_norm, -2},
    {"instance_norm of lines", PLANES, build_instance_norm, -2},
    {"group_norm", IMAGES, build_group_norm, -2},
    {"layers", IMAGES, build_layers, -2},
};

/* ---- Running ----------------------------------------------------------------------------------------------------- */

static void check(const soma_error *error) {
    if (error->code) fail_msg("%s", error->message);
}

/* Runs one value on the reference backend; the number of its elements. */
static size_t run(soma_value input, soma_value output, soma_store *store, const double *x, double *y) {
    soma_error error = {0};
    soma_plan_options options = {.max_batch = BATCH, .store = store, .backend = SOMA_BACKEND_REFERENCE};
    soma_plan *plan = soma_plan_infer(&output, 1, options, &error);
    check(&error);
    soma_run *r = soma_run_create(plan, &error);
    check(&error);
    soma_run_set_double(r, input, x, BATCH, &error);
    soma_run_step(r, &error);
    check(&error);
    soma_shape s = soma_run_shape(r, output);
    size_t count = (size_t)shape_elements(&s, BATCH);
    assert_true(count <= LARGEST);
    if (soma_value_dtype(output) == SOMA_INT64) {
        int64_t *whole = malloc(count * sizeof *whole);
        assert_non_null(whole);
        soma_run_get(r, output, whole, count, &error);
        for (size_t i = 0; i < count; i++) y[i] = (double)whole[i];
        free(whole);
    } else {
        soma_run_get_double(r, output, y, count, &error);
    }
    check(&error);
    soma_run_destroy(r);
    soma_plan_destroy(plan);
    return count;
}

/* Writes the values under "x" and "y" into memory. */
static unsigned char *write_model(soma_value x, soma_value y, soma_store *store, size_t *size) {
    soma_error error = {0};
    unsigned char *bytes = NULL;
    onnx_value input = {"x", x}, output = {"y", y};
    onnx_export model = {.inputs = &input, .inputs_count = 1, .outputs = &output, .outputs_count = 1, .store = store};
    onnx_write_memory(&model, NULL, &bytes, size, &error);
    check(&error);
    return bytes;
}

static soma_store *new_store(uint64_t seed) {
    soma_error error = {0};
    soma_store *store = soma_store_create((soma_store_options){.seed = seed, .float64 = true}, &error);
    check(&error);
    return store;
}

static void fill(double *x, size_t count, double lowest) {
    random_stream r = random_open(7, 1);
    for (size_t i = 0; i < count; i++) x[i] = (double)(float)(lowest + 4 * random_uniform(&r));
}

static void one_case(const build_case *b) {
    static double x[LARGEST], before[LARGEST], after[LARGEST];
    soma_error error = {0};
    soma_graph *g = soma_graph_create();
    soma_store *store = new_store(3), *read_store = new_store(4);
    soma_value in = soma_input(g, "features", b->input), out = b->build(in);
    check(soma_graph_error(g));
    fill(x, (size_t)shape_elements(&b->input, BATCH), b->lowest);
    size_t count = run(in, out, store, x, before), size;
    unsigned char *bytes = write_model(in, out, store, &size);
    onnx_model *model = onnx_read_memory(bytes, size, "memory", NULL, read_store, &error);
    if (!model) fail_msg("%s: %s", b->name, error.message);
    soma_shape had = soma_value_shape(out), has = soma_value_shape(onnx_output(model, "y"));
    if (!shape_equal(&had, &has)) fail_msg("%s: the shape has changed", b->name);
    size_t again = run(onnx_input(model, "x"), onnx_output(model, "y"), read_store, x, after);
    assert_int_equal(count, again);
    for (size_t i = 0; i < count; i++) /* weights and scalars are float in the file */
        if (!(fabs(before[i] - after[i]) <= 2e-5 * fmax(1, fabs(before[i]))))
            fail_msg("%s: element %zu was %.17g and is %.17g", b->name, i, before[i], after[i]);
    /* What was read can be written again. */
    unsigned char *second = write_model(onnx_input(model, "x"), onnx_output(model, "y"), read_store, &size);
    mem_free(NULL, second);
    mem_free(NULL, bytes);
    onnx_model_destroy(model);
    soma_store_destroy(read_store);
    soma_store_destroy(store);
    soma_graph_destroy(g);
}

static void every_op_gives_the_same_numbers_after_a_round_trip(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) one_case(&cases[i]);
}

/* ---- For other runtimes ------------------------------------------------------------------------------------------ */

static void write_bytes(const char *folder, size_t number, const char *ending, const void *bytes, size_t size) {
    soma_error error = {0};
    char path[1024];
    snprintf(path, sizeof path, "%s/%zu.%s", folder, number, ending);
    if (file_write_whole(path, bytes, size, NULL, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

static int write_cases(const char *folder) {
    static double x[LARGEST], y[LARGEST];
    static float narrow[LARGEST];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        soma_graph *g = soma_graph_create();
        soma_store *store = new_store(3);
        soma_value in = soma_input(g, "features", cases[i].input), out = cases[i].build(in);
        size_t inputs = (size_t)shape_elements(&cases[i].input, BATCH), size;
        fill(x, inputs, cases[i].lowest);
        for (size_t k = 0; k < inputs; k++) narrow[k] = (float)x[k];
        size_t outputs = run(in, out, store, x, y);
        unsigned char *bytes = write_model(in, out, store, &size);
        write_bytes(folder, i, "onnx", bytes, size);
        write_bytes(folder, i, "input", narrow, inputs * sizeof *narrow);
        write_bytes(folder, i, "output", y, outputs * sizeof *y);
        printf("%zu %s\n", i, cases[i].name);
        mem_free(NULL, bytes);
        soma_store_destroy(store);
        soma_graph_destroy(g);
    }
    return 0;
}

/* ---- What the file says ------------------------------------------------------------------------------------------ */

static size_t occurrences(const unsigned char *bytes, size_t size, const char *text) {
    size_t found = 0, length = strlen(text);
    for (size_t i = 0; i + length <= size; i++) found += memcmp(bytes + i, text, length) == 0;
    return found;
}

static void layers_are_written_as_standard_layers_before_and_after_a_round_trip(void **state) {
    (void)state;
    soma_error error = {0};
    soma_graph *g = soma_graph_create();
    soma_store *store = new_store(3), *read_store = new_store(4);
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, 4, 6, 7)), out = build_layers(in);
    static double x[LARGEST], y[LARGEST];
    fill(x, BATCH * 4 * 6 * 7, -2);
    run(in, out, store, x, y);
    for (int trip = 0; trip < 2; trip++) {
        size_t size;
        unsigned char *bytes = write_model(in, out, trip ? read_store : store, &size);
        assert_int_equal(occurrences(bytes, size, "BatchNormalization"), 1);
        assert_int_equal(occurrences(bytes, size, "Gemm"), 2);
        assert_int_equal(occurrences(bytes, size, "transB"), 2);
        assert_int_equal(occurrences(bytes, size, "Add"), 0);
        assert_int_equal(occurrences(bytes, size, "Sqrt"), 0);
        onnx_model *model = onnx_read_memory(bytes, size, "memory", NULL, read_store, &error);
        check(&error);
        /* conv 6x4x3x3 + 6, batch normalisation 2 x 6, dense 6x3x3 -> 7 -> 3; the running values don't count */
        assert_int_equal(onnx_parameters(model), 6 * 4 * 9 + 6 + 12 + 54 * 7 + 7 + 7 * 3 + 3);
        assert_int_equal(model->inputs_count, 1);
        assert_true(soma_store_trainable(read_store, "bn1.weight"));
        assert_false(soma_store_trainable(read_store, "bn1.running_var"));
        mem_free(NULL, bytes);
        in = onnx_input(model, "x");
        out = onnx_output(model, "y");
        if (trip == 0) {
            soma_graph_destroy(g);
            g = model->graph;
            model->graph = NULL; /* taken out */
        }
        onnx_model_destroy(model);
    }
    soma_graph_destroy(g);
    soma_store_destroy(read_store);
    soma_store_destroy(store);
}

static void equal_graphs_and_weights_give_equal_bytes(void **state) {
    (void)state;
    unsigned char *bytes[2];
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        static double x[LARGEST], y[LARGEST];
        soma_graph *g = soma_graph_create();
        soma_store *store = new_store(3);
        soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, 4, 6, 7)), out = build_layers(in);
        fill(x, BATCH * 4 * 6 * 7, i);
        run(in, out, store, x, y);
        bytes[i] = write_model(in, out, store, &size[i]);
        soma_store_destroy(store);
        soma_graph_destroy(g);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    mem_free(NULL, bytes[0]);
    mem_free(NULL, bytes[1]);
}

static void a_value_may_be_two_outputs_and_an_input_or_a_weight_one(void **state) {
    (void)state;
    soma_error error = {0};
    soma_graph *g = soma_graph_create();
    soma_store *store = new_store(3), *read_store = new_store(4);
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 6)), w = weights(x, "w", soma_shape1(6));
    soma_value y = soma_name(soma_mul(x, w), "second");
    double in[BATCH * 6], out[LARGEST];
    fill(in, BATCH * 6, 0);
    run(x, y, store, in, out);
    onnx_value input = {"x", x};
    onnx_value outputs[6] = {{"first", y},   {"second", y},      {"same", x},
                             {"weights", w}, {"three", c(x, 3)}, {"w", soma_abs(x)}};
    onnx_export file = {.inputs = &input, .inputs_count = 1, .outputs = outputs, .outputs_count = 6, .store = store};
    unsigned char *bytes;
    size_t size;
    onnx_write_memory(&file, NULL, &bytes, &size, &error);
    check(&error);
    onnx_model *model = onnx_read_memory(bytes, size, "memory", NULL, read_store, &error);
    check(&error);
    assert_int_equal(model->outputs_count, 6);
    for (size_t i = 0; i < 6; i++) assert_string_equal(model->outputs[i].name, outputs[i].name);
    double again[LARGEST];
    size_t count = run(onnx_input(model, "x"), onnx_output(model, "second"), read_store, in, again);
    for (size_t i = 0; i < count; i++) assert_true(fabs(out[i] - again[i]) < 1e-5);
    mem_free(NULL, bytes);
    onnx_model_destroy(model);
    soma_store_destroy(read_store);
    soma_store_destroy(store);
    soma_graph_destroy(g);
}

static void metadata_come_back_in_order(void **state) {
    (void)state;
    soma_error error = {0};
    soma_graph *g = soma_graph_create();
    soma_store *store = new_store(3);
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 2));
    onnx_value input = {"x", x}, output = {"y", soma_relu(x)};
    onnx_pair pairs[2] = {{"soma.columns", "[\"größe\", \"b\"]"}, {"empty", ""}};
    onnx_export file = {.inputs = &input,
                        .inputs_count = 1,
                        .outputs = &output,
                        .outputs_count = 1,
                        .metadata = pairs,
                        .metadata_count = 2};
    unsigned char *bytes;
    size_t size;
    onnx_write_memory(&file, NULL, &bytes, &size, &error);
    check(&error);
    onnx_model *model = onnx_read_memory(bytes, size, "memory", NULL, store, &error);
    check(&error);
    assert_string_equal(onnx_metadata(model, "soma.columns"), pairs[0].value);
    assert_string_equal(onnx_metadata(model, "empty"), "");
    assert_null(onnx_metadata(model, "absent"));
    assert_string_equal(model->producer, "soma");
    assert_int_equal(model->opset, 17);
    mem_free(NULL, bytes);
    onnx_model_destroy(model);
    soma_store_destroy(store);
    soma_graph_destroy(g);
}

static void the_nodes_of_a_file_are_told_with_their_values(void **state) {
    (void)state;
    soma_error error = {0};
    soma_graph *g = soma_graph_create();
    soma_store *store = new_store(3);
    soma_value x = soma_input(g, "x", soma_shape4(SOMA_BATCH, 1, 6, 6));
    soma_value hidden = soma_relu(soma_conv2d(x, 2, soma_kernel(3, 3), SOMA_OPTIONS(soma_conv2d_options){.stride = 1}));
    soma_value flat = soma_reshape(hidden, soma_shape2(SOMA_BATCH, 32));
    soma_plan_options options = {.store = store, .max_batch = 1, .backend = SOMA_BACKEND_REFERENCE};
    soma_plan_destroy(soma_plan_infer(&flat, 1, options, &error)); /* fills the store */
    check(&error);
    onnx_value input = {"x", x}, output = {"y", flat};
    onnx_export file = {.inputs = &input, .inputs_count = 1, .outputs = &output, .outputs_count = 1, .store = store};
    unsigned char *bytes;
    size_t size;
    onnx_write_memory(&file, NULL, &bytes, &size, &error);
    check(&error);
    onnx_model *model = onnx_read_memory(bytes, size, "memory", NULL, store, &error);
    check(&error);
    mem_free(NULL, bytes); /* what is told doesn't lie in the file's bytes */
    const onnx_step *n = model->nodes;
    assert_int_equal(model->nodes_count, 4);
    assert_string_equal(n[0].op, "Conv");
    assert_string_equal(n[0].attributes, "kernel_shape 3 3, strides 1 1, pads 0 0 0 0, dilations 1 1, group 1");
    assert_int_equal(n[0].inputs_count, 3);
    assert_string_equal(n[0].inputs[0], "x");
    assert_string_equal(n[0].inputs[1], "conv2d1.weight");
    assert_string_equal(n[0].outputs[0].name, "conv2d1");
    soma_shape shape = soma_value_shape(n[0].outputs[0].value), wanted = soma_shape4(SOMA_BATCH, 2, 4, 4);
    assert_true(shape_equal(&shape, &wanted));
    assert_string_equal(n[1].op, "Relu");
    assert_string_equal(n[1].attributes, "");
    assert_string_equal(n[1].inputs[0], "conv2d1");
    assert_string_equal(n[2].op, "Constant"); /* the shape, known while reading */
    assert_int_equal(n[2].outputs[0].value.node, 0);
    assert_string_equal(n[3].op, "Reshape");
    assert_int_equal(n[3].outputs[0].value.node, onnx_output(model, "y").node);
    onnx_model_destroy(model);
    soma_store_destroy(store);
    soma_graph_destroy(g);
}

static void what_can_not_be_written_is_named(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", soma_shape2(SOMA_BATCH, 2)),
               hidden = soma_input(g, "hidden", soma_shape2(SOMA_BATCH, 2));
    soma_value noise = soma_name(soma_random_uniform(g, soma_shape2(SOMA_BATCH, 2)), "noise");
    const struct {
        soma_value output;
        const char *word;
    } wrong[] = {{soma_add(x, noise), "noise"},
                 {soma_add(x, hidden), "hidden"},
                 {soma_add(x, weights(x, "w", soma_shape1(2))), "'w'"}};
    check(soma_graph_error(g));
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        soma_error error = {0};
        onnx_value input = {"x", x}, output = {"y", wrong[i].output};
        onnx_export file = {.inputs = &input, .inputs_count = 1, .outputs = &output, .outputs_count = 1};
        unsigned char *bytes = NULL;
        size_t size;
        assert_int_not_equal(onnx_write_memory(&file, NULL, &bytes, &size, &error), SOMA_OK);
        assert_null(bytes);
        assert_non_null(strstr(error.message, wrong[i].word));
    }
    soma_graph_destroy(g);
}

int main(int argc, char **argv) {
#if !defined(SOMA_HAVE_ONNX)
    return 77; /* nothing to test in this build */
#else
    if (argc > 1) return write_cases(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_gives_the_same_numbers_after_a_round_trip),
        cmocka_unit_test(layers_are_written_as_standard_layers_before_and_after_a_round_trip),
        cmocka_unit_test(equal_graphs_and_weights_give_equal_bytes),
        cmocka_unit_test(a_value_may_be_two_outputs_and_an_input_or_a_weight_one),
        cmocka_unit_test(metadata_come_back_in_order),
        cmocka_unit_test(the_nodes_of_a_file_are_told_with_their_values),
        cmocka_unit_test(what_can_not_be_written_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
