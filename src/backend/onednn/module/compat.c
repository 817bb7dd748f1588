/* onednn/module/compat.c: all that differs between oneDNN 2 and 3. */
#include "backend/onednn/module/compat.h"

#include <stdlib.h>
#include <string.h>

/* Dimensions of one item, and where it begins. */
static const dnnl_dims_t origin = {0};
static void item_dims(int rank, const int64_t *dims, dnnl_dims_t item) {
    for (int d = 0; d < DNNL_MAX_NDIMS; d++) item[d] = d && d < rank ? dims[d] : 1;
}

/* The header declares arrays of DNNL_MAX_NDIMS. */
typedef struct window {
    dnnl_dims_t stride, dilation, before, after;
} window;

static void fill(dnnl_dims_t to, int count, const int64_t *from) {
    for (int i = 0; i < DNNL_MAX_NDIMS; i++) to[i] = i < count ? from[i] : 0;
}

static window window_of(const onednn_request *r) {
    window w = {{0}, {0}, {0}, {0}};
    for (int i = 0; i < 2; i++) {
        w.stride[i] = r->stride[i];
        w.dilation[i] = r->dilation[i] - 1; /* 0 is dense */
        w.before[i] = r->before[i];
        w.after[i] = r->after[i];
    }
    return w;
}

static dnnl_data_type_t type_of(bool bf16) { return bf16 ? dnnl_bf16 : dnnl_f32; }

#if DNNL_VERSION_MAJOR >= 3

compat_own compat_describe(int rank, const int64_t *dims, bool bf16, const int64_t *strides) {
    compat_own made = NULL;
    dnnl_dims_t size = {0}, step = {0};
    fill(size, rank, dims);
    if (strides) fill(step, rank, strides);
    dnnl_status_t status =
        strides ? dnnl_memory_desc_create_with_strides(&made, rank, size, type_of(bf16), step)
                : dnnl_memory_desc_create_with_tag(&made, rank, size, type_of(bf16), dnnl_format_tag_any);
    return status == dnnl_success ? made : NULL;
}

void compat_forget(compat_own layout) {
    if (layout) dnnl_memory_desc_destroy(layout);
}

compat_own compat_item(compat_layout whole, int rank, const int64_t *dims) {
    compat_own made = NULL;
    dnnl_dims_t item = {0};
    item_dims(rank, dims, item);
    return dnnl_memory_desc_create_submemory(&made, whole, item, origin) == dnnl_success ? made : NULL;
}

int64_t compat_distance(compat_layout layout) {
    const dnnl_dims_t *strides; /* the query gives where they are */
    dnnl_format_kind_t kind;
    if (dnnl_memory_desc_query(layout, dnnl_query_format_kind, &kind) != dnnl_success || kind != dnnl_blocked) return 0;
    return dnnl_memory_desc_query(layout, dnnl_query_strides, &strides) == dnnl_success ? (*strides)[0] : 0;
}

dnnl_status_t compat_convolution(dnnl_primitive_desc_t *made, dnnl_engine_t engine, const onednn_request *r,
                                 dnnl_primitive_attr_t attributes, compat_layout x, compat_layout w, compat_layout y,
                                 const_dnnl_primitive_desc_t forward) {
    const window g = window_of(r);
    switch (r->kind) {
    case ONEDNN_BACKWARD_DATA:
        return dnnl_convolution_backward_data_primitive_desc_create(made, engine, dnnl_convolution_direct, x, w, y,
                                                                    g.stride, g.dilation, g.before, g.after, forward,
                                                                    attributes);
    case ONEDNN_BACKWARD_WEIGHTS:
        return dnnl_convolution_backward_weights_primitive_desc_create(made, engine, dnnl_convolution_direct, x, w,
                                                                       NULL, y, g.stride, g.dilation, g.before, g.after,
                                                                       forward, attributes);
    default:
        return dnnl_convolution_forward_primitive_desc_create(made, engine, dnnl_forward_training,
                                                              dnnl_convolution_direct, x, w, NULL, y, g.stride,
                                                              g.dilation, g.before, g.after, attributes);
    }
}

dnnl_status_t compat_matmul(dnnl_primitive_desc_t *made, dnnl_engine_t engine, dnnl_primitive_attr_t attributes,
                            compat_layout a, compat_layout b, compat_layout c) {
    return dnnl_matmul_primitive_desc_create(made, engine, a, b, NULL, c, attributes);
}

#else

compat_own compat_describe(int rank, const int64_t *dims, bool bf16, const int64_t *strides) {
    compat_own made = calloc(1, sizeof *made);
    dnnl_dims_t size = {0}, step = {0};
    if (!made) return NULL;
    fill(size, rank, dims);
    if (strides) fill(step, rank, strides);
    dnnl_status_t status = strides ? dnnl_memory_desc_init_by_strides(made, rank, size, type_of(bf16), step)
                                   : dnnl_memory_desc_init_by_tag(made, rank, size, type_of(bf16), dnnl_format_tag_any);
    if (status == dnnl_success) return made;
    free(made);
    return NULL;
}

void compat_forget(compat_own layout) { free(layout); }

compat_own compat_item(compat_layout whole, int rank, const int64_t *dims) {
    compat_own made = calloc(1, sizeof *made);
    dnnl_dims_t item = {0};
    item_dims(rank, dims, item);
    if (made && dnnl_memory_desc_init_submemory(made, whole, item, origin) == dnnl_success) return made;
    free(made);
    return NULL;
}

int64_t compat_distance(compat_layout layout) {
    return layout->format_kind == dnnl_blocked ? layout->format_desc.blocking.strides[0] : 0;
}

dnnl_status_t compat_convolution(dnnl_primitive_desc_t *made, dnnl_engine_t engine, const onednn_request *r,
                                 dnnl_primitive_attr_t attributes, compat_layout x, compat_layout w, compat_layout y,
                                 const_dnnl_primitive_desc_t forward) {
    const window g = window_of(r);
    dnnl_convolution_desc_t d;
    dnnl_status_t status;
    switch (r->kind) {
    case ONEDNN_BACKWARD_DATA:
        status = dnnl_dilated_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, x, w, y, g.stride,
                                                                  g.dilation, g.before, g.after);
        break;
    case ONEDNN_BACKWARD_WEIGHTS:
        status = dnnl_dilated_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, x, w, NULL, y,
                                                                     g.stride, g.dilation, g.before, g.after);
        break;
    default:
        status = dnnl_dilated_convolution_forward_desc_init(&d, dnnl_forward_training, dnnl_convolution_direct, x, w,
                                                            NULL, y, g.stride, g.dilation, g.before, g.after);
    }
    return status == dnnl_success ? dnnl_primitive_desc_create(made, &d, attributes, engine, forward) : status;
}

dnnl_status_t compat_matmul(dnnl_primitive_desc_t *made, dnnl_engine_t engine, dnnl_primitive_attr_t attributes,
                            compat_layout a, compat_layout b, compat_layout c) {
    dnnl_matmul_desc_t d;
    dnnl_status_t status = dnnl_matmul_desc_init(&d, a, b, NULL, c);
    return status == dnnl_success ? dnnl_primitive_desc_create(made, &d, attributes, engine, NULL) : status;
}

#endif
