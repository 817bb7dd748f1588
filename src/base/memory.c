/* base/memory.c: memory of the context's allocator, checked size arithmetic, shapes, and suggestions for misspelt
 * words. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20, LARGE = 2 * HUGE_PAGE };

bool size_multiply(size_t a, size_t b, size_t *result) { return !__builtin_mul_overflow(a, b, result); }
bool size_add(size_t a, size_t b, size_t *result) { return !__builtin_add_overflow(a, b, result); }

/* Large blocks lie on huge pages where the system has them for those who ask: two threads read some
 * 8 % faster. */
static void *allocate(size_t size) {
#if defined(MADV_HUGEPAGE)
    size_t rounded;
    if (size >= LARGE && size_add(size, HUGE_PAGE - 1, &rounded)) {
        rounded &= ~(size_t)(HUGE_PAGE - 1);
        void *memory = aligned_alloc(HUGE_PAGE, rounded);
        /* Of whole pages only: the end of the block takes no more memory than it needs. */
        if (memory) (void)madvise(memory, size & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE);
        return memory;
    }
#endif
    return aligned_alloc(ALIGNMENT, size);
}

void *mem_alloc(const soma_context *context, size_t size) {
    const soma_context_options *o = &context_or_default(context)->options;
    size_t rounded;
    if (!size_add(size, ALIGNMENT - 1 + (size == 0), &rounded)) return NULL;
    rounded &= ~(size_t)(ALIGNMENT - 1);
    return o->allocate ? o->allocate(o->user, rounded) : allocate(rounded);
}

void *mem_array(const soma_context *context, size_t count, size_t size) {
    size_t bytes;
    return size_multiply(count, size, &bytes) ? mem_alloc(context, bytes) : NULL;
}

void *mem_zeros(const soma_context *context, size_t count, size_t size) {
    void *memory = mem_array(context, count, size);
    if (memory) memset(memory, 0, count * size);
    return memory;
}

void *mem_resize(const soma_context *context, void *old, size_t old_count, size_t new_count, size_t size) {
    void *memory = mem_array(context, new_count, size);
    if (!memory) return NULL;
    size_t kept = old_count < new_count ? old_count : new_count;
    if (old && kept) memcpy(memory, old, kept * size);
    mem_free(context, old);
    return memory;
}

char *mem_string(const soma_context *context, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(context, size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

void mem_free(const soma_context *context, void *memory) {
    const soma_context_options *o = &context_or_default(context)->options;
    if (!memory) return;
    if (o->release)
        o->release(o->user, memory);
    else
        free(memory);
}

bool mem_reserve(const soma_context *context, void *array_pointer, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) return true;
    void *old, *grown;
    size_t wanted = *capacity < 8 ? 8 : *capacity * 2;
    memcpy(&old, array_pointer, sizeof old);
    if (wanted < *capacity || !(grown = mem_resize(context, old, count, wanted, size))) return false;
    memcpy(array_pointer, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}

int64_t shape_dim(const soma_shape *shape, int axis, int64_t batch) {
    int64_t d = shape->dims[axis];
    return d < 0 ? -d * batch : d;
}

int64_t shape_elements(const soma_shape *shape, int64_t batch) {
    int64_t n = 1;
    for (int i = 0; i < shape->rank; i++)
        if (__builtin_mul_overflow(n, shape_dim(shape, i, batch), &n)) return -1;
    return n;
}

soma_shape shape_resolve(const soma_shape *shape, int64_t batch) {
    soma_shape s = *shape;
    for (int i = 0; i < s.rank; i++) s.dims[i] = shape_dim(shape, i, batch);
    return s;
}

bool shape_equal(const soma_shape *a, const soma_shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}

bool shape_has_batch(const soma_shape *shape) {
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 0) return true;
    return false;
}

soma_shape shape_of(int rank, const int64_t *dims) {
    soma_shape s = {rank, {0}};
    for (int i = 0; i < rank && i < SOMA_MAX_RANK; i++) s.dims[i] = dims[i];
    return s;
}

const char *shape_text(const soma_shape *shape, char text[SHAPE_TEXT]) {
    size_t at = 0;
    at += (size_t)snprintf(text, SHAPE_TEXT, "[");
    for (int i = 0; i < shape->rank && at + 24 < SHAPE_TEXT; i++) {
        const char *comma = i ? ", " : "";
        int64_t d = shape->dims[i];
        if (d == SOMA_BATCH)
            at += (size_t)snprintf(text + at, SHAPE_TEXT - at, "%sN", comma);
        else if (d < 0)
            at += (size_t)snprintf(text + at, SHAPE_TEXT - at, "%s%lldN", comma, (long long)-d);
        else
            at += (size_t)snprintf(text + at, SHAPE_TEXT - at, "%s%lld", comma, (long long)d);
    }
    snprintf(text + at, SHAPE_TEXT - at, "]");
    return text;
}

/* Edit distance of Levenshtein, two rows at a time, for words up to 63 letters. */
static size_t edit_distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b), row[64];
    if (n > 63 || m > 63) return 64;
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t inserted = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = replaced < inserted ? replaced : inserted;
        }
    }
    return row[m];
}

const char *suggest(const char *word, const char *const *candidates) {
    const char *best = NULL;
    size_t nearest = strlen(word) / 3 + 2;
    for (; *candidates; candidates++) {
        if (!strcasecmp(word, *candidates)) return *candidates;
        size_t d = edit_distance(word, *candidates);
        if (d < nearest && d < strlen(*candidates)) nearest = d, best = *candidates;
    }
    return best;
}
