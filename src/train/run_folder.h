/* train/run_folder.h: the folder that a training writes: model.onnx, checkpoint.safetensors (and the one before it),
 * metrics.jsonl, rows.npy (data/fingerprints.h), and events.jsonl, by which one can watch it. */
#ifndef TRAIN_RUN_FOLDER_H
#define TRAIN_RUN_FOLDER_H

#include "base/base.h"

typedef struct run_folder {
    const soma_context *context;
    char *path, *model, *checkpoint, *previous, *metrics, *rows, *events; /* the folder and its files */
    int metrics_file, events_file;                                        /* open for appending, or -1 */
    bool events_failed;                                                   /* then no more are written */
    bool made, made_above; /* it was made here; and so was runs/ above it */
    bool replaces, latest; /* it holds an older run; runs/latest is to point to it */
} run_folder;

/* The names only; nothing is touched. */
int run_folder_name(const soma_context *context, const char *path, run_folder *f, soma_error *error);
/* Whether it holds a run. */
bool run_folder_used(const run_folder *f);
/* Makes the folder. One that holds a run is refused without `overwrite`; with it the old files stay until
 * run_folder_begun. */
int run_folder_create(run_folder *f, bool overwrite, soma_error *error);
/* Makes runs/<time> below the working directory, with a suffix if that exists. */
int run_folder_create_new(const soma_context *context, run_folder *f, soma_error *error);
/* To be called before the first checkpoint is written: removes half files that a killed process left. */
void run_folder_tidy(const run_folder *f);
/* To be called when the first checkpoint is there: removes what is left of an older run but its model, which the new
 * one will replace, and points runs/latest to the new run. */
void run_folder_begun(run_folder *f);
/* After a failure: removes what was made here if nothing is in it. */
void run_folder_drop_empty(const run_folder *f);
/* A line of metrics.jsonl, with its line break. */
int run_folder_metrics(run_folder *f, const char *line, soma_error *error);
/* A line of events.jsonl. Nobody's training fails because it can't be watched: after a failure no more are written. */
void run_folder_event(run_folder *f, const char *line);
/* Drops the lines of metrics.jsonl of which `later` says so. */
int run_folder_drop_metrics(run_folder *f, bool (*later)(void *user, const char *line), void *user, soma_error *error);
void run_folder_clear(run_folder *f);

#endif
