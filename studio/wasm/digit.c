/* wasm/digit.c: a drawing made ready for a network that learnt MNIST, as MNIST's own pictures were: scaled, sides kept
 * in proportion, so that it fits a box of 20 x 20 (each pixel the mean of what lies under it), and put into 28 x 28
 * with its centre of mass in the middle, to whole pixels. LeCun, Bottou, Bengio and Haffner 1998, section III.A. */
#include "binding.h"

#include <math.h>

enum { SIDE = 28, BOX = 20 };
static const double MIDDLE = 14;

typedef struct box {
    size_t top, left, bottom, right; /* the last two lie outside */
} box;

static box ink_box(const float *ink, size_t height, size_t width) {
    box b = {height, width, 0, 0};
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            if (!(ink[y * width + x] > 0)) continue;
            if (y < b.top) b.top = y;
            if (x < b.left) b.left = x;
            if (y >= b.bottom) b.bottom = y + 1;
            if (x >= b.right) b.right = x + 1;
        }
    return b;
}

/* The mean over a rectangle of the drawing whose edges may cut pixels; what lies outside the box is empty. */
static double mean_over(const float *ink, size_t width, box b, double top, double left, double side) {
    double sum = 0, bottom = fmin(top + side, (double)b.bottom), right = fmin(left + side, (double)b.right);
    for (size_t y = (size_t)top; (double)y < bottom; y++) {
        double high = fmin(bottom, (double)y + 1) - fmax(top, (double)y);
        for (size_t x = (size_t)left; (double)x < right; x++)
            sum += high * (fmin(right, (double)x + 1) - fmax(left, (double)x)) * (double)ink[y * width + x];
    }
    return sum / (side * side);
}

int digit_fit(const float *ink, size_t height, size_t width, float *out) {
    box b = ink_box(ink, height, width);
    memset(out, 0, SIDE * SIDE * sizeof *out);
    if (b.bottom <= b.top) return 0;
    size_t tall = b.bottom - b.top, wide = b.right - b.left;
    double step = (double)(tall > wide ? tall : wide) / BOX, small[BOX][BOX], mass = 0, down = 0, right = 0;
    for (int y = 0; y < BOX; y++)
        for (int x = 0; x < BOX; x++) {
            small[y][x] = mean_over(ink, width, b, (double)b.top + y * step, (double)b.left + x * step, step);
            mass += small[y][x];
            down += y * small[y][x];
            right += x * small[y][x];
        }
    int dy = (int)lround(MIDDLE - down / mass), dx = (int)lround(MIDDLE - right / mass);
    for (int y = 0; y < BOX; y++)
        for (int x = 0; x < BOX; x++) {
            int to_y = y + dy, to_x = x + dx;
            if (to_y >= 0 && to_y < SIDE && to_x >= 0 && to_x < SIDE) out[to_y * SIDE + to_x] = (float)small[y][x];
        }
    return 1;
}
