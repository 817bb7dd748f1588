/* Data sets by name: a path comes first, names are suggested, parts and class names are right, and what is missing is
 * said. Files are found in a folder of the test's own (SOMA_DATA) or in the build tree. */
#include "data/known.h"
#include "data_check.h"

#include <sys/stat.h>

static soma_dataset *load(const char *name, data_options options) {
    soma_error error = {0};
    soma_dataset *set = data_load(NULL, name, options, &error);
    if (!set) fail_msg("%s", error.message);
    return set;
}

static void refused(const char *name, data_options options, int code, const char *sentence) {
    soma_error error = {0};
    assert_null(data_load(NULL, name, options, &error));
    assert_int_equal(error.code, code);
    assert_string_equal(error.message, sentence);
}

static void points_are_a_table_of_two_numbers_and_a_class(void **state) {
    (void)state;
    points_options o = points_defaults(POINTS_BLOBS);
    soma_dataset *set = load("blobs:points=12", PLAIN); /* 12 whole numbers in the target, yet classes */
    assert_int_equal(soma_dataset_rows(set), 12);
    assert_int_equal(soma_dataset_classes(set), 3);
    assert_string_equal(set->schema.columns[0].name, "x");
    assert_string_equal(set->schema.columns[1].name, "y");
    assert_string_equal(set->schema.target_name, "class");
    assert_null(set->note);
    for (int64_t i = 0; i < 12; i++) {
        points_point p = points_at(&o, i);
        assert_float_equal(set->features[2 * i], p.x, 6e-6);
        assert_float_equal(set->features[2 * i + 1], p.y, 6e-6);
        assert_int_equal(set->classes[i], p.label);
    }
    soma_dataset_destroy(set);
    set = load("spiral", OPTIONS(.target = "x"));
    assert_false(set->schema.classify);
    soma_dataset_destroy(set);
}

static void the_fingerprint_tells_sets_apart(void **state) {
    (void)state;
    soma_dataset *a = load("moons", PLAIN), *b = load("moons", PLAIN), *c = load("moons:seed=1", PLAIN);
    assert_true(a->fingerprint == b->fingerprint);
    assert_true(a->fingerprint != c->fingerprint);
    soma_dataset_destroy(a);
    soma_dataset_destroy(b);
    soma_dataset_destroy(c);
}

static void a_path_of_that_name_comes_first(void **state) {
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    check_file("spiral", "a,b\n1,x\n2,y\n", 12);
    assert_int_equal(chdir(check_folder), 0);
    soma_dataset *set = load("spiral", PLAIN);
    assert_int_equal(soma_dataset_rows(set), 2);
    soma_dataset_destroy(set);
    remove("spiral");
    set = load("spiral", PLAIN);
    assert_int_equal(soma_dataset_rows(set), 500);
    soma_dataset_destroy(set);
    assert_int_equal(chdir(before), 0);
}

static void a_misspelt_name_gets_a_suggestion(void **state) {
    (void)state;
    refused("spirl", PLAIN, SOMA_ERROR_INPUT,
            "spirl: there is no such file, and no data set is called so; did you mean spiral?");
    refused(
        "fashion_mnist:part=test", PLAIN, SOMA_ERROR_INPUT,
        "fashion_mnist:part=test: there is no such file, and no data set is called so; did you mean fashion-mnist?");
    refused("./spirl", PLAIN, SOMA_ERROR_INPUT, "./spirl: can't be opened: No such file or directory");
    refused("iriss.csv", PLAIN, SOMA_ERROR_INPUT, "iriss.csv: can't be opened: No such file or directory");
    refused("something", PLAIN, SOMA_ERROR_INPUT, "something: can't be opened: No such file or directory");
    refused("iris:part=test", PLAIN, SOMA_ERROR_ARGUMENT, "iris:part=test: iris takes no settings, not 'part=test'");
    refused("mnist:part=all", PLAIN, SOMA_ERROR_ARGUMENT,
            "mnist:part=all: mnist takes part=train or part=test, not 'part=all'");
    refused("moons:turns=1", PLAIN, SOMA_ERROR_ARGUMENT,
            "moons:turns=1: there is no setting 'turns'; it takes points, noise, seed");
}

static void what_soma_ships_is_found_in_the_build_tree(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int64_t rows, features, classes;
    } tables[] = {{"iris", 150, 4, 3},
                  {"wine", 178, 13, 3},
                  {"breast_cancer", 569, 30, 2},
                  {"digits", 1797, 64, 10},
                  {"diabetes", 442, 10, 0}};
    unsetenv("SOMA_DATA");
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        soma_dataset *set = load(tables[i].name, PLAIN);
        assert_int_equal(soma_dataset_rows(set), tables[i].rows);
        assert_int_equal(soma_dataset_shape(set).dims[0], tables[i].features);
        assert_int_equal(soma_dataset_classes(set), tables[i].classes);
        soma_dataset_destroy(set);
    }
}

static void files_that_are_not_there_are_said(void **state) {
    (void)state;
    char sentence[512];
    setenv("SOMA_DATA", check_folder, 1);
    snprintf(sentence, sizeof sentence,
             "iris: %s/tables/iris.csv is not there; expected it in the folder that SOMA_DATA names", check_folder);
    refused("iris", PLAIN, SOMA_ERROR_INPUT, sentence);
    unsetenv("SOMA_DATA");
    soma_error error = {0};
    known_choice choice;
    known_set absent = {.name = "absent", .file = "no-such-set/x.gz", .package = "dataset-absent"};
    char path[KNOWN_PATH];
    assert_int_equal(known_find("fashion-mnist", &choice, &error), SOMA_OK);
    choice.set = &absent;
    assert_int_equal(known_path(&choice, false, path, &error), SOMA_ERROR_INPUT);
    assert_string_equal(error.message,
                        "fashion-mnist: is brought by a package that is not installed: apt install dataset-absent");
    absent.package = NULL;
    error = (soma_error){0};
    assert_int_equal(known_path(&choice, false, path, &error), SOMA_ERROR_INPUT);
    assert_string_equal(error.message,
                        "fashion-mnist: soma's own data sets are not installed; expected no-such-set/x.gz in "
                        "share/soma/data beside the program's folder, or in the folder that SOMA_DATA names");
}

/* Two pictures to learn from, labels 9 and 0, and one to test with; plain IDX under the names of packed files. */
static void write_fashion(void) {
    static char folder[300];
    snprintf(folder, sizeof folder, "%s/fashion-mnist", check_folder);
    assert_int_equal(mkdir(folder, 0777), 0);
    check_file("fashion-mnist/train-images-idx3-ubyte.gz", "\0\0\x08\x03\0\0\0\2\0\0\0\1\0\0\0\1ab", 18);
    check_file("fashion-mnist/train-labels-idx1-ubyte.gz", "\0\0\x08\x01\0\0\0\2\x09\0", 10);
    check_file("fashion-mnist/t10k-images-idx3-ubyte.gz", "\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1c", 17);
    check_file("fashion-mnist/t10k-labels-idx1-ubyte.gz", "\0\0\x08\x01\0\0\0\1\x09", 9);
}

static void pictures_have_two_parts_and_class_names(void **state) {
    (void)state;
    write_fashion();
    setenv("SOMA_DATA", check_folder, 1);
    soma_dataset *train = load("fashion-mnist", PLAIN),
                 *whole = load("fashion-mnist:part=test", OPTIONS(.task = TASK_REGRESS));
    assert_int_equal(soma_dataset_rows(train), 2);
    assert_int_equal(soma_dataset_rows(whole), 1);
    assert_int_equal(soma_dataset_classes(train), 2);
    assert_string_equal(soma_dataset_class_name(train, 0), "T-shirt/top");
    assert_string_equal(soma_dataset_class_name(train, 1), "Ankle boot");
    assert_int_equal(train->classes[0], 1);
    assert_int_equal(train->classes[1], 0);
    data_options later = OPTIONS(.schema = &train->schema);
    soma_dataset *test = load("fashion-mnist", later), *again = load("fashion-mnist:part=train", later);
    assert_int_equal(soma_dataset_rows(test), 1);
    assert_int_equal(test->classes[0], 1); /* label 9 is found by its name, though it is the second class */
    assert_int_equal(soma_dataset_rows(again), 2);
    refused("fashion-mnist", OPTIONS(.labels = "x"), SOMA_ERROR_ARGUMENT,
            "fashion-mnist: brings its own labels; --labels is for files");
    known_choice choice;
    soma_error error = {0};
    assert_int_equal(known_find("fashion-mnist", &choice, &error), SOMA_OK);
    assert_true(known_has_test(&choice));
    assert_int_equal(known_find("fashion-mnist:part=train", &choice, &error), SOMA_OK);
    assert_false(known_has_test(&choice));
    assert_int_equal(known_find("moons", &choice, &error), SOMA_OK);
    assert_false(known_has_test(&choice));
    soma_dataset_destroy(train);
    soma_dataset_destroy(whole);
    soma_dataset_destroy(test);
    soma_dataset_destroy(again);
}

/* A file of numbers and a model of words: labels are the classes' places, unless there is no such place. */
static void labels_of_a_file_are_places_where_classes_are_words(void **state) {
    (void)state;
    char *classes[] = {"Shirt", "Bag"};
    table_schema words = {.classify = true, .classes = classes, .classes_count = 2};
    const char *path = check_file("w-images-idx3-ubyte", "\0\0\x08\x03\0\0\0\2\0\0\0\1\0\0\0\1ab", 18);
    check_file("w-labels-idx1-ubyte", "\0\0\x08\x01\0\0\0\2\1\0", 10);
    soma_dataset *set = load(path, OPTIONS(.schema = &words));
    assert_int_equal(set->classes[0], 1);
    assert_int_equal(set->classes[1], 0);
    soma_dataset_destroy(set);
    const char *labels = check_file("w-labels-idx1-ubyte", "\0\0\x08\x01\0\0\0\2\1\2", 10);
    soma_error error = {0};
    assert_null(data_load(NULL, path, OPTIONS(.schema = &words), &error));
    check_sentence(error.message, labels, "the label 2 of picture 2 is none of the 2 classes of the training set");
    classes[0] = "7"; /* a class that is a number is called so */
    check_file("w-labels-idx1-ubyte", "\0\0\x08\x01\0\0\0\2\7\1", 10);
    error = (soma_error){0};
    assert_null(data_load(NULL, path, OPTIONS(.schema = &words), &error));
    check_sentence(error.message, labels, "the label 1 of picture 2 is none of the 2 classes of the training set");
}

static int end(void **state) {
    char folder[300];
    for (size_t i = 0; i < check_used; i++) remove(check_paths[i]);
    snprintf(folder, sizeof folder, "%s/fashion-mnist", check_folder);
    rmdir(folder);
    return check_end(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_a_table_of_two_numbers_and_a_class),
        cmocka_unit_test(the_fingerprint_tells_sets_apart),
        cmocka_unit_test(a_path_of_that_name_comes_first),
        cmocka_unit_test(a_misspelt_name_gets_a_suggestion),
        cmocka_unit_test(what_soma_ships_is_found_in_the_build_tree),
        cmocka_unit_test(files_that_are_not_there_are_said),
        cmocka_unit_test(pictures_have_two_parts_and_class_names),
        cmocka_unit_test(labels_of_a_file_are_places_where_classes_are_words),
    };
    return cmocka_run_group_tests(tests, check_begin, end);
}
