/* flwr-clientapp: executes a ClientApp on the messages of one run, one after the other.
 *
 *      PullAppInputs                 context and FAB; to 1.25: PullClientAppInputs
 *      PullMessage, PullObject ..., ConfirmMessageReceived
 *      a handler of the app
 *      PushMessage, PushObject ..., PushAppOutputs
 *      PullMessage                   and so on: our SuperNode keeps the token and holds the call until there
 * is a message, or it is time to go. A genuine one has given the token up, says PERMISSION_DENIED, and
 * starts another process for the next one. */
#include <stdio.h>
#include <sysexits.h>

#include <flwr/app.h>

#include "base/exit-code.h"
#include "base/log.h"
#include "codec/context-codec.h"
#include "libflwr/app-object.h"
#include "libflwr/context-internal.h"
#include "libflwr/executor.h"
#include "libflwr/heartbeat.h"
#include "libflwr/message-internal.h"
#include "libflwr/outbox.h"
#include "libflwr/transfer.h"

#define ADDRESS_DEFAULT "127.0.0.1:9094"

typedef struct ClientRun {
        const ExecutorArgs *args;
        AppIo *io;
        Heartbeat *heartbeat;
        AppInputs *inputs;
        bool old_names; /* a SuperNode up to 1.25 */
        Context context;
        AppObject object;
        bool is_open, is_started;
        void *app_data;
        char *text; /* why a call failed */
} ClientRun;

static void client_run_done(ClientRun *c)
{
        if (c->is_started && c->object.client->stop)
                c->object.client->stop(c->app_data);
        heartbeat_free(c->heartbeat);
        app_object_done(&c->object);
        context_done(&c->context);
        rpc_free(RPC_PULL_APP_INPUTS_RESPONSE, c->inputs);
        free(c->text);
        app_io_free(c->io);
}

static const Option options[] = {
        EXECUTOR_OPTIONS("clientappio-api-address", ADDRESS_DEFAULT, "SuperNode's ClientAppIo API"),
        {OPTION_END},
};

static const Program program = {
        .name = "flwr-clientapp",
        .summary = "execute a native Flower ClientApp",
        .description = "Executes the ClientApp of one run, from the native object in the run's FAB, for as "
                       "long as its SuperNode has messages for it. "
                       "Started by flower-superexec.",
        .options = options,
};

/* ---- beginning ---- */

static int pull_inputs(ClientRun *c)
{
        const RunRequest request = {.token = c->args->token};
        void *p;
        int r;

        r = app_io_call(c->io, RPC_CLIENTAPPIO_PULL_APP_INPUTS, &request, NULL, &p, &c->text);
        if (r == -EOPNOTSUPP) {
                c->text = mfree(c->text);
                c->old_names = true;
                r = app_io_call(c->io, RPC_CLIENTAPPIO_PULL_CLIENT_APP_INPUTS, &request, NULL, &p, &c->text);
        }
        if (r < 0)
                return r;
        c->inputs = p;
        if (!c->inputs->context || !c->inputs->run)
                return -EBADMSG;
        return context_decode(c->inputs->context, &c->context);
}

/* ---- messages in and out ---- */

static int fetch_objects(ClientRun *c, const ObjectTree *tree, Message *ret)
{
        const TransferConfig config = {
                .io = c->io,
                .method = RPC_CLIENTAPPIO_PULL_OBJECT,
                .node_id = c->context.node_id,
                .run_id = c->context.run_id,
        };
        const ObjectRequest confirmation = {
                .node_id = c->context.node_id,
                .run_id = c->context.run_id,
                .id = tree->id,
        };
        _cleanup_(transfer_freep) Transfer *t = NULL;
        int r;

        r = transfer_new_tree(&config, tree, &t);
        if (r >= 0)
                r = transfer_perform(t, &c->text);
        if (r >= 0)
                r = app_io_call(c->io, RPC_CLIENTAPPIO_CONFIRM_MESSAGE_RECEIVED, &confirmation, NULL, NULL,
                        &c->text);
        if (r < 0)
                return r;
        /* Our SuperNode has checked the hashes; a genuine one has not. */
        return inflate_message(&tree->id, transfer_get, t, true, ret, &c->text);
}

/* -ENODATA: there is none, and will not be. */
static int pull_message(ClientRun *c, bool is_first, flwr_message **ret)
{
        static const Header wait = {RPC_HEADER_WAIT, "1", 1};
        const StubOptions call_options = {
                .headers = &wait,
                .n_headers = is_first ? 0 : 1,
                .flags = is_first ? 0 : STUB_NO_RETRY,
        };
        const IdsRequest request = {.token = c->args->token};
        _cleanup_message_ Message m = {};
        MessageBatch *batch;
        void *reply;
        int r;

        r = app_io_call(c->io, RPC_CLIENTAPPIO_PULL_MESSAGE, &request, &call_options, &reply, &c->text);
        /* With nothing in hand there is no reason to wait for a node that goes away. */
        if (r == -EHOSTUNREACH && !is_first)
                return -ENODATA;
        if (r < 0)
                return r;
        batch = reply;
        r = batch->n == 0 ? -ENODATA : fetch_objects(c, &batch->trees[0], &m);
        rpc_free(RPC_PULL_APP_MESSAGES_RESPONSE, batch);
        return r < 0 ? r : message_wrap(&m, ret);
}

static int push_objects(ClientRun *c, Outbox *o, const PushReply *reply)
{
        const TransferConfig config = {
                .io = c->io,
                .method = RPC_CLIENTAPPIO_PUSH_OBJECT,
                .node_id = c->context.node_id,
                .run_id = c->context.run_id,
                .get = outbox_get,
                .get_userdata = o,
        };
        _cleanup_(transfer_freep) Transfer *t = NULL;
        int r;

        r = transfer_new(&config, reply->objects_to_push, reply->n_objects_to_push, &t);
        return r < 0 ? r : transfer_perform(t, &c->text);
}

static int push_reply(ClientRun *c, flwr_message *reply)
{
        _cleanup_outbox_ Outbox o = {};
        MessageBatch batch = {.token = c->args->token};
        void *answer;
        int r;

        r = outbox_add(&o, reply, true, &c->text);
        if (r < 0)
                return r;
        batch.messages = o.messages;
        batch.trees = o.trees;
        batch.n = o.n;
        r = app_io_call(c->io, RPC_CLIENTAPPIO_PUSH_MESSAGE, &batch, NULL, &answer, &c->text);
        if (r < 0)
                return r;
        r = push_objects(c, &o, answer);
        rpc_free(RPC_PUSH_APP_MESSAGES_RESPONSE, answer);
        return r;
}

static int push_outputs(ClientRun *c)
{
        static const Header keep = {RPC_HEADER_KEEP_TOKEN, "1", 1};
        static const StubOptions call_options = {.headers = &keep, .n_headers = 1};
        AppOutputs outputs = {.token = c->args->token};
        _cleanup_blob_ Blob *bytes = NULL;
        _cleanup_buf_ Buf b = {};
        int r;

        r = context_encode(&c->context, &b);
        if (r < 0)
                return r;
        bytes = buf_steal_blob(&b);
        if (!bytes)
                return -ENOMEM;
        outputs.context = bytes;
        return app_io_call(c->io,
                c->old_names ? RPC_CLIENTAPPIO_PUSH_CLIENT_APP_OUTPUTS : RPC_CLIENTAPPIO_PUSH_APP_OUTPUTS,
                &outputs, &call_options, NULL, &c->text);
}

/* ---- the app ---- */

/* Loads the app once; a failure is the answer to this message, and the next one tries again. */
static int open_app(ClientRun *c, flwr_message *reply)
{
        _cleanup_free_ char *home = NULL;
        char *text = NULL;
        int r = 0;

        if (c->is_open)
                return 0;
        if (!c->object.dir) {
                r = executor_home(c->args, &home);
                if (r >= 0)
                        r = app_object_install(&c->inputs->fab, home, &c->object, &text);
        }
        if (r >= 0)
                r = app_object_open(&c->object, APP_CLIENT, &text);
        if (r < 0) {
                log_error("The ClientApp cannot be loaded: %s", text ? text : strerror(-r));
                message_set_error(reply, MESSAGE_ERROR_LOAD_CLIENT_APP, text ? text : strdup(strerror(-r)));
                return r;
        }
        c->is_open = true;
        return 0;
}

static int start_app(ClientRun *c, flwr_message *reply)
{
        int r;

        if (c->is_started)
                return 0;
        if (c->object.client->start) {
                r = c->object.client->start(context_public(&c->context), reply, &c->app_data);
                if (r < 0)
                        return r;
        }
        c->is_started = true;
        return 0;
}

static flwr_client_fn find_handler(const flwr_client_app *app, const char *type)
{
        for (const flwr_client_handler *h = app->handlers; h && h->message_type; h++)
                if (streq(h->message_type, type))
                        return h->handle;
        return NULL;
}

static int fail_unhandled(const ClientRun *c, const char *type, flwr_message *reply)
{
        _cleanup_buf_ Buf b = {};
        _cleanup_free_ char *types = NULL;
        int r = 0;

        for (const flwr_client_handler *h = c->object.client->handlers; r >= 0 && h && h->message_type; h++)
                r = buf_printf(&b, "%s\"%s\"", b.size > 0 ? ", " : "", h->message_type);
        types = buf_steal_str(&b);
        return flwr_message_fail(reply, ENOTSUP,
                "No handler for messages of type \"%s\" in %s (%s); it has handlers for: %s", type,
                c->object.path, c->object.info.manifest.native_clientapp, isempty(types) ? "none" : types);
}

static int handle(ClientRun *c, const flwr_message *m, flwr_message *reply)
{
        flwr_client_fn function;
        int r;

        r = start_app(c, reply);
        if (r < 0)
                return r;
        function = find_handler(c->object.client, flwr_message_type(m));
        if (!function)
                return fail_unhandled(c, flwr_message_type(m), reply);
        return function(c->app_data, context_public(&c->context), m, reply);
}

static int new_reply(const flwr_message *m, flwr_message **ret)
{
        Message reply;
        int r;

        r = message_init_reply(&m->m, usec_to_seconds(now_realtime()), &reply);
        if (r < 0)
                return r;
        reply.has_content = true;
        return message_wrap(&reply, ret);
}

/* What is left of the instruction's time to live counts from when the reply is ready. */
static void date_reply(const flwr_message *m, flwr_message *reply)
{
        Metadata *r = &reply->m.metadata;
        const Metadata *i = &m->m.metadata;
        double now = usec_to_seconds(now_realtime());

        r->created_at = now;
        r->ttl = i->created_at + i->ttl - now;
}

static int answer(ClientRun *c, flwr_message *m)
{
        _cleanup_flwr_message_ flwr_message *reply = NULL;
        int r;

        r = new_reply(m, &reply);
        if (r < 0)
                return r;
        r = open_app(c, reply);
        if (r >= 0) {
                r = handle(c, m, reply);
                if (r < 0 && !reply->m.has_error)
                        (void) flwr_message_fail(reply, r, "The ClientApp failed: %s", strerror(-r));
                if (r < 0)
                        log_warning("Message \"%s\" failed: %s", flwr_message_type(m),
                                strempty(reply->m.error_reason));
        }
        date_reply(m, reply);
        return push_reply(c, reply);
}

static int serve_messages(ClientRun *c)
{
        int r;

        for (bool is_first = true;; is_first = false) {
                _cleanup_flwr_message_ flwr_message *m = NULL;

                r = pull_message(c, is_first, &m);
                if (r >= 0)
                        r = answer(c, m);
                if (r >= 0)
                        r = push_outputs(c);
                if (r < 0)
                        return r;
        }
}

int flwr_clientapp_main(int argc, char *argv[])
{
        _cleanup_executor_args_ ExecutorArgs args = {};
        _cleanup_(client_run_done) ClientRun c = {.args = &args};
        int status, r;

        if (executor_parse(&program, ADDRESS_DEFAULT, argc, argv, &args, &status) != 0)
                return status;
        /* Into a file or pipe, lines would come late, and not at all from an app that crashes. */
        setvbuf(stdout, NULL, _IOLBF, 0);
        if (isempty(args.token)) {
                log_error("--token is missing: flower-superexec gets one and starts this program with it");
                return EX_USAGE;
        }
        r = app_io_new(args.address, (pid_t) args.parent_pid, &c.io);
        if (r == -EINVAL)
                return exit_with(FLWR_EXIT_COMMON_ADDRESS_INVALID,
                        "\"%s\" is not an address: host:port or unix:/path", args.address);
        if (r >= 0)
                r = heartbeat_new(c.io, RPC_CLIENTAPPIO_SEND_APP_HEARTBEAT, args.token, 0, &c.heartbeat);
        if (r >= 0)
                r = pull_inputs(&c);
        if (r >= 0)
                r = serve_messages(&c);
        if (r == -ENODATA || r == -ECANCELED)
                return EXIT_SUCCESS;
        log_error_errno(c.text ? 0 : r, "The ClientApp ends%s%s", c.text ? ": " : "", strempty(c.text));
        return EX_UNAVAILABLE;
}
