/* Listeners, worker threads and the connections they accept.
 *
 * One acceptor (in the core loop) hands sockets to the workers, round robin by load; a connection belongs to
 * one worker for life. n_workers = 0 serves connections in the core loop itself (the node's AppIo needs no
 * threads). */
#pragma once

#include <systemd/sd-event.h>

#include "wire/call.h"
#include "wire/tls.h"

typedef struct Server Server;
typedef struct Listener Listener;

typedef struct ServerConfig {
        sd_event *event; /* of the core thread */
        unsigned n_workers;
        unsigned max_connections; /* 0: SERVER_CONNECTIONS_MAX; accepting pauses at the limit */
        /* Per worker thread (and once for the core loop when n_workers = 0); may be NULL. */
        void *(*worker_new)(void);
        void (*worker_free)(void *worker_data);
} ServerConfig;

typedef struct ListenerConfig {
        const char *name;    /* static string */
        const char *address; /* "host:port": every address the name resolves to is bound; port 0: the
                                system's choice. Or "unix:/path" */
        int fd; /* a listening socket (from systemd) instead of address, or -EBADF; taken on success */
        TlsContext *tls; /* NULL: plaintext HTTP/2 with prior knowledge; a reference is taken */
        const Method *const *services; /* NULL-terminated list of tables, each ended by a row without path */
        void *userdata;
        void (*free_userdata)(void *userdata); /* or NULL; after the last call, perhaps in another thread */
        bool local_only;                       /* peers from other machines are answered RPCERR_LOCAL_ONLY */
} ListenerConfig;

int server_new(const ServerConfig *config, Server **ret);
/* Binds and listens; accepting begins with server_start(). -EADDRINUSE and others with *reterr_text for
 * people
 * ("Port in server address 0.0.0.0:9092 is already in use. ..."). */
int server_listen(Server *s, const ListenerConfig *config, Listener **ret, char **reterr_text);
/* Stops listening there; connections that stand go on. The pointer is gone. */
void server_unlisten(Listener *l);
uint16_t listener_port(const Listener *l);
/* New connections use it; those that stand keep theirs. */
void listener_set_tls(Listener *l, TlsContext *tls);
int server_start(Server *s);
/* Stops accepting, sends GOAWAY, lets calls in progress end; connections that are still there after timeout
 * are closed. done is called in the core loop. Held calls should be answered by the services first. Once. */
void server_drain(Server *s, usec_t timeout, void (*done)(void *userdata), void *userdata);
/* Joins the workers; calls that the core still holds are cancelled. Not from inside act() or cancelled(). */
Server *server_free(Server *s);
DEFINE_CLEANUP(Server *, server_free);
