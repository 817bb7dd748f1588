/* train/preprocess.c: from cells and pixels to features. Numbers become (x - mean) / sd with the training rows' mean
 * and (biased) standard deviation, a column that never changes becomes 0; a missing number becomes the mean, and a
 * feature of its own says that it was missing, where that is common enough to be learnt from; what lies many
 * deviations from the mean counts as no further, since one slip of a keyboard would outweigh everything else. A
 * category with K levels becomes K features of 0 and 1. A date is a number of days, and sine and cosine of the week,
 * the year and the day, as far as the column spans them. Pictures are scaled a channel at a time, which contains the
 * division by 255. A regression's target is standardised, so that losses and learning rates mean the same whatever its
 * unit. All of it is arithmetic inside the graph, and so goes into the saved model. */
#include "train/preprocess.h"

#include "graph/graph.h"

#include <float.h>
#include <math.h>

enum { MISSING_ROWS = 3 }; /* as many missing values get a feature of their own */
enum { MOST_WAVES = 6 };   /* of a column of dates */
/* Standard deviations beyond which a number counts as no further. Among few rows what is far out is often the end of a
 * long tail, among many a slip. */
enum { FAR_OUT_OF_FEW = 10, FAR_OUT_OF_MANY = 5, MANY_ROWS = 1000 };

/* ---- Columns --------------------------------------------------------------------------------------------------- */

typedef struct column_facts {
    double count, missing, mean, variance, least, most;
    bool fractions;
} column_facts;

static double feature_at(const soma_dataset *set, int64_t row, int64_t elements, int64_t index) {
    int64_t at = row * elements + index;
    return set->pictures ? (double)set->pictures[at] : (double)set->features[at];
}

/* 1 / sd, 1 where there is no spread: a value that differs only by rounding would be blown up otherwise. */
static float scale_of(double mean, double variance) {
    double sd = sqrt(variance);
    return isfinite(sd) && sd > 1e-7 * fabs(mean) && sd > 1e-30 ? (float)(1 / sd) : 1.0f;
}

/* What `span` neighbouring elements hold over the marked rows, in two passes. */
static column_facts learn_column(const soma_dataset *set, const bool *chosen, int64_t elements, int64_t first,
                                 int64_t span) {
    column_facts f = {.least = INFINITY, .most = -INFINITY};
    double squares = 0;
    for (int64_t row = 0; row < set->rows; row++)
        for (int64_t i = 0; chosen[row] && i < span; i++) {
            double x = feature_at(set, row, elements, first + i);
            f.missing += isnan(x);
            if (isnan(x)) continue;
            f.count++;
            f.mean += x;
            f.least = fmin(f.least, x);
            f.most = fmax(f.most, x);
            f.fractions |= x != floor(x);
        }
    f.mean = f.count > 0 ? f.mean / f.count : 0;
    for (int64_t row = 0; row < set->rows; row++)
        for (int64_t i = 0; chosen[row] && i < span; i++) {
            double d = feature_at(set, row, elements, first + i) - f.mean;
            if (!isnan(d)) squares += d * d;
        }
    f.variance = f.count > 0 ? squares / f.count : 0;
    return f;
}

/* ---- Features -------------------------------------------------------------------------------------------------- */

static bool list_open(const soma_context *context, feature_list *list, int64_t most) {
    list->column = mem_array(context, (size_t)most, sizeof *list->column);
    list->a = mem_array(context, (size_t)most, sizeof *list->a);
    list->b = mem_array(context, (size_t)most, sizeof *list->b);
    return list->column && list->a && list->b;
}

static void list_clear(const soma_context *context, feature_list *list) {
    mem_free(context, list->column);
    mem_free(context, list->a);
    mem_free(context, list->b);
    *list = (feature_list){.count = 0};
}

static void list_add(feature_list *list, int64_t column, double a, double b) {
    list->column[list->count] = column;
    list->a[list->count] = (float)a;
    list->b[list->count++] = (float)b;
}

/* The column's description; NULL for arrays of numbers. */
static const table_column *description(const soma_dataset *set, int64_t c) {
    const table_schema *schema = &set->schema;
    return (size_t)c < schema->columns_count ? &schema->columns[c] : NULL;
}

static int64_t levels_of(const table_column *column) {
    return column && column->kind == COLUMN_CATEGORY ? (int64_t)column->categories_count + column->pooled : 0;
}

/* Week, year and day, as harmonics whose number is what a feature for each weekday or season would come to. */
static void add_waves(preprocess *p, int64_t c, const table_column *column, const column_facts *f) {
    const double turn = 6.283185307179586, year = 365.2425;
    double span = f->most - f->least, base = floor(f->least);
    bool clock = column->date == DATE_CLOCK;
    for (int k = 1; k <= 3 && !clock && span >= 14; k++) list_add(&p->waves, c, base, k * turn / 7);
    for (int k = 1; k <= 2 && !clock && span >= 300; k++) list_add(&p->waves, c, base, k * turn / year);
    if (f->fractions) list_add(&p->waves, c, base, turn);
}

static void add_column(preprocess *p, const soma_dataset *set, const bool *chosen, int64_t c) {
    const table_column *column = description(set, c);
    int64_t levels = levels_of(column);
    column_facts f = learn_column(set, chosen, set->sample.dims[0], c, 1);
    for (int64_t k = 0; k < levels; k++) list_add(&p->levels, c, (double)k, 1);
    if (!column || column->kind != COLUMN_CATEGORY)
        list_add(&p->numbers, c, f.mean, f.least < f.most ? scale_of(f.mean, f.variance) : 0);
    if (column && column->kind == COLUMN_DATE && f.count > 0) add_waves(p, c, column, &f);
    if (f.missing >= (double)MISSING_ROWS && f.count > 0) list_add(&p->missing, c, 0, 1);
}

static bool learn_table(preprocess *p, const soma_dataset *set, const bool *chosen) {
    int64_t columns = set->sample.dims[0], levels = 0;
    for (int64_t c = 0; c < columns; c++) levels += levels_of(description(set, c));
    if (!list_open(p->context, &p->numbers, columns) || !list_open(p->context, &p->missing, columns) ||
        !list_open(p->context, &p->levels, levels) || !list_open(p->context, &p->waves, MOST_WAVES * columns))
        return false;
    for (int64_t c = 0; c < columns; c++) add_column(p, set, chosen, c);
    return true;
}

static bool learn_pictures(preprocess *p, const soma_dataset *set, const bool *chosen) {
    int64_t elements = shape_elements(&set->sample, 1), channels = set->sample.rank ? set->sample.dims[0] : 1;
    int64_t span = channels ? elements / channels : 0;
    if (!list_open(p->context, &p->numbers, channels)) return false;
    for (int64_t c = 0; c < channels; c++) {
        column_facts f = learn_column(set, chosen, elements, c * span, span);
        list_add(&p->numbers, c, f.mean, scale_of(f.mean, f.variance));
    }
    return true;
}

/* Pictures that stand in files: decoding all of them first would cost what an epoch costs, so at most this many of the
 * marked rows, evenly spaced, stand for all. Values are bytes and their sums whole numbers, without rounding. */
enum { SAMPLED_PICTURES = 2000 };

typedef struct byte_sums {
    uint64_t sum, squares;
} byte_sums;

/* Adds up each channel, `span` values of a sample; *taken counts the samples. */
static int sum_files(const soma_dataset *set, const bool *chosen, int64_t elements, int64_t span, float *x,
                     byte_sums *sums, int64_t *taken, soma_error *error) {
    int64_t marked = 0, seen = 0;
    int code = SOMA_OK;
    for (int64_t row = 0; row < set->rows; row++) marked += chosen[row];
    int64_t wanted = marked < SAMPLED_PICTURES ? marked : SAMPLED_PICTURES;
    for (int64_t row = 0; row < set->rows && !code; row++) {
        if (!chosen[row] || seen++ * wanted / marked < *taken) continue;
        ++*taken;
        code = data_gather(set, &row, 1, x, NULL, NULL, error);
        for (int64_t i = 0; i < elements && !code; i++) {
            uint64_t value = (uint64_t)x[i];
            sums[i / span].sum += value;
            sums[i / span].squares += value * value;
        }
    }
    return code;
}

static int learn_files(preprocess *p, const soma_dataset *set, const bool *chosen, soma_error *error) {
    int64_t elements = shape_elements(&set->sample, 1), channels = set->sample.dims[0], span = elements / channels;
    int64_t taken = 0;
    float *x = mem_array(p->context, (size_t)elements, sizeof *x);
    byte_sums *sums = mem_zeros(p->context, (size_t)channels, sizeof *sums);
    int code = x && sums && list_open(p->context, &p->numbers, channels) ? SOMA_OK : error_memory(error);
    if (!code) code = sum_files(set, chosen, elements, span, x, sums, &taken, error);
    for (int64_t c = 0; c < channels && !code; c++) {
        double count = taken ? (double)(taken * span) : 1, mean = (double)sums[c].sum / count;
        list_add(&p->numbers, c, mean, scale_of(mean, (double)sums[c].squares / count - mean * mean));
    }
    mem_free(p->context, x);
    mem_free(p->context, sums);
    return code;
}

/* ---- The target ------------------------------------------------------------------------------------------------ */

/* A target below all that trained may have no logarithm; it gets the least there is. */
static double transformed(const preprocess *p, double target) {
    return p->target_log ? log(fmax(target + p->target_shift, DBL_MIN)) : target;
}

double preprocess_target(const preprocess *p, double target) {
    return (transformed(p, target) - p->target_mean) / p->target_deviation;
}

double preprocess_answer(const preprocess *p, double raw) {
    double y = raw * p->target_deviation + p->target_mean;
    return p->target_log ? exp(fmin(fmax(y, p->target_low), p->target_high)) - p->target_shift : y;
}

soma_value preprocess_build_answer(const preprocess *p, soma_value raw) {
    soma_graph *g = raw.graph;
    soma_value scaled = soma_mul(raw, soma_scalar(g, p->target_deviation));
    soma_value y = soma_add(scaled, soma_scalar(g, p->target_mean));
    if (!p->target_log) return y;
    return soma_sub(soma_exp(soma_clip(y, p->target_low, p->target_high)), soma_scalar(g, p->target_shift));
}

/* What the chosen targets look like. */
typedef struct target_facts {
    double count, mean, least, most, least_positive;
} target_facts;

static target_facts look_at_targets(const soma_dataset *set, const bool *chosen) {
    target_facts f = {.least = INFINITY, .most = -INFINITY, .least_positive = INFINITY};
    for (int64_t row = 0; row < set->rows; row++) {
        double y = chosen[row] ? (double)set->targets[row] : NAN;
        if (isnan(y)) continue;
        f.count++;
        f.mean += y;
        f.least = fmin(f.least, y);
        f.most = fmax(f.most, y);
        if (y > 0) f.least_positive = fmin(f.least_positive, y);
    }
    f.mean = f.count > 0 ? f.mean / f.count : 0;
    return f;
}

/* Whether the logarithm is learnt, and the shift that gives 0 one: the least number above it, as 1 for counts. */
static void take_transform(const soma_dataset *set, const bool *chosen, target_transform transform, preprocess *p) {
    target_facts f = look_at_targets(set, chosen);
    p->target_log = transform == TARGET_LOG && isfinite(f.least_positive);
    p->target_shift = p->target_log && f.least <= 0 ? fmax(f.least_positive, f.mean / 1000) : 0;
}

int preprocess_check_transform(const soma_dataset *set, target_transform transform, soma_error *error) {
    if (transform == TARGET_LOG && !set->targets)
        return error_set(error, SOMA_ERROR_ARGUMENT, "--target-transform log: the target is a class, not a number");
    for (int64_t row = 0; transform == TARGET_LOG && row < set->rows; row++)
        if (set->targets[row] < 0)
            return error_set(error, SOMA_ERROR_ARGUMENT,
                             "--target-transform log needs numbers from 0 up, but a target is %g",
                             (double)set->targets[row]);
    return SOMA_OK;
}

static void learn_target(const soma_dataset *set, const bool *chosen, preprocess *p) {
    double sum = 0, squares = 0, count = 0;
    for (int64_t row = 0; row < set->rows; row++)
        if (chosen[row]) sum += transformed(p, (double)set->targets[row]), count++;
    p->target_mean = count > 0 ? sum / count : 0;
    for (int64_t row = 0; row < set->rows; row++) {
        double d = chosen[row] ? transformed(p, (double)set->targets[row]) - p->target_mean : 0;
        squares += d * d;
    }
    p->target_deviation = 1 / (double)scale_of(p->target_mean, count > 0 ? squares / count : 0);
    /* Half a deviation beyond what trained: an exponential that goes on further is rarely right and costs dearly. */
    target_facts f = look_at_targets(set, chosen);
    p->target_low = transformed(p, f.least) - p->target_deviation / 2;
    p->target_high = transformed(p, f.most) + p->target_deviation / 2;
}

bool preprocess_is_skewed(const soma_dataset *set, const int64_t *rows, size_t count) {
    double sum = 0, squares = 0, cubes = 0, n = (double)count;
    if (!set->targets || !count) return false;
    for (size_t i = 0; i < count; i++) sum += (double)set->targets[rows[i]];
    for (size_t i = 0; i < count; i++) {
        double y = (double)set->targets[rows[i]], d = y - sum / n;
        if (y < 0) return false;
        squares += d * d;
        cubes += d * d * d;
    }
    return cubes / n > pow(squares / n, 1.5);
}

/* ---- The whole ------------------------------------------------------------------------------------------------- */

int preprocess_learn(const soma_context *context, const soma_dataset *set, const int64_t *rows, size_t count,
                     target_transform transform, preprocess *p, soma_error *error) {
    *p = (preprocess){.context = context,
                      .sample = set->sample,
                      .far_out = count < MANY_ROWS ? FAR_OUT_OF_FEW : FAR_OUT_OF_MANY,
                      .target_deviation = 1};
    bool *chosen = mem_zeros(context, (size_t)set->rows, sizeof *chosen);
    for (size_t i = 0; chosen && i < count; i++) chosen[rows[i]] = true;
    int code = SOMA_OK;
    if (!chosen)
        code = error_memory(error);
    else if (set->files)
        code = learn_files(p, set, chosen, error);
    else if (!(set->sample.rank == 1 ? learn_table(p, set, chosen) : learn_pictures(p, set, chosen)))
        code = error_memory(error);
    if (!code && set->targets) {
        take_transform(set, chosen, transform, p);
        learn_target(set, chosen, p);
    }
    mem_free(context, chosen);
    if (code) preprocess_clear(p);
    return code;
}

void preprocess_clear(preprocess *p) {
    list_clear(p->context, &p->numbers);
    list_clear(p->context, &p->missing);
    list_clear(p->context, &p->levels);
    list_clear(p->context, &p->waves);
    *p = (preprocess){.context = p->context, .target_deviation = 1};
}

/* ---- As graph -------------------------------------------------------------------------------------------------- */

static soma_value columns_of(const feature_list *list, soma_value x) {
    return soma_gather(x, soma_constant_int64(x.graph, soma_shape1(list->count), list->column), 1);
}

static soma_value row_of(const feature_list *list, soma_graph *g, const float *values) {
    return soma_constant(g, soma_shape1(list->count), values);
}

/* x, and 0 where it is not a number. */
static soma_value present(soma_value x) { return soma_select(soma_is_nan(x), soma_scalar(x.graph, 0), x); }

static soma_value shifted(const feature_list *list, soma_value x) {
    return present(soma_sub(x, row_of(list, x.graph, list->a)));
}

/* All columns are numbers in their order, so that nothing needs to be gathered. */
static bool is_plain(const preprocess *p) { return p->numbers.count == p->sample.dims[0]; }

static soma_value build_table(const preprocess *p, soma_value x) {
    soma_graph *g = x.graph;
    soma_value parts[5];
    int count = 0;
    if (p->numbers.count) {
        soma_value numbers = is_plain(p) ? x : columns_of(&p->numbers, x);
        soma_value scaled = soma_mul(shifted(&p->numbers, numbers), row_of(&p->numbers, g, p->numbers.b));
        parts[count++] = soma_clip(scaled, -p->far_out, p->far_out);
    }
    if (p->levels.count) parts[count++] = soma_equal(columns_of(&p->levels, x), row_of(&p->levels, g, p->levels.a));
    if (p->missing.count) parts[count++] = soma_is_nan(columns_of(&p->missing, x));
    if (p->waves.count) {
        soma_value angle = soma_mul(shifted(&p->waves, columns_of(&p->waves, x)), row_of(&p->waves, g, p->waves.b));
        parts[count++] = soma_sin(angle);
        parts[count++] = soma_cos(angle);
    }
    return count == 1 ? parts[0] : soma_concat(parts, count, 1);
}

soma_value preprocess_build(const preprocess *p, soma_value x) {
    if (p->sample.rank == 1) return build_table(p, x);
    soma_shape shape = {p->sample.rank, {0}};
    for (int i = 0; i < shape.rank; i++) shape.dims[i] = i ? 1 : p->sample.dims[0];
    soma_value centred = soma_sub(x, soma_constant(x.graph, shape, p->numbers.a));
    return soma_mul(centred, soma_constant(x.graph, shape, p->numbers.b));
}
