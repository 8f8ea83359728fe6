/* What tls.c and tls-session.c share. Only these two see GnuTLS. */
#pragma once

#include <gnutls/gnutls.h>
#include <stdatomic.h>

#include "wire/tls.h"

struct TlsContext {
        atomic_uint n_ref;
        bool server;
        char *ca_file; /* for texts; NULL: the system's trust store */
        gnutls_certificate_credentials_t credentials;
        gnutls_priority_t priority;
        gnutls_datum_t ticket_key;
};

/* "2026-03-30 05:13 UTC" */
#define TLS_DATE_MAX 32
char *tls_format_date(time_t t, char buf[static TLS_DATE_MAX]);
