/* nn/layers.c: layers as builders. A layer takes a name from the graph ("dense1"), makes its variables under that name
 * and adds the nodes that compute it; it is nothing more than that, so everything here could be written by a user of
 * soma/graph.h. Weights lie as PyTorch's do. Plain layers start by Xavier uniform, biases at 0; who knows the
 * activation that follows gives a better choice (nn/spec.c does). */
#include "nn/layers.h"

#include "graph/graph.h"
#include "ops/attributes.h"

#include <soma/nn.h>

#include <math.h>
#include <stdio.h>

enum { NAME = 96 };

static soma_value none(soma_graph *graph) { return (soma_value){graph, 0, 0}; }

soma_value layer_parameter(soma_graph *g, const char *layer, const char *part, soma_shape shape, soma_init init,
                           bool trainable) {
    char name[NAME];
    snprintf(name, sizeof name, "%s.%s", layer, part);
    return soma_variable(g, name, shape, init, trainable);
}

static const soma_init zeros = {SOMA_INIT_CONSTANT, 0, 0, 0}, ones = {SOMA_INIT_CONSTANT, 1, 0, 0};

static soma_init weight_init(bool given, soma_init init) {
    const soma_init xavier = {SOMA_INIT_XAVIER_UNIFORM, 0, 0, 0};
    return given ? init : xavier;
}

/* ---- Dense and convolution -----------------------------------------------------------------------------------------
 */

soma_value soma_dense_with(soma_value x, int64_t units, soma_dense_options options) {
    soma_graph *g = x.graph;
    char text[SHAPE_TEXT];
    if (!g || !value_ok(x)) return none(g);
    const char *name = graph_layer_name(g, "dense");
    if (soma_value_shape(x).rank > 2) x = soma_flatten(x);
    soma_shape s = soma_value_shape(x);
    if (units < 1)
        return graph_fail(g, "dense '%s': the number of units is %lld, at least 1 is needed", name, (long long)units);
    if (!value_ok(x) || s.rank != 2 || s.dims[1] < 1)
        return graph_fail(g, "dense '%s': the input has shape %s, expected [N, features]", name, shape_text(&s, text));
    soma_value w = layer_parameter(g, name, "weight", soma_shape2(units, s.dims[1]),
                                   weight_init(options.init_given, options.init), true);
    soma_value y = soma_gemm(x, w, false, true);
    if (!options.no_bias) y = soma_add(y, layer_parameter(g, name, "bias", soma_shape1(units), zeros, true));
    return soma_name(y, name);
}

soma_value soma_dense(soma_value x, int64_t units) {
    soma_dense_options options = {0};
    return soma_dense_with(x, units, options);
}

void layer_pad_same(soma_window *w, int axis, int64_t size) {
    int64_t out = (size + w->stride[axis] - 1) / w->stride[axis];
    int64_t span = w->dilation[axis] * (w->kernel[axis] - 1) + 1;
    int64_t total = (out - 1) * w->stride[axis] + span - size;
    if (total < 0) total = 0;
    w->before[axis] = total / 2;
    w->after[axis] = total - total / 2;
}

/* Whether a field of a window is in a range in which no product of it overflows. */
static bool sane(int64_t value, int64_t least) { return value >= least && value <= INT32_MAX; }

/* The window of a convolution over [N, C, H, W]; false and a sentence when an option makes no sense. */
static bool open_window(soma_graph *g, const char *layer, const soma_shape *x, int64_t filters, soma_kernel_size kernel,
                        soma_conv2d_options *o, soma_window *w) {
    char text[SHAPE_TEXT];
    if (!o->stride) o->stride = 1;
    if (!o->dilation) o->dilation = 1;
    if (!o->groups) o->groups = 1;
    if (x->rank != 4 || x->dims[1] < 1 || x->dims[2] < 0 || x->dims[3] < 0)
        graph_fail(g, "%s: the input has shape %s, expected [N, C, H, W]", layer, shape_text(x, text));
    else if (!sane(filters, 1) || !sane(kernel.height, 1) || !sane(kernel.width, 1) || !sane(o->stride, 1) ||
             !sane(o->dilation, 1) || !sane(o->groups, 1) || !sane(o->padding, 0))
        graph_fail(g, "%s: filters, kernel, stride, dilation and groups must be at least 1 and the padding at least 0",
                   layer);
    else if (x->dims[1] % o->groups || filters % o->groups)
        graph_fail(g, "%s: %lld groups do not divide both the input's %lld channels and the %lld filters", layer,
                   (long long)o->groups, (long long)x->dims[1], (long long)filters);
    *w = (soma_window){.kernel = {kernel.height, kernel.width},
                       .stride = {o->stride, o->stride},
                       .dilation = {o->dilation, o->dilation},
                       .before = {o->padding, o->padding},
                       .after = {o->padding, o->padding}};
    return !g->error.code;
}

static soma_value add_bias(soma_value y, const char *layer, int64_t filters) {
    soma_value bias = layer_parameter(y.graph, layer, "bias", soma_shape1(filters), zeros, true);
    return soma_add(y, soma_reshape(bias, soma_shape3(filters, 1, 1)));
}

soma_value soma_conv2d(soma_value x, int64_t filters, soma_kernel_size kernel, soma_conv2d_options o) {
    soma_graph *g = x.graph;
    soma_window w;
    char layer[NAME];
    if (!g || !value_ok(x)) return none(g);
    const char *name = graph_layer_name(g, "conv2d");
    soma_shape s = soma_value_shape(x);
    snprintf(layer, sizeof layer, "conv2d '%s'", name);
    if (!open_window(g, layer, &s, filters, kernel, &o, &w)) return none(g);
    if (o.same)
        for (int axis = 0; axis < 2; axis++) layer_pad_same(&w, axis, s.dims[2 + axis]);
    soma_value weight =
        layer_parameter(g, name, "weight", soma_shape4(filters, s.dims[1] / o.groups, kernel.height, kernel.width),
                        weight_init(o.init_given, o.init), true);
    soma_value y = soma_convolution(x, weight, w, o.groups);
    return soma_name(o.no_bias ? y : add_bias(y, name, filters), name);
}

/* ---- Transposed convolution ----------------------------------------------------------------------------------------
 */

/* An output sums up one product for each input channel of its group and each tap of the kernel that meets it, one in
 * stride^2; and the other way round. */
static soma_init transposed_init(soma_init init, const soma_shape *w, int64_t groups, int64_t stride) {
    if (shape_elements(w, 1) < 0) return init; /* too many: the variable says so */
    int64_t area = w->dims[2] * w->dims[3], taps = area / (stride * stride);
    if (!init.fan_in) init.fan_in = w->dims[0] / groups * (taps > 1 ? taps : 1);
    if (!init.fan_out) init.fan_out = w->dims[1] * area;
    return init;
}

soma_value soma_conv_transpose2d(soma_value x, int64_t filters, soma_kernel_size kernel,
                                 soma_conv_transpose2d_options options) {
    soma_graph *g = x.graph;
    soma_window w;
    char layer[NAME];
    if (!g || !value_ok(x)) return none(g);
    const char *name = graph_layer_name(g, "convt2d");
    soma_shape s = soma_value_shape(x);
    soma_conv2d_options o = {
        .stride = options.stride, .padding = options.padding, .dilation = options.dilation, .groups = options.groups};
    snprintf(layer, sizeof layer, "convt2d '%s'", name);
    if (!open_window(g, layer, &s, filters, kernel, &o, &w)) return none(g);
    if (options.output_padding < 0 || options.output_padding >= o.stride)
        return graph_fail(g, "%s: the output padding is %lld, expected less than the stride %lld", layer,
                          (long long)options.output_padding, (long long)o.stride);
    int64_t size[2];
    for (int axis = 0; axis < 2; axis++) {
        int64_t n = s.dims[2 + axis];
        if (!sane(n, 1)) return graph_fail(g, "%s: an input of %lld pixels is too large", layer, (long long)n);
        size[axis] = n * o.stride;
        if (options.same) {
            layer_pad_same(&w, axis, size[axis]);
        } else {
            size[axis] +=
                w.dilation[axis] * (w.kernel[axis] - 1) + 1 - o.stride - 2 * o.padding + options.output_padding;
            if (size[axis] < 1)
                return graph_fail(g, "%s: padding %lld leaves nothing of the output", layer, (long long)o.padding);
        }
    }
    soma_shape shape = soma_shape4(s.dims[1], filters / o.groups, kernel.height, kernel.width);
    soma_init init = transposed_init(weight_init(options.init_given, options.init), &shape, o.groups, o.stride);
    soma_value weight = layer_parameter(g, name, "weight", shape, init, true);
    soma_value y = soma_convolution_backward_data(x, weight, w, o.groups, size[0], size[1]);
    return soma_name(options.no_bias ? y : add_bias(y, name, filters), name);
}

/* ---- Pooling, dropout ----------------------------------------------------------------------------------------------
 */

static soma_window square_window(int64_t size, int64_t stride) {
    if (!stride) stride = size;
    soma_window w = {.kernel = {size, size}, .stride = {stride, stride}};
    return w;
}

soma_value soma_max_pool2d(soma_value x, int64_t size, int64_t stride) {
    return soma_max_pool(x, square_window(size, stride));
}

soma_value soma_avg_pool2d(soma_value x, int64_t size, int64_t stride) {
    return soma_average_pool(x, square_window(size, stride));
}

/* Srivastava et al. 2014, scaled while training, so that nothing is left to do afterwards. */
soma_value soma_dropout(soma_value x, double probability) {
    soma_graph *g = x.graph;
    if (!g || !value_ok(x)) return none(g);
    if (!(probability >= 0 && probability < 1))
        return graph_fail(g, "dropout: the probability is %g, expected 0 or more and less than 1", probability);
    if (!g->training || probability == 0) return x;
    soma_value kept = soma_greater_equal(soma_random_uniform(g, soma_value_shape(x)), soma_scalar(g, probability));
    return soma_mul(x, soma_mul(kept, soma_scalar(g, 1 / (1 - probability))));
}

/* ---- Batch normalisation -------------------------------------------------------------------------------------------
 */

typedef struct batch_norm {
    soma_graph *graph;
    soma_shape channels, spread; /* [C], and [C, 1, …] that broadcasts over the input */
    uint32_t axes;               /* all but the channels' */
    soma_value weight, bias, running_mean, running_var;
    double epsilon, momentum;
} batch_norm;

/* running = (1 - m) running + m batch, as an effect of the training plan. */
static void update_running(const batch_norm *b, soma_value running, soma_value batch) {
    soma_value kept = soma_mul(running, soma_scalar(b->graph, 1 - b->momentum));
    soma_value news = soma_mul(batch, soma_scalar(b->graph, b->momentum));
    soma_graph_add_effect(soma_assign(running, soma_add(kept, news)));
}

static soma_value normalise_by_batch(const batch_norm *b, soma_value x) {
    soma_graph *g = b->graph;
    const soma_value in[] = {x, b->weight, b->bias};
    const batch_norm_attributes a = {.epsilon = b->epsilon};
    soma_value y = graph_add(g, &op_batch_norm, &a, in, 3), mean = {g, y.node, 1}, variance = {g, y.node, 2};
    soma_value count = soma_extent(x, b->axes), unbiased = soma_div(count, soma_sub(count, soma_scalar(g, 1)));
    update_running(b, b->running_mean, mean);
    update_running(b, b->running_var, soma_mul(variance, unbiased));
    return y;
}

/* One multiplication and one addition an element. */
static soma_value normalise_by_running(const batch_norm *b, soma_value x) {
    soma_value inverse = soma_rsqrt(soma_add(b->running_var, soma_scalar(b->graph, b->epsilon)));
    soma_value scale = soma_mul(b->weight, inverse);
    soma_value shift = soma_sub(b->bias, soma_mul(b->running_mean, scale));
    return soma_add(soma_mul(x, soma_reshape(scale, b->spread)), soma_reshape(shift, b->spread));
}

soma_value soma_batch_norm(soma_value x, soma_batch_norm_options options) {
    soma_graph *g = x.graph;
    char text[SHAPE_TEXT];
    if (!g || !value_ok(x)) return none(g);
    const char *name = graph_layer_name(g, "bn");
    soma_shape s = soma_value_shape(x);
    batch_norm b = {.graph = g, .epsilon = options.epsilon, .momentum = options.momentum};
    if (b.epsilon == 0) b.epsilon = 1e-5;
    if (b.momentum == 0) b.momentum = 0.1;
    if (s.rank < 2 || s.dims[1] < 1)
        return graph_fail(g, "bn '%s': the input has shape %s, expected [N, C, …]", name, shape_text(&s, text));
    if (!(b.epsilon > 0 && isfinite(b.epsilon)) || !(b.momentum > 0 && b.momentum <= 1))
        return graph_fail(g, "bn '%s': epsilon %g must be positive and momentum %g in (0, 1]", name, b.epsilon,
                          b.momentum);
    b.channels = b.spread = soma_shape1(s.dims[1]);
    for (int i = 0; i < s.rank; i++)
        if (i != 1) b.axes |= SOMA_AXIS(i);
    for (int i = 2; i < s.rank; i++) b.spread.dims[b.spread.rank++] = 1;
    b.weight = layer_parameter(g, name, "weight", b.channels, ones, true);
    b.bias = layer_parameter(g, name, "bias", b.channels, zeros, true);
    b.running_mean = layer_parameter(g, name, "running_mean", b.channels, zeros, false);
    b.running_var = layer_parameter(g, name, "running_var", b.channels, ones, false);
    return soma_name(g->training ? normalise_by_batch(&b, x) : normalise_by_running(&b, x), name);
}
