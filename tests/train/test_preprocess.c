/* Scaling is learnt from the training rows alone, and computed inside the graph. */
#include "graph/graph.h"
#include "train/preprocess.h"

#include <soma/plan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* What the preprocessing makes of rows. */
static void run(const preprocess *p, const float *x, int64_t rows, float *out, size_t count) {
    soma_error error = {0};
    soma_graph *g = soma_graph_create();
    soma_shape shape = {p->sample.rank + 1, {SOMA_BATCH}};
    for (int i = 0; i < p->sample.rank; i++) shape.dims[i + 1] = p->sample.dims[i];
    soma_value in = soma_input(g, "x", shape), features = preprocess_build(p, in);
    soma_plan *plan = soma_plan_infer(&features, 1, (soma_plan_options){.max_batch = rows, .threads = 1}, &error);
    soma_run *r = plan ? soma_run_create(plan, &error) : NULL;
    if (!r || soma_run_set(r, in, x, rows, &error) || soma_run_step(r, &error) ||
        soma_run_get(r, features, out, count, &error))
        fail_msg("%s", error.message);
    soma_run_destroy(r);
    soma_plan_destroy(plan);
    soma_graph_destroy(g);
}

static void numbers_are_standardised_by_the_training_rows(void **state) {
    (void)state;
    float x[] = {1, 5, 3, 5, 1000, 7}, out[6] = {0}, targets[] = {10, 20, 99};
    soma_dataset set = {.rows = 3, .sample = soma_shape1(2), .features = x, .targets = targets};
    preprocess p;
    assert_int_equal(preprocess_learn(NULL, &set, (int64_t[]){1, 0}, 2, TARGET_PLAIN, &p, NULL), SOMA_OK);
    run(&p, x, 3, out, 6);
    /* Column 0: mean 2, sd 1, and what is far out counts as 10. Column 1 is constant among the training rows: nothing
     * was learnt about it. */
    static const float expected[] = {-1, 0, 1, 0, 10, 0};
    for (int i = 0; i < 6; i++) assert_true(fabsf(out[i] - expected[i]) < 1e-6f);
    assert_true(fabs(p.target_mean - 15) < 1e-9 && fabs(p.target_deviation - 5) < 1e-6);
    preprocess_clear(&p);
}

static void the_order_of_rows_does_not_matter(void **state) {
    (void)state;
    float x[64];
    for (int i = 0; i < 64; i++) x[i] = sinf((float)i) * 1e4f;
    soma_dataset set = {.rows = 64, .sample = soma_shape1(1), .features = x};
    int64_t up[64], down[64];
    for (int i = 0; i < 64; i++) up[i] = i, down[i] = 63 - i;
    preprocess a, b;
    assert_int_equal(preprocess_learn(NULL, &set, up, 64, TARGET_PLAIN, &a, NULL), SOMA_OK);
    assert_int_equal(preprocess_learn(NULL, &set, down, 64, TARGET_PLAIN, &b, NULL), SOMA_OK);
    assert_memory_equal(a.numbers.a, b.numbers.a, sizeof *a.numbers.a);
    assert_memory_equal(a.numbers.b, b.numbers.b, sizeof *a.numbers.b);
    preprocess_clear(&a);
    preprocess_clear(&b);
}

static void categories_become_columns_of_0_and_1(void **state) {
    (void)state;
    table_column columns[] = {{.name = (char *)"c", .kind = COLUMN_CATEGORY, .categories_count = 3},
                              {.name = (char *)"n", .kind = COLUMN_NUMERIC},
                              {.name = (char *)"d", .kind = COLUMN_CATEGORY, .categories_count = 2}};
    float x[] = {2, 10, 0, 0, 14, 1}, out[12] = {0};
    soma_dataset set = {
        .rows = 2, .sample = soma_shape1(3), .features = x, .schema = {.columns = columns, .columns_count = 3}};
    preprocess p;
    assert_int_equal(preprocess_learn(NULL, &set, (int64_t[]){0, 1}, 2, TARGET_PLAIN, &p, NULL), SOMA_OK);
    run(&p, x, 2, out, 12);
    static const float expected[] = {-1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 1};
    for (int i = 0; i < 12; i++) assert_true(fabsf(out[i] - expected[i]) < 1e-6f);
    preprocess_clear(&p);
}

static void pictures_are_scaled_by_channel(void **state) {
    (void)state;
    uint8_t pixels[] = {0, 10, 100, 100, 20, 30, 100, 100};
    float x[8], out[8] = {0};
    for (int i = 0; i < 8; i++) x[i] = (float)pixels[i];
    soma_dataset set = {.rows = 2, .sample = soma_shape3(2, 1, 2), .pictures = pixels};
    preprocess p;
    assert_int_equal(preprocess_learn(NULL, &set, (int64_t[]){0, 1}, 2, TARGET_PLAIN, &p, NULL), SOMA_OK);
    run(&p, x, 2, out, 8);
    double sd = sqrt(125);
    for (int i = 0; i < 8; i++) {
        double expected = i % 4 < 2 ? (pixels[i] - 15) / sd : 0;
        assert_true(fabs((double)out[i] - expected) < 1e-5);
    }
    preprocess_clear(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_standardised_by_the_training_rows),
        cmocka_unit_test(the_order_of_rows_does_not_matter),
        cmocka_unit_test(categories_become_columns_of_0_and_1),
        cmocka_unit_test(pictures_are_scaled_by_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
