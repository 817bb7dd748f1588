/* format/onnx_write.c: from a graph to the list of operators that is written. From the outputs backwards it is marked
 * what is needed, groups of nodes that ONNX has one operator for (onnx_match.c) counting as one; then the nodes are
 * written in their order, each by the rule of its op (onnx_ops.c), by the ONNX name in its descriptor, or through its
 * decomposition, which is built in a graph of its own and written in the same way. Names come from the graph and are
 * made unique in a fixed order, so that equal graphs give equal files. */
#include "format/file.h"
#include "format/onnx_export.h"

#if defined(SOMA_HAVE_ONNX)

#include "base/random.h"
#include "plan/store.h"

#include <stdio.h>

/* A graph being written, with the names of its values. */
struct export_frame {
    export_frame *outer, *next; /* next: in the list of decompositions */
    soma_graph *graph;
    const char **names; /* OP_MAX_OUTPUTS for each node; NULL: not written yet */
    bool *needed;
    int *uses;
    export_match *matches; /* for each node; write is NULL when it stands for itself */
};

enum { DECOMPOSITION_DEPTH = 8 };

/* ---- Small things ------------------------------------------------------------------------------------------------ */

void export_fail(exporter *e, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    error_set_v(e->error, SOMA_ERROR_ARGUMENT, format, arguments);
    va_end(arguments);
    e->failed = true;
}

static void out_of_memory(exporter *e) {
    error_memory(e->error);
    e->failed = true;
}

static void *reserve(exporter *e, size_t count, size_t size) {
    size_t bytes;
    void *memory = size_multiply(count, size, &bytes) ? graph_alloc(e->memory, bytes) : NULL;
    if (!memory) out_of_memory(e);
    return memory;
}

static size_t slot_of(const exporter *e, const char *name) {
    size_t at = hash_bytes(name, strlen(name), HASH_START) & (e->taken_size - 1);
    while (e->taken[at] && strcmp(e->taken[at], name) != 0) at = (at + 1) & (e->taken_size - 1);
    return at;
}

static bool is_taken(const exporter *e, const char *name) { return e->taken_size && e->taken[slot_of(e, name)]; }

/* Keeps a name for one value; false when memory is out. */
static bool take(exporter *e, const char *name) {
    if (e->taken_count * 2 >= e->taken_size) {
        exporter grown = *e;
        grown.taken_size = e->taken_size ? e->taken_size * 2 : 256;
        grown.taken = reserve(e, grown.taken_size, sizeof *grown.taken);
        if (!grown.taken) return false;
        for (size_t i = 0; i < e->taken_size; i++)
            if (e->taken[i]) grown.taken[slot_of(&grown, e->taken[i])] = e->taken[i];
        e->taken = grown.taken;
        e->taken_size = grown.taken_size;
    }
    e->taken[slot_of(e, name)] = name;
    e->taken_count++;
    return true;
}

/* The name itself or, if something has it, with the first number that makes it new. */
static const char *take_unique(exporter *e, const char *wanted) {
    size_t size = strlen(wanted) + 24;
    char *name = reserve(e, size, 1);
    if (!name) return "";
    snprintf(name, size, "%s", wanted);
    for (int k = 2; is_taken(e, name); k++) snprintf(name, size, "%s_%d", wanted, k);
    take(e, name);
    return name;
}

const char *export_fresh(exporter *e) {
    char name[32];
    do snprintf(name, sizeof name, "v%zu", ++e->counter);
    while (is_taken(e, name));
    return take_unique(e, name);
}

static const char **name_place(const export_frame *f, node_ref r) {
    return &f->names[(size_t)(r.node - 1) * OP_MAX_OUTPUTS + (size_t)r.output];
}

const tensor_type *export_type(const exporter *e, node_ref r) {
    return &graph_node(e->frame->graph, r.node)->outputs[r.output];
}

const char *export_name(exporter *e, node_ref r) {
    const char *name = *name_place(e->frame, r);
    return name ? name : "";
}

const char *export_input(exporter *e, const node *n, int i) { return export_name(e, n->inputs[i]); }

const char *export_output(exporter *e, const node *n) {
    const char **place = name_place(e->frame, (node_ref){n->number, 0});
    if (!*place) *place = n->name && !e->frame->outer ? take_unique(e, n->name) : export_fresh(e);
    return *place;
}

/* ---- Nodes and constants ----------------------------------------------------------------------------------------- */

static out_node *add_node(exporter *e, const char *op, const char *output, size_t inputs) {
    out_model *m = &e->out;
    if (!output) output = export_fresh(e);
    out_node *n = reserve(e, 1, sizeof *n);
    const char **names = reserve(e, inputs + 1, sizeof *names);
    if (!n || !names) return NULL;
    if (!mem_reserve(e->memory->context, &m->nodes, m->nodes_count, &m->nodes_capacity, sizeof *m->nodes)) {
        out_of_memory(e);
        return NULL;
    }
    n->op = op;
    n->output = output;
    n->inputs = names;
    n->inputs_count = inputs;
    return m->nodes[m->nodes_count++] = n;
}

const char *export_node(exporter *e, const char *op, const char *output, out_node **node_made, int inputs, ...) {
    out_node *n = add_node(e, op, output, (size_t)inputs);
    va_list arguments;
    va_start(arguments, inputs);
    for (int i = 0; i < inputs; i++) {
        const char *name = va_arg(arguments, const char *);
        if (n) n->inputs[i] = name;
    }
    va_end(arguments);
    if (node_made) *node_made = n ? n : &e->nowhere;
    return n ? n->output : "";
}

void export_same_inputs(exporter *e, const char *op, const node *n, out_node **node_made) {
    out_node *out = add_node(e, op, export_output(e, n), (size_t)n->inputs_count);
    for (int i = 0; out && i < n->inputs_count; i++) out->inputs[i] = export_input(e, n, i);
    *node_made = out ? out : &e->nowhere;
}

static out_attribute *add_attribute(out_node *n, const char *name, int type) {
    if (n->attributes_count == OUT_ATTRIBUTES) n->attributes_count--;
    out_attribute *a = &n->attributes[n->attributes_count++];
    memset(a, 0, sizeof *a);
    a->name = name;
    a->type = type;
    return a;
}

void export_int(out_node *n, const char *name, int64_t value) { add_attribute(n, name, ONNX_AT_INT)->i = value; }
void export_real(out_node *n, const char *name, double value) {
    add_attribute(n, name, ONNX_AT_FLOAT)->f = (float)value;
}

void export_ints(exporter *e, out_node *n, const char *name, const int64_t *values, int count) {
    int64_t *copy = reserve(e, (size_t)count + 1, sizeof *copy);
    if (!copy) return;
    if (count) memcpy(copy, values, (size_t)count * sizeof *copy);
    out_attribute *a = add_attribute(n, name, ONNX_AT_INTS);
    a->ints = copy;
    a->ints_count = (size_t)count;
}

/* A Constant node of data that stay where they are. */
static const char *constant(exporter *e, const char *output, int type, const soma_shape *shape, const void *data) {
    out_tensor *t = reserve(e, 1, sizeof *t);
    int64_t *dims = reserve(e, SOMA_MAX_RANK, sizeof *dims);
    if (!t || !dims) return "";
    memcpy(dims, shape->dims, sizeof shape->dims);
    *t = (out_tensor){.type = type, .rank = shape->rank, .dims = dims, .data = data};
    t->count = (size_t)shape_elements(shape, 1);
    out_node *n = add_node(e, "Constant", output, 0);
    if (!n) return "";
    add_attribute(n, "value", ONNX_AT_TENSOR)->t = t;
    return n->output;
}

const char *export_scalar(exporter *e, double value) {
    float *copy = reserve(e, 1, sizeof *copy);
    soma_shape none = soma_shape0();
    if (!copy) return "";
    *copy = (float)value;
    return constant(e, NULL, ONNX_FLOAT, &none, copy);
}

const char *export_integers(exporter *e, const int64_t *values, int count) {
    int64_t *copy = reserve(e, (size_t)count + 1, sizeof *copy);
    soma_shape shape = soma_shape1(count);
    if (!copy) return "";
    if (count) memcpy(copy, values, (size_t)count * sizeof *copy);
    return constant(e, NULL, ONNX_INT64, &shape, copy);
}

/* An input of the model with the batch among its dimensions, and which dimension that is. */
static const char *batch_input(const exporter *e, int64_t *axis, int64_t *multiple) {
    for (size_t i = 0; i < e->out.inputs_count; i++) {
        const soma_shape *s = &e->out.inputs[i].type.shape;
        for (int d = 0; d < s->rank; d++)
            if (s->dims[d] < 0) {
                *axis = d;
                *multiple = -s->dims[d];
                return e->out.inputs[i].name;
            }
    }
    return NULL;
}

const char *export_shape(exporter *e, const soma_shape *shape) {
    int batch = -1;
    for (int d = 0; d < shape->rank; d++)
        if (shape->dims[d] < 0) batch = d;
    if (batch < 0) return export_integers(e, shape->dims, shape->rank);
    int64_t axis = 0, multiple = 1;
    const char *from = batch_input(e, &axis, &multiple);
    if (!from) {
        export_fail(e, "the model can't be written: a shape depends on the batch, but no input has it");
        return "";
    }
    const char *n = export_node(e, "Gather", NULL, NULL, 2, export_node(e, "Shape", NULL, NULL, 1, from),
                                export_integers(e, &axis, 1));
    int64_t factor = -shape->dims[batch];
    if (multiple != 1) n = export_node(e, "Div", NULL, NULL, 2, n, export_integers(e, &multiple, 1));
    if (factor != 1) n = export_node(e, "Mul", NULL, NULL, 2, n, export_integers(e, &factor, 1));
    const char *head = batch ? export_integers(e, shape->dims, batch) : NULL;
    const char *tail =
        batch + 1 < shape->rank ? export_integers(e, shape->dims + batch + 1, shape->rank - batch - 1) : NULL;
    if (!head && !tail) return n;
    out_node *concat;
    const char *result = head && tail ? export_node(e, "Concat", NULL, &concat, 3, head, n, tail)
                         : head       ? export_node(e, "Concat", NULL, &concat, 2, head, n)
                                      : export_node(e, "Concat", NULL, &concat, 2, n, tail);
    export_int(concat, "axis", 0);
    return result;
}

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
        out_of_memory(e);
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
    const char **place = name_place(e->frame, (node_ref){n->number, 0});
    if (n->op == &op_input && *place) return; /* a bound input, or a decomposition's */
    if (n->op == &op_scalar) {
        float *value = reserve(e, 1, sizeof *value);
        if (!value) return;
        *value = (float)((const scalar_attributes *)n->attributes)->value;
        constant(e, export_output(e, n), ONNX_FLOAT, &n->outputs[0].shape, value);
    } else if (n->op == &op_constant) {
        constant(e, export_output(e, n), n->outputs[0].dtype == SOMA_INT64 ? ONNX_INT64 : ONNX_FLOAT,
                 &n->outputs[0].shape, n->data);
    } else if (n->op == &op_variable) {
        write_variable(e, n);
    } else if (((const input_attributes *)n->attributes)->scalar) {
        float *value = reserve(e, 1, sizeof *value);
        if (!value) return;
        *value = (float)((const input_attributes *)n->attributes)->value;
        constant(e, export_output(e, n), ONNX_FLOAT, &n->outputs[0].shape, value);
    } else {
        export_fail(e, "the model can't be written: its outputs depend on input '%s', which is not among its inputs",
                    n->name);
    }
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

static export_frame *frame_open(exporter *e, soma_graph *graph) {
    export_frame *f = reserve(e, 1, sizeof *f);
    if (!f) return NULL;
    f->outer = e->frame;
    f->graph = graph;
    f->names = reserve(e, graph->count * OP_MAX_OUTPUTS + 1, sizeof *f->names);
    f->needed = reserve(e, graph->count + 1, sizeof *f->needed);
    f->uses = reserve(e, graph->count + 1, sizeof *f->uses);
    f->matches = reserve(e, graph->count + 1, sizeof *f->matches);
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
    soma_value in[OP_MAX_INPUTS];
    export_frame *outer = e->frame;
    soma_graph *graph = soma_graph_create_in(e->memory->context);
    const char *names[OP_MAX_INPUTS];
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
            out_of_memory(e);
        else if (!e->failed)
            export_fail(e, "the model can't be written: %s: %s", node_text(n, text, sizeof text),
                        soma_graph_error(graph)->message);
        soma_graph_destroy(graph);
    } else {
        f->next = e->decompositions; /* the graph stays: constants are written from where they lie */
        e->decompositions = f;
        for (int i = 0; i < n->inputs_count; i++) *name_place(f, (node_ref){in[i].node, 0}) = names[i];
        f->needed[y.node - 1] = true;
        e->frame = f;
        const char **place = name_place(f, (node_ref){y.node, y.output});
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
    else if (is_taken(e, v->name))
        export_fail(e, "the model can't be written: two inputs or outputs have the name '%s'", v->name);
    else
        return take(e, v->name);
    return false;
}

static void bind_inputs(exporter *e) {
    const onnx_export *model = e->model;
    e->out.inputs = reserve(e, model->inputs_count + 1, sizeof *e->out.inputs);
    for (size_t i = 0; i < model->inputs_count && !e->failed; i++) {
        const onnx_value *v = &model->inputs[i];
        if (!take_bound(e, v, "input")) return;
        if (value_node(v->value)->op != &op_input) {
            export_fail(e, "the model can't be written: '%s' is not an input of its graph", v->name);
            return;
        }
        *name_place(e->frame, (node_ref){v->value.node, 0}) = v->name;
        e->out.inputs[e->out.inputs_count++] = (out_value){v->name, *value_type(v->value)};
    }
}

/* An output's node takes its name unless it has one already; then an Identity follows at the end. */
static void bind_outputs(exporter *e) {
    const onnx_export *model = e->model;
    e->out.outputs = reserve(e, model->outputs_count + 1, sizeof *e->out.outputs);
    for (size_t i = 0; i < model->outputs_count && !e->failed; i++) {
        const onnx_value *v = &model->outputs[i];
        if (!take_bound(e, v, "output")) return;
        const char **place = name_place(e->frame, (node_ref){v->value.node, v->value.output});
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
    else if (take(&e, "") && (e.frame = frame_open(&e, graph))) {
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
