/* base/random.h: Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011), a counter-based
 * generator: the numbers are a function of key and counter, so that any part of a stream can be computed anywhere. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Four 32-bit words for a counter under a key. */
void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A sequential reader of the stream (seed, stream); its position may be set. */
typedef struct random_stream {
    uint64_t seed, stream, position;
    uint64_t block;    /* 1 + the number of the block that `words` are; 0: none */
    uint32_t words[4]; /* four at a time are made */
} random_stream;

random_stream random_open(uint64_t seed, uint64_t stream);
uint32_t random_u32(random_stream *r);
double random_uniform(random_stream *r);                             /* [0, 1), 53 bits */
double random_normal(random_stream *r);                              /* Box and Muller */
uint64_t random_below(random_stream *r, uint64_t n);                 /* 0 .. n - 1, without bias; n > 0 */
void random_shuffle(random_stream *r, int64_t *items, size_t count); /* Fisher and Yates */

/* A 64-bit hash of bytes (FNV-1a), to give named things streams of their own. */
uint64_t hash_bytes(const void *bytes, size_t count, uint64_t start);
#define HASH_START 14695981039346656037ull

#endif
