/* wasm/picture.c: a picture of any size as a model's input, fitted by the same code as the command fits it. The browser
 * has decoded it: pixels of red, green, blue and how opaque they are. */
#include "binding.h"
#include "data/image.h"

/* What is transparent is laid over white, as image.c does. */
static void lay_over_white(const uint8_t *rgba, size_t pixels, uint8_t *planes) {
    for (size_t i = 0; i < pixels; i++) {
        unsigned opaque = rgba[4 * i + 3];
        for (size_t c = 0; c < 3; c++)
            planes[c * pixels + i] = (uint8_t)((rgba[4 * i + c] * opaque + 127) / 255 + 255 - opaque);
    }
}

int picture_fit(const uint8_t *rgba, size_t height, size_t width, const int32_t *sample, int last,
                const double *scaling, float *out, soma_error *error) {
    size_t channels = (size_t)sample[0], pixels = height * width, plane = (size_t)sample[1] * (size_t)sample[2];
    if (channels != 1 && channels != 3)
        return error_set(error, SOMA_ERROR_ARGUMENT, "a picture has 1 or 3 channels, not %zu", channels);
    image from = {.channels = 3, .height = (int64_t)height, .width = (int64_t)width};
    from.pixels = mem_array(NULL, pixels, 3);
    uint8_t *fitted = mem_array(NULL, plane, channels);
    if (!from.pixels || !fitted) {
        error_memory(error);
    } else {
        lay_over_white(rgba, pixels, from.pixels);
        image_fit(NULL, &from, sample[0], sample[1], sample[2], fitted, error);
    }
    for (size_t c = 0; !error->code && c < channels; c++)
        for (size_t i = 0; i < plane; i++) {
            double value = ((double)fitted[c * plane + i] * scaling[0] - scaling[1 + c]) / scaling[4 + c];
            out[last ? i * channels + c : c * plane + i] = (float)value;
        }
    mem_free(NULL, from.pixels);
    mem_free(NULL, fitted);
    return error->code;
}
