#include "provision/x509-chain.h"

#include "base/text.h"
#include "provision/x509-util.h"

typedef struct Chain {
        gnutls_x509_crt_t v[X509_CHAIN_MAX];
        unsigned n;
} Chain;

static void chain_done(Chain *c)
{
        for (unsigned i = 0; i < c->n; i++)
                gnutls_x509_crt_deinit(c->v[i]);
        c->n = 0;
}
#define _cleanup_chain_ _cleanup_(chain_done)

static int chain_import(const char *pem, Chain *ret, char **reterr_text)
{
        unsigned n = X509_CHAIN_MAX;
        int r;

        r = gnutls_x509_crt_list_import(ret->v, &n, &(gnutls_datum_t){(void *) pem, (unsigned) strlen(pem)},
                GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
        if (r == GNUTLS_E_MEMORY_ERROR)
                return -ENOMEM;
        if (r == GNUTLS_E_SHORT_MEMORY_BUFFER)
                return x509_fail(
                        -EKEYREJECTED, reterr_text, "There are more than %d certificates", X509_CHAIN_MAX);
        if (r < 0)
                return x509_fail(-EKEYREJECTED, reterr_text, "There is no certificate in PEM format: %s",
                        gnutls_strerror(r));
        ret->n = n;
        return 0;
}

static int export(gnutls_x509_crt_t c, char **ret)
{
        _cleanup_x509_datum_ gnutls_datum_t d = {};
        char *text;

        if (gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_PEM, &d) < 0)
                return -ENOMEM;
        text = strndup((const char *) d.data, d.size);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

int x509_find_certificate(const char *key, const char *const *texts, size_t n, char **ret)
{
        _cleanup_x509_key_ gnutls_x509_privkey_t k = NULL;
        uint8_t wanted[PIN_SIZE], id[PIN_SIZE];
        size_t size = sizeof(wanted), id_size;
        _cleanup_free_ char *error = NULL, *found = NULL;
        bool found_itself = false;
        int r;

        r = x509_import_key(key, &k, &error);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        if (gnutls_x509_privkey_get_key_id(k, GNUTLS_KEYID_USE_SHA256, wanted, &size) < 0)
                return 0;
        for (size_t i = 0; i < n && !found_itself; i++) {
                _cleanup_free_ char *ignored = NULL;
                _cleanup_chain_ Chain c = {};

                if (!texts[i] || chain_import(texts[i], &c, &ignored) < 0)
                        continue;
                for (unsigned j = 0; j < c.n && !found_itself; j++) {
                        id_size = sizeof(id);
                        if (gnutls_x509_crt_get_key_id(c.v[j], GNUTLS_KEYID_USE_SHA256, id, &id_size) >= 0 &&
                                memcmp(id, wanted, sizeof(id)) == 0) {
                                found_itself = gnutls_x509_crt_check_issuer(c.v[j], c.v[j]);
                                if (found && !found_itself)
                                        continue;
                                found = mfree(found);
                                r = export(c.v[j], &found);
                                if (r < 0)
                                        return r;
                        }
                }
        }
        if (!found)
                return 0;
        *ret = TAKE_PTR(found);
        return 1;
}

bool x509_bundle_has(const char *bundle, const char *certificate)
{
        _cleanup_x509_crt_ gnutls_x509_crt_t c = NULL;
        _cleanup_free_ char *error = NULL, *error2 = NULL;
        _cleanup_chain_ Chain l = {};

        if (x509_import(certificate, &c, &error) < 0 || chain_import(bundle, &l, &error2) < 0)
                return false;
        for (unsigned i = 0; i < l.n; i++)
                if (gnutls_x509_crt_equals(l.v[i], c))
                        return true;
        return false;
}

int x509_pin(const char *certificate, char **ret, char **reterr_text)
{
        _cleanup_x509_crt_ gnutls_x509_crt_t c = NULL;
        int r;

        r = x509_import(certificate, &c, reterr_text);
        if (r < 0)
                return r;
        r = x509_crt_pin(c, ret);
        return r == -EBADMSG ? x509_fail(-EIO, reterr_text, "The public key could not be hashed") : r;
}

int x509_chain_ca(const char *chain, char **ret, char **reterr_text)
{
        _cleanup_chain_ Chain c = {};
        gnutls_x509_crt_t last;
        int r;

        r = chain_import(chain, &c, reterr_text);
        if (r < 0)
                return r;
        last = c.v[c.n - 1];
        if (gnutls_x509_crt_get_ca_status(last, NULL) <= 0 &&
                (c.n > 1 || !gnutls_x509_crt_check_issuer(last, last)))
                return x509_fail(-ENOENT, reterr_text, "The chain ends without the certificate of its CA");
        return export(last, ret);
}

int x509_life(const char *certificate, usec_t now, usec_t *ret_until, bool *ret_renew, char **reterr_text)
{
        _cleanup_x509_crt_ gnutls_x509_crt_t c = NULL;
        time_t from, until, t = (time_t) (now / USEC_PER_SEC);
        int r;

        r = x509_import(certificate, &c, reterr_text);
        if (r < 0)
                return r;
        from = gnutls_x509_crt_get_activation_time(c);
        until = gnutls_x509_crt_get_expiration_time(c);
        if (from == (time_t) -1 || until == (time_t) -1 || until < from)
                return x509_fail(-EKEYREJECTED, reterr_text, "The certificate's times make no sense");
        *ret_renew = until - t < (until - from) / 3;
        *ret_until = (usec_t) MAX(until, (time_t) 0) * USEC_PER_SEC;
        return 0;
}
