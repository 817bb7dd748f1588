/* data/date.c: dates in text. The calendar is the Gregorian one, also before 1582; a day's number is counted in eras of
 * 400 years that begin on the first of March, so that leap days come last. */
#include "data/date.h"

#include <stdint.h>
#include <string.h>

typedef struct cursor {
    const char *at, *end;
} cursor;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static bool take(cursor *c, char wanted) {
    if (c->at == c->end || *c->at != wanted) return false;
    c->at++;
    return true;
}

static void skip_blanks(cursor *c) {
    while (c->at < c->end && *c->at == ' ') c->at++;
}

/* A number of `least` to `most` digits. */
static bool take_number(cursor *c, int least, int most, int *value) {
    int digits = 0;
    *value = 0;
    for (; c->at < c->end && is_digit(*c->at) && digits < most; c->at++, digits++)
        *value = *value * 10 + (*c->at - '0');
    return digits >= least && (c->at == c->end || !is_digit(*c->at));
}

static bool take_year(cursor *c, int *year) {
    const char *begin = c->at;
    if (!take_number(c, 2, 4, year) || c->at - begin == 3) return false;
    if (c->at - begin == 2) *year += *year < 70 ? 2000 : 1900;
    return true;
}

/* The name of a month in English, whole or its first three letters. */
static bool take_month(cursor *c, int *month) {
    static const char *const names[] = {"january", "february", "march",     "april",   "may",      "june",
                                        "july",    "august",   "september", "october", "november", "december"};
    size_t length = 0;
    while (c->at + length < c->end && lower(c->at[length]) >= 'a' && lower(c->at[length]) <= 'z') length++;
    for (int m = 0; m < 12; m++) {
        size_t same = 0;
        while (same < length && names[m][same] && lower(c->at[same]) == names[m][same]) same++;
        if (same < 3 || same < length || (same > 3 && names[m][same])) continue;
        *month = m + 1;
        c->at += length;
        return true;
    }
    return false;
}

static int days_in(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool day_number(int year, int month, int day, double *days) {
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return false;
    int64_t y = month > 2 ? year : year - 1, era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t number = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    *days = (double)number;
    return true;
}

/* hours:minutes[:seconds[.fraction]] [am|pm] [zone] as a part of a day. */
static bool take_clock(cursor *c, double *part) {
    int hours, minutes, seconds = 0;
    double fraction = 0, place = 1;
    if (!take_number(c, 1, 2, &hours) || !take(c, ':') || !take_number(c, 2, 2, &minutes)) return false;
    if (take(c, ':')) {
        if (!take_number(c, 2, 2, &seconds)) return false;
        if (take(c, '.'))
            for (; c->at < c->end && is_digit(*c->at); c->at++) fraction += (*c->at - '0') * (place /= 10);
    }
    skip_blanks(c);
    if (c->end - c->at >= 2 && lower(c->at[1]) == 'm' && (lower(*c->at) == 'a' || lower(*c->at) == 'p')) {
        if (hours < 1 || hours > 12) return false;
        hours = hours % 12 + (lower(*c->at) == 'p' ? 12 : 0);
        c->at += 2;
    }
    if (hours > 23 || minutes > 59 || seconds > 60) return false;
    *part = (hours * 3600 + minutes * 60 + seconds + fraction) / 86400;
    return true;
}

static bool take_zone(cursor *c) {
    int hours, minutes;
    if (take(c, 'Z') || c->at == c->end) return true;
    if (!take(c, '+') && !take(c, '-')) return false;
    if (!take_number(c, 2, 4, &hours)) return false;
    return !take(c, ':') || take_number(c, 2, 2, &minutes);
}

/* Year, month and day in the format's order. */
static bool take_day(cursor *c, date_format format, int *year, int *month, int *day) {
    char sign = 0;
    switch (format) {
    case DATE_ISO:
        return take_number(c, 4, 4, year) && (take(c, sign = '-') || take(c, sign = '/')) &&
               take_number(c, 1, 2, month) && take(c, sign) && take_number(c, 1, 2, day);
    case DATE_DOTTED:
        return take_number(c, 1, 2, day) && take(c, '.') && take_number(c, 1, 2, month) && take(c, '.') &&
               take_year(c, year);
    case DATE_MONTH_FIRST:
    case DATE_DAY_FIRST: {
        int *first = format == DATE_DAY_FIRST ? day : month, *second = format == DATE_DAY_FIRST ? month : day;
        return take_number(c, 1, 2, first) && (take(c, sign = '/') || take(c, sign = '-')) &&
               take_number(c, 1, 2, second) && take(c, sign) && take_year(c, year);
    }
    case DATE_NAMED:
        if (take_month(c, month)) {
            skip_blanks(c);
            if (!take_number(c, 1, 2, day)) return false;
            take(c, ',');
            skip_blanks(c);
            return take_year(c, year);
        }
        return take_number(c, 1, 2, day) && (take(c, sign = '-') || take(c, sign = ' ')) && take_month(c, month) &&
               take(c, sign) && take_year(c, year);
    default:
        return false;
    }
}

bool date_parse(const char *text, size_t length, date_format format, double *days) {
    cursor c = {text, text + length};
    int year, month, day;
    double part = 0;
    if (format == DATE_CLOCK) return take_clock(&c, days) && c.at == c.end;
    if (!take_day(&c, format, &year, &month, &day) || !day_number(year, month, day, days)) return false;
    if (c.at == c.end) return true;
    if (!take(&c, 'T') && !take(&c, ' ')) return false;
    if (!take_clock(&c, &part) || !take_zone(&c) || c.at != c.end) return false;
    *days += part;
    return true;
}

static const char *const names[DATE_FORMATS] = {
    NULL, "year-month-day", "day.month.year", "month/day/year", "day/month/year", "named months", "time of day"};

const char *date_format_name(date_format format) { return names[format]; }

date_format date_format_of(const char *name) {
    for (int f = DATE_ISO; f < DATE_FORMATS; f++)
        if (!strcmp(names[f], name)) return (date_format)f;
    return DATE_NONE;
}
