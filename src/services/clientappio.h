/* The node's service: ClientAppIo, towards ClientApps and their launchers. Runs in the core thread.
 *
 * An instruction stays in the store until its reply has left the node: an app that crashes or a node that
 * restarts does the work again. One token a run; our own executors keep theirs and take message after
 * message. */
#pragma once

#include <systemd/sd-event.h>

#include "services/doors.h"
#include "services/held.h"
#include "wire/server.h"

/* Genuine clients have no deadline on these calls; see LINK_HOLD_LIMIT of the hub for the reason of the
 * figure. */
#define CLIENTAPPIO_HOLD_LIMIT (50 * USEC_PER_SEC)
/* A native executor that has waited this long for another message of its run ends. */
#define CLIENTAPPIO_IDLE_LIMIT (120 * USEC_PER_SEC)
/* From the token to the app's first call: process start, imports. */
#define CLIENTAPPIO_TOKEN_FIRST (120 * USEC_PER_SEC)
/* Time from one heartbeat of an app to the next; it counts from the first one, since apps up to 1.23 send
 * none. */
#define CLIENTAPPIO_TOKEN_PATIENCE (60 * USEC_PER_SEC)

typedef struct ClientAppIo ClientAppIo;

typedef struct ClientAppIoConfig {
        sd_event *event;
        Store *store;            /* STORE_QUEUE_BY_RUN */
        const char *python_apps; /* told to launchers; must outlive the service; or NULL */
        /* A reply is whole and waits to be sent. Called from the loop, not from inside the store. */
        void (*reply_ready)(const ObjectId *instruction, void *userdata);
        void *userdata;
} ClientAppIoConfig;

int clientappio_new(const ClientAppIoConfig *config, ClientAppIo **ret);
ClientAppIo *clientappio_free(ClientAppIo *a);
DEFINE_CLEANUP(ClientAppIo *, clientappio_free);
/* From now on every app gets a door of its own; those of runs that have a token are opened again. */
void clientappio_set_doors(ClientAppIo *a, Doors *doors);
/* The launcher that watched the apps has ended: those that do not send heartbeats cannot be trusted to be
 * alive. */
void clientappio_launcher_gone(ClientAppIo *a);
void clientappio_drain(ClientAppIo *a);
/* For StoreConfig.events; userdata is the address of the ClientAppIo pointer. */
extern const StoreEvents CLIENTAPPIO_STORE_EVENTS;
/* For ListenerConfig; the listener's userdata is a Door to it. */
const Method *const *clientappio_services(ClientAppIo *a);
/* Answers an instruction with an error on the node's own account (FAB unreadable, app crashed, ...). */
int clientappio_reply_error(ClientAppIo *a, const ObjectId *instruction, int64_t code, const char *reason);
