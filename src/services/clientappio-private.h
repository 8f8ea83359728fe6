/* Shared by the files of the node's service only. */
#pragma once

#include "services/clientappio.h"
#include "services/id-set.h"
#include "services/launches.h"

typedef struct ReadyReply ReadyReply;

struct ClientAppIo {
        sd_event *event;
        Store *store;
        void (*reply_ready)(const ObjectId *instruction, void *userdata);
        void *userdata;

        Launches launches;
        HeldList *message_pulls; /* of native executors, by run id */

        sd_event_source *wake, *sweep;
        IdSet *woken_runs;
        IdSet *inherited;  /* runs whose app was started by an earlier life of this node */
        ReadyReply *ready; /* replies to be announced when the loop turns */

        IdSet *idle_runs; /* whose doors are to be closed */

        Method *table;
        const Method *services[2];
};

static inline ClientAppIo *call_clientappio(const Call *c)
{
        return call_door(c)->service;
}

/* The run of a token; false: the call has been failed. */
bool clientappio_run_of_token(Call *c, const char *token, uint64_t *ret_run_id);

/* clientappio-messages.c */
void clientappio_pull_message(Call *c, void *request);
void clientappio_push_message(Call *c, void *request);
void clientappio_push_object(Call *c, void *request);
void clientappio_pull_object(Call *c, void *request);
void clientappio_confirm_message_received(Call *c, void *request);
void clientappio_wake_run(ClientAppIo *a, uint64_t run_id);
void clientappio_pull_expired(HeldCall *h, void *userdata);
/* Error replies (code CLIENT_APP_CRASHED) for what the run's app has taken and not answered. */
void clientappio_crashed(ClientAppIo *a, uint64_t run_id, const char *reason);
