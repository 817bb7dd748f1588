/* Point sets: where their points lie, that they never change, and that settings are checked. */
#include "data/generate.h"
#include "data_check.h"

#include <math.h>

static points_options without_noise(points_shape shape) {
    points_options o = points_defaults(shape);
    o.noise = 0;
    return o;
}

/* Runs `holds` over many points; both classes must come. */
static void each_point(points_options o, bool (*holds)(const points_point *p)) {
    int64_t seen[10] = {0};
    for (int64_t i = 0; i < 600; i++) {
        points_point p = points_at(&o, i);
        assert_in_range(p.label, 0, o.classes - 1);
        seen[p.label]++;
        if (!holds(&p)) fail_msg("point %d of class %d: %g, %g", (int)i, (int)p.label, p.x, p.y);
    }
    for (int64_t c = 0; c < o.classes; c++) assert_int_equal(seen[c], 600 / o.classes);
}

static bool near(double a, double b) { return fabs(a - b) < 1e-9; }

static bool on_its_half_circle(const points_point *p) {
    double side = p->label ? -1 : 1, x = 1.5 * p->x + 0.5 * side, y = 1.5 * p->y + 0.25 * side;
    return near(hypot(x, y), 1) && side * y >= -1e-9;
}

static bool on_its_arm(const points_point *p) {
    double radius = hypot(p->x, p->y), turns = 1.25 * (radius - 0.05) / 0.95 + 0.5 * (double)p->label;
    double angle = 2 * acos(-1) * turns;
    return radius >= 0.05 - 1e-9 && radius <= 1 && near(p->x, radius * cos(angle)) && near(p->y, radius * sin(angle));
}

static bool on_its_ring(const points_point *p) { return near(hypot(p->x, p->y), p->label ? 0.4 : 0.9); }

static bool in_its_quadrant(const points_point *p) {
    bool free = fabs(p->x) >= 0.05 && fabs(p->y) >= 0.05 && fabs(p->x) <= 1 && fabs(p->y) <= 1;
    return free && ((p->x > 0) != (p->y > 0)) == (p->label == 1);
}

static bool at_its_centre(const points_point *p) {
    double angle = 2 * acos(-1) * (0.25 + (double)p->label / 3);
    return near(p->x, 0.65 * cos(angle)) && near(p->y, 0.65 * sin(angle));
}

static void points_lie_on_their_shape(void **state) {
    (void)state;
    each_point(without_noise(POINTS_MOONS), on_its_half_circle);
    each_point(without_noise(POINTS_SPIRAL), on_its_arm);
    each_point(without_noise(POINTS_CIRCLES), on_its_ring);
    each_point(without_noise(POINTS_XOR), in_its_quadrant);
    each_point(without_noise(POINTS_BLOBS), at_its_centre);
}

static void noise_has_the_standard_deviation_asked_for(void **state) {
    (void)state;
    enum { MANY = 20000 };
    points_options clean = without_noise(POINTS_CIRCLES), noisy = clean;
    noisy.noise = 0.3;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < MANY; i++) {
        points_point a = points_at(&clean, i), b = points_at(&noisy, i);
        sum += b.x - a.x + b.y - a.y;
        squares += (b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y);
    }
    assert_true(fabs(sum / (2 * MANY)) < 0.01);
    assert_true(fabs(sqrt(squares / (2 * MANY)) - 0.3) < 0.01);
}

/* These texts are the sets: a run goes on only with the points it began with. */
static void the_points_of_a_name_never_change(void **state) {
    (void)state;
    static const char *const first[] = {[POINTS_MOONS] = "x,y,class\n-0.79060,0.15132,0",
                                        [POINTS_SPIRAL] = "x,y,class\n-0.09820,0.25664,0",
                                        [POINTS_CIRCLES] = "x,y,class\n-0.51157,0.85436,0",
                                        [POINTS_XOR] = "x,y,class\n0.63456,0.71345,0",
                                        [POINTS_BLOBS] = "x,y,class\n0.12722,0.58074,0"};
    for (points_shape shape = POINTS_MOONS; shape <= POINTS_BLOBS; shape++) {
        points_options o = points_defaults(shape);
        size_t length = 0;
        char *text = points_csv(NULL, &o, &length);
        assert_non_null(text);
        assert_int_equal(strlen(text), length);
        char *second_row = strchr(strchr(text, '\n') + 1, '\n');
        *second_row = 0;
        assert_string_equal(text, first[shape]);
        mem_free(NULL, text);
    }
}

static void a_longer_set_begins_with_the_shorter_one(void **state) {
    (void)state;
    points_options o = points_defaults(POINTS_MOONS), longer = o, other = o;
    size_t n = 0, m = 0;
    longer.count = 700;
    other.seed = 1;
    char *a = points_csv(NULL, &o, &n), *b = points_csv(NULL, &longer, &m), *c = points_csv(NULL, &other, &m);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    assert_memory_equal(a, b, n);
    assert_string_not_equal(a, c);
    mem_free(NULL, a);
    mem_free(NULL, b);
    mem_free(NULL, c);
}

static void settings_are_taken(void **state) {
    (void)state;
    soma_error error = {0};
    points_options o = points_defaults(POINTS_SPIRAL);
    assert_int_equal(points_settings("s", "points=1000,noise=0.25,seed=7,turns=2", &o, &error), SOMA_OK);
    assert_int_equal(o.count, 1000);
    assert_true(o.noise == 0.25 && o.turns == 2);
    assert_int_equal(o.seed, 7);
    o = points_defaults(POINTS_BLOBS);
    assert_int_equal(points_settings("b", "classes=5", &o, &error), SOMA_OK);
    assert_int_equal(o.classes, 5);
}

static void other_settings_are_refused(void **state) {
    (void)state;
    static const struct {
        points_shape shape;
        const char *text, *sentence;
    } cases[] = {
        {POINTS_MOONS, "", "N: there is no setting ''; it takes points, noise, seed"},
        {POINTS_MOONS, "turns=1", "N: there is no setting 'turns'; it takes points, noise, seed"},
        {POINTS_MOONS, "noise=0.1,", "N: there is no setting ''; it takes points, noise, seed"},
        {POINTS_SPIRAL, "pionts=3",
         "N: there is no setting 'pionts', did you mean points; it takes points, noise, seed, turns"},
        {POINTS_SPIRAL, "points=9", "N: points takes a whole number from 10 to 1000000, not '9'"},
        {POINTS_SPIRAL, "points=20.5", "N: points takes a whole number from 10 to 1000000, not '20.5'"},
        {POINTS_SPIRAL, "points=1e7", "N: points takes a whole number from 10 to 1000000, not '1e7'"},
        {POINTS_SPIRAL, "noise", "N: noise takes a number from 0 to 10, not ''"},
        {POINTS_SPIRAL, "noise=nan", "N: noise takes a number from 0 to 10, not 'nan'"},
        {POINTS_SPIRAL, "noise=-1,seed=1", "N: noise takes a number from 0 to 10, not '-1'"},
        {POINTS_BLOBS, "classes=11", "N: classes takes a whole number from 2 to 10, not '11'"},
        {POINTS_XOR, "seed=4294967296", "N: seed takes a whole number from 0 to 4294967295, not '4294967296'"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        soma_error error = {0};
        points_options o = points_defaults(cases[i].shape);
        assert_int_equal(points_settings("N", cases[i].text, &o, &error), SOMA_ERROR_ARGUMENT);
        assert_string_equal(error.message, cases[i].sentence);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_lie_on_their_shape),
        cmocka_unit_test(noise_has_the_standard_deviation_asked_for),
        cmocka_unit_test(the_points_of_a_name_never_change),
        cmocka_unit_test(a_longer_set_begins_with_the_shorter_one),
        cmocka_unit_test(settings_are_taken),
        cmocka_unit_test(other_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
