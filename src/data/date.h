/* data/date.h: dates and times in the cells of a table, as days since 1970-01-01. */
#ifndef DATA_DATE_H
#define DATA_DATE_H

#include <stdbool.h>
#include <stddef.h>

/* How a column writes its dates; each but the last may be followed by a time. */
typedef enum date_format {
    DATE_NONE,
    DATE_ISO,         /* 2024-03-31, 2024/03/31, 2024-03-31T18:30:00Z */
    DATE_DOTTED,      /* 31.3.2024 */
    DATE_MONTH_FIRST, /* 3/31/2024, 3-31-2024 */
    DATE_DAY_FIRST,   /* 31/3/2024, 31-3-2024 */
    DATE_NAMED,       /* 31 Mar 2024, 31-March-24, Mar 31, 2024 */
    DATE_CLOCK,       /* 18:30, 6:30:15 pm */
    DATE_FORMATS
} date_format;

/* Reads all of `text`; the fraction of a day is its time. Years of two digits are 1970 to 2069. A zone behind the time
 * is passed over. */
bool date_parse(const char *text, size_t length, date_format format, double *days);

/* "iso", "day.month.year", …: what files and messages call a format; NULL for DATE_NONE. */
const char *date_format_name(date_format format);
date_format date_format_of(const char *name);

#endif
