/* plan/print.c: a plan as text for people: what runs in which order, what was fused into what, how it is split among
 * threads, and what it costs. */
#include "plan/run.h"

#include <stdio.h>

typedef struct printer {
    void (*write)(void *user, const char *text);
    void *user;
} printer;

static void say(const printer *p, const char *format, ...) BASE_PRINTF(2, 3);
static void say(const printer *p, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    p->write(p->user, text);
}

static void count_text(double count, const char *unit, char text[32]) {
    static const char *const prefix[] = {"", "K", "M", "G", "T"};
    int k = 0;
    for (; count >= 1000 && k < 4; k++) count /= 1000;
    snprintf(text, 32, count < 10 && k ? "%.2f %s%s" : "%.0f %s%s", count, prefix[k], unit);
}

/* What a step does: its op, what is fused into it, and what it costs. */
static void print_work(const soma_plan *plan, const printer *p, int32_t i) {
    static const char *const split[] = {"one thread", "by samples", "by parts"};
    const step *s = &plan->steps[i];
    const group *g = &plan->groups[s->group];
    char text[SHAPE_TEXT], where[160], cost[32];
    if (s->anchor) say(p, "%s", node_text(s->anchor, where, sizeof where));
    for (int k = 0; k < g->count; k++) {
        say(p, "%s%s", k || s->anchor ? " + " : "", g->members[k]->op->name);
        if (g->members[k]->op->flags & OP_EFFECT)
            say(p, " '%s'", graph_node(plan->graph, g->members[k]->inputs[0].node)->name);
    }
    say(p, "  %s", shape_text(&s->shape, text));
    if (s->flops > 0) {
        count_text(s->flops, "FLOP", cost);
        say(p, "  %s", cost);
    }
    if (plan->threads > 1) say(p, "  %s", split[s->partition]);
    if (s->stretch >= 0) {
        const long long samples = (long long)plan->stretches[s->stretch].samples;
        say(p, "  %lld sample%s at a time", samples, samples == 1 ? "" : "s");
    }
    if (s->channels) say(p, "  with the next, %lld channels at a time", (long long)s->channels);
    if (s->onednn) {
        const int reorders = onednn_step_reorders(s->onednn);
        say(p, "  oneDNN %s, %d reorder%s", onednn_step_bf16(s->onednn) ? "bf16" : "f32", reorders,
            reorders == 1 ? "" : "s");
        if (onednn_step_kept(s->onednn)) say(p, ", weights kept");
    }
    if (s->kernel && s->kernel->algorithm) say(p, "  %s", s->kernel->algorithm);
    if (s->kept) say(p, ", weights kept");
    if (s->kind == STEP_REFERENCE && !plan->reference) say(p, "  reference kernel");
    if (s->program && ew_compiled_name(s->program)) say(p, "  compiled %s", ew_compiled_name(s->program));
    for (int o = 0; s->program && o < s->program->outputs; o++)
        if (plan->values[s->operand[s->program->inputs + o]].part) say(p, "  into concat");
    say(p, "\n");
}

static void print_step(const soma_plan *plan, const printer *p, int32_t i) {
    if (plan->steps[i].barrier) say(p, "      ---- barrier\n");
    say(p, "%4d  ", i + 1);
    print_work(plan, p, i);
}

void soma_run_print_profile(const soma_run *run, void (*write)(void *user, const char *text), void *user) {
    printer p = {write, user};
    double total = 0;
    if (!run || !run->seconds || run->profiled == 0) return;
    const soma_plan *plan = run->plan;
    for (int32_t i = 0; i < plan->steps_count; i++) total += run->seconds[i];
    say(&p, "step        ms  share  GFLOP/s\n");
    for (int32_t i = 0; i < plan->steps_count; i++) {
        const step *s = &plan->steps[i];
        double mean = run->seconds[i] / (double)run->profiled;
        say(&p, "%4d  %8.3f %5.1f%%  ", i + 1, mean * 1e3, total > 0 ? 100 * run->seconds[i] / total : 0);
        if (s->flops > 0 && mean > 0)
            say(&p, "%7.1f  ", s->flops / mean * 1e-9);
        else
            say(&p, "         ");
        print_work(plan, &p, i);
    }
    say(&p, "      %8.3f\n", total / (double)run->profiled * 1e3);
}

void plan_memory_text(const soma_plan *plan, char *text, size_t size) {
    const double unit = 1024.0 * 1024.0, more = plan->flops_kept > 0 ? plan->flops / plan->flops_kept - 1 : 0;
    *text = 0;
    if (plan->options.memory <= 0) return;
    snprintf(text, size, "memory: %.1f of %.1f MiB, %d values made again, %.0f %% more arithmetic",
             (double)soma_plan_get_info(plan).memory_bytes / unit, (double)plan->options.memory / unit, plan->remade,
             100 * more);
}

void soma_plan_print(const soma_plan *plan, void (*write)(void *user, const char *text), void *user) {
    printer p = {write, user};
    char flops[32], arena[32];
    if (!plan) return;
    soma_plan_info info = soma_plan_get_info(plan);
    say(&p, "plan: backend %s%s%s, batch up to %lld, %d thread%s\n", info.backend, plan->reference ? "" : ", ",
        plan->reference ? "" : plan->isa->name, (long long)plan->options.max_batch, plan->threads,
        plan->threads == 1 ? "" : "s");
    if (*info.note) say(&p, "note: %s\n", info.note);
    for (int32_t i = 0; i < plan->steps_count; i++) print_step(plan, &p, i);
    count_text(plan->flops, "FLOP", flops);
    count_text((double)info.arena_bytes, "B", arena);
    char memory[160];
    plan_memory_text(plan, memory, sizeof memory);
    if (*memory) say(&p, "%s\n", memory);
    say(&p, "%d nodes in %d steps, %s, working memory %s\n", plan->nodes_count, plan->steps_count, flops, arena);
}
