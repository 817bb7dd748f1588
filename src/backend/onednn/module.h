/* backend/onednn/module.h: the interface between libsoma and the module that holds oneDNN.
 *
 * The module, soma-onednn.so, is loaded when a plan wants it and never linked, so that soma runs where oneDNN is not.
 * It knows nothing of soma's tensors: a job is one primitive of oneDNN with the reorders at its edges, over plain float
 * arrays, and runs on the thread that calls it. What is cut into which jobs, and what happens to the results, is
 * steps.c's affair. */
#ifndef ONEDNN_MODULE_H
#define ONEDNN_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Changes with this header: a module of another build is refused. */
enum { ONEDNN_INTERFACE = 1 };
/* The name of the one symbol that the module exports, of type const onednn_module. */
#define ONEDNN_SYMBOL "soma_onednn_module"

typedef enum onednn_kind {
    ONEDNN_FORWARD,          /* x, w -> y */
    ONEDNN_BACKWARD_DATA,    /* dy, w -> dx */
    ONEDNN_BACKWARD_WEIGHTS, /* x, dy -> dw, summed over the samples */
    ONEDNN_MATMUL            /* a [rows, depth], b [depth, columns] -> c [rows, columns] */
} onednn_kind;

typedef struct onednn_request {
    onednn_kind kind;
    bool bf16; /* operands are rounded to bfloat16; sums and results are float */
    bool any;  /* a product: b in the layout that oneDNN likes best, because it is made once and kept */
    /* A convolution, x [samples, channels, size], w [filters, channels / groups, kernel], y [samples, filters, places].
     */
    int64_t samples, groups, channels, filters;
    int64_t size[2], places[2], kernel[2], stride[2], dilation[2], before[2], after[2];
    int64_t filter_stride; /* floats from one filter's weights to the next's */
    /* A product. Element (i, j) of an operand is at i * stride[0] + j * stride[1]; c is dense. */
    int64_t rows, depth, columns;
    int64_t a_stride[2], b_stride[2];
} onednn_request;

/* One side of a job. An operand is made of equal items: samples, rows of a, or one (weights, b). */
typedef struct onednn_side {
    bool direct; /* the caller's floats are used as they are */
    int64_t items;
    size_t bytes; /* of all items in the job's own layout */
} onednn_side;

typedef struct onednn_job onednn_job;
/* What a job needs besides, for one thread at a time. */
typedef struct onednn_seat onednn_seat;

typedef struct onednn_shape {
    onednn_side in[2], out;
    size_t pad; /* bytes of working memory */
} onednn_shape;

typedef struct onednn_module {
    int interface;
    const char *name;   /* "oneDNN 2.6.3" */
    bool (*bf16)(void); /* whether it is faster on this processor than float */
    /* NULL when oneDNN has no primitive for it, or memory is out. May be shared by threads. */
    onednn_job *(*create)(const onednn_request *request, onednn_shape *shape);
    void (*destroy)(onednn_job *job);
    onednn_seat *(*sit)(const onednn_job *job);
    void (*leave)(onednn_seat *seat);
    /* What runs on this thread from now on runs on this thread alone; gives what `end` takes to undo it. */
    int (*begin)(void);
    void (*end)(int before);
    /* The first `count` items of operand `k`, `stride` floats apart, into the job's own layout; the others become
     * zero. false: oneDNN failed. */
    bool (*convert)(onednn_seat *seat, int k, int64_t count, const float *from, int64_t stride, void *to);
    /* In the job's own layouts; memory is aligned to 64 bytes. */
    bool (*execute)(onednn_seat *seat, const void *a, const void *b, void *out, void *pad);
    /* The result as dense floats. */
    bool (*deliver)(onednn_seat *seat, const void *out, float *to);
} onednn_module;

#endif
