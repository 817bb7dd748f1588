/* LeNet on handwritten digits: reads the IDX files, trains, tests and saves an ONNX file.
 * Run: mnist [folder [epochs]]. */
#include <soma/soma.h>

#include <stdio.h>
#include <stdlib.h>

static int report(void *user, const soma_epoch *e) {
    (void)user;
    printf("epoch %2d  loss %.4f  accuracy %.4f  (validation %.4f, %.0f pictures/s)\n", (int)e->epoch, e->loss,
           e->metric, e->val_metric, e->samples_per_second);
    return 0; /* anything else would end training here */
}

/* Reads a set into fresh arrays; returns its number of pictures. */
static int64_t load(const char *folder, const char *file, float **x, float **y, soma_error *err) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    soma_dataset *set = soma_dataset_load(path, SOMA_OPTIONS(soma_dataset_options){.target = NULL}, err);
    int64_t rows = set ? soma_dataset_rows(set) : 0;
    *x = (float *)malloc(sizeof(float) * 784 * (size_t)(rows + 1));
    *y = (float *)malloc(sizeof(float) * (size_t)(rows + 1));
    if (set && *x && *y) soma_dataset_get(set, 0, rows, *x, *y, err);
    soma_dataset_destroy(set);
    return rows;
}

int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : "data/mnist";
    soma_error err = {0};
    float *x = NULL, *y = NULL, *test_x = NULL, *test_y = NULL;
    int64_t rows = load(folder, "train-images-idx3-ubyte.gz", &x, &y, &err);
    int64_t test_rows = load(folder, "t10k-images-idx3-ubyte.gz", &test_x, &test_y, &err);

    soma_evaluation quality = {0};
    soma_model *m = soma_model_create("lenet", soma_shape3(1, 28, 28), SOMA_CLASSIFY, &err);
    soma_model_fit(m, x, y, rows,
                   SOMA_OPTIONS(soma_fit_options){.epochs = argc > 2 ? atoi(argv[2]) : 3,
                                                  .batch = 64,
                                                  .validation = 0.1,
                                                  .optimizer = soma_adam(1e-3),
                                                  .on_epoch = report},
                   &err);
    soma_model_evaluate(m, test_x, test_y, test_rows, &quality, &err);
    soma_model_save(m, "mnist.onnx", &err);
    if (err.code)
        fprintf(stderr, "%s\n", err.message);
    else
        printf("%d test pictures: accuracy %.4f; saved as mnist.onnx\n", (int)test_rows, quality.accuracy);
    soma_model_destroy(m);
    free(x);
    free(y);
    free(test_x);
    free(test_y);
    return err.code || quality.accuracy < 0.9;
}
