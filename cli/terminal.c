/* cli/terminal.c: answers go to standard output, everything else to standard error; what the exit status says. */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

volatile int signals_stop;
static volatile sig_atomic_t pipe_broke; /* some pipe, stdout's or another */

void complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

int fail_with(const soma_error *error, bool reading) {
    complain("soma: %s", error->message);
    bool usage = error->code == SOMA_ERROR_ARGUMENT || error->code == SOMA_ERROR_INPUT;
    return usage || (reading && error->code == SOMA_ERROR_IO) ? STATUS_USAGE : STATUS_FAILED;
}

bool output_closed(void) { return pipe_broke && ferror(stdout); }

int finish_output(int status) {
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    if (output_closed()) return STATUS_OK;
    if (failed) {
        complain("soma: standard output can't be written");
        return status ? status : STATUS_FAILED;
    }
    return status;
}

static void note(int number) { signals_stop = number; }
static void note_pipe(int number) { pipe_broke = number; }

void signals_catch(void) {
    struct sigaction action = {0};
    action.sa_handler = note;
    action.sa_flags = (int)(SA_RESETHAND | (unsigned)SA_RESTART);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* A terminal that is closed says so more than once, which must not end the saving; under nohup nobody listens. */
    struct sigaction before;
    action.sa_flags = SA_RESTART;
    if (!sigaction(SIGHUP, NULL, &before) && before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, NULL);
}

void signals_ignore(void) {
    struct sigaction action = {0};
    action.sa_handler = note_pipe; /* the write fails all the same */
    action.sa_flags = SA_RESTART;
    sigaction(SIGPIPE, &action, NULL);
    signal(SIGXFSZ, SIG_IGN);
}

void streams_hold(void) {
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (fcntl(stream, F_GETFD) < 0 && errno == EBADF) open("/dev/null", O_RDONLY);
}
