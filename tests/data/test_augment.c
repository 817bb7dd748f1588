/* What augmentation makes of a picture: each change against a small picture worked out by hand, the list of --augment,
 * and that random choices depend on seed, epoch and row alone. */
#include "data/augment.h"
#include "data/distort.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static float scratch[256];

static picture_view view(float *data, size_t channels, size_t height, size_t width) {
    return (picture_view){data, channels, height, width};
}

static void check(const float *got, const float *expected, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (fabsf(got[i] - expected[i]) > 1e-3f)
            fail_msg("element %zu is %g, expected %g", i, (double)got[i], (double)expected[i]);
}

static void a_shift_goes_on_at_the_edge_and_a_crop_is_black_there(void **state) {
    (void)state;
    float p[] = {1, 2, 3, 4, 5, 6}, again[] = {1, 2, 3, 4, 5, 6}, back[] = {1, 2, 3, 4, 5, 6};
    distort_shift(view(p, 1, 2, 3), 1, -1, FILL_EDGE, scratch);
    check(p, (float[]){2, 3, 3, 2, 3, 3}, 6);
    distort_shift(view(again, 1, 2, 3), 1, -1, FILL_BLACK, scratch);
    check(again, (float[]){0, 0, 0, 2, 3, 0}, 6);
    distort_shift(view(back, 2, 1, 3), 0, 1, FILL_BLACK, scratch);
    check(back, (float[]){0, 1, 2, 0, 4, 5}, 6);
    distort_shift(view(back, 2, 1, 3), 0, 0, FILL_BLACK, scratch);
    check(back, (float[]){0, 1, 2, 0, 4, 5}, 6);
}

static void a_rotation_turns_about_the_middle(void **state) {
    (void)state;
    const double right_angle = acos(0);
    float p[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, half[] = {0, 0, 0, 10, 20, 30, 0, 0, 0};
    distort_rotate(view(p, 1, 3, 3), right_angle,
                   scratch); /* right towards down: the top row becomes the right column */
    check(p, (float[]){7, 4, 1, 8, 5, 2, 9, 6, 3}, 9);
    distort_rotate(view(p, 1, 3, 3), -right_angle, scratch);
    check(p, (float[]){1, 2, 3, 4, 5, 6, 7, 8, 9}, 9);
    /* By 45 degrees the corner (0, 0) looks at (1 - sqrt(2), 1) from the middle's axes: at its left neighbour's place,
     * outside by 0.414, where the edge goes on. The upper middle looks at (-s, -s) from the middle, s = sqrt(1 / 2):
     * weights s (1 - s) of 0, s (1 - s) of 20, ... */
    distort_rotate(view(half, 1, 3, 3), right_angle / 2, scratch);
    const float s = sqrtf(0.5f), mixed = (1 - s) * (20 + s * (10 - 20));
    assert_true(fabsf(half[4] - 20) < 1e-3f);
    assert_true(fabsf(half[1] - mixed) < 1e-3f);
    assert_true(fabsf(half[0] - 10) < 1e-3f);
    assert_true(fabsf(half[8] - 30) < 1e-3f);
}

static void flips_mirror_each_channel(void **state) {
    (void)state;
    float p[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    distort_flip(view(p, 2, 2, 3));
    check(p, (float[]){3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10}, 12);
    distort_flip_rows(view(p, 2, 2, 3));
    check(p, (float[]){6, 5, 4, 3, 2, 1, 12, 11, 10, 9, 8, 7}, 12);
}

static void colours_change_by_brightness_contrast_and_saturation(void **state) {
    (void)state;
    float grey[] = {10, 30}, colour[] = {100, 50, 200}, bright[] = {10, 200, 200, 200};
    distort_colour(view(grey, 1, 1, 2), 2, 0.5, 9); /* 20 and 60, whose mean is 40, come half as near to it */
    check(grey, (float[]){30, 50}, 2);
    distort_colour(view(colour, 3, 1, 1), 1, 1, 0.5); /* grey is 29.9 + 29.35 + 22.8 = 82.05 */
    check(colour, (float[]){91.025f, 66.025f, 141.025f}, 3);
    distort_colour(view(bright, 1, 2, 2), 1.5, 2, 1); /* 15, 300, 300, 300 about 228.75: -198.75 and 371.25 */
    check(bright, (float[]){0, 255, 255, 255}, 4);
}

static void a_cutout_becomes_its_channels_mean(void **state) {
    (void)state;
    float p[] = {0, 0, 0, 0, 9, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 10};
    distort_cutout(view(p, 2, 3, 3), 0, 2, 2); /* rows -1 and 0, columns 1 and 2 */
    check(p, (float[]){0, 1, 1, 0, 9, 0, 0, 0, 0, 1, 2, 2, 1, 1, 1, 1, 1, 10}, 18);
    distort_cutout(view(p, 2, 3, 3), 2, 1, 3); /* rows 1 and 2, all columns: of 11 and 20 in all */
    check(p, (float[]){0, 1, 1, 11 / 9.f, 11 / 9.f, 11 / 9.f, 11 / 9.f, 11 / 9.f, 11 / 9.f}, 9);
}

static augmentation parsed(const char *text) {
    augmentation a;
    soma_error error = {0};
    if (augment_parse(text, &a, &error)) fail_msg("%s: %s", text, error.message);
    return a;
}

static void a_list_is_names_and_sizes_in_order(void **state) {
    (void)state;
    augmentation a = parsed(" rotate 7.5,shift , color 0.3 ,mixup 0.4,flip");
    assert_int_equal(a.count, 4);
    assert_true(a.steps[0].kind == AUGMENT_ROTATE && a.steps[0].size == 7.5);
    assert_true(a.steps[1].kind == AUGMENT_SHIFT && a.steps[1].size == 2);
    assert_true(a.steps[2].kind == AUGMENT_COLOUR && a.steps[2].size == 0.3);
    assert_true(a.steps[3].kind == AUGMENT_FLIP && a.mixup == 0.4);
    assert_false(augment_is_none(&a));
    a = parsed("none");
    assert_true(augment_is_none(&a));
    a = parsed("mixup");
    assert_true(!augment_is_none(&a) && !a.count);
}

static void lists_with_a_mistake_are_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"shft 2", "augment: 'shft 2' is not known, did you mean shift"},
        {"shift 2,,flip", "augment: '' is not known"},
        {"shift two", "augment: 'shift two': the size of shift should be a whole number of pixels from 1"},
        {"shift 1.5", "augment: 'shift 1.5': the size of shift should be a whole number of pixels from 1"},
        {"shift 0", "augment: 'shift 0': the size of shift should be a whole number of pixels from 1"},
        {"crop -1", "augment: 'crop -1': the size of crop should be a whole number of pixels from 1"},
        {"rotate 181", "augment: 'rotate 181': the size of rotate should be degrees above 0 and up to 180"},
        {"rotate 0", "augment: 'rotate 0': the size of rotate should be degrees above 0 and up to 180"},
        {"colour 1.01", "augment: 'colour 1.01': the size of colour should be a share above 0 and up to 1"},
        {"mixup nan", "augment: 'mixup nan': the size of mixup should be a number above 0 and up to 100"},
        {"mixup .", "augment: 'mixup .': the size of mixup should be a number above 0 and up to 100"},
        {"flip 2", "augment: 'flip 2': flip takes no size"},
        {"cutout 2 3", "augment: 'cutout 2 3': cutout takes one size"},
        {"flip, flip", "augment: flip is given twice"},
        {"mixup, mixup 1", "augment: mixup is given twice"},
        {"color, colour", "augment: colour is given twice"},
        {"none, flip", "augment: none stands alone"},
        {"flip, none", "augment: none stands alone"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "augment: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is not known;"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        augmentation a;
        soma_error error = {0};
        assert_int_equal(augment_parse(wrong[i][0], &a, &error), SOMA_ERROR_ARGUMENT);
        if (strncmp(error.message, wrong[i][1], strlen(wrong[i][1])) != 0) fail_msg("%s", error.message);
    }
}

static void a_list_must_fit_the_data(void **state) {
    (void)state;
    soma_error error = {0};
    augmentation a = parsed("shift 8"), none = parsed("none"), turn = parsed("rotate 180");
    assert_int_equal(augment_check(&a, soma_shape3(1, 9, 20), &error), SOMA_OK);
    assert_int_equal(augment_check(&turn, soma_shape3(1, 1, 1), &error), SOMA_OK);
    assert_int_equal(augment_check(&none, soma_shape1(4), &error), SOMA_OK);
    assert_int_equal(augment_check(&a, soma_shape3(1, 20, 8), &error), SOMA_ERROR_ARGUMENT);
    assert_string_equal(error.message,
                        "augment: shift 8 leaves nothing of pictures of 20 x 8; its size should be below 8");
    error = (soma_error){0};
    assert_int_equal(augment_check(&turn, soma_shape1(4), &error), SOMA_ERROR_ARGUMENT);
    assert_string_equal(error.message, "--augment: changes pictures, and the data are a table");
}

/* A bright point in the middle of 5 x 5 must be found in each of the nine places, and about as often. */
static void every_shift_comes_equally_often(void **state) {
    (void)state;
    augmentation a = parsed("shift 1");
    int found[25] = {0};
    for (int64_t row = 0; row < 900; row++) {
        float p[25] = {[12] = 1};
        augment_apply(&a, soma_shape3(1, 5, 5), 3, 1, row, p, scratch);
        for (int i = 0; i < 25; i++) found[i] += p[i] == 1;
    }
    for (int y = 0; y < 5; y++) {
        for (int x = 0; x < 5; x++) {
            bool reached = y >= 1 && y <= 3 && x >= 1 && x <= 3;
            assert_true(reached ? found[y * 5 + x] > 60 && found[y * 5 + x] < 140 : !found[y * 5 + x]);
        }
    }
}

static void half_of_the_pictures_are_flipped(void **state) {
    (void)state;
    augmentation a = parsed("flip, vflip");
    int found[4] = {0};
    for (int64_t row = 0; row < 400; row++) {
        float p[4] = {1};
        augment_apply(&a, soma_shape3(1, 2, 2), 3, 1, row, p, scratch);
        for (int i = 0; i < 4; i++) found[i] += p[i] == 1;
    }
    for (int i = 0; i < 4; i++) assert_true(found[i] > 70 && found[i] < 130);
}

static void sizes_bound_what_is_drawn(void **state) {
    (void)state;
    augmentation a = parsed("colour 0.2"), turn = parsed("rotate 10");
    float least = 1000, most = 0, left = 0, right = 0;
    for (int64_t row = 0; row < 500; row++) {
        float p[] = {100, 100}, ramp[27];
        augment_apply(&a, soma_shape3(1, 1, 2), 3, 1, row, p, scratch); /* equal values: contrast leaves them alone */
        assert_true(p[0] == p[1] && p[0] >= 79.99f && p[0] <= 120.01f);
        least = fminf(least, p[0]);
        most = fmaxf(most, p[0]);
        for (int i = 0; i < 27; i++)
            ramp[i] = (float)(i / 9); /* row number: its change along a row is the angle's sine */
        augment_apply(&turn, soma_shape3(1, 3, 9), 3, 1, row, ramp, scratch);
        float sine = ramp[9 + 5] - ramp[9 + 4];
        assert_true(fabsf(sine) <= sinf(0.17454f) + 1e-5f);
        left = fminf(left, sine);
        right = fmaxf(right, sine);
    }
    assert_true(least < 82 && most > 118);
    assert_true(left < -0.16f && right > 0.16f);
}

static void a_draw_depends_on_seed_epoch_and_row_alone(void **state) {
    (void)state;
    augmentation a = parsed("shift 2, rotate 30, flip, vflip, colour 0.5, cutout 3");
    soma_shape sample = soma_shape3(3, 8, 8);
    float first[4][192];
    const int64_t keys[4][3] = {{1, 1, 1}, {2, 1, 1}, {1, 2, 1}, {1, 1, 2}};
    for (int again = 0; again < 2; again++) {
        for (int k = 3; k >= 0; k--) {
            float p[192];
            for (int i = 0; i < 192; i++) p[i] = (float)(i * 37 % 256);
            augment_apply(&a, sample, (uint64_t)keys[k][0], keys[k][1], keys[k][2], p, scratch);
            if (again) assert_memory_equal(p, first[k], sizeof p);
            memcpy(first[k], p, sizeof p);
        }
    }
    for (int k = 1; k < 4; k++) assert_memory_not_equal(first[0], first[k], sizeof first[0]);
}

static void mixup_takes_the_next_picture_by_one_share(void **state) {
    (void)state;
    augmentation a = parsed("mixup 0.2"), none = parsed("flip");
    float x[] = {0, 100, 40, 20, 200, 60};
    double share = augment_mix(&a, 2, 1, 1, 7, x, 3, scratch);
    assert_true(share >= 0.5 && share < 1);
    float s = (float)share, r = 1 - s;
    check(x, (float[]){r * 40, s * 100 + r * 20, s * 40 + r * 200, s * 20 + r * 60, s * 200, s * 60 + r * 100}, 6);
    float before[] = {1, 2};
    assert_true(augment_mix(&none, 1, 1, 1, 7, before, 2, scratch) == 1);
    assert_true(augment_mix(&a, 2, 1, 1, 7, before, 1, scratch) == 1);
    check(before, (float[]){1, 2}, 2);
}

/* max(B, 1 - B) of B by Beta(A, A): for A = 1 its mean is 3/4; for a small A it is near 1, for a large one near 1/2. */
static void shares_follow_the_beta_distribution(void **state) {
    (void)state;
    const struct {
        const char *text;
        double low, high;
    } cases[] = {{"mixup 1", 0.74, 0.76}, {"mixup 0.01", 0.98, 1}, {"mixup 100", 0.5, 0.54}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        augmentation a = parsed(cases[i].text);
        double sum = 0;
        for (int64_t row = 0; row < 4000; row++) {
            float x[2] = {0};
            double share = augment_mix(&a, 1, 5, 1, row, x, 2, scratch);
            assert_true(share >= 0.5 && share <= 1);
            sum += share;
        }
        if (!(sum / 4000 >= cases[i].low && sum / 4000 <= cases[i].high))
            fail_msg("%s: mean share %g", cases[i].text, sum / 4000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shift_goes_on_at_the_edge_and_a_crop_is_black_there),
        cmocka_unit_test(a_rotation_turns_about_the_middle),
        cmocka_unit_test(flips_mirror_each_channel),
        cmocka_unit_test(colours_change_by_brightness_contrast_and_saturation),
        cmocka_unit_test(a_cutout_becomes_its_channels_mean),
        cmocka_unit_test(a_list_is_names_and_sizes_in_order),
        cmocka_unit_test(lists_with_a_mistake_are_refused),
        cmocka_unit_test(a_list_must_fit_the_data),
        cmocka_unit_test(every_shift_comes_equally_often),
        cmocka_unit_test(half_of_the_pictures_are_flipped),
        cmocka_unit_test(sizes_bound_what_is_drawn),
        cmocka_unit_test(a_draw_depends_on_seed_epoch_and_row_alone),
        cmocka_unit_test(mixup_takes_the_next_picture_by_one_share),
        cmocka_unit_test(shares_follow_the_beta_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
