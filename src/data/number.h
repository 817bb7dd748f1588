/* data/number.h: numbers and missing marks in the cells of a text file, the same in every locale. */
#ifndef DATA_NUMBER_H
#define DATA_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Reads all of `text` (blanks around it allowed) as a decimal number with an optional exponent, rounded correctly, or
 * as inf or infinity in any case. A number too large for a double is infinite. False when it is none; "nan" is none. */
bool number_parse(const char *text, size_t length, double *value);

/* Whether the cell says that its value is missing: empty or blanks, NA, ?, and null or nan in any case. */
bool number_missing(const char *text, size_t length);

/* How a file writes its numbers. */
typedef enum number_style {
    NUMBERS_POINT,   /* 1234.5 */
    NUMBERS_COMMA,   /* 1234,5 or 1.234,5 or 1 234,5 */
    NUMBERS_GROUPED, /* 1,234.5 */
    NUMBER_STYLES
} number_style;

/* As number_parse for a style, with or without a sign of currency ($, €, £, ¥) or percent, which is passed over.
 * Groups, where there are any, have three digits but for the first. */
bool number_read(const char *text, size_t length, number_style style, double *value);

/* Whether a word in a column of numbers says in plain English that there is none: n/a, none, unknown, missing, - and
 * the like. In a column of texts they are texts. */
bool number_absent(const char *text, size_t length);

#endif
