/* nn/optimizers.c: optimizers as graph. soma_minimize differentiates the loss by every trainable variable it depends on
 * and writes each variable's update rule as ordinary nodes that end in assigns; the plan then fuses a rule with the
 * product that gives its gradient. Rules are PyTorch's, w the variable, g its gradient, r the learning rate:
 *   sgd       w - r g
 *   momentum  b = m b + g;  w - r b                nesterov  w - r (g + m b)
 *   rmsprop   v = a v + (1 - a) g²;  w - r g / (sqrt(v) + e)
 *   adagrad   v = v + g²;            w - r g / (sqrt(v) + e)
 *   adam      m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g²;  c_i = 1 - b_i^t
 *             w - (r / c1) m / (sqrt(v / c2) + e)  =  w - [r sqrt(c2) / c1] m / (sqrt(v) + [e sqrt(c2)])
 *   adamw     the same from (1 - r d) w
 * What stands in brackets is a scalar, computed once a step and shared by all variables, so that an element costs one
 * division and one square root. Clipping scales the gradients of the loss by min(1, clip / (norm + 1e-6)); weight decay
 * (d w, but adamw's) and l1 (l sign(w)) are added after it, as PyTorch's optimizers do.
 * Sources: Polyak 1964, Nesterov 1983, Tieleman and Hinton 2012, Duchi et al. 2011, Kingma and Ba 2015, Loshchilov and
 * Hutter 2019. */
#include "graph/graph.h"
#include "nn/minimize.h"

#include <math.h>
#include <stdio.h>

soma_optimizer soma_sgd(double learning_rate) {
    soma_optimizer o = {.kind = SOMA_SGD, .learning_rate = learning_rate};
    return o;
}

soma_optimizer soma_momentum(double learning_rate, double momentum) {
    soma_optimizer o = {.kind = SOMA_MOMENTUM, .learning_rate = learning_rate, .momentum = momentum};
    return o;
}

soma_optimizer soma_nesterov(double learning_rate, double momentum) {
    soma_optimizer o = {.kind = SOMA_NESTEROV, .learning_rate = learning_rate, .momentum = momentum};
    return o;
}

soma_optimizer soma_rmsprop(double learning_rate) {
    soma_optimizer o = {.kind = SOMA_RMSPROP, .learning_rate = learning_rate, .alpha = 0.99, .epsilon = 1e-8};
    return o;
}

soma_optimizer soma_adam(double learning_rate) {
    soma_optimizer o = {
        .kind = SOMA_ADAM, .learning_rate = learning_rate, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    return o;
}

soma_optimizer soma_adamw(double learning_rate) {
    soma_optimizer o = soma_adam(learning_rate);
    o.kind = SOMA_ADAMW;
    o.weight_decay = 0.01;
    return o;
}

soma_optimizer soma_adagrad(double learning_rate) {
    soma_optimizer o = {.kind = SOMA_ADAGRAD, .learning_rate = learning_rate, .epsilon = 1e-10};
    return o;
}

/* ---- Update rules --------------------------------------------------------------------------------------------------
 */

/* The scalars that all variables share. */
typedef struct shared {
    const soma_optimizer *o;
    soma_graph *graph;
    soma_value rate, epsilon; /* adam: those in brackets */
    soma_value decay_left;    /* adamw: 1 - r d */
} shared;

static soma_value scale(soma_value x, double factor) { return soma_mul(x, soma_scalar(x.graph, factor)); }

/* The state tensor "<variable>.<part>" of the variable's shape, 0 before the first step. */
static soma_value state(soma_value variable, const char *part) {
    soma_graph *g = variable.graph;
    const soma_init zero = {SOMA_INIT_CONSTANT, 0, 0, 0};
    char name[256];
    const node *n = value_node(variable);
    if (!n || snprintf(name, sizeof name, "%s.%s", n->name, part) >= (int)sizeof name)
        return graph_fail(g, "minimize: the name of variable '%.40s…' is too long", n ? n->name : "");
    return soma_variable(g, name, soma_value_shape(variable), zero, false);
}

/* Gives a state tensor its next value and returns that. */
static soma_value advance(soma_value old, soma_value next) {
    soma_graph_add_effect(soma_assign(old, next));
    return next;
}

/* decay old + (1 - decay) news */
static soma_value average(soma_value old, double decay, soma_value news) {
    return advance(old, soma_add(scale(old, decay), scale(news, 1 - decay)));
}

static soma_value step_from(const shared *s, soma_value w, soma_value direction) {
    return soma_sub(w, soma_mul(s->rate, direction));
}

static soma_value update_momentum(const shared *s, soma_value w, soma_value g) {
    soma_value old = state(w, "momentum");
    soma_value b = advance(old, soma_add(scale(old, s->o->momentum), g));
    return step_from(s, w, s->o->kind == SOMA_NESTEROV ? soma_add(g, scale(b, s->o->momentum)) : b);
}

/* rmsprop, adagrad: the step against the root of the gathered squares v. */
static soma_value step_against(const shared *s, soma_value w, soma_value g, soma_value v) {
    return soma_sub(w, soma_divide_root(soma_mul(s->rate, g), v, s->epsilon));
}

static soma_value update_rmsprop(const shared *s, soma_value w, soma_value g) {
    return step_against(s, w, g, average(state(w, "square_average"), s->o->alpha, soma_square(g)));
}

static soma_value update_adagrad(const shared *s, soma_value w, soma_value g) {
    soma_value old = state(w, "sum");
    return step_against(s, w, g, advance(old, soma_add(old, soma_square(g))));
}

static soma_value update_adam(const shared *s, soma_value w, soma_value g) {
    soma_value m = average(state(w, "exp_avg"), s->o->beta1, g);
    soma_value v = average(state(w, "exp_avg_sq"), s->o->beta2, soma_square(g));
    if (s->decay_left.node) w = soma_mul(w, s->decay_left);
    return soma_sub(w, soma_divide_root(soma_mul(s->rate, m), v, s->epsilon));
}

static soma_value update_custom(const shared *s, soma_value w, soma_value g) {
    soma_graph *graph = s->graph;
    size_t before = graph->count;
    soma_value next = s->o->update(s->o->user, w, g, s->rate);
    for (size_t i = before; i < graph->count; i++)
        if (graph->nodes[i]->op->flags & OP_EFFECT)
            soma_graph_add_effect((soma_value){graph, graph->nodes[i]->number, 0});
    if (!graph->error.code && (next.graph != graph || !value_ok(next)))
        graph_fail(graph, "minimize: the optimizer's update gave no value of the graph for variable '%s'",
                   value_node(w)->name);
    return next;
}

static soma_value update(const shared *s, soma_value w, soma_value g) {
    switch (s->o->kind) {
    case SOMA_SGD:
        return step_from(s, w, g);
    case SOMA_MOMENTUM:
    case SOMA_NESTEROV:
        return update_momentum(s, w, g);
    case SOMA_RMSPROP:
        return update_rmsprop(s, w, g);
    case SOMA_ADAM:
    case SOMA_ADAMW:
        return update_adam(s, w, g);
    case SOMA_ADAGRAD:
        return update_adagrad(s, w, g);
    case SOMA_CUSTOM:
        return update_custom(s, w, g);
    }
    return graph_fail(s->graph, "minimize: optimizer kind %d does not exist", (int)s->o->kind);
}

/* ---- What comes before the rules ------------------------------------------------------------------------------------
 */

static int check(soma_graph *g, const soma_optimizer *o) {
    const struct {
        const char *name;
        double value, low, high; /* low <= value < high */
    } fields[] = {
        {"learning rate", o->learning_rate, 0, INFINITY},
        {"momentum", o->momentum, 0, INFINITY},
        {"alpha", o->alpha, 0, 1},
        {"beta1", o->beta1, 0, 1},
        {"beta2", o->beta2, 0, 1},
        {"epsilon", o->epsilon, 0, INFINITY},
        {"weight decay", o->weight_decay, 0, INFINITY},
        {"l1", o->l1, 0, INFINITY},
        {"clip", o->clip, 0, INFINITY},
    };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (!(fields[i].value >= fields[i].low && fields[i].value < fields[i].high))
            graph_fail(g, "minimize: the optimizer's %s is %g, expected %g or more%s", fields[i].name, fields[i].value,
                       fields[i].low, fields[i].high == 1 ? " and less than 1" : " and finite");
    if ((unsigned)o->kind > SOMA_CUSTOM) graph_fail(g, "minimize: optimizer kind %d does not exist", (int)o->kind);
    if (o->kind == SOMA_CUSTOM && !o->update) graph_fail(g, "minimize: a custom optimizer needs its update function");
    return g->error.code;
}

/* The trainable variables that the loss depends on, in the order in which they were made. Memory of the graph. */
static soma_value *find_variables(soma_value loss, int *count) {
    soma_graph *g = loss.graph;
    bool *needed = graph_alloc(g, ((size_t)loss.node + 1) * sizeof *needed);
    soma_value *found = graph_alloc(g, ((size_t)loss.node + 1) * sizeof *found);
    *count = 0;
    if (!needed || !found) return NULL;
    needed[loss.node] = true;
    for (int32_t number = loss.node; number > 0; number--) {
        const node *n = graph_node(g, number);
        for (int i = 0; needed[number] && i < n->inputs_count; i++) needed[n->inputs[i].node] = true;
    }
    for (int32_t number = 1; number <= loss.node; number++) {
        const node *n = graph_node(g, number);
        if (needed[number] && n->op == &op_variable && ((const variable_attributes *)n->attributes)->trainable)
            found[(*count)++] = (soma_value){g, number, 0};
    }
    return found;
}

/* Scales the gradients down to a global norm of at most `limit`. */
static void clip_gradients(soma_graph *g, soma_value *gradients, int count, double limit) {
    soma_value squares = {g, 0, 0};
    for (int i = 0; i < count; i++) {
        soma_value sum = soma_sum(soma_square(gradients[i]));
        squares = i ? soma_add(squares, sum) : sum;
    }
    soma_value norm = soma_add(soma_sqrt(squares), soma_scalar(g, 1e-6));
    soma_value factor = soma_min2(soma_div(soma_scalar(g, limit), norm), soma_scalar(g, 1));
    for (int i = 0; i < count; i++) gradients[i] = soma_mul(gradients[i], factor);
}

static soma_value penalised(const soma_optimizer *o, soma_value w, soma_value gradient) {
    if (o->weight_decay != 0 && o->kind != SOMA_ADAMW) gradient = soma_add(gradient, scale(w, o->weight_decay));
    if (o->l1 != 0) gradient = soma_add(gradient, scale(soma_sign(w), o->l1));
    return gradient;
}

/* 1 - beta^t */
static soma_value bias_correction(soma_value t, double beta) {
    if (beta == 0) return soma_scalar(t.graph, 1);
    return soma_neg(soma_expm1(scale(t, log(beta))));
}

static shared share_scalars(soma_graph *g, const soma_optimizer *o, soma_value rate) {
    shared s = {.o = o, .graph = g, .rate = rate, .epsilon = soma_scalar(g, o->epsilon)};
    if (o->kind == SOMA_ADAMW && o->weight_decay != 0)
        s.decay_left = soma_sub(soma_scalar(g, 1), scale(rate, o->weight_decay));
    if (o->kind == SOMA_ADAM || o->kind == SOMA_ADAMW) {
        const soma_init zero = {SOMA_INIT_CONSTANT, 0, 0, 0};
        soma_value taken = soma_variable(g, "optimizer.step", soma_shape0(), zero, false);
        soma_value t = advance(taken, soma_add(taken, soma_scalar(g, 1)));
        soma_value root = soma_sqrt(bias_correction(t, o->beta2));
        s.rate = soma_mul(rate, soma_div(root, bias_correction(t, o->beta1)));
        s.epsilon = scale(root, o->epsilon);
    }
    return s;
}

/* ---- Gathered gradients, averaged weights ---------------------------------------------------------------------------
 */

/* The gathered gradient with this batch's added. */
static soma_value gather(const minimize_inputs *in, soma_value w, soma_value gradient) {
    soma_value old = state(w, "gathered");
    return soma_add(soma_mul(in->keep, old), soma_mul(in->weight, gradient));
}

static void keep_average(const minimize_inputs *in, soma_value w, soma_value next) {
    soma_value old = state(w, "average");
    advance(old, soma_add(old, soma_mul(in->fresh, soma_sub(next, old))));
}

static minimize_inputs make_inputs(soma_graph *g, const soma_optimizer *o, minimize_request request) {
    minimize_inputs in = {{g, 0, 0}, {g, 0, 0}, {g, 0, 0}, {g, 0, 0}, {g, 0, 0}};
    if (request.part != MINIMIZE_GATHER) in.rate = soma_input_scalar(g, "learning_rate", o->learning_rate);
    if (request.part != MINIMIZE_WHOLE) {
        in.keep = soma_input_scalar(g, "gather_keep", 0);
        in.weight = soma_input_scalar(g, "gather_weight", 1);
    }
    if (request.part == MINIMIZE_CLOSE) in.share = soma_input_scalar(g, "gather_share", 1);
    if (request.average && request.part != MINIMIZE_GATHER) in.fresh = soma_input_scalar(g, "average_fresh", 1);
    return in;
}

static void update_all(const soma_optimizer *o, const minimize_inputs *in, const soma_value *w, soma_value *gradients,
                       int count) {
    soma_graph *g = in->rate.graph;
    if (o->clip > 0) clip_gradients(g, gradients, count, o->clip);
    shared s = share_scalars(g, o, in->rate);
    /* The last layer's gradient is ready first: its update may follow at once. */
    for (int i = count - 1; i >= 0; i--) {
        soma_value next = update(&s, w[i], penalised(o, w[i], gradients[i]));
        if (in->fresh.node) keep_average(in, w[i], next);
        soma_graph_add_effect(soma_assign(w[i], next));
    }
}

int minimize_with(soma_value loss, soma_optimizer optimizer, minimize_request request, minimize_inputs *inputs) {
    soma_graph *g = loss.graph;
    int count = 0;
    if (!g) return SOMA_ERROR_ARGUMENT;
    if (g->error.code || check(g, &optimizer)) return g->error.code;
    if (!value_ok(loss)) return graph_fail(g, "minimize: the loss is not a value of the graph"), g->error.code;
    soma_value *w = find_variables(loss, &count);
    soma_value *gradients = graph_alloc(g, ((size_t)count + 1) * sizeof *gradients);
    if (!w || !gradients) return g->error.code;
    if (!count) return graph_fail(g, "minimize: the loss depends on no trainable variable"), g->error.code;
    if (soma_gradient(loss, w, count, gradients)) return g->error.code;
    *inputs = make_inputs(g, &optimizer, request);
    for (int i = 0; i < count && request.part != MINIMIZE_WHOLE; i++) {
        soma_value sum = gather(inputs, w[i], gradients[i]);
        if (request.part == MINIMIZE_GATHER)
            advance(state(w[i], "gathered"), sum);
        else
            gradients[i] = soma_mul(sum, inputs->share);
    }
    if (request.part != MINIMIZE_GATHER) update_all(&optimizer, inputs, w, gradients, count);
    return g->error.code;
}

int soma_minimize(soma_value loss, soma_optimizer optimizer, soma_value *learning_rate) {
    minimize_inputs inputs = {{0}, {0}, {0}, {0}, {0}};
    int code = minimize_with(loss, optimizer, (minimize_request){MINIMIZE_WHOLE, false}, &inputs);
    if (!code && learning_rate) *learning_rate = inputs.rate;
    return code;
}
