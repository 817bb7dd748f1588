/* train/json.c: a writer of JSON (RFC 8259) into a growing text. Whether a comma is needed is read off the last
 * character written, so that no stack is kept. Numbers that are not finite have no JSON form and become null. */
#include "train/json.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void append(json_text *j, const char *bytes, size_t count) {
    if (j->failed) return;
    if (j->capacity - j->length <= count) {
        size_t wanted;
        if (!size_add(j->length, count, &wanted) || !size_multiply(wanted + 64, 2, &wanted)) {
            j->failed = true;
            return;
        }
        char *grown = mem_resize(j->context, j->text, j->length, wanted, 1);
        if (!grown) {
            j->failed = true;
            return;
        }
        j->text = grown;
        j->capacity = wanted;
    }
    memcpy(j->text + j->length, bytes, count);
    j->length += count;
    j->text[j->length] = 0;
}

static void append_text(json_text *j, const char *text) { append(j, text, strlen(text)); }

/* The length of the UTF-8 character at `s`, 0 when the bytes there are none. */
static size_t utf8_length(const unsigned char *s) {
    static const unsigned lowest[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : (s[0] >> 5) == 6 ? 2 : (s[0] >> 4) == 14 ? 3 : (s[0] >> 3) == 30 ? 4 : 0;
    if (n <= 1) return n;
    unsigned code = s[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (s[i] & 0x3Fu);
    }
    return code < lowest[n] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0 : n;
}

static void append_quoted(json_text *j, const char *value) {
    append(j, "\"", 1);
    for (const unsigned char *s = (const unsigned char *)value; *s;) {
        size_t n = utf8_length(s);
        char escape[8];
        if (*s == '"' || *s == '\\') {
            snprintf(escape, sizeof escape, "\\%c", *s);
            append_text(j, escape);
        } else if (*s < 0x20 || *s == 0x7F) {
            snprintf(escape, sizeof escape, "\\u%04x", *s);
            append_text(j, escape);
        } else if (!n) {
            append_text(j, "\\ufffd");
        } else {
            append(j, (const char *)s, n);
        }
        s += n ? n : 1;
    }
    append(j, "\"", 1);
}

static void start(json_text *j, const char *key) {
    char last = j->length ? j->text[j->length - 1] : 0;
    if (last && last != '{' && last != '[' && last != '\n') append(j, ", ", 2);
    if (!key) return;
    append_quoted(j, key);
    append(j, ": ", 2);
}

void json_put_open(json_text *j, const char *key, char bracket) {
    start(j, key);
    append(j, &bracket, 1);
}

void json_put_close(json_text *j, char bracket) { append(j, &bracket, 1); }

/* A host may have set a locale whose decimal mark is no point. */
static void point(char *text) {
    const char *mark = localeconv()->decimal_point;
    char *at = mark && strcmp(mark, ".") ? strstr(text, mark) : NULL;
    if (!at) return;
    *at = '.';
    memmove(at + 1, at + strlen(mark), strlen(at + strlen(mark)) + 1);
}

static const char *shortest(double value, bool single, char text[NUMBER_TEXT]) {
    for (int digits = single ? 6 : 15; digits <= 17; digits++) {
        snprintf(text, NUMBER_TEXT, "%.*g", digits, value);
        if (single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value) break;
    }
    point(text);
    return text;
}

const char *number_text(double value, char text[NUMBER_TEXT]) { return shortest(value, false, text); }
const char *number_text_float(float value, char text[NUMBER_TEXT]) { return shortest((double)value, true, text); }

void json_put_number(json_text *j, const char *key, double value) {
    char text[NUMBER_TEXT];
    start(j, key);
    append_text(j, isfinite(value) ? number_text(value, text) : "null");
}

void json_put_float(json_text *j, const char *key, float value) {
    char text[NUMBER_TEXT];
    start(j, key);
    append_text(j, isfinite(value) ? number_text_float(value, text) : "null");
}

void json_put_integer(json_text *j, const char *key, int64_t value) {
    char text[NUMBER_TEXT];
    start(j, key);
    snprintf(text, sizeof text, "%lld", (long long)value);
    append_text(j, text);
}

void json_put_bool(json_text *j, const char *key, bool value) {
    start(j, key);
    append_text(j, value ? "true" : "false");
}

void json_put_string(json_text *j, const char *key, const char *value) {
    start(j, key);
    if (value)
        append_quoted(j, value);
    else
        append_text(j, "null");
}

void json_put_line(json_text *j) { append(j, "\n", 1); }

const char *json_text_get(const json_text *j) { return j->failed ? NULL : j->text ? j->text : ""; }

void json_text_reset(json_text *j) {
    j->length = 0;
    if (j->text) j->text[0] = 0;
}

void json_text_clear(json_text *j) {
    mem_free(j->context, j->text);
    *j = (json_text){.context = j->context};
}
