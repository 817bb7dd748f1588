/* isa/shuffle.h: rearranging lanes: transposing blocks and adding up the lanes of many vectors at once.
 *
 * A vector is seen as VW / 4 quads of four floats, because a shuffle within quads is one cheap instruction everywhere.
 */
#ifndef ISA_SHUFFLE_H
#define ISA_SHUFFLE_H

#include "backend/portable/isa/simd.h"

/* Within each quad of a and b: [a0 b0 a1 b1], [a2 b2 a3 b3]; [a0 a1 b0 b1], [a2 a3 b2 b3]. */
#if VW == 16
#define QUADS(a, b, w, x, y, z)                                                                                        \
    __builtin_shufflevector(a, b, w, x, y, z, w + 4, x + 4, y + 4, z + 4, w + 8, x + 8, y + 8, z + 8, w + 12, x + 12,  \
                            y + 12, z + 12)
#elif VW == 8
#define QUADS(a, b, w, x, y, z) __builtin_shufflevector(a, b, w, x, y, z, w + 4, x + 4, y + 4, z + 4)
#else
#define QUADS(a, b, w, x, y, z) __builtin_shufflevector(a, b, w, x, y, z)
#endif
SIMD vf v_mix_low(vf a, vf b) { return QUADS(a, b, 0, VW, 1, VW + 1); }
SIMD vf v_mix_high(vf a, vf b) { return QUADS(a, b, 2, VW + 2, 3, VW + 3); }
SIMD vf v_pair_low(vf a, vf b) { return QUADS(a, b, 0, 1, VW, VW + 1); }
SIMD vf v_pair_high(vf a, vf b) { return QUADS(a, b, 2, 3, VW + 2, VW + 3); }
#undef QUADS

/* The quads at p, p + stride, p + 2 stride, … */
SIMD_LONG vf v_load_quads(const float *p, int64_t stride) {
#if defined(SIMD_AVX512)
    __m512 r = _mm512_castps128_ps512(_mm_loadu_ps(p));
    r = _mm512_insertf32x4(r, _mm_loadu_ps(p + stride), 1);
    r = _mm512_insertf32x4(r, _mm_loadu_ps(p + 2 * stride), 2);
    return (vf)_mm512_insertf32x4(r, _mm_loadu_ps(p + 3 * stride), 3);
#elif defined(SIMD_AVX2)
    return (vf)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + stride), 1);
#else
    (void)stride;
    return v_load(p);
#endif
}

/* out[c] holds column c of the VW x 4 block at p, rows `stride` apart. */
SIMD_LONG void v_transpose4(const float *p, int64_t stride, vf out[4]) {
    vf a = v_load_quads(p, 4 * stride), b = v_load_quads(p + stride, 4 * stride);
    vf c = v_load_quads(p + 2 * stride, 4 * stride), d = v_load_quads(p + 3 * stride, 4 * stride);
    vf ac = v_mix_low(a, c), bd = v_mix_low(b, d); /* a0 c0 a1 c1 */
    out[0] = v_mix_low(ac, bd);
    out[1] = v_mix_high(ac, bd);
    ac = v_mix_high(a, c);
    bd = v_mix_high(b, d);
    out[2] = v_mix_low(ac, bd);
    out[3] = v_mix_high(ac, bd);
}

/* Sums within quads: lane i of each quad of the result holds the quad's sum of the i-th argument. */
SIMD vf v_sum4(vf a, vf b, vf c, vf d) {
    vf ab = v_mix_low(a, b) + v_mix_high(a, b), cd = v_mix_low(c, d) + v_mix_high(c, d); /* a02 b02 a13 b13 */
    return v_pair_low(ab, cd) + v_pair_high(ab, cd);
}

/* The sum of all lanes, in v_sum_each's order. */
SIMD_LONG float v_sum_one(vf x) {
    vf s = v_sum4(x, x, x, x);
#if VW == 16
    return (s[0] + s[8]) + (s[4] + s[12]);
#elif VW == 8
    return s[0] + s[4];
#else
    return s[0];
#endif
}

/* Lane i of the result is the sum of all lanes of x[i], added in the same order for every i. */
SIMD_LONG vf v_sum_each(const vf x[VW]) {
    vf p = v_sum4(x[0], x[1], x[2], x[3]);
#if VW >= 8
    vf q = v_sum4(x[4], x[5], x[6], x[7]);
#endif
#if VW == 16
    vf r = v_sum4(x[8], x[9], x[10], x[11]), s = v_sum4(x[12], x[13], x[14], x[15]);
    vf pq = (vf)_mm512_shuffle_f32x4((__m512)p, (__m512)q, 0x44) + (vf)_mm512_shuffle_f32x4((__m512)p, (__m512)q, 0xee);
    vf rs = (vf)_mm512_shuffle_f32x4((__m512)r, (__m512)s, 0x44) + (vf)_mm512_shuffle_f32x4((__m512)r, (__m512)s, 0xee);
    p = (vf)_mm512_shuffle_f32x4((__m512)pq, (__m512)rs, 0x88) + (vf)_mm512_shuffle_f32x4((__m512)pq, (__m512)rs, 0xdd);
#elif VW == 8
    p = __builtin_shufflevector(p, q, 0, 1, 2, 3, 8, 9, 10, 11) +
        __builtin_shufflevector(p, q, 4, 5, 6, 7, 12, 13, 14, 15);
#endif
    return p;
}

#endif
