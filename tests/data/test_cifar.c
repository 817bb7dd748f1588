/* CIFAR-10's binary files: records, class names, folders, refusals. */
#include "data_check.h"
#include "support/picture_folder.h"

enum { RECORD = 3073 };

static uint8_t records[5 * RECORD];

static int begin(void **state) {
    (void)state;
    folder_begin();
    for (int i = 0; i < 5; i++) {
        memset(records + i * RECORD, 40 + i, RECORD);
        records[i * RECORD] = (uint8_t)(9 - i);
        records[i * RECORD + 1024] = 1; /* the last red pixel */
    }
    return 0;
}

static int end(void **state) {
    (void)state;
    folder_end();
    return 0;
}

static const char names[] = "aa\nbb\r\ncc\ndd\nee\nff\ngg\nhh\nii\njj\n\n";

static soma_dataset *loads(const char *path, data_options options) {
    soma_error error = {0};
    soma_dataset *set = data_load(NULL, path, options, &error);
    if (!set) fail_msg("%s", error.message);
    return set;
}

static void a_file_of_records_is_a_set(void **state) {
    (void)state;
    soma_dataset *set = loads(folder_write("some.bin", records, 2 * RECORD), PLAIN);
    const soma_shape shape = soma_shape3(3, 32, 32);
    assert_int_equal(set->rows, 2);
    assert_true(shape_equal(&set->sample, &shape));
    assert_true(set->pictures[1022] == 40 && set->pictures[1023] == 1 && set->pictures[3072] == 41);
    assert_true(set->classes[0] == 9 && set->classes[1] == 8);
    assert_string_equal(soma_dataset_class_name(set, 9), "9");
    soma_dataset_destroy(set);
}

static void names_stand_beside_the_file(void **state) {
    (void)state;
    folder_write("batches.meta.txt", names, sizeof names - 1);
    soma_dataset *set = loads(folder_write("some.bin", records, RECORD), PLAIN);
    assert_int_equal(soma_dataset_classes(set), 10);
    assert_string_equal(soma_dataset_class_name(set, 1), "bb");
    assert_string_equal(soma_dataset_class_name(set, 9), "jj");
    /* a later file without names: ten classes in their order */
    soma_dataset *later =
        loads(folder_write("elsewhere/some.bin", records, 2 * RECORD), OPTIONS(.schema = &set->schema));
    assert_true(later->classes[0] == 9 && later->classes[1] == 8);
    soma_dataset_destroy(later);
    char *few[] = {"aa", "bb"};
    const table_schema two = {.classify = true, .classes = few, .classes_count = 2};
    check_refused_file(folder_path("some.bin"), OPTIONS(.schema = &two),
                       "the class cc is none of the 2 of the training set");
    soma_dataset_destroy(set);
}

static void a_folder_trains_on_batches_and_tests_on_its_test(void **state) {
    (void)state;
    folder_write("data_batch_1.bin", records, 2 * RECORD);
    folder_write("data_batch_2.bin", records + 2 * RECORD, RECORD);
    folder_write("test_batch.bin", records + 4 * RECORD, RECORD);
    folder_write("batches.meta.txt", names, sizeof names - 1);
    soma_dataset *set = loads(folder_path(""), PLAIN);
    assert_int_equal(set->rows, 3);
    assert_true(set->pictures[0] == 40 && set->pictures[2 * 3072] == 42);
    assert_string_equal(set->note, "CIFAR-10: the data_batch files; test_batch is left for --test or eval");
    soma_dataset *test = loads(folder_path(""), OPTIONS(.schema = &set->schema));
    assert_true(test->rows == 1 && test->pictures[0] == 44 && test->classes[0] == 5);
    soma_dataset_destroy(test);
    test = loads(folder_path(""), OPTIONS(.schema = &set->schema, .predict = true));
    assert_true(test->rows == 1 && !test->classes);
    soma_dataset_destroy(test);
    soma_dataset_destroy(set);
}

static void broken_files_are_refused(void **state) {
    (void)state;
    check_refused_file(folder_write("some.bin", records, RECORD + 7), PLAIN,
                       "ends within record 2; expected CIFAR-10's records of 3073 bytes");
    check_refused_file(folder_write("some.bin", "", 0), PLAIN, "holds no pictures");
    records[RECORD] = 10;
    check_refused_file(folder_write("some.bin", records, 2 * RECORD), PLAIN,
                       "record 2 has the label 10; expected 0 to 9, as CIFAR-10 has");
    check_refused_file(folder_path("some.bin"), OPTIONS(.labels = "x"),
                       "CIFAR-10 has classes and its labels within; --labels and --task regress do not fit");
    check_refused_file(folder_path("some.bin"), OPTIONS(.target = "x"),
                       "holds pictures; --target and --ignore are for tables");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_of_records_is_a_set, begin, end),
        cmocka_unit_test_setup_teardown(names_stand_beside_the_file, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_trains_on_batches_and_tests_on_its_test, begin, end),
        cmocka_unit_test_setup_teardown(broken_files_are_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
