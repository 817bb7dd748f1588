/* cli/new.c: `soma new DIR`: a C project that builds and trains, to change into one's own. Its files are those of
 * examples/starter, in which the folder's name takes the place of the word "starter". */
#include "commands.h"
#include "format/file.h"
#include "starter.h"
#include "terminal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { NAME_TEXT = 64 };

static const option_row rows[] = {{0}};

/* What a folder's name makes for the name of a program: letters, digits and _, a letter first. */
static void project_name(const char *folder, char name[NAME_TEXT]) {
    size_t end = strlen(folder), begin, n = 0;
    while (end > 1 && folder[end - 1] == '/') end--;
    for (begin = end; begin > 0 && folder[begin - 1] != '/';) begin--;
    for (; begin < end && n + 1 < NAME_TEXT; begin++) {
        unsigned char c = (unsigned char)folder[begin];
        if (n || (c < 128 && isalpha(c))) name[n++] = c < 128 && isalnum(c) ? (char)c : '_';
    }
    name[n] = 0;
    /* names that mean something to CMake */
    static const char *const taken[] = {"all", "clean", "help", "install", "test", "package", "soma", NULL};
    for (size_t i = 0; taken[i]; i++)
        if (!strcmp(name, taken[i])) n = 0;
    if (!n) strcpy(name, "starter");
}

/* The folder, made or found empty. */
static int take_folder(const char *path, soma_error *error) {
    if (!mkdir(path, 0777)) return SOMA_OK;
    bool full = errno == ENOSPC || errno == EIO || errno == EDQUOT;
    if (errno != EEXIST)
        return error_set(error, full ? SOMA_ERROR_IO : SOMA_ERROR_INPUT, "%s: the folder can't be made: %s", path,
                         strerror(errno));
    DIR *folder = opendir(path);
    if (!folder)
        return error_set(error, SOMA_ERROR_INPUT, "%s: can't be opened as a folder: %s", path, strerror(errno));
    bool empty = true;
    for (const struct dirent *entry; (entry = readdir(folder));)
        empty = empty && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."));
    closedir(folder);
    return empty ? SOMA_OK
                 : error_set(error, SOMA_ERROR_INPUT,
                             "%s: holds files already; expected a folder that is empty or not there yet", path);
}

/* `text` with every "starter" replaced by `name`. */
static int write_file(const char *folder, const starter_file *file, const char *name, soma_error *error) {
    static const char word[] = "starter";
    size_t size = strlen(folder) + strlen(file->name) + 2;
    char *path = mem_alloc(NULL, size);
    if (!path) return error_memory(error);
    snprintf(path, size, "%s/%s", folder, file->name);
    file_writer *writer = file_create(path, NULL, error);
    int code = writer ? SOMA_OK : error->code;
    for (const char *at = file->text, *next; !code && *at; at = next) {
        const char *found = strstr(at, word);
        code = file_write(writer, at, found ? (size_t)(found - at) : strlen(at), error);
        if (!code && found) code = file_write(writer, name, strlen(name), error);
        next = found ? found + sizeof word - 1 : "";
    }
    if (code)
        file_abort(writer);
    else
        code = file_commit(writer, error);
    mem_free(NULL, path);
    return code;
}

static int run(const command_line *line) {
    soma_error error = {0};
    char name[NAME_TEXT];
    if (line->positional_count != 1) {
        complain("soma new: one DIR is needed, %d were given (soma new --help)", line->positional_count);
        return STATUS_USAGE;
    }
    const char *folder = line->positional[0];
    if (!*folder) {
        complain("soma new: the folder's name is empty");
        return STATUS_USAGE;
    }
    if (take_folder(folder, &error)) return fail_with(&error, false);
    project_name(folder, name);
    int code = SOMA_OK;
    for (const starter_file *file = starter_files; file->name && !code; file++)
        code = write_file(folder, file, name, &error);
    if (code) return fail_with(&error, false);
    printf("%s is ready:\n  cd %s\n  cmake -B build && cmake --build build\n  ./build/%s\n", folder, folder, name);
    return finish_output(STATUS_OK);
}

const command command_new = {
    .name = "new",
    .arguments = "DIR",
    .summary = "write a C project to start from",
    .description =
        "Writes a small C project into DIR, which must be empty or not there yet: CMakeLists.txt, which finds "
        "the installed library by find_package(soma), main.c, which trains a network on points of two spirals "
        "or on two CSV files and prints how well it answers, and README.md.",
    .options = rows,
    .examples = "  soma new first && cd first && cmake -B build && cmake --build build && ./build/first\n",
    .run = run};
