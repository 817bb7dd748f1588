/* train/preprocess.c: standardising. Numeric columns become (x - mean) / sd with the training rows' mean and (biased)
 * standard deviation, a constant column only loses its mean; a category with K levels becomes K columns of 0 and 1;
 * pictures are scaled a channel at a time, which contains the division by 255; a regression's target is standardised,
 * so that losses and learning rates mean the same whatever its unit. All of it is arithmetic inside the graph, and so
 * goes into the saved model. */
#include "train/preprocess.h"

#include "graph/graph.h"

#include <math.h>

static double feature_at(const soma_dataset *set, int64_t row, int64_t elements, int64_t index) {
    int64_t at = row * elements + index;
    return set->pictures ? (double)set->pictures[at] : (double)set->features[at];
}

/* 1 / sd, 1 where there is no spread: a value that differs only by rounding would be blown up otherwise. */
static float scale_of(double mean, double variance) {
    double sd = sqrt(variance);
    return isfinite(sd) && sd > 1e-7 * fabs(mean) && sd > 1e-30 ? (float)(1 / sd) : 1.0f;
}

/* Mean and variance of `span` neighbouring elements over the marked rows, in two passes. */
static void learn_channel(const soma_dataset *set, const bool *chosen, int64_t elements, int64_t first, int64_t span,
                          double *mean, double *variance) {
    double sum = 0, squares = 0, count = 0;
    for (int64_t row = 0; row < set->rows; row++)
        for (int64_t i = 0; chosen[row] && i < span; i++, count++) sum += feature_at(set, row, elements, first + i);
    *mean = count > 0 ? sum / count : 0;
    for (int64_t row = 0; row < set->rows; row++)
        for (int64_t i = 0; chosen[row] && i < span; i++) {
            double d = feature_at(set, row, elements, first + i) - *mean;
            squares += d * d;
        }
    *variance = count > 0 ? squares / count : 0;
}

static void learn_target(const soma_dataset *set, const bool *chosen, preprocess *p) {
    double sum = 0, squares = 0, count = 0;
    for (int64_t row = 0; row < set->rows; row++)
        if (chosen[row]) sum += (double)set->targets[row], count++;
    p->target_mean = count > 0 ? sum / count : 0;
    for (int64_t row = 0; row < set->rows; row++) {
        double d = (double)set->targets[row] - p->target_mean;
        if (chosen[row]) squares += d * d;
    }
    p->target_deviation = 1 / (double)scale_of(p->target_mean, count > 0 ? squares / count : 0);
}

/* Which columns are numbers and which become one-hot features. */
static bool lay_out_table(const soma_dataset *set, preprocess *p) {
    const table_schema *schema = &set->schema;
    int64_t columns = set->sample.dims[0], numbers = 0, levels = 0;
    for (int64_t c = 0; c < columns; c++) {
        bool category = (size_t)c < schema->columns_count && schema->columns[c].kind == COLUMN_CATEGORY;
        numbers += !category;
        levels += category ? (int64_t)schema->columns[c].categories_count : 0;
    }
    p->channels = numbers;
    p->one_hot = levels;
    p->numeric = mem_array(p->context, (size_t)numbers, sizeof *p->numeric);
    p->column = mem_array(p->context, (size_t)levels, sizeof *p->column);
    p->code = mem_array(p->context, (size_t)levels, sizeof *p->code);
    if (!p->numeric || !p->column || !p->code) return false;
    numbers = levels = 0;
    for (int64_t c = 0; c < columns; c++) {
        bool category = (size_t)c < schema->columns_count && schema->columns[c].kind == COLUMN_CATEGORY;
        if (!category) p->numeric[numbers++] = c;
        for (size_t k = 0; category && k < schema->columns[c].categories_count; k++) {
            p->column[levels] = c;
            p->code[levels++] = (int64_t)k;
        }
    }
    return true;
}

int preprocess_learn(const soma_context *context, const soma_dataset *set, const int64_t *rows, size_t count,
                     preprocess *p, soma_error *error) {
    *p = (preprocess){.context = context, .sample = set->sample, .target_deviation = 1};
    int64_t elements = shape_elements(&set->sample, 1), span = 1;
    bool table = set->sample.rank == 1, ok = true;
    bool *chosen = mem_zeros(context, (size_t)set->rows, sizeof *chosen);
    if (table) {
        ok = lay_out_table(set, p);
    } else {
        p->channels = set->sample.rank ? set->sample.dims[0] : 1;
        span = p->channels ? elements / p->channels : 0;
    }
    p->mean = mem_array(context, (size_t)p->channels, sizeof *p->mean);
    p->scale = mem_array(context, (size_t)p->channels, sizeof *p->scale);
    if (!ok || !chosen || !p->mean || !p->scale) {
        mem_free(context, chosen);
        preprocess_clear(p);
        return error_memory(error);
    }
    for (size_t i = 0; i < count; i++) chosen[rows[i]] = true;
    for (int64_t c = 0; c < p->channels; c++) {
        double mean, variance;
        learn_channel(set, chosen, elements, table ? p->numeric[c] : c * span, span, &mean, &variance);
        p->mean[c] = (float)mean;
        p->scale[c] = scale_of(mean, variance);
    }
    if (set->targets) learn_target(set, chosen, p);
    mem_free(context, chosen);
    return SOMA_OK;
}

void preprocess_clear(preprocess *p) {
    mem_free(p->context, p->numeric);
    mem_free(p->context, p->mean);
    mem_free(p->context, p->scale);
    mem_free(p->context, p->column);
    mem_free(p->context, p->code);
    *p = (preprocess){.context = p->context, .target_deviation = 1};
}

static soma_value standardise(const preprocess *p, soma_value x, soma_shape shape) {
    soma_value centred = soma_sub(x, soma_constant(x.graph, shape, p->mean));
    return soma_mul(centred, soma_constant(x.graph, shape, p->scale));
}

/* 1 where the column that a feature reads holds the feature's code. */
static soma_value one_hot(const preprocess *p, soma_value x) {
    float *codes = mem_array(p->context, (size_t)p->one_hot, sizeof *codes);
    if (!codes) {
        soma_value none = {x.graph, 0, 0};
        error_memory(&x.graph->error);
        return none;
    }
    for (int64_t i = 0; i < p->one_hot; i++) codes[i] = (float)p->code[i];
    soma_value columns = soma_constant_int64(x.graph, soma_shape1(p->one_hot), p->column);
    soma_value wanted = soma_constant(x.graph, soma_shape1(p->one_hot), codes);
    mem_free(p->context, codes);
    return soma_equal(soma_gather(x, columns, 1), wanted);
}

soma_value preprocess_build(const preprocess *p, soma_value x) {
    if (p->sample.rank != 1) {
        soma_shape shape = {p->sample.rank, {0}};
        for (int i = 0; i < shape.rank; i++) shape.dims[i] = i ? 1 : p->sample.dims[0];
        return standardise(p, x, shape);
    }
    soma_value numbers = x, parts[2];
    if (p->channels && p->one_hot)
        numbers = soma_gather(x, soma_constant_int64(x.graph, soma_shape1(p->channels), p->numeric), 1);
    if (p->channels) numbers = standardise(p, numbers, soma_shape1(p->channels));
    if (!p->one_hot) return numbers;
    parts[0] = numbers;
    parts[1] = one_hot(p, x);
    return p->channels ? soma_concat(parts, 2, 1) : parts[1];
}
