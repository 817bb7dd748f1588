/* The cells of comma-separated text and their places. */
#include "data/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Writes all cells as "line:column=text", a bar at a row's end, an exclamation mark before a cell's problem. */
static void reads_as(const char *bytes, size_t size, char delimiter, const char *expected) {
    char *copy = malloc(size + 1), text[2048] = ""; /* a copy of exact size, so that reading beyond it is seen */
    csv_reader reader;
    csv_cell cell;
    int got;
    size_t at = 0;
    memcpy(copy, bytes, size);
    char *exact = realloc(copy, size ? size : 1);
    csv_open(&reader, NULL, exact, size, delimiter);
    while ((got = csv_next(&reader, &cell)) > 0) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%lld:%zu=", (long long)cell.line, cell.column + 1);
        if (cell.problem)
            at += (size_t)snprintf(text + at, sizeof text - at, "!%s", cell.problem);
        else
            at += (size_t)snprintf(text + at, sizeof text - at, "%.*s", (int)cell.length, cell.text);
        at += (size_t)snprintf(text + at, sizeof text - at, cell.last ? "|" : ",");
    }
    assert_int_equal(got, 0);
    csv_close(&reader);
    free(exact);
    assert_string_equal(text, expected);
}

static void reads(const char *bytes, const char *expected) { reads_as(bytes, strlen(bytes), ',', expected); }

static void plain_cells_have_their_places(void **state) {
    (void)state;
    reads("a,b\n1,2\n", "1:1=a,1:2=b|2:1=1,2:2=2|");
    reads("a,b\n1,2", "1:1=a,1:2=b|2:1=1,2:2=2|");
    reads(",\n,", "1:1=,1:2=|2:1=,2:2=|");
    reads("a,\n", "1:1=a,1:2=|");
    reads("", "");
    reads("\n\n", "");
    reads_as("a;b\tc;", 6, ';', "1:1=a,1:2=b\tc,1:3=|");
}

static void lines_may_end_in_any_way(void **state) {
    (void)state;
    reads("a,b\r\n1,2\r\n", "1:1=a,1:2=b|2:1=1,2:2=2|");
    reads("a,b\r1,2\r", "1:1=a,1:2=b|2:1=1,2:2=2|");
    reads("a\r\n\r\nb\n\rc", "1:1=a|3:1=b|5:1=c|");
    reads("a,b\r", "1:1=a,1:2=b|");
}

static void blank_lines_are_passed_over_and_counted(void **state) {
    (void)state;
    reads("\n\na,b\n  \n\t\n1,2\n   ", "3:1=a,3:2=b|6:1=1,6:2=2|");
    reads("  ,5\n", "1:1=  ,1:2=5|");
}

static void a_byte_order_mark_is_passed_over(void **state) {
    (void)state;
    reads("\xEF\xBB\xBFname,x\n", "1:1=name,1:2=x|");
    reads("\xEF\xBB\xBF\"a\"\n", "1:1=a|");
    reads("\xEF\xBB\xBF", "");
}

static void quotes_hold_commas_quotes_and_line_breaks(void **state) {
    (void)state;
    reads("\"a,b\",c\n", "1:1=a,b,1:2=c|");
    reads("\"say \"\"hi\"\"\",c\n", "1:1=say \"hi\",1:2=c|");
    reads("\"\"\"\"\n\"\"\n", "1:1=\"|2:1=|");
    reads("\"two\nlines\",x\ny,z\n", "1:1=two\nlines,2:2=x|3:1=y,3:2=z|");
    reads("\"two\r\nlines\",\"3\rmore\r\r\"\r\ny,z", "1:1=two\r\nlines,2:2=3\rmore\r\r|6:1=y,6:2=z|");
    reads("a\"b,\" c\"\n", "1:1=a\"b,1:2= c|");
    reads(" \"a\",b\n", "1:1= \"a\",1:2=b|");
}

static void broken_cells_are_named_and_reading_goes_on(void **state) {
    (void)state;
    reads("\"a\"b,c\nd,e\n", "1:1=!text behind the closing quote,1:2=c|2:1=d,2:2=e|");
    reads("x,\"open\nd,e\n", "1:1=x,1:2=!a quote that is never closed|2:1=d,2:2=e|");
    reads("\"", "1:1=!a quote that is never closed|");
    reads("\xE9,b\n", "1:1=!text that is not UTF-8 (iconv -f LATIN1 -t UTF-8 may help),1:2=b|");
    reads("\xC3\xA9,\xE2\x82\xAC,\xF0\x9F\x98\x80\n", "1:1=\xC3\xA9,1:2=\xE2\x82\xAC,1:3=\xF0\x9F\x98\x80|");
    reads("\xC3,\xED\xA0\x80,\xC0\x80\n", "1:1=!text that is not UTF-8 (iconv -f LATIN1 -t UTF-8 may help),"
                                          "1:2=!text that is not UTF-8 (iconv -f LATIN1 -t UTF-8 may help),"
                                          "1:3=!text that is not UTF-8 (iconv -f LATIN1 -t UTF-8 may help)|");
    reads_as("a\0b,c\n", 6, ',', "1:1=!a zero byte, which no text file has,1:2=c|");
}

static void a_cell_of_endless_length_is_refused(void **state) {
    (void)state;
    size_t size = CSV_CELL_BYTES + 8;
    char *bytes = malloc(size);
    csv_reader reader;
    csv_cell cell;
    memset(bytes, 'a', size);
    csv_open(&reader, NULL, bytes, size, ',');
    assert_int_equal(csv_next(&reader, &cell), 1);
    assert_string_equal(cell.problem, "a cell longer than 1048576 bytes");
    bytes[0] = '"', bytes[3] = '\n';
    csv_open(&reader, NULL, bytes, size, ',');
    assert_int_equal(csv_next(&reader, &cell), 1);
    assert_string_equal(cell.problem, "a quoted cell longer than 1048576 bytes");
    assert_int_equal(csv_next(&reader, &cell), 1);
    assert_int_equal(cell.line, 2);
    csv_close(&reader);
    free(bytes);
}

static void the_sign_between_cells_is_found_out(void **state) {
    (void)state;
    static const struct {
        const char *text;
        char sign;
    } cases[] = {
        {"a,b\n1,2\n", ','},
        {"a;b\n1,5;2,5\n", ';'},
        {"a\tb\n1\t2\n", '\t'},
        {"a|b\n1|2\n", '|'},
        {"a,b;c\n1,2;3\n", ','},
        {"a\n1\n2\n", ','},
        {"a, in cm;b\n1;2\n", ';'},
        {"", ','},
        {"\"a;b\",c\n\"d;e\",f\n", ','},
        {"a,b\n1,2,3\n1,2\n", ','},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(csv_delimiter(NULL, cases[i].text, strlen(cases[i].text)), cases[i].sign);
}

static void excerpts_are_short_and_whole_characters(void **state) {
    (void)state;
    char excerpt[CSV_EXCERPT], text[200];
    assert_string_equal(csv_excerpt("oops", 4, excerpt), "oops");
    assert_string_equal(csv_excerpt("a\nb\x7F", 4, excerpt), "a b?");
    assert_string_equal(csv_excerpt("\xE9t\xE9", 3, excerpt), "?t?");
    for (size_t i = 0; i + 2 < sizeof text; i += 2) memcpy(text + i, "\xC3\xA9", 2);
    csv_excerpt(text, 150, excerpt);
    assert_true(strlen(excerpt) < CSV_EXCERPT);
    assert_memory_equal(excerpt + strlen(excerpt) - 5, "\xC3\xA9\xE2\x80\xA6", 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_cells_have_their_places),
        cmocka_unit_test(lines_may_end_in_any_way),
        cmocka_unit_test(blank_lines_are_passed_over_and_counted),
        cmocka_unit_test(a_byte_order_mark_is_passed_over),
        cmocka_unit_test(quotes_hold_commas_quotes_and_line_breaks),
        cmocka_unit_test(broken_cells_are_named_and_reading_goes_on),
        cmocka_unit_test(a_cell_of_endless_length_is_refused),
        cmocka_unit_test(the_sign_between_cells_is_found_out),
        cmocka_unit_test(excerpts_are_short_and_whole_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
