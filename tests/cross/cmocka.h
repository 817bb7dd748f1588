/* cross/cmocka.h: the part of cmocka that the tests use, in one header, for cross builds, where the target's library is
 * not installed. Native builds use the real one. A failed assertion jumps back to the runner, as in cmocka. */
#ifndef CROSS_CMOCKA_H
#define CROSS_CMOCKA_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CROSS_UNUSED __attribute__((unused))

typedef int (*CMFixtureFunction)(void **state);
struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
    CMFixtureFunction setup, teardown;
    void *initial_state;
};

/* Shared by all files of a test program. */
__attribute__((weak)) jmp_buf cross_escape;

enum { CROSS_FAILED = 1, CROSS_SKIPPED = 2 };

static CROSS_UNUSED __attribute__((noreturn)) void cross_leave(int how) { longjmp(cross_escape, how); }

static CROSS_UNUSED __attribute__((noreturn, format(printf, 3, 4))) void cross_fail(const char *file, int line,
                                                                                    const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    cross_leave(CROSS_FAILED);
}

static CROSS_UNUSED void cross_integers(int64_t a, int64_t b, int equal, const char *text, const char *file, int line) {
    if ((a == b) != equal) cross_fail(file, line, "%s: %lld and %lld", text, (long long)a, (long long)b);
}

static CROSS_UNUSED void cross_strings(const char *a, const char *b, int equal, const char *file, int line) {
    if ((strcmp(a, b) == 0) != equal) cross_fail(file, line, "\"%s\" and \"%s\"", a, b);
}

#define fail_msg(...)                       cross_fail(__FILE__, __LINE__, __VA_ARGS__)
#define fail()                              cross_fail(__FILE__, __LINE__, "failed")
#define skip()                              cross_leave(CROSS_SKIPPED)
#define print_message(...)                  printf(__VA_ARGS__)
#define print_error(...)                    fprintf(stderr, __VA_ARGS__)
#define assert_true(c)                      ((c) ? (void)0 : cross_fail(__FILE__, __LINE__, "%s", #c))
#define assert_false(c)                     (!(c) ? (void)0 : cross_fail(__FILE__, __LINE__, "not: %s", #c))
#define assert_non_null(p)                  assert_true((p) != NULL)
#define assert_null(p)                      assert_true((p) == NULL)
#define assert_ptr_equal(a, b)              assert_true((const void *)(a) == (const void *)(b))
#define assert_ptr_not_equal(a, b)          assert_true((const void *)(a) != (const void *)(b))
#define assert_int_equal(a, b)              cross_integers((int64_t)(a), (int64_t)(b), 1, #a " == " #b, __FILE__, __LINE__)
#define assert_int_not_equal(a, b)          cross_integers((int64_t)(a), (int64_t)(b), 0, #a " != " #b, __FILE__, __LINE__)
#define assert_in_range(x, low, high)       assert_true((uint64_t)(x) >= (uint64_t)(low) && (uint64_t)(x) <= (uint64_t)(high))
#define assert_string_equal(a, b)           cross_strings((a), (b), 1, __FILE__, __LINE__)
#define assert_string_not_equal(a, b)       cross_strings((a), (b), 0, __FILE__, __LINE__)
#define assert_memory_equal(a, b, size)     assert_true(memcmp((a), (b), (size)) == 0)
#define assert_memory_not_equal(a, b, size) assert_true(memcmp((a), (b), (size)) != 0)
#define assert_float_equal(a, b, epsilon)   assert_true(fabs((double)(a) - (double)(b)) <= (double)(epsilon))
#define assert_double_equal(a, b, epsilon)  assert_float_equal(a, b, epsilon)

// clang-format off: its versions differ about braces in macros
#define cmocka_unit_test(f)                                                                                            \
    { #f, f, NULL, NULL, NULL }
#define cmocka_unit_test_setup(f, before)                                                                              \
    { #f, f, before, NULL, NULL }
#define cmocka_unit_test_teardown(f, after)                                                                            \
    { #f, f, NULL, after, NULL }
#define cmocka_unit_test_setup_teardown(f, before, after)                                                              \
    { #f, f, before, after, NULL }
#define cmocka_unit_test_prestate(f, state)                                                                            \
    { #f, f, NULL, NULL, state }
// clang-format on
#define cmocka_run_group_tests(tests, setup, teardown)                                                                 \
    cross_run(#tests, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                                      \
    cross_run(name, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

static CROSS_UNUSED int cross_run_one(const struct CMUnitTest *test, void *group_state) {
    void *state = test->initial_state ? test->initial_state : group_state;
    int how = setjmp(cross_escape);
    if (how == 0) {
        if (test->setup && test->setup(&state) != 0) return CROSS_FAILED;
        test->test(&state);
    }
    if (test->teardown && test->teardown(&state) != 0) return CROSS_FAILED;
    return how;
}

static CROSS_UNUSED int cross_run(const char *group, const struct CMUnitTest *tests, size_t count,
                                  CMFixtureFunction setup, CMFixtureFunction teardown) {
    static const char *const outcome[] = {"[       OK ]", "[  FAILED  ]", "[  SKIPPED ]"};
    void *state = NULL;
    int failed = 0;
    printf("[==========] %s: %zu test(s)\n", group, count);
    if (setup && setup(&state) != 0) return 1;
    for (size_t i = 0; i < count; i++) {
        int how = cross_run_one(&tests[i], state);
        printf("%s %s\n", outcome[how], tests[i].name);
        failed += how == CROSS_FAILED;
    }
    if (teardown && teardown(&state) != 0) failed++;
    printf("[==========] %d failed\n", failed);
    return failed;
}

#endif
