/* wasm/description.c: a network's layers, shapes, parameters and work, from its graph alone: no weight is made, so that
 * a network of 250 MB is told in a blink. */
#include "binding.h"
#include "nn/zoo.h"

struct description {
    spec *spec;
    char *text;
    soma_shape sample;
    spec_row *rows;
    size_t count;
};

static int describe(description *d, const char *text, const int32_t *sample, int rank, soma_error *error) {
    const zoo_net *net = zoo_find(text);
    d->spec = spec_open(NULL, text, error);
    if (!d->spec) return error->code;
    d->text = spec_text(d->spec);
    if (!d->text) return error_memory(error);
    d->sample.rank = rank;
    for (int i = 0; i < rank; i++) d->sample.dims[i] = sample[i];
    if (!rank && net) d->sample = net->sample;
    return spec_describe(d->spec, d->sample, &d->rows, &d->count, error);
}

description *description_create(const char *text, const int32_t *sample, int rank, soma_error *error) {
    description *d = mem_zeros(NULL, 1, sizeof *d);
    if (!d) return error_memory(error), NULL;
    if (!describe(d, text, sample, rank, error)) return d;
    description_destroy(d);
    return NULL;
}

void description_destroy(description *d) {
    if (!d) return;
    mem_free(NULL, d->rows);
    mem_free(NULL, d->text);
    spec_destroy(d->spec);
    mem_free(NULL, d);
}

const char *description_text(const description *d) { return d->text; }

int description_sample(const description *d, int32_t *dims) {
    for (int i = 0; i < d->sample.rank; i++) dims[i] = (int32_t)d->sample.dims[i];
    return d->sample.rank;
}

size_t description_rows(const description *d) { return d->count; }
const char *description_row_text(const description *d, size_t row) { return d->rows[row].text; }

int description_row_shape(const description *d, size_t row, int output, int32_t *dims) {
    const soma_shape *shape = output ? &d->rows[row].output : &d->rows[row].input;
    for (int i = 1; i < shape->rank; i++) dims[i - 1] = (int32_t)shape->dims[i];
    return shape->rank ? shape->rank - 1 : 0;
}

void description_row_numbers(const description *d, size_t row, double *numbers) {
    const spec_row *r = &d->rows[row];
    double elements = 1;
    for (int i = 1; i < r->output.rank; i++) elements *= (double)r->output.dims[i];
    numbers[ROW_DEPTH] = r->depth;
    numbers[ROW_PARAMETERS] = (double)r->parameters;
    numbers[ROW_FLOPS] = r->flops;
    numbers[ROW_PARAMETER_BYTES] = (double)r->parameters * sizeof(float);
    numbers[ROW_OUTPUT_BYTES] = elements * sizeof(float);
    numbers[ROW_KERNEL_HEIGHT] = (double)r->window.kernel[0];
    numbers[ROW_KERNEL_WIDTH] = (double)r->window.kernel[1];
    numbers[ROW_STRIDE] = (double)r->window.stride[0];
    numbers[ROW_PADDING] = (double)r->window.before[0];
}
