/* cli/show.c: `soma show`: layers, shapes, parameters, work and memory of a network, and the plan that it compiles to.
 */
#include "graph/graph.h"
#include "subject.h"
#include "terminal.h"
#include "train/json.h"

#include <stdio.h>

enum { NET, INPUT, BATCH, BACKEND, PRECISION, TUNING, PLAN, JSON, ROWS };

static const option_row rows[] = {
    [NET] = {"net", OPTION_TEXT, "SPEC|NAME", "a network instead of a MODEL",
             .expected = "a network, as \"dense 64 relu\""},
    [INPUT] = {"input", OPTION_TEXT, "SHAPE", "the shape of one sample: 30 or 1x28x28",
               .expected = "a shape like 1x28x28"},
    [BATCH] = {"batch", OPTION_WHOLE, "N", "the batch that memory and --plan are for; else 1", NULL, 1, 1e6,
               .expected = "a whole number from 1"},
    [BACKEND] = FAST_BACKEND_ROW,
    [PRECISION] = PRECISION_ROW,
    [TUNING] = TUNING_ROW,
    [PLAN] = {.name = "plan",
              .kind = OPTION_FLAG,
              .help = "the steps that the network compiles to: fusions, FLOPs, bytes"},
    [JSON] = {.name = "json", .kind = OPTION_FLAG, .help = "one object on standard output"},
    [ROWS] = {0}};

typedef struct view {
    subject s;
    spec_row *layers; /* NULL: the nodes of the graph are listed instead */
    size_t layers_count;
    int64_t parameters;
    soma_plan *plan;
    soma_plan_info info;
} view;

/* 431080 -> "431,080" */
static const char *grouped(int64_t value, char text[32]) {
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)value), at = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

static int64_t graph_parameters(const soma_graph *g) {
    int64_t sum = 0;
    for (size_t i = 0; i < g->count; i++) {
        if (g->nodes[i]->op != &op_variable) continue;
        const variable_attributes *v = g->nodes[i]->attributes;
        if (v->trainable) sum += shape_elements(&v->shape, 1);
    }
    return sum;
}

static int look(view *v, int64_t batch, const option_value *given, soma_error *error) {
    subject *s = &v->s;
    soma_plan_options o = {.max_batch = batch,
                           .store = s->model ? s->model->store : NULL,
                           .threads = 1,
                           .backend = backend_of(&given[BACKEND]),
                           .precision = precision_of(&given[PRECISION])};
    soma_tuning *tuning;
    if (tuning_of(&given[TUNING], &tuning, error)) return error->code;
    o.tuning = tuning;
    v->parameters = s->model ? onnx_parameters(s->model->imported) : graph_parameters(s->graph);
    soma_error ignored = {0};
    if (s->spec) spec_describe(s->spec, s->features, &v->layers, &v->layers_count, &ignored);
    if (ignored.code == SOMA_ERROR_MEMORY)
        error_memory(error);
    else
        v->plan = soma_plan_infer(&s->output, 1, o, error);
    soma_tuning_destroy(tuning);
    if (!v->plan) return error->code;
    v->info = soma_plan_get_info(v->plan);
    v->info.flops /= (double)batch;
    return SOMA_OK;
}

static void put_shape(json_text *j, const char *key, soma_shape shape) {
    json_put_open(j, key, '[');
    for (int i = 0; i < shape.rank; i++) {
        if (shape.dims[i] < 0)
            json_put_string(j, NULL, "N");
        else
            json_put_integer(j, NULL, shape.dims[i]);
    }
    json_put_close(j, ']');
}

static void put_port(json_text *j, const char *key, const char *name, soma_value value) {
    json_put_open(j, key, '[');
    json_put_open(j, NULL, '{');
    json_put_string(j, "name", name);
    put_shape(j, "shape", soma_value_shape(value));
    json_put_string(j, "type", soma_value_dtype(value) == SOMA_INT64 ? "int64" : "float32");
    json_put_close(j, '}');
    json_put_close(j, ']');
}

static const char *output_name(const view *v) {
    if (v->s.model) return v->s.model->imported->outputs[0].name;
    return spec_meaning(v->s.spec) == SPEC_LINEAR ? "prediction" : "probabilities";
}

static void put_layer(json_text *j, const char *name, int depth, soma_shape output, int64_t parameters, double flops) {
    json_put_open(j, NULL, '{');
    json_put_string(j, "layer", name);
    json_put_integer(j, "depth", depth);
    put_shape(j, "output", output);
    if (parameters >= 0) {
        json_put_integer(j, "parameters", parameters);
        json_put_number(j, "flops", flops);
    }
    json_put_close(j, '}');
}

/* Nodes that compute something, for a model that doesn't say its layers. */
static bool listed(const node *n) { return !(n->op->flags & OP_SOURCE); }

static int print_json(const view *v) {
    json_text j = {0};
    const soma_graph *g = v->s.output.graph;
    json_put_open(&j, NULL, '{');
    json_put_string(&j, "name", v->s.name);
    json_put_open(&j, "layers", '[');
    for (size_t i = 0; i < v->layers_count; i++) {
        const spec_row *r = &v->layers[i];
        put_layer(&j, r->text, r->depth, r->output, r->parameters, r->flops);
    }
    for (size_t i = 0; !v->layers && i < g->count; i++)
        if (listed(g->nodes[i])) put_layer(&j, g->nodes[i]->op->name, 0, g->nodes[i]->outputs[0].shape, -1, 0);
    json_put_close(&j, ']');
    json_put_integer(&j, "parameters", v->parameters);
    json_put_number(&j, "flops", v->info.flops);
    json_put_integer(&j, "parameter_bytes", v->info.parameter_bytes);
    json_put_integer(&j, "arena_bytes", v->info.arena_bytes);
    put_port(&j, "inputs", v->s.model ? v->s.model->imported->inputs[0].name : "x", v->s.x);
    put_port(&j, "outputs", output_name(v), v->s.output);
    json_put_close(&j, '}');
    json_put_line(&j);
    int status = print_answer(&j, STATUS_OK);
    json_text_clear(&j);
    return status;
}

static void print_line(const char *name, int depth, const soma_shape *output, int64_t parameters, double flops) {
    char text[SHAPE_TEXT], a[32], b[32];
    printf("%*s%-*.70s %-20s %14s %16s\n", 2 * depth, "", 40 - 2 * depth, name, shape_text(output, text),
           parameters >= 0 ? grouped(parameters, a) : "", parameters >= 0 ? grouped((int64_t)flops, b) : "");
}

static void print_people(const view *v, int64_t batch) {
    char text[SHAPE_TEXT], a[32], b[32];
    const soma_graph *g = v->s.output.graph;
    soma_shape in = soma_value_shape(v->s.x), out = soma_value_shape(v->s.output);
    printf("%-40s %-20s %14s %16s\n", "layer", "output", "parameters", "FLOPs a sample");
    print_line("input", 0, &in, -1, 0);
    for (size_t i = 0; i < v->layers_count; i++)
        print_line(v->layers[i].text, v->layers[i].depth, &v->layers[i].output, v->layers[i].parameters,
                   v->layers[i].flops);
    for (size_t i = 0; !v->layers && i < g->count; i++)
        if (listed(g->nodes[i])) print_line(g->nodes[i]->op->name, 0, &g->nodes[i]->outputs[0].shape, -1, 0);
    printf("\nparameters %s (%.1f MB), %s FLOPs a sample forward, working memory %.1f MB at batch %lld\n",
           grouped(v->parameters, a), (double)v->info.parameter_bytes / 1e6, grouped((int64_t)v->info.flops, b),
           (double)v->info.arena_bytes / 1e6, (long long)batch);
    printf("output '%s' %s\n", output_name(v), shape_text(&out, text));
}

static void write_text(void *user, const char *text) {
    (void)user;
    fputs(text, stdout);
}

static int run(const command_line *line) {
    soma_error error = {0};
    view v = {0};
    const option_value *o = line->values;
    int64_t batch = o[BATCH].given ? o[BATCH].whole : 1;
    int status = subject_open(line, &o[NET], &o[INPUT], SUBJECT_SHOW, &v.s);
    if (status) return status;
    if (look(&v, batch, o, &error)) {
        status = fail_with(&error, false);
    } else if (o[JSON].given) {
        status = print_json(&v);
    } else {
        print_people(&v, batch);
        if (o[PLAN].given) {
            putchar('\n');
            soma_plan_print(v.plan, write_text, NULL);
        }
    }
    soma_plan_destroy(v.plan);
    mem_free(NULL, v.layers);
    subject_close(&v.s);
    return finish_output(status);
}

const command command_show = {
    .name = "show",
    .arguments = "MODEL|NAME|--net SPEC [options]",
    .summary = "layers, shapes, parameters, FLOPs, memory; the compiled plan",
    .description =
        "Lists the layers of MODEL (a model.onnx or a run folder), of a known network (linear, logistic, mlp, lenet, "
        "alexnet, vgg16, googlenet, resnet18, resnet50, squeezenet, mobilenet_v2, unet) or of a SPEC: output shapes, "
        "parameters and FLOPs (2 x multiply-adds of one sample, forward).",
    .options = rows,
    .examples = "  soma show runs/latest\n"
                "  soma show lenet --plan --batch 64\n"
                "  soma show --net \"conv 16 3x3 p1 bn relu, avgpool global, dense 10\" --input 3x32x32\n",
    .run = run};
