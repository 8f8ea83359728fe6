#include <gnutls/x509.h>

#include "base/fs-util.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/tls-internal.h"

/* A CA lives for years: a node that has followed so many has been moved from hub to hub. */
#define SUCCESSORS_MAX 8
#define SUCCESSORS_FILE_MAX ((size_t) 64 * 1024)
#define CA_FILE_MAX ((size_t) 1024 * 1024) /* a bundle of all public CAs is about 220 KiB */
#define KEY_ID_SIZE 32

static bool signed_by(gnutls_x509_crt_t c, gnutls_x509_crt_t issuer)
{
        unsigned status = 0;

        /* When the old CA has ended the new one goes on. */
        return gnutls_x509_crt_verify(c, &issuer, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) >= 0 &&
               status == 0;
}

static bool same_key(gnutls_x509_crt_t a, gnutls_x509_crt_t b)
{
        uint8_t id_a[KEY_ID_SIZE], id_b[KEY_ID_SIZE];
        size_t size_a = sizeof(id_a), size_b = sizeof(id_b);

        return gnutls_x509_crt_get_key_id(a, GNUTLS_KEYID_USE_SHA256, id_a, &size_a) >= 0 &&
               gnutls_x509_crt_get_key_id(b, GNUTLS_KEYID_USE_SHA256, id_b, &size_b) >= 0 &&
               memcmp(id_a, id_b, KEY_ID_SIZE) == 0;
}

static bool is_trusted(const TlsContext *t, gnutls_x509_crt_t c)
{
        for (unsigned i = 0; i < t->n_trusted; i++)
                if (gnutls_x509_crt_equals(t->trusted[i], c))
                        return true;
        return false;
}

/* Is "link" the certificate of the root's key, signed by one that is trusted already? */
static bool is_link(const TlsContext *t, gnutls_x509_crt_t root, gnutls_x509_crt_t link)
{
        if (gnutls_x509_crt_get_ca_status(link, NULL) <= 0 || !same_key(root, link))
                return false;
        for (unsigned i = 0; i < t->n_trusted; i++)
                if (signed_by(link, t->trusted[i]))
                        return true;
        return false;
}

static bool is_root(gnutls_x509_crt_t c)
{
        return gnutls_x509_crt_get_ca_status(c, NULL) > 0 && gnutls_x509_crt_check_issuer(c, c);
}

static int append_pem(gnutls_x509_crt_t c, char **text)
{
        gnutls_datum_t d = {};
        char *longer;

        if (gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_PEM, &d) < 0)
                return -ENOMEM;
        longer = xasprintf("%s%.*s", strempty(*text), (int) d.size, d.data);
        gnutls_free(d.data);
        if (!longer)
                return -ENOMEM;
        free(*text);
        *text = longer;
        return 0;
}

static int trust(TlsContext *t, gnutls_x509_crt_t *root)
{
        gnutls_x509_crt_t *more = reallocarray(t->trusted, t->n_trusted + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        t->trusted = more;
        if (gnutls_certificate_set_x509_trust(t->credentials, root, 1) < 0)
                return -ENOMEM;
        t->trusted[t->n_trusted++] = TAKE_PTR(*root);
        return 0;
}

/* Pairs of root and link, oldest first: each must be signed by one before it. */
static int load(TlsContext *t, const char *text)
{
        gnutls_x509_crt_t crts[2 * SUCCESSORS_MAX];
        unsigned n = ELEMENTSOF(crts);
        int r = 0;

        if (gnutls_x509_crt_list_import(crts, &n, &(gnutls_datum_t){(void *) text, (unsigned) strlen(text)},
                    GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED) < 0)
                return 0;
        for (unsigned i = 0; r >= 0 && i + 1 < n && is_root(crts[i]) && is_link(t, crts[i], crts[i + 1]);
                i += 2) {
                r = append_pem(crts[i], &t->successors);
                if (r >= 0)
                        r = append_pem(crts[i + 1], &t->successors);
                if (r >= 0)
                        r = trust(t, &crts[i]);
                t->n_successors++;
        }
        for (unsigned i = 0; i < n; i++)
                crt_deinitp(&crts[i]);
        return r;
}

int tls_client_follow(TlsContext *t, const char *file, unsigned *ret_n)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_blob_ Blob *ca = NULL;
        int r;

        r = read_file(t->ca_file, CA_FILE_MAX, &ca);
        if (r >= 0 && gnutls_x509_crt_list_import2(&t->trusted, &t->n_trusted,
                              &(gnutls_datum_t){(void *) ca->data, (unsigned) ca->size}, GNUTLS_X509_FMT_PEM,
                              0) < 0)
                r = -EBADMSG;
        if (r < 0)
                return r;
        r = read_text_file(file, SUCCESSORS_FILE_MAX, &text);
        if (r < 0 && r != -ENOENT && r != -EBADMSG && r != -EFBIG)
                return r;
        r = text ? load(t, text) : 0;
        if (r < 0)
                return r;
        t->successor_file = strdup(file);
        if (!t->successor_file)
                return -ENOMEM;
        *ret_n = t->n_successors;
        return 0;
}

static int save(const TlsContext *t, gnutls_x509_crt_t root, gnutls_x509_crt_t link)
{
        _cleanup_free_ char *text = NULL, *there = NULL;
        int r;

        text = strdup(strempty(t->successors));
        r = text ? append_pem(root, &text) : -ENOMEM;
        if (r >= 0)
                r = append_pem(link, &text);
        if (r < 0 ||
                (read_text_file(t->successor_file, SUCCESSORS_FILE_MAX, &there) >= 0 && streq(there, text)))
                return r;
        r = write_file_atomic(t->successor_file, text, strlen(text), 0644, true);
        if (r >= 0)
                log_debug("The CA of this server has a successor: %s", t->successor_file);
        return r;
}

void tls_learn_successor(const TlsContext *t, gnutls_session_t session)
{
        gnutls_x509_crt_t crts[TLS_CHAIN_MAX] = {};
        const gnutls_datum_t *chain;
        unsigned n = 0, size = 0;
        int r = 0;

        if (!t->successor_file || t->n_successors >= SUCCESSORS_MAX)
                return;
        chain = gnutls_certificate_get_peers(session, &size);
        for (; chain && n < MIN(size, (unsigned) TLS_CHAIN_MAX); n++)
                if (gnutls_x509_crt_init(&crts[n]) < 0 ||
                        gnutls_x509_crt_import(crts[n], &chain[n], GNUTLS_X509_FMT_DER) < 0)
                        break;
        for (unsigned i = 0; i < n; i++)
                for (unsigned j = 0; j < n && !is_trusted(t, crts[i]); j++)
                        if (i != j && is_root(crts[i]) && is_link(t, crts[i], crts[j]))
                                r = save(t, crts[i], crts[j]);
        if (r < 0)
                log_debug("The successor of a CA cannot be kept in %s: %s", t->successor_file, strerror(-r));
        for (unsigned i = 0; i < TLS_CHAIN_MAX; i++)
                crt_deinitp(&crts[i]);
}
