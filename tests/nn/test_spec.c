/* Networks as text: what is accepted and in what form it comes back, what is refused and in what words, heads, and the
 * graph that a text builds. */
#include "base/random.h"
#include "graph/graph.h"
#include "nn/spec.h"
#include "nn_check.h"

static void texts_come_back_in_canonical_form(void **state) {
    (void)state;
    const char *const cases[][2] = {
        {"dense 64 tanh, dropout 0.5, dense 10", NULL},
        {"conv 20 5x5 relu, maxpool 2, conv 50 5x5 relu, maxpool 2, dense 500 relu, dense 10", NULL},
        {"conv 16 3x3 p1 bn relu, residual(conv 16 3x3 p1 bn relu, conv 16 3x3 p1 bn), relu, avgpool global, dense 10",
         NULL},
        {"residual(dense 4 | dense 4 relu, dense 4), concat(dense 1 | dense 2 tanh | dense 3)", NULL},
        {"  dense\t64\nrelu ,dense 3  ", "dense 64 relu, dense 3"},
        {"residual ( dense 4|dense 4 )", "residual(dense 4 | dense 4)"},
        {"conv 8 3 g2 d2 p1 s2 bn gelu", "conv 8 3x3 s2 p1 d2 g2 bn gelu"},
        {"conv 8 3x5 same", NULL},
        {"maxpool 3x3 s2 ceil", "maxpool 3 s2 ceil"},
        {"avgpool 2x3 same s1", "avgpool 2x3 s1 same"},
        {"avgpool global bn sigmoid, flatten, bn, softmax", NULL},
        {"sigmoid, tanh, relu, leaky_relu, elu, gelu, silu, softplus, hard_sigmoid, softmax", NULL},
        {"dropout 0, dropout .25, dropout 0.999999", NULL},
        {"convt 8 2x2 s2 bn relu, convt 8 3x3 same, convt 8 4x3 s2 p1 d2 g4", NULL},
        {"upsample 2, lrn, ln, in, gn 4, conv 8 3x3 gn 2 relu6, dense 4 ln tanh, maxpool 2 in", NULL},
        {"concat(identity | maxpool 2, upsample 2 relu), flatten", NULL},
        {"conv2d0: conv 8 3x3 bn relu, mixed_3a:concat(a: dense 3|b:dense 4)",
         "conv2d0: conv 8 3x3 bn relu, mixed_3a: concat(a: dense 3 | b: dense 4)"},
        {"dense 1000000, conv 1000000 4096x4096 s4096 p4096 d4096 g4096", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        soma_error error = {0};
        spec *s = spec_parse(NULL, cases[i][0], &error);
        assert_no_error(&error);
        char *text = spec_text(s);
        assert_string_equal(text, cases[i][1] ? cases[i][1] : cases[i][0]);
        spec *again = spec_parse(NULL, text, &error);
        assert_no_error(&error);
        char *twice = spec_text(again);
        assert_string_equal(twice, text);
        mem_free(NULL, text);
        mem_free(NULL, twice);
        spec_destroy(s);
        spec_destroy(again);
    }
}

static void mistakes_are_told_with_their_place(void **state) {
    (void)state;
    const char *const cases[][2] = {
        {" ", "net: the text is empty; layers separated by commas are expected, such as 'dense 64 relu, dense 3'"},
        {"denes 8", "net: 'denes' at character 1 is not a layer; did you mean dense?"},
        {"dense 3, Relu", "net: 'Relu' at character 10 is not a layer; did you mean relu?"},
        {"zzz", "net: 'zzz' at character 1 is not a layer"},
        {"convt3 2x2", "net: 'convt3' at character 1 is not a layer; did you mean convt?"},
        {"upsample 0", "net: '0' at character 10 should be the factor of upsample, a whole number from 1 to 64"},
        {"conv 3 3x3 gn relu",
         "net: 'relu' at character 15 should be the groups of gn, a whole number from 1 to 1000000"},
        {"dense 3 ln bn", "net: 'bn' at character 12 needs a comma before it"},
        {"3a: dense 3", "net: '3a:' at character 1 should be a layer's name: a letter, then letters, digits and _, at "
                        "most 39 of them"},
        {": dense 3", "net: ':' at character 1 should be a layer's name: a letter, then letters, digits and _, at most "
                      "39 of them"},
        {"a:", "net: the end of the text, at character 3, stands where a layer is expected"},
        {"dense", "net: the end of the text, at character 6, should be the units of dense, a whole number from 1 to "
                  "1000000"},
        {"dense 0", "net: '0' at character 7 should be the units of dense, a whole number from 1 to 1000000"},
        {"dense 1000001",
         "net: '1000001' at character 7 should be the units of dense, a whole number from 1 to 1000000"},
        {"dense 18446744073709551617",
         "net: '18446744073709551617' at character 7 should be the units of dense, a whole number from 1 to 1000000"},
        {"dense(3)", "net: '(' at character 6 should be the units of dense, a whole number from 1 to 1000000"},
        {"dense 3 4", "net: '4' at character 9 is neither an option of dense nor an activation"},
        {"dense 64 rleu",
         "net: 'rleu' at character 10 is neither an option of dense nor an activation; did you mean relu?"},
        {"dense 64 relu dropout 0.5", "net: 'dropout' at character 15 needs a comma before it"},
        {"dense 3 relu bn", "net: 'bn' at character 14 needs a comma before it"},
        {"bn bn", "net: 'bn' at character 4 needs a comma before it"},
        {"relu tanh", "net: 'tanh' at character 6 needs a comma before it"},
        {"dense 64,", "net: the end of the text, at character 10, stands where a layer is expected"},
        {"dense 64,,dense 3", "net: ',' at character 10 stands where a layer is expected"},
        {"conv 20 5x",
         "net: '5x' at character 9 should be the size of conv such as 3x3, with whole numbers from 1 to 4096"},
        {"maxpool 5000",
         "net: '5000' at character 9 should be the size of maxpool such as 3x3, with whole numbers from 1 to 4096"},
        {"conv 20 3x3 s0", "net: 's0' at character 13 should be the stride, a whole number from 1 to 4096"},
        {"conv 20 3x3 p1 p1", "net: 'p1' at character 16 gives the padding a second time"},
        {"conv 20 3x3 p1 same", "net: 'same' at character 16 gives the padding a second time"},
        {"conv 20 3x3 ceil", "net: 'ceil' at character 13 is neither an option of conv nor an activation"},
        {"dense 3 s2", "net: 's2' at character 9 is neither an option of dense nor an activation"},
        {"conv 3 3x3, maxpool 3 p2", "net: 'maxpool' at character 13 has padding 2, more than half of its size"},
        {"avgpool global s2", "net: 'avgpool global' at character 1 takes no options"},
        {"dropout 1", "net: '1' at character 9 should be the probability of dropout, a number from 0 to less than 1"},
        {"dropout 0.5.5",
         "net: '0.5.5' at character 9 should be the probability of dropout, a number from 0 to less than 1"},
        {"dropout 1e-1",
         "net: '1e-1' at character 9 should be the probability of dropout, a number from 0 to less than 1"},
        {"dropout .", "net: '.' at character 9 should be the probability of dropout, a number from 0 to less than 1"},
        {"residual dense 3", "net: 'dense' at character 10 should be the ( of residual(...)"},
        {"residual()", "net: ')' at character 10 stands where a layer is expected"},
        {"residual(dense 3", "net: the end of the text, at character 17, should be the ) or | of residual"},
        {"residual(dense 3 | dense 3 | dense 3)", "net: '(' at character 9 opens a residual of more than two branches"},
        {"dense 3)", "net: ')' at character 8 has no ( that it belongs to"},
        {"dense 3 | dense 4", "net: '|' at character 9 has no ( that it belongs to"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        soma_error error = {0};
        assert_null(spec_parse(NULL, cases[i][0], &error));
        assert_int_equal(error.code, SOMA_ERROR_ARGUMENT);
        assert_string_equal(error.message, cases[i][1]);
    }
}

static void strangers_texts_are_limited(void **state) {
    (void)state;
    static char text[200000];
    soma_error error = {0};
    memset(text, 'x', sizeof text - 1);
    assert_null(spec_parse(NULL, text, &error));
    assert_string_equal(error.message, "net: the text is longer than 65536 characters");
    text[100] = 0;
    error = (soma_error){0};
    assert_null(spec_parse(NULL, text, &error));
    assert_string_equal(error.message, "net: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' at character 1 is not a layer");
    *text = 0;
    for (int i = 0; i < 17; i++) strcat(text, "residual(");
    strcat(text, "bn");
    error = (soma_error){0};
    assert_null(spec_parse(NULL, text, &error));
    assert_string_equal(error.message, "net: 'residual' at character 145 is nested deeper than 16 levels");
    for (int i = 0; i < 4097; i++) memcpy(text + 4 * i, "bn, ", 4);
    text[4 * 4097 - 2] = 0;
    error = (soma_error){0};
    assert_null(spec_parse(NULL, text, &error));
    assert_string_equal(error.message, "net: 'bn' at character 16385 is one layer more than the 4096 allowed");
    error = (soma_error){0};
    assert_null(spec_parse(NULL, "dense 3, \x01плотныйслойнейроннойсети", &error));
    assert_string_equal(error.message, "net: '?плотныйслойнейр...' at character 10 is not a layer");
}

/* Texts damaged at random: each is a network that survives a round trip, or one sentence. */
static void damaged_texts_are_read_or_refused(void **state) {
    (void)state;
    static const char alphabet[] = " ,()|0123456789x.spdgbnconvdenserelu\t\xd0\x01";
    static const char *const seeds[] = {
        "conv 16 3x3 p1 bn relu, residual(conv 16 3x3 s2 bn | conv 16 1x1 s2) relu, avgpool global, dense 10 softmax",
        "dense 64 tanh, dropout 0.5, concat(dense 3 | dense 4 elu | bn), maxpool 3 s2 p1 ceil, flatten"};
    random_stream r = random_open(11, 0);
    int accepted = 0, refused = 0;
    for (int round = 0; round < 20000; round++) {
        char text[160];
        soma_error error = {0};
        size_t length = (size_t)snprintf(text, sizeof text, "%s", seeds[round % 2]);
        for (uint64_t edits = 1 + random_below(&r, 4); edits; edits--) {
            size_t at = (size_t)random_below(&r, length);
            if (random_below(&r, 3))
                text[at] = alphabet[random_below(&r, sizeof alphabet - 1)];
            else
                memmove(text + at, text + at + 1, length-- - at);
        }
        spec *s = spec_parse(NULL, text, &error);
        if (s) {
            char *once = spec_text(s);
            spec *again = spec_parse(NULL, once, &error);
            assert_no_error(&error);
            char *twice = spec_text(again);
            assert_string_equal(once, twice);
            mem_free(NULL, once);
            mem_free(NULL, twice);
            spec_destroy(again);
            accepted++;
        } else {
            assert_int_equal(error.code, SOMA_ERROR_ARGUMENT);
            assert_memory_equal(error.message, "net: ", 5);
            refused++;
        }
        spec_destroy(s);
    }
    assert_true(accepted > 100 && refused > 1000);
}

/* ---- Heads ----------------------------------------------------------------------------------------------------------
 */

static void heads_are_found_or_appended(void **state) {
    (void)state;
    const struct {
        const char *text;
        bool classify;
        int64_t outputs;
        const char *result;
        spec_output output;
        bool appended;
    } cases[] = {
        {"dense 8 relu, dense 3", true, 3, "dense 8 relu, dense 3 softmax", SPEC_SOFTMAX, false},
        {"dense 8 relu, dense 3 softmax", true, 3, "dense 8 relu, dense 3 softmax", SPEC_SOFTMAX, false},
        {"dense 8 relu, dense 3, softmax", true, 3, "dense 8 relu, dense 3, softmax", SPEC_SOFTMAX, false},
        {"dense 64 relu", true, 3, "dense 64 relu, dense 3 softmax", SPEC_SOFTMAX, true},
        {"dense 3 relu", true, 3, "dense 3 relu, dense 3 softmax", SPEC_SOFTMAX, true},
        {"dense 64 relu, dropout 0.5", true, 3, "dense 64 relu, dropout 0.5, dense 3 softmax", SPEC_SOFTMAX, true},
        {"conv 4 3x3 relu, avgpool global", true, 10, "conv 4 3x3 relu, avgpool global, dense 10 softmax", SPEC_SOFTMAX,
         true},
        {"dense 8 tanh", true, 2, "dense 8 tanh, dense 1 sigmoid", SPEC_SIGMOID, true},
        {"dense 1", true, 2, "dense 1 sigmoid", SPEC_SIGMOID, false},
        {"dense 1 sigmoid", true, 2, "dense 1 sigmoid", SPEC_SIGMOID, false},
        {"dense 2", true, 2, "dense 2 softmax", SPEC_SOFTMAX, false},
        {"dense 2 softmax", true, 2, "dense 2 softmax", SPEC_SOFTMAX, false},
        {"dense 2 sigmoid", true, 2, "dense 2 sigmoid, dense 1 sigmoid", SPEC_SIGMOID, true},
        {"dense 8 relu, dense 1", false, 1, "dense 8 relu, dense 1", SPEC_LINEAR, false},
        {"dense 8 relu", false, 1, "dense 8 relu, dense 1", SPEC_LINEAR, true},
        {"dense 1 sigmoid", false, 1, "dense 1 sigmoid, dense 1", SPEC_LINEAR, true},
        {"dense 3 bn", true, 3, "dense 3 bn, dense 3 softmax", SPEC_SOFTMAX, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        soma_error error = {0};
        spec_head head;
        spec *s = spec_parse(NULL, cases[i].text, &error);
        spec_resolve_head(s, cases[i].classify, cases[i].outputs, &head, &error);
        assert_no_error(&error);
        char *text = spec_text(s);
        assert_string_equal(text, cases[i].result);
        assert_int_equal(head.output, cases[i].output);
        assert_int_equal(head.appended, cases[i].appended);
        assert_int_equal(head.outputs, cases[i].outputs);
        /* The head as its text says it: the end of the result. */
        if (!strstr(cases[i].text, ", softmax"))
            assert_string_equal(text + strlen(text) - strlen(head.text), head.text);
        mem_free(NULL, text);
        spec_destroy(s);
    }
}

static void a_last_dense_of_another_width_is_refused(void **state) {
    (void)state;
    const struct {
        const char *text;
        bool classify;
        int64_t outputs;
        const char *sentence;
    } cases[] = {
        {"dense 8 relu, dense 7", true, 3,
         "net: the last layer 'dense 7' gives 7 outputs but the task has 3 classes; make it 'dense 3', or give it an "
         "activation to have the output layer added"},
        {"dense 3", true, 2,
         "net: the last layer 'dense 3' gives 3 outputs but the task has 2 classes; make it 'dense 1', or give it an "
         "activation to have the output layer added"},
        {"dense 2", false, 1,
         "net: the last layer 'dense 2' gives 2 outputs but the task has 1 number to predict; make it 'dense 1', or "
         "give it an activation to have the output layer added"},
        {"dense 8 relu", true, 1, "net: there are 1 classes, at least 2 needed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        soma_error error = {0};
        spec_head head;
        spec *s = spec_parse(NULL, cases[i].text, &error);
        assert_int_equal(spec_resolve_head(s, cases[i].classify, cases[i].outputs, &head, &error), SOMA_ERROR_ARGUMENT);
        assert_string_equal(error.message, cases[i].sentence);
        spec_destroy(s);
    }
}

static void a_text_tells_its_outputs_and_its_meaning(void **state) {
    (void)state;
    const struct {
        const char *text;
        int64_t classes, numbers;
        spec_output meaning;
        bool hidden;
    } cases[] = {
        {"dense 3", 3, 3, SPEC_SOFTMAX, false},
        {"dense 8 relu, dense 1", 2, 1, SPEC_LINEAR, true},
        {"dense 1 sigmoid", 2, 0, SPEC_SIGMOID, false},
        {"dense 2 softmax", 2, 0, SPEC_SOFTMAX, false},
        {"dense 8 relu", 0, 0, SPEC_SOFTMAX, false},
        {"conv 8 3x3, avgpool global, softmax", 0, 0, SPEC_SOFTMAX, false},
        {"residual(dense 4 relu, dense 4)", 0, 0, SPEC_SOFTMAX, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        soma_error error = {0};
        spec *s = spec_parse(NULL, cases[i].text, &error);
        assert_int_equal(spec_given_outputs(s, true), cases[i].classes);
        assert_int_equal(spec_given_outputs(s, false), cases[i].numbers);
        assert_int_equal(spec_meaning(s), cases[i].meaning);
        assert_int_equal(spec_has_hidden(s), cases[i].hidden);
        spec_destroy(s);
    }
}

/* ---- Building -------------------------------------------------------------------------------------------------------
 */

static soma_graph *build(const char *text, soma_shape input, const spec_options *options, soma_value *output) {
    soma_error error = {0};
    spec *s = spec_parse(NULL, text, &error);
    assert_no_error(&error);
    soma_graph *g = soma_graph_create();
    *output = spec_build(s, soma_input(g, "x", input), options);
    spec_destroy(s);
    return g;
}

static void a_name_before_a_colon_names_variables_and_values(void **state) {
    (void)state;
    const char *const names[] = {"conv2d0.weight", "conv2d0.bias", "conv2d1.weight", "conv2d3.bias", "conv2d4.weight"};
    soma_value y;
    soma_graph *g = build("conv2d0: conv 2 3x3, conv2d2: conv 2 3x3 relu, conv2d3: conv 2 1x1, conv 2 1x1, conv 2 1x1, "
                          "mixed: concat(identity | a: conv 3 1x1 relu), pool: maxpool 2, act: relu",
                          soma_shape4(SOMA_BATCH, 1, 9, 9), NULL, &y);
    assert_int_equal(soma_graph_error(g)->code, SOMA_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(value_ok(graph_find(g, &op_variable, names[i])));
    assert_string_equal(value_node(y)->name, "act");
    assert_true(value_ok(graph_find(g, &op_concat, "mixed")));
    assert_true(value_ok(graph_find(g, &op_max_pool, "pool")));
    soma_graph_destroy(g);
    g = build("a: dense 3, a: dense 3", soma_shape2(SOMA_BATCH, 4), NULL, &y);
    assert_string_equal(soma_graph_error(g)->message,
                        "net: 'dense' at character 16: another layer or input is called 'a'");
    soma_graph_destroy(g);
}

static void weights_start_as_their_activation_wants(void **state) {
    (void)state;
    const struct {
        const char *text;
        soma_init_kind kinds[4]; /* of dense1.weight, dense2.weight, … */
        int count;
    } cases[] = {
        {"dense 4 relu, dense 4 tanh, dense 3", {SOMA_INIT_HE, SOMA_INIT_XAVIER_UNIFORM, SOMA_INIT_XAVIER_UNIFORM}, 3},
        {"dense 4, dropout 0.5, relu, dense 4 bn gelu", {SOMA_INIT_HE, SOMA_INIT_HE}, 2},
        {"dense 4 leaky_relu, dense 4 elu, dense 4 silu, dense 4 softplus",
         {SOMA_INIT_HE, SOMA_INIT_HE, SOMA_INIT_HE, SOMA_INIT_HE},
         4},
        {"dense 4 relu6, dense 4", {SOMA_INIT_HE, SOMA_INIT_XAVIER_UNIFORM}, 2},
        {"dense 4 sigmoid, dense 4 hard_sigmoid, dense 4 softmax",
         {SOMA_INIT_XAVIER_UNIFORM, SOMA_INIT_XAVIER_UNIFORM, SOMA_INIT_XAVIER_UNIFORM},
         3},
        {"dense 4, residual(dense 4 tanh, dense 4), relu, dense 4",
         {SOMA_INIT_XAVIER_UNIFORM, SOMA_INIT_XAVIER_UNIFORM, SOMA_INIT_HE, SOMA_INIT_XAVIER_UNIFORM},
         4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int given = 0; given < 2; given++) {
            soma_value y;
            spec_options o = {.init_given = given, .init = {.kind = SOMA_INIT_ORTHOGONAL}};
            soma_graph *g = build(cases[i].text, soma_shape2(SOMA_BATCH, 4), &o, &y);
            for (int k = 0; k < cases[i].count; k++) {
                char name[32];
                snprintf(name, sizeof name, "dense%d.weight", k + 1);
                const node *n = value_node(graph_find(g, &op_variable, name));
                soma_init_kind kind = ((const variable_attributes *)n->attributes)->init.kind;
                assert_int_equal(kind, given ? SOMA_INIT_ORTHOGONAL : cases[i].kinds[k]);
            }
            soma_graph_destroy(g);
        }
}

static void a_layer_before_bn_has_no_bias(void **state) {
    (void)state;
    soma_value y;
    soma_graph *g = build("conv 4 3x3 bn relu, conv 4 3x3 relu, bn, dense 5, bn, dense 3",
                          soma_shape4(SOMA_BATCH, 1, 8, 8), NULL, &y);
    assert_false(graph_find(g, &op_variable, "conv2d1.bias").node != 0);
    assert_true(graph_find(g, &op_variable, "conv2d2.bias").node != 0);
    assert_false(graph_find(g, &op_variable, "dense1.bias").node != 0);
    assert_true(graph_find(g, &op_variable, "dense2.bias").node != 0);
    assert_true(graph_find(g, &op_variable, "bn3.running_var").node != 0);
    soma_graph_destroy(g);
}

static void layers_have_the_shapes_of_their_options(void **state) {
    (void)state;
    const struct {
        const char *text;
        int64_t dims[3]; /* of one sample, from [3, 11, 14] */
        int rank;
    } cases[] = {
        {"conv 5 3x3", {5, 9, 12}, 3},
        {"conv 5 3x2 s2 p1", {5, 6, 8}, 3},
        {"conv 5 3x3 same s2", {5, 6, 7}, 3},
        {"conv 6 3x3 d2 g3", {6, 7, 10}, 3},
        {"maxpool 2", {3, 5, 7}, 3},
        {"maxpool 2 ceil", {3, 6, 7}, 3},
        {"maxpool 3 s2 p1", {3, 6, 7}, 3},
        {"avgpool 4 s1 same", {3, 11, 14}, 3},
        {"avgpool global", {3, 1, 1}, 3},
        {"avgpool global, flatten", {3}, 1},
        {"flatten, relu", {462}, 1},
        {"dense 7", {7}, 1},
        {"dropout 0.5, bn, tanh, softmax", {3, 11, 14}, 3},
        {"residual(conv 3 3x3 p1)", {3, 11, 14}, 3},
        {"residual(conv 5 3x3 p1 s2 | conv 5 1x1 s2)", {5, 6, 7}, 3},
        {"concat(conv 5 3x3 p1 | conv 2 1x1 | maxpool 3 s1 p1)", {10, 11, 14}, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        soma_value y;
        soma_graph *g = build(cases[i].text, soma_shape4(SOMA_BATCH, 3, 11, 14), NULL, &y);
        assert_no_error(soma_graph_error(g));
        soma_shape s = soma_value_shape(y);
        assert_int_equal(s.rank, cases[i].rank + 1);
        for (int d = 0; d < cases[i].rank; d++) assert_int_equal(s.dims[d + 1], cases[i].dims[d]);
        soma_graph_destroy(g);
    }
}

static void a_residual_adds_and_a_concat_joins(void **state) {
    (void)state;
    const double x[4] = {1, -2, 3, -4};
    double out[8];
    soma_value y;
    soma_graph *g = build("residual(relu)", soma_shape2(SOMA_BATCH, 4), NULL, &y);
    evaluate(y, &(feed){graph_find(g, &op_input, "x"), x, 1}, 1, NULL, out, 4);
    assert_near(out[0] + out[2], 8, 0);
    assert_near(out[1] + out[3], -6, 0);
    soma_graph_destroy(g);
    g = build("concat(relu | residual(relu | tanh))", soma_shape2(SOMA_BATCH, 4), NULL, &y);
    evaluate(y, &(feed){graph_find(g, &op_input, "x"), x, 1}, 1, NULL, out, 8);
    assert_near(out[2], 3, 0);
    assert_near(out[5], tanh(-2), 1e-15);
    assert_near(out[6], 3 + tanh(3), 1e-15);
    soma_graph_destroy(g);
}

static void a_layer_that_does_not_fit_is_told_with_its_place(void **state) {
    (void)state;
    const struct {
        const char *text, *sentence;
    } cases[] = {
        {"dense 5, conv 2 3x3",
         "net: 'conv' at character 10: conv2d 'conv2d1': the input has shape [N, 5], expected [N, C, H, W]"},
        {"residual(conv 4 3x3 p1)",
         "net: 'residual' at character 1: its branch gives [N, 4, 6, 6] but its shortcut [N, 3, 6, 6]"},
        {"residual(relu, conv 4 3x3 g2)",
         "net: 'conv' at character 16: conv2d 'conv2d1': 2 groups do not divide both the input's 3 channels and the 4 "
         "filters"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        soma_value y;
        soma_graph *g = build(cases[i].text, soma_shape4(SOMA_BATCH, 3, 6, 6), NULL, &y);
        assert_string_equal(soma_graph_error(g)->message, cases[i].sentence);
        soma_graph_destroy(g);
    }
    soma_value y;
    soma_graph *g = build("maxpool 2, maxpool 5", soma_shape4(SOMA_BATCH, 3, 6, 6), NULL, &y);
    const char *message = soma_graph_error(g)->message;
    assert_memory_equal(message, "net: 'maxpool' at character 12: ", 32);
    soma_graph_destroy(g);
}

static void losses_follow_the_last_layer(void **state) {
    (void)state;
    const char *const texts[] = {"dense 1", "dense 1 sigmoid", "dense 3", "dense 3 softmax"};
    const double x[2] = {0.5, -1}, number = 0.25;
    const int64_t class = 2;
    for (int i = 0; i < 4; i++) {
        soma_error error = {0};
        double z[3] = {0}, loss, expected;
        spec *s = spec_parse(NULL, texts[i], &error);
        soma_graph *g = soma_graph_create();
        soma_value in = soma_input(g, "x", soma_shape2(SOMA_BATCH, 2)), target;
        soma_value y = spec_build(s, in, NULL), l = spec_loss(s, y, NULL, "t", &target);
        soma_value plain = i % 2 ? graph_value(g, value_node(y)->inputs[0]) : y; /* before the activation */
        feed feeds[2] = {{in, x, 1}, {target, i < 2 ? (const void *)&number : (const void *)&class, 1}};
        evaluate(plain, feeds, 1, NULL, z, i < 2 ? 1 : 3);
        evaluate(l, feeds, 2, NULL, &loss, 1);
        double p = 1 / (1 + exp(-z[0]));
        if (i == 0)
            expected = (z[0] - 0.25) * (z[0] - 0.25);
        else if (i == 1)
            expected = -(0.25 * log(p) + 0.75 * log(1 - p));
        else
            expected = log(exp(z[0]) + exp(z[1]) + exp(z[2])) - z[2];
        assert_near(loss, expected, 1e-12);
        soma_graph_destroy(g);
        spec_destroy(s);
    }
}

static void a_listing_gives_shapes_parameters_and_work(void **state) {
    (void)state;
    const struct {
        const char *text;
        int depth;
        int64_t channels, parameters;
        double flops;
    } expected[] = {
        {"conv 8 3x3 p1 bn relu", 0, 8, 72 * 3 + 16, 2.0 * 27 * 8 * 36},
        {"residual relu", 0, 8, 0, 0},
        {"conv 8 3x3 p1 tanh", 1, 8, 72 * 8 + 8, 2.0 * 72 * 8 * 36},
        {"avgpool global", 0, 8, 0, 0},
        {"dense 10", 0, 10, 90, 160},
    };
    soma_error error = {0};
    spec *s =
        spec_parse(NULL, "conv 8 3x3 p1 bn relu, residual(conv 8 3x3 p1 tanh) relu, avgpool global, dense 10", &error);
    spec_row *rows;
    size_t count;
    assert_int_equal(spec_describe(s, soma_shape3(3, 6, 6), &rows, &count, &error), SOMA_OK);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(rows[i].text, expected[i].text);
        assert_int_equal(rows[i].depth, expected[i].depth);
        assert_int_equal(rows[i].output.dims[0], SOMA_BATCH);
        assert_int_equal(rows[i].output.dims[1], expected[i].channels);
        assert_int_equal(rows[i].parameters, expected[i].parameters);
        assert_near(rows[i].flops, expected[i].flops, 0);
    }
    /* What convolution and product read, and the window; the residual has neither. */
    assert_int_equal(rows[0].input.dims[1], 3);
    assert_int_equal(rows[0].window.kernel[0], 3);
    assert_int_equal(rows[0].window.before[1], 1);
    assert_int_equal(rows[1].input.rank, 0);
    assert_int_equal(rows[1].window.kernel[0], 0);
    assert_int_equal(rows[2].input.dims[1], 8);
    assert_int_equal(rows[4].input.dims[1], 8);
    assert_int_equal(rows[4].window.kernel[0], 0);
    mem_free(NULL, rows);
    assert_int_equal(spec_describe(s, soma_shape1(30), &rows, &count, &error), SOMA_ERROR_ARGUMENT);
    assert_null(rows);
    spec_destroy(s);
}

/* ---- Memory ---------------------------------------------------------------------------------------------------------
 */

typedef struct meter {
    int left, live; /* allocations until one fails; allocations not released */
} meter;

static void *metered(void *user, size_t size) {
    meter *m = user;
    if (m->left-- <= 0) return NULL;
    void *memory = test_malloc(size + 64);
    uintptr_t aligned = ((uintptr_t)memory + 64) & ~(uintptr_t)63;
    ((void **)aligned)[-1] = memory;
    m->live++;
    return (void *)aligned;
}

static void release(void *user, void *memory) {
    meter *m = user;
    m->live--;
    test_free(((void **)memory)[-1]);
}

static void every_failed_allocation_is_told_and_nothing_leaks(void **state) {
    (void)state;
    int failures = 0;
    for (int limit = 0;; limit++) {
        meter m = {limit, 0};
        soma_error error = {0};
        spec_head head;
        spec_row *rows = NULL;
        size_t count;
        soma_context *context =
            soma_context_create((soma_context_options){.allocate = metered, .release = release, .user = &m}, &error);
        spec *s =
            spec_parse(context, "conv 4 3x3 bn relu, residual(conv 4 3x3 p1 relu | bn), concat(bn | tanh)", &error);
        if (s) spec_resolve_head(s, true, 3, &head, &error);
        char *text = s && !error.code ? spec_text(s) : NULL;
        if (s && !error.code) spec_describe(s, soma_shape3(1, 6, 6), &rows, &count, &error);
        bool complete = text && rows && !error.code;
        if (!complete && text) assert_int_equal(error.code, SOMA_ERROR_MEMORY);
        mem_free(context, text);
        mem_free(context, rows);
        spec_destroy(s);
        soma_context_destroy(context);
        assert_int_equal(m.live, 0);
        failures += !complete;
        if (complete) break;
    }
    assert_true(failures > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back_in_canonical_form),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(strangers_texts_are_limited),
        cmocka_unit_test(damaged_texts_are_read_or_refused),
        cmocka_unit_test(heads_are_found_or_appended),
        cmocka_unit_test(a_last_dense_of_another_width_is_refused),
        cmocka_unit_test(a_text_tells_its_outputs_and_its_meaning),
        cmocka_unit_test(a_name_before_a_colon_names_variables_and_values),
        cmocka_unit_test(weights_start_as_their_activation_wants),
        cmocka_unit_test(a_layer_before_bn_has_no_bias),
        cmocka_unit_test(layers_have_the_shapes_of_their_options),
        cmocka_unit_test(a_residual_adds_and_a_concat_joins),
        cmocka_unit_test(a_layer_that_does_not_fit_is_told_with_its_place),
        cmocka_unit_test(losses_follow_the_last_layer),
        cmocka_unit_test(a_listing_gives_shapes_parameters_and_work),
        cmocka_unit_test(every_failed_allocation_is_told_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
