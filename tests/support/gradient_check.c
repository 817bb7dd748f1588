/* tests/support/gradient_check.c: see gradient_check.h. */
#include "support/gradient_check.h"

#include "base/random.h"

#include <soma/plan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const double tolerance = 1e-6;

/* ---- Values ------------------------------------------------------------------------------------------------------ */

typedef struct block {
    soma_value value;
    double *data;
    size_t count;
} block;

/* Distinct values in (low, high), none within a quarter of their distance of a kink. */
static void fill(block *b, const gradient_case *c, random_stream *r) {
    double low = c->low, high = c->high;
    if (low == 0 && high == 0) low = -2, high = 2;
    int64_t *places = malloc((b->count + 1) * sizeof *places);
    assert_non_null(places);
    for (size_t i = 0; i < b->count; i++) places[i] = (int64_t)i;
    random_shuffle(r, places, b->count);
    double distance = (high - low) / (double)(b->count ? b->count : 1);
    for (size_t i = 0; i < b->count; i++) {
        double v = low + distance * ((double)places[i] + 0.3 + 0.4 * random_uniform(r));
        for (int k = 0; k < c->kinks; k++)
            if (fabs(v - c->kink[k]) < 0.05) v = c->kink[k] + (v < c->kink[k] ? -0.05 : 0.05) * (1 + random_uniform(r));
        b->data[i] = v;
    }
    free(places);
}

static block new_block(soma_value v, int64_t batch) {
    soma_shape s = soma_value_shape(v);
    block b = {v, NULL, (size_t)shape_elements(&s, batch)};
    b.data = calloc(b.count + 1, sizeof *b.data);
    assert_non_null(b.data);
    return b;
}

/* ---- Plans ------------------------------------------------------------------------------------------------------- */

static void must(const soma_error *e, const char *name) {
    if (e->code) fail_msg("%s: %s", name, e->message);
}

static soma_plan *reference_plan(const soma_value *outputs, size_t count, int64_t batch, const char *name) {
    soma_error e = {0};
    soma_plan_options options = {.max_batch = batch, .backend = SOMA_BACKEND_REFERENCE, .threads = 1};
    soma_plan *p = soma_plan_infer(outputs, count, options, &e);
    must(&e, name);
    assert_non_null(p);
    return p;
}

static void set_all(soma_run *r, const block *blocks, int count, int64_t batch, const char *name) {
    soma_error e = {0};
    for (int i = 0; i < count; i++) soma_run_set_double(r, blocks[i].value, blocks[i].data, batch, &e);
    must(&e, name);
}

static double scalar_at(soma_run *r, soma_value y, const block *changed, int64_t batch, const char *name) {
    soma_error e = {0};
    double v = 0;
    soma_run_set_double(r, changed->value, changed->data, batch, &e);
    soma_run_step(r, &e);
    soma_run_get_double(r, y, &v, 1, &e);
    must(&e, name);
    return v;
}

/* d y / d blocks[k] by differences, for every element, against `gradient`. */
static void compare(soma_run *r, soma_value y, block *b, const double *gradient, int64_t batch, const char *name,
                    const char *what) {
    const double h = 1e-3;
    double largest = 0;
    for (size_t i = 0; i < b->count; i++) largest = fmax(largest, fabs(gradient[i]));
    for (size_t i = 0; i < b->count; i++) {
        double kept = b->data[i], at[4];
        const double places[4] = {h, -h, 2 * h, -2 * h};
        for (int k = 0; k < 4; k++) {
            b->data[i] = kept + places[k];
            at[k] = scalar_at(r, y, b, batch, name);
        }
        b->data[i] = kept;
        double difference = (8 * (at[0] - at[1]) - (at[2] - at[3])) / (12 * h);
        double size = fmax(fmax(fabs(difference), fabs(gradient[i])), fmax(0.01 * largest, 1e-3));
        if (!(fabs(difference - gradient[i]) <= tolerance * size))
            fail_msg("%s: %s, element %zu: the rule gives %.12g, differences give %.12g", name, what, i, gradient[i],
                     difference);
    }
    scalar_at(r, y, b, batch, name);
}

/* ---- The check --------------------------------------------------------------------------------------------------- */

/* A graph and what is differentiated in it. */
typedef struct check {
    const gradient_case *c;
    soma_graph *graph;
    int64_t batch;
    block blocks[2 * GRADIENT_INPUTS + 1]; /* the inputs, W, then the V */
    int differentiated, count;             /* the inputs and W; all blocks */
    soma_value loss;
} check;

static soma_value weighted(check *k, soma_value v, const char *name, random_stream *r) {
    static const gradient_case plain = {.low = 0.5, .high = 1.5};
    soma_value w = soma_input(k->graph, name, soma_value_shape(v));
    must(soma_graph_error(k->graph), k->c->name);
    k->blocks[k->count] = new_block(w, k->batch);
    fill(&k->blocks[k->count++], &plain, r);
    return soma_sum(soma_mul(v, w));
}

/* Gradients of k->loss by the rules, checked against differences; left in `gradients`. */
static void check_gradients(check *k, int wanted, soma_value *gradients, const char *what) {
    soma_value x[GRADIENT_INPUTS + 1] = {{0}}, outputs[GRADIENT_INPUTS + 2];
    soma_error e = {0};
    for (int i = 0; i < wanted; i++) x[i] = k->blocks[i].value;
    soma_gradient(k->loss, x, wanted, gradients);
    must(soma_graph_error(k->graph), k->c->name);
    outputs[0] = k->loss;
    for (int i = 0; i < wanted; i++) {
        soma_shape s = soma_value_shape(gradients[i]), t = soma_value_shape(x[i]);
        assert_true(shape_equal(&s, &t));
        outputs[i + 1] = gradients[i];
    }
    soma_plan *all = reference_plan(outputs, (size_t)wanted + 1, k->batch, k->c->name);
    soma_plan *one = reference_plan(outputs, 1, k->batch, k->c->name);
    soma_run *run = soma_run_create(all, &e), *again = soma_run_create(one, &e);
    must(&e, k->c->name);
    set_all(run, k->blocks, k->count, k->batch, k->c->name);
    set_all(again, k->blocks, k->count, k->batch, k->c->name);
    soma_run_step(run, &e);
    for (int i = 0; i < wanted; i++) {
        block *b = &k->blocks[i];
        double *values = calloc(b->count + 1, sizeof *values);
        assert_non_null(values);
        soma_run_get_double(run, gradients[i], values, b->count, &e);
        must(&e, k->c->name);
        compare(again, k->loss, b, values, k->batch, k->c->name, what);
        free(values);
    }
    soma_run_destroy(again);
    soma_run_destroy(run);
    soma_plan_destroy(one);
    soma_plan_destroy(all);
}

static const soma_op *checked[256];
static size_t checked_count;

bool gradient_checked(const soma_op *op) {
    for (size_t i = 0; i < checked_count; i++)
        if (checked[i] == op) return true;
    return false;
}

void gradient_check(const gradient_case *c) {
    check k = {.c = c, .graph = soma_graph_create(), .batch = c->batch ? c->batch : 3};
    random_stream r = random_open(c->seed, hash_bytes(c->name, strlen(c->name), HASH_START));
    soma_value x[GRADIENT_INPUTS], first[GRADIENT_INPUTS + 1], second[GRADIENT_INPUTS + 1];
    assert_non_null(k.graph);
    for (int i = 0; i < c->inputs; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        x[i] = soma_input(k.graph, name, c->shapes[i]);
        must(soma_graph_error(k.graph), c->name);
        k.blocks[i] = new_block(x[i], k.batch);
        fill(&k.blocks[i], c, &r);
    }
    k.count = c->inputs;
    soma_value y = c->build(k.graph, x, c->arguments);
    must(soma_graph_error(k.graph), c->name);
    for (size_t i = 0; i < k.graph->count && checked_count < COUNT_OF(checked); i++)
        if (!gradient_checked(k.graph->nodes[i]->op)) checked[checked_count++] = k.graph->nodes[i]->op;
    k.loss = weighted(&k, y, "w", &r);
    k.differentiated = k.count;
    check_gradients(&k, c->inputs, first, "first derivative");
    k.loss = soma_scalar(k.graph, 0);
    for (int i = 0; i < c->inputs; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        k.loss = soma_add(k.loss, weighted(&k, first[i], name, &r));
    }
    check_gradients(&k, k.differentiated, second, "second derivative");
    for (int i = 0; i < k.count; i++) free(k.blocks[i].data);
    soma_graph_destroy(k.graph);
}

void evaluate(soma_value output, const evaluation_input *inputs, int inputs_count, double *values, size_t count) {
    soma_error e = {0};
    int64_t batch = 1;
    must(soma_graph_error(output.graph), "graph");
    for (int i = 0; i < inputs_count; i++)
        if (inputs[i].rows > batch) batch = inputs[i].rows;
    soma_plan *p = reference_plan(&output, 1, batch, "evaluate");
    soma_run *r = soma_run_create(p, &e);
    must(&e, "evaluate");
    for (int i = 0; i < inputs_count; i++)
        if (soma_value_dtype(inputs[i].input) == SOMA_FLOAT)
            soma_run_set_double(r, inputs[i].input, inputs[i].data, inputs[i].rows, &e);
        else
            soma_run_set(r, inputs[i].input, inputs[i].data, inputs[i].rows, &e);
    soma_run_step(r, &e);
    if (soma_value_dtype(output) == SOMA_FLOAT) {
        soma_run_get_double(r, output, values, count, &e);
    } else {
        int64_t *whole = calloc(count + 1, sizeof *whole);
        assert_non_null(whole);
        soma_run_get(r, output, whole, count, &e);
        for (size_t i = 0; i < count; i++) values[i] = (double)whole[i];
        free(whole);
    }
    must(&e, "evaluate");
    soma_run_destroy(r);
    soma_plan_destroy(p);
}
