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
/* Rows of a tile of one column. */
enum { THIN = VW == 4 ? 8 : VW };

/* A tile of rows x columns at most (a multiple of VW sums). Rows and columns beyond the operands repeat the
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

/* ---- One row ----------------------------------------------------------------------------------------------------- */

/* Such a product does no more than read its right operand. Memory gives most when it is read along a few rows, some
 * lines of each at a time: many rows that are a power of two apart drive each other's lines out of the caches. */
enum { QUAD = 4, ALONG = GEMM_REGISTERS == 32 ? 4 : 2 };

/* Vectors of partial sums of QUAD columns; those beyond `columns` repeat the last. */
static void quad(int64_t columns, int64_t depth, const float *a, const float *b, int64_t ldb, vf *sums) {
    const float *at[QUAD];
    vf sum[QUAD * ALONG];
    int64_t k = 0;
    UNROLL
    for (int j = 0; j < QUAD; j++) at[j] = b + (j < columns ? j : columns - 1) * ldb;
    UNROLL
    for (int i = 0; i < QUAD * ALONG; i++) sum[i] = v_zero();
    for (; k + ALONG * VW <= depth; k += ALONG * VW) {
        UNROLL
        for (int j = 0; j < QUAD; j++) {
            UNROLL
            for (int u = 0; u < ALONG; u++)
                sum[j * ALONG + u] = v_fma(v_load(a + k + u * VW), v_load(at[j] + k + u * VW), sum[j * ALONG + u]);
        }
    }
    for (; k < depth; k += VW) {
        size_t rest = depth - k < VW ? (size_t)(depth - k) : VW;
        const vf x = v_load_partial(a + k, rest);
        UNROLL
        for (int j = 0; j < QUAD; j++) sum[j * ALONG] = v_fma(x, v_load_partial(at[j] + k, rest), sum[j * ALONG]);
    }
    UNROLL
    for (int j = 0; j < QUAD; j++) {
        sums[j] = sum[j * ALONG] + sum[j * ALONG + 1];
        if (ALONG == 4) sums[j] += sum[j * ALONG + 2] + sum[j * ALONG + 3];
    }
}

void gemm_dot_row(int64_t columns, int64_t depth, const float *a, const float *b, int64_t ldb, float *c) {
    for (int64_t j = 0; j < columns; j += VW) {
        vf sums[VW];
        int64_t left = columns - j;
        for (int64_t q = 0; q < VW; q += QUAD) {
            if (q < left) quad(left - q, depth, a, b + (j + q) * ldb, ldb, sums + q);
            for (int64_t i = q; i < q + QUAD && q >= left; i++) sums[i] = v_zero();
        }
        v_store_partial(c + j, v_sum_each(sums), left < VW ? (size_t)left : VW);
    }
}

/* ---- Several rows ------------------------------------------------------------------------------------------------ */

static void one_column(int64_t rows, int64_t depth, const float *a, int64_t lda, const float *b, float *c,
                       int64_t ldc) {
    for (int64_t i = 0; i < rows; i += THIN) {
        dot_tile(THIN, 1, rows - i, 1, depth, a + i * lda, lda, b, 0, c + i * ldc, ldc);
    }
}

void gemm_dot(int64_t rows, int64_t columns, int64_t depth, const float *a, int64_t lda, const float *b, int64_t ldb,
              float *c, int64_t ldc) {
    if (columns == 1) {
        one_column(rows, depth, a, lda, b, c, ldc);
    } else {
        for (int64_t j = 0; j < columns; j += BULK_COLUMNS) {
            for (int64_t i = 0; i < rows; i += BULK_ROWS) {
                bulk(rows - i, columns - j, depth, a + i * lda, lda, b + j * ldb, ldb, c + i * ldc + j, ldc);
            }
        }
    }
}
