/* Fuzzing of PNG and JPEG: any bytes are decoded or refused in one sentence, and what was decoded can be made larger
 * and smaller. Large claims are left to the tests, since they cost time only. */
#include "data/image.h"

#include <stdlib.h>

static void check_error(const soma_error *error) {
    if (error->code == SOMA_OK || !error->message[0] || strchr(error->message, '\n')) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    enum { PIXELS = 1 << 18 };
    soma_error error = {0};
    image head, picture;
    uint8_t to[3 * 7 * 5];
    if (image_head(NULL, bytes, size, "fuzz", &head, &error)) {
        check_error(&error);
        return 0;
    }
    if (head.height * head.width > PIXELS) return 0;
    if (image_decode(NULL, bytes, size, "fuzz", &picture, &error)) {
        check_error(&error);
        if (picture.pixels) abort();
        return 0;
    }
    if (image_fit(NULL, &picture, 3, 7, 5, to, &error) || image_fit(NULL, &picture, 1, 7, 5, to, &error)) abort();
    image_clear(NULL, &picture);
    return 0;
}
