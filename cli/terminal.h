/* cli/terminal.h: the program's two streams, its statuses and its signals. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "base/base.h"

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* A line on standard error. */
void complain(const char *format, ...) BASE_PRINTF(1, 2);
/* Prints an error's sentence; the status is 2 for bad usage and input (`reading`: also when a file can't be read), else
 * 1. */
int fail_with(const soma_error *error, bool reading);
/* Flushes standard output and gives the status to end with: `status`, or 0 when the reader has gone, or 1 when writing
 * failed. */
int finish_output(int status);
/* Whether whoever reads standard output has gone. */
bool output_closed(void);

/* From now on SIGINT, SIGTERM and SIGHUP only set the flag (a second one of the first two ends the program at once). */
void signals_catch(void);
extern volatile int signals_stop; /* the signal's number, 0 before */
/* Writing into a closed pipe, or a file beyond the size allowed, is an error to look at instead of the end. */
void signals_ignore(void);
/* Standard streams that the caller closed are held by something that can't be written, so that no file of ours gets
 * their number and what is meant for people. */
void streams_hold(void);

#endif
