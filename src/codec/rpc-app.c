/* Fab, AppInputs, AppOutputs, TokenReply, LogsRequest. */
#include "base/buf.h"
#include "base/text.h"
#include "codec/proto-node.h"
#include "codec/proto-run.h"
#include "codec/proto/appio.pb-c.h"
#include "codec/rpc-kind.h"

#define FAB_RESPONSE_FAB 1
#define INPUTS_CONTEXT 1
#define INPUTS_FAB 3
#define OUTPUTS_CONTEXT 3

static int decode_fab(RpcDecoder *d, const void *proto, void *ret)
{
        return proto_fab_decode(d, d->envelope.cuts[0], ret);
}

static int encode_fab(RpcEncoder *e, const void *message)
{
        return proto_fab_encode(e, FAB_RESPONSE_FAB, message);
}

static void fab_done(void *message)
{
        proto_fab_done(message);
}

static int decode_inputs(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PullAppInputsResponse *p = proto;
        AppInputs *m = ret;

        m->context = TAKE_PTR(d->envelope.cuts[0]);
        if (p->run) {
                m->run = new0(Run, 1);
                if (!m->run)
                        return -ENOMEM;
                int r = proto_run_decode(d, p->run, m->run);
                if (r < 0)
                        return r;
        }
        return proto_fab_decode(d, d->envelope.cuts[1], &m->fab);
}

static int encode_inputs(RpcEncoder *e, const void *message)
{
        const AppInputs *m = message;
        Flwr__Proto__PullAppInputsResponse p = FLWR__PROTO__PULL_APP_INPUTS_RESPONSE__INIT;

        if (m->run) {
                int r = proto_run_encode(e, m->run, &p.run);
                if (r < 0)
                        return r;
        }
        int r = rpc_encode_bytes(e, INPUTS_CONTEXT, m->context);
        if (r < 0)
                return r;
        r = rpc_encode_message(e, &p.base);
        if (r < 0)
                return r;
        return proto_fab_encode(e, INPUTS_FAB, &m->fab);
}

static void inputs_done(void *message)
{
        AppInputs *m = message;

        m->context = blob_unref(m->context);
        m->run = run_free(m->run);
        proto_fab_done(&m->fab);
}

static int decode_outputs(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PushAppOutputsRequest *p = proto;
        AppOutputs *m = ret;

        m->run_id = p->run_id;
        m->context = TAKE_PTR(d->envelope.cuts[0]);
        return rpc_decode_token(d, p->token, &m->token);
}

static int encode_outputs(RpcEncoder *e, const void *message)
{
        const AppOutputs *m = message;
        Flwr__Proto__PushAppOutputsRequest p = FLWR__PROTO__PUSH_APP_OUTPUTS_REQUEST__INIT;

        p.token = rpc_encode_string(m->token);
        p.run_id = m->run_id;
        int r = rpc_encode_message(e, &p.base);
        if (r < 0)
                return r;
        return rpc_encode_bytes(e, OUTPUTS_CONTEXT, m->context);
}

static void outputs_done(void *message)
{
        AppOutputs *m = message;

        m->token = mfree(m->token);
        m->context = blob_unref(m->context);
}

static int decode_token(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__RequestTokenResponse *p = proto;
        TokenReply *m = ret;

        m->launch = p->launch < _RPC_LAUNCH_MAX ? p->launch : RPC_LAUNCH_UNSAID;
        if (p->app_address && *p->app_address) {
                m->app_address = strdup(p->app_address);
                if (!m->app_address)
                        return -ENOMEM;
        }
        if (p->python_apps && *p->python_apps) {
                m->python_apps = strdup(p->python_apps);
                if (!m->python_apps)
                        return -ENOMEM;
        }
        return rpc_decode_string(p->token, &m->token);
}

static int encode_token(RpcEncoder *e, const void *message)
{
        const TokenReply *m = message;
        Flwr__Proto__RequestTokenResponse p = FLWR__PROTO__REQUEST_TOKEN_RESPONSE__INIT;

        p.token = rpc_encode_string(m->token);
        p.launch = m->launch;
        p.app_address = rpc_encode_string(m->app_address);
        p.python_apps = rpc_encode_string(m->python_apps);
        return rpc_encode_message(e, &p.base);
}

static void token_done(void *message)
{
        TokenReply *m = message;

        m->token = mfree(m->token);
        m->app_address = mfree(m->app_address);
        m->python_apps = mfree(m->python_apps);
}

static int decode_logs(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__PushLogsRequest *p = proto;
        LogsRequest *m = ret;
        _cleanup_buf_ Buf text = {0};

        m->node_id = proto_node_id(p->node);
        m->run_id = p->run_id;
        for (size_t i = 0; i < p->n_logs; i++) {
                int r = buf_append(&text, p->logs[i].data, p->logs[i].len);
                if (r < 0)
                        return r;
        }
        m->text = utf8_sanitize((const char *) text.data, text.size);
        return m->text ? 0 : -ENOMEM;
}

static int encode_logs(RpcEncoder *e, const void *message)
{
        const LogsRequest *m = message;
        Flwr__Proto__Node node = proto_node(m->node_id);
        Flwr__Proto__PushLogsRequest p = FLWR__PROTO__PUSH_LOGS_REQUEST__INIT;
        ProtobufCBinaryData text = {strlen(strempty(m->text)), (uint8_t *) m->text};

        p.node = &node;
        p.run_id = m->run_id;
        p.logs = &text;
        p.n_logs = text.len > 0;
        return rpc_encode_message(e, &p.base);
}

static void logs_done(void *message)
{
        LogsRequest *m = message;
        m->text = mfree(m->text);
}

static const RpcKindRow rows[_RPC_KIND_MAX] = {
        [RPC_GET_FAB_RESPONSE] = RPC_KIND_ROW(
                "GetFabResponse", Fab, get_fab_response, fab, .cuts = {FAB_RESPONSE_FAB}, .done = fab_done),
        [RPC_PULL_APP_INPUTS_RESPONSE] = RPC_KIND_ROW("PullAppInputsResponse", AppInputs,
                pull_app_inputs_response, inputs, .cuts = {INPUTS_CONTEXT, INPUTS_FAB}, .done = inputs_done),
        [RPC_PUSH_APP_OUTPUTS_REQUEST] = RPC_KIND_ROW("PushAppOutputsRequest", AppOutputs,
                push_app_outputs_request, outputs, .cuts = {OUTPUTS_CONTEXT}, .done = outputs_done),
        [RPC_REQUEST_TOKEN_RESPONSE] = RPC_KIND_ROW(
                "RequestTokenResponse", TokenReply, request_token_response, token, .done = token_done),
        [RPC_PUSH_LOGS_REQUEST] =
                RPC_KIND_ROW("PushLogsRequest", LogsRequest, push_logs_request, logs, .done = logs_done),
};

const RpcKindRow *rpc_app_row(RpcKind kind)
{
        return rows[kind].name ? &rows[kind] : NULL;
}
