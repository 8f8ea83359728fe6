#include "provision/trust.h"

#include <gnutls/x509.h>

#include "base/text.h"
#include "provision/x509-chain.h"
#include "provision/x509-util.h"

typedef struct Presented {
        gnutls_x509_crt_t v[X509_CHAIN_MAX];
        unsigned n;
} Presented;

static void presented_done(Presented *p)
{
        for (unsigned i = 0; i < p->n; i++)
                gnutls_x509_crt_deinit(p->v[i]);
        p->n = 0;
}

static void trust_list_done(gnutls_x509_trust_list_t *l)
{
        /* 0: the certificates in it are borrowed. */
        if (*l)
                gnutls_x509_trust_list_deinit(*l, 0);
}

static int import(const gnutls_datum_t *chain, unsigned n, Presented *ret, char **reterr_text)
{
        if (n == 0 || n > X509_CHAIN_MAX)
                return x509_fail(-EKEYREJECTED, reterr_text,
                        "The server presents no certificates, or more than %d", X509_CHAIN_MAX);
        for (; ret->n < n; ret->n++) {
                if (gnutls_x509_crt_init(&ret->v[ret->n]) < 0)
                        return -ENOMEM;
                if (gnutls_x509_crt_import(ret->v[ret->n], &chain[ret->n], GNUTLS_X509_FMT_DER) < 0) {
                        gnutls_x509_crt_deinit(ret->v[ret->n]);
                        return x509_fail(
                                -EKEYREJECTED, reterr_text, "The server's certificates are damaged");
                }
        }
        return 0;
}

static int find_pinned(const Presented *p, const char *pin, gnutls_x509_crt_t *ret, char **reterr_text)
{
        gnutls_x509_crt_t found = NULL;

        for (unsigned i = 0; i < p->n; i++) {
                _cleanup_free_ char *have = NULL;
                int r;

                r = x509_crt_pin(p->v[i], &have);
                if (r == -ENOMEM)
                        return r;
                /* Of a CA that followed another one there are two: that which other programs take as a root
                 * is the one that it signed itself. */
                if (r >= 0 && streq(have, pin) && (!found || gnutls_x509_crt_check_issuer(p->v[i], p->v[i])))
                        found = p->v[i];
        }
        if (found) {
                *ret = found;
                return 0;
        }
        return x509_fail(-EKEYREJECTED, reterr_text,
                "The server at this address is not the one of the join string: it shows no certificate with "
                "the pin %s. "
                "If the address is right, somebody may be in between; nothing was sent",
                pin);
}

static int explain(unsigned status, gnutls_x509_crt_t server, const char *host, char **reterr_text)
{
        _cleanup_x509_datum_ gnutls_datum_t d = {};

        if (!gnutls_x509_crt_check_hostname2(server, host, 0))
                return x509_fail(-EKEYREJECTED, reterr_text,
                        "The server's certificate is not made out to %s. Use a name that it has, or add "
                        "this one to "
                        "/etc/flwr/tls/names on the SuperLink and run flwr-provision superlink there",
                        host);
        if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &d, 0) < 0)
                return -ENOMEM;
        return x509_fail(-EKEYREJECTED, reterr_text,
                "The server's certificate does not hold against the pinned CA: %.*s", (int) d.size, d.data);
}

int trust_check(const gnutls_datum_t *chain, unsigned n, const char *pin, const char *host, char **ret_ca,
        char **reterr_text)
{
        gnutls_typed_vdata_st purpose = {
                .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *) GNUTLS_KP_TLS_WWW_SERVER};
        _cleanup_(trust_list_done) gnutls_x509_trust_list_t list = NULL;
        _cleanup_(presented_done) Presented p = {};
        _cleanup_x509_datum_ gnutls_datum_t pem = {};
        gnutls_x509_crt_t ca = NULL;
        unsigned status = 0;
        char *text;
        int r;

        r = import(chain, n, &p, reterr_text);
        if (r >= 0)
                r = find_pinned(&p, pin, &ca, reterr_text);
        if (r < 0)
                return r;
        if (gnutls_x509_trust_list_init(&list, 0) < 0 || gnutls_x509_trust_list_add_cas(list, &ca, 1, 0) < 0)
                return -ENOMEM;
        r = gnutls_x509_trust_list_verify_crt2(list, p.v, p.n, &purpose, 1, 0, &status, NULL);
        if (r < 0)
                return x509_fail(-EKEYREJECTED, reterr_text,
                        "The server's certificates cannot be verified: %s", gnutls_strerror(r));
        if (status != 0 || !gnutls_x509_crt_check_hostname2(p.v[0], host, 0))
                return explain(status, p.v[0], host, reterr_text);
        if (gnutls_x509_crt_export2(ca, GNUTLS_X509_FMT_PEM, &pem) < 0)
                return -ENOMEM;
        text = strndup((const char *) pem.data, pem.size);
        if (!text)
                return -ENOMEM;
        *ret_ca = text;
        return 0;
}

int trust_last_pin(const gnutls_datum_t *chain, unsigned n, char **ret, char **reterr_text)
{
        _cleanup_(presented_done) Presented p = {};
        int r;

        r = import(chain, n, &p, reterr_text);
        if (r < 0)
                return r;
        r = x509_crt_pin(p.v[p.n - 1], ret);
        return r == -EBADMSG ? x509_fail(-EKEYREJECTED, reterr_text, "The server's certificates are damaged")
                             : r;
}
