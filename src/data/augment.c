/* data/augment.c: reads the list of --augment, and draws what happens to each picture from a random stream of its own,
 * opened by (seed, epoch, row). The share of mixup is drawn once a batch, from the stream of its first row; partners
 * are neighbours in the epoch's order, which is a shuffle. */
#include "data/augment.h"

#include "base/random.h"
#include "data/distort.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { STREAM_SAMPLE = 0x61756731, STREAM_MIX = 0x61756732, WORD = 32 };

/* ---- The list -------------------------------------------------------------------------------------------------- */

typedef struct augment_rule {
    const char *name;
    double low, high, usual; /* of the size; high 0: it has none */
    bool whole;
    const char *expected;
} augment_rule;

static const augment_rule rules[AUGMENT_KINDS] = {
    [AUGMENT_SHIFT] = {"shift", 1, 1000, 2, true, "a whole number of pixels from 1"},
    [AUGMENT_CROP] = {"crop", 1, 1000, 4, true, "a whole number of pixels from 1"},
    [AUGMENT_ROTATE] = {"rotate", 0, 180, 10, false, "degrees above 0 and up to 180"},
    [AUGMENT_FLIP] = {.name = "flip"},
    [AUGMENT_VFLIP] = {.name = "vflip"},
    [AUGMENT_COLOUR] = {"colour", 0, 1, 0.2, false, "a share above 0 and up to 1"},
    [AUGMENT_CUTOUT] = {"cutout", 1, 1000, 8, true, "a whole number of pixels from 1"},
    [AUGMENT_MIXUP] = {"mixup", 0, 100, 0.2, false, "a number above 0 and up to 100"},
};

/* One name and size of the list, without the blanks around and between them. */
typedef struct augment_item {
    char name[WORD], size[WORD], text[2 * WORD];
    bool long_text; /* than any item is */
} augment_item;

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static const char *copy_word(const char *at, const char *end, char word[WORD]) {
    size_t n = 0;
    while (at < end && is_blank(*at)) at++;
    for (; at < end && !is_blank(*at) && n + 1 < WORD; at++) word[n++] = *at;
    word[n] = 0;
    return at;
}

/* The item that begins at `at`; returns its end, a comma or the text's. */
static const char *take_item(const char *at, augment_item *item) {
    const char *end = at + strcspn(at, ",");
    while (at < end && is_blank(*at)) at++;
    snprintf(item->text, sizeof item->text, "%.*s", (int)(end - at > WORD ? WORD : end - at), at);
    const char *rest = copy_word(copy_word(at, end, item->name), end, item->size);
    while (rest < end && is_blank(*rest)) rest++;
    item->long_text = rest < end;
    return end;
}

static int fail_unknown(const augment_item *item, soma_error *error) {
    const char *names[AUGMENT_KINDS + 3] = {"none", "color"};
    for (int i = 0; i < AUGMENT_KINDS; i++) names[i + 2] = rules[i].name;
    const char *near = suggest(item->name, names);
    return error_set(
        error, SOMA_ERROR_ARGUMENT,
        "augment: '%s' is not known%s%s; a list takes shift N, crop N, rotate DEGREES, flip, vflip, colour "
        "S, cutout N and mixup A, or is none",
        item->text, near ? ", did you mean " : "", near ? near : "");
}

static int kind_of(const char *name) {
    if (!strcmp(name, "color")) return AUGMENT_COLOUR;
    for (int i = 0; i < AUGMENT_KINDS; i++)
        if (!strcmp(name, rules[i].name)) return i;
    return -1;
}

static bool parse_size(const char *text, const augment_rule *rule, double *size) {
    char *end;
    for (const char *c = text; *c; c++)
        if (!strchr("0123456789.", *c)) return false;
    *size = strtod(text, &end);
    if (end == text || *end || *size > rule->high || *size < rule->low || *size <= 0) return false;
    return !rule->whole || *size == floor(*size);
}

static int add_item(augmentation *a, const augment_item *item, soma_error *error) {
    int kind = kind_of(item->name);
    if (kind < 0) return fail_unknown(item, error);
    const augment_rule *rule = &rules[kind];
    double size = rule->usual;
    bool given = *item->size != 0;
    if (item->long_text || (given && !(rule->high > 0)))
        return error_set(error, SOMA_ERROR_ARGUMENT, "augment: '%s': %s takes %s", item->text, rule->name,
                         rule->high > 0 ? "one size" : "no size");
    if (given && !parse_size(item->size, rule, &size))
        return error_set(error, SOMA_ERROR_ARGUMENT, "augment: '%s': the size of %s should be %s", item->text,
                         rule->name, rule->expected);
    bool twice = kind == AUGMENT_MIXUP && a->mixup > 0;
    for (size_t i = 0; i < a->count; i++) twice |= (int)a->steps[i].kind == kind;
    if (twice) return error_set(error, SOMA_ERROR_ARGUMENT, "augment: %s is given twice", rule->name);
    if (kind == AUGMENT_MIXUP)
        a->mixup = size;
    else
        a->steps[a->count++] = (augment_step){(augment_kind)kind, size};
    return SOMA_OK;
}

int augment_parse(const char *text, augmentation *a, soma_error *error) {
    bool none = false;
    size_t items = 0;
    *a = (augmentation){0};
    for (const char *at = text;; at++) {
        augment_item item = {0};
        at = take_item(at, &item);
        bool is_none = !strcmp(item.name, "none") && !*item.size;
        none |= is_none;
        if (++items > 1 && none)
            return error_set(error, SOMA_ERROR_ARGUMENT, "augment: none stands alone; the list has more items");
        int code = is_none ? SOMA_OK : add_item(a, &item, error);
        if (code || !*at) return code;
    }
}

bool augment_is_none(const augmentation *a) { return !a->count && !(a->mixup > 0); }

int augment_check(const augmentation *a, soma_shape sample, soma_error *error) {
    if (augment_is_none(a)) return SOMA_OK;
    if (sample.rank != 3)
        return error_set(error, SOMA_ERROR_ARGUMENT, "--augment: changes pictures, and the data are a table");
    int64_t height = sample.dims[1], width = sample.dims[2], side = height < width ? height : width;
    for (size_t i = 0; i < a->count; i++) {
        const augment_rule *rule = &rules[a->steps[i].kind];
        if (rule->whole && a->steps[i].size >= (double)side)
            return error_set(error, SOMA_ERROR_ARGUMENT,
                             "augment: %s %g leaves nothing of pictures of %lld x %lld; its size should be below %lld",
                             rule->name, a->steps[i].size, (long long)height, (long long)width, (long long)side);
    }
    return SOMA_OK;
}

/* ---- Drawing --------------------------------------------------------------------------------------------------- */

static random_stream stream_of(uint64_t seed, uint64_t use, int64_t epoch, int64_t row) {
    const int64_t key[2] = {epoch, row};
    return random_open(seed, hash_bytes(key, sizeof key, HASH_START ^ use));
}

/* A whole number from -most to most. */
static int64_t either_way(random_stream *r, double most) {
    int64_t n = (int64_t)most;
    return (int64_t)random_below(r, 2 * (uint64_t)n + 1) - n;
}

/* From 1 - size to 1 + size. */
static double factor(random_stream *r, double size) { return 1 + size * (2 * random_uniform(r) - 1); }

static void apply_colour(picture_view p, double size, random_stream *r) {
    double brightness = factor(r, size), contrast = factor(r, size), saturation = factor(r, size);
    distort_colour(p, brightness, contrast, saturation);
}

static void apply_step(picture_view p, augment_step step, random_stream *r, float *scratch) {
    int64_t y, x;
    switch (step.kind) {
    case AUGMENT_SHIFT:
    case AUGMENT_CROP:
        y = either_way(r, step.size);
        x = either_way(r, step.size);
        distort_shift(p, y, x, step.kind == AUGMENT_CROP ? FILL_BLACK : FILL_EDGE, scratch);
        break;
    case AUGMENT_ROTATE:
        distort_rotate(p, step.size * (2 * random_uniform(r) - 1) * (3.14159265358979323846 / 180), scratch);
        break;
    case AUGMENT_FLIP:
        if (random_below(r, 2)) distort_flip(p);
        break;
    case AUGMENT_VFLIP:
        if (random_below(r, 2)) distort_flip_rows(p);
        break;
    case AUGMENT_COLOUR:
        apply_colour(p, step.size, r);
        break;
    case AUGMENT_CUTOUT:
        y = (int64_t)random_below(r, p.height);
        x = (int64_t)random_below(r, p.width);
        distort_cutout(p, y, x, (int64_t)step.size);
        break;
    default:
        break;
    }
}

void augment_apply(const augmentation *a, soma_shape sample, uint64_t seed, int64_t epoch, int64_t row, float *picture,
                   float *scratch) {
    picture_view p = {picture, (size_t)sample.dims[0], (size_t)sample.dims[1], (size_t)sample.dims[2]};
    random_stream r = stream_of(seed, STREAM_SAMPLE, epoch, row);
    for (size_t i = 0; i < a->count; i++) apply_step(p, a->steps[i], &r, scratch);
}

/* Gamma(shape), by Marsaglia and Tsang 2000, a shape below 1 by way of the next one. In logarithms, because a small
 * shape's numbers are often too small for a double. */
static double log_gamma_variate(random_stream *r, double shape) {
    double boost = shape < 1 ? log(1 - random_uniform(r)) / shape : 0, d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
    for (;;) {
        double x = random_normal(r), v = 1 + x / sqrt(9 * d);
        double u = 1 - random_uniform(r);
        v = v * v * v;
        if (v > 0 && log(u) < x * x / 2 + d - d * v + d * log(v)) return log(d * v) + boost;
    }
}

double augment_mix(const augmentation *a, size_t elements, uint64_t seed, int64_t epoch, int64_t row, float *x,
                   size_t count, float *scratch) {
    if (!(a->mixup > 0) || count < 2) return 1;
    random_stream r = stream_of(seed, STREAM_MIX, epoch, row);
    double first = log_gamma_variate(&r, a->mixup), second = log_gamma_variate(&r, a->mixup);
    double share =
        1 / (1 + exp(-fabs(first - second))); /* the larger of B and 1 - B: which picture is first is chance */
    memcpy(scratch, x, elements * sizeof *scratch);
    for (size_t i = 0; i < count; i++) {
        float *to = x + i * elements;
        const float *next = i + 1 < count ? to + elements : scratch;
        for (size_t k = 0; k < elements; k++) to[k] = next[k] + (float)share * (to[k] - next[k]);
    }
    return share;
}
