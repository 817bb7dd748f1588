/* nn/spec.c: text to tree and back. The text is cut into words and , ( ) |; a layer is a word of the table in
 * spec_layers.c, perhaps with a name before it, its sizes (which the kind reads itself), options in any order, then a
 * normalisation, then an activation. A mistake
 * ends the parse with one sentence: the word, its character, what was expected, and the nearest word that is known.
 * Text may come from strangers: its length, layers, nesting and numbers are limited before anything is allocated. */
#include "nn/spec_tree.h"

#include <stdio.h>

enum { MAX_TEXT = 65536, MAX_LAYERS = 4096, MAX_DEPTH = 16, MAX_SIZE = 4096, SHOWN = 32, KNOWN = 64 };

/* ---- Words ---------------------------------------------------------------------------------------------------------
 */

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static bool is_mark(char c) { return c == ',' || c == '(' || c == ')' || c == '|'; }

spec_token spec_peek(const spec_parser *p) {
    const char *c = p->at;
    while (is_space(*c)) c++;
    spec_token t = {c, 0, (int)(c - p->text) + 1};
    if (is_mark(*c)) {
        t.length = 1;
    } else {
        while (c[t.length] && !is_space(c[t.length]) && !is_mark(c[t.length])) t.length++;
    }
    return t;
}

spec_token spec_next(spec_parser *p) {
    spec_token t = spec_peek(p);
    p->at = t.start + t.length;
    return t;
}

bool spec_token_is(spec_token t, const char *text) {
    return strlen(text) == t.length && !memcmp(t.start, text, t.length);
}

static bool ends_layer(spec_token t) { return t.length == 0 || (t.length == 1 && is_mark(*t.start)); }

/* A word for a sentence: cut to a length, without control characters. */
static const char *shown(spec_token t, char text[SHOWN + 8]) {
    size_t length = t.length < SHOWN ? t.length : SHOWN;
    while (length < t.length && length && ((unsigned char)t.start[length] & 0xC0) == 0x80)
        length--; /* whole characters */
    for (size_t i = 0; i < length; i++) text[i] = (unsigned char)t.start[i] < ' ' ? '?' : t.start[i];
    memcpy(text + length, length < t.length ? "..." : "", length < t.length ? 4 : 1);
    return text;
}

bool spec_fail(const spec_parser *p, spec_token t, const char *format, ...) {
    char what[320], word[SHOWN + 8];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (t.length)
        error_set(p->error, SOMA_ERROR_ARGUMENT, "net: '%s' at character %d %s", shown(t, word), t.position, what);
    else
        error_set(p->error, SOMA_ERROR_ARGUMENT, "net: the end of the text, at character %d, %s", t.position, what);
    return false;
}

bool spec_number(const char *digits, size_t length, int64_t low, int64_t high, int64_t *value) {
    int64_t number = 0;
    bool valid = length > 0 && length <= 12;
    for (size_t i = 0; valid && i < length; i++) {
        valid = digits[i] >= '0' && digits[i] <= '9';
        number = number * 10 + (digits[i] - '0');
    }
    if (valid) *value = number;
    return valid && number >= low && number <= high;
}

bool spec_whole(const spec_parser *p, spec_token t, size_t skip, int64_t low, int64_t high, const char *what,
                int64_t *value) {
    return spec_number(t.start + skip, t.length - skip, low, high, value) ||
           spec_fail(p, t, "should be %s, a whole number from %lld to %lld", what, (long long)low, (long long)high);
}

/* ---- Layers ---------------------------------------------------------------------------------------------------------
 */

bool spec_append(const soma_context *context, spec_list *list, const spec_layer *layer) {
    if (!mem_reserve(context, &list->layers, list->count, &list->capacity, sizeof *layer)) return false;
    list->layers[list->count++] = *layer;
    return true;
}

static void list_clear(const soma_context *context, spec_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        spec_layer *layer = &list->layers[i];
        for (size_t b = 0; b < layer->branches_count; b++) list_clear(context, &layer->branches[b]);
        mem_free(context, layer->branches);
    }
    mem_free(context, list->layers);
    *list = (spec_list){0};
}

/* A new layer at the end of a list; NULL when there are too many or memory is out. */
static spec_layer *add_layer(spec_parser *p, spec_list *list, const layer_kind *kind, spec_token t, bool suffix) {
    spec_layer layer = {.kind = kind, .position = t.position, .suffix = suffix};
    if (++p->layers > MAX_LAYERS) return spec_fail(p, t, "is one layer more than the %d allowed", MAX_LAYERS), NULL;
    if (!spec_append(p->context, list, &layer)) return error_memory(p->error), NULL;
    return &list->layers[list->count - 1];
}

/* "s2": a letter and a number. */
static bool lettered(const spec_parser *p, spec_token t, int64_t low, const char *what, int64_t *value, bool *given) {
    if (*given) return spec_fail(p, t, "gives %s a second time", what);
    *given = true;
    return spec_whole(p, t, 1, low, MAX_SIZE, what, value);
}

/* Options after the sizes, in any order, until a word that is none. */
static bool parse_options(spec_parser *p, spec_layer *layer) {
    unsigned flags = layer->kind->flags;
    bool stride = false, padding = false, dilation = false, groups = false;
    for (;;) {
        spec_token t = spec_peek(p);
        bool numbered = t.length > 1 && t.start[1] >= '0' && t.start[1] <= '9', done = true;
        char letter = numbered ? *t.start : 0;
        if (letter == 's' && flags & LAYER_STRIDE)
            done = lettered(p, t, 1, "the stride", &layer->stride, &stride);
        else if (letter == 'p' && flags & LAYER_PADDING)
            done = lettered(p, t, 0, "the padding", &layer->padding, &padding);
        else if (letter == 'd' && flags & LAYER_DILATION)
            done = lettered(p, t, 1, "the dilation", &layer->dilation, &dilation);
        else if (letter == 'g' && flags & LAYER_GROUPS)
            done = lettered(p, t, 1, "the groups", &layer->groups, &groups);
        else if (spec_token_is(t, "same") && flags & LAYER_PADDING)
            done = padding ? spec_fail(p, t, "gives the padding a second time") : (layer->same = padding = true);
        else if (spec_token_is(t, "ceil") && flags & LAYER_CEIL)
            layer->ceil = true;
        else
            return !layer->kind->check || layer->kind->check(p, layer);
        if (!done) return false;
        spec_next(p);
    }
}

/* Says that a word is not what was expected, with the nearest word that is: layers, or what may follow a layer. */
static bool fail_unknown(const spec_parser *p, spec_token t, const spec_layer *follows) {
    const char *known[KNOWN];
    char word[SHOWN + 8], what[96];
    size_t count = 0;
    if (follows) {
        snprintf(what, sizeof what, "is neither an option of %s nor an activation", follows->kind->name);
        if (follows->kind->flags & LAYER_PADDING) known[count++] = "same";
        if (follows->kind->flags & LAYER_CEIL) known[count++] = "ceil";
        for (const layer_kind *const *k = layer_kinds; *k; k++)
            if ((*k)->flags & LAYER_NORM) known[count++] = (*k)->name;
    } else {
        snprintf(what, sizeof what, "is not a layer");
        for (const layer_kind *const *k = layer_kinds; *k && count < KNOWN / 2; k++) known[count++] = (*k)->name;
    }
    for (const soma_op *const *op = op_table; *op && count < KNOWN - 2; op++)
        if ((*op)->flags & OP_ACTIVATION) known[count++] = (*op)->name;
    known[count++] = op_softmax.name;
    known[count] = NULL;
    const char *near = suggest(shown(t, word), known);
    return spec_fail(p, t, "%s%s%s%s", what, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* A normalisation and an activation behind a layer; anything else there is a mistake. `layer` is a copy: the list may
 * move. */
static bool parse_suffixes(spec_parser *p, spec_list *list, spec_layer layer) {
    bool takes_activation = layer.kind != &layer_activation;
    bool takes_norm = takes_activation && !(layer.kind->flags & LAYER_NORM);
    spec_token t = spec_peek(p);
    const layer_kind *norm = takes_norm ? layer_find(t.start, t.length) : NULL;
    if (norm && norm->flags & LAYER_NORM) {
        spec_layer *suffix = add_layer(p, list, norm, spec_next(p), true);
        if (!suffix || (norm->sizes && !norm->sizes(p, suffix))) return false;
        t = spec_peek(p);
    }
    const char *activation = activation_find(t.start, t.length);
    if (takes_activation && activation) {
        spec_layer *suffix = add_layer(p, list, &layer_activation, spec_next(p), true);
        if (!suffix) return false;
        suffix->activation = activation;
        t = spec_peek(p);
        activation = activation_find(t.start, t.length);
    }
    if (ends_layer(t)) return true;
    if (activation || layer_find(t.start, t.length)) return spec_fail(p, t, "needs a comma before it");
    return fail_unknown(p, t, &layer);
}

/* "conv2d0:" before a layer; the space behind it may be missing. */
static bool parse_name(spec_parser *p, char name[SPEC_NAME]) {
    spec_token t = spec_peek(p);
    const char *colon = memchr(t.start, ':', t.length);
    *name = 0;
    if (!colon) return true;
    size_t length = (size_t)(colon - t.start);
    bool valid = length > 0 && length < SPEC_NAME;
    for (size_t i = 0; valid && i < length; i++) {
        char c = t.start[i];
        valid = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (i && c >= '0' && c <= '9');
    }
    t.length = length + 1;
    if (!valid)
        return spec_fail(p, t, "should be a layer's name: a letter, then letters, digits and _, at most %d of them",
                         SPEC_NAME - 1);
    memcpy(name, t.start, length);
    name[length] = 0;
    p->at = colon + 1;
    return true;
}

static bool parse_layer(spec_parser *p, spec_list *list) {
    char name[SPEC_NAME];
    if (!parse_name(p, name)) return false;
    spec_token t = spec_next(p);
    if (ends_layer(t)) return spec_fail(p, t, "stands where a layer is expected");
    const char *activation = activation_find(t.start, t.length);
    const layer_kind *kind = activation ? &layer_activation : layer_find(t.start, t.length);
    if (!kind) return fail_unknown(p, t, NULL);
    spec_layer *layer = add_layer(p, list, kind, t, false);
    if (!layer) return false;
    layer->activation = activation;
    memcpy(layer->name, name, sizeof name);
    if (kind->sizes && !kind->sizes(p, layer)) return false;
    return parse_options(p, layer) && parse_suffixes(p, list, *layer);
}

bool spec_parse_list(spec_parser *p, spec_list *list) {
    if (++p->depth > MAX_DEPTH) return spec_fail(p, spec_peek(p), "is nested deeper than %d levels", MAX_DEPTH);
    while (parse_layer(p, list))
        if (spec_token_is(spec_peek(p), ",")) {
            spec_next(p);
        } else {
            p->depth--;
            return true;
        }
    return false;
}

spec *spec_parse(const soma_context *context, const char *text, soma_error *error) {
    if (strlen(text) > MAX_TEXT) {
        error_set(error, SOMA_ERROR_ARGUMENT, "net: the text is longer than %d characters", MAX_TEXT);
        return NULL;
    }
    if (!text[strspn(text, " \t\r\n")]) {
        error_set(error, SOMA_ERROR_ARGUMENT,
                  "net: the text is empty; layers separated by commas are expected, such as 'dense 64 relu, dense 3'");
        return NULL;
    }
    spec *s = mem_zeros(context, 1, sizeof *s);
    if (!s) return error_memory(error), NULL;
    s->context = context;
    spec_parser p = {.context = context, .error = error, .text = text, .at = text};
    bool valid = spec_parse_list(&p, &s->list);
    spec_token rest = spec_peek(&p);
    if (valid && rest.length) valid = spec_fail(&p, rest, "has no ( that it belongs to");
    if (valid) return s;
    spec_destroy(s);
    return NULL;
}

void spec_destroy(spec *s) {
    if (!s) return;
    list_clear(s->context, &s->list);
    mem_free(s->context, s);
}

/* ---- Tree to text ---------------------------------------------------------------------------------------------------
 */

typedef struct writer {
    const soma_context *context;
    char *text;
    size_t count, capacity;
    bool failed;
} writer;

static void put(writer *w, const char *text) {
    for (; *text && !w->failed; text++) {
        w->failed = !mem_reserve(w->context, &w->text, w->count + 1, &w->capacity, 1);
        if (!w->failed) w->text[w->count++] = *text;
    }
}

/* One layer without suffixes and branches. */
static void layer_text(const spec_layer *layer, char *text, size_t size) {
    char sizes[64] = "", options[96] = "";
    int at = 0;
    const struct {
        char letter;
        int64_t value;
    } numbers[] = {{'s', layer->stride}, {'p', layer->padding}, {'d', layer->dilation}, {'g', layer->groups}};
    if (layer->kind->write) layer->kind->write(layer, sizes, sizeof sizes);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (numbers[i].value)
            at += snprintf(options + at, sizeof options - (size_t)at, " %c%lld", numbers[i].letter,
                           (long long)numbers[i].value);
    snprintf(text, size, "%s%s%s%s%s%s%s%s", layer->name, *layer->name ? ": " : "",
             layer->activation ? layer->activation : layer->kind->name, *sizes ? " " : "", sizes, options,
             layer->same ? " same" : "", layer->ceil ? " ceil" : "");
}

static void put_list(writer *w, const spec_list *list) {
    char text[160];
    for (size_t i = 0; i < list->count; i++) {
        const spec_layer *layer = &list->layers[i];
        if (i) put(w, layer->suffix ? " " : ", ");
        layer_text(layer, text, sizeof text);
        put(w, text);
        for (size_t b = 0; b < layer->branches_count; b++) {
            put(w, b ? " | " : "(");
            put_list(w, &layer->branches[b]);
        }
        if (layer->branches_count) put(w, ")");
    }
}

char *spec_text(const spec *s) {
    writer w = {.context = s->context};
    put_list(&w, &s->list);
    if (!w.failed && mem_reserve(w.context, &w.text, w.count, &w.capacity, 1)) {
        w.text[w.count] = 0;
        return w.text;
    }
    mem_free(w.context, w.text);
    return NULL;
}

void spec_layer_text(const spec_layer *layer, const spec_layer *end, char *text, size_t size) {
    size_t at = 0;
    for (const spec_layer *l = layer; l == layer || (l < end && l->suffix); l++) {
        char part[160];
        layer_text(l, part, sizeof part);
        int written = snprintf(text + at, size - at, "%s%s", at ? " " : "", part);
        at += (size_t)written;
        if (at >= size) return;
    }
}
