/* isa/winograd_transform.c: the transforms of Winograd's convolution, on vectors of VW channels, and the way of images
 * into pixels of VW channels and back. */
#include "backend/portable/isa/shuffle.h"
#include "backend/portable/isa/winograd.h"

/* ---- Matrices -------------------------------------------------------------------------------------------------------
 * Points 0, 1, -1, 1/2, -1/2; the same and 2; 0, 1, -1, 2, -2, 1/2, -1/2; and infinity. With them a layer's result
 * differs from that of the direct algorithm by a relative 2e-6, 4e-6 and 6e-6 in the norm. */

static const float input_6[6][6] = {{0.25F, 0, -1.25F, 0, 1, 0},  {0, -0.25F, -0.25F, 1, 1, 0},
                                    {0, 0.25F, -0.25F, -1, 1, 0}, {0, -0.5F, -1, 0.5F, 1, 0},
                                    {0, 0.5F, -1, -0.5F, 1, 0},   {0, 0.25F, 0, -1.25F, 0, 1}};
static const float input_7[7][7] = {{-0.5F, 0.25F, 2.5F, -1.25F, -2, 1, 0}, {0, 0.5F, 0.25F, -2.25F, -1, 1, 0},
                                    {0, -0.5F, 0.75F, 1.75F, -3, 1, 0},     {0, 1, 1.5F, -2, -1.5F, 1, 0},
                                    {0, -1, 2.5F, 0, -2.5F, 1, 0},          {0, 0.25F, 0, -1.25F, 0, 1, 0},
                                    {0, -0.5F, 0.25F, 2.5F, -1.25F, -2, 1}};
static const float input_8[8][8] = {{-1, 0, 5.25F, 0, -5.25F, 0, 1, 0},        {0, 1, 1, -4.25F, -4.25F, 1, 1, 0},
                                    {0, -1, 1, 4.25F, -4.25F, -1, 1, 0},       {0, 0.5F, 0.25F, -2.5F, -1.25F, 2, 1, 0},
                                    {0, -0.5F, 0.25F, 2.5F, -1.25F, -2, 1, 0}, {0, 2, 4, -2.5F, -5, 0.5F, 1, 0},
                                    {0, -2, 4, 2.5F, -5, -0.5F, 1, 0},         {0, -1, 0, 5.25F, 0, -5.25F, 0, 1}};

static const float filter_6_3[6][3] = {{4, 0, 0},
                                       {2.0F / 3, 2.0F / 3, 2.0F / 3},
                                       {2.0F / 3, -2.0F / 3, 2.0F / 3},
                                       {-8.0F / 3, -4.0F / 3, -2.0F / 3},
                                       {-8.0F / 3, 4.0F / 3, -2.0F / 3},
                                       {0, 0, 1}};
static const float filter_7_3[7][3] = {{-2, 0, 0},
                                       {-2.0F / 3, -2.0F / 3, -2.0F / 3},
                                       {-2.0F / 9, 2.0F / 9, -2.0F / 9},
                                       {16.0F / 9, 8.0F / 9, 4.0F / 9},
                                       {16.0F / 15, -8.0F / 15, 4.0F / 15},
                                       {2.0F / 45, 4.0F / 45, 8.0F / 45},
                                       {0, 0, 1}};
static const float filter_8_3[8][3] = {{-1, 0, 0},
                                       {-2.0F / 9, -2.0F / 9, -2.0F / 9},
                                       {-2.0F / 9, 2.0F / 9, -2.0F / 9},
                                       {1.0F / 90, 1.0F / 45, 2.0F / 45},
                                       {1.0F / 90, -1.0F / 45, 2.0F / 45},
                                       {32.0F / 45, 16.0F / 45, 8.0F / 45},
                                       {32.0F / 45, -16.0F / 45, 8.0F / 45},
                                       {0, 0, 1}};
static const float filter_7_5[7][5] = {{-2, 0, 0, 0, 0},
                                       {-2.0F / 3, -2.0F / 3, -2.0F / 3, -2.0F / 3, -2.0F / 3},
                                       {-2.0F / 9, 2.0F / 9, -2.0F / 9, 2.0F / 9, -2.0F / 9},
                                       {16.0F / 9, 8.0F / 9, 4.0F / 9, 2.0F / 9, 1.0F / 9},
                                       {16.0F / 15, -8.0F / 15, 4.0F / 15, -2.0F / 15, 1.0F / 15},
                                       {2.0F / 45, 4.0F / 45, 8.0F / 45, 16.0F / 45, 32.0F / 45},
                                       {0, 0, 0, 0, 1}};
static const float filter_8_5[8][5] = {{-1, 0, 0, 0, 0},
                                       {-2.0F / 9, -2.0F / 9, -2.0F / 9, -2.0F / 9, -2.0F / 9},
                                       {-2.0F / 9, 2.0F / 9, -2.0F / 9, 2.0F / 9, -2.0F / 9},
                                       {1.0F / 90, 1.0F / 45, 2.0F / 45, 4.0F / 45, 8.0F / 45},
                                       {1.0F / 90, -1.0F / 45, 2.0F / 45, -4.0F / 45, 8.0F / 45},
                                       {32.0F / 45, 16.0F / 45, 8.0F / 45, 4.0F / 45, 2.0F / 45},
                                       {32.0F / 45, -16.0F / 45, 8.0F / 45, -4.0F / 45, 2.0F / 45},
                                       {0, 0, 0, 0, 1}};

static const float output_4_6[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 0.5F, -0.5F, 0}, {0, 1, 1, 0.25F, 0.25F, 0}, {0, 1, -1, 0.125F, -0.125F, 1}};
static const float output_5_7[5][7] = {{1, 1, 1, 1, 1, 1, 0},
                                       {0, 1, -1, 0.5F, -0.5F, 2, 0},
                                       {0, 1, 1, 0.25F, 0.25F, 4, 0},
                                       {0, 1, -1, 0.125F, -0.125F, 8, 0},
                                       {0, 1, 1, 0.0625F, 0.0625F, 16, 1}};
static const float output_3_7[3][7] = {
    {1, 1, 1, 1, 1, 1, 0}, {0, 1, -1, 0.5F, -0.5F, 2, 0}, {0, 1, 1, 0.25F, 0.25F, 4, 1}};
static const float output_6_8[6][8] = {{1, 1, 1, 1, 1, 1, 1, 0},
                                       {0, 1, -1, 2, -2, 0.5F, -0.5F, 0},
                                       {0, 1, 1, 4, 4, 0.25F, 0.25F, 0},
                                       {0, 1, -1, 8, -8, 0.125F, -0.125F, 0},
                                       {0, 1, 1, 16, 16, 0.0625F, 0.0625F, 0},
                                       {0, 1, -1, 32, -32, 0.03125F, -0.03125F, 1}};
static const float output_4_8[4][8] = {{1, 1, 1, 1, 1, 1, 1, 0},
                                       {0, 1, -1, 2, -2, 0.5F, -0.5F, 0},
                                       {0, 1, 1, 4, 4, 0.25F, 0.25F, 0},
                                       {0, 1, -1, 8, -8, 0.125F, -0.125F, 1}};

/* The compiler knows the matrix: zeros cost nothing and ones no multiplication. */
SIMD void multiply(const int rows, const int columns, const float *matrix, const int row, const int column,
                   const float *from, int64_t step, float *to, int64_t to_step) {
    vf in[WINOGRAD_POINTS];
    UNROLL
    for (int j = 0; j < columns; j++) in[j] = v_load(from + j * step);
    UNROLL
    for (int i = 0; i < rows; i++) {
        vf sum = v_zero();
        UNROLL
        for (int j = 0; j < columns; j++) {
            const float m = matrix[i * row + j * column];
            if (m == 1)
                sum = sum + in[j];
            else if (m == -1)
                sum = sum - in[j];
            else if (m != 0)
                sum = v_fma(v_set1(m), in[j], sum);
        }
        v_store(to + i * to_step, sum);
    }
}

#define MULTIPLY(name, rows, columns, matrix, row, column)                                                             \
    static void name(const float *from, int64_t step, float *to, int64_t to_step) {                                    \
        multiply(rows, columns, &(matrix)[0][0], row, column, from, step, to, to_step);                                \
    }
#define PLAIN(name, rows, columns)  MULTIPLY(by_##name, rows, columns, name, columns, 1)
#define TURNED(name, rows, columns) MULTIPLY(back_##name, columns, rows, name, 1, columns)
PLAIN(input_6, 6, 6)
PLAIN(input_7, 7, 7)
PLAIN(input_8, 8, 8)
PLAIN(filter_6_3, 6, 3)
PLAIN(filter_7_3, 7, 3)
PLAIN(filter_8_3, 8, 3)
PLAIN(filter_7_5, 7, 5)
PLAIN(filter_8_5, 8, 5)
PLAIN(output_4_6, 4, 6)
PLAIN(output_5_7, 5, 7)
PLAIN(output_3_7, 3, 7)
PLAIN(output_6_8, 6, 8)
PLAIN(output_4_8, 4, 8)
TURNED(filter_6_3, 6, 3)
TURNED(filter_7_3, 7, 3)
TURNED(filter_8_3, 8, 3)
TURNED(filter_7_5, 7, 5)
TURNED(filter_8_5, 8, 5)
TURNED(output_4_6, 4, 6)
TURNED(output_5_7, 5, 7)
TURNED(output_3_7, 3, 7)
TURNED(output_6_8, 6, 8)
TURNED(output_4_8, 4, 8)

#define FORM(m, r, p)                                                                                                  \
    {                                                                                                                  \
        m, r, {p, p, by_input_##p}, {p, r, by_filter_##p##_##r}, {m, p, by_output_##m##_##p},                          \
            {r, p, back_filter_##p##_##r}, {                                                                           \
            p, m, back_output_##m##_##p                                                                                \
        }                                                                                                              \
    }
static const winograd_form forms[] = {FORM(4, 3, 6), FORM(5, 3, 7), FORM(6, 3, 8), FORM(3, 5, 7), FORM(4, 5, 8)};

void winograd_apply(const winograd_matrix *m, const float *from, int64_t row, int64_t column, float *to, int64_t to_row,
                    int64_t to_column) {
    float half[WINOGRAD_POINTS * WINOGRAD_POINTS * VW] __attribute__((aligned(64)));
    const int64_t line = m->columns * VW;
    for (int j = 0; j < m->columns; j++) m->multiply(from + j * column, row, half + j * VW, line);
    for (int i = 0; i < m->rows; i++) m->multiply(half + i * line, VW, to + i * to_row, to_column);
}

/* ---- Choice ---------------------------------------------------------------------------------------------------------
 */

/* Multiply-adds of vectors that a form takes for an image, the transforms' included; they and the ends of products are
 * counted by what they were measured to cost. */
static double cost_of(const winograd_form *f, int64_t planes, int64_t filters, const int64_t out[2]) {
    const double transform = 16;
    double c = (double)winograd_up(planes, VW), k = (double)winograd_up(filters, VW);
    int64_t p = f->tile + f->kernel - 1, tiles = 1;
    for (int d = 0; d < 2; d++) tiles *= (out[d] + f->tile - 1) / f->tile;
    return (double)(tiles * p * p) * (c * k + transform * (c + k));
}

bool winograd_open(winograd *g, const window_attributes *a, const soma_shape *x, const soma_shape *w,
                   const soma_shape *y, bool back) {
    const soma_window *v = &a->window;
    const soma_shape *from = back ? y : x, *to = back ? x : y;
    const int64_t r = w->dims[2];
    memset(g, 0, sizeof *g);
    if (r != w->dims[3] || v->stride[0] != 1 || v->stride[1] != 1) return false;
    if (v->dilation[0] != 1 || v->dilation[1] != 1 || a->groups != 1) return false;
    g->samples = from->dims[0];
    g->planes = from->dims[1];
    g->filters = to->dims[1];
    for (int d = 0; d < 2; d++) {
        g->size[d] = from->dims[2 + d];
        g->out[d] = to->dims[2 + d];
        g->before[d] = back ? r - 1 - v->before[d] : v->before[d];
        if (v->before[d] >= r || g->size[d] < 1 || g->out[d] < 1) return false;
    }
    double best = (double)(g->out[0] * g->out[1] * r * r) * (double)g->planes * (double)g->filters * 0.8;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        double cost = forms[i].kernel == r ? cost_of(&forms[i], g->planes, g->filters, g->out) : best;
        if (cost >= best) continue;
        best = cost;
        g->form = &forms[i];
    }
    if (!g->form) return false;
    for (int d = 0; d < 2; d++) g->tiles[d] = (g->out[d] + g->form->tile - 1) / g->form->tile;
    g->points = g->form->tile + r - 1;
    g->square = g->points * g->points;
    g->block = g->tiles[1] < WINOGRAD_TILES ? WINOGRAD_TILES / g->tiles[1] : 1;
    g->most = g->block * g->tiles[1];
    return true;
}

winograd_part winograd_rows(const winograd *g, int64_t row, int64_t row_end) {
    winograd_part part = {.sample = row / g->tiles[0], .first = row % g->tiles[0]};
    part.count = winograd_smaller(row_end - row, g->tiles[0] - part.first);
    return part;
}

/* ---- Images ---------------------------------------------------------------------------------------------------------
 */

/* `width` pixels from rows of VW planes, `step` floats apart; only `count` of the planes are there. */
static void gather_row(const float *from, int64_t step, int64_t count, int64_t width, float *to) {
    int64_t x = 0;
    if (count == VW && width >= 4) {
        for (;;) {
            vf block[4];
            v_transpose4(from + x, step, block);
            for (int q = 0; q < 4; q++) v_store(to + (x + q) * VW, block[q]);
            if (x + 4 >= width) return;
            x = winograd_smaller(x + 4, width - 4); /* the last four overlap those before */
        }
    }
    for (; x < width; x++) {
        v_store(to + x * VW, v_zero());
        for (int64_t c = 0; c < count; c++) to[x * VW + c] = from[c * step + x];
    }
}

void winograd_windows(const float *image, const int64_t size[2], int64_t plane, int64_t count, int64_t top,
                      int64_t left, int64_t height, int64_t width, float *to) {
    int64_t area = size[0] * size[1], start = left < 0 ? -left : 0;
    int64_t inside = winograd_smaller(width, size[1] - left) - start;
    image += plane * area + left + start;
    for (int64_t y = top; y < top + height; y++, to += width * VW) {
        if (y < 0 || y >= size[0]) {
            memset(to, 0, (size_t)(width * VW) * sizeof *to);
            continue;
        }
        memset(to, 0, (size_t)(start * VW) * sizeof *to);
        gather_row(image + y * size[1], area, winograd_smaller(count - plane, VW), inside, to + start * VW);
        memset(to + (start + inside) * VW, 0, (size_t)((width - start - inside) * VW) * sizeof *to);
    }
}

void winograd_planes(const float *from, int64_t stride, int64_t height, int64_t width, int64_t count, float *to,
                     int64_t ld) {
    if (stride == width) { /* without gaps an image is one long row */
        width *= height;
        height = 1;
    }
    for (int64_t y = 0; y < height; y++) {
        const float *row = from + y * stride * VW;
        for (int64_t x = 0; x < width; x += VW) {
            for (int64_t c = 0; c < count; c += 4) {
                vf block[4];
                v_transpose4(row + x * VW + c, VW, block);
                for (int64_t q = 0; q < 4 && c + q < count; q++) {
                    float *place = to + (c + q) * ld + y * width + x;
                    if (width - x >= VW)
                        v_store(place, block[q]);
                    else
                        v_store_partial(place, block[q], (size_t)(width - x));
                }
            }
        }
    }
}
