/* data/split.c: dividing rows: a held-back part, folds, and the order of an epoch.
 *
 * Rows are shuffled by Philox and, where the set has classes, sorted by class (the shuffle's order kept within each). A
 * held part takes its share from the front of each class; folds are dealt out one row at a time, going on with the next
 * fold where a class ends, so that folds differ by at most one row in each class and in all. Each use has a random
 * stream of its own, so that the split for validation tells nothing of the one for testing. */
#include "data/data.h"

#include <math.h>

enum { STREAM_FRACTION = 0x73706c31, STREAM_FOLDS = 0x73706c32, STREAM_ORDER = 0x73706c33, STREAM_EPOCH = 0x65706f63 };

/* Indices 0 .. count-1 into `rows`, shuffled, then sorted by class; begins[c] .. begins[c + 1] is class c (one class
 * when the set has none). */
typedef struct grouping {
    int64_t *order;
    size_t *begins, groups;
} grouping;

static void grouping_clear(const soma_dataset *set, grouping *g) {
    mem_free(set->context, g->order);
    mem_free(set->context, g->begins);
}

static size_t group_of(const soma_dataset *set, int64_t row) { return set->classes ? (size_t)set->classes[row] : 0; }

static bool group(const soma_dataset *set, const int64_t *rows, size_t count, random_stream *random, grouping *g) {
    const soma_context *context = set->context;
    g->groups = set->classes ? set->schema.classes_count : 1;
    g->order = mem_array(context, count, sizeof *g->order);
    g->begins = mem_zeros(context, g->groups + 2, sizeof *g->begins);
    int64_t *shuffled = mem_array(context, count, sizeof *shuffled);
    bool done = g->order && g->begins && shuffled;
    if (done) {
        for (size_t i = 0; i < count; i++) shuffled[i] = (int64_t)i;
        random_shuffle(random, shuffled, count);
        for (size_t i = 0; i < count; i++) g->begins[group_of(set, rows[i]) + 2]++;
        for (size_t c = 0; c < g->groups; c++) g->begins[c + 2] += g->begins[c + 1];
        for (size_t i = 0; i < count; i++) g->order[g->begins[group_of(set, rows[shuffled[i]]) + 1]++] = shuffled[i];
    } else {
        grouping_clear(set, g);
    }
    mem_free(context, shuffled);
    return done;
}

/* How many of a group's rows are held back: the rounded share, but one at least and not all where there are two. */
static size_t share_of(size_t rows, double fraction) {
    if (!(fraction > 0) || rows == 0) return 0;
    if (fraction >= 1) return rows;
    size_t share = (size_t)floor((double)rows * fraction + 0.5);
    if (rows < 2) return share;
    if (share < 1) return 1;
    return share < rows ? share : rows - 1;
}

bool split_fraction(const soma_dataset *set, const int64_t *rows, size_t count, double fraction, uint64_t seed,
                    int64_t *held, size_t *held_count, int64_t *kept, size_t *kept_count) {
    random_stream random = random_open(seed, STREAM_FRACTION), order = random_open(seed, STREAM_ORDER);
    grouping g;
    *held_count = *kept_count = 0;
    if (!group(set, rows, count, &random, &g)) return false;
    for (size_t c = 0; c < g.groups; c++) {
        size_t size = g.begins[c + 1] - g.begins[c], share = share_of(size, fraction);
        for (size_t i = 0; i < size; i++) {
            int64_t row = rows[g.order[g.begins[c] + i]];
            if (i < share)
                held[(*held_count)++] = row;
            else
                kept[(*kept_count)++] = row;
        }
    }
    grouping_clear(set, &g);
    random_shuffle(&order, held, *held_count);
    random_shuffle(&order, kept, *kept_count);
    return true;
}

bool split_folds(const soma_dataset *set, const int64_t *rows, size_t count, int folds, uint64_t seed, int *fold_of) {
    random_stream random = random_open(seed, STREAM_FOLDS);
    grouping g;
    if (!group(set, rows, count, &random, &g)) return false;
    for (size_t i = 0; i < count; i++) fold_of[g.order[i]] = (int)(i % (size_t)folds);
    grouping_clear(set, &g);
    return true;
}

void data_epoch_order(const int64_t *rows, size_t count, uint64_t seed, int64_t epoch, int64_t *order) {
    random_stream random = random_open(seed, hash_bytes(&epoch, sizeof epoch, STREAM_EPOCH));
    if (count) memcpy(order, rows, count * sizeof *order);
    random_shuffle(&random, order, count);
}
