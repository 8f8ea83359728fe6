#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/rpc-text.h"
#include "cli/run-view.h"

static void test_durations(void **state)
{
        static const struct {
                double seconds;
                const char *text;
        } cases[] = {{-1, "0s"}, {0, "0s"}, {89.9, "89s"}, {90, "1m 30s"}, {3599, "59m 59s"},
                {3600, "1h 0m"}, {90061, "1d 1h"}};
        char buf[RUN_DURATION_MAX];

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_string_equal(run_duration_format(cases[i].seconds, buf), cases[i].text);
}

static void test_bytes(void **state)
{
        char buf[RUN_DURATION_MAX];

        (void) state;
        assert_string_equal(run_bytes_format(0, buf), "0 B");
        assert_string_equal(run_bytes_format(1023, buf), "1023 B");
        assert_string_equal(run_bytes_format(1536, buf), "1.5 KB");
        assert_string_equal(run_bytes_format(20 << 20, buf), "20 MB");
        assert_string_equal(run_bytes_format(UINT64_MAX, buf), "16777216 TB");
}

static void test_times(void **state)
{
        char buf[RUN_TIME_MAX];

        (void) state;
        assert_string_equal(run_time_format(0, buf), "N/A");
        assert_string_equal(run_time_format(1750000000 * USEC_PER_SEC, buf), "2025-06-15 15:06:40Z");
}

static void test_elapsed(void **state)
{
        Run r = {.running_at = 10 * USEC_PER_SEC};

        (void) state;
        assert_true(run_elapsed(&r, 15 * USEC_PER_SEC) == 5);
        assert_true(run_elapsed(&r, 5 * USEC_PER_SEC) == 0);
        r.finished_at = 12 * USEC_PER_SEC;
        assert_true(run_elapsed(&r, 15 * USEC_PER_SEC) == 2);
        r.running_at = 0;
        assert_true(run_elapsed(&r, 15 * USEC_PER_SEC) == 0);
}

static void test_order(void **state)
{
        Run a = {.pending_at = 1}, b = {.pending_at = 3}, c = {.pending_at = 2};
        Run *runs[] = {&a, &b, &c};

        (void) state;
        runs_sort_newest_first(runs, 3);
        assert_ptr_equal(runs[0], &b);
        assert_ptr_equal(runs[2], &a);
        runs_sort_newest_first(NULL, 0);
}

static void test_explanations(void **state)
{
        static const struct {
                RpcClass status;
                const char *detail, *text;
        } cases[] = {
                {RPC_UNAVAILABLE, "connection refused", "on port 9093"},
                {RPC_UNAVAILABLE, "TLS handshake failed: x", "signed by a CA in /ca.crt"},
                {RPC_UNAUTHENTICATED, "x", "Log in"},
                {RPC_NOT_FOUND, "Run ID not found", "There is no such run"},
                {RPC_UNIMPLEMENTED, "Method not found!", "Control API"},
                {RPC_FAILED_PRECONDITION, "too bad", "refused: too bad"},
                {RPC_INTERNAL, NULL, "INTERNAL"},
        };
        ConnConfig conn = {.name = (char *) "n",
                .source = (char *) "s",
                .address = (char *) "h:1",
                .root_certificates = (char *) "/ca.crt"};

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *text = NULL;

                assert_int_not_equal(rpc_explain(cases[i].status, cases[i].detail, &conn, &text), 0);
                if (!strstr(text, cases[i].text))
                        fail_msg("\"%s\" is not in \"%s\"", cases[i].text, text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_durations),
                cmocka_unit_test(test_bytes),
                cmocka_unit_test(test_times),
                cmocka_unit_test(test_elapsed),
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_explanations),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
