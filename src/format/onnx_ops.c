/* format/onnx_ops.c: how ops whose attributes or inputs differ from ONNX's are written. Element-wise ops that ONNX has
 * under another name alone stand in their descriptors; everything else that has a decomposition is written through it.
 */
#include "format/onnx_export.h"

#if defined(SOMA_HAVE_ONNX)

#include "ops/attributes.h"

static const soma_shape *input_shape(const exporter *e, const node *n, int i) {
    return &export_type(e, n->inputs[i])->shape;
}

static double parameter(const node *n, int i) { return ((const elementwise_attributes *)n->attributes)->parameter[i]; }

/* ---- Element-wise ------------------------------------------------------------------------------------------------ */

/* Truth values are bool in ONNX and float in soma. */
static void write_truth(exporter *e, const node *n, const char *op) {
    out_node *cast;
    const char *truth = n->inputs_count == 1
                            ? export_node(e, op, NULL, NULL, 1, export_input(e, n, 0))
                            : export_node(e, op, NULL, NULL, 2, export_input(e, n, 0), export_input(e, n, 1));
    export_node(e, "Cast", export_output(e, n), &cast, 1, truth);
    export_int(cast, "to", ONNX_FLOAT);
}

static void write_equal(exporter *e, const node *n) { write_truth(e, n, "Equal"); }
static void write_less(exporter *e, const node *n) { write_truth(e, n, "Less"); }
static void write_less_equal(exporter *e, const node *n) { write_truth(e, n, "LessOrEqual"); }
static void write_greater(exporter *e, const node *n) { write_truth(e, n, "Greater"); }
static void write_greater_equal(exporter *e, const node *n) { write_truth(e, n, "GreaterOrEqual"); }
static void write_is_nan(exporter *e, const node *n) { write_truth(e, n, "IsNaN"); }

static void write_select(exporter *e, const node *n) {
    out_node *cast;
    const char *truth = export_node(e, "Cast", NULL, &cast, 1, export_input(e, n, 0));
    export_int(cast, "to", ONNX_BOOL);
    export_node(e, "Where", export_output(e, n), NULL, 3, truth, export_input(e, n, 1), export_input(e, n, 2));
}

static void write_leaky_relu(exporter *e, const node *n) {
    out_node *out;
    export_node(e, "LeakyRelu", export_output(e, n), &out, 1, export_input(e, n, 0));
    export_real(out, "alpha", parameter(n, 0));
}

static void write_elu(exporter *e, const node *n) {
    out_node *out;
    export_node(e, "Elu", export_output(e, n), &out, 1, export_input(e, n, 0));
    export_real(out, "alpha", parameter(n, 0));
}

static void write_hard_sigmoid(exporter *e, const node *n) {
    out_node *out;
    export_node(e, "HardSigmoid", export_output(e, n), &out, 1, export_input(e, n, 0));
    export_real(out, "alpha", 1.0 / 6);
    export_real(out, "beta", 0.5);
}

static void write_clip(exporter *e, const node *n) {
    export_node(e, "Clip", export_output(e, n), NULL, 3, export_input(e, n, 0), export_scalar(e, parameter(n, 0)),
                export_scalar(e, parameter(n, 1)));
}

/* ---- Products, reductions ---------------------------------------------------------------------------------------- */

/* The value with its last two dimensions exchanged. */
static const char *transposed(exporter *e, const char *x, int rank) {
    int64_t perm[SOMA_MAX_RANK] = {0};
    out_node *out;
    for (int i = 0; i < rank; i++) perm[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
    const char *y = export_node(e, "Transpose", NULL, &out, 1, x);
    export_ints(e, out, "perm", perm, rank);
    return y;
}

static void write_matmul(exporter *e, const node *n) {
    const matmul_attributes *a = n->attributes;
    int rank_a = input_shape(e, n, 0)->rank, rank_b = input_shape(e, n, 1)->rank;
    const char *x = export_input(e, n, 0), *y = export_input(e, n, 1);
    if ((a->transpose_a || a->transpose_b) && rank_a == 2 && rank_b == 2) {
        out_node *out;
        export_node(e, "Gemm", export_output(e, n), &out, 2, x, y);
        if (a->transpose_a) export_int(out, "transA", 1);
        if (a->transpose_b) export_int(out, "transB", 1);
        return;
    }
    if (a->transpose_a) x = transposed(e, x, rank_a);
    if (a->transpose_b) y = transposed(e, y, rank_b);
    export_node(e, "MatMul", export_output(e, n), NULL, 2, x, y);
}

static int axes_list(uint32_t set, int64_t axes[SOMA_MAX_RANK]) {
    int count = 0;
    for (int i = 0; i < SOMA_MAX_RANK; i++)
        if (set & SOMA_AXIS(i)) axes[count++] = i;
    return count;
}

/* The axes of ReduceSum are an input, those of the others still an attribute in opset 17. */
static void write_reduce(exporter *e, const node *n, const char *op, bool axes_as_input) {
    const reduce_attributes *a = n->attributes;
    int64_t axes[SOMA_MAX_RANK];
    int count = axes_list(a->axes, axes);
    out_node *out;
    if (axes_as_input) {
        const char *list = export_integers(e, axes, count);
        export_node(e, op, export_output(e, n), &out, 2, export_input(e, n, 0), list);
        if (!count) export_int(out, "noop_with_empty_axes", 1);
    } else {
        export_node(e, op, export_output(e, n), &out, 1, export_input(e, n, 0));
        export_ints(e, out, "axes", axes, count);
    }
    export_int(out, "keepdims", a->keep);
}

static void write_reduce_sum(exporter *e, const node *n) { write_reduce(e, n, "ReduceSum", true); }
static void write_reduce_max(exporter *e, const node *n) { write_reduce(e, n, "ReduceMax", false); }
static void write_reduce_min(exporter *e, const node *n) { write_reduce(e, n, "ReduceMin", false); }

static void write_argmax(exporter *e, const node *n) {
    const axis_attributes *a = n->attributes;
    out_node *out;
    export_node(e, "ArgMax", export_output(e, n), &out, 1, export_input(e, n, 0));
    export_int(out, "axis", a->axis);
    export_int(out, "keepdims", a->keep);
}

/* A number of elements: constant unless the batch is among the axes. */
static void write_extent(exporter *e, const node *n) {
    const extent_attributes *a = n->attributes;
    const soma_shape *s = input_shape(e, n, 0);
    int64_t axes[SOMA_MAX_RANK];
    int count = axes_list(a->axes, axes);
    soma_shape part = {0, {0}};
    for (int i = 0; i < count; i++) part.dims[part.rank++] = s->dims[axes[i]];
    if (!shape_has_batch(&part)) {
        const char *number = export_scalar(e, (double)shape_elements(&part, 1));
        export_node(e, "Identity", export_output(e, n), NULL, 1, number);
        return;
    }
    out_node *product, *cast;
    const char *whole = export_node(e, "Shape", NULL, NULL, 1, export_input(e, n, 0));
    const char *dims = export_node(e, "Gather", NULL, NULL, 2, whole, export_integers(e, axes, count));
    const char *number = export_node(e, "ReduceProd", NULL, &product, 1, dims);
    export_int(product, "keepdims", 0);
    export_node(e, "Cast", export_output(e, n), &cast, 1, number);
    export_int(cast, "to", ONNX_FLOAT);
}

static void write_with_axis(exporter *e, const node *n, const char *op) {
    out_node *out;
    export_node(e, op, export_output(e, n), &out, 1, export_input(e, n, 0));
    export_int(out, "axis", ((const axis_attributes *)n->attributes)->axis);
}

static void write_softmax(exporter *e, const node *n) { write_with_axis(e, n, "Softmax"); }
static void write_log_softmax(exporter *e, const node *n) { write_with_axis(e, n, "LogSoftmax"); }

/* ---- Shape ------------------------------------------------------------------------------------------------------- */

/* -1 stands for the batch, so that the shape is constant. */
static void write_reshape(exporter *e, const node *n) {
    soma_shape s = ((const shape_attributes *)n->attributes)->shape;
    bool zero = false, batch = false;
    for (int i = 0; i < s.rank; i++) {
        zero |= s.dims[i] == 0;
        batch |= s.dims[i] < 0;
        if (s.dims[i] < 0) s.dims[i] = -1;
    }
    const char *shape = zero && batch ? export_shape(e, &((const shape_attributes *)n->attributes)->shape)
                                      : export_integers(e, s.dims, s.rank);
    out_node *out;
    export_node(e, "Reshape", export_output(e, n), &out, 2, export_input(e, n, 0), shape);
    if (zero) export_int(out, "allowzero", 1);
}

/* Where the input has the batch itself, a 1 in the shape leaves it alone. */
static void write_expand(exporter *e, const node *n) {
    soma_shape to = ((const shape_attributes *)n->attributes)->shape;
    const soma_shape *from = input_shape(e, n, 0);
    for (int i = 0; i < from->rank; i++)
        if (from->dims[i] < 0) to.dims[i + to.rank - from->rank] = 1;
    const char *shape = export_shape(e, &to);
    export_node(e, "Expand", export_output(e, n), NULL, 2, export_input(e, n, 0), shape);
}

static void write_transpose(exporter *e, const node *n) {
    const transpose_attributes *a = n->attributes;
    int rank = input_shape(e, n, 0)->rank;
    int64_t perm[SOMA_MAX_RANK] = {0};
    out_node *out;
    for (int i = 0; i < rank; i++) perm[i] = a->permutation[i];
    export_node(e, "Transpose", export_output(e, n), &out, 1, export_input(e, n, 0));
    export_ints(e, out, "perm", perm, rank);
}

static void write_concat(exporter *e, const node *n) {
    out_node *out;
    export_same_inputs(e, "Concat", n, &out);
    export_int(out, "axis", ((const axis_attributes *)n->attributes)->axis);
}

static void write_slice(exporter *e, const node *n) {
    const slice_attributes *a = n->attributes;
    int64_t axis = a->axis;
    const char *start = export_integers(e, &a->start, 1), *stop = export_integers(e, &a->stop, 1);
    const char *axes = export_integers(e, &axis, 1), *step = export_integers(e, &a->step, 1);
    export_node(e, "Slice", export_output(e, n), NULL, 5, export_input(e, n, 0), start, stop, axes, step);
}

static void write_pad(exporter *e, const node *n) {
    const pad_attributes *a = n->attributes;
    int rank = input_shape(e, n, 0)->rank;
    int64_t pads[2 * SOMA_MAX_RANK] = {0};
    for (int i = 0; i < rank; i++) {
        pads[i] = a->before[i];
        pads[rank + i] = a->after[i];
    }
    const char *list = export_integers(e, pads, 2 * rank), *value = export_scalar(e, a->value);
    export_node(e, "Pad", export_output(e, n), NULL, 3, export_input(e, n, 0), list, value);
}

static void write_gather(exporter *e, const node *n) {
    out_node *out;
    export_node(e, "Gather", export_output(e, n), &out, 2, export_input(e, n, 0), export_input(e, n, 1));
    export_int(out, "axis", ((const axis_attributes *)n->attributes)->axis);
}

/* indices [..] == 0 .. depth - 1: an index outside gives zeros, unlike ONNX's OneHot. */
static void write_one_hot(exporter *e, const node *n) {
    const int64_t depth = ((const one_hot_attributes *)n->attributes)->depth, last = input_shape(e, n, 0)->rank;
    out_node *cast;
    int64_t *numbers =
        depth >= 0 && depth <= 1 << 24 ? graph_alloc(e->memory, ((size_t)depth + 1) * sizeof *numbers) : NULL;
    if (!numbers) {
        export_fail(e, "the model can't be written: a one-hot of %lld", (long long)depth);
        return;
    }
    for (int64_t i = 0; i < depth; i++) numbers[i] = i;
    const char *column =
        export_node(e, "Unsqueeze", NULL, NULL, 2, export_input(e, n, 0), export_integers(e, &last, 1));
    const char *same = export_node(e, "Equal", NULL, NULL, 2, column, export_integers(e, numbers, (int)depth));
    export_node(e, "Cast", export_output(e, n), &cast, 1, same);
    export_int(cast, "to", ONNX_FLOAT);
}

/* ---- Windows ----------------------------------------------------------------------------------------------------- */

static void window(exporter *e, out_node *out, const soma_window *w, bool dilated) {
    const int64_t pads[4] = {w->before[0], w->before[1], w->after[0], w->after[1]};
    export_ints(e, out, "kernel_shape", w->kernel, 2);
    export_ints(e, out, "strides", w->stride, 2);
    export_ints(e, out, "pads", pads, 4);
    if (dilated) export_ints(e, out, "dilations", w->dilation, 2);
}

void export_convolution(exporter *e, const node *n, const char *output, const char *x, const char *w,
                        const char *bias) {
    const window_attributes *a = n->attributes;
    out_node *out;
    if (bias)
        export_node(e, "Conv", output, &out, 3, x, w, bias);
    else
        export_node(e, "Conv", output, &out, 2, x, w);
    window(e, out, &a->window, true);
    export_int(out, "group", a->groups);
}

static void write_convolution(exporter *e, const node *n) {
    const char *x = export_input(e, n, 0), *w = export_input(e, n, 1);
    export_convolution(e, n, export_output(e, n), x, w, NULL);
}

/* A convolution's backward-data is ConvTranspose; what its windows did not reach is output_padding. */
void export_conv_transpose(exporter *e, const node *n, const char *output, const char *x, const char *w,
                           const char *bias) {
    const window_attributes *a = n->attributes;
    const soma_window *v = &a->window;
    const soma_shape *dy = input_shape(e, n, 0);
    int64_t more[2];
    out_node *out;
    for (int i = 0; i < 2; i++)
        more[i] = (i ? a->width : a->height) - (v->stride[i] * (dy->dims[2 + i] - 1) +
                                                v->dilation[i] * (v->kernel[i] - 1) + 1 - v->before[i] - v->after[i]);
    if (bias)
        export_node(e, "ConvTranspose", output, &out, 3, x, w, bias);
    else
        export_node(e, "ConvTranspose", output, &out, 2, x, w);
    window(e, out, v, true);
    export_ints(e, out, "output_padding", more, 2);
    export_int(out, "group", a->groups);
}

static void write_backward_data(exporter *e, const node *n) {
    const char *x = export_input(e, n, 0), *w = export_input(e, n, 1);
    export_conv_transpose(e, n, export_output(e, n), x, w, NULL);
}

static void write_max_pool(exporter *e, const node *n) {
    const window_attributes *a = n->attributes;
    out_node *out;
    export_node(e, "MaxPool", export_output(e, n), &out, 1, export_input(e, n, 0));
    window(e, out, &a->window, true);
    if (a->window.ceil_mode) export_int(out, "ceil_mode", 1);
}

static void write_average_pool(exporter *e, const node *n) {
    const window_attributes *a = n->attributes;
    out_node *out;
    if (a->window.dilation[0] != 1 || a->window.dilation[1] != 1) {
        char text[160];
        export_fail(e,
                    "the model can't be written: %s has dilated windows, which ONNX's AveragePool of opset 17 has not",
                    node_text(n, text, sizeof text));
        return;
    }
    export_node(e, "AveragePool", export_output(e, n), &out, 1, export_input(e, n, 0));
    window(e, out, &a->window, false);
    if (a->window.ceil_mode) export_int(out, "ceil_mode", 1);
    if (a->window.count_padding) export_int(out, "count_include_pad", 1);
}

static void write_upsample(exporter *e, const node *n) {
    const upsample_attributes *a = n->attributes;
    const double scales[4] = {1, 1, (double)a->factor[0], (double)a->factor[1]};
    out_node *out;
    export_node(e, "Resize", export_output(e, n), &out, 3, export_input(e, n, 0), "", export_floats(e, scales, 4));
    export_text(out, "mode", "nearest");
    export_text(out, "coordinate_transformation_mode", "asymmetric");
    export_text(out, "nearest_mode", "floor");
}

static void write_lrn(exporter *e, const node *n) {
    const lrn_attributes *a = n->attributes;
    out_node *out;
    export_node(e, "LRN", export_output(e, n), &out, 1, export_input(e, n, 0));
    export_int(out, "size", a->size);
    export_real(out, "alpha", a->alpha);
    export_real(out, "beta", a->beta);
    export_real(out, "bias", a->bias);
}

const export_rule export_rules[] = {
    {"equal", write_equal},
    {"less", write_less},
    {"less_equal", write_less_equal},
    {"greater", write_greater},
    {"greater_equal", write_greater_equal},
    {"is_nan", write_is_nan},
    {"select", write_select},
    {"leaky_relu", write_leaky_relu},
    {"elu", write_elu},
    {"hard_sigmoid", write_hard_sigmoid},
    {"clip", write_clip},
    {"matmul", write_matmul},
    {"reduce_sum", write_reduce_sum},
    {"reduce_max", write_reduce_max},
    {"reduce_min", write_reduce_min},
    {"argmax", write_argmax},
    {"extent", write_extent},
    {"softmax", write_softmax},
    {"log_softmax", write_log_softmax},
    {"reshape", write_reshape},
    {"expand", write_expand},
    {"transpose", write_transpose},
    {"concat", write_concat},
    {"slice", write_slice},
    {"pad", write_pad},
    {"gather", write_gather},
    {"one_hot", write_one_hot},
    {"convolution", write_convolution},
    {"convolution_backward_data", write_backward_data},
    {"max_pool", write_max_pool},
    {"average_pool", write_average_pool},
    {"upsample", write_upsample},
    {"lrn", write_lrn},
    {NULL, NULL},
};

#endif
