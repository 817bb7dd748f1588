/* nn/losses.c: losses as builders. Each is a mean, so that a learning rate means the same at any batch size. A loss
 * that takes probabilities asks the op that made them for a stable logarithm (the descriptor's log_of and
 * log_one_minus): log softmax(z) and log sigmoid(z) are computed from z, never as the logarithm of a number that has
 * been rounded to 0 or 1. Definitions are PyTorch's. */
#include "graph/graph.h"

#include <soma/nn.h>

#include <float.h>
#include <math.h>

static soma_value none(soma_graph *graph) { return (soma_value){graph, 0, 0}; }

/* Whether two values may be compared element by element. Shapes must be equal: [N, 1] against [N] would broadcast to
 * [N, N] and train quietly on nonsense. */
static bool comparable(const char *loss, soma_value prediction, soma_value target) {
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    soma_graph *g = prediction.graph;
    soma_shape p = soma_value_shape(prediction), t = soma_value_shape(target);
    if (!g || !value_ok(prediction) || !value_ok(target)) return false;
    if (!shape_equal(&p, &t)) {
        graph_fail(g, "%s: the prediction has shape %s but the target %s", loss, shape_text(&p, a), shape_text(&t, b));
        return false;
    }
    return true;
}

soma_value soma_mse_loss(soma_value prediction, soma_value target) {
    if (!comparable("mse_loss", prediction, target)) return none(prediction.graph);
    return soma_mean(soma_square(soma_sub(prediction, target)));
}

soma_value soma_mae_loss(soma_value prediction, soma_value target) {
    if (!comparable("mae_loss", prediction, target)) return none(prediction.graph);
    return soma_mean(soma_abs(soma_sub(prediction, target)));
}

/* e²/2 up to delta, delta (|e| - delta/2) beyond: with c = clip(e, -delta, delta) both are c (e - c/2). Huber 1964. */
soma_value soma_huber_loss(soma_value prediction, soma_value target, double delta) {
    soma_graph *g = prediction.graph;
    if (!comparable("huber_loss", prediction, target)) return none(g);
    if (!(delta > 0 && isfinite(delta))) return graph_fail(g, "huber_loss: delta is %g, expected more than 0", delta);
    soma_value e = soma_sub(prediction, target), c = soma_clip(e, -delta, delta);
    return soma_mean(soma_mul(c, soma_sub(e, soma_mul(c, soma_scalar(g, 0.5)))));
}

soma_value soma_hinge_loss(soma_value score, soma_value target) {
    soma_graph *g = score.graph;
    if (!comparable("hinge_loss", score, target)) return none(g);
    return soma_mean(soma_relu(soma_sub(soma_scalar(g, 1), soma_mul(target, score))));
}

/* log(x), finite where x has been rounded to 0. */
static soma_value guarded_log(soma_value x) { return soma_log(soma_max2(x, soma_scalar(x.graph, (double)FLT_MIN))); }

static soma_value log_of(soma_value p) {
    const node *n = value_node(p);
    return n && n->op->log_of && p.output == 0 ? n->op->log_of(p.graph, n) : guarded_log(p);
}

static soma_value log_one_minus(soma_value p) {
    const node *n = value_node(p);
    if (n && n->op->log_one_minus && p.output == 0) return n->op->log_one_minus(p.graph, n);
    return guarded_log(soma_sub(soma_scalar(p.graph, 1), p));
}

/* -sum_ic T_ic w_c log p_ic / sum_i w_(y_i) with T = (1 - s) one_hot(y) + s / C: without weights the divisor is N. */
static soma_value cross_entropy(soma_value log_p, soma_value classes, const soma_cross_entropy_options *o) {
    soma_graph *g = log_p.graph;
    int64_t count = soma_value_shape(log_p).dims[1];
    soma_value hot = soma_one_hot(classes, count), weights = none(g), divisor;
    soma_value target = hot;
    if (o->class_weights) {
        weights = soma_constant(g, soma_shape1(count), o->class_weights);
        hot = soma_mul(hot, weights);
        divisor = soma_sum(hot);
        target = hot;
    } else {
        divisor = soma_extent(log_p, SOMA_AXIS(0));
    }
    if (o->label_smoothing != 0) {
        soma_value share = soma_scalar(g, o->label_smoothing / (double)count);
        if (o->class_weights) share = soma_mul(weights, share);
        target = soma_add(soma_mul(hot, soma_scalar(g, 1 - o->label_smoothing)), share);
    }
    return soma_neg(soma_div(soma_sum(soma_mul(target, log_p)), divisor));
}

static bool classes_valid(const char *loss, soma_value p, soma_value classes, const soma_cross_entropy_options *o) {
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    soma_graph *g = p.graph;
    soma_shape s = soma_value_shape(p), t = soma_value_shape(classes);
    if (!g || !value_ok(p) || !value_ok(classes)) return false;
    if (s.rank != 2 || s.dims[1] < 1 || t.rank != 1 || t.dims[0] != s.dims[0] ||
        soma_value_dtype(classes) != SOMA_INT64)
        graph_fail(g, "%s: expected a prediction [N, classes] and int64 class indices [N], not %s and %s%s", loss,
                   shape_text(&s, a), soma_value_dtype(classes) == SOMA_INT64 ? "" : "float ", shape_text(&t, b));
    else if (!(o->label_smoothing >= 0 && o->label_smoothing <= 1))
        graph_fail(g, "%s: the label smoothing is %g, expected 0 to 1", loss, o->label_smoothing);
    return !g->error.code;
}

/* Every class counts the same and each row has one: an op's own way, if it has one. */
static bool is_plain(const soma_cross_entropy_options *o) { return !o->class_weights && o->label_smoothing == 0; }

soma_value soma_cross_entropy(soma_value probabilities, soma_value classes, soma_cross_entropy_options options) {
    if (!classes_valid("cross_entropy", probabilities, classes, &options)) return none(probabilities.graph);
    const node *n = value_node(probabilities);
    if (is_plain(&options) && n->op->entropy_of && probabilities.output == 0) {
        soma_value losses = n->op->entropy_of(probabilities.graph, n, classes);
        if (losses.node) return soma_mean(losses);
    }
    return cross_entropy(log_of(probabilities), classes, &options);
}

soma_value soma_softmax_cross_entropy(soma_value logits, soma_value classes, soma_cross_entropy_options options) {
    if (!classes_valid("softmax_cross_entropy", logits, classes, &options)) return none(logits.graph);
    if (is_plain(&options)) return soma_mean(graph_add2(&op_cross_entropy, NULL, logits, classes));
    return cross_entropy(soma_log_softmax(logits, 1), classes, &options);
}

/* log p and log(1 - p) weighted by the target: with q = log(1 - p), t log p + (1 - t) q = q + t (log p - q). */
static soma_value log_likelihood(soma_value probability, soma_value target) {
    const node *n = value_node(probability);
    soma_value q = log_one_minus(probability);
    soma_value odds = n->op->logit_of && probability.output == 0 ? n->op->logit_of(probability.graph, n)
                                                                 : soma_sub(log_of(probability), q);
    return soma_add(q, soma_mul(target, odds));
}

soma_value soma_binary_cross_entropy(soma_value probability, soma_value target) {
    if (!comparable("binary_cross_entropy", probability, target)) return none(probability.graph);
    return soma_neg(soma_mean(log_likelihood(probability, target)));
}

/* The weight of a row is w0 + t (w1 - w0); as for more classes the mean is over the weights. */
soma_value soma_binary_cross_entropy_with(soma_value probability, soma_value target,
                                          soma_cross_entropy_options options) {
    soma_graph *g = probability.graph;
    const float *w = options.class_weights;
    double smoothing = options.label_smoothing;
    if (!comparable("binary_cross_entropy", probability, target)) return none(g);
    if (!(smoothing >= 0 && smoothing <= 1))
        return graph_fail(g, "binary_cross_entropy: the label smoothing is %g, expected 0 to 1", smoothing);
    soma_value smooth = target;
    if (smoothing != 0)
        smooth = soma_add(soma_mul(target, soma_scalar(g, 1 - smoothing)), soma_scalar(g, smoothing / 2));
    soma_value fit = log_likelihood(probability, smooth);
    if (!w) return soma_neg(soma_mean(fit));
    soma_value rise = soma_mul(target, soma_scalar(g, (double)w[1] - (double)w[0]));
    soma_value weight = soma_add(rise, soma_scalar(g, (double)w[0]));
    return soma_neg(soma_div(soma_sum(soma_mul(weight, fit)), soma_sum(weight)));
}
