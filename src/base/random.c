/* base/random.c: Philox4x32-10 and what is drawn from it. Constants from Salmon et al. 2011. */
#include "base/random.h"

#include <math.h>

void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

random_stream random_open(uint64_t seed, uint64_t stream) {
    random_stream r = {.seed = seed, .stream = stream};
    return r;
}

uint32_t random_u32(random_stream *r) {
    uint64_t block = r->position / 4;
    if (r->block != block + 1) {
        const uint32_t key[2] = {(uint32_t)r->seed, (uint32_t)(r->seed >> 32)};
        const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)r->stream,
                                     (uint32_t)(r->stream >> 32)};
        philox(counter, key, r->words);
        r->block = block + 1;
    }
    return r->words[r->position++ % 4];
}

double random_uniform(random_stream *r) {
    uint64_t high = random_u32(r) >> 5, low = random_u32(r) >> 6;
    return (double)(high * 67108864u + low) / 9007199254740992.0;
}

double random_normal(random_stream *r) {
    double radius = sqrt(-2.0 * log(1.0 - random_uniform(r)));
    return radius * cos(6.283185307179586476925 * random_uniform(r));
}

uint64_t random_below(random_stream *r, uint64_t n) {
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, x;
    do {
        uint64_t high = random_u32(r);
        x = high << 32 | random_u32(r);
    } while (x >= limit);
    return x % n;
}

void random_shuffle(random_stream *r, int64_t *items, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)random_below(r, i);
        int64_t kept = items[i - 1];
        items[i - 1] = items[j];
        items[j] = kept;
    }
}

uint64_t hash_bytes(const void *bytes, size_t count, uint64_t start) {
    const unsigned char *b = bytes;
    for (size_t i = 0; i < count; i++) start = (start ^ b[i]) * 1099511628211ull;
    return start;
}
