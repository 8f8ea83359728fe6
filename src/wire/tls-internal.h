/* What tls*.c share. Only these see GnuTLS. */
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>

#include "wire/tls.h"

/* Certificates of a server: clients look at no more, and they go out with each connection. */
#define TLS_CHAIN_MAX 16

static inline void crt_deinitp(gnutls_x509_crt_t *c)
{
        if (*c)
                gnutls_x509_crt_deinit(*c);
}

struct TlsContext {
        atomic_uint n_ref;
        bool server;
        char *ca_file; /* for texts; NULL: the system's trust store */
        gnutls_certificate_credentials_t credentials;
        gnutls_priority_t priority;
        gnutls_datum_t ticket_key;
        time_t from, until; /* of a server's certificate */
        /* Of a client that follows its CA; not changed after tls_client_follow(). */
        char *successor_file, *successors; /* its text, as far as it was good */
        gnutls_x509_crt_t *trusted;
        unsigned n_trusted, n_successors;
};

/* After a handshake. */
void tls_learn_successor(const TlsContext *t, gnutls_session_t session);

/* "2026-03-30 05:13 UTC" */
#define TLS_DATE_MAX 32
char *tls_format_date(time_t t, char buf[static TLS_DATE_MAX]);
