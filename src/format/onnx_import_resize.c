/* format/onnx_import_resize.c: rules for Resize and its forerunner Upsample. Both resample axes one after the other:
 * where each output element lies among the input's is a formula that the node names, and what it takes of its
 * neighbours follows from the mode: the nearest one (soma's upsample where every element is repeated equally often,
 * else gather), or a weighted sum of two or four, which is a product with a constant matrix. Sizes must be known while
 * the model is read, and only the last two axes may change. */
#include "format/onnx_import.h"

#if defined(SOMA_HAVE_ONNX)

#include "ops/resize.h"

#include <math.h>

typedef enum place_rule { HALF_PIXEL, PYTORCH_HALF_PIXEL, ALIGN_CORNERS, ASYMMETRIC, TF_HALF_PIXEL, CROP } place_rule;
typedef enum round_rule { PREFER_FLOOR, PREFER_CEIL, ROUND_FLOOR, ROUND_CEIL } round_rule;

/* One axis. */
typedef struct resampling {
    place_rule places;
    round_rule rounding;
    double scale, begin, end; /* begin, end: the part that CROP takes */
    bool cubic, exclude_outside;
    double coefficient;
} resampling;

/* Where output element i lies among the input's. */
static double place_of(const resampling *r, int64_t i, int64_t size, int64_t from) {
    double x = (double)i, last = (double)(from - 1);
    switch (r->places) {
    case HALF_PIXEL:
        return (x + 0.5) / r->scale - 0.5;
    case PYTORCH_HALF_PIXEL:
        return size > 1 ? (x + 0.5) / r->scale - 0.5 : 0;
    case ALIGN_CORNERS:
        return size > 1 ? x * last / (r->scale * (double)from - 1) : 0; /* a size before it is cut to a whole number */
    case ASYMMETRIC:
        return x / r->scale;
    case TF_HALF_PIXEL:
        return (x + 0.5) / r->scale;
    case CROP:
        return size > 1 ? r->begin * last + x * (r->end - r->begin) * last / (double)(size - 1)
                        : 0.5 * (r->begin + r->end) * last;
    }
    return 0;
}

static int64_t nearest(const resampling *r, int64_t i, int64_t size, int64_t from) {
    double x = place_of(r, i, size, from);
    double at = r->rounding == PREFER_FLOOR  ? ceil(x - 0.5)
                : r->rounding == PREFER_CEIL ? floor(x + 0.5)
                : r->rounding == ROUND_FLOOR ? floor(x)
                                             : ceil(x);
    return at < 0 ? 0 : at >= (double)from ? from - 1 : (int64_t)at;
}

/* Keys' cubic convolution (1981) with coefficient a, at distance |d|. */
static double cubic_weight(double d, double a) {
    d = fabs(d);
    if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

static void weights_of(const void *user, int64_t i, int64_t size, int64_t from, float *row) {
    const resampling *r = user;
    double place = place_of(r, i, size, from), sum = 0;
    if (!r->cubic) {
        resize_linear_at(place, from, row);
        return;
    }
    int64_t left = (int64_t)floor(place);
    for (int64_t k = left - 1; k <= left + 2; k++) {
        double w = cubic_weight(place - (double)k, r->coefficient);
        bool outside = k < 0 || k >= from;
        if (outside && r->exclude_outside) continue;
        row[k < 0 ? 0 : k >= from ? from - 1 : k] += (float)w;
        sum += w;
    }
    for (int64_t k = 0; r->exclude_outside && k < from; k++) row[k] = (float)((double)row[k] / sum);
}

/* How often each element is repeated, if all are equally often and in order; else 0. */
static int64_t repeats(const resampling *r, int64_t size, int64_t from) {
    int64_t factor = size / from;
    if (size % from) return 0;
    for (int64_t i = 0; i < size; i++)
        if (nearest(r, i, size, from) != i / factor) return 0;
    return factor;
}

static soma_value gather_axis(importer *m, soma_value x, int axis, int64_t size, const resampling *r) {
    int64_t from = soma_value_shape(x).dims[axis], *list = mem_array(m->context, (size_t)size, sizeof *list);
    if (!list) return import_no_memory(m), x;
    for (int64_t i = 0; i < size; i++) list[i] = nearest(r, i, size, from);
    soma_value indices = soma_constant_int64(m->graph, soma_shape1(size), list);
    mem_free(m->context, list);
    return soma_gather(x, indices, axis);
}

static place_rule places_of(importer *m) {
    static const char *const names[] = {"half_pixel", "pytorch_half_pixel",   "align_corners",
                                        "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
    const char *attribute = "coordinate_transformation_mode";
    if (m->file->opset < 11) return ASYMMETRIC;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (import_is(m, attribute, names[i])) return (place_rule)i;
    if (import_attribute(m, attribute)) import_unsupported(m, "this %s", attribute);
    return HALF_PIXEL;
}

static round_rule rounding_of(importer *m) {
    static const char *const names[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    if (m->file->opset < 11) return ROUND_FLOOR;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (import_is(m, "nearest_mode", names[i])) return (round_rule)i;
    if (import_attribute(m, "nearest_mode")) import_unsupported(m, "this nearest_mode");
    return PREFER_FLOOR;
}

enum { LARGEST_SIDE = 1 << 20 };

/* What a node asks for: the size of each axis, and how much larger that is. */
typedef struct request {
    soma_shape from;
    double scale[SOMA_MAX_RANK], roi[2 * SOMA_MAX_RANK];
    int64_t size[SOMA_MAX_RANK];
} request;

/* Scales, or sizes behind them; false after a failure. `scales_at`: the input that holds scales, 0: an attribute. */
static bool read_numbers(importer *m, size_t scales_at, const soma_shape *s, double numbers[SOMA_MAX_RANK],
                         bool *scales) {
    const attribute *listed = import_attribute(m, "scales");
    int count = -1;
    *scales = true;
    if (!scales_at && listed && listed->floats_count <= SOMA_MAX_RANK) {
        count = (int)listed->floats_count;
        for (int i = 0; i < count; i++) numbers[i] = (double)listed->floats[i];
    } else if (scales_at) {
        count = import_numbers(m, scales_at, numbers, SOMA_MAX_RANK);
        *scales = count > 0;
        if (!*scales) count = import_numbers(m, scales_at + 1, numbers, SOMA_MAX_RANK);
    }
    if (!m->failed && (count != s->rank || count < 1))
        import_unsupported(m, "scales or sizes that are computed while running");
    return !m->failed;
}

/* The batch stays as it is; so do all axes but the last two. */
static bool read_request(importer *m, size_t scales_at, request *q) {
    double numbers[SOMA_MAX_RANK] = {0};
    bool scales;
    if (!read_numbers(m, scales_at, &q->from, numbers, &scales)) return false;
    for (int d = 0; d < q->from.rank; d++) {
        double from = (double)q->from.dims[d], size = scales ? floor(from * numbers[d]) : numbers[d];
        q->size[d] = q->from.dims[d];
        q->scale[d] = 1;
        if (from < 0) {
            if (scales ? numbers[d] != 1 : !isnan(numbers[d])) import_unsupported(m, "resizing the batch");
            continue;
        }
        if (!(from >= 1 && size >= 1 && size <= (double)LARGEST_SIDE)) {
            import_fail(m, "an axis of %g elements can't become one of %g", from, size);
            return false;
        }
        q->size[d] = (int64_t)size;
        q->scale[d] = scales ? numbers[d] : size / from;
        if (d < q->from.rank - 2 && q->size[d] != q->from.dims[d])
            import_unsupported(m, "resizing axis %d of %d", d, q->from.rank);
    }
    return !m->failed;
}

/* The part of the picture that CROP takes. */
static void read_region(importer *m, request *q) {
    int rank = q->from.rank;
    if (import_numbers(m, 1, q->roi, 2 * SOMA_MAX_RANK) != 2 * rank) {
        import_fail(m, "roi is missing");
        return;
    }
    for (int d = 0; d < rank; d++)
        if (!(q->roi[d] >= 0 && q->roi[rank + d] <= 1 && q->roi[d] <= q->roi[rank + d]))
            import_unsupported(m, "a region beyond the picture");
}

static void check_modes(importer *m) {
    const char *keep = "keep_aspect_ratio_policy";
    bool known = !import_attribute(m, "mode") || import_is(m, "mode", "nearest") || import_is(m, "mode", "linear") ||
                 import_is(m, "mode", "bilinear") || import_is(m, "mode", "cubic");
    if (!known) import_unsupported(m, "this mode");
    if (import_attribute(m, "axes") || import_int(m, "antialias", 0) ||
        (import_attribute(m, keep) && !import_is(m, keep, "stretch")))
        import_unsupported(m, "resizing with axes, antialias or %s", keep);
}

static void resize(importer *m, size_t scales_at) {
    soma_value x = import_float(m, 0);
    request q = {.from = soma_value_shape(x)};
    check_modes(m);
    if (m->failed || !read_request(m, scales_at, &q)) return;
    bool cubic = import_is(m, "mode", "cubic"),
         near = !cubic && !import_is(m, "mode", "linear") && !import_is(m, "mode", "bilinear");
    const resampling plain = {.places = places_of(m),
                              .rounding = rounding_of(m),
                              .cubic = cubic,
                              .exclude_outside = import_int(m, "exclude_outside", 0) != 0,
                              .coefficient = import_real(m, "cubic_coeff_a", -0.75)};
    if (plain.places == CROP) read_region(m, &q);
    resampling r[2] = {plain, plain};
    int64_t repeated[2] = {1, 1};
    int rank = q.from.rank, first = rank < 2 ? 0 : rank - 2;
    for (int axis = first; axis < rank && !m->failed; axis++) {
        resampling *one = &r[axis - first];
        one->scale = q.scale[axis];
        one->begin = q.roi[axis];
        one->end = q.roi[rank + axis];
        if (near && q.from.dims[axis] > 0) repeated[axis - first] = repeats(one, q.size[axis], q.from.dims[axis]);
    }
    if (rank == 4 && near && repeated[0] && repeated[1] && !m->failed) {
        import_result(m, soma_upsample(x, repeated[0], repeated[1]));
        return;
    }
    if (!near && rank < 2) import_unsupported(m, "interpolation of a single axis");
    for (int axis = rank - 1; axis >= first && !m->failed; axis--) {
        if (q.from.dims[axis] < 0 || (q.size[axis] == q.from.dims[axis] && plain.places != CROP)) continue;
        x = near ? gather_axis(m, x, axis, q.size[axis], &r[axis - first])
                 : resize_by_matrix(x, axis, q.size[axis], weights_of, &r[axis - first]);
    }
    if (!m->failed) import_result(m, x);
}

static void build_resize(importer *m) { resize(m, m->file->opset < 11 ? 1 : 2); }
static void build_upsample(importer *m) { resize(m, m->file->opset < 9 ? 0 : 1); }

const import_rule import_resize[] = {
    {"Resize", build_resize},
    {"Upsample", build_upsample},
    {NULL, NULL},
};

#endif
