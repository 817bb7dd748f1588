/* isa/vmath.h: elementary functions on vectors of floats, in the words of simd.h.
 *
 * The methods are the classic ones (W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980;
 * J.-M. Muller, "Elementary Functions", 2016): reduce the argument exactly, evaluate a polynomial, put the exponent
 * back. The coefficients were found for soma by Remez exchange on the relative error in 50 digits; they were then
 * rounded to float one after the other, lowest power first, and the rest fitted again. Constants that take part in a
 * reduction have so few bits that their product with the whole number is exact without a fused multiply-add too. Every
 * function is right at 0 (with its sign), at both infinities, for NaN, for subnormal numbers and at the edge of
 * overflow; the largest errors are measured by tests/backend/test_math.c and listed in docs/numerics.md. Nothing here
 * uses a processor's estimates (rcpps, rsqrtps), whose bits differ between makers. */
#ifndef ISA_VMATH_H
#define ISA_VMATH_H

#include "backend/portable/isa/simd.h"

#include <math.h>

/* c0 + c1 x + c2 x^2 + … (Horner's rule), coefficients from the highest power down to the constant one. */
#define V_STEP(p, x, c) v_fma(p, x, v_set1(c))

/* ---- Exponentials ---------------------------------------------------------------------------------------------- */

/* x = n log 2 + r with |r| <= log(2) / 2. log 2 = 355/512 - 2.12e-4: n has 8 bits, 355 nine. */
SIMD vf v_exp_reduce(vf x, vf *n) {
    *n = v_round(x * v_set1(1.44269504f));
    return v_fnma(*n, v_set1(-2.12194440e-4f), v_fnma(*n, v_set1(0.693359375f), x));
}

/* The bounds of x, below which the result is 0 and above which it is infinite, keep n within what v_scale takes. */
SIMD_LONG vf v_exp(vf x) {
    vf n, r = v_exp_reduce(v_min(v_set1(92), v_max(v_set1(-105), x)), &n);
    vf p = v_set1(0.0013814467f);
    p = V_STEP(p, r, 0.008368781f);
    p = V_STEP(p, r, 0.041668393f);
    p = V_STEP(p, r, 0.1666652f);
    p = V_STEP(p, r, 0.49999994f);
    return v_scale(v_fma(r * r, p, r) + v_set1(1), n);
}

/* exp(r) - 1 for a reduced r. */
SIMD vf v_expm1_reduced(vf r) {
    vf p = v_set1(0.00014942445f);
    p = V_STEP(p, r, 0.0013930394f);
    p = V_STEP(p, r, 0.008341597f);
    p = V_STEP(p, r, 0.04166651f);
    p = V_STEP(p, r, 0.16666636f);
    p = V_STEP(p, r, 0.5f);
    return v_fma(r * r, p, r);
}

/* exp(x) - 1 = 2^n ((exp(r) - 1) + (1 - 2^-n)). Below -18 it is -1. */
SIMD_LONG vf v_expm1(vf x) {
    vf n, r = v_exp_reduce(v_min(v_set1(90), v_max(v_set1(-18), x)), &n);
    vf small = v_scale(v_set1(1), v_neg(v_min(n, v_set1(126))));
    return v_copysign(v_scale(v_expm1_reduced(r) + (v_set1(1) - small), n), x);
}

/* e = exp(-|x|) never overflows: 1 / (1 + e), or e / (1 + e) for a negative x, which keeps its relative accuracy. */
SIMD_LONG vf v_sigmoid(vf x) {
    vf e = v_exp(v_neg(v_abs(x))), r = v_set1(1) / (v_set1(1) + e);
    return v_select(v_lt(x, v_zero()), e * r, r);
}

/* tanh(|x|) = -t / (t + 2) with t = exp(-2 |x|) - 1; from 10 on it is 1. */
SIMD_LONG vf v_tanh(vf x) {
    vf n, r = v_exp_reduce(v_min(v_set1(10), v_abs(x)) * v_set1(-2), &n), scale = v_scale(v_set1(1), n);
    vf t = v_fma(scale, v_expm1_reduced(r), scale - v_set1(1));
    return v_copysign(t / (t + v_set1(2)), x);
}

/* ---- Logarithms ------------------------------------------------------------------------------------------------ */

/* x = 2^k m with m in [sqrt(1/2), sqrt(2)), for a positive normal x. */
SIMD vf v_log_reduce(vf x, vf *k) {
    vu bits = (vu)v_bits(x);
    vi e = (vi)(bits - (vu)vi_set1(0x3f3504f3)) >> 23;
    *k = v_from_int(e);
    return v_from_bits((vi)(bits - ((vu)e << 23)));
}

/* log(1 + f) + k log 2 for 1 + f in [sqrt(1/2), sqrt(2)]: f - f^2 / 2 + f^3 P(f). */
SIMD vf v_log_reduced(vf f, vf k) {
    vf p = v_set1(0.05276489f), square = f * f;
    p = V_STEP(p, f, -0.10880867f);
    p = V_STEP(p, f, 0.12119046f);
    p = V_STEP(p, f, -0.12556876f);
    p = V_STEP(p, f, 0.1420909f);
    p = V_STEP(p, f, -0.1665891f);
    p = V_STEP(p, f, 0.2000223f);
    p = V_STEP(p, f, -0.25000176f);
    p = V_STEP(p, f, 0.33333313f);
    p = v_fma(k, v_set1(-2.12194440e-4f), p * f * square);
    return v_fma(k, v_set1(0.693359375f), v_fma(square, v_set1(-0.5f), p) + f);
}

/* What a logarithm is where its argument `y` (x, or 1 + x) is no positive finite number. */
SIMD vf v_log_edges(vf y, vf result) {
    result = v_select(v_lt(y, v_set1(INFINITY)), result, y); /* infinity and NaN */
    result = v_select(v_eq(y, v_zero()), v_set1(-INFINITY), result);
    return v_select(v_lt(y, v_zero()), v_set1(NAN), result);
}

SIMD_LONG vf v_log(vf x) {
    vm subnormal = v_lt(x, v_set1(1.17549435e-38f));
    vf k, m = v_log_reduce(v_select(subnormal, x * v_set1(8388608.0f), x), &k);
    k = v_select(subnormal, k - v_set1(23), k);
    return v_log_edges(x, v_log_reduced(m - v_set1(1), k));
}

/* log(u) with u = 1 + x rounded; what rounding took from u, scaled like m, goes into f. */
SIMD_LONG vf v_log1p(vf x) {
    vf u = v_set1(1) + x, k, m = v_log_reduce(u, &k);
    vf lost = v_select(v_lt(x, v_set1(1)), x - (u - v_set1(1)), v_set1(1) - (u - x));
    vf f = (m - v_set1(1)) + v_scale(lost, v_neg(k));
    return v_select(v_eq(x, v_zero()), x, v_log_edges(u, v_log_reduced(f, k)));
}

/* ---- Error function -------------------------------------------------------------------------------------------- */

/* Up to 1: x + x P(x^2). Beyond: 1 - exp(-(t + t Q(t))) with t = min(|x|, 4), where the rest is below half a unit. */
SIMD_LONG vf v_erf(vf x) {
    vf t = v_min(v_set1(4), v_abs(x)), u = t * t;
    vf p = v_set1(7.806904e-05f), q = v_set1(3.947647e-06f);
    p = V_STEP(p, u, -0.0007997853f);
    p = V_STEP(p, u, 0.005187162f);
    p = V_STEP(p, u, -0.026853347f);
    p = V_STEP(p, u, 0.11283579f);
    p = V_STEP(p, u, -0.37612626f);
    p = V_STEP(p, u, 0.12837917f);
    q = V_STEP(q, t, -3.3331835e-05f);
    q = V_STEP(q, t, -0.00011301325f);
    q = V_STEP(q, t, 0.003108473f);
    q = V_STEP(q, t, -0.022968216f);
    q = V_STEP(q, t, 0.105547346f);
    q = V_STEP(q, t, 0.63547546f);
    q = V_STEP(q, t, 0.12858485f);
    vf far = v_set1(1) - v_exp(v_neg(v_fma(t, q, t)));
    return v_copysign(v_select(v_gt(t, v_set1(1)), far, v_fma(t, p, t)), x);
}

/* ---- Sine and cosine ------------------------------------------------------------------------------------------- */

/* A lane that is too large for the reduction below goes through the C library in double. */
static __attribute__((noinline, unused)) void v_sincos_large(float *x, float *result, int cosine) {
    for (int i = 0; i < VW; i++)
        if (!(fabsf(x[i]) <= 10000)) result[i] = (float)(cosine ? cos((double)x[i]) : sin((double)x[i]));
}

/* x = n pi / 2 + r; pi / 2 in four parts, the first three of at most eleven bits, so that n < 2^13 times one is exact.
 * The sine of r for an even n, the cosine for an odd one, minus for 2 and 3. */
SIMD_LONG vf v_sincos(vf x, int cosine) {
    vf n = v_round(x * v_set1(0.636619772f));
    vf r = v_fnma(n, v_set1(0x1.92p+0f), x);
    r = v_fnma(n, v_set1(0x1.fb4p-12f), r);
    r = v_fnma(n, v_set1(0x1.444p-24f), r);
    r = v_fnma(n, v_set1(0x1.68c234p-39f), r);
    vf u = r * r, s = v_set1(2.83251e-06f), c = v_set1(2.4432327e-05f);
    s = V_STEP(s, u, -0.00019853064f);
    s = V_STEP(s, u, 0.008333379f);
    s = V_STEP(s, u, -0.16666667f);
    s = v_fma(r * u, s, r);
    c = V_STEP(c, u, -0.001388731f);
    c = V_STEP(c, u, 0.041666646f);
    c = v_fma(u * u, c, v_fma(u, v_set1(-0.5f), v_set1(1)));
    vi quadrant = v_truncate(n) + vi_set1(cosine);
    vf y = v_select(vi_eq(quadrant & vi_set1(1), vi_set1(0)), s, c);
    y = v_from_bits(v_bits(y) ^ ((quadrant & vi_set1(2)) << 30));
    if (!cosine) y = v_select(v_eq(x, v_zero()), x, y);
    vm large = m_not(v_le(v_abs(x), v_set1(10000)));
    if (__builtin_expect(m_any(large), 0)) {
        float in[VW], out[VW];
        v_store(in, x);
        v_store(out, y);
        v_sincos_large(in, out, cosine);
        y = v_load(out);
    }
    return y;
}
SIMD vf v_sin(vf x) { return v_sincos(x, 0); }
SIMD vf v_cos(vf x) { return v_sincos(x, 1); }

/* ---- Powers and roots ------------------------------------------------------------------------------------------ */

SIMD vf v_rsqrt(vf x) { return v_set1(1) / v_sqrt(x); }

/* sqrt(x) within 2 ULP: on AVX-512 from an estimate of 1 / sqrt(x) good to 14 bits, r, by Newton's iteration:
 * s (1 + (1 - s r) / 2) with s = x r. x is kept off 0, where r is infinite; negative, infinite, denormal and undefined
 * numbers get what the exact instruction gives, lane by lane, so that a result depends on its own x alone. */
SIMD vf v_sqrt_estimated(vf x) {
#ifdef SIMD_AVX512
    vf r = (vf)_mm512_rsqrt14_ps((__m512)v_max(x, v_set1(1e-36f))), s = v_mul(x, r), half = v_mul(v_set1(0.5f), r);
    s = v_fma(s, v_fnma(s, half, v_set1(0.5f)), s);
    __mmask16 odd = _mm512_fpclass_ps_mask((__m512)x, 0xf9);
    return __builtin_expect(odd != 0, 0) ? v_select(odd, v_sqrt(x), s) : s;
#else
    return v_sqrt(x);
#endif
}

/* |x|^y = 2^(y log2 |x|) in double, which leaves the error of the last rounding alone: log m = 2 artanh((m - 1) / (m +
 * 1)) and both series by Taylor. |x| is positive and finite, y finite. */
static __attribute__((noinline, unused)) void v_pow_positive(const float *x, const float *y, float *result) {
    typedef double vd __attribute__((vector_size(8 * VW)));
    typedef int64_t vl __attribute__((vector_size(8 * VW)));
    vf size = v_abs(v_load(x)), exponent = v_load(y);
    vd a = __builtin_convertvector(size, vd), b = __builtin_convertvector(exponent, vd), magic = (vd){0} + 0x1.8p52;
    vl bits = (vl)a, e = (bits - 0x3fe6a09e667f3bcdLL) >> 52; /* sqrt(1/2); every float is a normal double */
    vd m = (vd)(bits - (e << 52)), s = (m - 1) / (m + 1), u = s * s;
    vd log2 = (vd){0} + 1.0 / 17;
    for (int k = 15; k >= 1; k -= 2) log2 = log2 * u + 1.0 / k;
    log2 = log2 * s * 2.8853900817779268 + ((vd)(e + (vl)magic) - magic);
    vd z = b * log2;
    z = (vd)((vl)z & (vl)(z < 300)) + (vd)((vl)((vd){0} + 300) & ~(vl)(z < 300));
    z = (vd)((vl)z & (vl)(z > -300)) + (vd)((vl)((vd){0} - 300) & ~(vl)(z > -300));
    vd n = (z + magic) - magic, t = (z - n) * 0.6931471805599453, p = (vd){0} + 1.0 / 39916800;
    static const double inverse_factorial[] = {
        1, 1, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800};
    for (int k = 10; k >= 0; k--) p = p * t + inverse_factorial[k];
    p = (vd)((vl)p + (((vl)(n + magic) - (vl)magic) << 52));
    v_store(result, __builtin_convertvector(p, vf));
}

/* C's pow: x^0 and 1^y are 1 even for NaN; a negative x takes a whole y. */
SIMD vf v_pow(vf x, vf y) {
    float in[VW], exponent[VW], out[VW];
    v_store(in, x);
    v_store(exponent, y);
    v_pow_positive(in, exponent, out);
    vf result = v_load(out), zero = v_zero(), one = v_set1(1), inf = v_set1(INFINITY), size = v_abs(x);
    vf half = y * v_set1(0.5f);
    vm whole = v_eq(v_floor(y), y), odd = m_and(whole, m_not(v_eq(v_floor(half), half)));
    odd = m_and(odd, v_lt(v_abs(y), inf));
    /* 0 and infinity to any power, and an infinite power of anything but 1. */
    vf huge = v_select(v_gt(y, zero), inf, zero), tiny = v_select(v_gt(y, zero), zero, inf);
    result = v_select(v_eq(size, zero), tiny, result);
    result = v_select(v_eq(size, inf), huge, result);
    vf limit = v_select(v_lt(size, one), tiny, v_select(v_eq(size, one), one, huge));
    result = v_select(v_eq(v_abs(y), inf), limit, result);
    /* The sign of a negative x: also that of -0 and -infinity. */
    result = v_select(odd, v_copysign(result, x), result);
    vm no_root = m_and(v_lt(x, zero), m_and(m_not(whole), v_lt(size, inf)));
    result = v_select(no_root, v_set1(NAN), result);
    result = v_select(m_or(v_isnan(x), v_isnan(y)), x + y, result);
    return v_select(m_or(v_eq(y, zero), v_eq(x, one)), one, result);
}

#endif
