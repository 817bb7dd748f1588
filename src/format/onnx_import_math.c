/* format/onnx_import_math.c: rules for element-wise operators, reductions and products of ONNX. Operators whose meaning
 * is exactly an op of soma need no rule: they are found by the descriptor's `onnx` name (onnx_read.c). Truth values are
 * floats 0 and 1, so that logic is arithmetic. */
#include "format/onnx_import.h"

#if defined(SOMA_HAVE_ONNX)

/* ---- Activations with settings ----------------------------------------------------------------------------------- */

static void build_leaky_relu(importer *m) {
    import_result(m, soma_leaky_relu(import_float(m, 0), import_real(m, "alpha", 0.01)));
}

static void build_elu(importer *m) { import_result(m, soma_elu(import_float(m, 0), import_real(m, "alpha", 1))); }

/* gamma * (x > 0 ? x : alpha (exp(x) - 1)) */
static void build_selu(importer *m) {
    double alpha = import_real(m, "alpha", 1.67326319217681884765625),
           gamma = import_real(m, "gamma", 1.05070102214813232421875);
    import_result(m, soma_mul(import_scalar(m, gamma), soma_elu(import_float(m, 0), alpha)));
}

/* max(0, x) + min(0, alpha (exp(x / alpha) - 1)) */
static void build_celu(importer *m) {
    double alpha = import_real(m, "alpha", 1);
    soma_value x = import_float(m, 0), a = import_scalar(m, alpha);
    import_result(m, soma_mul(a, soma_elu(soma_div(x, a), 1)));
}

static void build_prelu(importer *m) {
    soma_value x = import_float(m, 0), slope = import_float(m, 1), zero = import_scalar(m, 0);
    soma_shape s = soma_value_shape(x), t = soma_value_shape(slope);
    if (s.rank > 1 && t.rank == 1 && t.dims[0] != 1 && import_attribute(m, "consumed_inputs") == NULL &&
        m->file->opset < 7) {
        int64_t dims[SOMA_MAX_RANK];
        for (int i = 0; i < s.rank - 1; i++) dims[i] = i ? 1 : t.dims[0];
        slope = import_reshape(m, slope, s.rank - 1, dims);
    }
    import_result(m, soma_add(soma_max2(x, zero), soma_mul(slope, soma_min2(x, zero))));
}

static soma_value hard_sigmoid(importer *m, soma_value x, double alpha, double beta) {
    return soma_clip(soma_add(soma_mul(x, import_scalar(m, alpha)), import_scalar(m, beta)), 0, 1);
}

static void build_hard_sigmoid(importer *m) {
    double alpha = import_real(m, "alpha", 0.2), beta = import_real(m, "beta", 0.5);
    soma_value x = import_float(m, 0);
    bool own = (float)alpha == 1.0f / 6 && beta == 0.5;
    import_result(m, own ? soma_hard_sigmoid(x) : hard_sigmoid(m, x, alpha, beta));
}

static void build_hard_swish(importer *m) {
    soma_value x = import_float(m, 0);
    import_result(m, soma_mul(x, soma_hard_sigmoid(x)));
}

static void build_mish(importer *m) {
    soma_value x = import_float(m, 0);
    import_result(m, soma_mul(x, soma_tanh(soma_softplus(x))));
}

static void build_gelu(importer *m) {
    if (import_attribute(m, "approximate") && !import_is(m, "approximate", "none"))
        import_unsupported(m, "the approximation by tanh");
    else
        import_result(m, soma_gelu(import_float(m, 0)));
}

static void build_thresholded_relu(importer *m) {
    soma_value x = import_float(m, 0);
    import_result(m, soma_mul(x, soma_greater(x, import_scalar(m, import_real(m, "alpha", 1)))));
}

static void build_shrink(importer *m) {
    soma_value x = import_float(m, 0), bias = import_scalar(m, import_real(m, "bias", 0));
    double lambda = import_real(m, "lambd", 0.5);
    soma_value low = soma_less(x, import_scalar(m, -lambda)), high = soma_greater(x, import_scalar(m, lambda));
    soma_value zero = import_scalar(m, 0);
    import_result(m, soma_select(low, soma_add(x, bias), soma_select(high, soma_sub(x, bias), zero)));
}

static void build_softsign(importer *m) {
    soma_value x = import_float(m, 0);
    import_result(m, soma_div(x, soma_add(import_scalar(m, 1), soma_abs(x))));
}

static void build_clip(importer *m) {
    double low = import_real(m, "min", -(double)__FLT_MAX__), high = import_real(m, "max", (double)__FLT_MAX__);
    bool bounded = import_attribute(m, "min") || import_attribute(m, "max") || import_count(m) > 1;
    if (import_has(m, 1) && !import_number(m, 1, &low)) {
        import_unsupported(m, "a bound that is computed while running");
        return;
    }
    if (import_has(m, 2) && !import_number(m, 2, &high)) {
        import_unsupported(m, "a bound that is computed while running");
        return;
    }
    soma_value x = import_float(m, 0);
    import_result(m, bounded ? soma_clip(x, low, high) : x);
}

/* ---- Arithmetic -------------------------------------------------------------------------------------------------- */

/* Before opset 7 the second operand's place was named by `axis`. */
static soma_value second_operand(importer *m, soma_value a) {
    const attribute *axis = import_attribute(m, "axis");
    soma_value b = import_float(m, 1);
    soma_shape s = soma_value_shape(a), t = soma_value_shape(b);
    if (!axis || m->failed) return b;
    int at = import_axis(m, axis->i, s.rank);
    if (at < 0 || at + t.rank > s.rank) return b;
    for (int i = t.rank; i < s.rank - at; i++) t.dims[i] = 1;
    return import_reshape(m, b, s.rank - at, t.dims);
}

static void arithmetic(importer *m, soma_value (*build)(soma_value, soma_value)) {
    soma_value a = import_float(m, 0);
    import_result(m, build(a, second_operand(m, a)));
}

static void truth(importer *m, soma_value v) { import_set(m, 0, v, ONNX_BOOL); }

static void comparison(importer *m, soma_value (*build)(soma_value, soma_value)) {
    soma_value a = import_float(m, 0);
    truth(m, build(a, second_operand(m, a)));
}

static soma_value not_equal(soma_value a, soma_value b) { return soma_sub(soma_scalar(a.graph, 1), soma_equal(a, b)); }

static void build_add(importer *m) { arithmetic(m, soma_add); }
static void build_sub(importer *m) { arithmetic(m, soma_sub); }
static void build_mul(importer *m) { arithmetic(m, soma_mul); }
static void build_div(importer *m) { arithmetic(m, soma_div); }
static void build_pow(importer *m) {
    double exponent;
    soma_value x = import_float(m, 0);
    if (import_number(m, 1, &exponent) && exponent == 2)
        import_result(m, soma_square(x));
    else if (import_number(m, 1, &exponent))
        import_result(m, soma_pow(x, import_scalar(m, exponent)));
    else
        arithmetic(m, soma_pow);
}
/* Integers [.., 1] == 0, 1, … is a one-hot, the form in which soma writes it. */
static bool one_hot_of_equal(importer *m) {
    const known *k = import_known(m, 1);
    if (!k || k->shape.rank != 1 || !onnx_type_integer(import_type(m, 0))) return false;
    for (size_t i = 0; i < k->count; i++)
        if (k->items[i].batch || k->items[i].value != (int64_t)i) return false;
    soma_value x = import_value(m, 0);
    soma_shape s = soma_value_shape(x);
    if (m->failed || !s.rank || s.dims[s.rank - 1] != 1) return false;
    truth(m, soma_one_hot(import_reshape(m, x, s.rank - 1, s.dims), (int64_t)k->count));
    return true;
}

static void build_equal(importer *m) {
    if (!one_hot_of_equal(m)) comparison(m, soma_equal);
}
static void build_less(importer *m) { comparison(m, soma_less); }
static void build_less_equal(importer *m) { comparison(m, soma_less_equal); }
static void build_greater(importer *m) { comparison(m, soma_greater); }
static void build_greater_equal(importer *m) { comparison(m, soma_greater_equal); }
static void build_and(importer *m) { comparison(m, soma_mul); }
static void build_or(importer *m) { comparison(m, soma_max2); }
static void build_xor(importer *m) { comparison(m, not_equal); }
static void build_not(importer *m) { truth(m, soma_sub(import_scalar(m, 1), import_float(m, 0))); }
static void build_is_nan(importer *m) { truth(m, soma_is_nan(import_float(m, 0))); }

static void build_is_inf(importer *m) {
    soma_value x = import_float(m, 0), big = import_scalar(m, (double)__builtin_inff());
    bool above = import_int(m, "detect_positive", 1), below = import_int(m, "detect_negative", 1);
    if (above && below)
        truth(m, soma_equal(soma_abs(x), big));
    else
        truth(m,
              soma_equal(above ? x : soma_neg(x), above || below ? big : import_scalar(m, (double)__builtin_nanf(""))));
}

static void build_where(importer *m) {
    soma_value c = import_float(m, 0);
    soma_value a = import_float(m, 1);
    soma_value b = import_float(m, 2);
    import_set(m, 0, soma_select(c, a, b), import_type(m, 1));
}

static void fold(importer *m, soma_value (*build)(soma_value, soma_value), bool mean) {
    soma_value sum = import_float(m, 0);
    size_t count = import_count(m);
    for (size_t i = 1; i < count && !m->failed; i++) sum = build(sum, import_float(m, i));
    if (mean && count > 1) sum = soma_div(sum, import_scalar(m, (double)count));
    import_result(m, sum);
}

static void build_max(importer *m) { fold(m, soma_max2, false); }
static void build_min(importer *m) { fold(m, soma_min2, false); }
static void build_sum(importer *m) { fold(m, soma_add, false); }
static void build_mean(importer *m) { fold(m, soma_add, true); }

static void build_cast(importer *m) {
    int from = import_type(m, 0), to = (int)import_int(m, "to", 0);
    soma_value x = import_value(m, 0);
    bool whole = onnx_type_integer(from);
    if (m->failed) return;
    if (to == ONNX_BFLOAT16 && from != to)
        import_unsupported(m, "rounding to bfloat16");
    else if ((whole && onnx_type_integer(to)) || (!whole && onnx_type_real(to)) ||
             (from == ONNX_BOOL && to == ONNX_BOOL))
        import_set(m, 0, x, to);
    else if (to == ONNX_BOOL && !whole)
        import_set(m, 0, not_equal(x, import_scalar(m, 0)), to);
    else
        import_unsupported(m, "a cast from %s to %s while running", onnx_type_name(from), onnx_type_name(to));
}

static void build_cast_like(importer *m) {
    int from = import_type(m, 0), to = import_type(m, 1);
    if (onnx_type_real(from) && onnx_type_real(to) && to != ONNX_BFLOAT16)
        import_set(m, 0, import_value(m, 0), to);
    else
        import_unsupported(m, "a cast from %s to %s while running", onnx_type_name(from), onnx_type_name(to));
}

static void build_identity(importer *m) { import_set(m, 0, import_value(m, 0), import_type(m, 0)); }

/* Dropout is the identity outside of training; its mask is all ones then. */
static void build_dropout(importer *m) {
    double training = 0, ratio = 0.5;
    if (import_has(m, 2) && !import_number(m, 2, &training)) training = 1;
    if (import_has(m, 1) && !import_number(m, 1, &ratio)) ratio = 0.5;
    if (m->failed) return;
    if (training != 0 && ratio != 0) {
        import_unsupported(m, "dropout in training");
        return;
    }
    soma_value x = import_value(m, 0);
    import_set(m, 0, x, import_type(m, 0));
    if (import_wants(m, 1)) import_set(m, 1, soma_expand(import_scalar(m, 1), soma_value_shape(x)), ONNX_BOOL);
}

/* ---- Reductions -------------------------------------------------------------------------------------------------- */

typedef soma_value reducer(soma_value x, uint32_t axes, bool keep);

/* The axes of a reduction; false when there is nothing to reduce or on a failure. */
static bool reduction(importer *m, soma_value x, uint32_t *axes, bool *keep) {
    int64_t list[SOMA_MAX_RANK];
    int rank = soma_value_shape(x).rank, count = import_list(m, 1, "axes", list, SOMA_MAX_RANK);
    *keep = import_int(m, "keepdims", 1) != 0;
    *axes = count > 0 ? import_axes(m, list, count, rank) : (uint32_t)((1u << rank) - 1);
    return !m->failed && count >= 0 && !(count == 0 && import_int(m, "noop_with_empty_axes", 0)) && *axes;
}

static void reduce(importer *m, reducer *build, soma_value (*before)(soma_value), soma_value (*after)(soma_value)) {
    soma_value x = import_float(m, 0);
    uint32_t axes;
    bool keep, any = reduction(m, x, &axes, &keep);
    if (m->failed) return;
    if (before) x = before(x);
    if (any) x = build(x, axes, keep);
    import_result(m, after ? after(x) : x);
}

static void build_reduce_sum(importer *m) { reduce(m, soma_reduce_sum, NULL, NULL); }
static void build_reduce_mean(importer *m) { reduce(m, soma_reduce_mean, NULL, NULL); }
static void build_reduce_max(importer *m) { reduce(m, soma_reduce_max, NULL, NULL); }
static void build_reduce_min(importer *m) { reduce(m, soma_reduce_min, NULL, NULL); }
static void build_reduce_l1(importer *m) { reduce(m, soma_reduce_sum, soma_abs, NULL); }
static void build_reduce_l2(importer *m) { reduce(m, soma_reduce_sum, soma_square, soma_sqrt); }
static void build_reduce_square(importer *m) { reduce(m, soma_reduce_sum, soma_square, NULL); }
static void build_reduce_log(importer *m) { reduce(m, soma_reduce_sum, NULL, soma_log); }

/* log sum exp(x), shifted by the maximum so that nothing overflows. */
static void build_reduce_log_sum_exp(importer *m) {
    soma_value x = import_float(m, 0);
    uint32_t axes;
    bool keep;
    if (!reduction(m, x, &axes, &keep)) {
        import_result(m, x);
        return;
    }
    soma_value top = soma_reduce_max(x, axes, true);
    soma_value sum = soma_log(soma_reduce_sum(soma_exp(soma_sub(x, top)), axes, keep));
    import_result(m, soma_add(sum, keep ? top : soma_reshape(top, soma_value_shape(sum))));
}

static void build_argmax(importer *m) {
    soma_value x = import_float(m, 0);
    int axis = import_axis(m, import_int(m, "axis", 0), soma_value_shape(x).rank);
    if (import_int(m, "select_last_index", 0)) import_unsupported(m, "select_last_index");
    if (!m->failed) import_set(m, 0, soma_argmax(x, axis, import_int(m, "keepdims", 1) != 0), ONNX_INT64);
}

static void build_argmin(importer *m) {
    soma_value x = import_float(m, 0);
    int axis = import_axis(m, import_int(m, "axis", 0), soma_value_shape(x).rank);
    if (import_int(m, "select_last_index", 0)) import_unsupported(m, "select_last_index");
    if (!m->failed) import_set(m, 0, soma_argmax(soma_neg(x), axis, import_int(m, "keepdims", 1) != 0), ONNX_INT64);
}

/* ---- Softmax ----------------------------------------------------------------------------------------------------- */

/* Before opset 13 everything from the axis on was one dimension. */
static void soft(importer *m, soma_value (*build)(soma_value, int)) {
    bool old = m->file->opset < 13;
    soma_value x = import_float(m, 0);
    soma_shape s = soma_value_shape(x);
    int64_t given = import_int(m, "axis", old ? 1 : -1);
    if (m->failed) return;
    if (old && given == s.rank) {
        import_unsupported(m, "an axis behind the last dimension");
        return;
    }
    int axis = import_axis(m, given, s.rank);
    if (axis < 0) return;
    if (!old || axis == s.rank - 1) {
        import_result(m, build(x, axis));
        return;
    }
    int64_t dims[SOMA_MAX_RANK];
    memcpy(dims, s.dims, sizeof dims);
    dims[axis] = dims_product(&s, axis, s.rank);
    import_result(m, soma_reshape(build(import_reshape(m, x, axis + 1, dims), axis), s));
}

static void build_softmax(importer *m) { soft(m, soma_softmax); }
static void build_log_softmax(importer *m) { soft(m, soma_log_softmax); }

/* ---- Products ---------------------------------------------------------------------------------------------------- */

static void build_matmul(importer *m) {
    soma_value a = import_float(m, 0), b = import_float(m, 1);
    soma_shape s = soma_value_shape(a), t = soma_value_shape(b);
    if (m->failed || !s.rank || !t.rank) {
        import_fail(m, "its operands need a dimension");
        return;
    }
    if (s.rank == 1) a = soma_reshape(a, soma_shape2(1, s.dims[0]));
    if (t.rank == 1) b = soma_reshape(b, soma_shape2(t.dims[0], 1));
    soma_value y = soma_matmul(a, b);
    soma_shape out = soma_value_shape(y);
    if (out.rank >= 2 && t.rank == 1) out.rank--;
    if (out.rank >= 1 && s.rank == 1) {
        if (t.rank != 1) out.dims[out.rank - 2] = out.dims[out.rank - 1];
        out.rank--;
    }
    import_result(m, s.rank == 1 || t.rank == 1 ? soma_reshape(y, out) : y);
}

static void build_gemm(importer *m) {
    soma_value y = soma_gemm(import_float(m, 0), import_float(m, 1), import_int(m, "transA", 0) != 0,
                             import_int(m, "transB", 0) != 0);
    double alpha = import_real(m, "alpha", 1), beta = import_real(m, "beta", 1);
    if (alpha != 1) y = soma_mul(y, import_scalar(m, alpha));
    if (import_has(m, 2) && beta != 0) {
        soma_value c = import_float(m, 2);
        y = soma_add(y, beta != 1 ? soma_mul(c, import_scalar(m, beta)) : c);
    }
    import_result(m, y);
}

const import_rule import_math[] = {
    {"LeakyRelu", build_leaky_relu},
    {"Elu", build_elu},
    {"Selu", build_selu},
    {"Celu", build_celu},
    {"PRelu", build_prelu},
    {"HardSigmoid", build_hard_sigmoid},
    {"HardSwish", build_hard_swish},
    {"Mish", build_mish},
    {"Gelu", build_gelu},
    {"ThresholdedRelu", build_thresholded_relu},
    {"Shrink", build_shrink},
    {"Softsign", build_softsign},
    {"Clip", build_clip},
    {"Add", build_add},
    {"Sub", build_sub},
    {"Mul", build_mul},
    {"Div", build_div},
    {"Pow", build_pow},
    {"Equal", build_equal},
    {"Less", build_less},
    {"LessOrEqual", build_less_equal},
    {"Greater", build_greater},
    {"GreaterOrEqual", build_greater_equal},
    {"And", build_and},
    {"Or", build_or},
    {"Xor", build_xor},
    {"Not", build_not},
    {"IsNaN", build_is_nan},
    {"IsInf", build_is_inf},
    {"Where", build_where},
    {"Max", build_max},
    {"Min", build_min},
    {"Sum", build_sum},
    {"Mean", build_mean},
    {"Cast", build_cast},
    {"CastLike", build_cast_like},
    {"Identity", build_identity},
    {"Dropout", build_dropout},
    {"ReduceSum", build_reduce_sum},
    {"ReduceMean", build_reduce_mean},
    {"ReduceMax", build_reduce_max},
    {"ReduceMin", build_reduce_min},
    {"ReduceL1", build_reduce_l1},
    {"ReduceL2", build_reduce_l2},
    {"ReduceSumSquare", build_reduce_square},
    {"ReduceLogSum", build_reduce_log},
    {"ReduceLogSumExp", build_reduce_log_sum_exp},
    {"ArgMax", build_argmax},
    {"ArgMin", build_argmin},
    {"Softmax", build_softmax},
    {"LogSoftmax", build_log_softmax},
    {"MatMul", build_matmul},
    {"Gemm", build_gemm},
    {NULL, NULL},
};

#endif
