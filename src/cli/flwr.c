#include <locale.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/command.h"

static const Command *const COMMANDS[] = {
        &CMD_RUN, &CMD_LOG, &CMD_LIST, &CMD_STOP, &CMD_BUILD, &CMD_INSTALL};

static const Program PROGRAM = {
        .name = "flwr",
        .summary = "Flower's command line: build apps and run them on a SuperLink.",
        .description = "Commands are run, log, list (ls), stop, build and install; `flwr COMMAND --help` "
                       "explains each.\n\n"
                       "The SuperLink of run, log, list and stop is found in the app's pyproject.toml "
                       "([tool.flwr.federations]), else "
                       "in $FLWR_HOME/config.toml ([superlink], default directory ~/.flwr). Neither file is "
                       "ever changed.",
        .positionals = "COMMAND [ARGUMENT]...",
        .min_positionals = 1,
        .max_positionals = 1,
};

static void print_commands(FILE *f)
{
        fputs("\ncommands:\n", f);
        for (size_t i = 0; i < ELEMENTSOF(COMMANDS); i++)
                fprintf(f, "  %-20s  %s\n", COMMANDS[i]->name, COMMANDS[i]->program->summary);
}

static const Command *find_command(const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(COMMANDS); i++)
                if (streq(COMMANDS[i]->name, name) || streq_ptr(COMMANDS[i]->alias, name))
                        return COMMANDS[i];
        return NULL;
}

static int run_options(int argc, char *argv[])
{
        _cleanup_free_ char **positionals = NULL;
        int r = options_parse(&PROGRAM, argc, argv, NULL, &positionals);

        if (r < 0)
                return EXIT_USAGE;
        if (r > 0 && argc > 1 && (streq(argv[1], "-h") || streq(argv[1], "--help")))
                print_commands(stdout);
        return 0;
}

int main(int argc, char *argv[])
{
        const Command *command;

        /* Widths of characters in tables; numbers stay as they are. */
        setlocale(LC_CTYPE, "");
        log_open("flwr");

        if (argc < 2) {
                options_print_help(&PROGRAM, stdout);
                print_commands(stdout);
                return 0;
        }
        if (argv[1][0] == '-')
                return run_options(argc, argv);
        command = find_command(argv[1]);
        if (!command) {
                fprintf(stderr, "flwr: \"%s\" is not a command.\n", argv[1]);
                print_commands(stderr);
                return EXIT_USAGE;
        }
        return command->run(argc - 1, argv + 1);
}
