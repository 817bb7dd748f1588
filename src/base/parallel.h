/* base/parallel.h: soma_parallel: one region a run, with barriers inside it.
 *
 * A team of threads belongs to a run. team_run calls body(argument, index) for every index below the team's size, all
 * at the same time, and returns when all have ended; with one thread it is a plain call. Between two regions the
 * workers spin for a short while, then sleep. */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <soma/base.h>

typedef struct team team;

/* A team of `threads`, the caller's included; of fewer when the system gives fewer (team_size). A team of one starts no
 * thread. NULL when memory is out. */
team *team_create(const soma_context *context, int threads);
void team_destroy(team *t);
int team_size(const team *t);
/* Runs a region on `threads` of the team (at most its size). */
void team_run(team *t, int threads, void (*body)(void *argument, int index), void *argument);
/* Waits, inside a region, until all its threads have come here. */
void team_barrier(team *t);
/* The processors that this process may use. */
int processors_available(void);

#endif
