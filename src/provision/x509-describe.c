#include "provision/x509-describe.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "base/text.h"
#include "provision/x509-util.h"

#define CERTIFICATES_MAX 1000 /* lines for people: a system's whole trust store still fits */
#define NAME_MAX_SIZE 1024

typedef struct CrtList {
        gnutls_x509_crt_t *v;
        unsigned n;
} CrtList;

static void crt_list_done(CrtList *l)
{
        for (unsigned i = 0; i < l->n; i++)
                gnutls_x509_crt_deinit(l->v[i]);
        gnutls_free(l->v);
}

static char *printable(char *s)
{
        for (char *p = s; *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f)
                        *p = '?';
        return s;
}

static int put_time(Buf *b, const char *what, time_t t)
{
        char text[64];
        struct tm tm;

        if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm) == 0)
                return -EINVAL;
        return buf_printf(b, "%s%s", what, text);
}

static int put_validity(Buf *b, gnutls_x509_crt_t c, time_t now)
{
        time_t from = gnutls_x509_crt_get_activation_time(c), until = gnutls_x509_crt_get_expiration_time(c);
        int r;

        r = put_time(b, "  valid:        ", from);
        if (r >= 0)
                r = put_time(b, " until ", until);
        if (r < 0)
                return r;
        if (until <= now)
                return buf_append_str(b, " (has expired)\n");
        if (from > now)
                return buf_append_str(b, " (not yet)\n");
        return buf_printf(b, " (%lld days left)\n", (long long) (until - now) / 86400);
}

static int put_alternative_name(Buf *b, int type, char *data, size_t size)
{
        char text[INET6_ADDRSTRLEN];

        if (type == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16)) {
                if (!inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text, sizeof(text)))
                        return -EINVAL;
                return buf_append_str(b, text);
        }
        if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_URI && type != GNUTLS_SAN_RFC822NAME)
                return buf_append_str(b, "(of another kind)");
        data[size] = 0;
        return buf_append_str(b, printable(data));
}

static int put_names(Buf *b, gnutls_x509_crt_t c)
{
        for (unsigned i = 0;; i++) {
                char data[NAME_MAX_SIZE + 1];
                size_t size = NAME_MAX_SIZE;
                int r, type;

                type = gnutls_x509_crt_get_subject_alt_name(c, i, data, &size, NULL);
                if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
                        return i > 0 ? buf_append_str(b, "\n") : 0;
                r = buf_append_str(b, i > 0 ? ", " : "  names:        ");
                if (r >= 0)
                        r = type < 0 ? buf_append_str(b, "(too long)")
                                     : put_alternative_name(b, type, data, size);
                if (r < 0)
                        return r;
        }
}

static int put_dn(
        Buf *b, const char *what, gnutls_x509_crt_t c, int (*get)(gnutls_x509_crt_t, char *, size_t *))
{
        char text[NAME_MAX_SIZE] = "";
        size_t size = sizeof(text);

        if (get(c, text, &size) < 0)
                text[0] = 0;
        return buf_printf(b, "%s%s\n", what, *text ? printable(text) : "(none)");
}

static int put_fingerprint(Buf *b, gnutls_x509_crt_t c)
{
        uint8_t hash[32];
        size_t size = sizeof(hash);
        _cleanup_free_ char *hex = NULL;

        if (gnutls_x509_crt_get_fingerprint(c, GNUTLS_DIG_SHA256, hash, &size) < 0)
                return -EINVAL;
        hex = hex_encode(hash, size);
        return hex ? buf_printf(b, "  fingerprint:  %s (SHA-256 of the certificate)\n", hex) : -ENOMEM;
}

/* What a join string names a CA by. */
static int put_pin(Buf *b, gnutls_x509_crt_t c)
{
        _cleanup_free_ char *pin = NULL;
        int r;

        if (gnutls_x509_crt_get_ca_status(c, NULL) <= 0)
                return 0;
        r = x509_crt_pin(c, &pin);
        return r < 0 ? r
                     : buf_printf(b, "  pin:          %s (of the public key; a join string has it as ca=)\n",
                               pin);
}

static const char *kind_of(gnutls_x509_crt_t c)
{
        char oid[64];
        size_t size = sizeof(oid);

        if (gnutls_x509_crt_get_ca_status(c, NULL) > 0)
                return "certificate of a CA";
        if (gnutls_x509_crt_get_key_purpose_oid(c, 0, oid, &size, NULL) >= 0 &&
                streq(oid, GNUTLS_KP_TLS_WWW_SERVER))
                return "certificate of a server";
        return "certificate";
}

static int put_certificate(Buf *b, const char *name, gnutls_x509_crt_t c, time_t now)
{
        unsigned bits = 0;
        int algorithm, r;

        algorithm = gnutls_x509_crt_get_pk_algorithm(c, &bits);
        r = buf_printf(b, "%s: %s\n", name, kind_of(c));
        if (r >= 0)
                r = put_dn(b, "  name:         ", c, gnutls_x509_crt_get_dn);
        if (r >= 0)
                r = put_names(b, c);
        if (r >= 0)
                r = buf_printf(b, "  key:          %s, %u bits\n",
                        gnutls_pk_algorithm_get_name(MAX(algorithm, 0)), bits);
        if (r >= 0)
                r = put_fingerprint(b, c);
        if (r >= 0)
                r = put_pin(b, c);
        if (r >= 0)
                r = put_dn(b, "  signed by:    ", c, gnutls_x509_crt_get_issuer_dn);
        return r < 0 ? r : put_validity(b, c, now);
}

/* Numbers that make no sense (-EINVAL) come from the file. */
static int finish(int r, Buf *b, char **ret, char **reterr_text)
{
        char *s;

        if (r == -EINVAL)
                return x509_fail(-EKEYREJECTED, reterr_text, "It is damaged");
        if (r < 0)
                return r;
        s = buf_steal_str(b);
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

int x509_describe(const char *pem, const char *name, usec_t now, char **ret, char **reterr_text)
{
        _cleanup_(crt_list_done) CrtList l = {};
        _cleanup_buf_ Buf b = {};
        int r;

        r = gnutls_x509_crt_list_import2(
                &l.v, &l.n, &(gnutls_datum_t){(void *) pem, (unsigned) strlen(pem)}, GNUTLS_X509_FMT_PEM, 0);
        if (r == GNUTLS_E_MEMORY_ERROR)
                return -ENOMEM;
        if (r < 0)
                return x509_fail(-EKEYREJECTED, reterr_text, "There is no certificate in PEM format: %s",
                        gnutls_strerror(r));
        r = 0;
        for (unsigned i = 0; r >= 0 && i < MIN(l.n, (unsigned) CERTIFICATES_MAX); i++)
                r = put_certificate(&b, name, l.v[i], (time_t) (now / USEC_PER_SEC));
        return finish(r, &b, ret, reterr_text);
}

int x509_describe_key(const char *pem, const char *name, char **ret, char **reterr_text)
{
        _cleanup_x509_key_ gnutls_x509_privkey_t k = NULL;
        _cleanup_free_ char *hex = NULL;
        _cleanup_buf_ Buf b = {};
        unsigned bits = 0;
        uint8_t id[32];
        size_t size = sizeof(id);
        int algorithm, r;

        r = x509_import_key(pem, &k, reterr_text);
        if (r < 0)
                return r;
        algorithm = gnutls_x509_privkey_get_pk_algorithm2(k, &bits);
        if (gnutls_x509_privkey_get_key_id(k, GNUTLS_KEYID_USE_SHA256, id, &size) < 0)
                return finish(-EINVAL, &b, ret, reterr_text);
        hex = hex_encode(id, size);
        if (!hex)
                return -ENOMEM;
        r = buf_printf(&b,
                "%s: private key for TLS\n  key:          %s, %u bits\n  fingerprint:  %s (SHA-256 of the "
                "public key)\n",
                name, gnutls_pk_algorithm_get_name(MAX(algorithm, 0)), bits, hex);
        return finish(r, &b, ret, reterr_text);
}
