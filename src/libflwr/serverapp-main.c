/* flwr-serverapp: executes one run's ServerApp.
 *
 *      PullAppInputs                 the run, its FAB, its context; from here on everything printed goes to
 * the run's log UpdateRunStatus(running)      known already to hubs from 1.24 on SendAppHeartbeat ... in the
 * background main() of the app             PushMessages, PullMessages, ... through the Grid PushAppOutputs
 * the context PushLogs                      the rest UpdateRunStatus(finished) */
#include <stdio.h>
#include <sysexits.h>

#include <flwr/app.h>

#include "base/exit-code.h"
#include "base/log.h"
#include "codec/context-codec.h"
#include "libflwr/app-object.h"
#include "libflwr/context-internal.h"
#include "libflwr/executor.h"
#include "libflwr/grid-internal.h"
#include "libflwr/heartbeat.h"
#include "libflwr/log-capture.h"

#define ADDRESS_DEFAULT "127.0.0.1:9091"
/* As long as launchers of 1.20 wait between two questions for a run. */
#define NO_RUN_USEC (3 * USEC_PER_SEC)
#define LOG_LEVEL_ERROR 3

typedef struct ServerRun {
        const ExecutorArgs *args;
        AppIo *io;
        LogCapture *capture;
        AppInputs *inputs;
        AppObject object;
        Context context;
        char *text; /* why it failed */
} ServerRun;

static void server_run_done(ServerRun *s)
{
        log_capture_free(s->capture);
        app_object_done(&s->object);
        context_done(&s->context);
        rpc_free(RPC_PULL_APP_INPUTS_RESPONSE, s->inputs);
        free(s->text);
        app_io_free(s->io);
}

static const Option options[] = {
        EXECUTOR_OPTIONS("serverappio-api-address", ADDRESS_DEFAULT, "SuperLink's ServerAppIo API"),
        {OPTION_END},
};

static const Program program = {
        .name = "flwr-serverapp",
        .summary = "execute a native Flower ServerApp",
        .description = "Executes the ServerApp of one run, from the native object in the run's FAB. Started "
                       "by flower-superexec.\n\n"
                       "Everything that the app prints reaches the log of its run and the standard error of "
                       "this program.",
        .options = options,
};

/* ---- beginning ---- */

static int pull_inputs(ServerRun *s)
{
        const RunRequest request = {.token = s->args->token};
        void *p;
        int r;

        for (;;) {
                r = app_io_call(s->io, RPC_SERVERAPPIO_PULL_APP_INPUTS, &request, NULL, &p, &s->text);
                if (r < 0)
                        return r;
                s->inputs = p;
                if (s->inputs->run)
                        return 0;
                s->inputs = rpc_free(RPC_PULL_APP_INPUTS_RESPONSE, s->inputs);
                r = app_io_sleep(s->io, NO_RUN_USEC);
                if (r < 0)
                        return r;
        }
}

static int make_context(ServerRun *s)
{
        Config fused = {};
        int r;

        r = s->inputs->context ? context_decode(s->inputs->context, &s->context)
                               : context_init(&s->context, s->inputs->run->run_id, 0);
        if (r < 0) {
                s->text = xasprintf("The context of the run cannot be read: %s", strerror(-r));
                return r;
        }
        r = config_fuse(&s->object.info.manifest.config, &s->inputs->run->override_config, &fused, &s->text);
        if (r < 0)
                return r;
        config_done(&s->context.run_config);
        s->context.run_config = fused;
        return 0;
}

static int prepare(ServerRun *s)
{
        _cleanup_free_ char *home = NULL;
        int r;

        r = executor_home(s->args, &home);
        if (r < 0) {
                s->text = xasprintf("No home directory for apps: %s", strerror(-r));
                return r;
        }
        r = app_object_install(&s->inputs->fab, home, &s->object, &s->text);
        if (r >= 0)
                r = make_context(s);
        if (r >= 0)
                r = app_object_open(&s->object, APP_SERVER, &s->text);
        return r;
}

/* ---- status ---- */

static int update_status(ServerRun *s, const char *status, const char *sub_status, const char *details)
{
        const RunRequest request = {
                .run_id = s->inputs->run->run_id,
                .has_run_id = true,
                .status = (char *) status,
                .sub_status = (char *) sub_status,
                .details = (char *) details,
        };
        _cleanup_free_ char *text = NULL;
        int r;

        r = app_io_call(s->io, RPC_SERVERAPPIO_UPDATE_RUN_STATUS, &request, NULL, NULL, &text);
        if (r < 0 && r != -ECANCELED)
                log_warning("The run's status could not be set to %s, ignoring: %s", status, strempty(text));
        return r;
}

/* ---- the app ---- */

static int push_outputs(ServerRun *s)
{
        AppOutputs outputs = {.token = s->args->token, .run_id = s->inputs->run->run_id};
        _cleanup_blob_ Blob *bytes = NULL;
        _cleanup_buf_ Buf b = {};
        int r;

        r = context_encode(&s->context, &b);
        if (r < 0)
                return r;
        bytes = buf_steal_blob(&b);
        if (!bytes)
                return -ENOMEM;
        outputs.context = bytes;
        return app_io_call(s->io, RPC_SERVERAPPIO_PUSH_APP_OUTPUTS, &outputs, NULL, NULL, &s->text);
}

static int run_app(ServerRun *s)
{
        _cleanup_(grid_freep) flwr_grid *grid = NULL;
        int r;

        r = grid_new(s->io, s->inputs->run->run_id, &grid);
        if (r < 0)
                return r;
        r = s->object.server->main(grid, context_public(&s->context));
        if (r < 0 && grid_failure(grid))
                (void) free_and_strdup(&s->text, grid_failure(grid));
        return r;
}

static int execute(ServerRun *s)
{
        _cleanup_(heartbeat_freep) Heartbeat *heartbeat = NULL;
        int r;

        r = update_status(s, "running", "", "");
        if (r == -ECANCELED)
                return r;
        r = heartbeat_new(s->io, RPC_SERVERAPPIO_SEND_APP_HEARTBEAT, s->args->token, s->inputs->run->run_id,
                &heartbeat);
        if (r >= 0)
                r = prepare(s);
        if (r >= 0)
                r = run_app(s);
        if (r < 0)
                return r;
        /* The outputs end the token: one more heartbeat would be told that the run is over. */
        heartbeat = heartbeat_free(heartbeat);
        return push_outputs(s);
}

/* ---- end ---- */

static int end_stopped(ServerRun *s)
{
        char id[32];

        if (app_io_stopped(s->io) == APP_STOP_SIGNAL)
                return EXIT_SUCCESS;
        (void) snprintf(
                id, sizeof(id), "%llu", s->inputs ? (unsigned long long) s->inputs->run->run_id : 0ull);
        log_with(LOG_INFO, &(LogFields){.run = id}, "Run %s stopped", id);
        return EXIT_SUCCESS;
}

static int end_failed(ServerRun *s, int error)
{
        _cleanup_free_ char *text =
                s->text ? strdup(s->text) : xasprintf("The ServerApp failed: %s", strerror(-error));

        flwr_log(LOG_LEVEL_ERROR, "%s", strempty(text));
        s->capture = log_capture_free(s->capture);
        (void) update_status(s, "finished", "failed", strempty(text));
        return exit_with(FLWR_EXIT_SERVERAPP_EXCEPTION, "%s", strempty(text));
}

static int finish(ServerRun *s, int result)
{
        if (result == -ECANCELED || app_io_stopped(s->io) != APP_STOP_NONE) {
                s->capture = log_capture_free(s->capture);
                return end_stopped(s);
        }
        if (result < 0)
                return end_failed(s, result);
        s->capture = log_capture_free(s->capture);
        (void) update_status(s, "finished", "completed", "");
        return EXIT_SUCCESS;
}

static int serve_run(const ExecutorArgs *args, bool *ret_stopped)
{
        _cleanup_(server_run_done) ServerRun s = {.args = args};
        int r;

        *ret_stopped = true;
        r = app_io_new(args->address, (pid_t) args->parent_pid, &s.io);
        if (r == -EINVAL)
                return exit_with(FLWR_EXIT_COMMON_ADDRESS_INVALID,
                        "\"%s\" is not an address: host:port or unix:/path", args->address);
        if (r < 0) {
                log_error_errno(r, "Cannot start");
                return EX_OSERR;
        }
        r = pull_inputs(&s);
        if (r == -ECANCELED)
                return end_stopped(&s);
        if (r == -EPERM)
                return exit_with(FLWR_EXIT_SERVERAPP_RUN_START_REJECTED, "%s", strempty(s.text));
        if (r >= 0)
                r = log_capture_new(s.io, s.inputs->run->run_id, &s.capture);
        if (r < 0) {
                log_error_errno(
                        s.text ? 0 : r, "The run cannot start%s%s", s.text ? ": " : "", strempty(s.text));
                return EX_UNAVAILABLE;
        }
        r = finish(&s, execute(&s));
        *ret_stopped = app_io_stopped(s.io) == APP_STOP_SIGNAL;
        return r;
}

int flwr_serverapp_main(int argc, char *argv[])
{
        _cleanup_executor_args_ ExecutorArgs args = {};
        bool stopped;
        int status;

        if (executor_parse(&program, ADDRESS_DEFAULT, argc, argv, &args, &status) != 0)
                return status;
        do
                status = serve_run(&args, &stopped);
        while (isempty(args.token) && !args.run_once && !stopped);
        return status;
}
