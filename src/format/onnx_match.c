/* format/onnx_match.c: groups of soma's nodes that ONNX has one operator for: a product with its bias (Gemm), a
 * convolution with its bias (Conv), normalisations (BatchNormalization by running values, LayerNormalization,
 * InstanceNormalization), a mean (ReduceMean). A
 * group may swallow inner nodes only when nothing else uses them, except where computing them again is what the
 * operator does anyway. */
#include "format/onnx_export.h"

#if defined(SOMA_HAVE_ONNX)

#include "ops/attributes.h"

static const node *input_node(const soma_graph *g, const node *n, int i) { return graph_node(g, n->inputs[i].node); }

static bool is(const node *n, const soma_op *op) { return n && n->op == op; }

static const soma_shape *shape_of_ref(const soma_graph *g, node_ref r) {
    return &graph_node(g, r.node)->outputs[r.output].shape;
}

static bool scalar_of(const node *n, double *value) {
    if (!is(n, &op_scalar)) return false;
    *value = ((const scalar_attributes *)n->attributes)->value;
    return true;
}

/* The value that a reshape shows under another shape, or the value itself. */
static node_ref through_reshape(const soma_graph *g, node_ref r) {
    const node *n = graph_node(g, r.node);
    return is(n, &op_reshape) ? n->inputs[0] : r;
}

/* ---- Products and convolutions with bias ------------------------------------------------------------------------- */

static void write_gemm(exporter *e, const node *n, const export_match *m) {
    out_node *out;
    export_node(e, "Gemm", export_output(e, n), &out, 3, export_name(e, m->inputs[0]), export_name(e, m->inputs[1]),
                export_name(e, m->inputs[2]));
    if (m->transpose_a) export_int(out, "transA", 1);
    if (m->transpose_b) export_int(out, "transB", 1);
}

static void write_conv_bias(exporter *e, const node *n, const export_match *m) {
    (is(m->inner, &op_convolution) ? export_convolution : export_conv_transpose)(
        e, m->inner, export_output(e, n), export_name(e, m->inputs[0]), export_name(e, m->inputs[1]),
        export_name(e, m->inputs[2]));
}

/* add(matmul(a, b), c) with matrices a and b and c [N]. */
static bool match_gemm(const soma_graph *g, const node *n, int side, const int *uses, export_match *m) {
    const node *product = input_node(g, n, side);
    node_ref bias = n->inputs[1 - side];
    if (!is(product, &op_matmul) || uses[product->number - 1] != 1 || product->outputs[0].shape.rank != 2) return false;
    const soma_shape *s = shape_of_ref(g, bias), *y = &product->outputs[0].shape;
    if (shape_of_ref(g, product->inputs[0])->rank != 2 || shape_of_ref(g, product->inputs[1])->rank != 2 ||
        s->rank != 1 || s->dims[0] != y->dims[1])
        return false;
    const matmul_attributes *a = product->attributes;
    *m = (export_match){.write = write_gemm,
                        .inputs = {product->inputs[0], product->inputs[1], bias},
                        .inputs_count = 3,
                        .transpose_a = a->transpose_a,
                        .transpose_b = a->transpose_b};
    return true;
}

/* add(convolution(x, w), reshape(b [O] -> [O, 1, 1])), or a transposed convolution there. */
static bool match_conv(const soma_graph *g, const node *n, int side, const int *uses, export_match *m) {
    const node *product = input_node(g, n, side);
    node_ref spread = n->inputs[1 - side], bias = through_reshape(g, spread);
    if ((!is(product, &op_convolution) && !is(product, &op_convolution_backward_data)) ||
        uses[product->number - 1] != 1)
        return false;
    const soma_shape *s = shape_of_ref(g, spread), *b = shape_of_ref(g, bias);
    int64_t channels = product->outputs[0].shape.dims[1];
    if (s->rank != 3 || s->dims[0] != channels || s->dims[1] != 1 || s->dims[2] != 1 || b->rank != 1) return false;
    *m = (export_match){.write = write_conv_bias,
                        .inputs = {product->inputs[0], product->inputs[1], bias},
                        .inputs_count = 3,
                        .inner = product};
    return true;
}

/* ---- Batch normalisation ----------------------------------------------------------------------------------------- */

static void write_batch_norm(exporter *e, const node *n, const export_match *m) {
    out_node *out;
    export_node(e, "BatchNormalization", export_output(e, n), &out, 5, export_name(e, m->inputs[0]),
                export_name(e, m->inputs[1]), export_name(e, m->inputs[2]), export_name(e, m->inputs[3]),
                export_name(e, m->inputs[4]));
    export_real(out, "epsilon", m->epsilon);
}

/* Whether `r`, reshaped from a list of the channels, stands at the channels of a value of this shape. */
static bool spread_over_channels(const soma_graph *g, node_ref r, const soma_shape *y) {
    const soma_shape *s = shape_of_ref(g, r);
    if (y->rank < 2 || s->rank != y->rank - 1 || s->dims[0] != y->dims[1]) return false;
    for (int i = 1; i < s->rank; i++)
        if (s->dims[i] != 1) return false;
    return true;
}

/* add(mul(x, w / sqrt(var + eps)), b - mean w / sqrt(var + eps)), as nn/layers.c builds it. */
static bool match_batch_norm(const soma_graph *g, const node *n, const int *uses, export_match *m) {
    const node *product = input_node(g, n, 0);
    if (!is(product, &op_mul) || uses[product->number - 1] != 1) return false;
    const soma_shape *y = &n->outputs[0].shape;
    if (!spread_over_channels(g, product->inputs[1], y) || !spread_over_channels(g, n->inputs[1], y) ||
        !shape_equal(shape_of_ref(g, product->inputs[0]), y))
        return false;
    const node *scale = graph_node(g, through_reshape(g, product->inputs[1]).node);
    const node *shift = graph_node(g, through_reshape(g, n->inputs[1]).node);
    if (!is(scale, &op_mul) || !is(shift, &op_sub)) return false;
    const node *inverse = input_node(g, scale, 1), *moved = input_node(g, shift, 1);
    if (!is(inverse, &op_rsqrt) || !is(moved, &op_mul) || moved->inputs[1].node != scale->number) return false;
    const node *sum = input_node(g, inverse, 0);
    double epsilon;
    if (!is(sum, &op_add) || !scalar_of(input_node(g, sum, 1), &epsilon)) return false;
    const node_ref list[4] = {scale->inputs[0], shift->inputs[0], moved->inputs[0], sum->inputs[0]};
    for (int i = 0; i < 4; i++) {
        const soma_shape *s = shape_of_ref(g, list[i]);
        if (s->rank != 1 || s->dims[0] != y->dims[1]) return false;
    }
    *m = (export_match){.write = write_batch_norm,
                        .inputs = {product->inputs[0], list[0], list[1], list[2], list[3]},
                        .inputs_count = 5,
                        .epsilon = epsilon};
    return true;
}

/* ---- Normalisation of each sample -------------------------------------------------------------------------------- */

static void write_norm(exporter *e, const node *n, const export_match *m) {
    out_node *out;
    export_node(e, m->axes & SOMA_AXIS(1) ? "LayerNormalization" : "InstanceNormalization", export_output(e, n), &out,
                3, export_name(e, m->inputs[0]), export_name(e, m->inputs[1]), export_name(e, m->inputs[2]));
    export_real(out, "epsilon", m->epsilon);
    if (m->axes & SOMA_AXIS(1)) export_int(out, "axis", 1);
}

/* The mean div(reduce_sum(x), extent(x)) with its extents kept: x and the axes. */
static bool mean_of(const soma_graph *g, const node *n, node_ref *x, uint32_t *axes) {
    if (!is(n, &op_div) || !is(input_node(g, n, 0), &op_reduce_sum) || !is(input_node(g, n, 1), &op_extent))
        return false;
    const node *sum = input_node(g, n, 0);
    const reduce_attributes *a = sum->attributes;
    const extent_attributes *b = input_node(g, n, 1)->attributes;
    *x = sum->inputs[0];
    *axes = a->axes;
    return a->keep && a->axes == b->axes;
}

/* add(mul(mul(d, 1 / sqrt(mean(d^2) + eps)), w), b) with d = x - mean(x), as nn/norms.c builds it: over all axes but
 * the first with w and b of a sample's shape, or over all but the first two with w and b of a number a channel. */
static bool match_norm(const soma_graph *g, const node *n, const int *uses, export_match *m) {
    const node *scaled = input_node(g, n, 0), *unit = is(scaled, &op_mul) ? input_node(g, scaled, 0) : NULL;
    const soma_shape *y = &n->outputs[0].shape;
    node_ref from, squared_from;
    uint32_t axes, squared_axes;
    double epsilon;
    if (!is(unit, &op_mul) || uses[scaled->number - 1] != 1 || uses[unit->number - 1] != 1) return false;
    const node *d = input_node(g, unit, 0), *inverse = input_node(g, unit, 1);
    if (!is(d, &op_sub) || !is(inverse, &op_rsqrt) || uses[d->number - 1] != 2) return false;
    const node *sum = input_node(g, inverse, 0);
    if (!is(sum, &op_add) || !scalar_of(input_node(g, sum, 1), &epsilon)) return false;
    if (!mean_of(g, input_node(g, d, 1), &from, &axes) ||
        !mean_of(g, input_node(g, sum, 0), &squared_from, &squared_axes) || axes != squared_axes)
        return false;
    const node *square = graph_node(g, squared_from.node);
    if (!is(square, &op_square) || square->inputs[0].node != d->number || from.node != d->inputs[0].node ||
        from.output != d->inputs[0].output || y->rank < 2 || !shape_equal(shape_of_ref(g, from), y))
        return false;
    node_ref weight = scaled->inputs[1], bias = n->inputs[1];
    uint32_t all = (1u << y->rank) - 1;
    if (axes == (all & ~3u) && y->rank > 2) {
        if (!spread_over_channels(g, weight, y) || !spread_over_channels(g, bias, y)) return false;
        weight = through_reshape(g, weight);
        bias = through_reshape(g, bias);
        if (shape_of_ref(g, weight)->rank != 1 || shape_of_ref(g, bias)->rank != 1) return false;
    } else {
        soma_shape sample = shape_of(y->rank - 1, y->dims + 1);
        if (axes != (all & ~1u) || !shape_equal(shape_of_ref(g, weight), &sample) ||
            !shape_equal(shape_of_ref(g, bias), &sample))
            return false;
    }
    *m = (export_match){
        .write = write_norm, .inputs = {from, weight, bias}, .inputs_count = 3, .epsilon = epsilon, .axes = axes};
    return true;
}

/* ---- Means ------------------------------------------------------------------------------------------------------- */

static void write_mean(exporter *e, const node *n, const export_match *m) {
    out_node *out;
    const char *x = export_name(e, m->inputs[0]);
    if (m->keep && m->axes == (SOMA_AXIS(2) | SOMA_AXIS(3)) && export_type(e, m->inputs[0])->shape.rank == 4) {
        export_node(e, "GlobalAveragePool", export_output(e, n), NULL, 1, x);
        return;
    }
    int64_t axes[SOMA_MAX_RANK] = {0};
    int count = 0;
    for (int i = 0; i < SOMA_MAX_RANK; i++)
        if (m->axes & SOMA_AXIS(i)) axes[count++] = i;
    export_node(e, "ReduceMean", export_output(e, n), &out, 1, x);
    export_ints(e, out, "axes", axes, count);
    export_int(out, "keepdims", m->keep);
}

/* div(reduce_sum(x), extent(x)) over the same axes. */
static bool match_mean(const soma_graph *g, const node *n, const int *uses, export_match *m) {
    const node *sum = input_node(g, n, 0), *extent = input_node(g, n, 1);
    if (!is(sum, &op_reduce_sum) || !is(extent, &op_extent) || uses[sum->number - 1] != 1) return false;
    const reduce_attributes *a = sum->attributes;
    const extent_attributes *b = extent->attributes;
    if (a->axes != b->axes || !shape_equal(shape_of_ref(g, sum->inputs[0]), shape_of_ref(g, extent->inputs[0])))
        return false;
    *m = (export_match){
        .write = write_mean, .inputs = {sum->inputs[0]}, .inputs_count = 1, .axes = a->axes, .keep = a->keep};
    return true;
}

bool export_match_find(const soma_graph *graph, const node *n, const int *uses, export_match *match) {
    if (n->op == &op_div) return match_mean(graph, n, uses, match);
    if (n->op != &op_add) return false;
    for (int side = 0; side < 2; side++)
        if (match_gemm(graph, n, side, uses, match) || match_conv(graph, n, side, uses, match)) return true;
    return match_batch_norm(graph, n, uses, match) || match_norm(graph, n, uses, match);
}

#endif
