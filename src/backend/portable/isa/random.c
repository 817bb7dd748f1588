/* isa/random.c: uniform numbers, VW blocks of Philox4x32-10 side by side. Element i of a node's output is word i % 4 of
 * block i / 4 of its stream, as src/ops/random.h says, so that threads may cut the output anywhere. */
#include "ops/random.h"

#include "backend/portable/isa/kernels.h"
#include "graph/graph.h"

enum { BLOCKS = 16 };

/* Blocks first .. first + BLOCKS - 1, their words one block after the other. Plain loops over arrays: compilers make
 * vectors of them. */
static void many_blocks(const op_random *where, uint64_t first, uint32_t words[4 * BLOCKS]) {
    const uint32_t step = (uint32_t)(where->step >> 32);
    uint32_t key0 = (uint32_t)where->seed, key1 = (uint32_t)(where->seed >> 32);
    uint32_t c0[BLOCKS], c1[BLOCKS], c2[BLOCKS], c3[BLOCKS];
    for (uint32_t i = 0; i < BLOCKS; i++) {
        uint64_t block = first + i;
        c0[i] = (uint32_t)block;
        c1[i] = (uint32_t)(block >> 32) ^ (step << 16 | step >> 16);
        c2[i] = (uint32_t)where->step;
        c3[i] = (uint32_t)where->stream ^ 0x72616E64u;
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            uint64_t a = (uint64_t)0xD2511F53u * c0[i], b = (uint64_t)0xCD9E8D57u * c2[i];
            c0[i] = (uint32_t)(b >> 32) ^ c1[i] ^ key0;
            c1[i] = (uint32_t)b;
            c2[i] = (uint32_t)(a >> 32) ^ c3[i] ^ key1;
            c3[i] = (uint32_t)a;
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    for (int i = 0; i < BLOCKS; i++) {
        words[4 * i] = c0[i];
        words[4 * i + 1] = c1[i];
        words[4 * i + 2] = c2[i];
        words[4 * i + 3] = c3[i];
    }
}

/* A number costs some ten moves. */
partition KERNEL(random_uniform_partition)(const kernel_call *call) {
    return kernel_split(call, 10 * shape_elements(&call->out[0].shape, 1), true);
}

void KERNEL(random_uniform_run)(const kernel_call *call, int thread) {
    op_random where = call->random;
    uint32_t words[4 * BLOCKS];
    float *y = call->out[0].data;
    int64_t first, end;
    where.stream = ((const random_attributes *)call->attributes)->stream;
    kernel_range(call, thread, shape_elements(&call->out[0].shape, 1), &first, &end);
    while (first < end) {
        int64_t skip = first % 4, n = 4 * BLOCKS - skip < end - first ? 4 * BLOCKS - skip : end - first;
        many_blocks(&where, (uint64_t)first / 4, words);
        for (int64_t i = 0; i < n; i++) y[first + i] = random_unit(words[skip + i]);
        first += n;
    }
}
