/* soma/base.h: what every other header stands on: errors, shapes, element types, contexts.
 *
 * Conventions of the whole interface
 *   Errors. A function that can fail returns 0 or an error code and leaves a sentence in the caller's soma_error (which
 *   may be NULL). The first error stays: a soma_error that already holds one is left as it is, so that a chain of calls
 *   may be checked once at its end. A handle that is NULL because an earlier call failed is passed through quietly.
 *   Options. Structs passed by value, written SOMA_OPTIONS(soma_x_options){.field = …} in C and in C++20. Zero in a
 *   field means "not given"; the field's comment says what then holds.
 *   Ownership. _create and _load give an object that the caller ends with _destroy (which takes NULL); _get borrows. */
#ifndef SOMA_BASE_H
#define SOMA_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) && !defined(SOMA_STATIC)
#define SOMA_API __attribute__((visibility("default")))
#else
#define SOMA_API
#endif

#ifdef __cplusplus
#define SOMA_OPTIONS(type) type
#define SOMA_ZERO                                                                                                      \
    {}
#else
#define SOMA_OPTIONS(type) (type)
#define SOMA_ZERO
#endif

/* Around the declarations of each header: the functions are C's. clang's warning about a C function that returns a
 * struct with initial values says nothing here: calls pass it the same way in both languages. */
#if defined(__cplusplus) && defined(__clang__)
#define SOMA_BEGIN_C                                                                                                   \
    extern "C" {                                                                                                       \
    _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wreturn-type-c-linkage\"")
#define SOMA_END_C                                                                                                     \
    _Pragma("clang diagnostic pop")                                                                                    \
    }
#elif defined(__cplusplus)
#define SOMA_BEGIN_C extern "C" {
#define SOMA_END_C   }
#else
#define SOMA_BEGIN_C
#define SOMA_END_C
#endif

SOMA_BEGIN_C

#define SOMA_VERSION_MAJOR 0
#define SOMA_VERSION_MINOR 1
#define SOMA_VERSION_PATCH 0

/* The version of the library that runs, "0.1.0"; a constant string. */
SOMA_API const char *soma_version(void);

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

enum {
    SOMA_OK = 0,
    SOMA_ERROR_ARGUMENT, /* the caller's call is wrong: a bad option, shape or name */
    SOMA_ERROR_INPUT,    /* a file or data that can't be used as it is */
    SOMA_ERROR_MEMORY,   /* an allocation failed */
    SOMA_ERROR_IO,       /* reading or writing failed */
    SOMA_ERROR_NUMERIC,  /* a loss or an update that is not finite */
    SOMA_ERROR_STOPPED,  /* the stop flag was set or a callback asked to end */
    SOMA_ERROR_INTERNAL  /* a mistake in soma */
};

typedef struct soma_error {
    int code SOMA_ZERO;          /* SOMA_OK or one of SOMA_ERROR_… */
    char message[508] SOMA_ZERO; /* one sentence without a line break: what, where, and what was expected */
} soma_error;

/* ---- Shapes and element types ---------------------------------------------------------------------------------- */

#define SOMA_MAX_RANK 8

/* A dimension that is the batch: its extent is known when a plan runs. A dimension of -k stands for k times the batch;
 * a shape has at most one such dimension. */
#define SOMA_BATCH (-1)

typedef struct soma_shape {
    int32_t rank SOMA_ZERO;                /* 0 for a scalar */
    int64_t dims[SOMA_MAX_RANK] SOMA_ZERO; /* outermost first; elements lie in C order */
} soma_shape;

static inline soma_shape soma_shape0(void) {
    soma_shape s = {0, {0}};
    return s;
}
static inline soma_shape soma_shape1(int64_t a) {
    soma_shape s = {1, {a}};
    return s;
}
static inline soma_shape soma_shape2(int64_t a, int64_t b) {
    soma_shape s = {2, {a, b}};
    return s;
}
static inline soma_shape soma_shape3(int64_t a, int64_t b, int64_t c) {
    soma_shape s = {3, {a, b, c}};
    return s;
}
static inline soma_shape soma_shape4(int64_t a, int64_t b, int64_t c, int64_t d) {
    soma_shape s = {4, {a, b, c, d}};
    return s;
}

typedef enum soma_dtype {
    SOMA_FLOAT = 0, /* float in memory; double on the reference backend */
    SOMA_INT64 = 1
} soma_dtype;

/* ---- Contexts: how the host wants memory, log and threads ------------------------------------------------------- */

typedef struct soma_context soma_context;

typedef struct soma_context_options {
    /* Memory: `allocate` returns `size` bytes aligned to 64, or NULL. Both or neither are given; not given: the C
     * library. */
    void *(*allocate)(void *user, size_t size)SOMA_ZERO;
    void (*release)(void *user, void *memory) SOMA_ZERO;
    /* Notes that a person may want to read, one sentence a call. Not given: they are dropped; the library never prints.
     */
    void (*log)(void *user, const char *sentence) SOMA_ZERO;
    /* Runs body(argument, i) for every i below `threads`, all at the same time, and returns when all have ended. Not
     * given: soma's own threads, which belong to a run and end with it. */
    void (*parallel)(void *user, int threads, void (*body)(void *argument, int index), void *argument) SOMA_ZERO;
    void *user SOMA_ZERO; /* handed to the four functions above */
} soma_context_options;

/* A context of the caller's own. It must outlive whatever was created in it. NULL and a sentence on failure. Wherever a
 * context is asked for, NULL means the constant default one. */
SOMA_API soma_context *soma_context_create(soma_context_options options, soma_error *error);
SOMA_API void soma_context_destroy(soma_context *context);

SOMA_END_C
#endif
