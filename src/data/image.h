/* data/image.h: pictures in files: from the bytes of a PNG or JPEG to planes of bytes, and from any size to the one
 * that a network takes. Everything here may be called from several threads at once. */
#ifndef DATA_IMAGE_H
#define DATA_IMAGE_H

#include "base/base.h"

/* What a header may claim; anything larger is refused before memory is taken. */
enum { IMAGE_SIDE_MAX = 32768, IMAGE_PIXELS_MAX = 1 << 26 };

typedef enum image_format { IMAGE_OTHER, IMAGE_PNG, IMAGE_JPEG } image_format;

/* A picture upright: [channels, height, width], 0..255. */
typedef struct image {
    int64_t channels; /* 1 (grey) or 3 (red, green, blue) */
    int64_t height, width;
    uint8_t *pixels; /* freed by image_clear */
} image;

/* By the first bytes. */
image_format image_format_of(const uint8_t *bytes, size_t size);
/* Reads what the header says (pixels stay NULL), or the whole picture. A code and one sentence on failure; `name` is
 * for messages. Grey stays grey; 16 bits become 8; a palette and CMYK become RGB; what is transparent is laid over
 * white; the picture is turned as EXIF says. Colour profiles and gamma are not applied. */
int image_head(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, image *picture,
               soma_error *error);
int image_decode(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, image *picture,
                 soma_error *error);
void image_clear(const soma_context *context, image *picture);

/* Makes a picture of `channels` x `height` x `width` in `to`. The largest centred part with the new proportions is
 * scaled by a triangle filter as wide as a new pixel (at least an old one on each side), so that making smaller
 * averages and making larger interpolates; a picture that has the size already stays as it is. Colours become grey as
 * 0.299 R + 0.587 G + 0.114 B. */
int image_fit(const soma_context *context, const image *from, int64_t channels, int64_t height, int64_t width,
              uint8_t *to, soma_error *error);

/* ---- Between image.c and the file of each format ---------------------------------------------------------------- */

/* A picture as its format stores it, rows of pixels of `samples` bytes. */
typedef struct image_raw {
    int64_t height, width;
    int samples; /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha, or CMYK */
    bool cmyk;   /* and 255 means no ink, as Adobe writes it, where it is inverted */
    bool inverted;
    int orientation; /* EXIF's, 1 to 8 */
    uint8_t *pixels;
} image_raw;

/* `head`: no pixels are wanted. On failure no pixels are left. */
int image_png_read(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, bool head,
                   image_raw *raw, soma_error *error);
int image_jpeg_read(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, bool head,
                    image_raw *raw, soma_error *error);
/* Whether the sizes are allowed and can come out of `size` bytes, of which each gives at most `most` bytes of pixels;
 * takes memory for the pixels unless only the head is wanted. */
int image_raw_make(const soma_context *context, const char *name, size_t size, uint64_t most, bool head, image_raw *raw,
                   soma_error *error);
/* The orientation in an EXIF block (a TIFF header and its first directory); 1 where there is none. */
int image_exif_orientation(const uint8_t *bytes, size_t size);

#endif
