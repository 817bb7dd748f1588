/* Tunings: measured by candidates, saved and loaded whole, followed by a plan, and refused with the line that is wrong.
 */
#include <soma/nn.h>
#include <soma/plan.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHANNELS = 24, SIDE = 20, IMAGE = CHANNELS * SIDE * SIDE, SAMPLES = 2 };

static char path[64];

static void collect(void *user, const char *text) {
    size_t used = strlen(user);
    snprintf((char *)user + used, 4000 - used, "%s", text);
}

/* A 3x3 convolution, for which there are several kernels: its result, and what the plan says. With `into` it is
 * measured. Gives the steps that ran the kernel asked for. */
static int64_t run(soma_plan_options o, soma_tuning *into, float *y, char *says) {
    soma_error e = {0};
    static float x[SAMPLES * IMAGE];
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = (float)((i * 37) % 29) / 14.0f - 1.0f;
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, CHANNELS, SIDE, SIDE));
    soma_value out = soma_conv2d(in, CHANNELS, soma_kernel(3, 3), SOMA_OPTIONS(soma_conv2d_options){.padding = 1});
    int64_t tried = 0;
    o.max_batch = SAMPLES;
    o.threads = 2;
    o.backend = SOMA_BACKEND_PORTABLE;
    soma_plan *plan = soma_plan_infer(&out, 1, o, &e);
    soma_run *r = soma_run_create(plan, &e);
    assert_non_null(r);
    says[0] = 0;
    soma_plan_print(plan, collect, says);
    assert_int_equal(soma_run_profile(r, true, &e), SOMA_OK);
    assert_int_equal(soma_run_bind(r, in, x, SAMPLES, &e), SOMA_OK);
    assert_int_equal(soma_run_step(r, &e), SOMA_OK);
    assert_int_equal(soma_run_get(r, out, y, SAMPLES * (size_t)IMAGE, &e), SOMA_OK);
    if (into) assert_int_equal(soma_tuning_measure(into, r, &tried, &e), SOMA_OK);
    soma_run_destroy(r);
    soma_plan_destroy(plan);
    soma_graph_destroy(g);
    return tried;
}

static char *read_text(void) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = calloc(1, 8192);
    assert_non_null(text);
    assert_true(fread(text, 1, 8191, f) > 0);
    fclose(f);
    return text;
}

static void write_text(const char *text) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static soma_tuning *load(soma_error *e) {
    *e = (soma_error){0};
    return soma_tuning_load(path, NULL, e);
}

static void a_plan_follows_the_fastest_kernel_measured(void **state) {
    (void)state;
    static float first[SAMPLES * IMAGE], second[SAMPLES * IMAGE], direct[SAMPLES * IMAGE], y[SAMPLES * IMAGE];
    char says[4000];
    soma_error e = {0};
    soma_tuning *t = soma_tuning_create(NULL, &e);
    assert_non_null(t);
    assert_int_equal(run((soma_plan_options){.candidate = 1}, t, first, says), 1);
    assert_non_null(strstr(says, "winograd"));
    assert_int_equal(run((soma_plan_options){.candidate = 2}, t, second, says), 1);
    assert_null(strstr(says, "winograd"));
    assert_int_equal(run((soma_plan_options){.candidate = 3}, t, y, says), 0);
    run((soma_plan_options){.algorithm = SOMA_ALGORITHM_DIRECT}, NULL, direct, says);
    assert_memory_equal(second, direct, sizeof direct);
    assert_memory_not_equal(first, direct, sizeof direct);
    assert_int_equal(soma_tuning_save(t, path, &e), SOMA_OK);
    soma_tuning_destroy(t);
    /* The direct kernel becomes the faster one, then the slower one. */
    for (int fast = 0; fast < 2; fast++) {
        char *text = read_text(), *line = strstr(text, "\tdirect\t");
        assert_non_null(line);
        while (line > text && line[-1] != '\n') line--;
        memcpy(line, fast ? "9.000000000" : "0.000000001", 11);
        write_text(text);
        free(text);
        t = load(&e);
        assert_non_null(t);
        run((soma_plan_options){.tuning = t}, NULL, y, says);
        assert_memory_equal(y, fast ? first : direct, sizeof y);
        soma_tuning_destroy(t);
    }
}

static void what_is_no_tuning_is_refused_by_its_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } wrong[] = {{"", "line 1"},
                 {"soma tuning 2\n", "line 1"},
                 {"soma tuning 1\n1\tdirect\tx\nnonsense\n", "line 3"},
                 {"soma tuning 1\n0\tdirect\tx\n", "line 2"},
                 {"soma tuning 1\nnan\tdirect\tx\n", "line 2"},
                 {"soma tuning 1\n1e\tdirect\tx\n", "line 2"},
                 {"soma tuning 1\n1\tdirect\n", "line 2"},
                 {"soma tuning 1\n1\t\tx\n", "line 2"},
                 {"soma tuning 1\n1\tdirect-and-a-name-that-is-too-long\tx\n", "line 2"},
                 {"soma tuning 1\n1\tdirect\tx", "line 2"}};
    soma_error e;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_text(wrong[i].text);
        assert_null(load(&e));
        assert_int_equal(e.code, SOMA_ERROR_INPUT);
        assert_non_null(strstr(e.message, wrong[i].says));
    }
    write_text("soma tuning 1\n1\tno such kernel\tno such step\n");
    soma_tuning *t = load(&e);
    assert_non_null(t);
    static float y[SAMPLES * IMAGE];
    char says[4000];
    run((soma_plan_options){.tuning = t}, NULL, y, says);
    assert_non_null(strstr(says, "winograd"));
    soma_tuning_destroy(t);
    unlink(path);
    assert_null(load(&e));
    assert_non_null(strstr(e.message, path));
}

static void a_run_without_times_measures_nothing(void **state) {
    (void)state;
    soma_error e = {0};
    int64_t tried = 5;
    soma_tuning *t = soma_tuning_create(NULL, &e);
    assert_int_equal(soma_tuning_measure(t, NULL, &tried, &e), SOMA_ERROR_ARGUMENT);
    assert_int_equal(tried, 0);
    soma_tuning_destroy(t);
    soma_tuning_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_plan_follows_the_fastest_kernel_measured),
                                       cmocka_unit_test(what_is_no_tuning_is_refused_by_its_line),
                                       cmocka_unit_test(a_run_without_times_measures_nothing)};
    snprintf(path, sizeof path, "/tmp/soma-tuning-%ld", (long)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
