/* train/model_file.c: saving and loading. The file is the answer network as standard ONNX; what ONNX can't say (names
 * of columns, categories and classes, the specification) stands in its metadata as JSON under "soma.model", whose
 * "version" a reader checks. A model without it is taken by its shapes alone. */
#include "graph/graph.h"
#include "train/json.h"
#include "train/model.h"

#include <math.h>
#include <stdio.h>

#ifdef SOMA_HAVE_JSON
#include <jansson.h>
#endif

#define METADATA_KEY     "soma.model"
#define METADATA_VERSION 1
/* The one way in which pictures are fitted so far: image_fit's. */
#define FIT_NAME "scale to cover, crop the middle"

/* ---- Writing --------------------------------------------------------------------------------------------------- */

static void write_names(json_text *j, const char *key, char *const *names, size_t count) {
    json_put_open(j, key, '[');
    for (size_t i = 0; i < count; i++) json_put_string(j, NULL, names[i]);
    json_put_close(j, ']');
}

static void write_columns(json_text *j, const table_schema *s) {
    json_put_bool(j, "header", s->header);
    json_put_integer(j, "numbers", s->style);
    json_put_string(j, "target", s->target_name);
    json_put_integer(j, "target_position", (int64_t)s->target_position);
    json_put_integer(j, "file_columns", (int64_t)s->file_columns);
    json_put_open(j, "columns", '[');
    for (size_t i = 0; i < s->columns_count; i++) {
        const table_column *c = &s->columns[i];
        json_put_open(j, NULL, '{');
        json_put_string(j, "name", c->name);
        json_put_integer(j, "position", (int64_t)c->position);
        if (c->kind == COLUMN_CATEGORY) write_names(j, "categories", c->categories, c->categories_count);
        if (c->kind == COLUMN_DATE) json_put_string(j, "date", date_format_name(c->date));
        if (c->pooled) json_put_bool(j, "pooled", true);
        if (c->lenient) json_put_bool(j, "lenient", true);
        json_put_close(j, '}');
    }
    json_put_close(j, ']');
}

/* How a picture of any size becomes the input. */
static void write_pictures(json_text *j, const picture_rule *rule) {
    json_put_open(j, "pictures", '{');
    json_put_integer(j, "channels", rule->channels);
    json_put_integer(j, "height", rule->height);
    json_put_integer(j, "width", rule->width);
    json_put_string(j, "fit", FIT_NAME);
    json_put_close(j, '}');
}

char *model_metadata(const soma_model *m) {
    json_text j = {.context = m->context};
    json_put_open(&j, NULL, '{');
    json_put_integer(&j, "version", METADATA_VERSION);
    json_put_string(&j, "task", m->task == SOMA_CLASSIFY ? "classify" : "regress");
    char *text_of_spec = m->spec ? spec_text(m->spec) : NULL;
    j.failed |= m->spec && !text_of_spec;
    if (text_of_spec || m->spec_text) json_put_string(&j, "spec", text_of_spec ? text_of_spec : m->spec_text);
    mem_free(m->context, text_of_spec);
    if (m->task == SOMA_CLASSIFY) {
        json_put_bool(&j, "sigmoid", m->sigmoid);
        write_names(&j, "classes", m->schema.classes, m->schema.classes_count);
    } else {
        json_put_number(&j, "target_mean", m->preprocess.target_mean);
        json_put_number(&j, "target_deviation", m->preprocess.target_deviation);
        if (m->preprocess.target_log) json_put_number(&j, "target_log_shift", m->preprocess.target_shift);
    }
    if (m->schema.columns_count) write_columns(&j, &m->schema);
    if (m->schema.pictures.channels) write_pictures(&j, &m->schema.pictures);
    json_put_close(&j, '}');
    char *text = json_text_get(&j) ? mem_string(m->context, json_text_get(&j)) : NULL;
    json_text_clear(&j);
    return text;
}

/* The answer network for the file; a loaded model's own graph, or one made here into *made. */
static int network_to_save(const soma_model *m, network *made, const network **n, soma_error *error) {
    *made = (network){0};
    if (!m || !m->store) return error_set(error, SOMA_ERROR_ARGUMENT, "save: the model has not been trained yet");
    if (m->imported) {
        *n = &m->network;
        return SOMA_OK;
    }
    *n = made;
    return network_build(m, false, false, made, error);
}

static int save(const soma_model *m, const char *path, unsigned char **bytes, size_t *size, soma_error *error) {
    network made;
    const network *n = NULL;
    int code = network_to_save(m, &made, &n, error);
    if (code || !n) return code;
    char *metadata = model_metadata(m);
    if (!metadata) {
        network_clear(&made);
        return error_memory(error);
    }
    onnx_value input = {"x", n->x}, output = {m->task == SOMA_CLASSIFY ? "probabilities" : "prediction", n->answer};
    if (m->imported) {
        input.name = m->imported->inputs[0].name;
        output.name = m->imported->outputs[0].name;
    }
    onnx_pair pair = {METADATA_KEY, metadata};
    onnx_export file = {.inputs = &input,
                        .inputs_count = 1,
                        .outputs = &output,
                        .outputs_count = 1,
                        .store = m->store,
                        .metadata = &pair,
                        .metadata_count = 1};
    code = path ? onnx_write(&file, path, error) : onnx_write_memory(&file, m->context, bytes, size, error);
    mem_free(m->context, metadata);
    network_clear(&made);
    return code;
}

int soma_model_save(const soma_model *m, const char *path, soma_error *error) {
    if (!path) return error_set(error, SOMA_ERROR_ARGUMENT, "save: the file's name is missing");
    return save(m, path, NULL, NULL, error);
}

void *soma_model_save_memory(const soma_model *m, size_t *size, soma_error *error) {
    unsigned char *bytes = NULL;
    return save(m, NULL, &bytes, size, error) ? NULL : bytes;
}

void soma_model_release(const soma_model *m, void *bytes) { mem_free(m ? m->context : NULL, bytes); }

/* ---- Reading --------------------------------------------------------------------------------------------------- */

#ifdef SOMA_HAVE_JSON

/* A copy of a text, which may be NULL; false when there is none, for want of memory too, which `error` says then. */
static bool read_text(const soma_model *m, const char *text, char **copy, soma_error *error) {
    *copy = text ? mem_string(m->context, text) : NULL;
    if (text && !*copy) error_memory(error);
    return *copy != NULL;
}

/* The strings of a JSON array, copied. */
static bool read_names(const soma_model *m, const json_t *array, char ***names, size_t *count, soma_error *error) {
    size_t n = json_array_size(array);
    *names = mem_zeros(m->context, n, sizeof **names);
    if (!*names) return error_memory(error), false;
    *count = n;
    for (size_t i = 0; i < n; i++)
        if (!read_text(m, json_string_value(json_array_get(array, i)), &(*names)[i], error)) return false;
    return true;
}

static bool read_position(const json_t *object, const char *key, size_t *value) {
    const json_t *v = json_object_get(object, key);
    if (!json_is_integer(v) || json_integer_value(v) < 0) return false;
    *value = (size_t)json_integer_value(v);
    return true;
}

/* What a column holds; a date's format must be one that is known. */
static bool read_kind(const soma_model *m, const json_t *json, table_column *column, soma_error *error) {
    const json_t *categories = json_object_get(json, "categories"), *date = json_object_get(json, "date");
    column->pooled = json_is_true(json_object_get(json, "pooled"));
    column->lenient = json_is_true(json_object_get(json, "lenient"));
    column->kind = categories ? COLUMN_CATEGORY : date ? COLUMN_DATE : COLUMN_NUMERIC;
    if (categories) return read_names(m, categories, &column->categories, &column->categories_count, error);
    if (!date) return true;
    column->date = json_is_string(date) ? date_format_of(json_string_value(date)) : DATE_NONE;
    return column->date != DATE_NONE;
}

static bool read_columns(soma_model *m, const json_t *root, soma_error *error) {
    table_schema *s = &m->schema;
    const json_t *columns = json_object_get(root, "columns"), *target = json_object_get(root, "target");
    if (!columns) return true;
    size_t n = json_array_size(columns), style = 0;
    if (json_object_get(root, "numbers") && !read_position(root, "numbers", &style)) return false;
    if (style >= NUMBER_STYLES) return false;
    s->style = (number_style)style;
    if (m->sample.rank != 1 || (int64_t)n != m->sample.dims[0]) return false;
    s->header = json_is_true(json_object_get(root, "header"));
    if (!read_position(root, "target_position", &s->target_position) ||
        !read_position(root, "file_columns", &s->file_columns))
        return false;
    if (json_is_string(target) && !read_text(m, json_string_value(target), &s->target_name, error)) return false;
    if (!(s->columns = mem_zeros(m->context, n, sizeof *s->columns))) return error_memory(error), false;
    s->columns_count = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *c = json_array_get(columns, i);
        if (!read_text(m, json_string_value(json_object_get(c, "name")), &s->columns[i].name, error) ||
            !read_position(c, "position", &s->columns[i].position) || !read_kind(m, c, &s->columns[i], error))
            return false;
    }
    return true;
}

/* The rule says what the input's shape says; another way to fit is of a later soma. */
static bool read_pictures(soma_model *m, const json_t *root) {
    const json_t *p = json_object_get(root, "pictures");
    if (!p) return true;
    const char *fit = json_string_value(json_object_get(p, "fit"));
    const char *const keys[] = {"channels", "height", "width"};
    if (m->sample.rank != 3 || !fit || strcmp(fit, FIT_NAME) != 0) return false;
    for (int i = 0; i < 3; i++)
        if (json_integer_value(json_object_get(p, keys[i])) != m->sample.dims[i]) return false;
    return true;
}

static bool read_target(soma_model *m, const json_t *root) {
    preprocess *p = &m->preprocess;
    p->target_mean = json_number_value(json_object_get(root, "target_mean"));
    p->target_deviation = json_number_value(json_object_get(root, "target_deviation"));
    const json_t *shift = json_object_get(root, "target_log_shift");
    p->target_log = shift != NULL;
    p->target_shift = json_number_value(shift);
    return (!shift || json_is_number(shift)) && p->target_shift >= 0 && isfinite(p->target_shift) &&
           isfinite(p->target_mean) && isfinite(p->target_deviation) && p->target_deviation > 0;
}

static bool read_root(soma_model *m, const json_t *root, soma_error *error) {
    const char *task = json_string_value(json_object_get(root, "task"));
    const char *spec_text = json_string_value(json_object_get(root, "spec"));
    if (!task) return false;
    m->task = !strcmp(task, "regress") ? SOMA_REGRESS : SOMA_CLASSIFY;
    if (spec_text && !read_text(m, spec_text, &m->spec_text, error)) return false;
    m->schema.classify = m->task == SOMA_CLASSIFY;
    if (m->task == SOMA_CLASSIFY) {
        m->sigmoid = json_is_true(json_object_get(root, "sigmoid"));
        if (!read_names(m, json_object_get(root, "classes"), &m->schema.classes, &m->schema.classes_count, error) ||
            (int64_t)m->schema.classes_count != m->outputs)
            return false;
    } else if (m->outputs != 1 || !read_target(m, root)) {
        return false;
    }
    return read_columns(m, root, error) && read_pictures(m, root);
}

int model_read_metadata(soma_model *m, const char *text, const char *file, soma_error *error) {
    json_error_t mistake;
    soma_error memory = {0};
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &mistake);
    const json_t *version = json_object_get(root, "version");
    int code = SOMA_OK;
    if (!root && json_error_code(&mistake) == json_error_out_of_memory)
        code = error_memory(error);
    else if (!root || !json_is_integer(version))
        code = error_set(error, SOMA_ERROR_INPUT, "%s: the metadata " METADATA_KEY " are not what soma writes", file);
    else if (json_integer_value(version) != METADATA_VERSION)
        code = error_set(error, SOMA_ERROR_INPUT, "%s: the metadata " METADATA_KEY " have version %lld, expected %d",
                         file, (long long)json_integer_value(version), METADATA_VERSION);
    else if (!read_root(m, root, &memory))
        code = memory.code ? error_memory(error)
                           : error_set(error, SOMA_ERROR_INPUT,
                                       "%s: the metadata " METADATA_KEY " do not fit the network", file);
    json_decref(root);
    return code;
}

#else

int model_read_metadata(soma_model *m, const char *text, const char *file, soma_error *error) {
    (void)m, (void)text;
    return error_set(error, SOMA_ERROR_INPUT, "%s: its metadata need JSON, which this build of soma was made without",
                     file);
}

#endif

/* Which task a network serves that doesn't say so, and classes called by their numbers. */
static int guess_task(soma_model *m, soma_error *error) {
    const char *name = m->imported->outputs[0].name;
    m->task = m->outputs == 1 || !strcmp(name, "prediction") ? SOMA_REGRESS : SOMA_CLASSIFY;
    m->preprocess.target_deviation = 1;
    if (m->task == SOMA_REGRESS) return SOMA_OK;
    size_t n = (size_t)m->outputs;
    char **names = mem_zeros(m->context, n, sizeof *names);
    if (!names) return error_memory(error);
    m->schema.classify = true;
    m->schema.classes = names;
    m->schema.classes_count = n;
    for (size_t i = 0; i < n; i++) {
        char text[24];
        snprintf(text, sizeof text, "%zu", i);
        if (!(names[i] = mem_string(m->context, text))) return error_memory(error);
    }
    return SOMA_OK;
}

/* Checks that the file is one network of [N, …] -> [N, answers]. */
static int take_network(soma_model *m, const char *file, soma_error *error) {
    onnx_model *o = m->imported;
    char text[SHAPE_TEXT];
    if (o->inputs_count != 1 || o->outputs_count < 1)
        return error_set(
            error, SOMA_ERROR_INPUT,
            "%s: a model to ask has one input and an output, this one has %zu and %zu (soma run takes any)", file,
            o->inputs_count, o->outputs_count);
    m->network = (network){.graph = o->graph, .x = o->inputs[0].value, .answer = o->outputs[0].value};
    soma_shape in = soma_value_shape(m->network.x), out = soma_value_shape(m->network.answer);
    if (in.rank < 2 || in.dims[0] != SOMA_BATCH || soma_value_dtype(m->network.x) != SOMA_FLOAT)
        return error_set(error, SOMA_ERROR_INPUT, "%s: the input '%s' is %s, expected floats of [N, …]", file,
                         o->inputs[0].name, shape_text(&in, text));
    if (out.rank != 2 || out.dims[0] != SOMA_BATCH || out.dims[1] < 1 ||
        soma_value_dtype(m->network.answer) != SOMA_FLOAT)
        return error_set(error, SOMA_ERROR_INPUT, "%s: the output '%s' is %s, expected floats of [N, answers]", file,
                         o->outputs[0].name, shape_text(&out, text));
    m->sample = shape_of(in.rank - 1, in.dims + 1);
    m->outputs = out.dims[1];
    const char *metadata = onnx_metadata(o, METADATA_KEY);
    const int64_t *d = m->sample.dims;
    if (m->sample.rank == 3 && (d[0] == 1 || d[0] == 3) && d[1] > 0 && d[2] > 0) /* whatever it was trained on */
        m->schema.pictures = (picture_rule){d[0], d[1], d[2]};
    return metadata ? model_read_metadata(m, metadata, file, error) : guess_task(m, error);
}

static soma_model *load(const soma_context *context, const char *path, const void *bytes, size_t size,
                        soma_error *error) {
    soma_store_options options = {.context = context};
    soma_model *m = mem_zeros(context, 1, sizeof *m);
    if (!m) {
        error_memory(error);
        return NULL;
    }
    m->context = m->preprocess.context = context;
    m->store = soma_store_create(options, error);
    if (m->store)
        m->imported = path ? onnx_read(path, context, m->store, error)
                           : onnx_read_memory(bytes, size, "the model", context, m->store, error);
    if (m->imported && !take_network(m, path ? path : "the model", error)) {
        m->variables = soma_store_count(m->store);
        return m;
    }
    soma_model_destroy(m);
    return NULL;
}

soma_model *soma_model_load_in(const soma_context *context, const char *path, soma_error *error) {
    if (path) return load(context, path, NULL, 0, error);
    error_set(error, SOMA_ERROR_ARGUMENT, "load: the file's name is missing");
    return NULL;
}

soma_model *soma_model_load(const char *path, soma_error *error) { return soma_model_load_in(NULL, path, error); }

soma_model *soma_model_load_memory_in(const soma_context *context, const void *bytes, size_t size, soma_error *error) {
    if (bytes) return load(context, NULL, bytes, size, error);
    error_set(error, SOMA_ERROR_ARGUMENT, "load: there are no bytes");
    return NULL;
}

soma_model *soma_model_load_memory(const void *bytes, size_t size, soma_error *error) {
    return soma_model_load_memory_in(NULL, bytes, size, error);
}
