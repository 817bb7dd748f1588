/* data_check.h: files of a test's own, and loading them. */
#ifndef DATA_CHECK_H
#define DATA_CHECK_H

#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define OPTIONS(...) ((data_options){__VA_ARGS__})
#define PLAIN        OPTIONS(.target = NULL)

/* A folder that this test program makes, and paths in it. */
static char check_folder[] = "/tmp/soma-data-XXXXXX";
static char check_paths[16][256];
static size_t check_used;

static inline int check_begin(void **state) {
    (void)state;
    return mkdtemp(check_folder) ? 0 : -1;
}

static inline const char *check_path(const char *name) {
    for (size_t i = 0; i < check_used; i++)
        if (strcmp(check_paths[i] + strlen(check_folder) + 1, name) == 0) return check_paths[i];
    assert_true(check_used < COUNT_OF(check_paths));
    snprintf(check_paths[check_used], sizeof check_paths[0], "%s/%s", check_folder, name);
    return check_paths[check_used++];
}

static inline int check_end(void **state) {
    (void)state;
    for (size_t i = 0; i < check_used; i++) remove(check_paths[i]);
    return rmdir(check_folder);
}

static inline const char *check_file(const char *name, const void *bytes, size_t size) {
    const char *path = check_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* Loads a text as "t.csv". */
static inline soma_dataset *check_load(const char *text, data_options options) {
    soma_error error = {0};
    soma_dataset *set = data_load(NULL, check_file("t.csv", text, strlen(text)), options, &error);
    if (!set) fail_msg("%s", error.message);
    return set;
}

/* `message` is the file's path followed by `expected`. */
static inline void check_sentence(const char *message, const char *path, const char *expected) {
    size_t length = strlen(path);
    assert_true(strncmp(message, path, length) == 0 && strncmp(message + length, ": ", 2) == 0);
    assert_string_equal(message + length + 2, expected);
    assert_null(strchr(message, '\n'));
}

/* Loading a file is refused with exactly this sentence behind its path. */
static inline void check_refused_file(const char *path, data_options options, const char *expected) {
    soma_error error = {0};
    soma_dataset *set = data_load(NULL, path, options, &error);
    assert_null(set);
    assert_int_not_equal(error.code, SOMA_OK);
    check_sentence(error.message, path, expected);
}

static inline void check_refused(const char *text, data_options options, const char *expected) {
    check_refused_file(check_file("t.csv", text, strlen(text)), options, expected);
}

static inline void check_row(const soma_dataset *set, int64_t row, const float *expected) {
    size_t features = set->schema.columns_count;
    for (size_t i = 0; i < features; i++)
        assert_float_equal(set->features[(size_t)row * features + i], expected[i], 1e-6);
}

#endif
