/* ObjectRequest, ObjectReply. */
#include "codec/proto-node.h"
#include "codec/rpc-kind.h"

#define PUSH_REQUEST_CONTENT 4
#define PULL_RESPONSE_CONTENT 3

static int decode_push(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PushObjectRequest *p = proto;
        ObjectRequest *r = ret;

        r->node_id = proto_node_id(p->node);
        r->run_id = p->run_id;
        r->content = d->envelope.cuts[0] ? TAKE_PTR(d->envelope.cuts[0]) : blob_new(NULL, 0);
        if (!r->content)
                return -ENOMEM;
        return rpc_decode_id(d, "object_id", p->object_id, false, &r->id);
}

static int encode_push(RpcEncoder *e, const void *message)
{
        const ObjectRequest *m = message;
        Flwr__Proto__Node node = proto_node(m->node_id);
        Flwr__Proto__PushObjectRequest p = FLWR__PROTO__PUSH_OBJECT_REQUEST__INIT;
        char id[OBJECT_ID_HEX_MAX];

        p.node = &node;
        p.run_id = m->run_id;
        p.object_id = object_id_format(&m->id, id);
        int r = rpc_encode_message(e, &p.base);
        if (r < 0)
                return r;
        if (m->parts.n > 0)
                return rpc_encode_parts(e, PUSH_REQUEST_CONTENT, &m->parts);
        return rpc_encode_bytes(e, PUSH_REQUEST_CONTENT, m->content);
}

static int decode_pull(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PullObjectRequest *p = proto;
        ObjectRequest *r = ret;

        r->node_id = proto_node_id(p->node);
        r->run_id = p->run_id;
        return rpc_decode_id(d, "object_id", p->object_id, false, &r->id);
}

static int encode_pull(RpcEncoder *e, const void *message)
{
        const ObjectRequest *m = message;
        Flwr__Proto__Node node = proto_node(m->node_id);
        Flwr__Proto__PullObjectRequest p = FLWR__PROTO__PULL_OBJECT_REQUEST__INIT;
        char id[OBJECT_ID_HEX_MAX];

        p.node = &node;
        p.run_id = m->run_id;
        p.object_id = object_id_format(&m->id, id);
        return rpc_encode_message(e, &p.base);
}

static int decode_confirm(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__ConfirmMessageReceivedRequest *p = proto;
        ObjectRequest *r = ret;

        r->node_id = proto_node_id(p->node);
        r->run_id = p->run_id;
        return rpc_decode_id(d, "message_object_id", p->message_object_id, false, &r->id);
}

static int encode_confirm(RpcEncoder *e, const void *message)
{
        const ObjectRequest *m = message;
        Flwr__Proto__Node node = proto_node(m->node_id);
        Flwr__Proto__ConfirmMessageReceivedRequest p = FLWR__PROTO__CONFIRM_MESSAGE_RECEIVED_REQUEST__INIT;
        char id[OBJECT_ID_HEX_MAX];

        p.node = &node;
        p.run_id = m->run_id;
        p.message_object_id = object_id_format(&m->id, id);
        return rpc_encode_message(e, &p.base);
}

static void request_done(void *message)
{
        ObjectRequest *r = message;
        r->content = blob_unref(r->content);
        blobvec_done(&r->parts);
}

static int decode_push_reply(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PushObjectResponse *p = proto;
        ObjectReply *r = ret;

        r->stored = p->stored;
        return 0;
}

static int encode_push_reply(RpcEncoder *e, const void *message)
{
        const ObjectReply *m = message;
        Flwr__Proto__PushObjectResponse p = FLWR__PROTO__PUSH_OBJECT_RESPONSE__INIT;

        p.stored = m->stored;
        return rpc_encode_message(e, &p.base);
}

static int decode_pull_reply(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PullObjectResponse *p = proto;
        ObjectReply *r = ret;

        r->found = p->object_found;
        r->available = p->object_available;
        r->content = TAKE_PTR(d->envelope.cuts[0]);
        return 0;
}

static int encode_pull_reply(RpcEncoder *e, const void *message)
{
        const ObjectReply *m = message;
        Flwr__Proto__PullObjectResponse p = FLWR__PROTO__PULL_OBJECT_RESPONSE__INIT;

        p.object_found = m->found;
        p.object_available = m->available;
        int r = rpc_encode_message(e, &p.base);
        if (r < 0)
                return r;
        return rpc_encode_bytes(e, PULL_RESPONSE_CONTENT, m->content);
}

static void reply_done(void *message)
{
        ObjectReply *r = message;
        r->content = blob_unref(r->content);
}

static const RpcKindRow rows[_RPC_KIND_MAX] = {
        [RPC_PUSH_OBJECT_REQUEST] = RPC_KIND_ROW("PushObjectRequest", ObjectRequest, push_object_request,
                push, .cuts = {PUSH_REQUEST_CONTENT}, .done = request_done),
        [RPC_PULL_OBJECT_REQUEST] = RPC_KIND_ROW(
                "PullObjectRequest", ObjectRequest, pull_object_request, pull, .done = request_done),
        [RPC_CONFIRM_MESSAGE_RECEIVED_REQUEST] = RPC_KIND_ROW("ConfirmMessageReceivedRequest", ObjectRequest,
                confirm_message_received_request, confirm, .done = request_done),
        [RPC_PUSH_OBJECT_RESPONSE] = RPC_KIND_ROW(
                "PushObjectResponse", ObjectReply, push_object_response, push_reply, .done = reply_done),
        [RPC_PULL_OBJECT_RESPONSE] = RPC_KIND_ROW("PullObjectResponse", ObjectReply, pull_object_response,
                pull_reply, .cuts = {PULL_RESPONSE_CONTENT}, .done = reply_done),
};

const RpcKindRow *rpc_object_row(RpcKind kind)
{
        return rows[kind].name ? &rows[kind] : NULL;
}
