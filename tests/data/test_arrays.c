/* NumPy's files as data: which arrays of a .npz are taken and as what, labels, zip archives that lie. */
#include "data_check.h"
#include "support/zip_make.h"

static zip_made zip;
static uint8_t npy[8192];

static void begin_zip(void) { zip = (zip_made){.size = 0}; }

static void add(const char *name, const char *descr, const char *shape, const void *data, size_t size) {
    assert_true(zip_add(&zip, name, npy, npy_compose(npy, descr, shape, data, size), false));
}

static const char *end_zip(void) {
    zip_close(&zip);
    return check_file("d.npz", zip.bytes, zip.size);
}

static soma_dataset *loads(const char *path, data_options options) {
    soma_error error = {0};
    soma_dataset *set = data_load(NULL, path, options, &error);
    if (!set) fail_msg("%s", error.message);
    return set;
}

static const uint8_t bytes[48] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const int64_t labels[] = {7, -1, 7, 7};

static void pictures_of_every_layout_are_taken(void **state) {
    (void)state;
    static const struct {
        const char *shape;
        int64_t sample[3];
        uint8_t first[4]; /* the first bytes of the first sample */
    } cases[] = {
        {"(2, 3, 4)", {1, 3, 4}, {1, 2, 3, 4}},    {"(2, 2, 2, 3)", {3, 2, 2}, {1, 4, 7, 10}},
        {"(2, 2, 6, 1)", {1, 2, 6}, {1, 2, 3, 4}}, {"(2, 3, 2, 2)", {3, 2, 2}, {1, 2, 3, 4}},
        {"(2, 1, 3, 4)", {1, 3, 4}, {1, 2, 3, 4}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin_zip();
        add("x.npy", "|u1", cases[i].shape, bytes, 24);
        add("y.npy", "<i8", "(2,)", labels, 16);
        soma_dataset *set = loads(end_zip(), PLAIN);
        assert_int_equal(set->rows, 2);
        assert_memory_equal(set->sample.dims, cases[i].sample, sizeof cases[i].sample);
        assert_memory_equal(set->pictures, cases[i].first, 4);
        assert_true(set->schema.classify && set->schema.classes_count == 2);
        assert_string_equal(set->schema.classes[0], "-1");
        assert_true(set->classes[0] == 1 && set->classes[1] == 0);
        soma_dataset_destroy(set);
    }
}

static void what_was_taken_is_said(void **state) {
    (void)state;
    begin_zip();
    add("x_test.npy", "|u1", "(1, 2, 3)", bytes + 6, 6);
    add("y_test.npy", "<i8", "(1, 1)", labels, 8);
    add("x_train.npy", "|u1", "(2, 2, 3)", bytes, 12);
    add("y_train.npy", "<i8", "(2,)", labels, 16);
    const char *path = end_zip();
    soma_dataset *set = loads(path, PLAIN);
    assert_string_equal(set->note,
                        "x_train: uint8 [2, 2, 3] as 2 pictures of 1 x 2 x 3, y_train as 2 classes; x_test is "
                        "left for --test or eval");
    soma_dataset *test = loads(path, OPTIONS(.schema = &set->schema));
    assert_string_equal(test->note, "x_test: uint8 [1, 2, 3] as 1 pictures of 1 x 2 x 3, y_test as 2 classes");
    assert_true(test->rows == 1 && test->pictures[0] == 7 && test->classes[0] == 1);
    soma_dataset_destroy(test);
    soma_dataset_destroy(set);
}

static void tables_are_rows_of_floats(void **state) {
    (void)state;
    const double x[] = {1.5, 2, -3, 4, 5, 6};
    const float y[] = {0.5f, 1.25f, 2};
    begin_zip();
    add("X.npy", "<f8", "(3, 2)", x, sizeof x);
    add("y.npy", "<f4", "(3, 1)", y, sizeof y);
    soma_dataset *set = loads(end_zip(), PLAIN);
    assert_true(set->sample.rank == 1 && set->sample.dims[0] == 2 && set->rows == 3);
    assert_true(set->features[0] == 1.5f && set->features[5] == 6);
    assert_true(!set->schema.classify && set->targets[1] == 1.25f);
    assert_string_equal(set->note,
                        "X: float64 [3, 2] as 3 rows of 2 numbers, y as numbers (--task classify changes that)");
    soma_dataset_destroy(set);
}

static void nan_is_a_missing_value_of_a_table_only(void **state) {
    (void)state;
    const float x[] = {1, __builtin_nanf(""), 3, 4};
    const char *path = check_file("x.npy", npy, npy_compose(npy, "<f4", "(2, 2)", x, 16));
    soma_dataset *set = loads(path, OPTIONS(.predict = true));
    assert_true(set->features[1] != set->features[1]);
    soma_dataset_destroy(set);
    path = check_file("x.npy", npy, npy_compose(npy, "<f4", "(2, 2, 1)", x, 16));
    check_refused_file(path, OPTIONS(.predict = true), "row 0, element 1 is nan; expected finite numbers");
}

static void floats_may_be_pictures(void **state) {
    (void)state;
    const float x[] = {0, 1, 2, 3, 4, 5};
    begin_zip();
    add("x.npy", "<f4", "(1, 1, 2, 3)", x, sizeof x);
    soma_dataset *set = loads(end_zip(), OPTIONS(.predict = true));
    float got[6];
    assert_int_equal(set->sample.dims[0], 3);
    assert_int_equal(soma_dataset_get(set, 0, 1, got, NULL, NULL), SOMA_OK);
    const float expected[] = {0, 3, 1, 4, 2, 5};
    assert_memory_equal(got, expected, sizeof got);
    soma_dataset_destroy(set);
}

static void labels_are_classes_or_numbers_by_their_values(void **state) {
    (void)state;
    static uint8_t x[60];
    int64_t y[60];
    static const struct {
        int64_t modulus;
        task_choice task;
        bool classify;
    } cases[] = {{6, TASK_AUTO, true}, {7, TASK_AUTO, false}, {7, TASK_CLASSIFY, true}, {2, TASK_REGRESS, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int k = 0; k < 60; k++) y[k] = k % cases[i].modulus;
        begin_zip();
        add("x.npy", "|u1", "(60, 1)", x, 60);
        add("y.npy", "<i8", "(60,)", y, sizeof y);
        soma_dataset *set = loads(end_zip(), OPTIONS(.task = cases[i].task));
        assert_int_equal(set->schema.classify, cases[i].classify);
        assert_int_equal(soma_dataset_classes(set), cases[i].classify ? cases[i].modulus : 0);
        soma_dataset_destroy(set);
    }
}

static void an_array_takes_labels_from_a_file(void **state) {
    (void)state;
    const char *x = check_file("x.npy", npy, npy_compose(npy, "|u1", "(4, 1, 2)", bytes, 8));
    const char *y = check_file("y.npy", npy, npy_compose(npy, "<i8", "(4,)", labels, 32));
    soma_dataset *set = loads(x, OPTIONS(.labels = y));
    assert_true(set->rows == 4 && set->classes[1] == 0 && set->classes[3] == 1);
    const int64_t others[] = {7, 7, -1, 5};
    y = check_file("y2.npy", npy, npy_compose(npy, "<i8", "(4,)", others, 32));
    soma_error error = {0};
    assert_null(data_load(NULL, x, OPTIONS(.labels = y, .schema = &set->schema), &error));
    check_sentence(error.message, y, "the label 5 is none of the 2 classes of the training set");
    error.code = SOMA_OK;
    y = check_file("y2.npy", npy, npy_compose(npy, "<i8", "(3,)", others, 24));
    assert_null(data_load(NULL, x, OPTIONS(.labels = y), &error));
    check_sentence(error.message, y, "the labels have the shape [3]; expected [4]");
    error.code = SOMA_OK;
    const float halves[] = {0, 1, 0.5f, 1};
    y = check_file("y2.npy", npy, npy_compose(npy, "<f4", "(4,)", halves, 16));
    assert_null(data_load(NULL, x, OPTIONS(.labels = y, .task = TASK_CLASSIFY), &error));
    check_sentence(error.message, y, "element 2 is 0.5; expected whole numbers for classes");
    soma_dataset_destroy(set);
    check_refused_file(x, PLAIN, "an array without labels; --labels FILE.npy names them");
}

static void arrays_that_are_no_data_are_refused(void **state) {
    (void)state;
    const char *x = check_file("x.npy", npy, npy_compose(npy, "|u1", "(2, 2, 2, 2)", bytes, 16));
    check_refused_file(
        x, OPTIONS(.predict = true),
        "an array of the shape [2, 2, 2, 2]; expected a table [N, F] or pictures [N, H, W], [N, H, W, C] "
        "or [N, C, H, W] with C = 1 or 3");
    x = check_file("x.npy", npy, npy_compose(npy, "|u1", "(0, 2)", bytes, 0));
    check_refused_file(x, OPTIONS(.predict = true), "an array of the shape [0, 2] holds nothing");
    const float beyond[] = {1, 2, __builtin_inff(), 4};
    x = check_file("x.npy", npy, npy_compose(npy, "<f4", "(2, 2)", beyond, 16));
    check_refused_file(x, OPTIONS(.predict = true), "row 1, element 0 is infinite; expected finite numbers");
    x = check_file("x.npy", npy, npy_compose(npy, "<f4", "(1, 2)", bytes, 8));
    check_refused_file(x, OPTIONS(.predict = true, .target = "a"),
                       "an array has no columns with names; --target, --ignore and --keep are for .csv files");
    begin_zip();
    add("a.npy", "|u1", "(2, 2)", bytes, 4);
    add("b.npy", "|u1", "(2, 2)", bytes, 4);
    check_refused_file(end_zip(), PLAIN, "holds a.npy, b.npy; expected the arrays x_train and y_train, or x and y");
    begin_zip();
    add("x.npy", "|u1", "(2, 2)", bytes, 4);
    check_refused_file(end_zip(), PLAIN, "holds the array x but not y, its labels");
}

/* ---- Archives -------------------------------------------------------------------------------------------------- */

static void packed_members_are_unpacked(void **state) {
    (void)state;
    static uint8_t data[4000];
    size_t size = npy_compose(npy, "|u1", "(2, 40, 50)", data, sizeof data);
    begin_zip();
    if (!zip_add(&zip, "x.npy", npy, size, true)) skip();
    soma_dataset *set = loads(end_zip(), OPTIONS(.predict = true));
    assert_int_equal(set->rows, 2);
    soma_dataset_destroy(set);
}

/* An archive of one member "x.npy" whose directory entry has been changed. */
static void refuses_entry(size_t at, uint32_t value, size_t width, const char *expected) {
    begin_zip();
    add("x.npy", "|u1", "(2, 2)", bytes, 4);
    for (size_t i = 0; i < width; i++) zip.directory[zip.last + at + i] = (uint8_t)(value >> 8 * i);
    check_refused_file(end_zip(), OPTIONS(.predict = true), expected);
}

static void archives_that_lie_are_refused(void **state) {
    (void)state;
    refuses_entry(0, 0, 4, "the zip archive has a damaged directory");
    refuses_entry(28, 60000, 2, "the zip archive has a damaged directory");
    refuses_entry(8, 1, 2, "the member x.npy is encrypted");
    refuses_entry(10, 12, 2, "the member x.npy is packed in another way than by deflate");
    refuses_entry(20, 0xFFFFFFFF, 4, "the member x.npy is zip64, which is not read");
    refuses_entry(42, 1, 4, "the member x.npy is not where the directory says");
    refuses_entry(42, 0x7FFFFFFF, 4, "the member x.npy is not where the directory says");
    refuses_entry(20, 100000, 4, "the member x.npy goes beyond the file's end");
    refuses_entry(24, 3000000000u, 4, "the member x.npy can't have the size that the directory says");
    begin_zip();
    add("x.npy", "|u1", "(2, 2)", bytes, 4);
    zip_close(&zip);
    check_refused_file(check_file("d.npz", zip.bytes, zip.size - 5), PLAIN,
                       "the zip archive has no directory at its end; it may be cut off");
}

static void damaged_members_are_refused(void **state) {
    (void)state;
#ifndef SOMA_HAVE_ZLIB
    skip();
#endif
    refuses_entry(16, 1, 4, "the member x.npy is damaged: its checksum differs");
    refuses_entry(10, 8, 2, "the member x.npy is damaged");
}

static void archives_cut_off_anywhere_are_refused(void **state) {
    (void)state;
    begin_zip();
    add("x.npy", "|u1", "(2, 2)", bytes, 4);
    zip_close(&zip);
    for (size_t size = 22; size < zip.size; size++) {
        soma_error error = {0};
        uint8_t *copy = malloc(size);
        memcpy(copy, zip.bytes, size);
        const char *path = check_file("d.npz", copy, size);
        free(copy);
        assert_null(data_load(NULL, path, OPTIONS(.predict = true), &error));
        check_sentence(error.message, path, "the zip archive has no directory at its end; it may be cut off");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_of_every_layout_are_taken),
        cmocka_unit_test(what_was_taken_is_said),
        cmocka_unit_test(tables_are_rows_of_floats),
        cmocka_unit_test(nan_is_a_missing_value_of_a_table_only),
        cmocka_unit_test(floats_may_be_pictures),
        cmocka_unit_test(labels_are_classes_or_numbers_by_their_values),
        cmocka_unit_test(an_array_takes_labels_from_a_file),
        cmocka_unit_test(arrays_that_are_no_data_are_refused),
        cmocka_unit_test(packed_members_are_unpacked),
        cmocka_unit_test(archives_that_lie_are_refused),
        cmocka_unit_test(damaged_members_are_refused),
        cmocka_unit_test(archives_cut_off_anywhere_are_refused),
    };
    return cmocka_run_group_tests(tests, check_begin, check_end);
}
