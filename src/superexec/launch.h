/* One app process that runs in a unit of its own, behind a launch socket.
 *
 *      connect -> send the request -> systemd starts flwr-app-run -> ... -> its answer: how the app has
 * ended
 *
 * The connection is the app's life: when nobody holds this end any more, flwr-app-run ends the app. So a
 * copy with systemd (superexec/kept-app.h) lets it live on when this process does not. */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct Launch Launch;

typedef struct LaunchRequest {
        const char *const *argv, *const *env; /* NULL-terminated; env: "NAME=VALUE" */
        uint64_t run_id;
        const char *kind; /* "clientapp" */
} LaunchRequest;

typedef enum LaunchEnd {
        LAUNCH_EXITED,    /* value is the status */
        LAUNCH_SIGNALLED, /* value is the signal */
        LAUNCH_REFUSED,   /* text says why; nothing was started */
        LAUNCH_LOST,      /* flwr-app-run has gone without an answer, or said nonsense */
} LaunchEnd;

/* Called once; may free the launch. */
typedef void (*launch_ended_t)(LaunchEnd end, int value, const char *text, void *userdata);

int launch_connect(const char *path, int *ret_fd);
/* -ENOBUFS: larger than flwr-app-run takes. */
int launch_send(int fd, const LaunchRequest *request);
/* Waits for the answer. Takes fd when it succeeds. */
int launch_watch(sd_event *event, int fd, launch_ended_t ended, void *userdata, Launch **ret);
/* SIGTERM for the app, after 5 s SIGKILL; the answer still comes. */
void launch_stop(Launch *l);
Launch *launch_free(Launch *l);
DEFINE_CLEANUP(Launch *, launch_free);
