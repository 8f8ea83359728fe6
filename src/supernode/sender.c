/* Replies from our store to the SuperLink, one at a time; what has been sent is forgotten. */
#include <inttypes.h>
#include <stdio.h>
#include <utlist.h>

#include "base/log.h"
#include "supernode/supernode.h"

#define PUSH_WINDOW 4 /* objects under way at once */
/* A reply that the SuperLink refuses for a reason that will not heal is tried this often, between the
 * others. */
#define TRIES_MAX 5
#define ERROR_PAUSE (3 * USEC_PER_SEC)

typedef struct Outgoing {
        ObjectId instruction;
        unsigned tries;
        struct Outgoing *prev, *next;
} Outgoing;

typedef struct Push {
        Sender *sender;
        StubCall *call;
} Push;

struct Sender {
        Supernode *node;
        Outgoing *queue;
        sd_event_source *timer;
        StubCall *call;    /* PushMessages of the first in the queue */
        PushReply *answer; /* what the SuperLink still needs */
        size_t next_object;
        Push pushes[PUSH_WINDOW];
        unsigned n_pushes;
};

static void send_next(Sender *x);

static void stop_current(Sender *x)
{
        x->call = stub_call_cancel(x->call);
        for (size_t i = 0; i < PUSH_WINDOW; i++)
                x->pushes[i].call = stub_call_cancel(x->pushes[i].call);
        x->n_pushes = 0;
        x->next_object = 0;
        x->answer = rpc_free(RPC_PUSH_MESSAGES_RESPONSE, x->answer);
}

static void arm(Sender *x, usec_t pause)
{
        (void) sd_event_source_set_time(x->timer, now_monotonic() + pause);
        (void) sd_event_source_set_enabled(x->timer, SD_EVENT_ONESHOT);
}

/* The first of the queue is done with, sent or not. */
static void forget_first(Sender *x)
{
        Outgoing *o = x->queue;

        stop_current(x);
        (void) store_message_delete(x->node->store, &o->instruction, NULL, NULL);
        DL_DELETE(x->queue, o);
        free(o);
        arm(x, 0);
}

/* After the others; not for ever. */
static void try_again(Sender *x, const char *detail, RpcClass status)
{
        Outgoing *o = x->queue;

        o->tries += status != RPC_UNAVAILABLE;
        if (o->tries >= TRIES_MAX) {
                log_error("The SuperLink does not take a reply: %s (%s); it is dropped after %u tries",
                        detail, rpc_class_to_string(status), o->tries);
                forget_first(x);
                return;
        }
        log_warning("Sending a reply failed: %s (%s); trying again", detail, rpc_class_to_string(status));
        stop_current(x);
        DL_DELETE(x->queue, o);
        DL_APPEND(x->queue, o);
        arm(x, ERROR_PAUSE);
}

static bool failed(Sender *x, RpcClass status, const char *detail)
{
        const StoreMessage *m = store_message(x->node->store, &x->queue->instruction);

        if (status == RPC_OK)
                return false;
        if (status == RPC_PERMISSION_DENIED) {
                log_info("Run %" PRIu64 " does not run any more (%s); its reply is dropped",
                        m ? m->message.metadata.run_id : 0, detail);
                if (m)
                        receiver_drop_run(x->node, m->message.metadata.run_id);
                forget_first(x);
        } else if (status == RPC_UNAUTHENTICATED) {
                stop_current(x);
                member_lost_identity(x->node, detail);
        } else
                try_again(x, detail, status);
        return true;
}

static void push_objects(Sender *x);

static void on_object_pushed(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Push *p = userdata;
        Sender *x = p->sender;

        p->call = NULL;
        x->n_pushes--;
        if (failed(x, status, detail))
                return;
        if (((ObjectReply *) *reply)->stored)
                push_objects(x);
        else
                try_again(x, "an object was not accepted", RPC_FAILED_PRECONDITION);
}

static int push_one(Sender *x, Push *p, const Metadata *m, const ObjectId *id)
{
        _cleanup_blob_ Blob *content = NULL;
        ObjectRequest request = {.node_id = x->node->node_id, .run_id = m->run_id, .id = *id};
        int r = store_object_get(x->node->store, id, &content);

        if (r < 0)
                return r;
        request.content = content;
        p->sender = x;
        r = stub_call(x->node->stub, RPC_FLEET_PUSH_OBJECT, &request, NULL, on_object_pushed, p, &p->call);
        if (r >= 0)
                x->n_pushes++;
        return r;
}

static void push_objects(Sender *x)
{
        const StoreMessage *m = store_message(x->node->store, &x->queue->instruction);

        if (!m) {
                forget_first(x);
                return;
        }
        for (size_t i = 0; i < PUSH_WINDOW && x->next_object < x->answer->n_objects_to_push; i++) {
                if (x->pushes[i].call)
                        continue;
                if (push_one(x, &x->pushes[i], &m->message.metadata,
                            &x->answer->objects_to_push[x->next_object++]) < 0) {
                        try_again(x, "an object of it cannot be read", RPC_INTERNAL);
                        return;
                }
        }
        if (x->n_pushes > 0)
                return;
        log_info("Sent successfully");
        receiver_reply_sent(x->node->receiver, m->message.metadata.run_id);
        forget_first(x);
}

static void on_pushed(RpcClass status, const char *detail, void **reply, void *userdata)
{
        Sender *x = userdata;

        x->call = NULL;
        if (failed(x, status, detail))
                return;
        x->answer = *reply;
        *reply = NULL;
        push_objects(x);
}

/* Seconds from the moment that the app got the instruction to its reply. */
static double clientapp_runtime(Sender *x, const StoreMessage *reply)
{
        const StoreMessage *m = store_message(x->node->store, &reply->message.metadata.reply_to);

        return m && m->delivered_at > 0
                       ? MAX(reply->message.metadata.created_at - usec_to_seconds(m->delivered_at), 0)
                       : 0;
}

static int push_message(Sender *x, const StoreMessage *reply)
{
        ObjectTree tree = {};
        double runtime = clientapp_runtime(x, reply);
        MessageBatch batch = {
                .node_id = x->node->node_id,
                .run_id = reply->message.metadata.run_id,
                .messages = (Message *) &reply->message,
                .trees = &tree,
                .n = 1,
                .runtimes = &runtime,
                .n_runtimes = 1,
        };
        int r = store_object_tree(x->node->store, &reply->message.metadata.message_id, &tree);

        if (r < 0)
                return r;
        r = stub_call(x->node->stub, RPC_FLEET_PUSH_MESSAGES, &batch, NULL, on_pushed, x, &x->call);
        object_tree_done(&tree);
        return r;
}

static void send_next(Sender *x)
{
        const StoreMessage *m, *reply;
        char hex[OBJECT_ID_HEX_MAX], run[24];

        if (!x->queue || x->call || x->answer || x->node->state != MEMBER_ACTIVE)
                return;
        m = store_message(x->node->store, &x->queue->instruction);
        reply = m && !object_id_is_none(&m->reply) ? store_message(x->node->store, &m->reply) : NULL;
        if (!reply) {
                forget_first(x);
                return;
        }
        snprintf(run, sizeof(run), "%" PRIu64, reply->message.metadata.run_id);
        object_id_format(&reply->message.metadata.message_id, hex);
        log_with(LOG_INFO, (&(LogFields){.run = run, .msg = hex}),
                "[RUN %s] Sending: %s message (ID: %s)%s%s", run, reply->message.metadata.message_type, hex,
                reply->message.has_error ? " with an error: " : "", strempty(reply->message.error_reason));
        if (push_message(x, reply) < 0)
                try_again(x, "it cannot be read from the store", RPC_INTERNAL);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        send_next(userdata);
        return 0;
}

void sender_add(Sender *x, const ObjectId *instruction)
{
        Outgoing *o = new0(Outgoing, 1);

        if (!o) {
                log_oom();
                return;
        }
        o->instruction = *instruction;
        DL_APPEND(x->queue, o);
        send_next(x);
}

void sender_resume(Sender *x)
{
        const StoreMessage *m = NULL;

        while ((m = store_message_next(x->node->store, m)))
                if (!object_id_is_none(&m->message.metadata.reply_to) && m->complete)
                        sender_add(x, &m->message.metadata.reply_to);
}

void sender_start(Sender *x)
{
        send_next(x);
}

void sender_stop(Sender *x)
{
        stop_current(x);
        (void) sd_event_source_set_enabled(x->timer, SD_EVENT_OFF);
}

int sender_new(Supernode *s, Sender **ret)
{
        Sender *x = new0(Sender, 1);
        int r;

        if (!x)
                return -ENOMEM;
        x->node = s;
        r = sd_event_add_time(s->event, &x->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer, x);
        if (r < 0) {
                free(x);
                return r;
        }
        (void) sd_event_source_set_enabled(x->timer, SD_EVENT_OFF);
        *ret = x;
        return 0;
}

Sender *sender_free(Sender *x)
{
        Outgoing *o, *tmp;

        if (!x)
                return NULL;
        sender_stop(x);
        DL_FOREACH_SAFE (x->queue, o, tmp) {
                DL_DELETE(x->queue, o);
                free(o);
        }
        sd_event_source_disable_unref(x->timer);
        return mfree(x);
}
