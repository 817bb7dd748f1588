/* nn/init.c: initial values of variables. What they must do is keep the variance of signals and gradients about
 * constant from layer to layer, so that neither fades nor grows with depth, and differ (docs/tutorial.md, chapter 6:
 * why weights can't all be one constant). Normal: standard deviation 1/sqrt(d), d the input size (LeCun et al. 1998).
 * Xavier: variance 2/(d + e), between what the forward and the backward pass want (Glorot and Bengio 2010). He:
 * variance 2/d, as ReLU lets half of it through (He et al. 2015). Orthogonal: rows or columns orthonormal (Saxe et al.
 * 2013), Q of the QR factorisation of a normal matrix, its signs fixed by R's diagonal so that it is uniform among
 * orthogonal matrices (Mezzadri 2007). A variable's numbers come from a Philox stream of its own, named by the seed and
 * its name. */
#include "nn/init.h"

#include "base/random.h"

#include <math.h>

void init_fans(const soma_shape *shape, const soma_init *init, double *fan_in, double *fan_out) {
    double first = shape->rank > 0 ? (double)shape->dims[0] : 1, in = 1, area = 1;
    for (int i = 1; i < shape->rank; i++) in *= (double)shape->dims[i];
    for (int i = 2; i < shape->rank; i++) area *= (double)shape->dims[i];
    *fan_in = init->fan_in > 0 ? (double)init->fan_in : in;
    *fan_out = init->fan_out > 0 ? (double)init->fan_out : first * area;
    if (*fan_in < 1) *fan_in = 1;
    if (*fan_out < 1) *fan_out = 1;
}

static void fill_normal(random_stream *stream, double deviation, double *values, size_t count) {
    for (size_t i = 0; i < count; i++) values[i] = deviation * random_normal(stream);
}

/* In (-bound, bound). */
static void fill_uniform(random_stream *stream, double bound, double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double u = random_uniform(stream);
        while (u == 0) u = random_uniform(stream);
        values[i] = bound * (2 * u - 1);
    }
}

/* `count` vectors of `length` elements inside a matrix: its rows or its columns. */
typedef struct vectors {
    double *at;
    size_t count, length, vector_step, element_step;
} vectors;

static double dot(const vectors *m, size_t a, size_t b) {
    const double *x = m->at + a * m->vector_step, *y = m->at + b * m->vector_step;
    double sum = 0;
    for (size_t j = 0; j < m->length; j++) sum += x[j * m->element_step] * y[j * m->element_step];
    return sum;
}

static void add_scaled(const vectors *m, size_t to, double factor, size_t from) {
    double *x = m->at + to * m->vector_step;
    const double *y = m->at + from * m->vector_step;
    for (size_t j = 0; j < m->length; j++) x[j * m->element_step] += factor * y[j * m->element_step];
}

/* Makes count <= length vectors orthonormal by modified Gram-Schmidt, done twice for each vector ("twice is enough",
 * Giraud et al. 2005). A vector in the span of those before it, which normal numbers all but never give, is drawn anew.
 * R's diagonal is positive here by construction, which is Mezzadri's choice of signs. */
static void orthonormalise(random_stream *stream, const vectors *m) {
    for (size_t i = 0; i < m->count; i++) {
        double *vector = m->at + i * m->vector_step;
        double before = 0, left = 0;
        while (left <= 1e-16 * before) {
            for (size_t j = 0; j < m->length; j++) vector[j * m->element_step] = random_normal(stream);
            before = dot(m, i, i);
            for (int pass = 0; pass < 2; pass++)
                for (size_t k = 0; k < i; k++) add_scaled(m, i, -dot(m, i, k), k);
            left = dot(m, i, i);
        }
        add_scaled(m, i, 1 / sqrt(left) - 1, i);
    }
}

/* The variable as a matrix of its first dimension by all others: the fewer of its rows and columns are orthonormal. */
static void fill_orthogonal(const soma_shape *shape, random_stream *stream, double gain, double *values, size_t count) {
    size_t rows = shape->rank > 0 ? (size_t)shape->dims[0] : 1, columns = rows ? count / rows : 0;
    vectors m = {values, rows, columns, columns, 1};
    if (rows > columns) m = (vectors){values, columns, rows, 1, columns};
    if (count) orthonormalise(stream, &m);
    for (size_t i = 0; i < count; i++) values[i] *= gain;
}

int init_fill(const soma_shape *shape, soma_init init, uint64_t seed, const char *name, double *values) {
    double fan_in, fan_out;
    int64_t elements = shape_elements(shape, 1);
    if (elements < 0 || shape_has_batch(shape) || !isfinite(init.value)) return SOMA_ERROR_ARGUMENT;
    size_t count = (size_t)elements;
    random_stream stream = random_open(seed, hash_bytes(name, strlen(name), HASH_START));
    init_fans(shape, &init, &fan_in, &fan_out);
    switch (init.kind) {
    case SOMA_INIT_CONSTANT:
        for (size_t i = 0; i < count; i++) values[i] = init.value;
        return SOMA_OK;
    case SOMA_INIT_NORMAL:
        fill_normal(&stream, init.value != 0 ? fabs(init.value) : 1 / sqrt(fan_in), values, count);
        return SOMA_OK;
    case SOMA_INIT_UNIFORM:
        fill_uniform(&stream, fabs(init.value), values, count);
        return SOMA_OK;
    case SOMA_INIT_XAVIER_UNIFORM:
        fill_uniform(&stream, sqrt(6 / (fan_in + fan_out)), values, count);
        return SOMA_OK;
    case SOMA_INIT_XAVIER_NORMAL:
        fill_normal(&stream, sqrt(2 / (fan_in + fan_out)), values, count);
        return SOMA_OK;
    case SOMA_INIT_HE:
        fill_normal(&stream, sqrt(2 / fan_in), values, count);
        return SOMA_OK;
    case SOMA_INIT_ORTHOGONAL:
        fill_orthogonal(shape, &stream, init.value != 0 ? init.value : 1, values, count);
        return SOMA_OK;
    }
    return SOMA_ERROR_ARGUMENT;
}
