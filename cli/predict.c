/* cli/predict.c: `soma predict`: an answer for each row, as CSV (RFC 4180) or JSON lines. A row that can't be read gets
 * an empty answer and a message, and the rows after it are answered all the same. */
#include "commands.h"
#include "terminal.h"
#include "train/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum { KEEP, LABELS, THREADS, BACKEND, PRECISION, JSON, ROWS };

static const option_row rows[] = {
    [KEEP] = {"keep", OPTION_TEXT, "COL,…", "columns of DATA to copy before the answers", .expected = "columns' names"},
    [LABELS] = {"labels", OPTION_TEXT, "FILE", "labels, which are not needed here", .expected = "a file's name"},
    [THREADS] = {"threads", OPTION_WHOLE, "N", "at most so many threads", NULL, 1, 1024,
                 .expected = "a whole number from 1 to 1024"},
    [BACKEND] = FAST_BACKEND_ROW,
    [PRECISION] = PRECISION_ROW,
    [JSON] = {.name = "json", .kind = OPTION_FLAG, .help = "an object a row instead of CSV"},
    [ROWS] = {0}};

/* What is written. */
typedef struct report {
    const soma_model *model;
    const soma_dataset *set;
    const float *answers;
    const char **keep;
    size_t keep_count;
} report;

/* A text between two pieces that are plain, quoted where CSV asks for it. */
static void put_within(const char *before, const char *text, const char *after) {
    bool quoted = strpbrk(text, ",\"\r\n") != NULL;
    if (quoted) putchar('"');
    fputs(before, stdout);
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    fputs(after, stdout);
    if (quoted) putchar('"');
}

static void put_cell(const char *text) { put_within("", text, ""); }

static bool unreadable(const report *r, int64_t row) { return data_row_error(r->set, row) != NULL; }

static void put_number(float value) {
    char text[NUMBER_TEXT];
    if (isfinite(value)) fputs(number_text_float(value, text), stdout);
}

static void put_csv_header(const report *r) {
    if (data_row_file(r->set, 0)) fputs("file,", stdout);
    for (size_t k = 0; k < r->keep_count; k++) {
        put_cell(r->keep[k]);
        putchar(',');
    }
    fputs("prediction", stdout);
    for (int64_t c = 0; r->model->task == SOMA_CLASSIFY && c < r->model->outputs; c++) {
        const char *name = soma_model_class_name(r->model, c);
        putchar(',');
        put_within("p(", name, ")");
    }
    putchar('\n');
}

static void put_csv_row(const report *r, int64_t row) {
    int64_t n = r->model->outputs;
    const float *answer = r->answers + row * n;
    bool classes = r->model->task == SOMA_CLASSIFY, bad = unreadable(r, row);
    const char *file = data_row_file(r->set, row);
    if (file) {
        put_cell(file);
        putchar(',');
    }
    for (size_t k = 0; k < r->keep_count; k++) {
        const char *cell = r->set->kept ? r->set->kept[(size_t)row * r->keep_count + k] : NULL;
        if (cell) put_cell(cell);
        putchar(',');
    }
    if (!bad && classes) put_cell(soma_model_class_name(r->model, metrics_argmax(answer, n)));
    if (!bad && !classes) put_number(answer[0]);
    for (int64_t c = 0; classes && c < n; c++) {
        putchar(',');
        if (!bad) put_number(answer[c]);
    }
    putchar('\n');
}

static int put_json_row(const report *r, int64_t row, json_text *j) {
    int64_t n = r->model->outputs;
    const float *answer = r->answers + row * n;
    bool classes = r->model->task == SOMA_CLASSIFY, bad = unreadable(r, row);
    json_text_reset(j);
    json_put_open(j, NULL, '{');
    if (data_row_file(r->set, row)) json_put_string(j, "file", data_row_file(r->set, row));
    for (size_t k = 0; k < r->keep_count; k++)
        json_put_string(j, r->keep[k], r->set->kept ? r->set->kept[(size_t)row * r->keep_count + k] : NULL);
    if (bad)
        json_put_string(j, "prediction", NULL);
    else if (classes)
        json_put_string(j, "prediction", soma_model_class_name(r->model, metrics_argmax(answer, n)));
    else
        json_put_float(j, "prediction", answer[0]);
    if (classes && bad) json_put_string(j, "probabilities", NULL);
    if (classes && !bad) {
        json_put_open(j, "probabilities", '{');
        for (int64_t c = 0; c < n; c++) json_put_float(j, soma_model_class_name(r->model, c), answer[c]);
        json_put_close(j, '}');
    }
    json_put_close(j, '}');
    json_put_line(j);
    return print_answer(j, STATUS_OK);
}

/* Writes all rows; the status says whether each could be read. */
static int put_rows(const report *r, bool json) {
    json_text j = {0};
    int status = STATUS_OK;
    if (!json) put_csv_header(r);
    for (int64_t row = 0; row < r->set->rows && !output_closed(); row++) {
        if (unreadable(r, row)) {
            fflush(stdout);
            complain("%s", data_row_error(r->set, row));
            status = STATUS_FAILED;
        }
        if (!json)
            put_csv_row(r, row);
        else if (put_json_row(r, row, &j)) {
            status = STATUS_FAILED;
            break;
        }
    }
    json_text_clear(&j);
    return finish_output(status);
}

/* "a,b" as a list that ends in NULL, over a copy of the text. */
static size_t split_names(char *text, const char **names) {
    size_t n = 0;
    for (char *name; text && (name = strsep(&text, ","));)
        if (*name) names[n++] = name;
    names[n] = NULL;
    return n;
}

/* Whether a name promises a picture, so that one that can't be read is a row without an answer. */
static bool named_as_picture(const char *path) {
    static const char *const endings[] = {".png", ".jpg", ".jpeg"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < COUNT_OF(endings); i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

/* DATA, or pictures one by one. */
static soma_dataset *load(const command_line *line, data_options o, soma_error *error) {
    const char **paths = line->positional + 1;
    size_t count = (size_t)line->positional_count - 1;
    if (count == 1 && (access(paths[0], F_OK) || !(data_is_picture(paths[0]) || named_as_picture(paths[0]))))
        return data_load(NULL, paths[0], o, error);
    for (size_t i = 0; i < count; i++)
        if (!data_is_picture(paths[i]) && !named_as_picture(paths[i])) {
            error_set(error, SOMA_ERROR_ARGUMENT,
                      "%s: is no picture; predict takes one DATA or several PNG or JPEG files", paths[i]);
            return NULL;
        }
    return data_load_pictures(NULL, paths, count, o, error);
}

static int answer(soma_model *m, const command_line *line) {
    soma_error error = {0};
    const option_value *v = line->values;
    char *kept = strdup(v[KEEP].given ? v[KEEP].text : "");
    report r = {.model = m, .keep = calloc(strlen(v[KEEP].given ? v[KEEP].text : "") + 2, sizeof(char *))};
    soma_dataset *set = NULL;
    float *answers = NULL;
    int status = STATUS_FAILED;
    if (!kept || !r.keep) goto out_of_memory;
    r.keep_count = split_names(kept, r.keep);
    data_options o = {
        .labels = v[LABELS].text, .schema = &m->schema, .predict = true, .keep = r.keep_count ? r.keep : NULL};
    if (!(set = load(line, o, &error)) || check_sample(m, set, line->positional[1], &error)) {
        status = fail_with(&error, true);
        goto done;
    }
    size_t count;
    if (!size_multiply((size_t)set->rows, (size_t)m->outputs, &count)) goto out_of_memory;
    if (!(answers = mem_array(NULL, count, sizeof *answers))) goto out_of_memory;
    if (set->note) fprintf(stderr, "soma: %s\n", set->note);
    m->threads = threads_of(&v[THREADS]);
    m->backend = backend_of(&v[BACKEND]);
    m->precision = precision_of(&v[PRECISION]);
    if (model_answer(m, set, NULL, (size_t)set->rows, answers, &error)) {
        status = fail_with(&error, false);
        goto done;
    }
    tell_plan_note(m->plan);
    r.set = set;
    r.answers = answers;
    status = put_rows(&r, v[JSON].given);
    goto done;
out_of_memory:
    complain("soma: memory is out");
done:
    mem_free(NULL, answers);
    soma_dataset_destroy(set);
    free(r.keep);
    free(kept);
    return status;
}

static int run(const command_line *line) {
    soma_error error = {0};
    if (line->positional_count < 2) {
        complain("soma predict: MODEL and DATA are needed (soma predict --help)");
        return STATUS_USAGE;
    }
    soma_model *m = open_model(line->positional[0], &error);
    int status = m ? answer(m, line) : fail_with(&error, true);
    soma_model_destroy(m);
    return status;
}

const command command_predict = {
    .name = "predict",
    .arguments = "MODEL DATA|IMAGE…|- [options]",
    .summary = "answer each row of new data, as CSV",
    .description =
        "Answers each row of DATA (a .csv file, - for standard input, a .npy or .npz array, IDX or CIFAR-10 pictures, "
        "a known set) or each picture (PNG or JPEG files, or a folder of them) with MODEL (a model.onnx or a run "
        "folder) and prints CSV: file for pictures, prediction and, for classes, a probability p(NAME) for each. "
        "Columns are matched by name, in any order; the target may be there or not. Pictures of any size are made into "
        "the model's. A row or picture that can't be read gets an empty prediction and a message on standard error, "
        "and the status at the end is 1.",
    .options = rows,
    .examples = "  soma predict runs/latest new.csv > answers.csv\n"
                "  soma predict model.onnx new.csv --keep id,name --json\n"
                "  soma predict runs/latest holiday/*.jpg\n"
                "  tail -n +2 new.csv | cat header.csv - | soma predict model.onnx -\n",
    .run = run};
