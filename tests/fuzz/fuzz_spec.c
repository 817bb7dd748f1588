/* Fuzzing of specification strings: any text is a network that prints to a text that parses to the same, can be built
 * for a table and for pictures or says why not, or it is refused in one sentence. */
#include "graph/graph.h"
#include "nn/spec.h"

#include <stdlib.h>

static void check(const soma_error *error) {
    if (error->code == SOMA_OK || !error->message[0] || strchr(error->message, '\n')) abort();
}

static void build(const spec *s, soma_shape shape) {
    soma_graph *g = soma_graph_create();
    soma_value y = spec_build(s, soma_input(g, "x", shape), NULL);
    if (y.node == 0) check(soma_graph_error(g));
    soma_graph_destroy(g);
}

static void head(const char *text, bool classify) {
    soma_error error = {0};
    spec_head h;
    spec *s = spec_parse(NULL, text, &error);
    if (s && spec_resolve_head(s, classify, classify ? 3 : 1, &h, &error)) check(&error);
    if (s && !error.code) build(s, soma_shape2(SOMA_BATCH, 4));
    spec_destroy(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    soma_error error = {0};
    char *text = calloc(size + 1, 1);
    if (!text) return 0;
    if (size) memcpy(text, bytes, size);
    spec *s = spec_parse(NULL, text, &error);
    if (s) {
        char *printed = spec_text(s);
        spec *again = spec_parse(NULL, printed, &error);
        char *twice = again ? spec_text(again) : NULL;
        if (!twice || strcmp(printed, twice) != 0) abort();
        mem_free(NULL, printed);
        mem_free(NULL, twice);
        spec_destroy(again);
        build(s, soma_shape2(SOMA_BATCH, 7));
        build(s, soma_shape4(SOMA_BATCH, 3, 9, 8));
        head(text, true);
        head(text, false);
    } else {
        check(&error);
    }
    spec_destroy(s);
    free(text);
    return 0;
}
