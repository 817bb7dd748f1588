/* Fuzzing of DATA as a name with settings: any text is a path, a known set whose settings are in their limits, or is
 * refused in one sentence; points of a set are finite and of its classes. */
#include "data/known.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char *const begins[] = {"", "spiral:", "moons:", "blobs:"};
    char *text = calloc(size + 16, 1);
    if (!text) return 0;
    size_t at = strlen(strcpy(text, begins[size ? bytes[0] % COUNT_OF(begins) : 0]));
    if (size) memcpy(text + at, bytes, size);
    soma_error error = {0};
    known_choice choice;
    int code = known_find(text, &choice, &error);
    if (code && (error.code == SOMA_OK || !error.message[0] || strchr(error.message, '\n'))) abort();
    if (!code && choice.set && choice.set->kind == KNOWN_POINTS) {
        const points_options *o = &choice.points;
        if (o->count < 1 || o->count > 1000000 || o->classes < 2) abort();
        for (int64_t i = 0; i < o->count && i < 50; i++) {
            points_point p = points_at(o, i);
            if (!isfinite(p.x) || !isfinite(p.y) || p.label < 0 || p.label >= o->classes) abort();
        }
    }
    free(text);
    return 0;
}
