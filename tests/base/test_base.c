/* The base room: errors that keep the first sentence, checked sizes, Philox, teams of threads. */
#include "base/base.h"
#include "base/parallel.h"
#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

static void first_error_stays(void **state) {
    (void)state;
    soma_error e = {0};
    assert_int_equal(error_set(&e, SOMA_ERROR_INPUT, "a\nb %d", 1), SOMA_ERROR_INPUT);
    assert_int_equal(error_set(&e, SOMA_ERROR_IO, "later"), SOMA_ERROR_IO);
    assert_int_equal(e.code, SOMA_ERROR_INPUT);
    assert_string_equal(e.message, "a b 1");
    assert_int_equal(error_set(NULL, SOMA_ERROR_IO, "nobody listens"), SOMA_ERROR_IO);
}

static void sizes_that_overflow_are_refused(void **state) {
    (void)state;
    assert_null(mem_array(NULL, SIZE_MAX / 2, 4));
    assert_null(mem_alloc(NULL, SIZE_MAX - 3));
    soma_shape huge = soma_shape3(INT64_MAX / 2, 3, 1);
    assert_int_equal(shape_elements(&huge, 1), -1);
    soma_shape s = soma_shape3(SOMA_BATCH, 3, 4);
    assert_int_equal(shape_elements(&s, 5), 60);
    char text[SHAPE_TEXT];
    assert_string_equal(shape_text(&s, text), "[N, 3, 4]");
}

static void suggestions_are_near_words_only(void **state) {
    (void)state;
    const char *const words[] = {"adam", "adamw", "sgd", NULL};
    assert_string_equal(suggest("adamm", words), "adam");
    assert_null(suggest("momentum", words));
}

/* Known answers of Random123's kat_vectors for philox4x32-10. */
static void philox_gives_the_known_answers(void **state) {
    (void)state;
    const uint32_t counter[3][4] = {{0, 0, 0, 0},
                                    {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                                    {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    const uint32_t key[3][2] = {{0, 0}, {0xffffffff, 0xffffffff}, {0xa4093822, 0x299f31d0}};
    const uint32_t answer[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                   {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                   {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        philox(counter[i], key[i], out);
        assert_memory_equal(out, answer[i], sizeof out);
    }
}

static void drawn_numbers_have_their_distribution(void **state) {
    (void)state;
    random_stream r = random_open(7, 3);
    double sum = 0, squares = 0;
    const int N = 20000;
    for (int i = 0; i < N; i++) {
        double x = random_normal(&r);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / N) < 0.03 && fabs(squares / N - 1) < 0.04);
    int64_t items[100];
    bool seen[100] = {false};
    for (int i = 0; i < 100; i++) items[i] = i;
    random_shuffle(&r, items, 100);
    for (int i = 0; i < 100; i++) {
        assert_in_range(items[i], 0, 99);
        assert_false(seen[items[i]]);
        seen[items[i]] = true;
    }
}

typedef struct meeting {
    team *team;
    atomic_int visits[64];
    int before[8];
    atomic_bool out_of_order;
} meeting;

static void meet(void *argument, int index) {
    meeting *m = argument;
    for (int round = 0; round < 50; round++) {
        atomic_fetch_add(&m->visits[round], 1);
        team_barrier(m->team);
        if (atomic_load(&m->visits[round]) != team_size(m->team)) atomic_store(&m->out_of_order, true);
    }
    m->before[index]++;
}

static void barriers_hold_all_threads(void **state) {
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        meeting m = {.team = team_create(NULL, threads)};
        assert_non_null(m.team);
        for (int region = 0; region < 20; region++) {
            for (int i = 0; i < 64; i++) atomic_store(&m.visits[i], 0);
            team_run(m.team, threads, meet, &m);
        }
        assert_false(atomic_load(&m.out_of_order));
        for (int i = 0; i < team_size(m.team); i++) assert_int_equal(m.before[i], 20);
        team_destroy(m.team);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_error_stays),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(suggestions_are_near_words_only),
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(drawn_numbers_have_their_distribution),
        cmocka_unit_test(barriers_hold_all_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
