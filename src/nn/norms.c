/* nn/norms.c: layers that normalise a sample by itself (layer, instance and group normalisation), unlike batch
 * normalisation (layers.c) without anything to remember from training. All three are the same few nodes over other
 * axes: (x - mean) / sqrt(variance + epsilon), a scale and a shift. */
#include "graph/graph.h"
#include "nn/layers.h"

#include <soma/nn.h>

#include <math.h>

static const soma_init zeros = {SOMA_INIT_CONSTANT, 0, 0, 0}, ones = {SOMA_INIT_CONSTANT, 1, 0, 0};

static soma_value normalise(soma_value x, uint32_t axes, double epsilon) {
    soma_value centred = soma_sub(x, soma_reduce_mean(x, axes, true));
    soma_value variance = soma_reduce_mean(soma_square(centred), axes, true);
    return soma_mul(centred, soma_rsqrt(soma_add(variance, soma_scalar(x.graph, epsilon))));
}

/* x weight + bias; the variables have `shape`, which `spread` shows so that it broadcasts. */
static soma_value affine(soma_value x, const char *name, soma_shape shape, soma_shape spread) {
    soma_value weight = layer_parameter(x.graph, name, "weight", shape, ones, true);
    soma_value bias = layer_parameter(x.graph, name, "bias", shape, zeros, true);
    return soma_name(soma_add(soma_mul(x, soma_reshape(weight, spread)), soma_reshape(bias, spread)), name);
}

/* Names the layer and checks its input: at least `rank` dimensions, all but the batch known. */
static const char *open_norm(soma_value x, const char *kind, int rank, double *epsilon) {
    soma_graph *g = x.graph;
    char text[SHAPE_TEXT];
    if (!g || !value_ok(x)) return NULL;
    const char *name = graph_layer_name(g, kind);
    soma_shape s = soma_value_shape(x);
    bool fits = s.rank >= rank;
    for (int d = 1; d < s.rank; d++) fits &= s.dims[d] > 0;
    if (*epsilon == 0) *epsilon = 1e-5;
    if (!fits)
        graph_fail(g, "%s '%s': the input has shape %s, expected [N, %s…]", kind, name, shape_text(&s, text),
                   rank > 2 ? "C, H, " : "C, ");
    else if (!(*epsilon > 0 && isfinite(*epsilon)))
        graph_fail(g, "%s '%s': epsilon %g must be positive", kind, name, *epsilon);
    return g->error.code ? NULL : name;
}

static uint32_t axes_from(const soma_shape *s, int first) { return ((1u << s->rank) - 1) & ~((1u << first) - 1); }

/* [C, 1, …], which broadcasts over [N, C, …]. */
static soma_shape by_channel(const soma_shape *s) {
    soma_shape spread = soma_shape1(s->dims[1]);
    for (int d = 2; d < s->rank; d++) spread.dims[spread.rank++] = 1;
    return spread;
}

soma_value soma_layer_norm(soma_value x, soma_norm_options options) {
    const char *name = open_norm(x, "ln", 2, &options.epsilon);
    if (!name) return (soma_value){x.graph, 0, 0};
    soma_shape s = soma_value_shape(x), sample = shape_of(s.rank - 1, s.dims + 1);
    return affine(normalise(x, axes_from(&s, 1), options.epsilon), name, sample, sample);
}

soma_value soma_instance_norm(soma_value x, soma_norm_options options) {
    const char *name = open_norm(x, "in", 3, &options.epsilon);
    if (!name) return (soma_value){x.graph, 0, 0};
    soma_shape s = soma_value_shape(x);
    return affine(normalise(x, axes_from(&s, 2), options.epsilon), name, soma_shape1(s.dims[1]), by_channel(&s));
}

soma_value soma_group_norm(soma_value x, int64_t groups, soma_norm_options options) {
    const char *name = open_norm(x, "gn", 2, &options.epsilon);
    if (!name) return (soma_value){x.graph, 0, 0};
    soma_shape s = soma_value_shape(x);
    if (groups < 1 || s.dims[1] % groups)
        return graph_fail(x.graph, "gn '%s': %lld groups do not divide the %lld channels", name, (long long)groups,
                          (long long)s.dims[1]);
    int64_t each = s.dims[1] / groups;
    for (int d = 2; d < s.rank; d++) each *= s.dims[d];
    soma_value grouped = soma_reshape(x, soma_shape3(s.dims[0], groups, each));
    soma_value y = soma_reshape(normalise(grouped, SOMA_AXIS(2), options.epsilon), s);
    return affine(y, name, soma_shape1(s.dims[1]), by_channel(&s));
}
