/* data/names.c: the set of texts. An open hash table of numbers with linear probing, at most half full, over texts that
 * lie in blocks of memory and never move, so that others may point to them. Texts hold no zero byte and end with one.
 */
#include "data/names.h"

#include "base/random.h"

enum { BLOCK_BYTES = 8192, SLOTS_AT_FIRST = 64 };

struct name_block {
    name_block *next;
    size_t used, size;
    char bytes[];
};

/* Room for `size` bytes that stays in place; a new block when the newest has too little. */
static char *block_room(name_set *set, size_t size) {
    name_block *b = set->blocks;
    if (!b || b->size - b->used < size) {
        size_t wanted = size > BLOCK_BYTES ? size : BLOCK_BYTES, bytes;
        if (!size_add(wanted, sizeof *b, &bytes) || !(b = mem_alloc(set->context, bytes))) return NULL;
        b->next = set->blocks;
        b->used = 0;
        b->size = wanted;
        set->blocks = b;
    }
    char *room = b->bytes + b->used;
    b->used += size;
    return room;
}

/* The slot that holds the text, or the empty one where it would go. */
static size_t slot_of(const name_set *set, const char *text, size_t length) {
    size_t mask = set->slots_count - 1, slot = (size_t)hash_bytes(text, length, HASH_START) & mask;
    for (; set->slots[slot]; slot = (slot + 1) & mask) {
        const char *name = set->names[set->slots[slot] - 1];
        if (strncmp(name, text, length) == 0 && name[length] == 0) break;
    }
    return slot;
}

static bool slots_grow(name_set *set) {
    size_t count = set->slots_count ? set->slots_count * 2 : SLOTS_AT_FIRST;
    size_t *slots = count > set->slots_count ? mem_zeros(set->context, count, sizeof *slots) : NULL;
    if (!slots) return false;
    mem_free(set->context, set->slots);
    set->slots = slots;
    set->slots_count = count;
    for (size_t i = 0; i < set->count; i++) slots[slot_of(set, set->names[i], strlen(set->names[i]))] = i + 1;
    return true;
}

size_t names_find(const name_set *set, const char *text, size_t length) {
    if (!set->slots_count) return NAMES_NONE;
    size_t number = set->slots[slot_of(set, text, length)];
    return number ? number - 1 : NAMES_NONE;
}

bool names_add(name_set *set, const char *text, size_t length, size_t *number) {
    size_t found = names_find(set, text, length), bytes;
    if (found == NAMES_NONE) {
        if (set->count * 2 >= set->slots_count && !slots_grow(set)) return false;
        if (!mem_reserve(set->context, &set->names, set->count, &set->capacity, sizeof *set->names)) return false;
        char *name = size_add(length, 1, &bytes) ? block_room(set, bytes) : NULL;
        if (!name) return false;
        if (length) memcpy(name, text, length);
        name[length] = 0;
        found = set->count;
        set->slots[slot_of(set, text, length)] = found + 1;
        set->names[set->count++] = name;
    }
    if (number) *number = found;
    return true;
}

void names_clear(name_set *set) {
    const soma_context *context = set->context;
    for (name_block *b = set->blocks, *next; b; b = next) {
        next = b->next;
        mem_free(context, b);
    }
    mem_free(context, set->names);
    mem_free(context, set->slots);
    *set = (name_set){.context = context};
}
