/* wasm/slide.c: a window that slides over one picture: convolution, pooling, and what Hubel and Wiesel's cells make of
 * a convolution. A simple cell answers to its pattern at its place and keeps silent for the opposite one: relu(y). A
 * complex cell answers wherever in its field the pattern lies: the energy of a pair of kernels a quarter of a wave
 * apart, sqrt(y0^2 + y1^2) (Adelson and Bergen 1985), or the largest of simple cells around. Convolution is computed by
 * its definition, so that whole numbers give whole numbers. */
#include "binding.h"

struct slide {
    int32_t settings[SLIDE_SETTINGS];
    soma_graph *graph;
    soma_store *store;
    soma_value x, convolved, y;
    part part;
};

static const char KERNEL[] = "kernel";

static size_t kernel_size(const slide *s) {
    return (size_t)s->settings[SLIDE_KERNEL_HEIGHT] * (size_t)s->settings[SLIDE_KERNEL_WIDTH];
}

static soma_window window_of(const int32_t *s) {
    return (soma_window){.kernel = {s[SLIDE_KERNEL_HEIGHT], s[SLIDE_KERNEL_WIDTH]},
                         .stride = {s[SLIDE_STRIDE], s[SLIDE_STRIDE]},
                         .dilation = {s[SLIDE_DILATION], s[SLIDE_DILATION]},
                         .before = {s[SLIDE_PADDING], s[SLIDE_PADDING]},
                         .after = {s[SLIDE_PADDING], s[SLIDE_PADDING]}};
}

static soma_value pool_around(soma_value x, int32_t size) {
    return soma_max_pool(x, SOMA_OPTIONS(soma_window){.kernel = {size, size}});
}

static soma_value build_output(slide *s) {
    const int32_t *t = s->settings;
    soma_window window = window_of(t);
    if (t[SLIDE_KIND] == SLIDE_MAX) return soma_max_pool(s->x, window);
    if (t[SLIDE_KIND] == SLIDE_AVERAGE) return soma_average_pool(s->x, window);
    soma_shape shape = soma_shape4(t[SLIDE_FILTERS], 1, t[SLIDE_KERNEL_HEIGHT], t[SLIDE_KERNEL_WIDTH]);
    soma_value kernel = soma_variable(s->graph, KERNEL, shape, SOMA_OPTIONS(soma_init){.value = 0}, false);
    s->convolved = soma_name(soma_convolution(s->x, kernel, window, 1), "convolution");
    switch (t[SLIDE_KIND]) {
    case SLIDE_SIMPLE:
        return soma_relu(s->convolved);
    case SLIDE_ENERGY:
        return soma_sqrt(soma_reduce_sum(soma_square(s->convolved), SOMA_AXIS(1), true));
    case SLIDE_POOLED:
        return pool_around(soma_relu(s->convolved), t[SLIDE_POOL]);
    default:
        return s->convolved;
    }
}

/* Whether each place of a window has an element inside the picture along an axis; the largest of nothing is no number.
 */
static bool sees_picture(const soma_window *w, int axis, int64_t size, int64_t places) {
    for (int64_t p = 0; p < places; p++) {
        bool inside = false;
        for (int64_t k = 0; k < w->kernel[axis]; k++) {
            int64_t at = p * w->stride[axis] - w->before[axis] + k * w->dilation[axis];
            inside |= at >= 0 && at < size;
        }
        if (!inside) return false;
    }
    return true;
}

static int build(slide *s, soma_error *error) {
    const int32_t *t = s->settings;
    s->x = soma_input(s->graph, "x", soma_shape4(1, 1, t[SLIDE_HEIGHT], t[SLIDE_WIDTH]));
    s->y = build_output(s);
    const soma_error *mistake = soma_graph_error(s->graph);
    if (mistake->code) return error_set(error, mistake->code, "%s", mistake->message);
    soma_shape out = soma_value_shape(s->y);
    soma_window window = window_of(t);
    if ((t[SLIDE_KIND] == SLIDE_MAX || t[SLIDE_KIND] == SLIDE_AVERAGE) &&
        (!sees_picture(&window, 0, t[SLIDE_HEIGHT], out.dims[2]) ||
         !sees_picture(&window, 1, t[SLIDE_WIDTH], out.dims[3])))
        return error_set(error, SOMA_ERROR_ARGUMENT, "at some places the pooling window sees nothing but padding");
    soma_plan_options options = {.store = s->store, .threads = 1, .algorithm = SOMA_ALGORITHM_DIRECT};
    return part_make(&s->part, &s->y, 1, options, error);
}

slide *slide_create(const int32_t *settings, soma_error *error) {
    slide *s = mem_zeros(NULL, 1, sizeof *s);
    if (!s) return error_memory(error), NULL;
    memcpy(s->settings, settings, sizeof s->settings);
    s->graph = soma_graph_create();
    s->store = soma_store_create(SOMA_OPTIONS(soma_store_options){.seed = 0}, error);
    if (!s->graph) error_memory(error);
    if (!error->code && !build(s, error)) return s;
    slide_destroy(s);
    return NULL;
}

void slide_destroy(slide *s) {
    if (!s) return;
    part_clear(&s->part);
    soma_store_destroy(s->store);
    soma_graph_destroy(s->graph);
    mem_free(NULL, s);
}

int slide_shape(const slide *s, int32_t *dims) {
    soma_shape shape = soma_value_shape(s->y);
    for (int i = 1; i < shape.rank; i++) dims[i - 1] = (int32_t)shape.dims[i];
    return shape.rank - 1;
}

static int set_kernel(slide *s, const float *kernels, soma_error *error) {
    if (!s->convolved.node) return SOMA_OK;
    size_t count = (size_t)s->settings[SLIDE_FILTERS] * kernel_size(s);
    return soma_store_set(s->store, KERNEL, kernels, count, error);
}

int slide_run(slide *s, const float *x, const float *kernels, float *y, soma_error *error) {
    soma_shape shape = soma_value_shape(s->y);
    size_t count = (size_t)(shape.dims[1] * shape.dims[2] * shape.dims[3]);
    return set_kernel(s, kernels, error) || soma_run_set(s->part.run, s->x, x, 1, error) ||
                   soma_run_step(s->part.run, error) || soma_run_get(s->part.run, s->y, y, count, error)
               ? error->code
               : SOMA_OK;
}

int slide_products(slide *s, const float *x, const float *kernels, int row, int column, double *out,
                   soma_error *error) {
    size_t count = kernel_size(s);
    soma_layer layer = {.name = "convolution", .input = s->x, .value = s->convolved, .output = s->convolved};
    soma_product *products = mem_array(NULL, count, sizeof *products);
    soma_pixel pixel;
    if (!products) return error_memory(error);
    if (!s->convolved.node) error_set(error, SOMA_ERROR_ARGUMENT, "pooling multiplies by no kernel");
    if (!set_kernel(s, kernels, error) && !soma_layer_pixel(layer, s->store, x, SOMA_OPTIONS(soma_unit){0, row, column},
                                                            products, count, &pixel, error)) {
        for (size_t i = 0; i < count; i++) {
            out[3 * i] = products[i].input;
            out[3 * i + 1] = products[i].weight;
            out[3 * i + 2] = products[i].product;
        }
        out[3 * count] = pixel.sum;
    }
    mem_free(NULL, products);
    return error->code;
}

/* ---- Gabor's kernels --------------------------------------------------------------------------------------------- */

/* A wave under a bell, as simple cells' fields look: exp(-(u^2 + (v / 2)^2) / (2 s^2)) cos(2 pi u / wavelength + phase)
 * with s = 0.56 wavelength, which makes them answer to about an octave (Daugman 1985; Jones and Palmer 1987). u runs
 * across the lines that it answers to, v along them. */
static const double PI = 3.14159265358979323846, WIDTH = 0.56, ASPECT = 0.5;

int gabor_size(double wavelength) {
    int reach = (int)(2 * WIDTH * wavelength) + 1;
    return 2 * reach + 1;
}

/* Zero for an even picture, and 1 at most for one between 0 and 1. */
static soma_value balanced(soma_value bell, soma_value wave) {
    soma_value product = soma_mul(bell, wave);
    soma_value level = soma_div(soma_sum(product), soma_sum(bell));
    soma_value even = soma_sub(product, soma_mul(bell, level));
    return soma_div(soma_mul(even, soma_scalar(bell.graph, 2)), soma_sum(soma_abs(even)));
}

static soma_value times(soma_value x, double factor) { return soma_mul(x, soma_scalar(x.graph, factor)); }

static void gabor_build(soma_graph *g, soma_value across, soma_value along, const double *s, soma_value *kernels) {
    double width = WIDTH * s[GABOR_WAVELENGTH];
    soma_value far = soma_add(soma_square(across), soma_square(times(along, ASPECT)));
    soma_value bell = soma_exp(times(far, -1 / (2 * width * width)));
    soma_value angle = soma_add(times(across, 2 * PI / s[GABOR_WAVELENGTH]), soma_scalar(g, s[GABOR_PHASE] * PI / 180));
    kernels[0] = balanced(bell, soma_cos(angle));
    kernels[1] = balanced(bell, soma_sin(angle));
}

int gabor_kernels(const double *settings, float *out, soma_error *error) {
    int size = gabor_size(settings[GABOR_WAVELENGTH]);
    size_t count = (size_t)size * (size_t)size;
    soma_graph *g = soma_graph_create();
    float *places = mem_array(NULL, 2 * count, sizeof *places);
    part p = {0};
    if (!g || !places) error_memory(error);
    for (size_t i = 0; places && i < count; i++) {
        int row = (int)i / size, column = (int)i % size, middle = size / 2;
        places[i] = (float)(column - middle);
        places[count + i] = (float)(row - middle);
    }
    if (!error->code) {
        soma_shape shape = soma_shape2(size, size);
        soma_value right = soma_constant(g, shape, places), down = soma_constant(g, shape, places + count);
        soma_value turn = times(soma_scalar(g, settings[GABOR_ORIENTATION]), PI / 180), kernels[2];
        soma_value sine = soma_sin(turn), cosine = soma_cos(turn);
        /* Lines at that angle run to (cos, -sin) in a picture whose rows count downwards. */
        gabor_build(g, soma_add(soma_mul(right, sine), soma_mul(down, cosine)),
                    soma_sub(soma_mul(right, cosine), soma_mul(down, sine)), settings, kernels);
        if (!part_make(&p, kernels, 2, SOMA_OPTIONS(soma_plan_options){.threads = 1}, error) &&
            !soma_run_step(p.run, error) && !soma_run_get(p.run, kernels[0], out, count, error))
            soma_run_get(p.run, kernels[1], out + count, count, error);
    }
    part_clear(&p);
    soma_graph_destroy(g);
    mem_free(NULL, places);
    return error->code;
}
