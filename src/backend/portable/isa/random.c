/* isa/random.c: uniform numbers, VW blocks of Philox4x32-10 side by side. Element i of a node's output is word i % 4 of
 * block i / 4 of its stream, as src/ops/random.h says, so that threads may cut the output anywhere. */
#include "ops/random.h"

#include "backend/portable/isa/kernels.h"
#include "backend/portable/isa/shuffle.h"
#include "graph/graph.h"

typedef uint32_t words __attribute__((vector_size(4 * VW)));
typedef uint64_t pairs __attribute__((vector_size(4 * VW)));

SIMD words words_set1(uint32_t x) { return (words)vi_set1((int32_t)x); }

/* The 64-bit products of every word with m, as high and low words. */
SIMD words multiply(words x, uint32_t m, words *low) {
    const pairs below = (pairs){0} + 0xffffffffu;
    pairs even = ((pairs)x & below) * m, odd = ((pairs)x >> 32) * m;
    *low = (words)((even & below) | (odd << 32));
    return (words)((even >> 32) | (odd & ~below));
}

/* Blocks first .. first + VW - 1, their four numbers one after the other. */
static void many_blocks(const op_random *where, uint64_t first, float numbers[4 * VW]) {
    const uint32_t step = (uint32_t)(where->step >> 32);
    uint32_t key0 = (uint32_t)where->seed, key1 = (uint32_t)(where->seed >> 32);
    uint32_t counter[2][VW];
    words c[4], low[2];
    for (uint32_t i = 0; i < VW; i++) {
        uint64_t block = first + i;
        counter[0][i] = (uint32_t)block;
        counter[1][i] = (uint32_t)(block >> 32) ^ (step << 16 | step >> 16);
    }
    memcpy(c, counter, sizeof counter);
    c[2] = words_set1((uint32_t)where->step);
    c[3] = words_set1((uint32_t)where->stream ^ 0x72616E64u);
    for (int round = 0; round < 10; round++) {
        words a = multiply(c[0], 0xD2511F53u, &low[0]), b = multiply(c[2], 0xCD9E8D57u, &low[1]);
        c[0] = b ^ c[1] ^ words_set1(key0);
        c[1] = low[1];
        c[2] = a ^ c[3] ^ words_set1(key1);
        c[3] = low[0];
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    vf unit[4];
    for (int k = 0; k < 4; k++) unit[k] = v_from_int((vi)(c[k] >> 8)) * v_set1(0x1p-24f);
    /* Quad q of the k-th vector then holds block 4 q + k. */
    vf even = v_mix_low(unit[0], unit[2]), odd = v_mix_low(unit[1], unit[3]);
    vf high_even = v_mix_high(unit[0], unit[2]), high_odd = v_mix_high(unit[1], unit[3]);
    unit[0] = v_mix_low(even, odd);
    unit[1] = v_mix_high(even, odd);
    unit[2] = v_mix_low(high_even, high_odd);
    unit[3] = v_mix_high(high_even, high_odd);
    for (int k = 0; k < 4; k++) {
        for (int q = 0; q < VW / 4; q++) memcpy(numbers + 16 * q + 4 * k, (const char *)&unit[k] + 16 * q, 16);
    }
}

/* A number costs some ten moves. */
partition KERNEL(random_uniform_partition)(const kernel_call *call) {
    return kernel_split(call, 10 * shape_elements(&call->out[0].shape, 1), true);
}

void KERNEL(random_uniform_run)(const kernel_call *call, int thread) {
    op_random where = call->random;
    float numbers[4 * VW];
    float *y = call->out[0].data;
    int64_t first, end;
    where.stream = ((const random_attributes *)call->attributes)->stream;
    kernel_range(call, thread, shape_elements(&call->out[0].shape, 1), &first, &end);
    while (first < end) {
        int64_t skip = first % 4, n = 4 * VW - skip < end - first ? 4 * VW - skip : end - first;
        many_blocks(&where, (uint64_t)first / 4, numbers);
        memcpy(y + first, numbers + skip, (size_t)n * sizeof *y);
        first += n;
    }
}
