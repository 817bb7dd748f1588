/* cli/control.c: the socket in a run folder. It takes datagrams, one word each: no connection can be left open or half
 * written, and whether someone listens is what connecting says. Only the user who trains may write to it. A socket's
 * address is short; in a folder whose name is longer it is reached through /proc/self/fd. */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char socket_name[] = "control.sock";
static const char *const words[] = {
    [CONTROL_NONE] = "", [CONTROL_PAUSE] = "pause", [CONTROL_RESUME] = "resume", [CONTROL_STOP] = "stop"};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The address in a folder; *held is to be closed after its use if it isn't -1. */
static bool address_in(const char *folder, struct sockaddr_un *address, int *held) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *held = -1;
    int length = snprintf(address->sun_path, sizeof address->sun_path, "%s/%s", folder, socket_name);
    if (length > 0 && (size_t)length < sizeof address->sun_path) return true;
    *held = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*held < 0) return false;
    snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", *held, socket_name);
    return true;
}

/* A socket connected to the one in the folder, or -1: nobody listens. */
static int reach(const char *folder) {
    struct sockaddr_un address;
    int held, fd = -1;
    if (!address_in(folder, &address, &held)) return -1;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address)) {
        close(fd);
        fd = -1;
    }
    if (held >= 0) close(held);
    return fd;
}

bool control_alive(const char *folder) {
    int fd = reach(folder);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

bool control_tell(const char *folder, control_word word) {
    int fd = reach(folder);
    bool sent = fd >= 0 && send(fd, words[word], strlen(words[word]), MSG_NOSIGNAL) >= 0;
    if (fd >= 0) close(fd);
    return sent;
}

void control_open(control *c, const char *folder) {
    struct sockaddr_un address;
    int held;
    *c = (control){.socket = -1, .folder = strdup(folder)};
    if (!c->folder || !address_in(folder, &address, &held)) return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat info;
    /* The mode that a socket is made with is that of its descriptor, so that at no moment others may write to it. */
    bool ready = fd >= 0 && !fchmod(fd, 0600);
    if (ready && !lstat(address.sun_path, &info) && S_ISSOCK(info.st_mode)) unlink(address.sun_path);
    if (ready && !bind(fd, (const struct sockaddr *)&address, sizeof address))
        c->socket = fd;
    else if (fd >= 0)
        close(fd);
    if (held >= 0) close(held);
}

control_word control_wait(control *c, int milliseconds) {
    char word[16];
    struct pollfd p = {.fd = c->socket, .events = POLLIN};
    if (c->socket < 0 || (milliseconds && poll(&p, 1, milliseconds) <= 0)) return CONTROL_NONE;
    ssize_t length = recv(c->socket, word, sizeof word - 1, 0);
    if (length <= 0) return CONTROL_NONE;
    word[length] = 0;
    for (int i = CONTROL_PAUSE; i <= CONTROL_STOP; i++)
        if (!strcmp(word, words[i])) return (control_word)i;
    return CONTROL_NONE;
}

control_word control_take(control *c) {
    if (c->socket < 0) return CONTROL_NONE;
    double time = now();
    if (time - c->last < 0.02) return CONTROL_NONE;
    c->last = time;
    return control_wait(c, 0);
}

void control_close(control *c) {
    struct sockaddr_un address;
    int held;
    if (c->socket >= 0) {
        close(c->socket);
        if (address_in(c->folder, &address, &held)) {
            unlink(address.sun_path);
            if (held >= 0) close(held);
        }
    }
    free(c->folder);
    *c = (control){.socket = -1};
}
