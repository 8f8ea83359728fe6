#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/run.h"

static void test_names(void **state)
{
        for (RunStatus s = 0; s < _RUN_STATUS_MAX; s++)
                assert_int_equal(run_status_from_string(run_status_to_string(s)), s);
        for (RunSubStatus s = 0; s < _RUN_SUB_STATUS_MAX; s++)
                assert_int_equal(run_sub_status_from_string(run_sub_status_to_string(s)), s);
        assert_true(run_status_from_string("done") < 0);
        assert_true(run_sub_status_from_string("finished") < 0);
        assert_null(run_status_to_string(_RUN_STATUS_MAX));
}

static void test_transitions(void **state)
{
        /* legal ones; all others must be refused */
        static const struct {
                RunStatus from, to;
                RunSubStatus sub;
        } legal[] = {
                {RUN_PENDING, RUN_STARTING, RUN_SUB_NONE},
                {RUN_STARTING, RUN_RUNNING, RUN_SUB_NONE},
                {RUN_RUNNING, RUN_FINISHED, RUN_COMPLETED},
                {RUN_RUNNING, RUN_FINISHED, RUN_FAILED},
                {RUN_RUNNING, RUN_FINISHED, RUN_STOPPED},
                {RUN_PENDING, RUN_FINISHED, RUN_FAILED},
                {RUN_PENDING, RUN_FINISHED, RUN_STOPPED},
                {RUN_STARTING, RUN_FINISHED, RUN_FAILED},
                {RUN_STARTING, RUN_FINISHED, RUN_STOPPED},
        };
        size_t n = 0;

        for (RunStatus from = 0; from < _RUN_STATUS_MAX; from++)
                for (RunStatus to = 0; to < _RUN_STATUS_MAX; to++)
                        for (RunSubStatus sub = 0; sub < _RUN_SUB_STATUS_MAX; sub++)
                                n += run_transition_is_legal(from, to, sub);
        assert_int_equal(n, ELEMENTSOF(legal));
        for (size_t i = 0; i < ELEMENTSOF(legal); i++)
                assert_true(run_transition_is_legal(legal[i].from, legal[i].to, legal[i].sub));
}

static void test_copy(void **state)
{
        _cleanup_run_ Run run = {.run_id = 7, .fab_id = strdup("acme/demo"), .status = RUN_RUNNING},
                          copy = {};

        assert_int_equal(
                config_set(&run.override_config, "lr", &(Scalar){.type = SCALAR_DOUBLE, .d = 0.1}), 0);
        assert_int_equal(run_copy(&run, &copy), 0);
        assert_string_equal(copy.fab_id, "acme/demo");
        assert_ptr_not_equal(copy.fab_id, run.fab_id);
        assert_null(copy.details);
        assert_int_equal(copy.run_id, 7);
        assert_int_equal(copy.override_config.n, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_transitions),
                cmocka_unit_test(test_copy),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
