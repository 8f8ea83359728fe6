/* ServerAppIo: messages and objects of ServerApps. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "codec/inflate.h"
#include "services/serverappio.h"

#define REASON_MESSAGE_UNAVAILABLE                                                                          \
        "Error: Message Unavailable - The requested message could not be found in the database. It may "    \
        "have "                                                                                             \
        "expired due to its TTL or never existed."
#define REASON_REPLY_UNAVAILABLE "Error: Reply Message Unavailable - The reply message has expired."
#define REASON_NODE_UNAVAILABLE                                                                             \
        "Error: Node Unavailable \xe2\x80\x94 The destination node failed to report a heartbeat within 2 "  \
        "\xc3\x97 its expected interval."

/* ---- push ---- */

typedef struct SeenId {
        ObjectId id;
        UT_hash_handle hh;
} SeenId;

/* 0: new, 1: was there, -ENOMEM. */
static int seen_add(SeenId **seen, const ObjectId *id)
{
        SeenId *s;

        HASH_FIND(hh, *seen, id, sizeof(ObjectId), s);
        if (s)
                return 1;
        s = new0(SeenId, 1);
        if (!s)
                return -ENOMEM;
        s->id = *id;
        HASH_ADD(hh, *seen, id, sizeof(s->id), s);
        if (!s->hh.tbl) {
                free(s);
                return -ENOMEM;
        }
        return 0;
}

static int reply_add_needed(PushReply *reply, SeenId **seen, const ObjectId *ids, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                int r = seen_add(seen, &ids[i]);

                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                if (GROW_ARRAY(reply->objects_to_push, reply->n_objects_to_push) < 0)
                        return -ENOMEM;
                reply->objects_to_push[reply->n_objects_to_push++] = ids[i];
        }
        return 0;
}

static void seen_clear(SeenId **seen)
{
        SeenId *s, *tmp;

        HASH_ITER (hh, *seen, s, tmp) {
                HASH_DEL(*seen, s);
                free(s);
        }
}

static bool node_can_receive(Link *l, uint64_t node_id)
{
        const StoreNode *n = store_node(l->store, node_id);

        return n && (n->status == NODE_ONLINE || n->status == NODE_OFFLINE);
}

/* Preregisters and stores one instruction. Positive: refused, its id is answered as "". */
static int store_instruction(
        Link *l, uint64_t run_id, const Message *m, const ObjectTree *tree, PushReply *reply, SeenId **seen)
{
        _cleanup_free_ ObjectId *needed = NULL;
        size_t n;
        int r;

        if (!node_can_receive(l, m->metadata.dst_node_id) ||
                !object_id_equal(&tree->id, &m->metadata.message_id))
                return 1;
        r = store_object_preregister(l->store, run_id, tree, NULL, NULL, &needed, &n);
        if (r < 0)
                return r;
        r = store_message_put(l->store, m, NULL, NULL);
        if (r < 0)
                return r;
        return reply_add_needed(reply, seen, needed, n);
}

static const char *check_batch(const MessageBatch *b)
{
        double now = usec_to_seconds(now_realtime());

        if (b->n == 0)
                return "`messages_list` must not be empty";
        for (size_t i = 0; i < b->n; i++) {
                const char *why = message_check(&b->messages[i], false, now);

                if (why)
                        return why;
                if (b->messages[i].metadata.run_id != b->run_id)
                        return "mismatched `run_id`";
        }
        return NULL;
}

void serverappio_push_messages(Call *c, void *request)
{
        Request *req = request;
        MessageBatch *b = req->message;
        Link *l = call_link(c);
        PushReply *reply = NULL;
        SeenId *seen = NULL;
        const char *why;
        int r = 0;

        if (service_guard_running(c, l->store, b->run_id) < 0)
                goto finish;
        why = check_batch(b);
        if (why) {
                call_fail(c, RPCERR_MALFORMED_MESSAGES, why);
                goto finish;
        }
        reply = rpc_new(RPC_PUSH_APP_MESSAGES_RESPONSE);
        if (reply)
                reply->message_ids = new0(ObjectId, b->n);
        if (!reply || !reply->message_ids)
                r = -ENOMEM;
        for (size_t i = 0; i < b->n && r >= 0; i++) {
                r = store_instruction(l, b->run_id, &b->messages[i], &b->trees[i], reply, &seen);
                if (r == 0)
                        reply->message_ids[i] = b->messages[i].metadata.message_id;
                reply->n_message_ids = i + 1;
        }
        if (r < 0)
                service_fail_errno(c, r, "The messages could not be stored");
        else
                service_reply_durable(c, l->store, RPC_PUSH_APP_MESSAGES_RESPONSE, TAKE_PTR(reply));
finish:
        seen_clear(&seen);
        rpc_free(RPC_PUSH_APP_MESSAGES_RESPONSE, reply);
        service_request_free(req);
}

/* ---- pull ---- */

typedef enum ReplyState {
        REPLY_WAITING,
        REPLY_READY,
        REPLY_NO_INSTRUCTION,
        REPLY_EXPIRED,
        REPLY_NODE_GONE,
} ReplyState;

static bool expired(const Metadata *m, usec_t now)
{
        return m->created_at + m->ttl <= usec_to_seconds(now);
}

/* A stored reply is looked for before its node is found missing: a node may leave after its work. */
static ReplyState reply_state(Link *l, uint64_t run_id, const ObjectId *id, usec_t now)
{
        const StoreMessage *m = object_id_is_none(id) ? NULL : store_message(l->store, id), *reply;
        const StoreNode *n;

        if (!m || m->message.metadata.run_id != run_id ||
                !object_id_is_none(&m->message.metadata.reply_to) || expired(&m->message.metadata, now))
                return REPLY_NO_INSTRUCTION;
        reply = object_id_is_none(&m->reply) ? NULL : store_message(l->store, &m->reply);
        if (reply && reply->complete)
                return expired(&reply->message.metadata, now) ? REPLY_EXPIRED : REPLY_READY;
        n = store_node(l->store, m->message.metadata.dst_node_id);
        if (!n || n->status == NODE_UNREGISTERED || now - MIN(n->online_until, now) > LINK_RETURN_PATIENCE)
                return REPLY_NODE_GONE;
        return REPLY_WAITING;
}

static int error_message(const ObjectId *id, const Metadata *instruction, ReplyState state, Message *ret)
{
        static const struct {
                int64_t code;
                const char *reason;
        } errors[] = {
                [REPLY_NO_INSTRUCTION] = {MESSAGE_ERROR_MESSAGE_UNAVAILABLE, REASON_MESSAGE_UNAVAILABLE},
                [REPLY_EXPIRED] = {MESSAGE_ERROR_REPLY_UNAVAILABLE, REASON_REPLY_UNAVAILABLE},
                [REPLY_NODE_GONE] = {MESSAGE_ERROR_NODE_UNAVAILABLE, REASON_NODE_UNAVAILABLE},
        };
        _cleanup_message_ Message m = {};
        double now = usec_to_seconds(now_realtime());

        m.metadata = (Metadata){
                .run_id = instruction ? instruction->run_id : 0,
                .src_node_id = SUPERLINK_NODE_ID,
                .dst_node_id = SUPERLINK_NODE_ID,
                .reply_to = *id,
                .group_id = strdup(instruction ? instruction->group_id : ""),
                .message_type = strdup(instruction ? instruction->message_type : "system"),
                .created_at = now,
                .ttl = instruction ? MAX(instruction->ttl - (now - instruction->created_at), 0) : 0,
        };
        m.has_error = true;
        m.error_code = errors[state].code;
        m.error_reason = strdup(errors[state].reason);
        if (!m.metadata.group_id || !m.metadata.message_type || !m.error_reason)
                return -ENOMEM;
        *ret = m;
        m = (Message){};
        return 0;
}

/* Makes the error reply an object of the run, like any reply; its instruction is done with. */
static int put_error_reply(
        Link *l, uint64_t run_id, const ObjectId *id, ReplyState state, Message *ret, ObjectTree *ret_tree)
{
        const StoreMessage *instruction =
                state == REPLY_NO_INSTRUCTION || object_id_is_none(id) ? NULL : store_message(l->store, id);
        _cleanup_free_ ObjectId *needed = NULL;
        _cleanup_blob_ Blob *bytes = NULL;
        ObjectSet set = {};
        size_t n;
        int r;

        r = error_message(id, instruction ? &instruction->message.metadata : NULL, state, ret);
        if (r < 0)
                return r;
        r = deflate_message(ret, CHUNK_SIZE_DEFAULT, &set, ret_tree);
        if (r < 0)
                return r;
        ret->metadata.message_id = ret_tree->id;
        bytes = blobvec_join(&set.items[0].bytes);
        object_set_done(&set);
        if (!bytes)
                return -ENOMEM;
        r = store_object_preregister(l->store, run_id, ret_tree, NULL, NULL, &needed, &n);
        if (r >= 0)
                r = store_object_put(l->store, run_id, &ret_tree->id, bytes, NULL, NULL);
        if (instruction && r >= 0)
                (void) store_message_delete(l->store, id, NULL, NULL);
        return r;
}

static int add_reply(Link *l, uint64_t run_id, const ObjectId *id, ReplyState state, MessageBatch *b)
{
        const StoreMessage *reply;
        Message *m = &b->messages[b->n];
        ObjectTree *tree = &b->trees[b->n];
        int r;

        if (state != REPLY_READY)
                r = put_error_reply(l, run_id, id, state, m, tree);
        else {
                reply = store_message(l->store, &store_message(l->store, id)->reply);
                r = message_copy(&reply->message, m);
                if (r >= 0)
                        r = store_object_tree(l->store, &reply->message.metadata.message_id, tree);
        }
        if (r < 0) {
                message_done(m);
                object_tree_done(tree);
                *m = (Message){};
                *tree = (ObjectTree){};
                return r;
        }
        b->n++;
        return 0;
}

/* Whether there is something to say: all ids are decided, or one where that is enough. *index is the first
 * id that was still waiting when it was last looked at; ids before it are decided and stay so. */
static bool is_answerable(Link *l, const IdsRequest *m, bool partial, size_t *index)
{
        usec_t now = now_realtime();

        if (partial) {
                for (size_t i = 0; i < m->n; i++)
                        if (reply_state(l, m->run_id, &m->ids[i], now) != REPLY_WAITING)
                                return true;
                return false;
        }
        while (*index < m->n && reply_state(l, m->run_id, &m->ids[*index], now) != REPLY_WAITING)
                (*index)++;
        return *index == m->n;
}

/* What can be said now, each id once. A reply that cannot be made now (memory) is asked for again. */
static MessageBatch *collect(Link *l, const IdsRequest *m)
{
        MessageBatch *b = rpc_new(RPC_PULL_APP_MESSAGES_RESPONSE);
        usec_t now = now_realtime();
        SeenId *seen = NULL;

        if (b) {
                b->messages = new0(Message, m->n);
                b->trees = new0(ObjectTree, m->n);
        }
        if (!b || !b->messages || !b->trees)
                return rpc_free(RPC_PULL_APP_MESSAGES_RESPONSE, b);
        for (size_t i = 0; i < m->n; i++) {
                ReplyState state = reply_state(l, m->run_id, &m->ids[i], now);

                if (state != REPLY_WAITING && seen_add(&seen, &m->ids[i]) == 0)
                        (void) add_reply(l, m->run_id, &m->ids[i], state, b);
        }
        seen_clear(&seen);
        return b;
}

static void answer_pull(Link *l, Call *c, const IdsRequest *m)
{
        service_reply_durable(c, l->store, RPC_PULL_APP_MESSAGES_RESPONSE, collect(l, m));
}

void serverappio_pull_messages(Call *c, void *request)
{
        Request *req = request;
        IdsRequest *m = req->message;
        Link *l = call_link(c);
        bool partial = call_metadata(c, RPC_HEADER_PARTIAL, NULL);
        size_t index = 0;
        HeldCall *h;

        if (service_guard_running(c, l->store, m->run_id) < 0) {
                service_request_free(req);
                return;
        }
        if (m->n == 0 || is_answerable(l, m, partial, &index)) {
                answer_pull(l, c, m);
                service_request_free(req);
                return;
        }
        if (held_list_add(l->app_pulls, c, m->run_id, req, &h) < 0)
                return;
        h->state = partial;
        h->index = index;
}

void serverappio_wake_run(Link *l, uint64_t run_id)
{
        HeldCall *h = held_first(l->app_pulls, run_id), *next;

        for (; h; h = next) {
                const Run *run = store_run(l->store, run_id);
                bool running = run && run->status == RUN_RUNNING;
                Request *request;
                Call *c;

                next = held_next_of_key(h);
                if (running && !is_answerable(l, h->request->message, h->state, &h->index))
                        continue;
                c = held_take_with_request(h, &request);
                if (running)
                        answer_pull(l, c, request->message);
                else
                        (void) service_guard_running(c, l->store, run_id);
                service_request_free(request);
        }
}

void serverappio_pull_expired(HeldCall *h, void *userdata)
{
        answer_pull(userdata, h->call, h->request->message);
}

/* ---- objects: the ServerApp is node 1 ---- */

static bool check_object_call(Call *c, const ObjectRequest *m)
{
        if (service_guard_running(c, call_link(c)->store, m->run_id) < 0)
                return false;
        if (m->node_id == SUPERLINK_NODE_ID)
                return true;
        call_fail(c, RPCERR_UNEXPECTED_NODE, NULL);
        return false;
}

void serverappio_push_object(Call *c, void *request)
{
        Request *req = request;
        bool stored;

        if (check_object_call(c, req->message))
                objects_push(call_link(c), c, req, &stored);
        else
                service_request_free(req);
}

/* What its run possesses; an object that another run has is not there for it, and one that is on its way is
 * waited for. */
static bool may_pull(Store *store, const ObjectRequest *m)
{
        _cleanup_blob_ Blob *content = NULL;

        return store_object_is_proven(store, m->run_id, &m->id) ||
               store_object_get(store, &m->id, &content) == -EAGAIN;
}

void serverappio_pull_object(Call *c, void *request)
{
        Request *req = request;

        if (!check_object_call(c, req->message))
                service_request_free(req);
        else if (!may_pull(call_link(c)->store, req->message)) {
                service_reply(c, RPC_PULL_OBJECT_RESPONSE, rpc_new(RPC_PULL_OBJECT_RESPONSE));
                service_request_free(req);
        } else
                objects_pull(call_link(c), c, req);
}

void serverappio_confirm_message_received(Call *c, void *request)
{
        Request *req = request;
        ObjectRequest *m = req->message;
        Link *l = call_link(c);
        const StoreMessage *reply;

        if (service_guard_running(c, l->store, m->run_id) < 0)
                goto finish;
        reply = store_message(l->store, &m->id);
        if (reply && reply->message.metadata.run_id == m->run_id &&
                !object_id_is_none(&reply->message.metadata.reply_to)) {
                ObjectId instruction = reply->message.metadata.reply_to;

                (void) store_message_delete(l->store, &instruction, NULL, NULL);
        } else if (!reply)
                store_object_drop(l->store, m->run_id, &m->id);
        service_reply_durable(c, l->store, RPC_EMPTY, NULL);
finish:
        service_request_free(req);
}
