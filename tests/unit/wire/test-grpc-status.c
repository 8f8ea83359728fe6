#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/grpc-status.h"
#include "wire/metadata.h"

static void test_numbers(void **state)
{
        RpcClass c;

        for (int i = 0; i <= 16; i++)
                assert_int_equal(grpc_status_from_class(grpc_status_to_class(i)), i);
        assert_int_equal(grpc_status_from_class(RPC_UNAVAILABLE), 14);
        assert_int_equal(grpc_status_from_class(RPC_PERMISSION_DENIED), 7);
        assert_int_equal(grpc_status_to_class(17), RPC_UNKNOWN);
        assert_int_equal(grpc_status_parse("16", &c), 0);
        assert_int_equal(c, RPC_UNAUTHENTICATED);
        assert_int_equal(grpc_status_parse("99999999999", &c), 0);
        assert_int_equal(c, RPC_UNKNOWN);
        assert_int_equal(grpc_status_parse("x", &c), -EINVAL);
        assert_int_equal(grpc_status_parse("", &c), -EINVAL);
}

static void assert_encodes(const char *text, const char *encoded)
{
        _cleanup_free_ char *e = grpc_message_encode(text),
                            *d = grpc_message_decode(encoded, strlen(encoded));

        assert_string_equal(e, encoded);
        assert_string_equal(d, text);
}

static void test_message(void **state)
{
        _cleanup_free_ char *bad = grpc_message_decode("%zz%4", 5), *raw = grpc_message_decode("%ff", 3);

        assert_encodes("", "");
        assert_encodes("Run ID not found", "Run ID not found");
        assert_encodes("50%\n", "50%25%0A");
        assert_encodes("\xc3\xa4", "%C3%A4");
        assert_string_equal(bad, "%zz%4");
        assert_string_equal(raw, "\xef\xbf\xbd");
}

static void test_message_is_cut_between_characters(void **state)
{
        _cleanup_free_ char *text = malloc(3 * 2000 + 1), *e = NULL;

        for (size_t i = 0; i < 2000; i++)
                memcpy(text + 3 * i, "\xe2\x82\xac", 3);
        text[6000] = '\0';
        e = grpc_message_encode(text);
        assert_true(strlen(e) <= GRPC_MESSAGE_MAX);
        assert_int_equal(strlen(e) % 9, 0);
        assert_true(strlen(e) > GRPC_MESSAGE_MAX - 9);
}

static void test_timeout_parse(void **state)
{
        static const struct {
                const char *text;
                usec_t usec;
        } good[] = {
                {"4990m", 4990000},
                {"1M", 60000000},
                {"2H", 7200000000},
                {"99999999H", 99999999ULL * 3600000000ULL},
                {"1500n", 1},
                {"7u", 7},
                {"0S", 0},
        };
        static const char *const bad[] = {"", "m", "1", "1x", "123456789m", "-1m", " 1m", "1mm", "1.5S"};
        usec_t t;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                assert_int_equal(grpc_timeout_parse(good[i].text, &t), 0);
                assert_int_equal(t, good[i].usec);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(grpc_timeout_parse(bad[i], &t), -EINVAL);
}

static void test_timeout_format(void **state)
{
        char buf[GRPC_TIMEOUT_TEXT_MAX];

        assert_string_equal(grpc_timeout_format(0, buf), "0u");
        assert_string_equal(grpc_timeout_format(99999999, buf), "99999999u");
        assert_string_equal(grpc_timeout_format(100000001, buf), "100001m");
        assert_string_equal(grpc_timeout_format(USEC_INFINITY - 1, buf), "99999999H");
}

static void test_metadata(void **state)
{
        HeaderFields m = {};
        size_t size;

        assert_int_equal(header_fields_add(&m, "a", 1, "1", 1), 0);
        assert_int_equal(header_fields_add(&m, "a", 1, "2", 1), 0);
        assert_int_equal(header_fields_add(&m, "k-bin", 5, "AP8B", 4), 0);
        assert_int_equal(header_fields_add(&m, "l-bin", 5, "AA==", 4), 0);
        assert_int_equal(header_fields_add(&m, "m-bin", 5, "AA", 2), 0);
        assert_int_equal(header_fields_add(&m, "n-bin", 5, "*", 1), 0);
        assert_string_equal(header_fields_get(&m, "a", NULL), "2");
        assert_memory_equal(header_fields_get(&m, "k-bin", &size), "\0\xff\x01", 3);
        assert_int_equal(size, 3);
        assert_non_null(header_fields_get(&m, "l-bin", &size));
        assert_int_equal(size, 1);
        assert_non_null(header_fields_get(&m, "m-bin", &size));
        assert_int_equal(size, 1);
        assert_null(header_fields_get(&m, "n-bin", NULL));
        header_fields_done(&m);
}

static void test_metadata_limits(void **state)
{
        HeaderFields m = {};
        char large[METADATA_BYTES_MAX] = {};

        assert_int_equal(header_fields_add(&m, "a", 1, large, sizeof(large)), -E2BIG);
        for (int i = 0; i < METADATA_FIELDS_MAX; i++)
                assert_int_equal(header_fields_add(&m, "a", 1, "1", 1), 0);
        assert_int_equal(header_fields_add(&m, "a", 1, "1", 1), -E2BIG);
        header_fields_done(&m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_message),
                cmocka_unit_test(test_message_is_cut_between_characters),
                cmocka_unit_test(test_timeout_parse),
                cmocka_unit_test(test_timeout_format),
                cmocka_unit_test(test_metadata),
                cmocka_unit_test(test_metadata_limits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
