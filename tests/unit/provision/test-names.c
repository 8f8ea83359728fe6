#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/options.h"
#include "provision/names.h"
#include "provision/x509-make.h"

#define NOW ((usec_t) 1774847594 * USEC_PER_SEC)

static void assert_names(char *const *names, const char *const *expected)
{
        size_t n = 0;

        for (; expected[n]; n++)
                assert_string_equal(names[n], expected[n]);
        assert_null(names[n]);
}

static void test_parse(void **state)
{
        static const char *const expected[] = {
                "hub.example.org", "192.0.2.7", "2001:db8::1", "*.example.net", NULL};
        _cleanup_free_ char *error = NULL;
        char **names = NULL;

        assert_int_equal(names_parse("# first\n\n  Hub.example.ORG # mine\n192.0.2.7\r\n2001:DB8:0::1\n"
                                     "hub.example.org\n*.example.net",
                                 &names, &error),
                0);
        assert_names(names, expected);
        options_free_strings(names);
}

static void test_parse_refuses(void **state)
{
        static const char *const bad[] = {
                "", "# nothing\n", "a b\n", "hub:9092\n", "[::1]\n", "h\xc3\xb6st\n", "a..b\n"};
        char **names = NULL;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *error = NULL;

                assert_int_equal(names_parse(bad[i], &names, &error), -EINVAL);
                assert_non_null(error);
        }
        assert_null(names);
}

static void test_parse_limit(void **state)
{
        _cleanup_free_ char *text = new0(char, (X509_NAMES_MAX + 1) * 8 + 1), *error = NULL;
        char **names = NULL, *p = text;

        for (int i = 0; i < X509_NAMES_MAX; i++)
                p += sprintf(p, "n%05d\n", i);
        assert_int_equal(names_parse(text, &names, &error), 0);
        names = options_free_strings(names);
        sprintf(p, "one.too.many\n");
        assert_int_equal(names_parse(text, &names, &error), -EINVAL);
        assert_non_null(strstr(error, "Line 101"));
}

static void test_generate(void **state)
{
        char *addresses[] = {(char *) "192.0.2.7", (char *) "2001:db8::7", NULL};
        const NamesFacts facts = {"Hub",
                "127.0.0.1 localhost printer\n127.0.1.1 hub.example.org hub # me\n0.0.0.0 ads.example.com\n"
                "192.0.2.7 intern.example.org bad_\xff\n192.0.2.70 other.example.org\n# hub commented\n",
                addresses};
        static const char *const expected[] = {"localhost", "127.0.0.1", "::1", "hub", "hub.example.org",
                "intern.example.org", "192.0.2.7", "2001:db8::7", NULL};
        _cleanup_free_ char *text = NULL, *error = NULL;
        char **names = NULL;

        assert_int_equal(names_generate(&facts, &text), 0);
        assert_int_equal(names_parse(text, &names, &error), 0);
        assert_names(names, expected);
        assert_string_equal(names_public(names), "hub");
        options_free_strings(names);
}

/* More than fit: what names_parse() takes, never more. */
static void test_generate_limit(void **state)
{
        _cleanup_free_ char *hosts = new0(char, 64 * 1024), *text = NULL, *error = NULL;
        char *none[] = {NULL}, **names = NULL, *p = hosts;

        for (int i = 0; i < 500; i++)
                p += sprintf(p, "127.0.1.1 hub alias%d\n", i);
        assert_int_equal(names_generate(&(NamesFacts){"hub", hosts, none}, &text), 0);
        assert_int_equal(names_parse(text, &names, &error), 0);
        assert_non_null(names[X509_NAMES_MAX - 1]);
        options_free_strings(names);
}

static void test_match(void **state)
{
        char *made[] = {(char *) "Hub.example.org", (char *) "192.0.2.7", (char *) "2001:db8::1", NULL};
        char *same[] = {(char *) "2001:db8::1", (char *) "hub.example.org", (char *) "192.0.2.7", NULL};
        char *fewer[] = {(char *) "hub.example.org", (char *) "192.0.2.7", NULL};
        char *other[] = {(char *) "hub.example.org", (char *) "192.0.2.8", (char *) "2001:db8::1", NULL};
        _cleanup_x509_pair_ X509Pair ca = {}, server = {};
        _cleanup_free_ char *error = NULL;

        assert_int_equal(x509_make_ca("CA", 10, NOW, &ca, &error), 0);
        assert_int_equal(x509_make_server(&ca, NULL, made, 5, NOW, &server, &error), 0);
        assert_int_equal(names_match(server.certificate, same, &error), 1);
        assert_int_equal(names_match(server.certificate, fewer, &error), 0);
        assert_int_equal(names_match(server.certificate, other, &error), 0);
        assert_int_equal(names_match("nothing", same, &error), -EKEYREJECTED);
}

static void test_public(void **state)
{
        char *addresses[] = {
                (char *) "localhost", (char *) "127.0.0.1", (char *) "::1", (char *) "2001:db8::7", NULL};
        char *none[] = {(char *) "localhost", (char *) "127.0.1.1", (char *) "*.example.org", NULL};

        assert_string_equal(names_public(addresses), "2001:db8::7");
        assert_null(names_public(none));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_parse_refuses),
                cmocka_unit_test(test_parse_limit),
                cmocka_unit_test(test_generate),
                cmocka_unit_test(test_generate_limit),
                cmocka_unit_test(test_match),
                cmocka_unit_test(test_public),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
