/* Starts flower-superexec beside a daemon (isolation "subprocess") and keeps it running.
 *
 * The child outlives the daemon for a while and is adopted by the next one: it holds a lock file, a second
 * one that finds it taken ends with LAUNCHER_STATUS_SERVED and is not started again until the daemon sees no
 * launcher call any more. */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

#define LAUNCHER_STATUS_SERVED 75 /* EX_TEMPFAIL */

typedef struct Launcher Launcher;

typedef struct LauncherConfig {
        sd_event *event;
        const char *plugin_type;   /* "serverapp" or "clientapp" */
        const char *appio_address; /* as the daemon listens; wildcard hosts become loopback */
        uint16_t appio_port;       /* the bound one */
        const char *lock_file;
        const char *python_apps; /* directory of genuine executors, or NULL */
        void (*gone)(
                void *userdata); /* the child has ended, and with it whoever watched the apps; may be NULL */
        void *userdata;
} LauncherConfig;

/* -ENOENT with *reterr_text when flower-superexec is neither beside our own program nor on PATH. */
int launcher_new(const LauncherConfig *config, Launcher **ret, char **reterr_text);
/* Leaves the child to itself: it ends when it has no apps, or when no daemon has come back in time. */
Launcher *launcher_free(Launcher *l);
DEFINE_CLEANUP(Launcher *, launcher_free);
/* "127.0.0.1:9091" for "0.0.0.0:9091", "[::1]:9091" for "[::]:9091". */
char *launcher_local_address(const char *address, uint16_t port);
