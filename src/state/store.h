/* What is kept: nodes, runs, tokens, contexts, logs, FABs, messages, objects. One store a daemon; hub and
 * node use the same.
 *
 * The memory image (all rows but contexts and log texts, all indexes) belongs to the store and lives in the
 * core thread: reads are plain look-ups, changes happen at once and in order. What a change promises is
 * durable later: functions with a StoreDone call it in the core thread when the change, and everything
 * before it, is on disk (SQLite in groups, object files with fsync, by the writer thread). Outcome 0, or a
 * negative errno: -ESTALE when another owner of a shared store won the race, -ENOSPC and the like when the
 * disk refused. After a refused write the store is unhealthy for good: all who wait, and all later changes,
 * get the error; the image is ahead of the disk, a new start has what was durable. A function that fails at
 * once changes nothing and does not call done. done may be NULL; a change that nobody waits for may reach
 * the disk some seconds later, but never after a later one. In a store without directory (in memory) done is
 * called from the loop as soon as it turns.
 *
 * Nothing returned by a look-up may be kept across a turn of the loop: look up again by id.
 *
 * Files: <directory>/state.db (WAL), objects/xx/<sha256> for contents of more than STORE_INLINE_MAX bytes,
 * contexts/<run id>-<generation> likewise, fabs/<sha256>. The directory, and a database elsewhere, is locked
 * by its process. A database of genuine Flower, or of a newer schema,
 * is refused and never altered. */
#pragma once

#include <systemd/sd-event.h>

#include "codec/rpc.h"
#include "model/message.h"
#include "model/run.h"

typedef struct Store Store;
typedef void (*StoreDone)(int outcome, void *userdata);

/* Contents up to this size live in the database: one commit instead of a file and two fsyncs each. */
#define STORE_INLINE_MAX 65536

typedef enum StoreQueue {
        STORE_QUEUE_BY_DESTINATION, /* hub: instructions wait per node */
        STORE_QUEUE_BY_RUN,         /* node: instructions wait per run */
} StoreQueue;

/* Called in the core thread, inside the change that causes them (never for changes that are undone): look
 * things up again, do not change the store from inside; post to yourself (a defer source) instead. All may
 * be NULL. */
typedef struct StoreEvents {
        void (*message_ready)(uint64_t queue,
                void *userdata); /* an instruction with all its objects waits in that queue */
        void (*reply_ready)(
                uint64_t run_id, const ObjectId *instruction, void *userdata); /* all its objects are here */
        void (*object_available)(const ObjectId *id, void *userdata);
        void (*run_changed)(uint64_t run_id, void *userdata); /* created, status, token, deleted */
        void (*log_added)(uint64_t run_id, void *userdata);
        void (*node_changed)(uint64_t node_id, void *userdata); /* registered, status, forgotten */
        void *userdata;
} StoreEvents;

typedef struct StoreConfig {
        sd_event *event;
        const char *directory;     /* NULL: in memory only */
        const char *database;      /* file name or path of the database; NULL: <directory>/state.db */
        const char *fab_directory; /* NULL: <directory>/fabs */
        StoreQueue queue;
        uint64_t free_space_floor; /* bytes: below it new runs, messages and objects are -ENOSPC; 0: no floor
                                    */
        StoreEvents events;
} StoreConfig;

/* *reterr_text: which file, what is wrong, what to try (locked by pid, of genuine Flower, newer schema,
 * damaged, no permission). */
int store_open(const StoreConfig *config, Store **ret, char **reterr_text);
/* Writes out everything first. Those who still wait are not told. */
Store *store_free(Store *s);
DEFINE_CLEANUP(Store *, store_free);
/* done when all changes so far are durable. */
void store_sync(Store *s, StoreDone done, void *userdata);
/* -ENOSPC below the floor: new runs, messages and objects are refused. It is looked at once a second at
 * most.
 */
int store_check_space(Store *s);
/* False once a write has failed for good; the daemon should say so and refuse new work. */
bool store_is_healthy(const Store *s);

/* ---- nodes ---- */

typedef enum NodeStatus {
        NODE_REGISTERED,
        NODE_ONLINE,
        NODE_OFFLINE,
        NODE_UNREGISTERED,
        _NODE_STATUS_MAX,
        _NODE_STATUS_INVALID = -EINVAL,
} NodeStatus;
const char *node_status_to_string(NodeStatus s);

#define NODE_HEARTBEAT_PATIENCE 2

typedef struct StoreNode {
        uint64_t node_id;
        char *public_key; /* PEM */
        ObjectId fingerprint;
        NodeStatus status;
        char *owner_aid, *owner_name;
        usec_t registered_at, last_activated_at, last_deactivated_at,
                unregistered_at; /* wall clock, 0 = never */
        usec_t online_until;
        double heartbeat_interval; /* seconds */
        bool self_registered; /* through the Fleet API, not by an administrator: forgotten on DeleteNode, and
                                 no permission of its own */
} StoreNode;

const StoreNode *store_node(Store *s, uint64_t node_id);                   /* NULL when unknown */
const StoreNode *store_node_by_key(Store *s, const ObjectId *fingerprint); /* not unregistered ones */
/* -EEXIST: the key has been used (also by an unregistered node). The id is random, not 0, not 1, not taken.
 */
int store_node_register(Store *s, const char *public_key, const char *owner_aid, const char *owner_name,
        bool self_registered, StoreDone done, void *userdata, uint64_t *ret_node_id);
/* online_until = now + NODE_HEARTBEAT_PATIENCE x interval. Also makes unconfirmed instructions of the node
 * ready again. */
int store_node_activate(Store *s, uint64_t node_id, double interval, StoreDone done, void *userdata);
int store_node_deactivate(Store *s, uint64_t node_id, StoreDone done, void *userdata);
/* Goes online if it was not. Written lazily, and only when status or interval change, since online_until
 * starts anew with the store. -ENOENT: unknown; -EPERM: unregistered (of the others, too). */
int store_node_heartbeat(Store *s, uint64_t node_id, double interval);
int store_node_unregister(Store *s, uint64_t node_id, StoreDone done, void *userdata);
int store_node_forget(
        Store *s, uint64_t node_id, StoreDone done, void *userdata); /* row and key binding go */
/* Nodes whose online_until has passed go offline; returns how many, *ret_next is the next moment to look (0:
 * none online). After a start every online node first gets its full patience again. */
unsigned store_nodes_sweep(Store *s, usec_t now, usec_t *ret_next);
/* In order of registration. Start with *pos = 0; NULL at the end. */
const StoreNode *store_node_next(Store *s, size_t *pos);

/* ---- runs ---- */

/* run->run_id is set (random). context, fab: references are taken. Status pending. -ENOSPC below the floor.
 */
int store_run_create(Store *s, Run *run, Blob *context, Blob *fab, StoreDone done, void *userdata);
/* Node side: a run of another store, with its status; replaces nothing: -EEXIST. */
int store_run_adopt(Store *s, const Run *run, Blob *context, Blob *fab, StoreDone done, void *userdata);
const Run *store_run(Store *s, uint64_t run_id);
/* -EPERM: not a legal transition, nothing changes. Entering finished deletes token, messages and objects of
 * the run. */
int store_run_transition(Store *s, uint64_t run_id, RunStatus status, RunSubStatus sub, const char *details,
        StoreDone done, void *userdata);
void store_run_add_traffic(
        Store *s, uint64_t run_id, uint64_t sent, uint64_t recv, double clientapp_runtime); /* lazily */
const Run *store_run_next(Store *s, size_t *pos); /* in order of creation */
int store_run_delete(
        Store *s, uint64_t run_id, StoreDone done, void *userdata); /* with all that belongs to it */
/* Contexts are read by the writer thread (they may be large): context is borrowed, NULL when there is none.
 * Returns 0 or -ENOENT (run unknown). */
int store_context_read(
        Store *s, uint64_t run_id, void (*got)(int outcome, Blob *context, void *userdata), void *userdata);
int store_context_write(Store *s, uint64_t run_id, Blob *context, StoreDone done, void *userdata);

/* ---- tokens: one a run ---- */

#define STORE_TOKEN_BYTES 128 /* 256 hex digits, as genuine ones */
/* -EEXIST: the run has one. */
int store_token_create(Store *s, uint64_t run_id, usec_t active_until, StoreDone done, void *userdata,
        const char **ret_token);
int store_token_find(Store *s, const char *token, uint64_t *ret_run_id); /* constant time compare; -ENOENT */
const char *store_token_of_run(Store *s, uint64_t run_id);               /* NULL: none */
usec_t store_token_active_until(
        Store *s, uint64_t run_id); /* wall clock; 0: none; USEC_INFINITY: does not expire */
int store_token_extend(Store *s, uint64_t run_id, usec_t active_until); /* lazily */
int store_token_delete(Store *s, uint64_t run_id, StoreDone done, void *userdata);
/* Run ids whose token has expired, oldest first; *ret_next: when to look again (USEC_INFINITY: no token that
 * expires). *ret is owned by the caller. */
int store_tokens_expired(Store *s, usec_t now, uint64_t **ret, size_t *ret_n, usec_t *ret_next);

/* ---- logs ---- */

/* The time stamp is ours: strictly increasing per run by at least 2 us (readers add 1e-6). */
int store_log_append(Store *s, uint64_t run_id, const char *text, StoreDone done, void *userdata);
/* Entries newer than after (seconds), concatenated up to STORE_LOG_READ_MAX bytes; text "" when there are
 * none. more: call again. Read by the writer thread. */
#define STORE_LOG_READ_MAX ((size_t) 1048576)
int store_log_read(Store *s, uint64_t run_id, double after,
        void (*got)(int outcome, const char *text, double latest, bool more, void *userdata),
        void *userdata);

/* ---- FABs ---- */

int store_fab_get(Store *s, const ObjectId *hash, Blob **ret); /* -ENOENT */

/* ---- objects ---- */

/* Registers a tree for a run. *ret_needed: ids whose contents must be pushed: unknown ones, those not here
 * yet, and those that this run has not proved to possess (knowing a hash grants nothing). -E2BIG beyond the
 * limits. */
int store_object_preregister(Store *s, uint64_t run_id, const ObjectTree *tree, StoreDone done,
        void *userdata, ObjectId **ret_needed, size_t *ret_n_needed);
/* The caller has checked that id is the hash of content and that the structure is good. 0: stored now; 1:
 * was here; -ENOENT: not preregistered by this run. A reference is taken. done is called in all three good
 * cases once it is durable. */
int store_object_put(
        Store *s, uint64_t run_id, const ObjectId *id, Blob *content, StoreDone done, void *userdata);
/* 0 and a new reference; -EAGAIN: registered, not here yet; -ENOENT: unknown; -EIO and the like: the disk.
 * One buffer for all readers. */
int store_object_get(Store *s, const ObjectId *id, Blob **ret);
/* Whether id is root or below it. */
bool store_object_is_below(Store *s, const ObjectId *root, const ObjectId *id);
int store_object_tree(Store *s, const ObjectId *root, ObjectTree *ret); /* -ENOENT */
/* Whether the run has pushed the content itself: what its ServerApp may pull. */
bool store_object_is_proven(Store *s, uint64_t run_id, const ObjectId *id);
/* Drops a root of that run that is no message's, and what nobody else needs. Unknown ids are fine. */
void store_object_drop(Store *s, uint64_t run_id, const ObjectId *root);
/* Drops root and what nobody else needs. Unknown ids are fine; the root of a stored message goes with the
 * message only. */
void store_object_delete(Store *s, const ObjectId *root);

/* ---- messages ---- */

typedef struct StoreMessage {
        Message message;     /* without content */
        usec_t delivered_at; /* wall clock of the last delivery, 0: never, or released since */
        bool confirmed;      /* the receiver has all of it */
        bool complete;       /* all objects are here */
        ObjectId reply;      /* of an instruction: its reply, or none */
} StoreMessage;

/* Stores an instruction. Idempotent by message id (0 again). -ENOENT: run unknown; -EPERM: run finished;
 * -ENODATA: its tree is not preregistered by its run; -EINVAL: it is a reply; -EEXIST: another message has
 * its id. Complete once its run has brought every object of the tree. */
int store_message_put(Store *s, const Message *m, StoreDone done, void *userdata);
/* Oldest ready instruction of the queue that is not delivered (or not confirmed since the last activation)
 * and has not expired: marks it delivered. NULL: none. */
const StoreMessage *store_message_take(Store *s, uint64_t queue, usec_t now, StoreDone done, void *userdata);
bool store_queue_is_ready(Store *s, uint64_t queue, usec_t now); /* store_message_take() would give one */
const StoreMessage *store_message(Store *s, const ObjectId *id); /* instructions and replies */
/* Instruction or reply has been received whole: it is not given again; objects of it may go
 * (store_object_delete() is included). */
int store_message_confirm(Store *s, const ObjectId *id, StoreDone done, void *userdata);
/* Makes a delivered, unconfirmed instruction ready again (its app crashed, its node came back). */
void store_message_release(Store *s, const ObjectId *id);
/* The same for every delivered, unconfirmed instruction of a queue: its receiver asks again, so it has lost
 * them. */
void store_queue_release(Store *s, uint64_t queue);
/* The instruction of that queue that is not confirmed and contains the object, or NULL: what a
 * node may pull. */
const StoreMessage *store_message_holding(Store *s, uint64_t queue, const ObjectId *object);
/* An instruction that is delivered to that queue and has no whole reply yet, or NULL: what a crashed app
 * leaves behind. */
const StoreMessage *store_message_unanswered(Store *s, uint64_t queue);
/* All messages, instructions and replies; starts with previous = NULL, ends with NULL. Nothing may be
 * removed meanwhile. */
const StoreMessage *store_message_next(Store *s, const StoreMessage *previous);
/* The unconfirmed reply from that node that contains the object, or NULL: what a node may push (again, too,
 * when the answer got lost). */
const StoreMessage *store_reply_holding(Store *s, uint64_t src_node_id, const ObjectId *object);
/* Stores a reply; its tree must be preregistered. -ENOENT: instruction unknown or expired; -EINVAL: source,
 * destination, run or ttl do not mirror it; -EEXIST: it has another reply; -ENODATA: the reply's tree is not
 * preregistered by the run. The same reply again is 0. */
int store_reply_put(Store *s, const Message *reply, StoreDone done, void *userdata);
/* What store_reply_put() would say, before anything of the reply is registered. */
int store_reply_check(Store *s, const Message *reply);
/* Deletes an instruction with its reply (or a reply alone) and their objects. */
int store_message_delete(Store *s, const ObjectId *id, StoreDone done, void *userdata);
/* Queues that have a ready instruction, oldest first: what ListAppsToLaunch of a node offers. *ret is owned
 * by the caller. */
int store_queues_ready(Store *s, usec_t now, uint64_t **ret, size_t *ret_n);
