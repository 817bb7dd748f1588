/* cli/eval.c: `soma eval`: how well a model answers rows whose truth is known. */
#include "commands.h"
#include "data/fingerprints.h"
#include "terminal.h"
#include "train/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { LABELS, THREADS, BACKEND, PRECISION, JSON, ROWS };

static const option_row rows[] = {
    [LABELS] = {"labels", OPTION_TEXT, "FILE", "labels of a .npy array or of IDX pictures, found by the usual names",
                .expected = "a file's name"},
    [THREADS] = {"threads", OPTION_WHOLE, "N", "at most so many threads", NULL, 1, 1024,
                 .expected = "a whole number from 1 to 1024"},
    [BACKEND] = FAST_BACKEND_ROW,
    [PRECISION] = PRECISION_ROW,
    [JSON] = {.name = "json", .kind = OPTION_FLAG, .help = "one object on standard output"},
    [ROWS] = {0}};

/* With five classes or fewer every row is among the five likeliest. */
static bool shows(const metrics *r, measure_id id) { return id != MEASURE_TOP5 || r->classes > 5; }

/* Arrays in the order of the classes. */
static void put_class_measures(const metrics *r, json_text *j) {
    static const char *const names[] = {"precision", "recall", "f1", "support"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        json_put_open(j, names[i], '[');
        for (int64_t c = 0; c < r->classes; c++) {
            class_measures one = metrics_class(r, c);
            const double values[] = {one.precision, one.recall, one.f1};
            if (i < COUNT_OF(values))
                json_put_number(j, NULL, values[i]);
            else
                json_put_integer(j, NULL, one.support);
        }
        json_put_close(j, ']');
    }
}

static void put_json(const soma_model *m, const metrics *r, int64_t seen, json_text *j) {
    json_put_open(j, NULL, '{');
    json_put_number(j, "loss", metrics_loss(r));
    if (m->task == SOMA_REGRESS) {
        json_put_number(j, "rmse", metrics_rmse(r));
        json_put_number(j, "mae", metrics_mae(r));
        json_put_number(j, "r2", metrics_r2(r));
    } else {
        json_put_number(j, "accuracy", metrics_accuracy(r));
        json_put_number(j, "macro_f1", metrics_macro_f1(r));
        for (size_t i = MEASURE_AUC; i <= MEASURE_CALIBRATION_ERROR; i++)
            if (shows(r, (measure_id)i)) json_put_number(j, measures[i].name, measures[i].value(r));
        json_put_open(j, "classes", '[');
        for (int64_t c = 0; c < r->classes; c++) json_put_string(j, NULL, soma_model_class_name(m, c));
        json_put_close(j, ']');
        put_class_measures(r, j);
        json_put_open(j, "confusion", '[');
        for (int64_t c = 0; c < r->classes; c++) {
            json_put_open(j, NULL, '[');
            for (int64_t k = 0; k < r->classes; k++) json_put_integer(j, NULL, r->confusion[c * r->classes + k]);
            json_put_close(j, ']');
        }
        json_put_close(j, ']');
    }
    if (seen >= 0) json_put_integer(j, "rows_trained_on", seen);
    json_put_close(j, '}');
    json_put_line(j);
}

static void print_classes(const soma_model *m, const metrics *r) {
    printf("\n%-20s precision  recall      F1    rows\n", "class");
    for (int64_t c = 0; c < r->classes; c++) {
        class_measures one = metrics_class(r, c);
        printf("%-20.20s    %.4f  %.4f  %.4f %7lld\n", soma_model_class_name(m, c), one.precision, one.recall, one.f1,
               (long long)one.support);
    }
}

static void print_people(const soma_model *m, const metrics *r) {
    if (m->task == SOMA_REGRESS) {
        printf("rmse %.6g\nmae  %.6g\nr2   %.4f\nloss %.6g\nrows %lld\n", metrics_rmse(r), metrics_mae(r),
               metrics_r2(r), metrics_loss(r), (long long)r->rows);
        return;
    }
    printf("accuracy %.4f\nmacro F1 %.4f\nloss     %.4f\nrows     %lld\n", metrics_accuracy(r), metrics_macro_f1(r),
           metrics_loss(r), (long long)r->rows);
    printf("AUC      %.4f\naverage precision %.4f\ncalibration error %.4f\n", metrics_auc(r),
           metrics_average_precision(r), metrics_calibration_error(r));
    if (shows(r, MEASURE_TOP5)) printf("top 5    %.4f\n", metrics_top5(r));
    print_classes(m, r);
    if (r->classes > 20) return;
    printf("\nrows: the true class, columns: the answer, in the same order\n");
    for (int64_t c = 0; c < r->classes; c++) {
        printf("%-20.20s", soma_model_class_name(m, c));
        for (int64_t k = 0; k < r->classes; k++) printf(" %6lld", (long long)r->confusion[c * r->classes + k]);
        putchar('\n');
    }
}

/* Data that don't have the model's shape are refused by name. */
int check_sample(const soma_model *m, const soma_dataset *set, const char *path, soma_error *error) {
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (shape_equal(&m->sample, &set->sample)) return SOMA_OK;
    return error_set(error, SOMA_ERROR_INPUT, "%s: a sample has the shape %s, but the model takes %s", path,
                     shape_text(&set->sample, a), shape_text(&m->sample, b));
}

/* How many of the rows the model has seen in its training, by the file that stands beside it in its run folder; -1
 * without one. */
static int rows_seen(const char *path, const soma_dataset *set, int64_t *seen, soma_error *error) {
    char *model = model_path(path);
    const char *slash = model ? strrchr(model, '/') : NULL;
    size_t folder = slash ? (size_t)(slash - model) + 1 : 0, size = folder + sizeof "rows.npy";
    char *rows_path = model ? malloc(size) : NULL;
    *seen = -1;
    if (rows_path) snprintf(rows_path, size, "%.*srows.npy", (int)folder, model);
    int code = rows_path ? fingerprints_count(rows_path, set, seen, error) : error_memory(error);
    free(rows_path);
    free(model);
    return code;
}

static void tell_seen(const soma_dataset *set, int64_t seen) {
    if (seen < 1) return;
    fputs("soma: ", stderr);
    if (seen == set->rows)
        fputs("all of these rows", stderr);
    else
        fprintf(stderr, "%lld of these %lld rows", (long long)seen, (long long)set->rows);
    fputs(" were part of the training: on new ones the model will hardly do as well\n", stderr);
}

static int measure(soma_model *m, const char *path, const soma_dataset *set, bool json) {
    int64_t seen = -1;
    soma_error error = {0};
    metrics r = {0};
    json_text j = {0};
    int code = SOMA_OK, status = STATUS_OK;
    if (!metrics_create(NULL, m->task == SOMA_CLASSIFY ? m->outputs : 0, &r)) code = error_memory(&error);
    if (!code) code = model_measure(m, set, NULL, (size_t)set->rows, &r, &error);
    if (!code) code = rows_seen(path, set, &seen, &error);
    if (!code && set->note) fprintf(stderr, "soma: %s\n", set->note);
    if (!code) tell_seen(set, seen);
    if (!code && json) {
        put_json(m, &r, seen, &j);
        status = print_answer(&j, STATUS_OK);
    } else if (!code) {
        print_people(m, &r);
    }
    if (code) status = fail_with(&error, false);
    json_text_clear(&j);
    metrics_clear(NULL, &r);
    return finish_output(status);
}

static int run(const command_line *line) {
    soma_error error = {0};
    const option_value *v = line->values;
    if (line->positional_count != 2) {
        complain("soma eval: MODEL and DATA are needed, %d were given (soma eval --help)", line->positional_count);
        return STATUS_USAGE;
    }
    soma_model *m = open_model(line->positional[0], &error);
    data_options o = {.labels = v[LABELS].text, .schema = m ? &m->schema : NULL};
    soma_dataset *set = m ? data_load(NULL, line->positional[1], o, &error) : NULL;
    if (set) check_sample(m, set, line->positional[1], &error);
    int status = STATUS_OK;
    if (!m || !set || error.code) {
        status = fail_with(&error, true);
    } else {
        m->threads = threads_of(&v[THREADS]);
        m->backend = backend_of(&v[BACKEND]);
        m->precision = precision_of(&v[PRECISION]);
        status = measure(m, line->positional[0], set, v[JSON].given);
        tell_plan_note(m->plan);
    }
    soma_dataset_destroy(set);
    soma_model_destroy(m);
    return status;
}

const command command_eval = {
    .name = "eval",
    .arguments = "MODEL DATA [options]",
    .summary = "measure a model on rows whose truth is known",
    .description =
        "Measures MODEL (a model.onnx or a run folder) on DATA (a .csv file, - for standard input, a .npy or .npz "
        "array, IDX or CIFAR-10 pictures, a folder with one sub-folder of pictures for each class, or a known set, of "
        "which the part that tests is read: soma data lists them). Columns are matched by name, in any order; extra "
        "ones are ignored. For classes: accuracy, macro F1, area under the ROC curve and average precision (of two "
        "classes the second's, of more the mean over one class against the rest), expected calibration error, top 5 "
        "accuracy, precision, recall and F1 of each class, and the confusion matrix; for numbers: rmse, mae and R² in "
        "the target's units.",
    .options = rows,
    .examples = "  soma eval runs/latest test.csv\n"
                "  soma eval runs/latest spiral:seed=1\n"
                "  soma eval model.onnx t10k-images-idx3-ubyte.gz --json\n",
    .run = run};
