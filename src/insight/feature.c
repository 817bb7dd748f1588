/* insight/feature.c: an input made by gradient ascent so that a unit, a channel or a layer answers as strongly as it
 * can. A step: the picture is shifted at random (jitter), the gradient of the mean activation is taken there and
 * shifted back, divided by its root mean square, so that the rate means the same for every unit, and added; then decay
 * draws the picture to its centre, blur takes away what oscillates between neighbours, and bounds cut off. Without
 * regularisers networks are excited by noise that no eye makes sense of; see Olah, Mordvintsev and Schubert 2017 for
 * an overview, and soma/insight.h for the sources of each. The state is the picture alone and a random stream, so that
 * steps taken one by one or together give the same bits. */
#include "base/random.h"
#include "insight/insight.h"

#include <math.h>

struct soma_feature {
    const soma_context *context;
    soma_graph *graph;
    soma_plan *plan;
    soma_run *run;
    soma_value input, activation, gradient;
    soma_feature_options options;
    double centre;
    random_stream random;
    int64_t step, count;
    int64_t planes, height, width; /* of pictures: count = planes * height * width; else a row of width count */
    float *picture, *shifted, *slope;
    double *kernel; /* of the blur: weights of the distances 0 .. reach */
    int64_t reach;
};

/* ---- Setting up ------------------------------------------------------------------------------------------------ */

static int check_options(const soma_feature_options *o, const soma_shape *input, soma_error *error) {
    char text[SHAPE_TEXT];
    bool bounded = o->low != 0 || o->high != 0;
    if (!isfinite(o->low) || !isfinite(o->high) || (bounded && !(o->low < o->high)))
        return error_set(error, SOMA_ERROR_ARGUMENT, "feature: the bounds are %g and %g, expected the lower one first",
                         o->low, o->high);
    if (!(o->rate >= 0 && isfinite(o->rate)) || !(o->noise >= 0 && isfinite(o->noise)))
        return error_set(error, SOMA_ERROR_ARGUMENT, "feature: rate %g and noise %g are not negative", o->rate,
                         o->noise);
    if (!(o->decay >= 0 && o->decay < 1))
        return error_set(error, SOMA_ERROR_ARGUMENT, "feature: the decay is %g, expected 0 or more and less than 1",
                         o->decay);
    if (o->jitter < 0 || o->jitter > INT32_MAX || !(o->blur >= 0 && o->blur <= 1000) || o->blur_every < 0)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "feature: jitter %lld, blur %g and blur_every %lld are not negative, a blur is at most 1000",
                         (long long)o->jitter, o->blur, (long long)o->blur_every);
    if (input->rank != 4 && (o->jitter || o->blur > 0))
        return error_set(error, SOMA_ERROR_ARGUMENT, "feature: jitter and blur are for pictures [N, C, H, W], not %s",
                         shape_text(input, text));
    return SOMA_OK;
}

/* Whether an index names one of `extent` places, or all. */
static int check_place(const char *what, int64_t index, int64_t extent, soma_error *error) {
    if (index >= -1 && index < extent) return SOMA_OK;
    return error_set(error, SOMA_ERROR_ARGUMENT, "feature: there is no %s %lld, the layer has %lld", what,
                     (long long)index, (long long)extent);
}

static int check_values(soma_value input, soma_value value, soma_unit unit, soma_error *error) {
    char text[SHAPE_TEXT];
    soma_shape v = soma_value_shape(value), x = soma_value_shape(input);
    if (!input.graph || input.graph != value.graph || !value_ok(input) || !value_ok(value))
        return error_set(error, SOMA_ERROR_ARGUMENT, "feature: input and layer are not values of one graph");
    if (value_node(input)->op != &op_input || soma_value_dtype(input) != SOMA_FLOAT || x.rank < 1)
        return error_set(error, SOMA_ERROR_ARGUMENT, "feature: the input is not a float input [N, …] of the graph");
    if ((v.rank != 2 && v.rank != 4) || soma_value_dtype(value) != SOMA_FLOAT)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "feature: the layer is %s, expected floats of [N, units] or [N, C, H, W]",
                         shape_text(&v, text));
    int code = check_place(v.rank == 2 ? "unit" : "channel", unit.channel, v.dims[1], error);
    if (v.rank == 2 && !code && (unit.row != -1 || unit.column != -1))
        code = error_set(error, SOMA_ERROR_ARGUMENT, "feature: the layer is %s and has no rows and columns",
                         shape_text(&v, text));
    if (v.rank == 4 && !code) code = check_place("row", unit.row, v.dims[2], error);
    if (v.rank == 4 && !code) code = check_place("column", unit.column, v.dims[3], error);
    return code;
}

static soma_value pick(soma_value v, soma_unit unit) {
    const int64_t place[3] = {unit.channel, unit.row, unit.column};
    for (int a = 1; a <= 3; a++) /* a unit of [N, units] has no row and column */
        if (place[a - 1] >= 0) v = soma_slice(v, a, place[a - 1], place[a - 1] + 1, 1);
    return soma_mean(v);
}

static int compile(soma_feature *f, soma_value input, soma_value value, soma_unit unit, soma_error *error) {
    f->graph = graph_copy(value.graph, error);
    if (!f->graph) return error && error->code ? error->code : SOMA_ERROR_MEMORY;
    f->input = twin_of(input, f->graph);
    f->activation = pick(twin_of(value, f->graph), unit);
    if (soma_gradient(f->activation, &f->input, 1, &f->gradient))
        return error_set(error, f->graph->error.code, "feature: %s", f->graph->error.message);
    const soma_value outputs[] = {f->activation, f->gradient};
    soma_plan_options options = f->options.plan;
    options.max_batch = 1;
    return open_plan(outputs, 2, options, &f->plan, &f->run, error);
}

/* What is not given gets its meaning. */
static void complete(soma_feature *f) {
    soma_feature_options *o = &f->options;
    bool bounded = o->low < o->high;
    f->centre = (o->low + o->high) / 2;
    if (o->rate == 0) o->rate = bounded ? (o->high - o->low) / 50 : 0.1;
    if (o->noise == 0) o->noise = o->rate;
    if (o->blur_every == 0) o->blur_every = 1;
}

static float bounded(const soma_feature *f, double x) {
    if (f->options.low < f->options.high) x = fmin(fmax(x, f->options.low), f->options.high);
    return (float)x;
}

static bool allocate(soma_feature *f) {
    size_t n = (size_t)f->count;
    f->reach = (int64_t)ceil(3 * f->options.blur);
    f->picture = mem_array(f->context, n, sizeof *f->picture);
    f->shifted = mem_array(f->context, n, sizeof *f->shifted);
    f->slope = mem_array(f->context, n, sizeof *f->slope);
    f->kernel = mem_array(f->context, (size_t)f->reach + 1, sizeof *f->kernel);
    return f->picture && f->shifted && f->slope && f->kernel;
}

static void begin(soma_feature *f) {
    const soma_feature_options *o = &f->options;
    for (int64_t d = 0; d <= f->reach; d++)
        f->kernel[d] = f->reach ? exp(-0.5 * (double)(d * d) / (o->blur * o->blur)) : 1;
    f->random = random_open(o->seed, hash_bytes("feature", 7, HASH_START));
    for (int64_t i = 0; i < f->count; i++)
        f->picture[i] = bounded(f, o->start ? (double)o->start[i] : f->centre + o->noise * random_normal(&f->random));
    f->options.start = NULL; /* not ours */
}

soma_feature *soma_feature_create(soma_value input, soma_value value, soma_unit unit, soma_feature_options options,
                                  soma_error *error) {
    soma_shape shape = soma_value_shape(input);
    char text[SHAPE_TEXT];
    if (check_values(input, value, unit, error) || check_options(&options, &shape, error)) return NULL;
    int64_t count = shape_elements(&shape, 1);
    if (count < 1 || (uint64_t)count > SIZE_MAX / sizeof(float) || (!shape_has_batch(&shape) && shape.dims[0] != 1)) {
        error_set(error, SOMA_ERROR_ARGUMENT, "feature: the input is %s, expected one that takes a single sample",
                  shape_text(&shape, text));
        return NULL;
    }
    soma_feature *f = mem_zeros(value.graph->context, 1, sizeof *f);
    if (!f) {
        error_memory(error);
        return NULL;
    }
    f->context = value.graph->context;
    f->options = options;
    f->count = count;
    f->height = shape.rank == 4 ? shape.dims[2] : 1;
    f->width = shape.rank == 4 ? shape.dims[3] : count;
    f->planes = count / (f->height * f->width);
    complete(f);
    if (!allocate(f)) {
        error_memory(error);
        goto failed;
    }
    begin(f);
    if (!compile(f, input, value, unit, error)) return f;
failed:
    soma_feature_destroy(f);
    return NULL;
}

void soma_feature_destroy(soma_feature *f) {
    if (!f) return;
    soma_run_destroy(f->run);
    soma_plan_destroy(f->plan);
    soma_graph_destroy(f->graph);
    mem_free(f->context, f->picture);
    mem_free(f->context, f->shifted);
    mem_free(f->context, f->slope);
    mem_free(f->context, f->kernel);
    mem_free(f->context, f);
}

/* ---- Steps ----------------------------------------------------------------------------------------------------- */

/* to[p][y + down][x + right] = from[p][y][x], edges meeting. */
static void shift(const soma_feature *f, const float *from, float *to, int64_t down, int64_t right) {
    int64_t h = f->height, w = f->width;
    down = ((down % h) + h) % h;
    right = ((right % w) + w) % w;
    for (int64_t p = 0; p < f->planes; p++)
        for (int64_t y = 0; y < h; y++) {
            const float *row = from + (p * h + y) * w;
            float *out = to + (p * h + (y + down) % h) * w;
            memcpy(out + right, row, (size_t)(w - right) * sizeof *out);
            memcpy(out, row + w - right, (size_t)right * sizeof *out);
        }
}

/* One line of `count` elements `pitch` apart; at the edges the mean is over what lies inside. */
static void blur_line(const soma_feature *f, const float *from, float *to, int64_t count, int64_t pitch) {
    for (int64_t i = 0; i < count; i++) {
        double sum = 0, weight = 0;
        int64_t low = i > f->reach ? i - f->reach : 0, high = count - 1 - i > f->reach ? i + f->reach : count - 1;
        for (int64_t k = low; k <= high; k++) {
            double w = f->kernel[k < i ? i - k : k - i];
            sum += w * (double)from[k * pitch];
            weight += w;
        }
        to[i * pitch] = (float)(sum / weight);
    }
}

static void blur(soma_feature *f) {
    int64_t h = f->height, w = f->width;
    for (int64_t line = 0; line < f->planes * h; line++)
        blur_line(f, f->picture + line * w, f->shifted + line * w, w, 1);
    for (int64_t p = 0; p < f->planes; p++)
        for (int64_t x = 0; x < w; x++) blur_line(f, f->shifted + p * h * w + x, f->picture + p * h * w + x, h, w);
}

/* The root mean square of the gradient; false if an element is not finite. */
static bool root_mean_square(const soma_feature *f, double *root) {
    double largest = 0, sum = 0;
    for (int64_t i = 0; i < f->count; i++) {
        if (!isfinite(f->slope[i])) return false;
        largest = fmax(largest, fabs((double)f->slope[i]));
    }
    for (int64_t i = 0; i < f->count && largest > 0; i++) {
        double part = (double)f->slope[i] / largest;
        sum += part * part;
    }
    *root = largest * sqrt(sum / (double)f->count);
    return true;
}

static int64_t random_offset(soma_feature *f) {
    return (int64_t)random_below(&f->random, (uint64_t)(2 * f->options.jitter + 1)) - f->options.jitter;
}

static int take_step(soma_feature *f, soma_error *error) {
    const soma_feature_options *o = &f->options;
    int64_t down = o->jitter ? random_offset(f) : 0, right = o->jitter ? random_offset(f) : 0;
    double root;
    shift(f, f->picture, f->shifted, down, right);
    int code = soma_run_set(f->run, f->input, f->shifted, 1, error);
    if (!code) code = soma_run_step(f->run, error);
    if (!code) code = soma_run_get(f->run, f->gradient, f->shifted, (size_t)f->count, error);
    if (code) return code;
    shift(f, f->shifted, f->slope, -down, -right);
    if (!root_mean_square(f, &root))
        return error_set(error, SOMA_ERROR_NUMERIC, "feature: the gradient of step %lld is not finite",
                         (long long)f->step + 1);
    for (int64_t i = 0; i < f->count; i++) {
        double x = (double)f->picture[i];
        if (root > 0) x += o->rate * ((double)f->slope[i] / root);
        f->picture[i] = bounded(f, f->centre + (x - f->centre) * (1 - o->decay));
    }
    f->step++;
    if (o->blur > 0 && f->step % o->blur_every == 0) blur(f);
    return SOMA_OK;
}

int soma_feature_step(soma_feature *f, int64_t steps, double *activation, soma_error *error) {
    if (!f || steps < 0)
        return error_set(error, SOMA_ERROR_ARGUMENT, "feature: there is none, or the number of steps is negative");
    int code = SOMA_OK;
    for (int64_t i = 0; i < steps && !code; i++) code = take_step(f, error);
    if (code || !activation) return code;
    code = soma_run_set(f->run, f->input, f->picture, 1, error);
    if (!code) code = soma_run_step(f->run, error);
    return code ? code : soma_run_get_double(f->run, f->activation, activation, 1, error);
}

int soma_feature_get(const soma_feature *f, float *picture, size_t count, soma_error *error) {
    if (!f || !picture)
        return error_set(error, SOMA_ERROR_ARGUMENT, "feature: there is none, or the place for the picture is missing");
    if (count != (uint64_t)f->count)
        return error_set(error, SOMA_ERROR_ARGUMENT, "feature: the picture has %lld elements, not %zu",
                         (long long)f->count, count);
    memcpy(picture, f->picture, count * sizeof *picture);
    return SOMA_OK;
}
