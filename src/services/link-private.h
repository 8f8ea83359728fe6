/* Shared by the files of the hub's services only. */
#pragma once

#include "model/key.h"
#include "services/id-set.h"
#include "services/launches.h"
#include "services/link.h"

typedef struct AllowedKey AllowedKey;

struct Link {
        sd_event *event;
        Store *store;
        AllowedKey *allowed;
        bool has_allow_list;
        bool registration_closed; /* only an administrator registers nodes */

        HeldList *node_pulls;   /* Fleet PullMessages, by node id */
        HeldList *app_pulls;    /* ServerAppIo PullMessages, by run id */
        HeldList *object_pulls; /* PullObject of announced objects, by the id's first 8 bytes */
        HeldList *log_streams;  /* StreamLogs, by run id */

        sd_event_source *wake; /* deferred: look at what events have marked */
        sd_event_source *slow_readers;
        IdSet *slow_logs;
        sd_event_source *sweep; /* nodes and tokens whose time has come */
        IdSet *woken_nodes, *woken_runs, *woken_logs, *woken_objects;
        bool wake_launchers;
        usec_t leavers_until; /* some node has left, and its messages wait until then at the longest */

        Launches launches;
        IdSet *changed_runs, *changed_nodes;
        void (*run_changed)(const Run *run, void *userdata);
        void (*node_changed)(const StoreNode *node, void *userdata);
        void (*node_unknown)(const ObjectId *key, const char *peer, void *userdata);
        void *userdata;

        Enrol *enrol; /* NULL: no invitations */
        Method *fleet, *serverappio, *control, *health, *enrolment;
        const Method *fleet_services[4], *serverappio_services[3], *control_services[3];
};

static inline Link *call_link(const Call *c)
{
        return call_door(c)->service;
}

/* In the key list. */
bool link_key_is_listed(const Link *l, const ObjectId *fingerprint);
/* Listed, registered by an administrator, or nothing restricts who may come. */
bool link_key_is_allowed(const Link *l, const ObjectId *fingerprint);
void link_arm_sweep(Link *l);
/* Token of a run: alive again for LINK_TOKEN_PATIENCE. */
void link_touch_token(Link *l, uint64_t run_id);
void link_finish_run(Link *l, uint64_t run_id, RunSubStatus sub, const char *details);

int fleet_table(Method **ret);
int serverappio_table(Method **ret);
int control_table(Method **ret);
int health_table(Method **ret);
int enrol_table(Method **ret);

/* Runs that are pending and not being launched. */
NumbersReply *serverappio_runs_to_launch(Store *store);

/* Retries what is held after an event; each in the file of its service. */
void fleet_wake_node(Link *l, uint64_t node_id);
void serverappio_wake_run(Link *l, uint64_t run_id);
void control_wake_logs(Link *l, uint64_t run_id);
int control_slow_readers(sd_event_source *s, uint64_t usec, void *userdata);
void objects_wake(Link *l, uint64_t key);
/* At the end of the hold. */
void fleet_pull_expired(HeldCall *h, void *userdata);
void serverappio_pull_expired(HeldCall *h, void *userdata);
void control_logs_expired(HeldCall *h, void *userdata);
void objects_pull_expired(HeldCall *h, void *userdata);

/* objects.c, shared by Fleet and ServerAppIo: the caller's right to the object has been checked. */
uint64_t objects_key(const ObjectId *id);
/* Takes request. */
void objects_pull(Link *l, Call *c, Request *request);
/* Takes request; ret_stored tells whether the object is now here. */
/* An object that no message of the caller waits for: nothing is kept. Takes request. */
void objects_push_unneeded(Call *c, Request *request);
void objects_push(Link *l, Call *c, Request *request, bool *ret_stored);
