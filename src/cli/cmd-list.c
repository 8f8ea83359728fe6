#include <inttypes.h>

#include "cli/command.h"
#include "cli/remote.h"
#include "cli/run-view.h"

typedef struct ListArgs {
        char **federation_config;
        char *format;
        uint64_t run_id, limit;
        bool runs;
} ListArgs;

static void list_args_done(ListArgs *a)
{
        options_free_strings(a->federation_config);
        free(a->format);
}

static const Option OPTIONS[] = {
        {OPTION_FLAG, "runs", .offset = offsetof(ListArgs, runs),
                .help = "List all runs. This is the default."},
        {OPTION_UINT, "run-id", .metavar = "N", .offset = offsetof(ListArgs, run_id),
                .help = "Show one run in full."},
        {OPTION_UINT, "limit", .metavar = "N", .offset = offsetof(ListArgs, limit),
                .help = "List only the N newest runs."},
        OPTION_FORMAT(ListArgs),
        OPTION_CONNECTION(ListArgs),
        {OPTION_END},
};

static const Program PROGRAM = {
        .name = "flwr list",
        .summary = "List the runs of a SuperLink, the newest first.",
        .positionals = "[APP] [FEDERATION]",
        .max_positionals = 2,
        .options = OPTIONS,
        .examples = "  flwr ls\n  flwr ls . local --run-id 1234 --format json\n",
};

static int fetch(Remote *remote, const ListArgs *args, RunsReply **ret)
{
        RunRequest request = {
                .run_id = args->run_id,
                .has_run_id = args->run_id > 0,
                .limit = args->limit,
                .has_limit = args->limit > 0,
        };
        void *reply = NULL;
        int status = remote_call(remote, RPC_CONTROL_LIST_RUNS, &request, &reply);

        if (status == 0)
                *ret = reply;
        return status;
}

static int print(OutputFormat f, const ListArgs *args, RunsReply *reply)
{
        size_t n = reply->n;
        usec_t now;

        if (iso_time_parse(strempty(reply->now), &now) < 0)
                now = now_realtime();
        runs_sort_newest_first(reply->runs, reply->n);
        /* Releases before 1.27 do not know the limit. */
        if (args->limit > 0)
                n = MIN(n, args->limit);

        if (f == FORMAT_JSON)
                return runs_print_json(reply->runs, n, now);
        if (args->run_id > 0 && n > 0)
                return run_print_details(reply->runs[0], now);
        return runs_print_table(reply->runs, n, now);
}

static int list(int argc, char *argv[])
{
        _cleanup_(list_args_done) ListArgs args = {};
        _cleanup_free_ char **positionals = NULL;
        _cleanup_remote_ Remote remote = {};
        const char *app, *name;
        RunsReply *reply = NULL;
        OutputFormat f;
        int r;

        r = options_parse(&PROGRAM, argc, argv, &args, &positionals);
        if (r != 0)
                return r < 0 ? EXIT_USAGE : 0;
        f = format_parse(args.format);
        if (args.run_id > 0 && (args.runs || args.limit > 0))
                return report_error(f, EXIT_USAGE, "--run-id shows one run: leave --runs and --limit out.");

        remote_split_positionals(positionals, &app, &name);
        r = remote_open(&remote, f, app, name, args.federation_config);
        if (r != 0)
                return r;
        if (args.run_id > 0)
                report_line(f, "🔍 Displaying information for run ID %" PRIu64 "...", args.run_id);
        else
                report_line(f, "📄 Listing all runs...");
        r = fetch(&remote, &args, &reply);
        if (r != 0)
                return r;
        if (args.run_id > 0 && reply->n == 0)
                r = remote_report(&remote, RPC_NOT_FOUND, "Run ID not found");
        else
                r = print(f, &args, reply);
        rpc_free(RPC_LIST_RUNS_RESPONSE, reply);
        return r;
}

const Command CMD_LIST = {"list", "ls", &PROGRAM, list};
