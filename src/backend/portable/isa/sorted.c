/* isa/sorted.c: filling and emptying sorted copies of planes. */
#include "backend/portable/isa/sorted.h"

static int64_t reach(const soma_window *w, int d, int64_t places) {
    return (places - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1;
}

void sorted_open(sorted *p, const soma_window *window, const int64_t plane[2], const int64_t places[2]) {
    *p = (sorted){.window = *window, .height = plane[0], .width = plane[1]};
    p->rows = reach(window, 0, places[0]);
    p->reach = reach(window, 1, places[1]);
    p->line = (p->reach + window->stride[1] - 1) / window->stride[1] + VW;
    p->floats = (size_t)(p->rows * window->stride[1] * p->line);
}

/* The first `wanted` columns of a row: column c of the plane is column c + before of the copy, number (c + before) /
 * stride of remainder (c + before) % stride. Up to a vector behind them is overwritten. */
static void sort_row(const sorted *p, const float *x, int64_t wanted, float *to) {
    const int64_t stride = p->window.stride[1], before = p->window.before[1];
    int64_t c = 0;
    if (stride == 1) {
        for (to += before; c + VW <= wanted; c += VW) v_store(to + c, v_load(x + c));
        if (c < wanted) v_store(to + c, v_load_partial(x + c, (size_t)(wanted - c)));
        return;
    }
    if (stride == 2) {
        float *even = to + (before % 2) * p->line + before / 2,
              *odd = to + ((before + 1) % 2) * p->line + (before + 1) / 2;
        for (; c + 1 < wanted; c += 2 * VW) {
            int64_t pairs = (wanted - c) / 2;
            vf a, b;
            load_pairs(x + c, pairs < VW ? (size_t)pairs : VW, &a, &b);
            v_store(even + c / 2, a);
            v_store(odd + c / 2, b);
        }
        if (wanted % 2) even[wanted / 2] = x[wanted - 1];
        return;
    }
    if (stride == 4) {
        float *line[4];
        for (int k = 0; k < 4; k++) line[k] = to + (before + k) % 4 * p->line + (before + k) / 4;
        for (; c + 4 * VW <= wanted; c += 4 * VW) {
            vf even[2], odd[2], sorted[4];
            for (int k = 0; k < 2; k++) load_pairs(x + c + 2 * k * VW, VW, &even[k], &odd[k]);
            split_pairs(even[0], even[1], &sorted[0], &sorted[2]);
            split_pairs(odd[0], odd[1], &sorted[1], &sorted[3]);
            for (int k = 0; k < 4; k++) v_store(line[k] + c / 4, sorted[k]);
        }
    }
    for (const int64_t end = c + stride; c < end; c++) {
        float *line = to + (c + before) % stride * p->line + (c + before) / stride;
        for (int64_t k = c; k < wanted; k += stride) *line++ = x[k];
    }
}

void sorted_rows(const sorted *p, const float *x, float fill, int64_t row, int64_t end, float *to) {
    const soma_window *w = &p->window;
    const int64_t stride = w->stride[1], line = stride * p->line, before = w->before[1];
    const int64_t inside = p->reach - before < p->width ? p->reach - before : p->width;
    to += row * line;
    for (int64_t i = row; i < end; i++, to += line) {
        int64_t from = i - w->before[0];
        if (from < 0 || from >= p->height || inside < 0) {
            for (int64_t j = 0; j < line; j++) to[j] = fill;
            continue;
        }
        sort_row(p, x + from * p->width, inside, to);
        for (int64_t c = 0; c < before; c++) to[c % stride * p->line + c / stride] = fill;
        for (int64_t c = before + inside; c < p->reach; c++) to[c % stride * p->line + c / stride] = fill;
    }
}

void sorted_fill(const sorted *p, const float *x, float fill, float *to) { sorted_rows(p, x, fill, 0, p->rows, to); }

void sorted_back(const sorted *p, const float *from, float *x) {
    const int64_t stride = p->window.stride[1], row = stride * p->line, before = p->window.before[1];
    int64_t wanted = p->reach - before;
    if (wanted > p->width) wanted = p->width;
    for (int64_t i = 0; i < p->height; i++, x += p->width) {
        int64_t at = i + p->window.before[0], c = 0;
        const float *line = from + at * row;
        if (at >= p->rows || wanted < 0) {
            memset(x, 0, (size_t)p->width * sizeof *x);
            continue;
        }
        if (stride == 1) {
            memcpy(x, line + before, (size_t)wanted * sizeof *x);
            c = wanted;
        } else if (stride == 2) {
            const float *even = line + (before % 2) * p->line + before / 2,
                        *odd = line + ((before + 1) % 2) * p->line + (before + 1) / 2;
            for (; c + 2 * VW <= wanted; c += 2 * VW)
                store_pairs(x + c, 2 * VW, v_load(even + c / 2), v_load(odd + c / 2));
        }
        for (const int64_t end = c + stride; c < end; c++) {
            const float *from_line = line + (c + before) % stride * p->line + (c + before) / stride;
            for (int64_t k = c; k < wanted; k += stride) x[k] = *from_line++;
        }
        for (c = wanted; c < p->width; c++) x[c] = 0;
    }
}
