/* data/image.c: what is common to pictures of all formats: telling them apart, limits, EXIF's orientation (CIPA DC-008,
 * tag 0x0112 of the first directory), and the way from stored pixels to planes: ink and transparency become light, and
 * the picture is turned upright while it is copied. */
#include "data/image.h"

image_format image_format_of(const uint8_t *bytes, size_t size) {
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, jpeg[3] = {0xFF, 0xD8, 0xFF};
    if (size >= sizeof png && memcmp(bytes, png, sizeof png) == 0) return IMAGE_PNG;
    return size >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0 ? IMAGE_JPEG : IMAGE_OTHER;
}

int image_raw_make(const soma_context *context, const char *name, size_t size, uint64_t most, bool head, image_raw *raw,
                   soma_error *error) {
    if (raw->width < 1 || raw->height < 1 || raw->width > IMAGE_SIDE_MAX || raw->height > IMAGE_SIDE_MAX ||
        raw->width * raw->height > IMAGE_PIXELS_MAX)
        return error_set(error, SOMA_ERROR_INPUT, "%s: is %lld x %lld pixels; expected at most %d a side and %d in all",
                         name, (long long)raw->width, (long long)raw->height, IMAGE_SIDE_MAX, IMAGE_PIXELS_MAX);
    if (head) return SOMA_OK;
    uint64_t pixels = (uint64_t)(raw->width * raw->height);
    if (pixels / most > (uint64_t)size + 64)
        return error_set(error, SOMA_ERROR_INPUT,
                         "%s: the header says %lld x %lld pixels, more than %zu bytes can hold", name,
                         (long long)raw->width, (long long)raw->height, size);
    raw->pixels = mem_array(context, (size_t)pixels, (size_t)raw->samples);
    return raw->pixels ? SOMA_OK : error_memory(error);
}

/* ---- EXIF ------------------------------------------------------------------------------------------------------ */

static uint32_t tiff_number(const uint8_t *at, size_t width, bool big) {
    uint32_t value = 0;
    for (size_t i = 0; i < width; i++) value = value << 8 | at[big ? i : width - 1 - i];
    return value;
}

int image_exif_orientation(const uint8_t *bytes, size_t size) {
    enum { HEADER = 8, ENTRY = 12, TAG = 0x0112, SHORT = 3 };
    if (size < HEADER || bytes[0] != bytes[1] || (bytes[0] != 'I' && bytes[0] != 'M')) return 1;
    bool big = bytes[0] == 'M';
    size_t at = tiff_number(bytes + 4, 4, big);
    if (tiff_number(bytes + 2, 2, big) != 42 || at > size || size - at < 2) return 1;
    size_t entries = tiff_number(bytes + at, 2, big);
    at += 2;
    for (size_t i = 0; i < entries && size - at >= ENTRY; i++, at += ENTRY) {
        if (tiff_number(bytes + at, 2, big) != TAG || tiff_number(bytes + at + 2, 2, big) != SHORT) continue;
        int orientation = (int)tiff_number(bytes + at + 8, 2, big);
        return orientation >= 1 && orientation <= 8 ? orientation : 1;
    }
    return 1;
}

/* ---- Pixels ---------------------------------------------------------------------------------------------------- */

/* v * a / 255, rounded. */
static unsigned scaled(unsigned v, unsigned a) { return (v * a + 127) / 255; }

static uint8_t over_white(unsigned v, unsigned alpha) { return (uint8_t)(scaled(v, alpha) + 255 - alpha); }

/* The light of one channel of a stored pixel. */
static uint8_t light(const image_raw *raw, const uint8_t *pixel, int64_t channel) {
    if (raw->cmyk) {
        unsigned flip = raw->inverted ? 0 : 255;
        return (uint8_t)scaled(pixel[channel] ^ flip, pixel[3] ^ flip);
    }
    return raw->samples % 2 ? pixel[channel] : over_white(pixel[channel], pixel[raw->samples - 1]);
}

/* Where the upright picture's first pixel is stored, and how far it is to the next one down and to the right. */
typedef struct walk {
    int64_t start, down, right;
} walk;

static walk walk_of(const image_raw *raw) {
    int64_t w = raw->width, last_row = (raw->height - 1) * w;
    const walk walks[] = {{0, w, 1}, {w - 1, w, -1},    {last_row + w - 1, -w, -1}, {last_row, -w, 1},
                          {0, 1, w}, {last_row, 1, -w}, {last_row + w - 1, -1, -w}, {w - 1, -1, w}};
    return walks[raw->orientation - 1];
}

static void fill_planes(const image_raw *raw, image *picture) {
    walk from = walk_of(raw);
    uint8_t *to = picture->pixels;
    for (int64_t c = 0; c < picture->channels; c++)
        for (int64_t y = 0; y < picture->height; y++) {
            const uint8_t *pixel = raw->pixels + (from.start + y * from.down) * raw->samples;
            for (int64_t x = 0; x < picture->width; x++) *to++ = light(raw, pixel + x * from.right * raw->samples, c);
        }
}

void image_clear(const soma_context *context, image *picture) {
    mem_free(context, picture->pixels);
    *picture = (image){.pixels = NULL};
}

static int read_raw(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, bool head,
                    image_raw *raw, soma_error *error) {
    *raw = (image_raw){.orientation = 1};
    switch (image_format_of(bytes, size)) {
    case IMAGE_PNG:
        return image_png_read(context, bytes, size, name, head, raw, error);
    case IMAGE_JPEG:
        return image_jpeg_read(context, bytes, size, name, head, raw, error);
    default:
        return error_set(error, SOMA_ERROR_INPUT, "%s: is no picture; expected a PNG or JPEG file", name);
    }
}

static void describe(const image_raw *raw, image *picture) {
    bool turned = raw->orientation > 4;
    *picture = (image){.channels = raw->samples < 3 ? 1 : 3,
                       .height = turned ? raw->width : raw->height,
                       .width = turned ? raw->height : raw->width};
}

int image_head(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, image *picture,
               soma_error *error) {
    image_raw raw;
    *picture = (image){.pixels = NULL};
    int code = read_raw(context, bytes, size, name, true, &raw, error);
    if (!code) describe(&raw, picture);
    return code;
}

int image_decode(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, image *picture,
                 soma_error *error) {
    image_raw raw;
    *picture = (image){.pixels = NULL};
    int code = read_raw(context, bytes, size, name, false, &raw, error);
    if (code || !raw.pixels) return code ? code : SOMA_ERROR_INTERNAL;
    describe(&raw, picture);
    picture->pixels = mem_array(context, (size_t)(picture->height * picture->width), (size_t)picture->channels);
    if (picture->pixels)
        fill_planes(&raw, picture);
    else
        code = error_memory(error);
    mem_free(context, raw.pixels);
    return code;
}
