/* isa/gemm_panel.c: the register-blocked heart of matrix products.
 *
 * A tile of C, `rows` x `vectors` vectors, stays in registers while k runs: for each k it takes `vectors` vectors of B
 * and one broadcast element of A a row, so that few loads feed many multiply-adds (Goto and van de Geijn 2008). The
 * tile's size is a constant of each instantiation, so the compiler unrolls all loops but k's. A is read through two
 * strides: row-major, transposed and packed operands need no kernels of their own. Each C element is one chain of
 * multiply-adds in the order of k whatever the tile, so results do not depend on how C was cut. */
#include "backend/portable/isa/gemm.h"

enum { ROWS_LIMIT = 8 };

typedef struct operands {
    int64_t depth;
    const float *a;
    int64_t a_row, a_step;
    const float *b;
    int64_t ldb;
    float *c;
    int64_t ldc;
    size_t last; /* columns in the last vector */
    bool accumulate;
    bool afar;            /* A is to be called for ahead */
    const affine *finish; /* NULL, or where the sums go */
    int64_t row, column;  /* of `finish` */
} operands;

/* The sums of a tile through an affine epilogue, while they are in registers. */
SIMD void finish_tile(const int rows, const int vectors, const bool adds, const operands *o,
                      vf sum[ROWS_LIMIT][GEMM_VECTORS]) {
    const affine *f = o->finish;
    UNROLL
    for (int i = 0; i < rows; i++) {
        const int64_t row = o->row + i;
        const vf scale = v_set1(f->scale[row * f->scale_row]), shift = v_set1(f->shift[row * f->shift_row]);
        const float *c = o->c + i * o->ldc, *other = adds ? f->other + row * f->other_row + o->column : NULL;
        float *to = f->out + row * f->out_row + o->column;
        UNROLL
        for (int v = 0; v < vectors; v++) {
            const size_t n = v < vectors - 1 ? VW : o->last;
            vf y = sum[i][v];
            if (o->accumulate) y += n == VW ? v_load(c + v * VW) : v_load_partial(c + v * VW, n);
            y = y * scale + shift;
            if (adds) y += n == VW ? v_load(other + v * VW) : v_load_partial(other + v * VW, n);
            y = affine_clamp(f, y);
            if (n == VW)
                v_store(to + v * VW, y);
            else
                v_store_partial(to + v * VW, y, n);
        }
    }
}

/* One k: a line of B times an element of each row of A. */
SIMD void add_line(const int rows, const int vectors, const bool masked, size_t last, const float **a, int64_t a_step,
                   const float *b, vf sum[ROWS_LIMIT][GEMM_VECTORS]) {
    vf line[GEMM_VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++) {
        line[v] = masked && v == vectors - 1 ? v_load_partial(b + v * VW, last) : v_load(b + v * VW);
    }
    UNROLL
    for (int i = 0; i < rows; i++) {
        vf x = v_set1(*a[i]);
        a[i] += a_step;
        UNROLL
        for (int v = 0; v < vectors; v++) sum[i][v] = v_fma(x, line[v], sum[i][v]);
    }
}

/* With `afar` the next tile's rows of A are called for, a cache line of each at a time. */
SIMD void tile(const int rows, const int vectors, const bool masked, const bool afar, const operands *o) {
    enum { LINE = 16 };
    vf sum[ROWS_LIMIT][GEMM_VECTORS];
    const float *a[ROWS_LIMIT], *b = o->b;
    const int64_t a_step = o->a_step, ldb = o->ldb;
    const size_t last = o->last;
    UNROLL
    for (int i = 0; i < rows; i++) {
        a[i] = o->a + i * o->a_row;
        UNROLL
        for (int v = 0; v < vectors; v++) sum[i][v] = v_zero();
    }
    if (afar) {
        const float *next = o->a + rows * o->a_row;
        for (int64_t k = o->depth; k > 0; k -= LINE, next += LINE) {
            UNROLL
            for (int i = 0; i < rows; i++) __builtin_prefetch(next + i * o->a_row, 0, 3);
            for (int64_t n = k < LINE ? k : LINE; n > 0; n--, b += ldb)
                add_line(rows, vectors, masked, last, a, a_step, b, sum);
        }
    } else {
        for (int64_t k = o->depth; k > 0; k--, b += ldb) add_line(rows, vectors, masked, last, a, a_step, b, sum);
    }
    if (!KERNEL_SMALL && o->finish) {
        if (o->finish->other)
            finish_tile(rows, vectors, true, o, sum);
        else
            finish_tile(rows, vectors, false, o, sum);
        return;
    }
    if (!o->accumulate && last == VW) {
        UNROLL
        for (int i = 0; i < rows; i++) {
            UNROLL
            for (int v = 0; v < vectors; v++) v_store(o->c + i * o->ldc + v * VW, sum[i][v]);
        }
        return;
    }
    UNROLL
    for (int i = 0; i < rows; i++) {
        float *c = o->c + i * o->ldc, *end = c + (vectors - 1) * VW;
        vf *tail = &sum[i][vectors - 1];
        UNROLL
        for (int v = 0; v < vectors - 1; v++) {
            v_store(c + v * VW, o->accumulate ? sum[i][v] + v_load(c + v * VW) : sum[i][v]);
        }
        v_store_partial(end, o->accumulate ? *tail + v_load_partial(end, last) : *tail, last);
    }
}

#define TILE(rows_, vectors_, masked_)                                                                                 \
    case rows_:                                                                                                        \
        tile(rows_, vectors_, masked_, false, o);                                                                      \
        break;

/* Tiles down the rows of a panel. The rows are cut evenly rather than leaving a thin last tile. */
#define PANEL(name, limit, vectors_, masked_, tiles)                                                                   \
    static void name(int64_t rows, operands *o) {                                                                      \
        while (rows > 0) {                                                                                             \
            int64_t now = rows >= 2 * (limit) || rows == (limit) ? (limit) : rows > (limit) ? (rows + 1) / 2 : rows;   \
            if (!KERNEL_SMALL && !masked_ && o->afar && now == (limit)) {                                              \
                tile(limit, vectors_, masked_, true, o);                                                               \
            } else {                                                                                                   \
                switch (now) { tiles(vectors_, masked_) }                                                              \
            }                                                                                                          \
            o->a += now * o->a_row;                                                                                    \
            o->c += now * o->ldc;                                                                                      \
            o->row += now;                                                                                             \
            rows -= now;                                                                                               \
        }                                                                                                              \
    }
#define TILES4(v, m) TILE(1, v, m) TILE(2, v, m) TILE(3, v, m) TILE(4, v, m)
#define TILES6(v, m) TILES4(v, m) TILE(5, v, m) TILE(6, v, m)
#define TILES8(v, m) TILES6(v, m) TILE(7, v, m) TILE(8, v, m)

/* As many rows as the registers hold: 32 of them or 16. */
#if defined(SIMD_AVX512) && KERNEL_SMALL /* masked loads are there, at the price of a port of the multiply-adds */
PANEL(panel_1, 8, 1, true, TILES8)
PANEL(panel_2, 8, 2, true, TILES8)
PANEL(panel_3, 8, 3, true, TILES8)
PANEL(panel_4, 6, 4, true, TILES6)
static void (*const panels[2][4])(int64_t, operands *) = {{panel_1, panel_2, panel_3, panel_4},
                                                          {panel_1, panel_2, panel_3, panel_4}};
#elif GEMM_REGISTERS == 32
PANEL(panel_1, 8, 1, false, TILES8)
PANEL(panel_2, 8, 2, false, TILES8)
PANEL(panel_3, 8, 3, false, TILES8)
PANEL(panel_4, 6, 4, false, TILES6)
PANEL(panel_masked_1, 8, 1, true, TILES8)
PANEL(panel_masked_2, 8, 2, true, TILES8)
PANEL(panel_masked_3, 8, 3, true, TILES8)
PANEL(panel_masked_4, 6, 4, true, TILES6)
static void (*const panels[2][4])(int64_t, operands *) = {
    {panel_1, panel_2, panel_3, panel_4}, {panel_masked_1, panel_masked_2, panel_masked_3, panel_masked_4}};
#elif VW == 8
PANEL(panel_1, 8, 1, false, TILES8)
PANEL(panel_2, 6, 2, false, TILES6)
PANEL(panel_masked_1, 8, 1, true, TILES8)
PANEL(panel_masked_2, 6, 2, true, TILES6)
static void (*const panels[2][2])(int64_t, operands *) = {{panel_1, panel_2}, {panel_masked_1, panel_masked_2}};
#else
PANEL(panel_1, 6, 1, false, TILES6)
PANEL(panel_2, 4, 2, false, TILES4)
PANEL(panel_masked_1, 6, 1, true, TILES6)
PANEL(panel_masked_2, 4, 2, true, TILES4)
static void (*const panels[2][2])(int64_t, operands *) = {{panel_1, panel_2}, {panel_masked_1, panel_masked_2}};
#endif

static void run(int64_t rows, int64_t columns, bool whole, operands *o) {
    size_t vectors = ((size_t)columns + VW - 1) / VW, last = (size_t)columns - (vectors - 1) * VW;
    if (rows <= 0 || columns <= 0) return;
    o->last = last;
    panels[last < VW && !whole][vectors - 1](rows, o);
}

void gemm_panel(int64_t rows, int64_t columns, int64_t depth, const float *a, int64_t a_row, int64_t a_step,
                const float *b, int64_t ldb, bool whole, float *c, int64_t ldc, bool accumulate) {
    run(rows, columns, whole, &(operands){depth, a, a_row, a_step, b, ldb, c, ldc, VW, accumulate, false, NULL, 0, 0});
}

void gemm_panel_weights(int64_t rows, int64_t columns, int64_t depth, const float *a, int64_t lda, const float *b,
                        int64_t ldb, bool whole, float *c, int64_t ldc, bool accumulate, const affine *finish,
                        int64_t column) {
    enum { DEEP = 48 }; /* where calling pays */
    run(rows, columns, whole,
        &(operands){depth, a, lda, 1, b, ldb, c, ldc, VW, accumulate, depth >= DEEP, finish, 0, column});
}
