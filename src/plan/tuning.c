/* plan/tuning.c: times of kernels, measured step by step, and the file that holds them.
 *
 * A line a measurement: seconds, the kernel, and what the step was (op, precision, instruction set, shapes, window),
 * with tabs in between; the fastest kernel of a step counts. Nothing else about the machine is in it: a result is a
 * function of the file, wherever it was measured. */
#include "plan/tuning.h"

#include "format/file.h"
#include "ops/attributes.h"
#include "plan/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_LINE "soma tuning 1\n"

enum { FILE_LIMIT = 16 << 20 };

typedef struct entry {
    char key[TUNING_KEY], kernel[TUNING_NAME];
    double seconds;
} entry;

struct soma_tuning {
    const soma_context *context;
    entry *entries;
    size_t count, capacity;
};

soma_tuning *soma_tuning_create(const soma_context *context, soma_error *error) {
    soma_tuning *t = mem_zeros(context, 1, sizeof *t);
    if (t)
        t->context = context;
    else
        error_memory(error);
    return t;
}

void soma_tuning_destroy(soma_tuning *tuning) {
    if (!tuning) return;
    mem_free(tuning->context, tuning->entries);
    mem_free(tuning->context, tuning);
}

/* A kernel's time for a step; the smaller of two stays. */
static int note(soma_tuning *t, const char *key, const char *kernel, double seconds, soma_error *error) {
    for (size_t i = 0; i < t->count; i++) {
        entry *e = &t->entries[i];
        if (strcmp(e->key, key) != 0 || strcmp(e->kernel, kernel) != 0) continue;
        if (seconds < e->seconds) e->seconds = seconds;
        return SOMA_OK;
    }
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 64;
        entry *more = mem_array(t->context, capacity, sizeof *more);
        if (!more) return error_memory(error);
        if (t->count) memcpy(more, t->entries, t->count * sizeof *more);
        mem_free(t->context, t->entries);
        t->entries = more;
        t->capacity = capacity;
    }
    entry *e = &t->entries[t->count++];
    snprintf(e->key, sizeof e->key, "%s", key);
    snprintf(e->kernel, sizeof e->kernel, "%s", kernel);
    e->seconds = seconds;
    return SOMA_OK;
}

const char *tuning_fastest(const soma_tuning *tuning, const char *key) {
    const entry *best = NULL;
    for (size_t i = 0; i < tuning->count; i++) {
        const entry *e = &tuning->entries[i];
        if (!strcmp(e->key, key) && (!best || e->seconds < best->seconds)) best = e;
    }
    return best ? best->kernel : NULL;
}

bool tuning_names(const soma_tuning *tuning, const char *start) {
    for (size_t i = 0; i < tuning->count; i++)
        if (!strncmp(tuning->entries[i].kernel, start, strlen(start))) return true;
    return false;
}

void tuning_key(const soma_plan *plan, const node *n, const kernel_call *call, bool constant, char key[TUNING_KEY]) {
    char a[SHAPE_TEXT], b[SHAPE_TEXT], c[SHAPE_TEXT], more[160];
    if (n->op == &op_matmul) {
        const matmul_attributes *t = n->attributes;
        snprintf(more, sizeof more, "transposed %d%d", t->transpose_a, t->transpose_b);
    } else {
        const window_attributes *t = n->attributes;
        const soma_window *w = &t->window;
        snprintf(more, sizeof more, "stride %lldx%lld dilation %lldx%lld padding %lld,%lld,%lld,%lld groups %lld",
                 (long long)w->stride[0], (long long)w->stride[1], (long long)w->dilation[0], (long long)w->dilation[1],
                 (long long)w->before[0], (long long)w->before[1], (long long)w->after[0], (long long)w->after[1],
                 (long long)t->groups);
    }
    snprintf(key, TUNING_KEY, "%s %s %s %s %s %s %s%s", n->op->name, plan->bf16 ? "bf16" : "f32", plan->isa->name,
             shape_text(&call->in[0].shape, a), shape_text(&call->in[1].shape, b), shape_text(&call->out[0].shape, c),
             more, constant ? " kept" : "");
}

int soma_tuning_measure(soma_tuning *tuning, const soma_run *run, int64_t *tried, soma_error *error) {
    int code = SOMA_OK;
    *tried = 0;
    if (!tuning || !run || !run->seconds || run->profiled == 0)
        return error_set(error, SOMA_ERROR_ARGUMENT, "tuning: expected a run that was profiled");
    for (int32_t i = 0; i < run->plan->steps_count && !code; i++) {
        char key[TUNING_KEY];
        const step *s = &run->plan->steps[i];
        const char *kernel = s->anchor ? plan_tunable(run->plan, s, key) : NULL;
        if (!kernel) continue;
        code = note(tuning, key, kernel, run->seconds[i] / (double)run->profiled, error);
        *tried += run->plan->groups[s->group].candidate;
    }
    return code;
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

int soma_tuning_save(const soma_tuning *tuning, const char *path, soma_error *error) {
    file_writer *w = tuning ? file_create(path, tuning->context, error) : NULL;
    if (!w) return error && error->code ? error->code : error_set(error, SOMA_ERROR_ARGUMENT, "tuning: there is none");
    int code = file_write(w, FIRST_LINE, strlen(FIRST_LINE), error);
    for (size_t i = 0; i < tuning->count && !code; i++) {
        const entry *e = &tuning->entries[i];
        char line[TUNING_KEY + TUNING_NAME + 40];
        snprintf(line, sizeof line, "%.9f\t%s\t%s\n", e->seconds, e->kernel, e->key);
        code = file_write(w, line, strlen(line), error);
    }
    if (!code) return file_commit(w, error);
    file_abort(w);
    return code;
}

/* One line, ended by a zero byte, into the table. */
static bool read_line(soma_tuning *t, char *line, soma_error *error) {
    char *end, *kernel = strchr(line, '\t'), *key = kernel ? strchr(kernel + 1, '\t') : NULL;
    if (!key) return false;
    *kernel++ = *key++ = 0;
    double seconds = strtod(line, &end);
    if (end == line || *end || !isfinite(seconds) || seconds <= 0) return false;
    if (!*kernel || !*key || strlen(kernel) >= TUNING_NAME || strlen(key) >= TUNING_KEY) return false;
    return note(t, key, kernel, seconds, error) == SOMA_OK;
}

soma_tuning *soma_tuning_load(const char *path, const soma_context *context, soma_error *error) {
    size_t size = 0;
    soma_error inner = {0};
    char *text = file_read_whole(path, FILE_LIMIT, &size, context, error);
    soma_tuning *t = text ? soma_tuning_create(context, error) : NULL;
    const size_t head = strlen(FIRST_LINE);
    if (t && (size < head || memcmp(text, FIRST_LINE, head) != 0)) {
        error_set(error, SOMA_ERROR_INPUT, "%s: line 1: expected '%.*s'", path, (int)head - 1, FIRST_LINE);
        goto fail;
    }
    int64_t number = 2;
    for (char *at = t ? text + head : NULL, *next; t && at < text + size; at = next, number++) {
        char *end = memchr(at, '\n', (size_t)(text + size - at));
        next = end ? end + 1 : text + size;
        if (end) *end = 0;
        if (end && read_line(t, at, &inner)) continue;
        if (inner.code)
            error_memory(error);
        else
            error_set(error, SOMA_ERROR_INPUT,
                      "%s: line %lld: expected seconds, a kernel and a step, with tabs between", path,
                      (long long)number);
        goto fail;
    }
    mem_free(context, text);
    return t;
fail:
    mem_free(context, text);
    soma_tuning_destroy(t);
    return NULL;
}
