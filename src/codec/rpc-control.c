/* StartRunRequest, StartRunReply, LogsReply, RunsReply, LoginReply, HealthReply. */
#include "codec/proto-config.h"
#include "codec/proto-run.h"
#include "codec/proto/control.pb-c.h"
#include "codec/rpc-kind.h"

#define START_RUN_FAB 1

static int decode_start(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__StartRunRequest *p = proto;
        StartRunRequest *m = ret;

        int r = proto_fab_decode(d, d->envelope.cuts[0], &m->fab);
        if (r < 0)
                return r;
        r = proto_config_decode(d, p->override_config, p->n_override_config, &m->override_config);
        if (r < 0)
                return r;
        if (p->federation_options_presence_case ==
                FLWR__PROTO__START_RUN_REQUEST__FEDERATION_OPTIONS_PRESENCE_FEDERATION_OPTIONS) {
                m->federation_options = blob_new(p->federation_options.data, p->federation_options.len);
                if (!m->federation_options)
                        return -ENOMEM;
        }
        r = rpc_decode_string(p->app_spec, &m->app_spec);
        if (r < 0)
                return r;
        return rpc_decode_string(p->federation, &m->federation);
}

static int encode_start(RpcEncoder *e, const void *message)
{
        const StartRunRequest *m = message;
        Flwr__Proto__StartRunRequest p;

        flwr__proto__start_run_request__init(&p);
        int r = proto_config_encode(e, &m->override_config, &p.override_config, &p.n_override_config);
        if (r < 0)
                return r;
        if (m->federation_options) {
                p.federation_options_presence_case =
                        FLWR__PROTO__START_RUN_REQUEST__FEDERATION_OPTIONS_PRESENCE_FEDERATION_OPTIONS;
                p.federation_options = (ProtobufCBinaryData){
                        m->federation_options->size, (uint8_t *) m->federation_options->data};
        }
        p.app_spec = rpc_encode_string(m->app_spec);
        p.federation = rpc_encode_string(m->federation);

        r = proto_fab_encode(e, START_RUN_FAB, &m->fab);
        if (r < 0)
                return r;
        return rpc_encode_message(e, &p.base);
}

static void start_done(void *message)
{
        StartRunRequest *m = message;

        proto_fab_done(&m->fab);
        config_done(&m->override_config);
        m->federation_options = blob_unref(m->federation_options);
        m->app_spec = mfree(m->app_spec);
        m->federation = mfree(m->federation);
}

static int decode_start_reply(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__StartRunResponse *p = proto;
        StartRunReply *m = ret;

        m->has_run_id = p->run_id_presence_case == FLWR__PROTO__START_RUN_RESPONSE__RUN_ID_PRESENCE_RUN_ID;
        if (m->has_run_id)
                m->run_id = p->run_id;
        return 0;
}

static int encode_start_reply(RpcEncoder *e, const void *message)
{
        const StartRunReply *m = message;
        Flwr__Proto__StartRunResponse p = FLWR__PROTO__START_RUN_RESPONSE__INIT;

        if (m->has_run_id) {
                p.run_id_presence_case = FLWR__PROTO__START_RUN_RESPONSE__RUN_ID_PRESENCE_RUN_ID;
                p.run_id = m->run_id;
        }
        return rpc_encode_message(e, &p.base);
}

static int decode_logs(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__StreamLogsResponse *p = proto;
        LogsReply *m = ret;

        m->latest_timestamp = p->latest_timestamp;
        return rpc_decode_string(p->log_output, &m->log_output);
}

static int encode_logs(RpcEncoder *e, const void *message)
{
        const LogsReply *m = message;
        Flwr__Proto__StreamLogsResponse p = FLWR__PROTO__STREAM_LOGS_RESPONSE__INIT;

        p.log_output = rpc_encode_string(m->log_output);
        p.latest_timestamp = m->latest_timestamp;
        return rpc_encode_message(e, &p.base);
}

static void logs_done(void *message)
{
        LogsReply *m = message;
        m->log_output = mfree(m->log_output);
}

static int decode_runs(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__ListRunsResponse *p = proto;
        RunsReply *m = ret;

        m->runs = new0(Run *, p->n_run_dict);
        if (!m->runs)
                return -ENOMEM;
        for (; m->n < p->n_run_dict; m->n++) {
                if (!p->run_dict[m->n]->value)
                        return rpc_decoder_refuse(d, "run_dict", "an entry has no run");

                _cleanup_(run_freep) Run *run = new0(Run, 1);
                if (!run)
                        return -ENOMEM;
                int r = proto_run_decode(d, p->run_dict[m->n]->value, run);
                if (r < 0)
                        return r;
                m->runs[m->n] = TAKE_PTR(run);
        }
        return rpc_decode_string(p->now, &m->now);
}

static int encode_runs(RpcEncoder *e, const void *message)
{
        const RunsReply *m = message;
        Flwr__Proto__ListRunsResponse p = FLWR__PROTO__LIST_RUNS_RESPONSE__INIT;
        Flwr__Proto__RunEntry **list = rpc_arena_alloc(&e->arena, m->n, sizeof(*list));
        Flwr__Proto__RunEntry *entries = rpc_arena_alloc(&e->arena, m->n, sizeof(*entries));

        if (!list || !entries)
                return -ENOMEM;
        for (size_t i = 0; i < m->n; i++) {
                entries[i] = (Flwr__Proto__RunEntry) FLWR__PROTO__RUN_ENTRY__INIT;
                entries[i].key = m->runs[i]->run_id;
                int r = proto_run_encode(e, m->runs[i], &entries[i].value);
                if (r < 0)
                        return r;
                list[i] = &entries[i];
        }
        p.run_dict = list;
        p.n_run_dict = m->n;
        p.now = rpc_encode_string(m->now);
        return rpc_encode_message(e, &p.base);
}

static void runs_done(void *message)
{
        RunsReply *m = message;

        for (size_t i = 0; i < m->n; i++)
                run_free(m->runs[i]);
        m->runs = mfree(m->runs);
        m->now = mfree(m->now);
        m->n = 0;
}

static int decode_login(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__GetLoginDetailsResponse *p = proto;
        LoginReply *m = ret;

        m->expires_in = p->expires_in;
        m->interval = p->interval;
        int r = rpc_decode_string(p->authn_type, &m->authn_type);
        if (r < 0)
                return r;
        r = rpc_decode_string(p->device_code, &m->device_code);
        if (r < 0)
                return r;
        return rpc_decode_string(p->verification_uri_complete, &m->verification_uri_complete);
}

static int encode_login(RpcEncoder *e, const void *message)
{
        const LoginReply *m = message;
        Flwr__Proto__GetLoginDetailsResponse p = FLWR__PROTO__GET_LOGIN_DETAILS_RESPONSE__INIT;

        p.authn_type = rpc_encode_string(m->authn_type);
        p.device_code = rpc_encode_string(m->device_code);
        p.verification_uri_complete = rpc_encode_string(m->verification_uri_complete);
        p.expires_in = m->expires_in;
        p.interval = m->interval;
        return rpc_encode_message(e, &p.base);
}

static void login_done(void *message)
{
        LoginReply *m = message;

        m->authn_type = mfree(m->authn_type);
        m->device_code = mfree(m->device_code);
        m->verification_uri_complete = mfree(m->verification_uri_complete);
}

static int decode_health(RpcDecoder *d, const void *proto, void *ret)
{
        const Flwr__Proto__HealthCheckResponse *p = proto;
        HealthReply *m = ret;

        m->status = p->status;
        return 0;
}

static int encode_health(RpcEncoder *e, const void *message)
{
        const HealthReply *m = message;
        Flwr__Proto__HealthCheckResponse p = FLWR__PROTO__HEALTH_CHECK_RESPONSE__INIT;

        p.status = m->status;
        return rpc_encode_message(e, &p.base);
}

static const RpcKindRow rows[_RPC_KIND_MAX] = {
        [RPC_START_RUN_REQUEST] = RPC_KIND_ROW("StartRunRequest", StartRunRequest, start_run_request, start,
                .cuts = {START_RUN_FAB}, .done = start_done),
        [RPC_START_RUN_RESPONSE] =
                RPC_KIND_ROW("StartRunResponse", StartRunReply, start_run_response, start_reply),
        [RPC_STREAM_LOGS_RESPONSE] =
                RPC_KIND_ROW("StreamLogsResponse", LogsReply, stream_logs_response, logs, .done = logs_done),
        [RPC_LIST_RUNS_RESPONSE] =
                RPC_KIND_ROW("ListRunsResponse", RunsReply, list_runs_response, runs, .done = runs_done),
        [RPC_GET_LOGIN_DETAILS_RESPONSE] = RPC_KIND_ROW("GetLoginDetailsResponse", LoginReply,
                get_login_details_response, login, .done = login_done),
        [RPC_HEALTH_CHECK_RESPONSE] =
                RPC_KIND_ROW("HealthCheckResponse", HealthReply, health_check_response, health),
};

const RpcKindRow *rpc_control_row(RpcKind kind)
{
        return rows[kind].name ? &rows[kind] : NULL;
}
