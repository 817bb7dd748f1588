/* Trains a small network on points of two spirals and says how well it knows points that it has never seen.
 * Run: starter [TRAIN TEST]: two CSV files with the same columns, the class in the last one; else points that soma
 * makes. */
#include <soma/soma.h>

#include <stdio.h>
#include <stdlib.h>

/* Rows of numbers x and class indices y. */
typedef struct rows {
    soma_dataset *set;
    int64_t count;
    soma_shape sample;
    float *x, *y;
} rows;

static rows rows_load(const char *data, soma_error *err) {
    rows r = {.set = NULL};
    size_t features = 1;
    r.set = soma_dataset_load(data, SOMA_OPTIONS(soma_dataset_options){.target = NULL}, err);
    r.count = soma_dataset_rows(r.set);
    r.sample = soma_dataset_shape(r.set);
    if (!r.set) return r;
    for (int i = 0; i < r.sample.rank; i++) features *= (size_t)r.sample.dims[i];
    r.x = malloc((size_t)r.count * features * sizeof *r.x);
    r.y = malloc((size_t)r.count * sizeof *r.y);
    if (r.x && r.y) soma_dataset_get(r.set, 0, r.count, r.x, r.y, err);
    return r;
}

static void rows_free(rows *r) {
    soma_dataset_destroy(r->set);
    free(r->x);
    free(r->y);
}

static int print_epoch(void *user, const soma_epoch *epoch) {
    (void)user;
    if (epoch->epoch % 20 == 0)
        printf("epoch %3lld  loss %.4f  accuracy %.3f\n", (long long)epoch->epoch, epoch->loss, epoch->metric);
    return 0; /* anything else ends training */
}

int main(int argc, char **argv) {
    /* The first error stays in err and the calls after it do nothing: one look at the end is enough. */
    soma_error err = {0};
    rows train = rows_load(argc > 2 ? argv[1] : "spiral", &err);
    rows test = rows_load(argc > 2 ? argv[2] : "spiral:seed=1", &err);

    /* Two hidden layers; the output layer, one neuron a class, is appended. */
    soma_model *model = soma_model_create("dense 32 tanh, dense 32 tanh", train.sample, SOMA_CLASSIFY, &err);
    soma_fit_options how = {.epochs = 200, .batch = 16, .optimizer = soma_adam(5e-3), .on_epoch = print_epoch};
    soma_model_fit(model, train.x, train.y, train.count, how, &err);

    soma_evaluation seen = {0}, unseen = {0};
    soma_model_evaluate(model, train.x, train.y, train.count, &seen, &err);
    soma_model_evaluate(model, test.x, test.y, test.count, &unseen, &err);
    soma_model_save(model, "model.onnx", &err); /* any ONNX runtime reads it; so does `soma show model.onnx` */
    if (err.code)
        fprintf(stderr, "%s\n", err.message);
    else
        printf("accuracy %.3f on %lld rows that trained, %.3f on %lld that did not\n", seen.accuracy,
               (long long)train.count, unseen.accuracy, (long long)test.count);
    soma_model_destroy(model);
    rows_free(&train);
    rows_free(&test);
    return err.code != SOMA_OK;
}
