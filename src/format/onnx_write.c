/* format/onnx_write.c: from a graph to the list of operators that is written. From the outputs backwards it is marked
 * what is needed, groups of nodes that ONNX has one operator for (onnx_match.c) counting as one; then the nodes are
 * written in their order, each by the rule of its op (onnx_ops.c), by the ONNX name in its descriptor, or through its
 * decomposition, which is built in a graph of its own and written in the same way. Names come from the graph and are
 * made unique in a fixed order, so that equal graphs give equal files. */
#include "format/file.h"
#include "format/onnx_export.h"

#if defined(SOMA_HAVE_ONNX)

#include "plan/store.h"

#include <stdio.h>

enum { DECOMPOSITION_DEPTH = 8 };

/* ---- Sources ----------------------------------------------------------------------------------------------------- */

static void write_variable(exporter *e, const node *n) {
    const tensor_type *type = &n->outputs[0];
    out_model *m = &e->out;
    const variable *v = e->model->store ? store_find(e->model->store, n->name) : NULL;
    if (!v || !shape_equal(&v->shape, &type->shape)) {
        export_fail(e, "the model can't be written: the store has no values of variable '%s'", n->name);
        return;
    }
    if (!mem_reserve(e->memory->context, &m->initializers, m->initializers_count, &m->initializers_capacity,
                     sizeof *m->initializers)) {
        export_no_memory(e);
        return;
    }
    m->initializers[m->initializers_count++] = (out_tensor){.name = export_output(e, n),
                                                            .type = ONNX_FLOAT,
                                                            .rank = v->shape.rank,
                                                            .dims = v->shape.dims,
                                                            .count = v->count,
                                                            .data = v->data,
                                                            .doubles = e->model->store->float64};
}

static void write_source(exporter *e, const node *n) {
    const char **place = export_place(e->frame, (node_ref){n->number, 0});
    if (n->op == &op_input && *place) return; /* a bound input, or a decomposition's */
    if (n->op == &op_scalar) {
        float *value = export_reserve(e, 1, sizeof *value);
        if (!value) return;
        *value = (float)((const scalar_attributes *)n->attributes)->value;
        export_constant(e, export_output(e, n), ONNX_FLOAT, &n->outputs[0].shape, value);
    } else if (n->op == &op_constant) {
        export_constant(e, export_output(e, n), n->outputs[0].dtype == SOMA_INT64 ? ONNX_INT64 : ONNX_FLOAT,
                        &n->outputs[0].shape, n->data);
    } else if (n->op == &op_variable) {
        write_variable(e, n);
    } else if (((const input_attributes *)n->attributes)->scalar) {
        float *value = export_reserve(e, 1, sizeof *value);
        if (!value) return;
        *value = (float)((const input_attributes *)n->attributes)->value;
        export_constant(e, export_output(e, n), ONNX_FLOAT, &n->outputs[0].shape, value);
    } else {
        export_fail(e, "the model can't be written: its outputs depend on input '%s', which is not among its inputs",
                    n->name);
    }
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

static export_frame *frame_open(exporter *e, soma_graph *graph) {
    export_frame *f = export_reserve(e, 1, sizeof *f);
    if (!f) return NULL;
    f->outer = e->frame;
    f->graph = graph;
    f->names = export_reserve(e, graph->count * OP_MAX_OUTPUTS + 1, sizeof *f->names);
    f->needed = export_reserve(e, graph->count + 1, sizeof *f->needed);
    f->uses = export_reserve(e, graph->count + 1, sizeof *f->uses);
    f->matches = export_reserve(e, graph->count + 1, sizeof *f->matches);
    return f->names && f->needed && f->uses && f->matches ? f : NULL;
}

/* Marks what the values marked already depend on, and finds groups. */
static void frame_mark(export_frame *f) {
    bool *reached = f->needed;
    for (size_t i = f->graph->count; i-- > 0;) { /* uses count plain dependence, before any group is found */
        const node *n = f->graph->nodes[i];
        for (int k = 0; k < n->inputs_count && (reached[i] || f->uses[i]); k++) f->uses[n->inputs[k].node - 1]++;
    }
    for (size_t i = f->graph->count; i-- > 0;) {
        const node *n = f->graph->nodes[i];
        if (!f->needed[i]) continue;
        export_match *match = &f->matches[i];
        bool found = export_match_find(f->graph, n, f->uses, match);
        if (!found) match->write = NULL;
        for (int k = 0; k < (found ? match->inputs_count : n->inputs_count); k++)
            f->needed[(found ? match->inputs[k].node : n->inputs[k].node) - 1] = true;
    }
}

static void write_nodes(exporter *e, int depth);

/* The node through other ops, in a graph of their own. */
static void write_decomposed(exporter *e, const node *n, int depth) {
    char text[160];
    soma_value in[OP_MAX_INPUTS] = {{0}};
    export_frame *outer = e->frame;
    soma_graph *graph = soma_graph_create_in(e->memory->context);
    const char *names[OP_MAX_INPUTS] = {NULL};
    const char *output = export_output(e, n);
    for (int i = 0; i < n->inputs_count && graph; i++) {
        char name[16];
        const tensor_type *t = export_type(e, n->inputs[i]);
        snprintf(name, sizeof name, "%d", i);
        names[i] = export_input(e, n, i);
        in[i] = t->dtype == SOMA_INT64 ? soma_input_int64(graph, name, t->shape) : soma_input(graph, name, t->shape);
    }
    soma_value y = {graph, 0, 0};
    if (graph) y = n->op->decompose(graph, n, in);
    export_frame *f = value_ok(y) ? frame_open(e, graph) : NULL;
    if (!f) {
        if (soma_graph_error(graph)->code == SOMA_ERROR_MEMORY)
            export_no_memory(e);
        else if (!e->failed)
            export_fail(e, "the model can't be written: %s: %s", node_text(n, text, sizeof text),
                        soma_graph_error(graph)->message);
        soma_graph_destroy(graph);
    } else {
        f->next = e->decompositions; /* the graph stays: constants are written from where they lie */
        e->decompositions = f;
        for (int i = 0; i < n->inputs_count; i++) *export_place(f, (node_ref){in[i].node, 0}) = names[i];
        f->needed[y.node - 1] = true;
        e->frame = f;
        const char **place = export_place(f, (node_ref){y.node, y.output});
        if (*place)
            export_node(e, "Identity", output, NULL, 1, *place);
        else
            *place = output;
        frame_mark(f);
        write_nodes(e, depth + 1);
        e->frame = outer;
    }
}

/* An element-wise op of ONNX without settings, by the descriptor's name. */
static bool write_by_name(exporter *e, const node *n) {
    out_node *made;
    if (!n->op->onnx) return false;
    export_same_inputs(e, n->op->onnx, n, &made);
    return true;
}

static void write_node(exporter *e, const node *n, int depth) {
    char text[160];
    const export_match *match = &e->frame->matches[n->number - 1];
    if (match->write) {
        match->write(e, n, match);
        return;
    }
    if (n->op->flags & OP_SOURCE) {
        write_source(e, n);
        return;
    }
    for (const export_rule *r = export_rules; r->op; r++)
        if (strcmp(r->op, n->op->name) == 0) {
            r->write(e, n);
            return;
        }
    if (n->op->outputs == 1 && write_by_name(e, n)) return;
    if (n->op->outputs == 1 && n->op->decompose && depth < DECOMPOSITION_DEPTH)
        write_decomposed(e, n, depth);
    else
        export_fail(e, "the model can't be written: %s has no form in ONNX", node_text(n, text, sizeof text));
}

static void write_nodes(exporter *e, int depth) {
    const export_frame *f = e->frame;
    for (size_t i = 0; i < f->graph->count && !e->failed; i++)
        if (f->needed[i]) write_node(e, f->graph->nodes[i], depth);
}

/* ---- Inputs and outputs ------------------------------------------------------------------------------------------ */

static bool take_bound(exporter *e, const onnx_value *v, const char *what) {
    if (!v->name || !*v->name || !value_type(v->value) || v->value.graph != e->frame->graph)
        export_fail(e, "the model can't be written: %s '%s' is no value of its graph", what, v->name ? v->name : "");
    else if (export_is_taken(e, v->name))
        export_fail(e, "the model can't be written: two inputs or outputs have the name '%s'", v->name);
    else
        return export_take(e, v->name);
    return false;
}

static void bind_inputs(exporter *e) {
    const onnx_export *model = e->model;
    e->out.inputs = export_reserve(e, model->inputs_count + 1, sizeof *e->out.inputs);
    for (size_t i = 0; i < model->inputs_count && !e->failed; i++) {
        const onnx_value *v = &model->inputs[i];
        if (!take_bound(e, v, "input")) return;
        if (value_node(v->value)->op != &op_input) {
            export_fail(e, "the model can't be written: '%s' is not an input of its graph", v->name);
            return;
        }
        *export_place(e->frame, (node_ref){v->value.node, 0}) = v->name;
        e->out.inputs[e->out.inputs_count++] = (out_value){v->name, *value_type(v->value)};
    }
}

/* An output's node takes its name unless it has one already; then an Identity follows at the end. */
static void bind_outputs(exporter *e) {
    const onnx_export *model = e->model;
    e->out.outputs = export_reserve(e, model->outputs_count + 1, sizeof *e->out.outputs);
    for (size_t i = 0; i < model->outputs_count && !e->failed; i++) {
        const onnx_value *v = &model->outputs[i];
        if (!take_bound(e, v, "output")) return;
        const char **place = export_place(e->frame, (node_ref){v->value.node, v->value.output});
        const soma_op *op = value_node(v->value)->op;
        if (!*place && op != &op_variable && op != &op_input) *place = v->name;
        e->frame->needed[v->value.node - 1] = true;
        e->frame->uses[v->value.node - 1] += 2; /* an output has to exist: no group may swallow it */
        e->out.outputs[e->out.outputs_count++] = (out_value){v->name, *value_type(v->value)};
    }
}

static void finish_outputs(exporter *e) {
    for (size_t i = 0; i < e->model->outputs_count && !e->failed; i++) {
        const onnx_value *v = &e->model->outputs[i];
        const char *name = export_name(e, (node_ref){v->value.node, v->value.output});
        if (strcmp(name, v->name) != 0) export_node(e, "Identity", v->name, NULL, 1, name);
    }
}

/* Variables get their own names before anything else may take them. Constants and sources named as outputs are written
 * as such: the output's name is in place. */
static void name_variables(exporter *e) {
    const export_frame *f = e->frame;
    for (size_t i = 0; i < f->graph->count && !e->failed; i++)
        if (f->needed[i] && f->graph->nodes[i]->op == &op_variable) export_output(e, f->graph->nodes[i]);
}

static int model_write(const onnx_export *model, out_sink sink, const soma_context *context, soma_error *error) {
    exporter e = {.model = model, .error = error, .memory = soma_graph_create_in(context)};
    int code = SOMA_ERROR_ARGUMENT;
    soma_graph *graph = model->outputs_count ? model->outputs[0].value.graph : NULL;
    if (!e.memory) return error_memory(error);
    e.out.metadata = model->metadata;
    e.out.metadata_count = model->metadata_count;
    if (!graph)
        export_fail(&e, "the model can't be written: it has no outputs");
    else if (graph->error.code)
        export_fail(&e, "the model can't be written: %s", graph->error.message);
    else if (export_take(&e, "") && (e.frame = frame_open(&e, graph))) {
        bind_inputs(&e);
        bind_outputs(&e);
        if (!e.failed) frame_mark(e.frame);
        name_variables(&e);
        write_nodes(&e, 0);
        finish_outputs(&e);
    }
    if (!e.failed) code = onnx_encode(&e.out, sink, error);
    for (export_frame *f = e.decompositions; f; f = f->next) soma_graph_destroy(f->graph);
    mem_free(context, e.out.nodes);
    mem_free(context, e.out.initializers);
    soma_graph_destroy(e.memory);
    return code;
}

/* ---- To a file, to memory ---------------------------------------------------------------------------------------- */

typedef struct file_target {
    file_writer *writer;
    soma_error *error;
} file_target;

static int file_sink(void *user, const void *bytes, size_t size) {
    const file_target *t = user;
    return file_write(t->writer, bytes, size, t->error);
}

int onnx_write(const onnx_export *model, const char *path, soma_error *error) {
    const soma_context *context =
        model->outputs_count && model->outputs[0].value.graph ? model->outputs[0].value.graph->context : NULL;
    file_target target = {file_create(path, context, error), error};
    if (!target.writer) return SOMA_ERROR_IO;
    out_sink sink = {file_sink, &target};
    int code = model_write(model, sink, context, error);
    if (!code) return file_commit(target.writer, error);
    file_abort(target.writer);
    return code;
}

typedef struct memory_target {
    const soma_context *context;
    unsigned char *bytes;
    size_t size, capacity;
    soma_error *error;
} memory_target;

static int memory_sink(void *user, const void *bytes, size_t size) {
    memory_target *t = user;
    if (size > t->capacity - t->size) {
        size_t wanted = t->capacity;
        if (!size_add(t->size, size, &wanted) || !size_add(wanted, wanted / 2 + 4096, &wanted))
            return error_memory(t->error);
        unsigned char *grown = mem_resize(t->context, t->bytes, t->size, wanted, 1);
        if (!grown) return error_memory(t->error);
        t->bytes = grown;
        t->capacity = wanted;
    }
    memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
    return SOMA_OK;
}

int onnx_write_memory(const onnx_export *model, const soma_context *context, unsigned char **bytes, size_t *size,
                      soma_error *error) {
    memory_target target = {context, NULL, 0, 0, error};
    out_sink sink = {memory_sink, &target};
    int code = model_write(model, sink, context, error);
    if (code) {
        mem_free(context, target.bytes);
        return code;
    }
    *bytes = target.bytes;
    *size = target.size;
    return SOMA_OK;
}

#else /* without nanopb */

int onnx_write(const onnx_export *model, const char *path, soma_error *error) {
    (void)model;
    return error_set(error, SOMA_ERROR_ARGUMENT,
                     "cannot write '%s': this build of soma has no ONNX (it was built without nanopb)", path);
}

int onnx_write_memory(const onnx_export *model, const soma_context *context, unsigned char **bytes, size_t *size,
                      soma_error *error) {
    (void)model, (void)context, (void)bytes, (void)size;
    return error_set(error, SOMA_ERROR_ARGUMENT, "this build of soma has no ONNX (it was built without nanopb)");
}

#endif
