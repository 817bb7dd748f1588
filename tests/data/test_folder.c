/* Folders of pictures: classes and order, the size that pictures become, laziness, several threads, and refusals. */
#include "data_check.h"
#include "support/picture_folder.h"
#include "train/preprocess.h"

#include <math.h>
#include <pthread.h>

static int begin(void **state) {
    (void)state;
    folder_begin();
    return 0;
}

static int end(void **state) {
    (void)state;
    folder_end();
    return 0;
}

static soma_dataset *loads(const char *name, data_options options) {
    soma_error error = {0};
    soma_dataset *set = data_load(NULL, folder_path(name), options, &error);
    if (!set) fail_msg("%s", error.message);
    return set;
}

static void refuses(const char *name, data_options options, const char *expected) {
    check_refused_file(folder_path(name), options, expected);
}

/* Two classes of grey pictures that all have one value, 10 and 20 in "b", 30 in "a". */
static void make_plain(int width, int height) {
    if (!folder_grey("set/b/2.png", width, height, 20)) skip();
    folder_grey("set/b/1.png", width, height, 10);
    folder_grey("set/a/x.png", width, height, 30);
    folder_write("set/a/.hidden", "", 0);
    folder_write("set/.cache/x", "", 0);
}

static void sub_folders_are_classes_and_rows_are_sorted(void **state) {
    (void)state;
    make_plain(5, 4);
    soma_dataset *set = loads("set", PLAIN);
    const soma_shape shape = soma_shape3(1, 4, 5);
    assert_int_equal(set->rows, 3);
    assert_true(shape_equal(&set->sample, &shape));
    assert_int_equal(soma_dataset_classes(set), 2);
    assert_string_equal(soma_dataset_class_name(set, 0), "a");
    assert_string_equal(soma_dataset_class_name(set, 1), "b");
    assert_string_equal(set->note, "2 classes; pictures of 4 x 5 (height x width), in grey");
    float x[60], y[3];
    assert_int_equal(soma_dataset_get(set, 0, 3, x, y, NULL), SOMA_OK);
    for (int i = 0; i < 60; i++) assert_true(x[i] == (i < 20 ? 30.0f : i < 40 ? 10.0f : 20.0f));
    assert_true(y[0] == 0 && y[1] == 1 && y[2] == 1);
    assert_string_equal(data_row_file(set, 1), folder_path("set/b/1.png"));
    soma_dataset_destroy(set);
}

static void one_colour_picture_makes_the_set_colour(void **state) {
    (void)state;
    make_plain(2, 1);
    const uint8_t rgb[] = {1, 2, 3, 4, 5, 6};
    folder_picture("set/a/y.png", make_png(2, 1, (png_kind){.samples = 3, .depth = 8}, rgb));
    soma_dataset *set = loads("set", PLAIN);
    float x[12];
    assert_int_equal(set->sample.dims[0], 3);
    assert_int_equal(soma_dataset_get(set, 0, 2, x, NULL, NULL), SOMA_OK);
    const float expected[] = {30, 30, 30, 30, 30, 30, 1, 4, 2, 5, 3, 6};
    assert_memory_equal(x, expected, sizeof expected);
    soma_dataset_destroy(set);
}

static void sizes(const char *name, int64_t side, const char *note) {
    soma_dataset *set = loads(name, PLAIN);
    assert_int_equal(set->sample.dims[1], side);
    assert_int_equal(set->sample.dims[2], side);
    assert_string_equal(set->note, note);
    soma_dataset_destroy(set);
}

static void pictures_that_differ_become_a_square(void **state) {
    (void)state;
    make_plain(40, 33);
    folder_grey("set/b/3.png", 100, 20, 7);
    sizes(
        "set", 32,
        "2 classes; pictures of 20 to 33 x 40 to 100 (height x width): each is scaled to cover 32 x 32 and its middle "
        "taken, in grey");
    folder_grey("set/a/z1.png", 300, 65, 7);
    folder_grey("set/a/z2.png", 80, 65, 7);
    folder_grey("set/a/z3.png", 80, 70, 7);
    folder_grey("set/a/z4.png", 80, 64, 7);
    soma_dataset *set = loads("set", PLAIN);
    assert_int_equal(set->sample.dims[1], 64);
    soma_dataset_destroy(set);
    set = loads("set", OPTIONS(.picture_height = 24, .picture_width = 28));
    assert_true(set->sample.dims[1] == 24 && set->sample.dims[2] == 28);
    soma_dataset_destroy(set);
}

static void large_pictures_of_one_size_become_a_square_too(void **state) {
    (void)state;
    make_plain(257, 10);
    sizes("set", 8,
          "2 classes; pictures of 10 x 257 (height x width): each is scaled to cover 8 x 8 and its middle taken, in "
          "grey");
}

static void later_pictures_become_what_the_model_takes(void **state) {
    (void)state;
    make_plain(6, 4);
    soma_dataset *set = loads("set", PLAIN);
    folder_grey("later/b/big.png", 60, 50, 99);
    soma_dataset *later = loads("later", OPTIONS(.schema = &set->schema));
    float x[24], y;
    assert_int_equal(soma_dataset_get(later, 0, 1, x, &y, NULL), SOMA_OK);
    for (int i = 0; i < 24; i++) assert_true(x[i] == 99.0f);
    assert_true(y == 1);
    soma_dataset_destroy(later);
    folder_grey("later/c/x.png", 6, 4, 1);
    soma_error error = {0};
    assert_null(data_load(NULL, folder_path("later"), OPTIONS(.schema = &set->schema), &error));
    check_sentence(error.message, folder_path("later/c"), "is none of the 2 classes of the training set");
    soma_dataset_destroy(set);
}

static void what_cannot_be_read_to_be_predicted_is_told_by_row(void **state) {
    (void)state;
    make_plain(2, 2);
    soma_dataset *set = loads("set", PLAIN);
    folder_grey("new/good.png", 9, 9, 50);
    folder_write("new/notes.txt", "hello", 5);
    folder_write("new/half.png", "\x89PNG\r\n\x1A\n\0\0", 10);
    folder_grey("new/sub/inner.png", 2, 2, 60);
    soma_dataset *later = loads("new", OPTIONS(.schema = &set->schema, .predict = true));
    const int64_t rows[] = {0, 1, 2, 3};
    float x[16];
    assert_int_equal(later->rows, 4);
    assert_int_equal(data_gather(later, rows, 4, x, NULL, NULL, NULL), SOMA_OK);
    assert_true(x[0] == 50 && x[15] == 60 && x[4] == 0);
    assert_null(data_row_error(later, 0));
    check_sentence(data_row_error(later, 1), folder_path("new/half.png"), "is a PNG file that is cut off");
    check_sentence(data_row_error(later, 2), folder_path("new/notes.txt"),
                   "is no picture; expected a PNG or JPEG file");
    assert_null(data_row_error(later, 3));
    soma_dataset_destroy(later);
    const char *paths[] = {"nowhere/x.png", folder_path("new"), folder_path("new/good.png")};
    later = data_load_pictures(NULL, paths, 3, OPTIONS(.schema = &set->schema, .predict = true), NULL);
    assert_int_equal(data_gather(later, rows, 3, x, NULL, NULL, NULL), SOMA_OK);
    check_sentence(data_row_error(later, 0), paths[0], "can't be opened: No such file or directory");
    check_sentence(data_row_error(later, 1), paths[1], "is no file; expected a PNG or JPEG file");
    assert_null(data_row_error(later, 2));
    assert_true(x[8] == 50);
    soma_dataset_destroy(later);
    soma_dataset_destroy(set);
}

/* ---- Laziness and threads -------------------------------------------------------------------------------------- */

static void pictures_are_decoded_once_and_kept(void **state) {
    (void)state;
    make_plain(3, 3);
    soma_dataset *set = loads("set", PLAIN);
    const int64_t rows[] = {0, 1};
    float x[18];
    soma_error error = {0};
    assert_int_equal(data_gather(set, rows, 1, x, NULL, NULL, &error), SOMA_OK);
    remove(folder_path("set/a/x.png"));
    remove(folder_path("set/b/1.png"));
    memset(x, 0, sizeof x);
    assert_int_equal(data_gather(set, rows, 1, x, NULL, NULL, &error), SOMA_OK);
    assert_true(x[0] == 30);
    assert_int_not_equal(data_gather(set, rows, 2, x, NULL, NULL, &error), SOMA_OK);
    check_sentence(error.message, folder_path("set/b/1.png"), "can't be opened: No such file or directory");
    soma_dataset_destroy(set);
}

/* Memory for small things only. */
static void *allocate_little(void *user, size_t size) {
    return size > *(size_t *)user ? NULL : aligned_alloc(64, size);
}
static void release(void *user, void *memory) {
    (void)user;
    free(memory);
}

static void without_memory_to_keep_them_pictures_are_decoded_each_time(void **state) {
    (void)state;
    char name[32];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "set/%s/%02d.png", i % 2 ? "a" : "b", i);
        if (!folder_grey(name, 50, 50, (uint8_t)(i + 1))) skip();
    }
    size_t limit = 90000; /* what libpng takes, but not 40 x 2500 bytes */
    soma_error error = {0};
    soma_context *context = soma_context_create(
        (soma_context_options){.allocate = allocate_little, .release = release, .user = &limit}, NULL);
    soma_dataset *set = data_load(context, folder_path("set"), PLAIN, &error);
    if (!set) fail_msg("%s", error.message);
    const int64_t row = 0;
    static float x[2500];
    for (int use = 0; use < 2; use++) {
        assert_int_equal(data_gather(set, &row, 1, x, NULL, NULL, &error), SOMA_OK);
        assert_true(x[0] == 2);
    }
    remove(data_row_file(set, 0));
    assert_int_not_equal(data_gather(set, &row, 1, x, NULL, NULL, NULL), SOMA_OK);
    soma_dataset_destroy(set);
    soma_context_destroy(context);
}

enum { THREADS = 4, ROWS = 30 };

static void *gather_all(void *set) {
    float x[16];
    for (int64_t k = 0; k < 4 * ROWS; k++) {
        int64_t row = k % ROWS, class = -1;
        if (data_gather(set, &row, 1, x, &class, NULL, NULL)) return set;
        for (int i = 0; i < 16; i++)
            if (x[i] != (float)(class == 0 ? 100 + row : row - ROWS / 2)) return set;
    }
    return NULL;
}

static void several_threads_may_gather(void **state) {
    (void)state;
    char name[32];
    for (int i = 0; i < ROWS / 2; i++) {
        snprintf(name, sizeof name, "set/a/%02d.png", i);
        if (!folder_grey(name, 4, 4, (uint8_t)(100 + i))) skip();
        snprintf(name, sizeof name, "set/b/%02d.png", i);
        folder_grey(name, 4, 4, (uint8_t)i);
    }
    soma_dataset *set = loads("set", PLAIN);
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++) assert_int_equal(pthread_create(&threads[t], NULL, gather_all, set), 0);
    for (int t = 0; t < THREADS; t++) {
        void *failed;
        pthread_join(threads[t], &failed);
        assert_null(failed);
    }
    soma_dataset_destroy(set);
}

static void channels_are_learnt_from_the_rows_that_train(void **state) {
    (void)state;
    make_plain(2, 2);
    soma_dataset *set = loads("set", PLAIN);
    preprocess p;
    const int64_t rows[] = {0, 1};
    assert_int_equal(preprocess_learn(NULL, set, rows, 2, TARGET_PLAIN, &p, NULL), SOMA_OK);
    assert_float_equal(p.numbers.a[0], 20, 1e-6);
    assert_float_equal(p.numbers.b[0], 0.1, 1e-6);
    preprocess_clear(&p);
    assert_int_equal(preprocess_learn(NULL, set, NULL, 0, TARGET_PLAIN, &p, NULL),
                     SOMA_OK); /* no picture is looked at */
    assert_float_equal(p.numbers.b[0], 1, 0);
    preprocess_clear(&p);
    remove(folder_path("set/b/2.png"));
    soma_error error = {0};
    const int64_t all[] = {0, 1, 2};
    assert_int_not_equal(preprocess_learn(NULL, set, all, 3, TARGET_PLAIN, &p, &error), SOMA_OK);
    check_sentence(error.message, folder_path("set/b/2.png"), "can't be opened: No such file or directory");
    soma_dataset_destroy(set);
}

static void headers_with_much_beside_them_are_read(void **state) {
    (void)state;
    make_plain(4, 4);
    static uint8_t values[16], bytes[40000] = {0xFF, 0xD8, 0xFF, 0xE2, 0x75, 0x30}; /* 30,000 bytes of a profile */
    made_file jpeg = make_jpeg(4, 4, (jpeg_kind){.samples = 1}, values);
    if (!jpeg.bytes) skip();
    memcpy(bytes + 4 + 30000, jpeg.bytes + 2, jpeg.size - 2);
    folder_write("set/b/3.jpg", bytes, 30000 + 4 + jpeg.size - 2);
    free(jpeg.bytes);
    soma_dataset *set = loads("set", PLAIN);
    assert_int_equal(set->rows, 4);
    soma_dataset_destroy(set);
    folder_write("set/b/3.jpg", bytes, 20000);
    soma_error error = {0};
    assert_null(data_load(NULL, folder_path("set"), PLAIN, &error));
    check_sentence(error.message, folder_path("set/b/3.jpg"), "is a JPEG file that is cut off");
}

static void the_fingerprint_follows_the_content(void **state) {
    (void)state;
    make_plain(5, 4);
    soma_dataset *a = loads("set", PLAIN), *b = loads("set", PLAIN);
    assert_true(a->fingerprint == b->fingerprint);
    soma_dataset_destroy(b);
    folder_grey("set/b/1.png", 5, 4, 11);
    b = loads("set", PLAIN);
    assert_true(a->fingerprint != b->fingerprint);
    soma_dataset_destroy(a);
    soma_dataset_destroy(b);
}

/* ---- Refusals -------------------------------------------------------------------------------------------------- */

static void folders_of_another_kind_are_refused(void **state) {
    (void)state;
    make_plain(4, 4);
    char sentence[600];
    refuses("set/a", PLAIN, "holds no sub-folders; expected one for each class, with PNG or JPEG files in it");
    folder_write("one/only/x.png", "", 0);
    refuses("one", PLAIN, "holds one class, only; at least two are needed");
    folder_write("set/c/.hidden", "", 0);
    soma_error error = {0};
    assert_null(data_load(NULL, folder_path("set"), PLAIN, &error));
    check_sentence(error.message, folder_path("set/c"), "the class has no pictures");
    folder_write("set/c/notes.txt", "hello", 5);
    error.code = SOMA_OK;
    assert_null(data_load(NULL, folder_path("set"), PLAIN, &error));
    check_sentence(error.message, folder_path("set/c/notes.txt"), "is no picture; expected a PNG or JPEG file");
    error.code = SOMA_OK;
    folder_write("deep/train/a/x.png", "", 0);
    assert_null(data_load(NULL, folder_path("deep"), PLAIN, &error));
    snprintf(sentence, sizeof sentence,
             "is a folder within a class's folder; expected FOLDER/CLASS/PICTURE (if %s holds the classes, give it as "
             "DATA)",
             folder_path("deep/train"));
    check_sentence(error.message, folder_path("deep/train/a"), sentence);
    error.code = SOMA_OK;
    folder_write("stray/a/x.png", "", 0);
    folder_write("stray/labels.csv", "", 0);
    assert_null(data_load(NULL, folder_path("stray"), PLAIN, &error));
    check_sentence(
        error.message, folder_path("stray/labels.csv"),
        "stands beside the classes' folders; expected every picture in the folder of its class and nothing else");
    refuses("set/a/x.png", PLAIN, "is a single picture; expected a folder with one sub-folder for each class");
}

static void options_for_other_data_are_refused(void **state) {
    (void)state;
    make_plain(4, 4);
    refuses("set", OPTIONS(.target = "x"), "holds pictures; --target and --ignore are for tables");
    refuses("set", OPTIONS(.labels = "x"),
            "the names of its sub-folders are the labels; --labels can't be given with it");
    refuses("set", OPTIONS(.task = TASK_REGRESS), "its sub-folders are classes; --task regress does not fit");
    const table_schema numbers = {.classify = true};
    refuses("set", OPTIONS(.schema = &numbers, .predict = true), "the model does not read pictures");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sub_folders_are_classes_and_rows_are_sorted, begin, end),
        cmocka_unit_test_setup_teardown(one_colour_picture_makes_the_set_colour, begin, end),
        cmocka_unit_test_setup_teardown(pictures_that_differ_become_a_square, begin, end),
        cmocka_unit_test_setup_teardown(large_pictures_of_one_size_become_a_square_too, begin, end),
        cmocka_unit_test_setup_teardown(later_pictures_become_what_the_model_takes, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_to_be_predicted_is_told_by_row, begin, end),
        cmocka_unit_test_setup_teardown(pictures_are_decoded_once_and_kept, begin, end),
        cmocka_unit_test_setup_teardown(without_memory_to_keep_them_pictures_are_decoded_each_time, begin, end),
        cmocka_unit_test_setup_teardown(several_threads_may_gather, begin, end),
        cmocka_unit_test_setup_teardown(channels_are_learnt_from_the_rows_that_train, begin, end),
        cmocka_unit_test_setup_teardown(headers_with_much_beside_them_are_read, begin, end),
        cmocka_unit_test_setup_teardown(the_fingerprint_follows_the_content, begin, end),
        cmocka_unit_test_setup_teardown(folders_of_another_kind_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(options_for_other_data_are_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
