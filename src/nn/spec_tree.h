/* nn/spec_tree.h: the inside of a parsed network, for the files that parse it (spec.c), know its layers (spec_layers.c)
 * and end it in a head (spec_head.c).
 *
 * A network is a list of layers. A suffix ("conv 20 5x5 bn relu") is a layer of its own with `suffix` set, so that
 * nothing but the text knows of suffixes. */
#ifndef NN_SPEC_TREE_H
#define NN_SPEC_TREE_H

#include "graph/graph.h"
#include "nn/spec.h"

enum { SPEC_NAME = 40 }; /* bytes of a layer's name and its end */

typedef struct spec_layer spec_layer;

typedef struct spec_list {
    spec_layer *layers;
    size_t count, capacity;
} spec_list;

typedef struct layer_kind layer_kind;

struct spec_layer {
    const layer_kind *kind;
    const char *activation; /* kind "activation": the op's name, constant */
    char name[SPEC_NAME];   /* as the text gives it before a colon; empty: none */
    int position;           /* character of the text, from 1; 0: appended */
    bool suffix, same, ceil, global;
    int64_t units; /* dense, conv, convt; the groups of gn; the factor of upsample */
    int64_t kernel[2], stride, padding, dilation, groups; /* 0: not given */
    double probability;
    char number[16]; /* the probability as written */
    spec_list *branches;
    size_t branches_count, branches_capacity;
};

struct spec {
    const soma_context *context;
    spec_list list;
};

/* What follows a place in the tree. */
typedef struct spec_after {
    const spec_list *list;
    size_t next; /* index in `list` of the first layer after */
    const struct spec_after *outer;
} spec_after;

typedef struct spec_place {
    const spec_options *options;
    spec_after after;
    int depth;
} spec_place;

/* A word of the text, or one of , ( ) |; length 0 at its end. */
typedef struct spec_token {
    const char *start;
    size_t length;
    int position;
} spec_token;

typedef struct spec_parser {
    const soma_context *context;
    soma_error *error;
    const char *text, *at;
    int depth;
    size_t layers;
} spec_parser;

enum {
    LAYER_WEIGHTS = 1 << 0,  /* has weights: dense, conv, convt */
    LAYER_STRIDE = 1 << 1,   /* accepts s2 */
    LAYER_PADDING = 1 << 2,  /* p1, same */
    LAYER_DILATION = 1 << 3, /* d2 */
    LAYER_GROUPS = 1 << 4,   /* g8 */
    LAYER_CEIL = 1 << 5,
    LAYER_NORM = 1 << 6 /* may stand behind another layer */
};

struct layer_kind {
    const char *name;
    unsigned flags;
    bool (*sizes)(spec_parser *, spec_layer *);        /* reads what follows the name; NULL: nothing */
    bool (*check)(const spec_parser *, spec_layer *);  /* after the options; NULL: nothing */
    void (*write)(const spec_layer *, char *, size_t); /* the sizes as text; NULL: none */
    soma_value (*build)(const spec_layer *, soma_value x, const spec_place *);
};

/* The kinds, and the one that stands for all activations; the table ends in NULL. */
extern const layer_kind *const layer_kinds[];
extern const layer_kind layer_activation, layer_dense, layer_bn;
/* The constant name of an activation ("softmax" too), or NULL. */
const char *activation_find(const char *name, size_t length);
const layer_kind *layer_find(const char *name, size_t length);

/* spec.c, for the layers that hold networks. */
spec_token spec_peek(const spec_parser *p);
spec_token spec_next(spec_parser *p);
bool spec_token_is(spec_token t, const char *text);
/* Leaves a sentence "net: '<token>' at character N …"; returns false. */
bool spec_fail(const spec_parser *p, spec_token t, const char *format, ...) BASE_PRINTF(3, 4);
/* A whole number low .. high in decimal digits; and one that is a token but for its first `skip` characters, with a
 * sentence if it is none: `what` says what it is. */
bool spec_number(const char *digits, size_t length, int64_t low, int64_t high, int64_t *value);
bool spec_whole(const spec_parser *p, spec_token t, size_t skip, int64_t low, int64_t high, const char *what,
                int64_t *value);
bool spec_parse_list(spec_parser *p, spec_list *list);
/* Builds a branch of the layer at `place`. */
soma_value spec_build_list(const spec_list *list, soma_value x, const spec_place *place);
/* A layer and the suffixes behind it, without branches; `end` is the end of its list. */
void spec_layer_text(const spec_layer *layer, const spec_layer *end, char *text, size_t size);
bool spec_append(const soma_context *context, spec_list *list, const spec_layer *layer);

#endif
