#include "codec/proto-message.h"

static int decode_text(RpcDecoder *d, const char *field, const char *s, size_t max, char **ret)
{
        if (strlen(s) > max)
                return rpc_decoder_refuse(d, field, "too long");
        return rpc_decode_string(s, ret);
}

static int decode_metadata(RpcDecoder *d, const Flwr__Proto__Metadata *p, Metadata *ret)
{
        static const Flwr__Proto__Metadata absent = FLWR__PROTO__METADATA__INIT;

        if (!p)
                p = &absent;

        ret->run_id = p->run_id;
        ret->src_node_id = p->src_node_id;
        ret->dst_node_id = p->dst_node_id;
        ret->ttl = p->ttl;
        ret->created_at = p->created_at;

        int r = rpc_decode_id(d, "message_id", p->message_id, true, &ret->message_id);
        if (r < 0)
                return r;
        r = rpc_decode_id(d, "reply_to_message_id", p->reply_to_message_id, true, &ret->reply_to);
        if (r < 0)
                return r;
        r = decode_text(d, "group_id", p->group_id, MESSAGE_GROUP_LENGTH_MAX, &ret->group_id);
        if (r < 0)
                return r;
        return decode_text(d, "message_type", p->message_type, MESSAGE_TYPE_LENGTH_MAX, &ret->message_type);
}

static int decode_reason(const char *s, char **ret)
{
        size_t n = strnlen(s, MESSAGE_REASON_LENGTH_MAX);

        /* Never in the middle of a character. */
        while (n > 0 && ((uint8_t) s[n] & 0xc0) == 0x80)
                n--;
        char *copy = strndup(s, n);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

int proto_message_decode(RpcDecoder *d, const Flwr__Proto__Message *p, Message *ret)
{
        ret->has_content = p->content_presence_case == FLWR__PROTO__MESSAGE__CONTENT_PRESENCE_CONTENT;
        ret->has_error = p->error;

        int r = decode_metadata(d, p->metadata, &ret->metadata);
        if (r < 0 || !p->error)
                return r;
        ret->error_code = p->error->code;
        return decode_reason(p->error->reason, &ret->error_reason);
}

static int encode_metadata(RpcEncoder *e, const Metadata *m, bool with_id, Flwr__Proto__Metadata *ret)
{
        *ret = (Flwr__Proto__Metadata) FLWR__PROTO__METADATA__INIT;
        ret->run_id = m->run_id;
        ret->message_id = with_id ? rpc_encode_id(e, &m->message_id) : rpc_encode_string(NULL);
        ret->src_node_id = m->src_node_id;
        ret->dst_node_id = m->dst_node_id;
        ret->reply_to_message_id = rpc_encode_id(e, &m->reply_to);
        ret->group_id = rpc_encode_string(m->group_id);
        ret->ttl = m->ttl;
        ret->message_type = rpc_encode_string(m->message_type);
        ret->created_at = m->created_at;
        return ret->message_id && ret->reply_to_message_id ? 0 : -ENOMEM;
}

int proto_message_encode(RpcEncoder *e, const Message *m, bool with_id, Flwr__Proto__Message **ret)
{
        Flwr__Proto__Message *p = rpc_arena_alloc(&e->arena, 1, sizeof(*p));
        Flwr__Proto__Metadata *metadata = rpc_arena_alloc(&e->arena, 1, sizeof(*metadata));
        if (!p || !metadata)
                return -ENOMEM;

        flwr__proto__message__init(p);
        p->metadata = metadata;
        int r = encode_metadata(e, &m->metadata, with_id, metadata);
        if (r < 0)
                return r;

        if (m->has_content)
                p->content_presence_case = FLWR__PROTO__MESSAGE__CONTENT_PRESENCE_CONTENT;
        if (m->has_error) {
                p->error = rpc_arena_alloc(&e->arena, 1, sizeof(*p->error));
                if (!p->error)
                        return -ENOMEM;
                *p->error = (Flwr__Proto__Error) FLWR__PROTO__ERROR__INIT;
                p->error->code = m->error_code;
                p->error->reason = rpc_encode_string(m->error_reason);
        }
        *ret = p;
        return 0;
}

int proto_tree_decode(RpcDecoder *d, const Flwr__Proto__ObjectTree *p, ObjectTree *ret)
{
        int r = rpc_decode_id(d, "object_id", p->object_id, false, &ret->id);
        if (r < 0 || p->n_children == 0)
                return r;

        ret->children = new0(ObjectTree, p->n_children);
        if (!ret->children)
                return -ENOMEM;
        ret->n_children = p->n_children;
        for (size_t i = 0; i < p->n_children; i++) {
                r = proto_tree_decode(d, p->children[i], &ret->children[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int proto_tree_encode(RpcEncoder *e, const ObjectTree *t, Flwr__Proto__ObjectTree **ret)
{
        Flwr__Proto__ObjectTree *p = rpc_arena_alloc(&e->arena, 1, sizeof(*p));
        Flwr__Proto__ObjectTree **children = rpc_arena_alloc(&e->arena, t->n_children, sizeof(*children));
        if (!p || !children)
                return -ENOMEM;

        *p = (Flwr__Proto__ObjectTree) FLWR__PROTO__OBJECT_TREE__INIT;
        p->object_id = rpc_encode_id(e, &t->id);
        if (!p->object_id)
                return -ENOMEM;
        for (size_t i = 0; i < t->n_children; i++) {
                int r = proto_tree_encode(e, &t->children[i], &children[i]);
                if (r < 0)
                        return r;
        }
        p->children = children;
        p->n_children = t->n_children;
        *ret = p;
        return 0;
}
