/* RunRequest, Run, BoolReply, NumbersReply. */
#include "codec/proto-node.h"
#include "codec/proto-run.h"
#include "codec/proto/appio.pb-c.h"
#include "codec/proto/control.pb-c.h"
#include "codec/rpc-kind.h"

static void set_run_id(RunRequest *m, uint64_t run_id)
{
        m->run_id = run_id;
        m->has_run_id = true;
}

static int decode_get_run(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__GetRunRequest *p = proto;
        RunRequest *m = ret;

        m->node_id = proto_node_id(p->node);
        set_run_id(m, p->run_id);
        return 0;
}

static int encode_get_run(RpcEncoder *e, const void *message)
{
        const RunRequest *m = message;
        Flwr__Proto__Node node = proto_node(m->node_id);
        Flwr__Proto__GetRunRequest p = FLWR__PROTO__GET_RUN_REQUEST__INIT;

        p.node = &node;
        p.run_id = m->run_id;
        return rpc_encode_message(e, &p.base);
}

static int decode_get_fab(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__GetFabRequest *p = proto;
        RunRequest *m = ret;

        m->node_id = proto_node_id(p->node);
        set_run_id(m, p->run_id);
        return rpc_decode_id(d, "hash_str", p->hash_str, true, &m->fab_hash);
}

static int encode_get_fab(RpcEncoder *e, const void *message)
{
        const RunRequest *m = message;
        Flwr__Proto__Node node = proto_node(m->node_id);
        Flwr__Proto__GetFabRequest p = FLWR__PROTO__GET_FAB_REQUEST__INIT;
        char hash[OBJECT_ID_HEX_MAX];

        p.node = &node;
        p.run_id = m->run_id;
        p.hash_str = object_id_format(&m->fab_hash, hash);
        return rpc_encode_message(e, &p.base);
}

static int decode_run_id(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__RunIdRequest *p = proto;

        set_run_id(ret, p->run_id);
        return 0;
}

static int encode_run_id(RpcEncoder *e, const void *message)
{
        const RunRequest *m = message;
        Flwr__Proto__RunIdRequest p = FLWR__PROTO__RUN_ID_REQUEST__INIT;

        p.run_id = m->run_id;
        return rpc_encode_message(e, &p.base);
}

static int decode_inputs(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PullAppInputsRequest *p = proto;
        RunRequest *m = ret;

        return rpc_decode_token(d, p->token, &m->token);
}

static int encode_inputs(RpcEncoder *e, const void *message)
{
        const RunRequest *m = message;
        Flwr__Proto__PullAppInputsRequest p = FLWR__PROTO__PULL_APP_INPUTS_REQUEST__INIT;

        p.token = rpc_encode_string(m->token);
        return rpc_encode_message(e, &p.base);
}

/* The layouts give field 1 different wire types. The old one may lack it (run 0) and then starts with its
 * double. */
static bool heartbeat_is_old(const Blob *wire)
{
        return wire->size > 0 && (wire->data[0] == 0x08 || wire->data[0] == 0x11);
}

static int decode_heartbeat(RpcDecoder *d, const void *proto, void *ret)
{
        RunRequest *m = ret;
        void *p;

        if (heartbeat_is_old(d->wire)) {
                int r = rpc_decoder_unpack(
                        d, &flwr__proto__send_app_heartbeat_run_request__descriptor, d->wire, &p);
                if (r < 0)
                        return r;
                const Flwr__Proto__SendAppHeartbeatRunRequest *old = p;
                m->heartbeat_interval = old->heartbeat_interval;
                set_run_id(m, old->run_id);
                return 0;
        }

        int r = rpc_decoder_unpack(d, &flwr__proto__send_app_heartbeat_request__descriptor, d->wire, &p);
        if (r < 0)
                return r;
        return rpc_decode_token(d, ((const Flwr__Proto__SendAppHeartbeatRequest *) p)->token, &m->token);
}

static int encode_heartbeat(RpcEncoder *e, const void *message)
{
        const RunRequest *m = message;

        if (m->token) {
                Flwr__Proto__SendAppHeartbeatRequest p = FLWR__PROTO__SEND_APP_HEARTBEAT_REQUEST__INIT;
                p.token = m->token;
                return rpc_encode_message(e, &p.base);
        }

        Flwr__Proto__SendAppHeartbeatRunRequest p = FLWR__PROTO__SEND_APP_HEARTBEAT_RUN_REQUEST__INIT;
        p.run_id = m->run_id;
        p.heartbeat_interval = m->heartbeat_interval;
        return rpc_encode_message(e, &p.base);
}

static int decode_update(RpcDecoder *d, const void *proto, void *ret)
{
        static const Flwr__Proto__RunStatus absent = FLWR__PROTO__RUN_STATUS__INIT;
        const Flwr__Proto__UpdateRunStatusRequest *p = proto;
        const Flwr__Proto__RunStatus *status = p->run_status ? p->run_status : &absent;
        RunRequest *m = ret;

        set_run_id(m, p->run_id);
        int r = rpc_decode_string(status->status, &m->status);
        if (r < 0)
                return r;
        r = rpc_decode_string(status->sub_status, &m->sub_status);
        if (r < 0)
                return r;
        return rpc_decode_string(status->details, &m->details);
}

static int encode_update(RpcEncoder *e, const void *message)
{
        const RunRequest *m = message;
        Flwr__Proto__RunStatus status = FLWR__PROTO__RUN_STATUS__INIT;
        Flwr__Proto__UpdateRunStatusRequest p = FLWR__PROTO__UPDATE_RUN_STATUS_REQUEST__INIT;

        status.status = rpc_encode_string(m->status);
        status.sub_status = rpc_encode_string(m->sub_status);
        status.details = rpc_encode_string(m->details);
        p.run_id = m->run_id;
        p.run_status = &status;
        return rpc_encode_message(e, &p.base);
}

static int decode_logs(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__StreamLogsRequest *p = proto;
        RunRequest *m = ret;

        set_run_id(m, p->run_id);
        m->after_timestamp = p->after_timestamp;
        return 0;
}

static int encode_logs(RpcEncoder *e, const void *message)
{
        const RunRequest *m = message;
        Flwr__Proto__StreamLogsRequest p = FLWR__PROTO__STREAM_LOGS_REQUEST__INIT;

        p.run_id = m->run_id;
        p.after_timestamp = m->after_timestamp;
        return rpc_encode_message(e, &p.base);
}

static int decode_list(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__ListRunsRequest *p = proto;
        RunRequest *m = ret;

        m->has_run_id = p->run_id_presence_case == FLWR__PROTO__LIST_RUNS_REQUEST__RUN_ID_PRESENCE_RUN_ID;
        if (m->has_run_id)
                m->run_id = p->run_id;
        m->has_limit = p->limit_presence_case == FLWR__PROTO__LIST_RUNS_REQUEST__LIMIT_PRESENCE_LIMIT;
        if (m->has_limit)
                m->limit = p->limit;
        return 0;
}

static int encode_list(RpcEncoder *e, const void *message)
{
        const RunRequest *m = message;
        Flwr__Proto__ListRunsRequest p = FLWR__PROTO__LIST_RUNS_REQUEST__INIT;

        if (m->has_run_id) {
                p.run_id_presence_case = FLWR__PROTO__LIST_RUNS_REQUEST__RUN_ID_PRESENCE_RUN_ID;
                p.run_id = m->run_id;
        }
        if (m->has_limit) {
                p.limit_presence_case = FLWR__PROTO__LIST_RUNS_REQUEST__LIMIT_PRESENCE_LIMIT;
                p.limit = m->limit;
        }
        return rpc_encode_message(e, &p.base);
}

static void request_done(void *message)
{
        RunRequest *m = message;

        m->token = mfree(m->token);
        m->status = mfree(m->status);
        m->sub_status = mfree(m->sub_status);
        m->details = mfree(m->details);
}

static int decode_run_reply(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__GetRunResponse *p = proto;

        if (!p->run) {
                d->absent = true;
                return 0;
        }
        return proto_run_decode(d, p->run, ret);
}

static int encode_run_reply(RpcEncoder *e, const void *message)
{
        Flwr__Proto__GetRunResponse p = FLWR__PROTO__GET_RUN_RESPONSE__INIT;

        if (message) {
                int r = proto_run_encode(e, message, &p.run);
                if (r < 0)
                        return r;
        }
        return rpc_encode_message(e, &p.base);
}

static void run_reply_done(void *message)
{
        run_done(message);
}

static int decode_success(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__SuccessResponse *p = proto;
        BoolReply *m = ret;

        m->success = p->success;
        return 0;
}

static int encode_success(RpcEncoder *e, const void *message)
{
        const BoolReply *m = message;
        Flwr__Proto__SuccessResponse p = FLWR__PROTO__SUCCESS_RESPONSE__INIT;

        p.success = m->success;
        return rpc_encode_message(e, &p.base);
}

static int new_numbers(NumbersReply *m, size_t n)
{
        if (n == 0)
                return 0;
        m->numbers = new0(uint64_t, n);
        if (!m->numbers)
                return -ENOMEM;
        m->n = n;
        return 0;
}

static int decode_launch(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__ListAppsToLaunchResponse *p = proto;
        NumbersReply *m = ret;

        int r = new_numbers(m, p->n_run_ids);
        if (r < 0)
                return r;
        for (size_t i = 0; i < m->n; i++)
                m->numbers[i] = p->run_ids[i];
        return 0;
}

static int encode_launch(RpcEncoder *e, const void *message)
{
        const NumbersReply *m = message;
        Flwr__Proto__ListAppsToLaunchResponse p = FLWR__PROTO__LIST_APPS_TO_LAUNCH_RESPONSE__INIT;

        p.run_ids = m->numbers;
        p.n_run_ids = m->n;
        return rpc_encode_message(e, &p.base);
}

static int decode_nodes(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__GetNodesResponse *p = proto;
        NumbersReply *m = ret;

        int r = new_numbers(m, p->n_nodes);
        if (r < 0)
                return r;
        for (size_t i = 0; i < m->n; i++)
                m->numbers[i] = p->nodes[i]->node_id;
        return 0;
}

static int encode_nodes(RpcEncoder *e, const void *message)
{
        const NumbersReply *m = message;
        Flwr__Proto__GetNodesResponse p = FLWR__PROTO__GET_NODES_RESPONSE__INIT;
        Flwr__Proto__Node **list = rpc_arena_alloc(&e->arena, m->n, sizeof(*list));
        Flwr__Proto__Node *nodes = rpc_arena_alloc(&e->arena, m->n, sizeof(*nodes));

        if (!list || !nodes)
                return -ENOMEM;
        for (size_t i = 0; i < m->n; i++) {
                nodes[i] = proto_node(m->numbers[i]);
                list[i] = &nodes[i];
        }
        p.nodes = list;
        p.n_nodes = m->n;
        return rpc_encode_message(e, &p.base);
}

static void numbers_done(void *message)
{
        NumbersReply *m = message;

        m->numbers = mfree(m->numbers);
        m->n = 0;
}

#define REQUEST(text, proto, function) RPC_KIND_ROW(text, RunRequest, proto, function, .done = request_done)

static const RpcKindRow rows[_RPC_KIND_MAX] = {
        [RPC_GET_RUN_REQUEST] = REQUEST("GetRunRequest", get_run_request, get_run),
        [RPC_GET_FAB_REQUEST] = REQUEST("GetFabRequest", get_fab_request, get_fab),
        [RPC_REQUEST_TOKEN_REQUEST] = REQUEST("RequestTokenRequest", run_id_request, run_id),
        [RPC_PULL_APP_INPUTS_REQUEST] = REQUEST("PullAppInputsRequest", pull_app_inputs_request, inputs),
        [RPC_SEND_APP_HEARTBEAT_REQUEST] = {.name = "SendAppHeartbeatRequest",
                .size = sizeof(RunRequest),
                .decode = decode_heartbeat,
                .encode = encode_heartbeat,
                .done = request_done},
        [RPC_UPDATE_RUN_STATUS_REQUEST] =
                REQUEST("UpdateRunStatusRequest", update_run_status_request, update),
        [RPC_GET_NODES_REQUEST] = REQUEST("GetNodesRequest", run_id_request, run_id),
        [RPC_STOP_RUN_REQUEST] = REQUEST("StopRunRequest", run_id_request, run_id),
        [RPC_STREAM_LOGS_REQUEST] = REQUEST("StreamLogsRequest", stream_logs_request, logs),
        [RPC_LIST_RUNS_REQUEST] = REQUEST("ListRunsRequest", list_runs_request, list),
        [RPC_GET_RUN_RESPONSE] =
                RPC_KIND_ROW("GetRunResponse", Run, get_run_response, run_reply, .done = run_reply_done),
        [RPC_SEND_NODE_HEARTBEAT_RESPONSE] =
                RPC_KIND_ROW("SendNodeHeartbeatResponse", BoolReply, success_response, success),
        [RPC_SEND_APP_HEARTBEAT_RESPONSE] =
                RPC_KIND_ROW("SendAppHeartbeatResponse", BoolReply, success_response, success),
        [RPC_STOP_RUN_RESPONSE] = RPC_KIND_ROW("StopRunResponse", BoolReply, success_response, success),
        [RPC_LIST_APPS_TO_LAUNCH_RESPONSE] = RPC_KIND_ROW("ListAppsToLaunchResponse", NumbersReply,
                list_apps_to_launch_response, launch, .done = numbers_done),
        [RPC_GET_NODES_RESPONSE] = RPC_KIND_ROW(
                "GetNodesResponse", NumbersReply, get_nodes_response, nodes, .done = numbers_done),
};

const RpcKindRow *rpc_run_row(RpcKind kind)
{
        return rows[kind].name ? &rows[kind] : NULL;
}
