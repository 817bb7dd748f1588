/* Batches prepared ahead: the same as those prepared in place, for any number of threads, from any place of an epoch.
 */
#include "data/loader.h"
#include "data/picture_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS = 103, ELEMENTS = 3 * 6 * 6, BATCH = 8, STEPS = (ROWS + BATCH - 1) / BATCH };

static uint8_t bytes[ROWS * ELEMENTS];
static int64_t classes[ROWS], order[ROWS];
static float features[ROWS * 2], targets[ROWS];

static soma_dataset pictures(void) {
    for (int i = 0; i < ROWS * ELEMENTS; i++) bytes[i] = (uint8_t)(i * 31 % 251);
    for (int64_t i = 0; i < ROWS; i++) {
        classes[i] = i % 7;
        order[i] = (i * 10 + 4) % ROWS;
    }
    return (soma_dataset){.rows = ROWS, .sample = soma_shape3(3, 6, 6), .pictures = bytes, .classes = classes};
}

static loader *opened(const soma_dataset *set, const char *list, augmentation *a, int threads) {
    soma_error error = {0};
    if (augment_parse(list, a, &error)) fail_msg("%s", error.message);
    loader *l = loader_create(
        (loader_options){.set = set, .rows = ROWS, .batch = BATCH, .threads = threads, .augment = a}, &error);
    if (!l) fail_msg("%s", error.message);
    return l;
}

static void batches_are_the_rows_of_the_order(void **state) {
    (void)state;
    soma_dataset set = pictures();
    augmentation a;
    for (int threads = 1; threads <= 3; threads += 2) {
        loader *l = opened(&set, "none", &a, threads);
        loader_begin(l, order, ROWS, 1, 0);
        for (int64_t step = 0; step < STEPS; step++) {
            loader_batch b;
            assert_int_equal(loader_get(l, step * BATCH, &b, NULL), SOMA_OK);
            assert_int_equal(b.rows, step + 1 < STEPS ? BATCH : ROWS % BATCH);
            assert_true(b.share == 1 && !b.targets);
            for (int64_t i = 0; i < b.rows; i++) {
                int64_t row = order[step * BATCH + i];
                assert_int_equal(b.classes[i], classes[row]);
                for (int64_t k = 0; k < ELEMENTS; k++)
                    assert_true(b.x[i * ELEMENTS + k] == (float)bytes[row * ELEMENTS + k]);
            }
            assert_int_equal(b.classes[b.rows], b.classes[0]);
        }
        loader_destroy(l);
    }
}

/* Epochs of a loader, one after the other, as one text of bits. */
static void run(loader *l, int64_t epoch, int64_t first, float *x, double *shares) {
    loader_begin(l, order, ROWS, epoch, first);
    for (; first < ROWS; first += BATCH) {
        loader_batch b;
        assert_int_equal(loader_get(l, first, &b, NULL), SOMA_OK);
        memcpy(x + first * ELEMENTS, b.x, (size_t)b.rows * ELEMENTS * sizeof *x);
        shares[first / BATCH] = b.share;
    }
}

static void any_number_of_threads_gives_the_same_bits(void **state) {
    (void)state;
    static float expected[2][ROWS * ELEMENTS], x[ROWS * ELEMENTS];
    double expected_shares[2][STEPS], shares[STEPS];
    soma_dataset set = pictures();
    augmentation a;
    for (int threads = 1; threads <= 4; threads++) {
        loader *l = opened(&set, "crop 1, rotate 20, flip, colour 0.3, cutout 2, mixup 0.5", &a, threads);
        for (int64_t epoch = 0; epoch < 2; epoch++) {
            run(l, epoch, 0, threads == 1 ? expected[epoch] : x, threads == 1 ? expected_shares[epoch] : shares);
            if (threads == 1) continue;
            assert_memory_equal(x, expected[epoch], sizeof x);
            assert_memory_equal(shares, expected_shares[epoch], sizeof shares);
        }
        loader_destroy(l);
    }
    assert_memory_not_equal(expected[0], expected[1], sizeof x);
}

static void an_epoch_may_begin_anywhere_and_be_left_and_gone_back_in(void **state) {
    (void)state;
    static float whole[ROWS * ELEMENTS], part[ROWS * ELEMENTS];
    double shares[STEPS];
    soma_dataset set = pictures();
    augmentation a;
    for (int threads = 1; threads <= 3; threads++) {
        loader *l = opened(&set, "shift 2, mixup", &a, threads);
        run(l, 5, 0, whole, shares);
        run(l, 5, 6 * BATCH, part, shares); /* as a run that goes on does */
        assert_memory_equal(part + 6 * BATCH * ELEMENTS, whole + 6 * BATCH * ELEMENTS,
                            (ROWS - 6 * BATCH) * ELEMENTS * sizeof *part);
        loader_begin(l, order, ROWS, 5, 0);
        for (const int64_t *at = (const int64_t[]){0, 1, 2, 2, 9, 0, 3, 12, 12, 1, -1}; *at >= 0; at++) {
            loader_batch b;
            assert_int_equal(loader_get(l, *at * BATCH, &b, NULL), SOMA_OK);
            assert_memory_equal(b.x, whole + *at * BATCH * ELEMENTS, (size_t)b.rows * ELEMENTS * sizeof *b.x);
        }
        loader_begin(l, order, 3, 6, 0); /* left at once */
        loader_begin(l, order, 0, 7, 0);
        loader_destroy(l);
    }
}

static void tables_are_gathered_in_place(void **state) {
    (void)state;
    for (int64_t i = 0; i < ROWS; i++) {
        order[i] = ROWS - 1 - i;
        features[2 * i] = (float)i;
        targets[i] = (float)(10 * i);
    }
    soma_dataset set = {.rows = ROWS, .sample = soma_shape1(2), .features = features, .targets = targets};
    loader *l = loader_create((loader_options){.set = &set, .rows = ROWS, .batch = BATCH, .threads = 4}, NULL);
    assert_non_null(l);
    assert_int_equal(loader_threads(l), 0);
    loader_begin(l, order, ROWS, 1, 0);
    loader_batch b;
    assert_int_equal(loader_get(l, 96, &b, NULL), SOMA_OK);
    assert_true(b.rows == 7 && b.x[0] == 6 && b.targets[1] == 50 && b.targets[7] == 60 && !b.classes);
    assert_true(loader_waited(l) > 0);
    loader_destroy(l);
    loader_destroy(NULL);
}

static void a_picture_that_cant_be_read_fails_the_step_that_needs_it(void **state) {
    (void)state;
    soma_error error = {0};
    picture_files *files = picture_files_create(NULL);
    assert_non_null(files);
    assert_int_equal(picture_files_add(files, "no-such-folder/first.png", &error), SOMA_OK);
    assert_int_equal(picture_files_add(files, "no-such-folder/second.png", &error), SOMA_OK);
    assert_int_equal(picture_files_open(files, (picture_rule){3, 6, 6}, false, &error), SOMA_OK);
    soma_dataset set = {.rows = 2, .sample = soma_shape3(3, 6, 6), .files = files, .classes = classes};
    for (int threads = 1; threads <= 2; threads++) {
        loader_options o = {.set = &set, .rows = 2, .batch = 1, .threads = threads};
        loader *l = loader_create(o, &error);
        assert_non_null(l);
        loader_begin(l, (const int64_t[]){1, 0}, 2, 1, 0);
        loader_batch b;
        error = (soma_error){0};
        assert_int_not_equal(loader_get(l, 0, &b, &error), SOMA_OK);
        assert_non_null(strstr(error.message, "no-such-folder/second.png"));
        error = (soma_error){0};
        assert_int_not_equal(loader_get(l, 1, &b, &error), SOMA_OK);
        assert_non_null(strstr(error.message, "no-such-folder/first.png"));
        loader_destroy(l);
    }
    picture_files_destroy(files);
}

static void regions(void *user, int threads, void (*body)(void *argument, int index), void *argument) {
    (void)user;
    for (int i = 0; i < threads; i++) body(argument, i);
}

static void a_host_with_threads_of_its_own_is_given_no_others(void **state) {
    (void)state;
    soma_dataset set = pictures();
    soma_context *context = soma_context_create((soma_context_options){.parallel = regions}, NULL);
    loader_options o = {.context = context, .set = &set, .rows = ROWS, .batch = BATCH, .threads = 4};
    loader *l = loader_create(o, NULL);
    assert_int_equal(loader_threads(l), 0);
    loader_destroy(l);
    soma_context_destroy(context);
    o.context = NULL;
    l = loader_create(o, NULL);
#ifdef SOMA_THREADS_SERIAL
    assert_int_equal(loader_threads(l), 0);
#else
    assert_int_equal(loader_threads(l), 4);
#endif
    loader_destroy(l);
}

typedef struct account {
    long allowed, asked, live; /* allocations */
} account;

static void *account_allocate(void *user, size_t size) {
    account *a = user;
    if (a->asked++ >= a->allowed) return NULL;
    void *memory = aligned_alloc(64, size);
    a->live += memory != NULL;
    return memory;
}

static void account_release(void *user, void *memory) {
    account *a = user;
    a->live--;
    free(memory);
}

static void any_failed_allocation_leaves_nothing_behind(void **state) {
    (void)state;
    account a = {0};
    soma_dataset set = pictures();
    augmentation flip;
    loader *l = NULL;
    assert_int_equal(augment_parse("flip", &flip, NULL), SOMA_OK);
    soma_context *context = soma_context_create(
        (soma_context_options){.allocate = account_allocate, .release = account_release, .user = &a}, NULL);
    loader_options o = {.context = context, .set = &set, .rows = ROWS, .batch = BATCH, .threads = 2, .augment = &flip};
    for (a.allowed = 0; !l; a.allowed++) {
        soma_error error = {0};
        a.asked = 0;
        l = loader_create(o, &error);
        if (l) break;
        assert_int_equal(error.code, SOMA_ERROR_MEMORY);
        assert_int_equal(a.live, 0);
        assert_true(a.allowed < 100);
    }
    assert_true(a.allowed > 6);
    loader_destroy(l);
    assert_int_equal(a.live, 0);
    soma_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_the_rows_of_the_order),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(an_epoch_may_begin_anywhere_and_be_left_and_gone_back_in),
        cmocka_unit_test(a_picture_that_cant_be_read_fails_the_step_that_needs_it),
        cmocka_unit_test(tables_are_gathered_in_place),
        cmocka_unit_test(a_host_with_threads_of_its_own_is_given_no_others),
        cmocka_unit_test(any_failed_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
