/* The hub process: owns loop, store, services, listeners and launcher. */
#pragma once

#include <systemd/sd-event.h>

#include "services/launcher.h"
#include "services/link.h"
#include "superlink/args.h"

typedef struct Superlink {
        sd_event *event;
        Store *store;
        Link *link;
        Server *server;
        Listener *serverappio, *fleet, *control;
        Launcher *launcher;
        sd_event_source *status;
        TlsContext *tls;
        KeyList keys;
        char *home; /* <flwr home>/superlink */
        bool stopping;
} Superlink;

/* Logs what is wrong itself; returns 0 or the process status to end with. */
int superlink_start(Superlink *s, const SuperlinkArgs *args);
/* Begins the graceful end: the loop ends when all is drained. */
void superlink_stop(void *superlink);
void superlink_done(Superlink *s);
