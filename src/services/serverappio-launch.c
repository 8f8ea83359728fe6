/* ServerAppIo: how a run gets its process, its inputs, and gives back its outputs. */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "services/serverappio.h"

NumbersReply *serverappio_runs_to_launch(Store *store)
{
        NumbersReply *reply = rpc_new(RPC_LIST_APPS_TO_LAUNCH_RESPONSE);
        const Run *run;
        size_t pos = 0;

        while (reply && (run = store_run_next(store, &pos))) {
                if (run->status != RUN_PENDING || store_token_of_run(store, run->run_id))
                        continue;
                if (GROW_ARRAY(reply->numbers, reply->n) < 0)
                        return rpc_free(RPC_LIST_APPS_TO_LAUNCH_RESPONSE, reply);
                reply->numbers[reply->n++] = run->run_id;
        }
        return reply;
}

void serverappio_list_apps_to_launch(Call *c, void *request)
{
        launches_list(&call_link(c)->launches, c, request);
}

/* The token of a run that nobody has launched yet: "" when somebody has. */
static TokenReply *new_token(Link *l, uint64_t run_id)
{
        const Run *run = store_run(l->store, run_id);
        const char *token = "";
        TokenReply *reply;

        if (run && run->status == RUN_PENDING)
                (void) store_token_create(
                        l->store, run_id, now_realtime() + LINK_TOKEN_FIRST, NULL, NULL, &token);
        reply = launches_token(&l->launches, run, token);
        if (reply && *token) {
                (void) store_run_transition(l->store, run_id, RUN_STARTING, RUN_SUB_NONE, "", NULL, NULL);
                link_arm_sweep(l);
        }
        return reply;
}

void serverappio_request_token(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        Link *l = call_link(c);

        if (door_admits_launcher(c))
                service_reply_durable(c, l->store, RPC_REQUEST_TOKEN_RESPONSE, new_token(l, m->run_id));
        service_request_free(req);
}

/* ---- inputs: the context is read by the store's thread ---- */

typedef struct InputsRead {
        ServiceHold hold;
        Call *call; /* NULL: gone */
        Link *link;
        AppInputs *inputs;
        uint64_t run_id;
} InputsRead;

static void inputs_cancelled(ServiceHold *h)
{
        ((InputsRead *) h)->call = NULL;
}

static void got_context(int outcome, Blob *context, void *userdata)
{
        InputsRead *i = userdata;
        Link *l = i->link;
        const Run *run = store_run(l->store, i->run_id);
        char id[24];
        int r = 0;

        snprintf(id, sizeof(id), "%" PRIu64, i->run_id);
        if (!i->call)
                goto drop;
        if (!run || run->status != RUN_RUNNING)
                r = store_run_transition(l->store, i->run_id, RUN_RUNNING, RUN_SUB_NONE, "", NULL, NULL);
        if (outcome < 0 || !context || r < 0) {
                call_fail(i->call, RPCERR_RUN_START_REJECTED, id);
                goto drop;
        }
        (void) store_token_extend(l->store, i->run_id, now_realtime() + LINK_TOKEN_FIRST);
        i->inputs->context = blob_ref(context);
        service_reply_durable(i->call, l->store, RPC_PULL_APP_INPUTS_RESPONSE, TAKE_PTR(i->inputs));
drop:
        rpc_free(RPC_PULL_APP_INPUTS_RESPONSE, i->inputs);
        free(i);
}

/* Run and FAB of the inputs, as they are before the run starts. */
static AppInputs *inputs_of(Store *store, const Run *run)
{
        AppInputs *inputs = rpc_new(RPC_PULL_APP_INPUTS_RESPONSE);

        if (!inputs)
                return NULL;
        inputs->run = new0(Run, 1);
        if (!inputs->run || run_copy(run, inputs->run) < 0 ||
                store_fab_get(store, &run->fab_hash, &inputs->fab.content) < 0)
                return rpc_free(RPC_PULL_APP_INPUTS_RESPONSE, inputs);
        inputs->fab.hash = run->fab_hash;
        return inputs;
}

/* 1.20 has no tokens: its ServerApp takes the oldest run that waits for a process, launched by us or not. */
static const Run *run_for_old_app(const Door *door, const Link *l)
{
        const Run *run;
        size_t pos = 0;

        if (door->has_run)
                return store_run(l->store, door->run_id);

        while ((run = store_run_next(l->store, &pos)))
                if (run->status == RUN_STARTING && !launches_native_side(&l->launches, run))
                        return run;
        pos = 0;
        while ((run = store_run_next(l->store, &pos)))
                if (run->status == RUN_PENDING)
                        return run;
        return NULL;
}

static const Run *run_of_inputs(Call *c, Link *l, const char *token)
{
        const char *created;
        const Run *run;
        uint64_t run_id;

        if (!isempty(token)) {
                if (store_token_find(l->store, token, &run_id) < 0) {
                        call_fail(c, RPCERR_TOKEN, NULL);
                        return NULL;
                }
                return door_admits_run(c, run_id) ? store_run(l->store, run_id) : NULL;
        }
        run = run_for_old_app(call_door(c), l);
        if (!run) {
                service_reply(c, RPC_PULL_APP_INPUTS_RESPONSE, rpc_new(RPC_PULL_APP_INPUTS_RESPONSE));
                return NULL;
        }
        run_id = run->run_id;
        if (run->status == RUN_PENDING) {
                (void) store_token_create(
                        l->store, run_id, now_realtime() + LINK_TOKEN_FIRST, NULL, NULL, &created);
                (void) store_run_transition(l->store, run_id, RUN_STARTING, RUN_SUB_NONE, "", NULL, NULL);
        }
        return store_run(l->store, run_id);
}

void serverappio_pull_app_inputs(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        Link *l = call_link(c);
        const Run *run = run_of_inputs(c, l, m->token);
        bool has_token = !isempty(m->token), may_start;
        InputsRead *i;
        char id[24];

        service_request_free(req);
        if (!run)
                return;
        snprintf(id, sizeof(id), "%" PRIu64, run->run_id);
        /* An app that has its run's token asks again when the answer was lost. */
        may_start = run->status == RUN_STARTING || (run->status == RUN_RUNNING && has_token);
        i = may_start ? new0(InputsRead, 1) : NULL;
        if (!i) {
                call_fail(c, RPCERR_RUN_START_REJECTED, id);
                return;
        }
        *i = (InputsRead){.hold.cancelled = inputs_cancelled, .call = c, .link = l, .run_id = run->run_id};
        i->inputs = inputs_of(l->store, run);
        if (!i->inputs) {
                free(i);
                call_fail(c, RPCERR_RUN_START_REJECTED, id);
                return;
        }
        call_set_data(c, i);
        if (store_context_read(l->store, run->run_id, got_context, i) < 0)
                got_context(-ENOENT, NULL, i);
}

/* Without this the run would wait for its token to expire. */
static void app_ended(Link *l, uint64_t run_id, const char *how)
{
        const Run *run = store_run(l->store, run_id);
        _cleanup_free_ char *text = utf8_sanitize(how, strlen(how)),
                            *line = xasprintf("ERROR :     %s\n", strempty(text));

        if (!run || run->status == RUN_FINISHED)
                return;
        if (line)
                (void) store_log_append(l->store, run_id, line, NULL, NULL);
        link_finish_run(l, run_id, RUN_FAILED, strempty(text));
}

void serverappio_push_app_outputs(Call *c, void *request)
{
        Request *req = request;
        AppOutputs *m = req->message;
        Link *l = call_link(c);
        const char *how = call_metadata(c, RPC_HEADER_APP_EXIT, NULL);
        uint64_t run_id = m->run_id;
        int r;

        if (!isempty(m->token) && store_token_find(l->store, m->token, &run_id) < 0) {
                call_fail(c, RPCERR_TOKEN, NULL);
                goto finish;
        }
        if (!door_admits_run(c, run_id))
                goto finish;
        if (how) {
                app_ended(l, run_id, how);
                service_reply_durable(c, l->store, RPC_EMPTY, NULL);
                goto finish;
        }
        if (service_guard_running(c, l->store, run_id) < 0)
                goto finish;
        /* The token stays until the run is finished: heartbeats of the app's last moments are still good
         * ones. */
        r = m->context ? store_context_write(l->store, run_id, m->context, NULL, NULL) : 0;
        if (r < 0)
                service_fail_errno(c, r, "The context could not be stored");
        else
                service_reply_durable(c, l->store, RPC_EMPTY, NULL);
finish:
        service_request_free(req);
}
