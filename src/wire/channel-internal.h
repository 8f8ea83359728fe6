/* How channel.c, client-conn.c and client-call.c hold together. All of it runs in the channel's one loop.
 *
 *      Channel --owns--> ClientConn*   (one current, others draining after GOAWAY)
 *              --owns--> ClientCall*   in exactly one of: pending (no connection yet), a connection's calls,
 * ready (callbacks due)
 *
 * Callbacks are called from the channel's own event source alone, so they may free the channel or cancel any
 * call. */
#pragma once

#include <sys/queue.h>

#include "wire/channel.h"
#include "wire/connector.h"
#include "wire/h2-session.h"
#include "wire/stream.h"

/* How often one call moves to another connection because the server refused it unseen. */
#define CALL_MOVES_MAX 3
/* HeaderFields of one call; the rest of H2_FIELDS_MAX is ours. */
#define CALL_HEADERS_MAX 64

typedef struct ClientConn ClientConn;

typedef enum ClientCallState {
        CLIENT_CALL_PENDING,
        CLIENT_CALL_ACTIVE,
        CLIENT_CALL_DONE,
} ClientCallState;

typedef struct ReplyMessage {
        Blob *message;
        STAILQ_ENTRY(ReplyMessage) list;
} ReplyMessage;

struct ClientCall {
        Channel *channel;
        ClientConn *conn; /* ACTIVE only */
        H2Stream *stream; /* ACTIVE only */
        ClientCallState state;
        char *path;
        char **header_names, **header_values; /* as sent */
        size_t n_headers;
        usec_t deadline;
        BlobVec message; /* kept for a move to another connection */
        unsigned n_moves;
        size_t max_reply;
        void (*on_message)(ClientCall *c, Blob *message, void *userdata);
        void (*on_done)(ClientCall *c, RpcClass status, const char *detail, Blob *reply, void *userdata);
        void *userdata;
        sd_event_source *timer;
        GrpcReader reader;
        Blob *reply;                          /* the last message */
        STAILQ_HEAD(, ReplyMessage) messages; /* not yet given to on_message */
        RpcClass status;                      /* DONE only, with detail */
        char *detail;
        bool is_ready;                /* in the channel's ready list */
        bool in_done;                 /* on_done runs */
        TAILQ_ENTRY(ClientCall) list; /* pending, or the connection's calls */
        TAILQ_ENTRY(ClientCall) ready;
};

typedef TAILQ_HEAD(ClientCallList, ClientCall) ClientCallList;

struct ClientConn {
        Channel *channel;
        Stream *stream;
        H2Session *h2; /* NULL until the stream is ready */
        bool seen_settings;
        bool draining;       /* takes no new calls */
        char first_bytes[5]; /* what a server that speaks no HTTP/2 said first */
        size_t n_first_bytes;
        sd_event_source *timer; /* until the server's SETTINGS */
        uint32_t goaway_code;
        char *goaway_text; /* the server's words, NULL if none */
        ClientCallList calls;
        LIST_ENTRY(ClientConn) list;
};

struct Channel {
        bool in_work; /* its memory stays until the callbacks have returned */
        sd_event *event;
        sd_event_source *work;
        IoLoop *io;
        char *address;
        char *host; /* whom the certificate must name */
        uint16_t port;
        const char *unix_path; /* inside address */
        TlsContext *tls;
        Connector *connector;
        ClientConn *current;
        LIST_HEAD(, ClientConn) conns; /* the newest first, current among them */
        ClientCallList pending;
        ClientCallList ready;
        ClientCall *in_callback;
        bool freed;
};

/* channel.c */
void channel_wake(Channel *ch);
void channel_fail_pending(Channel *ch, const char *detail);

/* client-conn.c */
/* Takes fd, also on failure. */
int client_conn_new(Channel *ch, int fd, ClientConn **ret);
ClientConn *client_conn_free(ClientConn *c);
bool client_conn_is_usable(const ClientConn *c);
/* Ends it once its calls are over. */
void client_conn_check_drained(ClientConn *c);

/* client-call.c */
int client_call_new(Channel *ch, const ClientCallConfig *config, BlobVec *message, ClientCall **ret);
ClientCall *client_call_free(ClientCall *c);
/* On a connection; -EPIPE: that takes no more. */
int client_call_submit(ClientCall *c, ClientConn *conn);
/* From the stream's events. */
void client_call_headers(ClientCall *c);
void client_call_data(ClientCall *c, const uint8_t *data, size_t size);
void client_call_end(ClientCall *c);
void client_call_closed(ClientCall *c, H2CloseReason reason, uint32_t error_code);
/* Back to the pending ones (never seen by a server). */
void client_call_move(ClientCall *c);
/* Takes it off its stream; on_done is due. Only the first outcome counts. */
void client_call_finish(ClientCall *c, RpcClass status, const char *detail);
/* Gives what is due to the callbacks; the call may be gone afterwards, and the channel freed. */
void client_call_deliver(ClientCall *c);
/* on_done at once, with what finish() has left. */
void client_call_complete(ClientCall *c);
