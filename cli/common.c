/* cli/common.c: what several subcommands share: finding a model, names of backends and algorithms. */
#include "commands.h"
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

const char *const backend_names[] = {"auto", "portable", "onednn", "reference", NULL};
const char *const fast_backend_names[] = {"auto", "portable", "onednn", NULL};
const char *const precision_names[] = {"f32", "bf16", NULL};
const char *const algorithm_names[] = {"auto", "direct", NULL};

static int index_of(const char *const *names, const char *name) {
    int i = 0;
    while (names[i] && strcmp(names[i], name) != 0) i++;
    return i;
}

soma_backend backend_of(const option_value *value) {
    static const soma_backend backends[] = {SOMA_BACKEND_AUTO, SOMA_BACKEND_PORTABLE, SOMA_BACKEND_ONEDNN,
                                            SOMA_BACKEND_REFERENCE};
    size_t i = value->given ? (size_t)index_of(backend_names, value->text) : 0;
    return i < COUNT_OF(backends) ? backends[i] : SOMA_BACKEND_AUTO;
}

soma_precision precision_of(const option_value *value) {
    return value->given && !strcmp(value->text, "bf16") ? SOMA_PRECISION_BF16 : SOMA_PRECISION_F32;
}

soma_algorithm algorithm_of(const option_value *value) {
    return value->given && !strcmp(value->text, "direct") ? SOMA_ALGORITHM_DIRECT : SOMA_ALGORITHM_AUTO;
}

int tuning_of(const option_value *value, soma_tuning **tuning, soma_error *error) {
    *tuning = value->given ? soma_tuning_load(value->text, NULL, error) : NULL;
    return value->given && !*tuning ? error->code : SOMA_OK;
}

void tell_plan_note(const soma_plan *plan) {
    soma_plan_info info = soma_plan_get_info(plan);
    if (info.note && *info.note) fprintf(stderr, "soma: %s\n", info.note);
}

int threads_of(const option_value *value) { return value->given ? (int)value->whole : 0; }

int print_answer(const json_text *answer, int status) {
    const char *text = json_text_get(answer);
    if (text) {
        fputs(text, stdout);
        return status;
    }
    complain("soma: memory is out");
    return STATUS_FAILED;
}

char *model_path(const char *path) {
    struct stat info;
    size_t size = strlen(path) + sizeof "/model.onnx";
    char *full = malloc(size);
    if (full) snprintf(full, size, "%s%s", path, !stat(path, &info) && S_ISDIR(info.st_mode) ? "/model.onnx" : "");
    return full;
}

soma_model *open_model(const char *path, soma_error *error) {
    char *full = model_path(path);
    if (!full) {
        error_memory(error);
        return NULL;
    }
    soma_model *m = soma_model_load(full, error);
    free(full);
    return m;
}
