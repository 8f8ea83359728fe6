/* Fleet: messages, objects, runs and FABs as SuperNodes get and give them. */
#include <inttypes.h>
#include <stdio.h>

#include "services/fleet.h"

static void answer_nothing(Call *c)
{
        service_reply(c, RPC_PULL_MESSAGES_RESPONSE, rpc_new(RPC_PULL_MESSAGES_RESPONSE));
}

/* Answers with the next instruction of the node; false: there is none. */
static bool answer_pull(Link *l, Call *c, uint64_t node_id)
{
        const StoreMessage *m = store_message_take(l->store, node_id, now_realtime(), NULL, NULL);
        uint64_t run_id;
        MessageBatch *b;

        if (!m)
                return false;
        run_id = m->message.metadata.run_id;
        b = service_batch_of(l->store, RPC_PULL_MESSAGES_RESPONSE, m);
        store_run_add_traffic(l->store, run_id, 0, call_request_size(c), 0);
        service_reply(c, RPC_PULL_MESSAGES_RESPONSE, b);
        return true;
}

void fleet_wake_node(Link *l, uint64_t node_id)
{
        HeldCall *h = held_first(l->node_pulls, node_id);

        Call *c;

        if (!h || !store_queue_is_ready(l->store, node_id, now_realtime()))
                return;
        c = held_take(h);
        if (!answer_pull(l, c, node_id))
                answer_nothing(c);
}

void fleet_pull_expired(HeldCall *h, void *userdata)
{
        answer_nothing(h->call);
}

void fleet_pull_messages(Call *c, void *request)
{
        Request *req = request;
        NodeRequest *m = req->message;
        Link *l = call_link(c);
        uint64_t node_id = m->node_id;
        HeldCall *before;

        if (!fleet_caller(c, node_id)) {
                service_request_free(req);
                return;
        }
        /* A node asks again when it has all of the last instruction, or has lost it. An older call of it is
         * a broken connection's. */
        before = held_first(l->node_pulls, node_id);
        if (before)
                answer_nothing(held_take(before));
        store_queue_release(l->store, node_id);
        if (answer_pull(l, c, node_id)) {
                service_request_free(req);
                return;
        }
        (void) held_list_add(l->node_pulls, c, node_id, req, NULL);
}

/* Preregisters and stores the reply; what is still needed goes into the answer. A refused reply is answered
 * like a good one that needs nothing: genuine nodes go on, and upload nothing in vain. */
static PushReply *store_reply(Link *l, const MessageBatch *b)
{
        PushReply *reply = rpc_new(RPC_PUSH_MESSAGES_RESPONSE);
        const Message *m = &b->messages[0];
        ObjectId *needed = NULL;
        size_t n = 0;

        if (!reply)
                return NULL;
        reply->message_ids = new0(ObjectId, 1);
        if (!reply->message_ids)
                return rpc_free(RPC_PUSH_MESSAGES_RESPONSE, reply);
        reply->n_message_ids = 1;
        if (message_check(m, true, usec_to_seconds(now_realtime())) ||
                !object_id_equal(&b->trees[0].id, &m->metadata.message_id) ||
                store_reply_check(l->store, m) < 0)
                return reply;
        if (store_object_preregister(l->store, m->metadata.run_id, b->trees, NULL, NULL, &needed, &n) < 0)
                return reply;
        if (store_reply_put(l->store, m, NULL, NULL) < 0) {
                store_object_drop(l->store, m->metadata.run_id, &m->metadata.message_id);
                free(needed);
                return reply;
        }
        reply->message_ids[0] = m->metadata.message_id;
        reply->objects_to_push = needed;
        reply->n_objects_to_push = n;
        return reply;
}

void fleet_push_messages(Call *c, void *request)
{
        Request *req = request;
        MessageBatch *b = req->message;
        Link *l = call_link(c);
        uint64_t run_id;

        if (!fleet_caller(c, b->node_id))
                goto finish;
        if (b->n != 1) {
                call_fail(c, RPCERR_BAD_REQUEST, "PushMessages takes exactly one message");
                goto finish;
        }
        run_id = b->messages[0].metadata.run_id;
        if (service_guard_running(c, l->store, run_id) < 0)
                goto finish;
        if (b->messages[0].metadata.src_node_id != b->node_id) {
                call_fail(c, RPCERR_AUTH_NODE_ID, NULL);
                goto finish;
        }
        store_run_add_traffic(
                l->store, run_id, 0, call_request_size(c), b->n_runtimes > 0 ? b->runtimes[0] : 0);
        service_reply_durable(c, l->store, RPC_PUSH_MESSAGES_RESPONSE, store_reply(l, b));
finish:
        service_request_free(req);
}

void fleet_get_run(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        Link *l = call_link(c);
        Run *copy;

        if (!fleet_caller(c, m->node_id) || service_guard_running(c, l->store, m->run_id) < 0)
                goto finish;
        copy = new0(Run, 1);
        if (!copy || run_copy(store_run(l->store, m->run_id), copy) < 0) {
                free(copy);
                call_fail(c, RPCERR_BUSY, "Out of memory");
                goto finish;
        }
        service_reply(c, RPC_GET_RUN_RESPONSE, copy);
finish:
        service_request_free(req);
}

void fleet_get_fab(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        Link *l = call_link(c);
        char hash[OBJECT_ID_HEX_MAX];
        const Run *run;
        Fab *reply;

        if (!fleet_caller(c, m->node_id) || service_guard_running(c, l->store, m->run_id) < 0)
                goto finish;
        run = store_run(l->store, m->run_id);
        reply = rpc_new(RPC_GET_FAB_RESPONSE);
        if (!reply)
                call_fail(c, RPCERR_BUSY, "Out of memory");
        else if (!object_id_equal(&run->fab_hash, &m->fab_hash) ||
                 store_fab_get(l->store, &m->fab_hash, &reply->content) < 0) {
                rpc_free(RPC_GET_FAB_RESPONSE, reply);
                call_fail(c, RPCERR_FAB_UNKNOWN, object_id_format(&m->fab_hash, hash));
        } else {
                reply->hash = m->fab_hash;
                service_reply(c, RPC_GET_FAB_RESPONSE, reply);
        }
finish:
        service_request_free(req);
}

void fleet_push_object(Call *c, void *request)
{
        Request *req = request;
        ObjectRequest *m = req->message;
        Link *l = call_link(c);
        uint64_t run_id = m->run_id, size = m->content ? m->content->size : 0;
        const StoreMessage *reply;
        bool stored;

        if (!fleet_caller(c, m->node_id) || service_guard_running(c, l->store, run_id) < 0) {
                service_request_free(req);
                return;
        }
        reply = store_reply_holding(l->store, m->node_id, &m->id);
        if (!reply || reply->message.metadata.run_id != run_id) {
                objects_push_unneeded(c, req);
                return;
        }
        objects_push(l, c, req, &stored);
        if (stored)
                store_run_add_traffic(l->store, run_id, 0, size, 0);
}

void fleet_pull_object(Call *c, void *request)
{
        Request *req = request;
        ObjectRequest *m = req->message;
        Link *l = call_link(c);

        if (!fleet_caller(c, m->node_id) || service_guard_running(c, l->store, m->run_id) < 0) {
                service_request_free(req);
                return;
        }
        if (!store_message_holding(l->store, m->node_id, &m->id)) {
                service_reply(c, RPC_PULL_OBJECT_RESPONSE, rpc_new(RPC_PULL_OBJECT_RESPONSE));
                service_request_free(req);
                return;
        }
        objects_pull(l, c, req);
}

void fleet_confirm_message_received(Call *c, void *request)
{
        Request *req = request;
        ObjectRequest *m = req->message;
        Link *l = call_link(c);
        const StoreMessage *sm;

        if (!fleet_caller(c, m->node_id) || service_guard_running(c, l->store, m->run_id) < 0)
                goto finish;
        sm = store_message(l->store, &m->id);
        if (sm && sm->message.metadata.dst_node_id == m->node_id)
                (void) store_message_confirm(l->store, &m->id, NULL, NULL);
        service_reply_durable(c, l->store, RPC_EMPTY, NULL);
finish:
        service_request_free(req);
}
