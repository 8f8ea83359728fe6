#include "services/serverappio.h"

#include <inttypes.h>
#include <stdio.h>

static void get_run(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        const Run *run = store_run(call_link(c)->store, m->run_id);
        Run *copy = NULL;

        if (!door_admits_run(c, m->run_id))
                goto finish;
        if (run) {
                copy = new0(Run, 1);
                if (!copy || run_copy(run, copy) < 0) {
                        free(copy);
                        call_fail(c, RPCERR_BUSY, "Out of memory");
                        goto finish;
                }
        }
        service_reply(c, RPC_GET_RUN_RESPONSE, copy);
finish:
        service_request_free(req);
}

static void update_run_status(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        Link *l = call_link(c);
        const Run *run = store_run(l->store, m->run_id);
        RunStatus status = run_status_from_string(strempty(m->status));
        RunSubStatus sub = run_sub_status_from_string(strempty(m->sub_status));
        _cleanup_free_ char *text = NULL;
        char id[24];

        if (!door_admits_run(c, m->run_id))
                goto finish;
        if (!run) {
                snprintf(id, sizeof(id), "%" PRIu64, m->run_id);
                call_fail(c, RPCERR_RUN_UNKNOWN, id);
        } else if (run->status == RUN_FINISHED)
                (void) service_guard_running(c, l->store, m->run_id);
        else if (status < 0 || sub < 0) {
                text = xasprintf(
                        "Run status '%s:%s' is none of pending, starting, running, finished:completed, "
                        "finished:failed, finished:stopped",
                        strempty(m->status), strempty(m->sub_status));
                call_fail(c, RPCERR_BAD_REQUEST, text);
        } else {
                /* A transition that is not legal changes nothing, and genuine clients do not want to hear of
                 * it. */
                (void) store_run_transition(
                        l->store, m->run_id, status, sub, strempty(m->details), NULL, NULL);
                service_reply_durable(c, l->store, RPC_EMPTY, NULL);
        }
finish:
        service_request_free(req);
}

static void push_logs(Call *c, void *request)
{
        Request *req = request;
        LogsRequest *m = req->message;
        Link *l = call_link(c);
        int r;

        if (!door_admits_run(c, m->run_id))
                goto finish;
        r = store_log_append(l->store, m->run_id, strempty(m->text), NULL, NULL);
        if (r == -ENOENT)
                call_fail(c, RPCERR_UNKNOWN, "Run ID not found");
        else if (r < 0)
                service_fail_errno(c, r, "The log lines could not be stored");
        else
                service_reply_durable(c, l->store, RPC_EMPTY, NULL);
finish:
        service_request_free(req);
}

/* By token since 1.24, by run id before: both move the same clock. */
static bool touch(Link *l, const Door *door, const RunRequest *m)
{
        uint64_t run_id = m->run_id;
        const Run *run;

        if (!isempty(m->token) && store_token_find(l->store, m->token, &run_id) < 0)
                return false;
        run = store_run(l->store, run_id);
        if (!run || (door->has_run && door->run_id != run_id) ||
                (run->status != RUN_STARTING && run->status != RUN_RUNNING))
                return false;
        link_touch_token(l, run_id);
        return true;
}

static void send_app_heartbeat(Call *c, void *request)
{
        Request *req = request;
        BoolReply *reply = rpc_new(RPC_SEND_APP_HEARTBEAT_RESPONSE);

        if (reply)
                reply->success = touch(call_link(c), call_door(c), req->message);
        service_reply(c, RPC_SEND_APP_HEARTBEAT_RESPONSE, reply);
        service_request_free(req);
}

static NumbersReply *online_nodes(Link *l)
{
        NumbersReply *reply = rpc_new(RPC_GET_NODES_RESPONSE);
        usec_t now = now_realtime();
        const StoreNode *n;
        size_t pos = 0;

        while (reply && (n = store_node_next(l->store, &pos))) {
                if (n->status != NODE_ONLINE || n->online_until <= now)
                        continue;
                if (GROW_ARRAY(reply->numbers, reply->n) < 0)
                        return rpc_free(RPC_GET_NODES_RESPONSE, reply);
                reply->numbers[reply->n++] = n->node_id;
        }
        return reply;
}

static void get_nodes(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        Link *l = call_link(c);

        if (service_guard_running(c, l->store, m->run_id) >= 0)
                service_reply(c, RPC_GET_NODES_RESPONSE, online_nodes(l));
        service_request_free(req);
}

int serverappio_table(Method **ret)
{
        static const ServiceRow rows[] = {
                {RPC_SERVERAPPIO_LIST_APPS_TO_LAUNCH, service_prepare, serverappio_list_apps_to_launch},
                {RPC_SERVERAPPIO_REQUEST_TOKEN, service_prepare, serverappio_request_token},
                {RPC_SERVERAPPIO_GET_RUN, service_prepare, get_run},
                {RPC_SERVERAPPIO_PULL_APP_INPUTS, service_prepare, serverappio_pull_app_inputs},
                {RPC_SERVERAPPIO_PUSH_APP_OUTPUTS, service_prepare, serverappio_push_app_outputs},
                {RPC_SERVERAPPIO_UPDATE_RUN_STATUS, service_prepare, update_run_status},
                {RPC_SERVERAPPIO_PUSH_LOGS, service_prepare, push_logs},
                {RPC_SERVERAPPIO_SEND_APP_HEARTBEAT, service_prepare, send_app_heartbeat},
                {RPC_SERVERAPPIO_PUSH_OBJECT, service_prepare_object, serverappio_push_object},
                {RPC_SERVERAPPIO_PULL_OBJECT, service_prepare, serverappio_pull_object},
                {RPC_SERVERAPPIO_CONFIRM_MESSAGE_RECEIVED, service_prepare,
                        serverappio_confirm_message_received},
                {RPC_SERVERAPPIO_PUSH_MESSAGES, service_prepare, serverappio_push_messages},
                {RPC_SERVERAPPIO_PULL_MESSAGES, service_prepare, serverappio_pull_messages},
                {RPC_SERVERAPPIO_GET_NODES, service_prepare, get_nodes},
        };

        return service_table_new(rows, ELEMENTSOF(rows), ret);
}
