/* cli/studio_runs.c: run folders, told as JSON and steered. What a run wrote (metrics.jsonl, events.jsonl) is handed on
 * piece by piece, of long curves some points: who asks says how far it has read, by byte offsets, and what it read them
 * of, by the files' inodes, since a run that is replaced or resumed writes its files anew. Each line is read and
 * written again, so that nothing but JSON leaves here whatever lies in the folder. */
#include "studio.h"

#if defined(SOMA_HAVE_HTTP) && defined(SOMA_HAVE_JSON)
#include "commands.h"
#include "control.h"
#include "train/checkpoint.h"
#include "train/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OK = 200, ACCEPTED = 202, BAD = 400, MISSING = 404, CONFLICT = 409, FAILED = 500 };
enum { PIECE = 1 << 19, RUNS_MOST = 500, FILE_NAME = 64 };

/* Takes `object` over. */
static studio_answer answer_with(unsigned status, json_t *object) {
    studio_answer a = {status, object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL};
    json_decref(object);
    return a;
}

static studio_answer answer_error(unsigned status, const char *format, ...) BASE_PRINTF(2, 3);
static studio_answer answer_error(unsigned status, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_t *object = json_object();
    /* a path need not be UTF-8 */
    json_object_set_new(object, "error", json_stringn(text, strlen(text)));
    if (!json_object_get(object, "error")) json_object_set_new(object, "error", json_string("this can't be done"));
    return answer_with(status, object);
}

/* ---- Folders --------------------------------------------------------------------------------------------------- */

static bool is_run(const char *path) {
    run_folder folder;
    soma_error error = {0};
    bool used = !run_folder_name(NULL, path, &folder, &error) && run_folder_used(&folder);
    run_folder_clear(&folder);
    return used;
}

/* The folder that is meant; a name from a request never leads out of ./runs. */
static bool path_of(const studio_runs *s, const char *name, char *path, size_t size) {
    if (s->one) return snprintf(path, size, "%s", s->one) < (int)size;
    if (!name) name = "latest";
    if (!*name || *name == '.' || strchr(name, '/')) return false;
    return snprintf(path, size, "runs/%s", name) < (int)size;
}

static int later_first(const void *a, const void *b) {
    return strcmp(*(const char *const *)b, *(const char *const *)a);
}

/* The names of the runs in ./runs, latest first by name, which begins with the time; each is to be freed. */
static size_t list_runs(char **list) {
    DIR *folder = opendir("runs");
    size_t count = 0;
    if (!folder) return 0;
    for (const struct dirent *entry; count < RUNS_MOST && (entry = readdir(folder));) {
        char path[300];
        if (*entry->d_name == '.' || !strcmp(entry->d_name, "latest")) continue;
        snprintf(path, sizeof path, "runs/%s", entry->d_name);
        if (is_run(path) && (list[count] = strdup(entry->d_name))) count++;
    }
    closedir(folder);
    qsort(list, count, sizeof *list, later_first);
    return count;
}

bool studio_runs_any(const studio_runs *s) {
    char *list[RUNS_MOST];
    if (s->one) return true;
    size_t count = list_runs(list);
    for (size_t i = 0; i < count; i++) free(list[i]);
    return count > 0;
}

static studio_answer tell_runs(const studio_runs *s) {
    char *list[RUNS_MOST], latest[256] = "";
    json_t *runs = json_array(), *object = json_object();
    size_t count = s->one ? 0 : list_runs(list);
    if (s->one) {
        json_array_append_new(runs, json_pack("{s:s?, s:b}", "name", s->one, "alive", control_alive(s->one)));
    } else {
        ssize_t length = readlink("runs/latest", latest, sizeof latest - 1);
        if (length > 0) latest[length] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        char path[300];
        snprintf(path, sizeof path, "runs/%s", list[i]);
        json_array_append_new(runs, json_pack("{s:s, s:b, s:b}", "name", list[i], "alive", control_alive(path),
                                              "latest", !strcmp(list[i], latest)));
        free(list[i]);
    }
    json_object_set_new(object, "runs", runs);
    return answer_with(OK, object);
}

/* ---- A run ------------------------------------------------------------------------------------------------------ */

/* What a training that was started here said last, when it ended with a failure. */
static json_t *last_words(const studio_runs *s) {
    char text[1024];
    off_t end = s->child_words >= 0 ? lseek(s->child_words, 0, SEEK_END) : 0;
    off_t from = end > (off_t)sizeof text - 1 ? end - (off_t)sizeof text + 1 : 0;
    ssize_t size = end > 0 ? pread(s->child_words, text, sizeof text - 1, from) : 0;
    while (size > 0 && text[size - 1] == '\n') size--;
    text[size > 0 ? size : 0] = 0;
    const char *line = strrchr(text, '\n');
    return json_string(line ? line + 1 : text);
}

/* How the training that was started here stands, for its run; null for others. */
static json_t *child_of(const studio_runs *s, const char *path) {
    if (!s->child || strcmp(s->child_run, path) != 0) return json_null();
    json_t *object = json_object();
    bool runs = s->child_status < 0;
    json_object_set_new(object, "status", runs ? json_null() : json_integer(s->child_status));
    json_object_set_new(object, "words", runs || !s->child_status ? json_null() : last_words(s));
    return object;
}

/* The options and the data that the run was begun with, out of its checkpoint; null when that can't be read just now.
 */
static json_t *begun_with(const run_folder *folder) {
    checkpoint c;
    soma_error error = {0};
    json_t *object = json_object(), *options = json_object();
    if (checkpoint_open(folder->checkpoint, folder->previous, NULL, &c, &error)) {
        json_decref(options);
        json_decref(object);
        return json_null();
    }
    for (const option_row *row = command_train.options; row->name; row++) {
        char key[64];
        snprintf(key, sizeof key, "soma.option.%s", row->name);
        const char *text = checkpoint_text(&c, key);
        if (text) json_object_set_new(options, row->name, json_string(text));
    }
    const char *data = checkpoint_text(&c, "soma.data");
    json_object_set_new(object, "data", data ? json_string(data) : json_null());
    json_object_set_new(object, "options", options);
    json_object_set_new(object, "epoch", json_integer(c.state.epoch));
    checkpoint_close(&c);
    return object;
}

static studio_answer tell_run(const studio_runs *s, const char *path, const run_folder *folder) {
    json_t *object = json_object();
    json_object_set_new(object, "path", json_string(path));
    json_object_set_new(object, "alive", json_boolean(control_alive(path)));
    json_object_set_new(object, "started", child_of(s, path));
    json_object_set_new(object, "begun", begun_with(folder));
    return answer_with(OK, object);
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static bool offset_of(const char *text, off_t *offset) {
    int64_t value = 0;
    if (text && (!number_whole(text, &value) || value < 0)) return false;
    *offset = (off_t)value;
    return true;
}

static void append_line(json_t *lines, const char *text, size_t length) {
    json_t *line = json_loadb(text, length, 0, NULL);
    if (json_is_object(line))
        json_array_append_new(lines, line);
    else
        json_decref(line);
}

/* Lines of an open file. */
typedef struct reading {
    int file;
    off_t offset;  /* moves behind what was read */
    int64_t every; /* so many lines, one is taken; and the last one */
    int64_t count;
    json_t *lines;
} reading;

/* The whole lines of one piece; false when there was none. */
static bool read_piece(reading *r, char *text) {
    ssize_t size = pread(r->file, text, PIECE, r->offset);
    size_t used = 0, end = size > 0 ? (size_t)size : 0;
    for (const char *stop; used < end && (stop = memchr(text + used, '\n', end - used)); r->count++) {
        size_t length = (size_t)(stop - text) - used;
        bool last = end < PIECE && !memchr(stop + 1, '\n', end - used - length - 1);
        if (r->count % r->every == 0 || last) append_line(r->lines, text + used, length);
        used += length + 1;
    }
    if (!used && end == PIECE) used = end; /* no line is as long: it is no file of ours */
    r->offset += (off_t)used;
    return used && end == PIECE;
}

/* One piece from an offset on; or, `thin`, all there is, with so many lines left out that it is about as much. *more:
 * there may be more. */
static json_t *lines_from(int file, off_t *offset, bool thin, bool *more) {
    struct stat info;
    reading r = {.file = file, .offset = *offset, .every = 1, .lines = json_array()};
    char *text = file >= 0 ? malloc(PIECE) : NULL;
    if (thin && text && !fstat(file, &info) && info.st_size > *offset)
        r.every = (int64_t)((info.st_size - *offset) / PIECE) + 1;
    do *more = text && read_piece(&r, text);
    while (thin && *more);
    *offset = r.offset;
    free(text);
    return r.lines;
}

/* Which files they are: another training's are others. */
static void file_name(const int files[2], char name[FILE_NAME]) {
    struct stat info[2] = {0};
    for (int i = 0; i < 2; i++)
        if (files[i] < 0 || fstat(files[i], &info[i])) info[i].st_ino = 0;
    snprintf(name, FILE_NAME, "%llx-%llx", (unsigned long long)info[0].st_ino, (unsigned long long)info[1].st_ino);
}

static bool is_shorter(int file, off_t offset) {
    struct stat info;
    return file >= 0 && offset && (fstat(file, &info) || info.st_size < offset);
}

static studio_answer tell_events(const studio_runs *s, const studio_question *q, const char *path,
                                 const run_folder *folder) {
    off_t offsets[2];
    char name[FILE_NAME];
    bool more[2];
    if (!offset_of(q->metrics, &offsets[0]) || !offset_of(q->events, &offsets[1]))
        return answer_error(BAD, "metrics and events are offsets: whole numbers from 0");
    bool alive = control_alive(path); /* before reading: what a run says last is then read */
    int files[2] = {open(folder->metrics, O_RDONLY | O_CLOEXEC), open(folder->events, O_RDONLY | O_CLOEXEC)};
    file_name(files, name);
    bool again =
        !q->file || strcmp(q->file, name) != 0 || is_shorter(files[0], offsets[0]) || is_shorter(files[1], offsets[1]);
    if (again) offsets[0] = offsets[1] = 0;
    json_t *object = json_object();
    json_object_set_new(object, "alive", json_boolean(alive));
    json_object_set_new(object, "started", child_of(s, path));
    json_object_set_new(object, "restart", json_boolean(again));
    json_object_set_new(object, "metrics", lines_from(files[0], &offsets[0], true, &more[0]));
    json_object_set_new(object, "events", lines_from(files[1], &offsets[1], false, &more[1]));
    json_object_set_new(object, "more", json_boolean(more[0] || more[1]));
    json_object_set_new(object, "next",
                        json_pack("{s:I, s:I, s:s}", "metrics", (json_int_t)offsets[0], "events",
                                  (json_int_t)offsets[1], "file", name));
    for (int i = 0; i < 2; i++)
        if (files[i] >= 0) close(files[i]);
    return answer_with(OK, object);
}

/* ---- Steering --------------------------------------------------------------------------------------------------- */

static void look_after_child(studio_runs *s) {
    int status;
    if (!s->child || s->child_status >= 0 || waitpid(s->child, &status, WNOHANG) != s->child) return;
    s->child_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The number of epochs that a start may ask for; 0: none was given, -1: it makes no sense. */
static int64_t epochs_of(const studio_question *q) {
    if (!q->body_size) return 0;
    json_t *body = json_loadb(q->body, q->body_size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *value = json_object_get(body, "epochs");
    int64_t epochs = !json_is_object(body) || (value && !json_is_integer(value)) ? -1
                     : value                                                     ? (int64_t)json_integer_value(value)
                                                                                 : 0;
    if (value && (epochs < 1 || epochs > 1000000000)) epochs = -1;
    json_decref(body);
    return epochs;
}

/* soma train --resume PATH, in a session of its own: it goes on when the server ends. What it says is kept in a file
 * without a name. */
static int spawn_training(studio_runs *s, const char *path, int64_t epochs) {
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)epochs);
    char *words[] = {strdup("soma"), strdup("train"), strdup("--resume"), strdup(path), NULL, NULL, NULL};
    if (epochs) {
        words[4] = strdup("--epochs");
        words[5] = strdup(number);
    }
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < COUNT_OF(signals); i++) sigaddset(&usual, signals[i]);
    if (s->child_words >= 0) close(s->child_words);
    s->child_words = memfd_create("soma-train", MFD_CLOEXEC);
    int code = words[0] && words[1] && words[2] && words[3] && s->child_words >= 0 ? 0 : ENOMEM;
    if (!code && !(code = posix_spawn_file_actions_init(&files))) {
        if (!(code = posix_spawnattr_init(&how))) {
            posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
            posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
            posix_spawn_file_actions_adddup2(&files, s->child_words, STDERR_FILENO);
            posix_spawnattr_setflags(&how,
                                     (short)(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
            posix_spawnattr_setsigmask(&how, &none);
            posix_spawnattr_setsigdefault(&how, &usual);
            code = posix_spawn(&s->child, "/proc/self/exe", &files, &how, words, environ);
            posix_spawnattr_destroy(&how);
        }
        posix_spawn_file_actions_destroy(&files);
    }
    for (size_t i = 0; i < COUNT_OF(words); i++) free(words[i]);
    s->child_status = code ? 1 : -1;
    if (code) s->child = 0;
    snprintf(s->child_run, sizeof s->child_run, "%s", path);
    return code;
}

static studio_answer start(studio_runs *s, const studio_question *q, const char *path) {
    int64_t epochs = epochs_of(q);
    if (epochs < 0) return answer_error(BAD, "the body is {\"epochs\": N}, N a whole number from 1, or empty");
    if (control_alive(path)) return answer_error(CONFLICT, "%s: the training is going on already", path);
    if (s->child && s->child_status < 0)
        return answer_error(CONFLICT, "a training that was started here is not done yet");
    int code = spawn_training(s, path, epochs);
    if (code) return answer_error(FAILED, "%s: the training can't be started: %s", path, strerror(code));
    return answer_with(ACCEPTED, json_pack("{s:s}", "asked", "start"));
}

static studio_answer steer(const char *name, const char *path) {
    control_word word = !strcmp(name, "pause")    ? CONTROL_PAUSE
                        : !strcmp(name, "resume") ? CONTROL_RESUME
                                                  : CONTROL_STOP;
    if (!control_tell(path, word)) return answer_error(CONFLICT, "%s: no training is going on there", path);
    return answer_with(ACCEPTED, json_pack("{s:s}", "asked", name));
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

const char *studio_runs_method(const char *name) {
    static const char *const names[][2] = {{"runs", "GET"},   {"run", "GET"},     {"events", "GET"}, {"start", "POST"},
                                           {"pause", "POST"}, {"resume", "POST"}, {"stop", "POST"}};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (!strcmp(names[i][0], name)) return names[i][1];
    return NULL;
}

studio_answer studio_runs_answer(studio_runs *s, const studio_question *q) {
    char path[4096];
    soma_error error = {0};
    run_folder folder;
    look_after_child(s);
    if (!strcmp(q->name, "runs")) return tell_runs(s);
    if (!path_of(s, q->run, path, sizeof path)) return answer_error(BAD, "there can't be a run of that name");
    if (!is_run(path)) return answer_error(MISSING, "%s: there is no run in it", path);
    if (q->post) return !strcmp(q->name, "start") ? start(s, q, path) : steer(q->name, path);
    if (run_folder_name(NULL, path, &folder, &error)) return answer_error(FAILED, "%s", error.message);
    studio_answer a = !strcmp(q->name, "run") ? tell_run(s, path, &folder) : tell_events(s, q, path, &folder);
    run_folder_clear(&folder);
    return a;
}
#endif
