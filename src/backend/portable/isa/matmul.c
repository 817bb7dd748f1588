/* isa/matmul.c: the kernel of op matmul: shapes and transposes turned into products, leading dimensions into loops.
 *
 * Split among threads: by samples when the batch leads the result, unless there are few of them for a large matrix;
 * otherwise, as for a weight gradient, the larger of rows and columns is cut, never k. */
#include "backend/portable/isa/gemm.h"
#include "backend/portable/isa/kernels.h"
#include "ops/attributes.h"

enum { LARGE = 1 << 20, FEW_ROWS = 64 }; /* floats of a matrix; rows a thread */

typedef struct product {
    gemm g; /* of the first matrix */
    int64_t matrices;
    int rank;
    const int64_t *dims;                                      /* of the result */
    int64_t a_stride[SOMA_MAX_RANK], b_stride[SOMA_MAX_RANK]; /* of leading dimensions, 0 where broadcast */
} product;

static void lead_strides(const soma_shape *s, int rank, int64_t stride[SOMA_MAX_RANK]) {
    int64_t step = s->dims[s->rank - 1] * s->dims[s->rank - 2];
    for (int d = rank - 3, e = s->rank - 3; d >= 0; d--, e--) {
        stride[d] = e < 0 || s->dims[e] == 1 ? 0 : step;
        if (e >= 0) step *= s->dims[e];
    }
}

static inline void product_open(const kernel_call *call, product *p) {
    const matmul_attributes *t = call->attributes;
    const soma_shape *a = &call->in[0].shape, *b = &call->in[1].shape, *c = &call->out[0].shape;
    int64_t lda = a->dims[a->rank - 1], ldb = b->dims[b->rank - 1];
    gemm *g = &p->g;
    g->rows = c->dims[c->rank - 2];
    g->columns = c->dims[c->rank - 1];
    g->depth = t->transpose_a ? a->dims[a->rank - 2] : lda;
    g->a = call->in[0].data;
    g->a_row = t->transpose_a ? 1 : lda;
    g->a_step = t->transpose_a ? lda : 1;
    g->b = call->in[1].data;
    g->b_row = t->transpose_b ? 1 : ldb;
    g->b_column = t->transpose_b ? ldb : 1;
    g->c = call->out[0].data;
    g->ldc = g->columns;
    g->epilogue = call->epilogue;
    g->isa = call->isa;
    g->matrix = 0;
    p->rank = c->rank;
    p->dims = c->dims;
    p->matrices = 1;
    if (c->rank == 2) return;
    for (int d = 0; d < c->rank - 2; d++) p->matrices *= c->dims[d];
    lead_strides(a, c->rank, p->a_stride);
    lead_strides(b, c->rank, p->b_stride);
}

static void run_matrix(const product *p, int64_t m, int64_t row, int64_t row_end, int64_t column, int64_t column_end,
                       char *scratch) {
    gemm g = p->g;
    g.matrix = m;
    if (g.c) g.c += m * g.rows * g.columns;
    for (int d = p->rank - 3; m > 0 && d >= 0; d--) {
        int64_t index = m % p->dims[d];
        g.a += index * p->a_stride[d];
        g.b += index * p->b_stride[d];
        m /= p->dims[d];
    }
    gemm_run(&g, row, row_end, column, column_end, scratch);
}

partition KERNEL(matmul_partition)(const kernel_call *call) {
    const matmul_attributes *t = call->attributes;
    product p;
    product_open(call, &p);
    double flops = 2.0 * (double)p.g.rows * (double)p.g.columns * (double)p.g.depth * (double)p.matrices;
    /* A few rows times a matrix beyond the caches are bound by reading it: each thread then takes its own columns. */
    bool reads = p.rank == 2 && p.g.columns * p.g.depth > LARGE && p.g.rows < FEW_ROWS * call->threads;
    return kernel_choose(call, (p.rank > 2 || !t->transpose_a) && !reads, flops < KERNEL_TINY);
}

size_t KERNEL(matmul_scratch)(const kernel_call *call) {
    product p;
    product_open(call, &p);
    return gemm_scratch(&p.g);
}

void KERNEL(matmul_run)(const kernel_call *call, int thread) {
    product p;
    product_open(call, &p);
    const gemm *g = &p.g;
    char *scratch = call->scratch + (size_t)thread * call->scratch_stride;
    int64_t first = 0, end, row = 0, row_end = g->rows, column = 0, column_end = g->columns;
    if (call->partition == PARTITION_SERIAL || call->threads == 1) {
        if (p.rank == 2) {
            if (thread == 0) gemm_run(g, 0, g->rows, 0, g->columns, scratch);
            return;
        }
        end = thread == 0 ? p.matrices : 0;
    } else if (call->partition == PARTITION_BATCH && p.rank > 2) {
        int64_t share = call->batch > 0 ? p.matrices / call->batch : 0;
        partition_range(call->batch, thread, call->threads, &first, &end);
        first *= share;
        end *= share;
    } else if (call->partition == PARTITION_BATCH) {
        int64_t share = call->batch > 0 ? g->rows / call->batch : 0;
        partition_range(call->batch, thread, call->threads, &row, &row_end);
        row *= share;
        row_end *= share;
        end = 1;
    } else if (p.matrices >= call->threads) {
        partition_range(p.matrices, thread, call->threads, &first, &end);
    } else {
        end = p.matrices;
        if (g->rows >= g->columns || g->columns < 2 * GEMM_COLUMNS) {
            partition_range(g->rows, thread, call->threads, &row, &row_end);
        } else {
            int64_t panels = (g->columns + GEMM_COLUMNS - 1) / GEMM_COLUMNS;
            partition_range(panels, thread, call->threads, &column, &column_end);
            column *= GEMM_COLUMNS;
            column_end *= GEMM_COLUMNS;
            if (column_end > g->columns) column_end = g->columns;
        }
    }
    for (int64_t m = first; m < end; m++) run_matrix(&p, m, row, row_end, column, column_end, scratch);
}
