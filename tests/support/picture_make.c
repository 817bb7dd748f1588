/* picture_make.c: writers that end the program when anything fails. */
#include "picture_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef SOMA_HAVE_PNG
#include <png.h>
#endif
#ifdef SOMA_HAVE_JPEG
#include <jpeglib.h>
#endif

void make_exif(int orientation, bool big_endian, uint8_t bytes[EXIF_BYTES]) {
    static const uint8_t little[EXIF_BYTES] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1},
                         big[EXIF_BYTES] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1};
    memcpy(bytes, big_endian ? big : little, EXIF_BYTES);
    bytes[big_endian ? 19 : 18] = (uint8_t)orientation;
}

#ifdef SOMA_HAVE_PNG
static void append(png_structp png, png_bytep from, size_t size) {
    made_file *file = png_get_io_ptr(png);
    file->bytes = realloc(file->bytes, file->size + size);
    if (!file->bytes) abort();
    memcpy(file->bytes + file->size, from, size);
    file->size += size;
}

static void flush(png_structp png) { (void)png; }

static void put_header(png_structp png, png_infop info, int width, int height, png_kind kind) {
    static const int colours[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                  PNG_COLOR_TYPE_RGB_ALPHA};
    png_color palette[256];
    png_byte alpha[256], exif[EXIF_BYTES];
    png_color_16 grey = {.gray = (png_uint_16)(kind.transparent - 1)};
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, kind.depth,
                 kind.palette ? PNG_COLOR_TYPE_PALETTE : colours[kind.samples - 1],
                 kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    for (int i = 0; i < 256; i++) {
        palette[i] = (png_color){(png_byte)i, (png_byte)(2 * i), (png_byte)(255 - i)};
        alpha[i] = 128;
    }
    if (kind.palette) png_set_PLTE(png, info, palette, 1 << kind.depth);
    if (kind.transparent)
        png_set_tRNS(png, info, kind.palette ? alpha : NULL, kind.palette ? kind.transparent : 1,
                     kind.palette ? NULL : &grey);
    if (kind.orientation) {
        make_exif(kind.orientation, true, exif);
        png_set_eXIf_1(png, info, EXIF_BYTES, exif);
    }
    png_write_info(png, info);
    if (kind.depth < 8) png_set_packing(png);
}

made_file make_png(int width, int height, png_kind kind, const uint8_t *values) {
    made_file file = {NULL, 0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    size_t row = (size_t)(width * kind.samples);
    png_byte *line = calloc(row, 2);
    if (!info || !line) abort();
    png_set_write_fn(png, &file, append, flush);
    put_header(png, info, width, height, kind);
    int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < height; y++) {
            const uint8_t *from = values + (size_t)y * row;
            for (size_t i = 0; i < row; i++) {
                if (kind.depth == 16)
                    line[2 * i] = line[2 * i + 1] = from[i];
                else
                    line[i] = (png_byte)(kind.palette ? from[i] : from[i] >> (8 - kind.depth));
            }
            png_write_row(png, line);
        }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    free(line);
    return file;
}
#else
made_file make_png(int width, int height, png_kind kind, const uint8_t *values) {
    (void)width, (void)height, (void)kind, (void)values;
    return (made_file){NULL, 0};
}
#endif

#ifdef SOMA_HAVE_JPEG
made_file make_jpeg(int width, int height, jpeg_kind kind, const uint8_t *values) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = kind.samples;
    jpeg.in_color_space = kind.samples == 1 ? JCS_GRAYSCALE : kind.samples == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    if (kind.ycck) jpeg_set_colorspace(&jpeg, JCS_YCCK);
    if (kind.plain) jpeg.write_Adobe_marker = FALSE;
    if (!kind.halved) jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
    if (kind.ycck) jpeg.comp_info[3].h_samp_factor = jpeg.comp_info[3].v_samp_factor = kind.halved ? 2 : 1;
    if (kind.progressive) jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    if (kind.orientation) {
        uint8_t marker[6 + EXIF_BYTES] = "Exif";
        make_exif(kind.orientation, false, marker + 6);
        jpeg_write_marker(&jpeg, JPEG_APP0 + 1, marker, sizeof marker);
    }
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(values + (size_t)jpeg.next_scanline * (size_t)(width * kind.samples));
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (made_file){bytes, size};
}
#else
made_file make_jpeg(int width, int height, jpeg_kind kind, const uint8_t *values) {
    (void)width, (void)height, (void)kind, (void)values;
    return (made_file){NULL, 0};
}
#endif
