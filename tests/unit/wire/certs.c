#include "certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/fs-util.h"

char *certs_dir_new(void)
{
        char *dir = strdup("/tmp/flwr-certs-XXXXXX");

        assert_non_null(mkdtemp(dir));
        return dir;
}

void certs_dir_free(char *dir)
{
        assert_int_equal(rm_rf(dir), 0);
        free(dir);
}

char *certs_path(const char *dir, const char *name)
{
        return path_join(dir, name);
}

static void write_datum(const char *dir, const char *name, const char *suffix, gnutls_datum_t d)
{
        _cleanup_free_ char *file = xasprintf("%s.%s", name, suffix), *path = certs_path(dir, file);

        assert_int_equal(write_file_atomic(path, d.data, d.size, 0600, false), 0);
        gnutls_free(d.data);
}

static gnutls_datum_t load(const char *dir, const char *name, const char *suffix)
{
        _cleanup_free_ char *file = xasprintf("%s.%s", name, suffix), *path = certs_path(dir, file);
        gnutls_datum_t d;

        assert_int_equal(gnutls_load_file(path, &d), 0);
        return d;
}

static gnutls_x509_privkey_t new_key(void)
{
        gnutls_x509_privkey_t key;

        assert_int_equal(gnutls_x509_privkey_init(&key), 0);
        assert_int_equal(gnutls_x509_privkey_generate(
                                 key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                0);
        return key;
}

static gnutls_x509_crt_t new_crt(const char *name, gnutls_x509_privkey_t key, time_t from, time_t until)
{
        static const unsigned char serial[] = {1, 2, 3};
        time_t now = time(NULL);
        gnutls_x509_crt_t crt;

        assert_int_equal(gnutls_x509_crt_init(&crt), 0);
        assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
        assert_int_equal(gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)), 0);
        assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
        assert_int_equal(gnutls_x509_crt_set_dn_by_oid(
                                 crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned) strlen(name)),
                0);
        assert_int_equal(gnutls_x509_crt_set_activation_time(crt, from ? from : now - 3600), 0);
        assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, until ? until : now + 3600), 0);
        return crt;
}

/* Writes both files and frees both objects. */
static void finish(const char *dir, const char *name, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
        gnutls_x509_crt_t ca, gnutls_x509_privkey_t ca_key)
{
        gnutls_datum_t d;

        assert_int_equal(gnutls_x509_crt_sign2(crt, ca, ca_key, GNUTLS_DIG_SHA256, 0), 0);
        assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d), 0);
        write_datum(dir, name, "pem", d);
        assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &d), 0);
        write_datum(dir, name, "key", d);
        gnutls_x509_crt_deinit(crt);
        gnutls_x509_privkey_deinit(key);
}

void certs_make_ca(const char *dir, const char *name)
{
        gnutls_x509_privkey_t key = new_key();
        gnutls_x509_crt_t crt = new_crt(name, key, 0, 0);

        assert_int_equal(gnutls_x509_crt_set_basic_constraints(crt, 1, -1), 0);
        assert_int_equal(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN), 0);
        finish(dir, name, crt, key, crt, key);
}

static void add_names(gnutls_x509_crt_t crt, const CertOptions *o)
{
        if (o->dns)
                assert_int_equal(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, o->dns,
                                         (unsigned) strlen(o->dns), GNUTLS_FSAN_APPEND),
                        0);
        for (const char *const *ip = o->ips; ip && *ip; ip++) {
                bool v6 = strchr(*ip, ':');
                uint8_t a[16];

                assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, *ip, a), 1);
                assert_int_equal(gnutls_x509_crt_set_subject_alt_name(
                                         crt, GNUTLS_SAN_IPADDRESS, a, v6 ? 16 : 4, GNUTLS_FSAN_APPEND),
                        0);
        }
}

static gnutls_x509_privkey_t load_key(const char *dir, const char *name)
{
        gnutls_datum_t pem = load(dir, name, "key");
        gnutls_x509_privkey_t key;

        assert_int_equal(gnutls_x509_privkey_init(&key), 0);
        assert_int_equal(gnutls_x509_privkey_import(key, &pem, GNUTLS_X509_FMT_PEM), 0);
        gnutls_free(pem.data);
        return key;
}

static void finish_by(
        const char *dir, const char *ca, const char *name, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
        gnutls_datum_t ca_pem = load(dir, ca, "pem");
        gnutls_x509_privkey_t ca_key = load_key(dir, ca);
        gnutls_x509_crt_t ca_crt;

        assert_int_equal(gnutls_x509_crt_init(&ca_crt), 0);
        assert_int_equal(gnutls_x509_crt_import(ca_crt, &ca_pem, GNUTLS_X509_FMT_PEM), 0);
        finish(dir, name, crt, key, ca_crt, ca_key);
        gnutls_x509_crt_deinit(ca_crt);
        gnutls_x509_privkey_deinit(ca_key);
        gnutls_free(ca_pem.data);
}

void certs_make(const char *dir, const char *ca, const CertOptions *o)
{
        gnutls_x509_privkey_t key = new_key();
        gnutls_x509_crt_t crt = new_crt(o->name, key, o->from, o->until);

        add_names(crt, o);
        finish_by(dir, ca, o->name, crt, key);
}

void certs_make_link(const char *dir, const char *ca, const char *successor, const char *name)
{
        gnutls_x509_privkey_t key = load_key(dir, successor);
        gnutls_x509_crt_t crt = new_crt(successor, key, 0, 0);

        assert_int_equal(gnutls_x509_crt_set_basic_constraints(crt, 1, -1), 0);
        assert_int_equal(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN), 0);
        finish_by(dir, ca, name, crt, key);
}
