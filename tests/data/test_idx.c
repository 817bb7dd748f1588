/* IDX pictures and labels, plain and packed, and headers that lie. */
#include "data_check.h"

enum { MOST = 4096 };

typedef struct buffer {
    uint8_t bytes[MOST];
    size_t size;
} buffer;

static void put(buffer *b, const void *bytes, size_t size) {
    assert_true(b->size + size <= MOST);
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

static void put_u32(buffer *b, uint32_t v) {
    put(b, (uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}, 4);
}

static buffer pictures(uint32_t count, uint32_t height, uint32_t width, size_t bytes) {
    buffer b = {.size = 0};
    put_u32(&b, 0x803);
    put_u32(&b, count);
    put_u32(&b, height);
    put_u32(&b, width);
    for (size_t i = 0; i < bytes; i++) put(&b, &(uint8_t){(uint8_t)(i * 7)}, 1);
    return b;
}

static buffer labels(const char *values) {
    buffer b = {.size = 0};
    put_u32(&b, 0x801);
    put_u32(&b, (uint32_t)strlen(values));
    for (; *values; values++) put(&b, &(uint8_t){(uint8_t)(*values - '0')}, 1);
    return b;
}

/* gzip of one stored block (RFC 1951, 1952). */
static buffer packed(const buffer *plain) {
    buffer b = {.size = 0};
    uint32_t crc = 0xFFFFFFFF, size = (uint32_t)plain->size;
    for (size_t i = 0; i < plain->size; i++) {
        crc ^= plain->bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xEDB88320 & (0 - (crc & 1)));
    }
    crc = ~crc;
    put(&b, "\x1F\x8B\x08\0\0\0\0\0\0\xFF\x01", 11);
    put(&b, (uint8_t[]){(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)~size, (uint8_t)(~size >> 8)}, 4);
    put(&b, plain->bytes, plain->size);
    for (int i = 0; i < 32; i += 8) put(&b, &(uint8_t){(uint8_t)(crc >> i)}, 1);
    for (int i = 0; i < 32; i += 8) put(&b, &(uint8_t){(uint8_t)(size >> i)}, 1);
    return b;
}

static const char *file_of(const char *name, const buffer *b) { return check_file(name, b->bytes, b->size); }

/* Leaves the test when this soma is built without zlib, after seeing that it says so. */
static void need_zlib(void) {
    buffer p = pictures(1, 1, 1, 1), g = packed(&p);
    soma_error error = {0};
    soma_dataset *set = data_load(NULL, file_of("zlib", &g), OPTIONS(.predict = true), &error);
    if (!set && strstr(error.message, "built without zlib")) skip();
    soma_dataset_destroy(set);
}

static void pictures_and_labels_are_read(void **state) {
    (void)state;
    buffer p = pictures(3, 2, 2, 12), l = labels("717");
    const char *path = file_of("a-images-idx3-ubyte", &p);
    file_of("a-labels-idx1-ubyte", &l);
    soma_dataset *set = data_load(NULL, path, PLAIN, NULL);
    assert_non_null(set);
    assert_int_equal(set->rows, 3);
    assert_int_equal(set->sample.rank, 3);
    assert_int_equal(set->sample.dims[0], 1);
    assert_int_equal(set->sample.dims[1], 2);
    assert_int_equal(soma_dataset_classes(set), 2);
    assert_string_equal(soma_dataset_class_name(set, 0), "1");
    assert_string_equal(soma_dataset_class_name(set, 1), "7");
    assert_int_equal(set->classes[0], 1);
    assert_int_equal(set->classes[1], 0);
    float x[8];
    int64_t c[2];
    assert_int_equal(data_gather(set, (int64_t[]){2, 0}, 2, x, c, NULL, NULL), SOMA_OK);
    assert_float_equal(x[0], 56, 0);
    assert_float_equal(x[7], 21, 0);
    assert_int_equal(c[1], 1);
    soma_dataset_destroy(set);
}

static void labels_may_be_numbers(void **state) {
    (void)state;
    buffer p = pictures(3, 2, 2, 12), l = labels("717");
    const char *path = file_of("p", &p), *beside = file_of("l", &l);
    soma_dataset *set = data_load(NULL, path, OPTIONS(.labels = beside, .task = TASK_REGRESS), NULL);
    assert_non_null(set);
    assert_int_equal(soma_dataset_classes(set), 0);
    assert_float_equal(set->targets[1], 1, 0);
    soma_dataset_destroy(set);
}

static void packed_files_are_the_same(void **state) {
    (void)state;
    need_zlib();
    buffer p = pictures(3, 2, 2, 12), l = labels("717"), gp = packed(&p), gl = packed(&l);
    const char *plain = file_of("p", &p), *plain_labels = file_of("l", &l),
               *path = file_of("g-images-idx3-ubyte.gz", &gp);
    file_of("g-labels-idx1-ubyte.gz", &gl);
    soma_dataset *a = data_load(NULL, plain, OPTIONS(.labels = plain_labels), NULL),
                 *b = data_load(NULL, path, PLAIN, NULL);
    assert_non_null(a);
    assert_non_null(b);
    assert_true(a->fingerprint == b->fingerprint);
    assert_memory_equal(a->pictures, b->pictures, 12);
    soma_dataset_destroy(a);
    soma_dataset_destroy(b);
    remove(check_path("g-labels-idx1-ubyte.gz")); /* labels may be unpacked beside packed pictures */
    file_of("g-labels-idx1-ubyte", &l);
    b = data_load(NULL, path, PLAIN, NULL);
    assert_non_null(b);
    soma_dataset_destroy(b);
}

static void the_shipped_pictures_are_read(void **state) {
    (void)state;
    need_zlib();
    soma_error error = {0};
    soma_dataset *set = data_load(NULL, "data/mnist/train-images-idx3-ubyte.gz", PLAIN, &error);
    if (!set) fail_msg("%s", error.message);
    assert_int_equal(set->rows, 7000);
    assert_int_equal(set->sample.dims[2], 28);
    assert_int_equal(soma_dataset_classes(set), 10);
    assert_string_equal(soma_dataset_class_name(set, 9), "9");
    double sum = 0;
    for (size_t i = 0; i < 7000 * 784; i++) sum += set->pictures[i];
    sum /= 255 * 7000.0 * 784;
    assert_true(sum > 0.13115 && sum < 0.13125); /* 0.1312, as the set's description says */
    soma_dataset_destroy(set);
}

static void pictures_to_be_predicted_need_no_labels(void **state) {
    (void)state;
    buffer p = pictures(2, 2, 2, 8);
    soma_dataset *set = data_load(NULL, file_of("p", &p), OPTIONS(.predict = true), NULL);
    assert_non_null(set);
    assert_null(set->classes);
    float y;
    assert_int_equal(soma_dataset_get(set, 0, 1, NULL, &y, NULL), SOMA_ERROR_ARGUMENT);
    soma_dataset_destroy(set);
}

static void later_labels_are_told_by_class_names(void **state) {
    (void)state;
    buffer p = pictures(2, 1, 1, 2), l = labels("73"), wrong = labels("74");
    char *names[] = {"1", "3", "7"};
    table_schema schema = {.classify = true, .classes = names, .classes_count = 3};
    const char *path = file_of("p", &p), *beside = file_of("l", &l);
    soma_dataset *set = data_load(NULL, path, OPTIONS(.labels = beside, .schema = &schema), NULL);
    assert_non_null(set);
    assert_int_equal(set->classes[0], 2);
    assert_int_equal(set->classes[1], 1);
    soma_dataset_destroy(set);
    soma_error error = {0};
    assert_null(data_load(NULL, path, OPTIONS(.labels = file_of("l", &wrong), .schema = &schema), &error));
    check_sentence(error.message, beside, "the label 4 of picture 2 is none of the 3 classes of the training set");
}

static void headers_that_lie_are_refused(void **state) {
    (void)state;
    buffer p = pictures(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 100);
    check_refused_file(
        file_of("p", &p), PLAIN,
        "the header says 4294967295 pictures of 4294967295 x 4294967295, more than the file has room for");
    p = pictures(60000, 28, 28, 100);
    check_refused_file(file_of("p", &p), PLAIN,
                       "the header says 60000 pictures of 28 x 28, more than the file has room for");
    p = pictures(2, 2, 2, 9);
    check_refused_file(file_of("p", &p), PLAIN, "goes on behind the 8 bytes that its header says");
    p = pictures(2, 2, 2, 8);
    p.size = 11;
    check_refused_file(file_of("p", &p), PLAIN, "ends within its header of 16 bytes");
    p = pictures(0, 28, 28, 0);
    check_refused_file(file_of("p", &p), PLAIN, "holds 0 pictures of 28 x 28; expected at least one with a pixel");
}

static void other_idx_files_are_refused(void **state) {
    (void)state;
    buffer p = pictures(2, 2, 2, 8), l = labels("10");
    check_refused_file(file_of("p", &l), PLAIN, "holds IDX labels; expected IDX pictures");
    p.bytes[3] = 4;
    check_refused_file(file_of("p", &p), PLAIN, "has 4 dimensions; expected 3, as IDX pictures have");
    p.bytes[2] = 0x0D;
    check_refused_file(file_of("p", &p), PLAIN, "holds elements of IDX type 0x0d; expected bytes, type 0x08");
}

static void labels_that_do_not_go_with_the_pictures_are_refused(void **state) {
    (void)state;
    buffer p = pictures(2, 2, 2, 8), l = labels("101"), same = labels("11");
    const char *path = file_of("p", &p), *beside = file_of("l", &l);
    char expected[400];
    soma_error error = {0};
    assert_null(data_load(NULL, path, OPTIONS(.labels = beside), &error));
    snprintf(expected, sizeof expected, "holds 3 labels for the 2 pictures of %.255s", path);
    check_sentence(error.message, beside, expected);
    error.code = SOMA_OK;
    assert_null(data_load(NULL, path, OPTIONS(.labels = path), &error));
    check_sentence(error.message, path, "holds IDX pictures; expected IDX labels");
    file_of("l", &same);
    check_refused_file(path, OPTIONS(.labels = beside), "all labels are 1; at least two classes are needed");
    check_refused_file(path, PLAIN, "no labels by the usual name stand beside it; --labels FILE names them");
    check_refused_file(path, OPTIONS(.target = "x"), "holds pictures; --target and --ignore are for tables");
    check_refused_file(path, OPTIONS(.keep = (const char *const[]){"x", NULL}), "holds pictures; --keep is for tables");
}

static void damaged_packed_files_are_refused(void **state) {
    (void)state;
    need_zlib();
    buffer p = pictures(2, 2, 2, 8), g = packed(&p), text = {.size = 0};
    for (size_t size = 3; size < g.size; size += 5)
        check_refused_file(check_file("p", g.bytes, size), PLAIN, "the gzip data is cut off");
    g.bytes[20] ^= 1;
    soma_error error = {0};
    assert_null(data_load(NULL, file_of("p", &g), PLAIN, &error));
    g = packed(&p);
    g.bytes[g.size - 6] ^= 1; /* its check sum */
    check_refused_file(file_of("p", &g), PLAIN, "the gzip data is damaged");
    g = packed(&p);
    put(&g, "rest", 4);
    check_refused_file(file_of("p", &g), PLAIN, "bytes follow the end of the gzip data");
    p = pictures(0xFFFFFFFF, 1, 1, 8);
    g = packed(&p);
    check_refused_file(file_of("p", &g), PLAIN,
                       "the header says 4294967295 pictures of 1 x 1, more than the file has room for");
    p = pictures(50, 50, 2, 8);
    g = packed(&p);
    check_refused_file(file_of("p", &g), PLAIN, "ends after 8 of the 5000 bytes that its header says");
    put(&text, "a,b\n1,x\n", 8);
    g = packed(&text);
    check_refused_file(file_of("p", &g), PLAIN,
                       "is no IDX file; expected IDX pictures, which begin with the bytes 0 0 8 3");
}

static void several_members_are_one_file(void **state) {
    (void)state;
    need_zlib();
    buffer p = pictures(2, 2, 2, 8), first = p, rest = {.size = 0};
    first.size = 19;
    put(&rest, p.bytes + 19, p.size - 19);
    buffer g = packed(&first), second = packed(&rest);
    put(&g, second.bytes, second.size);
    soma_dataset *set = data_load(NULL, file_of("p", &g), OPTIONS(.predict = true), NULL);
    assert_non_null(set);
    assert_memory_equal(set->pictures, p.bytes + 16, 8);
    soma_dataset_destroy(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_and_labels_are_read),
        cmocka_unit_test(labels_may_be_numbers),
        cmocka_unit_test(packed_files_are_the_same),
        cmocka_unit_test(the_shipped_pictures_are_read),
        cmocka_unit_test(pictures_to_be_predicted_need_no_labels),
        cmocka_unit_test(later_labels_are_told_by_class_names),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(other_idx_files_are_refused),
        cmocka_unit_test(labels_that_do_not_go_with_the_pictures_are_refused),
        cmocka_unit_test(damaged_packed_files_are_refused),
        cmocka_unit_test(several_members_are_one_file),
    };
    return cmocka_run_group_tests(tests, check_begin, check_end);
}
