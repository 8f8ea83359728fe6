/* The hub's services: Fleet, ServerAppIo, Control (and Exec, its name in 1.20), Health. One Link a hub; it
 * decides, the store keeps, the wire carries. All of it runs in the core thread; only prepare functions run
 * in workers. */
#pragma once

#include <systemd/sd-event.h>

#include "model/key.h"
#include "services/doors.h"
#include "services/enrol.h"
#include "services/held.h"
#include "wire/server.h"

/* A node's or log reader's call is held this long: below the 60 s after which common NATs and proxies forget
 * an idle flow. */
#define LINK_HOLD_LIMIT (50 * USEC_PER_SEC)
/* A ServerApp's pull is held shorter: genuine apps look at their own timeout only between pulls. They sleep
 * 3 s after an incomplete answer. */
#define LINK_HOLD_APP_LIMIT (10 * USEC_PER_SEC)
/* From token to the first sign of life: process start, imports, installation. Genuine: 30 s, which slow
 * hosts miss. */
#define LINK_TOKEN_FIRST (120 * USEC_PER_SEC)
#define LINK_TOKEN_PATIENCE (60 * USEC_PER_SEC)
/* A node that leaves may only be restarting, as in an upgrade: what was sent to it waits so long for it. */
#define LINK_RETURN_PATIENCE (10 * USEC_PER_SEC)
#define HEARTBEAT_INTERVAL_MIN 10.0 /* seconds; genuine limits since 1.23 */
#define HEARTBEAT_INTERVAL_MAX 1800.0

typedef struct Link Link;

typedef struct LinkConfig {
        sd_event *event;
        Store *store;
        const KeyList *allowed;   /* copied as fingerprints; NULL: there is no list */
        bool registration_closed; /* nodes are registered by an administrator, not by themselves */
        const char *python_apps;  /* told to launchers; must outlive the link; or NULL */
        const EnrolConfig *enrol; /* NULL: no invitations */
        /* For the daemon's log: something of it has changed (perhaps nothing that matters). Called from the
         * loop; may be NULL. */
        void (*run_changed)(const Run *run, void *userdata);
        void (*node_changed)(const StoreNode *node, void *userdata);
        /* A node with this key was turned away: it is neither registered nor listed. */
        void (*node_unknown)(const ObjectId *key, const char *peer, void *userdata);
        void *userdata;
} LinkConfig;

/* Who a Fleet call comes from: set by prepare(), proven by its signature. */
typedef struct FleetPrincipal {
        ObjectId fingerprint;
        char *pem;
} FleetPrincipal;

int link_new(const LinkConfig *config, Link **ret);
Link *link_free(Link *l);
DEFINE_CLEANUP(Link *, link_free);
/* From now on every app gets a door of its own; those of runs that have a token are opened again. The doors
 * must outlive the link's use. */
void link_set_doors(Link *l, Doors *doors);
/* Another key list (NULL: none); calls held for nodes that are not allowed any more are refused. */
int link_set_allowed(Link *l, const KeyList *allowed);
/* Answers everything that is held with UNAVAILABLE: the hub is going down. */
void link_drain(Link *l);
/* For StoreConfig.events; userdata is the address of the Link pointer, since the store opens first. */
extern const StoreEvents LINK_STORE_EVENTS;
/* NULL-terminated lists of tables for ListenerConfig; they live as long as the Link. userdata of the
 * listeners is a Door to it. */
const Method *const *link_fleet_services(Link *l);
const Method *const *link_serverappio_services(Link *l);
const Method *const *link_control_services(Link *l);
/* For ServerConfig: what prepare() of the Fleet service keeps per thread. */
void *link_worker_new(void);
void link_worker_free(void *worker_data);

typedef struct LinkStatus {
        unsigned nodes_online, nodes_known, runs_active;
} LinkStatus;
void link_status(Link *l, LinkStatus *ret);
