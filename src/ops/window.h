/* ops/window.h: what convolutions and pooling share: the geometry of a window that slides over height and width. */
#ifndef OPS_WINDOW_H
#define OPS_WINDOW_H

#include "graph/op.h"
#include "ops/attributes.h"

/* Attributes with the kernel, strides and dilations of `window` filled in (0 is 1) and nothing else. */
void window_take(window_attributes *a, const soma_window *window, bool pooling);
/* Whether every number makes sense; else the shape rule fails with a sentence. */
bool window_check(op_infer *i, const soma_window *w);
/* Whether input `k` is a float [N, C, H, W] with only N possibly the batch; else the shape rule fails. */
bool window_image(op_infer *i, int k, const char *what);
/* Number of places of the window along height (0) or width (1) of `size` elements; below 1 when it does not fit. */
int64_t window_places(const soma_window *w, int axis, int64_t size);
/* The output's height and width for an input of height x width; false and a sentence when one is below 1. */
bool window_output(op_infer *i, const soma_window *w, int64_t height, int64_t width, int64_t places[2]);
/* "5x5, stride 2, padding 1", for people. */
void window_describe(const void *attributes, char *text, size_t size);

#endif
