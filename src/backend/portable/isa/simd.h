/* isa/simd.h: the one vocabulary that every kernel is written in: vectors of VW floats.
 *
 * The idea: GCC's and clang's vector extensions already say + - * / & | ^ << >> and comparisons on vectors of any
 * width, so intrinsics stand here only for what they can't say: fused multiply-add, square root, rounding, masked
 * access, estimates. The width follows what the compiler was told to target: 16 with AVX-512, 8 with AVX2 and FMA, else
 * 4 (SSE2, NEON, WebAssembly SIMD, or plain C that any compiler splits). A file that includes this is compiled once an
 * instruction set with -DKERNEL_ISA=avx512 (avx2, baseline, neon, wasm) and names its functions KERNEL(name).
 *
 * Rules that keep results the same bits: these files are compiled with -ffp-contract=off, so only v_fma and v_fnma
 * fuse; they round once wherever the processor can, and are a product and a sum on SSE2, WebAssembly and plain C.
 * Results may therefore differ between instruction sets, never within one. */
#ifndef ISA_SIMD_H
#define ISA_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define VW 16
#define SIMD_AVX512
#include <immintrin.h>
#elif defined(__AVX2__) && defined(__FMA__)
#define VW 8
#define SIMD_AVX2
#include <immintrin.h>
#else
#define VW 4
#if defined(__SSE2__)
#define SIMD_SSE2
#include <emmintrin.h>
#ifdef __SSE4_1__
#include <smmintrin.h>
#endif
#elif defined(__aarch64__) && defined(__ARM_NEON)
#define SIMD_NEON
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#define SIMD_WASM
#include <wasm_simd128.h>
#endif
#endif

/* Whether v_fma rounds once. */
#if defined(SIMD_AVX512) || defined(SIMD_AVX2) || defined(SIMD_NEON)
#define SIMD_FUSED 1
#else
#define SIMD_FUSED 0
#endif

#ifndef KERNEL_ISA
#define KERNEL_ISA baseline
#endif
#ifndef KERNEL_SMALL
#define KERNEL_SMALL 0
#endif
#define KERNEL_JOIN2(name, isa) name##_##isa
#define KERNEL_JOIN(name, isa)  KERNEL_JOIN2(name, isa)
#define KERNEL(name)            KERNEL_JOIN(name, KERNEL_ISA) /* name_avx512, name_neon, … */
#define KERNEL_TEXT2(isa)       #isa
#define KERNEL_TEXT1(isa)       KERNEL_TEXT2(isa)
#define KERNEL_NAME             KERNEL_TEXT1(KERNEL_ISA) /* "avx512" */

#define SIMD static inline __attribute__((always_inline))
/* For what has many instructions and many places of use: where size counts more than speed it stands once in a file. */
#if KERNEL_SMALL
#define SIMD_LONG static __attribute__((noinline, unused))
#else
#define SIMD_LONG SIMD
#endif

/* Before a loop of constant length that must be unrolled whole. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef float vf __attribute__((vector_size(4 * VW)));    /* VW floats */
typedef int32_t vi __attribute__((vector_size(4 * VW)));  /* VW integers; operators work on both */
typedef uint32_t vu __attribute__((vector_size(4 * VW))); /* for sums and shifts that may wrap around */
typedef float vf_anywhere __attribute__((vector_size(4 * VW), aligned(4), may_alias));
typedef int32_t vi_anywhere __attribute__((vector_size(4 * VW), aligned(4), may_alias));
#ifdef SIMD_AVX512
typedef __mmask16 vm; /* what comparisons give and v_select takes: a bit a lane */
#else
typedef vi vm; /* all bits of a lane */
#endif

/* ---- Constants, memory ----------------------------------------------------------------------------------------- */

#if defined(SIMD_AVX512)
SIMD vf v_set1(float x) { return (vf)_mm512_set1_ps(x); }
SIMD vi vi_set1(int32_t x) { return (vi)_mm512_set1_epi32(x); }
#elif defined(SIMD_AVX2)
SIMD vf v_set1(float x) { return (vf)_mm256_set1_ps(x); }
SIMD vi vi_set1(int32_t x) { return (vi)_mm256_set1_epi32(x); }
#else
SIMD vf v_set1(float x) { return (vf){x, x, x, x}; }
SIMD vi vi_set1(int32_t x) { return (vi){x, x, x, x}; }
#endif
SIMD vf v_zero(void) { return (vf){0}; }
SIMD vf v_load(const float *p) { return *(const vf_anywhere *)p; } /* any alignment */
SIMD void v_store(float *p, vf x) { *(vf_anywhere *)p = x; }
/* Past the caches, to an aligned address: a line that is written whole is not read before. Other threads see it after
 * the next locked instruction, which every barrier has. */
#if defined(SIMD_AVX512)
SIMD void v_store_past(float *p, vf x) { _mm512_stream_ps(p, (__m512)x); }
#elif defined(SIMD_AVX2)
SIMD void v_store_past(float *p, vf x) { _mm256_stream_ps(p, (__m256)x); }
#else
SIMD void v_store_past(float *p, vf x) { v_store(p, x); }
#endif
SIMD bool is_aligned(const float *p) { return (uintptr_t)p % sizeof(vf) == 0; }
SIMD vi vi_load(const int32_t *p) { return *(const vi_anywhere *)p; }
SIMD void vi_store(int32_t *p, vi x) { *(vi_anywhere *)p = x; }

/* The first n lanes, 0 <= n <= VW: memory behind them is not touched. */
#ifdef SIMD_AVX512
SIMD vm m_first(size_t n) { return (vm)((1u << n) - 1); }
SIMD vf v_load_partial(const float *p, size_t n) { return (vf)_mm512_maskz_loadu_ps(m_first(n), p); }
SIMD void v_store_partial(float *p, vf x, size_t n) { _mm512_mask_storeu_ps(p, m_first(n), (__m512)x); }
#elif defined(SIMD_AVX2)
SIMD vm m_first(size_t n) { return (vi){0, 1, 2, 3, 4, 5, 6, 7} < vi_set1((int32_t)n); }
SIMD vf v_load_partial(const float *p, size_t n) { return (vf)_mm256_maskload_ps(p, (__m256i)m_first(n)); }
/* Two stores that overlap: AMD's processors take twenty cycles for a masked one. */
SIMD_LONG void v_store_partial(float *p, vf x, size_t n) {
    __m128 low = _mm256_castps256_ps128((__m256)x);
    if (n >= 4) {
        const vi last = (vi){0, 1, 2, 3, 4, 5, 6, 7} + ((int32_t)n - 4); /* the permutation takes them modulo 8 */
        _mm_storeu_ps(p, low);
        _mm_storeu_ps(p + n - 4, _mm256_castps256_ps128(_mm256_permutevar8x32_ps((__m256)x, (__m256i)last)));
        return;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)(void *)p, low);
        low = _mm_movehl_ps(low, low);
    }
    if (n & 1) _mm_store_ss(p + (n & 2), low);
}
#else
SIMD vm m_first(size_t n) { return (vi){0, 1, 2, 3} < vi_set1((int32_t)n); }
SIMD_LONG vf v_load_partial(const float *p, size_t n) {
    if (n >= 4) return v_load(p);
    return (vf){n > 0 ? p[0] : 0, n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, 0};
}
SIMD_LONG void v_store_partial(float *p, vf x, size_t n) {
    if (n >= 4) {
        v_store(p, x);
        return;
    }
    if (n > 0) p[0] = x[0];
    if (n > 1) p[1] = x[1];
    if (n > 2) p[2] = x[2];
}
#endif

/* ---- Bits and integers ----------------------------------------------------------------------------------------- */

SIMD vi v_bits(vf x) { return (vi)x; }
SIMD vf v_from_bits(vi x) { return (vf)x; }
SIMD vi v_truncate(vf x) { return __builtin_convertvector(x, vi); } /* towards 0; any result beyond int32's range */
SIMD vf v_from_int(vi x) { return __builtin_convertvector(x, vf); }

/* ---- Comparisons and choice: false where an operand is NaN ----------------------------------------------------- */

#ifdef SIMD_AVX512
SIMD vm v_lt(vf a, vf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ); }
SIMD vm v_le(vf a, vf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LE_OQ); }
SIMD vm v_eq(vf a, vf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ); }
SIMD vm v_isnan(vf a) { return _mm512_cmp_ps_mask((__m512)a, (__m512)a, _CMP_UNORD_Q); }
SIMD vm vi_lt(vi a, vi b) { return _mm512_cmplt_epi32_mask((__m512i)a, (__m512i)b); }
SIMD vm vi_eq(vi a, vi b) { return _mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b); }
SIMD vm m_and(vm a, vm b) { return (vm)(a & b); }
SIMD vm m_or(vm a, vm b) { return (vm)(a | b); }
SIMD vm m_not(vm a) { return (vm)~a; }
SIMD int m_any(vm a) { return a != 0; }
SIMD vf v_select(vm m, vf a, vf b) { return (vf)_mm512_mask_blend_ps(m, (__m512)b, (__m512)a); } /* m ? a : b */
SIMD vi vi_select(vm m, vi a, vi b) { return (vi)_mm512_mask_blend_epi32(m, (__m512i)b, (__m512i)a); }
#else
SIMD vm v_lt(vf a, vf b) { return (vm)(a < b); }
SIMD vm v_le(vf a, vf b) { return (vm)(a <= b); }
SIMD vm v_eq(vf a, vf b) { return (vm)(a == b); }
SIMD vm v_isnan(vf a) { return (vm)(a != a); }
SIMD vm vi_lt(vi a, vi b) { return (vm)(a < b); }
SIMD vm vi_eq(vi a, vi b) { return (vm)(a == b); }
SIMD vm m_and(vm a, vm b) { return a & b; }
SIMD vm m_or(vm a, vm b) { return a | b; }
SIMD vm m_not(vm a) { return ~a; }
#ifdef SIMD_AVX2
SIMD int m_any(vm a) { return _mm256_movemask_ps((__m256)a) != 0; }
SIMD vf v_select(vm m, vf a, vf b) { return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)m); }
#else
SIMD int m_any(vm a) { return (a[0] | a[1] | a[2] | a[3]) != 0; }
SIMD vf v_select(vm m, vf a, vf b) { return (vf)((m & (vi)a) | (~m & (vi)b)); }
#endif
SIMD vi vi_select(vm m, vi a, vi b) { return (vi)v_select(m, (vf)a, (vf)b); }
#endif
SIMD vm v_gt(vf a, vf b) { return v_lt(b, a); }
SIMD vm v_ge(vf a, vf b) { return v_le(b, a); }

/* ---- Arithmetic, every result rounded to nearest --------------------------------------------------------------- */

SIMD vf v_add(vf a, vf b) { return a + b; }
SIMD vf v_sub(vf a, vf b) { return a - b; }
SIMD vf v_mul(vf a, vf b) { return a * b; }
SIMD vf v_div(vf a, vf b) { return a / b; }
SIMD vf v_neg(vf a) { return (vf)((vi)a ^ vi_set1(INT32_MIN)); }
SIMD vf v_abs(vf a) { return (vf)((vi)a & vi_set1(INT32_MAX)); }
SIMD vf v_copysign(vf size, vf sign) { return (vf)(((vi)size & vi_set1(INT32_MAX)) | ((vi)sign & vi_set1(INT32_MIN))); }

/* v_fma: a * b + c; v_fnma: c - a * b. v_max and v_min: b where b is NaN, any of the two where only a is; so that
 * v_max(v_zero(), x) hands a NaN of x on. */
#if defined(SIMD_AVX512)
SIMD vf v_fma(vf a, vf b, vf c) { return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
SIMD vf v_fnma(vf a, vf b, vf c) { return (vf)_mm512_fnmadd_ps((__m512)a, (__m512)b, (__m512)c); }
SIMD vf v_max(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
SIMD vf v_min(vf a, vf b) { return (vf)_mm512_min_ps((__m512)a, (__m512)b); }
SIMD vf v_sqrt(vf a) { return (vf)_mm512_sqrt_ps((__m512)a); }
SIMD vf v_floor(vf a) { return (vf)_mm512_roundscale_ps((__m512)a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
SIMD vf v_ceil(vf a) { return (vf)_mm512_roundscale_ps((__m512)a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }
SIMD vf v_round(vf a) { return (vf)_mm512_roundscale_ps((__m512)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
#elif defined(SIMD_AVX2)
SIMD vf v_fma(vf a, vf b, vf c) { return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
SIMD vf v_fnma(vf a, vf b, vf c) { return (vf)_mm256_fnmadd_ps((__m256)a, (__m256)b, (__m256)c); }
SIMD vf v_max(vf a, vf b) { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
SIMD vf v_min(vf a, vf b) { return (vf)_mm256_min_ps((__m256)a, (__m256)b); }
SIMD vf v_sqrt(vf a) { return (vf)_mm256_sqrt_ps((__m256)a); }
SIMD vf v_floor(vf a) { return (vf)_mm256_floor_ps((__m256)a); }
SIMD vf v_ceil(vf a) { return (vf)_mm256_ceil_ps((__m256)a); }
SIMD vf v_round(vf a) { return (vf)_mm256_round_ps((__m256)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
#elif defined(SIMD_NEON)
SIMD vf v_fma(vf a, vf b, vf c) { return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
SIMD vf v_fnma(vf a, vf b, vf c) { return (vf)vfmsq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
SIMD vf v_max(vf a, vf b) { return (vf)vmaxq_f32((float32x4_t)a, (float32x4_t)b); }
SIMD vf v_min(vf a, vf b) { return (vf)vminq_f32((float32x4_t)a, (float32x4_t)b); }
SIMD vf v_sqrt(vf a) { return (vf)vsqrtq_f32((float32x4_t)a); }
SIMD vf v_floor(vf a) { return (vf)vrndmq_f32((float32x4_t)a); }
SIMD vf v_ceil(vf a) { return (vf)vrndpq_f32((float32x4_t)a); }
SIMD vf v_round(vf a) { return (vf)vrndnq_f32((float32x4_t)a); }
#else
SIMD vf v_fma(vf a, vf b, vf c) { return a * b + c; }
SIMD vf v_fnma(vf a, vf b, vf c) { return c - a * b; }
#ifdef SIMD_SSE2
SIMD vf v_max(vf a, vf b) { return (vf)_mm_max_ps((__m128)a, (__m128)b); }
SIMD vf v_min(vf a, vf b) { return (vf)_mm_min_ps((__m128)a, (__m128)b); }
SIMD vf v_sqrt(vf a) { return (vf)_mm_sqrt_ps((__m128)a); }
#elif defined(SIMD_WASM)
SIMD vf v_max(vf a, vf b) { return (vf)wasm_f32x4_pmax((v128_t)b, (v128_t)a); }
SIMD vf v_min(vf a, vf b) { return (vf)wasm_f32x4_pmin((v128_t)b, (v128_t)a); }
SIMD vf v_sqrt(vf a) { return (vf)wasm_f32x4_sqrt((v128_t)a); }
#else
SIMD vf v_max(vf a, vf b) { return v_select(v_gt(a, b), a, b); }
SIMD vf v_min(vf a, vf b) { return v_select(v_lt(a, b), a, b); }
SIMD vf v_sqrt(vf a) {
    return (vf){__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]), __builtin_sqrtf(a[3])};
}
#endif
#ifdef SIMD_WASM
SIMD vf v_floor(vf a) { return (vf)wasm_f32x4_floor((v128_t)a); }
SIMD vf v_ceil(vf a) { return (vf)wasm_f32x4_ceil((v128_t)a); }
SIMD vf v_round(vf a) { return (vf)wasm_f32x4_nearest((v128_t)a); }
#else
/* Below 2^23 adding and taking away 2^23 rounds to an integer; above, every float is one. A NaN passes either way. */
SIMD_LONG vf v_round(vf a) {
    vf large = v_set1(8388608.0f), size = v_abs(a);
    return v_copysign(v_select(v_lt(size, large), (size + large) - large, size), a);
}
SIMD_LONG vf v_floor(vf a) {
    vf r = v_round(a);
    return v_copysign(r - v_select(v_gt(r, a), v_set1(1), v_zero()), a);
}
SIMD_LONG vf v_ceil(vf a) {
    vf r = v_round(a);
    return v_copysign(r + v_select(v_lt(r, a), v_set1(1), v_zero()), a);
}
#endif
#endif

/* NaN where either operand is. */
SIMD vf v_max_nan(vf a, vf b) { return v_select(v_isnan(a), a, v_max(a, b)); }
SIMD vf v_min_nan(vf a, vf b) { return v_select(v_isnan(a), a, v_min(a, b)); }

/* A whole number below 2^22 in size as an integer. WebAssembly's conversion takes care of all that no integer holds, in
 * many instructions; to a number of which the last place is 1, n is added in the bits. */
SIMD vi v_small_int(vf n) {
#ifdef SIMD_WASM
    return (vi)((vu)v_bits(n + v_set1(12582912.0f)) - (vu)vi_set1(0x4b400000));
#else
    return v_truncate(n);
#endif
}

/* x * 2^n for a whole number n, |n| <= 252, rounded once (where |x| is not tiny: see below). */
SIMD vf v_scale(vf x, vf n) {
#ifdef SIMD_AVX512
    return (vf)_mm512_scalef_ps((__m512)x, (__m512)n);
#else
    /* Two factors, for 2^n alone may be no float. The first product is exact for x in about [2^-1, 2]. */
    vi whole = v_small_int(n), half = whole >> 1;
    return x * (vf)((half + 127) << 23) * (vf)((whole - half + 127) << 23);
#endif
}
SIMD vf v_ldexp(vf x, vi n) { return v_scale(x, v_from_int(n)); }

/* ---- Reductions over lanes, in an order that depends on VW alone ----------------------------------------------- */

typedef float simd_four __attribute__((vector_size(16)));
SIMD simd_four simd_quarter(vf x, int part) {
    simd_four r;
    memcpy(&r, (const char *)&x + 16 * part, 16);
    return r;
}
SIMD_LONG float v_hsum(vf x) {
    simd_four s = simd_quarter(x, 0);
#if VW == 8
    s += simd_quarter(x, 1);
#elif VW == 16
    s = (s + simd_quarter(x, 2)) + (simd_quarter(x, 1) + simd_quarter(x, 3));
#endif
    return (s[0] + s[2]) + (s[1] + s[3]);
}
/* The largest and smallest lane, NaN if one is. */
SIMD_LONG float v_hmax(vf x) {
    float r = x[0];
    for (int i = 1; i < VW; i++) r = r != r || r > x[i] ? r : x[i];
    return r;
}
SIMD_LONG float v_hmin(vf x) {
    float r = x[0];
    for (int i = 1; i < VW; i++) r = r != r || r < x[i] ? r : x[i];
    return r;
}

#endif
