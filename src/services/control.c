#include "services/control.h"

#include <inttypes.h>
#include <stdio.h>

#include "codec/context-codec.h"
#include "model/fab.h"

#define RUN_TYPE "serverapp"

static bool is_exec(const Call *c)
{
        return startswith(call_method(c)->path, "/flwr.proto.Exec/");
}

Run *control_run_copy_new(const Run *run)
{
        Run *copy = new0(Run, 1);

        if (copy && run_copy(run, copy) < 0)
                copy = mfree(copy);
        return copy;
}

/* ---- StartRun ---- */

/* Found out in the worker, since unpacking and hashing a FAB takes its time. */
typedef struct FabCheck {
        FabInfo info;
        char *why; /* NULL: the FAB is good */
} FabCheck;

static void fab_check_free(void *extra)
{
        FabCheck *f = extra;

        fab_info_done(&f->info);
        free(f->why);
        free(f);
}

static int prepare_start_run(
        Call *c, Blob *message, void **ret_request, RpcErrorId *ret_error, char **ret_detail)
{
        StartRunRequest *m;
        FabCheck *check;
        void *request;
        Request *req;
        int r;

        r = service_prepare(c, message, &request, ret_error, ret_detail);
        if (r < 0)
                return r;
        req = request;
        m = req->message;
        check = new0(FabCheck, 1);
        if (!check) {
                service_request_free(req);
                return -ENOMEM;
        }
        req->extra = check;
        req->free_extra = fab_check_free;
        if (!m->fab.content || m->fab.content->size == 0)
                check->why = strdup("The request holds no FAB; apps that are only named cannot be fetched "
                                    "by this SuperLink. "
                                    "Run `flwr run` in the app's directory instead.");
        else if (fab_inspect(m->fab.content, &check->info, &check->why) < 0 && !check->why)
                check->why = strdup("The FAB cannot be read");
        *ret_request = req;
        return 0;
}

/* Releases up to 1.23 take a reply without run id for "failed to start", and show raw errors; newer ones
 * show our text. */
static void refuse(Call *c, RpcErrorId error, const char *detail)
{
        if (is_exec(c))
                service_reply(c, RPC_START_RUN_RESPONSE, rpc_new(RPC_START_RUN_RESPONSE));
        else
                call_fail(c, error, detail);
}

bool control_federation_is_ours(const char *name)
{
        return isempty(name) || streq(name, RPC_FEDERATION_NAME_OLD) || streq(name, RPC_FEDERATION_NAME);
}

static int make_run(const StartRunRequest *m, const FabInfo *info, Run *ret)
{
        _cleanup_run_ Run run = {};

        run.fab_id = strdup(info->manifest.fab_id);
        run.fab_version = strdup(info->manifest.version);
        run.fab_hash = info->hash;
        run.details = strdup("");
        run.flwr_aid = strdup(OWNER_AID);
        run.federation = strdup(isempty(m->federation) ? RPC_FEDERATION_NAME : m->federation);
        run.run_type = strdup(RUN_TYPE);
        if (!run.fab_id || !run.fab_version || !run.details || !run.flwr_aid || !run.federation ||
                !run.run_type || config_copy(&m->override_config, &run.override_config) < 0)
                return -ENOMEM;
        *ret = run;
        run = (Run){};
        return 0;
}

static int write_first_context(Store *store, uint64_t run_id)
{
        _cleanup_context_ Context context = {};
        _cleanup_buf_ Buf bytes = {};
        _cleanup_blob_ Blob *blob = NULL;
        int r;

        r = context_init(&context, run_id, SUPERLINK_NODE_ID);
        if (r < 0)
                return r;
        r = context_encode(&context, &bytes);
        if (r < 0)
                return r;
        blob = buf_steal_blob(&bytes);
        if (!blob)
                return -ENOMEM;
        return store_context_write(store, run_id, blob, NULL, NULL);
}

static void start_run(Call *c, void *request)
{
        Request *req = request;
        StartRunRequest *m = req->message;
        FabCheck *check = req->extra;
        Link *l = call_link(c);
        _cleanup_config_ Config fused = {};
        _cleanup_free_ char *why = NULL;
        _cleanup_run_ Run run = {};
        StartRunReply *reply;
        int r;

        if (check->why) {
                refuse(c, RPCERR_RUN_REFUSED, check->why);
                goto finish;
        }
        if (!control_federation_is_ours(m->federation)) {
                refuse(c, RPCERR_FEDERATION_UNKNOWN, m->federation);
                goto finish;
        }
        if (config_fuse(&check->info.manifest.config, &m->override_config, &fused, &why) < 0) {
                refuse(c, RPCERR_RUN_REFUSED, why);
                goto finish;
        }
        r = make_run(m, &check->info, &run);
        if (r >= 0)
                r = store_run_create(l->store, &run, NULL, m->fab.content, NULL, NULL);
        if (r >= 0)
                r = write_first_context(l->store, run.run_id);
        if (r < 0) {
                service_fail_errno(c, r, "The run could not be created");
                goto finish;
        }
        reply = rpc_new(RPC_START_RUN_RESPONSE);
        if (reply)
                *reply = (StartRunReply){.has_run_id = true, .run_id = run.run_id};
        service_reply_durable(c, l->store, RPC_START_RUN_RESPONSE, reply);
finish:
        service_request_free(req);
}

/* ---- the others ---- */

static void stop_run(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        Link *l = call_link(c);
        const Run *run = store_run(l->store, m->run_id);
        BoolReply *reply;
        char id[24];

        snprintf(id, sizeof(id), "%" PRIu64, m->run_id);
        if (!run)
                call_fail(c, RPCERR_RUN_NOT_FOUND, NULL);
        else if (run->status == RUN_FINISHED)
                call_fail(c, RPCERR_RUN_ALREADY_FINISHED, id);
        else {
                link_finish_run(l, m->run_id, RUN_STOPPED, "");
                reply = rpc_new(RPC_STOP_RUN_RESPONSE);
                if (reply)
                        reply->success = true;
                service_reply_durable(c, l->store, RPC_STOP_RUN_RESPONSE, reply);
        }
        service_request_free(req);
}

static int append_run(RunsReply *reply, const Run *run)
{
        if (GROW_ARRAY(reply->runs, reply->n) < 0)
                return -ENOMEM;
        reply->runs[reply->n] = control_run_copy_new(run);
        if (!reply->runs[reply->n])
                return -ENOMEM;
        reply->n++;
        return 0;
}

/* Newest first where a limit cuts the list; the order does not matter otherwise. */
static int append_all(Store *store, const RunRequest *m, RunsReply *reply)
{
        size_t pos = 0, total = 0, skip;
        const Run *run;

        while (store_run_next(store, &pos))
                total++;
        skip = m->has_limit && m->limit < total ? total - m->limit : 0;
        pos = 0;
        while ((run = store_run_next(store, &pos))) {
                if (skip > 0) {
                        skip--;
                        continue;
                }
                if (append_run(reply, run) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static void list_runs(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        Link *l = call_link(c);
        const Run *run = m->has_run_id ? store_run(l->store, m->run_id) : NULL;
        RunsReply *reply;
        char now[ISO_TIME_MAX];
        int r = -ENOMEM;

        if (m->has_run_id && !run) {
                call_fail(c, RPCERR_RUN_NOT_FOUND, NULL);
                goto finish;
        }
        reply = rpc_new(RPC_LIST_RUNS_RESPONSE);
        if (reply) {
                reply->now = strdup(iso_time_format(now_realtime(), now));
                r = !reply->now ? -ENOMEM : run ? append_run(reply, run) : append_all(l->store, m, reply);
        }
        if (r < 0)
                reply = rpc_free(RPC_LIST_RUNS_RESPONSE, reply);
        service_reply(c, RPC_LIST_RUNS_RESPONSE, reply);
finish:
        service_request_free(req);
}

/* Releases before 1.23 had a status for "there is nothing to log in to". On the path that 1.21 and 1.22
 * share with later ones the type decides, which every release shows when it does not know it: the status
 * of 1.22 would make later ones complain about address and versions. */
static void get_login_details(Call *c, void *request)
{
        LoginReply *reply;

        if (is_exec(c))
                call_fail(c, RPCERR_NO_LOGIN_EXEC, NULL);
        else {
                reply = rpc_new(RPC_GET_LOGIN_DETAILS_RESPONSE);
                if (reply && !(reply->authn_type = strdup("noop")))
                        reply = rpc_free(RPC_GET_LOGIN_DETAILS_RESPONSE, reply);
                service_reply(c, RPC_GET_LOGIN_DETAILS_RESPONSE, reply);
        }
        service_request_free(request);
}

int control_table(Method **ret)
{
        static const ServiceRow rows[] = {
                {RPC_CONTROL_START_RUN, prepare_start_run, start_run},
                {RPC_EXEC_START_RUN, prepare_start_run, start_run},
                {RPC_CONTROL_STOP_RUN, service_prepare, stop_run},
                {RPC_EXEC_STOP_RUN, service_prepare, stop_run},
                {RPC_CONTROL_STREAM_LOGS, service_prepare, control_stream_logs},
                {RPC_EXEC_STREAM_LOGS, service_prepare, control_stream_logs},
                {RPC_CONTROL_LIST_RUNS, service_prepare, list_runs},
                {RPC_EXEC_LIST_RUNS, service_prepare, list_runs},
                {RPC_CONTROL_GET_LOGIN_DETAILS, service_prepare, get_login_details},
                {RPC_EXEC_GET_LOGIN_DETAILS, service_prepare, get_login_details},
                {RPC_CONTROL_REGISTER_NODE, control_prepare_register_node, control_register_node},
                {RPC_CONTROL_UNREGISTER_NODE, service_prepare, control_unregister_node},
                {RPC_CONTROL_LIST_NODES, service_prepare, control_list_nodes},
                {RPC_CONTROL_LIST_FEDERATIONS, service_prepare, control_list_federations},
                {RPC_CONTROL_SHOW_FEDERATION, service_prepare, control_show_federation},
        };

        return service_table_new(rows, ELEMENTSOF(rows), ret);
}
