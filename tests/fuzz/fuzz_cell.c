/* Fuzzing of what stands in a table's cell: numbers in each style, dates in each format, missing marks. The text is not
 * ended by a zero byte, so that reading behind it is seen. */
#include "data/date.h"
#include "data/number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char *text = malloc(size);
    if (size && !text) return 0;
    if (size) memcpy(text, bytes, size);
    double value, days;
    if (number_parse(text, size, &value) && isnan(value)) abort();
    for (int style = 0; style < NUMBER_STYLES; style++)
        if (number_read(text, size, (number_style)style, &value) && isnan(value)) abort();
    for (int format = DATE_NONE + 1; format < DATE_FORMATS; format++)
        if (date_parse(text, size, (date_format)format, &days) && !(fabs(days) < 1e7)) abort();
    if (number_missing(text, size) && number_parse(text, size, &value)) abort();
    number_absent(text, size);
    free(text);
    return 0;
}
