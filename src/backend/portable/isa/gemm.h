/* isa/gemm.h: matrix products inside the portable backend; convolutions are built on them too.
 *
 * Two ways of multiplying, each of which sums every element in one order that depends on shapes alone:
 *   outer  (gemm_panel) vectors along the columns of C, one chain of fused multiply-adds along k, in blocks of
 *          GEMM_DEPTH elements of k that are summed apart and then added up, which keeps long sums accurate;
 *   dot    (gemm_dot) vectors along k, for a transposed right operand: nothing has to be packed.
 * Neither order depends on which tile, row block or thread an element falls into. */
#ifndef ISA_GEMM_H
#define ISA_GEMM_H

#include "backend/portable/isa/kernels.h"

#define gemm_panel         KERNEL(gemm_panel)
#define gemm_panel_weights KERNEL(gemm_panel_weights)
#define gemm_dot           KERNEL(gemm_dot)
#define gemm_dot_row       KERNEL(gemm_dot_row)
#define gemm_pack          KERNEL(gemm_pack)
#define gemm_transpose     KERNEL(gemm_transpose)
#define gemm_run           KERNEL(gemm_run)
#define gemm_scratch       KERNEL(gemm_scratch)

/* GEMM_VECTORS x VW columns are one panel: a register tile's width. */
#if defined(SIMD_AVX512) || defined(SIMD_NEON)
#define GEMM_REGISTERS 32
enum { GEMM_VECTORS = 4 };
#else
#define GEMM_REGISTERS 16
enum { GEMM_VECTORS = 2 };
#endif
enum {
    GEMM_COLUMNS = GEMM_VECTORS * VW,
    GEMM_DEPTH = 512,       /* elements of k summed in one chain */
    GEMM_TILE_FLOATS = 4096 /* of the buffer between a product and its epilogue */
};

/* C[rows, columns] = A B, or C += A B. Element (i, k) of A is a[i * a_row + k * a_step], (k, j) of B is b[k * ldb + j].
 * columns <= GEMM_COLUMNS. `whole` says that b may be read, and holds zeros or anything, up to a whole vector. One
 * chain for the whole depth. */
void gemm_panel(int64_t rows, int64_t columns, int64_t depth, const float *a, int64_t a_row, int64_t a_step,
                const float *b, int64_t ldb, bool whole, float *c, int64_t ldc, bool accumulate);

/* The same for an A of weights, (i, k) of it at a[i * lda + k], of which the rows below come next and may be far away:
 * they are called for meanwhile. With `finish` A B, or A B + C, goes through it, of which columns [column, column +
 * columns) are meant, and C is not written. */
void gemm_panel_weights(int64_t rows, int64_t columns, int64_t depth, const float *a, int64_t lda, const float *b,
                        int64_t ldb, bool whole, float *c, int64_t ldc, bool accumulate, const affine *finish,
                        int64_t column);

/* C[rows, columns] = A B with (i, k) of A at a[i * lda + k] and (k, j) of B at b[j * ldb + k]. */
void gemm_dot(int64_t rows, int64_t columns, int64_t depth, const float *a, int64_t lda, const float *b, int64_t ldb,
              float *c, int64_t ldc);
/* The same for an A of one row; its sums have an order of their own, so all of a product must go this way or none. */
void gemm_dot_row(int64_t columns, int64_t depth, const float *a, const float *b, int64_t ldb, float *c);

/* Panel: to[k * GEMM_COLUMNS + j] = b[k * b_row + j * b_column] for `columns` columns, the rest of the last vector 0.
 */
void gemm_pack(int64_t depth, int64_t columns, const float *b, int64_t b_row, int64_t b_column, float *to);

/* to[j * to_row + i] = from[i * from_row + j]. */
void gemm_transpose(int64_t rows, int64_t columns, const float *from, int64_t from_row, float *to, int64_t to_row);

/* One product and what becomes of it. */
typedef struct gemm {
    int64_t rows, columns, depth;
    const float *a;
    int64_t a_row, a_step; /* one of them is 1 */
    const float *b;
    int64_t b_row, b_column; /* one of them is 1 */
    float *c;                /* not used with an epilogue */
    int64_t ldc;
    const epilogue *epilogue;
    const struct isa *isa;
    int64_t matrix; /* for the epilogue */
} gemm;

/* Rows [row, row_end) and columns [column, column_end) of the product. */
void gemm_run(const gemm *g, int64_t row, int64_t row_end, int64_t column, int64_t column_end, char *scratch);
/* Bytes that one thread needs for this product, or for one of the same strides whose batch is smaller. */
size_t gemm_scratch(const gemm *g);

#endif
