/* Numbers in cells. */
#include "base/random.h"
#include "data/number.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void reads(const char *text, double expected) {
    double value = 0;
    assert_true(number_parse(text, strlen(text), &value));
    assert_memory_equal(&value, &expected, sizeof value);
}

static void decimal_numbers_are_read_exactly(void **state) {
    (void)state;
    reads("0", 0.0);
    reads("-0", -0.0);
    reads("5.1", 5.1);
    reads("+.5", 0.5);
    reads("5.", 5.0);
    reads(" \t-1e-3 ", -0.001);
    reads("1E22", 1e22);
    reads("1e23", 1e23);
    reads("123456789012345678", 123456789012345678.0);
    reads("9007199254740993", 9007199254740992.0);
    reads("2.2250738585072014e-308", 2.2250738585072014e-308);
    reads("0.1000000000000000055511151231257827021181583404541015625", 0.1);
    reads("0.10000000000000000555111512312578270211815834045410156251", 0.1);
    reads("1.00000000000000011102230246251565404236316680908203126", 1.0000000000000002);
    reads("00000000000000000000000000000000000000000000000000000000000000000000000000000000000042", 42.0);
    reads("100000000000000000000000000000000000000000000000000000000000000000000000000000e-77", 1.0);
    reads("1e400", (double)INFINITY);
    reads("-1e999999999999", -(double)INFINITY);
    reads("1e-999999999999", 0.0);
    reads("0e999999999999", 0.0);
    reads("inf", (double)INFINITY);
    reads("-Infinity", -(double)INFINITY);
}

static void what_is_no_number_is_not_read(void **state) {
    (void)state;
    static const char *const texts[] = {"",     " ",   ".",    "-",  "+-1", "1,5", "1.2.3", "0x10", "1e",   "1e+",
                                        "1e5x", "5 5", "five", "NA", "nan", "1_0", "infin", "--1",  "1 e5", "e5"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double value = 7;
        assert_false(number_parse(texts[i], strlen(texts[i]), &value));
        assert_true(value == 7);
    }
}

static void signs_of_currencies_and_percent_are_passed_over(void **state) {
    (void)state;
    static const struct {
        const char *text;
        number_style style;
        double value;
    } read[] = {{"$5", NUMBERS_POINT, 5},
                {" -$ 5.5 ", NUMBERS_POINT, -5.5},
                {"$-5", NUMBERS_POINT, -5},
                {"45 %", NUMBERS_POINT, 45},
                {"-4.5%", NUMBERS_POINT, -4.5},
                {"$1,234.5", NUMBERS_GROUPED, 1234.5},
                {"1.234,5 €", NUMBERS_COMMA, 1234.5},
                {"£3", NUMBERS_COMMA, 3},
                {"3¥", NUMBERS_GROUPED, 3}};
    static const char *const refused[] = {"$", "%", "%5", "-$-5", "$$5", "5 kg", "5%%", "-", "$1,234"};
    double value = 7;
    for (size_t i = 0; i < sizeof read / sizeof *read; i++) {
        assert_true(number_read(read[i].text, strlen(read[i].text), read[i].style, &value));
        assert_true(value == read[i].value);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_false(number_read(refused[i], strlen(refused[i]), NUMBERS_POINT, &value));
}

static void any_double_survives_text(void **state) {
    (void)state;
    random_stream r = random_open(5, 1);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)random_u32(&r) << 32 | random_u32(&r);
        double value;
        char text[64];
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        snprintf(text, sizeof text, i % 2 ? "%.17g" : "%.16e", value);
        reads(text, value);
    }
}

static void the_locale_changes_nothing(void **state) {
    (void)state;
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ru_RU.UTF-8", "de_DE"};
    bool set = false;
    for (size_t i = 0; !set && i < sizeof commas / sizeof *commas; i++) set = setlocale(LC_NUMERIC, commas[i]) != NULL;
    if (!set) skip(); /* no locale with a decimal comma is installed */
    reads("5.123456789012345678901", 5.123456789012345678901);
    reads("1.5e-300", 1.5e-300);
    setlocale(LC_NUMERIC, "C");
}

static void missing_marks_are_known(void **state) {
    (void)state;
    static const char *const marks[] = {"", "  ", "NA", "?", "null", "NULL", "nan", "NaN", " NA "};
    static const char *const others[] = {"na", "N/A", "none", "0", "??", "nanny", "-"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) assert_true(number_missing(marks[i], strlen(marks[i])));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(number_missing(others[i], strlen(others[i])));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimal_numbers_are_read_exactly),
        cmocka_unit_test(what_is_no_number_is_not_read),
        cmocka_unit_test(signs_of_currencies_and_percent_are_passed_over),
        cmocka_unit_test(any_double_survives_text),
        cmocka_unit_test(the_locale_changes_nothing),
        cmocka_unit_test(missing_marks_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
