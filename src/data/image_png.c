/* data/image_png.c: PNG (ISO/IEC 15948) by libpng, from memory. libpng turns palettes, few or 16 bits and transparent
 * colours into 8 bits a sample; chunks that don't change a pixel are not even stored, EXIF's apart. Its errors jump
 * back here and become one sentence; nothing is printed. All that changes between the jump's two ends lies in
 * `png_reader`, not in locals. */
#include "data/image.h"

#ifdef SOMA_HAVE_PNG
#include <png.h>
#include <setjmp.h>
#include <stdio.h>

typedef struct png_reader {
    const soma_context *context;
    const uint8_t *bytes;
    size_t size, at;
    const char *name;
    png_structp png;
    png_infop info;
    image_raw *raw;
    soma_error *error;
    int code; /* of a failure of ours */
    bool memory, cut;
    char sentence[128];
} png_reader;

static void on_error(png_structp png, png_const_charp message) {
    png_reader *r = png_get_error_ptr(png);
    snprintf(r->sentence, sizeof r->sentence, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static png_voidp allocate(png_structp png, png_alloc_size_t size) {
    png_reader *r = png_get_mem_ptr(png);
    void *memory = mem_alloc(r->context, size);
    r->memory |= memory == NULL;
    return memory;
}

static void release(png_structp png, png_voidp memory) {
    const png_reader *r = png_get_mem_ptr(png);
    mem_free(r->context, memory);
}

static void take_bytes(png_structp png, png_bytep to, size_t wanted) {
    png_reader *r = png_get_io_ptr(png);
    if (r->size - r->at < wanted) {
        r->cut = true;
        png_error(png, "cut off");
    }
    memcpy(to, r->bytes + r->at, wanted);
    r->at += wanted;
}

static void set_up(png_reader *r) {
    png_set_read_fn(r->png, r, take_bytes);
    png_set_user_limits(r->png, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "eXIf", 1);
}

static void read_orientation(png_reader *r) {
#ifdef PNG_eXIf_SUPPORTED
    png_bytep exif = NULL;
    png_uint_32 length = 0;
    if (png_get_eXIf_1(r->png, r->info, &length, &exif) && exif)
        r->raw->orientation = image_exif_orientation(exif, length);
#endif
}

/* Reads within reach of the jump. */
static void read_all(png_reader *r, bool head) {
    image_raw *raw = r->raw;
    png_structp png = r->png;
    png_read_info(png, r->info);
    raw->width = png_get_image_width(png, r->info);
    raw->height = png_get_image_height(png, r->info);
    png_set_expand(png);
    png_set_scale_16(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, r->info);
    raw->samples = png_get_channels(png, r->info);
    read_orientation(r);
    /* deflate gives at most 1032 bytes for one; a pixel takes an eighth of a byte at the least */
    r->code = image_raw_make(r->context, r->name, r->size, 8 * 1032, head, raw, r->error);
    if (r->code || head) return;
    size_t row = (size_t)raw->width * (size_t)raw->samples;
    if (png_get_rowbytes(png, r->info) != row) png_error(png, "rows have an unexpected length");
    for (int pass = 0; pass < passes; pass++)
        for (int64_t y = 0; y < raw->height; y++) png_read_row(png, raw->pixels + (size_t)y * row, NULL);
    png_read_end(png, r->info);
    read_orientation(r);
}

static int fail(const png_reader *r) {
    if (r->code) return r->code;
    if (r->memory) return error_memory(r->error);
    if (r->cut) return error_set(r->error, SOMA_ERROR_INPUT, "%s: is a PNG file that is cut off", r->name);
    return error_set(r->error, SOMA_ERROR_INPUT, "%s: is a damaged PNG file: %s", r->name, r->sentence);
}

/* True when all went well. A function of its own, so that no local lives across the jump. */
static bool guarded(png_reader *r, bool head) {
    if (setjmp(png_jmpbuf(r->png))) return false;
    set_up(r);
    read_all(r, head);
    return r->code == SOMA_OK;
}

int image_png_read(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, bool head,
                   image_raw *raw, soma_error *error) {
    png_reader r = {.context = context, .bytes = bytes, .size = size, .name = name, .raw = raw, .error = error};
    r.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning, &r, allocate, release);
    r.info = r.png ? png_create_info_struct(r.png) : NULL;
    if (!r.info) r.memory = true;
    bool done = r.info && guarded(&r, head);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    if (done) return SOMA_OK;
    mem_free(context, raw->pixels);
    raw->pixels = NULL;
    return fail(&r);
}

#else

int image_png_read(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, bool head,
                   image_raw *raw, soma_error *error) {
    (void)context, (void)bytes, (void)size, (void)head, (void)raw;
    return error_set(error, SOMA_ERROR_INPUT, "%s: is a PNG file, and this soma is built without libpng", name);
}

#endif
