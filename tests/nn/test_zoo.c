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

/* The counts that torchvision's models of the same names have at 1000 classes; GoogLeNet's is that of the original's
 * layers (torchvision's has batch normalisation and a 3x3 convolution where the paper has 5x5); the U-Net's follows
 * from its widths. */
static void networks_of_pictures_have_their_published_numbers(void **state) {
    (void)state;
    const struct {
        const char *name;
        int64_t parameters;
        double multiplications; /* in 10^9, of a sample: the papers count them as operations */
    } cases[] = {
        {"vgg16", 138357544, 15.47},  {"googlenet", 6998552, 1.58},   {"resnet18", 11689512, 1.81},
        {"resnet50", 25557032, 4.09}, {"squeezenet", 1235496, 0.349}, {"mobilenet_v2", 3504872, 0.301},
        {"unet", 31031745, 36.88},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        soma_error error = {0};
        spec_row *rows;
        size_t count;
        int64_t parameters = 0;
        double flops = 0;
        spec *s = spec_open(NULL, cases[i].name, &error);
        assert_no_error(&error);
        spec_describe(s, zoo_find(cases[i].name)->sample, &rows, &count, &error);
        assert_no_error(&error);
        for (size_t k = 0; k < count; k++) {
            parameters += rows[k].parameters;
            flops += rows[k].flops;
        }
        assert_int_equal(parameters, cases[i].parameters);
        assert_near(flops / 2e9, cases[i].multiplications, 0.005);
        assert_int_equal(rows[count - 1].output.dims[1], zoo_find(cases[i].name)->width);
        mem_free(NULL, rows);
        spec_destroy(s);
    }
}

typedef struct stage {
    const char *layer; /* what its line begins with */
    int64_t channels, side;
} stage;

/* Each stage's output, in the network's order; lines in between are skipped. */
static void assert_stages(const char *name, const stage *stages, size_t stages_count) {
    soma_error error = {0};
    spec_row *rows;
    size_t count, k = 0;
    spec *s = spec_open(NULL, name, &error);
    spec_describe(s, zoo_find(name)->sample, &rows, &count, &error);
    assert_no_error(&error);
    for (size_t i = 0; i < count && k < stages_count; i++)
        if (!rows[i].depth && !strncmp(rows[i].text, stages[k].layer, strlen(stages[k].layer))) {
            assert_int_equal(rows[i].output.dims[1], stages[k].channels);
            if (stages[k].side) assert_int_equal(rows[i].output.dims[2], stages[k].side);
            if (stages[k].side) assert_int_equal(rows[i].output.dims[3], stages[k].side);
            k++;
        }
    if (k < stages_count) fail_msg("%s has no '%s' there", name, stages[k].layer);
    mem_free(NULL, rows);
    spec_destroy(s);
}

static void pictures_shrink_as_the_papers_say(void **state) {
    (void)state;
    const stage alexnet[] = {{"conv 96", 96, 55},     {"maxpool", 96, 27},    {"conv 256", 256, 27},
                             {"maxpool", 256, 13},    {"conv 384", 384, 13},  {"conv 384", 384, 13},
                             {"conv 256", 256, 13},   {"maxpool", 256, 6},    {"dense 4096", 4096, 0},
                             {"dense 4096", 4096, 0}, {"dense 1000", 1000, 0}};
    const stage vgg16[] = {{"maxpool", 64, 112}, {"maxpool", 128, 56}, {"maxpool", 256, 28},
                           {"maxpool", 512, 14}, {"maxpool", 512, 7},  {"dense 4096", 4096, 0}};
    const stage googlenet[] = {{"conv2d0:", 64, 112},  {"maxpool0:", 64, 56}, {"conv2d2:", 192, 56},
                               {"maxpool1:", 192, 28}, {"mixed3a:", 256, 28}, {"mixed3b:", 480, 28},
                               {"mixed4a:", 512, 14},  {"mixed4b:", 512, 14}, {"mixed4c:", 512, 14},
                               {"mixed4d:", 528, 14},  {"mixed4e:", 832, 14}, {"mixed5a:", 832, 7},
                               {"mixed5b:", 1024, 7},  {"avgpool0:", 1024, 1}};
    const stage resnet[] = {{"conv 64", 64, 112},  {"maxpool", 64, 56},   {"residual", 64, 56},  {"residual", 64, 56},
                            {"residual", 128, 28}, {"residual", 128, 28}, {"residual", 256, 14}, {"residual", 256, 14},
                            {"residual", 512, 7},  {"residual", 512, 7},  {"avgpool", 512, 1}};
    const stage squeezenet[] = {{"conv 64", 64, 111}, {"maxpool", 64, 55},    {"concat", 128, 55}, {"maxpool", 128, 27},
                                {"concat", 256, 27},  {"maxpool", 256, 13},   {"concat", 384, 13}, {"concat", 384, 13},
                                {"concat", 512, 13},  {"conv 1000", 1000, 13}};
    const stage mobilenet[] = {{"conv 32", 32, 112}, {"conv 16", 16, 112}, {"conv 24", 24, 56},
                               {"conv 32", 32, 28},  {"conv 64", 64, 14},  {"conv 96", 96, 14},
                               {"conv 160", 160, 7}, {"conv 320", 320, 7}, {"conv 1280", 1280, 7}};
    const stage unet[] = {{"conv 64", 64, 224}, {"concat", 128, 224}, {"conv 64", 64, 224}, {"conv 1", 1, 224}};
    assert_stages("alexnet", alexnet, sizeof alexnet / sizeof alexnet[0]);
    assert_stages("vgg16", vgg16, sizeof vgg16 / sizeof vgg16[0]);
    assert_stages("googlenet", googlenet, sizeof googlenet / sizeof googlenet[0]);
    assert_stages("resnet18", resnet, sizeof resnet / sizeof resnet[0]);
    assert_stages("squeezenet", squeezenet, sizeof squeezenet / sizeof squeezenet[0]);
    assert_stages("mobilenet_v2", mobilenet, sizeof mobilenet / sizeof mobilenet[0]);
    assert_stages("unet", unet, sizeof unet / sizeof unet[0]);
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
    assert_null(spec_open_for(NULL, "squeezenet", false, 1, &head, &error));
    assert_string_equal(error.message,
                        "net: squeezenet is a network for classes but the task is regression; use mobilenet_v2");
    error = (soma_error){0};
    assert_null(spec_open_for(NULL, "unet", true, 2, &head, &error));
    assert_string_equal(error.message,
                        "net: unet answers with a picture, but the task has a class for each sample; use "
                        "resnet18 or another");
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
        cmocka_unit_test(networks_of_pictures_have_their_published_numbers),
        cmocka_unit_test(pictures_shrink_as_the_papers_say),
        cmocka_unit_test(names_take_their_outputs_from_the_task),
        cmocka_unit_test(what_a_name_can_not_do_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
