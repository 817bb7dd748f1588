/* Tables that are learnt from: header, kinds of columns, categories, target, task. */
#include "data_check.h"

static void a_table_becomes_features_and_classes(void **state) {
    (void)state;
    soma_dataset *set = check_load("width,colour,length,kind\n"
                                   "1.5,red,-2,oak\n"
                                   "2.5,blue,3e1,elm\n"
                                   " 3.5 ,red, 4 ,\"oak\"\n",
                                   PLAIN);
    assert_int_equal(set->rows, 3);
    assert_int_equal(set->sample.rank, 1);
    assert_int_equal(set->sample.dims[0], 3);
    check_row(set, 0, (float[]){1.5f, 1, -2});
    check_row(set, 1, (float[]){2.5f, 0, 30});
    check_row(set, 2, (float[]){3.5f, 1, 4});
    const table_schema *s = &set->schema;
    assert_true(s->header);
    assert_true(s->classify);
    assert_int_equal(s->columns_count, 3);
    assert_string_equal(s->columns[1].name, "colour");
    assert_int_equal(s->columns[0].kind, COLUMN_NUMERIC);
    assert_int_equal(s->columns[1].kind, COLUMN_CATEGORY);
    assert_int_equal(s->columns[1].categories_count, 2);
    assert_string_equal(s->columns[1].categories[0], "blue");
    assert_string_equal(s->target_name, "kind");
    assert_int_equal(s->target_position, 3);
    assert_int_equal(s->file_columns, 4);
    assert_string_equal(s->classes[0], "elm");
    assert_string_equal(s->classes[1], "oak");
    assert_int_equal(set->classes[0], 1);
    assert_int_equal(set->classes[1], 0);
    assert_null(set->targets);
    assert_null(set->row_errors);
    assert_int_equal(set->lines[2], 4);
    soma_dataset_destroy(set);
}

static void the_shipped_tables_are_read(void **state) {
    (void)state;
    static const struct {
        const char *path, *target;
        int64_t rows, features, classes;
    } tables[] = {
        {"data/tables/iris.csv", "species", 150, 4, 3},
        {"data/tables/wine.csv", "cultivar", 178, 13, 3},
        {"data/tables/breast_cancer.csv", "diagnosis", 569, 30, 2},
        {"data/tables/digits.csv", "digit", 1797, 64, 10},
        {"data/tables/diabetes.csv", "progression", 442, 10, 0},
    };
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        soma_error error = {0};
        soma_dataset *set =
            soma_dataset_load(tables[i].path, SOMA_OPTIONS(soma_dataset_options){.target = NULL}, &error);
        if (!set) fail_msg("%s", error.message);
        assert_int_equal(soma_dataset_rows(set), tables[i].rows);
        assert_int_equal(soma_dataset_shape(set).dims[0], tables[i].features);
        assert_int_equal(soma_dataset_classes(set), tables[i].classes);
        assert_string_equal(set->schema.target_name, tables[i].target);
        soma_dataset_destroy(set);
    }
}

static void iris_is_read_to_the_digit(void **state) {
    (void)state;
    soma_error error = {0};
    soma_dataset *set = data_load(NULL, "data/tables/iris.csv", PLAIN, &error);
    assert_non_null(set);
    check_row(set, 0, (float[]){5.1f, 3.5f, 1.4f, 0.2f});
    check_row(set, 149, (float[]){5.9f, 3.0f, 5.1f, 1.8f});
    assert_string_equal(soma_dataset_class_name(set, 0), "setosa");
    assert_string_equal(soma_dataset_class_name(set, 2), "virginica");
    assert_null(soma_dataset_class_name(set, 3));
    assert_int_equal(set->classes[149], 2);
    assert_int_equal(set->lines[149], 151);
    assert_string_equal(set->note, "the target 'species' is text: 3 classes");
    float x[8], y[2];
    assert_int_equal(soma_dataset_get(set, 148, 2, x, y, &error), SOMA_OK);
    assert_float_equal(x[7], 1.8f, 0);
    assert_float_equal(y[1], 2, 0);
    assert_int_equal(soma_dataset_get(set, 149, 2, x, y, &error), SOMA_ERROR_ARGUMENT);
    soma_dataset_destroy(set);
}

static void header_is(const char *text, bool expected, data_options options) {
    soma_dataset *set = check_load(text, options);
    assert_int_equal(set->schema.header, expected);
    soma_dataset_destroy(set);
}

static void a_header_is_told_from_a_row(void **state) {
    (void)state;
    header_is("a,b\n1,x\n2,y\n", true, PLAIN);          /* a text over numbers */
    header_is("1,b\n1,x\n2,b\n", false, PLAIN);         /* a number over numbers, and no text over numbers */
    header_is("1,kind,2\n1,2,x\n2,3,y\n", true, PLAIN); /* one text over numbers is enough */
    header_is("a,b\nx,y\nz,w\n", true, PLAIN);          /* all texts, distinct */
    header_is("a,a\nx,y\nz,w\n", false, PLAIN);         /* all texts, not distinct */
    header_is("?,5,b\n1,6,x\n2,7,b\n", false, OPTIONS(.ignore = (const char *const[]){"1", NULL})); /* a missing mark */
    header_is("a,b\nx,y\nz,w\n", false, OPTIONS(.no_header = true));
}

static void a_file_without_header_numbers_its_columns(void **state) {
    (void)state;
    soma_dataset *set = check_load("1,2,a\n3,4,b\n", PLAIN);
    assert_int_equal(set->rows, 2);
    assert_string_equal(set->schema.columns[1].name, "column 2");
    assert_string_equal(set->schema.target_name, "column 3");
    soma_dataset_destroy(set);
    set = check_load("a,2,1\nb,4,3\n", OPTIONS(.target = "1", .ignore = (const char *const[]){"column 2", NULL}));
    assert_int_equal(set->schema.columns_count, 1);
    assert_string_equal(set->schema.columns[0].name, "column 3");
    assert_int_equal(set->schema.columns[0].position, 2);
    check_row(set, 1, (float[]){3});
    soma_dataset_destroy(set);
}

static void an_unnamed_column_is_called_by_its_number(void **state) {
    (void)state;
    soma_dataset *set = check_load(",a,b\n0,1,x\n1,2,y\n", PLAIN);
    assert_string_equal(set->schema.columns[0].name, "column 1");
    soma_dataset_destroy(set);
}

static void columns_are_chosen_by_target_and_ignore(void **state) {
    (void)state;
    soma_dataset *set =
        check_load("id,kind,a\n7,x,1\n8,y,2\n", OPTIONS(.target = "kind", .ignore = (const char *const[]){"id", NULL}));
    assert_int_equal(set->schema.columns_count, 1);
    assert_string_equal(set->schema.columns[0].name, "a");
    assert_int_equal(set->schema.target_position, 1);
    check_row(set, 0, (float[]){1});
    assert_string_equal(set->schema.classes[1], "y");
    soma_dataset_destroy(set);
}

/* A table with `rows` rows whose target runs through `values`. */
static soma_dataset *with_target(const char *const *values, size_t count, size_t rows, task_choice task) {
    char text[8192] = "x,t\n";
    size_t at = strlen(text);
    for (size_t i = 0; i < rows; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%zu,%s\n", i, values[i % count]);
    return check_load(text, OPTIONS(.task = task));
}

static void task_is(const char *const *values, size_t count, size_t rows, task_choice task, bool classify) {
    soma_dataset *set = with_target(values, count, rows, task);
    assert_int_equal(set->schema.classify, classify);
    assert_int_equal(set->classes != NULL, classify);
    assert_int_equal(set->targets != NULL, !classify);
    assert_int_equal(set->note != NULL, task == TASK_AUTO);
    soma_dataset_destroy(set);
}

static void the_task_follows_from_the_target(void **state) {
    (void)state;
    const char *const texts[] = {"yes", "no"}, *const whole[] = {"3", "1", "2"}, *const truth[] = {"0", "1"};
    const char *const broken[] = {"0.5", "1.5"};
    task_is(texts, 2, 4, TASK_AUTO, true);
    task_is(whole, 3, 30, TASK_AUTO, true);
    task_is(whole, 3, 29, TASK_AUTO, false);
    task_is(truth, 2, 4, TASK_AUTO, true);
    task_is(broken, 2, 100, TASK_AUTO, false);
    task_is(whole, 3, 30, TASK_REGRESS, false);
    task_is(whole, 3, 6, TASK_CLASSIFY, true);
    task_is(broken, 2, 6, TASK_CLASSIFY, true);
    const char *many[21];
    char digits[21][8];
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        snprintf(digits[i], sizeof digits[i], "%zu", i);
        many[i] = digits[i];
    }
    task_is(many, 20, 200, TASK_AUTO, true);
    task_is(many, 21, 210, TASK_AUTO, false);
}

static void the_choice_is_said_with_the_option_that_changes_it(void **state) {
    (void)state;
    const char *const whole[] = {"3", "1", "2"};
    soma_dataset *set = with_target(whole, 3, 30, TASK_AUTO);
    assert_string_equal(set->note,
                        "the target 't' has 3 distinct whole numbers, taken as classes; --task regress predicts "
                        "a number");
    soma_dataset_destroy(set);
    set = with_target(whole, 3, 6, TASK_AUTO);
    assert_string_equal(set->note,
                        "the target 't' is a number to be predicted; --task classify takes its values as classes");
    assert_float_equal(set->targets[3], 3, 0);
    soma_dataset_destroy(set);
}

static void classes_are_in_order_of_value_then_of_bytes(void **state) {
    (void)state;
    const char *const values[] = {"10", "9", "-1", "b", "B", "9.0", "1e1"};
    soma_dataset *set = with_target(values, 7, 14, TASK_CLASSIFY);
    const char *const expected[] = {"-1", "9", "10", "B", "b"};
    assert_int_equal(set->schema.classes_count, 5);
    for (size_t i = 0; i < 5; i++) assert_string_equal(set->schema.classes[i], expected[i]);
    const int64_t classes[] = {2, 1, 0, 4, 3, 1, 2};
    for (size_t i = 0; i < 14; i++) assert_int_equal(set->classes[i], classes[i % 7]);
    soma_dataset_destroy(set);
}

static void odd_names_and_line_ends_are_kept(void **state) {
    (void)state;
    soma_dataset *set = check_load(
        "\xEF\xBB\xBF\"a, b\",\"the \"\"kind\"\"\"\r\n1,\"two\r\nlines\"\r\n2,\"x,y\"\r\n3,\xC3\xA9t\xC3\xA9\r\n",
        PLAIN);
    assert_string_equal(set->schema.columns[0].name, "a, b");
    assert_string_equal(set->schema.target_name, "the \"kind\"");
    assert_int_equal(set->schema.classes_count, 3);
    assert_string_equal(set->schema.classes[0], "two\r\nlines");
    assert_string_equal(set->schema.classes[1], "x,y");
    assert_string_equal(set->schema.classes[2], "\xC3\xA9t\xC3\xA9");
    assert_int_equal(set->lines[1], 4);
    soma_dataset_destroy(set);
}

static void other_signs_between_cells_are_said(void **state) {
    (void)state;
    soma_dataset *set = check_load("a;t\n1;2.5\n2;3.5\n", OPTIONS(.task = TASK_REGRESS));
    check_row(set, 1, (float[]){2});
    assert_string_equal(set->note, "cells are divided by semicolons");
    soma_dataset_destroy(set);
}

static void the_fingerprint_is_of_the_content(void **state) {
    (void)state;
    soma_dataset *a = check_load("a,t\n1,x\n2,y\n", PLAIN), *b = check_load("a,t\n1,x\n2,y\n", PLAIN);
    soma_dataset *c = check_load("a,t\n1,x\n3,y\n", PLAIN);
    assert_true(a->fingerprint == b->fingerprint);
    assert_true(a->fingerprint != c->fingerprint);
    soma_dataset_destroy(a);
    soma_dataset_destroy(b);
    soma_dataset_destroy(c);
}

static void schemas_are_copied_deeply(void **state) {
    (void)state;
    soma_dataset *set = check_load("a,colour,t\n1,red,x\n2,blue,y\n", PLAIN);
    table_schema copy;
    assert_true(schema_copy(NULL, &set->schema, &copy));
    soma_dataset_destroy(set);
    assert_string_equal(copy.columns[1].categories[1], "red");
    assert_int_equal(copy.columns[1].position, 1);
    assert_string_equal(copy.classes[1], "y");
    assert_string_equal(copy.target_name, "t");
    assert_int_equal(copy.file_columns, 3);
    schema_clear(NULL, &copy);
    assert_null(copy.columns);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_becomes_features_and_classes),
        cmocka_unit_test(the_shipped_tables_are_read),
        cmocka_unit_test(iris_is_read_to_the_digit),
        cmocka_unit_test(a_header_is_told_from_a_row),
        cmocka_unit_test(a_file_without_header_numbers_its_columns),
        cmocka_unit_test(an_unnamed_column_is_called_by_its_number),
        cmocka_unit_test(columns_are_chosen_by_target_and_ignore),
        cmocka_unit_test(the_task_follows_from_the_target),
        cmocka_unit_test(the_choice_is_said_with_the_option_that_changes_it),
        cmocka_unit_test(classes_are_in_order_of_value_then_of_bytes),
        cmocka_unit_test(odd_names_and_line_ends_are_kept),
        cmocka_unit_test(other_signs_between_cells_are_said),
        cmocka_unit_test(the_fingerprint_is_of_the_content),
        cmocka_unit_test(schemas_are_copied_deeply),
    };
    return cmocka_run_group_tests(tests, check_begin, check_end);
}
