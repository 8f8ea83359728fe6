#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/options.h"
#include "base/text.h"
#include "provision/x509-describe.h"
#include "provision/x509-make.h"
#include "provision/x509-util.h"

#define NOW ((usec_t) 1774847594 * USEC_PER_SEC)
#define DAY_USEC (86400 * USEC_PER_SEC)

static X509Pair make_ca(uint64_t days)
{
        _cleanup_free_ char *error = NULL;
        X509Pair ca = {};

        assert_int_equal(x509_make_ca("Test CA", days, NOW, &ca, &error), 0);
        return ca;
}

static X509Pair make_server(const X509Pair *ca, const char *name, uint64_t days)
{
        char *names[] = {(char *) name, NULL};
        _cleanup_free_ char *error = NULL;
        X509Pair server = {};

        assert_int_equal(x509_make_server(ca, NULL, names, days, NOW, &server, &error), 0);
        return server;
}

static gnutls_x509_crt_t import(const X509Pair *p)
{
        _cleanup_free_ char *error = NULL;
        gnutls_x509_crt_t c = NULL;

        assert_int_equal(x509_import(p->certificate, &c, &error), 0);
        return c;
}

static void assert_error(int r, int expected, char **error, const char *words)
{
        assert_int_equal(r, expected);
        assert_non_null(*error);
        if (!strstr(*error, words))
                fail_msg("\"%s\" lacks \"%s\"", *error, words);
        *error = mfree(*error);
}

static void test_ca(void **state)
{
        _cleanup_x509_pair_ X509Pair ca = make_ca(10), other = make_ca(10);
        _cleanup_x509_crt_ gnutls_x509_crt_t c = import(&ca), o = import(&other);
        uint8_t serial[32], other_serial[32];
        size_t size = sizeof(serial), other_size = sizeof(other_serial);
        unsigned critical, is_ca, usage;
        int path_length;

        assert_int_equal(gnutls_x509_crt_get_version(c), 3);
        assert_int_equal(gnutls_x509_crt_get_basic_constraints(c, &critical, &is_ca, &path_length), 1);
        assert_true(critical && is_ca);
        assert_int_equal(path_length, 1);
        assert_int_equal(gnutls_x509_crt_get_key_usage(c, &usage, &critical), 0);
        assert_int_equal(usage, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
        assert_true(gnutls_x509_crt_check_issuer(c, c));
        assert_int_equal(gnutls_x509_crt_get_signature_algorithm(c), GNUTLS_SIGN_ECDSA_SHA384);
        assert_int_equal(gnutls_x509_crt_get_serial(c, serial, &size), 0);
        assert_int_equal(gnutls_x509_crt_get_serial(o, other_serial, &other_size), 0);
        assert_int_equal(size, 16);
        assert_int_equal(other_size, 16);
        assert_memory_not_equal(serial, other_serial, 16);
        assert_int_equal(gnutls_x509_crt_get_activation_time(c), NOW / USEC_PER_SEC - 3600);
        assert_int_equal(gnutls_x509_crt_get_expiration_time(c), (NOW + 10 * DAY_USEC) / USEC_PER_SEC);
}

static void test_server(void **state)
{
        char *names[] = {(char *) "flower.example.org", (char *) "192.0.2.7", (char *) "::1",
                (char *) "*.example.net", NULL};
        _cleanup_x509_pair_ X509Pair ca = make_ca(100), server = {};
        _cleanup_x509_crt_ gnutls_x509_crt_t c = NULL;
        _cleanup_free_ char *error = NULL;
        char oid[64];
        size_t size = sizeof(oid);
        unsigned usage;

        assert_int_equal(x509_make_server(&ca, NULL, names, 30, NOW, &server, &error), 0);
        c = import(&server);
        for (size_t i = 0; i < 3; i++)
                assert_true(gnutls_x509_crt_check_hostname(c, names[i]));
        assert_true(gnutls_x509_crt_check_hostname(c, "a.example.net"));
        assert_false(gnutls_x509_crt_check_hostname(c, "192.0.2.8"));
        assert_false(gnutls_x509_crt_check_hostname(c, "localhost"));
        assert_int_equal(gnutls_x509_crt_get_ca_status(c, NULL), 0);
        assert_int_equal(gnutls_x509_crt_get_key_usage(c, &usage, NULL), 0);
        assert_int_equal(usage, GNUTLS_KEY_DIGITAL_SIGNATURE);
        assert_true(gnutls_x509_crt_get_key_purpose_oid(c, 0, oid, &size, NULL) >= 0);
        assert_string_equal(oid, GNUTLS_KP_TLS_WWW_SERVER);
        assert_int_equal(x509_pair_check(&server, &error), 0);
        assert_int_equal(x509_issuer_check(server.certificate, ca.certificate, NOW, &error), 0);
        /* The file sends the CA along. */
        assert_true(endswith(server.certificate, ca.certificate));
}

static void test_server_ends_with_ca(void **state)
{
        _cleanup_x509_pair_ X509Pair ca = make_ca(10), server = make_server(&ca, "localhost", 397);
        _cleanup_x509_crt_ gnutls_x509_crt_t c = import(&server);

        assert_int_equal(gnutls_x509_crt_get_expiration_time(c), (NOW + 10 * DAY_USEC) / USEC_PER_SEC);
}

static void test_bad_arguments(void **state)
{
        static const char *const bad[] = {"", "a b", "host:9092", "[::1]", "a..b", ".a", "a.", "*", "*.",
                "a*.b", "h\xc3\xb6st", "1.2.3.4/24"};
        _cleanup_x509_pair_ X509Pair ca = make_ca(10), p = {};
        _cleanup_free_ char *long_name = new0(char, 300);
        char *none[] = {NULL};
        char *error = NULL;

        memset(long_name, 'a', 299);
        assert_error(x509_make_ca("", 10, NOW, &p, &error), -EINVAL, &error, "common name");
        assert_error(x509_make_ca(long_name, 10, NOW, &p, &error), -EINVAL, &error, "common name");
        assert_error(x509_make_ca("CA", 0, NOW, &p, &error), -EINVAL, &error, "days");
        assert_error(x509_make_ca("CA", X509_DAYS_MAX + 1, NOW, &p, &error), -EINVAL, &error, "days");
        assert_error(
                x509_make_server(&ca, NULL, none, 10, NOW, &p, &error), -EINVAL, &error, "needs a name");
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                char *names[] = {(char *) bad[i], NULL};
                assert_error(
                        x509_make_server(&ca, NULL, names, 10, NOW, &p, &error), -EINVAL, &error, "neither");
        }
        assert_null(p.key);
}

static void test_bad_ca(void **state)
{
        _cleanup_x509_pair_ X509Pair ca = make_ca(10), other = make_ca(10),
                                     server = make_server(&ca, "localhost", 5), p = {};
        X509Pair mixed = {ca.key, other.certificate}, broken = {ca.key, (char *) "no certificate"};
        char *names[] = {(char *) "localhost", NULL}, *error = NULL;

        assert_error(x509_make_server(&server, NULL, names, 5, NOW, &p, &error), -EKEYREJECTED, &error,
                "not one of a CA");
        assert_error(x509_make_server(&mixed, NULL, names, 5, NOW, &p, &error), -EKEYREJECTED, &error,
                "belong together");
        assert_error(x509_make_server(&broken, NULL, names, 5, NOW, &p, &error), -EKEYREJECTED, &error,
                "no certificate");
        assert_error(x509_make_server(&ca, NULL, names, 5, NOW + 11 * DAY_USEC, &p, &error), -EKEYREJECTED,
                &error, "expired");
}

static void test_issuer_check(void **state)
{
        /* Same name, other key. */
        _cleanup_x509_pair_ X509Pair ca = make_ca(10), other = make_ca(10),
                                     server = make_server(&ca, "localhost", 5);
        char *error = NULL;

        assert_error(x509_issuer_check(server.certificate, other.certificate, NOW, &error), -EKEYREJECTED,
                &error, "not signed");
        assert_error(x509_issuer_check(server.certificate, ca.certificate, NOW + 6 * DAY_USEC, &error),
                -EKEYREJECTED, &error, "expired");
}

static void test_default_names(void **state)
{
        static const char *const expected[] = {"localhost", "127.0.0.1", "::1", "0.0.0.0"};
        char **names = NULL;

        assert_int_equal(x509_default_names(&names), 0);
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                unsigned found = 0;

                for (char **n = names; *n; n++)
                        found += streq(*n, expected[i]);
                assert_int_equal(found, 1);
        }
        options_free_strings(names);
}

static void test_describe(void **state)
{
        _cleanup_x509_pair_ X509Pair ca = make_ca(10), server = make_server(&ca, "192.0.2.7", 5);
        _cleanup_free_ char *text = NULL, *late = NULL, *key = NULL, *error = NULL;
        char *rejected = NULL, *none = NULL;

        assert_int_equal(x509_describe(server.certificate, "file", NOW, &text, &error), 0);
        assert_non_null(strstr(text, "file: certificate of a server\n"));
        assert_non_null(strstr(text, "file: certificate of a CA\n"));
        assert_non_null(strstr(text, "names:        192.0.2.7\n"));
        assert_non_null(strstr(text, "signed by:    CN=Test CA\n"));
        assert_non_null(strstr(text, "until 2026-04-04 05:13 UTC (5 days left)\n"));
        assert_int_equal(x509_describe(server.certificate, "file", NOW + 6 * DAY_USEC, &late, &error), 0);
        assert_non_null(strstr(late, "(has expired)"));
        assert_int_equal(x509_describe_key(ca.key, "file", &key, &error), 0);
        assert_non_null(strstr(key, "384 bits"));
        assert_error(x509_describe("nothing", "file", NOW, &none, &rejected), -EKEYREJECTED, &rejected,
                "no certificate");
        assert_error(x509_describe_key(ca.certificate, "file", &none, &rejected), -EKEYREJECTED, &rejected,
                "private key");
}

static void test_describe_hides_control_characters(void **state)
{
        _cleanup_free_ char *text = NULL, *error = NULL;
        _cleanup_x509_pair_ X509Pair ca = {};

        assert_int_equal(x509_make_ca("evil\033[2J\nvalid: for ever", 10, NOW, &ca, &error), 0);
        assert_int_equal(x509_describe(ca.certificate, "file", NOW, &text, &error), 0);
        assert_null(strchr(text, 033));
        assert_null(strstr(text, "\nvalid: for ever"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ca),
                cmocka_unit_test(test_server),
                cmocka_unit_test(test_server_ends_with_ca),
                cmocka_unit_test(test_bad_arguments),
                cmocka_unit_test(test_bad_ca),
                cmocka_unit_test(test_issuer_check),
                cmocka_unit_test(test_default_names),
                cmocka_unit_test(test_describe),
                cmocka_unit_test(test_describe_hides_control_characters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
