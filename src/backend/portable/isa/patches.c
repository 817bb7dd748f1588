/* isa/patches.c: copying between padded images and panels of patches.
 *
 * A panel takes a list of chunks: runs of places that lie in one row of the output, cut to the width of a copy. The
 * list is the same for every row of the panel, so it is made once. Copies have a constant width that covers a chunk;
 * what they write beyond it is overwritten by the next chunk or the next row, what they read beyond lies in the slack.
 */
#include "backend/portable/isa/patches.h"

enum { CHUNKS = 64 }; /* at most: one for each column of a panel */

typedef struct chunk {
    int32_t to, count;
    int64_t from;
} chunk;

void KERNEL(patches_open)(patches *p, const window_attributes *a, const soma_shape *x, const soma_shape *w,
                          const soma_shape *y) {
    const soma_window *v = &a->window;
    memset(p, 0, sizeof *p);
    p->samples = x->dims[0];
    p->groups = a->groups;
    p->channels = w->dims[1];
    p->filters = w->dims[0] / a->groups;
    p->height = x->dims[2];
    p->width = x->dims[3];
    p->area = p->height * p->width;
    p->places = y->dims[2] * y->dims[3];
    p->depth = p->channels * v->kernel[0] * v->kernel[1];
    for (int d = 0; d < 2; d++) {
        p->kernel[d] = v->kernel[d];
        p->stride[d] = v->stride[d];
        p->dilation[d] = v->dilation[d];
        p->before[d] = v->before[d];
        p->out[d] = y->dims[2 + d];
        int64_t touched = (p->out[d] - 1) * v->stride[d] + (v->kernel[d] - 1) * v->dilation[d] + 1;
        int64_t inside = v->before[d] + x->dims[2 + d];
        p->padded[d] = touched > inside ? touched : inside;
    }
    p->plane = p->padded[0] * p->padded[1];
    p->identical = p->padded[0] == p->height && p->padded[1] == p->width;
    p->plain = p->identical && p->places == p->area && p->depth == p->channels;
}

void KERNEL(patches_pad)(const patches *p, int64_t count, const float *from, float *to) {
    size_t row = (size_t)p->width * sizeof *to, plane = (size_t)p->plane * sizeof *to;
    if (p->identical) {
        memcpy(to, from, (size_t)count * plane);
        return;
    }
    memset(to, 0, (size_t)count * plane);
    for (int64_t c = 0; c < count; c++) {
        float *inside = to + c * p->plane + p->before[0] * p->padded[1] + p->before[1];
        for (int64_t y = 0; y < p->height; y++)
            memcpy(inside + y * p->padded[1], from + c * p->area + y * p->width, row);
    }
}

/* The chunks of places [place, place + count); returns their number. */
static int place_chunks(const patches *p, int64_t place, int64_t count, int64_t width, chunk *list) {
    int64_t y = place / p->out[1], x = place % p->out[1];
    int n = 0;
    for (int64_t at = 0; at < count; n++) {
        int64_t now = p->out[1] - x < count - at ? p->out[1] - x : count - at;
        if (now > width) now = width;
        list[n] = (chunk){(int32_t)at, (int32_t)now, y * p->stride[0] * p->padded[1] + x * p->stride[1]};
        at += now;
        x += now;
        if (x == p->out[1]) x = 0, y++;
    }
    return n;
}

/* Width of the copies: the smallest that covers a run. */
static int64_t copy_width(int64_t run) {
    int64_t width = run > 8 ? 16 : run > 4 ? 8 : 4;
    return width < GEMM_COLUMNS ? width : GEMM_COLUMNS;
}

SIMD void copy_chunks(const int64_t width, const chunk *list, int n, const float *from, float *to) {
    for (int i = 0; i < n; i++) memcpy(to + list[i].to, from + list[i].from, (size_t)width * sizeof *to);
}

static void copy_row(int64_t width, int64_t step, const chunk *list, int n, const float *from, float *to) {
    if (step == 1) {
        switch (width) {
        case 4:
            copy_chunks(4, list, n, from, to);
            break;
        case 8:
            copy_chunks(8, list, n, from, to);
            break;
        default:
            copy_chunks(16, list, n, from, to);
        }
        return;
    }
    for (int i = 0; i < n; i++) {
        const float *source = from + list[i].from;
        for (int k = 0; k < list[i].count; k++) to[list[i].to + k] = source[k * step];
    }
}

/* Where row q = (channel, k, l) of the patches starts in the padded image, from row to row. */
typedef struct row_walk {
    int64_t k, l, at;
} row_walk;

static row_walk walk_open(const patches *p, int64_t row) {
    int64_t area = p->kernel[0] * p->kernel[1], c = row / area, k = row % area / p->kernel[1], l = row % p->kernel[1];
    return (row_walk){k, l, c * p->plane + k * p->dilation[0] * p->padded[1] + l * p->dilation[1]};
}

static inline void walk_next(const patches *p, row_walk *w) {
    w->at += p->dilation[1];
    if (++w->l < p->kernel[1]) return;
    w->l = 0;
    w->at += p->dilation[0] * p->padded[1] - p->kernel[1] * p->dilation[1];
    if (++w->k < p->kernel[0]) return;
    w->k = 0;
    w->at += p->plane - p->kernel[0] * p->dilation[0] * p->padded[1];
}

void KERNEL(patches_panel)(const patches *p, const float *image, int64_t row, int64_t row_end, int64_t place,
                           int64_t count, float *to) {
    chunk list[CHUNKS];
    int64_t width = copy_width(p->out[1]);
    int n = place_chunks(p, place, count, width, list);
    row_walk w = walk_open(p, row);
    for (int64_t q = row; q < row_end; q++, to += GEMM_COLUMNS) {
        copy_row(width, p->stride[1], list, n, image + w.at, to);
        walk_next(p, &w);
    }
}

/* The chunks of rows [row, row + count): runs along the kernel's width. */
static int row_chunks(const patches *p, int64_t row, int64_t count, int64_t width, chunk *list) {
    row_walk w = walk_open(p, row);
    int n = 0;
    for (int64_t at = 0; at < count; n++) {
        int64_t now = p->kernel[1] - w.l < count - at ? p->kernel[1] - w.l : count - at;
        if (now > width) now = width;
        list[n] = (chunk){(int32_t)at, (int32_t)now, w.at};
        at += now;
        while (now-- > 0) walk_next(p, &w);
    }
    return n;
}

void KERNEL(patches_rows)(const patches *p, const float *image, int64_t row, int64_t count, int64_t place,
                          int64_t place_end, float *to) {
    chunk list[CHUNKS];
    if (p->plain) {
        KERNEL(gemm_transpose)(count, place_end - place, image + row * p->plane + place, p->plane, to, GEMM_COLUMNS);
        return;
    }
    int64_t width = copy_width(p->kernel[1]), y = place / p->out[1], x = place % p->out[1];
    int n = row_chunks(p, row, count, width, list);
    for (int64_t i = place; i < place_end; i++, to += GEMM_COLUMNS) {
        copy_row(width, p->dilation[1], list, n, image + y * p->stride[0] * p->padded[1] + x * p->stride[1], to);
        if (++x == p->out[1]) x = 0, y++;
    }
}

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));

SIMD void add_run(float *to, const float *from, int64_t count) {
    for (; count >= VW; count -= VW, to += VW, from += VW) v_store(to, v_load(to) + v_load(from));
#if VW > 8
    if (count >= 8) {
        *(eight *)to += *(const eight *)from;
        count -= 8, to += 8, from += 8;
    }
#endif
#if VW > 4
    if (count >= 4) {
        *(four *)to += *(const four *)from;
        count -= 4, to += 4, from += 4;
    }
#endif
    for (; count > 0; count--) *to++ += *from++;
}

void KERNEL(patches_add)(const patches *p, float *image, int64_t row, int64_t row_end, int64_t place, int64_t count,
                         const float *from, int64_t stride) {
    chunk list[CHUNKS];
    int64_t step = p->stride[1];
    int n = place_chunks(p, place, count, INT32_MAX, list);
    row_walk w = walk_open(p, row);
    for (int64_t q = row; q < row_end; q++, from += stride) {
        float *to = image + w.at;
        for (int i = 0; step == 1 && i < n; i++) add_run(to + list[i].from, from + list[i].to, list[i].count);
        for (int i = 0; step != 1 && i < n; i++) {
            for (int k = 0; k < list[i].count; k++) to[list[i].from + k * step] += from[list[i].to + k];
        }
        walk_next(p, &w);
    }
}
