/* format/onnx_known.c: integer arithmetic over what is known while a model is read. Exporters write shapes as little
 * programs (Shape, Gather, Unsqueeze, Concat, Mul …) whose result is the input of a Reshape, Expand or Slice. Here they
 * are computed at once, the batch carried along as a symbol: each integer is a number or a multiple of the batch. What
 * can't be computed here (inputs not known, a sum of the two kinds) goes to the ordinary rules. */
#include "format/onnx_import.h"

#if defined(SOMA_HAVE_ONNX)

typedef struct evaluator {
    const char *op;
    bool (*run)(importer *);
} evaluator;

static bool same_items(importer *m, const known *x, soma_shape shape, int type) {
    known *k = known_make(m, shape);
    if (!k) return true;
    memcpy(k->items, x->items, x->count * sizeof *x->items);
    import_set_known(m, 0, k, type);
    return true;
}

/* ---- Sources ----------------------------------------------------------------------------------------------------- */

static known_item item_of_dim(int64_t dim) { return dim < 0 ? (known_item){0, -dim} : (known_item){dim, 0}; }

static bool run_shape(importer *m) {
    const known *x = import_known(m, 0);
    soma_shape s = x ? x->shape : soma_value_shape(import_value(m, 0));
    if (m->failed) return true;
    int64_t rank = s.rank, start = import_int(m, "start", 0), end = import_int(m, "end", rank);
    start = start < 0 ? (start + rank > 0 ? start + rank : 0) : start < rank ? start : rank;
    end = end < 0 ? (end + rank > 0 ? end + rank : 0) : end < rank ? end : rank;
    known *k = known_make(m, soma_shape1(end > start ? end - start : 0));
    if (!k) return true;
    for (size_t i = 0; i < k->count; i++) k->items[i] = item_of_dim(s.dims[start + (int64_t)i]);
    import_set_known(m, 0, k, ONNX_INT64);
    return true;
}

static bool run_size(importer *m) {
    soma_shape s = soma_value_shape(import_value(m, 0));
    known *k = known_make(m, soma_shape0());
    if (!k) return true;
    k->items[0] = item_of_dim(dims_product(&s, 0, s.rank));
    import_set_known(m, 0, k, ONNX_INT64);
    return true;
}

static bool run_constant(importer *m) {
    const attribute *a = import_attribute(m, "value_int"), *list = import_attribute(m, "value_ints");
    if (!a && !list) return false;
    known *k = known_make(m, list ? soma_shape1((int64_t)list->ints_count) : soma_shape0());
    for (size_t i = 0; k && i < k->count; i++) k->items[i] = (known_item){list ? list->ints[i] : a->i, 0};
    import_set_known(m, 0, k, ONNX_INT64);
    return true;
}

static bool run_constant_of_shape(importer *m) {
    const known *x = import_known(m, 0);
    const attribute *value = import_attribute(m, "value");
    soma_shape shape = {0, {0}};
    int64_t fill = 0;
    if (!x || !value || !value->t || !onnx_type_integer(value->t->type) || x->count > SOMA_MAX_RANK) return false;
    if (blob_check(value->t, m->file->path, m->error) || value->t->elements != 1) return false;
    blob_integers(value->t, &fill);
    for (size_t i = 0; i < x->count; i++) {
        if (x->items[i].batch || x->items[i].value < 0) return false;
        shape.dims[shape.rank++] = x->items[i].value;
    }
    int64_t count = shape_elements(&shape, 1);
    if (count < 0 || count > 1024) return false;
    known *k = known_make(m, shape);
    for (size_t i = 0; k && i < k->count; i++) k->items[i] = (known_item){fill, 0};
    import_set_known(m, 0, k, value->t->type);
    return true;
}

static bool run_range(importer *m) {
    const known *x[3] = {import_known(m, 0), import_known(m, 1), import_known(m, 2)};
    for (int i = 0; i < 3; i++)
        if (!x[i] || x[i]->count != 1 || x[i]->items[0].batch) return false;
    int64_t start = x[0]->items[0].value, stop = x[1]->items[0].value, step = x[2]->items[0].value, length, count = 0;
    if (!step || __builtin_sub_overflow(stop, start, &length) || step == INT64_MIN || length == INT64_MIN) return false;
    if ((length > 0) == (step > 0) && length)
        count = (length > 0 ? length - 1 : -length - 1) / (step > 0 ? step : -step) + 1;
    known *k = known_make(m, soma_shape1(count));
    for (size_t i = 0; k && i < k->count; i++) k->items[i] = (known_item){start + (int64_t)i * step, 0};
    import_set_known(m, 0, k, import_type(m, 0));
    return true;
}

/* ---- Moving ------------------------------------------------------------------------------------------------------ */

static bool run_same(importer *m) {
    const known *x = import_known(m, 0);
    return x && same_items(m, x, x->shape, import_type(m, 0));
}

static bool run_cast(importer *m) {
    const known *x = import_known(m, 0);
    int to = (int)import_int(m, "to", 0);
    if (!x || (!onnx_type_integer(to) && to != ONNX_BOOL && !onnx_type_real(to))) return false;
    known *k = known_make(m, x->shape);
    for (size_t i = 0; k && i < k->count; i++) {
        k->items[i] = x->items[i];
        if (to == ONNX_BOOL) {
            if (x->items[i].batch) return false;
            k->items[i].value = x->items[i].value != 0;
        }
    }
    import_set_known(m, 0, k, to);
    return true;
}

static bool run_reshape(importer *m) {
    const known *x = import_known(m, 0), *to = import_known(m, 1);
    soma_shape shape = {0, {0}};
    int64_t rest = 1;
    int open = -1;
    if (!x || !to || to->count > SOMA_MAX_RANK) return false;
    for (size_t i = 0; i < to->count; i++) {
        int64_t d = to->items[i].value;
        if (to->items[i].batch || d < -1) return false;
        if (d == 0) d = (int)i < x->shape.rank ? x->shape.dims[i] : 0;
        if (d == -1)
            open = (int)i;
        else if (__builtin_mul_overflow(rest, d, &rest))
            return false;
        shape.dims[shape.rank++] = d;
    }
    if (open >= 0) shape.dims[open] = rest ? (int64_t)x->count / rest : 0;
    if (shape_elements(&shape, 1) != (int64_t)x->count) return false;
    return same_items(m, x, shape, import_type(m, 0));
}

static bool run_unsqueeze(importer *m) {
    const known *x = import_known(m, 0);
    int64_t axes[SOMA_MAX_RANK];
    int count = x ? import_list(m, 1, "axes", axes, SOMA_MAX_RANK) : 0, from = 0;
    if (!x || count < 0 || x->shape.rank + count > SOMA_MAX_RANK) return false;
    soma_shape shape = {x->shape.rank + count, {0}};
    uint32_t set = import_axes(m, axes, count, shape.rank);
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = set & SOMA_AXIS(i) ? 1 : from < x->shape.rank ? x->shape.dims[from++] : 1;
    return same_items(m, x, shape, import_type(m, 0));
}

static bool run_squeeze(importer *m) {
    const known *x = import_known(m, 0);
    int64_t axes[SOMA_MAX_RANK];
    int count = x ? import_list(m, 1, "axes", axes, SOMA_MAX_RANK) : 0;
    if (!x || count < 0) return false;
    soma_shape shape = {0, {0}};
    uint32_t set = import_axes(m, axes, count, x->shape.rank);
    for (int i = 0; i < x->shape.rank; i++)
        if (x->shape.dims[i] != 1 || (count && !(set & SOMA_AXIS(i)))) shape.dims[shape.rank++] = x->shape.dims[i];
    return shape_elements(&shape, 1) == (int64_t)x->count && same_items(m, x, shape, import_type(m, 0));
}

/* Of lists only: shapes have one dimension. */
static bool run_concat(importer *m) {
    size_t total = 0, at = 0, count = import_count(m);
    if (!count) return false;
    for (size_t i = 0; i < count; i++) {
        const known *x = import_known(m, i);
        if (!x || x->shape.rank != 1) return false;
        total += x->count;
    }
    known *k = known_make(m, soma_shape1((int64_t)total));
    for (size_t i = 0; k && i < count; i++) {
        const known *x = import_known(m, i);
        memcpy(k->items + at, x->items, x->count * sizeof *x->items);
        at += x->count;
    }
    import_set_known(m, 0, k, import_type(m, 0));
    return true;
}

/* The elements of a slice of n: its first one and their number. */
static int64_t slice_length(int64_t n, int64_t *start, int64_t stop, int64_t step) {
    if (*start < 0) *start = *start < -n ? 0 : *start + n;
    if (stop < 0) stop = stop < -n ? -1 : stop + n;
    if (step > 0) {
        if (*start > n) *start = n;
        if (stop > n) stop = n;
        if (stop < 0) stop = 0;
    } else {
        if (*start > n - 1) *start = n - 1;
        if (stop > n) stop = n;
    }
    int64_t length = step > 0 ? stop - *start : *start - stop;
    return length > 0 ? (length - 1) / (step > 0 ? step : -step) + 1 : 0;
}

/* One axis, which a step of -1 turns round: that is how PyTorch writes the padding of open shapes. */
static bool run_slice(importer *m) {
    const known *x = import_known(m, 0);
    int64_t start, stop, step = 1, axis = 0;
    if (!x || x->shape.rank < 1) return false;
    if (import_list(m, 1, "starts", &start, 1) != 1 || import_list(m, 2, "ends", &stop, 1) != 1) return false;
    import_list(m, 3, "axes", &axis, 1);
    if (import_has(m, 4) && import_integers(m, 4, "steps", &step, 1) != 1) return false;
    soma_shape shape = x->shape;
    if (axis < 0) axis += shape.rank;
    if (step == 0 || step == INT64_MIN || axis < 0 || axis >= shape.rank) return false;
    int64_t n = shape.dims[axis], inner = 1, outer = 1;
    for (int d = 0; d < shape.rank; d++) {
        if (d < axis) outer *= shape.dims[d];
        if (d > axis) inner *= shape.dims[d];
    }
    shape.dims[axis] = slice_length(n, &start, stop, step);
    known *k = known_make(m, shape);
    known_item *to = k ? k->items : NULL;
    for (int64_t o = 0; k && inner > 0 && o < outer; o++)
        for (int64_t row = 0; row < shape.dims[axis]; row++, to += inner)
            memcpy(to, x->items + (o * n + start + row * step) * inner, (size_t)inner * sizeof *to);
    import_set_known(m, 0, k, import_type(m, 0));
    return true;
}

static bool run_transpose(importer *m) {
    const known *x = import_known(m, 0);
    int64_t perm[2] = {1, 0};
    if (!x || x->shape.rank != 2) return false;
    if (import_attribute(m, "perm") && import_ints(m, "perm", perm, 2) != 2) return false;
    if (perm[0] == 0 && perm[1] == 1) return same_items(m, x, x->shape, import_type(m, 0));
    if (perm[0] != 1 || perm[1] != 0) return false;
    int64_t rows = x->shape.dims[0], columns = x->shape.dims[1];
    known *k = known_make(m, soma_shape2(columns, rows));
    for (int64_t i = 0; k && i < columns; i++)
        for (int64_t j = 0; j < rows; j++) k->items[i * rows + j] = x->items[j * columns + i];
    import_set_known(m, 0, k, import_type(m, 0));
    return true;
}

static bool run_gather(importer *m) {
    const known *x = import_known(m, 0), *at = import_known(m, 1);
    if (!x || !at || x->shape.rank != 1) return false;
    known *k = known_make(m, at->shape);
    for (size_t i = 0; k && i < k->count; i++) {
        int64_t n = (int64_t)x->count, j = at->items[i].value;
        if (at->items[i].batch || j < -n || j >= n) {
            import_fail(m, "index %lld is outside of %lld elements", (long long)j, (long long)n);
            return true;
        }
        k->items[i] = x->items[j < 0 ? j + n : j];
    }
    import_set_known(m, 0, k, import_type(m, 0));
    return true;
}

/* ---- Arithmetic -------------------------------------------------------------------------------------------------- */

/* a op b; false when the result is no number and no multiple of the batch, or does not fit. */
static bool calculate(char op, known_item a, known_item b, known_item *out) {
    *out = (known_item){0, 0};
    switch (op) {
    case '+':
        return !__builtin_add_overflow(a.value, b.value, &out->value) &&
               !__builtin_add_overflow(a.batch, b.batch, &out->batch) && (!out->value || !out->batch);
    case '-':
        return !__builtin_sub_overflow(a.value, b.value, &out->value) &&
               !__builtin_sub_overflow(a.batch, b.batch, &out->batch) && (!out->value || !out->batch);
    case '*':
        if (a.batch && b.batch) return false;
        return !__builtin_mul_overflow(a.value, b.value, &out->value) &&
               !__builtin_mul_overflow(a.batch ? a.batch : b.batch, a.batch ? b.value : a.value, &out->batch);
    case '/':
        if (a.batch && b.batch && !a.value && !b.value && a.batch % b.batch == 0) {
            out->value = a.batch / b.batch;
            return true;
        }
        if (b.batch || !b.value || (b.value == -1 && (a.value == INT64_MIN || a.batch == INT64_MIN))) return false;
        out->value = a.value / b.value;
        out->batch = a.batch / b.value;
        return a.batch % b.value == 0;
    case '=':
        if (!a.batch != !b.batch) { /* a positive batch is no negative number; it may be any other */
            int64_t number = a.batch ? b.value : a.value;
            return number < 0;
        }
        out->value = a.value == b.value && a.batch == b.batch;
        return true;
    default:
        return false;
    }
}

/* The element of x that stands at element i of a shape that x broadcasts to. */
static size_t broadcast_index(const known *x, const soma_shape *shape, size_t i) {
    size_t at = 0, stride = 1;
    for (int d = shape->rank - 1; d >= 0 && shape->dims[d] > 0; d--) {
        size_t index = i % (size_t)shape->dims[d];
        int own = d - (shape->rank - x->shape.rank);
        i /= (size_t)shape->dims[d];
        if (own < 0) continue;
        if (x->shape.dims[own] != 1) at += index * stride;
        stride *= (size_t)x->shape.dims[own];
    }
    return at;
}

static bool broadcast(const soma_shape *a, const soma_shape *b, soma_shape *out) {
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < out->rank; i++) {
        int ia = i - (out->rank - a->rank), ib = i - (out->rank - b->rank);
        int64_t da = ia < 0 ? 1 : a->dims[ia], db = ib < 0 ? 1 : b->dims[ib];
        if (da != db && da != 1 && db != 1) return false;
        out->dims[i] = da == 1 ? db : da;
    }
    return true;
}

static bool run_binary(importer *m, char op) {
    const known *a = import_known(m, 0), *b = import_known(m, 1);
    soma_shape shape = {0, {0}};
    if (!a || !b || import_attribute(m, "axis") || !broadcast(&a->shape, &b->shape, &shape)) return false;
    known *k = known_make(m, shape);
    for (size_t i = 0; k && i < k->count; i++)
        if (!calculate(op, a->items[broadcast_index(a, &shape, i)], b->items[broadcast_index(b, &shape, i)],
                       &k->items[i]))
            return false;
    import_set_known(m, 0, k, op == '=' ? ONNX_BOOL : import_type(m, 0));
    return true;
}

static bool run_add(importer *m) { return run_binary(m, '+'); }
static bool run_sub(importer *m) { return run_binary(m, '-'); }
static bool run_mul(importer *m) { return run_binary(m, '*'); }
static bool run_div(importer *m) { return !onnx_type_real(import_type(m, 0)) && run_binary(m, '/'); }
static bool run_equal(importer *m) { return run_binary(m, '='); }

static bool run_where(importer *m) {
    const known *c = import_known(m, 0), *a = import_known(m, 1), *b = import_known(m, 2);
    if (!c || !a || !b) return false;
    soma_shape ab = {0, {0}}, shape = {0, {0}};
    if (!broadcast(&a->shape, &b->shape, &ab) || !broadcast(&c->shape, &ab, &shape)) return false;
    known *k = known_make(m, shape);
    for (size_t i = 0; k && i < k->count; i++)
        k->items[i] = c->items[broadcast_index(c, &shape, i)].value ? a->items[broadcast_index(a, &shape, i)]
                                                                    : b->items[broadcast_index(b, &shape, i)];
    import_set_known(m, 0, k, import_type(m, 1));
    return true;
}

static bool run_product(importer *m) {
    const known *x = import_known(m, 0);
    known_item product = {1, 0};
    if (!x || x->shape.rank != 1) return false;
    for (size_t i = 0; i < x->count; i++)
        if (!calculate('*', product, x->items[i], &product)) return false;
    known *k = known_make(m, import_int(m, "keepdims", 1) ? soma_shape1(1) : soma_shape0());
    if (!k) return true;
    k->items[0] = product;
    import_set_known(m, 0, k, import_type(m, 0));
    return true;
}

static const evaluator evaluators[] = {
    {"Shape", run_shape},
    {"Size", run_size},
    {"Constant", run_constant},
    {"ConstantOfShape", run_constant_of_shape},
    {"Range", run_range},
    {"Identity", run_same},
    {"Cast", run_cast},
    {"Reshape", run_reshape},
    {"Unsqueeze", run_unsqueeze},
    {"Squeeze", run_squeeze},
    {"Concat", run_concat},
    {"Slice", run_slice},
    {"Transpose", run_transpose},
    {"Gather", run_gather},
    {"Add", run_add},
    {"Sub", run_sub},
    {"Mul", run_mul},
    {"Div", run_div},
    {"Equal", run_equal},
    {"Where", run_where},
    {"ReduceProd", run_product},
    {"Floor", run_same},
};

bool import_evaluate(importer *m) {
    for (size_t i = 0; i < COUNT_OF(evaluators); i++)
        if (span_is(m->node->op, evaluators[i].op)) return evaluators[i].run(m) && !m->failed;
    return false;
}

#endif
