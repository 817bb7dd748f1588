/* isa/gemm_dot.c: products whose right operand is transposed, x [M, K] times w [N, K]: both lie along k, so a tile of
 * rows x columns keeps one vector of partial sums for each element and nothing has to be packed. The lanes are added at
 * the end, VW elements at a time, by shuffles that add every element's lanes in the same order. */
#include "backend/portable/isa/gemm.h"
#include "backend/portable/isa/shuffle.h"

/* The tile of the bulk; rows * columns is a multiple of VW. */
#if GEMM_REGISTERS == 32
enum { BULK_ROWS = 4, BULK_COLUMNS = 4 };
#else
enum { BULK_ROWS = 4, BULK_COLUMNS = 2 };
#endif
/* Tiles of one row and of one column. */
enum { THIN = VW == 4 ? 8 : VW };

/* A tile of rows x columns at most (1 x 1, or a multiple of VW sums). Rows and columns beyond the operands repeat the
 * last one; their sums are not stored. */
SIMD void dot_tile(const int tile_rows, const int tile_columns, int64_t rows, int64_t columns, int64_t depth,
                   const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc) {
    vf sum[16];
    const float *row[16], *column[16];
    float out[16];
    UNROLL
    for (int i = 0; i < tile_rows; i++) row[i] = a + (i < rows ? i : rows - 1) * lda;
    UNROLL
    for (int j = 0; j < tile_columns; j++) column[j] = b + (j < columns ? j : columns - 1) * ldb;
    UNROLL
    for (int i = 0; i < tile_rows * tile_columns; i++) sum[i] = v_zero();
    int64_t k = 0;
    for (; k + VW <= depth; k += VW) {
        UNROLL
        for (int i = 0; i < tile_rows; i++) {
            vf x = v_load(row[i] + k);
            UNROLL
            for (int j = 0; j < tile_columns; j++) {
                sum[i * tile_columns + j] = v_fma(x, v_load(column[j] + k), sum[i * tile_columns + j]);
            }
        }
    }
    if (k < depth) {
        size_t rest = (size_t)(depth - k);
        UNROLL
        for (int i = 0; i < tile_rows; i++) {
            vf x = v_load_partial(row[i] + k, rest);
            UNROLL
            for (int j = 0; j < tile_columns; j++) {
                vf y = v_load_partial(column[j] + k, rest);
                sum[i * tile_columns + j] = v_fma(x, y, sum[i * tile_columns + j]);
            }
        }
    }
    if (tile_rows * tile_columns == 1) {
        *c = v_sum_one(sum[0]);
        return;
    }
    UNROLL
    for (int i = 0; i < tile_rows * tile_columns / VW; i++) v_store(out + i * VW, v_sum_each(sum + i * VW));
    if (columns >= tile_columns && rows >= tile_rows) {
        UNROLL
        for (int i = 0; i < tile_rows; i++) {
            memcpy(c + i * ldc, out + i * tile_columns, (size_t)tile_columns * sizeof *out);
        }
        return;
    }
    for (int i = 0; i < tile_rows && i < rows; i++) {
        for (int j = 0; j < tile_columns && j < columns; j++) c[i * ldc + j] = out[i * tile_columns + j];
    }
}

static void bulk(int64_t rows, int64_t columns, int64_t depth, const float *a, int64_t lda, const float *b, int64_t ldb,
                 float *c, int64_t ldc) {
    dot_tile(BULK_ROWS, BULK_COLUMNS, rows, columns, depth, a, lda, b, ldb, c, ldc);
}

/* One row times 4 * count columns. Four pointers and two distances address sixteen columns, which leaves registers. */
SIMD void row_tile(const int count, int64_t depth, const float *a, const float *b, int64_t ldb, float *c) {
    vf sum[16];
    const float *at[4];
    const int64_t ldb3 = 3 * ldb;
    float out[16];
    int64_t k = 0;
    UNROLL
    for (int i = 0; i < count; i++) at[i] = b + 4 * i * ldb;
    UNROLL
    for (int i = 0; i < 4 * count; i++) sum[i] = v_zero();
    for (; k + VW <= depth; k += VW) {
        vf x = v_load(a + k);
        UNROLL
        for (int i = 0; i < count; i++) {
            sum[4 * i] = v_fma(x, v_load(at[i]), sum[4 * i]);
            sum[4 * i + 1] = v_fma(x, v_load(at[i] + ldb), sum[4 * i + 1]);
            sum[4 * i + 2] = v_fma(x, v_load(at[i] + 2 * ldb), sum[4 * i + 2]);
            sum[4 * i + 3] = v_fma(x, v_load(at[i] + ldb3), sum[4 * i + 3]);
            at[i] += VW;
        }
    }
    if (k < depth) {
        size_t rest = (size_t)(depth - k);
        vf x = v_load_partial(a + k, rest);
        UNROLL
        for (int i = 0; i < 4 * count; i++) {
            sum[i] = v_fma(x, v_load_partial(at[i / 4] + i % 4 * ldb, rest), sum[i]);
        }
    }
    UNROLL
    for (int i = 0; i < 4 * count / VW; i++) v_store(out + i * VW, v_sum_each(sum + i * VW));
    memcpy(c, out, (size_t)(4 * count) * sizeof *c);
}

static void one_row(int64_t columns, int64_t depth, const float *a, const float *b, int64_t ldb, float *c) {
    int64_t j = 0;
    for (; j + THIN <= columns; j += THIN) row_tile(THIN / 4, depth, a, b + j * ldb, ldb, c + j);
    if (j < columns) {
        dot_tile(1, THIN, 1, columns - j, depth, a, 0, b + j * ldb, ldb, c + j, 0);
    }
}

static void one_column(int64_t rows, int64_t depth, const float *a, int64_t lda, const float *b, float *c,
                       int64_t ldc) {
    for (int64_t i = 0; i < rows; i += THIN) {
        dot_tile(THIN, 1, rows - i, 1, depth, a + i * lda, lda, b, 0, c + i * ldc, ldc);
    }
}

void gemm_dot(int64_t rows, int64_t columns, int64_t depth, const float *a, int64_t lda, const float *b, int64_t ldb,
              float *c, int64_t ldc) {
    if (rows == 1 && columns == 1) {
        dot_tile(1, 1, 1, 1, depth, a, 0, b, 0, c, 0);
    } else if (rows == 1) {
        one_row(columns, depth, a, b, ldb, c);
    } else if (columns == 1) {
        one_column(rows, depth, a, lda, b, c, ldc);
    } else {
        for (int64_t j = 0; j < columns; j += BULK_COLUMNS) {
            for (int64_t i = 0; i < rows; i += BULK_ROWS) {
                bulk(rows - i, columns - j, depth, a + i * lda, lda, b + j * ldb, ldb, c + i * ldc + j, ldc);
            }
        }
    }
}
