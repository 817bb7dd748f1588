/* What is written comes back byte for byte; what is damaged or misleading is refused by a sentence; a write that fails
 * leaves the old file. */
#include "base/base.h"
#include "format/file.h"
#include "format/safetensors.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka needs the three above first */
#include <cmocka.h>

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/soma-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

static const char *in_folder(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static size_t files_in_folder(void) {
    size_t n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static const float weights[6] = {1, -2, 3.5f, 0, 1e-30f, 6};
static const double moments[2] = {0.1, 1e300};
static const int64_t steps[1] = {INT64_MIN};
static const uint8_t bytes[3] = {0, 128, 255};
static const safetensors_tensor tensors[] = {
    {.name = "dense1.weight", .dtype = SAFETENSORS_F32, .shape = {2, {2, 3}}, .data = weights},
    {.name = "größe \"x\"\n", .dtype = SAFETENSORS_F64, .shape = {1, {2}}, .data = moments},
    {.name = "step", .dtype = SAFETENSORS_I64, .shape = {0, {0}}, .data = steps},
    {.name = "nothing", .dtype = SAFETENSORS_F32, .shape = {2, {0, 5}}, .data = weights},
    {.name = "flags", .dtype = SAFETENSORS_U8, .shape = {1, {3}}, .data = bytes},
};
static const safetensors_pair metadata[] = {{"options", "{\"epochs\": 3}"}, {"empty", ""}};

static int write_all(const char *path, soma_error *error) {
    return safetensors_write(path, tensors, COUNT_OF(tensors), metadata, COUNT_OF(metadata), NULL, error);
}

static void tensors_and_metadata_come_back(void **state) {
    (void)state;
    soma_error error = {0};
    const char *path = in_folder("a.safetensors");
    assert_int_equal(write_all(path, &error), SOMA_OK);
    safetensors *f = safetensors_open(path, NULL, &error);
    if (!f) fail_msg("%s", error.message);
    assert_int_equal(safetensors_count(f), COUNT_OF(tensors));
    const size_t sizes[] = {24, 16, 8, 0, 3};
    for (size_t i = 0; i < COUNT_OF(tensors); i++) {
        const safetensors_tensor *t = safetensors_find(f, tensors[i].name);
        assert_non_null(t);
        assert_ptr_equal(t, safetensors_at(f, i));
        assert_true(t->dtype == tensors[i].dtype && shape_equal(&t->shape, &tensors[i].shape));
        assert_int_equal(t->size, sizes[i]);
        if (sizes[i]) assert_memory_equal(t->data, tensors[i].data, sizes[i]);
    }
    assert_int_equal((uintptr_t)safetensors_at(f, 0)->data % 64, 0);
    assert_null(safetensors_find(f, "absent"));
    assert_null(safetensors_at(f, 5));
    assert_string_equal(safetensors_metadata(f, "options"), metadata[0].value);
    assert_string_equal(safetensors_metadata(f, "empty"), "");
    assert_null(safetensors_metadata(f, "absent"));
    safetensors_close(f);
    unlink(path);
}

static void a_file_without_anything_is_a_file(void **state) {
    (void)state;
    soma_error error = {0};
    const char *path = in_folder("a.safetensors");
    assert_int_equal(safetensors_write(path, NULL, 0, NULL, 0, NULL, &error), SOMA_OK);
    safetensors *f = safetensors_open(path, NULL, &error);
    assert_non_null(f);
    assert_int_equal(safetensors_count(f), 0);
    assert_null(safetensors_metadata(f, "x"));
    safetensors_close(f);
    unlink(path);
}

static void equal_tensors_give_equal_bytes(void **state) {
    (void)state;
    soma_error error = {0};
    char *content[2];
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        const char *path = in_folder("a.safetensors");
        assert_int_equal(write_all(path, &error), SOMA_OK);
        content[i] = file_read_whole(path, 1 << 20, &size[i], NULL, &error);
        assert_non_null(content[i]);
        unlink(path);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(content[0], content[1], size[0]);
    mem_free(NULL, content[0]);
    mem_free(NULL, content[1]);
}

static void what_can_not_be_written_is_refused(void **state) {
    (void)state;
    const safetensors_tensor twice[2] = {tensors[0], tensors[0]};
    safetensors_tensor latin = tensors[0], huge = tensors[0];
    latin.name = "gr\xf6\xdf"
                 "e";
    huge.shape.dims[0] = INT64_MAX;
    soma_error error = {0};
    assert_int_not_equal(safetensors_write(in_folder("a"), twice, 2, NULL, 0, NULL, &error), SOMA_OK);
    assert_non_null(strstr(error.message, "same name"));
    error = (soma_error){0};
    assert_int_not_equal(safetensors_write(in_folder("a"), &latin, 1, NULL, 0, NULL, &error), SOMA_OK);
    assert_non_null(strstr(error.message, "UTF-8"));
    error = (soma_error){0};
    assert_int_not_equal(safetensors_write(in_folder("a"), &huge, 1, NULL, 0, NULL, &error), SOMA_OK);
    assert_non_null(strstr(error.message, "dense1.weight"));
    assert_int_equal(files_in_folder(), 0);
}

/* ---- Damaged files ----------------------------------------------------------------------------------------------- */

/* Reads memory of its own size, so that a sanitizer sees a step outside. */
static int read_code(const void *content, size_t size, soma_error *error) {
    unsigned char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size) memcpy(copy, content, size);
    memset(error, 0, sizeof *error);
    safetensors *f = safetensors_open_memory(copy, size, "bad.safetensors", NULL, error);
    for (size_t i = 0; f && i < safetensors_count(f); i++) {
        const safetensors_tensor *t = safetensors_at(f, i);
        const unsigned char *data = t->data;
        assert_true(t->size == 0 || (data >= copy && data + t->size <= copy + size));
    }
    if (!f) assert_true(strlen(error->message) > 10);
    safetensors_close(f);
    free(copy);
    return error->code;
}

static void a_file_cut_at_any_byte_is_refused(void **state) {
    (void)state;
    soma_error error = {0};
    size_t size;
    const char *path = in_folder("a.safetensors");
    assert_int_equal(write_all(path, &error), SOMA_OK);
    char *content = file_read_whole(path, 1 << 20, &size, NULL, &error);
    assert_non_null(content);
    assert_int_equal(read_code(content, size, &error), SOMA_OK);
    for (size_t cut = 0; cut < size; cut++) assert_int_not_equal(read_code(content, cut, &error), SOMA_OK);
    for (size_t i = 0; i < size - 51; i++) /* 51 bytes of data may be anything */
        for (unsigned change = 1; change < 256; change += 11) {
            content[i] = (char)((unsigned char)content[i] ^ change);
            read_code(content, size, &error);
            content[i] = (char)((unsigned char)content[i] ^ change);
        }
    mem_free(NULL, content);
    unlink(path);
}

/* A header and `data` bytes behind it. */
static void refused(const char *header, size_t data, const char *word) {
    unsigned char content[4096] = {0};
    soma_error error;
    size_t length = strlen(header);
    for (int i = 0; i < 8; i++) content[i] = (unsigned char)(length >> (8 * i));
    memcpy(content + 8, header, length);
    if (!read_code(content, 8 + length + data, &error)) fail_msg("%s was read", header);
    if (!strstr(error.message, word)) fail_msg("'%s' does not say '%s'", error.message, word);
}

static void headers_that_mislead_are_refused(void **state) {
    (void)state;
#define ENTRY(dtype, shape, begin, end)                                                                                \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"
    refused("{\"a\":" ENTRY("F32", "[2]", 0, 8) ",\"b\":" ENTRY("F32", "[2]", 4, 12) "}", 12,
            "'b' does not begin where");
    refused("{\"a\":" ENTRY("F32", "[2]", 0, 8) ",\"b\":" ENTRY("F32", "[1]", 12, 16) "}", 16,
            "'b' does not begin where");
    refused("{\"a\":" ENTRY("F32", "[2]", 0, 8) "}", 12, "4 bytes behind");
    refused("{\"a\":" ENTRY("F32", "[2]", 0, 8) "}", 4, "reaches out of the file");
    refused("{\"a\":" ENTRY("F32", "[3]", 0, 8) "}", 8, "does not fit");
    refused("{\"a\":" ENTRY("F32", "[4611686018427387904,4]", 0, 8) "}", 8, "does not fit");
    refused("{\"a\":" ENTRY("F32", "[-2]", 0, 8) "}", 8, "no size");
    refused("{\"a\":" ENTRY("F32", "[2.0]", 0, 8) "}", 8, "no size");
    refused("{\"a\":" ENTRY("F32", "[1,1,1,1,1,1,1,1,2]", 0, 8) "}", 8, "8 dimensions");
    refused("{\"a\":" ENTRY("BF16", "[4]", 0, 8) "}", 8, "F32, F64, I64 or U8");
    refused("{\"a\":" ENTRY("F32", "[2]", 8, 0) "}", 8, "reaches out");
    refused("{\"a\":" ENTRY("F32", "[2]", -8, 0) "}", 8, "reaches out");
    refused("{\"a\":" ENTRY("F32", "[2]", 0, 9223372036854775807) "}", 8, "reaches out");
    refused("{\"a\":" ENTRY("F32", "[2]", 0, 8) ",\"a\":" ENTRY("F32", "[0]", 8, 8) "}", 8, "not JSON");
    refused("{\"a\":{}}", 0, "as the format asks for");
    refused("{\"a\":3}", 0, "as the format asks for");
    refused("[]", 0, "not a JSON object");
    refused("{", 0, "not JSON");
    refused("", 0, "not JSON");
    char nested[3000];
    memset(nested, '[', sizeof nested - 1);
    nested[sizeof nested - 1] = 0;
    refused(nested, 0, "not JSON");
}

static void header_sizes_are_checked_before_they_are_used(void **state) {
    (void)state;
    soma_error error;
    unsigned char content[16];
    memset(content, 0xff, sizeof content);
    assert_int_not_equal(read_code(content, sizeof content, &error), SOMA_OK);
    assert_int_not_equal(read_code(content, 3, &error), SOMA_OK);
    assert_int_not_equal(read_code(content, 0, &error), SOMA_OK);
    error = (soma_error){0};
    assert_null(safetensors_open(in_folder("absent"), NULL, &error));
    assert_non_null(strstr(error.message, "No such file"));
    error = (soma_error){0};
    assert_null(safetensors_open(folder, NULL, &error));
}

/* ---- Writing that fails ------------------------------------------------------------------------------------------ */

static void assert_old_content(const char *path) {
    soma_error error = {0};
    size_t size;
    char *content = file_read_whole(path, 1 << 20, &size, NULL, &error);
    assert_non_null(content);
    assert_string_equal(content, "the old file");
    mem_free(NULL, content);
    assert_int_equal(files_in_folder(), 1);
}

static void a_full_disk_leaves_the_old_file_and_nothing_else(void **state) {
    (void)state;
    soma_error error = {0};
    static float big[1 << 18];
    const char *path = in_folder("a.safetensors");
    assert_int_equal(file_write_whole(path, "the old file", 12, NULL, &error), SOMA_OK);
    /* A limit on the size of files stands for a full disk: write fails in the same way. */
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    const rlim_t sizes[] = {0, 100, 70000, sizeof big - 1};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        safetensors_tensor t = {.name = "big", .dtype = SAFETENSORS_F32, .shape = {1, {1 << 18}}, .data = big};
        limit = before;
        limit.rlim_cur = sizes[i];
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        error = (soma_error){0};
        int code = safetensors_write(path, &t, 1, NULL, 0, NULL, &error);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_not_equal(code, SOMA_OK);
        assert_non_null(strstr(error.message, "a.safetensors': "));
        assert_old_content(path);
    }
    signal(SIGXFSZ, handler);
    unlink(path);
}

static void a_folder_that_is_not_there_is_said(void **state) {
    (void)state;
    soma_error error = {0};
    assert_int_not_equal(write_all(in_folder("absent/a.safetensors"), &error), SOMA_OK);
    assert_non_null(strstr(error.message, "No such file"));
    error = (soma_error){0};
    assert_int_not_equal(write_all(folder, &error), SOMA_OK);
    assert_non_null(strstr(error.message, "directory"));
}

static void an_aborted_write_leaves_the_old_file(void **state) {
    (void)state;
    soma_error error = {0};
    const char *path = in_folder("a");
    assert_int_equal(file_write_whole(path, "the old file", 12, NULL, &error), SOMA_OK);
    file_writer *w = file_create(path, NULL, &error);
    assert_non_null(w);
    assert_int_equal(file_write(w, "new", 3, &error), SOMA_OK);
    file_abort(w);
    assert_old_content(path);
    unlink(path);
}

static void permissions_of_the_old_file_stay(void **state) {
    (void)state;
    soma_error error = {0};
    struct stat s;
    const char *path = in_folder("a");
    assert_int_equal(file_write_whole(path, "x", 1, NULL, &error), SOMA_OK);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(file_write_whole(path, "y", 1, NULL, &error), SOMA_OK);
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0640);
    unlink(path);
}

static void devices_are_written_as_they_are(void **state) {
    (void)state;
    soma_error error = {0};
    assert_int_equal(write_all("/dev/null", &error), SOMA_OK);
    struct stat s;
    assert_int_equal(stat("/dev/null", &s), 0);
    assert_true(S_ISCHR(s.st_mode));
    if (access("/dev/full", W_OK) != 0) return;
    assert_int_not_equal(write_all("/dev/full", &error), SOMA_OK);
    assert_non_null(strstr(error.message, "No space left"));
}

static void reading_stops_at_its_limit(void **state) {
    (void)state;
    soma_error error = {0};
    size_t size = 0;
    const char *path = in_folder("a");
    assert_int_equal(file_write_whole(path, "12345", 5, NULL, &error), SOMA_OK);
    assert_null(file_read_whole(path, 4, &size, NULL, &error));
    assert_non_null(strstr(error.message, "more than 4 bytes"));
    error = (soma_error){0};
    char *content = file_read_whole(path, 5, &size, NULL, &error);
    assert_non_null(content);
    assert_string_equal(content, "12345");
    mem_free(NULL, content);
    unlink(path);
}

int main(void) {
#if !defined(SOMA_HAVE_JSON)
    return 77; /* nothing to test in this build */
#else
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_and_metadata_come_back),
        cmocka_unit_test(a_file_without_anything_is_a_file),
        cmocka_unit_test(equal_tensors_give_equal_bytes),
        cmocka_unit_test(what_can_not_be_written_is_refused),
        cmocka_unit_test(a_file_cut_at_any_byte_is_refused),
        cmocka_unit_test(headers_that_mislead_are_refused),
        cmocka_unit_test(header_sizes_are_checked_before_they_are_used),
        cmocka_unit_test(a_full_disk_leaves_the_old_file_and_nothing_else),
        cmocka_unit_test(a_folder_that_is_not_there_is_said),
        cmocka_unit_test(an_aborted_write_leaves_the_old_file),
        cmocka_unit_test(permissions_of_the_old_file_stay),
        cmocka_unit_test(devices_are_written_as_they_are),
        cmocka_unit_test(reading_stops_at_its_limit),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
#endif
}
