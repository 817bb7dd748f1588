/* Data in, answers out: trains a network on rows that lie in plain arrays, saves it, loads it back and asks it.
 * Run: arrays [table.csv]. By default the irises: 150 flowers, 4 measurements each, 3 species. */
#include <soma/soma.h>

#include <stdio.h>
#include <stdlib.h>

enum { FEATURES = 4, CLASSES = 3 };

int main(int argc, char **argv) {
    soma_error err = {0};
    soma_dataset *table = soma_dataset_load(argc > 1 ? argv[1] : "data/tables/iris.csv",
                                            SOMA_OPTIONS(soma_dataset_options){.target = "species"}, &err);
    int64_t rows = soma_dataset_rows(table);
    float *x = (float *)malloc(sizeof(float) * FEATURES * (size_t)(rows > 0 ? rows : 1));
    float *y = (float *)malloc(sizeof(float) * (size_t)(rows > 0 ? rows : 1));
    if (!err.code && x && y) soma_dataset_get(table, 0, rows, x, y, &err);

    /* The first error stays in err and the calls after it do nothing: one look at the end is enough. */
    soma_model *m = soma_model_create("dense 64 relu, dense 3", soma_shape1(FEATURES), SOMA_CLASSIFY, &err);
    soma_model_fit(m, x, y, rows,
                   SOMA_OPTIONS(soma_fit_options){.epochs = 100, .validation = 0.2, .optimizer = soma_adam(1e-2)},
                   &err);
    soma_model_save(m, "iris.onnx", &err);
    soma_model_destroy(m);

    m = soma_model_load("iris.onnx", &err);
    const float flower[FEATURES] = {5.9F, 3.0F, 5.1F, 1.8F};
    float probabilities[CLASSES] = {0};
    soma_evaluation quality = {0};
    soma_model_predict(m, flower, 1, probabilities, CLASSES, &err);
    soma_model_evaluate(m, x, y, rows, &quality, &err);
    if (err.code) {
        fprintf(stderr, "%s\n", err.message);
    } else {
        for (int i = 0; i < CLASSES; i++)
            printf("%-12s %.3f\n", soma_dataset_class_name(table, i), (double)probabilities[i]);
        printf("accuracy     %.3f\n", quality.accuracy);
    }
    soma_model_destroy(m);
    soma_dataset_destroy(table);
    free(x);
    free(y);
    return err.code || quality.accuracy < 0.9;
}
