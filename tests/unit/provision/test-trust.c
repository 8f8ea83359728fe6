#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>
#include <gnutls/x509.h>

#include "provision/trust.h"
#include "provision/x509-chain.h"
#include "provision/x509-make.h"

#define DAY_USEC (86400 * USEC_PER_SEC)

typedef struct Fixture {
        X509Pair ca, server, other_ca, other_server;
        char *pin, *other_pin;
} Fixture;

static void make(const char *host, usec_t now, X509Pair *ca, X509Pair *server, char **pin)
{
        char *names[] = {(char *) host, (char *) "192.0.2.7", NULL}, *error = NULL;

        assert_int_equal(x509_make_ca("CA", 100, now, ca, &error), 0);
        assert_int_equal(x509_make_server(ca, NULL, names, 10, now, server, &error), 0);
        assert_int_equal(x509_pin(ca->certificate, pin, &error), 0);
}

static int setup(void **state)
{
        Fixture *f = new0(Fixture, 1);

        make("hub.example.org", now_realtime(), &f->ca, &f->server, &f->pin);
        make("hub.example.org", now_realtime(), &f->other_ca, &f->other_server, &f->other_pin);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        x509_pair_done(&f->ca);
        x509_pair_done(&f->server);
        x509_pair_done(&f->other_ca);
        x509_pair_done(&f->other_server);
        free(f->pin);
        free(f->other_pin);
        free(f);
        return 0;
}

static unsigned to_der(const char *pem, gnutls_datum_t *chain, unsigned n)
{
        gnutls_x509_crt_t crts[X509_CHAIN_MAX];
        unsigned size = X509_CHAIN_MAX;

        assert_true(gnutls_x509_crt_list_import(crts, &size,
                            &(gnutls_datum_t){(void *) pem, (unsigned) strlen(pem)}, GNUTLS_X509_FMT_PEM,
                            0) > 0);
        for (unsigned i = 0; i < size; i++) {
                assert_int_equal(gnutls_x509_crt_export2(crts[i], GNUTLS_X509_FMT_DER, &chain[n++]), 0);
                gnutls_x509_crt_deinit(crts[i]);
        }
        return n;
}

static int check(const char *pem, const char *pem2, const char *pin, const char *host, char **ret_ca,
        const char *words)
{
        gnutls_datum_t chain[2 * X509_CHAIN_MAX];
        _cleanup_free_ char *error = NULL;
        unsigned n = to_der(pem, chain, 0);
        int r;

        if (pem2)
                n = to_der(pem2, chain, n);
        r = trust_check(chain, n, pin, host, ret_ca, &error);
        for (unsigned i = 0; i < n; i++)
                gnutls_free(chain[i].data);
        if (words && !strstr(strempty(error), words))
                fail_msg("\"%s\" lacks \"%s\"", strempty(error), words);
        return r;
}

static void test_good(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *ca = NULL, *ca2 = NULL;

        assert_int_equal(check(f->server.certificate, NULL, f->pin, "hub.example.org", &ca, NULL), 0);
        assert_string_equal(ca, f->ca.certificate);
        assert_int_equal(check(f->server.certificate, NULL, f->pin, "192.0.2.7", &ca2, NULL), 0);
}

static void test_wrong_pin(void **state)
{
        Fixture *f = *state;
        char *ca = NULL;

        assert_int_equal(
                check(f->server.certificate, NULL, f->other_pin, "hub.example.org", &ca, "not the one"),
                -EKEYREJECTED);
        assert_null(ca);
}

/* The attacker shows his own server certificate, and the pinned CA behind it. */
static void test_pinned_beside_another_chain(void **state)
{
        Fixture *f = *state;
        char *ca = NULL;

        assert_int_equal(check(f->other_server.certificate, f->ca.certificate, f->pin, "hub.example.org",
                                 &ca, "does not hold"),
                -EKEYREJECTED);
        assert_null(ca);
}

static void test_wrong_name(void **state)
{
        Fixture *f = *state;
        char *ca = NULL;

        assert_int_equal(check(f->server.certificate, NULL, f->pin, "evil.example.org", &ca, "not made out"),
                -EKEYREJECTED);
        assert_int_equal(
                check(f->server.certificate, NULL, f->pin, "192.0.2.8", &ca, "not made out"), -EKEYREJECTED);
}

static void test_expired(void **state)
{
        _cleanup_x509_pair_ X509Pair ca = {}, server = {};
        _cleanup_free_ char *pin = NULL;
        char *got = NULL;

        make("hub", now_realtime() - 20 * DAY_USEC, &ca, &server, &pin);
        assert_int_equal(check(server.certificate, NULL, pin, "hub", &got, "does not hold"), -EKEYREJECTED);
}

static void test_no_chain(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *error = NULL, *error2 = NULL;
        const gnutls_datum_t junk = {(unsigned char *) "junk", 4};
        char *ca = NULL;

        assert_int_equal(trust_check(NULL, 0, f->pin, "hub", &ca, &error), -EKEYREJECTED);
        assert_int_equal(trust_check(&junk, 1, f->pin, "hub", &ca, &error2), -EKEYREJECTED);
}

static void test_chain_questions(void **state)
{
        Fixture *f = *state;
        const char *texts[] = {NULL, "nothing", f->other_server.certificate, f->server.certificate};
        _cleanup_free_ char *found = NULL, *ca = NULL, *error = NULL, *none = NULL;
        bool renew;
        usec_t until, now = now_realtime();

        assert_int_equal(x509_find_certificate(f->ca.key, texts, ELEMENTSOF(texts), &found), 1);
        assert_string_equal(found, f->ca.certificate);
        assert_int_equal(x509_find_certificate(f->ca.key, texts, 3, &none), 0);
        assert_true(x509_bundle_has(f->server.certificate, f->ca.certificate));
        assert_false(x509_bundle_has(f->server.certificate, f->other_ca.certificate));
        assert_int_equal(x509_chain_ca(f->server.certificate, &ca, &error), 0);
        assert_string_equal(ca, f->ca.certificate);

        /* 10 days and an hour: renewed when less than a third is left. */
        assert_int_equal(x509_life(f->server.certificate, now + 6 * DAY_USEC, &until, &renew, &error), 0);
        assert_false(renew);
        assert_int_equal(x509_life(f->server.certificate, now + 7 * DAY_USEC, &until, &renew, &error), 0);
        assert_true(renew);
        assert_int_equal(x509_life(f->server.certificate, now + 20 * DAY_USEC, &until, &renew, &error), 0);
        assert_true(renew);
}

/* What the CA's successor signs is trusted by those who know the one, and by those who know the other. */
static void test_successor(void **state)
{
        char *names[] = {(char *) "hub.example.org", NULL}, *error = NULL, *none = NULL;
        _cleanup_free_ char *link = NULL, *pin = NULL, *found = NULL, *ca = NULL, *shown = NULL;
        _cleanup_x509_pair_ X509Pair successor = {}, server = {};
        Fixture *f = *state;
        gnutls_typed_vdata_st purpose = {
                .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *) GNUTLS_KP_TLS_WWW_SERVER};
        const char *const cas[] = {f->ca.certificate, NULL, f->other_ca.certificate};
        const char *texts[1];

        assert_int_equal(x509_make_ca("Successor", 100, now_realtime(), &successor, &error), 0);
        assert_int_equal(x509_make_link(&f->ca, &successor, now_realtime(), &link, &error), 0);
        assert_int_equal(x509_make_server(&successor, link, names, 10, now_realtime(), &server, &error), 0);
        for (size_t i = 0; i < ELEMENTSOF(cas); i++) {
                const char *anchor = cas[i] ? cas[i] : successor.certificate;
                gnutls_x509_trust_list_t list;
                gnutls_x509_crt_t crts[X509_CHAIN_MAX];
                unsigned n = X509_CHAIN_MAX, status = 0;

                assert_int_equal(gnutls_x509_trust_list_init(&list, 0), 0);
                assert_int_equal(gnutls_x509_trust_list_add_trust_mem(list,
                                         &(gnutls_datum_t){(void *) anchor, (unsigned) strlen(anchor)}, NULL,
                                         GNUTLS_X509_FMT_PEM, 0, 0),
                        1);
                assert_true(gnutls_x509_crt_list_import(crts, &n,
                                    &(gnutls_datum_t){(void *) server.certificate,
                                            (unsigned) strlen(server.certificate)},
                                    GNUTLS_X509_FMT_PEM, 0) == 3);
                assert_int_equal(
                        gnutls_x509_trust_list_verify_crt2(list, crts, n, &purpose, 1, 0, &status, NULL), 0);
                assert_int_equal(status == 0, i < 2);
                while (n > 0)
                        gnutls_x509_crt_deinit(crts[--n]);
                gnutls_x509_trust_list_deinit(list, 1);
        }

        /* Where there are both, it is the root that is taken. */
        assert_int_equal(x509_pin(successor.certificate, &pin, &error), 0);
        assert_int_equal(check(server.certificate, NULL, pin, "hub.example.org", &ca, NULL), 0);
        assert_string_equal(ca, successor.certificate);
        assert_int_equal(check(server.certificate, NULL, f->other_pin, "hub.example.org", &none, NULL),
                -EKEYREJECTED);
        texts[0] = server.certificate;
        assert_int_equal(x509_find_certificate(successor.key, texts, 1, &found), 1);
        assert_string_equal(found, successor.certificate);
        assert_int_equal(x509_chain_ca(server.certificate, &shown, &error), 0);
        assert_string_equal(shown, successor.certificate);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_wrong_pin),
                cmocka_unit_test(test_pinned_beside_another_chain),
                cmocka_unit_test(test_wrong_name),
                cmocka_unit_test(test_expired),
                cmocka_unit_test(test_no_chain),
                cmocka_unit_test(test_chain_questions),
                cmocka_unit_test(test_successor),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
