/* Later files, read by the schema of the file that trained: matching, notes, unreadable rows, kept columns. */
#include "data_check.h"

#include <math.h>

static const char training[] = "width,colour,length,kind\n"
                               "1.5,red,-2,oak\n"
                               "2.5,blue,30,elm\n"
                               "3.5,red,4,oak\n";

/* The schema of `text`, to be cleared. */
static table_schema learn(const char *text, data_options options) {
    soma_dataset *set = check_load(text, options);
    table_schema schema;
    assert_true(schema_copy(NULL, &set->schema, &schema));
    soma_dataset_destroy(set);
    return schema;
}

/* Loads `text` by the schema of `training` and expects one row with `width`, `colour`, `length`. */
static void reads_row(const char *text, bool predict, float width, float colour, float length, const char *note) {
    table_schema schema = learn(training, PLAIN);
    soma_dataset *set = check_load(text, OPTIONS(.schema = &schema, .predict = predict));
    assert_int_equal(set->rows, 1);
    check_row(set, 0, (float[]){width, colour, length});
    if (note)
        assert_string_equal(set->note, note);
    else
        assert_null(set->note);
    assert_true(predict == (set->classes == NULL));
    soma_dataset_destroy(set);
    schema_clear(NULL, &schema);
}

static void columns_match_by_name_in_any_order(void **state) {
    (void)state;
    reads_row("kind,length,colour,width\nelm,7,blue,1\n", false, 1, 0, 7, NULL);
    reads_row("length,colour,width\n7,red,1\n", true, 1, 1, 7, NULL);
    reads_row("kind,length,colour,width\nunheard of,7,red,1\n", true, 1, 1, 7, NULL);
}

static void columns_that_the_model_does_not_know_are_noted(void **state) {
    (void)state;
    reads_row("id,length,colour,width,kind\n77,7,red,1,oak\n", false, 1, 1, 7,
              "columns that the model does not know are left out: 'id'");
    reads_row("a,b,c,d,e,f,length,colour,width\n1,2,3,4,5,6,7,red,1\n", true, 1, 1, 7,
              "columns that the model does not know are left out: 'a', 'b', 'c', 'd' and 2 more");
}

static void without_a_header_columns_match_by_position(void **state) {
    (void)state;
    reads_row("1,red,7,oak\n", false, 1, 1, 7, NULL);
    reads_row("1,red,7,oak\n", true, 1, 1, 7, NULL);
    reads_row("1,red,7\n", true, 1, 1, 7, NULL);
}

static void positions_skip_the_target_and_ignored_columns(void **state) {
    (void)state;
    table_schema schema =
        learn("0,1,x,2\n1,2,y,3\n", OPTIONS(.target = "3", .ignore = (const char *const[]){"1", NULL}));
    static const char *const texts[] = {"9,5,x,6\n", "9,5,6\n", "5,6\n"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        soma_dataset *set = check_load(texts[i], OPTIONS(.schema = &schema, .predict = true));
        check_row(set, 0, (float[]){5, 6});
        soma_dataset_destroy(set);
    }
    soma_dataset *set =
        check_load("a,b,c,d\n9,5,y,6\n", OPTIONS(.schema = &schema)); /* with a header, by position too */
    assert_int_equal(set->rows, 1);
    assert_int_equal(set->classes[0], 1);
    soma_dataset_destroy(set);
    check_refused(
        "9,5,x,6,7\n", OPTIONS(.schema = &schema, .predict = true),
        "has 5 columns and no header that the model knows; expected 4 as in the training file, with or without the "
        "target");
    check_refused("9,5,6\n", OPTIONS(.schema = &schema),
                  "has 3 columns and no header that the model knows; expected 4 as in the training file");
    schema_clear(NULL, &schema);
}

static void missing_columns_are_refused(void **state) {
    (void)state;
    table_schema schema = learn(training, PLAIN);
    check_refused("length,width,kind\n1,2,oak\n", OPTIONS(.schema = &schema),
                  "line 1: there is no column 'colour', which the model reads");
    check_refused("length,width,kind\n1,2,oak\n", OPTIONS(.schema = &schema, .predict = true),
                  "line 1: there is no column 'colour', which the model reads");
    check_refused("a,b,c\n1,2,oak\n", OPTIONS(.schema = &schema, .predict = true),
                  "line 1: there is no column 'width', which the model reads");
    check_refused("length,width,colour\n1,2,red\n", OPTIONS(.schema = &schema),
                  "line 1: there is no column 'kind', which the model predicts and is compared with");
    check_refused("length,width,colour,width\n1,2,red,4\n", OPTIONS(.schema = &schema, .predict = true),
                  "line 1: two columns are called 'width'; expected distinct names");
    check_refused("length,width,colour\n", OPTIONS(.schema = &schema, .predict = true), "holds a header and no rows");
    schema_clear(NULL, &schema);
}

static void unseen_classes_are_refused_where_answers_are_compared(void **state) {
    (void)state;
    table_schema schema = learn(training, PLAIN);
    check_refused("width,colour,length,kind\n1,red,2,yew\n", OPTIONS(.schema = &schema),
                  "line 2, column kind: 'yew' is none of the classes of the training set (elm, oak)");
    schema_clear(NULL, &schema);
}

static void unreadable_rows_are_named_and_the_others_read(void **state) {
    (void)state;
    static const struct {
        const char *row, *problem;
    } rows[] = {
        {"1,red,2", NULL},
        {"oops,red,2", "line 3, column width: 'oops' is not a number, expected one as in the rest of the column"},
        {"1,,2", NULL},
        {"NA,red,2", NULL},
        {"1,mauve,2", NULL},
        {"1,red", "line 7, column length: there is no such cell, the row has 2 and the first row 3"},
        {"1,red,2,3", "line 8, column 4: a cell too many, the row has 4 and the first row 3"},
        {"1,\"red\"dish,2", "line 9, column colour: text behind the closing quote"},
        {"1,\"red,2", "line 10, column colour: a quote that is never closed"},
        {"inf,red,2",
         "line 11, column width: 'inf' is beyond the numbers that soma reads, expected one between -3.4e38 and "
         "3.4e38"},
        {"3,blue,4", NULL},
    };
    table_schema schema = learn(training, PLAIN);
    char text[1024] = "width,colour,length\n";
    for (size_t i = 0, at = strlen(text); i < COUNT_OF(rows); i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s\n", rows[i].row);
    soma_dataset *set = check_load(text, OPTIONS(.schema = &schema, .predict = true));
    assert_int_equal(set->rows, COUNT_OF(rows));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(set->lines[i], i + 2);
        if (rows[i].problem) {
            check_sentence(set->row_errors[i], check_path("t.csv"), rows[i].problem);
            assert_true(set->features[3 * i] != set->features[3 * i]);
        } else {
            assert_null(set->row_errors[i]);
        }
    }
    check_row(set, 10, (float[]){3, 0, 4});
    assert_true(isnan(set->features[2 * 3 + 1]) && isnan(set->features[3 * 3])); /* missing */
    assert_float_equal(set->features[4 * 3 + 1], -1, 0);                         /* no category that is known */
    assert_string_equal(set->note, "1 cell holds a text that training did not see");
    soma_dataset_destroy(set);
    schema_clear(NULL, &schema);
}

static void numbers_match_classes_by_value(void **state) {
    (void)state;
    table_schema schema = learn("a,t\n1,5\n2,10\n3,5\n", OPTIONS(.task = TASK_CLASSIFY));
    soma_dataset *set = check_load("a,t\n1,1e1\n2,5.0\n3, 10\n", OPTIONS(.schema = &schema));
    assert_int_equal(set->classes[0], 1);
    assert_int_equal(set->classes[1], 0);
    assert_int_equal(set->classes[2], 1);
    soma_dataset_destroy(set);
    check_refused("a,t\n1,7\n", OPTIONS(.schema = &schema),
                  "line 2, column t: '7' is none of the classes of the training set (5, 10)");
    check_refused("a,t\n1,seven\n", OPTIONS(.schema = &schema),
                  "line 2, column t: 'seven' is not a number, expected one as in the rest of the column");
    schema_clear(NULL, &schema);
}

static void cells_are_kept_as_they_stand(void **state) {
    (void)state;
    table_schema schema = learn(training, PLAIN);
    const char *const keep[] = {"id", "width", "id", NULL};
    soma_dataset *set = check_load("id,width,colour,length\n"
                                   "\"x, \"\"1\"\"\",01.50,red,2\n"
                                   " y ,oops,red,2\n"
                                   "z\n",
                                   OPTIONS(.schema = &schema, .predict = true, .keep = keep));
    const char *const expected[] = {"x, \"1\"", "01.50", "x, \"1\"", " y ", "oops", " y ", "z", "", "z"};
    assert_int_equal(set->kept_count, 3);
    for (size_t i = 0; i < COUNT_OF(expected); i++) assert_string_equal(set->kept[i], expected[i]);
    assert_null(set->row_errors[0]);
    assert_non_null(set->row_errors[1]);
    soma_dataset_destroy(set);
    schema_clear(NULL, &schema);
}

static void a_wrong_kind_of_data_is_refused(void **state) {
    (void)state;
    table_schema pictures = {.classify = true};
    check_refused("a,t\n1,x\n", OPTIONS(.schema = &pictures, .predict = true),
                  "is a table, but the model reads pictures");
    check_refused("a,t\n1,x\n", OPTIONS(.predict = true), "to predict a table its schema must be known");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_match_by_name_in_any_order),
        cmocka_unit_test(columns_that_the_model_does_not_know_are_noted),
        cmocka_unit_test(without_a_header_columns_match_by_position),
        cmocka_unit_test(positions_skip_the_target_and_ignored_columns),
        cmocka_unit_test(missing_columns_are_refused),
        cmocka_unit_test(unseen_classes_are_refused_where_answers_are_compared),
        cmocka_unit_test(unreadable_rows_are_named_and_the_others_read),
        cmocka_unit_test(numbers_match_classes_by_value),
        cmocka_unit_test(cells_are_kept_as_they_stand),
        cmocka_unit_test(a_wrong_kind_of_data_is_refused),
    };
    return cmocka_run_group_tests(tests, check_begin, check_end);
}
