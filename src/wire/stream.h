/* One connected socket, with or without TLS, served by an event loop: bytes in, bytes out, backpressure, one
 * end.
 *
 * The owner never writes: it says stream_want_write(), and the stream asks its produce() for bytes whenever
 * the socket has taken the earlier ones. So at most one batch of unsent ciphertext is kept for a peer that
 * does not read.
 *
 * All callbacks come from the event loop, never from inside a function of this header. on_closed() comes
 * exactly once, last, and is the only one from which stream_free() may be called; outside of callbacks it
 * may be called at any time. */
#pragma once

#include "wire/io-loop.h"
#include "wire/tls.h"

/* A peer that takes nothing at all for so long is gone, or has stopped for good. */
#define STREAM_STALL_USEC (5 * 60 * USEC_PER_SEC)
/* After our end we wait for the peer's: closing earlier with unread bytes makes the kernel throw away what
 * we sent last. */
#define STREAM_LINGER_USEC (2 * USEC_PER_SEC)

typedef struct StreamEvents {
        /* Connected, and the handshake is over. */
        void (*on_ready)(Stream *s, void *userdata);
        /* Bytes, borrowed. A negative return ends the stream with this error after what is queued has been
         * sent. */
        int (*on_data)(Stream *s, const uint8_t *data, size_t size, void *userdata);
        /* Fills buf with up to size bytes; 0: nothing now. Negative: the stream ends at once. */
        ssize_t (*produce)(Stream *s, uint8_t *buf, size_t size, void *userdata);
        /* error 0: the peer has closed, or stream_shutdown() is done; -ETIMEDOUT: stalled; others as they
         * came. detail: words about TLS trouble, or NULL; borrowed. */
        void (*on_closed)(Stream *s, int error, const char *detail, void *userdata);
} StreamEvents;

/* fd: a connected, non-blocking socket; taken on success. tls NULL: plain. host: for clients, whom the
 * certificate must name. */
int stream_new(IoLoop *io, int fd, TlsContext *tls, const char *host, const StreamEvents *events,
        void *userdata, Stream **ret);
Stream *stream_free(Stream *s);
DEFINE_CLEANUP(Stream *, stream_free);

void stream_want_write(Stream *s);
/* Ends the stream once produce() has nothing more and all of it is sent. */
void stream_shutdown(Stream *s);
/* Ends it from the next turn of the loop on, unsent bytes are lost. */
void stream_fail(Stream *s, int error);
bool stream_is_ready(const Stream *s);
/* Plain streams always: HTTP/2 with prior knowledge. */
bool stream_speaks_h2(const Stream *s);

/* For io-loop.c: serves the streams that were dirty when it was called. */
void stream_flush_dirty(IoLoop *io);
