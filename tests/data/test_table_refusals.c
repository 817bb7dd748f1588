/* Tables that can't be learnt from: each refusal in one sentence with the exact place. */
#include "data_check.h"

static void a_text_among_numbers_is_named(void **state) {
    (void)state;
    check_refused("a,b,t\n1,2,x\n2,3,y\n3,oops,x\n4,5,y\n5,6,x\n6,7,y\n7,8,x\n8,9,y\n9,10,x\n10,11,y\n", PLAIN,
                  "line 4, column b: 'oops' is not a number, expected one as in the rest of the column");
    check_refused("1,2,x\n2,3,y\n3,4,x\n4,oops,y\n5,6,x\n6,7,y\n7,8,x\n8,9,y\n9,10,x\n10,11,y\n", PLAIN,
                  "line 4, column 2: 'oops' is not a number, expected one as in the rest of the column");
    check_refused("a,t\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n7,7\n8,8\n9,9\n10,no\n", PLAIN,
                  "line 11, column t: 'no' is not a number, expected one as in the rest of the column");
}

static void eight_numbers_in_ten_make_no_numeric_column(void **state) {
    (void)state;
    soma_dataset *set = check_load("a,t\n1,x\n2,y\n3,x\n4,y\n5,x\n6,y\n7,x\n8,y\nold,x\nnew,y\n", PLAIN);
    assert_int_equal(set->schema.columns[0].kind, COLUMN_CATEGORY);
    assert_int_equal(set->schema.columns[0].categories_count, 10);
    soma_dataset_destroy(set);
}

static void tables_without_any_target_are_named(void **state) {
    (void)state;
    check_refused("a,t\n1,\n2,\n", PLAIN, "line 2: the target is missing, as in every other row");
    check_refused("a,t\n1,NA\n2,?\n", OPTIONS(.task = TASK_REGRESS),
                  "line 2: the target is missing, as in every other row");
}

static void numbers_beyond_float_are_named(void **state) {
    (void)state;
    check_refused(
        "a,t\n1,x\n1e39,y\n", PLAIN,
        "line 3, column a: '1e39' is beyond the numbers that soma reads, expected one between -3.4e38 and 3.4e38");
    check_refused(
        "a,t\n-inf,x\n2,y\n", PLAIN,
        "line 2, column a: '-inf' is beyond the numbers that soma reads, expected one between -3.4e38 and 3.4e38");
}

static void rows_of_another_width_are_named(void **state) {
    (void)state;
    check_refused("a,b,t\n1,2,x\n2,y\n", PLAIN,
                  "line 3, column t: there is no such cell, the row has 2 and the first row 3");
    check_refused("a,b,t\n1,2,x\n2,3,y,4\n", PLAIN,
                  "line 3, column 4: a cell too many, the row has 4 and the first row 3");
    check_refused("1,2,x\n2,y\n", PLAIN, "line 2, column 3: there is no such cell, the row has 2 and the first row 3");
}

static void broken_cells_are_named(void **state) {
    (void)state;
    check_refused("a,t\n1,x\n2,\"y\n3,z\n", PLAIN, "line 3, column t: a quote that is never closed");
    check_refused("a,t\n1,x\n2,\"y\"z\n", PLAIN, "line 3, column t: text behind the closing quote");
    check_refused("a,t\n1,x\n2,caf\xE9\n", PLAIN,
                  "line 3, column t: text that is not UTF-8 (iconv -f LATIN1 -t UTF-8 may help)");
    check_refused("a,\"t\n1,x\n", PLAIN, "line 1, column 2: a quote that is never closed");
}

static void files_without_rows_are_refused(void **state) {
    (void)state;
    check_refused("", PLAIN, "is empty; expected a table with a header and rows");
    check_refused("\n  \n", PLAIN, "is empty; expected a table with a header and rows");
    check_refused("a,b,t\n", PLAIN, "holds a header and no rows");
    check_refused("t\nx\ny\n", PLAIN, "has no column beside the target 't'; expected at least one feature");
}

static void names_that_clash_are_refused(void **state) {
    (void)state;
    check_refused("a,b,a,t\n1,2,3,x\n2,3,4,y\n", PLAIN,
                  "line 1, column 3: the name 'a' stands in column 1 too; expected distinct names");
}

static void unknown_names_are_refused_with_a_suggestion(void **state) {
    (void)state;
    const char *text = "width,height,kind\n1,2,x\n2,3,y\n";
    check_refused(text, OPTIONS(.target = "kin"), "--target: there is no column 'kin'; did you mean 'kind'?");
    check_refused(text, OPTIONS(.target = "nosuch"),
                  "--target: there is no column 'nosuch'; the 3 columns are 'width' to 'kind'");
    check_refused(text, OPTIONS(.ignore = (const char *const[]){"hight", NULL}),
                  "--ignore: there is no column 'hight'; did you mean 'height'?");
    check_refused(text, OPTIONS(.ignore = (const char *const[]){"kind", NULL}),
                  "--ignore: column kind is the target; --target names another");
    check_refused(text, OPTIONS(.keep = (const char *const[]){"ident", NULL}),
                  "--keep: there is no column 'ident'; the 3 columns are 'width' to 'kind'");
    check_refused("1,2\n3,4\n", OPTIONS(.target = "3"),
                  "--target: there is no column '3'; the 2 columns are 'column 1' to 'column 2'");
}

static void targets_that_teach_nothing_are_refused(void **state) {
    (void)state;
    check_refused("a,t\n1,x\n2,x\n", PLAIN, "column t: the target is 'x' in every row; expected at least two classes");
    check_refused("a,t\n1,x\n2,y\n", OPTIONS(.task = TASK_REGRESS),
                  "line 2, column t: 'x' is not a number, which --task regress needs");
}

static void columns_of_nothing_but_texts_of_their_own_are_refused(void **state) {
    (void)state;
    char *text = malloc(200000);
    size_t at = (size_t)sprintf(text, "id,t\n");
    for (int i = 0; i < 1001; i++) at += (size_t)sprintf(text + at, "id%d,%d\n", i, i % 2);
    check_refused(text, PLAIN,
                  "no column can teach anything about the target 't': column id is left out as an identifier: nearly "
                  "every row has its own; expected at least one feature");
    at = (size_t)sprintf(text, "a,t\n");
    for (int i = 0; i < 10001; i++) at += (size_t)sprintf(text + at, "%d,c%d\n", i, i);
    check_refused(text, PLAIN, "column t: the target has more than 10000 different values, too many for classes");
    free(text);
}

static void other_files_are_refused(void **state) {
    (void)state;
    soma_error error = {0};
    check_refused_file(check_file("t.csv",
                                  "\x7F"
                                  "ELF\2\1\1\0\0",
                                  9),
                       PLAIN, "is no CSV table, nor an array, pictures or another file that soma reads");
    check_refused_file(check_file("t.csv", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16), PLAIN,
                       "is a single picture; expected a folder with one sub-folder for each class");
    check_refused_file(check_file("t.csv",
                                  "\xFF\xFE"
                                  "a\0,\0",
                                  6),
                       PLAIN, "is UTF-16 text; expected a table in UTF-8");
    check_refused_file(check_folder, PLAIN,
                       "holds no sub-folders; expected one for each class, with PNG or JPEG files in it");
    check_refused_file("nowhere/t.csv", PLAIN, "can't be opened: No such file or directory");
    check_refused("a,t\n1,x\n2,y\n", OPTIONS(.labels = "l"), "is a table; --labels is for IDX pictures");
    assert_null(soma_dataset_load(NULL, SOMA_OPTIONS(soma_dataset_options){.target = NULL}, &error));
    assert_int_equal(error.code, SOMA_ERROR_ARGUMENT);
}

static void long_cells_are_cut_in_messages(void **state) {
    (void)state;
    char text[1024], wide[301];
    memset(wide, 'w', 300);
    wide[300] = 0;
    snprintf(text, sizeof text, "a,t\n1,x\n2,y\n3,x\n4,y\n5,x\n6,y\n7,x\n8,y\n9,x\n10,y\n11,x\n12,y\n%s,x\n", wide);
    soma_error error = {0};
    assert_null(data_load(NULL, check_file("t.csv", text, strlen(text)), PLAIN, &error));
    assert_non_null(strstr(error.message, "line 14, column a: 'wwww"));
    assert_non_null(strstr(error.message, "…' is not a number, expected one"));
    assert_true(strlen(error.message) < 250);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_among_numbers_is_named),
        cmocka_unit_test(eight_numbers_in_ten_make_no_numeric_column),
        cmocka_unit_test(tables_without_any_target_are_named),
        cmocka_unit_test(numbers_beyond_float_are_named),
        cmocka_unit_test(rows_of_another_width_are_named),
        cmocka_unit_test(broken_cells_are_named),
        cmocka_unit_test(files_without_rows_are_refused),
        cmocka_unit_test(names_that_clash_are_refused),
        cmocka_unit_test(unknown_names_are_refused_with_a_suggestion),
        cmocka_unit_test(targets_that_teach_nothing_are_refused),
        cmocka_unit_test(columns_of_nothing_but_texts_of_their_own_are_refused),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(long_cells_are_cut_in_messages),
    };
    return cmocka_run_group_tests(tests, check_begin, check_end);
}
