/* format/onnx_import.c: the services of onnx_import.h. Every name of the file gets a slot that says what it stands for:
 * data of the file (initializers, Constant nodes), integers known already (shapes and what is computed from them), or a
 * value of the graph. Data become variables or constants only when a rule asks for them as a value, so that shapes and
 * settings given as tensors leave no trace in the graph. */
#include "format/onnx_import.h"

#if defined(SOMA_HAVE_ONNX)

#include "base/random.h"
#include "graph/graph.h"
#include "plan/store.h"

#include <math.h>
#include <stdio.h>

enum { NAME_LIMIT = 1 << 16, KNOWN_LIMIT = 4096, KNOWN_TOTAL_LIMIT = 1 << 22 };

/* ---- Failures ---------------------------------------------------------------------------------------------------- */

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

void import_no_memory(importer *m) {
    error_memory(m->error);
    m->failed = true;
}

/* What went wrong in the graph goes wrong in the file. */
void import_check(importer *m) {
    const soma_error *e = soma_graph_error(m->graph);
    if (!e->code || m->failed) return;
    if (e->code == SOMA_ERROR_MEMORY)
        import_no_memory(m);
    else
        import_fail(m, "%.300s", e->message);
}

static soma_value nothing(importer *m) { return (soma_value){m->graph, 0, 0}; }

/* ---- Slots ------------------------------------------------------------------------------------------------------- */

slot *slot_find(const importer *m, span name) {
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
slot *slot_add(importer *m, span name) {
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
        import_no_memory(m);
        return NULL;
    }
    slot *s = &m->slots[m->slots_count++];
    *s = (slot){.name = name, .value = nothing(m)};
    table_put(m, m->slots_count - 1);
    return s;
}

/* A name as a C string that lives with the graph. */
const char *slot_name(importer *m, span name) {
    char *text = graph_alloc(m->graph, name.size + 1);
    if (!text) {
        import_no_memory(m);
        return "";
    }
    memcpy(text, name.text, name.size);
    return text;
}

/* ---- Inputs of a node -------------------------------------------------------------------------------------------- */

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
    const char *name = slot_name(m, s->name);
    soma_init zero = {.kind = SOMA_INIT_CONSTANT};
    if (m->failed) return nothing(m);
    soma_value v = soma_variable(m->graph, name, s->data->shape, zero, !s->is_running);
    if (!value_ok(v)) {
        import_check(m);
        return v;
    }
    variable *in_store = store_bind(m->store, name, &s->data->shape, zero, !s->is_running, m->error);
    if (!in_store) {
        m->failed = true;
        return nothing(m);
    }
    if (m->store->float64)
        blob_doubles(s->data, in_store->data);
    else if (m->file->mapped)
        blob_floats_once(s->data, in_store->data);
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
        import_no_memory(m);
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
        import_no_memory(m);
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

soma_value slot_value(importer *m, slot *s) {
    if (!s || m->failed) return nothing(m);
    if (s->value.node) return s->value;
    if (s->data)
        s->value = s->is_initializer && s->data->shape.rank && onnx_type_real(s->type) ? variable_of(m, s)
                                                                                       : constant_of(m, s->data);
    else if (s->known)
        s->value = constant_of_known(m, s);
    import_check(m);
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
        if (k) import_no_memory(m);
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

int import_numbers(importer *m, size_t input, double *numbers, int limit) {
    slot *s = import_has(m, input) ? input_slot(m, input) : NULL;
    if (!s) return -1;
    if (s->data && s->data->elements <= (size_t)limit) {
        blob_doubles(s->data, numbers);
        return (int)s->data->elements;
    }
    if (!s->known || s->known->count > (size_t)limit) return -1;
    for (size_t i = 0; i < s->known->count; i++)
        numbers[i] = s->known->items[i].batch ? (double)NAN : (double)s->known->items[i].value;
    return (int)s->known->count;
}

/* ---- Attributes -------------------------------------------------------------------------------------------------- */

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

/* ---- Outputs ----------------------------------------------------------------------------------------------------- */

size_t import_outputs(const importer *m) { return m->node->outputs_count; }
bool import_wants(const importer *m, size_t output) {
    return output < m->node->outputs_count && m->node->outputs[output].size > 0;
}

static slot *output_slot(importer *m, size_t output) {
    return import_wants(m, output) ? slot_add(m, m->node->outputs[output]) : NULL;
}

/* "v12": what onnx_export.c calls a value that has no name. */
static bool is_made_up(span name) {
    size_t i = 1;
    while (i < name.size && name.text[i] >= '0' && name.text[i] <= '9') i++;
    return name.size > 1 && name.text[0] == 'v' && i == name.size;
}

void import_set(importer *m, size_t output, soma_value value, int type) {
    if (m->failed || !value.node) return;
    slot *s = output_slot(m, output);
    if (!s) return;
    s->value = value;
    s->type = type;
    const node *n = value_node(value); /* a layer of the file is found inside by its name */
    if (n && !n->name && !(n->op->flags & OP_SOURCE) && !is_made_up(s->name)) soma_name(value, slot_name(m, s->name));
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
        import_no_memory(m);
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

#endif
