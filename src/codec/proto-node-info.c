#include "codec/proto-node-info.h"

#include "codec/proto-run.h"
#include "codec/proto-scan.h"
#include "codec/proto/control.pb-c.h"

/* In 1.23 the number of online_until, of a text later. */
#define ONLINE_UNTIL_123 8
/* In 1.23 the number of status, of the owner's name later. */
#define STATUS_123 3

static bool is_status(const uint8_t *data, size_t size)
{
        static const char *const words[] = {"registered", "online", "offline", "unregistered"};

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (size == strlen(words[i]) && memcmp(data, words[i], size) == 0)
                        return true;
        return false;
}

static bool is_123(const ProtobufCBinaryData *b)
{
        const uint8_t *p = b->data, *end = b->data + b->len;
        ProtoField f;

        while (p < end && proto_field_next(&p, end, &f) >= 0) {
                if (f.number == ONLINE_UNTIL_123 && f.wire_type == PROTOBUF_C_WIRE_TYPE_64BIT)
                        return true;
                if (f.number == STATUS_123 && f.wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
                        is_status(f.data, f.size))
                        return true;
        }
        return false;
}

static int decode_new(RpcDecoder *d, const Blob *wire, Flwr__Proto__NodeInfo *ret)
{
        void *p;
        int r = rpc_decoder_unpack(d, &flwr__proto__node_info__descriptor, wire, &p);

        if (r >= 0)
                *ret = *(const Flwr__Proto__NodeInfo *) p;
        return r;
}

static int decode_old(RpcDecoder *d, const Blob *wire, Flwr__Proto__NodeInfo *ret)
{
        const Flwr__Proto__NodeInfo123 *old;
        Flwr__Proto__NodeInfo n = FLWR__PROTO__NODE_INFO__INIT;
        void *p;
        int r = rpc_decoder_unpack(d, &flwr__proto__node_info123__descriptor, wire, &p);

        if (r < 0)
                return r;
        old = p;
        n.node_id = old->node_id;
        n.owner_aid = old->owner_aid;
        n.status = old->status;
        n.registered_at = old->registered_at;
        n.last_activated_at = old->last_activated_at;
        n.last_deactivated_at = old->last_deactivated_at;
        n.unregistered_at = old->unregistered_at;
        n.online_until = old->online_until;
        n.heartbeat_interval = old->heartbeat_interval;
        n.public_key = old->public_key;
        *ret = n;
        return 0;
}

static int decode_times(RpcDecoder *d, const Flwr__Proto__NodeInfo *p, NodeInfo *ret)
{
        int r;

        if ((r = proto_time_decode(d, "registered_at", p->registered_at, &ret->registered_at)) < 0 ||
                (r = proto_time_decode(
                         d, "last_activated_at", p->last_activated_at, &ret->last_activated_at)) < 0 ||
                (r = proto_time_decode(
                         d, "last_deactivated_at", p->last_deactivated_at, &ret->last_deactivated_at)) < 0)
                return r;
        return proto_time_decode(d, "unregistered_at", p->unregistered_at, &ret->unregistered_at);
}

static int decode_one(RpcDecoder *d, const ProtobufCBinaryData *b, NodeInfo *ret)
{
        const Blob wire = {.data = b->data, .size = b->len};
        Flwr__Proto__NodeInfo p;
        int r;

        r = is_123(b) ? decode_old(d, &wire, &p) : decode_new(d, &wire, &p);
        if (r < 0)
                return r;
        if (p.node_id == 0)
                return rpc_decoder_refuse(d, "node_id", "a node has no id");
        ret->node_id = p.node_id;
        ret->online_until = p.online_until;
        ret->heartbeat_interval = p.heartbeat_interval;
        if ((r = rpc_decode_string(p.owner_aid, &ret->owner_aid)) < 0 ||
                (r = rpc_decode_string(p.owner_name, &ret->owner_name)) < 0 ||
                (r = rpc_decode_string(p.status, &ret->status)) < 0 || (r = decode_times(d, &p, ret)) < 0)
                return r;
        return rpc_decode_public_key(d, &p.public_key, &ret->public_key);
}

int proto_node_infos_decode(
        RpcDecoder *d, const ProtobufCBinaryData *list, size_t n, NodeInfo **ret, size_t *ret_n)
{
        *ret = new0(NodeInfo, MAX(n, (size_t) 1));
        if (!*ret)
                return -ENOMEM;
        while (*ret_n < n) {
                size_t i = (*ret_n)++;
                int r = decode_one(d, &list[i], &(*ret)[i]);

                if (r < 0)
                        return r;
        }
        return 0;
}

int proto_bytes_encode(RpcEncoder *e, const ProtobufCMessage *m, ProtobufCBinaryData *ret)
{
        size_t size = protobuf_c_message_get_packed_size(m);
        uint8_t *data = rpc_arena_alloc(&e->arena, size, 1);

        if (!data)
                return -ENOMEM;
        protobuf_c_message_pack(m, data);
        *ret = (ProtobufCBinaryData){size, data};
        return 0;
}

static int encode_one(RpcEncoder *e, const NodeInfo *n, ProtobufCBinaryData *ret)
{
        char times[4][ISO_TIME_MAX];
        Flwr__Proto__NodeInfo p = FLWR__PROTO__NODE_INFO__INIT;

        p.node_id = n->node_id;
        p.owner_aid = rpc_encode_string(n->owner_aid);
        p.owner_name = rpc_encode_string(n->owner_name);
        p.status = rpc_encode_string(n->status);
        p.registered_at = iso_time_format(n->registered_at, times[0]);
        p.last_activated_at = iso_time_format(n->last_activated_at, times[1]);
        p.last_deactivated_at = iso_time_format(n->last_deactivated_at, times[2]);
        p.unregistered_at = iso_time_format(n->unregistered_at, times[3]);
        p.online_until = n->online_until;
        p.heartbeat_interval = n->heartbeat_interval;
        p.public_key = (ProtobufCBinaryData){strlen(strempty(n->public_key)), (uint8_t *) n->public_key};
        return proto_bytes_encode(e, &p.base, ret);
}

int proto_node_infos_encode(RpcEncoder *e, const NodeInfo *nodes, size_t n, ProtobufCBinaryData **ret)
{
        ProtobufCBinaryData *list = rpc_arena_alloc(&e->arena, n, sizeof(*list));

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = encode_one(e, &nodes[i], &list[i]);

                if (r < 0)
                        return r;
        }
        *ret = list;
        return 0;
}

void proto_node_infos_done(NodeInfo **nodes, size_t *n)
{
        for (size_t i = 0; i < *n; i++) {
                NodeInfo *node = &(*nodes)[i];

                free(node->owner_aid);
                free(node->owner_name);
                free(node->status);
                free(node->public_key);
        }
        *nodes = mfree(*nodes);
        *n = 0;
}
