/* train/look.h: a look inside a network while it trains, as JSON: gradient flow, filters, answers over the plane. */
#ifndef TRAIN_LOOK_H
#define TRAIN_LOOK_H

#include "train/json.h"
#include "train/trainer.h"

typedef struct look look;

/* Opens a model that is being trained by the request. The rows looked at stay the same, so that looks compare. The
 * model's store must outlive it. NULL and a sentence when memory is out or the network is too large to be looked at
 * beside its training. */
look *look_create(soma_model *m, const train_request *r, soma_error *error);
void look_destroy(look *l);
/* Puts "rows", "loss", "layers" and "pictures" into an open object. Nothing of the training changes; `seed` is that of
 * dropout. */
int look_take(look *l, uint64_t seed, json_text *j, soma_error *error);
/* Puts "points" of two features into an open object: the rows looked at, for the picture of the plane; false when the
 * samples are no points. */
bool look_points(const look *l, json_text *j);

#endif
