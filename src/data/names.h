/* data/names.h: a set of texts that numbers each new one: column names, categories, classes, cells to keep. */
#ifndef DATA_NAMES_H
#define DATA_NAMES_H

#include "base/base.h"

#define NAMES_NONE SIZE_MAX

typedef struct name_block name_block;

/* All zero but for the context is an empty set. */
typedef struct name_set {
    const soma_context *context;
    char **names; /* in order of number; they stay where they are until names_clear */
    size_t count, capacity;
    size_t *slots; /* number + 1 by hash, 0 for empty; their count is a power of two */
    size_t slots_count;
    name_block *blocks;
} name_set;

/* The number of a text, or NAMES_NONE. */
size_t names_find(const name_set *set, const char *text, size_t length);
/* Adds a text unless it is there; its number goes to *number, which may be NULL. False when memory is out. */
bool names_add(name_set *set, const char *text, size_t length, size_t *number);
void names_clear(name_set *set);

#endif
