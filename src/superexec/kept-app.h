/* What systemd keeps of an app while no launcher runs: under a name of its own in the descriptor store, the
 * launch connection and a memory file with what the next launcher must know about it. */
#pragma once

#include "base/daemon.h"

typedef struct KeptApp {
        char *name; /* "app-RUN-RANDOM" */
        uint64_t run_id;
        char *token;
        bool tell; /* the daemon understands how an app has ended */
        int fd;    /* the connection */
} KeptApp;

/* Stores it (name and all else set; fd stays the caller's). -ENOTCONN: there is no systemd. */
int kept_app_store(const KeptApp *k);
/* "app-RUN-RANDOM"; NULL when out of memory. */
char *kept_app_name(uint64_t run_id);
/* The next app among passed descriptors; takes what belongs to it. 1, or 0 when there is none left, or a
 * negative errno. What is incomplete is dropped from the store, with one line at debug. */
int kept_app_take(PassedFd *fds, size_t n, KeptApp *ret);
void kept_app_done(KeptApp *k);
#define _cleanup_kept_app_ _cleanup_(kept_app_done)
