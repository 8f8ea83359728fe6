/* NodesReply, FederationsReply, FederationRequest, FederationReply. */
#include "codec/proto-node-info.h"
#include "codec/proto-run.h"
#include "codec/proto-scan.h"
#include "codec/proto/control.pb-c.h"
#include "codec/rpc-kind.h"

static int decode_nodes(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__ListNodesResponse *p = proto;
        NodesReply *m = ret;
        int r = proto_node_infos_decode(d, p->nodes_info, p->n_nodes_info, &m->nodes, &m->n);

        return r < 0 ? r : rpc_decode_string(p->now, &m->now);
}

static int encode_nodes(RpcEncoder *e, const void *message)
{
        const NodesReply *m = message;
        Flwr__Proto__ListNodesResponse p = FLWR__PROTO__LIST_NODES_RESPONSE__INIT;
        int r = proto_node_infos_encode(e, m->nodes, m->n, &p.nodes_info);

        if (r < 0)
                return r;
        p.n_nodes_info = m->n;
        p.now = rpc_encode_string(m->now);
        return rpc_encode_message(e, &p.base);
}

static void nodes_done(void *message)
{
        NodesReply *m = message;

        proto_node_infos_done(&m->nodes, &m->n);
        m->now = mfree(m->now);
}

/* ---- federations ---- */

/* Of both layouts, under the names of the newer one; what a layout does not have is empty. */
typedef struct Parts {
        char *name, *description;
        ProtobufCBinaryData *nodes;
        size_t n_nodes;
        Flwr__Proto__Run **runs;
        size_t n_runs;
        bool archived;
} Parts;

/* A field that both layouts have under one number, for different things. In the newer one it is a message
 * that begins with its field 1, of that type; its older text does not begin with such a control character.
 */
static bool is_other_text(const ProtoField *f, unsigned wire_type)
{
        return f->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && f->size > 0 &&
               f->data[0] != (1 << 3 | wire_type);
}

static bool is_old_name(const ProtoField *f)
{
        return f->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
               f->size == strlen(RPC_FEDERATION_NAME_OLD) &&
               memcmp(f->data, RPC_FEDERATION_NAME_OLD, f->size) == 0;
}

static bool is_124(const ProtobufCBinaryData *b)
{
        const uint8_t *p = b->data, *end = b->data + b->len;
        ProtoField f;

        while (p < end && proto_field_next(&p, end, &f) >= 0) {
                switch (f.number) {
                case 1: /* name */
                        if (is_old_name(&f))
                                return true;
                        break;
                case 2: /* member_aids; nodes */
                        if (is_other_text(&f, PROTOBUF_C_WIRE_TYPE_VARINT))
                                return true;
                        break;
                case 5: /* description; members */
                        if (is_other_text(&f, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED))
                                return true;
                        break;
                case 6: /* accounts; archived */
                        if (f.wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
                                return true;
                        break;
                }
        }
        return false;
}

static int make_members(size_t n, Federation *ret)
{
        ret->members = new0(FederationMember, MAX(n, (size_t) 1));
        if (!ret->members)
                return -ENOMEM;
        ret->n_members = n;
        return 0;
}

static int set_member(FederationMember *m, const char *id, const char *name, const char *role)
{
        int r;

        if ((r = rpc_decode_string(id, &m->account_id)) < 0 ||
                (r = rpc_decode_string(name, &m->account_name)) < 0)
                return r;
        return rpc_decode_string(role, &m->role);
}

static int decode_new(RpcDecoder *d, const Blob *wire, Parts *ret_parts, Federation *ret)
{
        const Flwr__Proto__Federation *p;
        void *proto;
        int r = rpc_decoder_unpack(d, &flwr__proto__federation__descriptor, wire, &proto);

        if (r < 0)
                return r;
        p = proto;
        *ret_parts = (Parts){p->name, p->description, p->nodes, p->n_nodes, p->runs, p->n_runs, p->archived};
        r = make_members(p->n_members, ret);
        for (size_t i = 0; i < p->n_members && r >= 0; i++) {
                const Flwr__Proto__Account *a = p->members[i]->account;

                r = set_member(&ret->members[i], a ? a->id : NULL, a ? a->name : NULL, p->members[i]->role);
        }
        return r;
}

static int decode_124(RpcDecoder *d, const Blob *wire, Parts *ret_parts, Federation *ret)
{
        const Flwr__Proto__Federation124 *p;
        void *proto;
        int r = rpc_decoder_unpack(d, &flwr__proto__federation124__descriptor, wire, &proto);

        if (r < 0)
                return r;
        p = proto;
        *ret_parts = (Parts){p->name, p->description, p->nodes, p->n_nodes, p->runs, p->n_runs, false};
        if (p->n_accounts > 0) {
                r = make_members(p->n_accounts, ret);
                for (size_t i = 0; i < p->n_accounts && r >= 0; i++)
                        r = set_member(&ret->members[i], p->accounts[i]->id, p->accounts[i]->name, NULL);
        } else {
                r = make_members(p->n_member_aids, ret);
                for (size_t i = 0; i < p->n_member_aids && r >= 0; i++)
                        r = set_member(&ret->members[i], p->member_aids[i], NULL, NULL);
        }
        return r;
}

static int decode_runs(RpcDecoder *d, const Parts *p, Federation *ret)
{
        ret->runs = new0(Run *, MAX(p->n_runs, (size_t) 1));
        if (!ret->runs)
                return -ENOMEM;
        for (; ret->n_runs < p->n_runs; ret->n_runs++) {
                _cleanup_(run_freep) Run *run = new0(Run, 1);
                int r;

                if (!run)
                        return -ENOMEM;
                r = proto_run_decode(d, p->runs[ret->n_runs], run);
                if (r < 0)
                        return r;
                ret->runs[ret->n_runs] = TAKE_PTR(run);
        }
        return 0;
}

static int decode_one(RpcDecoder *d, const ProtobufCBinaryData *b, Federation *ret)
{
        const Blob wire = {.data = b->data, .size = b->len};
        Parts p = {};
        int r;

        r = is_124(b) ? decode_124(d, &wire, &p, ret) : decode_new(d, &wire, &p, ret);
        if (r < 0)
                return r;
        ret->archived = p.archived;
        if ((r = rpc_decode_string(p.name, &ret->name)) < 0 ||
                (r = rpc_decode_string(p.description, &ret->description)) < 0 ||
                (r = proto_node_infos_decode(d, p.nodes, p.n_nodes, &ret->nodes, &ret->n_nodes)) < 0)
                return r;
        return decode_runs(d, &p, ret);
}

static int encode_runs(RpcEncoder *e, const Federation *f, Flwr__Proto__Run ***ret)
{
        Flwr__Proto__Run **list = rpc_arena_alloc(&e->arena, f->n_runs, sizeof(*list));

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < f->n_runs; i++) {
                int r = proto_run_encode(e, f->runs[i], &list[i]);

                if (r < 0)
                        return r;
        }
        *ret = list;
        return 0;
}

static int encode_accounts(RpcEncoder *e, const Federation *f, Flwr__Proto__Account ***ret)
{
        Flwr__Proto__Account **list = rpc_arena_alloc(&e->arena, f->n_members, sizeof(*list));
        Flwr__Proto__Account *accounts = rpc_arena_alloc(&e->arena, f->n_members, sizeof(*accounts));

        if (!list || !accounts)
                return -ENOMEM;
        for (size_t i = 0; i < f->n_members; i++) {
                accounts[i] = (Flwr__Proto__Account) FLWR__PROTO__ACCOUNT__INIT;
                accounts[i].id = rpc_encode_string(f->members[i].account_id);
                accounts[i].name = rpc_encode_string(f->members[i].account_name);
                list[i] = &accounts[i];
        }
        *ret = list;
        return 0;
}

static int encode_new(RpcEncoder *e, const Federation *f, ProtobufCBinaryData *ret)
{
        Flwr__Proto__Federation p = FLWR__PROTO__FEDERATION__INIT;
        Flwr__Proto__Member **list = rpc_arena_alloc(&e->arena, f->n_members, sizeof(*list));
        Flwr__Proto__Member *members = rpc_arena_alloc(&e->arena, f->n_members, sizeof(*members));
        Flwr__Proto__Account **accounts;
        int r;

        if (!list || !members)
                return -ENOMEM;
        if ((r = encode_accounts(e, f, &accounts)) < 0 || (r = encode_runs(e, f, &p.runs)) < 0 ||
                (r = proto_node_infos_encode(e, f->nodes, f->n_nodes, &p.nodes)) < 0)
                return r;
        for (size_t i = 0; i < f->n_members; i++) {
                members[i] = (Flwr__Proto__Member) FLWR__PROTO__MEMBER__INIT;
                members[i].account = accounts[i];
                members[i].role = rpc_encode_string(f->members[i].role);
                list[i] = &members[i];
        }
        p.name = rpc_encode_string(f->name);
        p.description = rpc_encode_string(f->description);
        p.members = list;
        p.n_members = f->n_members;
        p.n_nodes = f->n_nodes;
        p.n_runs = f->n_runs;
        p.archived = f->archived;
        return proto_bytes_encode(e, &p.base, ret);
}

static int encode_124(RpcEncoder *e, const Federation *f, ProtobufCBinaryData *ret)
{
        Flwr__Proto__Federation124 p = FLWR__PROTO__FEDERATION124__INIT;
        char **ids = rpc_arena_alloc(&e->arena, f->n_members, sizeof(*ids));
        int r;

        if (!ids)
                return -ENOMEM;
        if ((r = encode_accounts(e, f, &p.accounts)) < 0 || (r = encode_runs(e, f, &p.runs)) < 0 ||
                (r = proto_node_infos_encode(e, f->nodes, f->n_nodes, &p.nodes)) < 0)
                return r;
        for (size_t i = 0; i < f->n_members; i++)
                ids[i] = rpc_encode_string(f->members[i].account_id);
        p.name = rpc_encode_string(f->name);
        p.description = rpc_encode_string(f->description);
        p.member_aids = ids;
        p.n_member_aids = p.n_accounts = f->n_members;
        p.n_nodes = f->n_nodes;
        p.n_runs = f->n_runs;
        return proto_bytes_encode(e, &p.base, ret);
}

static int encode_one(RpcEncoder *e, const Federation *f, ProtobufCBinaryData *ret)
{
        return streq_ptr(f->name, RPC_FEDERATION_NAME_OLD) ? encode_124(e, f, ret) : encode_new(e, f, ret);
}

static void federation_done(Federation *f)
{
        f->name = mfree(f->name);
        f->description = mfree(f->description);
        for (size_t i = 0; i < f->n_members; i++) {
                free(f->members[i].account_id);
                free(f->members[i].account_name);
                free(f->members[i].role);
        }
        f->members = mfree(f->members);
        f->n_members = 0;
        proto_node_infos_done(&f->nodes, &f->n_nodes);
        for (size_t i = 0; i < f->n_runs; i++)
                run_free(f->runs[i]);
        f->runs = mfree(f->runs);
        f->n_runs = 0;
}

static int decode_federations(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__ListFederationsResponse *p = proto;
        FederationsReply *m = ret;

        m->federations = new0(Federation, MAX(p->n_federations, (size_t) 1));
        if (!m->federations)
                return -ENOMEM;
        while (m->n < p->n_federations) {
                size_t i = m->n++;
                int r = decode_one(d, &p->federations[i], &m->federations[i]);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int encode_federations(RpcEncoder *e, const void *message)
{
        const FederationsReply *m = message;
        Flwr__Proto__ListFederationsResponse p = FLWR__PROTO__LIST_FEDERATIONS_RESPONSE__INIT;

        p.federations = rpc_arena_alloc(&e->arena, m->n, sizeof(*p.federations));
        if (!p.federations)
                return -ENOMEM;
        for (; p.n_federations < m->n; p.n_federations++) {
                int r = encode_one(e, &m->federations[p.n_federations], &p.federations[p.n_federations]);

                if (r < 0)
                        return r;
        }
        return rpc_encode_message(e, &p.base);
}

static void federations_done(void *message)
{
        FederationsReply *m = message;

        for (size_t i = 0; i < m->n; i++)
                federation_done(&m->federations[i]);
        m->federations = mfree(m->federations);
        m->n = 0;
}

static int decode_show(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__ShowFederationRequest *p = proto;
        FederationRequest *m = ret;

        return rpc_decode_string(p->federation_name, &m->name);
}

static int encode_show(RpcEncoder *e, const void *message)
{
        const FederationRequest *m = message;
        Flwr__Proto__ShowFederationRequest p = FLWR__PROTO__SHOW_FEDERATION_REQUEST__INIT;

        p.federation_name = rpc_encode_string(m->name);
        return rpc_encode_message(e, &p.base);
}

static void show_done(void *message)
{
        FederationRequest *m = message;
        m->name = mfree(m->name);
}

static int decode_federation(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__ShowFederationResponse *p = proto;
        FederationReply *m = ret;
        int r = decode_one(d, &p->federation, &m->federation);

        return r < 0 ? r : rpc_decode_string(p->now, &m->now);
}

static int encode_federation(RpcEncoder *e, const void *message)
{
        const FederationReply *m = message;
        Flwr__Proto__ShowFederationResponse p = FLWR__PROTO__SHOW_FEDERATION_RESPONSE__INIT;
        int r = encode_one(e, &m->federation, &p.federation);

        if (r < 0)
                return r;
        p.now = rpc_encode_string(m->now);
        return rpc_encode_message(e, &p.base);
}

static void federation_reply_done(void *message)
{
        FederationReply *m = message;

        federation_done(&m->federation);
        m->now = mfree(m->now);
}

static const RpcKindRow rows[_RPC_KIND_MAX] = {
        [RPC_LIST_NODES_RESPONSE] = RPC_KIND_ROW(
                "ListNodesResponse", NodesReply, list_nodes_response, nodes, .done = nodes_done),
        [RPC_LIST_FEDERATIONS_RESPONSE] = RPC_KIND_ROW("ListFederationsResponse", FederationsReply,
                list_federations_response, federations, .done = federations_done),
        [RPC_SHOW_FEDERATION_REQUEST] = RPC_KIND_ROW("ShowFederationRequest", FederationRequest,
                show_federation_request, show, .done = show_done),
        [RPC_SHOW_FEDERATION_RESPONSE] = RPC_KIND_ROW("ShowFederationResponse", FederationReply,
                show_federation_response, federation, .done = federation_reply_done),
};

const RpcKindRow *rpc_federation_row(RpcKind kind)
{
        return rows[kind].name ? &rows[kind] : NULL;
}
