#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rpc-error.h"

/* A forgotten row would answer OK. */
static void test_every_row_is_there(void **state)
{
        for (RpcErrorId id = RPCERR_OK; id < _RPCERR_MAX; id++) {
                const RpcErrorRow *row = rpc_error_row(id);

                assert_non_null(row->text);
                assert_true((row->class == RPC_OK) == (id == RPCERR_OK));
                assert_non_null(rpc_class_to_string(row->class));
        }
}

static void test_format(void **state)
{
        _cleanup_free_ char *plain = rpc_error_format(RPCERR_TOKEN, "ignored");
        _cleanup_free_ char *detail = rpc_error_format(RPCERR_NODE_NOT_DEACTIVATED, "17");
        _cleanup_free_ char *none = rpc_error_format(RPCERR_RUN_FINISHED, NULL);
        _cleanup_free_ char *hostile = rpc_error_format(RPCERR_BAD_REQUEST, "%s%n");

        assert_string_equal(plain, "Invalid token.");
        assert_string_equal(detail, "SuperNode with node ID 17 could not be deactivated.");
        assert_string_equal(none, "Run is finished.");
        assert_string_equal(hostile, "%s%n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_row_is_there),
                cmocka_unit_test(test_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
