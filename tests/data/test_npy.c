/* Arrays in .npy files. */
#include "data/npy.h"
#include "data_check.h"

/* A file of version 1.0 with this header and these elements. */
static size_t compose(uint8_t *bytes, const char *header, const void *data, size_t size) {
    size_t length = strlen(header);
    memcpy(bytes, "\x93NUMPY\x01\0", 8);
    bytes[8] = (uint8_t)length;
    bytes[9] = (uint8_t)(length >> 8);
    memcpy(bytes + 10, header, length);
    if (size) memcpy(bytes + 10 + length, data, size);
    return 10 + length + size;
}

static npy_array reads(const char *header, const void *data, size_t size) {
    uint8_t bytes[1024];
    npy_array array;
    soma_error error = {0};
    if (!npy_read(NULL, bytes, compose(bytes, header, data, size), "f.npy", &array, &error))
        fail_msg("%s", error.message);
    return array;
}

static void refuses(const char *header, size_t size, const char *expected) {
    uint8_t bytes[1024], data[256] = {0};
    npy_array array;
    soma_error error = {0};
    assert_false(npy_read(NULL, bytes, compose(bytes, header, data, size), "f.npy", &array, &error));
    assert_null(array.data);
    check_sentence(error.message, "f.npy", expected);
}

static void written_arrays_are_read_back(void **state) {
    (void)state;
    const float data[6] = {1, -2.5f, 3e38f, 1e-40f, 0, 7};
    const char *path = check_path("a.npy");
    const soma_shape shapes[] = {soma_shape0(), soma_shape1(6), soma_shape2(2, 3), soma_shape3(1, 0, 4)};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        npy_array array;
        soma_error error = {0};
        assert_true(npy_write(path, NPY_FLOAT32, &shapes[i], data, &error));
        if (!npy_load(NULL, path, &array, &error)) fail_msg("%s", error.message);
        assert_int_equal(array.type, NPY_FLOAT32);
        assert_true(shape_equal(&array.shape, &shapes[i]));
        assert_int_equal(array.count, shape_elements(&shapes[i], 1));
        assert_memory_equal(array.data, data, array.count * sizeof *data);
        npy_clear(NULL, &array);
    }
}

static void headers_are_written_as_numpy_writes_them(void **state) {
    (void)state;
    const int64_t data[2] = {1, -1};
    const char *path = check_path("a.npy");
    const soma_shape shape = soma_shape1(2);
    uint8_t bytes[256];
    static const char header[] = "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }";
    assert_true(npy_write(path, NPY_INT64, &shape, data, NULL));
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), 128 + 16);
    fclose(file);
    assert_memory_equal(bytes, "\x93NUMPY\x01\0\x76\0", 10);
    assert_memory_equal(bytes + 10, header, strlen(header));
    assert_int_equal(bytes[127], '\n');
    assert_memory_equal(bytes + 128, data, 16);
}

static void every_type_and_byte_order_is_read(void **state) {
    (void)state;
    static const struct {
        const char *code, *bytes;
        size_t size;
        double value;
    } cases[] = {
        {"<f4", "\0\0\x80\xBF", 4, -1},
        {">f4", "\xBF\x80\0\0", 4, -1},
        {"<f8", "\0\0\0\0\0\0\xF8\x3F", 8, 1.5},
        {"|i1", "\xFE", 1, -2},
        {"<i2", "\xFE\xFF", 2, -2},
        {">i2", "\xFF\xFE", 2, -2},
        {"<i4", "\x01\0\0\x80", 4, -2147483647.0},
        {"<i8", "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, -2},
        {"|u1", "\xFE", 1, 254},
        {"<u2", "\xFE\xFF", 2, 65534},
        {"<u4", "\xFE\xFF\xFF\xFF", 4, 4294967294.0},
        {"|b1", "\1", 1, 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char header[128];
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (1,)}", cases[i].code);
        npy_array array = reads(header, cases[i].bytes, cases[i].size);
        float *floats = npy_floats(NULL, &array, NULL);
        assert_non_null(floats);
        assert_true(floats[0] == (float)cases[i].value);
        mem_free(NULL, floats);
        npy_clear(NULL, &array);
    }
}

static void fortran_order_becomes_c_order(void **state) {
    (void)state;
    const uint8_t data[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    npy_array array = reads("{\"shape\": (2, 3, 2), \"descr\": \"|u1\", \"fortran_order\": True,}  \n", data, 12);
    const uint8_t expected[12] = {0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11};
    assert_memory_equal(array.data, expected, 12);
    npy_clear(NULL, &array);
}

static void whole_numbers_are_told_from_others(void **state) {
    (void)state;
    const float data[2] = {3, 2.5f};
    soma_error error = {0};
    npy_array array = reads("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", data, 4);
    int64_t *whole = npy_int64s(NULL, &array, "f.npy", &error);
    assert_int_equal(whole[0], 3);
    mem_free(NULL, whole);
    npy_clear(NULL, &array);
    array = reads("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", data, 8);
    assert_null(npy_int64s(NULL, &array, "f.npy", &error));
    check_sentence(error.message, "f.npy", "element 1 is 2.5; expected whole numbers");
    npy_clear(NULL, &array);
}

static void doubles_beyond_float_become_infinite(void **state) {
    (void)state;
    const double data[2] = {1e300, -1e300};
    npy_array array = reads("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", data, 16);
    float *floats = npy_floats(NULL, &array, NULL);
    assert_true(floats[0] > 3.4e38f && floats[1] < -3.4e38f);
    mem_free(NULL, floats);
    npy_clear(NULL, &array);
}

static void files_that_lie_are_refused(void **state) {
    (void)state;
    const char *types = "the element type is not one of float32, float64, int8 to int64, uint8 to uint32 and bool";
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 8,
            "the shape [3] of float32 does not go with the 8 bytes that follow the header");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 8,
            "the shape [1] of float32 does not go with the 8 bytes that follow the header");
    refuses("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 8,
            "the shape [4294967296, 4294967296] of float64 does not go with the 8 bytes that follow the header");
    refuses("{'descr': '<f8', 'fortran_order': True, 'shape': (0, 4294967296, 4294967296)}", 8,
            "the shape [0, 4294967296, 4294967296] of float64 does not go with the 8 bytes that follow the header");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 8,
            "the shape is not a tuple of at most 8 dimensions");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 4,
            "the shape is not a tuple of at most 8 dimensions");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 4,
            "the shape is not a tuple of at most 8 dimensions");
    refuses("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", 8, types);
    refuses("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", 8, types);
    refuses("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 8, types);
    refuses("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", 4, "fortran_order is neither True nor False");
    refuses("{'descr': '<f4', 'fortran_order': False}", 4, "the header lacks descr, fortran_order or shape");
    refuses("{'descr': '<f4', 'extra': 1}", 4, "the header has an unknown key");
    refuses("{'descr': '<f4'", 4, "the header is damaged");
    refuses("", 0, "the header is no dictionary");
}

static void other_files_are_refused(void **state) {
    (void)state;
    npy_array array;
    soma_error error = {0};
    assert_false(npy_read(NULL, (const uint8_t *)"PK\3\4", 4, "f.npy", &array, &error));
    check_sentence(error.message, "f.npy", "is no .npy file");
    error.code = SOMA_OK;
    assert_false(npy_read(NULL, (const uint8_t *)"\x93NUMPY\x04\0\0\0", 10, "f.npy", &array, &error));
    check_sentence(error.message, "f.npy", "has a .npy version other than 1, 2 and 3");
    error.code = SOMA_OK;
    assert_false(npy_read(NULL, (const uint8_t *)"\x93NUMPY\x02\0\x10\0\0\0", 12, "f.npy", &array, &error));
    check_sentence(error.message, "f.npy", "ends within its header");
    error.code = SOMA_OK;
    assert_false(npy_load(NULL, "nowhere/f.npy", &array, &error));
    check_sentence(error.message, "nowhere/f.npy", "can't be opened: No such file or directory");
}

static void failures_of_writing_are_named(void **state) {
    (void)state;
    const soma_shape shape = soma_shape1(1), open = soma_shape1(SOMA_BATCH);
    const float one = 1;
    soma_error error = {0};
    assert_false(npy_write("nowhere/f.npy", NPY_FLOAT32, &shape, &one, &error));
    assert_int_equal(error.code, SOMA_ERROR_IO);
    check_sentence(error.message, "nowhere/f.npy", "can't be written: No such file or directory");
    error.code = SOMA_OK;
    assert_false(npy_write(check_path("a.npy"), NPY_FLOAT32, &open, &one, &error));
    assert_int_equal(error.code, SOMA_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_arrays_are_read_back),
        cmocka_unit_test(headers_are_written_as_numpy_writes_them),
        cmocka_unit_test(every_type_and_byte_order_is_read),
        cmocka_unit_test(fortran_order_becomes_c_order),
        cmocka_unit_test(whole_numbers_are_told_from_others),
        cmocka_unit_test(doubles_beyond_float_become_infinite),
        cmocka_unit_test(files_that_lie_are_refused),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(failures_of_writing_are_named),
    };
    return cmocka_run_group_tests(tests, check_begin, check_end);
}
