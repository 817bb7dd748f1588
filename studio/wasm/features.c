/* wasm/features.c: what a network sees of a point (x1, x2): any of x1, x2, x1^2, x2^2, x1 x2, sin(pi x1), sin(pi x2),
 * in this order, chosen by bits. They are nodes of the graph, so that they are saved with the network. The points lie
 * in about -1 .. 1, whence the pi: one wave over the picture. */
#include "network.h"

enum { FEATURES = 7 };

static soma_value wave(soma_value x) { return soma_sin(soma_mul(x, soma_scalar(x.graph, 3.14159265358979323846))); }

soma_value features_build(soma_value x, uint32_t features) {
    if (!features || features == 3) return x;
    soma_value a = soma_slice(x, 1, 0, 1, 1), b = soma_slice(x, 1, 1, 2, 1), chosen[FEATURES];
    int count = 0;
    if (features & 1 << 0) chosen[count++] = a;
    if (features & 1 << 1) chosen[count++] = b;
    if (features & 1 << 2) chosen[count++] = soma_square(a);
    if (features & 1 << 3) chosen[count++] = soma_square(b);
    if (features & 1 << 4) chosen[count++] = soma_mul(a, b);
    if (features & 1 << 5) chosen[count++] = wave(a);
    if (features & 1 << 6) chosen[count++] = wave(b);
    return soma_concat(chosen, count, 1);
}
