/* format/onnx_import_layers.c: rules for convolutions, pooling and normalisation. soma's windows slide over [N, C, H,
 * W]; one-dimensional ones ([N, C, L]) get a height of 1 for the time of the operator. */
#include "format/onnx_import.h"

#if defined(SOMA_HAVE_ONNX)

/* ---- Windows ----------------------------------------------------------------------------------------------------- */

enum { WINDOW_LIMIT = 1 << 20 };

/* Numbers of a list attribute into the two dimensions, the missing height of one-dimensional windows `otherwise`. */
static bool window_list(importer *m, const char *name, int spatial, int64_t otherwise, int64_t smallest,
                        int64_t out[2]) {
    int64_t list[SOMA_MAX_RANK];
    int count = import_ints(m, name, list, SOMA_MAX_RANK);
    out[0] = out[1] = otherwise;
    if (count < 0) return false;
    if (count && count != spatial) {
        import_fail(m, "%s has %d numbers, expected %d", name, count, spatial);
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (list[i] < smallest || list[i] > WINDOW_LIMIT) {
            import_fail(m, "%s holds %lld, which is no size", name, (long long)list[i]);
            return false;
        }
        out[2 - spatial + i] = list[i];
    }
    return true;
}

/* The window of the node; the kernel is given by the attribute or, for convolutions, by the weights. */
static bool window_read(importer *m, const soma_shape *x, const int64_t *kernel, soma_window *w) {
    int spatial = x->rank - 2;
    int64_t pads[2 * SOMA_MAX_RANK];
    memset(w, 0, sizeof *w);
    if (m->failed) return false;
    if (spatial < 1 || spatial > 2) {
        import_unsupported(m, "an input with %d dimensions", x->rank);
        return false;
    }
    if (!window_list(m, "kernel_shape", spatial, 1, 1, w->kernel) ||
        !window_list(m, "strides", spatial, 1, 1, w->stride) ||
        !window_list(m, "dilations", spatial, 1, 1, w->dilation))
        return false;
    if (kernel) memcpy(w->kernel, kernel, sizeof w->kernel);
    if (!kernel && !import_attribute(m, "kernel_shape")) {
        import_fail(m, "kernel_shape is missing");
        return false;
    }
    int count = import_ints(m, "pads", pads, 2 * SOMA_MAX_RANK);
    if (count < 0) return false;
    if (count && count != 2 * spatial) {
        import_fail(m, "pads has %d numbers, expected %d", count, 2 * spatial);
        return false;
    }
    for (int i = 0; i < count / 2; i++) {
        w->before[2 - spatial + i] = pads[i];
        w->after[2 - spatial + i] = pads[spatial + i];
        if (pads[i] < 0 || pads[spatial + i] < 0 || pads[i] > WINDOW_LIMIT || pads[spatial + i] > WINDOW_LIMIT) {
            import_unsupported(m, "negative padding");
            return false;
        }
    }
    bool upper = import_is(m, "auto_pad", "SAME_UPPER"), lower = import_is(m, "auto_pad", "SAME_LOWER");
    for (int i = 2 - spatial; (upper || lower) && i < 2;
         i++) { /* ceil(x / stride) outputs, the odd pixel below or above */
        int64_t n = x->dims[x->rank - 2 + i], y = (n + w->stride[i] - 1) / w->stride[i];
        int64_t total = (y - 1) * w->stride[i] + w->dilation[i] * (w->kernel[i] - 1) + 1 - n;
        if (n < 0) {
            import_unsupported(m, "automatic padding of an open size");
            return false;
        }
        if (total < 0) total = 0;
        w->before[i] = upper ? total / 2 : total - total / 2;
        w->after[i] = total - w->before[i];
    }
    return true;
}

/* [N, C, L] as [N, C, 1, L] and back. */
static soma_value planes(importer *m, soma_value x) {
    soma_shape s = soma_value_shape(x);
    const int64_t dims[4] = {s.dims[0], s.dims[1], 1, s.dims[2]};
    return s.rank == 3 ? import_reshape(m, x, 4, dims) : x;
}

static soma_value lines(importer *m, soma_value y, int rank) {
    soma_shape s = soma_value_shape(y);
    const int64_t dims[3] = {s.dims[0], s.dims[1], s.dims[3]};
    return rank == 3 ? import_reshape(m, y, 3, dims) : y;
}

/* [C] as [C, 1, 1], for operands of each channel of a value of this rank. */
static soma_value by_channel(importer *m, soma_value v, int rank) {
    soma_shape s = soma_value_shape(v);
    int64_t dims[SOMA_MAX_RANK];
    if (m->failed || s.rank != 1 || rank < 2) return v;
    for (int i = 0; i < rank - 1; i++) dims[i] = i ? 1 : s.dims[0];
    return import_reshape(m, v, rank - 1, dims);
}

/* ---- Convolutions ------------------------------------------------------------------------------------------------ */

static void build_conv(importer *m) {
    soma_value x = import_float(m, 0), w = import_float(m, 1);
    soma_shape s = soma_value_shape(x), k = soma_value_shape(w);
    soma_window window;
    if (m->failed) return;
    const int64_t kernel[2] = {k.rank == 4 ? k.dims[2] : 1, k.rank == 4 ? k.dims[3] : k.dims[2]};
    if (k.rank != s.rank) {
        import_fail(m, "the input has %d dimensions but the weights have %d", s.rank, k.rank);
        return;
    }
    if (!window_read(m, &s, kernel, &window)) return;
    soma_value y = soma_convolution(planes(m, x), planes(m, w), window, import_int(m, "group", 1));
    if (import_has(m, 2)) y = soma_add(y, by_channel(m, import_float(m, 2), 4));
    import_result(m, lines(m, y, s.rank));
}

/* A transposed convolution is the backward-data of a convolution whose output its input is. */
static void build_conv_transpose(importer *m) {
    soma_value x = import_float(m, 0), w = import_float(m, 1);
    soma_shape s = soma_value_shape(x), k = soma_value_shape(w);
    soma_window window;
    int64_t more[2], wanted[2], size[2], rest[2] = {0, 0};
    if (m->failed) return;
    const int64_t kernel[2] = {k.rank == 4 ? k.dims[2] : 1, k.rank == 4 ? k.dims[3] : k.dims[2]};
    int spatial = s.rank - 2;
    if (k.rank != s.rank) {
        import_fail(m, "the input has %d dimensions but the weights have %d", s.rank, k.rank);
        return;
    }
    bool same = import_is(m, "auto_pad", "SAME_UPPER") || import_is(m, "auto_pad", "SAME_LOWER");
    if (spatial < 1 || spatial > 2) import_unsupported(m, "an input with %d dimensions", s.rank);
    if (m->failed || !window_list(m, "output_padding", spatial, 0, 0, more) ||
        !window_list(m, "output_shape", spatial, 0, 1, wanted) || !window_read(m, &s, kernel, &window))
        return;
    for (int i = 0; i < 2; i++) {
        int64_t n = s.rank == 3 && i == 0 ? 1 : s.dims[s.rank - 2 + i];
        int64_t full = window.stride[i] * (n - 1) + more[i] + (kernel[i] - 1) * window.dilation[i] + 1;
        if (s.rank == 3 && i == 0) wanted[i] = 0, full = 1;
        if (same && !wanted[i]) wanted[i] = n * window.stride[i];
        if (wanted[i]) { /* the sum of the padding follows from the size */
            int64_t total = full > wanted[i] ? full - wanted[i] : 0;
            bool upper = import_is(m, "auto_pad", "SAME_UPPER");
            window.before[i] = upper ? total / 2 : total - total / 2;
            window.after[i] = total - window.before[i];
        }
        size[i] = full - window.before[i] - window.after[i];
        int64_t reach = size[i] - more[i] + window.stride[i] - 1, whole = wanted[i] ? wanted[i] : size[i];
        if (size[i] > reach) size[i] = reach;
        rest[i] = whole - size[i]; /* beyond every window: zeros */
        if (size[i] < 1 || rest[i] < 0) {
            import_fail(m, "the padding leaves nothing of the output");
            return;
        }
    }
    soma_value y =
        soma_convolution_backward_data(planes(m, x), planes(m, w), window, import_int(m, "group", 1), size[0], size[1]);
    y = soma_pad(y, (const int64_t[4]){0, 0, 0, 0}, (const int64_t[4]){0, 0, rest[0], rest[1]}, 0);
    if (import_has(m, 2)) y = soma_add(y, by_channel(m, import_float(m, 2), 4));
    import_result(m, lines(m, y, s.rank));
}

/* ---- Pooling ----------------------------------------------------------------------------------------------------- */

static void pool(importer *m, soma_value (*build)(soma_value, soma_window)) {
    soma_value x = import_float(m, 0);
    soma_shape s = soma_value_shape(x);
    soma_window w;
    if (import_wants(m, 1)) {
        import_unsupported(m, "the output of indices");
        return;
    }
    if (!window_read(m, &s, NULL, &w)) return;
    w.ceil_mode = import_int(m, "ceil_mode", 0) != 0;
    w.count_padding = import_int(m, "count_include_pad", 0) != 0;
    import_result(m, lines(m, build(planes(m, x), w), s.rank));
}

static void build_max_pool(importer *m) { pool(m, soma_max_pool); }
static void build_average_pool(importer *m) { pool(m, soma_average_pool); }

static void global(importer *m, soma_value (*build)(soma_value, uint32_t, bool)) {
    soma_value x = import_float(m, 0);
    soma_shape s = soma_value_shape(x);
    if (m->failed) return;
    if (s.rank < 3) {
        import_fail(m, "expected an input of [N, C, …] with at least 3 dimensions");
        return;
    }
    import_result(m, build(x, ((1u << s.rank) - 1) & ~3u, true));
}

static void build_global_average(importer *m) {
    soma_value x = import_float(m, 0);
    if (soma_value_shape(x).rank == 4)
        import_result(m, soma_global_average_pool(x));
    else
        global(m, soma_reduce_mean);
}

static void build_global_max(importer *m) { global(m, soma_reduce_max); }

/* ---- Normalisation ----------------------------------------------------------------------------------------------- */

static void build_batch_norm(importer *m) {
    soma_value x = import_float(m, 0);
    int rank = soma_value_shape(x).rank;
    double epsilon = import_real(m, "epsilon", 1e-5);
    if (import_int(m, "training_mode", 0) || (m->file->opset < 7 && !import_int(m, "is_test", 0))) {
        import_unsupported(m, "training mode");
        return;
    }
    if (import_int(m, "spatial", 1) == 0) {
        import_unsupported(m, "spatial = 0");
        return;
    }
    soma_value weight = import_float(m, 1), bias = import_float(m, 2), mean = import_running(m, 3),
               var = import_running(m, 4);
    soma_value scale = soma_mul(weight, soma_rsqrt(soma_add(var, import_scalar(m, epsilon))));
    soma_value shift = soma_sub(bias, soma_mul(mean, scale)); /* one multiplication and one addition an element */
    import_result(m, soma_add(soma_mul(x, by_channel(m, scale, rank)), by_channel(m, shift, rank)));
}

/* (x - mean) / sqrt(variance + epsilon) over the axes. */
static soma_value normalise(importer *m, soma_value x, uint32_t axes, double epsilon, soma_value *mean,
                            soma_value *inverse) {
    *mean = soma_reduce_mean(x, axes, true);
    soma_value d = soma_sub(x, *mean);
    *inverse = soma_rsqrt(soma_add(soma_reduce_mean(soma_square(d), axes, true), import_scalar(m, epsilon)));
    return soma_mul(d, *inverse);
}

static void build_layer_norm(importer *m) {
    soma_value x = import_float(m, 0), mean, inverse;
    int rank = soma_value_shape(x).rank, axis = import_axis(m, import_int(m, "axis", -1), rank);
    if (m->failed) return;
    uint32_t axes = ((1u << rank) - 1) & ~((1u << axis) - 1);
    soma_value y =
        soma_mul(normalise(m, x, axes, import_real(m, "epsilon", 1e-5), &mean, &inverse), import_float(m, 1));
    if (import_has(m, 2)) y = soma_add(y, import_float(m, 2));
    import_result(m, y);
    if (import_wants(m, 1)) import_set(m, 1, mean, ONNX_FLOAT);
    if (import_wants(m, 2)) import_set(m, 2, inverse, ONNX_FLOAT);
}

static void build_instance_norm(importer *m) {
    soma_value x = import_float(m, 0), mean, inverse;
    int rank = soma_value_shape(x).rank;
    if (m->failed || rank < 3) {
        import_fail(m, "expected an input of [N, C, …] with at least 3 dimensions");
        return;
    }
    soma_value y = normalise(m, x, ((1u << rank) - 1) & ~3u, import_real(m, "epsilon", 1e-5), &mean, &inverse);
    y = soma_mul(y, by_channel(m, import_float(m, 1), rank));
    import_result(m, soma_add(y, by_channel(m, import_float(m, 2), rank)));
}

static void build_mvn(importer *m) {
    soma_value x = import_float(m, 0);
    int64_t list[SOMA_MAX_RANK] = {0, 2, 3};
    int rank = soma_value_shape(x).rank,
        count = import_attribute(m, "axes") ? import_ints(m, "axes", list, SOMA_MAX_RANK) : 3;
    uint32_t axes = count > 0 ? import_axes(m, list, count, rank) : 0;
    if (m->failed || !axes) return;
    soma_value d = soma_sub(x, soma_reduce_mean(x, axes, true));
    soma_value deviation = soma_sqrt(soma_reduce_mean(soma_square(d), axes, true));
    import_result(m, soma_div(d, soma_add(deviation, import_scalar(m, 1e-9))));
}

static void build_lrn(importer *m) {
    soma_value x = import_float(m, 0);
    if (!import_attribute(m, "size")) import_fail(m, "size is missing");
    if (!m->failed)
        import_result(m, soma_lrn(x, import_int(m, "size", 0), import_real(m, "alpha", 1e-4),
                                  import_real(m, "beta", 0.75), import_real(m, "bias", 1)));
}

const import_rule import_layers[] = {
    {"Conv", build_conv},
    {"ConvTranspose", build_conv_transpose},
    {"MaxPool", build_max_pool},
    {"AveragePool", build_average_pool},
    {"GlobalAveragePool", build_global_average},
    {"GlobalMaxPool", build_global_max},
    {"BatchNormalization", build_batch_norm},
    {"LayerNormalization", build_layer_norm},
    {"InstanceNormalization", build_instance_norm},
    {"MeanVarianceNormalization", build_mvn},
    {"LRN", build_lrn},
    {NULL, NULL},
};

#endif
