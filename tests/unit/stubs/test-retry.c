#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stubs/retry.h"

static void test_base_delay(void **state)
{
        static const usec_t seconds[] = {1, 2, 4, 8, 16, 20, 20};

        for (unsigned i = 0; i < ELEMENTSOF(seconds); i++)
                assert_int_equal(retry_base_delay(i + 1), seconds[i] * USEC_PER_SEC);
        assert_int_equal(retry_base_delay(1000000), 20 * USEC_PER_SEC);
}

static void test_jitter(void **state)
{
        const RetryPolicy p = {.max_retries = -1, .max_wait = USEC_INFINITY};
        usec_t delay;

        assert_true(retry_next(&p, 3, 0, 0.5, &delay));
        assert_int_equal(delay, 2 * USEC_PER_SEC);
        assert_true(retry_next(&p, 1000000, USEC_INFINITY - 1, 0.0, &delay));
        assert_int_equal(delay, 0);
}

static void test_max_retries(void **state)
{
        RetryPolicy p = {.max_retries = 0, .max_wait = USEC_INFINITY};
        usec_t delay;

        assert_false(retry_next(&p, 1, 0, 0.5, &delay));
        p.max_retries = 2;
        assert_true(retry_next(&p, 2, 0, 0.5, &delay));
        assert_false(retry_next(&p, 3, 0, 0.5, &delay));
}

static void test_max_wait(void **state)
{
        const RetryPolicy p = {.max_retries = -1, .max_wait = 10 * USEC_PER_SEC};
        usec_t delay;

        assert_true(retry_next(&p, 6, 9 * USEC_PER_SEC, 0.9, &delay));
        assert_int_equal(delay, USEC_PER_SEC);
        assert_false(retry_next(&p, 7, 10 * USEC_PER_SEC, 0.9, &delay));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_base_delay),
                cmocka_unit_test(test_jitter),
                cmocka_unit_test(test_max_retries),
                cmocka_unit_test(test_max_wait),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
