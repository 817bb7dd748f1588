/* ops/resize.c: pictures resampled along height and width. Interpolation is linear in the picture and the same in every
 * row and column, so that it is a product with a constant matrix on either side, two or four numbers in each of whose
 * rows are not 0; gradients follow from the product's. */
#include "ops/resize.h"

#include "graph/graph.h"

#include <math.h>

enum { LARGEST_MATRIX = 1 << 24 };

soma_value resize_by_matrix(soma_value x, int axis, int64_t size, resize_weights weights, const void *user) {
    soma_shape s = soma_value_shape(x);
    const soma_context *context = x.graph->context;
    int64_t from = s.dims[axis], elements;
    if (__builtin_mul_overflow(size, from, &elements) || elements > LARGEST_MATRIX)
        return graph_fail(x.graph, "resize: %lld elements to %lld are too many", (long long)from, (long long)size);
    float *matrix = mem_zeros(context, (size_t)elements, sizeof *matrix);
    if (!matrix) return error_memory(&x.graph->error), (soma_value){x.graph, 0, 0};
    for (int64_t i = 0; i < size; i++) weights(user, i, size, from, matrix + i * from);
    soma_value w = soma_constant(x.graph, soma_shape2(size, from), matrix);
    mem_free(context, matrix);
    return axis == s.rank - 1 ? soma_gemm(x, w, false, true) : soma_matmul(w, x);
}

void resize_linear_at(double place, int64_t from, float *row) {
    int64_t left = (int64_t)floor(place);
    double part = place - (double)left;
    for (int k = 0; k < 2; k++) {
        int64_t at = left + k < 0 ? 0 : left + k >= from ? from - 1 : left + k;
        row[at] += (float)(k ? part : 1 - part);
    }
}

/* Centres of pixels stand at whole numbers and a half; places before the first centre or behind the last are moved
 * there by resize_linear_at. */
static void half_pixels(const void *user, int64_t i, int64_t size, int64_t from, float *row) {
    (void)user;
    resize_linear_at(((double)i + 0.5) * (double)from / (double)size - 0.5, from, row);
}

soma_value soma_resize_bilinear(soma_value x, int64_t height, int64_t width) {
    soma_shape s = soma_value_shape(x);
    char text[SHAPE_TEXT];
    if (!value_ok(x)) return (soma_value){x.graph, 0, 0};
    if (s.rank != 4 || s.dims[2] < 1 || s.dims[3] < 1 || height < 1 || width < 1)
        return graph_fail(x.graph, "resize_bilinear: %s to %lldx%lld; [N, channels, height, width] is expected",
                          shape_text(&s, text), (long long)height, (long long)width);
    if (width != s.dims[3]) x = resize_by_matrix(x, 3, width, half_pixels, NULL);
    return height == s.dims[2] || !value_ok(x) ? x : resize_by_matrix(x, 2, height, half_pixels, NULL);
}
