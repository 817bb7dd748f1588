/* base/float_mode.h: the floating-point environment of a thread while it runs steps. Numbers below the smallest normal
 * one count as zero there: moments and gradients decay into that range, where many processors are slow. What the thread
 * had before is put back. */
#ifndef BASE_FLOAT_MODE_H
#define BASE_FLOAT_MODE_H

#include <stdint.h>

#if defined(__SSE2__)
#include <xmmintrin.h>
typedef unsigned int float_mode;
static inline float_mode float_mode_flush(void) {
    float_mode before = _mm_getcsr();
    _mm_setcsr((before & ~0x3fu) | 0x8040u); /* flush to zero, denormals are zero */
    return before;
}
static inline void float_mode_restore(float_mode before) { _mm_setcsr(before); }
#elif defined(__aarch64__)
typedef uint64_t float_mode;
static inline float_mode float_mode_flush(void) {
    float_mode before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | (uint64_t)1 << 24));
    return before;
}
static inline void float_mode_restore(float_mode before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
#else
typedef int float_mode;
static inline float_mode float_mode_flush(void) { return 0; }
static inline void float_mode_restore(float_mode before) { (void)before; }
#endif

#endif
