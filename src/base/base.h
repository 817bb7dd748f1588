/* base/base.h: errors, memory and small arithmetic that every room uses. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <soma/base.h>

#include <stdarg.h>
#include <string.h>

#if defined(__GNUC__)
#define BASE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define BASE_PRINTF(text, first)
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct soma_context {
    soma_context_options options;
};

/* The constant context that NULL stands for. */
const soma_context *context_or_default(const soma_context *context);
void context_log(const soma_context *context, const char *format, ...) BASE_PRINTF(2, 3);

/* Stores a sentence unless `error` is NULL or already holds one; returns `code` in any case. */
int error_set(soma_error *error, int code, const char *format, ...) BASE_PRINTF(3, 4);
int error_set_v(soma_error *error, int code, const char *format, va_list arguments) BASE_PRINTF(3, 0);
static inline int error_memory(soma_error *error) {
    error_set(error, SOMA_ERROR_MEMORY, "memory is out");
    return SOMA_ERROR_MEMORY; /* said here, where analysers see that it is not SOMA_OK */
}

/* Memory of the context's allocator, aligned to 64 bytes; NULL when it is out or when count * size overflows. A size of
 * 0 gives memory that must be freed too. */
void *mem_alloc(const soma_context *context, size_t size);
void *mem_array(const soma_context *context, size_t count, size_t size); /* not initialised */
void *mem_zeros(const soma_context *context, size_t count, size_t size); /* all bytes 0 */
/* Moves an array of `old_count` elements to a new place with room for `new_count`; on failure the old one stays and
 * NULL is returned. */
void *mem_resize(const soma_context *context, void *old, size_t old_count, size_t new_count, size_t size);
char *mem_string(const soma_context *context, const char *text);
void mem_free(const soma_context *context, void *memory);

/* Room for one more element in a growing array: *array has *capacity elements of `size`, `count` in use. False when
 * memory is out. */
bool mem_reserve(const soma_context *context, void *array_pointer, size_t count, size_t *capacity, size_t size);

/* a * b or a + b into *result; false when it does not fit. */
bool size_multiply(size_t a, size_t b, size_t *result);
bool size_add(size_t a, size_t b, size_t *result);

/* Shapes. Elements with a batch of `batch`; a negative dimension -k is k * batch. -1 when the product does not fit. */
int64_t shape_elements(const soma_shape *shape, int64_t batch);
int64_t shape_dim(const soma_shape *shape, int axis, int64_t batch);
soma_shape shape_resolve(const soma_shape *shape, int64_t batch);
bool shape_equal(const soma_shape *a, const soma_shape *b);
bool shape_has_batch(const soma_shape *shape);
soma_shape shape_of(int rank, const int64_t *dims);
/* "[N, 3, 28, 28]" into a buffer; returns it. */
enum { SHAPE_TEXT = 160 };
const char *shape_text(const soma_shape *shape, char text[SHAPE_TEXT]);

/* The candidate nearest to `word` by edit distance, if it is near enough to suggest; else NULL. The list ends in NULL.
 */
const char *suggest(const char *word, const char *const *candidates);

#endif
