/* The node process: membership in the federation, instructions in, replies out.
 *
 *      membership (register, activate, heartbeat)  --active-->  receiver (pull, fetch, confirm)  --> store
 *      store --reply whole--> sender (push, objects) --sent--> forgotten
 *
 * One instruction is received at a time, whatever the number of runs; apps of several runs work side by
 * side. */
#pragma once

#include <systemd/sd-event.h>

#include "model/config.h"
#include "services/clientappio.h"
#include "services/launcher.h"
#include "stubs/stub.h"
#include "supernode/args.h"
#include "wire/server.h"

#define CLIENTAPPIO_DEFAULT "0.0.0.0:9094"

typedef struct Supernode Supernode;
typedef struct Receiver Receiver;
typedef struct Sender Sender;

/* Which calls the SuperLink understands: found out by the first one, kept for the life of the process. */
typedef enum Generation {
        GENERATION_UNKNOWN,
        GENERATION_CREATE,   /* CreateNode, DeleteNode: releases up to 1.22 */
        GENERATION_ACTIVATE, /* RegisterNode, ActivateNode, ...: since 1.23 */
} Generation;

typedef enum MemberState {
        MEMBER_OUT,
        MEMBER_JOINING,
        MEMBER_ACTIVE,
        MEMBER_LEAVING,
        _MEMBER_STATE_MAX,
} MemberState;

struct Supernode {
        sd_event *event;
        Store *store;
        ClientAppIo *appio;
        Server *server;
        Doors *doors;
        Door front, apps; /* launchers and everybody else; apps only */
        uint16_t clientappio_port;
        bool activated; /* systemd has passed the sockets */
        Launcher *launcher;

        TlsContext *tls;
        NodeKey *key;
        AuthSigner *signer;
        bool own_key; /* given by the user: registered before, kept across restarts */
        Channel *channel;
        Stub *stub;
        Config node_config;
        char *directory; /* of the state, NULL: in memory */

        Generation generation;
        MemberState state;
        uint64_t node_id;
        bool has_joined; /* once at least */
        bool space_is_low;
        unsigned activate_tries;
        StubCall *member_call, *heartbeat_call;
        sd_event_source *heartbeat_timer, *rejoin_timer;

        Receiver *receiver;
        Sender *sender;
        bool stopping;
        int exit_status; /* what run() ends with after the loop */
};

/* supernode.c: logs what is wrong itself; returns 0 or the process status to end with. */
int supernode_start(Supernode *s, const SupernodeArgs *args);
void supernode_stop(void *supernode);
void supernode_done(Supernode *s);
/* Ends the process with that status, after leaving the federation. */
void supernode_fail(Supernode *s, int status);

/* STATUS= of the service. */
void supernode_tell_status(const Supernode *s);
/* When the store has refused something for want of space, and now and then: a message at each change. */
void supernode_look_at_space(Supernode *s);

/* listen.c */
int supernode_listen(Supernode *s, const SupernodeArgs *args);

/* member.c */
int member_start(Supernode *s);
void member_lost_identity(Supernode *s, const char *why); /* joins again */
void member_leave(Supernode *s);                          /* the loop ends when it is done */
void member_done(Supernode *s);

/* receiver.c */
int receiver_new(Supernode *s, Receiver **ret);
Receiver *receiver_free(Receiver *r);
void receiver_start(Receiver *r); /* the node is active; harmless when already at work */
void receiver_stop(Receiver *r);
/* The SuperLink says that the run does not run (any more): what we have of it goes. */
void receiver_drop_run(Supernode *s, uint64_t run_id);
/* A reply of the run has left: is there more to come? */
void receiver_reply_sent(Receiver *r, uint64_t run_id);
/* Asks about every run that is still open here; those that have ended are dropped. */
void receiver_check_runs(Receiver *r);

/* sender.c */
int sender_new(Supernode *s, Sender **ret);
Sender *sender_free(Sender *x);
void sender_add(Sender *x, const ObjectId *instruction);
void sender_start(Sender *x);
void sender_stop(Sender *x);
/* Replies of an earlier life of the node that have not left yet. */
void sender_resume(Sender *x);
