/* format/onnx_import_shape.c: rules for operators that move elements: Reshape, Transpose, Concat, Slice, Pad, Gather, …
 * Shapes and indices must be known while the model is read; a dimension that is a multiple of the batch may be among
 * them. */
#include "format/onnx_import.h"

#if defined(SOMA_HAVE_ONNX)

/* ---- Constants --------------------------------------------------------------------------------------------------- */

static void build_constant(importer *m) {
    const attribute *t = import_attribute(m, "value"), *f = import_attribute(m, "value_float"),
                    *list = import_attribute(m, "value_floats");
    if (t && t->t)
        import_set_blob(m, 0, t->t);
    else if (f && f->has_f)
        import_set(m, 0, import_scalar(m, (double)f->f), ONNX_FLOAT);
    else if (list)
        import_set(m, 0,
                   soma_constant(m->graph, soma_shape1((int64_t)list->floats_count),
                                 list->floats_count ? list->floats : &(float){0}),
                   ONNX_FLOAT);
    else
        import_unsupported(m, "a constant that is no dense tensor of numbers");
}

/* A shape from known integers. */
static bool known_shape(importer *m, const known *k, soma_shape *shape) {
    *shape = soma_shape0();
    if (!k) return false;
    if (k->count > SOMA_MAX_RANK) {
        import_unsupported(m, "a value with %zu dimensions", k->count);
        return false;
    }
    for (size_t i = 0; i < k->count; i++) {
        known_item item = k->items[i];
        if (item.value < 0 || item.batch < 0) {
            import_fail(m, "a dimension of its shape is negative");
            return false;
        }
        shape->dims[shape->rank++] = item.batch ? -item.batch : item.value;
    }
    return true;
}

static void build_constant_of_shape(importer *m) {
    const attribute *value = import_attribute(m, "value");
    double fill = 0;
    soma_shape shape;
    if (!known_shape(m, import_need_known(m, 0, "a shape"), &shape)) return;
    if (value && value->t) {
        if (blob_check(value->t, m->file->path, m->error)) {
            m->failed = true;
        } else if (value->t->elements != 1 || onnx_type_integer(value->t->type)) {
            import_unsupported(m, "a tensor of integers that large");
        } else {
            blob_doubles(value->t, &fill);
        }
    }
    if (!m->failed)
        import_set(m, 0, soma_expand(import_scalar(m, fill), shape), value && value->t ? value->t->type : ONNX_FLOAT);
}

/* ---- Shapes ------------------------------------------------------------------------------------------------------ */

/* The target of a Reshape: 0 keeps a dimension (unless allowzero), -1 takes what is left. */
static bool reshape_target(importer *m, const known *to, const soma_shape *from, soma_shape *shape) {
    int64_t rest = 1, total = dims_product(from, 0, from->rank);
    bool zero = import_int(m, "allowzero", 0) != 0;
    int open = -1;
    if (to->count > SOMA_MAX_RANK) {
        import_unsupported(m, "a value with %zu dimensions", to->count);
        return false;
    }
    shape->rank = (int32_t)to->count;
    for (int i = 0; i < shape->rank; i++) {
        known_item item = to->items[i];
        int64_t d = item.batch ? -item.batch : item.value;
        if (!item.batch && d == 0 && !zero) {
            if (i >= from->rank) {
                import_fail(m, "its shape keeps dimension %d, but the input has %d", i + 1, from->rank);
                return false;
            }
            d = from->dims[i];
        } else if (!item.batch && d < 0) {
            if (d != -1 || open >= 0) {
                import_fail(m, "its shape has more than one open dimension or a negative one");
                return false;
            }
            open = i;
            continue;
        }
        shape->dims[i] = d;
        if (__builtin_mul_overflow(rest, d, &rest)) rest = 0;
    }
    if (open < 0) return true;
    if (!rest || total % rest || (rest < 0 && total > 0)) {
        import_fail(m, "its shape does not divide its input's %lld elements", (long long)(total < 0 ? -total : total));
        return false;
    }
    shape->dims[open] = total / rest;
    return true;
}

static void build_reshape(importer *m) {
    soma_value x = import_value(m, 0);
    soma_shape from = soma_value_shape(x), shape = {0, {0}};
    known listed = {soma_shape0(), 0, NULL};
    known_item items[SOMA_MAX_RANK];
    const known *to;
    if (import_has(m, 1)) {
        to = import_need_known(m, 1, "a shape");
    } else {
        int64_t dims[SOMA_MAX_RANK];
        int count = import_ints(m, "shape", dims, SOMA_MAX_RANK);
        for (int i = 0; i < count; i++) items[i] = (known_item){dims[i], 0};
        listed.items = items;
        listed.count = count > 0 ? (size_t)count : 0;
        to = &listed;
    }
    if (!m->failed && to && reshape_target(m, to, &from, &shape))
        import_set(m, 0, import_reshape(m, x, shape.rank, shape.dims), import_type(m, 0));
}

static void build_flatten(importer *m) {
    soma_value x = import_value(m, 0);
    soma_shape s = soma_value_shape(x);
    int64_t given = import_int(m, "axis", 1);
    int axis = given == s.rank ? s.rank : import_axis(m, given, s.rank);
    if (m->failed) return;
    const int64_t dims[2] = {dims_product(&s, 0, axis), dims_product(&s, axis, s.rank)};
    import_set(m, 0, import_reshape(m, x, 2, dims), import_type(m, 0));
}

static void build_squeeze(importer *m) {
    soma_value x = import_value(m, 0);
    soma_shape s = soma_value_shape(x), out = {0, {0}};
    int64_t axes[SOMA_MAX_RANK];
    int count = import_list(m, 1, "axes", axes, SOMA_MAX_RANK);
    uint32_t set = count > 0 ? import_axes(m, axes, count, s.rank) : 0;
    if (m->failed || count < 0) return;
    for (int i = 0; i < s.rank; i++) {
        bool drop = count ? (set & SOMA_AXIS(i)) != 0 : s.dims[i] == 1;
        if (drop && s.dims[i] != 1) {
            import_fail(m, "dimension %d is squeezed but is not 1", i + 1);
            return;
        }
        if (!drop) out.dims[out.rank++] = s.dims[i];
    }
    import_set(m, 0, import_reshape(m, x, out.rank, out.dims), import_type(m, 0));
}

static void build_unsqueeze(importer *m) {
    soma_value x = import_value(m, 0);
    soma_shape s = soma_value_shape(x);
    int64_t axes[SOMA_MAX_RANK], dims[SOMA_MAX_RANK];
    int count = import_list(m, 1, "axes", axes, SOMA_MAX_RANK), from = 0, rank = s.rank + count;
    if (m->failed || count < 0) return;
    if (rank > SOMA_MAX_RANK) {
        import_unsupported(m, "a value with %d dimensions", rank);
        return;
    }
    uint32_t set = import_axes(m, axes, count, rank);
    for (int i = 0; i < rank && !m->failed; i++) {
        if (!(set & SOMA_AXIS(i)) && from == s.rank) {
            import_fail(m, "an axis stands twice in axes");
            return;
        }
        dims[i] = set & SOMA_AXIS(i) ? 1 : s.dims[from++];
    }
    if (!m->failed) import_set(m, 0, import_reshape(m, x, rank, dims), import_type(m, 0));
}

static void build_expand(importer *m) {
    soma_value x = import_value(m, 0);
    soma_shape s = soma_value_shape(x), to;
    if (!known_shape(m, import_need_known(m, 1, "a shape"), &to)) return;
    soma_shape out = {s.rank > to.rank ? s.rank : to.rank, {0}};
    for (int i = 0; i < out.rank; i++) { /* a 1 on either side gives way */
        int is = i - (out.rank - s.rank), it = i - (out.rank - to.rank);
        int64_t a = is < 0 ? 1 : s.dims[is], b = it < 0 ? 1 : to.dims[it];
        out.dims[i] = b == 1 ? a : b;
    }
    import_set(m, 0, soma_expand(x, out), import_type(m, 0));
}

/* Each dimension repeated: by concatenation, at most 64 times. */
static void build_tile(importer *m) {
    soma_value x = import_value(m, 0);
    int64_t repeats[SOMA_MAX_RANK];
    int count = import_integers(m, 1, "repeats", repeats, SOMA_MAX_RANK);
    if (m->failed || count != soma_value_shape(x).rank) {
        import_fail(m, "repeats must have a number for each dimension");
        return;
    }
    for (int i = 0; i < count; i++) {
        soma_value parts[64];
        if (repeats[i] < 1 || repeats[i] > 64) {
            import_unsupported(m, "%lld repeats", (long long)repeats[i]);
            return;
        }
        for (int k = 0; k < repeats[i]; k++) parts[k] = x;
        if (repeats[i] > 1) x = soma_concat(parts, (int)repeats[i], i);
    }
    import_set(m, 0, x, import_type(m, 0));
}

static void build_transpose(importer *m) {
    soma_value x = import_value(m, 0);
    int rank = soma_value_shape(x).rank, permutation[SOMA_MAX_RANK];
    int64_t perm[SOMA_MAX_RANK];
    int count = import_ints(m, "perm", perm, SOMA_MAX_RANK);
    uint32_t seen = 0;
    if (m->failed || rank < 0) return;
    for (int i = 0; i < rank; i++) {
        int axis = count == rank ? import_axis(m, perm[i], rank) : rank - 1 - i;
        if (axis < 0) return;
        permutation[i] = axis;
        seen |= SOMA_AXIS(axis);
    }
    if ((count && count != rank) || seen != (1u << rank) - 1)
        import_fail(m, "perm is no permutation of %d dimensions", rank);
    else
        import_set(m, 0, soma_transpose(x, permutation), import_type(m, 0));
}

static void build_concat(importer *m) {
    soma_value parts[64];
    size_t count = import_count(m);
    if (!count || count > COUNT_OF(parts)) {
        import_unsupported(m, "concatenating %zu values", count);
        return;
    }
    for (size_t i = 0; i < count; i++) parts[i] = import_value(m, i);
    if (m->failed) return;
    int axis = import_axis(m, import_int(m, "axis", m->file->opset < 4 ? 1 : 0), soma_value_shape(parts[0]).rank);
    if (axis >= 0) import_set(m, 0, soma_concat(parts, (int)count, axis), import_type(m, 0));
}

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

static int64_t clamp(int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; }

static void build_slice(importer *m) {
    soma_value x = import_value(m, 0);
    soma_shape s = soma_value_shape(x);
    int64_t starts[SOMA_MAX_RANK], ends[SOMA_MAX_RANK], axes[SOMA_MAX_RANK], steps[SOMA_MAX_RANK];
    int count = import_list(m, 1, "starts", starts, SOMA_MAX_RANK),
        stops = import_list(m, 2, "ends", ends, SOMA_MAX_RANK);
    int axes_count = import_list(m, 3, "axes", axes, SOMA_MAX_RANK);
    int steps_count = import_has(m, 4) ? import_integers(m, 4, "steps", steps, SOMA_MAX_RANK) : 0;
    if (m->failed) return;
    if (count != stops || (axes_count && axes_count != count) || (steps_count && steps_count != count) ||
        count > s.rank) {
        import_fail(m, "starts, ends, axes and steps don't have the same length");
        return;
    }
    for (int i = 0; i < count; i++) {
        int axis = import_axis(m, axes_count ? axes[i] : i, s.rank);
        int64_t step = steps_count ? steps[i] : 1, n = axis < 0 ? 0 : s.dims[axis];
        if (m->failed) return;
        if (n < 0) {
            if (starts[i] == 0 && ends[i] >= INT32_MAX && step == 1) continue; /* all of the batch */
            import_unsupported(m, "a slice of the batch");
            return;
        }
        if (step < 1) {
            import_unsupported(m, "a step of %lld", (long long)step);
            return;
        }
        int64_t start = clamp(starts[i] < 0 ? clamp(starts[i], -n, 0) + n : starts[i], 0, n);
        int64_t stop = clamp(ends[i] < 0 ? clamp(ends[i], -n, 0) + n : ends[i], start, n);
        x = soma_slice(x, axis, start, stop, step);
    }
    import_set(m, 0, x, import_type(m, 0));
}

static void build_split(importer *m) {
    soma_value x = import_value(m, 0);
    soma_shape s = soma_value_shape(x);
    int64_t sizes[256], at = 0;
    size_t outputs = import_outputs(m);
    int axis = import_axis(m, import_int(m, "axis", 0), s.rank), count = import_list(m, 1, "split", sizes, 256);
    if (m->failed) return;
    if (s.dims[axis] < 0 || !outputs || outputs > 256) {
        import_unsupported(m, "splitting the batch, or into no part or more than 256 parts,");
        return;
    }
    if (!count) {
        int64_t parts = (int64_t)outputs, each = (s.dims[axis] + parts - 1) / parts;
        for (int64_t i = 0; i < parts; i++) sizes[i] = clamp(s.dims[axis] - i * each, 0, each);
    } else if ((size_t)count != outputs) {
        import_fail(m, "split has %d numbers for %zu outputs", count, outputs);
        return;
    }
    for (size_t i = 0; i < outputs; i++) {
        if (sizes[i] < 0 || sizes[i] > s.dims[axis] - at) {
            import_fail(m, "split adds up to more than the dimension's %lld", (long long)s.dims[axis]);
            return;
        }
        import_set(m, i, soma_slice(x, axis, at, at + sizes[i], 1), import_type(m, 0));
        at += sizes[i];
    }
}

enum { PAD_LIMIT = 1 << 30 };

static void build_pad(importer *m) {
    soma_value x = import_float(m, 0);
    int rank = soma_value_shape(x).rank;
    int64_t given[2 * SOMA_MAX_RANK], before[SOMA_MAX_RANK] = {0}, after[SOMA_MAX_RANK] = {0},
                                      axes[SOMA_MAX_RANK] = {0};
    double value = import_real(m, "value", 0);
    const char *name = import_attribute(m, "paddings") ? "paddings" : "pads";
    int count = import_list(m, 1, name, given, 2 * SOMA_MAX_RANK), listed = rank;
    if (import_attribute(m, "mode") && !import_is(m, "mode", "constant")) import_unsupported(m, "this mode of padding");
    if (import_has(m, 2) && !import_number(m, 2, &value))
        import_unsupported(m, "a value that is computed while running");
    if (import_has(m, 3)) listed = import_integers(m, 3, "axes", axes, SOMA_MAX_RANK);
    if (m->failed) return;
    if (count != 2 * listed) {
        import_fail(m, "pads has %d numbers, expected %d", count, 2 * listed);
        return;
    }
    for (int i = 0; i < listed; i++) {
        int axis = import_has(m, 3) ? import_axis(m, axes[i], rank) : i;
        if (m->failed) return;
        if (given[i] < -PAD_LIMIT || given[i] > PAD_LIMIT || given[listed + i] < -PAD_LIMIT ||
            given[listed + i] > PAD_LIMIT) {
            import_fail(m, "pads holds a number that is no size");
            return;
        }
        before[axis] = given[i];
        after[axis] = given[listed + i];
        if (before[axis] < 0 || after[axis] < 0) {
            soma_shape s = soma_value_shape(x);
            if (s.dims[axis] < 0) {
                import_unsupported(m, "cutting the batch");
                return;
            }
            int64_t cut = before[axis] < 0 ? -before[axis] : 0, last = after[axis] < 0 ? after[axis] : 0;
            x = soma_slice(x, axis, cut, s.dims[axis] + last, 1);
            before[axis] = before[axis] < 0 ? 0 : before[axis];
            after[axis] = after[axis] < 0 ? 0 : after[axis];
        }
    }
    import_result(m, soma_pad(x, before, after, value));
}

static void build_gather(importer *m) {
    soma_value x = import_value(m, 0);
    int axis = import_axis(m, import_int(m, "axis", 0), soma_value_shape(x).rank);
    const known *at = import_known(m, 1);
    if (m->failed) return;
    if (soma_value_dtype(x) != SOMA_FLOAT) {
        import_unsupported(m, "gathering integers while running");
        return;
    }
    int64_t n = soma_value_shape(x).dims[axis];
    soma_value indices;
    if (at && n >= 0) { /* negative indices count from the end; here they can be resolved */
        int64_t *list = mem_array(m->context, at->count, sizeof *list);
        if (!list) import_no_memory(m);
        for (size_t i = 0; list && i < at->count; i++) {
            int64_t j = at->items[i].value;
            if (at->items[i].batch || j < -n || j >= n)
                import_fail(m, "index %lld is outside of %lld", (long long)j, (long long)n);
            list[i] = j < 0 ? j + n : j;
        }
        indices = list && !m->failed ? soma_constant_int64(m->graph, at->shape, list) : (soma_value){m->graph, 0, 0};
        mem_free(m->context, list);
    } else {
        indices = import_value(m, 1);
    }
    if (!m->failed) import_set(m, 0, soma_gather(x, indices, axis), import_type(m, 0));
}

static void build_one_hot(importer *m) {
    double depth = 0, axis = (double)import_int(m, "axis", -1);
    soma_value indices = import_value(m, 0), values = import_float(m, 2);
    if (m->failed) return;
    if (!import_number(m, 1, &depth) || !(depth >= 1 && depth <= 1e9) || axis != -1 ||
        soma_value_dtype(indices) != SOMA_INT64) {
        import_unsupported(
            m, "a depth that is computed while running, an axis but the last or indices that are no integers");
        return;
    }
    soma_value hot = soma_one_hot(indices, (int64_t)depth);
    soma_value off = soma_reshape(soma_slice(values, 0, 0, 1, 1), soma_shape0());
    soma_value on = soma_reshape(soma_slice(values, 0, 1, 2, 1), soma_shape0());
    import_result(m, soma_select(hot, on, off));
}

/* Blocks of channels become blocks of space and back: a reshape, a transpose, a reshape. */
static void build_depth_to_space(importer *m) {
    soma_value x = import_value(m, 0);
    soma_shape s = soma_value_shape(x);
    int64_t b = import_int(m, "blocksize", 0);
    bool crd = import_is(m, "mode", "CRD");
    if (m->failed) return;
    if (s.rank != 4 || b < 1 || b > 1024 || s.dims[1] < 0 || s.dims[1] % (b * b)) {
        import_fail(m, "expected [N, C, H, W] with channels that blocksize² divides");
        return;
    }
    int64_t c = s.dims[1] / (b * b);
    const int64_t dcr[6] = {s.dims[0], b, b, c, s.dims[2], s.dims[3]},
                  col[6] = {s.dims[0], c, b, b, s.dims[2], s.dims[3]};
    const int dcr_order[6] = {0, 3, 4, 1, 5, 2}, crd_order[6] = {0, 1, 4, 2, 5, 3};
    soma_value y = soma_transpose(import_reshape(m, x, 6, crd ? col : dcr), crd ? crd_order : dcr_order);
    import_set(m, 0, soma_reshape(y, soma_shape4(s.dims[0], c, s.dims[2] * b, s.dims[3] * b)), import_type(m, 0));
}

static void build_space_to_depth(importer *m) {
    soma_value x = import_value(m, 0);
    soma_shape s = soma_value_shape(x);
    int64_t b = import_int(m, "blocksize", 0);
    const int order[6] = {0, 3, 5, 1, 2, 4};
    if (m->failed) return;
    if (s.rank != 4 || b < 1 || b > 1024 || s.dims[1] < 0 || s.dims[2] < 0 || s.dims[3] < 0 || s.dims[2] % b ||
        s.dims[3] % b) {
        import_fail(m, "expected [N, C, H, W] with height and width that blocksize divides");
        return;
    }
    const int64_t dims[6] = {s.dims[0], s.dims[1], s.dims[2] / b, b, s.dims[3] / b, b};
    soma_value y = soma_transpose(import_reshape(m, x, 6, dims), order);
    import_set(m, 0, soma_reshape(y, soma_shape4(s.dims[0], s.dims[1] * b * b, s.dims[2] / b, s.dims[3] / b)),
               import_type(m, 0));
}

const import_rule import_shape[] = {
    {"Constant", build_constant},
    {"ConstantOfShape", build_constant_of_shape},
    {"Reshape", build_reshape},
    {"Flatten", build_flatten},
    {"Squeeze", build_squeeze},
    {"Unsqueeze", build_unsqueeze},
    {"Expand", build_expand},
    {"Tile", build_tile},
    {"Transpose", build_transpose},
    {"Concat", build_concat},
    {"Slice", build_slice},
    {"Split", build_split},
    {"Pad", build_pad},
    {"Gather", build_gather},
    {"OneHot", build_one_hot},
    {"DepthToSpace", build_depth_to_space},
    {"SpaceToDepth", build_space_to_depth},
    {NULL, NULL},
};

#endif
