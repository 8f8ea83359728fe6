#include "wire/tls-session.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "wire/io-loop.h"
#include "wire/tls-internal.h"

struct TlsSession {
        TlsContext *context;
        gnutls_session_t gnutls;
        TlsTransport transport;
        char *host;
        bool seen_bytes;
        bool not_tls; /* the peer's first byte cannot begin a TLS record */
};

/* Names of a certificate that we list in an error text. */
#define NAMES_SHOWN_MAX 8

static ssize_t session_pull(gnutls_transport_ptr_t p, void *data, size_t size)
{
        TlsSession *s = p;
        ssize_t n;

        n = s->transport.pull(data, size, s->transport.userdata);
        if (n < 0) {
                gnutls_transport_set_errno(s->gnutls, n == -EAGAIN ? EAGAIN : EIO);
                return -1;
        }
        if (n > 0 && !s->seen_bytes) {
                uint8_t first = *(const uint8_t *) data;

                s->seen_bytes = true;
                s->not_tls = first < 0x14 || first > 0x18;
        }
        return n;
}

static ssize_t session_push(gnutls_transport_ptr_t p, const void *data, size_t size)
{
        TlsSession *s = p;
        ssize_t n;

        n = s->transport.push(data, size, s->transport.userdata);
        if (n < 0) {
                gnutls_transport_set_errno(s->gnutls, EIO);
                return -1;
        }
        return n;
}

static int session_setup_client(TlsSession *s)
{
        const gnutls_datum_t alpn[] = {{(unsigned char *) "h2", 2}};
        struct in6_addr a;
        int r;

        r = gnutls_alpn_set_protocols(s->gnutls, alpn, 1, 0);
        if (r < 0)
                return -ENOMEM;
        /* Server names must not be addresses (RFC 6066). */
        if (inet_pton(AF_INET, s->host, &a) != 1 && inet_pton(AF_INET6, s->host, &a) != 1) {
                r = gnutls_server_name_set(s->gnutls, GNUTLS_NAME_DNS, s->host, strlen(s->host));
                if (r < 0)
                        return -EINVAL;
        }
        gnutls_session_set_verify_cert(s->gnutls, s->host, 0);
        return 0;
}

static int session_setup_server(TlsSession *s)
{
        const gnutls_datum_t alpn[] = {{(unsigned char *) "h2", 2}, {(unsigned char *) "http/1.1", 8}};

        if (gnutls_alpn_set_protocols(s->gnutls, alpn, ELEMENTSOF(alpn), GNUTLS_ALPN_SERVER_PRECEDENCE) <
                        0 ||
                gnutls_session_ticket_enable_server(s->gnutls, &s->context->ticket_key) < 0)
                return -ENOMEM;
        gnutls_certificate_server_set_request(s->gnutls, GNUTLS_CERT_IGNORE);
        return 0;
}

int tls_session_new(TlsContext *t, const char *host, const TlsTransport *transport, TlsSession **ret)
{
        _cleanup_(tls_session_freep) TlsSession *s = NULL;
        int r;

        s = new0(TlsSession, 1);
        if (!s)
                return -ENOMEM;
        s->context = tls_context_ref(t);
        s->transport = *transport;
        r = free_and_strdup(&s->host, t->server ? NULL : host);
        if (r < 0)
                return r;
        if (gnutls_init(&s->gnutls, (t->server ? GNUTLS_SERVER : GNUTLS_CLIENT | GNUTLS_NO_TICKETS) |
                                            GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0)
                return -ENOMEM;
        if (gnutls_priority_set(s->gnutls, t->priority) < 0 ||
                gnutls_credentials_set(s->gnutls, GNUTLS_CRD_CERTIFICATE, t->credentials) < 0)
                return -ENOMEM;
        gnutls_transport_set_ptr(s->gnutls, s);
        gnutls_transport_set_pull_function(s->gnutls, session_pull);
        gnutls_transport_set_push_function(s->gnutls, session_push);
        r = t->server ? session_setup_server(s) : session_setup_client(s);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

TlsSession *tls_session_free(TlsSession *s)
{
        if (!s)
                return NULL;
        if (s->gnutls)
                gnutls_deinit(s->gnutls);
        tls_context_unref(s->context);
        free(s->host);
        free(s);
        return NULL;
}

static int session_peer_certificate(TlsSession *s, gnutls_x509_crt_t *ret)
{
        _cleanup_(crt_deinitp) gnutls_x509_crt_t crt = NULL;
        const gnutls_datum_t *chain;
        unsigned n = 0;

        chain = gnutls_certificate_get_peers(s->gnutls, &n);
        if (!chain || n == 0)
                return -ENOENT;
        if (gnutls_x509_crt_init(&crt) < 0)
                return -ENOMEM;
        if (gnutls_x509_crt_import(crt, chain, GNUTLS_X509_FMT_DER) < 0)
                return -EBADMSG;
        *ret = TAKE_PTR(crt);
        return 0;
}

static void append_certificate_names(Buf *b, gnutls_x509_crt_t crt)
{
        unsigned n = 0;

        for (unsigned i = 0; i < NAMES_SHOWN_MAX; i++) {
                char name[256], text[INET6_ADDRSTRLEN];
                size_t size = sizeof(name) - 1;
                int type;

                type = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &size, NULL);
                if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
                        continue;
                if (type < 0)
                        break;
                if (type == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16) &&
                        inet_ntop(size == 4 ? AF_INET : AF_INET6, name, text, sizeof(text)))
                        buf_printf(b, "%s%s", n++ > 0 ? ", " : "", text);
                else if (type == GNUTLS_SAN_DNSNAME && memchr(name, '\0', size) == NULL)
                        buf_printf(b, "%s%.*s", n++ > 0 ? ", " : "", (int) size, name);
        }
        if (n == 0)
                buf_append_str(b, "nothing");
}

static void append_date_trouble(Buf *b, gnutls_x509_crt_t crt)
{
        time_t now = time(NULL);
        char date[TLS_DATE_MAX];

        if (now > gnutls_x509_crt_get_expiration_time(crt))
                buf_printf(b, "the server's certificate has expired on %s",
                        tls_format_date(gnutls_x509_crt_get_expiration_time(crt), date));
        else if (now < gnutls_x509_crt_get_activation_time(crt))
                buf_printf(b,
                        "the server's certificate is not valid before %s; is this machine's clock right?",
                        tls_format_date(gnutls_x509_crt_get_activation_time(crt), date));
        else
                buf_append_str(b, "the CA certificate has expired or is not valid yet");
}

/* The words for one of GnuTLS's verification flags: the one that helps most comes first. */
static char *session_explain_certificate(TlsSession *s)
{
        _cleanup_(crt_deinitp) gnutls_x509_crt_t crt = NULL;
        _cleanup_buf_ Buf b = {};
        unsigned status;

        status = gnutls_session_get_verify_cert_status(s->gnutls);
        if (session_peer_certificate(s, &crt) < 0)
                return strdup("the server showed no usable certificate");
        if (status & GNUTLS_CERT_SIGNER_NOT_FOUND) {
                buf_append_str(&b, "the server's certificate is not signed by ");
                if (s->context->ca_file)
                        buf_printf(&b, "the given CA (%s)", s->context->ca_file);
                else
                        buf_append_str(&b, "a CA that this system trusts");
                buf_append_str(&b, "; use the CA certificate that belongs to this server");
        } else if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED))
                append_date_trouble(&b, crt);
        else if (status & GNUTLS_CERT_UNEXPECTED_OWNER) {
                buf_printf(&b, "the server's certificate does not name %s; it names ", s->host);
                append_certificate_names(&b, crt);
                buf_append_str(&b, "; connect to one of these, or make a certificate with this name");
        } else
                buf_printf(&b, "the server's certificate cannot be verified (status 0x%x)", status);
        return buf_steal_str(&b);
}

static char *session_explain(TlsSession *s, int error)
{
        if (s->not_tls && !s->context->server)
                return strdup("the server does not speak TLS; start it with certificates, or connect with "
                              "--insecure");
        switch (error) {
        case GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR:
        case GNUTLS_E_CERTIFICATE_ERROR:
                return session_explain_certificate(s);
        case GNUTLS_E_FATAL_ALERT_RECEIVED:
                return xasprintf("the peer refused: %s",
                        strempty(gnutls_alert_get_name(gnutls_alert_get(s->gnutls))));
        case GNUTLS_E_PREMATURE_TERMINATION:
                return strdup("the peer closed the connection; perhaps it does not speak TLS");
        default:
                return strdup(gnutls_strerror(error));
        }
}

int tls_session_handshake(TlsSession *s, char **reterr_text)
{
        int r;

        do
                r = gnutls_handshake(s->gnutls);
        while (r == GNUTLS_E_INTERRUPTED || (r < 0 && r != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(r)));
        if (r == GNUTLS_E_AGAIN)
                return -EAGAIN;
        if (r >= 0) {
                tls_learn_successor(s->context, s->gnutls);
                return 0;
        }
        *reterr_text = session_explain(s, r);
        gnutls_alert_send_appropriate(s->gnutls, r);
        if (r == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR || r == GNUTLS_E_CERTIFICATE_ERROR)
                return -EKEYREJECTED;
        return r == GNUTLS_E_PREMATURE_TERMINATION ? -ECONNRESET : -EPROTO;
}

bool tls_session_alpn_is(TlsSession *s, const char *protocol)
{
        gnutls_datum_t d;

        return gnutls_alpn_get_selected_protocol(s->gnutls, &d) >= 0 && d.size == strlen(protocol) &&
               memcmp(d.data, protocol, d.size) == 0;
}

ssize_t tls_session_recv(TlsSession *s, void *data, size_t size)
{
        ssize_t n;

        /* Warning alerts and requests for renegotiation are not fatal and are passed over. */
        do
                n = gnutls_record_recv(s->gnutls, data, size);
        while (n < 0 && n != GNUTLS_E_AGAIN && !gnutls_error_is_fatal((int) n));
        if (n == GNUTLS_E_AGAIN)
                return -EAGAIN;
        if (n == GNUTLS_E_PREMATURE_TERMINATION)
                return 0;
        return n < 0 ? -EPROTO : n;
}

int tls_session_send(TlsSession *s, const void *data, size_t size)
{
        const uint8_t *p = data;

        while (size > 0) {
                ssize_t n = gnutls_record_send(s->gnutls, p, MIN(size, IO_RECORD_SIZE));

                if (n == GNUTLS_E_INTERRUPTED)
                        continue;
                if (n < 0)
                        return -EPROTO;
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

void tls_session_bye(TlsSession *s)
{
        gnutls_bye(s->gnutls, GNUTLS_SHUT_WR);
}
