/* support/purse.h: an allocator that counts what is alive and refuses when its allocations are used up, so that a test
 * can let each of them fail once. */
#ifndef SUPPORT_PURSE_H
#define SUPPORT_PURSE_H

#include <soma/base.h>

#include <stdlib.h>

typedef struct purse {
    long left; /* allocations until one fails; negative: none fails */
    long alive;
} purse;

static inline void *purse_allocate(void *user, size_t size) {
    purse *p = user;
    if (p->left == 0) return NULL;
    p->left--;
    void *memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
    p->alive += memory != NULL;
    return memory;
}

static inline void purse_release(void *user, void *memory) {
    purse *p = user;
    if (memory) p->alive--;
    free(memory);
}

/* A context whose memory comes out of the purse; ends the program when that is too little for it. */
static inline soma_context *purse_context(purse *p) {
    soma_error error = {0};
    soma_context *c = soma_context_create(
        (soma_context_options){.allocate = purse_allocate, .release = purse_release, .user = p}, &error);
    if (!c) abort();
    return c;
}

#endif
