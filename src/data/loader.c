/* data/loader.c: a ring of batches. A worker takes the next batch that nobody has taken, as long as its place in the
 * ring is not one that is still to be used, prepares it alone and marks it ready. One mutex guards the ring's
 * book-keeping and is held for a few instructions; what takes time happens outside it. Nothing is allocated after
 * creation, and what a batch becomes depends on its rows, the epoch and the seed alone. */
#include "data/loader.h"

#include <time.h>

#ifndef SOMA_THREADS_SERIAL
#include <pthread.h>
#define LOADER_HAS_THREADS 1
#endif

enum {
    AHEAD = 2, /* batches beyond one a worker */
    MOST_WORKERS = 16,
    MOST_BYTES = 64 << 20, /* of a ring with more than two batches */
    TIMED = 16             /* one of so many copies of table rows is timed */
};

/* A batch's place. */
typedef struct slot {
    float *x, *targets, *scratch;
    int64_t *classes;
    int64_t step; /* whose batch is ready here; -1: none */
    double share;
    int code;
    soma_error error;
} slot;

struct loader {
    loader_options options;
    int64_t *order;
    int64_t count, epoch, steps;
    size_t elements;
    slot *slots;
    int64_t slots_count;
    double waited;
    uint64_t calls;
    int workers;
#ifdef LOADER_HAS_THREADS
    pthread_mutex_t mutex;
    pthread_cond_t work, ready; /* there is a batch to prepare; one has been prepared */
    int64_t next, held;         /* the next step to be taken by a worker; the step in use or asked for next */
    int busy;                   /* workers that prepare a batch */
    bool ending;
    pthread_t threads[MOST_WORKERS];
#endif
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- One batch ------------------------------------------------------------------------------------------------- */

static int64_t rows_of(const loader *l, int64_t step) {
    int64_t left = l->count - step * l->options.batch;
    return left < l->options.batch ? left : l->options.batch;
}

/* Makes the batch of a step; whether it is ready is not said here. */
static void prepare(const loader *l, slot *s, int64_t step) {
    const loader_options *o = &l->options;
    const int64_t *rows = l->order + step * o->batch;
    size_t count = (size_t)rows_of(l, step);
    if (s->code) s->error = (soma_error){0};
    s->share = 1;
    s->code = data_gather(o->set, rows, count, s->x, s->classes, s->targets, &s->error);
    if (s->code) return;
    if (s->classes) s->classes[count] = s->classes[0];
    if (s->targets) s->targets[count] = s->targets[0];
    if (!o->augment || augment_is_none(o->augment)) return;
    for (size_t i = 0; i < count; i++)
        augment_apply(o->augment, o->set->sample, o->seed, l->epoch, rows[i], s->x + i * l->elements, s->scratch);
    s->share = augment_mix(o->augment, l->elements, o->seed, l->epoch, rows[0], s->x, count, s->scratch);
}

/* ---- Workers --------------------------------------------------------------------------------------------------- */

#ifdef LOADER_HAS_THREADS

static void *work(void *argument) {
    loader *l = argument;
    pthread_mutex_lock(&l->mutex);
    for (;;) {
        while (!l->ending && !(l->next < l->steps && l->next < l->held + l->slots_count))
            pthread_cond_wait(&l->work, &l->mutex);
        if (l->ending) break;
        int64_t step = l->next++;
        slot *s = &l->slots[step % l->slots_count];
        s->step = -1;
        l->busy++;
        pthread_mutex_unlock(&l->mutex);
        prepare(l, s, step);
        pthread_mutex_lock(&l->mutex);
        s->step = step;
        l->busy--;
        pthread_cond_signal(&l->ready);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

/* Lets the workers come to rest, with the mutex held, and empties the ring. */
static void rest(loader *l) {
    l->next = l->steps; /* there is nothing left to take */
    while (l->busy) pthread_cond_wait(&l->ready, &l->mutex);
    for (int64_t i = 0; i < l->slots_count; i++) l->slots[i].step = -1;
}

static void go_on(loader *l, int64_t step) {
    l->held = l->next = step;
    pthread_cond_broadcast(&l->work);
}

/* The slot of a step, when it is ready. */
static slot *wait_for(loader *l, int64_t step) {
    slot *s = &l->slots[step % l->slots_count];
    pthread_mutex_lock(&l->mutex);
    if (step < l->held || step > l->held + 1) { /* elsewhere */
        rest(l);
        go_on(l, step);
    } else if (step != l->held) {
        l->held = step;
        pthread_cond_signal(&l->work);
    }
    while (s->step != step) pthread_cond_wait(&l->ready, &l->mutex);
    pthread_mutex_unlock(&l->mutex);
    return s;
}

static void begin_ahead(loader *l, const int64_t *order, size_t count, int64_t epoch, int64_t step) {
    pthread_mutex_lock(&l->mutex);
    rest(l);
    if (count) memcpy(l->order, order, count * sizeof *order);
    l->count = (int64_t)count;
    l->epoch = epoch;
    l->steps = (l->count + l->options.batch - 1) / l->options.batch;
    go_on(l, step);
    pthread_mutex_unlock(&l->mutex);
}

static void start_workers(loader *l, int wanted) {
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->ready, NULL);
    while (l->workers < wanted && !pthread_create(&l->threads[l->workers], NULL, work, l)) l->workers++;
}

static void stop_workers(loader *l) {
    pthread_mutex_lock(&l->mutex);
    l->ending = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->mutex);
    for (int i = 0; i < l->workers; i++) pthread_join(l->threads[i], NULL);
    pthread_cond_destroy(&l->ready);
    pthread_cond_destroy(&l->work);
    pthread_mutex_destroy(&l->mutex);
}

static int workers_wanted(const loader_options *o) {
    if (o->set->features || o->threads < 2 || context_or_default(o->context)->options.parallel) return 0;
    return o->threads < MOST_WORKERS ? o->threads : MOST_WORKERS;
}

#else

static slot *wait_for(loader *l, int64_t step) {
    (void)step;
    return &l->slots[0];
}
static void begin_ahead(loader *l, const int64_t *order, size_t count, int64_t epoch, int64_t step) {
    (void)l, (void)order, (void)count, (void)epoch, (void)step;
}
static void start_workers(loader *l, int wanted) { (void)l, (void)wanted; }
static void stop_workers(loader *l) { (void)l; }
static int workers_wanted(const loader_options *o) {
    (void)o;
    return 0;
}

#endif

/* ---- The loader ------------------------------------------------------------------------------------------------ */

/* As many batches as workers and two more, but fewer of large ones. */
static int64_t slots_wanted(const loader *l, int workers) {
    size_t bytes = 0;
    int64_t count = workers ? workers + AHEAD : 1;
    if (!size_multiply((size_t)l->options.batch, l->elements * sizeof(float), &bytes)) return 1;
    while (count > 2 && (uint64_t)count * bytes > MOST_BYTES) count--;
    return count;
}

static bool allocate(loader *l, int workers) {
    const loader_options *o = &l->options;
    size_t batch = (size_t)o->batch, values;
    int64_t count = slots_wanted(l, workers);
    if (!size_multiply(batch, l->elements, &values)) return false;
    l->order = mem_array(o->context, o->rows, sizeof *l->order);
    l->slots = mem_zeros(o->context, (size_t)count, sizeof *l->slots);
    if (!l->order || !l->slots) return false;
    l->slots_count = count;
    for (int64_t i = 0; i < count; i++) {
        slot *s = &l->slots[i];
        s->step = -1;
        s->x = mem_array(o->context, values, sizeof *s->x);
        if (o->augment) s->scratch = mem_array(o->context, l->elements, sizeof *s->scratch);
        if (o->set->classes) s->classes = mem_array(o->context, batch + 1, sizeof *s->classes);
        if (o->set->targets) s->targets = mem_array(o->context, batch + 1, sizeof *s->targets);
        if (!s->x || (o->augment && !s->scratch) || (o->set->classes && !s->classes) ||
            (o->set->targets && !s->targets))
            return false;
    }
    return true;
}

static void clear(loader *l) {
    const soma_context *context = l->options.context;
    for (int64_t i = 0; i < l->slots_count; i++) {
        mem_free(context, l->slots[i].x);
        mem_free(context, l->slots[i].scratch);
        mem_free(context, l->slots[i].classes);
        mem_free(context, l->slots[i].targets);
    }
    mem_free(context, l->slots);
    mem_free(context, l->order);
    mem_free(context, l);
}

loader *loader_create(loader_options options, soma_error *error) {
    loader *l = mem_zeros(options.context, 1, sizeof *l);
    int workers = workers_wanted(&options);
    if (!l) return error_memory(error), NULL;
    l->options = options;
    l->elements = (size_t)shape_elements(&options.set->sample, 1);
    if (!allocate(l, workers)) {
        clear(l);
        return error_memory(error), NULL;
    }
    if (workers) start_workers(l, workers);
    return l;
}

void loader_destroy(loader *l) {
    if (!l) return;
    if (workers_wanted(&l->options)) stop_workers(l);
    clear(l);
}

void loader_begin(loader *l, const int64_t *order, size_t count, int64_t epoch, int64_t first) {
    if (l->workers) {
        begin_ahead(l, order, count, epoch, first / l->options.batch);
        return;
    }
    if (count) memcpy(l->order, order, count * sizeof *order);
    l->count = (int64_t)count;
    l->epoch = epoch;
}

int loader_get(loader *l, int64_t first, loader_batch *batch, soma_error *error) {
    int64_t step = first / l->options.batch;
    uint64_t every = l->options.set->features ? TIMED : 1; /* a row is copied faster than the clock is read */
    bool timed = l->calls++ % every == 0;
    double begin = timed ? now() : 0;
    slot *s = &l->slots[0];
    if (l->workers)
        s = wait_for(l, step);
    else
        prepare(l, s, step);
    if (timed) l->waited += (double)every * (now() - begin);
    if (s->code) return error_set(error, s->code, "%s", s->error.message);
    *batch = (loader_batch){rows_of(l, step), s->x, s->classes, s->targets, s->share};
    return SOMA_OK;
}

double loader_waited(const loader *l) { return l->waited; }

int loader_threads(const loader *l) { return l->workers; }
