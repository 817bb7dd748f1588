/* cli/control.h: how a training is told to pause, go on or stop: words sent to a socket in its run folder. */
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include "base/base.h"

typedef enum control_word { CONTROL_NONE, CONTROL_PAUSE, CONTROL_RESUME, CONTROL_STOP } control_word;

/* A training's ear; all zero but for the socket, -1, when it has none. */
typedef struct control {
    int socket;
    char *folder;
    double last; /* when it was last listened to */
} control;

/* Listens in a folder. A socket that a killed training left is replaced. Where the file system knows no sockets there
 * is none, and the training can't be steered. */
void control_open(control *c, const char *folder);
/* What has been said, if anything. To be called after each step: it looks at most fifty times a second. */
control_word control_take(control *c);
/* The same, waiting for up to so many milliseconds; a signal ends the wait. */
control_word control_wait(control *c, int milliseconds);
void control_close(control *c);

/* Whether a training listens in a folder. */
bool control_alive(const char *folder);
/* Tells it; false when nobody listens. */
bool control_tell(const char *folder, control_word word);

#endif
