/* portable/dispatch.c: which instruction sets this build holds and this processor runs, and the kernels of each.
 *
 * The build says by SOMA_HAVE_<name> which sets of kernels were compiled: on x86-64 all three, on 64-bit ARM neon,
 * which all of them have, for WebAssembly wasm, elsewhere the baseline, for which the compiler's own target decides. */
#include "backend/portable/portable.h"

#include <stdlib.h>

#if defined(SOMA_HAVE_avx2) && defined(SOMA_HAVE_avx512)
extern const isa isa_baseline, isa_avx2, isa_avx512;
static const isa *const lists[][4] = {
    {&isa_baseline, NULL}, {&isa_baseline, &isa_avx2, NULL}, {&isa_baseline, &isa_avx2, &isa_avx512, NULL}};
/* The list for this processor. */
static size_t level(void) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
               ? 2
               : 1;
}
#elif defined(SOMA_HAVE_neon)
extern const isa isa_neon;
static const isa *const lists[][2] = {{&isa_neon, NULL}};
static size_t level(void) { return 0; }
#elif defined(SOMA_HAVE_wasm)
extern const isa isa_wasm;
static const isa *const lists[][2] = {{&isa_wasm, NULL}};
static size_t level(void) { return 0; }
#else
extern const isa isa_baseline;
static const isa *const lists[][2] = {{&isa_baseline, NULL}};
static size_t level(void) { return 0; }
#endif

const isa *const *isa_all(void) { return lists[level()]; }

const isa *isa_best(void) {
    const isa *const *all = isa_all();
    const isa *best = all[0];
    const char *wish = getenv("SOMA_ISA");
    for (; *all; all++) {
        best = *all;
        if (wish && !strcmp(best->name, wish)) break;
    }
    return best;
}

bool isa_has_kernel(const isa *set, const soma_op *op) {
    for (const kernel *k = set->kernels; k->op; k++)
        if (k->op == op) return true;
    return false;
}

/* The first of an op's kernels from `k` on that accepts a call. */
static const kernel *accepting(const kernel *k, const soma_op *op, const kernel_call *call, bool direct) {
    for (; k->op; k++)
        if (k->op == op && !(direct && k->algorithm) && (!k->accepts || k->accepts(call))) return k;
    return NULL;
}

const kernel *isa_kernel(const isa *set, const soma_op *op, const kernel_call *call, bool direct) {
    return accepting(set->kernels, op, call, direct);
}

const kernel *isa_next_kernel(const kernel *last, const kernel_call *call, bool direct) {
    return accepting(last + 1, last->op, call, direct);
}
