/* The JSON writer: escapes, numbers, commas. */
#include "train/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void values_are_separated_and_nested(void **state) {
    (void)state;
    json_text j = {0};
    json_put_open(&j, NULL, '{');
    json_put_integer(&j, "a", -3);
    json_put_open(&j, "b", '[');
    json_put_number(&j, NULL, 0.1);
    json_put_bool(&j, NULL, true);
    json_put_open(&j, NULL, '[');
    json_put_close(&j, ']');
    json_put_close(&j, ']');
    json_put_string(&j, "c", NULL);
    json_put_close(&j, '}');
    assert_string_equal(json_text_get(&j), "{\"a\": -3, \"b\": [0.1, true, []], \"c\": null}");
    json_text_clear(&j);
}

static void a_number_that_is_not_finite_is_null(void **state) {
    (void)state;
    json_text j = {0};
    json_put_open(&j, NULL, '[');
    json_put_number(&j, NULL, NAN);
    json_put_number(&j, NULL, -INFINITY);
    json_put_float(&j, NULL, INFINITY);
    json_put_close(&j, ']');
    assert_string_equal(json_text_get(&j), "[null, null, null]");
    json_text_clear(&j);
}

static void numbers_read_back_as_the_same_bits(void **state) {
    (void)state;
    static const double values[] = {0.1, 1.0 / 3, 1e-300, 123456789.123456789, -0.0, 5e-324, 1.7976931348623157e308};
    char text[NUMBER_TEXT];
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        double back = strtod(number_text(values[i], text), NULL);
        assert_memory_equal(&back, &values[i], sizeof back);
    }
    assert_string_equal(number_text_float(0.1f, text), "0.1");
    assert_string_equal(number_text(0.1, text), "0.1");
}

static void texts_are_escaped_and_bad_utf8_replaced(void **state) {
    (void)state;
    json_text j = {0};
    json_put_string(&j, NULL, "say \"x\"\n\\ \x01 é \xff \xc0\xaf \xed\xa0\x80");
    assert_string_equal(json_text_get(&j),
                        "\"say \\\"x\\\"\\u000a\\\\ \\u0001 é \\ufffd \\ufffd\\ufffd \\ufffd\\ufffd\\ufffd\"");
    json_text_clear(&j);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_separated_and_nested),
        cmocka_unit_test(a_number_that_is_not_finite_is_null),
        cmocka_unit_test(numbers_read_back_as_the_same_bits),
        cmocka_unit_test(texts_are_escaped_and_bad_utf8_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
