/* Calls that are held until an event or a limit: no thread, no polling.
 *
 * A HeldList keeps calls by a key (node id, run id). All calls of a list wait for the same time, so the
 * oldest is the next to end and one timer serves the list. */
#pragma once

#include <systemd/sd-event.h>

#include "services/service.h"

typedef struct HeldList HeldList;
typedef struct HeldCall HeldCall;

struct HeldCall {
        ServiceHold hold;
        Call *call;
        uint64_t key;
        Request *request; /* owned */
        double cursor;    /* for the service: position in a log */
        unsigned state;   /* for the service */
        size_t index;     /* for the service: where in its ids it waits */
        uint64_t serial;  /* of this hold: to find it again, or not, after an asynchronous read */
        /* private */
        HeldList *list;
        usec_t until;
        bool is_short;
        HeldCall *prev, *next;         /* all of the list, oldest first */
        HeldCall *key_prev, *key_next; /* those with the same key */
};

/* expired: the limit has come; answer with what there is (the HeldCall has been removed and is freed
 * afterwards; so has its request). */
typedef void (*held_expired_t)(HeldCall *h, void *userdata);

int held_list_new(sd_event *event, usec_t limit, held_expired_t expired, void *userdata, HeldList **ret);
HeldList *held_list_free(HeldList *l); /* fails all calls with RPCERR_SHUTTING_DOWN */
DEFINE_CLEANUP(HeldList *, held_list_free);
/* Holds the call; takes request. On failure the call has been failed and the request is gone. A call whose
 * own deadline comes earlier than the limit ends a little before it. */
int held_list_add(HeldList *l, Call *c, uint64_t key, Request *request, HeldCall **ret);
/* First call with that key, NULL: none; next one of the same key. */
HeldCall *held_first(HeldList *l, uint64_t key);
HeldCall *held_next_of_key(HeldCall *h);
HeldCall *held_any(HeldList *l); /* the oldest of all */
HeldCall *held_next(HeldCall *h);
/* Takes the call out to be answered now; the HeldCall with its request is freed. */
Call *held_take(HeldCall *h);
/* Takes the call out with its request (owned by the caller); the HeldCall is freed. */
Call *held_take_with_request(HeldCall *h, Request **ret_request);
size_t held_count(const HeldList *l);
/* Fails all calls: the server is going down. */
void held_list_flush(HeldList *l, RpcErrorId error);
/* The same for those that come from now on: the server is going down. */
void held_list_close(HeldList *l);
