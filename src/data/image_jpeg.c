/* data/image_jpeg.c: JPEG (ITU-T T.81) by libjpeg-turbo, from memory: baseline and progressive; grey, YCbCr, RGB, CMYK
 * and YCCK. The library's errors jump back here and become one sentence; it only warns of data that are cut off or
 * damaged and would fill up with grey, so these warnings are errors too. Nothing is printed. All that changes between
 * the jump's two ends lies in `jpeg_reader`, not in locals. A progressive file may repeat scans over a large picture at
 * will; more than any encoder writes are refused. */
#include "data/image.h"

#ifdef SOMA_HAVE_JPEG
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

enum { MOST_SCANS = 100, EXIF_MARKER = JPEG_APP0 + 1 };

typedef struct jpeg_reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    const soma_context *context;
    size_t size;
    const char *name;
    image_raw *raw;
    soma_error *error;
    int code; /* of a failure of ours */
    bool memory, cut;
    char sentence[JMSG_LENGTH_MAX];
} jpeg_reader;

static jpeg_reader *reader_of(j_common_ptr common) { return common->client_data; }

static void on_error(j_common_ptr common) {
    jpeg_reader *r = reader_of(common);
    r->memory |= common->err->msg_code == JERR_OUT_OF_MEMORY;
    common->err->format_message(common, r->sentence);
    longjmp(r->back, 1);
}

static void on_message(j_common_ptr common, int level) {
    jpeg_reader *r = reader_of(common);
    if (level >= 0) return;
    switch (common->err->msg_code) {
    case JWRN_JPEG_EOF:
        r->cut = true;
        on_error(common);
        break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
        on_error(common);
        break;
    default: /* oddities that leave the picture whole */
        break;
    }
}

static void on_print(j_common_ptr common) { (void)common; }

static void on_progress(j_common_ptr common) {
    jpeg_reader *r = reader_of(common);
    if (r->jpeg.input_scan_number <= MOST_SCANS) return;
    snprintf(r->sentence, sizeof r->sentence, "it has more than %d scans", MOST_SCANS);
    longjmp(r->back, 1);
}

static void read_orientation(jpeg_reader *r) {
    static const char word[6] = "Exif";
    for (jpeg_saved_marker_ptr m = r->jpeg.marker_list; m; m = m->next)
        if (m->marker == EXIF_MARKER && m->data_length > sizeof word && memcmp(m->data, word, sizeof word) == 0) {
            r->raw->orientation = image_exif_orientation(m->data + sizeof word, m->data_length - sizeof word);
            return;
        }
}

/* What the picture is to become; false when it is of no known kind. */
static bool choose_colours(jpeg_reader *r) {
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    int parts = jpeg->num_components;
    if (jpeg->data_precision != 8 || (parts != 1 && parts != 3 && parts != 4) ||
        jpeg->jpeg_color_space == JCS_UNKNOWN) {
        snprintf(r->sentence, sizeof r->sentence,
                 "it has %d components of %d bits; expected 1, 3 or 4 of a known colour space, 8 bits each", parts,
                 jpeg->data_precision);
        return false;
    }
    jpeg->out_color_space = parts == 1 ? JCS_GRAYSCALE : parts == 3 ? JCS_RGB : JCS_CMYK;
    r->raw->samples = parts;
    r->raw->cmyk = parts == 4;
    r->raw->inverted = jpeg->saw_Adobe_marker;
    return true;
}

/* Reads within reach of the jump. False: the sentence says why, or r->code. */
static bool read_all(jpeg_reader *r, bool head) {
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    image_raw *raw = r->raw;
    jpeg_save_markers(jpeg, EXIF_MARKER, 0xFFFF);
    jpeg_read_header(jpeg, TRUE);
    raw->width = jpeg->image_width;
    raw->height = jpeg->image_height;
    if (!choose_colours(r)) return false;
    read_orientation(r);
    /* a block of 8 x 8 takes at least a bit of the first scan; twice and twice again as much is let pass */
    r->code = image_raw_make(r->context, r->name, r->size, 4 * 8 * 64, head, raw, r->error);
    if (r->code) return false;
    if (head) return true;
    jpeg_start_decompress(jpeg);
    size_t row = (size_t)raw->width * (size_t)raw->samples;
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW line = raw->pixels + jpeg->output_scanline * row;
        jpeg_read_scanlines(jpeg, &line, 1);
    }
    jpeg_finish_decompress(jpeg);
    return true;
}

static bool guarded(jpeg_reader *r, const uint8_t *bytes, bool head) {
    if (setjmp(r->back)) return false;
    jpeg_create_decompress(&r->jpeg);
    r->jpeg.progress = &r->progress;
    jpeg_mem_src(&r->jpeg, bytes, (unsigned long)r->size);
    return read_all(r, head);
}

static int fail(const jpeg_reader *r) {
    if (r->code) return r->code;
    if (r->memory) return error_memory(r->error);
    if (r->cut) return error_set(r->error, SOMA_ERROR_INPUT, "%s: is a JPEG file that is cut off", r->name);
    return error_set(r->error, SOMA_ERROR_INPUT, "%s: is a damaged or unknown kind of JPEG file: %s", r->name,
                     r->sentence);
}

int image_jpeg_read(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, bool head,
                    image_raw *raw, soma_error *error) {
    jpeg_reader r = {.context = context, .size = size, .name = name, .raw = raw, .error = error};
    r.jpeg.err = jpeg_std_error(&r.errors);
    r.jpeg.client_data = &r;
    r.errors.error_exit = on_error;
    r.errors.emit_message = on_message;
    r.errors.output_message = on_print;
    r.progress.progress_monitor = on_progress;
    bool done = guarded(&r, bytes, head);
    jpeg_destroy_decompress(&r.jpeg);
    if (done) return SOMA_OK;
    mem_free(context, raw->pixels);
    raw->pixels = NULL;
    return fail(&r);
}

#else

int image_jpeg_read(const soma_context *context, const uint8_t *bytes, size_t size, const char *name, bool head,
                    image_raw *raw, soma_error *error) {
    (void)context, (void)bytes, (void)size, (void)head, (void)raw;
    return error_set(error, SOMA_ERROR_INPUT, "%s: is a JPEG file, and this soma is built without libjpeg", name);
}

#endif
