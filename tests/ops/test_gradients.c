/* tests/ops/test_gradients.c: the gradient rule of every op against central differences, over random shapes: first
 * derivatives and second ones, with respect to the inputs and to the output's gradient. The element-wise ops are taken
 * from the table, so that a new one is checked without being named here; the last test makes sure that no op with a
 * gradient was left out. */
#include "base/random.h"
#include "ops/attributes.h"
#include "support/gradient_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SHAPE(...) shape_of((int)COUNT_OF(((int64_t[]){__VA_ARGS__})), (int64_t[]){__VA_ARGS__})
enum { N = SOMA_BATCH };

/* ---- Element-wise ------------------------------------------------------------------------------------------------ */

/* Where an op wants its inputs; others take (-2, 2) and have a kink at 0 at most. */
static const struct domain {
    const char *op;
    double low, high;
    int kinks;
    double kink[GRADIENT_KINKS], parameter[2];
} domains[] = {
    {"log", 0.3, 3, 0, {0}, {0}},
    {"log1p", -0.6, 3, 0, {0}, {0}},
    {"sqrt", 0.3, 3, 0, {0}, {0}},
    {"rsqrt", 0.3, 3, 0, {0}, {0}},
    {"pow", 0.4, 2.5, 0, {0}, {0}},
    {"div", 0.4, 2.5, 0, {0}, {0}},
    {"divide_root", 0.4, 2.5, 0, {0}, {0}},
    {"reciprocal", 0.4, 2.5, 0, {0}, {0}},
    {"clip", -2, 2, 2, {-0.75, 1.25}, {-0.75, 1.25}},
    {"hard_sigmoid", -4, 4, 2, {-3, 3}, {0}},
    {"leaky_relu", -2, 2, 1, {0}, {0.1}},
    {"elu", -2, 2, 1, {0}, {1.5}},
};

static soma_value build_elementwise(soma_graph *g, const soma_value *x, const void *arguments) {
    const soma_op *op = *(const soma_op *const *)arguments;
    elementwise_attributes a = {{op->defaults[0], op->defaults[1]}};
    for (size_t i = 0; i < COUNT_OF(domains); i++)
        if (!strcmp(domains[i].op, op->name)) memcpy(a.parameter, domains[i].parameter, sizeof a.parameter);
    return graph_add(g, op, &a, x, op->inputs_min);
}

static gradient_case elementwise_case(const soma_op *const *op) {
    gradient_case c = {.name = (*op)->name,
                       .build = build_elementwise,
                       .arguments = op,
                       .inputs = (*op)->inputs_min,
                       .low = -2,
                       .high = 2,
                       .kinks = 1,
                       .kink = {0}};
    for (size_t i = 0; i < COUNT_OF(domains); i++)
        if (!strcmp(domains[i].op, c.name)) {
            c.low = domains[i].low, c.high = domains[i].high, c.kinks = domains[i].kinks;
            memcpy(c.kink, domains[i].kink, sizeof c.kink);
        }
    return c;
}

static bool differentiable(const soma_op *op) {
    return (op->gradient || op->decompose) && !(op->flags & (OP_SOURCE | OP_EFFECT));
}

static void elementwise_gradients_match_differences(void **state) {
    (void)state;
    for (const soma_op *const *op = op_table; *op; op++) {
        if (!((*op)->flags & OP_ELEMENTWISE) || !differentiable(*op)) continue;
        const soma_shape shapes[][3] = {
            {SHAPE(17), SHAPE(17), SHAPE(17)},       {SHAPE(3, 4), SHAPE(3, 4), SHAPE(3, 4)},
            {SHAPE(3, 1), SHAPE(1, 4), SHAPE(3, 4)}, {soma_shape0(), SHAPE(2, 3), SHAPE(3)},
            {SHAPE(N, 4), SHAPE(4), soma_shape0()},  {SHAPE(2, 1, 3), SHAPE(N, 1, 1, 1), SHAPE(2, 2, 1)},
        };
        for (size_t s = 0; s < COUNT_OF(shapes); s++) {
            gradient_case c = elementwise_case(op);
            memcpy(c.shapes, shapes[s], sizeof shapes[s]);
            c.seed = s;
            gradient_check(&c);
        }
    }
}

static soma_value build_power(soma_graph *g, const soma_value *x, const void *arguments) {
    return soma_pow(x[0], soma_scalar(g, *(const double *)arguments));
}
static void constant_powers_of_negative_numbers_have_gradients(void **state) {
    (void)state;
    static const double exponents[] = {0, 1, 2, 3, -1, -2};
    for (size_t i = 0; i < COUNT_OF(exponents); i++)
        gradient_check(&(gradient_case){.name = "pow by a constant",
                                        .build = build_power,
                                        .arguments = &exponents[i],
                                        .inputs = 1,
                                        .shapes = {SHAPE(5)},
                                        .low = -2.5,
                                        .high = -0.5});
}

/* ---- Products ---------------------------------------------------------------------------------------------------- */

static soma_value build_gemm(soma_graph *g, const soma_value *x, const void *arguments) {
    const bool *t = arguments;
    return (void)g, soma_gemm(x[0], x[1], t[0], t[1]);
}

static void product_gradients_match_differences_for_all_transpositions(void **state) {
    (void)state;
    for (int k = 0; k < 4; k++) {
        const bool t[2] = {(k & 1) != 0, (k & 2) != 0};
        const soma_shape shapes[][2] = {
            {t[0] ? SHAPE(4, 3) : SHAPE(3, 4), t[1] ? SHAPE(5, 4) : SHAPE(4, 5)},
            {t[0] ? SHAPE(4, N) : SHAPE(N, 4), t[1] ? SHAPE(2, 4) : SHAPE(4, 2)},
            {t[0] ? SHAPE(N, 2) : SHAPE(2, N), t[1] ? SHAPE(3, N) : SHAPE(N, 3)},
            {t[0] ? SHAPE(2, 3, 2) : SHAPE(2, 2, 3), t[1] ? SHAPE(2, 3) : SHAPE(3, 2)},
            {t[0] ? SHAPE(N, 2, 3) : SHAPE(N, 3, 2), t[1] ? SHAPE(4, 2) : SHAPE(2, 4)},
            {t[0] ? SHAPE(2, 1, 3, 2) : SHAPE(2, 1, 2, 3), t[1] ? SHAPE(3, 2, 3) : SHAPE(3, 3, 2)},
            {t[0] ? SHAPE(3, 2) : SHAPE(2, 3), t[1] ? SHAPE(N, 2, 3) : SHAPE(N, 3, 2)},
        };
        for (size_t s = 0; s < COUNT_OF(shapes); s++)
            gradient_check(&(gradient_case){.name = "gemm",
                                            .build = build_gemm,
                                            .arguments = t,
                                            .inputs = 2,
                                            .shapes = {shapes[s][0], shapes[s][1]},
                                            .seed = s});
    }
}

/* ---- Reductions, softmax ----------------------------------------------------------------------------------------- */

typedef struct reduction {
    soma_value (*call)(soma_value, uint32_t, bool);
    uint32_t axes;
    bool keep;
} reduction;
static soma_value build_reduction(soma_graph *g, const soma_value *x, const void *arguments) {
    const reduction *r = arguments;
    return (void)g, r->call(x[0], r->axes, r->keep);
}

static void reduction_gradients_match_differences(void **state) {
    (void)state;
    soma_value (*const calls[])(soma_value, uint32_t, bool) = {soma_reduce_sum, soma_reduce_mean, soma_reduce_max,
                                                               soma_reduce_min};
    const uint32_t axes[] = {SOMA_ALL_AXES, SOMA_AXIS(0), SOMA_AXIS(1), SOMA_AXIS(0) | SOMA_AXIS(2)};
    for (size_t k = 0; k < COUNT_OF(calls); k++)
        for (size_t a = 0; a < COUNT_OF(axes); a++)
            for (int keep = 0; keep < 2; keep++) {
                reduction r = {calls[k], axes[a], keep != 0};
                gradient_case c = {.name = "reduction", .build = build_reduction, .arguments = &r, .inputs = 1};
                c.shapes[0] = SHAPE(2, 3, 4);
                gradient_check(&c);
                c.shapes[0] = SHAPE(N, 2, 3);
                gradient_check(&c);
            }
}

typedef struct along {
    soma_value (*call)(soma_value, int);
    int axis;
} along;
static soma_value build_along(soma_graph *g, const soma_value *x, const void *arguments) {
    const along *a = arguments;
    return (void)g, a->call(x[0], a->axis);
}

static void softmax_gradients_match_differences(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++)
        for (int axis = -1; axis < 3; axis++) {
            along a = {k ? soma_log_softmax : soma_softmax, axis};
            gradient_case c = {.name = "softmax", .build = build_along, .arguments = &a, .inputs = 1};
            c.shapes[0] = SHAPE(2, 3, 4);
            gradient_check(&c);
            c.shapes[0] = SHAPE(N, 3, 2);
            gradient_check(&c);
        }
}

/* The third row has no such class. */
static soma_value some_classes(soma_graph *g) { return soma_constant_int64(g, SHAPE(3), (const int64_t[]){2, 0, 4}); }
static soma_value build_entropy(soma_graph *g, const soma_value *x, const void *arguments) {
    return (void)arguments, graph_add2(&op_cross_entropy, NULL, x[0], some_classes(g));
}
static soma_value build_entropy_backward(soma_graph *g, const soma_value *x, const void *arguments) {
    return (void)arguments, graph_add3(&op_cross_entropy_backward, NULL, x[0], x[1], some_classes(g));
}

static void cross_entropy_gradients_match_differences(void **state) {
    (void)state;
    gradient_check(
        &(gradient_case){.name = "cross_entropy", .build = build_entropy, .inputs = 1, .shapes = {SHAPE(3, 4)}});
    for (int rank = 0; rank < 2; rank++)
        gradient_check(&(gradient_case){.name = "cross_entropy_backward",
                                        .build = build_entropy_backward,
                                        .inputs = 2,
                                        .shapes = {rank ? SHAPE(3) : soma_shape0(), SHAPE(3, 4)}});
}

/* ---- Shape ------------------------------------------------------------------------------------------------------- */

static soma_value build_reshape(soma_graph *g, const soma_value *x, const void *arguments) {
    /* Named, so that the two reshapes are not made one. */
    (void)g, (void)arguments;
    return soma_reshape(soma_name(soma_flatten(soma_square(x[0])), "flat"), SHAPE(N, 3, 2, 2));
}
static soma_value build_expand(soma_graph *g, const soma_value *x, const void *arguments) {
    return (void)g, soma_expand(soma_square(x[0]), *(const soma_shape *)arguments);
}
static soma_value build_transpose(soma_graph *g, const soma_value *x, const void *arguments) {
    return (void)g, soma_transpose(x[0], arguments);
}
static soma_value build_concat(soma_graph *g, const soma_value *x, const void *arguments) {
    return (void)g, soma_square(soma_concat(x, 3, *(const int *)arguments));
}
static soma_value build_slice(soma_graph *g, const soma_value *x, const void *arguments) {
    const int64_t *a = arguments;
    return (void)g, soma_square(soma_slice(x[0], 1, a[0], a[1], a[2]));
}
static soma_value build_pad(soma_graph *g, const soma_value *x, const void *arguments) {
    (void)g, (void)arguments;
    return soma_square(soma_pad(x[0], (int64_t[]){0, 1, 2}, (int64_t[]){0, 3, 0}, 0.5));
}

static void shape_op_gradients_match_differences(void **state) {
    (void)state;
    const soma_shape to = SHAPE(N, 3, 2);
    gradient_check(
        &(gradient_case){.name = "reshape", .build = build_reshape, .inputs = 1, .shapes = {SHAPE(N, 2, 3, 2)}});
    gradient_check(&(gradient_case){
        .name = "expand", .build = build_expand, .arguments = &to, .inputs = 1, .shapes = {soma_shape0()}});
    gradient_check(&(gradient_case){
        .name = "expand", .build = build_expand, .arguments = &to, .inputs = 1, .shapes = {SHAPE(3, 1)}});
    gradient_check(&(gradient_case){.name = "transpose",
                                    .build = build_transpose,
                                    .arguments = (const int[]){2, 0, 1},
                                    .inputs = 1,
                                    .shapes = {SHAPE(N, 3, 2)}});
    gradient_check(&(gradient_case){.name = "concat",
                                    .build = build_concat,
                                    .arguments = (const int[]){1},
                                    .inputs = 3,
                                    .shapes = {SHAPE(N, 1, 2), SHAPE(N, 3, 2), SHAPE(N, 2, 2)}});
    gradient_check(&(gradient_case){.name = "concat",
                                    .build = build_concat,
                                    .arguments = (const int[]){-1},
                                    .inputs = 3,
                                    .shapes = {SHAPE(2, 1), SHAPE(2, 2), SHAPE(2, 4)}});
    const int64_t cuts[][3] = {{0, 4, 1}, {2, 7, 1}, {1, 7, 2}, {0, 7, 3}, {6, 7, 5}, {0, 7, 1}};
    for (size_t i = 0; i < COUNT_OF(cuts); i++)
        gradient_check(&(gradient_case){
            .name = "slice", .build = build_slice, .arguments = cuts[i], .inputs = 1, .shapes = {SHAPE(N, 7, 2)}});
    gradient_check(&(gradient_case){.name = "pad", .build = build_pad, .inputs = 1, .shapes = {SHAPE(N, 2, 3)}});
}

static soma_value picked(soma_graph *g) {
    return soma_constant_int64(g, SHAPE(2, 3), (const int64_t[]){2, 0, 2, -1, 1, 9});
}
static soma_value build_gather(soma_graph *g, const soma_value *x, const void *arguments) {
    return soma_square(soma_gather(x[0], picked(g), *(const int *)arguments));
}
static soma_value build_scatter(soma_graph *g, const soma_value *x, const void *arguments) {
    return soma_square(soma_scatter_add(x[0], picked(g), *(const int *)arguments, 4));
}

static void gather_and_scatter_gradients_match_differences(void **state) {
    (void)state;
    const int axes[] = {0, 1, -1};
    for (size_t i = 0; i < COUNT_OF(axes); i++) {
        gradient_case c = {.name = "gather", .build = build_gather, .arguments = &axes[i], .inputs = 1};
        c.shapes[0] = SHAPE(4, 4, 3);
        gradient_check(&c);
        c.name = "scatter_add";
        c.build = build_scatter;
        c.shapes[0] = i == 0 ? SHAPE(2, 3, 2) : SHAPE(N, 2, 3);
        gradient_check(&c);
    }
}

/* ---- Windows ----------------------------------------------------------------------------------------------------- */

typedef struct sliding {
    soma_window window;
    int64_t groups, height, width;
    const soma_op *op;
} sliding;

static soma_value build_convolution(soma_graph *g, const soma_value *x, const void *arguments) {
    const sliding *s = arguments;
    return (void)g, soma_convolution(x[0], x[1], s->window, s->groups);
}
static soma_value build_backward_data(soma_graph *g, const soma_value *x, const void *arguments) {
    const sliding *s = arguments;
    return (void)g, soma_convolution_backward_data(x[0], x[1], s->window, s->groups, s->height, s->width);
}
static soma_value build_backward_weights(soma_graph *g, const soma_value *x, const void *arguments) {
    const sliding *s = arguments;
    return (void)g, soma_convolution_backward_weights(x[0], x[1], s->window, s->groups);
}

static void convolution_gradients_match_differences(void **state) {
    (void)state;
    random_stream r = random_open(7, 1);
    for (uint64_t seed = 0; seed < 24; seed++) {
        sliding s = {.groups = 1 + (int64_t)random_below(&r, 2)};
        int64_t channels = s.groups * (1 + (int64_t)random_below(&r, 2)), places[2], size[2];
        int64_t filters = s.groups * (1 + (int64_t)random_below(&r, 2));
        for (int d = 0; d < 2; d++) {
            s.window.kernel[d] = 1 + (int64_t)random_below(&r, 3);
            s.window.stride[d] = (int64_t)random_below(&r, 3);
            s.window.dilation[d] = (int64_t)random_below(&r, 3);
            s.window.before[d] = (int64_t)random_below(&r, 3);
            s.window.after[d] = (int64_t)random_below(&r, 3);
            int64_t stride = s.window.stride[d] ? s.window.stride[d] : 1;
            int64_t covered = (s.window.dilation[d] ? s.window.dilation[d] : 1) * (s.window.kernel[d] - 1) + 1;
            size[d] = covered + (int64_t)random_below(&r, 2);
            places[d] = (size[d] + s.window.before[d] + s.window.after[d] - covered) / stride + 1;
        }
        s.height = size[0], s.width = size[1];
        soma_shape x = SHAPE(N, channels, size[0], size[1]), y = SHAPE(N, filters, places[0], places[1]);
        soma_shape w = SHAPE(filters, channels / s.groups, s.window.kernel[0], s.window.kernel[1]);
        gradient_case c = {.arguments = &s, .inputs = 2, .batch = 2, .seed = seed};
        c.name = "convolution", c.build = build_convolution, c.shapes[0] = x, c.shapes[1] = w;
        gradient_check(&c);
        c.name = "convolution_backward_data", c.build = build_backward_data, c.shapes[0] = y;
        gradient_check(&c);
        c.name = "convolution_backward_weights", c.build = build_backward_weights, c.shapes[0] = x, c.shapes[1] = y;
        gradient_check(&c);
    }
}

static soma_value build_pool(soma_graph *g, const soma_value *x, const void *arguments) {
    const sliding *s = arguments;
    (void)g;
    return s->op == &op_max_pool ? soma_max_pool(x[0], s->window) : soma_average_pool(x[0], s->window);
}
/* The other members of the families are reached by the attributes of the first. */
static soma_value build_pool_relative(soma_graph *g, const soma_value *x, const void *arguments) {
    const sliding *s = arguments;
    window_attributes a =
        *(const window_attributes *)value_node(
             build_pool(
                 g, x,
                 &(sliding){s->window, 0, 0, 0, s->op == &op_average_pool_backward ? &op_average_pool : &op_max_pool}))
             ->attributes;
    a.height = s->op == &op_average_pool_backward ? s->height : 0;
    a.width = s->op == &op_average_pool_backward ? s->width : 0;
    return s->op == &op_average_pool_backward ? graph_add1(s->op, &a, x[1]) : graph_add2(s->op, &a, x[0], x[1]);
}

static void pooling_gradients_match_differences(void **state) {
    (void)state;
    static const sliding cases[] = {
        {.window = {.kernel = {2, 2}, .stride = {2, 2}}, .height = 4, .width = 6},
        {.window = {.kernel = {3, 3}, .stride = {2, 2}}, .height = 5, .width = 7},
        {.window = {.kernel = {3, 2}, .stride = {2, 1}, .before = {1, 1}, .after = {1, 0}}, .height = 4, .width = 3},
        {.window = {.kernel = {2, 2}, .dilation = {2, 1}, .before = {1, 0}}, .height = 4, .width = 3},
        {.window = {.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true}, .height = 4, .width = 6},
        {.window = {.kernel = {3, 4}, .stride = {2, 3}, .ceil_mode = true}, .height = 2, .width = 2},
        {.window = {.kernel = {3, 3},
                    .stride = {2, 2},
                    .before = {1, 1},
                    .after = {1, 1},
                    .ceil_mode = true,
                    .count_padding = true},
         .height = 4,
         .width = 5},
    };
    const soma_op *const ops[] = {&op_max_pool, &op_average_pool, &op_max_pool_backward, &op_max_pool_take,
                                  &op_average_pool_backward};
    for (size_t k = 0; k < COUNT_OF(cases); k++)
        for (size_t o = 0; o < COUNT_OF(ops); o++) {
            sliding s = cases[k];
            s.op = ops[o];
            soma_graph *g = soma_graph_create();
            soma_value x = soma_input(g, "x", SHAPE(N, 2, s.height, s.width));
            soma_shape pooled = soma_value_shape(soma_max_pool(x, s.window)), whole = soma_value_shape(x);
            assert_int_equal(soma_graph_error(g)->code, 0);
            soma_graph_destroy(g);
            gradient_case c = {.name = ops[o]->name, .arguments = &s, .inputs = o < 2 ? 1 : 2, .batch = 2, .seed = k};
            c.build = o < 2 ? build_pool : build_pool_relative;
            c.shapes[0] = whole;
            c.shapes[1] = s.op == &op_max_pool_take ? whole : pooled;
            gradient_check(&c);
        }
}

static soma_value build_upsample(soma_graph *g, const soma_value *x, const void *arguments) {
    const int64_t *factor = arguments;
    return (void)g, soma_square(soma_upsample(x[0], factor[0], factor[1]));
}
static soma_value build_upsample_backward(soma_graph *g, const soma_value *x, const void *arguments) {
    return (void)g, soma_square(graph_add1(&op_upsample_backward, arguments, x[0]));
}
static soma_value build_bilinear(soma_graph *g, const soma_value *x, const void *arguments) {
    const int64_t *size = arguments;
    return (void)g, soma_square(soma_resize_bilinear(x[0], size[0], size[1]));
}

static void resizing_gradients_match_differences(void **state) {
    (void)state;
    static const int64_t pairs[][2] = {{2, 2}, {1, 3}, {3, 1}, {1, 1}, {5, 2}};
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        gradient_case c = {.arguments = pairs[i], .inputs = 1, .batch = 2, .seed = i};
        c.name = "upsample", c.build = build_upsample, c.shapes[0] = SHAPE(N, 2, 2, 3);
        gradient_check(&c);
        c.name = "resize_bilinear", c.build = build_bilinear;
        gradient_check(&c);
        c.name = "upsample_backward", c.build = build_upsample_backward;
        c.shapes[0] = SHAPE(N, 2, 2 * pairs[i][0], pairs[i][1]);
        gradient_check(&c);
    }
}

static soma_value build_lrn(soma_graph *g, const soma_value *x, const void *arguments) {
    const lrn_attributes *a = arguments;
    return (void)g, soma_lrn(x[0], a->size, a->alpha, a->beta, a->bias);
}
static soma_value build_lrn_backward(soma_graph *g, const soma_value *x, const void *arguments) {
    return (void)g, graph_add2(&op_lrn_backward, arguments, x[0], x[1]);
}

static void normalisation_gradients_match_differences(void **state) {
    (void)state;
    static const lrn_attributes cases[] = {{5, 0.5, 0.75, 1}, {4, 0.3, 1.5, 2}, {1, 1, 0.5, 0.5}, {9, 0.8, 0.75, 1}};
    const soma_shape shapes[] = {SHAPE(N, 6, 1, 2), SHAPE(N, 5), SHAPE(2, 3, 2), SHAPE(N, 4, 2, 1)};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        gradient_case c = {.arguments = &cases[i], .inputs = 1, .batch = 2, .seed = i};
        c.name = "lrn", c.build = build_lrn, c.shapes[0] = c.shapes[1] = shapes[i];
        gradient_check(&c);
        c.name = "lrn_backward", c.build = build_lrn_backward, c.inputs = 2;
        gradient_check(&c);
    }
}

/* All three outputs, the channels' as they broadcast. */
static soma_value outputs_of(soma_value v, int64_t channels) {
    soma_shape spread = SHAPE(channels, 1);
    soma_value first = {v.graph, v.node, 1}, second = {v.graph, v.node, 2};
    first = soma_mul(soma_reshape(first, spread), soma_scalar(v.graph, 0.7));
    return soma_add(soma_add(v, first), soma_reshape(second, spread));
}
static soma_value build_batch_norm(soma_graph *g, const soma_value *x, const void *arguments) {
    return outputs_of(graph_add(g, &op_batch_norm, arguments, x, 3), 3);
}
static soma_value build_batch_norm_backward(soma_graph *g, const soma_value *x, const void *arguments) {
    return outputs_of(graph_add(g, &op_batch_norm_backward, arguments, x, 5), 3);
}
static soma_value build_batch_norm_gated(soma_graph *g, const soma_value *x, const void *arguments) {
    return outputs_of(graph_add(g, &op_batch_norm_backward, arguments, x, 6), 3);
}
static void batch_normalisation_gradients_match_differences(void **state) {
    (void)state;
    const batch_norm_attributes a = {.epsilon = 0.1}, clipped = {.epsilon = 0.1, .low = 0.9, .high = 2};
    const soma_shape x = SHAPE(N, 3, 2), channels = SHAPE(3);
    gradient_check(&(gradient_case){.name = "batch_norm",
                                    .build = build_batch_norm,
                                    .arguments = &a,
                                    .inputs = 3,
                                    .shapes = {x, channels, channels}});
    gradient_check(&(gradient_case){.name = "batch_norm_backward",
                                    .build = build_batch_norm_backward,
                                    .arguments = &a,
                                    .inputs = 5,
                                    .shapes = {x, x, channels, channels, channels},
                                    .low = 0.5,
                                    .high = 2});
    gradient_check(&(gradient_case){.name = "batch_norm_backward behind a clip",
                                    .build = build_batch_norm_gated,
                                    .arguments = &clipped,
                                    .inputs = 6,
                                    .shapes = {x, x, channels, channels, channels, channels},
                                    .low = 0.5,
                                    .high = 2});
}

static soma_value build_network(soma_graph *g, const soma_value *x, const void *arguments) {
    (void)g, (void)arguments;
    soma_value h = soma_tanh(soma_add(soma_gemm(x[0], x[1], false, true), x[2]));
    return soma_log_softmax(soma_gemm(h, x[3], false, true), 1);
}
static void gradients_of_a_small_network_match_differences(void **state) {
    (void)state;
    gradient_check(&(gradient_case){.name = "network",
                                    .build = build_network,
                                    .inputs = 4,
                                    .shapes = {SHAPE(N, 3), SHAPE(4, 3), SHAPE(4), SHAPE(2, 4)},
                                    .low = -1,
                                    .high = 1});
}

static void no_differentiable_op_is_left_unchecked(void **state) {
    (void)state;
    for (const soma_op *const *op = op_table; *op; op++)
        if (differentiable(*op) && !gradient_checked(*op)) fail_msg("no test checks the gradient of %s", (*op)->name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise_gradients_match_differences),
        cmocka_unit_test(constant_powers_of_negative_numbers_have_gradients),
        cmocka_unit_test(product_gradients_match_differences_for_all_transpositions),
        cmocka_unit_test(reduction_gradients_match_differences),
        cmocka_unit_test(softmax_gradients_match_differences),
        cmocka_unit_test(cross_entropy_gradients_match_differences),
        cmocka_unit_test(shape_op_gradients_match_differences),
        cmocka_unit_test(gather_and_scatter_gradients_match_differences),
        cmocka_unit_test(convolution_gradients_match_differences),
        cmocka_unit_test(pooling_gradients_match_differences),
        cmocka_unit_test(resizing_gradients_match_differences),
        cmocka_unit_test(normalisation_gradients_match_differences),
        cmocka_unit_test(batch_normalisation_gradients_match_differences),
        cmocka_unit_test(gradients_of_a_small_network_match_differences),
        cmocka_unit_test(no_differentiable_op_is_left_unchecked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
