/* data/generate.c: the point sets on which one sees what a network can and can't divide: two moons, two arms of a
 * spiral, a ring within a ring, exclusive or, and blobs; and points without a rule, which can only be learnt by heart.
 *
 * A point's numbers are drawn from Philox at a place that its own number fixes, so that it depends on nothing before
 * it: first where it stands on the shape, then the noise. The set leaves here as CSV text with five decimals, which is
 * read like any other table: what holds for a table (columns by name, --ignore, --keep) then holds for points, and the
 * file that `soma data` writes is the set itself. */
#include "data/generate.h"

#include "base/random.h"
#include "data/number.h"

#include <math.h>
#include <stdio.h>

#define TURN 6.283185307179586476925

enum { DRAWS = 16 };   /* words of the stream that a point owns: two numbers and two of a normal distribution need 12 */
enum { DECIMALS = 5 }; /* of the text */
enum { ROW_TEXT = 40 }; /* the longest line of the text: two numbers below 1000 in size and a class */

points_options points_defaults(points_shape shape) {
    static const double noise[] = {[POINTS_MOONS] = 0.1, [POINTS_SPIRAL] = 0.03, [POINTS_CIRCLES] = 0.1,
                                   [POINTS_XOR] = 0.05,  [POINTS_BLOBS] = 0.2,   [POINTS_RANDOM] = 0};
    return (points_options){
        .shape = shape, .count = 500, .noise = noise[shape], .turns = 1.25, .classes = shape == POINTS_BLOBS ? 3 : 2};
}

/* ---- Shapes: a point without noise, by one or two numbers in [0, 1) ---------------------------------------------- */

static void on_moon(points_point *p, double along) {
    double angle = TURN / 2 * along, side = p->label ? -1 : 1;
    p->x = (side * cos(angle) + (p->label ? 0.5 : -0.5)) / 1.5;
    p->y = (side * sin(angle) + (p->label ? 0.25 : -0.25)) / 1.5;
}

static void on_spiral(points_point *p, double along, double turns) {
    double radius = 0.05 + 0.95 * along, angle = TURN * (turns * along + 0.5 * (double)p->label);
    p->x = radius * cos(angle);
    p->y = radius * sin(angle);
}

static void on_circle(points_point *p, double along) {
    double radius = p->label ? 0.4 : 0.9;
    p->x = radius * cos(TURN * along);
    p->y = radius * sin(TURN * along);
}

/* Both signs alike: class 0; different ones: class 1. A strip along the axes is left free. */
static void on_quadrant(points_point *p, double across, double up) {
    double free = 0.05, room = 1 - free, side = across < 0.5 ? -1 : 1;
    double x = free + room * (across < 0.5 ? 2 * across : 2 * across - 1), y = free + room * up;
    p->x = side * x;
    p->y = p->label ? -side * y : side * y;
}

static void on_blob(points_point *p, int64_t classes) {
    double angle = TURN * (0.25 + (double)p->label / (double)classes);
    p->x = 0.65 * cos(angle);
    p->y = 0.65 * sin(angle);
}

/* Anywhere, whatever the class. */
static void anywhere(points_point *p, double across, double up) {
    p->x = 2 * across - 1;
    p->y = 2 * up - 1;
}

points_point points_at(const points_options *o, int64_t number) {
    points_point p = {.label = number % o->classes};
    random_stream r = random_open(o->seed, hash_bytes("points", 6, HASH_START) + (uint64_t)o->shape);
    r.position = (uint64_t)number * DRAWS;
    double first = random_uniform(&r), second = random_uniform(&r);
    switch (o->shape) {
    case POINTS_MOONS:
        on_moon(&p, first);
        break;
    case POINTS_SPIRAL:
        on_spiral(&p, first, o->turns);
        break;
    case POINTS_CIRCLES:
        on_circle(&p, first);
        break;
    case POINTS_XOR:
        on_quadrant(&p, first, second);
        break;
    case POINTS_BLOBS:
        on_blob(&p, o->classes);
        break;
    case POINTS_RANDOM:
        anywhere(&p, first, second);
        break;
    }
    p.x += o->noise * random_normal(&r);
    p.y += o->noise * random_normal(&r);
    return p;
}

/* ---- Settings ---------------------------------------------------------------------------------------------------- */

typedef struct setting {
    const char *name, *expected;
    double low, high;
    bool whole;
    int only; /* the shape that has it; -1: all */
} setting;

enum { COUNT, NOISE, SEED, TURNS, CLASSES, SETTINGS };

static const setting settings[SETTINGS] = {
    [COUNT] = {"points", "a whole number from 10 to 1000000", 10, 1e6, true, -1},
    [NOISE] = {"noise", "a number from 0 to 10", 0, 10, false, -1},
    [SEED] = {"seed", "a whole number from 0 to 4294967295", 0, UINT32_MAX, true, -1},
    [TURNS] = {"turns", "a number from 0.1 to 10", 0.1, 10, false, POINTS_SPIRAL},
    [CLASSES] = {"classes", "a whole number from 2 to 10", 2, 10, true, POINTS_BLOBS}};

static int unknown_setting(const char *name, const char *text, int length, const points_options *o, soma_error *error) {
    const char *names[SETTINGS + 1];
    char word[32], list[96] = "";
    size_t n = 0;
    for (int i = 0; i < SETTINGS; i++) {
        if (settings[i].only >= 0 && settings[i].only != (int)o->shape) continue;
        size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s", n ? ", " : "", settings[i].name);
        names[n++] = settings[i].name;
    }
    names[n] = NULL;
    snprintf(word, sizeof word, "%.*s", length, text);
    const char *near = suggest(word, names);
    return error_set(error, SOMA_ERROR_ARGUMENT, "%s: there is no setting '%s'%s%s; it takes %s", name, word,
                     near ? ", did you mean " : "", near ? near : "", list);
}

static void set(points_options *o, int which, double value) {
    switch (which) {
    case COUNT:
        o->count = (int64_t)value;
        break;
    case NOISE:
        o->noise = value;
        break;
    case SEED:
        o->seed = (uint64_t)value;
        break;
    case TURNS:
        o->turns = value;
        break;
    default:
        o->classes = (int64_t)value;
    }
}

/* One "key=value" of `length` letters. */
static int take_setting(const char *name, const char *text, size_t length, points_options *o, soma_error *error) {
    const char *sign = memchr(text, '=', length);
    size_t key = sign ? (size_t)(sign - text) : length;
    for (int i = 0; i < SETTINGS; i++) {
        const setting *s = &settings[i];
        double value = 0;
        if ((s->only >= 0 && s->only != (int)o->shape) || strlen(s->name) != key || memcmp(s->name, text, key) != 0)
            continue;
        bool fits = sign && number_parse(sign + 1, length - key - 1, &value) && value >= s->low && value <= s->high;
        if (!fits || (s->whole && value != floor(value)))
            return error_set(error, SOMA_ERROR_ARGUMENT, "%s: %s takes %s, not '%.*s'", name, s->name, s->expected,
                             sign ? (int)(length - key - 1) : 0, sign ? sign + 1 : "");
        set(o, i, value);
        return SOMA_OK;
    }
    return unknown_setting(name, text, (int)(key < 32 ? key : 31), o, error);
}

int points_settings(const char *name, const char *text, points_options *options, soma_error *error) {
    int code = SOMA_OK;
    for (const char *at = text; !code; at++) {
        size_t length = strcspn(at, ",");
        code = take_setting(name, at, length, options, error);
        at += length;
        if (!*at) break;
    }
    return code;
}

/* ---- Text -------------------------------------------------------------------------------------------------------- */

/* A number with DECIMALS digits behind the point, whatever the locale. */
static size_t put_number(char *to, double value) {
    long long scaled = llround(value * 1e5), size = scaled < 0 ? -scaled : scaled;
    return (size_t)sprintf(to, "%s%lld.%0*lld", scaled < 0 ? "-" : "", size / 100000, DECIMALS, size % 100000);
}

char *points_csv(const soma_context *context, const points_options *options, size_t *length) {
    static const char header[] = "x,y,class\n";
    size_t size;
    if (!size_multiply((size_t)options->count, ROW_TEXT, &size) || !size_add(size, sizeof header, &size)) return NULL;
    char *text = mem_alloc(context, size), *at = text;
    if (!text) return NULL;
    memcpy(at, header, sizeof header);
    at += sizeof header - 1;
    for (int64_t i = 0; i < options->count; i++) {
        points_point p = points_at(options, i);
        at += put_number(at, p.x);
        *at++ = ',';
        at += put_number(at, p.y);
        at += sprintf(at, ",%d\n", (int)p.label);
    }
    *length = (size_t)(at - text);
    return text;
}
