/* Every network of the zoo at work: a training step lowers the loss, and what is written as ONNX and read again answers
 * the same. Pictures are small, so that all of it takes seconds; the networks that are large all the same are left out
 * under a sanitizer. */
#include "base/random.h"
#include "format/onnx.h"
#include "nn/zoo.h"
#include "nn_check.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

enum { BATCH = 4, CLASSES = 5 };

static const struct {
    const char *name;
    soma_shape sample;
    double rate;
    bool large;
} cases[] = {
    {"linear", {1, {6}}, 0.05, false},
    {"logistic", {1, {6}}, 0.05, false},
    {"mlp", {1, {6}}, 0.05, false},
    {"lenet", {3, {1, 20, 20}}, 0.001, false},
    {"alexnet", {3, {3, 67, 67}}, 0.001, true},
    {"vgg16", {3, {3, 32, 32}}, 0.001, true},
    {"googlenet", {3, {3, 48, 48}}, 0.001, false},
    {"resnet18", {3, {3, 64, 64}}, 0.001, true},
    {"resnet50", {3, {3, 64, 64}}, 0.001, true},
    {"squeezenet", {3, {3, 48, 48}}, 0.001, false},
    {"mobilenet_v2", {3, {3, 64, 64}}, 0.001, false},
    {"unet", {3, {3, 32, 32}}, 0.001, true},
};

static soma_shape with_batch(soma_shape s) {
    soma_shape shape = {s.rank + 1, {SOMA_BATCH}};
    for (int i = 0; i < s.rank; i++) shape.dims[i + 1] = s.dims[i];
    return shape;
}

/* What the plan gives for the inputs in a run of its own, so that dropout draws the same numbers each time. */
static void run_once(soma_plan *plan, soma_value x, const float *data, soma_value target, const void *targets,
                     soma_value out, float *values, size_t count) {
    soma_error error = {0};
    soma_run *run = soma_run_create(plan, &error);
    assert_no_error(&error);
    soma_run_set(run, x, data, BATCH, &error);
    if (target.node) soma_run_set(run, target, targets, BATCH, &error);
    soma_run_step(run, &error);
    soma_run_get(run, out, values, count, &error);
    assert_no_error(&error);
    soma_run_destroy(run);
}

/* The loss of a training graph before and after one step. */
static void check_training(const spec *s, soma_shape sample, double rate, soma_store *store, const float *data,
                           const char *name) {
    soma_error error = {0};
    static float plain[BATCH * 32 * 32];
    int64_t classes[BATCH];
    float before, stepped, after;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) plain[i] = i % 3 == 0;
    for (int i = 0; i < BATCH; i++) classes[i] = i % CLASSES;
    soma_graph *g = soma_graph_create();
    soma_graph_set_training(g, true);
    soma_value x = soma_input(g, "x", with_batch(sample)), target;
    soma_value loss = spec_loss(s, spec_build(s, x, NULL), NULL, "t", &target);
    assert_no_error(soma_graph_error(g));
    const void *targets = soma_value_dtype(target) == SOMA_INT64 ? (const void *)classes : plain;
    soma_plan_options o = {.max_batch = BATCH, .store = store};
    soma_plan *look = soma_plan_infer(&loss, 1, o, &error), *train = soma_plan_train(loss, soma_sgd(rate), o, &error);
    assert_no_error(&error);
    run_once(look, x, data, target, targets, loss, &before, 1);
    run_once(train, x, data, target, targets, loss, &stepped, 1);
    run_once(look, x, data, target, targets, loss, &after, 1);
    if (!(after < before) || !isfinite(before))
        fail_msg("%s: the loss was %.7g and is %.7g after a step", name, (double)before, (double)after);
    if (!(fabsf(stepped - before) <= 1e-3f * before))
        fail_msg("%s: the step's loss is %.7g, %.7g without the update", name, (double)stepped, (double)before);
    soma_plan_destroy(train);
    soma_plan_destroy(look);
    soma_graph_destroy(g);
}

#ifdef SOMA_HAVE_ONNX
static void check_file(const spec *s, soma_shape sample, soma_store *store, const float *data, const char *name) {
    soma_error error = {0};
    static float before[BATCH * 32 * 32], after[BATCH * 32 * 32];
    unsigned char *bytes = NULL;
    size_t size;
    soma_graph *g = soma_graph_create();
    soma_value x = soma_input(g, "x", with_batch(sample)), y = spec_build(s, x, NULL);
    soma_shape shape = soma_value_shape(y);
    size_t count = (size_t)shape_elements(&shape, BATCH);
    soma_plan *plan = soma_plan_infer(&y, 1, (soma_plan_options){.max_batch = BATCH, .store = store}, &error);
    assert_no_error(&error);
    assert_true(count <= sizeof before / sizeof before[0]);
    run_once(plan, x, data, (soma_value){0}, NULL, y, before, count);
    soma_plan_destroy(plan);
    onnx_value in = {"x", x}, out = {"y", y};
    onnx_export model = {.inputs = &in, .inputs_count = 1, .outputs = &out, .outputs_count = 1, .store = store};
    onnx_write_memory(&model, NULL, &bytes, &size, &error);
    assert_no_error(&error);
    soma_store *other = soma_store_create((soma_store_options){.seed = 9}, &error);
    onnx_model *read = onnx_read_memory(bytes, size, name, NULL, other, &error);
    assert_no_error(&error);
    soma_value again = onnx_output(read, "y");
    plan = soma_plan_infer(&again, 1, (soma_plan_options){.max_batch = BATCH, .store = other}, &error);
    assert_no_error(&error);
    run_once(plan, onnx_input(read, "x"), data, (soma_value){0}, NULL, again, after, count);
    float largest = 0;
    for (size_t i = 0; i < count; i++) largest = fmaxf(largest, fabsf(before[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(before[i] - after[i]) <= 1e-4f * largest))
            fail_msg("%s: output %zu was %.7g and is %.7g", name, i, (double)before[i], (double)after[i]);
    soma_plan_destroy(plan);
    onnx_model_destroy(read);
    soma_store_destroy(other);
    mem_free(NULL, bytes);
    soma_graph_destroy(g);
}
#else
static void check_file(const spec *s, soma_shape sample, soma_store *store, const float *data, const char *name) {
    (void)s, (void)sample, (void)store, (void)data, (void)name;
}
#endif

static void a_step_lowers_the_loss_and_files_keep_the_answers(void **state) {
    (void)state;
    static float data[BATCH * 3 * 67 * 67];
    random_stream r = random_open(3, 3);
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++) data[i] = (float)random_normal(&r);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        soma_error error = {0};
        spec_head head;
        const zoo_net *net = zoo_find(cases[i].name);
        bool classes = net->output != SPEC_LINEAR;
#ifdef SANITIZED
        if (cases[i].large) continue;
#endif
        spec *s = net->pixels ? spec_open(NULL, net->name, &error)
                              : spec_open_for(NULL, net->name, classes, classes ? CLASSES : 1, &head, &error);
        assert_no_error(&error);
        soma_store *store = soma_store_create((soma_store_options){.seed = 1}, &error);
        assert_no_error(&error);
        check_training(s, cases[i].sample, cases[i].rate, store, data, net->name);
        check_file(s, cases[i].sample, store, data, net->name);
        soma_store_destroy(store);
        spec_destroy(s);
    }
}

static void every_network_is_among_the_cases(void **state) {
    (void)state;
    for (const zoo_net *net = zoo_nets; net->name; net++) {
        bool found = false;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) found |= !strcmp(cases[i].name, net->name);
        if (!found) fail_msg("%s is not tested", net->name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_network_is_among_the_cases),
        cmocka_unit_test(a_step_lowers_the_loss_and_files_keep_the_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
