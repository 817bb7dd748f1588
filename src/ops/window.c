/* ops/window.c: the geometry of windows. A window of K elements, `dilation` apart, covers dilation (K - 1) + 1 of them;
 * it starts `before` elements above the input and moves on by `stride`: floor((X + before + after - covered) / stride)
 * + 1 places. With ceil_mode the division is rounded up, but the last window must still start inside the input or the
 * padding before it, as in PyTorch. */
#include "ops/window.h"

#include "graph/graph.h"

#include <stdio.h>

enum { LARGEST = 1 << 28 }; /* of any number in a window: products of two fit into an int64 with ease */

static int64_t or_one(int64_t value) { return value == 0 ? 1 : value; }

void window_take(window_attributes *a, const soma_window *window, bool pooling) {
    memset(a, 0, sizeof *a);
    for (int d = 0; d < 2; d++) {
        a->window.kernel[d] = window->kernel[d];
        a->window.stride[d] = or_one(window->stride[d]);
        a->window.dilation[d] = or_one(window->dilation[d]);
        a->window.before[d] = window->before[d];
        a->window.after[d] = window->after[d];
    }
    a->window.ceil_mode = pooling && window->ceil_mode;
    a->window.count_padding = pooling && window->count_padding;
}

static bool inside(int64_t value, int64_t least) { return value >= least && value <= LARGEST; }

bool window_check(op_infer *i, const soma_window *w) {
    for (int d = 0; d < 2; d++) {
        const char *axis = d ? "width" : "height";
        if (!inside(w->kernel[d], 1))
            infer_fail(i, "the window's %s is %lld, expected 1 or more", axis, (long long)w->kernel[d]);
        else if (!inside(w->stride[d], 1) || !inside(w->dilation[d], 1))
            infer_fail(i, "along the %s the stride is %lld and the dilation %lld, expected 1 or more", axis,
                       (long long)w->stride[d], (long long)w->dilation[d]);
        else if (!inside(w->before[d], 0) || !inside(w->after[d], 0))
            infer_fail(i, "along the %s the padding is %lld and %lld, expected 0 or more", axis,
                       (long long)w->before[d], (long long)w->after[d]);
        if (i->failed) return false;
    }
    return true;
}

bool window_image(op_infer *i, int k, const char *what) {
    const soma_shape *s = &i->in[k].shape;
    char text[SHAPE_TEXT];
    bool fits = s->rank == 4 && i->in[k].dtype == SOMA_FLOAT;
    for (int d = 1; fits && d < 4; d++) fits = s->dims[d] > 0;
    if (!fits)
        infer_fail(i, "%s has the shape %s, expected float [N, channels, height, width]", what, shape_text(s, text));
    return fits;
}

int64_t window_places(const soma_window *w, int axis, int64_t size) {
    int64_t covered = w->dilation[axis] * (w->kernel[axis] - 1) + 1, stride = w->stride[axis];
    int64_t room = size + w->before[axis] + w->after[axis] - covered;
    if (room < 0) return w->ceil_mode && room > -stride; /* a single window that hangs over */
    int64_t places = room / stride + 1;
    if (w->ceil_mode && room % stride && places * stride < size + w->before[axis]) places++;
    return places;
}

bool window_output(op_infer *i, const soma_window *w, int64_t height, int64_t width, int64_t places[2]) {
    if (!inside(height, 1) || !inside(width, 1)) {
        infer_fail(i, "an input of %lldx%lld is not one that a window can slide over", (long long)height,
                   (long long)width);
        return false;
    }
    places[0] = window_places(w, 0, height);
    places[1] = window_places(w, 1, width);
    if (places[0] > 0 && places[1] > 0) return true;
    const int64_t padded[2] = {height + w->before[0] + w->after[0], width + w->before[1] + w->after[1]};
    infer_fail(
        i, "a window of %lldx%lld with dilation %lldx%lld does not fit into an input of %lldx%lld padded to %lldx%lld",
        (long long)w->kernel[0], (long long)w->kernel[1], (long long)w->dilation[0], (long long)w->dilation[1],
        (long long)height, (long long)width, (long long)padded[0], (long long)padded[1]);
    return false;
}

/* One number where height and width agree, else both. */
static size_t pair_text(char *text, size_t size, size_t at, const char *what, const int64_t pair[2]) {
    if (at >= size) return at;
    int n = pair[0] == pair[1]
                ? snprintf(text + at, size - at, ", %s %lld", what, (long long)pair[0])
                : snprintf(text + at, size - at, ", %s %lldx%lld", what, (long long)pair[0], (long long)pair[1]);
    return at + (size_t)(n > 0 ? n : 0);
}

void window_describe(const void *attributes, char *text, size_t size) {
    const window_attributes *a = attributes;
    const soma_window *w = &a->window;
    int n = snprintf(text, size, "%lldx%lld", (long long)w->kernel[0], (long long)w->kernel[1]);
    size_t at = (size_t)(n > 0 ? n : 0);
    if (w->stride[0] != 1 || w->stride[1] != 1) at = pair_text(text, size, at, "stride", w->stride);
    if (w->before[0] == w->after[0] && w->before[1] == w->after[1]) {
        if (w->before[0] || w->before[1]) at = pair_text(text, size, at, "padding", w->before);
    } else {
        at = pair_text(text, size, at, "padding before", w->before);
        at = pair_text(text, size, at, "after", w->after);
    }
    if (w->dilation[0] != 1 || w->dilation[1] != 1) at = pair_text(text, size, at, "dilation", w->dilation);
    if (a->groups > 1 && at < size) snprintf(text + at, size - at, ", groups %lld", (long long)a->groups);
}
