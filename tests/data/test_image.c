/* PNG and JPEG pictures: each kind gives the pixels that were put in, what is cut off or damaged is refused in one
 * sentence, and making a picture larger or smaller follows its rule. */
#include "data/image.h"
#include "data_check.h"
#include "support/picture_make.h"

#include <math.h>

enum { WIDTH = 13, HEIGHT = 9, PIXELS = WIDTH * HEIGHT };

static uint8_t values[PIXELS * 4];

/* Smooth, so that JPEG keeps it closely, and different in each corner and channel. */
static void fill(int samples) {
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < samples; c++)
                values[(y * WIDTH + x) * samples + c] = (uint8_t)(20 + 11 * x + 8 * y + (c % 3) * (30 - 3 * y));
}

static image decodes(made_file file) {
    image picture;
    soma_error error = {0};
    if (!file.bytes) skip();
    if (image_decode(NULL, file.bytes, file.size, "f", &picture, &error)) fail_msg("%s", error.message);
    image head;
    assert_int_equal(image_head(NULL, file.bytes, file.size, "f", &head, &error), SOMA_OK);
    assert_int_equal(head.channels, picture.channels);
    assert_int_equal(head.height, picture.height);
    assert_int_equal(head.width, picture.width);
    assert_null(head.pixels);
    free(file.bytes);
    return picture;
}

static void refuses(const uint8_t *bytes, size_t size, const char *expected) {
    image picture;
    soma_error error = {0};
    assert_int_not_equal(image_decode(NULL, bytes, size, "f", &picture, &error), SOMA_OK);
    assert_int_equal(error.code, SOMA_ERROR_INPUT);
    assert_null(picture.pixels);
    check_sentence(error.message, "f", expected);
}

/* Each pixel is what `expect` says of the values that were put in, within `tolerance`. */
static void check_pixels(image picture, int channels, int samples, int (*expect)(const uint8_t *value, int channel),
                         int tolerance) {
    assert_int_equal(picture.channels, channels);
    assert_int_equal(picture.height, HEIGHT);
    assert_int_equal(picture.width, WIDTH);
    for (int c = 0; c < channels; c++)
        for (int i = 0; i < PIXELS; i++) {
            int has = picture.pixels[c * PIXELS + i], wants = expect(values + i * samples, c);
            if (abs(has - wants) > tolerance) fail_msg("channel %d, pixel %d is %d, expected %d", c, i, has, wants);
        }
    image_clear(NULL, &picture);
}

static int as_it_is(const uint8_t *value, int channel) { return value[channel]; }
static int cut_to_4(const uint8_t *value, int channel) { return (value[channel] >> 4) * 17; }
static int cut_to_2(const uint8_t *value, int channel) { return (value[channel] >> 6) * 85; }
static int cut_to_1(const uint8_t *value, int channel) { return (value[channel] >> 7) * 255; }
static int over_white(int v, int alpha) { return (int)lround((v * alpha + 255.0 * (255 - alpha)) / 255); }
static int grey_alpha(const uint8_t *value, int channel) { return (void)channel, over_white(value[0], value[1]); }
static int rgb_alpha(const uint8_t *value, int channel) { return over_white(value[channel], value[3]); }
static int colour_of(int i, int channel) { return channel == 0 ? i : channel == 1 ? (2 * i) & 255 : 255 - i; }
static int in_palette(const uint8_t *value, int channel) { return colour_of(value[0], channel); }
static int half_in_palette(const uint8_t *value, int channel) {
    int v = colour_of(value[0], channel);
    return value[0] < 100 ? over_white(v, 128) : v;
}
static int but_20_white(const uint8_t *value, int channel) { return (void)channel, value[0] == 20 ? 255 : value[0]; }
static int ink(const uint8_t *value, int channel) {
    return (int)lround((255 - value[channel]) * (255 - value[3]) / 255.0);
}
static int adobe_ink(const uint8_t *value, int channel) { return (int)lround(value[channel] * value[3] / 255.0); }

static void every_kind_of_png_gives_its_pixels(void **state) {
    (void)state;
    static const struct {
        png_kind kind;
        int channels;
        int (*expect)(const uint8_t *value, int channel);
    } cases[] = {
        {{.samples = 1, .depth = 8}, 1, as_it_is},
        {{.samples = 1, .depth = 16}, 1, as_it_is},
        {{.samples = 1, .depth = 4}, 1, cut_to_4},
        {{.samples = 1, .depth = 2}, 1, cut_to_2},
        {{.samples = 1, .depth = 1}, 1, cut_to_1},
        {{.samples = 1, .depth = 8, .transparent = 21}, 1, but_20_white},
        {{.samples = 2, .depth = 8}, 1, grey_alpha},
        {{.samples = 2, .depth = 16}, 1, grey_alpha},
        {{.samples = 3, .depth = 8}, 3, as_it_is},
        {{.samples = 3, .depth = 16}, 3, as_it_is},
        {{.samples = 4, .depth = 8}, 3, rgb_alpha},
        {{.samples = 4, .depth = 16}, 3, rgb_alpha},
        {{.samples = 1, .depth = 8, .palette = true}, 3, in_palette},
        {{.samples = 1, .depth = 8, .palette = true, .transparent = 100}, 3, half_in_palette},
    };
    for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
        png_kind kind = cases[i / 2].kind;
        kind.interlaced = i % 2;
        fill(kind.samples);
        check_pixels(decodes(make_png(WIDTH, HEIGHT, kind, values)), cases[i / 2].channels, kind.samples,
                     cases[i / 2].expect, 0);
    }
}

static void small_palettes_are_unpacked(void **state) {
    (void)state;
    for (int i = 0; i < PIXELS; i++) values[i] = (uint8_t)(i % 4);
    check_pixels(decodes(make_png(WIDTH, HEIGHT, (png_kind){.samples = 1, .depth = 2, .palette = true}, values)), 3, 1,
                 in_palette, 0);
}

static void every_kind_of_jpeg_gives_its_pixels(void **state) {
    (void)state;
    static const struct {
        jpeg_kind kind;
        int tolerance;
        int (*expect)(const uint8_t *value, int channel);
    } cases[] = {
        {{.samples = 1}, 2, as_it_is},
        {{.samples = 1, .progressive = true}, 2, as_it_is},
        {{.samples = 3}, 3, as_it_is},
        {{.samples = 3, .progressive = true}, 3, as_it_is},
        {{.samples = 3, .halved = true}, 16, as_it_is},
        {{.samples = 4}, 4, adobe_ink},
        {{.samples = 4, .ycck = true}, 4, adobe_ink},
        {{.samples = 4, .plain = true}, 4, ink},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fill(cases[i].kind.samples);
        check_pixels(decodes(make_jpeg(WIDTH, HEIGHT, cases[i].kind, values)), cases[i].kind.samples == 1 ? 1 : 3,
                     cases[i].kind.samples, cases[i].expect, cases[i].tolerance);
    }
}

/* Where the stored pixel (x, y) stands when the picture is upright, by EXIF's table: 0th row is the visual …, 0th
 * column the visual …. */
static void place(int orientation, int x, int y, int *across, int *down) {
    int right = WIDTH - 1 - x, bottom = HEIGHT - 1 - y;
    const int places[8][2] = {{x, y}, {right, y},  {right, bottom}, {x, bottom},
                              {y, x}, {bottom, x}, {bottom, right}, {y, right}};
    *across = places[orientation - 1][0];
    *down = places[orientation - 1][1];
}

static void pictures_are_turned_as_exif_says(void **state) {
    (void)state;
    fill(1);
    for (int i = 1; i <= 16; i++) {
        int o = (i + 1) / 2;
        image p =
            decodes(i % 2 ? make_png(WIDTH, HEIGHT, (png_kind){.samples = 1, .depth = 8, .orientation = o}, values)
                          : make_jpeg(WIDTH, HEIGHT, (jpeg_kind){.samples = 1, .orientation = o}, values));
        assert_int_equal(p.width, o > 4 ? HEIGHT : WIDTH);
        assert_int_equal(p.height, o > 4 ? WIDTH : HEIGHT);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                int across, down;
                place(o, x, y, &across, &down);
                assert_in_range(p.pixels[down * p.width + across] + 2, values[y * WIDTH + x],
                                values[y * WIDTH + x] + 4);
            }
        image_clear(NULL, &p);
    }
}

static void exif_that_is_broken_means_upright(void **state) {
    (void)state;
    uint8_t exif[EXIF_BYTES];
    for (int big = 0; big < 2; big++) {
        make_exif(6, big, exif);
        assert_int_equal(image_exif_orientation(exif, sizeof exif), 6);
        for (size_t size = 0; size < 22; size++) assert_int_equal(image_exif_orientation(exif, size), 1);
        make_exif(9, big, exif);
        assert_int_equal(image_exif_orientation(exif, sizeof exif), 1);
        make_exif(6, big, exif);
        memset(exif + 4, 0xFF, 4); /* the directory lies elsewhere */
        assert_int_equal(image_exif_orientation(exif, sizeof exif), 1);
    }
}

static void pictures_that_are_cut_off_are_refused(void **state) {
    (void)state;
    fill(3);
    made_file files[] = {make_png(WIDTH, HEIGHT, (png_kind){.samples = 3, .depth = 8}, values),
                         make_png(WIDTH, HEIGHT, (png_kind){.samples = 3, .depth = 8, .interlaced = true}, values),
                         make_jpeg(WIDTH, HEIGHT, (jpeg_kind){.samples = 3, .orientation = 3}, values),
                         make_jpeg(WIDTH, HEIGHT, (jpeg_kind){.samples = 3, .progressive = true}, values)};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        const char *kind = i < 2 ? "is a PNG file that is cut off" : "is a JPEG file that is cut off";
        for (size_t size = 0; files[i].bytes && size < files[i].size; size++) {
            uint8_t *copy = malloc(size + 1); /* of exactly this size, for the sanitizer */
            memcpy(copy, files[i].bytes, size);
            copy = realloc(copy, size ? size : 1);
            bool known = size >= (i < 2 ? 8 : 3);
            refuses(copy, size, known ? kind : "is no picture; expected a PNG or JPEG file");
            free(copy);
        }
        free(files[i].bytes);
    }
}

static void damage_of_any_byte_is_survived(void **state) {
    (void)state;
    fill(4);
    made_file files[] = {make_png(WIDTH, HEIGHT, (png_kind){.samples = 4, .depth = 8, .orientation = 5}, values),
                         make_jpeg(WIDTH, HEIGHT, (jpeg_kind){.samples = 4, .halved = true, .orientation = 7}, values)};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        size_t refused = 0;
        for (size_t at = 0; files[i].bytes && at < 8 * files[i].size; at++) {
            image picture;
            soma_error error = {0};
            files[i].bytes[at / 8] ^= (uint8_t)(1 << at % 8);
            if (image_decode(NULL, files[i].bytes, files[i].size, "f", &picture, &error)) {
                refused++;
                assert_true(error.code == SOMA_ERROR_INPUT && !picture.pixels);
                assert_true(!strncmp(error.message, "f: ", 3) && !strchr(error.message, '\n'));
            } else {
                assert_non_null(picture.pixels);
            }
            files[i].bytes[at / 8] ^= (uint8_t)(1 << at % 8);
            image_clear(NULL, &picture);
        }
        if (files[i].bytes) assert_true(refused > files[i].size);
        free(files[i].bytes);
    }
}

/* A PNG's checksum (ISO/IEC 15948, annex D). */
static uint32_t checksum(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++) crc = crc & 1 ? 0xEDB88320 ^ crc >> 1 : crc >> 1;
    }
    return ~crc;
}

static void big_endian(uint8_t *at, uint32_t v) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void sizes_that_are_claimed_are_checked_first(void **state) {
    (void)state;
    fill(1);
    made_file png = make_png(WIDTH, HEIGHT, (png_kind){.samples = 1, .depth = 8}, values);
    made_file jpeg = make_jpeg(WIDTH, HEIGHT, (jpeg_kind){.samples = 1}, values);
    if (png.bytes) {
        big_endian(png.bytes + 16, 32768);
        big_endian(png.bytes + 20, 4096);
        big_endian(png.bytes + 29, checksum(png.bytes + 12, 17));
        refuses(png.bytes, png.size, "is 32768 x 4096 pixels; expected at most 32768 a side and 67108864 in all");
        char sentence[120];
        big_endian(png.bytes + 20, 2048);
        big_endian(png.bytes + 29, checksum(png.bytes + 12, 17));
        snprintf(sentence, sizeof sentence, "the header says 32768 x 2048 pixels, more than %zu bytes can hold",
                 png.size);
        refuses(png.bytes, png.size, sentence);
    }
    for (size_t at = 0; jpeg.bytes && at < jpeg.size; at++)
        if (jpeg.bytes[at] == 0xFF && jpeg.bytes[at + 1] == 0xC0) {
            char sentence[120];
            memcpy(jpeg.bytes + at + 5, "\x80\x01\x00\x10", 4);
            refuses(jpeg.bytes, jpeg.size, "is 16 x 32769 pixels; expected at most 32768 a side and 67108864 in all");
            memcpy(jpeg.bytes + at + 5, "\x20\x00\x20\x00", 4);
            snprintf(sentence, sizeof sentence, "the header says 8192 x 8192 pixels, more than %zu bytes can hold",
                     jpeg.size);
            refuses(jpeg.bytes, jpeg.size, sentence);
            break;
        }
    free(png.bytes);
    free(jpeg.bytes);
}

static void other_bytes_are_no_picture(void **state) {
    (void)state;
    refuses((const uint8_t *)"GIF89a", 6, "is no picture; expected a PNG or JPEG file");
    refuses((const uint8_t *)"", 0, "is no picture; expected a PNG or JPEG file");
}

/* ---- Another size ---------------------------------------------------------------------------------------------- */

static void fits(const image *from, int64_t channels, int64_t height, int64_t width, const uint8_t *expected) {
    uint8_t to[64];
    assert_int_equal(image_fit(NULL, from, channels, height, width, to, NULL), SOMA_OK);
    assert_memory_equal(to, expected, (size_t)(channels * height * width));
}

static void the_same_size_stays_as_it_is(void **state) {
    (void)state;
    uint8_t pixels[] = {1, 2, 3, 4, 5, 6};
    const image grey = {1, 2, 3, pixels};
    fits(&grey, 1, 2, 3, pixels);
    fits(&grey, 3, 2, 3, (uint8_t[]){1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6});
}

static void colours_become_grey_by_their_luminance(void **state) {
    (void)state;
    uint8_t pixels[] = {255, 0, 0, 10, 0, 255, 0, 10, 0, 0, 255, 10};
    fits(&(image){3, 1, 4, pixels}, 1, 1, 4, (uint8_t[]){76, 150, 29, 10});
}

static void making_smaller_averages(void **state) {
    (void)state;
    /* scale 2, so the triangle reaches 2 old pixels from its centre: weights 1 3 3 1 of 8, cut off at the borders */
    uint8_t line[] = {0, 80, 160, 240};
    fits(&(image){1, 1, 4, line}, 1, 1, 4, line);
    uint8_t square[16];
    for (int i = 0; i < 16; i++) square[i] = line[i % 4];
    /* (3 * 0 + 3 * 80 + 1 * 160) / 7 = 57.1 and (80 + 3 * 160 + 3 * 240) / 7 = 182.9 */
    fits(&(image){1, 4, 4, square}, 1, 2, 2, (uint8_t[]){57, 183, 57, 183});
}

static void making_larger_interpolates(void **state) {
    (void)state;
    uint8_t pixels[] = {0, 100, 0, 100};
    fits(&(image){1, 2, 2, pixels}, 1, 4, 4,
         (uint8_t[]){0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100});
}

static void the_middle_is_taken_from_other_proportions(void **state) {
    (void)state;
    uint8_t wide[] = {9, 9, 1, 2, 9, 9, 9, 9, 3, 4, 9, 9}, tall[] = {9, 9, 1, 2, 3, 4, 9, 9};
    fits(&(image){1, 2, 6, wide}, 1, 2, 2, (uint8_t[]){1, 2, 3, 4});
    fits(&(image){1, 4, 2, tall}, 1, 2, 2, (uint8_t[]){1, 2, 3, 4});
}

static void a_constant_stays_constant_at_any_size(void **state) {
    (void)state;
    static uint8_t pixels[31 * 17], to[64 * 64];
    memset(pixels, 200, sizeof pixels);
    for (int64_t side = 1; side <= 64; side++) {
        assert_int_equal(image_fit(NULL, &(image){1, 31, 17, pixels}, 1, side, 65 - side, to, NULL), SOMA_OK);
        for (int64_t i = 0; i < side * (65 - side); i++) assert_int_equal(to[i], 200);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_png_gives_its_pixels),
        cmocka_unit_test(small_palettes_are_unpacked),
        cmocka_unit_test(every_kind_of_jpeg_gives_its_pixels),
        cmocka_unit_test(pictures_are_turned_as_exif_says),
        cmocka_unit_test(exif_that_is_broken_means_upright),
        cmocka_unit_test(pictures_that_are_cut_off_are_refused),
        cmocka_unit_test(damage_of_any_byte_is_survived),
        cmocka_unit_test(sizes_that_are_claimed_are_checked_first),
        cmocka_unit_test(other_bytes_are_no_picture),
        cmocka_unit_test(the_same_size_stays_as_it_is),
        cmocka_unit_test(colours_become_grey_by_their_luminance),
        cmocka_unit_test(making_smaller_averages),
        cmocka_unit_test(making_larger_interpolates),
        cmocka_unit_test(the_middle_is_taken_from_other_proportions),
        cmocka_unit_test(a_constant_stays_constant_at_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
