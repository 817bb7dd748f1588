/* wasm/points.c: soma's generated point sets. */
#include "binding.h"
#include "data/generate.h"

void points_make(int shape, size_t count, double noise, double seed, float *xy, float *labels) {
    points_options o = points_defaults((points_shape)shape);
    o.noise = noise;
    o.seed = (uint64_t)seed;
    for (size_t i = 0; i < count; i++) {
        points_point p = points_at(&o, (int64_t)i);
        xy[2 * i] = (float)p.x;
        xy[2 * i + 1] = (float)p.y;
        labels[i] = (float)p.label;
    }
}
