/* cli/settings.h: options of the form NAME:key=value,…: optimizers and schedules with their settings. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "base/base.h"

#include <soma/nn.h>

typedef struct optimizer_choice {
    soma_optimizer optimizer;
    bool lr_given, weight_decay_given;
} optimizer_choice;

/* "adam:lr=1e-3,beta2=0.99". What isn't said is PyTorch's default. */
int optimizer_read(const char *text, optimizer_choice *choice, soma_error *error);
/* "onecycle:max=0.2"; a plateau's patience that isn't said is negative. */
int schedule_read(const char *text, soma_schedule *schedule, soma_error *error);

extern const char *const optimizer_names[], *const schedule_names[];

#endif
