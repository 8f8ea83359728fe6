#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "provision/join-string.h"

#define PIN "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID "0123456789abcdef"
#define SECRET "00112233445566778899aabbccddeeff"
#define WHOLE "flwr+join://hub.example.org:9092?ca=" PIN "&t=" ID "." SECRET

static void test_whole(void **state)
{
        _cleanup_join_string_ JoinString j = {};
        _cleanup_free_ char *error = NULL, *text = NULL;

        assert_int_equal(join_string_parse("  " WHOLE "\r\n", &j, &error), 0);
        assert_string_equal(j.address, "hub.example.org:9092");
        assert_string_equal(j.host, "hub.example.org");
        assert_string_equal(j.pin, PIN);
        assert_string_equal(j.id, ID);
        assert_string_equal(j.secret, SECRET);
        text = join_string_format(&j);
        assert_string_equal(text, WHOLE);
}

static void test_without_secret(void **state)
{
        _cleanup_join_string_ JoinString j = {};
        _cleanup_free_ char *error = NULL, *text = NULL;

        assert_int_equal(join_string_parse("flwr+join://[2001:db8::1]:1?ca=" PIN, &j, &error), 0);
        assert_string_equal(j.address, "[2001:db8::1]:1");
        assert_string_equal(j.host, "2001:db8::1");
        assert_null(j.secret);
        text = join_string_format(&j);
        assert_string_equal(text, "flwr+join://[2001:db8::1]:1?ca=" PIN);
}

static void test_address(void **state)
{
        _cleanup_join_string_ JoinString j = {};
        _cleanup_free_ char *error = NULL;

        assert_int_equal(join_string_parse("192.0.2.7:9092", &j, &error), 0);
        assert_string_equal(j.host, "192.0.2.7");
        assert_null(j.pin);
}

static void test_hostile(void **state)
{
        static const char *const bad[] = {
                "",
                "   ",
                "flwr+join://",
                "flwr+join://hub:9092",
                "flwr+join://hub:9092?",
                "flwr+join://hub:9092?ca=",
                "flwr+join://hub:9092?ca=md5:00",
                "flwr+join://hub?ca=" PIN,
                "flwr+join://hub:0?ca=" PIN,
                "flwr+join://hub:65536?ca=" PIN,
                "flwr+join://:9092?ca=" PIN,
                "flwr+join://user@hub:9092?ca=" PIN,
                "flwr+join://hub/x:9092?ca=" PIN,
                "flwr+join://2001:db8::1:9092?ca=" PIN,
                "flwr+join://[hub]:9092?ca=" PIN,
                "flwr+join://*.example.org:9092?ca=" PIN,
                "flwr+join://hub:9092?ca=" PIN "0",
                "flwr+join://hub:9092?ca=" PIN "&ca=" PIN,
                "flwr+join://hub:9092?t=" ID "." SECRET,
                "flwr+join://hub:9092?ca=" PIN "&t=" ID,
                "flwr+join://hub:9092?ca=" PIN "&t=." SECRET,
                "flwr+join://hub:9092?ca=" PIN "&t=../../etc.." SECRET,
                "flwr+join://hub:9092?ca=" PIN "&t=" ID "." SECRET "0",
                "flwr+join://hub:9092?ca=" PIN "&x=1",
                "flwr+join://hub:9092?ca=" PIN " t=1",
                "flwr+join://h\"\nub:9092?ca=" PIN,
                "flwr+join://hub:9092?ca=" PIN "\x7f",
                "FLWR+JOIN://hub:9092?ca=" PIN,
                "https://hub:9092",
                "hub",
                WHOLE "&t=" ID "." SECRET,
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_join_string_ JoinString j = {};
                _cleanup_free_ char *error = NULL;

                if (join_string_parse(bad[i], &j, &error) != -EINVAL)
                        fail_msg("accepted: %s", bad[i]);
                assert_non_null(error);
                assert_null(j.address);
                assert_null(strstr(error, SECRET));
        }
}

static void test_long(void **state)
{
        _cleanup_free_ char *text = new0(char, 3000), *error = NULL;
        _cleanup_join_string_ JoinString j = {};

        memset(text, 'a', 2000);
        memcpy(text + 2000, ":9092", 6);
        assert_int_equal(join_string_parse(text, &j, &error), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole),
                cmocka_unit_test(test_without_secret),
                cmocka_unit_test(test_address),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
