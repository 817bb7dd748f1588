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

#endif
