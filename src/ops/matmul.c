/* ops/matmul.c: products of matrices, [.., M, K] x [.., K, N] -> [.., M, N], each operand possibly stored transposed,
 * the leading dimensions broadcast. The gradient consists of products with other transpositions, so no transpose is
 * ever carried out: with C = A B, dA = dC B^T and dB = A^T dC. Where b is a single matrix, the leading dimensions of a
 * are folded into its rows first, which makes one large product of many small ones. */
#include "graph/graph.h"
#include "ops/attributes.h"

#include <stdio.h>

/* Rows and columns of an operand as it takes part. */
static void matrix_of(const soma_shape *s, bool transposed, int64_t *rows, int64_t *columns) {
    int64_t first = s->dims[s->rank - 2], second = s->dims[s->rank - 1];
    *rows = transposed ? second : first;
    *columns = transposed ? first : second;
}

static soma_shape leading(const soma_shape *s) { return shape_of(s->rank - 2, s->dims); }

static void infer_matmul(op_infer *i) {
    const matmul_attributes *t = i->attributes;
    const soma_shape *a = &i->in[0].shape, *b = &i->in[1].shape;
    char at[SHAPE_TEXT], bt[SHAPE_TEXT];
    int64_t m, n, ka, kb;
    shape_text(a, at), shape_text(b, bt);
    if (i->in[0].dtype != SOMA_FLOAT || i->in[1].dtype != SOMA_FLOAT) {
        infer_fail(i, "both operands must be float");
        return;
    }
    if (a->rank < 2 || b->rank < 2) {
        infer_fail(i, "shapes %s and %s: both operands need at least two dimensions", at, bt);
        return;
    }
    matrix_of(a, t->transpose_a, &m, &ka);
    matrix_of(b, t->transpose_b, &kb, &n);
    soma_shape la = leading(a), lb = leading(b), out;
    if (ka != kb) {
        infer_fail(i, "%s%s x %s%s: the rows of the first have %lld elements but the columns of the second have %lld",
                   at, t->transpose_a ? " transposed" : "", bt, t->transpose_b ? " transposed" : "", (long long)ka,
                   (long long)kb);
        return;
    }
    if (!shape_broadcast(&la, &lb, &out)) {
        infer_fail(i, "the leading dimensions of %s and %s do not broadcast", at, bt);
        return;
    }
    out.dims[out.rank] = m;
    out.dims[out.rank + 1] = n;
    out.rank += 2;
    i->out[0] = (tensor_type){SOMA_FLOAT, out};
}

static void gradient_matmul(op_gradient *c) {
    const matmul_attributes *t = c->attributes;
    soma_value a = c->in[0], b = c->in[1], d = c->dout[0];
    if (c->wanted[0])
        c->din[0] = gradient_unbroadcast(
            t->transpose_a ? soma_gemm(b, d, t->transpose_b, true) : soma_gemm(d, b, false, !t->transpose_b), a);
    if (c->wanted[1])
        c->din[1] = gradient_unbroadcast(
            t->transpose_b ? soma_gemm(d, a, true, t->transpose_a) : soma_gemm(a, d, !t->transpose_a, false), b);
}

/* Which matrix of an operand takes part in matrix `index` of the output. */
static int64_t matrix_index(const soma_shape *operand, const soma_shape *out, int64_t index) {
    int64_t result = 0, step = 1;
    for (int d = out->rank - 3; d >= 0; d--) {
        int k = d - (out->rank - operand->rank);
        int64_t at = index % out->dims[d];
        index /= out->dims[d];
        if (k < 0) continue;
        if (operand->dims[k] != 1) result += at * step;
        step *= operand->dims[k];
    }
    return result;
}

static void reference_matmul(const op_call *c) {
    const matmul_attributes *t = c->attributes;
    const soma_shape *sa = &c->in[0].shape, *sb = &c->in[1].shape, *so = &c->out[0].shape;
    int64_t m, n, k;
    matrix_of(sa, t->transpose_a, &m, &k);
    matrix_of(sb, t->transpose_b, &k, &n);
    soma_shape l = leading(so);
    int64_t matrices = shape_elements(&l, 1);
    for (int64_t q = 0; q < matrices; q++) {
        const double *a = (const double *)c->in[0].data + matrix_index(sa, so, q) * m * k;
        const double *b = (const double *)c->in[1].data + matrix_index(sb, so, q) * k * n;
        double *out = (double *)c->out[0].data + q * m * n;
        for (int64_t y = 0; y < m; y++)
            for (int64_t x = 0; x < n; x++) {
                double sum = 0;
                for (int64_t z = 0; z < k; z++)
                    sum += a[t->transpose_a ? z * m + y : y * k + z] * b[t->transpose_b ? x * k + z : z * n + x];
                out[y * n + x] = sum;
            }
    }
}

static double flops_matmul(const op_call *c) {
    const matmul_attributes *t = c->attributes;
    int64_t m, k;
    matrix_of(&c->in[0].shape, t->transpose_a, &m, &k);
    return 2.0 * (double)k * (double)shape_elements(&c->out[0].shape, 1);
}

/* A column times a row is element-wise, and fuses with what follows: the gradient of a weight for one sample. */
static soma_value simplify_matmul(soma_graph *g, const node *n, const soma_value *in) {
    const matmul_attributes *t = n->attributes;
    soma_value none = {g, 0, 0};
    soma_shape a = soma_value_shape(in[0]), b = soma_value_shape(in[1]);
    int64_t rows, columns, depth;
    if (a.rank != 2 || b.rank != 2) return none;
    matrix_of(&a, t->transpose_a, &rows, &depth);
    matrix_of(&b, t->transpose_b, &depth, &columns);
    if (depth != 1 || rows < 2 || columns < 2) return none;
    return soma_mul(soma_reshape(in[0], soma_shape2(rows, 1)), soma_reshape(in[1], soma_shape2(1, columns)));
}

static void describe_matmul(const void *attributes, char *text, size_t size) {
    const matmul_attributes *t = attributes;
    snprintf(text, size, "%s%s%s", t->transpose_a ? "first transposed" : "",
             t->transpose_a && t->transpose_b ? ", " : "", t->transpose_b ? "second transposed" : "");
}

const soma_op op_matmul = {.name = "matmul",
                           .inputs_min = 2,
                           .inputs_max = 2,
                           .outputs = 1,
                           .attributes_size = sizeof(matmul_attributes),
                           .infer = infer_matmul,
                           .gradient = gradient_matmul,
                           .reference = reference_matmul,
                           .flops = flops_matmul,
                           .simplify = simplify_matmul,
                           .describe = describe_matmul};

soma_value soma_matmul(soma_value a, soma_value b) { return soma_gemm(a, b, false, false); }

soma_value soma_gemm(soma_value a, soma_value b, bool transpose_a, bool transpose_b) {
    const matmul_attributes t = {transpose_a, transpose_b};
    soma_shape sa = soma_value_shape(a), sb = soma_value_shape(b);
    if (transpose_a || sa.rank < 3 || sb.rank != 2 || sa.dims[sa.rank - 1] != sb.dims[transpose_b ? 1 : 0])
        return graph_add2(&op_matmul, &t, a, b);
    soma_shape out = sa;
    int64_t columns = sa.dims[sa.rank - 1], rows = -1;
    bool batch = false;
    out.dims[out.rank - 1] = sb.dims[transpose_b ? 0 : 1];
    sa.rank--;
    rows = shape_elements(&sa, 1); /* a multiple of the batch where it is among them */
    for (int d = 0; d < sa.rank; d++) batch |= sa.dims[d] < 0;
    if (rows < 0 || shape_has_batch(&sb)) return graph_add2(&op_matmul, &t, a, b);
    soma_value folded = soma_reshape(a, soma_shape2(batch ? -rows : rows, columns));
    return soma_reshape(graph_add2(&op_matmul, &t, folded, b), out);
}
