/* graph/gradient.c: reverse-mode differentiation as a rewrite of graph to graph. From y backwards each node hands the
 * gradient of its outputs through its op's rule to its inputs; what reaches one value by several ways is summed. The
 * result consists of ordinary nodes, so gradients of gradients need nothing new. An op without a rule of its own is
 * differentiated through its decomposition. See docs/tutorial.md, chapter 5, and Baydin et al. 2018 for the history. */
#include "graph/graph.h"

typedef struct backward {
    soma_graph *graph;
    size_t nodes;     /* nodes of the graph when differentiation began: later ones are gradients */
    bool *reaches;    /* by node: lies on a way from one of the x to y */
    soma_value *dout; /* by node and output: the sum so far */
} backward;

static int gradient_of(soma_value y, soma_value seed, const soma_value *x, int count, bool partial,
                       soma_value *gradients);

static soma_value *slot(backward *b, int32_t number, int output) {
    return &b->dout[((size_t)number - 1) * OP_MAX_OUTPUTS + (size_t)output];
}

static void accumulate(backward *b, node_ref to, soma_value gradient) {
    soma_value *sum = slot(b, to.node, to.output);
    /* The analyser loses sight of din having been filled. NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
    *sum = sum->node ? soma_add(*sum, gradient) : gradient;
}

void gradient_through(op_gradient *c, soma_value y, soma_value seed) {
    /* d(sum(seed * y))/d(in) is wanted. Inputs must be told from one another, and from equal inputs, by node; the
     * gradient with respect to a value counts every way from it to y only, because the seed and the inputs themselves
     * are not looked through. */
    soma_value x[OP_MAX_INPUTS] = {{0}}, gradients[OP_MAX_INPUTS] = {{0}};
    int index[OP_MAX_INPUTS] = {0}, count = 0;
    if (!value_ok(y) || !seed.node) return;
    for (int i = 0; i < c->inputs; i++) {
        bool seen = !c->wanted[i];
        for (int k = 0; k < count; k++) seen |= x[k].node == c->in[i].node && x[k].output == c->in[i].output;
        if (!seen) {
            index[count] = i;
            x[count++] = c->in[i];
        }
    }
    if (gradient_of(y, seed, x, count, true, gradients)) return;
    for (int k = 0; k < count; k++) c->din[index[k]] = gradients[k];
}

static void mark(backward *b, const soma_value *x, int count) {
    for (int i = 0; i < count; i++) b->reaches[x[i].node - 1] = true;
    for (size_t n = 0; n < b->nodes; n++) {
        const node *m = b->graph->nodes[n];
        for (int k = 0; k < m->inputs_count && !b->reaches[n]; k++) b->reaches[n] = b->reaches[m->inputs[k].node - 1];
    }
}

/* The gradients of sum(seed * y). `partial`: as if the x did not depend on one another. */
static int gradient_of(soma_value y, soma_value seed, const soma_value *x, int count, bool partial,
                       soma_value *gradients) {
    soma_graph *g = y.graph;
    backward b = {g, g->count, NULL, NULL};
    b.reaches = mem_zeros(g->context, b.nodes, sizeof(bool));
    b.dout = mem_zeros(g->context, b.nodes * OP_MAX_OUTPUTS, sizeof(soma_value));
    if (!b.reaches || !b.dout) {
        error_memory(&g->error);
        goto done;
    }
    mark(&b, x, count);
    if (b.reaches[y.node - 1]) *slot(&b, y.node, y.output) = seed;
    for (int32_t number = y.node; number > 0 && !g->error.code; number--) {
        const node *n = graph_node(g, number);
        soma_value in[OP_MAX_INPUTS], out[OP_MAX_OUTPUTS], din[OP_MAX_INPUTS];
        bool wanted[OP_MAX_INPUTS] = {false}, flows = false, is_x = false, any = false;
        for (int o = 0; o < n->op->outputs; o++) {
            flows |= slot(&b, number, o)->node != 0;
            out[o] = (soma_value){g, number, o};
        }
        for (int i = 0; i < count && partial; i++) is_x |= x[i].node == number;
        if (!flows || is_x || !b.reaches[number - 1]) continue;
        for (int i = 0; i < n->inputs_count; i++) {
            in[i] = graph_value(g, n->inputs[i]);
            wanted[i] = b.reaches[n->inputs[i].node - 1] && value_type(in[i])->dtype == SOMA_FLOAT;
            any |= wanted[i];
            din[i] = (soma_value){g, 0, 0};
        }
        if (!any) continue;
        op_gradient c = {g,  n,   n->attributes,       n->inputs_count, n->op->outputs,
                         in, out, slot(&b, number, 0), wanted,          din};
        if (n->op->gradient)
            n->op->gradient(&c);
        else if (n->op->decompose)
            gradient_through(&c, n->op->decompose(g, n, in), c.dout[0]);
        for (int i = 0; i < n->inputs_count; i++)
            if (wanted[i] && din[i].node) accumulate(&b, n->inputs[i], din[i]);
    }
    for (int i = 0; i < count && !g->error.code; i++) {
        gradients[i] = *slot(&b, x[i].node, x[i].output);
        if (!gradients[i].node) gradients[i] = zeros_like(x[i]);
    }
done:
    mem_free(g->context, b.dout);
    mem_free(g->context, b.reaches);
    return g->error.code;
}

int soma_gradient(soma_value y, const soma_value *x, int count, soma_value *gradients) {
    soma_graph *g = y.graph;
    if (!g) return SOMA_ERROR_ARGUMENT;
    for (int i = 0; i < count; i++) gradients[i] = (soma_value){g, 0, 0};
    if (g->error.code) return g->error.code;
    if (!value_ok(y) || soma_value_shape(y).rank != 0 || soma_value_dtype(y) != SOMA_FLOAT)
        graph_fail(g, "gradient: y must be a float scalar of the graph");
    for (int i = 0; i < count; i++)
        if (x[i].graph != g || !value_ok(x[i])) graph_fail(g, "gradient: x %d is not a value of y's graph", i + 1);
    if (g->error.code) return g->error.code;
    return gradient_of(y, soma_scalar(g, 1), x, count, false, gradients);
}

bool shape_broadcast(const soma_shape *a, const soma_shape *b, soma_shape *out) {
    int rank = a->rank > b->rank ? a->rank : b->rank;
    soma_shape s = {rank, {0}};
    for (int i = 0; i < rank; i++) {
        int ia = i - (rank - a->rank), ib = i - (rank - b->rank);
        int64_t da = ia >= 0 ? a->dims[ia] : 1, db = ib >= 0 ? b->dims[ib] : 1;
        if (da != db && da != 1 && db != 1) return false;
        s.dims[i] = da == 1 ? db : da;
    }
    *out = s;
    return true;
}

soma_value gradient_unbroadcast(soma_value dy, soma_value x) {
    soma_shape s = soma_value_shape(x), t = soma_value_shape(dy);
    uint32_t axes = 0;
    bool leading = true; /* the axes are those that x lacks: their sum has x's shape already */
    if (!value_ok(dy) || !value_ok(x) || shape_equal(&s, &t)) return dy;
    for (int i = 0; i < t.rank; i++) {
        int j = i - (t.rank - s.rank);
        if (j >= 0 && (s.dims[j] != 1 || t.dims[i] == 1)) continue;
        axes |= SOMA_AXIS(i);
        leading = leading && j < 0;
    }
    if (axes) dy = soma_reduce_sum(dy, axes, !leading);
    return soma_reshape(dy, s);
}
