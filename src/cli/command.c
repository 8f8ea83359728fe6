#include "cli/command.h"

typedef struct Menu {
        const Program *program;
        const Command *const *commands;
        size_t n;
} Menu;

static void print_commands(const Menu *m, FILE *f)
{
        fputs("\ncommands:\n", f);
        for (size_t i = 0; i < m->n; i++)
                fprintf(f, "  %-20s  %s\n", m->commands[i]->name, m->commands[i]->program->summary);
}

static const Command *find_command(const Menu *m, const char *name)
{
        for (size_t i = 0; i < m->n; i++)
                if (streq(m->commands[i]->name, name) || streq_ptr(m->commands[i]->alias, name))
                        return m->commands[i];
        return NULL;
}

static int run_options(const Menu *m, int argc, char *argv[])
{
        _cleanup_free_ char **positionals = NULL;
        int r = options_parse(m->program, argc, argv, NULL, &positionals);

        if (r < 0)
                return EXIT_USAGE;
        if (r > 0 && (streq(argv[1], "-h") || streq(argv[1], "--help")))
                print_commands(m, stdout);
        return 0;
}

int command_dispatch(
        const Program *program, const Command *const *commands, size_t n, int argc, char *argv[])
{
        const Menu m = {program, commands, n};
        const Command *command;

        if (argc < 2) {
                options_print_help(program, stdout);
                print_commands(&m, stdout);
                return 0;
        }
        if (argv[1][0] == '-')
                return run_options(&m, argc, argv);
        command = find_command(&m, argv[1]);
        if (!command) {
                fprintf(stderr, "%s: \"%s\" is not a command.\n", program->name, argv[1]);
                print_commands(&m, stderr);
                return EXIT_USAGE;
        }
        return command->run(argc - 1, argv + 1);
}
