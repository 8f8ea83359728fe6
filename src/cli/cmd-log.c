#include "base/text.h"
#include "cli/command.h"
#include "cli/log-stream.h"

typedef struct LogArgs {
        char **federation_config;
        bool stream, show;
} LogArgs;

static void log_args_done(LogArgs *a)
{
        options_free_strings(a->federation_config);
}

static const Option OPTIONS[] = {
        {OPTION_FLAG, "stream", .offset = offsetof(LogArgs, stream),
                .help = "Follow the logs until the run ends. This is the default."},
        {OPTION_FLAG, "show", .offset = offsetof(LogArgs, show), .help = "Print what there is and exit."},
        OPTION_CONNECTION(LogArgs),
        {OPTION_END},
};

static const Program PROGRAM = {
        .name = "flwr log",
        .summary = "Print the logs of a run's ServerApp.",
        .description = "Interrupting this program (Ctrl-C) leaves the run alone.",
        .positionals = "RUN_ID [APP] [FEDERATION]",
        .min_positionals = 1,
        .max_positionals = 3,
        .options = OPTIONS,
        .exit_status = "0 when the run completed, when the stream was interrupted, and with --show; 1 when "
                       "the run failed or was "
                       "stopped; otherwise a number of sysexits(3).",
        .examples = "  flwr log 1234\n  flwr log 1234 . local --show\n",
};

static int log_command(int argc, char *argv[])
{
        _cleanup_(log_args_done) LogArgs args = {};
        _cleanup_free_ char **positionals = NULL;
        _cleanup_remote_ Remote remote = {};
        const char *app, *name;
        uint64_t run_id;
        int r;

        r = options_parse(&PROGRAM, argc, argv, &args, &positionals);
        if (r != 0)
                return r < 0 ? EXIT_USAGE : 0;
        if (parse_u64(positionals[0], &run_id) < 0)
                return report_error(FORMAT_DEFAULT, EXIT_USAGE,
                        "\"%s\" is not a run ID: `flwr ls` shows them.", positionals[0]);
        if (args.stream && args.show)
                return report_error(FORMAT_DEFAULT, EXIT_USAGE, "--stream and --show exclude each other.");

        remote_split_positionals(positionals + 1, &app, &name);
        r = remote_open(&remote, FORMAT_DEFAULT, app, name, args.federation_config);
        if (r != 0)
                return r;
        return args.show ? log_show(&remote, run_id) : log_stream(&remote, run_id);
}

const Command CMD_LOG = {"log", NULL, &PROGRAM, log_command};
