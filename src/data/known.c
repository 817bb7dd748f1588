/* data/known.c: the table of known data sets and where their files are found.
 *
 * Nothing is fetched from anywhere: points are computed, soma's own sets are installed with it (share/soma/data), and
 * others stand where their Debian package puts them. Soma's own are looked for beside the running program, so that an
 * installation may be moved, and a build tree has the same folder as a link to the sources' data/. */
#include "data/known.h"

#include "data/source.h"
#include "data/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef SOMA_DATA_FOLDER
#define SOMA_DATA_FOLDER "/usr/local/share/soma/data"
#endif

static const char *const fashion[] = {"T-shirt/top", "Trouser", "Pullover", "Dress",      "Coat", "Sandal",
                                      "Shirt",       "Sneaker", "Bag",      "Ankle boot", NULL};

const known_set known_sets[] = {
    {.name = "moons", .kind = KNOWN_POINTS, .shape = POINTS_MOONS, .what = "points: two half circles that interlock"},
    {.name = "spiral", .kind = KNOWN_POINTS, .shape = POINTS_SPIRAL, .what = "points: two arms of a spiral"},
    {.name = "circles", .kind = KNOWN_POINTS, .shape = POINTS_CIRCLES, .what = "points: a ring within a ring"},
    {.name = "xor", .kind = KNOWN_POINTS, .shape = POINTS_XOR, .what = "points: exclusive or of the signs of x and y"},
    {.name = "blobs", .kind = KNOWN_POINTS, .shape = POINTS_BLOBS, .what = "points: three heaps"},
    {.name = "random",
     .kind = KNOWN_POINTS,
     .shape = POINTS_RANDOM,
     .what = "points: anywhere, their classes without a rule"},
    {.name = "iris",
     .kind = KNOWN_TABLE,
     .file = "tables/iris.csv",
     .what = "table: 150 flowers, 4 lengths, 3 species"},
    {.name = "wine",
     .kind = KNOWN_TABLE,
     .file = "tables/wine.csv",
     .what = "table: 178 wines, 13 measurements, 3 cultivars"},
    {.name = "breast_cancer",
     .kind = KNOWN_TABLE,
     .file = "tables/breast_cancer.csv",
     .what = "table: 569 tumours, 30 measurements of cell nuclei, 2 diagnoses"},
    {.name = "digits",
     .kind = KNOWN_TABLE,
     .file = "tables/digits.csv",
     .what = "table: 1,797 handwritten digits of 8 x 8, 10 classes"},
    {.name = "diabetes",
     .kind = KNOWN_TABLE,
     .file = "tables/diabetes.csv",
     .what = "table: 442 patients, 10 measurements; the progress of their disease, a number"},
    {.name = "mnist",
     .kind = KNOWN_PICTURES,
     .file = "mnist/train-images-idx3-ubyte.gz",
     .test_file = "mnist/t10k-images-idx3-ubyte.gz",
     .what = "pictures: a sample of MNIST, 7,000 and 1,500 handwritten digits of 28 x 28, 10 classes"},
    {.name = "fashion-mnist",
     .kind = KNOWN_PICTURES,
     .file = "fashion-mnist/train-images-idx3-ubyte.gz",
     .test_file = "fashion-mnist/t10k-images-idx3-ubyte.gz",
     .package = "dataset-fashion-mnist",
     .classes = fashion,
     .what = "pictures: 60,000 and 10,000 pieces of clothing of 28 x 28, 10 classes"},
    {.name = NULL},
};

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static const known_set *set_of(const char *name, size_t length) {
    for (const known_set *set = known_sets; set->name; set++)
        if (strlen(set->name) == length && !memcmp(set->name, name, length)) return set;
    return NULL;
}

static int take_part(known_choice *choice, const char *setting, soma_error *error) {
    const char *name = choice->set->name;
    if (!choice->set->test_file)
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s: %s takes no settings, not '%s'", choice->text, name, setting);
    if (!strcmp(setting, "part=train"))
        choice->part = KNOWN_TRAIN;
    else if (!strcmp(setting, "part=test"))
        choice->part = KNOWN_TEST;
    else
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s: %s takes part=train or part=test, not '%s'", choice->text,
                         name, setting);
    return SOMA_OK;
}

/* A word that could have been meant as a name: no path, no file's name. */
static int refuse_misspelt(const char *data, size_t length, soma_error *error) {
    enum { LONGEST = 32 };
    const char *names[LONGEST];
    char word[LONGEST];
    size_t n = 0;
    if (!length || length >= LONGEST || memchr(data, '/', length) || memchr(data, '.', length)) return SOMA_OK;
    for (const known_set *set = known_sets; set->name && n + 1 < LONGEST; set++) names[n++] = set->name;
    names[n] = NULL;
    snprintf(word, sizeof word, "%.*s", (int)length, data);
    const char *near = suggest(word, names);
    return near ? error_set(error, SOMA_ERROR_INPUT,
                            "%s: there is no such file, and no data set is called so; did you mean %s?", data, near)
                : SOMA_OK;
}

/* Whether folder + between + "/" + file can be opened. */
static bool there(const char *folder, const char *between, const char *file, char path[KNOWN_PATH]) {
    int length = snprintf(path, KNOWN_PATH, "%s%s/%s", folder, between, file);
    return length > 0 && length < KNOWN_PATH && source_exists(path);
}

/* Whether a file or folder of data may be meant; a run's folder, which people like to call as its data, is none. */
static bool is_path(const char *data) {
    static const char *const of_a_run[] = {"model.onnx", "checkpoint.safetensors"};
    char path[KNOWN_PATH];
    for (size_t i = 0; i < COUNT_OF(of_a_run); i++)
        if (there(data, "", of_a_run[i], path)) return false;
    return !strcmp(data, "-") || !access(data, F_OK);
}

int known_find(const char *data, known_choice *choice, soma_error *error) {
    size_t length = strcspn(data, ":");
    *choice = (known_choice){.text = data};
    if (is_path(data)) return SOMA_OK;
    const known_set *set = choice->set = set_of(data, length);
    if (!set) return access(data, F_OK) ? refuse_misspelt(data, length, error) : SOMA_OK;
    const char *settings = data[length] ? data + length + 1 : NULL;
    if (set->kind == KNOWN_POINTS) {
        choice->points = points_defaults(set->shape);
        return settings ? points_settings(data, settings, &choice->points, error) : SOMA_OK;
    }
    return settings ? take_part(choice, settings, error) : SOMA_OK;
}

bool known_has_test(const known_choice *choice) {
    return choice->set && choice->set->test_file && choice->part == KNOWN_EITHER;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

/* In a folder share/soma/data beside the program's: as installed, and as in a build tree. */
static bool beside_program(const char *file, char path[KNOWN_PATH]) {
    char program[KNOWN_PATH];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) return false;
    program[length] = 0;
    char *slash = strrchr(program, '/');
    if (!slash) return false;
    *slash = 0;
    return there(program, "/../share/soma/data", file, path) || there(program, "/share/soma/data", file, path);
}

int known_path(const known_choice *choice, bool test, char path[KNOWN_PATH], soma_error *error) {
    const known_set *set = choice->set;
    const char *file = test && set->test_file ? set->test_file : set->file, *folder = getenv("SOMA_DATA");
    bool own = folder && *folder;
    if (own            ? there(folder, "", file, path)
        : set->package ? there("/usr/share/datasets", "", file, path)
                       : beside_program(file, path) || there(SOMA_DATA_FOLDER, "", file, path))
        return SOMA_OK;
    if (own)
        return error_set(error, SOMA_ERROR_INPUT,
                         "%s: %s/%s is not there; expected it in the folder that SOMA_DATA names", choice->text, folder,
                         file);
    if (set->package)
        return error_set(error, SOMA_ERROR_INPUT, "%s: is brought by a package that is not installed: apt install %s",
                         choice->text, set->package);
    return error_set(error, SOMA_ERROR_INPUT,
                     "%s: soma's own data sets are not installed; expected %s in share/soma/data beside the program's "
                     "folder, or in the folder that SOMA_DATA names",
                     choice->text, file);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static soma_dataset *load_points(const soma_context *context, const known_choice *choice, data_options options,
                                 soma_error *error) {
    size_t size = 0;
    char *text = points_csv(context, &choice->points, &size);
    if (!text) {
        error_memory(error);
        return NULL;
    }
    /* the class is one however few points there are */
    if (options.task == TASK_AUTO && (!options.target || !strcmp(options.target, "class")))
        options.task = TASK_CLASSIFY;
    soma_dataset *set = table_load(context, choice->text, (const uint8_t *)text, size, &options, error);
    mem_free(context, text);
    return set;
}

soma_dataset *known_load(const soma_context *context, const known_choice *choice, data_options options,
                         soma_error *error) {
    char path[KNOWN_PATH];
    if (choice->set->kind == KNOWN_POINTS) return load_points(context, choice, options, error);
    if (options.labels && choice->set->kind == KNOWN_PICTURES) {
        error_set(error, SOMA_ERROR_ARGUMENT, "%s: brings its own labels; --labels is for files", choice->text);
        return NULL;
    }
    bool test = choice->part == KNOWN_EITHER ? options.schema != NULL : choice->part == KNOWN_TEST;
    if (known_path(choice, test, path, error)) return NULL;
    options.class_names = choice->set->classes;
    return data_load(context, path, options, error);
}
