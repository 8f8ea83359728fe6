/* TLS contexts: certificates and trust, shared by all connections and threads. Users of this header do not
 * see GnuTLS.
 *
 * TLS 1.2 and 1.3, AES-GCM first (ChaCha20 is 3 to 5 times slower on machines with AES instructions). ALPN:
 * servers offer h2 and http/1.1, clients only what they will speak (h2). Session tickets on, client
 * certificates never asked for. */
#pragma once

#include <time.h>

#include "base/macro.h"

typedef struct TlsContext TlsContext;

/* All three files are PEM. *reterr_text (owned by the caller) says which file is wrong, why, and what was
 * expected: missing, not PEM, key and certificate do not belong together, certificate expired or not yet
 * valid, not signed by ca_file. -errno for files, -EKEYREJECTED for contents. */
int tls_server_new(const char *ca_file, const char *cert_file, const char *key_file, TlsContext **ret,
        char **reterr_text);
/* The life of a server's certificate, in seconds since 1970. */
void tls_server_life(const TlsContext *t, time_t *ret_from, time_t *ret_until);
/* ca_file NULL: the system's trust store. */
int tls_client_new(const char *ca_file, TlsContext **ret, char **reterr_text);
/* From now on the context's CA may be followed by another one. A server whose chain holds a root, and the
 * same key as a CA that is trusted here has signed it, makes that root trusted for good: both certificates
 * are kept in "file" and count from the next context on that is made so. What the file holds is only worth
 * what the CAs of ca_file have signed. Before the first connection; the context must have a ca_file. *ret_n:
 * successors in force. -errno: ca_file or file cannot be read. */
int tls_client_follow(TlsContext *t, const char *file, unsigned *ret_n);
TlsContext *tls_context_ref(TlsContext *t); /* atomic */
TlsContext *tls_context_unref(TlsContext *t);
DEFINE_CLEANUP(TlsContext *, tls_context_unref);
