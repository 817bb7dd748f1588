/* The networks that have names: their sizes as the papers and the lecture give them. */
#include "nn/zoo.h"
#include "nn_check.h"

static void assert_network(const char *name, const int64_t *expected, size_t layers, int64_t total) {
    soma_error error = {0};
    spec_row *rows;
    size_t count, k = 0;
    int64_t sum = 0;
    spec *s = spec_open(NULL, name, &error);
    assert_no_error(&error);
    spec_describe(s, zoo_find(name)->sample, &rows, &count, &error);
    assert_no_error(&error);
    for (size_t i = 0; i < count; i++) {
        sum += rows[i].parameters;
        if (rows[i].parameters && k < layers) assert_int_equal(rows[i].parameters, expected[k++]);
    }
    assert_int_equal(k, layers);
    assert_int_equal(sum, total);
    assert_int_equal(rows[count - 1].output.dims[1], zoo_find(name)->width);
    mem_free(NULL, rows);
    spec_destroy(s);
}

static void networks_have_the_parameters_of_their_papers(void **state) {
    (void)state;
    const int64_t mlp[] = {30 * 64 + 64, 64 * 64 + 64, 65};
    const int64_t lenet[] = {520, 25050, 400500, 5010};
    const int64_t alexnet[] = {34944, 614656, 885120, 1327488, 884992, 37752832, 16781312, 4097000};
    assert_network("linear", NULL, 0, 31);
    assert_network("logistic", NULL, 0, 31);
    assert_network("mlp", mlp, 3, 6209);
    assert_network("lenet", lenet, 4, 431080);
    assert_network("alexnet", alexnet, 8, 62378344);
}

static void names_take_their_outputs_from_the_task(void **state) {
    (void)state;
    const struct {
        const char *name;
        bool classify;
        int64_t outputs;
        const char *text;
    } cases[] = {
        {"linear", false, 1, "dense 1"},
        {"linear", true, 3, "dense 3 softmax"},
        {"logistic", true, 2, "dense 1 sigmoid"},
        {"logistic", true, 3, "dense 3 softmax"},
        {"mlp", false, 1, "dense 64 relu, dense 64 relu, dense 1"},
        {"mlp", true, 2, "dense 64 relu, dense 64 relu, dense 1 sigmoid"},
        {"lenet", true, 7, "conv 20 5x5 relu, maxpool 2, conv 50 5x5 relu, maxpool 2, dense 500 relu, dense 7 softmax"},
        {"dense 5 tanh", true, 4, "dense 5 tanh, dense 4 softmax"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        soma_error error = {0};
        spec_head head;
        spec *s = spec_open_for(NULL, cases[i].name, cases[i].classify, cases[i].outputs, &head, &error);
        assert_no_error(&error);
        char *text = spec_text(s);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(head.appended, i == 7);
        mem_free(NULL, text);
        spec_destroy(s);
    }
}

static void what_a_name_can_not_do_is_refused(void **state) {
    (void)state;
    soma_error error = {0};
    spec_head head;
    assert_null(spec_open_for(NULL, "logistic", false, 1, &head, &error));
    assert_string_equal(error.message, "net: logistic is a network for classes but the task is regression; use linear");
    error = (soma_error){0};
    assert_null(spec_open(NULL, "lenett", &error));
    assert_string_equal(error.message, "net: 'lenett' is neither a network's name nor a layer; did you mean lenet?");
    error = (soma_error){0};
    assert_null(spec_open_for(NULL, "dense", true, 3, &head, &error));
    assert_memory_equal(error.message, "net: the end of the text", 24);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_have_the_parameters_of_their_papers),
        cmocka_unit_test(names_take_their_outputs_from_the_task),
        cmocka_unit_test(what_a_name_can_not_do_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
