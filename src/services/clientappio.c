#include "services/clientappio.h"

#include <utlist.h>

#include "base/text.h"
#include "model/fab.h"
#include "services/clientappio-private.h"

#define SWEEP_EVERY (10 * USEC_PER_SEC)

struct ReadyReply {
        ObjectId instruction;
        ReadyReply *next;
};

bool clientappio_run_of_token(Call *c, const char *token, uint64_t *ret_run_id)
{
        if (store_token_find(call_clientappio(c)->store, strempty(token), ret_run_id) >= 0)
                return door_admits_run(c, *ret_run_id);
        call_fail(c, RPCERR_TOKEN, NULL);
        return false;
}

/* Looked at when the loop turns: the store must not be changed from inside its events. */
static void mark_run(ClientAppIo *a, uint64_t run_id)
{
        (void) id_set_add(&a->woken_runs, run_id);
        (void) sd_event_source_set_enabled(a->wake, SD_EVENT_ONESHOT);
}

/* ---- launching ---- */

static NumbersReply *runs_to_launch(Store *store)
{
        NumbersReply *reply = rpc_new(RPC_LIST_APPS_TO_LAUNCH_RESPONSE);
        _cleanup_free_ uint64_t *runs = NULL;
        size_t n = 0;

        if (!reply || store_queues_ready(store, now_realtime(), &runs, &n) < 0)
                return rpc_free(RPC_LIST_APPS_TO_LAUNCH_RESPONSE, reply);
        for (size_t i = 0; i < n; i++)
                if (!store_token_of_run(store, runs[i]))
                        runs[reply->n++] = runs[i];
        reply->numbers = TAKE_PTR(runs);
        return reply;
}

static void list_apps_to_launch(Call *c, void *request)
{
        launches_list(&call_clientappio(c)->launches, c, request);
}

/* The token of a run whose message waits and that nobody has launched an app for; "" otherwise. */
static TokenReply *new_token(ClientAppIo *a, uint64_t run_id)
{
        const Run *run = store_run(a->store, run_id);
        const char *token = "";

        if (run && store_queue_is_ready(a->store, run_id, now_realtime()))
                (void) store_token_create(
                        a->store, run_id, now_realtime() + CLIENTAPPIO_TOKEN_FIRST, NULL, NULL, &token);
        if (*token)
                id_set_remove(&a->inherited, run_id);
        return launches_token(&a->launches, run, token);
}

static void request_token(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;

        if (door_admits_launcher(c))
                service_reply(c, RPC_REQUEST_TOKEN_RESPONSE, new_token(call_clientappio(c), m->run_id));
        service_request_free(req);
}

static void get_run(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        const Run *run = store_run(call_clientappio(c)->store, m->run_id);
        Run *copy = NULL;

        if (!door_admits_run(c, m->run_id)) {
                service_request_free(req);
                return;
        }
        if (run && ((copy = new0(Run, 1))))
                if (run_copy(run, copy) < 0)
                        copy = mfree(copy);
        service_reply(c, RPC_GET_RUN_RESPONSE, copy);
        service_request_free(req);
}

/* ---- inputs and outputs ---- */

typedef struct InputsRead {
        ServiceHold hold;
        Call *call; /* NULL: gone */
        AppInputs *inputs;
} InputsRead;

static void inputs_cancelled(ServiceHold *h)
{
        ((InputsRead *) h)->call = NULL;
}

static void got_context(int outcome, Blob *context, void *userdata)
{
        InputsRead *i = userdata;

        if (i->call && outcome >= 0 && context) {
                i->inputs->context = blob_ref(context);
                service_reply(i->call, RPC_PULL_APP_INPUTS_RESPONSE, TAKE_PTR(i->inputs));
        } else if (i->call)
                call_fail(i->call, RPCERR_UNKNOWN, "The context of the run is not there");
        rpc_free(RPC_PULL_APP_INPUTS_RESPONSE, i->inputs);
        free(i);
}

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

static void pull_app_inputs(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        ClientAppIo *a = call_clientappio(c);
        const Run *run;
        InputsRead *i;
        uint64_t run_id;

        if (!clientappio_run_of_token(c, m->token, &run_id))
                goto finish;
        run = store_run(a->store, run_id);
        i = new0(InputsRead, 1);
        if (i) {
                *i = (InputsRead){.hold.cancelled = inputs_cancelled, .call = c};
                i->inputs = run ? inputs_of(a->store, run) : NULL;
        }
        if (!i || !i->inputs) {
                free(i);
                call_fail(c, RPCERR_UNKNOWN, "Run or FAB of the token are not there");
                goto finish;
        }
        /* Apps up to 1.23 send no heartbeats; those that do set the clock going. */
        (void) store_token_extend(a->store, run_id, USEC_INFINITY);
        call_set_data(c, i);
        if (store_context_read(a->store, run_id, got_context, i) < 0)
                got_context(-ENOENT, NULL, i);
finish:
        service_request_free(req);
}

static void push_app_outputs(Call *c, void *request)
{
        Request *req = request;
        AppOutputs *m = req->message;
        ClientAppIo *a = call_clientappio(c);
        const char *how = call_metadata(c, RPC_HEADER_APP_EXIT, NULL);
        uint64_t run_id;
        int r = 0;

        if (!clientappio_run_of_token(c, m->token, &run_id))
                goto finish;
        if (how) {
                _cleanup_free_ char *text = utf8_sanitize(how, strlen(how));

                clientappio_crashed(a, run_id, strempty(text));
        } else if (m->context)
                r = store_context_write(a->store, run_id, m->context, NULL, NULL);
        if (r < 0) {
                service_fail_errno(c, r, "The context could not be stored");
                goto finish;
        }
        if (!call_metadata(c, RPC_HEADER_KEEP_TOKEN, NULL)) {
                (void) store_token_delete(a->store, run_id, NULL, NULL);
                /* What came while the app was busy needs another one. */
                mark_run(a, run_id);
        }
        service_reply_durable(c, a->store, RPC_EMPTY, NULL);
finish:
        service_request_free(req);
}

static void send_app_heartbeat(Call *c, void *request)
{
        Request *req = request;
        RunRequest *m = req->message;
        ClientAppIo *a = call_clientappio(c);
        BoolReply *reply = rpc_new(RPC_SEND_APP_HEARTBEAT_RESPONSE);
        uint64_t run_id;

        if (reply && store_token_find(a->store, strempty(m->token), &run_id) >= 0)
                reply->success = store_token_extend(
                                         a->store, run_id, now_realtime() + CLIENTAPPIO_TOKEN_PATIENCE) >= 0;
        service_reply(c, RPC_SEND_APP_HEARTBEAT_RESPONSE, reply);
        service_request_free(req);
}

/* ---- events ---- */

static void on_message_ready(uint64_t queue, void *userdata)
{
        ClientAppIo *a = *(ClientAppIo **) userdata;

        if (a)
                mark_run(a, queue);
}

static void on_reply_ready(uint64_t run_id, const ObjectId *instruction, void *userdata)
{
        ClientAppIo *a = *(ClientAppIo **) userdata;
        ReadyReply *r = a ? new0(ReadyReply, 1) : NULL;

        if (!r)
                return;
        r->instruction = *instruction;
        LL_APPEND(a->ready, r);
        (void) sd_event_source_set_enabled(a->wake, SD_EVENT_ONESHOT);
}

static void on_run_changed(uint64_t run_id, void *userdata)
{
        ClientAppIo *a = *(ClientAppIo **) userdata;

        if (!a)
                return;
        mark_run(a, run_id);
        if (a->launches.doors && !store_token_of_run(a->store, run_id))
                (void) id_set_add(&a->idle_runs, run_id);
}

const StoreEvents CLIENTAPPIO_STORE_EVENTS = {
        .message_ready = on_message_ready,
        .reply_ready = on_reply_ready,
        .run_changed = on_run_changed,
};

static int on_wake(sd_event_source *s, void *userdata)
{
        ClientAppIo *a = userdata;
        uint64_t run_id;
        ReadyReply *r;

        while (id_set_pop(&a->idle_runs, &run_id))
                if (!store_token_of_run(a->store, run_id))
                        doors_close(a->launches.doors, run_id);
        while (id_set_pop(&a->woken_runs, &run_id))
                clientappio_wake_run(a, run_id);
        launches_wake(&a->launches);
        while ((r = a->ready)) {
                LL_DELETE(a->ready, r);
                a->reply_ready(&r->instruction, a->userdata);
                free(r);
        }
        return 0;
}

/* An app that did not survive our own restart is not to blame: its work is done again. */
static void token_expired(ClientAppIo *a, uint64_t run_id)
{
        if (id_set_has(a->inherited, run_id))
                store_queue_release(a->store, run_id);
        else
                clientappio_crashed(a, run_id, "ClientApp stopped responding.");
        (void) store_token_delete(a->store, run_id, NULL, NULL);
        mark_run(a, run_id);
}

/* Apps of an earlier life may still be at work: they have until their next heartbeat to show it. */
static void inherit(ClientAppIo *a)
{
        const Run *run;
        size_t pos = 0;

        while ((run = store_run_next(a->store, &pos))) {
                if (!store_token_of_run(a->store, run->run_id)) {
                        store_queue_release(a->store, run->run_id);
                        continue;
                }
                /* One without work ends when its node goes away. */
                if (!store_message_unanswered(a->store, run->run_id)) {
                        (void) store_token_delete(a->store, run->run_id, NULL, NULL);
                        continue;
                }
                (void) id_set_add(&a->inherited, run->run_id);
                (void) store_token_extend(
                        a->store, run->run_id, now_realtime() + CLIENTAPPIO_TOKEN_PATIENCE);
        }
}

void clientappio_launcher_gone(ClientAppIo *a)
{
        const Run *run;
        size_t pos = 0;

        while ((run = store_run_next(a->store, &pos))) {
                if (store_token_active_until(a->store, run->run_id) != USEC_INFINITY)
                        continue;
                (void) id_set_add(&a->inherited, run->run_id);
                (void) store_token_extend(
                        a->store, run->run_id, now_realtime() + CLIENTAPPIO_TOKEN_PATIENCE);
        }
}

static int on_sweep(sd_event_source *s, uint64_t usec, void *userdata)
{
        ClientAppIo *a = userdata;
        _cleanup_free_ uint64_t *expired = NULL;
        usec_t next;
        size_t n = 0;

        if (store_tokens_expired(a->store, now_realtime(), &expired, &n, &next) >= 0)
                for (size_t i = 0; i < n; i++)
                        token_expired(a, expired[i]);
        (void) sd_event_source_set_time(a->sweep, now_monotonic() + SWEEP_EVERY);
        (void) sd_event_source_set_enabled(a->sweep, SD_EVENT_ONESHOT);
        return 0;
}

/* ---- life ---- */

static int make_table(Method **ret)
{
        static const ServiceRow rows[] = {
                {RPC_CLIENTAPPIO_GET_RUN_IDS_WITH_PENDING_MESSAGES, service_prepare, list_apps_to_launch},
                {RPC_CLIENTAPPIO_LIST_APPS_TO_LAUNCH, service_prepare, list_apps_to_launch},
                {RPC_CLIENTAPPIO_REQUEST_TOKEN, service_prepare, request_token},
                {RPC_CLIENTAPPIO_GET_RUN, service_prepare, get_run},
                {RPC_CLIENTAPPIO_PULL_CLIENT_APP_INPUTS, service_prepare, pull_app_inputs},
                {RPC_CLIENTAPPIO_PULL_APP_INPUTS, service_prepare, pull_app_inputs},
                {RPC_CLIENTAPPIO_PUSH_CLIENT_APP_OUTPUTS, service_prepare, push_app_outputs},
                {RPC_CLIENTAPPIO_PUSH_APP_OUTPUTS, service_prepare, push_app_outputs},
                {RPC_CLIENTAPPIO_PULL_MESSAGE, service_prepare, clientappio_pull_message},
                {RPC_CLIENTAPPIO_PUSH_MESSAGE, service_prepare, clientappio_push_message},
                {RPC_CLIENTAPPIO_PUSH_OBJECT, service_prepare_object, clientappio_push_object},
                {RPC_CLIENTAPPIO_PULL_OBJECT, service_prepare, clientappio_pull_object},
                {RPC_CLIENTAPPIO_CONFIRM_MESSAGE_RECEIVED, service_prepare,
                        clientappio_confirm_message_received},
                {RPC_CLIENTAPPIO_SEND_APP_HEARTBEAT, service_prepare, send_app_heartbeat},
        };

        return service_table_new(rows, ELEMENTSOF(rows), ret);
}

int clientappio_new(const ClientAppIoConfig *config, ClientAppIo **ret)
{
        _cleanup_(clientappio_freep) ClientAppIo *a = new0(ClientAppIo, 1);
        int r;

        if (!a)
                return -ENOMEM;
        a->event = sd_event_ref(config->event);
        a->store = config->store;
        a->launches =
                (Launches){.store = a->store, .python_apps = config->python_apps, .wanted = runs_to_launch};
        a->reply_ready = config->reply_ready;
        a->userdata = config->userdata;
        r = make_table(&a->table);
        if (r < 0)
                return r;
        a->services[0] = a->table;
        r = launches_init(&a->launches, a->event, CLIENTAPPIO_HOLD_LIMIT);
        if (r < 0)
                return r;
        r = held_list_new(a->event, CLIENTAPPIO_IDLE_LIMIT, clientappio_pull_expired, a, &a->message_pulls);
        if (r < 0)
                return r;
        r = sd_event_add_defer(a->event, &a->wake, on_wake, a);
        if (r < 0)
                return r;
        r = sd_event_add_time(a->event, &a->sweep, CLOCK_MONOTONIC, 0, 0, on_sweep, a);
        if (r < 0)
                return r;
        inherit(a);
        *ret = TAKE_PTR(a);
        return 0;
}

void clientappio_set_doors(ClientAppIo *a, Doors *doors)
{
        launches_set_doors(&a->launches, doors);
}

void clientappio_drain(ClientAppIo *a)
{
        held_list_close(a->launches.waiting);
        held_list_close(a->message_pulls);
}

ClientAppIo *clientappio_free(ClientAppIo *a)
{
        ReadyReply *r, *tmp;

        if (!a)
                return NULL;
        launches_done(&a->launches);
        held_list_free(a->message_pulls);
        sd_event_source_disable_unref(a->wake);
        sd_event_source_disable_unref(a->sweep);
        id_set_clear(&a->woken_runs);
        id_set_clear(&a->inherited);
        id_set_clear(&a->idle_runs);
        LL_FOREACH_SAFE (a->ready, r, tmp)
                free(r);
        free(a->table);
        sd_event_unref(a->event);
        return mfree(a);
}

const Method *const *clientappio_services(ClientAppIo *a)
{
        return a->services;
}
