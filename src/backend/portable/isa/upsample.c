/* isa/upsample.c: pictures enlarged by repeating elements, and the sums of the copies; memory is all that they cost.
 * Each row is made once and copied. Split among threads by planes. */
#include "backend/portable/isa/kernels.h"
#include "ops/attributes.h"

static void repeat_row(const float *x, int64_t width, int64_t factor, float *to) {
    if (factor == 1) {
        memcpy(to, x, (size_t)width * sizeof *to);
    } else if (factor == 2) {
        for (int64_t j = 0; j < width; j++) to[2 * j] = to[2 * j + 1] = x[j];
    } else {
        for (int64_t j = 0; j < width; j++)
            for (int64_t l = 0; l < factor; l++) *to++ = x[j];
    }
}

static void add_row(const float *dy, int64_t width, int64_t factor, float *to) {
    if (factor == 1) {
        for (int64_t j = 0; j < width; j++) to[j] += dy[j];
    } else if (factor == 2) {
        for (int64_t j = 0; j < width; j++) to[j] += dy[2 * j] + dy[2 * j + 1];
    } else {
        for (int64_t j = 0; j < width; j++) {
            float sum = 0;
            for (int64_t l = 0; l < factor; l++) sum += *dy++;
            to[j] += sum;
        }
    }
}

partition KERNEL(upsample_partition)(const kernel_call *call) {
    const soma_shape *x = &call->in[0].shape, *y = &call->out[0].shape;
    return kernel_split(call, shape_elements(x, 1) + shape_elements(y, 1), true);
}

void KERNEL(upsample_run)(const kernel_call *call, int thread) {
    const upsample_attributes *a = call->attributes;
    const int64_t *s = call->in[0].shape.dims, height = s[2], width = s[3], line = width * a->factor[1];
    int64_t first, end;
    kernel_range(call, thread, s[0] * s[1], &first, &end);
    const float *x = (const float *)call->in[0].data + first * height * width;
    float *to = (float *)call->out[0].data + first * height * a->factor[0] * line;
    for (int64_t row = first * height; row < end * height; row++, x += width) {
        const float *made = to;
        repeat_row(x, width, a->factor[1], to);
        to += line;
        for (int64_t k = 1; k < a->factor[0]; k++, to += line) memcpy(to, made, (size_t)line * sizeof *to);
    }
}

void KERNEL(upsample_backward_run)(const kernel_call *call, int thread) {
    const upsample_attributes *a = call->attributes;
    const int64_t *s = call->out[0].shape.dims, height = s[2], width = s[3], line = width * a->factor[1];
    int64_t first, end;
    kernel_range(call, thread, s[0] * s[1], &first, &end);
    float *to = (float *)call->out[0].data + first * height * width;
    const float *dy = (const float *)call->in[0].data + first * height * a->factor[0] * line;
    for (int64_t row = first * height; row < end * height; row++, to += width) {
        memset(to, 0, (size_t)width * sizeof *to);
        for (int64_t k = 0; k < a->factor[0]; k++, dy += line) add_row(dy, width, a->factor[1], to);
    }
}
