/* wasm/landscape.c: an optimizer on a function of x and y. The function is built twice from its formula: over two
 * trainable variables, whose training plan is the walk, and over inputs of a batch, to draw it. */
#include "binding.h"
#include "graph/graph.h"

struct landscape {
    soma_graph *walk_graph, *height_graph;
    soma_value x, y, height;            /* of the walk */
    soma_value grid_x, grid_y, heights; /* of the drawing */
    part walk, draw;
};

static soma_value find(landscape *l, const char *name, soma_value *x, soma_value *y) {
    (void)l;
    return !strcmp(name, "x") ? *x : !strcmp(name, "y") ? *y : (soma_value){0};
}

static soma_value unknown(soma_graph *graph, const char *name) {
    return graph_fail(graph, "'%s' is neither x nor y", name);
}

static soma_value place_of(void *user, soma_graph *graph, const char *name) {
    landscape *l = user;
    soma_value v = find(l, name, &l->x, &l->y);
    return v.node ? v : unknown(graph, name);
}

static soma_value grid_of(void *user, soma_graph *graph, const char *name) {
    landscape *l = user;
    soma_value v = find(l, name, &l->grid_x, &l->grid_y);
    return v.node ? v : unknown(graph, name);
}

static soma_value coordinate(soma_graph *graph, const char *name, double start) {
    soma_init init = {.kind = SOMA_INIT_CONSTANT, .value = start};
    return soma_variable(graph, name, soma_shape0(), init, true);
}

static int build(landscape *l, const char *text, const double *optimizer, double x, double y, soma_error *error) {
    l->x = coordinate(l->walk_graph, "x", x);
    l->y = coordinate(l->walk_graph, "y", y);
    l->height = formula_parse(l->walk_graph, text, place_of, l, error);
    if (error->code) return error->code;
    soma_value keep[2] = {l->x, l->y};
    soma_plan_options options = {.max_batch = 1, .threads = 1, .keep = keep, .keep_count = 2};
    l->walk.plan = soma_plan_train(l->height, optimizer_of(optimizer), options, error);
    l->walk.run = l->walk.plan ? soma_run_create(l->walk.plan, error) : NULL;
    l->grid_x = soma_input(l->height_graph, "x", soma_shape1(SOMA_BATCH));
    l->grid_y = soma_input(l->height_graph, "y", soma_shape1(SOMA_BATCH));
    l->heights = formula_parse(l->height_graph, text, grid_of, l, error);
    return error->code;
}

landscape *landscape_create(const char *text, const double *optimizer, double x, double y, soma_error *error) {
    landscape *l = mem_zeros(NULL, 1, sizeof *l);
    if (!l) return error_memory(error), NULL;
    l->walk_graph = soma_graph_create();
    l->height_graph = soma_graph_create();
    if (!l->walk_graph || !l->height_graph) error_memory(error);
    if (!error->code && !build(l, text, optimizer, x, y, error)) return l;
    landscape_destroy(l);
    return NULL;
}

void landscape_destroy(landscape *l) {
    if (!l) return;
    part_clear(&l->walk);
    part_clear(&l->draw);
    soma_graph_destroy(l->walk_graph);
    soma_graph_destroy(l->height_graph);
    mem_free(NULL, l);
}

int landscape_walk(landscape *l, size_t steps, double *path, soma_error *error) {
    soma_store *store = soma_plan_store(l->walk.plan);
    for (size_t i = 0; i < steps; i++, path += 3) {
        float x, y;
        if (soma_store_get(store, "x", &x, 1, error) || soma_store_get(store, "y", &y, 1, error) ||
            soma_run_step(l->walk.run, error) || soma_run_get_double(l->walk.run, l->height, &path[2], 1, error))
            return error->code;
        path[0] = (double)x;
        path[1] = (double)y;
    }
    return SOMA_OK;
}

/* A row of the grid at a time: y is the same along it. */
int landscape_heights(landscape *l, const double *range, size_t steps, float *out, soma_error *error) {
    soma_plan_options options = {.max_batch = (int64_t)steps, .threads = 1};
    if (l->draw.rows < (int64_t)steps && part_make(&l->draw, &l->heights, 1, options, error)) return error->code;
    float *x = mem_array(NULL, 2 * steps, sizeof *x), *y = x + steps;
    double last = steps > 1 ? (double)(steps - 1) : 1;
    if (!x) return error_memory(error);
    for (size_t k = 0; k < steps; k++) x[k] = (float)(range[0] + (range[1] - range[0]) * (double)k / last);
    for (size_t i = 0; i < steps && !error->code; i++) {
        for (size_t k = 0; k < steps; k++) y[k] = (float)(range[2] + (range[3] - range[2]) * (double)i / last);
        if (!soma_run_set(l->draw.run, l->grid_x, x, (int64_t)steps, error) &&
            !soma_run_set(l->draw.run, l->grid_y, y, (int64_t)steps, error) && !soma_run_step(l->draw.run, error))
            soma_run_get(l->draw.run, l->heights, out + i * steps, steps, error);
    }
    mem_free(NULL, x);
    return error->code;
}
