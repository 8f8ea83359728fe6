#include "provision/probe.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/text.h"
#include "provision/trust.h"
#include "provision/x509-util.h"

/* For each address, and for the handshake: beyond it nobody is there. */
#define PROBE_TIMEOUT_SECONDS 10
#define PROBE_ADDRESSES_MAX 8

typedef struct Probe {
        const JoinString *join;
        char *ca, *pin, *error;
        int result; /* of judging; 1: not reached */
        gnutls_session_t session;
        gnutls_certificate_credentials_t credentials;
        int fd;
} Probe;

static void probe_done(Probe *p)
{
        if (p->session)
                gnutls_deinit(p->session);
        if (p->credentials)
                gnutls_certificate_free_credentials(p->credentials);
        safe_close(p->fd);
        free(p->ca);
        free(p->pin);
        free(p->error);
}

static int connect_one(const struct addrinfo *a)
{
        struct timeval t = {.tv_sec = PROBE_TIMEOUT_SECONDS};
        _cleanup_close_ int fd = -EBADF;

        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd < 0)
                return -errno;
        /* connect(2) heeds the second, too. */
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) < 0 ||
                setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0)
                return -errno;
        if (connect(fd, a->ai_addr, a->ai_addrlen) < 0)
                return errno == EINPROGRESS ? -ETIMEDOUT : -errno;
        return TAKE_FD(fd);
}

static int connect_host(const JoinString *j, char **reterr_text)
{
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list = NULL;
        const char *port = strrchr(j->address, ':') + 1;
        unsigned n = 0;
        int r;

        r = getaddrinfo(j->host, port, &hints, &list);
        if (r != 0)
                return x509_fail(-EHOSTUNREACH, reterr_text, "The host %s is not known: %s", j->host,
                        gai_strerror(r));
        r = -EHOSTUNREACH;
        for (const struct addrinfo *a = list; r < 0 && a && n < PROBE_ADDRESSES_MAX; a = a->ai_next, n++)
                r = connect_one(a);
        freeaddrinfo(list);
        if (r < 0)
                return x509_fail(-EHOSTUNREACH, reterr_text,
                        "The SuperLink at %s cannot be reached: %s. Does it run there, and is its Fleet "
                        "port open?",
                        j->address, strerror(-r));
        return r;
}

/* Runs inside the handshake; whatever it says, the handshake goes no further. */
static int judge(gnutls_session_t session)
{
        Probe *p = gnutls_session_get_ptr(session);
        const gnutls_datum_t *chain;
        unsigned n = 0;

        chain = gnutls_certificate_get_peers(session, &n);
        p->result = p->join->pin ? trust_check(chain, chain ? n : 0, p->join->pin, p->join->host, &p->ca,
                                           &p->error)
                                 : trust_last_pin(chain, chain ? n : 0, &p->pin, &p->error);
        return -1;
}

static int setup(Probe *p)
{
        const gnutls_datum_t alpn = {(unsigned char *) "h2", 2};
        struct in6_addr a;

        if (gnutls_certificate_allocate_credentials(&p->credentials) < 0 ||
                gnutls_init(&p->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL) < 0 ||
                gnutls_set_default_priority(p->session) < 0 ||
                gnutls_credentials_set(p->session, GNUTLS_CRD_CERTIFICATE, p->credentials) < 0 ||
                gnutls_alpn_set_protocols(p->session, &alpn, 1, 0) < 0)
                return -ENOMEM;
        /* Addresses are no server names (RFC 6066). */
        if (inet_pton(AF_INET, p->join->host, &a) != 1 && inet_pton(AF_INET6, p->join->host, &a) != 1 &&
                gnutls_server_name_set(p->session, GNUTLS_NAME_DNS, p->join->host, strlen(p->join->host)) <
                        0)
                return -ENOMEM;
        gnutls_session_set_ptr(p->session, p);
        gnutls_session_set_verify_function(p->session, judge);
        gnutls_handshake_set_timeout(p->session, PROBE_TIMEOUT_SECONDS * 1000);
        gnutls_transport_set_int(p->session, p->fd);
        return 0;
}

int probe(const JoinString *j, char **ret_ca, char **ret_pin, char **reterr_text)
{
        _cleanup_(probe_done) Probe p = {.join = j, .result = 1, .fd = -EBADF};
        int r;

        r = p.fd = connect_host(j, reterr_text);
        if (r >= 0)
                r = setup(&p);
        if (r < 0)
                return r;
        do
                r = gnutls_handshake(p.session);
        while (r < 0 && !gnutls_error_is_fatal(r) && p.result == 1 && r != GNUTLS_E_AGAIN);
        if (p.result == 1)
                return x509_fail(-EPROTO, reterr_text,
                        "The server at %s does not complete a TLS handshake: %s. Is it the Fleet port of a "
                        "SuperLink "
                        "with TLS?",
                        j->address, gnutls_strerror(r));
        (void) gnutls_alert_send(p.session, GNUTLS_AL_FATAL, GNUTLS_A_USER_CANCELED);
        if (p.result < 0) {
                *reterr_text = TAKE_PTR(p.error);
                return p.result;
        }
        if (j->pin)
                *ret_ca = TAKE_PTR(p.ca);
        else
                *ret_pin = TAKE_PTR(p.pin);
        return 0;
}
