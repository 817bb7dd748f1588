/* data/number.c: numbers in text. strtod reads what the locale calls a decimal point, so it never gets to see one:
 * short numbers are computed exactly as digits times or over a power of ten, both of which a double holds without error
 * (Clinger, "How to read floating point numbers accurately", 1990), and the rest is handed to strtod as an integer with
 * an exponent, 12345e-3, which no locale changes. */
#include "data/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_KEPT = 60, EXPONENT_LIMIT = 100000 };

/* The digits of a number: value = digits * 10^exponent. */
typedef struct decimal {
    char digits[DIGITS_KEPT + 1]; /* without leading zeros */
    size_t count;
    bool more; /* digits other than 0 were dropped behind the last one kept */
    long exponent;
} decimal;

static bool is_blank(char c) { return c == ' ' || c == '\t'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static bool same_word(const char *text, size_t length, const char *word) {
    if (strlen(word) != length) return false;
    for (size_t i = 0; i < length; i++)
        if (lower(text[i]) != word[i]) return false;
    return true;
}

static void trim(const char **text, size_t *length) {
    while (*length && is_blank(**text)) ++*text, --*length;
    while (*length && is_blank((*text)[*length - 1])) --*length;
}

/* One digit joins the number; those in front of the point raise the exponent once the digits are full. */
static void take_digit(decimal *d, char c, bool fraction) {
    if (d->count < DIGITS_KEPT) {
        if (d->count || c != '0') d->digits[d->count++] = c;
        if (fraction && d->exponent > -EXPONENT_LIMIT) d->exponent--;
    } else {
        d->more |= c != '0';
        if (!fraction && d->exponent < EXPONENT_LIMIT) d->exponent++;
    }
}

/* digits [. digits] [e [sign] digits]; false when that is not all of the text. */
static bool take_decimal(const char *text, const char *end, decimal *d) {
    bool any = false;
    for (; text < end && is_digit(*text); text++, any = true) take_digit(d, *text, false);
    if (text < end && *text == '.')
        for (text++; text < end && is_digit(*text); text++, any = true) take_digit(d, *text, true);
    if (!any) return false;
    if (text == end) return true;
    if (lower(*text++) != 'e') return false;
    bool negative = text < end && *text == '-';
    if (text < end && (*text == '-' || *text == '+')) text++;
    if (text == end) return false;
    long exponent = 0;
    for (; text < end && is_digit(*text); text++)
        if (exponent < EXPONENT_LIMIT) exponent = exponent * 10 + (*text - '0');
    d->exponent += negative ? -exponent : exponent;
    return text == end;
}

/* The power of ten from 0 to 22, all exact. */
static double small_power(long exponent) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    return powers[exponent];
}

/* At most 15 digits with at most one point and no exponent, by far the most common: false when the text is something
 * else. */
static bool short_decimal(const char *text, const char *end, double *value) {
    int64_t whole = 0;
    const char *point = NULL;
    if (end - text > 16 || text == end) return false;
    for (const char *at = text; at < end; at++) {
        if (is_digit(*at))
            whole = whole * 10 + (*at - '0');
        else if (*at == '.' && !point)
            point = at;
        else
            return false;
    }
    if (end - text - (point != NULL) > 15 || (point && end - text == 1)) return false;
    *value = (double)whole;
    if (point) *value /= small_power(end - point - 1);
    return true;
}

static double decimal_value(decimal *d) {
    if (d->count <= 15 && d->exponent >= -22 && d->exponent <= 22) {
        int64_t whole = 0;
        for (size_t i = 0; i < d->count; i++) whole = whole * 10 + (d->digits[i] - '0');
        return d->exponent < 0 ? (double)whole / small_power(-d->exponent) : (double)whole * small_power(d->exponent);
    }
    char text[DIGITS_KEPT + 32];
    d->digits[d->count] = 0;
    snprintf(text, sizeof text, "%s%se%ld", d->digits, d->more ? "1" : "", d->exponent - (d->more ? 1 : 0));
    return d->count ? strtod(text, NULL) : 0.0;
}

bool number_parse(const char *text, size_t length, double *value) {
    trim(&text, &length);
    const char *end = text + length;
    bool negative = length && *text == '-';
    if (length && (*text == '-' || *text == '+')) text++;
    decimal d;
    size_t rest = (size_t)(end - text);
    double magnitude;
    if (short_decimal(text, end, &magnitude)) {
        *value = negative ? -magnitude : magnitude;
        return true;
    }
    d.count = 0, d.more = false, d.exponent = 0;
    if (same_word(text, rest, "inf") || same_word(text, rest, "infinity"))
        magnitude = (double)INFINITY;
    else if (take_decimal(text, end, &d))
        magnitude = decimal_value(&d);
    else
        return false;
    *value = negative ? -magnitude : magnitude;
    return true;
}

bool number_missing(const char *text, size_t length) {
    trim(&text, &length);
    return length == 0 || (length == 1 && *text == '?') || (length == 2 && memcmp(text, "NA", 2) == 0) ||
           same_word(text, length, "nan") || same_word(text, length, "null");
}

/* Rewrites a number without groups and with a point; false when it isn't one of the style. */
static bool plain_number(const char *text, size_t length, char decimal, const char *groups, char *plain, size_t *size) {
    size_t at = 0, since = 0;
    bool grouped = false, whole = true;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (whole && since && c != decimal && strchr(groups, c)) {
            if (grouped ? since != 3 : since > 3) return false;
            grouped = true;
            since = 0;
            continue;
        }
        if (whole && is_digit(c)) since++;
        if (whole && !is_digit(c) && c != '+' && c != '-') {
            if (grouped && since != 3) return false;
            whole = false;
        }
        if (c == '.' && decimal != '.') return false;
        plain[at++] = c == decimal ? '.' : c;
    }
    *size = at;
    return !whole || !grouped || since == 3;
}

/* Currency signs, which stand in front of a number or behind it, and the sign of percent, which stands behind. */
static const char *const signs[] = {"$", "\xE2\x82\xAC", "\xC2\xA3", "\xC2\xA5", "%"};
enum { SIGNS = sizeof signs / sizeof *signs, PERCENT = SIGNS - 1 };

/* Takes one such sign away; a minus may stand in front of a currency's. */
static bool without_sign(const char **text, size_t *length, bool *negative) {
    trim(text, length);
    *negative = *length && **text == '-';
    if (*negative) ++*text, --*length;
    for (int i = 0; i < SIGNS; i++) {
        size_t n = strlen(signs[i]);
        if (*length <= n) continue;
        bool front = i != PERCENT && !memcmp(*text, signs[i], n);
        if (!front && memcmp(*text + *length - n, signs[i], n) != 0) continue;
        if (front) *text += n;
        *length -= n;
        trim(text, length);
        return !*negative || !*length || (**text != '-' && **text != '+');
    }
    return false;
}

static bool read_plain(const char *text, size_t length, number_style style, double *value) {
    enum { LONGEST = 64 };
    char plain[LONGEST];
    size_t size;
    if (style == NUMBERS_POINT) return number_parse(text, length, value);
    trim(&text, &length);
    if (!length || length > LONGEST) return false;
    bool comma = style == NUMBERS_COMMA;
    return plain_number(text, length, comma ? ',' : '.', comma ? ". " : ",", plain, &size) &&
           number_parse(plain, size, value);
}

bool number_read(const char *text, size_t length, number_style style, double *value) {
    bool negative = false;
    if (read_plain(text, length, style, value)) return true;
    if (!without_sign(&text, &length, &negative) || !length || !read_plain(text, length, style, value)) return false;
    if (negative) *value = -*value;
    return true;
}

bool number_absent(const char *text, size_t length) {
    static const char *const words[] = {"n/a", "#n/a", "none", "unknown", "missing", "-", "--", ".", "n.a.", "<na>"};
    trim(&text, &length);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (same_word(text, length, words[i])) return true;
    return false;
}
