/* Files that are cut, changed or made to mislead: each must be refused by one sentence, or read as what it still says,
 * without a crash, a wild allocation or a look outside the model's folder. Messages are built by a protobuf writer of a
 * few lines, so that they can say what no exporter would. */
#include "base/base.h"
#include "format/file.h"
#include "format/onnx.h"
#include "format/onnx_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka needs the three above first */
#include <cmocka.h>

/* ---- A protobuf writer ------------------------------------------------------------------------------------------- */

enum { ROOM = 8192 };

typedef struct message {
    size_t size;
    unsigned char bytes[ROOM];
} message;

static void put_varint(message *m, uint64_t v) {
    for (; v >= 128; v >>= 7) m->bytes[m->size++] = (unsigned char)(v | 128);
    m->bytes[m->size++] = (unsigned char)v;
}

static void put_int(message *m, unsigned field, int64_t v) {
    put_varint(m, field << 3);
    put_varint(m, (uint64_t)v);
}

static void put_bytes(message *m, unsigned field, const void *bytes, size_t size) {
    put_varint(m, field << 3 | 2);
    put_varint(m, size);
    assert_true(m->size + size < ROOM);
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
}

static void put_text(message *m, unsigned field, const char *text) { put_bytes(m, field, text, strlen(text)); }
static void put_message(message *m, unsigned field, const message *inner) {
    put_bytes(m, field, inner->bytes, inner->size);
}

static void put_node(message *graph, const char *op, const char *in1, const char *in2, const char *out) {
    message n = {0};
    put_text(&n, 1, in1);
    if (in2) put_text(&n, 1, in2);
    put_text(&n, 2, out);
    put_text(&n, 3, "the node");
    put_text(&n, 4, op);
    put_message(graph, 1, &n);
}

/* A graph's input (11) or output (12) of floats; a dimension of -1 is "N". */
static void put_value(message *graph, unsigned field, const char *name, int rank, const int64_t *dims) {
    message shape = {0}, tensor = {0}, type = {0}, value = {0};
    for (int i = 0; i < rank; i++) {
        message dim = {0};
        if (dims[i] < 0)
            put_text(&dim, 2, "N");
        else
            put_int(&dim, 1, dims[i]);
        put_message(&shape, 1, &dim);
    }
    put_int(&tensor, 1, 1);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(graph, field, &value);
}

static message tensor_of(const char *name, int rank, const int64_t *dims, const void *raw, size_t size) {
    message t = {0};
    for (int i = 0; i < rank; i++) put_int(&t, 1, dims[i]);
    put_int(&t, 2, 1);
    put_text(&t, 8, name);
    if (raw) put_bytes(&t, 9, raw, size);
    return t;
}

static message model_of(const message *graph, int64_t opset) {
    message model = {0}, set = {0};
    put_int(&model, 1, 8);
    put_message(&model, 7, graph);
    put_int(&set, 2, opset);
    put_message(&model, 8, &set);
    return model;
}

static const int64_t two[1] = {2}, rows[2] = {-1, 2};
static const float numbers[2] = {1, 2};

/* y = x + w, with whatever else the graph holds before. */
static void finish(message *graph) {
    message w = tensor_of("w", 1, two, numbers, sizeof numbers);
    put_value(graph, 11, "x", 2, rows);
    put_message(graph, 5, &w);
    put_node(graph, "Add", "x", "w", "y");
    put_value(graph, 12, "y", 2, rows);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* The code; the model is thrown away. */
static int read_code(const void *bytes, size_t size, soma_error *error) {
    soma_error own = {0};
    soma_store *store = soma_store_create((soma_store_options){0}, &own);
    assert_non_null(store);
    memset(error, 0, sizeof *error);
    /* In memory of its own, so that a sanitizer sees a step outside. */
    unsigned char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    onnx_model *model = onnx_read_memory(copy, size, "bad.onnx", NULL, store, error);
    free(copy);
    if (!model) {
        assert_int_not_equal(error->code, SOMA_OK);
        assert_true(strlen(error->message) > 10);
    } else {
        assert_int_equal(error->code, SOMA_OK);
    }
    onnx_model_destroy(model);
    soma_store_destroy(store);
    return error->code;
}

static void refused(const message *m, const char *word) {
    soma_error error;
    if (!read_code(m->bytes, m->size, &error)) fail_msg("a model was read, expected a sentence with '%s'", word);
    if (!strstr(error.message, word)) fail_msg("'%s' does not say '%s'", error.message, word);
}

static void refused_graph(const message *graph, const char *word) {
    message model = model_of(graph, 17);
    refused(&model, word);
}

static message good_model(void) {
    message graph = {0};
    finish(&graph);
    return model_of(&graph, 17);
}

static void the_model_that_the_others_spoil_is_good(void **state) {
    (void)state;
    soma_error error;
    message m = good_model();
    if (read_code(m.bytes, m.size, &error)) fail_msg("%s", error.message);
}

static void a_model_cut_at_any_byte_is_refused_or_read(void **state) {
    (void)state;
    soma_error error;
    message m = good_model();
    size_t refusals = 0;
    for (size_t size = 0; size < m.size; size++) refusals += read_code(m.bytes, size, &error) != SOMA_OK;
    assert_true(refusals >= m.size - 8); /* only the opset at the end can be missed while the rest is whole */
}

static void a_model_with_any_byte_changed_is_refused_or_read(void **state) {
    (void)state;
    soma_error error;
    for (size_t i = 0; i < good_model().size; i++)
        for (unsigned change = 1; change < 256; change += 7) {
            message m = good_model();
            m.bytes[i] = (unsigned char)(m.bytes[i] ^ change);
            read_code(m.bytes, m.size, &error);
        }
}

static void fields_of_another_wire_type_are_refused_or_skipped(void **state) {
    (void)state;
    soma_error error;
    for (unsigned field = 1; field < 27; field++)
        for (unsigned wire = 0; wire < 8; wire++) {
            message whole = good_model(), graph = {0}, node = {0};
            put_varint(&whole, field << 3 | wire);
            put_varint(&whole, 1);
            read_code(whole.bytes, whole.size, &error);
            finish(&graph);
            put_varint(&graph, field << 3 | wire);
            put_varint(&graph, 1);
            message model = model_of(&graph, 17);
            read_code(model.bytes, model.size, &error);
            graph = (message){0};
            finish(&graph);
            put_text(&node, 4, "Relu");
            put_varint(&node, field << 3 | wire);
            put_varint(&node, 1);
            put_message(&graph, field % 2 ? 1 : 5, &node);
            model = model_of(&graph, 17);
            read_code(model.bytes, model.size, &error);
        }
    message both = good_model(), graph = {0};
    finish(&graph);
    put_message(&both, 7, &graph);
    refused(&both, "two graphs");
}

static void dimensions_that_do_not_fit_the_data_are_refused_before_memory_is_taken(void **state) {
    (void)state;
    const int64_t shapes[][3] = {{INT64_MAX, 2, 1}, {1LL << 32, 1LL << 32, 1}, {1LL << 40, 1, 1}, {3, 1, 1}, {-2, 1, 1},
                                 {0, 5, 7}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        message graph = {0}, t = tensor_of("v", 3, shapes[i], numbers, sizeof numbers);
        put_message(&graph, 5, &t);
        finish(&graph);
        refused_graph(&graph, "'v'");
    }
    const int64_t many[9] = {1, 1, 1, 1, 1, 1, 1, 1, 2};
    message graph = {0}, t = tensor_of("v", 9, many, numbers, sizeof numbers);
    put_message(&graph, 5, &t);
    finish(&graph);
    refused_graph(&graph, "'v'");
}

static void huge_inputs_are_refused_by_a_sentence(void **state) {
    (void)state;
    const int64_t huge[3] = {-1, 1LL << 40, 1LL << 40};
    message graph = {0};
    put_value(&graph, 11, "big", 3, huge);
    finish(&graph);
    refused_graph(&graph, "big");
}

static void two_open_dimensions_are_refused(void **state) {
    (void)state;
    const int64_t open[2] = {-1, -1};
    message graph = {0};
    put_value(&graph, 11, "free", 2, open);
    finish(&graph);
    refused_graph(&graph, "open dimensions");
}

static void nesting_is_no_danger(void **state) {
    (void)state;
    /* A graph in an attribute of a node, over and over: 1,000 levels. */
    message inner = {0};
    for (int level = 0; level < 1000; level++) {
        message graph = {0};
        if (inner.size > ROOM / 2 - 64) break;
        put_message(&graph, 6, &inner);
        inner = graph;
    }
    message node = {0}, graph = {0};
    put_text(&node, 1, "x");
    put_text(&node, 2, "z");
    put_text(&node, 4, "If");
    put_message(&node, 5, &inner);
    finish(&graph);
    put_message(&graph, 1, &node);
    refused_graph(&graph, "(If): the operator is not supported");
}

static void cycles_and_values_that_nothing_computes_are_refused(void **state) {
    (void)state;
    message graph = {0}, later = {0};
    put_node(&graph, "Add", "b", "x", "a");
    put_node(&graph, "Add", "a", "x", "b");
    finish(&graph);
    refused_graph(&graph, "'b'");
    put_node(&later, "Relu", "ghost", NULL, "v");
    finish(&later);
    refused_graph(&later, "'ghost'");
    message missing = {0};
    finish(&missing);
    put_value(&missing, 12, "nowhere", 2, rows);
    refused_graph(&missing, "'nowhere'");
}

static void equal_names_are_refused(void **state) {
    (void)state;
    message graph = {0};
    put_node(&graph, "Relu", "x", NULL, "y");
    finish(&graph);
    refused_graph(&graph, "two values have the name 'y'");
}

static void an_unknown_operator_is_named_with_its_node(void **state) {
    (void)state;
    message graph = {0};
    finish(&graph);
    put_node(&graph, "Teleport", "x", NULL, "z");
    refused_graph(&graph, "node 2 'the node' (Teleport): the operator is not supported");
}

static void an_operator_without_its_inputs_is_refused(void **state) {
    (void)state;
    const char *ops[] = {"Conv",      "Gemm",          "MatMul", "Reshape", "BatchNormalization",
                         "Where",     "Slice",         "Concat", "Gather",  "Expand",
                         "Tile",      "Split",         "OneHot", "Range",   "PRelu",
                         "Unsqueeze", "ConvTranspose", "Resize"};
    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        message graph = {0}, node = {0};
        finish(&graph);
        put_text(&node, 2, "z");
        put_text(&node, 4, ops[i]);
        put_message(&graph, 1, &node);
        refused_graph(&graph, ops[i]);
    }
}

static void an_operator_without_outputs_is_no_danger(void **state) {
    (void)state;
    const char *ops[] = {"Split", "Relu", "Constant", "Dropout", "MaxPool", "Shape"};
    soma_error error;
    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        message graph = {0}, node = {0};
        finish(&graph);
        put_text(&node, 1, "w");
        put_text(&node, 4, ops[i]);
        put_message(&graph, 1, &node);
        message model = model_of(&graph, 17);
        read_code(model.bytes, model.size, &error);
    }
}

static void every_operator_survives_senseless_attributes(void **state) {
    (void)state;
    const char *ops[] = {"Conv",   "ConvTranspose", "MaxPool",    "AveragePool",  "LRN",
                         "Concat", "Softmax",       "Flatten",    "Squeeze",      "Transpose",
                         "Split",  "Gather",        "ReduceMean", "DepthToSpace", "SpaceToDepth",
                         "ArgMax", "Cast",          "Pad",        "Reshape",      "LayerNormalization"};
    const char *names[] = {"axis",  "axes",     "kernel_shape", "strides",       "pads", "dilations",
                           "group", "size",     "perm",         "split",         "to",   "blocksize",
                           "shape", "keepdims", "output_shape", "output_padding"};
    const int64_t values[] = {0, 1, -1, 2, 3, 1LL << 20, INT64_MAX, INT64_MIN};
    const int64_t image[4] = {-1, 4, 6, 6}, kernel[4] = {4, 4, 3, 3};
    static const float weights[144];
    const int lengths[6] = {0, 1, 2, 4, 8, 9};
    soma_error error;
    for (size_t o = 0; o < COUNT_OF(ops); o++)
        for (size_t n = 0; n < COUNT_OF(names); n++)
            for (size_t v = 0; v < COUNT_OF(values); v++)
                for (int list = 0; list < 6; list++) {
                    message graph = {0}, node = {0}, a = {0}, k = tensor_of("k", 4, kernel, weights, sizeof weights);
                    put_value(&graph, 11, "image", 4, image);
                    put_message(&graph, 5, &k);
                    finish(&graph);
                    put_text(&node, 1, "image");
                    if (strncmp(ops[o], "Conv", 4) == 0) put_text(&node, 1, "k");
                    put_text(&node, 2, "z");
                    put_text(&node, 4, ops[o]);
                    put_text(&a, 1, names[n]);
                    if (!list) put_int(&a, 3, values[v]);
                    for (int i = 0; i < lengths[list]; i++) put_int(&a, 8, values[v]);
                    put_message(&node, 5, &a);
                    put_message(&graph, 1, &node);
                    put_value(&graph, 12, "z", 4, image);
                    message model = model_of(&graph, 11);
                    read_code(model.bytes, model.size, &error);
                }
}

static void opsets_that_soma_does_not_know_are_refused(void **state) {
    (void)state;
    const int64_t sets[] = {0, -1, 1000, INT64_MAX};
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        message graph = {0};
        finish(&graph);
        message model = model_of(&graph, sets[i]);
        refused(&model, "opset");
    }
}

static void shapes_computed_from_a_hostile_constant_stay_small(void **state) {
    (void)state;
    const int64_t huge[2] = {1LL << 31, 1LL << 31}, one[1] = {2};
    message graph = {0}, shape = {0};
    put_int(&shape, 1, one[0]);
    put_int(&shape, 2, 7);
    put_text(&shape, 8, "s");
    put_bytes(&shape, 9, huge, sizeof huge);
    put_message(&graph, 5, &shape);
    finish(&graph);
    put_node(&graph, "ConstantOfShape", "s", NULL, "z");
    put_node(&graph, "Expand", "w", "s", "u");
    refused_graph(&graph, "bad.onnx");
}

/* ---- External data ----------------------------------------------------------------------------------------------- */

static message external_model(const char *location, const char *offset, const char *length) {
    message graph = {0}, t = {0}, entries[3] = {{0}, {0}, {0}};
    put_int(&t, 1, 2);
    put_int(&t, 2, 1);
    put_text(&t, 8, "v");
    const char *keys[3] = {"location", "offset", "length"}, *values[3] = {location, offset, length};
    for (int i = 0; i < 3; i++) {
        put_text(&entries[i], 1, keys[i]);
        put_text(&entries[i], 2, values[i]);
        put_message(&t, 13, &entries[i]);
    }
    put_int(&t, 14, 1);
    put_message(&graph, 5, &t);
    finish(&graph);
    put_node(&graph, "Add", "x", "v", "z");
    put_value(&graph, 12, "z", 2, rows);
    return model_of(&graph, 17);
}

static void external_data_come_from_the_models_folder_only(void **state) {
    (void)state;
    char root[] = "/tmp/soma-test-XXXXXX", folder[64], path[128], inside[128], outside[128], link[128];
    assert_non_null(mkdtemp(root));
    snprintf(folder, sizeof folder, "%s/model", root);
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    snprintf(inside, sizeof inside, "%s/data.bin", folder);
    snprintf(outside, sizeof outside, "%s/secret.bin", root);
    snprintf(link, sizeof link, "%s/link.bin", folder);
    soma_error error = {0};
    const float data[4] = {9, 9, 5, 7};
    file_write_whole(inside, data, sizeof data, NULL, &error);
    file_write_whole(outside, data, sizeof data, NULL, &error);
    assert_int_equal(symlink(outside, link), 0);
    const struct {
        const char *location, *offset, *length, *word;
    } all[] = {{"data.bin", "8", "8", NULL},
               {"data.bin", "12", "8", "cut short"},
               {"data.bin", "99999999999999999999999", "8", "'v'"},
               {"data.bin", "0", "12", "'v'"},
               {"../secret.bin", "8", "8", "outside"},
               {"link.bin", "8", "8", "outside"},
               {"/etc/passwd", "0", "8", "relative"},
               {"absent.bin", "0", "8", "absent.bin"},
               {"", "0", "8", "relative"}};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        error = (soma_error){0};
        message m = external_model(all[i].location, all[i].offset, all[i].length);
        assert_int_equal(file_write_whole(path, m.bytes, m.size, NULL, &error), SOMA_OK);
        soma_store *store = soma_store_create((soma_store_options){0}, &error);
        onnx_model *model = onnx_read(path, NULL, store, &error);
        if (all[i].word) {
            if (model) fail_msg("external data at '%s' were read", all[i].location);
            if (!strstr(error.message, all[i].word)) fail_msg("'%s' does not say '%s'", error.message, all[i].word);
        } else {
            float v[2];
            if (!model) fail_msg("%s", error.message);
            assert_int_equal(soma_store_get(store, "v", v, 2, &error), SOMA_OK);
            assert_true(v[0] == 5 && v[1] == 7);
        }
        onnx_model_destroy(model);
        soma_store_destroy(store);
        refused(&m, all[i].word && strstr(all[i].offset, "9999") ? "'v'" : "external data"); /* never from memory */
    }
    unlink(link);
    unlink(inside);
    unlink(outside);
    unlink(path);
    rmdir(folder);
    rmdir(root);
}

int main(void) {
#if !defined(SOMA_HAVE_ONNX)
    return 77; /* nothing to test in this build */
#else
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_that_the_others_spoil_is_good),
        cmocka_unit_test(a_model_cut_at_any_byte_is_refused_or_read),
        cmocka_unit_test(a_model_with_any_byte_changed_is_refused_or_read),
        cmocka_unit_test(fields_of_another_wire_type_are_refused_or_skipped),
        cmocka_unit_test(dimensions_that_do_not_fit_the_data_are_refused_before_memory_is_taken),
        cmocka_unit_test(huge_inputs_are_refused_by_a_sentence),
        cmocka_unit_test(two_open_dimensions_are_refused),
        cmocka_unit_test(nesting_is_no_danger),
        cmocka_unit_test(cycles_and_values_that_nothing_computes_are_refused),
        cmocka_unit_test(equal_names_are_refused),
        cmocka_unit_test(an_unknown_operator_is_named_with_its_node),
        cmocka_unit_test(an_operator_without_its_inputs_is_refused),
        cmocka_unit_test(an_operator_without_outputs_is_no_danger),
        cmocka_unit_test(every_operator_survives_senseless_attributes),
        cmocka_unit_test(opsets_that_soma_does_not_know_are_refused),
        cmocka_unit_test(shapes_computed_from_a_hostile_constant_stay_small),
        cmocka_unit_test(external_data_come_from_the_models_folder_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
