/* The half of AppIo that hub and node share: launchers ask which runs want an app, and fetch a token for
 * one. Where there are doors, the token's app gets one of its own. */
#pragma once

#include "services/doors.h"
#include "services/held.h"

typedef struct Launches {
        Store *store;
        bool serverapps;         /* else ClientApps */
        const char *python_apps; /* told to launchers; or NULL */
        /* The runs that want an app and have none; NULL: out of memory. */
        NumbersReply *(*wanted)(Store *store);

        /* private */
        Doors *doors;
        HeldList *waiting;
} Launches;

/* The fields above "private" are set. A launcher's question is held for as long as limit. */
int launches_init(Launches *l, sd_event *event, usec_t limit);
void launches_done(Launches *l);
/* Opens the doors of runs that have a token already. NULL: apps share one address. */
void launches_set_doors(Launches *l, Doors *doors);
/* ListAppsToLaunch; takes request. */
void launches_list(Launches *l, Call *c, void *request);
/* Some run may want an app now. */
void launches_wake(Launches *l);
/* Has the run's FAB a native app of this kind? */
bool launches_native_side(const Launches *l, const Run *run);
/* The answer to RequestToken: how to start the app of a run; "" as token: there is nothing to start. NULL:
 * out of memory. */
TokenReply *launches_token(const Launches *l, const Run *run, const char *token);
