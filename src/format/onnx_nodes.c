/* format/onnx_nodes.c: what a file's nodes were, for people who look at the network: operators, attributes as text, and
 * the names between nodes with the values of the graph that they became. All of it lives in the graph's memory. */
#include "format/onnx_import.h"

#if defined(SOMA_HAVE_ONNX)

#include "graph/graph.h"

#include <stdio.h>

enum { ATTRIBUTES_TEXT = 240, NUMBERS_SHOWN = 8 };

typedef struct writer {
    char text[ATTRIBUTES_TEXT];
    size_t at;
} writer;

/* What does not fit any more is left out: the text is for reading. */
static void BASE_PRINTF(2, 3) put(writer *w, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(w->text + w->at, sizeof w->text - w->at, format, arguments);
    va_end(arguments);
    if (length > 0) w->at += (size_t)length;
    if (w->at >= sizeof w->text) w->at = sizeof w->text - 1;
}

static void put_attribute(writer *w, const attribute *a) {
    size_t ints = a->ints_count < NUMBERS_SHOWN ? a->ints_count : NUMBERS_SHOWN;
    size_t floats = a->floats_count < NUMBERS_SHOWN ? a->floats_count : NUMBERS_SHOWN;
    put(w, "%s%.*s", w->at ? ", " : "", (int)(a->name.size < 40 ? a->name.size : 40), a->name.text ? a->name.text : "");
    for (size_t i = 0; i < ints; i++) put(w, " %lld", (long long)a->ints[i]);
    for (size_t i = 0; i < floats; i++) put(w, " %g", (double)a->floats[i]);
    if (ints < a->ints_count || floats < a->floats_count) put(w, " ...");
    if (a->has_i) put(w, " %lld", (long long)a->i);
    if (a->has_f) put(w, " %g", (double)a->f);
    if (a->has_s && a->s.text) put(w, " %.*s", (int)(a->s.size < 40 ? a->s.size : 40), a->s.text);
}

static const char *copy(importer *m, span s) { return s.size ? slot_name(m, s) : ""; }

static const char *const *names_of(importer *m, const span *names, size_t count) {
    const char **copies = graph_alloc(m->graph, (count + 1) * sizeof *copies);
    if (!copies) return import_no_memory(m), NULL;
    for (size_t i = 0; i < count; i++) copies[i] = copy(m, names[i]);
    return copies;
}

static void note_node(importer *m, const onnx_node *from, onnx_step *to) {
    writer w = {.at = 0};
    onnx_value *outputs = graph_alloc(m->graph, (from->outputs_count + 1) * sizeof *outputs);
    if (!outputs) {
        import_no_memory(m);
        return;
    }
    for (size_t i = 0; i < from->attributes_count; i++) put_attribute(&w, &from->attributes[i]);
    for (size_t i = 0; i < from->outputs_count; i++) {
        const slot *s = from->outputs[i].size ? slot_find(m, from->outputs[i]) : NULL;
        outputs[i].name = copy(m, from->outputs[i]);
        outputs[i].value = s ? s->value : (soma_value){m->graph, 0, 0};
    }
    *to = (onnx_step){.op = copy(m, from->op),
                      .name = copy(m, from->name),
                      .attributes = copy(m, (span){w.text, w.at}),
                      .inputs = names_of(m, from->inputs, from->inputs_count),
                      .inputs_count = from->inputs_count,
                      .outputs = outputs,
                      .outputs_count = from->outputs_count};
}

void import_note_nodes(importer *m) {
    onnx_model *o = m->model;
    size_t count = m->file->nodes_count;
    onnx_step *nodes = graph_alloc(m->graph, (count + 1) * sizeof *nodes);
    if (!nodes) {
        import_no_memory(m);
        return;
    }
    for (size_t i = 0; i < count && !m->failed; i++) note_node(m, &m->file->nodes[i], &nodes[i]);
    o->nodes = nodes;
    o->nodes_count = count;
}

#endif
