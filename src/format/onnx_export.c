/* format/onnx_export.c: the services of onnx_export.h: unique names, nodes with their attributes, Constant nodes,
 * shapes that depend on the batch. */
#include "format/onnx_export.h"

#if defined(SOMA_HAVE_ONNX)

#include "base/random.h"

#include <stdio.h>

/* ---- Small things ------------------------------------------------------------------------------------------------ */

void export_fail(exporter *e, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    error_set_v(e->error, SOMA_ERROR_ARGUMENT, format, arguments);
    va_end(arguments);
    e->failed = true;
}

void export_no_memory(exporter *e) {
    error_memory(e->error);
    e->failed = true;
}

void *export_reserve(exporter *e, size_t count, size_t size) {
    size_t bytes;
    void *memory = size_multiply(count, size, &bytes) ? graph_alloc(e->memory, bytes) : NULL;
    if (!memory) export_no_memory(e);
    return memory;
}

static size_t slot_of(const exporter *e, const char *name) {
    size_t at = hash_bytes(name, strlen(name), HASH_START) & (e->taken_size - 1);
    while (e->taken[at] && strcmp(e->taken[at], name) != 0) at = (at + 1) & (e->taken_size - 1);
    return at;
}

bool export_is_taken(const exporter *e, const char *name) { return e->taken_size && e->taken[slot_of(e, name)]; }

/* Keeps a name for one value; false when memory is out. */
bool export_take(exporter *e, const char *name) {
    if (e->taken_count * 2 >= e->taken_size) {
        exporter grown = *e;
        grown.taken_size = e->taken_size ? e->taken_size * 2 : 256;
        grown.taken = export_reserve(e, grown.taken_size, sizeof *grown.taken);
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
    char *name = export_reserve(e, size, 1);
    if (!name) return "";
    snprintf(name, size, "%s", wanted);
    for (int k = 2; export_is_taken(e, name); k++) snprintf(name, size, "%s_%d", wanted, k);
    export_take(e, name);
    return name;
}

const char *export_fresh(exporter *e) {
    char name[32];
    do snprintf(name, sizeof name, "v%zu", ++e->counter);
    while (export_is_taken(e, name));
    return take_unique(e, name);
}

const char **export_place(const export_frame *f, node_ref r) {
    return &f->names[(size_t)(r.node - 1) * OP_MAX_OUTPUTS + (size_t)r.output];
}

const tensor_type *export_type(const exporter *e, node_ref r) {
    return &graph_node(e->frame->graph, r.node)->outputs[r.output];
}

const char *export_name(exporter *e, node_ref r) {
    const char *name = *export_place(e->frame, r);
    return name ? name : "";
}

const char *export_input(exporter *e, const node *n, int i) { return export_name(e, n->inputs[i]); }

const char *export_output(exporter *e, const node *n) {
    const char **place = export_place(e->frame, (node_ref){n->number, 0});
    if (!*place) *place = n->name && !e->frame->outer ? take_unique(e, n->name) : export_fresh(e);
    return *place;
}

/* ---- Nodes and constants ----------------------------------------------------------------------------------------- */

static out_node *add_node(exporter *e, const char *op, const char *output, size_t inputs) {
    out_model *m = &e->out;
    if (!output) output = export_fresh(e);
    out_node *n = export_reserve(e, 1, sizeof *n);
    const char **names = export_reserve(e, inputs + 1, sizeof *names);
    if (!n || !names) return NULL;
    if (!mem_reserve(e->memory->context, &m->nodes, m->nodes_count, &m->nodes_capacity, sizeof *m->nodes)) {
        export_no_memory(e);
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

void export_text(out_node *n, const char *name, const char *value) {
    add_attribute(n, name, ONNX_AT_STRING)->s = value;
}

void export_ints(exporter *e, out_node *n, const char *name, const int64_t *values, int count) {
    int64_t *copy = export_reserve(e, (size_t)count + 1, sizeof *copy);
    if (!copy) return;
    if (count) memcpy(copy, values, (size_t)count * sizeof *copy);
    out_attribute *a = add_attribute(n, name, ONNX_AT_INTS);
    a->ints = copy;
    a->ints_count = (size_t)count;
}

/* A Constant node of data that stay where they are. */
const char *export_constant(exporter *e, const char *output, int type, const soma_shape *shape, const void *data) {
    out_tensor *t = export_reserve(e, 1, sizeof *t);
    int64_t *dims = export_reserve(e, SOMA_MAX_RANK, sizeof *dims);
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
    float *copy = export_reserve(e, 1, sizeof *copy);
    soma_shape none = soma_shape0();
    if (!copy) return "";
    *copy = (float)value;
    return export_constant(e, NULL, ONNX_FLOAT, &none, copy);
}

const char *export_floats(exporter *e, const double *values, int count) {
    float *copy = export_reserve(e, (size_t)count + 1, sizeof *copy);
    soma_shape shape = soma_shape1(count);
    if (!copy) return "";
    for (int i = 0; i < count; i++) copy[i] = (float)values[i];
    return export_constant(e, NULL, ONNX_FLOAT, &shape, copy);
}

const char *export_integers(exporter *e, const int64_t *values, int count) {
    int64_t *copy = export_reserve(e, (size_t)count + 1, sizeof *copy);
    soma_shape shape = soma_shape1(count);
    if (!copy) return "";
    if (count) memcpy(copy, values, (size_t)count * sizeof *copy);
    return export_constant(e, NULL, ONNX_INT64, &shape, copy);
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

#endif
