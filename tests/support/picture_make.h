/* picture_make.h: PNG and JPEG files made by the libraries themselves, for tests that read them back. */
#ifndef SUPPORT_PICTURE_MAKE_H
#define SUPPORT_PICTURE_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct made_file {
    uint8_t *bytes; /* freed with free; NULL when soma was built without the library */
    size_t size;
} made_file;

typedef struct png_kind {
    int samples, depth; /* 1 to 4; 1, 2, 4, 8 or 16 */
    bool palette;       /* samples is 1: indices into a palette whose colour i is (i, 2 i, 255 - i) */
    int transparent;    /* the palette's first so many colours have alpha 128; a grey value + 1 is transparent */
    bool interlaced;
    int orientation; /* in an eXIf chunk; 0: none */
} png_kind;

/* `values` are bytes of height x width x samples; other depths get them scaled (16) or cut (below 8, but a palette's).
 */
made_file make_png(int width, int height, png_kind kind, const uint8_t *values);

typedef struct jpeg_kind {
    int samples; /* 1 grey, 3 RGB, 4 CMYK */
    bool halved; /* colours at half the resolution */
    bool progressive;
    bool ycck, plain; /* CMYK: as YCCK; without Adobe's mark */
    int orientation;  /* in an EXIF marker; 0: none */
} jpeg_kind;

made_file make_jpeg(int width, int height, jpeg_kind kind, const uint8_t *values);

/* An EXIF block: a TIFF header and one directory. */
enum { EXIF_BYTES = 26 };
void make_exif(int orientation, bool big_endian, uint8_t bytes[EXIF_BYTES]);

#endif
