/* data/image_fit.c: pictures of any size become the size that a network takes. Both axes have the same scale f (old
 * pixels a new one), the largest at which the new size fits into the picture; what sticks out on two sides is cut off
 * equally. The value of new pixel i is the mean of the old pixels weighted by the triangle
 * max(0, 1 - |old + 0.5 - centre| / reach), centre = begin + (i + 0.5) f, reach = max(f, 1): first along rows, then
 * along columns, in float, rounded once at the end. */
#include "data/image.h"

#include <math.h>

/* The old pixels that make each new one along an axis: `first`, `count` and their weights. */
typedef struct taps {
    int64_t *first, *count;
    float *weights; /* `most` for each new pixel */
    int64_t most;
} taps;

static void taps_clear(const soma_context *context, taps *t) {
    mem_free(context, t->first);
    mem_free(context, t->count);
    mem_free(context, t->weights);
}

static void weigh(taps *t, int64_t i, double centre, double reach, int64_t from) {
    int64_t first = (int64_t)floor(centre - reach), end = (int64_t)ceil(centre + reach);
    if (first < 0) first = 0;
    if (end > from) end = from;
    if (end - first > t->most) end = first + t->most;
    float *weights = t->weights + i * t->most;
    double sum = 0;
    for (int64_t k = first; k < end; k++) {
        double weight = 1 - fabs((double)k + 0.5 - centre) / reach;
        weights[k - first] = weight > 0 ? (float)weight : 0;
        sum += (double)weights[k - first];
    }
    for (int64_t k = first; k < end; k++) weights[k - first] = (float)((double)weights[k - first] / sum);
    t->first[i] = first;
    t->count[i] = end - first;
}

static bool taps_make(const soma_context *context, int64_t from, int64_t to, double scale, taps *t) {
    double reach = scale > 1 ? scale : 1, begin = ((double)from - (double)to * scale) / 2;
    *t = (taps){.most = 2 * (int64_t)ceil(reach) + 2};
    t->first = mem_array(context, (size_t)to, sizeof *t->first);
    t->count = mem_array(context, (size_t)to, sizeof *t->count);
    t->weights = mem_array(context, (size_t)(to * t->most), sizeof *t->weights);
    if (!t->first || !t->count || !t->weights) return false;
    for (int64_t i = 0; i < to; i++) weigh(t, i, begin + ((double)i + 0.5) * scale, reach, from);
    return true;
}

/* One plane: rows into `lines` (all old rows x new width), then columns into `to`. */
static void scale_plane(const uint8_t *from, int64_t old_width, int64_t old_height, const taps *across,
                        const taps *down, int64_t height, int64_t width, float *lines, float *sums, uint8_t *to) {
    for (int64_t y = 0; y < old_height; y++)
        for (int64_t x = 0; x < width; x++) {
            const uint8_t *old = from + y * old_width + across->first[x];
            const float *weights = across->weights + x * across->most;
            float sum = 0;
            for (int64_t k = 0; k < across->count[x]; k++) sum += weights[k] * (float)old[k];
            lines[y * width + x] = sum;
        }
    for (int64_t y = 0; y < height; y++) {
        const float *weights = down->weights + y * down->most;
        for (int64_t x = 0; x < width; x++) sums[x] = 0;
        for (int64_t k = 0; k < down->count[y]; k++) {
            const float *line = lines + (down->first[y] + k) * width;
            for (int64_t x = 0; x < width; x++) sums[x] += weights[k] * line[x];
        }
        for (int64_t x = 0; x < width; x++) {
            float value = sums[x] + 0.5f;
            to[y * width + x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
}

/* All planes of `from` into `to`, which has as many. */
static int scale_planes(const soma_context *context, const image *from, int64_t height, int64_t width, uint8_t *to,
                        soma_error *error) {
    double down_by = (double)from->height / (double)height, across_by = (double)from->width / (double)width;
    double scale = down_by < across_by ? down_by : across_by;
    taps across = {0}, down = {0};
    float *lines = mem_array(context, (size_t)(from->height * width), sizeof *lines);
    float *sums = mem_array(context, (size_t)width, sizeof *sums);
    int code = SOMA_OK;
    if (lines && sums && taps_make(context, from->width, width, scale, &across) &&
        taps_make(context, from->height, height, scale, &down))
        for (int64_t c = 0; c < from->channels; c++)
            scale_plane(from->pixels + c * from->height * from->width, from->width, from->height, &across, &down,
                        height, width, lines, sums, to + c * height * width);
    else
        code = error_memory(error);
    taps_clear(context, &across);
    taps_clear(context, &down);
    mem_free(context, lines);
    mem_free(context, sums);
    return code;
}

/* ITU-R BT.601's luminance in parts of 65536, rounded. */
static void to_grey(const uint8_t *rgb, size_t pixels, uint8_t *grey) {
    for (size_t i = 0; i < pixels; i++)
        grey[i] = (uint8_t)((19595u * rgb[i] + 38470u * rgb[pixels + i] + 7471u * rgb[2 * pixels + i] + 32768u) >> 16);
}

int image_fit(const soma_context *context, const image *from, int64_t channels, int64_t height, int64_t width,
              uint8_t *to, soma_error *error) {
    size_t pixels = (size_t)(height * width);
    bool same = from->height == height && from->width == width, grey = from->channels == 3 && channels == 1;
    const uint8_t *source = from->pixels;
    uint8_t *colours = NULL;
    int code = SOMA_OK;
    if (!same) {
        uint8_t *scaled = to;
        if (grey && !(scaled = colours = mem_array(context, pixels, 3))) return error_memory(error);
        code = scale_planes(context, from, height, width, scaled, error);
        source = scaled;
    }
    if (!code && grey)
        to_grey(source, pixels, to);
    else if (!code && same)
        memcpy(to, source, pixels * (size_t)from->channels);
    if (!code && from->channels == 1)
        for (int64_t c = 1; c < channels; c++) memcpy(to + (size_t)c * pixels, to, pixels);
    mem_free(context, colours);
    return code;
}
