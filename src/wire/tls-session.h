/* One TLS session above two functions that move ciphertext: GnuTLS as an adapter, no sockets. "Again" is
 * -EAGAIN. */
#pragma once

#include "base/macro.h"
#include "wire/tls.h"

typedef struct TlsSession TlsSession;

typedef struct TlsTransport {
        /* Both: bytes moved, 0 at the end (pull), -EAGAIN. */
        ssize_t (*pull)(void *data, size_t size, void *userdata);
        ssize_t (*push)(const void *data, size_t size, void *userdata);
        void *userdata;
} TlsTransport;

/* host: whom a client wants to talk to; the certificate must name it. Ignored for servers. Keeps a reference
 * of t. */
int tls_session_new(TlsContext *t, const char *host, const TlsTransport *transport, TlsSession **ret);
TlsSession *tls_session_free(TlsSession *s);
DEFINE_CLEANUP(TlsSession *, tls_session_free);

/* 0 when established, -EAGAIN, -EKEYREJECTED (we do not trust the certificate), -EPROTO, -ECONNRESET (the
 * peer went away). Except for -EAGAIN, *reterr_text says why, for people (NULL when out of memory). */
int tls_session_handshake(TlsSession *s, char **reterr_text);
bool tls_session_alpn_is(TlsSession *s, const char *protocol);
/* Bytes of one record, 0 at the peer's close_notify, -EAGAIN, -EPROTO. */
ssize_t tls_session_recv(TlsSession *s, void *data, size_t size);
/* Takes all of it (the push function decides how much there may be); 0 or -EPROTO. */
int tls_session_send(TlsSession *s, const void *data, size_t size);
void tls_session_bye(TlsSession *s);
