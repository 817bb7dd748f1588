/* base/parallel.c: teams of threads. One of four ways, chosen at configure time (SOMA_THREADS_…) or by the context's
 * callback: POSIX threads, OpenMP, none.
 *
 * A run of a small network takes a few microseconds, so waking a worker must cost less than that: between regions the
 * workers spin on a generation number for some tens of microseconds before they sleep on a condition variable. Barriers
 * spin too, and yield the processor when they have to wait long (more threads than processors). */
#include "base/parallel.h"

#include "base/base.h"

#include <stdatomic.h>

#if defined(SOMA_THREADS_OPENMP)
#include <omp.h>
#elif !defined(SOMA_THREADS_SERIAL)
#define SOMA_THREADS_PTHREADS
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#endif

enum { SPINS_BEFORE_SLEEP = 20000, SPINS_BEFORE_YIELD = 4000 };

static inline void pause_processor(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#ifdef SOMA_THREADS_PTHREADS
struct worker {
    team *team;
    pthread_t thread;
    int index;
};
#endif

struct team {
    const soma_context *context;
    int size;
    int active; /* threads of the present region */
    void (*body)(void *argument, int index);
    void *argument;
    _Alignas(64) atomic_int arrived; /* at the barrier */
    _Alignas(64) atomic_uint phase;  /* barriers passed */
    _Alignas(64) atomic_uint generation;
    _Alignas(64) atomic_int remaining;
#ifdef SOMA_THREADS_PTHREADS
    atomic_int sleepers;
    atomic_bool ending;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct worker *workers;
#endif
};

void team_barrier(team *t) {
    if (t->active < 2) return;
    unsigned phase = atomic_load_explicit(&t->phase, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&t->arrived, 1, memory_order_acq_rel) == t->active - 1) {
        atomic_store_explicit(&t->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&t->phase, phase + 1, memory_order_release);
        return;
    }
    for (long spins = 0; atomic_load_explicit(&t->phase, memory_order_acquire) == phase; spins++) {
        pause_processor();
#ifdef SOMA_THREADS_PTHREADS
        if (spins > SPINS_BEFORE_YIELD) sched_yield();
#endif
    }
}

int team_size(const team *t) { return t->size; }

#ifdef SOMA_THREADS_PTHREADS

static void *work(void *argument) {
    struct worker *w = argument;
    team *t = w->team;
    unsigned seen = 0;
    for (;;) {
        long spins = 0;
        while (atomic_load_explicit(&t->generation, memory_order_acquire) == seen && spins < SPINS_BEFORE_SLEEP) {
            pause_processor();
            spins++;
        }
        if (spins == SPINS_BEFORE_SLEEP) {
            pthread_mutex_lock(&t->mutex);
            atomic_fetch_add(&t->sleepers, 1);
            while (atomic_load(&t->generation) == seen) pthread_cond_wait(&t->wake, &t->mutex);
            atomic_fetch_sub(&t->sleepers, 1);
            pthread_mutex_unlock(&t->mutex);
        }
        seen++;
        if (atomic_load_explicit(&t->ending, memory_order_acquire)) return NULL;
        if (w->index < t->active) t->body(t->argument, w->index);
        atomic_fetch_sub_explicit(&t->remaining, 1, memory_order_acq_rel);
    }
}

static void next_generation(team *t) {
    atomic_fetch_add(&t->generation, 1);
    if (atomic_load(&t->sleepers)) {
        pthread_mutex_lock(&t->mutex);
        pthread_cond_broadcast(&t->wake);
        pthread_mutex_unlock(&t->mutex);
    }
}

static bool start_workers(team *t, int threads) {
    if (threads < 2) return true;
    t->workers = mem_zeros(t->context, (size_t)threads, sizeof *t->workers);
    if (!t->workers) return false;
    for (int i = 1; i < threads; i++) {
        t->workers[i] = (struct worker){.team = t, .index = i};
        if (pthread_create(&t->workers[i].thread, NULL, work, &t->workers[i])) break; /* fewer threads do as well */
        t->size = i + 1;
    }
    return true;
}

static void run_workers(team *t) {
    atomic_store_explicit(&t->remaining, t->size - 1, memory_order_relaxed);
    next_generation(t);
    t->body(t->argument, 0);
    for (long spins = 0; atomic_load_explicit(&t->remaining, memory_order_acquire) > 0; spins++) {
        pause_processor();
        if (spins > SPINS_BEFORE_YIELD) sched_yield();
    }
}

static void stop_workers(team *t) {
    if (t->size < 2) return;
    atomic_store_explicit(&t->ending, true, memory_order_release);
    next_generation(t);
    for (int i = 1; i < t->size; i++) pthread_join(t->workers[i].thread, NULL);
}

int processors_available(void) {
#ifdef __linux__
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set)) return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

#elif defined(SOMA_THREADS_OPENMP)

/* OpenMP may give fewer threads than asked for; a first region finds out how many it gives. */
static bool start_workers(team *t, int threads) {
    int given = 1;
    if (threads > 1) {
#pragma omp parallel num_threads(threads)
#pragma omp master
        given = omp_get_num_threads();
    }
    t->size = given;
    return true;
}

static void run_workers(team *t) {
#pragma omp parallel num_threads(t->active)
    t->body(t->argument, omp_get_thread_num());
}

static void stop_workers(team *t) { (void)t; }
int processors_available(void) { return omp_get_num_procs(); }

#else

static bool start_workers(team *t, int threads) {
    (void)t, (void)threads;
    return true;
}
static void run_workers(team *t) { t->body(t->argument, 0); }
static void stop_workers(team *t) { (void)t; }
int processors_available(void) { return 1; }

#endif

team *team_create(const soma_context *context, int threads) {
    team *t = mem_zeros(context, 1, sizeof *t);
    if (!t) return NULL;
    t->context = context;
    t->size = 1;
#ifdef SOMA_THREADS_PTHREADS
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->wake, NULL);
#endif
    if (context_or_default(context)->options.parallel) {
        t->size = threads < 1 ? 1 : threads;
    } else if (!start_workers(t, threads)) {
        team_destroy(t);
        return NULL;
    }
    return t;
}

void team_destroy(team *t) {
    if (!t) return;
    if (!context_or_default(t->context)->options.parallel) stop_workers(t);
#ifdef SOMA_THREADS_PTHREADS
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->mutex);
    mem_free(t->context, t->workers);
#endif
    mem_free(t->context, t);
}

void team_run(team *t, int threads, void (*body)(void *argument, int index), void *argument) {
    const soma_context_options *o = &context_or_default(t->context)->options;
    t->active = threads < t->size ? threads : t->size;
    t->body = body;
    t->argument = argument;
    if (t->active < 2) {
        body(argument, 0);
    } else if (o->parallel) {
        o->parallel(o->user, t->active, body, argument);
    } else {
        run_workers(t);
    }
}
