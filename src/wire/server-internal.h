/* How the parts of the server hold together; only server.c, listener.c, worker.c, server-conn.c,
 * server-call.c and call.c include it.
 *
 *      Server (core) --owns--> Listener* (core; workers read the constant part)
 *                    --owns--> Worker* --owns--> ServerConn* --lists--> Call* (while its stream lives)
 *
 * Who may touch what is said at each field: [w] the worker, [c] the core thread, [k] constant once made. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/mailbox.h"
#include "wire/address.h"
#include "wire/h2-session.h"
#include "wire/io-loop.h"
#include "wire/server.h"
#include "wire/stream.h"

typedef struct Worker Worker;
typedef struct ServerConn ServerConn;

/* Connections in all. A held gRPC/TLS connection costs about 35 KB. */
#define SERVER_CONNECTIONS_MAX 20000
/* Addresses that one listener's name may resolve to. */
#define LISTENER_SOCKETS_MAX 8
/* TCP connect to HTTP/2 preface, TLS handshake included. */
#define CONN_HANDSHAKE_USEC (10 * USEC_PER_SEC)
/* When the server goes: how long a connection that has not made a call yet may take for one. The next
 * process's clients wait meanwhile. */
#define CONN_DRAIN_USEC (100 * USEC_PER_MSEC)
/* Without any call. Nodes poll every three seconds or hold a call, so whoever is silent for so long has
 * gone. */
#define CONN_IDLE_USEC (15 * 60 * USEC_PER_SEC)
/* Request messages of one connection that are not answered yet, in bytes. Genuine clients push up to eight
 * objects at a time, each at most 20 MiB. One message alone may be larger, if its method allows it. */
#define CONN_REQUEST_BYTES_MAX ((size_t) 256 * 1024 * 1024)
/* When accepting has to pause (no descriptors left, connection limit): how long. */
#define ACCEPT_PAUSE_USEC (100 * USEC_PER_MSEC)
/* What a message counts in call_unsent() before its size is known. */
#define CALL_UNENCODED_SIZE ((size_t) 1024)
/* Connections accepted in a row before the core does something else. */
#define ACCEPT_BATCH 32

/* Removed listeners live on until their last connection and call are gone; then only memory is left to free.
 */
struct Listener {
        atomic_uint n_ref; /* the server's list, connections, calls */
        Server *server;
        ListenerConfig config; /* [k] except tls; fd and address are not kept */
        TlsContext *tls;       /* [c] */
        int fds[LISTENER_SOCKETS_MAX];
        sd_event_source *sources[LISTENER_SOCKETS_MAX];
        size_t n_fds;
        uint16_t port;
        char *unix_path; /* removed at the end; NULL if none of ours */
        LIST_ENTRY(Listener) list;
};

struct Worker {
        Server *server;   /* [k] */
        sd_event *event;  /* [k] */
        Mailbox *mailbox; /* [k] letters to the worker */
        IoLoop *io;       /* [w] */
        void *data;       /* [w] of worker_new() */
        pthread_t thread;
        bool has_thread;                                /* [k] */
        bool started;                                   /* [c] */
        bool draining;                                  /* [w] */
        bool stopping;                                  /* [w] */
        LIST_HEAD(, ServerConn) conns;                  /* [w] */
        atomic_uint n_conns;                            /* counted up by the core, down by the worker */
        Letter drain_letter, close_letter, stop_letter; /* core to worker */
        Letter drained_letter;                          /* worker to core, once */
        bool drained_posted;                            /* [w] */
};

struct Server {
        ServerConfig config;
        Mailbox *mailbox; /* letters to the core */
        Worker *workers;
        size_t n_workers; /* at least 1: with no threads, one worker lives in the core's loop */
        size_t next_worker;
        LIST_HEAD(, Listener) listeners;
        bool accepting;
        sd_event_source *accept_timer;
        sd_event_source *drain_timer;
        sd_event_source *drain_done;
        size_t n_drained;
        void (*drained)(void *userdata);
        void *drained_userdata;
};

/* A socket on its way from the acceptor to a worker. */
typedef struct NewConn {
        Letter letter;
        Worker *worker;
        Listener *listener;
        TlsContext *tls;
        int fd;
        char peer[ADDRESS_TEXT_MAX];
        bool is_local;
} NewConn;

struct ServerConn {
        Worker *worker;
        Listener *listener;
        Stream *stream;
        H2Session *h2; /* NULL until the stream is ready, and when the peer does not speak HTTP/2 */
        char peer[ADDRESS_TEXT_MAX];
        bool is_local;
        bool seen_preface; /* its beginning at least */
        bool seen_settings;
        bool had_call;
        bool goaway_sent;
        const char *refusal; /* HTTP/1.1 text for those who do not speak HTTP/2 */
        size_t request_bytes;
        usec_t idle_since;
        sd_event_source *timer;
        LIST_HEAD(, Call) calls; /* whose stream lives and that are not answered */
        LIST_ENTRY(ServerConn) list;
};

/* A reply message on its way from the core to the worker. */
typedef struct CallItem {
        Letter letter;
        Call *call;
        void *message;
        call_encode_t encode;
        call_free_t free_message;
} CallItem;

/* See call.h for its life. The worker frees it: when it has the core's last letter, and the core has none of
 * its own any more. */
struct Call {
        Worker *worker;              /* [k] */
        Listener *listener;          /* [k] */
        const Method *method;        /* [k] */
        HeaderFields metadata;       /* [k] */
        char peer[ADDRESS_TEXT_MAX]; /* [k] */
        usec_t deadline;             /* [k] */
        size_t request_size;         /* [k] once posted */
        atomic_size_t unsent;        /* bytes encoded and not sent, plus a guess for what is not encoded */

        ServerConn *conn;                /* [w] NULL once detached */
        H2Stream *stream;                /* [w] NULL once detached */
        GrpcReader reader;               /* [w] */
        Blob *message;                   /* [w] */
        size_t admitted;                 /* [w] share of conn->request_bytes */
        sd_event_source *deadline_timer; /* [w] */
        bool headers_sent;               /* [w] */
        bool posted;                     /* [w] the core has it */
        bool cancel_posted;              /* [w] */
        bool answer_seen;                /* [w] */
        LIST_ENTRY(Call) list;           /* [w] in conn->calls */

        Letter request_letter, cancel_letter;               /* worker to core */
        Letter answer_letter, release_letter, abort_letter; /* core to worker */
        atomic_bool cancelled;                              /* a hint for the core: do not begin */
        void *request;                                      /* worker, then core */
        void *principal;                                    /* worker, then core; freed by the worker */
        call_free_t free_principal;

        bool answered;  /* [c] */
        bool aborted;   /* [c] */
        void *data;     /* [c] */
        bool has_final; /* core, then worker: call_reply() was called, with this */
        CallItem final;
        RpcErrorId error;   /* core, then worker */
        char *error_detail; /* core, then worker */
};

/* server.c */
Worker *server_pick_worker(Server *s);
bool server_is_full(const Server *s);
void server_pause_accept(Server *s);
void server_worker_drained(Server *s);

/* listener.c */
int listener_new(Server *s, const ListenerConfig *config, Listener **ret, char **reterr_text);
Listener *listener_ref(Listener *l);
Listener *listener_unref(Listener *l); /* from any thread */
/* Core only: off the server's list, sockets closed, socket file removed; drops the list's reference. */
Listener *listener_remove(Listener *l);
DEFINE_CLEANUP(Listener *, listener_remove);
/* No listening socket any more: who connects is refused at once, or waits for the next process if systemd
 * holds the socket. */
void listener_close(Listener *l);
int listener_set_accepting(Listener *l, bool on);
const Method *listener_find_method(const Listener *l, const char *path);

/* worker.c */
int worker_init(Worker *w, Server *s, bool threaded);
int worker_start(Worker *w);
/* Stops and joins; connections are closed, their calls cancelled. Letters may still come from the core. */
void worker_stop(Worker *w);
void worker_done(Worker *w);
void worker_check_drained(Worker *w);

/* server-conn.c */
void server_conn_accept(Letter *l); /* of a NewConn */
ServerConn *server_conn_free(ServerConn *c);
void server_conn_drain(ServerConn *c);
void server_conn_want_write(ServerConn *c);

/* server-call.c: the worker's side of a call */
void server_call_begin(ServerConn *conn, H2Stream *stream);
void server_call_data(Call *c, const uint8_t *data, size_t size);
void server_call_end(Call *c);
/* Takes the call off its stream: the peer hears no more of it. Frees it if the core does not have it. */
void server_call_detach(Call *c);

/* call.c: the core's side */
void call_init_core(Call *c);
/* server-call.c: what call.c posts to */
void call_on_answer(Letter *l);
void call_on_release(Letter *l);
void call_on_abort(Letter *l);
void call_on_item(Letter *l);
void call_item_done(CallItem *i);
