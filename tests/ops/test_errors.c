/* tests/ops/test_errors.c: mistakes in building become one sentence that names the op and both shapes; the first one
 * sticks, later calls pass through quietly, and nothing a caller can pass brings the program down. */
#include "ops/attributes.h"
#include "support/gradient_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SHAPE(...) shape_of((int)COUNT_OF(((int64_t[]){__VA_ARGS__})), (int64_t[]){__VA_ARGS__})
enum { N = SOMA_BATCH };

/* Expects the graph's error to be `sentence`, ends the graph. */
static void refused(soma_graph *g, const char *sentence) {
    assert_int_equal(soma_graph_error(g)->code, SOMA_ERROR_ARGUMENT);
    assert_string_equal(soma_graph_error(g)->message, sentence);
    soma_graph_destroy(g);
}

static soma_value zeros(soma_graph *g, soma_shape s) { return soma_name(soma_expand(soma_scalar(g, 0), s), "zeros"); }

static void shapes_that_do_not_fit_are_named(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_add(zeros(g, SHAPE(N, 3)), zeros(g, SHAPE(4)));
    refused(g, "add (node 5): shapes [N, 3] and [4] do not broadcast");

    g = soma_graph_create();
    soma_matmul(zeros(g, SHAPE(N, 3)), zeros(g, SHAPE(4, 5)));
    refused(g, "matmul (node 5): [N, 3] x [4, 5]: the rows of the first have 3 elements but the columns of the second "
               "have 4");

    g = soma_graph_create();
    soma_convolution(zeros(g, SHAPE(N, 20, 9, 9)), zeros(g, SHAPE(8, 3, 3, 3)), (soma_window){.stride = {0, 0}}, 1);
    refused(g, "convolution (node 5): the input has 20 channels but the weights expect 3");

    g = soma_graph_create();
    soma_convolution(zeros(g, SHAPE(N, 4, 9, 9)), zeros(g, SHAPE(5, 2, 3, 3)), (soma_window){.stride = {0, 0}}, 2);
    refused(g, "convolution (node 5): 5 filters can't be split into 2 groups");

    g = soma_graph_create();
    soma_max_pool(zeros(g, SHAPE(N, 4, 2, 9)), (soma_window){.kernel = {3, 3}});
    refused(g, "max_pool (node 3): a window of 3x3 with dilation 1x1 does not fit into an input of 2x9 padded to 2x9");

    g = soma_graph_create();
    soma_reshape(zeros(g, SHAPE(N, 3, 4)), SHAPE(N, 11));
    refused(g, "reshape (node 3): [N, 3, 4] can't become [N, 11]: they differ in the number of elements");

    g = soma_graph_create();
    soma_expand(zeros(g, SHAPE(3)), SHAPE(N, 4));
    refused(g, "expand (node 3): [3] does not broadcast to [N, 4]");

    g = soma_graph_create();
    soma_slice(zeros(g, SHAPE(N, 4)), 0, 0, 1, 1);
    refused(g, "slice (node 3): axis 0 of [N, 4] is the batch, which can't be cut");

    g = soma_graph_create();
    soma_softmax(zeros(g, SHAPE(N, 4)), 2);
    refused(g, "softmax (node 3): axis 2 is outside the shape [N, 4]");

    g = soma_graph_create();
    soma_gather(zeros(g, SHAPE(4, 4)), zeros(g, SHAPE(2)), 0);
    refused(g, "gather (node 5): the indices hold float, expected int64");
}

static void an_unknown_activation_is_answered_with_the_nearest(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_activation("sigmoit", soma_scalar(g, 1));
    refused(g, "activation: there is no 'sigmoit'; is 'sigmoid' meant?");
    g = soma_graph_create();
    soma_activation("add", soma_scalar(g, 1));
    assert_int_equal(soma_graph_error(g)->code, SOMA_ERROR_ARGUMENT);
    soma_graph_destroy(g);
    g = soma_graph_create();
    double value;
    evaluate(soma_activation("leaky_relu", soma_scalar(g, -2)), NULL, 0, &value, 1);
    assert_true(value == -0.02);
    soma_graph_destroy(g);
}

static void the_first_mistake_stays_and_later_calls_pass_through(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create();
    soma_value x = zeros(g, SHAPE(N, 3)), bad = soma_concat((soma_value[]){x, zeros(g, SHAPE(N, 1, 1))}, 2, 1);
    assert_false(value_ok(bad));
    soma_value later = soma_sum(soma_softmax(soma_matmul(soma_relu(bad), x), -1)), d;
    assert_false(value_ok(later));
    assert_true(soma_gradient(later, &x, 1, &d) != 0);
    refused(g, "concat (node 5): input 2 of shape [N, 1, 1] and input 1 of shape [N, 3] do not match outside axis 1");
}

/* Sizes at the end of the number line, nothing where something is needed: every call must come back with an error. */
static void impossible_sizes_are_refused(void **state) {
    (void)state;
    const int64_t huge = INT64_MAX / 2;
    for (int k = 0; k < 33; k++) {
        soma_graph *g = soma_graph_create();
        soma_value x = zeros(g, SHAPE(N, 2, 6, 6)), w = zeros(g, SHAPE(2, 2, 3, 3)), y = zeros(g, SHAPE(N, 2, 4, 4));
        soma_value i = soma_constant_int64(g, SHAPE(2), (const int64_t[]){0, 1});
        assert_int_equal(soma_graph_error(g)->code, 0);
        switch (k) {
        case 0:
            soma_expand(x, SHAPE(huge, 2, 6, 6));
            break;
        case 1:
            soma_expand(soma_scalar(g, 1), SHAPE(huge, 4));
            break;
        case 2:
            soma_expand(soma_scalar(g, 1), SHAPE(N, N));
            break;
        case 3:
            soma_reshape(x, SHAPE(2, 36));
            break;
        case 4:
            soma_reshape(x, (soma_shape){.rank = 99});
            break;
        case 5:
            soma_reshape(x, (soma_shape){.rank = -1});
            break;
        case 6:
            soma_convolution(x, w, (soma_window){.stride = {-1, 1}}, 1);
            break;
        case 7:
            soma_convolution(x, w, (soma_window){.stride = {huge, 1}}, 1);
            break;
        case 8:
            soma_convolution(x, w, (soma_window){.dilation = {1, huge}}, 1);
            break;
        case 9:
            soma_convolution(x, w, (soma_window){.before = {-1, 0}}, 1);
            break;
        case 10:
            soma_convolution(x, w, (soma_window){.after = {0, huge}}, 1);
            break;
        case 11:
            soma_convolution(x, w, (soma_window){.stride = {1, 1}}, -1);
            break;
        case 12:
            soma_convolution(x, w, (soma_window){.kernel = {2, 3}}, 1);
            break;
        case 13:
            soma_convolution(x, i, (soma_window){.stride = {1, 1}}, 1);
            break;
        case 14:
            soma_convolution_backward_data(y, w, (soma_window){.stride = {1, 1}}, 1, 7, 6);
            break;
        case 15:
            soma_convolution_backward_data(y, w, (soma_window){.stride = {1, 1}}, 1, huge, huge);
            break;
        case 16:
            soma_convolution_backward_weights(x, y, (soma_window){.kernel = {3, 2}}, 1);
            break;
        case 17:
            soma_convolution_backward_weights(x, y, (soma_window){.stride = {1, 1}}, 1);
            break;
        case 18:
            soma_max_pool(x, (soma_window){.kernel = {0, 1}});
            break;
        case 19:
            soma_max_pool(x, (soma_window){.kernel = {2, 2}, .before = {2, 0}});
            break;
        case 20:
            soma_max_pool(x, (soma_window){.kernel = {2, 2}, .after = {0, 2}});
            break;
        case 21:
            soma_average_pool(x, (soma_window){.kernel = {huge, 1}});
            break;
        case 22:
            soma_pad(x, (int64_t[]){0, 0, huge, 0}, (int64_t[]){0, 0, huge, huge}, 0);
            break;
        case 23:
            soma_pad(x, (int64_t[]){0, 0, -1, 0}, (int64_t[]){0, 0, 0, 0}, 0);
            break;
        case 24:
            soma_one_hot(i, INT64_MAX);
            break;
        case 25:
            soma_scatter_add(x, i, 1, huge);
            break;
        case 26:
            soma_transpose(x, (const int[]){0, 1, 1, 2});
            break;
        case 27:
            soma_reduce_sum(x, SOMA_AXIS(4), false);
            break;
        case 28:
            soma_extent(x, SOMA_AXIS(9));
            break;
        case 29:
            soma_reshape(x, SHAPE(INT64_MIN));
            break;
        case 30:
            soma_expand(x, SHAPE(INT64_MIN, 2, 6, 6));
            break;
        case 31:
            soma_random_uniform(g, SHAPE(INT64_MIN));
            break;
        default:
            soma_slice(x, 1, 1, 0, 1);
            break;
        }
        if (soma_graph_error(g)->code == 0) fail_msg("case %d was not refused", k);
        soma_graph_destroy(g);
    }
}

static void values_of_different_graphs_or_of_none_are_refused(void **state) {
    (void)state;
    soma_graph *g = soma_graph_create(), *other = soma_graph_create();
    soma_add(soma_scalar(g, 1), soma_scalar(other, 1));
    refused(g, "add: input 2 belongs to another graph");
    soma_add(soma_scalar(other, 1), (soma_value){NULL, 0, 0});
    refused(other, "add: input 2 belongs to no graph");
    soma_relu((soma_value){NULL, 0, 0});
    soma_transpose((soma_value){NULL, 0, 0}, NULL);
    soma_flatten((soma_value){NULL, 0, 0});
    soma_concat(NULL, 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_that_do_not_fit_are_named),
        cmocka_unit_test(an_unknown_activation_is_answered_with_the_nearest),
        cmocka_unit_test(the_first_mistake_stays_and_later_calls_pass_through),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(values_of_different_graphs_or_of_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
