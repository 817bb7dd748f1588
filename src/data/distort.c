/* data/distort.c: shifting, turning, mirroring, colouring and covering a picture. Sums are taken in double and in the
 * order of memory, so that the same parameters give the same bits everywhere. Red, green and blue are weighed for grey
 * as ITU-R BT.601 does. */
#include "data/distort.h"

#include <math.h>

static size_t plane_of(picture_view p) { return p.height * p.width; }
static size_t elements_of(picture_view p) { return p.channels * plane_of(p); }

static int64_t clamp(int64_t at, size_t size) {
    if (at < 0) return 0;
    return at < (int64_t)size ? at : (int64_t)size - 1;
}

void distort_shift(picture_view p, int64_t down, int64_t right, distort_fill fill, float *scratch) {
    int64_t width = (int64_t)p.width, height = (int64_t)p.height;
    if (!down && !right) return;
    memcpy(scratch, p.data, elements_of(p) * sizeof *scratch);
    for (size_t c = 0; c < p.channels; c++) {
        const float *from = scratch + c * plane_of(p);
        float *to = p.data + c * plane_of(p);
        for (int64_t y = 0; y < height; y++) {
            const float *row = from + clamp(y - down, p.height) * width;
            bool outside = y < down || y - down >= height;
            for (int64_t x = 0; x < width; x++) {
                bool empty = fill == FILL_BLACK && (outside || x < right || x - right >= width);
                to[y * width + x] = empty ? 0 : row[clamp(x - right, p.width)];
            }
        }
    }
}

/* The value between four neighbours. */
static float between(const float *plane, picture_view p, double y, double x) {
    double row = floor(y), column = floor(x);
    float below = (float)(y - row), right = (float)(x - column);
    int64_t width = (int64_t)p.width, y0 = clamp((int64_t)row, p.height), y1 = clamp((int64_t)row + 1, p.height),
            x0 = clamp((int64_t)column, p.width), x1 = clamp((int64_t)column + 1, p.width);
    float top = plane[y0 * width + x0] * (1 - right) + plane[y0 * width + x1] * right;
    float bottom = plane[y1 * width + x0] * (1 - right) + plane[y1 * width + x1] * right;
    return top * (1 - below) + bottom * below;
}

void distort_rotate(picture_view p, double radians, float *scratch) {
    double cosine = cos(radians), sine = sin(radians);
    double middle_y = ((double)p.height - 1) / 2, middle_x = ((double)p.width - 1) / 2;
    memcpy(scratch, p.data, elements_of(p) * sizeof *scratch);
    for (size_t y = 0; y < p.height; y++) {
        for (size_t x = 0; x < p.width; x++) {
            double dy = (double)y - middle_y, dx = (double)x - middle_x;
            double from_y = middle_y + cosine * dy - sine * dx, from_x = middle_x + sine * dy + cosine * dx;
            for (size_t c = 0; c < p.channels; c++)
                p.data[c * plane_of(p) + y * p.width + x] = between(scratch + c * plane_of(p), p, from_y, from_x);
        }
    }
}

static void swap(float *a, float *b) {
    float kept = *a;
    *a = *b;
    *b = kept;
}

void distort_flip(picture_view p) {
    for (size_t row = 0; row < p.channels * p.height; row++) {
        float *begin = p.data + row * p.width;
        for (size_t x = 0; x < p.width / 2; x++) swap(begin + x, begin + p.width - 1 - x);
    }
}

void distort_flip_rows(picture_view p) {
    for (size_t c = 0; c < p.channels; c++) {
        float *plane = p.data + c * plane_of(p);
        for (size_t y = 0; y < p.height / 2; y++)
            for (size_t x = 0; x < p.width; x++)
                swap(plane + y * p.width + x, plane + (p.height - 1 - y) * p.width + x);
    }
}

static double mean_of(const float *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)values[i];
    return count ? sum / (double)count : 0;
}

void distort_colour(picture_view p, double brightness, double contrast, double saturation) {
    static const float weights[3] = {0.299f, 0.587f, 0.114f};
    size_t plane = plane_of(p), count = elements_of(p);
    float mean = (float)(brightness * mean_of(p.data, count)), scale = (float)(brightness * contrast);
    float shift = mean - (float)contrast * mean, distance = (float)saturation;
    for (size_t i = 0; i < count; i++) p.data[i] = p.data[i] * scale + shift;
    for (size_t i = 0; p.channels == 3 && i < plane; i++) {
        float *red = p.data + i, *green = red + plane, *blue = green + plane;
        float grey = *red * weights[0] + *green * weights[1] + *blue * weights[2];
        *red = grey + (*red - grey) * distance;
        *green = grey + (*green - grey) * distance;
        *blue = grey + (*blue - grey) * distance;
    }
    for (size_t i = 0; i < count; i++) p.data[i] = p.data[i] < 0 ? 0 : p.data[i] > 255 ? 255 : p.data[i];
}

void distort_cutout(picture_view p, int64_t y, int64_t x, int64_t side) {
    int64_t top = y - side / 2, left = x - side / 2, height = (int64_t)p.height, width = (int64_t)p.width;
    int64_t y0 = top < 0 ? 0 : top, y1 = top + side < height ? top + side : height;
    int64_t x0 = left < 0 ? 0 : left, x1 = left + side < width ? left + side : width;
    for (size_t c = 0; c < p.channels; c++) {
        float *plane = p.data + c * plane_of(p), mean = (float)mean_of(plane, plane_of(p));
        for (int64_t row = y0; row < y1; row++)
            for (int64_t column = x0; column < x1; column++) plane[row * width + column] = mean;
    }
}
