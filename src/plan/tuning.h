/* plan/tuning.h: what the plan asks of a tuning. */
#ifndef PLAN_TUNING_H
#define PLAN_TUNING_H

#include "plan/plan.h"

enum { TUNING_KEY = 400, TUNING_NAME = 24 };

/* The name of a step in tunings. */
void tuning_key(const soma_plan *plan, const node *n, const kernel_call *call, bool constant, char key[TUNING_KEY]);
/* The fastest kernel measured for it; NULL: none was. */
const char *tuning_fastest(const soma_tuning *tuning, const char *key);
/* Whether it holds a kernel whose name starts so. */
bool tuning_names(const soma_tuning *tuning, const char *start);

/* choose.c: the name of the kernel of a step that more than one could compute, and its key; NULL: there is no choice.
 */
const char *plan_tunable(const soma_plan *plan, const step *s, char key[TUNING_KEY]);

#endif
