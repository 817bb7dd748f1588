/* Schedules against PyTorch 2.13's. The numbers were printed by, for an optimizer o = SGD(p, 0.1) and a scheduler s,
 *     for _ in range(n): print(o.param_groups[0]["lr"]); o.step(); s.step()
 * with the scheduler that stands above each list. */
#include "nn_check.h"

static void equals(soma_schedule s, int64_t steps_per_epoch, int64_t epochs, const double *rates) {
    for (int64_t i = 0; i < steps_per_epoch * epochs; i++)
        assert_near(soma_schedule_rate(s, 0.1, i, steps_per_epoch, epochs), rates[i], 1e-14);
}

static void cosine(void **state) {
    (void)state;
    /* CosineAnnealingLR(o, 8, eta_min=0.01) */
    static const double rates[] = {0.1,   0.0965745789630079,  0.08681980515339463,  0.07222075445642905,
                                   0.055, 0.03777924554357096, 0.023180194846605363, 0.013425421036992097};
    equals(soma_schedule_cosine(0.01), 2, 4, rates);
    equals(soma_schedule_cosine(0.01), 8, 1, rates);
}

static void onecycle(void **state) {
    (void)state;
    /* OneCycleLR(o, 0.2, total_steps=10) */
    static const double usual[] = {0.008000000000000007,
                                   0.10400000000000001,
                                   0.2,
                                   0.19009692640269477,
                                   0.1623491307899526,
                                   0.12225240438725786,
                                   0.07774839561274215,
                                   0.0376516692100474,
                                   0.009903873597305258,
                                   8e-07};
    equals(soma_schedule_onecycle(0.2), 5, 2, usual);
    /* OneCycleLR(o, 0.2, total_steps=10, pct_start=.5, div_factor=10, final_div_factor=100) */
    static const double other[] = {0.01999999999999999,
                                   0.04636038969321071,
                                   0.11,
                                   0.1736396103067893,
                                   0.2,
                                   0.18092079773805725,
                                   0.13097079773805725,
                                   0.06922920226194276,
                                   0.01927920226194276,
                                   0.0002};
    soma_schedule s = soma_schedule_onecycle(0.2);
    s.pct_start = 0.5;
    s.div_factor = 10;
    s.final_div_factor = 100;
    equals(s, 10, 1, other);
    /* OneCycleLR(o, 0.2, total_steps=2): so short that it begins behind the top */
    static const double shortest[] = {0.1623491307899526, 8e-07};
    equals(soma_schedule_onecycle(0.2), 1, 2, shortest);
    /* Without max it is the optimizer's rate. */
    assert_near(soma_schedule_rate(soma_schedule_onecycle(0), 0.2, 2, 5, 2), 0.2, 1e-14);
}

static void step_by_epochs(void **state) {
    (void)state;
    /* StepLR(o, 2, 0.5) stepped once an epoch: 0.1, 0.1, 0.05, 0.05, 0.025, 0.025 */
    static const double rates[] = {0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.025};
    equals(soma_schedule_step(2, 0.5), 2, 6, rates);
    /* Without a size a third of the training. */
    equals(soma_schedule_step(0, 0.5), 2, 6, rates);
}

static void warmup_comes_before_the_schedule(void **state) {
    (void)state;
    /* SequentialLR(o, [LinearLR(o, 1/4, total_iters=3), CosineAnnealingLR(o, 6)], [4]) */
    static const double rates[] = {0.025,
                                   0.05,
                                   0.07500000000000001,
                                   0.1,
                                   0.1,
                                   0.09330127018922195,
                                   0.07500000000000001,
                                   0.05,
                                   0.025000000000000012,
                                   0.006698729810778065};
    soma_schedule s = soma_schedule_cosine(0);
    s.warmup_steps = 4;
    equals(s, 5, 2, rates);
    s.warmup_steps = 0;
    s.warmup = 0.4; /* of the training */
    equals(s, 5, 2, rates);
    s.warmup = 2; /* epochs */
    equals(s, 2, 5, rates);
}

static void only_what_depends_on_the_end_needs_it(void **state) {
    (void)state;
    soma_schedule constant = {0}, share = {.warmup = 0.1}, epochs = {.warmup = 3};
    assert_false(soma_schedule_needs_end(constant));
    assert_true(soma_schedule_needs_end(share));
    assert_false(soma_schedule_needs_end(epochs));
    assert_true(soma_schedule_needs_end(soma_schedule_cosine(0)));
    assert_true(soma_schedule_needs_end(soma_schedule_onecycle(1)));
    assert_false(soma_schedule_needs_end(soma_schedule_plateau(0.1, 10)));
    assert_false(soma_schedule_needs_end(soma_schedule_step(3, 0.1)));
    assert_true(soma_schedule_needs_end(soma_schedule_step(0, 0.1)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cosine),
        cmocka_unit_test(onecycle),
        cmocka_unit_test(step_by_epochs),
        cmocka_unit_test(warmup_comes_before_the_schedule),
        cmocka_unit_test(only_what_depends_on_the_end_needs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
