/* base/error.c: sentences in the caller's soma_error, contexts, the version. The library never prints: a sentence is
 * formatted into a fixed buffer and cut there if it is longer. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_OF(x)  TEXT_OF2(x)
#define TEXT_OF2(x) #x

const char *soma_version(void) {
    return TEXT_OF(SOMA_VERSION_MAJOR) "." TEXT_OF(SOMA_VERSION_MINOR) "." TEXT_OF(SOMA_VERSION_PATCH);
}

int error_set_v(soma_error *error, int code, const char *format, va_list arguments) {
    if (error && error->code == SOMA_OK) {
        error->code = code;
        vsnprintf(error->message, sizeof error->message, format, arguments);
        for (char *c = error->message; *c; c++)
            if (*c == '\n' || *c == '\r') *c = ' ';
    }
    return code;
}

int error_set(soma_error *error, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    error_set_v(error, code, format, arguments);
    va_end(arguments);
    return code;
}

static const soma_context default_context;

const soma_context *context_or_default(const soma_context *context) { return context ? context : &default_context; }

void context_log(const soma_context *context, const char *format, ...) {
    const soma_context_options *o = &context_or_default(context)->options;
    if (!o->log) return;
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    o->log(o->user, sentence);
}

soma_context *soma_context_create(soma_context_options options, soma_error *error) {
    if (!options.allocate != !options.release) {
        error_set(error, SOMA_ERROR_ARGUMENT, "context: allocate and release must be given together");
        return NULL;
    }
    soma_context *context = malloc(sizeof *context);
    if (context)
        context->options = options;
    else
        error_memory(error);
    return context;
}

void soma_context_destroy(soma_context *context) { free(context); }
