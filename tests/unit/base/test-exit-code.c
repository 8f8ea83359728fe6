#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/exit-code.h"
#include "base/log.h"

/* Sends stderr to a file while exit_with() speaks. */
static int capture(FlwrExitCode code, char *ret_text, size_t size)
{
        int saved = dup(STDERR_FILENO), status;
        FILE *f = tmpfile();
        size_t n;

        fflush(stderr);
        assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
        status = exit_with(code, "Cannot read \x1b[31m%s", "key.pem");
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        close(saved);
        rewind(f);
        n = fread(ret_text, 1, size - 1, f);
        ret_text[n] = 0;
        fclose(f);
        return status;
}

static void test_text_and_status(void **state)
{
        char text[1024];

        assert_int_equal(capture(FLWR_EXIT_SUPERNODE_NODE_AUTH_KEY_INVALID, text, sizeof(text)), EX_CONFIG);
        assert_non_null(startswith(text, "ERROR :     Exit Code: 302\nCannot read ?[31mkey.pem\n"));
        assert_int_equal(capture(FLWR_EXIT_SUCCESS, text, sizeof(text)), 0);
        assert_non_null(startswith(text, "INFO :      Cannot read"));
        assert_int_equal(exit_with(FLWR_EXIT_SUPERLINK_THREAD_CRASH, "x"), EX_SOFTWARE);
}

static void test_levels(void **state)
{
        char text[1024];

        assert_int_equal(log_parse_level("DEBUG"), LOG_DEBUG);
        assert_int_equal(log_parse_level("loud"), -EINVAL);
        assert_int_equal(log_debug_errno(ENOENT, "x"), -ENOENT);
        assert_int_equal(log_debug_errno(-ENOENT, "x"), -ENOENT);
        log_set_level(LOG_ERR);
        assert_int_equal(capture(FLWR_EXIT_SUCCESS, text, sizeof(text)), 0);
        assert_string_equal(text, "");
        log_set_level(LOG_INFO);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text_and_status),
                cmocka_unit_test(test_levels),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
