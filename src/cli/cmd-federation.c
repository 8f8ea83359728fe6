#include "cli/command.h"
#include "cli/federation-view.h"
#include "cli/node-view.h"
#include "cli/remote.h"
#include "cli/run-view.h"

typedef struct FederationArgs {
        char **federation_config;
        char *format, *federation;
        bool verbose;
} FederationArgs;

static void federation_args_done(FederationArgs *a)
{
        options_free_strings(a->federation_config);
        free(a->format);
        free(a->federation);
}

static const Option LIST_OPTIONS[] = {
        {OPTION_STRING, "federation", .metavar = "NAME", .offset = offsetof(FederationArgs, federation),
                .help = "Show members, SuperNodes and runs of this one."},
        {OPTION_FLAG, "verbose", 'v', .offset = offsetof(FederationArgs, verbose),
                .help = "Show archived federations, too."},
        OPTION_FORMAT(FederationArgs),
        OPTION_CONNECTION(FederationArgs),
        {OPTION_END},
};

static const Program LIST_PROGRAM = {
        .name = "flwr federation list",
        .summary = "List the federations of a SuperLink, or show one of them.",
        .description =
                "flower-superlink has one federation, of all its SuperNodes and runs: \"@none/default\" "
                "(\"default\" on genuine SuperLinks up to Flower 1.25).",
        .positionals = "[APP] [SUPERLINK]",
        .max_positionals = 2,
        .options = LIST_OPTIONS,
        .examples = "  flwr federation ls\n  flwr federation ls --federation @none/default\n",
};

static int list_all(Remote *remote, const FederationArgs *args)
{
        FederationsReply *reply = NULL;
        int r;

        report_line(remote->format, "📄 Listing federations...");
        r = remote_call(remote, RPC_CONTROL_LIST_FEDERATIONS, NULL, (void **) &reply);
        if (r != 0)
                return r;
        r = remote->format == FORMAT_JSON
                    ? federations_print_json(reply->federations, reply->n)
                    : federations_print_table(reply->federations, reply->n, args->verbose);
        rpc_free(RPC_LIST_FEDERATIONS_RESPONSE, reply);
        return r;
}

static int print_one(OutputFormat f, FederationReply *reply)
{
        Federation *federation = &reply->federation;
        usec_t now;

        if (iso_time_parse(strempty(reply->now), &now) < 0)
                now = now_realtime();
        runs_sort_newest_first(federation->runs, federation->n_runs);
        nodes_sort_oldest_first(federation->nodes, federation->n_nodes);
        return f == FORMAT_JSON ? federation_print_json(federation, now)
                                : federation_print_details(federation, now);
}

static int show_one(Remote *remote, const char *name)
{
        FederationRequest request = {.name = (char *) name};
        FederationReply *reply = NULL;
        int r;

        report_line(remote->format, "📄 Showing federation '%s'...", name);
        r = remote_call(remote, RPC_CONTROL_SHOW_FEDERATION, &request, (void **) &reply);
        if (r != 0)
                return r;
        r = print_one(remote->format, reply);
        rpc_free(RPC_SHOW_FEDERATION_RESPONSE, reply);
        return r;
}

static int list(int argc, char *argv[])
{
        _cleanup_(federation_args_done) FederationArgs args = {};
        _cleanup_free_ char **positionals = NULL;
        _cleanup_remote_ Remote remote = {};
        const char *app, *name;
        int r;

        r = options_parse(&LIST_PROGRAM, argc, argv, &args, &positionals);
        if (r != 0)
                return r < 0 ? EXIT_USAGE : 0;
        remote_split_positionals(positionals, &app, &name);
        r = remote_open(&remote, format_parse(args.format), app, name, args.federation_config);
        if (r != 0)
                return r;
        return args.federation ? show_one(&remote, args.federation) : list_all(&remote, &args);
}

static const Program PROGRAM = {
        .name = "flwr federation",
        .summary = "List the federations of a SuperLink.",
        .description = "The command is list (ls); `flwr federation list --help` explains it.",
        .positionals = "COMMAND [ARGUMENT]...",
        .min_positionals = 1,
        .max_positionals = 1,
};

static int federation(int argc, char *argv[])
{
        static const Command LIST = {"list", "ls", &LIST_PROGRAM, list};
        static const Command *const commands[] = {&LIST};

        return command_dispatch(&PROGRAM, commands, ELEMENTSOF(commands), argc, argv);
}

const Command CMD_FEDERATION = {"federation", NULL, &PROGRAM, federation};
