#include "services/launches.h"

#include "base/text.h"
#include "model/fab.h"

static void on_expired(HeldCall *h, void *userdata)
{
        service_reply(h->call, RPC_LIST_APPS_TO_LAUNCH_RESPONSE, rpc_new(RPC_LIST_APPS_TO_LAUNCH_RESPONSE));
}

int launches_init(Launches *l, sd_event *event, usec_t limit)
{
        return held_list_new(event, limit, on_expired, NULL, &l->waiting);
}

void launches_done(Launches *l)
{
        l->waiting = held_list_free(l->waiting);
}

void launches_set_doors(Launches *l, Doors *doors)
{
        const Run *run;
        size_t pos = 0;

        l->doors = doors;
        while (doors && (run = store_run_next(l->store, &pos))) {
                const char *token = store_token_of_run(l->store, run->run_id);

                if (token)
                        (void) doors_open(doors, run->run_id, token, NULL);
        }
}

/* Launchers of 1.20 poll; they are held like ours and only ask less often. */
void launches_list(Launches *l, Call *c, void *request)
{
        NumbersReply *reply;

        if (!door_admits_launcher(c)) {
                service_request_free(request);
                return;
        }
        reply = l->wanted(l->store);
        if (reply && reply->n == 0) {
                rpc_free(RPC_LIST_APPS_TO_LAUNCH_RESPONSE, reply);
                (void) held_list_add(l->waiting, c, 0, request, NULL);
                return;
        }
        service_reply(c, RPC_LIST_APPS_TO_LAUNCH_RESPONSE, reply);
        service_request_free(request);
}

void launches_wake(Launches *l)
{
        HeldCall *h;

        while ((h = held_any(l->waiting))) {
                NumbersReply *reply = l->wanted(l->store);

                if (reply && reply->n == 0) {
                        rpc_free(RPC_LIST_APPS_TO_LAUNCH_RESPONSE, reply);
                        return;
                }
                service_reply(held_take(h), RPC_LIST_APPS_TO_LAUNCH_RESPONSE, reply);
        }
}

bool launches_native_side(const Launches *l, const Run *run)
{
        _cleanup_blob_ Blob *fab = NULL;
        _cleanup_fab_info_ FabInfo info = {};
        _cleanup_free_ char *why = NULL;

        if (store_fab_get(l->store, &run->fab_hash, &fab) < 0 || fab_inspect(fab, &info, &why) < 0)
                return false;
        return l->serverapps ? info.has_native_serverapp : info.has_native_clientapp;
}

TokenReply *launches_token(const Launches *l, const Run *run, const char *token)
{
        TokenReply *reply = rpc_new(RPC_REQUEST_TOKEN_RESPONSE);

        if (!reply)
                return NULL;
        reply->token = strdup(token);
        if (!reply->token)
                return rpc_free(RPC_REQUEST_TOKEN_RESPONSE, reply);
        if (!*token)
                return reply;
        reply->launch = launches_native_side(l, run) ? RPC_LAUNCH_NATIVE : RPC_LAUNCH_PYTHON;
        if (l->doors)
                (void) doors_open(l->doors, run->run_id, token, &reply->app_address);
        (void) free_and_strdup(&reply->python_apps, l->python_apps);
        return reply;
}
