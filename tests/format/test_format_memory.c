/* Every allocation of reading and writing fails once: each time there is an error and nothing is lost or freed twice
 * (the allocator counts; a sanitizer sees the rest). */
#include "base/base.h"
#include "format/onnx.h"
#include "format/safetensors.h"
#include "support/purse.h"

#include <soma/nn.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka needs the three above first */
#include <cmocka.h>

enum { TRIES = 20000 };

/* A graph with a convolution, a normalisation, a decomposed op and constants, and its bytes. */
static soma_value build(soma_graph *g, soma_value *input) {
    *input = soma_input(g, "x", soma_shape4(SOMA_BATCH, 2, 5, 5));
    soma_value x = soma_conv2d(*input, 3, soma_kernel(3, 3), (soma_conv2d_options){0});
    x = soma_gelu(soma_batch_norm(x, (soma_batch_norm_options){0}));
    return soma_softmax(soma_dense(x, 2), 1);
}

static soma_store *filled_store(soma_value y) {
    soma_error error = {0};
    soma_store *store = soma_store_create((soma_store_options){0}, &error);
    soma_plan *plan = soma_plan_infer(&y, 1, (soma_plan_options){.store = store}, &error); /* plans fill stores */
    if (!plan) fail_msg("%s", error.message);
    soma_plan_destroy(plan);
    return store;
}

static void a_failing_allocation_while_writing_is_an_error(void **state) {
    (void)state;
    purse p = {-1, 0};
    soma_context *context = purse_context(&p);
    soma_graph *g = soma_graph_create();
    soma_value x, y = build(g, &x);
    soma_store *store = filled_store(y);
    onnx_value input = {"x", x}, output = {"y", y};
    onnx_export model = {.inputs = &input, .inputs_count = 1, .outputs = &output, .outputs_count = 1, .store = store};
    int code = -1;
    for (long n = 0; n < TRIES && code; n++) {
        soma_error error = {0};
        unsigned char *bytes = NULL;
        size_t size;
        p.left = n;
        code = onnx_write_memory(&model, context, &bytes, &size, &error);
        p.left = -1;
        if (code) assert_int_equal(error.code, SOMA_ERROR_MEMORY);
        mem_free(context, bytes);
        assert_int_equal(p.alive, 0);
    }
    assert_int_equal(code, SOMA_OK);
    soma_store_destroy(store);
    soma_graph_destroy(g);
    soma_context_destroy(context);
}

static void a_failing_allocation_while_reading_is_an_error(void **state) {
    (void)state;
    purse p = {-1, 0};
    soma_context *context = purse_context(&p);
    soma_graph *g = soma_graph_create();
    soma_value x, y = build(g, &x);
    soma_store *store = filled_store(y);
    onnx_value input = {"x", x}, output = {"y", y};
    onnx_pair pair = {"key", "value"};
    onnx_export file = {.inputs = &input,
                        .inputs_count = 1,
                        .outputs = &output,
                        .outputs_count = 1,
                        .store = store,
                        .metadata = &pair,
                        .metadata_count = 1};
    unsigned char *bytes;
    size_t size;
    soma_error error = {0};
    assert_int_equal(onnx_write_memory(&file, NULL, &bytes, &size, &error), SOMA_OK);
    onnx_model *model = NULL;
    for (long n = 0; n < TRIES && !model; n++) {
        error = (soma_error){0};
        soma_store *target = soma_store_create((soma_store_options){.context = context}, &error);
        assert_non_null(target);
        p.left = n;
        model = onnx_read_memory(bytes, size, "memory", context, target, &error);
        p.left = -1;
        if (!model) assert_int_equal(error.code, SOMA_ERROR_MEMORY);
        soma_store_destroy(target);
        if (!model) assert_int_equal(p.alive, 0);
    }
    assert_non_null(model);
    onnx_model_destroy(model);
    assert_int_equal(p.alive, 0);
    mem_free(NULL, bytes);
    soma_store_destroy(store);
    soma_graph_destroy(g);
    soma_context_destroy(context);
}

static void a_failing_allocation_in_safetensors_is_an_error(void **state) {
    (void)state;
    purse p = {-1, 0};
    soma_context *context = purse_context(&p);
    char path[] = "/tmp/soma-test-XXXXXX";
    int descriptor = mkstemp(path), code = -1;
    assert_true(descriptor >= 0);
    close(descriptor);
    const float numbers[4] = {1, 2, 3, 4};
    const safetensors_tensor t[2] = {{.name = "a", .shape = {1, {4}}, .data = numbers},
                                     {.name = "b", .shape = {1, {2}}, .data = numbers}};
    for (long n = 0; n < TRIES && code; n++) {
        soma_error error = {0};
        p.left = n;
        code = safetensors_write(path, t, 2, NULL, 0, context, &error);
        if (code) assert_int_equal(error.code, SOMA_ERROR_MEMORY);
        assert_int_equal(p.alive, 0);
    }
    assert_int_equal(code, SOMA_OK);
    safetensors *f = NULL;
    for (long n = 0; n < TRIES && !f; n++) {
        soma_error error = {0};
        p.left = n;
        f = safetensors_open(path, context, &error);
        if (!f) assert_int_equal(error.code, SOMA_ERROR_MEMORY);
        if (!f) assert_int_equal(p.alive, 0);
    }
    assert_non_null(f);
    safetensors_close(f);
    assert_int_equal(p.alive, 0);
    unlink(path);
    soma_context_destroy(context);
}

int main(void) {
#if !defined(SOMA_HAVE_ONNX) || !defined(SOMA_HAVE_JSON)
    return 77; /* nothing to test in this build */
#else
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failing_allocation_while_writing_is_an_error),
        cmocka_unit_test(a_failing_allocation_while_reading_is_an_error),
        cmocka_unit_test(a_failing_allocation_in_safetensors_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
