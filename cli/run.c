/* cli/run.c: `soma run`: raw inference: arrays in by name, every output out as a .npy file. Names come from the model
 * file, so they are made harmless before they become file names. */
#include "commands.h"
#include "data/npy.h"
#include "terminal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { INPUT, OUT, THREADS, BACKEND, PRECISION, ALGORITHM, TUNING, ROWS };

static const option_row rows[] = {
    [INPUT] = {"input", OPTION_REPEAT, "NAME=FILE", "an input's array, a .npy or an ONNX .pb file; once for each input",
               .expected = "NAME=FILE.npy or NAME=FILE.pb"},
    [OUT] = {"out", OPTION_TEXT, "DIR", "where <output>.npy are written", .expected = "a folder's name"},
    [THREADS] = {"threads", OPTION_WHOLE, "N", "at most so many threads", NULL, 1, 1024,
                 .expected = "a whole number from 1 to 1024"},
    [BACKEND] = BACKEND_ROW,
    [PRECISION] = PRECISION_ROW,
    [ALGORITHM] = ALGORITHM_ROW,
    [TUNING] = TUNING_ROW,
    [ROWS] = {0}};

/* An input's array in the type that the graph takes. */
typedef struct array {
    soma_shape shape;
    void *data;
} array;

static bool ends_in(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

static int read_pb(const char *path, soma_dtype dtype, array *a, soma_error *error) {
    onnx_tensor t;
    int code = onnx_tensor_read(path, NULL, &t, error);
    if (code) return code;
    int64_t count = shape_elements(&t.shape, 1);
    a->shape = t.shape;
    if (t.dtype == dtype) {
        a->data = t.data;
        t.data = NULL;
    } else if (!(a->data = mem_array(NULL, (size_t)count, sizeof(int64_t)))) {
        code = error_memory(error);
    } else {
        for (int64_t i = 0; i < count; i++) {
            if (dtype == SOMA_FLOAT)
                ((float *)a->data)[i] = (float)((const int64_t *)t.data)[i];
            else
                ((int64_t *)a->data)[i] = (int64_t)((const float *)t.data)[i];
        }
    }
    onnx_tensor_free(NULL, &t);
    return code;
}

static int read_array(const char *path, soma_dtype dtype, array *a, soma_error *error) {
    npy_array n;
    if (ends_in(path, ".pb")) return read_pb(path, dtype, a, error);
    if (!npy_load(NULL, path, &n, error)) return error->code;
    a->shape = n.shape;
    a->data = dtype == SOMA_FLOAT ? (void *)npy_floats(NULL, &n, error) : npy_int64s(NULL, &n, path, error);
    npy_clear(NULL, &n);
    return a->data ? SOMA_OK : error->code;
}

/* Whether an array fits an input; the batch that it stands for (0: the input has none). */
static int fit(const onnx_value *input, const soma_shape *has, const char *path, int64_t *batch, soma_error *error) {
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    soma_shape wanted = soma_value_shape(input->value);
    bool ok = wanted.rank == has->rank;
    *batch = 0;
    for (int i = 0; ok && i < wanted.rank; i++) {
        int64_t d = wanted.dims[i];
        if (d < 0) {
            ok = has->dims[i] % -d == 0;
            *batch = has->dims[i] / -d;
        } else {
            ok = d == has->dims[i];
        }
    }
    return ok ? SOMA_OK
              : error_set(error, SOMA_ERROR_INPUT, "%s: the array is %s, but the input '%s' is %s", path,
                          shape_text(has, a), input->name, shape_text(&wanted, b));
}

static int load_inputs(const onnx_model *m, const option_value *given, array *arrays, int64_t *batch,
                       soma_error *error) {
    int code = SOMA_OK;
    *batch = -1;
    for (size_t k = 0; k < given->count && !code; k++) {
        const char *text = given->texts[k], *equals = strchr(text, '=');
        size_t i = 0, length = equals ? (size_t)(equals - text) : 0;
        if (!equals)
            return error_set(error, SOMA_ERROR_ARGUMENT, "--input takes NAME=FILE.npy or NAME=FILE.pb, not '%s'", text);
        while (i < m->inputs_count && (strncmp(m->inputs[i].name, text, length) != 0 || m->inputs[i].name[length])) i++;
        if (i == m->inputs_count)
            return error_set(error, SOMA_ERROR_ARGUMENT,
                             "--input %s: the model has no input of this name; it has '%s'%s", text,
                             m->inputs_count ? m->inputs[0].name : "", m->inputs_count > 1 ? " and others" : "");
        if (arrays[i].data) return error_set(error, SOMA_ERROR_ARGUMENT, "--input %s: it was given before", text);
        int64_t rows_here = 0;
        code = read_array(equals + 1, soma_value_dtype(m->inputs[i].value), &arrays[i], error);
        if (!code) code = fit(&m->inputs[i], &arrays[i].shape, equals + 1, &rows_here, error);
        soma_shape shape = soma_value_shape(m->inputs[i].value);
        if (code || !shape_has_batch(&shape)) continue;
        if (*batch >= 0 && *batch != rows_here)
            return error_set(error, SOMA_ERROR_INPUT, "%s: it holds %lld rows, another input %lld", equals + 1,
                             (long long)rows_here, (long long)*batch);
        *batch = rows_here;
    }
    for (size_t i = 0; i < m->inputs_count && !code; i++)
        if (!arrays[i].data)
            return error_set(error, SOMA_ERROR_ARGUMENT, "the input '%s' is missing: --input %s=FILE",
                             m->inputs[i].name, m->inputs[i].name);
    return code;
}

/* The path DIR/<name>.npy of output `index`: odd characters become _, a name that was there before gets _2, _3, … */
static char *output_path(const char *dir, const onnx_model *m, char **names, size_t index) {
    const char *name = m->outputs[index].name;
    size_t length = strlen(name), size = strlen(dir) + length + 40;
    names[index] = malloc(length + 24);
    char *path = malloc(size);
    if (!names[index] || !path) {
        free(path);
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        bool plain = isascii(name[i]) && (isalnum((unsigned char)name[i]) || strchr("._-", name[i]));
        names[index][i] = plain ? name[i] : '_';
    }
    names[index][length] = 0;
    if (!length) memcpy(names[index], "_", 2);
    size_t base = strlen(names[index]);
    for (int copy = 2, clash = 1; clash; copy++) {
        clash = 0;
        for (size_t k = 0; k < index; k++) clash |= !strcmp(names[k], names[index]);
        if (clash) snprintf(names[index] + base, 24, "_%d", copy);
    }
    snprintf(path, size, "%s/%s.npy", dir, names[index]);
    return path;
}

static int write_outputs(const onnx_model *m, soma_run *run, const char *dir, soma_error *error) {
    char **names = calloc(m->outputs_count + 1, sizeof *names);
    int code = SOMA_OK;
    if (!names) return error_memory(error);
    if (!code && mkdir(dir, 0777) && errno != EEXIST)
        code = error_set(error, SOMA_ERROR_IO, "%s: the folder can't be made: %s", dir, strerror(errno));
    for (size_t i = 0; i < m->outputs_count && !code; i++) {
        soma_value v = m->outputs[i].value;
        soma_shape shape = soma_run_shape(run, v);
        bool whole = soma_value_dtype(v) == SOMA_INT64;
        size_t count = (size_t)shape_elements(&shape, 1);
        void *data = mem_array(NULL, count, sizeof(int64_t));
        char *path = output_path(dir, m, names, i);
        code = data && path ? soma_run_get(run, v, data, count, error) : error_memory(error);
        if (!code && !npy_write(path, whole ? NPY_INT64 : NPY_FLOAT32, &shape, data, error)) code = error->code;
        mem_free(NULL, data);
        free(path);
    }
    for (size_t i = 0; i < m->outputs_count; i++) free(names[i]);
    free(names);
    return code;
}

static int compute(const onnx_model *m, const command_line *line, soma_store *store, const array *arrays, int64_t batch,
                   soma_error *error) {
    const option_value *v = line->values;
    soma_plan_options o = {.max_batch = batch > 0 ? batch : 1,
                           .store = store,
                           .threads = threads_of(&v[THREADS]),
                           .backend = backend_of(&v[BACKEND]),
                           .precision = precision_of(&v[PRECISION]),
                           .algorithm = algorithm_of(&v[ALGORITHM])};
    soma_tuning *tuning;
    if (tuning_of(&v[TUNING], &tuning, error)) return error->code;
    o.tuning = tuning;
    soma_value *outputs = calloc(m->outputs_count + 1, sizeof *outputs);
    for (size_t i = 0; outputs && i < m->outputs_count; i++) outputs[i] = m->outputs[i].value;
    soma_plan *plan = outputs ? soma_plan_infer(outputs, m->outputs_count, o, error) : NULL;
    soma_tuning_destroy(tuning);
    if (!outputs) return error_memory(error);
    if (plan) tell_plan_note(plan);
    soma_run *run = plan ? soma_run_create(plan, error) : NULL;
    int code = run ? SOMA_OK : error->code;
    for (size_t i = 0; i < m->inputs_count && !code; i++)
        code = soma_run_bind(run, m->inputs[i].value, arrays[i].data, batch > 0 ? batch : 1, error);
    if (!code) code = soma_run_step(run, error);
    if (!code) code = write_outputs(m, run, v[OUT].text, error);
    soma_run_destroy(run);
    soma_plan_destroy(plan);
    free(outputs);
    return code;
}

static int run(const command_line *line) {
    soma_error error = {0};
    const option_value *v = line->values;
    if (line->positional_count != 1 || !v[OUT].given) {
        complain("soma run: MODEL, --input NAME=FILE and --out DIR are needed (soma run --help)");
        return STATUS_USAGE;
    }
    char *path = model_path(line->positional[0]);
    soma_store *store =
        soma_store_create((soma_store_options){.float64 = backend_of(&v[BACKEND]) == SOMA_BACKEND_REFERENCE}, &error);
    onnx_model *m = path && store ? onnx_read(path, NULL, store, &error) : NULL;
    array *arrays = m ? calloc(m->inputs_count + 1, sizeof *arrays) : NULL;
    int64_t batch = -1;
    int status = STATUS_OK;
    if (!arrays) {
        error_memory(&error); /* unless opening has said more */
        status = fail_with(&error, true);
    } else if (load_inputs(m, &v[INPUT], arrays, &batch, &error)) {
        status = fail_with(&error, true);
    } else if (compute(m, line, store, arrays, batch, &error)) {
        status = fail_with(&error, false);
    }
    for (size_t i = 0; arrays && i < m->inputs_count; i++) mem_free(NULL, arrays[i].data);
    free(arrays);
    onnx_model_destroy(m);
    soma_store_destroy(store);
    free(path);
    return status;
}

const command command_run = {
    .name = "run",
    .arguments = "MODEL --input NAME=FILE … --out DIR [options]",
    .summary = "raw inference: arrays in, arrays out",
    .description = "Runs MODEL (a model.onnx or a run folder) on arrays and writes each output as DIR/<output>.npy. "
                   "Inputs are .npy "
                   "files or ONNX's .pb tensors; soma show MODEL lists their names and shapes.",
    .options = rows,
    .examples = "  soma run model.onnx --input x=pictures.npy --out answers\n"
                "  soma run net.onnx --input a=a.pb --input b=b.npy --out result --backend reference\n",
    .run = run};
