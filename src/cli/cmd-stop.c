#include <inttypes.h>
#include <json-c/json.h>
#include <sysexits.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/remote.h"

typedef struct StopArgs {
        char **federation_config;
        char *format;
} StopArgs;

static void stop_args_done(StopArgs *a)
{
        options_free_strings(a->federation_config);
        free(a->format);
}

static const Option OPTIONS[] = {
        OPTION_FORMAT(StopArgs),
        OPTION_CONNECTION(StopArgs),
        {OPTION_END},
};

static const Program PROGRAM = {
        .name = "flwr stop",
        .summary = "Stop a run that has not ended.",
        .positionals = "RUN_ID [APP] [FEDERATION]",
        .min_positionals = 1,
        .max_positionals = 3,
        .options = OPTIONS,
        .examples = "  flwr stop 1234\n",
};

static int stop_run(Remote *remote, uint64_t run_id, bool *ret_success)
{
        RunRequest request = {.run_id = run_id, .has_run_id = true};
        BoolReply *reply = NULL;
        int status = remote_call(remote, RPC_CONTROL_STOP_RUN, &request, (void **) &reply);

        if (status != 0)
                return status;
        *ret_success = reply->success;
        rpc_free(RPC_STOP_RUN_RESPONSE, reply);
        return 0;
}

static int print(OutputFormat f, uint64_t run_id)
{
        char id[24];
        Json *document;

        if (f == FORMAT_DEFAULT) {
                report_line(f, "✅ Run %" PRIu64 " successfully stopped.", run_id);
                return 0;
        }

        (void) snprintf(id, sizeof(id), "%" PRIu64, run_id);
        document = json_object_new_object();
        if (document &&
                (json_object_object_add(document, "success", json_object_new_boolean(true)) < 0 ||
                        json_object_object_add(document, "run-id", json_object_new_string(id)) < 0)) {
                json_object_put(document);
                document = NULL;
        }
        return report_json(document);
}

static int stop(int argc, char *argv[])
{
        _cleanup_(stop_args_done) StopArgs args = {};
        _cleanup_free_ char **positionals = NULL;
        _cleanup_remote_ Remote remote = {};
        const char *app, *name;
        bool success = false;
        uint64_t run_id;
        OutputFormat f;
        int r;

        r = options_parse(&PROGRAM, argc, argv, &args, &positionals);
        if (r != 0)
                return r < 0 ? EXIT_USAGE : 0;
        f = format_parse(args.format);
        if (parse_u64(positionals[0], &run_id) < 0)
                return report_error(
                        f, EXIT_USAGE, "\"%s\" is not a run ID: `flwr ls` shows them.", positionals[0]);

        remote_split_positionals(positionals + 1, &app, &name);
        r = remote_open(&remote, f, app, name, args.federation_config);
        if (r != 0)
                return r;
        report_line(f, "✋ Stopping run ID %" PRIu64 "...", run_id);
        r = stop_run(&remote, run_id, &success);
        if (r != 0)
                return r;
        if (!success)
                return report_error(f, EX_TEMPFAIL,
                        "The SuperLink could not stop run %" PRIu64 ". `flwr ls --run-id %" PRIu64
                        "` shows its status.",
                        run_id, run_id);
        return print(f, run_id);
}

const Command CMD_STOP = {"stop", NULL, &PROGRAM, stop};
