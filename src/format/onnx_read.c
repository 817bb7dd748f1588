/* format/onnx_read.c: from a decoded file to a graph: initializers, inputs, nodes, outputs, metadata. Nodes come in
 * topological order, as ONNX demands; an input that no earlier node computes is refused, which rules out cycles. The
 * rules of the operators are in onnx_import_*.c and onnx_known.c, what they stand on in onnx_import.c. */
#include "format/file.h"
#include "format/onnx_import.h"
#include "graph/graph.h"

#if defined(SOMA_HAVE_ONNX)

enum { OPSET_NEWEST = 22 };

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
    const char *name = slot_name(m, v->name);
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
    const import_rule *const lists[] = {import_layers, import_math, import_shape, import_resize};
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
    import_check(m);
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
        const char *name = slot_name(m, v->name);
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
    o->producer = slot_name(m, m->file->producer.text ? m->file->producer : (span){"", 0});
    for (size_t i = 0; i < m->file->metadata_count && !m->failed; i++) {
        span key = m->file->metadata[i].key, value = m->file->metadata[i].value;
        if (!key.text) key.text = "";
        if (!value.text) value.text = "";
        o->metadata[o->metadata_count].key = slot_name(m, key);
        o->metadata[o->metadata_count++].value = slot_name(m, value);
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
        import_no_memory(&m);
    } else if (f->opset < 1 || f->opset > OPSET_NEWEST) {
        import_unsupported(&m, "opset %lld (1 to %d are)", (long long)f->opset, OPSET_NEWEST);
    } else {
        read_metadata(&m);
        read_initializers(&m);
        for (size_t i = 0; i < f->inputs_count && !m.failed; i++) read_input(&m, &f->inputs[i]);
        import_check(&m);
        for (m.node_index = 0; m.node_index < f->nodes_count && !m.failed; m.node_index++) {
            m.node = &f->nodes[m.node_index];
            read_node(&m);
        }
        if (!m.failed) read_outputs(&m);
        if (!m.failed) import_note_nodes(&m);
    }
    mem_free(context, m.slots);
    mem_free(context, m.table);
    if (!m.failed) return m.model;
    onnx_model_destroy(m.model);
    return NULL;
}

static onnx_model *read_bytes(const void *bytes, size_t size, const char *name, bool mapped,
                              const soma_context *context, soma_store *store, soma_error *error) {
    if (!store) return error_set(error, SOMA_ERROR_ARGUMENT, "cannot read '%s': there is no store", name), NULL;
    onnx_file *f = onnx_file_open(bytes, size, name, mapped, context, error);
    if (f && mapped) file_release(bytes, size); /* what decoding has walked over */
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
