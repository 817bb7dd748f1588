/* Splits, folds and the order of an epoch. */
#include "data_check.h"

enum { ROWS = 103, CLASSES = 4, FOLDS = 5 };

static int64_t class_of[ROWS], all[ROWS];

/* A set of ROWS rows with classes of 60, 30, 12 and 1 rows, mixed. */
static soma_dataset with_classes(void) {
    random_stream r = random_open(9, 9);
    int64_t order[ROWS];
    for (int64_t i = 0; i < ROWS; i++) order[i] = all[i] = i;
    random_shuffle(&r, order, ROWS);
    for (int64_t i = 0; i < ROWS; i++) class_of[order[i]] = i < 60 ? 0 : i < 90 ? 1 : i < 102 ? 2 : 3;
    return (soma_dataset){.rows = ROWS, .classes = class_of, .schema = {.classify = true, .classes_count = CLASSES}};
}

static void count_classes(const int64_t *rows, size_t count, int counts[CLASSES]) {
    memset(counts, 0, CLASSES * sizeof *counts);
    for (size_t i = 0; i < count; i++) counts[class_of[rows[i]]]++;
}

static void a_held_part_has_each_class_in_its_share(void **state) {
    (void)state;
    soma_dataset set = with_classes();
    int64_t held[ROWS], kept[ROWS];
    size_t held_count, kept_count;
    int counts[CLASSES];
    assert_true(split_fraction(&set, all, ROWS, 0.2, 1, held, &held_count, kept, &kept_count));
    count_classes(held, held_count, counts);
    assert_int_equal(counts[0], 12);
    assert_int_equal(counts[1], 6);
    assert_int_equal(counts[2], 2);
    assert_int_equal(counts[3], 0);
    assert_true(split_fraction(&set, all, ROWS, 0.01, 1, held, &held_count, kept, &kept_count));
    count_classes(held, held_count, counts);
    for (int c = 0; c < 3; c++) assert_int_equal(counts[c], 1);
    assert_int_equal(counts[3], 0);
    assert_true(split_fraction(&set, all, ROWS, 0.99, 1, held, &held_count, kept, &kept_count));
    count_classes(kept, kept_count, counts);
    for (int c = 0; c < 3; c++) assert_int_equal(counts[c], 1);
}

static void the_parts_of_a_split_are_all_rows_once(void **state) {
    (void)state;
    soma_dataset set = with_classes(), plain = {.rows = ROWS};
    const soma_dataset *sets[] = {&set, &plain};
    static const double fractions[] = {0, 0.2, 0.5, 1};
    for (size_t s = 0; s < 2; s++)
        for (size_t f = 0; f < COUNT_OF(fractions); f++) {
            int64_t held[ROWS], kept[ROWS];
            size_t held_count, kept_count;
            bool seen[ROWS] = {false};
            const int64_t *subset = all + 3; /* of 100 rows */
            assert_true(split_fraction(sets[s], subset, 100, fractions[f], 7, held, &held_count, kept, &kept_count));
            assert_int_equal(held_count + kept_count, 100);
            if (s) assert_int_equal(held_count, 100 * fractions[f]);
            for (size_t i = 0; i < held_count; i++) seen[held[i]] = true;
            for (size_t i = 0; i < kept_count; i++) seen[kept[i]] = true;
            for (int i = 0; i < ROWS; i++) assert_int_equal(seen[i], i >= 3);
        }
}

static void a_split_depends_on_the_seed_alone(void **state) {
    (void)state;
    soma_dataset set = with_classes();
    int64_t held[3][ROWS], kept[ROWS];
    size_t count[3], rest;
    static const uint64_t seeds[] = {5, 5, 6};
    for (int i = 0; i < 3; i++)
        assert_true(split_fraction(&set, all, ROWS, 0.3, seeds[i], held[i], &count[i], kept, &rest));
    assert_int_equal(count[0], count[1]);
    assert_memory_equal(held[0], held[1], count[0] * sizeof(int64_t));
    assert_memory_not_equal(held[0], held[2], count[0] * sizeof(int64_t));
}

static void parts_are_in_shuffled_order(void **state) {
    (void)state;
    soma_dataset set = with_classes();
    int64_t held[ROWS], kept[ROWS];
    size_t held_count, kept_count;
    int changes = 0;
    assert_true(split_fraction(&set, all, ROWS, 0.2, 2, held, &held_count, kept, &kept_count));
    for (size_t i = 1; i < kept_count; i++) changes += class_of[kept[i]] != class_of[kept[i - 1]];
    assert_true(changes > 20);
}

static void folds_are_balanced_in_each_class_and_in_all(void **state) {
    (void)state;
    soma_dataset set = with_classes();
    int fold_of[ROWS], again[ROWS], sizes[FOLDS] = {0}, counts[FOLDS][CLASSES] = {{0}};
    assert_true(split_folds(&set, all, ROWS, FOLDS, 3, fold_of));
    for (int i = 0; i < ROWS; i++) {
        assert_in_range(fold_of[i], 0, FOLDS - 1);
        sizes[fold_of[i]]++;
        counts[fold_of[i]][class_of[i]]++;
    }
    for (int f = 0; f < FOLDS; f++) {
        assert_in_range(sizes[f], ROWS / FOLDS, ROWS / FOLDS + 1);
        for (int c = 0; c < CLASSES; c++) {
            int share = (c == 0 ? 60 : c == 1 ? 30 : c == 2 ? 12 : 1) / FOLDS;
            assert_in_range(counts[f][c], share, share + 1);
        }
    }
    assert_true(split_folds(&set, all, ROWS, FOLDS, 3, again));
    assert_memory_equal(fold_of, again, sizeof again);
    assert_true(split_folds(&set, all, ROWS, FOLDS, 4, again));
    assert_memory_not_equal(fold_of, again, sizeof again);
}

static void an_epoch_replays_its_order(void **state) {
    (void)state;
    (void)with_classes();
    int64_t a[ROWS], b[ROWS], sum = 0;
    data_epoch_order(all, ROWS, 1, 4, a);
    data_epoch_order(all, ROWS, 1, 4, b);
    assert_memory_equal(a, b, sizeof a);
    for (int i = 0; i < ROWS; i++) sum += a[i];
    assert_int_equal(sum, ROWS * (ROWS - 1) / 2);
    data_epoch_order(all, ROWS, 1, 5, b);
    assert_memory_not_equal(a, b, sizeof a);
    data_epoch_order(all, ROWS, 2, 4, b);
    assert_memory_not_equal(a, b, sizeof a);
    data_epoch_order(NULL, 0, 2, 4, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_part_has_each_class_in_its_share),
        cmocka_unit_test(the_parts_of_a_split_are_all_rows_once),
        cmocka_unit_test(a_split_depends_on_the_seed_alone),
        cmocka_unit_test(parts_are_in_shuffled_order),
        cmocka_unit_test(folds_are_balanced_in_each_class_and_in_all),
        cmocka_unit_test(an_epoch_replays_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
