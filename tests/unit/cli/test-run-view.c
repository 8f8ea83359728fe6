#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "cli/node-view.h"
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
                {RPC_NOT_FOUND, "Node ID not found for account", "There is no such SuperNode"},
                {RPC_NOT_FOUND, "else", "else"},
                {RPC_FAILED_PRECONDITION, "Public key already in use", "knows this public key already"},
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

static void test_unix_explanations(void **state)
{
        ConnConfig conn = {.name = (char *) "n",
                .source = (char *) "s",
                .address = (char *) "unix:/nonexistent/x.sock",
                .insecure = true};
        _cleanup_free_ char *other = NULL, *ours = NULL;

        (void) state;
        assert_int_not_equal(rpc_explain(RPC_UNAVAILABLE, "No such file", &conn, &other), 0);
        assert_non_null(strstr(other, "(\"n\" of s): No such file"));
        assert_null(strstr(other, "systemctl"));
        if (access(CONN_SYSTEM_SOCKET, F_OK) >= 0)
                return; /* it depends on who we are */
        conn.address = (char *) "unix:" CONN_SYSTEM_SOCKET;
        assert_int_not_equal(rpc_explain(RPC_UNAVAILABLE, "Connection refused", &conn, &ours), 0);
        assert_non_null(strstr(ours, "systemctl status flower-superlink-control.socket"));
}

static void test_nodes(void **state)
{
        NodeInfo a = {.node_id = 1, .registered_at = 2, .status = (char *) "registered"},
                 b = {.node_id = 2,
                         .registered_at = 1,
                         .status = (char *) "online",
                         .last_activated_at = 5 * USEC_PER_SEC,
                         .last_deactivated_at = 3 * USEC_PER_SEC};
        NodeInfo nodes[] = {a, b};

        (void) state;
        nodes_sort_oldest_first(nodes, 2);
        assert_int_equal(nodes[0].node_id, 2);
        nodes_sort_oldest_first(NULL, 0);
        assert_true(node_elapsed(&a, 9 * USEC_PER_SEC) == 0);
        assert_true(node_elapsed(&b, 9 * USEC_PER_SEC) == 4);
        b.status = (char *) "offline";
        assert_true(node_elapsed(&b, 9 * USEC_PER_SEC) == 0);
        b.last_deactivated_at = 7 * USEC_PER_SEC;
        assert_true(node_elapsed(&b, 9 * USEC_PER_SEC) == 2);
        b.status = (char *) "new in 1.99";
        assert_null(node_status_color(&b));
        assert_false(node_is_unregistered(&b));
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
                cmocka_unit_test(test_unix_explanations),
                cmocka_unit_test(test_nodes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
