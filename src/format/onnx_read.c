/* format/onnx_read.c: from a decoded file to a graph. Every name of the file gets a slot that says what it stands for:
 * data of the file (initializers, Constant nodes), integers known already (shapes and what is computed from them), or a
 * value of the graph. Data become variables or constants only when a rule asks for them as a value, so that shapes and
 * settings given as tensors leave no trace in the graph. Nodes come in topological order, as ONNX demands; an input
 * that no earlier node computes is refused, which rules out cycles. */
#include "format/file.h"
#include "format/onnx_import.h"
#include "graph/graph.h"
#include "plan/store.h"

#include <stdio.h>

#if defined(SOMA_HAVE_ONNX)

#include "base/random.h"

enum { NAME_LIMIT = 1 << 16, KNOWN_LIMIT = 4096, KNOWN_TOTAL_LIMIT = 1 << 22, OPSET_NEWEST = 22 };

struct slot {
    span name;
    int type;
    const blob *data; /* of the file, not yet or also a value */
    bool is_initializer, is_running;
    const known *known;
    soma_value value; /* node 0 until made */
};

/* ---- Failures
 * ---------------------------------------------------------------------------------------------------------- */

static void fail_v(importer *m, const char *end, const char *format, va_list arguments) {
    char what[320];
    vsnprintf(what, sizeof what, format, arguments);
    if (m->node)
        error_set(m->error, SOMA_ERROR_INPUT, "cannot read '%s': node %zu '%.*s' (%.*s): %s%s", m->file->path,
                  m->node_index + 1, (int)(m->node->name.size < 100 ? m->node->name.size : 100),
                  m->node->name.text ? m->node->name.text : "", (int)(m->node->op.size < 60 ? m->node->op.size : 60),
                  m->node->op.text ? m->node->op.text : "", what, end);
    else
        error_set(m->error, SOMA_ERROR_INPUT, "cannot read '%s': %s%s", m->file->path, what, end);
    m->failed = true;
}

void import_fail(importer *m, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fail_v(m, "", format, arguments);
    va_end(arguments);
}

void import_unsupported(importer *m, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fail_v(m, " is not supported", format, arguments);
    va_end(arguments);
}

static void out_of_memory(importer *m) {
    error_memory(m->error);
    m->failed = true;
}

/* What went wrong in the graph goes wrong in the file. */
static void check_graph(importer *m) {
    const soma_error *e = soma_graph_error(m->graph);
    if (!e->code || m->failed) return;
    if (e->code == SOMA_ERROR_MEMORY)
        out_of_memory(m);
    else
        import_fail(m, "%.300s", e->message);
}

static soma_value nothing(importer *m) { return (soma_value){m->graph, 0, 0}; }

/* ---- Slots
 * ------------------------------------------------------------------------------------------------------------- */

static slot *slot_find(const importer *m, span name) {
    uint64_t h = hash_bytes(name.text, name.size, HASH_START);
    for (size_t i = 0; m->table_size && i < m->table_size; i++) {
        size_t entry = m->table[(h + i) & (m->table_size - 1)];
        if (!entry) return NULL;
        if (span_equal(m->slots[entry - 1].name, name)) return &m->slots[entry - 1];
    }
    return NULL;
}

static void table_put(importer *m, size_t number) {
    uint64_t h = hash_bytes(m->slots[number].name.text, m->slots[number].name.size, HASH_START);
    while (m->table[h & (m->table_size - 1)]) h++;
    m->table[h & (m->table_size - 1)] = number + 1;
}

static bool table_grow(importer *m) {
    size_t size = m->table_size ? m->table_size * 2 : 256;
    size_t *table = mem_zeros(m->context, size, sizeof *table);
    if (!table) return false;
    mem_free(m->context, m->table);
    m->table = table;
    m->table_size = size;
    for (size_t i = 0; i < m->slots_count; i++) table_put(m, i);
    return true;
}

/* A slot for a new name; NULL after a failure. */
static slot *slot_add(importer *m, span name) {
    if (m->failed) return NULL;
    if (!name.size || name.size > NAME_LIMIT || memchr(name.text, 0, name.size)) {
        import_fail(m, "a value has no name that can be used");
        return NULL;
    }
    if (slot_find(m, name)) {
        import_fail(m, "two values have the name '%.*s'", (int)(name.size < 100 ? name.size : 100), name.text);
        return NULL;
    }
    if (!mem_reserve(m->context, &m->slots, m->slots_count, &m->slots_capacity, sizeof *m->slots) ||
        (m->slots_count * 2 >= m->table_size && !table_grow(m))) {
        out_of_memory(m);
        return NULL;
    }
    slot *s = &m->slots[m->slots_count++];
    *s = (slot){.name = name, .value = nothing(m)};
    table_put(m, m->slots_count - 1);
    return s;
}

/* A name as a C string that lives with the graph. */
static const char *name_string(importer *m, span name) {
    char *text = graph_alloc(m->graph, name.size + 1);
    if (!text) {
        out_of_memory(m);
        return "";
    }
    memcpy(text, name.text, name.size);
    return text;
}

/* ---- Inputs of a node
 * ---------------------------------------------------------------------------------------------------- */

bool import_has(const importer *m, size_t input) {
    return input < m->node->inputs_count && m->node->inputs[input].size > 0;
}

size_t import_count(const importer *m) {
    size_t n = m->node->inputs_count;
    while (n && !m->node->inputs[n - 1].size) n--;
    return n;
}

static slot *input_slot(importer *m, size_t input) {
    if (m->failed) return NULL;
    if (!import_has(m, input)) {
        import_fail(m, "input %zu is missing", input + 1);
        return NULL;
    }
    span name = m->node->inputs[input];
    slot *s = slot_find(m, name);
    if (!s)
        import_fail(m, "nothing before it computes its input '%.*s'", (int)(name.size < 100 ? name.size : 100),
                    name.text);
    return s;
}

int import_type(importer *m, size_t input) {
    const slot *s = import_has(m, input) ? input_slot(m, input) : NULL;
    return s ? s->type : 0;
}

/* A floating-point initializer as a variable, its values in the store. */
static soma_value variable_of(importer *m, const slot *s) {
    const char *name = name_string(m, s->name);
    soma_init zero = {.kind = SOMA_INIT_CONSTANT};
    if (m->failed) return nothing(m);
    soma_value v = soma_variable(m->graph, name, s->data->shape, zero, !s->is_running);
    if (!value_ok(v)) {
        check_graph(m);
        return v;
    }
    variable *in_store = store_bind(m->store, name, &s->data->shape, zero, !s->is_running, m->error);
    if (!in_store) {
        m->failed = true;
        return nothing(m);
    }
    if (m->store->float64)
        blob_doubles(s->data, in_store->data);
    else
        blob_floats(s->data, in_store->data);
    return v;
}

/* Data of the file as a constant; a float without dimensions as a scalar. */
static soma_value constant_of(importer *m, const blob *b) {
    soma_value v = nothing(m);
    size_t size = onnx_type_integer(b->type) ? sizeof(int64_t) : sizeof(float);
    void *numbers = mem_array(m->context, b->elements ? b->elements : 1, size);
    if (!numbers) {
        out_of_memory(m);
    } else if (onnx_type_integer(b->type)) {
        blob_integers(b, numbers);
        v = soma_constant_int64(m->graph, b->shape, numbers);
    } else if (!b->shape.rank) {
        double number;
        blob_doubles(b, &number);
        v = soma_scalar(m->graph, number);
    } else {
        blob_floats(b, numbers);
        v = soma_constant(m->graph, b->shape, numbers);
    }
    mem_free(m->context, numbers);
    return v;
}

static soma_value constant_of_known(importer *m, const slot *s) {
    const known *k = s->known;
    soma_value v = nothing(m);
    bool real = !onnx_type_integer(s->type);
    if (k->count == 1 && !k->shape.rank && k->items[0].batch && real && m->batch.node) { /* a multiple of the batch */
        double own = (double)-soma_value_shape(m->batch).dims[m->batch_axis];
        v = soma_extent(m->batch, SOMA_AXIS(m->batch_axis));
        double factor = (double)k->items[0].batch / own;
        return factor == 1 ? v : soma_mul(v, soma_scalar(m->graph, factor));
    }
    for (size_t i = 0; i < k->count; i++)
        if (k->items[i].batch) {
            import_unsupported(m, "the batch's size as a number");
            return v;
        }
    if (real && !k->shape.rank) return soma_scalar(m->graph, (double)k->items[0].value);
    void *numbers = mem_array(m->context, k->count, real ? sizeof(float) : sizeof(int64_t));
    if (!numbers) {
        out_of_memory(m);
        return v;
    }
    for (size_t i = 0; i < k->count; i++) {
        if (real)
            ((float *)numbers)[i] = (float)k->items[i].value;
        else
            ((int64_t *)numbers)[i] = k->items[i].value;
    }
    v = real ? soma_constant(m->graph, k->shape, numbers) : soma_constant_int64(m->graph, k->shape, numbers);
    mem_free(m->context, numbers);
    return v;
}

static soma_value slot_value(importer *m, slot *s) {
    if (!s || m->failed) return nothing(m);
    if (s->value.node) return s->value;
    if (s->data)
        s->value = s->is_initializer && s->data->shape.rank && onnx_type_real(s->type) ? variable_of(m, s)
                                                                                       : constant_of(m, s->data);
    else if (s->known)
        s->value = constant_of_known(m, s);
    check_graph(m);
    return s->value;
}

soma_value import_value(importer *m, size_t input) { return slot_value(m, input_slot(m, input)); }

soma_value import_float(importer *m, size_t input) {
    soma_value v = import_value(m, input);
    if (!m->failed && value_ok(v) && soma_value_dtype(v) != SOMA_FLOAT)
        import_unsupported(m, "arithmetic with integers while running");
    return v;
}

soma_value import_running(importer *m, size_t input) {
    slot *s = input_slot(m, input);
    if (s) s->is_running = true;
    return slot_value(m, s);
}

const known *import_known(importer *m, size_t input) {
    slot *s = import_has(m, input) ? input_slot(m, input) : NULL;
    if (!s || s->known || !s->data || onnx_type_real(s->type) || s->data->elements > KNOWN_LIMIT)
        return s ? s->known : NULL;
    known *k = known_make(m, s->data->shape);
    int64_t *numbers = k ? mem_array(m->context, k->count, sizeof *numbers) : NULL;
    if (!numbers) {
        if (k) out_of_memory(m);
        return NULL;
    }
    blob_integers(s->data, numbers);
    for (size_t i = 0; i < k->count; i++) k->items[i] = (known_item){numbers[i], 0};
    mem_free(m->context, numbers);
    return s->known = k;
}

const known *import_need_known(importer *m, size_t input, const char *what) {
    const known *k = import_known(m, input);
    if (!k && !m->failed) import_unsupported(m, "%s that is computed while running", what);
    return k;
}

int import_integers(importer *m, size_t input, const char *what, int64_t *out, int limit) {
    const known *k = import_need_known(m, input, what);
    if (!k) return -1;
    if (k->count > (size_t)limit) {
        import_fail(m, "%s has %zu numbers, expected at most %d", what, k->count, limit);
        return -1;
    }
    for (size_t i = 0; i < k->count; i++) {
        if (k->items[i].batch) {
            import_unsupported(m, "%s that depends on the batch", what);
            return -1;
        }
        out[i] = k->items[i].value;
    }
    return (int)k->count;
}

bool import_number(importer *m, size_t input, double *number) {
    slot *s = import_has(m, input) ? input_slot(m, input) : NULL;
    if (!s) return false;
    if (s->data && s->data->elements == 1) {
        blob_doubles(s->data, number);
        return true;
    }
    if (s->known && s->known->count == 1 && !s->known->items[0].batch) {
        *number = (double)s->known->items[0].value;
        return true;
    }
    return s->value.node && value_scalar(s->value, number);
}

/* ---- Attributes
 * -------------------------------------------------------------------------------------------------------- */

const attribute *import_attribute(const importer *m, const char *name) {
    for (size_t i = 0; i < m->node->attributes_count; i++)
        if (span_is(m->node->attributes[i].name, name)) return &m->node->attributes[i];
    return NULL;
}

int64_t import_int(const importer *m, const char *name, int64_t otherwise) {
    const attribute *a = import_attribute(m, name);
    return a && a->has_i ? a->i : otherwise;
}

double import_real(const importer *m, const char *name, double otherwise) {
    const attribute *a = import_attribute(m, name);
    return a && a->has_f ? (double)a->f : otherwise;
}

bool import_is(const importer *m, const char *name, const char *text) {
    const attribute *a = import_attribute(m, name);
    return a && span_is(a->s, text);
}

int import_ints(importer *m, const char *name, int64_t *out, int limit) {
    const attribute *a = import_attribute(m, name);
    if (!a) return 0;
    if (a->ints_count > (size_t)limit) {
        import_fail(m, "attribute %s has %zu numbers, expected at most %d", name, a->ints_count, limit);
        return -1;
    }
    if (a->ints_count) memcpy(out, a->ints, a->ints_count * sizeof *out);
    return (int)a->ints_count;
}

int import_list(importer *m, size_t input, const char *name, int64_t *out, int limit) {
    return import_has(m, input) ? import_integers(m, input, name, out, limit) : import_ints(m, name, out, limit);
}

int import_axis(importer *m, int64_t axis, int rank) {
    if (m->failed) return -1;
    if (axis < -rank || axis >= rank) {
        import_fail(m, "axis %lld is outside of its input's %d dimensions", (long long)axis, rank);
        return -1;
    }
    return (int)(axis < 0 ? axis + rank : axis);
}

uint32_t import_axes(importer *m, const int64_t *axes, int count, int rank) {
    uint32_t set = 0;
    for (int i = 0; i < count; i++) {
        int axis = import_axis(m, axes[i], rank);
        if (axis < 0) return 0;
        set |= SOMA_AXIS(axis);
    }
    return set;
}

/* ---- Outputs
 * ----------------------------------------------------------------------------------------------------------- */

size_t import_outputs(const importer *m) { return m->node->outputs_count; }
bool import_wants(const importer *m, size_t output) {
    return output < m->node->outputs_count && m->node->outputs[output].size > 0;
}

static slot *output_slot(importer *m, size_t output) {
    return import_wants(m, output) ? slot_add(m, m->node->outputs[output]) : NULL;
}

void import_set(importer *m, size_t output, soma_value value, int type) {
    if (m->failed || !value.node) return;
    slot *s = output_slot(m, output);
    if (!s) return;
    s->value = value;
    s->type = type;
}

void import_result(importer *m, soma_value value) { import_set(m, 0, value, ONNX_FLOAT); }

known *known_make(importer *m, soma_shape shape) {
    int64_t count = shape_elements(&shape, 1);
    if (m->failed) return NULL;
    if (count < 0 || count > KNOWN_LIMIT || (m->known_total += (size_t)count + 1) > KNOWN_TOTAL_LIMIT) {
        import_unsupported(m, "computing that many integers while reading");
        return NULL;
    }
    known *k = graph_alloc(m->graph, sizeof *k);
    known_item *items = k ? graph_alloc(m->graph, ((size_t)count + 1) * sizeof *items) : NULL;
    if (!items) {
        out_of_memory(m);
        return NULL;
    }
    *k = (known){shape, (size_t)count, items};
    return k;
}

void import_set_known(importer *m, size_t output, known *k, int type) {
    slot *s = k ? output_slot(m, output) : NULL;
    if (!s) return;
    s->known = k;
    s->type = type;
}

void import_set_blob(importer *m, size_t output, const blob *b) {
    slot *s = output_slot(m, output);
    if (!s) return;
    if (blob_check(b, m->file->path, m->error)) m->failed = true;
    s->data = b;
    s->type = b->type;
}

soma_value import_scalar(importer *m, double value) { return soma_scalar(m->graph, value); }

int64_t dims_product(const soma_shape *s, int from, int to) {
    int64_t product = 1;
    for (int i = from; i < to; i++)
        if (__builtin_mul_overflow(product, s->dims[i], &product)) return 0;
    return product;
}

soma_value import_reshape(importer *m, soma_value x, int rank, const int64_t *dims) {
    if (rank > SOMA_MAX_RANK) {
        import_unsupported(m, "a value with %d dimensions", rank);
        return nothing(m);
    }
    soma_shape wanted = shape_of(rank, dims), has = soma_value_shape(x);
    return value_ok(x) && shape_equal(&wanted, &has) ? x : soma_reshape(x, wanted);
}

/* ---- The graph
 * --------------------------------------------------------------------------------------------------------- */

/* Initializers: checked, named, counted. */
static void read_initializers(importer *m) {
    for (size_t i = 0; i < m->file->initializers_count && !m->failed; i++) {
        const blob *b = &m->file->initializers[i];
        slot *s = slot_add(m, b->name);
        if (!s) return;
        if (blob_check(b, m->file->path, m->error)) m->failed = true;
        s->type = b->type;
        s->data = b;
        s->is_initializer = true;
        if (b->elements > (uint64_t)(INT64_MAX - m->model->parameters)) {
            import_fail(m, "its initializers have more elements than can be counted");
            return;
        }
        m->model->parameters += (int64_t)b->elements;
    }
    for (size_t i = 0; i < m->file->nodes_count && !m->failed; i++) {
        const onnx_node *n = &m->file->nodes[i];
        for (size_t k = 3; k <= 4 && k < n->inputs_count && span_is(n->op, "BatchNormalization"); k++) {
            slot *s = slot_find(m, n->inputs[k]);
            if (!s || !s->is_initializer || s->is_running) continue;
            s->is_running = true;
            m->model->parameters -= (int64_t)s->data->elements;
        }
    }
}

static void read_input(importer *m, const value_info *v) {
    soma_shape shape = {v->rank, {0}};
    int open = 0;
    const slot *known_slot = v->name.size ? slot_find(m, v->name) : NULL;
    if (known_slot && known_slot->is_initializer) return; /* older files list initializers among the inputs */
    slot *s = slot_add(m, v->name);
    if (!s) return;
    const char *name = name_string(m, v->name);
    if ((!onnx_type_real(v->type) && !onnx_type_integer(v->type) && v->type != ONNX_BOOL) || v->type == ONNX_BFLOAT16) {
        import_unsupported(m, "input '%.100s' of type %s", name, onnx_type_name(v->type));
    } else if (!v->shape_given) {
        import_unsupported(m, "input '%.100s' without a shape", name);
    } else if (v->rank > SOMA_MAX_RANK) {
        import_unsupported(m, "input '%.100s' with more than %d dimensions", name, SOMA_MAX_RANK);
    }
    if (m->failed) return;
    for (int i = 0; i < v->rank; i++) {
        shape.dims[i] = v->dims[i] < 0 ? SOMA_BATCH : v->dims[i];
        open += v->dims[i] < 0;
    }
    if (open > 1) {
        import_unsupported(m, "input '%.100s' with %d open dimensions (soma leaves one open, the batch), which", name,
                           open);
        return;
    }
    s->type = v->type;
    s->value = onnx_type_integer(v->type) ? soma_input_int64(m->graph, name, shape) : soma_input(m->graph, name, shape);
    for (int i = 0; i < shape.rank && !m->batch.node; i++)
        if (shape.dims[i] < 0) m->batch = s->value, m->batch_axis = i;
    onnx_model *o = m->model;
    o->input_types[o->inputs_count] = v->type;
    o->inputs[o->inputs_count++] = (onnx_value){name, s->value};
}

static void (*rule_find(span op))(importer *) {
    const import_rule *const lists[] = {import_layers, import_math, import_shape};
    for (size_t l = 0; l < COUNT_OF(lists); l++)
        for (const import_rule *r = lists[l]; r->op; r++)
            if (span_is(op, r->op)) return r->build;
    return NULL;
}

/* An element-wise op whose descriptor names this ONNX operator, so that a new one needs no rule here. */
static bool build_elementwise(importer *m) {
    const elementwise_attributes none = {{0, 0}};
    for (const soma_op *const *op = op_table; *op; op++) {
        soma_value in[OP_MAX_INPUTS];
        int count = (int)import_count(m);
        if (!(*op)->onnx || !((*op)->flags & OP_ELEMENTWISE) || !span_is(m->node->op, (*op)->onnx)) continue;
        if (m->node->attributes_count) {
            import_unsupported(m, "its attribute '%.*s'", (int)m->node->attributes[0].name.size,
                               m->node->attributes[0].name.text ? m->node->attributes[0].name.text : "");
            return true;
        }
        if (count < (*op)->inputs_min || count > (*op)->inputs_max) {
            import_fail(m, "has %d inputs, expected %d", count, (*op)->inputs_min);
            return true;
        }
        for (int i = 0; i < count; i++) in[i] = import_float(m, (size_t)i);
        if (!m->failed) import_set(m, 0, graph_add(m->graph, *op, &none, in, count), import_type(m, 0));
        return true;
    }
    return false;
}

static void read_node(importer *m) {
    const onnx_node *n = m->node;
    if (n->domain.size && !span_is(n->domain, "ai.onnx")) {
        import_unsupported(m, "the operator domain '%.*s'", (int)(n->domain.size < 60 ? n->domain.size : 60),
                           n->domain.text);
        return;
    }
    void (*build)(importer *) = rule_find(n->op);
    if (import_evaluate(m) || m->failed) {
    } else if (build) {
        build(m);
    } else if (!build_elementwise(m)) {
        import_unsupported(m, "the operator");
    }
    check_graph(m);
    for (size_t i = 0; i < n->outputs_count && !m->failed; i++)
        if (n->outputs[i].size && !slot_find(m, n->outputs[i])) import_unsupported(m, "its output %zu", i + 1);
}

static void read_outputs(importer *m) {
    onnx_model *o = m->model;
    m->node = NULL;
    if (!m->file->outputs_count) import_fail(m, "it has no outputs");
    for (size_t i = 0; i < m->file->outputs_count && !m->failed; i++) {
        const value_info *v = &m->file->outputs[i];
        slot *s = v->name.size ? slot_find(m, v->name) : NULL;
        if (!s) {
            import_fail(m, "nothing computes its output '%.*s'", (int)(v->name.size < 100 ? v->name.size : 100),
                        v->name.text ? v->name.text : "");
            return;
        }
        const char *name = name_string(m, v->name);
        soma_value value = slot_value(m, s);
        if (m->failed) return;
        o->output_types[i] = v->type ? v->type : s->type;
        o->outputs[o->outputs_count++] = (onnx_value){name, value};
    }
}

static void read_metadata(importer *m) {
    onnx_model *o = m->model;
    o->opset = m->file->opset;
    o->ir_version = m->file->ir_version;
    o->producer = name_string(m, m->file->producer.text ? m->file->producer : (span){"", 0});
    for (size_t i = 0; i < m->file->metadata_count && !m->failed; i++) {
        span key = m->file->metadata[i].key, value = m->file->metadata[i].value;
        if (!key.text) key.text = "";
        if (!value.text) value.text = "";
        o->metadata[o->metadata_count].key = name_string(m, key);
        o->metadata[o->metadata_count++].value = name_string(m, value);
    }
}

static bool model_alloc(importer *m) {
    const onnx_file *f = m->file;
    onnx_model *o = m->model;
    o->inputs = mem_zeros(m->context, f->inputs_count, sizeof *o->inputs);
    o->outputs = mem_zeros(m->context, f->outputs_count, sizeof *o->outputs);
    o->metadata = mem_zeros(m->context, f->metadata_count, sizeof *o->metadata);
    o->input_types = mem_zeros(m->context, f->inputs_count, sizeof *o->input_types);
    o->output_types = mem_zeros(m->context, f->outputs_count, sizeof *o->output_types);
    return o->inputs && o->outputs && o->metadata && o->input_types && o->output_types;
}

static onnx_model *model_build(const onnx_file *f, const soma_context *context, soma_store *store, soma_error *error) {
    importer m = {.context = context, .error = error, .file = f, .store = store};
    m.model = mem_zeros(context, 1, sizeof *m.model);
    m.graph = soma_graph_create_in(context);
    if (m.model) {
        m.model->context = context;
        m.model->graph = m.graph;
    } else {
        soma_graph_destroy(m.graph);
    }
    if (!m.model || !m.graph || !model_alloc(&m)) {
        out_of_memory(&m);
    } else if (f->opset < 1 || f->opset > OPSET_NEWEST) {
        import_unsupported(&m, "opset %lld (1 to %d are)", (long long)f->opset, OPSET_NEWEST);
    } else {
        read_metadata(&m);
        read_initializers(&m);
        for (size_t i = 0; i < f->inputs_count && !m.failed; i++) read_input(&m, &f->inputs[i]);
        check_graph(&m);
        for (m.node_index = 0; m.node_index < f->nodes_count && !m.failed; m.node_index++) {
            m.node = &f->nodes[m.node_index];
            read_node(&m);
        }
        if (!m.failed) read_outputs(&m);
    }
    mem_free(context, m.slots);
    mem_free(context, m.table);
    if (!m.failed) return m.model;
    onnx_model_destroy(m.model);
    return NULL;
}

static onnx_model *read_bytes(const void *bytes, size_t size, const char *name, bool folder_known,
                              const soma_context *context, soma_store *store, soma_error *error) {
    if (!store) return error_set(error, SOMA_ERROR_ARGUMENT, "cannot read '%s': there is no store", name), NULL;
    onnx_file *f = onnx_file_open(bytes, size, name, folder_known, context, error);
    onnx_model *model = f ? model_build(f, context, store, error) : NULL;
    onnx_file_close(f);
    return model;
}

onnx_model *onnx_read(const char *path, const soma_context *context, soma_store *store, soma_error *error) {
    file_view view;
    if (file_map(path, &view, error)) return NULL;
    onnx_model *model = read_bytes(view.data, view.size, path, true, context, store, error);
    file_unmap(&view);
    return model;
}

onnx_model *onnx_read_memory(const void *bytes, size_t size, const char *name, const soma_context *context,
                             soma_store *store, soma_error *error) {
    return read_bytes(bytes, size, name, false, context, store, error);
}

int onnx_tensor_read(const char *path, const soma_context *context, onnx_tensor *t, soma_error *error) {
    file_view view;
    blob b;
    memset(t, 0, sizeof *t);
    int code = file_map(path, &view, error);
    if (code) return code;
    code = blob_decode(view.data, view.size, path, context, &b, error);
    if (code) goto done;
    bool whole = onnx_type_integer(b.type);
    t->type = b.type;
    t->dtype = whole ? SOMA_INT64 : SOMA_FLOAT;
    t->shape = b.shape;
    t->name = mem_zeros(context, b.name.size + 1, 1);
    t->data = mem_array(context, b.elements, whole ? sizeof(int64_t) : sizeof(float));
    if (!t->name || !t->data) {
        onnx_tensor_free(context, t);
        code = error_memory(error);
        goto done;
    }
    if (b.name.size) memcpy(t->name, b.name.text, b.name.size);
    if (whole)
        blob_integers(&b, t->data);
    else
        blob_floats(&b, t->data);
done:
    file_unmap(&view);
    return code;
}

#else /* without nanopb */

static int absent_or(soma_error *error, const char *path) {
    return error_set(error, SOMA_ERROR_ARGUMENT,
                     "cannot read '%s': this build of soma has no ONNX (it was built without nanopb)", path);
}

onnx_model *onnx_read(const char *path, const soma_context *context, soma_store *store, soma_error *error) {
    (void)context, (void)store;
    return absent_or(error, path), NULL;
}

onnx_model *onnx_read_memory(const void *bytes, size_t size, const char *name, const soma_context *context,
                             soma_store *store, soma_error *error) {
    (void)bytes, (void)size, (void)context, (void)store;
    return absent_or(error, name), NULL;
}

int onnx_tensor_read(const char *path, const soma_context *context, onnx_tensor *t, soma_error *error) {
    (void)context;
    memset(t, 0, sizeof *t);
    return absent_or(error, path);
}

#endif

void onnx_tensor_free(const soma_context *context, onnx_tensor *t) {
    mem_free(context, t->name);
    mem_free(context, t->data);
    memset(t, 0, sizeof *t);
}

void onnx_model_destroy(onnx_model *model) {
    if (!model) return;
    soma_graph_destroy(model->graph);
    mem_free(model->context, model->inputs);
    mem_free(model->context, model->outputs);
    mem_free(model->context, model->metadata);
    mem_free(model->context, model->input_types);
    mem_free(model->context, model->output_types);
    mem_free(model->context, model);
}

const char *onnx_metadata(const onnx_model *model, const char *key) {
    for (size_t i = 0; i < model->metadata_count; i++)
        if (strcmp(model->metadata[i].key, key) == 0) return model->metadata[i].value;
    return NULL;
}

soma_value onnx_input(const onnx_model *model, const char *name) {
    for (size_t i = 0; i < model->inputs_count; i++)
        if (strcmp(model->inputs[i].name, name) == 0) return model->inputs[i].value;
    return (soma_value){model->graph, 0, 0};
}

soma_value onnx_output(const onnx_model *model, const char *name) {
    for (size_t i = 0; i < model->outputs_count; i++)
        if (strcmp(model->outputs[i].name, name) == 0) return model->outputs[i].value;
    return (soma_value){model->graph, 0, 0};
}

int64_t onnx_parameters(const onnx_model *model) { return model->parameters; }
