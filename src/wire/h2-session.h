/* HTTP/2 without sockets: nghttp2 as an adapter, for both sides. Bytes in by h2_session_receive(), bytes out
 * by h2_session_produce(), events in between.
 *
 * Nothing of this header except receive and produce calls back. Flow control is by hand: whoever gets bytes
 * by on_data() gives them back with h2_stream_consume() once it has room for more; what a stream leaves
 * behind is given back when it closes. */
#pragma once

#include "base/blob.h"
#include "wire/grpc-frame.h"
#include "wire/metadata.h"

/* Calls under way on one connection: held calls take one each. */
#define H2_STREAMS_MAX 1000
/* Bytes that a peer may send ahead of what we have taken; we take them as they come, so these are not memory
 * but the product of bandwidth and delay that one stream, and all of a connection, can use: 1.3 Gbit/s at
 * 100 ms. */
#define H2_STREAM_WINDOW (16 * 1024 * 1024)
#define H2_SESSION_WINDOW (64 * 1024 * 1024)
/* Peers may cancel so many calls at once, and per second, before the connection ends (rapid reset). */
#define H2_RESETS_BURST 2000
#define H2_RESETS_RATE 200
/* Of a header block or trailers that we send. */
#define H2_FIELDS_MAX 80

typedef struct H2Session H2Session;
typedef struct H2Stream H2Stream;

typedef struct H2Field {
        const char *name;
        const char *value;
} H2Field;

typedef enum H2CloseReason {
        H2_CLOSED_NORMALLY, /* both ends have been sent */
        H2_CLOSED_RESET,    /* by either side; error_code says why */
        H2_CLOSED_REFUSED,  /* the peer has certainly not acted on it */
} H2CloseReason;

typedef struct H2Events {
        /* Server: a request begins; client: the response's first block. h2_stream_headers() has it. */
        void (*on_headers)(H2Stream *st, void *userdata);
        void (*on_data)(H2Stream *st, const uint8_t *data, size_t size, void *userdata);
        /* The peer has sent everything; h2_stream_trailers() has the last block, if there was one. */
        void (*on_end)(H2Stream *st, void *userdata);
        /* Bytes of queued messages have been taken from the stream. May be NULL. */
        void (*on_sent)(H2Stream *st, size_t size, void *userdata);
        /* Once for each stream, last; the stream is freed when it returns. Not called by h2_session_free().
         */
        void (*on_close)(H2Stream *st, H2CloseReason reason, uint32_t error_code, void *userdata);
        /* The peer's first SETTINGS: it speaks HTTP/2. May be NULL. */
        void (*on_settings)(void *userdata);
        /* The peer wants no new streams. debug: its words, "" if none. May be NULL. */
        void (*on_goaway)(uint32_t error_code, const char *debug, void *userdata);
} H2Events;

int h2_session_new(bool server, const H2Events *events, void *userdata, H2Session **ret);
H2Session *h2_session_free(H2Session *s);
DEFINE_CLEANUP(H2Session *, h2_session_free);

/* -EPROTONOSUPPORT: not HTTP/2 at all (server). -EPROTO: violated; what h2_session_produce() gives still
 * explains it to the peer. -ENOMEM. */
int h2_session_receive(H2Session *s, const uint8_t *data, size_t size);
/* Up to size bytes, 0: nothing to send. size must have room for a DATA frame, 16 KiB and its head. -EPROTO,
 * -ENOMEM. */
ssize_t h2_session_produce(H2Session *s, uint8_t *buf, size_t size);
/* Both directions are done: close the connection when everything is sent. */
bool h2_session_is_finished(H2Session *s);
size_t h2_session_n_streams(const H2Session *s);
/* No new streams from the peer. */
int h2_session_goaway(H2Session *s);

/* Client: a new stream. fields begin with the pseudo headers. -ENOMEM, -EPIPE (the session takes no new
 * ones). */
int h2_session_request(H2Session *s, const H2Field *fields, size_t n, void *userdata, H2Stream **ret);
/* Server: the response's block; end: nothing follows (trailers only). */
int h2_stream_respond(H2Stream *st, const H2Field *fields, size_t n, bool end);
/* Queues a gRPC message; takes its references, also on failure. */
int h2_stream_send(H2Stream *st, BlobVec *message);
/* Behind all messages: our end, with trailers if n > 0. */
int h2_stream_end(H2Stream *st, const H2Field *trailers, size_t n);
int h2_stream_reset(H2Stream *st, uint32_t error_code);
void h2_stream_consume(H2Stream *st, size_t size);

void *h2_stream_userdata(const H2Stream *st);
void h2_stream_set_userdata(H2Stream *st, void *userdata);
/* -E2BIG: the block was larger than the limits of metadata.h, and is incomplete. May be moved from. */
int h2_stream_headers(H2Stream *st, HeaderFields **ret);
HeaderFields *h2_stream_trailers(H2Stream *st);
/* Both ends have been sent: nothing is left to reset. */
bool h2_stream_is_done(const H2Stream *st);
