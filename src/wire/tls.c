#include "wire/tls.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <time.h>

#include "base/fs-util.h"
#include "wire/tls-internal.h"

/* A bundle of all public CAs is about 220 KiB. */
#define PEM_FILE_MAX ((size_t) 1024 * 1024)
/* Certificates of one file: all public CAs are about 140. */
#define CERTIFICATES_MAX 1024

/* AES-GCM first: ChaCha20 is 3 to 5 times slower on machines with AES instructions. Ephemeral keys only, as
 * HTTP/2 wants it. */
#define PRIORITY                                                                                            \
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:"           \
        "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:%SERVER_PRECEDENCE"

typedef struct CertList {
        gnutls_x509_crt_t *crts;
        unsigned n;
} CertList;

static void cert_list_done(CertList *l)
{
        for (unsigned i = 0; i < l->n; i++)
                gnutls_x509_crt_deinit(l->crts[i]);
        gnutls_free(l->crts);
        *l = (CertList){};
}

static void privkey_deinitp(gnutls_x509_privkey_t *k)
{
        if (*k)
                gnutls_x509_privkey_deinit(*k);
}

static void trust_list_deinitp(gnutls_x509_trust_list_t *l)
{
        /* 0: the certificates inside are borrowed. */
        if (*l)
                gnutls_x509_trust_list_deinit(*l, 0);
}

char *tls_format_date(time_t t, char buf[static TLS_DATE_MAX])
{
        struct tm tm;

        if (!gmtime_r(&t, &tm) || strftime(buf, TLS_DATE_MAX, "%Y-%m-%d %H:%M UTC", &tm) == 0)
                buf[0] = '\0';
        return buf;
}

static int read_pem(const char *path, const char *what, Blob **ret, char **reterr_text)
{
        int r;

        r = read_file(path, PEM_FILE_MAX, ret);
        if (r < 0)
                *reterr_text = xasprintf("The %s file %s cannot be read: %s", what, path, strerror(-r));
        return r;
}

static int read_certificates(const char *path, const char *what, CertList *ret, char **reterr_text)
{
        _cleanup_blob_ Blob *b = NULL;
        unsigned n = 0;
        int r;

        r = read_pem(path, what, &b, reterr_text);
        if (r < 0)
                return r;
        gnutls_datum_t d = {(unsigned char *) b->data, (unsigned) b->size};
        r = gnutls_x509_crt_list_import2(&ret->crts, &n, &d, GNUTLS_X509_FMT_PEM, 0);
        if (r < 0 || n == 0 || n > CERTIFICATES_MAX) {
                *reterr_text = xasprintf("The %s file %s is not a PEM certificate (expected "
                                         "\"-----BEGIN CERTIFICATE-----\"): %s",
                        what, path, r < 0 ? gnutls_strerror(r) : "no certificate, or too many");
                if (r >= 0)
                        ret->n = n;
                return -EKEYREJECTED;
        }
        ret->n = n;
        return 0;
}

static int read_private_key(const char *path, gnutls_x509_privkey_t *ret, char **reterr_text)
{
        _cleanup_blob_ Blob *b = NULL;
        int r;

        r = read_pem(path, "private key", &b, reterr_text);
        if (r < 0)
                return r;
        if (gnutls_x509_privkey_init(ret) < 0)
                return -ENOMEM;
        gnutls_datum_t d = {(unsigned char *) b->data, (unsigned) b->size};
        r = gnutls_x509_privkey_import2(*ret, &d, GNUTLS_X509_FMT_PEM, NULL, 0);
        if (r < 0) {
                *reterr_text = xasprintf("The private key file %s is not a PEM private key without password "
                                         "(expected \"-----BEGIN PRIVATE KEY-----\"): %s",
                        path, gnutls_strerror(r));
                return -EKEYREJECTED;
        }
        return 0;
}

static int check_dates(gnutls_x509_crt_t crt, const char *path, char **reterr_text)
{
        time_t now = time(NULL), from = gnutls_x509_crt_get_activation_time(crt),
               until = gnutls_x509_crt_get_expiration_time(crt);
        char date[TLS_DATE_MAX];

        if (now > until) {
                *reterr_text = xasprintf("The certificate %s expired on %s. Make a new one.", path,
                        tls_format_date(until, date));
                return -EKEYREJECTED;
        }
        if (now < from) {
                *reterr_text =
                        xasprintf("The certificate %s is not valid before %s. Is this machine's clock "
                                  "right?",
                                path, tls_format_date(from, date));
                return -EKEYREJECTED;
        }
        return 0;
}

static int check_signed_by(const CertList *chain, const CertList *ca, const char *cert_file,
        const char *ca_file, char **reterr_text)
{
        _cleanup_(trust_list_deinitp) gnutls_x509_trust_list_t trust = NULL;
        unsigned status = 0;

        if (gnutls_x509_trust_list_init(&trust, 0) < 0 ||
                gnutls_x509_trust_list_add_cas(trust, ca->crts, ca->n, 0) < 0)
                return -ENOMEM;
        if (gnutls_x509_trust_list_verify_crt(trust, chain->crts, chain->n, 0, &status, NULL) < 0)
                return -ENOMEM;
        if (status == 0)
                return 0;
        *reterr_text = xasprintf(
                status & GNUTLS_CERT_SIGNER_NOT_FOUND
                        ? "The certificate %s is not signed by the CA in %s, so clients that trust this CA "
                          "would refuse it."
                        : "The certificate %s does not verify against the CA in %s: it, or the CA, is "
                          "expired, "
                          "not a CA, or signed with something too weak.",
                cert_file, ca_file);
        return -EKEYREJECTED;
}

static int tls_context_alloc(bool server, const char *ca_file, TlsContext **ret)
{
        _cleanup_(tls_context_unrefp) TlsContext *t = NULL;

        t = new0(TlsContext, 1);
        if (!t)
                return -ENOMEM;
        atomic_init(&t->n_ref, 1);
        t->server = server;
        if (free_and_strdup(&t->ca_file, ca_file) < 0)
                return -ENOMEM;
        if (gnutls_certificate_allocate_credentials(&t->credentials) < 0 ||
                gnutls_priority_init(&t->priority, PRIORITY, NULL) < 0)
                return -ENOMEM;
        if (server && gnutls_session_ticket_key_generate(&t->ticket_key) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(t);
        return 0;
}

/* In the order of issuers, as far as GnuTLS finds one. Where that would lose certificates (of a CA that was
 * signed twice, say) all go out as they are in the file. */
static int import_chain(const CertList *chain, gnutls_pcert_st *ret, unsigned *ret_n)
{
        unsigned n = chain->n;
        int r;

        r = gnutls_pcert_import_x509_list(ret, chain->crts, &n, GNUTLS_X509_CRT_LIST_SORT);
        if (r >= 0 && n < chain->n) {
                while (n > 0)
                        gnutls_pcert_deinit(&ret[--n]);
                n = chain->n;
                r = gnutls_pcert_import_x509_list(ret, chain->crts, &n, 0);
        }
        if (r >= 0)
                *ret_n = n;
        return r;
}

/* Takes the key, whether it works or not. */
static int set_chain(TlsContext *t, const CertList *chain, gnutls_x509_privkey_t *key)
{
        gnutls_pcert_st pcerts[TLS_CHAIN_MAX];
        gnutls_privkey_t k = NULL;
        unsigned n = 0;
        int r;

        r = gnutls_privkey_init(&k);
        if (r >= 0)
                r = gnutls_privkey_import_x509(k, *key, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
        if (r >= 0) {
                *key = NULL;
                r = import_chain(chain, pcerts, &n);
        }
        if (r >= 0)
                r = gnutls_certificate_set_key(t->credentials, NULL, 0, pcerts, (int) n, k);
        if (r >= 0)
                return 0;
        for (unsigned i = 0; i < n; i++)
                gnutls_pcert_deinit(&pcerts[i]);
        if (k)
                gnutls_privkey_deinit(k);
        return r;
}

int tls_server_new(const char *ca_file, const char *cert_file, const char *key_file, TlsContext **ret,
        char **reterr_text)
{
        _cleanup_(tls_context_unrefp) TlsContext *t = NULL;
        _cleanup_(cert_list_done) CertList ca = {}, chain = {};
        _cleanup_(privkey_deinitp) gnutls_x509_privkey_t key = NULL;
        int r;

        *reterr_text = NULL;
        r = read_certificates(ca_file, "CA certificate", &ca, reterr_text);
        if (r < 0)
                return r;
        r = read_certificates(cert_file, "server certificate", &chain, reterr_text);
        if (r < 0)
                return r;
        r = read_private_key(key_file, &key, reterr_text);
        if (r < 0)
                return r;
        if (chain.n > TLS_CHAIN_MAX) {
                *reterr_text =
                        xasprintf("The server certificate file %s holds %u certificates; a chain has at "
                                  "most %d.",
                                cert_file, chain.n, TLS_CHAIN_MAX);
                return -EKEYREJECTED;
        }
        r = check_dates(chain.crts[0], cert_file, reterr_text);
        if (r < 0)
                return r;
        r = check_signed_by(&chain, &ca, cert_file, ca_file, reterr_text);
        if (r < 0)
                return r;
        r = tls_context_alloc(true, ca_file, &t);
        if (r < 0)
                return r;
        r = set_chain(t, &chain, &key);
        if (r < 0) {
                *reterr_text =
                        r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH
                                ? xasprintf("The private key %s does not belong to the certificate %s.",
                                          key_file, cert_file)
                                : xasprintf("The certificate %s cannot be used: %s", cert_file,
                                          gnutls_strerror(r));
                return -EKEYREJECTED;
        }
        t->from = gnutls_x509_crt_get_activation_time(chain.crts[0]);
        t->until = gnutls_x509_crt_get_expiration_time(chain.crts[0]);
        *ret = TAKE_PTR(t);
        return 0;
}

void tls_server_life(const TlsContext *t, time_t *ret_from, time_t *ret_until)
{
        *ret_from = t->from;
        *ret_until = t->until;
}

int tls_client_new(const char *ca_file, TlsContext **ret, char **reterr_text)
{
        _cleanup_(tls_context_unrefp) TlsContext *t = NULL;
        _cleanup_(cert_list_done) CertList ca = {};
        int r;

        *reterr_text = NULL;
        if (ca_file) {
                r = read_certificates(ca_file, "CA certificate", &ca, reterr_text);
                if (r < 0)
                        return r;
        }
        r = tls_context_alloc(false, ca_file, &t);
        if (r < 0)
                return r;
        if (ca_file)
                r = gnutls_certificate_set_x509_trust(t->credentials, ca.crts, (int) ca.n);
        else
                r = gnutls_certificate_set_x509_system_trust(t->credentials);
        if (r <= 0) {
                *reterr_text = xasprintf("The CA certificates of %s cannot be used: %s",
                        ca_file ? ca_file : "the system", r < 0 ? gnutls_strerror(r) : "there are none");
                return -EKEYREJECTED;
        }
        *ret = TAKE_PTR(t);
        return 0;
}

TlsContext *tls_context_ref(TlsContext *t)
{
        if (t)
                atomic_fetch_add_explicit(&t->n_ref, 1, memory_order_relaxed);
        return t;
}

TlsContext *tls_context_unref(TlsContext *t)
{
        if (!t || atomic_fetch_sub_explicit(&t->n_ref, 1, memory_order_acq_rel) > 1)
                return NULL;
        if (t->credentials)
                gnutls_certificate_free_credentials(t->credentials);
        if (t->priority)
                gnutls_priority_deinit(t->priority);
        if (t->ticket_key.data) {
                gnutls_memset(t->ticket_key.data, 0, t->ticket_key.size);
                gnutls_free(t->ticket_key.data);
        }
        for (unsigned i = 0; i < t->n_trusted; i++)
                gnutls_x509_crt_deinit(t->trusted[i]);
        gnutls_free(t->trusted);
        free(t->successor_file);
        free(t->successors);
        free(t->ca_file);
        free(t);
        return NULL;
}
