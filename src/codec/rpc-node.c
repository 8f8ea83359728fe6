/* NodeRequest, NodeReply. */
#include "codec/proto-node.h"
#include "codec/proto/fleet.pb-c.h"
#include "codec/rpc-kind.h"

static ProtobufCBinaryData encode_public_key(const char *pem)
{
        return (ProtobufCBinaryData){strlen(strempty(pem)), (uint8_t *) pem};
}

static int decode_create(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__CreateNodeRequest *p = proto;
        NodeRequest *r = ret;

        r->heartbeat_interval = p->heartbeat_interval;
        return 0;
}

static int encode_create(RpcEncoder *e, const void *message)
{
        const NodeRequest *r = message;
        Flwr__Proto__CreateNodeRequest p = FLWR__PROTO__CREATE_NODE_REQUEST__INIT;

        p.heartbeat_interval = r->heartbeat_interval;
        return rpc_encode_message(e, &p.base);
}

static int decode_node_only(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__NodeOnlyRequest *p = proto;
        NodeRequest *r = ret;

        r->node_id = proto_node_id(p->node);
        return 0;
}

static int encode_node_only(RpcEncoder *e, const void *message)
{
        const NodeRequest *r = message;
        Flwr__Proto__Node node = proto_node(r->node_id);
        Flwr__Proto__NodeOnlyRequest p = FLWR__PROTO__NODE_ONLY_REQUEST__INIT;

        p.node = &node;
        return rpc_encode_message(e, &p.base);
}

static int decode_register(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__RegisterNodeFleetRequest *p = proto;
        NodeRequest *r = ret;

        return rpc_decode_public_key(d, &p->public_key, &r->public_key);
}

static int encode_register(RpcEncoder *e, const void *message)
{
        const NodeRequest *r = message;
        Flwr__Proto__RegisterNodeFleetRequest p = FLWR__PROTO__REGISTER_NODE_FLEET_REQUEST__INIT;

        p.public_key = encode_public_key(r->public_key);
        return rpc_encode_message(e, &p.base);
}

static int decode_activate(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__ActivateNodeRequest *p = proto;
        NodeRequest *r = ret;

        r->heartbeat_interval = p->heartbeat_interval;
        return rpc_decode_public_key(d, &p->public_key, &r->public_key);
}

static int encode_activate(RpcEncoder *e, const void *message)
{
        const NodeRequest *r = message;
        Flwr__Proto__ActivateNodeRequest p = FLWR__PROTO__ACTIVATE_NODE_REQUEST__INIT;

        p.public_key = encode_public_key(r->public_key);
        p.heartbeat_interval = r->heartbeat_interval;
        return rpc_encode_message(e, &p.base);
}

static int decode_id_request(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__NodeId *p = proto;
        NodeRequest *r = ret;

        r->node_id = p->node_id;
        return 0;
}

static int encode_id_request(RpcEncoder *e, const void *message)
{
        const NodeRequest *r = message;
        Flwr__Proto__NodeId p = FLWR__PROTO__NODE_ID__INIT;

        p.node_id = r->node_id;
        return rpc_encode_message(e, &p.base);
}

static int decode_heartbeat(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__SendNodeHeartbeatRequest *p = proto;
        NodeRequest *r = ret;

        r->node_id = proto_node_id(p->node);
        r->heartbeat_interval = p->heartbeat_interval;
        return 0;
}

static int encode_heartbeat(RpcEncoder *e, const void *message)
{
        const NodeRequest *r = message;
        Flwr__Proto__Node node = proto_node(r->node_id);
        Flwr__Proto__SendNodeHeartbeatRequest p = FLWR__PROTO__SEND_NODE_HEARTBEAT_REQUEST__INIT;

        p.node = &node;
        p.heartbeat_interval = r->heartbeat_interval;
        return rpc_encode_message(e, &p.base);
}

static void request_done(void *message)
{
        NodeRequest *r = message;
        r->public_key = mfree(r->public_key);
}

static int decode_create_reply(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__CreateNodeResponse *p = proto;
        NodeReply *r = ret;

        r->node_id = proto_node_id(p->node);
        return 0;
}

static int encode_create_reply(RpcEncoder *e, const void *message)
{
        const NodeReply *r = message;
        Flwr__Proto__Node node = proto_node(r->node_id);
        Flwr__Proto__CreateNodeResponse p = FLWR__PROTO__CREATE_NODE_RESPONSE__INIT;

        p.node = &node;
        return rpc_encode_message(e, &p.base);
}

static int decode_id_reply(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__NodeId *p = proto;
        NodeReply *r = ret;

        r->node_id = p->node_id;
        return 0;
}

static int encode_id_reply(RpcEncoder *e, const void *message)
{
        const NodeReply *r = message;
        Flwr__Proto__NodeId p = FLWR__PROTO__NODE_ID__INIT;

        p.node_id = r->node_id;
        return rpc_encode_message(e, &p.base);
}

#define REQUEST(text, proto, function) RPC_KIND_ROW(text, NodeRequest, proto, function, .done = request_done)
#define REPLY(text, proto, function) RPC_KIND_ROW(text, NodeReply, proto, function)

static const RpcKindRow rows[_RPC_KIND_MAX] = {
        [RPC_CREATE_NODE_REQUEST] = REQUEST("CreateNodeRequest", create_node_request, create),
        [RPC_DELETE_NODE_REQUEST] = REQUEST("DeleteNodeRequest", node_only_request, node_only),
        [RPC_REGISTER_NODE_FLEET_REQUEST] =
                REQUEST("RegisterNodeFleetRequest", register_node_fleet_request, register),
        [RPC_ACTIVATE_NODE_REQUEST] = REQUEST("ActivateNodeRequest", activate_node_request, activate),
        [RPC_DEACTIVATE_NODE_REQUEST] = REQUEST("DeactivateNodeRequest", node_id, id_request),
        [RPC_UNREGISTER_NODE_FLEET_REQUEST] = REQUEST("UnregisterNodeFleetRequest", node_id, id_request),
        [RPC_SEND_NODE_HEARTBEAT_REQUEST] =
                REQUEST("SendNodeHeartbeatRequest", send_node_heartbeat_request, heartbeat),
        [RPC_PULL_MESSAGES_REQUEST] = REQUEST("PullMessagesRequest", node_only_request, node_only),
        [RPC_CREATE_NODE_RESPONSE] = REPLY("CreateNodeResponse", create_node_response, create_reply),
        [RPC_REGISTER_NODE_FLEET_RESPONSE] = REPLY("RegisterNodeFleetResponse", node_id, id_reply),
        [RPC_ACTIVATE_NODE_RESPONSE] = REPLY("ActivateNodeResponse", node_id, id_reply),
};

const RpcKindRow *rpc_node_row(RpcKind kind)
{
        return rows[kind].name ? &rows[kind] : NULL;
}
