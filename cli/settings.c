/* cli/settings.c: optimizers and schedules with their settings, NAME:key=value,key=value. One table for each says which
 * name knows which key, its range, and where the value goes; names and meanings are PyTorch's. */
#include "settings.h"

#include "options.h"
#include "train/defaults.h"

#include <stdio.h>

const char *const optimizer_names[] = {"sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "adagrad", NULL};
const char *const schedule_names[] = {"constant", "step", "cosine", "onecycle", "plateau", NULL};

typedef struct setting {
    const char *name;
    unsigned kinds; /* bits of those that know it */
    size_t offset;
    bool whole; /* int64_t; else double */
    double low, high;
    bool above_low, below_high;
} setting;

/* A name's settings as they are read. */
typedef struct reading {
    const char *option, *name; /* "--opt", "adam" */
    const setting *table;      /* ends with one without a name */
    unsigned kind;
    void *values;
    unsigned given; /* bits by row of the table */
} reading;

static bool knows(const reading *r, const setting *s) { return (s->kinds >> r->kind & 1) != 0; }

static int complain_unknown(const reading *r, const char *key, soma_error *error) {
    enum { MOST = 16 };
    const char *names[MOST + 1];
    char list[256] = "";
    size_t n = 0;
    for (const setting *s = r->table; s->name && n < MOST; s++)
        if (knows(r, s)) names[n++] = s->name;
    names[n] = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = suggest(key, names);
    return error_set(error, SOMA_ERROR_ARGUMENT, "%s %s has no setting '%s'; %s%s%sit takes %s", r->option, r->name,
                     key, near ? "did you mean " : "", near ? near : "", near ? "? " : "", list);
}

static int store_value(const reading *r, const setting *s, const char *text, soma_error *error) {
    double number = 0;
    int64_t whole = 0;
    bool ok = s->whole ? number_whole(text, &whole) : number_real(text, &number);
    if (s->whole) number = (double)whole;
    ok = ok && number >= s->low && number <= s->high && (number > s->low || !s->above_low) &&
         (number < s->high || !s->below_high);
    if (!ok) {
        char range[64] = "";
        if (s->high < 1e30) snprintf(range, sizeof range, " %s %g", s->below_high ? "and below" : "to", s->high);
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s %s: %s takes a %snumber %s %g%s, not '%s'", r->option, r->name,
                         s->name, s->whole ? "whole " : "", s->above_low ? "above" : "from", s->low, range, text);
    }
    char *to = (char *)r->values + s->offset;
    if (s->whole)
        memcpy(to, &whole, sizeof whole);
    else
        memcpy(to, &number, sizeof number);
    return SOMA_OK;
}

static int take_pair(reading *r, char *pair, soma_error *error) {
    char *value = strchr(pair, '=');
    if (!value || value == pair)
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s %s: '%s' is no setting, expected key=value", r->option,
                         r->name, pair);
    *value++ = 0;
    const setting *s = r->table;
    while (s->name && (strcmp(s->name, pair) != 0 || !knows(r, s))) s++;
    if (!s->name) return complain_unknown(r, pair, error);
    unsigned bit = 1U << (s - r->table);
    if (r->given & bit)
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s %s: %s is given twice", r->option, r->name, s->name);
    r->given |= bit;
    return store_value(r, s, value, error);
}

/* The pairs behind the colon, if there is one. */
static int take_pairs(reading *r, const char *text, soma_error *error) {
    char copy[512];
    const char *pairs = strchr(text, ':');
    if (!pairs) return SOMA_OK;
    pairs++;
    if (strlen(pairs) >= sizeof copy || !*pairs)
        return error_set(error, SOMA_ERROR_ARGUMENT, "%s %s: expected settings key=value,… behind the colon", r->option,
                         r->name);
    snprintf(copy, sizeof copy, "%s", pairs);
    char *rest = copy;
    for (char *pair; (pair = strsep(&rest, ","));) {
        int code = take_pair(r, pair, error);
        if (code) return code;
    }
    return SOMA_OK;
}

/* The index of the name before the colon; the option's table has already been asked whether there is such a name. */
static unsigned name_index(const char *const *names, const char *text) {
    size_t length = strcspn(text, ":");
    unsigned i = 0;
    while (names[i + 1] && (strlen(names[i]) != length || strncmp(names[i], text, length) != 0)) i++;
    return i;
}

static bool was_given(const reading *r, const char *name) {
    for (size_t i = 0; r->table[i].name; i++)
        if (!strcmp(r->table[i].name, name)) return (r->given >> i & 1) != 0;
    return false;
}

/* ---- Optimizers ------------------------------------------------------------------------------------------------ */

typedef struct optimizer_values {
    soma_optimizer o;
    int64_t nesterov;
} optimizer_values;

#define KIND(name)     (1U << SOMA_##name)
#define MOMENTUM_KINDS (KIND(SGD) | KIND(MOMENTUM) | KIND(NESTEROV))
#define ADAM_KINDS     (KIND(ADAM) | KIND(ADAMW))
#define AT(field)      offsetof(optimizer_values, o.field)

static const setting optimizer_settings[] = {
    {"lr", ~0U, AT(learning_rate), false, 0, 1e38, true, false},
    {"momentum", MOMENTUM_KINDS, AT(momentum), false, 0, 1, false, true},
    {"nesterov", KIND(SGD) | KIND(MOMENTUM), offsetof(optimizer_values, nesterov), true, 0, 1, false, false},
    {"alpha", KIND(RMSPROP), AT(alpha), false, 0, 1, false, true},
    {"beta1", ADAM_KINDS, AT(beta1), false, 0, 1, false, true},
    {"beta2", ADAM_KINDS, AT(beta2), false, 0, 1, false, true},
    {"eps", ADAM_KINDS | KIND(RMSPROP) | KIND(ADAGRAD), AT(epsilon), false, 0, 1e38, false, false},
    {"weight_decay", ~0U, AT(weight_decay), false, 0, 1e38, false, false},
    {NULL, 0, 0, false, 0, 0, false, false}};

int optimizer_read(const char *text, optimizer_choice *choice, soma_error *error) {
    static const soma_optimizer_kind kinds[] = {SOMA_SGD,  SOMA_MOMENTUM, SOMA_NESTEROV, SOMA_RMSPROP,
                                                SOMA_ADAM, SOMA_ADAMW,    SOMA_ADAGRAD};
    unsigned index = name_index(optimizer_names, text);
    optimizer_values v = {.o = defaults_optimizer(kinds[index], 0)};
    reading r = {.option = "--opt",
                 .name = optimizer_names[index],
                 .table = optimizer_settings,
                 .kind = kinds[index],
                 .values = &v};
    int code = take_pairs(&r, text, error);
    if (code) return code;
    /* PyTorch's SGD has its momentum as a setting. */
    if (v.o.kind == SOMA_SGD && v.o.momentum > 0) v.o.kind = SOMA_MOMENTUM;
    if (v.nesterov && v.o.kind == SOMA_SGD)
        return error_set(error, SOMA_ERROR_ARGUMENT, "--opt sgd: nesterov needs a momentum above 0");
    if (v.nesterov) v.o.kind = SOMA_NESTEROV;
    *choice = (optimizer_choice){v.o, was_given(&r, "lr"), was_given(&r, "weight_decay")};
    return SOMA_OK;
}

/* ---- Schedules ------------------------------------------------------------------------------------------------- */

#undef KIND
#undef AT
#define KIND(name) (1U << SOMA_SCHEDULE_##name)
#define AT(field)  offsetof(soma_schedule, field)

static const setting schedule_settings[] = {
    {"size", KIND(STEP), AT(size), false, 0, 1e9, true, false},
    {"gamma", KIND(STEP), AT(gamma), false, 0, 1, true, false},
    {"max", KIND(ONECYCLE), AT(max), false, 0, 1e38, true, false},
    {"pct_start", KIND(ONECYCLE), AT(pct_start), false, 0, 1, false, false},
    {"div_factor", KIND(ONECYCLE), AT(div_factor), false, 1, 1e30, false, false},
    {"final_div_factor", KIND(ONECYCLE), AT(final_div_factor), false, 1, 1e30, false, false},
    {"factor", KIND(PLATEAU), AT(factor), false, 0, 1, true, true},
    {"patience", KIND(PLATEAU), AT(patience), true, 0, 1e9, false, false},
    {"threshold", KIND(PLATEAU), AT(threshold), false, 0, 1, false, true},
    {"cooldown", KIND(PLATEAU), AT(cooldown), true, 0, 1e9, false, false},
    {"min", KIND(COSINE) | KIND(PLATEAU), AT(min), false, 0, 1e38, false, false},
    {"warmup", ~0U, AT(warmup), false, 0, 1e9, false, false},
    {"warmup_steps", ~0U, AT(warmup_steps), true, 0, 1e15, false, false},
    {NULL, 0, 0, false, 0, 0, false, false}};

static soma_schedule schedule_usual(soma_schedule_kind kind) {
    soma_schedule constant = {.kind = SOMA_SCHEDULE_CONSTANT};
    switch (kind) {
    case SOMA_SCHEDULE_STEP:
        return soma_schedule_step(0, 0.1);
    case SOMA_SCHEDULE_COSINE:
        return soma_schedule_cosine(0);
    case SOMA_SCHEDULE_ONECYCLE:
        return soma_schedule_onecycle(0);
    case SOMA_SCHEDULE_PLATEAU:
        return soma_schedule_plateau(0.1, -1);
    case SOMA_SCHEDULE_CONSTANT:
        break;
    }
    return constant;
}

int schedule_read(const char *text, soma_schedule *schedule, soma_error *error) {
    static const soma_schedule_kind kinds[] = {SOMA_SCHEDULE_CONSTANT, SOMA_SCHEDULE_STEP, SOMA_SCHEDULE_COSINE,
                                               SOMA_SCHEDULE_ONECYCLE, SOMA_SCHEDULE_PLATEAU};
    unsigned index = name_index(schedule_names, text);
    *schedule = schedule_usual(kinds[index]);
    reading r = {.option = "--schedule",
                 .name = schedule_names[index],
                 .table = schedule_settings,
                 .kind = kinds[index],
                 .values = schedule};
    int code = take_pairs(&r, text, error);
    if (!code && was_given(&r, "warmup") && was_given(&r, "warmup_steps"))
        return error_set(error, SOMA_ERROR_ARGUMENT,
                         "--schedule %s: warmup and warmup_steps say the same thing; one of them can be given", r.name);
    return code;
}
