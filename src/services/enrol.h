/* flwr.native.Enrol: a node that comes with an invitation has its key registered, as an operator would with
 * `flwr supernode register`. On the Fleet port, over TLS; the call is not signed, since what it proves is
 * the secret.
 *
 * The one file of an invitation is read and, once a node, rewritten and synced in the core thread: some
 * milliseconds, at most ENROL_ATTEMPTS_MAX times a second. */
#pragma once

#include "base/time-util.h"
#include "model/hash.h"

/* What the daemon may want to log; refused: NULL after success, else why. id, name: of the invitation; name
 * may be NULL, id is what the caller said and well-formed. */
typedef struct EnrolOutcome {
        const char *peer, *id, *name, *refused;
        ObjectId key;
        uint64_t node_id; /* after success */
} EnrolOutcome;

typedef struct EnrolConfig {
        const char *directory; /* of the invitations; need not be there */
        void (*on_outcome)(const EnrolOutcome *o, void *userdata); /* may be NULL */
        void *userdata;
} EnrolConfig;

/* Looking at a file costs a few system calls, a new node a few milliseconds: enough for a site that starts
 * all its nodes at once (they try again), and too few to be a burden. */
#define ENROL_ATTEMPTS_MAX 20

typedef struct Enrol Enrol;
int enrol_new(const EnrolConfig *config, Enrol **ret); /* strings are copied */
Enrol *enrol_free(Enrol *e);
