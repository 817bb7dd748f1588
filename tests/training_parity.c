/* training_parity DIR…: trains small networks exactly as another framework did and compares.
 *
 * Each folder holds a manifest.json: layers, loss, initial parameters, mini-batches, the first batch's gradients, and
 * for several optimizers the loss before each update and all parameters after it. The network is built by the public
 * builders, set to the initial parameters and trained on the backend that a user would get. A tensor matches when
 * |a - b| <= 1e-4 |b| (Euclidean norms), a loss when it is within 1e-5. Prints a line for each failure, then
 * "N passed, N failed, N skipped"; the status is 1 if one failed. */
#include <stdio.h>

#ifdef SOMA_HAVE_JSON
#include "data/npy.h"

#include <soma/soma.h>

#include <jansson.h>
#include <math.h>

enum { MAX_PARAMETERS = 128, MAX_BATCHES = 64, NAME = 64, PATH = 4096 };

static const double tensor_tolerance = 1e-4, loss_tolerance = 1e-5;

typedef struct parity {
    int passed, failed, skipped;
    const char *folder; /* the case at work */
    json_t *manifest;
    int64_t rows;
    char names[MAX_PARAMETERS][NAME]; /* soma's names of the parameters, in the manifest's order */
    size_t parameters;
    npy_array x[MAX_BATCHES], y[MAX_BATCHES];
    size_t batches;
} parity;

/* ---- Reading the case -----------------------------------------------------------------------------------------------
 */

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static double number_of(const json_t *object, const char *key, double otherwise) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

/* A pair such as "kernel": [3, 3], or one number for both. */
static void pair_of(const json_t *object, const char *key, int64_t otherwise, int64_t pair[2]) {
    const json_t *value = json_object_get(object, key);
    for (size_t i = 0; i < 2; i++) {
        const json_t *part = json_is_array(value) ? json_array_get(value, i) : value;
        pair[i] = json_is_integer(part) ? (int64_t)json_integer_value(part) : otherwise;
    }
}

static bool load(const parity *p, const char *file, npy_array *array, soma_error *error) {
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", p->folder, file);
    return npy_load(NULL, path, array, error);
}

static bool load_batches(parity *p, soma_error *error) {
    const json_t *list = json_object_get(p->manifest, "batches");
    for (p->batches = 0; p->batches < json_array_size(list) && p->batches < MAX_BATCHES; p->batches++) {
        const json_t *pair = json_array_get(list, p->batches);
        const char *x = json_string_value(json_array_get(pair, 0)), *y = json_string_value(json_array_get(pair, 1));
        if (!x || !y || !load(p, x, &p->x[p->batches], error)) return false;
        if (!load(p, y, &p->y[p->batches], error)) {
            npy_clear(NULL, &p->x[p->batches]);
            return false;
        }
    }
    return p->batches > 0;
}

/* ---- Building the network -------------------------------------------------------------------------------------------
 */

typedef struct network {
    soma_graph *graph;
    soma_value x, target, loss;
    int dense, conv, norm; /* layers made so far */
} network;

static void note_names(parity *p, const char *layer, int number, const char *const *parts, size_t count) {
    for (size_t i = 0; i < count && p->parameters < MAX_PARAMETERS; i++)
        snprintf(p->names[p->parameters++], NAME, "%s%d.%s", layer, number, parts[i]);
}

static soma_value build_dense(parity *p, network *n, const json_t *layer, soma_value x) {
    static const char *const parts[] = {"weight", "bias"};
    bool no_bias = json_is_false(json_object_get(layer, "bias"));
    note_names(p, "dense", ++n->dense, parts, no_bias ? 1 : 2);
    return soma_dense_with(x, (int64_t)number_of(layer, "out", 0), (soma_dense_options){.no_bias = no_bias});
}

static soma_value build_conv(parity *p, network *n, const json_t *layer, soma_value x) {
    static const char *const parts[] = {"weight", "bias"};
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    bool no_bias = json_is_false(json_object_get(layer, "bias"));
    pair_of(layer, "kernel", 0, kernel);
    pair_of(layer, "stride", 1, stride);
    pair_of(layer, "padding", 0, padding);
    pair_of(layer, "dilation", 1, dilation);
    if (stride[0] != stride[1] || padding[0] != padding[1] || dilation[0] != dilation[1]) return (soma_value){0};
    note_names(p, "conv2d", ++n->conv, parts, no_bias ? 1 : 2);
    soma_conv2d_options o = {.stride = stride[0],
                             .padding = padding[0],
                             .dilation = dilation[0],
                             .groups = (int64_t)number_of(layer, "groups", 1),
                             .no_bias = no_bias};
    return soma_conv2d(x, (int64_t)number_of(layer, "out", 0), soma_kernel(kernel[0], kernel[1]), o);
}

static soma_window window_of(const json_t *layer) {
    soma_window w = {.ceil_mode = json_is_true(json_object_get(layer, "ceil_mode")), .count_padding = true};
    int64_t padding[2];
    pair_of(layer, "kernel", 1, w.kernel);
    pair_of(layer, "stride", 0, w.stride);
    pair_of(layer, "padding", 0, padding);
    for (int i = 0; i < 2; i++) {
        if (!w.stride[i]) w.stride[i] = w.kernel[i];
        w.before[i] = w.after[i] = padding[i];
    }
    return w;
}

/* The value without a graph: a kind of layer that this program does not know. */
static soma_value build_layer(parity *p, network *n, const json_t *layer, soma_value x) {
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    static const char *const activations[] = {"relu", "tanh", "sigmoid",  "leaky_relu",  "elu",
                                              "gelu", "silu", "softplus", "hard_sigmoid"};
    const char *op = text_of(layer, "op");
    if (!strcmp(op, "dense")) return build_dense(p, n, layer, x);
    if (!strcmp(op, "conv2d")) return build_conv(p, n, layer, x);
    if (!strcmp(op, "maxpool2d")) return soma_max_pool(x, window_of(layer));
    if (!strcmp(op, "avgpool2d")) return soma_average_pool(x, window_of(layer));
    if (!strcmp(op, "flatten")) return soma_flatten(x);
    if (!strcmp(op, "batchnorm1d") || !strcmp(op, "batchnorm2d") || !strcmp(op, "batchnorm")) {
        note_names(p, "bn", ++n->norm, parts, COUNT_OF(parts));
        return soma_batch_norm(x, (soma_batch_norm_options){.epsilon = number_of(layer, "eps", 0),
                                                            .momentum = number_of(layer, "momentum", 0)});
    }
    for (size_t i = 0; i < COUNT_OF(activations); i++)
        if (!strcmp(op, activations[i])) return soma_activation(op, x);
    return (soma_value){0};
}

static soma_value build_loss(const parity *p, network *n, soma_value y) {
    const char *loss = text_of(p->manifest, "loss");
    if (!strcmp(loss, "softmax_cross_entropy")) {
        n->target = soma_input_int64(n->graph, "t", soma_shape1(SOMA_BATCH));
        return soma_softmax_cross_entropy(y, n->target, (soma_cross_entropy_options){0});
    }
    n->target = soma_input(n->graph, "t", soma_value_shape(y));
    if (!strcmp(loss, "mse")) return soma_mse_loss(y, n->target);
    if (!strcmp(loss, "mae") || !strcmp(loss, "l1")) return soma_mae_loss(y, n->target);
    if (!strcmp(loss, "binary_cross_entropy")) return soma_binary_cross_entropy(soma_sigmoid(y), n->target);
    return (soma_value){0};
}

/* 0: built; 1: the case asks for what this program does not know; -1: an error. */
static int build(parity *p, network *n, soma_error *error) {
    const json_t *layers = json_object_get(p->manifest, "layers"), *sizes = json_object_get(p->manifest, "input_shape");
    soma_shape shape = {.rank = (int32_t)json_array_size(sizes) + 1, .dims = {SOMA_BATCH}};
    *n = (network){.graph = soma_graph_create()};
    p->parameters = 0;
    for (size_t i = 0; i < json_array_size(sizes) && i + 1 < SOMA_MAX_RANK; i++)
        shape.dims[i + 1] = (int64_t)json_integer_value(json_array_get(sizes, i));
    soma_graph_set_training(n->graph, true);
    soma_value y = n->x = soma_input(n->graph, "x", shape);
    for (size_t i = 0; i < json_array_size(layers) && y.graph; i++) y = build_layer(p, n, json_array_get(layers, i), y);
    n->loss = y.graph ? build_loss(p, n, y) : y;
    const soma_error *failed = soma_graph_error(n->graph);
    if (!failed->code) return n->loss.graph ? 0 : 1;
    *error = *failed;
    return -1;
}

/* ---- Training and comparing -----------------------------------------------------------------------------------------
 */

/* The optimizer of a run's settings; false when it is none that soma has. */
static bool optimizer_of(const json_t *settings, soma_optimizer *o) {
    const char *type = text_of(settings, "type");
    double lr = number_of(settings, "lr", 0);
    bool centered = json_is_true(json_object_get(settings, "centered"));
    bool amsgrad = json_is_true(json_object_get(settings, "amsgrad"));
    if (!strcmp(type, "sgd"))
        *o = soma_sgd(lr);
    else if (!strcmp(type, "momentum"))
        *o = soma_momentum(lr, number_of(settings, "momentum", 0));
    else if (!strcmp(type, "nesterov"))
        *o = soma_nesterov(lr, number_of(settings, "momentum", 0));
    else if (!strcmp(type, "rmsprop") && number_of(settings, "momentum", 0) == 0)
        *o = soma_rmsprop(lr);
    else if (!strcmp(type, "adam"))
        *o = soma_adam(lr);
    else if (!strcmp(type, "adamw"))
        *o = soma_adamw(lr);
    else if (!strcmp(type, "adagrad") && number_of(settings, "lr_decay", 0) == 0)
        *o = soma_adagrad(lr);
    else
        return false;
    o->alpha = number_of(settings, "alpha", o->alpha);
    o->beta1 = number_of(settings, "beta1", o->beta1);
    o->beta2 = number_of(settings, "beta2", o->beta2);
    o->epsilon = number_of(settings, "eps", o->epsilon);
    o->weight_decay = number_of(settings, "weight_decay", o->weight_decay);
    return !centered && !amsgrad && number_of(settings, "dampening", 0) == 0;
}

static bool set_initial(const parity *p, soma_store *store, soma_error *error) {
    const json_t *names = json_object_get(p->manifest, "parameters"), *files = json_object_get(p->manifest, "initial");
    if (json_array_size(names) != p->parameters) {
        snprintf(error->message, sizeof error->message, "the manifest has %zu parameters but the network %zu",
                 json_array_size(names), p->parameters);
        return error->code = SOMA_ERROR_INPUT, false;
    }
    for (size_t i = 0; i < p->parameters; i++) {
        npy_array a;
        if (!load(p, text_of(files, json_string_value(json_array_get(names, i))), &a, error)) return false;
        float *values = npy_floats(NULL, &a, error);
        if (values) soma_store_set(store, p->names[i], values, a.count, error);
        mem_free(NULL, values);
        npy_clear(NULL, &a);
        if (error->code) return false;
    }
    return true;
}

static bool set_batch(const parity *p, const network *n, soma_run *run, size_t b, soma_error *error) {
    bool classes = soma_value_dtype(n->target) == SOMA_INT64;
    float *x = npy_floats(NULL, &p->x[b], error), *y = classes ? NULL : npy_floats(NULL, &p->y[b], error);
    int64_t *indices = classes ? npy_int64s(NULL, &p->y[b], "targets", error) : NULL;
    if (!error->code) soma_run_set(run, n->x, x, p->x[b].shape.dims[0], error);
    if (!error->code) soma_run_set(run, n->target, classes ? (void *)indices : (void *)y, p->y[b].shape.dims[0], error);
    mem_free(NULL, x);
    mem_free(NULL, y);
    mem_free(NULL, indices);
    return !error->code;
}

/* |a - b| / |b|. */
static double distance(const float *a, const float *b, size_t count) {
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        norm += (double)b[i] * (double)b[i];
    }
    return norm > 0 ? sqrt(difference / norm) : sqrt(difference);
}

static void failure(const char *folder, const char *run, const char *format, ...) BASE_PRINTF(3, 4);
static void failure(const char *folder, const char *run, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("%s: %s: ", folder, run);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
}

/* All parameters against the flat array that holds them one after another. */
static bool same_parameters(const parity *p, const char *run, const soma_store *store, const char *file, size_t step,
                            soma_error *error) {
    npy_array a;
    size_t at = 0;
    bool same = true;
    if (!load(p, file, &a, error)) return false;
    for (size_t i = 0; i < p->parameters && !error->code; i++) {
        soma_shape shape = soma_store_shape(store, p->names[i]);
        size_t count = (size_t)shape_elements(&shape, 1);
        float *values = mem_array(NULL, count, sizeof *values);
        if (!values) {
            error_memory(error);
        } else if (at + count > a.count || a.type != NPY_FLOAT32) {
            error_set(error, SOMA_ERROR_INPUT, "%s: is no flat float32 array of all parameters", file);
        } else if (!soma_store_get(store, p->names[i], values, count, error)) {
            double d = distance(values, (const float *)a.data + at, count);
            if (!(d <= tensor_tolerance)) {
                failure(p->folder, run, "step %zu: %s is off by %.3g of its norm", step + 1, p->names[i], d);
                same = false;
            }
        }
        mem_free(NULL, values);
        at += count;
    }
    npy_clear(NULL, &a);
    return same && !error->code;
}

/* One optimizer: all steps. */
static bool check_run(parity *p, network *n, const json_t *settings, soma_optimizer optimizer, soma_error *error) {
    const char *name = text_of(settings, "name");
    const json_t *losses = json_object_get(settings, "losses"), *after = json_object_get(settings, "after");
    soma_plan *plan = soma_plan_train(n->loss, optimizer, (soma_plan_options){.max_batch = p->rows}, error);
    soma_run *run = plan ? soma_run_create(plan, error) : NULL;
    bool same = run && set_initial(p, soma_plan_store(plan), error) && json_array_size(losses) <= p->batches &&
                json_array_size(losses) > 0;
    for (size_t step = 0; same && step < json_array_size(losses); step++) {
        float loss = NAN;
        double expected = json_number_value(json_array_get(losses, step));
        same = set_batch(p, n, run, step, error) && !soma_run_step(run, error) &&
               !soma_run_get(run, n->loss, &loss, 1, error);
        if (same && !(fabs((double)loss - expected) <= loss_tolerance)) {
            failure(p->folder, name, "step %zu: the loss is %.8g, expected %.8g", step + 1, (double)loss, expected);
            same = false;
        }
        const char *file = json_string_value(json_array_get(after, step));
        if (!error->code) same &= same_parameters(p, name, soma_plan_store(plan), file ? file : "", step, error);
    }
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    return same;
}

/* The gradients of the first batch at the initial parameters. */
static bool check_gradients(parity *p, network *n, soma_error *error) {
    const json_t *names = json_object_get(p->manifest, "parameters");
    const json_t *files = json_object_get(p->manifest, "first_gradients");
    soma_value variables[MAX_PARAMETERS], gradients[MAX_PARAMETERS];
    const char *of[MAX_PARAMETERS];
    int count = 0;
    for (size_t i = 0; i < p->parameters; i++) {
        const char *file = json_string_value(json_object_get(files, json_string_value(json_array_get(names, i))));
        soma_shape shape;
        npy_array a;
        if (!file) continue; /* running statistics */
        if (!load(p, file, &a, error)) return false;
        shape = a.shape;
        npy_clear(NULL, &a);
        variables[count] = soma_variable(n->graph, p->names[i], shape, (soma_init){0}, true);
        of[count++] = file;
    }
    if (soma_gradient(n->loss, variables, count, gradients)) return *error = *soma_graph_error(n->graph), false;
    soma_plan *plan = soma_plan_infer(gradients, (size_t)count, (soma_plan_options){.max_batch = p->rows}, error);
    soma_run *run = plan ? soma_run_create(plan, error) : NULL;
    bool same = run && set_initial(p, soma_plan_store(plan), error) && set_batch(p, n, run, 0, error) &&
                !soma_run_step(run, error);
    for (int i = 0; i < count && run && !error->code; i++) {
        npy_array a;
        if (!load(p, of[i], &a, error)) break;
        float *got = mem_array(NULL, a.count, sizeof *got), *expected = npy_floats(NULL, &a, error);
        if (got && expected && !soma_run_get(run, gradients[i], got, a.count, error)) {
            double d = distance(got, expected, a.count);
            if (!(d <= tensor_tolerance)) {
                failure(p->folder, "first gradients", "%s is off by %.3g of its norm", of[i], d);
                same = false;
            }
        }
        mem_free(NULL, got);
        mem_free(NULL, expected);
        npy_clear(NULL, &a);
    }
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    return same && !error->code;
}

/* Runs one check on a network of its own (optimizers add to the graph) and counts it; NULL: the gradients. */
static void count_check(parity *p, const json_t *settings) {
    const char *name = settings ? text_of(settings, "name") : "first gradients";
    soma_error error = {0};
    soma_optimizer optimizer = {0};
    network n;
    bool known = !settings || optimizer_of(json_object_get(settings, "optimizer"), &optimizer);
    int built = known ? build(p, &n, &error) : 1;
    if (built == 1) {
        p->skipped++;
        printf("%s: %s: skipped: it asks for a layer, loss or optimizer setting that is not known here\n", p->folder,
               name);
    } else {
        bool same =
            built == 0 && (settings ? check_run(p, &n, settings, optimizer, &error) : check_gradients(p, &n, &error));
        if (error.code) failure(p->folder, name, "%s", error.message);
        if (same && !error.code)
            p->passed++;
        else
            p->failed++;
    }
    if (known) soma_graph_destroy(n.graph);
}

static void check_folder(parity *p, const char *folder) {
    char path[PATH];
    json_error_t json_error;
    soma_error error = {0};
    p->folder = folder;
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    p->manifest = json_load_file(path, 0, &json_error);
    if (!p->manifest) {
        printf("%s: line %d: %s\n", path, json_error.line, json_error.text);
        p->failed++;
        return;
    }
    if (load_batches(p, &error)) {
        const json_t *runs = json_object_get(p->manifest, "runs");
        p->rows = p->x[0].shape.dims[0];
        count_check(p, NULL);
        for (size_t i = 0; i < json_array_size(runs); i++) count_check(p, json_array_get(runs, i));
    } else {
        printf("%s: %s\n", folder, error.code ? error.message : "the manifest names no batches");
        p->failed++;
    }
    for (size_t i = 0; i < p->batches; i++) {
        npy_clear(NULL, &p->x[i]);
        npy_clear(NULL, &p->y[i]);
    }
    p->batches = 0;
    json_decref(p->manifest);
}

int main(int argc, char **argv) {
    static parity p;
    if (argc < 2) {
        fprintf(stderr, "usage: training_parity DIR...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) check_folder(&p, argv[i]);
    printf("%d passed, %d failed, %d skipped\n", p.passed, p.failed, p.skipped);
    return p.failed > 0;
}

#else
int main(void) {
    puts("training_parity reads JSON, and this build has no jansson");
    return 77;
}
#endif
