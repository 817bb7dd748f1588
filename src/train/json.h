/* train/json.h: writing JSON: what `--json` prints, metrics.jsonl, and the metadata inside model and checkpoint files.
 */
#ifndef TRAIN_JSON_H
#define TRAIN_JSON_H

#include "base/base.h"

/* A text that grows. Commas are set by what stands before. After a failed allocation further calls do nothing, and
 * json_text_get gives NULL. Start with {.context = …} or {0}; end with json_clear. */
typedef struct json_text {
    const soma_context *context;
    char *text;
    size_t length, capacity;
    bool failed;
} json_text;

/* `key` is NULL inside arrays and for the outermost value. */
void json_put_open(json_text *j, const char *key, char bracket); /* '{' or '[' */
void json_put_close(json_text *j, char bracket);                 /* '}' or ']' */
void json_put_number(json_text *j, const char *key,
                     double value); /* shortest text that reads back as the same; else null */
void json_put_float(json_text *j, const char *key, float value);
void json_put_integer(json_text *j, const char *key, int64_t value);
void json_put_bool(json_text *j, const char *key, bool value);
/* Bytes that are not UTF-8 become U+FFFD; NULL is written as null. */
void json_put_string(json_text *j, const char *key, const char *value);

void json_put_line(json_text *j); /* a line break */

/* The text so far, or NULL when memory was out. */
const char *json_text_get(const json_text *j);
void json_text_reset(json_text *j); /* empty again, memory kept */
void json_text_clear(json_text *j);

/* The shortest decimal text that reads back as the same double or float, with a point whatever the locale. */
enum { NUMBER_TEXT = 40 };
const char *number_text(double value, char text[NUMBER_TEXT]);
const char *number_text_float(float value, char text[NUMBER_TEXT]);

#endif
