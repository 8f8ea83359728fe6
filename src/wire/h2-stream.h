/* The inside of one HTTP/2 stream, shared by h2-session.c and h2-stream.c only. */
#pragma once

#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

#include "wire/h2-session.h"

/* grpc-status and grpc-message. */
#define H2_TRAILERS_MAX 2

typedef struct H2Message {
        uint8_t prefix[GRPC_PREFIX_SIZE];
        size_t prefix_sent;
        BlobVec body;
        unsigned blob; /* the one being sent, and how much of it is */
        size_t blob_sent;
        STAILQ_ENTRY(H2Message) list;
} H2Message;

struct H2Stream {
        H2Session *session;
        nghttp2_session *nghttp2;
        int32_t id;
        void *userdata;
        HeaderFields headers, trailers; /* received */
        bool too_many_headers;
        bool got_headers;
        bool remote_ended, local_ended;
        bool headers_sent;
        bool has_provider;
        bool ending;
        size_t unconsumed;
        STAILQ_HEAD(, H2Message) out;
        struct {
                char *name, *value;
        } end_trailers[H2_TRAILERS_MAX]; /* to be sent */
        size_t n_end_trailers;
        LIST_ENTRY(H2Stream) list;
};

typedef LIST_HEAD(H2StreamList, H2Stream) H2StreamList;

H2Stream *h2_stream_new(H2Session *s, nghttp2_session *ng, int32_t id, void *userdata);
H2Stream *h2_stream_free(H2Stream *st);
/* Says how much a DATA frame takes and leaves it to the session to fetch that with h2_stream_take(). */
nghttp2_data_provider h2_stream_provider(H2Stream *st);
/* Copies the next size bytes of the queued messages; there are so many. */
void h2_stream_take(H2Stream *st, uint8_t *buf, size_t size);
/* Borrows names and values; returns the number of fields, at most H2_FIELDS_MAX (asserted). */
size_t h2_fields_to_nv(const H2Field *fields, size_t n, nghttp2_nv ret[static H2_FIELDS_MAX]);
void h2_session_sent(H2Session *s, H2Stream *st, size_t size);
