/* ops/upsample.c: pictures enlarged by whole factors, each element repeated ("nearest neighbour"), and the adjoint,
 * which sums each block of copies. They are linear, and each is the other's gradient. */
#include "graph/graph.h"
#include "ops/window.h"

#include <stdio.h>

enum { LARGEST_FACTOR = 1 << 15 };

static bool factors_fit(op_infer *i, const upsample_attributes *a) {
    for (int d = 0; d < 2; d++)
        if (a->factor[d] < 1 || a->factor[d] > LARGEST_FACTOR) {
            infer_fail(i, "the factor along the %s is %lld, expected 1 to %d", d ? "width" : "height",
                       (long long)a->factor[d], LARGEST_FACTOR);
            return false;
        }
    return true;
}

static void infer_upsample(op_infer *i) {
    const upsample_attributes *a = i->attributes;
    soma_shape s = i->in[0].shape;
    if (!window_image(i, 0, "the input") || !factors_fit(i, a)) return;
    for (int d = 0; d < 2; d++)
        if (__builtin_mul_overflow(s.dims[2 + d], a->factor[d], &s.dims[2 + d])) s.dims[2 + d] = INT64_MAX;
    if (shape_elements(&s, 1) < 0)
        infer_fail(i, "the output has too many elements");
    else
        i->out[0] = (tensor_type){SOMA_FLOAT, s};
}

static void infer_backward(op_infer *i) {
    const upsample_attributes *a = i->attributes;
    soma_shape s = i->in[0].shape;
    if (!window_image(i, 0, "the output's gradient") || !factors_fit(i, a)) return;
    for (int d = 0; d < 2; d++) {
        if (s.dims[2 + d] % a->factor[d]) {
            infer_fail(i, "the factor %lld does not divide the %s of %lld", (long long)a->factor[d],
                       d ? "width" : "height", (long long)s.dims[2 + d]);
            return;
        }
        s.dims[2 + d] /= a->factor[d];
    }
    i->out[0] = (tensor_type){SOMA_FLOAT, s};
}

static void gradient_upsample(op_gradient *c) {
    c->din[0] = graph_add1(&op_upsample_backward, c->attributes, c->dout[0]);
}
static void gradient_backward(op_gradient *c) { c->din[0] = graph_add1(&op_upsample, c->attributes, c->dout[0]); }

/* For every element of the large picture: its value from the small one, or to it. */
static void walk(const upsample_attributes *a, const tensor *small, const tensor *large, bool backward) {
    const int64_t *s = large->shape.dims;
    double *to = large->data, *from = small->data;
    for (int64_t plane = 0; plane < s[0] * s[1]; plane++)
        for (int64_t i = 0; i < s[2]; i++)
            for (int64_t j = 0; j < s[3]; j++, to++) {
                int64_t row = plane * (s[2] / a->factor[0]) + i / a->factor[0];
                double *at = &from[row * (s[3] / a->factor[1]) + j / a->factor[1]];
                if (backward)
                    *at += *to;
                else
                    *to = *at;
            }
}

static void reference_upsample(const op_call *c) { walk(c->attributes, &c->in[0], &c->out[0], false); }
static void reference_backward(const op_call *c) {
    int64_t n = shape_elements(&c->out[0].shape, 1);
    for (int64_t i = 0; i < n; i++) ((double *)c->out[0].data)[i] = 0;
    walk(c->attributes, &c->out[0], &c->in[0], true);
}

static void describe(const void *attributes, char *text, size_t size) {
    const upsample_attributes *a = attributes;
    snprintf(text, size, "%lldx%lld", (long long)a->factor[0], (long long)a->factor[1]);
}

const soma_op op_upsample = {.name = "upsample",
                             .inputs_min = 1,
                             .inputs_max = 1,
                             .outputs = 1,
                             .attributes_size = sizeof(upsample_attributes),
                             .infer = infer_upsample,
                             .gradient = gradient_upsample,
                             .reference = reference_upsample,
                             .describe = describe};
const soma_op op_upsample_backward = {.name = "upsample_backward",
                                      .inputs_min = 1,
                                      .inputs_max = 1,
                                      .outputs = 1,
                                      .attributes_size = sizeof(upsample_attributes),
                                      .infer = infer_backward,
                                      .gradient = gradient_backward,
                                      .reference = reference_backward,
                                      .describe = describe};

soma_value soma_upsample(soma_value x, int64_t height_factor, int64_t width_factor) {
    upsample_attributes a = {{height_factor, width_factor}};
    return graph_add1(&op_upsample, &a, x);
}
