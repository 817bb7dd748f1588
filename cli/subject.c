/* cli/subject.c: opening what `show` and `bench` look at. A file of a name comes before the network of that name. */
#include "subject.h"

#include "nn/zoo.h"
#include "terminal.h"

#include <stdio.h>
#include <unistd.h>

/* Weights of large networks take seconds to draw as training wants them: equal ones do for looking, uniform ones for
 * measuring. */
static spec_options quick_weights(bool looked_at) {
    const soma_init zeros = {SOMA_INIT_CONSTANT, 0, 0, 0}, uniform = {SOMA_INIT_XAVIER_UNIFORM, 0, 0, 0};
    return (spec_options){.init_given = true, .init = looked_at ? zeros : uniform};
}

static int open_network(const char *text, const option_value *input, subject_use use, subject *s, soma_error *error) {
    const zoo_net *known = zoo_find(text);
    if (!(s->spec = spec_open(NULL, text, error))) return error->code;
    if (known) s->sample = known->sample;
    if (input->given && !parse_sample(input->text, &s->sample))
        return error_set(error, SOMA_ERROR_ARGUMENT, "--input takes a shape like 30 or 1x28x28, not '%s'", input->text);
    if (!known && !input->given)
        return error_set(error, SOMA_ERROR_ARGUMENT, "--input is needed: the shape of one sample, like 30 or 1x28x28");
    s->features = s->sample;
    soma_shape shape = {s->sample.rank + 1, {SOMA_BATCH}};
    for (int i = 0; i < s->sample.rank; i++) shape.dims[i + 1] = s->sample.dims[i];
    if (!(s->graph = soma_graph_create())) return error_memory(error);
    const spec_options options = quick_weights(use == SUBJECT_SHOW);
    soma_graph_set_training(s->graph, use == SUBJECT_TRAIN);
    s->x = soma_input(s->graph, "x", shape);
    s->output = spec_build(s->spec, s->x, &options);
    const soma_error *mistake = soma_graph_error(s->graph);
    return mistake->code ? error_set(error, mistake->code, "%s", mistake->message) : SOMA_OK;
}

/* The features that the preprocessing of a table makes: its numbers, and a column for each category. */
static soma_shape features_of(const soma_model *m) {
    int64_t count = 0;
    if (m->sample.rank != 1 || !m->schema.columns_count) return m->sample;
    for (size_t i = 0; i < m->schema.columns_count; i++) {
        const table_column *c = &m->schema.columns[i];
        count += c->kind == COLUMN_CATEGORY ? (int64_t)c->categories_count : 1;
    }
    return soma_shape1(count);
}

static int open_file(const char *path, const option_value *input, subject *s, soma_error *error) {
    if (!(s->model = open_model(path, error))) return error->code;
    soma_error ignored = {0};
    s->sample = s->model->sample;
    s->features = features_of(s->model);
    s->x = s->model->network.x;
    s->output = s->model->network.answer;
    if (s->model->spec_text) s->spec = spec_parse(NULL, s->model->spec_text, &ignored);
    if (ignored.code == SOMA_ERROR_MEMORY) return error_memory(error);
    return input->given ? error_set(error, SOMA_ERROR_ARGUMENT, "--input is for networks; %s knows its input", path)
                        : SOMA_OK;
}

int subject_open(const command_line *line, const option_value *net, const option_value *input, subject_use use,
                 subject *s) {
    soma_error error = {0};
    *s = (subject){0};
    if (line->positional_count + net->given != 1) {
        complain("soma %s: one of MODEL, NAME or --net SPEC is needed (soma %s --help)", line->command->name,
                 line->command->name);
        return STATUS_USAGE;
    }
    const char *text = net->given ? net->text : line->positional[0];
    bool file = !net->given && (!access(text, F_OK) || !zoo_find(text));
    snprintf(s->name, sizeof s->name, "%s", text);
    if (file && access(text, F_OK)) {
        const char *names[64];
        size_t n = 0;
        for (const zoo_net *z = zoo_nets; z->name && n < COUNT_OF(names) - 1; z++) names[n++] = z->name;
        names[n] = NULL;
        const char *near = suggest(text, names);
        complain("soma %s: %s is neither a file nor the name of a network%s%s", line->command->name, text,
                 near ? "; did you mean " : "", near ? near : "");
        return STATUS_USAGE;
    }
    if (!(file ? open_file(text, input, s, &error) : open_network(text, input, use, s, &error))) return STATUS_OK;
    int status = fail_with(&error, true);
    subject_close(s);
    return status;
}

void subject_close(subject *s) {
    spec_destroy(s->spec);
    soma_graph_destroy(s->graph);
    soma_model_destroy(s->model);
    *s = (subject){0};
}
