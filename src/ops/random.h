/* ops/random.h: the numbers of random nodes, the same for every backend. */
#ifndef OPS_RANDOM_H
#define OPS_RANDOM_H

#include "base/random.h"
#include "graph/op.h"

/* Element `index` of the node's output in C order at this step: uniform in [0, 1), a multiple of 2^-24, so that it is
 * exact as float. It is word index % 4 of random_block(index / 4), its upper 24 bits. */
float random_element(const op_random *where, uint64_t index);

/* The four words of block `index / 4`: Philox with the seed as key and the counter
 *   { low 32 bits of the block, high 32 bits of the block xor high 32 bits of the step rotated by 16,
 *     low 32 bits of the step, stream xor 0x72616E64 }. */
static inline void random_block(const op_random *where, uint64_t block, uint32_t words[4]) {
    const uint32_t step = (uint32_t)(where->step >> 32);
    const uint32_t key[2] = {(uint32_t)where->seed, (uint32_t)(where->seed >> 32)};
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32) ^ (step << 16 | step >> 16),
                                 (uint32_t)where->step, (uint32_t)where->stream ^ 0x72616E64u};
    philox(counter, key, words);
}
static inline float random_unit(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

#endif
