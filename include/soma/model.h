/* soma/model.h: data in, answers out: a network with its preprocessing, trained, asked, saved and loaded.
 *
 * A model scales its inputs by what it learnt from the rows it was trained on, and keeps that inside: it is given raw
 * values before and after saving. What is saved is a standard ONNX file that other runtimes run as it is. A model
 * serves one thread at a time. */
#ifndef SOMA_MODEL_H
#define SOMA_MODEL_H

#include <soma/nn.h>

SOMA_BEGIN_C

typedef struct soma_model soma_model;

typedef enum soma_task {
    SOMA_CLASSIFY = 1, /* answers are probabilities of classes 0, 1, … */
    SOMA_REGRESS       /* the answer is a number */
} soma_task;

/* A model that fit will train. `spec` is a specification string ("dense 64 relu, dense 3"), a name of the zoo ("lenet")
 * or NULL for a network chosen by the size of the data; `sample` the shape of one sample without the batch:
 * soma_shape1(F) for rows of numbers, soma_shape3(C, H, W) for pictures. If the last layer of `spec` is a dense without
 * activation, or with the one that the task needs (softmax, sigmoid for one output, none for a number), it is the head,
 * and its width the number of classes; otherwise a head is appended. NULL and a sentence on failure. */
SOMA_API soma_model *soma_model_create(const char *spec, soma_shape sample, soma_task task, soma_error *error);
SOMA_API soma_model *soma_model_create_in(const soma_context *context, const char *spec, soma_shape sample,
                                          soma_task task, soma_error *error);
SOMA_API void soma_model_destroy(soma_model *model);

/* ---- Training ------------------------------------------------------------------------------------------------------
 */

/* What is known at the end of an epoch. `metric` is the accuracy of a classifier, the root mean square error of a
 * regression in the target's units, over the epoch while the weights moved. Values that do not exist are NaN. */
typedef struct soma_epoch {
    int64_t epoch SOMA_ZERO; /* from 1 */
    double loss SOMA_ZERO;   /* mean over the epoch, without penalties, in training units */
    double metric SOMA_ZERO;
    double val_loss SOMA_ZERO; /* on the rows held back */
    double val_metric SOMA_ZERO;
    double learning_rate SOMA_ZERO;
    double seconds SOMA_ZERO;
    double samples_per_second SOMA_ZERO;
    bool best SOMA_ZERO;        /* the best epoch so far */
    double monitored SOMA_ZERO; /* the number that decides that */
} soma_epoch;

typedef struct soma_fit_options {
    int64_t epochs SOMA_ZERO;           /* full passes over the rows; not given: 200 */
    int64_t batch SOMA_ZERO;            /* rows a step; not given: chosen by the number of rows */
    double validation SOMA_ZERO;        /* fraction of the rows held back, stratified by class; not given: none */
    int64_t patience SOMA_ZERO;         /* epochs without a better validation loss before training ends; not given: 20;
                                           negative: never. The best epoch's weights are kept in any case. */
    soma_optimizer optimizer SOMA_ZERO; /* learning_rate 0: AdamW, its rate chosen by the size of the data */
    soma_schedule schedule SOMA_ZERO;   /* of the learning rate; not given: constant */
    int64_t accumulate SOMA_ZERO;       /* batches whose mean gradient makes one update; not given: 1 */
    double average SOMA_ZERO;           /* decay of averaged weights, which are measured, kept and saved; 0: none */
    bool balance SOMA_ZERO;             /* classes are weighted so that each counts the same */
    uint64_t seed SOMA_ZERO; /* of initial values, shuffling, splits and dropout: the same seed gives the same bits */
    int threads SOMA_ZERO;   /* not given: the processors available */
    soma_backend backend SOMA_ZERO;
    soma_precision precision SOMA_ZERO;  /* of training and of later answers */
    soma_algorithm algorithm SOMA_ZERO;  /* of convolutions */
    const soma_tuning *tuning SOMA_ZERO; /* as in soma_plan_options, of training */
    int64_t memory SOMA_ZERO;            /* bytes, as in soma_plan_options; not given: any */
    /* Called after each epoch; anything but 0 ends training after it. */
    int (*on_epoch)(void *user, const soma_epoch *epoch) SOMA_ZERO;
    void *user SOMA_ZERO;
    /* When it becomes other than 0 (in a signal handler, say) the step at work is finished and training ends. */
    const volatile int *stop SOMA_ZERO;
    const char *checkpoint SOMA_ZERO; /* file that gets the state of training at each epoch's end; not given: none */
    bool resume SOMA_ZERO;            /* go on from the state in `checkpoint`, made with the same data and options */
    bool allow_symmetric SOMA_ZERO;   /* accept hidden weights that all start equal, which can never become different */
    soma_init init SOMA_ZERO;         /* of the weights, where init_given is set; otherwise each layer's own */
    bool init_given SOMA_ZERO;
} soma_fit_options;

/* Trains on `rows` samples: x holds them one after another (pictures as 0..255), y one number for each: the class's
 * index or the target. Training a model again starts anew, except for parameters set or frozen by name.
 * SOMA_ERROR_NUMERIC names the node at which a value stopped being finite; an ending by `stop` or `on_epoch` is no
 * error. */
SOMA_API int soma_model_fit(soma_model *model, const float *x, const float *y, int64_t rows, soma_fit_options options,
                            soma_error *error);
/* The epoch whose weights the model holds, from 1, and the number of epochs run; 0 for a model not trained here. */
SOMA_API int64_t soma_model_best_epoch(const soma_model *model);
SOMA_API int64_t soma_model_epochs(const soma_model *model);

/* ---- Answers -------------------------------------------------------------------------------------------------------
 */

/* Answers for `rows` samples. For classes `out` gets probabilities, [rows, classes] (two columns for two classes); for
 * regression [rows, 1] in the target's units. `count` is the number of elements of `out` and must be that. */
SOMA_API int soma_model_predict(soma_model *model, const float *x, int64_t rows, float *out, size_t count,
                                soma_error *error);

/* How well answers fit; NaN where it does not apply to the task. */
typedef struct soma_evaluation {
    double loss SOMA_ZERO; /* cross-entropy, or mean squared error in training units */
    double accuracy SOMA_ZERO;
    double macro_f1 SOMA_ZERO; /* mean of the classes' F1; a class without any counts 0 */
    /* Area under the ROC curve and average precision: of two classes the second's, of more the mean over one class
     * against the rest. */
    double auc SOMA_ZERO;
    double average_precision SOMA_ZERO;
    double top5 SOMA_ZERO;              /* share of rows whose class is among the five likeliest */
    double calibration_error SOMA_ZERO; /* distance between how sure answers are and how often right, 15 bins */
    double rmse SOMA_ZERO;              /* root mean square error, mean absolute error and R², in the target's units */
    double mae SOMA_ZERO;
    double r2 SOMA_ZERO;
} soma_evaluation;
SOMA_API int soma_model_evaluate(soma_model *model, const float *x, const float *y, int64_t rows,
                                 soma_evaluation *evaluation, soma_error *error);

SOMA_API soma_task soma_model_task(const soma_model *model);
SOMA_API soma_shape soma_model_sample(const soma_model *model);
/* The number of columns of an answer: the classes, or 1; 0 before training tells. */
SOMA_API int64_t soma_model_outputs(const soma_model *model);
/* A class's name, "0", "1", … unless given; borrowed; NULL for regression or an index out of range. */
SOMA_API const char *soma_model_class_name(const soma_model *model, int64_t index);
/* Gives the classes names, which are saved with the model; they must be as many as there are classes. */
SOMA_API int soma_model_set_class_names(soma_model *model, const char *const *names, int64_t count, soma_error *error);

/* ---- Files ---------------------------------------------------------------------------------------------------------
 */

/* As ONNX (opset 17): input `x` [N, sample…], output `probabilities` [N, classes] or `prediction` [N, 1]. */
SOMA_API int soma_model_save(const soma_model *model, const char *path, soma_error *error);
/* A model from an ONNX file with one float input of [N, …] and one float output; its tensors are read from the mapped
 * file. It can be asked, looked into and saved. */
SOMA_API soma_model *soma_model_load(const char *path, soma_error *error);
SOMA_API soma_model *soma_model_load_in(const soma_context *context, const char *path, soma_error *error);
/* The same in memory. What save gives is ended with soma_model_release; what load is given may go after the call. */
SOMA_API void *soma_model_save_memory(const soma_model *model, size_t *size, soma_error *error);
SOMA_API void soma_model_release(const soma_model *model, void *bytes);
SOMA_API soma_model *soma_model_load_memory(const void *bytes, size_t size, soma_error *error);
SOMA_API soma_model *soma_model_load_memory_in(const soma_context *context, const void *bytes, size_t size,
                                               soma_error *error);

/* ---- Parameters ----------------------------------------------------------------------------------------------------
 */

/* The trained tensors by name ("dense1.weight"), in the order of the layers; running statistics are among them. Before
 * the first fit of a model that was not loaded there are none. */
SOMA_API size_t soma_model_parameters(const soma_model *model);
SOMA_API const char *soma_model_parameter_name(const soma_model *model, size_t index);
SOMA_API soma_shape soma_model_parameter_shape(const soma_model *model, const char *name);
SOMA_API int soma_model_parameter_get(const soma_model *model, const char *name, float *values, size_t count,
                                      soma_error *error);
/* Sets a parameter, of which fit then starts too. Before the first fit the values are kept and checked by fit. */
SOMA_API int soma_model_parameter_set(soma_model *model, const char *name, const float *values, size_t count,
                                      soma_error *error);
/* Frozen parameters are not trained. */
SOMA_API int soma_model_parameter_freeze(soma_model *model, const char *name, bool frozen, soma_error *error);

/* ---- The network inside --------------------------------------------------------------------------------------------
 */

/* A model's network in a graph of its own, for soma/insight.h and plans of the caller's: what is added to the graph
 * leaves the model as it is. It reads the model's weights as they are at each step of a run, so it may be made and used
 * between epochs, in on_epoch; it must end before the model does or is trained anew. */
typedef struct soma_network soma_network;

/* The network as it answers or, with `training`, as it trains: with dropout and batch normalisation by the batch (not
 * of a model that was loaded). NULL and a sentence for a model that has not been trained. */
SOMA_API soma_network *soma_network_create(const soma_model *model, bool training, soma_error *error);
SOMA_API void soma_network_destroy(soma_network *network);
SOMA_API soma_graph *soma_network_graph(const soma_network *network); /* borrowed */
/* [N, sample…], raw values. */
SOMA_API soma_value soma_network_input(const soma_network *network);
/* [N, outputs]: what soma_model_predict gives. */
SOMA_API soma_value soma_network_answer(const soma_network *network);
/* [N, outputs]: what becomes probabilities: the logits before a softmax, the log-odds for and against of a sigmoid; the
 * answers where there is neither. */
SOMA_API soma_value soma_network_scores(const soma_network *network);
/* The scalar that training makes small; of a loaded regression the mean squared error in the target's units. */
SOMA_API soma_value soma_network_loss(const soma_network *network);
/* Options for plans of the graph: the model's store, backend, algorithm and threads. */
SOMA_API soma_plan_options soma_network_options(const soma_network *network);
/* Sets `rows` samples, as soma_model_fit takes them, as inputs of a run; y may be NULL where the run's plan does not
 * compute the loss. */
SOMA_API int soma_network_set(const soma_network *network, soma_run *run, const float *x, const float *y, int64_t rows,
                              soma_error *error);

SOMA_END_C
#endif
