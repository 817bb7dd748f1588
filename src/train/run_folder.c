/* train/run_folder.c: making and finding run folders. A run is there if one of its files is; a foreign folder is only
 * added to, and what is not ours in it is never removed. An older run gives way piece by piece: its checkpoint when the
 * new run has one, its model when the new one is there, so that at no moment there is less than a whole run. */
#include "train/run_folder.h"

#include "format/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char *join(const soma_context *context, const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = mem_alloc(context, size);
    if (path) snprintf(path, size, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    return path;
}

int run_folder_name(const soma_context *context, const char *path, run_folder *f, soma_error *error) {
    *f = (run_folder){.context = context, .metrics_file = -1, .events_file = -1};
    if (!*path) return error_set(error, SOMA_ERROR_ARGUMENT, "the run folder's name is empty");
    f->path = mem_string(context, path);
    f->model = join(context, path, "model.onnx");
    f->checkpoint = join(context, path, "checkpoint.safetensors");
    f->previous = join(context, path, "checkpoint.previous.safetensors");
    f->metrics = join(context, path, "metrics.jsonl");
    f->rows = join(context, path, "rows.npy");
    f->events = join(context, path, "events.jsonl");
    if (f->path && f->model && f->checkpoint && f->previous && f->metrics && f->rows && f->events) return SOMA_OK;
    run_folder_clear(f);
    return error_memory(error);
}

bool run_folder_used(const run_folder *f) {
    return !access(f->model, F_OK) || !access(f->checkpoint, F_OK) || !access(f->previous, F_OK) ||
           !access(f->metrics, F_OK);
}

/* The folder and those above it. */
static int make_folders(const soma_context *context, const char *path, bool *made, soma_error *error) {
    char *part = mem_string(context, path);
    struct stat info;
    if (!part) return error_memory(error);
    for (char *at = part + 1; *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        mkdir(part, 0777);
        *at = '/';
    }
    mem_free(context, part);
    *made = !mkdir(path, 0777);
    if (!*made && errno != EEXIST)
        return error_set(error, errno == ENOTDIR ? SOMA_ERROR_ARGUMENT : SOMA_ERROR_IO,
                         "%s: the folder can't be made: %s", path, strerror(errno));
    if (stat(path, &info) || !S_ISDIR(info.st_mode))
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s: it is there and is not a folder; expected a folder's name",
                         path);
    return SOMA_OK;
}

int run_folder_create(run_folder *f, bool overwrite, soma_error *error) {
    f->replaces = run_folder_used(f);
    if (f->replaces && !overwrite)
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "%s: the folder holds a run; --overwrite replaces it, --resume %s goes on with it", f->path,
                         f->path);
    return make_folders(f->context, f->path, &f->made, error);
}

/* runs/latest is replaced in one step, by renaming a new link over it. */
static void point_latest(const char *name) {
    unlink("runs/.latest");
    if (!symlink(name, "runs/.latest") && rename("runs/.latest", "runs/latest")) unlink("runs/.latest");
}

int run_folder_create_new(const soma_context *context, run_folder *f, soma_error *error) {
    char stamp[32], path[64];
    time_t now = time(NULL);
    struct tm parts;
    bool made;
    *f = (run_folder){.context = context, .metrics_file = -1, .events_file = -1};
    if (!localtime_r(&now, &parts) || !strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &parts))
        return error_set(error, SOMA_ERROR_INTERNAL, "the time is not known");
    int code = make_folders(context, "runs", &made, error);
    if (code) return code;
    for (int suffix = 1;; suffix++) {
        if (suffix == 1)
            snprintf(path, sizeof path, "runs/%s", stamp);
        else
            snprintf(path, sizeof path, "runs/%s-%d", stamp, suffix);
        if (!mkdir(path, 0777)) break;
        if (errno != EEXIST || suffix > 9999)
            return error_set(error, SOMA_ERROR_IO, "%s: the folder can't be made: %s", path, strerror(errno));
    }
    int failed = run_folder_name(context, path, f, error);
    if (failed) rmdir(path);
    f->made = f->latest = !failed;
    f->made_above = made;
    return failed;
}

/* Whether it is the temporary file of one of ours: ".NAME.….partial". */
static bool is_partial(const run_folder *f, const char *name) {
    static const char ending[] = ".partial";
    const char *const ours[] = {f->model, f->checkpoint, f->metrics, f->rows};
    size_t length = strlen(name), end = sizeof ending - 1;
    if (*name != '.' || length < end || strcmp(name + length - end, ending) != 0) return false;
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        const char *own = strrchr(ours[i], '/') + 1;
        if (!strncmp(name + 1, own, strlen(own)) && name[1 + strlen(own)] == '.') return true;
    }
    return false;
}

void run_folder_tidy(const run_folder *f) {
    DIR *folder = opendir(f->path);
    if (!folder) return;
    int at = dirfd(folder);
    for (const struct dirent *entry; at >= 0 && (entry = readdir(folder));)
        if (is_partial(f, entry->d_name)) unlinkat(at, entry->d_name, 0);
    closedir(folder);
}

void run_folder_begun(run_folder *f) {
    if (f->replaces) {
        unlink(f->previous);
        unlink(f->metrics);
        unlink(f->events);
    }
    if (f->latest) point_latest(strrchr(f->path, '/') + 1);
    f->replaces = f->latest = false;
}

void run_folder_drop_empty(const run_folder *f) {
    if (f->made) rmdir(f->path); /* which does nothing when something is in it */
    if (f->made_above) rmdir("runs");
}

/* Appends to an open file; false with errno. */
static bool append(int file, const char *line) {
    size_t left = strlen(line);
    while (file >= 0 && left) {
        ssize_t written = write(file, line, left);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) break;
        line += written;
        left -= (size_t)written;
    }
    return !left;
}

int run_folder_metrics(run_folder *f, const char *line, soma_error *error) {
    if (f->metrics_file < 0) f->metrics_file = open(f->metrics, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return append(f->metrics_file, line)
               ? SOMA_OK
               : error_set(error, SOMA_ERROR_IO, "%s: writing failed: %s", f->metrics, strerror(errno));
}

/* Cuts off the beginning of a line that a killed process left. */
static bool drop_half_line(int file) {
    char bytes[4096];
    off_t end = lseek(file, 0, SEEK_END), at = end;
    while (at > 0) {
        size_t wanted = at < (off_t)sizeof bytes ? (size_t)at : sizeof bytes;
        if (pread(file, bytes, wanted, at - (off_t)wanted) != (ssize_t)wanted) return false;
        for (; wanted && bytes[wanted - 1] != '\n'; wanted--) at--;
        if (wanted) break;
    }
    return end >= 0 && (at == end || !ftruncate(file, at));
}

void run_folder_event(run_folder *f, const char *line) {
    if (f->events_failed || !f->events) return;
    if (f->events_file < 0) {
        f->events_file = open(f->events, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        f->events_failed = f->events_file < 0 || !drop_half_line(f->events_file);
    }
    if (!f->events_failed) f->events_failed = !append(f->events_file, line);
}

int run_folder_drop_metrics(run_folder *f, bool (*later)(void *user, const char *line), void *user, soma_error *error) {
    size_t size, kept = 0;
    if (access(f->metrics, F_OK)) return SOMA_OK;
    char *text = file_read_whole(f->metrics, (size_t)1 << 31, &size, f->context, error);
    if (!text) return error ? error->code : SOMA_ERROR_IO;
    for (char *line = text, *end; line < text + size; line = end) {
        char *stop = memchr(line, '\n', (size_t)(text + size - line));
        if (!stop) break; /* a line that was cut off */
        end = stop + 1;
        *stop = 0;
        bool drop = later(user, line);
        *stop = '\n';
        if (drop) continue;
        memmove(text + kept, line, (size_t)(end - line));
        kept += (size_t)(end - line);
    }
    int code = kept == size ? SOMA_OK : file_write_whole(f->metrics, text, kept, f->context, error);
    mem_free(f->context, text);
    return code;
}

void run_folder_clear(run_folder *f) {
    if (f->metrics_file >= 0) close(f->metrics_file);
    if (f->events_file >= 0) close(f->events_file);
    mem_free(f->context, f->path);
    mem_free(f->context, f->model);
    mem_free(f->context, f->checkpoint);
    mem_free(f->context, f->previous);
    mem_free(f->context, f->metrics);
    mem_free(f->context, f->rows);
    mem_free(f->context, f->events);
    *f = (run_folder){.context = f->context, .metrics_file = -1, .events_file = -1};
}
