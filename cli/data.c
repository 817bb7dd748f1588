/* cli/data.c: `soma data`: which data sets have names, and a table or point set as CSV. */
#include "commands.h"
#include "data/known.h"
#include "data/source.h"
#include "terminal.h"

#include <stdio.h>

static const option_row rows[] = {{0}};

static int list_sets(void) {
    for (const known_set *set = known_sets; set->name; set++) {
        printf("%-14s %s", set->name, set->what);
        if (set->package) printf(" (package %s)", set->package);
        putchar('\n');
    }
    return finish_output(STATUS_OK);
}

/* The text of a set; NULL and a sentence on failure. */
static char *text_of(const known_choice *choice, size_t *size, soma_error *error) {
    char path[KNOWN_PATH];
    uint8_t *bytes = NULL;
    if (!choice->set) {
        error_set(error, SOMA_ERROR_ARGUMENT, "%s: is no known set; soma data lists them", choice->text);
        return NULL;
    }
    if (choice->set->kind == KNOWN_PICTURES) {
        error_set(error, SOMA_ERROR_ARGUMENT, "%s: holds pictures; only tables and points can be written as CSV",
                  choice->text);
        return NULL;
    }
    if (choice->set->kind == KNOWN_POINTS) {
        char *text = points_csv(NULL, &choice->points, size);
        if (!text) error_memory(error);
        return text;
    }
    if (known_path(choice, false, path, error) || !source_load(NULL, path, &bytes, size, error)) return NULL;
    return (char *)bytes;
}

static int run(const command_line *line) {
    soma_error error = {0};
    known_choice choice;
    size_t size = 0;
    if (!line->positional_count) return list_sets();
    if (line->positional_count > 1) {
        complain("soma data: one SET is taken; '%s' is one too many", line->positional[1]);
        return STATUS_USAGE;
    }
    char *text = known_find(line->positional[0], &choice, &error) ? NULL : text_of(&choice, &size, &error);
    if (!text) return fail_with(&error, true);
    fwrite(text, 1, size, stdout);
    mem_free(NULL, text);
    return finish_output(STATUS_OK);
}

const command command_data = {
    .name = "data",
    .arguments = "[SET]",
    .summary = "list the data sets that have a name; write one as CSV",
    .description =
        "Without SET lists the data sets that train, eval and predict take by name; a file or folder of that name "
        "comes "
        "first. With the name of a table or of a point set writes it as CSV on standard output.\n\n"
        "Points take settings: SET:points=N,noise=X,seed=N; spiral also turns=X, blobs also classes=N. The same name "
        "always means the same points, whatever --seed trains; another seed gives fresh ones of the same kind. "
        "Pictures "
        "have a part that tests and take part=train or part=test; train reads the former and tests on the latter, eval "
        "and predict read the latter. SOMA_DATA=DIR in the environment names another folder to find files in.",
    .options = rows,
    .examples = "  soma data\n"
                "  soma data spiral:points=1000,noise=0.05 > spiral.csv\n"
                "  soma train spiral --test 0.2\n"
                "  soma eval runs/latest spiral:seed=1\n",
    .run = run};
