/* tests/onnx_conformance.c: runs folders of the ONNX project's backend tests: onnx_conformance DIR…
 *
 * A folder with a model.onnx is a case; in any other folder every sub-folder is looked at. A case has test_data_set_*
 * folders with input_N.pb and output_N.pb, serialized tensors in the order of the graph's inputs and outputs. Numbers
 * must agree within rtol 1e-3 and atol 1e-7 (upstream's; atol 1e-5 for whole networks, where rounding adds up),
 * integers and truth values exactly. Prints a line for each failure, then "N passed, N failed, N skipped"; a case that
 * needs what soma does not support is skipped, with the reason on standard error. Status 1 when a case failed. */
#include "format/onnx.h"
#include "format/onnx_file.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PATH = 4096, NETWORK_NODES = 20, FILES = 64 };

typedef struct tally {
    size_t passed, failed, skipped;
} tally;

static bool exists(const char *path) {
    struct stat s;
    return stat(path, &s) == 0;
}

static bool join(char *out, const char *folder, const char *name) {
    int n = snprintf(out, PATH, "%s/%s", folder, name);
    return n > 0 && n < PATH;
}

/* NAME_0.pb, NAME_1.pb, … of a folder; the number read, or -1 and a sentence. */
static int read_tensors(const char *folder, const char *name, onnx_tensor *tensors, soma_error *error) {
    for (int i = 0; i < FILES; i++) {
        char file[64], path[PATH];
        snprintf(file, sizeof file, "%s_%d.pb", name, i);
        if (!join(path, folder, file) || !exists(path)) return i;
        if (onnx_tensor_read(path, NULL, &tensors[i], error)) return -1;
    }
    return FILES;
}

static void free_tensors(onnx_tensor *tensors) {
    for (int i = 0; i < FILES; i++) onnx_tensor_free(NULL, &tensors[i]);
}

static double number_at(soma_dtype dtype, const void *data, size_t i) {
    return dtype == SOMA_INT64 ? (double)((const int64_t *)data)[i] : (double)((const float *)data)[i];
}

static bool agree(double got, double expected, bool real, double atol) {
    if (isnan(expected) || isnan(got)) return isnan(expected) && isnan(got);
    if (got == expected) return true;
    return real && fabs(got - expected) <= atol + 1e-3 * fabs(expected);
}

/* Compares one output; 0, or a code and a sentence. */
static int compare(const onnx_model *model, size_t index, soma_run *run, const onnx_tensor *expected, double atol,
                   soma_error *error) {
    soma_value v = model->outputs[index].value;
    soma_shape s = soma_run_shape(run, v);
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    const char *name = model->outputs[index].name;
    if (!shape_equal(&s, &expected->shape))
        return error_set(error, SOMA_ERROR_NUMERIC, "output '%s' has shape %s, expected %s", name, shape_text(&s, a),
                         shape_text(&expected->shape, b));
    size_t count = (size_t)shape_elements(&s, 1);
    soma_dtype dtype = soma_value_dtype(v);
    void *got = malloc((count ? count : 1) * sizeof(int64_t));
    int code = got ? soma_run_get(run, v, got, count, error) : error_memory(error);
    bool real = expected->dtype == SOMA_FLOAT && expected->type != ONNX_BOOL;
    for (size_t i = 0; i < count && !code; i++) {
        double x = number_at(dtype, got, i), y = number_at(expected->dtype, expected->data, i);
        if (!agree(x, y, real, atol))
            code =
                error_set(error, SOMA_ERROR_NUMERIC, "output '%s': element %zu is %.9g, expected %.9g", name, i, x, y);
    }
    free(got);
    return code;
}

/* The extent of the batch that an input tensor stands for; -1 when its shape is not the input's. */
static int64_t rows_of(soma_value input, const onnx_tensor *t) {
    soma_shape s = soma_value_shape(input);
    int64_t rows = 1;
    if (s.rank != t->shape.rank) return -1;
    for (int i = 0; i < s.rank; i++) {
        if (s.dims[i] < 0) {
            if (t->shape.dims[i] % -s.dims[i]) return -1;
            rows = t->shape.dims[i] / -s.dims[i];
        } else if (s.dims[i] != t->shape.dims[i]) {
            return -1;
        }
    }
    return rows;
}

static int run_set(const onnx_model *model, soma_store *store, const char *folder, soma_error *error) {
    onnx_tensor inputs[FILES] = {0}, outputs[FILES] = {0};
    soma_value values[FILES];
    soma_plan *plan = NULL;
    soma_run *run = NULL;
    int64_t rows = 1;
    int code = SOMA_ERROR_INPUT;
    int in = read_tensors(folder, "input", inputs, error), out = read_tensors(folder, "output", outputs, error);
    if (in < 0 || out < 0) goto done;
    if ((size_t)in < model->inputs_count || (size_t)out > model->outputs_count || model->outputs_count > FILES) {
        code = error_set(error, SOMA_ERROR_INPUT, "the folder has %d inputs and %d outputs, the model %zu and %zu", in,
                         out, model->inputs_count, model->outputs_count);
        goto done;
    }
    for (size_t i = 0; i < model->inputs_count; i++) {
        int64_t n = rows_of(model->inputs[i].value, &inputs[i]);
        if (n < 0) {
            code = error_set(error, SOMA_ERROR_INPUT, "input '%s' has another shape than its tensor",
                             model->inputs[i].name);
            goto done;
        }
        soma_shape s = soma_value_shape(model->inputs[i].value);
        if (shape_has_batch(&s)) rows = n;
    }
    for (size_t i = 0; i < model->outputs_count; i++) values[i] = model->outputs[i].value;
    soma_plan_options options = {.max_batch = rows > 0 ? rows : 1, .store = store};
    plan = soma_plan_infer(values, model->outputs_count, options, error);
    run = plan ? soma_run_create(plan, error) : NULL;
    if (!run) goto done;
    code = SOMA_OK;
    for (size_t i = 0; i < model->inputs_count && !code; i++)
        code = soma_run_set(run, model->inputs[i].value, inputs[i].data, rows, error);
    if (!code) code = soma_run_step(run, error);
    double atol = soma_plan_get_info(plan).nodes > NETWORK_NODES ? 1e-5 : 1e-7;
    for (int i = 0; i < out && !code; i++) code = compare(model, (size_t)i, run, &outputs[i], atol, error);
done:
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    free_tensors(inputs);
    free_tensors(outputs);
    return code;
}

/* A case: the model once, each of its data sets. */
static void run_case(const char *folder, tally *t) {
    soma_error error = {0};
    char path[PATH], set[64];
    soma_store *store = soma_store_create((soma_store_options){0}, &error);
    onnx_model *model = store && join(path, folder, "model.onnx") ? onnx_read(path, NULL, store, &error) : NULL;
    int sets = 0;
    for (int i = 0; model && !error.code; i++) {
        snprintf(set, sizeof set, "test_data_set_%d", i);
        if (!join(path, folder, set) || !exists(path)) break;
        run_set(model, store, path, &error);
        sets++;
    }
    if (!error.code && !sets) error_set(&error, SOMA_ERROR_INPUT, "there is no test_data_set_0");
    if (!error.code) {
        t->passed++;
    } else if (error.code == SOMA_ERROR_INPUT && strstr(error.message, "not supported")) {
        t->skipped++;
        fprintf(stderr, "skipped %s: %s\n", folder, error.message);
    } else {
        t->failed++;
        printf("%s: %s\n", folder, error.message);
    }
    onnx_model_destroy(model);
    soma_store_destroy(store);
}

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static bool run_folder(const char *folder, tally *t, int depth) {
    char path[PATH];
    struct stat s;
    if (join(path, folder, "model.onnx") && exists(path)) {
        run_case(folder, t);
        return true;
    }
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, visible, alphasort);
    bool any = false;
    for (int i = 0; i < count; i++) {
        if (depth < 4 && join(path, folder, entries[i]->d_name) && stat(path, &s) == 0 && S_ISDIR(s.st_mode))
            any |= run_folder(path, t, depth + 1);
        free(entries[i]);
    }
    free(entries);
    return any;
}

int main(int argc, char **argv) {
    tally t = {0, 0, 0};
    if (argc < 2) {
        fprintf(stderr, "usage: onnx_conformance DIR...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        if (!run_folder(argv[i], &t, 0)) {
            printf("%s: no case was found (a folder with model.onnx)\n", argv[i]);
            t.failed++;
        }
    printf("%zu passed, %zu failed, %zu skipped\n", t.passed, t.failed, t.skipped);
    return t.failed != 0;
}
