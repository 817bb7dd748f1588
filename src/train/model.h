/* train/model.h: the inside of a model, and how its network becomes a graph. */
#ifndef TRAIN_MODEL_H
#define TRAIN_MODEL_H

#include "data/data.h"
#include "format/onnx.h"
#include "nn/spec.h"
#include "plan/store.h"
#include "train/metrics.h"
#include "train/preprocess.h"

#include <soma/model.h>

/* A network as a graph. */
typedef struct network {
    soma_graph *graph;
    soma_value x;      /* [N, sample…], raw */
    soma_value raw;    /* what the specification gives: probabilities, one sigmoid [N, 1], or training units [N, 1] */
    soma_value answer; /* probabilities [N, classes], or [N, 1] in the target's units */
    soma_value target; /* int64 [N] or float [N, 1]; without a node when there is no loss */
    soma_value loss;
    soma_value next_target, share; /* where pictures are mixed for training: the other target, and the scalar weight of
                                    * the first in the loss; else without a node */
} network;

/* A parameter that the caller set or froze. */
typedef struct preset {
    char *name;
    float *values; /* NULL: only frozen */
    size_t count;
    bool frozen;
} preset;

struct soma_model {
    const soma_context *context;
    char *spec_text; /* as given; NULL: chosen by the data */
    spec *spec;      /* with its head; NULL before fit, and for a model that was loaded */
    spec_head head;
    soma_shape sample;
    soma_task task;
    int64_t outputs;     /* classes or 1; 0: not known yet */
    bool sigmoid;        /* the answer is [1 - s, s] of one sigmoid */
    table_schema schema; /* class names always; columns when it was trained on a table file */
    preprocess preprocess;
    soma_init init;
    bool init_given;
    const float *class_weights; /* while it trains with weighted classes; borrowed; else NULL */
    preset *presets;
    size_t presets_count, presets_capacity;
    soma_store *store;    /* NULL before fit */
    size_t variables;     /* the first ones of the store belong to the model, the others to its optimizer */
    onnx_model *imported; /* of a model that was loaded */
    network network;      /* for answers; its graph is the imported one's, or made when first wanted */
    soma_plan *plan;      /* of the answer network */
    soma_run *run;
    int64_t plan_rows;
    bool plan_loss; /* the plan computes the loss too */
    int threads;
    soma_backend backend;
    soma_precision precision;
    soma_algorithm algorithm;
    int64_t best_epoch, epochs;
    bool mixed;        /* while it trains on mixed pictures: its loss has two targets */
    double data_share; /* of the seconds in which it was trained: waiting for batches */
};

/* Gives the model its head for `outputs` classes (or numbers) and its specification when none was given; `rows` are
 * those that it will be trained on. `note` (may be NULL) gets a sentence when a head was appended. */
int model_resolve(soma_model *m, int64_t outputs, int64_t rows, char *note, size_t note_size, soma_error *error);
/* Why constant hidden weights are refused. */
extern const char symmetric_reason[];
/* Builds the network in a graph of its own. */
int network_build(const soma_model *m, bool training, bool with_loss, network *n, soma_error *error);
/* The loss over the answers of a graph that was loaded: cross-entropy, or the squared error in the target's units. */
void network_add_loss(const soma_model *m, network *n);
void network_clear(network *n);
/* Drops what was compiled for answers, because weights or options changed. */
void model_forget_plan(soma_model *m);
/* Takes a copy of what the data's columns and classes are called. */
int model_take_schema(soma_model *m, const table_schema *schema, soma_error *error);

/* Answers for rows of a set ([count, outputs] floats), asked in batches. */
int model_answer(soma_model *m, const soma_dataset *set, const int64_t *rows, size_t count, float *answers,
                 soma_error *error);
/* Answers compared with the truth. The metrics must have been created for the model's classes. */
int model_measure(soma_model *m, const soma_dataset *set, const int64_t *rows, size_t count, metrics *measured,
                  soma_error *error);
/* The largest batch in which answers are computed for samples of this size. */
int64_t answer_batch(const soma_model *m, int64_t rows);

/* A set over the caller's arrays; nothing is copied. y may be NULL. `classes` (int64 [rows]) gets the class indices. */
int set_of_arrays(const soma_model *m, const float *x, const float *y, int64_t rows, int64_t *classes,
                  soma_dataset *set, soma_error *error);

/* The metadata of a saved model, `soma.model` as JSON. */
char *model_metadata(const soma_model *m);
int model_read_metadata(soma_model *m, const char *text, const char *file, soma_error *error);

#endif
