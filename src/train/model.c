/* train/model.c: a model's life and its parts: what it is told, what it is asked about itself, its parameters by name.
 * Training is in fit.c and trainer.c, answers in answer.c, files in model_file.c. */
#include "train/model.h"

#include "nn/zoo.h"

#include <stdio.h>

soma_model *soma_model_create_in(const soma_context *context, const char *spec_text, soma_shape sample, soma_task task,
                                 soma_error *error) {
    char text[SHAPE_TEXT];
    if (task != SOMA_CLASSIFY && task != SOMA_REGRESS) {
        error_set(error, SOMA_ERROR_ARGUMENT, "model: the task is neither SOMA_CLASSIFY nor SOMA_REGRESS");
        return NULL;
    }
    if ((sample.rank != 1 && sample.rank != 3) || shape_has_batch(&sample) || shape_elements(&sample, 1) < 1) {
        error_set(error, SOMA_ERROR_ARGUMENT, "model: a sample is [F] or [C, H, W], not %s", shape_text(&sample, text));
        return NULL;
    }
    soma_model *m = mem_zeros(context, 1, sizeof *m);
    if (!m) {
        error_memory(error);
        return NULL;
    }
    m->context = m->preprocess.context = context;
    m->sample = sample;
    m->task = task;
    if (spec_text && !(m->spec_text = mem_string(context, spec_text))) {
        error_memory(error);
        goto failed;
    }
    /* A mistake in the specification is told now, a head that doesn't fit once the data are known. */
    if (!spec_text || zoo_find(spec_text)) return m;
    if ((m->spec = spec_open(context, spec_text, error))) return m;
failed:
    soma_model_destroy(m);
    return NULL;
}

soma_model *soma_model_create(const char *spec_text, soma_shape sample, soma_task task, soma_error *error) {
    return soma_model_create_in(NULL, spec_text, sample, task, error);
}

void model_forget_plan(soma_model *m) {
    soma_run_destroy(m->run);
    soma_plan_destroy(m->plan);
    m->run = NULL;
    m->plan = NULL;
    m->plan_rows = 0;
    if (!m->imported) network_clear(&m->network);
}

void soma_model_destroy(soma_model *m) {
    if (!m) return;
    model_forget_plan(m);
    onnx_model_destroy(m->imported);
    soma_store_destroy(m->store);
    spec_destroy(m->spec);
    schema_clear(m->context, &m->schema);
    preprocess_clear(&m->preprocess);
    for (size_t i = 0; i < m->presets_count; i++) {
        mem_free(m->context, m->presets[i].name);
        mem_free(m->context, m->presets[i].values);
    }
    mem_free(m->context, m->presets);
    mem_free(m->context, m->spec_text);
    mem_free(m->context, m);
}

int model_take_schema(soma_model *m, const table_schema *schema, soma_error *error) {
    schema_clear(m->context, &m->schema);
    return schema_copy(m->context, schema, &m->schema) ? SOMA_OK : error_memory(error);
}

/* ---- Questions ------------------------------------------------------------------------------------------------- */

soma_task soma_model_task(const soma_model *m) { return m ? m->task : SOMA_CLASSIFY; }
soma_shape soma_model_sample(const soma_model *m) { return m ? m->sample : soma_shape0(); }
int64_t soma_model_outputs(const soma_model *m) { return m ? m->outputs : 0; }
int64_t soma_model_best_epoch(const soma_model *m) { return m ? m->best_epoch : 0; }
int64_t soma_model_epochs(const soma_model *m) { return m ? m->epochs : 0; }

const char *soma_model_class_name(const soma_model *m, int64_t index) {
    if (!m || m->task != SOMA_CLASSIFY || index < 0 || (size_t)index >= m->schema.classes_count) return NULL;
    return m->schema.classes[index];
}

int soma_model_set_class_names(soma_model *m, const char *const *names, int64_t count, soma_error *error) {
    if (!m) return error_set(error, SOMA_ERROR_ARGUMENT, "class names: there is no model");
    if (m->task != SOMA_CLASSIFY || count < 2 || (m->outputs && count != m->outputs))
        return error_set(error, SOMA_ERROR_ARGUMENT, "class names: %lld were given for %lld classes", (long long)count,
                         (long long)m->outputs);
    table_schema named = m->schema, copy;
    named.classify = true;
    named.classes_count = (size_t)count;
    named.classes = mem_array(m->context, (size_t)count, sizeof *named.classes);
    if (!named.classes) return error_memory(error);
    for (int64_t i = 0; i < count; i++) named.classes[i] = (char *)names[i];
    bool copied = schema_copy(m->context, &named, &copy);
    mem_free(m->context, named.classes);
    if (!copied) return error_memory(error);
    schema_clear(m->context, &m->schema);
    m->schema = copy;
    return SOMA_OK;
}

/* ---- Parameters ------------------------------------------------------------------------------------------------ */

size_t soma_model_parameters(const soma_model *m) { return m && m->store ? m->variables : 0; }

const char *soma_model_parameter_name(const soma_model *m, size_t index) {
    return index < soma_model_parameters(m) ? soma_store_name(m->store, index) : NULL;
}

static const variable *find_parameter(const soma_model *m, const char *name) {
    for (size_t i = 0; i < soma_model_parameters(m); i++)
        if (name && !strcmp(m->store->variables[i]->name, name)) return m->store->variables[i];
    return NULL;
}

soma_shape soma_model_parameter_shape(const soma_model *m, const char *name) {
    const variable *v = find_parameter(m, name);
    return v ? v->shape : soma_shape0();
}

static int no_parameter(const soma_model *m, const char *name, soma_error *error) {
    return error_set(error, SOMA_ERROR_ARGUMENT, "the model has no parameter '%s'%s", name ? name : "(null)",
                     m && m->store ? "" : " (it has none before it was trained)");
}

int soma_model_parameter_get(const soma_model *m, const char *name, float *values, size_t count, soma_error *error) {
    if (!find_parameter(m, name)) return no_parameter(m, name, error);
    return soma_store_get(m->store, name, values, count, error);
}

/* The note about a parameter; made when there is none. */
static preset *preset_of(soma_model *m, const char *name) {
    for (size_t i = 0; i < m->presets_count; i++)
        if (!strcmp(m->presets[i].name, name)) return &m->presets[i];
    if (!mem_reserve(m->context, &m->presets, m->presets_count, &m->presets_capacity, sizeof *m->presets)) return NULL;
    preset *p = &m->presets[m->presets_count];
    *p = (preset){.name = mem_string(m->context, name)};
    if (!p->name) return NULL;
    m->presets_count++;
    return p;
}

int soma_model_parameter_set(soma_model *m, const char *name, const float *values, size_t count, soma_error *error) {
    if (!m || !name || !values)
        return error_set(error, SOMA_ERROR_ARGUMENT, "parameter: model, name or values are missing");
    if (m->store && !find_parameter(m, name)) return no_parameter(m, name, error);
    int code = m->store ? soma_store_set(m->store, name, values, count, error) : SOMA_OK;
    if (code) return code;
    preset *p = preset_of(m, name);
    float *copy = p ? mem_array(m->context, count, sizeof *copy) : NULL;
    if (!copy) return error_memory(error);
    memcpy(copy, values, count * sizeof *copy);
    mem_free(m->context, p->values);
    p->values = copy;
    p->count = count;
    return SOMA_OK;
}

int soma_model_parameter_freeze(soma_model *m, const char *name, bool frozen, soma_error *error) {
    if (!m || !name) return error_set(error, SOMA_ERROR_ARGUMENT, "parameter: model or name are missing");
    if (m->store && !find_parameter(m, name)) return no_parameter(m, name, error);
    preset *p = preset_of(m, name);
    if (!p) return error_memory(error);
    p->frozen = frozen;
    return SOMA_OK;
}
