#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>

#include "base/text.h"

static void test_hex(void **state)
{
        _cleanup_free_ char *s = hex_encode("\x01\xab\xff", 3);
        uint8_t out[3] = {};

        assert_string_equal(s, "01abff");
        assert_int_equal(hex_decode("01ABff", out, 3), 0);
        assert_memory_equal(out, "\x01\xab\xff", 3);
        assert_int_equal(hex_decode("01ab", out, 3), -EINVAL);
        assert_int_equal(hex_decode("01ab0", out, 2), -EINVAL);
        assert_int_equal(hex_decode("01abfg", out, 3), -EINVAL);
}

static int decode(const char *s, const char *want)
{
        _cleanup_free_ uint8_t *p = NULL;
        size_t n;
        int r = base64_decode(s, strlen(s), &p, &n);

        if (r >= 0) {
                assert_int_equal(n, strlen(want));
                assert_memory_equal(p, want, n);
        }
        return r;
}

static void test_base64(void **state)
{
        _cleanup_free_ char *padded = base64_encode("abcd", 4, true),
                            *bare = base64_encode("abcd", 4, false);

        assert_string_equal(padded, "YWJjZA==");
        assert_string_equal(bare, "YWJjZA");
        assert_int_equal(decode("YWJjZA==", "abcd"), 0);
        assert_int_equal(decode("YWJjZA", "abcd"), 0);
        assert_int_equal(decode("YWJj", "abc"), 0);
        assert_int_equal(decode("", ""), 0);
        assert_int_equal(decode("YWJjZA=", ""), -EINVAL);
        assert_int_equal(decode("YWJj ZA", ""), -EINVAL);
        assert_int_equal(decode("YWJjZ", ""), -EINVAL);
        assert_int_equal(decode("YW_j", ""), -EINVAL);
}

static void test_utf8_valid(void **state)
{
        static const char *const good[] = {
                "", "abc", "\xc2\xa0", "\xe2\x82\xac", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"};
        static const char *const bad[] = {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80",
                "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "a\xff"};

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(utf8_is_valid(good[i], strlen(good[i])));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(utf8_is_valid(bad[i], strlen(bad[i])));
        assert_false(utf8_is_valid("a\0b", 3));
}

static void test_utf8_sanitize(void **state)
{
        _cleanup_free_ char *s = utf8_sanitize("a\0\xc3\xa4\xe2\x82", 6);

        assert_string_equal(s, "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd");
}

static void test_numbers(void **state)
{
        uint64_t u = 7;
        double d = 7;

        assert_int_equal(parse_u64("18446744073709551615", &u), 0);
        assert_true(u == UINT64_MAX);
        assert_int_equal(parse_u64("18446744073709551616", &u), -ERANGE);
        assert_int_equal(parse_u64("", &u), -EINVAL);
        assert_int_equal(parse_u64("-1", &u), -EINVAL);
        assert_int_equal(parse_u64(" 1", &u), -EINVAL);
        assert_int_equal(parse_u64("0x10", &u), -EINVAL);
        (void) setlocale(LC_ALL, "");
        assert_int_equal(parse_double("-1.5e3", &d), 0);
        assert_true(d == -1500);
        assert_int_equal(parse_double("1,5", &d), -EINVAL);
        assert_int_equal(parse_double("inf", &d), -EINVAL);
        assert_int_equal(parse_double("1e999", &d), -EINVAL);
        assert_int_equal(parse_double("", &d), -EINVAL);
        assert_int_equal(parse_double("1.5.", &d), -EINVAL);
}

static void check_address(const char *s, const char *want_host, unsigned want_port)
{
        _cleanup_free_ char *host = NULL;
        uint16_t port;

        if (!want_host) {
                assert_int_equal(parse_address(s, &host, &port), -EINVAL);
                return;
        }
        assert_int_equal(parse_address(s, &host, &port), 0);
        assert_string_equal(host, want_host);
        assert_int_equal(port, want_port);
}

static void test_address(void **state)
{
        check_address("127.0.0.1:9092", "127.0.0.1", 9092);
        check_address("[::1]:80", "::1", 80);
        check_address("hub.example.org:65535", "hub.example.org", 65535);
        check_address("localhost:0", "localhost", 0);
        check_address("localhost", NULL, 0);
        check_address(":80", NULL, 0);
        check_address("[]:80", NULL, 0);
        check_address("[::1:80", NULL, 0);
        check_address("h:65536", NULL, 0);
        check_address("h:", NULL, 0);
        check_address("http://h:80", NULL, 0);
}

static void test_random(void **state)
{
        assert_true(random_u64() != random_u64());
        for (unsigned i = 0; i < 1000; i++) {
                double d = random_unit();

                assert_true(d >= 0 && d < 1);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hex),
                cmocka_unit_test(test_base64),
                cmocka_unit_test(test_utf8_valid),
                cmocka_unit_test(test_utf8_sanitize),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_address),
                cmocka_unit_test(test_random),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
