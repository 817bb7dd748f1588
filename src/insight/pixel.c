/* insight/pixel.c: one output element of a convolution taken apart, from the layer's stored input and the store's
 * weights: y[o, p, q] = f(b[o] + sum over c, k, l of x[c, p stride - before + k dilation, ..] w[o, c, k, l]), by the
 * definition and in double, so that a person can follow every product. */
#include "insight/insight.h"
#include "ops/attributes.h"
#include "plan/store.h"

/* Numbers that a graph holds or reads from the store. */
typedef struct numbers {
    const void *data;
    bool wide;
    int64_t count;
} numbers;

static double number_at(const numbers *n, int64_t i) {
    return n->wide ? ((const double *)n->data)[i] : (double)((const float *)n->data)[i];
}

/* False when the value is computed rather than kept. */
static bool find_numbers(soma_value v, const soma_store *store, numbers *found) {
    const node *n = value_node(v);
    while (n && n->op->flags & OP_ALIAS) n = graph_node(v.graph, n->inputs[0].node);
    if (!n) return false;
    if (n->op == &op_variable) {
        const variable *in = store_find(store, n->name);
        if (!in || !shape_equal(&in->shape, &n->outputs[0].shape)) return false;
        *found = (numbers){in->data, store->float64, (int64_t)in->count};
        return true;
    }
    *found = (numbers){n->data, false, shape_elements(&n->outputs[0].shape, 1)};
    return n->op == &op_constant && n->outputs[0].dtype == SOMA_FLOAT;
}

static bool has_unit(const soma_shape *y, soma_unit u) {
    return u.channel >= 0 && u.channel < y->dims[1] && u.row >= 0 && u.row < y->dims[2] && u.column >= 0 &&
           u.column < y->dims[3];
}

static double activate(soma_layer layer, double value) {
    const node *n = value_node(layer.output);
    if (!n || layer.output.node == layer.value.node || !n->op->scalar) return value;
    return n->op->scalar(&value, ((const elementwise_attributes *)n->attributes)->parameter);
}

int soma_layer_pixel(soma_layer layer, const soma_store *store, const float *input, soma_unit unit,
                     soma_product *products, size_t count, soma_pixel *pixel, soma_error *error) {
    soma_value added;
    char text[SHAPE_TEXT];
    const char *name = layer.name ? layer.name : "";
    if (!store || !input || !pixel)
        return error_set(error, SOMA_ERROR_ARGUMENT, "pixel: store, input or the place for the result are missing");
    const node *n = layer_product(layer.value, &added);
    if (!n || n->op != &op_convolution)
        return error_set(error, SOMA_ERROR_ARGUMENT, "pixel: layer '%.100s' is no convolution", name);
    soma_value kernels = graph_value(layer.value.graph, n->inputs[1]);
    soma_shape x = soma_value_shape(graph_value(layer.value.graph, n->inputs[0])), y = n->outputs[0].shape;
    soma_shape kernel = soma_value_shape(kernels);
    numbers weights, bias = {0};
    if (!has_unit(&y, unit))
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "pixel: layer '%.100s' is %s, it has no element in channel %lld, row %lld, column %lld", name,
                         shape_text(&y, text), (long long)unit.channel, (long long)unit.row, (long long)unit.column);
    if (!find_numbers(kernels, store, &weights))
        return error_set(error, SOMA_ERROR_ARGUMENT, "pixel: the store does not hold the weights of layer '%.100s'",
                         name);
    if (added.node && (!find_numbers(added, store, &bias) || (bias.count != 1 && bias.count != kernel.dims[0])))
        return error_set(error, SOMA_ERROR_ARGUMENT, "pixel: layer '%.100s' adds something else than a bias", name);
    const window_attributes *a = n->attributes;
    const soma_window *w = &a->window;
    soma_pixel p = {.channels = kernel.dims[1],
                    .height = kernel.dims[2],
                    .width = kernel.dims[3],
                    .first = unit.channel / (kernel.dims[0] / a->groups) * kernel.dims[1],
                    .row = unit.row * w->stride[0] - w->before[0],
                    .column = unit.column * w->stride[1] - w->before[1],
                    .down = w->dilation[0],
                    .right = w->dilation[1]};
    int64_t taps = p.channels * p.height * p.width, at = 0;
    if (products ? (uint64_t)taps != count : count != 0)
        return error_set(error, SOMA_ERROR_ARGUMENT, "pixel: layer '%.100s' has %lld products a pixel, not %zu", name,
                         (long long)taps, count);
    for (int64_t c = 0; c < p.channels; c++)
        for (int64_t k = 0; k < p.height; k++)
            for (int64_t l = 0; l < p.width; l++, at++) {
                int64_t row = p.row + k * p.down, column = p.column + l * p.right;
                bool inside = row >= 0 && row < x.dims[2] && column >= 0 && column < x.dims[3];
                soma_product t = {.weight = number_at(&weights, unit.channel * taps + at)};
                if (inside) t.input = (double)input[((p.first + c) * x.dims[2] + row) * x.dims[3] + column];
                t.product = t.input * t.weight;
                p.sum += t.product;
                if (products) products[at] = t;
            }
    if (added.node) p.bias = number_at(&bias, bias.count == 1 ? 0 : unit.channel);
    p.value = p.sum + p.bias;
    p.output = activate(layer, p.value);
    *pixel = p;
    return SOMA_OK;
}
