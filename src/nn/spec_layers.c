/* nn/spec_layers.c: the layers that a network's text can hold. Each kind says here how its sizes are read, checked and
 * written and how it is built; the table at the end is all that the parser knows. Activations need no entry: every op
 * whose descriptor has the flag OP_ACTIVATION is one. */
#include "nn/layers.h"
#include "nn/spec_tree.h"

#include <stdio.h>

enum { MAX_UNITS = 1000000, MAX_KERNEL = 4096, MAX_FACTOR = 64, MAX_BRANCHES = 64 };

/* ---- Sizes ----------------------------------------------------------------------------------------------------------
 */

static bool read_units(spec_parser *p, spec_layer *layer) {
    return spec_whole(p, spec_next(p), 0, 1, MAX_UNITS, "the units of dense", &layer->units);
}

/* "5x3" or, for a square, "5". */
static bool read_kernel(spec_parser *p, spec_layer *layer) {
    spec_token t = spec_next(p);
    const char *cross = memchr(t.start, 'x', t.length);
    size_t first = cross ? (size_t)(cross - t.start) : t.length;
    bool valid = spec_number(t.start, first, 1, MAX_KERNEL, &layer->kernel[0]);
    layer->kernel[1] = layer->kernel[0];
    if (cross) valid &= spec_number(cross + 1, t.length - first - 1, 1, MAX_KERNEL, &layer->kernel[1]);
    return valid || spec_fail(p, t, "should be the size of %s such as 3x3, with whole numbers from 1 to %d",
                              layer->kind->name, MAX_KERNEL);
}

static bool read_conv(spec_parser *p, spec_layer *layer) {
    return spec_whole(p, spec_next(p), 0, 1, MAX_UNITS, "the filters of conv", &layer->units) && read_kernel(p, layer);
}

static bool read_convt(spec_parser *p, spec_layer *layer) {
    return spec_whole(p, spec_next(p), 0, 1, MAX_UNITS, "the filters of convt", &layer->units) && read_kernel(p, layer);
}

static bool read_upsample(spec_parser *p, spec_layer *layer) {
    return spec_whole(p, spec_next(p), 0, 1, MAX_FACTOR, "the factor of upsample", &layer->units);
}

static bool read_gn(spec_parser *p, spec_layer *layer) {
    return spec_whole(p, spec_next(p), 0, 1, MAX_UNITS, "the groups of gn", &layer->units);
}

static bool read_avgpool(spec_parser *p, spec_layer *layer) {
    layer->global = spec_token_is(spec_peek(p), "global");
    return layer->global ? spec_next(p).length > 0 : read_kernel(p, layer);
}

/* Digits with at most one point: no sign, no exponent, and the same in every locale. */
static bool read_probability(spec_parser *p, spec_layer *layer) {
    spec_token t = spec_next(p);
    int64_t value = 0, unit = 1;
    bool point = false, digits = false, valid = t.length < sizeof layer->number;
    for (size_t i = 0; valid && i < t.length; i++) {
        char c = t.start[i];
        if (c == '.' && !point) {
            point = true;
        } else {
            valid = c >= '0' && c <= '9';
            digits = true;
            value = value * 10 + (c - '0');
            if (point) unit *= 10;
        }
    }
    if (!valid || !digits || value >= unit)
        return spec_fail(p, t, "should be the probability of dropout, a number from 0 to less than 1");
    memcpy(layer->number, t.start, t.length);
    layer->probability = (double)value / (double)unit;
    return true;
}

static bool read_branches(spec_parser *p, spec_layer *layer) {
    spec_token t = spec_next(p);
    if (!spec_token_is(t, "(")) return spec_fail(p, t, "should be the ( of %s(...)", layer->kind->name);
    do {
        if (layer->branches_count == MAX_BRANCHES) return spec_fail(p, t, "is one branch more than %d", MAX_BRANCHES);
        if (!mem_reserve(p->context, &layer->branches, layer->branches_count, &layer->branches_capacity,
                         sizeof *layer->branches))
            return error_memory(p->error), false;
        layer->branches[layer->branches_count++] = (spec_list){0};
        if (!spec_parse_list(p, &layer->branches[layer->branches_count - 1])) return false;
        t = spec_next(p);
    } while (spec_token_is(t, "|"));
    return spec_token_is(t, ")") || spec_fail(p, t, "should be the ) or | of %s", layer->kind->name);
}

static bool read_residual(spec_parser *p, spec_layer *layer) {
    spec_token t = spec_peek(p);
    return read_branches(p, layer) &&
           (layer->branches_count <= 2 || spec_fail(p, t, "opens a residual of more than two branches"));
}

/* A window that lies in the padding alone would have nothing to pool. */
static bool check_pool(const spec_parser *p, spec_layer *layer) {
    int64_t least = layer->kernel[0] < layer->kernel[1] ? layer->kernel[0] : layer->kernel[1];
    bool options = layer->stride || layer->padding || layer->same || layer->ceil;
    if (layer->global && options)
        error_set(p->error, SOMA_ERROR_ARGUMENT, "net: 'avgpool global' at character %d takes no options",
                  layer->position);
    else if (layer->padding > least / 2)
        error_set(p->error, SOMA_ERROR_ARGUMENT,
                  "net: '%s' at character %d has padding %lld, more than half of its size", layer->kind->name,
                  layer->position, (long long)layer->padding);
    else
        return true;
    return false;
}

/* ---- Text
 * ------------------------------------------------------------------------------------------------------------ */

static void write_units(const spec_layer *l, char *text, size_t size) {
    snprintf(text, size, "%lld", (long long)l->units);
}

static void write_kernel(const spec_layer *l, char *text, size_t size) {
    snprintf(text, size, l->kernel[0] == l->kernel[1] ? "%lld" : "%lldx%lld", (long long)l->kernel[0],
             (long long)l->kernel[1]);
}

static void write_conv(const spec_layer *l, char *text, size_t size) {
    snprintf(text, size, "%lld %lldx%lld", (long long)l->units, (long long)l->kernel[0], (long long)l->kernel[1]);
}

static void write_avgpool(const spec_layer *l, char *text, size_t size) {
    if (l->global)
        snprintf(text, size, "global");
    else
        write_kernel(l, text, size);
}

static void write_dropout(const spec_layer *l, char *text, size_t size) { snprintf(text, size, "%s", l->number); }

/* ---- Building
 * -------------------------------------------------------------------------------------------------------- */

/* Whether the first activation that the output meets is ReLU-like, that is, hands positive numbers on: then about half
 * of the signal is lost in it, and He's variance makes up for that. */
static bool relu_follows(const spec_after *after) {
    for (; after; after = after->outer)
        for (size_t i = after->next; i < after->list->count; i++) {
            const spec_layer *l = &after->list->layers[i];
            if (l->kind->flags & LAYER_WEIGHTS || l->branches_count) return false;
            const soma_op *op = l->activation ? op_find(l->activation) : NULL;
            if (!l->activation) continue;
            const double positive[1] = {5}; /* which ReLU6, bounded as it is, lets pass too */
            return op && op->scalar && op->scalar(positive, op->defaults) > 4;
        }
    return false;
}

static soma_init weights_init(const spec_place *place) {
    const soma_init he = {SOMA_INIT_HE, 0, 0, 0}, xavier = {SOMA_INIT_XAVIER_UNIFORM, 0, 0, 0};
    if (place->options->init_given) return place->options->init;
    return relu_follows(&place->after) ? he : xavier;
}

/* bn subtracts the mean, and a bias with it. */
static bool bn_follows(const spec_place *place) {
    const spec_after *a = &place->after;
    return a->next < a->list->count && a->list->layers[a->next].kind == &layer_bn;
}

static soma_value build_dense(const spec_layer *l, soma_value x, const spec_place *place) {
    soma_dense_options o = {.no_bias = bn_follows(place), .init_given = true, .init = weights_init(place)};
    return soma_dense_with(x, l->units, o);
}

static soma_value build_conv(const spec_layer *l, soma_value x, const spec_place *place) {
    soma_conv2d_options o = {.stride = l->stride,
                             .padding = l->padding,
                             .dilation = l->dilation,
                             .groups = l->groups,
                             .same = l->same,
                             .no_bias = bn_follows(place),
                             .init_given = true,
                             .init = weights_init(place)};
    return soma_conv2d(x, l->units, soma_kernel(l->kernel[0], l->kernel[1]), o);
}

static soma_value build_convt(const spec_layer *l, soma_value x, const spec_place *place) {
    soma_conv_transpose2d_options o = {.stride = l->stride,
                                       .padding = l->padding,
                                       .dilation = l->dilation,
                                       .groups = l->groups,
                                       .same = l->same,
                                       .no_bias = bn_follows(place),
                                       .init_given = true,
                                       .init = weights_init(place)};
    return soma_conv_transpose2d(x, l->units, soma_kernel(l->kernel[0], l->kernel[1]), o);
}

static soma_window pool_window(const spec_layer *l, soma_value x) {
    soma_window w = {.ceil_mode = l->ceil};
    soma_shape s = soma_value_shape(x);
    for (int axis = 0; axis < 2; axis++) {
        w.kernel[axis] = l->kernel[axis];
        w.stride[axis] = l->stride ? l->stride : l->kernel[axis];
        w.dilation[axis] = 1;
        w.before[axis] = w.after[axis] = l->padding;
        if (l->same && s.rank == 4) layer_pad_same(&w, axis, s.dims[2 + axis]);
    }
    return w;
}

static soma_value build_maxpool(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)place;
    return soma_max_pool(x, pool_window(l, x));
}

static soma_value build_avgpool(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)place;
    return l->global ? soma_global_average_pool(x) : soma_average_pool(x, pool_window(l, x));
}

static soma_value build_dropout(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)place;
    return soma_dropout(x, l->probability);
}

static soma_value build_bn(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)l, (void)place;
    soma_batch_norm_options o = {0};
    return soma_batch_norm(x, o);
}

static soma_value build_ln(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)l, (void)place;
    soma_norm_options o = {0};
    return soma_layer_norm(x, o);
}

static soma_value build_in(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)l, (void)place;
    soma_norm_options o = {0};
    return soma_instance_norm(x, o);
}

static soma_value build_gn(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)place;
    soma_norm_options o = {0};
    return soma_group_norm(x, l->units, o);
}

/* AlexNet's and GoogLeNet's numbers. */
static soma_value build_lrn(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)l, (void)place;
    return soma_lrn(x, 5, 1e-4, 0.75, 1);
}

static soma_value build_upsample(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)place;
    return soma_upsample(x, l->units, l->units);
}

/* The input itself, as a branch of concat: a U-Net's skip connection. */
static soma_value build_identity(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)l, (void)place;
    return x;
}

static soma_value build_flatten(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)l, (void)place;
    return soma_flatten(x);
}

static soma_value build_activation(const spec_layer *l, soma_value x, const spec_place *place) {
    (void)place;
    return l->activation == op_softmax.name ? soma_softmax(x, 1) : soma_activation(l->activation, x);
}

/* He et al. 2016: the branch adds to its input, or to a shortcut's output. */
static soma_value build_residual(const spec_layer *l, soma_value x, const spec_place *place) {
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    soma_value branch = spec_build_list(&l->branches[0], x, place);
    soma_value shortcut = l->branches_count > 1 ? spec_build_list(&l->branches[1], x, place) : x;
    soma_shape s = soma_value_shape(branch), t = soma_value_shape(shortcut);
    if (value_ok(branch) && value_ok(shortcut) && !shape_equal(&s, &t))
        return graph_fail(x.graph, "its branch gives %s but its shortcut %s", shape_text(&s, a), shape_text(&t, b));
    return soma_add(branch, shortcut);
}

static soma_value build_concat(const spec_layer *l, soma_value x, const spec_place *place) {
    soma_value parts[MAX_BRANCHES];
    for (size_t i = 0; i < l->branches_count; i++) parts[i] = spec_build_list(&l->branches[i], x, place);
    return x.graph->error.code ? (soma_value){x.graph, 0, 0} : soma_concat(parts, (int)l->branches_count, 1);
}

/* ---- The table ------------------------------------------------------------------------------------------------------
 */

const layer_kind layer_dense = {"dense", LAYER_WEIGHTS, read_units, NULL, write_units, build_dense};
static const layer_kind layer_conv = {
    "conv",     LAYER_WEIGHTS | LAYER_STRIDE | LAYER_PADDING | LAYER_DILATION | LAYER_GROUPS,
    read_conv,  NULL,
    write_conv, build_conv};
static const layer_kind layer_convt = {
    "convt",    LAYER_WEIGHTS | LAYER_STRIDE | LAYER_PADDING | LAYER_DILATION | LAYER_GROUPS,
    read_convt, NULL,
    write_conv, build_convt};
static const layer_kind layer_maxpool = {
    "maxpool", LAYER_STRIDE | LAYER_PADDING | LAYER_CEIL, read_kernel, check_pool, write_kernel, build_maxpool};
static const layer_kind layer_avgpool = {
    "avgpool", LAYER_STRIDE | LAYER_PADDING | LAYER_CEIL, read_avgpool, check_pool, write_avgpool, build_avgpool};
static const layer_kind layer_dropout = {"dropout", 0, read_probability, NULL, write_dropout, build_dropout};
static const layer_kind layer_upsample = {"upsample", 0, read_upsample, NULL, write_units, build_upsample};
const layer_kind layer_bn = {"bn", LAYER_NORM, NULL, NULL, NULL, build_bn};
static const layer_kind layer_ln = {"ln", LAYER_NORM, NULL, NULL, NULL, build_ln};
static const layer_kind layer_in = {"in", LAYER_NORM, NULL, NULL, NULL, build_in};
static const layer_kind layer_gn = {"gn", LAYER_NORM, read_gn, NULL, write_units, build_gn};
static const layer_kind layer_lrn = {"lrn", 0, NULL, NULL, NULL, build_lrn};
static const layer_kind layer_identity = {"identity", 0, NULL, NULL, NULL, build_identity};
static const layer_kind layer_flatten = {"flatten", 0, NULL, NULL, NULL, build_flatten};
static const layer_kind layer_residual = {"residual", 0, read_residual, NULL, NULL, build_residual};
static const layer_kind layer_concat = {"concat", 0, read_branches, NULL, NULL, build_concat};
const layer_kind layer_activation = {"activation", 0, NULL, NULL, NULL, build_activation};

const layer_kind *const layer_kinds[] = {
    &layer_dense,    &layer_conv,   &layer_convt, &layer_maxpool, &layer_avgpool, &layer_upsample, &layer_dropout,
    &layer_bn,       &layer_ln,     &layer_in,    &layer_gn,      &layer_lrn,     &layer_flatten,  &layer_identity,
    &layer_residual, &layer_concat, NULL};

const layer_kind *layer_find(const char *name, size_t length) {
    for (const layer_kind *const *k = layer_kinds; *k; k++)
        if (strlen((*k)->name) == length && !memcmp((*k)->name, name, length)) return *k;
    return NULL;
}

const char *activation_find(const char *name, size_t length) {
    if (length == strlen(op_softmax.name) && !memcmp(name, op_softmax.name, length)) return op_softmax.name;
    for (const soma_op *const *op = op_table; *op; op++)
        if ((*op)->flags & OP_ACTIVATION && strlen((*op)->name) == length && !memcmp((*op)->name, name, length))
            return (*op)->name;
    return NULL;
}
