/* One pixel of a convolution taken apart: the lecture's example, every pixel of layers of all kinds, mistakes. */
#include "insight_check.h"

static void the_lectures_example_comes_out_product_by_product(void **state) {
    (void)state;
    soma_error error = {0};
    const float x[] = {2, 1, 3, 1, 2, 3, 4, 2, 0, 1, 2, 0, 1, 2, 3, 1, 3, 2, 4, 0};
    const float kernel[] = {2, -1, -1, -1, 0, 0, -1, 0, 2}, y[] = {-3, -2, 6, 1, 11, 0};
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, 1, 4, 5));
    soma_relu(soma_conv2d(in, 1, soma_kernel(3, 3), SOMA_OPTIONS(soma_conv2d_options){.no_bias = true}));
    soma_layer layer;
    soma_graph_layer(g, "conv2d1", &layer, &error);
    soma_store *store = new_store(false, 0);
    soma_plan *plan = soma_plan_infer(&layer.output, 1, SOMA_OPTIONS(soma_plan_options){.store = store}, &error);
    soma_store_set(store, "conv2d1.weight", kernel, 9, &error);
    for (int i = 0; i < 6; i++) {
        soma_product products[9];
        soma_pixel p;
        double sum = 0;
        soma_layer_pixel(layer, store, x, soma_unit_at(0, i / 3, i % 3), products, 9, &p, &error);
        assert_no_error(&error);
        assert_true(p.sum == (double)y[i] && p.bias == 0 && p.value == p.sum && p.output == fmax(0, p.sum));
        assert_true(p.channels == 1 && p.height == 3 && p.width == 3 && p.row == i / 3 && p.column == i % 3);
        for (int k = 0; k < 9; k++) {
            assert_true(products[k].weight == (double)kernel[k]);
            assert_true(products[k].input == (double)x[(i / 3 + k / 3) * 5 + i % 3 + k % 3]);
            assert_true(products[k].product == products[k].input * products[k].weight);
            sum += products[k].product;
        }
        assert_true(sum == p.sum);
    }
    soma_plan_destroy(plan);
    soma_graph_destroy(g);
    soma_store_destroy(store);
}

enum { CHANNELS = 4, SIDE = 7, FILTERS = 6, AREA = CHANNELS * SIDE * SIDE };

static void every_pixel_is_the_one_that_a_run_computes(void **state) {
    (void)state;
    const soma_conv2d_options kinds[] = {{.padding = 1},
                                         {.stride = 2, .padding = 2, .groups = 2},
                                         {.dilation = 2, .no_bias = true},
                                         {.same = true, .stride = 3}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        soma_error error = {0};
        soma_graph *g = soma_graph_create();
        soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, CHANNELS, SIDE, SIDE));
        soma_value y = soma_sigmoid(soma_conv2d(in, FILTERS, soma_kernel(3, 2), kinds[k]));
        soma_layer layer;
        soma_graph_layer(g, "conv2d1", &layer, &error);
        assert_int_equal(layer.output.node, y.node);
        const soma_value keep[] = {layer.input, layer.value};
        soma_plan_options options = {.keep = keep, .keep_count = 2, .algorithm = SOMA_ALGORITHM_DIRECT};
        soma_plan *plan = soma_plan_infer(&y, 1, options, &error);
        soma_run *run = soma_run_create(plan, &error);
        float x[AREA], stored[AREA], bias[FILTERS], values[FILTERS * 100], outputs[FILTERS * 100];
        fill(x, AREA, 2);
        fill(bias, FILTERS, 3);
        if (!kinds[k].no_bias) soma_store_set(soma_plan_store(plan), "conv2d1.bias", bias, FILTERS, &error);
        soma_run_set(run, in, x, 1, &error);
        soma_run_step(run, &error);
        soma_shape s = soma_run_shape(run, y);
        int64_t rows = s.dims[2], columns = s.dims[3];
        soma_run_get(run, layer.input, stored, AREA, &error);
        soma_run_get(run, layer.value, values, (size_t)(FILTERS * rows * columns), &error);
        soma_run_get(run, layer.output, outputs, (size_t)(FILTERS * rows * columns), &error);
        for (int64_t i = 0; i < FILTERS * rows * columns; i++) {
            soma_pixel p;
            soma_unit unit = soma_unit_at(i / (rows * columns), i / columns % rows, i % columns);
            soma_layer_pixel(layer, soma_plan_store(plan), stored, unit, NULL, 0, &p, &error);
            assert_no_error(&error);
            assert_near((double)values[i], p.value, 1e-5);
            assert_near((double)outputs[i], p.output, 1e-5);
            if (!kinds[k].no_bias) assert_true(p.bias == (double)bias[unit.channel]);
        }
        soma_run_destroy(run);
        soma_plan_destroy(plan);
        soma_graph_destroy(g);
    }
}

/* A model's first layer reads the picture as preprocessing leaves it, which a plan can keep; so it does in a file. */
static void a_models_layer_is_taken_apart_also_from_a_file(void **state) {
    (void)state;
    enum { SAMPLES = 12, PICTURE = 36, VALUES = 3 * 16 };
    float x[SAMPLES * PICTURE], y[SAMPLES];
    fill(x, SAMPLES * PICTURE, 3);
    for (int i = 0; i < SAMPLES; i++) y[i] = (float)(i % 2);
    soma_model *m =
        trained_on("conv 3 3x3 relu, maxpool 2, dense 2", soma_shape3(1, 6, 6), SOMA_CLASSIFY, x, y, SAMPLES);
    soma_model *models[] = {m, through_file(m)};
    for (int k = 0; k < 2 && models[k]; k++) {
        soma_error error = {0};
        soma_network *network = soma_network_create(models[k], false, &error);
        soma_layer layer;
        soma_graph_layer(soma_network_graph(network), "conv2d1", &layer, &error);
        soma_plan_options options = soma_network_options(network);
        const soma_value out[] = {layer.input, layer.output};
        soma_plan *plan = soma_plan_infer(out, 2, options, &error);
        soma_run *run = soma_run_create(plan, &error);
        float stored[PICTURE], outputs[VALUES];
        soma_network_set(network, run, x + PICTURE, NULL, 1, &error);
        soma_run_step(run, &error);
        soma_run_get(run, layer.input, stored, PICTURE, &error);
        soma_run_get(run, layer.output, outputs, VALUES, &error);
        for (int i = 0; i < VALUES; i++) {
            soma_pixel p;
            soma_layer_pixel(layer, options.store, stored, soma_unit_at(i / 16, i / 4 % 4, i % 4), NULL, 0, &p, &error);
            assert_no_error(&error);
            assert_near((double)outputs[i], p.output, 1e-5);
        }
        soma_run_destroy(run);
        soma_plan_destroy(plan);
        soma_network_destroy(network);
    }
    soma_model_destroy(models[1]);
    soma_model_destroy(m);
}

static void mistakes_are_told(void **state) {
    (void)state;
    soma_error error = {0};
    soma_graph *g = soma_graph_create();
    soma_value in = soma_input(g, "x", soma_shape4(SOMA_BATCH, 1, 4, 4));
    soma_dense(soma_conv2d(in, 2, soma_kernel(3, 3), (soma_conv2d_options){0}), 3);
    soma_layer conv, dense;
    soma_graph_layer(g, "conv2d1", &conv, &error);
    soma_graph_layer(g, "dense1", &dense, &error);
    soma_store *empty = new_store(false, 0), *store = new_store(false, 0);
    soma_plan *plan = soma_plan_infer(&conv.output, 1, SOMA_OPTIONS(soma_plan_options){.store = store}, &error);
    assert_no_error(&error);
    float x[16] = {0};
    soma_product products[9];
    soma_pixel p;
    soma_layer_pixel(dense, store, x, soma_unit_at(0, 0, 0), NULL, 0, &p, &error);
    assert_refused(&error, "pixel: layer 'dense1' is no convolution");
    error = (soma_error){0};
    soma_layer_pixel(conv, store, x, soma_unit_at(2, 0, 0), NULL, 0, &p, &error);
    assert_refused(&error, "pixel: layer 'conv2d1' is [N, 2, 2, 2], it has no element in channel 2, row 0, column 0");
    error = (soma_error){0};
    soma_layer_pixel(conv, store, x, soma_unit_channel(0), NULL, 0, &p, &error);
    assert_refused(&error, "row -1, column -1");
    error = (soma_error){0};
    soma_layer_pixel(conv, store, x, soma_unit_at(0, 0, 0), products, 8, &p, &error);
    assert_refused(&error, "pixel: layer 'conv2d1' has 9 products a pixel, not 8");
    error = (soma_error){0};
    soma_layer_pixel(conv, empty, x, soma_unit_at(0, 0, 0), products, 9, &p, &error);
    assert_refused(&error, "pixel: the store does not hold the weights of layer 'conv2d1'");
    soma_plan_destroy(plan);
    soma_graph_destroy(g);
    soma_store_destroy(store);
    soma_store_destroy(empty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lectures_example_comes_out_product_by_product),
        cmocka_unit_test(every_pixel_is_the_one_that_a_run_computes),
        cmocka_unit_test(a_models_layer_is_taken_apart_also_from_a_file),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
