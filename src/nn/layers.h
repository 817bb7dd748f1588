/* nn/layers.h: what layers share inside the library. */
#ifndef NN_LAYERS_H
#define NN_LAYERS_H

#include <soma/graph.h>

/* Sets the padding of one axis (0: height, 1: width) of a window whose kernel, stride and dilation are filled in, so
 * that an input of `size` gives ceil(size / stride) elements; odd padding goes below and right. */
void layer_pad_same(soma_window *window, int axis, int64_t size);

/* The variable "<layer>.<part>". */
soma_value layer_parameter(soma_graph *graph, const char *layer, const char *part, soma_shape shape, soma_init init,
                           bool trainable);

#endif
