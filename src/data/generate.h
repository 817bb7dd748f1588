/* data/generate.h: point sets that are computed: two features x and y, about -1 .. 1, and the class of each point. */
#ifndef DATA_GENERATE_H
#define DATA_GENERATE_H

#include "base/base.h"

typedef enum points_shape {
    POINTS_MOONS,
    POINTS_SPIRAL,
    POINTS_CIRCLES,
    POINTS_XOR,
    POINTS_BLOBS,
    POINTS_RANDOM
} points_shape;

/* What can be said about a set. A point is a function of all but `count`, and of its number: a longer set begins with
 * the shorter one's points. */
typedef struct points_options {
    points_shape shape;
    int64_t count;   /* points, in turn of each class */
    double noise;    /* standard deviation that is added to x and to y */
    uint64_t seed;   /* of the set, not of a training run: the same name always means the same points */
    double turns;    /* POINTS_SPIRAL: of each arm */
    int64_t classes; /* 2 but for POINTS_BLOBS */
} points_options;

typedef struct points_point {
    double x, y;
    int64_t label;
} points_point;

points_options points_defaults(points_shape shape);
points_point points_at(const points_options *options, int64_t number);

/* Takes settings like "points=1000,noise=0.1" (of the set `name`, for messages) over those in `options`. */
int points_settings(const char *name, const char *text, points_options *options, soma_error *error);

/* The set as a CSV text with the columns x, y and class; freed with mem_free; NULL when memory is out. */
char *points_csv(const soma_context *context, const points_options *options, size_t *length);

#endif
