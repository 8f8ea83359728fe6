/* The hub process: owns loop, store, services, listeners and launcher.
 *
 * By hand it binds the addresses of its flags and starts its own launcher. Under systemd the sockets are
 * passed in, and the launcher is a service of its own. */
#pragma once

#include <systemd/sd-event.h>

#include "services/id-set.h"
#include "services/launcher.h"
#include "services/link.h"
#include "superlink/args.h"

#define SUPERLINK_LISTENERS_MAX 16
/* Below this much free space no new work is taken: SQLite's log and a few objects still fit. */
#define SUPERLINK_FREE_SPACE_FLOOR (UINT64_C(256) * 1024 * 1024)
/* Keys that were turned away lately: each is told once an hour, however often its node tries. */
#define SUPERLINK_UNKNOWN_MAX 64

typedef struct Superlink {
        sd_event *event;
        Store *store;
        Link *link;
        Server *server;
        Doors *doors;
        Door front, apps; /* launchers and everybody else; apps only */
        Listener *tls_listeners[SUPERLINK_LISTENERS_MAX];
        size_t n_tls_listeners;
        uint16_t serverappio_port;
        IdSet *running; /* runs whose start has been logged */
        bool joined;    /* the marker for flwr-provision is there */
        bool activated; /* systemd has passed the sockets */
        Launcher *launcher;
        sd_event_source *status, *reload;
        TlsContext *tls;
        char *certificate; /* its file */
        usec_t certificate_said;
        bool space_is_low, lacks_fleet;
        struct {
                ObjectId key;
                usec_t told;
        } unknown[SUPERLINK_UNKNOWN_MAX]; /* a ring, the oldest at next_unknown */
        size_t next_unknown;
        char *home; /* of the state */
        bool stopping;
        int exit_status; /* what run() ends with after the loop */
        int argc;        /* for a reload: the configuration files are read again */
        char **argv;
} Superlink;

/* Logs what is wrong itself; returns 0 or the process status to end with. */
int superlink_start(Superlink *s, const SuperlinkArgs *args);
/* Begins the graceful end: the loop ends when all is drained. */
void superlink_stop(void *superlink);
void superlink_done(Superlink *s);

/* secrets.c: certificates and key list, at the start and on SIGHUP. A reload that fails changes nothing. */
int superlink_load_tls(Superlink *s, const SuperlinkArgs *args, TlsContext **ret);
int superlink_load_keys(const SuperlinkArgs *args, KeyList *ret, bool *ret_has_list);
int superlink_watch_reload(Superlink *s);

/* condition.c: STATUS=, and messages about the certificate and about space. */
int superlink_watch_condition(Superlink *s);
/* Now, as something has changed. */
void superlink_look_again(Superlink *s);
/* When it ends soon, or has ended: at the start, after a reload and daily. */
void superlink_say_certificate(Superlink *s);

/* journal.c: what an administrator wants to read of runs and nodes; userdata is the Superlink. */
void superlink_log_run(const Run *run, void *userdata);
void superlink_log_node(const StoreNode *node, void *userdata);
void superlink_log_unknown(const ObjectId *key, const char *peer, void *userdata);
void superlink_log_enrolment(const EnrolOutcome *o, void *userdata);

/* listen.c */
int superlink_listen(Superlink *s, const SuperlinkArgs *args);
