/* isa/patches.c: copying between padded images and panels of patches.
 *
 * What lies in one row of the output, or of the kernel, is a run; a panel's runs, cut to the width of a copy, are a
 * list of chunks, the same for every row of the panel. Lines of one chunk, a step apart on both sides, are copied one
 * after another, chunk by chunk from left to right. Copies have a constant width that covers a chunk: what they write
 * beyond it is overwritten by the next chunk, what they read beyond lies in the slack; only the last chunk must be
 * exact. */
#include "backend/portable/isa/patches.h"

#include "backend/portable/isa/pairs.h"

enum {
    CHUNKS = 64, /* at most: one for each column of a panel */
    WIDEST = 64  /* kernel that meets a sorted copy */
};

typedef struct chunk {
    int32_t to, count;
    int64_t from;
} chunk;

void patches_open(patches *p, const window_attributes *a, const soma_shape *x, const soma_shape *w,
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

void patches_sort(patches *p, const window_attributes *a) {
    if (p->stride[1] == 1 || p->kernel[1] < p->stride[1] || p->kernel[1] > WIDEST) return;
    sorted_open(&p->sorted, &a->window, (const int64_t[]){p->height, p->width}, p->out);
    p->sorts = true;
    p->identical = false;
    p->plane = (int64_t)p->sorted.floats;
}

void patches_pad(const patches *p, int64_t count, int64_t row, int64_t end, const float *from, float *to) {
    const int64_t line = p->padded[1], top = p->before[0], bottom = top + p->height;
    const size_t all = (size_t)((end - row) * line) * sizeof *to, inside = (size_t)p->width * sizeof *to;
    for (int64_t c = 0; c < count; c++, from += p->area, to += p->plane) {
        if (p->sorts) {
            sorted_rows(&p->sorted, from, 0, row, end, to);
            continue;
        }
        if (p->identical) {
            memcpy(to + row * line, from + row * line, all);
            continue;
        }
        memset(to + row * line, 0, all);
        for (int64_t y = row > top ? row : top; y < end && y < bottom; y++)
            memcpy(to + y * line + p->before[1], from + (y - top) * p->width, inside);
    }
}

/* The chunks of places [place, place + count); returns their number. */
static int place_chunks(const patches *p, int64_t place, int64_t count, int64_t width, chunk *list) {
    const int64_t line = p->sorts ? p->stride[1] * p->sorted.line : p->padded[1], step = p->sorts ? 1 : p->stride[1];
    int64_t y = place / p->out[1], x = place % p->out[1];
    int n = 0;
    for (int64_t at = 0; at < count; n++) {
        int64_t now = p->out[1] - x < count - at ? p->out[1] - x : count - at;
        if (now > width) now = width;
        list[n] = (chunk){(int32_t)at, (int32_t)now, y * p->stride[0] * line + x * step};
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

SIMD void copy_lines(const size_t width, float *to, int64_t to_step, const float *from, int64_t from_step,
                     int64_t lines) {
    for (int64_t i = 0; i < lines; i++) memcpy(to + i * to_step, from + i * from_step, width * sizeof *to);
}

/* `lines` of a chunk of `count` elements, `element` apart in the image. */
static void copy_chunk(int64_t width, const chunk *c, int64_t element, float *to, int64_t to_step, const float *from,
                       int64_t from_step, int64_t lines) {
    to += c->to;
    from += c->from;
    if (element == 2) {
        for (int64_t i = 0; i < lines; i++, to += to_step, from += from_step) {
            for (int64_t k = 0; k < c->count; k += VW) {
                size_t n = (size_t)(c->count - k < VW ? c->count - k : VW);
                vf even, odd;
                load_pairs(from + 2 * k, n, &even, &odd);
                v_store_partial(to + k, even, n);
            }
        }
    } else if (element == 4) {
        for (int64_t i = 0; i < lines; i++, to += to_step, from += from_step) {
            for (int64_t k = 0; k < c->count; k += VW) {
                size_t n = (size_t)(c->count - k < VW ? c->count - k : VW), half = VW / 2;
                vf first, second = v_zero(), odd;
                load_pairs(from + 4 * k, n < half ? 2 * n : VW, &first, &odd);
                if (n > half) load_pairs(from + 4 * k + 2 * VW, 2 * (n - half), &second, &odd);
                v_store_partial(to + k, v_even(first, second), n);
            }
        }
    } else if (element != 1) {
        for (int64_t i = 0; i < lines; i++, to += to_step, from += from_step) {
            for (int64_t k = 0; k < c->count; k++) to[k] = from[k * element];
        }
    } else if (c->to + width > GEMM_COLUMNS) {
        for (int64_t i = 0; i < lines; i++, to += to_step, from += from_step) {
            for (int64_t k = 0; k < c->count; k += VW) {
                size_t rest = (size_t)(c->count - k < VW ? c->count - k : VW);
                v_store_partial(to + k, v_load_partial(from + k, rest), rest);
            }
        }
    } else if (width == 4) {
        copy_lines(4, to, to_step, from, from_step, lines);
    } else if (width == 8) {
        copy_lines(8, to, to_step, from, from_step, lines);
    } else {
        copy_lines(16, to, to_step, from, from_step, lines);
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

/* Goes on by `lines` rows, at most to the end of a row of the kernel. */
static inline void walk_skip(const patches *p, row_walk *w, int64_t lines) {
    w->at += lines * p->dilation[1];
    w->l += lines;
    if (w->l < p->kernel[1]) return;
    w->l = 0;
    w->at += p->dilation[0] * p->padded[1] - p->kernel[1] * p->dilation[1];
    if (++w->k < p->kernel[0]) return;
    w->k = 0;
    w->at += p->plane - p->kernel[0] * p->dilation[0] * p->padded[1];
}

/* A chunk of rows that begin `at` places of the image. */
SIMD void copy_sorted(const size_t width, const chunk *c, const float *image, const int64_t *at, int64_t rows,
                      float *to) {
    const float *from = image + c->from;
    to += c->to;
    for (int64_t q = 0; q < rows; q++, to += GEMM_COLUMNS) memcpy(to, from + at[q], width * sizeof *to);
}

/* Rows [row, row_end), which are at most GEMM_DEPTH, of a panel of a sorted copy. */
static void sorted_panel(const patches *p, const float *image, int64_t row, int64_t row_end, const chunk *list, int n,
                         int64_t width, float *to) {
    const int64_t area = p->kernel[0] * p->kernel[1], rows = row_end - row, down = sorted_place(&p->sorted, 0, 1, 0);
    int64_t c = row / area, k = row % area / p->kernel[1], l = row % p->kernel[1], along[WIDEST], at[GEMM_DEPTH];
    for (int64_t i = 0; i < p->kernel[1]; i++) along[i] = sorted_place(&p->sorted, 0, 0, i);
    for (int64_t q = 0; q < rows; q++) {
        at[q] = c * p->plane + k * down + along[l];
        if (++l < p->kernel[1]) continue;
        l = 0;
        if (++k < p->kernel[0]) continue;
        k = 0;
        c++;
    }
    for (int i = 0; i < n; i++) {
        if (list[i].to + width > GEMM_COLUMNS) {
            for (int64_t q = 0; q < rows; q++)
                copy_chunk(width, &list[i], 1, to + q * GEMM_COLUMNS, 0, image + at[q], 0, 1);
        } else if (width == 4) {
            copy_sorted(4, &list[i], image, at, rows, to);
        } else if (width == 8) {
            copy_sorted(8, &list[i], image, at, rows, to);
        } else {
            copy_sorted(16, &list[i], image, at, rows, to);
        }
    }
}

void patches_panel(const patches *p, const float *image, int64_t row, int64_t row_end, int64_t place, int64_t count,
                   float *to) {
    chunk list[CHUNKS];
    int64_t width = copy_width(p->out[1]);
    int n = place_chunks(p, place, count, width, list);
    if (p->sorts) {
        sorted_panel(p, image, row, row_end, list, n, width, to);
        return;
    }
    row_walk w = walk_open(p, row);
    for (int64_t q = row, lines; q < row_end; q += lines, to += lines * GEMM_COLUMNS) {
        /* The lines are the kernel's positions in one of its rows. */
        lines = p->kernel[1] - w.l < row_end - q ? p->kernel[1] - w.l : row_end - q;
        for (int i = 0; i < n; i++) {
            copy_chunk(width, &list[i], p->stride[1], to, GEMM_COLUMNS, image + w.at, p->dilation[1], lines);
        }
        walk_skip(p, &w, lines);
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
        walk_skip(p, &w, now);
    }
    return n;
}

void patches_rows(const patches *p, const float *image, int64_t row, int64_t count, int64_t place, int64_t place_end,
                  float *to) {
    chunk list[CHUNKS];
    if (p->plain) {
        gemm_transpose(count, place_end - place, image + row * p->plane + place, p->plane, to, GEMM_COLUMNS);
        return;
    }
    int64_t width = copy_width(p->kernel[1]), y = place / p->out[1], x = place % p->out[1];
    int n = row_chunks(p, row, count, width, list);
    for (int64_t i = place, lines; i < place_end; i += lines, to += lines * GEMM_COLUMNS, x = 0, y++) {
        /* The lines are the places in one row of the output. */
        const float *from = image + y * p->stride[0] * p->padded[1] + x * p->stride[1];
        lines = p->out[1] - x < place_end - i ? p->out[1] - x : place_end - i;
        for (int k = 0; k < n; k++) {
            copy_chunk(width, &list[k], p->dilation[1], to, GEMM_COLUMNS, from, p->stride[1], lines);
        }
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

/* Rows of the panel whose runs are all `run` long, or with run 0 of any length. */
SIMD void add_rows(const int64_t run, const patches *p, const chunk *list, int n, row_walk w, float *image,
                   int64_t rows, const float *from, int64_t stride) {
    for (int64_t q = 0; q < rows; q++, from += stride) {
        float *to = image + w.at;
        for (int i = 0; i < n; i++) add_run(to + list[i].from, from + list[i].to, run > 0 ? run : list[i].count);
        walk_skip(p, &w, 1);
    }
}

void patches_add(const patches *p, float *image, int64_t row, int64_t row_end, int64_t place, int64_t count,
                 const float *from, int64_t stride) {
    chunk list[CHUNKS];
    int64_t step = p->stride[1], rows = row_end - row, run;
    int n = place_chunks(p, place, count, INT32_MAX, list);
    row_walk w = walk_open(p, row);
    run = list[0].count;
    for (int i = 1; i < n; i++) run = list[i].count == run ? run : 0;
    if (step == 1 && run == 8) {
        add_rows(8, p, list, n, w, image, rows, from, stride);
    } else if (step == 1) {
        add_rows(0, p, list, n, w, image, rows, from, stride);
    } else {
        for (int64_t q = 0; q < rows; q++, from += stride) {
            for (int i = 0; i < n; i++) {
                float *to = image + w.at + list[i].from;
                for (int k = 0; k < list[i].count; k++) to[k * step] += from[list[i].to + k];
            }
            walk_skip(p, &w, 1);
        }
    }
}
