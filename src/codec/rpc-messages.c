/* MessageBatch, PushReply, IdsRequest. */
#include "codec/limits.h"
#include "codec/proto-message.h"
#include "codec/proto-node.h"
#include "codec/proto/appio.pb-c.h"
#include "codec/proto/fleet.pb-c.h"
#include "codec/rpc-kind.h"

/* What a genuine hub tells nodes in PushMessages; they do not read it. */
#define RECONNECT_SECONDS 5

typedef Flwr__Proto__Message *const *MessageList;
typedef Flwr__Proto__ObjectTree *const *TreeList;

static int decode_batch(
        RpcDecoder *d, MessageList messages, size_t n, TreeList trees, size_t n_trees, MessageBatch *ret)
{
        if (n_trees < n)
                return rpc_decoder_refuse(d, "message_object_trees", "one for each message is expected");
        if (n == 0)
                return 0;

        ret->messages = new0(Message, n);
        ret->trees = new0(ObjectTree, n);
        if (!ret->messages || !ret->trees)
                return -ENOMEM;
        ret->n = n;
        for (size_t i = 0; i < n; i++) {
                int r = proto_message_decode(d, messages[i], &ret->messages[i]);
                if (r < 0)
                        return r;
                r = proto_tree_decode(d, trees[i], &ret->trees[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int encode_batch(RpcEncoder *e, const MessageBatch *b, Flwr__Proto__Message ***ret_messages,
        Flwr__Proto__ObjectTree ***ret_trees)
{
        Flwr__Proto__Message **messages = rpc_arena_alloc(&e->arena, b->n, sizeof(*messages));
        Flwr__Proto__ObjectTree **trees = rpc_arena_alloc(&e->arena, b->n, sizeof(*trees));
        if (!messages || !trees)
                return -ENOMEM;

        for (size_t i = 0; i < b->n; i++) {
                int r = proto_message_encode(e, &b->messages[i], true, &messages[i]);
                if (r < 0)
                        return r;
                r = proto_tree_encode(e, &b->trees[i], &trees[i]);
                if (r < 0)
                        return r;
        }
        *ret_messages = messages;
        *ret_trees = trees;
        return 0;
}

static int decode_pull_reply(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PullMessagesResponse *p = proto;

        return decode_batch(d, p->messages_list, p->n_messages_list, p->message_object_trees,
                p->n_message_object_trees, ret);
}

static int encode_pull_reply(RpcEncoder *e, const void *message)
{
        const MessageBatch *b = message;
        Flwr__Proto__PullMessagesResponse p = FLWR__PROTO__PULL_MESSAGES_RESPONSE__INIT;

        int r = encode_batch(e, b, &p.messages_list, &p.message_object_trees);
        if (r < 0)
                return r;
        p.n_messages_list = p.n_message_object_trees = b->n;
        return rpc_encode_message(e, &p.base);
}

static int decode_push(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PushMessagesRequest *p = proto;
        MessageBatch *b = ret;

        b->node_id = proto_node_id(p->node);
        if (p->n_clientapp_runtime_list > 0) {
                b->runtimes = new0(double, p->n_clientapp_runtime_list);
                if (!b->runtimes)
                        return -ENOMEM;
                b->n_runtimes = p->n_clientapp_runtime_list;
                memcpy(b->runtimes, p->clientapp_runtime_list, b->n_runtimes * sizeof(double));
        }
        return decode_batch(d, p->messages_list, p->n_messages_list, p->message_object_trees,
                p->n_message_object_trees, b);
}

static int encode_push(RpcEncoder *e, const void *message)
{
        const MessageBatch *b = message;
        Flwr__Proto__Node node = proto_node(b->node_id);
        Flwr__Proto__PushMessagesRequest p = FLWR__PROTO__PUSH_MESSAGES_REQUEST__INIT;

        int r = encode_batch(e, b, &p.messages_list, &p.message_object_trees);
        if (r < 0)
                return r;
        p.node = &node;
        p.n_messages_list = p.n_message_object_trees = b->n;
        p.clientapp_runtime_list = b->runtimes;
        p.n_clientapp_runtime_list = b->n_runtimes;
        return rpc_encode_message(e, &p.base);
}

static int decode_app_push(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PushAppMessagesRequest *p = proto;
        MessageBatch *b = ret;

        b->run_id = p->run_id;
        int r = rpc_decode_token(d, p->token, &b->token);
        if (r < 0)
                return r;
        return decode_batch(d, p->messages_list, p->n_messages_list, p->message_object_trees,
                p->n_message_object_trees, b);
}

static int encode_app_push(RpcEncoder *e, const void *message)
{
        const MessageBatch *b = message;
        Flwr__Proto__PushAppMessagesRequest p = FLWR__PROTO__PUSH_APP_MESSAGES_REQUEST__INIT;

        int r = encode_batch(e, b, &p.messages_list, &p.message_object_trees);
        if (r < 0)
                return r;
        p.token = rpc_encode_string(b->token);
        p.run_id = b->run_id;
        p.n_messages_list = p.n_message_object_trees = b->n;
        return rpc_encode_message(e, &p.base);
}

static int decode_app_pull_reply(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PullAppMessagesResponse *p = proto;

        return decode_batch(d, p->messages_list, p->n_messages_list, p->message_object_trees,
                p->n_message_object_trees, ret);
}

static int encode_app_pull_reply(RpcEncoder *e, const void *message)
{
        const MessageBatch *b = message;
        Flwr__Proto__PullAppMessagesResponse p = FLWR__PROTO__PULL_APP_MESSAGES_RESPONSE__INIT;

        int r = encode_batch(e, b, &p.messages_list, &p.message_object_trees);
        if (r < 0)
                return r;
        p.n_messages_list = p.n_message_object_trees = b->n;
        return rpc_encode_message(e, &p.base);
}

static void batch_done(void *message)
{
        MessageBatch *b = message;

        for (size_t i = 0; i < b->n; i++) {
                message_done(&b->messages[i]);
                object_tree_done(&b->trees[i]);
        }
        b->messages = mfree(b->messages);
        b->trees = mfree(b->trees);
        b->runtimes = mfree(b->runtimes);
        b->token = mfree(b->token);
        b->n = b->n_runtimes = 0;
}

static int decode_push_reply(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PushMessagesResponse *p = proto;
        PushReply *m = ret;

        return rpc_decode_ids(d, "objects_to_push", p->objects_to_push, p->n_objects_to_push, false,
                &m->objects_to_push, &m->n_objects_to_push);
}

static int encode_push_reply(RpcEncoder *e, const void *message)
{
        const PushReply *m = message;
        Flwr__Proto__PushMessagesResponse p = FLWR__PROTO__PUSH_MESSAGES_RESPONSE__INIT;
        Flwr__Proto__Reconnect reconnect = FLWR__PROTO__RECONNECT__INIT;
        Flwr__Proto__ResultEntry **list = rpc_arena_alloc(&e->arena, m->n_message_ids, sizeof(*list));
        Flwr__Proto__ResultEntry *entries = rpc_arena_alloc(&e->arena, m->n_message_ids, sizeof(*entries));
        char **keys;

        if (!list || !entries)
                return -ENOMEM;
        int r = rpc_encode_ids(e, m->message_ids, m->n_message_ids, &keys);
        if (r < 0)
                return r;
        for (size_t i = 0; i < m->n_message_ids; i++) {
                entries[i] = (Flwr__Proto__ResultEntry) FLWR__PROTO__RESULT_ENTRY__INIT;
                entries[i].key = isempty(keys[i]) ? (char *) "None" : keys[i];
                list[i] = &entries[i];
        }
        p.results = list;
        p.n_results = m->n_message_ids;

        r = rpc_encode_ids(e, m->objects_to_push, m->n_objects_to_push, &p.objects_to_push);
        if (r < 0)
                return r;
        p.n_objects_to_push = m->n_objects_to_push;
        reconnect.reconnect = RECONNECT_SECONDS;
        p.reconnect = &reconnect;
        return rpc_encode_message(e, &p.base);
}

static int decode_app_push_reply(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PushAppMessagesResponse *p = proto;
        PushReply *m = ret;

        int r = rpc_decode_ids(d, "message_ids", p->message_ids, p->n_message_ids, true, &m->message_ids,
                &m->n_message_ids);
        if (r < 0)
                return r;
        return rpc_decode_ids(d, "objects_to_push", p->objects_to_push, p->n_objects_to_push, false,
                &m->objects_to_push, &m->n_objects_to_push);
}

static int encode_app_push_reply(RpcEncoder *e, const void *message)
{
        const PushReply *m = message;
        Flwr__Proto__PushAppMessagesResponse p = FLWR__PROTO__PUSH_APP_MESSAGES_RESPONSE__INIT;

        int r = rpc_encode_ids(e, m->message_ids, m->n_message_ids, &p.message_ids);
        if (r < 0)
                return r;
        r = rpc_encode_ids(e, m->objects_to_push, m->n_objects_to_push, &p.objects_to_push);
        if (r < 0)
                return r;
        p.n_message_ids = m->n_message_ids;
        p.n_objects_to_push = m->n_objects_to_push;
        return rpc_encode_message(e, &p.base);
}

static void push_reply_done(void *message)
{
        PushReply *m = message;

        m->message_ids = mfree(m->message_ids);
        m->objects_to_push = mfree(m->objects_to_push);
}

static int decode_ids(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PullAppMessagesRequest *p = proto;
        IdsRequest *m = ret;

        m->run_id = p->run_id;
        int r = rpc_decode_token(d, p->token, &m->token);
        if (r < 0)
                return r;
        return rpc_decode_ids(d, "message_ids", p->message_ids, p->n_message_ids, true, &m->ids, &m->n);
}

static int encode_ids(RpcEncoder *e, const void *message)
{
        const IdsRequest *m = message;
        Flwr__Proto__PullAppMessagesRequest p = FLWR__PROTO__PULL_APP_MESSAGES_REQUEST__INIT;

        int r = rpc_encode_ids(e, m->ids, m->n, &p.message_ids);
        if (r < 0)
                return r;
        p.n_message_ids = m->n;
        p.run_id = m->run_id;
        p.token = rpc_encode_string(m->token);
        return rpc_encode_message(e, &p.base);
}

static void ids_done(void *message)
{
        IdsRequest *m = message;

        m->token = mfree(m->token);
        m->ids = mfree(m->ids);
}

static const RpcKindRow rows[_RPC_KIND_MAX] = {
        [RPC_PULL_MESSAGES_RESPONSE] = RPC_KIND_ROW("PullMessagesResponse", MessageBatch,
                pull_messages_response, pull_reply, .done = batch_done),
        [RPC_PUSH_MESSAGES_REQUEST] = RPC_KIND_ROW(
                "PushMessagesRequest", MessageBatch, push_messages_request, push, .done = batch_done),
        [RPC_PUSH_APP_MESSAGES_REQUEST] = RPC_KIND_ROW("PushAppMessagesRequest", MessageBatch,
                push_app_messages_request, app_push, .done = batch_done),
        [RPC_PULL_APP_MESSAGES_RESPONSE] = RPC_KIND_ROW("PullAppMessagesResponse", MessageBatch,
                pull_app_messages_response, app_pull_reply, .done = batch_done),
        [RPC_PUSH_MESSAGES_RESPONSE] = RPC_KIND_ROW("PushMessagesResponse", PushReply,
                push_messages_response, push_reply, .done = push_reply_done),
        [RPC_PUSH_APP_MESSAGES_RESPONSE] = RPC_KIND_ROW("PushAppMessagesResponse", PushReply,
                push_app_messages_response, app_push_reply, .done = push_reply_done),
        [RPC_PULL_APP_MESSAGES_REQUEST] = RPC_KIND_ROW(
                "PullAppMessagesRequest", IdsRequest, pull_app_messages_request, ids, .done = ids_done),
};

const RpcKindRow *rpc_messages_row(RpcKind kind)
{
        return rows[kind].name ? &rows[kind] : NULL;
}
