/* ops/strided.c: see strided.h. The index counts up like an odometer; both positions follow it. */
#include "ops/strided.h"

void strides_of(const soma_shape *shape, int64_t strides[SOMA_MAX_RANK]) {
    int64_t step = 1;
    for (int d = shape->rank - 1; d >= 0; d--) {
        strides[d] = step;
        step *= shape->dims[d];
    }
}

void strides_broadcast(const soma_shape *from, const soma_shape *to, int64_t strides[SOMA_MAX_RANK]) {
    int64_t step = 1;
    for (int d = to->rank - 1; d >= 0; d--) {
        int k = d - (to->rank - from->rank);
        strides[d] = k < 0 || from->dims[k] == 1 ? 0 : step;
        if (k >= 0) step *= from->dims[k];
    }
}

void strided_copy(const soma_shape *shape, void *out, const int64_t *out_strides, const void *in,
                  const int64_t *in_strides) {
    int64_t n = shape_elements(shape, 1), index[SOMA_MAX_RANK] = {0}, to = 0, from = 0;
    for (int64_t i = 0; i < n; i++) {
        memcpy((char *)out + to * 8, (const char *)in + from * 8, 8);
        for (int d = shape->rank - 1; d >= 0; d--) {
            to += out_strides[d], from += in_strides[d];
            if (++index[d] < shape->dims[d]) break;
            to -= out_strides[d] * shape->dims[d], from -= in_strides[d] * shape->dims[d];
            index[d] = 0;
        }
    }
}
